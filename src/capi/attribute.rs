//! Attributes of the reader.

use super::{attached, scm_handle, scm_result};
use crate::abi::hresult::Hresult;
use crate::capi::boundary::{OfArgument, OutputBytes, guard, input};

/// `scm_get_attribute`: the name of the vendor of the reader, a text.
pub const SCM_ATTR_VENDOR_NAME: u32 = 0x00010100;
/// `scm_get_attribute`: the type of the reader, a text.
pub const SCM_ATTR_VENDOR_IFD_TYPE: u32 = 0x00010101;
/// `scm_get_attribute`: the version of the reader, a number of 4 bytes: 0xMMmmbbbb for major, minor and build.
pub const SCM_ATTR_VENDOR_IFD_VERSION: u32 = 0x00010102;
/// `scm_get_attribute`: the serial number of the reader, a text.
pub const SCM_ATTR_VENDOR_IFD_SERIAL_NO: u32 = 0x00010103;
/// `scm_get_attribute`: how the reader is connected, such as bus and device of USB, a number of 4 bytes.
pub const SCM_ATTR_CHANNEL_ID: u32 = 0x00020110;
/// `scm_get_attribute`: the presence of a card, 1 byte.
pub const SCM_ATTR_ICC_PRESENCE: u32 = 0x00090300;
/// `scm_get_attribute`: whether the contacts of the card are active, 1 byte.
pub const SCM_ATTR_ICC_INTERFACE_STATUS: u32 = 0x00090301;
/// `scm_get_attribute`: the ATR of the card.
pub const SCM_ATTR_ATR_STRING: u32 = 0x00090303;
/// `scm_get_attribute`: the name of the reader, as pcsc-lite gives it to programs, a text.
pub const SCM_ATTR_DEVICE_FRIENDLY_NAME: u32 = 0x7FFF0003;

/// Reads an attribute of the reader, its driver or its card (PC/SC part 3).
///
/// A driver has only some of the attributes. `SCM_ATTR_*` are those that many have; the headers of the platform name
/// more, `SCARD_ATTR_*` with the same values. Numbers in a value are in the byte order of the machine.
///
/// @param handle  the attachment
/// @param attribute  the identifier of the attribute: `SCM_ATTR_*`, or any other number
/// @param value  [out] its value; NULL with capacity 0 asks for the length
/// @param capacity  the room in `value`; no attribute is longer than 264 bytes
/// @param value_length  [out] the length of the value, also if it does not fit; 0 after another failure
///
/// @return
/// - `SCM_S_OK`: read.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the value does not fit.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the driver does not know this attribute.
/// - `SCM_SCARD_E_NOT_TRANSACTED`: the driver knows it, and failed.
/// - `SCM_SCARD_F_INTERNAL_ERROR`: the driver gave a length that no attribute has.
/// - `SCM_SCARD_E_SHARING_VIOLATION`: another application holds a lock on the card.
/// - the other codes of a connection
///
/// Does not block.
///
/// @see scm_set_attribute, scm_get_atr, scm_get_ifd_name
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_get_attribute(
    handle: *mut scm_handle,
    attribute: u32,
    value: *mut u8,
    capacity: libc::size_t,
    value_length: *mut libc::size_t,
) -> scm_result {
    guard!(scm_get_attribute(handle, attribute, value, capacity, value_length), || {
        // SAFETY: as the header says.
        let value = unsafe { OutputBytes::new(value, capacity, value_length).of("value") }?;
        attached(handle)?.get_attribute(attribute, |found| value.fill(found))
    })
}

/// Sets an attribute of the reader or its driver. Few drivers allow it.
///
/// @param handle  the attachment
/// @param attribute  the identifier of the attribute: `SCM_ATTR_*`, or any other number
/// @param value  its value; NULL with length 0 for an empty one
/// @param value_length  its length, up to 264 bytes
///
/// @return
/// - `SCM_S_OK`: set.
/// - `SCM_SCARD_E_INVALID_PARAMETER`: the value is empty, and the resource manager does not accept that (pcsc-lite).
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the driver does not know this attribute.
/// - `SCM_SCARD_E_NOT_TRANSACTED`: the driver refuses to set it.
/// - `SCM_SCARD_E_SHARING_VIOLATION`: another application holds a lock on the card.
/// - the other codes of a connection
///
/// Does not block.
///
/// @see scm_get_attribute
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_set_attribute(
    handle: *mut scm_handle,
    attribute: u32,
    value: *const u8,
    value_length: libc::size_t,
) -> scm_result {
    guard!(scm_set_attribute(handle, attribute, value, value_length), || {
        let attachment = attached(handle)?;
        // SAFETY: as the header says.
        attachment.set_attribute(attribute, unsafe { input(value, value_length).of("value") }?)?;
        Ok(Hresult::S_OK)
    })
}

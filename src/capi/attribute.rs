//! Attributes of the reader.

use super::{attached, scm_handle, scm_result};
use crate::abi::hresult::Hresult;
use crate::capi::boundary::{OutputBytes, guard, input};

/// Reads an attribute of the reader, its driver or its card (PC/SC part 3).
///
/// The headers of the platform name the attributes `SCARD_ATTR_*`. Numbers in a value are in the byte order of the
/// machine. A driver has only some of them. Often there are:
/// - 0x00010100 vendor name, 0x00010101 type of the reader, 0x00010102 its version, 0x00010103 its serial number
/// - 0x00020110 channel: how the reader is connected, such as bus and device of USB
/// - 0x00090300 presence of a card, 0x00090301 whether its contacts are active, 0x00090303 its ATR
/// - 0x7FFF0003 name of the reader, as pcsc-lite gives it to programs
///
/// @param handle  the attachment
/// @param attribute  the identifier of the attribute
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
    guard(|| {
        // SAFETY: as the header says.
        let value = unsafe { OutputBytes::new(value, capacity, value_length) }?;
        attached(handle)?.get_attribute(attribute, |found| value.fill(found))
    })
}

/// Sets an attribute of the reader or its driver. Few drivers allow it.
///
/// @param handle  the attachment
/// @param attribute  the identifier of the attribute
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
    guard(|| {
        let attachment = attached(handle)?;
        // SAFETY: as the header says.
        attachment.set_attribute(attribute, unsafe { input(value, value_length) }?)?;
        Ok(Hresult::S_OK)
    })
}

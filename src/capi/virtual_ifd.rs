//! Virtual readers.

use std::ffi::{c_char, c_void};

use super::attachment::SCM_IFD_NAME_MAX;
use super::virtual_card::{read_card, scm_virtual_card};
use super::{handles, scm_result, token};
use crate::abi::cause::refuse;
use crate::abi::constants::Disposition;
use crate::abi::hresult::{Hresult, Result};
use crate::capi::boundary::{OfArgument, Options, Output, OutputBytes, guard, input, options, text};
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::r#virtual::{self, Attribute, Attributes, Driver, DriverCallbacks, IfdNumber, Make};
use crate::resource_manager::{MAX_ATTRIBUTE, managers};
use crate::runtime::fallible::Arc;

/// A virtual reader. `scm_virtual_ifd_create` makes it, `scm_virtual_ifd_destroy` ends it.
pub struct scm_virtual_ifd {
    _opaque: (),
}

/// Options of a virtual reader. Initialise with `SCM_VIRTUAL_IFD_OPTIONS_INIT`; zero in a field is its default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_virtual_ifd_options {
    /// `sizeof(scm_virtual_ifd_options)`: tells the library which version of the structure this is.
    pub struct_size: u32,
    /// The size of the log in bytes; the oldest lines are dropped first. 0 (default): 1 MiB; at most 1 GiB. The address
    /// space is reserved at once, the memory is used as the log grows.
    pub log_capacity: u32,
    /// The attribute `SCM_ATTR_VENDOR_NAME`: UTF-8, 1 to `SCM_IFD_NAME_MAX` bytes. Default "libscm".
    pub vendor_name: *const c_char,
    /// The first argument of the callbacks.
    pub user_data: *mut c_void,
    /// Answers a control code as the reader, with or without a card, unless another attachment has a lock. NULL for a
    /// reader that knows no code. `SCM_E_NOTIMPL` and `SCM_SCARD_E_UNSUPPORTED_FEATURE` mean that the reader does not
    /// know this code; then `control` of the card is asked. Any other failure is a failed reader
    /// (`SCM_SCARD_E_NOT_TRANSACTED`). The capacity is `SCM_RESPONSE_MAX`.
    ///
    /// It runs as the callbacks of a card (`scm_virtual_card`): on the thread that calls `scm_control`, without a lock
    /// of the library, never two at a time for one reader, but possibly beside a callback of the card. It may call the
    /// library, also to insert or remove the card of its own reader or to destroy the reader, and never waits:
    /// `scm_control` to its own reader returns `SCM_SCARD_E_NOT_READY`.
    pub control: Option<
        unsafe extern "C-unwind" fn(
            user_data: *mut c_void,
            control_code: u32,
            input: *const u8,
            input_length: libc::size_t,
            output: *mut u8,
            capacity: libc::size_t,
            output_length: *mut libc::size_t,
        ) -> scm_result,
    >,
    /// The last call, once: the reader was destroyed, and no control code is in progress. NULL if there is nothing to
    /// do. Not called if `scm_virtual_ifd_create` fails, nor in the child of a fork.
    pub release: Option<unsafe extern "C-unwind" fn(user_data: *mut c_void)>,
    /// Attributes of the reader, in addition to those that every virtual reader has, or in their place; copied. NULL
    /// for none.
    pub attributes: *const scm_virtual_attribute,
    /// Their number, up to 256; no two with the same `id`.
    pub attribute_count: libc::size_t,
}

// SAFETY: repr(C), two u32, then pointers and a size_t without padding. A function pointer is one of the caller's, or
// NULL.
unsafe impl Options for scm_virtual_ifd_options {
    const FIRST_SIZE: usize = 8 + size_of::<usize>();
    const DEFAULT: Self = scm_virtual_ifd_options {
        struct_size: size_of::<Self>() as u32,
        log_capacity: 0,
        vendor_name: std::ptr::null(),
        user_data: std::ptr::null_mut(),
        control: None,
        release: None,
        attributes: std::ptr::null(),
        attribute_count: 0,
    };
}

const DEFAULT_LOG_LIMIT: u32 = 1 << 20;
const MAX_LOG_LIMIT: u32 = 1 << 30;
const MAX_ATTRIBUTES: usize = 256;

/// `scm_virtual_attribute.flags`: `scm_set_attribute` can change the value, until the reader is destroyed.
pub const SCM_VIRTUAL_ATTRIBUTE_SETTABLE: u32 = 1;

/// An attribute of a virtual reader. This structure does not grow.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_virtual_attribute {
    /// Its identifier, as for `scm_get_attribute`.
    pub id: u32,
    /// 0, or `SCM_VIRTUAL_ATTRIBUTE_SETTABLE`.
    pub flags: u32,
    /// Its value; NULL with length 0 for an empty one.
    pub value: *const u8,
    /// The length of the value, up to 264 bytes.
    pub value_length: libc::size_t,
}

/// Makes a virtual reader, without a card.
///
/// It is visible only inside this process, through this library, until `scm_virtual_ifd_destroy`. The child of a fork
/// has no virtual readers. If the resource manager of the platform runs, it is asked whether it has a reader of this
/// name (not in the child of a fork); a system that starts it on demand does so then.
///
/// @param name  the name: 1 to `SCM_IFD_NAME_MAX` bytes
/// @param options  the options; NULL for the defaults. `user_data` belongs to the reader until `release`.
/// @param ifd  [out] the reader; NULL after a failure
///
/// @return
/// - `SCM_S_OK`: made.
/// - `SCM_E_INVALIDARG`: also a `log_capacity` that is too large; too many attributes, one that is too long, or two
///   with one `id`.
/// - `SCM_SCARD_E_DUPLICATE_READER`: a real or a virtual reader has this name.
///
/// Does not block. May be called in the child of a fork.
///
/// @see scm_virtual_ifd_insert, scm_virtual_ifd_destroy, scm_list_ifds, scm_attach_by_ifd
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_virtual_ifd_create(
    name: *const c_char,
    options: *const scm_virtual_ifd_options,
    ifd: *mut *mut scm_virtual_ifd,
) -> scm_result {
    // SAFETY: as the header says.
    guard!(scm_virtual_ifd_create(text(name), options, ifd), || unsafe { create(name, options, ifd) })
}

/// Unplugs a virtual reader, with its card.
///
/// Attachments stay, and return `SCM_SCARD_E_READER_UNAVAILABLE` until a reader of the same name exists and they are
/// reconnected.
///
/// @param ifd  the reader
///
/// @return
/// - `SCM_S_OK`: unplugged.
/// - `SCM_E_HANDLE`: `ifd` is not a virtual reader.
///
/// Does not block. If a callback runs, `release` follows when it has returned.
///
/// @see scm_virtual_ifd_create, scm_virtual_ifd_remove
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_virtual_ifd_destroy(ifd: *mut scm_virtual_ifd) -> scm_result {
    guard!(scm_virtual_ifd_destroy(ifd), || {
        let number = handles()?.virtual_ifds.remove(token(ifd)?)?;
        r#virtual::destroy(number)?;
        Ok(Hresult::S_OK)
    })
}

/// Inserts a card into a virtual reader, and powers it (`power` with `SCM_POWER_ON`).
///
/// @param ifd  the reader
/// @param card  the card; the structure and the ATR are copied. `user_data` belongs to the reader until `release`.
///
/// @return
/// - `SCM_S_OK`: inserted, also if the card is mute. If the service is stopped, its start powers the card.
/// - `SCM_E_INVALIDARG`: also if the ATR is empty or too long, or `transmit` is NULL.
/// - `SCM_SCARD_E_NOT_READY`: there is a card in the reader.
///
/// Blocks as long as `power` takes. After a failure nothing was called, and the card still belongs to the caller.
///
/// @see scm_virtual_ifd_remove, scm_virtual_ifd_reset, scm_attach_by_ifd
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_virtual_ifd_insert(
    ifd: *mut scm_virtual_ifd,
    card: *const scm_virtual_card,
) -> scm_result {
    guard!(scm_virtual_ifd_insert(ifd, card), || {
        let number = number(ifd)?;
        // SAFETY: as the header says.
        r#virtual::insert(number, unsafe { read_card(card) }?)?;
        Ok(Hresult::S_OK)
    })
}

/// Removes the card of a virtual reader, whatever is in progress.
///
/// Every attachment returns `SCM_SCARD_W_REMOVED_CARD` from now on until it is reconnected, and so do the exchange in
/// progress and calls that wait for the card. Locks end. As with pcscd, a reset of the next card replaces this signal.
///
/// @param ifd  the reader
///
/// @return
/// - `SCM_S_OK`: removed. `power` (`SCM_POWER_OFF`) and `release` were called, or follow when a callback that runs has
///   returned.
/// - `SCM_SCARD_E_NO_SMARTCARD`: there is no card in the reader.
///
/// Does not block, not even while a callback runs. A callback of the card may call it.
///
/// @see scm_virtual_ifd_insert, scm_virtual_ifd_destroy
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_virtual_ifd_remove(ifd: *mut scm_virtual_ifd) -> scm_result {
    guard!(scm_virtual_ifd_remove(ifd), || {
        r#virtual::remove(number(ifd)?)?;
        Ok(Hresult::S_OK)
    })
}

/// Resets the card of a virtual reader, or turns its power off, as another application would.
///
/// Every attachment returns `SCM_SCARD_W_RESET_CARD` from now on until it is reconnected. Unlike another application
/// this ignores locks.
///
/// @param ifd  the reader
/// @param disposition  `SCM_DISPOSITION_RESET` (warm reset), or `SCM_DISPOSITION_UNPOWER`: the power stays off until
///   the next use
///
/// @return
/// - `SCM_S_OK`: done.
/// - `SCM_SCARD_E_NO_SMARTCARD`: there is no card in the reader.
/// - `SCM_SCARD_E_NO_SERVICE`: the virtual resource manager is stopped.
///
/// Blocks until an exchange in progress has ended, except in its callback: then the exchange fails with
/// `SCM_SCARD_W_RESET_CARD`.
///
/// @see scm_virtual_ifd_remove, scm_reconnect
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_virtual_ifd_reset(ifd: *mut scm_virtual_ifd, disposition: u32) -> scm_result {
    guard!(scm_virtual_ifd_reset(ifd, disposition), || {
        let number = number(ifd)?;
        r#virtual::reset(number, Disposition::from_value(disposition).of("disposition")?).of("disposition")?;
        Ok(Hresult::S_OK)
    })
}

/// Gets the log of a virtual reader: one line for each operation, the oldest first.
///
/// A line has the operation, ` -> `, and the answer or the name of the code. Bytes are in hexadecimal.
///
/// ```text
/// insert 3B80800101
/// power on -> ok
/// connect shared T=0|T=1 -> T=1
/// status -> negotiable
/// transmit 00A40000023F00 -> 9000
/// transmit 00200081 (5 bytes withheld) -> 63C2
/// end leave -> ok
/// remove
/// power off -> ok
/// transmit 00B0000000 -> SCM_SCARD_W_REMOVED_CARD
/// ```
///
/// A line is written at the end of its operation, so the line of an exchange follows those of its callback.
///
/// The data of commands that may carry a code, a key or a cryptogram are withheld. In every class: VERIFY (20, 21),
/// CHANGE REFERENCE DATA (24, 25), DISABLE and ENABLE VERIFICATION REQUIREMENT (26, 28), PERFORM SECURITY OPERATION
/// (2A), RESET RETRY COUNTER (2C, 2D), PERFORM BIOMETRIC OPERATION (2E, 2F), EXTERNAL, GENERAL and INTERNAL
/// AUTHENTICATE (82, 86 to 89), ENVELOPE (C2, C3), PUT KEY (D8) and PUT DATA (DA, DB). In proprietary classes: STORE
/// DATA (E2). And every command with secure messaging. Control codes show only the length of their data.
///
/// @param ifd  the reader
/// @param log  [out] the text with its NUL; NULL with capacity 0 asks for the length
/// @param capacity  the room in `log`, in bytes
/// @param log_length  [out] the length of the text with its NUL, also if it does not fit; 0 after another failure
///
/// @return
/// - `SCM_S_OK`: copied.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the log does not fit. It may be longer at the next call.
///
/// Never blocks.
///
/// @see scm_virtual_ifd_clear_log, scm_virtual_ifd_create
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_virtual_ifd_get_log(
    ifd: *mut scm_virtual_ifd,
    log: *mut c_char,
    capacity: libc::size_t,
    log_length: *mut libc::size_t,
) -> scm_result {
    guard!(scm_virtual_ifd_get_log(ifd, log, capacity, log_length), || {
        // SAFETY: as the header says.
        let log = unsafe { OutputBytes::new(log.cast(), capacity, log_length).of("log") }?;
        log.fill(&r#virtual::log(number(ifd)?)?)
    })
}

/// Empties the log of a virtual reader.
///
/// @param ifd  the reader
///
/// @return
/// - `SCM_S_OK`: emptied.
/// - `SCM_E_HANDLE`: `ifd` is not a virtual reader.
///
/// Never blocks.
///
/// @see scm_virtual_ifd_get_log
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_virtual_ifd_clear_log(ifd: *mut scm_virtual_ifd) -> scm_result {
    guard!(scm_virtual_ifd_clear_log(ifd), || {
        r#virtual::clear_log(number(ifd)?)?;
        Ok(Hresult::S_OK)
    })
}

pub(super) fn number(ifd: *mut scm_virtual_ifd) -> Result<IfdNumber> {
    handles()?.virtual_ifds.get(token(ifd)?)
}

/// # Safety
/// The pointers are as the header says.
unsafe fn create(
    name: *const c_char,
    given: *const scm_virtual_ifd_options,
    ifd: *mut *mut scm_virtual_ifd,
) -> Result<Hresult> {
    // SAFETY: as the caller vouches for.
    let (ifd, name, given) = unsafe {
        (Output::new(ifd).of("ifd")?, text(name, SCM_IFD_NAME_MAX).of("name")?, options(given).within("options")?)
    };
    let name = IfdName::new(name).of("name")?;
    let vendor = match given.vendor_name.is_null() {
        true => IfdName::new(b"libscm")?,
        // SAFETY: as the caller vouches for.
        false => unsafe { text(given.vendor_name, SCM_IFD_NAME_MAX) }
            .and_then(IfdName::new)
            .of("vendor_name")
            .within("options")?,
    };
    // SAFETY: as the caller vouches for.
    let attributes = unsafe { read_attributes(given.attributes, given.attribute_count) }.within("options")?;
    let log_capacity = match given.log_capacity {
        0 => DEFAULT_LOG_LIMIT,
        limit if limit <= MAX_LOG_LIMIT => limit,
        _ => return Err(refuse("is greater than 1 GiB")).of("log_capacity").within("options"),
    };
    if managers::has_ifd(&name)? {
        return Err(Hresult::SCARD_E_DUPLICATE_READER);
    }
    // The table registers the handler that removes the readers in the child of a fork.
    drop(handles()?);
    let scm_virtual_ifd_options { user_data: user, control, release, .. } = given;
    let driver = Arc::try_new(Driver::new(DriverCallbacks { user, control, release }))?;
    let make = Make { vendor, attributes, driver: driver.clone(), log_capacity: log_capacity as usize };
    let number = r#virtual::create(name, make)?;
    let inserted = handles()?.virtual_ifds.insert(number);
    match inserted {
        Ok(token) => ifd.set(token.to_pointer()),
        Err(code) => return r#virtual::destroy(number).and(Err(code)),
    }
    // Nothing fails from here on.
    driver.keep();
    Ok(Hresult::S_OK)
}

/// # Safety
/// The pointers are as the header says.
unsafe fn read_attributes(given: *const scm_virtual_attribute, count: usize) -> Result<Attributes> {
    let mut attributes = Attributes::default();
    if count > MAX_ATTRIBUTES {
        return Err(refuse("is greater than 256")).of("attribute_count");
    }
    if count > 0 && given.is_null() {
        return Err(refuse("is NULL, and its count is not 0")).of("attributes");
    }
    for number in 0..count {
        // SAFETY: as the caller vouches for; C may have placed them anywhere.
        let scm_virtual_attribute { id, flags, value, value_length } = unsafe { given.add(number).read_unaligned() };
        // SAFETY: as the caller vouches for.
        let bytes = unsafe { input(value, value_length).of("attributes") }?;
        if bytes.len() > MAX_ATTRIBUTE || flags & !SCM_VIRTUAL_ATTRIBUTE_SETTABLE != 0 {
            return Err(refuse("has a value that is too long, or a flag that is not defined")).of("attributes");
        }
        let mut value = Vec::new();
        value.try_reserve_exact(bytes.len())?;
        value.extend_from_slice(bytes);
        attributes.add(Attribute { id, value, settable: flags != 0 }).of("attributes")?;
    }
    Ok(attributes)
}

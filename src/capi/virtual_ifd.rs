//! Virtual readers and virtual cards.

use std::ffi::{c_char, c_void};

use super::attachment::SCM_IFD_NAME_MAX;
use super::{handles, scm_result, token};
use crate::abi::cause::{refuse, refuse_length};
use crate::abi::constants::{Disposition, Protocols};
use crate::abi::hresult::{Hresult, Result};
use crate::capi::boundary::{OfArgument, Options, Output, OutputBytes, guard, input, options, required, text};
use crate::iso7816::atr::{self, Atr};
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::r#virtual::{
    self, Attribute, Attributes, CardCallbacks, Driver, DriverCallbacks, Failure, IfdNumber, Make, Operation,
    VirtualCard,
};
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

/// A virtual card. Initialise with `SCM_VIRTUAL_CARD_INIT`.
///
/// The callbacks run on the thread whose call needs the card (of an application, or of `scm_virtual_ifd_insert` and the
/// like), without a lock of the library, and never two at a time for one card, from its insertion to `release`.
///
/// A callback may call the library, but never waits, because another thread may wait for the callback. A call that
/// would have to wait returns `SCM_SCARD_E_NOT_READY`:
/// - a call on the attachment that the callback works for, except `scm_detach` and the functions that never block
/// - a use of its own card through any attachment
/// - a use of an attachment, reader or card that another thread uses at the time
///
/// A callback may remove or reset its own card. Then the exchange in progress fails with `SCM_SCARD_W_REMOVED_CARD` or
/// `SCM_SCARD_W_RESET_CARD`, and `power` and `release` are called after the callback has returned. To insert another
/// card with the same `user_data`, do that in `release`. If its thread ends in a callback, the callback has failed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_virtual_card {
    /// `sizeof(scm_virtual_card)`: tells the library which version of the structure this is.
    pub struct_size: u32,
    /// The protocols of the card: `SCM_PROTOCOL_T0`, `SCM_PROTOCOL_T1`, both, or `SCM_PROTOCOL_RAW`. 0 for those of the
    /// ATR; if the ATR is not valid, the reader does not understand the card then (`SCM_SCARD_W_UNSUPPORTED_CARD`). If
    /// both are possible, T=1 is chosen.
    pub protocols: u32,
    /// The ATR, 1 to `SCM_ATR_MAX` bytes; copied.
    pub atr: *const u8,
    /// Its length.
    pub atr_length: libc::size_t,
    /// The first argument of the callbacks.
    pub user_data: *mut c_void,
    /// Answers one command. Required. The capacity is `SCM_RESPONSE_MAX`. A failure is a card that has not answered
    /// (`SCM_SCARD_E_NOT_TRANSACTED`), and so is an answer of fewer than two bytes (`SCM_SCARD_F_COMM_ERROR`).
    pub transmit: Option<
        unsafe extern "C-unwind" fn(
            user_data: *mut c_void,
            command: *const u8,
            command_length: libc::size_t,
            response: *mut u8,
            capacity: libc::size_t,
            response_length: *mut libc::size_t,
        ) -> scm_result,
    >,
    /// Tells the card of its power: `SCM_POWER_ON`, `SCM_POWER_OFF` or `SCM_POWER_RESET`. NULL for a card that forgets
    /// nothing and answers to every reset. After a failure the card is mute (`SCM_SCARD_W_UNRESPONSIVE_CARD`) until a
    /// later call succeeds. The result for `SCM_POWER_OFF` is ignored.
    pub power: Option<unsafe extern "C-unwind" fn(user_data: *mut c_void, event: u32) -> scm_result>,
    /// Answers a control code as the reader, if the reader has no `control` (`scm_virtual_ifd_options`) or does not
    /// know the code. NULL for a card that knows no code. `SCM_E_NOTIMPL` and `SCM_SCARD_E_UNSUPPORTED_FEATURE` mean
    /// that it does not know this code; any other failure is a failed reader (`SCM_SCARD_E_NOT_TRANSACTED`).
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
    /// The last call, once: the card was removed or its reader destroyed, and no other callback runs. NULL if there is
    /// nothing to do.
    pub release: Option<unsafe extern "C-unwind" fn(user_data: *mut c_void)>,
}

// SAFETY: repr(C), two u32, then pointers and a size_t without padding. A function pointer is one of the caller's, or
// NULL.
unsafe impl Options for scm_virtual_card {
    const FIRST_SIZE: usize = 8 + 7 * size_of::<usize>();
    const DEFAULT: Self = scm_virtual_card {
        struct_size: size_of::<Self>() as u32,
        protocols: 0,
        atr: std::ptr::null(),
        atr_length: 0,
        user_data: std::ptr::null_mut(),
        transmit: None,
        power: None,
        control: None,
        release: None,
    };
}

/// A change of the next calls of an operation. Initialise with `SCM_VIRTUAL_FAILURE_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_virtual_failure {
    /// `sizeof(scm_virtual_failure)`: tells the library which version of the structure this is.
    pub struct_size: u32,
    /// The code that the calls return; `SCM_S_OK` for calls that are carried out, after the delay.
    pub result: scm_result,
    /// How many calls are left alone before.
    pub skip: u32,
    /// How many calls are changed; `UINT32_MAX` for all that follow, 0 to cancel the plans for the operation.
    pub count: u32,
    /// How long each call takes before it returns or is carried out, in milliseconds.
    pub delay_ms: u32,
}

// SAFETY: repr(C), five fields of 32 bits, the first of them the size.
unsafe impl Options for scm_virtual_failure {
    const FIRST_SIZE: usize = 20;
    const DEFAULT: Self =
        scm_virtual_failure { struct_size: size_of::<Self>() as u32, result: 0, skip: 0, count: 0, delay_ms: 0 };
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

/// Lets the next calls of an operation fail: `skip` calls are left alone, then `count` calls return `result` and do
/// nothing else.
///
/// The calls are those of the resource manager: `scm_attach_by_ifd`, for example, connects once and asks for the status
/// once. The log shows them. Plans for one operation take effect one after the other.
///
/// @param ifd  the reader
/// @param operation  `SCM_VIRTUAL_CONNECT` to `SCM_VIRTUAL_SET_ATTRIBUTE`
/// @param result  the code of the resource manager. The attachment may return another one, because after a failed
///   exchange it asks for the true state; for a card that stays away use `scm_virtual_ifd_remove`. `SCM_E_HANDLE` and
///   `SCM_E_UNEXPECTED` become `SCM_E_FAIL`, because no resource manager can return them.
/// @param skip  how many calls are left alone before
/// @param count  how many calls fail; `UINT32_MAX` for all that follow, 0 to cancel the plans for the operation
///
/// @return
/// - `SCM_S_OK`: planned.
/// - `SCM_E_INVALIDARG`: `operation` is not defined, or `result` is a success and `count` is not 0.
///
/// Never blocks.
///
/// @see scm_virtual_ifd_fail_ex, scm_virtual_ifd_get_log
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_virtual_ifd_fail(
    ifd: *mut scm_virtual_ifd,
    operation: u32,
    result: scm_result,
    skip: u32,
    count: u32,
) -> scm_result {
    guard!(scm_virtual_ifd_fail(ifd, operation, result, skip, count), || {
        if result >= 0 && count > 0 {
            return Err(refuse("is not a failure")).of("result");
        }
        fail(ifd, operation, &scm_virtual_failure { result, skip, count, ..scm_virtual_failure::DEFAULT })
    })
}

/// Lets the next calls of an operation fail, or delays them, or both.
///
/// @param ifd  the reader
/// @param operation  as for `scm_virtual_ifd_fail`
/// @param failure  the change
///
/// @return as `scm_virtual_ifd_fail`, and
/// - `SCM_E_INVALIDARG`: also if the result is a success other than `SCM_S_OK`.
///
/// Never blocks.
///
/// @see scm_virtual_ifd_fail, scm_virtual_ifd_get_log
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_virtual_ifd_fail_ex(
    ifd: *mut scm_virtual_ifd,
    operation: u32,
    failure: *const scm_virtual_failure,
) -> scm_result {
    guard!(scm_virtual_ifd_fail_ex(ifd, operation, failure), || {
        // SAFETY: as the header says.
        fail(ifd, operation, &unsafe { required(failure).within("failure") }?)
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
/// The data of commands that may carry a code or a key are withheld, in every class: VERIFY (20, 21), CHANGE REFERENCE
/// DATA (24, 25), DISABLE and ENABLE VERIFICATION REQUIREMENT (26, 28), RESET RETRY COUNTER (2C, 2D), PERFORM BIOMETRIC
/// OPERATION (2E, 2F), ENVELOPE (C2, C3), PUT KEY (D8) and PUT DATA (DA, DB). Control codes show only the length of
/// their data.
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

/// Stops the virtual resource manager, as if the daemon of a real one ended.
///
/// Virtual readers are not listed any more, and attachments to them return `SCM_SCARD_E_NO_SERVICE` until it runs again
/// and they are reconnected. Cards lose their power and stay inserted. Real readers are not affected.
///
/// @return
/// - `SCM_S_OK`: stopped.
/// - `SCM_S_FALSE`: it was stopped already.
///
/// Does not block, not even while callbacks run.
///
/// @see scm_virtual_service_start, scm_monitor_create
#[unsafe(no_mangle)]
pub extern "C-unwind" fn scm_virtual_service_stop() -> scm_result {
    guard!(scm_virtual_service_stop(), || Ok(if r#virtual::stop_service() { Hresult::S_OK } else { Hresult::S_FALSE }))
}

/// Starts the virtual resource manager again, which powers the cards in its readers. At first it runs.
///
/// @return
/// - `SCM_S_OK`: started.
/// - `SCM_S_FALSE`: it was running.
///
/// Does not block. A card whose callback runs is powered when that has returned.
///
/// @see scm_virtual_service_stop
#[unsafe(no_mangle)]
pub extern "C-unwind" fn scm_virtual_service_start() -> scm_result {
    guard!(scm_virtual_service_start(), || Ok(if r#virtual::start_service() {
        Hresult::S_OK
    } else {
        Hresult::S_FALSE
    }))
}

fn number(ifd: *mut scm_virtual_ifd) -> Result<IfdNumber> {
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

/// # Safety
/// The pointers are as the header says.
unsafe fn read_card(card: *const scm_virtual_card) -> Result<VirtualCard> {
    // SAFETY: as the caller vouches for.
    let given = unsafe { required(card) }.within("card")?;
    // SAFETY: as the caller vouches for.
    let atr = unsafe { input(given.atr, given.atr_length) }.of("atr").within("card")?;
    if !(1..=atr::MAX_LENGTH).contains(&atr.len()) {
        return Err(refuse_length("is 0, or more than SCM_ATR_MAX")).of("atr").within("card");
    }
    let protocols = match given.protocols {
        0 => None,
        protocols => Some(Protocols::from_value(protocols).of("protocols").within("card")?),
    };
    let callbacks = CardCallbacks {
        user: given.user_data,
        transmit: given
            .transmit
            .ok_or_else(|| refuse("is NULL: a function is required"))
            .of("transmit")
            .within("card")?,
        power: given.power,
        control: given.control,
        release: given.release,
    };
    Ok(VirtualCard::new(Atr::new(atr), protocols, callbacks))
}

fn fail(ifd: *mut scm_virtual_ifd, operation: u32, failure: &scm_virtual_failure) -> Result<Hresult> {
    let number = number(ifd)?;
    let answer = match Hresult(failure.result) {
        Hresult::S_OK => Ok(()),
        code if code.0 < 0 => Err(code.said_outside()),
        _ => return Err(refuse("is a success that is not SCM_S_OK")).of("result").within("failure"),
    };
    let scm_virtual_failure { skip, count, delay_ms, .. } = *failure;
    let delay = std::time::Duration::from_millis(delay_ms.into());
    let operation = Operation::from_value(operation).of("operation")?;
    r#virtual::fail(number, Failure { operation, answer, skip, count, delay })?;
    Ok(Hresult::S_OK)
}

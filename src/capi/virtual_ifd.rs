//! Virtual readers: how a program makes readers and cards of its own.

use std::ffi::{c_char, c_void};

use super::attachment::SCM_IFD_NAME_MAX;
use super::{handles, scm_result, token};
use crate::abi::constants::{Disposition, Protocols};
use crate::abi::hresult::{Hresult, Result};
use crate::capi::boundary::{Options, Output, OutputBytes, guard, input, options, text};
use crate::iso7816::atr::{self, Atr};
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::r#virtual::{
    self, Attribute, Attributes, Callbacks, Card, Driver, DriverCallbacks, Failure, IfdNumber, Make, Operation,
};
use crate::resource_manager::{self, MAX_ATTRIBUTE};
use crate::runtime::fallible::Arc;

/// A virtual reader, made by `scm_virtual_ifd_create`.
///
/// A `scm_virtual_ifd *` is a token, not an address. It may be used from any thread, and is dead after
/// `scm_virtual_ifd_destroy`.
pub struct scm_virtual_ifd {
    _opaque: (),
}

/// What a virtual reader is like. Begin with `SCM_VIRTUAL_IFD_OPTIONS_INIT`; zero in a field is its default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_virtual_ifd_options {
    /// `sizeof(scm_virtual_ifd_options)`: how the library tells versions of this structure apart.
    pub struct_size: u32,
    /// How many bytes of log are kept; the oldest lines go first. Default 1 MiB, at most 1 GiB. The memory is reserved
    /// when the reader is made, and used as the log grows.
    pub log_limit: u32,
    /// The attribute 0x00010100 (vendor name): UTF-8, 1 to `SCM_IFD_NAME_MAX` bytes. Default "libscm".
    pub vendor_name: *const c_char,
    /// What the callbacks get as their first argument.
    pub user_data: *mut c_void,
    /// Answers a control code as the reader, with a card in it or without, whoever may hold the card but not while
    /// another attachment has a lock. NULL for a reader that knows no code by itself. `SCM_E_NOTIMPL` and
    /// `SCM_SCARD_E_UNSUPPORTED_FEATURE` say that it does not know this one; then `control` of the card that is in is
    /// asked. Another error is a reader that failed (`SCM_SCARD_E_NOT_TRANSACTED`). The capacity is `SCM_RESPONSE_MAX`.
    ///
    /// It runs as the callbacks of a card do (`scm_virtual_card`): on the thread that calls `scm_control`, with no lock
    /// of the library held, and never two at a time for one reader; it may run beside a callback of the card. It may
    /// call the library, also to put a card into its own reader, to pull it or to destroy the reader, and waits for
    /// nobody in there: `scm_control` to its own reader answers `SCM_SCARD_E_NOT_READY`, on any attachment.
    pub control: Option<
        unsafe extern "C-unwind" fn(
            user_data: *mut c_void,
            code: u32,
            input: *const u8,
            input_length: libc::size_t,
            output: *mut u8,
            capacity: libc::size_t,
            output_length: *mut libc::size_t,
        ) -> scm_result,
    >,
    /// Is called once, as the last one, when the reader has been destroyed, and no control code is under way any more.
    /// NULL for nothing to be done. Not called when `scm_virtual_ifd_create` fails, nor in the child of a fork.
    pub release: Option<unsafe extern "C-unwind" fn(user_data: *mut c_void)>,
    /// Attributes of the reader, beside those that every virtual reader has, or in their place; copied. NULL for none.
    pub attributes: *const scm_virtual_attribute,
    /// How many, up to 256; no two with the same id.
    pub attribute_count: libc::size_t,
}

// SAFETY: repr(C), two u32, then pointers and a size_t without padding. A function pointer is one of the caller's, or
// NULL.
unsafe impl Options for scm_virtual_ifd_options {
    const FIRST_SIZE: usize = 8 + size_of::<usize>();
    const DEFAULT: Self = scm_virtual_ifd_options {
        struct_size: size_of::<Self>() as u32,
        log_limit: 0,
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

/// `scm_virtual_attribute.flags`: `scm_set_attribute` gives it another value, which stays until the reader is
/// destroyed.
pub const SCM_VIRTUAL_ATTRIBUTE_SETTABLE: u32 = 1;

/// An attribute of a virtual reader (`scm_virtual_ifd_options.attributes`). This structure does not grow.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_virtual_attribute {
    /// Its id, as for `scm_get_attribute`.
    pub id: u32,
    /// 0, or `SCM_VIRTUAL_ATTRIBUTE_SETTABLE`.
    pub flags: u32,
    /// Its value; NULL with length 0 for an empty one.
    pub value: *const u8,
    /// The length of the value, up to 264 bytes.
    pub value_length: libc::size_t,
}

/// What a virtual card is and does. Begin with `SCM_VIRTUAL_CARD_INIT`.
///
/// The callbacks run on the thread whose call needs the card (of an application, or of `scm_virtual_ifd_insert` and its
/// like), with no lock of the library held, and never two at a time for one card, from its insertion to its `release`.
/// A callback may call the library. It waits for nobody in there, because another thread may wait for the end of the
/// callback: where a call would have to, it answers `SCM_SCARD_E_NOT_READY` at once. That is any use of the attachment
/// on whose behalf it runs, other than to ask what is known of it or to detach it; through any attachment whatever
/// reaches its own card; and an attachment, a reader or a card that another thread uses. It may pull its own card or
/// reset it; the exchange under way then fails with `SCM_SCARD_W_REMOVED_CARD` or `SCM_SCARD_W_RESET_CARD`, and `power`
/// and `release` are called when the callback has returned: who puts another card in from there, with the same
/// `user_data`, better does it from `release`. It has to return, unless its thread ends in it, which is an error to the
/// card's user: neither an exception nor a longjmp may leave it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_virtual_card {
    /// `sizeof(scm_virtual_card)`: how the library tells versions of this structure apart.
    pub struct_size: u32,
    /// The protocols that are offered: `SCM_PROTOCOL_T0`, `SCM_PROTOCOL_T1`, both or-ed, or `SCM_PROTOCOL_RAW` for that
    /// alone. 0 for those of the ATR; then the reader does not understand a card whose ATR is none
    /// (`SCM_SCARD_W_UNSUPPORTED_CARD`). Of several, T=1 is chosen, unless only T=0 is asked for.
    pub protocols: u32,
    /// The ATR, 1 to `SCM_ATR_MAX` bytes; copied.
    pub atr: *const u8,
    /// Its length.
    pub atr_length: libc::size_t,
    /// What the callbacks get as their first argument.
    pub user_data: *mut c_void,
    /// Answers one command. Required. The capacity is the longest response there is, `SCM_RESPONSE_MAX`. An error is a
    /// card that failed to answer (`SCM_SCARD_E_NOT_TRANSACTED`); so is an answer of fewer than two bytes
    /// (`SCM_SCARD_F_COMM_ERROR`).
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
    /// Is told of the power: `SCM_POWER_ON`, `SCM_POWER_OFF` or `SCM_POWER_RESET`. NULL for a card that has nothing
    /// to forget, and answers to every reset. An error is a card that does not
    /// answer to a reset: it is mute (`SCM_SCARD_W_UNRESPONSIVE_CARD`) until one succeeds. When the power is turned off
    /// the answer does not matter.
    pub power: Option<unsafe extern "C-unwind" fn(user_data: *mut c_void, event: u32) -> scm_result>,
    /// Answers a control code as the reader, where that has no `control` of its own (`scm_virtual_ifd_options`) or does
    /// not know the code. NULL for a card that knows none. `SCM_E_NOTIMPL` and `SCM_SCARD_E_UNSUPPORTED_FEATURE` say
    /// that it does not know this one; another error is a reader that failed (`SCM_SCARD_E_NOT_TRANSACTED`).
    pub control: Option<
        unsafe extern "C-unwind" fn(
            user_data: *mut c_void,
            code: u32,
            input: *const u8,
            input_length: libc::size_t,
            output: *mut u8,
            capacity: libc::size_t,
            output_length: *mut libc::size_t,
        ) -> scm_result,
    >,
    /// Is called once, as the last one, when the card has been removed, or its reader destroyed, and no call is in it
    /// any more. NULL for nothing to be done.
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

/// What is to happen to the next calls of an operation. Begin with `SCM_VIRTUAL_FAILURE_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_virtual_failure {
    /// `sizeof(scm_virtual_failure)`: how the library tells versions of this structure apart.
    pub struct_size: u32,
    /// The code that they answer; `SCM_S_OK` for calls that are carried out, after the delay.
    pub result: scm_result,
    /// How many calls go by before.
    pub skip: u32,
    /// How many calls it is about; `UINT32_MAX` for all that follow, 0 to take back what was planned for the operation.
    pub count: u32,
    /// How long each of them takes before it answers or is carried out, in milliseconds.
    pub delay_ms: u32,
}

// SAFETY: repr(C), five fields of 32 bits, the first of them the size.
unsafe impl Options for scm_virtual_failure {
    const FIRST_SIZE: usize = 20;
    const DEFAULT: Self =
        scm_virtual_failure { struct_size: size_of::<Self>() as u32, result: 0, skip: 0, count: 0, delay_ms: 0 };
}

/// Makes a virtual reader: a reader inside this process, for programs that test their card code without hardware or a
/// daemon.
///
/// It is listed, attached to and used like any other, by this process alone, and obeys the same rules: share modes,
/// locks, signals of resets and removals. It stays until `scm_virtual_ifd_destroy`. Other processes, and PC/SC calls
/// past this library, do not see it. The child of a fork begins without any. The resource manager of the platform, if
/// it runs, is asked whether it has a reader of this name; where a system starts it on demand, that starts it. In the
/// child of a fork it is not asked.
///
/// @param name  its name: UTF-8, 1 to `SCM_IFD_NAME_MAX` bytes, NUL-terminated
/// @param options  what it is like; NULL for the defaults. What `user_data` points to belongs to the reader until
///   `release`.
/// @param ifd  [out] the reader; NULL after a failure
///
/// @return
/// - `SCM_S_OK`: made; empty.
/// - `SCM_E_POINTER`: `ifd` is NULL.
/// - `SCM_E_INVALIDARG`: `name` or the vendor name cannot be one, `struct_size` is that of no version, `log_limit` is
///   too large, or there are too many attributes, one that is too long or has a flag that is not defined, two with one
///   id, or NULL with a count or length.
/// - `SCM_SCARD_E_DUPLICATE_READER`: a reader has this name, a real or a virtual one.
/// - `SCM_E_OUTOFMEMORY`: no memory.
/// - `SCM_E_UNEXPECTED`: an internal error.
///
/// Does not wait for other applications. Any thread may call it, and a child after a fork.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_virtual_ifd_create(
    name: *const c_char,
    options: *const scm_virtual_ifd_options,
    ifd: *mut *mut scm_virtual_ifd,
) -> scm_result {
    // SAFETY: as the header says.
    guard(|| unsafe { create(name, options, ifd) })
}

/// Unplugs a virtual reader, with the card that is in it.
///
/// Attachments stay, and answer `SCM_SCARD_E_READER_UNAVAILABLE` until a reader of the same name is there and they are
/// reconnected. The handle is dead at once.
///
/// @param ifd  the reader
///
/// @return
/// - `SCM_S_OK`: unplugged.
/// - `SCM_E_HANDLE`: `ifd` is no virtual reader, or not any more.
///
/// Does not wait for a call of the card that is under way; then `release` is called when that has ended. Any thread may
/// call it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_virtual_ifd_destroy(ifd: *mut scm_virtual_ifd) -> scm_result {
    guard(|| {
        let number = handles()?.virtual_ifds.remove(token(ifd)?)?;
        r#virtual::destroy(number)?;
        Ok(Hresult::S_OK)
    })
}

/// Puts a card into a virtual reader and powers it (`power` is called with `SCM_POWER_ON`).
///
/// @param ifd  the reader
/// @param card  the card; the structure and the ATR are copied. What `user_data` points to belongs to the reader until
///   `release`.
///
/// @return
/// - `SCM_S_OK`: the card is in, also when it is mute, or when the service is stopped and powers it later.
/// - `SCM_E_HANDLE`: `ifd` is no virtual reader, or not any more.
/// - `SCM_E_INVALIDARG`: `card` is NULL, `struct_size` is that of no version, the ATR is empty or too long, `transmit`
///   is NULL, or `protocols` is not defined.
/// - `SCM_SCARD_E_NOT_READY`: there is a card in the reader.
/// - `SCM_E_OUTOFMEMORY`: no memory.
///
/// After a failure nothing was called, and the card is still the caller's. Takes as long as `power` takes. Any thread
/// may call it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_virtual_ifd_insert(
    ifd: *mut scm_virtual_ifd,
    card: *const scm_virtual_card,
) -> scm_result {
    guard(|| {
        let number = number(ifd)?;
        // SAFETY: as the header says.
        r#virtual::insert(number, unsafe { read_card(card) }?)?;
        Ok(Hresult::S_OK)
    })
}

/// Pulls the card out of a virtual reader, whatever is going on with it.
///
/// Every attachment answers `SCM_SCARD_W_REMOVED_CARD` from now on, until it is reconnected; so does an exchange that
/// is under way, and one that waits for the card. A reset of the next card takes the place of this signal, as with
/// pcscd. Locks end.
///
/// @param ifd  the reader
///
/// @return
/// - `SCM_S_OK`: the card is out. `power` (`SCM_POWER_OFF`) and `release` have been called, or will be when the call
///   that is in the card has ended.
/// - `SCM_E_HANDLE`: `ifd` is no virtual reader, or not any more.
/// - `SCM_SCARD_E_NO_SMARTCARD`: there is no card in the reader.
///
/// Does not wait for a call of the card that is under way. Any thread may call it, and a callback of the card.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_virtual_ifd_remove(ifd: *mut scm_virtual_ifd) -> scm_result {
    guard(|| {
        r#virtual::remove(number(ifd)?)?;
        Ok(Hresult::S_OK)
    })
}

/// Resets the card of a virtual reader, or turns its power off, as another application would.
///
/// Every attachment answers `SCM_SCARD_W_RESET_CARD` from now on, until it is reconnected. Unlike another application
/// this does not ask whether somebody has locked the card.
///
/// @param ifd  the reader
/// @param action  `SCM_DISPOSITION_RESET` (warm), or `SCM_DISPOSITION_UNPOWER`: the power stays off until the card is
///   used again
///
/// @return
/// - `SCM_S_OK`: done.
/// - `SCM_E_HANDLE`: `ifd` is no virtual reader, or not any more.
/// - `SCM_E_INVALIDARG`: `action` is another value.
/// - `SCM_SCARD_E_NO_SMARTCARD`: there is no card in the reader.
/// - `SCM_SCARD_E_NO_SERVICE`: the virtual resource manager is stopped, so nobody else can be there.
///
/// Waits for an exchange with the card that is under way, unless it is called by it: then the exchange fails with
/// `SCM_SCARD_W_RESET_CARD`. Any thread may call it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_virtual_ifd_reset(ifd: *mut scm_virtual_ifd, action: u32) -> scm_result {
    guard(|| {
        let number = number(ifd)?;
        r#virtual::reset(number, Disposition::from_value(action)?)?;
        Ok(Hresult::S_OK)
    })
}

/// Lets the next calls of an operation fail: the first `skip` go by, then `count` answer `result` and do nothing else.
///
/// Operations are counted as they reach the resource manager: `scm_attach_by_ifd`, for one, connects once and asks for
/// the status once. The log shows them. Plans for the same operation come true one after the other.
///
/// @param ifd  the reader
/// @param operation  `SCM_VIRTUAL_CONNECT` to `SCM_VIRTUAL_SET_ATTRIBUTE`
/// @param result  the code that the calls fail with, as the resource manager would give it. What an attachment makes of
///   it may be another: after a failed exchange it asks what is true. A code is given as often as is said, and nothing
///   else happens: for a card that is gone and stays gone there is `scm_virtual_ifd_remove`. `SCM_E_HANDLE` and
///   `SCM_E_UNEXPECTED` no resource manager can say: they are `SCM_E_FAIL`.
/// @param skip  how many calls go by before
/// @param count  how many calls fail; `UINT32_MAX` for all that follow, 0 to take back what was planned for the
///   operation
///
/// @return
/// - `SCM_S_OK`: planned.
/// - `SCM_E_HANDLE`: `ifd` is no virtual reader, or not any more.
/// - `SCM_E_INVALIDARG`: `operation` is not defined, or `result` is no failure and `count` not 0.
/// - `SCM_E_OUTOFMEMORY`: no memory.
///
/// Does not block. Any thread may call it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_virtual_ifd_fail(
    ifd: *mut scm_virtual_ifd,
    operation: u32,
    result: scm_result,
    skip: u32,
    count: u32,
) -> scm_result {
    guard(|| {
        if result >= 0 && count > 0 {
            return Err(Hresult::E_INVALIDARG);
        }
        fail(ifd, operation, &scm_virtual_failure { result, skip, count, ..scm_virtual_failure::DEFAULT })
    })
}

/// Lets the next calls of an operation fail, or take their time, or both.
///
/// @param ifd  the reader
/// @param operation  as for `scm_virtual_ifd_fail`
/// @param failure  what happens to them
///
/// @return as `scm_virtual_ifd_fail`, and
/// - `SCM_E_INVALIDARG`: `failure` is NULL, `struct_size` is that of no version, or the result is `SCM_S_FALSE` or
///   another success but `SCM_S_OK`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_virtual_ifd_fail_ex(
    ifd: *mut scm_virtual_ifd,
    operation: u32,
    failure: *const scm_virtual_failure,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        fail(ifd, operation, &unsafe { required(failure) }?)
    })
}

/// What a virtual reader was asked and what it answered: a line of text for each operation, the oldest first.
///
/// A line is the operation, ` -> `, and what came of it: the answer, or the name of the code. Bytes are in hexadecimal.
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
/// A line is written when its operation has ended: that of an exchange stands behind those of what its callback did.
///
/// The data of commands that can carry a code or a key are withheld, by their instruction in every class: VERIFY (20,
/// 21), CHANGE REFERENCE DATA (24, 25), DISABLE and ENABLE VERIFICATION REQUIREMENT (26, 28), RESET RETRY COUNTER (2C,
/// 2D), PERFORM BIOMETRIC OPERATION (2E, 2F), ENVELOPE (C2, C3), PUT KEY (D8) and PUT DATA (DA, DB); of control codes
/// only the length is shown.
///
/// @param ifd  the reader
/// @param log  [out] the text, UTF-8 with its NUL; NULL with capacity 0 asks for the length
/// @param capacity  the room in `log`, in bytes
/// @param log_length  [out] the length of the text with its NUL, 0 after a failure
///
/// @return
/// - `SCM_S_OK`: copied.
/// - `SCM_E_POINTER`: `log_length` is NULL, or `log` is NULL with a capacity.
/// - `SCM_E_HANDLE`: `ifd` is no virtual reader, or not any more.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the log does not fit; `*log_length` is what is needed now. It may have grown by
///   the next call.
/// - `SCM_E_OUTOFMEMORY`: no memory.
///
/// Does not block. Any thread may call it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_virtual_ifd_get_log(
    ifd: *mut scm_virtual_ifd,
    log: *mut c_char,
    capacity: libc::size_t,
    log_length: *mut libc::size_t,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let log = unsafe { OutputBytes::new(log.cast(), capacity, log_length) }?;
        log.fill(&r#virtual::log(number(ifd)?)?)
    })
}

/// Empties the log of a virtual reader.
///
/// @param ifd  the reader
///
/// @return
/// - `SCM_S_OK`: emptied.
/// - `SCM_E_HANDLE`: `ifd` is no virtual reader, or not any more.
///
/// Does not block. Any thread may call it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_virtual_ifd_clear_log(ifd: *mut scm_virtual_ifd) -> scm_result {
    guard(|| {
        r#virtual::clear_log(number(ifd)?)?;
        Ok(Hresult::S_OK)
    })
}

/// Stops the virtual resource manager, as if the daemon of a real one went down.
///
/// Virtual readers are not listed any more; attachments to them answer `SCM_SCARD_E_NO_SERVICE` until it runs again and
/// they are reconnected. Cards lose their power, and stay in. Real readers do not notice.
///
/// @return
/// - `SCM_S_OK`: stopped.
/// - `SCM_S_FALSE`: it was stopped already.
/// - `SCM_E_UNEXPECTED`: an internal error.
///
/// Does not wait for calls of cards that are under way. Any thread may call it.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn scm_virtual_service_stop() -> scm_result {
    guard(|| Ok(if r#virtual::stop_service() { Hresult::S_OK } else { Hresult::S_FALSE }))
}

/// Starts the virtual resource manager again, which powers the cards that it finds in its readers.
///
/// @return
/// - `SCM_S_OK`: started.
/// - `SCM_S_FALSE`: it was running; it does from the beginning.
/// - `SCM_E_UNEXPECTED`: an internal error.
///
/// Does not wait for calls of cards that are under way; such a card is powered when its call has ended. Any thread may
/// call it.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn scm_virtual_service_start() -> scm_result {
    guard(|| Ok(if r#virtual::start_service() { Hresult::S_OK } else { Hresult::S_FALSE }))
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
    let (ifd, name, given) = unsafe { (Output::new(ifd)?, text(name, SCM_IFD_NAME_MAX)?, options(given)?) };
    let name = IfdName::new(name)?;
    let vendor = match given.vendor_name.is_null() {
        true => IfdName::new(b"libscm")?,
        // SAFETY: as the caller vouches for.
        false => IfdName::new(unsafe { text(given.vendor_name, SCM_IFD_NAME_MAX) }?)?,
    };
    // SAFETY: as the caller vouches for.
    let attributes = unsafe { read_attributes(given.attributes, given.attribute_count) }?;
    let log_limit = match given.log_limit {
        0 => DEFAULT_LOG_LIMIT,
        limit if limit <= MAX_LOG_LIMIT => limit,
        _ => return Err(Hresult::E_INVALIDARG),
    };
    if resource_manager::has_real_ifd(&name)? {
        return Err(Hresult::SCARD_E_DUPLICATE_READER);
    }
    // With the table comes what a fork does to the readers.
    drop(handles()?);
    let scm_virtual_ifd_options { user_data: user, control, release, .. } = given;
    let driver = Arc::try_new(Driver::new(DriverCallbacks { user, control, release }))?;
    let make = Make { vendor, attributes, driver: driver.clone(), log_limit: log_limit as usize };
    let number = r#virtual::create(name, make)?;
    let inserted = handles()?.virtual_ifds.insert(number);
    match inserted {
        Ok(token) => ifd.set(token.to_pointer()),
        Err(code) => return r#virtual::destroy(number).and(Err(code)),
    }
    // From here on nothing fails.
    driver.keep();
    Ok(Hresult::S_OK)
}

/// # Safety
/// The pointers are as the header says.
unsafe fn read_attributes(given: *const scm_virtual_attribute, count: usize) -> Result<Attributes> {
    let mut attributes = Attributes::default();
    if count > MAX_ATTRIBUTES || count > 0 && given.is_null() {
        return Err(Hresult::E_INVALIDARG);
    }
    for number in 0..count {
        // SAFETY: as the caller vouches for; C may have placed them anywhere.
        let scm_virtual_attribute { id, flags, value, value_length } = unsafe { given.add(number).read_unaligned() };
        // SAFETY: as the caller vouches for.
        let bytes = unsafe { input(value, value_length) }?;
        if bytes.len() > MAX_ATTRIBUTE || flags & !SCM_VIRTUAL_ATTRIBUTE_SETTABLE != 0 {
            return Err(Hresult::E_INVALIDARG);
        }
        let mut value = Vec::new();
        value.try_reserve_exact(bytes.len())?;
        value.extend_from_slice(bytes);
        attributes.add(Attribute { id, value, settable: flags != 0 })?;
    }
    Ok(attributes)
}

/// # Safety
/// The pointers are as the header says.
unsafe fn read_card(card: *const scm_virtual_card) -> Result<Card> {
    // SAFETY: as the caller vouches for.
    let given = unsafe { required(card) }?;
    // SAFETY: as the caller vouches for.
    let atr = unsafe { input(given.atr, given.atr_length) }?;
    if !(1..=atr::MAX_LENGTH).contains(&atr.len()) {
        return Err(Hresult::E_INVALIDARG);
    }
    let protocols = match given.protocols {
        0 => None,
        protocols => Some(Protocols::from_value(protocols)?),
    };
    let callbacks = Callbacks {
        user: given.user_data,
        transmit: given.transmit.ok_or(Hresult::E_INVALIDARG)?,
        power: given.power,
        control: given.control,
        release: given.release,
    };
    Ok(Card::new(Atr::new(atr), protocols, callbacks))
}

fn fail(ifd: *mut scm_virtual_ifd, operation: u32, failure: &scm_virtual_failure) -> Result<Hresult> {
    let number = number(ifd)?;
    let answer = match Hresult(failure.result) {
        Hresult::S_OK => Ok(()),
        code if code.0 < 0 => Err(code.said_outside()),
        _ => return Err(Hresult::E_INVALIDARG),
    };
    let scm_virtual_failure { skip, count, delay_ms, .. } = *failure;
    let delay = std::time::Duration::from_millis(delay_ms.into());
    let operation = Operation::from_value(operation)?;
    r#virtual::fail(number, Failure { operation, answer, skip, count, delay })?;
    Ok(Hresult::S_OK)
}

/// A structure that has to be given.
///
/// # Safety
/// As for `options`.
unsafe fn required<T: Options>(given: *const T) -> Result<T> {
    if given.is_null() {
        return Err(Hresult::E_INVALIDARG);
    }
    // SAFETY: as the caller vouches for.
    unsafe { options(given) }
}

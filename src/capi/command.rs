//! Commands of ISO/IEC 7816-4, in as many exchanges as they need.

use std::ffi::c_void;
use std::mem::offset_of;

use super::{attached, scm_handle, scm_result};
use crate::abi::cause::{refuse, refuse_length};
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::Attachment;
use crate::attachment::application::Selector;
use crate::capi::boundary::{OfArgument, Options, Output, OutputBytes, guard, input, options, required};
use crate::iso7816::class;
use crate::iso7816::command::{Command, EXTENDED_RESPONSE};
use crate::iso7816::delivery::Fetching;
use crate::iso7816::status_word::StatusWord;
use crate::runtime::callback::{self, THREAD_ENDED};
use crate::runtime::wait::SCM_INFINITE;

/// The most data of a command, in bytes.
pub const SCM_COMMAND_DATA_MAX: usize = 65535;
/// The most data of a response, in bytes. In `scm_command.expected`: everything.
pub const SCM_EXPECTED_MAX: u32 = 65536;

/// A command. Initialise with `SCM_COMMAND_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_command {
    /// `sizeof(scm_command)`
    pub struct_size: u32,
    /// CLA, the class, without the bit for chaining: 0 for most commands of ISO/IEC 7816-4, 0xFF for commands to the
    /// reader (PC/SC part 3), such as FF CA 00 00 for the identifier of a contactless card.
    pub cla: u8,
    /// INS, the instruction.
    pub ins: u8,
    /// P1, the first parameter of the instruction.
    pub p1: u8,
    /// P2, the second one.
    pub p2: u8,
    /// The data of the command; NULL with length 0 for none.
    pub data: *const u8,
    /// Their length, up to `SCM_COMMAND_DATA_MAX`. The library makes Lc of it.
    pub data_length: libc::size_t,
    /// How many bytes of data are expected at most, without the status word (Ne): 0 for none, `SCM_EXPECTED_MAX` for
    /// all. The library makes Le of it.
    pub expected: u32,
    /// The logical channel, 0 to 19. The library puts it into the class, which must not name a channel itself then. 0
    /// leaves the class as it is, and is the only value for the class 0xFF.
    pub channel: u32,
}

// SAFETY: repr(C), the first field is the size, and integers and pointers have no invalid values.
unsafe impl Options for scm_command {
    const FIRST_SIZE: usize = size_of::<Self>();
    const DEFAULT: Self = scm_command {
        struct_size: size_of::<Self>() as u32,
        cla: 0,
        ins: 0,
        p1: 0,
        p2: 0,
        data: std::ptr::null(),
        data_length: 0,
        expected: 0,
        channel: 0,
    };
}

/// Selects the application again, before a command that needs it.
///
/// It runs on the thread of `scm_send_ex`, while the card is locked, and may use `handle`. Another attachment to the
/// same card would wait for the lock for ever, so it returns `SCM_SCARD_E_NOT_READY`. The lock belongs to the handle,
/// not to the thread: commands of other threads that share the handle may come between the callback and its command.
/// Give each thread an attachment.
///
/// @param user_data  `scm_send_options.user_data`
/// @param handle  the attachment of `scm_send_ex`
/// @param generation  as `scm_get_generation`
///
/// @return a success to go on with the command; a failure to end `scm_send_ex` with this code, without sending the
///   command
pub type scm_select_callback =
    Option<unsafe extern "C-unwind" fn(user_data: *mut c_void, handle: *mut scm_handle, generation: u64) -> scm_result>;

/// A set of status words: those that equal `word` in the bits of `mask`, such as 0x9F00 and 0xFF00 for all 9FXX.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct scm_status_words {
    /// SW1 and SW2, without bits that are not in the mask
    pub word: u16,
    /// The bits that count: 0xFFFF for one word, 0xFF00 for every word with one SW1.
    pub mask: u16,
}

/// The most elements of `scm_send_options.successes`.
pub const SCM_SEND_SUCCESSES_MAX: usize = 64;

/// `scm_send_options.flags`: returns 61XX, and 9FXX of a SIM, with the data that come with it, and fetches nothing.
/// For applications that have an instruction of their own for the rest.
pub const SCM_SEND_KEEP_61XX: u32 = 1;
/// `scm_send_options.flags`: returns 6CXX, and does not send the command again.
pub const SCM_SEND_KEEP_6CXX: u32 = 2;

/// `scm_send_options.get_response_class`: set together with the class, such as `SCM_SEND_CLASS | 0x00`.
pub const SCM_SEND_CLASS: u32 = 0x100;

/// How to send a command. Initialise with `SCM_SEND_OPTIONS_INIT`; zero in a field is its default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_send_options {
    /// `sizeof(scm_send_options)`
    pub struct_size: u32,
    /// How long to wait for other users of the card, in milliseconds, before the call returns `SCM_SCARD_E_TIMEOUT`.
    /// 0 (default) and `SCM_INFINITE`: no limit.
    pub limit_ms: u32,
    /// Selects the application if it may not be selected any more; NULL (default) for none.
    pub select_callback: scm_select_callback,
    /// The first argument of the callback.
    pub user_data: *mut c_void,
    /// `SCM_SEND_KEEP_61XX`, `SCM_SEND_KEEP_6CXX`, both, or 0 (default)
    pub flags: u32,
    /// The only class of GET RESPONSE: `SCM_SEND_CLASS` and the class, such as `SCM_SEND_CLASS | 0x80`. 0 (default):
    /// the class of the standards, and other classes if the card refuses it.
    pub get_response_class: u32,
    /// The status words that are a success for the caller; all others are failures. NULL (default): the table of
    /// `scm_send`. Used only during the call.
    pub successes: *const scm_status_words,
    /// How many elements `successes` has, up to `SCM_SEND_SUCCESSES_MAX`.
    pub success_count: libc::size_t,
}

// SAFETY: repr(C), the first field is the size; a function pointer of C is any bytes as far as it is not called.
unsafe impl Options for scm_send_options {
    const FIRST_SIZE: usize = offset_of!(Self, flags);
    const DEFAULT: Self = scm_send_options {
        struct_size: size_of::<Self>() as u32,
        limit_ms: 0,
        select_callback: None,
        user_data: std::ptr::null_mut(),
        flags: 0,
        get_response_class: 0,
        successes: std::ptr::null(),
        success_count: 0,
    };
}

impl scm_send_options {
    fn fetching(&self, command: &Command, has_channel: bool) -> Result<Fetching> {
        if self.flags & !(SCM_SEND_KEEP_61XX | SCM_SEND_KEEP_6CXX) != 0 {
            return Err(refuse("has a bit that the header does not define")).of("flags");
        }
        let fetching = Fetching::of(command, has_channel);
        let classes = match self.get_response_class {
            0 => fetching.classes,
            SCM_SEND_CLASS..=0x1FF => Some([self.get_response_class as u8; 3]),
            _ => return Err(refuse("is neither 0 nor SCM_SEND_CLASS and a class")).of("get_response_class"),
        };
        Ok(Fetching {
            classes: classes.filter(|_| self.flags & SCM_SEND_KEEP_61XX == 0),
            corrects_le: self.flags & SCM_SEND_KEEP_6CXX == 0,
            ..fetching
        })
    }

    /// # Safety
    /// The successes are as the header says.
    unsafe fn successes(&self) -> Result<Successes> {
        if self.success_count > SCM_SEND_SUCCESSES_MAX {
            return Err(refuse("is greater than SCM_SEND_SUCCESSES_MAX")).of("success_count");
        }
        // SAFETY: as the caller vouches for; no more than a few hundred bytes.
        let bytes = unsafe {
            input(self.successes.cast(), self.success_count * size_of::<scm_status_words>()).of("successes")
        }?;
        let mut words = Vec::new();
        words.try_reserve_exact(self.success_count)?;
        for bytes in bytes.chunks_exact(size_of::<scm_status_words>()) {
            let [word_0, word_1, mask_0, mask_1] = *bytes else { continue };
            let (word, mask) = (u16::from_ne_bytes([word_0, word_1]), u16::from_ne_bytes([mask_0, mask_1]));
            if word & !mask != 0 {
                return Err(refuse("has a word with bits outside of its mask")).of("successes");
            }
            words.push(scm_status_words { word, mask });
        }
        Ok(Successes(words))
    }
}

/// The status words that are a success for the caller; empty if the caller has given none.
struct Successes(Vec<scm_status_words>);

impl Successes {
    /// The code of a status word that answers `command`.
    fn code(&self, command: &Command, status: StatusWord) -> Hresult {
        let code = status.code_for(command.cla, command.ins);
        match self.0.iter().any(|words| status.0 & words.mask == words.word) {
            true => Hresult::S_OK,
            false if self.0.is_empty() && code.0 >= 0 => code,
            false => status.explains(code.as_failure()),
        }
    }
}

/// Sends one command of ISO/IEC 7816-4, in as many exchanges as it needs, and receives the data and the status word.
///
/// The library does all four cases of commands with T=0 and T=1. It fetches the data that T=0 leaves in the card (GET
/// RESPONSE after 61XX, as far as data are expected), and corrects a wrong Le once (6CXX). Data that do not fit into
/// one APDU go in extended lengths if card and reader support them, else in parts (command chaining, or ENVELOPE with
/// T=0). The abilities of the card are known from its ATR, from `scm_get_card_capabilities` or from
/// `scm_set_card_capabilities`; for a card that says nothing the library tries chaining. All exchanges happen under one
/// lock. VERIFY and other commands that the card counts are never sent twice, not even after 6CXX.
///
/// GET RESPONSE has the class of the standards:
/// - after an interindustry class, the interindustry class with the channel of the command
/// - after a message of FIDO2 (80 10), 80
/// - after A0 (SIM), A0; there 9FXX means the same as 61XX
/// - after 90 to FE, the same class
///
/// If the card refuses that class, the library tries the class of the command. After a class from 80 on it tries 00 at
/// last, unless a channel is given. It remembers the class that works. Some cards forget their answer when they refuse:
/// then the command fails with that refusal, and the next command begins with another class. If the card refuses the
/// length of GET RESPONSE (67XX, 6A80, 6A86, 6A87, 6BXX, 6F00), the library halves it, down to one byte, and remembers
/// the length that works.
///
/// If a card refuses extended lengths or chaining although it announces them, the library tries the other form once,
/// and keeps to it if the card takes it. A refusal is 67XX, 68XX, 6A81, 6A86, 6A87, 6B00, 6DXX, 6EXX or 6F00 to the
/// whole command or to its first part, or 6A80 to its first part. After the card has once answered a command in this
/// form, a refusal is only 67XX, 6883 and 6884. The library does not try a second time:
/// - a command that the card counts (INS 20, 21, 24 to 26, 28, 2C to 2F, 82, 86, 87)
/// - a command of a proprietary class from 90 on
/// - an unknown instruction of the classes 80 to 8F. Known are those of ISO/IEC 7816-4, of GlobalPlatform (D8, E2, E4,
///   E6, E8, F0, F2) and of FIDO2 (10, 11).
/// - after 6F00 or 6A80, which do not say that nothing was done, a command that may not be repeated. All may not but
///   INS 0C, 0E, 0F, 22, 2A, A0 to A2, A4, B0 to B3, CA, CB, D6, D7, DA to DD, F2.
/// - a form that `scm_set_card_capabilities` forbids
///
/// A command of class FF is for the reader: one exchange, unchanged, and so is its answer, also 61XX and 6CXX. It has
/// extended lengths only if its data need them.
///
/// The outputs are set whenever the card has answered, also if the code is a failure. If the card gives more data than
/// `expected`, the output has the first ones, and this is not a failure. `scm_get_last_response` gives the whole
/// answer.
///
/// @param handle  the attachment
/// @param command  the command
/// @param response  [out] the data of the response, without the status word. May be the same memory as the data of the
///   command.
/// @param capacity  the room in `response`; `expected` is always enough
/// @param response_length  [out] the length of the data; 0 if the card has not answered
/// @param status_word  [out] SW1 and SW2 as one number, such as 0x9000; 0 if the card has not answered
///
/// @return the meaning of the status word, first in general and then for some commands; last the codes without one:
/// - `SCM_S_OK`: 9000; 61XX, if no more was expected; 62XX and 63XX that are not named below; in the classes 00 to 8F,
///   A0, C0 to CF and E0 to EF also 91XX (a message for the phone, ETSI TS 102 221) and 9200 to 920F
/// - `SCM_SCARD_W_EOF`: 6282, fewer data than expected
/// - `SCM_SCARD_E_COMM_DATA_LOST`: 6281, part of the data may be wrong
/// - `SCM_SCARD_W_WRONG_CHV`: 63C1 to 63CF, a wrong code; X tries are left
/// - `SCM_SCARD_W_CHV_BLOCKED`: 63C0, no try is left; 6983, 9840
/// - `SCM_SCARD_E_INVALID_CHV`: 6984
/// - `SCM_SCARD_W_SECURITY_VIOLATION`: 6300, 6982, 6987, 6988, 9804, 9862 to 9867
/// - `SCM_SCARD_E_NO_ACCESS`: 6985, 6A89, 6A8A: not allowed in this state, or it exists already
/// - `SCM_SCARD_E_NO_FILE`: 6986, no file is selected
/// - `SCM_SCARD_E_FILE_NOT_FOUND`: 6A82, 6A88
/// - `SCM_SCARD_E_BAD_SEEK`: 6A83, there is no such record
/// - `SCM_SCARD_E_WRITE_TOO_MANY`: 6A84; 9850, no more can be added
/// - `SCM_SCARD_E_INVALID_PARAMETER`: 67XX, 6A80, 6A85, 6A86, 6A87, 6BXX, 6CXX
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: 68XX, 6981, 6A81, 6DXX, 6EXX
/// - `SCM_SCARD_E_NOT_READY`: 9300, busy
/// - `SCM_E_FAIL`: any other
/// - for INS 20, 21, 24 to 26, 28, 2C to 2F, 82, 86, 87, which present a code, a key or a finger:
///   `SCM_SCARD_W_WRONG_CHV` is 63XX and 9804; 6301 to 630F tell the tries that are left.
/// - for INS 0C, 0E, 0F, D0 to D2, D6, D7, DA, DC, E2, which write: `SCM_S_OK` is also 63CX: written after X tries of
///   the memory (ISO/IEC 7816-4:1995, 6.3.5).
/// - for class A0, the SIM (3GPP TS 51.011): `SCM_S_OK` is also 9FXX (data that were not expected) and 9EXX (data after
///   a failed download, which GET RESPONSE of class A0 fetches); `SCM_SCARD_E_NO_FILE` 9400, `SCM_SCARD_E_BAD_SEEK`
///   9402, `SCM_SCARD_E_FILE_NOT_FOUND` 9404, `SCM_SCARD_E_UNSUPPORTED_FEATURE` 9408, `SCM_SCARD_E_INVALID_CHV` 9802,
///   `SCM_SCARD_E_NO_ACCESS` 9808 and 9810.
/// - for class 90, wrapped commands of DESFire: `SCM_S_OK` is 9100, 91AF (more frames), and 910C;
///   `SCM_SCARD_W_SECURITY_VIOLATION` 91AE, `SCM_SCARD_E_NO_ACCESS` 919D and 91DE, `SCM_SCARD_E_FILE_NOT_FOUND` 9140,
///   91A0 and 91F0, `SCM_SCARD_E_BAD_SEEK` 91BE, `SCM_SCARD_E_WRITE_TOO_MANY` 910E and 91CE,
///   `SCM_SCARD_E_INVALID_PARAMETER` 917E and 919E, `SCM_SCARD_E_UNSUPPORTED_FEATURE` 911C,
///   `SCM_SCARD_E_COMM_DATA_LOST` 911E, `SCM_SCARD_E_NOT_READY` 91AD, `SCM_E_FAIL` any other 91XX.
/// - for class FF, the reader: `SCM_E_FAIL` is also 63XX.
/// - for any other proprietary class: `SCM_S_OK` is also 90XX, except for instructions that present a code. The other
///   words from 9001 to 9FFF are `SCM_E_FAIL`, because only the card knows their meaning:
///   `scm_send_options.successes` can name the successes.
/// - `SCM_E_INVALIDARG`: a length is too great; the channel is not defined; or a channel is given, and the class is FF
///   or names another channel.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`, with a status word of 0: the card takes so much data neither in extended
///   lengths nor in parts, or the class has no bit for chaining. Nothing was sent.
/// - `SCM_SCARD_E_COMM_DATA_LOST`: also if the card gives a response in parts, but not all of it.
/// - `SCM_SCARD_F_COMM_ERROR`: also if the card answers before it has all parts of the command, or announces data
///   without an end.
/// - `SCM_SCARD_E_PROTO_MISMATCH` and the codes of a connection: as `scm_transmit`. Some of the exchanges may have
///   happened.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the card has answered, and its data do not fit; `scm_get_last_response` gives
///   them.
///
/// Blocks until the card answers, and before that while another application or attachment holds a lock on the card:
/// `scm_send_ex` has a limit, and `scm_cancel` ends the wait. The lock costs two messages to the resource manager. To
/// send many commands in a row, call `scm_lock` around them.
///
/// @see scm_send_ex, scm_transmit, scm_lock, scm_get_card_capabilities, scm_get_last_response
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_send(
    handle: *mut scm_handle,
    command: *const scm_command,
    response: *mut u8,
    capacity: libc::size_t,
    response_length: *mut libc::size_t,
    status_word: *mut u16,
) -> scm_result {
    // SAFETY: as the header says.
    guard!(scm_send(handle, command, response, capacity, response_length, status_word), || unsafe {
        send(handle, command, std::ptr::null(), response, capacity, response_length, status_word)
    })
}

/// Sends one command of ISO/IEC 7816-4 as `scm_send` does, with options: a limit, a callback that selects the
/// application, and the caller's own rules for fetching and for successes.
///
/// With `scm_send_options.successes` the named status words are `SCM_S_OK`. All others are failures, with the code of
/// `scm_send`, or `SCM_E_FAIL` if that is a success.
///
/// The `select_callback` runs under the lock, before the command, whenever its selection may be lost:
/// - at the first use of this callback with this `user_data`
/// - after the generation has grown
/// - after another command of this attachment (`scm_send`, `scm_transmit`), or another callback
/// - at each new lock, if other applications may use the card
///
/// So on a shared card it runs before each command, but only once while the caller holds `scm_lock`. No other
/// application can use the card if the attachment is exclusive, or is the only one to a virtual reader.
///
/// @param handle  the attachment
/// @param command  as for `scm_send`
/// @param options  the options; NULL for the defaults
/// @param response  [out] as for `scm_send`
/// @param capacity  as for `scm_send`
/// @param response_length  [out] as for `scm_send`
/// @param status_word  [out] as for `scm_send`
///
/// @return as `scm_send`, and
/// - `SCM_E_INVALIDARG`: also a class of GET RESPONSE without `SCM_SEND_CLASS` or above one byte; too many successes,
///   or one with a bit outside its mask.
/// - `SCM_SCARD_E_TIMEOUT`: others have used the card all the time. Nothing was sent.
/// - `SCM_SCARD_E_CANCELLED`: `scm_cancel` has ended the wait. Nothing was sent.
/// - `SCM_E_HANDLE`: also if the callback has detached the handle. The command was not sent.
/// - any failure of the callback
///
/// Blocks as `scm_send`, and the wait for other users of the card takes `limit_ms` at most.
///
/// @see scm_send, scm_lock_ex, scm_cancel, scm_get_generation
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_send_ex(
    handle: *mut scm_handle,
    command: *const scm_command,
    options: *const scm_send_options,
    response: *mut u8,
    capacity: libc::size_t,
    response_length: *mut libc::size_t,
    status_word: *mut u16,
) -> scm_result {
    // SAFETY: as the header says.
    guard!(scm_send_ex(handle, command, options, response, capacity, response_length, status_word), || unsafe {
        send(handle, command, options, response, capacity, response_length, status_word)
    })
}

impl scm_command {
    /// # Safety
    /// The data are as the header says.
    unsafe fn command<'a>(&self) -> Result<Command<'a>> {
        // SAFETY: as the caller vouches for.
        let data = unsafe { input(self.data, self.data_length).of("data") }?;
        let ne = self.expected as usize;
        if data.len() > SCM_COMMAND_DATA_MAX {
            return Err(refuse_length("is greater than SCM_COMMAND_DATA_MAX")).of("data");
        }
        if ne > EXTENDED_RESPONSE {
            return Err(refuse("is greater than SCM_EXPECTED_MAX")).of("expected");
        }
        let cla = class::on_channel(self.cla, self.channel)?;
        Ok(Command { cla, ins: self.ins, p1: self.p1, p2: self.p2, data, ne })
    }
}

/// # Safety
/// The pointers are as the header says.
unsafe fn send(
    handle: *mut scm_handle,
    command: *const scm_command,
    given: *const scm_send_options,
    response: *mut u8,
    capacity: libc::size_t,
    response_length: *mut libc::size_t,
    status_word: *mut u16,
) -> Result<Hresult> {
    // Both are read before either is checked, so that one is zero also if the other is NULL.
    // SAFETY: as the caller vouches for.
    let (response, status_word) = unsafe {
        (
            OutputBytes::new(response, capacity, response_length).of("response"),
            Output::new(status_word).of("status_word"),
        )
    };
    let (response, status_word) = (response?, status_word?);
    let attachment = attached(handle)?;
    // SAFETY: as the caller vouches for.
    let (command, given) = unsafe { (required(command).within("command")?, options(given).within("options")?) };
    let has_channel = command.channel != 0;
    // SAFETY: as the caller vouches for.
    let (command, successes) = unsafe { (command.command().within("command")?, given.successes().within("options")?) };
    let fetching = given.fetching(&command, has_channel).within("options")?;
    let timeout_ms = if given.limit_ms == 0 { SCM_INFINITE } else { given.limit_ms };
    let mut answer = Vec::new();
    let status = match given.select_callback {
        Some(select) => {
            let selector = (select as usize, given.user_data as usize);
            let select = || {
                // SAFETY: the header says what it has to be.
                let call = || unsafe { select(given.user_data, handle, attachment.generation()) };
                let prepared = Hresult(callback::call(call, THREAD_ENDED));
                // The callback may have detached the handle.
                attached(handle).map_or_else(|code| code, |_| prepared)
            };
            let send =
                || attachment.transact(timeout_ms, |card| card.send_for_application(&command, &fetching, &mut answer));
            select_and_send(&attachment, selector, timeout_ms, select, send)
        }
        None => attachment.transact(timeout_ms, |card| card.send_for_caller(&command, &fetching, &mut answer)),
    }?;
    status_word.set(status.0);
    response.fill(&answer)?;
    match successes.code(&command, status) {
        code if code.0 < 0 => Err(code),
        code => Ok(code),
    }
}

/// Calls `select` if the application may not be selected any more, and then `send`, under one lock.
fn select_and_send<T>(
    attachment: &Attachment,
    selector: Selector,
    timeout_ms: u32,
    select: impl FnOnce() -> Hresult,
    send: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let is_due = attachment.lock_for_application(selector, timeout_ms)?;
    let prepared = match is_due.then(|| attachment.call_under_lock(select)) {
        // In the child of a fork the session stays locked if another thread of the parent was in it.
        Some(_) if !attachment.is_of_this_process() => Err(Hresult::E_HANDLE),
        Some(code) => {
            let noted = attachment.note_application(selector, code.0 >= 0);
            if code.0 < 0 { Err(code) } else { noted }
        }
        None => Ok(()),
    };
    let sent = prepared.and_then(|()| send());
    attachment.unlock_after_call(timeout_ms);
    sent
}

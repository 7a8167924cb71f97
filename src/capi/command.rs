//! Commands of ISO/IEC 7816-4, carried in as many exchanges as they take.

use std::ffi::c_void;

use super::{attached, scm_handle, scm_result};
use crate::attachment::application::Selector;
use crate::attachment::Attachment;
use crate::boundary::{guard, input, options, Options, Output, OutputBytes, OutputStructure};
use crate::callback::{self, THREAD_ENDED};
use crate::command::delivery::{Extended, Limits, EVERYTHING};
use crate::command::{class, Command, EXTENDED_RESPONSE, SHORT_DATA, SHORT_RESPONSE};
use crate::hresult::{Hresult, Result};
use crate::interface::information;
use crate::patience::SCM_INFINITE;

/// The most data that a command can have, in bytes.
pub const SCM_COMMAND_DATA_MAX: usize = 65535;
/// The most data that a response can have, in bytes: as `scm_command.expected`, everything that there is.
pub const SCM_EXPECTED_MAX: u32 = 65536;

/// A command. Begin with `SCM_COMMAND_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_command {
    /// `sizeof(scm_command)`
    pub struct_size: u32,
    /// CLA: the class, without the bit for chaining. 0 for most commands of ISO/IEC 7816-4.
    pub cla: u8,
    /// INS: the instruction.
    pub ins: u8,
    pub p1: u8,
    pub p2: u8,
    /// The data of the command; NULL with length 0 for none.
    pub data: *const u8,
    /// Their length, up to `SCM_COMMAND_DATA_MAX`. Lc is made of it.
    pub data_length: libc::size_t,
    /// How many bytes of data are expected at most, without the status word (Ne): 0 for none, `SCM_EXPECTED_MAX` for all
    /// there are. Le is made of it.
    pub expected: u32,
    /// The logical channel, 0 to 19. It is put into the class, which names none itself then. 0 leaves the class as it is.
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

/// Selects the application again, before a command that wants it selected.
///
/// It is called on the thread of `scm_send_ex`, with the card locked, and uses `handle` as it likes; another attachment to the same
/// card would wait for the lock, and so for ever: it answers `SCM_SCARD_E_NOT_READY`. A lock is the handle's, not the thread's:
/// threads that share a handle come between the hook and its command, and are under the same lock. Give each its own attachment, or
/// let them take turns.
///
/// @param user  `scm_send_options.hook_data`
/// @param handle  the attachment, as it was given to `scm_send_ex`
/// @param generation  as `scm_get_generation`
///
/// @return what succeeds goes on with the command; what fails ends `scm_send_ex` with the same code, and the command is not sent
pub type scm_lock_hook =
    Option<unsafe extern "C-unwind" fn(user: *mut c_void, handle: *mut scm_handle, generation: u64) -> scm_result>;

/// How to send a command. Begin with `SCM_SEND_OPTIONS_INIT`; zero in a field is its default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_send_options {
    /// `sizeof(scm_send_options)`
    pub struct_size: u32,
    /// How long to wait for others to give the card back, in milliseconds, after which it ends with `SCM_SCARD_E_TIMEOUT`.
    /// 0 (default) and `SCM_INFINITE`: without a limit.
    pub timeout_ms: u32,
    /// Called before the command where the card may not be as the hook left it the last time; or NULL.
    pub hook: scm_lock_hook,
    /// For the hook.
    pub hook_data: *mut c_void,
}

// SAFETY: repr(C), the first field is the size; a function pointer of C is any bytes as far as it is not called.
unsafe impl Options for scm_send_options {
    const FIRST_SIZE: usize = size_of::<Self>();
    const DEFAULT: Self = scm_send_options {
        struct_size: size_of::<Self>() as u32,
        timeout_ms: 0,
        hook: None,
        hook_data: std::ptr::null_mut(),
    };
}

/// `scm_card_capabilities.flags`: a command may come in several parts (command chaining).
pub const SCM_CARD_CHAINING: u32 = 1;
/// `scm_card_capabilities.flags`: lengths may be extended.
pub const SCM_CARD_EXTENDED: u32 = 2;

/// What commands to a card may be like. Begin with `SCM_CARD_CAPABILITIES_INIT`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct scm_card_capabilities {
    /// `sizeof(scm_card_capabilities)`
    pub struct_size: u32,
    /// `SCM_CARD_CHAINING`, `SCM_CARD_EXTENDED`, both or-ed, or 0
    pub flags: u32,
    /// The most data of one command APDU, in bytes: 255 without extended lengths, or less where `scm_set_card_capabilities` has said so.
    pub command_data: u32,
    /// The most data of one response APDU, in bytes: 256 without extended lengths, or less.
    pub response_data: u32,
    /// How many logical channels the card has, with the basic one: 8 is eight or more, 0 when it does not say. `scm_set_card_capabilities` does not look
    /// at it.
    pub channels: u32,
}

// SAFETY: repr(C), five u32, the first of them the size.
unsafe impl Options for scm_card_capabilities {
    const FIRST_SIZE: usize = 20;
    const DEFAULT: Self = scm_card_capabilities {
        struct_size: size_of::<Self>() as u32,
        flags: 0,
        command_data: 0,
        response_data: 0,
        channels: 0,
    };
}

impl scm_card_capabilities {
    fn new(limits: &Limits, (data, response): (usize, usize), channels: Option<u32>) -> scm_card_capabilities {
        let chaining = if limits.chaining { SCM_CARD_CHAINING } else { 0 };
        let extended = if limits.extended.is_some() { SCM_CARD_EXTENDED } else { 0 };
        let lengths = limits.extended.unwrap_or(Extended { data, response });
        scm_card_capabilities {
            flags: chaining | extended,
            command_data: lengths.data as u32,
            response_data: lengths.response as u32,
            channels: channels.unwrap_or(0),
            ..Self::DEFAULT
        }
    }

    fn limits(&self) -> Result<Limits> {
        if self.flags & !(SCM_CARD_CHAINING | SCM_CARD_EXTENDED) != 0 {
            return Err(Hresult::E_INVALIDARG);
        }
        let extended = match self.flags & SCM_CARD_EXTENDED {
            0 => None,
            _ => Some(Extended {
                data: length(self.command_data, SHORT_DATA, EVERYTHING.data)?,
                response: length(self.response_data, SHORT_RESPONSE, EVERYTHING.response)?,
            }),
        };
        Ok(Limits { chaining: self.flags & SCM_CARD_CHAINING != 0, extended })
    }

    /// The most data of a short command, and of a short response.
    fn short_limits(&self) -> Result<(usize, usize)> {
        if self.flags & SCM_CARD_EXTENDED != 0 {
            return Ok((SHORT_DATA, SHORT_RESPONSE));
        }
        Ok((length(self.command_data, 1, SHORT_DATA)?, length(self.response_data, 1, SHORT_RESPONSE)?))
    }
}

/// 0 as a length is as much as there can be.
fn length(given: u32, shortest: usize, longest: usize) -> Result<usize> {
    match given as usize {
        0 => Ok(longest),
        length if (shortest..=longest).contains(&length) => Ok(length),
        _ => Err(Hresult::E_INVALIDARG),
    }
}

/// Sends one command of ISO/IEC 7816-4, in as many exchanges as it takes, and receives the data and the status word of its
/// response.
///
/// All four cases, with T=0 and T=1: what T=0 has to fetch is fetched (GET RESPONSE after 61XX, of which 6100 is 256; as far as
/// data are expected), a wrong Le is corrected once (6CXX), data that do not fit into one APDU go in extended lengths where card
/// and reader have them, and else in parts (command chaining, or ENVELOPE with T=0). What the card can do is known from its
/// ATR, or by `scm_get_card_capabilities` or `scm_set_card_capabilities`; of a card that says nothing chaining is tried. All
/// exchanges happen under one lock. VERIFY, and other commands that a card counts, are never sent twice, also not after 6CXX.
///
/// What the card has answered is given whatever the code, also if that is a failure: the data, and the status word. Both
/// together are what `scm_get_last_response` gives afterwards.
///
/// @param handle  the attachment
/// @param command  the command
/// @param response  [out] the data of the response, without the status word. May be the same memory as the data of the command.
/// @param capacity  the room in `response`; `expected` is always enough
/// @param response_length  [out] the length of the data, 0 when the card has not answered
/// @param status_word  [out] SW1 and SW2 as one number, such as 0x9000; 0 when the card has not answered
///
/// @return what the status word means, where the card has answered:
/// - `SCM_S_OK`: 9000; 61XX, when no more was expected; 62XX and 63XX, as far as they are not named below
/// - `SCM_SCARD_W_EOF`: 6282, fewer data than expected
/// - `SCM_SCARD_E_COMM_DATA_LOST`: 6281, part of the data may be wrong
/// - `SCM_SCARD_W_WRONG_CHV`: 63CX, the code was wrong, X tries are left
/// - `SCM_SCARD_W_CHV_BLOCKED`: 6983
/// - `SCM_SCARD_E_INVALID_CHV`: 6984
/// - `SCM_SCARD_W_SECURITY_VIOLATION`: 6300, 6982, 6987, 6988
/// - `SCM_SCARD_E_NO_ACCESS`: 6985, 6A89, 6A8A: not in this state, or there is one already
/// - `SCM_SCARD_E_NO_FILE`: 6986, no file is selected
/// - `SCM_SCARD_E_FILE_NOT_FOUND`: 6A82, 6A88
/// - `SCM_SCARD_E_BAD_SEEK`: 6A83, there is no such record
/// - `SCM_SCARD_E_WRITE_TOO_MANY`: 6A84
/// - `SCM_SCARD_E_INVALID_PARAMETER`: 6700, 6A80, 6A85, 6A86, 6A87, 6B00, 6CXX
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: 68XX, 6981, 6A81, 6DXX, 6EXX
/// - `SCM_E_FAIL`: any other
///
/// @return and where it has not:
/// - `SCM_E_POINTER`: `response_length` or `status_word` is NULL, or `response` is NULL with a capacity.
/// - `SCM_E_INVALIDARG`: `command` is NULL, its `struct_size` is that of no version, a length is too great, the channel is
///   none, or the class FF. Nothing was sent.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`, with a status word of 0: the card can take so much data neither in extended lengths nor
///   in parts, or its class has no bit that says that more follows. Nothing was sent.
/// - `SCM_SCARD_F_COMM_ERROR`: also when the card says that it is done where parts of the command are still to come, or promises
///   data for ever and gives none.
/// - `SCM_SCARD_E_PROTO_MISMATCH`, `SCM_SCARD_W_RESET_CARD`, `SCM_SCARD_W_REMOVED_CARD`, `SCM_SCARD_F_COMM_ERROR`, ...: as
///   `scm_transmit`. Part of the exchanges may have happened.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the card has answered, and its data do not fit; `scm_get_last_response` gives them.
///
/// Blocks until the card answers, and before that while another application, or another attachment, holds a lock on the
/// card: `scm_send_ex` has a limit for that, and `scm_cancel` ends it. The lock costs two messages to the resource manager: who
/// sends many commands in a row takes `scm_lock` around them.
#[no_mangle]
pub unsafe extern "C-unwind" fn scm_send(
    handle: *mut scm_handle,
    command: *const scm_command,
    response: *mut u8,
    capacity: libc::size_t,
    response_length: *mut libc::size_t,
    status_word: *mut u16,
) -> scm_result {
    // SAFETY: as the header says.
    guard(|| unsafe { send(handle, command, std::ptr::null(), response, capacity, response_length, status_word) })
}

/// Sends one command of ISO/IEC 7816-4, as `scm_send` does, with a limit, and with a hook that selects the application again.
///
/// The hook is called with the card locked, before the command is sent, when what it has selected may be selected no more: it has
/// not been called for this attachment yet, with this `hook_data`; the generation has grown since (`scm_get_generation`);
/// something else was selected by this attachment, or sent by it (`scm_send`, `scm_transmit`), without it or with another hook; or the outermost lock is another
/// one, and somebody else may have used the card in between. Whether another process has cannot be known: so with a card that is
/// shared it is called for each command, and under a lock of the caller's (`scm_lock`) once. With exclusive use, and for the
/// only attachment to a virtual reader, nobody else can.
///
/// @param handle  the attachment
/// @param command  as for `scm_send`
/// @param options  time limit and hook; NULL for the defaults
/// @param response  [out] as for `scm_send`
/// @param capacity  as for `scm_send`
/// @param response_length  [out] as for `scm_send`
/// @param status_word  [out] as for `scm_send`
///
/// @return as `scm_send`, and
/// - `SCM_E_INVALIDARG`: the `struct_size` of `options` is that of no version.
/// - `SCM_SCARD_E_TIMEOUT`: others have had the card all the time. Nothing was sent.
/// - `SCM_SCARD_E_CANCELLED`: `scm_cancel` has ended the wait. Nothing was sent.
/// - `SCM_E_HANDLE`: also when the hook has detached the handle. The command was not sent.
/// - any failure of the hook
#[no_mangle]
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
    guard(|| unsafe { send(handle, command, options, response, capacity, response_length, status_word) })
}

/// Tells what commands to this card may be like, after having read everything that says so.
///
/// The ATR says whether extended lengths and chaining are possible. How long commands and responses may be is in a file, EF.ATR/INFO:
/// that is selected and read here, and nowhere else, because what was selected before, and verified for it, is lost by that. From
/// then on it is known for this attachment, as long as the card has the same ATR. The reader is asked, too (PC/SC part 10,
/// dwMaxAPDUDataSize). `scm_set_card_capabilities` has the last word.
///
/// Who has long data to send or to write calls it once, after attaching: a card that refers to the file is sent nothing long before,
/// as long as parts will do.
///
/// @param handle  the attachment
/// @param capabilities  [out] the capabilities; its `struct_size` is set before, as `SCM_CARD_CAPABILITIES_INIT` does
///
/// @return
/// - `SCM_S_OK`: told; also when the card has no such file.
/// - `SCM_E_POINTER`: `capabilities` is NULL.
/// - `SCM_E_INVALIDARG`: `struct_size` is that of no version.
/// - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`, and the codes of a connection (see the top of this file)
///
/// Blocks as `scm_send`.
#[no_mangle]
pub unsafe extern "C-unwind" fn scm_get_card_capabilities(
    handle: *mut scm_handle,
    capabilities: *mut scm_card_capabilities,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let capabilities = unsafe { OutputStructure::new(capabilities) }?;
        let (limits, short, channels) = attached(handle)?.converse(SCM_INFINITE, |card| {
            information::read(card)?;
            Ok((card.limits(), card.short_limits(), card.capabilities().channels))
        })?;
        capabilities.set(&scm_card_capabilities::new(&limits, short, channels));
        Ok(Hresult::S_OK)
    })
}

/// Says what commands to this card may be like, whatever the card and the reader say. It holds for this attachment, also after
/// a reconnect and for another card. What was found out about lengths by trying is forgotten.
///
/// Without `SCM_CARD_EXTENDED` the lengths are those of short commands, for cards that cannot give 256 bytes at once, or take 255. Files are
/// read and written in pieces of so many bytes then, from the first command on; without it, too, in the end: a card that refuses is asked for
/// less, and what it gives is remembered. Commands of `scm_send` go as they are.
///
/// @param handle  the attachment
/// @param capabilities  the capabilities; 0 as a length is the longest there can be. NULL: card and reader are believed again.
///
/// @return
/// - `SCM_S_OK`: set.
/// - `SCM_E_INVALIDARG`: `struct_size` is that of no version, a flag is not defined, or a length is out of range: with
///   `SCM_CARD_EXTENDED` 255 to 65,535 for commands, 256 to 65,536 for responses; without it 1 to 255, and 1 to 256.
/// - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`: as everywhere.
///
/// Asks neither card nor service. Waits for a call that another thread is in on the same handle.
#[no_mangle]
pub unsafe extern "C-unwind" fn scm_set_card_capabilities(
    handle: *mut scm_handle,
    capabilities: *const scm_card_capabilities,
) -> scm_result {
    guard(|| {
        let attachment = attached(handle)?;
        // SAFETY: as the header says.
        let given = unsafe { options(capabilities) }?;
        let (limits, short) = (given.limits()?, given.short_limits()?);
        let is_given = !capabilities.is_null();
        attachment.set_limits(is_given.then_some(limits), is_given.then_some(short))?;
        Ok(Hresult::S_OK)
    })
}

impl scm_command {
    /// # Safety
    /// The data are as the header says.
    unsafe fn command<'a>(&self) -> Result<Command<'a>> {
        // SAFETY: as the caller vouches for.
        let data = unsafe { input(self.data, self.data_length) }?;
        let ne = self.expected as usize;
        if data.len() > SCM_COMMAND_DATA_MAX || ne > EXTENDED_RESPONSE {
            return Err(Hresult::E_INVALIDARG);
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
    // Both before either is judged: what is there is zero, also beside one that is NULL.
    // SAFETY: as the caller vouches for.
    let (response, status_word) =
        unsafe { (OutputBytes::new(response, capacity, response_length), Output::new(status_word)) };
    let (response, status_word) = (response?, status_word?);
    let attachment = attached(handle)?;
    if command.is_null() {
        return Err(Hresult::E_INVALIDARG);
    }
    // SAFETY: as the caller vouches for.
    let (command, given) = unsafe { (options(command)?.command()?, options(given)?) };
    let timeout_ms = if given.timeout_ms == 0 { SCM_INFINITE } else { given.timeout_ms };
    let mut answer = Vec::new();
    let status = match given.hook {
        Some(hook) => {
            let selector = (hook as usize, given.hook_data as usize);
            let select = || {
                // SAFETY: the header says what it has to be.
                let call = || unsafe { hook(given.hook_data, handle, attachment.generation()) };
                let prepared = Hresult(callback::call(call, THREAD_ENDED));
                // It may have detached what it was given.
                attached(handle).map_or_else(|code| code, |_| prepared)
            };
            let talk = || attachment.converse(timeout_ms, |card| card.send_for_application(&command, &mut answer));
            with_hook(&attachment, selector, timeout_ms, select, talk)
        }
        None => attachment.converse(timeout_ms, |card| card.send_for_caller(&command, &mut answer)),
    }?;
    status_word.set(status.0);
    response.fill(&answer)?;
    match status.code() {
        code if code.0 < 0 => Err(code),
        code => Ok(code),
    }
}

/// Calls the hook, if it is due, and then `talk`, under one lock.
fn with_hook<T>(
    attachment: &Attachment,
    selector: Selector,
    timeout_ms: u32,
    hook: impl FnOnce() -> Hresult,
    talk: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let is_due = attachment.lock_for_application(selector, timeout_ms)?;
    let prepared = match is_due.then(|| attachment.call_under_lock(hook)) {
        // Another thread of the parent may have been in the session, which is free for nobody here.
        Some(_) if !attachment.is_of_this_process() => Err(Hresult::E_HANDLE),
        Some(code) => {
            let noted = attachment.note_application(selector, code.0 >= 0);
            if code.0 < 0 {
                Err(code)
            } else {
                noted
            }
        }
        None => Ok(()),
    };
    let talked = prepared.and_then(|()| talk());
    attachment.unlock_after_call();
    talked
}

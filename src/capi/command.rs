//! Commands of ISO/IEC 7816-4, carried in as many exchanges as they take.

use std::ffi::c_void;
use std::mem::offset_of;

use super::{attached, scm_handle, scm_result};
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::Attachment;
use crate::attachment::application::Selector;
use crate::capi::boundary::{Options, Output, OutputBytes, OutputStructure, guard, input, options};
use crate::interfaces::generic::information;
use crate::iso7816::class;
use crate::iso7816::command::{Command, EXTENDED_RESPONSE, SHORT_DATA, SHORT_RESPONSE};
use crate::iso7816::delivery::{EVERYTHING, Extended, Fetching, Limits};
use crate::iso7816::status_word::StatusWord;
use crate::runtime::callback::{self, THREAD_ENDED};
use crate::runtime::wait::SCM_INFINITE;

/// The most data of a command, in bytes.
pub const SCM_COMMAND_DATA_MAX: usize = 65535;
/// The most data of a response, in bytes. In `scm_command.expected`: everything.
pub const SCM_EXPECTED_MAX: u32 = 65536;

/// A command. Begin with `SCM_COMMAND_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_command {
    /// `sizeof(scm_command)`
    pub struct_size: u32,
    /// CLA: the class, without the bit for chaining. 0 for most commands of ISO/IEC 7816-4; 0xFF for what the reader
    /// does itself (PC/SC part 3), such as FF CA 00 00 for the identifier of a contactless card.
    pub cla: u8,
    /// INS: the instruction.
    pub ins: u8,
    pub p1: u8,
    pub p2: u8,
    /// The data of the command; NULL with length 0 for none.
    pub data: *const u8,
    /// Their length, up to `SCM_COMMAND_DATA_MAX`. Lc is made of it.
    pub data_length: libc::size_t,
    /// How many bytes of data are expected at most, without the status word (Ne): 0 for none, `SCM_EXPECTED_MAX` for
    /// all there are. Le is made of it.
    pub expected: u32,
    /// The logical channel, 0 to 19. It is put into the class, which names none itself then. 0 leaves the class as it
    /// is, and is all that the class 0xFF has.
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
/// It is called on the thread of `scm_send_ex`, with the card locked, and uses `handle` as it likes; another attachment
/// to the same card would wait for the lock, and so for ever: it answers `SCM_SCARD_E_NOT_READY`. A lock is the
/// handle's, not the thread's: threads that share a handle come between the hook and its command, and are under the
/// same lock. Give each its own attachment, or let them take turns.
///
/// @param user_data  `scm_send_options.user_data`
/// @param handle  the attachment, as it was given to `scm_send_ex`
/// @param generation  as `scm_get_generation`
///
/// @return what succeeds goes on with the command; what fails ends `scm_send_ex` with the same code, and the command is
///   not sent
pub type scm_lock_hook =
    Option<unsafe extern "C-unwind" fn(user_data: *mut c_void, handle: *mut scm_handle, generation: u64) -> scm_result>;

/// Status words that have so many bits in common: those that are `word` under `mask`, such as 0x9F00 under 0xFF00.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct scm_status_words {
    /// SW1 and SW2, with no bit that is not in the mask
    pub word: u16,
    /// The bits that count: 0xFFFF is one word, 0xFF00 are all with one SW1.
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

/// How to send a command. Begin with `SCM_SEND_OPTIONS_INIT`; zero in a field is its default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_send_options {
    /// `sizeof(scm_send_options)`
    pub struct_size: u32,
    /// How long to wait for others to give the card back, in milliseconds, after which it ends with
    /// `SCM_SCARD_E_TIMEOUT`. 0 (default) and `SCM_INFINITE`: without a limit.
    pub limit_ms: u32,
    /// Called before the command where the card may not be as the hook left it the last time; or NULL.
    pub hook: scm_lock_hook,
    /// For the hook.
    pub user_data: *mut c_void,
    /// `SCM_SEND_KEEP_61XX`, `SCM_SEND_KEEP_6CXX`, both or-ed, or 0 (default)
    pub flags: u32,
    /// The class of GET RESPONSE: `SCM_SEND_CLASS` or-ed with it, such as `SCM_SEND_CLASS | 0x80`. No other is tried
    /// then. 0 (default): that of the standards, and others where the card refuses it.
    pub get_response_class: u32,
    /// The status words that are successes to the caller, and no others; NULL (default) for the table of `scm_send`.
    /// They are not kept.
    pub successes: *const scm_status_words,
    /// How many these are.
    pub success_count: libc::size_t,
}

// SAFETY: repr(C), the first field is the size; a function pointer of C is any bytes as far as it is not called.
unsafe impl Options for scm_send_options {
    const FIRST_SIZE: usize = offset_of!(Self, flags);
    const DEFAULT: Self = scm_send_options {
        struct_size: size_of::<Self>() as u32,
        limit_ms: 0,
        hook: None,
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
            return Err(Hresult::E_INVALIDARG);
        }
        let fetching = Fetching::of(command, has_channel);
        let classes = match self.get_response_class {
            0 => fetching.classes,
            SCM_SEND_CLASS..=0x1FF => Some([self.get_response_class as u8; 3]),
            _ => return Err(Hresult::E_INVALIDARG),
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
            return Err(Hresult::E_INVALIDARG);
        }
        // SAFETY: as the caller vouches for; no more than a few hundred bytes.
        let bytes = unsafe { input(self.successes.cast(), self.success_count * size_of::<scm_status_words>()) }?;
        let mut words = Vec::new();
        words.try_reserve_exact(self.success_count)?;
        for bytes in bytes.chunks_exact(size_of::<scm_status_words>()) {
            let [word_0, word_1, mask_0, mask_1] = *bytes else { return Err(Hresult::E_INVALIDARG) };
            let (word, mask) = (u16::from_ne_bytes([word_0, word_1]), u16::from_ne_bytes([mask_0, mask_1]));
            if word & !mask != 0 {
                return Err(Hresult::E_INVALIDARG);
            }
            words.push(scm_status_words { word, mask });
        }
        Ok(Successes(words))
    }
}

/// The status words that are a success to the caller; empty where the caller has given none.
struct Successes(Vec<scm_status_words>);

impl Successes {
    /// The code of a status word that answers `command`.
    fn code(&self, command: &Command, status: StatusWord) -> Hresult {
        let code = status.code_for(command.cla, command.ins);
        match self.0.iter().any(|words| status.0 & words.mask == words.word) {
            true => Hresult::S_OK,
            false if self.0.is_empty() => code,
            false => code.as_failure(),
        }
    }
}

/// `scm_card_capabilities.flags`: the card takes a command in parts (command chaining).
pub const SCM_CARD_CHAINING: u32 = 1;
/// `scm_card_capabilities.flags`: the card takes extended lengths.
pub const SCM_CARD_EXTENDED: u32 = 2;

/// What commands to a card may be like. Begin with `SCM_CARD_CAPABILITIES_INIT`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct scm_card_capabilities {
    /// `sizeof(scm_card_capabilities)`
    pub struct_size: u32,
    /// `SCM_CARD_CHAINING`, `SCM_CARD_EXTENDED`, both or-ed, or 0
    pub flags: u32,
    /// The most data of one command APDU, in bytes: 255 without extended lengths, or less where
    /// `scm_set_card_capabilities` has said so.
    pub command_data: u32,
    /// The most data of one response APDU, in bytes: 256 without extended lengths, or less.
    pub response_data: u32,
    /// How many logical channels the card has, with the basic one: 8 is eight or more, 0 when it does not say.
    /// `scm_set_card_capabilities` does not look at it.
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

/// Sends one command of ISO/IEC 7816-4, in as many exchanges as it takes, and receives the data and the status word of
/// its response.
///
/// All four cases, with T=0 and T=1: what T=0 has to fetch is fetched (GET RESPONSE after 61XX, of which 6100 is 256;
/// as far as data are expected), a wrong Le is corrected once (6CXX; what comes with a refused try is no answer), data
/// that do not fit into one APDU go in extended lengths where card and reader have them, and else in parts (command
/// chaining, or ENVELOPE with T=0). What the card can do is known from its ATR, or by `scm_get_card_capabilities` or
/// `scm_set_card_capabilities`; of a card that says nothing chaining is tried. All exchanges happen under one lock.
/// VERIFY, and other commands that a card counts, are never sent twice, also not after 6CXX.
///
/// GET RESPONSE has the class of the standards: interindustry, on the channel of the command; 80 after a message of
/// FIDO2 (80 10); A0 after A0, where 9FXX says the same as 61XX (SIM); and after other proprietary classes, 90 to FE,
/// their own. A card that refuses it is asked in the class of the command, and after a class from 80 on at last in 00,
/// unless a channel is given; and first in the one that it knows from then on. Some cards forget their answer at the
/// first class that they refuse. Where each class was refused the command fails, with the first refusal, and the next
/// one begins with another class. A card that refuses the length of GET RESPONSE (67XX, 6A80, 6A86, 6A87, 6BXX, 6F00 in
/// a class that it knows) is asked for half of it, and so on down to one byte; what it gives at once is remembered.
///
/// A card may refuse extended lengths, or chaining, although it says that it takes them: 67XX, 68XX, 6A81, 6A86, 6A87,
/// 6B00, 6DXX, 6EXX or 6F00 to the whole command or to its first part, or 6A80 to its first part, and only 67XX, 6883
/// and 6884 once it has answered a command in this form. Then the other form is tried, once, and used from then on if
/// the card takes it; if it does not, the first refusal is given. Not so with commands that a card counts (INS 20, 21,
/// 24 to 26, 28, 2C to 2F, 82, 86, 87), with proprietary classes from 90 on, and under 80 to 8F with instructions that
/// are neither of ISO/IEC 7816-4 nor of GlobalPlatform (D8, E2, E4, E6, E8, F0, F2) nor of FIDO2 (10, 11). After 6F00
/// and 6A80, which do not say that nothing was done, only what may be done twice is sent again (INS 0C, 0E, 0F, 22, 2A,
/// A0 to A2, A4, B0 to B3, CA, CB, D6, D7, DA to DD, F2). Forms that the caller has not allowed by
/// `scm_set_card_capabilities` are not tried.
///
/// A command of the class FF is for the reader. It goes as it is, in one exchange, and so does its answer come back,
/// 61XX and 6CXX too. It has extended lengths only if its data want them.
///
/// What the card has answered is given whatever the code, also if that is a failure: the data, and the status word. Of
/// data that are more than `expected` the first ones are given, and it is no failure: with T=1 some cards answer all
/// there is. `scm_get_last_response` gives the whole answer afterwards, all data and the status word, also what nobody
/// has expected; it is longer than `response_length` and two then.
///
/// @param handle  the attachment
/// @param command  the command
/// @param response  [out] the data of the response, without the status word, as far as they are expected. May be the
///   same memory as the data of the command.
/// @param capacity  the room in `response`; `expected` is always enough
/// @param response_length  [out] the length of the data, 0 when the card has not answered
/// @param status_word  [out] SW1 and SW2 as one number, such as 0x9000; 0 when the card has not answered
///
/// @return what the status word means, where the card has answered:
/// - `SCM_S_OK`: 9000; 61XX, when no more was expected; 62XX and 63XX, as far as they are not named below; 91XX, a card
///   that has something to tell its phone (ETSI TS 102 221), and 9200 to 920F, in the classes 00 to 8F, A0, C0 to CF
///   and E0 to EF
/// - `SCM_SCARD_W_EOF`: 6282, fewer data than expected
/// - `SCM_SCARD_E_COMM_DATA_LOST`: 6281, part of the data may be wrong
/// - `SCM_SCARD_W_WRONG_CHV`: 63C1 to 63CF, the code was wrong, so many tries are left
/// - `SCM_SCARD_W_CHV_BLOCKED`: 63C0, no try is left; 6983, 9840
/// - `SCM_SCARD_E_INVALID_CHV`: 6984
/// - `SCM_SCARD_W_SECURITY_VIOLATION`: 6300, 6982, 6987, 6988, 9804, 9862 to 9867
/// - `SCM_SCARD_E_NO_ACCESS`: 6985, 6A89, 6A8A: not in this state, or there is one already
/// - `SCM_SCARD_E_NO_FILE`: 6986, no file is selected
/// - `SCM_SCARD_E_FILE_NOT_FOUND`: 6A82, 6A88
/// - `SCM_SCARD_E_BAD_SEEK`: 6A83, there is no such record
/// - `SCM_SCARD_E_WRITE_TOO_MANY`: 6A84; 9850, no more can be added
/// - `SCM_SCARD_E_INVALID_PARAMETER`: 67XX, 6A80, 6A85, 6A86, 6A87, 6BXX, 6CXX
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: 68XX, 6981, 6A81, 6DXX, 6EXX
/// - `SCM_SCARD_E_NOT_READY`: 9300, busy
/// - `SCM_E_FAIL`: any other
///
/// @return and of some commands it means something else:
/// - INS 20, 21, 24 to 26, 28, 2C to 2F, 82, 86, 87, which show a code, a key or a finger to the card:
///   `SCM_SCARD_W_WRONG_CHV` is 63XX and 9804; of them 630X is X tries (but 6300 does not say how many).
/// - INS 0C, 0E, 0F, D0 to D2, D6, D7, DA, DC, E2, which write: `SCM_S_OK` is also 63CX. It is written, after X tries
///   of the memory (ISO/IEC 7816-4:1995, 6.3.5).
/// - class A0, the SIM (3GPP TS 51.011): `SCM_S_OK` is also 9FXX, data that were not expected, and 9EXX, data after a
///   download that has failed, which are not fetched (GET RESPONSE of class A0 brings them); `SCM_SCARD_E_NO_FILE`
///   9400, `SCM_SCARD_E_BAD_SEEK` 9402, `SCM_SCARD_E_FILE_NOT_FOUND` 9404, `SCM_SCARD_E_UNSUPPORTED_FEATURE` 9408,
///   `SCM_SCARD_E_INVALID_CHV` 9802, `SCM_SCARD_E_NO_ACCESS` 9808 and 9810.
/// - class 90, wrapped commands of DESFire: `SCM_S_OK` is 9100, 91AF (more frames), and 910C;
///   `SCM_SCARD_W_SECURITY_VIOLATION` 91AE, `SCM_SCARD_E_NO_ACCESS` 919D and 91DE, `SCM_SCARD_E_FILE_NOT_FOUND` 9140,
///   91A0 and 91F0, `SCM_SCARD_E_BAD_SEEK` 91BE, `SCM_SCARD_E_WRITE_TOO_MANY` 910E and 91CE,
///   `SCM_SCARD_E_INVALID_PARAMETER` 917E and 919E, `SCM_SCARD_E_UNSUPPORTED_FEATURE` 911C,
///   `SCM_SCARD_E_COMM_DATA_LOST` 911E, `SCM_SCARD_E_NOT_READY` 91AD, `SCM_E_FAIL` any other 91XX.
/// - class FF, the reader: `SCM_E_FAIL` is also 63XX, the operation has failed.
/// - any other proprietary class: `SCM_S_OK` is also 90XX, but for the instructions that show a code. What else from
///   9001 to 9FFF is a success there only the card knows, and is `SCM_E_FAIL`: 9F10 may be data that are ready, and
///   9F04 and 9C02 are wrong codes. `scm_send_options.successes` says what is a success.
///
/// @return and where it has not:
/// - `SCM_E_POINTER`: `response_length` or `status_word` is NULL, or `response` is NULL with a capacity.
/// - `SCM_E_INVALIDARG`: `command` is NULL, its `struct_size` is that of no version, a length is too great, the channel
///   is none, or the class is one of another channel or FF and a channel is given. Nothing was sent.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`, with a status word of 0: the card can take so much data neither in extended
///   lengths nor in parts, or its class has no bit that says that more follows. Nothing was sent.
/// - `SCM_SCARD_E_COMM_DATA_LOST`: also when the card gives a response in parts only, and not all of it.
/// - `SCM_SCARD_F_COMM_ERROR`: also when the card says that it is done where parts of the command are still to come, or
///   promises data for ever and gives none.
/// - `SCM_SCARD_E_PROTO_MISMATCH`, `SCM_SCARD_W_RESET_CARD`, `SCM_SCARD_W_REMOVED_CARD`, `SCM_SCARD_F_COMM_ERROR`, ...:
///   as `scm_transmit`. Part of the exchanges may have happened.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the card has answered, and its data do not fit; `scm_get_last_response` gives
///   them.
///
/// Blocks until the card answers, and before that while another application, or another attachment, holds a lock on the
/// card: `scm_send_ex` has a limit for that, and `scm_cancel` ends it. The lock costs two messages to the resource
/// manager: who sends many commands in a row takes `scm_lock` around them.
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
    guard(|| unsafe { send(handle, command, std::ptr::null(), response, capacity, response_length, status_word) })
}

/// Sends one command of ISO/IEC 7816-4, as `scm_send` does, with a limit, with a hook that selects the application
/// again, and with the caller's own mind of what is fetched, and of what is a success.
///
/// With `scm_send_options.successes` the status words that are named there are `SCM_S_OK`. All others are failures:
/// with the code that `scm_send` has for them, and `SCM_E_FAIL` where that is a success.
///
/// The hook is called with the card locked, before the command is sent, when what it has selected may be selected no
/// more: it has not been called for this attachment yet, with this `user_data`; the generation has grown since
/// (`scm_get_generation`); something else was selected by this attachment, or sent by it (`scm_send`, `scm_transmit`),
/// without it or with another hook; or the outermost lock is another one, and somebody else may have used the card in
/// between. Whether another process has cannot be known: so with a card that is shared it is called for each command,
/// and under a lock of the caller's (`scm_lock`) once. With exclusive use, and for the only attachment to a virtual
/// reader, nobody else can.
///
/// @param handle  the attachment
/// @param command  as for `scm_send`
/// @param options  time limit, hook, and what else there is; NULL for the defaults
/// @param response  [out] as for `scm_send`
/// @param capacity  as for `scm_send`
/// @param response_length  [out] as for `scm_send`
/// @param status_word  [out] as for `scm_send`
///
/// @return as `scm_send`, and
/// - `SCM_E_INVALIDARG`: the `struct_size` of `options` is that of no version, a flag is not defined, the class of GET
///   RESPONSE is not or-ed with `SCM_SEND_CLASS` or is more than a byte, or the successes are NULL with a count, more
///   than `SCM_SEND_SUCCESSES_MAX`, or one has a bit that is not in its mask. Nothing was sent.
/// - `SCM_SCARD_E_TIMEOUT`: others have had the card all the time. Nothing was sent.
/// - `SCM_SCARD_E_CANCELLED`: `scm_cancel` has ended the wait. Nothing was sent.
/// - `SCM_E_HANDLE`: also when the hook has detached the handle. The command was not sent.
/// - any failure of the hook
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
    guard(|| unsafe { send(handle, command, options, response, capacity, response_length, status_word) })
}

/// Tells what commands to this card may be like, after having read everything that says so.
///
/// The ATR says whether extended lengths and chaining are possible. How long commands and responses may be is in a
/// file, EF.ATR/INFO: that is selected and read here, and nowhere else, because what was selected before, and verified
/// for it, is lost by that. From then on it is known for this attachment, as long as the card has the same ATR. A form
/// that the card has refused since (`scm_send`) is none that it takes. The reader is asked, too (PC/SC part 10,
/// dwMaxAPDUDataSize). `scm_set_card_capabilities` has the last word.
///
/// Who has long data to send or to write calls it once, after attaching: a card that refers to the file is sent nothing
/// long before, as long as parts will do.
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
#[unsafe(no_mangle)]
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

/// Says what commands to this card may be like, whatever the card and the reader say. It holds for this attachment,
/// also after a reconnect and for another card. What was found out by trying, of lengths and of forms that the card
/// refuses, is forgotten.
///
/// Without `SCM_CARD_EXTENDED` the lengths are those of short commands, for cards that cannot give 256 bytes at once,
/// or take 255. Files are read and written in pieces of so many bytes then, from the first command on; without it, too,
/// in the end: a card that refuses is asked for less, and what it gives is remembered. Commands of `scm_send` go as
/// they are.
///
/// @param handle  the attachment
/// @param capabilities  the capabilities; 0 as a length is the longest there can be. NULL: card and reader are believed
///   again.
///
/// @return
/// - `SCM_S_OK`: set.
/// - `SCM_E_INVALIDARG`: `struct_size` is that of no version, a flag is not defined, or a length is out of range: with
///   `SCM_CARD_EXTENDED` 255 to 65,535 for commands, 256 to 65,536 for responses; without it 1 to 255, and 1 to 256.
/// - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`: as everywhere.
///
/// Asks neither card nor service. Waits for a call that another thread is in on the same handle.
#[unsafe(no_mangle)]
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
    let (command, given) = unsafe { (options(command)?, options(given)?) };
    let has_channel = command.channel != 0;
    // SAFETY: as the caller vouches for.
    let (command, successes) = unsafe { (command.command()?, given.successes()?) };
    let fetching = given.fetching(&command, has_channel)?;
    let timeout_ms = if given.limit_ms == 0 { SCM_INFINITE } else { given.limit_ms };
    let mut answer = Vec::new();
    let status = match given.hook {
        Some(hook) => {
            let selector = (hook as usize, given.user_data as usize);
            let select = || {
                // SAFETY: the header says what it has to be.
                let call = || unsafe { hook(given.user_data, handle, attachment.generation()) };
                let prepared = Hresult(callback::call(call, THREAD_ENDED));
                // It may have detached what it was given.
                attached(handle).map_or_else(|code| code, |_| prepared)
            };
            let talk =
                || attachment.converse(timeout_ms, |card| card.send_for_application(&command, &fetching, &mut answer));
            with_hook(&attachment, selector, timeout_ms, select, talk)
        }
        None => attachment.converse(timeout_ms, |card| card.send_for_caller(&command, &fetching, &mut answer)),
    }?;
    status_word.set(status.0);
    response.fill(&answer)?;
    match successes.code(&command, status) {
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
            if code.0 < 0 { Err(code) } else { noted }
        }
        None => Ok(()),
    };
    let talked = prepared.and_then(|()| talk());
    attachment.unlock_after_call();
    talked
}

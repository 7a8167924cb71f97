//! Codes of the card holder: ISCardVerify.

use super::interface::create;
use super::{created, release, scm_handle, scm_result, token};
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::Attachment;
use crate::capi::boundary::{Options, Output, guard, input, options};
use crate::handles::objects::Created;
use crate::interfaces::ch_verification::{ChVerification, Codes};
use crate::interfaces::generic::ch_verification::{GenericChVerification, PIN_PAD};
use crate::interfaces::generic::code::{Encoding, FILLER, Form};
use crate::interfaces::generic::pin_pad::Prompt;
use crate::interfaces::identity::{Interface, Standard};
use crate::interfaces::object::Object;
use crate::runtime::fallible::{Arc, try_box};

/// What ISCardVerify does with the codes of a card. A token like `scm_handle`.
pub struct scm_ch_verification {
    _opaque: (),
}

/// The card has not said how many tries are left.
pub const SCM_RETRIES_UNKNOWN: u32 = 0xFFFF_FFFF;

/// Unblock: the user enters both codes at the PIN pad of the reader. libscm's own flag, the type library has none.
pub const SCM_FL_IHV_PIN_PAD: u32 = 0x1_0000;
const _: () = assert!(SCM_FL_IHV_PIN_PAD == PIN_PAD);

/// `scm_ch_verification_options.encoding`: the bytes of a code as they are given, such as ASCII. The default.
pub const SCM_CODE_ASCII: u32 = 1;
/// `scm_ch_verification_options.encoding`: two digits in a byte (BCD). An odd one has the lower half of the filler
/// beside it.
pub const SCM_CODE_BCD: u32 = 2;
/// `scm_ch_verification_options.encoding`: a block of eight bytes as in ISO 9564-1, format 2: 2 and the number of
/// digits, the digits, and F.
pub const SCM_CODE_ISO9564_2: u32 = 3;

/// The longest code, and the longest block of one, in bytes.
pub const SCM_CODE_MAX: u32 = 127;
const _: () = assert!(SCM_CODE_MAX as usize == crate::interfaces::generic::code::MAX_CODE);

/// `scm_ch_verification_options.filler`: or-ed with the byte that fills a block, such as `SCM_CODE_FILLER | 0x00`.
pub const SCM_CODE_FILLER: u32 = 0x100;

/// What the codes of a card look like. Begin with `SCM_CH_VERIFICATION_OPTIONS_INIT`; zero in a field is its default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_ch_verification_options {
    /// `sizeof(scm_ch_verification_options)`
    pub struct_size: u32,
    /// How a code is written: `SCM_CODE_ASCII` (default), `SCM_CODE_BCD`, `SCM_CODE_ISO9564_2`.
    pub encoding: u32,
    /// The bytes that every code is filled up to, up to `SCM_CODE_MAX`; 0 (default): as long as it is, and 8 with
    /// `SCM_CODE_ISO9564_2`, where nothing else is possible.
    pub block_length: u32,
    /// What it is filled up with: `SCM_CODE_FILLER` or-ed with a byte; 0 (default): FF, the only one with
    /// `SCM_CODE_ISO9564_2`.
    pub filler: u32,
    /// The fewest characters or digits of a code; 0 (default): 1, and 4 with `SCM_CODE_ISO9564_2`.
    pub shortest: u32,
    /// The most characters or digits of a code; 0 (default): as many as fit, up to `SCM_CODE_MAX`. A PIN pad takes as
    /// many as it says, or 15 where neither it nor this field nor a block has a limit.
    pub longest: u32,
    /// How long a PIN pad waits for the user, up to 255 seconds; 0 (default): as the reader has it.
    pub pin_pad_timeout_s: u32,
    /// The language of the prompts of a PIN pad, as USB numbers them; 0 (default): 0x0409, English.
    pub pin_pad_language: u32,
}

// SAFETY: repr(C), u32 only, the first of them the size.
unsafe impl Options for scm_ch_verification_options {
    const FIRST_SIZE: usize = 32;
    const DEFAULT: Self = scm_ch_verification_options {
        struct_size: size_of::<Self>() as u32,
        encoding: 0,
        block_length: 0,
        filler: 0,
        shortest: 0,
        longest: 0,
        pin_pad_timeout_s: 0,
        pin_pad_language: 0,
    };
}

impl scm_ch_verification_options {
    fn form(&self) -> Result<Form> {
        let length = |given: u32| (given != 0).then_some(given as usize);
        let encoding = match self.encoding {
            0 | SCM_CODE_ASCII => Encoding::Characters,
            SCM_CODE_BCD => Encoding::Digits,
            SCM_CODE_ISO9564_2 => Encoding::Iso9564,
            _ => return Err(Hresult::E_INVALIDARG),
        };
        let filler = match self.filler {
            0 => FILLER,
            SCM_CODE_FILLER..=0x1FF => self.filler as u8,
            _ => return Err(Hresult::E_INVALIDARG),
        };
        Form::new(encoding, length(self.block_length), filler, length(self.shortest), length(self.longest))
    }

    fn prompt(&self) -> Result<Prompt> {
        let timeout_s = u8::try_from(self.pin_pad_timeout_s).map_err(|_| Hresult::E_INVALIDARG)?;
        let language = u16::try_from(self.pin_pad_language).map_err(|_| Hresult::E_INVALIDARG)?;
        let language = if language == 0 { Prompt::default().language } else { language };
        Ok(Prompt { timeout_s, language })
    }
}

/// Makes an object for the codes of the attached card (CreateCHVerification), which are ASCII, as long as they are.
///
/// @param handle  the attachment. The object ends with it, and uses whatever card it has.
/// @param ch_verification  [out] the object; NULL after a failure
///
/// @return
/// - `SCM_S_OK`: made; end it with `scm_ch_verification_release`.
/// - `SCM_E_POINTER`: `ch_verification` is NULL.
/// - `SCM_SCARD_E_ICC_CREATEORDER`: `handle` is NULL: attach first.
/// - `SCM_E_OUTOFMEMORY`, `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`: as everywhere.
///
/// Does not block, and asks neither card nor reader.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_create_ch_verification(
    handle: *mut scm_handle,
    ch_verification: *mut *mut scm_ch_verification,
) -> scm_result {
    // SAFETY: as the header says.
    guard(|| unsafe { create_with(handle, std::ptr::null(), ch_verification) })
}

/// Makes an object for the codes of the attached card, as `scm_create_ch_verification` does, and says what they look
/// like.
///
/// @param handle  the attachment
/// @param options  what codes look like; NULL for the defaults. A provider does not look at them: it knows its card.
/// @param ch_verification  [out] the object; NULL after a failure
///
/// @return as `scm_create_ch_verification`, and
/// - `SCM_E_INVALIDARG`: the `struct_size` is that of no version, or a field is out of range: no such encoding; a block
///   of more than `SCM_CODE_MAX`; limits that cross, or that the block cannot hold.
///
/// Does not block, and asks neither card nor reader.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_create_ch_verification_ex(
    handle: *mut scm_handle,
    options: *const scm_ch_verification_options,
    ch_verification: *mut *mut scm_ch_verification,
) -> scm_result {
    // SAFETY: as the header says.
    guard(|| unsafe { create_with(handle, options, ch_verification) })
}

/// Shows a code to the card (VERIFY), or asks whether it has been shown.
///
/// A command with a code is sent once and never again, whatever happens to it. Without a code the reader asks the user
/// for one at its PIN pad, and sends it itself (PC/SC part 10, FEATURE_VERIFY_PIN_DIRECT): no program ever has it. What
/// is known of a code here is overwritten when the call ends; the memory of the caller is his.
///
/// A SIM (class A0, 3GPP TS 51.011) is the exception: it refuses class 00 with 6E00 and without a look at the code, and
/// gets the code once more in its own class. Its codes are blocks of eight, filled up with FF, unless the options say
/// otherwise. It does not tell whether a code was verified, so that `SCM_FL_IHV_CHECKONLY` tells whether this object
/// has verified it, or CHV1 is disabled.
///
/// A local code (`SCM_FL_IHV_LOCAL`) is one of the DF that is selected when the command arrives at the card. Others may
/// select another one before: `scm_lock` around selecting it and this keeps them from that.
///
/// Note how `retries_left` differs from other outputs: it is set after failures, too.
///
/// @param ch_verification  the object
/// @param code  the characters or digits of the code, without padding; NULL with length 0 for the PIN pad
/// @param code_length  how many these are
/// @param flags  `SCM_FL_IHV_GLOBAL` (default) or `SCM_FL_IHV_LOCAL`; and `SCM_FL_IHV_CHECKONLY`, without a code, to
///   ask for the state, which spends no try
/// @param reference  the number of the code, 0 to 31: P2 of the command is that, and 0x80 or-ed with it if it is local
/// @param retries_left  [out] how many tries are left, where the card has said so (63CX, 6301 to 630F), also with a
///   failure; 0 when the code is blocked; else `SCM_RETRIES_UNKNOWN`, as after 6300, which does not say it, and after a
///   success. A SIM is asked for it after 9804 (STATUS).
///
/// @return
/// - `SCM_S_OK`: verified; with `SCM_FL_IHV_CHECKONLY` it has been, or the card does not ask for it.
/// - `SCM_SCARD_W_WRONG_CHV`: 63XX or 9804, the code was wrong.
/// - `SCM_SCARD_W_CARD_NOT_AUTHENTICATED`: 63XX or 9804 with `SCM_FL_IHV_CHECKONLY`, it has not been verified.
/// - `SCM_SCARD_W_CHV_BLOCKED`: no try is left: 6983, 63C0 or 9840, also with `SCM_FL_IHV_CHECKONLY`.
/// - `SCM_SCARD_E_INVALID_CHV`: the code is no code of this object: too short, too long, not of digits. Nothing was
///   sent. Or 6984, or the user has entered too few or too many digits (6403), and the reader has sent nothing.
/// - `SCM_SCARD_E_TIMEOUT`: the user has entered nothing in time (6400).
/// - `SCM_SCARD_W_CANCELLED_BY_USER`: the user has pressed the key that cancels (6401).
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the reader has no PIN pad, or none for such codes (6B80);
///   `SCM_FL_SECURE_MESSAGING`; the card does not know the command.
/// - `SCM_SCARD_E_FILE_NOT_FOUND`: 6A88, there is no such code.
/// - other codes of a status word: as `scm_send`
/// - `SCM_E_POINTER`: `retries_left` is NULL. Nothing was sent.
/// - `SCM_E_INVALIDARG`: `code` is NULL with a length, or there with `SCM_FL_IHV_CHECKONLY`; a flag that is not named
///   here; global and local; a reference above 31. Nothing was sent.
/// - `SCM_E_HANDLE`: no object, or its attachment has ended.
/// - the codes of a connection: as `scm_send`
///
/// Blocks as `scm_send`, and with a PIN pad until the user is done; `scm_cancel` ends only the wait for others.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_ch_verification_verify(
    ch_verification: *mut scm_ch_verification,
    code: *const u8,
    code_length: libc::size_t,
    flags: u32,
    reference: u32,
    retries_left: *mut u32,
) -> scm_result {
    let body = |retries_left: &mut u32| {
        let (codes, attachment) = verifying(ch_verification)?;
        // SAFETY: as the header says.
        let code = unsafe { input(code, code_length) }?;
        codes.object.verify(&attachment, code, flags, reference, retries_left)
    };
    // SAFETY: as the header says.
    guard(|| unsafe { with_retries(retries_left, body) })
}

/// Gives a code another value (CHANGE REFERENCE DATA), or has the card ask for it from now on, or not any more (ENABLE
/// and DISABLE VERIFICATION REQUIREMENT).
///
/// Without any code the reader asks for them, also for the new one twice (FEATURE_MODIFY_PIN_DIRECT, and
/// FEATURE_VERIFY_PIN_DIRECT to enable and disable). A new code alone is sent as such (P1 01), which a card may allow
/// after something else was proven.
///
/// @param ch_verification  the object
/// @param old_code  the code as it is
/// @param old_code_length  its length
/// @param new_code  the code as it is to be; NULL with length 0 to enable and to disable
/// @param new_code_length  its length
/// @param flags  `SCM_FL_IHV_GLOBAL` (default) or `SCM_FL_IHV_LOCAL`; and one of `SCM_FL_IHV_CHANGE` (default),
///   `SCM_FL_IHV_ENABLE`, `SCM_FL_IHV_DISABLE`
/// @param reference  as for `scm_ch_verification_verify`
/// @param retries_left  [out] as for `scm_ch_verification_verify`
///
/// @return as `scm_ch_verification_verify`, where it is about a code either of them, and
/// - `SCM_S_OK`: changed, enabled or disabled.
/// - `SCM_SCARD_E_INVALID_CHV`: also an old code without a new one.
/// - `SCM_SCARD_E_INVALID_VALUE`: the user has entered the new code in two ways (6402).
/// - `SCM_SCARD_E_NO_ACCESS`: 6985, the card does not allow it.
/// - `SCM_E_INVALIDARG`: also a new code to enable or disable, or more than one of change, enable and disable.
///
/// Blocks as `scm_ch_verification_verify`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_ch_verification_change_code(
    ch_verification: *mut scm_ch_verification,
    old_code: *const u8,
    old_code_length: libc::size_t,
    new_code: *const u8,
    new_code_length: libc::size_t,
    flags: u32,
    reference: u32,
    retries_left: *mut u32,
) -> scm_result {
    let body = |retries_left: &mut u32| {
        let (codes, attachment) = verifying(ch_verification)?;
        // SAFETY: as the header says.
        let given =
            unsafe { Codes { current: input(old_code, old_code_length)?, new: input(new_code, new_code_length)? } };
        codes.object.change_code(&attachment, given, flags, reference, retries_left)
    };
    // SAFETY: as the header says.
    guard(|| unsafe { with_retries(retries_left, body) })
}

/// Sets the counter of a code back that was wrong too often (RESET RETRY COUNTER), and gives it another value.
///
/// Which codes the card wants is up to it: an unblocking code and a new one (P1 00), only the unblocking code (P1 01),
/// only a new one (P1 02), or none (P1 03) where something else has been proven. So no code does not mean the PIN pad
/// here: `SCM_FL_IHV_PIN_PAD` does, which asks for both.
///
/// @param ch_verification  the object
/// @param unblocking_code  the code that may do it; NULL with length 0 for none
/// @param unblocking_code_length  its length
/// @param new_code  the new value; NULL with length 0 for none
/// @param new_code_length  its length
/// @param flags  `SCM_FL_IHV_GLOBAL` (default) or `SCM_FL_IHV_LOCAL`; and `SCM_FL_IHV_PIN_PAD`, without codes
/// @param reference  the code that is blocked; as for `scm_ch_verification_verify`
/// @param retries_left  [out] as for `scm_ch_verification_verify`: the tries of the unblocking code, as cards have it
///
/// @return as `scm_ch_verification_verify`, where it is about a code either of them, and
/// - `SCM_S_OK`: the code can be shown again.
/// - `SCM_SCARD_E_INVALID_VALUE`: the user has entered the new code in two ways (6402).
/// - `SCM_SCARD_E_NO_ACCESS`: 6985, the card does not allow it in this way.
/// - `SCM_E_INVALIDARG`: also a code beside `SCM_FL_IHV_PIN_PAD`.
///
/// Blocks as `scm_ch_verification_verify`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_ch_verification_unblock(
    ch_verification: *mut scm_ch_verification,
    unblocking_code: *const u8,
    unblocking_code_length: libc::size_t,
    new_code: *const u8,
    new_code_length: libc::size_t,
    flags: u32,
    reference: u32,
    retries_left: *mut u32,
) -> scm_result {
    let body = |retries_left: &mut u32| {
        let (codes, attachment) = verifying(ch_verification)?;
        // SAFETY: as the header says.
        let current = unsafe { input(unblocking_code, unblocking_code_length) }?;
        // SAFETY: as the header says.
        let new = unsafe { input(new_code, new_code_length) }?;
        codes.object.unblock(&attachment, Codes { current, new }, flags, reference, retries_left)
    };
    // SAFETY: as the header says.
    guard(|| unsafe { with_retries(retries_left, body) })
}

/// Takes back what was verified through this object (VERIFY with P1 FF, for each of the codes), without a reset of the
/// card.
///
/// A code that the card has forgotten since is not asked about (`scm_get_generation`). After it the card is asked for
/// the state of each code, because one that does not know this way would answer just as well. A local code is one of
/// the current DF: where another one is selected meanwhile, the card may not find it.
///
/// @param ch_verification  the object
///
/// @return
/// - `SCM_S_OK`: nothing of this object is verified any more.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the card refuses it, or has not done it, for one code at least; the others are
///   taken back. A reset does it: `scm_unlock` or `scm_reconnect_ex` with one.
/// - `SCM_E_HANDLE`: no object, or its attachment has ended.
/// - the codes of a connection: as `scm_send`
///
/// Blocks as `scm_send`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_ch_verification_reset_security_state(
    ch_verification: *mut scm_ch_verification,
) -> scm_result {
    guard(|| {
        let (codes, attachment) = verifying(ch_verification)?;
        codes.object.reset_security_state(&attachment)
    })
}

/// Ends an object. What it has verified stays so on the card.
///
/// @param ch_verification  the object
///
/// @return
/// - `SCM_S_OK`: ended.
/// - `SCM_E_HANDLE`: no object, or it has ended already, also with its attachment.
/// - `SCM_E_UNEXPECTED`: as everywhere.
///
/// Does not block; a call of another thread goes on to its end.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_ch_verification_release(ch_verification: *mut scm_ch_verification) -> scm_result {
    guard(|| {
        let released = release(token(ch_verification)?, |handles| &mut handles.ch_verifications)?;
        drop(released);
        Ok(Hresult::S_OK)
    })
}

/// # Safety
/// The pointers are as the header says.
unsafe fn create_with(
    handle: *mut scm_handle,
    given: *const scm_ch_verification_options,
    ch_verification: *mut *mut scm_ch_verification,
) -> Result<Hresult> {
    // SAFETY: as the caller vouches for.
    let output = unsafe { Output::new(ch_verification) }?;
    // SAFETY: as the caller vouches for.
    let given = unsafe { options(given) }?;
    let (form, prompt) = (given.form()?, given.prompt()?);
    let generic = || Ok(Object::ChVerification(try_box(GenericChVerification::new(form, prompt))?));
    let interface = Interface::Standard(Standard::ChVerification);
    output.set(create(handle, interface, std::ptr::null_mut(), generic)?.to_pointer());
    Ok(Hresult::S_OK)
}

type CreatedChVerification = Arc<Created<Box<dyn ChVerification>>>;

fn verifying(ch_verification: *mut scm_ch_verification) -> Result<(CreatedChVerification, Arc<Attachment>)> {
    created(token(ch_verification)?, |handles| &handles.ch_verifications)
}

/// Gives the caller the number of tries that are left, also after a failure. 0 would be a number, so it is never a
/// default.
///
/// # Safety
/// `retries_left` is as the header says.
unsafe fn with_retries(retries_left: *mut u32, body: impl FnOnce(&mut u32) -> Result<Hresult>) -> Result<Hresult> {
    // SAFETY: as the caller vouches for.
    let output = unsafe { Output::new(retries_left) }?;
    let mut count = SCM_RETRIES_UNKNOWN;
    let done = body(&mut count);
    output.set(count);
    done
}

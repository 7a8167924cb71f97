//! Codes of the card holder: ISCardVerify.

use super::interface::create;
use super::{created, release, scm_handle, scm_result, token};
use crate::abi::cause::refuse;
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::Attachment;
use crate::capi::boundary::{OfArgument, Options, Output, guard, input, options};
use crate::handles::objects::Created;
use crate::interfaces::ch_verification::{ChVerification, Codes};
use crate::interfaces::generic::ch_verification::{GenericChVerification, PIN_PAD};
use crate::interfaces::generic::code::{CodeForm, Encoding, FILLER};
use crate::interfaces::generic::pin_pad::Prompt;
use crate::interfaces::identity::{Interface, Standard};
use crate::interfaces::object::Object;
use crate::runtime::fallible::{Arc, try_box};
use crate::runtime::wait::SCM_INFINITE;

/// The codes of a card. `scm_create_ch_verification` makes it; `scm_ch_verification_release` or the end of the
/// attachment ends it.
pub struct scm_ch_verification {
    _opaque: (),
}

/// The value of `retries_left` if the card has not told how many tries are left.
pub const SCM_RETRIES_UNKNOWN: u32 = 0xFFFF_FFFF;

/// Unblock: the user enters both codes at the PIN pad of the reader. A flag of libscm.
pub const SCM_FL_IHV_PIN_PAD: u32 = 0x1_0000;
const _: () = assert!(SCM_FL_IHV_PIN_PAD == PIN_PAD);

/// `scm_ch_verification_options.encoding`: the bytes of the code as they are given, such as ASCII. The default.
pub const SCM_CODE_ASCII: u32 = 1;
/// `scm_ch_verification_options.encoding`: two digits in a byte (BCD). If the number of digits is odd, the filler
/// gives the last four bits.
pub const SCM_CODE_BCD: u32 = 2;
/// `scm_ch_verification_options.encoding`: a block of eight bytes as in ISO 9564-1, format 2: 2, the number of
/// digits, the digits, and F.
pub const SCM_CODE_ISO9564_2: u32 = 3;

/// The longest code, and the longest block, in bytes.
pub const SCM_CODE_MAX: u32 = 127;
const _: () = assert!(SCM_CODE_MAX as usize == crate::interfaces::generic::code::MAX_CODE);

/// `scm_ch_verification_options.filler`: set together with the filler, such as `SCM_CODE_FILLER | 0x00`.
pub const SCM_CODE_FILLER: u32 = 0x100;

/// The format of the codes of a card. Initialise with `SCM_CH_VERIFICATION_OPTIONS_INIT`; zero in a field is its
/// default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_ch_verification_options {
    /// `sizeof(scm_ch_verification_options)`
    pub struct_size: u32,
    /// The encoding of a code: `SCM_CODE_ASCII` (default), `SCM_CODE_BCD`, `SCM_CODE_ISO9564_2`.
    pub encoding: u32,
    /// The length to which every code is filled, up to `SCM_CODE_MAX` bytes. 0 (default): its own length, and 8 with
    /// `SCM_CODE_ISO9564_2`, which allows no other.
    pub block_length: u32,
    /// The filler: `SCM_CODE_FILLER` and a byte. 0 (default): FF, the only one with `SCM_CODE_ISO9564_2`.
    pub filler: u32,
    /// The least number of characters or digits. 0 (default): 1, and 4 with `SCM_CODE_ISO9564_2`.
    pub code_length_min: u32,
    /// The greatest number of characters or digits. 0 (default): as many as fit, up to `SCM_CODE_MAX`. A PIN pad takes
    /// this number, or 15 if neither it nor this field nor a block has a limit.
    pub code_length_max: u32,
    /// How long a PIN pad waits for the user, in milliseconds, up to 255,000. The reader counts seconds, so the library
    /// rounds up to the next second. 0 (default) and `SCM_INFINITE`: no limit but that of the reader.
    pub pin_pad_limit_ms: u32,
    /// The language of the texts of a PIN pad, as USB numbers them. 0 (default): 0x0409, English.
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
        code_length_min: 0,
        code_length_max: 0,
        pin_pad_limit_ms: 0,
        pin_pad_language: 0,
    };
}

impl scm_ch_verification_options {
    fn form(&self) -> Result<CodeForm> {
        let length = |given: u32| (given != 0).then_some(given as usize);
        let encoding = match self.encoding {
            0 | SCM_CODE_ASCII => Encoding::Characters,
            SCM_CODE_BCD => Encoding::Digits,
            SCM_CODE_ISO9564_2 => Encoding::Iso9564,
            _ => return Err(refuse("is not an encoding that the header defines")).of("encoding"),
        };
        let filler = match self.filler {
            0 => FILLER,
            SCM_CODE_FILLER..=0x1FF => self.filler as u8,
            _ => return Err(refuse("is neither 0 nor SCM_CODE_FILLER and a byte")).of("filler"),
        };
        CodeForm::new(
            encoding,
            length(self.block_length),
            filler,
            length(self.code_length_min),
            length(self.code_length_max),
        )
    }

    fn prompt(&self) -> Result<Prompt> {
        let limit_s = match self.pin_pad_limit_ms {
            0 | SCM_INFINITE => 0,
            limit_ms => u8::try_from(limit_ms.div_ceil(1000))
                .map_err(|_| refuse("is more than 255 seconds"))
                .of("pin_pad_limit_ms")?,
        };
        let language =
            u16::try_from(self.pin_pad_language).map_err(|_| refuse("has more than 16 bits")).of("pin_pad_language")?;
        let language = if language == 0 { Prompt::default().language } else { language };
        Ok(Prompt { limit_s, language })
    }
}

/// Makes an object for the codes of the card (ISCardManage::CreateCHVerification), with the default format.
///
/// @param handle  the attachment
/// @param ch_verification  [out] the object, which `scm_ch_verification_release` ends; NULL after a failure
///
/// @return
/// - `SCM_S_OK`: made.
/// - `SCM_SCARD_E_ICC_CREATEORDER`: `handle` is NULL: attach first.
/// - any failure of the provider of this card
///
/// Does not block, unless a provider does.
///
/// @see scm_create_ch_verification_ex, scm_ch_verification_verify, scm_ch_verification_release, scm_create_interface
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_create_ch_verification(
    handle: *mut scm_handle,
    ch_verification: *mut *mut scm_ch_verification,
) -> scm_result {
    // SAFETY: as the header says.
    guard!(scm_create_ch_verification(handle, ch_verification), || unsafe {
        create_with(handle, std::ptr::null(), ch_verification)
    })
}

/// Makes an object for the codes of the card, with the format of its codes.
///
/// @param handle  the attachment
/// @param options  the format; NULL for the defaults. A provider ignores it, because it knows its card.
/// @param ch_verification  [out] the object; NULL after a failure
///
/// @return as `scm_create_ch_verification`, and
/// - `SCM_E_INVALIDARG`: also a block above `SCM_CODE_MAX`, and limits that contradict each other or the block.
///
/// Does not block, unless a provider does.
///
/// @see scm_create_ch_verification, scm_ch_verification_release
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_create_ch_verification_ex(
    handle: *mut scm_handle,
    options: *const scm_ch_verification_options,
    ch_verification: *mut *mut scm_ch_verification,
) -> scm_result {
    // SAFETY: as the header says.
    guard!(scm_create_ch_verification_ex(handle, options, ch_verification), || unsafe {
        create_with(handle, options, ch_verification)
    })
}

/// Presents a code to the card (VERIFY), or asks for its state.
///
/// A command with a code is sent once. Without a code the reader asks the user for it at its PIN pad, and sends it
/// itself (PC/SC part 10, FEATURE_VERIFY_PIN_DIRECT): the code does not pass through the computer. The library
/// overwrites its copies of a code before the call ends.
///
/// A SIM (class A0, 3GPP TS 51.011) is an exception: it refuses class 00 with 6E00 without looking at the code, and
/// gets the code again in its own class. Its codes are blocks of eight, filled with FF, unless the options say
/// otherwise. It does not tell whether a code was verified: `SCM_FL_IHV_CHECKONLY` tells whether this object has
/// verified it, or CHV1 is disabled.
///
/// A local code (`SCM_FL_IHV_LOCAL`) belongs to the DF that is selected when the command arrives. Hold `scm_lock` from
/// the selection to this call, or another application may select another DF in between.
///
/// @param ch_verification  the object
/// @param code  the characters or digits of the code, without filler; NULL with length 0 for the PIN pad
/// @param code_length  their number
/// @param flags  `SCM_FL_IHV_GLOBAL` (default) or `SCM_FL_IHV_LOCAL`; and `SCM_FL_IHV_CHECKONLY`, without a code, to
///   ask for the state, which spends no try
/// @param reference  the number of the code, 0 to 31: P2 of the command, with 0x80 if the code is local
/// @param retries_left  [out] how many tries are left, also after a failure, if the card has told it (63CX, 6301 to
///   630F); 0 if the code is blocked; else `SCM_RETRIES_UNKNOWN`, as after 6300 and after a success. A SIM is asked for
///   it after 9804 (STATUS). To learn the number before the user enters a code, ask with `SCM_FL_IHV_CHECKONLY`.
///
/// @return
/// - `SCM_S_OK`: verified. With `SCM_FL_IHV_CHECKONLY`: it is verified, or the card does not need it.
/// - `SCM_SCARD_W_WRONG_CHV`: 63XX or 9804, the code was wrong.
/// - `SCM_SCARD_W_CARD_NOT_AUTHENTICATED`: 63XX or 9804 with `SCM_FL_IHV_CHECKONLY`: it is not verified.
/// - `SCM_SCARD_E_TIMEOUT`: the user has entered nothing in time (6400).
/// - `SCM_SCARD_W_CANCELLED_BY_USER`: the user has pressed the cancel key (6401).
/// - `SCM_E_INVALIDARG`: also a code together with `SCM_FL_IHV_CHECKONLY`, global and local, or a reference above 31.
/// - the other result codes of the group
///
/// @see scm_ch_verification_change_code, scm_ch_verification_unblock, scm_lock, scm_card_auth_user_auth
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
        let code = unsafe { input(code, code_length).of("code") }?;
        codes.object.verify(&attachment, code, flags, reference, retries_left)
    };
    // SAFETY: as the header says.
    guard!(scm_ch_verification_verify(ch_verification, code, code_length, flags, reference, retries_left), || unsafe {
        with_retries(retries_left, body)
    })
}

/// Gives a code a new value (CHANGE REFERENCE DATA), or makes the card ask for it or not (ENABLE and DISABLE
/// VERIFICATION REQUIREMENT).
///
/// Without any code the reader asks for them at its PIN pad, for the new code twice (FEATURE_MODIFY_PIN_DIRECT; to
/// enable and disable FEATURE_VERIFY_PIN_DIRECT). A new code without an old one is sent alone (P1 01), which a card may
/// allow after another proof.
///
/// @param ch_verification  the object
/// @param old_code  the present code
/// @param old_code_length  its length
/// @param new_code  the new code; NULL with length 0 to enable and to disable
/// @param new_code_length  its length
/// @param flags  `SCM_FL_IHV_GLOBAL` (default) or `SCM_FL_IHV_LOCAL`; and one of `SCM_FL_IHV_CHANGE` (default),
///   `SCM_FL_IHV_ENABLE`, `SCM_FL_IHV_DISABLE`
/// @param reference  as for `scm_ch_verification_verify`
/// @param retries_left  [out] as for `scm_ch_verification_verify`
///
/// @return as `scm_ch_verification_verify`, for either of the codes, and
/// - `SCM_S_OK`: changed, enabled or disabled.
/// - `SCM_SCARD_E_INVALID_CHV`: also an old code without a new one.
/// - `SCM_SCARD_E_INVALID_VALUE`: the user has entered two different new codes (6402).
/// - `SCM_SCARD_E_NO_ACCESS`: 6985, the card does not allow it.
/// - `SCM_E_INVALIDARG`: also a new code to enable or disable, or more than one of change, enable and disable.
///
/// @see scm_ch_verification_verify, scm_ch_verification_unblock
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
        let given = unsafe {
            Codes {
                current: input(old_code, old_code_length).of("old_code")?,
                new: input(new_code, new_code_length).of("new_code")?,
            }
        };
        codes.object.change_code(&attachment, given, flags, reference, retries_left)
    };
    guard!(
        scm_ch_verification_change_code(
            ch_verification,
            old_code,
            old_code_length,
            new_code,
            new_code_length,
            flags,
            reference,
            retries_left
        ),
        || {
            // SAFETY: as the header says.
            unsafe { with_retries(retries_left, body) }
        },
    )
}

/// Unblocks a code that was wrong too often (RESET RETRY COUNTER), and gives it a new value.
///
/// The card decides which codes it needs: an unblocking code and a new one (P1 00), only the unblocking code (P1 01),
/// only a new one (P1 02), or none (P1 03) after another proof. So the PIN pad, which asks for both, needs its flag
/// here: `SCM_FL_IHV_PIN_PAD`.
///
/// @param ch_verification  the object
/// @param unblocking_code  the code that allows it; NULL with length 0 for none
/// @param unblocking_code_length  its length
/// @param new_code  the new value; NULL with length 0 for none
/// @param new_code_length  its length
/// @param flags  `SCM_FL_IHV_GLOBAL` (default) or `SCM_FL_IHV_LOCAL`; and `SCM_FL_IHV_PIN_PAD`, without codes
/// @param reference  the blocked code; as for `scm_ch_verification_verify`
/// @param retries_left  [out] as for `scm_ch_verification_verify`; on cards it is the tries of the unblocking code
///
/// @return as `scm_ch_verification_verify`, for either of the codes, and
/// - `SCM_S_OK`: the code can be presented again.
/// - `SCM_SCARD_E_INVALID_VALUE`: the user has entered two different new codes (6402).
/// - `SCM_SCARD_E_NO_ACCESS`: 6985, the card does not allow it in this way.
/// - `SCM_E_INVALIDARG`: also a code together with `SCM_FL_IHV_PIN_PAD`.
///
/// @see scm_ch_verification_verify, scm_ch_verification_change_code
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
        let current = unsafe { input(unblocking_code, unblocking_code_length).of("unblocking_code") }?;
        // SAFETY: as the header says.
        let new = unsafe { input(new_code, new_code_length).of("new_code") }?;
        codes.object.unblock(&attachment, Codes { current, new }, flags, reference, retries_left)
    };
    guard!(
        scm_ch_verification_unblock(
            ch_verification,
            unblocking_code,
            unblocking_code_length,
            new_code,
            new_code_length,
            flags,
            reference,
            retries_left
        ),
        || {
            // SAFETY: as the header says.
            unsafe { with_retries(retries_left, body) }
        },
    )
}

/// Withdraws what was verified through this object, without a reset of the card (VERIFY with P1 FF, for each code).
///
/// Afterwards the card is asked for the state of each code, because a card that does not know this way may answer 9000,
/// too. A code that the card has forgotten since (`scm_get_generation`) is skipped. A local code belongs to the current
/// DF: if another one is selected meanwhile, the card may not find it.
///
/// @param ch_verification  the object
///
/// @return
/// - `SCM_S_OK`: nothing of this object is verified any more.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the card refuses it, or has not done it, for at least one code; the others are
///   withdrawn. A reset does it: `scm_unlock` or `scm_reconnect_ex`.
/// - the other result codes of the group
///
/// @see scm_ch_verification_verify, scm_unlock, scm_reconnect_ex
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_ch_verification_reset_security_state(
    ch_verification: *mut scm_ch_verification,
) -> scm_result {
    guard!(scm_ch_verification_reset_security_state(ch_verification), || {
        let (codes, attachment) = verifying(ch_verification)?;
        codes.object.reset_security_state(&attachment)
    })
}

/// Ends an object. Codes that it has verified stay verified.
///
/// @param ch_verification  the object
///
/// @return
/// - `SCM_S_OK`: ended.
/// - `SCM_E_HANDLE`: `ch_verification` is not such an object.
///
/// Does not block. A call of another thread continues to its end.
///
/// @see scm_create_ch_verification, scm_ch_verification_reset_security_state, scm_detach
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_ch_verification_release(ch_verification: *mut scm_ch_verification) -> scm_result {
    guard!(scm_ch_verification_release(ch_verification), || {
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
    let output = unsafe { Output::new(ch_verification).of("ch_verification") }?;
    // SAFETY: as the caller vouches for.
    let given = unsafe { options(given).within("options") }?;
    let (form, prompt) = (given.form().within("options")?, given.prompt().within("options")?);
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
    let output = unsafe { Output::new(retries_left).of("retries_left") }?;
    let mut count = SCM_RETRIES_UNKNOWN;
    let done = body(&mut count);
    output.set(count);
    done
}

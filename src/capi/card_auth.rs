//! Authentication by keys: ISCardAuth.

use std::cell::Cell;
use std::ffi::c_void;

use zeroize::Zeroizing;

use super::interface::create_standard;
use super::{created, release, scm_handle, scm_result, token};
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::Attachment;
use crate::capi::boundary::{Options, OutputBytes, guard, input, options};
use crate::handles::objects::Created;
use crate::interfaces::card_auth::{CardAuth, Method};
use crate::interfaces::generic::card_auth::{MAX_CHALLENGE, Responder, zeroes};
use crate::interfaces::generic::cipher::{Algorithm, Cipher};
use crate::interfaces::identity::Standard;
use crate::runtime::callback::{self, THREAD_ENDED};
use crate::runtime::fallible::Arc;

/// What ISCardAuth does with the keys of a card. A token like `scm_handle`.
pub struct scm_card_auth {
    _opaque: (),
}

/// `scm_card_auth_options.cipher`: the program's own, `callback`.
pub const SCM_CIPHER_CALLBACK: u32 = 0;
/// `scm_card_auth_options.cipher`: AES on one block of 16 bytes, with a key of 16, 24 or 32 bytes.
pub const SCM_CIPHER_AES: u32 = 1;
/// `scm_card_auth_options.cipher`: 3DES on one block of 8 bytes, with two keys (16 bytes) or three (24 bytes).
pub const SCM_CIPHER_3DES: u32 = 2;

/// The longest challenge of `scm_card_auth_options`, in bytes.
pub const SCM_CHALLENGE_MAX: u32 = 256;
const _: () = assert!(SCM_CHALLENGE_MAX as usize == MAX_CHALLENGE);
/// The longest answer to a challenge that a `scm_cipher_callback` may give, in bytes.
pub const SCM_CIPHER_OUTPUT_MAX: usize = 4096;

/// The challenge of a callback, unless it wants another one.
const CHALLENGE: u32 = 8;

/// Turns a challenge into its answer, such as by encrypting it.
///
/// It is called on the thread that authenticates, at a time when it may call any function of this library, also for the
/// same handle. What it has written is overwritten when it has been used.
///
/// @param user_data  `scm_card_auth_options.user_data`
/// @param challenge  the challenge
/// @param challenge_length  its length
/// @param answer  [out] the answer
/// @param capacity  the room in `answer`: `SCM_CIPHER_OUTPUT_MAX`
/// @param answer_length  [out] the length of the answer, at least 1
///
/// @return what succeeds goes on with the answer; what fails ends the call with the same code
pub type scm_cipher_callback = Option<
    unsafe extern "C-unwind" fn(
        user_data: *mut c_void,
        challenge: *const u8,
        challenge_length: libc::size_t,
        answer: *mut u8,
        capacity: libc::size_t,
        answer_length: *mut libc::size_t,
    ) -> scm_result,
>;

/// What answers a challenge. Begin with `SCM_CARD_AUTH_OPTIONS_INIT`; zero in a field is its default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_card_auth_options {
    /// `sizeof(scm_card_auth_options)`
    pub struct_size: u32,
    /// `SCM_CIPHER_CALLBACK` (default), `SCM_CIPHER_AES`, `SCM_CIPHER_3DES`
    pub cipher: u32,
    /// The key of a cipher that is built in; NULL with length 0 for a callback. It is read during the call, and not
    /// copied but into what is overwritten before the call ends.
    pub key: *const u8,
    /// The length of the key, as the cipher has it.
    pub key_length: libc::size_t,
    /// The program's own cipher; NULL for one that is built in.
    pub callback: scm_cipher_callback,
    /// For the callback.
    pub user_data: *mut c_void,
    /// The length of the challenge, up to `SCM_CHALLENGE_MAX`; 0 (default): a block, and 8 with a callback. A cipher
    /// that is built in takes a block and nothing else.
    pub challenge_length: u32,
}

// SAFETY: repr(C), the first field is the size; integers and pointers have no invalid values, and a function pointer of
// C is any bytes as far as it is not called.
unsafe impl Options for scm_card_auth_options {
    const FIRST_SIZE: usize = size_of::<Self>();
    const DEFAULT: Self = scm_card_auth_options {
        struct_size: size_of::<Self>() as u32,
        cipher: SCM_CIPHER_CALLBACK,
        key: std::ptr::null(),
        key_length: 0,
        callback: None,
        user_data: std::ptr::null_mut(),
        challenge_length: 0,
    };
}

impl scm_card_auth_options {
    /// The built-in cipher, if the options name one.
    ///
    /// # Safety
    /// The key is as the header says.
    unsafe fn cipher<'a>(&self) -> Result<Option<Cipher<'a>>> {
        // SAFETY: as the caller vouches for.
        let key = unsafe { input(self.key, self.key_length) }?;
        let algorithm = match (self.cipher, self.callback) {
            (SCM_CIPHER_CALLBACK, Some(_)) if key.is_empty() => return Ok(None),
            (SCM_CIPHER_AES, None) => Algorithm::Aes,
            (SCM_CIPHER_3DES, None) => Algorithm::TripleDes,
            _ => return Err(Hresult::E_INVALIDARG),
        };
        Cipher::new(algorithm, key).map(Some)
    }

    fn challenge(&self, cipher: Option<Cipher>) -> Result<usize> {
        let block = cipher.map(|cipher| cipher.block_length());
        match (self.challenge_length as usize, block) {
            (0, block) => Ok(block.unwrap_or(CHALLENGE as usize)),
            (length, Some(block)) if length == block => Ok(length),
            (length, None) if length <= MAX_CHALLENGE => Ok(length),
            _ => Err(Hresult::E_INVALIDARG),
        }
    }

    /// The answer of the callback.
    fn respond(&self, challenge: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let callback = self.callback.ok_or(Hresult::E_INVALIDARG)?;
        let (mut answer, mut length) = (zeroes(SCM_CIPHER_OUTPUT_MAX)?, 0);
        let (from, to, capacity) = (challenge.as_ptr(), answer.as_mut_ptr(), answer.len());
        // SAFETY: the header says what it has to be; the buffers are as long as is said.
        let call = || unsafe { callback(self.user_data, from, challenge.len(), to, capacity, &mut length) };
        match Hresult(callback::call(call, THREAD_ENDED)) {
            code if code.0 < 0 => Err(code),
            _ if length == 0 || length > capacity => Err(Hresult::E_FAIL),
            _ => {
                // The rest is overwritten, too: zeroize overwrites a Vec up to its capacity.
                answer.truncate(length);
                Ok(answer)
            }
        }
    }
}

/// Makes an object to authenticate with the keys of the attached card (CreateCardAuth).
///
/// @param handle  the attachment. The object ends with it, and uses whatever card it has.
/// @param card_auth  [out] the object; NULL after a failure
///
/// @return
/// - `SCM_S_OK`: made; end it with `scm_card_auth_release`.
/// - `SCM_E_POINTER`: `card_auth` is NULL.
/// - `SCM_SCARD_E_ICC_CREATEORDER`: `handle` is NULL: attach first.
/// - `SCM_E_OUTOFMEMORY`, `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`: as everywhere.
///
/// Does not block, and asks neither card nor reader.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_create_card_auth(
    handle: *mut scm_handle,
    card_auth: *mut *mut scm_card_auth,
) -> scm_result {
    // SAFETY: as the header says.
    guard(|| unsafe { create_standard(handle, Standard::CardAuth, card_auth) })
}

/// Asks the card for a challenge (GET CHALLENGE), which it remembers for the next `scm_card_auth_app_auth`.
///
/// Both are to happen under one `scm_lock`; `scm_card_auth_app_auth_ex` sees to it itself.
///
/// @param card_auth  the object
/// @param algorithm  the algorithm, as the card numbers them, 0 to 255 (P1); 0 says nothing
/// @param parameters  NULL with length 0, or one byte that is P2: for most commands the number of the key, 1 to 31, and
///   0x80 or-ed with it if it is one of the current DF
/// @param parameters_length  0 or 1
/// @param challenge  [out] the challenge
/// @param capacity  how many bytes are asked for, from 1
/// @param challenge_length  [out] how many the card has given
///
/// @return
/// - `SCM_S_OK`: given.
/// - `SCM_E_POINTER`: `challenge_length` is NULL, or `challenge` is NULL with a capacity.
/// - `SCM_E_INVALIDARG`: an algorithm above 255, parameters that are NULL with a length or longer than one byte, a
///   capacity of 0 or above 65,536. Nothing was sent.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the card does not know the command, or has given more than was asked for: a
///   challenge that is cut is none.
/// - other codes of a status word: as `scm_send`
/// - `SCM_E_HANDLE`: no object, or its attachment has ended.
/// - the codes of a connection: as `scm_send`
///
/// Blocks as `scm_send`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_card_auth_get_challenge(
    card_auth: *mut scm_card_auth,
    algorithm: u32,
    parameters: *const u8,
    parameters_length: libc::size_t,
    challenge: *mut u8,
    capacity: libc::size_t,
    challenge_length: *mut libc::size_t,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let output = unsafe { OutputBytes::new(challenge, capacity, challenge_length) }?;
        let (auth, attachment) = authenticating(card_auth)?;
        // SAFETY: as the header says.
        let parameters = unsafe { input(parameters, parameters_length) }?;
        auth.object.get_challenge(&attachment, Method { algorithm, parameters }, output)
    })
}

/// Shows the card that the application has a key: sends what the application has made of the card's challenge (EXTERNAL
/// AUTHENTICATE). It is sent once.
///
/// @param card_auth  the object
/// @param algorithm  as for `scm_card_auth_get_challenge`
/// @param parameters  as for `scm_card_auth_get_challenge`
/// @param parameters_length  0 or 1
/// @param data  the answer to the challenge
/// @param data_length  its length, 1 to `SCM_COMMAND_DATA_MAX`
///
/// @return
/// - `SCM_S_OK`: the card believes it.
/// - `SCM_SCARD_W_SECURITY_VIOLATION`: 63XX, it does not; 6982.
/// - `SCM_SCARD_W_CHV_BLOCKED`: 6983 or 63C0, it was wrong too often.
/// - `SCM_SCARD_E_NO_ACCESS`: 6985, there is no challenge, or the key is not for that.
/// - `SCM_SCARD_E_FILE_NOT_FOUND`: 6A88, there is no such key.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the card does not know the command.
/// - other codes of a status word: as `scm_send`
/// - `SCM_E_INVALIDARG`: as for `scm_card_auth_get_challenge`, or no data, or too many. Nothing was sent.
/// - `SCM_E_HANDLE`: no object, or its attachment has ended.
/// - the codes of a connection: as `scm_send`
///
/// Blocks as `scm_send`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_card_auth_app_auth(
    card_auth: *mut scm_card_auth,
    algorithm: u32,
    parameters: *const u8,
    parameters_length: libc::size_t,
    data: *const u8,
    data_length: libc::size_t,
) -> scm_result {
    guard(|| {
        let (auth, attachment) = authenticating(card_auth)?;
        // SAFETY: as the header says.
        let (parameters, data) = unsafe { (input(parameters, parameters_length)?, input(data, data_length)?) };
        auth.object.app_auth(&attachment, Method { algorithm, parameters }, data)
    })
}

/// Shows the card that the application has a key, all of it: GET CHALLENGE, the cipher, EXTERNAL AUTHENTICATE, under
/// one lock.
///
/// @param card_auth  the object
/// @param algorithm  as for `scm_card_auth_get_challenge`, in EXTERNAL AUTHENTICATE; GET CHALLENGE has 0 for both
///   numbers
/// @param parameters  as for `scm_card_auth_get_challenge`
/// @param parameters_length  0 or 1
/// @param options  the cipher
///
/// @return as `scm_card_auth_app_auth`, and
/// - `SCM_E_INVALIDARG`: also `options` that are NULL or have a `struct_size` of no version; no such cipher; a key or a
///   challenge of a length that it does not have; a key beside a callback, or neither. Nothing was sent.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: also a card that gives a challenge of another length.
/// - `SCM_E_FAIL`: also a callback that gives nothing, or more than there is room for.
/// - `SCM_E_NOTIMPL`: the object is that of a provider, which has the steps alone. Nothing was sent.
/// - any failure of the callback
///
/// Blocks as `scm_send`, and as long as the callback takes, during which the card stays locked.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_card_auth_app_auth_ex(
    card_auth: *mut scm_card_auth,
    algorithm: u32,
    parameters: *const u8,
    parameters_length: libc::size_t,
    options: *const scm_card_auth_options,
) -> scm_result {
    guard(|| {
        let (auth, attachment) = authenticating(card_auth)?;
        let whole = auth.object.challenge_response()?;
        // SAFETY: as the header says.
        let (parameters, options) = unsafe { (input(parameters, parameters_length)?, cipher_options(options)?) };
        let method = Method { algorithm, parameters };
        // SAFETY: as the header says.
        unsafe {
            respond(card_auth, &options, |responder, length| whole.app_auth(&attachment, method, responder, length))
        }
    })
}

/// Lets the card show that it has a key: gives it a challenge, and receives its answer (INTERNAL AUTHENTICATE). Whether
/// the answer is right, the application finds out; `scm_card_auth_icc_auth_ex` does it for ciphers.
///
/// @param card_auth  the object
/// @param algorithm  as for `scm_card_auth_get_challenge`
/// @param parameters  as for `scm_card_auth_get_challenge`
/// @param parameters_length  0 or 1
/// @param data  the challenge, never used before
/// @param data_length  its length, 1 to `SCM_COMMAND_DATA_MAX`
/// @param answer  [out] the card's answer. May be the same memory as `data`.
/// @param capacity  the room in `answer`. Up to 256 bytes are asked for whatever it is.
/// @param answer_length  [out] the length of the answer, 0 after a failure
///
/// @return
/// - `SCM_S_OK`: the card has answered.
/// - `SCM_E_POINTER`: `answer_length` is NULL, or `answer` is NULL with a capacity. Nothing was sent.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the answer does not fit; `scm_get_last_response` gives it, with its status
///   word.
/// - `SCM_SCARD_W_SECURITY_VIOLATION`: 6982, the key may not be used yet.
/// - others: as `scm_card_auth_app_auth`
///
/// Blocks as `scm_send`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_card_auth_icc_auth(
    card_auth: *mut scm_card_auth,
    algorithm: u32,
    parameters: *const u8,
    parameters_length: libc::size_t,
    data: *const u8,
    data_length: libc::size_t,
    answer: *mut u8,
    capacity: libc::size_t,
    answer_length: *mut libc::size_t,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let output = unsafe { OutputBytes::new(answer, capacity, answer_length) }?;
        let (auth, attachment) = authenticating(card_auth)?;
        // SAFETY: as the header says.
        let parameters = unsafe { input(parameters, parameters_length) }?;
        // SAFETY: as the header says.
        let data = unsafe { shared_input(data, data_length) }?;
        auth.object.icc_auth(&attachment, Method { algorithm, parameters }, data, output)
    })
}

/// Finds out whether the card has a key, all of it: a random challenge, INTERNAL AUTHENTICATE, and the comparison of
/// its answer with that of the cipher, in a time that does not depend on what is different.
///
/// @param card_auth  the object
/// @param algorithm  as for `scm_card_auth_get_challenge`
/// @param parameters  as for `scm_card_auth_get_challenge`
/// @param parameters_length  0 or 1
/// @param options  the cipher
///
/// @return as `scm_card_auth_icc_auth`, and
/// - `SCM_S_OK`: the card has the key.
/// - `SCM_SCARD_W_CARD_NOT_AUTHENTICATED`: the card has answered, and not as one that has the key.
/// - `SCM_E_INVALIDARG`, `SCM_E_FAIL`, and any failure of the callback: as `scm_card_auth_app_auth_ex`. Nothing was
///   sent.
/// - `SCM_E_FAIL`: also a system that gives no random numbers. Nothing was sent.
/// - `SCM_E_NOTIMPL`: as `scm_card_auth_app_auth_ex`.
///
/// Blocks as `scm_send`, and as long as the callback takes, which is called before the card is locked.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_card_auth_icc_auth_ex(
    card_auth: *mut scm_card_auth,
    algorithm: u32,
    parameters: *const u8,
    parameters_length: libc::size_t,
    options: *const scm_card_auth_options,
) -> scm_result {
    guard(|| {
        let (auth, attachment) = authenticating(card_auth)?;
        let whole = auth.object.challenge_response()?;
        // SAFETY: as the header says.
        let (parameters, options) = unsafe { (input(parameters, parameters_length)?, cipher_options(options)?) };
        let method = Method { algorithm, parameters };
        // SAFETY: as the header says.
        unsafe {
            respond(card_auth, &options, |responder, length| whole.icc_auth(&attachment, method, responder, length))
        }
    })
}

/// Shows the card that the user is there, by what he knows or is: sends the data as they are (VERIFY), such as a code
/// with its padding or a biometric. It is sent once, and overwritten here when the call ends. For codes there is
/// `scm_ch_verification_verify`, which tells the tries that are left.
///
/// @param card_auth  the object
/// @param algorithm  as for `scm_card_auth_get_challenge`
/// @param parameters  as for `scm_card_auth_get_challenge`
/// @param parameters_length  0 or 1
/// @param data  what the user has given
/// @param data_length  its length, 1 to `SCM_COMMAND_DATA_MAX`
///
/// @return
/// - `SCM_S_OK`: the card believes it.
/// - `SCM_SCARD_W_WRONG_CHV`: 63XX, it does not; 6982, 6987, 6988, 9804.
/// - `SCM_SCARD_W_CHV_BLOCKED`: 6983, 63C0 or 9840, it was wrong too often.
/// - others: as `scm_card_auth_app_auth`
///
/// Blocks as `scm_send`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_card_auth_user_auth(
    card_auth: *mut scm_card_auth,
    algorithm: u32,
    parameters: *const u8,
    parameters_length: libc::size_t,
    data: *const u8,
    data_length: libc::size_t,
) -> scm_result {
    guard(|| {
        let (auth, attachment) = authenticating(card_auth)?;
        // SAFETY: as the header says.
        let (parameters, data) = unsafe { (input(parameters, parameters_length)?, input(data, data_length)?) };
        auth.object.user_auth(&attachment, Method { algorithm, parameters }, data)
    })
}

/// Ends an object. What it has shown to the card stays so.
///
/// @param card_auth  the object
///
/// @return
/// - `SCM_S_OK`: ended.
/// - `SCM_E_HANDLE`: no object, or it has ended already, also with its attachment.
/// - `SCM_E_UNEXPECTED`: as everywhere.
///
/// Does not block; a call of another thread goes on to its end.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_card_auth_release(card_auth: *mut scm_card_auth) -> scm_result {
    guard(|| {
        let released = release(token(card_auth)?, |handles| &mut handles.card_auths)?;
        drop(released);
        Ok(Hresult::S_OK)
    })
}

type CreatedCardAuth = Arc<Created<Box<dyn CardAuth>>>;

fn authenticating(card_auth: *mut scm_card_auth) -> Result<(CreatedCardAuth, Arc<Attachment>)> {
    created(token(card_auth)?, |handles| &handles.card_auths)
}

/// The bytes of an input whose memory may also be that of an output.
///
/// # Safety
/// As for `input`, but the output of the same call may be written.
unsafe fn shared_input<'a>(data: *const u8, length: usize) -> Result<&'a [Cell<u8>]> {
    // SAFETY: as the caller vouches for. The reference ends here.
    if unsafe { input(data, length) }?.is_empty() {
        return Ok(&[]);
    }
    // SAFETY: the same memory, which only an output of the same call writes.
    Ok(unsafe { std::slice::from_raw_parts(data.cast(), length) })
}

/// # Safety
/// The pointer is as the header says.
unsafe fn cipher_options(given: *const scm_card_auth_options) -> Result<scm_card_auth_options> {
    if given.is_null() {
        return Err(Hresult::E_INVALIDARG);
    }
    // SAFETY: as the caller vouches for.
    unsafe { options(given) }
}

/// Calls `prove` with the responder, and with the length of the challenge, that the options ask for.
///
/// # Safety
/// The pointers in the options are as the header says.
unsafe fn respond(
    card_auth: *mut scm_card_auth,
    given: &scm_card_auth_options,
    prove: impl FnOnce(&Responder, usize) -> Result<Hresult>,
) -> Result<Hresult> {
    // SAFETY: as the caller vouches for.
    let cipher = unsafe { given.cipher() }?;
    let length = given.challenge(cipher)?;
    let program = |challenge: &[u8]| {
        let answer = given.respond(challenge)?;
        // The callback may have ended the object.
        authenticating(card_auth).map(|_| answer)
    };
    let responder = cipher.map_or(Responder::Program(&program), Responder::BuiltIn);
    prove(&responder, length)
}

//! Authentication by keys: ISCardAuth.

use std::cell::Cell;
use std::ffi::c_void;

use zeroize::Zeroizing;

use super::interface::create_standard;
use super::{created, release, scm_handle, scm_result, token};
use crate::abi::cause::refuse;
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::Attachment;
use crate::capi::boundary::{OfArgument, Options, OutputBytes, guard, input, required};
use crate::handles::objects::Created;
use crate::interfaces::card_auth::{CardAuth, Method};
use crate::interfaces::generic::card_auth::{MAX_CHALLENGE, Responder, zeroes};
use crate::interfaces::generic::cipher::{Algorithm, Cipher};
use crate::interfaces::identity::Standard;
use crate::runtime::callback::{self, THREAD_ENDED};
use crate::runtime::fallible::Arc;

/// The keys of a card. `scm_create_card_auth` makes it; `scm_card_auth_release` or the end of the attachment ends it.
pub struct scm_card_auth {
    _opaque: (),
}

/// The program's own cipher: `scm_card_auth_options.cipher_callback`.
pub const SCM_CIPHER_CALLBACK: u32 = 0;
/// AES on one block of 16 bytes, with a key of 16, 24 or 32 bytes.
pub const SCM_CIPHER_AES: u32 = 1;
/// 3DES on one block of 8 bytes, with two keys (16 bytes) or three (24 bytes).
pub const SCM_CIPHER_3DES: u32 = 2;

/// The longest challenge of `scm_card_auth_options`, in bytes.
pub const SCM_CHALLENGE_MAX: u32 = 256;
const _: () = assert!(SCM_CHALLENGE_MAX as usize == MAX_CHALLENGE);
/// The longest answer of a `scm_cipher_callback`, in bytes.
pub const SCM_CIPHER_OUTPUT_MAX: usize = 4096;

/// The challenge of a callback, unless it wants another one.
const CHALLENGE: u32 = 8;

/// Makes the answer to a challenge, such as by encrypting it.
///
/// It runs on the thread that authenticates, and may call every function of this library, also for the same handle. The
/// library overwrites the answer after its use.
///
/// @param user_data  `scm_card_auth_options.user_data`
/// @param challenge  the challenge
/// @param challenge_length  its length
/// @param answer  [out] the answer
/// @param capacity  the room in `answer`: `SCM_CIPHER_OUTPUT_MAX`
/// @param answer_length  [out] the length of the answer, at least 1
///
/// @return a success to go on with the answer; a failure to end the call with this code
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

/// The cipher for a challenge. Initialise with `SCM_CARD_AUTH_OPTIONS_INIT`; zero in a field is its default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_card_auth_options {
    /// `sizeof(scm_card_auth_options)`
    pub struct_size: u32,
    /// `SCM_CIPHER_CALLBACK` (default), `SCM_CIPHER_AES`, `SCM_CIPHER_3DES`
    pub cipher: u32,
    /// The key of a built-in cipher; NULL with length 0 for a callback. Read during the call; the library overwrites
    /// its copies before the call ends.
    pub key: *const u8,
    /// The length of the key, as the cipher needs it.
    pub key_length: libc::size_t,
    /// The program's own cipher; NULL for a built-in one.
    pub cipher_callback: scm_cipher_callback,
    /// The first argument of the callback.
    pub user_data: *mut c_void,
    /// The length of the challenge, up to `SCM_CHALLENGE_MAX`. 0 (default): one block, and 8 with a callback. A
    /// built-in cipher takes one block and nothing else.
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
        cipher_callback: None,
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
        let key = unsafe { input(self.key, self.key_length).of("key") }?;
        let algorithm = match (self.cipher, self.cipher_callback) {
            (SCM_CIPHER_CALLBACK, Some(_)) if key.is_empty() => return Ok(None),
            (SCM_CIPHER_AES, None) => Algorithm::Aes,
            (SCM_CIPHER_3DES, None) => Algorithm::TripleDes,
            (SCM_CIPHER_CALLBACK, None) => {
                return Err(refuse("is NULL, and no built-in cipher is chosen")).of("cipher_callback");
            }
            (SCM_CIPHER_CALLBACK, _) => return Err(refuse("is given, although a callback is the cipher")).of("key"),
            (SCM_CIPHER_AES | SCM_CIPHER_3DES, _) => {
                return Err(refuse("is given, although a built-in cipher is chosen")).of("cipher_callback");
            }
            _ => return Err(refuse("is not a cipher that the header defines")).of("cipher"),
        };
        Cipher::new(algorithm, key).map(Some)
    }

    fn challenge(&self, cipher: Option<Cipher>) -> Result<usize> {
        let block = cipher.map(|cipher| cipher.block_length());
        match (self.challenge_length as usize, block) {
            (0, block) => Ok(block.unwrap_or(CHALLENGE as usize)),
            (length, Some(block)) if length == block => Ok(length),
            (length, None) if length <= MAX_CHALLENGE => Ok(length),
            _ => Err(refuse("does not fit the cipher, or is greater than SCM_CHALLENGE_MAX")).of("challenge_length"),
        }
    }

    /// The answer of the callback.
    fn respond(&self, challenge: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let callback = self.cipher_callback.ok_or_else(|| refuse("is NULL")).of("cipher_callback")?;
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

/// Makes an object to authenticate with the keys of the card (ISCardManage::CreateCardAuth).
///
/// @param handle  the attachment
/// @param card_auth  [out] the object, which `scm_card_auth_release` ends; NULL after a failure
///
/// @return
/// - `SCM_S_OK`: made.
/// - `SCM_SCARD_E_ICC_CREATEORDER`: `handle` is NULL: attach first.
/// - any failure of the provider of this card
///
/// Does not block, unless a provider does.
///
/// @see scm_card_auth_app_auth_ex, scm_card_auth_icc_auth_ex, scm_card_auth_release, scm_create_interface
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_create_card_auth(
    handle: *mut scm_handle,
    card_auth: *mut *mut scm_card_auth,
) -> scm_result {
    // SAFETY: as the header says.
    guard!(scm_create_card_auth(handle, card_auth), || unsafe {
        create_standard(handle, Standard::CardAuth, card_auth)
    }
    .of("card_auth"))
}

/// Gets a challenge from the card (GET CHALLENGE), which the card keeps for the next `scm_card_auth_app_auth`.
///
/// Hold one `scm_lock` over both calls. `scm_card_auth_app_auth_ex` does both under a lock.
///
/// @param card_auth  the object
/// @param algorithm  the algorithm, as the card numbers them, 0 to 255 (P1); 0 if the card knows it
/// @param parameters  NULL with length 0, or one byte for P2. For most commands it is the number of the key, 1 to 31,
///   with 0x80 if the key belongs to the current DF.
/// @param parameters_length  0 or 1
/// @param challenge  [out] the challenge
/// @param capacity  how many bytes are wanted, 1 to 65,536
/// @param challenge_length  [out] how many bytes the card has given; 0 after a failure
///
/// @return
/// - `SCM_S_OK`: given.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the card does not know the command, or has given more bytes than wanted: a part
///   of a challenge is useless.
/// - the other result codes of the group
///
/// @see scm_card_auth_app_auth, scm_card_auth_app_auth_ex, scm_lock
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
    guard!(
        scm_card_auth_get_challenge(
            card_auth,
            algorithm,
            parameters,
            parameters_length,
            challenge,
            capacity,
            challenge_length
        ),
        || {
            // SAFETY: as the header says.
            let output = unsafe { OutputBytes::new(challenge, capacity, challenge_length).of("challenge") }?;
            let (auth, attachment) = authenticating(card_auth)?;
            // SAFETY: as the header says.
            let parameters = unsafe { input(parameters, parameters_length).of("parameters") }?;
            auth.object.get_challenge(&attachment, Method { algorithm, parameters }, output)
        }
    )
}

/// Proves to the card that the application has a key: sends the answer to the challenge of the card (EXTERNAL
/// AUTHENTICATE), once.
///
/// @param card_auth  the object
/// @param algorithm  as for `scm_card_auth_get_challenge`
/// @param parameters  as for `scm_card_auth_get_challenge`
/// @param parameters_length  0 or 1
/// @param data  the answer to the challenge
/// @param data_length  its length, 1 to `SCM_COMMAND_DATA_MAX`
///
/// @return
/// - `SCM_S_OK`: the card accepts it.
/// - `SCM_SCARD_W_SECURITY_VIOLATION`: 63XX, the answer is wrong; 6982.
/// - `SCM_SCARD_W_CHV_BLOCKED`: 6983 or 63C0, it was wrong too often.
/// - `SCM_SCARD_E_NO_ACCESS`: 6985, there is no challenge, or the key is not for this use.
/// - the other result codes of the group
///
/// @see scm_card_auth_get_challenge, scm_card_auth_app_auth_ex
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_card_auth_app_auth(
    card_auth: *mut scm_card_auth,
    algorithm: u32,
    parameters: *const u8,
    parameters_length: libc::size_t,
    data: *const u8,
    data_length: libc::size_t,
) -> scm_result {
    guard!(scm_card_auth_app_auth(card_auth, algorithm, parameters, parameters_length, data, data_length), || {
        let (auth, attachment) = authenticating(card_auth)?;
        // SAFETY: as the header says.
        let (parameters, data) =
            unsafe { (input(parameters, parameters_length).of("parameters")?, input(data, data_length).of("data")?) };
        auth.object.app_auth(&attachment, Method { algorithm, parameters }, data)
    })
}

/// Proves to the card that the application has a key, in all steps: GET CHALLENGE, the cipher, EXTERNAL AUTHENTICATE,
/// under one lock.
///
/// @param card_auth  the object
/// @param algorithm  as for `scm_card_auth_get_challenge`, for EXTERNAL AUTHENTICATE; GET CHALLENGE has 0 in P1 and P2
/// @param parameters  as for `scm_card_auth_get_challenge`
/// @param parameters_length  0 or 1
/// @param options  the cipher
///
/// @return as `scm_card_auth_app_auth`, and
/// - `SCM_E_INVALIDARG`: also `options` that are NULL, a key or a challenge of a wrong length, a key together with a
///   callback, or neither.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: also a challenge of another length from the card.
/// - `SCM_E_FAIL`: also a callback that gives no answer, or too long a one.
/// - `SCM_E_NOTIMPL`: the object is that of a provider, which has only the single steps. Nothing was sent.
/// - any failure of the callback
///
/// The card stays locked during the callback.
///
/// @see scm_card_auth_app_auth, scm_card_auth_icc_auth_ex
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_card_auth_app_auth_ex(
    card_auth: *mut scm_card_auth,
    algorithm: u32,
    parameters: *const u8,
    parameters_length: libc::size_t,
    options: *const scm_card_auth_options,
) -> scm_result {
    guard!(scm_card_auth_app_auth_ex(card_auth, algorithm, parameters, parameters_length, options), || {
        let (auth, attachment) = authenticating(card_auth)?;
        let whole = auth.object.challenge_response()?;
        // SAFETY: as the header says.
        let (parameters, options) =
            unsafe { (input(parameters, parameters_length).of("parameters")?, required(options).within("options")?) };
        let method = Method { algorithm, parameters };
        // SAFETY: as the header says.
        unsafe {
            respond(card_auth, &options, |responder, length| whole.app_auth(&attachment, method, responder, length))
        }
    })
}

/// Lets the card prove that it has a key: sends a challenge, and receives the answer (INTERNAL AUTHENTICATE).
///
/// The application checks the answer itself. `scm_card_auth_icc_auth_ex` checks it for ciphers.
///
/// @param card_auth  the object
/// @param algorithm  as for `scm_card_auth_get_challenge`
/// @param parameters  as for `scm_card_auth_get_challenge`
/// @param parameters_length  0 or 1
/// @param data  the challenge, which was never used before
/// @param data_length  its length, 1 to `SCM_COMMAND_DATA_MAX`
/// @param answer  [out] the answer of the card. May be the same memory as `data`.
/// @param capacity  the room in `answer`. The card is asked for at least 256 bytes.
/// @param answer_length  [out] the length of the answer, also if it does not fit; 0 after another failure
///
/// @return
/// - `SCM_S_OK`: the card has answered.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the answer does not fit; `scm_get_last_response` gives it, with its status
///   word.
/// - `SCM_SCARD_W_SECURITY_VIOLATION`: 6982, the key may not be used yet.
/// - the other result codes of the group, and those as for `scm_card_auth_app_auth`
///
/// @see scm_card_auth_icc_auth_ex, scm_card_auth_app_auth
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
    guard!(
        scm_card_auth_icc_auth(
            card_auth,
            algorithm,
            parameters,
            parameters_length,
            data,
            data_length,
            answer,
            capacity,
            answer_length
        ),
        || {
            // SAFETY: as the header says.
            let output = unsafe { OutputBytes::new(answer, capacity, answer_length).of("answer") }?;
            let (auth, attachment) = authenticating(card_auth)?;
            // SAFETY: as the header says.
            let parameters = unsafe { input(parameters, parameters_length).of("parameters") }?;
            // SAFETY: as the header says.
            let data = unsafe { shared_input(data, data_length).of("data") }?;
            auth.object.icc_auth(&attachment, Method { algorithm, parameters }, data, output)
        }
    )
}

/// Checks whether the card has a key, in all steps: a random challenge, INTERNAL AUTHENTICATE, the cipher, and a
/// comparison that takes the same time wherever the answers differ.
///
/// @param card_auth  the object
/// @param algorithm  as for `scm_card_auth_get_challenge`
/// @param parameters  as for `scm_card_auth_get_challenge`
/// @param parameters_length  0 or 1
/// @param options  the cipher
///
/// @return as `scm_card_auth_icc_auth`, and
/// - `SCM_S_OK`: the card has the key.
/// - `SCM_SCARD_W_CARD_NOT_AUTHENTICATED`: the answer of the card is wrong.
/// - `SCM_E_INVALIDARG`, `SCM_E_NOTIMPL`, and any failure of the callback: as for `scm_card_auth_app_auth_ex`. Nothing
///   was sent.
/// - `SCM_E_FAIL`: also if the system gives no random numbers. Nothing was sent.
///
/// The callback runs before the card is locked.
///
/// @see scm_card_auth_icc_auth, scm_card_auth_app_auth_ex
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_card_auth_icc_auth_ex(
    card_auth: *mut scm_card_auth,
    algorithm: u32,
    parameters: *const u8,
    parameters_length: libc::size_t,
    options: *const scm_card_auth_options,
) -> scm_result {
    guard!(scm_card_auth_icc_auth_ex(card_auth, algorithm, parameters, parameters_length, options), || {
        let (auth, attachment) = authenticating(card_auth)?;
        let whole = auth.object.challenge_response()?;
        // SAFETY: as the header says.
        let (parameters, options) =
            unsafe { (input(parameters, parameters_length).of("parameters")?, required(options).within("options")?) };
        let method = Method { algorithm, parameters };
        // SAFETY: as the header says.
        unsafe {
            respond(card_auth, &options, |responder, length| whole.icc_auth(&attachment, method, responder, length))
        }
    })
}

/// Presents data of the user to the card, as they are (VERIFY), such as a filled code or a biometric template.
///
/// The command is sent once, and the library overwrites its copies before the call ends. For codes use
/// `scm_ch_verification_verify`, which tells the tries that are left.
///
/// @param card_auth  the object
/// @param algorithm  as for `scm_card_auth_get_challenge`
/// @param parameters  as for `scm_card_auth_get_challenge`
/// @param parameters_length  0 or 1
/// @param data  the data of the user
/// @param data_length  their length, 1 to `SCM_COMMAND_DATA_MAX`
///
/// @return
/// - `SCM_S_OK`: the card accepts it.
/// - `SCM_SCARD_W_WRONG_CHV`: 63XX, the data are wrong; 6982, 6987, 6988, 9804.
/// - `SCM_SCARD_W_CHV_BLOCKED`: 6983, 63C0 or 9840, they were wrong too often.
/// - the other result codes of the group, and those as for `scm_card_auth_app_auth`
///
/// @see scm_ch_verification_verify, scm_card_auth_app_auth
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_card_auth_user_auth(
    card_auth: *mut scm_card_auth,
    algorithm: u32,
    parameters: *const u8,
    parameters_length: libc::size_t,
    data: *const u8,
    data_length: libc::size_t,
) -> scm_result {
    guard!(scm_card_auth_user_auth(card_auth, algorithm, parameters, parameters_length, data, data_length), || {
        let (auth, attachment) = authenticating(card_auth)?;
        // SAFETY: as the header says.
        let (parameters, data) =
            unsafe { (input(parameters, parameters_length).of("parameters")?, input(data, data_length).of("data")?) };
        auth.object.user_auth(&attachment, Method { algorithm, parameters }, data)
    })
}

/// Ends an object. Proofs that the card has accepted stay accepted.
///
/// @param card_auth  the object
///
/// @return
/// - `SCM_S_OK`: ended.
/// - `SCM_E_HANDLE`: `card_auth` is not such an object.
///
/// Does not block. A call of another thread continues to its end.
///
/// @see scm_create_card_auth, scm_detach
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_card_auth_release(card_auth: *mut scm_card_auth) -> scm_result {
    guard!(scm_card_auth_release(card_auth), || {
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
    if unsafe { input(data, length).of("data") }?.is_empty() {
        return Ok(&[]);
    }
    // SAFETY: the same memory, which only an output of the same call writes.
    Ok(unsafe { std::slice::from_raw_parts(data.cast(), length) })
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
    let cipher = unsafe { given.cipher() }.within("options")?;
    let length = given.challenge(cipher).within("options")?;
    let program = |challenge: &[u8]| {
        let answer = given.respond(challenge)?;
        // The callback may have ended the object.
        authenticating(card_auth).map(|_| answer)
    };
    let responder = cipher.map_or(Responder::Program(&program), Responder::BuiltIn);
    prove(&responder, length)
}

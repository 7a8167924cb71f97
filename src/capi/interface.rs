//! What is created for an attachment: by the generic implementation, or by the provider that is registered for the
//! card.

use std::ffi::{c_char, c_void};

use super::provider::{read_iid, read_name};
use super::{attached, ch_verification, handles, made, maker, scm_handle, scm_result, token};
use crate::abi::functions::Functions;
use crate::abi::guid::scm_guid;
use crate::abi::hresult::{Hresult, Result};
use crate::capi::boundary::{Output, guard};
use crate::handles::process::make;
use crate::handles::table::Token;
use crate::interfaces::generic::card_auth::CardAuth;
use crate::interfaces::generic::ch_verification::ChVerification;
use crate::interfaces::generic::file_access::FileAccess;
use crate::interfaces::provided::implementation::Implementation;
use crate::interfaces::provided::interface::{Interface, Standard};
use crate::interfaces::provided::object::Provided;
use crate::interfaces::provided::registry::{self, Choice};

/// An object of an interface that only its provider knows, made by `scm_create_interface`.
///
/// A `scm_interface *` is a token, not an address. It may be used from any thread, and is dead after
/// `scm_interface_release`, and after `scm_detach` of its attachment.
pub struct scm_interface {
    _opaque: (),
}

/// Creates an interface for a card (ISCardManage::CreateInterface), by its IID or by its name.
///
/// - `SCM_IID_FILE_ACCESS`, "FileAccess", "ISCardFileAccess": an `scm_file_access`, as `scm_create_file_access` makes
///   it
/// - `SCM_IID_CH_VERIFICATION`, "CHVerification", "ISCardVerify": an `scm_ch_verification`, as
///   `scm_create_ch_verification` makes it
/// - `SCM_IID_CARD_AUTH`, "CardAuth", "ISCardAuth": an `scm_card_auth`, as `scm_create_card_auth` makes it
/// - any other IID or name of a provider: an `scm_interface`
///
/// Whatever is created stands for the attachment, not for the card: it outlives a reconnect, also one that finds
/// another card, and is then still that of the same provider. It dies with `scm_detach`.
///
/// @param handle  the attachment
/// @param iid  the interface; or NULL, if `name` says it
/// @param name  the name of the interface, UTF-8, 1 to `SCM_INTERFACE_NAME_MAX` bytes, upper and lower case differ; or
///   NULL. Next to an IID it is not looked at.
/// @param user_data  handed on to the provider as it is; not used by the generic implementations
/// @param object  [out] what was created; NULL after a failure
///
/// @return
/// - `SCM_S_OK`: created.
/// - `SCM_E_POINTER`: `object` is NULL.
/// - `SCM_E_INVALIDARG`: `iid` and `name` are both NULL, or the name cannot be one.
/// - `SCM_E_NOINTERFACE`: nobody knows this IID or name for this card.
/// - `SCM_SCARD_E_ICC_CREATEORDER`: `handle` is NULL: the attachment has to be made first.
/// - `SCM_E_HANDLE`: `handle` is no attachment, or not any more, also when it was detached while the provider was
///   creating.
/// - `SCM_E_OUTOFMEMORY`: no memory.
/// - `SCM_E_UNEXPECTED`: an internal error.
/// - any failure of the provider
///
/// The generic implementations ask neither card nor service here; a provider takes as long as it takes. Any thread may
/// call it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_create_interface(
    handle: *mut scm_handle,
    iid: *const scm_guid,
    name: *const c_char,
    user_data: *mut c_void,
    object: *mut *mut c_void,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let (output, wanted) = unsafe { (Output::new(object)?, read_interface(iid, name)?) };
        output.set(create(handle, &wanted, user_data)?.to_pointer());
        Ok(Hresult::S_OK)
    })
}

/// Tells the functions and the object of an interface that only its provider knows.
///
/// They are those of the provider, and what they mean is between it and its users: the library looks at neither. They
/// are good as long as the interface is not released and its attachment not detached; who calls the functions sees to
/// that.
///
/// @param iface  the interface
/// @param functions  [out] `scm_provider.functions`; NULL after a failure
/// @param object  [out] what the provider has created; NULL after a failure
///
/// @return
/// - `SCM_S_OK`: told.
/// - `SCM_E_POINTER`: `functions` or `object` is NULL.
/// - `SCM_E_HANDLE`: `iface` is none, or not any more, or its attachment is not there any more.
/// - `SCM_E_UNEXPECTED`: an internal error.
///
/// Does not block. Any thread may call it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_interface_get_implementation(
    iface: *mut scm_interface,
    functions: *mut *const c_void,
    object: *mut *mut c_void,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let (functions, object) = unsafe { (Output::new(functions), Output::new(object)) };
        let (functions, object) = (functions?, object?);
        let (made, _) = made(token(iface)?, |handles| &handles.interfaces)?;
        functions.set(made.object.functions().0);
        object.set(made.object.object());
        Ok(Hresult::S_OK)
    })
}

/// Ends an interface that only its provider knows. The provider releases its object.
///
/// @param iface  the interface
///
/// @return
/// - `SCM_S_OK`: ended.
/// - `SCM_E_HANDLE`: `iface` is none, or not any more, or its attachment is not there any more.
/// - `SCM_E_UNEXPECTED`: an internal error.
///
/// Takes as long as the provider takes to release its object. Any thread may call it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_interface_release(iface: *mut scm_interface) -> scm_result {
    guard(|| {
        let token = token(iface)?;
        let released = handles()?.interfaces.remove(token)?;
        // The mutex is free again: this calls the provider.
        drop(released);
        Ok(Hresult::S_OK)
    })
}

/// A function that creates one of the standard interfaces: `scm_create_file_access` and its like.
///
/// # Safety
/// The pointers are as the header says.
pub(super) unsafe fn create_standard<T>(
    handle: *mut scm_handle,
    standard: Standard,
    object: *mut *mut T,
) -> Result<Hresult> {
    // SAFETY: as the caller vouches for.
    let object = unsafe { Output::new(object) }?;
    object.set(create(handle, &Interface::Standard(standard), std::ptr::null_mut())?.to_pointer());
    Ok(Hresult::S_OK)
}

/// The same for codes, of which the caller may say what they look like. A provider knows that of its card.
pub(super) fn create_ch_verification(handle: *mut scm_handle, generic: ChVerification) -> Result<Token> {
    let maker = maker(handle)?;
    let card = attached(handle)?.atr();
    match registry::choose(&Interface::Standard(Standard::ChVerification), &card)? {
        Some(choice) => create_by_provider(maker, choice, handle, std::ptr::null_mut()),
        None => make(maker, Implementation::Generic(generic), |handles| &mut handles.ch_verifications),
    }
}

/// The token of a new object, whose kind is that of the interface.
fn create(handle: *mut scm_handle, wanted: &Interface, user_data: *mut c_void) -> Result<Token> {
    let maker = maker(handle)?;
    let card = attached(handle)?.atr();
    match registry::choose(wanted, &card)? {
        Some(choice) => create_by_provider(maker, choice, handle, user_data),
        None => create_generic(maker, wanted),
    }
}

fn create_generic(maker: Token, wanted: &Interface) -> Result<Token> {
    match wanted {
        Interface::Standard(Standard::FileAccess) => {
            make(maker, Implementation::Generic(FileAccess::new()), |handles| &mut handles.file_accesses)
        }
        Interface::Standard(Standard::ChVerification) => {
            make(maker, Implementation::Generic(ch_verification::generic()?), |handles| &mut handles.ch_verifications)
        }
        Interface::Standard(Standard::CardAuth) => {
            make(maker, Implementation::Generic(CardAuth {}), |handles| &mut handles.card_auths)
        }
        _ => Err(Hresult::E_NOINTERFACE),
    }
}

/// If the attachment has ended meanwhile, the object ends again.
fn create_by_provider(maker: Token, choice: Choice, handle: *mut scm_handle, user_data: *mut c_void) -> Result<Token> {
    match choice.functions() {
        Functions::FileAccess(functions) => {
            let object = Provided::create(choice, functions, handle, user_data)?;
            make(maker, Implementation::Provided(object), |handles| &mut handles.file_accesses)
        }
        Functions::ChVerification(functions) => {
            let object = Provided::create(choice, functions, handle, user_data)?;
            make(maker, Implementation::Provided(object), |handles| &mut handles.ch_verifications)
        }
        Functions::CardAuth(functions) => {
            let object = Provided::create(choice, functions, handle, user_data)?;
            make(maker, Implementation::Provided(object), |handles| &mut handles.card_auths)
        }
        Functions::Own(functions) => {
            let object = Provided::create(choice, functions, handle, user_data)?;
            make(maker, object, |handles| &mut handles.interfaces)
        }
    }
}

/// # Safety
/// The pointers are as the header says.
unsafe fn read_interface(iid: *const scm_guid, name: *const c_char) -> Result<Interface> {
    // SAFETY: as the caller vouches for.
    match unsafe { read_iid(iid) } {
        Some(iid) => Ok(Interface::of_iid(iid)),
        // SAFETY: as the caller vouches for; NULL is refused.
        None => Ok(Interface::of_name(unsafe { read_name(name) }?)),
    }
}

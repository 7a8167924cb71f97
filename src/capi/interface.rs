//! Creation of interfaces: by the generic implementation, or by the provider that is registered for the card.

use std::ffi::{c_char, c_void};

use super::provider::{read_iid, read_name};
use super::{attached, created, release, scm_handle, scm_result, token};
use crate::abi::guid::scm_guid;
use crate::abi::hresult::{Hresult, Result};
use crate::capi::boundary::{Output, guard};
use crate::handles::process::insert_object;
use crate::handles::token::Token;
use crate::interfaces::generic;
use crate::interfaces::identity::{Interface, Standard};
use crate::interfaces::object::{Object, Request};

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
/// The object belongs to the attachment, not to the card: it stays after a reconnect, even if that finds another card,
/// and keeps its provider. `scm_detach` ends it.
///
/// @param handle  the attachment
/// @param iid  the IID of the interface, or NULL
/// @param name  the name of the interface: UTF-8, 1 to `SCM_INTERFACE_NAME_MAX` bytes, with upper and lower case; or
///   NULL. It is not used if there is an IID.
/// @param user_data  passed to `create` of the provider; the generic implementations do not use it
/// @param object  [out] the object; NULL after a failure
///
/// @return
/// - `SCM_S_OK`: created.
/// - `SCM_E_POINTER`: `object` is NULL.
/// - `SCM_E_INVALIDARG`: `iid` and `name` are both NULL, or the name is invalid.
/// - `SCM_E_NOINTERFACE`: no provider suits this IID or name and this card.
/// - `SCM_SCARD_E_ICC_CREATEORDER`: `handle` is NULL: attach first.
/// - `SCM_E_HANDLE`: `handle` is no attachment, or was detached, perhaps during the call.
/// - `SCM_E_OUTOFMEMORY`: no memory.
/// - `SCM_E_UNEXPECTED`: an internal error.
/// - any failure of the provider
///
/// The generic implementations ask neither card nor service here. A provider may. Any thread may call it.
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
        let generic = || match wanted {
            Interface::Standard(standard) => generic::create(standard),
            _ => Err(Hresult::E_NOINTERFACE),
        };
        output.set(create(handle, wanted, user_data, generic)?.to_pointer());
        Ok(Hresult::S_OK)
    })
}

/// Gets the functions of an interface that only its provider knows, and the object that they are called with.
///
/// Both belong to the provider, which defines their meaning: the library uses neither. They are valid until the
/// interface is released or its attachment is detached. The caller of the functions must not call them later.
///
/// @param iface  the interface
/// @param functions  [out] the functions, as `scm_register_interface_provider` got them; NULL after a failure
/// @param object  [out] the object, as `scm_provider.create` gave it; NULL after a failure
///
/// @return
/// - `SCM_S_OK`: given.
/// - `SCM_E_POINTER`: `functions` or `object` is NULL.
/// - `SCM_E_HANDLE`: `iface` is none, or was released, or its attachment was detached.
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
        let (interface, _) = created(token(iface)?, |handles| &handles.interfaces)?;
        let (table, of_provider) = interface.object.implementation();
        functions.set(table);
        object.set(of_provider);
        Ok(Hresult::S_OK)
    })
}

/// Ends an interface that only its provider knows. The provider releases its object.
///
/// @param iface  the interface
///
/// @return
/// - `SCM_S_OK`: ended.
/// - `SCM_E_HANDLE`: `iface` is none, or was released, or its attachment was detached.
/// - `SCM_E_UNEXPECTED`: an internal error.
///
/// Returns when the provider has released its object. Any thread may call it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_interface_release(iface: *mut scm_interface) -> scm_result {
    guard(|| {
        let released = release(token(iface)?, |handles| &mut handles.interfaces)?;
        drop(released);
        Ok(Hresult::S_OK)
    })
}

/// Creates a standard interface that has no options.
///
/// # Safety
/// The pointers are as the header says.
pub(super) unsafe fn create_standard<T>(
    handle: *mut scm_handle,
    standard: Standard,
    object: *mut *mut T,
) -> Result<Hresult> {
    // SAFETY: as the caller vouches for.
    let output = unsafe { Output::new(object) }?;
    let generic = || generic::create(standard);
    output.set(create(handle, Interface::Standard(standard), std::ptr::null_mut(), generic)?.to_pointer());
    Ok(Hresult::S_OK)
}

/// The token of a new object: that of a provider, or else the `generic` one.
pub(super) fn create(
    handle: *mut scm_handle,
    interface: Interface,
    user_data: *mut c_void,
    generic: impl FnOnce() -> Result<Object>,
) -> Result<Token> {
    if handle.is_null() {
        return Err(Hresult::SCARD_E_ICC_CREATEORDER);
    }
    let attachment = token(handle)?;
    let card = attached(handle)?.atr();
    let object = Object::create(&Request { interface, card, handle, user_data }, generic)?;
    insert_object(attachment, object)
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

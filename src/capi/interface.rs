//! Creation of interfaces: by the generic implementation, or by the provider that is registered for the card.

use std::ffi::{c_char, c_void};

use super::provider::{read_iid, read_name};
use super::{attached, created, release, scm_handle, scm_result, token};
use crate::abi::guid::scm_guid;
use crate::abi::hresult::{Hresult, Result};
use crate::capi::boundary::{OfArgument, Output, guard};
use crate::handles::process::insert_object;
use crate::handles::token::Token;
use crate::interfaces::generic;
use crate::interfaces::identity::{Interface, Standard};
use crate::interfaces::object::{Object, ObjectRequest};

/// An interface that only its provider knows. `scm_create_interface` makes it; `scm_interface_release` or the end of
/// the attachment ends it.
pub struct scm_interface {
    _opaque: (),
}

/// Makes an object of an interface, chosen by IID or by name (ISCardManage::CreateInterface).
///
/// - `SCM_IID_FILE_ACCESS`, "FileAccess", "ISCardFileAccess": an `scm_file_access`, as `scm_create_file_access` makes
///   it
/// - `SCM_IID_CH_VERIFICATION`, "CHVerification", "ISCardVerify": an `scm_ch_verification`, as
///   `scm_create_ch_verification` makes it
/// - `SCM_IID_CARD_AUTH`, "CardAuth", "ISCardAuth": an `scm_card_auth`, as `scm_create_card_auth` makes it
/// - any other IID or name of a provider: an `scm_interface`
///
/// The object belongs to the attachment, not to the card: it outlives a reconnect, also to another card, and keeps its
/// provider. It ends with the attachment.
///
/// @param handle  the attachment
/// @param iid  the IID; or NULL to choose by `name`
/// @param name  the name, 1 to `SCM_INTERFACE_NAME_MAX` bytes; upper and lower case differ. Not used if there is an
///   IID; or NULL.
/// @param user_data  handed to the provider as it is; the generic implementations do not use it
/// @param object  [out] the object, which the `_release` function of its type ends; NULL after a failure
///
/// @return
/// - `SCM_S_OK`: made.
/// - `SCM_E_INVALIDARG`: also if `iid` and `name` are both NULL.
/// - `SCM_E_NOINTERFACE`: nothing implements this interface for this card.
/// - `SCM_SCARD_E_ICC_CREATEORDER`: `handle` is NULL: attach first.
/// - `SCM_E_HANDLE`: also if the attachment was detached during the call.
/// - any failure of the provider
///
/// Does not block, unless a provider does.
///
/// @see scm_create_file_access, scm_create_ch_verification, scm_create_card_auth, scm_interface_release,
/// scm_register_interface_provider
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_create_interface(
    handle: *mut scm_handle,
    iid: *const scm_guid,
    name: *const c_char,
    user_data: *mut c_void,
    object: *mut *mut c_void,
) -> scm_result {
    guard!(scm_create_interface(handle, iid, text(name), user_data, object), || {
        // SAFETY: as the header says.
        let (output, wanted) = unsafe { (Output::new(object).of("object")?, read_interface(iid, name)?) };
        let generic = || match wanted {
            Interface::Standard(standard) => generic::create(standard),
            _ => Err(Hresult::E_NOINTERFACE),
        };
        output.set(create(handle, wanted, user_data, generic)?.to_pointer());
        Ok(Hresult::S_OK)
    })
}

/// Gets the implementation of an interface that only its provider knows: its functions and its object.
///
/// Their meaning is an agreement between the provider and its users; the library does not look at them. They are valid
/// until the interface is released or its attachment is detached, and the caller makes sure of that.
///
/// @param iface  the interface
/// @param functions  [out] the functions, as `scm_register_interface_provider` got them; NULL after a failure
/// @param object  [out] what `scm_provider.create_object` has made; NULL after a failure
///
/// @return
/// - `SCM_S_OK`: told.
/// - `SCM_E_HANDLE`: `iface` is not such an interface, or its attachment has ended.
///
/// Never blocks.
///
/// @see scm_create_interface, scm_register_interface_provider, scm_interface_release
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_interface_get_implementation(
    iface: *mut scm_interface,
    functions: *mut *const c_void,
    object: *mut *mut c_void,
) -> scm_result {
    guard!(scm_interface_get_implementation(iface, functions, object), || {
        // SAFETY: as the header says.
        let (functions, object) = unsafe { (Output::new(functions).of("functions"), Output::new(object).of("object")) };
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
/// - `SCM_E_HANDLE`: `iface` is not such an interface, or its attachment has ended.
///
/// Blocks as long as the provider needs to release its object.
///
/// @see scm_create_interface, scm_detach
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_interface_release(iface: *mut scm_interface) -> scm_result {
    guard!(scm_interface_release(iface), || {
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
    let object = Object::create(&ObjectRequest { interface, card, handle, user_data }, generic)?;
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

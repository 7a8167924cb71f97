//! Providers: implementations of interfaces by programs.

use std::ffi::{c_char, c_void};

use super::{handles, scm_handle, scm_result};
use crate::abi::cause::{refuse, refuse_length};
use crate::abi::functions::card_auth::scm_card_auth_functions;
use crate::abi::functions::ch_verification::scm_ch_verification_functions;
use crate::abi::functions::file_access::scm_file_access_functions;
use crate::abi::functions::{Functions, Own};
use crate::abi::guid::scm_guid;
use crate::abi::hresult::{Hresult, Result};
use crate::capi::boundary::{OfArgument, Options, guard, input, required, text};
use crate::interfaces::identity::{Offer, Standard};
use crate::interfaces::name::{self, InterfaceName};
use crate::interfaces::provided::atr_pattern::AtrPattern;
use crate::interfaces::provided::provider::{Provider, ProviderCallbacks, ProviderPattern};
use crate::interfaces::provided::registry;
use crate::iso7816::atr;

/// The longest name of an interface, in bytes of UTF-8 without the NUL.
pub const SCM_INTERFACE_NAME_MAX: usize = 63;
const _: () = assert!(SCM_INTERFACE_NAME_MAX == name::MAX_LENGTH);

/// An implementation of an interface for some cards, or for all. Initialise with `SCM_PROVIDER_INIT`.
///
/// For these cards it replaces the generic implementation, or it adds an interface that the library does not know. Its
/// functions run on the thread that calls the library, without a lock of the library; several threads may run those of
/// one object at the same time. They may call every function of the library with the handle of the object, and so they
/// use the card. The callers get their codes, except `SCM_E_HANDLE` and `SCM_E_UNEXPECTED`, which become `SCM_E_FAIL`,
/// because only the library can say that about its objects.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_provider {
    /// `sizeof(scm_provider)`: tells the library which version of the structure this is.
    pub struct_size: u32,
    /// 0
    pub flags: u32,
    /// The IID of the interface, or NULL. Files, codes and authentication need none; theirs is allowed.
    pub iid: *const scm_guid,
    /// The name of the interface: UTF-8, 1 to `SCM_INTERFACE_NAME_MAX` bytes; or NULL. With an IID, and for files,
    /// codes and authentication, it is another way to ask for the same interface. An interface of the program needs an
    /// IID or a name.
    pub name: *const c_char,
    /// The ATR of the cards, up to `SCM_ATR_MAX` bytes; NULL with length 0 for every card.
    pub atr: *const u8,
    /// The bits of the ATR that count, in as many bytes; NULL if all count. The ATR of a card must have the same
    /// length.
    pub atr_mask: *const u8,
    /// The length of the ATR and of the mask.
    pub atr_length: libc::size_t,
    /// The first argument of `create_object` and `release_user_data`.
    pub user_data: *mut c_void,
    /// Makes an object for an attachment. Required. Its `object` is the first argument of the functions; NULL is
    /// allowed. `caller_user_data` is the one of `scm_create_interface`, or NULL. A failure is the result of the call
    /// that needs the object, and `release_object` is not called then. If this function asks for the same interface,
    /// it gets the next provider or the generic implementation, so that a provider can extend these.
    pub create_object: Option<
        unsafe extern "C-unwind" fn(
            user_data: *mut c_void,
            handle: *mut scm_handle,
            caller_user_data: *mut c_void,
            object: *mut *mut c_void,
        ) -> scm_result,
    >,
    /// Ends an object, once, after its last function has returned. The attachment may have ended. NULL if there is
    /// nothing to do.
    pub release_object: Option<unsafe extern "C-unwind" fn(object: *mut c_void)>,
    /// The last call, once: the provider is not registered any more, its last object is released, and no
    /// `create_object` runs. NULL if there is nothing to do.
    pub release_user_data: Option<unsafe extern "C-unwind" fn(user_data: *mut c_void)>,
}

// SAFETY: repr(C), two u32, then pointers and a size_t without padding. A function pointer is one of the caller's, or
// NULL.
unsafe impl Options for scm_provider {
    const FIRST_SIZE: usize = 8 + 9 * size_of::<usize>();
    const DEFAULT: Self = scm_provider {
        struct_size: size_of::<Self>() as u32,
        flags: 0,
        iid: std::ptr::null(),
        name: std::ptr::null(),
        atr: std::ptr::null(),
        atr_mask: std::ptr::null(),
        atr_length: 0,
        user_data: std::ptr::null_mut(),
        create_object: None,
        release_object: None,
        release_user_data: None,
    };
}

/// The offset of the first function in a table: the size before it is padded to the size of a pointer.
const TABLE: usize = size_of::<usize>();

// SAFETY: repr(C), the first field is the size, the others are function pointers of the caller, or NULL.
unsafe impl Options for scm_file_access_functions {
    const FIRST_SIZE: usize = TABLE + 17 * size_of::<usize>();
    const DEFAULT: Self = scm_file_access_functions {
        struct_size: size_of::<Self>() as u32,
        change_dir: None,
        get_current_dir: None,
        directory: None,
        open: None,
        create: None,
        delete_file: None,
        get_properties: None,
        set_properties: None,
        get_file_capabilities: None,
        invalidate: None,
        rehabilitate: None,
        read: None,
        write: None,
        seek: None,
        tell: None,
        get_size: None,
        close: None,
    };
}

// SAFETY: as above.
unsafe impl Options for scm_ch_verification_functions {
    const FIRST_SIZE: usize = TABLE + 4 * size_of::<usize>();
    const DEFAULT: Self = scm_ch_verification_functions {
        struct_size: size_of::<Self>() as u32,
        verify: None,
        change_code: None,
        unblock: None,
        reset_security_state: None,
    };
}

// SAFETY: as above.
unsafe impl Options for scm_card_auth_functions {
    const FIRST_SIZE: usize = TABLE + 4 * size_of::<usize>();
    const DEFAULT: Self = scm_card_auth_functions {
        struct_size: size_of::<Self>() as u32,
        get_challenge: None,
        app_auth: None,
        icc_auth: None,
        user_auth: None,
    };
}

/// Registers a provider of files: from now on it makes the objects of `scm_create_file_access` for its cards.
///
/// @param provider  the provider; copied
/// @param functions  the functions for files; copied
///
/// @return `SCM_S_OK`: registered; or one of the result codes of the group
///
/// Does not block.
///
/// @see scm_unregister_provider, scm_create_file_access
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_register_file_access_provider(
    provider: *const scm_provider,
    functions: *const scm_file_access_functions,
) -> scm_result {
    guard!(scm_register_file_access_provider(provider, functions), || {
        // SAFETY: as the header says.
        let (given, table) =
            unsafe { (required(provider).within("provider")?, required(functions).within("functions")?) };
        let offer = |iid, name| Offer::of_standard(Standard::FileAccess, iid, name);
        // SAFETY: as the header says.
        unsafe { register(&given, offer, Functions::FileAccess(table)) }
    })
}

/// Registers a provider of codes: from now on it makes the objects of `scm_create_ch_verification` for its cards.
///
/// @param provider  the provider; copied
/// @param functions  the functions for codes; copied
///
/// @return `SCM_S_OK`: registered; or one of the result codes of the group
///
/// Does not block.
///
/// @see scm_unregister_provider, scm_create_ch_verification
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_register_ch_verification_provider(
    provider: *const scm_provider,
    functions: *const scm_ch_verification_functions,
) -> scm_result {
    guard!(scm_register_ch_verification_provider(provider, functions), || {
        // SAFETY: as the header says.
        let (given, table) =
            unsafe { (required(provider).within("provider")?, required(functions).within("functions")?) };
        let offer = |iid, name| Offer::of_standard(Standard::ChVerification, iid, name);
        // SAFETY: as the header says.
        unsafe { register(&given, offer, Functions::ChVerification(table)) }
    })
}

/// Registers a provider of authentication: from now on it makes the objects of `scm_create_card_auth` for its cards.
///
/// @param provider  the provider; copied
/// @param functions  the functions for authentication; copied
///
/// @return `SCM_S_OK`: registered; or one of the result codes of the group
///
/// Does not block.
///
/// @see scm_unregister_provider, scm_create_card_auth
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_register_card_auth_provider(
    provider: *const scm_provider,
    functions: *const scm_card_auth_functions,
) -> scm_result {
    guard!(scm_register_card_auth_provider(provider, functions), || {
        // SAFETY: as the header says.
        let (given, table) =
            unsafe { (required(provider).within("provider")?, required(functions).within("functions")?) };
        let offer = |iid, name| Offer::of_standard(Standard::CardAuth, iid, name);
        // SAFETY: as the header says.
        unsafe { register(&given, offer, Functions::CardAuth(table)) }
    })
}

/// Registers a provider of an interface that the library does not know: from now on it makes the objects of
/// `scm_create_interface` for its cards.
///
/// @param provider  the provider, with an IID, a name, or both; copied
/// @param functions  the functions of the interface, in a form that the provider defines for its users. Only the
///   address is kept: `scm_interface_get_implementation` gives it. NULL is allowed.
///
/// @return `SCM_S_OK`: registered; or one of the result codes of the group, and
/// - `SCM_E_INVALIDARG`: also if neither an IID nor a name is given, or if they are those of files, codes or
///   authentication.
///
/// Does not block.
///
/// @see scm_unregister_provider, scm_create_interface, scm_interface_get_implementation
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_register_interface_provider(
    provider: *const scm_provider,
    functions: *const c_void,
) -> scm_result {
    guard!(scm_register_interface_provider(provider, functions), || {
        // SAFETY: as the header says.
        let given = unsafe { required(provider).within("provider") }?;
        // SAFETY: as the header says.
        unsafe { register(&given, Offer::of_program, Functions::Own(Own(functions))) }
    })
}

/// Unregisters a provider: from now on it makes no object.
///
/// The objects that it has made stay, and the library calls its functions for them. When the last one is released, the
/// library calls `release_user_data`.
///
/// @param provider  the provider as it was registered: IID, name, ATR, mask, `user_data` and `create_object` must be
///   the same. If several registered providers have them, the newest one is meant.
///
/// @return
/// - `SCM_S_OK`: unregistered.
/// - `SCM_E_NOINTERFACE`: no such provider is registered.
/// - the other result codes of the group
///
/// Does not block: another thread may still be in `create_object` or in a function of the provider. The provider itself
/// may call it.
///
/// @see scm_register_file_access_provider, scm_register_ch_verification_provider, scm_register_card_auth_provider,
/// scm_register_interface_provider
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_unregister_provider(provider: *const scm_provider) -> scm_result {
    guard!(scm_unregister_provider(provider), || {
        // SAFETY: as the header says.
        let given = unsafe { required(provider).within("provider") }?;
        // SAFETY: as the header says.
        registry::unregister(&unsafe { given.pattern() }.within("provider")?)?;
        Ok(Hresult::S_OK)
    })
}

/// # Safety
/// The pointers in `given` are as the header says.
unsafe fn register(
    given: &scm_provider,
    offer: impl FnOnce(Option<scm_guid>, Option<InterfaceName>) -> Result<Offer>,
    functions: Functions,
) -> Result<Hresult> {
    // SAFETY: as the caller vouches for.
    let ProviderPattern { iid, name, cards, user_data, create } = unsafe { given.pattern() }.within("provider")?;
    let callbacks =
        ProviderCallbacks { user_data, create, release: given.release_object, end: given.release_user_data };
    let provider = Provider::new(offer(iid, name).within("provider")?, cards, callbacks, functions);
    // The first use of the handle table makes the library watch forks.
    drop(handles()?);
    registry::register(provider)?;
    Ok(Hresult::S_OK)
}

impl scm_provider {
    /// # Safety
    /// The pointers are as the header says.
    unsafe fn pattern(&self) -> Result<ProviderPattern> {
        if self.flags != 0 {
            return Err(refuse("has to be 0")).of("flags");
        }
        let name = match self.name.is_null() {
            true => None,
            // SAFETY: as the caller vouches for.
            false => Some(unsafe { read_name(self.name) }?),
        };
        // SAFETY: as the caller vouches for.
        let iid = unsafe { read_iid(self.iid) };
        Offer::check(iid, name)?;
        Ok(ProviderPattern {
            iid,
            name,
            // SAFETY: as the caller vouches for.
            cards: unsafe { self.cards() }?,
            user_data: self.user_data,
            create: self.create_object.ok_or_else(|| refuse("is NULL: a function is required")).of("create_object")?,
        })
    }

    /// # Safety
    /// The pointers are as the header says.
    unsafe fn cards(&self) -> Result<AtrPattern> {
        if self.atr_length > atr::MAX_LENGTH {
            return Err(refuse_length("is longer than an ATR")).of("atr");
        }
        // SAFETY: as the caller vouches for.
        let atr = unsafe { input(self.atr, self.atr_length).of("atr") }?;
        let mask = match self.atr_mask.is_null() {
            true => None,
            // SAFETY: as the caller vouches for.
            false => Some(unsafe { input(self.atr_mask, self.atr_length).of("atr_mask") }?),
        };
        AtrPattern::new(atr, mask)
    }
}

/// None for NULL.
///
/// # Safety
/// The pointer is as the header says.
pub(super) unsafe fn read_iid(iid: *const scm_guid) -> Option<scm_guid> {
    // SAFETY: not NULL; the rest the caller vouches for. C may have placed it anywhere.
    (!iid.is_null()).then(|| unsafe { iid.read_unaligned() })
}

/// # Safety
/// The pointer is as the header says.
pub(super) unsafe fn read_name(name: *const c_char) -> Result<InterfaceName> {
    // SAFETY: as the caller vouches for.
    InterfaceName::new(unsafe { text(name, SCM_INTERFACE_NAME_MAX).of("name") }?).of("name")
}

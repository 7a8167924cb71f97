//! Providers: implementations of interfaces by programs.

use std::ffi::{c_char, c_void};

use super::{handles, scm_handle, scm_result};
use crate::abi::functions::card_auth::scm_card_auth_functions;
use crate::abi::functions::ch_verification::scm_ch_verification_functions;
use crate::abi::functions::file_access::scm_file_access_functions;
use crate::abi::functions::{Functions, Own};
use crate::abi::guid::scm_guid;
use crate::abi::hresult::{Hresult, Result};
use crate::capi::boundary::{Options, guard, input, options, text};
use crate::interfaces::provided::atr_pattern::AtrPattern;
use crate::interfaces::provided::interface::{Offer, Standard};
use crate::interfaces::provided::name::{self, Name};
use crate::interfaces::provided::{Callbacks, Provider, registry};
use crate::iso7816::atr;

/// The longest name of an interface, in bytes of UTF-8 without the NUL.
pub const SCM_INTERFACE_NAME_MAX: usize = 63;
const _: () = assert!(SCM_INTERFACE_NAME_MAX == name::MAX_LENGTH);

/// An implementation of an interface for some cards, or for all. Initialise with `SCM_PROVIDER_INIT`.
///
/// For these cards it replaces the generic implementation, or it adds an interface that the library does not know. Its
/// functions run on the thread that calls the library, without a lock of the library; several threads may run those of
/// one object at the same time. They may call every function of the library with the handle of the object, and so they
/// use the card. The callers get their codes, except `SCM_E_HANDLE` and `SCM_E_UNEXPECTED`, which become `SCM_E_FAIL`:
/// only the library knows these of its objects.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_provider {
    /// `sizeof(scm_provider)`: tells the library which version of the structure this is.
    pub struct_size: u32,
    /// 0
    pub flags: u32,
    /// The IID of the interface, such as `&SCM_IID_FILE_ACCESS`; or NULL if it has only a name.
    pub iid: *const scm_guid,
    /// The name of the interface, 1 to `SCM_INTERFACE_NAME_MAX` bytes; or NULL if it has only an IID. With both,
    /// programs may ask for either.
    pub name: *const c_char,
    /// The ATR of the cards, up to `SCM_ATR_MAX` bytes; NULL with length 0 for every card.
    pub atr: *const u8,
    /// The bits of the ATR that count, in as many bytes; NULL if all count. The ATR of a card must have the same
    /// length.
    pub atr_mask: *const u8,
    /// The length of the ATR and of the mask.
    pub atr_length: libc::size_t,
    /// The functions: an `scm_file_access_functions`, an `scm_ch_verification_functions` or an
    /// `scm_card_auth_functions` for the interface of that name, which is copied. For another interface what its users
    /// expect; the library hands it on.
    pub functions: *const c_void,
    /// The first argument of `create` and `release_user_data`.
    pub user_data: *mut c_void,
    /// Makes an object for an attachment. Required. Its `object` is the first argument of the functions; NULL is
    /// allowed. `caller_user_data` is the one of `scm_create_interface`, or NULL. A failure is the result of the call
    /// that needs the object, and `release` is not called then. If `create` asks for the same interface, it gets what
    /// there would be without this provider, so that a provider can extend the generic implementation.
    pub create: Option<
        unsafe extern "C-unwind" fn(
            user_data: *mut c_void,
            handle: *mut scm_handle,
            caller_user_data: *mut c_void,
            object: *mut *mut c_void,
        ) -> scm_result,
    >,
    /// Ends an object, once, after its last function has returned. The attachment may have ended. NULL if there is
    /// nothing to do.
    pub release: Option<unsafe extern "C-unwind" fn(object: *mut c_void)>,
    /// The last call, once: the provider is not registered any more, its last object is released, and no `create` runs.
    /// NULL if there is nothing to do.
    pub release_user_data: Option<unsafe extern "C-unwind" fn(user_data: *mut c_void)>,
}

// SAFETY: repr(C), two u32, then pointers and a size_t without padding. A function pointer is one of the caller's, or
// NULL.
unsafe impl Options for scm_provider {
    const FIRST_SIZE: usize = 8 + 10 * size_of::<usize>();
    const DEFAULT: Self = scm_provider {
        struct_size: size_of::<Self>() as u32,
        flags: 0,
        iid: std::ptr::null(),
        name: std::ptr::null(),
        atr: std::ptr::null(),
        atr_mask: std::ptr::null(),
        atr_length: 0,
        functions: std::ptr::null(),
        user_data: std::ptr::null_mut(),
        create: None,
        release: None,
        release_user_data: None,
    };
}

/// Where the functions of a table begin: behind its size, as pointers lie.
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

/// Registers a provider. From now on it makes the objects of its interface for its cards, for every attachment of this
/// process.
///
/// If several providers match, the last registered one is used. Existing objects stay as they are. The child of a fork
/// has the same providers.
///
/// @param provider  the provider. The structure, the IID, the name, the ATR, the mask, and a table of functions for an
///   interface of the library are copied. `user_data` and the code of the functions must stay until
///   `release_user_data`.
///
/// @return
/// - `SCM_S_OK`: registered.
/// - `SCM_E_INVALIDARG`: also if `flags` is not 0; without an IID and a name, or with those of different interfaces;
///   with an ATR that is too long; without `create`; if `functions` is NULL or has a wrong `struct_size`.
///
/// After a failure nothing was called. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_register_provider(provider: *const scm_provider) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let provider = unsafe { read_provider(provider) }?;
        // The table registers the handler of forks for the providers.
        drop(handles()?);
        registry::register(provider)?;
        Ok(Hresult::S_OK)
    })
}

/// Unregisters a provider: from now on it makes no objects.
///
/// Its objects live on with its functions. When the last object is released, `release_user_data` is called.
///
/// @param provider  as it was registered: the same interface, ATR, mask, `user_data` and `create`. Of several such
///   providers the last registered one is removed.
///
/// @return
/// - `SCM_S_OK`: not registered any more.
/// - `SCM_E_INVALIDARG`: as for `scm_register_provider`.
/// - `SCM_E_NOINTERFACE`: no such provider is registered.
///
/// Does not wait for functions of the provider that run in other threads. The provider itself may call it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_unregister_provider(provider: *const scm_provider) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        registry::unregister(&unsafe { read_provider(provider) }?)?;
        Ok(Hresult::S_OK)
    })
}

/// # Safety
/// The pointer is as the header says.
unsafe fn read_provider(provider: *const scm_provider) -> Result<Provider> {
    if provider.is_null() {
        return Err(Hresult::E_INVALIDARG);
    }
    // SAFETY: as the caller vouches for.
    let given = unsafe { options(provider) }?;
    if given.flags != 0 {
        return Err(Hresult::E_INVALIDARG);
    }
    // SAFETY: as the caller vouches for.
    let (offer, cards) = unsafe { (given.offer()?, given.cards()?) };
    let callbacks = Callbacks {
        user: given.user_data,
        create: given.create.ok_or(Hresult::E_INVALIDARG)?,
        release: given.release,
        end: given.release_user_data,
    };
    // SAFETY: as the caller vouches for.
    let functions = unsafe { given.functions(offer.standard()) }?;
    Ok(Provider::new(offer, cards, callbacks, functions))
}

impl scm_provider {
    /// # Safety
    /// The pointers are as the header says.
    unsafe fn offer(&self) -> Result<Offer> {
        // SAFETY: as the caller vouches for.
        let iid = unsafe { read_iid(self.iid) };
        let name = match self.name.is_null() {
            true => None,
            // SAFETY: as the caller vouches for.
            false => Some(unsafe { read_name(self.name) }?),
        };
        Offer::new(iid, name)
    }

    /// # Safety
    /// The pointers are as the header says.
    unsafe fn cards(&self) -> Result<AtrPattern> {
        if self.atr_length > atr::MAX_LENGTH {
            return Err(Hresult::E_INVALIDARG);
        }
        // SAFETY: as the caller vouches for.
        let atr = unsafe { input(self.atr, self.atr_length) }?;
        let mask = match self.atr_mask.is_null() {
            true => None,
            // SAFETY: as the caller vouches for.
            false => Some(unsafe { input(self.atr_mask, self.atr_length) }?),
        };
        AtrPattern::new(atr, mask)
    }

    /// # Safety
    /// For a standard interface the pointer is as the header says.
    unsafe fn functions(&self, standard: Option<Standard>) -> Result<Functions> {
        Ok(match standard {
            // SAFETY: as the caller vouches for.
            Some(Standard::FileAccess) => Functions::FileAccess(unsafe { read_table(self.functions) }?),
            // SAFETY: as above.
            Some(Standard::ChVerification) => Functions::ChVerification(unsafe { read_table(self.functions) }?),
            // SAFETY: as above.
            Some(Standard::CardAuth) => Functions::CardAuth(unsafe { read_table(self.functions) }?),
            None => Functions::Own(Own(self.functions)),
        })
    }
}

/// # Safety
/// The pointer is NULL, or to a table of this kind that begins with its size.
unsafe fn read_table<T: Options>(functions: *const c_void) -> Result<T> {
    if functions.is_null() {
        return Err(Hresult::E_INVALIDARG);
    }
    // SAFETY: as the caller vouches for.
    unsafe { options(functions.cast()) }
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
pub(super) unsafe fn read_name(name: *const c_char) -> Result<Name> {
    // SAFETY: as the caller vouches for.
    Name::new(unsafe { text(name, SCM_INTERFACE_NAME_MAX) }?)
}

//! libpcsclite, opened at the first call. Without it each call answers as without a service.
//!
//! It stays open for ever, as a linked one does. A failed attempt is repeated by the next call, so that a program that
//! runs for long finds a libpcsclite that was installed meanwhile.
#![allow(non_snake_case)] // the names of PC/SC

use std::ffi::{CStr, c_void};
use std::mem::transmute;
use std::os::raw::c_char;
use std::sync::atomic::{AtomicBool, Ordering};

use once_cell::race::OnceBox;

// The functions below take the place of those with the same name.
pub use pcsc::ffi::*;

use crate::runtime::fallible::try_box;

/// The name of its binary interface, which pcsc-lite has kept since 1.0.
const NAME: &CStr = c"libpcsclite.so.1";

/// Threads that come at the same time all open it, and none waits: a fork could leave a waiting one behind.
static LIBRARY: OnceBox<Library> = OnceBox::new();

/// Whether the last attempt to open it failed.
static IS_MISSING: AtomicBool = AtomicBool::new(false);

/// Whether a call has not found libpcsclite.
pub fn is_missing() -> bool {
    IS_MISSING.load(Ordering::Relaxed)
}

fn library() -> Result<&'static Library, LONG> {
    match LIBRARY.get() {
        Some(library) => Ok(library),
        None => LIBRARY.get_or_try_init(open),
    }
}

#[cold]
fn open() -> Result<Box<Library>, LONG> {
    // SAFETY: the name ends with a NUL. Loading runs only the constructors of libpcsclite.
    let handle = unsafe { libc::dlopen(NAME.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    // SAFETY: the handle is open.
    let found = if handle.is_null() { None } else { unsafe { Library::find(handle) } };
    IS_MISSING.store(found.is_none(), Ordering::Relaxed);
    match found {
        Some(library) => try_box(library).map_err(|_| SCARD_E_NO_MEMORY),
        None => {
            if !handle.is_null() {
                // SAFETY: the handle is open, and no function of it is kept.
                unsafe { libc::dlclose(handle) };
            }
            Err(SCARD_E_NO_SERVICE)
        }
    }
}

/// The functions, with their parameters in libpcsclite.
macro_rules! functions {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {
        struct Library {
            $($name: unsafe extern "C" fn($($type),*) -> LONG,)*
        }

        impl Library {
            /// None if a function is missing.
            ///
            /// # Safety
            ///
            /// The handle is of an open libpcsclite.
            unsafe fn find(handle: *mut c_void) -> Option<Library> {
                $(
                    // SAFETY: the handle is open, and the name ends with a NUL.
                    let $name = unsafe { libc::dlsym(handle, concat!(stringify!($name), "\0").as_ptr().cast()) };
                    if $name.is_null() {
                        return None;
                    }
                )*
                Some(Library {
                    // SAFETY: libpcsclite has the function of this name with these parameters.
                    $($name: unsafe { transmute::<*mut c_void, unsafe extern "C" fn($($type),*) -> LONG>($name) },)*
                })
            }
        }

        $(
            /// # Safety
            ///
            /// That of the function of PC/SC.
            #[allow(clippy::too_many_arguments)]
            pub unsafe fn $name($($argument: $type),*) -> LONG {
                match library() {
                    // SAFETY: the caller's.
                    Ok(library) => unsafe { (library.$name)($($argument),*) },
                    Err(code) => code,
                }
            }
        )*
    };
}

functions! {
    SCardEstablishContext(scope: DWORD, reserved1: *const c_void, reserved2: *const c_void,
        context: *mut SCARDCONTEXT);
    SCardReleaseContext(context: SCARDCONTEXT);
    SCardCancel(context: SCARDCONTEXT);
    SCardConnect(context: SCARDCONTEXT, reader: *const c_char, share_mode: DWORD, protocols: DWORD,
        card: *mut SCARDHANDLE, protocol: *mut DWORD);
    SCardReconnect(card: SCARDHANDLE, share_mode: DWORD, protocols: DWORD, initial: DWORD, protocol: *mut DWORD);
    SCardDisconnect(card: SCARDHANDLE, disposition: DWORD);
    SCardBeginTransaction(card: SCARDHANDLE);
    SCardEndTransaction(card: SCARDHANDLE, disposition: DWORD);
    SCardStatus(card: SCARDHANDLE, names: *mut c_char, names_length: *mut DWORD, state: *mut DWORD,
        protocol: *mut DWORD, atr: *mut u8, atr_length: *mut DWORD);
    SCardGetStatusChange(context: SCARDCONTEXT, timeout: DWORD, states: *mut SCARD_READERSTATE, count: DWORD);
    SCardControl(card: SCARDHANDLE, code: DWORD, input: *const u8, input_length: DWORD, output: *mut u8,
        capacity: DWORD, length: *mut DWORD);
    SCardTransmit(card: SCARDHANDLE, send_pci: *const SCARD_IO_REQUEST, command: *const u8,
        command_length: DWORD, receive_pci: *mut SCARD_IO_REQUEST, response: *mut u8, length: *mut DWORD);
    SCardListReaders(context: SCARDCONTEXT, groups: *const c_char, names: *mut c_char, length: *mut DWORD);
    SCardListReaderGroups(context: SCARDCONTEXT, groups: *mut c_char, length: *mut DWORD);
    SCardGetAttrib(card: SCARDHANDLE, id: DWORD, value: *mut u8, length: *mut DWORD);
    SCardSetAttrib(card: SCARDHANDLE, id: DWORD, value: *const u8, length: DWORD);
}

//! The answers of libpcsclite, computed from those of pcscd, after libpcsclite has lost count of its readers (see
//! `daemon`).

use std::ffi::CStr;
use std::thread::sleep;
use std::time::Duration;

use pcsc::ffi;

use super::own_handles::ifd_of;
use super::{bounds, daemon, native};
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::multi_string::MultiString;
use crate::resource_manager::{Icc, MAX_ATTRIBUTE};
use crate::runtime::pthread_cancel::hold_off;

/// How often it is checked whether another application has ended its transaction.
const POLL: Duration = Duration::from_millis(5);

/// The answer of libpcsclite, or that of `ask_daemon` if libpcsclite has lost count.
pub fn if_lost<T>(answer: Result<T>, ask_daemon: impl FnOnce() -> Result<T>) -> Result<T> {
    match answer {
        Err(lost @ Hresult::SCARD_E_UNSUPPORTED_FEATURE) if daemon::is_needed() => {
            let _cancellation = hold_off();
            match ask_daemon() {
                // Another pcscd runs, so the error is a real one.
                Err(Hresult::SCARD_E_SERVICE_STOPPED) => Err(lost),
                answer => answer,
            }
        }
        answer => answer,
    }
}

/// The list of SCardListReaders.
pub fn list() -> Result<Vec<u8>> {
    let mut names = MultiString::new()?;
    for reader in daemon::readers()? {
        names.push(reader.name.as_c_str().to_bytes())?;
    }
    Ok(names.into_bytes())
}

/// The reader that SCardStatus reports. Like SCardStatus it waits for other applications, and fails with a signal.
pub fn reader_of(icc: Icc) -> Result<daemon::ReaderEntry> {
    let name = name_of(icc)?;
    let reader = daemon::readers()?.into_iter().find(|reader| reader.name == name);
    reader.ok_or(Hresult::SCARD_E_READER_UNAVAILABLE)
}

fn name_of(icc: Icc) -> Result<IfdName> {
    let mut name = [0; MAX_ATTRIBUTE];
    loop {
        match native::get_attribute(icc, ffi::SCARD_ATTR_DEVICE_FRIENDLY_NAME as u32, &mut name) {
            Err(Hresult::SCARD_E_SHARING_VIOLATION) => sleep(POLL),
            // libscm knows the reader of its own handles better than a driver.
            Ok(_) => break ifd_of(icc).map_or_else(|| IfdName::new(text(&name)).map_err(|_| bounds::IMPOSSIBLE), Ok),
            Err(
                Hresult::SCARD_E_INSUFFICIENT_BUFFER
                | Hresult::SCARD_E_UNSUPPORTED_FEATURE
                | Hresult::SCARD_E_NOT_TRANSACTED,
            ) => break ifd_of(icc).ok_or(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
            Err(signal) => break Err(signal),
        }
    }
}

fn text(bytes: &[u8]) -> &[u8] {
    CStr::from_bytes_until_nul(bytes).map_or(bytes, CStr::to_bytes)
}

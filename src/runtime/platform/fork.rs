//! Forks of the process.

use crate::abi::hresult::{Hresult, Result};

/// Asks for the three calls around each fork, on the thread that forks. They end with this library: the C library drops
/// them on dlclose.
pub fn watch(before: extern "C" fn(), after_in_parent: extern "C" fn(), after_in_child: extern "C" fn()) -> Result<()> {
    // SAFETY: the functions may run at any time after this.
    match unsafe { libc::pthread_atfork(Some(before), Some(after_in_parent), Some(after_in_child)) } {
        0 => Ok(()),
        _ => Err(Hresult::E_OUTOFMEMORY),
    }
}

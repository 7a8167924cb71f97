//! Threads of the standard library. Windows has no signals that a thread could block, and every new thread needs memory
//! there.

use crate::abi::hresult::{Hresult, Result};

pub fn spawn<F: FnOnce() + Send + 'static>(work: F) -> Result<()> {
    std::thread::Builder::new().spawn(work).map(drop).map_err(|_| Hresult::E_OUTOFMEMORY)
}

//! Contexts of PC/SC: how the service lets this process in, and how a context is released.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{IS_PCSC_LITE, daemon, fork_check, native, own_handles};
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::Context;

/// How often libscm asks a running daemon for a context.
const TRIES: u32 = 4;

/// Whether the service has let this process in before.
static ADMITTED: AtomicBool = AtomicBool::new(false);

/// Opens a context. A daemon that has let this process in before may have to be asked again.
pub fn establish() -> Result<Context> {
    fork_check::check()?;
    for _ in 0..TRIES {
        match native::establish_context() {
            Ok(context) => {
                ADMITTED.store(true, Ordering::Relaxed);
                return Ok(context);
            }
            Err(code) if !was_hung_up(code) => return Err(code),
            // No daemon runs; or a forwarder has accepted the connection, and its daemon does not run.
            Err(_) if !daemon::is_here() => return Err(Hresult::SCARD_E_NO_SERVICE),
            Err(Hresult::SCARD_F_COMM_ERROR) if !was_admitted() => return Err(Hresult::SCARD_E_NO_SERVICE),
            Err(code) if !was_admitted() => return Err(code),
            // pcscd hangs up if it has too many clients, and also if a policy forbids this one. libpcsclite may report
            // both as if there were no service. But a policy does not change for a process. So pcscd has too many
            // clients, or it is just starting and accepts the next try.
            Err(_) => {}
        }
    }
    Err(Hresult::SCARD_E_SERVER_TOO_BUSY)
}

fn was_admitted() -> bool {
    ADMITTED.load(Ordering::Relaxed)
}

/// Whether libpcsclite reports a refused connection, or one that broke before there was a context. Timing decides which
/// of these codes it reports.
fn was_hung_up(code: Hresult) -> bool {
    IS_PCSC_LITE
        && matches!(
            code,
            Hresult::SCARD_E_NO_SERVICE | Hresult::SCARD_F_COMM_ERROR | Hresult::SCARD_W_SECURITY_VIOLATION
        )
}

/// In the child of a fork: the service may refuse it, if it has given up rights of its parent.
#[cfg(unix)]
pub fn forget_admission() {
    ADMITTED.store(false, Ordering::Relaxed);
}

pub fn close(context: Context) {
    own_handles::remove_all_in(context);
    // The result says nothing: the context of a dead daemon is freed, although the call reports NO_SERVICE.
    let _ = native::release_context(context);
}

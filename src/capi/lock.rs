//! Lock, unlock and cancel.

use super::{attached, scm_handle, scm_result};
use crate::abi::constants::Disposition;
use crate::abi::hresult::Hresult;
use crate::capi::boundary::{OfArgument, guard};

/// Takes the card for this attachment alone (ISCardManage::SCardLock).
///
/// Locks are counted, and each needs its `scm_unlock`. Only the outermost lock asks the resource manager.
///
/// @param handle  the attachment
///
/// @return
/// - `SCM_S_OK`: locked.
/// - `SCM_SCARD_E_CANCELLED`: `scm_cancel` has ended the wait. Not locked.
/// - `SCM_E_FAIL`: locked 4,294,967,295 times already.
/// - the other codes of a connection. Not locked.
///
/// Blocks without a limit while another application or attachment holds a lock on the card; `scm_lock_ex` has a limit.
/// Attachments of one process get the card in the order of their calls, at the moment of the unlock. For another
/// application's lock the library asks about every 5 ms. In a process with one thread nobody can cancel the wait, and
/// the first wait for another application is left to PC/SC, which asks every 100 ms.
///
/// A thread that locks two attachments to one reader waits for itself for ever.
///
/// @see scm_lock_ex, scm_unlock, scm_cancel
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_lock(handle: *mut scm_handle) -> scm_result {
    guard!(scm_lock(handle), || {
        attached(handle)?.lock()?;
        Ok(Hresult::S_OK)
    })
}

/// Takes the card for this attachment alone as `scm_lock` does, with a limit.
///
/// @param handle  the attachment
/// @param timeout_ms  how long to wait for others, in milliseconds: 0 does not wait, `SCM_INFINITE` has no limit
///
/// @return as `scm_lock`, and
/// - `SCM_SCARD_E_TIMEOUT`: others have used the card all the time, or the resource manager has not answered. Not
///   locked; a lock that the resource manager grants later is released at once.
///
/// Blocks for `timeout_ms` at most, and about 200 ms more if the resource manager is slow.
///
/// @see scm_lock, scm_unlock, scm_cancel
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_lock_ex(handle: *mut scm_handle, timeout_ms: u32) -> scm_result {
    guard!(scm_lock_ex(handle, timeout_ms), || {
        attached(handle)?.lock_within(timeout_ms)?;
        Ok(Hresult::S_OK)
    })
}

/// Ends a wait of an attachment: the current one, or else the next one.
///
/// A call that waits for others returns `SCM_SCARD_E_CANCELLED`, and the attachment is as before. A cancel is never
/// lost: if no call waits, it ends the next wait. Calls that do not need to wait do not notice it. If several threads
/// wait on one handle, it ends one of the waits.
///
/// Waits for other attachments of this process can always be cancelled. Waits for another application can be cancelled
/// in `scm_lock`, `scm_lock_ex`, `scm_transmit_ex`, `scm_send`, `scm_send_ex`, `scm_reconnect` and `scm_reconnect_ex`,
/// and in the functions of files, codes and authentication. `scm_transmit` and `scm_status` leave that wait to the
/// resource manager. A command that the card has received is never interrupted. Afterwards the call gives its lock
/// back: the first cancel leaves that about a second, and the call still tells how the command has ended. The cancel
/// then ends the next wait. A service that needs longer costs the connection: the next call connects again, or a
/// borrowed card handle needs `scm_reconnect`; the generation grows. A cancel does not end `scm_unlock`.
///
/// @param handle  the attachment
///
/// @return
/// - `SCM_S_OK`: the current wait ends, or the next one will.
///
/// Never blocks.
///
/// @see scm_lock, scm_transmit_ex, scm_send, scm_reconnect, scm_monitor_cancel
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_cancel(handle: *mut scm_handle) -> scm_result {
    guard!(scm_cancel(handle), || {
        attached(handle)?.cancel();
        Ok(Hresult::S_OK)
    })
}

/// Releases one lock (ISCardManage::SCardUnlock).
///
/// The outermost unlock applies `disposition` and lets others use the card; the disposition of an inner one has no
/// effect. After a reset the generation has grown and this attachment works on, but other attachments must reconnect.
///
/// @param handle  the attachment
/// @param disposition  `SCM_DISPOSITION_LEAVE`, `SCM_DISPOSITION_RESET`, `SCM_DISPOSITION_UNPOWER` or
///   `SCM_DISPOSITION_EJECT`
///
/// @return
/// - `SCM_S_OK`: released.
/// - `SCM_E_INVALIDARG`: `disposition` is not defined. The lock is still held.
/// - `SCM_SCARD_E_NOT_TRANSACTED`: no lock is held.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the reader cannot eject. Released; the card is left as it is.
/// - the other codes of a connection: the lock was lost before, with the card, the reader or the service. It is not
///   held any more.
///
/// If the card handle is borrowed, the next PC/SC call of its owner reports a reset, too.
///
/// Does not block for others. It takes as long as the resource manager and the reader need, and nothing ends it
/// earlier.
///
/// @see scm_lock, scm_lock_ex
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_unlock(handle: *mut scm_handle, disposition: u32) -> scm_result {
    guard!(scm_unlock(handle, disposition), || {
        let attachment = attached(handle)?;
        attachment.unlock(Disposition::from_value(disposition).of("disposition")?)?;
        Ok(Hresult::S_OK)
    })
}

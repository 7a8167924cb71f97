//! Lock, unlock, and how a wait is ended.

use super::{attached, scm_handle, scm_result};
use crate::abi::constants::Disposition;
use crate::abi::hresult::Hresult;
use crate::capi::boundary::guard;

/// Takes the card for this attachment alone (ISCardManage::SCardLock).
///
/// Locks are counted: each wants its `scm_unlock`. Only the outermost one asks the resource manager. The lock is the
/// attachment's, not the thread's: any thread that has the handle may use the card meanwhile.
///
/// @param handle  the attachment
///
/// @return
/// - `SCM_S_OK`: locked.
/// - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`, and the codes of a connection (see the top of this file); not locked then.
/// - `SCM_SCARD_E_CANCELLED`: `scm_cancel` has ended the wait; not locked.
/// - `SCM_E_FAIL`: locked 4,294,967,295 times.
///
/// Blocks while another application, or another attachment, holds a lock on the card, without a limit: `scm_lock_ex`
/// has one. Attachments of one process get the card in the order in which they asked for it, each as soon as the one
/// before gives it back. Another application's lock is asked about every 5 ms. Where the process has one thread, so that
/// nobody can cancel the wait, the first wait for another application is left to PC/SC, which asks every 100 ms. The
/// thread that waits makes other threads wait that use the same handle, except for `scm_detach`, `scm_cancel` and the
/// `scm_get_` functions that do not ask the card.
///
/// A thread that takes a lock on two attachments to one reader waits for itself: without a limit for ever.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_lock(handle: *mut scm_handle) -> scm_result {
    guard(|| {
        attached(handle)?.lock()?;
        Ok(Hresult::S_OK)
    })
}

/// Takes the card for this attachment alone, as `scm_lock` does, if that is possible in time.
///
/// @param handle  the attachment
/// @param timeout_ms  how long to wait for others, in milliseconds: 0 not at all, `SCM_INFINITE` without a limit
///
/// @return as `scm_lock`, and
/// - `SCM_SCARD_E_TIMEOUT`: others have had the card all the time, or the resource manager has not answered. Not
///   locked; a lock that the resource manager grants later is given back at once.
///
/// Blocks for `timeout_ms` at the most, and some 200 ms more where the resource manager is slow to answer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_lock_ex(handle: *mut scm_handle, timeout_ms: u32) -> scm_result {
    guard(|| {
        attached(handle)?.lock_within(timeout_ms)?;
        Ok(Hresult::S_OK)
    })
}

/// Ends a wait on an attachment: the one that another thread is in, or else the next one.
///
/// A call that waits for others answers `SCM_SCARD_E_CANCELLED`, and the attachment is as before. No cancel gets lost:
/// where no call waits, it is remembered until one does, and ends that. Calls that need not wait do not notice it.
/// Where several threads wait on one handle, it ends one of the waits.
///
/// What waits for another attachment of this process can be cancelled always. What waits for another application can be
/// in `scm_lock`, `scm_lock_ex`, `scm_transmit_ex`, and in `scm_reconnect_ex` with a `timeout_ms` or `SCM_INFINITE`;
/// `scm_transmit`, `scm_status` and `scm_reconnect` leave that wait to the resource manager. A command that the card
/// already has is never cut off.
///
/// @param handle  the attachment
///
/// @return
/// - `SCM_S_OK`: the wait ends, or the next one will.
/// - `SCM_E_HANDLE`: `handle` is no attachment, or not any more.
///
/// Never blocks. Any thread may call it; not a signal handler.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_cancel(handle: *mut scm_handle) -> scm_result {
    guard(|| {
        attached(handle)?.cancel();
        Ok(Hresult::S_OK)
    })
}

/// Gives back one lock (ISCardManage::SCardUnlock).
///
/// The outermost one lets others use the card, after `disposition`; that of an inner one does nothing. After a reset
/// the generation has grown, and the attachment goes on without a reconnect; other attachments have to reconnect.
///
/// @param handle  the attachment
/// @param disposition  `SCM_DISPOSITION_LEAVE`, `_RESET`, `_UNPOWER` or `_EJECT`
///
/// @return
/// - `SCM_S_OK`: given back.
/// - `SCM_E_INVALIDARG`: `disposition` is not defined. The lock is still held.
/// - `SCM_SCARD_E_NOT_TRANSACTED`: no lock is held.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the reader cannot eject. Given back; the card is left as it is.
/// - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`: as everywhere.
/// - the codes of a connection: the lock was lost before, together with the card, the reader or the service. It is not
///   held any more.
///
/// On a borrowed card handle the owner's next own call is told of a reset, too.
///
/// Does not wait for other applications, only for a call that another thread is in on the same handle.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_unlock(handle: *mut scm_handle, disposition: u32) -> scm_result {
    guard(|| {
        let attachment = attached(handle)?;
        attachment.unlock(Disposition::from_value(disposition)?)?;
        Ok(Hresult::S_OK)
    })
}

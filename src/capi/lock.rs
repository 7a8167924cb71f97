//! Lock and unlock.

use super::{attached, scm_handle, scm_result};
use crate::boundary::guard;
use crate::hresult::Hresult;
use crate::type_library::Disposition;

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
/// - `SCM_E_FAIL`: locked 4,294,967,295 times.
///
/// Blocks while another application, or another attachment, holds a lock on the card, without a limit. The thread that
/// waits makes other threads wait that use the same handle, except for `scm_detach` and the `scm_get_` functions that
/// do not ask the card.
#[no_mangle]
pub unsafe extern "C" fn scm_lock(handle: *mut scm_handle) -> scm_result {
    guard(|| {
        attached(handle)?.lock()?;
        Ok(Hresult::S_OK)
    })
}

/// Gives back one lock (ISCardManage::SCardUnlock).
///
/// The outermost one lets others use the card, after `disposition`; that of an inner one does nothing. After a reset the
/// generation has grown, and the attachment goes on without a reconnect; other attachments have to reconnect.
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
#[no_mangle]
pub unsafe extern "C" fn scm_unlock(handle: *mut scm_handle, disposition: u32) -> scm_result {
    guard(|| {
        let attachment = attached(handle)?;
        attachment.unlock(Disposition::from_value(disposition)?)?;
        Ok(Hresult::S_OK)
    })
}

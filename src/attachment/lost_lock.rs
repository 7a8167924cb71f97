//! A lock that is lost: after some failures none is left on the reader. A waiting attachment that finds the hold of
//! another one lost is in `arbiter/lost_hold.rs`.

use super::diagnosis::is_lasting;
use super::session::Session;
use super::{Attachment, Ownership};
use crate::abi::hresult::Hresult;
use crate::runtime::wait::WaitLimit;

impl Attachment {
    /// The code says that no lock is left on the reader. If there is a transaction all the same, it ends here. The
    /// connection is not used as if it were locked until a reconnect or the last unlock: another user of the handle may
    /// reconnect it, and calls would succeed. If the transaction does not end, the attachment keeps it and the
    /// hold.
    pub(super) fn lose_lock(&self, session: &mut Session, why: Hresult, limit: &WaitLimit) {
        let Some(reader_lock) = &mut session.locks.reader else { return };
        let limit = &limit.for_cleanup();
        let Ok(was_there) = reader_lock.end(limit) else { return };
        session.locks.reader = None;
        match self.ownership() {
            Ownership::Borrowed => session.connection.set_aside(why),
            Ownership::Owned if was_there || self.is_known_to_others() => self.close_stuck(session, why, limit),
            // Only this attachment can reconnect the card handle.
            Ownership::Owned => {}
        }
    }
}

/// Codes after which no lock is left on the reader, and another card may be in it.
pub(super) fn ends_locks(code: Hresult) -> bool {
    is_lasting(code)
        && !matches!(
            code,
            Hresult::SCARD_W_RESET_CARD | Hresult::SCARD_W_UNPOWERED_CARD | Hresult::SCARD_W_UNRESPONSIVE_CARD
        )
}

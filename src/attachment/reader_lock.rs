//! The reader for one attachment alone: the hold of the arbiter, and under it the transaction of the resource manager. They are
//! one thing. Where the transaction may be there, the hold is; so nobody waits for a hold with a transaction, and whoever has the
//! hold waits for no attachment of this process that has the transaction.

use super::connection::{Connection, TRIES};
use super::reconnect::is_impatience;
use crate::abi::constants::{Access, Disposition};
use crate::abi::hresult::{Hresult, Result};
use crate::arbiter::Hold;
use crate::resource_manager::ResourceManager;
use crate::runtime::wait::WaitLimit;

/// The reader for one attachment alone, until it is dropped: that ends the transaction first.
pub struct ReaderLock {
    manager: &'static dyn ResourceManager,
    /// The connection on which the transaction may be.
    transaction: Option<Connection>,
    hold: Hold,
}

impl ReaderLock {
    pub fn new(manager: &'static dyn ResourceManager, hold: Hold) -> ReaderLock {
        ReaderLock { manager, transaction: None, hold }
    }

    /// Whether the hold was not taken back by somebody who found that there is no transaction.
    pub fn is_valid(&self) -> bool {
        self.hold.is_valid()
    }

    /// Begins the transaction; anew, if there may be one: two would be counted. Whether the reader was still ours when it had
    /// begun. If not, others have been let in, and it has ended again.
    pub fn begin(&mut self, connection: Connection, limit: &WaitLimit) -> Result<bool> {
        self.hold.ask();
        self.end(limit)?;
        self.manager.begin_transaction(connection.icc, limit)?;
        self.transaction = Some(connection);
        if self.hold.confirm() {
            return Ok(true);
        }
        self.end(limit)?;
        Ok(false)
    }

    /// Ends the transaction as the owner of the lock wants it. After a failure it may still be there.
    pub fn dispose(&mut self, connection: Connection, disposition: Disposition, limit: &WaitLimit) -> Result<()> {
        let ended = self.manager.end_transaction(connection.icc, disposition, limit);
        if ended.is_ok() {
            self.transaction = None;
        }
        ended
    }

    /// Ends the transaction, and tells whether there was one; or says what keeps it. That there is none is believed when it is said
    /// again and again: the service may be wrong once.
    pub fn end(&mut self, limit: &WaitLimit) -> Result<bool> {
        let Some(connection) = self.transaction else { return Ok(false) };
        let mut ended = Ok(());
        for _ in 0..TRIES {
            ended = self.manager.end_transaction(connection.icc, Disposition::Leave, limit);
            if ended.is_ok() || ended.is_err_and(|code| is_signal(code) || is_impatience(code, limit)) {
                break;
            }
        }
        match ended {
            Err(code) if !denies_transactions(code) => Err(code),
            ended => {
                self.transaction = None;
                Ok(ended.is_ok())
            }
        }
    }

    /// The same, but no signal keeps it: it is acknowledged. Whether one was. On a handle that has the card for itself no reset
    /// but its own is signalled, so that nobody misses it; a card that does not answer has nothing to lose.
    pub fn end_past_signals(&mut self, access: Access, limit: &WaitLimit) -> (bool, Result<()>) {
        let mut acknowledged = false;
        for _ in 0..TRIES {
            match (self.end(limit), self.transaction) {
                (Err(code), Some(connection)) if is_signal(code) => {
                    acknowledged = true;
                    // Whether that has helped shows at the end of the transaction.
                    let _ = self.acknowledge(connection, access, limit);
                }
                (ended, _) => return (acknowledged, ended.map(drop)),
            }
        }
        (acknowledged, self.end(limit).map(drop))
    }

    fn acknowledge(&self, connection: Connection, access: Access, limit: &WaitLimit) -> Result<Connection> {
        match connection.reconnect(self.manager, access, Disposition::Leave, limit) {
            Err(Hresult::SCARD_W_UNRESPONSIVE_CARD | Hresult::SCARD_W_UNPOWERED_CARD) => {
                connection.reconnect(self.manager, access, Disposition::Unpower, limit)
            }
            acknowledged => acknowledged,
        }
    }

    /// Whether there may be a transaction.
    pub fn may_be_open(&self) -> bool {
        self.transaction.is_some()
    }

    /// The connection is closed, or about to be, and its transaction ends with it.
    pub fn lapse(&mut self) {
        self.transaction = None;
    }
}

impl Drop for ReaderLock {
    fn drop(&mut self) {
        // Nobody is left who could do more.
        let _ = self.end(&WaitLimit::ENDLESS);
    }
}

/// What keeps the transaction of the card handle that it is signalled to.
fn is_signal(code: Hresult) -> bool {
    matches!(code, Hresult::SCARD_W_RESET_CARD | Hresult::SCARD_W_UNPOWERED_CARD | Hresult::SCARD_W_UNRESPONSIVE_CARD)
}

/// Codes that say that there is no transaction, for this reason or that.
fn denies_transactions(code: Hresult) -> bool {
    matches!(
        code,
        Hresult::SCARD_E_NOT_TRANSACTED
            | Hresult::SCARD_W_REMOVED_CARD
            | Hresult::SCARD_E_NO_SMARTCARD
            | Hresult::SCARD_E_READER_UNAVAILABLE
            | Hresult::SCARD_E_UNKNOWN_READER
            | Hresult::SCARD_E_NO_SERVICE
            | Hresult::SCARD_E_SERVICE_STOPPED
            | Hresult::SCARD_E_INVALID_HANDLE
    )
}

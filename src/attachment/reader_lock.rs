//! The reader for one attachment alone: the hold of the arbiter, and under it the transaction of the resource manager.
//! The two are one object. As long as there may be a transaction, there is a hold. So no attachment waits for a hold
//! while it has a transaction, and the holder waits for no transaction of another attachment of this process.

use super::connection::{Connection, TRIES};
use crate::abi::constants::{Access, Disposition};
use crate::abi::hresult::{Hresult, Result};
use crate::arbiter::Hold;
use crate::resource_manager::ResourceManager;
use crate::runtime::wait::WaitLimit;

/// Dropping it ends the transaction first, and then the hold.
pub struct ReaderLock {
    manager: &'static dyn ResourceManager,
    /// The connection on which there may be a transaction.
    transaction: Option<Connection>,
    hold: Hold,
}

impl ReaderLock {
    pub fn new(manager: &'static dyn ResourceManager, hold: Hold) -> ReaderLock {
        ReaderLock { manager, transaction: None, hold }
    }

    /// Whether the hold is still there. Another attachment takes it back if it finds that there is no transaction.
    pub fn is_valid(&self) -> bool {
        self.hold.is_valid()
    }

    /// Begins the transaction. One that may be there ends first, because the resource manager would count two. Tells
    /// whether the hold was still there afterwards. If not, other attachments have used the reader, and the transaction
    /// has ended again.
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

    /// Ends the transaction with the disposition of the caller. After a failure it may still be there.
    pub fn dispose(&mut self, connection: Connection, disposition: Disposition, limit: &WaitLimit) -> Result<()> {
        let ended = self.manager.end_transaction(connection.icc, disposition, limit);
        if ended.is_ok() {
            self.transaction = None;
        }
        ended
    }

    /// Ends the transaction and tells whether there was one. On a failure it may still be there. One answer that denies
    /// the transaction can be wrong, so it must come several times.
    pub fn end(&mut self, limit: &WaitLimit) -> Result<bool> {
        let Some(connection) = self.transaction else { return Ok(false) };
        let cleanup = limit.for_cleanup();
        let mut ended = Ok(());
        for _ in 0..TRIES {
            ended = self.manager.end_transaction(connection.icc, Disposition::Leave, &cleanup);
            if ended.is_ok() || ended.is_err_and(|code| is_signal(code) || cleanup.can_end_with(code)) {
                break;
            }
        }
        match ended {
            // A caller that waits for this is told of its cancel.
            Err(Hresult::SCARD_E_TIMEOUT) => Err(limit.reason_of_end()),
            Err(code) if !denies_transaction(code) => Err(code),
            ended => {
                self.transaction = None;
                Ok(ended.is_ok())
            }
        }
    }

    /// Ends the transaction, and acknowledges each signal that prevents it. Tells whether there was one. No loss is
    /// hidden by that: a handle with a transaction gets no signal of a reset but its own, and a card that does not
    /// answer has no state to lose.
    pub fn end_past_signals(&mut self, access: Access, limit: &WaitLimit) -> (bool, Result<()>) {
        let mut acknowledged = false;
        for _ in 0..TRIES {
            match (self.end(limit), self.transaction) {
                (Err(code), Some(connection)) if is_signal(code) => {
                    acknowledged = true;
                    // The next end of the transaction tells whether this has helped.
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

    /// The connection is closed, and its transaction has ended with it.
    pub fn connection_closed(&mut self) {
        self.transaction = None;
    }
}

impl Drop for ReaderLock {
    fn drop(&mut self) {
        // No caller is left who could do more after a failure.
        let _ = self.end(&WaitLimit::ENDLESS);
    }
}

/// Signals of a card handle that keep its transaction open until they are acknowledged.
fn is_signal(code: Hresult) -> bool {
    matches!(code, Hresult::SCARD_W_RESET_CARD | Hresult::SCARD_W_UNPOWERED_CARD | Hresult::SCARD_W_UNRESPONSIVE_CARD)
}

/// Codes that say that there is no transaction, for whatever reason.
fn denies_transaction(code: Hresult) -> bool {
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

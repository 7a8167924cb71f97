//! The connection of a call. If a reset is not acknowledged yet, or a connection is not made yet, that comes first.

use super::Attachment;
use super::connection::Connection;
use super::connection_state::{says_out_of_time, while_down};
use super::session::Session;
use crate::abi::constants::Disposition;
use crate::abi::hresult::{Hresult, Result};
use crate::runtime::wait::WaitLimit;

impl Attachment {
    /// The connection, ready for a call.
    pub(super) fn ready(&self, session: &mut Session, limit: &WaitLimit) -> Result<Connection> {
        let Ok(connection) = session.connection.get() else { return self.connected(session, limit) };
        if session.connection.has_own_reset() {
            self.acknowledge_own_reset(session, connection, limit)?;
        }
        Ok(connection)
    }

    /// The resource manager may signal a reset also to the handle that made it. The caller has asked for the reset, and
    /// is not told.
    #[cold]
    fn acknowledge_own_reset(&self, session: &mut Session, connection: Connection, limit: &WaitLimit) -> Result<()> {
        let access = session.connection.access();
        let acknowledged = match self.manager.status(connection.icc, limit) {
            Err(Hresult::SCARD_W_RESET_CARD) => {
                let connection = connection.reconnect(self.manager, access, Disposition::Leave, limit);
                connection.and_then(|connection| {
                    match self.manager.identify(connection.icc, limit)?.needed_reconnect(connection) {
                        None => Ok(connection),
                        // Another application has turned the power off since.
                        Some(initial) => connection.reconnect(self.manager, access, initial, limit),
                    }
                })
            }
            other => other.map(|_| connection),
        };
        let connection = acknowledged.and_then(|connection| connection.check(access));
        let connection = connection.map_err(|code| self.diagnose(session, while_down(code), limit))?;
        session.connection.renew(connection);
        Ok(())
    }

    /// The connection. One that is deferred is made now, and one that is set aside may be taken up again.
    pub(super) fn connected(&self, session: &mut Session, limit: &WaitLimit) -> Result<Connection> {
        if session.connection.is_deferred() {
            self.connect_late(session, limit)?;
        }
        if let Some(why) = session.connection.set_aside_for() {
            self.retry_stuck(session, why, limit)?;
        }
        session.connection.get()
    }

    /// Ends the transaction that is left on a borrowed card handle. If the service was only too slow before, the handle
    /// is used again. After another failure only a reconnect brings it back.
    #[cold]
    fn retry_stuck(&self, session: &mut Session, why: Hresult, limit: &WaitLimit) -> Result<()> {
        if session.locks.is_held() {
            return Ok(());
        }
        if let Some(reader_lock) = &mut session.locks.reader {
            match reader_lock.end(limit) {
                Err(code) if limit.can_end_with(code) => return Err(code),
                Err(_) => return Ok(()),
                Ok(_) => session.locks.reader = None,
            }
        }
        if says_out_of_time(why) {
            session.connection.take_up();
        }
        Ok(())
    }

    /// Makes a deferred connection, to the same card and no other.
    #[cold]
    fn connect_late(&self, session: &mut Session, limit: &WaitLimit) -> Result<()> {
        let before = session.connection.card();
        let opened = Connection::open(self.manager, self.ifd(), session.connection.access(), limit);
        let met = opened.and_then(|connection| {
            let met = self.manager.identify(connection.icc, limit).and_then(|identity| {
                (identity.card() == before).then_some(connection).ok_or(Hresult::SCARD_W_REMOVED_CARD)
            });
            met.inspect_err(|_| {
                let _ = connection.close(self.manager, Disposition::Leave);
            })
        });
        match met {
            Ok(connection) => session.connection.replace(connection),
            Err(code) if limit.can_end_with(code) => return Err(code),
            Err(code) => {
                let code = self.diagnose(session, code, limit);
                session.connection.lose(code);
            }
        }
        Ok(())
    }
}

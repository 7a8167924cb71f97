//! What is true after a failed call: the resource manager often says only that something went wrong. It is asked once
//! more, and the code that the caller gets is the one that tells what happened.

use std::time::{Duration, Instant};

use super::connection::Connection;
use super::session::Session;
use super::{Attachment, Ownership};
use crate::abi::constants::{CardState, Protocol};
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::{self, Context};
use crate::runtime::wait::WaitLimit;

impl Attachment {
    /// The true code of a failed call. What the card lost by it is counted.
    #[cold]
    pub(super) fn diagnose(&self, session: &mut Session, code: Hresult, limit: &WaitLimit) -> Hresult {
        let truth = if is_vague(code) { self.ask(session, limit).unwrap_or(code) } else { code };
        let truth = self.name_dead_handle(truth, limit);
        if is_lasting(truth) {
            self.interrupt(session);
        }
        if ends_locks(truth) {
            self.lose_lock(session, truth, limit);
            self.count_card();
        }
        truth
    }

    /// Nobody has a lock any more after what was told. If that was not true there is a transaction, which ends here; then the
    /// connection is not used as if it were locked, until a reconnect. One that does not end is kept together with the hold.
    fn lose_lock(&self, session: &mut Session, why: Hresult, limit: &WaitLimit) {
        let Some(reader_lock) = &mut session.reader_lock else { return };
        let Ok(was_there) = reader_lock.end(limit) else { return };
        session.reader_lock = None;
        match self.ownership() {
            _ if !was_there => {}
            Ownership::Owned => self.close_stuck(session, why, limit),
            Ownership::Borrowed => self.set_aside(session, why),
        }
    }

    /// The true code of a failed exchange. The card may have been in the middle of anything, so the loss is counted
    /// even when nothing lasting is found.
    #[cold]
    pub(super) fn diagnose_exchange(&self, session: &mut Session, code: Hresult, limit: &WaitLimit) -> Hresult {
        let truth = match code {
            Hresult::SCARD_E_PROTO_MISMATCH if self.was_made_raw(session, limit) => {
                // A reconnect has to look, and to say so again.
                session.doubtful = true;
                return code;
            }
            // The protocol is the one that was active: the card lost it in a reset, of which there is no other signal
            // when it came together with others.
            Hresult::SCARD_E_PROTO_MISMATCH => self.diagnose(session, Hresult::SCARD_W_RESET_CARD, limit),
            code => self.diagnose(session, code, limit),
        };
        if is_lasting(truth) || !is_vague(truth) {
            return truth;
        }
        match self.see_removal(session, limit) {
            Ok(true) => {
                self.interrupt(session);
                self.count_card();
                Hresult::SCARD_W_REMOVED_CARD
            }
            _ => {
                session.doubtful = true;
                self.count_loss(session);
                // Who looks at his readers from time to time misses a card that was swapped in between, and this is all
                // there is of it, for the other attachments too.
                if self.manager.removal_delay_ms() > 0 {
                    self.registration.doubt();
                }
                truth
            }
        }
    }

    /// Whether another speaks raw with the card now, which pcscd allows him without a reset.
    fn was_made_raw(&self, session: &Session, limit: &WaitLimit) -> bool {
        let is_raw = |connection: Connection| {
            let now = self.manager.status(connection.icc, limit);
            connection.protocol != Some(Protocol::Raw) && matches!(now, Ok((_, Some(Protocol::Raw))))
        };
        session.connection.is_ok_and(is_raw)
    }

    /// From now on every call fails, until somebody reconnects. One loss, however many calls notice it.
    pub(super) fn interrupt(&self, session: &mut Session) {
        session.interrupted = true;
        self.notice_loss(session);
    }

    /// The lasting trouble of the connection, if there is any.
    fn ask(&self, session: &Session, limit: &WaitLimit) -> Option<Hresult> {
        let connection = session.connection.ok()?;
        match self.manager.status(connection.icc, limit) {
            Ok((CardState::Absent, _)) if connection.protocol.is_some() => Some(Hresult::SCARD_W_REMOVED_CARD),
            Ok(_) => None,
            // pcscd, of a card handle whose reader was unplugged and is back: the question has no value to be refused. To
            // who has connected it here the reader was gone; for any other one the caller has to know that it is dead.
            Err(Hresult::SCARD_E_INVALID_VALUE) if connection.context.is_some() => {
                Some(Hresult::SCARD_E_READER_UNAVAILABLE)
            }
            Err(Hresult::SCARD_E_INVALID_VALUE) => Some(Hresult::SCARD_E_INVALID_HANDLE),
            // Any other failure of the question tells less than the one that is asked about.
            Err(code) => Some(code).filter(|code| is_lasting(*code)),
        }
    }

    /// A restarted service does not know the old handles; libpcsclite goes on saying that there is no service. An
    /// owned connection is made anew by a reconnect; for a borrowed one the caller has to know that it is dead.
    fn name_dead_handle(&self, code: Hresult, limit: &WaitLimit) -> Hresult {
        match code {
            Hresult::SCARD_E_SERVICE_STOPPED => Hresult::SCARD_E_NO_SERVICE,
            Hresult::SCARD_E_UNKNOWN_READER => Hresult::SCARD_E_READER_UNAVAILABLE,
            Hresult::SCARD_E_NO_SERVICE if self.ownership() == Ownership::Borrowed && self.service_runs(limit) => {
                Hresult::SCARD_E_INVALID_HANDLE
            }
            code => code,
        }
    }

    fn service_runs(&self, limit: &WaitLimit) -> bool {
        self.in_own_context(limit, |_| Ok(())).is_ok()
    }

    /// How often cards have come and gone in the reader.
    pub(super) fn events(&self, session: &Session, limit: &WaitLimit) -> Result<u16> {
        let look = |context| Ok(self.manager.slot_state(context, self.ifd(), limit)?.events);
        match session.connection?.context {
            Some(context) => look(context),
            None => self.in_own_context(limit, look),
        }
    }

    /// Waits for a card that stopped answering to be seen leaving, or having left and come back.
    fn see_removal(&self, session: &Session, limit: &WaitLimit) -> Result<bool> {
        let see = |context| self.see_removal_in(context, session.card.events, limit);
        match session.connection?.context {
            Some(context) => see(context),
            None => self.in_own_context(limit, see),
        }
    }

    /// `known` is the count of events as it was when the card was met, or 0 where that is not known: the card may have been put
    /// back before the first look.
    fn see_removal_in(&self, context: Context, known: u16, limit: &WaitLimit) -> Result<bool> {
        let end = Instant::now() + Duration::from_millis(self.manager.removal_delay_ms().into());
        let mut now = self.manager.slot_state(context, self.ifd(), limit)?;
        let before = if known == 0 { now.events } else { known };
        while now.card_present && now.events == before {
            // What others do with the reader ends a wait, too, and they may do it all the time.
            let rest = end.saturating_duration_since(Instant::now()).as_millis() as u32;
            let rest = limit.rest_ms(rest);
            now = match self.manager.wait_for_change(context, self.ifd(), &now, rest, limit) {
                Ok(same) if rest == 0 && same.card_present && same.events == before => return Ok(false),
                Err(Hresult::SCARD_E_TIMEOUT) => return Ok(false),
                sight => sight?,
            };
        }
        Ok(true)
    }

    /// The context of a borrowed handle is not known, so what needs one gets one for the moment.
    fn in_own_context<T>(&self, limit: &WaitLimit, ask: impl FnOnce(Context) -> Result<T>) -> Result<T> {
        resource_manager::in_context(self.manager, limit, ask)
    }
}

/// Codes behind which several things can be.
fn is_vague(code: Hresult) -> bool {
    matches!(
        code,
        Hresult::SCARD_F_COMM_ERROR
            | Hresult::SCARD_F_INTERNAL_ERROR
            | Hresult::SCARD_F_UNKNOWN_ERROR
            | Hresult::SCARD_E_NOT_TRANSACTED
            | Hresult::SCARD_E_COMM_DATA_LOST
            | Hresult::SCARD_E_INVALID_HANDLE
            | Hresult::SCARD_E_INVALID_VALUE
    )
}

/// Codes that come again at every call until somebody reconnects.
pub(super) fn is_lasting(code: Hresult) -> bool {
    matches!(
        code,
        Hresult::SCARD_W_RESET_CARD
            | Hresult::SCARD_W_REMOVED_CARD
            | Hresult::SCARD_W_UNPOWERED_CARD
            | Hresult::SCARD_W_UNRESPONSIVE_CARD
            | Hresult::SCARD_E_NO_SMARTCARD
            | Hresult::SCARD_E_READER_UNAVAILABLE
            | Hresult::SCARD_E_UNKNOWN_READER
            | Hresult::SCARD_E_NO_SERVICE
            | Hresult::SCARD_E_SERVICE_STOPPED
            | Hresult::SCARD_E_INVALID_HANDLE
    )
}

/// Codes after which nobody has a lock on the reader any more, whatever he thinks, and another card may come.
fn ends_locks(code: Hresult) -> bool {
    is_lasting(code)
        && !matches!(
            code,
            Hresult::SCARD_W_RESET_CARD | Hresult::SCARD_W_UNPOWERED_CARD | Hresult::SCARD_W_UNRESPONSIVE_CARD
        )
}

//! Diagnosis of a failed call. The resource manager often says only that something went wrong. It is asked once more,
//! and the caller gets the code that tells what happened.

use std::time::Instant;

use super::connection::Connection;
use super::lost_lock::ends_locks;
use super::session::Session;
use super::{Attachment, Ownership};
use crate::abi::constants::{CardState, Protocol};
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::{self, Context};
use crate::runtime::wait::{WaitLimit, deadline, rest_ms};

impl Attachment {
    /// The true code of a failed call. A loss of the card's state is counted.
    #[cold]
    pub(super) fn diagnose(&self, session: &mut Session, code: Hresult, limit: &WaitLimit) -> Hresult {
        let truth = if is_vague(code) { self.lasting_failure(session, limit).unwrap_or(code) } else { code };
        let truth = self.name_dead_handle(truth, limit);
        if is_lasting(truth) {
            session.connection.interrupt();
        }
        if ends_locks(truth) {
            self.lose_lock(session, truth, limit);
            self.count_card();
        }
        truth
    }

    /// The true code of a failed exchange.
    #[cold]
    pub(super) fn diagnose_exchange(&self, session: &mut Session, code: Hresult, limit: &WaitLimit) -> Hresult {
        let begun = Instant::now();
        // However little time the caller has left: a removal must be told from a failure of the reader.
        let truth = self.truth_of_exchange(session, code, &limit.at_least_ms(self.manager.removal_delay_ms()));
        session.locks.diagnosis += begun.elapsed();
        truth
    }

    /// Nobody knows how far the card has come with the command, so a loss is counted even if no lasting failure is
    /// found.
    fn truth_of_exchange(&self, session: &mut Session, code: Hresult, limit: &WaitLimit) -> Hresult {
        let truth = match code {
            Hresult::SCARD_E_PROTO_MISMATCH if self.was_made_raw(session, limit) => {
                // The next reconnect checks the protocol, and tells the caller again.
                session.connection.doubt();
                return code;
            }
            // The protocol was active, so a reset has taken it from the card. That is all that is seen of a reset if
            // its signal was hidden by another one.
            Hresult::SCARD_E_PROTO_MISMATCH => self.diagnose(session, Hresult::SCARD_W_RESET_CARD, limit),
            code => self.diagnose(session, code, limit),
        };
        if is_lasting(truth) || !is_vague(truth) {
            return truth;
        }
        match self.see_removal(session, limit) {
            Ok(true) => {
                session.connection.interrupt();
                self.count_card();
                return Hresult::SCARD_W_REMOVED_CARD;
            }
            Ok(false) => {}
            // The failure of the call is told. A cancel is for the next wait then.
            Err(code) => limit.keep_cancel(code),
        }
        session.connection.doubt_card();
        // A resource manager that polls its readers misses a card that was swapped between two polls. The failure is
        // all that is seen of the swap, for the other attachments too.
        if self.manager.removal_delay_ms() > 0 {
            self.registration.doubt();
        }
        truth
    }

    /// Whether another application uses the card with the raw protocol now. It may switch to that without a reset.
    fn was_made_raw(&self, session: &Session, limit: &WaitLimit) -> bool {
        let is_raw = |connection: Connection| {
            let now = self.manager.status(connection.icc, limit).inspect_err(|code| limit.keep_cancel(*code));
            connection.protocol != Some(Protocol::Raw) && matches!(now, Ok((_, Some(Protocol::Raw))))
        };
        session.connection.get().is_ok_and(is_raw)
    }

    /// The code that calls on the connection answer until a reconnect, if there is one.
    fn lasting_failure(&self, session: &Session, limit: &WaitLimit) -> Option<Hresult> {
        let connection = session.connection.get().ok()?;
        match self.manager.status(connection.icc, limit) {
            Ok((CardState::Absent, _)) if connection.protocol.is_some() => Some(Hresult::SCARD_W_REMOVED_CARD),
            Ok(_) => None,
            // Any other failure of this question tells less than the code that is to be explained.
            Err(code) => {
                limit.keep_cancel(code);
                Some(code).filter(|code| is_lasting(*code))
            }
        }
    }

    /// A service that was restarted does not know older handles, and may answer for them that there is no service. A
    /// reconnect replaces an owned connection. The caller has to learn that a borrowed handle is dead.
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
        self.in_own_context(limit, |_| Ok(())).inspect_err(|code| limit.keep_cancel(*code)).is_ok()
    }

    /// How often cards have come and gone in the reader.
    pub(super) fn events(&self, session: &Session, limit: &WaitLimit) -> Result<u16> {
        let look = |context| Ok(self.manager.slot_state(context, self.ifd(), &limit.for_cleanup())?.events);
        match session.connection.get()?.context {
            Some(context) => look(context),
            None => self.in_own_context(limit, look),
        }
    }

    /// Waits until a card that does not answer any more is seen to be removed, or to have been removed and put back.
    fn see_removal(&self, session: &Session, limit: &WaitLimit) -> Result<bool> {
        let see = |context| self.see_removal_in(context, session.connection.card().events, limit);
        match session.connection.get()?.context {
            Some(context) => see(context),
            None => self.in_own_context(limit, see),
        }
    }

    /// `known` is the count of events when the card was met, or 0 if it is not known. The card may have been put back
    /// before the first look.
    fn see_removal_in(&self, context: Context, known: u16, limit: &WaitLimit) -> Result<bool> {
        let delay_ms = self.manager.removal_delay_ms();
        let end = deadline(delay_ms);
        let mut now = self.manager.slot_state(context, self.ifd(), &limit.for_cleanup())?;
        let before = if known == 0 { now.events } else { known };
        while now.card_present && now.events == before {
            // Other uses of the reader end a wait too, and may come again and again.
            let rest = limit.rest_ms(rest_ms(end, delay_ms));
            now = match self.manager.wait_for_change(context, self.ifd(), &now, rest, limit) {
                Ok(same) if rest == 0 && same.card_present && same.events == before => return Ok(false),
                Err(Hresult::SCARD_E_TIMEOUT) => return Ok(false),
                changed => changed?,
            };
        }
        Ok(true)
    }

    /// The context of a borrowed handle is not known, so a question that needs a context gets a new one.
    fn in_own_context<T>(&self, limit: &WaitLimit, ask: impl FnOnce(Context) -> Result<T>) -> Result<T> {
        resource_manager::in_context(self.manager, limit, ask)
    }
}

/// Codes that can have several causes.
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

/// Codes that every call answers until a reconnect.
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

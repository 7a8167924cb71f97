//! Locks, and turns: when an attachment may talk to its reader, and when it has it for itself.

use std::time::Duration;

use super::link::Link;
use super::session::Session;
use super::{Attachment, Ownership};
use crate::arbiter::{Arbiter, Hold, Line, Look, Turn};
use crate::hresult::{Hresult, Result};
use crate::patience::{Bell, Patience, SCM_INFINITE};
use crate::shared::Shared;
use crate::subsystem::{Icc, Subsystem};
use crate::type_library::{Access, Disposition, ShareMode};

/// How long a newcomer waits for the other attachments of this process. He has no card handle yet, so only the resource
/// manager can tell him that a lock got lost which its holder takes for held.
const NEWCOMERS_WAIT_MS: u32 = 100;

/// An attachment that stands in line for its reader.
struct Waiting<'a> {
    subsystem: &'static dyn Subsystem,
    /// None for a newcomer.
    icc: Option<Icc>,
    patience: &'a Patience<'a>,
    /// It waits to acknowledge the signals that end other waits.
    reconnects: bool,
}

impl Line for Waiting<'_> {
    fn may_wait(&self) -> Result<()> {
        self.subsystem.may_wait()
    }

    fn look(&self) -> Result<Look> {
        let Some(icc) = self.icc else { return Ok(Look::Taken) };
        match self.subsystem.is_taken(icc, self.patience) {
            Ok(true) => Ok(Look::Taken),
            Ok(false) => Ok(Look::Free),
            // It is told when nobody has a lock.
            Err(signal) if self.reconnects && tells_of_the_reader(signal) => Ok(Look::Free),
            Err(code) => Err(code),
        }
    }

    fn looks_every(&self) -> Duration {
        Duration::from_millis(self.subsystem.worth_asking_every_ms().into())
    }
}

/// Whether a signal is about the reader, and not about the card handle alone.
fn tells_of_the_reader(signal: Hresult) -> bool {
    matches!(
        signal,
        Hresult::SCARD_W_RESET_CARD
            | Hresult::SCARD_W_REMOVED_CARD
            | Hresult::SCARD_E_READER_UNAVAILABLE
            | Hresult::SCARD_E_NO_SERVICE
    )
}

/// The turn of somebody who is about to attach; None when he has to ask the resource manager without.
pub fn turn_of_newcomer<'a>(
    arbiter: &'a Shared<Arbiter>,
    subsystem: &'static dyn Subsystem,
    patience: &Patience,
    bell: &Shared<Bell>,
) -> Result<Option<Turn<'a>>> {
    let short = patience.at_most_ms(NEWCOMERS_WAIT_MS);
    let line = Waiting { subsystem, icc: None, patience: &short, reconnects: false };
    match arbiter.turn(&short, bell, &line) {
        Err(Hresult::SCARD_E_TIMEOUT) => patience.check().map(|()| None),
        turn => turn.map(Some),
    }
}

impl Attachment {
    /// Takes the card for this attachment alone; counted.
    pub fn lock(&self) -> Result<()> {
        self.lock_within(SCM_INFINITE)
    }

    /// The same, waiting no longer than so.
    pub fn lock_within(&self, timeout_ms: u32) -> Result<()> {
        let patience = Patience::of_ms(timeout_ms, &self.bell);
        let mut session = self.enter(&patience)?;
        self.take_lock(&mut session, &patience)
    }

    pub(super) fn take_lock(&self, session: &mut Session, patience: &Patience) -> Result<()> {
        let deeper = session.lock_depth.checked_add(1).ok_or(Hresult::E_FAIL)?;
        // The transaction may have ended with what happened.
        if session.lock_depth == 0 || session.interrupted {
            self.take_hold(session, patience)?;
            let begun = self.ready(session, patience).and_then(|link| self.begin(session, link, patience));
            if let Err(code) = begun {
                if session.lock_depth == 0 {
                    session.hold = None;
                }
                return Err(code);
            }
            session.lock_number += 1;
            session.knowledge.forget_selected_file();
        } else {
            session.link?;
        }
        self.note_success(session);
        session.lock_depth = deeper;
        Ok(())
    }

    fn begin(&self, session: &mut Session, link: Link, patience: &Patience) -> Result<()> {
        let begun = match session.lock_depth {
            0 => self.subsystem.begin_transaction(link.icc, patience),
            _ => self.begin_anew(link, patience),
        };
        begun.map_err(|code| self.diagnose(session, code))?;
        if let Some(hold) = &session.hold {
            hold.confirm(true);
        }
        Ok(())
    }

    /// Begins a transaction where the one before is expected to be gone. One that is left would be counted twice.
    pub(super) fn begin_anew(&self, link: Link, patience: &Patience) -> Result<()> {
        let _ = self.subsystem.end_transaction(link.icc, Disposition::Leave);
        self.subsystem.begin_transaction(link.icc, patience)
    }

    /// Keeps the other attachments of this process from the reader; what the resource manager says of it is to come.
    pub(super) fn take_hold(&self, session: &mut Session, patience: &Patience) -> Result<()> {
        if let Some(hold) = session.hold.take_if(|hold| hold.is_valid()) {
            hold.confirm(false);
            session.hold = Some(hold);
            return Ok(());
        }
        session.hold = None;
        let line = self.in_line(self.connected(session, patience)?.icc, patience);
        let hold = Arbiter::hold(&self.seat, patience, &self.bell, &line);
        session.hold = Some(hold.map_err(|code| self.diagnose(session, code))?);
        Ok(())
    }

    fn in_line<'a>(&'a self, icc: Icc, patience: &'a Patience) -> Waiting<'a> {
        Waiting { subsystem: self.subsystem, icc: Some(icc), patience, reconnects: false }
    }

    /// The turn of a call, unless the attachment has the reader for itself.
    #[inline(always)]
    pub(super) fn turn<'a>(&'a self, session: &mut Session) -> Result<Option<Turn<'a>>> {
        if session.lock_depth > 0 {
            return Ok(None);
        }
        match self.seat.try_turn() {
            Some(turn) => Ok(Some(turn)),
            None => self.wait_for_turn(session),
        }
    }

    #[cold]
    fn wait_for_turn<'a>(&'a self, session: &mut Session) -> Result<Option<Turn<'a>>> {
        let patience = Patience::lasting(&self.bell);
        let line = self.in_line(self.connected(session, &patience)?.icc, &patience);
        let turn = self.seat.turn(&patience, &self.bell, &line);
        turn.map(Some).map_err(|code| self.diagnose(session, code))
    }

    /// The turn of a reconnect; None where it is no use to wait for the others here.
    pub(super) fn turn_to_reconnect<'a>(
        &'a self,
        session: &Session,
        access: Access,
        patience: &Patience,
    ) -> Result<Option<Turn<'a>>> {
        // Who waits for exclusive use waits for the others to detach, who may want a lock before they do.
        if access.share_mode == ShareMode::Exclusive {
            return Ok(None);
        }
        let Some(link) = session.link.ok().or(session.set_aside) else {
            return turn_of_newcomer(&self.seat, self.subsystem, patience, &self.bell);
        };
        let line = Waiting { reconnects: true, ..self.in_line(link.icc, patience) };
        match self.seat.turn(patience, &self.bell, &line) {
            Err(
                code @ (Hresult::SCARD_E_TIMEOUT
                | Hresult::SCARD_E_CANCELLED
                | Hresult::SCARD_E_NOT_READY
                | Hresult::E_OUTOFMEMORY),
            ) => Err(code),
            turn => Ok(turn.ok()),
        }
    }

    /// Keeps the others away until the card is disposed of.
    pub(super) fn alone_to_dispose(&self, icc: Icc, disposition: Disposition, hold: Option<Hold>) -> Option<Hold> {
        if hold.is_some() || disposition == Disposition::Leave {
            return hold;
        }
        let line = Waiting { reconnects: true, ..self.in_line(icc, &Patience::ENDLESS) };
        Arbiter::hold(&self.seat, &Patience::ENDLESS, &self.bell, &line).ok()
    }

    /// Gives back one lock. The outermost one lets others have the card, after `disposition`.
    pub fn unlock(&self, disposition: Disposition) -> Result<()> {
        let mut session = self.enter_at_length()?;
        self.give_lock(&mut session, disposition)
    }

    /// The same after a function of the program's, which may have been the last that this process had to do with the card: in the
    /// child of a fork the lock is its parent's, and so is the connection.
    pub fn unlock_after_call(&self) {
        if self.is_of_this_process() {
            // What became of the lock shows at the next call; what the card has said is there.
            let _ = self.unlock(Disposition::Leave);
        }
    }

    pub(super) fn give_lock(&self, session: &mut Session, disposition: Disposition) -> Result<()> {
        session.lock_depth = session.lock_depth.checked_sub(1).ok_or(Hresult::SCARD_E_NOT_TRANSACTED)?;
        if session.lock_depth > 0 {
            return Ok(());
        }
        // From here on others can select something else.
        session.knowledge.forget_selected_file();
        let given = self.end_lock(session, disposition);
        session.hold = None;
        given
    }

    fn end_lock(&self, session: &mut Session, disposition: Disposition) -> Result<()> {
        let link = self.ready(session, &Patience::ENDLESS)?;
        let result = match self.subsystem.end_transaction(link.icc, disposition) {
            // Exclusive use and its transaction are one to pcscd. A card that was put back is exclusive without: then it
            // is disposed of as it should be, and that there was nothing to end is said afterwards.
            Err(Hresult::SCARD_E_NOT_TRANSACTED) if link.share_mode == ShareMode::Exclusive => Ok(()),
            Err(Hresult::SCARD_W_RESET_CARD) => {
                self.let_go(session, link);
                Err(Hresult::SCARD_W_RESET_CARD)
            }
            result => result,
        };
        if result.is_ok() && disposition != Disposition::Leave {
            self.count_loss();
            session.owes_acknowledgement = true;
        }
        result.map_err(|code| {
            let truth = self.diagnose(session, code);
            if matches!(disposition, Disposition::Reset | Disposition::Unpower) && !session.interrupted {
                // It may have come about before the failure.
                self.count_loss();
                session.doubtful = true;
            }
            truth
        })
    }

    /// Gives a lock back although a reset is signalled, which keeps pcscd from ending the transaction; others would wait for
    /// it for ever. As before, the attachment is not used until it is reconnected.
    fn let_go(&self, session: &mut Session, link: Link) {
        match self.ownership() {
            Ownership::Owned => drop(link.close(self.subsystem, Disposition::Leave)),
            Ownership::Borrowed => {
                self.end_transaction_past_signal(link, session.access);
                session.set_aside = Some(link);
            }
        }
        self.set_link(session, Err(Hresult::SCARD_W_RESET_CARD));
    }

    /// On a handle that has the card for itself no reset but its own is signalled, so nobody misses the signal.
    pub(super) fn end_transaction_past_signal(&self, link: Link, access: Access) {
        if self.subsystem.end_transaction(link.icc, Disposition::Leave) == Err(Hresult::SCARD_W_RESET_CARD) {
            let _ = link.reconnect(self.subsystem, access, Disposition::Leave, &Patience::ENDLESS);
            let _ = self.subsystem.end_transaction(link.icc, Disposition::Leave);
        }
    }
}

//! Locks, and turns: when an attachment may talk to its reader, and when it has it for itself.

use std::time::Duration;

use super::reader_lock::ReaderLock;
use super::session::Session;
use super::{Attachment, Ownership, reconnect};
use crate::abi::constants::{Access, Disposition, ShareMode};
use crate::abi::hresult::{Hresult, Result};
use crate::arbiter::{Arbiter, LockProbe, ReaderUse, Turn};
use crate::resource_manager::{Icc, ResourceManager};
use crate::runtime::fallible::Arc;
use crate::runtime::reentrancy::{self, Lock, UnderLock};
use crate::runtime::wait::{SCM_INFINITE, WaitLimit, Waker};

/// How long a newcomer waits for the other attachments of this process. He has no card handle yet, so only the resource
/// manager can tell him that a lock got lost which its holder takes for held.
const NEWCOMERS_WAIT_MS: u32 = 100;

/// An attachment that stands in line for its reader.
pub(super) struct Waiting<'a> {
    pub manager: &'static dyn ResourceManager,
    /// None for a newcomer.
    pub icc: Option<Icc>,
    pub limit: &'a WaitLimit<'a>,
    /// It waits to acknowledge the signals that end other waits.
    pub reconnects: bool,
}

impl LockProbe for Waiting<'_> {
    fn probe(&self) -> Result<ReaderUse> {
        let Some(icc) = self.icc else { return Ok(ReaderUse::Locked) };
        match self.manager.is_locked_by_other(icc, self.limit) {
            Ok(true) => Ok(ReaderUse::Locked),
            Ok(false) => Ok(ReaderUse::Free),
            // It is told when nobody has a lock.
            Err(signal) if self.reconnects && tells_of_the_reader(signal) => Ok(ReaderUse::Free),
            Err(code) => Err(code),
        }
    }

    fn interval(&self) -> Duration {
        Duration::from_millis(self.manager.poll_interval_ms().into())
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
    arbiter: &'a Arc<Arbiter>,
    manager: &'static dyn ResourceManager,
    limit: &WaitLimit,
    waker: &Arc<Waker>,
) -> Result<Option<Turn<'a>>> {
    let short = limit.at_most_ms(NEWCOMERS_WAIT_MS);
    let line = Waiting { manager, icc: None, limit: &short, reconnects: false };
    match arbiter.turn(&short, waker, &line) {
        Err(Hresult::SCARD_E_TIMEOUT) => limit.check().map(|()| None),
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
        let limit = WaitLimit::of_ms(timeout_ms, &self.waker);
        let mut session = self.enter(&limit)?;
        self.take_lock(&mut session, &limit)
    }

    pub(super) fn take_lock(&self, session: &mut Session, limit: &WaitLimit) -> Result<()> {
        let deeper = session.lock_depth.checked_add(1).ok_or(Hresult::E_FAIL)?;
        // The transaction may have ended with what happened.
        if session.lock_depth == 0 || session.interrupted {
            self.possess(session, limit)?;
            session.lock_number += 1;
            session.knowledge.forget_selected_file();
        } else {
            session.connection?;
        }
        self.note_success(session);
        session.lock_depth = deeper;
        Ok(())
    }

    /// Takes the reader for this attachment alone: the hold and the transaction, or neither.
    pub(super) fn possess(&self, session: &mut Session, limit: &WaitLimit) -> Result<()> {
        loop {
            let mut reader_lock = self.stand_alone(session, limit)?;
            let begun = self.ready(session, limit).and_then(|connection| {
                reader_lock.begin(connection, limit).map_err(|code| self.diagnose(session, code, limit))
            });
            if begun == Ok(true) || reader_lock.may_be_open() {
                session.reader_lock = Some(reader_lock);
            }
            if begun != Ok(false) {
                return begun.map(drop);
            }
        }
    }

    /// Keeps the other attachments of this process from the reader; the transaction is to come.
    fn stand_alone(&self, session: &mut Session, limit: &WaitLimit) -> Result<ReaderLock> {
        if let Some(reader_lock) = session.reader_lock.take_if(|reader_lock| reader_lock.is_valid()) {
            return Ok(reader_lock);
        }
        // Others were let in, because the service has told them of no transaction. Nobody stands in line with one.
        if let Some(reader_lock) = &mut session.reader_lock {
            reader_lock.end(limit)?;
        }
        session.reader_lock = None;
        let line = self.in_line(self.connected(session, limit)?.icc, limit);
        let hold = Arbiter::hold(&self.registration, limit, &self.waker, &line);
        let hold = hold.map_err(|code| self.diagnose(session, code, limit))?;
        Ok(ReaderLock::new(self.manager, hold))
    }

    /// Calls a function of the program's under a lock of this attachment.
    pub fn call_under_lock<T>(&self, function: impl FnOnce() -> T) -> T {
        let _under = UnderLock::begin(self.as_lock());
        function()
    }

    pub(super) fn as_lock(&self) -> Lock {
        Lock { reader: self.registration.reader_id(), owner: std::ptr::from_ref(self) as usize }
    }

    fn in_line<'a>(&'a self, icc: Icc, limit: &'a WaitLimit) -> Waiting<'a> {
        Waiting { manager: self.manager, icc: Some(icc), limit, reconnects: false }
    }

    /// The turn of a call, unless the attachment has the reader for itself.
    #[inline(always)]
    pub(super) fn turn<'a>(&'a self, session: &mut Session) -> Result<Option<Turn<'a>>> {
        if session.lock_depth > 0 {
            return self.check_own_lock(session).map(|()| None);
        }
        match self.registration.try_turn() {
            Some(turn) => Ok(Some(turn)),
            None => self.wait_for_turn(session),
        }
    }

    #[cold]
    fn wait_for_turn<'a>(&'a self, session: &mut Session) -> Result<Option<Turn<'a>>> {
        // A transaction that could not be ended keeps the reader for this attachment, and the others out.
        if session.reader_lock.is_some() {
            return self.check_own_lock(session).map(|()| None);
        }
        let limit = WaitLimit::cancellable(&self.waker);
        let line = self.in_line(self.connected(session, &limit)?.icc, &limit);
        let turn = self.registration.turn(&limit, &self.waker, &line);
        turn.map(Some).map_err(|code| self.diagnose(session, code, &limit))
    }

    /// Without a turn a call waits in the resource manager for the transaction of another. If the lock was taken back from here, that may
    /// be the one under which this thread was called.
    fn check_own_lock(&self, session: &Session) -> Result<()> {
        if !reentrancy::is_called() || session.reader_lock.as_ref().is_some_and(ReaderLock::is_valid) {
            return Ok(());
        }
        reentrancy::may_wait_for(self.as_lock())
    }

    /// The turn of a reconnect; None where it is no use to wait for the others here.
    pub(super) fn turn_to_reconnect<'a>(
        &'a self,
        session: &Session,
        access: Access,
        limit: &WaitLimit,
    ) -> Result<Option<Turn<'a>>> {
        // An attachment that waits for exclusive use waits for the others to detach, and they may want a lock before they do.
        if access.share_mode == ShareMode::Exclusive {
            return self.may_wait_for_exclusive_use().map(|()| None);
        }
        if session.reader_lock.is_some() {
            return self.check_own_lock(session).map(|()| None);
        }
        let Some(connection) = session.connection.ok().or(session.set_aside) else {
            return turn_of_newcomer(&self.registration, self.manager, limit, &self.waker);
        };
        let line = Waiting { reconnects: true, ..self.in_line(connection.icc, limit) };
        match self.registration.turn(limit, &self.waker, &line) {
            Err(
                code @ (Hresult::SCARD_E_TIMEOUT
                | Hresult::SCARD_E_CANCELLED
                | Hresult::SCARD_E_NOT_READY
                | Hresult::E_OUTOFMEMORY),
            ) => Err(code),
            turn => Ok(turn.ok()),
        }
    }

    /// A thread that was called by one of the others does not wait until it detaches.
    fn may_wait_for_exclusive_use(&self) -> Result<()> {
        match reentrancy::is_called() && self.registration.company().0 > 1 {
            true => Err(Hresult::SCARD_E_NOT_READY),
            false => Ok(()),
        }
    }

    /// Gives back one lock. The outermost one lets others have the card, after `disposition`.
    pub fn unlock(&self, disposition: Disposition) -> Result<()> {
        let mut session = self.enter_at_length()?;
        self.give_lock(&mut session, disposition, &WaitLimit::ENDLESS)
    }

    /// Takes a lock for a call that calls a function of the program's.
    pub fn lock_for_call(&self) -> Result<()> {
        let limit = WaitLimit::of_ms(SCM_INFINITE, &self.waker);
        let mut session = self.enter(&limit)?;
        self.take_lock(&mut session, &limit)?;
        session.locks_of_calls += 1;
        Ok(())
    }

    /// Gives it back after the function, which may have been the last that this process had to do with the card: in the child of a fork
    /// the lock is its parent's, and so is the connection.
    pub fn unlock_after_call(&self) {
        if !self.is_of_this_process() {
            return;
        }
        if let Ok(mut session) = self.enter_at_length() {
            session.locks_of_calls -= 1;
            // What became of the lock shows at the next call; what the card has said is there.
            let _ = self.give_lock(&mut session, Disposition::Leave, &WaitLimit::ENDLESS);
        }
    }

    /// Ends the locks of the program when the attachment has ended, as nobody can unlock them any more. The call that keeps the attachment may
    /// wait for the end of a lock. Those of calls end with the calls; and with a call that is in the session the attachment ends.
    pub fn end_locks_of_program(&self) {
        let Some(mut session) = self.try_enter() else { return };
        if session.lock_depth > session.locks_of_calls {
            session.lock_depth = session.locks_of_calls + 1;
            let _ = self.give_lock(&mut session, Disposition::Leave, &WaitLimit::ENDLESS);
        }
    }

    pub(super) fn give_lock(&self, session: &mut Session, disposition: Disposition, limit: &WaitLimit) -> Result<()> {
        session.lock_depth = session.lock_depth.checked_sub(1).ok_or(Hresult::SCARD_E_NOT_TRANSACTED)?;
        if session.lock_depth > 0 {
            return Ok(());
        }
        // From here on others can select something else.
        session.knowledge.forget_selected_file();
        let given = self.end_lock(session, disposition, limit);
        self.give_up_reader(session, limit);
        let disposes = matches!(disposition, Disposition::Reset | Disposition::Unpower);
        if given.is_err() && disposes && !session.interrupted {
            // It may have come about before the failure.
            self.count_loss(session);
            session.doubtful = true;
        }
        given
    }

    fn end_lock(&self, session: &mut Session, disposition: Disposition, limit: &WaitLimit) -> Result<()> {
        let connection = self.ready(session, limit)?;
        let ended = match &mut session.reader_lock {
            Some(reader_lock) => reader_lock.dispose(connection, disposition, limit),
            // It was lost; the service says how.
            None => self.manager.end_transaction(connection.icc, disposition, limit),
        };
        let result = match ended {
            // Exclusive use and its transaction are one to pcscd. A card that was put back is exclusive without: then it
            // is disposed of as it should be, and that there was nothing to end is said afterwards.
            Err(Hresult::SCARD_E_NOT_TRANSACTED) if connection.share_mode == ShareMode::Exclusive => {
                session.reader_lock.as_mut().map_or(Ok(()), |reader_lock| reader_lock.end(limit).map(drop))
            }
            result => result,
        };
        if result.is_ok() && disposition != Disposition::Leave {
            self.grow_generation();
            session.owes_acknowledgement = true;
        }
        result.map_err(|code| self.diagnose(session, code, limit))
    }

    /// Gives the reader up, whatever has failed on the way: afterwards the transaction has ended, or its connection. Where a card
    /// handle of the caller's can be brought to neither, because its card is mute, the attachment keeps transaction and hold,
    /// and its next call tries again.
    pub(super) fn give_up_reader(&self, session: &mut Session, limit: &WaitLimit) {
        let Some(mut reader_lock) = session.reader_lock.take() else { return };
        match self.ownership() {
            Ownership::Owned => {
                if let Err(code) = reader_lock.end(limit) {
                    self.close_stuck(session, code, limit);
                    reader_lock.lapse();
                }
            }
            Ownership::Borrowed => {
                let (acknowledged, ended) = reader_lock.end_past_signals(session.access, limit);
                if acknowledged || ended.is_err() {
                    self.set_aside(session, ended.err().unwrap_or(Hresult::SCARD_W_RESET_CARD));
                }
                session.reader_lock = Some(reader_lock).filter(ReaderLock::may_be_open);
            }
        }
    }

    /// A transaction that does not end otherwise ends with its connection, which is ours. Only a reconnect makes another one, but
    /// where it was only that the service was too slow.
    pub(super) fn close_stuck(&self, session: &mut Session, why: Hresult, limit: &WaitLimit) {
        if let Ok(connection) = session.connection {
            let _ = connection.close(self.manager, Disposition::Leave);
        }
        self.interrupt(session);
        self.set_link(session, Err(reconnect::while_down(why)));
        session.owes_connection = reconnect::is_impatience(why, limit);
    }

    /// A borrowed connection is not used until it is reconnected.
    pub(super) fn set_aside(&self, session: &mut Session, why: Hresult) {
        session.set_aside = session.connection.ok().or(session.set_aside);
        self.set_link(session, Err(reconnect::while_down(why)));
    }
}

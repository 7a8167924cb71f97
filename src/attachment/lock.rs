//! Locks and turns: when an attachment may use its reader, and when it has the reader to itself.

use std::time::Duration;

use super::reader_lock::ReaderLock;
use super::session::Session;
use super::{Attachment, Ownership};
use crate::abi::constants::{Access, Disposition, ShareMode};
use crate::abi::hresult::{Hresult, Result};
use crate::arbiter::{Arbiter, LockProbe, ReaderUse, Turn};
use crate::resource_manager::{Icc, ResourceManager};
use crate::runtime::cancel::Waker;
use crate::runtime::fallible::Arc;
use crate::runtime::reentrancy::{self, Lock, UnderLock};
use crate::runtime::wait::{SCM_INFINITE, WaitLimit};

/// How long an attach waits for the other attachments of this process. It has no card handle yet, so only the resource
/// manager can tell that another attachment has lost its lock and does not know it.
const ATTACH_WAIT_MS: u32 = 100;

/// An attachment that waits for its reader.
pub(super) struct Waiting<'a> {
    pub manager: &'static dyn ResourceManager,
    /// None during an attach.
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
            // The resource manager answers with a signal only if nobody has a lock.
            Err(signal) if self.reconnects && is_about_reader(signal) => Ok(ReaderUse::Free),
            Err(code) => Err(code),
        }
    }

    fn interval(&self) -> Duration {
        Duration::from_millis(self.manager.poll_interval_ms().into())
    }
}

/// Whether a signal is about the reader, and not about the card handle alone.
fn is_about_reader(signal: Hresult) -> bool {
    matches!(
        signal,
        Hresult::SCARD_W_RESET_CARD
            | Hresult::SCARD_W_REMOVED_CARD
            | Hresult::SCARD_E_READER_UNAVAILABLE
            | Hresult::SCARD_E_NO_SERVICE
    )
}

/// The turn of an attach; None if it has to ask the resource manager without a turn.
pub fn turn_to_attach<'a>(
    arbiter: &'a Arc<Arbiter>,
    manager: &'static dyn ResourceManager,
    limit: &WaitLimit,
    waker: &Arc<Waker>,
) -> Result<Option<Turn<'a>>> {
    let short = limit.at_most_ms(ATTACH_WAIT_MS);
    let waiting = Waiting { manager, icc: None, limit: &short, reconnects: false };
    match arbiter.turn(&short, waker, &waiting) {
        Err(Hresult::SCARD_E_TIMEOUT) => limit.check().map(|()| None),
        turn => turn.map(Some),
    }
}

impl Attachment {
    /// Takes a lock on the card. Locks are counted.
    pub fn lock(&self) -> Result<()> {
        self.lock_within(SCM_INFINITE)
    }

    /// Takes a lock on the card, and waits for it no longer than `timeout_ms`.
    pub fn lock_within(&self, timeout_ms: u32) -> Result<()> {
        let limit = WaitLimit::of_ms(timeout_ms, &self.waker);
        let mut session = self.begin_call_within(&limit)?;
        self.take_lock(&mut session, &limit)
    }

    pub(super) fn take_lock(&self, session: &mut Session, limit: &WaitLimit) -> Result<()> {
        let deeper = session.locks.deeper()?;
        // An interruption may have ended the transaction.
        if !session.locks.is_held() || session.connection.is_interrupted() {
            let had_reader = session.locks.reader.is_some();
            if let Err(code) = self.take_reader(session, limit) {
                let has_lost_lock = had_reader && session.locks.reader.is_none();
                return Err(if has_lost_lock { self.give_up(session, code, limit) } else { code });
            }
            session.locks.number += 1;
            session.locks.diagnosis = Duration::ZERO;
            session.forget_selected_file();
        } else {
            session.connection.get()?;
        }
        self.note_success(session);
        session.locks.depth = deeper;
        Ok(())
    }

    /// Takes the reader for this attachment alone: the hold of the arbiter and the transaction, or neither.
    pub(super) fn take_reader(&self, session: &mut Session, limit: &WaitLimit) -> Result<()> {
        loop {
            let mut reader_lock = self.take_hold(session, limit)?;
            let begun = self.ready(session, limit).and_then(|connection| {
                reader_lock.begin(connection, limit).map_err(|code| self.diagnose(session, code, limit))
            });
            if begun == Ok(true) || reader_lock.may_be_open() {
                session.locks.reader = Some(reader_lock);
            }
            if begun != Ok(false) {
                return begun.map(drop);
            }
        }
    }

    /// Keeps the other attachments of this process from the reader. The transaction has yet to begin.
    fn take_hold(&self, session: &mut Session, limit: &WaitLimit) -> Result<ReaderLock> {
        if session.locks.is_stuck() {
            self.connected(session, limit)?;
        }
        if let Some(reader_lock) = session.locks.reader.take_if(|reader_lock| reader_lock.is_valid()) {
            return Ok(reader_lock);
        }
        // The hold was taken back, because the service knows of no transaction. A transaction that is there after all
        // ends before this attachment waits for a new hold.
        if let Some(reader_lock) = &mut session.locks.reader {
            reader_lock.end(limit)?;
        }
        session.locks.reader = None;
        let waiting = self.waiting(self.connected(session, limit)?.icc, limit);
        let hold = Arbiter::hold(&self.registration, limit, &self.waker, &waiting);
        let hold = hold.map_err(|code| self.diagnose(session, code, limit))?;
        Ok(ReaderLock::new(self.manager, hold))
    }

    /// Calls a function of the program under a lock of this attachment.
    pub fn call_under_lock<T>(&self, function: impl FnOnce() -> T) -> T {
        let _under = UnderLock::begin(self.as_lock());
        function()
    }

    pub(super) fn as_lock(&self) -> Lock {
        Lock { reader: self.registration.reader_id(), owner: std::ptr::from_ref(self) as usize }
    }

    fn waiting<'a>(&'a self, icc: Icc, limit: &'a WaitLimit) -> Waiting<'a> {
        Waiting { manager: self.manager, icc: Some(icc), limit, reconnects: false }
    }

    /// The turn of a call; None if the attachment has the reader to itself.
    #[inline(always)]
    pub(super) fn turn<'a>(&'a self, session: &mut Session) -> Result<Option<Turn<'a>>> {
        if session.locks.is_held() {
            return self.check_own_lock(session).map(|()| None);
        }
        match self.registration.try_turn() {
            Some(turn) => Ok(Some(turn)),
            None => self.wait_for_turn(session),
        }
    }

    #[cold]
    fn wait_for_turn<'a>(&'a self, session: &mut Session) -> Result<Option<Turn<'a>>> {
        // A transaction that could not be ended keeps the others from the reader. It ends first.
        if session.locks.reader.is_some() {
            self.check_own_lock(session)?;
        }
        let limit = WaitLimit::cancellable(&self.waker);
        let waiting = self.waiting(self.connected(session, &limit)?.icc, &limit);
        let turn = self.registration.turn(&limit, &self.waker, &waiting);
        turn.map(Some).map_err(|code| self.diagnose(session, code, &limit))
    }

    /// A call without a turn waits in the resource manager for the transaction of another attachment. If the hold was
    /// taken back, that can be the lock under which this thread runs a function of the program.
    fn check_own_lock(&self, session: &Session) -> Result<()> {
        if !reentrancy::is_called() || session.locks.reader.as_ref().is_some_and(ReaderLock::is_valid) {
            return Ok(());
        }
        reentrancy::may_wait_for(self.as_lock())
    }

    /// The turn of a reconnect; None if the others need not, or must not, be waited for here.
    pub(super) fn turn_to_reconnect<'a>(
        &'a self,
        session: &Session,
        access: Access,
        limit: &WaitLimit,
    ) -> Result<Option<Turn<'a>>> {
        // Exclusive use comes when the others detach, and they may need a lock before they do.
        if access.share_mode == ShareMode::Exclusive {
            return self.may_wait_for_exclusive_use().map(|()| None);
        }
        if session.locks.reader.is_some() {
            return self.check_own_lock(session).map(|()| None);
        }
        let Ok(connection) = session.connection.to_reconnect() else {
            return turn_to_attach(&self.registration, self.manager, limit, &self.waker);
        };
        let waiting = Waiting { reconnects: true, ..self.waiting(connection.icc, limit) };
        match self.registration.turn(limit, &self.waker, &waiting) {
            Err(
                code @ (Hresult::SCARD_E_TIMEOUT
                | Hresult::SCARD_E_CANCELLED
                | Hresult::SCARD_E_NOT_READY
                | Hresult::E_OUTOFMEMORY),
            ) => Err(code),
            turn => Ok(turn.ok()),
        }
    }

    /// The other attachments may detach only after the function of the program that this thread runs has returned.
    fn may_wait_for_exclusive_use(&self) -> Result<()> {
        match reentrancy::is_called() && self.registration.users_and_arrivals().0 > 1 {
            true => Err(Hresult::SCARD_E_NOT_READY),
            false => Ok(()),
        }
    }

    /// Gives back one lock. The outermost one disposes of the card and lets others use it.
    pub fn unlock(&self, disposition: Disposition) -> Result<()> {
        let mut session = self.begin_call()?;
        // The locks of calls are not the program's.
        if session.locks.depth == session.locks.of_calls {
            return Err(Hresult::SCARD_E_NOT_TRANSACTED);
        }
        self.give_lock(&mut session, disposition, &WaitLimit::ENDLESS)
    }

    /// Takes a lock for a call that runs a function of the program.
    pub fn lock_for_call(&self) -> Result<()> {
        let limit = WaitLimit::of_ms(SCM_INFINITE, &self.waker);
        let mut session = self.begin_call_within(&limit)?;
        self.take_lock(&mut session, &limit)?;
        session.locks.of_calls += 1;
        Ok(())
    }

    /// Gives that lock back after the function. Of the limit of the call, `timeout_ms`, nothing may be left. The
    /// function may have forked: in the child, lock and connection belong to the parent.
    pub fn unlock_after_call(&self, timeout_ms: u32) {
        if !self.is_of_this_process() {
            return;
        }
        let limit_ms = if timeout_ms == SCM_INFINITE { SCM_INFINITE } else { 0 };
        if let Ok(mut session) = self.begin_call() {
            session.locks.of_calls -= 1;
            self.give_lock_of_call(&mut session, &WaitLimit::of_ms(limit_ms, &self.waker));
        }
    }

    /// Ends the locks of the program when the attachment has ended, because the program cannot unlock them any more. A
    /// call that runs a function of the program keeps its own lock until it returns. A call that has the session ends
    /// the attachment itself. Nobody can cancel this: the handle has ended.
    pub fn end_locks_of_program(&self) {
        let Some(mut session) = self.try_begin_call() else { return };
        if session.locks.depth > session.locks.of_calls {
            session.locks.depth = session.locks.of_calls + 1;
            let _ = self.give_lock(&mut session, Disposition::Leave, &WaitLimit::ENDLESS);
        }
    }

    /// Gives the lock of a call back, within the time for clean-up that is left.
    pub(super) fn give_lock_of_call(&self, session: &mut Session, limit: &WaitLimit) {
        let limit = limit.for_cleanup_of_ms(session.locks.rest_for_cleanup_ms());
        // The next call tells whether the lock was lost. The response of the card is here.
        let _ = self.give_lock(session, Disposition::Leave, &limit);
    }

    pub(super) fn give_lock(&self, session: &mut Session, disposition: Disposition, limit: &WaitLimit) -> Result<()> {
        if !session.locks.give_back()? {
            return Ok(());
        }
        // From now on others can select another file.
        session.forget_selected_file();
        let given = self.end_lock(session, disposition, limit);
        session.connection.take_up();
        self.give_up_reader(session, limit);
        session.connection.retry_if_out_of_time();
        let disposes = matches!(disposition, Disposition::Reset | Disposition::Unpower);
        if given.is_err() && disposes && !session.connection.is_interrupted() {
            // The card may have been reset before the failure.
            session.connection.doubt_card();
        }
        given
    }

    fn end_lock(&self, session: &mut Session, disposition: Disposition, limit: &WaitLimit) -> Result<()> {
        // A card handle that is set aside stays so: the transaction on it is not this attachment's any more.
        session.connection.get()?;
        let connection = self.ready(session, limit)?;
        let ended = match &mut session.locks.reader {
            Some(reader_lock) => reader_lock.dispose(connection, disposition, limit),
            // The lock was lost. The resource manager tells how.
            None => self.manager.end_transaction(connection.icc, disposition, limit),
        };
        let result = match ended {
            // A card that was put back after a removal is exclusive without a transaction: then it has been disposed
            // of, and the code says only that no transaction was left to end.
            Err(Hresult::SCARD_E_NOT_TRANSACTED)
                if connection.share_mode == ShareMode::Exclusive && self.manager.exclusive_use_is_a_transaction() =>
            {
                session.locks.reader.as_mut().map_or(Ok(()), |reader_lock| reader_lock.end(limit).map(drop))
            }
            result => result,
        };
        if result.is_ok() && disposition != Disposition::Leave {
            session.connection.reset_card();
        }
        result.map_err(|code| self.diagnose(session, code, limit))
    }

    /// Gives the reader up, whatever has failed before. Afterwards the transaction has ended, or its connection. A
    /// borrowed card handle whose card does not answer can be brought to neither: then the attachment keeps both
    /// transaction and hold, and its next call tries to end the transaction first (`retry_stuck`).
    pub(super) fn give_up_reader(&self, session: &mut Session, limit: &WaitLimit) {
        let Some(mut reader_lock) = session.locks.reader.take().filter(ReaderLock::may_be_open) else { return };
        let limit = &limit.for_cleanup();
        match self.ownership() {
            Ownership::Owned => {
                if let Err(code) = reader_lock.end(limit) {
                    self.close_stuck(session, code, limit);
                    reader_lock.connection_closed();
                }
            }
            Ownership::Borrowed => {
                let (acknowledged, ended) = reader_lock.end_past_signals(session.connection.access(), limit);
                match ended {
                    // The caller has to learn of the reset.
                    Err(code) if acknowledged && limit.can_end_with(code) => {
                        session.connection.set_aside(Hresult::SCARD_W_RESET_CARD);
                    }
                    Ok(()) if acknowledged => session.connection.set_aside(Hresult::SCARD_W_RESET_CARD),
                    Ok(()) => {}
                    Err(code) => session.connection.set_aside(code),
                }
                session.locks.reader = Some(reader_lock).filter(ReaderLock::may_be_open);
            }
        }
    }

    /// Closes an owned connection whose transaction does not end in another way. If the service was only too slow for
    /// the limit of the caller, the next call connects again.
    pub(super) fn close_stuck(&self, session: &mut Session, why: Hresult, limit: &WaitLimit) {
        let stuck = session.connection.get();
        match limit.can_end_with(why) {
            true => session.connection.defer(why),
            false => session.connection.lose(why),
        }
        if let Ok(connection) = stuck {
            let _ = connection.close(self.manager, Disposition::Leave);
        }
    }
}

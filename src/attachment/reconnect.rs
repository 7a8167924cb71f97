//! Reconnect: makes an attachment usable again, "without a Detach followed by an Attach", as the documented `Reconnect`
//! does.

use std::time::Duration;

use super::connection::Connection;
use super::session::Session;
use super::{Attachment, Ownership};
use crate::abi::constants::{Access, Disposition, Protocols, ShareMode};
use crate::abi::hresult::{Hresult, Result};
use crate::runtime::reentrancy;
use crate::runtime::wait::{SCM_INFINITE, WaitLimit, earlier, in_future};

/// How long a call that has no time left still waits for a new connection.
pub(super) const MOMENT_MS: u32 = 10;

/// How often a reconnect asks for exclusive use of a card that others use.
/// The exhaustive test asks at once: it has no other applications to wait for.
const ASK_FOR_EXCLUSIVE_USE_EVERY: Duration = Duration::from_millis(if cfg!(test) { 0 } else { 20 });

/// The options of a reconnect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReconnectRequest {
    /// None keeps the share mode.
    pub share_mode: Option<ShareMode>,
    /// None keeps the protocols.
    pub protocols: Option<Protocols>,
    /// Whether the card is left, reset or unpowered.
    pub initial: Disposition,
    /// The limit of the whole reconnect; `SCM_INFINITE` is none.
    pub limit_ms: u32,
}

impl Default for ReconnectRequest {
    fn default() -> Self {
        ReconnectRequest { share_mode: None, protocols: None, initial: Disposition::Leave, limit_ms: SCM_INFINITE }
    }
}

impl ReconnectRequest {
    fn access(&self, now: Access) -> Access {
        Access {
            share_mode: self.share_mode.unwrap_or(now.share_mode),
            protocols: self.protocols.unwrap_or(now.protocols),
        }
    }
}

/// Which card answers after a reconnect, by its ATR.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reconnected {
    SameCard,
    OtherCard,
}

impl Attachment {
    /// Makes the attachment usable again if anything can. A failure leaves the attachment in place for another
    /// reconnect.
    pub fn reconnect(&self, request: ReconnectRequest) -> Result<Reconnected> {
        let limit = &WaitLimit::of_ms(request.limit_ms, &self.waker);
        let mut session = self.begin_call_within(limit)?;
        let access = request.access(session.connection.access());
        let before = session.connection.card();

        if !session.locks.is_held() {
            // An unlock may have failed to end the transaction.
            self.give_up_reader(&mut session, limit);
        }
        let _turn = match session.locks.is_held() {
            false => self.turn_to_reconnect(&session, access, limit)?,
            // An attachment with a lock does not wait. If the lock was lost, it waits when it takes the lock again.
            true => None,
        };
        self.notice_signals(&mut session, limit)?;
        let changes_nothing = request.initial == Disposition::Leave && access == session.connection.access();
        if changes_nothing && session.connection.is_sound() {
            return Ok(Reconnected::SameCard);
        }
        let old = session.connection.get();
        let was_exclusive = old.is_ok_and(|connection| connection.share_mode == ShareMode::Exclusive);
        let connection = self.renew(&mut session, access, request.initial, limit)?;
        session.connection.renew(connection);
        let is_disturbed = match self.identify_usable_card(&mut session, access, limit) {
            Ok(is_disturbed) => {
                is_disturbed || request.initial != Disposition::Leave || session.connection.card() != before
            }
            Err(code) => return Err(self.give_up(&mut session, code, limit)),
        };
        self.retake_lock(&mut session, was_exclusive, limit)?;
        session.connection.recover(access, is_disturbed);
        let is_same = session.connection.card().atr == before.atr;
        Ok(if is_same { Reconnected::SameCard } else { Reconnected::OtherCard })
    }

    /// A reconnect acknowledges the signals of a reset or a removal. So signals that no call has seen yet are looked
    /// for first.
    fn notice_signals(&self, session: &mut Session, limit: &WaitLimit) -> Result<()> {
        let Ok(connection) = session.connection.get() else { return Ok(()) };
        if session.connection.is_interrupted() {
            return Ok(());
        }
        match self.look_for_signals(session, connection, limit) {
            Ok(()) => {}
            Err(Hresult::SCARD_W_RESET_CARD) if session.connection.has_own_reset() => session.connection.doubt(),
            // Nothing has changed, and a signal may still be there.
            Err(code) if limit.can_end_with(code) || code == Hresult::E_OUTOFMEMORY => return Err(code),
            Err(code) => {
                self.diagnose(session, code, limit);
                // A signal may be behind any code.
                session.connection.interrupt();
            }
        }
        Ok(())
    }

    fn look_for_signals(&self, session: &mut Session, connection: Connection, limit: &WaitLimit) -> Result<()> {
        // A probe ends a transaction on the handle. There may be one of this attachment, of another user of the handle,
        // or for exclusive use.
        let is_ours_alone = connection.context.is_some() && !self.facts().lent;
        if is_ours_alone && connection.share_mode == ShareMode::Shared && !session.locks.is_held() {
            match self.manager.probe(connection.icc, limit) {
                Err(Hresult::SCARD_E_SHARING_VIOLATION) => {}
                signal => return signal,
            }
        }
        // The owner of a borrowed handle may have reconnected it to another card.
        if self.manager.identify(connection.icc, limit)?.card() != session.connection.card() {
            session.connection.doubt();
        }
        Ok(())
    }

    /// The connection, renewed or new.
    fn renew(
        &self,
        session: &mut Session,
        access: Access,
        initial: Disposition,
        limit: &WaitLimit,
    ) -> Result<Connection> {
        if self.must_wait_for_exclusive_use(session, access, limit) {
            return self.wait_for_exclusive_use(session, access, initial, limit);
        }
        let old = session.connection.to_reconnect();
        let renewed = old.and_then(|connection| self.renew_handle(session, connection, access, initial, limit));
        renewed.or_else(|code| {
            if initial != Disposition::Leave {
                // The card may have been reset before the failure.
                session.connection.interrupt();
            }
            if let (Ok(connection), true) = (old, limit.can_end_with(code)) {
                return Err(self.break_off(session, connection, code, limit));
            }
            let code = self.diagnose(session, code, limit);
            if self.ownership() == Ownership::Borrowed || !needs_new_connection(old, code, access) {
                return Err(code);
            }
            self.reopen(session, code, access, initial, limit)
        })
    }

    /// The time of the caller is up. Nothing has changed, unless the service still works on the call. Nobody knows when
    /// it will release the card handle, so a new connection replaces an owned one.
    fn break_off(&self, session: &mut Session, connection: Connection, code: Hresult, limit: &WaitLimit) -> Hresult {
        if self.manager.is_abandoned(connection.icc) && self.ownership() == Ownership::Owned {
            // The handle may have had a signal. The new state counts the loss.
            self.close_owned(session, connection, code);
            self.connect_as_before(session, code, limit);
        }
        code
    }

    /// Reconnects the same card handle. A card that does not answer, or has no power, is powered up: it has no state to
    /// lose, and a reconnect that leaves the card as it is would not ask it again.
    fn renew_handle(
        &self,
        session: &mut Session,
        connection: Connection,
        access: Access,
        initial: Disposition,
        limit: &WaitLimit,
    ) -> Result<Connection> {
        match connection.reconnect(self.manager, access, initial, limit) {
            Err(Hresult::SCARD_W_UNRESPONSIVE_CARD | Hresult::SCARD_W_UNPOWERED_CARD)
                if initial == Disposition::Leave =>
            {
                session.connection.interrupt();
                connection.reconnect(self.manager, access, Disposition::Unpower, limit)
            }
            renewed => renewed,
        }
    }

    /// Takes the lock again if the reconnect, or an event before it, ended the transaction. This comes last, because a
    /// reconnect of the card handle may end the transaction.
    fn retake_lock(&self, session: &mut Session, was_exclusive: bool, limit: &WaitLimit) -> Result<()> {
        if !session.locks.is_held() {
            self.give_up_reader(session, limit);
            return session.connection.get().map(drop);
        }
        let connection = session.connection.get()?;
        let left_exclusive_use = was_exclusive && connection.share_mode != ShareMode::Exclusive;
        let ended = session.connection.is_interrupted()
            || left_exclusive_use && self.manager.exclusive_use_is_a_transaction()
            || !self.manager.keeps_transaction_on_reconnect();
        match ended {
            true => self.take_reader(session, limit).map_err(|code| self.give_up(session, code, limit)),
            false => Ok(()),
        }
    }

    /// Replaces a connection that is dead for the reason `why` by one in a new context.
    fn reopen(
        &self,
        session: &mut Session,
        why: Hresult,
        access: Access,
        initial: Disposition,
        limit: &WaitLimit,
    ) -> Result<Connection> {
        if let Ok(dead) = session.connection.get() {
            self.close_owned(session, dead, why);
        }
        let opened = Connection::open(self.manager, self.ifd(), access, limit);
        opened.and_then(|connection| self.dispose_first(connection, access, initial, limit)).map_err(|code| {
            if limit.can_end_with(code) {
                return code;
            }
            let code = self.diagnose(session, code, limit);
            session.connection.lose(code);
            code
        })
    }

    /// The new connection, after the card was left, reset or unpowered.
    fn dispose_first(
        &self,
        connection: Connection,
        access: Access,
        initial: Disposition,
        limit: &WaitLimit,
    ) -> Result<Connection> {
        if initial == Disposition::Leave {
            return Ok(connection);
        }
        let renewed =
            connection.reconnect(self.manager, access, initial, limit).and_then(|connection| connection.check(access));
        renewed.inspect_err(|_| {
            let _ = connection.close(self.manager, Disposition::Leave);
        })
    }

    /// Whether the library waits for exclusive use itself. The resource manager would not end that wait before all
    /// others have gone, and a connection that is made after a cancel or a limit would be one of them. A callback does
    /// not wait.
    fn must_wait_for_exclusive_use(&self, session: &Session, access: Access, limit: &WaitLimit) -> bool {
        limit.strict_waker().is_some()
            && reentrancy::may_wait().is_ok()
            && access.share_mode == ShareMode::Exclusive
            && self.ownership() == Ownership::Owned
            && session.connection.get().is_ok_and(|connection| connection.share_mode != ShareMode::Exclusive)
    }

    /// Closes the connection, and opens an exclusive one as soon as there is no other. If that fails, opens one as it
    /// was before.
    fn wait_for_exclusive_use(
        &self,
        session: &mut Session,
        access: Access,
        initial: Disposition,
        limit: &WaitLimit,
    ) -> Result<Connection> {
        if let Ok(old) = session.connection.get() {
            self.close_owned(session, old, Hresult::SCARD_E_SHARING_VIOLATION);
        }
        let pause = || {
            let seen_wakes = self.waker.wakes();
            limit.check()?;
            self.waker.sleep(seen_wakes, earlier(limit.deadline(), in_future(ASK_FOR_EXCLUSIVE_USE_EVERY)));
            Ok(())
        };
        let opened = Connection::open_when_free(self.manager, self.ifd(), access, limit, &pause);
        opened.and_then(|connection| self.dispose_first(connection, access, initial, limit)).map_err(|code| {
            self.connect_as_before(session, code, limit);
            if limit.can_end_with(code) { code } else { self.diagnose(session, code, limit) }
        })
    }

    /// Connects with the old access after another one could not be had for the reason `why`. A lock is lost with its
    /// card handle, and only a reconnect takes it again.
    fn connect_as_before(&self, session: &mut Session, why: Hresult, limit: &WaitLimit) {
        let brief = limit.for_brief_cleanup(MOMENT_MS);
        if session.locks.is_held() {
            return session.connection.lose(why);
        }
        match Connection::open(self.manager, self.ifd(), session.connection.access(), &brief) {
            Ok(connection) => session.connection.replace(connection),
            Err(code) if brief.can_end_with(code) => session.connection.defer(why),
            Err(_) => session.connection.lose(why),
        }
    }

    /// The connection is renewed, but its card, or the lock that was held, could not be had. Without a lock it can
    /// still be used. With a lock it can not, because it is not locked. The next reconnect checks the card.
    pub(super) fn give_up(&self, session: &mut Session, code: Hresult, limit: &WaitLimit) -> Hresult {
        session.connection.interrupt();
        let code = self.diagnose(session, code, limit);
        if let (Ok(connection), true) = (session.connection.get(), session.locks.is_held()) {
            match self.ownership() {
                Ownership::Owned => self.close_owned(session, connection, code),
                Ownership::Borrowed => session.connection.set_aside(code),
            }
        }
        code
    }

    /// Closes an owned connection, and gives the reader up with it. It is lost first: no other thread gets
    /// a card handle that is closed.
    fn close_owned(&self, session: &mut Session, connection: Connection, why: Hresult) {
        session.connection.lose(why);
        let _ = connection.close(self.manager, Disposition::Leave);
        if let Some(mut reader_lock) = session.locks.reader.take() {
            reader_lock.connection_closed();
        }
    }
}

fn needs_new_connection(old: Result<Connection>, code: Hresult, access: Access) -> bool {
    let is_dead = matches!(
        code,
        Hresult::SCARD_E_NO_SERVICE | Hresult::SCARD_E_INVALID_HANDLE | Hresult::SCARD_E_READER_UNAVAILABLE
    );
    // A direct connection needs no card, but an existing handle may not be reconnected without one.
    let lost_its_card = matches!(code, Hresult::SCARD_E_NO_SMARTCARD | Hresult::SCARD_W_REMOVED_CARD);
    old.is_err() || is_dead || access.share_mode == ShareMode::Direct && lost_its_card
}

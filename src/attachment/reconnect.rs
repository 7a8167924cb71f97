//! How an attachment is made usable again: the documented `Reconnect`, "without a Detach followed by an Attach".

use std::time::{Duration, Instant};

use super::connection::Connection;
use super::session::Session;
use super::{Attachment, Ownership};
use crate::abi::constants::{Access, Disposition, Protocols, ShareMode};
use crate::abi::hresult::{Hresult, Result};
use crate::runtime::reentrancy;
use crate::runtime::wait::{SCM_INFINITE, WaitLimit, earlier};

/// How long a caller whose time is up waits for a new connection after all.
pub(super) const MOMENT_MS: u32 = 10;

/// How often it is tried to get a card exclusively that others use.
const SEIZE_EVERY: Duration = Duration::from_millis(20);

/// What a reconnect is asked for beyond being usable again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReconnectRequest {
    /// None keeps what is.
    pub share_mode: Option<ShareMode>,
    /// None keeps what is.
    pub protocols: Option<Protocols>,
    /// What is done to the card: left, reset or unpowered.
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
    /// Makes the attachment usable again if anything can. A failure leaves it in place, to be reconnected later.
    pub fn reconnect(&self, request: ReconnectRequest) -> Result<Reconnected> {
        let limit = &WaitLimit::of_ms(request.limit_ms, &self.waker);
        let mut session = self.enter(limit)?;
        let access = request.access(session.access);
        let before = session.card;

        if session.lock_depth == 0 {
            // What no unlock could end yet.
            self.give_up_reader(&mut session, limit);
        }
        let _turn = match session.lock_depth {
            0 => self.turn_to_reconnect(&session, access, limit)?,
            // An attachment with a lock does not wait; where it was lost, the wait comes when it is taken anew.
            _ => None,
        };
        let probed = self.probe_alone(&session, limit);
        let direct = WaitLimit::lasting(&self.waker);
        // A card that no other application holds is not waited for, so the calls need no other thread.
        let is_free = probed == Some(Ok(())) && !self.must_seize(&session, access, limit);
        let limit = if limit.is_endless() && is_free { &direct } else { limit };
        self.notice_signals(&mut session, probed, limit)?;
        if request.initial == Disposition::Leave && access == session.access && session.is_sound() {
            return Ok(Reconnected::SameCard);
        }
        let was_exclusive = session.connection.is_ok_and(|connection| connection.share_mode == ShareMode::Exclusive);
        let connection = self.renew(&mut session, access, request.initial, limit)?;
        self.set_link(&mut session, Ok(connection));
        // All signals end here.
        session.owes_acknowledgement = false;
        let disturbed = match self.meet_usable_card(&mut session, access, limit) {
            Ok(disturbed) => disturbed || request.initial != Disposition::Leave || session.card != before,
            Err(code) => return Err(self.give_up(&mut session, code, limit)),
        };
        self.relock(&mut session, was_exclusive, limit)?;
        session.access = access;
        if disturbed {
            self.notice_loss(&mut session);
        }
        session.recover();
        Ok(if session.card.atr == before.atr { Reconnected::SameCard } else { Reconnected::OtherCard })
    }

    /// A reconnect clears the signals of a reset or a removal, so those that no call has seen yet are looked for first.
    fn notice_signals(&self, session: &mut Session, probed: Option<Result<()>>, limit: &WaitLimit) -> Result<()> {
        let Ok(connection) = session.connection else { return Ok(()) };
        if session.interrupted {
            return Ok(());
        }
        match self.look_for_signals(session, connection, probed, limit) {
            Ok(()) => {}
            Err(Hresult::SCARD_W_RESET_CARD) if session.owes_acknowledgement => session.doubtful = true,
            // Nothing has changed, and a signal is still there.
            Err(code) if is_impatience(code, limit) || code == Hresult::E_OUTOFMEMORY => return Err(code),
            Err(code) => {
                self.diagnose(session, code, limit);
                // Whatever it says: a signal could be behind it.
                self.interrupt(session);
            }
        }
        Ok(())
    }

    /// Asks for a signal without waiting for others. None if that could end a transaction: our own, one of another user of
    /// the card handle, or that of exclusive use.
    fn probe_alone(&self, session: &Session, limit: &WaitLimit) -> Option<Result<()>> {
        let connection = session.connection.ok().filter(|_| !session.interrupted)?;
        let ours_alone = connection.context.is_some() && !self.facts().lent;
        let may_probe = ours_alone && connection.share_mode == ShareMode::Shared && session.lock_depth == 0;
        let direct = WaitLimit::lasting(&self.waker);
        let limit = if limit.is_endless() { &direct } else { limit };
        may_probe.then(|| self.manager.probe(connection.icc, limit))
    }

    fn look_for_signals(
        &self,
        session: &mut Session,
        connection: Connection,
        probed: Option<Result<()>>,
        limit: &WaitLimit,
    ) -> Result<()> {
        match probed {
            None | Some(Err(Hresult::SCARD_E_SHARING_VIOLATION)) => {}
            Some(signal) => return signal,
        }
        // The owner of a borrowed handle may have reconnected it to another card.
        let found = self.manager.identify(connection.icc, limit)?.card();
        session.doubtful |= found != session.card;
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
        let old = session.connection.or_else(|code| session.set_aside.ok_or(code));
        if self.must_seize(session, access, limit) {
            return self.seize(session, access, initial, limit);
        }
        let renewed = old.and_then(|connection| self.renew_link(session, connection, access, initial, limit));
        renewed.or_else(|code| {
            if initial != Disposition::Leave {
                // The reset may have come about before the failure.
                self.interrupt(session);
            }
            if let (Ok(connection), true) = (old, is_impatience(code, limit)) {
                return Err(self.break_off(session, connection, code, limit));
            }
            let code = self.diagnose(session, code, limit);
            if self.ownership() == Ownership::Borrowed || !needs_new_connection(old, code, access) {
                return Err(code);
            }
            self.reopen(session, code, access, initial, limit)
        })
    }

    /// The caller has no more limit. Nothing has changed, unless the service is still at it: then nobody knows when it will
    /// be done with a card handle of ours, and another takes its place.
    fn break_off(&self, session: &mut Session, connection: Connection, code: Hresult, limit: &WaitLimit) -> Hresult {
        if self.manager.is_abandoned(connection.icc) && self.ownership() == Ownership::Owned {
            self.close_ours(session, connection);
            session.set_aside = None;
            // What has been signalled to the old one is not known.
            self.count_loss(session);
            session.doubtful = true;
            self.return_to(session, code, limit);
        }
        code
    }

    /// The same card handle. A card that is mute or without power has nothing to lose, and pcscd would not ask it again.
    fn renew_link(
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
                self.interrupt(session);
                connection.reconnect(self.manager, access, Disposition::Unpower, limit)
            }
            renewed => renewed,
        }
    }

    /// Takes the lock that was held before, where the reconnect or what came before it ended the transaction. Last of
    /// all, because on some platforms every reconnect ends it.
    fn relock(&self, session: &mut Session, was_exclusive: bool, limit: &WaitLimit) -> Result<()> {
        if session.lock_depth == 0 {
            self.give_up_reader(session, limit);
        }
        let connection = session.connection?;
        // Exclusive use and a lock are one transaction to pcscd, which ends with the former.
        let ended = session.interrupted || was_exclusive && connection.share_mode != ShareMode::Exclusive;
        let kept = self.manager.keeps_transaction_on_reconnect() && !ended;
        if session.lock_depth == 0 || kept {
            return Ok(());
        }
        self.possess(session, limit).map_err(|code| self.give_up(session, code, limit))
    }

    /// A connection in a new context takes the place of one that is dead for the reason `why`.
    fn reopen(
        &self,
        session: &mut Session,
        why: Hresult,
        access: Access,
        initial: Disposition,
        limit: &WaitLimit,
    ) -> Result<Connection> {
        if let Ok(dead) = session.connection {
            // What is dead cannot be left any better, nor asked about.
            self.close_ours(session, dead);
            self.set_link(session, Err(while_down(why)));
        }
        self.interrupt(session);
        let opened = Connection::open(self.manager, self.ifd(), access, limit).and_then(|connection| match initial {
            Disposition::Leave => Ok(connection),
            initial => {
                let renewed = connection
                    .reconnect(self.manager, access, initial, limit)
                    .and_then(|connection| connection.check(access));
                renewed.inspect_err(|_| {
                    let _ = connection.close(self.manager, Disposition::Leave);
                })
            }
        });
        opened.map_err(|code| {
            if is_impatience(code, limit) {
                return code;
            }
            let code = self.diagnose(session, code, limit);
            self.set_link(session, Err(while_down(code)));
            code
        })
    }

    fn open(&self, access: Access, initial: Disposition, limit: &WaitLimit) -> Result<Connection> {
        let connection = Connection::open(self.manager, self.ifd(), access, limit)?;
        if initial == Disposition::Leave {
            return Ok(connection);
        }
        let renewed =
            connection.reconnect(self.manager, access, initial, limit).and_then(|connection| connection.check(access));
        renewed.inspect_err(|_| {
            let _ = connection.close(self.manager, Disposition::Leave);
        })
    }

    /// Whether the library waits for exclusive use itself. The resource manager would not end that wait before all others
    /// have gone, and a connection that is made after a cancel or a limit would be one of them. A callback does not wait.
    fn must_seize(&self, session: &Session, access: Access, limit: &WaitLimit) -> bool {
        limit.strict_waker().is_some()
            && reentrancy::may_wait().is_ok()
            && access.share_mode == ShareMode::Exclusive
            && self.ownership() == Ownership::Owned
            && session.connection.is_ok_and(|connection| connection.share_mode != ShareMode::Exclusive)
    }

    /// Exclusive use, by a new connection as soon as there is no other, or else the kind of use that was before.
    fn seize(
        &self,
        session: &mut Session,
        access: Access,
        initial: Disposition,
        limit: &WaitLimit,
    ) -> Result<Connection> {
        if let Ok(old) = session.connection {
            self.close_ours(session, old);
            self.interrupt(session);
        }
        loop {
            let seen_wakes = self.waker.wakes();
            let code = match self.open(access, initial, limit) {
                Err(Hresult::SCARD_E_SHARING_VIOLATION) => match limit.check() {
                    Ok(()) => {
                        self.waker.sleep(seen_wakes, earlier(limit.deadline(), Some(Instant::now() + SEIZE_EVERY)));
                        continue;
                    }
                    Err(code) => code,
                },
                Err(code) => code,
                opened => return opened,
            };
            self.return_to(session, code, limit);
            return Err(if is_impatience(code, limit) { code } else { self.diagnose(session, code, limit) });
        }
    }

    /// A new connection as it was before, for who could not get another. A lock is lost with its card handle: only a
    /// reconnect gets that back.
    fn return_to(&self, session: &mut Session, why: Hresult, limit: &WaitLimit) {
        let brief = limit.moment(MOMENT_MS);
        let connection = match session.lock_depth {
            0 => Connection::open(self.manager, self.ifd(), session.access, &brief),
            _ => Err(why),
        };
        self.set_link(session, connection.map_err(|_| while_down(why)));
        session.owes_connection = session.lock_depth == 0 && connection.is_err_and(|code| is_impatience(code, &brief));
    }

    /// The connection, which is made now if nobody could wait for it before.
    pub(super) fn connected(&self, session: &mut Session, limit: &WaitLimit) -> Result<Connection> {
        if session.owes_connection {
            self.return_late(session, limit)?;
        }
        session.connection
    }

    /// As it would have been made then: to the same card, and no other.
    #[cold]
    fn return_late(&self, session: &mut Session, limit: &WaitLimit) -> Result<()> {
        let opened = Connection::open(self.manager, self.ifd(), session.access, limit).and_then(|connection| {
            let met = self.manager.identify(connection.icc, limit).and_then(|identity| {
                (identity.card() == session.card).then_some(connection).ok_or(Hresult::SCARD_W_REMOVED_CARD)
            });
            met.inspect_err(|_| {
                let _ = connection.close(self.manager, Disposition::Leave);
            })
        });
        match opened {
            Err(code) if is_impatience(code, limit) => return Err(code),
            opened => {
                let connection = opened.map_err(|code| while_down(self.diagnose(session, code, limit)));
                self.set_link(session, connection);
            }
        }
        Ok(())
    }

    /// The connection is renewed, but its card, or the lock that was held, could not be had. Without a lock it may be used
    /// all the same; as if it were locked, nobody may. The next reconnect looks closely.
    fn give_up(&self, session: &mut Session, code: Hresult, limit: &WaitLimit) -> Hresult {
        self.interrupt(session);
        let code = self.diagnose(session, code, limit);
        if let (Ok(connection), 1..) = (session.connection, session.lock_depth) {
            match self.ownership() {
                Ownership::Owned => {
                    self.close_ours(session, connection);
                    self.set_link(session, Err(while_down(code)));
                }
                Ownership::Borrowed => self.set_aside(session, code),
            }
        }
        code
    }

    /// Closes a connection of ours, and gives the reader up with it.
    fn close_ours(&self, session: &mut Session, connection: Connection) {
        let _ = connection.close(self.manager, Disposition::Leave);
        if let Some(mut reader_lock) = session.reader_lock.take() {
            reader_lock.lapse();
        }
    }
}

impl Session {
    /// Whether a reconnect would find nothing to do. In direct mode cards come and go without a signal.
    fn is_sound(&self) -> bool {
        let doubt = self.interrupted || self.doubtful || self.owes_acknowledgement;
        self.connection.is_ok() && !doubt && self.access.share_mode != ShareMode::Direct
    }

    fn recover(&mut self) {
        (self.interrupted, self.doubtful, self.owes_acknowledgement) = (false, false, false);
        self.loss_is_counted = false;
        self.set_aside = None;
    }
}

/// Whether a call has failed for no other reason than that its caller would not wait.
pub(super) fn is_impatience(code: Hresult, limit: &WaitLimit) -> bool {
    match code {
        Hresult::SCARD_E_CANCELLED => limit.can_be_cancelled(),
        Hresult::SCARD_E_TIMEOUT => limit.deadline().is_some(),
        _ => false,
    }
}

fn needs_new_connection(old: Result<Connection>, code: Hresult, access: Access) -> bool {
    let is_dead = matches!(
        code,
        Hresult::SCARD_E_NO_SERVICE | Hresult::SCARD_E_INVALID_HANDLE | Hresult::SCARD_E_READER_UNAVAILABLE
    );
    // A direct connection does without a card, but pcsc-lite does not reconnect one without.
    let lost_its_card = matches!(code, Hresult::SCARD_E_NO_SMARTCARD | Hresult::SCARD_W_REMOVED_CARD);
    old.is_err() || is_dead || access.share_mode == ShareMode::Direct && lost_its_card
}

/// What calls other than a reconnect answer: who was attached to a card lost it.
pub(super) fn while_down(code: Hresult) -> Hresult {
    match code {
        Hresult::SCARD_E_NO_SMARTCARD => Hresult::SCARD_W_REMOVED_CARD,
        code => code,
    }
}

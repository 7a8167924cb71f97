//! The state of the connection to the card, with every transition between its states. No other file changes it.
//!
//! | State       | Card handle            | A call                     | A reconnect                   |
//! |-------------|------------------------|----------------------------|-------------------------------|
//! | `Connected` | usable                 | uses it                    | checks it if not `Sound`      |
//! | `SetAside`  | the caller's, unusable | fails with `why` (1)       | gets it back                  |
//! | `Deferred`  | none                   | connects, then goes on     | connects                      |
//! | `Lost`      | none                   | fails with `why`           | connects                      |
//! | `Closed`    | none                   | fails                      | fails                         |
//!
//! (1) Without a lock, the call first ends a transaction that is left over. If the service was only too slow before, it
//! then goes on.
//!
//! Only a borrowed handle is set aside, because the library does not close it. Only an owned one is deferred or lost.
//!
//! The generation counts losses: events after which the card may have forgotten its state. Each event counts once,
//! however many calls fail because of it. So a loss that is counted stays the same loss until a call succeeds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::card::CardIdentity;
use super::connection::Connection;
use crate::abi::constants::{Access, Protocol, ShareMode};
use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::atr::Atr;
use crate::resource_manager::Icc;
use crate::runtime::fallible::Arc;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConnectionPhase {
    Connected {
        connection: Connection,
        health: Health,
        /// An unlock of this attachment has reset the card. The next call acknowledges the signal, if there is one.
        own_reset: bool,
    },
    SetAside {
        connection: Connection,
        why: Hresult,
    },
    Deferred {
        why: Hresult,
    },
    Lost {
        why: Hresult,
    },
    Closed,
}

/// How far a connected card handle can be trusted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Health {
    /// A reconnect has nothing to do.
    Sound,
    /// Something failed for an unknown reason, and calls have succeeded since. The next reconnect checks the card.
    Doubtful,
    /// The same, but no call has succeeded since. The loss is counted.
    DoubtfulSinceLoss,
    /// Calls fail until a reconnect. The loss is counted.
    Interrupted,
}

/// The state, and the access that was asked for. The card that was found is in `Published`.
pub struct ConnectionState {
    state: ConnectionPhase,
    /// The access that the last successful attach or reconnect has asked for.
    access: Access,
    published: Arc<Published>,
}

/// The part that other threads read without waiting for the card. Only the transitions write it.
pub struct Published {
    generation: AtomicU64,
    view: Mutex<PublishedView>,
}

#[derive(Clone, Copy)]
struct PublishedView {
    connection: Result<Connection>,
    /// The card that the last attach or reconnect found.
    card: CardIdentity,
}

impl Published {
    /// To be made before there is a connection, because memory may be short.
    pub fn try_new() -> Result<Arc<Published>> {
        let view = PublishedView { connection: Err(Hresult::E_HANDLE), card: CardIdentity::default() };
        Arc::try_new(Published { generation: AtomicU64::new(0), view: Mutex::new(view) })
    }

    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub fn connection(&self) -> Result<Connection> {
        self.view().connection
    }

    pub fn atr(&self) -> Atr {
        self.view().card.atr
    }

    fn view(&self) -> MutexGuard<'_, PublishedView> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn increment_generation(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

impl ConnectionPhase {
    fn connection(&self) -> Result<Connection> {
        match *self {
            ConnectionPhase::Connected { connection, .. } => Ok(connection),
            ConnectionPhase::SetAside { why, .. }
            | ConnectionPhase::Deferred { why }
            | ConnectionPhase::Lost { why } => Err(why),
            ConnectionPhase::Closed => Err(Hresult::E_HANDLE),
        }
    }

    fn health(&self) -> Health {
        match *self {
            ConnectionPhase::Connected { health, .. } => health,
            _ => Health::Interrupted,
        }
    }
}

impl ConnectionState {
    pub fn new(connection: Connection, access: Access, published: Arc<Published>) -> ConnectionState {
        let state = ConnectionPhase::Connected { connection, health: Health::Sound, own_reset: false };
        let mut new = ConnectionState { state, access, published };
        new.change(state);
        new
    }

    /// The connection, or why calls fail.
    #[inline]
    pub fn get(&self) -> Result<Connection> {
        self.state.connection()
    }

    /// The card handle and the protocol for an exchange, if nothing has to be done before it.
    #[inline]
    pub fn to_transmit(&self) -> Option<(Icc, Protocol)> {
        match self.state {
            ConnectionPhase::Connected { connection, own_reset: false, .. } => {
                Some((connection.icc, connection.protocol?))
            }
            _ => None,
        }
    }

    /// Whether commands are raw, now or once a deferred connection is made. None if there is no protocol: then a
    /// command fails.
    pub fn is_raw(&self) -> Option<bool> {
        match self.state {
            ConnectionPhase::Connected { connection, .. } => Some(connection.protocol? == Protocol::Raw),
            ConnectionPhase::Deferred { .. } => Some(self.access.protocols.accept(Protocol::Raw)),
            _ => None,
        }
    }

    /// The connection that a reconnect starts from: also the one that is set aside.
    pub fn to_reconnect(&self) -> Result<Connection> {
        match self.state {
            ConnectionPhase::SetAside { connection, .. } => Ok(connection),
            state => state.connection(),
        }
    }

    pub fn access(&self) -> Access {
        self.access
    }

    pub fn card(&self) -> CardIdentity {
        self.published.view().card
    }

    #[cfg(test)]
    pub fn state(&self) -> ConnectionPhase {
        self.state
    }

    /// Whether a reconnect would find nothing to do. In direct mode it always looks: cards come and go without a
    /// signal.
    pub fn is_sound(&self) -> bool {
        matches!(self.state, ConnectionPhase::Connected { health: Health::Sound, own_reset: false, .. })
            && self.access.share_mode != ShareMode::Direct
    }

    /// Whether only a reconnect brings the connection, and a lock on it, back.
    pub fn is_interrupted(&self) -> bool {
        self.state.health() == Health::Interrupted
    }

    /// Why a borrowed handle is set aside.
    pub fn set_aside_for(&self) -> Option<Hresult> {
        match self.state {
            ConnectionPhase::SetAside { why, .. } => Some(why),
            _ => None,
        }
    }

    pub fn is_deferred(&self) -> bool {
        matches!(self.state, ConnectionPhase::Deferred { .. })
    }

    #[inline]
    pub fn has_own_reset(&self) -> bool {
        matches!(self.state, ConnectionPhase::Connected { own_reset: true, .. })
    }

    fn is_loss_counted(&self) -> bool {
        matches!(self.state.health(), Health::DoubtfulSinceLoss | Health::Interrupted)
    }

    /// A call has failed, and calls will go on to fail until a reconnect.
    pub fn interrupt(&mut self) {
        self.count_loss_once();
        self.set_health(Health::Interrupted);
    }

    /// A call has failed, and nobody knows what it did to the card. That counts as a loss of its own.
    pub fn doubt_card(&mut self) {
        self.published.increment_generation();
        if !self.is_interrupted() {
            self.set_health(Health::DoubtfulSinceLoss);
        }
    }

    /// There is a reason for the next reconnect to check the card; nothing is lost yet.
    pub fn doubt(&mut self) {
        if self.state.health() == Health::Sound {
            self.set_health(Health::Doubtful);
        }
    }

    #[inline]
    pub fn has_success_to_note(&self) -> bool {
        match self.state {
            ConnectionPhase::Connected { health, .. } => {
                matches!(health, Health::DoubtfulSinceLoss | Health::Interrupted)
            }
            _ => false,
        }
    }

    /// A call has succeeded: the next failure is another loss. If a reconnect was due, the owner of a borrowed handle
    /// has made it. A lock may be lost all the same, so an attachment with one stays interrupted.
    pub fn succeed(&mut self, is_locked: bool) {
        if self.has_success_to_note() && !(is_locked && self.is_interrupted()) {
            self.set_health(Health::Doubtful);
        }
    }

    /// The reader has done something, perhaps with its card. That ends no interruption.
    pub fn succeed_at_reader(&mut self) {
        if self.state.health() == Health::DoubtfulSinceLoss {
            self.set_health(Health::Doubtful);
        }
    }

    /// An unlock of this attachment has reset the card.
    pub fn reset_card(&mut self) {
        self.published.increment_generation();
        if let ConnectionPhase::Connected { own_reset, .. } = &mut self.state {
            *own_reset = true;
        }
    }

    /// The card handle is connected again, or another one is in its place. All signals are acknowledged.
    pub fn renew(&mut self, connection: Connection) {
        self.change(ConnectionPhase::Connected { connection, health: self.state.health(), own_reset: false });
    }

    /// A reconnect has succeeded. The card was disturbed if it may have forgotten its state.
    pub fn recover(&mut self, access: Access, is_disturbed: bool) {
        if is_disturbed {
            self.count_loss_once();
        }
        self.access = access;
        if let ConnectionPhase::Connected { connection, .. } = self.state {
            self.change(ConnectionPhase::Connected { connection, health: Health::Sound, own_reset: false });
        }
    }

    /// A connection as it was before takes the place of one that had to be closed. The loss is counted.
    pub fn replace(&mut self, connection: Connection) {
        self.count_loss_once();
        self.change(ConnectionPhase::Connected { connection, health: Health::DoubtfulSinceLoss, own_reset: false });
    }

    /// A borrowed card handle is not used until a reconnect gets it, or its lock, back.
    pub fn set_aside(&mut self, why: Hresult) {
        if let Ok(connection) = self.to_reconnect() {
            self.count_loss_once();
            self.change(ConnectionPhase::SetAside { connection, why: while_down(why) });
        }
    }

    /// A borrowed card handle that was set aside is used again, because neither a lock is missing nor a transaction is
    /// left on it. The loss stays counted.
    pub fn take_up(&mut self) {
        if let ConnectionPhase::SetAside { connection, .. } = self.state {
            self.change(ConnectionPhase::Connected { connection, health: Health::Interrupted, own_reset: false });
        }
    }

    /// The connection is closed, and the caller had no time to wait for another one. The next call makes it.
    pub fn defer(&mut self, why: Hresult) {
        self.count_loss_once();
        self.change(ConnectionPhase::Deferred { why: while_down(why) });
    }

    /// The connection is closed. Only a reconnect makes another one.
    pub fn lose(&mut self, why: Hresult) {
        self.count_loss_once();
        self.change(ConnectionPhase::Lost { why: while_down(why) });
    }

    /// The last lock is given back. Under a lock, a connection that could not be had in time was lost: the next call
    /// would have used the card without the lock. Now the next call may connect.
    pub fn retry_if_out_of_time(&mut self) {
        match self.state {
            ConnectionPhase::Lost { why } if says_out_of_time(why) => self.change(ConnectionPhase::Deferred { why }),
            _ => {}
        }
    }

    /// The attachment has ended. Gives the connection, or why there was none; None if the attachment had ended before.
    pub fn close(&mut self) -> Option<Result<Connection>> {
        if self.state == ConnectionPhase::Closed {
            return None;
        }
        let connection = self.state.connection();
        self.change(ConnectionPhase::Closed);
        Some(connection)
    }

    /// This card answers.
    pub fn set_card(&mut self, card: CardIdentity) {
        self.published.view().card = card;
    }

    fn count_loss_once(&mut self) {
        if !self.is_loss_counted() {
            self.published.increment_generation();
        }
    }

    fn set_health(&mut self, new: Health) {
        if let ConnectionPhase::Connected { health, .. } = &mut self.state {
            *health = new;
        }
    }

    fn change(&mut self, state: ConnectionPhase) {
        self.state = state;
        self.published.view().connection = state.connection();
    }
}

/// Whether the reason is a service that was too slow, or a caller that has cancelled.
pub fn says_out_of_time(code: Hresult) -> bool {
    matches!(code, Hresult::SCARD_E_TIMEOUT | Hresult::SCARD_E_CANCELLED)
}

/// The code of calls other than a reconnect: the card of this attachment was removed, whatever the reader holds now.
pub fn while_down(code: Hresult) -> Hresult {
    match code {
        Hresult::SCARD_E_NO_SMARTCARD => Hresult::SCARD_W_REMOVED_CARD,
        code => code,
    }
}

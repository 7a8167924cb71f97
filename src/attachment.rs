//! One attachment: its connection (`connection_state`), its card (`card`), its locks (`lock`), one command (`exchange`)
//! and several (`transaction`), and how it becomes usable again (`reconnect`). After a failed call `diagnosis` finds
//! the code that tells what happened.
#![forbid(unsafe_code)]

pub mod application;
mod card;
mod connection;
mod connection_state;
mod detach;
mod diagnosis;
mod exchange;
#[cfg(test)]
mod exhaustive;
mod ifd;
pub mod knowledge;
mod lock;
mod lock_state;
mod lost_lock;
mod reader_lock;
mod reconnect;
mod response;
mod session;
#[cfg(test)]
mod tests;
pub mod transaction;
mod usable_connection;

pub use reconnect::{ReconnectRequest, Reconnected};

use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::abi::cause::{OfArgument, refuse};
use crate::abi::constants::{Access, Disposition};
use crate::abi::hresult::{Hresult, Result};
use crate::arbiter::registry::Registration;
use crate::iso7816::atr::Atr;
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::{Context, Icc, ResourceManager};
use crate::runtime::cancel::Waker;
use crate::runtime::fallible::Arc;
use crate::runtime::fork_count::fork_count;
use crate::runtime::reentrancy;
use crate::runtime::wait::WaitLimit;
use connection::Connection;
use connection_state::{ConnectionState, Published};
use session::Session;

/// The side that disconnects the card handle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ownership {
    /// The library: it may close the handle, and open another one.
    Owned,
    /// The caller: the library never disconnects the handle.
    Borrowed,
}

pub struct Attachment {
    manager: &'static dyn ResourceManager,
    /// The parts of the connection that can be read without waiting for the card.
    published: Arc<Published>,
    /// Incremented when another card may have taken the place of the one before. `registration` counts such doubts too.
    cards: AtomicU64,
    /// Locked for a moment only, so that nobody waits for a card to read them.
    facts: Mutex<Facts>,
    /// Locked during each call to the manager, because a context and its card handle take one call at a time.
    session: Mutex<Session>,
    /// Whether a call can run a callback that calls this attachment again.
    calls_back: bool,
    /// The id of the thread that has the session if `calls_back`, or 0.
    user: AtomicUsize,
    /// How many threads wait for the session and have to be woken.
    waiting: AtomicUsize,
    waker: Arc<Waker>,
    /// Lets the attachments of this process use one reader in order.
    registration: Registration,
    /// The fork count of the process that made the connection.
    forks: usize,
}

/// Properties of an attachment that are set from outside of its calls.
struct Facts {
    ownership: Ownership,
    /// The disposition that detach asks for.
    disposition: Disposition,
    /// The card handle was given out, so somebody else may have begun a transaction on it.
    lent: bool,
}

impl Attachment {
    /// Attaches to the card in the reader `ifd`, with a new context. A `timeout_ms` of None sets no limit.
    pub fn by_ifd(
        manager: &'static dyn ResourceManager,
        ifd: IfdName,
        access: Access,
        timeout_ms: Option<u32>,
    ) -> Result<Attachment> {
        let waker = Arc::try_new(Waker::default())?;
        let limit = limit(timeout_ms, &waker);
        let registration = Registration::take(ifd)?;
        let published = Published::try_new()?;
        let arbiter = Arc::clone(&registration);
        let turn = lock::turn_to_attach(&arbiter, manager, &limit, &waker)?;
        let connection = Connection::open(manager, &ifd, access, &limit)?;
        let connection = ConnectionState::new(connection, access, published.clone());
        let mut attachment = Attachment::new(manager, Ownership::Owned, registration, &waker, published, connection);
        let met = attachment.identify_usable_card(&mut *attachment.begin_call_within(&limit)?, access, &limit);
        drop(turn);
        match met {
            Ok(_) => Ok(attachment),
            Err(code) => {
                if !limit.can_end_with(code) {
                    let _ = attachment.close();
                }
                Err(code)
            }
        }
    }

    /// Attaches to the card behind `icc`, a handle that the caller has connected with `access`. The handle is borrowed
    /// unless `own_as` changes that.
    pub fn by_handle(
        manager: &'static dyn ResourceManager,
        icc: Icc,
        access: Access,
        timeout_ms: Option<u32>,
    ) -> Result<Attachment> {
        let waker = Arc::try_new(Waker::default())?;
        let limit = limit(timeout_ms, &waker);
        let published = Published::try_new()?;
        // The next question waits for the transaction of another handle. That may be the lock under which this thread
        // runs a function of the program.
        if reentrancy::is_called() && manager.is_locked_by_other(icc, &limit) == Ok(true) {
            return Err(Hresult::SCARD_E_NOT_READY);
        }
        let identity = manager.identify(icc, &limit).map_err(|code| match code {
            Hresult::SCARD_E_INVALID_HANDLE => {
                refuse("is not a card handle (SCARDHANDLE) that is open in this process")
            }
            code => code,
        })?;
        let connection = Connection { context: None, icc, share_mode: access.share_mode, protocol: None };
        let connection = connection.with_protocol(identity.protocol);
        let registration = Registration::take(identity.ifd)?;
        let connection = ConnectionState::new(connection, access, published.clone());
        let attachment = Attachment::new(manager, Ownership::Borrowed, registration, &waker, published, connection);
        attachment.note_card(&mut *attachment.begin_call_within(&limit)?, &identity);
        Ok(attachment)
    }

    fn new(
        manager: &'static dyn ResourceManager,
        ownership: Ownership,
        registration: Registration,
        waker: &Arc<Waker>,
        published: Arc<Published>,
        connection: ConnectionState,
    ) -> Attachment {
        Attachment {
            manager,
            published,
            cards: AtomicU64::new(0),
            facts: Mutex::new(Facts { ownership, disposition: Disposition::Leave, lent: false }),
            session: Mutex::new(Session::new(connection)),
            calls_back: manager.calls_back(),
            user: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            waker: waker.clone(),
            registration,
            forks: fork_count(),
        }
    }

    /// False in the child of a fork, which may be made in a function of the program that a call of the parent runs.
    pub fn is_of_this_process(&self) -> bool {
        self.forks == fork_count()
    }

    pub fn ifd(&self) -> &IfdName {
        self.registration.ifd()
    }

    /// Ends the wait that is under way, or else the next one.
    pub fn cancel(&self) {
        self.waker.cancel();
        self.manager.recheck_limits();
    }

    pub fn generation(&self) -> u64 {
        self.published.generation()
    }

    /// The ATR of the card that the last attach or reconnect found.
    pub fn atr(&self) -> Atr {
        self.published.atr()
    }

    pub fn icc(&self) -> Result<Icc> {
        self.published.connection().map(|connection| connection.icc)
    }

    /// The card handle, for a caller that may use it beside this attachment.
    pub fn lend_icc(&self) -> Result<Icc> {
        self.facts().lent = true;
        self.icc()
    }

    /// The context of the connection. The context of a handle of the caller is not known.
    pub fn context(&self) -> Result<Context> {
        self.published.connection()?.context.ok_or(Hresult::SCARD_E_UNSUPPORTED_FEATURE)
    }

    pub fn own_as(&self, ownership: Ownership) {
        self.facts().ownership = ownership;
    }

    fn ownership(&self) -> Ownership {
        self.facts().ownership
    }

    /// Whether the card handle can be used without this library.
    fn is_known_to_others(&self) -> bool {
        let Facts { ownership, lent, .. } = *self.facts();
        lent || ownership == Ownership::Borrowed
    }

    /// Whether a detach can dispose of the card so. A borrowed card handle can only be left as it is.
    pub fn check_disposition(&self, disposition: Disposition) -> Result<()> {
        match (self.ownership(), disposition) {
            (_, Disposition::Leave) => Ok(()),
            (Ownership::Owned, _) => self.may_dispose(),
            _ => Err(refuse("can only leave a card whose card handle belongs to the caller")).of("disposition"),
        }
    }

    /// Sets what happens to the card when the attachment is closed or dropped.
    pub fn set_disposition(&self, disposition: Disposition) {
        self.facts().disposition = disposition;
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A failure from now on is another loss.
    #[inline]
    fn note_success(&self, session: &mut Session) {
        if session.connection.has_success_to_note() {
            session.connection.succeed(session.locks.is_held());
        }
    }
}

/// The limit of a call with an optional timeout.
fn limit(timeout_ms: Option<u32>, waker: &Arc<Waker>) -> WaitLimit<'_> {
    timeout_ms.map_or(WaitLimit::cancellable(waker), |timeout_ms| WaitLimit::of_ms(timeout_ms, waker))
}

//! The virtual resource manager: its readers, contexts and card handles, under one lock. The lock is never held during
//! a callback. A thread sleeps until something changes; it does not poll.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::id_map::IdMap;
use super::ifd::Ifd;
use crate::abi::cause::explain;
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::ifd_name::IfdName;
use crate::runtime::map::Map;
use crate::runtime::reentrancy;
use crate::runtime::wait::{WaitLimit, earlier, in_future, is_past, until};

static MANAGER: Mutex<Manager> = Mutex::new(Manager::new());
static CHANGED: Condvar = Condvar::new();
/// Like `CHANGED`, but only for changes of readers and cards, and not for what attachments do to each other.
static READERS_CHANGED: Condvar = Condvar::new();

/// The first number of readers, contexts and card handles. pcscd uses 32 bits, so no number is ambiguous.
const FIRST_NUMBER: usize = 0x5343_4D00 << (usize::BITS - 32);

pub struct Manager {
    pub runs: bool,
    /// Whether there has been a reader.
    pub had_ifds: bool,
    pub ifds: IdMap<Ifd>,
    /// The numbers of the readers, by their names.
    numbers: Map<IfdName, usize>,
    contexts: Map<usize, Client>,
    /// By their card handles.
    connections: Map<usize, CardHandle>,
    last_number: usize,
    /// How many threads wait for a change.
    waiting: usize,
    /// How many threads wait for a change of readers or cards.
    watching: usize,
}

/// A context.
#[derive(Default)]
struct Client {
    /// The service has stopped since the context was established.
    is_orphan: bool,
    /// The card handles in it.
    iccs: Vec<usize>,
}

/// The target of a card handle.
pub struct CardHandle {
    pub context: usize,
    pub ifd: usize,
    /// The result of every call: a signal, until a reconnect acknowledges it; or the loss of the reader or the service.
    pub failure: Option<Hresult>,
}

pub type LockedManager = MutexGuard<'static, Manager>;

pub fn lock() -> LockedManager {
    MANAGER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until something changes, or the limit of the caller ends. A callback does not wait here: the change may come
/// only after the callback has returned.
pub fn wait(manager: LockedManager, limit: &WaitLimit) -> Result<LockedManager> {
    reentrancy::may_wait()?;
    limit.check()?;
    Ok(wait_until(manager, limit.deadline()))
}

/// Waits for that long, or until the limit of the caller ends.
pub fn pass_time(mut manager: LockedManager, delay: Duration, limit: &WaitLimit) -> Result<()> {
    let end = in_future(delay);
    while !is_past(end) {
        limit.check()?;
        manager = wait_until(manager, earlier(limit.deadline(), end));
    }
    Ok(())
}

/// Waits until something changes, or until then.
pub fn wait_until(mut manager: LockedManager, end: Option<Instant>) -> LockedManager {
    manager.waiting += 1;
    let mut manager = sleep(&CHANGED, manager, end);
    manager.waiting -= 1;
    manager
}

/// Waits until a reader or card changes, or until then.
pub fn watch_until(mut manager: LockedManager, end: Option<Instant>) -> LockedManager {
    manager.watching += 1;
    let mut manager = sleep(&READERS_CHANGED, manager, end);
    manager.watching -= 1;
    manager
}

fn sleep(condition: &Condvar, manager: LockedManager, end: Option<Instant>) -> LockedManager {
    match until(end) {
        None => condition.wait(manager).unwrap_or_else(PoisonError::into_inner),
        Some(rest) => condition.wait_timeout(manager, rest).unwrap_or_else(PoisonError::into_inner).0,
    }
}

impl CardHandle {
    pub fn new(context: usize, ifd: usize) -> CardHandle {
        CardHandle { context, ifd, failure: None }
    }

    /// Whether reader and service still exist.
    pub fn is_alive(&self) -> bool {
        !matches!(self.failure, Some(Hresult::SCARD_E_NO_SERVICE | Hresult::SCARD_E_READER_UNAVAILABLE))
    }

    pub fn check_signal(&self) -> Result<()> {
        match self.failure {
            None => Ok(()),
            Some(Hresult::SCARD_E_NO_SERVICE) => Err(stopped()),
            Some(code) => Err(code),
        }
    }
}

/// The service has stopped since this context was made.
#[cold]
pub fn stopped() -> Hresult {
    explain(
        Hresult::SCARD_E_NO_SERVICE,
        "scm_virtual_service_stop has ended the service of virtual readers.",
        "Call scm_virtual_service_start, and scm_reconnect for an attachment.",
    )
}

impl Manager {
    const fn new() -> Manager {
        Manager {
            runs: true,
            had_ifds: false,
            ifds: IdMap::new(),
            numbers: Map::new(),
            contexts: Map::new(),
            connections: Map::new(),
            last_number: FIRST_NUMBER,
            waiting: 0,
            watching: 0,
        }
    }

    /// Wakes the threads that wait for a change.
    pub fn announce(&self) {
        if self.waiting > 0 {
            CHANGED.notify_all();
        }
    }

    /// Also wakes the threads that wait for a change of readers or cards.
    pub fn announce_to_all(&self) {
        self.announce();
        self.announce_to_watchers();
    }

    pub fn announce_to_watchers(&self) {
        if self.watching > 0 {
            READERS_CHANGED.notify_all();
        }
    }

    pub fn new_number(&mut self) -> usize {
        self.last_number += 1;
        self.last_number
    }

    pub fn connection(&self, icc: usize) -> Result<&CardHandle> {
        self.connections.get(&icc).ok_or(Hresult::SCARD_E_INVALID_HANDLE)
    }

    /// Whether the card of this handle was removed, and no reconnect has acknowledged that.
    pub fn has_lost_its_card(&self, icc: usize) -> bool {
        self.connections.get(&icc).is_some_and(|connection| connection.failure == Some(Hresult::SCARD_W_REMOVED_CARD))
    }

    /// Ends the signal of a card handle.
    pub fn acknowledge(&mut self, icc: usize) {
        if let Some(connection) = self.connections.get_mut(&icc) {
            connection.failure = None;
        }
        self.announce();
    }

    pub fn add_context(&mut self) -> Result<usize> {
        let number = self.new_number();
        self.contexts.insert(number, Client::default())?;
        Ok(number)
    }

    /// Removes a context and its card handles. Whether it was known.
    pub fn forget_context(&mut self, context: usize) -> bool {
        let Some(client) = self.contexts.remove(&context) else { return false };
        for icc in client.iccs {
            // The context has just named it, so it is known.
            let _ = self.forget(icc);
        }
        true
    }

    pub fn add_connection(&mut self, context: usize, ifd: usize) -> Result<usize> {
        let icc = self.new_number();
        let client = self.contexts.get_mut(&context).ok_or(Hresult::SCARD_E_INVALID_HANDLE)?;
        client.iccs.try_reserve(1)?;
        self.connections.insert(icc, CardHandle::new(context, ifd))?;
        client.iccs.push(icc);
        if let Some(ifd) = self.ifds.get_mut(ifd) {
            ifd.connections += 1;
        }
        Ok(icc)
    }

    /// A reader that its program names.
    pub fn ifd(&mut self, number: usize) -> Result<&mut Ifd> {
        self.ifds.get_mut(number).ok_or(Hresult::E_HANDLE)
    }

    /// The reader of a card handle, with or without a signal.
    pub fn ifd_of(&mut self, icc: usize) -> Result<&mut Ifd> {
        let connection = self.connection(icc)?;
        let number = connection.ifd;
        if !connection.is_alive() {
            connection.check_signal()?;
        }
        self.ifds.get_mut(number).ok_or(Hresult::SCARD_E_READER_UNAVAILABLE)
    }

    pub fn ifd_named(&self, name: &IfdName) -> Option<usize> {
        self.numbers.get(name).copied()
    }

    /// Adds a reader with a new name, and returns its number.
    pub fn add_ifd(&mut self, ifd: Ifd) -> Result<usize> {
        let (name, number) = (ifd.name, self.new_number());
        self.numbers.insert(name, number)?;
        match self.ifds.insert(number, ifd) {
            Ok(()) => self.had_ifds = true,
            Err(code) => {
                self.numbers.remove(&name);
                return Err(code);
            }
        }
        Ok(number)
    }

    pub fn remove_ifd(&mut self, number: usize) -> Result<Ifd> {
        let ifd = self.ifds.remove(number).map_err(|_| Hresult::E_HANDLE)?;
        self.numbers.remove(&ifd.name);
        Ok(ifd)
    }

    /// Whether a live card handle other than `icc` has the same reader.
    pub fn is_shared(&self, icc: usize) -> Result<bool> {
        let connection = self.connection(icc)?;
        let ifd = self.ifds.get(connection.ifd).ok_or(Hresult::SCARD_E_READER_UNAVAILABLE)?;
        Ok(ifd.connections > usize::from(connection.is_alive()))
    }

    /// Sends a signal to all card handles of a reader.
    pub fn signal(&mut self, ifd: usize, what: Hresult) {
        for connection in self.connections.values_mut() {
            if connection.ifd == ifd && connection.is_alive() {
                connection.failure = Some(what);
            }
        }
        if let Some(ifd) = self.ifds.get_mut(ifd) {
            ifd.changes = ifd.changes.wrapping_add(1);
            if what == Hresult::SCARD_W_RESET_CARD {
                ifd.resets = ifd.resets.wrapping_add(1);
            }
        }
        self.announce_to_all();
    }

    /// Fails if `context` cannot be used.
    pub fn check_context(&self, context: usize) -> Result<()> {
        match self.contexts.get(&context) {
            None => Err(Hresult::SCARD_E_INVALID_HANDLE),
            Some(client) if client.is_orphan => Err(stopped()),
            Some(_) => Ok(()),
        }
    }

    /// Removes a card handle, and ends its use of the reader.
    pub fn forget(&mut self, icc: usize) -> Result<()> {
        let connection = self.connections.remove(&icc).ok_or(Hresult::SCARD_E_INVALID_HANDLE)?;
        if let Some(client) = self.contexts.get_mut(&connection.context) {
            client.iccs.retain(|other| *other != icc);
        }
        if let Some(ifd) = self.ifds.get_mut(connection.ifd) {
            ifd.connections -= usize::from(connection.is_alive());
            ifd.give_up(icc);
        }
        self.announce();
        Ok(())
    }

    /// The service has stopped: no context or card handle works any more.
    pub fn orphan_all(&mut self) {
        for client in self.contexts.values_mut() {
            client.is_orphan = true;
        }
        for connection in self.connections.values_mut() {
            connection.failure = Some(Hresult::SCARD_E_NO_SERVICE);
        }
        for (_, ifd) in self.ifds.iter_mut() {
            ifd.connections = 0;
        }
    }

    /// Forgets everything without a callback: in the child of a fork the cards belong to the parent.
    pub fn forget_all(&mut self) {
        *self = Manager { last_number: self.last_number, ..Manager::new() };
    }

    #[cfg(test)]
    pub fn has_waiters(&self) -> bool {
        self.waiting > 0
    }

    /// The number of contexts and of card handles.
    #[cfg(test)]
    pub fn census(&self) -> (usize, usize) {
        (self.contexts.values().count(), self.connections.values().count())
    }
}

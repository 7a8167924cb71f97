//! The virtual resource manager: its readers, contexts and card handles, under one lock that is never held during a
//! callback. Who has to wait here waits for a change, never for a time to pass.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::id_map::IdMap;
use super::ifd::Ifd;
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::ifd_name::IfdName;
use crate::runtime::reentrancy;
use crate::runtime::wait::{WaitLimit, earlier};

static MANAGER: Mutex<Manager> = Mutex::new(Manager::new());
static CHANGED: Condvar = Condvar::new();
/// As `CHANGED`, for those who see the readers from outside: what attachments do to each other does not wake them.
static SEEN: Condvar = Condvar::new();

/// Where the numbers of readers, contexts and card handles begin: far from those of pcscd, which have 32 bits, so that
/// none is taken for one of the other.
const FIRST_NUMBER: usize = 0x5343_4D00 << (usize::BITS - 32);

pub struct Manager {
    pub runs: bool,
    /// Whether there ever was a reader.
    pub had_ifds: bool,
    pub ifds: IdMap<Ifd>,
    /// Each with whether it is of the service that runs now, and not of one before.
    pub contexts: IdMap<bool>,
    pub connections: IdMap<Connection>,
    last_number: usize,
    /// How many threads wait for a change.
    waiting: usize,
    /// How many of them watch from outside.
    watching: usize,
}

/// What a card handle stands for.
pub struct Connection {
    pub context: usize,
    pub ifd: usize,
    /// What every call answers: a signal until a reconnect acknowledges it, or that the reader or the service is gone.
    pub trouble: Option<Hresult>,
}

pub type Locked = MutexGuard<'static, Manager>;

pub fn lock() -> Locked {
    MANAGER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until something has changed, unless the caller's limit has ended. What is to change may wait for the end of a
/// callback, so none waits here.
pub fn wait(mut manager: Locked, limit: &WaitLimit) -> Result<Locked> {
    reentrancy::may_wait()?;
    limit.check()?;
    if let Some(deadline) = limit.deadline() {
        return Ok(wait_at_most(manager, deadline.saturating_duration_since(Instant::now())));
    }
    manager.waiting += 1;
    let mut manager = CHANGED.wait(manager).unwrap_or_else(PoisonError::into_inner);
    manager.waiting -= 1;
    Ok(manager)
}

/// Lets so much time pass, or as much as the caller's limit is.
pub fn pass_time(mut manager: Locked, delay: Duration, limit: &WaitLimit) -> Result<()> {
    let end = Instant::now() + delay;
    while Instant::now() < end {
        limit.check()?;
        let until = earlier(limit.deadline(), Some(end)).unwrap_or(end);
        manager = wait_at_most(manager, until.saturating_duration_since(Instant::now()));
    }
    Ok(())
}

/// Waits until something has changed that can be seen from outside, or so long.
pub fn watch_at_most(mut manager: Locked, limit: Duration) -> Locked {
    manager.watching += 1;
    let (mut manager, _) = SEEN.wait_timeout(manager, limit).unwrap_or_else(PoisonError::into_inner);
    manager.watching -= 1;
    manager
}

/// Waits until something has changed, or so long.
pub fn wait_at_most(mut manager: Locked, limit: Duration) -> Locked {
    manager.waiting += 1;
    let (mut manager, _) = CHANGED.wait_timeout(manager, limit).unwrap_or_else(PoisonError::into_inner);
    manager.waiting -= 1;
    manager
}

impl Connection {
    pub fn new(context: usize, ifd: usize) -> Connection {
        Connection { context, ifd, trouble: None }
    }

    /// Whether reader and service are still there.
    pub fn is_alive(&self) -> bool {
        !matches!(self.trouble, Some(Hresult::SCARD_E_NO_SERVICE | Hresult::SCARD_E_READER_UNAVAILABLE))
    }

    pub fn untroubled(&self) -> Result<()> {
        self.trouble.map_or(Ok(()), Err)
    }
}

impl Manager {
    const fn new() -> Manager {
        Manager {
            runs: true,
            had_ifds: false,
            ifds: IdMap::new(),
            contexts: IdMap::new(),
            connections: IdMap::new(),
            last_number: FIRST_NUMBER,
            waiting: 0,
            watching: 0,
        }
    }

    /// Says that something is no longer as it was.
    pub fn announce(&self) {
        if self.waiting > 0 {
            CHANGED.notify_all();
        }
    }

    /// The same of what can be seen from outside.
    pub fn announce_to_all(&self) {
        self.announce();
        self.announce_to_watchers();
    }

    pub fn announce_to_watchers(&self) {
        if self.watching > 0 {
            SEEN.notify_all();
        }
    }

    pub fn new_number(&mut self) -> usize {
        self.last_number += 1;
        self.last_number
    }

    pub fn connection(&self, icc: usize) -> Result<&Connection> {
        self.connections.get(icc).ok_or(Hresult::SCARD_E_INVALID_HANDLE)
    }

    /// Whether the card of this handle was taken out, and nobody has said since that he knows.
    pub fn has_lost_its_card(&self, icc: usize) -> bool {
        self.connections.get(icc).is_some_and(|connection| connection.trouble == Some(Hresult::SCARD_W_REMOVED_CARD))
    }

    /// Ends the signal of a card handle.
    pub fn acknowledge(&mut self, icc: usize) {
        if let Some(connection) = self.connections.get_mut(icc) {
            connection.trouble = None;
        }
        self.announce();
    }

    /// Some card handle of a context.
    pub fn connection_in(&self, context: usize) -> Option<usize> {
        self.connections.iter().find(|(_, connection)| connection.context == context).map(|(icc, _)| icc)
    }

    /// A reader for who is to plug, pull or destroy it.
    pub fn ifd(&mut self, number: usize) -> Result<&mut Ifd> {
        self.ifds.get_mut(number).ok_or(Hresult::E_HANDLE)
    }

    /// The reader behind a card handle, signals or not.
    pub fn ifd_of(&mut self, icc: usize) -> Result<&mut Ifd> {
        let connection = self.connection(icc)?;
        let number = connection.ifd;
        if !connection.is_alive() {
            connection.untroubled()?;
        }
        self.ifds.get_mut(number).ok_or(Hresult::SCARD_E_READER_UNAVAILABLE)
    }

    pub fn ifd_named(&self, name: &IfdName) -> Option<usize> {
        self.ifds.iter().find(|(_, ifd)| ifd.name == *name).map(|(number, _)| number)
    }

    /// How many live card handles lead to a reader, `except` one.
    pub fn others_on(&self, ifd: usize, except: Option<usize>) -> usize {
        let on_it = |(icc, connection): &(usize, &Connection)| {
            connection.ifd == ifd && connection.is_alive() && Some(*icc) != except
        };
        self.connections.iter().filter(on_it).count()
    }

    /// Tells every card handle of a reader what happened.
    pub fn signal(&mut self, ifd: usize, what: Hresult) {
        for (_, connection) in self.connections.iter_mut() {
            if connection.ifd == ifd && connection.is_alive() {
                connection.trouble = Some(what);
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

    /// Whether `context` may be used.
    pub fn check_context(&self, context: usize) -> Result<()> {
        match self.contexts.get(context) {
            None => Err(Hresult::SCARD_E_INVALID_HANDLE),
            Some(false) => Err(Hresult::SCARD_E_NO_SERVICE),
            Some(true) => Ok(()),
        }
    }

    /// Forgets a card handle and gives back what it had.
    pub fn forget(&mut self, icc: usize) -> Result<()> {
        let connection = self.connections.remove(icc)?;
        if let Some(ifd) = self.ifds.get_mut(connection.ifd) {
            ifd.give_up(icc);
        }
        self.announce();
        Ok(())
    }

    /// Forgets everything without a callback: in the child of a fork the cards belong to the parent.
    #[cfg(unix)]
    pub fn forget_all(&mut self) {
        *self = Manager { last_number: self.last_number, ..Manager::new() };
    }

    #[cfg(test)]
    pub fn has_waiters(&self) -> bool {
        self.waiting > 0
    }

    /// How many contexts and card handles there are.
    #[cfg(test)]
    pub fn census(&self) -> (usize, usize) {
        (self.contexts.iter().count(), self.connections.iter().count())
    }
}

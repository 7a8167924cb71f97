//! The session of an attachment: what only one call at a time may see and change, and how a call gets there.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{Ordering, fence};
use std::sync::{MutexGuard, TryLockError};

use super::connection::Connection;
use super::knowledge::Knowledge;
use super::reader_lock::ReaderLock;
use super::{Attachment, Card};
use crate::abi::constants::Access;
use crate::abi::hresult::{Hresult, Result};
use crate::runtime::reentrancy;
use crate::runtime::thread_id::this_thread;
use crate::runtime::wait::WaitLimit;

/// What only one call at a time may see and change.
pub struct Session {
    /// The connection to the card, or why there is none.
    pub connection: Result<Connection>,
    /// There is no connection only because a caller whose time was up could not wait for it: the next call makes it.
    pub owes_connection: bool,
    /// A borrowed connection that may not be used until a reconnect gets its lock back.
    pub set_aside: Option<Connection>,
    /// The attachment has ended.
    pub is_closed: bool,
    pub access: Access,
    pub lock_depth: u32,
    /// How many of them are those of calls that are in functions of the program's.
    pub locks_of_calls: u32,
    /// Another one for each outermost lock.
    pub lock_number: u64,
    /// The reader for this attachment alone, as long as there is a lock that has not got lost.
    pub reader_lock: Option<ReaderLock>,
    /// Something happened after which every call fails until somebody reconnects; its loss is counted already.
    pub interrupted: bool,
    /// A loss is counted, and nothing has succeeded since.
    pub loss_is_counted: bool,
    /// The card was reset by an unlock of ours, and the next call has to say that we know.
    pub owes_acknowledgement: bool,
    /// An exchange broke off, and nobody knows why. The next reconnect looks closely.
    pub doubtful: bool,
    pub card: Card,
    /// The answer of the last exchange; its capacity is the longest answer there is.
    pub response: Vec<u8>,
    pub knowledge: Knowledge,
}

impl Session {
    pub fn new(connection: Result<Connection>, access: Access, response: Vec<u8>) -> Session {
        Session {
            connection,
            owes_connection: false,
            set_aside: None,
            is_closed: false,
            access,
            lock_depth: 0,
            locks_of_calls: 0,
            lock_number: 0,
            reader_lock: None,
            interrupted: false,
            loss_is_counted: false,
            owes_acknowledgement: false,
            doubtful: false,
            card: Card::default(),
            response,
            knowledge: Knowledge::default(),
        }
    }
}

/// The session, as long as this thread alone may use it.
pub struct Entered<'a> {
    // In this order: who is woken for finds it free.
    session: MutexGuard<'a, Session>,
    door: Door<'a>,
}

struct Door<'a>(&'a Attachment);

impl Deref for Entered<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for Entered<'_> {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}

impl Drop for Entered<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.door.0.user.store(0, Ordering::Relaxed);
    }
}

impl Drop for Door<'_> {
    #[inline]
    fn drop(&mut self) {
        // Either who waits sees that the session is free, or he is seen to wait.
        fence(Ordering::SeqCst);
        if self.0.waiting.load(Ordering::Relaxed) > 0 {
            self.0.waker.wake();
        }
    }
}

impl Attachment {
    /// The session, alone, however long another thread is in a call. A panic under it leaves it poisoned: this attachment is
    /// not used again.
    #[inline(always)]
    pub(super) fn enter_at_length(&self) -> Result<Entered<'_>> {
        let at_once = if self.calls_back { None } else { self.session.try_lock().ok() };
        let session = match at_once {
            Some(session) => session,
            None => self.session_within(&WaitLimit::ENDLESS)?,
        };
        Ok(Entered { session, door: Door(self) })
    }

    /// The session, alone, if that is possible with so much limit.
    pub(super) fn enter(&self, limit: &WaitLimit) -> Result<Entered<'_>> {
        Ok(Entered { session: self.session_within(limit)?, door: Door(self) })
    }

    /// The session, alone, if no other thread has it. Its door comes with it, which wakes threads that begin to wait for it now.
    pub(super) fn try_enter(&self) -> Option<Entered<'_>> {
        self.session.try_lock().ok().map(|session| Entered { session, door: Door(self) })
    }

    #[cold]
    fn session_within(&self, limit: &WaitLimit) -> Result<MutexGuard<'_, Session>> {
        if self.calls_back {
            self.check_user()?;
        }
        let session = match self.session.try_lock() {
            Ok(session) => session,
            Err(TryLockError::Poisoned(_)) => return Err(Hresult::E_UNEXPECTED),
            Err(TryLockError::WouldBlock) => {
                // Another thread has the session, and may wait for what this thread is in.
                reentrancy::may_wait_for(self.as_lock())?;
                self.wait_for_session(limit)?
            }
        };
        if self.calls_back {
            self.user.store(this_thread(), Ordering::Relaxed);
        }
        Ok(session)
    }

    /// The callback of a virtual card that calls the attachment which calls it would wait for itself.
    #[cold]
    fn check_user(&self) -> Result<()> {
        if self.user.load(Ordering::Relaxed) == this_thread() {
            return Err(Hresult::SCARD_E_NOT_READY);
        }
        Ok(())
    }

    fn wait_for_session(&self, limit: &WaitLimit) -> Result<MutexGuard<'_, Session>> {
        if limit.strict_waker().is_none() {
            return self.session.lock().map_err(|_| Hresult::E_UNEXPECTED);
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let session = self.wait_to_be_rung_for(limit);
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        session
    }

    fn wait_to_be_rung_for(&self, limit: &WaitLimit) -> Result<MutexGuard<'_, Session>> {
        loop {
            let seen_wakes = self.waker.wakes();
            fence(Ordering::SeqCst);
            match self.session.try_lock() {
                Ok(session) => return Ok(session),
                Err(TryLockError::Poisoned(_)) => return Err(Hresult::E_UNEXPECTED),
                Err(TryLockError::WouldBlock) => {}
            }
            limit.check()?;
            self.waker.sleep(seen_wakes, limit.deadline());
        }
    }
}

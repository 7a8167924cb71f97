//! The session of an attachment: the data that one call at a time reads and changes, and how a call gets to it.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{Ordering, fence};
use std::sync::{MutexGuard, TryLockError};

use super::Attachment;
use super::connection_state::ConnectionState;
use super::knowledge::Knowledge;
use super::lock_state::LockState;
use super::response::Response;
use crate::abi::hresult::{Hresult, Result};
use crate::runtime::fallible::try_box;
use crate::runtime::reentrancy;
use crate::runtime::thread_id::this_thread;
use crate::runtime::wait::WaitLimit;

pub struct Session {
    pub connection: ConnectionState,
    pub locks: LockState,
    pub response: Response,
    /// None if no call has needed it yet, or while a transaction has it.
    knowledge: Option<Box<Knowledge>>,
}

impl Session {
    pub fn new(connection: ConnectionState) -> Session {
        Session { connection, locks: LockState::default(), response: Response::new(), knowledge: None }
    }

    pub fn knowledge(&mut self) -> Result<&mut Knowledge> {
        match &mut self.knowledge {
            Some(knowledge) => Ok(knowledge),
            none => Ok(none.insert(try_box(Knowledge::default())?)),
        }
    }

    #[inline]
    pub fn known(&mut self) -> Option<&mut Knowledge> {
        self.knowledge.as_deref_mut()
    }

    #[inline]
    pub fn forget_selection(&mut self) {
        if let Some(knowledge) = self.known() {
            knowledge.forget_selection();
        }
    }

    pub fn forget_selected_file(&mut self) {
        if let Some(knowledge) = self.known() {
            knowledge.forget_selected_file();
        }
    }

    /// Gives the knowledge to a transaction, which brings it back by `return_knowledge`.
    pub fn take_knowledge(&mut self) -> Result<Box<Knowledge>> {
        self.knowledge.take().map_or_else(|| try_box(Knowledge::default()), Ok)
    }

    pub fn return_knowledge(&mut self, knowledge: Box<Knowledge>) {
        self.knowledge = Some(knowledge);
    }
}

/// The right of one call to use the session, until it is dropped.
pub struct OngoingCall<'a> {
    // The order matters: the session is unlocked before a waiting thread is woken.
    session: MutexGuard<'a, Session>,
    end: CallEnd<'a>,
}

/// Wakes the threads that wait for the session.
struct CallEnd<'a>(&'a Attachment);

impl Deref for OngoingCall<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for OngoingCall<'_> {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}

impl Drop for OngoingCall<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.end.0.user.store(0, Ordering::Relaxed);
    }
}

impl Drop for CallEnd<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // Either the waiting thread sees that the session is free, or this thread sees that it waits.
        fence(Ordering::SeqCst);
        if self.0.waiting.load(Ordering::Relaxed) > 0 {
            self.0.wake_waiting();
        }
    }
}

impl Attachment {
    /// Not inlined, so that the end of a call is.
    #[cold]
    #[inline(never)]
    fn wake_waiting(&self) {
        self.waker.wake();
    }

    /// Waits for the session without a limit. A panic during a call poisons it: then this attachment is not used again.
    pub(super) fn begin_call(&self) -> Result<OngoingCall<'_>> {
        self.begin_call_within(&WaitLimit::ENDLESS)
    }

    /// The session, if it is free. For an exchange: no other call has to be that fast.
    #[inline(always)]
    pub(super) fn begin_call_at_once(&self) -> Option<OngoingCall<'_>> {
        if self.calls_back {
            return None;
        }
        match self.session.try_lock() {
            Ok(session) => Some(OngoingCall { session, end: CallEnd(self) }),
            Err(_) => None,
        }
    }

    /// Waits for the session no longer than `limit`.
    pub(super) fn begin_call_within(&self, limit: &WaitLimit) -> Result<OngoingCall<'_>> {
        Ok(OngoingCall { session: self.lock_session(limit)?, end: CallEnd(self) })
    }

    /// The session, if no other thread has it.
    pub(super) fn try_begin_call(&self) -> Option<OngoingCall<'_>> {
        self.session.try_lock().ok().map(|session| OngoingCall { session, end: CallEnd(self) })
    }

    #[cold]
    fn lock_session(&self, limit: &WaitLimit) -> Result<MutexGuard<'_, Session>> {
        if self.calls_back {
            self.check_user()?;
        }
        let session = match self.session.try_lock() {
            Ok(session) => session,
            Err(TryLockError::Poisoned(_)) => return Err(Hresult::E_UNEXPECTED),
            Err(TryLockError::WouldBlock) => {
                // The other thread may itself wait for the function of the program that this thread runs.
                reentrancy::may_wait_for(self.as_lock())?;
                self.wait_for_session(limit)?
            }
        };
        if self.calls_back {
            self.user.store(this_thread(), Ordering::Relaxed);
        }
        Ok(session)
    }

    /// A callback of a virtual card must not call the attachment that called it: it would wait for itself.
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
        let session = self.wait_to_be_woken(limit);
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        session
    }

    fn wait_to_be_woken(&self, limit: &WaitLimit) -> Result<MutexGuard<'_, Session>> {
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

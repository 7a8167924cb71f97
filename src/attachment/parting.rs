//! The end of an attachment: what it leaves behind, and where that is closed.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::lock::Waiting;
use super::reader_lock::ReaderLock;
use super::{Attachment, Facts, Ownership};
use crate::abi::constants::{Access, Disposition};
use crate::abi::hresult::{Hresult, Result};
use crate::arbiter::registry::Registration;
use crate::arbiter::{Arbiter, Hold};
use crate::resource_manager::{Icc, ResourceManager};
use crate::runtime::fallible::Arc;
use crate::runtime::reentrancy;
use crate::runtime::thread;
use crate::runtime::wait::{WaitLimit, Waker};

/// How long the last thread to leave an attachment stays to see its end.
const MOMENT: Duration = Duration::from_millis(20);

/// What an attachment leaves behind. It is closed when it is dropped.
struct Remains {
    manager: &'static dyn ResourceManager,
    ownership: Ownership,
    access: Access,
    disposition: Disposition,
    /// None once it is closed.
    connection: Option<Result<Connection>>,
    reader_lock: Option<ReaderLock>,
    registration: Registration,
    waker: Arc<Waker>,
}

impl Attachment {
    /// Ends the attachment, however long that takes. That there is nothing left to end is no failure, unless the card was to be
    /// disposed of.
    pub fn close(&mut self) -> Result<()> {
        let Some(mut remains) = self.take_remains() else { return Ok(()) };
        match remains.close() {
            Err(Hresult::SCARD_E_NOT_READY) if remains.connection.is_some() => {
                remains.close_elsewhere();
                Ok(())
            }
            closed => closed,
        }
    }

    /// Whether the card can be disposed of without a wait for the others, on a thread that does not wait for them. A call that is
    /// under way on this attachment ends it when it returns.
    pub(super) fn may_dispose(&self) -> Result<()> {
        let Some(session) = self.try_enter() else { return Ok(()) };
        if !reentrancy::is_called() || session.reader_lock.is_some() || self.registration.is_free() {
            return Ok(());
        }
        Err(Hresult::SCARD_E_NOT_READY)
    }

    /// None where it has ended already.
    fn take_remains(&mut self) -> Option<Remains> {
        let Facts { ownership, parting, .. } = *self.facts();
        let session = self.session.get_mut().unwrap_or_else(PoisonError::into_inner);
        if session.is_closed {
            return None;
        }
        session.is_closed = true;
        Some(Remains {
            manager: self.manager,
            ownership,
            access: session.access,
            disposition: parting,
            connection: Some(std::mem::replace(&mut session.connection, Err(Hresult::E_HANDLE))),
            reader_lock: session.reader_lock.take(),
            registration: self.registration.clone(),
            waker: self.waker.clone(),
        })
    }
}

impl Drop for Attachment {
    /// The last thread to leave is one whose call had nothing to do with the end, and perhaps a limit.
    fn drop(&mut self) {
        if !self.is_of_this_process() {
            // The lock is the parent's, and its transaction goes on.
            let session = self.session.get_mut().unwrap_or_else(PoisonError::into_inner);
            std::mem::forget(session.reader_lock.take());
        } else if let Some(remains) = self.take_remains() {
            remains.close_elsewhere();
        }
    }
}

impl Remains {
    /// Closes on a thread of the library's, which this one does not wait for but a moment: mostly that is enough.
    fn close_elsewhere(mut self) {
        let waker = self.waker.clone();
        let seen_wakes = waker.wakes();
        // Where no thread can be had, what it was to do is dropped, and so done here.
        let spawned = thread::spawn(move || {
            let _ = self.close();
            self.waker.wake();
        });
        if spawned.is_ok() {
            waker.sleep(seen_wakes, Some(Instant::now() + MOMENT));
        }
    }

    fn close(&mut self) -> Result<()> {
        let (connection, reader_lock) = (self.connection.take(), self.reader_lock.take());
        match (connection, self.ownership) {
            (None, _) => Ok(()),
            (Some(connection), Ownership::Borrowed) => {
                self.leave(reader_lock);
                connection.map(drop).or_else(|code| self.unless_left(code))
            }
            (Some(Err(code)), Ownership::Owned) => self.unless_left(code),
            (Some(Ok(connection)), Ownership::Owned) => {
                let alone = self.alone_to_dispose(connection.icc, reader_lock.is_some());
                if alone.as_ref().is_err_and(|code| *code == Hresult::SCARD_E_NOT_READY) {
                    (self.connection, self.reader_lock) = (Some(Ok(connection)), reader_lock);
                    return Err(Hresult::SCARD_E_NOT_READY);
                }
                // The transaction ends with the connection, and not before.
                let closed = connection.close(self.manager, self.disposition);
                if let Some(mut reader_lock) = reader_lock {
                    reader_lock.lapse();
                }
                closed
            }
        }
    }

    /// The handle lives on, so the transaction would too.
    fn leave(&self, reader_lock: Option<ReaderLock>) {
        if let Some(mut reader_lock) = reader_lock {
            let _ = reader_lock.end_past_signals(self.access, &WaitLimit::ENDLESS);
        }
    }

    fn unless_left(&self, code: Hresult) -> Result<()> {
        match self.disposition {
            Disposition::Leave => Ok(()),
            _ => Err(code),
        }
    }

    /// Keeps the others away until the card is disposed of. A thread that does not wait for them is not ready.
    fn alone_to_dispose(&self, icc: Icc, is_alone: bool) -> Result<Option<Hold>> {
        if is_alone || self.disposition == Disposition::Leave {
            return Ok(None);
        }
        let limit = WaitLimit::ENDLESS;
        let line = Waiting { manager: self.manager, icc: Some(icc), limit: &limit, reconnects: true };
        Arbiter::hold(&self.registration, &limit, &self.waker, &line).map(Some)
    }
}

impl Drop for Remains {
    fn drop(&mut self) {
        // Nobody is left who could be told.
        if self.close().is_err() && self.connection.is_some() {
            // There was no memory for a thread that may wait for the others.
            self.disposition = Disposition::Leave;
            let _ = self.close();
        }
    }
}

//! The end of an attachment: how its connection is closed, and on which thread.

use std::sync::PoisonError;
use std::time::Duration;

use super::connection::Connection;
use super::lock::Waiting;
use super::reader_lock::ReaderLock;
use super::{Attachment, Facts, Ownership};
use crate::abi::constants::{Access, Disposition};
use crate::abi::hresult::{Hresult, Result};
use crate::arbiter::registry::Registration;
use crate::arbiter::{Arbiter, Hold};
use crate::resource_manager::{Icc, ResourceManager};
use crate::runtime::cancel::Waker;
use crate::runtime::fallible::Arc;
use crate::runtime::reentrancy;
use crate::runtime::thread;
use crate::runtime::wait::{WaitLimit, in_future};

/// How long a thread waits for another thread that closes the attachment.
const MOMENT: Duration = Duration::from_millis(20);

/// The parts of an attachment that has ended. Dropping them closes the connection.
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
    /// Ends the attachment, without a limit. A connection that is already lost is a failure only if the card was to be
    /// disposed of.
    pub fn close(&mut self) -> Result<()> {
        let Some(mut remains) = self.take_remains() else { return Ok(()) };
        match remains.close() {
            Err(Hresult::SCARD_E_NOT_READY) if remains.connection.is_some() => {
                remains.close_on_other_thread();
                Ok(())
            }
            closed => closed,
        }
    }

    /// Fails on a thread that must not wait for the other attachments, if the disposal of the card would. If another
    /// call on this attachment is under way, it ends the attachment when it returns.
    pub(super) fn may_dispose(&self) -> Result<()> {
        let Some(session) = self.try_begin_call() else { return Ok(()) };
        if !reentrancy::is_called() || session.locks.reader.is_some() || self.registration.is_free() {
            return Ok(());
        }
        Err(Hresult::SCARD_E_NOT_READY)
    }

    /// None if the attachment has already ended.
    fn take_remains(&mut self) -> Option<Remains> {
        let Facts { ownership, disposition, .. } = *self.facts();
        let session = self.session.get_mut().unwrap_or_else(PoisonError::into_inner);
        let connection = session.connection.close()?;
        session.response.close(&self.registration.spare);
        Some(Remains {
            manager: self.manager,
            ownership,
            access: session.connection.access(),
            disposition,
            connection: Some(connection),
            reader_lock: session.locks.reader.take(),
            registration: self.registration.clone(),
            waker: self.waker.clone(),
        })
    }
}

impl Drop for Attachment {
    /// Runs on the thread that uses the attachment last. Its call is another one than the detach, and may have a limit.
    fn drop(&mut self) {
        if !self.is_of_this_process() {
            // The lock belongs to the parent process, and its transaction goes on.
            let session = self.session.get_mut().unwrap_or_else(PoisonError::into_inner);
            std::mem::forget(session.locks.reader.take());
        } else if let Some(remains) = self.take_remains() {
            remains.close_on_other_thread();
        }
    }
}

impl Remains {
    /// Closes on a thread of the library. This thread waits for it only for a moment, which is mostly enough.
    fn close_on_other_thread(mut self) {
        let waker = self.waker.clone();
        let seen_wakes = waker.wakes();
        // If there is no thread, the closure is dropped, which closes on this one.
        let spawned = thread::spawn(move || {
            let _ = self.close();
            self.waker.wake();
        });
        if spawned.is_ok() {
            waker.sleep(seen_wakes, in_future(MOMENT));
        }
    }

    fn close(&mut self) -> Result<()> {
        let (connection, reader_lock) = (self.connection.take(), self.reader_lock.take());
        match (connection, self.ownership) {
            (None, _) => Ok(()),
            (Some(connection), Ownership::Borrowed) => {
                self.end_transaction(reader_lock);
                connection.map(drop).or_else(|code| self.failure_to_dispose(code))
            }
            (Some(Err(code)), Ownership::Owned) => self.failure_to_dispose(code),
            (Some(Ok(connection)), Ownership::Owned) => {
                let alone = self.hold_to_dispose(connection.icc, reader_lock.is_some());
                if alone.as_ref().is_err_and(|code| *code == Hresult::SCARD_E_NOT_READY) {
                    (self.connection, self.reader_lock) = (Some(Ok(connection)), reader_lock);
                    return Err(Hresult::SCARD_E_NOT_READY);
                }
                // The transaction ends with the connection, and not before.
                let closed = connection.close(self.manager, self.disposition);
                if let Some(mut reader_lock) = reader_lock {
                    reader_lock.connection_closed();
                }
                closed
            }
        }
    }

    /// A borrowed handle stays connected, so its transaction would stay open.
    fn end_transaction(&self, reader_lock: Option<ReaderLock>) {
        if let Some(mut reader_lock) = reader_lock {
            let _ = reader_lock.end_past_signals(self.access, &WaitLimit::ENDLESS);
        }
    }

    /// Without a connection a card is left as it is, but cannot be disposed of.
    fn failure_to_dispose(&self, code: Hresult) -> Result<()> {
        match self.disposition {
            Disposition::Leave => Ok(()),
            _ => Err(code),
        }
    }

    /// Keeps the other attachments away until the card is disposed of. Fails on a thread that must not wait for them.
    fn hold_to_dispose(&self, icc: Icc, is_alone: bool) -> Result<Option<Hold>> {
        if is_alone || self.disposition == Disposition::Leave {
            return Ok(None);
        }
        let limit = WaitLimit::ENDLESS;
        let waiting = Waiting { manager: self.manager, icc: Some(icc), limit: &limit, reconnects: true };
        Arbiter::hold(&self.registration, &limit, &self.waker, &waiting).map(Some)
    }
}

impl Drop for Remains {
    fn drop(&mut self) {
        // No caller is left who could be told of a failure.
        if self.close().is_err() && self.connection.is_some() {
            // There was no memory for a thread that may wait for the other attachments.
            self.disposition = Disposition::Leave;
            let _ = self.close();
        }
    }
}

//! The end of an attachment: what it leaves behind, and where that is closed.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::link::Link;
use super::lock::Waiting;
use super::possession::Possession;
use super::{Attachment, Facts, Ownership};
use crate::arbiter::seat::Seat;
use crate::arbiter::{Arbiter, Hold};
use crate::hresult::{Hresult, Result};
use crate::occupation;
use crate::patience::{Bell, Patience};
use crate::shared::Shared;
use crate::subsystem::{Icc, Subsystem};
use crate::thread;
use crate::type_library::{Access, Disposition};

/// How long the last thread to leave an attachment stays to see its end.
const MOMENT: Duration = Duration::from_millis(20);

/// What an attachment leaves behind. It is closed when it is dropped.
struct Remains {
    subsystem: &'static dyn Subsystem,
    ownership: Ownership,
    access: Access,
    disposition: Disposition,
    /// None once it is closed.
    link: Option<Result<Link>>,
    possession: Option<Possession>,
    seat: Seat,
    bell: Shared<Bell>,
}

impl Attachment {
    /// Ends the attachment, however long that takes. That there is nothing left to end is no failure, unless the card was to be
    /// disposed of.
    pub fn close(&mut self) -> Result<()> {
        let Some(mut remains) = self.take_remains() else { return Ok(()) };
        match remains.close() {
            Err(Hresult::SCARD_E_NOT_READY) if remains.link.is_some() => {
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
        if !occupation::is_called() || session.possession.is_some() || self.seat.is_free() {
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
            subsystem: self.subsystem,
            ownership,
            access: session.access,
            disposition: parting,
            link: Some(std::mem::replace(&mut session.link, Err(Hresult::E_HANDLE))),
            possession: session.possession.take(),
            seat: self.seat.clone(),
            bell: self.bell.clone(),
        })
    }
}

impl Drop for Attachment {
    /// The last thread to leave is one whose call had nothing to do with the end, and perhaps a limit.
    fn drop(&mut self) {
        if !self.is_of_this_process() {
            // The lock is the parent's, and its transaction goes on.
            let session = self.session.get_mut().unwrap_or_else(PoisonError::into_inner);
            std::mem::forget(session.possession.take());
        } else if let Some(remains) = self.take_remains() {
            remains.close_elsewhere();
        }
    }
}

impl Remains {
    /// Closes on a thread of the library's, which this one does not wait for but a moment: mostly that is enough.
    fn close_elsewhere(mut self) {
        let bell = self.bell.clone();
        let heard = bell.rings();
        // Where no thread can be had, what it was to do is dropped, and so done here.
        let spawned = thread::spawn(move || {
            let _ = self.close();
            self.bell.ring();
        });
        if spawned.is_ok() {
            bell.sleep(heard, Some(Instant::now() + MOMENT));
        }
    }

    fn close(&mut self) -> Result<()> {
        let (link, possession) = (self.link.take(), self.possession.take());
        match (link, self.ownership) {
            (None, _) => Ok(()),
            (Some(link), Ownership::Borrowed) => {
                self.leave(possession);
                link.map(drop).or_else(|code| self.unless_left(code))
            }
            (Some(Err(code)), Ownership::Owned) => self.unless_left(code),
            (Some(Ok(link)), Ownership::Owned) => {
                let alone = self.alone_to_dispose(link.icc, possession.is_some());
                if alone.as_ref().is_err_and(|code| *code == Hresult::SCARD_E_NOT_READY) {
                    (self.link, self.possession) = (Some(Ok(link)), possession);
                    return Err(Hresult::SCARD_E_NOT_READY);
                }
                // The transaction ends with the connection, and not before.
                let closed = link.close(self.subsystem, self.disposition);
                if let Some(mut possession) = possession {
                    possession.lapse();
                }
                closed
            }
        }
    }

    /// The handle lives on, so the transaction would too.
    fn leave(&self, possession: Option<Possession>) {
        if let Some(mut possession) = possession {
            let _ = possession.end_past_signals(self.access, &Patience::ENDLESS);
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
        let patience = Patience::ENDLESS;
        let line = Waiting { subsystem: self.subsystem, icc: Some(icc), patience: &patience, reconnects: true };
        Arbiter::hold(&self.seat, &patience, &self.bell, &line).map(Some)
    }
}

impl Drop for Remains {
    fn drop(&mut self) {
        // Nobody is left who could be told.
        if self.close().is_err() && self.link.is_some() {
            // There was no memory for a thread that may wait for the others.
            self.disposition = Disposition::Leave;
            let _ = self.close();
        }
    }
}

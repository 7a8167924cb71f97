//! The application that a program's callback has selected, and whether the callback may have to select it again.

use super::Attachment;
use super::session::Session;
use crate::abi::constants::ShareMode;
use crate::abi::hresult::Result;
use crate::runtime::wait::WaitLimit;

/// A callback that selects an application, and its data: two addresses that are only compared.
pub type Selector = (usize, usize);

/// The situation in which an application was selected. In another situation it may be selected no more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    generation: u64,
    /// How many attachments to the reader this process has made.
    arrivals: u64,
    /// The number of the lock, because others can use the card between two locks; 0 if nobody else can use it.
    lock: u64,
}

impl Attachment {
    /// Locks the card, and tells whether the application may have to be selected again. That is so after a loss since
    /// `note_application`, after other applications may have used the card between two locks, and after another
    /// selection.
    pub fn lock_for_application(&self, selector: Selector, timeout_ms: u32) -> Result<bool> {
        let limit = WaitLimit::of_ms(timeout_ms, &self.waker);
        let mut session = self.begin_call_within(&limit)?;
        // Memory comes first, because a failure would have to give the lock back.
        session.knowledge()?.selecting.try_reserve(1)?;
        self.take_lock(&mut session, &limit)?;
        session.locks.of_calls += 1;
        let situation = self.situation(&session);
        let knowledge = session.knowledge()?;
        let is_selecting = knowledge.selecting.iter().any(|(selecting, _)| *selecting == selector);
        let is_due = knowledge.application != Some((selector, situation)) && !is_selecting;
        if is_due {
            knowledge.selecting.push((selector, situation));
        }
        Ok(is_due)
    }

    /// Remembers that the application is selected, or could not be. An event during the selection may have undone it.
    pub fn note_application(&self, selector: Selector, selected: bool) -> Result<()> {
        let mut session = self.begin_call()?;
        let situation = self.situation(&session);
        let knowledge = session.knowledge()?;
        let before = knowledge.selecting.iter().rposition(|(selecting, _)| *selecting == selector);
        let before = before.map(|place| knowledge.selecting.remove(place));
        knowledge.application = Some((selector, situation)).filter(|now| selected && before == Some(*now));
        Ok(())
    }

    fn situation(&self, session: &Session) -> Situation {
        let (users, arrivals) = self.registration.users_and_arrivals();
        let is_exclusive =
            session.connection.get().is_ok_and(|connection| connection.share_mode == ShareMode::Exclusive);
        let alone = !self.is_known_to_others() && (is_exclusive || users == 1 && self.manager.is_private());
        let lock = if alone { 0 } else { session.locks.number };
        Situation { generation: self.generation(), arrivals, lock }
    }
}

//! The application that a hook has selected, and whether it may have to be selected again.

use super::Attachment;
use super::session::Session;
use crate::abi::constants::{Disposition, ShareMode};
use crate::abi::hresult::Result;
use crate::runtime::wait::WaitLimit;

/// Who selects an application: a hook with its data, as addresses that are compared and nothing else.
pub type Selector = (usize, usize);

/// Who may use the card, and what has happened to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Company {
    generation: u64,
    /// How many have come to the reader in this process.
    arrivals: u64,
    /// The number of the lock, because others can use the card between two of them; 0 where nobody else can.
    lock: u64,
}

impl Attachment {
    /// Locks the card, and tells whether an application may have to be selected again: there was a loss since `note_application`,
    /// or the lock is another one and somebody else may have used the card in between, or something else was selected.
    pub fn lock_for_application(&self, selector: Selector, timeout_ms: u32) -> Result<bool> {
        let limit = WaitLimit::of_ms(timeout_ms, &self.waker);
        let mut session = self.enter(&limit)?;
        self.take_lock(&mut session, &limit)?;
        let company = self.company(&session);
        let knowledge = &mut session.knowledge;
        let is_selecting = knowledge.selecting.iter().any(|(who, _)| *who == selector);
        let is_due = knowledge.application != Some((selector, company)) && !is_selecting;
        if is_due {
            if let Err(code) = knowledge.selecting.try_reserve(1) {
                let _ = self.give_lock(&mut session, Disposition::Leave, &limit);
                return Err(code.into());
            }
            knowledge.selecting.push((selector, company));
        }
        session.locks_of_calls += 1;
        Ok(is_due)
    }

    /// The application is selected, or could not be. What happened to the card meanwhile may have undone it.
    pub fn note_application(&self, selector: Selector, selected: bool) -> Result<()> {
        let mut session = self.enter_at_length()?;
        let company = self.company(&session);
        let knowledge = &mut session.knowledge;
        let before = knowledge.selecting.iter().rposition(|(who, _)| *who == selector);
        let before = before.map(|place| knowledge.selecting.remove(place));
        knowledge.application = Some((selector, company)).filter(|now| selected && before == Some(*now));
        Ok(())
    }

    fn company(&self, session: &Session) -> Company {
        let (users, arrivals) = self.registration.company();
        let is_exclusive = session.connection.is_ok_and(|connection| connection.share_mode == ShareMode::Exclusive);
        let alone = !self.is_known_to_others() && (is_exclusive || users == 1 && self.manager.is_private());
        let lock = if alone { 0 } else { session.lock_number };
        Company { generation: self.generation(), arrivals, lock }
    }
}

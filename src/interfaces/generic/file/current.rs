//! How a file becomes the current file of the card, to which commands refer.

use super::GenericFile;
use crate::abi::hresult::Result;
use crate::attachment::knowledge::Selection;
use crate::attachment::transaction::Transaction;
use crate::interfaces::generic::binary::Refusal;
use crate::interfaces::generic::selection::{Expected, enter_directory, make_current};
use crate::iso7816::status_word::StatusWord;

impl GenericFile {
    /// Makes the file the current one. A file that is known by its short identifier becomes the current one with the
    /// first command that names it, so its directory is entered.
    pub fn make_current(&self, card: &mut Transaction) -> Result<()> {
        match self.path.short_id() {
            None => make_current(card, &self.path, Expected::File),
            Some(_) if self.is_current(card) => Ok(()),
            Some(_) => enter_directory(card, &self.path.without_short_id()),
        }
    }

    /// Makes the file the current one again if `status` says that the card has lost it. Returns whether it has.
    pub fn recover(&self, card: &mut Transaction, status: StatusWord) -> Result<bool> {
        let is_lost = Refusal::is_of_other_file(status);
        if is_lost {
            card.set_selection(None);
            self.make_current(card)?;
        }
        Ok(is_lost)
    }

    /// Notes the selection after a command that named the file by its short identifier: the file is the current one.
    /// After a command that failed, cards differ, so no file is known to be current.
    pub fn note_named(&self, card: &mut Transaction, status: StatusWord) {
        if self.path.short_id().is_none() || self.is_current(card) {
            return;
        }
        let directory = self.path.without_short_id();
        let file = if status.is_done() { self.path } else { directory };
        card.set_selection(Some(Selection { file, directory: Some(directory) }));
    }

    /// Whether a command can refer to the file as the current one.
    pub fn is_current(&self, card: &Transaction) -> bool {
        card.selection().is_some_and(|selection| selection.file == self.path)
    }
}

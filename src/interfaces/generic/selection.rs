//! SELECT of a file (ISO/IEC 7816-4, 11.2.2), in as few commands as the card allows.

pub mod name;
mod select_path;
pub mod sim;

use super::control_parameters::{ControlParameters, FileKind};
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::knowledge::Selection;
use crate::attachment::transaction::Transaction;
use crate::iso7816::command::{Command, ins};
use crate::iso7816::path::{Path, Root};
use crate::iso7816::status_word::StatusWord;
use name::from_known_root;
use select_path::SelectPath;

/// The information that the card is to give in the answer to SELECT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Requested {
    /// None, if the card can do that.
    Nothing,
    /// The control parameters.
    Parameters,
    /// Control parameters and management data.
    Everything,
}

/// The knowledge of the caller about a file before it is selected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// If it exists, it is a directory.
    Directory,
    /// It is known to be a file.
    File,
    Anything,
    /// Most likely it does not exist.
    Candidate,
}

/// Makes `path` the current file. Nothing is sent if it is known to be the current one.
pub fn make_current(card: &mut Transaction, path: &Path, expected: Expected) -> Result<()> {
    if card.selection().is_some_and(|selection| selection.file == *path) {
        return Ok(());
    }
    select(card, path, expected, Requested::Nothing, &mut Vec::new()).map(drop)
}

/// Selects `path`, and appends the answer of the card to `answer`. After a failure the selection is unknown.
pub fn select(
    card: &mut Transaction,
    path: &Path,
    expected: Expected,
    requested: Requested,
    answer: &mut Vec<u8>,
) -> Result<StatusWord> {
    let path = &from_known_root(card, path)?;
    let current = card.selection().and_then(|selection| selection.directory);
    card.set_selection(None);
    let begin = answer.len();
    let mut search = SelectPath { card, current, expected, requested, answer };
    let (status, current) = (search.go_to(path)?, search.current);
    if !is_selected(status) {
        // A SELECT that finds no file changes nothing (ISO/IEC 7816-4, 11.2.2).
        if let (StatusWord::FILE_NOT_FOUND, Expected::Candidate, Some(directory)) = (status, expected, current) {
            card.set_selection(Some(Selection { file: directory, directory: Some(directory) }));
        }
        return Err(missing(card, path, expected, status));
    }
    let reported = ControlParameters::read(answer.get(begin..).unwrap_or_default()).kind;
    let directory = match (reported, expected) {
        (Some(FileKind::Directory), _) => Some(*path),
        (Some(_), _) | (None, Expected::File) => path.parent().ok(),
        // A file with a name is a directory, and so is the MF.
        (None, _) => Some(*path).filter(|path| path.ids().is_empty()),
    };
    card.set_selection(Some(Selection { file: *path, directory }));
    Ok(status)
}

/// Whether a file is selected. A deactivated file gives a warning.
fn is_selected(status: StatusWord) -> bool {
    status == StatusWord::OK || status.more().is_some() || status.0 >> 8 == 0x62
}

/// The code for a file that is not found. The DF that contains it may be missing too.
fn missing(card: &mut Transaction, path: &Path, expected: Expected, status: StatusWord) -> Hresult {
    let code = match status {
        StatusWord::FILE_NOT_FOUND if expected == Expected::Candidate => Hresult::SCARD_E_FILE_NOT_FOUND,
        StatusWord::FILE_NOT_FOUND if expected == Expected::Directory => Hresult::SCARD_E_DIR_NOT_FOUND,
        StatusWord::FILE_NOT_FOUND => match has_directory(card, path) {
            Ok(true) => Hresult::SCARD_E_FILE_NOT_FOUND,
            Ok(false) => Hresult::SCARD_E_DIR_NOT_FOUND,
            Err(code) => return code,
        },
        status => status.failure(),
    };
    status.explains(code)
}

fn has_directory(card: &mut Transaction, path: &Path) -> Result<bool> {
    match path.parent() {
        // The MF exists, and a name that is not found has no DF above it.
        Ok(parent) if !parent.ids().is_empty() || parent.above() == 0 && parent.root() != Root::Mf => {
            let found = SelectPath::to_directory(card, &mut Vec::new()).go_to(&parent);
            Ok(card.unless_refused(found)?.is_some_and(is_selected))
        }
        _ => Ok(true),
    }
}

/// Makes `path` the current DF, and checks that it is a DF. If it is an EF, the DF that contains it stays the current
/// one.
pub fn enter_directory(card: &mut Transaction, path: &Path) -> Result<()> {
    if card.selection().is_some_and(|selection| selection.directory == Some(*path)) {
        return Ok(());
    }
    let mut answer = Vec::new();
    select(card, path, Expected::Directory, Requested::Parameters, &mut answer)?;
    match ControlParameters::read(&answer).kind {
        Some(FileKind::Directory) => Ok(()),
        None if path.ids().is_empty() || !is_readable(card)? => Ok(()),
        _ => Err(Hresult::SCARD_E_NO_DIR),
    }
}

/// Whether the current file has bytes or records to be read. A directory has none.
fn is_readable(card: &mut Transaction) -> Result<bool> {
    let status = card.send(&Command::new(ins::READ_BINARY, 0, 0).expecting(1), &mut Vec::new())?;
    Ok(status.is_done() || status == StatusWord::WRONG_STRUCTURE || status == StatusWord::WRONG_P1_P2)
}

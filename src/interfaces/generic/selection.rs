//! Selecting a file (ISO/IEC 7816-4, 11.2.2), in as few commands as the card allows.

pub mod name;
pub mod sim;
mod way;

use super::control_parameters::{ControlParameters, Kind};
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::knowledge::Selection;
use crate::attachment::transaction::Transaction;
use crate::iso7816::command::{Command, ins};
use crate::iso7816::path::{MF, Path, Root};
use crate::iso7816::status_word::StatusWord;
use name::from_known_root;
use way::{BY_ID, BY_NAME, BY_PATH_FROM_DF, BY_PATH_FROM_MF, ask, descend};

/// What the card answers to a SELECT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Telling {
    /// Nothing, where the card can do that.
    Nothing,
    /// The control parameters.
    Parameters,
    /// All there is: control parameters and management data.
    Everything,
}

/// What is known of the kind of a file before it is selected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// A directory, if anything.
    Directory,
    /// It is known to be a file.
    File,
    Anything,
    /// It may well not be there.
    Candidate,
}

/// Makes `path` the current file. Nothing is sent when it is known to be that, and nobody wants to hear of it.
pub fn enter(card: &mut Transaction, path: &Path, expected: Expected) -> Result<()> {
    if card.selection().is_some_and(|selection| selection.file == *path) {
        return Ok(());
    }
    select(card, path, expected, Telling::Nothing, &mut Vec::new()).map(drop)
}

/// Selects `path`, and puts what the card tells of it behind `answer`. A failure leaves the selection unknown.
pub fn select(
    card: &mut Transaction,
    path: &Path,
    expected: Expected,
    telling: Telling,
    answer: &mut Vec<u8>,
) -> Result<StatusWord> {
    let path = &from_known_root(card, path)?;
    let mut current = card.selection().and_then(|selection| selection.directory);
    card.set_selection(None);
    let begin = answer.len();
    let status = walk(card, path, &mut current, expected, telling, answer)?;
    if !is_selected(status) {
        // What is not found changes nothing (ISO/IEC 7816-4, 11.2.2).
        if let (StatusWord::FILE_NOT_FOUND, Expected::Candidate, Some(directory)) = (status, expected, current) {
            card.set_selection(Some(Selection { file: directory, directory: Some(directory) }));
        }
        return Err(missing(card, path, expected, status));
    }
    let told = ControlParameters::read(answer.get(begin..).unwrap_or_default()).kind;
    let directory = match (told, expected) {
        (Some(Kind::Directory), _) => Some(*path),
        (Some(_), _) | (None, Expected::File) => path.parent().ok(),
        // What has a name is a directory, and so is the MF.
        (None, _) => Some(*path).filter(|path| path.ids().is_empty()),
    };
    card.set_selection(Some(Selection { file: *path, directory }));
    Ok(status)
}

/// Whether a file is selected; that it is deactivated is a warning.
fn is_selected(status: StatusWord) -> bool {
    status == StatusWord::OK || status.more().is_some() || status.0 >> 8 == 0x62
}

/// Where there is no such file, the DF that it would be in may be missing too.
fn missing(card: &mut Transaction, path: &Path, expected: Expected, status: StatusWord) -> Hresult {
    match status {
        StatusWord::FILE_NOT_FOUND if expected == Expected::Candidate => Hresult::SCARD_E_FILE_NOT_FOUND,
        StatusWord::FILE_NOT_FOUND if expected == Expected::Directory => Hresult::SCARD_E_DIR_NOT_FOUND,
        StatusWord::FILE_NOT_FOUND => match has_directory(card, path) {
            Ok(true) => Hresult::SCARD_E_FILE_NOT_FOUND,
            Ok(false) => Hresult::SCARD_E_DIR_NOT_FOUND,
            Err(code) => code,
        },
        status => status.failure(),
    }
}

fn has_directory(card: &mut Transaction, path: &Path) -> Result<bool> {
    match path.parent() {
        // There is an MF, and a name that is not found has no DF above it.
        Ok(parent) if !parent.ids().is_empty() || parent.above() == 0 && parent.root() != Root::Mf => {
            let found = walk(card, &parent, &mut None, Expected::Directory, Telling::Nothing, &mut Vec::new());
            Ok(card.given(found)?.is_some_and(is_selected))
        }
        _ => Ok(true),
    }
}

/// Makes `path` the current DF, and sees that it is one: where it is a file the card stays in the DF that this is in.
pub fn enter_directory(card: &mut Transaction, path: &Path) -> Result<()> {
    if card.selection().is_some_and(|selection| selection.directory == Some(*path)) {
        return Ok(());
    }
    let mut answer = Vec::new();
    select(card, path, Expected::Directory, Telling::Parameters, &mut answer)?;
    match ControlParameters::read(&answer).kind {
        Some(Kind::Directory) => Ok(()),
        None if path.ids().is_empty() || !is_readable(card)? => Ok(()),
        _ => Err(Hresult::SCARD_E_NO_DIR),
    }
}

/// Whether there is something to be read, of bytes or in records: a directory has nothing.
fn is_readable(card: &mut Transaction) -> Result<bool> {
    let status = card.send(&Command::new(ins::READ_BINARY, 0, 0).expecting(1), &mut Vec::new())?;
    Ok(status.is_done() || status == StatusWord::WRONG_STRUCTURE || status == StatusWord::WRONG_P1_P2)
}

/// Goes to `path`, from the current DF if that is known and on the way. `current` is where the card still is when the last of it is
/// not found, if that is known. A card turns out to be a SIM when it refuses a SELECT, and then it has selected nothing.
fn walk(
    card: &mut Transaction,
    path: &Path,
    current: &mut Option<Path>,
    expected: Expected,
    telling: Telling,
    answer: &mut Vec<u8>,
) -> Result<StatusWord> {
    if !card.is_sim() {
        let status = walk_any_way(card, path, current, expected, telling, answer)?;
        if !card.is_sim() {
            return Ok(status);
        }
        *current = None;
    }
    sim::walk(card, path, current, expected, telling, answer)
}

/// The same with the SELECT of ISO/IEC 7816-4, in a way that the card knows.
fn walk_any_way(
    card: &mut Transaction,
    path: &Path,
    current: &mut Option<Path>,
    expected: Expected,
    telling: Telling,
    answer: &mut Vec<u8>,
) -> Result<StatusWord> {
    match path.root() {
        Root::Mf if path.ids().is_empty() => ask(card, BY_ID, &MF.to_be_bytes(), telling, answer),
        Root::Mf => descend(card, path.ids(), BY_PATH_FROM_MF, current, expected, telling, answer),
        Root::Name(name) if path.ids().is_empty() => ask(card, BY_NAME, name.as_bytes(), telling, answer),
        Root::Name(name) => {
            let known = current.filter(|current| current.root() == path.root() && current.above() == 0);
            let ahead = known.and_then(|current| path.ids().strip_prefix(current.ids())).filter(|ids| !ids.is_empty());
            if let Some(ids) = ahead {
                return descend(card, ids, BY_PATH_FROM_DF, current, expected, telling, answer);
            }
            let status = ask(card, BY_NAME, name.as_bytes(), Telling::Nothing, &mut Vec::new())?;
            if !is_selected(status) {
                *current = None;
                return Ok(status);
            }
            *current = Some(Path::of(path.root()));
            descend(card, path.ids(), BY_PATH_FROM_DF, current, expected, telling, answer)
        }
    }
}

//! Selecting a file (ISO/IEC 7816-4, 11.2.2), in as few commands as the card allows.

use super::control_parameters::{self, ControlParameters, Kind, NAME};
use crate::attachment::conversation::{Conversation, Habits, Selection};
use crate::command::status_word::StatusWord;
use crate::command::{ins, Command, SHORT_RESPONSE};
use crate::hresult::{Hresult, Result};
use crate::path::{Path, Root, MAX_DEPTH, MF};

/// P1 of SELECT.
const BY_ID: u8 = 0x00;
const CHILD_DF: u8 = 0x01;
const CHILD_EF: u8 = 0x02;
const PARENT: u8 = 0x03;
const BY_NAME: u8 = 0x04;
const BY_PATH_FROM_MF: u8 = 0x08;
const BY_PATH_FROM_DF: u8 = 0x09;
/// P2 of SELECT: what the card answers.
const FCI: u8 = 0x00;
const FCP: u8 = 0x04;
const NOTHING: u8 = 0x0C;

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
    Directory,
    File,
    Anything,
    /// It may well not be there.
    Candidate,
}

/// Makes `path` the current file. Nothing is sent when it is known to be that, and nobody wants to hear of it.
pub fn enter(card: &mut Conversation, path: &Path, expected: Expected) -> Result<()> {
    if card.selection().is_some_and(|selection| selection.file == *path) {
        return Ok(());
    }
    select(card, path, expected, Telling::Nothing, &mut Vec::new()).map(drop)
}

/// Selects `path`, and puts what the card tells of it behind `answer`. A failure leaves the selection unknown.
pub fn select(
    card: &mut Conversation,
    path: &Path,
    expected: Expected,
    telling: Telling,
    answer: &mut Vec<u8>,
) -> Result<StatusWord> {
    let path = &from_known_root(card, path)?;
    let current = card.selection().and_then(|selection| selection.directory);
    card.set_selection(None);
    let begin = answer.len();
    let mut current = current;
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
        (Some(Kind::Directory), _) | (None, Expected::Directory) => Some(*path),
        (Some(_), _) | (None, Expected::File) => path.parent().ok(),
        (None, Expected::Anything | Expected::Candidate) => None,
    };
    card.set_selection(Some(Selection { file: *path, directory }));
    Ok(status)
}

/// Whether a file is selected; that it is deactivated is a warning.
fn is_selected(status: StatusWord) -> bool {
    status == StatusWord::OK || status.more().is_some() || status.0 >> 8 == 0x62
}

/// Where there is no such file, the DF that it would be in may be missing too.
fn missing(card: &mut Conversation, path: &Path, expected: Expected, status: StatusWord) -> Hresult {
    match status {
        StatusWord::FILE_NOT_FOUND if expected == Expected::Candidate => Hresult::SCARD_E_FILE_NOT_FOUND,
        StatusWord::FILE_NOT_FOUND if expected == Expected::Directory || !has_directory(card, path) => {
            Hresult::SCARD_E_DIR_NOT_FOUND
        }
        status => status.code(),
    }
}

fn has_directory(card: &mut Conversation, path: &Path) -> bool {
    match path.parent() {
        // There is an MF, and a name that is not found has no DF above it.
        Ok(parent) if !parent.ids().is_empty() || parent.above() == 0 && parent.root() != Root::Mf => {
            walk(card, &parent, &mut None, Expected::Directory, Telling::Nothing, &mut Vec::new())
                .is_ok_and(is_selected)
        }
        _ => true,
    }
}

/// The DF that a name has found, by its whole name: a card finds one also by the beginning of its name.
pub fn has_whole_name(path: &Path, answer: &[u8]) -> bool {
    match path.root() {
        Root::Name(name) if path.is_named() => {
            control_parameters::objects(answer).any(|object| object.tag == NAME && object.value == name.as_bytes())
        }
        _ => true,
    }
}

/// Goes to `path`, from the current DF if that is known and on the way. `current` is where the card still is when the last of it is
/// not found, if that is known.
fn walk(
    card: &mut Conversation,
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

/// Down the identifiers, at once or, where the card does not know that, one by one.
fn descend(
    card: &mut Conversation,
    ids: &[u16],
    from: u8,
    current: &mut Option<Path>,
    expected: Expected,
    telling: Telling,
    answer: &mut Vec<u8>,
) -> Result<StatusWord> {
    if !card.habits().steps {
        let (bytes, length) = bytes(ids);
        let before = *card.habits();
        let status = ask(card, from, bytes.get(..length).unwrap_or_default(), telling, answer)?;
        if !status.is_unknown_command() {
            return Ok(status);
        }
        // It was the path that was refused, and not how the card was to tell.
        *card.habits() = Habits { steps: true, ..before };
    }
    *current = None;
    if from == BY_PATH_FROM_MF {
        let status = ask(card, BY_ID, &MF.to_be_bytes(), Telling::Nothing, &mut Vec::new())?;
        if !is_selected(status) {
            return Ok(status);
        }
    }
    let Some((last, directories)) = ids.split_last() else { return Ok(StatusWord::OK) };
    for id in directories {
        let status = step(card, *id, Expected::Directory, Telling::Nothing, &mut Vec::new())?;
        if !is_selected(status) {
            return Ok(status);
        }
    }
    step(card, *last, expected, telling, answer)
}

/// Down one identifier. A card that is asked for just that identifier may find it beside or above the current DF too (ETSI TS
/// 102 221, 8.4.1), so it is asked for a child as long as it knows that.
fn step(
    card: &mut Conversation,
    id: u16,
    expected: Expected,
    telling: Telling,
    answer: &mut Vec<u8>,
) -> Result<StatusWord> {
    let ways: &[u8] = match expected {
        Expected::Directory => &[CHILD_DF],
        Expected::File => &[CHILD_EF],
        Expected::Anything | Expected::Candidate => &[CHILD_EF, CHILD_DF],
    };
    let mut is_answered = true;
    for way in ways {
        let place = usize::from(*way == CHILD_EF);
        if card.habits().knows_no_child.get(place) == Some(&true) {
            is_answered = false;
            continue;
        }
        let before = *card.habits();
        let status = ask(card, *way, &id.to_be_bytes(), telling, answer)?;
        if status.is_unknown_command() {
            *card.habits() = before;
            if let Some(knows_no_child) = card.habits().knows_no_child.get_mut(place) {
                *knows_no_child = true;
            }
            is_answered = false;
        } else if status != StatusWord::FILE_NOT_FOUND {
            return Ok(status);
        }
    }
    if is_answered {
        return Ok(StatusWord::FILE_NOT_FOUND);
    }
    ask(card, BY_ID, &id.to_be_bytes(), telling, answer)
}

fn bytes(ids: &[u16]) -> ([u8; 2 * MAX_DEPTH], usize) {
    let mut bytes = [0; 2 * MAX_DEPTH];
    for (place, id) in bytes.chunks_exact_mut(2).zip(ids) {
        place.copy_from_slice(&id.to_be_bytes());
    }
    (bytes, (2 * ids.len()).min(2 * MAX_DEPTH))
}

/// One SELECT, in the way that the card has not refused yet. A card that refuses has selected nothing.
fn ask(card: &mut Conversation, p1: u8, data: &[u8], telling: Telling, answer: &mut Vec<u8>) -> Result<StatusWord> {
    let select = |p2, ne| Command::new(ins::SELECT, p1, p2).with_data(data).expecting(ne);
    if telling == Telling::Nothing && !card.habits().tells_always {
        let status = card.send(&select(NOTHING, 0), answer)?;
        if !status.is_unknown_command() {
            return Ok(status);
        }
        card.habits().tells_always = true;
    }
    if telling != Telling::Everything && !card.habits().tells_fci {
        let status = card.send(&select(FCP, SHORT_RESPONSE), answer)?;
        if !status.is_unknown_command() {
            return Ok(status);
        }
        card.habits().tells_fci = true;
    }
    card.send(&select(FCI, SHORT_RESPONSE), answer)
}

/// The same path from the MF, where it begins above a DF that was found by its name: only the card knows where that is.
pub fn from_known_root(card: &mut Conversation, path: &Path) -> Result<Path> {
    let Root::Name(_) = path.root() else { return Ok(*path) };
    if path.above() == 0 {
        return Ok(*path);
    }
    let above = ancestors(card, &Path::of(path.root()))?;
    let keep = above.ids().len().checked_sub(path.above() - 1).ok_or(Hresult::SCARD_E_DIR_NOT_FOUND)?;
    let known = above.ids().get(..keep).unwrap_or_default();
    let root = known.iter().try_fold(Path::MF, |path, id| path.child(*id))?;
    path.below(root)
}

/// The DF that the DF `path` is in, as a path from the MF: the card is asked for one after the other.
fn ancestors(card: &mut Conversation, path: &Path) -> Result<Path> {
    select(card, path, Expected::Directory, Telling::Nothing, &mut Vec::new())?;
    card.set_selection(None);
    let (mut ids, mut depth) = ([0; MAX_DEPTH], 0);
    loop {
        let mut answer = Vec::new();
        let status = ask(card, PARENT, &[], Telling::Parameters, &mut answer)?;
        if !is_selected(status) {
            return Err(Hresult::SCARD_E_DIR_NOT_FOUND);
        }
        match ControlParameters::read(&answer).id {
            Some(MF) => break,
            Some(id) => *ids.get_mut(depth).ok_or(Hresult::SCARD_E_DIR_NOT_FOUND)? = id,
            None => return Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
        }
        depth += 1;
    }
    ids.get(..depth).unwrap_or_default().iter().rev().try_fold(Path::MF, |path, id| path.child(*id))
}

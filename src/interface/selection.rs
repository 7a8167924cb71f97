//! Selecting a file (ISO/IEC 7816-4, 11.2.2), in as few commands as the card allows.

use super::control_parameters::{self, ControlParameters, Kind, NAME};
use crate::attachment::conversation::{Conversation, Habits, Selection};
use crate::command::status_word::StatusWord;
use crate::command::{ins, Command, SHORT_RESPONSE};
use crate::hresult::{Hresult, Result};
use crate::path::{Name, Path, Root, MAX_DEPTH, MAX_NAME, MF};

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
    /// A directory, if anything.
    Directory,
    /// It is known to be a file.
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
fn missing(card: &mut Conversation, path: &Path, expected: Expected, status: StatusWord) -> Hresult {
    match status {
        StatusWord::FILE_NOT_FOUND if expected == Expected::Candidate => Hresult::SCARD_E_FILE_NOT_FOUND,
        StatusWord::FILE_NOT_FOUND if expected == Expected::Directory || !has_directory(card, path) => {
            Hresult::SCARD_E_DIR_NOT_FOUND
        }
        status => status.failure(),
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

/// Makes `path` the current DF, and sees that it is one: where it is a file the card stays in the DF that this is in.
pub fn enter_directory(card: &mut Conversation, path: &Path) -> Result<()> {
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
fn is_readable(card: &mut Conversation) -> Result<bool> {
    let status = card.send(&Command::new(ins::READ_BINARY, 0, 0).expecting(1), &mut Vec::new())?;
    Ok(status.is_done() || status == StatusWord::WRONG_STRUCTURE || status == StatusWord::WRONG_P1_P2)
}

/// The same path with the whole name of its root, as the card tells it: a card finds a DF also by the beginning of its name, and by
/// the same beginning another one later. Where it has to be `whole`, a beginning finds nothing.
pub fn with_whole_name(card: &mut Conversation, path: &Path, whole: bool) -> Result<Path> {
    let Root::Name(name) = path.root() else { return Ok(*path) };
    let current = card.selection().and_then(|selection| selection.directory);
    if !whole && current.is_some_and(|current| current.root() == path.root()) {
        return Ok(*path);
    }
    let root = Path::of(path.root());
    let mut answer = Vec::new();
    select(card, &root, Expected::Directory, Telling::Everything, &mut answer)?;
    if told_name(&answer).is_none() && whole {
        select(card, &root, Expected::Directory, Telling::Parameters, &mut answer)?;
    }
    match told_name(&answer) {
        Some(told) if told == name => Ok(*path),
        Some(_) if whole => Err(Hresult::SCARD_E_FILE_NOT_FOUND),
        Some(told) if told.as_bytes().starts_with(name.as_bytes()) => {
            let root = Path::of(Root::Name(told));
            card.set_selection(Some(Selection { file: root, directory: Some(root) }));
            Ok(path.with_root(Root::Name(told)))
        }
        None if whole && name.as_bytes().len() < MAX_NAME => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
        _ => Ok(*path),
    }
}

fn told_name(answer: &[u8]) -> Option<Name> {
    control_parameters::objects(answer)
        .find(|object| object.tag == NAME)
        .and_then(|object| Name::new(object.value).ok())
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
        let status = ask(card, from, bytes.get(..length).unwrap_or_default(), telling, answer)?;
        if !status.is_unknown_command() {
            return Ok(status);
        }
        card.habits().steps = true;
    }
    *current = None;
    if from == BY_PATH_FROM_MF {
        let status = ask(card, BY_ID, &MF.to_be_bytes(), Telling::Nothing, &mut Vec::new())?;
        if !is_selected(status) {
            return Ok(status);
        }
    }
    let Some((last, directories)) = ids.split_last() else { return Ok(StatusWord::OK) };
    let mut is_in_mf = from == BY_PATH_FROM_MF;
    for id in directories {
        let status = step(card, *id, is_in_mf, Expected::Directory, Telling::Nothing, &mut Vec::new())?;
        if !is_selected(status) {
            return Ok(status);
        }
        is_in_mf = false;
    }
    step(card, *last, is_in_mf, expected, telling, answer)
}

/// Down one identifier. A card that is asked for just that identifier may find a DF beside or above the current one too (ETSI TS
/// 102 221, 8.4.1), so it is asked for a child as long as it knows that. Where it does not, a DF is certain in the MF only.
fn step(
    card: &mut Conversation,
    id: u16,
    is_in_mf: bool,
    expected: Expected,
    telling: Telling,
    answer: &mut Vec<u8>,
) -> Result<StatusWord> {
    let begin = answer.len();
    let knows_files = match expected {
        Expected::Directory => None,
        _ => child(card, CHILD_EF, id, telling, answer)?,
    };
    if let Some(status) = knows_files.filter(|status| *status != StatusWord::FILE_NOT_FOUND) {
        return Ok(status);
    }
    let knows_directories = match expected {
        Expected::File => None,
        _ => child(card, CHILD_DF, id, telling, answer)?,
    };
    if let Some(status) = knows_directories.filter(|status| *status != StatusWord::FILE_NOT_FOUND) {
        return Ok(status);
    }
    match expected {
        Expected::Directory if knows_directories.is_some() => return Ok(StatusWord::FILE_NOT_FOUND),
        Expected::Directory if !is_in_mf => return Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
        Expected::File if knows_files.is_some() => return Ok(StatusWord::FILE_NOT_FOUND),
        _ if knows_files.is_some() && knows_directories.is_some() => return Ok(StatusWord::FILE_NOT_FOUND),
        _ => {}
    }
    let status = ask(card, BY_ID, &id.to_be_bytes(), telling, answer)?;
    let is_directory = match ControlParameters::read(answer.get(begin..).unwrap_or_default()).kind {
        Some(kind) => kind == Kind::Directory,
        None => expected != Expected::File,
    };
    match is_selected(status) && is_directory && !is_in_mf {
        true if knows_directories.is_some() || expected == Expected::Candidate => Ok(StatusWord::FILE_NOT_FOUND),
        true => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
        false => Ok(status),
    }
}

/// A child of the current DF; None where the card does not know that way of asking.
fn child(
    card: &mut Conversation,
    kind: u8,
    id: u16,
    telling: Telling,
    answer: &mut Vec<u8>,
) -> Result<Option<StatusWord>> {
    let place = usize::from(kind == CHILD_EF);
    if card.habits().knows_no_child.get(place) == Some(&true) {
        return Ok(None);
    }
    let status = ask(card, kind, &id.to_be_bytes(), telling, answer)?;
    if !status.is_unknown_command() {
        return Ok(Some(status));
    }
    if let Some(knows_no_child) = card.habits().knows_no_child.get_mut(place) {
        *knows_no_child = true;
    }
    Ok(None)
}

fn bytes(ids: &[u16]) -> ([u8; 2 * MAX_DEPTH], usize) {
    let mut bytes = [0; 2 * MAX_DEPTH];
    for (place, id) in bytes.chunks_exact_mut(2).zip(ids) {
        place.copy_from_slice(&id.to_be_bytes());
    }
    (bytes, (2 * ids.len()).min(2 * MAX_DEPTH))
}

/// One SELECT, in the ways of telling that the card has not refused yet. What it refuses is remembered when another way is answered: if
/// none is, it was something else. A card that refuses has selected nothing.
fn ask(card: &mut Conversation, p1: u8, data: &[u8], telling: Telling, answer: &mut Vec<u8>) -> Result<StatusWord> {
    let before = *card.habits();
    let ways: &[u8] = match telling {
        Telling::Nothing => &[NOTHING, FCP, FCI],
        Telling::Parameters => &[FCP, FCI, NOTHING],
        Telling::Everything => &[FCI, FCP, NOTHING],
    };
    let mut refused = StatusWord::WRONG_P1_P2;
    for (place, way) in ways.iter().enumerate() {
        let is_last = place + 1 == ways.len();
        if !is_last && card.habits().refuses(*way) {
            continue;
        }
        let ne = if *way == NOTHING { 0 } else { SHORT_RESPONSE };
        let begin = answer.len();
        let status = card.send(&Command::new(ins::SELECT, p1, *way).with_data(data).expecting(ne), answer)?;
        if !status.is_unknown_command() {
            return Ok(status);
        }
        answer.truncate(begin);
        card.habits().note_refusal(*way);
        refused = status;
    }
    *card.habits() = before;
    Ok(refused)
}

impl Habits {
    fn refuses(&self, way: u8) -> bool {
        match way {
            NOTHING => self.tells_always,
            FCP => self.tells_no_fcp,
            _ => self.tells_no_fci,
        }
    }

    fn note_refusal(&mut self, way: u8) {
        match way {
            NOTHING => self.tells_always = true,
            FCP => self.tells_no_fcp = true,
            _ => self.tells_no_fci = true,
        }
    }
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

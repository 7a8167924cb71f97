//! The files of a card: what ISCardFileAccess does.

use std::sync::{Mutex, PoisonError};

use super::binary::Refusal;
use super::control_parameters::{self, ControlParameters, Kind};
use super::file::File;
use super::selection::name;
use super::selection::{self, Expected, Telling, enter_directory, select};
use super::{creation, directory, properties, record};
use crate::abi::constants::Reference;
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::Attachment;
use crate::attachment::knowledge::Selection;
use crate::attachment::transaction::Transaction;
use crate::iso7816::command::{Command, SHORT_RESPONSE, ins};
use crate::iso7816::path::Path;
use crate::iso7816::status_word::StatusWord;
use crate::runtime::wait::SCM_INFINITE;

pub struct FileAccess {
    /// Held for a moment only.
    current: Mutex<Path>,
}

impl FileAccess {
    /// The MF is the current directory.
    pub fn new() -> FileAccess {
        FileAccess { current: Mutex::new(Path::MF) }
    }

    pub fn current_dir(&self) -> Path {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_current_dir(&self, path: Path) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = path;
    }

    /// Locks the card, and tries what `text` can mean until the card has it: what `act` makes of the first that is there. When
    /// none is, the likeliest is what was not found.
    fn find<T>(
        &self,
        attachment: &Attachment,
        reference: Reference,
        text: &[u8],
        act: impl FnMut(&mut Transaction, Reference, &Path) -> Result<T>,
    ) -> Result<T> {
        self.find_by(attachment, reference, text, false, act)
    }

    /// The same for what is to be changed as a whole: the beginning of a name is not enough for that.
    fn find_target<T>(
        &self,
        attachment: &Attachment,
        reference: Reference,
        text: &[u8],
        act: impl FnMut(&mut Transaction, Reference, &Path) -> Result<T>,
    ) -> Result<T> {
        self.find_by(attachment, reference, text, true, act)
    }

    fn find_by<T>(
        &self,
        attachment: &Attachment,
        reference: Reference,
        text: &[u8],
        whole: bool,
        mut act: impl FnMut(&mut Transaction, Reference, &Path) -> Result<T>,
    ) -> Result<T> {
        let meanings = Path::interpret(reference, text, &self.current_dir())?;
        attachment.converse(SCM_INFINITE, |card| {
            let mut missing = None;
            for (reference, path) in meanings.iter() {
                let path = name::with_whole_name(card, &path, whole);
                let path = path.and_then(|path| name::from_known_root(card, &path));
                match path.and_then(|path| act(card, reference, &path)) {
                    Err(code @ (Hresult::SCARD_E_FILE_NOT_FOUND | Hresult::SCARD_E_DIR_NOT_FOUND)) => {
                        missing = missing.or(Some(code));
                    }
                    found => return found,
                }
            }
            Err(missing.unwrap_or(Hresult::SCARD_E_FILE_NOT_FOUND))
        })
    }

    pub fn change_dir(&self, attachment: &Attachment, reference: Reference, text: &[u8]) -> Result<Reference> {
        self.find(attachment, reference, text, |card, reference, path| {
            if path.short_id().is_some() {
                return Err(Hresult::SCARD_E_NO_DIR);
            }
            selection::enter_directory(card, path)?;
            self.set_current_dir(*path);
            Ok(reference)
        })
    }

    /// What `text` is taken for, and the path of the file that is there.
    pub fn resolve(&self, attachment: &Attachment, reference: Reference, text: &[u8]) -> Result<(Reference, Path)> {
        self.find(attachment, reference, text, |card, reference, path| {
            if path.short_id().is_some() {
                open(card, reference, path)?;
            } else {
                look(card, path, Expected::Anything)?;
            }
            Ok((reference, *path))
        })
    }

    pub fn open(&self, attachment: &Attachment, reference: Reference, text: &[u8]) -> Result<File> {
        self.find(attachment, reference, text, open)
    }

    pub fn create(
        &self,
        attachment: &Attachment,
        reference: Reference,
        text: &[u8],
        objects: &[u8],
        preallocate: bool,
        content: &[u8],
    ) -> Result<()> {
        let current = self.current_dir();
        let (reference, path) = creation::place(reference, text, &current)?;
        let template = creation::describe(reference, &path, objects, content, preallocate)?;
        attachment.converse(SCM_INFINITE, |card| {
            let directory = match reference {
                Reference::Name => current,
                _ => path.parent()?,
            };
            let directory = name::with_whole_name(card, &directory, true)?;
            let directory = name::from_known_root(card, &directory)?;
            creation::create(card, &directory, &template)?;
            match path.ids().last() {
                Some(id) if !content.is_empty() => open(card, reference, &directory.child(*id)?)?.fill(card, content),
                _ => Ok(()),
            }
        })
    }

    pub fn delete(&self, attachment: &Attachment, reference: Reference, text: &[u8], recursive: bool) -> Result<()> {
        let current = self.current_dir();
        self.find_target(attachment, reference, text, |card, _, path| {
            // A current directory that is not there any more would be none.
            let is_above = current.root() == path.root() && current.ids().starts_with(path.ids());
            let above = path.parent().and_then(|above| name::from_known_root(card, &above));
            delete(card, path, recursive)?;
            // One that was found by its name may have been deleted by its identifier.
            let is_gone = is_above || recursive && is_missing(card, &current);
            if is_gone {
                self.set_current_dir(above.unwrap_or(Path::MF));
            }
            Ok(())
        })
    }

    /// The names of what is in the current directory, as far as the card lets it be known, each with an ending NUL.
    pub fn directory(
        &self,
        attachment: &Attachment,
        wanted: directory::Wanted,
        candidates: &directory::Candidates,
    ) -> Result<Vec<u8>> {
        let current = self.current_dir();
        attachment.converse(SCM_INFINITE, |card| directory::list(card, &current, wanted, candidates))
    }

    /// The data objects that the card tells of a file, those with the tags in `tags`, or all of them where that is empty.
    pub fn properties(
        &self,
        attachment: &Attachment,
        reference: Reference,
        text: &[u8],
        tags: &[u8],
        telling: Telling,
    ) -> Result<Vec<u8>> {
        self.find(attachment, reference, text, |card, _, path| {
            let mut answer = Vec::new();
            if path.short_id().is_some() {
                make_current(card, path)?;
                properties::of_current(card, &mut answer)?;
            } else {
                select(card, path, Expected::Anything, telling, &mut answer)?;
            }
            properties::choose(control_parameters::objects(&answer), tags)
        })
    }

    pub fn set_properties(
        &self,
        attachment: &Attachment,
        reference: Reference,
        text: &[u8],
        objects: &[u8],
    ) -> Result<()> {
        self.find_target(attachment, reference, text, |card, _, path| {
            target(card, path)?;
            properties::set(card, objects)
        })
    }

    /// DEACTIVATE FILE or ACTIVATE FILE (ISO/IEC 7816-9).
    pub fn set_active(&self, attachment: &Attachment, text: &[u8], active: bool) -> Result<()> {
        let ins = if active { ins::ACTIVATE_FILE } else { ins::DEACTIVATE_FILE };
        self.find_target(attachment, Reference::Any, text, |card, _, path| {
            target(card, path)?;
            succeed(card.send(&Command::new(ins, 0, 0), &mut Vec::new())?)
        })
    }

    /// What the card as a whole says of itself, as data objects.
    pub fn capabilities(&self, attachment: &Attachment, tags: &[u8]) -> Result<Vec<u8>> {
        attachment.converse(SCM_INFINITE, |card| properties::of_card(card, tags))
    }
}

/// Selects a file, and reads what the card tells of it.
pub fn look(card: &mut Transaction, path: &Path, expected: Expected) -> Result<ControlParameters> {
    let mut answer = Vec::new();
    select(card, path, expected, Telling::Parameters, &mut answer)?;
    Ok(ControlParameters::read(&answer))
}

pub fn succeed(status: StatusWord) -> Result<()> {
    if status.is_changed() { Ok(()) } else { Err(status.failure()) }
}

/// Selects what is to be changed as a whole, and gives what the card tells of it.
fn target(card: &mut Transaction, path: &Path) -> Result<ControlParameters> {
    match path.short_id() {
        Some(_) => make_current(card, path),
        None => look(card, path, Expected::Anything),
    }
}

/// Makes the file with a short identifier the current one. What cannot be read cannot be made that, and a command would be about the
/// directory.
fn make_current(card: &mut Transaction, path: &Path) -> Result<ControlParameters> {
    let (_, parameters, was_read) = open_by_short_id(card, path)?;
    was_read.then_some(parameters).ok_or(Hresult::SCARD_E_UNSUPPORTED_FEATURE)
}

/// DELETE FILE of what is selected (ISO/IEC 7816-9), which takes along what is in a directory. Whether that is empty no command
/// tells, so without `recursive` no directory is deleted, nor what could be one.
fn delete(card: &mut Transaction, path: &Path, recursive: bool) -> Result<()> {
    if path.short_id().is_some() {
        return Err(Hresult::E_INVALIDARG);
    }
    let kind = match target(card, path)?.kind {
        None if !recursive => {
            let probed = probe(card, 0, record::NUMBERED);
            card.given(probed)?.filter(|(_, was_read)| *was_read).map(|(kind, _)| kind)
        }
        kind => kind,
    };
    // A card that selects step by step may have found something beside the way.
    let is_certain = kind.is_some() || recursive && !card.habits().steps;
    if !is_certain || !recursive && kind == Some(Kind::Directory) {
        return Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE);
    }
    card.set_selection(None);
    succeed(card.send(&Command::new(ins::DELETE_FILE, 0, 0), &mut Vec::new())?)
}

fn open(card: &mut Transaction, reference: Reference, path: &Path) -> Result<File> {
    let number = card.card_number();
    if let Some(short_id) = path.short_id() {
        let (kind, told, _) = open_by_short_id(card, path)?;
        let parameters = ControlParameters { short_id: told.short_id.or(Some(short_id)), ..told };
        // Where the card tells its identifier the file can be selected as others are.
        let path = match told.id {
            Some(id) => path.without_short_id().child(id).unwrap_or(*path),
            None => *path,
        };
        return Ok(File::new(path, reference, kind, parameters, number));
    }
    // The MF is a directory, and so is what has a name.
    if path.ids().is_empty() {
        select(card, path, Expected::Directory, Telling::Nothing, &mut Vec::new())?;
        return Err(Hresult::SCARD_E_NO_FILE);
    }
    let parameters = look(card, path, Expected::Anything)?;
    let kind = match parameters.kind {
        Some(Kind::Directory) => return Err(Hresult::SCARD_E_NO_FILE),
        Some(kind) => kind,
        None => {
            let (kind, was_read) = probe(card, 0, record::NUMBERED)?;
            let directory = path.parent().ok().filter(|_| was_read);
            card.set_selection(Some(Selection { file: *path, directory }));
            kind
        }
    };
    let file = File::new(*path, reference, kind, parameters, number);
    if card.is_sim() {
        // It gives a record in no other length (3GPP TS 51.011, 9.2.5), so that none is longer.
        file.note_record_size();
    }
    Ok(file)
}

fn is_missing(card: &mut Transaction, directory: &Path) -> bool {
    let found = enter_directory(card, directory);
    matches!(found, Err(Hresult::SCARD_E_DIR_NOT_FOUND | Hresult::SCARD_E_FILE_NOT_FOUND))
}

/// A file that is known by its short identifier only cannot be selected, but read; then it is the current file, and some cards
/// tell its control parameters. What could not be read is not current, and theirs would be those of something else. Tells which
/// it is.
fn open_by_short_id(card: &mut Transaction, path: &Path) -> Result<(Kind, ControlParameters, bool)> {
    let directory = path.without_short_id();
    enter_directory(card, &directory)?;
    if card.is_sim() {
        // It would take the short identifier for a part of the offset.
        return Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE);
    }
    let short_id = path.short_id().unwrap_or(0);
    // The card may make it the current file, whatever it answers.
    card.set_selection(Some(Selection { file: directory, directory: Some(directory) }));
    let (kind, was_read) = probe(card, 0x80 | short_id, short_id << 3 | record::NUMBERED)?;
    if !was_read {
        return Ok((kind, ControlParameters::default(), false));
    }
    card.set_selection(Some(Selection { file: *path, directory: Some(directory) }));
    let mut answer = Vec::new();
    let told = properties::of_current(card, &mut answer).map(|()| ControlParameters::read(&answer));
    let told = card.given(told)?.unwrap_or_default();
    match told.kind {
        Some(told_kind) if told_kind.has_records() == kind.has_records() && told_kind != Kind::Directory => {
            Ok((told_kind, told, true))
        }
        _ => Ok((kind, ControlParameters::default(), true)),
    }
}

/// Finds out by reading whether a file has bytes or records, and whether it could be read. What kind of records cannot be told.
/// One that may not be read is taken for bytes. A card that does not know one of the two instructions, as those of EMV do not know READ
/// BINARY, has nothing that needs it.
fn probe(card: &mut Transaction, binary: u8, record: u8) -> Result<(Kind, bool)> {
    let refuses = |status: StatusWord| status.code() == Hresult::SCARD_W_SECURITY_VIOLATION;
    let read = Command::new(ins::READ_BINARY, binary, 0).expecting(1);
    let refused = match card.send(&read, &mut Vec::new())? {
        status if status.is_done() => return Ok((Kind::Transparent, true)),
        // An empty file has no first byte.
        status if refuses(status) || status == StatusWord::WRONG_P1_P2 => return Ok((Kind::Transparent, false)),
        status if !is_other_kind(status) && matches!(Refusal::of(status), Refusal::File | Refusal::State) => {
            return Err(status.failure());
        }
        status => status,
    };
    let read = Command::new(ins::READ_RECORD, 1, record).expecting(SHORT_RESPONSE);
    match card.send(&read, &mut Vec::new())? {
        status if status.is_done() => Ok((Kind::Variable, true)),
        status if refuses(status) || status == StatusWord::RECORD_NOT_FOUND => Ok((Kind::Variable, false)),
        // It has bytes, and not even a first one.
        status if is_other_kind(status) && !is_other_kind(refused) => Ok((Kind::Transparent, false)),
        // There is one, of another length, or records cannot be read here.
        status
            if is_other_kind(refused)
                && !is_other_kind(status)
                && Refusal::of(status).may_be_length()
                && !Refusal::is_of_other_file(status) =>
        {
            Ok((Kind::Variable, false))
        }
        status if refused == StatusWord::WRONG_STRUCTURE => Err(status.failure()),
        _ => Err(refused.failure()),
    }
}

/// Whether a card says that a file is not of the kind that the instruction is for, or that it has no files of that kind.
fn is_other_kind(status: StatusWord) -> bool {
    status == StatusWord::WRONG_STRUCTURE || Refusal::of(status) == Refusal::Command
}

//! The files of a card: what ISCardFileAccess does.

use std::sync::{Mutex, PoisonError};

use super::control_parameters::{self, ControlParameters, Kind};
use super::file::{Change, File};
use super::selection::{self, enter, select, Expected, Telling};
use super::{creation, directory, properties, record};
use crate::attachment::conversation::{Conversation, Selection};
use crate::attachment::Attachment;
use crate::command::status_word::StatusWord;
use crate::command::{ins, Command, SHORT_RESPONSE};
use crate::hresult::{Hresult, Result};
use crate::path::{Path, Root};
use crate::patience::SCM_INFINITE;
use crate::type_library::Reference;

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
        mut act: impl FnMut(&mut Conversation, Reference, &Path) -> Result<T>,
    ) -> Result<T> {
        let meanings = Path::interpret(reference, text, &self.current_dir())?;
        attachment.converse(SCM_INFINITE, |card| {
            let mut missing = None;
            for (reference, path) in meanings.iter() {
                let path = selection::from_known_root(card, &path)?;
                match act(card, reference, &path) {
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
            let told = look(card, path, Expected::Directory)?;
            if told.kind.is_some_and(|kind| kind != Kind::Directory) {
                return Err(Hresult::SCARD_E_NO_DIR);
            }
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
        let file = creation::describe(reference, &path, objects, content, preallocate)?;
        attachment.converse(SCM_INFINITE, |card| {
            let directory = match reference {
                Reference::Name => current,
                _ => path.parent()?,
            };
            let directory = selection::from_known_root(card, &directory)?;
            creation::create(card, &directory, &file)
        })?;
        if content.is_empty() {
            return Ok(());
        }
        let file = self.open(attachment, reference, text)?;
        let longest = match file.kind {
            Kind::Fixed | Kind::Cyclic => file.parameters.record_size.map_or(content.len(), |size| size as usize),
            _ => content.len(),
        };
        content.chunks(longest.max(1)).try_for_each(|part| file.write(attachment, Change::Replace(part), &mut 0))
    }

    pub fn delete(&self, attachment: &Attachment, reference: Reference, text: &[u8], recursive: bool) -> Result<()> {
        let gone = self.find(attachment, reference, text, |card, _, path| {
            directory::delete(card, path, recursive)?;
            Ok(*path)
        })?;
        // A current directory that is not there any more would be none.
        let mut current = self.current_dir();
        if current.root() == gone.root() && current.ids().starts_with(gone.ids()) {
            current = gone.parent().unwrap_or(Path::MF);
            self.set_current_dir(current);
        }
        Ok(())
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
                open(card, Reference::ShortId, path)?;
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
        self.find(attachment, reference, text, |card, _, path| {
            if path.short_id().is_some() {
                open(card, Reference::ShortId, path)?;
            } else {
                enter(card, path, Expected::Anything)?;
            }
            properties::set(card, objects)
        })
    }

    /// DEACTIVATE FILE or ACTIVATE FILE (ISO/IEC 7816-9).
    pub fn set_active(&self, attachment: &Attachment, text: &[u8], active: bool) -> Result<()> {
        let ins = if active { ins::ACTIVATE_FILE } else { ins::DEACTIVATE_FILE };
        self.find(attachment, Reference::Any, text, |card, _, path| {
            if path.short_id().is_some() {
                open(card, Reference::ShortId, path)?;
            } else {
                enter(card, path, Expected::Anything)?;
            }
            succeed(card.send(&Command::new(ins, 0, 0), &mut Vec::new())?)
        })
    }

    /// What the card as a whole says of itself, as data objects.
    pub fn capabilities(&self, attachment: &Attachment, tags: &[u8]) -> Result<Vec<u8>> {
        attachment.converse(SCM_INFINITE, |card| properties::of_card(card, tags))
    }
}

/// Selects a file, and reads what the card tells of it.
pub fn look(card: &mut Conversation, path: &Path, expected: Expected) -> Result<ControlParameters> {
    let mut answer = Vec::new();
    select(card, path, expected, Telling::Parameters, &mut answer)?;
    Ok(ControlParameters::read(&answer))
}

pub fn succeed(status: StatusWord) -> Result<()> {
    if status.is_done() {
        Ok(())
    } else {
        Err(status.code())
    }
}

fn open(card: &mut Conversation, reference: Reference, path: &Path) -> Result<File> {
    let number = card.card_number();
    if path.short_id().is_some() {
        let (kind, parameters) = open_by_short_id(card, path)?;
        return Ok(File::new(*path, reference, kind, parameters, number));
    }
    // The MF is a directory, and so is what has a name.
    if path.ids().is_empty() {
        select(card, path, Expected::Directory, Telling::Nothing, &mut Vec::new()).map_err(as_file)?;
        return Err(Hresult::SCARD_E_NO_FILE);
    }
    let parameters = look(card, path, Expected::File)?;
    let kind = match parameters.kind {
        Some(Kind::Directory) => return Err(Hresult::SCARD_E_NO_FILE),
        Some(kind) => kind,
        None => probe(card, 0, record::NUMBERED)?,
    };
    Ok(File::new(*path, reference, kind, parameters, number))
}

/// A name that is not found was to be that of a file.
fn as_file(code: Hresult) -> Hresult {
    match code {
        Hresult::SCARD_E_DIR_NOT_FOUND => Hresult::SCARD_E_FILE_NOT_FOUND,
        code => code,
    }
}

/// A file that is known by its short identifier only cannot be selected, but read; then it is the current file, and some cards
/// tell its control parameters.
fn open_by_short_id(card: &mut Conversation, path: &Path) -> Result<(Kind, ControlParameters)> {
    let directory = path.without_short_id();
    enter(card, &directory, Expected::Directory)?;
    let short_id = path.short_id().unwrap_or(0);
    let found = probe(card, 0x80 | short_id, short_id << 3 | record::NUMBERED)?;
    card.set_selection(Some(Selection { file: *path, directory: Some(directory) }));
    let mut answer = Vec::new();
    let parameters = match properties::of_current(card, &mut answer) {
        Ok(()) => ControlParameters::read(&answer),
        Err(_) => ControlParameters::default(),
    };
    Ok((parameters.kind.unwrap_or(found), parameters))
}

/// Finds out by reading whether a file has bytes or records; what kind of records cannot be told. One that may not be read is
/// taken for bytes.
fn probe(card: &mut Conversation, binary: u8, record: u8) -> Result<Kind> {
    let read = Command::new(ins::READ_BINARY, binary, 0).expecting(1);
    match card.send(&read, &mut Vec::new())? {
        status if status.is_done() || status.code() == Hresult::SCARD_W_SECURITY_VIOLATION => Ok(Kind::Transparent),
        // An empty file has no first byte.
        StatusWord::WRONG_P1_P2 => Ok(Kind::Transparent),
        StatusWord::WRONG_STRUCTURE => {
            let read = Command::new(ins::READ_RECORD, 1, record).expecting(SHORT_RESPONSE);
            match card.send(&read, &mut Vec::new())? {
                StatusWord::RECORD_NOT_FOUND => Ok(Kind::Variable),
                status if status.is_done() || status.code() == Hresult::SCARD_W_SECURITY_VIOLATION => {
                    Ok(Kind::Variable)
                }
                status => Err(status.code()),
            }
        }
        status => Err(status.code()),
    }
}

impl Path {
    /// Whether it may be the file that `Root::Name` finds, and so surely a directory.
    pub fn is_named(&self) -> bool {
        matches!(self.root(), Root::Name(_)) && self.ids().is_empty()
    }
}

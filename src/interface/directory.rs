//! What is in a directory. No command of ISO/IEC 7816-4 tells: the applications are in EF.DIR, and every other file has to be
//! tried.

use super::control_parameters::{ControlParameters, Kind};
use super::file_access::look;
use super::record;
use super::selection::{enter, enter_directory, select, Expected, Telling};
use crate::attachment::conversation::Conversation;
use crate::command::status_word::StatusWord;
use crate::command::{ins, Command, SHORT_RESPONSE};
use crate::hresult::{Hresult, Result};
use crate::path::{push_hex, Name, Path, Root, MF};
use crate::tlv;
use crate::type_library::{
    SCM_TYPE_ALL_FILES, SCM_TYPE_DIRECTORIES, SCM_TYPE_DIRECTORY_FILE, SCM_TYPE_FILES, SCM_TYPE_VARIABLE_EF,
};

/// EF.DIR (ISO/IEC 7816-4, 12.2.3): application templates with names.
const DIR: u16 = 0x2F00;
const APPLICATION_TEMPLATE: u32 = 0x61;
const APPLICATION_NAME: u32 = 0x4F;

/// What is to be listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted(u32);

impl Wanted {
    pub fn from_value(file_type: u32) -> Result<Wanted> {
        match file_type {
            SCM_TYPE_DIRECTORIES..=SCM_TYPE_VARIABLE_EF => Ok(Wanted(file_type)),
            _ => Err(Hresult::E_INVALIDARG),
        }
    }

    /// Of a file whose kind its card does not tell nothing is known but that it is there.
    fn includes(self, kind: Option<Kind>) -> bool {
        match (self.0, kind) {
            (SCM_TYPE_ALL_FILES, _) => true,
            (SCM_TYPE_DIRECTORIES | SCM_TYPE_DIRECTORY_FILE, kind) => kind == Some(Kind::Directory),
            (SCM_TYPE_FILES, kind) => kind != Some(Kind::Directory),
            (wanted, kind) => kind.is_some_and(|kind| kind.value() == wanted),
        }
    }
}

/// Which identifiers are tried.
#[derive(Clone, Debug)]
pub enum Candidates {
    /// Those that are in use on many cards.
    Usual,
    Range(std::ops::RangeInclusive<u16>),
}

/// The upper bytes of usual identifiers (ISO/IEC 7816-4: 2F; ISO/IEC 7816-15: 44, 50; and what vendors like).
const USUAL: [u8; 8] = [0x2F, 0x44, 0x45, 0x50, 0x00, 0x10, 0x40, 0x5F];
/// The lower bytes that are tried with each.
const USUAL_LOWER: u8 = 0x20;

impl Candidates {
    fn iter(&self) -> impl Iterator<Item = u16> {
        let (usual, range) = match self {
            Candidates::Usual => (&USUAL[..], None),
            Candidates::Range(range) => (&[][..], Some(range.clone())),
        };
        let usual =
            usual.iter().flat_map(|upper| (0..USUAL_LOWER).map(move |lower| u16::from_be_bytes([*upper, lower])));
        usual.chain(range.into_iter().flatten())
    }
}

/// The names of the files in `directory`, each with an ending NUL: identifiers, and the names of the applications that EF.DIR
/// has and no identifier.
pub fn list(card: &mut Conversation, directory: &Path, wanted: Wanted, candidates: &Candidates) -> Result<Vec<u8>> {
    enter_directory(card, directory)?;
    let mut names = Vec::new();
    for_each_file(card, directory, candidates, |_, id, parameters| {
        if wanted.includes(parameters.kind) {
            push_name(&mut names, &id.to_be_bytes())?;
        }
        Ok(())
    })?;
    if *directory == Path::MF && wanted.includes(Some(Kind::Directory)) {
        list_applications(card, &mut names)?;
    }
    Ok(names)
}

/// Selects each of the candidates that is there.
fn for_each_file(
    card: &mut Conversation,
    directory: &Path,
    candidates: &Candidates,
    mut tell: impl FnMut(&mut Conversation, u16, ControlParameters) -> Result<()>,
) -> Result<()> {
    for id in candidates.iter() {
        let Ok(path) = directory.child(id) else { continue };
        let mut answer = Vec::new();
        match select(card, &path, Expected::Candidate, Telling::Parameters, &mut answer) {
            Ok(_) => {}
            Err(code) if is_of_the_file(code) => continue,
            Err(code) => return Err(code),
        }
        let parameters = ControlParameters::read(&answer);
        // A card may look for an identifier above the directory too, and find the directory itself.
        if parameters.id.is_none_or(|told| told == id) {
            tell(card, id, parameters)?;
        }
    }
    Ok(())
}

/// Whether a failure is about one file, and not about the card or the connection.
fn is_of_the_file(code: Hresult) -> bool {
    matches!(
        code,
        Hresult::SCARD_E_FILE_NOT_FOUND
            | Hresult::SCARD_E_DIR_NOT_FOUND
            | Hresult::SCARD_W_SECURITY_VIOLATION
            | Hresult::SCARD_E_NO_ACCESS
            | Hresult::SCARD_E_INVALID_PARAMETER
            | Hresult::SCARD_E_UNSUPPORTED_FEATURE
            | Hresult::E_FAIL
    )
}

fn list_applications(card: &mut Conversation, names: &mut Vec<u8>) -> Result<()> {
    let mut content = Vec::new();
    read_dir(card, &mut content)?;
    for template in tlv::objects(&content).filter(|object| object.tag == APPLICATION_TEMPLATE) {
        let Some(name) = tlv::find(template.value, APPLICATION_NAME).and_then(|name| Name::new(name).ok()) else {
            continue;
        };
        let told = match look(card, &Path::of(Root::Name(name)), Expected::Directory) {
            Ok(told) => told,
            Err(code) if is_of_the_file(code) => continue,
            Err(code) => return Err(code),
        };
        let id = told.id.filter(|id| *id != MF).map(u16::to_be_bytes);
        let has_id = id.map_or(Ok(false), |id| has_name(names, &id))?;
        // The same application may be in there twice.
        if !has_id && !has_name(names, name.as_bytes())? {
            push_name(names, name.as_bytes())?;
        }
    }
    Ok(())
}

/// A card without EF.DIR has no list of applications.
fn read_dir(card: &mut Conversation, content: &mut Vec<u8>) -> Result<()> {
    match enter(card, &Path::MF.child(DIR)?, Expected::File) {
        Ok(()) => {}
        Err(code) if is_of_the_file(code) => return Ok(()),
        Err(code) => return Err(code),
    }
    while content.len() <= 0x7F00 {
        let [.., high, low] = content.len().to_be_bytes();
        let before = content.len();
        let read = Command::new(ins::READ_BINARY, high, low).expecting(SHORT_RESPONSE);
        match card.send(&read, content)? {
            StatusWord::WRONG_STRUCTURE => return read_records(card, content),
            // Some cards give less at once than they are asked for.
            status if !status.is_done() || status == StatusWord::END_OF_FILE || content.len() == before => break,
            _ => {}
        }
    }
    Ok(())
}

/// It may be a file of records too, a template in each.
fn read_records(card: &mut Conversation, content: &mut Vec<u8>) -> Result<()> {
    for number in 1..u8::MAX {
        let read = Command::new(ins::READ_RECORD, number, record::NUMBERED).expecting(SHORT_RESPONSE);
        if !card.send(&read, content)?.is_done() {
            break;
        }
    }
    Ok(())
}

fn has_name(names: &[u8], bytes: &[u8]) -> Result<bool> {
    let mut wanted = Vec::new();
    push_name(&mut wanted, bytes)?;
    Ok(names.split_inclusive(|byte| *byte == 0).any(|name| name == wanted))
}

fn push_name(names: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
    names.try_reserve(2 * bytes.len() + 1)?;
    push_hex(names, bytes);
    names.push(0);
    Ok(())
}

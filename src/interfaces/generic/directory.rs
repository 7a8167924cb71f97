//! The files in a directory. ISO/IEC 7816-4 has no command that lists them: the applications are in EF.DIR, and every
//! other file is tried.

use super::binary;
use super::control_parameters::{ControlParameters, FileKind};
use super::file::GenericFile;
use super::opening::select_and_read;
use super::record;
use super::selection::{Expected, Requested, enter_directory, make_current, select};
use crate::abi::cause::{OfArgument, refuse};
use crate::abi::constants::{
    SCM_TYPE_ALL_FILES, SCM_TYPE_DIRECTORIES, SCM_TYPE_DIRECTORY_FILE, SCM_TYPE_FILES, SCM_TYPE_VARIABLE_EF,
};
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::transaction::Transaction;
use crate::iso7816::command::{Command, SHORT_RESPONSE, ins};
use crate::iso7816::path::{DfName, MF, Path, Root, push_hex};
use crate::iso7816::tlv;

/// EF.DIR (ISO/IEC 7816-4, 12.2.3): application templates with names.
const DIR: u16 = 0x2F00;
const APPLICATION_TEMPLATE: u32 = 0x61;
const APPLICATION_NAME: u32 = 0x4F;
/// At most this many bytes of it are read.
const MAX_DIR: usize = 0x7F00;

/// The kinds of files to list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted(u32);

impl Wanted {
    pub fn from_value(file_type: u32) -> Result<Wanted> {
        match file_type {
            SCM_TYPE_DIRECTORIES..=SCM_TYPE_VARIABLE_EF => Ok(Wanted(file_type)),
            _ => Err(refuse("is not a type of files that the header defines")).of("file_type"),
        }
    }

    /// If the card does not tell the kind of a file, only its existence is known.
    fn includes(self, kind: Option<FileKind>) -> bool {
        match (self.0, kind) {
            (SCM_TYPE_ALL_FILES, _) => true,
            (SCM_TYPE_DIRECTORIES | SCM_TYPE_DIRECTORY_FILE, kind) => kind == Some(FileKind::Directory),
            (SCM_TYPE_FILES, kind) => kind != Some(FileKind::Directory),
            (wanted, kind) => kind.is_some_and(|kind| kind.value() == wanted),
        }
    }
}

/// The identifiers to try.
#[derive(Clone, Debug)]
pub enum Candidates {
    /// Identifiers that many cards use.
    Usual,
    Range(std::ops::RangeInclusive<u16>),
}

/// The usual identifiers: the first and the last of each range, with the standard that defines them.
const USUAL: [(u16, u16); 32] = [
    // ISO/IEC 7816-4, 12.2: EF.DIR 2F00, EF.ATR/INFO 2F01; and global data objects 2F02, DIN V 66291-1. ETSI TS 102
    // 221, 13: EF.PL 2F05, EF.ARR 2F06, EF.UMPC 2F08.
    (0x2F00, 0x2F1F),
    // ETSI TS 102 221, 13.2: EF.ICCID.
    (0x2FE2, 0x2FE2),
    // ISO/IEC 7816-15 and PKCS #15: DF.CIA 5015 with EF.OD, EF.CIAInfo and EF.UnusedSpace. A card chooses the
    // identifiers of its directories of objects, most often among these.
    (0x4400, 0x441F),
    (0x5000, 0x501F),
    (0x5031, 0x5033),
    // ICAO 9303-10: EF.DG1 to EF.DG16; EF.CardAccess, EF.SOD (and in the MF EF.CardSecurity), EF.COM.
    (0x0101, 0x0110),
    (0x011C, 0x011E),
    // 3GPP TS 51.011, 10 and TS 31.102, 4: DF.TELECOM and DF.CD, DF.GSM and similar ones, DF.PHONEBOOK, DF.GSM-ACCESS
    // and DF.MExE; their files of the preferred language, IMSI, keys, services, numbers, messages, access classes,
    // networks, location and administration.
    (0x7F10, 0x7F11),
    (0x7F20, 0x7F25),
    (0x5F3A, 0x5F3C),
    (0x6F05, 0x6F09),
    (0x6F20, 0x6F20),
    (0x6F30, 0x6F31),
    (0x6F37, 0x6F4B),
    (0x6F56, 0x6F57),
    (0x6F74, 0x6F74),
    (0x6F78, 0x6F78),
    (0x6F7B, 0x6F7E),
    (0x6FAD, 0x6FAE),
    // EN 14890-1 has the files of DIN V 66291-1: EF.SSD, EF.PROT, EF.PK.RCA.DS and EF.PK.CA.DS, EF.DM; and certificates
    // Cxyz: x is the service (0 signature, 1 authentication, 2 and 3 encipherment), y the security environment, z the
    // owner (8 and more: an authority).
    (0x1F00, 0x1F00),
    (0xA000, 0xA000),
    (0xB000, 0xB001),
    (0xC000, 0xC00E),
    (0xC100, 0xC100),
    (0xC108, 0xC108),
    (0xC200, 0xC200),
    (0xD000, 0xD000),
    // Identifiers that vendors prefer.
    (0x0001, 0x001F),
    (0x1000, 0x101F),
    (0x4000, 0x401F),
    (0x4500, 0x451F),
    (0x5F00, 0x5F1F),
];

/// All identifiers of a SIM, by the level of the directory: the first byte is the type of the file (3GPP TS 51.011,
/// 6.2).
const IN_MF_OF_SIM: [(u16, u16); 2] = [(0x2F00, 0x2FFF), (0x7F00, 0x7FFF)];
const IN_DF_OF_SIM: [(u16, u16); 2] = [(0x5F00, 0x5FFF), (0x6F00, 0x6FFF)];
const IN_SECOND_DF_OF_SIM: [(u16, u16); 1] = [(0x4F00, 0x4FFF)];

/// The identifiers to try in `directory` if the caller gives none.
fn usual(card: &Transaction, directory: &Path) -> &'static [(u16, u16)] {
    match directory.ids().len() {
        _ if !card.is_sim() => &USUAL,
        0 => &IN_MF_OF_SIM,
        1 => &IN_DF_OF_SIM,
        _ => &IN_SECOND_DF_OF_SIM,
    }
}

impl Candidates {
    fn iter(&self, usual: &'static [(u16, u16)]) -> impl Iterator<Item = u16> + use<> {
        let (usual, range) = match self {
            Candidates::Usual => (usual, None),
            Candidates::Range(range) => (&[][..], Some(range.clone())),
        };
        usual.iter().flat_map(|(first, last)| *first..=*last).chain(range.into_iter().flatten())
    }
}

/// The names of the files in `directory`, each with an ending NUL: identifiers, and the names of applications in EF.DIR
/// that have no identifier.
pub fn list(card: &mut Transaction, directory: &Path, wanted: Wanted, candidates: &Candidates) -> Result<Vec<u8>> {
    enter_directory(card, directory)?;
    let mut names = Vec::new();
    for_each_file(card, directory, candidates, |_, id, parameters| {
        if wanted.includes(parameters.kind) {
            push_name(&mut names, &id.to_be_bytes())?;
        }
        Ok(())
    })?;
    if *directory == Path::MF && wanted.includes(Some(FileKind::Directory)) {
        list_applications(card, &mut names)?;
    }
    Ok(names)
}

/// Selects each candidate that exists.
fn for_each_file(
    card: &mut Transaction,
    directory: &Path,
    candidates: &Candidates,
    mut tell: impl FnMut(&mut Transaction, u16, ControlParameters) -> Result<()>,
) -> Result<()> {
    for id in candidates.iter(usual(card, directory)) {
        let Ok(path) = directory.child(id) else { continue };
        let mut answer = Vec::new();
        match select(card, &path, Expected::Candidate, Requested::Parameters, &mut answer) {
            Ok(_) => {}
            Err(code) if is_of_the_file(code) => continue,
            Err(code) => return Err(code),
        }
        let parameters = ControlParameters::read(&answer);
        // A card may also search above the directory, and find the directory itself.
        if parameters.id.is_none_or(|reported| reported == id) {
            tell(card, id, parameters)?;
        }
    }
    Ok(())
}

/// Whether a failure concerns one file, and not the card or the connection.
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

fn list_applications(card: &mut Transaction, names: &mut Vec<u8>) -> Result<()> {
    let mut content = Vec::new();
    read_dir(card, &mut content)?;
    for template in tlv::objects(&content).filter(|object| object.tag == APPLICATION_TEMPLATE) {
        let Some(name) = tlv::find(template.value, APPLICATION_NAME).and_then(|name| DfName::new(name).ok()) else {
            continue;
        };
        let reported = match select_and_read(card, &Path::of(Root::Name(name)), Expected::Directory) {
            Ok(reported) => reported,
            Err(code) if is_of_the_file(code) => continue,
            Err(code) => return Err(code),
        };
        let id = reported.id.filter(|id| *id != MF).map(u16::to_be_bytes);
        let has_id = id.map_or(Ok(false), |id| has_name(names, &id))?;
        // EF.DIR may have the same application twice.
        if !has_id && !has_name(names, name.as_bytes())? {
            push_name(names, name.as_bytes())?;
        }
    }
    Ok(())
}

/// A card without EF.DIR has no list of applications.
fn read_dir(card: &mut Transaction, content: &mut Vec<u8>) -> Result<()> {
    let path = Path::MF.child(DIR)?;
    match make_current(card, &path, Expected::File) {
        Ok(()) => {}
        Err(code) if is_of_the_file(code) => return Ok(()),
        Err(code) => return Err(code),
    }
    let file = GenericFile::of_standard(path);
    while content.len() <= MAX_DIR {
        // Some cards give fewer bytes than the command asks for.
        let part = binary::read_part(card, &file, content.len() as u64, SHORT_RESPONSE, content);
        let has_records = part == Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE) && content.is_empty();
        match card.unless_refused(part)? {
            None if has_records => return read_records(card, content),
            Some(true) => {}
            _ => break,
        }
    }
    Ok(())
}

/// EF.DIR may also be a file of records, with one template in each.
fn read_records(card: &mut Transaction, content: &mut Vec<u8>) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_usual_identifier_is_listed_once() {
        let all: Vec<_> = Candidates::Usual.iter(&USUAL).collect();
        assert_eq!(all.len(), 351, "as the header says");
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert!(all.iter().all(|id| Path::MF.child(*id).is_ok()));
    }

    #[test]
    fn the_standard_applications_are_among_them() {
        let all: BTreeSet<_> = Candidates::Usual.iter(&USUAL).collect();
        let passport = (0x0101..=0x0110).chain(0x011C..=0x011E);
        let information = [0x2F00, 0x5015, 0x5031, 0x5032, 0x5033];
        let telecom = [0x2F00, 0x2FE2, 0x2F05, 0x2F06, 0x2F08, 0x7F10, 0x7F20, 0x6F07, 0x6FAD];
        let signature = [0x1F00, 0xB000, 0xC000, 0xC008, 0xC00E, 0xC100, 0xC108, 0xC200, 0xD000];
        for id in passport.chain(information).chain(telecom).chain(signature) {
            assert!(all.contains(&id), "{id:04X}");
        }
    }
}

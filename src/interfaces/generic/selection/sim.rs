//! SELECT of a SIM (3GPP TS 51.011, 8.1 and 9.2.1): in class A0, by identifier only, one after the other. The card
//! finds the files in the current DF, that DF itself, the DFs beside it, and the one above.

use super::select_path::{BY_ID, SelectPath};
use super::{Expected, Requested, is_selected};
use crate::abi::constants::Protocol;
use crate::abi::hresult::Result;
use crate::attachment::knowledge::FileClass;
use crate::attachment::transaction::Transaction;
use crate::interfaces::generic::control_parameters::{self, ControlParameters, FileKind};
use crate::iso7816::command::{Command, SHORT_RESPONSE, ins};
use crate::iso7816::delivery::Carrier;
use crate::iso7816::path::{MF, Path, Root};
use crate::iso7816::status_word::StatusWord;

/// The first byte of the identifier of a DF of the second level (3GPP TS 51.011, 6.2). There is no third one.
const SECOND_LEVEL: u8 = 0x5F;

/// Whether a card that has `answered` a command of class 00 is a SIM. The card is asked once, if it refuses that class
/// before it has accepted a command of it. SIMs answer 6E00 (GlobalPlatformPro issue 266), and some cards answer 6D00
/// for an unknown class (onomondo/onomondo-uicc pull request 125). A card that ignores the class answers with the words
/// of a SIM. Its other refusals show nothing.
pub fn recognise(card: &mut Transaction, answered: StatusWord) -> Result<bool> {
    if card.class() != FileClass::Unknown {
        return Ok(false);
    }
    if !matches!(answered.0 >> 8, 0x6D | 0x6E | 0x94 | 0x9F) {
        if !answered.is_unknown_command() {
            card.set_class(FileClass::Interindustry);
        }
        return Ok(false);
    }
    card.set_selection(None);
    card.set_class(FileClass::Sim);
    let outcome = select(card, MF, Requested::Nothing, &mut Vec::new());
    card.set_class(match outcome {
        Ok(status) if is_selected(status) => FileClass::Sim,
        Ok(_) => FileClass::Interindustry,
        Err(_) => FileClass::Unknown,
    });
    outcome.map(is_selected)
}

/// Selects the file at `path`, from the current DF if that contains it.
pub fn go_to(search: &mut SelectPath, path: &Path) -> Result<StatusWord> {
    let start = search.current.take();
    let (Root::Mf, ids) = (path.root(), path.ids()) else {
        // Files of a SIM have no names.
        return Ok(StatusWord::FILE_NOT_FOUND);
    };
    let SelectPath { card, expected, requested, answer, .. } = search;
    let Some((last, directories)) = ids.split_last() else { return select(card, MF, *requested, answer) };
    let above = path.parent()?;
    if start != Some(above) {
        let status = go_down(card, directories)?;
        if !is_selected(status) {
            return Ok(status);
        }
    }
    // A known EF is found in the current DF only, so the card need not tell its parameters.
    let requested = if *expected == Expected::File { *requested } else { Requested::Parameters };
    let begin = answer.len();
    let status = select(card, *last, requested, answer)?;
    let is_directory = kind(answer.get(begin..).unwrap_or_default()) == Some(FileKind::Directory);
    if is_selected(status) && is_directory && !is_child(directories.len(), *last) {
        answer.truncate(begin);
        return Ok(StatusWord::FILE_NOT_FOUND);
    }
    search.current = Some(above);
    Ok(status)
}

/// Selects the MF, and then one DF after the other. If an EF is in the place of a DF, the search ends: the next SELECT
/// would find a file beside that EF.
fn go_down(card: &mut Transaction, directories: &[u16]) -> Result<StatusWord> {
    let mut status = select(card, MF, Requested::Nothing, &mut Vec::new())?;
    for (level, id) in directories.iter().enumerate() {
        if !is_selected(status) {
            break;
        }
        let mut reported = Vec::new();
        status = select(card, *id, Requested::Parameters, &mut reported)?;
        let is_file = kind(&reported).is_some_and(|kind| kind != FileKind::Directory);
        if is_selected(status) && (is_file || !is_child(level, *id)) {
            return Ok(StatusWord::FILE_NOT_FOUND);
        }
    }
    Ok(status)
}

fn kind(reported: &[u8]) -> Option<FileKind> {
    ControlParameters::read(reported).kind
}

/// Whether a DF that was found at this level is a child of the current DF, and not beside or above it. No DF is beside
/// the MF, and the identifiers of the second level differ from the others.
fn is_child(level: usize, id: u16) -> bool {
    match level {
        0 => true,
        1 => id.to_be_bytes()[0] == SECOND_LEVEL,
        _ => false,
    }
}

/// One SELECT. The structure in the answer becomes data objects. With T=0 the answer waits for GET RESPONSE, and is not
/// fetched if it is not needed.
fn select(card: &mut Transaction, id: u16, requested: Requested, answer: &mut Vec<u8>) -> Result<StatusWord> {
    let is_left = requested == Requested::Nothing && card.protocol() == Protocol::T0;
    let ne = if is_left { 0 } else { SHORT_RESPONSE };
    let mut reported = Vec::new();
    let command = Command::new(ins::SELECT, BY_ID, 0);
    let status = card.send(&command.with_data(&id.to_be_bytes()).expecting(ne), &mut reported)?;
    if !reported.is_empty() {
        let objects = control_parameters::sim::objects(&reported)?;
        answer.try_reserve(objects.len())?;
        answer.extend_from_slice(&objects);
    }
    Ok(status)
}

//! SELECT of a SIM (3GPP TS 51.011, 8.1 and 9.2.1): in class A0, by identifier and in no other way, one after the other. The card finds what
//! is in the current DF, that DF, the DFs beside it, and the one above.

use super::way::BY_ID;
use super::{Expected, Telling, is_selected};
use crate::abi::constants::Protocol;
use crate::abi::hresult::Result;
use crate::attachment::knowledge::FileClass;
use crate::attachment::transaction::Transaction;
use crate::interfaces::generic::control_parameters::{self, ControlParameters, Kind};
use crate::iso7816::command::{Command, SHORT_RESPONSE, ins};
use crate::iso7816::delivery::Carrier;
use crate::iso7816::path::{MF, Path, Root};
use crate::iso7816::status_word::StatusWord;

/// The first byte of the identifier of a DF of the second level (3GPP TS 51.011, 6.2). There is no third one.
const SECOND_LEVEL: u8 = 0x5F;

/// Whether a card that has `answered` a command of class 00 turns out to be a SIM. It is asked once, if it refuses that class before it has known
/// any command of it. SIMs say 6E00 (GlobalPlatformPro issue 266), and some cards 6D00 of a class that they do not know
/// (onomondo/onomondo-uicc pull request 125). One that looks at no class answers with the words of a SIM, and says nothing by the other refusals.
pub fn turns_out(card: &mut Transaction, answered: StatusWord) -> Result<bool> {
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
    let outcome = select(card, MF, Telling::Nothing, &mut Vec::new());
    card.set_class(match outcome {
        Ok(status) if is_selected(status) => FileClass::Sim,
        Ok(_) => FileClass::Interindustry,
        Err(_) => FileClass::Unknown,
    });
    outcome.map(is_selected)
}

/// Goes to `path`, from the DF above if that is the `current` one. `current` is where the card still is when the last of it is not found.
pub fn walk(
    card: &mut Transaction,
    path: &Path,
    current: &mut Option<Path>,
    expected: Expected,
    telling: Telling,
    answer: &mut Vec<u8>,
) -> Result<StatusWord> {
    let stood = current.take();
    let (Root::Mf, ids) = (path.root(), path.ids()) else {
        // Nothing has a name there.
        return Ok(StatusWord::FILE_NOT_FOUND);
    };
    let Some((last, directories)) = ids.split_last() else { return select(card, MF, telling, answer) };
    let above = path.parent()?;
    if stood != Some(above) {
        let status = enter(card, directories)?;
        if !is_selected(status) {
            return Ok(status);
        }
    }
    *current = Some(above);
    // An EF that is known is found in the current DF only, so that nothing has to be told of it.
    let telling = if expected == Expected::File { telling } else { Telling::Parameters };
    let begin = answer.len();
    let status = select(card, *last, telling, answer)?;
    let is_directory = kind(answer.get(begin..).unwrap_or_default()) == Some(Kind::Directory);
    if is_selected(status) && is_directory && !is_child(directories.len(), *last) {
        *current = None;
        answer.truncate(begin);
        return Ok(StatusWord::FILE_NOT_FOUND);
    }
    Ok(status)
}

/// From the MF down to a DF. An EF in its place ends it: the next SELECT would find a file beside that EF.
fn enter(card: &mut Transaction, directories: &[u16]) -> Result<StatusWord> {
    let mut status = select(card, MF, Telling::Nothing, &mut Vec::new())?;
    for (level, id) in directories.iter().enumerate() {
        if !is_selected(status) {
            break;
        }
        let mut told = Vec::new();
        status = select(card, *id, Telling::Parameters, &mut told)?;
        let is_file = kind(&told).is_some_and(|kind| kind != Kind::Directory);
        if is_selected(status) && (is_file || !is_child(level, *id)) {
            return Ok(StatusWord::FILE_NOT_FOUND);
        }
    }
    Ok(status)
}

fn kind(told: &[u8]) -> Option<Kind> {
    ControlParameters::read(told).kind
}

/// Whether a DF that was found so far below the MF is in the DF that it was asked for in, and not beside or above it: no DF is beside the MF, and
/// those of the second level are told by their identifiers.
fn is_child(level: usize, id: u16) -> bool {
    match level {
        0 => true,
        1 => id.to_be_bytes()[0] == SECOND_LEVEL,
        _ => false,
    }
}

/// One SELECT. The structure of the answer becomes data objects. With T=0 it waits for GET RESPONSE, and stays with the card if nobody wants
/// it.
fn select(card: &mut Transaction, id: u16, telling: Telling, answer: &mut Vec<u8>) -> Result<StatusWord> {
    let stays = telling == Telling::Nothing && card.protocol() == Protocol::T0;
    let ne = if stays { 0 } else { SHORT_RESPONSE };
    let mut told = Vec::new();
    let command = Command::new(ins::SELECT, BY_ID, 0);
    let status = card.send(&command.with_data(&id.to_be_bytes()).expecting(ne), &mut told)?;
    if !told.is_empty() {
        let objects = control_parameters::sim::objects(&told)?;
        answer.try_reserve(objects.len())?;
        answer.extend_from_slice(&objects);
    }
    Ok(status)
}

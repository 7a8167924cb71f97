//! The ways of asking for a file, of which a card may know some only: by path or step by step, and what it is to tell.

use super::{Expected, Telling, is_selected, sim};
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::knowledge::Habits;
use crate::attachment::transaction::Transaction;
use crate::interfaces::generic::control_parameters::{ControlParameters, Kind};
use crate::iso7816::command::{Command, SHORT_RESPONSE, ins};
use crate::iso7816::path::{MAX_DEPTH, MF, Path};
use crate::iso7816::status_word::StatusWord;

/// P1 of SELECT.
pub(crate) const BY_ID: u8 = 0x00;
const CHILD_DF: u8 = 0x01;
const CHILD_EF: u8 = 0x02;
pub(crate) const PARENT: u8 = 0x03;
pub(crate) const BY_NAME: u8 = 0x04;
pub(crate) const BY_PATH_FROM_MF: u8 = 0x08;
pub(crate) const BY_PATH_FROM_DF: u8 = 0x09;
/// P2 of SELECT: what the card answers.
const FCI: u8 = 0x00;
const FCP: u8 = 0x04;
const NOTHING: u8 = 0x0C;

/// Down the identifiers, at once or, where the card does not know that, one by one.
pub fn descend(
    card: &mut Transaction,
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
        if !status.is_unknown_command() || card.is_sim() {
            return Ok(status);
        }
    }
    let stood = current.take();
    let is_in_mf = from == BY_PATH_FROM_MF;
    if is_in_mf {
        let status = ask(card, BY_ID, &MF.to_be_bytes(), Telling::Nothing, &mut Vec::new())?;
        if !is_selected(status) {
            return Ok(status);
        }
    }
    let before = *card.habits();
    card.habits().steps = true;
    let stepped = step_down(card, ids, is_in_mf, expected, telling, answer);
    let is_answered = match stepped {
        Ok(status) => !status.is_unknown_command(),
        Err(code) => code != Hresult::SCARD_E_UNSUPPORTED_FEATURE,
    };
    // What answers neither way may be an application that knows no files, and what it refuses says nothing of the card.
    if !is_in_mf && !is_answered {
        *card.habits() = before;
    }
    // A child that is not found, and that no other way can have found, changes nothing.
    if !is_in_mf && ids.len() == 1 && stepped == Ok(StatusWord::FILE_NOT_FOUND) && card.habits().knows_no_id {
        *current = stood;
    }
    stepped
}

fn step_down(
    card: &mut Transaction,
    ids: &[u16],
    mut is_in_mf: bool,
    expected: Expected,
    telling: Telling,
    answer: &mut Vec<u8>,
) -> Result<StatusWord> {
    let Some((last, directories)) = ids.split_last() else { return Ok(StatusWord::OK) };
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
    card: &mut Transaction,
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
    let Some(status) = by_id(card, id, knows_files.or(knows_directories), telling, answer)? else {
        return Ok(StatusWord::FILE_NOT_FOUND);
    };
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

/// Just that identifier; None where the card has no such child, and does not know this way of asking.
fn by_id(
    card: &mut Transaction,
    id: u16,
    missing: Option<StatusWord>,
    telling: Telling,
    answer: &mut Vec<u8>,
) -> Result<Option<StatusWord>> {
    if missing.is_some() && card.habits().knows_no_id {
        return Ok(None);
    }
    let status = ask(card, BY_ID, &id.to_be_bytes(), telling, answer)?;
    if missing.is_none() || !status.is_unknown_command() {
        return Ok(Some(status));
    }
    card.habits().knows_no_id = true;
    Ok(None)
}

/// A child of the current DF; None where the card does not know that way of asking.
fn child(
    card: &mut Transaction,
    kind: u8,
    id: u16,
    telling: Telling,
    answer: &mut Vec<u8>,
) -> Result<Option<StatusWord>> {
    if *card.habits().knows_no_child(kind) {
        return Ok(None);
    }
    let status = ask(card, kind, &id.to_be_bytes(), telling, answer)?;
    if !status.is_unknown_command() {
        return Ok(Some(status));
    }
    *card.habits().knows_no_child(kind) = true;
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
pub fn ask(card: &mut Transaction, p1: u8, data: &[u8], telling: Telling, answer: &mut Vec<u8>) -> Result<StatusWord> {
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
        if sim::turns_out(card, status)? || !may_refuse_telling(status) {
            return Ok(status);
        }
        answer.truncate(begin);
        card.habits().note_refusal(*way);
        refused = status;
    }
    *card.habits() = before;
    Ok(refused)
}

/// Whether the card may take the same SELECT if it is to tell something else: it says that it does not know this one, or that its length is
/// wrong also where it is right, or nothing.
fn may_refuse_telling(status: StatusWord) -> bool {
    status.is_unknown_command() || status.exact_le().is_some() || status == StatusWord(0x6F00)
}

impl Habits {
    fn knows_no_child(&mut self, kind: u8) -> &mut bool {
        match kind {
            CHILD_DF => &mut self.knows_no_child_df,
            _ => &mut self.knows_no_child_ef,
        }
    }

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

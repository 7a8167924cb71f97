//! The way down to a file: by path or step by step, from the MF, from a name or from the current DF. A card may know
//! only some of these ways.

use super::{Expected, Requested, is_selected, sim};
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::knowledge::Habits;
use crate::attachment::transaction::Transaction;
use crate::interfaces::generic::control_parameters::{ControlParameters, FileKind};
use crate::iso7816::command::{Command, SHORT_RESPONSE, ins};
use crate::iso7816::path::{MAX_DEPTH, MF, Path, Root};
use crate::iso7816::status_word::StatusWord;

/// P1 of SELECT.
pub(crate) const BY_ID: u8 = 0x00;
const CHILD_DF: u8 = 0x01;
const CHILD_EF: u8 = 0x02;
pub(crate) const PARENT: u8 = 0x03;
const BY_NAME: u8 = 0x04;
const BY_PATH_FROM_MF: u8 = 0x08;
const BY_PATH_FROM_DF: u8 = 0x09;
/// P2 of SELECT: the information in the answer.
const FCI: u8 = 0x00;
const FCP: u8 = 0x04;
const NOTHING: u8 = 0x0C;

/// A search for one file.
pub struct SelectPath<'a, 'b> {
    pub card: &'a mut Transaction<'b>,
    /// The current DF, if it is known: before the search, and after a search that found no file.
    pub current: Option<Path>,
    pub expected: Expected,
    pub requested: Requested,
    /// The answer of the card for the file is appended here.
    pub answer: &'a mut Vec<u8>,
}

impl<'a, 'b> SelectPath<'a, 'b> {
    /// A search for a directory, of which the card need not tell anything.
    pub fn to_directory(card: &'a mut Transaction<'b>, answer: &'a mut Vec<u8>) -> SelectPath<'a, 'b> {
        SelectPath { card, current: None, expected: Expected::Directory, requested: Requested::Nothing, answer }
    }

    /// Selects the file at `path`. A card that refuses a SELECT may turn out to be a SIM. Then it has selected nothing.
    pub fn go_to(&mut self, path: &Path) -> Result<StatusWord> {
        if !self.card.is_sim() {
            let status = self.go_by_standard(path)?;
            if !self.card.is_sim() {
                return Ok(status);
            }
            self.current = None;
        }
        sim::go_to(self, path)
    }

    /// The same with the SELECT of ISO/IEC 7816-4.
    fn go_by_standard(&mut self, path: &Path) -> Result<StatusWord> {
        match path.root() {
            Root::Mf if path.ids().is_empty() => self.ask(BY_ID, &MF.to_be_bytes()),
            Root::Mf => self.descend(path.ids(), BY_PATH_FROM_MF),
            Root::Name(name) if path.ids().is_empty() => self.ask(BY_NAME, name.as_bytes()),
            Root::Name(name) => {
                let known = self.current.filter(|current| current.root() == path.root() && current.above() == 0);
                let below = known.and_then(|current| path.ids().strip_prefix(current.ids()));
                if let Some(ids) = below.filter(|ids| !ids.is_empty()) {
                    return self.descend(ids, BY_PATH_FROM_DF);
                }
                let status = ask(self.card, BY_NAME, name.as_bytes(), Requested::Nothing, &mut Vec::new())?;
                if !is_selected(status) {
                    self.current = None;
                    return Ok(status);
                }
                self.current = Some(Path::of(path.root()));
                self.descend(path.ids(), BY_PATH_FROM_DF)
            }
        }
    }

    /// Follows the identifiers: with one command, or step by step if the card does not know that command.
    fn descend(&mut self, ids: &[u16], from: u8) -> Result<StatusWord> {
        if !self.card.habits().steps {
            let (bytes, length) = bytes(ids);
            let status = self.ask(from, bytes.get(..length).unwrap_or_default())?;
            if !status.is_unknown_command() || self.card.is_sim() {
                return Ok(status);
            }
        }
        let start = self.current.take();
        let is_in_mf = from == BY_PATH_FROM_MF;
        if is_in_mf {
            let status = ask(self.card, BY_ID, &MF.to_be_bytes(), Requested::Nothing, &mut Vec::new())?;
            if !is_selected(status) {
                return Ok(status);
            }
        }
        let before = *self.card.habits();
        self.card.habits().steps = true;
        let stepped = self.step_down(ids, is_in_mf);
        let is_answered = match stepped {
            Ok(status) => !status.is_unknown_command(),
            Err(code) => code != Hresult::SCARD_E_UNSUPPORTED_FEATURE,
        };
        // An application without files refuses both ways, which shows nothing about the card.
        if !is_in_mf && !is_answered {
            *self.card.habits() = before;
        }
        // A child that is not found, and that no other command can have found, leaves the current DF as it was.
        if !is_in_mf && ids.len() == 1 && stepped == Ok(StatusWord::FILE_NOT_FOUND) && self.card.habits().knows_no_id {
            self.current = start;
        }
        stepped
    }

    fn step_down(&mut self, ids: &[u16], mut is_in_mf: bool) -> Result<StatusWord> {
        let Some((last, directories)) = ids.split_last() else { return Ok(StatusWord::OK) };
        for id in directories {
            let status = SelectPath::to_directory(self.card, &mut Vec::new()).step(*id, is_in_mf)?;
            if !is_selected(status) {
                return Ok(status);
            }
            is_in_mf = false;
        }
        self.step(*last, is_in_mf)
    }

    /// Selects a child of the current DF. SELECT by identifier can also find a DF beside or above the current one (ETSI
    /// TS 102 221, 8.4.1), so the card is asked for a child as long as it knows that. If it does not, only a DF in the
    /// MF is certain.
    fn step(&mut self, id: u16, is_in_mf: bool) -> Result<StatusWord> {
        let begin = self.answer.len();
        let file = match self.expected {
            Expected::Directory => None,
            _ => self.child(CHILD_EF, id)?,
        };
        if let Some(status) = file.filter(|status| *status != StatusWord::FILE_NOT_FOUND) {
            return Ok(status);
        }
        let directory = match self.expected {
            Expected::File => None,
            _ => self.child(CHILD_DF, id)?,
        };
        if let Some(status) = directory.filter(|status| *status != StatusWord::FILE_NOT_FOUND) {
            return Ok(status);
        }
        match self.expected {
            Expected::Directory if directory.is_some() => return Ok(StatusWord::FILE_NOT_FOUND),
            Expected::Directory if !is_in_mf => return Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
            Expected::File if file.is_some() => return Ok(StatusWord::FILE_NOT_FOUND),
            _ if file.is_some() && directory.is_some() => return Ok(StatusWord::FILE_NOT_FOUND),
            _ => {}
        }
        let Some(status) = self.by_id(id, file.is_some() || directory.is_some())? else {
            return Ok(StatusWord::FILE_NOT_FOUND);
        };
        let is_directory = match ControlParameters::read(self.answer.get(begin..).unwrap_or_default()).kind {
            Some(kind) => kind == FileKind::Directory,
            None => self.expected != Expected::File,
        };
        match is_selected(status) && is_directory && !is_in_mf {
            true if directory.is_some() || self.expected == Expected::Candidate => Ok(StatusWord::FILE_NOT_FOUND),
            true => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
            false => Ok(status),
        }
    }

    /// SELECT by identifier. None if the card has answered that no such child exists, and does not know this command.
    fn by_id(&mut self, id: u16, is_no_child: bool) -> Result<Option<StatusWord>> {
        if is_no_child && self.card.habits().knows_no_id {
            return Ok(None);
        }
        let status = self.ask(BY_ID, &id.to_be_bytes())?;
        if !is_no_child || !status.is_unknown_command() {
            return Ok(Some(status));
        }
        self.card.habits().knows_no_id = true;
        Ok(None)
    }

    /// SELECT of a child of the current DF. None if the card does not know this command.
    fn child(&mut self, p1: u8, id: u16) -> Result<Option<StatusWord>> {
        if *self.card.habits().knows_no_child(p1) {
            return Ok(None);
        }
        let status = self.ask(p1, &id.to_be_bytes())?;
        if !status.is_unknown_command() {
            return Ok(Some(status));
        }
        *self.card.habits().knows_no_child(p1) = true;
        Ok(None)
    }

    fn ask(&mut self, p1: u8, data: &[u8]) -> Result<StatusWord> {
        ask(self.card, p1, data, self.requested, self.answer)
    }
}

fn bytes(ids: &[u16]) -> ([u8; 2 * MAX_DEPTH], usize) {
    let mut bytes = [0; 2 * MAX_DEPTH];
    for (place, id) in bytes.chunks_exact_mut(2).zip(ids) {
        place.copy_from_slice(&id.to_be_bytes());
    }
    (bytes, (2 * ids.len()).min(2 * MAX_DEPTH))
}

/// One SELECT, with each P2 that the card has not refused yet. A refusal of a P2 is remembered if the card accepts
/// another one: otherwise it refuses something else. A card that refuses has selected nothing.
pub fn ask(
    card: &mut Transaction,
    p1: u8,
    data: &[u8],
    requested: Requested,
    answer: &mut Vec<u8>,
) -> Result<StatusWord> {
    let before = *card.habits();
    let all: &[u8] = match requested {
        Requested::Nothing => &[NOTHING, FCP, FCI],
        Requested::Parameters => &[FCP, FCI, NOTHING],
        Requested::Everything => &[FCI, FCP, NOTHING],
    };
    let mut refused = StatusWord::WRONG_P1_P2;
    for (place, p2) in all.iter().enumerate() {
        let is_last = place + 1 == all.len();
        if !is_last && card.habits().refuses(*p2) {
            continue;
        }
        let ne = if *p2 == NOTHING { 0 } else { SHORT_RESPONSE };
        let begin = answer.len();
        let status = card.send(&Command::new(ins::SELECT, p1, *p2).with_data(data).expecting(ne), answer)?;
        if sim::recognise(card, status)? || !may_refuse_p2(status) {
            return Ok(status);
        }
        answer.truncate(begin);
        card.habits().note_refusal(*p2);
        refused = status;
    }
    *card.habits() = before;
    Ok(refused)
}

/// Whether the card may accept the same SELECT with another P2: it does not know this one, it refuses a length that is
/// right, or its word has no meaning.
fn may_refuse_p2(status: StatusWord) -> bool {
    status.is_unknown_command() || status.exact_le().is_some() || status == StatusWord(0x6F00)
}

impl Habits {
    fn knows_no_child(&mut self, p1: u8) -> &mut bool {
        match p1 {
            CHILD_DF => &mut self.knows_no_child_df,
            _ => &mut self.knows_no_child_ef,
        }
    }

    fn refuses(&self, p2: u8) -> bool {
        match p2 {
            NOTHING => self.tells_always,
            FCP => self.tells_no_fcp,
            _ => self.tells_no_fci,
        }
    }

    fn note_refusal(&mut self, p2: u8) {
        match p2 {
            NOTHING => self.tells_always = true,
            FCP => self.tells_no_fcp = true,
            _ => self.tells_no_fci = true,
        }
    }
}

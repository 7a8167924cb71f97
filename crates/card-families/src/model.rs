//! The card behind the literal answers: files, records and codes of ISO/IEC 7816-4, with the limits and refusals of the
//! description.

use crate::bytes::Word;
use crate::family::{Card, Code, File, Refusal, Transfer};

const UNKNOWN_INSTRUCTION: Word = Word::new(0x6D00);
const WRONG_KIND: Word = Word::new(0x6981);
const NO_FILE: Word = Word::new(0x6986);
const NO_RECORD: Word = Word::new(0x6A83);
const NO_CODE: Word = Word::new(0x6A88);
const NO_ROOM: Word = Word::new(0x6A84);
const WRONG_OFFSET: Word = Word::new(0x6B00);
const WRONG_LENGTH: Word = Word::new(0x6700);
const NOT_ALLOWED: Word = Word::new(0x6982);
const INVALIDATED: Word = Word::new(0x6985);

/// A command after the transport.
#[derive(Clone, Debug)]
pub struct Command {
    pub ins: u8,
    pub p1: u8,
    pub p2: u8,
    pub data: Vec<u8>,
    pub ne: usize,
}

/// Its response before the transport: data and status word.
pub type Response = (Vec<u8>, Word);

pub struct Model {
    pub(crate) card: Card,
    /// The path of the current DF, and the index of the current file.
    pub(crate) directory: Vec<String>,
    pub(crate) current: Option<usize>,
    pub(crate) codes: Vec<CodeState>,
}

/// The state of a code.
#[derive(Clone)]
pub struct CodeState {
    pub value: Vec<u8>,
    pub left: usize,
    pub verified: bool,
    pub disabled: bool,
}

/// The outcome of a SELECT.
pub(crate) enum Found {
    Directory(Vec<String>),
    File(usize),
}

pub(crate) fn steps(path: &str) -> Vec<String> {
    path.split('/').map(str::to_uppercase).collect()
}

pub(crate) fn refused(word: Word) -> Response {
    (Vec::new(), word)
}

pub(crate) fn done(data: Vec<u8>) -> Response {
    (data, Word::OK)
}

impl Model {
    pub fn new(card: &Card) -> Model {
        Model {
            directory: vec!["3F00".into()],
            current: None,
            codes: card.codes.iter().map(CodeState::new).collect(),
            card: card.clone(),
        }
    }

    /// The state that ends with the power.
    pub fn reset(&mut self) {
        self.directory = vec!["3F00".into()];
        self.current = None;
        self.codes.iter_mut().for_each(|code| code.verified = false);
    }

    pub fn execute(&mut self, command: &Command) -> Response {
        match command.ins {
            0x20 => self.verify(command),
            0xA4 => self.select(command),
            0xB0 | 0xD6 => self.binary(command),
            0xB1 => self.read_binary_odd(command),
            0xB2 | 0xDC => self.record(command),
            _ => refused(UNKNOWN_INSTRUCTION),
        }
    }

    fn select(&mut self, command: &Command) -> Response {
        let select = &self.card.select;
        if !select.p1.0.contains(&command.p1) || !select.p2.0.contains(&command.p2) {
            return refused(select.otherwise);
        }
        match self.find(command.p1, &command.data) {
            None => refused(self.card.select.missing),
            Some(Found::Directory(path)) => {
                self.current = None;
                let told = directory_answer(&path, command.p2);
                self.directory = path;
                done(told)
            }
            Some(Found::File(index)) => {
                self.current = Some(index);
                let file = &self.card.files[index];
                self.directory = steps(&file.path);
                self.directory.pop();
                done(if command.p2 & 0x0C == 0x0C { Vec::new() } else { file.told(command.p2) })
            }
        }
    }

    fn find(&self, p1: u8, data: &[u8]) -> Option<Found> {
        let digits: String = data.iter().map(|byte| format!("{byte:02X}")).collect();
        let ids: Vec<String> = digits.as_bytes().chunks(4).map(|id| String::from_utf8_lossy(id).into()).collect();
        let below = |directory: &[String]| self.at([directory, &ids].concat());
        match p1 {
            0x00 if digits == "3F00" => self.at(ids.clone()),
            // A child of the current DF, that DF, one beside it, or its parent.
            0x00 => below(&self.directory).or_else(|| {
                let (current, above) = self.directory.split_last()?;
                let is_known = *current == digits || above.last() == Some(&digits);
                if is_known {
                    let end = above.len() + usize::from(*current == digits);
                    return Some(Found::Directory(self.directory[..end].to_vec()));
                }
                below(above)
            }),
            0x01 => below(&self.directory).filter(|found| matches!(found, Found::Directory(_))),
            0x02 => below(&self.directory).filter(|found| matches!(found, Found::File(_))),
            0x03 if self.directory.len() > 1 => {
                Some(Found::Directory(self.directory[..self.directory.len() - 1].to_vec()))
            }
            // The beginning of a name is enough.
            0x04 => self.card.files.iter().find_map(|file| {
                let name = steps(&file.path).swap_remove(0);
                (name.len() > 4 && name.starts_with(&digits) && !digits.is_empty())
                    .then(|| Found::Directory(vec![name]))
            }),
            0x08 => below(&["3F00".into()]),
            0x09 => below(&self.directory),
            _ => None,
        }
    }

    /// The object at a path: a file, or a directory that contains a file.
    pub(crate) fn at(&self, path: Vec<String>) -> Option<Found> {
        let mut paths = self.card.files.iter().map(|file| steps(&file.path));
        match paths.position(|file| file == path) {
            Some(index) => Some(Found::File(index)),
            None if path == ["3F00"] => Some(Found::Directory(path)),
            None => self
                .card
                .files
                .iter()
                .any(|file| steps(&file.path).starts_with(&path))
                .then_some(Found::Directory(path)),
        }
    }

    fn by_short_id(&mut self, short_id: u8) -> Option<usize> {
        let found = self.card.files.iter().position(|file| {
            let mut path = steps(&file.path);
            path.pop();
            file.short_id == Some(short_id) && path == self.directory
        });
        self.current = found.or(self.current);
        found
    }

    fn binary(&mut self, command: &Command) -> Response {
        let (index, offset) = match command.p1 & 0x80 {
            0 => (self.current.ok_or(NO_FILE), usize::from(command.p1) << 8 | usize::from(command.p2)),
            _ => (self.by_short_id(command.p1 & 0x1F).ok_or(self.card.select.missing), command.p2.into()),
        };
        match index.and_then(|index| self.forbids(index).map_or(Ok(index), Err)) {
            Err(word) => refused(word),
            Ok(index) if command.ins == 0xB0 => self.read(index, offset, command.ne),
            Ok(index) => self.write(index, offset, &command.data),
        }
    }

    /// A data object 54 has the offset, and a data object 53 gets the data.
    fn read_binary_odd(&mut self, command: &Command) -> Response {
        let index = match (command.p1, command.p2) {
            (0, 0) => self.current,
            (0, short_id) => self.by_short_id(short_id),
            _ => None,
        };
        let Some(index) = index else { return refused(NO_FILE) };
        let offset = match *command.data.as_slice() {
            [0x54, length, ref number @ ..] if usize::from(length) == number.len() => {
                number.iter().fold(0, |offset, byte| offset << 8 | usize::from(*byte))
            }
            _ => return refused(WRONG_LENGTH),
        };
        let room = command.ne.saturating_sub(if command.ne > 130 { 4 } else { 2 });
        match self.read(index, offset, room) {
            (data, word) if data.is_empty() => (data, word),
            (data, word) => (object(&[0x53], &data), word),
        }
    }

    fn read(&self, index: usize, offset: usize, ne: usize) -> Response {
        let Some(content) = &self.card.files[index].content else { return refused(WRONG_KIND) };
        let way = &self.card.read;
        if offset >= content.0.len() {
            return refused(way.at_the_end.unwrap_or(WRONG_OFFSET));
        }
        let rest = &content.0[offset..];
        match way.limit(ne, rest.len(), Refusal::Less) {
            Ok((length, word)) => (rest[..length].to_vec(), word),
            Err(word) => refused(word),
        }
    }

    fn write(&mut self, index: usize, offset: usize, data: &[u8]) -> Response {
        let way = self.card.write.clone();
        let Some(content) = &mut self.card.files[index].content else { return refused(WRONG_KIND) };
        if offset > content.0.len() || (offset == content.0.len() && !data.is_empty()) {
            return refused(way.at_the_end.unwrap_or(WRONG_OFFSET));
        }
        match way.limit(data.len(), content.0.len() - offset, Refusal::Word(NO_ROOM)) {
            Ok((length, word)) => {
                content.0[offset..offset + length].copy_from_slice(&data[..length]);
                refused(word)
            }
            Err(word) => refused(word),
        }
    }

    fn record(&mut self, command: &Command) -> Response {
        let index = match command.p2 >> 3 {
            0 => self.current.ok_or(NO_FILE),
            short_id => self.by_short_id(short_id).ok_or(self.card.select.missing),
        };
        let index = match index {
            Ok(index) if command.p2 & 0x07 == 0x04 => index,
            Ok(_) => return refused(self.card.select.otherwise),
            Err(word) => return refused(word),
        };
        if let Some(word) = self.forbids(index) {
            return refused(word);
        }
        let number = usize::from(command.p1).checked_sub(1);
        let Some(records) = &mut self.card.files[index].records else { return refused(WRONG_KIND) };
        match number.and_then(|number| records.get_mut(number)) {
            None => refused(NO_RECORD),
            Some(record) if command.ins == 0xB2 => done(record.0.clone()),
            Some(record) if command.data.len() == record.0.len() => {
                record.0.clone_from(&command.data);
                refused(Word::OK)
            }
            Some(_) => refused(WRONG_LENGTH),
        }
    }

    fn verify(&mut self, command: &Command) -> Response {
        let Some(at) = self.card.codes.iter().position(|code| code.reference == command.p2) else {
            return refused(NO_CODE);
        };
        let (code, state) = (&self.card.codes[at], &mut self.codes[at]);
        if command.data.is_empty() {
            return refused(match code.asked {
                _ if state.verified => Word::OK,
                Some(word) => word.with(state.left),
                None if state.left == 0 => code.blocked,
                None => code.wrong.with(state.left),
            });
        }
        refused(state.show(code, &command.data))
    }

    /// The refusal to read or write a file.
    fn forbids(&self, index: usize) -> Option<Word> {
        match &self.card.files[index] {
            file if file.invalidated => Some(INVALIDATED),
            file if !self.is_open(file) => Some(NOT_ALLOWED),
            _ => None,
        }
    }

    /// True if the code of a file was verified, or none is needed.
    pub(crate) fn is_open(&self, file: &File) -> bool {
        file.needs.is_none_or(|reference| {
            let mut codes = self.card.codes.iter().zip(&self.codes);
            codes.any(|(code, state)| code.reference == reference && (state.verified || state.disabled))
        })
    }
}

impl CodeState {
    fn new(code: &Code) -> CodeState {
        CodeState { value: code.value.0.clone(), left: code.tries, verified: false, disabled: false }
    }

    /// The word after a try of a code, which is counted.
    pub(crate) fn show(&mut self, code: &Code, shown: &[u8]) -> Word {
        if self.left == 0 {
            return code.blocked;
        }
        self.verified = shown == self.value;
        self.left = if self.verified { code.tries } else { self.left - 1 };
        if self.verified { Word::OK } else { code.wrong(self.left) }
    }
}

impl Code {
    fn wrong(&self, left: usize) -> Word {
        match self.last {
            Some(last) if left == 0 => last.with(0),
            _ => self.wrong.with(left),
        }
    }
}

impl Transfer {
    /// The part that is done, if there is room for so much, with its word; or the word of a refusal.
    pub(crate) fn limit(&self, wanted: usize, room: usize, otherwise: Refusal) -> Result<(usize, Word), Word> {
        let most = self.most.unwrap_or(usize::MAX);
        let (length, refusal) = match wanted {
            _ if wanted > most => (most.min(room), self.beyond_most.unwrap_or(Refusal::Word(WRONG_LENGTH))),
            _ if wanted > room => (room, self.across_the_end.unwrap_or(otherwise)),
            _ => return Ok((wanted, Word::OK)),
        };
        match refusal {
            Refusal::Less => Ok((length, Word::OK)),
            Refusal::LessWith(word) => Ok((length, word.with(length))),
            Refusal::Word(word) => Err(word.with(length.min(256))),
        }
    }
}

impl File {
    /// The control parameters.
    fn told(&self, p2: u8) -> Vec<u8> {
        if let Some(told) = &self.tells {
            return told.0.clone();
        }
        let (size, descriptor) = match (&self.content, &self.records) {
            (Some(content), _) => (content.0.len(), vec![0x01]),
            (None, Some(records)) => {
                let longest = records.iter().map(|record| record.0.len()).max().unwrap_or(0);
                let is_fixed = records.iter().all(|record| record.0.len() == longest);
                let kind = match is_fixed {
                    _ if self.ring => 0x06,
                    true => 0x02,
                    false => 0x04,
                };
                (
                    records.iter().map(|record| record.0.len()).sum(),
                    vec![kind, 0x41, 0, longest as u8, records.len() as u8],
                )
            }
            (None, None) => (0, vec![]),
        };
        let size = self.tells_size.unwrap_or(size as u32).to_be_bytes();
        let size = if size[..2] == [0, 0] { &size[2..] } else { &size[..] };
        let id = steps(&self.path).pop().unwrap_or_default();
        let mut inner = [object(&[0x80], size), object(&[0x82], &descriptor), object(&[0x83], &number(&id))].concat();
        if let Some(short_id) = self.short_id {
            inner.extend(object(&[0x88], &[short_id << 3]));
        }
        object(&[template(p2)], &inner)
    }
}

fn directory_answer(path: &[String], p2: u8) -> Vec<u8> {
    let Some(last) = path.last().filter(|_| p2 & 0x0C != 0x0C) else { return Vec::new() };
    let tag = if last.len() > 4 { 0x84 } else { 0x83 };
    object(&[template(p2)], &[object(&[0x82], &[0x38]), object(&[tag], &number(last))].concat())
}

/// FCI or FCP.
fn template(p2: u8) -> u8 {
    if p2 & 0x0C == 0x04 { 0x62 } else { 0x6F }
}

pub(crate) fn number(digits: &str) -> Vec<u8> {
    digits.parse::<crate::bytes::Bytes>().map_or_else(|_| Vec::new(), |bytes| bytes.0)
}

fn object(tag: &[u8], value: &[u8]) -> Vec<u8> {
    let length = value.len() as u32;
    let length = match length {
        0..=0x7F => vec![length as u8],
        0x80..=0xFF => vec![0x81, length as u8],
        _ => vec![0x82, (length >> 8) as u8, length as u8],
    };
    [tag, &length, value].concat()
}

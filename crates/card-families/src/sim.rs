//! The same card in class A0: the commands of a SIM (3GPP TS 51.011, 8 and 9.2), with its status words.

use crate::bytes::Word;
use crate::family::{File, Refusal};
use crate::model::{Command, Found, Model, Response, done, number, refused, steps};

const UNKNOWN_INSTRUCTION: Word = Word::new(0x6D00);
const WRONG_PARAMETERS: Word = Word::new(0x6B00);
const NO_EF: Word = Word::new(0x9400);
const OUT_OF_RANGE: Word = Word::new(0x9402);
const NO_FILE: Word = Word::new(0x9404);
const WRONG_KIND: Word = Word::new(0x9408);
const NO_CODE: Word = Word::new(0x9802);
const NOT_ALLOWED: Word = Word::new(0x9804);
const WRONG_STATE: Word = Word::new(0x9808);
const INVALIDATED: Word = Word::new(0x9810);

const ABSOLUTE: u8 = 0x04;
const PREVIOUS: u8 = 0x03;
/// The length of a code, and its size in a command with two.
const CODE: usize = 8;

impl Model {
    pub fn execute_as_sim(&mut self, command: &Command) -> Response {
        match command.ins {
            0xA4 => self.select_as_sim(command),
            0xF2 => exactly(command.ne, &self.sim_directory_answer()),
            0x04 | 0x44 | 0xB0 | 0xD6 | 0xB2 | 0xDC => match self.current {
                Some(index) => self.use_file(index, command).unwrap_or_else(refused),
                None => refused(NO_EF),
            },
            0x20 | 0x24 | 0x26 | 0x28 | 0x2C => refused(self.use_code(command)),
            _ => refused(UNKNOWN_INSTRUCTION),
        }
    }

    fn select_as_sim(&mut self, command: &Command) -> Response {
        if (command.p1, command.p2) != (0, 0) {
            return refused(WRONG_PARAMETERS);
        }
        if command.data.len() != 2 {
            return refused(Word::new(0x6702));
        }
        let id: String = command.data.iter().map(|byte| format!("{byte:02X}")).collect();
        match self.reach(&id) {
            None => refused(NO_FILE),
            Some(Found::Directory(path)) => {
                (self.directory, self.current) = (path, None);
                done(self.sim_directory_answer())
            }
            Some(Found::File(index)) => {
                let file = &self.card.files[index];
                self.directory = steps(&file.path);
                self.directory.pop();
                self.current = Some(index);
                done(file.answer_as_sim())
            }
        }
    }

    /// The files that SELECT finds from the current DF: the MF, its children, itself, the DFs beside it, and the DF
    /// above.
    fn reach(&self, id: &str) -> Option<Found> {
        let child = |directory: &[String]| self.at([directory, &[id.to_string()]].concat());
        if id == "3F00" {
            return self.at(vec![id.into()]);
        }
        child(&self.directory).or_else(|| {
            let (last, above) = self.directory.split_last()?;
            match above.last() {
                _ if last == id => Some(Found::Directory(self.directory.clone())),
                Some(parent) if parent == id => Some(Found::Directory(above.to_vec())),
                Some(_) => child(above).filter(|found| matches!(found, Found::Directory(_))),
                None => None,
            }
        })
    }

    fn use_file(&mut self, index: usize, command: &Command) -> Result<Response, Word> {
        let (read, write) = (self.card.read.clone(), self.card.write.clone());
        let is_open = self.is_open(&self.card.files[index]);
        let file = &mut self.card.files[index];
        match command.ins {
            _ if !is_open => return Err(NOT_ALLOWED),
            0x04 | 0x44 if file.invalidated == (command.ins == 0x04) => return Err(INVALIDATED),
            0x04 | 0x44 => {
                file.invalidated = !file.invalidated;
                return Err(Word::OK);
            }
            _ if file.invalidated => return Err(INVALIDATED),
            0xB2 | 0xDC => return record(file, command),
            _ => {}
        }
        let content = file.content.as_mut().ok_or(WRONG_KIND)?;
        let offset = usize::from(command.p1) << 8 | usize::from(command.p2);
        let wanted = if command.ins == 0xB0 { command.ne } else { command.data.len() };
        let way = if command.ins == 0xB0 { read } else { write };
        let room = content.0.len().checked_sub(offset).filter(|room| *room > 0);
        let room = room.ok_or(way.at_the_end.unwrap_or(OUT_OF_RANGE))?;
        let (length, word) = way.limit(wanted, room, Refusal::Word(wrong_length()))?;
        let part = &mut content.0[offset..offset + length];
        if command.ins == 0xB0 {
            return Ok((part.to_vec(), word));
        }
        part.copy_from_slice(&command.data[..length]);
        Err(word)
    }

    /// VERIFY, CHANGE, DISABLE, ENABLE and UNBLOCK CHV. UNBLOCK CHV has 0 for code 1.
    fn use_code(&mut self, command: &Command) -> Word {
        let reference = if (command.ins, command.p2) == (0x2C, 0) { 1 } else { command.p2 };
        let Some(at) = self.card.codes.iter().position(|code| code.reference == reference) else { return NO_CODE };
        let (code, state) = (&self.card.codes[at], &mut self.codes[at]);
        let length = if matches!(command.ins, 0x24 | 0x2C) { 2 * CODE } else { CODE };
        if command.data.len() != length || command.p1 != 0 {
            return wrong_length().with(length);
        }
        let (first, second) = command.data.split_at(CODE);
        if command.ins == 0x2C {
            if code.unblocking.as_ref().is_none_or(|unblocking| unblocking.0 != first) {
                return code.wrong;
            }
            (state.value, state.left, state.verified) = (second.to_vec(), code.tries, true);
            return Word::OK;
        }
        if state.disabled != (command.ins == 0x28) {
            return WRONG_STATE;
        }
        let word = state.show(code, first);
        if word == Word::OK {
            match command.ins {
                0x24 => state.value = second.to_vec(),
                0x26 => state.disabled = true,
                0x28 => state.disabled = false,
                _ => {}
            }
        }
        word
    }

    fn sim_directory_answer(&self) -> Vec<u8> {
        let id = self.directory.last().map_or_else(Vec::new, |id| number(id));
        let kind = if self.directory.len() == 1 { 1 } else { 2 };
        let is_disabled = self.codes.first().is_some_and(|code| code.disabled);
        let status = |place: usize| self.codes.get(place).map_or(0, |code| 0x80 | code.left as u8);
        let characteristics = if is_disabled { 0x93 } else { 0x13 };
        let mut told = vec![0, 0, 0x10, 0];
        told.extend(id);
        told.extend([kind, 0, 0, 0, 0, 0, 10, characteristics, 1, 1, 4, 0, status(0), 0x8A, status(1), 0x8A, 0]);
        told
    }
}

impl File {
    fn answer_as_sim(&self) -> Vec<u8> {
        if let Some(told) = &self.tells {
            return told.0.clone();
        }
        let (size, structure, length) = match (&self.content, &self.records) {
            (_, Some(records)) => {
                let length = records.first().map_or(0, |record| record.0.len());
                (records.len() * length, if self.ring { 3 } else { 1 }, length)
            }
            (content, _) => (content.as_ref().map_or(0, |content| content.0.len()), 0, 0),
        };
        let [.., high, low] = self.tells_size.unwrap_or(size as u32).to_be_bytes();
        let mut told = vec![0, 0, high, low];
        told.extend(number(&steps(&self.path).pop().unwrap_or_default()));
        let status = u8::from(!self.invalidated);
        told.extend([4, 0, 0x11, 0xF0, 0x22, status, 2, structure, length as u8]);
        told
    }
}

/// READ RECORD and UPDATE RECORD. In a cyclic file a new record replaces the oldest.
fn record(file: &mut File, command: &Command) -> Result<Response, Word> {
    let ring = file.ring;
    let records = file.records.as_mut().ok_or(WRONG_KIND)?;
    let length = records.first().map_or(0, |record| record.0.len());
    let is_write = command.ins == 0xDC;
    let wanted = if is_write { command.data.len() } else { command.ne };
    match command.p2 {
        PREVIOUS if is_write && ring && wanted == length => {
            records.rotate_right(1);
            records[0].0.clone_from(&command.data);
            return Err(Word::OK);
        }
        PREVIOUS if is_write && ring => return Err(wrong_length().with(length)),
        ABSOLUTE if !(is_write && ring) => {}
        _ => return Err(WRONG_PARAMETERS),
    }
    let record = usize::from(command.p1).checked_sub(1).and_then(|place| records.get_mut(place));
    let record = record.ok_or(OUT_OF_RANGE)?;
    match is_write {
        _ if wanted != length => Err(wrong_length().with(length)),
        true => {
            record.0.clone_from(&command.data);
            Err(Word::OK)
        }
        false => Ok(done(record.0.clone())),
    }
}

fn exactly(ne: usize, data: &[u8]) -> Response {
    match data.get(..ne) {
        Some(part) => done(part.to_vec()),
        None => refused(wrong_length().with(data.len())),
    }
}

fn wrong_length() -> Word {
    "67XX".parse().expect("it is a status word")
}

#[cfg(test)]
mod tests {
    use crate::bytes::Bytes;
    use crate::family::{Card, Protocol};
    use crate::transport::Transport;

    const FILES: &str = "
        classes = 'A0'
        file = [
            { path = '3F00/2FE2', content = '[0..10]' },
            { path = '3F00/7F10/6F3A', records = ['0102', '0304'], needs = 1 },
            { path = '3F00/7F10/6F44', records = ['01', '02', '03'], ring = true },
            { path = '3F00/7F10/5F3A/4F20', content = '05', invalidated = true },
            { path = '3F00/7F20/6F07', content = '06' },
        ]

        [[code]]
        reference = 1
        value = \"'1234'FFFFFFFF\"
        tries = 3
        wrong = '9804'
        last = '9840'
        blocked = '9840'
    ";

    fn check_exchanges(lines: &[(&str, &str)]) {
        let bytes = |text: &str| text.parse::<Bytes>().unwrap().0;
        let card: Card = toml::from_str(FILES).unwrap();
        let mut transport = Transport::new(Protocol::T0, &card);
        for (command, answer) in lines {
            assert_eq!(transport.exchange(&bytes(command)), bytes(answer), "{command}");
        }
    }

    #[test]
    fn files_are_found_from_the_current_directory() {
        check_exchanges(&[
            ("00A40000023F00", "6E00"),
            ("A0A40800023F00", "6B00"),
            ("A0A40000043F002FE2", "6702"),
            ("A0A40000022FE2", "9F0F"),
            ("A0C0000010", "670F"),
            ("A0C000000F", "0000000A2FE2040011F02201020000 9000"),
            ("A0A40000025F3A", "9404"),
            ("A0A40000027F10", "9F17"),
            ("A0A40000025F3A", "9F17"),
            ("A0A40000027F20", "9404"),
            ("A0A40000027F10", "9F17"),
            ("A0A40000027F10", "9F17"),
            ("A0A40000027F20", "9F17"),
            ("A0A40000026F3A", "9404"),
            ("A0A40000026F07", "9F0F"),
            ("A0A40000023F00", "9F17"),
            ("A0F2000007", "000010003F0001 9000"),
            ("A0F2000018", "6717"),
        ]);
    }

    #[test]
    fn bytes_and_records_are_read_and_written() {
        check_exchanges(&[
            ("A0B0000001", "9400"),
            ("A0A40000022FE2", "9F0F"),
            ("A0B000000B", "670A"),
            ("A0B0000209", "6708"),
            ("A0B0000208", "[2..10] 9000"),
            ("A0B0000A01", "9402"),
            ("A0B2010401", "9408"),
            ("A0D6000901FF", "9000"),
            ("A0D6000902FFFF", "6701"),
            ("A0A40000027F10", "9F17"),
            ("A0A40000026F3A", "9F0F"),
            ("A0B2010402", "9804"),
            ("A02000010831323334FFFFFFFF", "9000"),
            ("A0B2010400", "6702"),
            ("A0B2010402", "0102 9000"),
            ("A0B2030402", "9402"),
            ("A0DC0204020506", "9000"),
            ("A0DC02040105", "6702"),
            ("A0DC0003020506", "6B00"),
            ("A0A40000026F44", "9F0F"),
            ("A0DC01040107", "6B00"),
            ("A0DC00030107", "9000"),
            ("A0B2010401", "07 9000"),
            ("A0B2030401", "02 9000"),
            ("A0A40000025F3A", "9F17"),
            ("A0A40000024F20", "9F0F"),
            ("A0B0000001", "9810"),
            ("A0440000", "9000"),
            ("A0B0000001", "05 9000"),
            ("A0CA0000", "6D00"),
        ]);
    }
}

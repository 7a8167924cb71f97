//! A read returns all bytes of a file, and the end comes after the last one: for a file of any size, on a card with any
//! limit and any refusal, whatever size it states. On a virtual reader, with a card of this file.

use std::ops::Range;
use std::ptr::null_mut;
use std::sync::MutexGuard;

use proptest::prelude::*;
use scm::abi::constants::{SCM_FL_ERASE, SCM_PROTOCOL_T1, SCM_SEEK_FROM_BEGINNING, SCM_TYPE_BY_ID};
use scm::abi::hresult::Hresult;
use scm::capi::attachment::{scm_detach, scm_handle};
use scm::capi::card_capabilities::{SCM_CARD_CHAINING, scm_card_capabilities, scm_set_card_capabilities};
use scm::capi::file::{scm_file, scm_file_get_size, scm_file_read, scm_file_seek, scm_file_write};
use scm::capi::file_access::{scm_create_file_access, scm_file_access_open};
use scm::capi::lock::scm_lock;
use test_reader::{Shared, TestReader, lock, share};

const OK: u16 = 0x9000;
const EOF: i32 = Hresult::SCARD_W_EOF.0;
const BAD_SEEK: i32 = Hresult::SCARD_E_BAD_SEEK.0;
const E_FAIL: i32 = Hresult::E_FAIL.0;
const TOO_MANY: i32 = Hresult::SCARD_E_WRITE_TOO_MANY.0;
const DATA_LOST: i32 = Hresult::SCARD_E_COMM_DATA_LOST.0;
const UNSUPPORTED: i32 = Hresult::SCARD_E_UNSUPPORTED_FEATURE.0;
const SECURITY: i32 = Hresult::SCARD_W_SECURITY_VIOLATION.0;
const INVALID_ARGUMENT: i32 = Hresult::E_INVALIDARG.0;

/// The response to a read that crosses the end, or begins there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum AtEnd {
    /// The available bytes with the first word; without any, the second word.
    Gives(u16, u16),
    Refuses(u16),
    /// 6CXX with the number of available bytes; 6C00 without any.
    Corrects,
}

/// The response to a length beyond its limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum BeyondLimit {
    Gives,
    Refuses(u16),
    Corrects,
}

/// The response to SELECT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Tells {
    Nothing,
    Kind,
    Size(u32),
}

/// A card of one file, 4401.
struct Card {
    content: Vec<u8>,
    /// Or a file of records.
    records: Option<Records>,
    tells: Tells,
    /// The maximum data of a response, and of a command.
    gives: usize,
    takes: usize,
    at_end: AtEnd,
    beyond: BeyondLimit,
    /// The response to an update across the end, and to one with too much data.
    full: u16,
    beyond_takes: u16,
    knows_odd: bool,
    /// A read that begins here, or reaches it, gives 6F00.
    hole: Range<usize>,
    /// Reads of the content are refused once, or from then on, with this word.
    glitch: Option<Glitch>,
    reads: usize,
    refusals: usize,
    updates: usize,
    is_selected: bool,
    /// It knows only class A0 (3GPP TS 51.011).
    is_sim: bool,
}

/// Records, their file descriptor, and the word for a missing one.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Records {
    all: Vec<Vec<u8>>,
    descriptor: Vec<u8>,
    missing: u16,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Glitch {
    read: usize,
    word: u16,
    lasts: bool,
}

impl Card {
    fn new(size: usize, tells: Tells) -> Card {
        Card {
            content: (0..size).map(|at| (at * 7 + at / 256 + at / 65_536) as u8).collect(),
            records: None,
            tells,
            gives: 65_536,
            takes: 65_535,
            at_end: AtEnd::Gives(0x6282, 0x6B00),
            beyond: BeyondLimit::Refuses(0x6700),
            full: 0x6A84,
            beyond_takes: 0x6700,
            knows_odd: true,
            hole: 0..0,
            glitch: None,
            reads: 0,
            refusals: 0,
            updates: 0,
            is_selected: false,
            is_sim: false,
        }
    }

    /// The same with the commands and words of a SIM.
    fn answer_as_sim(&mut self, command: &[u8]) -> (Vec<u8>, u16) {
        let told = |id: [u8; 2], kind: u8, size: u16| {
            let [high, low] = size.to_be_bytes();
            (vec![0, 0, high, low, id[0], id[1], kind, 0, 0x11, 0xF0, 0x22, 1, 2, 0, 0], OK)
        };
        let size = if let Tells::Size(size) = self.tells { size as u16 } else { 0 };
        match *command {
            [0xA0, 0xA4, 0, 0, 2, 0x3F, 0x00, ..] => told([0x3F, 0x00], 1, 0),
            [0xA0, 0xA4, 0, 0, 2, 0x44, 0x01, ..] => {
                self.is_selected = true;
                told([0x44, 0x01], 4, size)
            }
            [0xA0, 0xA4, ..] => (Vec::new(), 0x9404),
            [0xA0, 0xB0, ..] => match self.answer_command(command) {
                (data, 0x6986) => (data, 0x9400),
                (data, word) if word >> 8 == 0x6C => (data, 0x6700 | word & 0xFF),
                answered => answered,
            },
            [0xA0, ..] => (Vec::new(), 0x6D00),
            _ => (Vec::new(), 0x6E00),
        }
    }

    fn answer_command(&mut self, command: &[u8]) -> (Vec<u8>, u16) {
        let (data, le) = parse(command);
        match command[1] {
            0xA4 => self.select(command[2], command[3], data),
            0xB0 | 0xB1 => {
                self.reads += 1;
                let (data, word) = match self.glitch() {
                    Some(word) => (Vec::new(), word),
                    None if !self.is_selected => (Vec::new(), 0x6986),
                    None => self.read(command, data, le),
                };
                self.refusals += usize::from(data.is_empty());
                (data, word)
            }
            0xD6 | 0xD7 | 0x0E => {
                self.updates += 1;
                let word = match command[1] {
                    _ if !self.is_selected => 0x6986,
                    0x0E => self.erase(command, data),
                    _ => self.update(command, data),
                };
                (Vec::new(), word)
            }
            0xB2 => {
                self.reads += 1;
                let (data, word) =
                    self.glitch().map_or_else(|| self.read_record(command[2], le), |word| (Vec::new(), word));
                self.refusals += usize::from(data.is_empty());
                (data, word)
            }
            _ => (Vec::new(), 0x6D00),
        }
    }

    fn select(&mut self, p1: u8, p2: u8, data: &[u8]) -> (Vec<u8>, u16) {
        match (p1, data) {
            (0x00, [0x3F, 0x00]) => return (Vec::new(), OK),
            (0x08, [0x44, 0x01]) => self.is_selected = true,
            _ => return (Vec::new(), 0x6A82),
        }
        let size = match self.tells {
            _ if p2 & 0x0C == 0x0C => return (Vec::new(), OK),
            Tells::Nothing => return (Vec::new(), OK),
            Tells::Kind => Vec::new(),
            Tells::Size(size) => [&[0x80, 4][..], &size.to_be_bytes()].concat(),
        };
        let descriptor = self.records.as_ref().map_or(&[0x01][..], |records| &records.descriptor);
        let inner = [&[0x82, descriptor.len() as u8][..], descriptor, &size].concat();
        ([&[0x62, inner.len() as u8][..], &inner].concat(), OK)
    }

    fn glitch(&self) -> Option<u16> {
        let glitch = self.glitch?;
        let is_due = self.reads == glitch.read || glitch.lasts && self.reads > glitch.read;
        is_due.then_some(glitch.word)
    }

    /// `le` is that of the response, whose data are in a data object after the odd instruction.
    fn read(&self, command: &[u8], data: &[u8], le: usize) -> (Vec<u8>, u16) {
        let is_odd = command[1] == 0xB1;
        if is_odd && !self.knows_odd {
            return (Vec::new(), 0x6D00);
        }
        if self.records.is_some() {
            return (Vec::new(), 0x6981);
        }
        let le = match self.within_limit(le) {
            Ok(le) => le,
            Err(word) => return (Vec::new(), word),
        };
        let offset = if is_odd { number(&data[2..]) } else { usize::from(command[2]) << 8 | usize::from(command[3]) };
        if offset < self.hole.end && offset + room(le, is_odd) > self.hole.start {
            return (Vec::new(), 0x6F00);
        }
        let (there, wanted) = (self.content.get(offset..).unwrap_or_default(), room(le, is_odd));
        let (given, word) = match self.at_end {
            _ if there.len() >= wanted => (&there[..wanted], OK),
            AtEnd::Gives(_, word) if there.is_empty() => (there, word),
            AtEnd::Gives(word, _) => (there, word),
            AtEnd::Refuses(word) => return (Vec::new(), word),
            AtEnd::Corrects if there.is_empty() => return (Vec::new(), 0x6C00),
            AtEnd::Corrects => return (Vec::new(), correct(object(there, is_odd).len())),
        };
        (object(given, is_odd), word)
    }

    /// One record; one longer than requested is cut.
    fn read_record(&self, record: u8, le: usize) -> (Vec<u8>, u16) {
        // A transparent file has none.
        let Some(records) = &self.records else { return (Vec::new(), 0x6981) };
        let Some(record) = records.all.get(usize::from(record) - 1) else { return (Vec::new(), records.missing) };
        match (self.within_limit(le), self.at_end) {
            (Err(word), _) => (Vec::new(), word),
            (Ok(le), _) if record.len() >= le => (record[..le].to_vec(), OK),
            (_, AtEnd::Gives(word, _)) => (record.clone(), word),
            (_, AtEnd::Refuses(word)) => (Vec::new(), word),
            (_, AtEnd::Corrects) => (Vec::new(), correct(record.len())),
        }
    }

    fn within_limit(&self, le: usize) -> Result<usize, u16> {
        match self.beyond {
            _ if le <= self.gives => Ok(le),
            BeyondLimit::Gives => Ok(self.gives),
            BeyondLimit::Refuses(word) => Err(word),
            BeyondLimit::Corrects => Err(correct(self.gives)),
        }
    }

    /// From the offset on, up to the offset in the data.
    fn erase(&mut self, command: &[u8], data: &[u8]) -> u16 {
        match self.content.get_mut(number(&command[2..4])..number(data)) {
            Some(place) => place.fill(0),
            None => return self.full,
        }
        OK
    }

    fn update(&mut self, command: &[u8], data: &[u8]) -> u16 {
        let is_odd = command[1] == 0xD7;
        if is_odd && !self.knows_odd {
            return 0x6D00;
        }
        if data.len() > self.takes {
            return self.beyond_takes;
        }
        let (offset, data) = match is_odd {
            false => (usize::from(command[2]) << 8 | usize::from(command[3]), data),
            true => {
                let length = usize::from(data[1]);
                (number(&data[2..2 + length]), value(&data[2 + length..]))
            }
        };
        match self.content.get_mut(offset..offset + data.len()) {
            Some(place) => place.copy_from_slice(data),
            None => return self.full,
        }
        OK
    }
}

/// The data of a command APDU, and Ne.
fn parse(command: &[u8]) -> (&[u8], usize) {
    let short = |le: u8| if le == 0 { 256 } else { usize::from(le) };
    let long = |le: &[u8]| if number(le) == 0 { 65_536 } else { number(le) };
    match &command[4..] {
        [] => (&[], 0),
        [le] => (&[], short(*le)),
        [0, le @ ..] if le.len() == 2 => (&[], long(le)),
        [0, high, low, rest @ ..] => {
            let (data, le) = rest.split_at(number(&[*high, *low]));
            (data, if le.is_empty() { 0 } else { long(le) })
        }
        [lc, rest @ ..] => {
            let (data, le) = rest.split_at(usize::from(*lc));
            (data, le.first().map_or(0, |le| short(*le)))
        }
    }
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// The bytes of the file in a response of `le` bytes.
fn room(le: usize, is_odd: bool) -> usize {
    match le {
        le if !is_odd => le,
        0..=129 => le.saturating_sub(2),
        130..=258 => (le - 3).max(127),
        _ => le - 4,
    }
}

fn object(data: &[u8], is_odd: bool) -> Vec<u8> {
    let header = match data.len() {
        _ if !is_odd || data.is_empty() => vec![],
        length @ 0..=0x7F => vec![0x53, length as u8],
        length @ 0x80..=0xFF => vec![0x53, 0x81, length as u8],
        length => vec![0x53, 0x82, (length >> 8) as u8, length as u8],
    };
    [&header, data].concat()
}

fn value(object: &[u8]) -> &[u8] {
    let more = if object[1] > 0x80 { usize::from(object[1] & 0x7F) } else { 0 };
    &object[2 + more..]
}

fn correct(length: usize) -> u16 {
    match length {
        0..=255 => 0x6C00 | length as u16,
        256 => 0x6C00,
        _ => 0x6700,
    }
}

impl test_reader::Card for Card {
    fn answer(&mut self, command: &[u8]) -> Vec<u8> {
        let (data, word) = if self.is_sim { self.answer_as_sim(command) } else { self.answer_command(command) };
        [&data[..], &word.to_be_bytes()].concat()
    }
}

/// With chaining and extended lengths, and without information on both.
const LONG_ATR: [u8; 10] = *b"\x3B\x85\x01\x80\x73\xF7\x41\xC0\x01\x00";
const SHORT_ATR: [u8; 2] = *b"\x3B\x00";

/// An open file, under a lock of the program.
struct OpenFile {
    token: *mut scm_file,
    handle: *mut scm_handle,
    card: Shared<Card>,
    _reader: TestReader,
}

impl OpenFile {
    fn new(card: Card, is_long: bool) -> OpenFile {
        OpenFile::try_new(card, is_long, None).expect("the file can be opened")
    }

    fn try_new(card: Card, is_long: bool, given: Option<scm_card_capabilities>) -> Result<OpenFile, i32> {
        let mut long_atr = LONG_ATR;
        let last = long_atr.len() - 1;
        long_atr[last] = long_atr[1..last].iter().fold(0, |check, byte| check ^ byte);
        let atr = if is_long { &long_atr[..] } else { &SHORT_ATR[..] };
        let card = share(card);
        let reader = TestReader::insert(&card, atr, SCM_PROTOCOL_T1).unwrap();
        let handle = reader.attach().unwrap();
        let mut file = OpenFile { token: null_mut(), handle, card, _reader: reader };
        let mut files = null_mut();
        // SAFETY: every pointer is valid during the call.
        unsafe {
            if let Some(given) = given {
                assert_eq!(scm_set_card_capabilities(handle, &given), 0);
            }
            assert_eq!(scm_lock(handle), 0);
            assert_eq!(scm_create_file_access(handle, &mut files), 0);
            match scm_file_access_open(files, SCM_TYPE_BY_ID, c"4401".as_ptr(), &mut file.token) {
                0 => Ok(file),
                code => Err(code),
            }
        }
    }

    /// The library must not be called while the guard lives.
    fn card(&self) -> MutexGuard<'_, Card> {
        lock(&self.card)
    }

    /// Read number `later` from now is refused once.
    fn refuse_once(&self, later: usize, word: u16) {
        let mut card = self.card();
        card.glitch = Some(Glitch { read: card.reads + later, word, lasts: false });
    }

    fn seek(&self, offset: usize) -> i32 {
        // SAFETY: any values may be given.
        unsafe { scm_file_seek(self.token, offset as i64, SCM_SEEK_FROM_BEGINNING) }
    }

    /// The bytes of one read, or its code.
    fn read(&self, length: usize) -> Result<Vec<u8>, i32> {
        let (mut data, mut read) = (vec![0x77; length], 77);
        // SAFETY: the buffer has the given length.
        match unsafe { scm_file_read(self.token, data.as_mut_ptr(), length, &mut read, 0) } {
            0 => {
                // A record may have no bytes.
                assert!(read > 0 || self.card().records.is_some(), "nothing, and no end");
                data.truncate(read);
                Ok(data)
            }
            code => {
                assert_eq!(read, 0);
                Err(code)
            }
        }
    }

    /// All bytes, in pieces of `chunk`, and the code of the end.
    fn read_all(&self, chunk: usize) -> (Vec<u8>, i32) {
        let mut all = Vec::new();
        loop {
            match self.read(chunk) {
                Ok(data) => all.extend_from_slice(&data),
                Err(code) => return (all, code),
            }
        }
    }

    fn size(&self) -> Result<u64, i32> {
        let mut size = 77;
        // SAFETY: `size` can be written.
        match unsafe { scm_file_get_size(self.token, &mut size) } {
            0 => Ok(size),
            code => Err(code),
        }
    }

    fn write(&self, data: &[u8]) -> (usize, i32) {
        self.change(data, 0)
    }

    /// The same with flags.
    fn change(&self, data: &[u8], flags: u32) -> (usize, i32) {
        let mut written = 77;
        // SAFETY: the data have the given length.
        let code = unsafe { scm_file_write(self.token, data.as_ptr(), data.len(), flags, &mut written) };
        (written, code)
    }

    /// The same from the beginning and from another place, and the size, which may be asked for first.
    fn assert_whole(&self, measures: bool, chunk: usize) {
        let size = self.card().content.len();
        if measures {
            assert_eq!(self.size(), Ok(size as u64));
        }
        self.assert_reads_all(chunk);
        assert_eq!(self.size(), Ok(size as u64));
        let offset = size * 2 / 3;
        assert_eq!(self.seek(offset), 0);
        assert!(self.read_all(chunk).0 == self.card().content[offset..]);
    }

    /// Exactly the file, and then its end, twice.
    fn assert_reads_all(&self, chunk: usize) {
        let (all, code) = self.read_all(chunk);
        assert!(all == self.card().content, "{} of {} bytes, then {code:08X}", all.len(), self.card().content.len());
        assert_eq!(code, EOF, "{code:08X}");
        assert_eq!(self.read(1), Err(EOF));
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        // SAFETY: any value may be given as a handle.
        unsafe { scm_detach(self.handle) };
    }
}

/// With and without data, with the words by which cards refuse missing bytes: explicit ones, and others.
fn at_end() -> impl Strategy<Value = AtEnd> {
    prop_oneof![
        Just(AtEnd::Gives(0x6282, 0x6282)),
        Just(AtEnd::Gives(0x6282, 0x6B00)),
        Just(AtEnd::Gives(0x9000, 0x9000)),
        Just(AtEnd::Gives(0x9000, 0x6B00)),
        Just(AtEnd::Gives(0x9000, 0x6A86)),
        prop::sample::select(&[0x6700u16, 0x6B00, 0x6282, 0x6A86, 0x9000, 0x6A87][..]).prop_map(AtEnd::Refuses),
        Just(AtEnd::Corrects),
    ]
}

fn beyond() -> impl Strategy<Value = BeyondLimit> {
    prop_oneof![
        Just(BeyondLimit::Gives),
        prop::sample::select(&[0x6700u16, 0x6B00, 0x6282, 0x6A86, 0x9000][..]).prop_map(BeyondLimit::Refuses),
        Just(BeyondLimit::Corrects),
    ]
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![
        3 => 0..600usize,
        1 => prop::sample::select(
            &[0usize, 1, 2, 255, 256, 257, 512, 32_767, 32_768, 32_769, 65_535, 65_536, 70_000][..],
        ),
        1 => 32_700..33_100usize,
        2 => 0..=70_000usize,
    ]
}

fn limit() -> impl Strategy<Value = usize> {
    prop_oneof![1..300usize, 250..260usize, 200..5000usize, 1..=65_535usize, Just(65_536)]
}

/// A size that the card may state for a file of `size` bytes.
fn tells(size: usize) -> impl Strategy<Value = Tells> {
    let size = size as u32;
    prop_oneof![
        Just(Tells::Nothing),
        Just(Tells::Kind),
        Just(Tells::Size(size)),
        Just(Tells::Size(0)),
        (0..=size).prop_map(Tells::Size),
        (size..=80_000).prop_map(Tells::Size),
        Just(Tells::Size(size + 1)),
        Just(Tells::Size(size.saturating_sub(1))),
    ]
}

fn size_and_tells() -> impl Strategy<Value = (usize, Tells)> {
    size().prop_flat_map(|size| (Just(size), tells(size)))
}

fn chunk() -> impl Strategy<Value = usize> {
    prop_oneof![1..20usize, 100..600usize, 1..=70_000usize, Just(65_536)]
}

/// Beyond 32,767 the data are in a data object, which needs room. And the test must be fast.
fn bounded(size: usize, limit: usize, chunk: usize) -> (usize, usize) {
    let size = if limit < 3 { size.min(32_767) } else { size };
    // One call takes at least one lock.
    (size, chunk.max(size / 3000))
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(800))]

    #[test]
    fn a_file_is_read_to_its_end(
        (size, tells) in size_and_tells(),
        limit in limit(),
        at_end in at_end(),
        beyond in beyond(),
        is_long: bool,
        chunk in chunk(),
        measures: bool,
    ) {
        let (size, chunk) = bounded(size, limit, chunk);
        let file = OpenFile::new(Card { gives: limit, at_end, beyond, ..Card::new(size, tells) }, is_long);
        file.assert_whole(measures, chunk);
    }

    /// The same for a SIM, which always states a size, with offsets of sixteen bits and no extended lengths.
    #[test]
    fn a_file_of_a_sim_is_read_to_its_end(
        (size, told) in (0..=65_535usize).prop_flat_map(|size| (Just(size), prop_oneof![Just(size), 0..=65_535usize])),
        is_small: bool,
        limit in prop_oneof![1..=256usize, Just(256)],
        at_end in prop_oneof![
            prop::sample::select(&[0x9402u16, 0x6B00, 0x6700][..]).prop_map(AtEnd::Refuses),
            prop::sample::select(&[0x9402u16, 0x6B00][..]).prop_map(|word| AtEnd::Gives(OK, word)),
            Just(AtEnd::Corrects),
        ],
        beyond in prop_oneof![
            Just(BeyondLimit::Gives), Just(BeyondLimit::Corrects), Just(BeyondLimit::Refuses(0x6700)),
        ],
        is_long: bool,
        chunk in chunk(),
    ) {
        let (size, told) = if is_small { (size % 600, told % 600) } else { (size, told) };
        let (size, chunk) = bounded(size, limit.max(3), chunk);
        let card = Card::new(size, Tells::Size(told as u32));
        let file = OpenFile::new(Card { gives: limit, at_end, beyond, is_sim: true, ..card }, is_long);
        file.assert_whole(false, chunk);
    }

    /// The same for a card whose words tell nothing about lengths and ends. A file without bytes looks like an
    /// unreadable one.
    #[test]
    fn a_file_is_read_to_its_end_in_any_words(
        (size, tells) in size_and_tells().prop_filter("a byte", |(size, _)| *size > 0),
        limit in limit(),
        end in prop::sample::select(&[0x6F00u16, 0x6985, 0x6A82, 0x6A83, 0x9402, 0x6A80][..]),
        crosses: bool,
        word in prop::sample::select(&[0x6F00u16, 0x6985, 0x6A82, 0x6A80, 0x6A83][..]),
        is_long: bool,
        chunk in chunk(),
        measures: bool,
    ) {
        let (size, chunk) = bounded(size, limit, chunk);
        let at_end = if crosses { AtEnd::Gives(0x9000, end) } else { AtEnd::Refuses(end) };
        let beyond = BeyondLimit::Refuses(word);
        let file = OpenFile::new(Card { gives: limit, at_end, beyond, ..Card::new(size, tells) }, is_long);
        file.assert_whole(measures, chunk);
    }

    /// One read is refused once: the bytes come anyway, or after an error. There is no end before the last byte.
    #[test]
    fn one_refusal_is_no_end(
        (size, tells) in size_and_tells(),
        limit in limit(),
        at_end in at_end(),
        word in prop::sample::select(&[
            0x6700u16, 0x6B00, 0x6282, 0x6A86, 0x6F00, 0x6982, 0x6985, 0x6986, 0x6A82, 0x6981, 0x9000, 0x6C00, 0x6400,
            0x6581, 0x6D00,
        ][..]),
        read in 1..30usize,
        is_long: bool,
        chunk in chunk(),
    ) {
        let (size, chunk) = bounded(size, limit, chunk);
        let glitch = Some(Glitch { read, word, lasts: false });
        let card = Card { gives: limit, at_end, glitch, ..Card::new(size, tells) };
        let Ok(file) = OpenFile::try_new(card, is_long, None) else { return Ok(()) };
        let mut all = Vec::new();
        let mut errors = 0;
        loop {
            match file.read(chunk) {
                Ok(data) => all.extend_from_slice(&data),
                Err(EOF) => break,
                Err(code) => {
                    errors += 1;
                    prop_assert!(errors < 2, "{:08X}", code);
                }
            }
        }
        prop_assert!(all == file.card().content, "{} of {}", all.len(), size);
    }

    /// One refusal does not make a file shorter, or change its size.
    #[test]
    fn one_refusal_is_no_size(
        (size, tells) in size_and_tells().prop_filter("a byte", |(size, _)| *size > 0),
        at_end in at_end(),
        word in prop::sample::select(&[
            0x6700u16, 0x6B00, 0x6282, 0x6A86, 0x6F00, 0x6982, 0x6985, 0x6986, 0x6A82, 0x9000, 0x6C00, 0x6400, 0x6581,
        ][..]),
        read in 1..20usize,
    ) {
        let file = OpenFile::new(Card { at_end, ..Card::new(size, tells) }, false);
        file.refuse_once(read, word);
        let first = file.size();
        prop_assert!(first.is_err() || first == Ok(size as u64), "{:?} of {}", first, size);
        prop_assert_eq!(file.size(), Ok(size as u64));
    }

    /// From some read on the card refuses everything: below the stated size that is an error, not the end.
    #[test]
    fn a_card_that_stops_has_no_end(
        size in 2..2000usize,
        tells_size: bool,
        word in prop::sample::select(&[0x6700u16, 0x6B00, 0x6282, 0x6A86, 0x6F00, 0x6982, 0x6986, 0x9000, 0x6C00][..]),
        chunk in 1..300usize,
    ) {
        let tells = if tells_size { Tells::Size(size as u32) } else { Tells::Kind };
        let file = OpenFile::new(Card::new(size, tells), false);
        let first = file.read(chunk).unwrap();
        if first.len() == size {
            return Ok(());
        }
        file.card().glitch = Some(Glitch { read: 0, word, lasts: true });
        let code = file.read(chunk).unwrap_err();
        // 6B00, 6282 and an empty response say that there is no more, and without a size nothing contradicts.
        let is_word = matches!(word, 0x6B00 | 0x6282 | 0x9000 | 0x6C00) && !tells_size;
        prop_assert_eq!(code == EOF, is_word, "{:08X} for {:04X}", code, word);
        file.card().glitch = None;
        let (rest, code) = file.read_all(chunk);
        prop_assert!([first, rest].concat() == file.card().content);
        prop_assert_eq!(code, EOF);
    }

    /// A write changes exactly the acknowledged bytes.
    #[test]
    fn as_much_is_written_as_is_said(
        (size, tells) in size_and_tells(),
        limit in limit(),
        full in prop::sample::select(&[0x6A84u16, 0x6700, 0x6B00, 0x6A86, 0x6F00, 0x6A80, 0x6400][..]),
        beyond_takes in prop::sample::select(&[0x6700u16, 0x6A84, 0x6B00, 0x6F00, 0x6400, 0x6A80][..]),
        is_long: bool,
        offset in 0..70_000usize,
        length in prop_oneof![0..600usize, 0..70_000usize],
    ) {
        let size = if limit < 16 { size.min(32_767) } else { size };
        let card = Card { takes: limit, full, beyond_takes, ..Card::new(size, tells) };
        let mut model = card.content.clone();
        let file = OpenFile::new(card, is_long);
        let offset = offset % (size + 1);
        let data: Vec<u8> = (0..length).map(|at| (at * 5 + 1) as u8).collect();
        prop_assert_eq!(file.seek(offset), 0);
        let (written, code) = file.write(&data);
        prop_assert!(written <= length.min(size - offset));
        model[offset..offset + written].copy_from_slice(&data[..written]);
        prop_assert!(file.card().content == model);
        if length <= size - offset {
            prop_assert_eq!((written, code), (length, 0), "{:08X}", code);
        } else {
            prop_assert!(code < 0);
            prop_assert!(written == 0 || code == TOO_MANY, "{:08X}", code);
            // Beyond the stated size nothing is written, unless that is too small.
            let is_refused = matches!(tells, Tells::Size(told) if (size..offset + length).contains(&(told as usize)));
            prop_assert_eq!(written, if is_refused { 0 } else { size - offset });
        }
    }
}

/// The descriptor of a file of records: its kind, and the maximum length if the card tells it.
fn descriptor() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(vec![0x04]), Just(vec![0x04, 0x41, 0x00, 0xF0]), Just(vec![0x02])]
}

proptest! {
    #![proptest_config(config(500))]

    /// Each record is complete, and the end comes after the last one.
    #[test]
    fn records_are_read_to_the_last(
        all in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..240), 1..20),
        descriptor in descriptor(),
        missing in prop::sample::select(&[0x6A83u16, 0x6B00, 0x6A86, 0x6A82, 0x6700, 0x6F00, 0x6985, 0x6981][..]),
        limit in prop_oneof![240..256usize, Just(65_536)],
        at_end in prop_oneof![
            Just(AtEnd::Gives(0x9000, 0)),
            Just(AtEnd::Gives(0x6282, 0)),
            Just(AtEnd::Refuses(0x6700)),
            Just(AtEnd::Refuses(0x6B00)),
            Just(AtEnd::Refuses(0x6F00)),
            Just(AtEnd::Refuses(0x6985)),
            Just(AtEnd::Corrects),
        ],
        beyond in prop::sample::select(&[0x6700u16, 0x6B00, 0x6A86, 0x6F00, 0x6985][..]).prop_map(BeyondLimit::Refuses),
        glitch in prop::option::of((
            2..40usize,
            prop::sample::select(&[0x6700u16, 0x6B00, 0x6986, 0x6A82, 0x6981, 0x6F00, 0x6985][..]),
        )),
        is_long: bool,
    ) {
        let glitch = glitch.map(|(read, word)| Glitch { read, word, lasts: false });
        let records = Some(Records { all: all.clone(), descriptor, missing });
        let card = Card { gives: limit, at_end, beyond, glitch, records, ..Card::new(0, Tells::Kind) };
        let file = OpenFile::new(card, is_long);
        for (number, record) in all.iter().enumerate() {
            let read = file.read(300);
            prop_assert!(read.as_ref() == Ok(record), "{}: {:02X?} and not {:02X?}", number, read, record);
        }
        prop_assert_eq!(file.read(300), Err(EOF));
        prop_assert_eq!(file.size(), Ok(all.len() as u64));
    }
}

/// A record that the card cannot give at once is an error, not half a record. Others are found in few tries.
#[test]
fn long_records_of_a_card_of_short_answers() {
    let card = |length: usize, descriptor: &[u8]| {
        let all = vec![vec![0xAB; length]; 4];
        let records = Some(Records { all, descriptor: descriptor.to_vec(), missing: 0x6A83 });
        OpenFile::new(Card { gives: 100, records, ..Card::new(0, Tells::Kind) }, false)
    };
    let file = card(200, &[0x02, 0x41, 0x00, 200]);
    assert_eq!(file.read(300), Err(DATA_LOST));
    let file = card(30, &[0x04]);
    assert_eq!(file.read(300), Ok(vec![0xAB; 30]));
    assert!(file.card().reads <= 1 + 8, "{}", file.card().reads);
    let reads = file.card().reads;
    assert_eq!(file.read(300), Ok(vec![0xAB; 30]));
    assert_eq!(file.card().reads, reads + 1, "it is remembered");
}

/// The number of reads, for a card with usual responses.
#[test]
fn a_usual_card_is_asked_no_more_than_it_takes() {
    for (size, is_long, reads) in
        [(300, false, 2), (256, false, 1), (32_767, false, 128), (32_767, true, 1), (1, false, 1)]
    {
        for at_end in [AtEnd::Gives(0x6282, 0x6B00), AtEnd::Refuses(0x6B00), AtEnd::Refuses(0x6700)] {
            let file = OpenFile::new(Card { at_end, ..Card::new(size, Tells::Size(size as u32)) }, is_long);
            assert_eq!(file.read(70_000).unwrap().len(), size);
            // One more to check whether the stated size is too small.
            assert_eq!(file.card().reads, reads + 1, "{size}");
            let reads = reads + 1;
            // And one to check that nothing follows.
            assert_eq!(file.read(70_000), Err(EOF));
            assert_eq!(file.card().reads, reads + 1, "{size}, {at_end:?}");
        }
    }
}

/// The maximum length of the card is found in eight tries, and remembered.
#[test]
fn a_limit_is_found_in_few_tries() {
    for limit in 1..256 {
        for word in [0x6700, 0x6B00, 0x6282] {
            let beyond = BeyondLimit::Refuses(word);
            let file = OpenFile::new(Card { gives: limit, beyond, ..Card::new(1000, Tells::Size(1000)) }, false);
            assert_eq!(file.read(limit + 1).unwrap().len(), limit + 1);
            let reads = file.card().reads;
            assert!(reads <= 1 + 8 + 1, "{reads} for {limit}");
            assert_eq!(file.seek(0), 0);
            file.card().refusals = 0;
            assert_eq!(file.read(1000).unwrap().len(), 1000);
            assert_eq!(file.card().refusals, 0, "{limit} is remembered");
            assert_eq!(file.card().reads - reads, 1000usize.div_ceil(limit));
        }
    }
    for limit in [300, 512, 1000, 2048, 4000, 30_000] {
        let file = OpenFile::new(Card { gives: limit, ..Card::new(70_000, Tells::Size(70_000)) }, true);
        assert_eq!(file.read(70_000).unwrap().len(), 70_000);
        assert!(file.card().refusals <= 8, "{} for {limit}", file.card().refusals);
        let reads = file.card().reads;
        file.card().refusals = 0;
        assert_eq!(file.seek(0), 0);
        assert_eq!(file.read(70_000).unwrap().len(), 70_000);
        assert_eq!(file.card().refusals, 0);
        assert!(file.card().reads - reads <= 70_000 / limit * 2 + 2, "{} for {limit}", file.card().reads - reads);
    }
}

/// The rows of the table of public reports.
#[test]
fn cards_of_public_reports() {
    let all = |card: Card| OpenFile::new(card, false).assert_reads_all(65_536);
    // IAS ECC, italia/cie-middleware issue 57: 6B00 if offset and length cross the end.
    for word in [0x6B00, 0x6700, 0x6282, 0x6A86] {
        all(Card { at_end: AtEnd::Refuses(word), ..Card::new(300, Tells::Kind) });
        all(Card { at_end: AtEnd::Refuses(word), ..Card::new(40, Tells::Nothing) });
    }
    // OpenSC issue 1112: the card tells the rest.
    all(Card { at_end: AtEnd::Corrects, ..Card::new(200, Tells::Nothing) });
    // gmrtd pull request 410: a passport with at most 192 bytes. NFCPassportReader issue 91: 160, and 6282 without
    // data.
    all(Card { gives: 192, ..Card::new(5000, Tells::Size(5000)) });
    all(Card { gives: 160, beyond: BeyondLimit::Refuses(0x6282), ..Card::new(5000, Tells::Kind) });
    // connective-plugin-linux pull request 50: 6B00, 6986 or an empty response in the middle, and the bytes on
    // repetition.
    for word in [0x6B00, 0x6986, 0x9000] {
        for read in 2..9 {
            let glitch = Some(Glitch { read, word, lasts: false });
            all(Card { glitch, ..Card::new(1900, Tells::Nothing) });
            all(Card { glitch, ..Card::new(1900, Tells::Size(1900)) });
        }
    }
    // OpenSC pull request 1640: the rest with 9000, and then 6B00.
    all(Card { at_end: AtEnd::Gives(0x9000, 0x6B00), ..Card::new(700, Tells::Size(2048)) });
    // An applet with an error in its array.
    all(Card { at_end: AtEnd::Refuses(0x6F00), ..Card::new(700, Tells::Kind) });
}

/// Words about another file, or about nothing, are the end if the card still gives the byte before; never at the first
/// byte.
#[test]
fn other_words_at_the_end() {
    for word in [0x6F00, 0x6A82, 0x6981] {
        let at_end = AtEnd::Gives(0x9000, word);
        OpenFile::new(Card { at_end, ..Card::new(700, Tells::Kind) }, false).assert_reads_all(65_536);
        let file = OpenFile::new(Card { at_end, ..Card::new(0, Tells::Kind) }, false);
        let code = file.read(100).unwrap_err();
        assert_ne!(code, EOF, "{word:04X}");
    }
}

/// After all stated bytes any word is the end. A file stated to be empty has given none: it is empty if the card says
/// nothing else, but not if the word is about a right, or about the command.
#[test]
fn any_word_behind_the_size_that_was_told() {
    for word in [0x6982, 0x6985, 0x6986, 0x6400, 0x6581, 0x6F00, 0x6A82, 0x6A88, 0x6D00, 0x6E00, 0x6A81, 0x9303] {
        for size in [1, 10, 256, 300] {
            let card = || Card { at_end: AtEnd::Gives(0x9000, word), ..Card::new(size, Tells::Size(size as u32)) };
            for chunk in [10, 65_536] {
                let file = OpenFile::new(card(), false);
                assert_eq!(file.read_all(chunk), (file.card().content.clone(), EOF), "{word:04X}");
                assert_eq!(file.size(), Ok(size as u64));
            }
            // Also for a read that begins there.
            let file = OpenFile::new(card(), false);
            assert_eq!(file.seek(size), 0);
            assert_eq!(file.read(10), Err(EOF), "{word:04X}");
        }
        let file = OpenFile::new(Card { at_end: AtEnd::Gives(0x9000, word), ..Card::new(0, Tells::Size(0)) }, false);
        assert_eq!(file.read(10) == Err(EOF), matches!(word, 0x6F00 | 0x9303), "{word:04X}");
        assert_eq!(file.size(), Ok(0));
    }
}

/// An end seen once during a call is no stated size.
#[test]
fn security_behind_an_end_that_was_seen_once() {
    for word in [0x6982, 0x6985, 0x6F00] {
        let file = OpenFile::new(Card { at_end: AtEnd::Refuses(0x6700), ..Card::new(300, Tells::Kind) }, false);
        assert_eq!(file.read(1000).unwrap().len(), 300);
        file.card().glitch = Some(Glitch { read: 0, word, lasts: true });
        assert_ne!(file.read(1000), Err(EOF), "{word:04X}");
        file.card().glitch = None;
        assert_eq!(file.read(1000), Err(EOF), "{word:04X}");
    }
}

/// The same words in the middle of the file: an error, not the end.
#[test]
fn a_hole_is_no_end() {
    for (hole, length) in [(300, 1), (300, 100), (256, 256), (1, 1), (900, 40), (990, 5)] {
        for tells in [Tells::Kind, Tells::Size(1000)] {
            let file = OpenFile::new(Card { hole: hole..hole + length, ..Card::new(1000, tells) }, false);
            let (all, code) = file.read_all(100);
            assert!(file.card().content.starts_with(&all));
            assert_eq!((all.len(), code), (hole, E_FAIL), "{tells:?}");
            assert_ne!(file.read(100), Err(EOF), "{hole} {length} {tells:?}");
            if tells == Tells::Kind {
                assert_ne!(file.size(), Ok(hole as u64), "{hole} {length}");
            }
        }
    }
}

/// A meaningless refusal leads to a shorter part, another one does not.
#[test]
fn a_write_is_tried_shorter() {
    for (word, written) in [
        (0x6F00, 600),
        (0x6400, 600),
        (0x6A80, 600),
        (0x6A83, 600),
        (0x9303, 600),
        (0x6982, 0),
        (0x6985, 0),
        (0x6983, 0),
        (0x6D00, 0),
        (0x6E00, 0),
        (0x6581, 0),
    ] {
        for tells in [Tells::Kind, Tells::Size(600)] {
            let file = OpenFile::new(Card { takes: 100, beyond_takes: word, ..Card::new(600, tells) }, false);
            let (done, code) = file.write(&[7; 600]);
            assert_eq!((done, code == 0), (written, written > 0), "{word:04X}: {code:08X}");
            assert!(file.card().updates <= 1 + 8 + 6, "{word:04X}: {}", file.card().updates);
            assert!(written > 0 || file.card().updates == 1, "{word:04X}: it is sent once");
        }
    }
}

/// The position is invalid beyond the end.
#[test]
fn a_file_is_full() {
    for full in [0x6B00, 0x6A84] {
        let file = OpenFile::new(Card { full, ..Card::new(0, Tells::Kind) }, false);
        assert_eq!(file.write(&[7; 10]), (0, TOO_MANY), "{full:04X}");
        let file = OpenFile::new(Card { full, ..Card::new(300, Tells::Kind) }, false);
        assert_eq!(file.read(1000).unwrap().len(), 300);
        assert_eq!(file.write(&[7; 10]), (0, TOO_MANY), "{full:04X}");
    }
    let file = OpenFile::new(Card { full: 0x6B00, ..Card::new(300, Tells::Kind) }, false);
    assert_eq!(file.seek(1000), 0);
    assert_eq!(file.write(&[7; 10]), (0, BAD_SEEK));
}

/// A record without data: because of the requested length, because it is empty, or because it does not exist.
#[test]
fn a_record_of_nothing() {
    let card = |all: &[&[u8]], missing, beyond, gives| {
        let records =
            Records { all: all.iter().map(|record| record.to_vec()).collect(), descriptor: vec![0x04], missing };
        Card { gives, beyond, records: Some(records), ..Card::new(0, Tells::Kind) }
    };
    let (one, none): (&[u8], &[u8]) = (&[0xAB; 29], &[]);
    for missing in [0x6A83, 0x9000, 0x6282] {
        for nothing in [0x9000, 0x6282] {
            for is_long in [false, true] {
                let file = OpenFile::new(card(&[one, one], missing, BeyondLimit::Refuses(nothing), 100), is_long);
                assert_eq!(file.read(300), Ok(one.to_vec()), "{missing:04X} {nothing:04X}");
                assert_eq!(file.read(300), Ok(one.to_vec()), "{missing:04X} {nothing:04X}");
                assert_eq!(file.read(300), Err(EOF), "{missing:04X} {nothing:04X}");
                assert_eq!(file.size(), Ok(2), "{missing:04X} {nothing:04X}");
            }
        }
        let file = OpenFile::new(card(&[one, none, one], missing, BeyondLimit::Gives, 256), false);
        for record in [one, none, one] {
            assert_eq!(file.read(300), Ok(record.to_vec()), "{missing:04X}");
        }
        assert_eq!(file.read(300), Err(EOF), "{missing:04X}");
        assert_eq!(file.size(), Ok(3), "{missing:04X}");
        // None at all.
        let file = OpenFile::new(card(&[], missing, BeyondLimit::Gives, 256), false);
        assert_eq!(file.read(300), Err(EOF), "{missing:04X}");
        assert_eq!(file.size(), Ok(0), "{missing:04X}");
    }
}

#[test]
fn security_is_no_end() {
    let file = OpenFile::new(Card::new(700, Tells::Size(700)), false);
    assert_eq!(file.read(300).unwrap().len(), 300);
    file.card().glitch = Some(Glitch { read: 0, word: 0x6982, lasts: true });
    assert_eq!(file.read(300), Err(SECURITY));
    let reads = file.card().reads;
    assert_eq!(file.read(300), Err(SECURITY));
    assert_eq!(file.card().reads, reads + 1, "it is asked for once");
    assert_eq!(file.size(), Ok(700), "what the card has told");
}

/// Beyond 32,767 there is an error, not the end, unless the stated size ends there.
#[test]
fn without_the_odd_instruction() {
    let card = |size, tells| Card { knows_odd: false, ..Card::new(size, tells) };
    for tells in [Tells::Nothing, Tells::Size(40_000)] {
        let file = OpenFile::new(card(40_000, tells), false);
        let (all, code) = file.read_all(65_536);
        assert!(file.card().content.starts_with(&all));
        assert_eq!((all.len(), code), (32_768, UNSUPPORTED));
    }
    let file = OpenFile::new(card(32_768, Tells::Size(32_768)), false);
    file.assert_reads_all(65_536);
    let file = OpenFile::new(card(32_767, Tells::Nothing), false);
    file.assert_reads_all(65_536);
    assert_eq!(file.size(), Ok(32_767));
}

/// Short lengths can be set without extended ones: then nothing is refused.
#[test]
fn a_short_limit_can_be_said() {
    let capabilities = |flags, command_data, response_data| scm_card_capabilities {
        struct_size: size_of::<scm_card_capabilities>() as u32,
        flags,
        command_data_max: command_data,
        response_data_max: response_data,
        channel_count: 0,
    };
    let card = Card { gives: 192, takes: 100, ..Card::new(1000, Tells::Size(1000)) };
    let file = OpenFile::try_new(card, false, Some(capabilities(SCM_CARD_CHAINING, 100, 192))).unwrap();
    file.assert_reads_all(65_536);
    assert_eq!(file.card().reads, 6 + 3, "and three for the end");
    assert_eq!(file.seek(0), 0);
    assert_eq!(file.write(&[7; 1000]), (1000, 0));
    for bad in [capabilities(0, 256, 0), capabilities(0, 0, 257), capabilities(4, 0, 0)] {
        // SAFETY: the structure is valid.
        assert_eq!(unsafe { scm_set_card_capabilities(file.handle, &bad) }, INVALID_ARGUMENT);
    }
}

/// A card that announces extended lengths and refuses them with any word gives and takes short ones.
#[test]
fn extended_lengths_refused_in_any_words() {
    for word in [0x6700, 0x6881, 0x6883, 0x6884, 0x6981, 0x6985, 0x6986, 0x6A81, 0x6D00, 0x6E00, 0x6F00] {
        for (size, tells) in [(700, Tells::Size(700)), (700, Tells::Kind), (40_000, Tells::Size(40_000))] {
            let beyond = BeyondLimit::Refuses(word);
            let file = OpenFile::new(
                Card { gives: 256, takes: 255, beyond, beyond_takes: word, ..Card::new(size, tells) },
                true,
            );
            let data: Vec<u8> = (0..size).map(|at| (at * 3) as u8).collect();
            assert_eq!(file.write(&data), (size, 0), "{word:04X} {tells:?}");
            let updates = file.card().updates;
            assert_eq!(file.seek(0), 0);
            file.assert_reads_all(65_536);
            assert!(file.card().refusals <= 8 + 4, "{word:04X} {tells:?}: {}", file.card().refusals);
            // It is remembered.
            assert_eq!(file.seek(0), 0);
            assert_eq!(file.write(&data[..700]), (700, 0));
            assert_eq!(file.card().updates, updates + 3, "{word:04X} {tells:?}");
        }
    }
    // A missing right is missing in any form.
    let beyond = BeyondLimit::Refuses(0x6982);
    let file = OpenFile::new(
        Card { gives: 256, takes: 255, beyond, beyond_takes: 0x6982, ..Card::new(700, Tells::Size(700)) },
        true,
    );
    assert_eq!(file.read(700), Err(SECURITY));
    assert_eq!(file.write(&[7; 700]), (0, SECURITY));
    assert_eq!(file.card().reads, 1);
    assert_eq!(file.card().updates, 1);
}

/// A wrong stated length of records cuts none, and the card decides on a record that is too long.
#[test]
fn a_record_size_that_is_too_small() {
    for (told, real) in [(10, 29), (29, 10), (1, 255), (29, 29), (254, 255), (0xFF, 1)] {
        for at_end in [AtEnd::Gives(0x9000, 0), AtEnd::Gives(0x6282, 0), AtEnd::Corrects, AtEnd::Refuses(0x6700)] {
            if at_end == AtEnd::Refuses(0x6700) && usize::from(told) > real {
                // The card may have no more of a longer record.
                continue;
            }
            let all = vec![vec![0xAB; real]; 3];
            let records = Records { all: all.clone(), descriptor: vec![0x02, 0x41, 0x00, told, 3], missing: 0x6A83 };
            let file = OpenFile::new(Card { at_end, records: Some(records), ..Card::new(0, Tells::Kind) }, false);
            for record in all {
                assert_eq!(file.read(300), Ok(record), "{told} {real} {at_end:?}");
            }
            assert_eq!(file.read(300), Err(EOF), "{told} {real} {at_end:?}");
            assert_eq!(file.size(), Ok(3));
        }
    }
}

/// A record that is refused once comes anyway. All stated records come, however often the card refuses.
#[test]
fn one_refusal_of_a_record_is_no_end() {
    for word in [0x6A83, 0x6B00, 0x6A86, 0x6A82, 0x6F00, 0x9402] {
        for descriptor in [&[0x02, 0x41, 0x00, 29, 3][..], &[0x02, 0x41, 0x00, 29, 9], &[0x02, 0x41, 0x00, 29], &[0x04]]
        {
            let card = || {
                let all = vec![vec![0xAB; 29]; 3];
                let records = Records { all, descriptor: descriptor.to_vec(), missing: 0x6A83 };
                OpenFile::new(Card { records: Some(records), ..Card::new(0, Tells::Kind) }, false)
            };
            let file = card();
            assert_eq!(file.read(300).unwrap().len(), 29);
            file.refuse_once(1, word);
            for _ in 0..2 {
                assert_eq!(file.read(300), Ok(vec![0xAB; 29]), "{word:04X} {descriptor:02X?}");
            }
            assert_eq!(file.read(300), Err(EOF), "{word:04X} {descriptor:02X?}");
            assert_eq!(file.size(), Ok(3));
        }
    }
}

/// Records end with any meaningless word, and are read in a found length.
#[test]
fn records_end_in_any_words() {
    for missing in [0x6A83, 0x6F00, 0x9402, 0x9404, 0x6A81, 0x6B00, 0x6A82] {
        for gives in [30, 256] {
            for beyond in [0x6700, 0x6F00] {
                let records = Records { all: vec![vec![0xAB; 29]; 3], descriptor: vec![0x02], missing };
                let beyond = BeyondLimit::Refuses(beyond);
                let card = Card { gives, beyond, records: Some(records), ..Card::new(0, Tells::Kind) };
                let file = OpenFile::new(card, false);
                for _ in 0..3 {
                    assert_eq!(file.read(300), Ok(vec![0xAB; 29]), "{missing:04X} {gives} {beyond:?}");
                }
                assert_eq!(file.read(300), Err(EOF), "{missing:04X} {gives} {beyond:?}");
                assert_eq!(file.size(), Ok(3), "{missing:04X} {gives} {beyond:?}");
            }
        }
    }
}

/// A short read is not the end: one byte more is requested where the file ends by its stated size, or at 6282.
#[test]
fn a_read_goes_on_behind_a_size_that_is_too_small() {
    for tells in [Tells::Size(50), Tells::Size(0), Tells::Size(599), Tells::Kind] {
        let file = OpenFile::new(Card::new(600, tells), false);
        assert_eq!(file.read(600).unwrap().len(), 600, "{tells:?}");
    }
}

/// A file that ends before its stated size, with meaningless words.
#[test]
fn an_end_in_other_words_before_the_size_that_was_told() {
    for word in [0x6F00, 0x6A82, 0x6A83, 0x9402] {
        for at_end in [AtEnd::Refuses(word), AtEnd::Gives(0x9000, word)] {
            for told in [301, 310, 1000] {
                let card = || Card { at_end, ..Card::new(300, Tells::Size(told)) };
                OpenFile::new(card(), false).assert_reads_all(65_536);
                OpenFile::new(card(), false).assert_reads_all(100);
                assert_eq!(OpenFile::new(card(), false).size(), Ok(300), "{at_end:?} {told}");
            }
        }
    }
}

/// A write without room says so, whatever the stated size, with any word, and even if the card refuses once.
#[test]
fn a_write_ends_where_the_file_does() {
    for full in [0x6A84, 0x6B00, 0x6700, 0x6A86, 0x6F00, 0x6A80] {
        for told in [301, 600] {
            let file = OpenFile::new(Card { full, ..Card::new(300, Tells::Size(told)) }, false);
            assert_eq!(file.write(&vec![7; told.min(400) as usize]), (300, TOO_MANY), "{full:04X} {told}");
        }
    }
    for word in [0x6B00, 0x6282, 0x6F00, 0x6982, 0x6C00, 0x6986] {
        let glitch = Some(Glitch { read: 1, word, lasts: false });
        let file = OpenFile::new(Card { glitch, ..Card::new(600, Tells::Size(400)) }, false);
        assert_eq!(file.write(&[7; 600]), (600, 0), "{word:04X}");
    }
    // A file that can be written and not read.
    let glitch = Some(Glitch { read: 1, word: 0x6982, lasts: true });
    let file = OpenFile::new(Card { glitch, ..Card::new(600, Tells::Size(400)) }, false);
    assert_eq!(file.write(&[7; 600]), (600, 0));
}

/// ERASE BINARY erases everything requested or nothing, even beyond a small stated size.
#[test]
fn nothing_is_erased_in_part() {
    for (told, length, outcome) in
        [(200, 300, (300, 0)), (200, 301, (0, TOO_MANY)), (300, 300, (300, 0)), (300, 301, (0, TOO_MANY))]
    {
        let file = OpenFile::new(Card::new(300, Tells::Size(told)), false);
        assert_eq!(file.change(&vec![7; length], SCM_FL_ERASE), outcome, "{told} {length}");
        assert_eq!(file.card().updates, usize::from(outcome.1 == 0));
        assert_eq!(file.card().content.iter().all(|byte| *byte == 0), outcome.1 == 0);
    }
}

/// A card that lost the selection between two writes is selected again.
#[test]
fn a_write_selects_again() {
    for flags in [0, SCM_FL_ERASE] {
        let file = OpenFile::new(Card::new(600, Tells::Size(600)), false);
        for _ in 0..2 {
            file.card().is_selected = false;
            assert_eq!(file.change(&[7; 300], flags), (300, 0), "{flags}");
        }
        let expected = if flags == 0 { 7 } else { 0 };
        assert!(file.card().content.iter().all(|byte| *byte == expected));
    }
}

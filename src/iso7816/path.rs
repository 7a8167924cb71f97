//! The path of a file on a card: identifiers below the MF, or below a DF that is selected by its name (ISO/IEC 7816-4,
//! 7.2).

use crate::abi::cause::{OfArgument, refuse};
use crate::abi::constants::Reference;
use crate::abi::hresult::{Hresult, Result};

/// The greatest number of identifiers in a path.
pub(crate) const MAX_DEPTH: usize = 12;
/// How many DFs above a named DF a path may begin. With this limit the text of every path can be parsed again.
const MAX_ABOVE: u8 = 8;
const _: () = assert!(2 * MAX_NAME + 3 * MAX_ABOVE as usize + 5 * MAX_DEPTH + 3 <= MAX_TEXT);
/// The longest DF name.
pub(crate) const MAX_NAME: usize = 16;
/// A shorter name looks like an identifier.
const SHORTEST_NAME_AMONG_IDS: usize = 3;
/// The RID of a registered application provider (ISO/IEC 7816-4, 12.2.3): the beginning of every AID.
const SHORTEST_NAME_THAT_IS_GUESSED: usize = 5;
/// The longest text of a path, in bytes.
pub(crate) const MAX_TEXT: usize = 127;

pub(crate) const MF: u16 = 0x3F00;
/// Reserved: the current DF in a path, and for future use.
const RESERVED: [u16; 3] = [0x0000, 0x3FFF, 0xFFFF];

/// A DF name (AID), or its beginning.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DfName {
    bytes: [u8; MAX_NAME],
    length: u8,
}

impl DfName {
    pub fn new(bytes: &[u8]) -> Result<DfName> {
        let mut name = DfName::default();
        let room = name.bytes.get_mut(..bytes.len()).filter(|room| !room.is_empty());
        room.ok_or(Hresult::E_INVALIDARG)?.copy_from_slice(bytes);
        name.length = bytes.len() as u8;
        Ok(name)
    }

    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length.into()).unwrap_or_default()
    }
}

/// The root of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Root {
    Mf,
    Name(DfName),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Path {
    root: Root,
    /// So many DFs above the named one, which only the card knows.
    above: u8,
    ids: [u16; MAX_DEPTH],
    depth: u8,
    /// The short identifier of an EF in the DF of this path, or 0.
    short_id: u8,
}

impl Path {
    pub(crate) const MF: Path = Path::of(Root::Mf);

    pub const fn of(root: Root) -> Path {
        Path { root, above: 0, ids: [0; MAX_DEPTH], depth: 0, short_id: 0 }
    }

    pub fn root(&self) -> Root {
        self.root
    }

    /// Whether it is only the name of a DF.
    pub fn is_named(&self) -> bool {
        matches!(self.root, Root::Name(_)) && self.depth == 0 && self.short_id == 0
    }

    /// How many DFs above the named one the path begins.
    pub fn above(&self) -> usize {
        self.above.into()
    }

    pub fn ids(&self) -> &[u16] {
        self.ids.get(..self.depth.into()).unwrap_or_default()
    }

    pub fn short_id(&self) -> Option<u8> {
        (self.short_id != 0).then_some(self.short_id)
    }

    /// The DF without the short identifier.
    pub fn without_short_id(&self) -> Path {
        Path { short_id: 0, ..*self }
    }

    pub fn with_short_id(&self, short_id: u8) -> Result<Path> {
        match short_id {
            _ if self.short_id != 0 => Err(Hresult::E_INVALIDARG),
            1..=30 => Ok(Path { short_id, ..*self }),
            _ => Err(Hresult::E_INVALIDARG),
        }
    }

    pub fn child(&self, id: u16) -> Result<Path> {
        if self.short_id != 0 || RESERVED.contains(&id) || id == MF {
            return Err(Hresult::E_INVALIDARG);
        }
        let mut child = *self;
        *child.ids.get_mut(usize::from(self.depth)).ok_or(Hresult::E_INVALIDARG)? = id;
        child.depth += 1;
        Ok(child)
    }

    /// The parent DF. Above a named DF only the card knows it.
    pub fn parent(&self) -> Result<Path> {
        let mut parent = self.without_short_id();
        match (self.short_id, self.depth.checked_sub(1), self.root) {
            (1.., ..) => {}
            (_, Some(depth), _) => {
                parent.depth = depth;
                // Equal paths have equal bytes.
                if let Some(id) = parent.ids.get_mut(usize::from(depth)) {
                    *id = 0;
                }
            }
            (_, None, Root::Name(_)) if self.above < MAX_ABOVE => parent.above += 1,
            (_, None, Root::Name(_)) => return Err(Hresult::E_INVALIDARG),
            (_, None, Root::Mf) => return Err(Hresult::SCARD_E_DIR_NOT_FOUND),
        }
        Ok(parent)
    }

    /// The same path below another root, which its present root has turned out to be.
    pub fn with_root(&self, root: Root) -> Path {
        Path { root, ..*self }
    }

    /// The same path below another path, which its root has turned out to be.
    pub fn below(&self, root: Path) -> Result<Path> {
        let path = self.ids().iter().try_fold(root, |path, id| path.child(*id))?;
        self.short_id().map_or(Ok(path), |short_id| path.with_short_id(short_id))
    }

    /// `3F00/5015/4401`, `F073636D74657374/4401`; a short identifier is a number at the end. With a final NUL.
    pub fn text(&self) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        text.try_reserve_exact(MAX_TEXT + 1)?;
        match self.root {
            Root::Mf => push_hex(&mut text, &MF.to_be_bytes()),
            Root::Name(name) => push_hex(&mut text, name.as_bytes()),
        }
        for _ in 0..self.above {
            text.extend_from_slice(b"/..");
        }
        for id in self.ids() {
            text.push(b'/');
            push_hex(&mut text, &id.to_be_bytes());
        }
        if let Some(short_id) = self.short_id() {
            text.push(b'/');
            if let tens @ 1.. = short_id / 10 {
                text.push(b'0' + tens);
            }
            text.push(b'0' + short_id % 10);
        }
        text.push(0);
        Ok(text)
    }

    /// The possible meanings of `text` in the current DF `current`, the most likely one first. Text without a meaning
    /// is `E_INVALIDARG`, a path above the MF is `SCARD_E_DIR_NOT_FOUND`.
    pub fn interpret(reference: Reference, text: &[u8], current: &Path) -> Result<Meanings> {
        if text.len() > MAX_TEXT {
            return Err(refuse("is longer than SCM_PATH_MAX")).of("path");
        }
        let kinds: &[Reference] = match reference {
            Reference::Any => &[Reference::Id, Reference::ShortId, Reference::Name],
            Reference::Name => &[Reference::Name],
            Reference::Id => &[Reference::Id],
            Reference::ShortId => &[Reference::ShortId],
        };
        let (mut meanings, mut obstacle) = (Meanings::default(), Hresult::E_INVALIDARG);
        for kind in kinds {
            let path = match kind {
                Reference::Name => by_name(text),
                Reference::ShortId => by_short_id(text, current),
                _ => by_id(text, current),
            };
            match path.and_then(|path| path.if_plausible(*kind, text, kinds.len() > 1)) {
                Ok(path) => meanings.add(*kind, path),
                Err(Hresult::E_INVALIDARG) => {}
                Err(code) => obstacle = code,
            }
        }
        if meanings.length == 0 {
            return match obstacle {
                Hresult::E_INVALIDARG => {
                    Err(refuse("is not a path of this type; identifiers of files have four digits, as in 3F00/2F00"))
                        .of("path")
                }
                code => Err(code),
            };
        }
        Ok(meanings)
    }
}

impl Path {
    /// The kind of reference is a guess: a name is not an identifier, and a short text is not a name.
    fn if_plausible(self, kind: Reference, text: &[u8], guessed: bool) -> Result<Path> {
        let is_implausible = match kind {
            Reference::Id => by_name(text) == Ok(self),
            Reference::Name => match self.root {
                Root::Name(name) => name.as_bytes().len() < SHORTEST_NAME_THAT_IS_GUESSED,
                Root::Mf => true,
            },
            _ => false,
        };
        (!(guessed && is_implausible)).then_some(self).ok_or(Hresult::E_INVALIDARG)
    }
}

/// The kinds of references.
#[derive(Clone, Copy, Default)]
pub struct Meanings {
    all: [Option<(Reference, Path)>; 3],
    length: usize,
}

impl Meanings {
    fn add(&mut self, reference: Reference, path: Path) {
        if let Some(place) = self.all.get_mut(self.length) {
            *place = Some((reference, path));
            self.length += 1;
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (Reference, Path)> + '_ {
        self.all.iter().flatten().copied()
    }
}

/// Identifiers, `.` and `..`. The root is the MF if the text begins with 3F00, a DF if it begins with its name, so that
/// it accepts every result of `Path::text`, and else the current DF. Also `3F0050154401`, without slashes.
fn by_id(text: &[u8], current: &Path) -> Result<Path> {
    let mut steps = text.split(|byte| *byte == b'/');
    let first = steps.next().unwrap_or_default();
    let begin = match hex(first) {
        Ok(bytes) => match *bytes.as_bytes() {
            [0x3F, 0x00] => Path::MF,
            [0x3F, 0x00, ref ids @ ..] if ids.len() % 2 == 0 => all_ids(ids)?,
            [high, low] => current.child(u16::from_be_bytes([high, low]))?,
            ref name if name.len() >= SHORTEST_NAME_AMONG_IDS => Path::of(Root::Name(bytes)),
            _ => return Err(Hresult::E_INVALIDARG),
        },
        Err(_) if matches!(first, b"." | b"..") => step(*current, first)?,
        Err(code) => return Err(code),
    };
    steps.try_fold(begin, step)
}

fn by_name(text: &[u8]) -> Result<Path> {
    let mut steps = text.split(|byte| *byte == b'/');
    let name = hex(steps.next().unwrap_or_default())?;
    steps.try_fold(Path::of(Root::Name(name)), step)
}

/// A decimal number.
fn by_short_id(text: &[u8], current: &Path) -> Result<Path> {
    let number = match *text {
        [ones @ b'1'..=b'9'] => ones - b'0',
        [tens @ b'1'..=b'3', ones @ b'0'..=b'9'] => 10 * (tens - b'0') + ones - b'0',
        _ => return Err(Hresult::E_INVALIDARG),
    };
    current.with_short_id(number)
}

fn all_ids(bytes: &[u8]) -> Result<Path> {
    bytes.chunks_exact(2).try_fold(Path::MF, |path, id| match *id {
        [high, low] => path.child(u16::from_be_bytes([high, low])),
        _ => Err(Hresult::E_INVALIDARG),
    })
}

fn step(path: Path, text: &[u8]) -> Result<Path> {
    match text {
        // A file has nothing below it.
        _ if path.short_id != 0 => Err(Hresult::E_INVALIDARG),
        b"." => Ok(path),
        b".." => path.parent(),
        text => match hex(text).as_ref().map(DfName::as_bytes) {
            Ok(&[high, low]) => path.child(u16::from_be_bytes([high, low])),
            _ => by_short_id(text, &path),
        },
    }
}

/// Hexadecimal digits, two for each byte.
fn hex(text: &[u8]) -> Result<DfName> {
    let mut bytes = [0; MAX_NAME];
    if text.len() % 2 != 0 || text.len() > 2 * MAX_NAME {
        return Err(Hresult::E_INVALIDARG);
    }
    for (byte, digits) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digits.iter().try_fold(0, |byte, digit| {
            let value = char::from(*digit).to_digit(16).ok_or(Hresult::E_INVALIDARG)?;
            Ok::<u8, Hresult>(byte << 4 | value as u8)
        })?;
    }
    DfName::new(bytes.get(..text.len() / 2).unwrap_or_default())
}

pub(crate) fn push_hex(text: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 0x0F] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or('0').to_ascii_uppercase() as u8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meanings(reference: Reference, text: &str, current: &str) -> Vec<(Reference, String)> {
        let current = Path::interpret(Reference::Id, current.as_bytes(), &Path::MF).unwrap().iter().next().unwrap().1;
        let Ok(meanings) = Path::interpret(reference, text.as_bytes(), &current) else { return Vec::new() };
        meanings
            .iter()
            .map(|(reference, path)| {
                let mut text = path.text().unwrap();
                assert_eq!(text.pop(), Some(0));
                (reference, String::from_utf8(text).unwrap())
            })
            .collect()
    }

    #[track_caller]
    fn check(reference: Reference, text: &str, expected: &str) {
        let found = meanings(reference, text, "3F00/5015");
        assert_eq!(found.first().map(|(_, path)| path.as_str()).unwrap_or("none"), expected, "{text}");
    }

    #[test]
    fn by_identifier() {
        for (text, expected) in [
            ("3F00", "3F00"),
            ("3f00/5015/4401", "3F00/5015/4401"),
            ("3F0050154401", "3F00/5015/4401"),
            ("4401", "3F00/5015/4401"),
            ("..", "3F00"),
            ("../2F00", "3F00/2F00"),
            (".", "3F00/5015"),
            ("./4401", "3F00/5015/4401"),
            ("F073636D74657374/4401", "F073636D74657374/4401"),
            ("F073636D74657374/..", "F073636D74657374/.."),
            ("F073636D74657374/../../5015", "F073636D74657374/../../5015"),
            ("../..", "none"),
            ("", "none"),
            ("3F00/", "none"),
            ("3F00/3F00", "none"),
            ("FFFF", "none"),
            ("0000", "none"),
            ("44", "none"),
            ("xyz", "none"),
            ("440", "none"),
            ("3F00/7/2", "none"),
            ("3F00/7/.", "none"),
            ("1111/2222/3333/4444/5555/6666/7777/8888/9999/AAAA/BBBB/CCCC", "none"),
        ] {
            check(Reference::Id, text, expected);
        }
    }

    #[test]
    fn by_name() {
        for (text, expected) in [
            ("F073636D74657374", "F073636D74657374"),
            ("F0/4401", "F0/4401"),
            ("5015", "5015"),
            ("000102030405060708090A0B0C0D0E0F", "000102030405060708090A0B0C0D0E0F"),
            ("000102030405060708090A0B0C0D0E0F00", "none"),
            ("F", "none"),
            ("", "none"),
        ] {
            check(Reference::Name, text, expected);
        }
    }

    #[test]
    fn by_short_identifier() {
        for (text, expected) in [
            ("1", "3F00/5015/1"),
            ("30", "3F00/5015/30"),
            ("31", "none"),
            ("0", "none"),
            ("01", "none"),
            ("3F00", "none"),
        ] {
            check(Reference::ShortId, text, expected);
        }
    }

    #[test]
    fn a_reference_of_unknown_kind_is_guessed() {
        let kinds = |text| meanings(Reference::Any, text, "3F00").iter().map(|(kind, _)| *kind).collect::<Vec<_>>();
        assert_eq!(kinds("4401"), [Reference::Id]);
        assert_eq!(kinds("F073636D"), []);
        assert_eq!(kinds("3F00/4401"), [Reference::Id]);
        assert_eq!(kinds("5015/4401"), [Reference::Id]);
        assert_eq!(kinds("17"), [Reference::ShortId]);
        assert_eq!(kinds("7"), [Reference::ShortId]);
        assert_eq!(kinds("A000000397"), [Reference::Name]);
        assert_eq!(kinds("A000000397/4401"), [Reference::Name]);
        assert_eq!(kinds("."), [Reference::Id]);
    }

    #[test]
    fn every_text_of_a_path_is_a_path() {
        for text in ["3F00", "3F00/5015/4401", "F073636D74657374/../5015/7", "3F00/5015/30"] {
            check(Reference::Id, text, text);
        }
    }

    #[test]
    fn the_directories_above_a_name_are_limited() {
        let above = |times: usize| format!("F073636D74657374{}", "/..".repeat(times));
        check(Reference::Name, &above(8), &above(8));
        check(Reference::Name, &above(9), "none");
    }

    #[test]
    fn a_parent_is_equal_however_it_was_found() {
        let path = Path::MF.child(0x5015).unwrap();
        assert_eq!(path.child(0x4401).unwrap().parent(), Ok(path));
        assert_eq!(path.with_short_id(3).unwrap().parent(), Ok(path));
    }
}

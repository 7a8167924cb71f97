//! The notation of bytes, commands and status words in a description.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};

/// Bytes: hexadecimal digits, `'text'`, and `[from..to]` for a part of the sample, with optional white space.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

/// The sample: the bytes at each even offset are that offset. So a part of it tells its place.
pub fn sample(offset: usize) -> u8 {
    let [low, high, ..] = (offset & !1).to_le_bytes();
    if offset % 2 == 0 { high } else { low }
}

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut bytes = Vec::new();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let (item, behind) = match first {
                '\'' => quoted(&rest[1..], '\'')?,
                '[' => quoted(&rest[1..], ']')?,
                _ => rest.split_at(rest.find(|letter| " \t\n'[".contains(letter)).unwrap_or(rest.len())),
            };
            match first {
                '\'' => bytes.extend_from_slice(item.as_bytes()),
                '[' => bytes.extend(part(item)?.map(sample)),
                _ => bytes.extend(hexadecimal(item)?),
            }
            rest = behind.trim_start();
        }
        Ok(Bytes(bytes))
    }
}

/// The text before the mark at the end, and the text after it.
fn quoted(text: &str, mark: char) -> Result<(&str, &str), String> {
    text.split_once(mark).ok_or_else(|| format!("no {mark} at the end of \"{text}\""))
}

fn part(text: &str) -> Result<std::ops::Range<usize>, String> {
    let range = text.split_once("..").and_then(|(from, to)| Some(from.trim().parse().ok()?..to.trim().parse().ok()?));
    range.ok_or_else(|| format!("[{text}] is no part of the sample, such as [0..300]"))
}

fn hexadecimal(text: &str) -> Result<Vec<u8>, String> {
    let wrong = || format!("\"{text}\" is no hexadecimal number of whole bytes");
    if !text.is_ascii() || text.len() % 2 != 0 {
        return Err(wrong());
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong())).collect()
}

/// Long ones are cut: the difference is shown elsewhere.
impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.len().min(48);
        self.0[..shown].iter().try_for_each(|byte| write!(f, "{byte:02X}"))?;
        match self.0.len() {
            length if length > shown => write!(f, "... ({length} bytes)"),
            _ => Ok(()),
        }
    }
}

/// A pattern of commands: hexadecimal digits, `.` for any digit, and `*` at the end for any continuation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    digits: String,
    goes_on: bool,
}

impl Pattern {
    pub fn fits(&self, command: &[u8]) -> bool {
        let digits: String = command.iter().map(|byte| format!("{byte:02X}")).collect();
        let is_long_enough =
            if self.goes_on { digits.len() >= self.digits.len() } else { digits.len() == self.digits.len() };
        is_long_enough
            && self.digits.chars().zip(digits.chars()).all(|(wanted, digit)| wanted == '.' || wanted == digit)
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let spaceless: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        let (digits, goes_on) = match spaceless.strip_suffix('*') {
            Some(digits) => (digits, true),
            None => (&*spaceless, false),
        };
        let is_right = digits.chars().all(|letter| letter == '.' || letter.is_ascii_hexdigit());
        if !is_right || digits.len() % 2 != 0 {
            return Err(format!("\"{text}\" is no pattern of a command, such as \"00B0....00\" or \"00A4*\""));
        }
        Ok(Pattern { digits: digits.to_uppercase(), goes_on })
    }
}

/// A status word: four hexadecimal digits, of which the last ones may be X, for a number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Word {
    value: u16,
    /// The bits of the number.
    number: u16,
}

impl Word {
    pub const OK: Word = Word::new(0x9000);

    pub const fn new(value: u16) -> Word {
        Word { value, number: 0 }
    }

    /// The word with the number in it. Too high bits are cut, so that 6CXX of 256 is 6C00.
    pub fn with(self, number: usize) -> Word {
        Word::new(self.value | (number as u16 & self.number))
    }

    pub fn value(self) -> u16 {
        self.value
    }

    /// The other bits.
    pub fn mask(self) -> u16 {
        !self.number
    }
}

impl FromStr for Word {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches('X');
        let places = text.len() - digits.len();
        let zeroes = "0".repeat(places);
        match u16::from_str_radix(&format!("{digits}{zeroes}"), 16) {
            Ok(value) if text.len() == 4 && places <= 2 => Ok(Word { value, number: (1 << (4 * places)) - 1 }),
            _ => Err(format!("\"{text}\" is no status word, such as \"6A82\" or \"63CX\"")),
        }
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.value)
    }
}

/// Reads a string of TOML.
macro_rules! written_as_a_string {
    ($($type:ty),*) => {
        $(impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        })*
    };
}

written_as_a_string!(Bytes, Pattern, Word);

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        text.parse::<Bytes>().unwrap().0
    }

    #[test]
    fn bytes_are_read() {
        assert_eq!(bytes("00A4 04 00\n'AB' 9000"), [0, 0xA4, 4, 0, b'A', b'B', 0x90, 0]);
        assert_eq!(bytes("'it is'"), b"it is");
        assert_eq!(bytes("[0..4]FF"), [0, 0, 0, 2, 0xFF]);
        assert_eq!(bytes("[257..261]"), [0, 1, 2, 1]);
        assert_eq!(bytes("[65534..65536]"), [0xFF, 0xFE]);
        assert_eq!(bytes(""), []);
        for wrong in ["0", "0x", "'open", "[0..3", "[3]", "[-1..3]"] {
            assert!(wrong.parse::<Bytes>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn patterns_fit() {
        let fits = |pattern: &str, command: &[u8]| pattern.parse::<Pattern>().unwrap().fits(command);
        assert!(fits("00B0 00 00", &[0, 0xB0, 0, 0]));
        assert!(fits("00b0....", &[0, 0xB0, 1, 2]));
        assert!(fits("00B0*", &[0, 0xB0]) && fits("00B0*", &[0, 0xB0, 1]) && fits("*", &[]));
        assert!(!fits("00B0", &[0, 0xB0, 1]) && !fits("00B0..", &[0, 0xB0]) && !fits("00B1*", &[0, 0xB0]));
        for wrong in ["00B", "*00", "xx"] {
            assert!(wrong.parse::<Pattern>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn words_have_numbers() {
        let word = |text: &str, number| text.parse::<Word>().unwrap().with(number).value();
        assert_eq!(
            (word("9000", 7), word("63CX", 2), word("6CXX", 0x44), word("6CXX", 256)),
            (0x9000, 0x63C2, 0x6C44, 0x6C00)
        );
        assert_eq!(word("630X", 3), 0x6303);
        for wrong in ["90", "9XXX", "90000", "X000", "éé"] {
            assert!(wrong.parse::<Word>().is_err(), "{wrong}");
        }
    }
}

//! The description of a family of cards: its behaviour, and the right results of libscm.

use std::fs::read_to_string;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::bytes::{Bytes, Pattern, Word};
use crate::call::Call;

/// README.md of this crate explains each field.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// The deviation, for readers of the description.
    pub odd: String,
    /// The source of the report.
    pub source: String,
    pub protocols: Vec<Protocol>,
    pub atr: Option<Bytes>,
    #[serde(default)]
    pub pcscd: bool,
    #[serde(default)]
    pub card: Card,
    #[serde(default)]
    answers: toml::Table,
    calls: Vec<Spanned<toml::Table>>,

    #[serde(skip)]
    pub name: String,
    #[serde(skip)]
    pub answering: Vec<Answering>,
    #[serde(skip)]
    pub calling: Vec<Calling>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub enum Protocol {
    #[serde(rename = "T=0")]
    T0,
    #[serde(rename = "T=1")]
    T1,
}

/// The responses to a command that fits, in order; the last one repeats.
#[derive(Clone, Debug)]
pub struct Answering {
    pub command: Pattern,
    pub answers: Vec<Answer>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Literally(Bytes),
    /// `"as usual"`: the response without this line.
    AsUsual,
}

/// A call, and its line.
pub struct Calling {
    pub line: usize,
    pub call: Call,
    pub expected: Expected,
}

/// Expectations for every call.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expected {
    /// Without SCM_ or SCM_SCARD_.
    pub code: Option<String>,
    /// Other right codes, with a beginning of the bytes.
    pub or: Vec<String>,
    /// The number of commands to the card.
    pub exchanges: Option<usize>,
    pub at_most: Option<usize>,
    /// Commands that the card must not get.
    pub never: Vec<Pattern>,
}

/// The card behind the literal answers.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Card {
    /// The supported classes; others give 6E00.
    pub classes: Bytes,
    /// The classes of GET RESPONSE: all of these, or that of the command before.
    pub get_response: Option<Bytes>,
    /// The response to extended lengths.
    pub extended: Option<Word>,
    /// The response to chaining.
    pub chaining: Option<Word>,
    pub select: Select,
    pub read: Transfer,
    pub write: Transfer,
    #[serde(rename = "file")]
    pub files: Vec<File>,
    #[serde(rename = "code")]
    pub codes: Vec<Code>,
}

impl Default for Card {
    fn default() -> Self {
        Card {
            classes: Bytes(vec![0x00]),
            get_response: None,
            extended: None,
            chaining: None,
            select: Select::default(),
            read: Transfer::default(),
            write: Transfer::default(),
            files: Vec::new(),
            codes: Vec::new(),
        }
    }
}

#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Select {
    pub p1: Bytes,
    pub p2: Bytes,
    /// The response to any other P1 or P2.
    pub otherwise: Word,
    /// The response if the file does not exist.
    pub missing: Word,
}

impl Default for Select {
    fn default() -> Self {
        Select {
            p1: Bytes(vec![0, 1, 2, 3, 4, 8, 9]),
            p2: Bytes(vec![0, 4, 0x0C]),
            otherwise: Word::new(0x6A86),
            missing: Word::new(0x6A82),
        }
    }
}

/// The maximum of a read or write, and the response to more.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Transfer {
    pub most: Option<usize>,
    pub beyond_most: Option<Refusal>,
    /// Across the end of the file.
    pub across_the_end: Option<Refusal>,
    /// From the end on.
    pub at_the_end: Option<Word>,
}

/// The response to a command that wants too much.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub enum Refusal {
    /// `"less"`: it does the possible part, and says 9000.
    Less,
    /// `"less 6282"`: it does the possible part, and says this.
    LessWith(Word),
    /// It does nothing.
    Word(Word),
}

impl TryFrom<String> for Refusal {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.strip_prefix("less") {
            Some("") => Ok(Refusal::Less),
            Some(word) => word.trim().parse().map(Refusal::LessWith),
            None => text.parse().map(Refusal::Word),
        }
    }
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Identifiers from the MF, or the name of a DF and identifiers.
    pub path: String,
    pub content: Option<Bytes>,
    pub records: Option<Vec<Bytes>>,
    pub short_id: Option<u8>,
    /// The file is cyclic.
    #[serde(default)]
    pub ring: bool,
    /// The reference of the code that must be verified for reads and writes.
    pub needs: Option<u8>,
    /// It refuses reads and writes.
    #[serde(default)]
    pub invalidated: bool,
    /// The response to SELECT instead of the right control parameters.
    pub tells: Option<Bytes>,
    /// The stated size, instead of the true one.
    pub tells_size: Option<u32>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    pub reference: u8,
    pub value: Bytes,
    pub tries: usize,
    /// A wrong code with X tries left.
    #[serde(default = "wrong")]
    pub wrong: Word,
    /// A wrong code without a try left.
    pub last: Option<Word>,
    #[serde(default = "blocked")]
    pub blocked: Word,
    /// The response to VERIFY without a code, instead of the counter.
    pub asked: Option<Word>,
    /// The code that unblocks this one, in class A0.
    pub unblocking: Option<Bytes>,
}

fn wrong() -> Word {
    "63CX".parse().expect("it is a status word")
}

fn blocked() -> Word {
    Word::new(0x6983)
}

impl Family {
    /// Reads a description; an error names file and line.
    pub fn load(path: &Path) -> Result<Family, String> {
        let shown = path.display();
        let text = read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
        let mut family =
            Family::read(&text).map_err(|(line, error)| format!("{shown}, line {line}: {}", error.trim_end()))?;
        family.name = path.file_stem().unwrap_or_default().to_string_lossy().into();
        Ok(family)
    }

    fn read(text: &str) -> Result<Family, (usize, String)> {
        let line = |at: usize| text.get(..at).unwrap_or(text).matches('\n').count() + 1;
        let mut family: Family = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            (line(at), error.message().to_string())
        })?;
        for (pattern, value) in &family.answers {
            // A key of a table has no line.
            let at = text.find(pattern.as_str()).unwrap_or(0);
            family.answering.push(answering(pattern, value).map_err(|error| (line(at), error))?);
        }
        for call in std::mem::take(&mut family.calls) {
            let line = line(call.span().start);
            family.calling.push(calling(line, call.into_inner()).map_err(|error| (line, error))?);
        }
        family.check().map_err(|error| (1, error))?;
        Ok(family)
    }

    fn check(&self) -> Result<(), String> {
        if self.protocols.is_empty() || self.calling.is_empty() {
            return Err("there has to be a protocol, and a call".into());
        }
        if self.odd.is_empty() || self.source.is_empty() {
            return Err("`odd` and `source` are required".into());
        }
        for file in &self.card.files {
            if file.content.is_some() == file.records.is_some() {
                return Err(format!("file {}: it has content or records, one of them", file.path));
            }
        }
        Ok(())
    }
}

fn answering(pattern: &str, value: &toml::Value) -> Result<Answering, String> {
    let command = pattern.parse()?;
    let one = |value: &toml::Value| match value.as_str() {
        Some("as usual") => Ok(Answer::AsUsual),
        Some(bytes) => {
            let bytes: Bytes = bytes.parse()?;
            match bytes.0.len() {
                0 | 1 => Err(format!("the answer to \"{pattern}\" has no status word")),
                _ => Ok(Answer::Literally(bytes)),
            }
        }
        None => Err(format!("the answer to \"{pattern}\" is a string, or a list of strings")),
    };
    let answers = match value.as_array() {
        Some(list) if list.is_empty() => return Err(format!("there is no answer to \"{pattern}\"")),
        Some(list) => list.iter().map(one).collect::<Result<_, _>>()?,
        None => vec![one(value)?],
    };
    Ok(Answering { command, answers })
}

/// A call and its expectations are in one table.
fn calling(line: usize, mut table: toml::Table) -> Result<Calling, String> {
    let mut expected = toml::Table::new();
    for key in ["code", "or", "exchanges", "at_most", "never"] {
        if let Some(value) = table.remove(key) {
            expected.insert(key.into(), value);
        }
    }
    let expected: Expected = expected.try_into().map_err(|error: toml::de::Error| error.message().to_string())?;
    for code in expected.code.iter().chain(&expected.or) {
        crate::code::find(code).ok_or_else(|| format!("there is no code {code}"))?;
    }
    Ok(Calling { line, call: Call::read(table)?, expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: &str = "odd = 'Nothing.'\nsource = 'this test'\nprotocols = ['T=1']\n";

    fn error(rest: &str) -> (usize, String) {
        Family::read(&format!("{WELL}{rest}")).map(|_| ()).unwrap_err()
    }

    #[test]
    fn a_family_is_read() {
        let text = "
            calls = [{ transmit = '00A4', gives = '9000', code = 'S_OK', exchanges = 1 }]
            [card.read]
            most = 192
            beyond_most = '6700'
            across_the_end = 'less 6282'
            [[card.file]]
            path = '3F00/4401'
            content = '[0..300]'
            [answers]
            '00A4*' = ['6A82', 'as usual']
            '*' = '6D00'
        ";
        let family = Family::read(&format!("{WELL}{text}")).unwrap();
        assert_eq!(family.answering[0].answers.len(), 2);
        assert_eq!(family.answering[1].command, "*".parse().unwrap());
        assert_eq!(family.card.read.beyond_most, Some(Refusal::Word(Word::new(0x6700))));
        assert_eq!(family.card.read.across_the_end, Some(Refusal::LessWith(Word::new(0x6282))));
        assert_eq!(family.card.files[0].content.as_ref().unwrap().0.len(), 300);
    }

    #[test]
    fn an_error_has_its_line() {
        let (line, text) = error("calls = [\n  { transmit = '00A4', give = '9000' },\n]");
        assert_eq!(line, 5);
        assert!(text.contains("unknown field `give`"), "{text}");
        let (line, text) = error("calls = [\n\n{ gives = '9000' }]");
        assert_eq!(line, 6);
        assert!(text.contains("one of transmit, "), "{text}");
        let (line, text) = error("calls = []\n[answers]\n'00A4' = '9000'\n'00B0' = '9'");
        assert_eq!(line, 7);
        assert!(text.contains("no hexadecimal number"), "{text}");
        let (line, text) = error("calls = []\n[card]\nclass = '00'");
        assert_eq!(line, 6);
        assert!(text.contains("unknown field `class`"), "{text}");
        assert!(error("calls = [{ transmit = '00A4', gives = '9000', code = 'S_FINE' }]").1.contains("no code S_FINE"));
        assert!(
            error("calls = [{ transmit = '00A4', gives = '9000' }]\n[[card.file]]\npath = ''").1.contains("records")
        );
        assert!(error("calls = []").1.contains("a call"));
    }
}

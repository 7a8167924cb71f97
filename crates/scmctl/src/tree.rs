//! `scmctl tree`: the files of a card.

use std::fmt::{self, Display, Formatter};

use owo_colors::OwoColorize;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::library::{self, File, Files, Kind};
use crate::progress::Progress;
use crate::session::Session;
use crate::{hex, text, tlv};

/// Identifiers between two steps of the progress.
const STEP: u32 = 256;
/// The digits of an identifier. The name of an application has at least ten.
const ID_LENGTH: usize = 4;
/// A card that lists itself must not list without end.
const DEPTH_MAX: usize = 16;

#[derive(clap::Args)]
pub struct Tree {
    /// The directory; the MF without it
    #[arg(default_value = "3F00", value_name = "PATH")]
    path: String,

    /// Tries these identifiers, such as 0001-FFFE, instead of the usual ones. On a real card all of them take minutes
    #[arg(long, value_name = "FIRST-LAST", value_parser = range)]
    ids: Option<(u16, u16)>,

    /// How many bytes of each file are read; 0 reads nothing
    #[arg(long, value_name = "BYTES", default_value_t = 16)]
    preview: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Node {
    name: String,
    #[serde(flatten)]
    entry: Entry,
    /// Why the card does not tell more.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Entry {
    Directory { label: Option<String>, application: Option<String>, children: Vec<Node> },
    File { structure: Kind, short_id: Option<u32>, size: Option<u64>, content: Option<String> },
    Unknown,
}

fn range(text: &str) -> Result<(u16, u16), String> {
    let id = |digits: &str| match hex::parse(digits)?.as_slice() {
        [high, low] => Ok(u16::from_be_bytes([*high, *low])),
        _ => Err(String::from("an identifier has four hexadecimal digits")),
    };
    let (first, last) = text.split_once('-').ok_or("two identifiers with - between them")?;
    let (first, last) = (id(first)?, id(last)?);
    if first > last { Err("the last identifier comes before the first".into()) } else { Ok((first, last)) }
}

pub fn run(session: &Session, tree: &Tree) -> Result<Exit, Failure> {
    let card = session.attach()?;
    let failed = |error| Failure::library(&tree.path, error);
    // Under one lock no other program comes between, and nothing is selected twice.
    let _lock = card.lock().map_err(failed)?;
    let files = Files::of(&card).map_err(failed)?;
    let root = walk(session, &files, tree)?;
    session.output.show(&root)?;
    Ok(Exit::Success)
}

fn walk(session: &Session, files: &Files<'_>, tree: &Tree) -> Result<Node, Failure> {
    let failed = |error| Failure::library(&tree.path, error);
    files.change_dir(&tree.path).map_err(failed)?;
    let walk = Walk { session, files, ids: tree.ids, preview: tree.preview };
    let properties = files.properties(".").unwrap_or_default();
    let children = walk.children(0).map_err(failed)?;
    let name = files.current_dir().map_err(failed)?;
    Ok(Node { name, entry: directory(&properties, children), problem: None })
}

/// The tree below a directory, for the shell.
pub fn below(session: &Session, files: &Files<'_>, path: &str) -> Result<Node, Failure> {
    let before = files.current_dir().map_err(|error| Failure::library(path, error))?;
    let tree = Tree { path: path.into(), ids: None, preview: 16 };
    let node = walk(session, files, &tree);
    files.change_dir(&before).map_err(|error| Failure::library(before, error))?;
    node
}

/// The entries of the current directory, without what is in its directories.
pub fn entries(session: &Session, files: &Files<'_>) -> library::Result<Vec<Node>> {
    Walk { session, files, ids: None, preview: 0 }.children(DEPTH_MAX)
}

struct Walk<'a> {
    session: &'a Session<'a>,
    files: &'a Files<'a>,
    ids: Option<(u16, u16)>,
    preview: usize,
}

impl Walk<'_> {
    fn children(&self, depth: usize) -> library::Result<Vec<Node>> {
        let names = self.names()?;
        names.into_iter().map(|name| self.node(name, depth)).collect()
    }

    /// The names in the current directory, in parts, so that a long search shows its progress.
    fn names(&self) -> library::Result<Vec<String>> {
        let Some((first, last)) = self.ids else { return self.files.names(None) };
        let (first, last) = (u32::from(first), u32::from(last));
        let progress = Progress::new(self.session, "identifiers", (last - first + 1).into());
        let (mut ids, mut applications) = (Vec::new(), Vec::new());
        for first in (first..=last).step_by(STEP as usize) {
            let last = (first + STEP - 1).min(last);
            for name in self.files.names(Some((first as u16, last as u16)))? {
                let names = if name.len() == ID_LENGTH { &mut ids } else { &mut applications };
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            progress.advance((last - first + 1).into());
        }
        // In the MF each part also has the applications of EF.DIR whose identifiers are in another part.
        applications.retain(|name| self.id_of(name).is_none_or(|id| !ids.contains(&id)));
        ids.append(&mut applications);
        Ok(ids)
    }

    fn id_of(&self, application: &str) -> Option<String> {
        let properties = self.files.properties(application).ok()?;
        tlv::find(&properties, 0x83).map(hex::plain)
    }

    /// Only a card that is gone ends the walk; any other failure is part of the tree.
    fn node(&self, name: String, depth: usize) -> library::Result<Node> {
        let properties = match self.files.properties(&name) {
            Ok(properties) => properties,
            Err(error) if is_gone(&error) => return Err(error),
            Err(error) => return Ok(Node { name, entry: Entry::Unknown, problem: Some(error.message()) }),
        };
        if is_directory(&properties) {
            let (children, problem) = self.descend(&name, depth)?;
            return Ok(Node { name, entry: directory(&properties, children), problem });
        }
        match self.files.open(&name) {
            Ok(file) => self.file(name, &file),
            Err(error) if is_gone(&error) => Err(error),
            Err(error) => Ok(Node { name, entry: Entry::Unknown, problem: Some(error.message()) }),
        }
    }

    fn descend(&self, name: &str, depth: usize) -> library::Result<(Vec<Node>, Option<&'static str>)> {
        if depth >= DEPTH_MAX {
            return Ok((Vec::new(), None));
        }
        let before = self.files.current_dir()?;
        let children = self.files.change_dir(name).and_then(|()| self.children(depth + 1));
        self.files.change_dir(&before)?;
        match children {
            Ok(children) => Ok((children, None)),
            Err(error) if is_gone(&error) => Err(error),
            Err(error) => Ok((Vec::new(), Some(error.message()))),
        }
    }

    fn file(&self, name: String, file: &File<'_>) -> library::Result<Node> {
        let size = file.size().ok();
        let content = if self.preview == 0 { Ok(None) } else { file.read(self.preview).map(Some) };
        let (content, problem) = match content {
            Ok(content) => (content.map(|bytes| hex::plain(&bytes)), None),
            Err(error) if is_gone(&error) => return Err(error),
            Err(error) if error.is(library::EOF) => (None, None),
            Err(error) => (None, Some(error.message())),
        };
        let (structure, short_id) = (file.kind, file.short_id);
        Ok(Node { name, entry: Entry::File { structure, short_id, size, content }, problem })
    }
}

fn directory(properties: &[u8], children: Vec<Node>) -> Entry {
    Entry::Directory {
        label: tlv::find(properties, 0x50).and_then(text::text).map(str::to_owned),
        application: tlv::find(properties, 0x84).map(hex::plain),
        children,
    }
}

/// The file descriptor byte of a DF (ISO/IEC 7816-4:2013, 7.4.5), whether it is shareable or not.
fn is_directory(properties: &[u8]) -> bool {
    tlv::find(properties, 0x82).and_then(|descriptor| descriptor.first()).is_some_and(|byte| byte & 0xBF == 0x38)
}

/// Whether the card cannot be asked any more.
fn is_gone(error: &library::Error) -> bool {
    const GONE: [&str; 5] = [
        "SCM_SCARD_W_REMOVED_CARD",
        "SCM_SCARD_W_RESET_CARD",
        "SCM_SCARD_E_READER_UNAVAILABLE",
        "SCM_SCARD_E_NO_SERVICE",
        "SCM_SCARD_F_COMM_ERROR",
    ];
    GONE.contains(&error.name())
}

impl Display for Node {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write_node(formatter, self, 0)
    }
}

fn write_node(formatter: &mut Formatter<'_>, node: &Node, depth: usize) -> fmt::Result {
    write!(formatter, "{}", "   ".repeat(depth))?;
    match &node.entry {
        Entry::Directory { label, application, .. } => {
            write!(formatter, "{}", text::printable(&node.name).blue())?;
            if let Some(label) = label {
                write!(formatter, "  \"{label}\"")?;
            }
            if let Some(application) = application {
                write!(formatter, "  {application}")?;
            }
        }
        Entry::File { structure, short_id, size, content } => {
            write!(formatter, "{}  {}", text::printable(&node.name), structure_name(*structure))?;
            if let Some(short_id) = short_id {
                write!(formatter, ", short identifier {short_id}")?;
            }
            if let Some(size) = size {
                let unit = if *structure == Kind::Transparent { "bytes" } else { "records" };
                write!(formatter, ", {size} {unit}")?;
            }
            if let Some(content) = content {
                let bytes = hex::parse(content).unwrap_or_default();
                write!(formatter, "  {content}  {}", text::ascii(&bytes).dimmed())?;
            }
        }
        Entry::Unknown => write!(formatter, "{}", text::printable(&node.name))?,
    }
    match node.problem {
        Some(problem) => writeln!(formatter, "  {}", format!("({problem})").yellow())?,
        None => writeln!(formatter)?,
    }
    match &node.entry {
        Entry::Directory { children, .. } => {
            children.iter().try_for_each(|child| write_node(formatter, child, depth + 1))
        }
        _ => Ok(()),
    }
}

fn structure_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Transparent => "transparent",
        Kind::LinearFixed => "linear fixed",
        Kind::LinearVariable => "linear variable",
        Kind::Cyclic => "cyclic",
        Kind::Unknown => "file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_two_identifiers() {
        assert_eq!(range("0001-FFFE"), Ok((0x0001, 0xFFFE)));
        for wrong in ["", "0001", "0002-0001", "1-2", "00010002", "000G-0001"] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }
}

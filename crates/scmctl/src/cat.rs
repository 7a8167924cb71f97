//! `scmctl cat`: the content of a file.

use std::fmt::{self, Display, Formatter};
use std::fs;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::library::{self, File, Files, Kind};
use crate::progress::Progress;
use crate::session::Session;
use crate::{hex, output};

/// One read, so that a long file shows its progress.
const PART: usize = 4096;

#[derive(clap::Args)]
pub struct Cat {
    /// The file: 3F00/5015/4401, 2F00, F073636D74657374/4401
    #[arg(value_name = "PATH")]
    path: String,

    /// Only this record; the first one is 1
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    record: Option<u64>,

    /// Writes the bytes to this file
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Prints hexadecimal digits and text, as on a terminal
    #[arg(long, conflicts_with_all = ["raw", "output"])]
    hex: bool,

    /// Writes the bytes as they are, as into a pipe
    #[arg(long)]
    raw: bool,
}

#[derive(Serialize)]
pub struct Content {
    path: String,
    structure: Kind,
    /// The number of the first record in `content`.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_record: Option<u64>,
    /// One element; of a file of records one for each.
    content: Vec<String>,
}

pub fn run(session: &Session, cat: &Cat) -> Result<Exit, Failure> {
    let card = session.attach()?;
    let failed = |error| Failure::library(&cat.path, error);
    // Under a lock the selection of the open also holds for the reads.
    let _lock = card.lock().map_err(failed)?;
    let files = Files::of(&card).map_err(failed)?;
    let content = read(session, &files, &cat.path, cat.record)?;
    if let Some(path) = &cat.output {
        return fs::write(path, content.bytes())
            .map_err(|error| Failure::creation(path.display().to_string(), error))
            .map(|()| Exit::Success);
    }
    if session.output.json || cat.hex || (!cat.raw && io::stdout().is_terminal()) {
        session.output.show(&content)?;
    } else {
        output::bytes(&content.bytes())?;
    }
    Ok(Exit::Success)
}

/// A whole file, or one record.
pub fn read(session: &Session, files: &Files<'_>, path: &str, record: Option<u64>) -> Result<Content, Failure> {
    let failed = |error| Failure::library(path, error);
    let file = files.open(path).map_err(failed)?;
    let content = match record {
        Some(_) if !file.has_records() => return Err(Failure::usage(path, "it has no records")),
        Some(number) => {
            file.seek(number - 1).map_err(failed)?;
            let record =
                file.read(PART).map_err(|error| Failure::library(format!("{path}, record {number}"), error))?;
            vec![record]
        }
        None => read_all(session, &file).map_err(failed)?,
    };
    let content = content.iter().map(|bytes| hex::plain(bytes)).collect();
    let first_record = file.has_records().then(|| record.unwrap_or(1));
    Ok(Content { path: path.into(), structure: file.kind, first_record, content })
}

fn read_all(session: &Session, file: &File<'_>) -> library::Result<Vec<Vec<u8>>> {
    let unit = if file.has_records() { "records" } else { "bytes" };
    let progress = Progress::of(session, unit, || file.size().unwrap_or(0));
    let mut parts = Vec::new();
    loop {
        match file.read(PART) {
            Ok(part) => {
                progress.advance(if file.has_records() { 1 } else { part.len() as u64 });
                parts.push(part);
            }
            Err(error) if error.is(library::EOF) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(if file.has_records() { parts } else { vec![parts.concat()] })
}

impl Content {
    fn bytes(&self) -> Vec<u8> {
        self.content.iter().flat_map(|part| hex::parse(part).unwrap_or_default()).collect()
    }
}

impl Display for Content {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for (index, part) in (0..).zip(&self.content) {
            if let Some(first) = self.first_record {
                writeln!(formatter, "record {}", first + index)?;
            }
            write!(formatter, "{}", hex::dump(&hex::parse(part).unwrap_or_default(), 0))?;
        }
        Ok(())
    }
}

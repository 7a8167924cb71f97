//! `scmctl write`: writes to a file of a card.

use std::fmt::{self, Display, Formatter};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::hex;
use crate::library::{self, File, Files};
use crate::progress::Progress;
use crate::session::Session;

/// One write, so that long data show their progress.
const PART: usize = 4096;

#[derive(clap::Args)]
pub struct Write {
    /// The file of the card: 3F00/5015/4401, 2F00, F073636D74657374/4401
    #[arg(value_name = "PATH")]
    path: String,

    /// The data: a file, or - for the standard input
    #[arg(value_name = "FILE", required_unless_present = "hex", conflicts_with = "hex")]
    input: Option<PathBuf>,

    /// The data in hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = parse_hex)]
    hex: Option<Bytes>,

    /// Where the data go in the file
    #[arg(long, value_name = "BYTES", default_value_t = 0, hide_default_value = true)]
    #[arg(conflicts_with_all = ["record", "append"])]
    offset: u64,

    /// Replaces this record; the first one is 1
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "append")]
    record: Option<u64>,

    /// Adds a record
    #[arg(long)]
    append: bool,
}

/// clap would take a `Vec` for several values.
#[derive(Clone)]
struct Bytes(Vec<u8>);

#[derive(Serialize)]
struct Report {
    path: String,
    written: usize,
}

fn parse_hex(text: &str) -> Result<Bytes, String> {
    hex::parse(text).map(Bytes)
}

pub fn run(session: &Session, write: &Write) -> Result<Exit, Failure> {
    let data = data(write)?;
    let card = session.attach()?;
    let failed = |error| Failure::library(&write.path, error);
    let _lock = card.lock().map_err(failed)?;
    let files = Files::of(&card).map_err(failed)?;
    let file = files.open(&write.path).map_err(failed)?;
    place(write, &file)?;
    let written = if file.has_records() {
        file.write(&data).result.map(|()| data.len()).map_err(failed)?
    } else {
        write_all(session, write, &file, &data)?
    };
    session.output.show(&Report { path: write.path.clone(), written })?;
    Ok(Exit::Success)
}

fn data(write: &Write) -> Result<Vec<u8>, Failure> {
    match (&write.hex, &write.input) {
        (Some(Bytes(bytes)), _) => Ok(bytes.clone()),
        (None, Some(path)) => read(path).map_err(|error| Failure::input(path.display().to_string(), error)),
        (None, None) => Ok(Vec::new()),
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path != Path::new("-") {
        return fs::read(path);
    }
    let mut data = Vec::new();
    io::stdin().lock().read_to_end(&mut data).map(|_| data)
}

/// Moves to where the data go. A file of records needs to know which record is meant.
fn place(write: &Write, file: &File<'_>) -> Result<(), Failure> {
    let wrong = |text| Err(Failure::usage(&write.path, text));
    let moved = match (file.has_records(), write.record, write.append) {
        (true, None, false) => return wrong("it has records: choose --record or --append"),
        (false, Some(_), _) | (false, _, true) => return wrong("it has no records"),
        (true, Some(number), _) => {
            file.seek(number - 1).and_then(|()| exists(file)).and_then(|()| file.seek(number - 1))
        }
        (true, None, true) => file.seek_end(),
        (false, None, false) => file.seek(write.offset),
    };
    moved.map_err(|error| Failure::library(&write.path, error))
}

/// The record right behind the last one would be added; `--record` replaces one.
fn exists(file: &File<'_>) -> library::Result<()> {
    match file.read(PART) {
        Err(error) if error.is(library::EOF) => Err(library::Error::named("SCM_SCARD_E_BAD_SEEK")),
        // A record that may not be read may be written.
        _ => Ok(()),
    }
}

fn write_all(session: &Session, write: &Write, file: &File<'_>, data: &[u8]) -> Result<usize, Failure> {
    let progress = Progress::new(session, "bytes", data.len() as u64);
    let mut written = 0;
    for part in data.chunks(PART) {
        let done = file.write(part);
        written += done.length;
        progress.advance(done.length as u64);
        if let Err(error) = done.result {
            let subject = format!("{}: {written} of {} bytes are written", write.path, data.len());
            return Err(Failure::library(subject, error));
        }
    }
    Ok(written)
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}: {} bytes written", self.path, self.written)
    }
}

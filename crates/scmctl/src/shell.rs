//! `scmctl shell`: a prompt for commands, files and codes.

use std::cell::Cell;
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::Parser;
use rustyline::error::ReadlineError;
use rustyline::{Config, DefaultEditor};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::library::{Attachment, Files};
use crate::send::Order;
use crate::session::Session;
use crate::{cat, code, hex, input, reset, status_word, tlv, tree};

const HISTORY: usize = 1000;
/// The longest command in hexadecimal digits with spaces.
const LINE_MAX: usize = 3 * 65544;

/// A line is a command (APDU) in hexadecimal digits, or one of these.
#[derive(Parser)]
#[command(no_binary_name = true, disable_help_flag = true, name = "", help_template = "{about}\n\n{subcommands}")]
enum Line {
    /// Lists the current directory
    Ls,
    /// Changes the current directory: 3F00, 3F00/5015, .., an AID
    Cd { path: String },
    /// Prints the current directory
    Pwd,
    /// Prints the files below a directory
    Tree {
        #[arg(default_value = ".")]
        path: String,
    },
    /// Prints a file, or one record of it
    Cat {
        path: String,
        #[arg(value_parser = clap::value_parser!(u64).range(1..))]
        record: Option<u64>,
    },
    /// Prints what the card tells of a file or directory
    Info {
        #[arg(default_value = ".")]
        path: String,
    },
    /// Sends exactly these bytes
    Raw {
        #[arg(required = true)]
        digits: Vec<String>,
    },
    /// Presents a code, or asks for its state with --check
    Verify(code::Verify),
    /// Gives a code a new value
    Change(code::Change),
    /// Unblocks a code
    Unblock(code::Unblock),
    /// Resets the card; --cold turns its power off and on
    Reset(reset::Reset),
    /// Explains a status word, such as 6982
    Explain { word: String },
    /// Shows the data objects (BER-TLV) in hexadecimal digits
    Decode {
        #[arg(required = true)]
        digits: Vec<String>,
    },
    /// Ends the shell
    #[command(alias = "quit")]
    Exit,
}

/// Lines for a person, and as JSON.
#[derive(Serialize)]
struct Lines {
    subject: String,
    lines: Vec<String>,
}

pub fn run(session: &Session) -> Result<Exit, Failure> {
    let card = session.attach()?;
    let files = Files::of(&card).map_err(|error| Failure::library("files", error))?;
    let shell = Shell { session, card: &card, files, is_lost: Cell::new(false) };
    if !io::stdin().is_terminal() {
        return shell.read_lines(&mut Source { editor: None });
    }
    let mut source = Source { editor: Some(editor().map_err(terminal)?) };
    let history = history_path();
    if let (Some(editor), Some(path)) = (&mut source.editor, &history) {
        // The first time there is none.
        let _ = editor.load_history(path);
    }
    let ended = shell.read_lines(&mut source);
    if let (Some(editor), Some(path)) = (&mut source.editor, &history) {
        // A history that cannot be kept is no reason to fail.
        let _ = editor.save_history(path);
    }
    ended
}

/// Where the lines come from. Only those of a terminal are kept in the history.
struct Source {
    /// None for a pipe.
    editor: Option<DefaultEditor>,
}

impl Source {
    /// The next line; None at the end.
    fn line(&mut self, prompt: &str) -> Result<Option<Zeroizing<String>>, Failure> {
        let Some(editor) = &mut self.editor else {
            return input::line(LINE_MAX).map_err(|error| Failure::input("standard input", error));
        };
        loop {
            match editor.readline(prompt) {
                Ok(line) => return Ok(Some(Zeroizing::new(line))),
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) => return Ok(None),
                Err(error) => return Err(terminal(error)),
            }
        }
    }

    fn remember(&mut self, line: &str) {
        match &mut self.editor {
            Some(editor) if is_kept(line) => {
                // The same line twice is kept once, which is no fault.
                let _ = editor.add_history_entry(line);
            }
            _ => {}
        }
    }
}

fn editor() -> rustyline::Result<DefaultEditor> {
    let config = Config::builder().max_history_size(HISTORY)?.history_ignore_dups(true)?.build();
    DefaultEditor::with_config(config)
}

fn terminal(error: ReadlineError) -> Failure {
    Failure::input("the terminal", io::Error::other(error.to_string()))
}

/// `$XDG_STATE_HOME/scmctl/history`, or below `~/.local/state`.
fn history_path() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = || folder("HOME").or_else(|| folder("USERPROFILE")).map(|home| home.join(".local/state"));
    let state = folder("XDG_STATE_HOME").or_else(home)?;
    let folder = state.join("scmctl");
    fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}

struct Shell<'a> {
    session: &'a Session<'a>,
    card: &'a Attachment,
    files: Files<'a>,
    /// The card was reset or taken out, or the reader or the service is gone.
    is_lost: Cell<bool>,
}

impl Shell<'_> {
    /// The exit code is that of the last command, as of a shell.
    fn read_lines(&self, source: &mut Source) -> Result<Exit, Failure> {
        let mut exit = Exit::Success;
        loop {
            self.has_recovered();
            let prompt = format!("{}> ", self.files.current_dir().unwrap_or_default());
            let Some(line) = source.line(&prompt)? else { return Ok(exit) };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            source.remember(line);
            // The user has typed the line for a card that is not the one that answers now.
            if self.has_recovered() {
                self.session.output.remark("The line was not carried out. Enter it again.");
                exit = Exit::TryAgain;
                continue;
            }
            match self.obey(line) {
                Ok(Some(told)) => exit = told,
                Ok(None) => return Ok(exit),
                Err(failure) if failure.is_broken_pipe() => return Err(failure),
                Err(failure) => {
                    exit = failure.exit();
                    self.session.output.complain(&failure);
                    self.is_lost.set(self.is_lost.get() || is_lost(&failure));
                }
            }
        }
    }

    /// None at the end.
    fn obey(&self, line: &str) -> Result<Option<Exit>, Failure> {
        // They may carry a code, of which the parser of other lines would leave copies in memory.
        if let Some(digits) = raw(line) {
            return self.send(digits, true).map(Some);
        }
        if let Some(digits) = apdu(line) {
            return self.send(digits, false).map(Some);
        }
        let line = match Line::try_parse_from(line.split_whitespace()) {
            Ok(line) => line,
            Err(error) if error.use_stderr() && self.session.output.json => return Err(Failure::command_line(&error)),
            Err(error) => {
                let _ = error.print();
                return Ok(Some(if error.use_stderr() { Exit::Usage } else { Exit::Success }));
            }
        };
        if matches!(line, Line::Exit) { Ok(None) } else { self.carry_out(&line).map(Some) }
    }

    fn carry_out(&self, line: &Line) -> Result<Exit, Failure> {
        let session = self.session;
        match line {
            Line::Ls => {
                let entries = tree::entries(session, &self.files).map_err(|error| Failure::library("ls", error))?;
                entries.iter().try_for_each(|entry| session.output.show(entry))?;
            }
            Line::Cd { path } => self.files.change_dir(path).map_err(|error| Failure::library(path, error))?,
            Line::Pwd => {
                let path = self.files.current_dir().map_err(|error| Failure::library("pwd", error))?;
                self.show("current directory", vec![path])?;
            }
            Line::Tree { path } => session.output.show(&tree::below(session, &self.files, path)?)?,
            Line::Cat { path, record } => session.output.show(&cat::read(session, &self.files, path, *record)?)?,
            Line::Info { path } => {
                let properties = self.files.properties(path).map_err(|error| Failure::library(path, error))?;
                self.show(path, objects(&properties))?;
            }
            Line::Verify(verify) => return code::verify(session, self.card, verify),
            Line::Change(change) => return code::change(session, self.card, change),
            Line::Unblock(unblock) => return code::unblock(session, self.card, unblock),
            Line::Reset(reset) => return reset::run(session, self.card, reset),
            Line::Explain { word } => {
                let bytes = hex::parse(word).map_err(|error| Failure::usage(word, error))?;
                let [high, low] = bytes[..] else { return Err(Failure::usage(word, "a status word has two bytes")) };
                self.show(word, vec![status_word::explain(u16::from_be_bytes([high, low]))])?;
            }
            Line::Decode { digits } => {
                let bytes = hex::parse(&digits.concat()).map_err(|error| Failure::usage("decode", error))?;
                self.show("data objects", objects(&bytes))?;
            }
            Line::Raw { .. } | Line::Exit => {}
        }
        Ok(Exit::Success)
    }

    fn send(&self, text: &str, is_raw: bool) -> Result<Exit, Failure> {
        let order = Order::parse(text, is_raw).map_err(|error| Failure::usage("command", error))?;
        let exchange = order.exchange(self.card).map_err(|error| Failure::library(order.subject(), error))?;
        self.session.output.show(&exchange)?;
        Ok(if exchange.is_success { Exit::Success } else { Exit::Refused })
    }

    fn show(&self, subject: &str, lines: Vec<String>) -> Result<(), Failure> {
        self.session.output.show(&Lines { subject: subject.into(), lines })
    }

    /// Whether the connection was lost and works again. The state of the card is lost then.
    fn has_recovered(&self) -> bool {
        if !self.is_lost.get() {
            return false;
        }
        let Ok(same) = self.card.reconnect() else { return false };
        let which = if same { "The card answers again" } else { "Another card answers" };
        self.session.output.remark(format!("{which}. Selections and verified codes are lost."));
        self.is_lost.set(false);
        true
    }
}

/// Whether only a reconnect helps.
fn is_lost(failure: &Failure) -> bool {
    const LOST: [&str; 5] = [
        "SCM_SCARD_W_RESET_CARD",
        "SCM_SCARD_W_REMOVED_CARD",
        "SCM_SCARD_E_READER_UNAVAILABLE",
        "SCM_SCARD_E_NO_SERVICE",
        "SCM_SCARD_E_NO_SMARTCARD",
    ];
    failure.code_name().is_some_and(|name| LOST.contains(&name))
}

/// The data objects, or the bytes if they are none.
fn objects(bytes: &[u8]) -> Vec<String> {
    match tlv::lines(bytes) {
        lines if lines.is_empty() => vec![hex::spaced(bytes)],
        lines => lines,
    }
}

/// The line, if it is meant as a command APDU, right or wrong. `cd` is the only command of hexadecimal digits; upper
/// case is an APDU. The parser of other lines would print a wrong one, which may carry a code.
fn apdu(line: &str) -> Option<&str> {
    const CLA_INS: usize = 4;
    let is_cd = line.split_whitespace().next() == Some("cd");
    let digits =
        line.trim_start_matches("0x").chars().filter(|character| !character.is_whitespace() && *character != ':');
    (!is_cd && digits.take(CLA_INS).all(|digit| digit.is_ascii_hexdigit())).then_some(line)
}

/// The digits behind `raw`.
fn raw(line: &str) -> Option<&str> {
    line.strip_prefix("raw").filter(|digits| digits.starts_with(char::is_whitespace))
}

/// Whether the history keeps a line: it is understood, and carries no code and no key. A line with a mistake may have a
/// code anywhere.
fn is_kept(line: &str) -> bool {
    if let Some(digits) = raw(line).or_else(|| apdu(line)) {
        return hex::parse(digits)
            .map(Zeroizing::new)
            .is_ok_and(|bytes| bytes.len() >= 4 && !crate::apdu::carries_secret(&bytes));
    }
    match Line::try_parse_from(line.split_whitespace()) {
        Ok(
            Line::Verify(code::Verify { which, .. })
            | Line::Change(code::Change { which, .. })
            | Line::Unblock(code::Unblock { which, .. }),
        ) => which.number().is_ok(),
        Ok(_) => true,
        Err(told) => !told.use_stderr(), // the help
    }
}

impl Display for Lines {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(formatter, "{}", crate::text::printable(line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn a_line_of_digits_is_a_command() {
        assert!(apdu("00 a4 04 00").is_some() && apdu("00A40400").is_some() && apdu("CD B0 00 00").is_some());
        assert!(apdu("0x00A40400").is_some() && apdu("00A4").is_some(), "a wrong one is told as such");
        assert!(apdu("0020000104 3132333G").is_some() && apdu("00 A4 0g").is_some() && apdu("change 1").is_none());
        assert!(apdu("cd 50155016").is_none() && apdu("ls").is_none() && apdu("decode 6F00").is_none());
    }

    #[test]
    fn the_history_keeps_no_codes() {
        let digits = ["00 20 00 01 04 31 32 33 34", "0x0020000104 31323334", "00:20:00:01:04:31:32:33:34"];
        for digits in digits {
            assert!(!is_kept(digits) && !is_kept(&format!("raw {digits}")), "{digits}");
            // With a mistake: the words of another tool, a digit too few, a letter too much.
            for wrong in [format!("send {digits}"), format!("apdu {digits}"), digits[1..].into(), format!("{digits}g")]
            {
                assert!(!is_kept(&wrong), "{wrong}");
            }
        }
        for code in ["verify 1 1234", "verify 1 --code 1234", "verify 1234", "change 1 1234 4321", "1234", "s3cret"] {
            assert!(!is_kept(code), "{code}");
        }
        for line in ["00 B0 00 00 10 00", "raw 00B0000010", "0x00A40000 02 3F00", "cat 3F00/2F00", "verify 1", "help"] {
            assert!(is_kept(line), "{line}");
        }
    }

    #[test]
    fn the_lines_are_consistent() {
        Line::command().debug_assert();
    }
}

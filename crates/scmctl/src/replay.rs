//! `scmctl replay`: a script of commands, whose answers are compared.

use std::fmt::{self, Display, Formatter};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use owo_colors::OwoColorize;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::library::Attachment;
use crate::progress::Progress;
use crate::script::{Action, Step, parse};
use crate::send::Exchange;
use crate::session::Session;
use crate::text::printable;
use crate::{hex, status_word};

#[derive(clap::Args)]
pub struct Replay {
    /// The script; - for the standard input
    #[arg(value_name = "FILE")]
    script: PathBuf,

    /// Sends exactly the bytes: no GET RESPONSE, no correction of Le, no chaining
    #[arg(long)]
    raw: bool,

    /// Goes on after an answer that differs
    #[arg(long)]
    keep_going: bool,

    /// Prints each command and each answer
    #[arg(long, short)]
    all: bool,
}

#[derive(Serialize)]
struct Report {
    script: String,
    commands: usize,
    /// Commands that were not sent after the first difference.
    skipped: usize,
    differences: Vec<Difference>,
}

#[derive(Serialize)]
struct Difference {
    line: usize,
    command: String,
    expected: Vec<String>,
    answer: String,
    meaning: String,
}

pub fn run(session: &Session, replay: &Replay) -> Result<Exit, Failure> {
    let name = replay.script.display().to_string();
    let text = read(&replay.script).map_err(|error| Failure::input(&name, error))?;
    let steps = parse(&text, replay.raw).map_err(|error| Failure::data(&name, error))?;
    if steps.is_empty() {
        return Err(Failure::data(&name, "it has no command"));
    }
    let card = session.attach()?;
    let progress = Progress::new(session, "commands", steps.len() as u64);
    let mut report = Report { script: name.clone(), commands: 0, skipped: 0, differences: Vec::new() };
    for step in &steps {
        progress.advance(1);
        if !replay.keep_going && !report.differences.is_empty() {
            report.skipped += 1;
            continue;
        }
        let place = || format!("{name}:{}", step.line);
        report.commands += 1;
        let difference = play(session, &card, step, replay.all).map_err(|failure| failure.at(place()))?;
        report.differences.extend(difference);
    }
    progress.end();
    session.output.show(&report)?;
    Ok(if report.differences.is_empty() { Exit::Success } else { Exit::Refused })
}

fn read(script: &Path) -> io::Result<String> {
    if script != Path::new("-") {
        return fs::read_to_string(script);
    }
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text).map(|_| text)
}

/// One step; the difference if the answer is not the expected one.
fn play(session: &Session, card: &Attachment, step: &Step, is_shown: bool) -> Result<Option<Difference>, Failure> {
    let (order, expected) = match &step.action {
        Action::Reset { is_cold } => {
            card.reset(*is_cold).map_err(|error| Failure::library("reset", error))?;
            return Ok(None);
        }
        Action::Command(order, expected) => (order, expected),
    };
    let exchange = order.exchange(card).map_err(|error| Failure::library(order.subject(), error))?;
    if is_shown {
        session.output.show(&exchange)?;
    }
    let answer = exchange.answer();
    let is_right = match expected.as_slice() {
        [] => exchange.is_success,
        patterns => patterns.iter().any(|pattern| pattern.fits(&answer)),
    };
    Ok((!is_right).then(|| difference(step.line, &exchange, &answer, expected)))
}

fn difference(line: usize, exchange: &Exchange, answer: &[u8], expected: &[crate::script::Pattern]) -> Difference {
    let word = answer.iter().rev().take(2).rev().fold(0, |word, &byte| word << 8 | u16::from(byte));
    Difference {
        line,
        command: exchange.command.clone(),
        expected: expected.iter().map(ToString::to_string).collect(),
        answer: hex::spaced(answer),
        meaning: status_word::explain(word),
    }
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for Difference { line, command, expected, answer, meaning } in &self.differences {
            writeln!(formatter, "{}:{line}: {}", printable(&self.script), "the answer differs".red())?;
            writeln!(formatter, "    > {command}")?;
            let expected = if expected.is_empty() { "a success".into() } else { expected.join(" | ") };
            writeln!(formatter, "    expected  {expected}")?;
            writeln!(formatter, "    answer    {answer}  ({meaning})")?;
        }
        write!(formatter, "steps: {}, different: {}", self.commands, self.differences.len())?;
        match self.skipped {
            0 => writeln!(formatter),
            skipped => writeln!(formatter, ", not sent: {skipped}"),
        }
    }
}

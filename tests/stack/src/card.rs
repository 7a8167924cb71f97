//! A card in a reader of the stack: a program that speaks vpcd's protocol and takes orders on its standard input.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::answer::{self, Answer};
use crate::launcher::Launcher;

/// What to put into a reader.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    /// The program is called so, with `-card` appended; `steerable` is a profile of `scm-card`.
    pub name: String,
    /// The ATR in hexadecimal, if the card is to have another than its own.
    pub atr: Option<String>,
}

impl Kind {
    fn program(&self) -> (&str, &[&str]) {
        match self.name.as_str() {
            "steerable" => ("scm", &["--profile", "steerable"]),
            name => (name, &[]),
        }
    }
}

/// A card program that runs. Dropping it pulls the card.
pub struct Card {
    program: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Card {
    /// Starts the program of `kind` in `directory`, plugged into the reader at `port`.
    pub fn start(kind: &Kind, directory: &Path, port: u16, launcher: &Launcher) -> Result<Self, String> {
        let (program, arguments) = kind.program();
        let path = directory.join(format!("{program}-card"));
        let mut command = Command::new(&path);
        command.args(arguments).arg("--port").arg(port.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(atr) = &kind.atr {
            command.arg("--atr").arg(atr);
        }
        let mut program = launcher.launch(command).map_err(|error| format!("{}: {error}", path.display()))?;
        let orders = program.stdin.take().ok_or("the card has no standard input")?;
        let answers = program.stdout.take().ok_or("the card has no standard output")?;
        Ok(Card { program, orders, answers: BufReader::new(answers) })
    }

    /// Hands `line` to the program and waits for its answer.
    pub fn tell(&mut self, line: &str) -> Answer {
        match self.exchange(line) {
            Ok(line) if line.is_empty() => Err("the card has ended".into()),
            Ok(line) => answer::read(&line),
            Err(error) => Err(format!("the card has ended: {error}")),
        }
    }

    fn exchange(&mut self, line: &str) -> io::Result<String> {
        writeln!(self.orders, "{line}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        // Both fail only when the program is gone already, which is what is wanted.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steerable_card_is_a_profile_of_the_test_card() {
        let kind = |name: &str| Kind { name: name.into(), atr: None };
        assert_eq!(kind("steerable").program(), ("scm", &["--profile", "steerable"][..]));
        assert_eq!(kind("openpgp").program(), ("openpgp", &[][..]));
    }
}

//! `scmctl send`: commands and their answers.

use std::fmt::{self, Display, Formatter};

use owo_colors::OwoColorize;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::apdu::{self, Command};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::library::{self, Attachment};
use crate::session::Session;
use crate::{hex, status_word, tlv};

#[derive(clap::Args)]
pub struct Send {
    /// Commands in hexadecimal digits, each one argument: 00A4000C023F00 or "00 A4 00 0C 02 3F 00"
    #[arg(required = true, value_name = "HEX")]
    commands: Vec<String>,

    /// Sends exactly the bytes: no GET RESPONSE, no correction of Le, no chaining
    #[arg(long)]
    raw: bool,

    /// Goes on after a command that the card refuses
    #[arg(long)]
    keep_going: bool,
}

/// The digits of a command in the message of a failure, with the spaces: its header and 16 bytes.
const SUBJECT_MAX: usize = 3 * 21 - 1;

/// A command that can be sent.
#[derive(Debug)]
pub struct Order {
    bytes: Zeroizing<Vec<u8>>,
    /// None if the bytes go to the card as they are.
    command: Option<Command>,
}

impl Order {
    pub fn parse(text: &str, is_raw: bool) -> Result<Order, String> {
        let bytes = Zeroizing::new(hex::parse(text)?);
        let command = if is_raw { None } else { Some(Command::parse(&bytes)?) };
        if bytes.is_empty() {
            return Err("a command has at least one byte".into());
        }
        Ok(Order { bytes, command })
    }

    /// The command in hexadecimal digits, without a code or a key.
    pub fn shown(&self) -> String {
        apdu::shown(&self.bytes)
    }

    /// For the message of a failure, which is one line.
    pub fn subject(&self) -> String {
        let shown = self.shown();
        if shown.len() > SUBJECT_MAX { format!("{} ..", &shown[..SUBJECT_MAX]) } else { shown }
    }

    pub fn exchange(&self, card: &Attachment) -> library::Result<Exchange> {
        let (data, status_word, code) = match &self.command {
            Some(command) => {
                let answer = card.send(command)?;
                (answer.data, answer.status_word, Some(answer.code))
            }
            None => {
                let mut response = card.transmit(&self.bytes)?;
                let end = response.len().saturating_sub(2);
                let word = response.get(end..).unwrap_or(&[]).iter().fold(0, |word, &byte| word << 8 | u16::from(byte));
                response.truncate(end);
                (response, word, None)
            }
        };
        Ok(Exchange {
            command: self.shown(),
            data: hex::plain(&data),
            status_word: format!("{status_word:04X}"),
            meaning: status_word::explain(status_word),
            code: code.map(library::name_of),
            is_success: code.map_or(status_word::is_success(status_word), |code| code >= 0),
        })
    }
}

#[derive(Serialize)]
pub struct Exchange {
    pub command: String,
    pub data: String,
    pub status_word: String,
    pub meaning: String,
    /// The code of libscm; None for raw bytes.
    pub code: Option<&'static str>,
    pub is_success: bool,
}

impl Exchange {
    /// Data and status word, as they come from the card.
    pub fn answer(&self) -> Vec<u8> {
        hex::parse(&(self.data.clone() + &self.status_word)).unwrap_or_default()
    }
}

pub fn run(session: &Session, send: &Send) -> Result<Exit, Failure> {
    // Nothing is sent if one of them is wrong.
    let parse = |text: &String| Order::parse(text, send.raw).map_err(|error| Failure::usage(hidden(text), error));
    let orders = send.commands.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    let card = session.attach()?;
    let mut exit = Exit::Success;
    for order in orders {
        let exchange = order.exchange(&card).map_err(|error| Failure::library(order.subject(), error))?;
        session.output.show(&exchange)?;
        if !exchange.is_success {
            exit = Exit::Refused;
            if !send.keep_going {
                break;
            }
        }
    }
    Ok(exit)
}

/// A text that cannot be sent may still contain a code.
fn hidden(text: &str) -> String {
    match hex::parse(text) {
        Ok(bytes) if bytes.is_empty() => "an empty command".into(),
        Ok(bytes) => apdu::shown(&bytes).chars().take(SUBJECT_MAX).collect(),
        Err(_) => text.chars().take(10).collect(),
    }
}

impl Display for Exchange {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let data = hex::parse(&self.data).unwrap_or_default();
        writeln!(formatter, "{} {}", ">".dimmed(), self.command)?;
        for line in hex::dump(&data, 0).lines() {
            writeln!(formatter, "  {line}")?;
        }
        for line in tlv::lines(&data) {
            writeln!(formatter, "  {}", line.dimmed())?;
        }
        let word = format!("{} {}", &self.status_word[..2], &self.status_word[2..]);
        let meaning = &self.meaning;
        if self.is_success {
            writeln!(formatter, "{} {}  {meaning}", "<".dimmed(), word.green())
        } else {
            writeln!(formatter, "{} {}  {meaning}", "<".dimmed(), word.red())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_cannot_be_sent_is_refused_before_anything_is_sent() {
        assert!(Order::parse("00A4", false).unwrap_err().contains("at least 4 bytes"));
        assert!(Order::parse("00A4", true).is_ok());
        assert!(Order::parse("", true).is_err());
        assert!(Order::parse("00A4000005AA", false).is_err());
    }

    #[test]
    fn a_wrong_command_with_a_code_is_not_shown() {
        assert!(!hidden("0020000109 3132333435").contains("31"));
        assert!(hidden("0020 0001 09 313233343536Z").len() <= 10);
    }

    #[test]
    fn the_message_of_a_failure_is_short() {
        let long = format!("00A40400FF{}", "00".repeat(255));
        assert!(Order::parse(&long, false).unwrap().subject().len() < 80);
        assert!(hidden(&long).len() < 80);
        assert_eq!(hidden(" "), "an empty command");
    }
}

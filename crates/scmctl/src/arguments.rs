//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{cat, code, generate, replay, reset, send, tree, watch, write};

pub const EXIT_CODES: &str = "\
Exit codes:
   0  success
   1  the card refuses, a script differs, or doctor has found a fault
  64  the command line is wrong
  65  a script, a card description or data are wrong
  66  a file cannot be read
  69  no service, no reader, no card, or the card is mute
  70  an internal error
  71  no memory
  73  a file cannot be made
  74  the communication failed, or the output cannot be written
  75  try again: the card is used by another program, was reset or taken out, or the time limit passed
  77  no permission: polkit, or a code that is missing, wrong or blocked
 130  cancelled by Ctrl-C";

/// Readers, smart cards and their files.
#[derive(Parser)]
#[command(name = "scmctl", version, after_help = EXIT_CODES, max_term_width = 120)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,

    /// Part of the name of the reader; needed if several readers have a card
    #[arg(long, short, global = true, value_name = "PART")]
    pub reader: Option<String>,

    /// A virtual card instead of a reader: default, steerable, or a description in TOML
    #[arg(long, global = true, value_name = "PROFILE")]
    pub card: Option<PathBuf>,

    /// How long to wait for other users of the card, in milliseconds; no limit without it
    #[arg(long, global = true, value_name = "MS", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,

    /// Presents this code of the card first; it is asked for
    #[arg(long, global = true, value_name = "NUMBER", value_parser = code::Number::parse)]
    pub verify: Option<code::Number>,

    #[command(flatten)]
    pub codes: code::Format,

    /// Prints JSON, one value on a line
    #[arg(long, global = true)]
    pub json: bool,

    #[command(flatten)]
    pub color: Color,
}

/// When to use colours.
#[derive(clap::Args)]
pub struct Color {
    /// Colours: auto (only on a terminal), always, never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: When,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

impl Color {
    pub fn write_global(&self) {
        match self.color {
            When::Auto => anstream::ColorChoice::Auto,
            When::Always => anstream::ColorChoice::AlwaysAnsi,
            When::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

#[derive(Subcommand)]
pub enum Command {
    /// Lists readers and cards, with the ATR decoded
    List,
    /// Prints events as they happen: readers and cards that come and go
    Watch(watch::Watch),
    /// Finds faults of service, permissions, drivers, readers and cards, and says what helps
    Doctor,
    /// Prints the state of a card and of its reader
    Status,
    /// Sends commands (APDUs) and prints the answers
    Send(send::Send),
    /// A prompt with history: commands (APDUs), files, codes
    Shell,
    /// Prints the files of a card as a tree
    Tree(tree::Tree),
    /// Prints a file of a card
    Cat(cat::Cat),
    /// Writes to a file of a card
    Write(write::Write),
    /// Presents a code (PIN), or asks how many tries are left
    Verify(code::Verify),
    /// Gives a code a new value
    Change(code::Change),
    /// Unblocks a code that was wrong too often, and gives it a new value
    Unblock(code::Unblock),
    /// Resets a card
    Reset(reset::Reset),
    /// Sends the commands of a script, and compares the answers
    Replay(replay::Replay),
    /// Writes the manual pages, or completions for a shell
    #[command(hide = true)]
    Generate(generate::Generate),
}

#[cfg(test)]
mod tests {
    use super::EXIT_CODES;

    #[test]
    fn the_guide_lists_the_same_exit_codes() {
        let guide = include_str!("../../../docs/scmctl.md");
        let rows: Vec<(&str, String)> = guide
            .lines()
            .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "))
            .filter(|(code, _)| code.parse::<u8>().is_ok())
            .map(|(code, meaning)| (code, meaning.replace('`', "")))
            .collect();
        let lines = EXIT_CODES.lines().skip(1).filter_map(|line| line.trim().split_once("  "));
        let lines: Vec<(&str, String)> = lines.map(|(code, meaning)| (code, meaning.to_owned())).collect();
        assert!(lines.len() > 10);
        assert_eq!(rows, lines);
    }
}

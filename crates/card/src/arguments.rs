//! The command line of the program. `--help`, the manual page and the completions of shells come from it.

use clap::{Parser, ValueHint};

use scm_card::bytes::Bytes;
use scm_card::steering::order;

/// The orders on the standard input, and what they do.
pub const ORDERS: [(&str, &str); 13] = [
    ("delay MS", "delays each response, including a pending one"),
    ("answer PREFIX RESPONSE", "a command that begins with PREFIX gets RESPONSE; - is no bytes"),
    ("forget", "ends delay, answers and drop"),
    ("take", "returns and removes the oldest commands of the log, up to 1,000"),
    ("log", "the commands since the start or the last clear"),
    ("count", "the number of these commands"),
    ("clear", "empties the log, and resets the events to 0"),
    ("drop", "the next command gets no response, and the card is removed, until plug"),
    ("half N", "the same after N bytes of the response"),
    ("plug", "inserts the card again"),
    ("events", "the number of power-ons, power-offs and resets"),
    ("mute", "does not answer power-on and reset, until unmute"),
    ("unmute", "answers the next power-on or reset"),
];

pub const ABOUT_ORDERS: &str = "\
An order is a line of the standard input. The answer to each is one line: ok, ok VALUE or error TEXT. The program ends \
at the end of its standard input.";

fn orders() -> String {
    let lines = ORDERS.iter().map(|(order, effect)| format!("\n  {order:24}{effect}"));
    format!("{ABOUT_ORDERS}\n{}", lines.collect::<String>())
}

#[derive(Parser)]
#[command(
    name = "scm-card",
    version,
    about = "An ISO/IEC 7816-4 card for tests, in a vpcd reader, that does what it is told on its standard input",
    after_long_help = orders()
)]
pub struct Arguments {
    /// The TCP port of the vpcd reader
    #[arg(long, required_unless_present = "check")]
    pub port: Option<u16>,

    /// The ATR in hexadecimal, instead of that of the profile
    #[arg(long, value_name = "HEX", value_parser = bytes)]
    pub atr: Option<Bytes>,

    /// The card: default, steerable, or a file in TOML
    #[arg(long, default_value = "default", value_hint = ValueHint::FilePath)]
    pub profile: String,

    /// Only checks the profile
    #[arg(long)]
    pub check: bool,
}

fn bytes(text: &str) -> Result<Bytes, String> {
    order::bytes(text).map(Bytes)
}

//! A card for tests, in a vpcd reader, that does what it is told on its standard input.
//!
//! Of itself it knows four commands:
//!
//! | command           | answer                                                               |
//! |-------------------|----------------------------------------------------------------------|
//! | `80 EC 00 00 ...` | the command's data, 9000                                             |
//! | `80 CA P1 P2 ...` | P1P2 bytes 00 01 02 ... FF 00 ..., 9000 (65,533 bytes at most)        |
//! | `80 5E 00 00 Lc`  | remembers the command's data until reset or power loss, 9000         |
//! | `80 5F 00 00 00`  | what it remembers, 9000; 6A88 when it remembers nothing              |
//!
//! Everything else gets 6D00, what is no command at all 6700. The lines it obeys are in [`order::Order`]; each gets one line
//! as its answer: `ok`, `ok VALUE` or `error TEXT`. The card ends when its standard input does.

mod card;
mod order;
mod steering;

use std::io::{self, BufRead, Write};
use std::process;
use std::sync::Arc;
use std::thread;

use clap::Parser;

use card::Card;
use steering::Steering;

/// T=1 and no more; the historical bytes are "scm".
const ATR: &str = "3B830173636DFF";

#[derive(Parser)]
#[command(about = "A card for tests, in a vpcd reader, that does what it is told on its standard input")]
struct Arguments {
    /// The TCP port of the vpcd reader
    #[arg(long)]
    port: u16,

    /// The ATR, in hexadecimal
    #[arg(long, value_parser = order::bytes, default_value = ATR)]
    atr: order::Bytes,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let steering = Arc::new(Steering::default());
    let card = Card::new(arguments.atr.0, Arc::clone(&steering));
    thread::spawn(move || card.serve(arguments.port));
    obey(&steering)?;
    // The card's thread never ends of itself.
    process::exit(0)
}

fn obey(steering: &Steering) -> io::Result<()> {
    let mut stdout = io::stdout();
    for line in io::stdin().lock().lines() {
        let answer = line?.parse().and_then(|order| steering.obey(order));
        match answer {
            Ok(value) if value.is_empty() => writeln!(stdout, "ok")?,
            Ok(value) => writeln!(stdout, "ok {value}")?,
            Err(text) => writeln!(stdout, "error {text}")?,
        }
        stdout.flush()?;
    }
    Ok(())
}

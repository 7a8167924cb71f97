//! The test card in a vpcd reader. It obeys the orders on its standard input, and ends with it.

mod arguments;
#[cfg(test)]
mod manual;
mod socket;

use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process;
use std::sync::Arc;
use std::thread;

use clap::Parser;

use arguments::Arguments;
use scm_card::{Profile, ProfileError, TestCard};

fn main() {
    let arguments = Arguments::parse();
    let card = card(&arguments).unwrap_or_else(|error| {
        eprintln!("scm-card: {}: {error}", arguments.profile);
        process::exit(1)
    });
    let Some(port) = arguments.port.filter(|_| !arguments.check) else { return };
    let card = Arc::new(card);
    let plugged = Arc::clone(&card);
    thread::spawn(move || socket::serve(&plugged, port));
    if let Err(error) = execute(&card) {
        eprintln!("scm-card: {error}");
        process::exit(1);
    }
    // The card's thread does not end by itself.
    process::exit(0)
}

fn card(arguments: &Arguments) -> Result<TestCard, ProfileError> {
    let mut profile = Profile::from_toml(&text(&arguments.profile)?)?;
    if let Some(atr) = &arguments.atr {
        profile.atr = atr.clone();
    }
    TestCard::new(&profile)
}

/// The text of a built-in profile, or of a file.
fn text(profile: &str) -> Result<String, ProfileError> {
    match Profile::built_in(profile) {
        Some(text) => Ok(text.into()),
        None => std::fs::read_to_string(Path::new(profile)).map_err(|error| ProfileError(error.to_string())),
    }
}

fn execute(card: &TestCard) -> io::Result<()> {
    let mut stdout = io::stdout();
    for line in io::stdin().lock().lines() {
        writeln!(stdout, "{}", card.tell(&line?))?;
        stdout.flush()?;
    }
    Ok(())
}

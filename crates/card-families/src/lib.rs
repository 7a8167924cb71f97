//! Plays descriptions of card families to libscm, and compares its results with the right ones. The README says how to
//! write a description.

mod actor;
mod bytes;
mod call;
mod code;
mod family;
mod model;
mod play;
mod program;
mod reader;
mod sim;
mod transport;

use std::fs::read_dir;
use std::path::{Path, PathBuf};

use family::Family;
use reader::Side;

const FAMILIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/families");

/// Plays the families whose names contain one of the words, or all families without words. Prints a line for each
/// family, as the tests of Rust do. The argument `--pcscd` selects the families with `pcscd = true` and the pcscd of a
/// private stack; without it the families are played on virtual readers. Returns true if everything was right.
pub fn run(arguments: impl Iterator<Item = String>) -> bool {
    let (options, words): (Vec<_>, Vec<_>) = arguments.partition(|argument| argument.starts_with("--"));
    let side = if options.iter().any(|option| option == "--pcscd") { Side::Pcscd } else { Side::Virtual };
    if side == Side::Virtual {
        // The pcscd of the machine must not take part.
        // SAFETY: no other thread runs yet.
        unsafe { std::env::set_var("PCSCLITE_CSOCK_NAME", "/nowhere") };
    }
    let (mut passed, mut failed) = (0, 0);
    for path in descriptions(Path::new(FAMILIES)) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !words.is_empty() && !words.iter().any(|word| name.contains(word)) {
            continue;
        }
        let differences = match Family::load(&path) {
            Ok(family) if side == Side::Pcscd && !family.pcscd => continue,
            Ok(family) => play::play(&family, side),
            Err(error) => vec![error],
        };
        println!("test {name} ... {}", if differences.is_empty() { "ok" } else { "FAILED" });
        differences.iter().for_each(|difference| println!("    {difference}"));
        *if differences.is_empty() { &mut passed } else { &mut failed } += 1;
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out");
    failed == 0
}

/// The paths of the descriptions, sorted. An unreadable folder ends the program; else the run would pass with no
/// families.
fn descriptions(folder: &Path) -> Vec<PathBuf> {
    let entries = read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    paths
}

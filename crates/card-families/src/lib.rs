//! Plays descriptions of card families to libscm, and compares what it makes of them with what is right. The README says how a
//! description is written.

mod actor;
mod bed;
mod bytes;
mod call;
mod code;
mod family;
mod model;
mod play;
mod program;
mod sim;
mod transport;

use std::fs::read_dir;
use std::path::{Path, PathBuf};

use bed::Bed;
use family::Family;

const FAMILIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/families");

/// Plays the families whose names contain one of the words, or all, and prints a line for each, as the tests of Rust do. With
/// `--pcscd` among the arguments those that say so are played on the pcscd of a private stack, and else all on virtual readers.
/// Whether everything was right.
pub fn run(arguments: impl Iterator<Item = String>) -> bool {
    let (options, words): (Vec<_>, Vec<_>) = arguments.partition(|argument| argument.starts_with("--"));
    let bed = if options.iter().any(|option| option == "--pcscd") { Bed::Pcscd } else { Bed::Virtual };
    if bed == Bed::Virtual {
        // The daemon of the machine, if there is one, is no part of it.
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
            Ok(family) if bed == Bed::Pcscd && !family.pcscd => continue,
            Ok(family) => play::play(&family, bed),
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

/// Sorted. A folder that cannot be read has none, which is told as a failure of nothing, so it ends the program.
fn descriptions(folder: &Path) -> Vec<PathBuf> {
    let entries = read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    paths
}

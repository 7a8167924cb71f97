//! `card-families [--pcscd] [WORD...]`: plays the families whose names contain one of the words.

use std::process::ExitCode;

fn main() -> ExitCode {
    if card_families::run(std::env::args().skip(1)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

//! Every family on virtual readers. `cargo test -p card-families --test families WORD` selects families by name.

use std::process::ExitCode;

fn main() -> ExitCode {
    if card_families::run(std::env::args().skip(1)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

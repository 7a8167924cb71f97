//! Every family, on virtual readers. `cargo test -p card-families --test families WORD` plays those that are called so.

use std::process::ExitCode;

fn main() -> ExitCode {
    if card_families::run(std::env::args().skip(1)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

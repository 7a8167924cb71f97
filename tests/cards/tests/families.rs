//! Every family, on virtual readers. `cargo test -p scm-cards --test families WORD` plays those that are called so.

use std::process::ExitCode;

fn main() -> ExitCode {
    if scm_cards::run(std::env::args().skip(1)) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

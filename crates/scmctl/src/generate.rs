//! `scmctl generate`: the manual pages and the completions, from the description of the command line.

use std::path::PathBuf;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

#[derive(clap::Args)]
pub struct Generate {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Writes the manual pages: scmctl(1), and one for each command
    Man {
        /// A folder, which exists
        folder: PathBuf,
    },
    /// Prints completions for a shell
    Completions {
        #[arg(value_enum)]
        shell: Shell,
    },
}

pub fn run(generate: &Generate) -> Result<Exit, Failure> {
    match &generate.what {
        What::Man { folder } => {
            let failed = |error| Failure::creation(folder.display().to_string(), error);
            clap_mangen::generate_to(Arguments::command(), folder).map_err(failed)?;
        }
        What::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "scmctl", &mut text);
            output::bytes(&text)?;
        }
    }
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}

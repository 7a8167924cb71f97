//! `scmctl generate`: the manual page and the completions, from the description of the command line.

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
    /// The manual page, in roff
    Man {
        /// A page of this command, such as send
        command: Option<String>,
    },
    /// Completions for a shell
    Completions {
        #[arg(value_enum)]
        shell: Shell,
    },
}

pub fn run(generate: &Generate) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    match &generate.what {
        What::Man { command } => {
            let command = page_of(command.as_deref())?;
            clap_mangen::Man::new(command).render(&mut text).map_err(Failure::output)?;
        }
        What::Completions { shell } => {
            clap_complete::generate(*shell, &mut Arguments::command(), "scmctl", &mut text);
        }
    }
    output::bytes(&text)?;
    Ok(Exit::Success)
}

fn page_of(name: Option<&str>) -> Result<clap::Command, Failure> {
    let mut whole = Arguments::command();
    whole.build();
    let Some(name) = name else { return Ok(whole) };
    let command = whole.get_subcommands().find(|command| command.get_name() == name && !command.is_hide_set()).cloned();
    let command = command.ok_or_else(|| Failure::usage(name, "there is no such command"))?;
    Ok(command.display_name(format!("scmctl-{name}")).bin_name(format!("scmctl {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}

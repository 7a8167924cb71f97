//! `scmctl generate`: the manual pages and the completions, from the description of the command line. The folder
//! `share` has those that are installed: a cross build cannot run the program.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::arguments::{Arguments, EXIT_CODES};
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
            write_pages(folder).map_err(failed)?;
        }
        What::Completions { shell } => output::bytes(&completions(*shell))?,
    }
    Ok(Exit::Success)
}

fn completions(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "scmctl", &mut text);
    text
}

/// One for the program, and one for each command that the help shows.
fn write_pages(folder: &Path) -> io::Result<()> {
    let mut program = Arguments::command().disable_help_subcommand(true);
    program.build();
    write_page(folder, "scmctl", program.clone())?;
    for command in program.get_subcommands().filter(|command| !command.is_hide_set()) {
        write_page(folder, &format!("scmctl-{}", command.get_name()), command.clone())?;
    }
    Ok(())
}

fn write_page(folder: &Path, name: &str, command: clap::Command) -> io::Result<()> {
    let has_commands = command.has_subcommands();
    let page = Man::new(command.display_name(name.to_owned())).title(name).manual("scm-tools");
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if has_commands {
        page.render_subcommands_section(&mut text)?;
    }
    last_sections().to_writer(&mut text)?;
    fs::write(folder.join(format!("{name}.1")), text)
}

fn last_sections() -> Roff {
    let mut sections = Roff::new();
    sections.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in EXIT_CODES.lines().filter_map(|line| line.trim().split_once("  ")) {
        sections.control("TP", []).text([bold(code)]).text([roman(meaning)]);
    }
    sections.control("SH", ["SEE ALSO"]);
    sections.text([bold("scmctl"), roman("(1), "), bold("scm-card"), roman("(1), "), bold("pcscd"), roman("(8)")]);
    sections
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::env::var_os;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    fn content(folder: &Path) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
        entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
    }

    #[test]
    fn the_installed_files_are_those_of_the_command_line() {
        let made = std::env::temp_dir().join(format!("scmctl-share-{}", std::process::id()));
        fs::create_dir_all(&made).unwrap();
        write_pages(&made).unwrap();
        for (name, shell) in [("scmctl.bash", Shell::Bash), ("_scmctl", Shell::Zsh), ("scmctl.fish", Shell::Fish)] {
            fs::write(made.join(name), completions(shell)).unwrap();
        }
        let (share, expected) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("share"), content(&made));
        fs::remove_dir_all(&made).unwrap();
        if var_os("SCM_WRITE_MANUAL").is_some() {
            content(&share).keys().for_each(|name| fs::remove_file(share.join(name)).unwrap());
            expected.iter().for_each(|(name, text)| fs::write(share.join(name), text).unwrap());
        }
        assert!(content(&share) == expected, "share is out of date: SCM_WRITE_MANUAL=1 cargo test -p scmctl generate");
    }
}

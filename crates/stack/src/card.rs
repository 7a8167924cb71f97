//! A card in a reader of the stack: a program that speaks the vpcd protocol and takes orders.

use std::path::Path;
use std::process::Command;

use crate::launcher::Launcher;
use crate::program::Program;

/// The kind of a card.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    /// The name of the program without `-card`; `steerable`, and a name that ends with `.toml`, is a profile of
    /// `scm-card`.
    pub name: String,
    /// The ATR in hexadecimal, unless it is the card's own.
    pub atr: Option<String>,
}

impl Kind {
    /// Starts the card, one of the programs in `directory`, in the reader at `port`. Drop removes it.
    pub fn start(&self, directory: &Path, port: u16, launcher: &Launcher) -> Result<Program, String> {
        let (program, arguments) = self.program();
        let mut command = Command::new(directory.join(format!("{program}-card")));
        command.args(arguments).arg("--port").arg(port.to_string());
        if let Some(atr) = &self.atr {
            command.arg("--atr").arg(atr);
        }
        Program::start(command, launcher)
    }

    fn program(&self) -> (&str, Vec<&str>) {
        match self.name.as_str() {
            name if name == "steerable" || name.ends_with(".toml") => ("scm", vec!["--profile", name]),
            name => (name, vec![]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steerable_card_is_a_profile_of_the_test_card() {
        let kind = |name: &str| Kind { name: name.into(), atr: None };
        assert_eq!(kind("steerable").program(), ("scm", vec!["--profile", "steerable"]));
        assert_eq!(kind("cards/t0.toml").program(), ("scm", vec!["--profile", "cards/t0.toml"]));
        assert_eq!(kind("openpgp").program(), ("openpgp", vec![]));
    }
}

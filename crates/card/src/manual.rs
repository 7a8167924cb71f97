//! The manual page and the completions of shells, which are files of the tree: a package needs no more crates for them,
//! and does not run the program.

use std::env::var_os;
use std::fs;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::roff::{Roff, bold, roman};

use crate::arguments::{ABOUT_ORDERS, Arguments, ORDERS};

#[test]
fn the_manual_page_and_the_completions_are_those_of_the_arguments() {
    for (name, text) in files() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("share").join(name);
        if var_os("SCM_WRITE_MANUAL").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(written == text, "{name} is out of date: SCM_WRITE_MANUAL=1 cargo test -p scm-card manual");
    }
}

fn files() -> [(&'static str, String); 4] {
    [
        ("scm-card.1", page()),
        ("scm-card.bash", completions(Shell::Bash)),
        ("_scm-card", completions(Shell::Zsh)),
        ("scm-card.fish", completions(Shell::Fish)),
    ]
}

fn page() -> String {
    let page = clap_mangen::Man::new(Arguments::command()).manual("scm-tools");
    let mut text = Vec::new();
    page.render_title(&mut text).unwrap();
    page.render_name_section(&mut text).unwrap();
    synopsis().to_writer(&mut text).unwrap();
    page.render_description_section(&mut text).unwrap();
    page.render_options_section(&mut text).unwrap();
    rest().to_writer(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

fn synopsis() -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["SYNOPSIS"]);
    section.text([bold("scm-card --port"), roman(" PORT [OPTION...]")]).control("br", []);
    section.text([bold("scm-card --check"), roman(" [OPTION...]")]);
    section
}

fn rest() -> Roff {
    let mut sections = Roff::new();
    sections.control("SH", ["ORDERS"]).text([roman(ABOUT_ORDERS)]);
    for (order, effect) in ORDERS {
        let (name, parameters) = order.split_at(order.find(' ').unwrap_or(order.len()));
        sections.control("TP", []).text([bold(name), roman(parameters)]).text([roman(effect)]);
    }
    sections.control("SH", ["EXIT STATUS"]);
    sections.text([roman("0; 1 after an error of the card or of its profile, 2 after one of the arguments.")]);
    sections.control("SH", ["SEE ALSO"]).text([bold("scm"), roman("(7), "), bold("pcscd"), roman("(8)")]);
    sections
}

fn completions(shell: Shell) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "scm-card", &mut text);
    String::from_utf8(text).unwrap()
}

//! The Debian packages have the version and the symbols of the library. `scripts/deb.sh` builds them.

use std::fs::read_to_string;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The part of the version that is in the soname.
fn line() -> &'static str {
    let (line, _) = env!("CARGO_PKG_VERSION").rsplit_once('.').unwrap();
    if line.starts_with("0.") { line } else { line.split('.').next().unwrap() }
}

#[test]
fn the_changelog_begins_with_this_version() {
    let version = concat!("libscm (", env!("CARGO_PKG_VERSION"), "-");
    assert!(read("packaging/debian/changelog").starts_with(version), "packaging/debian/changelog: {version}");
}

#[test]
fn the_symbols_are_those_of_the_library() {
    assert_symbols("exports.txt", "scm", "SCM");
}

#[test]
fn the_symbols_are_those_of_the_test_card() {
    assert_symbols("exports_card.txt", "scm-card", "SCM_CARD");
}

/// Each has the version of the soname, as the linker gives it.
fn assert_symbols(exports: &str, library: &str, version: &str) {
    let line = line();
    let version = format!("@{version}_{line}");
    let name = format!("lib{library}{line}.symbols");
    let text = read(&format!("packaging/debian/{name}"));
    let listed: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix(' ')?.split(' ').next())
        .map(|symbol| symbol.strip_suffix(&version).unwrap_or_else(|| panic!("{name}: {symbol} lacks {version}")))
        .filter(|symbol| *symbol != &version[1..])
        .collect();
    let exported = read(&format!("c-tests/{exports}"));
    assert_eq!(listed, exported.lines().collect::<Vec<_>>(), "packaging/debian/{name}");
}

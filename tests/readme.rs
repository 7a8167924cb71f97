//! What the README shows is what is in the tree.

use std::fs::read_to_string;
use std::path::Path;

fn read(path: &str) -> String {
    read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn the_program_of_the_readme_is_the_example() {
    assert!(read("README.md").contains(&format!("```c\n{}```", read("examples/attach.c"))));
}

#[test]
fn every_function_stands_in_the_readme_and_in_the_changelog() {
    let (readme, changelog) = (read("README.md"), read("CHANGELOG.md"));
    for name in read("c-tests/exports.txt").lines() {
        let quoted = format!("`{name}`");
        assert!(readme.contains(&quoted) && changelog.contains(&quoted), "{name}");
    }
}

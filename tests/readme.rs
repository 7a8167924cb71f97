//! The programs in the README are those of the tree, and the guide to the functions and the changelog have all of them.

use std::fs::read_to_string;
use std::path::Path;

fn read(path: &str) -> String {
    read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// So `c-tests/first_programs.sh` compiles and runs them.
#[test]
fn the_programs_of_the_readme_are_the_examples() {
    let readme = read("README.md");
    for (language, example) in [("c", "examples/attach.c"), ("python", "examples/attach.py")] {
        assert!(readme.contains(&format!("```{language}\n{}```", read(example))), "{example}");
    }
}

#[test]
fn every_function_stands_in_its_guide_and_in_the_changelog() {
    let (guide, changelog) = (read("docs/from-iscardmanage.md"), read("CHANGELOG.md"));
    for name in read("c-tests/exports.txt").lines() {
        let quoted = format!("`{name}`");
        assert!(guide.contains(&quoted) && changelog.contains(&quoted), "{name}");
    }
}

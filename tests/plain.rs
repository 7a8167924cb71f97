//! The language of the tree, as far as a program can check it: lines end at 120 columns, and no sentence, no part of
//! one after a semicolon, and no name of a test begins with a question word as its subject ("Who waits asks again").

use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

const COLUMNS: usize = 120;
const EXTENSIONS: [&str; 11] = ["c", "cmake", "cpp", "h", "hpp", "in", "md", "py", "rs", "sh", "toml"];
const NAMES_WITHOUT_EXTENSION: [&str; 2] = ["CMakeLists.txt", "run"];
/// Results of builds, and other people's text.
const NOT_OURS: [&str; 4] = [".git", "build", "target", "corpus"];
/// Descriptions of cards are data: a response is one line.
const DATA: [&str; 1] = ["crates/card-families/families"];
/// Still to be rewritten.
const NOT_YET: [&str; 0] = [];

const QUESTION_WORDS: [&str; 6] = ["Who ", "Whoever ", "Whose ", "Whosoever ", "What ", "Whatever "];

#[test]
fn lines_end_at_120_columns() {
    assert_nothing(|file, line| {
        let is_table =
            file.extension().is_some_and(|extension| extension == "md") && line.trim_start().starts_with('|');
        line.chars().count() > COLUMNS && !line.contains("://") && !is_table
    });
}

#[test]
fn no_sentence_begins_with_a_question_word() {
    assert_nothing(|file, line| prose(file, line).is_some_and(has_question_word_as_subject));
}

#[test]
fn no_name_begins_with_a_question_word() {
    assert_nothing(|_, line| {
        let name = line.trim_start().strip_prefix("fn ").or(line.strip_prefix("static void "));
        name.is_some_and(|name| ["who_", "whoever_", "what_", "whatever_"].iter().any(|word| name.starts_with(word)))
    });
}

#[test]
fn the_checks_find_faults() {
    for wrong in [
        "Who waits asks again.",
        "A wait. What comes then is an error.",
        "Whoever has it: keep it.",
        "It ends; what comes is new.",
    ] {
        assert!(has_question_word_as_subject(wrong), "{wrong}");
    }
    for right in [
        "Who is it?",
        "The thread that waits asks again.",
        "Tells what is wrong. It ends.",
        "Whole lines.",
        "It is new; tell what it is.",
    ] {
        assert!(!has_question_word_as_subject(right), "{right}");
    }
    let part = |name: &str, line: &'static str| prose(Path::new(name), line);
    assert_eq!(part("a.rs", "    /// Words."), Some("Words."));
    assert_eq!(part("a.rs", "let what = 1; // Words."), Some("Words."));
    assert_eq!(part("a.rs", "let url = \"http://example.org\";"), None);
    assert_eq!(part("a.c", " * Words."), Some("Words."));
    assert_eq!(part("a.hpp", "/** Words. */"), Some("Words. */"));
    assert_eq!(part("a.cpp", "int what; // Words."), Some("Words."));
    assert_eq!(part("a.cpp", " * Words."), Some("Words."));
    assert_eq!(part("a.sh", "# Words."), Some("Words."));
    assert_eq!(part("a.md", "- Words."), Some("Words."));
}

/// Fails with all lines of the tree for which `is_wrong` holds.
fn assert_nothing(is_wrong: impl Fn(&Path, &str) -> bool) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    let files = files(root, root);
    assert!(files.len() > 100, "the tree was not found");
    for file in files {
        let text = read_to_string(&file).unwrap();
        let name = file.strip_prefix(root).unwrap();
        let lines = text.lines().enumerate().filter(|(_, line)| is_wrong(name, line));
        wrong.extend(lines.map(|(index, line)| format!("{}:{}: {}", name.display(), index + 1, line.trim())));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The text files of the project below `folder`.
fn files(root: &Path, folder: &Path) -> Vec<PathBuf> {
    let is_listed = |list: &[&str], path: &Path| list.iter().any(|part| path == root.join(part));
    let mut found = Vec::new();
    for path in read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if NOT_OURS.contains(&name) || is_listed(&DATA, &path) || is_listed(&NOT_YET, &path) {
            continue;
        } else if path.is_dir() {
            found.extend(files(root, &path));
        } else if extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
            || NAMES_WITHOUT_EXTENSION.contains(&name)
        {
            found.push(path);
        }
    }
    found
}

/// The comment in a line, or the line of a guide.
fn prose<'a>(file: &Path, line: &'a str) -> Option<&'a str> {
    let line = line.trim();
    let comment = match file.extension().and_then(|extension| extension.to_str()) {
        Some("md") => Some(line.trim_start_matches(['-', '|', '>'])),
        Some("rs") => {
            line.split_once("// ").or(line.split_once("//! ")).or(line.split_once("/// ")).map(|(_, text)| text)
        }
        Some("cpp" | "hpp") => {
            let block = line.split_once("/** ").or(line.split_once("/* ")).or(line.split_once("// "));
            block.map(|(_, text)| text).or(line.strip_prefix("* "))
        }
        Some("c" | "h") => line.split_once("/* ").map(|(_, text)| text).or(line.strip_prefix("* ")),
        _ => line.split_once("# ").map(|(_, text)| text),
    };
    comment.map(str::trim)
}

fn has_question_word_as_subject(text: &str) -> bool {
    let sentences = text.split_inclusive(['.', '?', ':', ';']).map(str::trim);
    let mut sentences = sentences.filter(|sentence| !sentence.ends_with('?'));
    let mut clauses = text.split(';').skip(1).filter(|clause| !clause.contains('?'));
    sentences.any(|sentence| {
        QUESTION_WORDS.iter().any(|word| sentence.trim_start_matches(['*', '#', ' ']).starts_with(word))
    }) || clauses.any(|clause| QUESTION_WORDS.iter().any(|word| clause.trim_start().starts_with(&word.to_lowercase())))
}

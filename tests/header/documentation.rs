//! The documentation of the headers: each function has its parameters, results, blocking, threads and relatives, and
//! every name exists.

use std::collections::BTreeSet;
use std::path::Path;

use crate::generator::generate;
use crate::naming::{is_object, parameters_of, structures};

/// The object of `scm_card.h`.
const CARD: &str = "scm_card";

/// A comment `/** ... */`, without its frame, and the declaration that follows.
struct Block {
    text: String,
    declaration: String,
}

/// A function with its comment and that of its group.
struct Function {
    name: String,
    parameters: Vec<(String, String)>,
    is_fallible: bool,
    is_void: bool,
    text: String,
    group: String,
}

/// All headers. That of the test card is written by hand, and has its own macro.
fn headers() -> String {
    let card = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/card/include/scm_card.h");
    let card = std::fs::read_to_string(card).unwrap().replace("SCM_CARD_API", "SCM_API");
    generate().into_iter().map(|(_, header)| header).chain([card]).collect()
}

fn blocks(headers: &str) -> Vec<Block> {
    let parts = headers.split("/**").skip(1).filter_map(|part| part.split_once("*/"));
    parts
        .map(|(comment, rest)| {
            let lines = comment.lines().map(|line| {
                let line = line.trim_start().trim_start_matches('*');
                line.strip_prefix(' ').unwrap_or(line).trim_end()
            });
            let declaration = rest.split("/*").next().unwrap().split(';').next().unwrap();
            Block {
                text: lines.collect::<Vec<_>>().join("\n"),
                declaration: declaration.split_whitespace().collect::<Vec<_>>().join(" "),
            }
        })
        .collect()
}

fn functions(blocks: &[Block]) -> Vec<Function> {
    let mut group = String::new();
    let mut found = Vec::new();
    for block in blocks {
        if block.text.contains("@defgroup") {
            group.clone_from(&block.text);
        }
        let prototype = block.declaration.strip_prefix("SCM_API ").and_then(|text| text.strip_suffix(')'));
        let Some((head, parameters)) = prototype.and_then(|text| text.split_once('(')) else { continue };
        found.push(Function {
            name: head.rsplit([' ', '*']).next().unwrap().to_string(),
            parameters: parameters_of(parameters),
            is_fallible: head.starts_with("scm_result "),
            is_void: head.starts_with("void "),
            text: block.text.clone(),
            group: group.clone(),
        });
    }
    found
}

/// The paragraphs of a comment.
fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").map(str::trim)
}

impl Function {
    /// The complaints about its comment.
    fn faults(&self, functions: &BTreeSet<&str>) -> Vec<String> {
        let faults = [self.parameters_fault(), self.return_fault(), self.blocking_fault(), self.threads_fault()];
        let faults = faults.into_iter().flatten().chain(self.see_fault(functions));
        faults.map(|fault| format!("{}: {fault}", self.name)).collect()
    }

    fn parameters_fault(&self) -> Option<String> {
        let documented: Vec<_> = self.text.split("@param ").skip(1).map(|part| part.split_once("  ")).collect();
        let described = documented.iter().flatten().filter(|(_, text)| !text.trim().is_empty()).count();
        let names: Vec<_> = documented.iter().flatten().map(|(name, _)| *name).collect();
        let expected: Vec<_> = self.parameters.iter().map(|(_, name)| name.as_str()).collect();
        if names != expected || described != expected.len() {
            return Some(format!("the parameters are {expected:?}, the documented ones {names:?}"));
        }
        let texts = documented.iter().flatten().map(|(_, text)| text);
        let wrong = self.parameters.iter().zip(texts).find(|((type_, name), text)| {
            let is_output = type_.ends_with("**")
                || type_.ends_with('*') && !type_.starts_with("const ") && name != "user_data" && !is_handle(type_);
            is_output != text.starts_with("[out]")
        });
        wrong.map(|((_, name), _)| format!("[out] is wrong at {name}"))
    }

    /// A function that can fail names its codes, or another function or the group that does.
    fn return_fault(&self) -> Option<String> {
        let parts: Vec<_> = self.text.split("@return").skip(1).collect();
        if parts.is_empty() && !self.is_void {
            return Some("no @return".into());
        }
        let is_named = |part: &&str| part.contains("`SCM_S_OK`") || part.trim_start().starts_with("as `scm_");
        (self.is_fallible && !parts.iter().any(is_named)).then(|| "no codes".into())
    }

    fn blocking_fault(&self) -> Option<String> {
        let own = self.text.split("@return").last().unwrap_or_default();
        let says =
            |text| ["Blocks ", "Does not block", "Never blocks"].iter().any(|begin| str::starts_with(text, begin));
        let by_group = paragraphs(&self.group).any(|text| text.starts_with("BLOCKING. "));
        (!by_group && !paragraphs(own).any(says)).then(|| "does not say whether it blocks".into())
    }

    fn threads_fault(&self) -> Option<String> {
        let by_group = paragraphs(&self.group).any(|text| text.starts_with("THREADS. "));
        (!by_group).then(|| "its group does not speak of threads".into())
    }

    /// The names after `@see` are other functions, each once.
    fn see_fault(&self, functions: &BTreeSet<&str>) -> Option<String> {
        let Some(list) = paragraphs(&self.text).last().and_then(|text| text.strip_prefix("@see ")) else {
            return Some("no @see at the end".into());
        };
        let names: Vec<_> = list.split(',').map(str::trim).collect();
        let mut seen = BTreeSet::new();
        let wrong =
            names.iter().find(|name| !functions.contains(**name) || **name == self.name || !seen.insert(**name));
        wrong.map(|name| format!("@see {name}"))
    }
}

fn is_handle(type_: &str) -> bool {
    type_.strip_suffix(" *").is_some_and(|name| is_object(name) || name == CARD)
}

/// The words in backticks that look like names of the interface.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|word| word.to_ascii_lowercase().starts_with("scm_") && !word.contains([' ', '*', '(', '|']))
}

/// The words of a text, for a search.
fn words(text: &str) -> BTreeSet<&str> {
    text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_').collect()
}

fn has_field(structure: &str, field: &str) -> bool {
    structures().iter().any(|(name, fields)| name == structure && fields.iter().any(|name| name == field))
}

/// The headers without their comments.
fn declarations(headers: &str) -> String {
    headers.split("/*").map(|part| part.split_once("*/").map_or(part, |(_, rest)| rest)).collect()
}

#[test]
fn every_function_is_documented() {
    let headers = headers();
    let functions = functions(&blocks(&headers));
    let prototypes =
        declarations(&headers).matches("SCM_API\n").count() + declarations(&headers).matches("SCM_API ").count();
    let (macros, data) = (6, 3);
    assert_eq!(functions.len() + macros + data, prototypes, "a function has no comment");
    let names = functions.iter().map(|function| function.name.as_str()).collect();
    let faults: Vec<_> = functions.iter().flat_map(|function| function.faults(&names)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_name_in_a_comment_exists() {
    let headers = headers();
    let declared = declarations(&headers);
    let declared = words(&declared);
    let texts: Vec<_> = blocks(&headers).into_iter().map(|block| block.text).collect();
    let unknown: BTreeSet<_> = texts
        .iter()
        .flat_map(|text| quoted(text))
        .filter(|name| *name != "SCM_LOG") // a variable of the environment
        .filter(|name| match name.split_once('.') {
            None => !declared.contains(name),
            Some((structure, field)) => !has_field(structure, field),
        })
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn every_file_in_a_comment_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let headers = headers();
    let files: Vec<_> = headers
        .split_whitespace()
        .map(|word| word.trim_end_matches(['.', ',', ';', ':']))
        .filter(|word| word.starts_with("docs/") || word.starts_with("examples/"))
        .collect();
    assert!(files.len() > 5);
    let missing: Vec<_> = files.iter().filter(|file| !root.join(file).is_file()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_group_has_an_example() {
    let blocks = blocks(&headers());
    let groups: Vec<_> = blocks.iter().filter(|block| block.text.contains("@defgroup")).collect();
    assert_eq!(groups.len(), 15);
    for group in groups {
        let example = group.text.split_once("@code").and_then(|(_, rest)| rest.split_once("@endcode"));
        let (example, _) = example.unwrap_or_else(|| panic!("no example: {}", group.text));
        assert!(example.contains("#include <scm.h>"), "{example}");
    }
}

#[test]
fn the_checks_find_faults() {
    let right = "Gets it.\n\n@param handle  the attachment\n@param size  [out] the size\n\n\
                 @return\n- `SCM_S_OK`: told.\n\nNever blocks.\n\n@see scm_b";
    let check = |text: &str, group: &str| {
        let function = Function {
            name: "scm_a".into(),
            parameters: parameters_of("scm_handle *handle, size_t *size"),
            is_fallible: true,
            is_void: false,
            text: text.into(),
            group: group.into(),
        };
        function.faults(&BTreeSet::from(["scm_a", "scm_b"])).len()
    };
    let group = "A group.\n\nTHREADS. Any thread.";
    assert_eq!(check(right, group), 0);
    assert_eq!(check(right, "A group."), 1);
    for (old, new) in [
        ("@param handle  the attachment\n", ""),
        ("  [out] the size", "  the size"),
        ("handle  the attachment", "handle  [out] the attachment"),
        ("handle  the attachment", "handle  "),
        ("@param size", "@param sizes"),
        ("@return\n", "Returns\n"),
        ("`SCM_S_OK`", "a code"),
        ("Never blocks", "Fast"),
        ("@see scm_b", ""),
        ("@see scm_b", "@see scm_c"),
        ("@see scm_b", "@see scm_a"),
        ("@see scm_b", "@see scm_b, scm_b"),
    ] {
        assert!(right.contains(old));
        assert!(check(&right.replace(old, new), group) > 0, "{new}");
    }
    assert!(has_field("scm_command", "cla") && !has_field("scm_command", "create_object"));
    assert_eq!(quoted("`scm_a` and `SCM_B`, not `x` or `SCM_A | 1`").collect::<Vec<_>>(), ["scm_a", "SCM_B"]);
    assert_eq!(check(&right.replace("Never blocks.", ""), &format!("{group}\n\nBLOCKING. As long as.")), 0);
}

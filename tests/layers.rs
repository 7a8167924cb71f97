//! The layers of the library: `src/lib.rs` lists them from top to bottom, and each of them uses only those below it.

use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

/// It feeds single parts of the library with fuzzed inputs, and so is above all of them.
const ABOVE: &str = "fuzzing";

#[test]
fn arrows_go_down_only() {
    let layers = layers();
    let place = |name: &str| layers.iter().position(|layer| layer == name);
    let mut wrong = Vec::new();
    for file in files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) {
        let module = file.iter().nth_back(depth(&file) - 1).and_then(|name| Path::new(name).file_stem()).unwrap();
        let module = module.to_str().unwrap();
        // The tests of a layer may use any layer.
        let is_test = file.iter().any(|part| part == "tests" || part == "tests.rs");
        if ["lib", ABOVE].contains(&module) || is_test {
            continue;
        }
        let Some(own) = place(module) else {
            wrong.push(format!("{module} is no layer"));
            continue;
        };
        for used in uses(&read_to_string(&file).unwrap()) {
            if place(&used).is_none_or(|used| used < own) {
                wrong.push(format!("{} uses {used}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_layer_is_there() {
    let source = read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs")).unwrap();
    let declared = source.lines().filter_map(|line| line.split_once("mod ")?.1.strip_suffix(';'));
    let mut declared: Vec<_> = declared.filter(|name| *name != ABOVE).map(String::from).collect();
    let mut listed = layers();
    declared.sort();
    listed.sort();
    assert_eq!(declared, listed);
}

/// The names in the list of `src/lib.rs`.
fn layers() -> Vec<String> {
    let source = read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs")).unwrap();
    let names = source.lines().filter_map(|line| line.strip_prefix("//! - `")?.split_once('`'));
    names.map(|(name, _)| name.to_string()).collect()
}

/// A port to another platform changes these folders.
#[test]
fn platforms_have_their_folders() {
    let own = ["/src/resource_manager/pcsc", "/src/runtime/platform"];
    let words = ["target_os", "target_env", "target_vendor", "target_family", "std::os::", "pcsc::ffi"];
    let is_of_platform = |source: &str| words.iter().any(|word| source.contains(word)) || has_platform_cfg(source);
    let wrong = |(name, source): &(String, String)| !own.iter().any(|own| name.contains(own)) && is_of_platform(source);
    let wrong: Vec<_> = library().into_iter().filter(wrong).map(|(name, _)| name).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether a condition of a source names `unix` or `windows`.
fn has_platform_cfg(source: &str) -> bool {
    let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let conditions = source.split("cfg").skip(1).filter_map(|rest| rest.lines().next());
    let conditions = conditions.filter(|rest| ["(", "!(", "_attr("].iter().any(|begin| rest.starts_with(begin)));
    let mut names = conditions.flat_map(|rest| rest.split(|character| !is_name(character)));
    names.any(|name| ["unix", "windows"].contains(&name))
}

#[test]
fn conditions_of_platforms_are_found() {
    let found =
        ["#[cfg(unix)]", "#[cfg(any(test, not(windows)))]", "if cfg!(windows) {", "#[cfg_attr(unix, path = \"a\")]"];
    assert!(found.into_iter().all(has_platform_cfg));
    let others = ["#[cfg(test)]\nmod unix;", "let cfg = unix;", "#[cfg(unixes)]"];
    assert!(!others.into_iter().any(has_platform_cfg));
}

/// Only the files in the list of `CONTRIBUTING.md` have `unsafe`.
#[test]
fn unsafe_has_its_files() {
    let guide = read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/CONTRIBUTING.md")).unwrap();
    let rule = guide.split_once("`unsafe` appears only in ").unwrap().1.split_once(". ").unwrap().0;
    let listed: Vec<_> = rule.split('`').skip(1).step_by(2).map(|name| format!("/src/{name}")).collect();
    let begins = |name: &str, own: &str| {
        name.split_once(own).is_some_and(|(_, rest)| rest.is_empty() || rest.starts_with(['/', '.']))
    };
    let sources: Vec<_> = library().into_iter().filter(|(_, source)| has_unsafe(source)).collect();
    for (name, _) in &sources {
        assert!(listed.iter().any(|own| begins(name, own)), "{name} has unsafe code, and is not listed");
    }
    for own in &listed {
        assert!(sources.iter().any(|(name, _)| begins(name, own)), "{own} is listed, and has no unsafe code");
    }
}

fn has_unsafe(source: &str) -> bool {
    let forms = ["unsafe {", "unsafe impl", "unsafe fn", "unsafe extern", "unsafe("];
    let mut code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.any(|line| forms.iter().any(|form| line.contains(form)))
}

/// The name and the source of each file of the library, without its tests.
fn library() -> Vec<(String, String)> {
    let sources = files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))).into_iter().map(|file| {
        let source = read_to_string(&file).unwrap();
        let name = file.to_str().unwrap().replace('\\', "/");
        (name, source.split("#[cfg(test)]\nmod tests {").next().unwrap().to_string())
    });
    let is_test =
        |name: &str| ["/tests", "/loopback", "/fuzzing", "/exhaustive"].iter().any(|part| name.contains(part));
    sources.filter(|(name, _)| !is_test(name)).collect()
}

/// A port to another resource manager changes one folder, and a line in `managers`. (The folder `pcsc` is private.) The
/// functions for programs with virtual readers are in the files `virtual_*` of `capi`, their handles in the table.
#[test]
fn a_resource_manager_is_known_to_its_folder_and_the_list() {
    let own = ["/src/resource_manager", "/src/capi/virtual_", "/src/handles/process.rs"];
    let mut wrong = Vec::new();
    for file in files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) {
        let source = read_to_string(&file).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap();
        let name = file.to_str().unwrap().replace('\\', "/");
        let names = ["resource_manager::pcsc", "resource_manager::r#virtual", "resource_manager::loopback"];
        let is_test = name.contains("/tests") || name.contains("/fuzzing");
        if !is_test && !own.iter().any(|own| name.contains(own)) && names.iter().any(|own| source.contains(own)) {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The number of parts of the path after `src`.
fn depth(file: &Path) -> usize {
    file.iter().rev().position(|part| part == "src").unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The modules of the crate that a source names, one by one or as a group.
fn uses(source: &str) -> Vec<String> {
    let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut used = Vec::new();
    for rest in source.split("crate::").skip(1) {
        assert!(!rest.starts_with('{'), "a group of the crate's own modules is not read here");
        used.push(rest.split(|character| !is_name(character)).next().unwrap().to_string());
    }
    used
}

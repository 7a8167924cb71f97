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
    let of_platforms = ["target_os", "target_env", "target_vendor", "cfg!(windows)", "cfg(windows)", "pcsc::ffi"];
    let mut wrong = Vec::new();
    for file in files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) {
        let source = read_to_string(&file).unwrap();
        let name = file.to_str().unwrap().replace('\\', "/");
        if !own.iter().any(|own| name.contains(own)) && of_platforms.iter().any(|word| source.contains(word)) {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A port to another resource manager changes one folder, and a line in `managers`. (The folder `pcsc` is private.) The
/// functions for programs with virtual readers are in one file of `capi`, and their handles in the table.
#[test]
fn a_resource_manager_is_known_to_its_folder_and_the_list() {
    let own = ["/src/resource_manager", "/src/capi/virtual_ifd", "/src/handles/process.rs"];
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

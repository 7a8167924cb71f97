//! The header declares what the library exports, and compiles alone as C and as C++.

use std::fs;
use std::path::Path;
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

/// The names after each `marker` in `text`.
fn names<'a>(text: &'a str, marker: &str) -> Vec<&'a str> {
    let rest = text.split(marker).skip(1);
    rest.filter_map(|rest| rest.split('(').next()).filter(|name| name.starts_with("scm_card_")).collect()
}

#[test]
fn the_header_declares_what_the_library_exports() {
    let (header, source) = (read("include/scm_card.h"), read("src/capi.rs"));
    let exported = names(&source, "pub unsafe extern \"C\" fn ");
    let mut declared = names(&header, "SCM_CARD_API scm_result ");
    declared.extend(names(&header, "SCM_CARD_API void "));
    let sorted = |mut names: Vec<&str>| {
        names.sort_unstable();
        names.join(" ")
    };
    assert_eq!(exported.len(), 9);
    assert_eq!(sorted(exported), sorted(declared));
}

#[test]
fn the_header_compiles_alone() {
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scm_card_header.c");
    fs::write(&source, "#include \"scm_card.h\"\n").unwrap();
    for (compiler, language, standards) in
        [("cc", "c", ["c99", "c11", "c17"]), ("c++", "c++", ["c++11", "c++17", "c++20"])]
    {
        for standard in standards {
            let includes = [format!("-I{ROOT}/include"), format!("-I{ROOT}/../../include")];
            let status = Command::new(compiler)
                .args([&format!("-std={standard}"), "-x", language])
                .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"])
                .args(includes)
                .arg(&source)
                .status();
            assert!(status.unwrap().success(), "{compiler} -std={standard}");
        }
    }
}

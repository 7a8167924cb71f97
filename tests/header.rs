//! `include/scm.h` is what cbindgen makes of the source, and the version in it is the version of the crate.

use std::fmt::Write;
use std::path::Path;

use scm::abi::hresult::CODES;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn version_macros() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut text = String::from("\n/** The version of this header; `scm_version` is that of the library. */\n");
    for (part, number) in ["MAJOR", "MINOR", "PATCH"].iter().zip(version.split('.')) {
        writeln!(text, "#define SCM_VERSION_{part} {number}").unwrap();
    }
    writeln!(text, "#define SCM_VERSION \"{version}\"").unwrap();
    text
}

/// cbindgen writes a code as an expression without parentheses, so the codes come straight from their table.
fn code_macros() -> String {
    let mut text = String::from("\n/* The codes. */\n");
    for code in CODES {
        let (name, message) = (code.name.to_str().unwrap(), code.message.to_str().unwrap());
        writeln!(text, "/** {message} */\n#define {name} ((scm_result)0x{:08X})", code.value.0).unwrap();
    }
    text
}

fn generate() -> String {
    let root = Path::new(ROOT);
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap();
    let fixed = config.after_includes.take().unwrap();
    config.after_includes = Some(fixed + &version_macros() + &code_macros());
    let bindings = cbindgen::Builder::new().with_crate(root).with_config(config).generate().unwrap();
    let mut header = Vec::new();
    bindings.write(&mut header);
    String::from_utf8(header).unwrap()
}

#[test]
fn the_committed_header_is_up_to_date() {
    let path = Path::new(ROOT).join("include/scm.h");
    let generated = generate();
    if std::env::var_os("SCM_WRITE_HEADER").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(committed == generated, "run: SCM_WRITE_HEADER=1 cargo test --test header");
}

#[test]
fn every_name_is_ours() {
    let header = generate();
    let macros = header.lines().filter_map(|line| line.strip_prefix("#define "));
    // The last word, or what is in the first parentheses: a pointer to a function.
    let types = header.lines().filter_map(|line| {
        let line = line.strip_prefix("typedef ")?;
        let function = line.split_once("(*").map(|(_, name)| name);
        function.or(line.rsplit(' ').next().filter(|name| name.ends_with(';')))
    });
    for name in macros.chain(types) {
        assert!(name.to_ascii_lowercase().starts_with("scm_"), "{name}");
    }
}

//! The generator writes the headers from the source and from templates. The committed headers must be equal, and follow
//! the rules of `docs/naming.md`. Every function is documented.

mod documentation;
mod generator;
mod naming;

use std::path::Path;

use generator::generate;

#[test]
fn the_committed_headers_are_up_to_date() {
    for (name, generated) in generate() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include").join(name);
        if std::env::var_os("SCM_WRITE_HEADER").is_some() {
            std::fs::write(&path, &generated).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == generated, "{name} is out of date; run: SCM_WRITE_HEADER=1 cargo test --test header");
    }
}

#[test]
fn every_name_begins_with_scm() {
    for (_, header) in generate() {
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
}

#[test]
fn no_line_is_longer_than_120_columns() {
    for (name, header) in generate() {
        let long: Vec<_> = header.lines().filter(|line| line.len() > 120).collect();
        assert!(long.is_empty(), "{name}: {long:#?}");
    }
}

//! Writes the headers of `include/`: the template `NAME.in` has the order, the Rust source has everything else.
//!
//! A line of a template that begins with `@` is replaced:
//! - `@items NAME...`: types, functions and data, as cbindgen writes them
//! - `@enum NAME...`, `@flags NAME...`: constants that fit an `int`, as enumerators in decimal or hexadecimal
//! - `@macros NAME...`: constants that do not fit an `int`, and versions, which `#if` has to read
//! - `@codes`: the results
//! - `@version`: the version of the crate
//! - `@ifdef`: a macro for each enumerator of this header, so that `#ifdef` sees it

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use scm::abi::hresult::CODES;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const LINE: usize = 120;

/// The headers, in the order of learning.
pub const HEADERS: [&str; 3] = ["scm.h", "scm_virtual.h", "scm_provider.h"];

/// The output of cbindgen for one type, function, datum or constant.
struct Item {
    /// The lines of the comment without its frame.
    doc: Vec<String>,
    declaration: String,
    /// The number of places in the templates.
    places: usize,
}

type Items = BTreeMap<String, Item>;

/// The text of each header.
pub fn generate() -> Vec<(&'static str, String)> {
    let mut items = items();
    let headers = HEADERS.map(|name| (name, fill(name, &mut items)));
    let misplaced: Vec<_> = items.iter().filter(|(_, item)| item.places != 1).map(|(name, _)| name).collect();
    assert!(misplaced.is_empty(), "not placed exactly once by include/*.in: {misplaced:?}");
    headers.into()
}

/// Everything that cbindgen finds in the source, by name.
fn items() -> Items {
    let root = Path::new(ROOT);
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap();
    let bindings = cbindgen::Builder::new().with_crate(root).with_config(config).generate().unwrap();
    let mut text = Vec::new();
    bindings.write(&mut text);
    let text = String::from_utf8(text).unwrap();
    // Comments and declarations have no empty line of their own.
    text.split("\n\n").map(str::trim).filter(|block| !block.is_empty()).map(item).collect()
}

fn item(block: &str) -> (String, Item) {
    let (doc, declaration) = match block.strip_prefix("/**\n") {
        Some(rest) => rest.split_once("\n */\n").unwrap(),
        None => ("", block),
    };
    let doc = doc.lines().map(|line| without_star(line).to_string()).collect();
    let declaration = without_struct(declaration);
    (name(&declaration), Item { doc, declaration, places: 0 })
}

/// A line of a comment without ` * `. It keeps an indentation of its own.
fn without_star(line: &str) -> &str {
    let line = line.trim_start().trim_start_matches('*');
    line.strip_prefix(' ').unwrap_or(line)
}

/// The declared name, before the value, the parameters or the semicolon.
fn name(declaration: &str) -> String {
    let end = if let Some(rest) = declaration.strip_prefix("#define ") {
        return rest.split(' ').next().unwrap().to_string();
    } else if declaration.starts_with("typedef struct") {
        declaration.len() - 1
    } else {
        let start = declaration.find("(*").map_or(0, |at| at + 2);
        start + declaration[start..].find(['(', ')', ';']).unwrap()
    };
    let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    declaration[..end].rsplit(|character| !is_name(character)).next().unwrap().to_string()
}

/// A type has one name in the header, its typedef; cbindgen writes `struct` in front of it.
fn without_struct(declaration: &str) -> String {
    let lines = declaration.lines().map(|line| match line.strip_prefix("typedef struct ") {
        Some(_) => line.to_string(),
        None => line.replace("struct scm_", "scm_"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn fill(header: &str, items: &mut Items) -> String {
    let path = Path::new(ROOT).join("include").join(header).with_extension("h.in");
    let template = std::fs::read_to_string(path).unwrap();
    let (mut text, mut enumerators) = (String::new(), Vec::new());
    for line in lines(&template) {
        let mut words = line.split(' ');
        let names = words.clone().skip(1);
        let part = match words.next().filter(|word| word.starts_with('@')) {
            None => line.to_string(),
            Some("@items") => names.map(|name| print(take(items, name))).collect::<Vec<_>>().join("\n\n"),
            Some("@macros") => names.map(|name| numeric_macro(name, take(items, name))).collect::<Vec<_>>().join("\n"),
            Some("@enum") => enumeration(names.map(|name| constant(name, take(items, name), false)), &mut enumerators),
            Some("@flags") => enumeration(names.map(|name| constant(name, take(items, name), true)), &mut enumerators),
            Some("@codes") => enumeration(codes(), &mut enumerators),
            Some("@version") => version(),
            Some("@ifdef") => ifdef(&enumerators),
            Some(word) => panic!("{header}: {word} is not a directive"),
        };
        text.push_str(&part);
        text.push('\n');
    }
    text
}

/// The lines of a template. A backslash continues a directive.
fn lines(template: &str) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    for line in template.lines() {
        match joined.last_mut().filter(|last| last.starts_with('@') && last.ends_with('\\')) {
            Some(last) => *last = format!("{} {}", last.trim_end_matches('\\').trim_end(), line.trim_start()),
            None => joined.push(line.to_string()),
        }
    }
    joined
}

fn take<'a>(items: &'a mut Items, name: &str) -> &'a Item {
    let item = items.get_mut(name).unwrap_or_else(|| panic!("{name} is not in the source"));
    item.places += 1;
    item
}

fn print(item: &Item) -> String {
    let exported = if item.declaration.starts_with("extern ") { "SCM_API " } else { "" };
    format!("{}{exported}{}", comment(&item.doc, ""), short_comments(&item.declaration))
}

/// A comment, on one line if it fits.
fn comment(doc: &[String], indent: &str) -> String {
    match doc {
        [] => String::new(),
        [line] if indent.len() + line.len() + 7 <= LINE => format!("{indent}/** {line} */\n"),
        lines => {
            let lines = lines.iter().map(|line| format!("{indent} * {line}").trim_end().to_string() + "\n");
            format!("{indent}/**\n{}{indent} */\n", lines.collect::<String>())
        }
    }
}

/// A declaration whose fields have comments as `comment` writes them.
fn short_comments(declaration: &str) -> String {
    let (mut text, mut doc) = (String::new(), None::<Vec<String>>);
    for line in declaration.lines() {
        let indent = &line[..line.len() - line.trim_start().len()];
        match (line.trim(), &mut doc) {
            ("/**", _) => doc = Some(Vec::new()),
            ("*/", Some(lines)) => {
                // The last line of the frame is one column further to the right than the first.
                text.push_str(&comment(lines, &indent[1..]));
                doc = None;
            }
            (rest, Some(lines)) => lines.push(without_star(rest).to_string()),
            (_, None) => writeln!(text, "{line}").unwrap(),
        }
    }
    text.trim_end().to_string()
}

/// A constant as a macro: `#define NAME 1`, or `#define NAME 0xFFFFFFFFU` if it does not fit an `int`.
fn numeric_macro(name: &str, item: &Item) -> String {
    let value = value(item);
    let number = if i32::try_from(value).is_ok() { value.to_string() } else { format!("0x{value:08X}U") };
    format!("{}#define {name} {number}", comment(&item.doc, ""))
}

fn value(item: &Item) -> i64 {
    let value = item.declaration.rsplit(' ').next().unwrap();
    value.parse().unwrap_or_else(|_| panic!("{} is not a number", item.declaration))
}

/// An enumerator with its comment.
struct Enumerator {
    name: String,
    text: String,
}

fn constant(name: &str, item: &Item, is_flag: bool) -> Enumerator {
    let value = value(item);
    assert!(i32::try_from(value).is_ok(), "{name} does not fit an int");
    let value = if is_flag { format!("0x{value:X}") } else { value.to_string() };
    Enumerator { name: name.into(), text: format!("{}    {name} = {value},\n", comment(&item.doc, "    ")) }
}

/// The results, in decimal, because parsers of other languages read a hexadecimal number of 32 bits as unsigned.
fn codes() -> impl Iterator<Item = Enumerator> {
    CODES.iter().map(|code| {
        let (name, message, value) = (code.name.to_str().unwrap(), code.message.to_str().unwrap(), code.value.0);
        let doc = [format!("0x{value:08X}: {message}")];
        Enumerator { name: name.into(), text: format!("{}    {name} = {value},\n", comment(&doc, "    ")) }
    })
}

fn enumeration(of: impl Iterator<Item = Enumerator>, names: &mut Vec<String>) -> String {
    let mut text = String::from("enum {\n");
    for enumerator in of {
        text.push_str(&enumerator.text);
        names.push(enumerator.name);
    }
    // C89 allows no comma after the last one.
    let last = text.rfind(',').unwrap();
    text.replace_range(last..=last, "");
    text + "};"
}

fn ifdef(names: &[String]) -> String {
    names.iter().map(|name| format!("#define {name} {name}")).collect::<Vec<_>>().join("\n")
}

/// Macros, because `#if` compares versions.
fn version() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut text = String::new();
    for (part, number) in ["MAJOR", "MINOR", "PATCH"].iter().zip(version.split('.')) {
        let word = part.to_lowercase();
        writeln!(text, "/** The {word} version of this header. */\n#define SCM_VERSION_{part} {number}").unwrap();
    }
    text.push_str("/** The version of this header, as a text; `scm_version` is that of the library. */\n");
    text + &format!("#define SCM_VERSION \"{version}\"")
}

//! The documentation of `include/scm.hpp`: a function that names its function of C ("As scm_transmit") also says each
//! of its parameters, and how long it takes.

use std::fs::read_to_string;
use std::path::Path;

fn header() -> String {
    read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("include/scm.hpp")).unwrap()
}

/// Each comment with the code behind it, up to the next one.
fn documented(header: &str) -> impl Iterator<Item = (&str, &str)> {
    header.split("/**").skip(1).filter_map(|part| part.split_once("*/"))
}

/// The names in the first parentheses, without the place for the failure.
fn parameters(code: &str) -> Vec<String> {
    let mut depth = 0;
    let mut list = vec![String::new()];
    for letter in code.chars().skip_while(|letter| *letter != '(') {
        depth += i32::from("([{<".contains(letter)) - i32::from(")]}>".contains(letter));
        match letter {
            _ if depth == 0 => break,
            ',' if depth == 1 => list.push(String::new()),
            _ => list.last_mut().unwrap().push(letter),
        }
    }
    let name = |parameter: String| {
        let declared = parameter.split('=').next().unwrap();
        let is_of_name = |letter: char| letter.is_alphanumeric() || letter == '_';
        declared.rsplit(|letter| !is_of_name(letter)).find(|word| !word.is_empty()).map(str::to_owned)
    };
    list.into_iter().filter_map(name).filter(|name| name != "errors").collect()
}

#[test]
fn each_function_says_its_parameters_and_how_long_it_takes() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for (comment, code) in documented(&header()) {
        let Some((_, function)) = comment.split_once("As scm_").filter(|_| !comment.contains("@code")) else {
            continue;
        };
        count += 1;
        let place = format!(
            "{} ({})",
            code.lines().nth(1).unwrap_or_default().trim(),
            function.split(['.', ' ', '\n']).next().unwrap_or_default()
        );
        if !comment.to_lowercase().contains("block") {
            wrong.push(format!("{place}: how long it takes"));
        }
        let names = parameters(code);
        let said: Vec<_> = comment.split("@param ").skip(1).filter_map(|text| text.split_whitespace().next()).collect();
        if said != names {
            wrong.push(format!("{place}: has the parameters {names:?}, and says {said:?}"));
        }
    }
    assert!(count > 90, "only {count} functions were found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_check_finds_parameters() {
    let code =
        "\n    buffer transmit(bytes command, std::function<int(int, int)> call = {}, report errors = {}) const\n";
    assert_eq!(parameters(code), ["command", "call"]);
    assert_eq!(parameters("void lock(report errors = {})"), [""; 0]);
}

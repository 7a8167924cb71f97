//! The rules of `docs/naming.md`.

use std::sync::LazyLock;

use crate::generator::generate;

/// The first words of functions, after the name of the object.
const VERBS: &[&str] = &[
    "attach",
    "cancel",
    "change",
    "check",
    "clear",
    "close",
    "control",
    "create",
    "deactivate",
    "delete",
    "destroy",
    "detach",
    "fail",
    "get",
    "insert",
    "invalidate",
    "list",
    "lock",
    "open",
    "read",
    "reconnect",
    "register",
    "rehabilitate",
    "release",
    "remove",
    "reset",
    "resolve",
    "seek",
    "send",
    "set",
    "start",
    "stop",
    "tell",
    "transmit",
    "unblock",
    "unlock",
    "unregister",
    "verify",
    "wait",
    "write",
    "directory",
];

/// Functions that return a value, and names of the reference that are nouns.
const NOUNS: [&str; 10] = [
    "scm_version",
    "scm_abi_version",
    "scm_result_name",
    "scm_result_message",
    "scm_ctl_code",
    "scm_status",
    "scm_card_auth_app_auth",
    "scm_card_auth_icc_auth",
    "scm_card_auth_user_auth",
    "scm_file_access_directory",
];

struct Function {
    name: String,
    /// Type and name of each.
    parameters: Vec<(String, String)>,
}

impl Function {
    fn object(&self) -> Option<&str> {
        let (type_, _) = self.parameters.first()?;
        type_.strip_suffix(" *").filter(|type_| is_object(type_))
    }
}

/// The headers without comments and macros, with one space between words.
static DECLARATIONS: LazyLock<String> = LazyLock::new(declarations);

fn declarations() -> String {
    let headers: String = generate().into_iter().map(|(_, header)| header).collect();
    let mut text = String::new();
    let mut rest = headers.as_str();
    while let Some((before, comment)) = rest.split_once("/*") {
        text.push_str(before);
        rest = comment.split_once("*/").unwrap().1;
    }
    text.push_str(rest);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

fn functions() -> Vec<Function> {
    let text = &*DECLARATIONS;
    let prototypes = text.split(';').filter_map(|part| part.split_once("SCM_API ")?.1.strip_suffix(')'));
    prototypes.map(|prototype| function(prototype.split_once('(').unwrap())).collect()
}

fn function((head, parameters): (&str, &str)) -> Function {
    let name = head.rsplit([' ', '*']).next().unwrap().to_string();
    Function { name, parameters: parameters_of(parameters) }
}

pub fn parameters_of(text: &str) -> Vec<(String, String)> {
    let parameters = text.split(", ").filter(|text| *text != "void");
    parameters
        .map(|text| {
            let at = text.rfind([' ', '*']).unwrap() + 1;
            (text[..at].to_string().trim_end().to_string(), text[at..].to_string())
        })
        .collect()
}

/// The parameters of functions, and of the functions that tables and options point to.
fn all_parameters() -> Vec<(String, Vec<(String, String)>)> {
    let text = &*DECLARATIONS;
    let pointers = text.split("(*").skip(1).map(|part| {
        let (name, rest) = part.split_once(")(").unwrap();
        (name.to_string(), parameters_of(rest.split_once(')').unwrap().0))
    });
    functions().into_iter().map(|function| (function.name, function.parameters)).chain(pointers).collect()
}

pub fn is_object(type_: &str) -> bool {
    DECLARATIONS.contains(&format!("typedef struct {type_} {type_};"))
}

/// The fields of each structure.
pub fn structures() -> Vec<(String, Vec<String>)> {
    let text = &*DECLARATIONS;
    let bodies = text.split("typedef struct ").skip(1).filter_map(|part| part.split_once(" {"));
    bodies
        .filter(|(name, _)| !name.contains(';'))
        .map(|(name, rest)| {
            let body = rest.split_once('}').unwrap().0;
            let field = |text: &str| {
                let pointer = text.split_once("(*").map(|(_, name)| name.split_once(')').unwrap().0);
                let plain = text.split('[').next().unwrap().rsplit([' ', '*']).next().unwrap();
                pointer.unwrap_or(plain).to_string()
            };
            (name.to_string(), body.split(';').map(str::trim).filter(|text| !text.is_empty()).map(field).collect())
        })
        .collect()
}

#[test]
fn the_headers_are_understood() {
    assert!(functions().len() > 70 && structures().len() > 10 && all_parameters().len() > 100);
    assert!(is_object("scm_handle") && !is_object("scm_command"));
}

#[test]
fn a_function_is_named_after_its_object_and_its_verb() {
    for function in functions() {
        let name = function.name.trim_end_matches("_ex");
        let object = match function.object() {
            None | Some("scm_handle") => ["scm_monitor_", "scm_virtual_ifd_", "scm_virtual_service_"]
                .into_iter()
                .find(|prefix| name.starts_with(prefix))
                .unwrap_or("scm_")
                .to_string(),
            Some(object) => format!("{object}_"),
        };
        let verb = name.strip_prefix(&object).unwrap_or_else(|| panic!("{name} is not named after {object}"));
        let verb = verb.split('_').next().unwrap();
        assert!(VERBS.contains(&verb) || NOUNS.contains(&name), "{name} has no verb");
    }
}

#[test]
fn every_maker_has_an_end() {
    let functions = functions();
    let has = |name: &str| functions.iter().any(|function| function.name == name);
    for function in &functions {
        let name = function.name.trim_end_matches("_ex");
        let end = match name.strip_prefix("scm_").unwrap() {
            "create_interface" => "scm_interface_release".to_string(),
            "lock" => "scm_unlock".to_string(),
            name if name.starts_with("attach_by") => "scm_detach".to_string(),
            name if name.starts_with("create_") => format!("scm_{}_release", &name[7..]),
            name if name.starts_with("register_") && name.ends_with("_provider") => {
                "scm_unregister_provider".to_string()
            }
            name if name.starts_with("register_") => format!("scm_un{name}"),
            "file_access_open" => "scm_file_close".to_string(),
            // Makes a file on the card.
            "file_access_create" => continue,
            name if name.ends_with("_create") => format!("scm_{}_destroy", &name[..name.len() - 7]),
            name if name.ends_with("_insert") => format!("scm_{}_remove", &name[..name.len() - 7]),
            name if name.ends_with("_stop") => format!("scm_{}_start", &name[..name.len() - 5]),
            _ => continue,
        };
        assert!(has(&end), "{name} has no {end}");
    }
}

#[test]
fn a_long_form_has_a_short_one() {
    let functions = functions();
    for function in &functions {
        if let Some(short) = function.name.strip_suffix("_ex") {
            assert!(functions.iter().any(|function| function.name == short), "{short}");
        }
    }
}

#[test]
fn a_length_is_named_after_its_bytes() {
    for (function, parameters) in all_parameters() {
        for (at, (type_, name)) in parameters.iter().enumerate() {
            let next = parameters.get(at + 1).map(|(_, name)| name.as_str());
            if name == "capacity" {
                let buffer = &parameters[at - 1].1;
                assert_eq!(next, Some(format!("{buffer}_length").as_str()), "{function}");
            }
            if type_ == "const uint8_t *" {
                assert_eq!(next, Some(format!("{name}_length").as_str()), "{function}");
            }
        }
    }
}

/// Read keeps the order of the reference: its flags come last.
const READ: [&str; 2] = ["scm_file_read", "read"];

#[test]
fn inputs_come_before_outputs() {
    for (function, parameters) in all_parameters() {
        let is_output = |(type_, name): &(String, String)| {
            let is_object = type_.strip_suffix(" *").is_some_and(is_object);
            let is_given = is_object || ["user_data", "caller_user_data", "object", "file"].contains(&name.as_str());
            type_.ends_with("**") || type_.ends_with('*') && !type_.starts_with("const ") && !is_given
        };
        // A buffer is followed by its capacity, which is an input.
        let kinds: Vec<_> = parameters.iter().filter(|(_, name)| name != "capacity").map(is_output).collect();
        assert!(kinds.is_sorted() || READ.contains(&function.as_str()), "{function}");
    }
}

#[test]
fn times_and_user_data_have_one_name() {
    for (function, parameters) in all_parameters() {
        for (type_, name) in parameters {
            assert!(!name.ends_with("_ms") || name == "timeout_ms", "{function}: {name}");
            let is_data = ["user_data", "caller_user_data", "object", "file"].contains(&name.as_str());
            assert!(type_ != "void *" || is_data, "{function}: {name}");
        }
    }
    for (structure, fields) in structures() {
        for field in fields {
            assert!(field != "timeout_ms" && field != "user", "{structure}.{field}");
            let is_time = ["_s", "_us", "_ns", "_seconds", "timeout", "limit"].iter().any(|end| field.ends_with(end));
            assert!(!is_time, "{structure}.{field} is a time in another unit, or without one");
        }
    }
}

#[test]
fn a_structure_that_grows_has_an_initialiser() {
    let headers: String = generate().into_iter().map(|(_, header)| header).collect();
    for (structure, fields) in structures() {
        let initialiser = format!("#define {}_INIT ", structure.to_uppercase());
        let grows = fields[0] == "struct_size";
        assert_eq!(headers.contains(&initialiser), grows, "{structure}");
        assert!(fields.iter().skip(1).all(|field| field != "struct_size"), "{structure}");
    }
}

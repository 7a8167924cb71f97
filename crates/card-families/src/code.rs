//! The codes of libscm, by name.

use scm::abi::hresult::{CODES, scm_result};

/// A code without SCM_, or without SCM_SCARD_, in front.
pub fn find(name: &str) -> Option<scm_result> {
    let called = |name: String| CODES.iter().find(|code| code.name.to_str() == Ok(&name));
    called(format!("SCM_{name}")).or_else(|| called(format!("SCM_SCARD_{name}"))).map(|code| code.value.0)
}

pub fn name(value: scm_result) -> String {
    match CODES.iter().find(|code| code.value.0 == value) {
        Some(code) => code.name.to_string_lossy().trim_start_matches("SCM_").trim_start_matches("SCARD_").into(),
        None => format!("{value:08X}"),
    }
}

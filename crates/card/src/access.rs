//! Access rules: the condition of each operation on a file (ISO/IEC 7816-4, 9.3).

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// The operation of a command on a file, a data object, or reference data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    Read,
    Update,
    Write,
    Append,
    Erase,
    Delete,
    Activate,
    Deactivate,
    /// Creates a file in this DF.
    Create,
    /// Creates a data object in this DF.
    Put,
}

/// The access rules of one file. An operation without its own condition has that of `other`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Access {
    pub read: Option<Condition>,
    pub update: Option<Condition>,
    pub write: Option<Condition>,
    pub append: Option<Condition>,
    pub erase: Option<Condition>,
    pub delete: Option<Condition>,
    pub activate: Option<Condition>,
    pub deactivate: Option<Condition>,
    pub create: Option<Condition>,
    pub put: Option<Condition>,
    pub other: Condition,
}

impl Access {
    pub fn condition(&self, operation: Operation) -> &Condition {
        let named = match operation {
            Operation::Read => &self.read,
            Operation::Update => &self.update,
            Operation::Write => &self.write,
            Operation::Append => &self.append,
            Operation::Erase => &self.erase,
            Operation::Delete => &self.delete,
            Operation::Activate => &self.activate,
            Operation::Deactivate => &self.deactivate,
            Operation::Create => &self.create,
            Operation::Put => &self.put,
        };
        named.as_ref().unwrap_or(&self.other)
    }

    /// Sets the condition of `operation`; that of write also applies to append, and that of update to erase.
    pub fn set(&mut self, operation: Operation, condition: Condition) {
        let condition = Some(condition);
        match operation {
            Operation::Read => self.read = condition,
            Operation::Update => (self.update, self.erase) = (condition.clone(), condition),
            Operation::Write => (self.write, self.append) = (condition.clone(), condition),
            Operation::Append => self.append = condition,
            Operation::Erase => self.erase = condition,
            Operation::Delete => self.delete = condition,
            Operation::Activate => self.activate = condition,
            Operation::Deactivate => self.deactivate = condition,
            Operation::Create => self.create = condition,
            Operation::Put => self.put = condition,
        }
    }

    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let named = [
            &self.read,
            &self.update,
            &self.write,
            &self.append,
            &self.erase,
            &self.delete,
            &self.activate,
            &self.deactivate,
            &self.create,
            &self.put,
        ];
        named.into_iter().flatten().chain([&self.other])
    }
}

/// Alternatives of requirements that must all be met. No alternative means never. One without requirements means
/// always, the default.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Condition(pub Vec<Vec<Requirement>>);

/// A verified code, or a key that the other side has proved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Requirement {
    pub kind: Kind,
    pub reference: Reference,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    Code,
    Key,
}

/// A reference to a code or a key, as in P2: bit 8 makes it specific to a DF, bits 5 to 1 are its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reference(pub u8);

impl Reference {
    pub const LOCAL: u8 = 0x80;

    pub fn is_local(self) -> bool {
        self.0 & Reference::LOCAL != 0
    }

    pub fn number(self) -> u8 {
        self.0 & 0x1F
    }

    /// True if the unused bits are zero.
    pub fn is_valid(self) -> bool {
        self.0 & 0x60 == 0
    }
}

impl Condition {
    pub fn always() -> Condition {
        Condition(vec![Vec::new()])
    }

    pub fn never() -> Condition {
        Condition(Vec::new())
    }

    /// One code.
    pub fn code(reference: u8) -> Condition {
        Condition(vec![vec![Requirement { kind: Kind::Code, reference: Reference(reference) }]])
    }

    /// One key.
    pub fn key(reference: u8) -> Condition {
        Condition(vec![vec![Requirement { kind: Kind::Key, reference: Reference(reference) }]])
    }
}

impl Default for Condition {
    fn default() -> Self {
        Condition::always()
    }
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "always" => Ok(Condition::always()),
            "never" => Ok(Condition::never()),
            text => text.split(" or ").map(alternative).collect::<Result<_, _>>().map(Condition),
        }
    }
}

impl TryFrom<String> for Condition {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

fn alternative(text: &str) -> Result<Vec<Requirement>, String> {
    text.split(" and ").map(requirement).collect()
}

fn requirement(text: &str) -> Result<Requirement, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (kind, reference) = match words[..] {
        ["code", reference] => (Kind::Code, reference),
        ["key", reference] => (Kind::Key, reference),
        _ => return Err(format!("`{text}` is no condition: always, never, code N, key N, joined by and, or")),
    };
    match number(reference).map(Reference) {
        Some(reference) if reference.is_valid() && reference.number() != 0 => Ok(Requirement { kind, reference }),
        _ => Err(format!("`{reference}` is no reference: 1 to 31, or 0x81 to 0x9F for one of the DF")),
    }
}

fn number(text: &str) -> Option<u8> {
    match text.strip_prefix("0x") {
        Some(digits) => u8::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("never");
        }
        if self.0.iter().any(Vec::is_empty) {
            return f.write_str("always");
        }
        let show = |need: &Requirement| {
            let kind = if need.kind == Kind::Code { "code" } else { "key" };
            format!("{kind} {:#04X}", need.reference.0)
        };
        let alternatives = self.0.iter().map(|all| all.iter().map(show).collect::<Vec<_>>().join(" and "));
        f.write_str(&alternatives.collect::<Vec<_>>().join(" or "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read() {
        assert_eq!("always".parse(), Ok(Condition::always()));
        assert_eq!("never".parse(), Ok(Condition::never()));
        assert_eq!("code 1".parse(), Ok(Condition::code(1)));
        assert_eq!("key 0x81".parse(), Ok(Condition::key(0x81)));
        let condition: Condition = "code 1 and key 2 or code 0x83".parse().unwrap();
        assert_eq!(format!("{condition:?}"), "code 0x01 and key 0x02 or code 0x83");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "sometimes", "code", "code x", "code 0", "code 0x20", "code 1 and", "code 300", "code 1 or  "]
        {
            assert!(text.parse::<Condition>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_operation_without_a_condition_has_other() {
        let access: Access = toml::from_str("update = 'code 1'\nother = 'never'").unwrap();
        assert_eq!(access.condition(Operation::Update), &Condition::code(1));
        assert_eq!(access.condition(Operation::Read), &Condition::never());
        assert_eq!(Access::default().condition(Operation::Read), &Condition::always());
        assert!(toml::from_str::<Access>("reed = 'always'").is_err());
    }
}

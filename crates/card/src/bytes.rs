//! Bytes in a description: hexadecimal digits, or `{ text = "..." }`.

use std::fmt;

use serde::{Deserialize, Deserializer};
use zeroize::{Zeroize, Zeroizing};

/// Bytes without a secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

/// Secret bytes: wiped on drop, and never shown.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<Vec<u8>>);

/// The TOML forms of bytes.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a string of hexadecimal digits, or { text = \"...\" }")]
enum Notation {
    Hexadecimal(String),
    Text(Text),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    text: String,
}

impl Notation {
    fn into_bytes(self) -> Result<Vec<u8>, hex::FromHexError> {
        match self {
            Notation::Text(Text { text }) => Ok(text.into_bytes()),
            Notation::Hexadecimal(mut digits) => {
                let spaceless = Zeroizing::new(digits.replace(char::is_whitespace, ""));
                digits.zeroize();
                hex::decode(spaceless.as_bytes())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Notation::deserialize(deserializer)?.into_bytes();
        bytes.map(Bytes).map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Bytes::deserialize(deserializer).map(|bytes| Secret::new(bytes.0))
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes(bytes)
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Bytes(bytes.to_vec())
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(&self.0))
    }
}

impl Secret {
    pub fn new(bytes: Vec<u8>) -> Secret {
        Secret(Zeroizing::new(bytes))
    }

    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Line {
        value: Secret,
    }

    fn read(line: &str) -> Result<Vec<u8>, toml::de::Error> {
        toml::from_str::<Line>(line).map(|line| line.value.reveal().to_vec())
    }

    #[test]
    fn digits_and_text_are_read() {
        assert_eq!(read("value = '3F00 0a'").unwrap(), [0x3F, 0x00, 0x0A]);
        assert_eq!(read("value = { text = '1234' }").unwrap(), b"1234");
        assert_eq!(read("value = ''").unwrap(), []);
    }

    #[test]
    fn anything_else_is_refused() {
        for line in ["value = '3F0'", "value = 'xy'", "value = 3", "value = { txt = '1' }"] {
            assert!(read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::new(vec![1, 2])), "(secret)");
    }
}

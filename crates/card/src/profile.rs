//! The description of a card: a table in Rust, or a TOML file. `crates/card/README.md` is its reference.

use std::fmt;

use serde::Deserialize;

use crate::access::{Access, Condition};
use crate::bytes::{Bytes, Secret};
use crate::data_coding::WriteBehaviour;
use crate::features::Features;
use crate::file::LifeCycle;
use crate::manners::Manners;

/// A new card.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    pub atr: Bytes,
    pub manners: Manners,
    /// The number of logical channels with the basic one, 1 to 20.
    pub channels: u8,
    pub write: WriteBehaviour,
    /// The room for file contents and data objects, in bytes.
    pub memory: usize,
    pub unsupported: Features,
    /// True if it has the test commands of class 80.
    pub steerable: bool,
    pub mf: Directory,
}

/// The MF or a DF.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Directory {
    /// None for the MF, which is always 3F00; a DF with a name may have none.
    pub id: Option<u16>,
    /// The DF name: an AID, 1 to 16 bytes.
    pub name: Bytes,
    /// Data objects for the file management data.
    pub fmd: Bytes,
    pub life_cycle: LifeCycle,
    pub access: Access,
    #[serde(rename = "code")]
    pub codes: Vec<CodeDescription>,
    #[serde(rename = "key")]
    pub keys: Vec<KeyDescription>,
    #[serde(rename = "object")]
    pub objects: Vec<ObjectDescription>,
    #[serde(rename = "ef")]
    pub efs: Vec<ElementaryFile>,
    #[serde(rename = "df")]
    pub dfs: Vec<Directory>,
}

/// An EF.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElementaryFile {
    pub id: u16,
    /// The short EF identifier, 1 to 30.
    pub short_id: Option<u8>,
    #[serde(default)]
    pub structure: FileStructure,
    /// The bytes of a transparent EF, or of each record; None for the size of `content` or `records`.
    pub size: Option<usize>,
    /// The maximum number of records; None for that of `records`.
    pub count: Option<usize>,
    #[serde(default)]
    pub content: Bytes,
    #[serde(default)]
    pub records: Vec<Bytes>,
    #[serde(default)]
    pub life_cycle: LifeCycle,
    #[serde(default)]
    pub access: Access,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileStructure {
    #[default]
    Transparent,
    LinearFixed,
    LinearVariable,
    Cyclic,
}

/// A code with its retry counter.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeDescription {
    /// 1 to 31.
    pub number: u8,
    pub value: Secret,
    /// The length of padded values; None for values without padding.
    pub length: Option<usize>,
    #[serde(default = "CodeDescription::padding")]
    pub padding: u8,
    /// For a code without `length`.
    #[serde(default = "CodeDescription::shortest")]
    pub shortest: usize,
    /// For a code without `length`.
    #[serde(default = "CodeDescription::longest")]
    pub longest: usize,
    #[serde(default = "CodeDescription::tries")]
    pub tries: u8,
    /// The reference of the code that resets the counter, as in P2.
    pub unblock: Option<u8>,
    /// Condition of CHANGE REFERENCE DATA with the old value.
    #[serde(default)]
    pub change: Condition,
    /// Condition of CHANGE REFERENCE DATA without it.
    #[serde(default = "Condition::never")]
    pub replace: Condition,
    /// Condition of RESET RETRY COUNTER without a resetting code.
    #[serde(default = "Condition::never")]
    pub reset: Condition,
}

/// An AES key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyDescription {
    /// 1 to 31.
    pub number: u8,
    /// 16, 24 or 32 bytes.
    pub value: Secret,
    /// For EXTERNAL AUTHENTICATE; None for unlimited tries.
    pub tries: Option<u8>,
    pub uses: Vec<KeyUse>,
    /// Condition of INTERNAL AUTHENTICATE.
    #[serde(default)]
    pub access: Condition,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyUse {
    Internal,
    External,
}

/// A data object for GET and PUT DATA.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectDescription {
    pub tag: u16,
    #[serde(default)]
    pub value: Bytes,
    #[serde(default)]
    pub access: Access,
}

/// An error of a description, and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileError(pub String);

/// The names and texts of the profiles in this library.
const BUILT_IN: [(&str, &str); 2] =
    [("default", include_str!("../profiles/default.toml")), ("steerable", include_str!("../profiles/steerable.toml"))];

impl Profile {
    /// Reads a description in TOML. `Card::new` tells whether it describes a possible card.
    pub fn from_toml(text: &str) -> Result<Profile, ProfileError> {
        toml::from_str(text).map_err(|error| ProfileError(error.to_string().trim_end().to_owned()))
    }

    /// The text of a profile in this library: `default` or `steerable`.
    pub fn built_in(name: &str) -> Option<&'static str> {
        BUILT_IN.iter().find(|(built_in, _)| *built_in == name).map(|(_, text)| *text)
    }
}

impl Default for Profile {
    /// A card with an empty MF, T=1, and no historical bytes.
    fn default() -> Self {
        Profile {
            atr: Bytes(vec![0x3B, 0x80, 0x01, 0x81]),
            manners: Manners::default(),
            channels: 20,
            write: WriteBehaviour::default(),
            memory: 0x4_0000,
            unsupported: Features::default(),
            steerable: false,
            mf: Directory::default(),
        }
    }
}

impl CodeDescription {
    /// A code with all defaults.
    pub fn new(number: u8, value: &[u8]) -> CodeDescription {
        CodeDescription {
            number,
            value: Secret::new(value.to_vec()),
            length: None,
            padding: Self::padding(),
            shortest: Self::shortest(),
            longest: Self::longest(),
            tries: Self::tries(),
            unblock: None,
            change: Condition::always(),
            replace: Condition::never(),
            reset: Condition::never(),
        }
    }

    fn padding() -> u8 {
        0xFF
    }

    fn shortest() -> usize {
        1
    }

    fn longest() -> usize {
        64
    }

    fn tries() -> u8 {
        3
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ProfileError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_the_place() {
        let error = Profile::from_toml("[mf]\n[[mf.ef]]\nid = 1\nsise = 3\n").unwrap_err();
        assert!(error.0.contains("line 4") && error.0.contains("sise"), "{error}");
        let error = Profile::from_toml("[mf.access]\nread = 'perhaps'\n").unwrap_err();
        assert!(error.0.contains("line 2") && error.0.contains("perhaps"), "{error}");
        let error = Profile::from_toml("unsupported = ['exended']\n").unwrap_err();
        assert!(error.0.contains("line 1") && error.0.contains("exended"), "{error}");
    }

    #[test]
    fn an_error_shows_no_value_of_a_code() {
        let error =
            Profile::from_toml("[[mf.code]]\nnumber = 1\nvalue = { text = '9876' }\ntries = 'x'\n").unwrap_err();
        assert!(!error.0.contains("9876"), "{error}");
    }

    /// The card capabilities in the historical bytes of the default card (8.1.1.2.7).
    #[test]
    fn the_default_card_is_what_its_atr_says() {
        let profile = Profile::from_toml(Profile::built_in("default").unwrap()).unwrap();
        let historical = &profile.atr.0[3..14];
        assert_eq!(historical, hex::decode("8031F873F741FF5373636D").unwrap());
        let [selection, coding, lengths] = historical[4..7] else { panic!() };
        assert!(profile.unsupported.unsupported.is_empty() && profile.manners == Manners::T1);
        assert_eq!(selection, 0xF7, "all but implicit selection");
        assert_eq!(coding, profile.write.data_coding());
        assert_eq!((lengths & 0xC0, lengths & 0x18, lengths & 0x07), (0xC0, 0x18, profile.channels.min(8) - 1));
        let information = profile.mf.efs.iter().find(|ef| ef.id == 0x2F01).unwrap();
        assert_eq!(lengths & 0x20 != 0, information.content.0.windows(2).any(|tag| tag == [0x7F, 0x66]));
        assert_eq!(profile.atr.0[1..].iter().fold(0, |check, byte| check ^ byte), 0, "TCK");
    }

    #[test]
    fn an_empty_description_is_an_empty_card() {
        assert_eq!(Profile::from_toml("").unwrap().atr.0, Profile::default().atr.0);
    }
}

//! The features that a description can disable.

use serde::Deserialize;

/// The disabled features.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Features {
    pub unsupported: Vec<Feature>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Feature {
    /// Extended length fields: 6700.
    Extended,
    /// Command chaining: 6884.
    Chaining,
    /// All channels except the basic one: 6881.
    Channels,
    /// Odd instructions: 6D00.
    Odd,
    /// Short EF identifiers: 6A86.
    ShortIds,
    /// Partial DF names: 6A82.
    PartialNames,
    /// One instruction: 6D00.
    Instruction(u8),
}

impl Features {
    pub fn has(&self, feature: Feature) -> bool {
        !self.unsupported.contains(&feature)
    }
}

impl TryFrom<Vec<String>> for Features {
    type Error = String;

    fn try_from(names: Vec<String>) -> Result<Self, String> {
        let unsupported = names.iter().map(|name| feature(name)).collect::<Result<_, _>>()?;
        Ok(Features { unsupported })
    }
}

fn feature(name: &str) -> Result<Feature, String> {
    match name {
        "extended" => Ok(Feature::Extended),
        "chaining" => Ok(Feature::Chaining),
        "channels" => Ok(Feature::Channels),
        "odd" => Ok(Feature::Odd),
        "short-ids" => Ok(Feature::ShortIds),
        "partial-names" => Ok(Feature::PartialNames),
        _ => match hex::decode(name).as_deref() {
            Ok([ins]) => Ok(Feature::Instruction(*ins)),
            _ => Err(format!(
                "`{name}` is no feature: extended, chaining, channels, odd, short-ids, partial-names, or an INS in two \
                 hexadecimal digits"
            )),
        },
    }
}

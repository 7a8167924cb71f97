//! Attributes of a reader (PC/SC part 3).

use serde::Serialize;

use crate::library::{
    Attachment, SCM_ATTR_VENDOR_IFD_SERIAL_NO, SCM_ATTR_VENDOR_IFD_TYPE, SCM_ATTR_VENDOR_IFD_VERSION,
    SCM_ATTR_VENDOR_NAME,
};
use crate::text::{printable, text};

#[derive(Serialize)]
pub struct Attributes {
    pub vendor: Option<String>,
    pub model: Option<String>,
    pub version: Option<String>,
    pub serial_number: Option<String>,
}

impl Attributes {
    /// A driver has only some of them.
    pub fn of(card: &Attachment) -> Attributes {
        let words = |attribute| {
            let value = card.attribute(attribute).ok()?;
            let end = value.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            text(&value[..end]).map(printable)
        };
        Attributes {
            vendor: words(SCM_ATTR_VENDOR_NAME),
            model: words(SCM_ATTR_VENDOR_IFD_TYPE),
            version: card.attribute(SCM_ATTR_VENDOR_IFD_VERSION).ok().and_then(|value| version(&value)),
            serial_number: words(SCM_ATTR_VENDOR_IFD_SERIAL_NO),
        }
    }
}

/// 0xMMmmbbbb in the byte order of the machine.
fn version(value: &[u8]) -> Option<String> {
    let number = u32::from_ne_bytes(value.try_into().ok()?);
    Some(format!("{}.{}.{}", number >> 24, number >> 16 & 0xFF, number & 0xFFFF))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_three_parts() {
        assert_eq!(version(&0x0105_0003_u32.to_ne_bytes()).unwrap(), "1.5.3");
        assert_eq!(version(&[1]), None);
    }
}

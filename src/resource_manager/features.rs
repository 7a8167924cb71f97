//! Abilities of a reader beyond PC/SC: the features of PC/SC part 10, and the control codes that ask for them.

/// CM_IOCTL_GET_FEATURE_REQUEST (PC/SC part 10, 2.2).
pub(crate) const GET_FEATURE_REQUEST: u32 = 3400;

/// The tags of the features (PC/SC part 10, 2.3).
pub(crate) const VERIFY_PIN_DIRECT: u8 = 0x06;
pub(crate) const MODIFY_PIN_DIRECT: u8 = 0x07;
pub(crate) const IFD_PIN_PROPERTIES: u8 = 0x0A;
pub(crate) const GET_TLV_PROPERTIES: u8 = 0x12;

/// The tags of the properties wLcdLayout, bEntryValidationCondition, bMinPINSize and bMaxPINSize.
const LCD_LAYOUT: u8 = 0x01;
const ENTRY_VALIDATION_CONDITION: u8 = 0x02;
const MIN_PIN_SIZE: u8 = 0x06;
const MAX_PIN_SIZE: u8 = 0x07;

/// The tag of the property dwMaxAPDUDataSize (PC/SC part 10, 2.6.14), a number of four bytes.
const MAX_APDU_DATA_SIZE: u8 = 0x0A;

/// The control code of a feature, from the reader's list of them: tag, 4, and the code with its highest byte first.
pub fn control_code(list: &[u8], feature: u8) -> Option<u32> {
    entries(list)
        .find(|(tag, _)| *tag == feature)
        .and_then(|(_, value)| Some(u32::from_be_bytes(value.try_into().ok()?)))
}

/// The most data that the reader carries in one APDU, from its properties: 0 for short ones only. Its lowest byte comes
/// first.
pub fn max_apdu_data(properties: &[u8]) -> Option<usize> {
    let (_, value) = entries(properties).find(|(tag, _)| *tag == MAX_APDU_DATA_SIZE)?;
    usize::try_from(u32::from_le_bytes(value.try_into().ok()?)).ok()
}

/// The properties of a PIN pad; None for what the reader does not report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PinProperties {
    /// Lines and columns of the display; 0 for none.
    pub display: Option<u16>,
    /// The possible ends of an entry: 1 the longest code, 2 a key, 4 the time.
    pub ends_of_entry: Option<u8>,
    pub shortest: Option<u8>,
    pub longest: Option<u8>,
}

impl PinProperties {
    /// From the list of properties (PC/SC part 10, 2.6.14). A limit of 0 is none.
    pub fn of_list(properties: &[u8]) -> PinProperties {
        let value = |wanted| entries(properties).find(|(tag, _)| *tag == wanted).map(|(_, value)| value);
        let byte = |tag| value(tag).and_then(|value| value.first().copied());
        PinProperties {
            display: value(LCD_LAYOUT).and_then(|value| Some(u16::from_le_bytes(value.try_into().ok()?))),
            ends_of_entry: byte(ENTRY_VALIDATION_CONDITION),
            shortest: byte(MIN_PIN_SIZE).filter(|length| *length > 0),
            longest: byte(MAX_PIN_SIZE).filter(|length| *length > 0),
        }
    }

    /// From the structure PIN_PROPERTIES (PC/SC part 10, 2.5.5): wLcdLayout, bEntryValidationCondition, bTimeOut2.
    pub fn of_structure(structure: &[u8]) -> PinProperties {
        match structure {
            [low, high, ends, ..] => PinProperties {
                display: Some(u16::from_le_bytes([*low, *high])),
                ends_of_entry: Some(*ends),
                ..PinProperties::default()
            },
            _ => PinProperties::default(),
        }
    }
}

/// Tag, length and value, a byte each for the first two.
fn entries(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (head, after) = rest.split_first_chunk::<2>()?;
        let (value, after) = after.split_at_checked(head[1].into())?;
        rest = after;
        Some((head[0], value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_and_properties() {
        let list = [0x06, 4, 0x42, 0x33, 0x00, 0x06, 0x12, 4, 0x42, 0x33, 0x00, 0x12];
        assert_eq!(control_code(&list, VERIFY_PIN_DIRECT), Some(0x4233_0006));
        assert_eq!(control_code(&list, GET_TLV_PROPERTIES), Some(0x4233_0012));
        assert_eq!(control_code(&list, MODIFY_PIN_DIRECT), None);
        assert_eq!(max_apdu_data(&[0x01, 1, 9, 0x0A, 4, 0x00, 0x01, 0, 0]), Some(256));
        assert_eq!(max_apdu_data(&[0x0A, 2, 0, 1]), None);
        assert_eq!(max_apdu_data(&[0x0A, 4, 0]), None);
    }

    #[test]
    fn properties_of_a_pin_pad() {
        let list = [0x01, 2, 0x10, 0x02, 0x02, 1, 7, 0x06, 1, 4, 0x07, 1, 12];
        let all = PinProperties { display: Some(0x0210), ends_of_entry: Some(7), shortest: Some(4), longest: Some(12) };
        assert_eq!(PinProperties::of_list(&list), all);
        assert_eq!(PinProperties::of_list(&[0x06, 1, 0, 0x07, 1, 0, 0x01, 1, 9]), PinProperties::default());
        assert_eq!(PinProperties::of_list(&[0x02, 0, 0x06]), PinProperties::default());
        let some = PinProperties { display: Some(0x0210), ends_of_entry: Some(7), ..PinProperties::default() };
        assert_eq!(PinProperties::of_structure(&[0x10, 0x02, 7, 0]), some);
        assert_eq!(PinProperties::of_structure(&[0x10, 0x02]), PinProperties::default());
    }
}

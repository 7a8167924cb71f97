//! What a reader can do beyond PC/SC: the features of PC/SC part 10, and the control codes that ask for them.

/// CM_IOCTL_GET_FEATURE_REQUEST (PC/SC part 10, 2.2).
pub(crate) const GET_FEATURE_REQUEST: u32 = 3400;

/// The tags of the features (PC/SC part 10, 2.3).
pub(crate) const VERIFY_PIN_DIRECT: u8 = 0x06;
pub(crate) const MODIFY_PIN_DIRECT: u8 = 0x07;
pub(crate) const IFD_PIN_PROPERTIES: u8 = 0x0A;
pub(crate) const GET_TLV_PROPERTIES: u8 = 0x12;

/// The tag of the property dwMaxAPDUDataSize (PC/SC part 10, 2.6.14), a number of four bytes.
const MAX_APDU_DATA_SIZE: u8 = 0x0A;

/// The control code of a feature, from the reader's list of them: tag, 4, and the code with its highest byte first.
pub fn control_code(list: &[u8], feature: u8) -> Option<u32> {
    entries(list)
        .find(|(tag, _)| *tag == feature)
        .and_then(|(_, value)| Some(u32::from_be_bytes(value.try_into().ok()?)))
}

/// The most data that the reader carries in one APDU, from its properties: 0 for short ones only. Its lowest byte comes first.
pub fn max_apdu_data(properties: &[u8]) -> Option<usize> {
    let (_, value) = entries(properties).find(|(tag, _)| *tag == MAX_APDU_DATA_SIZE)?;
    usize::try_from(u32::from_le_bytes(value.try_into().ok()?)).ok()
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
}

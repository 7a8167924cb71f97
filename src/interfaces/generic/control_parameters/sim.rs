//! The answer of a SIM to SELECT: bytes at fixed offsets (3GPP TS 51.011, 9.2.1). They become data objects, as in the
//! FCP of other cards.

use super::{DESCRIPTOR, FCI, FCP, ID, LIFE_CYCLE, SIZE, STRUCTURE};
use crate::abi::hresult::Result;
use crate::iso7816::tlv;

/// Offsets in the answer. The standard counts from 1.
const FILE_SIZE: usize = 2;
const FILE_ID: usize = 4;
const TYPE: usize = 6;
const STATUS: usize = 11;
const EF_STRUCTURE: usize = 13;
const RECORD_LENGTH: usize = 14;

/// Types of a file.
const MF: u8 = 1;
const DF: u8 = 2;
const EF: u8 = 4;
/// Structures of an EF.
const TRANSPARENT: u8 = 0;
const LINEAR_FIXED: u8 = 1;
const CYCLIC: u8 = 3;
/// A bit of the status of a file: it is not invalidated.
const VALID: u8 = 0x01;

/// The life cycle status byte (ISO/IEC 7816-4, 7.4.10).
const ACTIVATED: u8 = 0x05;
const DEACTIVATED: u8 = 0x04;
/// The data coding byte (ISO/IEC 7816-4, 12.1.1.8) of a card without WRITE.
const NO_WRITE: u8 = 0x21;

/// The control parameters in the answer, as data objects. One of them has the answer itself. An answer of another form
/// is not changed: some cards answer in class A0 as a UICC does.
pub fn objects(answer: &[u8]) -> Result<Vec<u8>> {
    let mut objects = Vec::new();
    let is_template = tlv::objects(answer).next().is_some_and(|object| matches!(object.tag, FCP | FCI));
    match (answer.get(FILE_ID..TYPE), answer.get(TYPE)) {
        (Some(id), Some(kind)) if !is_template => {
            tlv::push(&mut objects, ID, id)?;
            push_kind(&mut objects, *kind, answer)?;
            tlv::push(&mut objects, STRUCTURE, answer)?;
        }
        _ => {
            objects.try_reserve(answer.len())?;
            objects.extend_from_slice(answer);
        }
    }
    Ok(objects)
}

/// The file descriptor of a DF or an EF. An unknown structure of an EF has none.
fn push_kind(objects: &mut Vec<u8>, kind: u8, answer: &[u8]) -> Result<()> {
    match (kind, answer.get(EF_STRUCTURE)) {
        (MF | DF, _) => tlv::push(objects, DESCRIPTOR, &[0x38])?,
        (EF, Some(&TRANSPARENT)) => tlv::push(objects, DESCRIPTOR, &[0x01, NO_WRITE])?,
        (EF, Some(&LINEAR_FIXED)) => tlv::push(objects, DESCRIPTOR, &records(0x02, answer))?,
        (EF, Some(&CYCLIC)) => tlv::push(objects, DESCRIPTOR, &records(0x06, answer))?,
        _ => {}
    }
    if kind != EF {
        return Ok(());
    }
    tlv::push(objects, SIZE, &size(answer).to_be_bytes())?;
    match answer.get(STATUS) {
        Some(status) if status & VALID == 0 => tlv::push(objects, LIFE_CYCLE, &[DEACTIVATED]),
        Some(_) => tlv::push(objects, LIFE_CYCLE, &[ACTIVATED]),
        None => Ok(()),
    }
}

/// The file descriptor of a file of records: their length and their number.
fn records(descriptor: u8, answer: &[u8]) -> [u8; 6] {
    let length = answer.get(RECORD_LENGTH).copied().unwrap_or(0);
    let [high, low] = size(answer).checked_div(length.into()).unwrap_or(0).to_be_bytes();
    [descriptor, NO_WRITE, 0, length, high, low]
}

/// The size of all records together, or of the bytes.
fn size(answer: &[u8]) -> u16 {
    match answer.get(FILE_SIZE..FILE_ID) {
        Some(&[high, low]) => u16::from_be_bytes([high, low]),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interfaces::generic::control_parameters::{self, Coding, ControlParameters, FileKind};

    fn read(answer: &[u8]) -> ControlParameters {
        ControlParameters::read(&objects(answer).unwrap())
    }

    /// EF.ADN with 250 records of 28 bytes.
    const ADN: [u8; 15] = [0, 0, 0x1B, 0x58, 0x6F, 0x3A, 4, 0, 0x11, 0xF0, 0x22, 1, 2, 1, 28];

    #[test]
    fn directories() {
        // tomasz-lisowski/swsim issue 6 has these bytes of a card of sysmocom.
        let gsm = [
            0, 0, 0, 0, 0x7F, 0x20, 2, 0, 0, 0, 0, 0, 0x13, 0xB3, 0, 0x1E, 4, 0, 0x83, 0x8A, 0x83, 0x8A, 0, 3, 0, 0,
            0x3B, 0x71, 0, 0, 0, 0,
        ];
        let parameters = read(&gsm);
        assert_eq!((parameters.kind, parameters.id), (Some(FileKind::Directory), Some(0x7F20)));
        assert_eq!((parameters.size, parameters.life_cycle), (None, None));
        let mf = read(&[0, 0, 0xFF, 0xFF, 0x3F, 0x00, 1]);
        assert_eq!((mf.kind, mf.id), (Some(FileKind::Directory), Some(0x3F00)));
        let given = objects(&gsm).unwrap();
        assert!(control_parameters::objects(&given).any(|object| object.tag == STRUCTURE && object.value == gsm));
    }

    #[test]
    fn files() {
        // tomasz-lisowski/swsim issue 4.
        let iccid = read(&[0, 0, 0, 0x0A, 0x2F, 0xE2, 4, 0, 0, 0, 0, 1, 2, 0, 0]);
        assert_eq!((iccid.kind, iccid.size, iccid.id), (Some(FileKind::Transparent), Some(10), Some(0x2FE2)));
        assert_eq!((iccid.coding, iccid.life_cycle), (Some(Coding::Proprietary), Some(ACTIVATED)));
        let adn = read(&ADN);
        assert_eq!((adn.kind, adn.size), (Some(FileKind::Fixed), Some(7000)));
        assert_eq!((adn.record_size, adn.records), (Some(28), Some(250)));
        let mut lnd = ADN;
        (lnd[11], lnd[13]) = (0, 3);
        let lnd = read(&lnd);
        assert_eq!((lnd.kind, lnd.record_size), (Some(FileKind::Cyclic), Some(28)));
        assert_eq!(lnd.life_cycle, Some(DEACTIVATED));
    }

    #[test]
    fn the_beginning_of_an_answer_is_read() {
        for length in 0..ADN.len() {
            let parameters = read(&ADN[..length]);
            assert_eq!(parameters.id.is_some(), length >= 7, "{length}");
            assert_eq!(parameters.size.is_some(), length >= 7, "{length}");
            assert_eq!(parameters.kind, (length >= 14).then_some(FileKind::Fixed), "{length}");
            assert_eq!(parameters.record_size, None, "{length}");
        }
        let unknown = |place: usize, byte: u8| {
            let mut answer = ADN;
            answer[place] = byte;
            read(&answer)
        };
        assert_eq!(unknown(6, 0).kind, None);
        assert_eq!(unknown(13, 2).kind, None);
        let without_length = unknown(14, 0);
        assert_eq!((without_length.record_size, without_length.records), (None, Some(0)));
    }

    #[test]
    fn templates_are_not_changed() {
        let template = [0x62, 9, 0x82, 1, 0x01, 0x83, 2, 0x2F, 0xE2, 0x80, 0];
        assert_eq!(objects(&template).unwrap(), template);
        assert_eq!(objects(&[]).unwrap(), []);
    }
}

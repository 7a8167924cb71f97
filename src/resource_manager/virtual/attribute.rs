//! The attributes of a virtual reader (PC/SC part 3, 3.1.4).

use super::ifd::Ifd;
use crate::abi::cause::refuse;
use crate::abi::constants::CardState;
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::MAX_ATTRIBUTE;

const VENDOR_NAME: u32 = 0x0001_0100;
const CURRENT_PROTOCOL_TYPE: u32 = 0x0008_0201;
const ICC_PRESENCE: u32 = 0x0009_0300;
const ATR_STRING: u32 = 0x0009_0303;
const DEVICE_FRIENDLY_NAME: u32 = 0x7FFF_0003;
const DEVICE_SYSTEM_NAME: u32 = 0x7FFF_0004;

/// An attribute of a reader, as the program gives it.
pub struct Attribute {
    pub id: u32,
    pub value: Vec<u8>,
    /// Applications may change the value.
    pub settable: bool,
}

/// The attributes that the program has given. They replace those that every virtual reader has.
#[derive(Default)]
pub struct Attributes(Vec<Attribute>);

impl Attributes {
    /// Adds an attribute; two cannot have the same id.
    pub fn add(&mut self, attribute: Attribute) -> Result<()> {
        if self.0.iter().any(|other| other.id == attribute.id) {
            return Err(refuse("has the same number twice"));
        }
        self.0.try_reserve(1)?;
        self.0.push(attribute);
        Ok(())
    }

    fn find(&self, id: u32) -> Option<&Attribute> {
        self.0.iter().find(|attribute| attribute.id == id)
    }

    /// Changes the value of an attribute. As with pcscd, the code does not say why a driver refuses.
    pub fn set(&mut self, id: u32, value: &[u8]) -> Result<()> {
        let settable = self.0.iter_mut().find(|attribute| attribute.id == id && attribute.settable);
        let attribute = settable.ok_or(Hresult::SCARD_E_NOT_TRANSACTED)?;
        attribute.value.try_reserve(value.len().saturating_sub(attribute.value.len()))?;
        attribute.value.clear();
        attribute.value.extend_from_slice(value);
        Ok(())
    }
}

/// Writes an attribute to the beginning of `value`. Text includes its NUL; without a card the ATR is empty.
pub fn read(ifd: &Ifd, id: u32, value: &mut [u8; MAX_ATTRIBUTE]) -> Result<usize> {
    let mut write = |bytes: &[u8]| {
        value.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        Ok(bytes.len().min(MAX_ATTRIBUTE))
    };
    if let Some(given) = ifd.attributes.find(id) {
        return write(&given.value);
    }
    match id {
        VENDOR_NAME => write(ifd.vendor.as_c_str().to_bytes_with_nul()),
        DEVICE_FRIENDLY_NAME | DEVICE_SYSTEM_NAME => write(ifd.name.as_c_str().to_bytes_with_nul()),
        ATR_STRING => write(ifd.slot_state().atr.as_bytes()),
        ICC_PRESENCE => write(&[presence(ifd.state())]),
        CURRENT_PROTOCOL_TYPE => write(&ifd.protocol().map_or(0, |protocol| protocol.value()).to_ne_bytes()),
        _ => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
    }
}

/// 0: no card; 2: a card in position.
fn presence(state: CardState) -> u8 {
    if state == CardState::Absent { 0 } else { 2 }
}

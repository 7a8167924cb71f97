//! The flags of ISCardVerify: the code that they name, and the change of it.

use crate::abi::cause::{OfArgument, refuse};
use crate::abi::constants::{
    SCM_FL_IHV_CHANGE, SCM_FL_IHV_DISABLE, SCM_FL_IHV_ENABLE, SCM_FL_IHV_GLOBAL, SCM_FL_IHV_LOCAL,
    SCM_FL_SECURE_MESSAGING,
};
use crate::abi::hresult::{Hresult, Result};

/// P2: the code belongs to the current DF.
const LOCAL: u8 = 0x80;
const REFERENCES: u32 = 32;
/// The number of a code: P2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodeReference(pub u8);

/// A change of a code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CodeChange {
    Value,
    Enable,
    Disable,
}

impl CodeReference {
    fn new(reference: u32, is_local: bool) -> Result<CodeReference> {
        if reference >= REFERENCES {
            return Err(refuse("is greater than 31")).of("reference");
        }
        Ok(CodeReference(reference as u8 | if is_local { LOCAL } else { 0 }))
    }

    /// The code that flags and number name. Beside the flags for its place, only `other` flags are allowed.
    pub fn of(flags: u32, other: u32, reference: u32) -> Result<CodeReference> {
        const PLACES: u32 = SCM_FL_IHV_GLOBAL | SCM_FL_IHV_LOCAL;
        if flags & !(PLACES | SCM_FL_SECURE_MESSAGING | other) != 0 || flags & PLACES == PLACES {
            return Err(refuse("has a bit that this function does not know, or is both global and local")).of("flags");
        }
        let target = CodeReference::new(reference, flags & SCM_FL_IHV_LOCAL != 0)?;
        match flags & SCM_FL_SECURE_MESSAGING {
            0 => Ok(target),
            _ => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
        }
    }

    pub fn bit(self) -> u64 {
        let place = u32::from(self.0 & !LOCAL) + if self.0 & LOCAL == 0 { 0 } else { REFERENCES };
        1 << place
    }

    pub fn all() -> impl Iterator<Item = CodeReference> {
        (0..REFERENCES as u8).flat_map(|reference| [CodeReference(reference), CodeReference(reference | LOCAL)])
    }
}

impl CodeChange {
    pub(super) const FLAGS: u32 = SCM_FL_IHV_CHANGE | SCM_FL_IHV_ENABLE | SCM_FL_IHV_DISABLE;

    pub fn of(flags: u32) -> Result<CodeChange> {
        match flags & CodeChange::FLAGS {
            0 | SCM_FL_IHV_CHANGE => Ok(CodeChange::Value),
            SCM_FL_IHV_ENABLE => Ok(CodeChange::Enable),
            SCM_FL_IHV_DISABLE => Ok(CodeChange::Disable),
            _ => Err(refuse("has more than one change")).of("flags"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_has_its_own_bit() {
        let all = CodeReference::all().fold(0, |all, target| {
            assert_eq!(all & target.bit(), 0);
            all | target.bit()
        });
        assert_eq!(all, u64::MAX);
        assert_eq!(CodeReference::new(31, true), Ok(CodeReference(0x9F)));
        assert_eq!(CodeReference::new(0, false), Ok(CodeReference(0)));
        assert_eq!(CodeReference::new(32, false), Err(Hresult::E_INVALIDARG));
    }
}

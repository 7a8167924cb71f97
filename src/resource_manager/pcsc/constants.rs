//! The constants of PC/SC for the types of libscm. They differ between platforms.

use pcsc::ffi::{self, DWORD};

use crate::abi::constants::{Access, CardState, Disposition, Protocol, Protocols, ShareMode};

pub fn native_share_mode(share_mode: ShareMode) -> DWORD {
    match share_mode {
        ShareMode::Exclusive => ffi::SCARD_SHARE_EXCLUSIVE,
        ShareMode::Shared => ffi::SCARD_SHARE_SHARED,
        ShareMode::Direct => ffi::SCARD_SHARE_DIRECT,
    }
}

pub fn native_protocols(access: Access) -> DWORD {
    match access {
        // A direct connection uses the reader without its card. With a protocol the service would look for a card.
        Access { share_mode: ShareMode::Direct, .. } => 0,
        Access { protocols: Protocols::T0, .. } => ffi::SCARD_PROTOCOL_T0,
        Access { protocols: Protocols::T1, .. } => ffi::SCARD_PROTOCOL_T1,
        Access { protocols: Protocols::Any, .. } => ffi::SCARD_PROTOCOL_ANY,
        Access { protocols: Protocols::Raw, .. } => ffi::SCARD_PROTOCOL_RAW,
    }
}

pub const fn native_protocol(protocol: Protocol) -> DWORD {
    match protocol {
        Protocol::T0 => ffi::SCARD_PROTOCOL_T0,
        Protocol::T1 => ffi::SCARD_PROTOCOL_T1,
        Protocol::Raw => ffi::SCARD_PROTOCOL_RAW,
    }
}

pub fn protocol_from_native(protocol: DWORD) -> Option<Protocol> {
    match protocol {
        ffi::SCARD_PROTOCOL_T0 => Some(Protocol::T0),
        ffi::SCARD_PROTOCOL_T1 => Some(Protocol::T1),
        ffi::SCARD_PROTOCOL_RAW => Some(Protocol::Raw),
        _ => None,
    }
}

pub fn native_disposition(disposition: Disposition) -> DWORD {
    match disposition {
        Disposition::Leave => ffi::SCARD_LEAVE_CARD,
        Disposition::Reset => ffi::SCARD_RESET_CARD,
        Disposition::Unpower => ffi::SCARD_UNPOWER_CARD,
        Disposition::Eject => ffi::SCARD_EJECT_CARD,
    }
}

/// Windows has an enumeration, the others a bit mask. Its highest bit is the most specific state.
pub fn state_from_native(state: DWORD) -> CardState {
    const KNOWN: [(DWORD, CardState); 5] = [
        (ffi::SCARD_SPECIFIC, CardState::SpecificMode),
        (ffi::SCARD_NEGOTIABLE, CardState::NegotiableMode),
        (ffi::SCARD_POWERED, CardState::Powered),
        (ffi::SCARD_SWALLOWED, CardState::Swallowed),
        (ffi::SCARD_PRESENT, CardState::Present),
    ];
    let is = |known: DWORD| if cfg!(windows) { state == known } else { state & known != 0 };
    KNOWN.iter().find(|(known, _)| is(*known)).map_or(CardState::Absent, |(_, state)| *state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(not(windows))]
    #[test]
    fn the_highest_bit_of_a_state_counts() {
        assert_eq!(state_from_native(0x34), CardState::NegotiableMode);
        assert_eq!(state_from_native(0x54), CardState::SpecificMode);
        assert_eq!(state_from_native(0x0002_0002), CardState::Absent);
        assert_eq!(state_from_native(0x0004), CardState::Present);
        assert_eq!(state_from_native(0), CardState::Absent);
    }
}

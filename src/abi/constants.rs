//! The enumerations of the ISCardManage type library. Their values are the same on every platform;
//! `resource_manager/pcsc` translates those of the platform.

use crate::abi::cause::refuse;
use crate::abi::hresult::Result;

/// How the card is shared with others: `SCARD_SHARE_MODES`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShareMode {
    Exclusive,
    Shared,
    Direct,
}

/// The active protocol between reader and card: `SCARD_PROTOCOLS`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    T0,
    T1,
    Raw,
}

/// The protocols that a program accepts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocols {
    T0,
    T1,
    Any,
    Raw,
}

/// The treatment of the card at the end of its use: `SCARD_DISPOSITIONS`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disposition {
    Leave,
    Reset,
    Unpower,
    Eject,
}

/// The state of the card in the reader: `SCARD_STATES`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CardState {
    Absent,
    Present,
    Swallowed,
    Powered,
    NegotiableMode,
    SpecificMode,
}

/// The form of a path: `REFTYPE`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reference {
    Name,
    Id,
    ShortId,
    Any,
}

/// The origin of an offset: `SEEKTYPE`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    Beginning,
    End,
    Relative,
}

/// How an attachment uses the card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    pub share_mode: ShareMode,
    pub protocols: Protocols,
}

impl Default for Access {
    fn default() -> Self {
        Access { share_mode: ShareMode::Shared, protocols: Protocols::Any }
    }
}

/// No other application may use the card.
pub const SCM_SHARE_EXCLUSIVE: u32 = 1;
/// Other applications may use the card, too. The default.
pub const SCM_SHARE_SHARED: u32 = 2;
/// The attachment is to the reader, with or without a card. No protocol is active. With pcsc-lite other applications
/// may use the reader at the same time; Windows gives it to this attachment alone.
pub const SCM_SHARE_DIRECT: u32 = 3;

/// The character protocol T=0 (ISO/IEC 7816-3, clause 10).
pub const SCM_PROTOCOL_T0: u32 = 0x01;
/// The block protocol T=1 (ISO/IEC 7816-3, clause 11).
pub const SCM_PROTOCOL_T1: u32 = 0x02;
/// A protocol of the reader's own. It cannot be combined with another one.
///
/// The first attachment after a reset chooses the protocol for everyone, and the card keeps it after that attachment
/// has ended. A card that was left with RAW answers `SCM_SCARD_E_PROTO_MISMATCH` to T=0 and T=1 until it is reset; a
/// card that was left with T=1 does so to T=0. So end such an attachment with `scm_detach_ex` and
/// `SCM_DISPOSITION_RESET`. To get a card that was left with another protocol, attach with `SCM_SHARE_DIRECT` and
/// call `scm_reconnect_ex` with the share mode, the protocols, and `initial_action` `SCM_DISPOSITION_RESET`. Other
/// users of the card then get `SCM_SCARD_W_RESET_CARD`. pcscd turns off an unused card after about a second, which
/// also ends its protocol.
pub const SCM_PROTOCOL_RAW: u32 = 0xFF;

/// The card stays as it is.
pub const SCM_DISPOSITION_LEAVE: u32 = 0;
/// The card is reset without loss of power (warm reset).
pub const SCM_DISPOSITION_RESET: u32 = 1;
/// The power of the card is turned off. The next use is a cold reset.
pub const SCM_DISPOSITION_UNPOWER: u32 = 2;
/// The card is ejected, if the reader can do that.
pub const SCM_DISPOSITION_EJECT: u32 = 3;

/// No card is in the reader.
pub const SCM_STATE_ABSENT: u32 = 1;
/// A card is in the reader, but not in position for use.
pub const SCM_STATE_PRESENT: u32 = 2;
/// A card is in position, but has no power.
pub const SCM_STATE_SWALLOWED: u32 = 3;
/// The card has power, and the reader does not know its mode.
pub const SCM_STATE_POWERED: u32 = 4;
/// The card was reset and speaks its default protocol: no parameters were negotiated (PPS, ISO/IEC 7816-3,
/// clause 9).
pub const SCM_STATE_NEGOTIABLEMODE: u32 = 5;
/// The parameters of the protocol were negotiated. A usable card is in this state or in the one before.
pub const SCM_STATE_SPECIFICMODE: u32 = 6;

/// A DF name (AID) in hexadecimal digits; identifiers may follow: `F073636D74657374/4401`.
pub const SCM_TYPE_BY_NAME: u32 = 0;
/// Identifiers of four hexadecimal digits: `3F00/5015` from the MF, `5015` or `../2F00` from the current DF.
pub const SCM_TYPE_BY_ID: u32 = 1;
/// The short identifier of an EF in the current DF: a decimal number from 1 to 30.
pub const SCM_TYPE_BY_SHORT_ID: u32 = 2;
/// Any form of path: identifiers, else a short identifier, else a name.
pub const SCM_TYPE_BY_ANY: u32 = 3;

/// From the beginning of the file.
pub const SCM_SEEK_FROM_BEGINNING: u32 = 0;
/// From the end of the file.
pub const SCM_SEEK_FROM_END: u32 = 1;
/// From the current position.
pub const SCM_SEEK_RELATIVE: u32 = 2;

/// All directories (`scm_file_access_directory`).
pub const SCM_TYPE_DIRECTORIES: u32 = 0;
/// All files that are not directories.
pub const SCM_TYPE_FILES: u32 = 1;
/// Directories and files.
pub const SCM_TYPE_ALL_FILES: u32 = 2;
/// A dedicated file (DF).
pub const SCM_TYPE_DIRECTORY_FILE: u32 = 3;
/// An elementary file (EF) of bytes.
pub const SCM_TYPE_TRANSPARENT_EF: u32 = 4;
/// An EF of records of one length.
pub const SCM_TYPE_FIXED_EF: u32 = 5;
/// An EF of records of one length in a ring, the newest record first.
pub const SCM_TYPE_CYCLIC_EF: u32 = 6;
/// An EF of records of different lengths.
pub const SCM_TYPE_VARIABLE_EF: u32 = 7;

/// No flags.
pub const SCM_FL_NO_FLAGS: u32 = 0;
/// Secure messaging. Only a provider can do it; otherwise `SCM_SCARD_E_UNSUPPORTED_FEATURE`.
pub const SCM_FL_SECURE_MESSAGING: u32 = 0x1;
/// Write: replaces the old data (UPDATE). The default.
pub const SCM_FL_REPLACE: u32 = 0x2;
/// Write: erases the old data (ERASE).
pub const SCM_FL_ERASE: u32 = 0x4;
/// Write: sets bits (WRITE to a file whose data coding is OR).
pub const SCM_FL_OR: u32 = 0x8;
/// Write: clears bits (WRITE to a file whose data coding is AND).
pub const SCM_FL_AND: u32 = 0x10;
/// Delete: a directory with everything in it.
pub const SCM_FL_RECURSIVE: u32 = 0x20;
/// Delete: a directory only if it is empty. The default.
pub const SCM_FL_NON_RECURSIVE: u32 = 0x40;
/// The code belongs to the whole card. The default.
pub const SCM_FL_IHV_GLOBAL: u32 = 0x80;
/// The code belongs to the current DF.
pub const SCM_FL_IHV_LOCAL: u32 = 0x100;
/// Change: the card asks for the code from now on.
pub const SCM_FL_IHV_ENABLE: u32 = 0x200;
/// Change: the card does not ask for the code any more.
pub const SCM_FL_IHV_DISABLE: u32 = 0x400;
/// Change: the code gets a new value. The default.
pub const SCM_FL_IHV_CHANGE: u32 = 0x800;
/// Create: reserves space for data that are written later.
pub const SCM_FL_PREALLOCATE: u32 = 0x1000;
/// Get properties: everything that the card tells.
pub const SCM_FL_GET_ALL_PROPERTIES: u32 = 0x2000;
/// Get properties: size, type, identifiers, name and life cycle.
pub const SCM_FL_STAT_DEFAULT: u32 = 0x4000;
/// Verify: only asks for the state, which spends no try.
pub const SCM_FL_IHV_CHECKONLY: u32 = 0x8000;

impl Reference {
    pub fn from_value(value: u32) -> Result<Reference> {
        match value {
            SCM_TYPE_BY_NAME => Ok(Reference::Name),
            SCM_TYPE_BY_ID => Ok(Reference::Id),
            SCM_TYPE_BY_SHORT_ID => Ok(Reference::ShortId),
            SCM_TYPE_BY_ANY => Ok(Reference::Any),
            _ => Err(refuse("is not a value that the header defines")),
        }
    }

    pub fn value(self) -> u32 {
        match self {
            Reference::Name => SCM_TYPE_BY_NAME,
            Reference::Id => SCM_TYPE_BY_ID,
            Reference::ShortId => SCM_TYPE_BY_SHORT_ID,
            Reference::Any => SCM_TYPE_BY_ANY,
        }
    }
}

impl Origin {
    pub fn from_value(value: u32) -> Result<Origin> {
        match value {
            SCM_SEEK_FROM_BEGINNING => Ok(Origin::Beginning),
            SCM_SEEK_FROM_END => Ok(Origin::End),
            SCM_SEEK_RELATIVE => Ok(Origin::Relative),
            _ => Err(refuse("is not a value that the header defines")),
        }
    }
}

impl ShareMode {
    pub fn from_value(value: u32) -> Result<ShareMode> {
        match value {
            SCM_SHARE_EXCLUSIVE => Ok(ShareMode::Exclusive),
            SCM_SHARE_SHARED => Ok(ShareMode::Shared),
            SCM_SHARE_DIRECT => Ok(ShareMode::Direct),
            _ => Err(refuse("is not a value that the header defines")),
        }
    }
}

impl Protocols {
    pub fn from_value(value: u32) -> Result<Protocols> {
        const ANY: u32 = SCM_PROTOCOL_T0 | SCM_PROTOCOL_T1;
        match value {
            SCM_PROTOCOL_T0 => Ok(Protocols::T0),
            SCM_PROTOCOL_T1 => Ok(Protocols::T1),
            ANY => Ok(Protocols::Any),
            SCM_PROTOCOL_RAW => Ok(Protocols::Raw),
            _ => Err(refuse("is not a value that the header defines")),
        }
    }
}

impl Protocols {
    pub fn accept(self, protocol: Protocol) -> bool {
        match protocol {
            Protocol::T0 => matches!(self, Protocols::T0 | Protocols::Any),
            Protocol::T1 => matches!(self, Protocols::T1 | Protocols::Any),
            Protocol::Raw => self == Protocols::Raw,
        }
    }
}

impl Protocol {
    pub fn value(self) -> u32 {
        match self {
            Protocol::T0 => SCM_PROTOCOL_T0,
            Protocol::T1 => SCM_PROTOCOL_T1,
            Protocol::Raw => SCM_PROTOCOL_RAW,
        }
    }
}

impl Disposition {
    pub fn from_value(value: u32) -> Result<Disposition> {
        match value {
            SCM_DISPOSITION_LEAVE => Ok(Disposition::Leave),
            SCM_DISPOSITION_RESET => Ok(Disposition::Reset),
            SCM_DISPOSITION_UNPOWER => Ok(Disposition::Unpower),
            SCM_DISPOSITION_EJECT => Ok(Disposition::Eject),
            _ => Err(refuse("is not a value that the header defines")),
        }
    }
}

impl CardState {
    pub fn value(self) -> u32 {
        match self {
            CardState::Absent => SCM_STATE_ABSENT,
            CardState::Present => SCM_STATE_PRESENT,
            CardState::Swallowed => SCM_STATE_SWALLOWED,
            CardState::Powered => SCM_STATE_POWERED,
            CardState::NegotiableMode => SCM_STATE_NEGOTIABLEMODE,
            CardState::SpecificMode => SCM_STATE_SPECIFICMODE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_outside_the_type_library_are_refused() {
        for value in [0, 4, u32::MAX] {
            assert!(ShareMode::from_value(value).is_err());
        }
        for value in [0, 4, 7, 0xFE, 0x100] {
            assert!(Protocols::from_value(value).is_err());
        }
        assert!(Disposition::from_value(4).is_err());
    }

    #[test]
    fn raw_is_a_value_of_its_own() {
        assert_eq!(Protocols::from_value(0xFF), Ok(Protocols::Raw));
        assert_eq!(Protocols::from_value(3), Ok(Protocols::Any));
    }
}

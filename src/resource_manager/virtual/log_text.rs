//! The text for each constant in the log of a virtual reader.

use std::fmt;

use super::card::PowerEvent;
use crate::abi::constants::{Access, CardState, Disposition, Protocol, Protocols, ShareMode};
use crate::abi::hresult::Result;

/// The result of an operation, or the name of its code.
pub struct ResultText<T>(pub Result<T>);

impl<T: fmt::Display> fmt::Display for ResultText<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(value) => value.fmt(f),
            Err(code) => write!(f, "{code:?}"),
        }
    }
}

/// The result of an operation that returns nothing.
pub fn done<T>(result: &Result<T>) -> ResultText<&'static str> {
    ResultText(result.as_ref().map(|_| "ok").map_err(|code| *code))
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocols = match self.protocols {
            Protocols::T0 => "T=0",
            Protocols::T1 => "T=1",
            Protocols::Any => "T=0|T=1",
            Protocols::Raw => "raw",
        };
        match self.share_mode {
            ShareMode::Exclusive => write!(f, "exclusive {protocols}"),
            ShareMode::Shared => write!(f, "shared {protocols}"),
            ShareMode::Direct => f.write_str("direct"),
        }
    }
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Disposition::Leave => "leave",
            Disposition::Reset => "reset",
            Disposition::Unpower => "unpower",
            Disposition::Eject => "eject",
        })
    }
}

impl fmt::Display for PowerEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PowerEvent::Off => "off",
            PowerEvent::On => "on",
            PowerEvent::Reset => "reset",
        })
    }
}

pub fn protocol(protocol: Option<Protocol>) -> &'static str {
    match protocol {
        None => "no protocol",
        Some(Protocol::T0) => "T=0",
        Some(Protocol::T1) => "T=1",
        Some(Protocol::Raw) => "raw",
    }
}

pub fn state(state: CardState) -> &'static str {
    match state {
        CardState::Absent => "absent",
        CardState::Present => "present",
        CardState::Swallowed => "swallowed",
        CardState::Powered => "powered",
        CardState::NegotiableMode => "negotiable",
        CardState::SpecificMode => "specific",
    }
}

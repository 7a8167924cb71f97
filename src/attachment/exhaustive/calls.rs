//! The calls on an attachment, with all their arguments.

use crate::abi::constants::{CardState, Disposition, Protocols, ShareMode};
use crate::abi::hresult::Result;
use crate::attachment::{Attachment, ReconnectRequest, Reconnected};
use crate::iso7816::command::MAX_COMMAND;
use crate::resource_manager::MAX_ATTRIBUTE;
use crate::runtime::wait::SCM_INFINITE;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// A command of this length.
    Transmit(usize),
    /// A command with a limit.
    TransmitWithin(u32),
    Control,
    ControlTooLong,
    GetAttribute,
    SetAttribute,
    SetAttributeTooLong,
    Status,
    Lock,
    LockWithin(u32),
    Unlock(Disposition),
    Reconnect(ReconnectRequest),
    LastResponse,
    /// All that is known without a question: reader, ATR, generation, card handle, context.
    Properties,
    Close(Disposition),
}

/// The result of a call that succeeded.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Said {
    pub state: Option<CardState>,
    pub reconnected: Option<Reconnected>,
}

pub type Outcome = Result<Said>;

const LEAVE: Disposition = Disposition::Leave;
/// A limit that no test reaches.
const LIMIT_MS: u32 = 60_000;
const KEEP: ReconnectRequest =
    ReconnectRequest { share_mode: None, protocols: None, initial: LEAVE, limit_ms: SCM_INFINITE };

const fn share(share_mode: ShareMode) -> Call {
    Call::Reconnect(ReconnectRequest { share_mode: Some(share_mode), ..KEEP })
}

const fn speak(protocols: Protocols) -> Call {
    Call::Reconnect(ReconnectRequest { protocols: Some(protocols), ..KEEP })
}

const fn begin_with(initial: Disposition) -> Call {
    Call::Reconnect(ReconnectRequest { initial, ..KEEP })
}

pub const CALLS: &[Call] = &[
    Call::TRANSMIT,
    Call::TransmitWithin(LIMIT_MS),
    Call::Transmit(3),
    Call::Transmit(MAX_COMMAND + 1),
    Call::Control,
    Call::ControlTooLong,
    Call::GetAttribute,
    Call::SetAttribute,
    Call::SetAttributeTooLong,
    Call::Status,
    Call::Lock,
    Call::LockWithin(LIMIT_MS),
    Call::Unlock(LEAVE),
    Call::Unlock(Disposition::Reset),
    Call::Unlock(Disposition::Unpower),
    Call::Unlock(Disposition::Eject),
    Call::Reconnect(KEEP),
    Call::Reconnect(ReconnectRequest { limit_ms: LIMIT_MS, ..KEEP }),
    share(ShareMode::Shared),
    share(ShareMode::Exclusive),
    share(ShareMode::Direct),
    speak(Protocols::T0),
    speak(Protocols::T1),
    speak(Protocols::Any),
    speak(Protocols::Raw),
    begin_with(Disposition::Reset),
    begin_with(Disposition::Unpower),
    Call::LastResponse,
    Call::Properties,
    Call::Close(LEAVE),
    Call::Close(Disposition::Reset),
    Call::Close(Disposition::Unpower),
    Call::Close(Disposition::Eject),
];

static LONG: [u8; MAX_COMMAND + 1] = [0; MAX_COMMAND + 1];

fn nothing(_: &[u8]) -> Outcome {
    Ok(Said::default())
}

impl Call {
    /// An exchange with a valid command.
    pub const TRANSMIT: Call = Call::Transmit(4);

    /// A reconnect with a reset and a limit.
    pub fn reset_within_limit() -> Call {
        let mut requests = CALLS.iter().filter(|call| call.has_limit()).filter_map(|call| match call {
            Call::Reconnect(request) => Some(*request),
            _ => None,
        });
        Call::Reconnect(ReconnectRequest { initial: Disposition::Reset, ..requests.next().unwrap() })
    }

    pub fn make(self, attachment: &mut Attachment) -> Outcome {
        match self {
            Call::Transmit(length) => attachment.transmit(&LONG[..length], nothing),
            Call::TransmitWithin(limit_ms) => attachment.transmit_within(limit_ms, &LONG[..4], nothing),
            Call::Control => attachment.control(1, b"feature", nothing),
            Call::ControlTooLong => attachment.control(1, &LONG, nothing),
            Call::GetAttribute => attachment.get_attribute(1, nothing),
            Call::SetAttribute => attachment.set_attribute(1, b"value").and_then(|()| nothing(&[])),
            Call::SetAttributeTooLong => {
                attachment.set_attribute(1, &LONG[..=MAX_ATTRIBUTE]).and_then(|_| nothing(&[]))
            }
            Call::Status => attachment.status().map(|(state, _)| Said { state: Some(state), ..Said::default() }),
            Call::Lock => attachment.lock().and_then(|_| nothing(&[])),
            Call::LockWithin(limit_ms) => attachment.lock_within(limit_ms).and_then(|_| nothing(&[])),
            Call::Unlock(disposition) => attachment.unlock(disposition).and_then(|_| nothing(&[])),
            Call::Reconnect(request) => {
                attachment.reconnect(request).map(|which| Said { reconnected: Some(which), ..Said::default() })
            }
            Call::LastResponse => attachment.last_response(nothing),
            Call::Properties => {
                let (_, _, _) = (attachment.ifd(), attachment.atr(), attachment.generation());
                attachment.icc().and(attachment.context()).and_then(|_| nothing(&[]))
            }
            Call::Close(disposition) => {
                attachment.check_disposition(disposition)?;
                attachment.set_disposition(disposition);
                attachment.close().and_then(|_| nothing(&[]))
            }
        }
    }

    /// Whether its arguments are invalid: the limits in the documentation of `scm_transmit`, `scm_control`,
    /// `scm_set_attribute`.
    pub fn is_invalid(self) -> bool {
        match self {
            Call::Transmit(length) => !(4..=MAX_COMMAND).contains(&length),
            call => matches!(call, Call::ControlTooLong | Call::SetAttributeTooLong),
        }
    }

    /// Whether it makes no operation of the manager.
    pub fn asks_nobody(self) -> bool {
        self.is_invalid() || matches!(self, Call::LastResponse | Call::Properties)
    }

    /// Whether an exchange after it may take another path than one before it.
    pub fn changes_connection(self) -> bool {
        self.is_lock() || matches!(self, Call::Reconnect(_) | Call::Unlock(_))
    }

    /// Whether it has a limit.
    pub fn has_limit(self) -> bool {
        match self {
            Call::Reconnect(request) => request.limit_ms != SCM_INFINITE,
            call => matches!(call, Call::TransmitWithin(_) | Call::LockWithin(_)),
        }
    }

    /// Whether it sends a command to the card.
    pub fn is_exchange(self) -> bool {
        matches!(self, Call::Transmit(_) | Call::TransmitWithin(_))
    }

    /// Whether the service would answer it with the signal of a loss.
    pub fn meets_signals(self) -> bool {
        self.is_exchange() || self.is_lock() || self == Call::Status
    }

    /// Whether it takes a lock.
    pub fn is_lock(self) -> bool {
        matches!(self, Call::Lock | Call::LockWithin(_))
    }

    /// The disposition that it asks for.
    pub fn disposition(self) -> Disposition {
        match self {
            Call::Unlock(disposition) | Call::Close(disposition) => disposition,
            Call::Reconnect(request) => request.initial,
            _ => Disposition::Leave,
        }
    }
}

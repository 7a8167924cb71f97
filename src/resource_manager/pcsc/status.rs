//! The state of a card handle and of a reader.

use std::ffi::CStr;

use pcsc::ffi::{self, DWORD};

use super::constants::{protocol_from_native, state_from_native};
use super::native::ReaderState;
use super::stale_answers::QUESTIONS;
use super::{IS_PCSC_LITE, bounds, daemon_wait, fallback, native};
use crate::abi::constants::{CardState, Protocol};
use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::atr::Atr;
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::{Context, Icc, Identity, SlotState};

pub fn status(icc: Icc) -> Result<(CardState, Option<Protocol>)> {
    // With a protocol the connection is usable, whatever the array of reader states says: pcscd itself reports a lost
    // card.
    QUESTIONS.settled(|| ask_status(icc), |(_, protocol)| protocol.is_some())
}

fn ask_status(icc: Icc) -> Result<(CardState, Option<Protocol>)> {
    let asked = QUESTIONS.reading(|| native::status(icc)).map_err(without_connection);
    let (state, protocol) = fallback::if_lost(asked, || {
        let reader = fallback::reader_of(icc)?;
        Ok((reader.state, protocol_from_native(reader.protocol)))
    })?;
    let state = state_from_native(state);
    // pcsc-lite still reports the protocol of a removed card.
    let protocol = protocol.filter(|_| state != CardState::Absent);
    Ok((state, protocol))
}

/// SCardStatus of pcsc-lite asks the daemon, and no driver. So a communication error means that the connection to the
/// daemon is broken. A forwarder whose daemon has ended may close one direction of the connection before the other.
fn without_connection(code: Hresult) -> Hresult {
    match code {
        Hresult::SCARD_F_COMM_ERROR if IS_PCSC_LITE => Hresult::SCARD_E_NO_SERVICE,
        code => code,
    }
}

pub fn identify(icc: Icc) -> Result<Identity> {
    if !native::can_be_native(icc) {
        return Err(Hresult::SCARD_E_INVALID_HANDLE);
    }
    let asked = QUESTIONS.settled(|| ask_identity(icc), |_| false);
    fallback::if_lost(asked, || {
        let reader = fallback::reader_of(icc)?;
        let state = state_from_native(reader.state);
        Ok(Identity {
            ifd: reader.name,
            atr: reader.card().unwrap_or_default(),
            state,
            protocol: protocol_from_native(reader.protocol),
            events: reader.events,
        })
    })
}

fn ask_identity(icc: Icc) -> Result<Identity> {
    let status = QUESTIONS.reading(|| native::full_status(icc)).map_err(without_connection)?;
    let name = CStr::from_bytes_until_nul(&status.name).map_err(|_| bounds::IMPOSSIBLE)?;
    let state = state_from_native(status.state);
    let atr = if state == CardState::Absent { Atr::default() } else { status.atr };
    Ok(Identity {
        ifd: IfdName::new(name.to_bytes()).map_err(|_| bounds::IMPOSSIBLE)?,
        atr,
        state,
        protocol: status.protocol,
        // pcsc-lite counts insertions and removals in the upper half; elsewhere it is 0.
        events: (status.state >> 16) as u16,
    })
}

/// The reader as it is now.
pub fn slot_state(context: Context, ifd: &IfdName) -> Result<SlotState> {
    match daemon_wait::slot_state(context, ifd)? {
        Some(state) => Ok(state),
        None => QUESTIONS.settled(|| ask_slot_state(context, ifd, ffi::SCARD_STATE_UNAWARE, 0), |_| false),
    }
}

/// The reader, once its state differs from `seen`.
pub fn wait_for_change(context: Context, ifd: &IfdName, seen: &SlotState, timeout_ms: u32) -> Result<SlotState> {
    if let Some(wait) = daemon_wait::begin(context)? {
        return wait.wait_for_change(ifd, seen, timeout_ms);
    }
    let known = seen.native as DWORD & !ffi::SCARD_STATE_CHANGED;
    ask_slot_state(context, ifd, known, timeout_ms)
}

fn ask_slot_state(context: Context, ifd: &IfdName, known: DWORD, timeout_ms: u32) -> Result<SlotState> {
    let mut reader = ReaderState::new(ifd.as_c_str(), known);
    QUESTIONS.reading(|| native::get_status_change(context, std::slice::from_mut(&mut reader), timeout_ms))?;
    let state = reader.seen();
    if state & (ffi::SCARD_STATE_UNAVAILABLE | ffi::SCARD_STATE_UNKNOWN) != 0 {
        return Err(Hresult::SCARD_E_READER_UNAVAILABLE);
    }
    let card_present = state & ffi::SCARD_STATE_PRESENT != 0;
    let atr = if card_present { reader.atr() } else { Atr::default() };
    Ok(SlotState { card_present, atr, events: (state >> 16) as u16, native: state as u32 })
}

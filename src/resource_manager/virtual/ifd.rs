//! A virtual reader: its card, its use by card handles, and its counters.

use super::attribute::Attributes;
use super::card::{Power, VirtualCard};
use super::driver::Driver;
use super::failure::Failures;
use super::log::Log;
use crate::abi::constants::{CardState, Protocol, Protocols};
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::{SlotState, Usage};
use crate::runtime::fallible::Arc;

pub struct Ifd {
    pub name: IfdName,
    pub vendor: IfdName,
    pub attributes: Attributes,
    pub driver: Arc<Driver>,
    pub slot: Option<Slot>,
    /// How many live card handles lead to it.
    pub connections: usize,
    /// The card handle that has a transaction, and how often it has begun one.
    pub transaction: Option<(usize, u32)>,
    /// The card handle that has exclusive use.
    pub exclusive: Option<usize>,
    /// Incremented when a card is inserted or removed.
    pub events: u16,
    /// Incremented when the state of the reader or its card changes.
    pub changes: u32,
    /// Incremented when its card is reset.
    pub resets: u16,
    pub failures: Failures,
    pub log: Log,
}

/// Everything that makes a reader, without its name.
pub struct Make {
    pub vendor: IfdName,
    pub attributes: Attributes,
    pub driver: Arc<Driver>,
    pub log_capacity: usize,
}

/// A card in its reader.
pub struct Slot {
    pub card: Arc<VirtualCard>,
    /// The protocol that was selected since the last reset.
    pub protocol: Option<Protocol>,
}

impl Ifd {
    pub fn new(name: IfdName, make: Make) -> Result<Ifd> {
        let Make { vendor, attributes, driver, log_capacity } = make;
        let (log, failures) = (Log::new(log_capacity)?, Failures::default());
        let (slot, connections, transaction, exclusive, events, changes, resets) = (None, 0, None, None, 0, 0, 0);
        Ok(Ifd {
            name,
            vendor,
            attributes,
            driver,
            slot,
            connections,
            transaction,
            exclusive,
            events,
            changes,
            resets,
            failures,
            log,
        })
    }

    pub fn card(&self) -> Result<Arc<VirtualCard>> {
        let slot = self.slot.as_ref().ok_or(Hresult::SCARD_E_NO_SMARTCARD)?;
        Ok(slot.card.clone())
    }

    pub fn holds(&self, card: &Arc<VirtualCard>) -> bool {
        self.slot.as_ref().is_some_and(|slot| Arc::is_same(&slot.card, card))
    }

    pub fn state(&self) -> CardState {
        match self.slot.as_ref().map(|slot| slot.card.power()) {
            None => CardState::Absent,
            Some(Power::Off) => CardState::Present,
            Some(Power::Mute) => CardState::Swallowed,
            Some(Power::On) => CardState::NegotiableMode,
        }
    }

    pub fn protocol(&self) -> Option<Protocol> {
        self.slot.as_ref().and_then(|slot| slot.protocol)
    }

    /// The protocol for an application that accepts `wanted`. The first connection after a reset selects it for all.
    pub fn agree(&mut self, wanted: Protocols) -> Result<Protocol> {
        let slot = self.slot.as_mut().ok_or(Hresult::SCARD_E_NO_SMARTCARD)?;
        let offer = slot.card.offer().ok_or(Hresult::SCARD_W_UNSUPPORTED_CARD)?;
        let agreed = match slot.protocol {
            Some(protocol) => Some(protocol).filter(|protocol| wanted.accept(*protocol)),
            None => offer.choose(wanted),
        };
        let protocol = agreed.ok_or(Hresult::SCARD_E_PROTO_MISMATCH)?;
        slot.protocol = Some(protocol);
        Ok(protocol)
    }

    /// Counts an insertion or a removal.
    pub fn count_event(&mut self) {
        self.events = self.events.wrapping_add(1);
        self.changes = self.changes.wrapping_add(1);
    }

    pub fn slot_state(&self) -> SlotState {
        let atr = self.slot.as_ref().map(|slot| slot.card.atr).unwrap_or_default();
        SlotState { card_present: self.slot.is_some(), atr, events: self.events, native: self.changes }
    }

    pub fn usage(&self) -> Usage {
        match (self.exclusive, self.connections) {
            (Some(_), _) => Usage::Exclusive,
            (None, 0) => Usage::Free,
            (None, _) => Usage::Shared,
        }
    }

    /// Whether a card handle other than `icc` has a transaction.
    pub fn is_locked_against(&self, icc: usize) -> bool {
        self.transaction.is_some_and(|(holder, _)| holder != icc)
    }

    /// After a reset the protocol is selected again.
    pub fn unset_protocol(&mut self) {
        if let Some(slot) = &mut self.slot {
            slot.protocol = None;
        }
    }

    /// Ends one transaction of `icc`; it may have begun several.
    pub fn end_transaction(&mut self, icc: usize) {
        self.transaction = match self.transaction {
            Some((holder, depth)) if holder == icc => Some((icc, depth - 1)).filter(|(_, depth)| *depth > 0),
            other => other,
        };
    }

    /// Ends all use of the reader by `icc`.
    pub fn give_up(&mut self, icc: usize) {
        if self.transaction.is_some_and(|(holder, _)| holder == icc) {
            self.transaction = None;
        }
        if self.exclusive == Some(icc) {
            self.exclusive = None;
        }
    }
}

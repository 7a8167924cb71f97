//! The calls of attachments, as PC/SC defines them and pcscd implements them. Where pcscd polls, these calls sleep
//! until something changes.

use super::attribute;
use super::card::{Callee, Power, PowerEvent, VirtualCard, mute};
use super::ifd::Ifd;
use super::manager::{LockedManager, Manager, lock, stopped, wait, wait_until};
use crate::abi::constants::{Access, CardState, Disposition, Protocol, ShareMode};
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::{Context, Icc, Identity, MAX_ATTRIBUTE, SlotState};
use crate::runtime::fallible::Arc;
use crate::runtime::wait::{WaitLimit, deadline, is_past};

/// The reader of this name.
pub fn find(context: Context, name: &IfdName) -> Result<usize> {
    let manager = lock();
    manager.check_context(context.0)?;
    manager.ifd_named(name).ok_or(Hresult::SCARD_E_UNKNOWN_READER)
}

/// The reader of a card handle, which may have been unplugged.
pub fn ifd_behind(icc: Icc) -> Result<usize> {
    lock().connection(icc.0).map(|connection| connection.ifd)
}

pub fn connect(context: Context, ifd: usize, access: Access, limit: &WaitLimit) -> Result<(Icc, Option<Protocol>)> {
    let mut manager = lock();
    loop {
        manager.check_context(context.0)?;
        let reader = manager.ifds.get(ifd).ok_or(Hresult::SCARD_E_READER_UNAVAILABLE)?;
        if reader.exclusive.is_some() {
            return Err(Hresult::SCARD_E_SHARING_VIOLATION);
        }
        if reader.transaction.is_some() {
            manager = wait(manager, limit)?;
            manager.check_context(context.0).map_err(interrupted)?;
            continue;
        }
        let Some(card) = unpowered_card(&manager, ifd, access)? else { break };
        drop(manager);
        power_up(ifd, &card)?;
        // This may be the last reference to a removed card. Its end calls the program, so no lock is held.
        drop(card);
        manager = lock();
    }
    let icc = manager.add_connection(context.0, ifd)?;
    match claim(&mut manager, icc, access) {
        Ok(protocol) => Ok((Icc(icc), protocol)),
        Err(code) => manager.forget(icc).and(Err(code)),
    }
}

pub fn reconnect(icc: Icc, access: Access, initial: Disposition, limit: &WaitLimit) -> Result<Option<Protocol>> {
    drop(when_unlocked(icc, limit)?);
    match initial {
        Disposition::Leave | Disposition::Eject => {}
        Disposition::Reset => power_cycle(icc, &[PowerEvent::Reset])?,
        Disposition::Unpower => power_cycle(icc, &[PowerEvent::Off, PowerEvent::On])?,
    }
    let mut manager = when_unlocked(icc, limit)?;
    loop {
        // As with pcscd, the power stays off until an application asks for it.
        if access.share_mode != ShareMode::Direct && manager.ifd_of(icc.0)?.card()?.power() == Power::Mute {
            return Err(mute());
        }
        match claim(&mut manager, icc.0, access) {
            Err(Hresult::SCARD_E_SHARING_VIOLATION) => {}
            taken => return taken,
        }
        drop(wait(manager, limit)?);
        manager = when_unlocked(icc, limit)?;
    }
}

/// Connects a card handle to the reader, and acknowledges its signals.
fn claim(manager: &mut Manager, icc: usize, access: Access) -> Result<Option<Protocol>> {
    let reader = manager.ifd_of(icc)?;
    let protocol = match access.share_mode {
        ShareMode::Direct => reader.protocol(),
        _ => Some(reader.agree(access.protocols)?),
    };
    let in_use = manager.is_shared(icc)?;
    let reader = manager.ifd_of(icc)?;
    if access.share_mode == ShareMode::Exclusive {
        if in_use {
            return Err(Hresult::SCARD_E_SHARING_VIOLATION);
        }
        reader.exclusive = Some(icc);
    } else if reader.exclusive == Some(icc) {
        reader.exclusive = None;
    }
    manager.acknowledge(icc);
    Ok(protocol)
}

/// The card, if it has to be powered before its use with `access`.
fn unpowered_card(manager: &Manager, ifd: usize, access: Access) -> Result<Option<Arc<VirtualCard>>> {
    if access.share_mode == ShareMode::Direct {
        return Ok(None);
    }
    let card = manager.ifds.get(ifd).ok_or(Hresult::SCARD_E_READER_UNAVAILABLE)?.card()?;
    Ok(Some(card).filter(|card| card.power() != Power::On))
}

/// Powers a card, unless another thread has done so, the card was removed, or the service has stopped.
pub fn power_up(ifd: usize, card: &Arc<VirtualCard>) -> Result<()> {
    let powered = card.alone(|alone| {
        let is_served = {
            let manager = lock();
            manager.runs && manager.ifds.get(ifd).is_some_and(|ifd| ifd.holds(card))
        };
        if is_served && card.power() != Power::On {
            return alone.power(PowerEvent::On);
        }
        Ok(())
    })?;
    powered.unwrap_or(Ok(()))
}

/// A handle without a card or reader can be disconnected. Without a service this fails, and as with libpcsclite the
/// handle stays known until its context is released. A removed card is not reset, nor is a card that was inserted
/// later.
pub fn disconnect(icc: Icc, disposition: Disposition) -> Result<()> {
    let events: &[PowerEvent] = match disposition {
        Disposition::Leave | Disposition::Eject => &[],
        Disposition::Reset => &[PowerEvent::Reset],
        Disposition::Unpower => &[PowerEvent::Off],
    };
    let disposed = if events.is_empty() { Ok(()) } else { dispose(icc, events) };
    let mut manager = lock();
    if manager.connection(icc.0)?.failure == Some(Hresult::SCARD_E_NO_SERVICE) {
        return Err(stopped());
    }
    manager.forget(icc.0)?;
    match disposed {
        Err(Hresult::SCARD_E_NOT_READY) => disposed,
        _ => Ok(()),
    }
}

fn dispose(icc: Icc, events: &[PowerEvent]) -> Result<()> {
    if when_unlocked(icc, &WaitLimit::ENDLESS)?.has_lost_its_card(icc.0) {
        return Ok(());
    }
    power_cycle(icc, events)
}

pub fn begin(icc: Icc, limit: &WaitLimit) -> Result<()> {
    let mut manager = lock();
    manager.connection(icc.0)?.check_signal()?;
    loop {
        let reader = manager.ifd_of(icc.0).map_err(interrupted)?;
        match &mut reader.transaction {
            None => reader.transaction = Some((icc.0, 1)),
            Some((holder, depth)) if *holder == icc.0 => *depth += 1,
            Some(_) => {
                manager = wait(manager, limit)?;
                manager.connection(icc.0)?.check_signal().map_err(interrupted)?;
                continue;
            }
        }
        return Ok(());
    }
}

pub fn end(icc: Icc, disposition: Disposition) -> Result<()> {
    {
        let mut manager = lock();
        if let Err(signal) = manager.connection(icc.0)?.check_signal() {
            let reader = manager.ifd_of(icc.0)?;
            if reader.state() == CardState::Swallowed {
                // pcscd keeps the transaction. But here no reconnect acknowledges the signal before the card answers
                // again.
                reader.end_transaction(icc.0);
                manager.announce();
            }
            return Err(signal);
        }
        match manager.ifd_of(icc.0)?.transaction {
            None => return Err(Hresult::SCARD_E_NOT_TRANSACTED),
            Some((holder, _)) if holder != icc.0 => return Err(Hresult::SCARD_E_SHARING_VIOLATION),
            Some(_) => {}
        }
    }
    // The transaction ends, whatever happens to the card.
    let disposed = match disposition {
        Disposition::Leave => Ok(()),
        Disposition::Reset => power_cycle(icc, &[PowerEvent::Reset]),
        Disposition::Unpower => power_cycle(icc, &[PowerEvent::Off, PowerEvent::On]),
        Disposition::Eject => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
    };
    let mut manager = lock();
    if let Ok(reader) = manager.ifd_of(icc.0) {
        reader.end_transaction(icc.0);
    }
    manager.announce();
    disposed.map_err(|code| match code {
        Hresult::SCARD_E_NO_SMARTCARD => Hresult::SCARD_W_REMOVED_CARD,
        code => code,
    })
}

pub fn identify(icc: Icc, limit: &WaitLimit) -> Result<Identity> {
    let mut manager = when_unlocked(icc, limit)?;
    manager.connection(icc.0)?.check_signal()?;
    let reader = manager.ifd_of(icc.0)?;
    let SlotState { atr, events, .. } = reader.slot_state();
    Ok(Identity { ifd: reader.name, atr, state: reader.state(), protocol: reader.protocol(), events })
}

pub fn transmit(icc: Icc, protocol: Protocol, command: &[u8], response: &mut Vec<u8>) -> Result<()> {
    response.clear();
    let speaking = |manager: &mut Manager| speaking_card(manager, icc, protocol);
    let lock_for = |icc| when_unlocked(icc, &WaitLimit::ENDLESS);
    exchange(icc, lock_for, speaking, |card| {
        let sent = card.transmit(command, response);
        // An event of the card during the exchange is an error of the exchange.
        lock().connection(icc.0)?.check_signal().map_err(interrupted)?;
        sent
    })
}

/// Does not check for signals, as in pcscd: it concerns the reader. A code that the driver does not know goes to the
/// card.
pub fn control(icc: Icc, code: u32, input: &[u8], response: &mut Vec<u8>) -> Result<()> {
    response.clear();
    match control_reader(icc, code, input, response) {
        Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE) => {}
        answered => return answered,
    }
    let present = |manager: &mut Manager| {
        let card = manager.ifd_of(icc.0)?.card();
        card.map_err(|_| Hresult::SCARD_E_UNSUPPORTED_FEATURE)
    };
    exchange(icc, if_unlocked, present, |card| card.control(code, input, response))
}

fn control_reader(icc: Icc, code: u32, input: &[u8], response: &mut Vec<u8>) -> Result<()> {
    loop {
        let driver = if_unlocked(icc)?.ifd_of(icc.0)?.driver.clone();
        if !driver.has_control() {
            return Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE);
        }
        // Another thread may have called the driver first, and the reader may have changed.
        let may_begin = || if_unlocked(icc).map(drop).map_err(interrupted);
        if driver.control(code, input, response, may_begin)?.is_some() {
            // An event of the reader during the call is an error of the call.
            return lock().ifd_of(icc.0).map(drop).map_err(interrupted);
        }
    }
}

/// Whether another card handle has a transaction. If not, a signal is an error.
pub fn is_locked_by_other(icc: Icc) -> Result<bool> {
    let mut manager = lock();
    if manager.ifd_of(icc.0)?.is_locked_against(icc.0) {
        return Ok(true);
    }
    manager.connection(icc.0)?.check_signal().map(|()| false)
}

/// Calls the card that `find` finds, when no other card handle has a transaction.
fn exchange(
    icc: Icc,
    lock_for: impl Fn(Icc) -> Result<LockedManager>,
    find: impl Fn(&mut Manager) -> Result<Arc<VirtualCard>>,
    mut work: impl FnMut(&Callee<'_>) -> Result<()>,
) -> Result<()> {
    loop {
        let card = find(&mut *lock_for(icc)?)?;
        let done = card.alone(|alone| -> Result<_> {
            let mut manager = lock();
            let locked = manager.ifd_of(icc.0).map_err(interrupted)?.is_locked_against(icc.0);
            if locked || !Arc::is_same(&find(&mut manager)?, &card) {
                // Another thread has called the card first, and the reader has changed.
                return Ok(None);
            }
            drop(manager);
            Ok(Some(work(alone)))
        })?;
        if let Some(Some(done)) = done.transpose()? {
            return done;
        }
    }
}

/// The card, if it is powered and speaks this protocol.
fn speaking_card(manager: &mut Manager, icc: Icc, protocol: Protocol) -> Result<Arc<VirtualCard>> {
    manager.connection(icc.0)?.check_signal()?;
    let reader = manager.ifd_of(icc.0)?;
    let card = reader.card()?;
    match card.power() {
        Power::On if reader.protocol() == Some(protocol) => Ok(card),
        Power::On => Err(Hresult::SCARD_E_PROTO_MISMATCH),
        Power::Off => Err(Hresult::SCARD_W_UNPOWERED_CARD),
        Power::Mute => Err(mute()),
    }
}

pub fn get_attribute(icc: Icc, id: u32, value: &mut [u8; MAX_ATTRIBUTE]) -> Result<usize> {
    let mut manager = if_unlocked(icc)?;
    manager.connection(icc.0)?.check_signal()?;
    attribute::read(manager.ifd_of(icc.0)?, id, value)
}

/// As in pcscd, an empty value does not reach the driver.
pub fn set_attribute(icc: Icc, id: u32, value: &[u8]) -> Result<()> {
    if value.is_empty() {
        return Err(Hresult::SCARD_E_INVALID_PARAMETER);
    }
    let mut manager = if_unlocked(icc)?;
    manager.connection(icc.0)?.check_signal()?;
    manager.ifd_of(icc.0)?.attributes.set(id, value)
}

pub fn find_slot_state(context: Context, name: &IfdName) -> Result<SlotState> {
    let manager = lock();
    slot_state_of(&manager, context, name)
}

pub fn wait_for_change(context: Context, name: &IfdName, seen: &SlotState, timeout_ms: u32) -> Result<SlotState> {
    let end = deadline(timeout_ms);
    let mut manager = lock();
    loop {
        let now = slot_state_of(&manager, context, name)?;
        if now.native != seen.native {
            return Ok(now);
        }
        if is_past(end) {
            return Err(Hresult::SCARD_E_TIMEOUT);
        }
        manager = wait_until(manager, end);
    }
}

fn slot_state_of(manager: &Manager, context: Context, name: &IfdName) -> Result<SlotState> {
    manager.check_context(context.0)?;
    let ifd = manager.ifd_named(name).and_then(|ifd| manager.ifds.get(ifd));
    ifd.map(Ifd::slot_state).ok_or(Hresult::SCARD_E_READER_UNAVAILABLE)
}

/// Waits until no other card handle has a transaction on the reader.
fn when_unlocked(icc: Icc, limit: &WaitLimit) -> Result<LockedManager> {
    let mut manager = lock();
    let mut locked = manager.ifd_of(icc.0)?.is_locked_against(icc.0);
    while locked {
        manager = wait(manager, limit)?;
        locked = manager.ifd_of(icc.0).map_err(interrupted)?.is_locked_against(icc.0);
    }
    Ok(manager)
}

/// Fails if another card handle has a transaction on the reader.
fn if_unlocked(icc: Icc) -> Result<LockedManager> {
    let mut manager = lock();
    if manager.ifd_of(icc.0)?.is_locked_against(icc.0) {
        return Err(Hresult::SCARD_E_SHARING_VIOLATION);
    }
    Ok(manager)
}

/// The code of a call during which the service stops; a later call gets NO_SERVICE.
fn interrupted(code: Hresult) -> Hresult {
    match code {
        Hresult::SCARD_E_NO_SERVICE => Hresult::SCARD_F_COMM_ERROR,
        code => code,
    }
}

/// Resets the card and signals it to all card handles. As with pcscd, that includes the caller's own, until a reconnect
/// acknowledges it.
fn power_cycle(icc: Icc, events: &[PowerEvent]) -> Result<()> {
    loop {
        let (ifd, card) = {
            let mut manager = lock();
            (manager.connection(icc.0)?.ifd, manager.ifd_of(icc.0)?.card()?)
        };
        let done = card.alone(|alone| -> Result<_> {
            let mut manager = lock();
            let reader = manager.ifd_of(icc.0).map_err(interrupted)?;
            if !reader.holds(&card) {
                return Ok(false);
            }
            reader.unset_protocol();
            manager.signal(ifd, Hresult::SCARD_W_RESET_CARD);
            drop(manager);
            events.iter().try_for_each(|event| alone.power(*event))?;
            Ok(true)
        })?;
        if done.transpose()? == Some(true) {
            return Ok(());
        }
    }
}

//! The calls of attachments, as PC/SC defines them and pcscd answers them. Where pcscd polls, these wait to be woken.

use std::time::{Duration, Instant};

use super::attribute;
use super::card::{this_thread, Callee, Card, Power, PowerEvent};
use super::ifd::Ifd;
use super::manager::{lock, wait, wait_at_most, Connection, Locked, Manager};
use super::note_power;
use crate::hresult::{Hresult, Result};
use crate::ifd_name::IfdName;
use crate::shared::Shared;
use crate::subsystem::{Context, Icc, Identity, Sight, MAX_ATTRIBUTE};
use crate::type_library::{Access, Disposition, Protocol, ShareMode};

/// The reader of this name.
pub fn find(context: Context, name: &IfdName) -> Result<usize> {
    let manager = lock();
    manager.check_context(context.0)?;
    manager.ifd_named(name).ok_or(Hresult::SCARD_E_UNKNOWN_READER)
}

/// The reader that a card handle was connected to, which may be gone.
pub fn ifd_behind(icc: Icc) -> Result<usize> {
    lock().connection(icc.0).map(|connection| connection.ifd)
}

pub fn connect(context: Context, ifd: usize, access: Access) -> Result<(Icc, Option<Protocol>)> {
    let mut manager = lock();
    loop {
        manager.check_context(context.0)?;
        let reader = manager.ifds.get(ifd).ok_or(Hresult::SCARD_E_READER_UNAVAILABLE)?;
        if reader.exclusive.is_some() {
            return Err(Hresult::SCARD_E_SHARING_VIOLATION);
        }
        if reader.transaction.is_some() {
            manager = wait(manager);
            manager.check_context(context.0).map_err(cut_short)?;
            continue;
        }
        let Some(card) = unpowered_card(&manager, ifd, access)? else { break };
        drop(manager);
        power_up(ifd, &card)?;
        manager = lock();
    }
    let icc = manager.new_number();
    manager.connections.insert(icc, Connection::new(context.0, ifd))?;
    match take(&mut manager, icc, access) {
        Ok(protocol) => Ok((Icc(icc), protocol)),
        Err(code) => manager.forget(icc).and(Err(code)),
    }
}

pub fn reconnect(icc: Icc, access: Access, initial: Disposition) -> Result<Option<Protocol>> {
    drop(turn(icc)?);
    match initial {
        Disposition::Leave | Disposition::Eject => {}
        Disposition::Reset => cycle(icc, &[PowerEvent::Reset])?,
        Disposition::Unpower => cycle(icc, &[PowerEvent::Off, PowerEvent::On])?,
    }
    let mut manager = turn(icc)?;
    let reader = manager.ifd_of(icc.0)?;
    // As in pcscd, the power stays off until it is asked for.
    if access.share_mode != ShareMode::Direct && reader.card()?.power() == Power::Mute {
        return Err(Hresult::SCARD_W_UNRESPONSIVE_CARD);
    }
    let ifd = manager.connection(icc.0)?.ifd;
    while access.share_mode == ShareMode::Exclusive && manager.others_on(ifd, Some(icc.0)) > 0 {
        drop(wait(manager));
        manager = turn(icc)?;
    }
    take(&mut manager, icc.0, access)
}

/// Gives the reader to a card handle, whose signals end here.
fn take(manager: &mut Manager, icc: usize, access: Access) -> Result<Option<Protocol>> {
    let reader = manager.ifd_of(icc)?;
    let protocol = match access.share_mode {
        ShareMode::Direct => reader.protocol(),
        _ => Some(reader.agree(access.protocols)?),
    };
    let ifd = manager.connection(icc)?.ifd;
    let in_use = manager.others_on(ifd, Some(icc)) > 0;
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

/// The card that has to be powered before it can be used with `access`.
fn unpowered_card(manager: &Manager, ifd: usize, access: Access) -> Result<Option<Shared<Card>>> {
    if access.share_mode == ShareMode::Direct {
        return Ok(None);
    }
    let card = manager.ifds.get(ifd).ok_or(Hresult::SCARD_E_READER_UNAVAILABLE)?.card()?;
    Ok(Some(card).filter(|card| card.power() != Power::On))
}

/// Powers a card, unless another thread was quicker.
pub fn power_up(ifd: usize, card: &Card) -> Result<()> {
    card.alone(|alone| {
        if card.power() == Power::On {
            return Ok(());
        }
        let powered = alone.power(PowerEvent::On);
        note_power(ifd, PowerEvent::On, &powered);
        powered
    })?
}

/// That there is nothing left to disconnect from is no error, but that there is no service is. A card that was taken out
/// is not disposed of, nor is the one that has come after it.
pub fn disconnect(icc: Icc, disposition: Disposition) -> Result<()> {
    let events: &[PowerEvent] = match disposition {
        Disposition::Leave | Disposition::Eject => &[],
        Disposition::Reset => &[PowerEvent::Reset],
        Disposition::Unpower => &[PowerEvent::Off],
    };
    if !events.is_empty() && turn(icc).is_ok_and(|manager| !manager.has_lost_its_card(icc.0)) {
        let _ = cycle(icc, events);
    }
    let mut manager = lock();
    let trouble = manager.connection(icc.0)?.trouble;
    manager.forget(icc.0)?;
    trouble.filter(|code| *code == Hresult::SCARD_E_NO_SERVICE).map_or(Ok(()), Err)
}

pub fn begin(icc: Icc) -> Result<()> {
    let mut manager = lock();
    manager.connection(icc.0)?.untroubled()?;
    loop {
        let reader = manager.ifd_of(icc.0).map_err(cut_short)?;
        match &mut reader.transaction {
            None => reader.transaction = Some((icc.0, 1)),
            Some((holder, depth)) if *holder == icc.0 => *depth += 1,
            Some(_) => {
                manager = wait(manager);
                manager.connection(icc.0)?.untroubled().map_err(cut_short)?;
                continue;
            }
        }
        return Ok(());
    }
}

pub fn end(icc: Icc, disposition: Disposition) -> Result<()> {
    {
        let mut manager = lock();
        manager.connection(icc.0)?.untroubled()?;
        match manager.ifd_of(icc.0)?.transaction {
            None => return Err(Hresult::SCARD_E_NOT_TRANSACTED),
            Some((holder, _)) if holder != icc.0 => return Err(Hresult::SCARD_E_SHARING_VIOLATION),
            Some(_) => {}
        }
    }
    // The transaction ends whatever becomes of the card.
    let disposed = match disposition {
        Disposition::Leave => Ok(()),
        Disposition::Reset => cycle(icc, &[PowerEvent::Reset]),
        Disposition::Unpower => cycle(icc, &[PowerEvent::Off, PowerEvent::On]),
        Disposition::Eject => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
    };
    let mut manager = lock();
    if let Ok(reader) = manager.ifd_of(icc.0) {
        reader.end_transaction(icc.0);
    }
    manager.announce();
    disposed
}

pub fn identify(icc: Icc) -> Result<Identity> {
    let mut manager = turn(icc)?;
    manager.connection(icc.0)?.untroubled()?;
    let reader = manager.ifd_of(icc.0)?;
    let Sight { atr, events, .. } = reader.sight();
    Ok(Identity { ifd: reader.name, atr, state: reader.state(), protocol: reader.protocol(), events })
}

pub fn transmit(icc: Icc, protocol: Protocol, command: &[u8], response: &mut Vec<u8>) -> Result<()> {
    response.clear();
    let speaking = |manager: &mut Manager| speaking_card(manager, icc, protocol);
    exchange(icc, turn, speaking, |card| {
        let sent = card.transmit(command, response);
        // What happened to the card meanwhile happened to the exchange.
        lock().connection(icc.0)?.untroubled().map_err(cut_short)?;
        sent
    })
}

/// Does not ask for signals, as in pcscd: it is about the reader.
pub fn control(icc: Icc, code: u32, input: &[u8], response: &mut Vec<u8>) -> Result<()> {
    response.clear();
    let present = |manager: &mut Manager| {
        let card = manager.ifd_of(icc.0)?.card();
        card.map_err(|_| Hresult::SCARD_E_UNSUPPORTED_FEATURE)
    };
    exchange(icc, turn_now, present, |card| card.control(code, input, response))
}

/// Calls the card that `find` finds, when it is this handle's turn.
fn exchange(
    icc: Icc,
    turn: fn(Icc) -> Result<Locked>,
    find: impl Fn(&mut Manager) -> Result<Shared<Card>>,
    mut work: impl FnMut(&Callee<'_>) -> Result<()>,
) -> Result<()> {
    loop {
        let card = find(&mut *turn(icc)?)?;
        let done = card.alone(|alone| -> Result<_> {
            let mut manager = lock();
            let locked = manager.ifd_of(icc.0).map_err(cut_short)?.is_locked_against(icc.0);
            if locked || !Shared::is_same(&find(&mut manager)?, &card) {
                // Another was first, and things have changed.
                return Ok(None);
            }
            let calling = Calling::begin(manager, icc);
            let done = work(alone);
            drop(calling);
            Ok(Some(done))
        })??;
        if let Some(done) = done {
            return done;
        }
    }
}

/// The card, if it can answer in this protocol.
fn speaking_card(manager: &mut Manager, icc: Icc, protocol: Protocol) -> Result<Shared<Card>> {
    manager.connection(icc.0)?.untroubled()?;
    let reader = manager.ifd_of(icc.0)?;
    let card = reader.card()?;
    match card.power() {
        Power::On if reader.protocol() == Some(protocol) => Ok(card),
        Power::On => Err(Hresult::SCARD_E_PROTO_MISMATCH),
        Power::Off => Err(Hresult::SCARD_W_UNPOWERED_CARD),
        Power::Mute => Err(Hresult::SCARD_W_UNRESPONSIVE_CARD),
    }
}

pub fn get_attribute(icc: Icc, id: u32, value: &mut [u8; MAX_ATTRIBUTE]) -> Result<usize> {
    let mut manager = turn_now(icc)?;
    manager.connection(icc.0)?.untroubled()?;
    attribute::read(manager.ifd_of(icc.0)?, id, value)
}

/// There is none that can be set. As pcscd has it: it passes no empty value on, and does not ask why a driver refuses.
pub fn set_attribute(icc: Icc, value: &[u8]) -> Result<()> {
    if value.is_empty() {
        return Err(Hresult::SCARD_E_INVALID_PARAMETER);
    }
    turn_now(icc)?.connection(icc.0)?.untroubled()?;
    Err(Hresult::SCARD_E_NOT_TRANSACTED)
}

pub fn look(context: Context, name: &IfdName) -> Result<Sight> {
    let manager = lock();
    sight(&manager, context, name)
}

pub fn wait_for_change(context: Context, name: &IfdName, seen: &Sight, timeout_ms: u32) -> Result<Sight> {
    let start = Instant::now();
    let limit = Duration::from_millis(timeout_ms.into());
    let mut manager = lock();
    loop {
        let now = sight(&manager, context, name)?;
        if now.native != seen.native {
            return Ok(now);
        }
        let rest = limit.saturating_sub(start.elapsed());
        if rest.is_zero() {
            return Err(Hresult::SCARD_E_TIMEOUT);
        }
        manager = wait_at_most(manager, rest);
    }
}

fn sight(manager: &Manager, context: Context, name: &IfdName) -> Result<Sight> {
    manager.check_context(context.0)?;
    let ifd = manager.ifd_named(name).and_then(|ifd| manager.ifds.get(ifd));
    ifd.map(Ifd::sight).ok_or(Hresult::SCARD_E_READER_UNAVAILABLE)
}

/// The manager, once no other card handle has a transaction on the reader.
fn turn(icc: Icc) -> Result<Locked> {
    let mut manager = lock();
    let mut locked = manager.ifd_of(icc.0)?.is_locked_against(icc.0);
    while locked {
        manager = wait(manager);
        locked = manager.ifd_of(icc.0).map_err(cut_short)?.is_locked_against(icc.0);
    }
    Ok(manager)
}

/// The manager, unless another card handle has a transaction on the reader.
fn turn_now(icc: Icc) -> Result<Locked> {
    let mut manager = lock();
    if manager.ifd_of(icc.0)?.is_locked_against(icc.0) {
        return Err(Hresult::SCARD_E_SHARING_VIOLATION);
    }
    Ok(manager)
}

/// A call that was under way when the service stopped is broken off; those that come later know that it is gone.
fn cut_short(code: Hresult) -> Hresult {
    match code {
        Hresult::SCARD_E_NO_SERVICE => Hresult::SCARD_F_COMM_ERROR,
        code => code,
    }
}

/// Resets the card, and tells everyone: as with pcscd, also who did it, until that is acknowledged by a reconnect.
fn cycle(icc: Icc, events: &[PowerEvent]) -> Result<()> {
    loop {
        let mut manager = lock();
        let ifd = manager.connection(icc.0)?.ifd;
        let card = manager.ifd_of(icc.0)?.card()?;
        drop(manager);
        let done = card.alone(|alone| -> Result<_> {
            let mut manager = lock();
            let reader = manager.ifd_of(icc.0).map_err(cut_short)?;
            if !reader.holds(&card) {
                return Ok(false);
            }
            reader.unset_protocol();
            manager.signal(ifd, Hresult::SCARD_W_RESET_CARD);
            let calling = Calling::begin(manager, icc);
            let done = events.iter().try_for_each(|event| {
                let done = alone.power(*event);
                note_power(ifd, *event, &done);
                done
            });
            drop(calling);
            done.map(|()| true)
        })??;
        if done {
            return Ok(());
        }
    }
}

/// This thread is in a callback on behalf of a card handle, as long as this lives.
struct Calling(Icc);

impl Calling {
    fn begin(mut manager: Locked, icc: Icc) -> Calling {
        manager.set_calling(icc.0, this_thread());
        Calling(icc)
    }
}

impl Drop for Calling {
    fn drop(&mut self) {
        lock().set_calling(self.0 .0, 0);
    }
}

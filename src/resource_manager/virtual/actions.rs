//! Actions of a program on its virtual readers: it plugs and unplugs them, inserts and removes cards, resets cards,
//! and stops and starts the service.

use super::calls::power_up;
use super::card::{PowerEvent, VirtualCard};
use super::driver::Driver;
use super::failure::Failure;
use super::ifd::{Ifd, Make, Slot};
use super::manager::{lock, stopped};
use crate::abi::cause::refuse;
use crate::abi::constants::Disposition;
use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::apdu_text::Hex;
use crate::resource_manager::ifd_name::IfdName;
use crate::runtime::fallible::Arc;

/// The number of a virtual reader.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IfdNumber(usize);

/// Adds a reader with this name.
pub fn create(name: IfdName, make: Make) -> Result<IfdNumber> {
    let ifd = Ifd::new(name, make)?;
    let mut manager = lock();
    if manager.ifd_named(&name).is_some() {
        return Err(Hresult::SCARD_E_DUPLICATE_READER);
    }
    let number = manager.add_ifd(ifd)?;
    manager.announce_to_all();
    Ok(IfdNumber(number))
}

/// Unplugs the reader, with the card in it.
pub fn destroy(ifd: IfdNumber) -> Result<()> {
    let mut manager = lock();
    let gone = manager.remove_ifd(ifd.0)?;
    manager.signal(ifd.0, Hresult::SCARD_E_READER_UNAVAILABLE);
    drop(manager);
    gone.driver.interrupt();
    if let Some(slot) = gone.slot {
        turn_off(&slot.card);
    }
    Ok(())
}

/// Inserts a card and powers it. After a failure the card still belongs to the caller.
pub fn insert(ifd: IfdNumber, card: VirtualCard) -> Result<()> {
    let card = Arc::try_new(card)?;
    let mut manager = lock();
    let reader = manager.ifd(ifd.0)?;
    if reader.slot.is_some() {
        return Err(Hresult::SCARD_E_NOT_READY);
    }
    card.keep(ifd.0);
    reader.slot = Some(Slot { card: card.clone(), protocol: None });
    reader.count_event();
    reader.log.line(format_args!("insert {}", Hex(card.atr.as_bytes())));
    manager.announce_to_all();
    drop(manager);
    // A mute card counts as inserted, too. Another thread may have used the card, and so powered it, already.
    let _ = power_up(ifd.0, &card);
    Ok(())
}

/// Removes the card.
pub fn remove(ifd: IfdNumber) -> Result<()> {
    let mut manager = lock();
    let reader = manager.ifd(ifd.0)?;
    let slot = reader.slot.take().ok_or(Hresult::SCARD_E_NO_SMARTCARD)?;
    reader.transaction = None;
    reader.count_event();
    reader.log.line(format_args!("remove"));
    manager.signal(ifd.0, Hresult::SCARD_W_REMOVED_CARD);
    drop(manager);
    turn_off(&slot.card);
    Ok(())
}

/// Resets the card, or turns its power off, as another application would, after the present call of the card. In a
/// callback of the card itself it happens at once, to the present exchange.
pub fn reset(ifd: IfdNumber, action: Disposition) -> Result<()> {
    let event = match action {
        Disposition::Reset => PowerEvent::Reset,
        Disposition::Unpower => PowerEvent::Off,
        Disposition::Leave | Disposition::Eject => return Err(refuse("has to reset the card or take its power")),
    };
    loop {
        let card = lock().ifd(ifd.0)?.card()?;
        let waited = card.alone(|alone| {
            signal_reset(ifd, &card)?;
            // A card that does not answer was reset, too.
            let _ = alone.power(event);
            Ok(())
        });
        match waited {
            Ok(Some(done)) => return done,
            Ok(None) => {}
            Err(_) => {
                signal_reset(ifd, &card)?;
                card.notify(event);
                return Ok(());
            }
        }
    }
}

fn signal_reset(ifd: IfdNumber, card: &Arc<VirtualCard>) -> Result<()> {
    let mut manager = lock();
    if !manager.runs {
        return Err(stopped());
    }
    let reader = manager.ifd(ifd.0)?;
    if !reader.holds(card) {
        return Err(Hresult::SCARD_E_NO_SMARTCARD);
    }
    reader.unset_protocol();
    manager.signal(ifd.0, Hresult::SCARD_W_RESET_CARD);
    Ok(())
}

/// Makes the next calls of an operation fail, or take longer.
pub fn fail(ifd: IfdNumber, failure: Failure) -> Result<()> {
    lock().ifd(ifd.0)?.failures.plan(failure)
}

/// A copy of the log, with a NUL.
pub fn log(ifd: IfdNumber) -> Result<Vec<u8>> {
    let mut text = lock().ifd(ifd.0)?.log.text()?;
    text.push(0);
    Ok(text)
}

pub fn clear_log(ifd: IfdNumber) -> Result<()> {
    lock().ifd(ifd.0)?.log.clear();
    Ok(())
}

/// Stops the service, and ends all connections. Whether it was running.
pub fn stop_service() -> bool {
    let mut manager = lock();
    if !manager.runs {
        return false;
    }
    manager.runs = false;
    manager.orphan_all();
    for (_, ifd) in manager.ifds.iter_mut() {
        (ifd.transaction, ifd.exclusive) = (None, None);
        ifd.changes = ifd.changes.wrapping_add(1);
        ifd.log.line(format_args!("service stop"));
        ifd.unset_protocol();
    }
    manager.announce_to_all();
    drop(manager);
    for_each_ifd(|driver, card| {
        driver.interrupt();
        if let Some(card) = card {
            turn_off(card);
        }
    });
    true
}

/// Starts the service, which powers the present cards. Whether it was stopped.
pub fn start_service() -> bool {
    let mut manager = lock();
    if manager.runs {
        return false;
    }
    manager.runs = true;
    for (_, ifd) in manager.ifds.iter_mut() {
        ifd.events = u16::from(ifd.slot.is_some());
        ifd.log.line(format_args!("service start"));
    }
    manager.announce_to_all();
    drop(manager);
    for_each_ifd(|_, card| {
        if let Some(card) = card {
            card.notify(PowerEvent::On);
        }
    });
    true
}

/// Visits each reader without a lock, because a callback may change the list of readers.
fn for_each_ifd(act: impl Fn(&Driver, Option<&VirtualCard>)) {
    let mut last = 0;
    while let Some((number, driver, card)) = next_ifd(last) {
        last = number;
        act(&driver, card.as_deref());
    }
}

/// The next reader after `last`, and its card.
fn next_ifd(last: usize) -> Option<(usize, Arc<Driver>, Option<Arc<VirtualCard>>)> {
    let manager = lock();
    let next = manager.ifds.iter().find(|(number, _)| *number > last);
    next.map(|(number, ifd)| (number, ifd.driver.clone(), ifd.card().ok()))
}

/// Turns the card off, and wakes the threads that wait for it.
fn turn_off(card: &VirtualCard) {
    card.interrupt();
    card.notify(PowerEvent::Off);
}

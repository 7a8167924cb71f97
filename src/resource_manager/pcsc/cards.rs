//! The card handles that libscm has opened, each with its context and reader. PC/SC cannot always tell these.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::abi::hresult::Result;
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::{Context, Icc};

#[derive(Clone, Copy)]
pub struct Card {
    icc: Icc,
    context: Context,
    ifd: IfdName,
}

static CARDS: Mutex<Vec<Card>> = Mutex::new(Vec::new());

/// The list, locked. A fork holds this lock.
pub fn lock() -> MutexGuard<'static, Vec<Card>> {
    CARDS.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn add(icc: Icc, context: Context, ifd: IfdName) -> Result<()> {
    let mut cards = lock();
    cards.try_reserve(1)?;
    cards.push(Card { icc, context, ifd });
    Ok(())
}

pub fn remove(icc: Icc) {
    lock().retain(|card| card.icc != icc);
}

pub fn remove_all_in(context: Context) {
    lock().retain(|card| card.context != context);
}

pub fn context_of(icc: Icc) -> Option<Context> {
    find(icc).map(|card| card.context)
}

pub fn ifd_of(icc: Icc) -> Option<IfdName> {
    find(icc).map(|card| card.ifd)
}

fn find(icc: Icc) -> Option<Card> {
    lock().iter().find(|card| card.icc == icc).copied()
}

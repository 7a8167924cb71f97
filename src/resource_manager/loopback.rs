//! A third resource manager, for tests only: one reader whose card answers with the bytes of the command. It shows what
//! a port has to write: this folder, and a line in `managers`.

mod tests;

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::abi::constants::{Access, CardState, Disposition, Protocol, ShareMode};
use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::atr::Atr;
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::multi_string::MultiString;
use crate::resource_manager::{Context, Icc, Identity, IfdState, MAX_ATTRIBUTE, ResourceManager, SlotState, Usage};
use crate::runtime::fork_locks::ForkLocks;
use crate::runtime::wait::{SCM_INFINITE, WaitLimit};

/// The next number after those of the platform and of virtual readers.
const SERVICE: u32 = 3;
const IFD: &[u8] = b"Loopback 00 00";
const ATR: &[u8] = b"\x3B\x00";
const GROUP: &[u8] = b"SCard$DefaultReaders";

/// Far from the numbers of pcscd and of virtual readers.
const FIRST_NUMBER: usize = 0x4C6F_6F70 << (usize::BITS - 32);

static CLIENTS: Mutex<Clients> = Mutex::new(Clients::new());
static CHANGED: Condvar = Condvar::new();
static HELD: ForkLocks<MutexGuard<'static, Clients>> = ForkLocks::new();

pub struct Loopback;

struct Clients {
    last_number: usize,
    contexts: Vec<usize>,
    iccs: Vec<usize>,
    /// The card handle that has a transaction.
    owner: Option<usize>,
}

fn clients() -> MutexGuard<'static, Clients> {
    CLIENTS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Clients {
    const fn new() -> Clients {
        Clients { last_number: FIRST_NUMBER, contexts: Vec::new(), iccs: Vec::new(), owner: None }
    }

    fn new_number(&mut self) -> usize {
        self.last_number += 1;
        self.last_number
    }

    fn check_context(&self, context: Context) -> Result<()> {
        if self.contexts.contains(&context.0) { Ok(()) } else { Err(Hresult::SCARD_E_INVALID_HANDLE) }
    }

    fn check(&self, icc: Icc) -> Result<()> {
        if self.iccs.contains(&icc.0) { Ok(()) } else { Err(Hresult::SCARD_E_INVALID_HANDLE) }
    }
}

fn slot_state() -> SlotState {
    SlotState { card_present: true, atr: Atr::new(ATR), events: 1, native: 0 }
}

fn ifd_state() -> IfdState {
    let name = IfdName::new(IFD).unwrap();
    IfdState { name, id: 1, card: Some(Atr::new(ATR)), events: 1, resets: 0, usage: Usage::Unknown, native: 0 }
}

impl ResourceManager for Loopback {
    fn service(&self) -> u32 {
        SERVICE
    }

    fn has_ifd(&self, ifd: &IfdName) -> Result<bool> {
        Ok(ifd.as_c_str().to_bytes() == IFD)
    }

    fn has_icc(&self, icc: Icc) -> bool {
        clients().check(icc).is_ok()
    }

    fn before_fork(&self) {
        HELD.hold(clients());
    }

    fn after_fork_in_parent(&self) {
        drop(HELD.take());
    }

    fn after_fork_in_child(&self) {
        if let Some(mut clients) = HELD.take() {
            *clients = Clients { last_number: clients.last_number, ..Clients::new() };
        }
    }

    fn keeps_transaction_on_reconnect(&self) -> bool {
        true
    }

    fn exclusive_use_is_a_transaction(&self) -> bool {
        false
    }

    fn removal_delay_ms(&self) -> u32 {
        0
    }

    fn poll_interval_ms(&self) -> u32 {
        1
    }

    fn wait_for_ifds_limit_ms(&self) -> u32 {
        SCM_INFINITE
    }

    fn reports_absence(&self) -> bool {
        false
    }

    fn establish_context(&self, _: &WaitLimit) -> Result<Context> {
        let mut clients = clients();
        let number = clients.new_number();
        clients.contexts.push(number);
        Ok(Context(number))
    }

    fn release_context(&self, context: Context) {
        clients().contexts.retain(|other| *other != context.0);
        CHANGED.notify_all();
    }

    fn connect(&self, context: Context, _: &IfdName, _: Access, _: &WaitLimit) -> Result<(Icc, Option<Protocol>)> {
        let mut clients = clients();
        clients.check_context(context)?;
        let number = clients.new_number();
        clients.iccs.push(number);
        Ok((Icc(number), Some(Protocol::T1)))
    }

    fn reconnect(&self, icc: Icc, _: ShareMode, _: Access, _: Disposition, _: &WaitLimit) -> Result<Option<Protocol>> {
        clients().check(icc).map(|()| Some(Protocol::T1))
    }

    fn disconnect(&self, icc: Icc, _: Disposition) -> Result<()> {
        let mut clients = clients();
        clients.check(icc)?;
        clients.iccs.retain(|other| *other != icc.0);
        clients.owner = clients.owner.filter(|owner| *owner != icc.0);
        Ok(())
    }

    fn begin_transaction(&self, icc: Icc, _: &WaitLimit) -> Result<()> {
        let mut clients = clients();
        clients.check(icc)?;
        match clients.owner {
            Some(owner) if owner != icc.0 => Err(Hresult::SCARD_E_SHARING_VIOLATION),
            _ => {
                clients.owner = Some(icc.0);
                Ok(())
            }
        }
    }

    fn end_transaction(&self, icc: Icc, _: Disposition, _: &WaitLimit) -> Result<()> {
        let mut clients = clients();
        clients.check(icc)?;
        match clients.owner.take_if(|owner| *owner == icc.0) {
            Some(_) => Ok(()),
            None => Err(Hresult::SCARD_E_NOT_TRANSACTED),
        }
    }

    fn probe(&self, icc: Icc, limit: &WaitLimit) -> Result<()> {
        match self.is_locked_by_other(icc, limit)? {
            true => Err(Hresult::SCARD_E_SHARING_VIOLATION),
            false => Ok(()),
        }
    }

    fn is_locked_by_other(&self, icc: Icc, _: &WaitLimit) -> Result<bool> {
        let clients = clients();
        clients.check(icc)?;
        Ok(clients.owner.is_some_and(|owner| owner != icc.0))
    }

    fn status(&self, icc: Icc, _: &WaitLimit) -> Result<(CardState, Option<Protocol>)> {
        clients().check(icc).map(|()| (CardState::SpecificMode, Some(Protocol::T1)))
    }

    fn identify(&self, icc: Icc, limit: &WaitLimit) -> Result<Identity> {
        let (state, protocol) = self.status(icc, limit)?;
        Ok(Identity { ifd: IfdName::new(IFD)?, atr: Atr::new(ATR), state, protocol, events: 0 })
    }

    fn transmit(&self, icc: Icc, _: Protocol, command: &[u8], response: &mut Vec<u8>) -> Result<()> {
        clients().check(icc)?;
        response.clear();
        response.extend_from_slice(command);
        response.extend_from_slice(&[0x90, 0x00]);
        Ok(())
    }

    fn control(&self, _: Icc, _: u32, _: &[u8], _: &mut Vec<u8>) -> Result<()> {
        Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE)
    }

    fn get_attribute(&self, _: Icc, _: u32, _: &mut [u8; MAX_ATTRIBUTE]) -> Result<usize> {
        Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE)
    }

    fn set_attribute(&self, _: Icc, _: u32, _: &[u8]) -> Result<()> {
        Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE)
    }

    fn slot_state(&self, context: Context, _: &IfdName, _: &WaitLimit) -> Result<SlotState> {
        clients().check_context(context).map(|()| slot_state())
    }

    /// The card stays for ever.
    fn wait_for_change(&self, _: Context, _: &IfdName, _: &SlotState, _: u32, _: &WaitLimit) -> Result<SlotState> {
        Err(Hresult::SCARD_E_TIMEOUT)
    }

    fn wait_for_ifds(&self, context: Context, known: &[IfdState], timeout_ms: u32) -> Result<Vec<IfdState>> {
        let now = vec![ifd_state()];
        let mut clients = clients();
        while timeout_ms > 0 && !IfdState::differ(known, &now) && clients.check_context(context).is_ok() {
            clients = CHANGED.wait(clients).unwrap_or_else(PoisonError::into_inner);
        }
        clients.check_context(context).map(|()| now)
    }

    fn cancel_wait_for_ifds(&self, context: Context) {
        self.release_context(context);
    }

    fn list_ifds(&self, context: Context) -> Result<Vec<u8>> {
        list(context, IFD)
    }

    fn list_ifd_groups(&self, context: Context) -> Result<Vec<u8>> {
        list(context, GROUP)
    }
}

fn list(context: Context, name: &[u8]) -> Result<Vec<u8>> {
    clients().check_context(context)?;
    let mut names = MultiString::new()?;
    names.push(name)?;
    Ok(names.into_bytes())
}

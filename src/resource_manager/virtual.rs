//! The virtual resource manager, inside the process: readers and cards that a program creates.
//!
//! This file implements the trait. Each call first checks whether the reader was told to fail. Then `calls` makes the
//! call, and the log of the reader gets a line. The functions by which a program changes its readers are in `actions`.

mod actions;
mod answer;
mod attribute;
mod callback_lock;
mod calls;
mod card;
mod driver;
mod failure;
mod id_map;
mod ifd;
mod ifd_states;
mod log;
mod log_text;
mod manager;
#[cfg(test)]
mod tests;

pub use actions::*;
pub use attribute::{Attribute, Attributes};
pub use card::{CardCallbacks, VirtualCard};
pub use driver::{Driver, DriverCallbacks};
pub use failure::{Failure, Operation};
pub use ifd::Make;

use std::fmt::Arguments;

use crate::abi::cause::explain;
use crate::abi::constants::{Access, CardState, Disposition, Protocol, ShareMode};
use crate::abi::hresult::{Hresult, Result};
use crate::abi::service::SCM_SERVICE_VIRTUAL;
use crate::iso7816::apdu_text::{CommandText, Hex};
use crate::resource_manager::exchange_log;
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::multi_string::MultiString;
use crate::resource_manager::{Context, Icc, Identity, IfdState, MAX_ATTRIBUTE, ResourceManager, SlotState};
use crate::runtime::fork_locks::ForkLocks;
use crate::runtime::log as runtime_log;
use crate::runtime::wait::{SCM_INFINITE, WaitLimit};
use log_text::{ResultText, done};
use manager::{LockedManager, lock};

/// The group of all virtual readers. pcsc-lite has the same group.
const GROUP: &[u8] = b"SCard$DefaultReaders";

pub struct Virtual;

/// The lock of the manager during a fork.
static HELD: ForkLocks<LockedManager> = ForkLocks::new();

impl ResourceManager for Virtual {
    fn service(&self) -> u32 {
        SCM_SERVICE_VIRTUAL
    }

    fn has_ifd(&self, ifd: &IfdName) -> Result<bool> {
        Ok(lock().ifd_named(ifd).is_some())
    }

    fn has_icc(&self, icc: Icc) -> bool {
        lock().connection(icc.0).is_ok()
    }

    fn serves_ifds(&self) -> bool {
        let manager = lock();
        manager.runs && manager.ifds.iter().next().is_some()
    }

    fn keeps_transaction_on_reconnect(&self) -> bool {
        true
    }

    fn exclusive_use_is_a_transaction(&self) -> bool {
        false
    }

    fn is_private(&self) -> bool {
        true
    }

    fn calls_back(&self) -> bool {
        true
    }

    fn removal_delay_ms(&self) -> u32 {
        0
    }

    fn poll_interval_ms(&self) -> u32 {
        1
    }

    /// Here no cancel comes too early.
    fn wait_for_ifds_limit_ms(&self) -> u32 {
        SCM_INFINITE
    }

    /// A program without virtual readers gets no events of them.
    fn reports_absence(&self) -> bool {
        lock().had_ifds
    }

    fn recheck_limits(&self) {
        lock().announce();
    }

    fn before_fork(&self) {
        HELD.hold(lock());
    }

    fn after_fork_in_parent(&self) {
        drop(HELD.take());
    }

    /// The child begins without readers: their cards belong to the parent.
    fn after_fork_in_child(&self) {
        if let Some(mut manager) = HELD.take() {
            manager.forget_all();
        }
    }

    fn establish_context(&self, _: &WaitLimit) -> Result<Context> {
        let mut manager = lock();
        if !manager.runs {
            return Err(Hresult::SCARD_E_NO_SERVICE);
        }
        manager.add_context().map(Context)
    }

    fn release_context(&self, context: Context) {
        // An unknown context needs no release.
        lock().forget_context(context.0);
    }

    fn connect(
        &self,
        context: Context,
        name: &IfdName,
        access: Access,
        limit: &WaitLimit,
    ) -> Result<(Icc, Option<Protocol>)> {
        let ifd = calls::find(context, name)?;
        let connected =
            apply_failure(ifd, Operation::Connect, limit).and_then(|()| calls::connect(context, ifd, access, limit));
        let protocol = ResultText(connected.map(|(_, protocol)| log_text::protocol(protocol)));
        note(ifd, format_args!("connect {access} -> {protocol}"));
        connected
    }

    fn reconnect(
        &self,
        icc: Icc,
        _: ShareMode,
        access: Access,
        initial: Disposition,
        limit: &WaitLimit,
    ) -> Result<Option<Protocol>> {
        let ifd = calls::ifd_behind(icc)?;
        let connected = apply_failure(ifd, Operation::Reconnect, limit)
            .and_then(|()| calls::reconnect(icc, access, initial, limit));
        let protocol = ResultText(connected.map(log_text::protocol));
        note(ifd, format_args!("reconnect {access} {initial} -> {protocol}"));
        connected
    }

    fn disconnect(&self, icc: Icc, disposition: Disposition) -> Result<()> {
        let ifd = calls::ifd_behind(icc)?;
        let ended = apply_failure(ifd, Operation::Disconnect, &WaitLimit::ENDLESS)
            .and_then(|()| calls::disconnect(icc, disposition));
        note(ifd, format_args!("disconnect {disposition} -> {}", done(&ended)));
        ended
    }

    fn begin_transaction(&self, icc: Icc, limit: &WaitLimit) -> Result<()> {
        let ifd = calls::ifd_behind(icc)?;
        let begun = apply_failure(ifd, Operation::Begin, limit).and_then(|()| calls::begin(icc, limit));
        note(ifd, format_args!("begin -> {}", done(&begun)));
        begun
    }

    fn end_transaction(&self, icc: Icc, disposition: Disposition, limit: &WaitLimit) -> Result<()> {
        let ifd = calls::ifd_behind(icc)?;
        let ended = apply_failure(ifd, Operation::End, limit).and_then(|()| calls::end(icc, disposition));
        note(ifd, format_args!("end {disposition} -> {}", done(&ended)));
        ended
    }

    fn probe(&self, icc: Icc, _: &WaitLimit) -> Result<()> {
        lock().connection(icc.0)?.check_signal()
    }

    fn is_locked_by_other(&self, icc: Icc, _: &WaitLimit) -> Result<bool> {
        calls::is_locked_by_other(icc)
    }

    fn status(&self, icc: Icc, limit: &WaitLimit) -> Result<(CardState, Option<Protocol>)> {
        self.identify(icc, limit).map(|identity| (identity.state, identity.protocol))
    }

    fn identify(&self, icc: Icc, limit: &WaitLimit) -> Result<Identity> {
        let ifd = calls::ifd_behind(icc)?;
        let identity = apply_failure(ifd, Operation::Status, limit).and_then(|()| calls::identify(icc, limit));
        let state = ResultText(identity.map(|identity| log_text::state(identity.state)));
        note(ifd, format_args!("status -> {state}"));
        identity
    }

    fn transmit(&self, icc: Icc, protocol: Protocol, command: &[u8], response: &mut Vec<u8>) -> Result<()> {
        let ifd = calls::ifd_behind(icc)?;
        let logged = runtime_log::is_on().then(|| exchange_log::begin(icc, command));
        let sent = apply_failure(ifd, Operation::Transmit, &WaitLimit::ENDLESS)
            .and_then(|()| calls::transmit(icc, protocol, command, response));
        let answer = ResultText(sent.map(|()| Hex(response)));
        note(ifd, format_args!("transmit {} -> {answer}", CommandText(command)));
        if let Some(exchange) = logged {
            exchange_log::end(exchange, sent.map(|()| response.as_slice()));
        }
        sent
    }

    fn control(&self, icc: Icc, code: u32, input: &[u8], response: &mut Vec<u8>) -> Result<()> {
        let ifd = calls::ifd_behind(icc)?;
        let sent = apply_failure(ifd, Operation::Control, &WaitLimit::ENDLESS)
            .and_then(|()| calls::control(icc, code, input, response));
        note(ifd, format_args!("control {code:08X}, {} bytes -> {}", input.len(), done(&sent)));
        sent
    }

    fn get_attribute(&self, icc: Icc, id: u32, value: &mut [u8; MAX_ATTRIBUTE]) -> Result<usize> {
        let ifd = calls::ifd_behind(icc)?;
        let read = apply_failure(ifd, Operation::GetAttribute, &WaitLimit::ENDLESS)
            .and_then(|()| calls::get_attribute(icc, id, value));
        note(ifd, format_args!("get attribute {id:08X} -> {}", done(&read)));
        read
    }

    fn set_attribute(&self, icc: Icc, id: u32, value: &[u8]) -> Result<()> {
        let ifd = calls::ifd_behind(icc)?;
        let set = apply_failure(ifd, Operation::SetAttribute, &WaitLimit::ENDLESS)
            .and_then(|()| calls::set_attribute(icc, id, value));
        note(ifd, format_args!("set attribute {id:08X} -> {}", done(&set)));
        set
    }

    fn slot_state(&self, context: Context, ifd: &IfdName, _: &WaitLimit) -> Result<SlotState> {
        calls::find_slot_state(context, ifd)
    }

    fn wait_for_change(
        &self,
        context: Context,
        ifd: &IfdName,
        seen: &SlotState,
        timeout_ms: u32,
        _: &WaitLimit,
    ) -> Result<SlotState> {
        calls::wait_for_change(context, ifd, seen, timeout_ms)
    }

    fn wait_for_ifds(&self, context: Context, known: &[IfdState], timeout_ms: u32) -> Result<Vec<IfdState>> {
        ifd_states::wait_for_ifds(context, known, timeout_ms)
    }

    fn cancel_wait_for_ifds(&self, context: Context) {
        ifd_states::cancel(context);
    }

    fn list_ifds(&self, context: Context) -> Result<Vec<u8>> {
        let manager = lock();
        manager.check_context(context.0)?;
        let mut names = MultiString::new()?;
        manager.ifds.iter().try_for_each(|(_, ifd)| names.push(ifd.name.as_c_str().to_bytes()))?;
        Ok(names.into_bytes())
    }

    fn list_ifd_groups(&self, context: Context) -> Result<Vec<u8>> {
        let manager = lock();
        manager.check_context(context.0)?;
        let mut groups = MultiString::new()?;
        manager.ifds.iter().take(1).try_for_each(|_| groups.push(GROUP))?;
        Ok(groups.into_bytes())
    }
}

/// Applies the planned failure of this call, if there is one.
fn apply_failure(ifd: usize, operation: Operation, limit: &WaitLimit) -> Result<()> {
    let mut manager = lock();
    let planned = manager.ifds.get_mut(ifd).map(|ifd| ifd.failures.next(operation));
    let Some((answer, delay)) = planned else { return Ok(()) };
    if !delay.is_zero() {
        manager::pass_time(manager, delay, limit)?;
    }
    answer.map_err(|code| explain(code, "scm_virtual_ifd_fail has planned this failure.", ""))
}

/// Adds a line to the log of a reader, if the reader still exists.
fn note(ifd: usize, line: Arguments<'_>) {
    if let Some(ifd) = lock().ifds.get_mut(ifd) {
        ifd.log.line(line);
    }
}

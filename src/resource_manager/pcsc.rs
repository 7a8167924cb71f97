//! The PC/SC library of the platform: libpcsclite, winscard, or the PCSC framework of macOS. Only this folder calls it,
//! and only this folder knows how platforms differ.

mod abandoned_calls;
mod bounds;
mod call_guard;
mod codes;
mod connection;
mod constants;
mod contention;
mod context;
mod daemon;
mod daemon_wait;
mod fallback;
#[cfg_attr(not(unix), path = "pcsc/no_fork.rs")]
mod fork;
mod fork_check;
mod library;
mod list;
mod native;
mod own_handles;
mod policy;
mod reader_states;
mod remedy;
mod stale_answers;
mod status;
mod timed_call;
mod workers;

use std::ffi::CStr;

use crate::abi::constants::{Access, CardState, Disposition, Protocol, ShareMode};
use crate::abi::hresult::{Hresult, Result};
use crate::abi::service::SCM_SERVICE_PLATFORM;
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::multi_string::texts;
use crate::resource_manager::{
    Context, Icc, Identity, IfdState, MAX_ATTRIBUTE, ResourceManager, SlotState, in_context,
};
use crate::runtime::fork_count::fork_count;
use crate::runtime::wait::WaitLimit;
use list::multi_string;
use own_handles::context_of;
use stale_answers::QUESTIONS;
use timed_call::{Blocking, CallTarget};

pub use native::control_code;

/// Whether the library is libpcsclite, and not the one of Windows or macOS.
const IS_PCSC_LITE: bool = cfg!(not(any(windows, target_os = "macos")));

pub struct Pcsc;

impl ResourceManager for Pcsc {
    fn service(&self) -> u32 {
        SCM_SERVICE_PLATFORM
    }

    fn advice(&self) -> Option<&'static CStr> {
        library::is_missing()
            .then_some(c"libpcsclite.so.1 is not installed: install pcsc-lite (Debian: libpcsclite1 and pcscd).")
    }

    fn remedy(&self, code: Hresult) -> Option<&'static str> {
        remedy::of(code)
    }

    /// If PC/SC cannot be called, nobody can use such a reader. The child of a fork does not ask: other threads of the
    /// parent may have made PC/SC unusable for it, and a program with virtual readers need not use PC/SC.
    fn has_ifd(&self, ifd: &IfdName) -> Result<bool> {
        if fork_count() > 0 {
            return Ok(false);
        }
        match in_context(self, &WaitLimit::ENDLESS, |context| self.list_ifds(context)) {
            Ok(names) => Ok(texts(&names).any(|name| name == ifd.as_c_str().to_bytes())),
            Err(Hresult::E_OUTOFMEMORY) => Err(Hresult::E_OUTOFMEMORY),
            Err(_) => Ok(false),
        }
    }

    /// A child of a fork cannot call PC/SC, if it has inherited a locked mutex of libpcsclite.
    fn can_be_called(&self) -> bool {
        fork_check::check().is_ok()
    }

    fn keeps_transaction_on_reconnect(&self) -> bool {
        policy::KEEPS_TRANSACTION_ON_RECONNECT
    }

    fn exclusive_use_is_a_transaction(&self) -> bool {
        policy::EXCLUSIVE_USE_IS_A_TRANSACTION
    }

    fn removal_delay_ms(&self) -> u32 {
        policy::REMOVAL_DELAY_MS
    }

    fn poll_interval_ms(&self) -> u32 {
        policy::POLL_INTERVAL_MS
    }

    fn wait_for_ifds_limit_ms(&self) -> u32 {
        policy::WAIT_FOR_IFDS_LIMIT_MS
    }

    fn is_abandoned(&self, icc: Icc) -> bool {
        abandoned_calls::has(icc)
    }

    fn before_fork(&self) {
        fork::before();
    }

    fn after_fork_in_parent(&self) {
        fork::after_in_parent();
    }

    fn after_fork_in_child(&self) {
        fork::after_in_child();
    }

    fn establish_context(&self, limit: &WaitLimit) -> Result<Context> {
        timed_call::run(limit, CallTarget::Service, |_| context::establish(), context::close)
    }

    fn release_context(&self, context: Context) {
        if !abandoned_calls::release(context) {
            context::close(context);
        }
    }

    fn connect(
        &self,
        context: Context,
        ifd: &IfdName,
        access: Access,
        limit: &WaitLimit,
    ) -> Result<(Icc, Option<Protocol>)> {
        let ifd = *ifd;
        let connect = move |_: &Blocking| connection::connect(context, &ifd, access);
        timed_call::run(limit, CallTarget::Ifd(ifd, context), connect, |(icc, _)| {
            // The caller that gave up releases the context.
            let _ = connection::close(icc, Disposition::Leave);
        })
    }

    fn reconnect(
        &self,
        icc: Icc,
        now: ShareMode,
        access: Access,
        initial: Disposition,
        limit: &WaitLimit,
    ) -> Result<Option<Protocol>> {
        let reconnect = move |blocking: &Blocking| {
            wait_for_others(icc, blocking)?;
            connection::reconnect(icc, now, access, initial)
        };
        timed_call::run(limit, CallTarget::Icc(icc), reconnect, move |_| {
            if access.share_mode == ShareMode::Exclusive && now != ShareMode::Exclusive {
                let before = Access { share_mode: now, ..access };
                let _ = connection::reconnect(icc, access.share_mode, before, Disposition::Leave);
            }
        })
    }

    fn disconnect(&self, icc: Icc, disposition: Disposition) -> Result<()> {
        match abandoned_calls::disconnect(icc, disposition) {
            true => Ok(()),
            false => connection::close(icc, disposition),
        }
    }

    fn begin_transaction(&self, icc: Icc, limit: &WaitLimit) -> Result<()> {
        let begin = move |blocking: &Blocking| {
            wait_for_others(icc, blocking)?;
            connection::begin_transaction(icc)
        };
        timed_call::run(limit, CallTarget::Icc(icc), begin, move |()| {
            let _ = connection::end_transaction(icc, Disposition::Leave);
        })
    }

    fn end_transaction(&self, icc: Icc, disposition: Disposition, limit: &WaitLimit) -> Result<()> {
        let end = move |_: &Blocking| connection::end_transaction(icc, disposition);
        match timed_call::run(limit, CallTarget::Icc(icc), end, drop) {
            // The end of a transaction needs no memory.
            Err(Hresult::E_OUTOFMEMORY) => connection::end_transaction(icc, disposition),
            ended => ended,
        }
    }

    fn probe(&self, icc: Icc, limit: &WaitLimit) -> Result<()> {
        timed_call::run(limit, CallTarget::Icc(icc), move |_| connection::probe(icc), drop)
    }

    fn is_locked_by_other(&self, icc: Icc, limit: &WaitLimit) -> Result<bool> {
        timed_call::run(limit, CallTarget::Icc(icc), move |_| connection::is_locked_by_other(icc), drop)
    }

    fn status(&self, icc: Icc, limit: &WaitLimit) -> Result<(CardState, Option<Protocol>)> {
        let ask = move |blocking: &Blocking| {
            wait_for_others(icc, blocking)?;
            status::status(icc).map_err(|code| policy::name_dead_handle(code, context_of(icc).is_some()))
        };
        timed_call::run(limit, CallTarget::Icc(icc), ask, drop)
    }

    fn identify(&self, icc: Icc, limit: &WaitLimit) -> Result<Identity> {
        let ask = move |blocking: &Blocking| {
            fork_check::check()?;
            wait_for_others(icc, blocking)?;
            status::identify(icc)
        };
        timed_call::run(limit, CallTarget::Icc(icc), ask, drop)
    }

    fn transmit(&self, icc: Icc, protocol: Protocol, command: &[u8], response: &mut Vec<u8>) -> Result<()> {
        abandoned_calls::wait_for(icc);
        native::transmit(icc, protocol, command, response)
    }

    fn control(&self, icc: Icc, code: u32, input: &[u8], response: &mut Vec<u8>) -> Result<()> {
        abandoned_calls::wait_for(icc);
        native::control(icc, code, input, response)
    }

    fn get_attribute(&self, icc: Icc, id: u32, value: &mut [u8; MAX_ATTRIBUTE]) -> Result<usize> {
        abandoned_calls::wait_for(icc);
        match native::get_attribute(icc, id, value) {
            // The buffer has room for the longest attribute. Some drivers (vpcd) report an unknown attribute in this
            // way.
            Err(Hresult::SCARD_E_INSUFFICIENT_BUFFER) => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
            answer => answer,
        }
    }

    fn set_attribute(&self, icc: Icc, id: u32, value: &[u8]) -> Result<()> {
        abandoned_calls::wait_for(icc);
        native::set_attribute(icc, id, value)
    }

    fn slot_state(&self, context: Context, ifd: &IfdName, limit: &WaitLimit) -> Result<SlotState> {
        let ifd = *ifd;
        timed_call::run(limit, CallTarget::Ifd(ifd, context), move |_| status::slot_state(context, &ifd), drop)
    }

    fn wait_for_change(
        &self,
        context: Context,
        ifd: &IfdName,
        seen: &SlotState,
        timeout_ms: u32,
        limit: &WaitLimit,
    ) -> Result<SlotState> {
        let (ifd, seen, timeout_ms) = (*ifd, *seen, limit.rest_ms(timeout_ms));
        let wait = move |_: &Blocking| status::wait_for_change(context, &ifd, &seen, timeout_ms);
        timed_call::run(limit, CallTarget::Ifd(ifd, context), wait, drop)
    }

    fn wait_for_ifds(&self, context: Context, known: &[IfdState], timeout_ms: u32) -> Result<Vec<IfdState>> {
        match daemon_wait::begin(context)? {
            Some(wait) => wait.wait_for_ifds(known, timeout_ms),
            None => reader_states::wait_for_ifds(context, known, timeout_ms),
        }
    }

    fn cancel_wait_for_ifds(&self, context: Context) {
        if !daemon_wait::cancel(context) {
            reader_states::cancel(context);
        }
    }

    fn list_ifds(&self, context: Context) -> Result<Vec<u8>> {
        let listed = multi_string(|buffer| QUESTIONS.reading(|| native::list_readers(context, buffer)));
        fallback::if_lost(listed, fallback::list)
    }

    fn list_ifd_groups(&self, context: Context) -> Result<Vec<u8>> {
        multi_string(|buffer| native::list_reader_groups(context, buffer))
    }
}

/// Waits until no other application has a transaction. An error is a signal: the call that follows reports or
/// acknowledges it.
fn wait_for_others(icc: Icc, blocking: &Blocking) -> Result<()> {
    blocking.wait_while(|| connection::is_locked_by_other(icc) == Ok(true))
}

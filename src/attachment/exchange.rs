//! Commands to the card, and their responses.

use super::Attachment;
use super::session::Session;
use crate::abi::cause::{OfArgument, refuse_length};
use crate::abi::constants::Protocol;
use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::command::MAX_COMMAND;
use crate::resource_manager::Icc;
use crate::runtime::wait::WaitLimit;

impl Attachment {
    /// Sends one command to the card, and passes the response to `deliver`. The response is kept until the next
    /// exchange.
    #[inline(always)]
    pub fn transmit<T>(&self, command: &[u8], deliver: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        match self.begin_call_at_once() {
            Some(mut session) => self.transmit_in(&mut session, command, deliver),
            None => self.transmit_later(command, deliver),
        }
    }

    /// Not inlined, so that an exchange that need not wait is.
    #[cold]
    #[inline(never)]
    fn transmit_later<T>(&self, command: &[u8], deliver: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        self.transmit_in(&mut *self.begin_call()?, command, deliver)
    }

    #[inline(always)]
    fn transmit_in<T>(
        &self,
        session: &mut Session,
        command: &[u8],
        deliver: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<T> {
        // Bytes that are no command change nothing: the last response stays.
        check_command(session, command)?;
        session.forget_selection();
        let exchanged = match self.turn(session) {
            Ok(_turn) => self.exchange(session, command, &WaitLimit::ENDLESS),
            Err(code) => Err(code),
        };
        self.deliver(session, exchanged, deliver)
    }

    /// The same, but waits for the card no longer than `timeout_ms`. The card is locked for the exchange, because a
    /// wait inside of the resource manager could not be ended.
    pub fn transmit_within<T>(
        &self,
        timeout_ms: u32,
        command: &[u8],
        deliver: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<T> {
        let limit = WaitLimit::of_ms(timeout_ms, &self.waker);
        let mut session = self.begin_call_within(&limit)?;
        if session.connection.get().is_ok_and(|connection| connection.protocol.is_none()) {
            return Err(Hresult::SCARD_E_PROTO_MISMATCH);
        }
        check_command(&session, command)?;
        session.forget_selection();
        let exchanged = self.take_lock(&mut session, &limit).and_then(|()| {
            let exchanged = self.exchange(&mut session, command, &limit);
            session.response.settle(&self.registration.spare);
            self.give_lock_of_call(&mut session, &limit);
            exchanged
        });
        self.deliver(&mut session, exchanged, deliver)
    }

    /// Passes the response on. After a failed exchange there is none, not even an old one.
    #[inline(always)]
    pub(super) fn deliver<T>(
        &self,
        session: &mut Session,
        exchanged: Result<()>,
        deliver: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<T> {
        if let Err(code) = exchanged {
            session.response.clear();
            session.response.settle(&self.registration.spare);
            return Err(code);
        }
        session.response.settle(&self.registration.spare);
        deliver(session.response.bytes())
    }

    #[inline(always)]
    pub(super) fn exchange(&self, session: &mut Session, command: &[u8], limit: &WaitLimit) -> Result<()> {
        let (icc, protocol) = match session.connection.to_transmit() {
            Some(usable) => usable,
            None => self.ready_to_transmit(session, limit)?,
        };
        session.response.reserve(&self.registration.spare)?;
        let response = session.response.next_buffer();
        let sent = self.manager.transmit(icc, protocol, command, response);
        match sent.and_then(|()| check_response(protocol, response)) {
            Ok(()) => {
                self.note_success(session);
                Ok(())
            }
            Err(code) => {
                session.response.clear();
                Err(self.diagnose_exchange(session, code, limit))
            }
        }
    }

    /// Passes the response of the last exchange to `deliver` once more. It is empty if there was none.
    pub fn last_response<T>(&self, deliver: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        deliver(self.begin_call()?.response.bytes())
    }

    #[cold]
    fn ready_to_transmit(&self, session: &mut Session, limit: &WaitLimit) -> Result<(Icc, Protocol)> {
        let connection = self.ready(session, limit)?;
        Ok((connection.icc, connection.protocol.ok_or(Hresult::SCARD_E_PROTO_MISMATCH)?))
    }
}

/// A command of T=0 or T=1 has at least its header, CLA INS P1 P2 (ISO/IEC 7816-3, 12.1). Some readers hang on less.
#[inline]
fn check_command(session: &Session, command: &[u8]) -> Result<()> {
    match command.len() {
        4..=MAX_COMMAND => Ok(()),
        _ => check_unusual_command(session.connection.is_raw(), command),
    }
}

/// Without a protocol the exchange fails for that reason.
#[cold]
fn check_unusual_command(is_raw: Option<bool>, command: &[u8]) -> Result<()> {
    match (is_raw, command.len()) {
        (None, _) | (Some(true), 1..4) => Ok(()),
        _ => Err(refuse_length("is less than 4 bytes, or more than SCM_COMMAND_MAX")).of("command"),
    }
}

/// A response has at least SW1 SW2 (ISO/IEC 7816-3, 12.1). Less arrives with a success code when the card was pulled.
fn check_response(protocol: Protocol, response: &[u8]) -> Result<()> {
    match response.len() {
        2.. => Ok(()),
        1 if protocol == Protocol::Raw => Ok(()),
        _ => Err(Hresult::SCARD_F_COMM_ERROR),
    }
}

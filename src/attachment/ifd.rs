//! Questions to the reader: control codes and attributes. They wait for no lock of another application.

use super::session::Session;
use super::{Attachment, reconnect};
use crate::abi::cause::{OfArgument, refuse_length};
use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::command::MAX_COMMAND;
use crate::resource_manager::{Icc, MAX_ATTRIBUTE};
use crate::runtime::wait::WaitLimit;

impl Attachment {
    /// Sends a control code to the reader, and passes the response to `deliver`. The response is kept like that of a
    /// card.
    pub fn control<T>(&self, code: u32, input: &[u8], deliver: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        if input.len() > MAX_COMMAND {
            return Err(refuse_length("is longer than SCM_COMMAND_MAX")).of("input");
        }
        let mut session = self.begin_call()?;
        // A control code may let the reader select something else on the card.
        session.forget_selection();
        let sent = session.response.reserve(&self.registration.spare).and_then(|()| {
            let mut response = std::mem::take(session.response.next_buffer());
            let sent = self.ask_reader(&mut session, |icc| self.manager.control(icc, code, input, &mut response));
            *session.response.next_buffer() = response;
            sent
        });
        if sent.is_ok() {
            session.connection.succeed_at_reader();
        }
        self.deliver(&mut session, sent, deliver)
    }

    /// Reads an attribute of the reader, and passes it to `deliver`.
    pub fn get_attribute<T>(&self, id: u32, deliver: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        let mut session = self.begin_call()?;
        let mut value = [0; MAX_ATTRIBUTE];
        let length = self.ask_reader(&mut session, |icc| self.manager.get_attribute(icc, id, &mut value))?;
        deliver(value.get(..length).ok_or(Hresult::SCARD_F_INTERNAL_ERROR)?)
    }

    pub fn set_attribute(&self, id: u32, value: &[u8]) -> Result<()> {
        if value.len() > MAX_ATTRIBUTE {
            return Err(refuse_length("is longer than 264 bytes")).of("value");
        }
        let mut session = self.begin_call()?;
        self.ask_reader(&mut session, |icc| self.manager.set_attribute(icc, id, value))
    }

    /// Makes a call that does not wait for the lock of another application. To acknowledge an own reset could wait for
    /// it, so that is done only if the call fails with the signal. Then no other application has a lock.
    fn ask_reader<T>(&self, session: &mut Session, mut call: impl FnMut(Icc) -> Result<T>) -> Result<T> {
        if session.connection.get().is_err() {
            self.connected(session, &WaitLimit::of_ms(reconnect::MOMENT_MS, &self.waker))?;
        }
        let answer = match call(session.connection.get()?.icc) {
            Err(Hresult::SCARD_W_RESET_CARD) if session.connection.has_own_reset() => {
                call(self.ready(session, &WaitLimit::ENDLESS)?.icc)
            }
            answer => answer,
        };
        answer.map_err(|code| self.diagnose(session, code, &WaitLimit::ENDLESS))
    }
}

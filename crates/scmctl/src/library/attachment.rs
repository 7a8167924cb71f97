//! An attachment to a card.

use std::ptr::null_mut;

use zeroize::Zeroizing;

use super::c::{
    Options, SCM_ATR_MAX, SCM_DISPOSITION_LEAVE, SCM_DISPOSITION_RESET, SCM_DISPOSITION_UNPOWER, SCM_INFINITE,
    SCM_PROTOCOL_RAW, SCM_PROTOCOL_T0, SCM_PROTOCOL_T1, SCM_RESPONSE_MAX, SCM_SHARE_DIRECT, SCM_SHARE_SHARED,
    SCM_STATE_ABSENT, SCM_STATE_NEGOTIABLEMODE, SCM_STATE_POWERED, SCM_STATE_PRESENT, SCM_STATE_SPECIFICMODE,
    SCM_STATE_SWALLOWED, scm_attach_by_ifd_ex, scm_attach_options, scm_command, scm_detach, scm_get_atr,
    scm_get_attribute, scm_handle, scm_lock_ex, scm_reconnect, scm_reconnect_ex, scm_reconnect_options, scm_send_ex,
    scm_send_options, scm_status, scm_transmit_ex, scm_unlock,
};
use super::{Error, Result, check, grow, text};
use crate::apdu::Command;

/// How other programs may use the card.
#[derive(Clone, Copy)]
pub enum Share {
    Shared,
    /// The reader itself, with or without a card.
    Direct,
}

pub struct Attachment {
    handle: *mut scm_handle,
    limit_ms: u32,
}

/// The answer of a card.
pub struct Answer {
    pub data: Zeroizing<Vec<u8>>,
    pub status_word: u16,
    /// The code that libscm makes of the status word.
    pub code: i32,
}

/// The answer of `scm_status`.
pub struct CardState {
    pub state: &'static str,
    pub protocol: Option<&'static str>,
}

impl Attachment {
    /// `limit_ms` also holds for each wait for other programs; 0 is no limit.
    pub fn to(reader: &str, share: Share, limit_ms: u32) -> Result<Attachment> {
        let reader = text(reader);
        let share_mode = match share {
            Share::Shared => SCM_SHARE_SHARED,
            Share::Direct => SCM_SHARE_DIRECT,
        };
        let options = scm_attach_options { share_mode, limit_ms, ..scm_attach_options::DEFAULT };
        let mut handle = null_mut();
        // SAFETY: the name ends with a NUL, the options have their size, and `handle` can be written.
        check(unsafe { scm_attach_by_ifd_ex(reader.as_ptr(), &options, &mut handle) })?;
        Ok(Attachment { handle, limit_ms })
    }

    /// The same attachment, with another limit for waits; 0 is no limit.
    pub fn with_limit(mut self, limit_ms: u32) -> Attachment {
        self.limit_ms = limit_ms;
        self
    }

    pub(super) fn handle(&self) -> *mut scm_handle {
        self.handle
    }

    /// Sends a command in as many exchanges as it needs.
    pub fn send(&self, command: &Command) -> Result<Answer> {
        let plain = scm_command {
            cla: command.cla,
            ins: command.ins,
            p1: command.p1,
            p2: command.p2,
            data: command.data.as_ptr(),
            data_length: command.data.len(),
            expected: command.expected,
            ..scm_command::DEFAULT
        };
        let options = scm_send_options { limit_ms: self.limit_ms, ..scm_send_options::DEFAULT };
        let mut data = Zeroizing::new(vec![0; command.expected as usize]);
        let (mut length, mut status_word) = (0, 0);
        // SAFETY: the structures have their sizes, and the buffer has the capacity.
        let code = unsafe {
            scm_send_ex(self.handle, &plain, &options, data.as_mut_ptr(), data.len(), &mut length, &mut status_word)
        };
        if code < 0 && status_word == 0 {
            return Err(Error::of(code));
        }
        data.truncate(length);
        Ok(Answer { data, status_word, code })
    }

    /// Sends exactly these bytes, once.
    pub fn transmit(&self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let mut response = Zeroizing::new(vec![0; SCM_RESPONSE_MAX]);
        let mut length = 0;
        let timeout_ms = if self.limit_ms == 0 { SCM_INFINITE } else { self.limit_ms };
        // SAFETY: the lengths are those of the buffers.
        check(unsafe {
            scm_transmit_ex(
                self.handle,
                command.as_ptr(),
                command.len(),
                timeout_ms,
                response.as_mut_ptr(),
                response.len(),
                &mut length,
            )
        })?;
        response.truncate(length);
        Ok(response)
    }

    pub fn atr(&self) -> Result<Vec<u8>> {
        // SAFETY: the buffer has the capacity.
        let call = |atr, capacity, length: *mut usize| unsafe { scm_get_atr(self.handle, atr, capacity, length) };
        Ok(grow(SCM_ATR_MAX, call)?.1)
    }

    pub fn attribute(&self, attribute: u32) -> Result<Vec<u8>> {
        let call = |value, capacity, length: *mut usize| {
            // SAFETY: the buffer has the capacity.
            unsafe { scm_get_attribute(self.handle, attribute, value, capacity, length) }
        };
        Ok(grow(264, call)?.1)
    }

    pub fn status(&self) -> Result<CardState> {
        let (mut state, mut protocol) = (0, 0);
        // SAFETY: both can be written.
        check(unsafe { scm_status(self.handle, &mut state, &mut protocol) })?;
        let state = match state {
            SCM_STATE_ABSENT => "absent",
            SCM_STATE_PRESENT => "present",
            SCM_STATE_SWALLOWED => "swallowed",
            SCM_STATE_POWERED => "powered",
            SCM_STATE_NEGOTIABLEMODE => "negotiable",
            SCM_STATE_SPECIFICMODE => "specific",
            _ => "unknown",
        };
        let protocol = match protocol {
            SCM_PROTOCOL_T0 => Some("T=0"),
            SCM_PROTOCOL_T1 => Some("T=1"),
            SCM_PROTOCOL_RAW => Some("raw"),
            _ => None,
        };
        Ok(CardState { state, protocol })
    }

    /// No other program uses the card until the lock ends.
    pub fn lock(&self) -> Result<Lock<'_>> {
        let timeout_ms = if self.limit_ms == 0 { SCM_INFINITE } else { self.limit_ms };
        // SAFETY: any value is allowed.
        check(unsafe { scm_lock_ex(self.handle, timeout_ms) })?;
        Ok(Lock(self))
    }

    /// Makes the attachment usable again; whether the same ATR answers.
    pub fn reconnect(&self) -> Result<bool> {
        // SAFETY: any value is allowed.
        let code = unsafe { scm_reconnect(self.handle) };
        check(code).map(|()| code == super::S_OK)
    }

    /// Resets the card: with `is_cold` it loses its power.
    pub fn reset(&self, is_cold: bool) -> Result<()> {
        let options = scm_reconnect_options {
            initial_action: if is_cold { SCM_DISPOSITION_UNPOWER } else { SCM_DISPOSITION_RESET },
            limit_ms: self.limit_ms,
            ..scm_reconnect_options::DEFAULT
        };
        // SAFETY: the options have their size.
        check(unsafe { scm_reconnect_ex(self.handle, &options) })
    }
}

/// A lock of the card.
pub struct Lock<'a>(&'a Attachment);

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        // SAFETY: any value is allowed. A lock that was lost needs no unlock.
        unsafe { scm_unlock(self.0.handle, SCM_DISPOSITION_LEAVE) };
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        // SAFETY: any value is allowed.
        unsafe { scm_detach(self.handle) };
    }
}

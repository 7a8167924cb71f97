//! Exchanges in the log of the library, without secrets.

use std::cell::Cell;

use super::Icc;
use crate::abi::hresult::Result;
use crate::iso7816::apdu_text::{CommandText, ResponseText, carries_a_secret};
use crate::iso7816::command::ins;
use crate::runtime::log::{self, Level};

thread_local! {
    /// The last exchange of this thread, if its response was shown. GET RESPONSE continues a response, which is
    /// withheld if the beginning was. If another thread has begun it, that is not known.
    static SHOWN: Cell<Option<Icc>> = const { Cell::new(None) };
}

/// Logs a command and its response, or the code of the failure.
#[cold]
#[inline(never)]
pub fn note(icc: Icc, command: &[u8], response: Result<&[u8]>) {
    let continues = command.get(1) == Some(&ins::GET_RESPONSE);
    let is_withheld = carries_a_secret(command) || continues && SHOWN.get() != Some(icc);
    SHOWN.set(if is_withheld { None } else { Some(icc) });
    log::line(Level::Apdus, &format_args!("> {}", CommandText(command)));
    match response {
        Ok(response) => log::line(Level::Apdus, &format_args!("< {}", ResponseText { response, is_withheld })),
        Err(code) => log::line(Level::Apdus, &format_args!("< {code:?}")),
    }
}

//! Exchanges in the log of the library, without secrets.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Icc;
use crate::abi::hresult::Result;
use crate::iso7816::apdu_text::{CommandText, ResponseText, carries_a_secret};
use crate::iso7816::command::ins;
use crate::runtime::log::{self, Level};

/// How many exchanges of all threads had a secret.
static SECRETS: AtomicU32 = AtomicU32::new(0);

thread_local! {
    /// The last exchange of this thread, if its response may be shown. GET RESPONSE continues a response: it is shown
    /// only if the beginning was, and nothing else can have come between.
    static SHOWN: Cell<Option<Exchange>> = const { Cell::new(None) };
}

/// An exchange in the log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    icc: Icc,
    is_withheld: bool,
    /// `SECRETS` and the count of changes of the log at its beginning.
    secrets: u32,
    log: u32,
}

/// Logs a command, before the card has it.
#[cold]
#[inline(never)]
pub fn begin(icc: Icc, command: &[u8]) -> Exchange {
    let (secrets, log) = (SECRETS.load(Ordering::SeqCst), log::changes());
    let shown = Exchange { icc, is_withheld: false, secrets, log };
    let continues = command.get(1) == Some(&ins::GET_RESPONSE);
    let is_withheld = carries_a_secret(command) || continues && SHOWN.get() != Some(shown);
    if is_withheld {
        SECRETS.fetch_add(1, Ordering::SeqCst);
    }
    log::line(Level::Apdus, &format_args!("> {}", CommandText(command)));
    Exchange { is_withheld, ..shown }
}

/// Logs the response, or the code of the failure.
#[cold]
#[inline(never)]
pub fn end(exchange: Exchange, response: Result<&[u8]>) {
    let is_withheld = exchange.is_withheld;
    SHOWN.set((!is_withheld).then_some(exchange));
    match response {
        Ok(response) => log::line(Level::Apdus, &format_args!("< {}", ResponseText { response, is_withheld })),
        Err(code) => log::line(Level::Apdus, &format_args!("< {code:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SELECT: &[u8] = &[0, 0xA4, 4, 0];
    const VERIFY: &[u8] = &[0, 0x20, 0, 1, 1, 0x31];
    const GET_RESPONSE: &[u8] = &[0, 0xC0, 0, 0, 2];

    fn is_withheld(icc: usize, command: &[u8]) -> bool {
        let exchange = begin(Icc(icc), command);
        end(exchange, Ok(&[0x61, 2]));
        exchange.is_withheld
    }

    /// One test, because other threads would count secrets, too.
    #[test]
    fn a_response_goes_on_as_it_began() {
        assert!(is_withheld(1, GET_RESPONSE), "its beginning is not known");
        assert!(!is_withheld(1, SELECT));
        assert!(!is_withheld(1, GET_RESPONSE) && !is_withheld(1, GET_RESPONSE));
        assert!(is_withheld(2, GET_RESPONSE), "of another card handle");
        assert!(is_withheld(1, VERIFY));
        assert!(is_withheld(1, GET_RESPONSE) && is_withheld(1, GET_RESPONSE));
        assert!(!is_withheld(1, SELECT));
        std::thread::spawn(|| assert!(is_withheld(1, VERIFY))).join().unwrap();
        assert!(is_withheld(1, GET_RESPONSE), "another thread has sent a secret meanwhile");
        assert!(!is_withheld(1, SELECT));
        log::set(None).unwrap();
        assert!(is_withheld(1, GET_RESPONSE), "nothing is known of the time without a log");
        // A callback of a virtual card sends a command to another card.
        let outer = begin(Icc(1), VERIFY);
        assert!(!is_withheld(2, SELECT));
        end(outer, Ok(&[0x90, 0]));
        assert!(outer.is_withheld && is_withheld(1, GET_RESPONSE) && is_withheld(2, GET_RESPONSE));
    }
}

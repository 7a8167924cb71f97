//! Questions to pcscd that do not go through libpcsclite.
//!
//! Since 2.5 pcscd has any number of readers, and libpcsclite first asks for their number. This fails in two ways.
//! First, the array of libpcsclite never shrinks: after a restart of the daemon with fewer readers, all questions fail.
//! Second, during a wait libpcsclite asks on the connection on which the daemon sends notifications. It takes a
//! notification for the number, or for a part of a reader. The result is an error, an unknown reader, or an endless
//! wait. So libscm asks the daemon itself, each question on a connection of its own.

mod notification;
mod question;
mod reader_entry;
mod socket;

use std::sync::atomic::{AtomicU8, Ordering};

use super::{IS_PCSC_LITE, native};
use crate::abi::hresult::Result;
use crate::runtime::pthread_cancel::hold_off;

pub use notification::Notification;
pub use reader_entry::ReaderEntry;
pub use socket::Stream;

/// Whether a daemon of this machine listens on the socket of libpcsclite. The file with its process id is in the same
/// folder. A forwarder to another machine has no such file, and accepts connections even if its daemon has ended.
pub fn is_here() -> bool {
    let _cancellation = hold_off();
    socket::is_at("pcscd.pid")
}

pub fn connect() -> Result<Stream> {
    socket::connect().map_err(question::broken)
}

/// All readers in their present state.
pub fn readers() -> Result<Vec<ReaderEntry>> {
    question::ask(connect()?)
}

/// Whether this libpcsclite has these faults. It is checked once, without a message to the daemon.
pub fn is_needed() -> bool {
    const UNKNOWN: u8 = 0;
    const NO: u8 = 1;
    const YES: u8 = 2;
    static NEEDED: AtomicU8 = AtomicU8::new(UNKNOWN);
    match NEEDED.load(Ordering::Relaxed) {
        UNKNOWN => {
            let needed = IS_PCSC_LITE && native::takes_any_number_of_readers();
            NEEDED.store(if needed { YES } else { NO }, Ordering::Relaxed);
            needed
        }
        known => known == YES,
    }
}

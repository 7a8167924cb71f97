//! pcscd, spoken with past libpcsclite.
//!
//! From 2.5 on pcscd has any number of readers, and libpcsclite asks for that number before it asks for them. It goes wrong in
//! two ways. After a restart of the daemon with fewer readers than this process has ever seen it fails for ever, because its array
//! only grows. And when it waits, it asks on the connection on which the daemon tells of changes: what is told in between is read
//! as the number, or as part of a reader; that ends in an error, in a reader that is unknown, or never. So libscm asks the daemon
//! itself there, each question on a connection of its own.

mod notification;
mod question;
mod reader;
mod socket;

use std::sync::atomic::{AtomicU8, Ordering};

use super::{IS_PCSC_LITE, native};
use crate::abi::hresult::Result;
use crate::runtime::cancellation::hold_off;

pub use notification::Notification;
pub use reader::Reader;
pub use socket::Stream;

/// Whether a daemon of this machine listens where libpcsclite goes. Its process id lies beside its socket, and beside that of a forwarder to
/// another machine lies nothing. A forwarder takes connections also when its daemon is gone.
pub fn is_here() -> bool {
    let _cancellation = hold_off();
    socket::is_at("pcscd.pid")
}

pub fn connect() -> Result<Stream> {
    socket::connect().map_err(question::broken)
}

/// All readers as they are now.
pub fn readers() -> Result<Vec<Reader>> {
    question::ask(connect()?)
}

/// Whether libpcsclite is one that goes wrong. It is not asked twice, and asks nobody.
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

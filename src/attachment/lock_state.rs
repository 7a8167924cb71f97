//! The locks of one attachment, counted, and the reader lock under them.
//!
//! | `depth` | `reader` | State                                                                                  |
//! |---------|----------|----------------------------------------------------------------------------------------|
//! | 0       | None     | free                                                                                   |
//! | 1..     | Some     | held                                                                                   |
//! | 1..     | None     | lost: the connection is interrupted or gone, and a reconnect takes the lock anew       |
//! | 0       | Some     | stuck: a borrowed card handle is set aside because its transaction could not be ended  |

use std::time::Duration;

use super::reader_lock::ReaderLock;
use crate::abi::hresult::{Hresult, Result};
use crate::runtime::wait::{CLEANUP_MS, GRACE_MS};

#[derive(Default)]
pub struct LockState {
    /// How many locks were taken and not given back.
    pub depth: u32,
    /// How many of them belong to calls of the library that run a function of the program.
    pub of_calls: u32,
    /// Incremented by each outermost lock.
    pub number: u64,
    /// How long the diagnosis of failed exchanges has taken under the present lock.
    pub diagnosis: Duration,
    /// As long as there may be a transaction.
    pub reader: Option<ReaderLock>,
}

impl LockState {
    #[inline]
    pub fn is_held(&self) -> bool {
        self.depth > 0
    }

    /// Whether a transaction is left that could not be ended.
    pub fn is_stuck(&self) -> bool {
        !self.is_held() && self.reader.is_some()
    }

    /// The depth after one more lock.
    pub fn deeper(&self) -> Result<u32> {
        self.depth.checked_add(1).ok_or(Hresult::E_FAIL)
    }

    /// Gives one lock back, and tells whether it was the outermost one.
    pub fn give_back(&mut self) -> Result<bool> {
        self.depth = self.depth.checked_sub(1).ok_or(Hresult::SCARD_E_NOT_TRANSACTED)?;
        Ok(!self.is_held())
    }

    /// How many milliseconds are left to give the lock of a call back: the diagnosis before it has used a part of the
    /// time. A question that it has abandoned may take the rest of that time, and is answered first.
    pub fn rest_for_cleanup_ms(&self) -> u32 {
        match u32::try_from(self.diagnosis.as_millis()).unwrap_or(u32::MAX) {
            0 => CLEANUP_MS,
            used => CLEANUP_MS.saturating_sub(used) + GRACE_MS,
        }
    }
}

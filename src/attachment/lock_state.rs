//! The locks of one attachment, counted, and the reader lock under them.
//!
//! | `depth` | `reader` | State                                                                                  |
//! |---------|----------|----------------------------------------------------------------------------------------|
//! | 0       | None     | free                                                                                   |
//! | 1..     | Some     | held                                                                                   |
//! | 1..     | None     | lost: the connection is interrupted or gone, and a reconnect takes the lock anew       |
//! | 0       | Some     | stuck: a borrowed card handle is set aside because its transaction could not be ended  |

use super::reader_lock::ReaderLock;
use crate::abi::hresult::{Hresult, Result};

#[derive(Default)]
pub struct LockState {
    /// How many locks were taken and not given back.
    pub depth: u32,
    /// How many of them belong to calls of the library that run a function of the program.
    pub of_calls: u32,
    /// Incremented by each outermost lock.
    pub number: u64,
    /// An exchange under the present lock has failed, and its diagnosis has used the time for clean-up.
    pub has_diagnosed: bool,
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
        self.has_diagnosed &= self.is_held();
        Ok(!self.is_held())
    }
}

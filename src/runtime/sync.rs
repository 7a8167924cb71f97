//! The primitives of the code that loom checks (`RUSTFLAGS="--cfg loom" cargo test --release --lib loom`): those of
//! loom, or else the standard ones.

#[cfg(loom)]
pub use loom::sync::{Condvar, Mutex, MutexGuard, atomic};
#[cfg(not(loom))]
pub use std::sync::{Condvar, Mutex, MutexGuard, atomic};

//! Cancellation of threads by the program (`pthread_cancel`). It acts in each blocking function of the C library.
//!
//! A thread that ended inside libpcsclite would leave a mutex locked for ever, and unwind Rust frames that do not
//! expect it. So the library disables cancellation around such calls. It acts later in the program: in a callback, or
//! after the call.

pub use crate::runtime::platform::pthread_cancel::{HeldOff, hold_off, is_single_threaded, learn};

//! Parts that the standard library lacks: memory that can run out, waits with a limit, threads, callbacks, forks.
//! Everything that depends on the platform is in `platform`.

pub mod buffer;
pub mod callback;
pub mod cancel;
pub mod fallible;
pub mod fork_count;
pub mod fork_locks;
pub mod log;
pub mod map;
pub mod platform;
pub mod pthread_cancel;
pub mod reentrancy;
pub mod spare_buffer;
pub mod sync;
pub mod thread;
pub mod thread_id;
pub mod wait;

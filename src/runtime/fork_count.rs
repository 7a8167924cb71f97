//! How many forks this process is away from the first one that had the library. What remembers the number it was made at knows
//! whether it is this process's or one that it came from.

use std::sync::atomic::{AtomicUsize, Ordering};

static FORKS: AtomicUsize = AtomicUsize::new(0);

pub fn fork_count() -> usize {
    FORKS.load(Ordering::Relaxed)
}

/// In the child of a fork.
#[cfg(unix)]
pub fn count_fork() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

//! How many forks lie between this process and the first one that loaded the library. An object that remembers the
//! count of its creation knows whether it belongs to this process or to an ancestor.

use std::sync::atomic::{AtomicUsize, Ordering};

static FORKS: AtomicUsize = AtomicUsize::new(0);

pub fn fork_count() -> usize {
    FORKS.load(Ordering::Relaxed)
}

/// In the child of a fork.
pub fn count_fork() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

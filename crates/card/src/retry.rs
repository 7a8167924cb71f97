//! Retry counters of codes and keys.

use crate::status::{Result, Status};

/// The remaining tries and their maximum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryCounter {
    limit: u8,
    left: u8,
}

impl RetryCounter {
    pub fn new(limit: u8) -> RetryCounter {
        RetryCounter { limit, left: limit }
    }

    pub fn left(&self) -> u8 {
        self.left
    }

    pub fn is_blocked(&self) -> bool {
        self.left == 0
    }

    pub fn reset(&mut self) {
        self.left = self.limit;
    }

    /// Makes one try; it is counted before its result is known.
    pub fn attempt(&mut self, succeeds: impl FnOnce() -> bool) -> Result<()> {
        self.left = self.left.checked_sub(1).ok_or(Status::METHOD_BLOCKED)?;
        if !succeeds() {
            return Err(Status::tries_left(self.left));
        }
        self.reset();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_counted_until_none_is_left() {
        let mut counter = RetryCounter::new(2);
        assert_eq!(counter.attempt(|| false), Err(Status::tries_left(1)));
        assert_eq!(counter.attempt(|| true), Ok(()));
        assert_eq!(counter.left(), 2);
        assert_eq!(counter.attempt(|| false), Err(Status::tries_left(1)));
        assert_eq!(counter.attempt(|| false), Err(Status::tries_left(0)));
        assert_eq!(counter.attempt(|| true), Err(Status::METHOD_BLOCKED));
        counter.reset();
        assert_eq!(counter.attempt(|| true), Ok(()));
    }
}

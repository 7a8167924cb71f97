//! A place for one buffer that several users share, one after the other.

use std::mem::ManuallyDrop;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// Holds one empty buffer of `CAPACITY` bytes, or none. Neither taking nor giving back waits for another thread.
#[derive(Default)]
pub struct SpareBuffer<const CAPACITY: usize> {
    bytes: AtomicPtr<u8>,
    is_claimed: AtomicBool,
}

impl<const CAPACITY: usize> SpareBuffer<CAPACITY> {
    /// Whether the caller is the one user that keeps a buffer of its own, and so does not give it back. It remains so
    /// until `end_claim`.
    pub fn claim(&self) -> bool {
        !self.is_claimed.swap(true, Ordering::Relaxed)
    }

    pub fn end_claim(&self) {
        self.is_claimed.store(false, Ordering::Relaxed);
    }

    pub fn take(&self) -> Option<Vec<u8>> {
        let bytes = self.bytes.swap(null_mut(), Ordering::Acquire);
        // SAFETY: `give_back` took the address from an empty Vec of this capacity, and the swap left nobody else with
        // it.
        (!bytes.is_null()).then(|| unsafe { Vec::from_raw_parts(bytes, 0, CAPACITY) })
    }

    /// Keeps `buffer`, emptied. It is freed if there is one already, or if its capacity is another one.
    pub fn give_back(&self, buffer: Vec<u8>) {
        if buffer.capacity() != CAPACITY || CAPACITY == 0 {
            return;
        }
        let mut buffer = ManuallyDrop::new(buffer);
        let kept = self.bytes.compare_exchange(null_mut(), buffer.as_mut_ptr(), Ordering::Release, Ordering::Relaxed);
        if kept.is_err() {
            drop(ManuallyDrop::into_inner(buffer));
        }
    }
}

#[cfg(test)]
impl<const CAPACITY: usize> SpareBuffer<CAPACITY> {
    /// Whether the buffer holds nothing but zeroes. All of it was written before.
    pub fn is_all_zero(&self) -> bool {
        let mut buffer = self.take().unwrap();
        // SAFETY: the caller says that all of the capacity was written.
        unsafe { buffer.set_len(CAPACITY) };
        let is_all_zero = buffer.iter().all(|byte| *byte == 0);
        self.give_back(buffer);
        is_all_zero
    }
}

impl<const CAPACITY: usize> Drop for SpareBuffer<CAPACITY> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_buffer_is_kept_and_given_once() {
        let spare = SpareBuffer::<64>::default();
        assert_eq!(spare.take(), None);
        spare.give_back(b"a response".to_vec());
        assert_eq!(spare.take(), None, "a buffer of another capacity is freed");
        let mut buffers = [64, 64].map(Vec::<u8>::with_capacity);
        buffers[0].push(1);
        let first = buffers[0].as_ptr();
        buffers.into_iter().for_each(|buffer| spare.give_back(buffer));
        let taken = spare.take().unwrap();
        assert_eq!((taken.as_ptr(), taken.len(), taken.capacity()), (first, 0, 64));
        assert_eq!(spare.take(), None);
    }

    #[test]
    fn one_user_keeps_a_buffer() {
        let spare = SpareBuffer::<64>::default();
        assert_eq!((spare.claim(), spare.claim()), (true, false));
        spare.end_claim();
        assert!(spare.claim());
    }
}

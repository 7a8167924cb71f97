//! Outputs of a function that C calls: one value, or bytes. The memory is the caller's.

use crate::abi::cause::{refuse_null, refuse_null_buffer, refuse_null_length};
use crate::abi::hresult::{Hresult, Result};

/// A required output of one value. It is zero until `set`, so that it is zero after every failure.
pub struct Output<T> {
    pointer: *mut T,
}

impl<T> Output<T> {
    /// # Safety
    /// `pointer` is NULL or may be written as a `T` during the call; all zeroes are a value of `T`.
    pub unsafe fn new(pointer: *mut T) -> Result<Output<T>> {
        if pointer.is_null() {
            return Err(refuse_null());
        }
        // SAFETY: not NULL; the rest the caller vouches for.
        unsafe { pointer.write_bytes(0, 1) };
        Ok(Output { pointer })
    }

    pub fn set(self, value: T) {
        // SAFETY: checked in `new`, and still the same call.
        unsafe { self.pointer.write(value) }
    }
}

/// Without a buffer only the length is asked for, and the capacity is 0.
#[cold]
fn check_question(capacity: usize) -> Result<()> {
    match capacity {
        0 => Ok(()),
        _ => Err(refuse_null_buffer()),
    }
}

/// An output of bytes: a buffer, its capacity, and where the length goes. NULL with capacity 0 asks for the length.
pub struct OutputBytes {
    buffer: *mut u8,
    capacity: usize,
    length: Output<usize>,
}

impl OutputBytes {
    /// # Safety
    /// `buffer` is NULL or has `capacity` writable bytes, and `length` is NULL or may be written, during the call.
    #[inline(always)]
    pub unsafe fn new(buffer: *mut u8, capacity: usize, length: *mut usize) -> Result<OutputBytes> {
        // SAFETY: as the caller vouches for.
        let length = unsafe { Output::new(length) }.map_err(|_| refuse_null_length())?;
        if buffer.is_null() {
            check_question(capacity)?;
        }
        Ok(OutputBytes { buffer, capacity, length })
    }

    /// How many bytes the caller has room for.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Whether only the length is asked for.
    fn is_question(&self) -> bool {
        self.buffer.is_null()
    }

    /// Gives the caller `bytes`, or the length that they need.
    pub fn fill(self, bytes: &[u8]) -> Result<Hresult> {
        self.length.set(bytes.len());
        if self.buffer.is_null() {
            return Ok(Hresult::S_OK);
        }
        if bytes.len() > self.capacity {
            return Err(Hresult::SCARD_E_INSUFFICIENT_BUFFER);
        }
        // SAFETY: the buffer has room for them, and is no part of this library's memory.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.buffer, bytes.len()) };
        Ok(Hresult::S_OK)
    }

    /// Lets a function of the program fill the buffer: its arguments are the buffer, the capacity, and where the length
    /// goes. After a failure the length is zero, or the needed one. A length beyond the capacity is a failure, too, and
    /// so is a buffer that is too small for a length within it.
    pub fn fill_by(self, call: impl FnOnce(*mut u8, usize, *mut usize) -> Result<Hresult>) -> Result<Hresult> {
        let mut length = 0;
        let answer = match call(self.buffer, self.capacity, &mut length) {
            Ok(_) if length > self.capacity && !self.is_question() => Err(Hresult::E_FAIL),
            // NULL asks for the length, and a function that compares it with the capacity has told it.
            Err(Hresult::SCARD_E_INSUFFICIENT_BUFFER) if self.is_question() => Ok(Hresult::S_OK),
            // The caller would come again with the same room, without end.
            Err(Hresult::SCARD_E_INSUFFICIENT_BUFFER) if length <= self.capacity => Err(Hresult::E_FAIL),
            answer => answer,
        };
        if matches!(answer, Ok(_) | Err(Hresult::SCARD_E_INSUFFICIENT_BUFFER)) {
            self.length.set(length);
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::null_mut;

    #[test]
    fn outputs_are_zero_until_they_are_set() {
        let (mut length, mut buffer) = (77, [9u8; 4]);
        // SAFETY: the buffers are as long as is said.
        unsafe {
            assert!(Output::<usize>::new(null_mut()).is_err());
            let _unused = OutputBytes::new(buffer.as_mut_ptr(), 4, &mut length).unwrap();
            assert_eq!(length, 0);
            let short = OutputBytes::new(buffer.as_mut_ptr(), 4, &mut length).unwrap();
            assert_eq!(short.fill(b"12345"), Err(Hresult::SCARD_E_INSUFFICIENT_BUFFER));
            assert_eq!((length, buffer), (5, [9; 4]));
            let question = OutputBytes::new(null_mut(), 0, &mut length).unwrap();
            assert_eq!((question.fill(b"123"), length), (Ok(Hresult::S_OK), 3));
            let right = OutputBytes::new(buffer.as_mut_ptr(), 4, &mut length).unwrap();
            assert_eq!((right.fill(b"123"), &buffer), (Ok(Hresult::S_OK), b"123\x09"));
            assert_eq!(OutputBytes::new(null_mut(), 1, &mut length).err(), Some(Hresult::E_POINTER));
        }
    }

    #[test]
    fn the_length_that_a_function_of_the_program_leaves_counts_if_it_succeeds() {
        let (mut length, mut buffer) = (77, [9u8; 4]);
        let mut fill = |answer: Result<Hresult>, claimed: usize| {
            // SAFETY: the buffer is as long as is said, and so is what `claimed` writes.
            unsafe {
                let output = OutputBytes::new(buffer.as_mut_ptr(), 4, &mut length).unwrap();
                let filled = output.fill_by(|_, capacity, pointer| {
                    pointer.write(claimed);
                    assert_eq!(capacity, 4);
                    answer
                });
                (filled, length)
            }
        };
        let (ok, failed) = (Ok(Hresult::S_OK), Err(Hresult::E_ACCESSDENIED));
        let short = Err(Hresult::SCARD_E_INSUFFICIENT_BUFFER);
        assert_eq!(fill(ok, 4), (ok, 4));
        assert_eq!(fill(failed, 4), (failed, 0));
        assert_eq!(fill(short, 9), (short, 9));
        assert_eq!(fill(ok, 5), (Err(Hresult::E_FAIL), 0));
        assert_eq!(fill(short, 4), (Err(Hresult::E_FAIL), 0));
        assert_eq!(fill(short, 0), (Err(Hresult::E_FAIL), 0));
        for answer in [ok, short] {
            // SAFETY: nothing is written but the length.
            let question = unsafe { OutputBytes::new(null_mut(), 0, &mut length) }.unwrap();
            let asked = question.fill_by(|_, _, pointer| {
                // SAFETY: that is where the length goes.
                unsafe { pointer.write(9) };
                answer
            });
            assert_eq!((asked, length), (ok, 9));
        }
    }
}

//! A buffer that others write to, and then report how much. They may have written less than they report.

use std::alloc::{Layout, alloc_zeroed};

use crate::abi::hresult::{Hresult, Result};

/// An empty buffer with this capacity, all of it zero. The system gives memory to a page only when somebody writes to
/// it.
pub fn zeroed(capacity: usize) -> Result<Vec<u8>> {
    let layout = Layout::array::<u8>(capacity).map_err(|_| Hresult::E_OUTOFMEMORY)?;
    if layout.size() == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the size is not zero.
    let bytes = unsafe { alloc_zeroed(layout) };
    if bytes.is_null() {
        return Err(Hresult::E_OUTOFMEMORY);
    }
    // SAFETY: from the allocator of Vec, in the layout of this capacity, with length 0.
    Ok(unsafe { Vec::from_raw_parts(bytes, 0, capacity) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_empty_and_its_room_is_zero() {
        let mut buffer = zeroed(1000).unwrap();
        assert_eq!((buffer.len(), buffer.capacity()), (0, 1000));
        // SAFETY: within the capacity, which was written with zeroes.
        unsafe { buffer.set_len(1000) };
        assert_eq!(buffer, [0; 1000]);
        assert_eq!(zeroed(0), Ok(Vec::new()));
        assert_eq!(zeroed(usize::MAX), Err(Hresult::E_OUTOFMEMORY));
    }
}

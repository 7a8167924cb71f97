//! A counted reference whose allocation may fail: `std::sync::Arc` aborts the process when memory is short, and this
//! library promises `SCM_E_OUTOFMEMORY` instead. No weak references, so one counter is all there is.

use crate::runtime::sync::atomic::{AtomicUsize, Ordering};
use std::ops::Deref;
use std::ptr::NonNull;

use crate::abi::hresult::Result;

/// Moves `value` to the heap, or drops it when there is no memory.
pub fn try_box<T>(value: T) -> Result<Box<T>> {
    let mut cell = Vec::new();
    cell.try_reserve_exact(1)?;
    cell.push(value);
    // SAFETY: a boxed slice of one element has the layout of a box of that element.
    Ok(unsafe { Box::from_raw(Box::into_raw(cell.into_boxed_slice()).cast()) })
}

/// A shared, immutable `T`; the last reference drops it.
pub struct Arc<T> {
    counted: NonNull<Counted<T>>,
}

struct Counted<T> {
    references: AtomicUsize,
    value: T,
}

// SAFETY: like Arc: references are handed between threads, and the last one may drop T on any of them.
unsafe impl<T: Send + Sync> Send for Arc<T> {}
// SAFETY: as above; a shared reference to an Arc gives no more than &T and the right to clone.
unsafe impl<T: Send + Sync> Sync for Arc<T> {}

impl<T> Arc<T> {
    /// Moves `value` to the heap, or drops it when there is no memory.
    pub fn try_new(value: T) -> Result<Arc<T>> {
        let mut cell = Vec::new();
        cell.try_reserve_exact(1)?;
        cell.push(Counted { references: AtomicUsize::new(1), value });
        let counted = NonNull::from(Box::leak(cell.into_boxed_slice())).cast();
        Ok(Arc { counted })
    }

    /// Whether both refer to one value.
    pub fn is_same(one: &Arc<T>, other: &Arc<T>) -> bool {
        one.counted == other.counted
    }

    /// Whether there is no other reference. Where nobody can make another one, that stays so.
    pub fn is_last(this: &Arc<T>) -> bool {
        // SAFETY: this reference keeps the allocation alive.
        unsafe { this.counted.as_ref() }.references.load(Ordering::Acquire) == 1
    }

    /// The value itself, if this is the last reference; otherwise one reference less.
    pub fn into_inner(self) -> Option<T> {
        let counted = self.counted;
        std::mem::forget(self);
        // SAFETY: the reference just forgotten is given up here, exactly once.
        let cell = unsafe { Self::give_up(counted) }?;
        let [counted] = *cell;
        Some(counted.value)
    }

    /// Gives up one reference; the last one gets the allocation back.
    ///
    /// # Safety
    /// The caller owns a reference, and does not use it again.
    unsafe fn give_up(counted: NonNull<Counted<T>>) -> Option<Box<[Counted<T>; 1]>> {
        // SAFETY: the reference of the caller keeps the allocation alive up to this decrement.
        let references = unsafe { &counted.as_ref().references };
        if references.fetch_sub(1, Ordering::Release) != 1 {
            return None;
        }
        // Everything that other threads did with T happens before its end. A fence would do, but sanitizers do not see it.
        references.load(Ordering::Acquire);
        // SAFETY: the allocation came from a boxed slice of one element, which has the layout of a boxed array of
        // one, and nobody else has a reference.
        Some(unsafe { Box::from_raw(counted.cast().as_ptr()) })
    }
}

impl<T> Clone for Arc<T> {
    fn clone(&self) -> Self {
        // SAFETY: self is a reference, so the allocation is alive. A counter cannot overflow: each reference lives
        // in a thread's stack frame or in a slot of the handle table.
        unsafe { self.counted.as_ref() }.references.fetch_add(1, Ordering::Relaxed);
        Arc { counted: self.counted }
    }
}

impl<T> Deref for Arc<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: self is a reference, so the allocation is alive, and nobody has it mutably.
        unsafe { &self.counted.as_ref().value }
    }
}

impl<T> Drop for Arc<T> {
    fn drop(&mut self) {
        // SAFETY: an Arc is dropped once.
        drop(unsafe { Self::give_up(self.counted) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    struct Waker<'a>(&'a Mutex<u32>);

    impl Drop for Waker<'_> {
        fn drop(&mut self) {
            *self.0.lock().unwrap() += 1;
        }
    }

    #[test]
    fn the_last_reference_drops_the_value_once() {
        let woken = Mutex::new(0);
        let first = Arc::try_new(Waker(&woken)).unwrap();
        let second = first.clone();
        drop(first);
        assert_eq!(*woken.lock().unwrap(), 0);
        drop(second);
        assert_eq!(*woken.lock().unwrap(), 1);
    }

    #[test]
    fn only_the_last_reference_gets_the_value() {
        let woken = Mutex::new(0);
        let first = Arc::try_new(Waker(&woken)).unwrap();
        let second = first.clone();
        assert!(first.into_inner().is_none());
        assert_eq!(*woken.lock().unwrap(), 0);
        assert!(second.into_inner().is_some());
        assert_eq!(*woken.lock().unwrap(), 1);
    }

    #[test]
    fn many_threads_count_right() {
        let woken = Mutex::new(0);
        let shared = Arc::try_new(Waker(&woken)).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let mine = shared.clone();
                scope.spawn(move || {
                    for _ in 0..1000 {
                        drop(mine.clone());
                    }
                });
            }
            drop(shared);
        });
        assert_eq!(*woken.lock().unwrap(), 1);
    }
}

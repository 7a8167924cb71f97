//! Memory on the heap that can run out. `Box` and `Arc` of the standard library abort the process then, and this
//! library promises `SCM_E_OUTOFMEMORY` instead. This is the only place that allocates a box or a shared reference.

use std::alloc::{Layout, alloc};
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;

use crate::abi::hresult::{Hresult, Result};
use crate::runtime::sync::atomic::{AtomicUsize, Ordering};

/// Moves `value` to the heap, or drops it when there is no memory.
pub fn try_box<T>(value: T) -> Result<Box<T>> {
    let layout = Layout::new::<T>();
    if layout.size() == 0 {
        // It allocates nothing.
        return Ok(Box::new(value));
    }
    // SAFETY: the size is not zero.
    let memory = NonNull::new(unsafe { alloc(layout) }.cast::<T>()).ok_or(Hresult::E_OUTOFMEMORY)?;
    // SAFETY: new memory of the global allocator in the layout of T, which the value fills.
    unsafe {
        memory.write(value);
        Ok(Box::from_raw(memory.as_ptr()))
    }
}

/// A counted reference to a shared, immutable `T`; the last reference drops it. There are no weak references, so it
/// needs one counter.
pub struct Arc<T> {
    counted: NonNull<Counted<T>>,
}

struct Counted<T> {
    references: AtomicUsize,
    value: T,
}

// SAFETY: as for std's Arc: references move between threads, and the last one may drop T on any of them.
unsafe impl<T: Send + Sync> Send for Arc<T> {}
// SAFETY: as above; a shared reference to an Arc gives no more than &T and the right to clone.
unsafe impl<T: Send + Sync> Sync for Arc<T> {}

impl<T> Arc<T> {
    /// Moves `value` to the heap, or drops it when there is no memory.
    pub fn try_new(value: T) -> Result<Arc<T>> {
        let counted = try_box(Counted { references: AtomicUsize::new(1), value })?;
        Ok(Arc { counted: NonNull::from(Box::leak(counted)) })
    }

    /// Whether both refer to one value.
    pub fn is_same(one: &Arc<T>, other: &Arc<T>) -> bool {
        one.counted == other.counted
    }

    /// Whether there is no other reference. If nobody can clone this one, that does not change.
    pub fn is_last(this: &Arc<T>) -> bool {
        // SAFETY: this reference keeps the allocation alive.
        unsafe { this.counted.as_ref() }.references.load(Ordering::Acquire) == 1
    }

    /// The value itself, if this is the last reference. This reference ends in any case.
    pub fn into_inner(self) -> Option<T> {
        let this = ManuallyDrop::new(self);
        // SAFETY: this reference is not dropped, so it ends here, exactly once.
        let is_last = unsafe { this.end() };
        // SAFETY: this was the last reference.
        is_last.then(|| unsafe { Self::take_last(this.counted) }.value)
    }

    /// Ends this reference. Whether it was the last one.
    ///
    /// # Safety
    /// This reference is not used again, unless it was the last one and `take_last` takes its allocation.
    #[inline(always)]
    unsafe fn end(&self) -> bool {
        // SAFETY: this reference keeps the allocation alive up to this decrement.
        unsafe { self.counted.as_ref() }.references.fetch_sub(1, Ordering::Release) == 1
    }

    /// Not inlined, so that the end of a reference is.
    ///
    /// # Safety
    /// As for `take_last`.
    #[cold]
    #[inline(never)]
    unsafe fn drop_last(counted: NonNull<Counted<T>>) {
        // SAFETY: as the caller vouches for.
        drop(unsafe { Self::take_last(counted) });
    }

    /// The allocation after the end of its last reference.
    ///
    /// # Safety
    /// The last reference has ended, and the allocation is taken once.
    unsafe fn take_last(counted: NonNull<Counted<T>>) -> Box<Counted<T>> {
        // SAFETY: the allocation came from a box, and nobody else has a reference.
        let counted = unsafe { Box::from_raw(counted.as_ptr()) };
        // All uses of T by other threads happen before its end. A fence has the same effect, but sanitizers do not see
        // it.
        counted.references.load(Ordering::Acquire);
        counted
    }
}

impl<T> Clone for Arc<T> {
    fn clone(&self) -> Self {
        // SAFETY: self is a reference, so the allocation is alive. The counter cannot overflow: each
        // reference takes memory in a stack frame or in a slot of the handle table.
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
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: an Arc is dropped once.
        if unsafe { self.end() } {
            // SAFETY: this was the last reference.
            unsafe { Self::drop_last(self.counted) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    struct CountsDrops<'a>(&'a Mutex<u32>);

    impl Drop for CountsDrops<'_> {
        fn drop(&mut self) {
            *self.0.lock().unwrap() += 1;
        }
    }

    #[test]
    fn a_box_of_any_size_keeps_its_value() {
        assert_eq!(*try_box([7u64; 100]).unwrap(), [7; 100]);
        let drops = Mutex::new(0);
        let call: Box<dyn FnOnce() + Send + '_> = try_box(|| *drops.lock().unwrap() += 1).unwrap();
        call();
        struct Empty;
        drop(try_box(Empty).unwrap());
        assert_eq!(*drops.lock().unwrap(), 1);
    }

    #[test]
    fn the_last_reference_drops_the_value_once() {
        let drops = Mutex::new(0);
        let first = Arc::try_new(CountsDrops(&drops)).unwrap();
        let second = first.clone();
        drop(first);
        assert_eq!(*drops.lock().unwrap(), 0);
        drop(second);
        assert_eq!(*drops.lock().unwrap(), 1);
    }

    #[test]
    fn only_the_last_reference_gets_the_value() {
        let drops = Mutex::new(0);
        let first = Arc::try_new(CountsDrops(&drops)).unwrap();
        let second = first.clone();
        assert!(first.into_inner().is_none());
        assert_eq!(*drops.lock().unwrap(), 0);
        assert!(second.into_inner().is_some());
        assert_eq!(*drops.lock().unwrap(), 1);
    }

    #[test]
    fn many_threads_count_correctly() {
        let drops = Mutex::new(0);
        let shared = Arc::try_new(CountsDrops(&drops)).unwrap();
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
        assert_eq!(*drops.lock().unwrap(), 1);
    }
}

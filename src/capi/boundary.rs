//! The boundary to C: no panic crosses it, and every pointer from C is checked.

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::last_error;
use crate::abi::call::Call;
use crate::abi::call_end;
pub use crate::abi::cause::OfArgument;
use crate::abi::cause::{self, refuse, refuse_length, refuse_null};
use crate::abi::hresult::{Hresult, Result};
pub use crate::abi::output::{Output, OutputBytes};
use crate::runtime::callback;
use crate::runtime::log;

/// Runs the body of an exported function: `guard!(scm_attach_by_ifd(text(ifd_name), handle), || ...)`. The log has its
/// arguments: a text as it is, of a pointer only the address. So it has no code and no key.
macro_rules! guard {
    ($name:ident($($parameters:tt)*), $body:expr $(,)?) => {{
        let call = $crate::runtime::log::arguments::begin_logged!(begin_call, $name($($parameters)*));
        $crate::capi::boundary::run(call, $body)
    }};
}
pub(crate) use guard;

/// The function behind `guard!`. A panic is a bug of the library: the caller gets `E_UNEXPECTED`, and the object
/// refuses further use, because its mutex is poisoned.
pub fn run(call: Call, body: impl FnOnce() -> Result<Hresult>) -> i32 {
    let result = catch_unwind(AssertUnwindSafe(body)).unwrap_or(Err(Hresult::E_UNEXPECTED));
    let code = result.unwrap_or_else(|code| code).0;
    if call_end::is_due(code) {
        end(call, Hresult(code));
    }
    code
}

/// Keeps the cause of a failure, and logs the end. A thread that ends in a callback ends here, after the body has
/// released everything.
#[cold]
#[inline(never)]
fn end(call: Call, code: Hresult) {
    let cause = cause::take();
    // A failure in the callback of the log would take the place of the failure that is logged.
    if code.0 < 0 && !log::is_delivering() {
        last_error::set(call, code, cause);
    }
    log::end_call(call, &last_error::Described(code));
    callback::resume();
}

/// The bytes of an input. NULL is allowed for an empty input only.
///
/// # Safety
/// `data` is NULL or has `length` readable bytes, which are not written during the call.
#[inline(never)]
pub unsafe fn input<'a>(data: *const u8, length: usize) -> Result<&'a [u8]> {
    // SAFETY: as the caller vouches for.
    unsafe { input_inlined(data, length) }
}

/// `input` for an exchange: no other call has to be that fast.
///
/// # Safety
/// As for `input`.
#[inline(always)]
pub unsafe fn input_inlined<'a>(data: *const u8, length: usize) -> Result<&'a [u8]> {
    if length == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(refuse("is NULL, and its length is not 0"));
    }
    if isize::try_from(length).is_err() {
        return Err(refuse_length("is more than the memory has"));
    }
    // SAFETY: not NULL, and as long as the caller vouches for.
    Ok(unsafe { std::slice::from_raw_parts(data, length) })
}

/// The text of an input without its NUL. At most `limit` + 1 bytes are read, which shows that a text is too long.
///
/// # Safety
/// `text` is NULL or ends with a NUL, and is not written during the call.
pub unsafe fn text<'a>(text: *const c_char, limit: usize) -> Result<&'a [u8]> {
    if text.is_null() {
        return Err(refuse("is NULL"));
    }
    let mut length = 0;
    // SAFETY: every byte up to the first NUL is readable.
    while length <= limit && unsafe { *text.add(length) } != 0 {
        length += 1;
    }
    // SAFETY: these bytes were just read.
    Ok(unsafe { std::slice::from_raw_parts(text.cast(), length) })
}

/// The text of an input with its NUL. A text of more than `limit` bytes is refused.
///
/// # Safety
/// As for `text`.
pub unsafe fn text_with_nul<'a>(given: *const c_char, limit: usize) -> Result<&'a CStr> {
    // SAFETY: as the caller vouches for.
    if unsafe { text(given, limit) }?.len() > limit {
        return Err(refuse("is too long"));
    }
    // SAFETY: not NULL, and its NUL was just read.
    Ok(unsafe { CStr::from_ptr(given) })
}

/// A structure that may grow: it begins with `uint32_t struct_size`. Zero in each other field is the default.
///
/// # Safety
/// The type is `repr(C)`, begins with a `u32`, and any bytes are a value of it.
pub unsafe trait Options: Copy {
    /// The size of the structure in the first version of the library that has it.
    const FIRST_SIZE: usize;
    const DEFAULT: Self;
}

/// A greater size is invalid.
const MAX_OPTIONS_SIZE: usize = 4096;

/// The structure that `options` points to, or the defaults for NULL. A caller of an older version gives fewer fields. A
/// caller of a newer version gives more fields, and those that this version does not know must be zero.
///
/// # Safety
/// `options` is NULL, or has as many readable bytes as its `struct_size` says, which are not written during the call.
pub unsafe fn options<T: Options>(options: *const T) -> Result<T> {
    if options.is_null() {
        return Ok(T::DEFAULT);
    }
    // SAFETY: the structure begins with its size, as the trait promises; C may have placed it anywhere.
    let size = unsafe { options.cast::<u32>().read_unaligned() } as usize;
    check_size::<T>(size)?;
    // SAFETY: as long as the caller vouches for.
    let given = unsafe { std::slice::from_raw_parts(options.cast::<u8>(), size) };
    let (known, unknown) = given.split_at(size.min(size_of::<T>()));
    if unknown.iter().any(|byte| *byte != 0) {
        let why = "is that of a newer version, and a field that this version does not know is not 0";
        return Err(refuse(why)).of("struct_size");
    }
    let mut copy = T::DEFAULT;
    // SAFETY: no more bytes than T has, and any bytes are a value of it.
    unsafe { std::ptr::copy_nonoverlapping(known.as_ptr(), std::ptr::from_mut(&mut copy).cast::<u8>(), known.len()) };
    Ok(copy)
}

fn check_size<T: Options>(size: usize) -> Result<()> {
    match is_size_of_a_version::<T>(size) {
        true => Ok(()),
        false => Err(refuse("is 0, or not the size of any version of the structure")).of("struct_size"),
    }
}

/// The structure that `given` points to, which is required.
///
/// # Safety
/// As for `options`.
pub unsafe fn required<T: Options>(given: *const T) -> Result<T> {
    if given.is_null() {
        return Err(refuse("is NULL"));
    }
    // SAFETY: as the caller vouches for.
    unsafe { options(given) }
}

/// Whether a structure can have this size in some version. A version ends after a whole field, so no size cuts a
/// pointer.
fn is_size_of_a_version<T: Options>(size: usize) -> bool {
    let is_whole = size == T::FIRST_SIZE || size >= size_of::<T>() || size % align_of::<T>() == 0;
    is_whole && (T::FIRST_SIZE..=MAX_OPTIONS_SIZE).contains(&size)
}

/// A required output of a structure that may grow. Its `struct_size` is the size of the caller's version. No more bytes
/// are written, and the size itself is not written. Fields that this version does not know become zero.
pub struct OutputStructure<T> {
    pointer: *mut T,
    size: usize,
}

impl<T: Options> OutputStructure<T> {
    /// # Safety
    /// `pointer` is NULL, or has as many bytes as its `struct_size` says, which may be written during the call.
    pub unsafe fn new(pointer: *mut T) -> Result<OutputStructure<T>> {
        if pointer.is_null() {
            return Err(refuse_null());
        }
        // SAFETY: the structure begins with its size, as the trait promises; C may have placed it anywhere.
        let size = unsafe { pointer.cast::<u32>().read_unaligned() } as usize;
        check_size::<T>(size)?;
        let begin = size_of::<u32>();
        // SAFETY: as long as the caller vouches for.
        unsafe { pointer.cast::<u8>().add(begin).write_bytes(0, size - begin) };
        Ok(OutputStructure { pointer, size })
    }

    pub fn set(self, value: &T) {
        let begin = size_of::<u32>();
        let length = self.size.min(size_of::<T>()) - begin;
        // SAFETY: no more bytes than T has, nor than the caller has room for; checked in `new`, and still the same
        // call.
        unsafe {
            let from = std::ptr::from_ref(value).cast::<u8>().add(begin);
            std::ptr::copy_nonoverlapping(from, self.pointer.cast::<u8>().add(begin), length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::{null, null_mut};

    #[test]
    fn a_panic_becomes_a_code() {
        let guarded = |body: fn() -> Result<Hresult>| guard!(scm_test(), body);
        assert_eq!(guarded(|| panic!("for the test")), Hresult::E_UNEXPECTED.0);
        assert_eq!(guarded(|| Ok(Hresult::S_FALSE)), 1);
        assert_eq!(guarded(|| Err(Hresult::E_HANDLE)), Hresult::E_HANDLE.0);
    }

    #[test]
    fn only_an_empty_input_may_be_null() {
        // SAFETY: nothing is read.
        unsafe {
            assert_eq!(input(null(), 0), Ok(&[][..]));
            assert_eq!(input(null(), 1), Err(Hresult::E_INVALIDARG));
            assert_eq!(input(null::<u8>().wrapping_add(1), usize::MAX), Err(Hresult::E_INVALIDARG));
            assert_eq!(text(null(), 9), Err(Hresult::E_INVALIDARG));
        }
    }

    #[test]
    fn text_is_read_no_further_than_its_limit() {
        // SAFETY: both end with a NUL.
        unsafe {
            assert_eq!(text(c"abc".as_ptr(), 3), Ok(&b"abc"[..]));
            assert_eq!(text(c"abcdefg".as_ptr(), 3), Ok(&b"abcd"[..]));
            assert_eq!(text_with_nul(c"abc".as_ptr(), 3), Ok(c"abc"));
            assert_eq!(text_with_nul(c"abcd".as_ptr(), 3), Err(Hresult::E_INVALIDARG));
            assert_eq!(text_with_nul(null(), 3), Err(Hresult::E_INVALIDARG));
        }
    }

    #[repr(C)]
    #[derive(Clone, Copy, PartialEq, Debug)]
    struct Grown {
        struct_size: u32,
        first: u32,
        later: u32,
    }

    // SAFETY: three u32.
    unsafe impl Options for Grown {
        const FIRST_SIZE: usize = 8;
        const DEFAULT: Grown = Grown { struct_size: 12, first: 0, later: 0 };
    }

    fn read(words: &[u32]) -> Result<Grown> {
        // SAFETY: each test gives as many words as the first of them says, unless that is refused before.
        unsafe { options(words.as_ptr().cast()) }
    }

    #[test]
    fn structures_may_be_older_or_newer() {
        // SAFETY: NULL.
        assert_eq!(unsafe { options(null::<Grown>()) }, Ok(Grown::DEFAULT));
        assert_eq!(read(&[8, 5]), Ok(Grown { struct_size: 8, first: 5, later: 0 }));
        assert_eq!(read(&[12, 5, 6]), Ok(Grown { struct_size: 12, first: 5, later: 6 }));
        assert_eq!(read(&[16, 5, 6, 0]), Ok(Grown { struct_size: 16, first: 5, later: 6 }));
    }

    #[test]
    fn no_size_cuts_a_field() {
        for size in [9, 10, 11] {
            assert_eq!(read(&[size]), Err(Hresult::E_INVALIDARG), "{size}");
            let mut words = [size];
            // SAFETY: nothing is written, as the size is refused.
            let output = unsafe { OutputStructure::<Grown>::new(words.as_mut_ptr().cast()) };
            assert!(output.is_err_and(|code| code == Hresult::E_INVALIDARG), "{size}");
        }
    }

    #[test]
    fn no_more_of_a_structure_is_written_than_the_caller_has() {
        for (size, expected) in [(8, [8, 5, 77, 77]), (12, [12, 5, 6, 77]), (16, [16, 5, 6, 0])] {
            let mut words = [size, 77, 77, 77];
            // SAFETY: there are four words.
            let output = unsafe { OutputStructure::<Grown>::new(words.as_mut_ptr().cast()) }.unwrap();
            output.set(&Grown { struct_size: 0, first: 5, later: 6 });
            assert_eq!(words, expected);
        }
    }

    #[test]
    fn an_output_structure_is_refused_or_zero() {
        let mut words = [12, 77, 77, 77];
        // SAFETY: there are as many words as is said, unless that is refused before.
        unsafe {
            assert_eq!(OutputStructure::<Grown>::new(null_mut()).err(), Some(Hresult::E_POINTER));
            drop(OutputStructure::<Grown>::new(words.as_mut_ptr().cast()));
            assert_eq!(words, [12, 0, 0, 77]);
            for size in [0, 7, 4097, u32::MAX] {
                words = [size, 77, 77, 77];
                let refused = OutputStructure::<Grown>::new(words.as_mut_ptr().cast());
                assert_eq!((refused.err(), words), (Some(Hresult::E_INVALIDARG), [size, 77, 77, 77]));
            }
        }
    }

    #[test]
    fn structures_of_no_known_version_are_refused() {
        for words in [&[0, 5][..], &[4, 5], &[7, 5], &[16, 5, 6, 1], &[4097, 5], &[u32::MAX, 5]] {
            assert_eq!(read(words), Err(Hresult::E_INVALIDARG));
        }
    }
}

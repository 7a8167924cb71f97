//! The arguments of a call in the log: words, and how each of them is shown.

use std::ffi::c_char;
use std::fmt::{self, Display, Write};

use super::text::Quoted;
use crate::abi::call::Call;

/// Logs the beginning of a call, if anything is logged: `begin_logged!(begin_call, scm_lock(handle))`. Gives the call.
/// An argument that is a text is `text(name)`.
///
/// All that differs between calls is one text and some words, so that the log costs each of them few bytes.
macro_rules! begin_logged {
    ($begin:ident, $name:ident($($parameter:tt $(($text:ident))?),*)) => {{
        const CALL: $crate::abi::call::Call = $crate::abi::call::Call::new(
            match std::ffi::CStr::from_bytes_with_nul(
                concat!(
                    stringify!($name)
                    $(, " ", $crate::runtime::log::arguments::parameter_name!($parameter $($text)?))*,
                    "\0"
                )
                .as_bytes(),
            ) {
                Ok(words) => words,
                Err(_) => panic!("a name has no NUL"), // at compile time only
            },
        );
        if $crate::runtime::log::is_on() {
            #[allow(unused_imports)] // There may be no argument.
            use $crate::runtime::log::arguments::Argument;
            let kinds = 0;
            $(let kinds = $crate::runtime::log::arguments::argument!($parameter $($text)?).add_kind(kinds);)*
            let words = [$($crate::runtime::log::arguments::argument!($parameter $($text)?).word()),*];
            // SAFETY: as many words as parameters. A text is as the caller of this function vouches for.
            unsafe { $crate::runtime::log::$begin(CALL, kinds, words.as_ptr()) };
        }
        CALL
    }};
}

/// The name of a parameter in `begin_logged!`.
macro_rules! parameter_name {
    (text $name:ident) => {
        stringify!($name)
    };
    ($name:ident) => {
        stringify!($name)
    };
}

/// The value of a parameter in `begin_logged!`.
macro_rules! argument {
    (text $name:ident) => {
        $crate::runtime::log::arguments::ProgramText($name)
    };
    ($name:ident) => {
        $name
    };
}
pub(crate) use {argument, begin_logged, parameter_name};

/// How a word is shown.
const NUMBER: u64 = 0;
const SIGNED: u64 = 1;
/// An address, a token, or a number of PC/SC. The memory behind it is not read.
const ADDRESS: u64 = 2;
const FUNCTION: u64 = 3;
const TEXT: u64 = 4;
/// The kinds of all arguments are in one number, the last one in the lowest bits.
const KIND_BITS: usize = 3;

/// An argument of a call.
pub trait Argument: Copy {
    const KIND: u64;

    fn word(self) -> u64;

    #[inline(always)]
    fn add_kind(self, kinds: u64) -> u64 {
        kinds << KIND_BITS | Self::KIND
    }
}

macro_rules! numbers {
    ($($number:ty: $kind:ident),*) => {
        $(impl Argument for $number {
            const KIND: u64 = $kind;

            #[inline(always)]
            fn word(self) -> u64 {
                self as u64
            }
        })*
    };
}

numbers!(u32: NUMBER, u64: NUMBER, usize: NUMBER, i32: SIGNED, i64: SIGNED);

impl<T> Argument for *const T {
    const KIND: u64 = ADDRESS;

    #[inline(always)]
    fn word(self) -> u64 {
        self as usize as u64
    }
}

impl<T> Argument for *mut T {
    const KIND: u64 = ADDRESS;

    #[inline(always)]
    fn word(self) -> u64 {
        self as usize as u64
    }
}

/// A callback.
impl<T: Copy> Argument for Option<T> {
    const KIND: u64 = FUNCTION;

    #[inline(always)]
    fn word(self) -> u64 {
        u64::from(self.is_some())
    }
}

/// A number that is shown as an address is.
#[derive(Clone, Copy)]
pub struct Address(pub usize);

impl Argument for Address {
    const KIND: u64 = ADDRESS;

    #[inline(always)]
    fn word(self) -> u64 {
        self.0 as u64
    }
}

/// A text of the program: NULL, or with a NUL at its end, and not written during the call.
#[derive(Clone, Copy)]
pub struct ProgramText(pub *const c_char);

impl Argument for ProgramText {
    const KIND: u64 = TEXT;

    #[inline(always)]
    fn word(self) -> u64 {
        self.0 as usize as u64
    }
}

/// A call with its arguments.
pub struct Arguments {
    call: Call,
    kinds: u64,
    words: *const u64,
}

impl Arguments {
    /// # Safety
    /// `words` has as many words as the call has parameters. One of the kind `TEXT` is NULL, or a text that ends with a
    /// NUL and is not written.
    pub unsafe fn new(call: Call, kinds: u64, words: *const u64) -> Arguments {
        Arguments { call, kinds, words }
    }
}

impl Display for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.call.name())?;
        let mut shift = KIND_BITS * self.call.parameters().count();
        for (number, name) in self.call.parameters().enumerate() {
            // SAFETY: as `new` says.
            let word = unsafe { *self.words.add(number) };
            shift -= KIND_BITS;
            f.write_char(' ')?;
            f.write_str(name)?;
            f.write_char('=')?;
            show(word, self.kinds >> shift & ((1 << KIND_BITS) - 1), f)?;
        }
        Ok(())
    }
}

fn show(word: u64, kind: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match kind {
        NUMBER => word.fmt(f),
        SIGNED => (word as i64).fmt(f),
        _ if word == 0 => f.write_str("NULL"),
        ADDRESS => write!(f, "{word:#x}"),
        FUNCTION => f.write_str("set"),
        // SAFETY: as `new` says.
        _ => unsafe { Quoted::read(word as usize as *const c_char) }.fmt(f),
    }
}

//! A function and its parameters, as the log and the last error name them.

use std::ffi::{CStr, c_char};
use std::ptr::NonNull;

/// The name of the function and those of its parameters, such as "scm_lock handle". One thin pointer, because every
/// exported function passes it on.
#[derive(Clone, Copy, Debug)]
pub struct Call(NonNull<c_char>);

// SAFETY: the text lives for ever, and is not changed.
unsafe impl Send for Call {}

impl Call {
    /// The words, with a space between two of them.
    pub const fn new(words: &'static CStr) -> Call {
        // SAFETY: a reference is not NULL.
        Call(unsafe { NonNull::new_unchecked(words.as_ptr().cast_mut()) })
    }

    pub fn name(self) -> &'static str {
        self.words().next().unwrap_or_default()
    }

    /// The names of the parameters. The first is the object, if the function has one.
    pub fn parameters(self) -> impl Iterator<Item = &'static str> {
        self.words().skip(1)
    }

    #[inline(never)]
    fn words(self) -> Words {
        // SAFETY: `new` has got a text that lives for ever.
        Words(unsafe { CStr::from_ptr(self.0.as_ptr()) }.to_str().unwrap_or_default())
    }
}

impl PartialEq for Call {
    /// The compiler may have several copies of one text.
    fn eq(&self, other: &Call) -> bool {
        self.words().0 == other.words().0
    }
}

/// The words that are left.
struct Words(&'static str);

impl Iterator for Words {
    type Item = &'static str;

    #[inline(never)]
    fn next(&mut self) -> Option<&'static str> {
        let end = self.0.bytes().position(|byte| byte == b' ').unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at_checked(end)?;
        self.0 = rest.get(1..).unwrap_or_default();
        (!word.is_empty()).then_some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_a_name_and_parameters() {
        let call = Call::new(c"scm_unlock handle disposition");
        assert_eq!((call.name(), call.parameters().collect::<Vec<_>>()), ("scm_unlock", vec!["handle", "disposition"]));
        let call = Call::new(c"scm_version");
        assert_eq!((call.name(), call.parameters().count()), ("scm_version", 0));
    }
}

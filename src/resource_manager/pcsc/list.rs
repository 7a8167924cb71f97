//! Lists of names from PC/SC: a first call asks for the length, a second one for the list.

use super::{IS_PCSC_LITE, bounds};
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::multi_string::texts;

/// The longest list of pcsc-lite before 2.5: 16 readers, each with a name of 128 bytes, and a NUL. Before 2.0.1 it
/// measures the list and then copies it, while another thread may change it (see `reader_states`), and does not check
/// the length again.
const LEAST_CAPACITY: usize = 16 * 128 + 1;

/// Gets a list. `list` fills a buffer, or measures without one, and returns the length. The list may grow between two
/// calls.
pub fn multi_string(list: impl Fn(Option<&mut [u8]>) -> Result<usize>) -> Result<Vec<u8>> {
    bounds::ask(|| once(&list))
}

/// None if the list has changed between the two calls.
fn once(list: impl Fn(Option<&mut [u8]>) -> Result<usize>) -> Result<Option<Vec<u8>>> {
    let mut names: Vec<u8> = Vec::new();
    let listed = list(None).and_then(|length| {
        let room = LEAST_CAPACITY.max(bounds::length(length, bounds::LONGEST_LIST)? + 1);
        names.try_reserve_exact(room)?;
        // The list may also have become shorter than its reported length.
        names.resize(room, 0);
        list(Some(&mut names))
    });
    match listed {
        Ok(length) => names.truncate(length),
        Err(Hresult::SCARD_E_NO_READERS_AVAILABLE) => names.clear(),
        Err(Hresult::SCARD_E_INSUFFICIENT_BUFFER) => return Ok(None),
        Err(code) => return Err(code),
    }
    if IS_PCSC_LITE && names.last().is_some_and(|last| *last != 0) {
        return Ok(None); // in the middle of a name
    }
    if names.is_empty() {
        names.try_reserve(1)?;
        names.push(0);
    }
    bounds::length(texts(&names).count(), bounds::MOST_NAMES)?;
    Ok(Some(names))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// A PC/SC that gives these answers one after the other.
    fn listing(answers: &[Result<&[u8]>]) -> Result<Vec<u8>> {
        let next = Cell::new(0);
        multi_string(|buffer| {
            let list = answers[next.replace(next.get() + 1)]?;
            if let Some(buffer) = buffer {
                buffer[..list.len()].copy_from_slice(list);
            }
            Ok(list.len())
        })
    }

    #[test]
    fn a_list_that_changes_during_its_copy_fits_the_buffer() {
        // The reported length is always the old one.
        let list = |copied: &[&[u8]]| {
            let next = Cell::new(0);
            multi_string(|buffer| {
                if let Some(buffer) = buffer {
                    let now = copied[next.replace(next.get() + 1)];
                    buffer[..now.len()].copy_from_slice(now);
                }
                Ok(3)
            })
        };
        assert_eq!(list(&[b""]), Ok(b"\0\0\0".to_vec()));
        assert_eq!(list(&[&[b'A'; LEAST_CAPACITY], b"B\0\0"]), Ok(b"B\0\0".to_vec()), "in the middle of a name");
    }

    const NONE: Result<&[u8]> = Err(Hresult::SCARD_E_NO_READERS_AVAILABLE);

    #[test]
    fn no_reader_is_an_empty_list() {
        assert_eq!(listing(&[NONE]), Ok(vec![0]));
        assert_eq!(listing(&[Ok(b"A\0\0"), NONE]), Ok(vec![0]));
        assert_eq!(listing(&[Ok(b"\0"), Ok(b"\0")]), Ok(vec![0]));
    }

    #[test]
    fn a_list_that_grows_is_asked_for_again() {
        let grown = Err(Hresult::SCARD_E_INSUFFICIENT_BUFFER);
        let answers = [Ok(&b"A\0\0"[..]), grown, Ok(b"A\0B\0\0"), Ok(b"A\0B\0\0")];
        assert_eq!(listing(&answers), Ok(b"A\0B\0\0".to_vec()));
        assert_eq!(listing(&[Err(Hresult::SCARD_E_NO_SERVICE)]), Err(Hresult::SCARD_E_NO_SERVICE));
    }

    /// A PC/SC whose list has this length, and repeats these bytes. Returns also how often it was asked.
    fn endless(length: usize, bytes: &[u8]) -> (Result<Vec<u8>>, usize) {
        let asked = Cell::new(0);
        let listed = multi_string(|buffer| {
            asked.set(asked.get() + 1);
            if let Some(buffer) = buffer {
                for (to, from) in buffer.iter_mut().zip(bytes.iter().cycle()) {
                    *to = *from;
                }
            }
            Ok(length)
        });
        (listed, asked.get())
    }

    #[test]
    fn an_endless_list_is_an_error() {
        let tries = bounds::TRIES as usize;
        if IS_PCSC_LITE {
            assert_eq!(endless(3, b"A"), (Err(bounds::IMPOSSIBLE), 2 * tries));
        }
        let grown = [Ok(&b"A\0\0"[..]), Err(Hresult::SCARD_E_INSUFFICIENT_BUFFER)];
        let answers: Vec<_> = grown.into_iter().cycle().take(2 * tries).collect();
        assert_eq!(listing(&answers), Err(bounds::IMPOSSIBLE));
        assert_eq!(listing(&vec![grown[1]; tries]), Err(bounds::IMPOSSIBLE), "it cannot be measured");
    }

    #[test]
    fn a_list_that_is_too_long_is_an_error() {
        for length in [bounds::LONGEST_LIST + 1, 3 << 30, u32::MAX as usize, usize::MAX] {
            assert_eq!(endless(length, b"A\0"), (Err(bounds::IMPOSSIBLE), 1));
        }
        assert_eq!(endless(2 * bounds::MOST_NAMES, b"A\0").0.map(|names| names.len()), Ok(2 * bounds::MOST_NAMES));
        assert_eq!(endless(2 * bounds::MOST_NAMES + 2, b"A\0").0, Err(bounds::IMPOSSIBLE));
    }
}

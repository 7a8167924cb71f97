//! Lists of names, as PC/SC gives them: asked for their length first, and then for themselves.

use super::IS_PCSC_LITE;
use crate::hresult::{Hresult, Result};

/// The longest list of libpcsclite: 16 readers, each name of 128 bytes, and a NUL. Before 2.0.1 it measures the list, and then copies
/// it from what another thread may have changed meanwhile (see `states`), without another look at the room.
const LONGEST_LIST: usize = 16 * 128 + 1;

/// What `list` lists. It fills a buffer, or measures without one, and gives the length. The list may grow in between.
pub fn multi_string(list: impl Fn(Option<&mut [u8]>) -> Result<usize>) -> Result<Vec<u8>> {
    let mut names: Vec<u8> = Vec::new();
    loop {
        let listed = match list(None) {
            Ok(length) => {
                let room = LONGEST_LIST.max(length + 1);
                names.try_reserve_exact(room)?;
                // It may have shrunk, too: then less is written than is said.
                names.resize(room, 0);
                list(Some(&mut names))
            }
            Err(code) => Err(code),
        };
        names.truncate(listed.unwrap_or(0));
        match listed {
            Ok(_) if IS_PCSC_LITE && names.last().is_some_and(|last| *last != 0) => continue, // in the middle of a name
            Ok(_) | Err(Hresult::SCARD_E_NO_READERS_AVAILABLE) => {}
            Err(Hresult::SCARD_E_INSUFFICIENT_BUFFER) => continue,
            Err(code) => return Err(code),
        }
        if names.is_empty() {
            names.push(0);
        }
        return Ok(names);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// A PC/SC that answers each question for a list with the next of these.
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
    fn a_list_that_changes_while_it_is_copied_stays_in_its_room() {
        // The length is always that of before.
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
        assert_eq!(list(&[&[b'A'; LONGEST_LIST], b"B\0\0"]), Ok(b"B\0\0".to_vec()), "in the middle of a name");
    }

    const NONE: Result<&[u8]> = Err(Hresult::SCARD_E_NO_READERS_AVAILABLE);

    #[test]
    fn no_reader_is_an_empty_list() {
        assert_eq!(listing(&[NONE]), Ok(vec![0]));
        assert_eq!(listing(&[Ok(b"A\0\0"), NONE]), Ok(vec![0]));
        assert_eq!(listing(&[Ok(b"\0"), Ok(b"\0")]), Ok(vec![0]));
    }

    #[test]
    fn a_list_that_grows_while_it_is_asked_for_is_asked_for_again() {
        let grown = Err(Hresult::SCARD_E_INSUFFICIENT_BUFFER);
        let answers = [Ok(&b"A\0\0"[..]), grown, Ok(b"A\0B\0\0"), Ok(b"A\0B\0\0")];
        assert_eq!(listing(&answers), Ok(b"A\0B\0\0".to_vec()));
        assert_eq!(listing(&[Err(Hresult::SCARD_E_NO_SERVICE)]), Err(Hresult::SCARD_E_NO_SERVICE));
    }
}

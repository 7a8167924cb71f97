//! What is said to pcscd, and the question for its readers.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;

use super::reader::{self, Reader};
use super::socket::Stream;
use crate::abi::hresult::{Hresult, Result};

/// The protocol between libpcsclite and pcscd, of 2.5: no other one is spoken here.
const VERSION: [u32; 2] = [4, 6];

/// A request is its length, its number, and what belongs to it.
const GREETING: [u32; 5] = [12, 0x11, VERSION[0], VERSION[1], 0];
const GET_READERS: [u32; 2] = [0, 0x17];
/// That the next change is told, and how many places for readers there are.
pub(super) const TELL_CHANGE_AND_GET_SIZE: [u32; 4] = [0, 0x13, 0, 0x16];

/// More than any pcscd can have: its names number them with two hexadecimal digits.
const MAX_READERS: usize = 1024;

/// All readers as they are now. What pcscd sends ends with the connection, so that their number need not be known: it
/// can grow at any time.
pub fn ask(mut stream: Stream) -> Result<Vec<Reader>> {
    say(&stream, &GREETING)?;
    say(&stream, &GET_READERS)?;
    stream.shutdown(Shutdown::Write).map_err(broken)?;
    be_greeted(&stream)?;
    let mut readers = Vec::new();
    let mut bytes = [0; reader::LENGTH];
    for _ in 0..MAX_READERS {
        if !read_or_end(&mut stream, &mut bytes)? {
            return Ok(readers);
        }
        if let Some(reader) = Reader::read(&bytes) {
            readers.try_reserve(1)?;
            readers.push(reader);
        }
    }
    Err(Hresult::SCARD_F_INTERNAL_ERROR)
}

pub fn greet(stream: &Stream) -> Result<()> {
    say(stream, &GREETING)?;
    be_greeted(stream)
}

fn be_greeted(stream: &Stream) -> Result<()> {
    let greeting = [hear(stream)?, hear(stream)?];
    match hear(stream)? {
        0 if greeting == VERSION => Ok(()),
        _ => Err(Hresult::SCARD_E_SERVICE_STOPPED),
    }
}

/// At once, as each part would wake pcscd.
pub fn say<const WORDS: usize>(mut stream: &Stream, words: &[u32; WORDS]) -> Result<()> {
    let bytes = words.map(u32::to_ne_bytes);
    stream.write_all(bytes.as_flattened()).map_err(broken)
}

pub fn hear(mut stream: &Stream) -> Result<u32> {
    let mut word = [0; 4];
    stream.read_exact(&mut word).map_err(broken)?;
    Ok(u32::from_ne_bytes(word))
}

/// Fills the buffer. False where the connection ends instead.
fn read_or_end(stream: &mut Stream, bytes: &mut [u8]) -> Result<bool> {
    let first = loop {
        match stream.read(bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => break read.map_err(broken)?,
        }
    };
    if first == 0 {
        return Ok(false);
    }
    stream.read_exact(bytes.get_mut(first..).unwrap_or_default()).map_err(broken)?;
    Ok(true)
}

/// Whoever ends a connection is gone.
pub fn broken(error: io::Error) -> Hresult {
    match error.kind() {
        ErrorKind::OutOfMemory => Hresult::E_OUTOFMEMORY,
        _ => Hresult::SCARD_E_NO_SERVICE,
    }
}

#[cfg(all(test, unix, not(target_os = "macos")))]
mod tests {
    use super::*;
    use crate::resource_manager::ifd_name::IfdName;
    use crate::resource_manager::pcsc::daemon::reader::tests::told;

    fn greeting(minor: u32, code: u32) -> Vec<u8> {
        [4, minor, code].map(u32::to_ne_bytes).concat()
    }

    /// What is made of an answer, and what was asked.
    fn answered(answer: &[&[u8]]) -> (Result<Vec<Reader>>, Vec<u8>) {
        let (ours, mut theirs) = Stream::pair().unwrap();
        std::thread::scope(|scope| {
            let asked = scope.spawn(move || {
                let mut asked = Vec::new();
                theirs.read_to_end(&mut asked).unwrap();
                answer.iter().for_each(|part| theirs.write_all(part).unwrap());
                asked
            });
            let outcome = ask(ours);
            (outcome, asked.join().unwrap())
        })
    }

    #[test]
    fn as_many_readers_as_are_sent() {
        let (one, none, two) = (told("A", 1, 4, &[0x3B], 1, 0), told("", 0, 0, &[], 34, 0), told("B", 0, 2, &[], 0, 0));
        let (readers, asked) = answered(&[&greeting(6, 0), &one, &none, &two]);
        let names: Vec<_> = readers.unwrap().iter().map(|reader| reader.name).collect();
        assert_eq!(names, [IfdName::new(b"A").unwrap(), IfdName::new(b"B").unwrap()]);
        assert_eq!(asked, [12, 0x11, 4, 6, 0, 0, 0x17].map(u32::to_ne_bytes).concat());
        assert_eq!(answered(&[&greeting(6, 0)]).0, Ok(Vec::new()));
    }

    #[test]
    fn another_protocol_is_not_spoken() {
        for other in [greeting(5, 0), greeting(7, 0), greeting(6, 0x8010_001E)] {
            assert_eq!(answered(&[&other]).0, Err(Hresult::SCARD_E_SERVICE_STOPPED));
        }
    }

    #[test]
    fn an_end_in_the_middle_is_no_answer() {
        let reader = told("A", 1, 4, &[0x3B], 1, 0);
        for cut in [&greeting(6, 0)[..0], &greeting(6, 0)[..11]] {
            assert_eq!(answered(&[cut]).0, Err(Hresult::SCARD_E_NO_SERVICE));
        }
        assert_eq!(answered(&[&greeting(6, 0), &reader[..183]]).0, Err(Hresult::SCARD_E_NO_SERVICE));
    }

    #[test]
    fn a_list_has_an_end() {
        let many = told("A", 1, 4, &[0x3B], 1, 0).repeat(MAX_READERS);
        assert_eq!(answered(&[&greeting(6, 0), &many]).0, Err(Hresult::SCARD_F_INTERNAL_ERROR));
    }
}

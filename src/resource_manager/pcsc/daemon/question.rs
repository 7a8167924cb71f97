//! The messages to pcscd, and the question for its readers.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;

use super::reader_entry::{self, ReaderEntry};
use super::socket::Stream;
use crate::abi::hresult::{Hresult, Result};

/// The version of the protocol between libpcsclite and pcscd: that of 2.5, and no other one.
const VERSION: [u32; 2] = [4, 6];

/// A request is its length, its number, and its data.
const GREETING: [u32; 5] = [12, 0x11, VERSION[0], VERSION[1], 0];
const GET_READERS: [u32; 2] = [0, 0x17];
/// Requests a notification of the next change, and asks for the size of the reader table.
pub(super) const REQUEST_NOTIFICATION_AND_SIZE: [u32; 4] = [0, 0x13, 0, 0x16];

/// More than a pcscd can have: the names number readers with two hexadecimal digits.
const MAX_READERS: usize = 1024;

/// All readers in their present state. The answer ends with the connection, so their number, which can grow at any
/// time, need not be known.
pub fn ask(mut stream: Stream) -> Result<Vec<ReaderEntry>> {
    send(&stream, &GREETING)?;
    send(&stream, &GET_READERS)?;
    stream.shutdown(Shutdown::Write).map_err(broken)?;
    receive_greeting(&stream)?;
    let mut readers = Vec::new();
    let mut bytes = [0; reader_entry::LENGTH];
    for _ in 0..MAX_READERS {
        if !read_or_end(&mut stream, &mut bytes)? {
            return Ok(readers);
        }
        if let Some(reader) = ReaderEntry::read(&bytes) {
            readers.try_reserve(1)?;
            readers.push(reader);
        }
    }
    Err(Hresult::SCARD_F_INTERNAL_ERROR)
}

pub fn greet(stream: &Stream) -> Result<()> {
    send(stream, &GREETING)?;
    receive_greeting(stream)
}

fn receive_greeting(stream: &Stream) -> Result<()> {
    let greeting = [receive(stream)?, receive(stream)?];
    match receive(stream)? {
        0 if greeting == VERSION => Ok(()),
        _ => Err(Hresult::SCARD_E_SERVICE_STOPPED),
    }
}

/// In one piece: each piece would wake pcscd.
pub fn send<const WORDS: usize>(mut stream: &Stream, words: &[u32; WORDS]) -> Result<()> {
    let bytes = words.map(u32::to_ne_bytes);
    stream.write_all(bytes.as_flattened()).map_err(broken)
}

pub fn receive(mut stream: &Stream) -> Result<u32> {
    let mut word = [0; 4];
    stream.read_exact(&mut word).map_err(broken)?;
    Ok(u32::from_ne_bytes(word))
}

/// Fills the buffer. False if the connection has ended.
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

/// A broken connection means that the service has ended.
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
    use crate::resource_manager::pcsc::daemon::reader_entry::tests::encoded;

    fn greeting(minor: u32, code: u32) -> Vec<u8> {
        [4, minor, code].map(u32::to_ne_bytes).concat()
    }

    /// The result of an answer, and the question.
    fn answered(answer: &[&[u8]]) -> (Result<Vec<ReaderEntry>>, Vec<u8>) {
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
    fn all_readers_are_received() {
        let (one, none, two) =
            (encoded("A", 1, 4, &[0x3B], 1, 0), encoded("", 0, 0, &[], 34, 0), encoded("B", 0, 2, &[], 0, 0));
        let (readers, asked) = answered(&[&greeting(6, 0), &one, &none, &two]);
        let names: Vec<_> = readers.unwrap().iter().map(|reader| reader.name).collect();
        assert_eq!(names, [IfdName::new(b"A").unwrap(), IfdName::new(b"B").unwrap()]);
        assert_eq!(asked, [12, 0x11, 4, 6, 0, 0, 0x17].map(u32::to_ne_bytes).concat());
        assert_eq!(answered(&[&greeting(6, 0)]).0, Ok(Vec::new()));
    }

    #[test]
    fn another_protocol_is_an_error() {
        for other in [greeting(5, 0), greeting(7, 0), greeting(6, 0x8010_001E)] {
            assert_eq!(answered(&[&other]).0, Err(Hresult::SCARD_E_SERVICE_STOPPED));
        }
    }

    #[test]
    fn an_incomplete_answer_is_an_error() {
        let reader = encoded("A", 1, 4, &[0x3B], 1, 0);
        for cut in [&greeting(6, 0)[..0], &greeting(6, 0)[..11]] {
            assert_eq!(answered(&[cut]).0, Err(Hresult::SCARD_E_NO_SERVICE));
        }
        assert_eq!(answered(&[&greeting(6, 0), &reader[..183]]).0, Err(Hresult::SCARD_E_NO_SERVICE));
    }

    #[test]
    fn an_endless_list_is_an_error() {
        let many = encoded("A", 1, 4, &[0x3B], 1, 0).repeat(MAX_READERS);
        assert_eq!(answered(&[&greeting(6, 0), &many]).0, Err(Hresult::SCARD_F_INTERNAL_ERROR));
    }
}

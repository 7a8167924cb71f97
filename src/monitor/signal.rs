//! What an event loop can wait for: a pipe that is readable exactly while it is raised.

use crate::abi::hresult::{Hresult, Result};
use crate::runtime::cancellation::hold_off;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};

pub struct Signal {
    /// Closed when this is dropped, as is the other one.
    reader: File,
    writer: File,
}

impl Signal {
    pub fn new() -> Result<Signal> {
        let _cancellation = hold_off();
        let mut ends: [RawFd; 2] = [-1; 2];
        open(&mut ends)?;
        let [reader, writer] = ends;
        // SAFETY: two file descriptors that were made just now, and that nobody else has.
        let (reader, writer) = unsafe { (File::from_raw_fd(reader), File::from_raw_fd(writer)) };
        Ok(Signal { reader, writer })
    }

    pub fn fd(&self) -> RawFd {
        self.reader.as_raw_fd()
    }

    pub fn close(self) {
        let _cancellation = hold_off();
        drop(self);
    }

    /// Neither of the two waits, nor can it fail: there is one byte in the pipe, or none.
    pub fn raise(&self) {
        let _cancellation = hold_off();
        let _ = (&self.writer).write(&[1]);
    }

    pub fn lower(&self) {
        let _cancellation = hold_off();
        let _ = (&self.reader).read(&mut [0]);
    }
}

/// A pipe that no program inherits, and on which nobody waits.
#[cfg(not(target_os = "macos"))]
fn open(ends: &mut [RawFd; 2]) -> Result<()> {
    // SAFETY: room for two.
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) })
}

#[cfg(target_os = "macos")]
fn open(ends: &mut [RawFd; 2]) -> Result<()> {
    // SAFETY: room for two.
    check(unsafe { libc::pipe(ends.as_mut_ptr()) })?;
    for end in ends {
        // SAFETY: a file descriptor that is ours.
        unsafe {
            libc::fcntl(*end, libc::F_SETFD, libc::FD_CLOEXEC);
            libc::fcntl(*end, libc::F_SETFL, libc::O_NONBLOCK);
        }
    }
    Ok(())
}

/// The one thing that can be short is room for file descriptors.
fn check(code: libc::c_int) -> Result<()> {
    if code == 0 { Ok(()) } else { Err(Hresult::E_OUTOFMEMORY) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_readable(signal: &Signal) -> bool {
        let mut asked = libc::pollfd { fd: signal.fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one element.
        unsafe { libc::poll(&mut asked, 1, 0) == 1 }
    }

    #[test]
    fn it_is_readable_exactly_while_it_is_raised() {
        let signal = Signal::new().unwrap();
        assert!(!is_readable(&signal));
        signal.raise();
        assert!(is_readable(&signal));
        signal.lower();
        assert!(!is_readable(&signal));
        signal.lower();
    }
}

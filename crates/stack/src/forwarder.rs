//! A forwarder between the command and the daemon, as `ssh -L` or `socat` for a daemon on another machine: it accepts
//! every connection, and closes it at once without a daemon.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;

use crate::configuration;
use crate::namespace::RUN_PCSCD;

/// The environment variable that tells libpcsclite the socket of the daemon.
pub const VARIABLE: &str = "PCSCLITE_CSOCK_NAME";

pub fn path() -> PathBuf {
    configuration::files().join("forwarded.comm")
}

/// Forwards connections until the process ends.
pub fn listen() -> io::Result<()> {
    let daemon = Path::new(RUN_PCSCD).join("pcscd.comm");
    forward(UnixListener::bind(path())?, daemon);
    Ok(())
}

fn forward(listener: UnixListener, to: PathBuf) {
    thread::spawn(move || {
        for (number, client) in listener.incoming().flatten().enumerate() {
            match UnixStream::connect(&to) {
                // Without memory or threads the connection is closed, as by a real forwarder.
                Ok(daemon) => drop(couple(client, daemon)),
                // Some forwarders have read the first bytes by then, and the client sees another error; so every other
                // connection here.
                Err(_) if number % 2 == 0 => drop(thread::spawn(move || (&client).read(&mut [0; 256]))),
                Err(_) => {}
            }
        }
    });
}

/// Passes bytes on in both directions. When one direction ends, the other ends at its next bytes.
fn couple(one: UnixStream, other: UnixStream) -> io::Result<()> {
    let (from_one, from_other) = (one.try_clone()?, other.try_clone()?);
    thread::Builder::new().spawn(move || hand_on(from_one, other))?;
    thread::Builder::new().spawn(move || hand_on(from_other, one))?;
    Ok(())
}

fn hand_on(mut from: UnixStream, mut to: UnixStream) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    // The other direction may have closed it already.
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sockets(name: &str) -> (PathBuf, PathBuf) {
        let at = |what| std::env::temp_dir().join(format!("scm-stack-{}-{name}-{what}", std::process::id()));
        (at("daemon"), at("forwarded"))
    }

    #[test]
    fn bytes_are_forwarded_until_one_side_ends() {
        let (daemon, forwarded) = sockets("hears");
        let listener = UnixListener::bind(&daemon).unwrap();
        forward(UnixListener::bind(&forwarded).unwrap(), daemon.clone());
        let mut client = UnixStream::connect(&forwarded).unwrap();
        let (mut served, _) = listener.accept().unwrap();
        let mut heard = [0; 4];
        client.write_all(b"ping").unwrap();
        served.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"ping");
        served.write_all(b"pong").unwrap();
        client.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"pong");
        drop(served);
        assert_eq!(client.read(&mut heard).unwrap(), 0);
        std::fs::remove_file(daemon).unwrap();
        std::fs::remove_file(forwarded).unwrap();
    }

    #[test]
    fn without_a_daemon_a_connection_is_taken_and_closed() {
        let (daemon, forwarded) = sockets("closed");
        forward(UnixListener::bind(&forwarded).unwrap(), daemon);
        for _ in 0..2 {
            let mut client = UnixStream::connect(&forwarded).unwrap();
            // It may be closed already.
            let _ = client.write_all(b"ping");
            // Unread bytes cause an error instead of an end.
            assert_eq!(client.read(&mut [0; 4]).unwrap_or(0), 0);
        }
        std::fs::remove_file(forwarded).unwrap();
    }
}

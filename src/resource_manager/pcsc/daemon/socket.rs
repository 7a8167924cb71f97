//! The socket of pcscd.

pub use platform::{Stream, connect, is_at};

#[cfg(all(unix, not(target_os = "macos")))]
mod platform {
    use std::ffi::{CStr, OsStr};
    use std::io::Result;
    use std::os::unix::ffi::OsStrExt;
    pub use std::os::unix::net::UnixStream as Stream;
    use std::path::Path;

    const PATHS: [&str; 2] = ["/run/pcscd/pcscd.comm", "/var/run/pcscd/pcscd.comm"];

    /// Connects to the socket that libpcsclite uses.
    pub fn connect() -> Result<Stream> {
        let [usual, old] = PATHS.map(Path::new);
        match encoded() {
            Some(path) => Stream::connect(path),
            None => Stream::connect(usual).or_else(|_| Stream::connect(old)),
        }
    }

    /// Whether a daemon listens, and a file of this name is beside its socket.
    pub fn is_at(file: &str) -> bool {
        let is_here = |path: &Path| path.with_file_name(file).exists() && Stream::connect(path).is_ok();
        encoded().map_or_else(|| PATHS.map(Path::new).iter().any(|path| is_here(path)), is_here)
    }

    fn encoded() -> Option<&'static Path> {
        // SAFETY: the name ends with a NUL. As for every getenv, nobody may change the environment meanwhile;
        // libpcsclite reads the same variable.
        let socket = unsafe { libc::getenv(c"PCSCLITE_CSOCK_NAME".as_ptr()) };
        if socket.is_null() {
            return None;
        }
        // SAFETY: not null, so it ends with a NUL; as above.
        let path = unsafe { CStr::from_ptr(socket) };
        Some(Path::new(OsStr::from_bytes(path.to_bytes())))
    }
}

/// The services of Windows and macOS have no socket, and no known limit.
#[cfg(not(all(unix, not(target_os = "macos"))))]
mod platform {
    use std::io::{ErrorKind, Result};
    pub use std::net::TcpStream as Stream;

    pub fn connect() -> Result<Stream> {
        Err(ErrorKind::Unsupported.into())
    }

    pub fn is_at(_file: &str) -> bool {
        false
    }
}

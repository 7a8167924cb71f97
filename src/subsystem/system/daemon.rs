//! The daemon of pcsc-lite, seen past libpcsclite.

/// Whether a daemon of this machine listens where libpcsclite goes. Its process id lies beside its socket, and beside that of a forwarder to
/// another machine lies nothing. A forwarder takes connections also when its daemon is gone.
#[cfg(all(unix, not(target_os = "macos")))]
pub fn is_here() -> bool {
    use std::ffi::{CStr, OsStr};
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::UnixStream;
    use std::path::Path;

    let _cancellation = crate::cancellation::hold_off();
    let is_at = |socket: &Path| {
        let id = socket.with_file_name("pcscd.pid");
        id.exists() && UnixStream::connect(socket).is_ok()
    };
    // SAFETY: the name ends with a NUL. As for every getenv, nobody may change the environment meanwhile;
    // libpcsclite reads the same variable.
    let told = unsafe { libc::getenv(c"PCSCLITE_CSOCK_NAME".as_ptr()) };
    if !told.is_null() {
        // SAFETY: not null, so it ends with a NUL; as above.
        let path = unsafe { CStr::from_ptr(told) };
        return is_at(Path::new(OsStr::from_bytes(path.to_bytes())));
    }
    ["/run/pcscd/pcscd.comm", "/var/run/pcscd/pcscd.comm"].iter().any(|path| is_at(Path::new(path)))
}

/// The services of Windows and macOS have no limit that is known, and no socket.
#[cfg(not(all(unix, not(target_os = "macos"))))]
pub fn is_here() -> bool {
    false
}

//! The daemon of pcsc-lite, seen past libpcsclite.

/// Whether anyone listens where libpcsclite goes.
#[cfg(all(unix, not(target_os = "macos")))]
pub fn listens() -> bool {
    use std::ffi::{CStr, OsStr};
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::UnixStream;

    let _cancellation = crate::cancellation::hold_off();
    // SAFETY: the name ends with a NUL. As for every getenv, nobody may change the environment meanwhile;
    // libpcsclite reads the same variable.
    let told = unsafe { libc::getenv(c"PCSCLITE_CSOCK_NAME".as_ptr()) };
    if !told.is_null() {
        // SAFETY: not null, so it ends with a NUL; as above.
        let path = unsafe { CStr::from_ptr(told) };
        return UnixStream::connect(OsStr::from_bytes(path.to_bytes())).is_ok();
    }
    ["/run/pcscd/pcscd.comm", "/var/run/pcscd/pcscd.comm"].iter().any(|path| UnixStream::connect(path).is_ok())
}

/// The services of Windows and macOS have no limit that is known, and no socket.
#[cfg(not(all(unix, not(target_os = "macos"))))]
pub fn listens() -> bool {
    false
}

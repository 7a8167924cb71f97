//! The functions, types and constants of PC/SC: of the platform's library, which is linked, or with the feature
//! `load-pcsc` of a libpcsclite that is opened at the first use. Windows and macOS always have theirs.

#[cfg(not(all(feature = "load-pcsc", unix, not(target_os = "macos"))))]
mod linked {
    use std::os::raw::c_char;

    pub use pcsc::ffi::*;

    // pcsc-sys lacks it. It is in the same library.
    unsafe extern "system" {
        #[cfg_attr(windows, link_name = "SCardListReaderGroupsA")]
        pub fn SCardListReaderGroups(context: SCARDCONTEXT, groups: *mut c_char, length: *mut DWORD) -> LONG;
    }

    /// Whether a call has not found it: never, as the program would not have started.
    pub fn is_missing() -> bool {
        false
    }
}

#[cfg(all(feature = "load-pcsc", unix, not(target_os = "macos")))]
mod loaded;

#[cfg(not(all(feature = "load-pcsc", unix, not(target_os = "macos"))))]
pub use linked::*;
#[cfg(all(feature = "load-pcsc", unix, not(target_os = "macos")))]
pub use loaded::*;

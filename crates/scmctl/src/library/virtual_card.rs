//! A test card in a virtual reader of this process.

use std::ptr::{null, null_mut};

use super::c::{
    Options, scm_card_check, scm_card_create, scm_card_plug, scm_card_release, scm_result, scm_virtual_card,
    scm_virtual_ifd, scm_virtual_ifd_create, scm_virtual_ifd_destroy, scm_virtual_ifd_insert,
};
use super::{Error, Result, check, grow, text};

pub struct VirtualCard {
    ifd: *mut scm_virtual_ifd,
}

impl VirtualCard {
    /// The name of its reader.
    pub const READER: &'static str = "Virtual card";

    /// `description` is the name of a built-in card, or a text in TOML.
    pub fn insert(description: &str) -> Result<VirtualCard> {
        let (reader, description) = (text(VirtualCard::READER), text(description));
        let mut ifd = null_mut();
        // SAFETY: the name ends with a NUL, and `ifd` can be written.
        check(unsafe { scm_virtual_ifd_create(reader.as_ptr(), null(), &mut ifd) })?;
        let reader = VirtualCard { ifd };
        let mut card = null_mut();
        // SAFETY: the description ends with a NUL, and `card` can be written.
        check_card(unsafe { scm_card_create(description.as_ptr(), &mut card) })?;
        let mut plug = scm_virtual_card::DEFAULT;
        // SAFETY: both declarations describe the structure of scm_virtual.h; its size is set.
        check_card(unsafe { scm_card_plug(card, (&raw mut plug).cast()) })?;
        plug.release = Some(release);
        // SAFETY: the card fulfils the contract of its callbacks, and lives until `release`.
        match check(unsafe { scm_virtual_ifd_insert(reader.ifd, &plug) }) {
            Ok(()) => Ok(reader),
            Err(error) => {
                release(card.cast());
                Err(error)
            }
        }
    }

    /// The first error of a description; None if there is none.
    pub fn error(description: &str) -> Option<String> {
        let description = text(description);
        let found = grow(1024, |error, capacity, length| {
            // SAFETY: the text ends with a NUL, and the buffer has the capacity.
            unsafe { scm_card_check(description.as_ptr(), error.cast(), capacity, length) }
        });
        let (_, text) = found.ok()?;
        let text = String::from_utf8_lossy(&text).trim_end_matches('\0').trim_end().to_owned();
        (!text.is_empty()).then_some(text)
    }
}

/// A function of the test card sets no last error.
fn check_card(code: scm_result) -> Result<()> {
    if code < 0 { Err(Error::bare(code)) } else { Ok(()) }
}

extern "C-unwind" fn release(card: *mut std::ffi::c_void) {
    // SAFETY: any value is allowed.
    unsafe { scm_card_release(card) }
}

impl Drop for VirtualCard {
    fn drop(&mut self) {
        // SAFETY: any value is allowed.
        unsafe { scm_virtual_ifd_destroy(self.ifd) };
    }
}

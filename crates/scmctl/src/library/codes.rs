//! The codes of the card holder.

use std::ptr::{null, null_mut};

use zeroize::Zeroizing;

use super::c::{
    Options, SCM_CODE_BCD, SCM_CODE_FILLER, SCM_CODE_ISO9564_2, SCM_FL_IHV_CHANGE, SCM_FL_IHV_CHECKONLY,
    SCM_FL_IHV_GLOBAL, SCM_FL_IHV_LOCAL, SCM_FL_IHV_PIN_PAD, SCM_RETRIES_UNKNOWN, scm_ch_verification,
    scm_ch_verification_change_code, scm_ch_verification_options, scm_ch_verification_release,
    scm_ch_verification_unblock, scm_ch_verification_verify, scm_create_ch_verification_ex,
};
use super::{Attachment, Result, check};

/// A code. It is wiped at its end.
pub type Secret = Zeroizing<String>;

/// How a card wants its codes.
#[derive(Clone, Copy, Default)]
pub struct CodeFormat {
    pub encoding: Encoding,
    /// The length to which a code is filled; 0 for its own.
    pub block: u8,
    pub filler: Option<u8>,
}

#[derive(Clone, Copy, Default, Debug, PartialEq, clap::ValueEnum)]
pub enum Encoding {
    /// The characters as they are
    #[default]
    Ascii,
    /// Two digits in a byte
    Bcd,
    /// A block of ISO 9564-1, format 2
    Iso9564,
}

/// The codes of a card. It ends before its attachment.
pub struct Codes<'a> {
    codes: *mut scm_ch_verification,
    _attachment: &'a Attachment,
}

/// A result, and how many tries are left if the card has told it.
pub struct Presented {
    pub result: Result<()>,
    pub tries_left: Option<u32>,
}

impl<'a> Codes<'a> {
    pub fn of(attachment: &'a Attachment, format: CodeFormat) -> Result<Codes<'a>> {
        let options = scm_ch_verification_options {
            encoding: match format.encoding {
                Encoding::Ascii => 0,
                Encoding::Bcd => SCM_CODE_BCD,
                Encoding::Iso9564 => SCM_CODE_ISO9564_2,
            },
            block_length: format.block.into(),
            filler: format.filler.map_or(0, |filler| SCM_CODE_FILLER | u32::from(filler)),
            ..scm_ch_verification_options::DEFAULT
        };
        let mut codes = null_mut();
        // SAFETY: the options have their size, and `codes` can be written.
        check(unsafe { scm_create_ch_verification_ex(attachment.handle(), &options, &mut codes) })?;
        Ok(Codes { codes, _attachment: attachment })
    }

    /// Asks for the state of a code, which spends no try.
    pub fn check(&self, reference: Reference) -> Presented {
        presented(|tries| {
            let flags = reference.flags() | SCM_FL_IHV_CHECKONLY;
            // SAFETY: the code is empty, and `tries` can be written.
            unsafe { scm_ch_verification_verify(self.codes, null(), 0, flags, reference.number, tries) }
        })
    }

    /// Presents a code; None asks for it at the PIN pad of the reader.
    pub fn verify(&self, reference: Reference, code: Option<&Secret>) -> Presented {
        let (code, length) = parts(code);
        presented(|tries| {
            // SAFETY: the length is that of the code, and `tries` can be written.
            unsafe { scm_ch_verification_verify(self.codes, code, length, reference.flags(), reference.number, tries) }
        })
    }

    /// Gives a code a new value. Without both the PIN pad asks for them.
    pub fn change(&self, reference: Reference, old: Option<&Secret>, new: Option<&Secret>) -> Presented {
        let ((old, old_length), (new, new_length)) = (parts(old), parts(new));
        let flags = reference.flags() | SCM_FL_IHV_CHANGE;
        presented(|tries| {
            // SAFETY: the lengths are those of the codes, and `tries` can be written.
            unsafe {
                let number = reference.number;
                scm_ch_verification_change_code(self.codes, old, old_length, new, new_length, flags, number, tries)
            }
        })
    }

    /// Unblocks a code, and gives it a new value.
    pub fn unblock(
        &self,
        reference: Reference,
        unblocking: Option<&Secret>,
        new: Option<&Secret>,
        at_pin_pad: bool,
    ) -> Presented {
        let ((old, old_length), (new, new_length)) = (parts(unblocking), parts(new));
        let flags = reference.flags() | if at_pin_pad { SCM_FL_IHV_PIN_PAD } else { 0 };
        presented(|tries| {
            // SAFETY: the lengths are those of the codes, and `tries` can be written.
            unsafe {
                let number = reference.number;
                scm_ch_verification_unblock(self.codes, old, old_length, new, new_length, flags, number, tries)
            }
        })
    }
}

impl Drop for Codes<'_> {
    fn drop(&mut self) {
        // SAFETY: any value is allowed.
        unsafe { scm_ch_verification_release(self.codes) };
    }
}

/// The number of a code, of the card or of the current directory.
#[derive(Clone, Copy)]
pub struct Reference {
    pub number: u32,
    pub is_local: bool,
}

impl Reference {
    fn flags(self) -> u32 {
        if self.is_local { SCM_FL_IHV_LOCAL } else { SCM_FL_IHV_GLOBAL }
    }
}

fn parts(code: Option<&Secret>) -> (*const u8, usize) {
    code.map_or((null(), 0), |code| (code.as_ptr(), code.len()))
}

fn presented(call: impl FnOnce(*mut u32) -> i32) -> Presented {
    let mut tries = SCM_RETRIES_UNKNOWN;
    let result = check(call(&mut tries));
    Presented { result, tries_left: (tries != SCM_RETRIES_UNKNOWN).then_some(tries) }
}

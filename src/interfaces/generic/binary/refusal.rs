//! What a card can mean by not doing what it was asked for at a place of a file. Few cards keep to one word: 6B00 says that the
//! offset is behind the end, that offset and length together are (IAS ECC 1.0.1, table 34), or nothing at all; 6282 comes with the
//! bytes that there are, or without any.

use crate::abi::hresult::Hresult;
use crate::iso7816::status_word::StatusWord;

/// The words by what they are about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The place: there is nothing, or not so much.
    Place,
    /// The length, or the parameters.
    Length,
    /// Which file it is. Selected again, it may be the right one.
    File,
    /// The command itself: the card does not know it, or not in this form.
    Command,
    /// Something that asking for less does not change.
    State,
    /// A condition that is not met, 6985. Some cards say so of a length, and of what is behind the end.
    Condition,
    /// It says not what.
    Other,
}

impl Refusal {
    /// Of a command that was to bring data and has brought none, or was to change some and has not.
    pub fn of(status: StatusWord) -> Refusal {
        match status.0.to_be_bytes() {
            // Nothing, and content with that.
            _ if status.is_done() => Refusal::Place,
            [0x6B, _] | [0x6C, _] => Refusal::Place,
            [0x67, _] | [0x6A, 0x80 | 0x84 | 0x86 | 0x87] => Refusal::Length,
            [0x69, 0x81 | 0x86] | [0x6A, 0x82 | 0x88] => Refusal::File,
            [0x68 | 0x6D | 0x6E, _] | [0x6A, 0x81] => Refusal::Command,
            [0x69, 0x85] => Refusal::Condition,
            [0x64..=0x66, _] | [0x69, _] => Refusal::State,
            _ => Refusal::Other,
        }
    }

    /// Whether the card may do it for less.
    pub fn may_be_length(self) -> bool {
        !matches!(self, Refusal::Command | Refusal::State)
    }

    /// The same for a change, of which the card says nothing else: no missing right, and no unknown command. 64XX says that the memory is
    /// as before; what may have been carried out in part (65XX) is left to who asked for it.
    pub fn may_be_length_of_change(status: StatusWord) -> bool {
        let is_unchanged = matches!(status.0.to_be_bytes(), [0x64, _]);
        is_unchanged || matches!(Refusal::of(status), Refusal::Place | Refusal::Length | Refusal::Other)
    }

    /// Whether a command in extended lengths may be refused for these: the card does not know it so, or it is not the time, not the file
    /// for it. A missing right is one in any form.
    pub fn may_be_form(status: StatusWord) -> bool {
        Refusal::of(status) == Refusal::Command || matches!(status.0, 0x6981 | 0x6985 | 0x6986)
    }

    /// Whether the card speaks of another file than the one that it was asked about, and so has lost what was selected.
    pub fn is_of_other_file(status: StatusWord) -> bool {
        Refusal::of(status) == Refusal::File && status != StatusWord::WRONG_STRUCTURE
    }

    /// Whether it speaks neither of a place nor of a length, nor of anything else that is known not to be one of them.
    pub fn says_nothing(self) -> bool {
        matches!(self, Refusal::Other | Refusal::Command | Refusal::Condition)
    }

    /// Whether it may say that the file ends there.
    pub fn may_be_end(self) -> bool {
        matches!(self, Refusal::Place | Refusal::Length)
    }
}

/// The code for a place of which it is known that it is no end, or not known that it is one.
pub fn failure(status: StatusWord, is_told: bool) -> Hresult {
    match status.failure() {
        Hresult::SCARD_W_EOF => Hresult::SCARD_E_COMM_DATA_LOST,
        Hresult::E_FAIL if status.is_done() => Hresult::SCARD_E_COMM_DATA_LOST,
        // The card has just selected it, and has told how long it is.
        Hresult::SCARD_E_NO_FILE if is_told => Hresult::SCARD_E_COMM_DATA_LOST,
        code => code,
    }
}

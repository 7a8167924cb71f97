//! The possible reasons of a refusal to read or change a part of a file. Cards use the same word for several reasons:
//! 6B00 means that the offset is behind the end, that offset and length together are (IAS ECC 1.0.1, table 34), or
//! nothing certain. 6282 comes with the bytes before the end, or without any.

use crate::abi::hresult::Hresult;
use crate::iso7816::status_word::StatusWord;

/// The reason that a status word names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The place: no byte is there, or not enough bytes.
    Place,
    /// The length, or the parameters.
    Length,
    /// The current file is the wrong one. A new selection may help.
    File,
    /// The command: the card does not know it, or not in this form.
    Command,
    /// A state that a shorter length does not change.
    State,
    /// A condition is not met, 6985. Some cards also use it for a length, and for the end.
    Condition,
    /// The word names no reason.
    Other,
}

impl Refusal {
    /// The reason for a command that has given no data, or has changed none.
    pub fn of(status: StatusWord) -> Refusal {
        match status.0.to_be_bytes() {
            // Success without any data.
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

    /// Whether the card may accept a shorter length.
    pub fn may_be_length(self) -> bool {
        !matches!(self, Refusal::Command | Refusal::State)
    }

    /// The same for a change, if the word names no other reason: no missing right, and no unknown command. 64XX means
    /// that the memory is unchanged. After 65XX a part may have been changed, so the caller decides.
    pub fn may_be_length_of_change(status: StatusWord) -> bool {
        let is_unchanged = matches!(status.0.to_be_bytes(), [0x64, _]);
        is_unchanged || matches!(Refusal::of(status), Refusal::Place | Refusal::Length | Refusal::Other)
    }

    /// Whether the card may refuse the extended lengths of a command: it does not know this form, or the word names the
    /// state or the file. A missing right is a refusal of every form.
    pub fn may_be_form(status: StatusWord) -> bool {
        Refusal::of(status) == Refusal::Command || matches!(status.0, 0x6981 | 0x6985 | 0x6986)
    }

    /// Whether the word is about another file: the card has lost the selection.
    pub fn is_of_other_file(status: StatusWord) -> bool {
        Refusal::of(status) == Refusal::File && status != StatusWord::WRONG_STRUCTURE
    }

    /// Whether the word names neither a place nor a length, nor a reason that excludes both.
    pub fn is_unspecific(self) -> bool {
        matches!(self, Refusal::Other | Refusal::Command | Refusal::Condition)
    }

    /// Whether the word may mean the end of the file.
    pub fn may_be_end(self) -> bool {
        matches!(self, Refusal::Place | Refusal::Length)
    }
}

/// The code for a refusal that is not known to be the end. `is_inside`: the place is before the reported end.
pub fn failure(status: StatusWord, is_inside: bool) -> Hresult {
    let code = match status.failure() {
        Hresult::SCARD_W_EOF => Hresult::SCARD_E_COMM_DATA_LOST,
        Hresult::E_FAIL if status.is_done() => Hresult::SCARD_E_COMM_DATA_LOST,
        // The card has just selected the file, and has reported its size.
        Hresult::SCARD_E_NO_FILE if is_inside => Hresult::SCARD_E_COMM_DATA_LOST,
        code => code,
    };
    status.explains(code)
}

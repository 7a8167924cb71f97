//! The codes of a SIM (3GPP TS 51.011, 8.9 to 8.13). It gives the number of tries with every directory, but with no
//! status word.

use super::Tries;
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::transaction::Transaction;
use crate::iso7816::command::{Command, ins};
use crate::iso7816::status_word::StatusWord;

/// P2 of UNBLOCK CHV for CHV1.
const UNBLOCKS_CHV1: u8 = 0x00;
const CHV1: u8 = 1;
const CHV2: u8 = 2;
/// A wrong code, with a try left.
const WRONG: StatusWord = StatusWord(0x9804);

/// Offsets in the answer to STATUS, which describes the current directory (9.2.1 and 9.2.2). The standard counts from
/// 1.
const CHARACTERISTICS: usize = 13;
const CHV1_STATUS: usize = 18;
const CHV2_STATUS: usize = 20;
const LENGTH: usize = 22;
/// A bit of the characteristics: CHV1 is disabled.
const CHV1_DISABLED: u8 = 0x80;
/// The bits of a status: the code exists; the number of tries.
const INITIALISED: u8 = 0x80;
const TRIES: u8 = 0x0F;

/// The command with the number of the code as a SIM uses it.
pub fn place<'a>(command: &Command<'a>) -> Command<'a> {
    match (command.ins, command.p2) {
        (ins::RESET_RETRY_COUNTER, CHV1) => Command { p2: UNBLOCKS_CHV1, ..*command },
        _ => *command,
    }
}

/// The result of a command with codes, and the number of tries after it.
pub fn code_result(card: &mut Transaction, command: &Command, status: StatusWord, tries: &mut Tries) -> Result<()> {
    *tries = status.tries();
    if status == WRONG {
        *tries = match command.ins {
            ins::RESET_RETRY_COUNTER => self::status(card)?.tries_to_unblock(command.p2.max(CHV1)),
            _ => self::status(card)?.tries(command.p2),
        };
    }
    match *tries {
        Some(0) => Err(status.explains(Hresult::SCARD_W_CHV_BLOCKED)),
        _ => status.proves(Hresult::SCARD_W_WRONG_CHV),
    }
}

/// Checks that a code is not required: it is disabled, or `is_noted` as verified. A SIM does not tell that a code was
/// verified.
pub fn check(card: &mut Transaction, reference: u8, is_noted: bool, tries: &mut Tries) -> Result<()> {
    let directory = status(card)?;
    *tries = directory.tries(reference);
    match *tries {
        _ if reference == CHV1 && directory.is_chv1_disabled() => Ok(()),
        Some(0) => Err(Hresult::SCARD_W_CHV_BLOCKED),
        _ if is_noted => Ok(()),
        Some(_) => Err(Hresult::SCARD_W_CARD_NOT_AUTHENTICATED),
        None => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
    }
}

/// Sends STATUS, which describes the current directory and selects nothing.
fn status(card: &mut Transaction) -> Result<DirectoryStatus> {
    let mut answer = Vec::new();
    let sent = card.send(&Command::new(ins::STATUS, 0, 0).expecting(LENGTH), &mut answer);
    card.unless_refused(sent)?;
    Ok(DirectoryStatus(answer))
}

/// The answer to STATUS.
struct DirectoryStatus(Vec<u8>);

impl DirectoryStatus {
    fn tries(&self, reference: u8) -> Tries {
        self.tries_at(Self::place(reference)?)
    }

    /// The tries of the code that unblocks another one: its status follows that of the other one.
    fn tries_to_unblock(&self, reference: u8) -> Tries {
        self.tries_at(Self::place(reference)? + 1)
    }

    fn place(reference: u8) -> Option<usize> {
        match reference {
            CHV1 => Some(CHV1_STATUS),
            CHV2 => Some(CHV2_STATUS),
            _ => None,
        }
    }

    fn tries_at(&self, place: usize) -> Tries {
        let status = self.0.get(place).filter(|status| **status & INITIALISED != 0)?;
        Some((status & TRIES).into())
    }

    fn is_chv1_disabled(&self) -> bool {
        self.0.get(CHARACTERISTICS).is_some_and(|byte| byte & CHV1_DISABLED != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// tomasz-lisowski/swsim issue 6, with other numbers of tries.
    const GSM: [u8; 23] =
        [0, 0, 0, 0, 0x7F, 0x20, 2, 0, 0, 0, 0, 0, 0x0A, 0xB3, 0, 0x1E, 4, 0, 0x83, 0x8A, 0x02, 0x80, 0];

    #[test]
    fn tries_of_each_code() {
        let status = DirectoryStatus(GSM.to_vec());
        assert_eq!((status.tries(1), status.tries_to_unblock(1)), (Some(3), Some(10)));
        assert_eq!(status.tries(2), None, "it is not initialised");
        assert_eq!(status.tries_to_unblock(2), Some(0));
        assert_eq!((status.tries(0), status.tries(4)), (None, None));
        assert!(status.is_chv1_disabled());
    }

    #[test]
    fn a_cut_answer_gives_no_number() {
        for length in 0..GSM.len() {
            let status = DirectoryStatus(GSM[..length].to_vec());
            assert_eq!(status.tries(1).is_some(), length > CHV1_STATUS);
            assert_eq!(status.is_chv1_disabled(), length > CHARACTERISTICS);
        }
    }
}

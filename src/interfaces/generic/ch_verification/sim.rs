//! The codes of a SIM (3GPP TS 51.011, 8.9 to 8.13): it says with every directory how many tries they have, and with no word.

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

/// Offsets in the answer to STATUS, which is about the current directory (9.2.1 and 9.2.2). The standard counts from 1.
const CHARACTERISTICS: usize = 13;
const CHV1_STATUS: usize = 18;
const CHV2_STATUS: usize = 20;
const LENGTH: usize = 22;
/// The bit of the characteristics that says that CHV1 is disabled.
const CHV1_DISABLED: u8 = 0x80;
/// The bits of a status: there is such a code, and how many tries are left.
const INITIALISED: u8 = 0x80;
const TRIES: u8 = 0x0F;

/// The command with the number of the code as a SIM has it.
pub fn place<'a>(command: &Command<'a>) -> Command<'a> {
    match (command.ins, command.p2) {
        (ins::RESET_RETRY_COUNTER, CHV1) => Command { p2: UNBLOCKS_CHV1, ..*command },
        _ => *command,
    }
}

/// The result of a command with codes by its status word, and the tries that they have after it.
pub fn judge(card: &mut Transaction, command: &Command, status: StatusWord, tries: &mut Tries) -> Result<()> {
    *tries = status.tries();
    if status == WRONG {
        *tries = match command.ins {
            ins::RESET_RETRY_COUNTER => told(card)?.tries_to_unblock(command.p2.max(CHV1)),
            _ => told(card)?.tries(command.p2),
        };
    }
    match *tries {
        Some(0) => Err(Hresult::SCARD_W_CHV_BLOCKED),
        _ => status.proves(Hresult::SCARD_W_WRONG_CHV),
    }
}

/// Whether a code need not be shown: it is disabled, or `is_noted` as shown. No SIM says of a code that it was shown.
pub fn check(card: &mut Transaction, reference: u8, is_noted: bool, tries: &mut Tries) -> Result<()> {
    let told = told(card)?;
    *tries = told.tries(reference);
    match *tries {
        _ if reference == CHV1 && told.is_chv1_disabled() => Ok(()),
        Some(0) => Err(Hresult::SCARD_W_CHV_BLOCKED),
        _ if is_noted => Ok(()),
        Some(_) => Err(Hresult::SCARD_W_CARD_NOT_AUTHENTICATED),
        None => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
    }
}

/// The answer to STATUS, which is about the current directory and selects nothing.
fn told(card: &mut Transaction) -> Result<Told> {
    let mut told = Vec::new();
    let status = card.send(&Command::new(ins::STATUS, 0, 0).expecting(LENGTH), &mut told);
    card.given(status)?;
    Ok(Told(told))
}

struct Told(Vec<u8>);

impl Told {
    fn tries(&self, reference: u8) -> Tries {
        self.tries_at(Self::place(reference)?)
    }

    /// Those of the code that unblocks another one: its status is behind that one's.
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
        let told = Told(GSM.to_vec());
        assert_eq!((told.tries(1), told.tries_to_unblock(1)), (Some(3), Some(10)));
        assert_eq!(told.tries(2), None, "it is not initialised");
        assert_eq!(told.tries_to_unblock(2), Some(0));
        assert_eq!((told.tries(0), told.tries(4)), (None, None));
        assert!(told.is_chv1_disabled());
    }

    #[test]
    fn what_is_cut_says_nothing() {
        for length in 0..GSM.len() {
            let told = Told(GSM[..length].to_vec());
            assert_eq!(told.tries(1).is_some(), length > CHV1_STATUS);
            assert_eq!(told.is_chv1_disabled(), length > CHARACTERISTICS);
        }
    }
}

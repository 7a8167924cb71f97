//! Authentication: what ISCardAuth does, with the commands of ISO/IEC 7816-4, 11.5.

use zeroize::Zeroizing;

use super::cipher::{Cipher, is_same};
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::Attachment;
use crate::attachment::transaction::Transaction;
use crate::iso7816::command::{Command, SHORT_RESPONSE, ins};
use crate::iso7816::delivery::Fetching;
use crate::runtime::cancellation::hold_off;
use crate::runtime::wait::SCM_INFINITE;

/// The longest challenge of a challenge-response.
pub(crate) const MAX_CHALLENGE: usize = 256;

pub struct CardAuth {}

/// By which method, and with which key: P1 and P2. What the numbers mean, the card knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Method {
    pub algorithm: u8,
    pub key: u8,
}

/// P1 and P2 that say nothing.
const NO_METHOD: Method = Method { algorithm: 0, key: 0 };

/// What turns a challenge into its answer.
pub enum Responder<'a> {
    BuiltIn(Cipher<'a>),
    /// The program's own, which uses the library as it likes.
    Program(Program<'a>),
}

/// A function of the program's.
pub type Program<'a> = &'a dyn Fn(&[u8]) -> Result<Zeroizing<Vec<u8>>>;

impl Method {
    fn command(self, ins: u8) -> Command<'static> {
        Command::new(ins, self.algorithm, self.key)
    }

    /// Asks the card for a challenge of so many bytes at the most. One that had to be cut is none: the card remembers the whole
    /// of it, and would count the answer to the rest as a wrong one.
    pub fn get_challenge(self, card: &mut Transaction, length: usize) -> Result<Vec<u8>> {
        let mut challenge = Vec::new();
        let status = card.send(&self.command(ins::GET_CHALLENGE).expecting(length), &mut challenge)?;
        status.proves(Hresult::SCARD_W_SECURITY_VIOLATION)?;
        match status.more().is_none() && card.given_length() <= length {
            true => Ok(challenge),
            false => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
        }
    }

    /// Shows the card that the program has the key.
    pub fn authenticate_program(self, card: &mut Transaction, response: &[u8]) -> Result<()> {
        let status = card.send(&self.command(ins::EXTERNAL_AUTHENTICATE).with_data(response), &mut Vec::new())?;
        status.proves(Hresult::SCARD_W_SECURITY_VIOLATION)
    }

    /// Shows the card that the user is there.
    pub fn authenticate_user(self, card: &mut Transaction, data: &[u8]) -> Result<()> {
        let status = card.send(&self.command(ins::VERIFY).with_data(data), &mut Vec::new())?;
        match status.code() {
            // 6982 says of a user that he was not believed.
            Hresult::SCARD_W_SECURITY_VIOLATION => Err(Hresult::SCARD_W_WRONG_CHV),
            _ => status.proves(Hresult::SCARD_W_WRONG_CHV),
        }
    }

    /// Gives the card a challenge, and puts its answer, of `ne` bytes at the most, behind `answer`.
    pub fn authenticate_card(
        self,
        card: &mut Transaction,
        challenge: &[u8],
        ne: usize,
        answer: &mut Vec<u8>,
    ) -> Result<()> {
        let command = self.command(ins::INTERNAL_AUTHENTICATE).with_data(challenge).expecting(ne);
        card.send_for_caller(&command, &Fetching::of(&command, false), answer)?
            .proves(Hresult::SCARD_W_SECURITY_VIOLATION)
    }

    /// The whole of it: the card's challenge, the responder's answer, the card's judgement.
    pub fn prove_program(self, attachment: &Attachment, responder: &Responder, length: usize) -> Result<()> {
        let challenge = |card: &mut Transaction| whole_challenge(card, length);
        match responder {
            Responder::BuiltIn(_) => attachment.converse(SCM_INFINITE, |card| {
                let response = responder.respond(&challenge(card)?)?;
                self.authenticate_program(card, &response)
            }),
            // The program's function is called while nobody else can have the card, but outside of any call on it.
            Responder::Program(_) => under_lock(attachment, || {
                let challenge = attachment.converse(SCM_INFINITE, challenge)?;
                let response = attachment.call_under_lock(|| responder.respond(&challenge))?;
                attachment.converse(SCM_INFINITE, |card| self.authenticate_program(card, &response))
            }),
        }
    }

    /// The whole of it the other way: a random challenge, the card's answer, and the comparison with the responder's.
    pub fn prove_card(self, attachment: &Attachment, responder: &Responder, length: usize) -> Result<()> {
        let mut challenge = zeroes(length)?;
        let cancellation = hold_off();
        getrandom::fill(&mut challenge).map_err(|_| Hresult::E_FAIL)?;
        drop(cancellation);
        let expected = attachment.call_under_lock(|| responder.respond(&challenge))?;
        let (ne, mut answer) = (SHORT_RESPONSE.max(expected.len()), Vec::new());
        attachment.converse(SCM_INFINITE, |card| self.authenticate_card(card, &challenge, ne, &mut answer))?;
        match is_same(&answer, &expected) {
            true => Ok(()),
            false => Err(Hresult::SCARD_W_CARD_NOT_AUTHENTICATED),
        }
    }
}

impl Responder<'_> {
    fn respond(&self, challenge: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        match self {
            Responder::BuiltIn(cipher) => {
                let mut block = zeroes(challenge.len())?;
                block.copy_from_slice(challenge);
                cipher.encrypt(&mut block)?;
                Ok(block)
            }
            Responder::Program(respond) => respond(challenge),
        }
    }
}

/// A challenge of just this length. The card is not told what it is for: P1 and P2 say nothing in most cards.
fn whole_challenge(card: &mut Transaction, length: usize) -> Result<Vec<u8>> {
    let challenge = NO_METHOD.get_challenge(card, length)?;
    match challenge.len() == length {
        true => Ok(challenge),
        false => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
    }
}

/// So many bytes, which are overwritten when they are done with.
pub fn zeroes(length: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    bytes.try_reserve_exact(length)?;
    bytes.resize(length, 0);
    Ok(bytes)
}

fn under_lock<T>(attachment: &Attachment, work: impl FnOnce() -> Result<T>) -> Result<T> {
    attachment.lock_for_call()?;
    let worked = work();
    attachment.unlock_after_call();
    worked
}

//! Authentication with any card (ISCardAuth), by the commands of ISO/IEC 7816-4, 11.5.

use std::cell::Cell;

use zeroize::Zeroizing;

use super::cipher::{Cipher, is_same};
use crate::abi::cause::{OfArgument, refuse, refuse_length};
use crate::abi::hresult::{Hresult, Result};
use crate::abi::output::OutputBytes;
use crate::attachment::Attachment;
use crate::attachment::transaction::Transaction;
use crate::interfaces::card_auth::{CardAuth, ChallengeResponse, Method};
use crate::iso7816::command::{Command, EXTENDED_DATA, EXTENDED_RESPONSE, SHORT_RESPONSE, ins};
use crate::iso7816::delivery::Fetching;
use crate::runtime::pthread_cancel::hold_off;
use crate::runtime::wait::SCM_INFINITE;

/// The longest challenge of a challenge-response.
pub(crate) const MAX_CHALLENGE: usize = 256;

pub struct GenericCardAuth;

/// P1 and P2. Each card has its own numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct AlgorithmAndKey {
    algorithm: u8,
    key: u8,
}

/// P1 and P2 without a meaning.
const NEITHER: AlgorithmAndKey = AlgorithmAndKey { algorithm: 0, key: 0 };

/// Computes the response to a challenge.
pub enum Responder<'a> {
    BuiltIn(Cipher<'a>),
    /// A function of the program, which may call the library.
    Program(Program<'a>),
}

/// A function of the program.
pub type Program<'a> = &'a dyn Fn(&[u8]) -> Result<Zeroizing<Vec<u8>>>;

impl CardAuth for GenericCardAuth {
    fn get_challenge(&self, attachment: &Attachment, method: Method, challenge: OutputBytes) -> Result<Hresult> {
        let (algorithm, length) = (AlgorithmAndKey::of(method)?, challenge.capacity());
        if length == 0 || length > EXTENDED_RESPONSE {
            return Err(refuse("is 0, or more than a response has")).of("capacity");
        }
        challenge.fill(&attachment.transact(SCM_INFINITE, |card| algorithm.get_challenge(card, length))?)
    }

    fn app_auth(&self, attachment: &Attachment, method: Method, data: &[u8]) -> Result<Hresult> {
        let algorithm = AlgorithmAndKey::of(method)?;
        check_length(data.len())?;
        attachment.transact(SCM_INFINITE, |card| algorithm.authenticate_program(card, data))?;
        Ok(Hresult::S_OK)
    }

    fn icc_auth(
        &self,
        attachment: &Attachment,
        method: Method,
        data: &[Cell<u8>],
        answer: OutputBytes,
    ) -> Result<Hresult> {
        let algorithm = AlgorithmAndKey::of(method)?;
        check_length(data.len())?;
        let (mut challenge, mut given) = (Vec::new(), Vec::new());
        challenge.try_reserve_exact(data.len())?;
        challenge.extend(data.iter().map(Cell::get));
        let ne = answer.capacity().clamp(SHORT_RESPONSE, EXTENDED_RESPONSE);
        attachment.transact(SCM_INFINITE, |card| algorithm.authenticate_card(card, &challenge, ne, &mut given))?;
        answer.fill(&given)
    }

    fn user_auth(&self, attachment: &Attachment, method: Method, data: &[u8]) -> Result<Hresult> {
        let algorithm = AlgorithmAndKey::of(method)?;
        check_length(data.len())?;
        attachment.transact(SCM_INFINITE, |card| algorithm.authenticate_user(card, data))?;
        Ok(Hresult::S_OK)
    }

    fn challenge_response(&self) -> Result<&dyn ChallengeResponse> {
        Ok(self)
    }
}

impl ChallengeResponse for GenericCardAuth {
    fn app_auth(
        &self,
        attachment: &Attachment,
        method: Method,
        responder: &Responder,
        challenge_length: usize,
    ) -> Result<Hresult> {
        AlgorithmAndKey::of(method)?.prove_program(attachment, responder, challenge_length)?;
        Ok(Hresult::S_OK)
    }

    fn icc_auth(
        &self,
        attachment: &Attachment,
        method: Method,
        responder: &Responder,
        challenge_length: usize,
    ) -> Result<Hresult> {
        AlgorithmAndKey::of(method)?.prove_card(attachment, responder, challenge_length)?;
        Ok(Hresult::S_OK)
    }
}

/// An authentication command without data does not exist.
fn check_length(length: usize) -> Result<()> {
    if (1..=EXTENDED_DATA).contains(&length) {
        Ok(())
    } else {
        Err(refuse_length("is 0, or more than a command has")).of("data")
    }
}

impl AlgorithmAndKey {
    /// The parameters are empty, or one byte: P2.
    fn of(method: Method) -> Result<AlgorithmAndKey> {
        let algorithm = u8::try_from(method.algorithm).map_err(|_| refuse("is greater than 255")).of("algorithm")?;
        match method.parameters {
            [] => Ok(AlgorithmAndKey { algorithm, key: 0 }),
            [key] => Ok(AlgorithmAndKey { algorithm, key: *key }),
            _ => Err(refuse_length("is more than 1: only the key reference is known")).of("parameters"),
        }
    }

    fn command(self, ins: u8) -> Command<'static> {
        Command::new(ins, self.algorithm, self.key)
    }

    /// Asks the card for a challenge of at most `length` bytes. A longer one is refused: the card remembers the whole
    /// challenge, and would count a response to a part of it as a wrong one.
    fn get_challenge(self, card: &mut Transaction, length: usize) -> Result<Vec<u8>> {
        let mut challenge = Vec::new();
        let status = card.send(&self.command(ins::GET_CHALLENGE).expecting(length), &mut challenge)?;
        status.proves(Hresult::SCARD_W_SECURITY_VIOLATION)?;
        match status.more().is_none() && card.response_length() <= length {
            true => Ok(challenge),
            false => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
        }
    }

    /// Proves to the card that the program has the key.
    fn authenticate_program(self, card: &mut Transaction, response: &[u8]) -> Result<()> {
        let status = card.send(&self.command(ins::EXTERNAL_AUTHENTICATE).with_data(response), &mut Vec::new())?;
        status.proves(Hresult::SCARD_W_SECURITY_VIOLATION)
    }

    /// Proves to the card that the user is present.
    fn authenticate_user(self, card: &mut Transaction, data: &[u8]) -> Result<()> {
        let status = card.send(&self.command(ins::VERIFY).with_data(data), &mut Vec::new())?;
        match status.code() {
            // 6982: the card does not accept the user.
            Hresult::SCARD_W_SECURITY_VIOLATION => Err(status.explains(Hresult::SCARD_W_WRONG_CHV)),
            _ => status.proves(Hresult::SCARD_W_WRONG_CHV),
        }
    }

    /// Gives the card a challenge, and appends the response, of at most `ne` bytes, to `answer`.
    fn authenticate_card(
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

    /// The challenge of the card, the response, the decision of the card.
    fn prove_program(self, attachment: &Attachment, responder: &Responder, length: usize) -> Result<()> {
        let challenge = |card: &mut Transaction| whole_challenge(card, length);
        match responder {
            Responder::BuiltIn(_) => attachment.transact(SCM_INFINITE, |card| {
                let response = responder.respond(&challenge(card)?)?;
                self.authenticate_program(card, &response)
            }),
            // The function of the program is called under the lock, but outside of any call on the card.
            Responder::Program(_) => under_lock(attachment, || {
                let challenge = attachment.transact(SCM_INFINITE, challenge)?;
                let response = attachment.call_under_lock(|| responder.respond(&challenge))?;
                attachment.transact(SCM_INFINITE, |card| self.authenticate_program(card, &response))
            }),
        }
    }

    /// A random challenge, the response of the card, the comparison with the response that is expected.
    fn prove_card(self, attachment: &Attachment, responder: &Responder, length: usize) -> Result<()> {
        let mut challenge = zeroes(length)?;
        let cancellation = hold_off();
        getrandom::fill(&mut challenge).map_err(|_| Hresult::E_FAIL)?;
        drop(cancellation);
        let expected = attachment.call_under_lock(|| responder.respond(&challenge))?;
        let (ne, mut answer) = (SHORT_RESPONSE.max(expected.len()), Vec::new());
        attachment.transact(SCM_INFINITE, |card| self.authenticate_card(card, &challenge, ne, &mut answer))?;
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

/// A challenge of exactly this length. P1 and P2 are 0, as most cards want it.
fn whole_challenge(card: &mut Transaction, length: usize) -> Result<Vec<u8>> {
    let challenge = NEITHER.get_challenge(card, length)?;
    match challenge.len() == length {
        true => Ok(challenge),
        false => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
    }
}

/// Zeroes, which are overwritten when they are dropped.
pub fn zeroes(length: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    bytes.try_reserve_exact(length)?;
    bytes.resize(length, 0);
    Ok(bytes)
}

fn under_lock<T>(attachment: &Attachment, work: impl FnOnce() -> Result<T>) -> Result<T> {
    attachment.lock_for_call()?;
    let worked = work();
    attachment.unlock_after_call(SCM_INFINITE);
    worked
}

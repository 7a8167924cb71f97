//! Codes: what ISCardVerify does, with the commands of ISO/IEC 7816-4, 11.5.

mod sim;

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::code::Form;
use super::pin_pad::{self, Prompt, Question};
use super::selection;
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::Attachment;
use crate::attachment::transaction::Transaction;
use crate::iso7816::command::{Command, ins};
use crate::iso7816::status_word::StatusWord;
use crate::runtime::wait::SCM_INFINITE;

/// P1 of CHANGE REFERENCE DATA.
const OLD_AND_NEW: u8 = 0x00;
const NEW_ALONE: u8 = 0x01;
/// P1 of RESET RETRY COUNTER, for the codes that are there: the unblocking one, the new one.
const BOTH: u8 = 0x00;
const UNBLOCKING_ALONE: u8 = 0x01;
const NEW_CODE_ALONE: u8 = 0x02;
const NEITHER: u8 = 0x03;
/// P1 of VERIFY: the verification is taken back.
const TAKE_BACK: u8 = 0xFF;
/// P2: the code is one of the current DF.
const LOCAL: u8 = 0x80;
const REFERENCES: u32 = 32;

pub struct ChVerification {
    form: Form,
    prompt: Prompt,
    verified: Mutex<Verified>,
}

/// What was verified, as long as the card remembers it.
#[derive(Default)]
struct Verified {
    generation: u64,
    /// A bit for each reference, the global ones first.
    targets: u64,
}

/// Which code is meant: P2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Target(u8);

/// What becomes of a code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    Value,
    Enable,
    Disable,
}

/// How many tries are left, as far as the card has said.
pub type Tries = Option<u32>;

impl Target {
    pub fn new(reference: u32, is_local: bool) -> Result<Target> {
        if reference >= REFERENCES {
            return Err(Hresult::E_INVALIDARG);
        }
        Ok(Target(reference as u8 | if is_local { LOCAL } else { 0 }))
    }

    fn bit(self) -> u64 {
        let place = u32::from(self.0 & !LOCAL) + if self.0 & LOCAL == 0 { 0 } else { REFERENCES };
        1 << place
    }

    fn all() -> impl Iterator<Item = Target> {
        (0..REFERENCES as u8).flat_map(|reference| [Target(reference), Target(reference | LOCAL)])
    }
}

impl ChVerification {
    pub fn new(form: Form, prompt: Prompt) -> ChVerification {
        ChVerification { form, prompt, verified: Mutex::default() }
    }

    /// Shows a code to the card; an empty one the user gives to the reader.
    pub fn verify(&self, attachment: &Attachment, code: &[u8], target: Target, tries: &mut Tries) -> Result<()> {
        self.present(attachment, &Command::new(ins::VERIFY, 0, target.0), &[code], tries)?;
        self.note(attachment.generation(), target);
        Ok(())
    }

    /// Asks whether a code has been verified. The card counts nothing.
    pub fn check(&self, attachment: &Attachment, target: Target, tries: &mut Tries) -> Result<()> {
        let is_noted = self.is_verified(attachment, target);
        attachment.converse(SCM_INFINITE, |card| {
            if !card.is_sim() {
                let status = state(card, target)?;
                if !turns_out_to_be_sim(card, status)? {
                    *tries = status.tries();
                    return status.proves(Hresult::SCARD_W_CARD_NOT_AUTHENTICATED);
                }
            }
            sim::check(card, target.0, is_noted, tries)
        })
    }

    /// Gives a code another value, or has the card ask for it or not. Without any code the user gives them to the reader;
    /// without the old one alone the card has to allow that.
    pub fn change(
        &self,
        attachment: &Attachment,
        change: Change,
        old: &[u8],
        new: &[u8],
        target: Target,
        tries: &mut Tries,
    ) -> Result<()> {
        let (ins, p1, codes): (_, _, &[&[u8]]) = match change {
            Change::Value if old.is_empty() && !new.is_empty() => (ins::CHANGE_REFERENCE_DATA, NEW_ALONE, &[new]),
            Change::Value => (ins::CHANGE_REFERENCE_DATA, OLD_AND_NEW, &[old, new]),
            _ if !new.is_empty() => return Err(Hresult::E_INVALIDARG),
            Change::Enable => (ins::ENABLE_VERIFICATION, 0, &[old]),
            Change::Disable => (ins::DISABLE_VERIFICATION, 0, &[old]),
        };
        self.present(attachment, &Command::new(ins, p1, target.0), codes, tries)?;
        match change {
            // What is not asked for cannot be taken back.
            Change::Disable => self.forget(target),
            _ if p1 == NEW_ALONE => {}
            // The old code may count as verified.
            _ => self.note(attachment.generation(), target),
        }
        Ok(())
    }

    /// Sets the counter of a code back, and its value where there is a new one.
    pub fn unblock(
        &self,
        attachment: &Attachment,
        unblocking: &[u8],
        new: &[u8],
        target: Target,
        tries: &mut Tries,
    ) -> Result<()> {
        let (p1, codes): (_, &[&[u8]]) = match (unblocking.is_empty(), new.is_empty()) {
            (false, false) => (BOTH, &[unblocking, new]),
            (false, true) => (UNBLOCKING_ALONE, &[unblocking]),
            (true, false) => (NEW_CODE_ALONE, &[new]),
            (true, true) => (NEITHER, &[]),
        };
        self.show(attachment, &Command::new(ins::RESET_RETRY_COUNTER, p1, target.0), codes, tries)
    }

    /// The same, with both codes from the user.
    pub fn unblock_on_pin_pad(&self, attachment: &Attachment, target: Target, tries: &mut Tries) -> Result<()> {
        let command = Command::new(ins::RESET_RETRY_COUNTER, BOTH, target.0);
        attachment.converse(SCM_INFINITE, |card| self.ask(card, Question::CurrentAndNew, &command, tries))
    }

    /// Takes back every verification that this object has made and the card remembers.
    pub fn reset(&self, attachment: &Attachment) -> Result<()> {
        let mut outcome = Ok(());
        for target in Target::all().filter(|target| self.is_verified(attachment, *target)) {
            match attachment.converse(SCM_INFINITE, |card| take_back(card, target)) {
                Ok(()) => self.forget(target),
                // The others are to be taken back all the same.
                Err(code) => outcome = outcome.and(Err(code)),
            }
        }
        outcome
    }

    /// Sends a command with codes, or has the reader ask for them where all are empty.
    fn present(&self, attachment: &Attachment, command: &Command, codes: &[&[u8]], tries: &mut Tries) -> Result<()> {
        if codes.iter().all(|code| code.is_empty()) {
            let question = if codes.len() == 1 { Question::Code } else { Question::CurrentAndNew };
            return attachment.converse(SCM_INFINITE, |card| self.ask(card, question, command, tries));
        }
        self.show(attachment, command, codes, tries)
    }

    /// Sends a command with codes. One that does not fit is refused before anybody waits for the card.
    fn show(&self, attachment: &Attachment, command: &Command, codes: &[&[u8]], tries: &mut Tries) -> Result<()> {
        self.form.blocks(codes)?;
        attachment.converse(SCM_INFINITE, |card| self.send(card, command, codes, tries))
    }

    fn ask(&self, card: &mut Transaction, question: Question, command: &Command, tries: &mut Tries) -> Result<()> {
        let command = &place(card, command);
        let status = pin_pad::ask(card, &self.form_for(card), self.prompt, question, &card.class().command(command))?;
        match pin_pad::refusal(status) {
            Some(code) => Err(code),
            None if card.is_sim() => sim::judge(card, command, status.of_sim(command.ins), tries),
            None => judge(status, tries),
        }
    }

    /// Sends it once. A card that does not know its class has not looked at the codes, and if it turns out to be a SIM, they go
    /// there in its own class.
    fn send(&self, card: &mut Transaction, command: &Command, codes: &[&[u8]], tries: &mut Tries) -> Result<()> {
        let status = self.send_once(card, command, codes)?;
        let status = match turns_out_to_be_sim(card, status)? {
            true => self.send_once(card, command, codes)?,
            false => status,
        };
        match card.is_sim() {
            true => sim::judge(card, &place(card, command), status, tries),
            false => judge(status, tries),
        }
    }

    fn send_once(&self, card: &mut Transaction, command: &Command, codes: &[&[u8]]) -> Result<StatusWord> {
        let data = self.form_for(card).blocks(codes)?;
        card.send(&place(card, command).with_data(&data), &mut Vec::new())
    }

    fn form_for(&self, card: &Transaction) -> Form {
        if card.is_sim() { self.form.for_sim() } else { self.form }
    }

    fn note(&self, generation: u64, target: Target) {
        let mut verified = self.verified();
        if generation < verified.generation {
            // Another thread has verified something since, which is not to be lost for what the card has forgotten.
            return;
        }
        if verified.generation != generation {
            *verified = Verified { generation, targets: 0 };
        }
        verified.targets |= target.bit();
    }

    fn forget(&self, target: Target) {
        self.verified().targets &= !target.bit();
    }

    fn is_verified(&self, attachment: &Attachment, target: Target) -> bool {
        let verified = self.verified();
        verified.generation == attachment.generation() && verified.targets & target.bit() != 0
    }

    /// Locked for a moment only, never during a call to the card.
    fn verified(&self) -> MutexGuard<'_, Verified> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn judge(status: StatusWord, tries: &mut Tries) -> Result<()> {
    *tries = status.tries();
    status.proves(Hresult::SCARD_W_WRONG_CHV)
}

/// Only a refusal of the class says that the card has not looked at a code. A missing instruction does not: few applications know all of those for
/// codes.
fn turns_out_to_be_sim(card: &mut Transaction, status: StatusWord) -> Result<bool> {
    Ok(status.0 >> 8 == 0x6E && selection::sim::turns_out(card, status)?)
}

/// The command with the number of the code as the card has it.
fn place<'a>(card: &Transaction, command: &Command<'a>) -> Command<'a> {
    if card.is_sim() { sim::place(command) } else { *command }
}

/// VERIFY without a code: the card says whether there has been one.
fn state(card: &mut Transaction, target: Target) -> Result<StatusWord> {
    card.send(&Command::new(ins::VERIFY, 0, target.0), &mut Vec::new())
}

/// Takes one verification back. A card that does not look at P1 takes that for a question and answers 9000 too, so it is asked
/// afterwards.
fn take_back(card: &mut Transaction, target: Target) -> Result<()> {
    if card.is_sim() {
        return Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE);
    }
    let status = card.send(&Command::new(ins::VERIFY, TAKE_BACK, target.0), &mut Vec::new())?;
    let status = if status == StatusWord::OK { state(card, target)? } else { status };
    match status.0 >> 8 == 0x63 || status.tries().is_some() {
        true => Ok(()),
        false => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interfaces::generic::code::{Encoding, FILLER};

    /// A thread may be held back between its verification and the note of it.
    #[test]
    fn an_old_verification_does_not_take_the_place_of_a_new_one() {
        let form = Form::new(Encoding::Characters, None, FILLER, None, None).unwrap();
        let codes = ChVerification::new(form, Prompt { timeout_s: 0, language: 0 });
        let noted = |generation, target: Target| {
            codes.note(generation, target);
            let verified = codes.verified();
            (verified.generation, verified.targets)
        };
        assert_eq!(noted(2, Target(1)), (2, Target(1).bit()));
        assert_eq!(noted(1, Target(3)), (2, Target(1).bit()));
        assert_eq!(noted(3, Target(3)), (3, Target(3).bit()));
    }

    #[test]
    fn every_target_has_a_bit_of_its_own() {
        let all = Target::all().fold(0, |all, target| {
            assert_eq!(all & target.bit(), 0);
            all | target.bit()
        });
        assert_eq!(all, u64::MAX);
        assert_eq!(Target::new(31, true), Ok(Target(0x9F)));
        assert_eq!(Target::new(0, false), Ok(Target(0)));
        assert_eq!(Target::new(32, false), Err(Hresult::E_INVALIDARG));
    }
}

//! The codes of any card (ISCardVerify), with the commands of ISO/IEC 7816-4, 11.5.

mod flags;
mod sim;

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::code::CodeForm;
use super::pin_pad::{self, Prompt, Question};
use super::selection;
use crate::abi::cause::{OfArgument, refuse};
use crate::abi::constants::SCM_FL_IHV_CHECKONLY;
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::Attachment;
use crate::attachment::transaction::Transaction;
use crate::interfaces::ch_verification::{ChVerification, Codes};
use crate::iso7816::command::{Command, ins};
use crate::iso7816::status_word::StatusWord;
use crate::runtime::wait::SCM_INFINITE;
use flags::{CodeChange, CodeReference};

/// P1 of CHANGE REFERENCE DATA.
const OLD_AND_NEW: u8 = 0x00;
const NEW_ALONE: u8 = 0x01;
/// P1 of RESET RETRY COUNTER: which codes the command has, the unblocking one and the new one.
const BOTH: u8 = 0x00;
const UNBLOCKING_ALONE: u8 = 0x01;
const NEW_CODE_ALONE: u8 = 0x02;
const NEITHER: u8 = 0x03;
/// P1 of VERIFY: the verification is undone.
const TAKE_BACK: u8 = 0xFF;
/// The flag of `scm_ch_verification_unblock` that asks for the PIN pad.
pub(crate) const PIN_PAD: u32 = 0x1_0000;

#[derive(Default)]
pub struct GenericChVerification {
    form: CodeForm,
    prompt: Prompt,
    verified: Mutex<Verified>,
}

/// The codes that were verified, as long as the card remembers it.
#[derive(Default)]
struct Verified {
    generation: u64,
    /// One bit for each reference, the global ones first.
    targets: u64,
}

/// The number of tries that are left, if the card has told it.
pub type Tries = Option<u32>;

impl ChVerification for GenericChVerification {
    fn verify(
        &self,
        attachment: &Attachment,
        code: &[u8],
        flags: u32,
        reference: u32,
        retries_left: &mut u32,
    ) -> Result<Hresult> {
        let target = CodeReference::of(flags, SCM_FL_IHV_CHECKONLY, reference)?;
        count(retries_left, |tries| match flags & SCM_FL_IHV_CHECKONLY {
            0 => self.verify_code(attachment, code, target, tries),
            _ if !code.is_empty() => Err(refuse("is given for a check that sends no code")).of("code"),
            _ => self.check(attachment, target, tries),
        })
    }

    fn change_code(
        &self,
        attachment: &Attachment,
        codes: Codes,
        flags: u32,
        reference: u32,
        retries_left: &mut u32,
    ) -> Result<Hresult> {
        let change = CodeChange::of(flags)?;
        let target = CodeReference::of(flags, CodeChange::FLAGS, reference)?;
        count(retries_left, |tries| self.change(attachment, change, codes, target, tries))
    }

    fn unblock(
        &self,
        attachment: &Attachment,
        codes: Codes,
        flags: u32,
        reference: u32,
        retries_left: &mut u32,
    ) -> Result<Hresult> {
        let target = CodeReference::of(flags, PIN_PAD, reference)?;
        count(retries_left, |tries| match flags & PIN_PAD {
            0 => self.reset_retry_counter(attachment, codes, target, tries),
            _ if !codes.current.is_empty() || !codes.new.is_empty() => {
                Err(refuse("is given, although the PIN pad asks for the codes")).of(if codes.new.is_empty() {
                    "unblocking_code"
                } else {
                    "new_code"
                })
            }
            _ => self.reset_retry_counter_on_pin_pad(attachment, target, tries),
        })
    }

    /// Undoes every verification that this object has made and the card remembers.
    fn reset_security_state(&self, attachment: &Attachment) -> Result<Hresult> {
        let mut outcome = Ok(Hresult::S_OK);
        for target in CodeReference::all().filter(|target| self.is_verified(attachment, *target)) {
            match attachment.transact(SCM_INFINITE, |card| unverify(card, target)) {
                Ok(()) => self.forget(target),
                // The others are undone all the same.
                Err(code) => outcome = outcome.and(Err(code)),
            }
        }
        outcome
    }
}

/// Does work that counts tries, and gives the caller their number, also after a failure.
fn count(retries_left: &mut u32, work: impl FnOnce(&mut Tries) -> Result<()>) -> Result<Hresult> {
    let mut tries = None;
    let done = work(&mut tries);
    if let Some(tries) = tries {
        *retries_left = tries;
    }
    done.map(|()| Hresult::S_OK)
}

impl GenericChVerification {
    pub fn new(form: CodeForm, prompt: Prompt) -> GenericChVerification {
        GenericChVerification { form, prompt, verified: Mutex::default() }
    }

    /// Presents a code to the card. Without a code the reader asks the user for it.
    fn verify_code(
        &self,
        attachment: &Attachment,
        code: &[u8],
        target: CodeReference,
        tries: &mut Tries,
    ) -> Result<()> {
        self.present(attachment, &Command::new(ins::VERIFY, 0, target.0), &[code], tries)?;
        self.note(attachment.generation(), target);
        Ok(())
    }

    /// Asks whether a code has been verified. That spends no try.
    fn check(&self, attachment: &Attachment, target: CodeReference, tries: &mut Tries) -> Result<()> {
        let is_noted = self.is_verified(attachment, target);
        attachment.transact(SCM_INFINITE, |card| {
            if !card.is_sim() {
                let status = state(card, target)?;
                if !recognise_sim(card, status)? {
                    *tries = status.tries();
                    return status.proves(Hresult::SCARD_W_CARD_NOT_AUTHENTICATED);
                }
            }
            sim::check(card, target.0, is_noted, tries)
        })
    }

    /// Changes the value of a code, or whether the card requires it. Without any code the reader asks the user for the
    /// codes. Without the old code the card must allow the change.
    fn change(
        &self,
        attachment: &Attachment,
        change: CodeChange,
        codes: Codes,
        target: CodeReference,
        tries: &mut Tries,
    ) -> Result<()> {
        let Codes { current: old, new } = codes;
        let (ins, p1, codes): (_, _, &[&[u8]]) = match change {
            CodeChange::Value if old.is_empty() && !new.is_empty() => (ins::CHANGE_REFERENCE_DATA, NEW_ALONE, &[new]),
            CodeChange::Value => (ins::CHANGE_REFERENCE_DATA, OLD_AND_NEW, &[old, new]),
            _ if !new.is_empty() => return Err(refuse("is given, although the code does not change")).of("new_code"),
            CodeChange::Enable => (ins::ENABLE_VERIFICATION, 0, &[old]),
            CodeChange::Disable => (ins::DISABLE_VERIFICATION, 0, &[old]),
        };
        self.present(attachment, &Command::new(ins, p1, target.0), codes, tries)?;
        match change {
            // A code that the card does not require cannot be undone.
            CodeChange::Disable => self.forget(target),
            _ if p1 == NEW_ALONE => {}
            // The card may count the old code as verified.
            _ => self.note(attachment.generation(), target),
        }
        Ok(())
    }

    /// Resets the counter of a code, and sets its value if there is a new one.
    fn reset_retry_counter(
        &self,
        attachment: &Attachment,
        codes: Codes,
        target: CodeReference,
        tries: &mut Tries,
    ) -> Result<()> {
        let Codes { current: unblocking, new } = codes;
        let (p1, codes): (_, &[&[u8]]) = match (unblocking.is_empty(), new.is_empty()) {
            (false, false) => (BOTH, &[unblocking, new]),
            (false, true) => (UNBLOCKING_ALONE, &[unblocking]),
            (true, false) => (NEW_CODE_ALONE, &[new]),
            (true, true) => (NEITHER, &[]),
        };
        self.send_codes(attachment, &Command::new(ins::RESET_RETRY_COUNTER, p1, target.0), codes, tries)
    }

    /// The same; the reader asks the user for both codes.
    fn reset_retry_counter_on_pin_pad(
        &self,
        attachment: &Attachment,
        target: CodeReference,
        tries: &mut Tries,
    ) -> Result<()> {
        let command = Command::new(ins::RESET_RETRY_COUNTER, BOTH, target.0);
        attachment.transact(SCM_INFINITE, |card| self.ask(card, Question::CurrentAndNew, &command, tries))
    }

    /// Sends a command with codes. If all codes are empty, the reader asks the user for them.
    fn present(&self, attachment: &Attachment, command: &Command, codes: &[&[u8]], tries: &mut Tries) -> Result<()> {
        if codes.iter().all(|code| code.is_empty()) {
            let question = if codes.len() == 1 { Question::Code } else { Question::CurrentAndNew };
            return attachment.transact(SCM_INFINITE, |card| self.ask(card, question, command, tries));
        }
        self.send_codes(attachment, command, codes, tries)
    }

    /// Sends a command with codes. A code of a wrong form is refused before the card is locked.
    fn send_codes(&self, attachment: &Attachment, command: &Command, codes: &[&[u8]], tries: &mut Tries) -> Result<()> {
        self.form.blocks(codes)?;
        attachment.transact(SCM_INFINITE, |card| self.send(card, command, codes, tries))
    }

    fn ask(&self, card: &mut Transaction, question: Question, command: &Command, tries: &mut Tries) -> Result<()> {
        let command = &place(card, command);
        let status = pin_pad::ask(card, &self.form_for(card), self.prompt, question, &card.class().command(command))?;
        match pin_pad::refusal(status) {
            Some(code) => Err(code),
            None if card.is_sim() => sim::code_result(card, command, status.of_sim(command.ins), tries),
            None => code_result(status, tries),
        }
    }

    /// Sends the command once. A card that refuses the class has not examined the codes. If it is a SIM, the codes are
    /// sent in the class of SIMs.
    fn send(&self, card: &mut Transaction, command: &Command, codes: &[&[u8]], tries: &mut Tries) -> Result<()> {
        let status = self.send_once(card, command, codes)?;
        let status = match recognise_sim(card, status)? {
            true => self.send_once(card, command, codes)?,
            false => status,
        };
        match card.is_sim() {
            true => sim::code_result(card, &place(card, command), status, tries),
            false => code_result(status, tries),
        }
    }

    fn send_once(&self, card: &mut Transaction, command: &Command, codes: &[&[u8]]) -> Result<StatusWord> {
        let data = self.form_for(card).blocks(codes)?;
        card.send(&place(card, command).with_data(&data), &mut Vec::new())
    }

    fn form_for(&self, card: &Transaction) -> CodeForm {
        if card.is_sim() { self.form.for_sim() } else { self.form }
    }

    fn note(&self, generation: u64, target: CodeReference) {
        let mut verified = self.verified();
        if generation < verified.generation {
            // Another thread has verified a code since. The card has forgotten this one.
            return;
        }
        if verified.generation != generation {
            *verified = Verified { generation, targets: 0 };
        }
        verified.targets |= target.bit();
    }

    fn forget(&self, target: CodeReference) {
        self.verified().targets &= !target.bit();
    }

    fn is_verified(&self, attachment: &Attachment, target: CodeReference) -> bool {
        let verified = self.verified();
        verified.generation == attachment.generation() && verified.targets & target.bit() != 0
    }

    /// The mutex is held for a moment only, never during a call to the card.
    fn verified(&self) -> MutexGuard<'_, Verified> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn code_result(status: StatusWord, tries: &mut Tries) -> Result<()> {
    *tries = status.tries();
    status.proves(Hresult::SCARD_W_WRONG_CHV)
}

/// Only a refusal of the class shows that the card has not examined a code. An unknown instruction does not: few
/// applications know all the instructions for codes.
fn recognise_sim(card: &mut Transaction, status: StatusWord) -> Result<bool> {
    Ok(status.0 >> 8 == 0x6E && selection::sim::recognise(card, status)?)
}

/// The command with the number of the code as the card uses it.
fn place<'a>(card: &Transaction, command: &Command<'a>) -> Command<'a> {
    if card.is_sim() { sim::place(command) } else { *command }
}

/// VERIFY without a code: the card answers whether the code was verified.
fn state(card: &mut Transaction, target: CodeReference) -> Result<StatusWord> {
    card.send(&Command::new(ins::VERIFY, 0, target.0), &mut Vec::new())
}

/// Undoes one verification. A card that ignores P1 takes the command for a question, and answers 9000 as well, so the
/// state is asked for afterwards.
fn unverify(card: &mut Transaction, target: CodeReference) -> Result<()> {
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

    /// A thread may stop between its verification and the note of it.
    #[test]
    fn an_old_verification_does_not_take_the_place_of_a_new_one() {
        let form = CodeForm::new(Encoding::Characters, None, FILLER, None, None).unwrap();
        let codes = GenericChVerification::new(form, Prompt { limit_s: 0, language: 0 });
        let noted = |generation, target: CodeReference| {
            codes.note(generation, target);
            let verified = codes.verified();
            (verified.generation, verified.targets)
        };
        assert_eq!(noted(2, CodeReference(1)), (2, CodeReference(1).bit()));
        assert_eq!(noted(1, CodeReference(3)), (2, CodeReference(1).bit()));
        assert_eq!(noted(3, CodeReference(3)), (3, CodeReference(3).bit()));
    }
}

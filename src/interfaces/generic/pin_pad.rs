//! Readers with a PIN pad: the reader asks the user for a code, and no program gets it (PC/SC part 10, 2.5, with the
//! fields of USB CCID).

use super::code::{CodeForm, Encoding};
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::transaction::Transaction;
use crate::iso7816::command::Command;
use crate::iso7816::status_word::StatusWord;
use crate::resource_manager::features::{self, PinProperties};

/// The longest code to ask for, if neither the form nor the reader has a limit.
const LONGEST_WITHOUT_LIMIT: usize = 15;
/// The longest block that the structures can describe.
const LONGEST_BLOCK: usize = 15;

/// bmFormatString: positions are in bytes, and the digits on the left.
const IN_BYTES: u8 = 0x80;
const BCD: u8 = 0x01;
const ASCII: u8 = 0x02;
/// bmFormatString, bmPINBlockString and bmPINLengthFormat of ISO 9564-1, format 2: the digits begin at the second byte
/// of the data, in a frame of seven bytes. Their number has four bits, from bit 4.
const ISO9564: (u8, u8, u8) = (IN_BYTES | 1 << 3 | BCD, 0x47, 0x04);

/// bEntryValidationCondition: the user presses the validation key.
const VALIDATION_KEY: u8 = 0x02;
/// bConfirmPIN: the reader asks for the new code twice; the reader asks for the current code.
const CONFIRM_NEW: u8 = 0x01;
const ASK_CURRENT: u8 = 0x02;
/// The messages of a reader (USB CCID): the prompts for a code, a new code, the new code again.
const ENTER: u8 = 0;
const ENTER_NEW: u8 = 1;
const CONFIRM: u8 = 2;

/// The prompt for the user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Prompt {
    /// In seconds; 0: the default of the reader.
    pub limit_s: u8,
    /// A language identifier of USB, such as 0x0409 for English.
    pub language: u16,
}

/// English (United States).
pub(crate) const ENGLISH: u16 = 0x0409;

impl Default for Prompt {
    fn default() -> Prompt {
        Prompt { limit_s: 0, language: ENGLISH }
    }
}

/// The codes that the reader asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Question {
    /// One code.
    Code,
    /// The current code, and a new one twice.
    CurrentAndNew,
}

/// Lets the reader ask the user for the codes, and send `command` with them. The answer is that of the card, or that of
/// the reader if it has not sent the command.
pub fn ask(
    card: &mut Transaction,
    form: &CodeForm,
    prompt: Prompt,
    question: Question,
    command: &Command,
) -> Result<StatusWord> {
    let feature = match question {
        Question::Code => features::VERIFY_PIN_DIRECT,
        Question::CurrentAndNew => features::MODIFY_PIN_DIRECT,
    };
    let code = card.feature(feature)?.ok_or(Hresult::SCARD_E_UNSUPPORTED_FEATURE)?;
    let properties = properties(card)?;
    let request = PinPadRequest { form, prompt, properties, command }.structure(question)?;
    let status = match card.control(code, &request) {
        Ok([sw1, sw2]) => Ok(StatusWord::new(*sw1, *sw2)),
        Ok(_) => Err(Hresult::SCARD_F_COMM_ERROR),
        Err(code) => Err(code),
    };
    // Only a status word is expected, but a reader may return more.
    card.wipe_response();
    status
}

/// The reason why the reader has not sent the command: its own status words (PC/SC part 10, 2.5.2).
pub fn refusal(status: StatusWord) -> Option<Hresult> {
    match status.0 {
        0x6400 => Some(Hresult::SCARD_E_TIMEOUT),
        0x6401 => Some(Hresult::SCARD_W_CANCELLED_BY_USER),
        0x6402 => Some(Hresult::SCARD_E_INVALID_VALUE),
        0x6403 => Some(Hresult::SCARD_E_INVALID_CHV),
        0x6B80 => Some(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
        _ => None,
    }
}

/// The properties that the reader reports, if it reports any. The list has more properties than the structure, but may
/// be incomplete.
fn properties(card: &mut Transaction) -> Result<PinProperties> {
    let list = reported(card, features::GET_TLV_PROPERTIES, PinProperties::of_list)?;
    if list.display.is_some() && list.ends_of_entry.is_some() {
        return Ok(list);
    }
    let structure = reported(card, features::IFD_PIN_PROPERTIES, PinProperties::of_structure)?;
    Ok(PinProperties {
        display: list.display.or(structure.display),
        ends_of_entry: list.ends_of_entry.or(structure.ends_of_entry),
        ..list
    })
}

fn reported(card: &mut Transaction, feature: u8, read: fn(&[u8]) -> PinProperties) -> Result<PinProperties> {
    let Some(code) = card.feature(feature)? else { return Ok(PinProperties::default()) };
    Ok(card.ask_reader(code)?.map(read).unwrap_or_default())
}

/// The input for a structure.
struct PinPadRequest<'a> {
    form: &'a CodeForm,
    prompt: Prompt,
    properties: PinProperties,
    /// Without data.
    command: &'a Command<'a>,
}

impl PinPadRequest<'_> {
    /// PIN_VERIFY or PIN_MODIFY. All numbers have their lowest byte first.
    fn structure(&self, question: Question) -> Result<Vec<u8>> {
        let apdu = self.apdu(question)?;
        let mut structure = Vec::new();
        structure.try_reserve_exact(24 + apdu.len())?;
        let (format, block, length_format) = self.formats()?;
        structure.extend_from_slice(&[self.prompt.limit_s, self.prompt.limit_s, format, block, length_format]);
        if question == Question::CurrentAndNew {
            // bInsertionOffsetOld and bInsertionOffsetNew. Without padding only the reader knows the second one.
            structure.extend_from_slice(&[0, self.form.block.unwrap_or_default() as u8]);
        }
        let (shortest, longest) = self.lengths()?;
        structure.extend_from_slice(&[longest, shortest]);
        let indices: &[u8] = match question {
            Question::Code => &[ENTER],
            Question::CurrentAndNew => &[ENTER, ENTER_NEW, CONFIRM],
        };
        if question == Question::CurrentAndNew {
            structure.push(CONFIRM_NEW | ASK_CURRENT);
        }
        // A reader without a display shows no message.
        let messages = if self.properties.display == Some(0) { 0 } else { indices.len() as u8 };
        structure.extend_from_slice(&[self.end_of_entry(), messages]);
        structure.extend_from_slice(&self.prompt.language.to_le_bytes());
        structure.extend_from_slice(indices);
        // bTeoPrologue: the driver fills it in.
        structure.extend_from_slice(&[0; 3]);
        structure.extend_from_slice(&(apdu.len() as u32).to_le_bytes());
        structure.extend_from_slice(&apdu);
        Ok(structure)
    }

    /// The command with empty blocks.
    fn apdu(&self, question: Question) -> Result<Vec<u8>> {
        let mut apdu = Vec::new();
        let blocks = if question == Question::Code { 1 } else { 2 };
        let length = blocks * self.form.block.unwrap_or_default();
        apdu.try_reserve_exact(5 + length)?;
        let Command { cla, ins, p1, p2, .. } = *self.command;
        apdu.extend_from_slice(&[cla, ins, p1, p2, length as u8]);
        (0..blocks).try_for_each(|_| self.form.push_blank(&mut apdu))?;
        Ok(apdu)
    }

    /// bmFormatString, bmPINBlockString, bmPINLengthFormat.
    fn formats(&self) -> Result<(u8, u8, u8)> {
        let block = self.form.block.unwrap_or_default();
        match self.form.encoding {
            _ if block > LONGEST_BLOCK => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
            Encoding::Characters => Ok((IN_BYTES | ASCII, block as u8, 0)),
            Encoding::Digits => Ok((IN_BYTES | BCD, block as u8, 0)),
            Encoding::Iso9564 => Ok(ISO9564),
        }
    }

    /// The shortest and the longest code: wPINMaxExtraDigit.
    fn lengths(&self) -> Result<(u8, u8)> {
        let (readers_least, readers_most) = (self.properties.shortest, self.properties.longest);
        let is_limited = self.form.block.is_some() || self.form.longest < super::code::MAX_CODE;
        let longest = match readers_most {
            Some(most) => self.form.longest.min(most.into()),
            None if is_limited => self.form.longest,
            None => LONGEST_WITHOUT_LIMIT.max(self.form.shortest),
        };
        let shortest = self.form.shortest.max(readers_least.unwrap_or_default().into());
        if shortest > longest {
            return Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE);
        }
        // Both are at most `MAX_CODE`.
        Ok((shortest as u8, longest as u8))
    }

    fn end_of_entry(&self) -> u8 {
        match self.properties.ends_of_entry {
            Some(ends) if ends != 0 && ends & VALIDATION_KEY == 0 => ends,
            _ => VALIDATION_KEY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interfaces::generic::code::FILLER;
    use crate::iso7816::command::ins;

    const PROMPT: Prompt = Prompt { limit_s: 30, language: 0x0409 };

    fn form(encoding: Encoding, block: Option<usize>, limits: Option<(usize, usize)>) -> CodeForm {
        CodeForm::new(encoding, block, FILLER, limits.map(|(least, _)| least), limits.map(|(_, most)| most)).unwrap()
    }

    fn structure(form: &CodeForm, properties: PinProperties, question: Question, command: &Command) -> Result<Vec<u8>> {
        PinPadRequest { form, prompt: PROMPT, properties, command }.structure(question)
    }

    fn verify(form: &CodeForm, properties: PinProperties) -> Result<Vec<u8>> {
        structure(form, properties, Question::Code, &Command::new(ins::VERIFY, 0, 0x81))
    }

    fn change(form: &CodeForm, properties: PinProperties) -> Result<Vec<u8>> {
        structure(form, properties, Question::CurrentAndNew, &Command::new(ins::CHANGE_REFERENCE_DATA, 0, 1))
    }

    #[test]
    fn characters_in_a_block() {
        let form = form(Encoding::Characters, Some(8), Some((4, 8)));
        #[rustfmt::skip]
        assert_eq!(verify(&form, PinProperties::default()).unwrap(), [
            30, 30, 0x82, 0x08, 0x00, 8, 4, 2, 1, 0x09, 0x04, 0, 0, 0, 0, 13, 0, 0, 0,
            0x00, 0x20, 0x00, 0x81, 8, 255, 255, 255, 255, 255, 255, 255, 255,
        ]);
        #[rustfmt::skip]
        assert_eq!(change(&form, PinProperties::default()).unwrap(), [
            30, 30, 0x82, 0x08, 0x00, 0, 8, 8, 4, 3, 2, 3, 0x09, 0x04, 0, 1, 2, 0, 0, 0, 21, 0, 0, 0,
            0x00, 0x24, 0x00, 0x01, 16, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        ]);
    }

    #[test]
    fn characters_without_padding() {
        let form = form(Encoding::Characters, None, None);
        #[rustfmt::skip]
        assert_eq!(verify(&form, PinProperties::default()).unwrap(), [
            30, 30, 0x82, 0x00, 0x00, 15, 1, 2, 1, 0x09, 0x04, 0, 0, 0, 0, 5, 0, 0, 0, 0x00, 0x20, 0x00, 0x81, 0,
        ]);
        #[rustfmt::skip]
        assert_eq!(change(&form, PinProperties::default()).unwrap(), [
            30, 30, 0x82, 0x00, 0x00, 0, 0, 15, 1, 3, 2, 3, 0x09, 0x04, 0, 1, 2, 0, 0, 0, 5, 0, 0, 0,
            0x00, 0x24, 0x00, 0x01, 0,
        ]);
    }

    #[test]
    fn digits_in_a_block() {
        let form = form(Encoding::Digits, Some(4), None);
        #[rustfmt::skip]
        assert_eq!(verify(&form, PinProperties::default()).unwrap(), [
            30, 30, 0x81, 0x04, 0x00, 8, 1, 2, 1, 0x09, 0x04, 0, 0, 0, 0, 9, 0, 0, 0,
            0x00, 0x20, 0x00, 0x81, 4, 255, 255, 255, 255,
        ]);
    }

    #[test]
    fn iso_9564_format_2() {
        let form = form(Encoding::Iso9564, None, None);
        #[rustfmt::skip]
        assert_eq!(verify(&form, PinProperties::default()).unwrap(), [
            30, 30, 0x89, 0x47, 0x04, 12, 4, 2, 1, 0x09, 0x04, 0, 0, 0, 0, 13, 0, 0, 0,
            0x00, 0x20, 0x00, 0x81, 8, 0x20, 255, 255, 255, 255, 255, 255, 255,
        ]);
        #[rustfmt::skip]
        assert_eq!(change(&form, PinProperties::default()).unwrap(), [
            30, 30, 0x89, 0x47, 0x04, 0, 8, 12, 4, 3, 2, 3, 0x09, 0x04, 0, 1, 2, 0, 0, 0, 21, 0, 0, 0,
            0x00, 0x24, 0x00, 0x01, 16,
            0x20, 255, 255, 255, 255, 255, 255, 255, 0x20, 255, 255, 255, 255, 255, 255, 255,
        ]);
    }

    #[test]
    fn the_limits_of_the_reader_count() {
        let form = form(Encoding::Characters, Some(12), Some((4, 12)));
        let reader = PinProperties { display: Some(0), ends_of_entry: Some(0x05), shortest: Some(6), longest: Some(8) };
        let structure = verify(&form, reader).unwrap();
        assert_eq!(&structure[5..9], [8, 6, 0x05, 0]);
        let reader = PinProperties { display: Some(0x0210), ends_of_entry: Some(0x07), ..PinProperties::default() };
        assert_eq!(&change(&form, reader).unwrap()[7..12], [12, 4, 3, 2, 3]);
        let short = PinProperties { longest: Some(3), ..PinProperties::default() };
        assert_eq!(verify(&form, short), Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE));
        let long = self::form(Encoding::Characters, Some(16), None);
        assert_eq!(verify(&long, PinProperties::default()), Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE));
    }

    #[test]
    fn each_refusal_of_the_reader_has_its_code() {
        let codes: Vec<_> = (0x6400..=0x6403).map(|word| refusal(StatusWord(word)).unwrap()).collect();
        let distinct: std::collections::HashSet<_> = codes.iter().collect();
        assert_eq!(distinct.len(), 4);
        assert_eq!((refusal(StatusWord(0x63C2)), refusal(StatusWord::OK)), (None, None));
    }
}

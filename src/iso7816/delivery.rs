//! Sends a command to a card and gets its response, in as many exchanges as this needs: command chaining and ENVELOPE
//! for the command, GET RESPONSE for the response, and one repetition with a corrected Le (ISO/IEC 7816-3, 12.2;
//! 7816-4, 5.3).

use super::class;
use super::command::{Command, CommandForm, EXTENDED_DATA, EXTENDED_RESPONSE, SHORT_DATA, SHORT_RESPONSE, ins};
use super::status_word::StatusWord;
use crate::abi::cause::{OfArgument, refuse};
use crate::abi::constants::Protocol;
use crate::abi::hresult::{Hresult, Result};

/// Sends one command APDU to the card, and receives its response.
pub trait Carrier {
    fn protocol(&self) -> Protocol;
    /// The response APDU: data and at least a status word.
    fn exchange(&mut self, apdu: &[u8]) -> Result<&[u8]>;
}

/// The limits of card and reader.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Command chaining.
    pub chaining: bool,
    pub extended: Option<Extended>,
}

/// Extended lengths, with the greatest length of data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extended {
    /// In a command; up to 65,535.
    pub data: usize,
    /// In a response; up to 65,536.
    pub response: usize,
}

/// How to get an answer that the card does not give at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fetching {
    /// The classes of GET RESPONSE, in the order in which they are tried; None: the rest of the answer stays on the
    /// card.
    pub classes: Option<[u8; 3]>,
    /// The greatest length that the card gives in one GET RESPONSE.
    pub most: usize,
    /// A command that was refused for its Le is sent again with the right one.
    pub corrects_le: bool,
    /// A SIM gives the right Le in 67XX (3GPP TS 51.011, 9.4.6); in other classes 67XX contains no length.
    pub takes_length_of_67xx: bool,
}

/// The result of a delivery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Delivered {
    pub status: StatusWord,
    /// The form of the command, if it was too long for a short one.
    pub form: Option<LongForm>,
    /// The card has refused the form before it did anything, and the command may be sent in another form.
    pub is_refused: bool,
    pub fetched: Fetched,
    /// The length that the card has given in one GET RESPONSE, after it has refused more.
    pub most: usize,
}

/// The result of GET RESPONSE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fetched {
    /// There was nothing to fetch.
    Nothing,
    /// The class in which the card has given its answer.
    In(u8),
    /// The card has refused each class.
    Refused,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LongForm {
    /// In several parts.
    Chained,
    /// In extended lengths, for its data or only for its Le.
    Command,
    Response,
}

/// How a command is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// In one APDU.
    Whole(CommandForm),
    /// In parts with so many bytes of data.
    Chained(usize, CommandForm),
    /// The extended APDU in parts, for T=0.
    Enveloped,
}

impl Command<'_> {
    /// Sends the command, and appends the data of its response to `answer`: everything that the card gives, even beyond
    /// Ne. If card and reader cannot carry the command, nothing is sent: `SCARD_E_UNSUPPORTED_FEATURE`.
    pub fn deliver(
        &self,
        carrier: &mut dyn Carrier,
        limits: &Limits,
        fetching: &Fetching,
        answer: &mut Vec<u8>,
    ) -> Result<Delivered> {
        let end = answer.len().checked_add(self.ne).ok_or_else(|| refuse("is too large")).of("expected")?;
        let most = limits.extended.map_or(SHORT_RESPONSE, |extended| extended.response);
        let (fetched, most_fetched) = (Fetched::Nothing, fetching.most);
        let mut delivery = Delivery { carrier, answer, end, most, fetching, fetched, most_fetched };
        if self.cla == class::READER {
            return delivery.ask_reader(self);
        }
        let way = self.way(delivery.carrier.protocol(), limits)?;
        let (status, has_begun) = match way {
            Way::Whole(form) => (delivery.whole(self, form)?, false),
            Way::Chained(size, form) => delivery.chain(self, size, form)?,
            Way::Enveloped => delivery.envelop(self)?,
        };
        let form = way.form(self);
        let is_refused = !has_begun && form.is_some_and(|form| self.may_be_reformed(status, form));
        let status = delivery.fetch(self, status)?;
        let Delivery { fetched, most_fetched: most, .. } = delivery;
        Ok(Delivered { status, form, is_refused, fetched, most })
    }

    fn way(&self, protocol: Protocol, limits: &Limits) -> Result<Way> {
        let (data, by_parts) = (self.data.len(), protocol == Protocol::T0);
        let chaining = limits.chaining && class::chained(self.cla).is_some();
        let is_short = data <= SHORT_DATA && self.ne <= SHORT_RESPONSE;
        match limits.extended {
            _ if is_short => Ok(Way::Whole(CommandForm::Short)),
            // There is room for more in the response, or in the command.
            Some(extended)
                if !by_parts && data <= extended.data && (data > SHORT_DATA || extended.response > SHORT_RESPONSE) =>
            {
                Ok(Way::Whole(CommandForm::Extended))
            }
            // The response comes in parts then.
            _ if data <= SHORT_DATA => Ok(Way::Whole(CommandForm::Short)),
            Some(extended) if !by_parts && chaining && extended.data > SHORT_DATA => {
                Ok(Way::Chained(extended.data, CommandForm::Extended))
            }
            _ if chaining => Ok(Way::Chained(SHORT_DATA, CommandForm::Short)),
            Some(extended) if by_parts && data <= extended.data => Ok(Way::Enveloped),
            _ => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
        }
    }

    /// Whether card and reader can carry the command.
    pub fn is_carried(&self, protocol: Protocol, limits: &Limits) -> bool {
        self.way(protocol, limits).is_ok()
    }

    /// Whether the command may be repeated with another Le. Not so a challenge that would be cut.
    fn may_be_repeated(&self, le: usize) -> bool {
        !ins::shows_proof(self.ins) && (self.ins != ins::GET_CHALLENGE || le <= self.ne)
    }

    /// Whether the command may be sent again in another form after this refusal. Not so a command that the card counts,
    /// or may count because only the card knows its effect. After 6F00 the card may have done something. After 6A80 it
    /// may have taken the first part of a chain for the whole command.
    fn may_be_reformed(&self, refusal: StatusWord, form: LongForm) -> bool {
        let is_refused = match refusal {
            StatusWord::NO_DIAGNOSIS => ins::may_be_done_twice(self.ins),
            StatusWord::WRONG_DATA => form == LongForm::Chained && ins::may_be_done_twice(self.ins),
            refusal => refusal.refuses_form(),
        };
        is_refused && !ins::shows_proof(self.ins) && class::is_known(self.cla, self.ins)
    }
}

impl Fetching {
    /// The default for a command.
    pub fn of(command: &Command, has_channel: bool) -> Fetching {
        let classes = Some(class::fetching(command.cla, command.ins, has_channel));
        Fetching { classes, most: SHORT_RESPONSE, corrects_le: true, takes_length_of_67xx: false }
    }

    /// The Le with which a refused command is to be sent again.
    fn right_le(&self, refusal: StatusWord) -> Option<usize> {
        let length = if self.takes_length_of_67xx { refusal.right_length() } else { None };
        refusal.exact_le().or(length).filter(|_| self.corrects_le)
    }
}

impl Way {
    fn form(self, command: &Command) -> Option<LongForm> {
        match self {
            Way::Whole(CommandForm::Short) => None,
            Way::Chained(_, CommandForm::Short) => Some(LongForm::Chained),
            Way::Whole(CommandForm::Extended) if command.data.len() <= SHORT_DATA => Some(LongForm::Response),
            // Shorter parts are another form of a command in long parts.
            Way::Whole(CommandForm::Extended) | Way::Chained(_, CommandForm::Extended) | Way::Enveloped => {
                Some(LongForm::Command)
            }
        }
    }
}

/// A delivery that is under way.
struct Delivery<'a> {
    carrier: &'a mut dyn Carrier,
    answer: &'a mut Vec<u8>,
    /// The wanted length of the answer.
    end: usize,
    /// The longest response of one exchange with extended lengths.
    most: usize,
    fetching: &'a Fetching,
    fetched: Fetched,
    /// The longest response to GET RESPONSE.
    most_fetched: usize,
}

impl Delivery<'_> {
    fn room(&self) -> usize {
        self.end.saturating_sub(self.answer.len())
    }

    /// One exchange. Data beyond Ne are kept, too: the card gives them only once.
    fn exchange(&mut self, command: &Command, form: CommandForm) -> Result<StatusWord> {
        let apdu = command.apdu(form)?;
        // The memory comes first: without it the response would be lost, and the card may execute the command once
        // only.
        self.answer.try_reserve(command.ne)?;
        let response = self.carrier.exchange(&apdu)?;
        let (data, [sw1, sw2]) = response.split_last_chunk().ok_or(Hresult::SCARD_F_COMM_ERROR)?;
        self.answer.try_reserve(data.len())?;
        self.answer.extend_from_slice(data);
        Ok(StatusWord::new(*sw1, *sw2))
    }

    /// A command for the reader itself is sent unchanged, and so is its response returned (PC/SC part 3, 3.2.2). Few
    /// readers understand extended lengths, so these are used only for long data.
    fn ask_reader(&mut self, command: &Command) -> Result<Delivered> {
        let form = if command.data.len() <= SHORT_DATA { CommandForm::Short } else { CommandForm::Extended };
        let status = self.exchange(command, form)?;
        Ok(Delivered { status, form: None, is_refused: false, fetched: Fetched::Nothing, most: self.most_fetched })
    }

    fn whole(&mut self, command: &Command, form: CommandForm) -> Result<StatusWord> {
        // In T=0 a command with data has no Le: its answer is fetched.
        let by_parts = self.carrier.protocol() == Protocol::T0;
        let sent = if by_parts && !command.data.is_empty() { 0 } else { command.ne.min(self.most) };
        let sent = command.expecting(sent);
        let begin = self.answer.len();
        let status = self.exchange(&sent, form)?;
        let Some(le) = self.fetching.right_le(status).filter(|_| sent.ne > 0) else {
            return Ok(status);
        };
        if !command.may_be_repeated(le) {
            return Ok(status);
        }
        // Data with a refusal are not an answer, nor are those of the repetition.
        self.answer.truncate(begin);
        let status = self.exchange(&sent.expecting(le), form)?;
        if self.fetching.right_le(status).is_some() {
            self.answer.truncate(begin);
        }
        Ok(status)
    }

    /// All parts but the last one have the bit for chaining. The last part is not repeated with another Le, because the
    /// card may have dropped the other parts. Returns also whether the card has accepted a part.
    fn chain(&mut self, command: &Command, size: usize, form: CommandForm) -> Result<(StatusWord, bool)> {
        let cla = class::chained(command.cla).ok_or(Hresult::SCARD_E_UNSUPPORTED_FEATURE)?;
        let part = Command { cla, ne: 0, ..*command };
        let (mut rest, mut has_begun) = (command.data, false);
        while let Some((data, more)) = rest.split_at_checked(size).filter(|(_, more)| !more.is_empty()) {
            if let Some(refusal) = self.part(&part.with_data(data), form)? {
                return Ok((refusal, has_begun));
            }
            (rest, has_begun) = (more, true);
        }
        let last = command.with_data(rest);
        let by_parts = self.carrier.protocol() == Protocol::T0;
        let is_long = form == CommandForm::Extended && (rest.len() > SHORT_DATA || last.ne > SHORT_RESPONSE);
        let form = if is_long { CommandForm::Extended } else { CommandForm::Short };
        let status = self.exchange(&last.expecting(if by_parts { 0 } else { last.ne.min(self.most) }), form)?;
        Ok((status, has_begun))
    }

    /// The extended APDU as the data of ENVELOPE commands; the last one is empty. A card that recognizes the end by the
    /// lengths may answer before it.
    fn envelop(&mut self, command: &Command) -> Result<(StatusWord, bool)> {
        let apdu = command.apdu(CommandForm::Extended)?;
        let envelope = Command { cla: class::interindustry(command.cla), ..Command::new(ins::ENVELOPE, 0, 0) };
        let mut parts = apdu.chunks(SHORT_DATA);
        let last = parts.next_back().unwrap_or_default();
        let mut has_begun = false;
        for part in parts {
            if let Some(refusal) = self.part(&envelope.with_data(part), CommandForm::Short)? {
                return Ok((refusal, has_begun));
            }
            has_begun = true;
        }
        let status = match self.exchange(&envelope.with_data(last), CommandForm::Short)? {
            StatusWord::OK => self.exchange(&envelope, CommandForm::Short)?,
            answered => answered,
        };
        Ok((status, has_begun))
    }

    /// One part, with others to follow. Its answer can contain neither data nor a warning (ISO/IEC 7816-4, 5.6). A card
    /// that answers more than a normal end has misunderstood the part, and the caller would take its answer for that to
    /// the whole command. Returns the status word of a card that refuses the part.
    fn part(&mut self, command: &Command, form: CommandForm) -> Result<Option<StatusWord>> {
        let before = self.answer.len();
        let status = self.exchange(command, form)?;
        self.answer.truncate(before);
        let cla = class::unchained(command.cla);
        match status {
            _ if status.is_normal_in(cla) => Ok(None),
            done if done.code_for(cla, command.ins).0 >= 0 => Err(Hresult::SCARD_F_COMM_ERROR),
            refusal => Ok(Some(refusal)),
        }
    }

    /// Fetches the rest of the answer, up to the wanted length. A card that promises more but gives nothing would never
    /// end.
    fn fetch(&mut self, command: &Command, mut status: StatusWord) -> Result<StatusWord> {
        let Some(classes) = self.fetching.classes else { return Ok(status) };
        while let Some(more) = status.more_in(command.cla).filter(|_| self.room() > 0) {
            let (before, wanted) = (self.answer.len(), more.min(self.room()));
            status = self.get_response(classes, wanted.min(self.most_fetched))?;
            let given = self.answer.len() - before;
            match status.more_in(command.cla) {
                Some(_) if given == 0 => return Err(Hresult::SCARD_F_COMM_ERROR),
                // It gives the rest neither in parts nor as a whole.
                None if status.is_done() && given < wanted && given == self.most_fetched => {
                    return Err(Hresult::SCARD_E_COMM_DATA_LOST);
                }
                _ => {}
            }
        }
        Ok(status)
    }

    /// GET RESPONSE in the class and with the length that the card accepts. If it refuses all, the first refusal is
    /// returned.
    fn get_response(&mut self, classes: [u8; 3], length: usize) -> Result<StatusWord> {
        let classes = match self.fetched {
            Fetched::In(cla) => [cla; 3],
            _ => classes,
        };
        let (begin, [first, others @ ..]) = (self.answer.len(), classes);
        let refusal = self.get_response_in(first, length)?;
        if !refusal.refuses_to_give() {
            return Ok(refusal);
        }
        // Data with the refusal are not an answer, if another answer follows.
        let end = self.answer.len();
        let (mut tried, mut known) = (first, Some(first).filter(|_| refusal.may_refuse_length()));
        let mut has_answer = refusal.leaves_answer();
        for cla in others {
            if cla == first || cla == tried {
                continue;
            }
            let status = self.get_response_in(cla, length)?;
            if !status.refuses_to_give() {
                self.answer.drain(begin..end);
                return Ok(status);
            }
            self.answer.truncate(end);
            known = known.or_else(|| Some(cla).filter(|_| status.may_refuse_length()));
            has_answer &= status.leaves_answer();
            tried = cla;
        }
        if let Some(cla) = known.filter(|_| has_answer) {
            if let Some(status) = self.get_less(cla, length)? {
                self.answer.drain(begin..end);
                return Ok(status);
            }
        }
        if !matches!(self.fetched, Fetched::In(_)) {
            self.fetched = Fetched::Refused;
        }
        Ok(refusal)
    }

    fn get_response_in(&mut self, cla: u8, length: usize) -> Result<StatusWord> {
        let command = Command { cla, ..Command::new(ins::GET_RESPONSE, 0, 0) }.expecting(length);
        let status = self.whole(&command, CommandForm::Short)?;
        if !status.refuses_to_give() {
            self.fetched = Fetched::In(cla);
        }
        Ok(status)
    }

    /// GET RESPONSE with half of the refused length, again and again. A given part cannot be fetched again, so the
    /// greatest accepted length is not searched for. None if the card gives nothing.
    fn get_less(&mut self, cla: u8, refused: usize) -> Result<Option<StatusWord>> {
        let begin = self.answer.len();
        let mut length = refused / 2;
        while length > 0 {
            let status = self.get_response_in(cla, length)?;
            if !status.refuses_to_give() {
                self.most_fetched = length;
                return Ok(Some(status));
            }
            self.answer.truncate(begin);
            if !status.may_refuse_length() {
                break;
            }
            length /= 2;
        }
        Ok(None)
    }
}

impl StatusWord {
    /// Whether a GET RESPONSE was refused. A wrong Le is not a refusal.
    fn refuses_to_give(self) -> bool {
        !self.is_done() && self.exact_le().is_none() && self.more_in(class::SIM).is_none()
    }

    /// Whether GET RESPONSE was refused for its class or its length, and not because there is nothing.
    fn leaves_answer(self) -> bool {
        self.may_refuse_length() || matches!(self.parts(), (0x68 | 0x6D | 0x6E, _))
    }

    /// Whether GET RESPONSE may have been refused for its length, and neither for its class nor because there is
    /// nothing.
    fn may_refuse_length(self) -> bool {
        matches!(self.parts(), (0x67 | 0x6B, _) | (0x6A, 0x80 | 0x86 | 0x87) | (0x6F, 0x00))
    }
}

/// The limits of a card and a reader that can carry everything.
pub(crate) const EVERYTHING: Extended = Extended { data: EXTENDED_DATA, response: EXTENDED_RESPONSE };

#[cfg(test)]
mod tests;

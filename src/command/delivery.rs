//! How a command gets to a card and its response back, in as many exchanges as that takes: chaining and ENVELOPE on the way
//! there, GET RESPONSE on the way back, one repetition with the right Le (ISO/IEC 7816-3, 12.2; 7816-4, 5.3).

use super::status_word::StatusWord;
use super::{class, ins, Command, Form, EXTENDED_DATA, SHORT_DATA, SHORT_RESPONSE};
use crate::hresult::{Hresult, Result};
use crate::type_library::Protocol;

/// What brings one command APDU to the card, and its response back.
pub trait Carrier {
    fn protocol(&self) -> Protocol;
    /// The response APDU: data and status word, at least that.
    fn exchange(&mut self, apdu: &[u8]) -> Result<&[u8]>;
}

/// What card and reader take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Command chaining.
    pub chaining: bool,
    pub extended: Option<Extended>,
}

/// Extended lengths, and how much data they may carry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extended {
    /// In a command; up to 65,535.
    pub data: usize,
    /// In a response; up to 65,536.
    pub response: usize,
}

/// Commands that a card counts: sent twice, a wrong code would be wrong twice.
const ONCE_ONLY: [u8; 13] = [
    ins::VERIFY,
    ins::VERIFY_ODD,
    ins::CHANGE_REFERENCE_DATA,
    ins::CHANGE_REFERENCE_DATA_ODD,
    ins::DISABLE_VERIFICATION,
    ins::ENABLE_VERIFICATION,
    ins::RESET_RETRY_COUNTER,
    ins::RESET_RETRY_COUNTER_ODD,
    ins::PERFORM_BIOMETRIC_OPERATION,
    ins::PERFORM_BIOMETRIC_OPERATION_ODD,
    ins::EXTERNAL_AUTHENTICATE,
    ins::GENERAL_AUTHENTICATE,
    ins::GENERAL_AUTHENTICATE_ODD,
];

/// How a command goes out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// In one APDU.
    Whole(Form),
    /// In parts of so many bytes of data.
    Chained(usize, Form),
    /// The extended APDU in parts, as T=0 wants it.
    Enveloped,
}

impl Command<'_> {
    /// Sends the command, puts the data of its response behind `answer`, and gives the status word. Nothing is sent where
    /// the command cannot be carried: `SCARD_E_UNSUPPORTED_FEATURE`.
    pub fn deliver(&self, carrier: &mut dyn Carrier, limits: &Limits, answer: &mut Vec<u8>) -> Result<StatusWord> {
        let end = answer.len().checked_add(self.ne).ok_or(Hresult::E_INVALIDARG)?;
        let most = limits.extended.map_or(SHORT_RESPONSE, |extended| extended.response);
        let mut delivery = Delivery { carrier, answer, end, most };
        let status = match self.way(delivery.carrier.protocol(), limits)? {
            Way::Whole(form) => delivery.whole(self, form)?,
            Way::Chained(size, form) => delivery.chain(self, size, form)?,
            Way::Enveloped => delivery.envelop(self)?,
        };
        delivery.fetch(self.cla, status)
    }

    fn way(&self, protocol: Protocol, limits: &Limits) -> Result<Way> {
        let (data, by_parts) = (self.data.len(), protocol == Protocol::T0);
        let chaining = limits.chaining && class::chained(self.cla).is_some();
        let is_short = data <= SHORT_DATA && self.ne <= SHORT_RESPONSE;
        match limits.extended {
            _ if is_short => Ok(Way::Whole(Form::Short)),
            Some(extended) if !by_parts && data <= extended.data => Ok(Way::Whole(Form::Extended)),
            // The response comes in parts then.
            _ if data <= SHORT_DATA => Ok(Way::Whole(Form::Short)),
            Some(extended) if !by_parts && chaining && extended.data > SHORT_DATA => {
                Ok(Way::Chained(extended.data, Form::Extended))
            }
            _ if chaining => Ok(Way::Chained(SHORT_DATA, Form::Short)),
            Some(extended) if by_parts && data <= extended.data => Ok(Way::Enveloped),
            _ => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
        }
    }

    /// Whether it may be sent again, because the card wants it with another Le. A challenge that would be cut is none.
    fn may_be_repeated(&self, le: usize) -> bool {
        !ONCE_ONLY.contains(&self.ins) && (self.ins != ins::GET_CHALLENGE || le <= self.ne)
    }
}

/// A delivery under way.
struct Delivery<'a> {
    carrier: &'a mut dyn Carrier,
    answer: &'a mut Vec<u8>,
    /// How long the answer may become.
    end: usize,
    /// The longest response of one exchange, where the lengths are extended.
    most: usize,
}

impl Delivery<'_> {
    fn room(&self) -> usize {
        self.end.saturating_sub(self.answer.len())
    }

    /// One exchange. What comes beyond Ne is not wanted.
    fn exchange(&mut self, command: &Command, form: Form) -> Result<StatusWord> {
        let apdu = command.apdu(form)?;
        let response = self.carrier.exchange(&apdu)?;
        let (data, [sw1, sw2]) = response.split_last_chunk().ok_or(Hresult::SCARD_F_COMM_ERROR)?;
        let room = self.end.saturating_sub(self.answer.len());
        let data = data.get(..room).unwrap_or(data);
        self.answer.try_reserve(data.len())?;
        self.answer.extend_from_slice(data);
        Ok(StatusWord::new(*sw1, *sw2))
    }

    fn whole(&mut self, command: &Command, form: Form) -> Result<StatusWord> {
        // A command with data and Le has no Le in T=0: what it answers is fetched.
        let by_parts = self.carrier.protocol() == Protocol::T0;
        let sent = if by_parts && !command.data.is_empty() { 0 } else { command.ne.min(self.most) };
        let sent = command.expecting(sent);
        let status = self.exchange(&sent, form)?;
        match status.exact_le() {
            Some(le) if sent.ne > 0 && command.may_be_repeated(le) => self.exchange(&sent.expecting(le), form),
            _ => Ok(status),
        }
    }

    /// All parts say that more follows, but for the last. The last one is not repeated with another Le: nobody knows whether
    /// the card still has the other parts.
    fn chain(&mut self, command: &Command, size: usize, form: Form) -> Result<StatusWord> {
        let cla = class::chained(command.cla).ok_or(Hresult::SCARD_E_UNSUPPORTED_FEATURE)?;
        let part = Command { cla, ne: 0, ..*command };
        let mut rest = command.data;
        while let Some((data, more)) = rest.split_at_checked(size).filter(|(_, more)| !more.is_empty()) {
            match self.part(&part.with_data(data), form)? {
                StatusWord::OK => rest = more,
                refused => return Ok(refused),
            }
        }
        let last = command.with_data(rest);
        let by_parts = self.carrier.protocol() == Protocol::T0;
        let is_long = form == Form::Extended && (rest.len() > SHORT_DATA || last.ne > SHORT_RESPONSE);
        let form = if is_long { Form::Extended } else { Form::Short };
        self.exchange(&last.expecting(if by_parts { 0 } else { last.ne.min(self.most) }), form)
    }

    /// The extended APDU as the data of ENVELOPE commands, of which an empty one is the last. A card that knows by the lengths
    /// that it has everything may answer before that.
    fn envelop(&mut self, command: &Command) -> Result<StatusWord> {
        let apdu = command.apdu(Form::Extended)?;
        let envelope = Command { cla: class::of_transport(command.cla), ..Command::new(ins::ENVELOPE, 0, 0) };
        let mut parts = apdu.chunks(SHORT_DATA);
        let last = parts.next_back().unwrap_or_default();
        for part in parts {
            match self.part(&envelope.with_data(part), Form::Short)? {
                StatusWord::OK => {}
                refused => return Ok(refused),
            }
        }
        match self.exchange(&envelope.with_data(last), Form::Short)? {
            StatusWord::OK => self.exchange(&envelope, Form::Short),
            answered => Ok(answered),
        }
    }

    /// One part, behind which others follow: data have no place in its answer, nor has a warning (ISO/IEC 7816-4, 5.6). A card
    /// that says more than that it is content has not understood, and the caller would take its word for that on the whole.
    fn part(&mut self, command: &Command, form: Form) -> Result<StatusWord> {
        let before = self.answer.len();
        let status = self.exchange(command, form)?;
        self.answer.truncate(before);
        match status {
            StatusWord::OK => Ok(status),
            done if done.code().0 >= 0 => Err(Hresult::SCARD_F_COMM_ERROR),
            refused => Ok(refused),
        }
    }

    /// What the card keeps ready, as far as it is wanted. A card that promises more and gives nothing has no end.
    fn fetch(&mut self, cla: u8, mut status: StatusWord) -> Result<StatusWord> {
        let get_response = Command { cla: class::of_transport(cla), ..Command::new(ins::GET_RESPONSE, 0, 0) };
        while let Some(more) = status.more().filter(|_| self.room() > 0) {
            let before = self.answer.len();
            status = self.whole(&get_response.expecting(more.min(self.room())), Form::Short)?;
            if status.more().is_some() && self.answer.len() == before {
                return Err(Hresult::SCARD_F_COMM_ERROR);
            }
        }
        Ok(status)
    }
}

/// The limits of a card and a reader that take everything.
pub(crate) const EVERYTHING: Extended = Extended { data: EXTENDED_DATA, response: super::EXTENDED_RESPONSE };

#[cfg(test)]
mod tests;

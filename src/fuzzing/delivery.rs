//! The delivery of a command to a card that answers with any bytes.

use crate::abi::constants::Protocol;
use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::class;
use crate::iso7816::command::{Command, EXTENDED_DATA, SHORT_DATA, SHORT_RESPONSE};
use crate::iso7816::delivery::{Carrier, Extended, Fetching, Limits};

/// VERIFY, and a command without a secret.
const INSTRUCTIONS: [u8; 2] = [0x20, 0xCA];

/// Answers with the parts of the bytes, each with its length before it. Fails when they are used up.
struct AnyCard<'a> {
    protocol: Protocol,
    limits: Limits,
    ins: u8,
    answers: &'a [u8],
    exchanges: usize,
    /// How often the last part, or the whole command, was received.
    ends: usize,
}

impl Carrier for AnyCard<'_> {
    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn exchange(&mut self, apdu: &[u8]) -> Result<&[u8]> {
        self.check(apdu);
        let (length, rest) = self.answers.split_first().ok_or(Hresult::SCARD_W_REMOVED_CARD)?;
        let (answer, rest) = rest.split_at_checked((*length).into()).ok_or(Hresult::SCARD_W_REMOVED_CARD)?;
        self.answers = rest;
        Ok(answer)
    }
}

impl AnyCard<'_> {
    fn check(&mut self, apdu: &[u8]) {
        self.exchanges += 1;
        let [cla, ins, _, _, body @ ..] = apdu else { panic!("no command: {apdu:02X?}") };
        if *ins == self.ins && cla & 0x10 == 0 {
            self.ends += 1;
        }
        assert!(self.ends <= 2 && (*ins != 0x20 || self.ends <= 1), "sent too often: {apdu:02X?}");
        let is_extended = body.len() > 2 && body.first() == Some(&0);
        let (data, expected) = lengths(body);
        let most = self.limits.extended.filter(|_| is_extended);
        let most = most.unwrap_or(Extended { data: SHORT_DATA, response: SHORT_RESPONSE });
        assert!(!is_extended || self.protocol == Protocol::T1 && self.limits.extended.is_some());
        // The right Le that the card has reported.
        assert!(data <= most.data && expected <= most.response.max(SHORT_RESPONSE), "{apdu:02X?}");
        assert!(self.protocol == Protocol::T1 || data == 0 || expected == 0, "data and Le with T=0: {apdu:02X?}");
    }
}

/// Nc and Ne from the bytes after the header of a command APDU, which has one of the seven forms.
fn lengths(body: &[u8]) -> (usize, usize) {
    let ne = |le: usize, most: usize| if le == 0 { most } else { le };
    match *body {
        [] => (0, 0),
        [le] => (0, ne(le.into(), 0x100)),
        [0, high, low] => (0, ne(u16::from_be_bytes([high, low]).into(), 0x1_0000)),
        [0, high, low, ref rest @ ..] => {
            let nc = usize::from(u16::from_be_bytes([high, low]));
            match rest.get(nc..) {
                Some([]) => (nc, 0),
                Some([high, low]) => (nc, ne(u16::from_be_bytes([*high, *low]).into(), 0x1_0000)),
                _ => panic!("no extended command: {body:02X?}"),
            }
        }
        [nc, ref rest @ ..] => match rest.get(nc.into()..) {
            Some([]) => (nc.into(), 0),
            Some([le]) => (nc.into(), ne((*le).into(), 0x100)),
            _ => panic!("no short command: {body:02X?}"),
        },
    }
}

/// Flags, the class, the lengths of the command's data and of its answer, and then the answers of the card.
pub fn response(bytes: &[u8]) {
    let Some(([flags, cla, data_high, data_low, ne_high, ne_low], answers)) = bytes.split_first_chunk() else { return };
    let extended = match flags >> 3 & 0x03 {
        0 => None,
        1 => Some(Extended { data: SHORT_DATA, response: 400 }),
        2 => Some(Extended { data: 300, response: SHORT_RESPONSE }),
        _ => Some(crate::iso7816::delivery::EVERYTHING),
    };
    let limits = Limits { chaining: flags & 0x02 != 0, extended };
    let protocol = if flags & 0x01 == 0 { Protocol::T0 } else { Protocol::T1 };
    let ins = if flags & 0x04 == 0 { INSTRUCTIONS[0] } else { INSTRUCTIONS[1] };
    // A class of the caller with the bit for chaining would look like a part of a chain.
    let cla = cla & !0x10;
    let ne = usize::from(u16::from_be_bytes([*ne_high, *ne_low])) + usize::from(flags >> 5 & 1);
    let data = vec![0; usize::from(u16::from_be_bytes([*data_high, *data_low])).min(EXTENDED_DATA)];
    let mut card = AnyCard { protocol, limits, ins, answers, exchanges: 0, ends: 0 };
    let command = Command { cla, ins, p1: 0, p2: 1, data: &data, ne };
    let mut answer = vec![1, 2, 3];
    let fetching = Fetching { takes_length_of_67xx: cla == class::SIM, ..Fetching::of(&command, false) };
    let sent = command.deliver(&mut card, &limits, &fetching, &mut answer);
    // More than the wanted length comes only with the last exchange, or with both ends of an envelope.
    assert!(answer.starts_with(&[1, 2, 3]) && answer.len() <= 3 + ne + 2 * usize::from(u8::MAX));
    // Each part of the data, each byte of the answer, a correction for each of these, and another class for the first.
    let most = data.len().div_ceil(SHORT_DATA) + 3 + 2 * (ne + 1) + 2;
    assert!(card.exchanges <= most, "{} exchanges", card.exchanges);
    assert!(sent != Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE) || card.exchanges == 0);
    assert!(sent != Err(Hresult::E_INVALIDARG));
}

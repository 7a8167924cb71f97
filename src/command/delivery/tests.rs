//! Every case of a command, with T=0 and T=1, against a card that follows a script.

use super::*;

/// Answers each command of the script with what the script says, and accepts no other.
struct Script<'a> {
    protocol: Protocol,
    lines: std::slice::Iter<'a, (&'a str, &'a str)>,
    response: Vec<u8>,
}

impl Carrier for Script<'_> {
    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn exchange(&mut self, apdu: &[u8]) -> Result<&[u8]> {
        let (command, response) = self.lines.next().unwrap_or_else(|| panic!("{apdu:02X?} is not in the script"));
        assert_eq!(bytes(command), apdu);
        self.response = bytes(response);
        Ok(&self.response)
    }
}

/// Hexadecimal digits with white space; `AA*300` is a byte many times.
fn bytes(text: &str) -> Vec<u8> {
    let mut all = Vec::new();
    for word in text.split_whitespace() {
        let (digits, times) =
            word.split_once('*').map_or((word, 1), |(digits, times)| (digits, times.parse().unwrap()));
        let bytes = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
        all.extend(bytes.collect::<Vec<_>>().repeat(times));
    }
    all
}

const SHORT: Limits = Limits { chaining: true, extended: None };
const LONG: Limits = Limits { chaining: true, extended: Some(EVERYTHING) };

#[track_caller]
fn play(protocol: Protocol, limits: Limits, command: Command, script: &[(&str, &str)]) -> (Vec<u8>, u16) {
    let mut card = Script { protocol, lines: script.iter(), response: Vec::new() };
    let mut answer = Vec::new();
    let status = command.deliver(&mut card, &limits, &mut answer).unwrap();
    assert_eq!(card.lines.len(), 0, "not all of the script was asked for");
    (answer, status.0)
}

#[test]
fn a_response_is_fetched_with_t_0() {
    let select = Command::new(0xA4, 4, 0).with_data(&[1, 2]).expecting(256);
    let script = [("00A40400 02 0102", "6103"), ("00C00000 03", "0A0B0C 9000")];
    assert_eq!(play(Protocol::T0, SHORT, select, &script), (vec![10, 11, 12], 0x9000));
}

#[test]
fn a_long_command_is_extended_with_t_1() {
    let update = Command::new(0xD6, 0, 0).with_data(&[5; 300]);
    assert_eq!(play(Protocol::T1, LONG, update, &[("00D60000 00012C 05*300", "9000")]).1, 0x9000);
}

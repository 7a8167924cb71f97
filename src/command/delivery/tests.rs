//! Every case of a command, with T=0 and T=1 and every kind of limits, against a card that follows a script.

mod table;
mod with_a_card;

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
const SMALL: Limits = Limits { chaining: true, extended: Some(Extended { data: 300, response: 400 }) };
/// The same without chaining.
const SHORT_ONLY: Limits = Limits { chaining: false, extended: None };
const LONG_ONLY: Limits = Limits { chaining: false, extended: Some(EVERYTHING) };
const SMALL_ONLY: Limits = Limits { chaining: false, extended: Some(Extended { data: 300, response: 400 }) };
const ALL_LIMITS: [Limits; 6] = [SHORT, LONG, SMALL, SHORT_ONLY, LONG_ONLY, SMALL_ONLY];
const BOTH: [Protocol; 2] = [Protocol::T0, Protocol::T1];

/// Delivers `command` to a card that follows `script` to its end.
#[track_caller]
fn deliver(protocol: Protocol, limits: Limits, command: Command, script: &[(&str, &str)]) -> Result<(Vec<u8>, u16)> {
    let mut card = Script { protocol, lines: script.iter(), response: Vec::new() };
    let mut answer = Vec::new();
    let status = command.deliver(&mut card, &limits, &mut answer);
    assert_eq!(card.lines.len(), 0, "not all of the script was asked for");
    Ok((answer, status?.0))
}

#[track_caller]
fn play(protocol: Protocol, limits: Limits, command: Command, script: &[(&str, &str)]) -> (Vec<u8>, u16) {
    deliver(protocol, limits, command, script).unwrap()
}

const GET_DATA: Command = Command { cla: 0, ins: 0xCA, p1: 1, p2: 2, data: &[], ne: 0 };

#[test]
fn a_response_comes_in_as_many_parts_as_the_card_likes() {
    for protocol in BOTH {
        let script = [
            ("00CA010200", "07*256 6100"),
            ("00C0000000", "07*256 6100"),
            ("00C0000000", "07*256 6103"),
            ("00C0000003", "07*3 9000"),
        ];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(65_536), &script), (vec![7; 771], 0x9000));
        let script = [("00CA010200", "07*10 6101"), ("00C0000001", "07 6102"), ("00C0000002", "07 07 6282")];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(256), &script), (vec![7; 13], 0x6282));
    }
}

#[test]
fn no_more_is_fetched_than_is_expected() {
    for protocol in BOTH {
        let script = [("00CA01020A", "07*10 6120")];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(10), &script), (vec![7; 10], 0x6120));
        let script = [("00CA010200", "07*256 6100"), ("00C0000004", "07*4 61FC")];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(260), &script), (vec![7; 260], 0x61FC));
        assert_eq!(play(protocol, SHORT, GET_DATA, &[("00CA0102", "6105")]), (vec![], 0x6105));
        let update = GET_DATA.with_data(&[5]);
        assert_eq!(play(protocol, SHORT, update, &[("00CA0102 01 05", "6105")]), (vec![], 0x6105));
    }
}

#[test]
fn a_card_that_gives_more_than_was_expected_is_cut_short() {
    for protocol in BOTH {
        let script = [("00CA010205", "07*9 9000")];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(5), &script), (vec![7; 5], 0x9000));
        assert_eq!(play(protocol, SHORT, GET_DATA, &[("00CA0102", "07*9 9000")]), (vec![], 0x9000));
        let script = [("00CA010209", "07*4 6105"), ("00C0000005", "07*200 9000")];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(9), &script), (vec![7; 9], 0x9000));
    }
}

#[test]
fn a_wrong_le_is_corrected_once() {
    for protocol in BOTH {
        let script = [("00CA010200", "6C09"), ("00CA010209", "07*9 9000")];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(256), &script), (vec![7; 9], 0x9000));
        let script = [("00CA010205", "6C09"), ("00CA010209", "07*9 9000")];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(5), &script), (vec![7; 5], 0x9000));
        let script = [("00CA010205", "6C00"), ("00CA010200", "07*256 9000")];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(5), &script), (vec![7; 5], 0x9000));
        let script = [("00CA010200", "6C09"), ("00CA010209", "6C08")];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(256), &script), (vec![], 0x6C08));
        // There is no Le to correct.
        assert_eq!(play(protocol, SHORT, GET_DATA, &[("00CA0102", "6C09")]), (vec![], 0x6C09));
        let put = GET_DATA.with_data(&[5]);
        assert_eq!(play(protocol, SHORT, put, &[("00CA0102 01 05", "6C09")]), (vec![], 0x6C09));
    }
}

#[test]
fn a_corrected_command_is_as_long_as_before() {
    let command = GET_DATA.with_data(&[5; 300]).expecting(65_536);
    let script = [("00CA0102 00012C 05*300 0000", "6C09"), ("00CA0102 00012C 05*300 0009", "07*9 9000")];
    assert_eq!(play(Protocol::T1, LONG, command, &script), (vec![7; 9], 0x9000));
    let script = [("00CA0102 00 0000", "6C00"), ("00CA0102 00 0100", "07*256 9000")];
    assert_eq!(play(Protocol::T1, LONG, GET_DATA.expecting(65_536), &script), (vec![7; 256], 0x9000));
}

#[test]
fn a_wrong_le_of_get_response_is_corrected_too() {
    for protocol in BOTH {
        let script = [("00CA010200", "6109"), ("00C0000009", "6C07"), ("00C0000007", "07*7 9000")];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(256), &script), (vec![7; 7], 0x9000));
        let script = [("00CA010204", "6109"), ("00C0000004", "6C09"), ("00C0000009", "07*9 9000")];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(4), &script), (vec![7; 4], 0x9000));
        let script = [("00CA010200", "6109"), ("00C0000009", "6C07"), ("00C0000007", "6C06")];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(256), &script), (vec![], 0x6C06));
        // The command that was corrected has an answer in parts, of which one is corrected.
        let script = [
            ("00CA010200", "6C20"),
            ("00CA010220", "6120"),
            ("00C0000020", "6C10"),
            ("00C0000010", "07*16 6110"),
            ("00C0000010", "07*16 9000"),
        ];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(256), &script), (vec![7; 32], 0x9000));
    }
}

#[test]
fn what_a_card_counts_is_never_sent_twice() {
    for ins in [0x20, 0x21, 0x24, 0x25, 0x26, 0x28, 0x2C, 0x2D, 0x2E, 0x2F, 0x82, 0x86, 0x87] {
        let header = format!("00{ins:02X}0081");
        let command = Command::new(ins, 0, 0x81);
        let (short, extended) = (format!("{header} 10"), format!("{header} 000001 05 0200"));
        for protocol in BOTH {
            let script = [(short.as_str(), "6C05")];
            assert_eq!(play(protocol, LONG, command.expecting(16), &script), (vec![], 0x6C05));
        }
        let script = [(extended.as_str(), "6C05")];
        assert_eq!(play(Protocol::T1, LONG, command.with_data(&[5]).expecting(512), &script), (vec![], 0x6C05));
    }
}

#[test]
fn what_such_a_command_answers_is_fetched() {
    let authenticate = Command::new(0x86, 0, 0).with_data(&[5]).expecting(256);
    let script = [("00860000 01 05", "6109"), ("00C0000009", "6C04"), ("00C0000004", "07*4 9000")];
    assert_eq!(play(Protocol::T0, SHORT, authenticate, &script), (vec![7; 4], 0x9000));
}

#[test]
fn a_warning_comes_with_its_data() {
    for word in ["6281", "6282", "6283", "6300", "63C2"] {
        let sw = u16::from_str_radix(word, 16).unwrap();
        for protocol in BOTH {
            let response = format!("07*9 {word}");
            assert_eq!(play(protocol, SHORT, GET_DATA.expecting(256), &[("00CA010200", &response)]), (vec![7; 9], sw));
            let script = [("00CA010200", "6109"), ("00C0000009", response.as_str())];
            assert_eq!(play(protocol, SHORT, GET_DATA.expecting(256), &script), (vec![7; 9], sw));
        }
    }
}

/// With T=0 there may have been data that nobody asked for: a card that has some says 61XX.
#[test]
fn a_content_card_without_data_has_none() {
    let select = GET_DATA.with_data(&[5]).expecting(256);
    assert_eq!(play(Protocol::T0, SHORT, select, &[("00CA0102 01 05", "9000")]), (vec![], 0x9000));
}

#[test]
fn an_error_ends_a_chain() {
    let data = [5; 600];
    let command = GET_DATA.with_data(&data).expecting(256);
    for protocol in BOTH {
        for (word, sw) in [("6884", 0x6884), ("6A84", 0x6A84), ("63C1", 0x63C1), ("6983", 0x6983), ("6C09", 0x6C09)] {
            let script = [("10CA0102 FF 05*255", "9000"), ("10CA0102 FF 05*255", word)];
            assert_eq!(play(protocol, SHORT, command, &script), (vec![], sw));
        }
    }
    let script = [("00C20000 FF 00CA0102 000258 05*248", "9000"), ("00C20000 FF 05*255", "6A84")];
    assert_eq!(play(Protocol::T0, LONG_ONLY, command, &script), (vec![], 0x6A84));
}

/// What would be a success is none, where the command has not come to its end.
#[test]
fn a_success_in_the_middle_of_a_chain_is_a_failure() {
    let data = [5; 600];
    let command = GET_DATA.with_data(&data).expecting(256);
    for word in ["6105", "6283", "63F1", "07*5 6105"] {
        for protocol in BOTH {
            let script = [("10CA0102 FF 05*255", word)];
            assert_eq!(deliver(protocol, SHORT, command, &script), Err(Hresult::SCARD_F_COMM_ERROR));
        }
        let script = [("00C20000 FF 00CA0102 000258 05*248", word)];
        assert_eq!(deliver(Protocol::T0, LONG_ONLY, command, &script), Err(Hresult::SCARD_F_COMM_ERROR));
    }
}

#[test]
fn data_in_the_middle_of_a_chain_are_no_answer() {
    let data = [5; 256];
    let script = [("10CA0102 FF 05*255", "09*3 9000"), ("00CA0102 01 05 00", "07*4 9000")];
    assert_eq!(play(Protocol::T1, SHORT, GET_DATA.with_data(&data).expecting(256), &script), (vec![7; 4], 0x9000));
}

#[test]
fn the_end_of_a_chain_is_not_repeated() {
    let data = [5; 256];
    let script = [("10CA0102 FF 05*255", "9000"), ("00CA0102 01 05 09", "6C04")];
    assert_eq!(play(Protocol::T1, SHORT, GET_DATA.with_data(&data).expecting(9), &script), (vec![], 0x6C04));
}

#[test]
fn an_envelope_may_be_answered_when_it_is_complete() {
    let data = [5; 300];
    let command = GET_DATA.with_data(&data).expecting(256);
    let script = [
        ("00C20000 FF 00CA0102 00012C 05*248", "9000"),
        ("00C20000 36 05*52 0100", "6109"),
        ("00C0000009", "07*9 9000"),
    ];
    assert_eq!(play(Protocol::T0, LONG_ONLY, command, &script), (vec![7; 9], 0x9000));
}

#[test]
fn all_exchanges_of_a_command_are_on_its_channel() {
    for (cla, chained, fetching) in [
        (0x02, "12", "02"),
        (0x0E, "1E", "02"),
        (0x43, "53", "43"),
        (0x4F, "5F", "4F"),
        (0x80, "90", "00"),
        (0x83, "93", "03"),
        (0xC2, "D2", "42"),
    ] {
        let data = [5; 256];
        let command = Command { cla, ..GET_DATA.with_data(&data).expecting(256) };
        let first = format!("{chained} CA0102 FF 05*255");
        let last = format!("{cla:02X} CA0102 01 05");
        let fetch = format!("{fetching} C0000004");
        let script = [(first.as_str(), "9000"), (last.as_str(), "6104"), (fetch.as_str(), "07*4 9000")];
        assert_eq!(play(Protocol::T0, SHORT, command, &script), (vec![7; 4], 0x9000), "{cla:02X}");
        let envelope = format!("{fetching} C20000 FF {cla:02X} CA0102 000100 05*248");
        let rest = format!("{fetching} C20000 0A 05*8 0100");
        let end = format!("{fetching} C20000");
        let script = [
            (envelope.as_str(), "9000"),
            (rest.as_str(), "9000"),
            (end.as_str(), "6104"),
            (fetch.as_str(), "07*4 9000"),
        ];
        assert_eq!(play(Protocol::T0, LONG_ONLY, command, &script), (vec![7; 4], 0x9000), "{cla:02X}");
    }
}

#[test]
fn a_class_without_the_bit_is_not_chained() {
    for (cla, fetching) in [(0xF0, "00"), (0x90, "00"), (0xA0, "A0"), (0x10, "00")] {
        let data = [5; 256];
        let command = Command { cla, ..GET_DATA.with_data(&data) };
        for protocol in BOTH {
            assert_eq!(deliver(protocol, SHORT, command, &[]), Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE));
        }
        let whole = format!("{cla:02X} CA0102 000100 05*256");
        assert_eq!(play(Protocol::T1, LONG, command, &[(&whole, "9000")]).1, 0x9000);
        let first = format!("{fetching} C20000 FF {cla:02X} CA0102 000100 05*248");
        let rest = format!("{fetching} C20000 08 05*8");
        let end = format!("{fetching} C20000");
        let script = [(first.as_str(), "9000"), (rest.as_str(), "9000"), (end.as_str(), "9000")];
        assert_eq!(play(Protocol::T0, LONG, command, &script).1, 0x9000);
    }
}

/// A card that promises more for ever, and gives so much each time.
struct Endless {
    given: usize,
    exchanges: usize,
}

impl Carrier for Endless {
    fn protocol(&self) -> Protocol {
        Protocol::T0
    }

    fn exchange(&mut self, _: &[u8]) -> Result<&[u8]> {
        const RESPONSES: [&[u8]; 2] = [&[0x61, 0x00], &[7, 0x61, 0x00]];
        self.exchanges += 1;
        Ok(RESPONSES[self.given])
    }
}

#[test]
fn a_card_that_promises_more_for_ever_comes_to_an_end() {
    let mut card = Endless { given: 0, exchanges: 0 };
    let delivered = GET_DATA.expecting(65_536).deliver(&mut card, &SHORT, &mut Vec::new());
    assert_eq!((delivered, card.exchanges), (Err(Hresult::SCARD_F_COMM_ERROR), 2));
    let (mut card, mut answer) = (Endless { given: 1, exchanges: 0 }, Vec::new());
    let delivered = GET_DATA.expecting(1000).deliver(&mut card, &SHORT, &mut answer);
    assert_eq!((delivered, card.exchanges, answer.len()), (Ok(StatusWord(0x6100)), 1000, 1000));
}

#[test]
fn fewer_than_two_bytes_are_no_response() {
    let data = [5; 600];
    for response in ["", "90"] {
        let gives_up = |protocol, limits, command, script: &[(&str, &str)]| {
            assert_eq!(deliver(protocol, limits, command, script), Err(Hresult::SCARD_F_COMM_ERROR));
        };
        for protocol in BOTH {
            gives_up(protocol, SHORT, GET_DATA, &[("00CA0102", response)]);
            let script = [("00CA010200", "6105"), ("00C0000005", response)];
            gives_up(protocol, SHORT, GET_DATA.expecting(256), &script);
            let script = [("00CA010200", "6C05"), ("00CA010205", response)];
            gives_up(protocol, SHORT, GET_DATA.expecting(256), &script);
            gives_up(protocol, SHORT, GET_DATA.with_data(&data), &[("10CA0102 FF 05*255", response)]);
        }
        let script = [("00C20000 FF 00CA0102 000258 05*248", response)];
        gives_up(Protocol::T0, LONG_ONLY, GET_DATA.with_data(&data), &script);
    }
}

/// Fails at one of the exchanges.
struct Broken(usize);

impl Carrier for Broken {
    fn protocol(&self) -> Protocol {
        Protocol::T1
    }

    fn exchange(&mut self, _: &[u8]) -> Result<&[u8]> {
        self.0 = self.0.checked_sub(1).ok_or(Hresult::SCARD_W_REMOVED_CARD)?;
        Ok(&[0x90, 0x00])
    }
}

#[test]
fn an_exchange_that_fails_is_the_last_one() {
    for before in 0..3 {
        let delivered = GET_DATA.with_data(&[5; 600]).deliver(&mut Broken(before), &SHORT, &mut Vec::new());
        assert_eq!(delivered, Err(Hresult::SCARD_W_REMOVED_CARD));
    }
    let delivered = GET_DATA.with_data(&[5; 600]).deliver(&mut Broken(3), &SHORT, &mut Vec::new());
    assert_eq!(delivered, Ok(StatusWord::OK));
}

#[test]
fn what_was_in_the_answer_before_stays_and_does_not_count() {
    let mut card = Script { protocol: Protocol::T1, lines: [("00CA010204", "07*9 9000")].iter(), response: vec![] };
    let mut answer = vec![1, 2, 3];
    GET_DATA.expecting(4).deliver(&mut card, &SHORT, &mut answer).unwrap();
    assert_eq!(answer, [1, 2, 3, 7, 7, 7, 7]);
}

#[test]
fn a_challenge_is_not_cut() {
    let challenge = Command::new(ins::GET_CHALLENGE, 0, 0).expecting(8);
    assert_eq!(play(Protocol::T1, SHORT, challenge, &[("00840000 08", "6C10")]), (vec![], 0x6C10));
    let script = [("00840000 08", "6C04"), ("00840000 04", "01020304 9000")];
    assert_eq!(play(Protocol::T1, SHORT, challenge, &script), (vec![1, 2, 3, 4], 0x9000));
}

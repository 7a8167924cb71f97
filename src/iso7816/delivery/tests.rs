//! All cases of a command, with T=0 and T=1 and all limits, against a card that follows a script.

mod any_card;
mod table;
mod with_a_card;

use super::*;

/// Answers each command as the script says, and accepts no other command.
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

/// Hexadecimal digits with white space; `AA*300` repeats a byte.
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

/// Sends `command` to a card that follows `script` to its end. Returns the whole result.
#[track_caller]
fn deliver_as(
    protocol: Protocol,
    limits: Limits,
    fetching: Fetching,
    command: Command,
    script: &[(&str, &str)],
) -> Result<(Vec<u8>, Delivered)> {
    let mut card = Script { protocol, lines: script.iter(), response: Vec::new() };
    let mut answer = Vec::new();
    let delivered = command.deliver(&mut card, &limits, &fetching, &mut answer);
    assert_eq!(card.lines.len(), 0, "not all of the script was asked for");
    Ok((answer, delivered?))
}

/// The same with the default options.
#[track_caller]
fn deliver(protocol: Protocol, limits: Limits, command: Command, script: &[(&str, &str)]) -> Result<(Vec<u8>, u16)> {
    let delivered = deliver_as(protocol, limits, Fetching::of(&command, false), command, script);
    delivered.map(|(answer, delivered)| (answer, delivered.status.0))
}

#[track_caller]
fn play(protocol: Protocol, limits: Limits, command: Command, script: &[(&str, &str)]) -> (Vec<u8>, u16) {
    deliver(protocol, limits, command, script).unwrap()
}

const GET_DATA: Command = Command { cla: 0, ins: 0xCA, p1: 1, p2: 2, data: &[], ne: 0 };

#[test]
fn a_response_may_come_in_many_parts() {
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
fn data_beyond_the_expected_length_are_kept() {
    for protocol in BOTH {
        let script = [("00CA010205", "07*9 9000")];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(5), &script), (vec![7; 9], 0x9000));
        assert_eq!(play(protocol, SHORT, GET_DATA, &[("00CA0102", "07*9 9000")]), (vec![7; 9], 0x9000));
        let put = GET_DATA.with_data(&[5]);
        assert_eq!(play(protocol, SHORT, put, &[("00CA0102 01 05", "07*9 9000")]), (vec![7; 9], 0x9000));
        let script = [("00CA010209", "07*4 6105"), ("00C0000005", "07*200 9000")];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(9), &script), (vec![7; 204], 0x9000));
        // There is more, but the caller does not want it.
        let script = [("00CA010209", "07*12 6105")];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(9), &script), (vec![7; 12], 0x6105));
        // A failure has data, too.
        assert_eq!(play(protocol, SHORT, GET_DATA, &[("00CA0102", "07*9 6A82")]), (vec![7; 9], 0x6A82));
    }
}

#[test]
fn data_with_a_refusal_are_no_answer() {
    for protocol in BOTH {
        let command = GET_DATA.expecting(256);
        let script = [("00CA010200", "09*12 6C0C"), ("00CA01020C", "07*12 9000")];
        assert_eq!(play(protocol, SHORT, command, &script), (vec![7; 12], 0x9000));
        let script = [("00CA010200", "09*300 6C0C"), ("00CA01020C", "07*12 9000")];
        assert_eq!(play(protocol, SHORT, command, &script), (vec![7; 12], 0x9000));
        // Refused again.
        let script = [("00CA010200", "09*12 6C0C"), ("00CA01020C", "09*11 6C0B")];
        assert_eq!(play(protocol, SHORT, command, &script), (vec![], 0x6C0B));
        // In a fetched part.
        let script = [("00CA010200", "07*3 610C"), ("00C000000C", "09*5 6C05"), ("00C0000005", "07*5 9000")];
        assert_eq!(play(protocol, SHORT, command, &script), (vec![7; 8], 0x9000));
        let script = [("00CA010200", "07*3 610C"), ("00C000000C", "09*5 6C05"), ("00C0000005", "09*4 6C04")];
        assert_eq!(play(protocol, SHORT, command, &script), (vec![7; 3], 0x6C04));
        // In all fetched parts.
        let script = [
            ("00CA010200", "09*3 6C03"),
            ("00CA010203", "07*3 610C"),
            ("00C000000C", "09*5 6C05"),
            ("00C0000005", "07*5 6107"),
            ("00C0000007", "09 6C01"),
            ("00C0000001", "07 9000"),
        ];
        assert_eq!(play(protocol, SHORT, command, &script), (vec![7; 9], 0x9000));
    }
    let command = GET_DATA.with_data(&[5; 300]).expecting(65_536);
    let script = [("00CA0102 00012C 05*300 0000", "09*9 6C09"), ("00CA0102 00012C 05*300 0009", "07*9 9000")];
    assert_eq!(play(Protocol::T1, LONG, command, &script), (vec![7; 9], 0x9000));
    // Nothing is repeated, so these are all data.
    let verify = Command::new(ins::VERIFY, 0, 0x81).expecting(16);
    assert_eq!(play(Protocol::T1, SHORT, verify, &[("00200081 10", "07*5 6C05")]), (vec![7; 5], 0x6C05));
}

#[test]
fn a_caller_may_want_the_unchanged_status_words() {
    let command = GET_DATA.expecting(256);
    let usual = Fetching::of(&command, false);
    for protocol in BOTH {
        let keep = |fetching, script: &[(&str, &str)]| {
            let (answer, delivered) = deliver_as(protocol, SHORT, fetching, command, script).unwrap();
            (answer, delivered.status.0)
        };
        let as_it_comes = Fetching { classes: None, ..usual };
        assert_eq!(keep(as_it_comes, &[("00CA010200", "07*9 6110")]), (vec![7; 9], 0x6110));
        let script = [("00CA010200", "09 6C09"), ("00CA010209", "07*9 6100")];
        assert_eq!(keep(as_it_comes, &script), (vec![7; 9], 0x6100));
        let uncorrected = Fetching { corrects_le: false, ..usual };
        assert_eq!(keep(uncorrected, &[("00CA010200", "07*9 6C09")]), (vec![7; 9], 0x6C09));
        let script = [("00CA010200", "07*9 6110"), ("00C0000010", "07 6C0F")];
        assert_eq!(keep(uncorrected, &script), (vec![7; 10], 0x6C0F));
    }
}

/// The answer to a command of this class and instruction, and the class in which it was fetched.
#[track_caller]
fn fetched(cla: u8, ins: u8, has_channel: bool, script: &[(&str, &str)]) -> (Vec<u8>, u16, Fetched) {
    let command = Command { cla, ..Command::new(ins, 0, 0) }.with_data(&[5]).expecting(256);
    let fetching = Fetching::of(&command, has_channel);
    let (answer, delivered) = deliver_as(Protocol::T0, SHORT, fetching, command, script).unwrap();
    (answer, delivered.status.0, delivered.fetched)
}

#[test]
fn an_answer_is_fetched_in_the_class_that_the_card_knows() {
    for (cla, first, other) in [
        (0x80, 0x00, Some(0x80)),
        (0x84, 0x00, Some(0x84)),
        (0x0C, 0x00, Some(0x0C)),
        (0x01, 0x01, None),
        (0xC0, 0xC0, Some(0x00)),
        (0xA4, 0xA4, Some(0x00)),
        (0xB0, 0xB0, Some(0x00)),
        (0xE1, 0xE1, Some(0x00)),
        (0x90, 0x90, Some(0x00)),
    ] {
        let command = format!("{cla:02X}F20000 01 05");
        let fetch = |cla: u8, length: &str| format!("{cla:02X}C00000 {length}");
        let at_once = fetch(first, "04");
        let script = [(command.as_str(), "6104"), (at_once.as_str(), "07*4 9000")];
        assert_eq!(fetched(cla, 0xF2, false, &script), (vec![7; 4], 0x9000, Fetched::In(first)), "{cla:02X}");
        for refusal in ["6E00", "6D00", "6881", "6F00", "6985", "6A88", "09*2 6E00"] {
            let Some(other) = other else {
                let script = [(command.as_str(), "6104"), (at_once.as_str(), "6E00")];
                assert_eq!(fetched(cla, 0xF2, false, &script), (vec![], 0x6E00, Fetched::Refused), "{cla:02X}");
                continue;
            };
            let (again, rest) = (fetch(other, "04"), fetch(other, "02"));
            let script = [
                (command.as_str(), "6104"),
                (at_once.as_str(), refusal),
                (again.as_str(), "07*4 6102"),
                (rest.as_str(), "07*2 9000"),
            ];
            assert_eq!(fetched(cla, 0xF2, false, &script), (vec![7; 6], 0x9000, Fetched::In(other)), "{cla:02X}");
            // It refuses both classes, and the first refusal is returned.
            let script = [(command.as_str(), "07 6104"), (at_once.as_str(), "6985"), (again.as_str(), refusal)];
            assert_eq!(fetched(cla, 0xF2, false, &script), (vec![7], 0x6985, Fetched::Refused), "{cla:02X}");
        }
        // A wrong Le and a warning are answers.
        let right = fetch(first, "02");
        let script = [(command.as_str(), "6104"), (at_once.as_str(), "6C02"), (right.as_str(), "07*2 6282")];
        assert_eq!(fetched(cla, 0xF2, false, &script), (vec![7; 2], 0x6282, Fetched::In(first)), "{cla:02X}");
    }
}

/// The low bits of the class may be no channel.
#[test]
fn the_last_try_fetches_an_answer_on_the_basic_channel() {
    let scripts = |last| {
        [("85A40000 01 05", "07 6104"), ("01C0000004", "6881"), ("85C0000004", "09*2 6E00"), ("00C0000004", last)]
    };
    assert_eq!(fetched(0x85, 0xA4, false, &scripts("07*4 9000")), (vec![7; 5], 0x9000, Fetched::In(0x00)));
    assert_eq!(fetched(0x85, 0xA4, false, &scripts("09*3 6D00")), (vec![7], 0x6881, Fetched::Refused));
    // Not if the caller has chosen the channel.
    let script = [("82F20000 01 05", "6104"), ("02C0000004", "6881"), ("82C0000004", "6E00")];
    assert_eq!(fetched(0x82, 0xF2, true, &script), (vec![], 0x6881, Fetched::Refused));
}

#[test]
fn the_answers_of_fido_and_of_other_channels_stay_in_their_classes() {
    let script = [("80100000 01 05", "6104"), ("80C0000004", "07*4 9000")];
    assert_eq!(fetched(0x80, 0x10, false, &script), (vec![7; 4], 0x9000, Fetched::In(0x80)));
    let script = [("C2F20000 01 05", "6104"), ("42C0000004", "07*4 9000")];
    assert_eq!(fetched(0xC2, 0xF2, true, &script), (vec![7; 4], 0x9000, Fetched::In(0x42)));
}

/// The MultiFlex of pcsc-sharp issue 97.
#[test]
fn a_proprietary_class_is_no_channel() {
    let script = [("C0A40000 02 3F00", "6114"), ("C0C0000014", "07*20 9000")];
    let select = Command { cla: 0xC0, ..Command::new(0xA4, 0, 0) }.with_data(&[0x3F, 0x00]).expecting(256);
    for protocol in [Protocol::T0, Protocol::T1] {
        let script = if protocol == Protocol::T1 { [("C0A40000 02 3F00 00", "6114"), script[1]] } else { script };
        assert_eq!(play(protocol, SHORT, select, &script), (vec![7; 20], 0x9000));
    }
}

#[test]
fn a_sim_has_another_word_for_more_data() {
    for (word, length) in [("9F04", "04"), ("6104", "04"), ("9F00", "00")] {
        let fetch = format!("A0C00000 {length}");
        let script = [("A0A40000 01 05", word), (fetch.as_str(), "07*4 9000")];
        assert_eq!(fetched(0xA0, 0xA4, false, &script), (vec![7; 4], 0x9000, Fetched::In(0xA0)));
    }
    let select = Command { cla: 0xA0, ..Command::new(0xA4, 0, 0) }.with_data(&[5]);
    assert_eq!(play(Protocol::T0, SHORT, select, &[("A0A40000 01 05", "9F04")]), (vec![], 0x9F04));
    // Elsewhere it has another meaning.
    let script = [("80A40000 01 05", "9F04")];
    assert_eq!(fetched(0x80, 0xA4, false, &script), (vec![], 0x9F04, Fetched::Nothing));
}

#[test]
fn a_sim_reports_the_right_length() {
    let read = Command { cla: 0xA0, ..Command::new(ins::READ_RECORD, 1, 4) }.expecting(256);
    let usual = Fetching::of(&read, false);
    let sim = Fetching { takes_length_of_67xx: true, ..usual };
    let sent = |fetching, command, script: &[(&str, &str)]| {
        let (answer, delivered) = deliver_as(Protocol::T0, SHORT, fetching, command, script).unwrap();
        (answer, delivered.status.0)
    };
    let script = [("A0B20104 00", "671C"), ("A0B20104 1C", "07*28 9000")];
    assert_eq!(sent(sim, read, &script), (vec![7; 28], 0x9000));
    assert_eq!(sent(sim, read, &[("A0B20104 00", "671C"), ("A0B20104 1C", "671B")]), (vec![], 0x671B));
    // It contains no length.
    assert_eq!(sent(sim, read, &[("A0B20104 00", "6700")]), (vec![], 0x6700));
    // Without options for a caller's command it is an ordinary word.
    assert_eq!(sent(usual, read, &script[..1]), (vec![], 0x671C));
    // A counted code, and a change, are not sent again.
    let verify = Command { cla: 0xA0, ..Command::new(ins::VERIFY, 0, 1) };
    assert_eq!(sent(sim, verify.expecting(4), &[("A0200001 04", "6708")]), (vec![], 0x6708));
    assert_eq!(sent(sim, verify.with_data(&[5]), &[("A0200001 01 05", "6708")]), (vec![], 0x6708));
}

/// The refused form, if the command may be sent in another one.
#[track_caller]
fn refused(protocol: Protocol, limits: Limits, command: Command, script: &[(&str, &str)]) -> Option<LongForm> {
    let delivered = deliver_as(protocol, limits, Fetching::of(&command, false), command, script);
    let (_, Delivered { form, is_refused, .. }) = delivered.unwrap();
    form.filter(|_| is_refused)
}

#[test]
fn a_refused_form_is_reported() {
    let long = GET_DATA.with_data(&[5; 300]).expecting(9);
    for word in ["6700", "6E00", "6D00", "6F00", "6883", "6A86", "6B00"] {
        let script = [("00CA0102 00012C 05*300 0009", word)];
        assert_eq!(refused(Protocol::T1, LONG, long, &script), Some(LongForm::Command));
        let script = [("00CA0102 00 01F4", word)];
        assert_eq!(refused(Protocol::T1, LONG, GET_DATA.expecting(500), &script), Some(LongForm::Response));
        for protocol in BOTH {
            let script = [("10CA0102 FF 05*255", word)];
            assert_eq!(refused(protocol, SHORT, long, &script), Some(LongForm::Chained));
            // The card has accepted a part.
            let script = [
                ("10CA0102 FF 05*255", "9000"),
                if protocol == Protocol::T0 { ("00CA0102 2D 05*45", word) } else { ("00CA0102 2D 05*45 09", word) },
            ];
            assert_eq!(refused(protocol, SHORT, long, &script), None);
            assert_eq!(refused(protocol, SHORT, GET_DATA.expecting(9), &[("00CA010209", word)]), None);
        }
        let script = [("00C20000 FF 00CA0102 00012C 05*248", word)];
        assert_eq!(refused(Protocol::T0, LONG_ONLY, long, &script), Some(LongForm::Command));
    }
    for word in ["9000", "6982", "6983", "6A80", "6A82", "63C2"] {
        assert_eq!(refused(Protocol::T1, LONG, long, &[("00CA0102 00012C 05*300 0009", word)]), None);
    }
}

#[test]
fn a_counted_command_is_sent_in_one_form_only() {
    for ins in (0..=u8::MAX).filter(|ins| ins::shows_proof(*ins)) {
        let command = Command::new(ins, 0, 0).with_data(&[5; 300]);
        let (long, part) = (format!("00{ins:02X}0000 00012C 05*300"), format!("10{ins:02X}0000 FF 05*255"));
        assert_eq!(refused(Protocol::T1, LONG, command, &[(&long, "6700")]), None);
        assert_eq!(refused(Protocol::T1, SHORT, command, &[(&part, "6884")]), None);
    }
    for cla in [0x90, 0xA0, 0xB0, 0xC0, 0xF0] {
        let command = Command { cla, ..GET_DATA.with_data(&[5; 300]) };
        let long = format!("{cla:02X}CA0102 00012C 05*300");
        assert_eq!(refused(Protocol::T1, LONG, command, &[(&long, "6700")]), None);
    }
}

/// The form in which a long command of this header is sent again after this refusal.
fn reformed(header: &str, refusal: &str) -> Option<LongForm> {
    let [cla, ins] = bytes(header)[..] else { panic!("{header}") };
    let command = Command { cla, ..Command::new(ins, 0, 0) }.with_data(&[5; 300]);
    refused(Protocol::T1, LONG, command, &[(&format!("{header}0000 00012C 05*300"), refusal)])
}

#[test]
fn an_unknown_command_is_sent_in_one_form_only() {
    for header in ["8042", "8450", "80AE", "8000", "8420", "8082"] {
        assert_eq!(reformed(header, "6700"), None, "{header}");
    }
    // GlobalPlatform, FIDO2, ISO/IEC 7816-4, and commands that belong to an interindustry class.
    for header in
        ["80D8", "84D8", "80E2", "84E8", "80E6", "80E4", "80F0", "80F2", "8010", "80DA", "8CD6", "80E0", "0042"]
    {
        assert_eq!(reformed(header, "6700"), Some(LongForm::Command), "{header}");
    }
}

/// After 6F00 something may have been done.
#[test]
fn a_command_that_must_not_be_repeated_is_sent_in_one_form_only() {
    for header in ["00E2", "80E2", "84D8", "00E0", "80E6", "84E8", "80F0", "80E4", "00D0", "0088", "8010", "0042"] {
        assert_eq!(reformed(header, "6F00"), None, "{header}");
    }
    for header in ["00D6", "00DC", "00DA", "00DB", "00CB", "00A4", "002A", "0022", "000E"] {
        assert_eq!(reformed(header, "6F00"), Some(LongForm::Command), "{header}");
    }
}

/// A card without chaining takes the first part for the whole data.
#[test]
fn a_card_may_take_a_part_for_the_whole() {
    for (header, form) in
        [("00DA", Some(LongForm::Chained)), ("00CB", Some(LongForm::Chained)), ("00E2", None), ("0020", None)]
    {
        let [cla, ins] = bytes(header)[..] else { panic!("{header}") };
        let command = Command { cla, ..Command::new(ins, 0, 0) }.with_data(&[5; 300]);
        let part = format!("10{ins:02X}0000 FF 05*255");
        assert_eq!(refused(Protocol::T1, SHORT, command, &[(&part, "6A80")]), form, "{header}");
        let long = format!("{header}0000 00012C 05*300");
        assert_eq!(refused(Protocol::T1, LONG, command, &[(&long, "6A80")]), None, "{header}");
        let last = format!("{header}0000 2D 05*45");
        assert_eq!(refused(Protocol::T1, SHORT, command, &[(&part, "9000"), (&last, "6A80")]), None, "{header}");
    }
}

/// GET RESPONSE with a greater length than the card gives.
#[test]
fn the_rest_of_an_answer_may_come_only_in_parts() {
    let first = [("00CA010200", "61C8"), ("00C00000C8", "6700")];
    let get = |rest: &[(&str, &str)]| {
        deliver_as(
            Protocol::T0,
            SHORT,
            Fetching::of(&GET_DATA, false),
            GET_DATA.expecting(256),
            &[&first, rest].concat(),
        )
    };
    for refusal in ["6700", "6A86", "6B00", "6F00", "6A80"] {
        let rest = [
            ("00C0000064", refusal),
            ("00C0000032", "05*50 6196"),
            ("00C0000032", "06*50 6164"),
            ("00C0000032", "07*50 6132"),
            ("00C0000032", "08*50 9000"),
        ];
        let (answer, delivered) = get(&rest).unwrap();
        assert_eq!(answer, bytes("05*50 06*50 07*50 08*50"));
        assert_eq!((delivered.status, delivered.most, delivered.fetched), (StatusWord::OK, 50, Fetched::In(0)));
    }
    // Data with the refusals are not an answer.
    let rest = [("00C0000064", "01*9 6700"), ("00C0000032", "05*50 6196"), ("00C0000032", "06*50 6A88")];
    let (answer, delivered) = get(&rest).unwrap();
    assert_eq!((answer, delivered.status), (bytes("05*50 06*50"), StatusWord(0x6A88)));
    // No length is accepted: the first refusal is returned.
    let nothing = [("00C0000064", "6700"), ("00C0000032", "6985")];
    let (answer, delivered) = get(&nothing).unwrap();
    assert_eq!(
        (answer.len(), delivered.status, delivered.most, delivered.fetched),
        (0, StatusWord::WRONG_LENGTH, 256, Fetched::Refused)
    );
    // It has promised more, but does not give it.
    let lost = get(&[("00C0000064", "05*100 9000")]);
    assert_eq!(lost.unwrap_err(), Hresult::SCARD_E_COMM_DATA_LOST);
    // One class knows the command, and the other one does not.
    let command = Command { cla: 0x80, ..GET_DATA };
    let script = [
        ("80CA010200", "61C8"),
        ("00C00000C8", "6E00"),
        ("80C00000C8", "6700"),
        ("80C0000064", "05*100 6164"),
        ("80C0000064", "06*100 9000"),
    ];
    let (answer, delivered) =
        deliver_as(Protocol::T0, SHORT, Fetching::of(&command, false), command.expecting(256), &script).unwrap();
    assert_eq!((answer, delivered.most, delivered.fetched), (bytes("05*100 06*100"), 100, Fetched::In(0x80)));
}

#[test]
fn a_command_for_the_reader_is_sent_unchanged() {
    let uid = Command { cla: 0xFF, ..Command::new(0xCA, 0, 0) };
    for protocol in BOTH {
        for limits in ALL_LIMITS {
            for (ne, apdu) in [(0, "FFCA0000"), (4, "FFCA000004"), (256, "FFCA000000"), (65_536, "FFCA000000")] {
                for answer in ["07*4 9000", "07*4 6104", "6C07", "07*4 9F10", "6300", "6A81"] {
                    let (data, word) = play(protocol, limits, uid.expecting(ne), &[(apdu, answer)]);
                    let expected = bytes(answer);
                    assert_eq!([&data[..], &word.to_be_bytes()].concat(), expected);
                }
            }
            let direct = Command { cla: 0xFF, ..Command::new(0, 0, 0) }.with_data(&[5, 6]);
            let script = [("FF000000 02 0506 00", "07*4 9000")];
            assert_eq!(play(protocol, limits, direct.expecting(256), &script), (vec![7; 4], 0x9000));
            let script = [("FF000000 00012C 05*300 0000", "07*4 9000")];
            let long = direct.with_data(&[5; 300]).expecting(65_536);
            assert_eq!(play(protocol, limits, long, &script), (vec![7; 4], 0x9000));
        }
    }
}

#[test]
fn an_answer_may_have_a_command_for_the_phone() {
    let data = [5; 300];
    for protocol in BOTH {
        let script = [("10CA0102 FF 05*255", "9110"), ("00CA0102 2D 05*45", "9110")];
        assert_eq!(play(protocol, SHORT, GET_DATA.with_data(&data), &script), (vec![], 0x9110));
        let script = [("00CA010200", "6104"), ("00C0000004", "07*4 9110")];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(256), &script), (vec![7; 4], 0x9110));
    }
}

#[test]
fn a_wrong_le_is_corrected_once() {
    for protocol in BOTH {
        let script = [("00CA010200", "6C09"), ("00CA010209", "07*9 9000")];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(256), &script), (vec![7; 9], 0x9000));
        let script = [("00CA010205", "6C09"), ("00CA010209", "07*9 9000")];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(5), &script), (vec![7; 9], 0x9000));
        let script = [("00CA010205", "6C00"), ("00CA010200", "07*256 9000")];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(5), &script), (vec![7; 256], 0x9000));
        let script = [("00CA010200", "6C09"), ("00CA010209", "6C08")];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(256), &script), (vec![], 0x6C08));
        // There is no Le to correct.
        assert_eq!(play(protocol, SHORT, GET_DATA, &[("00CA0102", "6C09")]), (vec![], 0x6C09));
        let put = GET_DATA.with_data(&[5]);
        assert_eq!(play(protocol, SHORT, put, &[("00CA0102 01 05", "6C09")]), (vec![], 0x6C09));
    }
}

#[test]
fn a_corrected_command_keeps_its_form() {
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
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(4), &script), (vec![7; 9], 0x9000));
        let script = [("00CA010200", "6109"), ("00C0000009", "6C07"), ("00C0000007", "6C06")];
        assert_eq!(play(protocol, SHORT, GET_DATA.expecting(256), &script), (vec![], 0x6C06));
        // The answer to the corrected command comes in parts, and one of them is corrected.
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
fn a_counted_command_is_never_sent_twice() {
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
fn the_answer_of_a_counted_command_is_fetched() {
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

/// With T=0 an answer is possible although the caller wants none: then a card says 61XX.
#[test]
fn a_success_without_data_is_an_empty_answer() {
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

/// A success word is not a success if the command has not come to its end.
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

/// The words that are a success in this class, or for a command that writes.
#[test]
fn the_words_of_a_family_in_the_middle_of_a_chain() {
    let data = [5; 300];
    for (header, word) in [("80E2", "9001"), ("00D6", "63C2"), ("80D6", "63C2")] {
        let [cla, ins] = bytes(header)[..] else { panic!("{header}") };
        let command = Command { cla, ..Command::new(ins, 0, 0) }.with_data(&data);
        let script = [(format!("{:02X}{ins:02X}0000 FF 05*255", cla | 0x10), word)];
        let script = script.each_ref().map(|(command, word)| (command.as_str(), *word));
        assert_eq!(deliver(Protocol::T1, SHORT, command, &script), Err(Hresult::SCARD_F_COMM_ERROR), "{header}");
    }
    // 91XX is a normal end only in classes with a phone.
    let put = |cla| Command { cla, ..GET_DATA.with_data(&data) };
    let script = [("90CA0102 FF 05*255", "9110"), ("80CA0102 2D 05*45", "9000")];
    assert_eq!(play(Protocol::T1, SHORT, put(0x80), &script), (vec![], 0x9000));
    assert_eq!(play(Protocol::T1, SHORT, put(0xA4), &[("B4CA0102 FF 05*255", "9110")]), (vec![], 0x9110));
}

#[test]
fn data_in_the_middle_of_a_chain_are_an_error() {
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
fn all_exchanges_of_a_command_use_its_channel() {
    for (cla, chained, fetching) in [
        (0x02, "12", "02"),
        (0x0E, "1E", "02"),
        (0x43, "53", "43"),
        (0x4F, "5F", "4F"),
        (0x80, "90", "00"),
        (0x83, "93", "03"),
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
    for (cla, enveloping) in [(0xF0, "00"), (0x90, "00"), (0xA0, "A0"), (0x10, "00")] {
        let data = [5; 256];
        let command = Command { cla, ..GET_DATA.with_data(&data) };
        for protocol in BOTH {
            assert_eq!(deliver(protocol, SHORT, command, &[]), Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE));
        }
        let whole = format!("{cla:02X} CA0102 000100 05*256");
        assert_eq!(play(Protocol::T1, LONG, command, &[(&whole, "9000")]).1, 0x9000);
        let first = format!("{enveloping} C20000 FF {cla:02X} CA0102 000100 05*248");
        let rest = format!("{enveloping} C20000 08 05*8");
        let end = format!("{enveloping} C20000");
        let script = [(first.as_str(), "9000"), (rest.as_str(), "9000"), (end.as_str(), "9000")];
        assert_eq!(play(Protocol::T0, LONG, command, &script).1, 0x9000);
    }
}

/// A card that always promises more, and gives so much each time.
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
fn an_endless_answer_is_ended() {
    let mut card = Endless { given: 0, exchanges: 0 };
    let fetching = Fetching::of(&GET_DATA, false);
    let delivered = GET_DATA.expecting(65_536).deliver(&mut card, &SHORT, &fetching, &mut Vec::new());
    assert_eq!((delivered, card.exchanges), (Err(Hresult::SCARD_F_COMM_ERROR), 2));
    let (mut card, mut answer) = (Endless { given: 1, exchanges: 0 }, Vec::new());
    let delivered = GET_DATA.expecting(1000).deliver(&mut card, &SHORT, &fetching, &mut answer);
    let status = delivered.map(|delivered| delivered.status);
    assert_eq!((status, card.exchanges, answer.len()), (Ok(StatusWord(0x6100)), 1000, 1000));
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
fn a_failed_exchange_is_the_last_one() {
    let put = GET_DATA.with_data(&[5; 600]);
    let deliver = |before| put.deliver(&mut Broken(before), &SHORT, &Fetching::of(&put, false), &mut Vec::new());
    for before in 0..3 {
        assert_eq!(deliver(before), Err(Hresult::SCARD_W_REMOVED_CARD));
    }
    assert_eq!(deliver(3).map(|delivered| delivered.status), Ok(StatusWord::OK));
}

#[test]
fn earlier_data_of_the_answer_are_kept_and_not_counted() {
    let mut card = Script { protocol: Protocol::T1, lines: [("00CA010204", "07*9 9000")].iter(), response: vec![] };
    let mut answer = vec![1, 2, 3];
    GET_DATA.expecting(4).deliver(&mut card, &SHORT, &Fetching::of(&GET_DATA, false), &mut answer).unwrap();
    assert_eq!(answer, [1, 2, 3, 7, 7, 7, 7, 7, 7, 7, 7, 7]);
}

#[test]
fn a_challenge_is_not_cut() {
    let challenge = Command::new(ins::GET_CHALLENGE, 0, 0).expecting(8);
    assert_eq!(play(Protocol::T1, SHORT, challenge, &[("00840000 08", "6C10")]), (vec![], 0x6C10));
    let script = [("00840000 08", "6C04"), ("00840000 04", "01020304 9000")];
    assert_eq!(play(Protocol::T1, SHORT, challenge, &script), (vec![1, 2, 3, 4], 0x9000));
}

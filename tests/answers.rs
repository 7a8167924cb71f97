//! The bytes of a response, as a C program gets them, from cards with deviations, on virtual readers. Each row is a
//! report about a card, or a rule of the standards.

use std::ffi::CString;
use std::ptr::{null, null_mut};

use scm::abi::constants::SCM_TYPE_BY_ID;
use scm::abi::hresult::Hresult;
use scm::capi::attachment::{scm_detach, scm_handle};
use scm::capi::card_capabilities::*;
use scm::capi::ch_verification::{
    SCM_RETRIES_UNKNOWN, scm_ch_verification, scm_ch_verification_verify, scm_create_ch_verification,
};
use scm::capi::command::*;
use scm::capi::exchange::scm_get_last_response;
use scm::capi::file::{scm_file, scm_file_read};
use scm::capi::file_access::{scm_create_file_access, scm_file_access_open};
use scm::capi::result::scm_result;
use test_reader::{Card, Shared, TestReader, lock, share};

const T0: &str = "3B00";
const T1: &str = "3B8001 81";
/// The historical bytes announce: chaining and extended lengths; chaining only.
const T1_EVERYTHING: &str = "3B85018073 0000C0 B7";
const T1_CHAINING: &str = "3B85018073 000080 F7";
const OK: scm_result = 0;
const INVALID_PARAMETER: scm_result = Hresult::SCARD_E_INVALID_PARAMETER.0;
const UNSUPPORTED: scm_result = Hresult::SCARD_E_UNSUPPORTED_FEATURE.0;

/// The responses of a card.
type Answers = Box<dyn FnMut(&[u8]) -> Vec<u8> + Send>;

/// A card that responds as a test says, and keeps the commands.
struct ScriptedCard {
    answers: Answers,
    log: Vec<Vec<u8>>,
}

impl Card for ScriptedCard {
    fn answer(&mut self, command: &[u8]) -> Vec<u8> {
        self.log.push(command.to_vec());
        (self.answers)(command)
    }
}

/// A card in a reader, and an attachment to it.
struct AttachedCard {
    card: Shared<ScriptedCard>,
    handle: *mut scm_handle,
    _reader: TestReader,
}

/// Hexadecimal digits with white space; `AA*300` is a byte 300 times.
fn bytes(text: &str) -> Vec<u8> {
    let word = |word: &str| {
        let (digits, times) =
            word.split_once('*').map_or((word, 1), |(digits, times)| (digits, times.parse().unwrap()));
        let bytes = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
        bytes.collect::<Vec<_>>().repeat(times)
    };
    text.split_whitespace().flat_map(word).collect()
}

/// The response to the first line that a command begins with; without one the instruction is unknown.
fn script(lines: &[(&str, &str)]) -> Answers {
    let lines: Vec<_> = lines.iter().map(|(command, answer)| (bytes(command), bytes(answer))).collect();
    Box::new(move |command| {
        let answer = lines.iter().find(|(begin, _)| command.starts_with(begin)).map(|(_, answer)| answer.clone());
        answer.unwrap_or(vec![0x6D, 0x00])
    })
}

impl AttachedCard {
    fn new(atr: &str, answers: Answers) -> AttachedCard {
        let card = share(ScriptedCard { answers, log: Vec::new() });
        let reader = TestReader::insert(&card, &bytes(atr), 0).unwrap();
        let handle = reader.attach().unwrap();
        AttachedCard { card, handle, _reader: reader }
    }

    fn send(&self, header: &str, data: &[u8], expected: u32) -> (scm_result, Vec<u8>, u16) {
        self.send_with(header, data, expected, 0, &options())
    }

    fn send_with(
        &self,
        header: &str,
        data: &[u8],
        expected: u32,
        channel: u32,
        options: &scm_send_options,
    ) -> (scm_result, Vec<u8>, u16) {
        let [cla, ins, p1, p2] = bytes(header)[..] else { panic!("{header}") };
        let command = scm_command {
            struct_size: size_of::<scm_command>() as u32,
            cla,
            ins,
            p1,
            p2,
            data: data.as_ptr(),
            data_length: data.len(),
            expected,
            channel,
        };
        let (mut response, mut length, mut word) = (vec![0xEE; 70_000], 77, 77);
        // SAFETY: every pointer is valid during the call, with the given length.
        let result = unsafe {
            let response = response.as_mut_ptr();
            scm_send_ex(self.handle, &command, options, response, expected as usize, &mut length, &mut word)
        };
        assert!(length <= expected as usize && response[length..].iter().all(|byte| *byte == 0xEE));
        response.truncate(length);
        (result, response, word)
    }

    fn last_response(&self) -> Vec<u8> {
        let (mut response, mut length) = (vec![0; 200_000], 77);
        // SAFETY: the buffer has the given length.
        let result = unsafe { scm_get_last_response(self.handle, response.as_mut_ptr(), response.len(), &mut length) };
        assert_eq!(result, 0);
        response.truncate(length);
        response
    }

    /// The commands since the last call, each with at most its header and length.
    fn log(&mut self) -> Vec<String> {
        let short = |command: &Vec<u8>| command.iter().take(7).map(|byte| format!("{byte:02X}")).collect::<String>();
        std::mem::take(&mut lock(&self.card).log).iter().map(short).collect()
    }

    fn set_capabilities(&self, flags: Option<u32>) {
        let size = size_of::<scm_card_capabilities>() as u32;
        let capabilities = flags.map(|flags| scm_card_capabilities {
            struct_size: size,
            flags,
            command_data_max: 0,
            response_data_max: 0,
            channel_count: 0,
        });
        let given = capabilities.as_ref().map_or(null(), |capabilities| &raw const *capabilities);
        // SAFETY: NULL, or valid during the call.
        assert_eq!(unsafe { scm_set_card_capabilities(self.handle, given) }, 0);
    }

    fn open(&self, path: &str) -> *mut scm_file {
        let (path, mut files, mut file) = (CString::new(path).unwrap(), null_mut(), null_mut());
        // SAFETY: every pointer is valid during the call.
        unsafe {
            assert_eq!(scm_create_file_access(self.handle, &mut files), 0);
            assert_eq!(scm_file_access_open(files, SCM_TYPE_BY_ID, path.as_ptr(), &mut file), 0);
        }
        file
    }
}

impl Drop for AttachedCard {
    fn drop(&mut self) {
        // SAFETY: any value may be given as a handle.
        unsafe { scm_detach(self.handle) };
    }
}

fn options() -> scm_send_options {
    scm_send_options {
        struct_size: size_of::<scm_send_options>() as u32,
        limit_ms: 0,
        select_callback: None,
        user_data: null_mut(),
        flags: 0,
        get_response_class: 0,
        successes: null(),
        success_count: 0,
    }
}

fn read(file: *mut scm_file) -> Vec<u8> {
    let (mut data, mut length) = (vec![0; 1000], 77);
    // SAFETY: the buffer has the given length.
    let result = unsafe { scm_file_read(file, data.as_mut_ptr(), data.len(), &mut length, 0) };
    assert_eq!(result, OK);
    data.truncate(length);
    data
}

// --- Data together with 6CXX

#[test]
fn data_of_a_refused_try_are_discarded() {
    for atr in [T0, T1] {
        let card = AttachedCard::new(
            atr,
            script(&[
                ("00CA00000C", "48454C4C4F2C2043415244219000"),
                ("00CA0000", "48454C4C4F2C2043415244216C0C"),
                ("00CA010000", "01 6C05"),
                ("00CA010005", "0102 6C04"),
                ("00CA020000", "0102 6105"),
                ("00C0000005", "0304 6C03"),
                ("00C0000003", "030405 9000"),
            ]),
        );
        assert_eq!(card.send("00CA0000", &[], 256), (OK, b"HELLO, CARD!".to_vec(), 0x9000));
        assert_eq!(card.last_response(), b"HELLO, CARD!\x90\x00");
        // Refused twice: no data, and the caller gets the code.
        assert_eq!(card.send("00CA0100", &[], 256), (INVALID_PARAMETER, vec![], 0x6C04));
        assert_eq!(card.last_response(), bytes("6C04"));
        assert_eq!(card.send("00CA0200", &[], 256), (OK, bytes("0102030405"), 0x9000));
    }
}

#[test]
fn a_file_is_read_once_where_the_refusal_has_its_data_with_it() {
    for atr in [T0, T1] {
        let card = AttachedCard::new(
            atr,
            script(&[
                ("00A4", "9000"),
                ("00B000000C", "48454C4C4F2C2043415244219000"),
                ("00B0000000", "48454C4C4F2C2043415244216C0C"),
                ("00B0000001", "48 9000"),
                ("00B0000C", "6B00"),
            ]),
        );
        assert_eq!(read(card.open("4401")), b"HELLO, CARD!");
        let card = AttachedCard::new(
            atr,
            script(&[
                ("00A4", "62058203024100 9000"),
                ("00B2010405", "48454C4C4F 9000"),
                ("00B20104", "48454C4C4F 6C05"),
                ("00B2", "6A83"),
            ]),
        );
        assert_eq!(read(card.open("4402")), b"HELLO");
    }
}

/// A card of ETSI TS 102 221 that has a message for its phone.
#[test]
fn files_ignore_messages_for_a_phone() {
    for atr in [T0, T1] {
        let lines = [
            ("00A4", "9110"),
            ("00B0000000", "48454C4C4F 9110"),
            ("00B0000005", "48454C4C4F 9110"),
            ("00B0000001", "48 9110"),
            ("00B0", "6B00"),
        ];
        let card = AttachedCard::new(atr, script(&lines));
        assert_eq!(read(card.open("6F07")), b"HELLO");
    }
}

// --- More than was expected

#[test]
fn the_last_response_has_unexpected_data() {
    let fci = "6F0A83023F008A01058201389000";
    for atr in [T0, T1] {
        let card = AttachedCard::new(
            atr,
            script(&[("00A40000", fci), ("00CA", "07*20 6A82"), ("00CB", "07*9 6105"), ("00C0", "08*5 9000")]),
        );
        assert_eq!(card.send("00A40000", &[], 0), (OK, vec![], 0x9000));
        assert_eq!(card.last_response(), bytes(fci));
        assert_eq!(card.send("00A40000", &[0x3F, 0x00], 4), (OK, bytes("6F0A8302"), 0x9000));
        assert_eq!(card.last_response(), bytes(fci));
        assert_eq!(card.send("00CA0000", &[], 5), (Hresult::SCARD_E_FILE_NOT_FOUND.0, vec![7; 5], 0x6A82));
        assert_eq!(card.last_response(), bytes("07*20 6A82"));
        // The rest stays with the card, as its word says.
        assert_eq!(card.send("00CB0000", &[], 9), (OK, vec![7; 9], 0x6105));
        assert_eq!(card.send("00CB0000", &[], 10), (OK, bytes("07*9 08"), 0x9000));
        assert_eq!(card.last_response(), bytes("07*9 08*5 9000"));
    }
}

#[test]
fn more_than_the_longest_response_is_kept_too() {
    let card = AttachedCard::new(T1, script(&[("00CA", "07*60000 6100"), ("00C0", "08*60000 9000")]));
    let (result, response, word) = card.send("00CA0000", &[], SCM_EXPECTED_MAX);
    assert_eq!((result, response.len(), word), (OK, SCM_EXPECTED_MAX as usize, 0x9000));
    assert_eq!(card.last_response(), bytes("07*60000 08*60000 9000"));
    // The next response is normal.
    assert_eq!(card.send("00A40000", &[], 0), (UNSUPPORTED, vec![], 0x6D00));
    assert_eq!(card.last_response(), bytes("6D00"));
}

// --- The class of GET RESPONSE

/// A card that gives its response to a GET RESPONSE of one class only, and refuses others with this word.
fn giving_in(cla: u8, refusal: u16) -> Answers {
    Box::new(move |command| match *command {
        [_, 0xC0, 0, 0, length] if command[0] == cla => [vec![7; length.into()], vec![0x90, 0x00]].concat(),
        [_, 0xC0, ..] => refusal.to_be_bytes().to_vec(),
        _ => vec![0x61, 0x14],
    })
}

#[test]
fn an_answer_is_fetched_in_the_class_that_the_card_knows_and_that_is_remembered() {
    for (header, known, refused) in [
        // pcsc-sharp issue 97, a MultiFlex.
        ("C0A40000", 0xC0, None),
        ("C0A40000", 0x00, Some("C0")),
        // GlobalPlatformPro issue 15.
        ("80500000", 0x00, None),
        ("80500000", 0x80, Some("00")),
        ("84F20000", 0x84, Some("00")),
        // libfido2 issue 816.
        ("80100000", 0x80, None),
        ("80100000", 0x00, Some("80")),
        ("A0A40000", 0xA0, None),
        ("A0A40000", 0x00, Some("A0")),
        ("B0A40000", 0xB0, None),
        ("A4A40000", 0x00, Some("A4")),
        ("F0A40000", 0xF0, None),
        ("0CA40000", 0x0C, Some("00")),
    ] {
        for atr in [T0, T1] {
            for refusal in [0x6E00, 0x6D00, 0x6881, 0x6882, 0x6985, 0x6F00] {
                let mut card = AttachedCard::new(atr, giving_in(known, refusal));
                let told = (OK, vec![7; 20], 0x9000);
                assert_eq!(card.send(header, &[0x3F, 0x00], 256), told, "{header} {refusal:04X}");
                let fetched = format!("{known:02X}C0000014");
                let asked: Vec<_> =
                    refused.iter().map(|cla| format!("{cla}C0000014")).chain([fetched.clone()]).collect();
                assert_eq!(card.log()[1..], asked);
                assert_eq!(card.send(header, &[0x3F, 0x00], 256), told);
                assert_eq!(card.log()[1..], [fetched]);
            }
        }
    }
}

#[test]
fn the_low_bits_of_a_proprietary_class_may_be_no_channel() {
    for (header, refused) in [("85A40000", ["01", "85"]), ("82F20000", ["02", "82"]), ("8FCA0000", ["03", "8F"])] {
        let mut card = AttachedCard::new(T1, giving_in(0x00, 0x6E00));
        let told = (OK, vec![7; 20], 0x9000);
        assert_eq!(card.send(header, &[1], 256), told, "{header}");
        assert_eq!(card.log()[1..], [refused[0], refused[1], "00"].map(|cla| format!("{cla}C0000014")));
        assert_eq!(card.send(header, &[1], 256), told);
        assert_eq!(card.log()[1..], ["00C0000014"]);
    }
    // A channel of the caller is a channel.
    let mut card = AttachedCard::new(T1, giving_in(0x00, 0x6E00));
    assert_eq!(card.send_with("80F20000", &[1], 256, 2, &options()), (UNSUPPORTED, vec![], 0x6E00));
    assert_eq!(card.log(), ["82F20000010100", "02C0000014", "82C0000014"]);
}

/// Such a card never gets to the right class while the other one comes first.
#[test]
fn a_card_may_forget_its_answer_at_a_wrong_class() {
    let mut is_ready = false;
    let answers = move |command: &[u8]| {
        let was_ready = std::mem::replace(&mut is_ready, command[1] != 0xC0);
        match *command {
            [0x80, 0xC0, 0, 0, length] if was_ready => [vec![7; length.into()], vec![0x90, 0x00]].concat(),
            [0x80, 0xC0, ..] => vec![0x69, 0x85],
            [_, 0xC0, ..] => vec![0x6E, 0x00],
            _ => vec![0x61, 0x14],
        }
    };
    let mut card = AttachedCard::new(T1, Box::new(answers));
    assert_eq!(card.send("80F20000", &[1], 256), (UNSUPPORTED, vec![], 0x6E00));
    card.log();
    for _ in 0..2 {
        assert_eq!(card.send("80F20000", &[1], 256), (OK, vec![7; 20], 0x9000));
        assert_eq!(card.log()[1..], ["80C0000014"]);
    }
}

#[test]
fn no_class_of_a_channel_is_made_of_a_proprietary_one() {
    for cla in 0x90..=0xFE_u8 {
        let mut card = AttachedCard::new(T1, giving_in(0x77, 0x6E00));
        assert_eq!(card.send(&format!("{cla:02X}A40000"), &[1], 256), (UNSUPPORTED, vec![], 0x6E00));
        for command in &card.log()[1..] {
            let fetching = bytes(command)[0];
            assert!(fetching == 0 || fetching & 0xEF == cla & 0xEF, "{cla:02X}: {command}");
        }
    }
}

#[test]
fn the_caller_knows_better() {
    let mut card = AttachedCard::new(T1, giving_in(0x00, 0x6E00));
    let asking = |class| scm_send_options { get_response_class: class, ..options() };
    let told = (OK, vec![7; 20], 0x9000);
    assert_eq!(card.send_with("C0A40000", &[1], 256, 0, &asking(SCM_SEND_CLASS)), told);
    assert_eq!(card.log()[1..], ["00C0000014"]);
    // No other class is tried, and the library learns nothing.
    assert_eq!(card.send_with("80A40000", &[1], 256, 0, &asking(SCM_SEND_CLASS | 0xC0)), (UNSUPPORTED, vec![], 0x6E00));
    assert_eq!(card.log()[1..], ["C0C0000014"]);
    assert_eq!(card.send("80A40000", &[1], 256), told);
    assert_eq!(card.log()[1..], ["00C0000014"]);
    let kept = scm_send_options { flags: SCM_SEND_KEEP_61XX, ..options() };
    assert_eq!(card.send_with("80A40000", &[1], 256, 0, &kept), (OK, vec![], 0x6114));
    assert_eq!(card.log().len(), 1);
    // A class with a channel continues there.
    let mut card = AttachedCard::new(T1, giving_in(0x42, 0x6E00));
    assert_eq!(card.send_with("80A40000", &[1], 256, 6, &options()), told);
    assert_eq!(card.log()[1..], ["42C0000014"]);
}

#[test]
fn words_are_handed_out_as_they_come() {
    let lines = [("80CA", "07*3 6110"), ("00CB", "07*3 6C10"), ("A0A4", "9F17")];
    for atr in [T0, T1] {
        let mut card = AttachedCard::new(atr, script(&lines));
        let keep = |flags| scm_send_options { flags, ..options() };
        assert_eq!(card.send_with("80CA0000", &[], 256, 0, &keep(SCM_SEND_KEEP_61XX)), (OK, vec![7; 3], 0x6110));
        assert_eq!(card.send_with("A0A40000", &[1], 256, 0, &keep(SCM_SEND_KEEP_61XX)), (OK, vec![], 0x9F17));
        let kept = card.send_with("00CB0000", &[], 256, 0, &keep(SCM_SEND_KEEP_6CXX));
        assert_eq!(kept, (INVALID_PARAMETER, vec![7; 3], 0x6C10));
        assert_eq!(card.log().len(), 3);
    }
}

// --- Cards that refuse what they announce

/// A card that takes only one form of commands, and refuses others with this word.
fn taking(chaining: bool, extended: bool, refusal: u16) -> Answers {
    Box::new(move |command| {
        let is_extended = command.len() > 5 && command[4] == 0;
        match command[0] & 0x10 != 0 && !chaining || is_extended && !extended {
            true => refusal.to_be_bytes().to_vec(),
            false => vec![0x90, 0x00],
        }
    })
}

const LONG: [u8; 300] = [5; 300];

#[test]
fn a_refused_form_is_changed_once_and_that_is_remembered() {
    for refusal in [0x6700, 0x6D00, 0x6E00, 0x6F00, 0x6883, 0x6B00, 0x6A86] {
        let mut card = AttachedCard::new(T1_EVERYTHING, taking(true, false, refusal));
        assert_eq!(card.send("00DA0102", &LONG, 0), (OK, vec![], 0x9000), "{refusal:04X}");
        assert_eq!(card.log(), ["00DA010200012C", "10DA0102FF0505", "00DA01022D0505"]);
        assert_eq!(card.send("00DB0102", &LONG, 0), (OK, vec![], 0x9000));
        assert_eq!(card.log(), ["10DB0102FF0505", "00DB01022D0505"]);
        // The response has its own limit, until it is refused too.
        assert_eq!(card.send("00CA0102", &[], 300), (OK, vec![], 0x9000));
        assert_eq!(card.log(), ["00CA010200012C", "00CA010200"]);
        assert_eq!(card.send("00CA0102", &[], 300), (OK, vec![], 0x9000));
        assert_eq!(card.log(), ["00CA010200"]);

        // It announces chaining, and no extended lengths.
        for refusal in [refusal, 0x6884] {
            let mut card = AttachedCard::new(T1_CHAINING, taking(false, true, refusal));
            assert_eq!(card.send("00DA0102", &LONG, 0), (OK, vec![], 0x9000), "{refusal:04X}");
            assert_eq!(card.log(), ["10DA0102FF0505", "00DA010200012C"]);
            assert_eq!(card.send("00DA0102", &LONG, 0), (OK, vec![], 0x9000));
            assert_eq!(card.log(), ["00DA010200012C"]);
        }
    }
}

#[test]
fn a_command_refused_in_every_form_is_refused_for_another_reason() {
    let mut card = AttachedCard::new(T1_EVERYTHING, taking(false, false, 0x6D00));
    for _ in 0..2 {
        assert_eq!(card.send("00DA0102", &LONG, 0), (UNSUPPORTED, vec![], 0x6D00));
        assert_eq!(card.log(), ["00DA010200012C", "10DA0102FF0505"]);
    }
    // A card that announces nothing gets nothing that needs an announcement.
    let mut card = AttachedCard::new(T1, taking(false, true, 0x6884));
    assert_eq!(card.send("00DA0102", &LONG, 0), (UNSUPPORTED, vec![], 0x6884));
    assert_eq!(card.log(), ["10DA0102FF0505"]);
}

/// An answered form is supported, so most words are about something else.
#[test]
fn an_answered_form_is_no_refused_form() {
    let lines = [
        ("00CA0000", "07*300 9000"),
        ("00B07FFF000000", "6B00"),
        ("00B07FFF", "6B00"),
        ("00CA00010001", "6700"),
        ("00CA0001", "07 9000"),
    ];
    let mut card = AttachedCard::new(T1_EVERYTHING, script(&lines));
    assert_eq!(card.send("00CA0000", &[], SCM_EXPECTED_MAX), (OK, vec![7; 300], 0x9000));
    assert_eq!(card.send("00B07FFF", &[], SCM_EXPECTED_MAX), (INVALID_PARAMETER, vec![], 0x6B00));
    assert_eq!(card.log(), ["00CA0000000000", "00B07FFF000000"]);
    // Except for words about lengths.
    assert_eq!(card.send("00CA0001", &[], 500), (OK, vec![7], 0x9000));
    assert_eq!(card.log(), ["00CA00010001F4", "00CA000100"]);

    // Another word for another form is about the command.
    let lines = [("00DA00000001", "6700"), ("10DA", "9000"), ("00DA", "6A86")];
    let mut card = AttachedCard::new(T1_EVERYTHING, script(&lines));
    assert_eq!(card.send("00DA0000", &LONG, 0), (INVALID_PARAMETER, vec![], 0x6A86));
    assert_eq!(card.send("00DA0000", &LONG, 0), (INVALID_PARAMETER, vec![], 0x6A86));
    assert_eq!(card.log(), ["00DA000000012C", "10DA0000FF0505", "00DA00002D0505", "10DA0000FF0505", "00DA00002D0505"]);
}

#[test]
fn counted_commands_are_never_sent_in_another_form() {
    for ins in [0x20, 0x21, 0x24, 0x25, 0x26, 0x28, 0x2C, 0x2D, 0x2E, 0x2F, 0x82, 0x86, 0x87] {
        for (atr, chaining, extended) in [(T1_EVERYTHING, true, false), (T1_CHAINING, false, true)] {
            let mut card = AttachedCard::new(atr, taking(chaining, extended, 0x6700));
            assert_eq!(card.send(&format!("00{ins:02X}0081"), &LONG, 0), (INVALID_PARAMETER, vec![], 0x6700));
            assert_eq!(card.log().len(), 1, "{ins:02X}");
        }
    }
}

#[test]
fn commands_of_unknown_effect_are_never_sent_in_another_form() {
    for (header, refusal, sent) in [
        ("80420000", 0x6700, 1),
        ("B0420000", 0x6700, 1),
        ("84D80000", 0x6700, 3),
        // The card may have executed it.
        ("84D80000", 0x6F00, 1),
        ("00E20000", 0x6F00, 1),
        ("00E00000", 0x6F00, 1),
        ("00D60000", 0x6F00, 3),
    ] {
        let mut card = AttachedCard::new(T1_EVERYTHING, taking(true, false, refusal));
        assert_eq!(card.send(header, &LONG, 0).0 == OK, sent > 1, "{header} {refusal:04X}");
        assert_eq!(card.log().len(), sent, "{header} {refusal:04X}");
    }
}

#[test]
fn the_caller_has_the_last_word_over_forms() {
    let mut card = AttachedCard::new(T1_EVERYTHING, taking(true, false, 0x6700));
    card.set_capabilities(Some(SCM_CARD_EXTENDED));
    assert_eq!(card.send("00DA0102", &LONG, 0), (INVALID_PARAMETER, vec![], 0x6700));
    assert_eq!(card.log(), ["00DA010200012C"]);
    card.set_capabilities(Some(SCM_CARD_EXTENDED | SCM_CARD_CHAINING));
    assert_eq!(card.send("00DA0102", &LONG, 0), (OK, vec![], 0x9000));
    assert_eq!(card.log().len(), 3);
    // Earlier findings are dropped.
    card.set_capabilities(None);
    assert_eq!(card.send("00DA0102", &LONG, 0), (OK, vec![], 0x9000));
    assert_eq!(card.log().len(), 3);
}

// --- Status words

#[test]
fn cards_of_other_families_have_other_words() {
    for (header, word, result) in [
        ("90600000", "9100", Hresult::S_OK),
        ("90600000", "0102 91AF", Hresult::S_OK),
        ("90AA0000", "91AE", Hresult::SCARD_W_SECURITY_VIOLATION),
        ("905A0000", "91A0", Hresult::SCARD_E_FILE_NOT_FOUND),
        ("A0A40000", "9F17", Hresult::S_OK),
        ("A0A40000", "9110", Hresult::S_OK),
        ("A0A40000", "9404", Hresult::SCARD_E_FILE_NOT_FOUND),
        ("A0200001", "9804", Hresult::SCARD_W_WRONG_CHV),
        ("A0200001", "9840", Hresult::SCARD_W_CHV_BLOCKED),
        ("00A40000", "9110", Hresult::S_OK),
        ("80F20000", "6310", Hresult::S_OK),
        ("80F20000", "9001", Hresult::S_OK),
        ("A0C20000", "9E0C", Hresult::S_OK),
        ("A0B20104", "6710", Hresult::SCARD_E_INVALID_PARAMETER),
        ("A0B00000", "6B08", Hresult::SCARD_E_INVALID_PARAMETER),
        ("00B00000", "6701", Hresult::SCARD_E_INVALID_PARAMETER),
        ("B0000000", "91AE", Hresult::E_FAIL),
        ("F0000000", "9100", Hresult::E_FAIL),
        ("C0F20000", "9110", Hresult::S_OK),
        ("B0420000", "9C02", Hresult::E_FAIL),
        ("80CA0000", "9F04", Hresult::E_FAIL),
        ("80200001", "9004", Hresult::E_FAIL),
        ("80220000", "63C0", Hresult::SCARD_W_CHV_BLOCKED),
        ("00D60000", "63C0", Hresult::S_OK),
        ("00820081", "63C0", Hresult::SCARD_W_CHV_BLOCKED),
        ("84820300", "6300", Hresult::SCARD_W_WRONG_CHV),
        ("00860000", "6381", Hresult::SCARD_W_WRONG_CHV),
        ("002E0000", "6302", Hresult::SCARD_W_WRONG_CHV),
        ("00200081", "63C0", Hresult::SCARD_W_CHV_BLOCKED),
        ("00200081", "6303", Hresult::SCARD_W_WRONG_CHV),
        ("00200081", "6300", Hresult::SCARD_W_WRONG_CHV),
        ("00200081", "6983", Hresult::SCARD_W_CHV_BLOCKED),
    ] {
        let card = AttachedCard::new(T1, script(&[(header, word)]));
        assert_eq!(card.send(header, &[], 0).0, result.0, "{header} {word}");
    }
}

#[test]
fn the_caller_says_what_a_success_is() {
    let words = [scm_status_words { word: 0x9C00, mask: 0xFF00 }, scm_status_words { word: 0x9000, mask: 0xFFFF }];
    let given = |words: &[scm_status_words]| scm_send_options {
        successes: words.as_ptr(),
        success_count: words.len(),
        ..options()
    };
    let card = AttachedCard::new(
        T1,
        script(&[
            ("B001", "9C05"),
            ("B002", "9000"),
            ("B003", "9D00"),
            ("B004", "6283"),
            ("B005", "6A82"),
            ("B006", "6110"),
        ]),
    );
    for (header, code) in [
        ("B0010000", Hresult::S_OK),
        ("B0020000", Hresult::S_OK),
        ("B0030000", Hresult::E_FAIL),
        ("B0040000", Hresult::E_FAIL),
        ("B0050000", Hresult::SCARD_E_FILE_NOT_FOUND),
        ("B0060000", Hresult::E_FAIL),
    ] {
        assert_eq!(card.send_with(header, &[], 0, 0, &given(&words)).0, code.0, "{header}");
        // Without words the table applies.
        assert_eq!(card.send_with(header, &[], 0, 0, &given(&[])).0, card.send(header, &[], 0).0, "{header}");
    }
}

#[test]
fn bad_options_send_nothing() {
    let word = scm_status_words { word: 0x9001, mask: 0xFF00 };
    let many = vec![scm_status_words { word: 0x9000, mask: 0xFFFF }; SCM_SEND_SUCCESSES_MAX + 1];
    let mut card = AttachedCard::new(T1, script(&[]));
    for bad in [
        scm_send_options { flags: 4, ..options() },
        scm_send_options { get_response_class: 1, ..options() },
        scm_send_options { get_response_class: 0x200, ..options() },
        scm_send_options { successes: &raw const word, success_count: 1, ..options() },
        scm_send_options { success_count: 1, ..options() },
        scm_send_options { successes: many.as_ptr(), success_count: many.len(), ..options() },
        scm_send_options { successes: many.as_ptr(), success_count: usize::MAX, ..options() },
    ] {
        assert_eq!(card.send_with("00A40000", &[], 0, 0, &bad), (Hresult::E_INVALIDARG.0, vec![], 0));
    }
    // The options of the first version end after the callback.
    let first =
        scm_send_options { struct_size: std::mem::offset_of!(scm_send_options, flags) as u32, flags: 99, ..options() };
    assert_eq!(card.send_with("00A40000", &[], 0, 0, &first), (UNSUPPORTED, vec![], 0x6D00));
    assert_eq!(card.log().len(), 1);
}

// --- Tries

#[test]
fn tries_are_told_in_whichever_form() {
    for (word, result, left) in [
        ("63C2", Hresult::SCARD_W_WRONG_CHV, 2),
        ("6302", Hresult::SCARD_W_WRONG_CHV, 2),
        ("6300", Hresult::SCARD_W_WRONG_CHV, SCM_RETRIES_UNKNOWN),
        ("63C0", Hresult::SCARD_W_CHV_BLOCKED, 0),
        ("6983", Hresult::SCARD_W_CHV_BLOCKED, 0),
        ("9840", Hresult::SCARD_W_CHV_BLOCKED, 0),
        ("9804", Hresult::SCARD_W_WRONG_CHV, SCM_RETRIES_UNKNOWN),
        ("6984", Hresult::SCARD_E_INVALID_CHV, SCM_RETRIES_UNKNOWN),
        ("9000", Hresult::S_OK, SCM_RETRIES_UNKNOWN),
    ] {
        let card = AttachedCard::new(T1, script(&[("0020", word)]));
        let (mut codes, mut tries): (*mut scm_ch_verification, u32) = (null_mut(), 77);
        // SAFETY: every pointer is valid during the call, with the given length.
        let verified = unsafe {
            assert_eq!(scm_create_ch_verification(card.handle, &mut codes), 0);
            scm_ch_verification_verify(codes, b"1234".as_ptr(), 4, 0, 1, &mut tries)
        };
        assert_eq!((verified, tries), (result.0, left), "{word}");
    }
}

// --- The commands of readers

#[test]
fn commands_of_the_reader_go_as_they_are() {
    for atr in [T0, T1, T1_EVERYTHING] {
        let lines = [("FFCA000000", "04112233 9000"), ("FFCA000004", "6C07"), ("FF00", "D541 6105"), ("FF82", "6300")];
        let mut card = AttachedCard::new(atr, script(&lines));
        assert_eq!(card.send("FFCA0000", &[], 256), (OK, bytes("04112233"), 0x9000));
        assert_eq!(card.send("FFCA0000", &[], SCM_EXPECTED_MAX), (OK, bytes("04112233"), 0x9000));
        assert_eq!(card.send("FFCA0000", &[], 4), (INVALID_PARAMETER, vec![], 0x6C07));
        assert_eq!(card.send("FF000000", &[0xD4, 0x40], 256), (OK, bytes("D541"), 0x6105));
        assert_eq!(card.send("FF820000", &[5; 6], 0), (Hresult::E_FAIL.0, vec![], 0x6300));
        assert_eq!(card.log(), ["FFCA000000", "FFCA000000", "FFCA000004", "FF00000002D440", "FF820000060505"]);
        assert_eq!(card.send_with("FFCA0000", &[], 256, 1, &options()), (Hresult::E_INVALIDARG.0, vec![], 0));
        assert_eq!(card.log().len(), 0);
    }
}

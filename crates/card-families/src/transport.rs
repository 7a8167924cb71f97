//! The transport: from the bytes of the reader to a command, and from a response to the bytes for the reader (ISO/IEC
//! 7816-3, 12).

use crate::bytes::Word;
use crate::family::{Card, Protocol};
use crate::model::{Command, Model, Response};

const CHAINING: u8 = 0x10;
/// The class of a SIM.
const SIM: u8 = 0xA0;
const GET_RESPONSE: u8 = 0xC0;
const SHORT_RESPONSE: usize = 256;
const WRONG_LENGTH: Word = Word::new(0x6700);
const WRONG_CLASS: Word = Word::new(0x6E00);
const NOTHING_READY: Word = Word::new(0x6985);

pub struct Transport {
    protocol: Protocol,
    card: Card,
    model: Model,
    /// The rest for GET RESPONSE, the word at its end, and the class of its command.
    ready: Option<(Response, u8)>,
    /// The data of a chain so far.
    chain: Vec<u8>,
}

/// The parts of a command APDU.
struct Apdu<'a> {
    data: &'a [u8],
    ne: usize,
    is_extended: bool,
}

impl Transport {
    pub fn new(protocol: Protocol, card: &Card) -> Transport {
        Transport { protocol, card: card.clone(), model: Model::new(card), ready: None, chain: Vec::new() }
    }

    pub fn reset(&mut self) {
        self.ready = None;
        self.chain.clear();
        self.model.reset();
    }

    pub fn exchange(&mut self, apdu: &[u8]) -> Vec<u8> {
        let (mut data, word) = match (apdu, body(apdu)) {
            (&[cla, ins, p1, p2, ..], Some(body)) => self.command(cla, [ins, p1, p2], &body),
            _ => (Vec::new(), WRONG_LENGTH),
        };
        data.extend(word.value().to_be_bytes());
        data
    }

    fn command(&mut self, cla: u8, [ins, p1, p2]: [u8; 3], body: &Apdu) -> Response {
        if ins == GET_RESPONSE {
            return self.get_response(cla, body.ne);
        }
        self.ready = None;
        let refused = |word| (Vec::new(), word);
        if !self.card.classes.0.contains(&(cla & !CHAINING)) {
            return refused(WRONG_CLASS);
        }
        if let (true, Some(word)) = (body.is_extended, self.card.extended) {
            return refused(word);
        }
        let is_chained = cla & CHAINING != 0;
        if let (true, Some(word)) = (is_chained, self.card.chaining) {
            return refused(word);
        }
        self.chain.extend_from_slice(body.data);
        if is_chained {
            return refused(Word::OK);
        }
        let data = std::mem::take(&mut self.chain);
        let has_data = !data.is_empty();
        // With data T=0 has no Le, so the response that fits one GET RESPONSE is prepared.
        let ne = if self.protocol == Protocol::T0 && has_data { SHORT_RESPONSE } else { body.ne };
        let command = Command { ins, p1, p2, data, ne };
        let response = if cla == SIM { self.model.execute_as_sim(&command) } else { self.model.execute(&command) };
        self.answer(cla, response, body.ne, has_data)
    }

    /// With T=0 a command has data or a response; the response to a command with data is fetched. A response longer
    /// than Le is not sent, but the card tells its length.
    fn answer(&mut self, cla: u8, response: Response, ne: usize, has_data: bool) -> Response {
        let length = response.0.len();
        if length == 0 {
            return response;
        }
        if self.protocol == Protocol::T0 && has_data {
            self.ready = Some((response, cla));
            return (Vec::new(), more(cla, length));
        }
        let fits = if self.protocol == Protocol::T0 { length == ne } else { length <= ne };
        if fits { response } else { (Vec::new(), exact(cla, length)) }
    }

    fn get_response(&mut self, cla: u8, ne: usize) -> Response {
        let Some(((data, word), class)) = self.ready.take() else { return (Vec::new(), NOTHING_READY) };
        let is_right = match &self.card.get_response {
            Some(classes) => classes.0.contains(&cla),
            None => cla == class,
        };
        if !is_right {
            self.ready = Some(((data, word), class));
            return (Vec::new(), WRONG_CLASS);
        }
        if ne > data.len() {
            let length = data.len();
            self.ready = Some(((data, word), class));
            return (Vec::new(), exact(class, length));
        }
        let rest = data[ne..].to_vec();
        let answer = data[..ne].to_vec();
        if rest.is_empty() {
            return (answer, word);
        }
        let length = rest.len();
        self.ready = Some(((rest, word), class));
        (answer, more(class, length))
    }
}

fn more(cla: u8, length: usize) -> Word {
    Word::new(if cla == SIM { 0x9F00 } else { 0x6100 } | length.min(256) as u16 & 0xFF)
}

fn exact(cla: u8, length: usize) -> Word {
    Word::new(if cla == SIM { 0x6700 } else { 0x6C00 } | length.min(256) as u16 & 0xFF)
}

/// The part after the header; None for wrong lengths.
fn body(apdu: &[u8]) -> Option<Apdu<'_>> {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
    let le = |bytes: &[u8], most: usize| match (bytes.len(), number(bytes)) {
        (0, _) => 0,
        (_, 0) => most,
        (_, length) => length,
    };
    let short = |data, ne| Some(Apdu { data, ne, is_extended: false });
    let extended = |data, ne| Some(Apdu { data, ne, is_extended: true });
    match apdu.get(4..)? {
        [] => short(&[], 0),
        [length] => short(&[], le(&[*length], 256)),
        [0, high, low] => extended(&[], le(&[*high, *low], 65536)),
        [0, high, low, rest @ ..] => {
            let (data, behind) = rest.split_at_checked(number(&[*high, *low]))?;
            matches!(behind.len(), 0 | 2).then(|| extended(data, le(behind, 65536)))?
        }
        [length, rest @ ..] => {
            let (data, behind) = rest.split_at_checked((*length).into())?;
            (behind.len() < 2).then(|| short(data, le(behind, 256)))?
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        text.parse::<crate::bytes::Bytes>().unwrap().0
    }

    /// Sends commands to a card, and compares its responses.
    fn check_exchanges(protocol: Protocol, card: &str, lines: &[(&str, &str)]) {
        let card: Card = toml::from_str(card).unwrap();
        let mut transport = Transport::new(protocol, &card);
        for (command, answer) in lines {
            assert_eq!(transport.exchange(&bytes(command)), bytes(answer), "{command}");
        }
    }

    const FILES: &str = "
        file = [
            { path = '3F00/2F00', records = ['0102', '0304'], short_id = 30 },
            { path = '3F00/5015/4401', content = '[0..300]' },
            { path = 'A000000247/0101', content = '[0..10]', short_id = 1 },
        ]
        code = [{ reference = 1, value = \"'1234'\", tries = 2, last = '63C0' }]
    ";

    #[test]
    fn files_are_selected_and_read_with_t_1() {
        check_exchanges(
            Protocol::T1,
            FILES,
            &[
                ("00B0000000", "6986"),
                ("00A40000024401", "6A82"),
                ("00A4000C025015", "9000"),
                ("00A4020402440100", "62 0B 8002012C 820101 83024401 9000"),
                ("00B0000004", "[0..4] 9000"),
                ("00B0012000", "[288..300] 9000"),
                ("00B0012C00", "6B00"),
                ("00B00000 000000", "[0..300] 9000"),
                ("00B10000 03 540120 00", "53 81FC [32..284] 9000"),
                ("00B201F400", "6A82"),
                ("00A4000C023F00", "9000"),
                ("00B201F400", "0102 9000"),
                ("00B202F402", "0304 9000"),
                ("00B203F400", "6A83"),
                ("00B201F401", "6C02"),
                ("00A4080C0450154401", "9000"),
                ("00A4040C05A000000247", "9000"),
                ("00B08100 0A", "[0..10] 9000"),
                ("00A4030C", "6A82"),
                ("00DC01F4020506", "6A82"),
                ("00CA000000", "6D00"),
                ("80B0000000", "6E00"),
                ("00B000000500", "6700"),
            ],
        );
    }

    #[test]
    fn answers_are_fetched_with_t_0() {
        check_exchanges(
            Protocol::T0,
            FILES,
            &[
                ("00A40804045015440100", "610D"),
                ("00C0000000", "6C0D"),
                ("A0C000000D", "6E00"),
                ("00C0000003", "620B80 610A"),
                ("00C000000A", "02012C 820101 83024401 9000"),
                ("00C000000A", "6985"),
                ("00B0000000", "[0..256] 9000"),
                ("00A4000C023F00", "9000"),
                ("00B201F400", "6C02"),
                ("00B201F402", "0102 9000"),
            ],
        );
    }

    #[test]
    fn codes_are_counted() {
        check_exchanges(
            Protocol::T1,
            FILES,
            &[
                ("00200001", "63C2"),
                ("0020000104 '1111'", "63C1"),
                ("0020000104 '1234'", "9000"),
                ("00200001", "9000"),
                ("0020000104 '1111'", "63C1"),
                ("0020000104 '1111'", "63C0"),
                ("0020000104 '1234'", "6983"),
                ("00200001", "6983"),
                ("00200002", "6A88"),
            ],
        );
    }

    #[test]
    fn limits_are_kept() {
        let with = |limits: &str| format!("{limits}\n[[file]]\npath = '3F00/4401'\ncontent = '[0..300]'");
        check_exchanges(
            Protocol::T1,
            &with(
                "read = { most = 192, across_the_end = '6CXX', at_the_end = '6282' }
                write.most = 2
                extended = '6F00'",
            ),
            &[
                ("00A4000C024401", "9000"),
                ("00B00000C0", "[0..192] 9000"),
                ("00B00000C1", "6700"),
                ("00B0000000", "6700"),
                ("00B0000000 0000", "6F00"),
                ("00B00100C0", "6C2C"),
                ("00B0012C01", "6282"),
                ("00D60000020000", "9000"),
                ("00D6000003000000", "6700"),
                ("00D6012B02 0000", "6A84"),
                ("00D6012C01 00", "6B00"),
            ],
        );
        check_exchanges(
            Protocol::T1,
            &with("read = { most = 100, beyond_most = 'less', across_the_end = 'less 6282' }\nchaining = '6884'"),
            &[
                ("00A4000C024401", "9000"),
                ("00B0000000", "[0..100] 9000"),
                ("00B0010064", "[256..300] 6282"),
                ("10D60000020102", "6884"),
            ],
        );
        check_exchanges(
            Protocol::T1,
            &with(""),
            &[
                ("00A4000C024401", "9000"),
                ("10D60000020102", "9000"),
                ("00D6000001FF", "9000"),
                ("00B0000004", "0102FF02 9000"),
            ],
        );
    }
}

//! A card that gives its answer in parts of any length, accepts any Le or one, sends any data with a refusal, and knows
//! one class of GET RESPONSE. The result has each byte of the answer once.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

struct AnyCard {
    protocol: Protocol,
    content: Vec<u8>,
    given: usize,
    /// The longest part that it gives.
    part: usize,
    wants_exact_le: bool,
    fetching: u8,
    junk: Vec<u8>,
    response: Vec<u8>,
}

impl AnyCard {
    fn answer(&mut self, apdu: &[u8]) {
        let [cla, ins, _, _, body @ ..] = apdu else { panic!("{apdu:02X?}") };
        let refuse = |word: u16| [&self.junk[..], &word.to_be_bytes()].concat();
        let rest = self.content.len() - self.given;
        let ready = rest.min(self.part);
        let le = match (*ins, body) {
            (ins::GET_RESPONSE, [_]) if *cla != self.fetching => {
                self.response = refuse(0x6E00);
                return;
            }
            (_, [le]) | (_, [_, _, le]) => {
                if *le == 0 {
                    256
                } else {
                    usize::from(*le)
                }
            }
            // In T=0 the answer is fetched.
            _ => 0,
        };
        if self.wants_exact_le && le > 0 && le != ready {
            self.response = refuse(0x6C00 | (ready as u16 & 0xFF));
            return;
        }
        let now = ready.min(le);
        self.response = self.content[self.given..self.given + now].to_vec();
        self.given += now;
        let word = match rest - now {
            0 => 0x9000,
            more => 0x6100 | if more < 256 { more as u16 } else { 0 },
        };
        self.response.extend(word.to_be_bytes());
    }
}

impl Carrier for AnyCard {
    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn exchange(&mut self, apdu: &[u8]) -> Result<&[u8]> {
        self.answer(apdu);
        Ok(&self.response)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_byte_comes_once(
        t_0 in any::<bool>(),
        cla in prop_oneof![Just(0x00), Just(0x0C), Just(0x80), Just(0x84), Just(0xA0), Just(0xC0), Just(0x4F)],
        has_data in any::<bool>(), is_other in any::<bool>(), wants_exact_le in any::<bool>(),
        content in vec(any::<u8>(), 1..1500), part in 1usize..=256, junk in vec(any::<u8>(), 0..5), ne in 1usize..2000,
    ) {
        let data: &[u8] = if has_data { &[5] } else { &[] };
        let command = Command { cla, ..Command::new(0xF2, 0, 0) }.with_data(data).expecting(ne);
        let fetching = Fetching::of(&command, false);
        let protocol = if t_0 { Protocol::T0 } else { Protocol::T1 };
        let class = fetching.classes.unwrap()[usize::from(is_other)];
        let mut card = AnyCard {
            protocol, content: content.clone(), given: 0, part, wants_exact_le, fetching: class, junk, response: vec![],
        };
        let mut answer = Vec::new();
        let delivered = command.deliver(&mut card, &SHORT, &fetching, &mut answer).unwrap();
        prop_assert_eq!(&answer[..], &content[..card.given], "what was given is there, and nothing else");
        prop_assert!(answer.len() >= ne.min(content.len()));
        prop_assert_eq!(delivered.status == StatusWord::OK, card.given == content.len());
        prop_assert!(delivered.status == StatusWord::OK || delivered.status.more().is_some());
    }
}

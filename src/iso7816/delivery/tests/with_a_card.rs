//! With the test card: written data are read again, whatever form the commands have.

use proptest::collection::vec;
use proptest::prelude::*;
use scm_card::TestCard;
use scm_card::features::Feature;
use scm_card::manners::Manners;
use scm_card::profile::{ElementaryFile, Profile};

use super::*;

const FILE: u16 = 0x4401;
const FILE_SIZE: usize = 32_768;

struct Wire {
    card: TestCard,
    protocol: Protocol,
    response: Vec<u8>,
}

impl Carrier for Wire {
    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn exchange(&mut self, apdu: &[u8]) -> Result<&[u8]> {
        self.response = self.card.transmit(apdu).unwrap();
        Ok(&self.response)
    }
}

impl Wire {
    /// A card with these limits.
    fn new(protocol: Protocol, limits: &Limits) -> Wire {
        let mut profile =
            Profile { manners: if protocol == Protocol::T0 { Manners::T0 } else { Manners::T1 }, ..Profile::default() };
        if !limits.chaining {
            profile.unsupported.unsupported.push(Feature::Chaining);
        }
        if limits.extended.is_none() {
            profile.unsupported.unsupported.push(Feature::Extended);
        }
        profile.mf.efs.push(ElementaryFile { id: FILE, size: Some(FILE_SIZE), ..ElementaryFile::default() });
        Wire { card: TestCard::new(&profile).unwrap(), protocol, response: Vec::new() }
    }

    fn send(&mut self, limits: &Limits, command: Command) -> Result<(Vec<u8>, u16)> {
        let mut answer = Vec::new();
        let delivered = command.deliver(self, limits, &Fetching::of(&command, false), &mut answer)?;
        answer.truncate(command.ne);
        Ok((answer, delivered.status.0))
    }
}

fn limits() -> impl Strategy<Value = Limits> {
    let extended = (255usize..=65_535, 256usize..=65_536).prop_map(|(data, response)| Extended { data, response });
    (any::<bool>(), prop_oneof![Just(None), Just(Some(EVERYTHING)), extended.prop_map(Some)])
        .prop_map(|(chaining, extended)| Limits { chaining, extended })
}

fn protocol() -> impl Strategy<Value = Protocol> {
    prop_oneof![Just(Protocol::T0), Just(Protocol::T1)]
}

/// Mostly lengths that are near to a limit.
fn data(most: usize) -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![1usize..4, 254usize..259, 508usize..514, 1..most];
    (length, vec(any::<u8>(), 1..50)).prop_map(|(length, pattern)| pattern.into_iter().cycle().take(length).collect())
}

/// Whether card and reader can carry the data of a command at all.
fn is_carried(limits: &Limits, data: &[u8]) -> bool {
    data.len() <= SHORT_DATA || limits.chaining || limits.extended.is_some_and(|extended| data.len() <= extended.data)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn written_data_can_be_read(protocol in protocol(), limits in limits(), data in data(65_500)) {
        let mut wire = Wire::new(protocol, &limits);
        let put = wire.send(&limits, Command::new(ins::PUT_DATA, 0x5F, 0x50).with_data(&data));
        if is_carried(&limits, &data) {
            prop_assert_eq!(put, Ok((vec![], 0x9000)));
            let got = wire.send(&limits, Command::new(ins::GET_DATA, 0x5F, 0x50).expecting(65_536));
            prop_assert!(got == Ok((data, 0x9000)));
        } else {
            prop_assert_eq!(put, Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE));
            prop_assert_eq!(wire.card.tell("count"), "ok 0");
        }
    }

    #[test]
    fn written_bytes_are_read(
        protocol in protocol(), limits in limits(), data in data(FILE_SIZE), step in 1usize..3000,
    ) {
        prop_assume!(is_carried(&limits, &data));
        let mut wire = Wire::new(protocol, &limits);
        let select = Command::new(ins::SELECT, 0, 0x0C);
        prop_assert_eq!(wire.send(&limits, select.with_data(&FILE.to_be_bytes())), Ok((vec![], 0x9000)));
        let written = wire.send(&limits, Command::new(ins::UPDATE_BINARY, 0, 0).with_data(&data));
        prop_assert_eq!(written, Ok((vec![], 0x9000)));
        let mut read = Vec::new();
        while read.len() < data.len() {
            let [p1, p2] = (read.len() as u16).to_be_bytes();
            let wanted = step.min(data.len() - read.len());
            let (part, word) = wire.send(&limits, Command::new(ins::READ_BINARY, p1, p2).expecting(wanted)).unwrap();
            prop_assert_eq!(word, 0x9000);
            // One command gets as much as one response can carry.
            prop_assert!(part.len() == wanted || part.len() >= SHORT_RESPONSE && part.len() < wanted);
            read.extend(part);
        }
        prop_assert!(read == data);
    }

    /// SELECT has data and an answer.
    #[test]
    fn a_file_is_described_alike_in_every_way(
        protocol in protocol(), limits in limits(), ne in 1usize..65_536,
    ) {
        let mut wire = Wire::new(protocol, &limits);
        let select = Command::new(ins::SELECT, 0, 4);
        let (answer, word) = wire.send(&limits, select.with_data(&FILE.to_be_bytes()).expecting(256)).unwrap();
        prop_assert_eq!((word, answer.first(), answer.len()), (0x9000, Some(&0x62), 28));
        let (again, _) = wire.send(&limits, select.with_data(&FILE.to_be_bytes()).expecting(ne)).unwrap();
        prop_assert_eq!(&again[..], &answer[..ne.min(answer.len())]);
    }
}

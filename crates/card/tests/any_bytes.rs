//! Any bytes get a status word, after any earlier bytes: no panic, no response that is too long.

use proptest::collection::vec;
use proptest::prelude::*;
use scm_card::{Card, Profile};

/// Longer than any response of the card.
const TOO_LONG: usize = 65_536;

fn card(name: &str, additions: &str) -> Card {
    let text = format!("{additions}\n{}", Profile::built_in(name).unwrap());
    Card::new(&Profile::from_toml(&text).unwrap()).unwrap()
}

fn cards() -> [Card; 3] {
    let mut profile = Profile::from_toml(Profile::built_in("default").unwrap()).unwrap();
    profile.manners = scm_card::manners::Manners::T0;
    [card("default", "memory = 5000"), card("steerable", ""), Card::new(&profile).unwrap()]
}

fn check(card: &mut Card, apdu: &[u8]) -> Result<(), TestCaseError> {
    let response = card.transmit(apdu);
    prop_assert!((2..TOO_LONG).contains(&response.len()));
    let status = response[response.len() - 2];
    prop_assert!(matches!(status, 0x61..=0x6F | 0x90), "{status:02X}");
    Ok(())
}

/// Instructions of the card, and any other.
fn ins() -> impl Strategy<Value = u8> {
    let known =
        b"\x04\x0E\x0F\x20\x24\x2C\x44\x70\x82\x84\x88\xA4\xB0\xB1\xB2\xC0\xC2\xCA\xCB\xD0\xD1\xD2\xD6\xD7\xDA\xDB\
        \xDC\xE0\xE2\xE4\x5E\x5F\xEC";
    prop_oneof![9 => prop::sample::select(&known[..]), 1 => any::<u8>()]
}

/// Bytes with a meaning for the card more often than others.
fn parameter() -> impl Strategy<Value = u8> {
    prop_oneof![0..8u8, Just(0x80), Just(0x81), Just(0x0C), 0x40..0x58u8, any::<u8>()]
}

/// Data fields with a meaning for the card.
const WORDS: &[&[u8]] = &[
    b"\x50\x15",
    b"\x44\x01",
    b"\x44\x03",
    b"\x50\x16",
    b"\x3F\x00",
    b"\x31\x32\x33\x34\xFF\xFF\xFF\xFF",
    b"\x54\x01\x02\x53\x01\x09",
    b"\x62\x0B\x80\x02\x00\x04\x82\x01\x01\x83\x02\x44\x09",
    b"\x5C\x00",
    b"secret",
];

fn data() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::sample::select(WORDS);
    prop_oneof![Just(vec![]), word.prop_map(<[u8]>::to_vec), vec(any::<u8>(), 1..40), vec(parameter(), 1..40)]
}

/// A well-formed command.
fn command() -> impl Strategy<Value = Vec<u8>> {
    let cla = prop_oneof![8 => Just(0x00u8), 1 => Just(0x10), 1 => Just(0x80), 2 => any::<u8>()];
    (cla, ins(), parameter(), parameter(), data(), prop::option::of(any::<u8>())).prop_map(
        |(cla, ins, p1, p2, data, le)| {
            let mut apdu = vec![cla, ins, p1, p2];
            if !data.is_empty() {
                apdu.push(data.len() as u8);
            }
            apdu.extend(data);
            apdu.extend(le);
            apdu
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn bytes_of_no_meaning(apdus in vec(vec(any::<u8>(), 0..300), 1..20)) {
        for mut card in cards() {
            for apdu in &apdus {
                check(&mut card, apdu)?;
            }
        }
    }

    #[test]
    fn commands_of_all_kinds(apdus in vec(command(), 1..60)) {
        for mut card in cards() {
            for apdu in &apdus {
                check(&mut card, apdu)?;
            }
            card.reset();
            check(&mut card, &[0x00, 0xA4, 0x00, 0x0C])?;
        }
    }

    #[test]
    fn any_text_is_a_description_or_an_error(text in "\\PC*") {
        let _ = Profile::from_toml(&text).map(|profile| Card::new(&profile).is_ok());
    }
}

#[test]
fn bytes_of_every_length_up_to_the_longest_command_and_beyond() {
    for mut card in cards() {
        let long = vec![0x00; 70_000];
        for length in (0..600).chain([65_535, 65_536, 65_543, 65_544, 65_545, 70_000]) {
            check(&mut card, &long[..length]).unwrap();
        }
    }
}

#[test]
fn the_longest_command_is_understood() {
    let mut card = card("steerable", "");
    let apdu = [&[0x80, 0x5E, 0, 0, 0, 0xFF, 0xFF][..], &[7; 65_535], &[0, 0]].concat();
    assert_eq!(apdu.len(), 65_544);
    assert_eq!(card.transmit(&apdu), [0x90, 0x00]);
    assert_eq!(card.transmit(&[0x80, 0x5F, 0, 0, 0]).len(), 65_535);
}

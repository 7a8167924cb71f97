//! Readers and their cards.

use super::*;

#[test]
fn every_other_attachment_gets_one_signal_of_a_reset() {
    let (bench, card) = TestReader::with_card();
    let (mine, others) = (bench.attach(), bench.attach());
    card.events();
    assert_eq!(mine.reconnect(RESET), Ok(Reconnected::SameCard));
    assert_eq!(card.events(), [2]);
    assert_eq!(transmit(&mine), answered());
    for _ in 0..2 {
        assert_eq!(transmit(&others), Err(Hresult::SCARD_W_RESET_CARD));
    }
    assert_eq!(others.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    assert_eq!(transmit(&others), answered());
    assert_eq!((mine.generation(), others.generation()), (1, 1));
    reset(bench.ifd, Disposition::Unpower).unwrap();
    assert_eq!(card.events(), [0]);
    assert_eq!(transmit(&mine), Err(Hresult::SCARD_W_RESET_CARD));
    assert_eq!(mine.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    // Off and on: as with pcscd, a reconnect alone does not power the card, but the attachment asks for the power.
    assert_eq!((card.events(), transmit(&mine)), (vec![0, 1], answered()));
    assert_eq!(reset(bench.ifd, Disposition::Eject), Err(Hresult::E_INVALIDARG));
}

#[test]
fn a_detach_does_not_reset_another_card() {
    let (bench, _) = TestReader::with_card();
    let mut attachment = bench.attach();
    remove(bench.ifd).unwrap();
    let next = bench.insert(ATR);
    attachment.set_disposition(Disposition::Reset);
    assert_eq!(attachment.close(), Ok(()));
    assert_eq!(next.events(), [1]);
}

#[test]
fn a_reader_that_comes_back_can_be_reconnected() {
    let (bench, _) = TestReader::with_card();
    let attachment = bench.attach();
    destroy(bench.ifd).unwrap();
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_E_READER_UNAVAILABLE));
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Err(Hresult::SCARD_E_READER_UNAVAILABLE));
    let again = create(bench.name, make()).unwrap();
    assert_eq!(create(bench.name, make()), Err(Hresult::SCARD_E_DUPLICATE_READER));
    insert(again, Behaviour::new().card(ATR, None)).unwrap();
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    assert_eq!(transmit(&attachment), answered());
    destroy(again).unwrap();
}

#[test]
fn the_first_connection_selects_the_protocol_for_all() {
    let (bench, _) = TestReader::with_card();
    let only = |protocols| Access { protocols, ..Access::default() };
    let protocol = |attachment: &Attachment| attachment.status().unwrap().1;
    let first = bench.attach_with(only(Protocols::T0)).unwrap();
    assert_eq!(protocol(&first), Some(Protocol::T0));
    assert_eq!(protocol(&bench.attach()), Some(Protocol::T0));
    assert_eq!(bench.attach_with(only(Protocols::T1)).err(), Some(Hresult::SCARD_E_PROTO_MISMATCH));
    let t1 = ReconnectRequest { protocols: Some(Protocols::T1), ..RESET };
    assert_eq!(first.reconnect(t1), Ok(Reconnected::SameCard));
    assert_eq!(protocol(&first), Some(Protocol::T1));
    let raw = ReconnectRequest { protocols: Some(Protocols::Raw), ..RESET };
    assert_eq!(first.reconnect(raw), Ok(Reconnected::SameCard));
    assert_eq!((protocol(&first), transmit(&first)), (Some(Protocol::Raw), answered()));
}

#[test]
fn unusable_cards_have_different_codes() {
    let bench = TestReader::new();
    let inserted = |atr: &[u8], protocols, mute| {
        let card = Behaviour::new();
        card.mute.store(mute, Ordering::Relaxed);
        insert(bench.ifd, card.card(atr, protocols)).unwrap();
        let answer = bench.attach_with(Access::default()).err();
        remove(bench.ifd).unwrap();
        answer
    };
    assert_eq!(inserted(ATR, None, 0), None);
    assert_eq!(inserted(ATR, None, 1), Some(Hresult::SCARD_W_UNRESPONSIVE_CARD));
    assert_eq!(inserted(b"\x3B\x80", None, 0), Some(Hresult::SCARD_W_UNSUPPORTED_CARD));
    assert_eq!(inserted(b"\x3B\x80", Some(Protocols::T0), 0), None);
    assert_eq!(inserted(ATR, Some(Protocols::Raw), 0), Some(Hresult::SCARD_E_PROTO_MISMATCH));
    assert_eq!(bench.attach_with(Access::default()).err(), Some(Hresult::SCARD_E_NO_SMARTCARD));
    // A direct connection needs no card.
    let direct = bench.attach_with(DIRECT).unwrap();
    assert_eq!(direct.status(), Ok((CardState::Absent, None)));
}

#[test]
fn a_mute_card_that_answers_again_can_be_reconnected() {
    let (bench, card) = TestReader::with_card();
    let attachment = bench.attach();
    card.mute.store(1, Ordering::Relaxed);
    assert_eq!(attachment.reconnect(RESET), Err(Hresult::SCARD_W_UNRESPONSIVE_CARD));
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_W_RESET_CARD));
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Err(Hresult::SCARD_W_UNRESPONSIVE_CARD));
    card.mute.store(0, Ordering::Relaxed);
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    assert_eq!((transmit(&attachment), attachment.generation()), (answered(), 1));
}

#[test]
fn a_card_that_fails_to_answer_needs_no_reconnect() {
    let (bench, card) = TestReader::with_card();
    let attachment = bench.attach();
    card.fails.store(1, Ordering::Relaxed);
    fail(bench.ifd, failure(Operation::Status, Hresult::SCARD_W_REMOVED_CARD)).unwrap();
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_W_REMOVED_CARD));
    card.fails.store(0, Ordering::Relaxed);
    assert_eq!(transmit(&attachment), answered());
}

#[test]
fn attributes_and_control_codes_belong_to_the_reader() {
    let (bench, _) = TestReader::with_card();
    let attachment = bench.attach();
    let attribute = |id| attachment.get_attribute(id, |value| Ok(value.to_vec()));
    assert_eq!(attribute(0x0001_0100), Ok(b"Vendor\0".to_vec()));
    assert_eq!(attribute(0x7FFF_0003).unwrap(), bench.name.as_c_str().to_bytes_with_nul());
    assert_eq!(attribute(0x7FFF_0004), attribute(0x7FFF_0003));
    assert_eq!(attribute(0x0009_0303), Ok(ATR.to_vec()));
    assert_eq!(attribute(0x0009_0300), Ok(vec![2]));
    assert_eq!(attribute(0x0008_0201), Ok(2u32.to_ne_bytes().to_vec()));
    assert_eq!(attribute(1), Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE));
    assert_eq!(attachment.set_attribute(0x0009_0303, ATR), Err(Hresult::SCARD_E_NOT_TRANSACTED));
    assert_eq!(attachment.set_attribute(0x0009_0303, &[]), Err(Hresult::SCARD_E_INVALID_PARAMETER));
    let control = |code| attachment.control(code, &[1, 2], |answer| Ok(answer.to_vec()));
    assert_eq!(control(1), Ok(vec![0x42]));
    assert_eq!(control(2), Err(Hresult::SCARD_E_NOT_TRANSACTED));
    assert_eq!(control(3), Err(Hresult::SCARD_E_NOT_TRANSACTED));
    assert_eq!(control(4), Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE));
    assert_eq!(control(5), Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE));
    reset(bench.ifd, Disposition::Reset).unwrap();
    assert_eq!(attribute(0x0009_0303), Err(Hresult::SCARD_W_RESET_CARD));
}

//! The code that a failed call gets.

use super::*;

#[test]
fn a_vague_failure_is_diagnosed_once() {
    for truth in [Hresult::SCARD_W_RESET_CARD, Hresult::SCARD_W_REMOVED_CARD, Hresult::SCARD_E_NO_SERVICE] {
        let script = Script::new();
        let attachment = attached(script);
        script.fail("transmit", &[Hresult::SCARD_F_COMM_ERROR, truth]);
        script.fail("status", &[truth]);
        assert_eq!(transmit(&attachment), Err(truth));
        assert_eq!(script.take_calls(), ["transmit", "status"]);
        // Another call that fails because of the same event counts no other loss.
        assert_eq!(transmit(&attachment), Err(truth));
        assert_eq!(attachment.generation(), 1);
    }
}

/// Each use of a reader by others ends a wait for its removal. In this test they never stop.
#[test]
fn a_removal_is_waited_for_no_longer_than_it_takes() {
    let script = Script::new();
    let attachment = attached(script);
    script.fail("transmit", &[Hresult::SCARD_E_NOT_TRANSACTED]);
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_E_NOT_TRANSACTED));
    assert!(script.take_calls().iter().filter(|call| **call == "wait").count() > 1);
}

#[test]
fn an_exchange_that_broke_off_counts_although_the_card_is_there() {
    let script = Script::new();
    let attachment = attached(script);
    script.fail("transmit", &[Hresult::SCARD_E_NOT_TRANSACTED, Hresult::SCARD_E_COMM_DATA_LOST]);
    script.fail("wait", &[Hresult::SCARD_E_TIMEOUT, Hresult::SCARD_E_TIMEOUT]);
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_E_NOT_TRANSACTED));
    assert_eq!(attachment.generation(), 1);
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_E_COMM_DATA_LOST));
    assert_eq!(attachment.generation(), 2);
    // Nothing was sent again, and the next reconnect checks everything.
    assert_eq!(script.take_calls().iter().filter(|call| **call == "transmit").count(), 2);
    assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
    assert_eq!(script.take_calls(), ["probe", "reconnect", "identify"]);
    assert_eq!(attachment.generation(), 2);
}

#[test]
fn an_empty_answer_is_a_card_that_was_pulled_or_a_failure() {
    let script = Script::new();
    let attachment = attached(script);
    for answer in [vec![], vec![0x90]] {
        script.scene(|scene| scene.answer = answer);
        script.fail("wait", &[Hresult::SCARD_E_TIMEOUT]);
        assert_eq!(transmit(&attachment), Err(Hresult::SCARD_F_COMM_ERROR));
        assert!(last_response(&attachment).is_empty());
    }
    assert_eq!(attachment.generation(), 2);
    // The card was already on its way out.
    script.scene(|scene| scene.state = CardState::Absent);
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_W_REMOVED_CARD));
    assert_eq!(attachment.generation(), 2);
}

#[test]
fn a_removal_after_a_success_is_another_loss_than_the_exchange_that_broke_off_before() {
    for success in [
        |attachment: &Attachment| transmit(attachment).map(drop),
        |attachment: &Attachment| attachment.control(1, &[], |_| Ok(())),
    ] {
        let script = Script::new();
        let attachment = attached(script);
        script.fail("transmit", &[Hresult::SCARD_E_COMM_DATA_LOST]);
        script.fail("wait", &[Hresult::SCARD_E_TIMEOUT]);
        assert_eq!(transmit(&attachment), Err(Hresult::SCARD_E_COMM_DATA_LOST));
        assert_eq!(success(&attachment), Ok(()));
        script.scene(|scene| scene.state = CardState::Absent);
        assert_eq!(attachment.status(), Ok((CardState::Absent, None)));
        assert_eq!(attachment.generation(), 2);
    }
}

#[test]
fn a_removal_is_seen_in_a_new_context_if_the_handle_is_borrowed() {
    let script = Script::new();
    let attachment = borrowed(script);
    script.scene(|scene| scene.answer.clear());
    script.fail("wait", &[Hresult::SCARD_E_TIMEOUT]);
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_F_COMM_ERROR));
    assert_eq!(script.take_calls(), ["transmit", "status", "establish", "look", "wait", "release"]);
}

#[test]
fn a_borrowed_handle_is_dead_after_a_restart_of_the_service() {
    let script = Script::new();
    let attachment = borrowed(script);
    script.fail("transmit", &[Hresult::SCARD_E_NO_SERVICE, Hresult::SCARD_E_NO_SERVICE]);
    script.fail("establish", &[Hresult::SCARD_E_NO_SERVICE]);
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_E_NO_SERVICE));
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_E_INVALID_HANDLE));
    assert_eq!(attachment.generation(), 1);
}

#[test]
fn a_protocol_that_is_gone_is_a_reset_that_was_not_signalled() {
    let script = Script::new();
    let attachment = attached(script);
    script.fail("transmit", &[Hresult::SCARD_E_PROTO_MISMATCH]);
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_W_RESET_CARD));
    assert_eq!(attachment.generation(), 1);
    script.take_calls();
    assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
    assert_eq!(script.take_calls(), ["reconnect", "identify"]);

    script.scene(|scene| scene.protocol = None);
    assert_eq!(attachment.status(), Err(Hresult::SCARD_W_RESET_CARD));
    script.scene(|scene| scene.protocol = Some(Protocol::T1));
    assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
    assert_eq!(attachment.generation(), 2);
}

#[test]
fn a_call_that_succeeds_again_ends_an_interruption() {
    let script = Script::new();
    let attachment = borrowed(script);
    script.fail("transmit", &[Hresult::SCARD_W_RESET_CARD]);
    assert!(transmit(&attachment).is_err());
    // The owner of the handle has reconnected it. Another reset is another loss.
    assert!(transmit(&attachment).is_ok());
    script.fail("transmit", &[Hresult::SCARD_W_RESET_CARD]);
    assert!(transmit(&attachment).is_err());
    assert_eq!(attachment.generation(), 2);
    // The owner has reconnected it to another card.
    assert!(transmit(&attachment).is_ok());
    script.scene(|scene| (scene.atr, scene.events) = (Atr::new(ATR_B), 3));
    assert_eq!(reconnect(&attachment), Ok(Reconnected::OtherCard));
    assert_eq!(attachment.generation(), 3);
}

#[test]
fn a_removal_with_a_hidden_signal_is_waited_for() {
    let script = Script::new();
    let attachment = attached(script);
    script.fail("probe", &[Hresult::SCARD_E_SHARING_VIOLATION]);
    script.fail("identify", &[Hresult::SCARD_W_RESET_CARD]);
    assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
    assert_eq!(script.take_calls(), ["probe", "identify", "reconnect", "identify"]);
    assert_eq!(attachment.generation(), 1);
}

#[test]
fn a_mismatch_that_comes_of_a_reset_passes() {
    let script = Script::new();
    script.fail("connect", &[Hresult::SCARD_E_PROTO_MISMATCH; 2]);
    let attachment = attached(script);
    script.fail("probe", &[Hresult::SCARD_W_RESET_CARD]);
    script.fail("reconnect", &[Hresult::SCARD_E_PROTO_MISMATCH; 2]);
    assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
    script.fail("connect", &[Hresult::SCARD_E_PROTO_MISMATCH; 3]);
    let other = attach(script, Access::default());
    assert_eq!(other.err(), Some(Hresult::SCARD_E_PROTO_MISMATCH));
}

/// A call tells why it has failed. A cancel that comes meanwhile ends the next wait.
#[test]
fn a_cancel_is_kept_if_another_failure_is_told() {
    for question in ["status", "look"] {
        let script = Script::new();
        let attachment = attached(script);
        script.fail("transmit", &[Hresult::SCARD_F_COMM_ERROR]);
        script.fail(question, &[Hresult::SCARD_E_CANCELLED]);
        let sent = attachment.transmit_within(1000, &[0, 0xB0, 0, 0, 0], |_| Ok(()));
        assert_eq!(sent, Err(Hresult::SCARD_F_COMM_ERROR), "{question}");
        assert!(attachment.waker.is_cancelled(), "{question}");
    }
    let script = Script { ends_within_limit: true, ..Script::default() }.keep();
    let attachment = attached(script);
    attachment.cancel();
    assert!(attachment.transmit_within(1000, &[0, 0xB0, 0, 0, 0], |_| Ok(())).is_ok());
    assert_eq!(script.take_calls(), ["begin", "transmit", "end"]);
    assert!(attachment.waker.is_cancelled());

    let script = Script::new();
    let (holder, other) = (attached(script), attached(script));
    holder.lock().unwrap();
    other.cancel();
    script.fail("is taken", &[Hresult::SCARD_E_READER_UNAVAILABLE]);
    assert_eq!(other.lock_within(1000), Err(Hresult::SCARD_E_READER_UNAVAILABLE));
    assert!(other.waker.is_cancelled());
}

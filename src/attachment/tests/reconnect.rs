//! To reconnect.

use super::*;

#[test]
fn a_reconnect_with_nothing_to_do_makes_one_operation() {
    let script = Script::new();
    let attachment = attached(script);
    assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
    assert_eq!(script.take_calls(), ["probe"]);
    // A probe is an EndTransaction. It would end a transaction of this attachment, or of the owner of a borrowed
    // handle.
    attachment.lock().unwrap();
    script.take_calls();
    assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
    assert_eq!(script.take_calls(), ["identify"]);
    attachment.unlock(Disposition::Leave).unwrap();
    let attachment = borrowed(script);
    assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
    assert_eq!(script.take_calls(), ["identify"]);
}

#[test]
fn a_swap_that_gave_no_signal_is_seen_by_the_count_of_events() {
    let script = Script::new();
    let attachment = borrowed(script);
    script.scene(|scene| scene.events = 3);
    assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
    assert_eq!(attachment.generation(), 1);
    script.scene(|scene| (scene.events, scene.atr) = (5, Atr::new(ATR_B)));
    assert_eq!(reconnect(&attachment), Ok(Reconnected::OtherCard));
    assert_eq!(attachment.atr(), Atr::new(ATR_B));
    assert_eq!(attachment.generation(), 2);
}

#[test]
fn a_dead_connection_is_replaced_in_a_new_context() {
    for dead in [Hresult::SCARD_E_NO_SERVICE, Hresult::SCARD_E_INVALID_HANDLE, Hresult::SCARD_E_READER_UNAVAILABLE] {
        let script = Script::new();
        let attachment = attached(script);
        script.fail("probe", &[dead]);
        script.fail("reconnect", &[dead]);
        if dead == Hresult::SCARD_E_INVALID_HANDLE {
            script.fail("status", &[dead, dead]);
        }
        assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
        let calls: Vec<_> = script.take_calls().into_iter().filter(|call| *call != "status").collect();
        assert_eq!(calls, ["probe", "reconnect", "disconnect", "release", "establish", "connect", "identify"]);
        assert_eq!(attachment.generation(), 1);
    }
}

#[test]
fn calls_without_a_connection_tell_the_reason() {
    let reasons = [
        (Hresult::SCARD_E_NO_SERVICE, Hresult::SCARD_E_NO_SERVICE),
        (Hresult::SCARD_E_SHARING_VIOLATION, Hresult::SCARD_E_SHARING_VIOLATION),
        (Hresult::SCARD_E_UNKNOWN_READER, Hresult::SCARD_E_READER_UNAVAILABLE),
        (Hresult::SCARD_E_NO_SMARTCARD, Hresult::SCARD_W_REMOVED_CARD),
    ];
    for (failure, reported) in reasons {
        let script = Script::new();
        let attachment = attached(script);
        script.lose_service();
        script.fail("connect", &[failure]);
        assert!(reconnect(&attachment).is_err());
        script.take_calls();
        assert_eq!(transmit(&attachment), Err(reported));
        assert_eq!(attachment.lock(), Err(reported));
        assert_eq!(attachment.icc(), Err(reported));
        let absent = reported == Hresult::SCARD_W_REMOVED_CARD;
        assert_eq!(attachment.status(), if absent { Ok((CardState::Absent, None)) } else { Err(reported) });
        assert!(script.take_calls().is_empty());
        assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
        assert_eq!(script.take_calls(), ["establish", "connect", "identify"]);
        assert_eq!(attachment.generation(), 1);
    }
}

#[test]
fn a_reset_that_was_asked_for_is_made_on_a_new_connection_too() {
    let script = Script::new();
    let attachment = attached(script);
    script.fail("probe", &[Hresult::SCARD_E_NO_SERVICE]);
    script.fail("reconnect with a reset", &[Hresult::SCARD_E_NO_SERVICE]);
    assert_eq!(attachment.reconnect(RESET), Ok(Reconnected::SameCard));
    let calls = script.take_calls();
    let expected = ["establish", "connect", "reconnect with a reset", "identify"];
    assert_eq!(calls[calls.len() - 4..], expected);
}

#[test]
fn an_own_reset_is_acknowledged_by_the_next_call() {
    let script = Script::new();
    let attachment = attached(script);
    attachment.lock().unwrap();
    attachment.unlock(Disposition::Reset).unwrap();
    script.take_calls();
    script.fail("status", &[Hresult::SCARD_W_RESET_CARD]);
    assert!(transmit(&attachment).is_ok());
    assert_eq!(script.take_calls(), ["status", "reconnect", "identify", "transmit"]);
    assert!(transmit(&attachment).is_ok());
    assert_eq!(attachment.generation(), 1);

    // If the card was removed meanwhile, the reset is not acknowledged.
    attachment.lock().unwrap();
    attachment.unlock(Disposition::Reset).unwrap();
    script.fail("status", &[Hresult::SCARD_W_REMOVED_CARD]);
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_W_REMOVED_CARD));
    assert_eq!(attachment.generation(), 3);
}

/// An attachment whose wait for exclusive use was cancelled while the service was too busy to restore the old
/// connection.
fn cancelled_on_a_busy_machine(script: &'static Script) -> Attachment {
    let attachment = attached(script);
    attachment.cancel();
    script.fail("connect", &[Hresult::SCARD_E_SHARING_VIOLATION, Hresult::SCARD_E_TIMEOUT]);
    assert_eq!(attachment.reconnect(to_mode(ShareMode::Exclusive)), Err(Hresult::SCARD_E_CANCELLED));
    assert_eq!(attachment.generation(), 1);
    script.take_calls();
    attachment
}

#[test]
fn a_deferred_connection_is_made_by_the_next_call() {
    let script = Script::new();
    let attachment = cancelled_on_a_busy_machine(script);
    assert!(transmit(&attachment).is_ok());
    assert_eq!(script.take_calls(), ["establish", "connect", "identify", "transmit"]);
    assert!(transmit(&attachment).is_ok());
    assert_eq!(script.take_calls(), ["transmit"]);
    assert_eq!(attachment.generation(), 1);

    let attachment = cancelled_on_a_busy_machine(script);
    attachment.lock().unwrap();
    assert_eq!(script.take_calls(), ["establish", "connect", "identify", "begin"]);

    // A call with a limit may have to try again.
    let attachment = cancelled_on_a_busy_machine(script);
    script.fail("connect", &[Hresult::SCARD_E_TIMEOUT]);
    assert_eq!(attachment.lock_within(1000), Err(Hresult::SCARD_E_TIMEOUT));
    assert_eq!(attachment.lock_within(1000), Ok(()));
}

#[test]
fn a_deferred_connection_leads_to_no_other_card() {
    let script = Script::new();
    let attachment = cancelled_on_a_busy_machine(script);
    script.scene(|scene| (scene.atr, scene.events) = (Atr::new(ATR_B), 3));
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_W_REMOVED_CARD));
    assert_eq!(script.take_calls(), ["establish", "connect", "identify", "disconnect", "release"]);
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_W_REMOVED_CARD));
    assert!(script.take_calls().is_empty());
    assert_eq!(reconnect(&attachment), Ok(Reconnected::OtherCard));
    assert!(transmit(&attachment).is_ok());
}

#[test]
fn a_reader_that_was_unplugged_and_is_back_does_not_know_its_handles() {
    // `resource_manager/pcsc/policy.rs` tests the codes that the status returns.
    let unknown = [Hresult::SCARD_E_INVALID_VALUE];
    let script = Script::new();
    let attachment = attached(script);
    script.fail("transmit", &unknown);
    script.fail("status", &[Hresult::SCARD_E_READER_UNAVAILABLE; 2]);
    script.fail("reconnect", &unknown);
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_E_READER_UNAVAILABLE));
    assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
    assert_eq!(attachment.generation(), 1);

    let script = Script::new();
    let attachment = borrowed(script);
    script.fail("identify", &unknown);
    script.fail("status", &[Hresult::SCARD_E_INVALID_HANDLE; 2]);
    script.fail("reconnect", &unknown);
    assert_eq!(reconnect(&attachment), Err(Hresult::SCARD_E_INVALID_HANDLE));
}

#[test]
fn a_connection_that_was_replaced_is_not_asked_about() {
    let script = Script::new();
    let attachment = attached(script);
    script.lose_service();
    script.fail("connect", &[Hresult::SCARD_F_COMM_ERROR]);
    assert_eq!(reconnect(&attachment), Err(Hresult::SCARD_F_COMM_ERROR));
    assert!(!script.take_calls().contains(&"status"));
    assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
}

//! Locks and exclusive use.

use super::*;

#[test]
fn a_lock_is_taken_again_where_the_platform_gives_it_up() {
    let script = Script { loses_transactions: true, ..Script::default() }.keep();
    let attachment = attached(script);
    attachment.lock().unwrap();
    script.take_calls();
    assert_eq!(attachment.reconnect(RESET), Ok(Reconnected::SameCard));
    assert_eq!(script.take_calls(), ["identify", "reconnect with a reset", "identify", "end", "begin"]);
    attachment.unlock(Disposition::Leave).unwrap();
    assert_eq!(script.take_calls(), ["end"]);
}

#[test]
fn a_lock_that_cannot_be_taken_again_fails_the_reconnect() {
    let script = Script::new();
    let attachment = attached(script);
    attachment.lock().unwrap();
    script.fail("identify", &[Hresult::SCARD_W_REMOVED_CARD]);
    script.fail("begin", &[Hresult::SCARD_E_SHARING_VIOLATION]);
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Err(Hresult::SCARD_E_SHARING_VIOLATION));
    // No connection is left that could be used as if it were locked.
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_E_SHARING_VIOLATION));
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    script.take_calls();
    attachment.unlock(Disposition::Leave).unwrap();
    assert_eq!(script.take_calls(), ["end"]);
}

#[test]
fn a_borrowed_handle_survives_a_lock_that_cannot_be_taken_again() {
    let script = Script::new();
    let attachment = borrowed(script);
    attachment.lock().unwrap();
    script.fail("identify", &[Hresult::SCARD_W_REMOVED_CARD]);
    script.fail("begin", &[Hresult::SCARD_E_SHARING_VIOLATION]);
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Err(Hresult::SCARD_E_SHARING_VIOLATION));
    assert!(!script.take_calls().contains(&"disconnect"));
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    attachment.unlock(Disposition::Leave).unwrap();
}

#[test]
fn locks_count_and_the_depth_has_an_end() {
    let script = Script::new();
    let attachment = attached(script);
    attachment.lock().unwrap();
    attachment.session.lock().unwrap().locks.depth = u32::MAX;
    assert_eq!(attachment.lock(), Err(Hresult::E_FAIL));
    attachment.session.lock().unwrap().locks.depth = 1;
    attachment.unlock(Disposition::Leave).unwrap();
    assert_eq!(script.take_calls(), ["begin", "end"]);
}

#[test]
fn the_lock_is_taken_again_after_exclusive_use() {
    let script = Script::new();
    let exclusive = Access { share_mode: ShareMode::Exclusive, ..Access::default() };
    let attachment = Attachment::by_ifd(script, name(), exclusive, None).unwrap();
    attachment.lock().unwrap();
    script.take_calls();
    let shared = ReconnectRequest { share_mode: Some(ShareMode::Shared), ..ReconnectRequest::default() };
    assert_eq!(attachment.reconnect(shared), Ok(Reconnected::SameCard));
    assert_eq!(script.take_calls(), ["identify", "reconnect", "identify", "end", "begin"]);
}

#[test]
fn exclusive_use_is_not_ended_by_a_probe() {
    let script = Script::new();
    let exclusive = Access { share_mode: ShareMode::Exclusive, ..Access::default() };
    let attachment = Attachment::by_ifd(script, name(), exclusive, None).unwrap();
    script.take_calls();
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    assert_eq!(script.take_calls(), ["identify"]);
}

#[test]
fn a_probe_does_not_end_a_lock_of_another_user_of_the_handle() {
    let script = Script::new();
    let attachment = attached(script);
    attachment.lend_icc().unwrap();
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    assert_eq!(script.take_calls(), ["identify"]);
}

#[test]
fn a_lock_that_the_owner_lost_by_a_reconnect_is_taken_again() {
    let script = Script::new();
    let attachment = borrowed(script);
    attachment.lock().unwrap();
    script.fail("transmit", &[Hresult::SCARD_W_REMOVED_CARD]);
    script.fail("end", &[Hresult::SCARD_W_REMOVED_CARD; 3]);
    assert!(transmit(&attachment).is_err());
    assert_eq!(script.take_calls(), ["begin", "transmit", "end", "end", "end"]);
    // The owner has reconnected: the card answers, but there is no transaction.
    assert!(transmit(&attachment).is_ok());
    script.take_calls();
    attachment.lock().unwrap();
    assert_eq!(script.take_calls(), ["begin"]);
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    assert_eq!(script.take_calls(), ["reconnect", "identify", "end", "begin"]);
}

#[test]
fn an_unlock_takes_no_lock_of_a_call() {
    let script = Script::new();
    let attachment = attached(script);
    attachment.lock_for_call().unwrap();
    assert_eq!(script.take_calls(), ["begin"]);
    assert_eq!(attachment.unlock(Disposition::Leave), Err(Hresult::SCARD_E_NOT_TRANSACTED));
    attachment.lock().unwrap();
    attachment.unlock(Disposition::Leave).unwrap();
    assert_eq!(script.take_calls(), [""; 0]);
    attachment.unlock_after_call();
    assert_eq!(script.take_calls(), ["end"]);
}

/// Without its lock the connection must not be used as if it had one. After the unlock there is no lock to miss.
#[test]
fn a_lock_that_was_not_had_in_time_costs_no_connection_after_its_unlock() {
    for code in [Hresult::SCARD_E_TIMEOUT, Hresult::SCARD_E_CANCELLED] {
        let script = Script { loses_transactions: true, ..Script::default() }.keep();
        let attachment = attached(script);
        attachment.lock().unwrap();
        script.fail("transmit", &[Hresult::SCARD_W_RESET_CARD]);
        assert_eq!(transmit(&attachment), Err(Hresult::SCARD_W_RESET_CARD));
        script.fail("begin", &[code]);
        let request = ReconnectRequest { limit_ms: 1000, ..ReconnectRequest::default() };
        assert_eq!(attachment.reconnect(request), Err(code));
        for _ in 0..2 {
            assert_eq!(transmit(&attachment), Err(code));
            assert_eq!(attachment.lock(), Err(code));
        }
        assert_eq!(attachment.unlock(Disposition::Leave), Err(code));
        script.take_calls();
        assert!(transmit(&attachment).is_ok());
        assert_eq!(script.take_calls(), ["establish", "connect", "identify", "transmit"]);
        assert_eq!(attachment.generation(), 1);
    }
}

/// All questions go through one context.
#[test]
fn a_wait_for_exclusive_use_opens_one_context() {
    let script = Script::new();
    let attachment = attached(script);
    script.fail("connect", &[Hresult::SCARD_E_SHARING_VIOLATION; 3]);
    let exclusive = ReconnectRequest { share_mode: Some(ShareMode::Exclusive), ..ReconnectRequest::default() };
    assert_eq!(attachment.reconnect(exclusive), Ok(Reconnected::SameCard));
    let calls = script.take_calls();
    assert_eq!(calls.iter().filter(|call| **call == "connect").count(), 4);
    assert_eq!(calls.iter().filter(|call| **call == "establish").count(), 1);
}

#[test]
fn a_wait_for_exclusive_use_survives_a_restart_of_the_service() {
    for code in [Hresult::SCARD_E_NO_SERVICE, Hresult::SCARD_E_INVALID_HANDLE] {
        let script = Script::new();
        let attachment = attached(script);
        let busy = Hresult::SCARD_E_SHARING_VIOLATION;
        script.fail("connect", &[busy, code, busy, code]);
        let exclusive = ReconnectRequest { share_mode: Some(ShareMode::Exclusive), ..ReconnectRequest::default() };
        assert_eq!(attachment.reconnect(exclusive), Ok(Reconnected::SameCard));
        let contexts = |name| script.calls.lock().unwrap().iter().filter(|call| **call == name).count();
        assert_eq!((contexts("establish"), contexts("connect"), contexts("release")), (3, 5, 3));
    }
}

/// A cancel ends a wait of the program, and not the work that follows a failure.
#[test]
fn a_cancel_does_not_end_a_clean_up() {
    let script = Script { ends_within_limit: true, ..Script::default() }.keep();
    let attachment = borrowed(script);
    attachment.lock().unwrap();
    // The transaction does not end, and the attachment keeps it.
    script.fail("end", &[Hresult::SCARD_F_COMM_ERROR; 20]);
    assert!(attachment.unlock(Disposition::Leave).is_err());
    script.failures.lock().unwrap().clear();
    attachment.cancel();
    let request = ReconnectRequest { limit_ms: 60_000, ..ReconnectRequest::default() };
    assert_eq!(attachment.reconnect(request), Ok(Reconnected::SameCard));
    assert!(script.take_calls().contains(&"end"));
    assert!(attachment.waker.is_cancelled());
    assert!(attachment.begin_call().unwrap().locks.reader.is_none());
}

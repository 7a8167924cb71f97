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

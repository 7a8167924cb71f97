//! To detach.

use super::*;

#[test]
fn detach_closes_once_and_releases_whatever_the_service_answers() {
    let script = Script::new();
    let mut attachment = attached(script);
    script.fail("disconnect", &[Hresult::SCARD_E_NO_SERVICE]);
    assert_eq!(attachment.close(), Ok(()));
    drop(attachment);
    assert_eq!(script.take_calls(), ["disconnect", "release"]);

    let mut attachment = attached(script);
    attachment.set_disposition(Disposition::Reset);
    script.fail("disconnect", &[Hresult::SCARD_W_REMOVED_CARD]);
    assert_eq!(attachment.close(), Err(Hresult::SCARD_W_REMOVED_CARD));
}

/// Another attachment took a lock after the detach had seen that the card is free: a thread of the library waits for
/// it.
#[test]
fn a_card_is_disposed_of_without_a_wait_in_a_function_of_the_program() {
    let (script, other) = (Script::new(), Script::new());
    let (holder, mut leaver) = (attached(script), attached(other));
    holder.lock().unwrap();
    other.is_locked_by_other.store(true, Ordering::Relaxed);
    holder.call_under_lock(|| {
        assert_eq!(leaver.check_disposition(Disposition::Reset), Err(Hresult::SCARD_E_NOT_READY));
        assert_eq!(leaver.check_disposition(Disposition::Leave), Ok(()));
        leaver.set_disposition(Disposition::Reset);
        assert_eq!(leaver.close(), Ok(()));
    });
    assert!(!other.take_calls().contains(&"disconnect"));
    holder.unlock(Disposition::Leave).unwrap();
    while !other.take_calls().contains(&"release") {
        std::thread::yield_now();
    }
}

#[test]
fn a_borrowed_handle_is_never_disconnected() {
    let script = Script::new();
    let mut attachment = borrowed(script);
    assert_eq!(attachment.check_disposition(Disposition::Unpower), Err(Hresult::E_INVALIDARG));
    attachment.lock().unwrap();
    attachment.close().unwrap();
    drop(attachment);
    assert_eq!(script.take_calls(), ["begin", "end"]);
    drop(borrowed(script));
    assert!(script.take_calls().is_empty());
}

#[test]
fn an_adopted_handle_is_disconnected_and_its_context_left() {
    let script = Script::new();
    let attachment = borrowed(script);
    attachment.own_as(Ownership::Owned);
    drop(attachment);
    assert_eq!(script.take_calls(), ["disconnect"]);
}

#[test]
fn after_a_panic_an_attachment_can_only_be_detached() {
    let script = Script::new();
    let mut attachment = attached(script);
    let panicked = catch_unwind(AssertUnwindSafe(|| attachment.transmit(b"panic", |_| Ok(()))));
    assert!(panicked.is_err());
    assert_eq!(transmit(&attachment), Err(Hresult::E_UNEXPECTED));
    assert_eq!(reconnect(&attachment), Err(Hresult::E_UNEXPECTED));
    assert_eq!(attachment.status(), Err(Hresult::E_UNEXPECTED));
    assert_eq!(attachment.atr(), Atr::new(ATR_A));
    script.take_calls();
    attachment.close().unwrap();
    assert_eq!(script.take_calls(), ["disconnect", "release"]);
}

#[test]
fn a_card_that_cannot_be_disposed_of_is_an_error_of_detach() {
    let script = Script::new();
    let mut attachment = attached(script);
    script.lose_service();
    script.fail("establish", &[Hresult::SCARD_E_NO_SERVICE]);
    assert!(reconnect(&attachment).is_err());
    attachment.set_disposition(Disposition::Reset);
    assert_eq!(attachment.close(), Err(Hresult::SCARD_E_NO_SERVICE));
}

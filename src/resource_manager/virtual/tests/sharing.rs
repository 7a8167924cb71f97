//! Several attachments to one reader.

use super::*;

#[test]
fn share_modes_are_enforced() {
    let (bench, _) = TestReader::with_card();
    let shared = bench.attach();
    assert_eq!(bench.attach_with(EXCLUSIVE).err(), Some(Hresult::SCARD_E_SHARING_VIOLATION));
    let second = bench.attach();
    drop((shared, second));
    let exclusive = bench.attach_with(EXCLUSIVE).unwrap();
    for access in [Access::default(), EXCLUSIVE, DIRECT] {
        assert_eq!(bench.attach_with(access).err(), Some(Hresult::SCARD_E_SHARING_VIOLATION));
    }
    let sharing = ReconnectRequest { share_mode: Some(ShareMode::Shared), ..ReconnectRequest::default() };
    assert_eq!(exclusive.reconnect(sharing), Ok(Reconnected::SameCard));
    bench.attach();
}

#[test]
fn a_lock_makes_others_wait_until_it_ends() {
    let (bench, _) = TestReader::with_card();
    let (holder, waiter) = (bench.attach(), bench.attach());
    holder.lock().unwrap();
    holder.lock().unwrap();
    assert_eq!(waiter.get_attribute(0x0009_0303, |_| Ok(())), Err(Hresult::SCARD_E_SHARING_VIOLATION));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| transmit(&waiter));
        wait_for_a_waiter(&bench);
        holder.unlock(Disposition::Leave).unwrap();
        assert!(!waiting.is_finished());
        holder.unlock(Disposition::Leave).unwrap();
        assert_eq!(waiting.join().unwrap(), answered());
    });
    assert_eq!(holder.unlock(Disposition::Leave), Err(Hresult::SCARD_E_NOT_TRANSACTED));
}

/// Returns when a thread waits in a call, for another attachment or for the manager.
fn wait_for_a_waiter(bench: &TestReader) {
    while !lock().has_waiters() && !registry::lock().has_waiters(&bench.name) {
        thread::yield_now();
    }
}

#[test]
fn an_event_wakes_waiting_threads() {
    let (bench, _) = TestReader::with_card();
    let (holder, waiter) = (bench.attach(), bench.attach());
    let blocked = |happens: &dyn Fn()| {
        thread::scope(|scope| {
            let waiting = scope.spawn(|| waiter.lock());
            wait_for_a_waiter(&bench);
            happens();
            waiting.join().unwrap()
        })
    };
    holder.lock().unwrap();
    assert_eq!(blocked(&|| holder.unlock(Disposition::Reset).unwrap()), Err(Hresult::SCARD_W_RESET_CARD));
    waiter.reconnect(ReconnectRequest::default()).unwrap();
    holder.lock().unwrap();
    assert_eq!(blocked(&|| remove(bench.ifd).unwrap()), Err(Hresult::SCARD_W_REMOVED_CARD));
    bench.insert(ATR);
    // The holder locks again, behind the waiter.
    for attachment in [&waiter, &holder] {
        assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    }
    assert_eq!(blocked(&|| assert!(stop_service())), Err(Hresult::SCARD_E_NO_SERVICE));
    assert!(!stop_service() && start_service() && !start_service());
    for attachment in [&waiter, &holder] {
        assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
        assert_eq!(transmit(attachment), answered());
    }
    assert_eq!(blocked(&|| destroy(bench.ifd).unwrap()), Err(Hresult::SCARD_E_READER_UNAVAILABLE));
    assert_eq!(holder.reconnect(ReconnectRequest::default()), Err(Hresult::SCARD_E_READER_UNAVAILABLE));
}

#[test]
fn a_reconnect_waits_for_exclusive_use() {
    let (bench, _) = TestReader::with_card();
    let (first, mut second) = (bench.attach(), bench.attach());
    let exclusive = ReconnectRequest { share_mode: Some(ShareMode::Exclusive), ..ReconnectRequest::default() };
    thread::scope(|scope| {
        let waiting = scope.spawn(|| first.reconnect(exclusive));
        let is_refused = |log: Vec<u8>| String::from_utf8(log).unwrap().contains("connect exclusive");
        while !is_refused(log(bench.ifd).unwrap()) {
            thread::yield_now();
        }
        assert!(!waiting.is_finished());
        second.close().unwrap();
        assert_eq!(waiting.join().unwrap(), Ok(Reconnected::SameCard));
    });
}

#[test]
fn a_card_handle_of_another_attachment_can_be_borrowed() {
    let (bench, _) = TestReader::with_card();
    let owner = bench.attach();
    let icc = owner.icc().unwrap();
    let borrowed = Attachment::by_handle(managers::of_icc(icc), icc, Access::default(), None).unwrap();
    assert_eq!(transmit(&borrowed), answered());
    drop(owner);
    assert_eq!(transmit(&borrowed), Err(Hresult::SCARD_E_INVALID_HANDLE));
    assert!(!Virtual.has_icc(icc));
}

#[test]
fn no_context_or_card_handle_remains() {
    let (bench, _) = TestReader::with_card();
    let before = lock().census();
    for access in [Access::default(), EXCLUSIVE, DIRECT] {
        let mut attachment = bench.attach_with(access).unwrap();
        attachment.lock().unwrap();
        attachment.close().unwrap();
    }
    fail(bench.ifd, failure(Operation::Status, Hresult::E_FAIL)).unwrap();
    assert!(bench.attach_with(Access::default()).is_err());
    let attachment = bench.attach();
    stop_service();
    start_service();
    attachment.reconnect(ReconnectRequest::default()).unwrap();
    drop(attachment);
    // A thread of the library closes what a last use has left, perhaps a moment later.
    for _ in 0..1000 {
        if lock().census() != before {
            thread::sleep(Duration::from_millis(10));
        }
    }
    assert_eq!(lock().census(), before);
    assert!(bench.attach_with(EXCLUSIVE).is_ok());
}

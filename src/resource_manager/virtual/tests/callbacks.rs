//! The callbacks of a card.

use super::*;

#[test]
fn a_card_answers_through_its_callbacks() {
    let (bench, card) = TestReader::with_card();
    let mut attachment = bench.attach();
    assert_eq!(transmit(&attachment), answered());
    assert_eq!(attachment.status(), Ok((CardState::NegotiableMode, Some(Protocol::T1))));
    assert_eq!(attachment.atr(), Atr::new(ATR));
    assert_eq!(card.events(), [1]);
    attachment.close().unwrap();
    assert_eq!(
        bench.log(),
        "insert 3B80800101\npower on -> ok\nconnect shared T=0|T=1 -> T=1\nstatus -> negotiable\n\
         transmit 00EC0007 -> 079000\nstatus -> negotiable\ndisconnect leave -> ok\n"
    );
}

#[test]
fn a_removed_card_is_turned_off_and_released_once() {
    let (bench, card) = TestReader::with_card();
    let attachment = bench.attach();
    remove(bench.ifd).unwrap();
    assert_eq!((card.events(), card.released.load(Ordering::Relaxed)), (vec![1, 0], 1));
    assert_eq!(remove(bench.ifd), Err(Hresult::SCARD_E_NO_SMARTCARD));
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_W_REMOVED_CARD));
    assert_eq!(attachment.status(), Ok((CardState::Absent, None)));
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Err(Hresult::SCARD_E_NO_SMARTCARD));
    bench.insert(OTHER_ATR);
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::OtherCard));
    assert_eq!((transmit(&attachment), attachment.generation()), (answered(), 1));
}

#[test]
fn a_refused_card_is_not_released() {
    let (bench, first) = TestReader::with_card();
    let second = Behaviour::new();
    assert_eq!(insert(bench.ifd, second.card(ATR, None)), Err(Hresult::SCARD_E_NOT_READY));
    assert_eq!((second.released.load(Ordering::Relaxed), second.events()), (0, vec![]));
    destroy(bench.ifd).unwrap();
    assert_eq!(first.released.load(Ordering::Relaxed), 1);
    assert_eq!(insert(bench.ifd, second.card(ATR, None)), Err(Hresult::E_HANDLE));
}

#[test]
fn a_card_gets_its_events_in_their_order() {
    let (bench, card) = TestReader::with_card();
    let (ifd, attachment) = (bench.ifd, bench.attach());
    let events_of = |act: During| {
        card.events();
        *card.during.lock().unwrap() = Some(act);
        let _ = transmit(&attachment);
        let _ = attachment.reconnect(ReconnectRequest::default());
        card.events()
    };
    let turn = move |action| reset(ifd, action).unwrap();
    assert_eq!(events_of(Box::new(move || (0..2).for_each(|_| turn(Disposition::Reset)))), [2]);
    assert_eq!(
        events_of(Box::new(move || {
            turn(Disposition::Unpower);
            turn(Disposition::Reset);
        })),
        [0, 1]
    );
    assert_eq!(
        events_of(Box::new(|| {
            stop_service();
            start_service();
        })),
        [0, 1]
    );
    // A removed card is not reset.
    assert_eq!(
        events_of(Box::new(move || {
            turn(Disposition::Reset);
            remove(ifd).unwrap();
        })),
        [0]
    );
}

#[test]
fn a_thread_that_waits_for_a_busy_card_notices_its_removal() {
    let (bench, card) = TestReader::with_card();
    let (busy, waiting) = (bench.attach(), bench.attach());
    let (ifd, gate) = (bench.ifd, &*Box::leak(Box::new(std::sync::Barrier::new(2))));
    card.during_exchange(move || {
        gate.wait();
        gate.wait();
    });
    thread::scope(|scope| {
        let first = scope.spawn(|| transmit(&busy));
        gate.wait();
        let second = scope.spawn(|| transmit(&waiting));
        remove(ifd).unwrap();
        assert_eq!(second.join().unwrap(), Err(Hresult::SCARD_W_REMOVED_CARD));
        gate.wait();
        assert_eq!(first.join().unwrap(), Err(Hresult::SCARD_W_REMOVED_CARD));
    });
    // SAFETY: leaked above, and both threads have ended.
    unsafe { drop(Box::from_raw(std::ptr::from_ref(gate).cast_mut())) };
}

#[test]
fn a_callback_may_remove_its_own_card() {
    let (bench, card) = TestReader::with_card();
    let attachment = bench.attach();
    let ifd = bench.ifd;
    card.events();
    card.during_exchange(move || {
        remove(ifd).unwrap();
        assert_eq!(card.released.load(Ordering::Relaxed), 0);
    });
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_W_REMOVED_CARD));
    assert_eq!((card.events(), card.released.load(Ordering::Relaxed)), (vec![0], 1));
}

#[test]
fn a_callback_may_reset_its_own_card() {
    let (bench, card) = TestReader::with_card();
    let attachment = bench.attach();
    let ifd = bench.ifd;
    card.events();
    card.during_exchange(move || reset(ifd, Disposition::Reset).unwrap());
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_W_RESET_CARD));
    assert_eq!(card.events(), [2]);
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    assert_eq!(attachment.generation(), 1);
}

#[test]
fn a_callback_may_stop_the_service_and_unplug_the_reader() {
    let (bench, card) = TestReader::with_card();
    let attachment = bench.attach();
    card.during_exchange(|| assert!(stop_service()));
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_E_NO_SERVICE));
    assert!(start_service());
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    let ifd = bench.ifd;
    card.during_exchange(move || destroy(ifd).unwrap());
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_E_READER_UNAVAILABLE));
    assert_eq!(card.released.load(Ordering::Relaxed), 1);
}

#[test]
fn a_nested_call_of_the_same_card_fails() {
    let (bench, card) = TestReader::with_card();
    let attachment: &'static Attachment = Box::leak(Box::new(bench.attach()));
    let name = bench.name;
    let seen: &'static Mutex<Vec<Result<()>>> = Box::leak(Box::default());
    card.during_exchange(move || {
        // Another attachment to this card can be made and asked for its status, but cannot exchange anything.
        let other = Attachment::by_ifd(&Virtual, name, Access::default(), None).unwrap();
        let mut seen = seen.lock().unwrap();
        seen.push(attachment.status().map(|_| ()));
        seen.push(other.status().map(|_| ()));
        seen.push(transmit(&other).map(|_| ()));
        seen.push(other.reconnect(RESET).map(|_| ()));
    });
    assert_eq!(transmit(attachment), answered());
    let busy = Err(Hresult::SCARD_E_NOT_READY);
    assert_eq!(*seen.lock().unwrap(), [busy, Ok(()), busy, busy]);
    assert_eq!(transmit(attachment), answered());
    // SAFETY: leaked above, and nobody has a reference any more.
    unsafe {
        drop(Box::from_raw(std::ptr::from_ref(attachment).cast_mut()));
        drop(Box::from_raw(std::ptr::from_ref(seen).cast_mut()));
    }
}

#[test]
fn callbacks_of_one_card_never_overlap() {
    let (bench, card) = TestReader::with_card();
    let inside: &'static AtomicU32 = {
        static INSIDE: AtomicU32 = AtomicU32::new(0);
        &INSIDE
    };
    let attachments: Vec<Attachment> = (0..4).map(|_| bench.attach()).collect();
    thread::scope(|scope| {
        for attachment in &attachments {
            scope.spawn(move || {
                for _ in 0..200 {
                    card.during_exchange(|| {
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                    });
                    assert_eq!(transmit(attachment), answered());
                }
            });
        }
    });
}

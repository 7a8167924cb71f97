//! Locks and exclusive use.

use std::time::{Duration, Instant};

use super::super::lock_state::LockState;
use super::*;
use crate::runtime::wait::{CLEANUP_MS, GRACE_MS};

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
    assert_eq!(reconnect(&attachment), Err(Hresult::SCARD_E_SHARING_VIOLATION));
    // No connection is left that could be used as if it were locked.
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_E_SHARING_VIOLATION));
    assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
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
    assert_eq!(reconnect(&attachment), Err(Hresult::SCARD_E_SHARING_VIOLATION));
    assert!(!script.take_calls().contains(&"disconnect"));
    assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
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
    let attachment = attach(script, in_mode(ShareMode::Exclusive)).unwrap();
    attachment.lock().unwrap();
    script.take_calls();
    assert_eq!(attachment.reconnect(to_mode(ShareMode::Shared)), Ok(Reconnected::SameCard));
    assert_eq!(script.take_calls(), ["identify", "reconnect", "identify", "end", "begin"]);
}

#[test]
fn exclusive_use_is_not_ended_by_a_probe() {
    let script = Script::new();
    let attachment = attach(script, in_mode(ShareMode::Exclusive)).unwrap();
    script.take_calls();
    assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
    assert_eq!(script.take_calls(), ["identify"]);
}

#[test]
fn a_probe_does_not_end_a_lock_of_another_user_of_the_handle() {
    let script = Script::new();
    let attachment = attached(script);
    attachment.lend_icc().unwrap();
    assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
    assert_eq!(script.take_calls(), ["identify"]);
}

/// An owner of the handle that reconnects it brings the card back, but not the transaction.
#[test]
fn a_lost_lock_is_not_used_after_the_owner_has_reconnected() {
    let gone = Hresult::SCARD_W_REMOVED_CARD;
    let lent = |script| {
        let attachment = attached(script);
        attachment.lend_icc().unwrap();
        attachment
    };
    for attach in [borrowed, lent] {
        let script = Script::new();
        let attachment = attach(script);
        attachment.lock().unwrap();
        script.fail("transmit", &[gone]);
        script.fail("end", &[gone; 3]);
        assert_eq!(transmit(&attachment), Err(gone));
        script.take_calls();
        // The card answers, but there is no transaction.
        assert_eq!(transmit(&attachment), Err(gone));
        assert_eq!(attachment.lock(), Err(gone));
        assert!(script.take_calls().is_empty());
        assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
        assert!(script.take_calls().ends_with(&["identify", "begin"]));
        assert!(transmit(&attachment).is_ok());
        assert_eq!(attachment.generation(), 1);
        attachment.unlock(Disposition::Leave).unwrap();
    }
}

/// After the last unlock no lock is missing. The transaction on the handle may be one of its owner.
#[test]
fn a_borrowed_handle_whose_lock_was_lost_is_used_again_after_the_unlock() {
    let gone = Hresult::SCARD_W_REMOVED_CARD;
    let script = Script::new();
    let attachment = borrowed(script);
    attachment.lock().unwrap();
    script.fail("transmit", &[gone]);
    script.fail("end", &[gone; 3]);
    assert_eq!(transmit(&attachment), Err(gone));
    script.take_calls();
    assert_eq!(attachment.unlock(Disposition::Leave), Err(gone));
    assert!(transmit(&attachment).is_ok());
    assert_eq!(script.take_calls(), ["transmit"]);
    assert_eq!(attachment.generation(), 1);
}

/// The card has answered, and the service needs a moment to end the transaction.
#[test]
fn an_exchange_that_succeeded_late_keeps_its_connection() {
    for attach in [attached, borrowed] {
        let script = Script { ends_within_limit: true, ..Script::default() }.keep();
        let attachment = attach(script);
        assert!(attachment.transmit_within(0, &[0, 0xA4, 0, 0], |_| Ok(())).is_ok());
        assert_eq!(script.take_calls(), ["begin", "transmit", "end"]);
        assert!(attachment.transact(0, |card| card.ask_reader(1).map(drop)).is_ok());
        assert_eq!(script.take_calls(), ["begin", "control", "end"]);
        assert!(transmit(&attachment).is_ok());
        assert_eq!((script.take_calls(), attachment.generation()), (vec!["transmit"], 0));
    }
}

/// A borrowed handle whose transaction did not end: the next call, of any kind, ends it first.
#[test]
fn a_transaction_that_is_left_over_is_ended_by_the_next_call() {
    type Next = fn(&Attachment) -> Result<()>;
    let late = Hresult::SCARD_E_TIMEOUT;
    let nexts: [Next; 4] = [
        |attachment| transmit(attachment).map(drop),
        |attachment| attachment.lock(),
        |attachment| attachment.status().map(drop),
        |attachment| attachment.get_attribute(1, |_| Ok(())),
    ];
    for next in nexts {
        for (why, then) in [(late, Ok(())), (Hresult::SCARD_F_COMM_ERROR, Err(Hresult::SCARD_F_COMM_ERROR))] {
            let script = Script::new();
            let attachment = borrowed(script);
            script.fail("end", &[why; 4]);
            assert!(attachment.transmit_within(1000, &[0, 0xA4, 0, 0], |_| Ok(())).is_ok());
            script.failures.lock().unwrap().clear();
            assert!(attachment.begin_call().unwrap().locks.is_stuck());
            script.take_calls();
            // Others get the reader, whatever the call itself tells.
            assert_eq!(next(&attachment), then);
            assert_eq!(script.take_calls().first(), Some(&"end"));
            assert!(!attachment.begin_call().unwrap().locks.is_stuck());
            assert_eq!(attachment.generation(), 1);
            assert_eq!(transmit(&attachment).map(drop), then);
        }
    }
}

/// Another thread gets no card handle that is closed.
#[test]
fn a_wait_for_exclusive_use_gives_out_no_connection() {
    let busy = Hresult::SCARD_E_SHARING_VIOLATION;
    let script = Script { is_crowded: AtomicBool::new(false), ..Script::default() }.keep();
    let attachment = attached(script);
    script.is_crowded.store(true, Ordering::Relaxed);
    std::thread::scope(|scope| {
        let exclusive = to_mode(ShareMode::Exclusive);
        let waits = scope.spawn({
            let attachment = &attachment;
            move || attachment.reconnect(exclusive)
        });
        while !script.calls.lock().unwrap().contains(&"connect") {
            std::thread::yield_now();
        }
        let given_out = (attachment.icc(), attachment.context());
        attachment.cancel();
        assert_eq!(waits.join().unwrap(), Err(Hresult::SCARD_E_CANCELLED));
        assert_eq!(given_out, (Err(busy), Err(busy)));
    });
    script.is_crowded.store(false, Ordering::Relaxed);
    assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
}

/// The service does not tell whether the card is still the same. That makes it no other one.
#[test]
fn a_question_without_an_answer_is_no_other_card() {
    let script = Script::new();
    let attachment = attached(script);
    let number = || attachment.transact(SCM_INFINITE, |card| Ok(card.card_number())).unwrap();
    let first = number();
    attachment.begin_call().unwrap().connection.doubt_card();
    script.fail("look", &[Hresult::SCARD_E_CANCELLED]);
    assert_eq!(number(), first);
    assert!(attachment.waker.take_cancel());
    assert_eq!(number(), first);
    attachment.begin_call().unwrap().connection.doubt_card();
    script.scene(|scene| scene.events = 3);
    assert_ne!(number(), first);
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
    attachment.unlock_after_call(SCM_INFINITE);
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
    assert_eq!(attachment.reconnect(to_mode(ShareMode::Exclusive)), Ok(Reconnected::SameCard));
    let calls = script.take_calls();
    assert_eq!(calls.iter().filter(|call| **call == "connect").count(), 4);
    assert_eq!(calls.iter().filter(|call| **call == "establish").count(), 1);
}

#[test]
fn a_wait_for_exclusive_use_survives_a_restart_of_the_service() {
    // However often it is restarted.
    for (code, restarts) in [(Hresult::SCARD_E_NO_SERVICE, 2), (Hresult::SCARD_E_INVALID_HANDLE, 20_000)] {
        let script = Script::new();
        let attachment = attached(script);
        script.fail("connect", &[Hresult::SCARD_E_SHARING_VIOLATION, code].repeat(restarts));
        assert_eq!(attachment.reconnect(to_mode(ShareMode::Exclusive)), Ok(Reconnected::SameCard));
        let contexts = |name| script.calls.lock().unwrap().iter().filter(|call| **call == name).count();
        let counts = (contexts("establish"), contexts("connect"), contexts("release"));
        assert_eq!(counts, (restarts + 1, 2 * restarts + 1, restarts + 1));
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

/// The service hangs at the end of a call without a limit. A cancel ends that after a second, and the call is not lost.
#[test]
fn a_cancel_ends_a_clean_up_that_hangs() {
    fn exchange(attachment: &Attachment) -> Result<()> {
        attachment.transmit_within(SCM_INFINITE, &[0, 0xB0, 0, 0, 0], |_| Ok(()))
    }
    fn transact(attachment: &Attachment) -> Result<()> {
        attachment.transact(SCM_INFINITE, |_| Ok(()))
    }
    fn call(attachment: &Attachment) -> Result<()> {
        attachment.lock_for_call()?;
        attachment.unlock_after_call(SCM_INFINITE);
        Ok(())
    }
    fn check(attach: fn(&'static Script) -> Attachment, call: fn(&Attachment) -> Result<()>) {
        let script = Script::new();
        let attachment = attach(script);
        script.hangs.store(true, Ordering::Relaxed);
        attachment.cancel();
        let began = Instant::now();
        assert_eq!(call(&attachment), Ok(()));
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(CLEANUP_MS.into()) && took < Duration::from_secs(20), "{took:?}");
        // The call has not told it.
        assert!(attachment.waker.take_cancel());
        script.hangs.store(false, Ordering::Relaxed);
        assert!(transmit(&attachment).is_ok());
    }
    std::thread::scope(|scope| {
        for call in [exchange, transact, call] {
            for attach in [attached, borrowed] {
                scope.spawn(move || check(attach, call));
            }
        }
    });
}

/// A caller that waits for the end of an old transaction is told of its cancel.
#[test]
fn a_cancel_ends_a_lock_that_waits_for_a_stuck_one() {
    let script = Script::new();
    let attachment = borrowed(script);
    attachment.lock().unwrap();
    script.fail("end", &[Hresult::SCARD_F_COMM_ERROR; 20]);
    assert!(attachment.unlock(Disposition::Leave).is_err());
    script.failures.lock().unwrap().clear();
    script.hangs.store(true, Ordering::Relaxed);
    attachment.cancel();
    assert_eq!(attachment.lock(), Err(Hresult::SCARD_E_CANCELLED));
    assert!(!attachment.waker.is_cancelled());
    script.hangs.store(false, Ordering::Relaxed);
    assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
    attachment.lock().unwrap();
}

/// However many questions of a call the service does not answer: the diagnosis of a broken exchange takes from the time
/// to give the lock back.
#[test]
fn all_clean_up_of_a_call_has_one_budget() {
    const COMMAND: &[u8] = &[0, 0xB0, 0, 0, 0];
    const DIAGNOSIS_MS: u32 = 700;
    for attach in [attached, borrowed] {
        let script = Script::new();
        let attachment = attach(script);
        let rest_ms = || script.rest_ms_at_end.load(Ordering::Relaxed);
        script.wait_ms.store(DIAGNOSIS_MS, Ordering::Relaxed);
        for _ in 0..2 {
            script.fail("transmit", &[Hresult::SCARD_F_COMM_ERROR]);
            script.fail("wait", &[Hresult::SCARD_E_TIMEOUT]);
            assert!(attachment.transmit_within(0, COMMAND, |_| Ok(())).is_err());
            let most_ms = CLEANUP_MS + GRACE_MS - DIAGNOSIS_MS;
            assert!(rest_ms() <= most_ms, "{}", rest_ms());

            assert!(attachment.transmit_within(0, COMMAND, |_| Ok(())).is_ok());
            assert!(rest_ms() > most_ms && rest_ms() <= CLEANUP_MS, "{}", rest_ms());
        }
        // A failure without a lock has nothing to do with the next lock.
        script.fail("transmit", &[Hresult::SCARD_F_COMM_ERROR]);
        script.fail("wait", &[Hresult::SCARD_E_TIMEOUT]);
        assert!(transmit(&attachment).is_err());
        assert!(attachment.transmit_within(0, COMMAND, |_| Ok(())).is_ok());
        assert!(rest_ms() > CLEANUP_MS + GRACE_MS - DIAGNOSIS_MS, "{}", rest_ms());
    }
}

/// A question of the diagnosis that was abandoned may take the rest of its second. The end of the lock waits for it.
#[test]
fn a_diagnosis_of_any_length_leaves_time_to_give_the_lock_back() {
    let mut locks = LockState::default();
    assert_eq!(locks.rest_for_cleanup_ms(), CLEANUP_MS);
    for (diagnosis_ms, rest_ms) in [(1, 1199), (500, 700), (1000, 200), (5000, 200)] {
        locks.diagnosis = Duration::from_millis(diagnosis_ms);
        assert_eq!(locks.rest_for_cleanup_ms(), rest_ms);
    }
    locks.diagnosis = Duration::MAX;
    assert_eq!(locks.rest_for_cleanup_ms(), GRACE_MS);
}

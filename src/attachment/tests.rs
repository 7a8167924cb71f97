//! Attachments on a scripted resource manager: answers that no real service gives on demand, and the calls that must,
//! or must not, be made. `c-tests` tests the real services.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;

use super::*;
use crate::abi::constants::{Protocols, ShareMode};
use crate::resource_manager::{IfdState, MAX_ATTRIBUTE, SlotState, unlisted};
use crate::runtime::wait::SCM_INFINITE;

const ATR_A: &[u8] = &[0x3B, 0x80, 0x80, 0x01, 0x01];
const ATR_B: &[u8] = &[0x3B, 0x00];

/// A resource manager that succeeds at everything, except where a test sets the next answer.
#[derive(Default)]
struct Script {
    /// The next failures of an operation, by its name. Then it succeeds again.
    failures: Mutex<HashMap<&'static str, VecDeque<Hresult>>>,
    /// All operations so far.
    calls: Mutex<Vec<&'static str>>,
    card: Mutex<Scene>,
    loses_transactions: bool,
    /// Whether another attachment has a transaction.
    is_locked_by_other: AtomicBool,
}

/// The card that the manager describes.
#[derive(Clone)]
struct Scene {
    atr: Atr,
    state: CardState,
    events: u16,
    protocol: Option<Protocol>,
    answer: Vec<u8>,
}

impl Default for Scene {
    fn default() -> Self {
        Scene {
            atr: Atr::new(ATR_A),
            state: CardState::SpecificMode,
            events: 1,
            protocol: Some(Protocol::T1),
            answer: vec![0x90, 0x00],
        }
    }
}

impl Script {
    fn new() -> &'static Script {
        Script::default().keep()
    }

    /// Kept where LeakSanitizer finds it.
    fn keep(self) -> &'static Script {
        static KEPT: Mutex<Vec<&'static Script>> = Mutex::new(Vec::new());
        let script = Box::leak(Box::new(self));
        KEPT.lock().unwrap().push(script);
        script
    }

    fn fail(&self, operation: &'static str, codes: &[Hresult]) {
        self.failures.lock().unwrap().entry(operation).or_default().extend(codes);
    }

    fn scene(&self, change: impl FnOnce(&mut Scene)) {
        change(&mut self.card.lock().unwrap());
    }

    fn step(&self, operation: &'static str) -> Result<Scene> {
        self.calls.lock().unwrap().push(operation);
        match self.failures.lock().unwrap().get_mut(operation).and_then(VecDeque::pop_front) {
            Some(code) => Err(code),
            None => Ok(self.card.lock().unwrap().clone()),
        }
    }

    /// The operations since the last call of this function.
    fn take_calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    fn sight(&self, operation: &'static str) -> Result<SlotState> {
        let scene = self.step(operation)?;
        let card_present = scene.state != CardState::Absent;
        Ok(SlotState { card_present, atr: scene.atr, events: scene.events, native: 0 })
    }
}

impl ResourceManager for Script {
    unlisted!();

    fn keeps_transaction_on_reconnect(&self) -> bool {
        !self.loses_transactions
    }
    fn exclusive_use_is_a_transaction(&self) -> bool {
        true
    }
    fn removal_delay_ms(&self) -> u32 {
        1000
    }
    fn poll_interval_ms(&self) -> u32 {
        100
    }
    fn wait_for_ifds_limit_ms(&self) -> u32 {
        4000
    }
    fn establish_context(&self, _: &WaitLimit) -> Result<Context> {
        self.step("establish").map(|_| Context(7))
    }
    fn release_context(&self, _: Context) {
        self.calls.lock().unwrap().push("release");
    }
    fn connect(&self, _: Context, _: &IfdName, access: Access, _: &WaitLimit) -> Result<(Icc, Option<Protocol>)> {
        let operation = if access.share_mode == ShareMode::Direct { "connect direct" } else { "connect" };
        self.step(operation).map(|scene| (Icc(9), scene.protocol))
    }
    fn reconnect(
        &self,
        _: Icc,
        _: ShareMode,
        _: Access,
        initial: Disposition,
        _: &WaitLimit,
    ) -> Result<Option<Protocol>> {
        let operation = if initial == Disposition::Leave { "reconnect" } else { "reconnect with a reset" };
        let scene = self.step(operation)?;
        if initial != Disposition::Leave {
            self.scene(|scene| scene.state = CardState::SpecificMode);
        }
        Ok(scene.protocol)
    }
    fn disconnect(&self, _: Icc, _: Disposition) -> Result<()> {
        self.step("disconnect").map(|_| ())
    }
    fn begin_transaction(&self, _: Icc, _: &WaitLimit) -> Result<()> {
        self.step("begin").map(|_| ())
    }
    fn end_transaction(&self, _: Icc, _: Disposition, _: &WaitLimit) -> Result<()> {
        self.step("end").map(|_| ())
    }
    fn probe(&self, _: Icc, _: &WaitLimit) -> Result<()> {
        self.step("probe").map(|_| ())
    }
    fn is_locked_by_other(&self, _: Icc, _: &WaitLimit) -> Result<bool> {
        self.step("is taken").map(|_| self.is_locked_by_other.load(Ordering::Relaxed))
    }
    fn status(&self, _: Icc, _: &WaitLimit) -> Result<(CardState, Option<Protocol>)> {
        self.step("status").map(|scene| (scene.state, scene.protocol))
    }
    fn identify(&self, _: Icc, _: &WaitLimit) -> Result<Identity> {
        let scene = self.step("identify")?;
        let Scene { atr, state, events, protocol, .. } = scene;
        Ok(Identity { ifd: name(), atr, state, protocol, events })
    }
    fn transmit(&self, _: Icc, _: Protocol, command: &[u8], response: &mut Vec<u8>) -> Result<()> {
        assert_ne!(command, b"panic", "as the test asks");
        *response = self.step("transmit")?.answer;
        Ok(())
    }
    fn control(&self, _: Icc, _: u32, input: &[u8], response: &mut Vec<u8>) -> Result<()> {
        self.step("control")?;
        *response = input.to_vec();
        Ok(())
    }
    fn get_attribute(&self, _: Icc, _: u32, value: &mut [u8; MAX_ATTRIBUTE]) -> Result<usize> {
        self.step("get attribute")?;
        value[..2].copy_from_slice(b"ok");
        Ok(2)
    }
    fn set_attribute(&self, _: Icc, _: u32, _: &[u8]) -> Result<()> {
        self.step("set attribute").map(|_| ())
    }
    fn slot_state(&self, _: Context, _: &IfdName, _: &WaitLimit) -> Result<SlotState> {
        self.sight("look")
    }
    fn wait_for_change(&self, _: Context, _: &IfdName, _: &SlotState, _: u32, _: &WaitLimit) -> Result<SlotState> {
        self.sight("wait")
    }
    fn wait_for_ifds(&self, _: Context, _: &[IfdState], _: u32) -> Result<Vec<IfdState>> {
        Ok(Vec::new())
    }
    fn cancel_wait_for_ifds(&self, _: Context) {}
    fn list_ifds(&self, _: Context) -> Result<Vec<u8>> {
        Ok(vec![0])
    }
    fn list_ifd_groups(&self, _: Context) -> Result<Vec<u8>> {
        Ok(vec![0])
    }
}

/// Another name for each test, because attachments to one reader wait for each other.
fn name() -> IfdName {
    static THREADS: AtomicU64 = AtomicU64::new(0);
    thread_local!(static NUMBER: u64 = THREADS.fetch_add(1, Ordering::Relaxed));
    IfdName::new(format!("Scripted {:02}", NUMBER.with(|number| *number)).as_bytes()).unwrap()
}

/// An attachment, with no operation in the list.
fn attached(script: &'static Script) -> Attachment {
    let attachment = Attachment::by_ifd(script, name(), Access::default(), None).unwrap();
    script.take_calls();
    attachment
}

fn borrowed(script: &'static Script) -> Attachment {
    let attachment = Attachment::by_handle(script, Icc(9), Access::default(), None).unwrap();
    script.take_calls();
    attachment
}

fn transmit(attachment: &Attachment) -> Result<Vec<u8>> {
    attachment.transmit(&[0, 0xA4, 0, 0], |answer| Ok(answer.to_vec()))
}

fn last_response(attachment: &Attachment) -> Vec<u8> {
    attachment.last_response(|answer| Ok(answer.to_vec())).unwrap()
}

const RESET: ReconnectRequest =
    ReconnectRequest { share_mode: None, protocols: None, initial: Disposition::Reset, limit_ms: SCM_INFINITE };

#[test]
fn a_failed_attach_releases_what_it_has_taken() {
    use Hresult as H;
    let cases: [(&str, &[Hresult], Hresult, &[&str]); 4] = [
        ("establish", &[H::SCARD_E_NO_SERVICE], H::SCARD_E_NO_SERVICE, &["establish"]),
        ("connect", &[H::SCARD_E_NO_SMARTCARD], H::SCARD_E_NO_SMARTCARD, &["establish", "connect", "release"]),
        (
            "identify",
            &[H::SCARD_W_REMOVED_CARD],
            H::SCARD_E_NO_SMARTCARD,
            &["establish", "connect", "identify", "disconnect", "release"],
        ),
        (
            "connect direct",
            &[H::SCARD_E_SHARING_VIOLATION],
            H::SCARD_E_SHARING_VIOLATION,
            &["establish", "connect", "connect direct", "release"],
        ),
    ];
    for (operation, codes, expected, calls) in cases {
        let script = Script::new();
        script.fail(operation, codes);
        if operation == "connect direct" {
            script.fail("connect", &[H::SCARD_W_UNPOWERED_CARD]);
        }
        assert_eq!(Attachment::by_ifd(script, name(), Access::default(), None).err(), Some(expected));
        assert_eq!(script.take_calls(), calls);
    }
}

#[test]
fn a_connection_without_a_protocol_is_never_used() {
    let script = Script::new();
    script.scene(|scene| scene.protocol = None);
    assert_eq!(Attachment::by_ifd(script, name(), Access::default(), None).err(), Some(Hresult::SCARD_E_NOT_READY));
    let calls = script.take_calls();
    assert_eq!(calls, ["establish", "connect", "reconnect", "reconnect", "reconnect", "disconnect", "release"]);
    // In direct mode there is no protocol.
    let direct = Access { share_mode: ShareMode::Direct, ..Access::default() };
    let attachment = Attachment::by_ifd(script, name(), direct, None).unwrap();
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_E_PROTO_MISMATCH));
}

#[test]
fn a_protocol_that_was_not_asked_for_is_not_accepted() {
    let script = Script::new();
    let attachment = attached(script);
    let request = ReconnectRequest { protocols: Some(Protocols::T0), ..RESET };
    assert_eq!(attachment.reconnect(request), Err(Hresult::SCARD_E_PROTO_MISMATCH));
    assert_eq!(attachment.generation(), 1);
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    assert_eq!(attachment.generation(), 1);
}

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
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
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
fn a_reconnect_with_nothing_to_do_makes_one_operation() {
    let script = Script::new();
    let attachment = attached(script);
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    assert_eq!(script.take_calls(), ["probe"]);
    // A probe is an EndTransaction. It would end a transaction of this attachment, or of the owner of a borrowed
    // handle.
    attachment.lock().unwrap();
    script.take_calls();
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    assert_eq!(script.take_calls(), ["identify"]);
    attachment.unlock(Disposition::Leave).unwrap();
    let attachment = borrowed(script);
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    assert_eq!(script.take_calls(), ["identify"]);
}

#[test]
fn a_swap_that_gave_no_signal_is_seen_by_the_count_of_events() {
    let script = Script::new();
    let attachment = borrowed(script);
    script.scene(|scene| scene.events = 3);
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    assert_eq!(attachment.generation(), 1);
    script.scene(|scene| (scene.events, scene.atr) = (5, Atr::new(ATR_B)));
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::OtherCard));
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
        assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
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
    for (failure, told) in reasons {
        let script = Script::new();
        let attachment = attached(script);
        script.fail("probe", &[Hresult::SCARD_E_NO_SERVICE]);
        script.fail("reconnect", &[Hresult::SCARD_E_NO_SERVICE]);
        script.fail("connect", &[failure]);
        assert!(attachment.reconnect(ReconnectRequest::default()).is_err());
        script.take_calls();
        assert_eq!(transmit(&attachment), Err(told));
        assert_eq!(attachment.lock(), Err(told));
        assert_eq!(attachment.icc(), Err(told));
        let absent = told == Hresult::SCARD_W_REMOVED_CARD;
        assert_eq!(attachment.status(), if absent { Ok((CardState::Absent, None)) } else { Err(told) });
        assert!(script.take_calls().is_empty());
        assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
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

#[test]
fn the_response_to_a_control_code_is_kept_like_that_of_a_card() {
    let script = Script::new();
    let attachment = attached(script);
    let too_small = |_: &[u8]| Err::<(), _>(Hresult::SCARD_E_INSUFFICIENT_BUFFER);
    assert_eq!(attachment.control(1, b"feature", too_small), Err(Hresult::SCARD_E_INSUFFICIENT_BUFFER));
    assert_eq!(last_response(&attachment), b"feature");
    script.fail("control", &[Hresult::SCARD_E_UNSUPPORTED_FEATURE]);
    assert!(attachment.control(1, b"", |_| Ok(())).is_err());
    assert!(last_response(&attachment).is_empty());
    assert_eq!(attachment.generation(), 0);
}

#[test]
fn raw_accepts_commands_that_the_other_protocols_refuse() {
    let script = Script::new();
    script.scene(|scene| (scene.protocol, scene.answer) = (Some(Protocol::Raw), vec![0x41]));
    let raw = Access { protocols: Protocols::Raw, ..Access::default() };
    let attachment = Attachment::by_ifd(script, name(), raw, None).unwrap();
    assert_eq!(attachment.transmit(&[1], |answer| Ok(answer.to_vec())), Ok(vec![0x41]));
    assert_eq!(attachment.transmit(&[], |_| Ok(())), Err(Hresult::E_INVALIDARG));
}

#[test]
fn after_a_panic_an_attachment_can_only_be_detached() {
    let script = Script::new();
    let mut attachment = attached(script);
    let panicked = catch_unwind(AssertUnwindSafe(|| attachment.transmit(b"panic", |_| Ok(()))));
    assert!(panicked.is_err());
    assert_eq!(transmit(&attachment), Err(Hresult::E_UNEXPECTED));
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Err(Hresult::E_UNEXPECTED));
    assert_eq!(attachment.status(), Err(Hresult::E_UNEXPECTED));
    assert_eq!(attachment.atr(), Atr::new(ATR_A));
    script.take_calls();
    attachment.close().unwrap();
    assert_eq!(script.take_calls(), ["disconnect", "release"]);
}

#[test]
fn a_protocol_that_is_gone_is_a_reset_that_was_not_signalled() {
    let script = Script::new();
    let attachment = attached(script);
    script.fail("transmit", &[Hresult::SCARD_E_PROTO_MISMATCH]);
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_W_RESET_CARD));
    assert_eq!(attachment.generation(), 1);
    script.take_calls();
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    assert_eq!(script.take_calls(), ["reconnect", "identify"]);

    script.scene(|scene| scene.protocol = None);
    assert_eq!(attachment.status(), Err(Hresult::SCARD_W_RESET_CARD));
    script.scene(|scene| scene.protocol = Some(Protocol::T1));
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    assert_eq!(attachment.generation(), 2);
}

#[test]
fn a_card_that_others_reset_during_an_attach_is_identified_again() {
    let script = Script::new();
    script.fail("identify", &[Hresult::SCARD_W_RESET_CARD]);
    let attachment = Attachment::by_ifd(script, name(), Access::default(), None).unwrap();
    assert_eq!(script.take_calls(), ["establish", "connect", "identify", "reconnect", "identify"]);
    assert_eq!(attachment.generation(), 0);
    script.fail("probe", &[Hresult::SCARD_W_RESET_CARD]);
    script.fail("identify", &[Hresult::SCARD_W_RESET_CARD; 3]);
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Err(Hresult::SCARD_E_NOT_READY));
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    assert_eq!(attachment.generation(), 1);
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
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::OtherCard));
    assert_eq!(attachment.generation(), 3);
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

/// An attachment whose wait for exclusive use was cancelled while the service was too busy to restore the old
/// connection.
fn cancelled_on_a_busy_machine(script: &'static Script) -> Attachment {
    let attachment = attached(script);
    attachment.cancel();
    script.fail("connect", &[Hresult::SCARD_E_SHARING_VIOLATION, Hresult::SCARD_E_TIMEOUT]);
    let exclusive = ReconnectRequest {
        share_mode: Some(ShareMode::Exclusive),
        limit_ms: SCM_INFINITE,
        ..ReconnectRequest::default()
    };
    assert_eq!(attachment.reconnect(exclusive), Err(Hresult::SCARD_E_CANCELLED));
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
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::OtherCard));
    assert!(transmit(&attachment).is_ok());
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
fn a_removal_with_a_hidden_signal_is_waited_for() {
    let script = Script::new();
    let attachment = attached(script);
    script.fail("probe", &[Hresult::SCARD_E_SHARING_VIOLATION]);
    script.fail("identify", &[Hresult::SCARD_W_RESET_CARD]);
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    assert_eq!(script.take_calls(), ["probe", "identify", "reconnect", "identify"]);
    assert_eq!(attachment.generation(), 1);
}

#[test]
fn a_direct_connection_does_without_a_card() {
    let script = Script::new();
    let direct = Access { share_mode: ShareMode::Direct, ..Access::default() };
    let attachment = Attachment::by_ifd(script, name(), direct, None).unwrap();
    assert_eq!(attachment.status(), Ok((CardState::SpecificMode, None)));
    script.fail("reconnect", &[Hresult::SCARD_E_NO_SMARTCARD]);
    script.scene(|scene| (scene.state, scene.atr) = (CardState::Absent, Atr::default()));
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::OtherCard));
    assert_eq!(attachment.status(), Ok((CardState::Absent, None)));
}

#[test]
fn a_failed_exchange_leaves_no_answer_behind() {
    let script = Script::new();
    let attachment = attached(script);
    assert!(transmit(&attachment).is_ok());
    assert_eq!(attachment.transmit(&[0], |_| Ok(())), Err(Hresult::E_INVALIDARG));
    assert_eq!(last_response(&attachment), [0x90, 0x00]);
    script.fail("probe", &[Hresult::SCARD_E_NO_SERVICE]);
    script.fail("reconnect", &[Hresult::SCARD_E_NO_SERVICE]);
    script.fail("establish", &[Hresult::SCARD_E_NO_SERVICE]);
    assert!(attachment.reconnect(ReconnectRequest::default()).is_err());
    assert!(transmit(&attachment).is_err());
    assert!(last_response(&attachment).is_empty());
}

#[test]
fn a_card_that_cannot_be_disposed_of_is_an_error_of_detach() {
    let script = Script::new();
    let mut attachment = attached(script);
    script.fail("probe", &[Hresult::SCARD_E_NO_SERVICE]);
    script.fail("reconnect", &[Hresult::SCARD_E_NO_SERVICE]);
    script.fail("establish", &[Hresult::SCARD_E_NO_SERVICE]);
    assert!(attachment.reconnect(ReconnectRequest::default()).is_err());
    attachment.set_disposition(Disposition::Reset);
    assert_eq!(attachment.close(), Err(Hresult::SCARD_E_NO_SERVICE));
}

#[test]
fn a_service_that_dies_during_an_attach_is_gone() {
    let script = Script::new();
    script.fail("connect", &[Hresult::SCARD_F_COMM_ERROR, Hresult::SCARD_F_COMM_ERROR]);
    assert_eq!(Attachment::by_ifd(script, name(), Access::default(), None).err(), Some(Hresult::SCARD_F_COMM_ERROR));
    script.take_calls();
    assert_eq!(Attachment::by_ifd(script, name(), Access::default(), None).err(), Some(Hresult::SCARD_F_COMM_ERROR));
    assert_eq!(script.take_calls(), ["establish", "connect", "release", "establish", "release"]);
}

#[test]
fn the_reader_is_asked_without_waiting_after_an_own_reset() {
    let script = Script::new();
    let attachment = attached(script);
    attachment.lock().unwrap();
    attachment.unlock(Disposition::Reset).unwrap();
    script.take_calls();
    script.fail("get attribute", &[Hresult::SCARD_E_SHARING_VIOLATION, Hresult::SCARD_W_RESET_CARD]);
    assert_eq!(attachment.get_attribute(1, |_| Ok(())), Err(Hresult::SCARD_E_SHARING_VIOLATION));
    assert_eq!(script.take_calls(), ["get attribute"]);
    script.fail("status", &[Hresult::SCARD_W_RESET_CARD]);
    assert_eq!(attachment.get_attribute(1, |value| Ok(value.to_vec())), Ok(b"ok".to_vec()));
    assert_eq!(script.take_calls(), ["get attribute", "status", "reconnect", "identify", "get attribute"]);
    assert_eq!(attachment.generation(), 1);
}

#[test]
fn a_mismatch_that_comes_of_a_reset_passes() {
    let script = Script::new();
    script.fail("connect", &[Hresult::SCARD_E_PROTO_MISMATCH; 2]);
    let attachment = attached(script);
    script.fail("probe", &[Hresult::SCARD_W_RESET_CARD]);
    script.fail("reconnect", &[Hresult::SCARD_E_PROTO_MISMATCH; 2]);
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    script.fail("connect", &[Hresult::SCARD_E_PROTO_MISMATCH; 3]);
    let other = Attachment::by_ifd(script, name(), Access::default(), None);
    assert_eq!(other.err(), Some(Hresult::SCARD_E_PROTO_MISMATCH));
}

#[test]
fn a_failed_attach_passes_on_the_code_of_the_service() {
    let codes = [
        Hresult::SCARD_W_UNRESPONSIVE_CARD,
        Hresult::SCARD_W_UNSUPPORTED_CARD,
        Hresult::SCARD_E_READER_UNAVAILABLE,
        Hresult::SCARD_E_UNKNOWN_READER,
        Hresult::E_OUTOFMEMORY,
    ];
    for code in codes {
        let script = Script::new();
        script.fail("connect", &[code]);
        assert_eq!(Attachment::by_ifd(script, name(), Access::default(), None).err(), Some(code));
        assert_eq!(script.take_calls(), ["establish", "connect", "release"]);
    }
    for code in [Hresult::SCARD_W_SECURITY_VIOLATION, Hresult::SCARD_E_SERVER_TOO_BUSY] {
        let script = Script::new();
        script.fail("establish", &[code]);
        assert_eq!(Attachment::by_ifd(script, name(), Access::default(), None).err(), Some(code));
    }
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
fn a_reader_that_was_unplugged_and_is_back_does_not_know_its_handles() {
    // `resource_manager/pcsc/policy.rs` tests the codes that the status returns.
    let unknown = [Hresult::SCARD_E_INVALID_VALUE];
    let script = Script::new();
    let attachment = attached(script);
    script.fail("transmit", &unknown);
    script.fail("status", &[Hresult::SCARD_E_READER_UNAVAILABLE; 2]);
    script.fail("reconnect", &unknown);
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_E_READER_UNAVAILABLE));
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    assert_eq!(attachment.generation(), 1);

    let script = Script::new();
    let attachment = borrowed(script);
    script.fail("identify", &unknown);
    script.fail("status", &[Hresult::SCARD_E_INVALID_HANDLE; 2]);
    script.fail("reconnect", &unknown);
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Err(Hresult::SCARD_E_INVALID_HANDLE));
}

#[test]
fn a_connection_that_was_replaced_is_not_asked_about() {
    let script = Script::new();
    let attachment = attached(script);
    script.fail("probe", &[Hresult::SCARD_E_NO_SERVICE]);
    script.fail("reconnect", &[Hresult::SCARD_E_NO_SERVICE]);
    script.fail("connect", &[Hresult::SCARD_F_COMM_ERROR]);
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Err(Hresult::SCARD_F_COMM_ERROR));
    assert!(!script.take_calls().contains(&"status"));
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
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
    let script = Script::new();
    let attachment = attached(script);
    script.fail("end", &[Hresult::SCARD_E_CANCELLED]);
    assert!(attachment.transmit_within(1000, &[0, 0xB0, 0, 0, 0], |_| Ok(())).is_ok());
    assert!(attachment.waker.is_cancelled());

    let script = Script::new();
    let (holder, other) = (attached(script), attached(script));
    holder.lock().unwrap();
    other.cancel();
    script.fail("is taken", &[Hresult::SCARD_E_READER_UNAVAILABLE]);
    assert_eq!(other.lock_within(1000), Err(Hresult::SCARD_E_READER_UNAVAILABLE));
    assert!(other.waker.is_cancelled());
}

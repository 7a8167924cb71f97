//! Attachments on virtual readers with cards in Rust. The C tests check the same from outside, and the conformance test
//! compares with a real service.

use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::*;
use crate::abi::constants::Protocols;
use crate::arbiter::registry;
use crate::attachment::{Attachment, ReconnectRequest, Reconnected};
use crate::iso7816::atr::Atr;
use crate::resource_manager::managers;
use crate::runtime::fallible::Arc;

/// T=0 and T=1.
const ATR: &[u8] = &[0x3B, 0x80, 0x80, 0x01, 0x01];
const OTHER_ATR: &[u8] = &[0x3B, 0x00];

/// There is one virtual service, so a test that stops it runs alone.
static SERVICE: Mutex<()> = Mutex::new(());

fn service() -> MutexGuard<'static, ()> {
    SERVICE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A reader with a name of its own, unplugged at the end of its test.
struct TestReader {
    ifd: IfdNumber,
    name: IfdName,
    _service: MutexGuard<'static, ()>,
}

fn make() -> Make {
    driven_by(None, std::ptr::null_mut())
}

fn driven_by(control: Option<answer::Control>, user: *mut c_void) -> Make {
    let callbacks = DriverCallbacks { user, control, release: None };
    let driver = Arc::try_new(Driver::new(callbacks)).unwrap();
    Make { vendor: IfdName::new(b"Vendor").unwrap(), attributes: Attributes::default(), driver, log_limit: 1 << 16 }
}

impl TestReader {
    fn new() -> TestReader {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let service = service();
        let text = format!("TestReader {}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let name = IfdName::new(text.as_bytes()).unwrap();
        let ifd = create(name, make()).unwrap();
        TestReader { ifd, name, _service: service }
    }

    fn with_card() -> (TestReader, &'static Behaviour) {
        let bench = TestReader::new();
        let behaviour = bench.insert(ATR);
        (bench, behaviour)
    }

    fn insert(&self, atr: &[u8]) -> &'static Behaviour {
        let behaviour = Behaviour::new();
        insert(self.ifd, behaviour.card(atr, None)).unwrap();
        behaviour
    }

    fn attach(&self) -> Attachment {
        self.attach_with(Access::default()).unwrap()
    }

    fn attach_with(&self, access: Access) -> Result<Attachment> {
        Attachment::by_ifd(managers::of_ifd(&self.name)?, self.name, access, None)
    }

    fn log(&self) -> String {
        let mut text = log(self.ifd).unwrap();
        assert_eq!(text.pop(), Some(0));
        String::from_utf8(text).unwrap()
    }
}

impl Drop for TestReader {
    fn drop(&mut self) {
        let _ = destroy(self.ifd);
    }
}

const EXCLUSIVE: Access = Access { share_mode: ShareMode::Exclusive, protocols: Protocols::Any };
const DIRECT: Access = Access { share_mode: ShareMode::Direct, protocols: Protocols::Any };

type During = Box<dyn FnMut() + Send>;

/// How a card behaves, and the calls that it got.
#[derive(Default)]
struct Behaviour {
    events: Mutex<Vec<u32>>,
    released: AtomicU32,
    mute: AtomicU32,
    fails: AtomicU32,
    /// Runs in the middle of each exchange.
    during: Mutex<Option<During>>,
}

impl Behaviour {
    /// A reference for LeakSanitizer.
    fn new() -> &'static Behaviour {
        static KEPT: Mutex<Vec<&'static Behaviour>> = Mutex::new(Vec::new());
        let behaviour: &'static Behaviour = Box::leak(Box::default());
        KEPT.lock().unwrap().push(behaviour);
        behaviour
    }

    fn card(&'static self, atr: &[u8], protocols: Option<Protocols>) -> VirtualCard {
        let user = std::ptr::from_ref(self).cast_mut().cast();
        let callbacks = CardCallbacks {
            user,
            transmit: answer,
            power: Some(power_changed),
            control: Some(control),
            release: Some(release),
        };
        VirtualCard::new(Atr::new(atr), protocols, callbacks)
    }

    fn during_exchange(&self, act: impl FnMut() + Send + 'static) {
        *self.during.lock().unwrap() = Some(Box::new(act));
    }

    fn events(&self) -> Vec<u32> {
        std::mem::take(&mut self.events.lock().unwrap())
    }
}

fn behaviour(user: *mut c_void) -> &'static Behaviour {
    // SAFETY: all cards of these tests have a Behaviour that is never freed.
    unsafe { &*user.cast::<Behaviour>() }
}

/// Answers with the last byte of the command and 9000.
unsafe extern "C-unwind" fn answer(
    user: *mut c_void,
    command: *const u8,
    length: usize,
    response: *mut u8,
    capacity: usize,
    response_length: *mut usize,
) -> i32 {
    let behaviour = behaviour(user);
    let act = behaviour.during.lock().unwrap().take();
    if let Some(mut act) = act {
        act();
    }
    if behaviour.fails.load(Ordering::Relaxed) > 0 {
        return Hresult::E_FAIL.0;
    }
    assert!(capacity >= 3 && length > 0);
    // SAFETY: the buffers have the given lengths.
    unsafe {
        std::ptr::copy_nonoverlapping([*command.add(length - 1), 0x90, 0x00].as_ptr(), response, 3);
        *response_length = 3;
    }
    0
}

unsafe extern "C-unwind" fn power_changed(user: *mut c_void, event: u32) -> i32 {
    let behaviour = behaviour(user);
    behaviour.events.lock().unwrap().push(event);
    match behaviour.mute.load(Ordering::Relaxed) {
        0 => 0,
        _ => Hresult::E_FAIL.0,
    }
}

unsafe extern "C-unwind" fn control(
    _: *mut c_void,
    code: u32,
    _: *const u8,
    _: usize,
    output: *mut u8,
    capacity: usize,
    output_length: *mut usize,
) -> i32 {
    match code {
        1 => {
            // SAFETY: there is room for one byte.
            unsafe { (*output, *output_length) = (0x42, 1) };
            0
        }
        2 => {
            // SAFETY: the length is ours to write; it is wrong on purpose.
            unsafe { *output_length = capacity + 1 };
            0
        }
        3 => Hresult::E_FAIL.0,
        5 => Hresult::SCARD_E_UNSUPPORTED_FEATURE.0,
        _ => Hresult::E_NOTIMPL.0,
    }
}

unsafe extern "C-unwind" fn release(user: *mut c_void) {
    behaviour(user).released.fetch_add(1, Ordering::Relaxed);
}

fn transmit(attachment: &Attachment) -> Result<Vec<u8>> {
    attachment.transmit(&[0, 0xEC, 0, 7], |answer| Ok(answer.to_vec()))
}

fn answered() -> Result<Vec<u8>> {
    Ok(vec![7, 0x90, 0x00])
}

const RESET: ReconnectRequest =
    ReconnectRequest { share_mode: None, protocols: None, initial: Disposition::Reset, limit_ms: SCM_INFINITE };

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
fn a_stopped_service_ends_all_connections() {
    let (bench, card) = TestReader::with_card();
    let attachment = bench.attach();
    let borrowed = Attachment::by_handle(&Virtual, attachment.icc().unwrap(), Access::default(), None).unwrap();
    assert!(stop_service());
    assert_eq!(bench.attach_with(Access::default()).err(), Some(Hresult::SCARD_E_NO_SERVICE));
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_E_NO_SERVICE));
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Err(Hresult::SCARD_E_NO_SERVICE));
    assert!(!list_of_names().contains(&bench.name.as_c_str().to_str().unwrap().into()));
    assert!(start_service());
    assert_eq!(card.events(), [1, 0, 1]);
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_E_NO_SERVICE));
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    assert_eq!((transmit(&attachment), attachment.generation()), (answered(), 1));
    assert_eq!(transmit(&borrowed), Err(Hresult::SCARD_E_INVALID_HANDLE));
    assert!(list_of_names().contains(&bench.name.as_c_str().to_str().unwrap().into()));
}

fn list_of_names() -> Vec<String> {
    let names = managers::list_ifds().unwrap().0.into_bytes();
    crate::resource_manager::multi_string::texts(&names).map(|name| String::from_utf8(name.to_vec()).unwrap()).collect()
}

#[test]
fn a_stopped_service_ends_locks_and_exclusive_use() {
    let (bench, _) = TestReader::with_card();
    let exclusive = bench.attach_with(EXCLUSIVE).unwrap();
    stop_service();
    start_service();
    let t0 = Access { protocols: Protocols::T0, ..EXCLUSIVE };
    let other = bench.attach_with(t0).unwrap();
    assert_eq!(other.status().unwrap().1, Some(Protocol::T0));
    assert_eq!(exclusive.reconnect(ReconnectRequest::default()), Err(Hresult::SCARD_E_SHARING_VIOLATION));
}

#[test]
fn the_start_of_the_service_powers_present_cards() {
    let bench = TestReader::new();
    stop_service();
    let card = bench.insert(ATR);
    assert_eq!(card.events(), []);
    assert_eq!(reset(bench.ifd, Disposition::Reset), Err(Hresult::SCARD_E_NO_SERVICE));
    start_service();
    assert_eq!(card.events(), [1]);
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

fn failure(operation: Operation, code: Hresult) -> Failure {
    Failure { operation, answer: Err(code), skip: 0, count: 1, delay: Duration::ZERO }
}

#[test]
fn planned_failures_reach_the_attachment() {
    let (bench, card) = TestReader::with_card();
    fail(bench.ifd, failure(Operation::Connect, Hresult::SCARD_E_READER_UNAVAILABLE)).unwrap();
    assert_eq!(bench.attach_with(Access::default()).err(), Some(Hresult::SCARD_E_READER_UNAVAILABLE));
    let attachment = bench.attach();
    let plans = [
        (Operation::Begin, Hresult::SCARD_E_NOT_READY),
        (Operation::Transmit, Hresult::SCARD_E_TIMEOUT),
        (Operation::Control, Hresult::SCARD_E_NOT_TRANSACTED),
        (Operation::GetAttribute, Hresult::SCARD_E_UNSUPPORTED_FEATURE),
        (Operation::SetAttribute, Hresult::E_ACCESSDENIED),
    ];
    for (operation, code) in plans {
        fail(bench.ifd, failure(operation, code)).unwrap();
        let answer = match operation {
            Operation::Begin => attachment.lock(),
            Operation::Transmit => transmit(&attachment).map(|_| ()),
            Operation::Control => attachment.control(1, &[], |_| Ok(())),
            Operation::GetAttribute => attachment.get_attribute(0x0001_0100, |_| Ok(())),
            _ => attachment.set_attribute(1, &[]),
        };
        assert_eq!(answer, Err(code));
    }
    fail(bench.ifd, failure(Operation::Reconnect, Hresult::SCARD_E_NOT_READY)).unwrap();
    let direct = ReconnectRequest { share_mode: Some(ShareMode::Direct), ..ReconnectRequest::default() };
    assert_eq!(attachment.reconnect(direct), Err(Hresult::SCARD_E_NOT_READY));
    attachment.reconnect(ReconnectRequest::default()).unwrap();
    attachment.lock().unwrap();
    fail(bench.ifd, failure(Operation::End, Hresult::SCARD_E_TIMEOUT)).unwrap();
    assert_eq!(attachment.unlock(Disposition::Leave), Err(Hresult::SCARD_E_TIMEOUT));
    assert_eq!(card.events(), [1]);
    assert_eq!(transmit(&attachment), answered());
    let mut attachment = attachment;
    fail(bench.ifd, failure(Operation::Disconnect, Hresult::SCARD_E_CANT_DISPOSE)).unwrap();
    attachment.set_disposition(Disposition::Reset);
    assert_eq!(attachment.close(), Err(Hresult::SCARD_E_CANT_DISPOSE));
    assert_eq!(card.events(), []);
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

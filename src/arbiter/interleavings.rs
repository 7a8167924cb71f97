//! All interleavings of a few threads at the arbiter: `RUSTFLAGS="--cfg loom" cargo test --release --lib
//! interleavings`.

use std::time::Duration;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Condvar, Mutex};
use loom::thread;

use super::{Arbiter, Hold, LockProbe, ReaderUse};
use crate::abi::hresult::{Hresult, Result};
use crate::runtime::cancel::Waker;
use crate::runtime::fallible::Arc;
use crate::runtime::wait::{SCM_INFINITE, WaitLimit};

/// A resource manager that always gives this answer. Threads of a model poll often, as the model has no clock.
struct FixedAnswer(Result<ReaderUse>);

impl LockProbe for FixedAnswer {
    fn probe(&self) -> Result<ReaderUse> {
        self.0
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(3600)
    }
}

const LOCKED: FixedAnswer = FixedAnswer(Ok(ReaderUse::Locked));

/// The reader and its users: a holder counts 100, a turn 1.
struct Model {
    arbiter: Arc<Arbiter>,
    users: AtomicUsize,
}

impl Model {
    fn new() -> Arc<Model> {
        Arc::try_new(Model { arbiter: Arc::try_new(Arbiter::default()).unwrap(), users: AtomicUsize::new(0) }).unwrap()
    }

    fn take_turn(&self) {
        let waker = waker();
        let turn = self.arbiter.turn(&WaitLimit::cancellable(&waker), &waker, &LOCKED).unwrap();
        assert!(self.users.fetch_add(1, Ordering::SeqCst) < 100, "a turn beside a hold");
        self.users.fetch_sub(1, Ordering::SeqCst);
        drop(turn);
    }

    fn take_hold(&self) {
        let waker = waker();
        let hold = Arbiter::hold(&self.arbiter, &WaitLimit::cancellable(&waker), &waker, &LOCKED).unwrap();
        assert_eq!(self.users.fetch_add(100, Ordering::SeqCst), 0, "a hold beside others");
        self.users.fetch_sub(100, Ordering::SeqCst);
        drop(hold);
    }

    /// No waiter is left, and calls need no mutex.
    fn check_unused(&self) {
        assert!(self.arbiter.try_turn().is_some());
        assert!(self.arbiter.try_exclusive().is_some());
    }
}

fn waker() -> Arc<Waker> {
    Arc::try_new(Waker::default()).unwrap()
}

fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(check);
}

fn at_once(model: &Arc<Model>, others: &[fn(&Model)], mine: fn(&Model)) {
    let others: Vec<_> = others
        .iter()
        .map(|other| {
            let (model, other) = (model.clone(), *other);
            thread::spawn(move || other(&model))
        })
        .collect();
    mine(model);
    others.into_iter().for_each(|other| other.join().unwrap());
    model.check_unused();
}

#[test]
fn two_holds_never_overlap() {
    model(|| at_once(&Model::new(), &[Model::take_hold], Model::take_hold));
}

#[test]
fn a_hold_and_a_turn_never_overlap() {
    model(|| at_once(&Model::new(), &[Model::take_turn], Model::take_hold));
}

#[test]
fn three_threads_never_overlap() {
    model(|| at_once(&Model::new(), &[Model::take_turn, Model::take_hold], Model::take_hold));
    model(|| at_once(&Model::new(), &[Model::take_turn, Model::take_hold], Model::take_turn));
}

/// A thread whose time is up, or whose poll fails, either is admitted or leaves nothing behind.
#[test]
fn a_waiter_that_gives_up_leaves_nothing_behind() {
    fn wait_without_time(model: &Model) {
        let waker = waker();
        match Arbiter::hold(&model.arbiter, &WaitLimit::of_ms(0, &waker), &waker, &LOCKED) {
            Ok(hold) => drop(hold),
            Err(code) => assert_eq!(code, Hresult::SCARD_E_TIMEOUT),
        }
    }
    fn wait_until_a_poll_fails(model: &Model) {
        let (waker, probe) = (waker(), FixedAnswer(Err(Hresult::SCARD_W_REMOVED_CARD)));
        match model.arbiter.turn(&WaitLimit::of_ms(0, &waker), &waker, &probe) {
            Ok(turn) => drop(turn),
            Err(code) => assert_eq!(code, Hresult::SCARD_W_REMOVED_CARD),
        }
    }
    model(|| at_once(&Model::new(), &[wait_without_time], Model::take_hold));
    model(|| at_once(&Model::new(), &[wait_until_a_poll_fails], Model::take_hold));
    model(|| at_once(&Model::new(), &[wait_without_time, wait_until_a_poll_fails], Model::take_hold));
}

/// The next waiter goes on, although the reason of both waits still exists.
#[test]
fn a_waiter_that_gives_up_blocks_no_other() {
    model(|| {
        let model = Model::new();
        let turn = model.arbiter.try_turn();
        let (wait_without_time, other) = (model.clone(), model.clone());
        let one = thread::spawn(move || {
            let waker = waker();
            let hold = Arbiter::hold(&wait_without_time.arbiter, &WaitLimit::of_ms(0, &waker), &waker, &LOCKED);
            assert_eq!(hold.err(), Some(Hresult::SCARD_E_TIMEOUT));
        });
        let two = thread::spawn(move || other.take_turn());
        one.join().unwrap();
        two.join().unwrap();
        drop(turn);
        model.check_unused();
    });
}

/// A waiter takes back a lost lock, while its holder may give it back.
#[test]
fn a_hold_is_taken_back_once() {
    fn poll_and_take(model: &Model) {
        let (waker, probe) = (waker(), FixedAnswer(Ok(ReaderUse::Free)));
        // The limit makes it poll.
        if let Ok(hold) = Arbiter::hold(&model.arbiter, &WaitLimit::of_ms(0, &waker), &waker, &probe) {
            assert!(hold.is_valid());
        }
    }
    fn lose(model: &Model) {
        let waker = waker();
        let hold = Arbiter::hold(&model.arbiter, &WaitLimit::cancellable(&waker), &waker, &LOCKED).unwrap();
        hold.confirm();
        let _ = hold.is_valid();
    }
    model(|| at_once(&Model::new(), &[poll_and_take], lose));
}

#[test]
fn no_cancel_is_lost() {
    model(|| {
        let model = Model::new();
        let (waker, hold) = (waker(), model.arbiter.try_exclusive());
        let shared = waker.clone();
        let canceller = thread::spawn(move || shared.cancel());
        let limit = WaitLimit::of_ms(SCM_INFINITE, &waker);
        let waited = model.arbiter.turn(&limit, &waker, &LOCKED).map(drop);
        assert_eq!(waited, Err(Hresult::SCARD_E_CANCELLED));
        canceller.join().unwrap();
        model.arbiter.end_exclusive(hold.unwrap());
        model.check_unused();
    });
}

/// The resource manager: the card handle that has the transaction of the reader. A begin waits for the end of another
/// one.
#[derive(Default)]
struct Service {
    transaction: Mutex<Option<usize>>,
    ended: Condvar,
}

impl Service {
    fn begin(&self, icc: usize) {
        let mut transaction = self.transaction.lock().unwrap();
        while transaction.is_some() {
            transaction = self.ended.wait(transaction).unwrap();
        }
        *transaction = Some(icc);
    }

    fn end(&self, icc: usize) {
        let mut transaction = self.transaction.lock().unwrap();
        if *transaction == Some(icc) {
            *transaction = None;
            self.ended.notify_all();
        }
    }

    fn has(&self, icc: usize) -> bool {
        *self.transaction.lock().unwrap() == Some(icc)
    }
}

/// A waiting thread that asks the resource manager whether there is a transaction.
struct Asking<'a>(&'a Service);

impl LockProbe for Asking<'_> {
    fn probe(&self) -> Result<ReaderUse> {
        match *self.0.transaction.lock().unwrap() {
            Some(_) => Ok(ReaderUse::Locked),
            None => Ok(ReaderUse::Free),
        }
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(3600)
    }
}

/// A reader with its resource manager.
struct Reader {
    arbiter: Arc<Arbiter>,
    service: Service,
}

impl Reader {
    fn new() -> Arc<Reader> {
        Arc::try_new(Reader { arbiter: Arc::try_new(Arbiter::default()).unwrap(), service: Service::default() })
            .unwrap()
    }

    /// Takes the hold and the transaction, or neither, as `attachment::reader_lock` does.
    fn lock(&self, icc: usize, timeout_ms: u32) -> Option<Hold> {
        loop {
            let waker = waker();
            let limit = WaitLimit::of_ms(timeout_ms, &waker);
            let hold = Arbiter::hold(&self.arbiter, &limit, &waker, &Asking(&self.service)).ok()?;
            hold.ask();
            self.service.begin(icc);
            if hold.confirm() {
                return Some(hold);
            }
            // Others were admitted meanwhile.
            self.service.end(icc);
        }
    }

    fn unlock(&self, icc: usize, hold: Hold) {
        self.service.end(icc);
        drop(hold);
    }

    fn lock_and_unlock(&self, icc: usize) {
        let hold = self.lock(icc, SCM_INFINITE).unwrap();
        assert!(hold.is_valid() && self.service.has(icc));
        self.unlock(icc, hold);
    }
}

/// The holder of a lock hears of a loss that did not happen, and takes the lock again while others wait for it. No wait
/// is circular, and no thread has the hold while another one has the transaction.
#[test]
fn a_lock_that_is_taken_anew_lets_others_pass() {
    fn reconnect(reader: &Reader) {
        let hold = reader.lock(1, SCM_INFINITE).unwrap();
        reader.unlock(1, hold);
        reader.lock_and_unlock(1);
    }
    model(|| {
        let reader = Reader::new();
        let shared = reader.clone();
        let other = thread::spawn(move || shared.lock_and_unlock(2));
        reconnect(&reader);
        other.join().unwrap();
        assert_eq!(*reader.service.transaction.lock().unwrap(), None);
        assert!(reader.arbiter.try_exclusive().is_some());
    });
}

/// A thread with a limit polls at any moment of another one's lock: it never takes back a lock that exists.
#[test]
fn a_poll_takes_back_only_the_lock_that_it_began_with() {
    model(|| {
        let reader = Reader::new();
        let shared = reader.clone();
        let other = thread::spawn(move || {
            if let Some(hold) = shared.lock(2, 0) {
                assert!(shared.service.has(2));
                shared.unlock(2, hold);
            }
        });
        reader.lock_and_unlock(1);
        other.join().unwrap();
    });
}

//! All interleavings of a few threads at the arbiter: `RUSTFLAGS="--cfg loom" cargo test --release --lib
//! interleavings`.

use std::time::Duration;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use super::{Arbiter, Hold, LockProbe, ReaderUse};
use crate::abi::hresult::{Hresult, Result};
use crate::runtime::fallible::Arc;
use crate::runtime::wait::{SCM_INFINITE, WaitLimit, Waker};

/// A resource manager that always gives this answer. Threads of a model poll often, as the model has no clock.
struct Standing(Result<ReaderUse>);

impl LockProbe for Standing {
    fn probe(&self) -> Result<ReaderUse> {
        self.0
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(3600)
    }
}

const PATIENT: Standing = Standing(Ok(ReaderUse::Locked));

/// The reader and its users: a holder counts 100, a turn 1.
struct Scene {
    arbiter: Arc<Arbiter>,
    users: AtomicUsize,
}

impl Scene {
    fn new() -> Arc<Scene> {
        Arc::new(Scene { arbiter: Arc::try_new(Arbiter::default()).unwrap(), users: AtomicUsize::new(0) })
    }

    fn take_turn(&self) {
        let waker = waker();
        let turn = self.arbiter.turn(&WaitLimit::lasting(&waker), &waker, &PATIENT).unwrap();
        assert!(self.users.fetch_add(1, Ordering::SeqCst) < 100, "a turn beside a hold");
        self.users.fetch_sub(1, Ordering::SeqCst);
        drop(turn);
    }

    fn take_hold(&self) {
        let waker = waker();
        let hold = Arbiter::hold(&self.arbiter, &WaitLimit::lasting(&waker), &waker, &PATIENT).unwrap();
        assert_eq!(self.users.fetch_add(100, Ordering::SeqCst), 0, "a hold beside others");
        self.users.fetch_sub(100, Ordering::SeqCst);
        drop(hold);
    }

    /// No waiter is left, and calls need no mutex.
    fn is_as_new(&self) {
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

fn at_once(scene: &Arc<Scene>, others: &[fn(&Scene)], mine: fn(&Scene)) {
    let others: Vec<_> = others
        .iter()
        .map(|other| {
            let (scene, other) = (scene.clone(), *other);
            thread::spawn(move || other(&scene))
        })
        .collect();
    mine(scene);
    others.into_iter().for_each(|other| other.join().unwrap());
    scene.is_as_new();
}

#[test]
fn two_holds_come_one_after_the_other() {
    model(|| at_once(&Scene::new(), &[Scene::take_hold], Scene::take_hold));
}

#[test]
fn a_hold_and_a_turn_keep_apart() {
    model(|| at_once(&Scene::new(), &[Scene::take_turn], Scene::take_hold));
}

#[test]
fn three_come_one_after_the_other() {
    model(|| at_once(&Scene::new(), &[Scene::take_turn, Scene::take_hold], Scene::take_hold));
    model(|| at_once(&Scene::new(), &[Scene::take_turn, Scene::take_hold], Scene::take_turn));
}

/// A thread whose time is up, or whose poll fails, either is admitted or leaves nothing behind.
#[test]
fn who_gives_up_leaves_nothing_behind() {
    fn impatient(scene: &Scene) {
        let waker = waker();
        match Arbiter::hold(&scene.arbiter, &WaitLimit::of_ms(0, &waker), &waker, &PATIENT) {
            Ok(hold) => drop(hold),
            Err(code) => assert_eq!(code, Hresult::SCARD_E_TIMEOUT),
        }
    }
    fn distracted(scene: &Scene) {
        let (waker, probe) = (waker(), Standing(Err(Hresult::SCARD_W_REMOVED_CARD)));
        match scene.arbiter.turn(&WaitLimit::of_ms(0, &waker), &waker, &probe) {
            Ok(turn) => drop(turn),
            Err(code) => assert_eq!(code, Hresult::SCARD_W_REMOVED_CARD),
        }
    }
    model(|| at_once(&Scene::new(), &[impatient], Scene::take_hold));
    model(|| at_once(&Scene::new(), &[distracted], Scene::take_hold));
    model(|| at_once(&Scene::new(), &[impatient, distracted], Scene::take_hold));
}

/// The next waiter goes on, although the reason of both waits still exists.
#[test]
fn who_gives_up_is_in_nobodys_way() {
    model(|| {
        let scene = Scene::new();
        let turn = scene.arbiter.try_turn();
        let (impatient, other) = (scene.clone(), scene.clone());
        let one = thread::spawn(move || {
            let waker = waker();
            let hold = Arbiter::hold(&impatient.arbiter, &WaitLimit::of_ms(0, &waker), &waker, &PATIENT);
            assert_eq!(hold.err(), Some(Hresult::SCARD_E_TIMEOUT));
        });
        let two = thread::spawn(move || other.take_turn());
        one.join().unwrap();
        two.join().unwrap();
        drop(turn);
        scene.is_as_new();
    });
}

/// A waiter takes back a lost lock, while its holder may give it back.
#[test]
fn a_hold_is_taken_back_once() {
    fn look_and_take(scene: &Scene) {
        let (waker, probe) = (waker(), Standing(Ok(ReaderUse::Free)));
        // The limit makes it poll.
        if let Ok(hold) = Arbiter::hold(&scene.arbiter, &WaitLimit::of_ms(0, &waker), &waker, &probe) {
            assert!(hold.is_valid());
        }
    }
    fn lose(scene: &Scene) {
        let waker = waker();
        let hold = Arbiter::hold(&scene.arbiter, &WaitLimit::lasting(&waker), &waker, &PATIENT).unwrap();
        hold.confirm();
        let _ = hold.is_valid();
    }
    model(|| at_once(&Scene::new(), &[look_and_take], lose));
}

#[test]
fn no_cancel_is_lost() {
    model(|| {
        let scene = Scene::new();
        let (waker, hold) = (waker(), scene.arbiter.try_exclusive());
        let theirs = waker.clone();
        let canceller = thread::spawn(move || theirs.cancel());
        let limit = WaitLimit::of_ms(SCM_INFINITE, &waker);
        let waited = scene.arbiter.turn(&limit, &waker, &PATIENT).map(drop);
        assert_eq!(waited, Err(Hresult::SCARD_E_CANCELLED));
        canceller.join().unwrap();
        scene.arbiter.end_exclusive(hold.unwrap());
        scene.is_as_new();
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
    fn begin(&self, who: usize) {
        let mut transaction = self.transaction.lock().unwrap();
        while transaction.is_some() {
            transaction = self.ended.wait(transaction).unwrap();
        }
        *transaction = Some(who);
    }

    fn end(&self, who: usize) {
        let mut transaction = self.transaction.lock().unwrap();
        if *transaction == Some(who) {
            *transaction = None;
            self.ended.notify_all();
        }
    }

    fn has(&self, who: usize) -> bool {
        *self.transaction.lock().unwrap() == Some(who)
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
struct Desk {
    arbiter: Arc<Arbiter>,
    service: Service,
}

impl Desk {
    fn new() -> Arc<Desk> {
        Arc::new(Desk { arbiter: Arc::try_new(Arbiter::default()).unwrap(), service: Service::default() })
    }

    /// Takes the hold and the transaction, or neither, as `attachment::reader_lock` does.
    fn possess(&self, who: usize, timeout_ms: u32) -> Option<Hold> {
        loop {
            let waker = waker();
            let limit = WaitLimit::of_ms(timeout_ms, &waker);
            let hold = Arbiter::hold(&self.arbiter, &limit, &waker, &Asking(&self.service)).ok()?;
            hold.ask();
            self.service.begin(who);
            if hold.confirm() {
                return Some(hold);
            }
            // Others were admitted meanwhile.
            self.service.end(who);
        }
    }

    fn give_up(&self, who: usize, hold: Hold) {
        self.service.end(who);
        drop(hold);
    }

    fn lock_and_unlock(&self, who: usize) {
        let hold = self.possess(who, SCM_INFINITE).unwrap();
        assert!(hold.is_valid() && self.service.has(who));
        self.give_up(who, hold);
    }
}

/// The holder of a lock hears of a loss that did not happen, and takes the lock again while others wait for it. No wait
/// is circular, and no thread has the hold while another one has the transaction.
#[test]
fn a_lock_that_is_given_up_and_taken_anew_lets_others_pass() {
    fn told_of_a_loss(desk: &Desk) {
        let hold = desk.possess(1, SCM_INFINITE).unwrap();
        desk.give_up(1, hold);
        desk.lock_and_unlock(1);
    }
    model(|| {
        let desk = Desk::new();
        let theirs = desk.clone();
        let other = thread::spawn(move || theirs.lock_and_unlock(2));
        told_of_a_loss(&desk);
        other.join().unwrap();
        assert_eq!(*desk.service.transaction.lock().unwrap(), None);
        assert!(desk.arbiter.try_exclusive().is_some());
    });
}

/// A thread with a limit polls at any moment of another one's lock: it never takes back a lock that exists.
#[test]
fn what_a_look_has_found_is_of_the_lock_that_it_began_with() {
    model(|| {
        let desk = Desk::new();
        let theirs = desk.clone();
        let other = thread::spawn(move || {
            if let Some(hold) = theirs.possess(2, 0) {
                assert!(theirs.service.has(2));
                theirs.give_up(2, hold);
            }
        });
        desk.lock_and_unlock(1);
        other.join().unwrap();
    });
}

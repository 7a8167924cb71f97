//! A call of PC/SC whose caller has limited limit. PC/SC knows no deadline and ends no wait but one, so another thread
//! makes the call. When the caller gives up, the call is abandoned until PC/SC is done with it: then what it brought is given
//! back, and so is what its caller has closed meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::worker::employ;
use crate::abi::constants::Disposition;
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::{Context, Icc};
use crate::runtime::fallible::Arc;
use crate::runtime::wait::{WaitLimit, Waker, earlier};

/// How often another's transaction is asked about while we wait for its end: 0.5 % of a core, and a twentieth of the time
/// that PC/SC would take.
const POLL: Duration = Duration::from_millis(5);

/// A call of PC/SC is given so long to come back by itself at least, however little its caller has left.
const MOMENT: Duration = Duration::from_millis(20);

/// What a call is about. There is never more than one abandoned about the same thing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The service itself: a new context.
    Service,
    /// A reader: a new card handle, in this context.
    Ifd(IfdName, Context),
    Icc(Icc),
}

impl Subject {
    fn is_same(&self, other: &Subject) -> bool {
        match (self, other) {
            (Subject::Ifd(one, _), Subject::Ifd(other, _)) => one == other,
            (one, other) => one == other,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Course {
    Running,
    /// Others are in the way.
    Waiting,
    Done,
    /// Nobody waits for it any more.
    Abandoned,
}

/// What the caller and the thread that makes the call share.
struct TimedCall<T> {
    course: Mutex<Course>,
    changed: Condvar,
    outcome: Mutex<Option<Result<T>>>,
    waker: Arc<Waker>,
}

/// How a call goes on while others are in the way.
pub struct Progress<'a>(Option<(&'a Mutex<Course>, &'a Condvar, &'a Arc<Waker>)>);

impl Progress<'_> {
    /// Returns once nobody has the card, or at once where PC/SC may do the waiting. An error when nobody wants it any more.
    pub fn wait_while(&self, mut taken: impl FnMut() -> bool) -> Result<()> {
        let Some((course, changed, waker)) = self.0 else { return Ok(()) };
        while taken() {
            let mut now = locked(course);
            if *now == Course::Running {
                *now = Course::Waiting;
                waker.wake();
            }
            if *now == Course::Waiting {
                now = changed.wait_timeout(now, POLL).unwrap_or_else(PoisonError::into_inner).0;
            }
            if *now == Course::Abandoned {
                return Err(Hresult::SCARD_E_CANCELLED);
            }
        }
        let mut now = locked(course);
        match *now {
            Course::Abandoned => Err(Hresult::SCARD_E_CANCELLED),
            _ => {
                *now = Course::Running;
                Ok(())
            }
        }
    }
}

/// Makes `call` with the limit of its caller: on this thread if that is endless. What it brings when its caller has given
/// up is given back by `undo`.
pub fn run<T: Send + 'static>(
    limit: &WaitLimit,
    subject: Subject,
    call: impl FnOnce(&Progress) -> Result<T> + Send + 'static,
    undo: impl FnOnce(T) + Send + 'static,
) -> Result<T> {
    let Some(waker) = limit.strict_waker() else {
        if let Subject::Icc(icc) = subject {
            abandoned::wait_for(icc);
        }
        return call(&Progress(None));
    };
    abandoned::wait_patiently_for(&subject, limit, waker)?;
    let timed_call = Arc::try_new(TimedCall {
        course: Mutex::new(Course::Running),
        changed: Condvar::new(),
        outcome: Mutex::new(None),
        waker: waker.clone(),
    })?;
    let _place = abandoned::Place::reserve()?;
    let theirs = timed_call.clone();
    employ(move || theirs.make(call, undo))?;
    timed_call.wait(limit, subject)
}

impl<T: Send + 'static> TimedCall<T> {
    /// On the thread that makes the call.
    fn make(&self, call: impl FnOnce(&Progress) -> Result<T>, undo: impl FnOnce(T)) {
        let outcome = call(&Progress(Some((&self.course, &self.changed, &self.waker))));
        let mut course = locked(&self.course);
        if *course != Course::Abandoned {
            *locked(&self.outcome) = Some(outcome);
            *course = Course::Done;
            drop(course);
            self.waker.wake();
            return;
        }
        drop(course);
        if let Ok(brought) = outcome {
            undo(brought);
        }
        abandoned::come_home(std::ptr::from_ref(&self.course) as usize, &self.waker);
    }

    /// On the thread that wants the outcome.
    fn wait(&self, limit: &WaitLimit, subject: Subject) -> Result<T> {
        let grace = Instant::now() + MOMENT;
        let grace = limit.grace().map_or(grace, |whole| whole.max(grace));
        loop {
            let seen_wakes = self.waker.wakes();
            let course = *locked(&self.course);
            if course == Course::Done {
                break;
            }
            let in_grace = course == Course::Running && Instant::now() < grace;
            if !in_grace {
                if let Err(code) = limit.check() {
                    if self.abandon(subject) {
                        return Err(code);
                    }
                    limit.take_back(code);
                    break;
                }
            }
            self.waker.sleep(seen_wakes, if in_grace { Some(grace) } else { limit.deadline() });
        }
        locked(&self.outcome).take().unwrap_or(Err(Hresult::E_UNEXPECTED))
    }

    /// Gives the call up, unless it is done in the same moment.
    fn abandon(&self, subject: Subject) -> bool {
        let mut abandoned = abandoned::lock();
        let mut course = locked(&self.course);
        if *course == Course::Done {
            return false;
        }
        *course = Course::Abandoned;
        abandoned.add(std::ptr::from_ref(&self.course) as usize, subject);
        drop(course);
        self.changed.notify_all();
        true
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The calls that are abandoned.
pub mod abandoned {
    use super::*;

    static STRAYS: Mutex<Abandoned> = Mutex::new(Abandoned { all: Vec::new(), timed_calls: 0 });
    static HOME: Condvar = Condvar::new();
    /// How many there are: no call looks closer while there is none.
    static HOW_MANY: AtomicUsize = AtomicUsize::new(0);

    pub struct Abandoned {
        all: Vec<Stray>,
        /// How many calls could go abandoned now.
        timed_calls: usize,
    }

    struct Stray {
        /// Another for each call that is under way.
        id: usize,
        subject: Subject,
        /// The context of the card handle, if it is ours.
        context: Option<Context>,
        disconnect: Option<Disposition>,
        release: Option<Context>,
    }

    /// All of them, locked: also across a fork.
    pub fn lock() -> MutexGuard<'static, Abandoned> {
        locked(&STRAYS)
    }

    impl Abandoned {
        pub(super) fn add(&mut self, id: usize, subject: Subject) {
            let context = match subject {
                Subject::Service => None,
                Subject::Ifd(_, context) => Some(context),
                Subject::Icc(icc) => super::super::context_of(icc),
            };
            // There is room: see `Place`.
            self.all.push(Stray { id, subject, context, disconnect: None, release: None });
            HOW_MANY.store(self.all.len(), Ordering::Relaxed);
        }

        /// A call in the context of a card handle is about that, too: PC/SC makes one wait for the other.
        fn about(&mut self, subject: &Subject) -> Option<&mut Stray> {
            let context = match subject {
                Subject::Icc(icc) => super::super::context_of(*icc),
                _ => None,
            };
            let in_context = |abandoned_call: &Stray| context.is_some() && abandoned_call.context == context;
            self.all
                .iter_mut()
                .find(|abandoned_call| abandoned_call.subject.is_same(subject) || in_context(abandoned_call))
        }

        /// In the child of a fork: the calls are the parent's.
        #[cfg(unix)]
        pub fn forget_all(&mut self) {
            self.all.clear();
            self.timed_calls = 0;
            HOW_MANY.store(0, Ordering::Relaxed);
        }
    }

    /// Room for one more abandoned_call, as long as the call is under way: to go abandoned needs no memory then.
    pub struct Place;

    impl Place {
        pub fn reserve() -> Result<Place> {
            let mut abandoned = lock();
            let places = abandoned.timed_calls + 1;
            abandoned.all.try_reserve(places)?;
            abandoned.timed_calls = places;
            Ok(Place)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            lock().timed_calls -= 1;
        }
    }

    #[inline]
    pub fn are_there() -> bool {
        HOW_MANY.load(Ordering::Relaxed) > 0
    }

    /// Whether a call on this card handle is abandoned.
    pub fn has(icc: Icc) -> bool {
        are_there() && lock().about(&Subject::Icc(icc)).is_some()
    }

    /// Returns once no call on this card handle is abandoned.
    #[inline]
    pub fn wait_for(icc: Icc) {
        if are_there() {
            wait_in_vain(icc);
        }
    }

    #[cold]
    fn wait_in_vain(icc: Icc) {
        let mut abandoned = lock();
        while abandoned.about(&Subject::Icc(icc)).is_some() {
            abandoned = HOME.wait(abandoned).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The same, with a limit. Who waits for another's abandoned_call is not woken for, and looks now and then.
    pub fn wait_patiently_for(subject: &Subject, limit: &WaitLimit, waker: &Waker) -> Result<()> {
        const NOW_AND_THEN: Duration = Duration::from_millis(20);
        loop {
            let seen_wakes = waker.wakes();
            if !are_there() || lock().about(subject).is_none() {
                return Ok(());
            }
            limit.check()?;
            waker.sleep(seen_wakes, earlier(limit.deadline(), Some(Instant::now() + NOW_AND_THEN)));
        }
    }

    /// A card handle that is abandoned is disconnected when its call is done. Whether it is.
    pub fn disconnect(icc: Icc, disposition: Disposition) -> bool {
        if !are_there() {
            return false;
        }
        lock().about(&Subject::Icc(icc)).map(|abandoned_call| abandoned_call.disconnect = Some(disposition)).is_some()
    }

    /// A context with a call that is abandoned is released when that is done. Whether there is one.
    pub fn release(context: Context) -> bool {
        if !are_there() {
            return false;
        }
        let mut abandoned = lock();
        let abandoned_call = abandoned.all.iter_mut().find(|abandoned_call| abandoned_call.context == Some(context));
        abandoned_call.map(|abandoned_call| abandoned_call.release = Some(context)).is_some()
    }

    /// The call is done: what its caller wanted to be closed is closed.
    pub(super) fn come_home(id: usize, waker: &Waker) {
        loop {
            let mut abandoned = lock();
            let Some(place) = abandoned.all.iter().position(|abandoned_call| abandoned_call.id == id) else { return };
            let Some(abandoned_call) = abandoned.all.get_mut(place) else { return };
            let (disconnect, release) = (abandoned_call.disconnect.take(), abandoned_call.release.take());
            if let (None, None) = (disconnect, release) {
                abandoned.all.swap_remove(place);
                HOW_MANY.store(abandoned.all.len(), Ordering::Relaxed);
                drop(abandoned);
                HOME.notify_all();
                waker.wake();
                return;
            }
            let subject = abandoned_call.subject;
            drop(abandoned);
            if let (Some(disposition), Subject::Icc(icc)) = (disconnect, subject) {
                // Who could be told has gone.
                let _ = super::super::close_card(icc, disposition);
            }
            if let Some(context) = release {
                super::super::close_context(context);
            }
        }
    }
}

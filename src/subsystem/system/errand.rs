//! A call of PC/SC whose caller has limited patience. PC/SC knows no deadline and ends no wait but one, so another thread
//! makes the call. When the caller gives up, the call is astray until PC/SC is done with it: then what it brought is given
//! back, and so is what its caller has closed meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::worker::employ;
use crate::hresult::{Hresult, Result};
use crate::ifd_name::IfdName;
use crate::patience::{earlier, Bell, Patience};
use crate::shared::Shared;
use crate::subsystem::{Context, Icc};
use crate::type_library::Disposition;

/// How often another's transaction is asked about while we wait for its end: 0.5 % of a core, and a twentieth of the time
/// that PC/SC would take.
const POLL: Duration = Duration::from_millis(5);

/// A call of PC/SC is given so long to come back by itself at least, however little its caller has left.
const MOMENT: Duration = Duration::from_millis(20);

/// What a call is about. There is never more than one astray about the same thing.
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
    Astray,
}

/// What the caller and the thread that makes the call share.
struct Errand<T> {
    course: Mutex<Course>,
    changed: Condvar,
    outcome: Mutex<Option<Result<T>>>,
    bell: Shared<Bell>,
}

/// How a call goes on while others are in the way.
pub struct Pace<'a>(Option<(&'a Mutex<Course>, &'a Condvar, &'a Shared<Bell>)>);

impl Pace<'_> {
    /// Returns once nobody has the card, or at once where PC/SC may do the waiting. An error when nobody wants it any more.
    pub fn wait_while(&self, mut taken: impl FnMut() -> bool) -> Result<()> {
        let Some((course, changed, bell)) = self.0 else { return Ok(()) };
        while taken() {
            let mut now = locked(course);
            if *now == Course::Running {
                *now = Course::Waiting;
                bell.ring();
            }
            if *now == Course::Waiting {
                now = changed.wait_timeout(now, POLL).unwrap_or_else(PoisonError::into_inner).0;
            }
            if *now == Course::Astray {
                return Err(Hresult::SCARD_E_CANCELLED);
            }
        }
        let mut now = locked(course);
        match *now {
            Course::Astray => Err(Hresult::SCARD_E_CANCELLED),
            _ => {
                *now = Course::Running;
                Ok(())
            }
        }
    }
}

/// Makes `call` with the patience of its caller: on this thread if that is endless. What it brings when its caller has given
/// up is given back by `undo`.
pub fn run<T: Send + 'static>(
    patience: &Patience,
    subject: Subject,
    call: impl FnOnce(&Pace) -> Result<T> + Send + 'static,
    undo: impl FnOnce(T) + Send + 'static,
) -> Result<T> {
    let Some(bell) = patience.strict_bell() else {
        if let Subject::Icc(icc) = subject {
            strays::wait_for(icc);
        }
        return call(&Pace(None));
    };
    strays::wait_patiently_for(&subject, patience, bell)?;
    let errand = Shared::try_new(Errand {
        course: Mutex::new(Course::Running),
        changed: Condvar::new(),
        outcome: Mutex::new(None),
        bell: bell.clone(),
    })?;
    let _place = strays::Place::reserve()?;
    let theirs = errand.clone();
    employ(move || theirs.make(call, undo))?;
    errand.wait(patience, subject)
}

impl<T: Send + 'static> Errand<T> {
    /// On the thread that makes the call.
    fn make(&self, call: impl FnOnce(&Pace) -> Result<T>, undo: impl FnOnce(T)) {
        let outcome = call(&Pace(Some((&self.course, &self.changed, &self.bell))));
        let mut course = locked(&self.course);
        if *course != Course::Astray {
            *locked(&self.outcome) = Some(outcome);
            *course = Course::Done;
            drop(course);
            self.bell.ring();
            return;
        }
        drop(course);
        if let Ok(brought) = outcome {
            undo(brought);
        }
        strays::come_home(std::ptr::from_ref(&self.course) as usize, &self.bell);
    }

    /// On the thread that wants the outcome.
    fn wait(&self, patience: &Patience, subject: Subject) -> Result<T> {
        let grace = Instant::now() + MOMENT;
        let grace = patience.grace().map_or(grace, |whole| whole.max(grace));
        loop {
            let heard = self.bell.rings();
            let course = *locked(&self.course);
            if course == Course::Done {
                break;
            }
            let in_grace = course == Course::Running && Instant::now() < grace;
            if !in_grace {
                if let Err(code) = patience.check() {
                    if self.abandon(subject) {
                        return Err(code);
                    }
                    patience.take_back(code);
                    break;
                }
            }
            self.bell.sleep(heard, if in_grace { Some(grace) } else { patience.deadline() });
        }
        locked(&self.outcome).take().unwrap_or(Err(Hresult::E_UNEXPECTED))
    }

    /// Gives the call up, unless it is done in the same moment.
    fn abandon(&self, subject: Subject) -> bool {
        let mut strays = strays::lock();
        let mut course = locked(&self.course);
        if *course == Course::Done {
            return false;
        }
        *course = Course::Astray;
        strays.add(std::ptr::from_ref(&self.course) as usize, subject);
        drop(course);
        self.changed.notify_all();
        true
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The calls that are astray.
pub mod strays {
    use super::*;

    static STRAYS: Mutex<Strays> = Mutex::new(Strays { all: Vec::new(), errands: 0 });
    static HOME: Condvar = Condvar::new();
    /// How many there are: no call looks closer while there is none.
    static HOW_MANY: AtomicUsize = AtomicUsize::new(0);

    pub struct Strays {
        all: Vec<Stray>,
        /// How many calls could go astray now.
        errands: usize,
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
    pub fn lock() -> MutexGuard<'static, Strays> {
        locked(&STRAYS)
    }

    impl Strays {
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
            let in_context = |stray: &Stray| context.is_some() && stray.context == context;
            self.all.iter_mut().find(|stray| stray.subject.is_same(subject) || in_context(stray))
        }

        /// In the child of a fork: the calls are the parent's.
        #[cfg(unix)]
        pub fn forget_all(&mut self) {
            self.all.clear();
            self.errands = 0;
            HOW_MANY.store(0, Ordering::Relaxed);
        }
    }

    /// Room for one more stray, as long as the call is under way: to go astray needs no memory then.
    pub struct Place;

    impl Place {
        pub fn reserve() -> Result<Place> {
            let mut strays = lock();
            let places = strays.errands + 1;
            strays.all.try_reserve(places)?;
            strays.errands = places;
            Ok(Place)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            lock().errands -= 1;
        }
    }

    #[inline]
    pub fn are_there() -> bool {
        HOW_MANY.load(Ordering::Relaxed) > 0
    }

    /// Whether a call on this card handle is astray.
    pub fn has(icc: Icc) -> bool {
        are_there() && lock().about(&Subject::Icc(icc)).is_some()
    }

    /// Returns once no call on this card handle is astray.
    #[inline]
    pub fn wait_for(icc: Icc) {
        if are_there() {
            wait_in_vain(icc);
        }
    }

    #[cold]
    fn wait_in_vain(icc: Icc) {
        let mut strays = lock();
        while strays.about(&Subject::Icc(icc)).is_some() {
            strays = HOME.wait(strays).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The same, with a limit. Who waits for another's stray is not rung for, and looks now and then.
    pub fn wait_patiently_for(subject: &Subject, patience: &Patience, bell: &Bell) -> Result<()> {
        const NOW_AND_THEN: Duration = Duration::from_millis(20);
        loop {
            let heard = bell.rings();
            if !are_there() || lock().about(subject).is_none() {
                return Ok(());
            }
            patience.check()?;
            bell.sleep(heard, earlier(patience.deadline(), Some(Instant::now() + NOW_AND_THEN)));
        }
    }

    /// A card handle that is astray is disconnected when its call is done. Whether it is.
    pub fn disconnect(icc: Icc, disposition: Disposition) -> bool {
        if !are_there() {
            return false;
        }
        lock().about(&Subject::Icc(icc)).map(|stray| stray.disconnect = Some(disposition)).is_some()
    }

    /// A context with a call that is astray is released when that is done. Whether there is one.
    pub fn release(context: Context) -> bool {
        if !are_there() {
            return false;
        }
        let mut strays = lock();
        let stray = strays.all.iter_mut().find(|stray| stray.context == Some(context));
        stray.map(|stray| stray.release = Some(context)).is_some()
    }

    /// The call is done: what its caller wanted to be closed is closed.
    pub(super) fn come_home(id: usize, bell: &Bell) {
        loop {
            let mut strays = lock();
            let Some(place) = strays.all.iter().position(|stray| stray.id == id) else { return };
            let Some(stray) = strays.all.get_mut(place) else { return };
            let (disconnect, release) = (stray.disconnect.take(), stray.release.take());
            if let (None, None) = (disconnect, release) {
                strays.all.swap_remove(place);
                HOW_MANY.store(strays.all.len(), Ordering::Relaxed);
                drop(strays);
                HOME.notify_all();
                bell.ring();
                return;
            }
            let subject = stray.subject;
            drop(strays);
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

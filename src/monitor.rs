//! A monitor: what happens to services, readers and cards, as events in the order in which they happened.
//!
//! One thread for each resource manager watches it (`watcher`), compares what it sees with what it told last (`survey`), and
//! puts the difference into one queue. When the queue is full it waits for room and compares again later: memory is bounded,
//! and what is told is never wrong, only less detailed.

mod changes;
#[cfg(unix)]
mod signal;
mod watcher;

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::atr::Atr;
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::{Context, Service};
use crate::runtime::fallible::Arc;
use crate::runtime::thread;
use crate::runtime::wait::SCM_INFINITE;
#[cfg(unix)]
use signal::Signal;
use watcher::Watcher;

/// How many events wait at most.
const LIMIT: usize = 1024;

/// How long who closes a monitor waits for its threads. They leave at once, unless the service hangs.
const LEAVING: Duration = Duration::from_millis(500);

/// How often a wait in the service is cancelled until it has ended: libpcsclite ignores a cancel that comes too early.
const CANCEL_EVERY: Duration = Duration::from_millis(5);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    ServiceUp = 1,
    ServiceDown = 2,
    IfdArrived = 3,
    IfdLeft = 4,
    CardInserted = 5,
    CardRemoved = 6,
    CardReset = 7,
    Current = 8,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    pub kind: Kind,
    /// 1 for the first one, and one more for each.
    pub number: u64,
    /// None of `Current`, which is about all of them.
    pub service: Option<Service>,
    pub ifd: Option<IfdName>,
    pub atr: Atr,
}

impl Event {
    fn of_service(kind: Kind, service: Service) -> Event {
        Event { kind, number: 0, service: Some(service), ifd: None, atr: Atr::default() }
    }

    fn current() -> Event {
        Event { kind: Kind::Current, number: 0, service: None, ifd: None, atr: Atr::default() }
    }
}

pub struct Monitor {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    queue: VecDeque<Event>,
    /// The number of the last event.
    last: u64,
    /// Raised exactly while the queue is not empty; gone when the monitor is closed.
    #[cfg(unix)]
    signal: Option<Signal>,
    open: bool,
    /// How many threads wait for an event, and how often those that did were cancelled.
    waiting: u32,
    cancels: u64,
    /// Somebody wants the next wait to end.
    cancelled: bool,
    /// How many threads watch, and the contexts in which they wait.
    watchers: u32,
    contexts: [Option<Context>; Service::ALL.len()],
    /// The services whose present state has not been told yet.
    outstanding: [bool; Service::ALL.len()],
    /// Whether the last thing that was told of it all is that it is complete.
    told_current: bool,
}

impl Monitor {
    /// A monitor with its threads.
    pub fn open() -> Result<Arc<Monitor>> {
        let monitor = Arc::try_new(Monitor::new()?)?;
        for service in Service::ALL {
            let watcher = Watcher::new(monitor.clone(), service);
            monitor.state().watchers += 1;
            if let Err(code) = thread::spawn(move || watcher.run()) {
                monitor.state().watchers -= 1;
                Monitor::close(&monitor);
                return Err(code);
            }
        }
        Ok(monitor)
    }

    fn new() -> Result<Monitor> {
        let mut queue = VecDeque::new();
        queue.try_reserve_exact(LIMIT)?;
        let state = State {
            queue,
            last: 0,
            #[cfg(unix)]
            signal: Some(Signal::new()?),
            open: true,
            waiting: 0,
            cancels: 0,
            cancelled: false,
            watchers: 0,
            contexts: [None; Service::ALL.len()],
            outstanding: [true; Service::ALL.len()],
            told_current: false,
        };
        Ok(Monitor { state: Mutex::new(state), changed: Condvar::new() })
    }

    /// The next event.
    pub fn wait(&self, timeout_ms: u32) -> Result<Event> {
        let limit = Duration::from_millis(timeout_ms.into());
        let deadline = (timeout_ms != SCM_INFINITE).then(|| Instant::now().checked_add(limit)).flatten();
        let mut state = self.state();
        if std::mem::take(&mut state.cancelled) {
            return Err(Hresult::SCARD_E_CANCELLED);
        }
        let cancels = state.cancels;
        state.waiting += 1;
        let event = loop {
            if !state.open || state.cancels != cancels {
                break Err(Hresult::SCARD_E_CANCELLED);
            }
            if let Some(event) = state.pop() {
                break Ok(event);
            }
            let rest = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if rest == Some(Duration::ZERO) {
                break Err(Hresult::SCARD_E_TIMEOUT);
            }
            state = self.sleep(state, rest);
        };
        state.waiting -= 1;
        drop(state);
        // Who watches may wait for room.
        self.changed.notify_all();
        event
    }

    /// Ends the waits that are under way, or else the next one.
    pub fn cancel(&self) {
        let mut state = self.state();
        if state.waiting > 0 {
            state.cancels += 1;
        } else {
            state.cancelled = true;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// The file descriptor that is readable while an event waits.
    #[cfg(unix)]
    pub fn fd(&self) -> Result<i32> {
        self.state().signal.as_ref().map(Signal::fd).ok_or(Hresult::E_HANDLE)
    }

    #[cfg(not(unix))]
    pub fn fd(&self) -> Result<i32> {
        Err(Hresult::E_NOTIMPL)
    }

    /// Ends all waits and all threads. A thread that hangs in the service cleans up when the service lets it go.
    pub fn close(monitor: &Arc<Monitor>) {
        let mut state = monitor.state();
        state.open = false;
        state.queue.clear();
        #[cfg(unix)]
        let signal = state.signal.take();
        drop(state);
        #[cfg(unix)]
        if let Some(signal) = signal {
            signal.close();
        }
        monitor.changed.notify_all();
        // Cancelling is a call of the service, too, and may hang. Without a thread for it the watchers see by themselves that
        // the monitor is closed when their looks end, some seconds later.
        let theirs = monitor.clone();
        if thread::spawn(move || theirs.recall()).is_ok() {
            let state = monitor.state();
            let _ = monitor.changed.wait_timeout_while(state, LEAVING, |state| state.watchers > 0);
        }
    }

    /// Has the watchers come back from the service.
    fn recall(&self) {
        loop {
            let state = self.state();
            if state.watchers == 0 {
                return;
            }
            let contexts = state.contexts;
            drop(state);
            for (service, context) in Service::ALL.into_iter().zip(contexts) {
                if let Some(context) = context {
                    service.manager().cancel_wait_for_ifds(context);
                }
            }
            let state = self.state();
            let _ = self.changed.wait_timeout_while(state, CANCEL_EVERY, |state| state.watchers > 0);
        }
    }

    /// Puts an event behind the others, once there is room. False when nobody wants it any more.
    fn tell(&self, event: Event) -> bool {
        let mut state = self.room();
        if !state.open {
            return false;
        }
        if let (Kind::ServiceUp, Some(service)) = (event.kind, event.service) {
            state.set_outstanding(service, true);
            state.told_current = false;
        }
        state.push(event);
        drop(state);
        self.changed.notify_all();
        true
    }

    /// The present state of a service has been told. With that of the last one this is an event, too.
    fn tell_current(&self, service: Service) {
        self.state().set_outstanding(service, false);
        let mut state = self.room();
        // Another watcher may have told it while this one waited for room, or have begun to tell more.
        if state.open && state.is_complete() && !state.told_current {
            state.told_current = true;
            state.push(Event::current());
            drop(state);
            self.changed.notify_all();
        }
    }

    /// The state, once there is room for an event, or the monitor is closed.
    fn room(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        while state.open && state.queue.len() >= LIMIT {
            state = self.sleep(state, None);
        }
        state
    }

    /// Whether the present state of the service is still to be told.
    fn is_outstanding(&self, service: Service) -> bool {
        self.state().outstanding.get(service.index()).is_some_and(|outstanding| *outstanding)
    }

    /// A watcher is about to wait in this context. False when it need not.
    fn enter(&self, service: Service, context: Context) -> bool {
        let mut state = self.state();
        state.set_context(service, Some(context));
        state.open
    }

    fn leave(&self, service: Service) {
        self.state().set_context(service, None);
    }

    fn watcher_left(&self) {
        self.state().watchers -= 1;
        self.changed.notify_all();
    }

    fn is_open(&self) -> bool {
        self.state().open
    }

    /// Lets time pass. False when the monitor was closed.
    fn pause(&self, time: Duration) -> bool {
        let state = self.state();
        let slept = self.changed.wait_timeout_while(state, time, |state| state.open);
        slept.unwrap_or_else(PoisonError::into_inner).0.open
    }

    fn sleep<'a>(&self, state: MutexGuard<'a, State>, limit: Option<Duration>) -> MutexGuard<'a, State> {
        match limit {
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(limit) => self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// There is room.
    fn push(&mut self, event: Event) {
        self.last += 1;
        self.queue.push_back(Event { number: self.last, ..event });
        #[cfg(unix)]
        if let (1, Some(signal)) = (self.queue.len(), &self.signal) {
            signal.raise();
        }
    }

    fn pop(&mut self) -> Option<Event> {
        let event = self.queue.pop_front()?;
        #[cfg(unix)]
        if let (true, Some(signal)) = (self.queue.is_empty(), &self.signal) {
            signal.lower();
        }
        Some(event)
    }

    fn set_context(&mut self, service: Service, context: Option<Context>) {
        if let Some(place) = self.contexts.get_mut(service.index()) {
            *place = context;
        }
    }

    fn set_outstanding(&mut self, service: Service, outstanding: bool) {
        if let Some(place) = self.outstanding.get_mut(service.index()) {
            *place = outstanding;
        }
    }

    fn is_complete(&self) -> bool {
        self.outstanding.iter().all(|outstanding| !outstanding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A monitor that nothing watches.
    fn monitor() -> Arc<Monitor> {
        Arc::try_new(Monitor::new().unwrap()).unwrap()
    }

    fn event() -> Event {
        Event::of_service(Kind::ServiceUp, Service::Platform)
    }

    #[test]
    fn events_come_in_order_and_numbered() {
        let monitor = monitor();
        assert_eq!(monitor.wait(0), Err(Hresult::SCARD_E_TIMEOUT));
        assert_eq!(monitor.wait(1), Err(Hresult::SCARD_E_TIMEOUT));
        assert!(monitor.tell(event()) && monitor.tell(Event::of_service(Kind::ServiceDown, Service::Virtual)));
        assert_eq!(monitor.wait(0), Ok(Event { number: 1, ..event() }));
        let second = monitor.wait(SCM_INFINITE).unwrap();
        assert_eq!((second.number, second.kind, second.service), (2, Kind::ServiceDown, Some(Service::Virtual)));
        assert_eq!(monitor.wait(0), Err(Hresult::SCARD_E_TIMEOUT));
    }

    fn kinds(monitor: &Monitor) -> Vec<Kind> {
        std::iter::from_fn(|| monitor.wait(0).ok()).map(|event| event.kind).collect()
    }

    #[test]
    fn the_present_state_is_complete_with_that_of_the_last_service() {
        let monitor = monitor();
        let up = |service| Event::of_service(Kind::ServiceUp, service);
        assert!(monitor.is_outstanding(Service::Platform) && monitor.is_outstanding(Service::Virtual));
        monitor.tell_current(Service::Virtual);
        monitor.tell(up(Service::Platform));
        assert_eq!(kinds(&monitor), [Kind::ServiceUp]);
        monitor.tell_current(Service::Platform);
        monitor.tell_current(Service::Platform);
        monitor.tell_current(Service::Virtual);
        assert_eq!(kinds(&monitor), [Kind::Current]);
        // A service that comes up has something to tell again.
        monitor.tell(Event::of_service(Kind::ServiceDown, Service::Platform));
        monitor.tell(up(Service::Platform));
        monitor.tell_current(Service::Virtual);
        assert_eq!(kinds(&monitor), [Kind::ServiceDown, Kind::ServiceUp]);
        monitor.tell_current(Service::Platform);
        assert_eq!(monitor.wait(0), Ok(Event { number: 5, ..Event::current() }));
    }

    #[test]
    fn the_present_state_is_told_once_also_by_two_who_wait_for_room() {
        let monitor = monitor();
        (0..LIMIT).for_each(|_| assert!(monitor.tell(Event::of_service(Kind::ServiceDown, Service::Platform))));
        std::thread::scope(|scope| {
            for service in Service::ALL {
                let monitor = &monitor;
                scope.spawn(move || monitor.tell_current(service));
            }
            while !monitor.state().is_complete() {
                std::thread::yield_now();
            }
            (0..LIMIT).for_each(|_| assert!(monitor.wait(0).is_ok()));
        });
        assert_eq!(kinds(&monitor), [Kind::Current]);
    }

    #[test]
    fn a_cancel_ends_one_wait_that_has_not_begun_and_loses_nothing() {
        let monitor = monitor();
        monitor.tell(event());
        monitor.cancel();
        assert_eq!(monitor.wait(SCM_INFINITE), Err(Hresult::SCARD_E_CANCELLED));
        assert_eq!(monitor.wait(SCM_INFINITE).map(|event| event.number), Ok(1));
    }

    #[test]
    fn a_cancel_ends_all_waits_that_are_under_way() {
        let monitor = monitor();
        std::thread::scope(|scope| {
            let waits = [(); 2].map(|()| scope.spawn(|| monitor.wait(SCM_INFINITE)));
            while monitor.state().waiting < 2 {
                std::thread::yield_now();
            }
            monitor.cancel();
            for wait in waits {
                assert_eq!(wait.join().unwrap(), Err(Hresult::SCARD_E_CANCELLED));
            }
        });
        assert_eq!(monitor.wait(0), Err(Hresult::SCARD_E_TIMEOUT));
    }

    #[test]
    fn who_tells_waits_for_room() {
        let monitor = monitor();
        (0..LIMIT).for_each(|_| assert!(monitor.tell(event())));
        std::thread::scope(|scope| {
            let told = scope.spawn(|| monitor.tell(event()));
            for number in 1..=LIMIT as u64 + 1 {
                assert_eq!(monitor.wait(SCM_INFINITE).map(|event| event.number), Ok(number));
            }
            assert!(told.join().unwrap());
        });
    }

    #[test]
    fn closing_ends_who_waits_and_who_tells() {
        let monitor = monitor();
        std::thread::scope(|scope| {
            let wait = scope.spawn(|| monitor.wait(SCM_INFINITE));
            while monitor.state().waiting < 1 {
                std::thread::yield_now();
            }
            Monitor::close(&monitor);
            assert_eq!(wait.join().unwrap(), Err(Hresult::SCARD_E_CANCELLED));
        });
        assert!(!monitor.tell(event()));
        assert!(!monitor.pause(Duration::MAX));
    }

    #[cfg(unix)]
    #[test]
    fn the_signal_is_raised_while_events_wait() {
        let monitor = monitor();
        let readable = |fd| {
            let mut asked = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
            // SAFETY: one element.
            unsafe { libc::poll(&mut asked, 1, 0) == 1 }
        };
        let fd = monitor.fd().unwrap();
        assert!(!readable(fd));
        assert!(monitor.tell(event()) && monitor.tell(event()));
        assert!(readable(fd));
        monitor.wait(0).unwrap();
        assert!(readable(fd));
        monitor.wait(0).unwrap();
        assert!(!readable(fd));
        Monitor::close(&monitor);
        assert_eq!(monitor.fd(), Err(Hresult::E_HANDLE));
    }
}

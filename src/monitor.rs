//! A monitor: what happens to services, readers and cards, as events in the order in which they happened.
//!
//! One thread for each resource manager watches it (`watcher`). It compares the present state with the state that it
//! reported last (`changes`), and adds the difference to one queue. When the queue is full, the thread waits for room
//! and compares again later. So memory is bounded, and events can lack detail but are never wrong.

mod changes;
mod event;
#[cfg(unix)]
mod signal;
#[cfg(test)]
mod tests;
mod watcher;

pub use event::{Event, EventKind};

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::{Context, ResourceManager, managers};
use crate::runtime::fallible::Arc;
use crate::runtime::thread;
use crate::runtime::wait::{deadline, until};
#[cfg(unix)]
use signal::Signal;
use watcher::Watcher;

/// The longest queue of events.
const MAX_QUEUE: usize = 1024;

/// How long `close` waits for the threads. They end at once, unless the service hangs.
const CLOSE_LIMIT: Duration = Duration::from_millis(500);

/// How often a wait in the service is cancelled until it has ended: libpcsclite ignores a cancel that comes too early.
const CANCEL_EVERY: Duration = Duration::from_millis(5);

pub struct Monitor {
    state: Mutex<MonitorState>,
    changed: Condvar,
}

struct MonitorState {
    queue: VecDeque<Event>,
    /// The number of the last event.
    last: u64,
    /// Readable exactly while the queue is not empty; None after the monitor was closed.
    #[cfg(unix)]
    signal: Option<Signal>,
    open: bool,
    /// How many threads wait for an event, and how often their waits were cancelled.
    waiting: u32,
    cancels: u64,
    /// The next wait is cancelled.
    cancelled: bool,
    /// How many threads watch.
    watchers: u32,
    watched: Vec<Watched>,
    /// The last event was `Current`.
    reported_current: bool,
}

/// A resource manager, as its watcher has left it.
struct Watched {
    manager: &'static dyn ResourceManager,
    /// The context in which the watcher waits.
    context: Option<Context>,
    /// Its present state has not been reported yet.
    is_outstanding: bool,
}

impl Monitor {
    /// Opens a monitor and starts its threads.
    pub fn open() -> Result<Arc<Monitor>> {
        let monitor = Arc::try_new(Monitor::new()?)?;
        for manager in managers::all() {
            let watcher = Watcher::new(monitor.clone(), manager);
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
        queue.try_reserve_exact(MAX_QUEUE)?;
        let mut watched = Vec::new();
        watched.try_reserve_exact(managers::all().len())?;
        watched.extend(managers::all().map(|manager| Watched { manager, context: None, is_outstanding: true }));
        let state = MonitorState {
            queue,
            last: 0,
            #[cfg(unix)]
            signal: Some(Signal::new()?),
            open: true,
            waiting: 0,
            cancels: 0,
            cancelled: false,
            watchers: 0,
            watched,
            reported_current: false,
        };
        Ok(Monitor { state: Mutex::new(state), changed: Condvar::new() })
    }

    /// The next event.
    pub fn wait(&self, timeout_ms: u32) -> Result<Event> {
        let deadline = deadline(timeout_ms);
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
            let rest = until(deadline);
            if rest == Some(Duration::ZERO) {
                break Err(Hresult::SCARD_E_TIMEOUT);
            }
            state = self.sleep(state, rest);
        };
        state.waiting -= 1;
        drop(state);
        // A watcher may wait for room.
        self.changed.notify_all();
        event
    }

    /// Ends the present waits, or else the next one.
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

    /// Ends all waits and all threads. A thread that hangs in the service ends when the service answers.
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
        // A cancel is a call of the service, too, and may hang. Without a thread for it, the watchers notice by
        // themselves some seconds later that the monitor is closed.
        let shared = monitor.clone();
        if thread::spawn(move || shared.cancel_watchers()).is_ok() {
            let state = monitor.state();
            let _ = monitor.changed.wait_timeout_while(state, CLOSE_LIMIT, |state| state.watchers > 0);
        }
    }

    /// Makes the watchers return from the service.
    fn cancel_watchers(&self) {
        loop {
            let state = self.state();
            if state.watchers == 0 {
                return;
            }
            drop(state);
            for manager in managers::all() {
                let context = self.state().watched(manager.service()).and_then(|watched| watched.context);
                if let Some(context) = context {
                    manager.cancel_wait_for_ifds(context);
                }
            }
            let state = self.state();
            let _ = self.changed.wait_timeout_while(state, CANCEL_EVERY, |state| state.watchers > 0);
        }
    }

    /// Adds an event to the queue, once there is room. False when the monitor is closed.
    fn report(&self, event: Event) -> bool {
        let mut state = self.wait_for_room();
        if !state.open {
            return false;
        }
        if let (EventKind::ServiceUp, Some(service)) = (event.kind, event.service) {
            state.set_outstanding(service, true);
            state.reported_current = false;
        }
        state.push(event);
        drop(state);
        self.changed.notify_all();
        true
    }

    /// The present state of a service has been reported. After the last service this is an event, too.
    fn report_current(&self, service: u32) {
        self.state().set_outstanding(service, false);
        let mut state = self.wait_for_room();
        // While this watcher waited for room, another one may have reported this event, or more changes.
        if state.open && state.is_complete() && !state.reported_current {
            state.reported_current = true;
            state.push(Event::current());
            drop(state);
            self.changed.notify_all();
        }
    }

    /// Waits until there is room for an event, or the monitor is closed.
    fn wait_for_room(&self) -> MutexGuard<'_, MonitorState> {
        let mut state = self.state();
        while state.open && state.queue.len() >= MAX_QUEUE {
            state = self.sleep(state, None);
        }
        state
    }

    /// Whether the present state of the service has not been reported yet.
    fn is_outstanding(&self, service: u32) -> bool {
        self.state().watched(service).is_some_and(|watched| watched.is_outstanding)
    }

    /// A watcher begins to wait in this context. False when the monitor is closed.
    fn begin_wait(&self, service: u32, context: Context) -> bool {
        let mut state = self.state();
        state.set_context(service, Some(context));
        state.open
    }

    fn end_wait(&self, service: u32) {
        self.state().set_context(service, None);
    }

    fn watcher_ended(&self) {
        self.state().watchers -= 1;
        self.changed.notify_all();
    }

    fn is_open(&self) -> bool {
        self.state().open
    }

    /// Waits for that long. False when the monitor was closed.
    fn pause(&self, time: Duration) -> bool {
        let state = self.state();
        let slept = self.changed.wait_timeout_while(state, time, |state| state.open);
        slept.unwrap_or_else(PoisonError::into_inner).0.open
    }

    fn sleep<'a>(&self, state: MutexGuard<'a, MonitorState>, limit: Option<Duration>) -> MutexGuard<'a, MonitorState> {
        match limit {
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(limit) => self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0,
        }
    }

    fn state(&self) -> MutexGuard<'_, MonitorState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MonitorState {
    /// The caller has checked that there is room.
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

    fn watched(&mut self, service: u32) -> Option<&mut Watched> {
        self.watched.iter_mut().find(|watched| watched.manager.service() == service)
    }

    fn set_context(&mut self, service: u32, context: Option<Context>) {
        if let Some(watched) = self.watched(service) {
            watched.context = context;
        }
    }

    fn set_outstanding(&mut self, service: u32, outstanding: bool) {
        if let Some(watched) = self.watched(service) {
            watched.is_outstanding = outstanding;
        }
    }

    fn is_complete(&self) -> bool {
        self.watched.iter().all(|watched| !watched.is_outstanding)
    }
}

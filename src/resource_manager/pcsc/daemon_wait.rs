//! A wait until a reader changes, where libscm asks pcscd itself.

use std::net::Shutdown;
#[cfg(unix)]
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::daemon::{self, Notification, ReaderEntry, Stream};
use super::native;
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::{Context, IfdState, SlotState};
use crate::runtime::fallible::Arc;
use crate::runtime::pthread_cancel::hold_off;
use crate::runtime::wait::{deadline, is_past, until};

/// The pause after a notification without a change, as in `reader_states`: the use of a reader causes notifications,
/// too.
const PAUSE: Duration = Duration::from_millis(10);

/// The present waits, so that another thread can cancel them.
static WAITS: Mutex<Vec<WaitEntry>> = Mutex::new(Vec::new());

pub struct WaitEntry {
    context: Context,
    stream: Arc<Stream>,
    is_cancelled: bool,
}

/// The list, locked. A fork holds this lock.
pub fn lock() -> MutexGuard<'static, Vec<WaitEntry>> {
    WAITS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// In the child of a fork: closes its copies of the connections. Their other owners are on the stacks of threads that
/// the child does not have.
#[cfg(unix)]
pub fn forget_all(waits: &mut Vec<WaitEntry>) {
    for entry in waits.drain(..) {
        // SAFETY: the stream is forgotten here, and the threads with the other references do not exist. So nobody uses
        // or closes this descriptor again.
        drop(unsafe { OwnedFd::from_raw_fd(entry.stream.as_raw_fd()) });
        std::mem::forget(entry.stream);
    }
}

/// A wait in this context. There is only one for each context.
pub struct DaemonWait {
    context: Context,
    notification: Option<Notification>,
}

/// Begins a wait, if libscm has to ask pcscd itself and pcscd speaks the same protocol. Otherwise libpcsclite reports
/// the error.
pub fn begin(context: Context) -> Result<Option<DaemonWait>> {
    if !daemon::is_needed() {
        return Ok(None);
    }
    let _cancellation = hold_off();
    let Some(wait) = try_to_begin(context) else { return Ok(None) };
    // The daemon that answers now existed before, so it is the one that `connect` has reached.
    check_alive(context)?;
    Ok(Some(wait))
}

fn try_to_begin(context: Context) -> Option<DaemonWait> {
    let stream = Arc::try_new(daemon::connect().ok()?).ok()?;
    let mut wait = DaemonWait::new(context, stream.clone()).ok()?;
    wait.notification = Some(Notification::new(stream).ok()?);
    Some(wait)
}

/// Fails if the daemon of this context has ended, even if another one runs now.
fn check_alive(context: Context) -> Result<()> {
    match native::list_readers(context, None) {
        Ok(_) | Err(Hresult::SCARD_E_NO_READERS_AVAILABLE | Hresult::SCARD_E_UNSUPPORTED_FEATURE) => Ok(()),
        Err(code) => Err(code),
    }
}

/// Cancels the wait in this context. Whether there was one.
pub fn cancel(context: Context) -> bool {
    let mut waits = lock();
    let entry = waits.iter_mut().find(|entry| entry.context == context);
    entry
        .map(|entry| {
            entry.is_cancelled = true;
            let _ = entry.stream.shutdown(Shutdown::Both);
        })
        .is_some()
}

impl DaemonWait {
    fn new(context: Context, stream: Arc<Stream>) -> Result<DaemonWait> {
        let mut waits = lock();
        waits.try_reserve(1)?;
        waits.push(WaitEntry { context, stream, is_cancelled: false });
        Ok(DaemonWait { context, notification: None })
    }

    /// All readers, once they differ from `known` or the time is up.
    pub fn wait_for_ifds(self, known: &[IfdState], timeout_ms: u32) -> Result<Vec<IfdState>> {
        let ask = || ifd_states(&daemon::readers()?, known);
        self.wait(timeout_ms, ask, |now| IfdState::differ(known, now))
    }

    /// The reader, once it differs from `seen`.
    pub fn wait_for_change(self, ifd: &IfdName, seen: &SlotState, timeout_ms: u32) -> Result<SlotState> {
        let is_other = |now: &SlotState| SlotState { native: seen.native, ..*now } != *seen;
        let now = self.wait(timeout_ms, || ask_slot_state(ifd), is_other)?;
        if is_other(&now) { Ok(now) } else { Err(Hresult::SCARD_E_TIMEOUT) }
    }

    /// Asks until there is a change, the time is up, or the wait is cancelled.
    fn wait<T>(mut self, timeout_ms: u32, ask: impl Fn() -> Result<T>, is_news: impl Fn(&T) -> bool) -> Result<T> {
        let _cancellation = hold_off();
        let end = deadline(timeout_ms);
        let mut was_notified = false;
        loop {
            let set = self.notification().and_then(Notification::request);
            let now = ask()?;
            if is_news(&now) || is_past(end) {
                return Ok(now);
            }
            if was_notified {
                std::thread::sleep(PAUSE.min(until(end).unwrap_or(PAUSE)));
            }
            was_notified = match set.and_then(|()| self.notification()?.wait(end)) {
                Err(_) if self.is_cancelled() => return Ok(now),
                waited => waited?,
            };
        }
    }

    fn notification(&mut self) -> Result<&mut Notification> {
        self.notification.as_mut().ok_or(Hresult::E_UNEXPECTED)
    }

    fn is_cancelled(&self) -> bool {
        lock().iter().any(|entry| entry.context == self.context && entry.is_cancelled)
    }
}

impl Drop for DaemonWait {
    fn drop(&mut self) {
        lock().retain(|entry| entry.context != self.context);
    }
}

/// The present state of the reader, if libscm has to ask pcscd itself and pcscd speaks the same protocol.
pub fn slot_state(context: Context, ifd: &IfdName) -> Result<Option<SlotState>> {
    if !daemon::is_needed() {
        return Ok(None);
    }
    let _cancellation = hold_off();
    match ask_slot_state(ifd) {
        Err(Hresult::SCARD_E_NO_SERVICE | Hresult::SCARD_E_SERVICE_STOPPED) => Ok(None),
        seen => check_alive(context).and(seen).map(Some),
    }
}

fn ask_slot_state(ifd: &IfdName) -> Result<SlotState> {
    let readers = daemon::readers()?;
    let reader = readers.iter().find(|reader| reader.name == *ifd).ok_or(Hresult::SCARD_E_UNKNOWN_READER)?;
    if !reader.is_available() {
        return Err(Hresult::SCARD_E_READER_UNAVAILABLE);
    }
    let card = reader.card();
    Ok(SlotState { card_present: card.is_some(), atr: card.unwrap_or_default(), events: reader.events, native: 0 })
}

fn ifd_states(readers: &[ReaderEntry], known: &[IfdState]) -> Result<Vec<IfdState>> {
    let mut ifds: Vec<IfdState> = Vec::new();
    ifds.try_reserve_exact(readers.len())?;
    for reader in readers {
        let name = reader.name;
        // pcscd finds the first of several readers with one name.
        if ifds.iter().any(|ifd| ifd.name == name) {
            continue;
        }
        let before = known.iter().find(|ifd| ifd.name == name).map_or(0, |ifd| ifd.events);
        // As libpcsclite reports it: a reader without communication has no card, and its count is the last known one.
        let (card, events) = if reader.is_available() { (reader.card(), reader.events) } else { (None, before) };
        ifds.push(IfdState { name, id: 0, card, events, resets: 0, usage: reader.usage(), native: 0 });
    }
    Ok(ifds)
}

#[cfg(all(test, unix, not(target_os = "macos")))]
mod tests {
    use super::*;
    use std::io::Read;

    /// The references of threads that a child does not have, where LeakSanitizer finds them. They must not be dropped:
    /// their descriptors are closed.
    static LOST: Mutex<Vec<Arc<Stream>>> = Mutex::new(Vec::new());

    #[test]
    fn a_child_keeps_no_connection_of_a_wait() {
        let (ours, mut theirs) = Stream::pair().unwrap();
        let stream = Arc::try_new(ours).unwrap();
        let mut waits = vec![WaitEntry { context: Context(1), stream: stream.clone(), is_cancelled: false }];
        forget_all(&mut waits);
        LOST.lock().unwrap().push(stream);
        theirs.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        assert_eq!((theirs.read(&mut [0]).unwrap(), waits.len()), (0, 0));
    }
}

//! A wait for all readers: until one of them changes, arrives or leaves.

use std::ffi::CStr;
use std::time::Duration;

use pcsc::ffi::{self, DWORD};

use super::IS_PCSC_LITE;
use super::bounds;
use super::native::{self, ReaderState};
use super::stale_answers::QUESTIONS;
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::multi_string::texts;
use crate::resource_manager::{Context, IfdState, ResourceManager, Usage};
use crate::runtime::wait::{deadline, rest_ms};

/// The name that stands for arriving and leaving readers.
const PNP: &CStr = c"\\\\?PnP?\\Notification";

/// macOS does not know it, so a wait polls there.
const HAS_PNP: bool = cfg!(not(target_os = "macos"));

/// pcsc-lite before 2.5 rejects more than 16 reader states per call, including the one for arriving readers. It has no
/// more than 16 readers, so none can arrive then.
const TOO_MANY_AT_ONCE: usize = 17;

/// How often a wait polls. pcsc-lite before 2.3 does not notice a reader that arrives between the list and the wait.
/// And all threads share one array of reader states, in which one thread can overwrite the newer answer of another.
const POLL_EVERY_MS: u32 = if HAS_PNP { 2000 } else { 1000 };

/// The use of a reader is not a change. Winscard needs these bits in the known state nevertheless: otherwise it returns
/// at once.
const IGNORED: DWORD =
    ffi::SCARD_STATE_CHANGED | if cfg!(windows) { 0 } else { ffi::SCARD_STATE_INUSE | ffi::SCARD_STATE_EXCLUSIVE };

/// The pause after a wake without a change, so that a service that wakes all the time costs little.
const PAUSE: Duration = Duration::from_millis(10);

/// Waits until the readers differ from `known`, or the time is up.
pub fn wait_for_ifds(context: Context, known: &[IfdState], timeout_ms: u32) -> Result<Vec<IfdState>> {
    let end = deadline(timeout_ms);
    let mut was_woken = false;
    // Before the list, so that a reader that arrives after the list is noticed.
    let mut arrivals = arrivals(context)?;
    loop {
        let now = QUESTIONS.settled(|| ask_ifd_states(context, known), |_| false)?;
        let rest = rest_ms(end, POLL_EVERY_MS);
        if rest == 0 || IfdState::differ(known, &now) {
            return Ok(now);
        }
        if was_woken {
            std::thread::sleep(PAUSE);
        }
        was_woken = match wait(context, &now, &mut arrivals, rest) {
            // The caller checks why. The cancel may have been meant for an earlier owner of this context.
            Err(Hresult::SCARD_E_CANCELLED) => return Ok(now),
            waited => waited?,
        };
    }
}

/// Ends a wait, if it has begun.
pub fn cancel(context: Context) {
    // The caller repeats a cancel that came too early.
    let _ = native::cancel(context);
}

/// A count of arriving and leaving readers, as the next wait needs it. pcsc-lite since 2.3 counts events from any
/// start; winscard reports the number of readers; the others report nothing.
fn arrivals(context: Context) -> Result<DWORD> {
    if !HAS_PNP {
        return Ok(0);
    }
    let mut pnp = ReaderState::new(PNP, ffi::SCARD_STATE_UNAWARE);
    match get_status_change(context, std::slice::from_mut(&mut pnp), 0) {
        Ok(()) | Err(Hresult::SCARD_E_TIMEOUT) => Ok(pnp.seen() & !ffi::SCARD_STATE_CHANGED),
        Err(code) => Err(code),
    }
}

/// All readers in their present state. If a reader leaves between the two questions, both are repeated.
fn ask_ifd_states(context: Context, known: &[IfdState]) -> Result<Vec<IfdState>> {
    bounds::ask(|| {
        let listed = list(context)?;
        let mut readers = reader_states(&listed, |_| ffi::SCARD_STATE_UNAWARE)?;
        match get_status_change(context, &mut readers, 0) {
            Ok(()) => {}
            Err(Hresult::SCARD_E_UNKNOWN_READER) => return Ok(None),
            // Without a known state there is no wait, and so no timeout.
            Err(code) => return Err(code),
        }
        let mut ifds = Vec::new();
        ifds.try_reserve_exact(listed.len())?;
        ifds.extend(listed.iter().zip(&readers).map(|(ifd, reader)| ifd_state(ifd, reader, known)));
        Ok(Some(ifds))
    })
}

fn list(context: Context) -> Result<Vec<IfdState>> {
    let names = super::Pcsc.list_ifds(context)?;
    let mut ifds = Vec::new();
    for name in texts(&names) {
        // A program could not name such a reader.
        let Ok(name) = IfdName::new(name) else { continue };
        // The service finds the first of several readers with one name.
        if find(&ifds, &name).is_none() {
            ifds.try_reserve(1)?;
            ifds.push(IfdState { name, id: 0, card: None, events: 0, resets: 0, usage: Usage::Unknown, native: 0 });
        }
    }
    Ok(ifds)
}

fn find<'a>(ifds: &'a [IfdState], name: &IfdName) -> Option<&'a IfdState> {
    ifds.iter().find(|ifd| ifd.name == *name)
}

/// Returns after a change, or then. Whether there may be a change.
fn wait(context: Context, ifds: &[IfdState], arrivals: &mut DWORD, timeout_ms: u32) -> Result<bool> {
    let mut readers = reader_states(ifds, |ifd| ifd.native as DWORD)?;
    if HAS_PNP {
        readers.push(ReaderState::new(PNP, *arrivals));
    }
    let mut waited = get_status_change(context, &mut readers, timeout_ms);
    if waited == Err(Hresult::SCARD_E_INVALID_PARAMETER) && readers.len() >= TOO_MANY_AT_ONCE {
        readers.truncate(ifds.len());
        waited = get_status_change(context, &mut readers, timeout_ms);
    }
    match waited {
        Ok(()) => {
            if let Some(pnp) = readers.get(ifds.len()) {
                *arrivals = pnp.seen() & !ffi::SCARD_STATE_CHANGED;
            }
            Ok(true)
        }
        Err(Hresult::SCARD_E_UNKNOWN_READER) => Ok(true),
        Err(Hresult::SCARD_E_TIMEOUT) => Ok(false),
        Err(code) => Err(code),
    }
}

/// The state that PC/SC has just reported.
fn ifd_state(ifd: &IfdState, reader: &ReaderState<'_>, known: &[IfdState]) -> IfdState {
    let seen = reader.seen();
    let events = if seen & ffi::SCARD_STATE_UNAVAILABLE != 0 {
        // pcscd has no communication with the reader now, and reports 0 for a count that continues later.
        find(known, &ifd.name).map_or(0, |known| known.events)
    } else {
        (seen >> 16) as u16
    };
    let card = (seen & ffi::SCARD_STATE_PRESENT != 0).then(|| reader.atr());
    IfdState { native: (seen & !IGNORED) as u32, events, card, usage: usage(seen), ..*ifd }
}

fn usage(seen: DWORD) -> Usage {
    if seen & ffi::SCARD_STATE_EXCLUSIVE != 0 {
        Usage::Exclusive
    } else if seen & ffi::SCARD_STATE_INUSE != 0 {
        Usage::Shared
    } else {
        Usage::Free
    }
}

/// With room for one more.
fn reader_states(ifds: &[IfdState], known: impl Fn(&IfdState) -> DWORD) -> Result<Vec<ReaderState<'_>>> {
    let mut readers = Vec::new();
    readers.try_reserve_exact(ifds.len() + 1)?;
    readers.extend(ifds.iter().map(|ifd| ReaderState::new(ifd.name.as_c_str(), known(ifd))));
    Ok(readers)
}

fn get_status_change(context: Context, readers: &mut [ReaderState<'_>], timeout_ms: u32) -> Result<()> {
    if readers.is_empty() {
        // On macOS without a reader there is nothing to wait for; or an empty list of readers needs no question.
        std::thread::sleep(Duration::from_millis(timeout_ms.into()));
        return Ok(());
    }
    QUESTIONS.reading(|| native::get_status_change(context, readers, timeout_ms))
}

const _: () = assert!(!IS_PCSC_LITE || HAS_PNP);

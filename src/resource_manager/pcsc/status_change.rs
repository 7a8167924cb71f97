//! All readers at once, and the wait until one of them changes, comes or goes.

use std::ffi::CStr;
use std::time::Duration;

use pcsc::ffi::{self, DWORD};

use super::IS_PCSC_LITE;
use super::bounds;
use super::native::{self, ReaderState};
use super::reader_states::READER_STATES;
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::multi_string::texts;
use crate::resource_manager::{Context, IfdState, ResourceManager};
use crate::runtime::wait::{deadline, rest_ms};

/// The reader that changes when one comes or goes.
const PNP: &CStr = c"\\\\?PnP?\\Notification";

/// macOS does not know it: there who waits looks each second.
const HAS_PNP: bool = cfg!(not(target_os = "macos"));

/// So many at once pcsc-lite before 2.5 does not take, the one that changes when others come or go among them. It cannot have
/// more either, so that none can come then.
const TOO_MANY_AT_ONCE: usize = 17;

/// How often who waits looks by himself. pcsc-lite before 2.3 does not notice a reader that comes between the list and the
/// wait; and its threads all keep what they know of the readers in the same place, where one can undo what another has just
/// been told.
const LOOK_EVERY_MS: u32 = if HAS_PNP { 2000 } else { 1000 };

/// Use of a reader is none of our business. Winscard wants to be told what we know of it nevertheless, as it would come back
/// at once with the difference.
const IGNORED: DWORD =
    ffi::SCARD_STATE_CHANGED | if cfg!(windows) { 0 } else { ffi::SCARD_STATE_INUSE | ffi::SCARD_STATE_EXCLUSIVE };

/// How long who was woken for nothing stays away, so that a service that wakes him all the time costs no more than a little.
const FRUITLESS: Duration = Duration::from_millis(10);

/// Looks until something is other than `known`, or the time is up.
pub fn wait_for_ifds(context: Context, known: &[IfdState], timeout_ms: u32) -> Result<Vec<IfdState>> {
    let end = deadline(timeout_ms);
    let mut woken = false;
    // Before the readers are listed: who comes after that is noticed.
    let mut arrivals = arrivals(context)?;
    loop {
        let now = READER_STATES.settled(|| ask_ifd_states(context, known), |_| false)?;
        let rest = rest_ms(end, LOOK_EVERY_MS);
        if rest == 0 || IfdState::differ(known, &now) {
            return Ok(now);
        }
        if woken {
            std::thread::sleep(FRUITLESS);
        }
        woken = match wait(context, &now, &mut arrivals, rest) {
            // Who asked has to know. It may have been meant for another who had this context before.
            Err(Hresult::SCARD_E_CANCELLED) => return Ok(now),
            waited => waited?,
        };
    }
}

/// Ends a wait, if it has begun.
pub fn cancel(context: Context) {
    // It is tried again when it did nothing.
    let _ = native::cancel(context);
}

/// How often readers have come and gone, in the words in which the next wait has to be told so. It is a count of events to
/// pcsc-lite from 2.3 on, which begins anywhere, the number of readers to winscard, and nothing to the others.
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

/// All readers as they are now. A reader that leaves between the two questions makes us ask again.
fn ask_ifd_states(context: Context, known: &[IfdState]) -> Result<Vec<IfdState>> {
    bounds::ask(|| {
        let listed = list(context)?;
        let mut readers = reader_states(&listed, |_| ffi::SCARD_STATE_UNAWARE)?;
        match get_status_change(context, &mut readers, 0) {
            Ok(()) => {}
            Err(Hresult::SCARD_E_UNKNOWN_READER) => return Ok(None),
            // Nobody waits for anything where everything is asked for.
            Err(code) => return Err(code),
        }
        let mut ifds = Vec::new();
        ifds.try_reserve_exact(listed.len())?;
        ifds.extend(listed.iter().zip(&readers).map(|(ifd, reader)| as_seen(ifd, reader, known)));
        Ok(Some(ifds))
    })
}

fn list(context: Context) -> Result<Vec<IfdState>> {
    let names = super::Pcsc.list_ifds(context)?;
    let mut ifds = Vec::new();
    for name in texts(&names) {
        // A name that no program could say is none.
        let Ok(name) = IfdName::new(name) else { continue };
        // Of several with one name the service knows the first.
        if find(&ifds, &name).is_none() {
            ifds.try_reserve(1)?;
            ifds.push(IfdState { name, id: 0, card: None, events: 0, resets: 0, native: 0 });
        }
    }
    Ok(ifds)
}

fn find<'a>(ifds: &'a [IfdState], name: &IfdName) -> Option<&'a IfdState> {
    ifds.iter().find(|ifd| ifd.name == *name)
}

/// Returns when something may have changed, or then. Tells whether it has.
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

/// The reader as PC/SC has just seen it.
fn as_seen(ifd: &IfdState, reader: &ReaderState<'_>, known: &[IfdState]) -> IfdState {
    let seen = reader.seen();
    let events = if seen & ffi::SCARD_STATE_UNAVAILABLE != 0 {
        // pcscd cannot speak with the reader now, and says 0 for the count that goes on afterwards.
        find(known, &ifd.name).map_or(0, |known| known.events)
    } else {
        (seen >> 16) as u16
    };
    let card = (seen & ffi::SCARD_STATE_PRESENT != 0).then(|| reader.atr());
    IfdState { native: (seen & !IGNORED) as u32, events, card, ..*ifd }
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
        // Only macOS, where there is nothing to wait for without a reader, or a look at nothing.
        std::thread::sleep(Duration::from_millis(timeout_ms.into()));
        return Ok(());
    }
    READER_STATES.reading(|| native::get_status_change(context, readers, timeout_ms))
}

const _: () = assert!(!IS_PCSC_LITE || HAS_PNP);

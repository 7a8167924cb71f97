//! All readers at once, and the wait until one of them changes, comes or goes.

use std::ffi::CStr;
use std::ptr::null_mut;
use std::time::{Duration, Instant};

use pcsc::ffi::{self, DWORD, SCARDCONTEXT};

use super::states::STATES;
use super::{check, IS_PCSC_LITE};
use crate::atr::Atr;
use crate::hresult::{Hresult, Result};
use crate::ifd_name::IfdName;
use crate::multi_string::texts;
use crate::subsystem::{Context, IfdState, Subsystem};

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
pub fn survey(context: Context, known: &[IfdState], timeout_ms: u32) -> Result<Vec<IfdState>> {
    let start = Instant::now();
    let limit = Duration::from_millis(timeout_ms.into());
    let mut woken = false;
    // Before the readers are listed: who comes after that is noticed.
    let mut arrivals = arrivals(context)?;
    loop {
        let now = STATES.settled(|| look(context, known), |_| false)?;
        let rest = limit.saturating_sub(start.elapsed()).as_millis() as u32;
        if rest == 0 || IfdState::differ(known, &now) {
            return Ok(now);
        }
        if woken {
            std::thread::sleep(FRUITLESS);
        }
        woken = match wait(context, &now, &mut arrivals, rest.min(LOOK_EVERY_MS)) {
            // Who asked has to know. It may have been meant for another who had this context before.
            Err(Hresult::SCARD_E_CANCELLED) => return Ok(now),
            waited => waited?,
        };
    }
}

/// Ends a wait, if it has begun.
pub fn cancel(context: Context) {
    // SAFETY: a context is a number; an unknown one is refused.
    unsafe { ffi::SCardCancel(context.0 as SCARDCONTEXT) };
}

/// How often readers have come and gone, in the words in which the next wait has to be told so. It is a count of events to
/// pcsc-lite from 2.3 on, which begins anywhere, the number of readers to winscard, and nothing to the others.
fn arrivals(context: Context) -> Result<DWORD> {
    if !HAS_PNP {
        return Ok(0);
    }
    let mut state = native_state(PNP, ffi::SCARD_STATE_UNAWARE);
    match get_status_change(context, std::slice::from_mut(&mut state), 0) {
        Ok(()) | Err(Hresult::SCARD_E_TIMEOUT) => Ok(state.dwEventState & !ffi::SCARD_STATE_CHANGED),
        Err(code) => Err(code),
    }
}

/// All readers as they are now. A reader that leaves between the two questions makes us ask again.
fn look(context: Context, known: &[IfdState]) -> Result<Vec<IfdState>> {
    loop {
        let mut ifds = list(context)?;
        let mut states = native_states(&ifds)?;
        match get_status_change(context, &mut states, 0) {
            Ok(()) => {}
            Err(Hresult::SCARD_E_UNKNOWN_READER) => continue,
            // Nobody waits for anything where everything is asked for.
            Err(code) => return Err(code),
        }
        for (ifd, state) in ifds.iter_mut().zip(&states) {
            fill(ifd, state, known);
        }
        return Ok(ifds);
    }
}

fn list(context: Context) -> Result<Vec<IfdState>> {
    let names = super::System.list_ifds(context)?;
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
    let mut states = native_states(ifds)?;
    for (ifd, state) in ifds.iter().zip(&mut states) {
        state.dwCurrentState = ifd.native as DWORD;
    }
    if HAS_PNP {
        states.push(native_state(PNP, *arrivals));
    }
    let mut waited = get_status_change(context, &mut states, timeout_ms);
    if waited == Err(Hresult::SCARD_E_INVALID_PARAMETER) && states.len() >= TOO_MANY_AT_ONCE {
        states.truncate(ifds.len());
        waited = get_status_change(context, &mut states, timeout_ms);
    }
    match waited {
        Ok(()) => {
            if let Some(pnp) = states.get(ifds.len()) {
                *arrivals = pnp.dwEventState & !ffi::SCARD_STATE_CHANGED;
            }
            Ok(true)
        }
        Err(Hresult::SCARD_E_UNKNOWN_READER) => Ok(true),
        Err(Hresult::SCARD_E_TIMEOUT) => Ok(false),
        Err(code) => Err(code),
    }
}

fn fill(ifd: &mut IfdState, state: &ffi::SCARD_READERSTATE, known: &[IfdState]) {
    let (seen, length) = (state.dwEventState, state.cbAtr as usize);
    ifd.native = (seen & !IGNORED) as u32;
    ifd.events = (seen >> 16) as u16;
    if seen & ffi::SCARD_STATE_UNAVAILABLE != 0 {
        // pcscd cannot speak with the reader now, and says 0 for the count that goes on afterwards.
        ifd.events = find(known, &ifd.name).map_or(0, |known| known.events);
    }
    if seen & ffi::SCARD_STATE_PRESENT != 0 {
        ifd.card = Some(Atr::new(state.rgbAtr.get(..length).unwrap_or_default()));
    }
}

/// With room for one more.
fn native_states(ifds: &[IfdState]) -> Result<Vec<ffi::SCARD_READERSTATE>> {
    let mut states = Vec::new();
    states.try_reserve_exact(ifds.len() + 1)?;
    states.extend(ifds.iter().map(|ifd| native_state(ifd.name.as_c_str(), ffi::SCARD_STATE_UNAWARE)));
    Ok(states)
}

fn native_state(name: &CStr, known: DWORD) -> ffi::SCARD_READERSTATE {
    ffi::SCARD_READERSTATE {
        szReader: name.as_ptr(),
        pvUserData: null_mut(),
        dwCurrentState: known,
        dwEventState: 0,
        cbAtr: 0,
        rgbAtr: [0; ffi::ATR_BUFFER_SIZE],
    }
}

fn get_status_change(context: Context, states: &mut [ffi::SCARD_READERSTATE], timeout_ms: u32) -> Result<()> {
    if states.is_empty() {
        // Only macOS, where there is nothing to wait for without a reader, or a look at nothing.
        std::thread::sleep(Duration::from_millis(timeout_ms.into()));
        return Ok(());
    }
    let (context, how_many) = (context.0 as SCARDCONTEXT, states.len() as DWORD);
    // SAFETY: as many elements as is said, whose names end with a NUL and outlive the call.
    check(
        STATES.reading(|| unsafe {
            ffi::SCardGetStatusChange(context, timeout_ms as DWORD, states.as_mut_ptr(), how_many)
        }),
    )
}

const _: () = assert!(!IS_PCSC_LITE || HAS_PNP);

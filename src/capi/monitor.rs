//! Monitors: how a program hears of services, readers and cards that come and go.

use std::ffi::c_char;

use super::attachment::SCM_IFD_NAME_MAX;
use super::property::SCM_ATR_MAX;
use super::{handles, scm_result, token};
use crate::abi::hresult::{Hresult, Result};
use crate::capi::boundary::{Options, Output, OutputStructure, guard};
use crate::monitor::{Event, EventKind, Monitor};
use crate::resource_manager::Service;
use crate::runtime::fallible::Arc;

/// A monitor, made by `scm_monitor_create`.
///
/// A `scm_monitor *` is a token, not an address. It may be used from any thread, and is dead after
/// `scm_monitor_destroy`.
pub struct scm_monitor {
    _opaque: (),
}

/// A resource manager runs.
pub const SCM_EVENT_SERVICE_UP: u32 = 1;
/// A resource manager does not run, or refuses this process.
pub const SCM_EVENT_SERVICE_DOWN: u32 = 2;
/// A reader is there.
pub const SCM_EVENT_IFD_ARRIVED: u32 = 3;
/// The reader is gone.
pub const SCM_EVENT_IFD_LEFT: u32 = 4;
/// A card is in the reader.
pub const SCM_EVENT_CARD_INSERTED: u32 = 5;
/// The card is gone.
pub const SCM_EVENT_CARD_REMOVED: u32 = 6;
/// The card was reset. For virtual readers, and for a card that stayed in the reader and has another ATR now; PC/SC
/// tells no more.
pub const SCM_EVENT_CARD_RESET: u32 = 7;
/// Everything that is there now has been told: after the first events of a monitor, and after the readers of a
/// service that has come up later.
pub const SCM_EVENT_CURRENT: u32 = 8;

/// The resource manager of the platform.
pub const SCM_SERVICE_PLATFORM: u32 = 1;
/// The resource manager of the virtual readers of this process.
pub const SCM_SERVICE_VIRTUAL: u32 = 2;

/// What has happened. Begin with `SCM_EVENT_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_event {
    /// `sizeof(scm_event)`: how the library tells versions of this structure apart. No more than that is written.
    pub struct_size: u32,
    /// `SCM_EVENT_SERVICE_UP` to `SCM_EVENT_CURRENT`. There may be more kinds one day: leave alone what you do not
    /// know.
    pub kind: u32,
    /// 1 for the first event of the monitor, and one more for each: none is ever left out.
    pub number: u64,
    /// `SCM_SERVICE_PLATFORM` or `SCM_SERVICE_VIRTUAL`: whom it is about, or whose reader. 0 for `SCM_EVENT_CURRENT`,
    /// which is about both.
    pub service: u32,
    /// The length of the ATR. 0 if this is not about a card, or if the card does not answer to a reset.
    pub atr_length: u32,
    /// The name of the reader with its NUL; empty if this is not about one.
    pub ifd_name: [c_char; 128],
    /// The ATR of the card that came, went, or was reset.
    pub atr: [u8; 33],
    /// Zero.
    pub reserved: [u8; 7],
}

const _: () = assert!(size_of::<scm_event>() == 192 && SCM_IFD_NAME_MAX + 1 == 128 && SCM_ATR_MAX == 33);

// SAFETY: repr(C), integers only without padding, as the sum of their sizes above shows, the first of them the size.
unsafe impl Options for scm_event {
    const FIRST_SIZE: usize = 192;
    const DEFAULT: Self = scm_event {
        struct_size: size_of::<Self>() as u32,
        kind: 0,
        number: 0,
        service: 0,
        atr_length: 0,
        ifd_name: [0; 128],
        atr: [0; 33],
        reserved: [0; 7],
    };
}

const _: () = assert!(
    SCM_EVENT_SERVICE_UP == EventKind::ServiceUp as u32
        && SCM_EVENT_SERVICE_DOWN == EventKind::ServiceDown as u32
        && SCM_EVENT_IFD_ARRIVED == EventKind::IfdArrived as u32
        && SCM_EVENT_IFD_LEFT == EventKind::IfdLeft as u32
        && SCM_EVENT_CARD_INSERTED == EventKind::CardInserted as u32
        && SCM_EVENT_CARD_REMOVED == EventKind::CardRemoved as u32
        && SCM_EVENT_CARD_RESET == EventKind::CardReset as u32
        && SCM_EVENT_CURRENT == EventKind::Current as u32
        && SCM_SERVICE_PLATFORM == Service::Platform as u32
        && SCM_SERVICE_VIRTUAL == Service::Virtual as u32
);

/// Begins to watch the resource managers, their readers and the cards in them.
///
/// The first events say what there is: for the platform `SCM_EVENT_SERVICE_UP` or `SCM_EVENT_SERVICE_DOWN`, then each
/// reader, and behind it the card that is in it. The virtual resource manager is told of from the first virtual reader
/// of the process on. The events of the two come side by side, in no promised order. `SCM_EVENT_CURRENT` follows when
/// the present state of both has been told; from then on every event is a change. The events of one service are nested:
/// when it goes down, each card was removed and each reader has left before `SCM_EVENT_SERVICE_DOWN`. When it comes up
/// later, its readers follow as in the beginning, and `SCM_EVENT_CURRENT` again.
///
/// A card that was out and in again is two events, however fast that was, where the platform counts (pcsc-lite and
/// Windows). A card that came and went unseen has no ATR. If nobody fetches them no more than 1024 events wait; what
/// happens then is told as the difference, once there is room.
///
/// @param monitor  [out] the monitor; NULL after a failure
///
/// @return
/// - `SCM_S_OK`: made. Each monitor has two threads and two contexts of its own; another monitor slows nobody down.
/// - `SCM_E_POINTER`: `monitor` is NULL.
/// - `SCM_E_OUTOFMEMORY`: no memory, no thread, or no file descriptor.
/// - `SCM_E_UNEXPECTED`: an internal error.
///
/// Does not block, and does not ask whether a service runs: that it does not is an event. Any thread may call it, and a
/// child after a fork, in which the parent's monitors are dead.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_monitor_create(monitor: *mut *mut scm_monitor) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let output = unsafe { Output::new(monitor) }?;
        // With the table comes what a fork does to monitors.
        drop(handles()?);
        let monitor = Monitor::open()?;
        let inserted = handles()?.monitors.insert(monitor.clone());
        match inserted {
            Ok(token) => output.set(token.to_pointer()),
            Err(code) => {
                Monitor::close(&monitor);
                return Err(code);
            }
        }
        Ok(Hresult::S_OK)
    })
}

/// Fetches the next event, and waits for it if need be.
///
/// @param monitor  the monitor
/// @param timeout_ms  how long to wait, in milliseconds; 0: only an event that waits already; `SCM_INFINITE`: without a
///   limit
/// @param event  [out] the event; all zero behind `struct_size` after a failure
///
/// @return
/// - `SCM_S_OK`: fetched.
/// - `SCM_E_HANDLE`: `monitor` is no monitor, or not any more.
/// - `SCM_E_POINTER`: `event` is NULL.
/// - `SCM_E_INVALIDARG`: `event->struct_size` is of no version of this structure.
/// - `SCM_SCARD_E_TIMEOUT`: there was no event in that time.
/// - `SCM_SCARD_E_CANCELLED`: `scm_monitor_cancel`, or the monitor was destroyed meanwhile. No event is lost by that.
/// - `SCM_E_UNEXPECTED`: an internal error.
///
/// Keeps its time even if the service hangs. Any thread may call it, several at once: each event goes to one of them.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_monitor_wait(
    monitor: *mut scm_monitor,
    timeout_ms: u32,
    event: *mut scm_event,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let output = unsafe { OutputStructure::new(event) }?;
        output.set(&told(&found(monitor)?.wait(timeout_ms)?));
        Ok(Hresult::S_OK)
    })
}

/// Ends every `scm_monitor_wait` that is under way on a monitor with `SCM_SCARD_E_CANCELLED`; when there is none, the
/// next one.
///
/// @param monitor  the monitor
///
/// @return
/// - `SCM_S_OK`: it does.
/// - `SCM_E_HANDLE`: `monitor` is no monitor, or not any more.
/// - `SCM_E_UNEXPECTED`: an internal error.
///
/// Does not block. Any thread may call it; a signal handler may not.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_monitor_cancel(monitor: *mut scm_monitor) -> scm_result {
    guard(|| {
        found(monitor)?.cancel();
        Ok(Hresult::S_OK)
    })
}

/// The file descriptor of a monitor, for poll and event loops: it is readable exactly while an event waits.
///
/// It is the monitor's: fetch events with `scm_monitor_wait` and a time of 0 until that gives `SCM_SCARD_E_TIMEOUT`,
/// and neither read nor close it. `scm_monitor_destroy` closes it. A program that is executed does not inherit it.
///
/// @param monitor  the monitor
/// @param fd  [out] the file descriptor; 0 after a failure
///
/// @return
/// - `SCM_S_OK`: given.
/// - `SCM_E_HANDLE`: `monitor` is no monitor, or not any more.
/// - `SCM_E_POINTER`: `fd` is NULL.
/// - `SCM_E_NOTIMPL`: there are no file descriptors on this platform (Windows).
/// - `SCM_E_UNEXPECTED`: an internal error.
///
/// Does not block. Any thread may call it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_monitor_get_fd(monitor: *mut scm_monitor, fd: *mut i32) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let output = unsafe { Output::new(fd) }?;
        output.set(found(monitor)?.fd()?);
        Ok(Hresult::S_OK)
    })
}

/// Ends a monitor, with the events that nobody has fetched. A wait that is under way ends with `SCM_SCARD_E_CANCELLED`.
///
/// @param monitor  the monitor
///
/// @return
/// - `SCM_S_OK`: ended.
/// - `SCM_E_HANDLE`: `monitor` is no monitor, or not any more.
/// - `SCM_E_UNEXPECTED`: an internal error.
///
/// Waits until the threads of the monitor have left, but no longer than half a second: if the service hangs they leave
/// when it goes on. Any thread may call it. A process may end without.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_monitor_destroy(monitor: *mut scm_monitor) -> scm_result {
    guard(|| {
        let token = token(monitor)?;
        let monitor = handles()?.monitors.remove(token)?;
        Monitor::close(&monitor);
        Ok(Hresult::S_OK)
    })
}

fn found(monitor: *mut scm_monitor) -> Result<Arc<Monitor>> {
    handles()?.monitors.get(token(monitor)?)
}

/// The event as C has it.
fn told(event: &Event) -> scm_event {
    let (kind, number) = (event.kind as u32, event.number);
    let service = event.service.map_or(0, |service| service as u32);
    let mut told = scm_event { kind, number, service, ..scm_event::DEFAULT };
    let name = event.ifd.as_ref().map(|name| name.as_c_str().to_bytes());
    for (to, from) in told.ifd_name.iter_mut().zip(name.unwrap_or_default()) {
        *to = *from as c_char;
    }
    for (to, from) in told.atr.iter_mut().zip(event.atr.as_bytes()) {
        *to = *from;
    }
    told.atr_length = event.atr.as_bytes().len() as u32;
    told
}

//! Monitors: events of services, readers and cards.

use std::ffi::c_char;

use super::attachment::SCM_IFD_NAME_MAX;
use super::property::SCM_ATR_MAX;
use super::{handles, scm_result, token};
use crate::abi::hresult::{Hresult, Result};
use crate::capi::boundary::{OfArgument, Options, Output, OutputStructure, guard};
use crate::monitor::{Event, EventKind, Monitor};
use crate::resource_manager::Usage;
use crate::runtime::fallible::Arc;

/// A monitor of services, readers and cards. `scm_monitor_create` makes it, `scm_monitor_destroy` ends it.
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

/// The platform does not tell whether programs use the reader.
pub const SCM_USAGE_UNKNOWN: u8 = 0;
/// No program uses the reader.
pub const SCM_USAGE_FREE: u8 = 1;
/// Programs use the reader, and others may.
pub const SCM_USAGE_SHARED: u8 = 2;
/// One program uses the reader alone.
pub const SCM_USAGE_EXCLUSIVE: u8 = 3;

/// An event. Initialise with `SCM_EVENT_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_event {
    /// `sizeof(scm_event)`. The library writes no more than that.
    pub struct_size: u32,
    /// `SCM_EVENT_SERVICE_UP` to `SCM_EVENT_CURRENT`. Later versions may have more kinds: ignore those that you do not
    /// know.
    pub kind: u32,
    /// 1 for the first event of the monitor, then 2, 3, ... without a gap.
    pub number: u64,
    /// `SCM_SERVICE_PLATFORM` or `SCM_SERVICE_VIRTUAL`: the service, or the service of the reader. 0 for
    /// `SCM_EVENT_CURRENT`.
    pub service: u32,
    /// The length of the ATR. 0 if the event is not about a card, or if the card does not answer to a reset.
    pub atr_length: u32,
    /// The name of the reader with its NUL; empty if the event is not about a reader.
    pub ifd_name: [c_char; 128],
    /// The ATR of the card.
    pub atr: [u8; 33],
    /// Whether programs use the reader, this one included: `SCM_USAGE_UNKNOWN` to `SCM_USAGE_EXCLUSIVE`, for
    /// `SCM_EVENT_IFD_ARRIVED`, `SCM_EVENT_CARD_INSERTED` and `SCM_EVENT_CARD_RESET`; 0 for others. It is the state at
    /// that time: the use of a reader is no event of its own. PC/SC does not tell locks (transactions).
    pub usage: u8,
    /// Zero.
    pub reserved: [u8; 6],
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
        usage: SCM_USAGE_UNKNOWN,
        reserved: [0; 6],
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
);

const _: () = assert!(
    SCM_USAGE_UNKNOWN == Usage::Unknown as u8
        && SCM_USAGE_FREE == Usage::Free as u8
        && SCM_USAGE_SHARED == Usage::Shared as u8
        && SCM_USAGE_EXCLUSIVE == Usage::Exclusive as u8
);

/// Begins to watch the resource managers, their readers and their cards.
///
/// The first events tell the present state: for the platform `SCM_EVENT_SERVICE_UP` or `SCM_EVENT_SERVICE_DOWN`, then
/// each reader, followed by its card. The virtual resource manager is included from the first virtual reader of the
/// process on. The events of the two services may come in any order. `SCM_EVENT_CURRENT` follows when the state of both
/// is told; from then on each event is a change. When a service goes down, its cards are removed and its readers leave
/// before `SCM_EVENT_SERVICE_DOWN`. When it comes up later, its readers follow, and `SCM_EVENT_CURRENT` again.
///
/// A card that was out and in again gives two events, however fast, if the platform counts (pcsc-lite and Windows). A
/// card that came and went unseen has no ATR. Up to 1024 events wait for the program. After that changes are not kept
/// one by one: when there is room again, the next events lead from the last state that was told to the present one.
///
/// @param monitor  [out] the monitor; NULL after a failure
///
/// @return
/// - `SCM_S_OK`: made. It has two threads and two contexts of its own.
/// - `SCM_E_OUTOFMEMORY`: also no thread or no file descriptor.
///
/// Does not block, and succeeds also if no service runs: that is an event. May be called in the child of a fork.
///
/// @see scm_monitor_wait, scm_monitor_get_fd, scm_monitor_destroy, scm_list_ifds
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_monitor_create(monitor: *mut *mut scm_monitor) -> scm_result {
    guard!(scm_monitor_create(monitor), || {
        // SAFETY: as the header says.
        let output = unsafe { Output::new(monitor).of("monitor") }?;
        // The table registers the handler that ends monitors in the child of a fork.
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

/// Waits for the next event and gives it.
///
/// @param monitor  the monitor
/// @param timeout_ms  how long to wait, in milliseconds: 0 does not wait, `SCM_INFINITE` has no limit
/// @param event  [out] the event; zero behind `struct_size` after a failure
///
/// @return
/// - `SCM_S_OK`: an event.
/// - `SCM_SCARD_E_TIMEOUT`: there was no event in this time.
/// - `SCM_SCARD_E_CANCELLED`: `scm_monitor_cancel`, or another thread has destroyed the monitor. No event is lost.
///
/// Blocks for `timeout_ms` at most, also if the service hangs.
///
/// @see scm_monitor_create, scm_monitor_cancel, scm_monitor_get_fd
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_monitor_wait(
    monitor: *mut scm_monitor,
    timeout_ms: u32,
    event: *mut scm_event,
) -> scm_result {
    guard!(scm_monitor_wait(monitor, timeout_ms, event), || {
        // SAFETY: as the header says.
        let output = unsafe { OutputStructure::new(event).within("event") }?;
        output.set(&in_c(&found(monitor)?.wait(timeout_ms)?));
        Ok(Hresult::S_OK)
    })
}

/// Ends every `scm_monitor_wait` of a monitor with `SCM_SCARD_E_CANCELLED`; if there is none, the next one.
///
/// @param monitor  the monitor
///
/// @return
/// - `SCM_S_OK`: cancelled.
/// - `SCM_E_HANDLE`: `monitor` is not a monitor.
///
/// Never blocks.
///
/// @see scm_monitor_wait, scm_monitor_destroy, scm_cancel
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_monitor_cancel(monitor: *mut scm_monitor) -> scm_result {
    guard!(scm_monitor_cancel(monitor), || {
        found(monitor)?.cancel();
        Ok(Hresult::S_OK)
    })
}

/// Gets the file descriptor of a monitor, for poll and event loops: it is readable exactly while an event waits.
///
/// It belongs to the monitor: neither read nor close it. When it is readable, call `scm_monitor_wait` with a time of 0
/// until that returns `SCM_SCARD_E_TIMEOUT`. An executed program does not inherit it.
///
/// @param monitor  the monitor
/// @param fd  [out] the file descriptor; 0 after a failure
///
/// @return
/// - `SCM_S_OK`: told.
/// - `SCM_E_NOTIMPL`: this platform has no file descriptors (Windows).
///
/// Never blocks.
///
/// @see scm_monitor_wait
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_monitor_get_fd(monitor: *mut scm_monitor, fd: *mut i32) -> scm_result {
    guard!(scm_monitor_get_fd(monitor, fd), || {
        // SAFETY: as the header says.
        let output = unsafe { Output::new(fd).of("fd") }?;
        output.set(found(monitor)?.fd()?);
        Ok(Hresult::S_OK)
    })
}

/// Ends a monitor, with the events that wait. A wait of another thread ends with `SCM_SCARD_E_CANCELLED`.
///
/// @param monitor  the monitor
///
/// @return
/// - `SCM_S_OK`: ended.
/// - `SCM_E_HANDLE`: `monitor` is not a monitor.
///
/// Blocks until the threads of the monitor have ended, for half a second at most; if the service hangs, they end later.
/// A process may exit without this call.
///
/// @see scm_monitor_create, scm_monitor_cancel
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_monitor_destroy(monitor: *mut scm_monitor) -> scm_result {
    guard!(scm_monitor_destroy(monitor), || {
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
fn in_c(event: &Event) -> scm_event {
    let (kind, number) = (event.kind as u32, event.number);
    let service = event.service.unwrap_or(0);
    let usage = event.usage as u8;
    let mut copy = scm_event { kind, number, service, usage, ..scm_event::DEFAULT };
    let name = event.ifd.as_ref().map(|name| name.as_c_str().to_bytes());
    for (to, from) in copy.ifd_name.iter_mut().zip(name.unwrap_or_default()) {
        *to = *from as c_char;
    }
    for (to, from) in copy.atr.iter_mut().zip(event.atr.as_bytes()) {
        *to = *from;
    }
    copy.atr_length = event.atr.as_bytes().len() as u32;
    copy
}

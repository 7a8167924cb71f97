//! Events.

use std::ffi::CStr;
use std::ptr::null_mut;
use std::time::Duration;

use serde::Serialize;

use super::c::{
    Options, SCM_EVENT_CARD_INSERTED, SCM_EVENT_CARD_REMOVED, SCM_EVENT_CARD_RESET, SCM_EVENT_CURRENT,
    SCM_EVENT_IFD_ARRIVED, SCM_EVENT_IFD_LEFT, SCM_EVENT_SERVICE_DOWN, SCM_EVENT_SERVICE_UP, SCM_INFINITE,
    SCM_USAGE_EXCLUSIVE, SCM_USAGE_FREE, SCM_USAGE_SHARED, scm_event, scm_monitor, scm_monitor_create,
    scm_monitor_destroy, scm_monitor_wait,
};
use super::{Result, TIMEOUT, check};

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    ServiceUp,
    ServiceDown,
    ReaderArrived,
    ReaderLeft,
    CardInserted,
    CardRemoved,
    CardReset,
    /// Everything that is there now has been told.
    Current,
    /// A later version of the library has more.
    Other,
}

/// The use of a reader by programs. None if that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Usage {
    No,
    Shared,
    Exclusively,
}

pub struct Event {
    pub kind: EventKind,
    pub reader: String,
    pub usage: Option<Usage>,
    pub atr: Vec<u8>,
}

pub struct Monitor(*mut scm_monitor);

impl Monitor {
    pub fn new() -> Result<Monitor> {
        let mut monitor = null_mut();
        // SAFETY: `monitor` can be written.
        check(unsafe { scm_monitor_create(&mut monitor) })?;
        Ok(Monitor(monitor))
    }

    /// The next event; None if there is none in this time.
    pub fn wait(&self, limit: Option<Duration>) -> Result<Option<Event>> {
        let timeout_ms = limit.map_or(SCM_INFINITE, |limit| u32::try_from(limit.as_millis()).unwrap_or(SCM_INFINITE));
        let mut event = scm_event::DEFAULT;
        // SAFETY: the event has its size.
        match check(unsafe { scm_monitor_wait(self.0, timeout_ms, &mut event) }) {
            Ok(()) => Ok(Some(Event::from(&event))),
            Err(error) if error.is(TIMEOUT) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        // SAFETY: any value is allowed.
        unsafe { scm_monitor_destroy(self.0) };
    }
}

impl From<&scm_event> for Event {
    fn from(event: &scm_event) -> Event {
        let kind = match event.kind {
            SCM_EVENT_SERVICE_UP => EventKind::ServiceUp,
            SCM_EVENT_SERVICE_DOWN => EventKind::ServiceDown,
            SCM_EVENT_IFD_ARRIVED => EventKind::ReaderArrived,
            SCM_EVENT_IFD_LEFT => EventKind::ReaderLeft,
            SCM_EVENT_CARD_INSERTED => EventKind::CardInserted,
            SCM_EVENT_CARD_REMOVED => EventKind::CardRemoved,
            SCM_EVENT_CARD_RESET => EventKind::CardReset,
            SCM_EVENT_CURRENT => EventKind::Current,
            _ => EventKind::Other,
        };
        // SAFETY: the library ends the name with a NUL.
        let reader = unsafe { CStr::from_ptr(event.ifd_name.as_ptr()) }.to_string_lossy().into_owned();
        let atr = event.atr.iter().take(event.atr_length as usize).copied().collect();
        let usage = match event.usage {
            SCM_USAGE_FREE => Some(Usage::No),
            SCM_USAGE_SHARED => Some(Usage::Shared),
            SCM_USAGE_EXCLUSIVE => Some(Usage::Exclusively),
            _ => None,
        };
        Event { kind, reader, usage, atr }
    }
}

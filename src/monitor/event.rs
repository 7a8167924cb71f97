//! An event: what happened to a service, a reader or a card.

use crate::iso7816::atr::Atr;
use crate::resource_manager::Usage;
use crate::resource_manager::ifd_name::IfdName;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventKind {
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
    pub kind: EventKind,
    /// 1 for the first event, and one more for each.
    pub number: u64,
    /// None for `Current`, which concerns all services.
    pub service: Option<u32>,
    pub ifd: Option<IfdName>,
    /// The use of the reader when it or its card came.
    pub usage: Usage,
    pub atr: Atr,
}

impl Event {
    pub fn of_service(kind: EventKind, service: u32) -> Event {
        Event { kind, number: 0, service: Some(service), ifd: None, usage: Usage::Unknown, atr: Atr::default() }
    }

    pub fn current() -> Event {
        Event {
            kind: EventKind::Current,
            number: 0,
            service: None,
            ifd: None,
            usage: Usage::Unknown,
            atr: Atr::default(),
        }
    }
}

//! The readers and cards that are there now. It asks no card, and does not wait for a service that hangs.

use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::library::{self, Event, EventKind, Monitor, Usage, VirtualCard, readers};
use crate::session::Session;

/// A daemon that has just been started by its socket looks for its readers first.
pub const LIMIT: Duration = Duration::from_secs(10);

/// How long the wait is not told.
const PATIENCE: Duration = Duration::from_secs(1);

pub struct Reader {
    pub name: String,
    /// The ATR of the card, if there is one. It is empty for a mute card.
    pub atr: Option<Vec<u8>>,
    /// None if the platform does not tell.
    pub usage: Option<Usage>,
}

/// In the order of the service. With `--card` only its reader.
pub fn present(session: &Session) -> Result<Vec<Reader>, Failure> {
    let failed = |error| Failure::library("readers", error);
    let monitor = Monitor::new().map_err(failed)?;
    let mut present = Vec::new();
    let mut wait = Wait::new(Some(LIMIT));
    loop {
        let Some(event) = wait.next(session, &monitor).map_err(failed)? else {
            return Err(Failure::silent_service());
        };
        match event.kind {
            EventKind::Current => break,
            // A list says why it does not run; the service of the platform does not matter for a virtual card.
            EventKind::ServiceDown if !session.has_virtual_card() => {
                let listed = readers().map_err(failed)?;
                return match listed.missing_service {
                    Some(error) => Err(failed(error)),
                    None => Ok(listed.names.into_iter().map(|name| Reader { name, atr: None, usage: None }).collect()),
                };
            }
            _ => follow(&mut present, event),
        }
    }
    present.retain(|reader| !session.has_virtual_card() || reader.name == VirtualCard::READER);
    Ok(present)
}

/// A wait for the events of the present state. After a second it says that it waits.
pub struct Wait {
    begin: Instant,
    limit: Option<Duration>,
    is_told: bool,
}

impl Wait {
    pub fn new(limit: Option<Duration>) -> Wait {
        Wait { begin: Instant::now(), limit, is_told: limit.is_some_and(|limit| limit <= PATIENCE) }
    }

    /// None if the time is over.
    pub fn next(&mut self, session: &Session, monitor: &Monitor) -> library::Result<Option<Event>> {
        loop {
            let limit = if self.is_told { self.limit } else { Some(PATIENCE) };
            let event = monitor.wait(limit.map(|limit| limit.saturating_sub(self.begin.elapsed())))?;
            if event.is_some() || self.is_told {
                return Ok(event);
            }
            session.output.remark("pcscd has not answered yet. Waiting for it.");
            self.is_told = true;
        }
    }
}

fn follow(present: &mut Vec<Reader>, event: Event) {
    let Event { kind, reader: name, atr, usage } = event;
    let known = present.iter_mut().find(|reader| reader.name == name);
    match (kind, known) {
        (EventKind::ReaderArrived, None) => present.push(Reader { name, atr: None, usage }),
        (EventKind::ReaderLeft, _) => present.retain(|reader| reader.name != name),
        (EventKind::CardInserted | EventKind::CardReset, Some(reader)) => {
            (reader.atr, reader.usage) = (Some(atr), usage);
        }
        (EventKind::CardRemoved, Some(reader)) => reader.atr = None,
        _ => {}
    }
}

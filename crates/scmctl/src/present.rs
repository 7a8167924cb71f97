//! The readers and cards that are there now. It asks no card, and does not wait for a service that hangs.

use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::library::{Event, EventKind, Monitor, Usage, VirtualCard, readers};
use crate::session::Session;

/// A daemon that has just been started by its socket looks for its readers first.
const LIMIT: Duration = Duration::from_secs(10);

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
    let failed = |error| Failure::attach("readers", error);
    let monitor = Monitor::new().map_err(failed)?;
    let mut present = Vec::new();
    let (begin, mut is_told) = (Instant::now(), false);
    loop {
        let rest = if is_told { LIMIT } else { PATIENCE }.saturating_sub(begin.elapsed());
        let event = match monitor.wait(Some(rest)).map_err(failed)? {
            Some(event) => event,
            None if is_told => return Err(Failure::silent_service()),
            None => {
                session.output.remark(format!("pcscd has not answered yet. Waiting, {} s at most.", LIMIT.as_secs()));
                is_told = true;
                continue;
            }
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

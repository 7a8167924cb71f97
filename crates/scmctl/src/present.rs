//! The readers and cards that are there now. It asks no card, and does not wait for a service that hangs.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::library::{EventKind, Monitor, VirtualCard, readers};
use crate::session::Session;

/// A daemon that has just been started by its socket looks for its readers first.
const LIMIT: Duration = Duration::from_secs(10);

pub struct Present {
    /// In the order of the service.
    pub readers: Vec<String>,
    /// The ATRs, by the names of their readers. It is empty for a mute card.
    pub cards: HashMap<String, Vec<u8>>,
}

/// With `--card` only its reader.
pub fn present(session: &Session) -> Result<Present, Failure> {
    let failed = |error| Failure::attach("readers", error);
    let monitor = Monitor::new().map_err(failed)?;
    let mut present = Present { readers: Vec::new(), cards: HashMap::new() };
    let end = Instant::now() + LIMIT;
    loop {
        let rest = end.saturating_duration_since(Instant::now());
        let Some(event) = monitor.wait(Some(rest)).map_err(failed)? else {
            return Err(Failure::silent_service());
        };
        let is_ours = !session.has_virtual_card() || event.reader == VirtualCard::READER;
        match event.kind {
            EventKind::Current => return Ok(present),
            // A list says why it does not run; the service of the platform does not matter for a virtual card.
            EventKind::ServiceDown if !session.has_virtual_card() => {
                let listed = readers().map_err(failed)?;
                return match listed.missing_service {
                    Some(error) => Err(failed(error)),
                    None => Ok(Present { readers: listed.names, cards: HashMap::new() }),
                };
            }
            EventKind::ReaderArrived if is_ours => present.readers.push(event.reader),
            EventKind::ReaderLeft => present.readers.retain(|name| *name != event.reader),
            EventKind::CardInserted | EventKind::CardReset if is_ours => {
                present.cards.insert(event.reader, event.atr);
            }
            EventKind::CardRemoved => {
                present.cards.remove(&event.reader);
            }
            _ => {}
        }
    }
}

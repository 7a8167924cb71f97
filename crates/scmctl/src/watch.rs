//! `scmctl watch`: events as they happen.

use std::fmt::{self, Display, Formatter};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use owo_colors::OwoColorize;
use serde::Serialize;

use crate::atr::Atr;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::library::{Event, EventKind, Monitor};
use crate::present::{LIMIT, Wait};
use crate::session::Session;
use crate::text::printable;

#[derive(clap::Args)]
pub struct Watch {
    /// Ends after this many events
    #[arg(long, value_name = "NUMBER")]
    count: Option<u64>,

    /// Ends after this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=31_536_000))]
    seconds: Option<u64>,

    /// Ends when the present state is told
    #[arg(long)]
    once: bool,
}

#[derive(Serialize)]
struct Line {
    /// Seconds since 1970, in UTC.
    time: f64,
    event: EventKind,
    #[serde(skip_serializing_if = "String::is_empty")]
    reader: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<Atr>,
}

pub fn run(session: &Session, watch: &Watch) -> Result<Exit, Failure> {
    let failed = |error| Failure::library("events", error);
    let monitor = Monitor::new().map_err(failed)?;
    let limit = watch.seconds.map(Duration::from_secs);
    let end = limit.map(|limit| Instant::now() + limit);
    let mut start = Some(Wait::new(limit.or(watch.once.then_some(LIMIT))));
    let mut shown = 0;
    while watch.count.is_none_or(|count| shown < count) {
        let event = match &mut start {
            Some(wait) => wait.next(session, &monitor),
            None => monitor.wait(end.map(|end| end.saturating_duration_since(Instant::now()))),
        };
        let Some(event) = event.map_err(failed)? else {
            if watch.once {
                return Err(Failure::silent_service());
            }
            break;
        };
        if event.kind == EventKind::Current {
            start = None;
            if watch.once {
                break;
            }
        }
        if is_wanted(session, &event) {
            session.output.show(&Line::of(event))?;
            shown += 1;
        }
    }
    Ok(Exit::Success)
}

fn is_wanted(session: &Session, event: &Event) -> bool {
    match event.kind {
        EventKind::Current | EventKind::Other => false,
        // The service of the platform does not matter for a virtual card.
        EventKind::ServiceUp | EventKind::ServiceDown => !session.has_virtual_card(),
        _ => session.wants(&event.reader),
    }
}

impl Line {
    fn of(event: Event) -> Line {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64());
        let card = (!event.atr.is_empty()).then(|| Atr::with_names(&event.atr));
        Line { time, event: event.kind, reader: event.reader, card }
    }
}

impl Display for Line {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        // Without a crate that knows time zones, UTC says which time it is.
        let seconds = self.time as u64;
        let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
        let millis = (self.time.fract() * 1000.0) as u64;
        let time = format!("{hours:02}:{minutes:02}:{:02}.{millis:03}Z", seconds % 60);
        let reader = printable(&self.reader);
        write!(formatter, "{} ", time.dimmed())?;
        match self.event {
            EventKind::ServiceUp => writeln!(formatter, "the service runs"),
            EventKind::ServiceDown => writeln!(formatter, "{}", "the service does not run, or refuses this user".red()),
            EventKind::ReaderArrived => writeln!(formatter, "{}: reader found", reader.bold()),
            EventKind::ReaderLeft => writeln!(formatter, "{}: reader gone", reader.bold()),
            EventKind::CardInserted => writeln!(formatter, "{}: {}", reader.bold(), "card inserted".green()),
            EventKind::CardRemoved => writeln!(formatter, "{}: {}", reader.bold(), "card removed".yellow()),
            EventKind::CardReset => writeln!(formatter, "{}: card reset", reader.bold()),
            EventKind::Current | EventKind::Other => Ok(()),
        }?;
        match (&self.card, self.event) {
            (Some(card), _) => writeln!(formatter, "{card}"),
            (None, EventKind::CardInserted) => writeln!(formatter, "    no ATR: the card does not answer"),
            (None, _) => Ok(()),
        }
    }
}

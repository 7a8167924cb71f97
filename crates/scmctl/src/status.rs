//! `scmctl status`: the state of a card and of its reader.

use std::fmt::{self, Display, Formatter};

use owo_colors::OwoColorize;
use serde::Serialize;

use crate::atr::Atr;
use crate::attribute::Attributes;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::library::{self, Share};
use crate::session::Session;
use crate::text::printable;

#[derive(Serialize)]
struct Report {
    reader: String,
    #[serde(flatten)]
    attributes: Attributes,
    state: &'static str,
    protocol: Option<&'static str>,
    card: Option<Atr>,
}

pub fn run(session: &Session) -> Result<Exit, Failure> {
    let reader = session.reader()?;
    let failed = |error| Failure::library(&reader, error);
    // A reader without a card has a state, too.
    let attachment = match session.attach_to(&reader, Share::Shared) {
        Err(error) if error.is(library::NO_SMARTCARD) => session.attach_to(&reader, Share::Direct),
        attachment => attachment,
    }
    .map_err(failed)?;
    let state = attachment.status().map_err(failed)?;
    let atr = attachment.atr().map_err(failed)?;
    let report = Report {
        attributes: Attributes::of(&attachment),
        state: state.state,
        protocol: state.protocol,
        card: (!atr.is_empty()).then(|| Atr::with_names(&atr)),
        reader,
    };
    session.output.show(&report)?;
    Ok(if report.card.is_some() { Exit::Success } else { Exit::Unavailable })
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", printable(&self.reader).bold())?;
        let Attributes { vendor, model, version, serial_number } = &self.attributes;
        for (name, value) in [("vendor", vendor), ("model", model), ("version", version), ("serial", serial_number)] {
            if let Some(value) = value {
                writeln!(formatter, "    {name:<12} {value}")?;
            }
        }
        writeln!(formatter, "    state        {}", self.state)?;
        if let Some(protocol) = self.protocol {
            writeln!(formatter, "    protocol     {protocol}")?;
        }
        self.card.iter().try_for_each(|card| writeln!(formatter, "{card}"))
    }
}

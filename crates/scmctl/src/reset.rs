//! `scmctl reset`.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use crate::atr::Atr;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::library::Share;
use crate::session::Session;
use crate::text::printable;

#[derive(clap::Args)]
pub struct Reset {
    /// Turns the power of the card off and on; without it the card is reset with power
    #[arg(long)]
    cold: bool,
}

#[derive(Serialize)]
struct Report {
    reader: String,
    kind: &'static str,
    card: Atr,
}

pub fn run(session: &Session, reset: &Reset) -> Result<Exit, Failure> {
    let reader = session.reader()?;
    let failed = |code| Failure::library(&reader, code);
    let card = session.attach_to(&reader, Share::Shared).map_err(failed)?;
    card.reset(reset.cold).map_err(failed)?;
    let card = Atr::with_names(&card.atr().map_err(failed)?);
    session.output.show(&Report { kind: if reset.cold { "cold" } else { "warm" }, card, reader })?;
    Ok(Exit::Success)
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}: {} reset\n{}", printable(&self.reader), self.kind, self.card)
    }
}

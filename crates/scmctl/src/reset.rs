//! `scmctl reset`.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use crate::atr::Atr;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::library::Attachment;
use crate::session::Session;

#[derive(clap::Args)]
pub struct Reset {
    /// Turns the power of the card off and on; without it the card is reset with power
    #[arg(long)]
    cold: bool,
}

#[derive(Serialize)]
struct Report {
    reset: &'static str,
    card: Atr,
}

pub fn run(session: &Session, card: &Attachment, reset: &Reset) -> Result<Exit, Failure> {
    let failed = |error| Failure::library("reset", error);
    card.reset(reset.cold).map_err(failed)?;
    let card = Atr::with_names(&card.atr().map_err(failed)?);
    session.output.show(&Report { reset: if reset.cold { "cold" } else { "warm" }, card })?;
    Ok(Exit::Success)
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} reset\n{}", self.reset, self.card)
    }
}

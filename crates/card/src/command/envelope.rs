//! ENVELOPE (ISO/IEC 7816-4, 11.7.2): the way of a command that is too long for T=0.

use crate::apdu::{Answer, Command, Response};
use crate::card::Card;
use crate::class::Class;
use crate::command::ins;
use crate::status::Status;

impl Card {
    /// Collects the parts of a command APDU; an empty part executes it, on the channel of its own class.
    pub(super) fn envelope(&mut self, command: &Command) -> Answer {
        command.expect_p1_p2(0, 0)?;
        let Some(apdu) = self.session.envelope.add(&command.data)? else { return Response::ok() };
        let inner = Command::read(&apdu)?;
        if matches!(inner.ins, ins::ENVELOPE | ins::GET_RESPONSE) {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        match Class::read(inner.cla)? {
            Class::Interindustry { channel, chained: false } => {
                self.session.enter(channel)?;
                self.dispatch(&inner, None)
            }
            Class::Interindustry { .. } => Err(Status::CHAINING_NOT_SUPPORTED),
            Class::Proprietary => Err(Status::CLA_NOT_SUPPORTED),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::command::tests::card;

    const FILE: &str = "manners = 'T0'\n[[mf.ef]]\nid = 0x4401\nshort_id = 1\nsize = 512\n";

    #[test]
    fn a_long_command_comes_in_envelopes() {
        let mut card = card(FILE);
        let data = "A5".repeat(300);
        let inner = format!("00D6810000012C{data}");
        let (first, second) = inner.split_at(400);
        let envelope = |part: &str| format!("00C20000{:02X}{part}", part.len() / 2);
        card.expect(&[
            (&inner, "6700"),
            (&envelope(first), "9000"),
            (&envelope(second), "9000"),
            ("00C20000", "9000"),
            ("00B0812801", "A5 9000"),
            (&envelope("00B00128000010"), "9000"),
            ("00C20000", "6110"),
            ("00C0000010", "A5A5A5A500000000000000000000 0000 9000"),
            (&envelope("00B000"), "9000"),
            ("00C20000", "6700"),
            (&envelope("00C20000"), "9000"),
            ("00C20000", "6985"),
            ("00C20000", "6700"),
        ]);
    }
}

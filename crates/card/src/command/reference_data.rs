//! VERIFY, CHANGE REFERENCE DATA and RESET RETRY COUNTER (ISO/IEC 7816-4, 11.5.6, 11.5.7 and 11.5.10).

use crate::access::{Kind, Reference};
use crate::apdu::{Answer, Command, Response};
use crate::card::Card;
use crate::code::Code;
use crate::file_tree::Node;
use crate::session::Grant;
use crate::status::{Result, Status};

impl Card {
    pub(super) fn verify(&mut self, command: &Command) -> Answer {
        let grant = self.referenced(Kind::Code, command.p2)?;
        match (command.p1, command.data.is_empty()) {
            (0x00, true) => self.ask(grant),
            (0x00, false) => {
                self.present(grant, &command.data)?;
                self.session.grant(grant)?;
                Response::ok()
            }
            (0xFF, true) => {
                self.session.revoke(grant)?;
                Response::ok()
            }
            (0xFF, false) => Err(Status::NC_INCONSISTENT),
            _ => Err(Status::WRONG_P1_P2),
        }
    }

    /// Tells whether a verification is needed, and the remaining tries.
    fn ask(&mut self, grant: Grant) -> Answer {
        let granted = self.session.is_granted(grant);
        let counter = &self.code(grant)?.counter;
        if counter.is_blocked() {
            Err(Status::METHOD_BLOCKED)
        } else if granted {
            Response::ok()
        } else {
            Err(Status::tries_left(counter.left()))
        }
    }

    pub(super) fn change_reference_data(&mut self, command: &Command) -> Answer {
        let grant = self.referenced(Kind::Code, command.p2)?;
        let access = self.code(grant)?.access.clone();
        let new = match command.p1 {
            0x00 => {
                self.require(&access.change, grant.holder)?;
                let (old, new) = self.code(grant)?.split(&command.data)?;
                self.code(grant)?.accepts(new)?;
                self.present(grant, old)?;
                new
            }
            0x01 => {
                self.require(&access.replace, grant.holder)?;
                self.code(grant)?.accepts(&command.data)?;
                &command.data[..]
            }
            _ => return Err(Status::WRONG_P1_P2),
        };
        self.code(grant)?.replace(new);
        Response::ok()
    }

    pub(super) fn reset_retry_counter(&mut self, command: &Command) -> Answer {
        let grant = self.referenced(Kind::Code, command.p2)?;
        let new = match command.p1 {
            0x00 => {
                let resetting = self.resetting(grant)?;
                let (presented, new) = self.code(resetting)?.split(&command.data)?;
                self.code(grant)?.accepts(new)?;
                self.present(resetting, presented)?;
                Some(new)
            }
            0x01 => {
                let resetting = self.resetting(grant)?;
                self.present(resetting, &command.data)?;
                None
            }
            0x02 => {
                self.require_reset(grant)?;
                self.code(grant)?.accepts(&command.data)?;
                Some(&command.data[..])
            }
            0x03 if !command.data.is_empty() => return Err(Status::NC_INCONSISTENT),
            0x03 => {
                self.require_reset(grant)?;
                None
            }
            _ => return Err(Status::WRONG_P1_P2),
        };
        let code = self.code(grant)?;
        code.counter.reset();
        if let Some(new) = new {
            code.replace(new);
            self.session.revoke_everywhere(grant);
        }
        Response::ok()
    }

    /// The code that resets the counter of another.
    fn resetting(&mut self, grant: Grant) -> Result<Grant> {
        let reference = self.code(grant)?.unblock.ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
        self.referenced_in(Kind::Code, Reference(reference), grant.holder)
    }

    fn require_reset(&mut self, grant: Grant) -> Result<()> {
        let condition = self.code(grant)?.access.reset.clone();
        self.require(&condition, grant.holder)
    }

    /// Compares `data` with the code; a wrong one revokes the verification.
    fn present(&mut self, grant: Grant, data: &[u8]) -> Result<()> {
        let outcome = self.code(grant)?.verify(data);
        if outcome.is_err_and(|status| status != Status::WRONG_LENGTH) {
            self.session.revoke_everywhere(grant);
        }
        outcome
    }

    /// The code or key that P2 references, on the current channel.
    pub(super) fn referenced(&self, kind: Kind, p2: u8) -> Result<Grant> {
        let reference = Reference(p2);
        if !reference.is_valid() {
            return Err(Status::WRONG_P1_P2);
        }
        self.referenced_in(kind, reference, self.current_df()?)
    }

    fn referenced_in(&self, kind: Kind, reference: Reference, df: Node) -> Result<Grant> {
        let holder = self.tree.holder(kind, reference, df).ok_or(Status::REFERENCE_NOT_FOUND)?;
        Ok(Grant { holder, kind, number: reference.number() })
    }

    fn code(&mut self, grant: Grant) -> Result<&mut Code> {
        self.tree.get_mut(grant.holder)?.df_mut()?.code(grant.number)
    }
}

#[cfg(test)]
mod tests {
    use crate::command::tests::{card, default_card};

    const PIN: &str = "31323334FFFFFFFF";

    #[test]
    fn a_code_is_verified_and_its_tries_are_counted() {
        let right = format!("0020000108{PIN}");
        default_card().expect(&[
            ("00200001", "63C3"),
            ("00200001 08 31323335FFFFFFFF", "63C2"),
            ("00200001 04 31323334", "6700"),
            ("00200001", "63C2"),
            (&right, "9000"),
            ("00200001", "9000"),
            ("0020FF01", "9000"),
            ("00200001", "63C3"),
            (&right, "9000"),
            ("00200001 08 31323335FFFFFFFF", "63C2"),
            ("00200001", "63C2"),
            ("00200001 08 31323335FFFFFFFF", "63C1"),
            ("00200001 08 31323335FFFFFFFF", "63C0"),
            (&right, "6983"),
            ("00200001", "6983"),
            ("00200003", "6A88"),
            ("00200081", "6A88"),
            ("00200000", "6A88"),
            ("00200041", "6A86"),
            ("00200101", "6A86"),
            ("0020FF01 01 00", "6A87"),
        ]);
    }

    #[test]
    fn a_reset_ends_verifications_and_keeps_counters() {
        let mut card = default_card();
        card.expect(&[("00200001 08 31323335FFFFFFFF", "63C2")]);
        card.reset();
        card.expect(&[("00200001", "63C2"), (&format!("0020000108{PIN}"), "9000")]);
        card.reset();
        card.expect(&[("00200001", "63C3")]);
    }

    #[test]
    fn a_code_of_a_df_counts_inside_it() {
        default_card().expect(&[
            ("00A4000C025016", "9000"),
            ("00B0810000", "6982"),
            ("00200081 06 736563726574", "9000"),
            ("00B0810000", "626568696E642074686520636F6465 9000"),
            ("00A4030C", "9000"),
            ("00A4000C025016", "9000"),
            ("00200081", "63C5"),
            ("00B0810000", "6982"),
        ]);
    }

    #[test]
    fn a_code_is_changed() {
        let old_and_new = format!("0024000110{PIN}35363738FFFFFFFF");
        let verify = format!("0020000108{PIN}");
        default_card().expect(&[
            ("00240001 10 31323335FFFFFFFF 35363738FFFFFFFF", "63C2"),
            ("00240001 0C 31323334FFFFFFFF 35363738", "6700"),
            ("00240001 04 31323334", "6700"),
            (&old_and_new, "9000"),
            (&verify, "63C2"),
            ("00200001 08 35363738FFFFFFFF", "9000"),
            ("00240101 08 31313131FFFFFFFF", "6982"),
            ("00240002 10 3132333435363738 3132333435363738", "6982"),
            ("00240201", "6A86"),
        ]);
        card("[[mf.code]]\nnumber=1\nvalue={text='1'}\nreplace='always'").expect(&[
            ("00240101 02 3939", "9000"),
            ("00200001 02 3939", "9000"),
            ("00240101", "6700"),
        ]);
    }

    #[test]
    fn a_puk_resets_the_counter() {
        let wrong = "00200001 08 FFFFFFFFFFFFFFFF";
        default_card().expect(&[
            (wrong, "63C2"),
            (wrong, "63C1"),
            (wrong, "63C0"),
            ("002C0101 08 3132333435363739", "63C9"),
            ("00200002", "63C9"),
            ("002C0101 08 3132333435363738", "9000"),
            ("00200001", "63C3"),
            (wrong, "63C2"),
            ("002C0001 10 3132333435363738 39393939FFFFFFFF", "9000"),
            ("00200001 08 39393939FFFFFFFF", "9000"),
            ("002C0001 0C 3132333435363738 39393939", "6700"),
            ("002C0002 08 3132333435363738", "6985"),
            ("002C0301", "6982"),
            ("002C0201 08 39393939FFFFFFFF", "6982"),
            ("002C0301 01 00", "6A87"),
            ("002C0101", "6700"),
            ("002C0401", "6A86"),
        ]);
    }

    #[test]
    fn a_condition_resets_the_counter() {
        card("[[mf.code]]\nnumber=1\ntries=1\nvalue={text='1'}\nreset='always'").expect(&[
            ("00200001 01 32", "63C0"),
            ("002C0301", "9000"),
            ("00200001", "63C1"),
            ("002C0201 01 33", "9000"),
            ("00200001 01 33", "9000"),
        ]);
    }
}

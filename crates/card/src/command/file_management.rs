//! CREATE, DELETE, ACTIVATE and DEACTIVATE FILE (ISO/IEC 7816-9, 7).

use crate::access::Operation;
use crate::apdu::{Answer, Command, Response};
use crate::card::Card;
use crate::control_parameters::Parameters;
use crate::file::LifeCycle;
use crate::file_tree::Node;
use crate::status::{Result, Status};

impl Card {
    /// Creates a file in the current DF, and selects it.
    pub(super) fn create_file(&mut self, command: &Command) -> Answer {
        let df = self.current_df()?;
        self.expect_usable(df)?;
        self.allow(Operation::Create, df)?;
        let parameters = Parameters::read(&command.data)?;
        if command.p2 & 0x07 != 0 || command.p1 != 0 && command.p1 != parameters.descriptor()? {
            return Err(Status::WRONG_P1_P2);
        }
        let short_id = match command.p2 >> 3 {
            0 => None,
            short_id @ 1..=30 => Some(short_id),
            _ => return Err(Status::WRONG_P1_P2),
        };
        let file = parameters.file(df, short_id, self.write)?;
        if self.tree.room().saturating_add(file.room()) > self.memory {
            return Err(Status::NOT_ENOUGH_MEMORY);
        }
        let is_df = file.is_df();
        let node = self.tree.insert(file)?;
        if is_df {
            self.session.select_df(node, &self.tree)?;
        } else {
            self.session.select_ef(node, &self.tree)?;
        }
        Response::ok()
    }

    /// Removes a file with its content; its DF becomes current if it was.
    pub(super) fn delete_file(&mut self, command: &Command) -> Answer {
        let node = self.managed(command)?;
        let parent = self.tree.get(node)?.parent.ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
        self.expect_usable(parent)?;
        self.allow(Operation::Delete, node)?;
        self.session.leave(node, parent, &self.tree);
        self.tree.remove(node);
        Response::ok()
    }

    pub(super) fn activate_file(&mut self, command: &Command) -> Answer {
        self.change_life_cycle(command, Operation::Activate, LifeCycle::Activated)
    }

    pub(super) fn deactivate_file(&mut self, command: &Command) -> Answer {
        self.change_life_cycle(command, Operation::Deactivate, LifeCycle::Deactivated)
    }

    fn change_life_cycle(&mut self, command: &Command, operation: Operation, life_cycle: LifeCycle) -> Answer {
        let node = self.managed(command)?;
        let file = self.tree.get(node)?;
        // A file that was never activated cannot be deactivated, and a terminated one stays so.
        let now = file.life_cycle;
        if now == LifeCycle::Terminated || life_cycle == LifeCycle::Deactivated && !now.is_operational() {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        if let Some(parent) = file.parent {
            self.expect_usable(parent)?;
        }
        self.allow(operation, node)?;
        self.tree.get_mut(node)?.life_cycle = life_cycle;
        Response::ok()
    }

    /// The file of the command: found as SELECT finds it, or the current one without data.
    fn managed(&self, command: &Command) -> Result<Node> {
        if !matches!(command.p2 & !0x03, 0x00 | 0x0C) {
            return Err(Status::WRONG_P1_P2);
        }
        if command.data.is_empty() && command.p1 == 0 {
            return Ok(self.session.channel()?.file());
        }
        self.locate(command.p1, command.p2 & 0x03, &command.data)
    }
}

#[cfg(test)]
mod tests {
    use crate::command::tests::{card, create, default_card};

    const ELEMENTARY: &str = "8002 0004 8201 01 8302 4401 8801 08";

    #[test]
    fn files_are_created_and_selected() {
        let (elementary, named) = (create(ELEMENTARY), create("8201 38 8302 5001 8403 A00001"));
        card("").expect(&[
            (&elementary, "9000"),
            ("00B0000000", "00000000 9000"),
            ("00B0810004", "00000000 9000"),
            (&elementary, "6A89"),
            (&create("8002 0004 8201 01 8302 4402 8801 08"), "6A89"),
            (&named, "9000"),
            (&create("8201 38 8302 5001"), "6A89"),
            (&create("8201 38 8302 5002 8403 A00001"), "6A8A"),
            (&elementary, "9000"),
            ("00A4080C0450014401", "9000"),
        ]);
        default_card().expect(&[(&elementary, "6982")]);
    }

    #[test]
    fn records_come_with_their_sizes() {
        card("").expect(&[
            (&create("8205 0241000202 8302 4401"), "9000"),
            ("00E2000002 0102", "9000"),
            ("00E2000002 0304", "9000"),
            ("00E2000002 0506", "6A84"),
            (&create("8002 0006 8204 06410002 8302 4402"), "9000"),
            ("00E2000002 0102", "9000"),
            ("00A40004024402 00", "62 1D 8002 0006 8205 4641 0002 01 8302 4402 8800 8A01 05 8C07 5F000000000000 9000"),
        ]);
    }

    #[test]
    fn an_invalid_file_is_wrong_data() {
        let no_template = "00E0000003 820101".to_string();
        let cut_off = "00E0000002 6201".to_string();
        let parameters = [
            "",
            "8201 01",
            "8201 01 8302 4401",
            "8002 0001 8201 09 8302 4401",
            "8002 0001 8201 01 8302 3F00",
            "8002 0001 8201 01 8303 440100",
            "8002 0001 8201 01 8302 4401 8801 09",
            "8002 0001 8201 01 8302 4401 8A01 09",
            "8002 0001 8201 01 8302 4401 8C02 01 10",
            "8002 0001 8201 01 8302 4401 8C01 01",
            "8002 0001 8201 01 8302 4401 8601 3D",
            "8205 0241000000 8302 4401",
            "8205 0241000001 8302 4401 8802 0000",
            "8201 02 8302 4401",
            "8201 38",
            "8201 38 8302 4401 8400",
        ];
        for command in parameters.map(create).iter().chain([&no_template, &cut_off]) {
            card("").expect(&[(command, "6A80")]);
        }
    }

    #[test]
    fn p1_and_p2_say_what_the_data_say() {
        card("").expect(&[
            ("00E00000", "6A80"),
            ("00E0000F 0D 620B 8002 0001 8201 01 8302 4401", "6A86"),
            ("00E03800 0D 620B 8002 0001 8201 01 8302 4401", "6A86"),
            ("00E00108 0D 620B 8002 0001 8201 41 8302 4401", "9000"),
            ("00B0810001", "00 9000"),
        ]);
    }

    #[test]
    fn memory_is_limited() {
        card("memory = 3").expect(&[(&create(ELEMENTARY), "6A84")]);
        card("").expect(&[(&create("8003 010000 8201 01 8302 4401"), "6A84")]);
    }

    #[test]
    fn access_rules_come_as_text_or_compact() {
        let text = hex::encode("read = 'never'");
        card("").expect(&[
            (&create(&format!("8002 0001 8201 01 8302 4401 860E {text}")), "9000"),
            ("00B0000001", "6982"),
            ("00D6000001 01", "9000"),
            (&create("8002 0001 8201 01 8302 4402 8C03 03 FF 00"), "9000"),
            ("00B0000001", "00 9000"),
            ("00D6000001 01", "6982"),
            ("000E0000", "6982"),
        ]);
    }

    #[test]
    fn files_are_deleted() {
        default_card().expect(&[
            ("00E40000", "6985"),
            ("00A4000C025015", "9000"),
            ("00E4000002 4402", "6982"),
            ("00A4000C024401", "9000"),
            ("00E40000", "9000"),
            ("00B0000001", "6986"),
            ("00A4000C024401", "6A82"),
            ("00E40000", "9000"),
            ("00A4000C025015", "6A82"),
            ("00E4000002 2F00", "6982"),
        ]);
        card("").expect(&[("00E40000", "6985")]);
    }

    #[test]
    fn other_channels_leave_what_is_deleted() {
        card("[[mf.df]]\nid=1\n[[mf.df.ef]]\nid=2\ncontent='01'").expect(&[
            ("0070000101", "9000"),
            ("01A4080C0400010002", "9000"),
            ("01B0000001", "01 9000"),
            ("00E4000002 0001", "9000"),
            ("01B0000001", "6986"),
            ("01A4000C020001", "6A82"),
        ]);
    }

    #[test]
    fn deactivated_files_are_of_no_use() {
        default_card().expect(&[
            ("00A4000C025015", "9000"),
            ("0004000002 4401", "9000"),
            ("00A4000C024401", "6283"),
            ("00B0000001", "6985"),
            ("0044000002 4401", "9000"),
            ("00B0000001", "48 9000"),
            ("00A4000C025015", "9000"),
            ("00040000", "9000"),
            ("00B0810001", "6985"),
            ("0044000002 4401", "6985"),
            ("00440000", "9000"),
            ("00B0810001", "48 9000"),
            ("00A4000C023F00", "9000"),
            ("00040000", "6982"),
            ("00440F00", "6A86"),
        ]);
    }

    #[test]
    fn before_its_activation_a_file_is_open() {
        card("[[mf.ef]]\nid=1\nsize=1\nlife_cycle='initialisation'\naccess={other='never', activate='always'}").expect(
            &[
                ("00A4000C020001", "9000"),
                ("00D6000001 07", "9000"),
                ("00040000", "6985"),
                ("00440000", "9000"),
                ("00D6000001 08", "6982"),
            ],
        );
        card("[[mf.ef]]\nid=1\nlife_cycle='terminated'").expect(&[("00A4000C020001", "6285"), ("00440000", "6985")]);
    }
}

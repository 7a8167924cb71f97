//! SELECT (ISO/IEC 7816-4, 11.2.2).

use crate::apdu::{Answer, Command, Response};
use crate::card::Card;
use crate::features::Feature;
use crate::file::LifeCycle;
use crate::file_tree::{MF_ID, Node};
use crate::status::{Result, Status};

const CURRENT_DF_ID: u16 = 0x3FFF;

/// The response that P2 requests.
#[derive(Clone, Copy)]
enum Wanted {
    Fci,
    Fcp,
    Fmd,
    Nothing,
}

impl Card {
    pub(super) fn select(&mut self, command: &Command) -> Answer {
        let wanted = match command.p2 & 0xFC {
            0x00 => Wanted::Fci,
            0x04 => Wanted::Fcp,
            0x08 => Wanted::Fmd,
            0x0C => Wanted::Nothing,
            _ => return Err(Status::WRONG_P1_P2),
        };
        let node = self.locate(command.p1, command.p2 & 0x03, &command.data)?;
        if self.tree.get(node)?.is_df() {
            self.session.select_df(node, &self.tree)?;
        } else {
            self.session.select_ef(node, &self.tree)?;
        }
        let file = self.tree.get(node)?;
        let data = match wanted {
            Wanted::Fci => file.control_information(self.write),
            Wanted::Fcp => file.control_parameters(self.write),
            Wanted::Fmd => file.management_data(),
            Wanted::Nothing => Vec::new(),
        };
        let status = match file.life_cycle {
            LifeCycle::Deactivated => Status::FILE_DEACTIVATED,
            LifeCycle::Terminated => Status::FILE_TERMINATED,
            _ => Status::OK,
        };
        Ok(Response::new(data, status))
    }

    /// The file that P1, the occurrence in P2 and the data field select.
    pub(super) fn locate(&self, p1: u8, occurrence: u8, data: &[u8]) -> Result<Node> {
        if p1 != 0x04 && occurrence != 0 {
            return Err(Status::WRONG_P1_P2);
        }
        let df = self.current_df()?;
        let found = match p1 {
            0x00 => return self.by_id(data),
            0x01 => self.tree.child(df, id(data)?).filter(|node| self.is_df(*node)),
            0x02 => self.tree.child(df, id(data)?).filter(|node| !self.is_df(*node)),
            0x03 if !data.is_empty() => return Err(Status::NC_INCONSISTENT),
            0x03 => self.tree.get(df)?.parent,
            0x04 => self.by_name(occurrence, data)?,
            0x08 => self.by_path(Node::MF, data)?,
            0x09 => self.by_path(df, data)?,
            _ => return Err(Status::WRONG_P1_P2),
        };
        found.ok_or(Status::FILE_NOT_FOUND)
    }

    /// Searches the children of the current DF, then its parent, then the parent's children.
    fn by_id(&self, data: &[u8]) -> Result<Node> {
        let df = self.current_df()?;
        if data.is_empty() {
            return Ok(Node::MF);
        }
        let id = id(data)?;
        match id {
            MF_ID => return Ok(Node::MF),
            CURRENT_DF_ID => return Ok(df),
            _ => {}
        }
        let file = self.tree.get(df)?;
        let has_id = |node: &Node| self.tree.get(*node).is_ok_and(|file| file.id == Some(id));
        let itself = Some(df).filter(has_id);
        let child = self.tree.child(df, id);
        let parent = file.parent.filter(has_id);
        let sibling = file.parent.and_then(|parent| self.tree.child(parent, id));
        child.or(itself).or(parent).or(sibling).ok_or(Status::FILE_NOT_FOUND)
    }

    /// A DF whose name begins with `name`: the first, the last, the next or the previous. An exact name counts as the
    /// first.
    fn by_name(&self, occurrence: u8, name: &[u8]) -> Result<Option<Node>> {
        if name.len() > crate::personalisation::MAX_NAME {
            return Err(Status::NC_INCONSISTENT);
        }
        let partial = self.features.has(Feature::PartialNames);
        let matches = |candidate: &[u8]| candidate == name || partial && candidate.starts_with(name);
        let mut nodes = self.tree.names().filter(|(_, candidate)| matches(candidate)).map(|(node, _)| node);
        let current = self.current_df()?;
        Ok(match occurrence {
            0 => self.tree.names().find(|(_, whole)| *whole == name).map(|(node, _)| node).or_else(|| nodes.next()),
            1 => nodes.last(),
            2 => nodes.find(|node| *node > current),
            _ => nodes.take_while(|node| *node < current).last(),
        })
    }

    fn by_path(&self, start: Node, path: &[u8]) -> Result<Option<Node>> {
        let mut steps = path.chunks_exact(2);
        if path.is_empty() || !steps.remainder().is_empty() {
            return Err(Status::NC_INCONSISTENT);
        }
        steps.try_fold(Some(start), |node, step| {
            let id = id(step)?;
            Ok(node.and_then(|node| self.tree.child(node, id)))
        })
    }

    fn is_df(&self, node: Node) -> bool {
        self.tree.get(node).is_ok_and(|file| file.is_df())
    }
}

fn id(data: &[u8]) -> Result<u16> {
    data.try_into().map(u16::from_be_bytes).map_err(|_| Status::NC_INCONSISTENT)
}

#[cfg(test)]
mod tests {
    use crate::command::tests::{card, default_card};

    #[test]
    fn files_are_selected_by_identifier() {
        default_card().expect(&[
            ("00A4000C", "9000"),
            ("00A4000C023F00", "9000"),
            ("00A4000C022F00", "9000"),
            ("00A4000C025015", "9000"),
            ("00A4000C024401", "9000"),
            // From here the parent, its children, and the DF itself can be reached.
            ("00A4000C025016", "9000"),
            ("00A4000C024401", "6A82"),
            ("00A4000C025016", "9000"),
            ("00A4000C022F01", "9000"),
            ("00A4000C024501", "6A82"),
            ("00A4000C023FFF", "9000"),
            ("00A4000C0150", "6A87"),
            ("00A4000C03501500", "6A87"),
        ]);
    }

    #[test]
    fn files_are_selected_as_children_and_parents() {
        default_card().expect(&[
            ("00A4010C025015", "9000"),
            ("00A4010C024401", "6A82"),
            ("00A4020C024401", "9000"),
            ("00A4020C025015", "6A82"),
            ("00A4030C", "9000"),
            ("00A4030C", "6A82"),
            ("00A4030C0100", "6A87"),
            ("00A4010C025015", "9000"),
        ]);
    }

    #[test]
    fn files_are_selected_by_path() {
        default_card().expect(&[
            ("00A4080C0450154401", "9000"),
            ("00A4090C024402", "9000"),
            ("00A4080C0450164501", "9000"),
            ("00A4090C024402", "6A82"),
            ("00A4080C063F0050154401", "6A82"),
            ("00A4080C", "6A87"),
            ("00A4080C03501544", "6A87"),
        ]);
    }

    const NAMES: &str =
        "[[mf.df]]\nname='A001'\nid=0x5001\n[[mf.df]]\nname='A002'\nid=0x5002\n[[mf.df.df]]\nname='A003'\n";

    #[test]
    fn names_may_be_partial_and_occur_again() {
        let mut card = card(NAMES);
        let name = |card: &mut crate::Card, p2: &str| {
            let response = card.send(&format!("00A404{p2}01A000"));
            response.split_once("84").map_or(response.clone(), |(_, rest)| rest[2..6].into())
        };
        assert_eq!(name(&mut card, "00"), "A001");
        assert_eq!(name(&mut card, "02"), "A002");
        assert_eq!(name(&mut card, "02"), "A003");
        assert_eq!(name(&mut card, "02"), "6A82");
        assert_eq!(name(&mut card, "03"), "A002");
        assert_eq!(name(&mut card, "01"), "A003");
        assert_eq!(name(&mut card, "03"), "A002");
        card.expect(&[("00A4040C02A003", "9000"), ("00A4040C03A00300", "6A82"), ("00A4040C01A1", "6A82")]);
        card.expect(&[("00A4010E02A003", "6A86")]);
    }

    #[test]
    fn a_whole_name_goes_before_a_longer_one() {
        card("[[mf.df]]\nname='A001'\n[[mf.df]]\nname='A0'\n").expect(&[
            ("00A4040401A000", "62 11 8201 78 8401 A0 8A01 05 8C06 5E0000000000 9000"),
            ("00A4040C01A0", "9000"),
        ]);
    }

    #[test]
    fn partial_names_can_be_unsupported() {
        let mut card = card(&format!("unsupported = ['partial-names']\n{NAMES}"));
        card.expect(&[("00A4040C01A0", "6A82"), ("00A4040C02A002", "9000")]);
    }

    #[test]
    fn control_information_is_given_as_it_is_asked_for() {
        default_card().expect(&[
            (
                "00A40000025015 00",
                "6F 26 82 01 78 83 02 5015 84 08 F073636D74657374 8A 01 05 8C 06 5E 00 00 00 10 10 \
                 50 08 73636D2074657374 9000",
            ),
            (
                "00A40204024403 00",
                "62 1E 80 02 0050 82 05 42 41 0008 03 83 02 4403 88 01 18 8A 01 05 8C 07 5F 00 00 00 00 10 00 9000",
            ),
            ("00A40208024403 00", "64 00 9000"),
            ("00A4020C024403 00", "9000"),
            ("00A40204024403", "9000"),
            ("00A40210024403", "6A86"),
            ("00A40502024403", "6A86"),
        ]);
    }
}

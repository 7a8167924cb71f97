//! GET DATA and PUT DATA (ISO/IEC 7816-4, 11.4.3 and 11.4.6 of 2005; 11.5 of 2013).

use crate::access::{Access, Operation};
use crate::apdu::{Answer, Command, Response};
use crate::card::Card;
use crate::control_parameters::{FCI, FCP, FMD};
use crate::file::DataObject;
use crate::file_tree::{MF_ID, Node};
use crate::status::{Result, Status};
use crate::tlv;

const TAG_LIST: u16 = 0x5C;

impl Card {
    /// The value of the object whose tag is P1-P2.
    pub(super) fn get_data(&mut self, command: &Command) -> Answer {
        if !command.data.is_empty() {
            return Err(Status::WRONG_LENGTH);
        }
        let tag = tag(command)?;
        match tag {
            FCP | FMD | FCI => self.template(tag),
            _ => Response::data(self.readable(self.current_df()?, tag)?.value.clone()),
        }
    }

    /// The objects of a tag list, complete; an empty list means all readable ones.
    pub(super) fn get_data_odd(&mut self, command: &Command) -> Answer {
        let df = self.df_of(command)?;
        let tags = tlv::read_tags(tlv::read_one(&command.data, TAG_LIST)?)?;
        let objects = if tags.is_empty() {
            let objects = self.tree.get(df)?.df()?.objects.iter();
            let listed = objects.filter(|object| tlv::is_tag(object.tag));
            listed.filter(|object| self.may(Operation::Read, &object.access, df)).collect()
        } else {
            tags.iter().map(|tag| self.readable(df, *tag)).collect::<Result<Vec<_>>>()?
        };
        let mut data = Vec::new();
        for object in objects {
            tlv::write(&mut data, object.tag, &object.value);
        }
        Response::data(data)
    }

    pub(super) fn put_data(&mut self, command: &Command) -> Answer {
        let df = self.current_df()?;
        self.put(df, &[(tag(command)?, &command.data[..])])
    }

    pub(super) fn put_data_odd(&mut self, command: &Command) -> Answer {
        let df = self.df_of(command)?;
        let objects = tlv::read(&command.data)?;
        if objects.is_empty() {
            return Err(Status::WRONG_DATA);
        }
        self.put(df, &objects)
    }

    /// Stores all of `objects`, or none.
    fn put(&mut self, df: Node, objects: &[(u16, &[u8])]) -> Answer {
        self.expect_usable(df)?;
        for (tag, _) in objects {
            if matches!(*tag, FCP | FMD | FCI) {
                return Err(Status::CONDITIONS_NOT_SATISFIED);
            }
            match self.tree.get(df)?.df()?.object(*tag) {
                Some(object) if self.may(Operation::Update, &object.access, df) => {}
                Some(_) => return Err(Status::SECURITY_STATUS_NOT_SATISFIED),
                None => self.allow(Operation::Put, df)?,
            }
        }
        let room: usize = objects.iter().map(|(_, value)| value.len()).sum();
        if self.tree.room().saturating_add(room) > self.memory {
            return Err(Status::NOT_ENOUGH_MEMORY);
        }
        let there = &mut self.tree.get_mut(df)?.df_mut()?.objects;
        for (tag, value) in objects {
            match there.iter_mut().find(|object| object.tag == *tag) {
                Some(object) => object.value = value.to_vec(),
                None => there.push(DataObject { tag: *tag, value: value.to_vec(), access: Access::default() }),
            }
        }
        Response::ok()
    }

    /// The value of a template of the current file.
    fn template(&self, tag: u16) -> Answer {
        let file = self.tree.get(self.session.channel()?.file())?;
        let template = match tag {
            FCP => file.control_parameters(self.write),
            FMD => file.management_data(),
            _ => file.control_information(self.write),
        };
        Response::data(tlv::read_one(&template, tag)?.to_vec())
    }

    fn readable(&self, df: Node, tag: u16) -> Result<&DataObject> {
        self.expect_usable(df)?;
        let object = self.tree.get(df)?.df()?.object(tag).ok_or(Status::REFERENCE_NOT_FOUND)?;
        if self.may(Operation::Read, &object.access, df) {
            Ok(object)
        } else {
            Err(Status::SECURITY_STATUS_NOT_SATISFIED)
        }
    }

    fn may(&self, operation: Operation, access: &Access, df: Node) -> bool {
        self.require(access.condition(operation), df).is_ok()
    }

    /// The DF that P1-P2 of an odd instruction names.
    fn df_of(&self, command: &Command) -> Result<Node> {
        let df = self.current_df()?;
        match command.p1_p2() {
            0x0000 | 0x3FFF => Ok(df),
            MF_ID => Ok(Node::MF),
            id => self.tree.child(df, id).filter(|node| self.tree.df_of(*node) == *node).ok_or(Status::FILE_NOT_FOUND),
        }
    }
}

/// P1-P2 as a tag, which is at least 0040.
fn tag(command: &Command) -> Result<u16> {
    match command.p1_p2() {
        0x0000..=0x003F => Err(Status::WRONG_P1_P2),
        tag => Ok(tag),
    }
}

#[cfg(test)]
mod tests {
    use crate::command::tests::card;

    const OBJECTS: &str = "
        [[mf.code]]
        number = 1
        value = { text = '1' }
        [[mf.object]]
        tag = 0x50
        value = 'AABB'
        access = { update = 'code 1' }
        [[mf.object]]
        tag = 0x5F50
        value = 'CC'
        access = { read = 'code 1' }
        [[mf.df]]
        id = 0x5001
        access = { put = 'never' }
        ";

    #[test]
    fn objects_are_read() {
        card(OBJECTS).expect(&[
            ("00CA005000", "AABB 9000"),
            ("00CA005001", "6C02"),
            ("00CA5F5000", "6982"),
            ("00CA005100", "6A88"),
            ("00CA003F00", "6A86"),
            ("00CA005001FF00", "6700"),
            ("00CB3FFF 03 5C0150 00", "5002AABB 9000"),
            ("00CB0000 02 5C00 00", "5002AABB 9000"),
            ("00CB3FFF 05 5C03505F50 00", "6982"),
            ("00200001 01 31", "9000"),
            ("00CB3F00 05 5C03505F50 00", "5002AABB 5F5001CC 9000"),
            ("00CB5001 03 5C0150 00", "6A88"),
            ("00CB5002 03 5C0150 00", "6A82"),
            ("00CB3FFF 03 4D0150 00", "6A80"),
        ]);
    }

    #[test]
    fn templates_of_the_current_file_are_objects() {
        card("").expect(&[("00CA006200", "82 01 78 83 02 3F00 8A 01 05 8C 06 5E 00 00 00 00 00 9000")]);
        card("[[mf.ef]]\nid=1\ncontent='00'").expect(&[("00A4000C020001", "9000"), ("00CA006400", "9000")]);
    }

    #[test]
    fn objects_are_put() {
        card(OBJECTS).expect(&[
            ("00DA0050 01 DD", "6982"),
            ("00DA0062 01 DD", "6985"),
            ("00DA0101 01 DD", "9000"),
            ("00CA010100", "DD 9000"),
            ("00CB3FFF 02 5C00 00", "5002AABB 9000"),
            ("00DA0051 01 DD", "9000"),
            ("00CA005100", "DD 9000"),
            ("00DA0051", "9000"),
            ("00CA005100", "9000"),
            ("00DB3FFF 06 5301 11 5001 22", "6982"),
            ("00CA005300", "6A88"),
            ("00200001 01 31", "9000"),
            ("00DB3FFF 06 5301 11 5001 22", "9000"),
            ("00CA005000", "22 9000"),
            ("00DB3FFF", "6A80"),
            ("00A4000C025001", "9000"),
            ("00DA0050 01 DD", "6982"),
        ]);
    }

    #[test]
    fn memory_is_limited() {
        card("memory = 4").expect(&[("00DA0050 04 00000000", "9000"), ("00DA0051 01 00", "6A84")]);
    }
}

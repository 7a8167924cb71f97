//! File control information: the response of SELECT about a file, and the data of CREATE FILE (ISO/IEC 7816-4, 7.4).

use crate::access::{Access, Condition, Kind, Operation};
use crate::data_coding::WriteBehaviour;
use crate::file::{Body, Content, Df, Ef, File, LifeCycle};
use crate::file_tree::Node;
use crate::personalisation::{MAX_NAME, MAX_SHORT_ID, MAX_SIZE, is_valid_id};
use crate::records::{MAX_RECORDS, Records, Structure};
use crate::status::{Result, Status};
use crate::tlv;
use crate::transparent::Transparent;

/// The templates.
pub const FCP: u16 = 0x62;
pub const FMD: u16 = 0x64;
pub const FCI: u16 = 0x6F;

const SIZE: u16 = 0x80;
const WHOLE_SIZE: u16 = 0x81;
const DESCRIPTOR: u16 = 0x82;
const ID: u16 = 0x83;
const NAME: u16 = 0x84;
/// Proprietary security attributes: on this card the `access` table of the description, in TOML.
const ACCESS: u16 = 0x86;
const SHORT_ID: u16 = 0x88;
const LIFE_CYCLE: u16 = 0x8A;
/// Security attributes in compact format.
const COMPACT_ACCESS: u16 = 0x8C;

const DF_DESCRIPTOR: u8 = 0x78;
/// The bit of a file descriptor byte that only tells whether several channels may select the file.
const SHAREABLE: u8 = 0x40;

/// The operations of an EF and of a DF, in the order of bits 7 to 1 of an access mode byte (tables 36 and 37 of 2013).
const EF_MODES: [Option<Operation>; 7] = [
    Some(Operation::Delete),
    None,
    Some(Operation::Activate),
    Some(Operation::Deactivate),
    Some(Operation::Write),
    Some(Operation::Update),
    Some(Operation::Read),
];
const DF_MODES: [Option<Operation>; 7] = [
    Some(Operation::Delete),
    None,
    Some(Operation::Activate),
    Some(Operation::Deactivate),
    Some(Operation::Create),
    Some(Operation::Create),
    None,
];

impl File {
    /// The FCP template.
    pub fn control_parameters(&self, write: WriteBehaviour) -> Vec<u8> {
        tlv::object(FCP, &self.parameters(write))
    }

    /// The FCI template: control parameters and management data together.
    pub fn control_information(&self, write: WriteBehaviour) -> Vec<u8> {
        let mut objects = self.parameters(write);
        objects.extend(self.df().map_or(&[][..], |df| &df.fmd));
        tlv::object(FCI, &objects)
    }

    /// The FMD template.
    pub fn management_data(&self) -> Vec<u8> {
        tlv::object(FMD, self.df().map_or(&[][..], |df| &df.fmd))
    }

    fn parameters(&self, write: WriteBehaviour) -> Vec<u8> {
        let mut out = Vec::new();
        match &self.content {
            Content::Df(df) => {
                tlv::write(&mut out, DESCRIPTOR, &[DF_DESCRIPTOR]);
                self.write_id(&mut out);
                if !df.name.is_empty() {
                    tlv::write(&mut out, NAME, &df.name);
                }
            }
            Content::Ef(ef) => {
                tlv::write(&mut out, SIZE, &word(self.room()));
                tlv::write(&mut out, DESCRIPTOR, &ef.descriptor_object(write));
                self.write_id(&mut out);
                // An empty object means: no short identifier (7.3.1.3).
                let short_id = ef.short_id.map(|id| [id << 3]);
                tlv::write(&mut out, SHORT_ID, short_id.as_ref().map_or(&[][..], |id| id));
            }
        }
        tlv::write(&mut out, LIFE_CYCLE, &[self.life_cycle.to_byte()]);
        tlv::write(&mut out, COMPACT_ACCESS, &self.compact_access());
        out
    }

    fn write_id(&self, out: &mut Vec<u8>) {
        if let Some(id) = self.id {
            tlv::write(out, ID, &id.to_be_bytes());
        }
    }

    fn compact_access(&self) -> Vec<u8> {
        let modes = if self.is_df() { DF_MODES } else { EF_MODES };
        let mut out = vec![modes.iter().fold(0, |byte, mode| byte << 1 | u8::from(mode.is_some()))];
        out.extend(modes.iter().flatten().map(|operation| self.access.condition(*operation).security_byte()));
        out
    }
}

impl Ef {
    /// File descriptor byte, data coding byte, and for records their size and number.
    fn descriptor_object(&self, write: WriteBehaviour) -> Vec<u8> {
        let mut out = vec![self.descriptor(), write.data_coding()];
        if let Body::Records(records) = &self.body {
            out.extend(word(records.record_size()));
            out.push(records.count() as u8);
        }
        out
    }
}

impl Condition {
    /// The security condition byte. It tells the kind of the requirements, not which ones.
    fn security_byte(&self) -> u8 {
        const ALL_OF_THEM: u8 = 0x80;
        const AUTHENTICATION: u8 = 0x20;
        const USER: u8 = 0x10;
        if self.0.is_empty() {
            return 0xFF;
        }
        if self.0.iter().any(Vec::is_empty) {
            return 0x00;
        }
        let kind = |kind| if kind == Kind::Code { USER } else { AUTHENTICATION };
        let kinds = self.0.iter().flatten().fold(0, |byte, need| byte | kind(need.kind));
        let all = self.0.len() == 1 && kinds == USER | AUTHENTICATION;
        kinds | if all { ALL_OF_THEM } else { 0 }
    }
}

fn word(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes()
}

/// The control parameters in the data field of CREATE FILE.
pub struct Parameters<'a> {
    objects: Vec<(u16, &'a [u8])>,
}

impl<'a> Parameters<'a> {
    pub fn read(data: &'a [u8]) -> Result<Parameters<'a>> {
        // Both templates are allowed (ISO/IEC 7816-9, 7.2.2).
        let template = tlv::read_one(data, FCP).or_else(|_| tlv::read_one(data, FCI))?;
        Ok(Parameters { objects: tlv::read(template)? })
    }

    fn find(&self, tag: u16) -> Option<&'a [u8]> {
        self.objects.iter().find(|(found, _)| *found == tag).map(|(_, value)| *value)
    }

    /// The file descriptor byte without its bit for channels.
    pub fn descriptor(&self) -> Result<u8> {
        let byte = self.find(DESCRIPTOR).and_then(<[u8]>::first).ok_or(Status::WRONG_DATA)?;
        Ok(byte & !SHAREABLE)
    }

    /// The new file in `parent`. `short_id` is that of P2; object 88 overrides it.
    pub fn file(&self, parent: Node, short_id: Option<u8>, write: WriteBehaviour) -> Result<File> {
        let is_df = self.descriptor()? == DF_DESCRIPTOR & !SHAREABLE;
        let content = if is_df {
            Content::Df(Df { name: self.name()?, ..Df::default() })
        } else {
            Content::Ef(Ef { short_id: self.short_id(short_id)?, body: self.body(write)? })
        };
        let id = self.id()?;
        let is_named = matches!(&content, Content::Df(df) if !df.name.is_empty());
        if id.is_none() && !is_named {
            return Err(Status::WRONG_DATA);
        }
        let access = self.access(if is_df { DF_MODES } else { EF_MODES })?;
        Ok(File { parent: Some(parent), id, life_cycle: self.life_cycle()?, access, content })
    }

    fn id(&self) -> Result<Option<u16>> {
        let Some(value) = self.find(ID) else { return Ok(None) };
        let id = value.try_into().map(u16::from_be_bytes).map_err(|_| Status::WRONG_DATA)?;
        if is_valid_id(id) { Ok(Some(id)) } else { Err(Status::WRONG_DATA) }
    }

    fn name(&self) -> Result<Vec<u8>> {
        match self.find(NAME) {
            None => Ok(Vec::new()),
            Some(name) if (1..=MAX_NAME).contains(&name.len()) => Ok(name.to_vec()),
            Some(_) => Err(Status::WRONG_DATA),
        }
    }

    fn short_id(&self, of_p2: Option<u8>) -> Result<Option<u8>> {
        match self.find(SHORT_ID) {
            None => Ok(of_p2),
            Some([]) => Ok(None),
            Some([byte]) if byte & 0x07 == 0 && (1..=MAX_SHORT_ID).contains(&(byte >> 3)) => Ok(Some(byte >> 3)),
            Some(_) => Err(Status::WRONG_DATA),
        }
    }

    fn life_cycle(&self) -> Result<LifeCycle> {
        match self.find(LIFE_CYCLE) {
            None => Ok(LifeCycle::Activated),
            Some([byte]) => LifeCycle::from_byte(*byte),
            Some(_) => Err(Status::WRONG_DATA),
        }
    }

    fn body(&self, write: WriteBehaviour) -> Result<Body> {
        let structure = match self.descriptor()? {
            0x01 => {
                let size = self.size()?.ok_or(Status::WRONG_DATA)?;
                return Ok(Body::Transparent(Transparent::new(vec![write.erased(); size])));
            }
            0x02 | 0x03 => Structure::LinearFixed,
            0x04 | 0x05 => Structure::LinearVariable,
            0x06 | 0x07 => Structure::Cyclic,
            _ => return Err(Status::WRONG_DATA),
        };
        let (size, count) = self.records()?;
        if size == 0 || !(1..=MAX_RECORDS).contains(&count) {
            return Err(Status::WRONG_DATA);
        }
        Ok(Body::Records(Records::new(structure, size, count, Vec::new())))
    }

    fn size(&self) -> Result<Option<usize>> {
        let Some(value) = self.find(SIZE).or(self.find(WHOLE_SIZE)) else { return Ok(None) };
        let size = value.iter().try_fold(0usize, |size, byte| size.checked_mul(256)?.checked_add((*byte).into()));
        match size {
            Some(size) if size <= MAX_SIZE => Ok(Some(size)),
            _ => Err(Status::NOT_ENOUGH_MEMORY),
        }
    }

    /// The size and the number of the records; the number may also follow from the size of the file.
    fn records(&self) -> Result<(usize, usize)> {
        let size = |high, low| usize::from(u16::from_be_bytes([high, low]));
        match *self.find(DESCRIPTOR).ok_or(Status::WRONG_DATA)? {
            [_, _, high, low, count] => Ok((size(high, low), count.into())),
            [_, _, high, low, 0, count] => Ok((size(high, low), count.into())),
            [_, _, high, low] => {
                let whole = self.size()?.ok_or(Status::WRONG_DATA)?;
                let size = size(high, low);
                let count = whole.checked_div(size).ok_or(Status::WRONG_DATA)?;
                Ok((size, count.min(MAX_RECORDS)))
            }
            _ => Err(Status::WRONG_DATA),
        }
    }

    fn access(&self, modes: [Option<Operation>; 7]) -> Result<Access> {
        if let Some(text) = self.find(ACCESS) {
            let text = std::str::from_utf8(text).map_err(|_| Status::WRONG_DATA)?;
            return toml::from_str(text).map_err(|_| Status::WRONG_DATA);
        }
        match self.find(COMPACT_ACCESS) {
            None => Ok(Access::default()),
            Some(compact) => read_compact(compact, modes),
        }
    }
}

/// Reads compact security attributes; only the conditions "always" and "never" are complete.
fn read_compact(compact: &[u8], modes: [Option<Operation>; 7]) -> Result<Access> {
    let (mode_byte, mut bytes) = compact.split_first().ok_or(Status::WRONG_DATA)?;
    let mut access = Access::default();
    for (bit, mode) in (0..7).rev().zip(modes) {
        if mode_byte >> bit & 1 == 0 {
            continue;
        }
        let (byte, rest) = bytes.split_first().ok_or(Status::WRONG_DATA)?;
        bytes = rest;
        let condition = match byte {
            0x00 => Condition::always(),
            0xFF => Condition::never(),
            _ => return Err(Status::WRONG_DATA),
        };
        if let Some(operation) = mode {
            access.set(operation, condition);
        }
    }
    if mode_byte & 0x80 == 0 && bytes.is_empty() { Ok(access) } else { Err(Status::WRONG_DATA) }
}

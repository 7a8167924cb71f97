//! A file of the card: a DF or an EF (ISO/IEC 7816-4, 7.1).

use serde::Deserialize;

use crate::access::Access;
use crate::code::Code;
use crate::file_tree::Node;
use crate::key::Key;
use crate::records::Records;
use crate::status::{Result, Status};
use crate::transparent::Transparent;

#[derive(Clone, Debug)]
pub struct File {
    /// None for the MF.
    pub parent: Option<Node>,
    /// None for a DF that is only selected by its name.
    pub id: Option<u16>,
    pub life_cycle: LifeCycle,
    pub access: Access,
    pub content: Content,
}

#[derive(Clone, Debug)]
pub enum Content {
    Df(Df),
    Ef(Ef),
}

/// The content of a DF besides its files.
#[derive(Clone, Debug, Default)]
pub struct Df {
    pub name: Vec<u8>,
    pub fmd: Vec<u8>,
    pub codes: Vec<Code>,
    pub keys: Vec<Key>,
    pub objects: Vec<DataObject>,
}

#[derive(Clone, Debug)]
pub struct Ef {
    pub short_id: Option<u8>,
    pub body: Body,
}

#[derive(Clone, Debug)]
pub enum Body {
    Transparent(Transparent),
    Records(Records),
}

/// A data object for GET and PUT DATA.
#[derive(Clone, Debug)]
pub struct DataObject {
    pub tag: u16,
    pub value: Vec<u8>,
    pub access: Access,
}

/// The life cycle status (ISO/IEC 7816-4, 7.4.10).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LifeCycle {
    /// No access rule is in force yet.
    Creation,
    /// No access rule is in force yet.
    Initialisation,
    #[default]
    Activated,
    Deactivated,
    Terminated,
}

impl LifeCycle {
    /// The life cycle status byte.
    pub fn to_byte(self) -> u8 {
        match self {
            LifeCycle::Creation => 0x01,
            LifeCycle::Initialisation => 0x03,
            LifeCycle::Deactivated => 0x04,
            LifeCycle::Activated => 0x05,
            LifeCycle::Terminated => 0x0C,
        }
    }

    pub fn from_byte(byte: u8) -> Result<LifeCycle> {
        match byte {
            0x01 => Ok(LifeCycle::Creation),
            0x03 => Ok(LifeCycle::Initialisation),
            0x04 | 0x06 => Ok(LifeCycle::Deactivated),
            0x05 | 0x07 => Ok(LifeCycle::Activated),
            0x0C..=0x0F => Ok(LifeCycle::Terminated),
            _ => Err(Status::WRONG_DATA),
        }
    }

    /// True if the access rules are in force.
    pub fn is_operational(self) -> bool {
        !matches!(self, LifeCycle::Creation | LifeCycle::Initialisation)
    }

    /// True if the content can be used.
    pub fn is_usable(self) -> bool {
        !matches!(self, LifeCycle::Deactivated | LifeCycle::Terminated)
    }
}

impl File {
    pub fn is_df(&self) -> bool {
        matches!(self.content, Content::Df(_))
    }

    pub fn df(&self) -> Result<&Df> {
        match &self.content {
            Content::Df(df) => Ok(df),
            Content::Ef(_) => Err(Status::WRONG_STRUCTURE),
        }
    }

    pub fn df_mut(&mut self) -> Result<&mut Df> {
        match &mut self.content {
            Content::Df(df) => Ok(df),
            Content::Ef(_) => Err(Status::WRONG_STRUCTURE),
        }
    }

    pub fn transparent(&mut self) -> Result<&mut Transparent> {
        match &mut self.content {
            Content::Ef(Ef { body: Body::Transparent(transparent), .. }) => Ok(transparent),
            _ => Err(Status::WRONG_STRUCTURE),
        }
    }

    pub fn records(&mut self) -> Result<&mut Records> {
        match &mut self.content {
            Content::Ef(Ef { body: Body::Records(records), .. }) => Ok(records),
            _ => Err(Status::WRONG_STRUCTURE),
        }
    }

    /// Its size in the card's memory, in bytes.
    pub fn room(&self) -> usize {
        match &self.content {
            Content::Df(df) => df.objects.iter().map(|object| object.value.len()).sum(),
            Content::Ef(Ef { body: Body::Transparent(transparent), .. }) => transparent.size(),
            Content::Ef(Ef { body: Body::Records(records), .. }) => records.room(),
        }
    }
}

impl Df {
    pub fn code(&mut self, number: u8) -> Result<&mut Code> {
        self.codes.iter_mut().find(|code| code.number == number).ok_or(Status::REFERENCE_NOT_FOUND)
    }

    pub fn key(&mut self, number: u8) -> Result<&mut Key> {
        self.keys.iter_mut().find(|key| key.number == number).ok_or(Status::REFERENCE_NOT_FOUND)
    }

    pub fn object(&self, tag: u16) -> Option<&DataObject> {
        self.objects.iter().find(|object| object.tag == tag)
    }
}

impl Ef {
    /// The file descriptor byte of the EF: shareable, working (ISO/IEC 7816-4, 7.4.5).
    pub fn descriptor(&self) -> u8 {
        use crate::records::Structure::*;
        match &self.body {
            Body::Transparent(_) => 0x41,
            Body::Records(records) => match records.structure() {
                LinearFixed => 0x42,
                LinearVariable => 0x44,
                Cyclic => 0x46,
            },
        }
    }
}

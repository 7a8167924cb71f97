//! A change of the content of a file.

use crate::abi::constants::{SCM_FL_AND, SCM_FL_ERASE, SCM_FL_OR, SCM_FL_REPLACE};
use crate::abi::hresult::{Hresult, Result};
use crate::interfaces::file::Content;
use crate::interfaces::generic::check_flags;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change<'a> {
    Replace(&'a [u8]),
    /// This number of bytes, or one record.
    Erase(usize),
    Or(&'a [u8]),
    And(&'a [u8]),
}

impl<'a> Change<'a> {
    /// The change that the flags of a write ask for.
    pub fn new(content: Content<'a>, flags: u32) -> Result<Change<'a>> {
        check_flags(flags, SCM_FL_REPLACE | SCM_FL_ERASE | SCM_FL_OR | SCM_FL_AND)?;
        match (flags, content) {
            (SCM_FL_ERASE, _) => Ok(Change::Erase(content.length())),
            (0 | SCM_FL_REPLACE, Content::Data(data)) => Ok(Change::Replace(data)),
            (SCM_FL_OR, Content::Data(data)) => Ok(Change::Or(data)),
            (SCM_FL_AND, Content::Data(data)) => Ok(Change::And(data)),
            _ => Err(Hresult::E_INVALIDARG),
        }
    }

    pub fn length(&self) -> usize {
        match self {
            Change::Replace(data) | Change::Or(data) | Change::And(data) => data.len(),
            Change::Erase(length) => *length,
        }
    }

    pub fn data(&self) -> &'a [u8] {
        match self {
            Change::Replace(data) | Change::Or(data) | Change::And(data) => data,
            Change::Erase(_) => &[],
        }
    }
}

//! A change of the content of a file.

use crate::abi::cause::{OfArgument, refuse};
use crate::abi::constants::{SCM_FL_AND, SCM_FL_ERASE, SCM_FL_OR, SCM_FL_REPLACE};
use crate::abi::hresult::Result;
use crate::interfaces::file::Content;
use crate::interfaces::generic::check_flags;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileChange<'a> {
    Replace(&'a [u8]),
    /// This number of bytes, or one record.
    Erase(usize),
    Or(&'a [u8]),
    And(&'a [u8]),
}

impl<'a> FileChange<'a> {
    /// The change that the flags of a write ask for.
    pub fn new(content: Content<'a>, flags: u32) -> Result<FileChange<'a>> {
        check_flags(flags, SCM_FL_REPLACE | SCM_FL_ERASE | SCM_FL_OR | SCM_FL_AND)?;
        match (flags, content) {
            (SCM_FL_ERASE, _) => Ok(FileChange::Erase(content.length())),
            (0 | SCM_FL_REPLACE, Content::Data(data)) => Ok(FileChange::Replace(data)),
            (SCM_FL_OR, Content::Data(data)) => Ok(FileChange::Or(data)),
            (SCM_FL_AND, Content::Data(data)) => Ok(FileChange::And(data)),
            _ => Err(refuse("has two ways to write, or erases and writes at once")).of("flags"),
        }
    }

    pub fn length(&self) -> usize {
        match self {
            FileChange::Replace(data) | FileChange::Or(data) | FileChange::And(data) => data.len(),
            FileChange::Erase(length) => *length,
        }
    }

    pub fn data(&self) -> &'a [u8] {
        match self {
            FileChange::Replace(data) | FileChange::Or(data) | FileChange::And(data) => data,
            FileChange::Erase(_) => &[],
        }
    }
}

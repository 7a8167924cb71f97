//! An open file: the rest of ISCardFileAccess.

use crate::abi::hresult::{Hresult, Result};
use crate::abi::output::OutputBytes;
use crate::attachment::Attachment;

/// An open file. A default answers for a provider, whose table has no such function.
pub trait File: Send + Sync {
    fn info(&self) -> Result<FileInfo> {
        Err(Hresult::E_NOTIMPL)
    }

    fn read(&self, attachment: &Attachment, data: OutputBytes, flags: u32) -> Result<Hresult>;

    /// `written` counts the bytes that the card has acknowledged, also after a failure.
    fn write(&self, attachment: &Attachment, content: Content, flags: u32, written: &mut usize) -> Result<Hresult>;

    fn seek(&self, attachment: &Attachment, offset: i64, origin: u32) -> Result<Hresult>;

    fn tell(&self, position: &mut u64) -> Result<Hresult>;

    fn size(&self, attachment: &Attachment, size: &mut u64) -> Result<Hresult>;

    /// Nothing is called after this.
    fn close(&mut self) -> Result<Hresult>;
}

/// The input of a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content<'a> {
    Data(&'a [u8]),
    /// An erasure has no data: only their length counts.
    Length(usize),
}

impl Content<'_> {
    pub fn length(self) -> usize {
        match self {
            Content::Data(data) => data.len(),
            Content::Length(length) => length,
        }
    }
}

/// The facts about an open file that do not change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileInfo {
    pub reference_type: u32,
    pub file_type: u32,
    pub id: Option<u16>,
    pub short_id: Option<u8>,
    pub size: Option<u32>,
    pub record_size: Option<u32>,
    pub life_cycle: Option<u8>,
}

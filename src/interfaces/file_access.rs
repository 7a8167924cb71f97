//! ISCardFileAccess: the files of a card.

use std::ffi::CStr;
use std::ops::RangeInclusive;

use super::file::File;
use crate::abi::hresult::{Hresult, Result};
use crate::abi::output::OutputBytes;
use crate::attachment::Attachment;

/// The files of a card. A default answers for a provider, whose table has no such function.
pub trait FileAccess: Send + Sync {
    fn change_dir(&self, attachment: &Attachment, reference_type: u32, path: &CStr) -> Result<Hresult>;

    fn get_current_dir(&self, path: OutputBytes) -> Result<Hresult>;

    /// Finds out what `path` means on this card: the type of reference, and the whole path.
    fn resolve(
        &self,
        _attachment: &Attachment,
        _reference_type: u32,
        _path: &CStr,
        _taken_as: &mut u32,
        _resolved: OutputBytes,
    ) -> Result<Hresult> {
        Err(Hresult::E_NOTIMPL)
    }

    fn directory(&self, attachment: &Attachment, file_type: u32, names: OutputBytes) -> Result<Hresult>;

    /// Lists the current directory. It tries these identifiers, or the usual ones.
    fn directory_of(
        &self,
        _attachment: &Attachment,
        _file_type: u32,
        _ids: Option<RangeInclusive<u16>>,
        _names: OutputBytes,
    ) -> Result<Hresult> {
        Err(Hresult::E_NOTIMPL)
    }

    fn open(&self, attachment: &Attachment, reference_type: u32, path: &CStr) -> Result<Box<dyn File>>;

    fn create(&self, attachment: &Attachment, reference_type: u32, path: &CStr, new: NewFile) -> Result<Hresult>;

    fn delete(&self, attachment: &Attachment, reference_type: u32, path: &CStr, flags: u32) -> Result<Hresult>;

    fn get_properties(
        &self,
        attachment: &Attachment,
        reference_type: u32,
        path: &CStr,
        tags: &[u8],
        flags: u32,
        properties: OutputBytes,
    ) -> Result<Hresult>;

    fn set_properties(
        &self,
        attachment: &Attachment,
        reference_type: u32,
        path: &CStr,
        properties: &[u8],
        flags: u32,
    ) -> Result<Hresult>;

    fn get_file_capabilities(
        &self,
        attachment: &Attachment,
        tags: &[u8],
        flags: u32,
        capabilities: OutputBytes,
    ) -> Result<Hresult>;

    fn invalidate(&self, attachment: &Attachment, path: &CStr, flags: u32) -> Result<Hresult>;

    fn rehabilitate(&self, attachment: &Attachment, path: &CStr, flags: u32) -> Result<Hresult>;
}

/// A file that is to be created.
#[derive(Clone, Copy)]
pub struct NewFile<'a> {
    /// Data objects (ISO/IEC 7816-4, 7.4).
    pub properties: &'a [u8],
    pub flags: u32,
    /// The first content.
    pub data: &'a [u8],
}

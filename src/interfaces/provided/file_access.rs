//! The files of a card, as a provider has them.

use std::ffi::CStr;

use super::file::ProvidedFile;
use super::object::{Provided, address};
use crate::abi::functions::file_access::scm_file_access_functions;
use crate::abi::hresult::{Hresult, Result};
use crate::abi::output::OutputBytes;
use crate::attachment::Attachment;
use crate::interfaces::file::File;
use crate::interfaces::file_access::{FileAccess, NewFile};
use crate::runtime::fallible::{Arc, try_box};

pub type ProvidedFileAccess = Arc<Provided<scm_file_access_functions>>;

// The program guarantees its functions. Each of them gets the pointers and lengths that the header names.
impl FileAccess for ProvidedFileAccess {
    fn change_dir(&self, _: &Attachment, reference_type: u32, path: &CStr) -> Result<Hresult> {
        self.call(
            |functions| functions.change_dir,
            // SAFETY: as above.
            |object, change_dir| unsafe { change_dir(object, reference_type, path.as_ptr()) },
        )
    }

    fn get_current_dir(&self, path: OutputBytes) -> Result<Hresult> {
        path.fill_by(|path, capacity, length| {
            self.call(
                |functions| functions.get_current_dir,
                // SAFETY: as above.
                |object, get_current_dir| unsafe { get_current_dir(object, path.cast(), capacity, length) },
            )
        })
    }

    fn directory(&self, _: &Attachment, file_type: u32, names: OutputBytes) -> Result<Hresult> {
        names.fill_by(|names, capacity, length| {
            self.call(
                |functions| functions.directory,
                // SAFETY: as above.
                |object, directory| unsafe { directory(object, file_type, names.cast(), capacity, length) },
            )
        })
    }

    fn open(&self, _: &Attachment, reference_type: u32, path: &CStr) -> Result<Box<dyn File>> {
        let mut file = std::ptr::null_mut();
        self.call(
            |functions| functions.open,
            // SAFETY: as above.
            |object, open| unsafe { open(object, reference_type, path.as_ptr(), &mut file) },
        )?;
        Ok(try_box(ProvidedFile::new(self.clone(), file))?)
    }

    fn create(&self, _: &Attachment, reference_type: u32, path: &CStr, new: NewFile) -> Result<Hresult> {
        let NewFile { properties, flags, data } = new;
        self.call(
            |functions| functions.create,
            // SAFETY: as above.
            |object, create| unsafe {
                create(
                    object,
                    reference_type,
                    path.as_ptr(),
                    address(properties),
                    properties.len(),
                    flags,
                    address(data),
                    data.len(),
                )
            },
        )
    }

    fn delete(&self, _: &Attachment, reference_type: u32, path: &CStr, flags: u32) -> Result<Hresult> {
        self.call(
            |functions| functions.delete_file,
            // SAFETY: as above.
            |object, delete_file| unsafe { delete_file(object, reference_type, path.as_ptr(), flags) },
        )
    }

    fn get_properties(
        &self,
        _: &Attachment,
        reference_type: u32,
        path: &CStr,
        tags: &[u8],
        flags: u32,
        properties: OutputBytes,
    ) -> Result<Hresult> {
        properties.fill_by(|properties, capacity, length| {
            self.call(
                |functions| functions.get_properties,
                // SAFETY: as above.
                |object, get_properties| unsafe {
                    get_properties(
                        object,
                        reference_type,
                        path.as_ptr(),
                        address(tags),
                        tags.len(),
                        flags,
                        properties,
                        capacity,
                        length,
                    )
                },
            )
        })
    }

    fn set_properties(
        &self,
        _: &Attachment,
        reference_type: u32,
        path: &CStr,
        properties: &[u8],
        flags: u32,
    ) -> Result<Hresult> {
        let (address, length) = (address(properties), properties.len());
        self.call(
            |functions| functions.set_properties,
            // SAFETY: as above.
            |object, set_properties| unsafe {
                set_properties(object, reference_type, path.as_ptr(), address, length, flags)
            },
        )
    }

    fn get_file_capabilities(
        &self,
        _: &Attachment,
        tags: &[u8],
        flags: u32,
        capabilities: OutputBytes,
    ) -> Result<Hresult> {
        capabilities.fill_by(|capabilities, capacity, length| {
            self.call(
                |functions| functions.get_file_capabilities,
                // SAFETY: as above.
                |object, get_file_capabilities| unsafe {
                    get_file_capabilities(object, address(tags), tags.len(), flags, capabilities, capacity, length)
                },
            )
        })
    }

    fn invalidate(&self, _: &Attachment, path: &CStr, flags: u32) -> Result<Hresult> {
        self.call(
            |functions| functions.invalidate,
            // SAFETY: as above.
            |object, invalidate| unsafe { invalidate(object, path.as_ptr(), flags) },
        )
    }

    fn rehabilitate(&self, _: &Attachment, path: &CStr, flags: u32) -> Result<Hresult> {
        self.call(
            |functions| functions.rehabilitate,
            // SAFETY: as above.
            |object, rehabilitate| unsafe { rehabilitate(object, path.as_ptr(), flags) },
        )
    }
}

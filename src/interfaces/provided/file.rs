//! A file that a provider has opened.

use std::ffi::c_void;

use super::file_access::ProvidedFileAccess;
use super::object::address;
use super::provider::check;
use crate::abi::functions::file_access::scm_file_access_functions;
use crate::abi::hresult::{Hresult, Result};
use crate::abi::output::OutputBytes;
use crate::attachment::Attachment;
use crate::interfaces::file::{Content, File};
use crate::runtime::callback::{self, THREAD_ENDED};

/// The provider closes the file once, at the latest when this is dropped. The object that has opened it lives as long.
pub struct ProvidedFile {
    access: ProvidedFileAccess,
    file: *mut c_void,
    is_open: bool,
}

// SAFETY: as for the object that has opened it.
unsafe impl Send for ProvidedFile {}
// SAFETY: as above.
unsafe impl Sync for ProvidedFile {}

impl ProvidedFile {
    /// The file that the function `open` of the provider has given.
    pub fn new(access: ProvidedFileAccess, file: *mut c_void) -> ProvidedFile {
        ProvidedFile { access, file, is_open: true }
    }

    /// Calls one of the functions with the file, if the provider has it.
    fn call<C>(
        &self,
        function: impl FnOnce(&scm_file_access_functions) -> Option<C>,
        call: impl FnOnce(*mut c_void, C) -> i32,
    ) -> Result<Hresult> {
        self.access.call(function, |_, function| call(self.file, function))
    }
}

// The program guarantees its functions. Each of them gets the pointers and lengths that the header names.
impl File for ProvidedFile {
    fn read(&self, _: &Attachment, data: OutputBytes, flags: u32) -> Result<Hresult> {
        data.fill_by(|data, capacity, length| {
            self.call(
                |functions| functions.read,
                // SAFETY: as above.
                |file, read| unsafe { read(file, data, capacity, length, flags) },
            )
        })
    }

    fn write(&self, _: &Attachment, content: Content, flags: u32, written: &mut usize) -> Result<Hresult> {
        let data = match content {
            Content::Data(data) => address(data),
            Content::Length(_) => std::ptr::null(),
        };
        let done = self.call(
            |functions| functions.write,
            // SAFETY: as above.
            |file, write| unsafe { write(file, data, content.length(), flags, written) },
        );
        // The caller relies on a count within its data.
        *written = content.length().min(*written);
        done
    }

    fn seek(&self, _: &Attachment, offset: i64, origin: u32) -> Result<Hresult> {
        // SAFETY: as above.
        self.call(|functions| functions.seek, |file, seek| unsafe { seek(file, offset, origin) })
    }

    fn tell(&self, position: &mut u64) -> Result<Hresult> {
        // SAFETY: as above.
        self.call(|functions| functions.tell, |file, tell| unsafe { tell(file, position) })
    }

    fn size(&self, _: &Attachment, size: &mut u64) -> Result<Hresult> {
        // SAFETY: as above.
        self.call(|functions| functions.get_size, |file, get_size| unsafe { get_size(file, size) })
    }

    fn close(&mut self) -> Result<Hresult> {
        let close = self.access.functions().close.filter(|_| self.is_open);
        self.is_open = false;
        match close {
            // SAFETY: as above. The provider gets the file back once.
            Some(close) => check(callback::call(|| unsafe { close(self.file) }, THREAD_ENDED)),
            None => Ok(Hresult::S_OK),
        }
    }
}

impl Drop for ProvidedFile {
    fn drop(&mut self) {
        // No caller waits for the code.
        let _ = self.close();
    }
}

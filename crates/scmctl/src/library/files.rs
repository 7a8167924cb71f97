//! The files of a card.

use std::ptr::{null, null_mut};

use serde::Serialize;

use super::c::{
    Options, SCM_FILE_UNKNOWN, SCM_FL_GET_ALL_PROPERTIES, SCM_FL_REPLACE, SCM_SEEK_FROM_BEGINNING, SCM_SEEK_FROM_END,
    SCM_TYPE_ALL_FILES, SCM_TYPE_BY_ANY, SCM_TYPE_CYCLIC_EF, SCM_TYPE_FIXED_EF, SCM_TYPE_TRANSPARENT_EF,
    SCM_TYPE_VARIABLE_EF, scm_create_file_access, scm_directory_options, scm_file, scm_file_access,
    scm_file_access_change_dir, scm_file_access_directory_ex, scm_file_access_get_current_dir,
    scm_file_access_get_properties, scm_file_access_open, scm_file_access_release, scm_file_close, scm_file_get_info,
    scm_file_get_size, scm_file_info, scm_file_read, scm_file_seek, scm_file_write,
};
use super::{Attachment, INSUFFICIENT_BUFFER, Result, check, grow, name_of, text, texts};

/// The files of a card, with a current directory. It ends before its attachment.
pub struct Files<'a> {
    files: *mut scm_file_access,
    _attachment: &'a Attachment,
}

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Transparent,
    LinearFixed,
    LinearVariable,
    Cyclic,
    Unknown,
}

/// An open file. It ends before its attachment.
pub struct File<'a> {
    file: *mut scm_file,
    pub kind: Kind,
    pub short_id: Option<u32>,
    _attachment: &'a Attachment,
}

/// How much of a file was written: all of it, or what came before the failure.
pub struct Written {
    pub length: usize,
    pub result: Result<()>,
}

impl<'a> Files<'a> {
    pub fn of(attachment: &'a Attachment) -> Result<Files<'a>> {
        let mut files = null_mut();
        // SAFETY: `files` can be written.
        check(unsafe { scm_create_file_access(attachment.handle(), &mut files) })?;
        Ok(Files { files, _attachment: attachment })
    }

    pub fn change_dir(&self, path: &str) -> Result<()> {
        let path = text(path);
        // SAFETY: the path ends with a NUL.
        check(unsafe { scm_file_access_change_dir(self.files, SCM_TYPE_BY_ANY, path.as_ptr()) })
    }

    pub fn current_dir(&self) -> Result<String> {
        let (_, path) = grow(128, |path, capacity, length| {
            // SAFETY: the buffer has the capacity.
            unsafe { scm_file_access_get_current_dir(self.files, path.cast(), capacity, length) }
        })?;
        Ok(texts(&path).concat())
    }

    /// The names in the current directory: of the identifiers from first to last, or of the usual ones.
    pub fn names(&self, ids: Option<(u16, u16)>) -> Result<Vec<String>> {
        let (first_id, last_id) = ids.unwrap_or((0, 0));
        let options = scm_directory_options { first_id, last_id, ..scm_directory_options::DEFAULT };
        // Room for every answer of a range of 4096 identifiers, because a repetition asks the card again.
        let (_, names) = grow(1 << 16, |names, capacity, length| {
            // SAFETY: the options have their size, and the buffer has the capacity.
            unsafe {
                let names = names.cast();
                scm_file_access_directory_ex(self.files, SCM_TYPE_ALL_FILES, &options, names, capacity, length)
            }
        })?;
        Ok(texts(&names))
    }

    /// The control parameters and the management data of a file or directory, as BER-TLV.
    pub fn properties(&self, path: &str) -> Result<Vec<u8>> {
        let path = text(path);
        let (_, properties) = grow(1024, |properties, capacity, length| {
            // SAFETY: the path ends with a NUL, and the buffer has the capacity.
            unsafe {
                scm_file_access_get_properties(
                    self.files,
                    SCM_TYPE_BY_ANY,
                    path.as_ptr(),
                    null(),
                    0,
                    SCM_FL_GET_ALL_PROPERTIES,
                    properties,
                    capacity,
                    length,
                )
            }
        })?;
        Ok(properties)
    }

    pub fn open(&self, path: &str) -> Result<File<'a>> {
        let path = text(path);
        let mut file = null_mut();
        // SAFETY: the path ends with a NUL, and `file` can be written.
        check(unsafe { scm_file_access_open(self.files, SCM_TYPE_BY_ANY, path.as_ptr(), &mut file) })?;
        let mut info = scm_file_info::DEFAULT;
        let mut file = File { file, kind: Kind::Unknown, short_id: None, _attachment: self._attachment };
        // SAFETY: the structure has its size. The file of a provider has no information.
        if unsafe { scm_file_get_info(file.file, &mut info) } >= 0 {
            file.kind = match info.file_type {
                SCM_TYPE_TRANSPARENT_EF => Kind::Transparent,
                SCM_TYPE_FIXED_EF => Kind::LinearFixed,
                SCM_TYPE_VARIABLE_EF => Kind::LinearVariable,
                SCM_TYPE_CYCLIC_EF => Kind::Cyclic,
                _ => Kind::Unknown,
            };
            file.short_id = (info.short_id != SCM_FILE_UNKNOWN).then_some(info.short_id);
        }
        Ok(file)
    }
}

impl Drop for Files<'_> {
    fn drop(&mut self) {
        // SAFETY: any value is allowed.
        unsafe { scm_file_access_release(self.files) };
    }
}

impl File<'_> {
    pub fn has_records(&self) -> bool {
        matches!(self.kind, Kind::LinearFixed | Kind::LinearVariable | Kind::Cyclic)
    }

    /// The next bytes, `most` of them at most; or the next record, whatever its length.
    pub fn read(&self, most: usize) -> Result<Vec<u8>> {
        let mut data = vec![0; most.max(1)];
        loop {
            let mut length = 0;
            // SAFETY: the buffer has the capacity.
            let code = unsafe { scm_file_read(self.file, data.as_mut_ptr(), data.len(), &mut length, 0) };
            if code < 0 && name_of(code) == INSUFFICIENT_BUFFER && length > data.len() {
                data = vec![0; length];
                continue;
            }
            check(code)?;
            data.truncate(length);
            return Ok(data);
        }
    }

    /// Replaces bytes at the position, or one record.
    pub fn write(&self, data: &[u8]) -> Written {
        let mut length = 0;
        // SAFETY: the length is that of the data.
        let code = unsafe { scm_file_write(self.file, data.as_ptr(), data.len(), SCM_FL_REPLACE, &mut length) };
        Written { length, result: check(code) }
    }

    /// To a byte, or to a record; the first one is 0.
    pub fn seek(&self, position: u64) -> Result<()> {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        // SAFETY: any value is allowed.
        check(unsafe { scm_file_seek(self.file, position, SCM_SEEK_FROM_BEGINNING) })
    }

    pub fn seek_end(&self) -> Result<()> {
        // SAFETY: any value is allowed.
        check(unsafe { scm_file_seek(self.file, 0, SCM_SEEK_FROM_END) })
    }

    /// In bytes, or in records.
    pub fn size(&self) -> Result<u64> {
        let mut size = 0;
        // SAFETY: it can be written.
        check(unsafe { scm_file_get_size(self.file, &mut size) })?;
        Ok(size)
    }
}

impl Drop for File<'_> {
    fn drop(&mut self) {
        // SAFETY: any value is allowed.
        unsafe { scm_file_close(self.file) };
    }
}

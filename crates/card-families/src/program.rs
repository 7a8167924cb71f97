//! A program that uses a card through the C interface of libscm.

use std::ffi::CString;
use std::mem::zeroed;
use std::ptr::{null, null_mut};

use scm::abi::constants::{
    SCM_FL_IHV_CHECKONLY, SCM_PROTOCOL_T0, SCM_PROTOCOL_T1, SCM_SEEK_FROM_BEGINNING, SCM_TYPE_ALL_FILES,
    SCM_TYPE_BY_ANY,
};
use scm::capi::attachment::{scm_attach_by_ifd_ex, scm_attach_options, scm_detach, scm_handle};
use scm::capi::card_capabilities::{
    SCM_CARD_CHAINING, SCM_CARD_EXTENDED, scm_card_capabilities, scm_set_card_capabilities,
};
use scm::capi::ch_verification::{
    SCM_RETRIES_UNKNOWN, scm_ch_verification, scm_ch_verification_change_code, scm_ch_verification_unblock,
    scm_ch_verification_verify, scm_create_ch_verification,
};
use scm::capi::command::{
    SCM_SEND_CLASS, SCM_SEND_KEEP_6CXX, SCM_SEND_KEEP_61XX, scm_command, scm_send_ex, scm_send_options,
    scm_status_words,
};
use scm::capi::exchange::{SCM_RESPONSE_MAX, scm_get_last_response, scm_transmit};
use scm::capi::file::{scm_file, scm_file_close, scm_file_get_size, scm_file_read, scm_file_seek, scm_file_write};
use scm::capi::file_access::{
    scm_create_file_access, scm_file_access, scm_file_access_change_dir, scm_file_access_directory,
    scm_file_access_get_properties, scm_file_access_invalidate, scm_file_access_open, scm_file_access_rehabilitate,
};

use crate::bytes::Word;
use crate::call::{Limits, Send};
use crate::family::Protocol;

/// The content of a buffer before a call; it shows the bytes that a call leaves alone.
const UNTOUCHED: u8 = 0x77;

pub struct Program {
    handle: *mut scm_handle,
    files: *mut scm_file_access,
    codes: *mut scm_ch_verification,
    file: *mut scm_file,
}

impl Program {
    pub fn attach(ifd: &str, protocol: Protocol) -> Result<Program, i32> {
        let ifd = CString::new(ifd).map_err(|_| -1)?;
        let mut program = Program { handle: null_mut(), files: null_mut(), codes: null_mut(), file: null_mut() };
        // SAFETY: every pointer is to something that outlives its call, and zero in a field is its default.
        unsafe {
            let mut options: scm_attach_options = zeroed();
            options.struct_size = size_of::<scm_attach_options>() as u32;
            options.protocols = match protocol {
                Protocol::T0 => SCM_PROTOCOL_T0,
                Protocol::T1 => SCM_PROTOCOL_T1,
            };
            succeeded(scm_attach_by_ifd_ex(ifd.as_ptr(), &options, &mut program.handle))?;
            succeeded(scm_create_file_access(program.handle, &mut program.files))?;
            succeeded(scm_create_ch_verification(program.handle, &mut program.codes))?;
        }
        Ok(program)
    }

    pub fn transmit(&mut self, command: &[u8]) -> (i32, Vec<u8>) {
        // SAFETY: command and buffer are as long as is said.
        filled(SCM_RESPONSE_MAX, |buffer, capacity, length| unsafe {
            scm_transmit(self.handle, command.as_ptr(), command.len(), buffer, capacity, length)
        })
    }

    pub fn send(&mut self, call: &Send) -> (i32, Vec<u8>, u16) {
        let mut header = [0; 4];
        let (given, data) = call.send.0.split_at(call.send.0.len().min(4));
        header[..given.len()].copy_from_slice(given);
        let [cla, ins, p1, p2] = header;
        let successes = |word: &Word| scm_status_words { word: word.value(), mask: word.mask() };
        let successes: Vec<_> = call.successes.iter().map(successes).collect();
        let mut word = 0;
        // SAFETY: data and buffer are as long as is said; zero in a field is its default.
        let (code, answer) = filled(call.expected as usize, |buffer, capacity, length| unsafe {
            let mut command: scm_command = zeroed();
            command.struct_size = size_of::<scm_command>() as u32;
            (command.cla, command.ins, command.p1, command.p2) = (cla, ins, p1, p2);
            (command.data, command.data_length) = (data.as_ptr(), data.len());
            (command.expected, command.channel) = (call.expected, call.channel);
            let mut options: scm_send_options = zeroed();
            options.struct_size = size_of::<scm_send_options>() as u32;
            let keeps = |word: &Word| if word.value() == 0x6100 { SCM_SEND_KEEP_61XX } else { SCM_SEND_KEEP_6CXX };
            options.flags = call.keep.iter().map(keeps).fold(0, |flags, flag| flags | flag);
            let class = call.get_response_class.as_ref().and_then(|class| class.0.first());
            options.get_response_class = class.map_or(0, |class| SCM_SEND_CLASS | u32::from(*class));
            (options.successes, options.success_count) = (successes.as_ptr(), successes.len());
            scm_send_ex(self.handle, &command, &options, buffer, capacity, length, &mut word)
        });
        (code, answer, word)
    }

    pub fn last_response(&mut self) -> (i32, Vec<u8>) {
        // SAFETY: the buffer is as long as is said.
        filled(2 * SCM_RESPONSE_MAX, |buffer, capacity, length| unsafe {
            scm_get_last_response(self.handle, buffer, capacity, length)
        })
    }

    pub fn set_capabilities(&mut self, limits: &Limits) -> i32 {
        let flag = |is_set: bool, flag: u32| if is_set { flag } else { 0 };
        let capabilities = scm_card_capabilities {
            struct_size: size_of::<scm_card_capabilities>() as u32,
            flags: flag(limits.chaining, SCM_CARD_CHAINING) | flag(limits.extended, SCM_CARD_EXTENDED),
            command_data_max: limits.command_data,
            response_data_max: limits.response_data,
            channel_count: 0,
        };
        // SAFETY: the structure is filled in as the header says.
        unsafe { scm_set_card_capabilities(self.handle, &capabilities) }
    }

    /// The open file is closed.
    pub fn open(&mut self, path: &str) -> i32 {
        let path = CString::new(path).unwrap_or_default();
        // SAFETY: the path ends with a NUL; a file that is not open is no handle.
        unsafe {
            scm_file_close(self.file);
            scm_file_access_open(self.files, SCM_TYPE_BY_ANY, path.as_ptr(), &mut self.file)
        }
    }

    pub fn read(&mut self, wanted: usize) -> (i32, Vec<u8>) {
        // SAFETY: the buffer is as long as is said.
        filled(wanted, |buffer, capacity, length| unsafe { scm_file_read(self.file, buffer, capacity, length, 0) })
    }

    /// All bytes, or all records concatenated, and the code of the end.
    pub fn cat(&mut self, path: &str, piece: usize) -> (i32, Vec<u8>) {
        let (mut code, mut read) = (self.open(path), Vec::new());
        while code >= 0 {
            let (next, bytes) = self.read(piece);
            // A read without bytes that succeeds would repeat forever.
            code = if next >= 0 && bytes.is_empty() { i32::MIN } else { next };
            read.extend(bytes);
        }
        (code, read)
    }

    pub fn write(&mut self, data: &[u8]) -> (i32, usize) {
        let mut written = usize::MAX;
        // SAFETY: the data are as long as is said.
        let code = unsafe { scm_file_write(self.file, data.as_ptr(), data.len(), 0, &mut written) };
        (code, written)
    }

    pub fn seek(&mut self, offset: i64) -> i32 {
        // SAFETY: any values may be given.
        unsafe { scm_file_seek(self.file, offset, SCM_SEEK_FROM_BEGINNING) }
    }

    pub fn size(&mut self) -> (i32, u64) {
        let mut size = u64::MAX;
        // SAFETY: it is there to be written.
        let code = unsafe { scm_file_get_size(self.file, &mut size) };
        (code, size)
    }

    pub fn directory(&mut self, path: &str) -> (i32, Vec<String>) {
        let path = CString::new(path).unwrap_or_default();
        // SAFETY: the path ends with a NUL.
        let changed = unsafe { scm_file_access_change_dir(self.files, SCM_TYPE_BY_ANY, path.as_ptr()) };
        if changed < 0 {
            return (changed, Vec::new());
        }
        // SAFETY: the buffer is as long as is said.
        let (code, names) = filled(65536, |buffer, capacity, length| unsafe {
            scm_file_access_directory(self.files, SCM_TYPE_ALL_FILES, buffer.cast(), capacity, length)
        });
        let names = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        (code, names.map(|name| String::from_utf8_lossy(name).into()).collect())
    }

    pub fn properties(&mut self, path: &str) -> (i32, Vec<u8>) {
        let path = CString::new(path).unwrap_or_default();
        // SAFETY: the path ends with a NUL, and the buffer is as long as is said.
        filled(65536, |buffer, capacity, length| unsafe {
            let (files, path) = (self.files, path.as_ptr());
            scm_file_access_get_properties(files, SCM_TYPE_BY_ANY, path, null(), 0, 0, buffer, capacity, length)
        })
    }

    pub fn set_active(&mut self, path: &str, active: bool) -> i32 {
        let path = CString::new(path).unwrap_or_default();
        // SAFETY: the path ends with a NUL.
        unsafe {
            match active {
                true => scm_file_access_rehabilitate(self.files, path.as_ptr(), 0),
                false => scm_file_access_invalidate(self.files, path.as_ptr(), 0),
            }
        }
    }

    /// A question if there is no code. The tries, if known.
    pub fn verify(&mut self, code: Option<&[u8]>, reference: u8) -> (i32, Option<u32>) {
        let (mut tries, flags) = (0, if code.is_none() { SCM_FL_IHV_CHECKONLY } else { 0 });
        let (data, length) = code.map_or((null(), 0), |code| (code.as_ptr(), code.len()));
        // SAFETY: the code is as long as is said.
        let result =
            unsafe { scm_ch_verification_verify(self.codes, data, length, flags, reference.into(), &mut tries) };
        (result, known(tries))
    }

    pub fn change(&mut self, old: &[u8], new: &[u8], flags: u32, reference: u8) -> (i32, Option<u32>) {
        let (mut tries, reference) = (0, reference.into());
        // SAFETY: the codes are as long as is said.
        let result = unsafe {
            let (old, old_length, new, new_length) = (old.as_ptr(), old.len(), new.as_ptr(), new.len());
            scm_ch_verification_change_code(self.codes, old, old_length, new, new_length, flags, reference, &mut tries)
        };
        (result, known(tries))
    }

    pub fn unblock(&mut self, unblocking: &[u8], new: &[u8], reference: u8) -> (i32, Option<u32>) {
        let (mut tries, reference) = (0, reference.into());
        // SAFETY: the codes are as long as is said.
        let result = unsafe {
            let (code, length, new, new_length) = (unblocking.as_ptr(), unblocking.len(), new.as_ptr(), new.len());
            scm_ch_verification_unblock(self.codes, code, length, new, new_length, 0, reference, &mut tries)
        };
        (result, known(tries))
    }
}

fn known(tries: u32) -> Option<u32> {
    Some(tries).filter(|tries| *tries != SCM_RETRIES_UNKNOWN)
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: any value may be given as a handle. Objects of the attachment end with it.
        unsafe { scm_detach(self.handle) };
    }
}

fn succeeded(code: i32) -> Result<(), i32> {
    if code < 0 { Err(code) } else { Ok(()) }
}

/// The bytes that a call wrote. It may write nothing beyond them.
fn filled(capacity: usize, call: impl FnOnce(*mut u8, usize, *mut usize) -> i32) -> (i32, Vec<u8>) {
    let (mut buffer, mut length) = (vec![UNTOUCHED; capacity + 1], usize::MAX);
    let code = call(buffer.as_mut_ptr(), capacity, &mut length);
    let given = length.min(capacity);
    assert!(buffer[given..].iter().all(|byte| *byte == UNTOUCHED), "a call has written behind what it gave");
    buffer.truncate(given);
    (code, buffer)
}

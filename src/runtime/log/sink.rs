//! Where the lines of the log go.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::fmt;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use super::text::Text;
use super::{LEVEL, Level, UNKNOWN};
use crate::abi::hresult::Result;
use crate::runtime::fallible::try_box;
use crate::runtime::platform::{environment, log_file};

/// A function of the program for lines.
#[derive(Clone, Copy)]
pub struct Callback {
    pub function: unsafe extern "C-unwind" fn(user_data: *mut c_void, level: u32, line: *const c_char),
    pub user_data: *mut c_void,
}

impl PartialEq for Callback {
    fn eq(&self, other: &Callback) -> bool {
        self.function as usize == other.function as usize && self.user_data == other.user_data
    }
}

impl Callback {
    pub fn call(&self, level: Level, line: &CStr) {
        // SAFETY: the header says what it has to be.
        unsafe { (self.function)(self.user_data, level as u32, line.as_ptr()) }
    }
}

/// Where lines go.
#[derive(Clone, Copy, PartialEq)]
pub enum Sink {
    File(c_int),
    Callback(Callback),
}

/// A sink that was used once. It lives for ever, because another thread may be using it, and is used again when the
/// program sets the same one.
struct Known {
    sink: Sink,
    next: *mut Known,
}

/// All known sinks. Only atomic changes: a child of a fork finds no lock that nobody holds.
static KNOWN: AtomicPtr<Known> = AtomicPtr::new(null_mut());

/// The present one, or NULL.
static PRESENT: AtomicPtr<Known> = AtomicPtr::new(null_mut());

/// How often the log was set.
static CHANGES: AtomicU32 = AtomicU32::new(0);

pub fn changes() -> u32 {
    CHANGES.load(Ordering::SeqCst)
}

pub fn present() -> Option<&'static Sink> {
    // SAFETY: NULL, or one that lives for ever.
    unsafe { PRESENT.load(Ordering::Acquire).as_ref() }.map(|known| &known.sink)
}

/// From now on lines of this level and of coarser ones go there; None: none, nowhere.
pub fn set(target: Option<(Sink, Level)>) -> Result<()> {
    CHANGES.fetch_add(1, Ordering::SeqCst);
    match target {
        None => {
            LEVEL.store(0, Ordering::Relaxed);
            PRESENT.store(null_mut(), Ordering::Release);
        }
        Some((sink, level)) => {
            PRESENT.store(known(sink)?, Ordering::Release);
            LEVEL.store(level as u32, Ordering::Relaxed);
        }
    }
    Ok(())
}

fn known(sink: Sink) -> Result<*mut Known> {
    let mut at = KNOWN.load(Ordering::Acquire);
    // SAFETY: each of them lives for ever.
    while let Some(known) = unsafe { at.as_ref() } {
        if known.sink == sink {
            return Ok(at);
        }
        at = known.next;
    }
    let new = Box::into_raw(try_box(Known { sink, next: KNOWN.load(Ordering::Acquire) })?);
    loop {
        // SAFETY: no other thread has it.
        let next = unsafe { (*new).next };
        match KNOWN.compare_exchange(next, new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return Ok(new),
            // SAFETY: no other thread has it.
            Err(present) => unsafe { (*new).next = present },
        }
    }
}

/// Reads `SCM_LOG`, once: `LEVEL` for stderr, or `LEVEL:FILE`. An unknown level is the coarsest one.
#[cold]
pub fn read_environment() {
    let wanted = environment::variable(c"SCM_LOG").map(CStr::to_bytes).unwrap_or_default();
    let (word, file) = parse(wanted);
    if wanted.is_empty() || matches!(word, b"off" | b"0") {
        // Another thread may have set a log meanwhile.
        let _ = LEVEL.compare_exchange(UNKNOWN, 0, Ordering::Relaxed, Ordering::Relaxed);
        return;
    }
    let level = match word {
        b"calls" | b"1" => Some(Level::Calls),
        b"pcsc" | b"2" => Some(Level::Pcsc),
        b"apdus" | b"3" => Some(Level::Apdus),
        _ => None,
    };
    let opened =
        file.and_then(|file| CStr::from_bytes_with_nul(file).ok()).map_or(Ok(log_file::STDERR), log_file::open);
    if LEVEL.compare_exchange(UNKNOWN, 0, Ordering::Relaxed, Ordering::Relaxed).is_err() {
        return;
    }
    let target = opened.unwrap_or(log_file::STDERR);
    if let Err(reason) = opened {
        complain(target, &format_args!("the file cannot be opened ({reason}); the log goes to stderr"));
    }
    if level.is_none() {
        complain(target, &"the level is not off, calls, pcsc or apdus; it is calls now");
    }
    // Without memory there is no log.
    let _ = set(Some((Sink::File(target), level.unwrap_or(Level::Calls))));
}

/// Tells in the log what is wrong with the variable.
fn complain(target: c_int, text: &dyn fmt::Display) {
    if let Ok(line) = Text::complaint(text) {
        log_file::write(target, &line.bytes_with_end());
    }
}

/// The level, and the file with its NUL. `wanted` is followed by its NUL.
fn parse(wanted: &'static [u8]) -> (&'static [u8], Option<&'static [u8]>) {
    let (level, file) = match wanted.iter().position(|byte| *byte == b':') {
        None => (wanted, None),
        Some(colon) => {
            let (level, rest) = wanted.split_at(colon);
            (level, rest.get(1..).filter(|file| !file.is_empty()))
        }
    };
    // SAFETY: the value of a variable ends with a NUL, right behind the file.
    (level, file.map(|file| unsafe { std::slice::from_raw_parts(file.as_ptr(), file.len() + 1) }))
}

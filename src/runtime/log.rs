//! The log of the library: calls of the program, calls of PC/SC, APDUs, as the user wants it (`SCM_LOG`,
//! `scm_set_log`).
//!
//! A thread delivers a line to the callback of the program when it holds no lock: at the beginning and at the end of an
//! exported function, or between two tasks of a thread of the library. Until then the line waits in the thread. A file
//! gets each line at once, so that the last line before a crash or in a hanging call is there.

pub mod arguments;
mod sink;
mod text;

use std::cell::Cell;
use std::fmt;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use crate::abi::call::Call;
use crate::abi::call_end;
use crate::runtime::callback;
use crate::runtime::platform::log_file;
use crate::runtime::reentrancy;
use arguments::Arguments;
pub use sink::{Callback, Sink, changes, set};
pub use text::Text;

/// The subject of a line. A finer level includes the coarser ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u32)]
pub enum Level {
    Calls = 1,
    Pcsc = 2,
    Apdus = 3,
}

impl Level {
    pub fn from_value(value: u32) -> Option<Level> {
        [Level::Calls, Level::Pcsc, Level::Apdus].into_iter().find(|level| *level as u32 == value)
    }
}

/// The finest level that is logged: 0 for none, and `UNKNOWN` until the environment is read.
static LEVEL: AtomicU32 = AtomicU32::new(UNKNOWN);
const UNKNOWN: u32 = u32::MAX;

/// Whether anything may be logged: one load and one branch.
#[inline(always)]
pub fn is_on() -> bool {
    LEVEL.load(Ordering::Relaxed) != 0
}

/// Whether anything may be logged, or `code` is not 0: one branch for both.
#[inline(always)]
pub fn is_on_or(code: u32) -> bool {
    LEVEL.load(Ordering::Relaxed) | code != 0
}

fn logs(level: Level) -> bool {
    if LEVEL.load(Ordering::Relaxed) == UNKNOWN {
        sink::read_environment();
    }
    LEVEL.load(Ordering::Relaxed) >= level as u32 && !IS_DELIVERING.get()
}

/// Lines that wait for their delivery.
pub type Lines = Vec<(Level, Text)>;

thread_local! {
    /// A thread that has some delivers them, so they need no destructor. `call_end` knows of them: the call may have
    /// begun before the log.
    static LINES: Cell<ManuallyDrop<Lines>> = const { Cell::new(ManuallyDrop::new(Vec::new())) };
    /// Whether this thread is in the callback. Its own calls are not logged: that would never end.
    static IS_DELIVERING: Cell<bool> = const { Cell::new(false) };
    /// The number of this thread in the log.
    static NUMBER: Cell<u32> = const { Cell::new(0) };
}

/// Whether this thread is in the callback.
pub fn is_delivering() -> bool {
    IS_DELIVERING.get()
}

fn thread_number() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    if NUMBER.get() == 0 {
        NUMBER.set(LAST.fetch_add(1, Ordering::Relaxed) + 1);
    }
    NUMBER.get()
}

/// Logs a line. `text` makes it, if it is wanted. It contains no secret.
#[cold]
#[inline(never)]
pub fn line(level: Level, text: &dyn fmt::Display) {
    if !logs(level) {
        return;
    }
    let Some(sink) = sink::present() else { return };
    let Ok(line) = Text::line(thread_number(), level, text) else { return };
    match sink {
        Sink::File(file) => log_file::write(*file, &line.bytes_with_end()),
        Sink::Callback(_) => keep(level, line),
    }
}

fn keep(level: Level, line: Text) {
    let mut lines = take();
    // Without memory the line is lost.
    if lines.try_reserve(1).is_ok() {
        lines.push((level, line));
    }
    put(lines);
}

/// The lines of this thread, which has none afterwards.
pub fn take() -> Lines {
    let lines = ManuallyDrop::into_inner(LINES.replace(ManuallyDrop::new(Vec::new())));
    if !lines.is_empty() {
        call_end::forget();
    }
    lines
}

/// This thread has none.
fn put(lines: Lines) {
    if !lines.is_empty() {
        call_end::expect();
    }
    LINES.set(ManuallyDrop::new(lines));
}

/// Takes over the lines of a call that another thread has made for this one: they come before the end of the call.
pub fn take_over(more: Lines) {
    if more.is_empty() {
        return;
    }
    let mut lines = take();
    if lines.try_reserve(more.len()).is_ok() {
        lines.extend(more);
    }
    put(lines);
}

/// Gives the lines that wait to the callback, unless this thread may hold a lock of the library.
#[cold]
pub fn deliver() {
    if IS_DELIVERING.get() || reentrancy::is_called() {
        return;
    }
    let lines = take();
    if lines.is_empty() {
        return;
    }
    if let Some(Sink::Callback(program)) = sink::present() {
        IS_DELIVERING.set(true);
        for (level, line) in &lines {
            callback::call(|| program.call(*level, line.as_c_str()), ());
        }
        IS_DELIVERING.set(false);
    }
}

/// A call whose beginning was logged. Its end finds it here: a variable of each call would cost it instructions.
#[derive(Clone, Copy)]
struct LoggedCall {
    call: Call,
    began: Instant,
}

/// How many logged calls of one thread can nest. The beginning of a deeper one is logged, and not its end.
const NESTED: usize = 8;

thread_local! {
    static CALLS: Cell<[Option<LoggedCall>; NESTED]> = const { Cell::new([None; NESTED]) };
    /// The call of PC/SC that this thread makes. They do not nest.
    static PCSC_CALL: Cell<Option<LoggedCall>> = const { Cell::new(None) };
}

/// Logs the beginning of a call of the program, so that a call that hangs is seen. `begin_logged!` calls it.
///
/// # Safety
/// As for `Arguments::new`.
#[cold]
#[inline(never)]
pub unsafe fn begin_call(call: Call, kinds: u64, words: *const u64) {
    // SAFETY: as the caller vouches for.
    let Some(logged) = (unsafe { begin(Level::Calls, call, kinds, words) }) else { return };
    deliver();
    let mut calls = CALLS.get();
    if let Some(place) = calls.iter_mut().find(|place| place.is_none()) {
        *place = Some(logged);
        CALLS.set(calls);
        call_end::expect();
    }
}

/// Logs the end of a call, if the last beginning is its own.
#[cold]
pub fn end_call(call: Call, result: &dyn fmt::Display) {
    let mut calls = CALLS.get();
    let last = calls.iter_mut().rev().find(|place| place.is_some());
    let Some(logged) = last.and_then(|place| place.take_if(|logged| logged.call == call)) else { return deliver() };
    CALLS.set(calls);
    call_end::forget();
    end(Level::Calls, &logged, result);
    deliver();
}

/// Logs the beginning of a call of PC/SC. `begin_logged!` calls it.
///
/// # Safety
/// As for `Arguments::new`.
#[cold]
#[inline(never)]
pub unsafe fn begin_pcsc_call(call: Call, kinds: u64, words: *const u64) {
    // SAFETY: as the caller vouches for.
    PCSC_CALL.set(unsafe { begin(Level::Pcsc, call, kinds, words) });
}

/// # Safety
/// As for `Arguments::new`.
#[inline(never)]
unsafe fn begin(level: Level, call: Call, kinds: u64, words: *const u64) -> Option<LoggedCall> {
    if !logs(level) {
        return None;
    }
    // SAFETY: as the caller vouches for.
    let arguments = unsafe { Arguments::new(call, kinds, words) };
    line(level, &format_args!("> {arguments}"));
    Some(LoggedCall { call, began: Instant::now() })
}

/// Logs the end of a call of PC/SC, if its beginning was logged.
#[cold]
#[inline(never)]
pub fn end_pcsc_call(native: u32) {
    if let Some(logged) = PCSC_CALL.take() {
        end(Level::Pcsc, &logged, &format_args!("0x{native:08X}"));
    }
}

fn end(level: Level, logged: &LoggedCall, result: &dyn fmt::Display) {
    let micros = logged.began.elapsed().as_micros() as u64;
    line(level, &format_args!("< {} after {micros} us = {result}", logged.call.name()));
}

//! The log of the library: calls of the program, calls of PC/SC, APDUs, as the user wants it (`SCM_LOG`,
//! `scm_set_log`).
//!
//! A thread delivers a line to the callback of the program when it holds no lock: at the beginning and at the end of an
//! exported function, or between two tasks of a thread of the library. Until then the line waits in the thread. A file
//! gets each line at once, so that the last line before a crash or in a hanging call is there.

mod sink;
mod text;

use std::cell::Cell;
use std::fmt;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use crate::abi::call_end;
use crate::runtime::callback;
use crate::runtime::platform::log_file;
use crate::runtime::reentrancy;
pub use sink::{Callback, Sink, set};
use text::Text;

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

fn logs(level: Level) -> bool {
    if LEVEL.load(Ordering::Relaxed) == UNKNOWN {
        sink::read_environment();
    }
    LEVEL.load(Ordering::Relaxed) >= level as u32 && !IS_DELIVERING.get()
}

type Lines = ManuallyDrop<Vec<(Level, Text)>>;

thread_local! {
    /// The lines that wait for their delivery. A thread that has some delivers them, so they need no destructor.
    static LINES: Cell<Lines> = const { Cell::new(ManuallyDrop::new(Vec::new())) };
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
    let mut lines = LINES.replace(ManuallyDrop::new(Vec::new()));
    // Without memory the line is lost.
    if lines.try_reserve(1).is_ok() {
        lines.push((level, line));
    }
    LINES.set(lines);
}

/// Gives the lines that wait to the callback, unless this thread may hold a lock of the library.
#[cold]
pub fn deliver() {
    if IS_DELIVERING.get() || reentrancy::is_called() {
        return;
    }
    let lines = ManuallyDrop::into_inner(LINES.replace(ManuallyDrop::new(Vec::new())));
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
    function: &'static str,
    began: Instant,
}

/// How many logged calls of one thread can nest. The beginning of a deeper one is logged, and not its end.
const NESTED: usize = 8;

thread_local! {
    static CALLS: Cell<[Option<LoggedCall>; NESTED]> = const { Cell::new([None; NESTED]) };
}

/// An argument of a call, as the log shows it.
pub trait Argument {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

/// The arguments with their names.
struct Arguments<'a>(&'a str, &'a [(&'static str, &'a dyn Argument)]);

impl fmt::Display for Arguments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "> {}", self.0)?;
        for (name, argument) in self.1 {
            write!(f, " {name}=")?;
            argument.show(f)?;
        }
        Ok(())
    }
}

/// Logs the beginning of a call, so that a call that hangs is seen.
#[cold]
#[inline(never)]
pub fn begin_call(function: &'static str, arguments: &[(&'static str, &dyn Argument)]) {
    if !logs(Level::Calls) {
        return;
    }
    line(Level::Calls, &Arguments(function, arguments));
    deliver();
    let mut calls = CALLS.get();
    if let Some(place) = calls.iter_mut().find(|place| place.is_none()) {
        *place = Some(LoggedCall { function, began: Instant::now() });
        CALLS.set(calls);
        call_end::expect();
    }
}

/// Logs the end of a call, if the last beginning is its own.
#[cold]
pub fn end_call(function: &'static str, result: &dyn fmt::Display) {
    let mut calls = CALLS.get();
    let last = calls.iter_mut().rev().find(|place| place.is_some());
    let Some(call) = last.and_then(|place| place.take_if(|call| std::ptr::eq(call.function, function))) else { return };
    CALLS.set(calls);
    call_end::forget();
    let micros = call.began.elapsed().as_micros();
    line(Level::Calls, &format_args!("< {function} after {micros} us = {result}"));
    deliver();
}

macro_rules! plain_arguments {
    ($($number:ty),*) => {
        $(impl Argument for $number {
            fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        })*
    };
}

plain_arguments!(u16, u32, u64, i32, i64, usize);

/// A callback.
impl<T> Argument for Option<T> {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_some() { "set" } else { "NULL" })
    }
}

/// An address or a token. The memory behind it is not read.
impl<T> Argument for *const T {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_null() { f.write_str("NULL") } else { write!(f, "{:p}", *self) }
    }
}

impl<T> Argument for *mut T {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cast_const().show(f)
    }
}

pub use text::Quoted;

//! A line of the log as text.

use std::ffi::{CStr, c_char};
use std::fmt::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use super::Level;
use crate::abi::hresult::{Hresult, Result};

/// A line, with a NUL behind it. Its memory may be short: then there is no line.
pub struct Text {
    bytes: Vec<u8>,
    /// The place of the NUL.
    end: usize,
}

impl Text {
    /// The time, the process and the thread, the level, and the text.
    pub fn line(thread: u32, level: Level, text: &dyn fmt::Display) -> Result<Text> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let level = match level {
            Level::Calls => "call",
            Level::Pcsc => "pcsc",
            Level::Apdus => "apdu",
        };
        let (time, micros) = (Utc(now.as_secs()), now.subsec_micros());
        let process = std::process::id();
        Text::new(&format_args!("{time}.{micros:06}Z {process}.{thread} {level} {text}"))
    }

    /// A line about the variable.
    pub fn complaint(text: &dyn fmt::Display) -> Result<Text> {
        Text::new(&format_args!("libscm: SCM_LOG: {text}"))
    }

    fn new(text: &dyn fmt::Display) -> Result<Text> {
        let mut line = Text { bytes: Vec::new(), end: 0 };
        write!(line, "{text}").map_err(|_| Hresult::E_OUTOFMEMORY)?;
        line.end = line.bytes.len();
        line.bytes.try_reserve(1)?;
        line.bytes.push(0);
        Ok(line)
    }

    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }

    /// The line for a file: the NUL becomes the end of the line.
    pub fn bytes_with_end(mut self) -> Vec<u8> {
        if let Some(end) = self.bytes.get_mut(self.end) {
            *end = b'\n';
        }
        self.bytes
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes.try_reserve(text.len()).map_err(|_| fmt::Error)?;
        self.bytes.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Seconds since 1970 as date and time.
struct Utc(u64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The years begin in March here, so that the leap day is their last day. An era has 400 years.
        const DAYS_OF_ERA: u64 = 146_097;
        let (days, seconds) = (self.0 / 86_400 + 719_468, self.0 % 86_400);
        let (era, day) = (days / DAYS_OF_ERA, days % DAYS_OF_ERA);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + 400 * era + u64::from(month <= 2);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }
}

/// A text of the program, in quotes. It has no control characters and at most 128 bytes.
pub struct Quoted<'a>(&'a [u8]);

impl Quoted<'_> {
    /// # Safety
    /// `text` ends with a NUL, and is not written during the call.
    pub unsafe fn read<'a>(text: *const c_char) -> Quoted<'a> {
        const MOST: usize = 128;
        let mut length = 0;
        // SAFETY: every byte up to the first NUL is readable.
        while length < MOST && unsafe { *text.add(length) } != 0 {
            length += 1;
        }
        // SAFETY: these bytes were just read.
        Quoted(unsafe { std::slice::from_raw_parts(text.cast(), length) })
    }
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for byte in self.0 {
            match byte {
                b'"' | b'\\' => write!(f, "\\{}", char::from(*byte))?,
                b' '..=b'~' => f.write_char(char::from(*byte))?,
                _ => write!(f, "\\x{byte:02X}")?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_date() {
        let date = |seconds| Utc(seconds).to_string();
        assert_eq!(date(0), "1970-01-01T00:00:00");
        assert_eq!(date(951_782_399), "2000-02-28T23:59:59");
        assert_eq!(date(951_782_400), "2000-02-29T00:00:00");
        assert_eq!(date(1_764_260_787), "2025-11-27T16:26:27");
        assert_eq!(date(4_107_542_400), "2100-03-01T00:00:00");
    }

    #[test]
    fn a_text_has_no_control_characters() {
        assert_eq!(Quoted(b"a\n\"\\\x7F\xC3").to_string(), "\"a\\x0A\\\"\\\\\\x7F\\xC3\"");
        // SAFETY: it ends with a NUL.
        assert_eq!(unsafe { Quoted::read(c"My reader".as_ptr()) }.to_string(), "\"My reader\"");
    }

    #[test]
    fn a_line_says_when_and_where() {
        let line = Text::line(7, Level::Apdus, &"text").unwrap();
        let text = line.as_c_str().to_str().unwrap();
        let process = std::process::id();
        assert!(text.ends_with(&format!("Z {process}.7 apdu text")), "{text}");
        assert_eq!(line.bytes_with_end().last(), Some(&b'\n'));
    }
}

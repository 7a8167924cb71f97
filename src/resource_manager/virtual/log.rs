//! The calls of a virtual reader and their results as text, one line for each. It contains no secrets.

use std::collections::VecDeque;
use std::fmt::{self, Write};

use crate::abi::hresult::Result;

/// Lines of text in a buffer of fixed size: the oldest lines are removed first.
pub struct Log {
    text: VecDeque<u8>,
}

impl Log {
    /// A log of `limit` bytes. It reserves all memory here, so that no later line can fail.
    pub fn new(limit: usize) -> Result<Log> {
        let mut text = VecDeque::new();
        text.try_reserve_exact(limit)?;
        Ok(Log { text })
    }

    /// A copy of the text.
    pub fn text(&self) -> Result<Vec<u8>> {
        let mut copy = Vec::new();
        // Room for the NUL that C needs.
        copy.try_reserve_exact(self.text.len() + 1)?;
        let (older, newer) = self.text.as_slices();
        copy.extend_from_slice(older);
        copy.extend_from_slice(newer);
        Ok(copy)
    }

    pub fn clear(&mut self) {
        self.text.clear();
    }

    /// Adds one line. A line that is longer than the whole log is omitted.
    pub fn line(&mut self, line: fmt::Arguments<'_>) {
        let mut length = Length(1);
        // These writers never fail.
        let _ = length.write_fmt(line);
        if length.0 > self.text.capacity() {
            return;
        }
        self.make_room(length.0);
        let _ = self.write_fmt(line);
        self.text.push_back(b'\n');
    }

    fn make_room(&mut self, length: usize) {
        let excess = (self.text.len() + length).saturating_sub(self.text.capacity());
        if excess == 0 {
            return;
        }
        let end_of_line = self.text.iter().skip(excess - 1).position(|byte| *byte == b'\n');
        self.text.drain(..end_of_line.map_or(self.text.len(), |index| excess + index));
    }
}

impl Write for Log {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.extend(text.as_bytes());
        Ok(())
    }
}

struct Length(usize);

impl Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(log: &Log) -> String {
        String::from_utf8(log.text().unwrap()).unwrap()
    }

    #[test]
    fn the_oldest_lines_go_first() {
        let mut log = Log::new(16).unwrap();
        assert!(log.text.capacity() >= 16);
        let whole = log.text.capacity();
        for number in 0..9 {
            log.line(format_args!("line {number}"));
        }
        assert!(text(&log).ends_with("line 7\nline 8\n"));
        assert!(text(&log).len() <= whole && text(&log).starts_with("line "));
        log.line(format_args!("{}", "x".repeat(whole)));
        assert!(text(&log).ends_with("line 8\n"));
        log.clear();
        assert_eq!(text(&log), "");
    }
}

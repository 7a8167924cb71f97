//! A question on the terminal whose answer is not shown.

use std::io;

use zeroize::Zeroizing;

/// The longest answer, in bytes: the longest code of libscm.
pub const LONGEST: usize = 127;

/// The user has pressed Ctrl-C.
pub fn is_cancelled(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Interrupted
}

/// Asks on the terminal of the process, also if its input and output are pipes.
#[cfg(unix)]
pub fn ask(question: &str) -> io::Result<Zeroizing<String>> {
    use std::fs::OpenOptions;
    use std::io::Write;

    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    let _hidden = unix::Hidden::new(&terminal)?;
    (&terminal).write_all(question.as_bytes())?;
    let answer = unix::read(&terminal);
    // The return key was not shown, either.
    (&terminal).write_all(b"\n")?;
    answer
}

#[cfg(not(unix))]
pub fn ask(question: &str) -> io::Result<Zeroizing<String>> {
    rpassword::prompt_password(question).map(Zeroizing::new)
}

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io::{self, Read};

    use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
    use zeroize::Zeroizing;

    use super::LONGEST;
    use crate::input::byte;

    const CTRL_C: u8 = 0x03;
    const CTRL_D: u8 = 0x04;
    const BACKSPACE: u8 = 0x08;
    const CTRL_U: u8 = 0x15;
    const DELETE: u8 = 0x7F;

    /// The terminal shows nothing and gives each key at once, also Ctrl-C: a signal would end the process, and leave
    /// the terminal like this.
    pub struct Hidden<'a> {
        terminal: &'a File,
        before: Termios,
    }

    impl Hidden<'_> {
        pub fn new(terminal: &File) -> io::Result<Hidden<'_>> {
            let before = tcgetattr(terminal)?;
            let mut hidden = before.clone();
            hidden.local_flags.remove(LocalFlags::ECHO | LocalFlags::ECHONL | LocalFlags::ICANON | LocalFlags::ISIG);
            // Keys from before the question are no answer.
            tcsetattr(terminal, SetArg::TCSAFLUSH, &hidden)?;
            Ok(Hidden { terminal, before })
        }
    }

    impl Drop for Hidden<'_> {
        fn drop(&mut self) {
            // Nothing can be done if the terminal is gone.
            let _ = tcsetattr(self.terminal, SetArg::TCSAFLUSH, &self.before);
        }
    }

    /// A line of keys, in memory that does not grow and is wiped.
    pub fn read(mut terminal: impl Read) -> io::Result<Zeroizing<String>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
        while let Some(key) = byte(&mut terminal)? {
            match key {
                b'\r' | b'\n' | CTRL_D => break,
                CTRL_C => return Err(io::Error::new(io::ErrorKind::Interrupted, "cancelled")),
                CTRL_U => bytes.clear(),
                BACKSPACE | DELETE => remove_last(&mut bytes),
                _ if bytes.len() > LONGEST => return Err(wrong("a code has at most 127 bytes")),
                byte => bytes.push(byte),
            }
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| wrong("it is not UTF-8"))?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    /// Removes a character of one or more bytes.
    fn remove_last(bytes: &mut Vec<u8>) {
        while bytes.pop().is_some_and(|byte| byte & 0xC0 == 0x80) {}
    }

    fn wrong(text: &str) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, text)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn typed(keys: &str) -> io::Result<String> {
            read(keys.as_bytes()).map(|text| text.to_string())
        }

        #[test]
        fn keys_make_an_answer() {
            assert_eq!(typed("1234\n567").unwrap(), "1234");
            assert_eq!(typed("12\x7f\x0834\r").unwrap(), "34");
            assert_eq!(typed("\x7f1\u{e4}\x7f2\n").unwrap(), "12");
            assert_eq!(typed("12\x1534\n").unwrap(), "34");
            assert_eq!(typed("").unwrap(), "");
        }

        #[test]
        fn a_cancelled_or_endless_answer_is_none() {
            assert!(super::super::is_cancelled(&typed("12\x03").unwrap_err()));
            assert_eq!(typed(&"1".repeat(127)).unwrap().len(), 127);
            assert_eq!(typed(&"1".repeat(200)).unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }
}

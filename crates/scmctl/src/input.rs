//! Lines of the standard input.

use std::fs::File;
use std::io::{self, Read};

use zeroize::Zeroizing;

/// A line without its end; None at the end of the input. It is read byte by byte: a buffer would keep a copy of a code,
/// and would take the lines that follow from another reader. The memory of the line does not grow, so that no copy of
/// it is left behind.
pub fn line(longest: usize) -> io::Result<Option<Zeroizing<String>>> {
    let mut stdin = unbuffered()?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(longest + 1));
    loop {
        match byte(&mut stdin)? {
            None if bytes.is_empty() => return Ok(None),
            None | Some(b'\n') => break,
            Some(_) if bytes.len() > longest => return Err(wrong("the line is too long")),
            Some(byte) => bytes.push(byte),
        }
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("the line is not UTF-8"))?;
    Ok(Some(Zeroizing::new(text.to_owned())))
}

/// The next byte; None at the end.
pub fn byte(source: &mut impl Read) -> io::Result<Option<u8>> {
    let mut byte = Zeroizing::new([0]);
    loop {
        match source.read(&mut *byte) {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(Some(byte[0])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn wrong(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(unix)]
fn unbuffered() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

#[cfg(windows)]
fn unbuffered() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(File::from(io::stdin().as_handle().try_clone_to_owned()?))
}

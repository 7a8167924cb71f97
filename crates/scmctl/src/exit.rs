//! The exit codes, as scripts see them: those of sysexits.h, and 1 for an answer that is not the wanted one.

use std::process::ExitCode;

/// docs/scmctl.md and the manual page have the same list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Exit {
    Success = 0,
    /// The card refuses, an answer of a script differs, or `doctor` has found a fault.
    Refused = 1,
    /// EX_USAGE: the command line.
    Usage = 64,
    /// EX_DATAERR: the content of a file, or a card description.
    Data = 65,
    /// EX_NOINPUT: a file cannot be read.
    NoInput = 66,
    /// EX_UNAVAILABLE: no service, no reader, no card, or the card is mute.
    Unavailable = 69,
    /// EX_SOFTWARE: an internal error.
    Internal = 70,
    /// EX_OSERR: no memory.
    System = 71,
    /// EX_CANTCREAT: an output file cannot be made.
    CannotCreate = 73,
    /// EX_IOERR: the communication failed, or the output cannot be written.
    Communication = 74,
    /// EX_TEMPFAIL: another program uses the card, the card was reset or taken out, or the time limit passed.
    TryAgain = 75,
    /// EX_NOPERM: polkit, a code that is wrong, missing or blocked.
    Permission = 77,
    /// As a shell tells of a program that Ctrl-C has ended.
    Cancelled = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

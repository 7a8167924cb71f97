//! The command that runs in the stack.

use std::ffi::OsString;
use std::io::{Error, Result};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::WaitPidFlag;
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::daemon::wait_without_reaping;
use crate::launcher::Launcher;

/// The time that a command has to end after a signal.
const TIME_LIMIT: Duration = Duration::from_secs(5);

enum Event {
    Signal(Signal),
    End,
}

/// The signals that end a stack, caught from now on.
pub fn signals() -> Result<Signals> {
    Signals::new([SIGHUP, SIGINT, SIGTERM])
}

/// Runs the command, passes signals on to it, and returns the exit status.
pub fn run(
    words: &[OsString],
    environment: Vec<(&str, PathBuf)>,
    launcher: &Launcher,
    signals: Signals,
) -> Result<i32> {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).envs(environment);
    let name = words[0].to_string_lossy();
    let mut child = launcher.launch(command).map_err(|error| Error::other(format!("{name}: {error}")))?;
    let pid = Pid::from_raw(child.id() as libc::pid_t);
    let (sender, events) = channel();
    watch(pid, signals, sender);
    wait(&mut child, pid, &events).map(exit_status)
}

fn watch(pid: Pid, mut signals: Signals, events: Sender<Event>) {
    let end = events.clone();
    thread::spawn(move || {
        wait_without_reaping(pid, WaitPidFlag::WEXITED);
        end.send(Event::End)
    });
    thread::spawn(move || {
        let caught = signals.forever().filter_map(|signal| Signal::try_from(signal).ok());
        caught.map(Event::Signal).try_for_each(|event| events.send(event))
    });
}

fn wait(child: &mut Child, pid: Pid, events: &Receiver<Event>) -> Result<ExitStatus> {
    let mut limit = Duration::MAX;
    loop {
        match events.recv_timeout(limit) {
            Ok(Event::Signal(signal)) => {
                // The child is not reaped yet, so the id is its own.
                kill(pid, signal)?;
                limit = TIME_LIMIT;
            }
            Err(RecvTimeoutError::Timeout) => child.kill()?,
            Ok(Event::End) | Err(RecvTimeoutError::Disconnected) => return child.wait(),
        }
    }
}

/// As in a shell: the exit status, or 128 plus the signal.
fn exit_status(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_passed_on() {
        assert_eq!(exit_status(ExitStatus::from_raw(3 << 8)), 3);
        assert_eq!(exit_status(ExitStatus::from_raw(Signal::SIGTERM as i32)), 143);
    }
}

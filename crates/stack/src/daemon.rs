//! The private pcscd.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use crate::configuration;
use crate::launcher::Launcher;
use crate::namespace::RUN_PCSCD;
use crate::reader_state::{self, Condition};

/// The time that the daemon has to start or to end.
const TIME_LIMIT: Duration = Duration::from_secs(20);

const NOT_RUNNING: &str = "the daemon is not running";

pub struct Daemon {
    program: PathBuf,
    launcher: Arc<Launcher>,
    state: Mutex<State>,
    gone: Condvar,
}

#[derive(Default)]
struct State {
    child: Option<Child>,
    told_to_go: bool,
}

impl Daemon {
    pub fn new(program: PathBuf, launcher: Arc<Launcher>) -> Arc<Self> {
        Arc::new(Daemon { program, launcher, state: Mutex::default(), gone: Condvar::new() })
    }

    /// Starts the daemon and waits until it lists `readers`.
    pub fn start(self: &Arc<Self>, readers: Vec<String>) -> Result<(), String> {
        self.launch()?;
        self.wait_for(&readers)
    }

    pub fn runs(&self) -> bool {
        self.lock().child.is_some()
    }

    /// Sends the daemon a signal that does not end it. If the signal stops it, it has stopped on return.
    pub fn signal(&self, signal: Signal) -> Result<(), String> {
        let state = self.lock();
        let child = state.child.as_ref().ok_or(NOT_RUNNING)?;
        // As below.
        kill(pid(child), signal).map_err(|error| error.to_string())?;
        if signal == Signal::SIGSTOP {
            wait_without_reaping(pid(child), WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED);
        }
        Ok(())
    }

    /// Ends the daemon with `signal`, waits until it is gone, and removes its files.
    pub fn end(&self, signal: Signal) -> Result<(), String> {
        let mut state = self.lock();
        let child = state.child.as_ref().ok_or(NOT_RUNNING)?;
        // The process is not reaped while the state is locked, so the id is still its own.
        kill(pid(child), signal).map_err(|error| error.to_string())?;
        state.told_to_go = true;
        let (state, timeout) = self
            .gone
            .wait_timeout_while(state, TIME_LIMIT, |state| state.child.is_some())
            .expect("no thread panics with the daemon");
        if timeout.timed_out() {
            return Err(format!("the daemon is still there {TIME_LIMIT:?} after {signal}"));
        }
        drop(state);
        remove_stale_files().map_err(|error| error.to_string())
    }

    fn launch(self: &Arc<Self>) -> Result<(), String> {
        let mut state = self.lock();
        if state.child.is_some() {
            return Err("the daemon is running already".into());
        }
        let child = self.spawn().map_err(|error| format!("{}: {error}", self.program.display()))?;
        let pid = pid(&child);
        *state = State { child: Some(child), told_to_go: false };
        let daemon = Arc::clone(self);
        thread::spawn(move || daemon.watch(pid));
        Ok(())
    }

    fn spawn(&self) -> io::Result<Child> {
        remove_stale_files()?;
        let log = File::create(log())?;
        let mut command = Command::new(&self.program);
        command.arg("--foreground").arg("--config").arg(configuration::directory());
        if self.knows_polkit()? {
            command.arg("--disable-polkit");
        }
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.launcher.launch(command)
    }

    /// From 2.0.1 on the daemon may ask polkit, which a private stack does not have.
    fn knows_polkit(&self) -> io::Result<bool> {
        let mut command = Command::new(&self.program);
        command.arg("--help").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let help = self.launcher.launch(command)?.wait_with_output()?;
        Ok(String::from_utf8_lossy(&help.stdout).contains("--disable-polkit"))
    }

    /// Reaps the daemon when it ends, and prints its output if the end was not ordered.
    fn watch(&self, pid: Pid) {
        wait_without_reaping(pid, WaitPidFlag::WEXITED);
        let mut state = self.lock();
        let status = state.child.take().and_then(|mut child| child.wait().ok());
        if let Some(status) = status.filter(|_| !state.told_to_go) {
            show_log(&format!("the daemon ended unasked with {status}"));
        }
        self.gone.notify_all();
    }

    fn wait_for(&self, readers: &[String]) -> Result<(), String> {
        let names = readers.iter().map(|reader| CString::new(reader.as_str())).collect::<Result<Vec<_>, _>>();
        let names = names.map_err(|error| error.to_string())?;
        let names: Vec<_> = names.iter().map(CString::as_c_str).collect();
        match reader_state::wait_until(Condition::Listed, &names, &self.launcher) {
            Err(_) if self.lock().child.is_none() => Err("the daemon ended while it started".into()),
            Err(error) => {
                show_log("the daemon does not list the readers");
                Err(error)
            }
            Ok(_) => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics with the daemon")
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id() as libc::pid_t)
}

/// Waits until the process has ended, or stopped with all its threads, and leaves the reaping to its owner. After
/// SIGSTOP a process runs until one of its threads sees the signal, which takes a while on a busy machine.
pub fn wait_without_reaping(pid: Pid, until: WaitPidFlag) {
    while waitid(Id::Pid(pid), until | WaitPidFlag::WNOWAIT) == Err(Errno::EINTR) {}
}

/// A killed daemon leaves its socket and its id file, and then the next one would not start.
fn remove_stale_files() -> io::Result<()> {
    for entry in fs::read_dir(RUN_PCSCD)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn log() -> PathBuf {
    configuration::files().join("pcscd.log")
}

fn show_log(why: &str) {
    let text = fs::read_to_string(log()).unwrap_or_default();
    // If even that fails, nobody is left to tell.
    let _ = writeln!(io::stderr(), "scm-stack: {why}; it said:\n{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn child(program: &str, argument: &str) -> Child {
        Command::new(program).arg(argument).spawn().unwrap()
    }

    #[test]
    fn a_stopped_process_is_stopped_on_return() {
        let mut sleeper = child("sleep", "60");
        let pid = pid(&sleeper);
        kill(pid, Signal::SIGSTOP).unwrap();
        wait_without_reaping(pid, WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED);
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        assert_eq!(stat.rsplit(") ").next().unwrap().chars().next(), Some('T'));
        // It can be called twice.
        wait_without_reaping(pid, WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED);
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
    }

    #[test]
    fn a_process_that_ends_instead_ends_the_wait() {
        let mut ended = child("true", "");
        wait_without_reaping(pid(&ended), WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED);
        assert!(ended.wait().unwrap().success());
    }
}

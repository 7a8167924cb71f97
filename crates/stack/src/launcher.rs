//! The only thread that starts processes.
//!
//! Every process of a stack dies with it, even if the stack is killed: the kernel sends SIGKILL when the parent dies.
//! The kernel takes the *thread* that forked for the parent, so a thread that lives as long as the stack must fork for
//! all others.

use std::io::{Error, Result};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getpid, getppid};

pub struct Launcher(Sender<Launch>);

struct Launch {
    command: Command,
    reply: Sender<Result<Child>>,
}

impl Launcher {
    pub fn start() -> Self {
        let (sender, launches) = channel();
        thread::spawn(move || serve(launches));
        Launcher(sender)
    }

    /// Starts `command`, which dies with this process.
    pub fn launch(&self, command: Command) -> Result<Child> {
        let (reply, child) = channel();
        self.0.send(Launch { command, reply }).map_err(Error::other)?;
        child.recv().map_err(Error::other)?
    }
}

fn serve(launches: Receiver<Launch>) {
    for Launch { mut command, reply } in launches {
        let child = tie(&mut command, getpid()).spawn();
        // The requesting thread waits for the reply.
        let _ = reply.send(child);
    }
}

fn tie(command: &mut Command, stack: Pid) -> &mut Command {
    let tie = move || {
        set_pdeathsig(Signal::SIGKILL)?;
        // The stack may have died before this call.
        if getppid() == stack { Ok(()) } else { Err(Error::from_raw_os_error(libc::ESRCH)) }
    };
    // SAFETY: between fork and exec it makes two system calls and allocates nothing.
    unsafe { command.pre_exec(tie) }
}

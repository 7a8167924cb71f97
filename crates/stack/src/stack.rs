//! The stack: a daemon, its readers, and the execution of orders.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use nix::sys::signal::Signal;

use crate::answer::{Answer, done};
use crate::configuration::{Configuration, Entry};
use crate::daemon::Daemon;
use crate::ifd::Ifd;
use crate::launcher::Launcher;
use crate::order::{DaemonAction, Order, ReaderAction};
use crate::reader_state::Condition;

pub struct Stack {
    configuration: Mutex<Configuration>,
    daemon: Arc<Daemon>,
    ifds: Vec<Ifd>,
    /// The directory of the card programs.
    cards: PathBuf,
    launcher: Arc<Launcher>,
}

impl Stack {
    pub fn new(configuration: Configuration, cards: PathBuf, pcscd: PathBuf, launcher: Arc<Launcher>) -> Self {
        Stack {
            daemon: Daemon::new(pcscd, Arc::clone(&launcher)),
            ifds: configuration.entries.iter().map(Ifd::new).collect(),
            configuration: Mutex::new(configuration),
            cards,
            launcher,
        }
    }

    /// Starts the daemon; waits until it lists its readers and reports every inserted card.
    pub fn start(&self) -> Result<(), String> {
        let configuration = self.configuration();
        self.daemon.start(configuration.names().collect())?;
        for (ifd, entry) in self.ifds.iter().zip(&configuration.entries) {
            if entry.is_plugged && ifd.has_card() {
                ifd.wait_until(Condition::Present, &self.launcher)?;
            }
        }
        Ok(())
    }

    fn configuration(&self) -> MutexGuard<'_, Configuration> {
        self.configuration.lock().expect("no thread panics with the configuration")
    }

    /// Ends everything. Every process is also tied to the life of this one.
    pub fn take_down(&self) {
        for ifd in &self.ifds {
            // There may be no card.
            let _ = ifd.pull();
        }
        // Nor a daemon.
        let _ = self.daemon.end(Signal::SIGKILL);
    }

    pub fn execute(&self, order: Order) -> Answer {
        match order {
            Order::Ifd(index, ReaderAction::Unplug) => self.change(index, |entry| entry.is_plugged = false),
            Order::Ifd(index, ReaderAction::Plug(name)) => self.change(index, |entry| entry.plug(name)),
            Order::Ifd(index, reader_action) => self.do_at(self.ifd(index)?, reader_action),
            Order::Daemon(daemon_action) => self.daemon_action(daemon_action),
        }
    }

    fn do_at(&self, ifd: &Ifd, reader_action: ReaderAction) -> Answer {
        match reader_action {
            ReaderAction::Name => ifd.name(),
            ReaderAction::Port => ifd.port(),
            ReaderAction::Insert(kind) => ifd.insert(&kind, &self.cards, &self.launcher),
            ReaderAction::InsertNow(kind) => ifd.insert_now(&kind, &self.cards, &self.launcher),
            ReaderAction::Remove => ifd.remove(&self.launcher),
            ReaderAction::Pull => ifd.pull(),
            ReaderAction::Await(wanted) => ifd.wait_until(wanted, &self.launcher),
            ReaderAction::Tell(line) => ifd.tell_card(&line),
            ReaderAction::Reset(disposition) => ifd.reset(disposition),
            ReaderAction::Hold(kind) => ifd.hold(kind, &self.launcher),
            ReaderAction::Release(release) => ifd.release(release),
            ReaderAction::Unplug | ReaderAction::Plug(_) => Err("a reader comes and goes with its daemon".into()),
        }
    }

    /// vpcd cannot be unplugged, so the configuration of the daemon changes, which it reads at its start.
    fn change(&self, index: usize, change: impl FnOnce(&mut Entry)) -> Answer {
        let ifd = self.ifd(index)?;
        {
            let mut configuration = self.configuration();
            let entry = configuration.entries.get_mut(index).ok_or("there is no such reader")?;
            change(entry);
            ifd.rename(entry);
            configuration.write_readers().map_err(|error| error.to_string())?;
        }
        if self.daemon.runs() {
            self.daemon.end(Signal::SIGKILL)?;
            self.start()?;
        }
        done()
    }

    fn daemon_action(&self, daemon_action: DaemonAction) -> Answer {
        match daemon_action {
            DaemonAction::Start => self.start()?,
            DaemonAction::End(signal) => self.daemon.end(signal)?,
            DaemonAction::Signal(signal) => self.daemon.signal(signal)?,
            DaemonAction::Restart(signal) => {
                self.daemon.end(signal)?;
                self.start()?;
            }
        }
        done()
    }

    fn ifd(&self, index: usize) -> Result<&Ifd, String> {
        self.ifds.get(index).ok_or_else(|| format!("there is no reader {index}"))
    }
}

//! The stack: a daemon, its readers, and how they obey the control socket.

use std::path::PathBuf;
use std::sync::Arc;

use nix::sys::signal::Signal;

use crate::answer::{done, Answer};
use crate::configuration::Configuration;
use crate::daemon::Daemon;
use crate::ifd::Ifd;
use crate::launcher::Launcher;
use crate::order::{Act, Deed, Order};
use crate::resource_manager::Presence;

pub struct Stack {
    daemon: Arc<Daemon>,
    ifds: Vec<Ifd>,
    /// The directory of the card programs.
    cards: PathBuf,
    launcher: Arc<Launcher>,
}

impl Stack {
    pub fn new(configuration: &Configuration, cards: PathBuf, pcscd: PathBuf, launcher: Arc<Launcher>) -> Self {
        Stack {
            daemon: Daemon::new(pcscd, configuration.names().collect(), Arc::clone(&launcher)),
            ifds: configuration.entries.iter().map(Ifd::new).collect(),
            cards,
            launcher,
        }
    }

    /// Starts the daemon; waits until it lists its readers and reports every card that is in one.
    pub fn start(&self) -> Result<(), String> {
        self.daemon.start()?;
        for ifd in self.ifds.iter().filter(|ifd| ifd.has_card()) {
            ifd.wait_until(Presence::Present)?;
        }
        Ok(())
    }

    /// Ends all that was started. Every process is also tied to the life of this one.
    pub fn take_down(&self) {
        for ifd in &self.ifds {
            // There need not be a card.
            let _ = ifd.pull();
        }
        // Nor a daemon.
        let _ = self.daemon.end(Signal::SIGKILL);
    }

    pub fn obey(&self, order: Order) -> Answer {
        match order {
            Order::Ifd(index, deed) => self.do_at(self.ifd(index)?, deed),
            Order::Daemon(act) => self.act(act),
        }
    }

    fn do_at(&self, ifd: &Ifd, deed: Deed) -> Answer {
        match deed {
            Deed::Name => ifd.name(),
            Deed::Insert(kind) => ifd.insert(&kind, &self.cards, &self.launcher),
            Deed::InsertNow(kind) => ifd.insert_now(&kind, &self.cards, &self.launcher),
            Deed::Remove => ifd.remove(),
            Deed::Pull => ifd.pull(),
            Deed::Await(presence) => ifd.wait_until(presence),
            Deed::Tell(line) => ifd.tell_card(&line),
            Deed::Reset(disposition) => ifd.reset(disposition),
            Deed::Hold(grip) => ifd.hold(grip),
            Deed::Release(disposition) => ifd.release(disposition),
        }
    }

    fn act(&self, act: Act) -> Answer {
        match act {
            Act::Start => self.start()?,
            Act::End(signal) => self.daemon.end(signal)?,
            Act::Restart(signal) => {
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

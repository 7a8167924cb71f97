//! One reader of the stack and its card.

use std::ffi::CString;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use pcsc::Disposition;

use crate::answer::{Answer, done};
use crate::card::Kind;
use crate::configuration::Entry;
use crate::hold::{Hold, HoldKind, Release};
use crate::launcher::Launcher;
use crate::program::Program;
use crate::reader_state::{self, Condition};
use crate::resource_manager::{self, text};

pub struct Ifd {
    name: Mutex<CString>,
    port: u16,
    /// The inserted card; drop removes it.
    card: Mutex<Option<Program>>,
    hold: Mutex<Option<Hold>>,
}

impl Ifd {
    pub fn new(entry: &Entry) -> Self {
        Ifd { name: Mutex::new(name(entry)), port: entry.port, card: Mutex::default(), hold: Mutex::default() }
    }

    pub fn name(&self) -> Answer {
        Ok(lock(&self.name).to_string_lossy().into_owned())
    }

    pub fn port(&self) -> Answer {
        Ok(self.port.to_string())
    }

    /// `entry` has its name now.
    pub fn rename(&self, entry: &Entry) {
        *lock(&self.name) = name(entry);
    }

    /// The name, for a thread that waits and must not hold the reader.
    fn c_name(&self) -> CString {
        lock(&self.name).clone()
    }

    pub fn has_card(&self) -> bool {
        lock(&self.card).is_some()
    }

    /// Starts a card program in this reader, and does not wait for the daemon to see it.
    pub fn insert_now(&self, kind: &Kind, directory: &Path, launcher: &Launcher) -> Answer {
        let mut card = lock(&self.card);
        if card.is_some() {
            return Err("there is a card in this reader".into());
        }
        *card = Some(kind.start(directory, self.port, launcher)?);
        done()
    }

    /// Inserts a card, and waits until the daemon reports it. First it waits until the daemon has seen the removal of
    /// the last card, which it could report otherwise. A card that is not reported is removed.
    pub fn insert(&self, kind: &Kind, directory: &Path, launcher: &Launcher) -> Answer {
        if !self.has_card() {
            self.wait_until(Condition::Empty, launcher)?;
        }
        self.insert_now(kind, directory, launcher)?;
        self.wait_until(Condition::Present, launcher).inspect_err(|_| drop(self.pull()))
    }

    /// Kills the card program, and does not wait for the daemon to see it.
    pub fn pull(&self) -> Answer {
        let card = lock(&self.card).take();
        card.map(drop).ok_or("there is no card in this reader")?;
        done()
    }

    /// Removes the card, and waits until the daemon reports it.
    pub fn remove(&self, launcher: &Launcher) -> Answer {
        self.pull()?;
        self.wait_until(Condition::Empty, launcher)
    }

    pub fn wait_until(&self, wanted: Condition, launcher: &Launcher) -> Answer {
        reader_state::wait_until(wanted, &[&self.c_name()], launcher)
    }

    /// Passes `line` to the card program.
    pub fn tell_card(&self, line: &str) -> Answer {
        lock(&self.card).as_mut().ok_or("there is no card in this reader")?.tell(line)
    }

    pub fn reset(&self, disposition: Disposition) -> Answer {
        resource_manager::reset(&self.c_name(), disposition).map_err(text)?;
        done()
    }

    pub fn hold(&self, kind: HoldKind, launcher: &Launcher) -> Answer {
        let mut hold = lock(&self.hold);
        if hold.is_some() {
            return Err("the card is held already".into());
        }
        *hold = Some(Hold::take(&self.c_name(), kind, launcher)?);
        done()
    }

    pub fn release(&self, release: Release) -> Answer {
        let hold = lock(&self.hold).take();
        hold.ok_or("the card is not held")?.release(release)
    }
}

fn name(entry: &Entry) -> CString {
    // A line of the control socket may contain one, and then the daemon does not list the reader.
    CString::new(entry.name(0)).unwrap_or_default()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread panics with a reader")
}

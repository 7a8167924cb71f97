//! One reader of the stack, and what is in it.

use std::ffi::CString;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use pcsc::Disposition;

use crate::answer::{Answer, done};
use crate::card::Kind;
use crate::configuration::Entry;
use crate::hold::{Grip, Hold, Release};
use crate::launcher::Launcher;
use crate::onlooker::{self, Sight};
use crate::program::Program;
use crate::resource_manager::{self, text};

pub struct Ifd {
    name: Mutex<CString>,
    port: u16,
    /// The card that is in; dropping it pulls it.
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

    /// It is called as `entry` says now.
    pub fn rename(&self, entry: &Entry) {
        *lock(&self.name) = name(entry);
    }

    /// The name, for somebody who waits, and must not keep it.
    fn c_name(&self) -> CString {
        lock(&self.name).clone()
    }

    pub fn has_card(&self) -> bool {
        lock(&self.card).is_some()
    }

    /// Starts a card program in this reader, and does not wait until the daemon has seen it.
    pub fn insert_now(&self, kind: &Kind, directory: &Path, launcher: &Launcher) -> Answer {
        let mut card = lock(&self.card);
        if card.is_some() {
            return Err("there is a card in this reader".into());
        }
        *card = Some(kind.start(directory, self.port, launcher)?);
        done()
    }

    /// Puts a card in, and waits until the daemon reports it. It first waits until the daemon has seen that the last
    /// card is gone: otherwise it might report that one. A card that is not reported is taken out again.
    pub fn insert(&self, kind: &Kind, directory: &Path, launcher: &Launcher) -> Answer {
        if !self.has_card() {
            self.wait_until(Sight::Empty, launcher)?;
        }
        self.insert_now(kind, directory, launcher)?;
        self.wait_until(Sight::Present, launcher).inspect_err(|_| drop(self.pull()))
    }

    /// Kills the card program, and does not wait until the daemon has seen it.
    pub fn pull(&self) -> Answer {
        let card = lock(&self.card).take();
        card.map(drop).ok_or("there is no card in this reader")?;
        done()
    }

    /// Takes the card out, and waits until the daemon reports it.
    pub fn remove(&self, launcher: &Launcher) -> Answer {
        self.pull()?;
        self.wait_until(Sight::Empty, launcher)
    }

    pub fn wait_until(&self, sight: Sight, launcher: &Launcher) -> Answer {
        onlooker::wait_until(sight, &[&self.c_name()], launcher)
    }

    /// Hands `line` to the card program.
    pub fn tell_card(&self, line: &str) -> Answer {
        lock(&self.card).as_mut().ok_or("there is no card in this reader")?.tell(line)
    }

    pub fn reset(&self, disposition: Disposition) -> Answer {
        resource_manager::reset(&self.c_name(), disposition).map_err(text)?;
        done()
    }

    pub fn hold(&self, grip: Grip, launcher: &Launcher) -> Answer {
        let mut hold = lock(&self.hold);
        if hold.is_some() {
            return Err("the card is held already".into());
        }
        *hold = Some(Hold::take(&self.c_name(), grip, launcher)?);
        done()
    }

    pub fn release(&self, release: Release) -> Answer {
        let hold = lock(&self.hold).take();
        hold.ok_or("the card is not held")?.release(release)
    }
}

fn name(entry: &Entry) -> CString {
    // A line of the control socket may have one, and then the daemon does not list it.
    CString::new(entry.name(0)).unwrap_or_default()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread panics with a reader")
}

//! The daemon's configuration: the readers, their drivers and their ports.
//!
//! One driver entry makes two readers, one for each slot. Slots of one entry share a lock, entries that share a library
//! share its static state; so each reader of the stack is slot 0 of an entry with a copy of the library to itself.
//! Slot 1 stays empty forever.

use std::fs;
use std::io::Result;
use std::path::{Path, PathBuf};

use crate::namespace::RUN_PCSCD;

/// The daemon takes 16 readers, and each entry makes two.
pub const MAX_READERS: u8 = 8;

/// The network is private, so any port will do except vpcd's usual one: the kernel gives clients ports from 32768 on,
/// and a card that reconnects too early would occupy a port that the daemon needs.
const FIRST_PORT: u16 = 0x5C7B;

/// The readers of a stack, and the place of its files.
pub struct Configuration {
    pub entries: Vec<Entry>,
    driver: Vec<u8>,
}

/// One reader for cards, and its empty second slot.
pub struct Entry {
    letter: char,
    pub port: u16,
    /// Its name in the daemon.
    friendly_name: String,
    pub is_plugged: bool,
}

impl Configuration {
    /// The configuration for the readers. Reads `driver` now, because the namespaces hide its directory.
    pub fn of(readers: u8, driver: &Path) -> std::result::Result<Self, String> {
        let driver = fs::read(driver).map_err(|error| format!("{}: {error}", driver.display()))?;
        Ok(Configuration { entries: (0..readers).map(Entry::new).collect(), driver })
    }

    /// Writes the daemon's configuration and the copies of the driver.
    pub fn write(&self) -> Result<()> {
        fs::create_dir_all(directory())?;
        for entry in &self.entries {
            fs::write(entry.driver_copy(), &self.driver)?;
        }
        self.write_readers()
    }

    /// Writes the present readers.
    pub fn write_readers(&self) -> Result<()> {
        let texts: Vec<String> = self.plugged().map(Entry::text).collect();
        fs::write(directory().join("readers"), texts.join("\n"))
    }

    /// The names of all readers that the daemon will list.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.plugged().flat_map(|entry| [entry.name(0), entry.name(1)])
    }

    fn plugged(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_plugged)
    }
}

impl Entry {
    fn new(index: u8) -> Self {
        let letter = (b'A' + index).into();
        let port = FIRST_PORT + 2 * u16::from(index);
        Entry { letter, port, friendly_name: format!("Virtual {letter}"), is_plugged: true }
    }

    /// It is present from the next start of the daemon on, perhaps under another name.
    pub fn plug(&mut self, friendly_name: Option<String>) {
        self.is_plugged = true;
        if let Some(name) = friendly_name {
            self.friendly_name = name;
        }
    }

    /// The name that the daemon gives to the reader at `slot`.
    pub fn name(&self, slot: u8) -> String {
        format!("{} 00 {slot:02}", self.friendly_name)
    }

    fn driver_copy(&self) -> PathBuf {
        files().join(format!("vpcd-{}.so", self.letter))
    }

    fn text(&self) -> String {
        format!(
            "FRIENDLYNAME \"{}\"\nDEVICENAME /dev/null:{port:#06X}\nLIBPATH {}\nCHANNELID {port:#06X}\n",
            self.friendly_name,
            self.driver_copy().display(),
            port = self.port,
        )
    }
}

/// The directory of the stack's files: beside that of the daemon, which removes stale files there but no directories.
pub fn files() -> PathBuf {
    Path::new(RUN_PCSCD).join("stack")
}

/// The daemon reads every file in this directory as configuration.
pub fn directory() -> PathBuf {
    files().join("configuration")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_names_its_port_and_a_library_of_its_own() {
        let text = Entry::new(1).text();
        assert_eq!(
            text,
            "FRIENDLYNAME \"Virtual B\"\n\
             DEVICENAME /dev/null:0x5C7D\n\
             LIBPATH /run/pcscd/stack/vpcd-B.so\n\
             CHANNELID 0x5C7D\n"
        );
    }

    #[test]
    fn every_entry_makes_two_readers() {
        let configuration = Configuration { entries: (0..2).map(Entry::new).collect(), driver: vec![] };
        let names: Vec<String> = configuration.names().collect();
        assert_eq!(names, ["Virtual A 00 00", "Virtual A 00 01", "Virtual B 00 00", "Virtual B 00 01"]);
    }

    #[test]
    fn a_reader_comes_and_goes_and_is_called_as_one_likes() {
        let mut configuration = Configuration { entries: (0..2).map(Entry::new).collect(), driver: vec![] };
        configuration.entries[0].is_plugged = false;
        assert_eq!(configuration.names().next().as_deref(), Some("Virtual B 00 00"));
        configuration.entries[0].plug(Some("Another Name".into()));
        assert_eq!(configuration.names().next().as_deref(), Some("Another Name 00 00"));
        configuration.entries[0].is_plugged = false;
        configuration.entries[0].plug(None);
        assert_eq!(configuration.names().next().as_deref(), Some("Another Name 00 00"));
    }
}

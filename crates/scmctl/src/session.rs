//! The things that all commands share: the output, the card that the user has chosen, and the limit of waits.

use std::fs;
use std::time::Instant;

use crate::arguments::Arguments;
use crate::code;
use crate::failure::Failure;
use crate::library::{self, Attachment, Share, VirtualCard};
use crate::output::Output;
use crate::present::{Present, present};

/// How long a wait for another program is not told.
const PATIENCE_MS: u32 = 1000;

pub struct Session<'a> {
    pub output: &'a Output,
    /// Part of the name of a reader.
    part: Option<&'a str>,
    limit_ms: u32,
    /// Codes to present at the attach.
    verify: Option<u8>,
    pub codes: &'a code::Format,
    /// When the command began.
    pub begin: Instant,
    /// The card of `--card`.
    virtual_card: Option<VirtualCard>,
}

impl<'a> Session<'a> {
    pub fn begin(arguments: &'a Arguments, output: &'a Output) -> Result<Session<'a>, Failure> {
        let virtual_card = arguments.card.as_deref().map(insert).transpose()?;
        let (part, limit_ms) = (arguments.reader.as_deref(), arguments.limit.unwrap_or(0));
        Ok(Session {
            output,
            part,
            limit_ms,
            verify: arguments.verify,
            codes: &arguments.codes,
            begin: Instant::now(),
            virtual_card,
        })
    }

    pub fn has_virtual_card(&self) -> bool {
        self.virtual_card.is_some()
    }

    /// The readers that the user wants to know of.
    pub fn wanted(&self, names: Vec<String>) -> Result<Vec<String>, Failure> {
        let wanted: Vec<String> = names.iter().filter(|name| self.wants(name)).cloned().collect();
        match self.part {
            Some(part) if wanted.is_empty() && !names.is_empty() => Err(Failure::unknown_reader(part, &names)),
            _ => Ok(wanted),
        }
    }

    /// Whether the user wants to know of this reader.
    pub fn wants(&self, reader: &str) -> bool {
        let is_ours = !self.has_virtual_card() || reader == VirtualCard::READER;
        is_ours && self.part.is_none_or(|part| contains(reader, part))
    }

    /// The one reader to use: that of `--card`, the only one with `--reader` in its name, or the only one with a card.
    pub fn reader(&self) -> Result<String, Failure> {
        let Present { readers, cards } = present(self)?;
        if readers.is_empty() {
            let error = library::Error::named("SCM_SCARD_E_NO_READERS_AVAILABLE");
            return Err(Failure::attach("readers", error));
        }
        if let Some(part) = self.part {
            return only_match(&readers, part);
        }
        if let [name] = readers.as_slice() {
            return Ok(name.clone());
        }
        let with_card: Vec<&String> = readers.iter().filter(|name| cards.contains_key(*name)).collect();
        match with_card.as_slice() {
            [name] => Ok((*name).clone()),
            [] => Err(Failure::attach(readers.join(", "), library::Error::named(library::NO_SMARTCARD))),
            several => {
                let names: Vec<&str> = several.iter().map(|name| name.as_str()).collect();
                Err(Failure::usage(
                    "several readers have a card",
                    format!("choose with --reader: {}", names.join(", ")),
                ))
            }
        }
    }

    /// An attachment to the card, with the code of `--verify` presented.
    pub fn attach(&self) -> Result<Attachment, Failure> {
        let reader = self.reader()?;
        let card = self.wait_for(&reader).map_err(|error| Failure::attach(reader, error))?;
        if let Some(number) = self.verify {
            code::present(self, &card, number)?;
        }
        Ok(card)
    }

    /// After a second it says that it waits for another program.
    fn wait_for(&self, reader: &str) -> library::Result<Attachment> {
        match self.attach_soon(reader, Share::Shared, PATIENCE_MS) {
            Ok(card) => Ok(card.with_limit(self.limit_ms)),
            Err(error) if error.is(library::TIMEOUT) && self.limit_ms == 0 => {
                let reader_name = crate::text::printable(reader);
                self.output
                    .remark(format!("{reader_name}: another program holds the card. Waiting; --limit ends that."));
                self.attach_to(reader, Share::Shared)
            }
            Err(error) => Err(error),
        }
    }

    pub fn attach_to(&self, reader: &str, share: Share) -> library::Result<Attachment> {
        Attachment::to(reader, share, self.limit_ms)
    }

    /// For an overview, which must not wait without end: with this limit if the user has given none.
    pub fn attach_soon(&self, reader: &str, share: Share, limit_ms: u32) -> library::Result<Attachment> {
        Attachment::to(reader, share, if self.limit_ms == 0 { limit_ms } else { self.limit_ms })
    }
}

/// The built-in name, or the content of the file.
fn insert(profile: &str) -> Result<VirtualCard, Failure> {
    const BUILT_IN: [&str; 2] = ["default", "steerable"];
    let description = if BUILT_IN.contains(&profile) {
        profile.to_owned()
    } else {
        fs::read_to_string(profile).map_err(|error| Failure::input(profile, error))?
    };
    if let Some(error) = VirtualCard::error(&description) {
        return Err(Failure::data(profile, error));
    }
    VirtualCard::insert(&description).map_err(|error| Failure::library(profile, error))
}

fn contains(name: &str, part: &str) -> bool {
    name.to_lowercase().contains(&part.to_lowercase())
}

/// The name that equals the part, or the only one that contains it.
fn only_match(names: &[String], part: &str) -> Result<String, Failure> {
    if let Some(name) = names.iter().find(|name| *name == part) {
        return Ok(name.clone());
    }
    let matches: Vec<&String> = names.iter().filter(|name| contains(name, part)).collect();
    match matches.as_slice() {
        [name] => Ok((*name).clone()),
        [] => Err(Failure::unknown_reader(part, names)),
        several => {
            let several: Vec<&str> = several.iter().map(|name| name.as_str()).collect();
            Err(Failure::usage(part, format!("several readers have this in their names: {}", several.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["ACS ACR122U 00 00", "ACS ACR122U 00 01", "Yubico YubiKey", "Yubi"].map(String::from).to_vec()
    }

    #[test]
    fn a_part_of_a_name_chooses_a_reader() {
        assert_eq!(only_match(&names(), "yubikey").unwrap(), "Yubico YubiKey");
        assert_eq!(only_match(&names(), "00 01").unwrap(), "ACS ACR122U 00 01");
    }

    #[test]
    fn a_whole_name_is_not_a_part_of_another() {
        assert_eq!(only_match(&names(), "Yubi").unwrap(), "Yubi");
    }

    #[test]
    fn an_ambiguous_or_unknown_part_lists_the_names() {
        assert!(only_match(&names(), "acs").unwrap_err().to_string().contains("ACR122U 00 01"));
        assert!(only_match(&names(), "gemalto").unwrap_err().to_string().contains("Yubico YubiKey"));
    }
}

//! The things that all commands share: the output, the card that the user has chosen, and the limit of waits.

use std::fs;
use std::path::Path;
use std::time::Instant;

use crate::arguments::Arguments;
use crate::code;
use crate::failure::Failure;
use crate::library::{self, Attachment, Share, VirtualCard};
use crate::output::Output;
use crate::present::present;

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
        let verify = arguments.verify.map(code::Number::get).transpose()?;
        let virtual_card = arguments.card.as_deref().map(insert).transpose()?;
        let (part, limit_ms) = (arguments.reader.as_deref(), arguments.limit.unwrap_or(0));
        Ok(Session { output, part, limit_ms, verify, codes: &arguments.codes, begin: Instant::now(), virtual_card })
    }

    pub fn has_virtual_card(&self) -> bool {
        self.virtual_card.is_some()
    }

    /// The readers that the user wants to know of. A whole name is not a part of another one.
    pub fn wanted(&self, names: Vec<String>) -> Result<Vec<String>, Failure> {
        match self.part {
            Some(part) if !names.is_empty() => matches(&names, part),
            _ => Ok(names),
        }
    }

    /// Whether the user wants to know of this reader.
    pub fn wants(&self, reader: &str) -> bool {
        let is_ours = !self.has_virtual_card() || reader == VirtualCard::READER;
        is_ours && self.part.is_none_or(|part| contains(reader, part))
    }

    /// The one reader to use: of those that `--reader` allows, the only one, or the only one with a card.
    pub fn reader(&self) -> Result<String, Failure> {
        let present = present(self)?;
        let readers: Vec<String> = present.iter().map(|reader| reader.name.clone()).collect();
        if readers.is_empty() {
            let error = library::Error::named("SCM_SCARD_E_NO_READERS_AVAILABLE");
            return Err(Failure::library("readers", error));
        }
        let readers = self.wanted(readers)?;
        let has_card = |name: &&String| present.iter().any(|reader| reader.name == **name && reader.atr.is_some());
        let with_card: Vec<&str> = readers.iter().filter(has_card).map(String::as_str).collect();
        match (readers.as_slice(), with_card.as_slice()) {
            ([name], _) => Ok(name.clone()),
            (_, [name]) => Ok((*name).into()),
            (several, []) => Err(Failure::library(several.join(", "), library::Error::named(library::NO_SMARTCARD))),
            (_, several) => {
                let text = format!("choose with --reader: {}", several.join(", "));
                Err(Failure::usage("several readers have a card", text))
            }
        }
    }

    /// An attachment to the card, with the code of `--verify` presented.
    pub fn attach(&self) -> Result<Attachment, Failure> {
        let reader = self.reader()?;
        let card = self.wait_for(&reader).map_err(|error| Failure::library(reader, error))?;
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
fn insert(profile: &Path) -> Result<VirtualCard, Failure> {
    const BUILT_IN: [&str; 2] = ["default", "steerable"];
    let name = profile.display().to_string();
    let description = if BUILT_IN.contains(&name.as_str()) {
        name.clone()
    } else {
        fs::read_to_string(profile).map_err(|error| Failure::input(&name, error))?
    };
    if let Some(error) = VirtualCard::error(&description) {
        return Err(Failure::data(name, error));
    }
    VirtualCard::insert(&description).map_err(|error| Failure::library(name, error))
}

fn contains(name: &str, part: &str) -> bool {
    name.to_lowercase().contains(&part.to_lowercase())
}

/// The name that equals the part, or all that contain it.
fn matches(names: &[String], part: &str) -> Result<Vec<String>, Failure> {
    if names.iter().any(|name| name == part) {
        return Ok(vec![part.into()]);
    }
    let matches: Vec<String> = names.iter().filter(|name| contains(name, part)).cloned().collect();
    if matches.is_empty() { Err(Failure::unknown_reader(part, names)) } else { Ok(matches) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["ACS ACR122U 00 00", "ACS ACR122U 00 01", "Yubico YubiKey", "Yubi"].map(String::from).to_vec()
    }

    #[test]
    fn a_part_of_a_name_chooses_readers() {
        assert_eq!(matches(&names(), "yubikey").unwrap(), ["Yubico YubiKey"]);
        assert_eq!(matches(&names(), "00 01").unwrap(), ["ACS ACR122U 00 01"]);
        assert_eq!(matches(&names(), "acs").unwrap(), names()[..2]);
    }

    #[test]
    fn a_whole_name_is_not_a_part_of_another() {
        assert_eq!(matches(&names(), "Yubi").unwrap(), ["Yubi"]);
    }

    #[test]
    fn an_unknown_part_lists_the_names() {
        assert!(matches(&names(), "gemalto").unwrap_err().to_string().contains("Yubico YubiKey"));
    }
}

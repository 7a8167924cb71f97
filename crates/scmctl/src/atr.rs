//! An Answer to Reset, decoded (ISO/IEC 7816-3:2006, 8; historical bytes: ISO/IEC 7816-4:2013, 12.1.1).

use std::fmt::{self, Display, Formatter};
use std::fs;

use serde::Serialize;

use crate::{hex, text};

#[derive(Debug, PartialEq, Serialize)]
pub struct Atr {
    pub atr: String,
    /// direct or inverse
    pub convention: Option<&'static str>,
    pub interface_bytes: Vec<InterfaceByte>,
    /// T=0, T=1, ...
    pub protocols: Vec<String>,
    /// The fastest rate that TA1 offers: the divider of the clock.
    pub clock_divider: Option<u32>,
    pub historical: String,
    pub historical_text: Option<String>,
    pub historical_objects: Vec<Object>,
    /// Whether the check byte is right; None if there is none.
    pub check_byte: Option<bool>,
    /// Names of cards with this ATR, from the list of pcsc-tools.
    pub names: Vec<String>,
    /// Why it is no valid ATR.
    pub fault: Option<&'static str>,
}

#[derive(Debug, PartialEq, Serialize)]
pub struct InterfaceByte {
    pub name: String,
    pub value: String,
}

/// A data object of the historical bytes.
#[derive(Debug, PartialEq, Serialize)]
pub struct Object {
    pub meaning: &'static str,
    pub value: String,
}

impl Atr {
    pub fn decode(bytes: &[u8]) -> Atr {
        let mut atr = Atr {
            atr: hex::plain(bytes),
            convention: None,
            interface_bytes: Vec::new(),
            protocols: Vec::new(),
            clock_divider: None,
            historical: String::new(),
            historical_text: None,
            historical_objects: Vec::new(),
            check_byte: None,
            names: Vec::new(),
            fault: None,
        };
        atr.fault = atr.read(bytes).err();
        atr
    }

    /// With the names of cards that pcsc-tools knows.
    pub fn with_names(bytes: &[u8]) -> Atr {
        let mut atr = Atr::decode(bytes);
        for list in ["/usr/share/pcsc/smartcard_list.txt", "/usr/local/pcsc/smartcard_list.txt"] {
            if let Ok(list) = fs::read(list) {
                atr.names = names(&String::from_utf8_lossy(&list), bytes);
                break;
            }
        }
        atr
    }

    fn read(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        const SHORT: &str = "it is shorter than its own bytes say";
        let mut rest = bytes.iter().copied();
        self.convention = Some(match rest.next() {
            Some(0x3B) => "direct",
            Some(0x3F) => "inverse",
            _ => return Err("it does not begin with 3B or 3F"),
        });
        let t0 = rest.next().ok_or(SHORT)?;
        let (mut flags, mut level) = (t0 >> 4, 1);
        let mut protocols = Vec::new();
        loop {
            let mut next_flags = 0;
            for (bit, letter) in ['A', 'B', 'C', 'D'].into_iter().enumerate() {
                if flags & 1 << bit == 0 {
                    continue;
                }
                let value = rest.next().ok_or(SHORT)?;
                let name = format!("T{letter}{level}");
                if name == "TA1" {
                    self.clock_divider = clock_divider(value);
                }
                self.interface_bytes.push(InterfaceByte { name, value: hex::plain(&[value]) });
                if letter == 'D' {
                    next_flags = value >> 4;
                    protocols.push(value & 0x0F);
                }
            }
            if flags & 8 == 0 {
                break;
            }
            (flags, level) = (next_flags, level + 1);
        }
        // Without TD1 only T=0 is offered. T=15 is no protocol.
        let has_check_byte = protocols.iter().any(|&protocol| protocol != 0);
        if protocols.is_empty() {
            protocols.push(0);
        }
        protocols.retain(|&protocol| protocol != 15);
        protocols.dedup();
        self.protocols = protocols.iter().map(|protocol| format!("T={protocol}")).collect();

        let historical: Vec<u8> = rest.by_ref().take(usize::from(t0 & 0x0F)).collect();
        self.historical = hex::plain(&historical);
        self.historical_text = text::text(&historical).map(str::to_owned);
        self.historical_objects = objects(&historical);
        if historical.len() < usize::from(t0 & 0x0F) {
            return Err(SHORT);
        }
        if has_check_byte {
            rest.next().ok_or("the check byte (TCK) is missing")?;
            let is_right = bytes.iter().skip(1).take(bytes.len() - 1 - rest.len()).fold(0, |sum, byte| sum ^ byte) == 0;
            self.check_byte = Some(is_right);
            if !is_right {
                return Err("the check byte (TCK) is wrong");
            }
        }
        if rest.len() > 0 { Err("it is longer than its own bytes say") } else { Ok(()) }
    }
}

/// Fi / Di of TA1 (ISO/IEC 7816-3:2006, tables 7 and 8): cycles of the clock for a bit.
fn clock_divider(ta1: u8) -> Option<u32> {
    const FI: [u32; 16] = [372, 372, 558, 744, 1116, 1488, 1860, 0, 0, 512, 768, 1024, 1536, 2048, 0, 0];
    const DI: [u32; 16] = [0, 1, 2, 4, 8, 16, 32, 64, 12, 20, 0, 0, 0, 0, 0, 0];
    let (fi, di) = (FI[usize::from(ta1 >> 4)], DI[usize::from(ta1 & 0x0F)]);
    (fi > 0 && di > 0).then(|| fi / di)
}

/// COMPACT-TLV after the category 80 or 00, or a storage card of PC/SC part 3.
fn objects(historical: &[u8]) -> Vec<Object> {
    let object = |meaning, value: &[u8]| Object { meaning, value: hex::plain(value) };
    let (mut rest, status) = match historical {
        [0x80, 0x4F, length, value @ ..] if usize::from(*length) <= value.len() => return vec![storage_card(value)],
        [0x80, rest @ ..] => (rest, None),
        [0x00, rest @ ..] if rest.len() >= 3 => {
            let (rest, status) = rest.split_at(rest.len() - 3);
            (rest, Some(object("status indicator", status)))
        }
        [0x10, reference] => return vec![object("reference of the DIR data", &[*reference])],
        _ => return Vec::new(),
    };
    let mut found = Vec::new();
    while let [tag, value @ ..] = rest {
        let Some((value, after)) = value.split_at_checked(usize::from(tag & 0x0F)) else { break };
        found.push(object(meaning(tag >> 4), value));
        rest = after;
    }
    found.extend(status);
    found
}

fn meaning(tag: u8) -> &'static str {
    match tag {
        1 => "country and national data",
        2 => "issuer identification number",
        3 => "card service data",
        4 => "initial access data",
        5 => "data of the card issuer",
        6 => "pre-issuing data",
        7 => "card capabilities",
        8 => "status indicator",
        15 => "application identifier",
        _ => "unknown object",
    }
}

/// PC/SC part 3, 3.1.3.2.3: the RID of the PC/SC workgroup, the standard and the name of the card.
fn storage_card(value: &[u8]) -> Object {
    let meaning = match value {
        [0xA0, 0, 0, 3, 6, _, high, low, ..] => match (high, low) {
            (0x00, 0x01) => "storage card: MIFARE Classic 1K",
            (0x00, 0x02) => "storage card: MIFARE Classic 4K",
            (0x00, 0x03) => "storage card: MIFARE Ultralight",
            (0x00, 0x26) => "storage card: MIFARE Mini",
            (0x00, 0x3A) => "storage card: MIFARE Ultralight C",
            (0x00, 0x3B) => "storage card: FeliCa",
            _ => "storage card of PC/SC part 3",
        },
        _ => "application identifier",
    };
    Object { meaning, value: hex::plain(value) }
}

/// The names below the lines of the list that fit the ATR. A dot stands for any digit; other patterns are left out.
fn names(list: &str, atr: &[u8]) -> Vec<String> {
    let digits = hex::plain(atr);
    let mut found = Vec::new();
    let mut fits = false;
    for line in list.lines() {
        if let Some(name) = line.strip_prefix('\t') {
            if fits {
                found.push(text::printable(name.trim()));
            }
        } else if !line.starts_with('#') {
            let pattern: String = line.chars().filter(|character| *character != ' ').collect();
            let same = |(digit, sign): (char, char)| sign == '.' || sign.eq_ignore_ascii_case(&digit);
            fits = pattern.len() == digits.len() && digits.chars().zip(pattern.chars()).all(same);
        }
    }
    found
}

impl Display for Atr {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let bytes = hex::parse(&self.atr).unwrap_or_default();
        write!(formatter, "    ATR          {}", hex::spaced(&bytes))?;
        for name in &self.names {
            write!(formatter, "\n    known as     {name}")?;
        }
        if let Some(fault) = self.fault {
            write!(formatter, "\n    not valid    {fault}")?;
        }
        let rate =
            self.clock_divider.map_or(String::new(), |cycles| format!(", {cycles} cycles of the clock for a bit"));
        write!(formatter, "\n    protocols    {}{rate}", self.protocols.join(", "))?;
        if !self.historical.is_empty() {
            let bytes = hex::parse(&self.historical).unwrap_or_default();
            write!(formatter, "\n    historical   {}  {}", hex::spaced(&bytes), text::ascii(&bytes))?;
        }
        for Object { meaning, value } in &self.historical_objects {
            write!(formatter, "\n                 {meaning}: {value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Atr {
        Atr::decode(&hex::parse(text).unwrap())
    }

    #[test]
    fn the_atr_of_the_test_card_is_understood() {
        let atr = decode("3B8B018031F873F741FF5373636DD7");
        assert_eq!(atr.fault, None);
        assert_eq!(atr.protocols, ["T=1"]);
        assert_eq!(atr.check_byte, Some(true));
        let meanings: Vec<_> = atr.historical_objects.iter().map(|object| object.meaning).collect();
        assert_eq!(meanings, ["card service data", "card capabilities", "data of the card issuer"]);
        assert_eq!(atr.historical_objects[2].value, "73636D");
    }

    /// A MIFARE Classic 1K as ACR122U and other readers show it (PC/SC part 3).
    #[test]
    fn a_storage_card_has_a_name() {
        let atr = decode("3B8F8001804F0CA000000306030001000000006A");
        assert_eq!(atr.fault, None);
        assert_eq!(atr.protocols, ["T=0", "T=1"]);
        assert_eq!(atr.historical_objects[0].meaning, "storage card: MIFARE Classic 1K");
    }

    #[test]
    fn a_card_without_td1_speaks_t0_and_has_no_check_byte() {
        let atr = decode("3B6500002063CB6800");
        assert_eq!((atr.fault, atr.check_byte), (None, None));
        assert_eq!(atr.protocols, ["T=0"]);
        assert_eq!(decode("3B168E0000000000").clock_divider, None);
        assert_eq!(decode("3B1196 00").clock_divider, Some(16));
        assert_eq!(decode("3F650000 01020304 05").convention, Some("inverse"));
    }

    #[test]
    fn faults_are_told() {
        for (wrong, fault) in [
            ("", "begin"),
            ("00", "begin"),
            ("3B", "shorter"),
            ("3B65", "shorter"),
            ("3B02AA", "shorter"),
            ("3B00AA", "longer"),
            ("3B8001", "missing"),
            ("3B800182", "wrong"),
        ] {
            assert!(decode(wrong).fault.is_some_and(|told| told.contains(fault)), "{wrong}");
        }
        assert_eq!(decode("3B800181").fault, None);
    }

    #[test]
    fn any_bytes_are_decoded() {
        for first in 0..=255_u8 {
            for length in 0..33 {
                Atr::decode(&[&[0x3B, first][..], &vec![first.wrapping_mul(7); length]].concat());
            }
        }
    }

    #[test]
    fn the_list_of_pcsc_tools_names_cards() {
        let list = "# comment\n3B 80 01 81\n\tA card\n\tAnother\n\n3B 80 .. 8.\n\tPattern\n3B 00\n\tOther\n";
        assert_eq!(names(list, &[0x3B, 0x80, 0x01, 0x81]), ["A card", "Another", "Pattern"]);
        assert!(names(list, &[0x3B]).is_empty());
    }
}

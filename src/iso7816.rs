//! ISO/IEC 7816: ATR, commands and their delivery, status words, paths, data objects, capabilities.

pub mod apdu_text;
pub mod atr;
pub mod capabilities;
pub mod class;
pub mod command;
pub mod delivery;
pub mod path;
pub mod status_word;
pub mod tlv;

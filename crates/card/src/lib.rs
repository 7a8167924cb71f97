//! libscm_card: an ISO/IEC 7816-4 card for tests, described by a file and controlled by orders.
//!
//! [`Card`] is the card alone: bytes in, bytes out. [`TestCard`] is for tests: the card with its orders, for any number
//! of threads. `include/scm_card.h` is the same for C, and the program `scm-card` inserts it into a vpcd reader.
//!
//! ```
//! use scm_card::profile::{ElementaryFile, Profile};
//! use scm_card::TestCard;
//!
//! // From a table; or from TOML: Profile::from_toml(text).
//! let mut profile = Profile::default();
//! profile.mf.efs.push(ElementaryFile { id: 0x2F05, content: b"Hello"[..].into(), ..ElementaryFile::default() });
//! let card = TestCard::new(&profile).unwrap();
//! assert_eq!(card.transmit(&[0x00, 0xA4, 0x02, 0x0C, 0x02, 0x2F, 0x05]).unwrap(), [0x90, 0x00]);
//! assert_eq!(card.transmit(&[0x00, 0xB0, 0x00, 0x00, 0x05]).unwrap(), b"Hello\x90\x00");
//! assert_eq!(card.tell("count"), "ok 2");
//! ```
//!
//! The layers, from top to bottom: `capi`, the program → `test_card` → `steering`, `card` → `command`, `chaining`,
//! `manners` → `session` → `file_tree` → `file` → `transparent`, `records`, `code`, `key` → `access`, `status`.
//!
//! Clauses are those of ISO/IEC 7816-4:2013 unless another part or year is named.
#![deny(unsafe_op_in_unsafe_fn)]
#![deny(clippy::undocumented_unsafe_blocks)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

pub mod access;
pub mod bytes;
pub mod capi;
pub mod data_coding;
pub mod features;
pub mod file;
pub mod manners;
pub mod profile;
pub mod status;
pub mod steering;

mod apdu;
mod card;
mod chaining;
mod class;
mod code;
mod command;
mod control_parameters;
mod file_tree;
mod key;
mod personalisation;
mod records;
mod retry;
mod session;
mod test_card;
mod tlv;
mod transparent;

pub use card::Card;
pub use profile::{Profile, ProfileError};
pub use test_card::{Silence, TestCard};

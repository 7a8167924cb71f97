//! The interfaces that ISCardManage creates, for any card that keeps to ISO/IEC 7816-4: files, codes, authentication. They stand
//! on `Attachment::converse`, and know nothing of C.
#![forbid(unsafe_code)]

pub mod card_auth;
pub mod ch_verification;
pub mod cipher;
pub mod code;
pub mod control_parameters;
pub mod file;
pub mod file_access;
pub mod information;
pub mod pin_pad;
pub mod selection;

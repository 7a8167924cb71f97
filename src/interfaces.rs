//! The interfaces that ISCardManage creates: files, codes, authentication. Each is a trait. `generic` implements it for
//! every card that follows ISO/IEC 7816-4, `provided` calls the functions of a provider.
//!
//! A trait gets its arguments as C gave them, because a provider gets them so. `generic` checks them.

pub mod card_auth;
pub mod ch_verification;
pub mod file;
pub mod file_access;
pub mod generic;
pub mod identity;
pub mod name;
pub mod object;
pub mod provided;

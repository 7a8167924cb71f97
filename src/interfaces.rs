//! The interfaces that ISCardManage creates: files, codes, authentication. `generic` works with any ISO/IEC 7816-4 card,
//! `provided` is the work of a provider.

pub mod generic;
pub mod provided;

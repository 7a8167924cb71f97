//! An open file.

pub struct File {}

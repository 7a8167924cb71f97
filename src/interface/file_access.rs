//! The files of a card: what ISCardFileAccess does.

pub struct FileAccess {}

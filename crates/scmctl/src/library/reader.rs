//! The list of readers.

use super::c::scm_list_ifds;
use super::{Error, Result, S_OK, grow, texts};

pub struct Readers {
    pub names: Vec<String>,
    /// The list is empty because no service runs: this success.
    pub missing_service: Option<Error>,
}

pub fn readers() -> Result<Readers> {
    // SAFETY: the buffer has the capacity.
    let (code, names) = grow(1024, |names, capacity, length| unsafe { scm_list_ifds(names.cast(), capacity, length) })?;
    Ok(Readers { names: texts(&names), missing_service: (code != S_OK).then(|| Error::bare(code)) })
}

//! The resource managers of this process. They are asked together here: whose reader or card handle it is, and the
//! readers of all of them.

use std::ffi::CStr;

use super::pcsc::Pcsc;
use super::r#virtual::Virtual;
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::multi_string::{MultiString, texts};
use crate::resource_manager::{Context, Icc, ResourceManager, in_context};
use crate::runtime::wait::WaitLimit;

/// It gets each reader and card handle that no other has, and reports that it is unknown.
const FIRST: &dyn ResourceManager = &Pcsc;

/// The one list, in the order of the readers.
const ALL: &[&dyn ResourceManager] = &[
    FIRST,
    &Virtual,
    #[cfg(test)]
    &super::loopback::Loopback,
];

pub fn all() -> impl ExactSizeIterator<Item = &'static dyn ResourceManager> {
    ALL.iter().copied()
}

/// The resource manager of this reader.
pub fn of_ifd(ifd: &IfdName) -> Result<&'static dyn ResourceManager> {
    for manager in all().skip(1) {
        if manager.has_ifd(ifd)? {
            return Ok(manager);
        }
    }
    Ok(FIRST)
}

/// The resource manager of this card handle.
pub fn of_icc(icc: Icc) -> &'static dyn ResourceManager {
    all().skip(1).find(|manager| manager.has_icc(icc)).unwrap_or(FIRST)
}

/// Whether a reader has this name.
pub fn has_ifd(ifd: &IfdName) -> Result<bool> {
    for manager in all() {
        if manager.has_ifd(ifd)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The error of an attach to a reader of `manager`. If its service does not run, but others have readers, the program
/// works without it, and the name is unknown. But if this process cannot call the service at all, that is not known.
pub fn attach_error(manager: &dyn ResourceManager, code: Hresult) -> Hresult {
    let others_serve = || all().any(|other| other.service() != manager.service() && other.serves_ifds());
    match code {
        Hresult::SCARD_E_NO_SERVICE if others_serve() && manager.can_be_called() => Hresult::SCARD_E_UNKNOWN_READER,
        code => code,
    }
}

/// The first advice of a resource manager on its missing service.
pub fn advice() -> Option<&'static CStr> {
    all().find_map(|manager| manager.advice())
}

/// The first remedy of a resource manager for a code.
pub fn remedy(code: Hresult) -> Option<&'static str> {
    all().find_map(|manager| manager.remedy(code))
}

/// The names of all resource managers, with `SCARD_S_NO_SERVICE` if there are none because a service does not run.
pub type Listing = (MultiString, Hresult);

/// The readers of all resource managers.
pub fn list_ifds() -> Result<Listing> {
    list(|manager, context| manager.list_ifds(context))
}

/// The groups of readers of all resource managers.
pub fn list_ifd_groups() -> Result<Listing> {
    let mut groups = MultiString::new()?;
    let (all, code) = list(|manager, context| manager.list_ifd_groups(context))?;
    for group in texts(&all.into_bytes()) {
        if !groups.contains(group) {
            groups.push(group)?;
        }
    }
    Ok((groups, code))
}

fn list(ask: impl Fn(&dyn ResourceManager, Context) -> Result<Vec<u8>>) -> Result<Listing> {
    let mut listed = MultiString::new()?;
    let (mut obstacle, mut code) = (None, Hresult::S_OK);
    for manager in all() {
        match in_context(manager, &WaitLimit::ENDLESS, |context| ask(manager, context)) {
            Ok(names) => texts(&names).try_for_each(|name| listed.push(name))?,
            Err(Hresult::SCARD_E_NO_SERVICE | Hresult::SCARD_E_SERVICE_STOPPED) => {
                if manager.reports_absence() {
                    code = Hresult::SCARD_S_NO_SERVICE;
                }
            }
            Err(Hresult::E_OUTOFMEMORY) => return Err(Hresult::E_OUTOFMEMORY),
            Err(code) => obstacle = Some(code),
        }
    }
    // A program with virtual readers needs no service.
    match obstacle {
        _ if !listed.is_empty() => Ok((listed, Hresult::S_OK)),
        Some(obstacle) => Err(obstacle),
        None => Ok((listed, code)),
    }
}

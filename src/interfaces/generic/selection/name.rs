//! Names of DFs. Only the card knows the whole name of a DF, and the DFs above it.

use super::select_path::{PARENT, ask};
use super::{Expected, Requested, is_selected, select};
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::knowledge::Selection;
use crate::attachment::transaction::Transaction;
use crate::interfaces::generic::control_parameters::{self, ControlParameters, NAME};
use crate::iso7816::path::{DfName, MAX_DEPTH, MAX_NAME, MF, Path, Root};

/// The same path with the whole name of its root, as the card tells it. A card finds a DF by the beginning of its name,
/// and may later find another DF by the same beginning. With `whole` the beginning of a name finds nothing.
pub fn with_whole_name(card: &mut Transaction, path: &Path, whole: bool) -> Result<Path> {
    let Root::Name(name) = path.root() else { return Ok(*path) };
    let current = card.selection().and_then(|selection| selection.directory);
    if !whole && current.is_some_and(|current| current.root() == path.root()) {
        return Ok(*path);
    }
    let root = Path::of(path.root());
    let mut answer = Vec::new();
    select(card, &root, Expected::Directory, Requested::Everything, &mut answer)?;
    if reported_name(&answer).is_none() && whole {
        select(card, &root, Expected::Directory, Requested::Parameters, &mut answer)?;
    }
    match reported_name(&answer) {
        Some(reported) if reported == name => Ok(*path),
        Some(_) if whole => Err(Hresult::SCARD_E_FILE_NOT_FOUND),
        Some(reported) if reported.as_bytes().starts_with(name.as_bytes()) => {
            let root = Path::of(Root::Name(reported));
            card.set_selection(Some(Selection { file: root, directory: Some(root) }));
            Ok(path.with_root(Root::Name(reported)))
        }
        None if whole && name.as_bytes().len() < MAX_NAME => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
        _ => Ok(*path),
    }
}

fn reported_name(answer: &[u8]) -> Option<DfName> {
    control_parameters::objects(answer)
        .find(|object| object.tag == NAME)
        .and_then(|object| DfName::new(object.value).ok())
}

/// The same path from the MF, if it begins above a DF that was found by its name: only the card knows the place of that
/// DF.
pub fn from_known_root(card: &mut Transaction, path: &Path) -> Result<Path> {
    let Root::Name(_) = path.root() else { return Ok(*path) };
    if path.above() == 0 {
        return Ok(*path);
    }
    let above = ancestors(card, &Path::of(path.root()))?;
    let keep = above.ids().len().checked_sub(path.above() - 1).ok_or(Hresult::SCARD_E_DIR_NOT_FOUND)?;
    let known = above.ids().get(..keep).unwrap_or_default();
    let root = known.iter().try_fold(Path::MF, |path, id| path.child(*id))?;
    path.below(root)
}

/// The DF above the DF `path`, as a path from the MF. The card is asked for one parent after the other.
fn ancestors(card: &mut Transaction, path: &Path) -> Result<Path> {
    select(card, path, Expected::Directory, Requested::Nothing, &mut Vec::new())?;
    card.set_selection(None);
    let (mut ids, mut depth) = ([0; MAX_DEPTH], 0);
    loop {
        let mut answer = Vec::new();
        let status = ask(card, PARENT, &[], Requested::Parameters, &mut answer)?;
        if !is_selected(status) {
            return Err(Hresult::SCARD_E_DIR_NOT_FOUND);
        }
        match ControlParameters::read(&answer).id {
            Some(MF) => break,
            Some(id) => *ids.get_mut(depth).ok_or(Hresult::SCARD_E_DIR_NOT_FOUND)? = id,
            None => return Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
        }
        depth += 1;
    }
    ids.get(..depth).unwrap_or_default().iter().rev().try_fold(Path::MF, |path, id| path.child(*id))
}

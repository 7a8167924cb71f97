//! The files of any card (ISCardFileAccess).

use std::ffi::CStr;
use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};

use super::control_parameters::{self, FileKind};
use super::directory::{Candidates, Wanted};
use super::selection::{Expected, Requested, enter_directory, name, select};
use super::{check_flags, creation, directory, opening, properties, record};
use crate::abi::cause::{OfArgument, refuse};
use crate::abi::constants::{
    Reference, SCM_FL_GET_ALL_PROPERTIES, SCM_FL_NON_RECURSIVE, SCM_FL_PREALLOCATE, SCM_FL_RECURSIVE,
    SCM_FL_STAT_DEFAULT,
};
use crate::abi::hresult::{Hresult, Result};
use crate::abi::output::OutputBytes;
use crate::attachment::Attachment;
use crate::attachment::transaction::Transaction;
use crate::interfaces::file::File;
use crate::interfaces::file_access::{FileAccess, NewFile};
use crate::iso7816::command::{Command, ins};
use crate::iso7816::path::Path;
use crate::iso7816::status_word::StatusWord;
use crate::runtime::fallible::try_box;
use crate::runtime::wait::SCM_INFINITE;

pub struct GenericFileAccess {
    /// The current directory. The mutex is held for a moment only.
    current: Mutex<Path>,
}

impl FileAccess for GenericFileAccess {
    fn change_dir(&self, attachment: &Attachment, reference_type: u32, path: &CStr) -> Result<Hresult> {
        self.find(attachment, reference_type, path, |card, _, path| {
            if path.short_id().is_some() {
                return Err(Hresult::SCARD_E_NO_DIR);
            }
            enter_directory(card, path)?;
            self.set_current(*path);
            Ok(Hresult::S_OK)
        })
    }

    fn get_current_dir(&self, path: OutputBytes) -> Result<Hresult> {
        path.fill(&self.current().text()?)
    }

    fn resolve(
        &self,
        attachment: &Attachment,
        reference_type: u32,
        path: &CStr,
        taken_as: &mut u32,
        resolved: OutputBytes,
    ) -> Result<Hresult> {
        let (reference, path) = self.find(attachment, reference_type, path, |card, reference, path| {
            if path.short_id().is_some() {
                opening::open(card, reference, path)?;
            } else {
                opening::select_and_read(card, path, Expected::Anything)?;
            }
            Ok((reference, *path))
        })?;
        *taken_as = reference.value();
        resolved.fill(&path.text()?)
    }

    fn directory(&self, attachment: &Attachment, file_type: u32, names: OutputBytes) -> Result<Hresult> {
        self.directory_of(attachment, file_type, None, names)
    }

    fn directory_of(
        &self,
        attachment: &Attachment,
        file_type: u32,
        ids: Option<RangeInclusive<u16>>,
        names: OutputBytes,
    ) -> Result<Hresult> {
        let (wanted, candidates) = (Wanted::from_value(file_type)?, ids.map_or(Candidates::Usual, Candidates::Range));
        let current = self.current();
        let mut list =
            attachment.transact(SCM_INFINITE, |card| directory::list(card, &current, wanted, &candidates))?;
        list.try_reserve(1)?;
        list.push(0);
        names.fill(&list)
    }

    fn open(&self, attachment: &Attachment, reference_type: u32, path: &CStr) -> Result<Box<dyn File>> {
        Ok(try_box(self.find(attachment, reference_type, path, opening::open)?)?)
    }

    fn create(&self, attachment: &Attachment, reference_type: u32, path: &CStr, new: NewFile) -> Result<Hresult> {
        check_flags(new.flags, SCM_FL_PREALLOCATE)?;
        let current = self.current();
        let (reference, path) =
            creation::place(Reference::from_value(reference_type).of("reference_type")?, path.to_bytes(), &current)?;
        let preallocate = new.flags & SCM_FL_PREALLOCATE != 0;
        let template = creation::describe(reference, &path, new.properties, new.data, preallocate)?;
        attachment.transact(SCM_INFINITE, |card| {
            let directory = match reference {
                Reference::Name => current,
                _ => path.parent()?,
            };
            let directory = name::with_whole_name(card, &directory, true)?;
            let directory = name::from_known_root(card, &directory)?;
            creation::create(card, &directory, &template)?;
            match path.ids().last() {
                Some(id) if !new.data.is_empty() => {
                    opening::open(card, reference, &directory.child(*id)?)?.fill(card, new.data)
                }
                _ => Ok(()),
            }
        })?;
        Ok(Hresult::S_OK)
    }

    fn delete(&self, attachment: &Attachment, reference_type: u32, path: &CStr, flags: u32) -> Result<Hresult> {
        check_flags(flags, SCM_FL_RECURSIVE | SCM_FL_NON_RECURSIVE)?;
        if flags == SCM_FL_RECURSIVE | SCM_FL_NON_RECURSIVE {
            return Err(refuse("says both recursive and not recursive")).of("flags");
        }
        let (recursive, current) = (flags & SCM_FL_RECURSIVE != 0, self.current());
        self.find_target(attachment, reference_type, path, |card, _, path| {
            let contains_current = current.root() == path.root() && current.ids().starts_with(path.ids());
            let above = path.parent().and_then(|above| name::from_known_root(card, &above));
            delete(card, path, recursive)?;
            // A directory that was found by its name may have been deleted by its identifier.
            if contains_current || recursive && is_missing(card, &current) {
                self.set_current(above.unwrap_or(Path::MF));
            }
            Ok(Hresult::S_OK)
        })
    }

    fn get_properties(
        &self,
        attachment: &Attachment,
        reference_type: u32,
        path: &CStr,
        tags: &[u8],
        flags: u32,
        properties: OutputBytes,
    ) -> Result<Hresult> {
        check_flags(flags, SCM_FL_GET_ALL_PROPERTIES | SCM_FL_STAT_DEFAULT)?;
        let all = flags & SCM_FL_GET_ALL_PROPERTIES != 0;
        let requested = if all { Requested::Everything } else { Requested::Parameters };
        let chosen = self.find(attachment, reference_type, path, |card, _, path| {
            let mut answer = Vec::new();
            if path.short_id().is_some() {
                opening::select_by_short_id(card, path)?;
                properties::of_current(card, &mut answer)?;
            } else {
                select(card, path, Expected::Anything, requested, &mut answer)?;
            }
            properties::choose(control_parameters::objects(&answer), tags)
        })?;
        properties.fill(&chosen)
    }

    fn set_properties(
        &self,
        attachment: &Attachment,
        reference_type: u32,
        path: &CStr,
        properties: &[u8],
        flags: u32,
    ) -> Result<Hresult> {
        check_flags(flags, 0)?;
        self.find_target(attachment, reference_type, path, |card, _, path| {
            opening::select_target(card, path)?;
            properties::set(card, properties)?;
            Ok(Hresult::S_OK)
        })
    }

    fn get_file_capabilities(
        &self,
        attachment: &Attachment,
        tags: &[u8],
        flags: u32,
        capabilities: OutputBytes,
    ) -> Result<Hresult> {
        check_flags(flags, 0)?;
        capabilities.fill(&attachment.transact(SCM_INFINITE, |card| properties::of_card(card, tags))?)
    }

    fn invalidate(&self, attachment: &Attachment, path: &CStr, flags: u32) -> Result<Hresult> {
        self.set_active(attachment, path, flags, ins::DEACTIVATE_FILE)
    }

    fn rehabilitate(&self, attachment: &Attachment, path: &CStr, flags: u32) -> Result<Hresult> {
        self.set_active(attachment, path, flags, ins::ACTIVATE_FILE)
    }
}

impl GenericFileAccess {
    /// The MF is the current directory.
    pub fn new() -> GenericFileAccess {
        GenericFileAccess { current: Mutex::new(Path::MF) }
    }

    fn current(&self) -> Path {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_current(&self, path: Path) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = path;
    }

    /// Locks the card, and tries each meaning of `path` until the card has such a file, for which it calls `act`. If
    /// the card has none, the failure is that of the likeliest meaning.
    fn find<T>(
        &self,
        attachment: &Attachment,
        reference_type: u32,
        path: &CStr,
        act: impl FnMut(&mut Transaction, Reference, &Path) -> Result<T>,
    ) -> Result<T> {
        self.find_by(attachment, reference_type, path, false, act)
    }

    /// The same for a file that a command changes as a whole. It needs its whole name, not only the beginning of it.
    fn find_target<T>(
        &self,
        attachment: &Attachment,
        reference_type: u32,
        path: &CStr,
        act: impl FnMut(&mut Transaction, Reference, &Path) -> Result<T>,
    ) -> Result<T> {
        self.find_by(attachment, reference_type, path, true, act)
    }

    fn find_by<T>(
        &self,
        attachment: &Attachment,
        reference_type: u32,
        path: &CStr,
        whole: bool,
        mut act: impl FnMut(&mut Transaction, Reference, &Path) -> Result<T>,
    ) -> Result<T> {
        let meanings = Path::interpret(
            Reference::from_value(reference_type).of("reference_type")?,
            path.to_bytes(),
            &self.current(),
        )?;
        attachment.transact(SCM_INFINITE, |card| {
            let mut missing = None;
            for (reference, path) in meanings.iter() {
                let path = name::with_whole_name(card, &path, whole);
                let path = path.and_then(|path| name::from_known_root(card, &path));
                match path.and_then(|path| act(card, reference, &path)) {
                    Err(code @ (Hresult::SCARD_E_FILE_NOT_FOUND | Hresult::SCARD_E_DIR_NOT_FOUND)) => {
                        missing = missing.or(Some(code));
                    }
                    found => return found,
                }
            }
            Err(missing.unwrap_or(Hresult::SCARD_E_FILE_NOT_FOUND))
        })
    }

    /// DEACTIVATE FILE or ACTIVATE FILE (ISO/IEC 7816-9).
    fn set_active(&self, attachment: &Attachment, path: &CStr, flags: u32, ins: u8) -> Result<Hresult> {
        check_flags(flags, 0)?;
        self.find_target(attachment, Reference::Any.value(), path, |card, _, path| {
            opening::select_target(card, path)?;
            succeed(card.send(&Command::new(ins, 0, 0), &mut Vec::new())?)?;
            Ok(Hresult::S_OK)
        })
    }
}

pub fn succeed(status: StatusWord) -> Result<()> {
    if status.is_changed() { Ok(()) } else { Err(status.failure()) }
}

/// DELETE FILE (ISO/IEC 7816-9). It deletes a directory with all its files. No command shows whether a directory is
/// empty, so without `recursive` no directory is deleted, nor a file that can be one.
fn delete(card: &mut Transaction, path: &Path, recursive: bool) -> Result<()> {
    if path.short_id().is_some() {
        return Err(refuse("is a short identifier, by which nothing can be deleted")).of("path");
    }
    let kind = match opening::select_target(card, path)?.kind {
        None if !recursive => {
            let probed = opening::probe(card, 0, record::NUMBERED);
            card.unless_refused(probed)?.filter(|(_, was_read)| *was_read).map(|(kind, _)| kind)
        }
        kind => kind,
    };
    // A card that selects step by step may have found another file with this identifier.
    let is_certain = kind.is_some() || recursive && !card.habits().steps;
    if !is_certain || !recursive && kind == Some(FileKind::Directory) {
        return Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE);
    }
    card.set_selection(None);
    succeed(card.send(&Command::new(ins::DELETE_FILE, 0, 0), &mut Vec::new())?)
}

fn is_missing(card: &mut Transaction, directory: &Path) -> bool {
    let found = enter_directory(card, directory);
    matches!(found, Err(Hresult::SCARD_E_DIR_NOT_FOUND | Hresult::SCARD_E_FILE_NOT_FOUND))
}

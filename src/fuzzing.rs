//! The functions for the targets in `fuzz/`. They parse any bytes, and check that the results are consistent. They are
//! not in the released library.

mod delivery;

use crate::abi::constants::Reference;
use crate::interfaces::generic::control_parameters::{self, ControlParameters, FileKind};
use crate::iso7816::atr::Atr;
use crate::iso7816::capabilities::Capabilities;
use crate::iso7816::command::{EXTENDED_DATA, EXTENDED_RESPONSE, SHORT_DATA, SHORT_RESPONSE};
use crate::iso7816::path::{MAX_TEXT, Path, Root};
use crate::iso7816::tlv;
use crate::resource_manager::features::{self, PinProperties};

pub use delivery::response;

/// BER-TLV data objects, lists of tags, and the properties of a reader.
pub fn tlv(bytes: &[u8]) {
    let mut objects = tlv::objects(bytes);
    let mut written = Vec::new();
    let mut length = 0;
    for object in objects.by_ref() {
        assert!(object.whole.ends_with(object.value) && object.value.len() < object.whole.len());
        length += object.whole.len();
        assert_eq!(tlv::find(object.whole, object.tag), Some(object.value));
        assert!(tlv::push(&mut written, object.tag, object.value).is_ok());
    }
    assert!(length <= bytes.len() && (length == 0 || !written.is_empty()));
    let _ = objects.is_at_end();
    let read = |bytes| tlv::objects(bytes).map(|object| (object.tag, object.value)).collect::<Vec<_>>();
    assert_eq!(read(bytes), read(&written), "written as it was read");
    assert!(tlv::objects(&written).last().is_some() == (length > 0));
    assert!(tlv::tags(bytes).count() <= bytes.len());
    let _ = features::control_code(bytes, features::VERIFY_PIN_DIRECT);
    let _ = features::max_apdu_data(bytes);
    for properties in [PinProperties::of_list(bytes), PinProperties::of_structure(bytes)] {
        assert!(properties.shortest != Some(0) && properties.longest != Some(0));
    }
}

/// The answer to a SELECT, of a SIM and of another card.
pub fn fcp(bytes: &[u8]) {
    check_parameters(bytes);
    let Ok(objects) = control_parameters::sim::objects(bytes) else { return };
    check_parameters(&objects);
    let value = tlv::find(&objects, control_parameters::STRUCTURE);
    assert!(objects == bytes || value == Some(bytes), "what was told stays");
}

fn check_parameters(bytes: &[u8]) {
    let parameters = ControlParameters::read(bytes);
    assert!(parameters.kind != Some(FileKind::Directory) || parameters.size.is_none());
    assert!(parameters.short_id.is_none_or(|id| id < 32));
    assert!(control_parameters::objects(bytes).count() <= bytes.len());
}

/// An ATR, and then EF.ATR/INFO.
pub fn atr(bytes: &[u8]) {
    let atr = Atr::new(bytes);
    assert!(atr.as_bytes().len() <= bytes.len() && atr.historical_bytes().len() <= 15);
    assert!(atr.protocols().is_some() || atr.historical_bytes().is_empty());
    let file = bytes.get(atr.as_bytes().len()..).unwrap_or_default();
    for capabilities in [Capabilities::of_atr(&atr), Capabilities::of_atr(&atr).with_file(file)] {
        assert!(capabilities.channels.is_none_or(|channels| (1..=8).contains(&channels)));
        for reader in [None, Some(0), Some(256), Some(257), Some(usize::MAX)] {
            let Some(extended) = capabilities.limits(reader).extended else { continue };
            assert!((SHORT_DATA..=EXTENDED_DATA).contains(&extended.data));
            assert!((SHORT_RESPONSE..=EXTENDED_RESPONSE).contains(&extended.response));
            assert!(reader.is_none_or(|most| most > SHORT_RESPONSE && extended.data.max(extended.response) <= most));
        }
    }
}

/// The current path and another path: two texts, with a NUL between them.
pub fn path(bytes: &[u8]) {
    let (current, text) = match bytes.iter().position(|byte| *byte == 0) {
        Some(at) => (bytes.get(..at).unwrap_or_default(), bytes.get(at + 1..).unwrap_or_default()),
        None => (&b"3F00"[..], bytes),
    };
    let Some(current) = meanings(Reference::Any, current, &Path::MF).pop() else { return };
    for reference in [Reference::Any, Reference::Name, Reference::Id, Reference::ShortId] {
        for path in meanings(reference, text, &current) {
            check_path(&path);
        }
    }
}

fn meanings(reference: Reference, text: &[u8], current: &Path) -> Vec<Path> {
    let meanings = Path::interpret(reference, text, current);
    meanings.iter().flat_map(|meanings| meanings.iter()).map(|(_, path)| path).collect()
}

/// Its text is a path again, and the same one in every directory. A DF name that looks like an identifier is parsed as
/// one.
fn check_path(path: &Path) {
    let text = path.text().unwrap_or_default();
    let Some((0, text)) = text.split_last() else { panic!("no NUL at the end of {text:?}") };
    let is_plain = match path.root() {
        Root::Mf => true,
        Root::Name(name) => name.as_bytes().len() > 2 && !name.as_bytes().starts_with(&[0x3F, 0x00]),
    };
    if is_plain && text.len() <= MAX_TEXT {
        assert_eq!(meanings(Reference::Id, text, &Path::MF), [*path], "{}", String::from_utf8_lossy(text));
    }
    if let Ok(parent) = path.parent() {
        assert!(parent != *path && parent.short_id().is_none());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path as FilePath;

    /// All files of the corpus of a target: a bug that was found does not come back.
    fn replay(target: fn(&[u8]), name: &str) {
        let corpus = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
        let files: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!files.is_empty());
        for file in files {
            let bytes = std::fs::read(&file).unwrap();
            assert!(std::panic::catch_unwind(|| target(&bytes)).is_ok(), "{}", file.display());
        }
    }

    #[test]
    fn the_corpora_are_read() {
        for (target, name) in
            [(tlv as fn(&[u8]), "tlv"), (fcp, "fcp"), (atr, "atr"), (response, "response"), (path, "path")]
        {
            replay(target, name);
        }
    }
}

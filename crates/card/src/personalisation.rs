//! Creates the files of a card from its description, and checks it.

use crate::access::{Access, Condition, Kind, Reference};
use crate::code::{Code, CodeAccess, Form};
use crate::data_coding::WriteBehaviour;
use crate::file::{Body, Content, DataObject, Df, Ef, File};
use crate::file_tree::{FileTree, MF_ID, Node};
use crate::key::{Key, Uses};
use crate::profile::{
    CodeDescription, Directory, ElementaryFile, FileStructure, KeyDescription, KeyUse, Profile, ProfileError,
};
use crate::records::{MAX_RECORDS, Records, Structure};
use crate::transparent::Transparent;

/// The largest file: an offset has no more bits.
pub const MAX_SIZE: usize = 0xFFFF;
/// A DF name is 1 to 16 bytes.
pub const MAX_NAME: usize = 16;
/// A short EF identifier is 1 to 30.
pub const MAX_SHORT_ID: u8 = 30;
/// The length of a code; CHANGE REFERENCE DATA has two in a short command.
const MAX_CODE: usize = 127;

type Result<T> = std::result::Result<T, ProfileError>;

/// Fails with `text` and its `place`, unless `holds`.
fn check(holds: bool, place: &str, text: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(ProfileError(format!("{place}: {text}"))) }
}

/// The files of `profile`.
pub fn files(profile: &Profile) -> Result<FileTree> {
    check((2..=33).contains(&profile.atr.0.len()), "atr", "an ATR has 2 to 33 bytes")?;
    check((1..=20).contains(&profile.channels), "channels", "there are 1 to 20 channels")?;
    check(matches!(profile.mf.id, None | Some(MF_ID)), "mf", "its identifier is 0x3F00")?;
    let maker = Maker { erased: profile.write };
    let mut mf = maker.df(&profile.mf, None, "mf")?;
    mf.id = Some(MF_ID);
    let mut tree = FileTree::new(mf);
    maker.fill(&mut tree, Node::MF, &profile.mf, "mf")?;
    check_references(&tree, Node::MF, &profile.mf, "mf")?;
    check(tree.room() <= profile.memory, "memory", "the files need more")?;
    Ok(tree)
}

/// True if `id` may be that of a DF or an EF (ISO/IEC 7816-4, 7.1.1.2: the others are reserved).
pub fn is_valid_id(id: u16) -> bool {
    !matches!(id, 0x0000 | MF_ID | 0x3FFF | 0xFFFF)
}

struct Maker {
    erased: WriteBehaviour,
}

impl Maker {
    /// Creates the files below `node`.
    fn fill(&self, tree: &mut FileTree, node: Node, directory: &Directory, place: &str) -> Result<()> {
        for ef in &directory.efs {
            let place = format!("{place}, ef {:04X}", ef.id);
            self.insert(tree, self.ef(ef, node, &place)?, &place)?;
        }
        for df in &directory.dfs {
            let place = format!("{place}, {}", title(df));
            let child = self.insert(tree, self.df(df, Some(node), &place)?, &place)?;
            self.fill(tree, child, df, &place)?;
            check_references(tree, child, df, &place)?;
        }
        Ok(())
    }

    fn insert(&self, tree: &mut FileTree, file: File, place: &str) -> Result<Node> {
        tree.insert(file).map_err(|_| ProfileError(format!("{place}: another file has this identifier or name")))
    }

    fn df(&self, directory: &Directory, parent: Option<Node>, place: &str) -> Result<File> {
        let named = !directory.name.0.is_empty();
        check(directory.name.0.len() <= MAX_NAME, place, "a name has 1 to 16 bytes")?;
        check(parent.is_none() || named || directory.id.is_some(), place, "it needs an identifier or a name")?;
        check(parent.is_none() || directory.id.is_none_or(is_valid_id), place, "this identifier is reserved")?;
        check(crate::tlv::read(&directory.fmd.0).is_ok(), place, "its fmd are no data objects")?;
        let codes = directory.codes.iter().map(|code| make_code(code, place)).collect::<Result<Vec<_>>>()?;
        let keys = directory.keys.iter().map(|key| make_key(key, place)).collect::<Result<Vec<_>>>()?;
        let objects = objects(directory);
        check(is_unique(codes.iter().map(|code| code.number)), place, "two codes have the same number")?;
        check(is_unique(keys.iter().map(|key| key.number)), place, "two keys have the same number")?;
        check(objects.iter().all(|object| object.tag >= 0x40), place, "a tag is 0x40 to 0xFFFF")?;
        check(is_unique(objects.iter().map(|object| object.tag)), place, "two objects have the same tag")?;
        Ok(File {
            parent,
            id: directory.id,
            life_cycle: directory.life_cycle,
            access: directory.access.clone(),
            content: Content::Df(Df {
                name: directory.name.0.clone(),
                fmd: directory.fmd.0.clone(),
                codes,
                keys,
                objects,
            }),
        })
    }

    fn ef(&self, ef: &ElementaryFile, parent: Node, place: &str) -> Result<File> {
        check(is_valid_id(ef.id), place, "this identifier is reserved")?;
        let short_id_fits = ef.short_id.is_none_or(|id| (1..=MAX_SHORT_ID).contains(&id));
        check(short_id_fits, place, "a short identifier is 1 to 30")?;
        let body = match ef.structure {
            FileStructure::Transparent => Body::Transparent(self.transparent(ef, place)?),
            FileStructure::LinearFixed => Body::Records(self.records(ef, Structure::LinearFixed, place)?),
            FileStructure::LinearVariable => Body::Records(self.records(ef, Structure::LinearVariable, place)?),
            FileStructure::Cyclic => Body::Records(self.records(ef, Structure::Cyclic, place)?),
        };
        Ok(File {
            parent: Some(parent),
            id: Some(ef.id),
            life_cycle: ef.life_cycle,
            access: ef.access.clone(),
            content: Content::Ef(Ef { short_id: ef.short_id, body }),
        })
    }

    /// The file is erased after its content.
    fn transparent(&self, ef: &ElementaryFile, place: &str) -> Result<Transparent> {
        check(ef.records.is_empty() && ef.count.is_none(), place, "a transparent file has no records")?;
        let size = ef.size.unwrap_or(ef.content.0.len());
        check((ef.content.0.len()..=MAX_SIZE).contains(&size), place, "its size is its content's to 65535")?;
        let mut bytes = ef.content.0.clone();
        bytes.resize(size, self.erased.erased());
        Ok(Transparent::new(bytes))
    }

    fn records(&self, ef: &ElementaryFile, structure: Structure, place: &str) -> Result<Records> {
        check(ef.content.0.is_empty(), place, "its content is in records")?;
        let longest = ef.records.iter().map(|record| record.0.len()).max().unwrap_or(0);
        let size = ef.size.unwrap_or(longest);
        let count = ef.count.unwrap_or(ef.records.len());
        check((1..=MAX_SIZE).contains(&size) && longest <= size, place, "its size is its longest record's to 65535")?;
        let counts = ef.records.len().max(1)..=MAX_RECORDS;
        check(counts.contains(&count), place, "its count is that of its records, 1 to 254")?;
        let fixed = structure != Structure::LinearVariable;
        let lengths_fit = ef.records.iter().all(|record| record.0.len() == size || !fixed && !record.0.is_empty());
        check(lengths_fit, place, "a record has another length than the file's")?;
        Ok(Records::new(structure, size, count, ef.records.iter().map(|record| record.0.clone()).collect()))
    }
}

fn title(df: &Directory) -> String {
    match df.id {
        Some(id) => format!("df {id:04X}"),
        None => format!("df {:?}", df.name),
    }
}

fn make_code(code: &CodeDescription, place: &str) -> Result<Code> {
    let place = &format!("{place}, code {}", code.number);
    let given = code.value.reveal().len();
    check((1..=31).contains(&code.number), place, "its number is 1 to 31")?;
    check((1..=15).contains(&code.tries), place, "its tries are 1 to 15")?;
    let form = match code.length {
        Some(length) => Form::Padded { length, padding: code.padding },
        None => Form::Plain { shortest: code.shortest, longest: code.longest },
    };
    let fits = match form {
        Form::Padded { length, .. } => (1..=MAX_CODE).contains(&length) && (1..=length).contains(&given),
        Form::Plain { shortest, longest } => {
            (1..=longest).contains(&shortest) && longest <= MAX_CODE && (shortest..=longest).contains(&given)
        }
    };
    check(fits, place, "its lengths do not fit: a code has 1 to 127 bytes")?;
    let access = CodeAccess { change: code.change.clone(), replace: code.replace.clone(), reset: code.reset.clone() };
    Ok(Code::new(code.number, &code.value, form, code.tries, code.unblock, access))
}

fn make_key(key: &KeyDescription, place: &str) -> Result<Key> {
    let place = &format!("{place}, key {}", key.number);
    check((1..=31).contains(&key.number), place, "its number is 1 to 31")?;
    check(matches!(key.value.reveal().len(), 16 | 24 | 32), place, "an AES key has 16, 24 or 32 bytes")?;
    check(key.tries.is_none_or(|tries| (1..=15).contains(&tries)), place, "its tries are 1 to 15")?;
    let uses = Uses { internal: key.uses.contains(&KeyUse::Internal), external: key.uses.contains(&KeyUse::External) };
    Ok(Key::new(key.number, key.value.clone(), key.tries, uses, key.access.clone()))
}

fn objects(directory: &Directory) -> Vec<DataObject> {
    let object = |given: &crate::profile::ObjectDescription| DataObject {
        tag: given.tag,
        value: given.value.0.clone(),
        access: given.access.clone(),
    };
    directory.objects.iter().map(object).collect()
}

fn is_unique<T: Ord>(items: impl Iterator<Item = T>) -> bool {
    let mut items: Vec<T> = items.collect();
    let count = items.len();
    items.sort_unstable();
    items.dedup();
    items.len() == count
}

/// True if every code and key that `directory` references exists where it is searched.
fn check_references(tree: &FileTree, node: Node, directory: &Directory, place: &str) -> Result<()> {
    let accesses =
        directory.efs.iter().map(|ef| &ef.access).chain(directory.objects.iter().map(|object| &object.access));
    let conditions = accesses.chain([&directory.access]).flat_map(Access::conditions);
    let of_codes = directory.codes.iter().flat_map(|code| [&code.change, &code.replace, &code.reset]);
    let of_keys = directory.keys.iter().map(|key| &key.access);
    for condition in conditions.chain(of_codes).chain(of_keys) {
        check_condition(tree, node, condition, place)?;
    }
    for unblock in directory.codes.iter().filter_map(|code| code.unblock) {
        let text = format!("there is no code {unblock:#04X} to unblock with");
        check(tree.holder(Kind::Code, Reference(unblock), node).is_some(), place, &text)?;
    }
    Ok(())
}

fn check_condition(tree: &FileTree, node: Node, condition: &Condition, place: &str) -> Result<()> {
    for need in condition.0.iter().flatten() {
        let text = format!("the condition `{condition:?}` refers to nothing that is there");
        check(tree.holder(need.kind, need.reference, node).is_some(), place, &text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(toml: &str) -> String {
        let profile = Profile::from_toml(toml).unwrap();
        files(&profile).map(|_| "no error".to_string()).unwrap_or_else(|error| error.0)
    }

    #[test]
    fn the_built_in_profiles_are_cards() {
        for name in ["default", "steerable"] {
            assert_eq!(error(Profile::built_in(name).unwrap()), "no error");
        }
        assert_eq!(error(""), "no error");
    }

    #[test]
    fn an_error_says_where_it_is() {
        for (toml, place) in [
            ("atr = '3B'", "atr:"),
            ("channels = 21", "channels:"),
            ("memory = 3\n[[mf.ef]]\nid=1\nsize=4", "memory:"),
            ("mf.id = 1", "mf:"),
            ("mf.fmd = '50'", "mf:"),
            ("[[mf.ef]]\nid=0x3F00", "mf, ef 3F00:"),
            ("[[mf.ef]]\nid=1\nshort_id=31", "mf, ef 0001:"),
            ("[[mf.ef]]\nid=1\n[[mf.ef]]\nid=1", "mf, ef 0001:"),
            ("[[mf.ef]]\nid=1\nshort_id=1\n[[mf.ef]]\nid=2\nshort_id=1", "mf, ef 0002:"),
            ("[[mf.ef]]\nid=1\nsize=65536", "mf, ef 0001:"),
            ("[[mf.ef]]\nid=1\nsize=1\ncontent='0000'", "mf, ef 0001:"),
            ("[[mf.ef]]\nid=1\nrecords=['00']", "mf, ef 0001:"),
            ("[[mf.ef]]\nid=1\nstructure='cyclic'\ncontent='00'", "mf, ef 0001:"),
            ("[[mf.ef]]\nid=1\nstructure='cyclic'", "mf, ef 0001:"),
            ("[[mf.ef]]\nid=1\nstructure='cyclic'\nsize=1\ncount=255", "mf, ef 0001:"),
            ("[[mf.ef]]\nid=1\nstructure='linear-fixed'\nrecords=['00', '0000']", "mf, ef 0001:"),
            ("[[mf.ef]]\nid=1\nstructure='linear-variable'\nrecords=['00', '']", "mf, ef 0001:"),
            ("[[mf.df]]\nid=0x5001\n[[mf.df.df]]\nid=0x5001", "mf, df 5001, df 5001:"),
            ("[[mf.df]]\nname='A0'\n[[mf.df]]\nname='A0'", "mf, df A0:"),
            ("[[mf.df]]\nname='A0000000000000000000000000000000FF'", "mf, df A0000000000000000000000000000000FF:"),
            ("[[mf.df]]", "mf, df :"),
            ("[[mf.code]]\nnumber=32\nvalue='00'", "mf, code 32:"),
            ("[[mf.code]]\nnumber=1\nvalue=''", "mf, code 1:"),
            ("[[mf.code]]\nnumber=1\nvalue='00'\ntries=16", "mf, code 1:"),
            ("[[mf.code]]\nnumber=1\nvalue='0000'\nlength=1", "mf, code 1:"),
            ("[[mf.code]]\nnumber=1\nvalue='00'\nunblock=2", "mf:"),
            ("[[mf.code]]\nnumber=1\nvalue='00'\n[[mf.code]]\nnumber=1\nvalue='00'", "mf:"),
            ("[[mf.key]]\nnumber=1\nvalue='00'\nuses=[]", "mf, key 1:"),
            ("[[mf.object]]\ntag=0x3F", "mf:"),
            ("[[mf.object]]\ntag=0x50\n[[mf.object]]\ntag=0x50", "mf:"),
            ("[[mf.ef]]\nid=1\naccess={read='code 1'}", "mf:"),
            ("[[mf.df]]\nid=0x5001\naccess={create='key 0x81'}", "mf, df 5001:"),
        ] {
            let error = error(toml);
            assert!(error.starts_with(place), "{toml}: {error}");
        }
    }
}

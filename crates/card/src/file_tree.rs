//! The files of a card, from the MF down.

use std::collections::BTreeMap;

use crate::access::{Kind, Reference};
use crate::file::{Content, File};
use crate::status::{Result, Status};

pub const MF_ID: u16 = 0x3F00;

/// The place of a file in the tree. It is never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Node(u32);

impl Node {
    pub const MF: Node = Node(0);
}

#[derive(Clone, Debug)]
pub struct FileTree {
    /// In the order of creation: a parent comes before its children.
    files: BTreeMap<Node, File>,
    next: u32,
}

impl FileTree {
    pub fn new(mf: File) -> FileTree {
        FileTree { files: BTreeMap::from([(Node::MF, mf)]), next: 1 }
    }

    pub fn get(&self, node: Node) -> Result<&File> {
        self.files.get(&node).ok_or(Status::FILE_NOT_FOUND)
    }

    pub fn get_mut(&mut self, node: Node) -> Result<&mut File> {
        self.files.get_mut(&node).ok_or(Status::FILE_NOT_FOUND)
    }

    /// Adds `file` to its parent; fails if one of its names is in use.
    pub fn insert(&mut self, file: File) -> Result<Node> {
        self.check_names(&file)?;
        let node = Node(self.next);
        self.next = self.next.checked_add(1).ok_or(Status::NOT_ENOUGH_MEMORY)?;
        self.files.insert(node, file);
        Ok(node)
    }

    /// A file identifier is unique among its siblings and differs from its parent's (ISO/IEC 7816-4, 7.1.1.2). A DF
    /// name is unique on the card.
    fn check_names(&self, file: &File) -> Result<()> {
        let parent = file.parent.and_then(|parent| self.files.get(&parent));
        let mut neighbours = self.files.values().filter(|other| other.parent == file.parent).chain(parent);
        if neighbours.any(|other| file.id.is_some() && file.id == other.id || same_short_id(file, other)) {
            return Err(Status::FILE_EXISTS);
        }
        match &file.content {
            Content::Df(df) if self.names().any(|(_, name)| name == df.name) => Err(Status::NAME_EXISTS),
            _ => Ok(()),
        }
    }

    /// Removes the file at `node` and everything below it.
    pub fn remove(&mut self, node: Node) {
        let below: Vec<Node> = self.files.keys().copied().filter(|file| self.is_within(*file, node)).collect();
        for file in below {
            self.files.remove(&file);
        }
    }

    /// The file with `id` directly below `df`.
    pub fn child(&self, df: Node, id: u16) -> Option<Node> {
        let mut files = self.files.iter();
        files.find(|(_, file)| file.parent == Some(df) && file.id == Some(id)).map(|(node, _)| *node)
    }

    /// The EF with the short identifier directly below `df`.
    pub fn short_child(&self, df: Node, short_id: u8) -> Option<Node> {
        let matches = |file: &File| matches!(&file.content, Content::Ef(ef) if ef.short_id == Some(short_id));
        self.files.iter().find(|(_, file)| file.parent == Some(df) && matches(file)).map(|(node, _)| *node)
    }

    /// Every DF that has a name.
    pub fn names(&self) -> impl Iterator<Item = (Node, &[u8])> {
        self.files.iter().filter_map(|(node, file)| match &file.content {
            Content::Df(df) if !df.name.is_empty() => Some((*node, &df.name[..])),
            _ => None,
        })
    }

    /// The DF at `node`, or the DF of the EF there.
    pub fn df_of(&self, node: Node) -> Node {
        match self.files.get(&node) {
            Some(File { content: Content::Ef(_), parent: Some(parent), .. }) => *parent,
            _ => node,
        }
    }

    /// `node` and the DFs above it, up to the MF.
    pub fn path(&self, node: Node) -> impl Iterator<Item = Node> + '_ {
        std::iter::successors(Some(node), |node| self.files.get(node)?.parent)
    }

    /// True if `node` is `df` or below it.
    pub fn is_within(&self, node: Node, df: Node) -> bool {
        self.path(node).any(|above| above == df)
    }

    /// The DF of a code or key that `reference` means in `df`: the MF, or the nearest DF that has it.
    pub fn holder(&self, kind: Kind, reference: Reference, df: Node) -> Option<Node> {
        let has = |node: &Node| {
            let Ok(Ok(df)) = self.get(*node).map(File::df) else { return false };
            match kind {
                Kind::Code => df.codes.iter().any(|code| code.number == reference.number()),
                Kind::Key => df.keys.iter().any(|key| key.number == reference.number()),
            }
        };
        if reference.is_local() {
            self.path(df).filter(|node| *node != Node::MF).find(has)
        } else {
            Some(Node::MF).filter(has)
        }
    }

    /// The used bytes of the card's memory.
    pub fn room(&self) -> usize {
        self.files.values().map(File::room).fold(0, usize::saturating_add)
    }
}

fn same_short_id(one: &File, other: &File) -> bool {
    match (&one.content, &other.content) {
        (Content::Ef(one), Content::Ef(other)) => one.short_id.is_some() && one.short_id == other.short_id,
        _ => false,
    }
}

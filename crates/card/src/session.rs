//! The state of a card between two resets (ISO/IEC 7816-4, 5.5 and 9.2).

use std::collections::BTreeSet;

use crate::access::Kind;
use crate::chaining::{Chain, Envelope};
use crate::file_tree::{FileTree, Node};
use crate::manners::Pending;
use crate::records::Place;
use crate::status::{Result, Status};

/// The number of channels that the class byte can distinguish.
pub const MAX_CHANNELS: usize = 20;

#[derive(Clone)]
pub struct Session {
    /// None is a closed channel.
    channels: Vec<Option<Channel>>,
    /// The channel of the running command.
    current: usize,
    /// Verifications of the MF: they count on every channel.
    pub global: BTreeSet<Grant>,
    pub challenge: Option<Vec<u8>>,
    pub pending: Option<Pending>,
    pub chain: Option<Chain>,
    pub envelope: Envelope,
    /// The data of the test command 5E.
    pub remembered: Option<Vec<u8>>,
}

/// A logical channel.
#[derive(Clone, Debug)]
pub struct Channel {
    pub df: Node,
    pub ef: Option<Node>,
    /// The current record of the current EF.
    pub record: Option<Place>,
    /// Verifications of DFs below the MF.
    pub local: BTreeSet<Grant>,
}

/// A verified code, or a key that the other side has proved: its DF and its reference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Grant {
    pub holder: Node,
    pub kind: Kind,
    pub number: u8,
}

impl Session {
    /// The basic channel is open, and the MF is selected.
    pub fn new() -> Session {
        let mut channels = vec![None; MAX_CHANNELS];
        if let Some(basic) = channels.first_mut() {
            *basic = Some(Channel::at(Node::MF));
        }
        Session {
            channels,
            current: 0,
            global: BTreeSet::new(),
            challenge: None,
            pending: None,
            chain: None,
            envelope: Envelope::default(),
            remembered: None,
        }
    }

    /// Makes `number` the channel of the command; fails if it is closed.
    pub fn enter(&mut self, number: usize) -> Result<()> {
        if !self.is_open(number) {
            return Err(Status::CHANNEL_NOT_SUPPORTED);
        }
        self.current = number;
        Ok(())
    }

    /// The number of the channel of the command.
    pub fn number(&self) -> usize {
        self.current
    }

    pub fn channel(&self) -> Result<&Channel> {
        self.channels.get(self.current).and_then(Option::as_ref).ok_or(Status::CHANNEL_NOT_SUPPORTED)
    }

    pub fn channel_mut(&mut self) -> Result<&mut Channel> {
        self.channels.get_mut(self.current).and_then(Option::as_mut).ok_or(Status::CHANNEL_NOT_SUPPORTED)
    }

    pub fn is_open(&self, number: usize) -> bool {
        matches!(self.channels.get(number), Some(Some(_)))
    }

    /// The first closed channel of the first `count`.
    pub fn first_closed(&self, count: usize) -> Option<usize> {
        self.channels.iter().take(count).position(Option::is_none)
    }

    pub fn set(&mut self, number: usize, channel: Option<Channel>) {
        if let Some(place) = self.channels.get_mut(number) {
            *place = channel;
        }
    }

    /// Makes `df` the current DF. Verifications of a left DF are dropped.
    pub fn select_df(&mut self, df: Node, tree: &FileTree) -> Result<()> {
        let channel = self.channel_mut()?;
        channel.local.retain(|grant| tree.is_within(df, grant.holder));
        (channel.df, channel.ef, channel.record) = (df, None, None);
        Ok(())
    }

    /// Makes `ef` the current EF, and its DF the current DF.
    pub fn select_ef(&mut self, ef: Node, tree: &FileTree) -> Result<()> {
        self.select_df(tree.df_of(ef), tree)?;
        self.channel_mut()?.ef = Some(ef);
        Ok(())
    }

    pub fn grant(&mut self, grant: Grant) -> Result<()> {
        self.grants_of(grant.holder)?.insert(grant);
        Ok(())
    }

    pub fn revoke(&mut self, grant: Grant) -> Result<()> {
        self.grants_of(grant.holder)?.remove(&grant);
        Ok(())
    }

    /// Drops `grant` on every channel: the code or key has changed, or is blocked.
    pub fn revoke_everywhere(&mut self, grant: Grant) {
        self.global.remove(&grant);
        for channel in self.channels.iter_mut().flatten() {
            channel.local.remove(&grant);
        }
    }

    pub fn is_granted(&self, grant: Grant) -> bool {
        self.global.contains(&grant) || self.channel().is_ok_and(|channel| channel.local.contains(&grant))
    }

    fn grants_of(&mut self, holder: Node) -> Result<&mut BTreeSet<Grant>> {
        if holder == Node::MF { Ok(&mut self.global) } else { Ok(&mut self.channel_mut()?.local) }
    }

    /// Moves every channel out of files that will be deleted: those within `node`, whose parent is `parent`.
    pub fn leave(&mut self, node: Node, parent: Node, tree: &FileTree) {
        for channel in self.channels.iter_mut().flatten() {
            if channel.ef.is_some_and(|ef| tree.is_within(ef, node)) {
                (channel.ef, channel.record) = (None, None);
            }
            if tree.is_within(channel.df, node) {
                channel.df = parent;
                channel.local.retain(|grant| tree.is_within(parent, grant.holder));
            }
        }
    }
}

impl Channel {
    pub fn at(df: Node) -> Channel {
        Channel { df, ef: None, record: None, local: BTreeSet::new() }
    }

    /// The current file.
    pub fn file(&self) -> Node {
        self.ef.unwrap_or(self.df)
    }
}

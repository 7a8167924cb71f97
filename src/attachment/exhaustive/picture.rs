//! The picture of the states for people, `docs/pictures/attachment.dot`: it has the moves that the cases make, and no
//! others. An arrow names its causes in `comment`; its label is for the eye.

use std::collections::{BTreeMap, BTreeSet};

use super::calls::Call;
use super::reached::{ConnectionKind, Reached};

const PICTURE: &str = include_str!("../../../docs/pictures/attachment.dot");

/// A state, as far as a caller can tell it from the others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Phase {
    Connected,
    Interrupted,
    Deferred,
    Detached,
}

/// A call, and whether it has succeeded.
pub type Cause = (&'static str, bool);

pub type Move = (Phase, Phase, Cause);

/// The change of the state by a call, if there is one.
pub fn moved(before: Reached, call: Call, has_succeeded: bool, after: Reached) -> Option<Move> {
    let (before, after) = (phase(before), phase(after));
    (before != after).then_some((before, after, (name(call), has_succeeded)))
}

fn phase((connection, _): Reached) -> Phase {
    use ConnectionKind::*;
    match connection {
        Sound | Doubtful | DoubtfulSinceLoss => Phase::Connected,
        SoundAfterReset | DoubtfulAfterReset | DoubtfulSinceLossAfterReset => Phase::Connected,
        Interrupted | InterruptedAfterReset | SetAside | Lost => Phase::Interrupted,
        Deferred => Phase::Deferred,
        Closed => Phase::Detached,
    }
}

fn name(call: Call) -> &'static str {
    match call {
        Call::Reconnect(_) => "scm_reconnect",
        Call::Unlock(_) => "scm_unlock",
        Call::Close(_) => "scm_detach",
        _ => "call",
    }
}

/// The arrows that the moves stand for, each with its causes.
fn expected(moves: &BTreeSet<Move>) -> BTreeMap<String, BTreeSet<String>> {
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for &(from, to, (name, has_succeeded)) in moves {
        let cause = match has_succeeded {
            _ if moves.contains(&(from, to, (name, !has_succeeded))) => name.to_string(),
            true => format!("{name} succeeds"),
            false => format!("{name} fails"),
        };
        arrows.entry(format!("{from:?} -> {to:?}")).or_default().insert(cause);
    }
    arrows
}

/// The arrows in the picture. The one from `Start` is no move.
fn drawn(picture: &str) -> BTreeMap<String, BTreeSet<String>> {
    let arrows = picture.lines().filter(|line| line.contains(" -> ") && !line.contains("Start -> "));
    let parts = arrows.map(|line| {
        let (arrow, attributes) = line.split_once(" [").unwrap();
        let (_, comment) = attributes.split_once("comment=\"").expect("an arrow has no comment");
        let causes = comment.split('"').next().unwrap().split(", ").map(str::to_string);
        (arrow.trim().to_string(), causes.collect())
    });
    parts.collect()
}

pub fn check(moves: &BTreeSet<Move>) {
    assert_eq!(drawn(PICTURE), expected(moves), "docs/pictures/attachment.dot (left) is out of date");
}

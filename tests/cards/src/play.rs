//! Plays one family: puts its card into a reader, makes the calls, and tells what is not right.

use std::sync::{Arc, Mutex};

use crate::actor::Actor;
use crate::bed::{locked, Bed, SharedActor};
use crate::bytes::Bytes;
use crate::code;
use crate::family::{Calling, Family, Protocol};
use crate::program::Program;

/// What is not right.
pub fn play(family: &Family, bed: Bed) -> Vec<String> {
    let mut differences: Vec<_> =
        family.protocols.iter().flat_map(|protocol| play_with(family, *protocol, bed)).collect();
    if !differences.is_empty() {
        differences.insert(0, format!("{} ({})", family.odd, family.source));
    }
    differences
}

fn play_with(family: &Family, protocol: Protocol, bed: Bed) -> Vec<String> {
    let atr = family.atr.as_ref().map_or(plain_atr(protocol), |atr| &atr.0);
    let actor = Arc::new(Mutex::new(Actor::new(family, protocol)));
    let differences = bed.insert(&actor, atr).and_then(|inserted| {
        let attached = Program::attach(inserted.ifd(), protocol);
        let mut program = attached.map_err(|code| format!("attaching: {}", code::name(code)))?;
        Ok(family.calling.iter().flat_map(|calling| make(calling, &mut program, &actor)).collect())
    });
    let differences = differences.unwrap_or_else(|error: String| vec![error]);
    differences.into_iter().map(|difference| format!("{protocol:?}: {difference}")).collect()
}

/// One that says nothing but the protocol.
fn plain_atr(protocol: Protocol) -> &'static [u8] {
    match protocol {
        Protocol::T0 => &[0x3B, 0x00],
        Protocol::T1 => &[0x3B, 0x80, 0x01, 0x81],
    }
}

/// What is wrong with one call, and what the card was asked meanwhile.
fn make(calling: &Calling, program: &mut Program, actor: &SharedActor) -> Vec<String> {
    let outcome = calling.call.play(program);
    let log = locked(actor).take_log();
    let mut differences = outcome.differences;
    let (got, right) =
        (code::name(outcome.code), calling.expected.code.as_deref().unwrap_or(calling.call.usual_code()));
    if code::find(right) != Some(outcome.code) {
        differences.insert(0, format!("code: {got}, and right is {right}"));
    }
    if calling.expected.exchanges.is_some_and(|exchanges| exchanges != log.len()) {
        differences.push(format!(
            "exchanges: {}, and right are {:?}",
            log.len(),
            calling.expected.exchanges.unwrap_or(0)
        ));
    }
    if calling.expected.at_most.is_some_and(|most| log.len() > most) {
        differences.push(format!(
            "exchanges: {}, and right are at most {:?}",
            log.len(),
            calling.expected.at_most.unwrap_or(0)
        ));
    }
    let forbidden = log.iter().filter(|(command, _)| calling.expected.never.iter().any(|never| never.fits(command)));
    differences.extend(forbidden.map(|(command, _)| format!("never: {:?} was sent", Bytes(command.clone()))));
    if differences.is_empty() {
        return differences;
    }
    let exchanges = log.iter().take(20);
    let asked =
        exchanges.map(|(command, answer)| format!("    {:?} -> {:?}", Bytes(command.clone()), Bytes(answer.clone())));
    let whole = [format!("line {}: {}", calling.line, differences.join("; "))];
    whole.into_iter().chain(asked).collect()
}

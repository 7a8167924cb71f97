//! Plays one family: inserts its card into a reader, makes the calls, and reports what is not right.

use test_reader::{Shared, lock, share};

use crate::actor::{Actor, Exchange};
use crate::bytes::Bytes;
use crate::code;
use crate::family::{Calling, Family, Protocol};
use crate::program::Program;
use crate::reader::Side;

/// A report shows so many of the first and so many of the last exchanges of a call.
const SHOWN: usize = 10;

/// A line for each difference; none if all is right.
pub fn play(family: &Family, side: Side) -> Vec<String> {
    let mut differences: Vec<_> =
        family.protocols.iter().flat_map(|protocol| play_with(family, *protocol, side)).collect();
    if !differences.is_empty() {
        differences.insert(0, format!("{} ({})", family.odd, family.source));
    }
    differences
}

fn play_with(family: &Family, protocol: Protocol, side: Side) -> Vec<String> {
    let atr = family.atr.as_ref().map_or(plain_atr(protocol), |atr| &atr.0);
    let actor = share(Actor::new(family, protocol));
    let differences = side.insert(&actor, atr).and_then(|inserted| {
        let attached = Program::attach(inserted.ifd(), protocol);
        let mut program = attached.map_err(|code| format!("attaching: {}", code::name(code)))?;
        Ok(family.calling.iter().flat_map(|calling| make(calling, &mut program, &actor)).collect())
    });
    let differences = differences.unwrap_or_else(|error: String| vec![error]);
    differences.into_iter().map(|difference| format!("{protocol:?}: {difference}")).collect()
}

/// An ATR that tells the protocol and nothing else.
fn plain_atr(protocol: Protocol) -> &'static [u8] {
    match protocol {
        Protocol::T0 => &[0x3B, 0x00],
        Protocol::T1 => &[0x3B, 0x80, 0x01, 0x81],
    }
}

/// The differences of one call, and the exchanges that the card had meanwhile.
fn make(calling: &Calling, program: &mut Program, actor: &Shared<Actor>) -> Vec<String> {
    let outcome = calling.call.play(program);
    let log = lock(actor).take_log();
    let expected = &calling.expected;
    let mut differences = outcome.differences;
    let right = expected.code.as_deref().unwrap_or(calling.call.usual_code());
    let is = |name: &str| code::find(name) == Some(outcome.code);
    if expected.or.iter().any(|name| is(name)) && outcome.begins_right {
        differences.clear();
    } else if !is(right) {
        differences.insert(0, format!("code: {}, and right is {right}", code::name(outcome.code)));
    }
    if let Some(exchanges) = expected.exchanges.filter(|exchanges| *exchanges != log.len()) {
        differences.push(format!("exchanges: {}, and right are {exchanges}", log.len()));
    }
    if let Some(most) = expected.at_most.filter(|most| *most < log.len()) {
        differences.push(format!("exchanges: {}, and right are at most {most}", log.len()));
    }
    let forbidden = log.iter().filter(|(command, _)| expected.never.iter().any(|never| never.fits(command)));
    differences.extend(forbidden.map(|(command, _)| format!("never: {:?} was sent", Bytes(command.clone()))));
    if differences.is_empty() {
        return differences;
    }
    let whole = format!("line {}: {}", calling.line, differences.join("; "));
    std::iter::once(whole).chain(shown(&log)).collect()
}

/// The exchanges. Of a long list the middle is left out.
fn shown(log: &[Exchange]) -> Vec<String> {
    let line =
        |(command, answer): &Exchange| format!("    {:?} -> {:?}", Bytes(command.clone()), Bytes(answer.clone()));
    let (begin, end) = log.split_at(log.len().min(SHOWN));
    let (left_out, end) = end.split_at(end.len().saturating_sub(SHOWN));
    let middle = (!left_out.is_empty()).then(|| format!("    ... {} more", left_out.len()));
    begin.iter().map(line).chain(middle).chain(end.iter().map(line)).collect()
}

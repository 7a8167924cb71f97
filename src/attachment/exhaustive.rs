//! Each state of an attachment, with each call, with each answer of the resource manager. The `invariants` hold after
//! each of them.

mod calls;
mod invariants;
mod picture;
mod reached;
mod states;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::SystemTime;

use crate::abi::constants::ShareMode;
use crate::abi::hresult::{CODES, Hresult};
use calls::{CALLS, Call};
use invariants::{INVARIANTS, Seen, View};
use picture::Move;
use reached::Reached;
use states::{Case, EVENTS, HandleOrigin, STATES, Setup, WorldEvent};
use world::{Step, World, WorldAnswer, WorldOperation};

/// The codes that the attachment handles in different ways, in the order of the table.
const TELLING: &[Hresult] = &[
    Hresult::E_INVALIDARG,
    Hresult::SCARD_F_INTERNAL_ERROR,
    Hresult::SCARD_E_INVALID_HANDLE,
    Hresult::SCARD_E_UNKNOWN_READER,
    Hresult::SCARD_E_TIMEOUT,
    Hresult::SCARD_E_SHARING_VIOLATION,
    Hresult::SCARD_E_NO_SMARTCARD,
    Hresult::SCARD_E_PROTO_MISMATCH,
    Hresult::SCARD_E_INVALID_VALUE,
    Hresult::SCARD_F_COMM_ERROR,
    Hresult::SCARD_F_UNKNOWN_ERROR,
    Hresult::SCARD_E_NOT_TRANSACTED,
    Hresult::SCARD_E_READER_UNAVAILABLE,
    Hresult::SCARD_E_NO_SERVICE,
    Hresult::SCARD_E_SERVICE_STOPPED,
    Hresult::SCARD_E_COMM_DATA_LOST,
    Hresult::SCARD_W_UNRESPONSIVE_CARD,
    Hresult::SCARD_W_UNPOWERED_CARD,
    Hresult::SCARD_W_RESET_CARD,
    Hresult::SCARD_W_REMOVED_CARD,
];

/// One code for each cause of a failure: an unknown one, another application, one that lasts.
const CLASSES: &[Hresult] = &[
    Hresult::SCARD_F_COMM_ERROR,
    Hresult::SCARD_E_SHARING_VIOLATION,
    Hresult::SCARD_E_PROTO_MISMATCH,
    Hresult::SCARD_E_NO_SERVICE,
    Hresult::SCARD_W_RESET_CARD,
    Hresult::SCARD_W_REMOVED_CARD,
];

/// Successes that are incomplete, or that report a change.
fn oddities(operation: WorldOperation) -> &'static [WorldAnswer] {
    use WorldAnswer::*;
    match operation {
        WorldOperation::Connect | WorldOperation::Reconnect => &[NoProtocol],
        WorldOperation::Status => &[NoProtocol, NoCard, NoPower],
        WorldOperation::Identify => &[NoProtocol, NoCard, NoPower, OtherAtr, OtherEvents],
        WorldOperation::Transmit => &[Length(0), Length(1)],
        WorldOperation::Control => &[Length(0)],
        WorldOperation::GetAttribute => &[Length(0), Length(265)],
        WorldOperation::Look | WorldOperation::Wait => &[NoCard, OtherEvents, OtherAtr],
        _ => &[],
    }
}

/// The cases that were run, and the invariants that did not hold.
struct Walk {
    world: &'static World,
    cases: u64,
    broken: BTreeMap<&'static str, Broken>,
    /// The states before and after the calls.
    reached: BTreeSet<Reached>,
    moves: BTreeSet<Move>,
}

/// The cases in which an invariant did not hold.
#[derive(Default)]
struct Broken {
    cases: u64,
    examples: Vec<String>,
}

/// The step after the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    Reconnect,
    /// An exchange, which shows the state that the call has left, and then a reconnect.
    Exchange,
}

#[derive(Clone, Copy, Debug)]
struct Plan<'a> {
    setup: Setup,
    events: &'a [WorldEvent],
    call: Call,
    answers: &'a [(usize, WorldAnswer)],
    next: Next,
}

impl Walk {
    fn new() -> Walk {
        Walk {
            world: World::new(),
            cases: 0,
            broken: BTreeMap::new(),
            reached: BTreeSet::new(),
            moves: BTreeSet::new(),
        }
    }

    /// Runs the call with each answer to each operation that it makes, and then with each second answer.
    fn vary(&mut self, plan: Plan, codes: &[Hresult], more: &[Hresult]) {
        let made = self.run(plan);
        let first = plan.answers.last().map_or(0, |(last, _)| last + 1);
        for (number, step) in made.iter().enumerate().skip(first) {
            for answer in answers(step.operation, codes) {
                let answers = [plan.answers, &[(number, answer)]].concat();
                let plan = Plan { answers: &answers, ..plan };
                if more.is_empty() {
                    self.run(plan);
                } else {
                    self.vary(plan, more, &[]);
                }
            }
        }
    }

    /// Runs one case, and returns the operations that the call made.
    fn run(&mut self, plan: Plan) -> Vec<Step> {
        self.cases += 1;
        let checked = catch_unwind(AssertUnwindSafe(|| self.check(plan)));
        let (steps, broken) = checked.unwrap_or((vec![], vec!["no panic"]));
        for what in broken {
            let broken = self.broken.entry(what).or_default();
            broken.cases += 1;
            if broken.examples.len() < 4 {
                broken.examples.push(format!("{plan:?}"));
            }
        }
        steps
    }

    /// Makes the call, and all that has to be possible after it. Returns the operations of the call, and the invariants
    /// that did not hold.
    fn check(&mut self, plan: Plan) -> (Vec<Step>, Vec<&'static str>) {
        let world = self.world;
        let Plan { setup, events, call, answers, next } = plan;
        let mut case = Case::new(world, setup, events);
        let before = View::of(&case);
        self.reached.insert(before.state);
        world.model().plan(answers);
        let outcome = case.call(call);
        world.model().end_plan();
        let steps = std::mem::take(&mut world.model().steps);
        let after = View::of(&case);
        self.reached.insert(after.state);
        let seen = Seen { case: &case, call, answers, outcome, before, after, steps: &steps };
        let mut broken: Vec<_> = INVARIANTS.iter().filter(|(_, holds)| !holds(&seen)).map(|(name, _)| *name).collect();
        if !case.closed {
            if next == Next::Exchange {
                let _ = case.call(Call::TRANSMIT);
            }
            broken.extend(case.recover().err());
        }
        self.moves.extend(case.moves.iter().copied());
        broken.extend(case.finish().err());
        (steps, broken)
    }

    /// Fails with some of the cases in which an invariant did not hold, and with their number.
    fn finish(self, at_least: u64) {
        for (what, Broken { cases, examples }) in &self.broken {
            eprintln!("{what}: not in {cases} cases, such as\n  {}", examples.join("\n  "));
        }
        println!("{} cases, {} states: {:?}", self.cases, self.reached.len(), self.reached);
        assert!(self.broken.is_empty(), "see above");
        assert!(self.cases >= at_least, "only {} cases", self.cases);
    }
}

fn answers(operation: WorldOperation, codes: &[Hresult]) -> impl Iterator<Item = WorldAnswer> + '_ {
    codes.iter().map(|code| WorldAnswer::Failure(*code)).chain(oddities(operation).iter().copied())
}

fn setups() -> impl Iterator<Item = Setup> {
    let origins = [HandleOrigin::Owned, HandleOrigin::Borrowed, HandleOrigin::Adopted];
    let modes = [ShareMode::Shared, ShareMode::Exclusive, ShareMode::Direct];
    origins.into_iter().flat_map(move |origin| {
        modes
            .into_iter()
            .flat_map(move |mode| [true, false].map(|keeps_transactions| Setup { origin, mode, keeps_transactions }))
    })
}

fn failures() -> Vec<Hresult> {
    CODES.iter().map(|code| code.value).filter(|code| code.0 < 0).collect()
}

fn plans<'a>(setups: impl Iterator<Item = Setup>, states: &'a [&'a [WorldEvent]]) -> impl Iterator<Item = Plan<'a>> {
    setups.flat_map(move |setup| {
        states.iter().flat_map(move |events| {
            CALLS.iter().flat_map(move |call| {
                let plan = Plan { setup, events, call: *call, answers: &[], next: Next::Reconnect };
                let exchange = call.changes_connection().then_some(Plan { next: Next::Exchange, ..plan });
                [plan].into_iter().chain(exchange)
            })
        })
    })
}

/// One answer at a time: every code for some setups, and for the others those that can make a difference.
#[test]
fn every_state_times_every_call_times_every_answer() {
    let mut walk = Walk::new();
    let all = failures();
    for plan in plans(setups(), STATES) {
        let Setup { origin, keeps_transactions, .. } = plan.setup;
        let first_of_its_kind = origin != HandleOrigin::Adopted && keeps_transactions && plan.next == Next::Reconnect;
        walk.vary(plan, if first_of_its_kind { &all } else { TELLING }, &[]);
    }
    walk.finish(1_500_000);
}

/// A failure, and a second one during its diagnosis or during a reconnect. They make every move of the picture.
#[test]
fn every_two_answers() {
    let mut walk = Walk::new();
    let setups = setups().filter(|setup| setup.mode == ShareMode::Shared && setup.origin != HandleOrigin::Adopted);
    for plan in plans(setups, STATES).filter(|plan| plan.next == Next::Reconnect) {
        walk.vary(plan, CLASSES, CLASSES);
    }
    picture::check(&walk.moves);
    walk.finish(400_000);
}

/// Every 32nd plan, with another start in each run, because all of them take too long for every run.
#[test]
fn every_two_answers_somewhere() {
    const PARTS: usize = 32;
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let part = clock.subsec_nanos() as usize % PARTS;
    println!("part {part} of {PARTS}");
    let mut walk = Walk::new();
    plans(setups(), STATES).skip(part).step_by(PARTS).for_each(|plan| walk.vary(plan, TELLING, TELLING));
    walk.finish(250_000);
}

// It takes two and a half minutes, so it is not part of each run. CONTRIBUTING.md says when it is run by hand.
#[test]
#[ignore = "two and a half minutes with --release, to be run when the attachment is changed"]
fn every_two_answers_everywhere() {
    let mut walk = Walk::new();
    plans(setups(), STATES).for_each(|plan| walk.vary(plan, TELLING, TELLING));
    walk.finish(20_000_000);
}

/// States that are not in the list.
#[test]
fn every_two_events_before_every_call() {
    let mut walk = Walk::new();
    let pairs: Vec<[WorldEvent; 2]> = EVENTS.iter().flat_map(|one| EVENTS.iter().map(|two| [*one, *two])).collect();
    let states: Vec<&[WorldEvent]> = pairs.iter().map(|pair| &pair[..]).collect();
    plans(setups(), &states).for_each(|plan| drop(walk.run(plan)));
    walk.finish(100_000);
}

//! The states of an attachment: how it was made, and the events since. Real calls reach all of them.

use super::calls::{Call, Outcome};
use super::picture::{self, Move};
use super::reached;
use super::world::{ATR, Model, OTHER_ATR, World, WorldOperation, name};
use crate::abi::constants::{Access, CardState, Disposition, ShareMode};
use crate::abi::hresult::Hresult;
use crate::attachment::{Attachment, Ownership, ReconnectRequest};

/// How the attachment was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HandleOrigin {
    Owned,
    Borrowed,
    Adopted,
}

/// An attachment, and the resource manager that it is made with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setup {
    pub origin: HandleOrigin,
    pub mode: ShareMode,
    pub keeps_transactions: bool,
}

/// An event in the life of an attachment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WorldEvent {
    Lock,
    /// A call that sees the events before it.
    Look,
    Reset,
    Remove,
    PutBack,
    PutOther,
    ReaderGoes,
    ReaderComes,
    ServiceStops,
    ServiceStarts,
    /// An unlock of the attachment resets the card.
    OwnReset,
    /// An exchange fails for an unknown reason.
    Doubt,
    /// A reconnect fails because of another application.
    ReconnectInVain,
    /// The limit of a reconnect ends. There is no time for another connection either.
    OutOfTime,
    Reconnect,
}

use WorldEvent::*;

pub const EVENTS: &[WorldEvent] = &[
    Lock,
    Look,
    Reset,
    Remove,
    PutBack,
    PutOther,
    ReaderGoes,
    ReaderComes,
    ServiceStops,
    ServiceStarts,
    OwnReset,
    Doubt,
    ReconnectInVain,
    OutOfTime,
    Reconnect,
];

/// The events before the call.
pub const STATES: &[&[WorldEvent]] = &[
    &[],
    &[Lock],
    &[Lock, Lock],
    // A reset.
    &[Reset],
    &[Reset, Look],
    &[OwnReset],
    &[OwnReset, Remove],
    &[OwnReset, Remove, PutOther],
    &[OwnReset, ServiceStops],
    &[OwnReset, Lock],
    // A removal.
    &[Remove],
    &[Remove, Look],
    &[Remove, Look, PutBack],
    &[Remove, PutBack],
    &[Remove, PutOther],
    &[Remove, Look, Reconnect],
    &[Lock, Remove],
    &[Lock, Remove, PutBack],
    &[Lock, Remove, Look, PutOther],
    // The reader.
    &[ReaderGoes],
    &[ReaderGoes, Look, ReaderComes],
    &[ReaderGoes, ReaderComes, PutBack],
    &[Lock, ReaderGoes, Look],
    // The service.
    &[ServiceStops],
    &[ServiceStops, Look],
    &[ServiceStops, ServiceStarts],
    &[Lock, ServiceStops, Look, ServiceStarts],
    // No connection is left.
    &[ServiceStops, Reconnect],
    &[ServiceStops, Reconnect, ServiceStarts],
    &[Remove, ServiceStops, ServiceStarts, Reconnect],
    &[Lock, ServiceStops, Reconnect, ServiceStarts],
    // The lock cannot be taken again: an owned connection is lost, a borrowed one is set aside.
    &[Lock, Remove, PutBack, ReconnectInVain],
    &[Lock, Remove, PutBack, ReconnectInVain, Remove],
    // An exchange has failed for an unknown reason.
    &[Doubt],
    &[Lock, Doubt],
    &[Doubt, Remove, PutOther],
    // The connection is deferred.
    &[OutOfTime],
    &[OutOfTime, Remove, PutOther],
    &[Lock, OutOfTime],
];

/// An attachment in its world, and what the test knows of it.
pub struct Case {
    pub world: &'static World,
    pub attachment: Attachment,
    pub setup: Setup,
    pub mode: ShareMode,
    /// How many locks were taken and not given back.
    pub depth: u32,
    /// Whether the last loss was told to the caller and counted; None if that cannot be known from outside.
    pub reported: Option<bool>,
    /// An unlock has reset the card, and no call that meets signals has succeeded since.
    pub owes: bool,
    /// The generation, and the state of the card's memory, at the last exchange that succeeded.
    pub witness: Option<(u64, u32)>,
    /// An exchange reached a card with another state than that of its generation, or came outside of the transaction.
    pub betrayed: bool,
    /// The attachment has ended.
    pub closed: bool,
    /// The changes of the state, for the picture.
    pub moves: Vec<Move>,
}

impl Case {
    pub fn new(world: &'static World, setup: Setup, events: &[WorldEvent]) -> Case {
        *world.model() = Model::new(setup.keeps_transactions);
        let Setup { origin, mode, .. } = setup;
        let access = Access { share_mode: mode, ..Access::default() };
        let attachment = match origin {
            HandleOrigin::Owned => Attachment::by_ifd(world, name(), access, None),
            _ => {
                let icc = world.model().lend(mode, origin == HandleOrigin::Borrowed);
                Attachment::by_handle(world, icc, access, None)
            }
        };
        let attachment = attachment.unwrap();
        if origin == HandleOrigin::Adopted {
            attachment.own_as(Ownership::Owned);
        }
        let (depth, reported, owes, witness, betrayed, closed) = (0, Some(false), false, None, false, false);
        let moves = Vec::new();
        let mut case = Case { world, attachment, setup, mode, depth, reported, owes, witness, betrayed, closed, moves };
        // A response that the calls keep or replace.
        let _ = case.call(Call::Control);
        let _ = case.call(Call::TRANSMIT);
        events.iter().for_each(|event| case.apply(*event));
        case
    }

    fn apply(&mut self, event: WorldEvent) {
        let world = self.world;
        match event {
            Lock => drop(self.call(Call::Lock)),
            Look => drop(self.call(Call::Status)),
            Reset => world.model().reset_card(),
            Remove => world.model().remove_card(),
            PutBack => world.model().put_card(ATR),
            PutOther => world.model().put_card(OTHER_ATR),
            ReaderGoes => world.model().take_reader(),
            ReaderComes => world.model().put_reader(),
            ServiceStops => world.model().stop_service(),
            ServiceStarts => world.model().start_service(),
            OwnReset => {
                let _ = self.call(Call::Lock);
                let _ = self.call(Call::Unlock(Disposition::Reset));
            }
            Doubt => self.in_vain(&[(WorldOperation::Transmit, Hresult::SCARD_F_COMM_ERROR)], Call::TRANSMIT),
            ReconnectInVain => {
                let call = Call::Reconnect(ReconnectRequest::default());
                self.in_vain(&[(WorldOperation::Begin, Hresult::SCARD_E_SHARING_VIOLATION)], call);
            }
            OutOfTime => {
                let late = [WorldOperation::Reconnect, WorldOperation::Establish]
                    .map(|operation| (operation, Hresult::SCARD_E_TIMEOUT));
                self.in_vain(&late, Call::reset_within_limit());
            }
            Reconnect => drop(self.call(Call::Reconnect(ReconnectRequest::default()))),
        }
    }

    fn in_vain(&mut self, failures: &[(WorldOperation, Hresult)], call: Call) {
        self.world.model().sabotage.extend(failures);
        let _ = self.call(call);
        self.world.model().sabotage.clear();
    }

    /// Makes a call, and notes what it tells.
    pub fn call(&mut self, call: Call) -> Outcome {
        let generation = self.attachment.generation();
        let before = reached::of(self);
        let outcome = call.make(&mut self.attachment);
        self.moves.extend(picture::moved(before, call, outcome.is_ok(), reached::of(self)));
        let counted = self.attachment.generation() != generation;
        self.note_loss(call, &outcome, counted);
        match (call, &outcome) {
            (call, Ok(_)) if call.is_exchange() => self.witness_exchange(),
            (Call::Status, Ok(_)) => self.owes = false,
            (call, Ok(_)) if call.is_lock() => (self.depth, self.owes) = (self.depth + 1, false),
            // A borrowed handle is not disposed of, so nothing has happened.
            (Call::Close(Disposition::Leave), _) => self.closed = true,
            (Call::Close(_), _) => self.closed = self.setup.origin != HandleOrigin::Borrowed,
            (Call::Unlock(disposition), _) if self.depth > 0 => {
                self.depth -= 1;
                self.owes |= self.depth == 0 && outcome.is_ok() && disposition != Disposition::Leave;
            }
            (Call::Reconnect(request), Ok(_)) => {
                self.mode = request.share_mode.unwrap_or(self.mode);
                self.owes = false;
            }
            _ => {}
        }
        outcome
    }

    fn note_loss(&mut self, call: Call, outcome: &Outcome, counted: bool) {
        match (call, outcome) {
            (_, outcome) if is_loss(call, outcome, self.mode) => self.reported = Some(true),
            (Call::Reconnect(_), Ok(_)) => self.reported = Some(false),
            (call, Ok(_)) if self.depth == 0 && call.meets_signals() => self.reported = Some(false),
            // A loss that lasts, or an exchange that failed.
            (_, Err(_)) if counted && self.reported == Some(false) => self.reported = None,
            _ => {}
        }
    }

    fn witness_exchange(&mut self) {
        let now = (self.attachment.generation(), self.world.model().memory);
        self.betrayed |= self.witness.is_some_and(|before| before.0 == now.0 && before.1 != now.1);
        self.betrayed |= self.depth > 0 && self.transactions() == Some(0);
        self.witness = Some(now);
        self.owes = false;
    }

    /// How many transactions are open on the connection.
    pub fn transactions(&self) -> Option<u32> {
        let icc = self.attachment.icc().ok()?;
        self.world.model().handle(icc).map(|handle| handle.transactions)
    }
}

/// Whether an outcome tells a failure that lasts until a reconnect: the codes of a connection in `scm.h`, and
/// `SCARD_E_NO_SMARTCARD` of a reconnect.
pub fn is_loss(call: Call, outcome: &Outcome, mode: ShareMode) -> bool {
    use Hresult as H;
    match outcome {
        _ if matches!(call, Call::Close(_)) => false,
        // In direct mode cards come and go without a signal.
        Ok(outcome) => outcome.state == Some(CardState::Absent) && mode != ShareMode::Direct,
        Err(code) => matches!(
            *code,
            H::SCARD_W_RESET_CARD
                | H::SCARD_W_REMOVED_CARD
                | H::SCARD_W_UNPOWERED_CARD
                | H::SCARD_W_UNRESPONSIVE_CARD
                | H::SCARD_E_NO_SMARTCARD
                | H::SCARD_E_READER_UNAVAILABLE
                | H::SCARD_E_NO_SERVICE
                | H::SCARD_E_INVALID_HANDLE
        ),
    }
}

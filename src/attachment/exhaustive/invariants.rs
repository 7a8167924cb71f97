//! The invariants: they hold after each call, in each state, with each answer of the manager. Each one is a sentence of
//! the header `scm.h` ("Header") or of the design ("Design").

use super::calls::{Call, Outcome};
use super::reached::{self, Reached};
use super::states::{Case, HandleOrigin, is_loss};
use super::world::{RESPONSE, SPOKEN, Step, WorldAnswer, WorldOperation, leaves_card_unknown};
use crate::abi::constants::{CardState, Disposition, ShareMode};
use crate::abi::hresult::Hresult;
use crate::attachment::{ReconnectRequest, Reconnected};
use crate::iso7816::atr::Atr;

/// The properties of an attachment that can be read without the card.
pub struct View {
    generation: u64,
    card_number: u64,
    atr: Atr,
    response: Vec<u8>,
    depth: u32,
    reported: Option<bool>,
    owes: bool,
    /// The reason if there is no connection.
    down: Option<Hresult>,
    pub state: Reached,
}

impl View {
    pub fn of(case: &Case) -> View {
        View {
            generation: case.attachment.generation(),
            card_number: case.attachment.card_number(),
            atr: case.attachment.atr(),
            response: case.attachment.last_response(|answer| Ok(answer.to_vec())).unwrap(),
            depth: case.depth,
            reported: case.reported,
            owes: case.owes,
            down: case.attachment.icc().err(),
            state: reached::of(case),
        }
    }
}

/// One call, with all that was seen of it.
pub struct Seen<'a> {
    pub case: &'a Case,
    pub call: Call,
    pub answers: &'a [(usize, WorldAnswer)],
    pub outcome: Outcome,
    pub before: View,
    pub after: View,
    pub steps: &'a [Step],
}

type Invariant = (&'static str, fn(&Seen) -> bool);

pub const INVARIANTS: &[Invariant] = &[
    ("nothing is sent twice", nothing_is_sent_twice),
    ("a failed exchange leaves no answer", a_failed_exchange_leaves_no_answer),
    ("other calls leave the answer alone", other_calls_leave_the_answer_alone),
    ("invalid input changes nothing", invalid_input_changes_nothing),
    ("a loss is counted once", a_loss_is_counted_once),
    ("the generation stands for the state of the card", the_generation_stands_for_the_state_of_the_card),
    ("another card is not taken for the one before", another_card_is_not_taken_for_the_one_before),
    ("what is locked is locked", a_lock_holds_the_reader),
    ("locks are counted", locks_are_counted),
    ("an own reset is not told", an_own_reset_is_not_told),
    ("a borrowed handle stays the caller's", a_borrowed_handle_stays_the_callers),
    ("the card is left as it is unless asked", the_card_is_left_as_it_is_unless_asked),
    ("every code is documented", every_code_is_documented),
    ("the truth is asked for", the_truth_is_asked_for),
    ("reconnect tells cards apart", reconnect_tells_cards_apart),
    ("only a protocol that was asked for is spoken", only_a_protocol_that_was_asked_for_is_spoken),
    ("a reader does without a card", a_reader_does_without_a_card),
    ("a card that is gone is a state", a_card_that_is_gone_is_a_state),
    ("what is given out can be used", a_connection_that_is_given_out_can_be_used),
    ("a limit holds for all that a call waits for", a_limit_holds_for_all_that_a_call_waits_for),
    ("the resource manager is used as it should be", the_resource_manager_is_used_as_it_should_be),
    ("the state is one that exists", the_state_is_one_that_exists),
];

/// Design: "Nothing is ever sent to a card again behind the caller's back."
fn nothing_is_sent_twice(seen: &Seen) -> bool {
    let sent = seen.steps.iter().filter(|step| step.operation == WorldOperation::Transmit).count();
    sent <= usize::from(seen.call.is_exchange())
}

fn is_exchange(call: Call) -> bool {
    call.is_exchange() || matches!(call, Call::Control | Call::ControlTooLong)
}

/// Header, `scm_get_last_response`: after an exchange that failed, and before the first one, it is empty.
fn a_failed_exchange_leaves_no_answer(seen: &Seen) -> bool {
    !is_exchange(seen.call) || seen.call.is_invalid() || seen.outcome.is_ok() || seen.after.response.is_empty()
}

/// Header, `scm_get_last_response`: the response is kept until the next exchange.
fn other_calls_leave_the_answer_alone(seen: &Seen) -> bool {
    let refused = seen.call.is_invalid() && seen.outcome == Err(Hresult::E_INVALIDARG);
    is_exchange(seen.call) && !refused || seen.before.response == seen.after.response
}

/// Header: nothing is sent if an argument is invalid.
fn invalid_input_changes_nothing(seen: &Seen) -> bool {
    if !seen.call.asks_nobody() {
        return true;
    }
    if let (Call::Transmit(_), ShareMode::Direct) = (seen.call, seen.case.mode) {
        // Without a protocol the command is not checked.
        return seen.outcome.is_err();
    }
    let is_down = seen.call.is_exchange() && seen.before.down.is_some();
    let refused = seen.outcome == Err(Hresult::E_INVALIDARG) || is_down && seen.outcome.is_err();
    (refused || !seen.call.is_invalid()) && seen.steps.is_empty() && seen.before.generation == seen.after.generation
}

/// Header, `scm_get_generation`: one event increments it once, however many calls fail because of it.
fn a_loss_is_counted_once(seen: &Seen) -> bool {
    let Some(counted) = seen.after.generation.checked_sub(seen.before.generation) else { return false };
    match seen.before.reported {
        Some(reported) if is_loss(seen.call, &seen.outcome, seen.case.mode) => counted == u64::from(!reported),
        _ => counted <= 1,
    }
}

/// Design: "A counter on the attachment that grows whenever the card may have forgotten its state."
fn the_generation_stands_for_the_state_of_the_card(seen: &Seen) -> bool {
    !seen.case.betrayed
}

/// Header, `scm_file_read`: the card was taken out, or may be another one than the file was opened on. If the service
/// misses a swap, an exchange fails for an unknown reason.
fn another_card_is_not_taken_for_the_one_before(seen: &Seen) -> bool {
    let was_sent = seen.steps.iter().any(|step| step.operation == WorldOperation::Transmit);
    let broke_off = matches!(seen.outcome, Err(code) if is_vague(code));
    !(was_sent && broke_off) || seen.after.card_number > seen.before.card_number
}

/// Design: "Locks held before are held after, on every platform, or the call fails."
fn a_lock_holds_the_reader(seen: &Seen) -> bool {
    // An inner lock makes no operation.
    let changes_locks =
        (seen.call.is_lock() || matches!(seen.call, Call::Reconnect(_) | Call::Unlock(_))) && !seen.steps.is_empty();
    !changes_locks || seen.outcome.is_err() || seen.case.transactions() == Some(seen.after.depth.min(1))
}

/// Header, `scm_unlock`: the outermost unlock lets others use the card; an inner one does nothing.
fn locks_are_counted(seen: &Seen) -> bool {
    match (seen.call, seen.before.depth) {
        (Call::Unlock(_), 0) => seen.steps.is_empty() && seen.outcome == Err(Hresult::SCARD_E_NOT_TRANSACTED),
        (Call::Unlock(_), 2..) => seen.steps.is_empty() && seen.outcome.is_ok(),
        _ => true,
    }
}

/// Header, `scm_unlock`: after a reset the generation has grown, and the attachment goes on without a reconnect.
fn an_own_reset_is_not_told(seen: &Seen) -> bool {
    !seen.before.owes || !seen.answers.is_empty() || seen.outcome != Err(Hresult::SCARD_W_RESET_CARD)
}

/// Design: "Borrowed when the handle is the caller's: libscm never disconnects, resets or releases it."
fn a_borrowed_handle_stays_the_callers(seen: &Seen) -> bool {
    // An unlock acknowledges a signal that would keep the transaction open.
    let locks_itself = matches!(seen.call, Call::TransmitWithin(_));
    let gives_back = locks_itself || seen.before.depth > 0 && matches!(seen.call, Call::Unlock(_) | Call::Close(_));
    let may_reconnect = matches!(seen.call, Call::Reconnect(_)) || seen.before.owes || gives_back;
    seen.steps.iter().filter(|step| step.lent).all(|step| match step.operation {
        WorldOperation::Disconnect => false,
        WorldOperation::Reconnect => may_reconnect,
        _ => true,
    })
}

/// Design: "libscm never resets a card unless asked to." A card that is mute or without power has no state to lose
/// (decisions).
fn the_card_is_left_as_it_is_unless_asked(seen: &Seen) -> bool {
    let powers_up =
        |step: &Step| step.operation == WorldOperation::Reconnect && step.disposition == Disposition::Unpower;
    let has_no_power = seen.answers.iter().any(|(_, answer)| match answer {
        WorldAnswer::NoPower => true,
        WorldAnswer::Failure(code) => is_without_power(*code),
        _ => false,
    });
    seen.steps
        .iter()
        .filter(|step| step.disposition != Disposition::Leave)
        .all(|step| step.disposition == seen.call.disposition() || has_no_power && powers_up(step))
}

fn is_without_power(code: Hresult) -> bool {
    matches!(code, Hresult::SCARD_W_UNPOWERED_CARD | Hresult::SCARD_W_UNRESPONSIVE_CARD)
}

/// Header, the table of the codes of a connection.
const CONNECTION: &[Hresult] = &[
    Hresult::SCARD_W_RESET_CARD,
    Hresult::SCARD_W_REMOVED_CARD,
    Hresult::SCARD_W_UNPOWERED_CARD,
    Hresult::SCARD_W_UNRESPONSIVE_CARD,
    Hresult::SCARD_E_READER_UNAVAILABLE,
    Hresult::SCARD_E_NO_SERVICE,
    Hresult::SCARD_E_INVALID_HANDLE,
    Hresult::SCARD_E_SHARING_VIOLATION,
    Hresult::SCARD_F_COMM_ERROR,
    Hresult::E_OUTOFMEMORY,
];

/// Header, `scm_reconnect`. The first two come if the service fails to reconnect, and tells why when it is asked.
const RECONNECT: &[Hresult] = &[
    Hresult::SCARD_W_RESET_CARD,
    Hresult::SCARD_W_REMOVED_CARD,
    Hresult::SCARD_E_NO_SMARTCARD,
    Hresult::SCARD_E_READER_UNAVAILABLE,
    Hresult::SCARD_E_NO_SERVICE,
    Hresult::SCARD_E_SHARING_VIOLATION,
    Hresult::SCARD_E_PROTO_MISMATCH,
    Hresult::SCARD_E_INVALID_HANDLE,
    Hresult::SCARD_W_UNRESPONSIVE_CARD,
    Hresult::SCARD_W_UNPOWERED_CARD,
    Hresult::SCARD_W_UNSUPPORTED_CARD,
    Hresult::SCARD_E_NOT_READY,
    Hresult::SCARD_E_SERVER_TOO_BUSY,
    Hresult::SCARD_W_SECURITY_VIOLATION,
    Hresult::E_OUTOFMEMORY,
];

/// Header: the codes of each function, and whether the codes of a connection are among them.
fn documented(call: Call) -> (&'static [Hresult], &'static [Hresult]) {
    match call {
        Call::Transmit(_) | Call::TransmitWithin(_) => (
            &[
                Hresult::E_INVALIDARG,
                Hresult::SCARD_E_PROTO_MISMATCH,
                Hresult::SCARD_E_NOT_TRANSACTED,
                Hresult::SCARD_E_COMM_DATA_LOST,
            ],
            CONNECTION,
        ),
        Call::Control | Call::ControlTooLong | Call::SetAttribute | Call::SetAttributeTooLong => (
            &[Hresult::E_INVALIDARG, Hresult::SCARD_E_UNSUPPORTED_FEATURE, Hresult::SCARD_E_NOT_TRANSACTED],
            CONNECTION,
        ),
        Call::GetAttribute => (
            &[
                Hresult::SCARD_E_UNSUPPORTED_FEATURE,
                Hresult::SCARD_E_NOT_TRANSACTED,
                // For an attribute that is longer than the longest one.
                Hresult::SCARD_F_INTERNAL_ERROR,
            ],
            CONNECTION,
        ),
        Call::Status | Call::Lock | Call::LockWithin(_) => (&[], CONNECTION),
        Call::Unlock(_) => (&[Hresult::SCARD_E_NOT_TRANSACTED, Hresult::SCARD_E_UNSUPPORTED_FEATURE], CONNECTION),
        Call::Reconnect(_) => (&[], RECONNECT),
        Call::LastResponse => (&[], &[]),
        Call::Properties => (&[Hresult::SCARD_E_UNSUPPORTED_FEATURE], &[]),
        Call::Close(Disposition::Leave) => (&[], &[]),
        Call::Close(_) => (&[Hresult::E_INVALIDARG], CONNECTION),
    }
}

/// Header: the list "@return" of each function. A code of the manager that cannot be explained is passed on.
fn every_code_is_documented(seen: &Seen) -> bool {
    let Err(code) = seen.outcome else { return true };
    let (own, connection) = documented(seen.call);
    let last_reconnect = seen.before.down == Some(code);
    own.contains(&code) || connection.contains(&code) || last_reconnect || passes_on(seen, code)
}

fn passes_on(seen: &Seen, code: Hresult) -> bool {
    let has_better_name = match code {
        Hresult::SCARD_E_SERVICE_STOPPED | Hresult::SCARD_E_UNKNOWN_READER => !matches!(seen.call, Call::Close(_)),
        _ => matches!(seen.call, Call::Close(Disposition::Leave)),
    };
    !has_better_name && seen.answers.iter().any(|(_, answer)| *answer == WorldAnswer::Failure(code))
}

/// Design: "After a failed exchange libscm asks once for the true state before it chooses the code."
fn the_truth_is_asked_for(seen: &Seen) -> bool {
    let asks = !matches!(seen.call, Call::Reconnect(_) | Call::Close(_));
    let Some(icc) = seen.case.attachment.icc().ok().filter(|_| asks) else { return true };
    match (seen.answers, seen.case.world.model().trouble(icc)) {
        (&[(_, WorldAnswer::Failure(vague))], Some(truth)) if is_vague(vague) => {
            // The code for a borrowed handle that the service does not know any more.
            seen.outcome != Err(vague) || vague == Hresult::SCARD_E_INVALID_HANDLE && is_unknown_handle(truth)
        }
        _ => true,
    }
}

/// Codes that say only that something went wrong.
fn is_vague(code: Hresult) -> bool {
    leaves_card_unknown(code) && code != Hresult::SCARD_E_PROTO_MISMATCH || code == Hresult::SCARD_E_INVALID_HANDLE
}

fn is_unknown_handle(code: Hresult) -> bool {
    matches!(code, Hresult::SCARD_E_NO_SERVICE | Hresult::SCARD_E_INVALID_HANDLE)
}

/// Design: "`SCM_S_OK`: usable, and the card answers with the same ATR; `SCM_S_FALSE`: usable, but another ATR
/// answers."
fn reconnect_tells_cards_apart(seen: &Seen) -> bool {
    match seen.outcome.ok().and_then(|outcome| outcome.reconnected) {
        Some(Reconnected::SameCard) => seen.before.atr == seen.after.atr,
        Some(Reconnected::OtherCard) => seen.before.atr != seen.after.atr,
        None => true,
    }
}

/// Header, `scm_reconnect`, `SCM_SCARD_E_PROTO_MISMATCH`: the card supports none of the protocols of this attachment,
/// or another application uses it with another protocol.
fn only_a_protocol_that_was_asked_for_is_spoken(seen: &Seen) -> bool {
    match (seen.call, seen.case.mode) {
        (_, ShareMode::Direct) => true,
        (Call::Reconnect(ReconnectRequest { protocols: Some(asked), .. }), _) => {
            seen.outcome.is_err() || asked.accept(SPOKEN)
        }
        _ => true,
    }
}

/// Header, `scm_attach_by_ifd_ex`: in direct mode a reader without a card is no error.
fn a_reader_does_without_a_card(seen: &Seen) -> bool {
    let Call::Reconnect(ReconnectRequest { share_mode, initial: Disposition::Leave, .. }) = seen.call else {
        return true;
    };
    let is_direct = share_mode.unwrap_or(seen.case.mode) == ShareMode::Direct;
    let is_ours = seen.case.setup.origin != HandleOrigin::Borrowed;
    let can_be_had = is_direct && is_ours && seen.answers.is_empty() && seen.case.world.model().has_reader();
    !can_be_had || seen.outcome.is_ok()
}

/// Header, `scm_status`: a card that is gone is a state, not an error.
fn a_card_that_is_gone_is_a_state(seen: &Seen) -> bool {
    let answered = seen.case.attachment.icc().is_ok_and(|icc| seen.case.world.model().trouble(icc).is_none());
    let is_gone = matches!(seen.answers, [(last, WorldAnswer::NoCard)] if last + 1 == seen.steps.len());
    seen.call != Call::Status
        || !(answered && is_gone)
        || seen.outcome.is_ok_and(|outcome| outcome.state == Some(CardState::Absent))
}

/// Header, `scm_get_icc`: the handle is another one after a `scm_reconnect` that had to connect anew.
fn a_connection_that_is_given_out_can_be_used(seen: &Seen) -> bool {
    let (icc, context) = (seen.case.attachment.icc(), seen.case.attachment.context());
    let model = seen.case.world.model();
    let is_connected = icc.is_ok_and(|icc| model.handle(icc).is_some_and(|handle| handle.connected));
    is_connected != icc.is_err() && context.is_ok_and(|context| model.is_open(context)) == context.is_ok()
        || matches!(seen.call, Call::Close(_))
}

/// Header, "limit_ms" and "timeout_ms": the limit holds also while a call diagnoses a failure, and while it reconnects.
fn a_limit_holds_for_all_that_a_call_waits_for(seen: &Seen) -> bool {
    !seen.call.has_limit() || seen.steps.iter().all(|step| step.limited != Some(false))
}

/// The faults that the world finds: use after release, release before disconnect, a probe that ends a transaction.
fn the_resource_manager_is_used_as_it_should_be(seen: &Seen) -> bool {
    seen.case.world.model().faults.is_empty()
}

/// The tables of `connection_state` and `lock_state`.
fn the_state_is_one_that_exists(seen: &Seen) -> bool {
    let ownership = seen.case.attachment.ownership();
    reached::exists(seen.before.state, ownership) && reached::exists(seen.after.state, ownership)
}

impl Case {
    /// Whether the service does not know the borrowed handle any more.
    fn is_dead(&self) -> bool {
        !self.world.model().knows_lent()
    }

    /// Design: "Reconnect makes the attachment usable again if anything can", and "Failure leaves the attachment in
    /// place, to be reconnected later". Fails with the rule that does not hold.
    pub fn recover(&mut self) -> Result<(), &'static str> {
        self.world.model().heal();
        let reconnected = self.call(Call::Reconnect(ReconnectRequest::default()));
        match (reconnected, self.is_dead()) {
            (Ok(_), false) => self.is_usable()?,
            (Err(Hresult::SCARD_E_INVALID_HANDLE | Hresult::SCARD_E_NO_SERVICE), true) => {}
            _ => return Err("a reconnect brings back what can be brought back"),
        }
        self.give_locks_back()
    }

    fn is_usable(&mut self) -> Result<(), &'static str> {
        let (sent, answer) = match self.mode {
            ShareMode::Direct => (self.call(Call::Control), &b"feature"[..]),
            _ => (self.call(Call::TRANSMIT), RESPONSE),
        };
        let kept = self.attachment.last_response(|kept| Ok(kept == answer));
        if sent.is_err() || kept != Ok(true) {
            return Err("after a reconnect the card can be used");
        }
        if self.transactions() != Some(self.depth.min(1)) {
            return Err("locks held before a reconnect are held after");
        }
        let icc = self.attachment.icc().ok();
        if !icc.is_some_and(|icc| self.world.model().handle(icc).is_some_and(|handle| handle.mode == self.mode)) {
            return Err("a share mode holds once a reconnect to it succeeded, and not before");
        }
        if self.betrayed {
            return Err("after a reconnect the generation stands for the state of the card");
        }
        Ok(())
    }

    /// Decisions: locks and unlocks of the program stay pairs.
    fn give_locks_back(&mut self) -> Result<(), &'static str> {
        while self.depth > 0 {
            if self.call(Call::Unlock(Disposition::Leave)).is_err() && !self.is_dead() {
                return Err("a lock can be given back");
            }
        }
        match self.call(Call::Unlock(Disposition::Leave)) {
            Err(Hresult::SCARD_E_NOT_TRANSACTED) => Ok(()),
            _ => Err("no lock is left after the last unlock"),
        }
    }

    /// Design: an owned connection is released with the attachment, a borrowed one never.
    pub fn finish(mut self) -> Result<(), &'static str> {
        if !self.closed && self.attachment.close().is_err() {
            return Err("an attachment can be ended");
        }
        let world = self.world;
        drop(self);
        let model = world.model();
        match (model.is_tidy(), model.faults.first()) {
            (_, Some(fault)) => Err(fault),
            (false, _) => Err("what was taken is given back, once"),
            _ => Ok(()),
        }
    }
}

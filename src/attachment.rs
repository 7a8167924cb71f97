//! One attachment: what it is attached to, how deep it is locked, what its card may have forgotten, and how to get it
//! back (`reconnect`). After a failed call `diagnosis` finds the code that says what is true.
#![forbid(unsafe_code)]

pub mod application;
pub mod conversation;
mod diagnosis;
#[cfg(test)]
mod exhaustive;
pub mod knowledge;
mod link;
mod lock;
mod parting;
mod possession;
mod reconnect;
mod session;
#[cfg(test)]
mod tests;

pub use reconnect::{Reconnected, Wish};

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::arbiter::seat::Seat;
use crate::atr::Atr;
use crate::buffer;
use crate::fork_count::fork_count;
use crate::hresult::{Hresult, Result};
use crate::ifd_name::IfdName;
use crate::occupation;
use crate::patience::{Bell, Patience};
use crate::shared::Shared;
use crate::subsystem::{Context, Icc, Identity, Subsystem, MAX_ATTRIBUTE, MAX_COMMAND, MAX_RESPONSE};
use crate::type_library::{Access, CardState, Disposition, Protocol, ShareMode};
use link::Link;
use session::Session;

/// Whose the card handle is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ownership {
    /// Ours: it may be closed, and opened again.
    Owned,
    /// The caller's: it is never disconnected.
    Borrowed,
}

pub struct Attachment {
    subsystem: &'static dyn Subsystem,
    /// Grows whenever the card may have forgotten its state.
    generation: AtomicU64,
    /// Grows whenever another card may have taken the place of the one before, beside the doubts of `seat`.
    cards: AtomicU64,
    /// Held for a moment only, so that who asks for them never waits for a card.
    facts: Mutex<Facts>,
    /// Held during each call to the subsystem: one call at a time on a context and its card.
    session: Mutex<Session>,
    /// Whether a call can come to want itself, through a callback.
    calls_back: bool,
    /// The mark of the thread that holds the session, if that matters, or 0.
    user: AtomicUsize,
    /// How many wait for the session who want to be rung for.
    waiting: AtomicUsize,
    bell: Shared<Bell>,
    /// What keeps the attachments of this process to one reader out of each other's way.
    seat: Seat,
    /// That of the process whose connection it is.
    forks: usize,
}

/// What can be known of an attachment without asking its card.
struct Facts {
    ownership: Ownership,
    link: Result<Link>,
    atr: Atr,
    /// What becomes of the card when the attachment ends.
    parting: Disposition,
    /// Somebody else knows the card handle, and may have begun a transaction on it.
    lent: bool,
}

impl Identity {
    /// What a reconnect has to do before the card can be used over `link`, if anything.
    fn wanting(&self, link: Link) -> Option<Disposition> {
        match self.state {
            _ if link.share_mode == ShareMode::Direct => None,
            CardState::Present | CardState::Swallowed => Some(Disposition::Unpower),
            _ if self.protocol.is_none() || link.protocol.is_none() => Some(Disposition::Leave),
            _ => None,
        }
    }

    fn card(&self) -> Card {
        Card { atr: self.atr, events: self.events }
    }
}

/// The card of the last connection, and how often cards had come and gone in its reader.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Card {
    atr: Atr,
    events: u16,
}

impl Attachment {
    /// Attaches to the card in the reader `ifd`, with a context of its own. `None` is as patient as it has to be.
    pub fn by_ifd(
        subsystem: &'static dyn Subsystem,
        ifd: IfdName,
        access: Access,
        timeout_ms: Option<u32>,
    ) -> Result<Attachment> {
        let bell = Shared::try_new(Bell::default())?;
        let patience = patience(timeout_ms, &bell);
        let seat = Seat::take(ifd)?;
        let response = response_buffer()?;
        let arbiter = Shared::clone(&seat);
        let turn = lock::turn_of_newcomer(&arbiter, subsystem, &patience, &bell)?;
        let link = Link::open(subsystem, &ifd, access, &patience)?;
        let mut attachment = Attachment::new(subsystem, Ownership::Owned, seat, bell.clone(), link, access, response);
        let met = attachment.meet_usable_card(&mut *attachment.enter(&patience)?, access, &patience);
        drop(turn);
        match met {
            Ok(_) => Ok(attachment),
            Err(code) => {
                if !reconnect::is_impatience(code, &patience) {
                    let _ = attachment.close();
                }
                Err(code)
            }
        }
    }

    /// Attaches to the card behind `icc`, a handle that the caller has connected with `access`. It is borrowed, until
    /// `own_as` says otherwise.
    pub fn by_handle(
        subsystem: &'static dyn Subsystem,
        icc: Icc,
        access: Access,
        timeout_ms: Option<u32>,
    ) -> Result<Attachment> {
        let bell = Shared::try_new(Bell::default())?;
        let patience = patience(timeout_ms, &bell);
        let response = response_buffer()?;
        // The question waits for the end of another's transaction, which may be that of a lock this thread was called under.
        if occupation::is_called() && subsystem.is_taken(icc, &patience) == Ok(true) {
            return Err(Hresult::SCARD_E_NOT_READY);
        }
        let identity = subsystem.identify(icc, &patience).map_err(|code| match code {
            Hresult::SCARD_E_INVALID_HANDLE => Hresult::E_INVALIDARG,
            code => code,
        })?;
        let link = Link { context: None, icc, share_mode: access.share_mode, protocol: None };
        let link = link.with_protocol(identity.protocol);
        let seat = Seat::take(identity.ifd)?;
        let attachment = Attachment::new(subsystem, Ownership::Borrowed, seat, bell.clone(), link, access, response);
        attachment.note_card(&mut *attachment.enter(&patience)?, &identity);
        Ok(attachment)
    }

    fn new(
        subsystem: &'static dyn Subsystem,
        ownership: Ownership,
        seat: Seat,
        bell: Shared<Bell>,
        link: Link,
        access: Access,
        response: Vec<u8>,
    ) -> Attachment {
        let (link, atr) = (Ok(link), Atr::default());
        Attachment {
            subsystem,
            generation: AtomicU64::new(0),
            cards: AtomicU64::new(0),
            facts: Mutex::new(Facts { ownership, link, atr, parting: Disposition::Leave, lent: false }),
            session: Mutex::new(Session::new(link, access, response)),
            calls_back: subsystem.calls_back(),
            user: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            bell,
            seat,
            forks: fork_count(),
        }
    }

    /// Not so in the child of a fork that returns from a function of the program's, which was called for its parent.
    pub fn is_of_this_process(&self) -> bool {
        self.forks == fork_count()
    }

    /// Sends one command to the card and hands its answer to `deliver`. The answer is kept until the next exchange.
    pub fn transmit<T>(&self, command: &[u8], deliver: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        let mut session = self.enter_at_length()?;
        let session = &mut *session;
        if let Ok(Link { protocol: Some(protocol), .. }) = session.link {
            // What is no command is no exchange either: it leaves everything as it is.
            check_command(protocol, command)?;
        }
        session.knowledge.forget_selection();
        let exchanged = self.turn(session).and_then(|_turn| self.exchange(session, command, &Patience::ENDLESS));
        self.deliver(session, exchanged, deliver)
    }

    /// The same, waiting no longer than so to get the card. The card is locked for the exchange: a command that waits inside
    /// of the resource manager could not be called back.
    pub fn transmit_within<T>(
        &self,
        timeout_ms: u32,
        command: &[u8],
        deliver: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<T> {
        let patience = Patience::of_ms(timeout_ms, &self.bell);
        let mut session = self.enter(&patience)?;
        if let Ok(link) = session.link {
            check_command(link.protocol.ok_or(Hresult::SCARD_E_PROTO_MISMATCH)?, command)?;
        }
        session.knowledge.forget_selection();
        let exchanged = self.take_lock(&mut session, &patience).and_then(|()| {
            let exchanged = self.exchange(&mut session, command, &patience);
            // What became of the lock shows at the next call; the answer of the card is there.
            let _ = self.give_lock(&mut session, Disposition::Leave, &patience);
            exchanged
        });
        self.deliver(&mut session, exchanged, deliver)
    }

    /// Hands out the answer. After an exchange that failed there is none, not even an old one.
    #[inline(always)]
    fn deliver<T>(
        &self,
        session: &mut Session,
        exchanged: Result<()>,
        deliver: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<T> {
        if let Err(code) = exchanged {
            session.response.clear();
            return Err(code);
        }
        deliver(&session.response)
    }

    #[inline(always)]
    fn exchange(&self, session: &mut Session, command: &[u8], patience: &Patience) -> Result<()> {
        let link = self.ready(session, patience)?;
        let protocol = link.protocol.ok_or(Hresult::SCARD_E_PROTO_MISMATCH)?;
        let sent = self.subsystem.transmit(link.icc, protocol, command, &mut session.response);
        match sent.and_then(|()| check_response(protocol, &session.response)) {
            Ok(()) => {
                self.note_success(session);
                Ok(())
            }
            Err(code) => Err(self.diagnose_exchange(session, code, patience)),
        }
    }

    /// Sends a control code to the reader and hands its answer to `deliver`. The answer is kept like a card's.
    pub fn control<T>(&self, code: u32, input: &[u8], deliver: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        if input.len() > MAX_COMMAND {
            return Err(Hresult::E_INVALIDARG);
        }
        let mut session = self.enter_at_length()?;
        // What a reader does with its card on its own is not known.
        session.knowledge.forget_selection();
        let mut response = std::mem::take(&mut session.response);
        let sent = self.ask_reader(&mut session, |icc| self.subsystem.control(icc, code, input, &mut response));
        session.response = response;
        if sent.is_ok() {
            self.note_control(&mut session);
        }
        self.deliver(&mut session, sent, deliver)
    }

    /// Hands the answer of the last exchange to `deliver` once more; empty when there was none.
    pub fn last_response<T>(&self, deliver: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        deliver(&self.enter_at_length()?.response)
    }

    /// Reads an attribute of the reader and hands it to `deliver`.
    pub fn get_attribute<T>(&self, id: u32, deliver: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        let mut session = self.enter_at_length()?;
        let mut value = [0; MAX_ATTRIBUTE];
        let length = self.ask_reader(&mut session, |icc| self.subsystem.get_attribute(icc, id, &mut value))?;
        deliver(value.get(..length).ok_or(Hresult::SCARD_F_INTERNAL_ERROR)?)
    }

    pub fn set_attribute(&self, id: u32, value: &[u8]) -> Result<()> {
        if value.len() > MAX_ATTRIBUTE {
            return Err(Hresult::E_INVALIDARG);
        }
        let mut session = self.enter_at_length()?;
        self.ask_reader(&mut session, |icc| self.subsystem.set_attribute(icc, id, value))
    }

    /// One of the calls that do not wait while another has the card. So an own reset is acknowledged only where the
    /// service insists, which it does when nobody has.
    fn ask_reader<T>(&self, session: &mut Session, mut call: impl FnMut(Icc) -> Result<T>) -> Result<T> {
        if session.owes_connection {
            self.connected(session, &Patience::of_ms(reconnect::MOMENT_MS, &self.bell))?;
        }
        let answer = match call(session.link?.icc) {
            Err(Hresult::SCARD_W_RESET_CARD) if session.owes_acknowledgement => {
                call(self.ready(session, &Patience::ENDLESS)?.icc)
            }
            answer => answer,
        };
        answer.map_err(|code| self.diagnose(session, code, &Patience::ENDLESS))
    }

    /// The state of the card and the active protocol. That the card is gone is a state, not an error.
    pub fn status(&self) -> Result<(CardState, Option<Protocol>)> {
        let mut session = self.enter_at_length()?;
        match self.ask_status(&mut session) {
            Err(Hresult::SCARD_W_REMOVED_CARD) => Ok((CardState::Absent, None)),
            status => status,
        }
    }

    fn ask_status(&self, session: &mut Session) -> Result<(CardState, Option<Protocol>)> {
        let _turn = self.turn(session)?;
        let link = self.ready(session, &Patience::ENDLESS)?;
        let status = match self.subsystem.status(link.icc, &Patience::ENDLESS) {
            Ok((state, _)) if link.share_mode == ShareMode::Direct => return Ok((state, None)),
            // A card that has left is a loss, and one without its protocol was reset, whether that was signalled or not.
            Ok((CardState::Absent, _)) => Err(Hresult::SCARD_W_REMOVED_CARD),
            Ok((_, None)) => Err(Hresult::SCARD_W_RESET_CARD),
            status => status,
        };
        match status {
            Ok(status) => {
                self.note_success(session);
                Ok(status)
            }
            Err(code) => Err(self.diagnose(session, code, &Patience::ENDLESS)),
        }
    }

    pub fn ifd(&self) -> &IfdName {
        self.seat.ifd()
    }

    /// Ends a wait: the one that is under way, or else the next one.
    pub fn cancel(&self) {
        self.bell.cancel();
        self.subsystem.stir();
    }

    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Another number for each card that may be another one, as far as it was noticed.
    fn card_number(&self) -> u64 {
        self.cards.load(Ordering::Acquire) + self.seat.doubts()
    }

    fn count_card(&self) {
        self.cards.fetch_add(1, Ordering::AcqRel);
    }

    /// The ATR of the card that the last attach or reconnect found.
    pub fn atr(&self) -> Atr {
        self.facts().atr
    }

    pub fn icc(&self) -> Result<Icc> {
        self.facts().link.map(|link| link.icc)
    }

    /// The card handle, for somebody who may use it beside this attachment.
    pub fn lend_icc(&self) -> Result<Icc> {
        self.facts().lent = true;
        self.icc()
    }

    /// The context of the connection; that of a caller's handle cannot be known.
    pub fn context(&self) -> Result<Context> {
        self.facts().link?.context.ok_or(Hresult::SCARD_E_UNSUPPORTED_FEATURE)
    }

    pub fn own_as(&self, ownership: Ownership) {
        self.facts().ownership = ownership;
    }

    fn ownership(&self) -> Ownership {
        self.facts().ownership
    }

    /// Whether somebody can use the card handle past this library.
    fn is_known_to_others(&self) -> bool {
        let Facts { ownership, lent, .. } = *self.facts();
        lent || ownership == Ownership::Borrowed
    }

    /// A borrowed card handle can only be left as it is.
    pub fn check_parting(&self, disposition: Disposition) -> Result<()> {
        match (self.ownership(), disposition) {
            (_, Disposition::Leave) => Ok(()),
            (Ownership::Owned, _) => self.may_dispose(),
            _ => Err(Hresult::E_INVALIDARG),
        }
    }

    /// Says what becomes of the card when the attachment is closed or dropped.
    pub fn part_with(&self, disposition: Disposition) {
        self.facts().parting = disposition;
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn grow_generation(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Counts that the card may have forgotten its state.
    fn count_loss(&self, session: &mut Session) {
        session.loss_is_counted = true;
        self.grow_generation();
    }

    /// The same, unless nothing has succeeded since the last loss: then this is the one that was counted.
    fn notice_loss(&self, session: &mut Session) {
        if !session.loss_is_counted {
            self.count_loss(session);
        }
    }

    /// What happens from now on is another loss.
    #[inline]
    fn note_success(&self, session: &mut Session) {
        if session.loss_is_counted {
            self.note_success_after_loss(session);
        }
    }

    /// If a reconnect was due, the owner of a borrowed handle has reconnected it, and the next reconnect looks closely. A lock
    /// that may be lost is still due.
    #[cold]
    fn note_success_after_loss(&self, session: &mut Session) {
        if session.interrupted && session.lock_depth > 0 {
            return;
        }
        session.doubtful |= std::mem::take(&mut session.interrupted);
        session.loss_is_counted = false;
    }

    /// The reader has done something, perhaps with its card. Where a reconnect is due, it is so all the same.
    fn note_control(&self, session: &mut Session) {
        session.loss_is_counted &= session.interrupted;
    }

    /// Sets the connection, or why there is none, where calls and askers see it.
    fn set_link(&self, session: &mut Session, link: Result<Link>) {
        session.link = link;
        session.owes_connection = false;
        self.facts().link = link;
    }

    /// Remembers the card that answers.
    fn note_card(&self, session: &mut Session, identity: &Identity) {
        session.knowledge.forget_selection();
        if session.card.atr != identity.atr {
            session.knowledge.forget_card();
            self.count_card();
        }
        session.card = identity.card();
        self.facts().atr = identity.atr;
    }

    /// Learns which card the connection leads to, and remembers it. Others may reset it meanwhile; and pcsc-lite connects
    /// to a card whose power another has turned off without turning it on, which keeps everyone else out. Tells whether
    /// anything of the kind happened.
    fn meet_usable_card(&self, session: &mut Session, access: Access, patience: &Patience) -> Result<bool> {
        for disturbances in 0..link::TRIES {
            let link = session.link?;
            let wanting = match self.subsystem.identify(link.icc, patience) {
                Ok(identity) => match identity.wanting(link) {
                    None => {
                        link.check(access)?;
                        self.note_card(session, &identity);
                        return Ok(disturbances > 0);
                    }
                    Some(initial) => initial,
                },
                Err(Hresult::SCARD_W_RESET_CARD) => Disposition::Leave,
                Err(Hresult::SCARD_W_REMOVED_CARD) => return Err(Hresult::SCARD_E_NO_SMARTCARD),
                Err(code) => return Err(code),
            };
            let link = link.reconnect(self.subsystem, access, wanting, patience)?;
            self.set_link(session, Ok(link));
        }
        Err(Hresult::SCARD_E_NOT_READY)
    }

    /// The connection, ready for a call. Every exchange passes here, hence the hint.
    #[inline]
    fn ready(&self, session: &mut Session, patience: &Patience) -> Result<Link> {
        let Ok(link) = session.link else { return self.connected(session, patience) };
        if session.owes_acknowledgement {
            self.acknowledge_own_reset(session, link, patience)?;
        }
        Ok(link)
    }

    /// A reset by an unlock is signalled to its own maker too (pcsc-lite), who need not hear of it.
    #[cold]
    fn acknowledge_own_reset(&self, session: &mut Session, link: Link, patience: &Patience) -> Result<()> {
        let access = session.access;
        let acknowledged = match self.subsystem.status(link.icc, patience) {
            Err(Hresult::SCARD_W_RESET_CARD) => {
                let link = link.reconnect(self.subsystem, access, Disposition::Leave, patience);
                link.and_then(|link| match self.subsystem.identify(link.icc, patience)?.wanting(link) {
                    None => Ok(link),
                    // Another has turned its power off since.
                    Some(initial) => link.reconnect(self.subsystem, access, initial, patience),
                })
            }
            other => other.map(|_| link),
        };
        let link = acknowledged.and_then(|link| link.check(access));
        let link = link.map_err(|code| self.diagnose(session, reconnect::while_down(code), patience))?;
        session.owes_acknowledgement = false;
        self.set_link(session, Ok(link));
        Ok(())
    }
}

/// The patience of who has said how much he has, or of who has not.
fn patience(timeout_ms: Option<u32>, bell: &Shared<Bell>) -> Patience<'_> {
    timeout_ms.map_or(Patience::lasting(bell), |timeout_ms| Patience::of_ms(timeout_ms, bell))
}

fn response_buffer() -> Result<Vec<u8>> {
    buffer::zeroed(MAX_RESPONSE)
}

/// A command of T=0 or T=1 has at least its header, CLA INS P1 P2 (ISO/IEC 7816-3, 12.1); some readers hang on less.
fn check_command(protocol: Protocol, command: &[u8]) -> Result<()> {
    match command.len() {
        4..=MAX_COMMAND => Ok(()),
        1..4 if protocol == Protocol::Raw => Ok(()),
        _ => Err(Hresult::E_INVALIDARG),
    }
}

/// A response has at least SW1 SW2 (ISO/IEC 7816-3, 12.1). Less arrives with a success code when the card was pulled.
fn check_response(protocol: Protocol, response: &[u8]) -> Result<()> {
    match response.len() {
        2.. => Ok(()),
        1 if protocol == Protocol::Raw => Ok(()),
        _ => Err(Hresult::SCARD_F_COMM_ERROR),
    }
}

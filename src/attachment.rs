//! One attachment: what it is attached to, how deep it is locked, what its card may have forgotten, and how to get it
//! back (`reconnect`). After a failed call `diagnosis` finds the code that says what is true.
#![forbid(unsafe_code)]

pub mod application;
mod connection;
mod diagnosis;
#[cfg(test)]
mod exhaustive;
pub mod knowledge;
mod lock;
mod parting;
mod reader_lock;
mod reconnect;
mod session;
#[cfg(test)]
mod tests;
pub mod transaction;

pub use reconnect::{ReconnectRequest, Reconnected};

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::abi::constants::{Access, CardState, Disposition, Protocol, ShareMode};
use crate::abi::hresult::{Hresult, Result};
use crate::arbiter::registry::Registration;
use crate::iso7816::atr::Atr;
use crate::iso7816::command::{MAX_COMMAND, MAX_RESPONSE};
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::{Context, Icc, Identity, MAX_ATTRIBUTE, ResourceManager};
use crate::runtime::buffer;
use crate::runtime::fallible::Arc;
use crate::runtime::fork_count::fork_count;
use crate::runtime::reentrancy;
use crate::runtime::wait::{WaitLimit, Waker};
use connection::Connection;
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
    manager: &'static dyn ResourceManager,
    /// Grows whenever the card may have forgotten its state.
    generation: AtomicU64,
    /// Grows whenever another card may have taken the place of the one before, beside the doubts of `registration`.
    cards: AtomicU64,
    /// Held for a moment only, so that who asks for them never waits for a card.
    facts: Mutex<Facts>,
    /// Held during each call to the manager: one call at a time on a context and its card.
    session: Mutex<Session>,
    /// Whether a call can come to want itself, through a callback.
    calls_back: bool,
    /// The mark of the thread that holds the session, if that matters, or 0.
    user: AtomicUsize,
    /// How many wait for the session who want to be woken for.
    waiting: AtomicUsize,
    waker: Arc<Waker>,
    /// What keeps the attachments of this process to one reader out of each other's way.
    registration: Registration,
    /// That of the process whose connection it is.
    forks: usize,
}

/// What can be known of an attachment without asking its card.
struct Facts {
    ownership: Ownership,
    connection: Result<Connection>,
    atr: Atr,
    /// What becomes of the card when the attachment ends.
    parting: Disposition,
    /// Somebody else knows the card handle, and may have begun a transaction on it.
    lent: bool,
}

impl Identity {
    /// What a reconnect has to do before the card can be used over `connection`, if anything.
    fn wanting(&self, connection: Connection) -> Option<Disposition> {
        match self.state {
            _ if connection.share_mode == ShareMode::Direct => None,
            CardState::Present | CardState::Swallowed => Some(Disposition::Unpower),
            _ if self.protocol.is_none() || connection.protocol.is_none() => Some(Disposition::Leave),
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
        manager: &'static dyn ResourceManager,
        ifd: IfdName,
        access: Access,
        timeout_ms: Option<u32>,
    ) -> Result<Attachment> {
        let waker = Arc::try_new(Waker::default())?;
        let limit = limit(timeout_ms, &waker);
        let registration = Registration::take(ifd)?;
        let response = response_buffer()?;
        let arbiter = Arc::clone(&registration);
        let turn = lock::turn_of_newcomer(&arbiter, manager, &limit, &waker)?;
        let connection = Connection::open(manager, &ifd, access, &limit)?;
        let mut attachment =
            Attachment::new(manager, Ownership::Owned, registration, waker.clone(), connection, access, response);
        let met = attachment.meet_usable_card(&mut *attachment.enter(&limit)?, access, &limit);
        drop(turn);
        match met {
            Ok(_) => Ok(attachment),
            Err(code) => {
                if !reconnect::is_impatience(code, &limit) {
                    let _ = attachment.close();
                }
                Err(code)
            }
        }
    }

    /// Attaches to the card behind `icc`, a handle that the caller has connected with `access`. It is borrowed, until
    /// `own_as` says otherwise.
    pub fn by_handle(
        manager: &'static dyn ResourceManager,
        icc: Icc,
        access: Access,
        timeout_ms: Option<u32>,
    ) -> Result<Attachment> {
        let waker = Arc::try_new(Waker::default())?;
        let limit = limit(timeout_ms, &waker);
        let response = response_buffer()?;
        // The question waits for the end of another's transaction, which may be that of a lock this thread was called under.
        if reentrancy::is_called() && manager.is_locked_by_other(icc, &limit) == Ok(true) {
            return Err(Hresult::SCARD_E_NOT_READY);
        }
        let identity = manager.identify(icc, &limit).map_err(|code| match code {
            Hresult::SCARD_E_INVALID_HANDLE => Hresult::E_INVALIDARG,
            code => code,
        })?;
        let connection = Connection { context: None, icc, share_mode: access.share_mode, protocol: None };
        let connection = connection.with_protocol(identity.protocol);
        let registration = Registration::take(identity.ifd)?;
        let attachment =
            Attachment::new(manager, Ownership::Borrowed, registration, waker.clone(), connection, access, response);
        attachment.note_card(&mut *attachment.enter(&limit)?, &identity);
        Ok(attachment)
    }

    fn new(
        manager: &'static dyn ResourceManager,
        ownership: Ownership,
        registration: Registration,
        waker: Arc<Waker>,
        connection: Connection,
        access: Access,
        response: Vec<u8>,
    ) -> Attachment {
        let (connection, atr) = (Ok(connection), Atr::default());
        Attachment {
            manager,
            generation: AtomicU64::new(0),
            cards: AtomicU64::new(0),
            facts: Mutex::new(Facts { ownership, connection, atr, parting: Disposition::Leave, lent: false }),
            session: Mutex::new(Session::new(connection, access, response)),
            calls_back: manager.calls_back(),
            user: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            waker,
            registration,
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
        if let Ok(Connection { protocol: Some(protocol), .. }) = session.connection {
            // What is no command is no exchange either: it leaves everything as it is.
            check_command(protocol, command)?;
        }
        session.knowledge.forget_selection();
        let exchanged = self.turn(session).and_then(|_turn| self.exchange(session, command, &WaitLimit::ENDLESS));
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
        let limit = WaitLimit::of_ms(timeout_ms, &self.waker);
        let mut session = self.enter(&limit)?;
        if let Ok(connection) = session.connection {
            check_command(connection.protocol.ok_or(Hresult::SCARD_E_PROTO_MISMATCH)?, command)?;
        }
        session.knowledge.forget_selection();
        let exchanged = self.take_lock(&mut session, &limit).and_then(|()| {
            let exchanged = self.exchange(&mut session, command, &limit);
            // What became of the lock shows at the next call; the answer of the card is there.
            let _ = self.give_lock(&mut session, Disposition::Leave, &limit);
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
    fn exchange(&self, session: &mut Session, command: &[u8], limit: &WaitLimit) -> Result<()> {
        let connection = self.ready(session, limit)?;
        let protocol = connection.protocol.ok_or(Hresult::SCARD_E_PROTO_MISMATCH)?;
        let sent = self.manager.transmit(connection.icc, protocol, command, &mut session.response);
        match sent.and_then(|()| check_response(protocol, &session.response)) {
            Ok(()) => {
                self.note_success(session);
                Ok(())
            }
            Err(code) => Err(self.diagnose_exchange(session, code, limit)),
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
        let sent = self.ask_reader(&mut session, |icc| self.manager.control(icc, code, input, &mut response));
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
        let length = self.ask_reader(&mut session, |icc| self.manager.get_attribute(icc, id, &mut value))?;
        deliver(value.get(..length).ok_or(Hresult::SCARD_F_INTERNAL_ERROR)?)
    }

    pub fn set_attribute(&self, id: u32, value: &[u8]) -> Result<()> {
        if value.len() > MAX_ATTRIBUTE {
            return Err(Hresult::E_INVALIDARG);
        }
        let mut session = self.enter_at_length()?;
        self.ask_reader(&mut session, |icc| self.manager.set_attribute(icc, id, value))
    }

    /// One of the calls that do not wait while another has the card. So an own reset is acknowledged only where the
    /// service insists, which it does when nobody has.
    fn ask_reader<T>(&self, session: &mut Session, mut call: impl FnMut(Icc) -> Result<T>) -> Result<T> {
        if session.owes_connection {
            self.connected(session, &WaitLimit::of_ms(reconnect::MOMENT_MS, &self.waker))?;
        }
        let answer = match call(session.connection?.icc) {
            Err(Hresult::SCARD_W_RESET_CARD) if session.owes_acknowledgement => {
                call(self.ready(session, &WaitLimit::ENDLESS)?.icc)
            }
            answer => answer,
        };
        answer.map_err(|code| self.diagnose(session, code, &WaitLimit::ENDLESS))
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
        let connection = self.ready(session, &WaitLimit::ENDLESS)?;
        let status = match self.manager.status(connection.icc, &WaitLimit::ENDLESS) {
            Ok((state, _)) if connection.share_mode == ShareMode::Direct => return Ok((state, None)),
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
            Err(code) => Err(self.diagnose(session, code, &WaitLimit::ENDLESS)),
        }
    }

    pub fn ifd(&self) -> &IfdName {
        self.registration.ifd()
    }

    /// Ends a wait: the one that is under way, or else the next one.
    pub fn cancel(&self) {
        self.waker.cancel();
        self.manager.recheck_limits();
    }

    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Another number for each card that may be another one, as far as it was noticed.
    fn card_number(&self) -> u64 {
        self.cards.load(Ordering::Acquire) + self.registration.doubts()
    }

    fn count_card(&self) {
        self.cards.fetch_add(1, Ordering::AcqRel);
    }

    /// The ATR of the card that the last attach or reconnect found.
    pub fn atr(&self) -> Atr {
        self.facts().atr
    }

    pub fn icc(&self) -> Result<Icc> {
        self.facts().connection.map(|connection| connection.icc)
    }

    /// The card handle, for somebody who may use it beside this attachment.
    pub fn lend_icc(&self) -> Result<Icc> {
        self.facts().lent = true;
        self.icc()
    }

    /// The context of the connection; that of a caller's handle cannot be known.
    pub fn context(&self) -> Result<Context> {
        self.facts().connection?.context.ok_or(Hresult::SCARD_E_UNSUPPORTED_FEATURE)
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
    fn set_link(&self, session: &mut Session, connection: Result<Connection>) {
        session.connection = connection;
        session.owes_connection = false;
        self.facts().connection = connection;
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
    fn meet_usable_card(&self, session: &mut Session, access: Access, limit: &WaitLimit) -> Result<bool> {
        for disturbances in 0..connection::TRIES {
            let connection = session.connection?;
            let wanting = match self.manager.identify(connection.icc, limit) {
                Ok(identity) => match identity.wanting(connection) {
                    None => {
                        connection.check(access)?;
                        self.note_card(session, &identity);
                        return Ok(disturbances > 0);
                    }
                    Some(initial) => initial,
                },
                Err(Hresult::SCARD_W_RESET_CARD) => Disposition::Leave,
                Err(Hresult::SCARD_W_REMOVED_CARD) => return Err(Hresult::SCARD_E_NO_SMARTCARD),
                Err(code) => return Err(code),
            };
            let connection = connection.reconnect(self.manager, access, wanting, limit)?;
            self.set_link(session, Ok(connection));
        }
        Err(Hresult::SCARD_E_NOT_READY)
    }

    /// The connection, ready for a call. Every exchange passes here, hence the hint.
    #[inline]
    fn ready(&self, session: &mut Session, limit: &WaitLimit) -> Result<Connection> {
        let Ok(connection) = session.connection else { return self.connected(session, limit) };
        if session.owes_acknowledgement {
            self.acknowledge_own_reset(session, connection, limit)?;
        }
        Ok(connection)
    }

    /// A reset by an unlock is signalled to its own maker too (pcsc-lite), who need not hear of it.
    #[cold]
    fn acknowledge_own_reset(&self, session: &mut Session, connection: Connection, limit: &WaitLimit) -> Result<()> {
        let access = session.access;
        let acknowledged = match self.manager.status(connection.icc, limit) {
            Err(Hresult::SCARD_W_RESET_CARD) => {
                let connection = connection.reconnect(self.manager, access, Disposition::Leave, limit);
                connection.and_then(|connection| {
                    match self.manager.identify(connection.icc, limit)?.wanting(connection) {
                        None => Ok(connection),
                        // Another has turned its power off since.
                        Some(initial) => connection.reconnect(self.manager, access, initial, limit),
                    }
                })
            }
            other => other.map(|_| connection),
        };
        let connection = acknowledged.and_then(|connection| connection.check(access));
        let connection = connection.map_err(|code| self.diagnose(session, reconnect::while_down(code), limit))?;
        session.owes_acknowledgement = false;
        self.set_link(session, Ok(connection));
        Ok(())
    }
}

/// The limit of who has said how much he has, or of who has not.
fn limit(timeout_ms: Option<u32>, waker: &Arc<Waker>) -> WaitLimit<'_> {
    timeout_ms.map_or(WaitLimit::cancellable(waker), |timeout_ms| WaitLimit::of_ms(timeout_ms, waker))
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

//! One attachment: its connection (`connection_state`), its locks (`lock`), and how it becomes usable again
//! (`reconnect`). After a failed call `diagnosis` finds the code that tells what happened.
#![forbid(unsafe_code)]

pub mod application;
mod connection;
mod connection_state;
mod detach;
mod diagnosis;
#[cfg(test)]
mod exhaustive;
pub mod knowledge;
mod lock;
mod lock_state;
mod lost_lock;
mod reader_lock;
mod reconnect;
mod response;
mod session;
#[cfg(test)]
mod tests;
pub mod transaction;

pub use reconnect::{ReconnectRequest, Reconnected};

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::abi::cause::{OfArgument, refuse, refuse_length};
use crate::abi::constants::{Access, CardState, Disposition, Protocol, ShareMode};
use crate::abi::hresult::{Hresult, Result};
use crate::arbiter::registry::Registration;
use crate::iso7816::atr::Atr;
use crate::iso7816::command::MAX_COMMAND;
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::{Context, Icc, Identity, MAX_ATTRIBUTE, ResourceManager};
use crate::runtime::cancel::Waker;
use crate::runtime::fallible::Arc;
use crate::runtime::fork_count::fork_count;
use crate::runtime::reentrancy;
use crate::runtime::wait::WaitLimit;
use connection::Connection;
use connection_state::{ConnectionState, Published, while_down};
use session::Session;

/// The side that disconnects the card handle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ownership {
    /// The library: it may close the handle, and open another one.
    Owned,
    /// The caller: the library never disconnects the handle.
    Borrowed,
}

pub struct Attachment {
    manager: &'static dyn ResourceManager,
    /// The parts of the connection that can be read without waiting for the card.
    published: Arc<Published>,
    /// Incremented when another card may have taken the place of the one before. `registration` counts such doubts too.
    cards: AtomicU64,
    /// Locked for a moment only, so that nobody waits for a card to read them.
    facts: Mutex<Facts>,
    /// Locked during each call to the manager, because a context and its card handle take one call at a time.
    session: Mutex<Session>,
    /// Whether a call can run a callback that calls this attachment again.
    calls_back: bool,
    /// The id of the thread that has the session if `calls_back`, or 0.
    user: AtomicUsize,
    /// How many threads wait for the session and have to be woken.
    waiting: AtomicUsize,
    waker: Arc<Waker>,
    /// Lets the attachments of this process use one reader in order.
    registration: Registration,
    /// The fork count of the process that made the connection.
    forks: usize,
}

/// Properties of an attachment that are set from outside of its calls.
struct Facts {
    ownership: Ownership,
    /// The disposition that detach asks for.
    disposition: Disposition,
    /// The card handle was given out, so somebody else may have begun a transaction on it.
    lent: bool,
}

impl Identity {
    /// The reconnect that the card needs before it can be used over `connection`, if any.
    fn needed_reconnect(&self, connection: Connection) -> Option<Disposition> {
        match self.state {
            _ if connection.share_mode == ShareMode::Direct => None,
            CardState::Present | CardState::Swallowed => Some(Disposition::Unpower),
            _ if self.protocol.is_none() || connection.protocol.is_none() => Some(Disposition::Leave),
            _ => None,
        }
    }

    fn card(&self) -> CardIdentity {
        CardIdentity { atr: self.atr, events: self.events }
    }
}

/// A card as the resource manager describes it: its ATR, and how often cards had come and gone in its reader.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct CardIdentity {
    atr: Atr,
    events: u16,
}

impl Attachment {
    /// Attaches to the card in the reader `ifd`, with a new context. A `timeout_ms` of None sets no limit.
    pub fn by_ifd(
        manager: &'static dyn ResourceManager,
        ifd: IfdName,
        access: Access,
        timeout_ms: Option<u32>,
    ) -> Result<Attachment> {
        let waker = Arc::try_new(Waker::default())?;
        let limit = limit(timeout_ms, &waker);
        let registration = Registration::take(ifd)?;
        let published = Published::try_new()?;
        let arbiter = Arc::clone(&registration);
        let turn = lock::turn_to_attach(&arbiter, manager, &limit, &waker)?;
        let connection = Connection::open(manager, &ifd, access, &limit)?;
        let connection = ConnectionState::new(connection, access, published.clone());
        let mut attachment = Attachment::new(manager, Ownership::Owned, registration, &waker, published, connection);
        let met = attachment.meet_usable_card(&mut *attachment.begin_call_within(&limit)?, access, &limit);
        drop(turn);
        match met {
            Ok(_) => Ok(attachment),
            Err(code) => {
                if !reconnect::is_out_of_time(code, &limit) {
                    let _ = attachment.close();
                }
                Err(code)
            }
        }
    }

    /// Attaches to the card behind `icc`, a handle that the caller has connected with `access`. The handle is borrowed
    /// unless `own_as` changes that.
    pub fn by_handle(
        manager: &'static dyn ResourceManager,
        icc: Icc,
        access: Access,
        timeout_ms: Option<u32>,
    ) -> Result<Attachment> {
        let waker = Arc::try_new(Waker::default())?;
        let limit = limit(timeout_ms, &waker);
        let published = Published::try_new()?;
        // The next question waits for the transaction of another handle. That may be the lock under which this thread
        // runs a function of the program.
        if reentrancy::is_called() && manager.is_locked_by_other(icc, &limit) == Ok(true) {
            return Err(Hresult::SCARD_E_NOT_READY);
        }
        let identity = manager.identify(icc, &limit).map_err(|code| match code {
            Hresult::SCARD_E_INVALID_HANDLE => {
                refuse("is not a card handle (SCARDHANDLE) that is open in this process")
            }
            code => code,
        })?;
        let connection = Connection { context: None, icc, share_mode: access.share_mode, protocol: None };
        let connection = connection.with_protocol(identity.protocol);
        let registration = Registration::take(identity.ifd)?;
        let connection = ConnectionState::new(connection, access, published.clone());
        let attachment = Attachment::new(manager, Ownership::Borrowed, registration, &waker, published, connection);
        attachment.note_card(&mut *attachment.begin_call_within(&limit)?, &identity);
        Ok(attachment)
    }

    fn new(
        manager: &'static dyn ResourceManager,
        ownership: Ownership,
        registration: Registration,
        waker: &Arc<Waker>,
        published: Arc<Published>,
        connection: ConnectionState,
    ) -> Attachment {
        Attachment {
            manager,
            published,
            cards: AtomicU64::new(0),
            facts: Mutex::new(Facts { ownership, disposition: Disposition::Leave, lent: false }),
            session: Mutex::new(Session::new(connection)),
            calls_back: manager.calls_back(),
            user: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            waker: waker.clone(),
            registration,
            forks: fork_count(),
        }
    }

    /// False in the child of a fork, which may be made in a function of the program that a call of the parent runs.
    pub fn is_of_this_process(&self) -> bool {
        self.forks == fork_count()
    }

    /// Sends one command to the card, and passes the response to `deliver`. The response is kept until the next
    /// exchange.
    #[inline(always)]
    pub fn transmit<T>(&self, command: &[u8], deliver: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        match self.begin_call_at_once() {
            Some(mut session) => self.transmit_in(&mut session, command, deliver),
            None => self.transmit_later(command, deliver),
        }
    }

    /// Not inlined, so that an exchange that need not wait is.
    #[cold]
    #[inline(never)]
    fn transmit_later<T>(&self, command: &[u8], deliver: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        self.transmit_in(&mut *self.begin_call()?, command, deliver)
    }

    #[inline(always)]
    fn transmit_in<T>(
        &self,
        session: &mut Session,
        command: &[u8],
        deliver: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<T> {
        // Bytes that are no command change nothing: the last response stays.
        check_command(session, command)?;
        session.forget_selection();
        let exchanged = match self.turn(session) {
            Ok(_turn) => self.exchange(session, command, &WaitLimit::ENDLESS),
            Err(code) => Err(code),
        };
        self.deliver(session, exchanged, deliver)
    }

    /// The same, but waits for the card no longer than `timeout_ms`. The card is locked for the exchange, because a
    /// wait inside of the resource manager could not be ended.
    pub fn transmit_within<T>(
        &self,
        timeout_ms: u32,
        command: &[u8],
        deliver: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<T> {
        let limit = WaitLimit::of_ms(timeout_ms, &self.waker);
        let mut session = self.begin_call_within(&limit)?;
        if session.connection.get().is_ok_and(|connection| connection.protocol.is_none()) {
            return Err(Hresult::SCARD_E_PROTO_MISMATCH);
        }
        check_command(&session, command)?;
        session.forget_selection();
        let exchanged = self.take_lock(&mut session, &limit).and_then(|()| {
            let exchanged = self.exchange(&mut session, command, &limit);
            session.response.settle(&self.registration.spare);
            self.give_lock_of_call(&mut session, &limit);
            exchanged
        });
        self.deliver(&mut session, exchanged, deliver)
    }

    /// Passes the response on. After a failed exchange there is none, not even an old one.
    #[inline(always)]
    fn deliver<T>(
        &self,
        session: &mut Session,
        exchanged: Result<()>,
        deliver: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<T> {
        if let Err(code) = exchanged {
            session.response.clear();
            session.response.settle(&self.registration.spare);
            return Err(code);
        }
        session.response.settle(&self.registration.spare);
        deliver(session.response.bytes())
    }

    #[inline(always)]
    fn exchange(&self, session: &mut Session, command: &[u8], limit: &WaitLimit) -> Result<()> {
        let (icc, protocol) = match session.connection.to_transmit() {
            Some(usable) => usable,
            None => self.ready_to_transmit(session, limit)?,
        };
        session.response.reserve(&self.registration.spare)?;
        let response = session.response.next_buffer();
        let sent = self.manager.transmit(icc, protocol, command, response);
        match sent.and_then(|()| check_response(protocol, response)) {
            Ok(()) => {
                self.note_success(session);
                Ok(())
            }
            Err(code) => {
                session.response.clear();
                Err(self.diagnose_exchange(session, code, limit))
            }
        }
    }

    /// Sends a control code to the reader, and passes the response to `deliver`. The response is kept like that of a
    /// card.
    pub fn control<T>(&self, code: u32, input: &[u8], deliver: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        if input.len() > MAX_COMMAND {
            return Err(refuse_length("is longer than SCM_COMMAND_MAX")).of("input");
        }
        let mut session = self.begin_call()?;
        // A control code may let the reader select something else on the card.
        session.forget_selection();
        let sent = session.response.reserve(&self.registration.spare).and_then(|()| {
            let mut response = std::mem::take(session.response.next_buffer());
            let sent = self.ask_reader(&mut session, |icc| self.manager.control(icc, code, input, &mut response));
            *session.response.next_buffer() = response;
            sent
        });
        if sent.is_ok() {
            session.connection.succeed_at_reader();
        }
        self.deliver(&mut session, sent, deliver)
    }

    /// Passes the response of the last exchange to `deliver` once more. It is empty if there was none.
    pub fn last_response<T>(&self, deliver: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        deliver(self.begin_call()?.response.bytes())
    }

    /// Reads an attribute of the reader, and passes it to `deliver`.
    pub fn get_attribute<T>(&self, id: u32, deliver: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        let mut session = self.begin_call()?;
        let mut value = [0; MAX_ATTRIBUTE];
        let length = self.ask_reader(&mut session, |icc| self.manager.get_attribute(icc, id, &mut value))?;
        deliver(value.get(..length).ok_or(Hresult::SCARD_F_INTERNAL_ERROR)?)
    }

    pub fn set_attribute(&self, id: u32, value: &[u8]) -> Result<()> {
        if value.len() > MAX_ATTRIBUTE {
            return Err(refuse_length("is longer than 264 bytes")).of("value");
        }
        let mut session = self.begin_call()?;
        self.ask_reader(&mut session, |icc| self.manager.set_attribute(icc, id, value))
    }

    /// Makes a call that does not wait for the lock of another application. To acknowledge an own reset could wait for
    /// it, so that is done only if the call fails with the signal. Then no other application has a lock.
    fn ask_reader<T>(&self, session: &mut Session, mut call: impl FnMut(Icc) -> Result<T>) -> Result<T> {
        if session.connection.get().is_err() {
            self.connected(session, &WaitLimit::of_ms(reconnect::MOMENT_MS, &self.waker))?;
        }
        let answer = match call(session.connection.get()?.icc) {
            Err(Hresult::SCARD_W_RESET_CARD) if session.connection.has_own_reset() => {
                call(self.ready(session, &WaitLimit::ENDLESS)?.icc)
            }
            answer => answer,
        };
        answer.map_err(|code| self.diagnose(session, code, &WaitLimit::ENDLESS))
    }

    /// The state of the card, and the active protocol. A removed card is a state, not an error.
    pub fn status(&self) -> Result<(CardState, Option<Protocol>)> {
        let mut session = self.begin_call()?;
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
            // A removal is a loss. A card without its protocol was reset, even if there was no signal.
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

    /// Ends the wait that is under way, or else the next one.
    pub fn cancel(&self) {
        self.waker.cancel();
        self.manager.recheck_limits();
    }

    pub fn generation(&self) -> u64 {
        self.published.generation()
    }

    /// Another number after each event that may have brought another card.
    fn card_number(&self) -> u64 {
        self.cards.load(Ordering::Acquire) + self.registration.doubts()
    }

    fn count_card(&self) {
        self.cards.fetch_add(1, Ordering::AcqRel);
    }

    /// The ATR of the card that the last attach or reconnect found.
    pub fn atr(&self) -> Atr {
        self.published.atr()
    }

    pub fn icc(&self) -> Result<Icc> {
        self.published.connection().map(|connection| connection.icc)
    }

    /// The card handle, for a caller that may use it beside this attachment.
    pub fn lend_icc(&self) -> Result<Icc> {
        self.facts().lent = true;
        self.icc()
    }

    /// The context of the connection. The context of a handle of the caller is not known.
    pub fn context(&self) -> Result<Context> {
        self.published.connection()?.context.ok_or(Hresult::SCARD_E_UNSUPPORTED_FEATURE)
    }

    pub fn own_as(&self, ownership: Ownership) {
        self.facts().ownership = ownership;
    }

    fn ownership(&self) -> Ownership {
        self.facts().ownership
    }

    /// Whether the card handle can be used without this library.
    fn is_known_to_others(&self) -> bool {
        let Facts { ownership, lent, .. } = *self.facts();
        lent || ownership == Ownership::Borrowed
    }

    /// Whether a detach can dispose of the card so. A borrowed card handle can only be left as it is.
    pub fn check_disposition(&self, disposition: Disposition) -> Result<()> {
        match (self.ownership(), disposition) {
            (_, Disposition::Leave) => Ok(()),
            (Ownership::Owned, _) => self.may_dispose(),
            _ => Err(refuse("can only leave a card whose card handle belongs to the caller")).of("disposition"),
        }
    }

    /// Sets what happens to the card when the attachment is closed or dropped.
    pub fn set_disposition(&self, disposition: Disposition) {
        self.facts().disposition = disposition;
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A failure from now on is another loss.
    #[inline]
    fn note_success(&self, session: &mut Session) {
        if session.connection.has_success_to_note() {
            session.connection.succeed(session.locks.is_held());
        }
    }

    /// Remembers the card that answers.
    fn note_card(&self, session: &mut Session, identity: &Identity) {
        session.forget_selection();
        if session.connection.card().atr != identity.atr {
            if let Some(knowledge) = session.known() {
                knowledge.forget_card();
            }
            self.count_card();
        }
        session.connection.meet(identity.card());
    }

    /// Reads which card the connection leads to, and remembers it. Other applications may reset the card meanwhile. And
    /// a connection may have been made to a card whose power another application has turned off: until it is turned on,
    /// nobody can use the card. Tells whether the card had to be reconnected for such a reason.
    fn meet_usable_card(&self, session: &mut Session, access: Access, limit: &WaitLimit) -> Result<bool> {
        for disturbances in 0..connection::TRIES {
            let connection = session.connection.get()?;
            let initial = match self.manager.identify(connection.icc, limit) {
                Ok(identity) => match identity.needed_reconnect(connection) {
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
            let connection = connection.reconnect(self.manager, access, initial, limit)?;
            session.connection.renew(connection);
        }
        Err(Hresult::SCARD_E_NOT_READY)
    }

    #[cold]
    fn ready_to_transmit(&self, session: &mut Session, limit: &WaitLimit) -> Result<(Icc, Protocol)> {
        let connection = self.ready(session, limit)?;
        Ok((connection.icc, connection.protocol.ok_or(Hresult::SCARD_E_PROTO_MISMATCH)?))
    }

    /// The connection, ready for a call.
    fn ready(&self, session: &mut Session, limit: &WaitLimit) -> Result<Connection> {
        let Ok(connection) = session.connection.get() else { return self.connected(session, limit) };
        if session.connection.has_own_reset() {
            self.acknowledge_own_reset(session, connection, limit)?;
        }
        Ok(connection)
    }

    /// The resource manager may signal a reset also to the handle that made it. The caller has asked for the reset, and
    /// is not told.
    #[cold]
    fn acknowledge_own_reset(&self, session: &mut Session, connection: Connection, limit: &WaitLimit) -> Result<()> {
        let access = session.connection.access();
        let acknowledged = match self.manager.status(connection.icc, limit) {
            Err(Hresult::SCARD_W_RESET_CARD) => {
                let connection = connection.reconnect(self.manager, access, Disposition::Leave, limit);
                connection.and_then(|connection| {
                    match self.manager.identify(connection.icc, limit)?.needed_reconnect(connection) {
                        None => Ok(connection),
                        // Another application has turned the power off since.
                        Some(initial) => connection.reconnect(self.manager, access, initial, limit),
                    }
                })
            }
            other => other.map(|_| connection),
        };
        let connection = acknowledged.and_then(|connection| connection.check(access));
        let connection = connection.map_err(|code| self.diagnose(session, while_down(code), limit))?;
        session.connection.renew(connection);
        Ok(())
    }
}

/// The limit of a call with an optional timeout.
fn limit(timeout_ms: Option<u32>, waker: &Arc<Waker>) -> WaitLimit<'_> {
    timeout_ms.map_or(WaitLimit::cancellable(waker), |timeout_ms| WaitLimit::of_ms(timeout_ms, waker))
}

/// A command of T=0 or T=1 has at least its header, CLA INS P1 P2 (ISO/IEC 7816-3, 12.1). Some readers hang on less.
#[inline]
fn check_command(session: &Session, command: &[u8]) -> Result<()> {
    match command.len() {
        4..=MAX_COMMAND => Ok(()),
        _ => check_unusual_command(session.connection.is_raw(), command),
    }
}

/// Without a protocol the exchange fails for that reason.
#[cold]
fn check_unusual_command(is_raw: Option<bool>, command: &[u8]) -> Result<()> {
    match (is_raw, command.len()) {
        (None, _) | (Some(true), 1..4) => Ok(()),
        _ => Err(refuse_length("is less than 4 bytes, or more than SCM_COMMAND_MAX")).of("command"),
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

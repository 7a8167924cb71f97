//! The real resource manager: the one place that calls PC/SC, and the one that knows how platforms differ.

mod bounds;
mod code;
mod daemon;
mod gate;
mod inheritance;
mod list;
mod native;
mod policy;
mod recount;
mod states;
mod survey;
mod timed_call;
mod watch;
mod words;
mod worker;

use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pcsc::ffi::{self, DWORD};

use crate::abi::constants::{Access, CardState, Disposition, Protocol, Protocols, ShareMode};
use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::atr::Atr;
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::{Context, Icc, Identity, IfdState, MAX_ATTRIBUTE, ResourceManager, Sight};
#[cfg(unix)]
use crate::runtime::cancellation::is_single_threaded;
use crate::runtime::wait::WaitLimit;
use list::multi_string;
use native::ReaderState;
use states::STATES;
use timed_call::{Subject, abandoned};
use words::{protocol_from_native, state_from_native};

pub use native::control_code;

/// Whether the library is libpcsclite, and not the one of Windows or macOS.
const IS_PCSC_LITE: bool = cfg!(not(any(windows, target_os = "macos")));

/// How often a handle is freed of signals before the card is disposed of. Others who reset the card send one each time.
const TRIES_TO_DISPOSE: u32 = 5;

/// How often a daemon that is there is asked to let this process in.
const TRIES_TO_BE_ADMITTED: u32 = 4;

/// Whether the service has let this process in before.
static ADMITTED: AtomicBool = AtomicBool::new(false);

/// A card handle that is ours, with what PC/SC cannot always be asked for.
#[derive(Clone, Copy)]
struct Card {
    icc: Icc,
    context: Context,
    ifd: IfdName,
}

static CARDS: Mutex<Vec<Card>> = Mutex::new(Vec::new());

fn cards() -> MutexGuard<'static, Vec<Card>> {
    CARDS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn card_of(icc: Icc) -> Option<Card> {
    cards().iter().find(|card| card.icc == icc).copied()
}

fn context_of(icc: Icc) -> Option<Context> {
    card_of(icc).map(|card| card.context)
}

fn ifd_of(icc: Icc) -> Option<IfdName> {
    card_of(icc).map(|card| card.ifd)
}

/// What is locked while a fork is under way.
#[cfg(unix)]
pub struct Locked {
    gate: gate::Hold,
    /// The process has no other thread, which could be in a call of PC/SC.
    has_one_thread: bool,
    workshop: MutexGuard<'static, worker::Workshop>,
    abandoned: MutexGuard<'static, abandoned::Abandoned>,
    cards: MutexGuard<'static, Vec<Card>>,
    watches: MutexGuard<'static, Vec<watch::Call>>,
}

#[cfg(unix)]
pub fn lock() -> Locked {
    // In the order in which calls lock them.
    let abandoned = abandoned::lock();
    let (cards, watches, workshop) = (cards(), watch::lock(), worker::lock());
    Locked { cards, watches, workshop, abandoned, gate: gate::hold(), has_one_thread: is_single_threaded() }
}

#[cfg(unix)]
impl Locked {
    /// In the child of a fork: threads, calls and card handles are the parent's.
    pub fn forget_all(&mut self) {
        self.workshop.forget_all();
        self.abandoned.forget_all();
        self.cards.clear();
        self.watches.clear();
        STATES.forget_all();
        gate::forget_all();
        if !self.has_one_thread {
            inheritance::inherit(!self.gate.is_alone(), self.gate.is_reading());
        }
    }
}

/// Whether PC/SC can be called in this process: not so in the child of a fork that has inherited it locked.
pub fn can_be_asked() -> bool {
    inheritance::check().is_ok()
}

/// The PC/SC library of the platform: libpcsclite, winscard, or the PCSC framework.
pub struct Pcsc;

impl ResourceManager for Pcsc {
    fn keeps_transaction_on_reconnect(&self) -> bool {
        policy::KEEPS_TRANSACTION_ON_RECONNECT
    }

    fn exclusive_use_is_a_transaction(&self) -> bool {
        policy::EXCLUSIVE_USE_IS_A_TRANSACTION
    }

    fn notices_removal_within_ms(&self) -> u32 {
        policy::NOTICES_REMOVAL_WITHIN_MS
    }

    fn worth_asking_every_ms(&self) -> u32 {
        policy::WORTH_ASKING_EVERY_MS
    }

    fn worth_surveying_every_ms(&self) -> u32 {
        policy::WORTH_SURVEYING_EVERY_MS
    }

    fn is_abandoned(&self, icc: Icc) -> bool {
        abandoned::has(icc)
    }

    fn establish_context(&self, limit: &WaitLimit) -> Result<Context> {
        timed_call::run(limit, Subject::Service, |_| establish_admitted(), close_context)
    }

    fn release_context(&self, context: Context) {
        if !abandoned::release(context) {
            close_context(context);
        }
    }

    fn connect(
        &self,
        context: Context,
        ifd: &IfdName,
        access: Access,
        limit: &WaitLimit,
    ) -> Result<(Icc, Option<Protocol>)> {
        let ifd = *ifd;
        let connect = move |_: &timed_call::Progress| connect(context, &ifd, access);
        timed_call::run(limit, Subject::Ifd(ifd, context), connect, |(icc, _)| {
            // Who gave up has released the context, or is about to.
            let _ = close_card(icc, Disposition::Leave);
        })
    }

    fn reconnect(
        &self,
        icc: Icc,
        now: ShareMode,
        access: Access,
        initial: Disposition,
        limit: &WaitLimit,
    ) -> Result<Option<Protocol>> {
        let reconnected = move |progress: &timed_call::Progress| {
            // An error is a signal, which this is to acknowledge.
            progress.wait_while(|| is_taken(icc) == Ok(true))?;
            reconnect_carefully(icc, now, access, initial)
        };
        timed_call::run(limit, Subject::Icc(icc), reconnected, move |_| {
            if access.share_mode == ShareMode::Exclusive && now != ShareMode::Exclusive {
                let _ = reconnect_carefully(
                    icc,
                    access.share_mode,
                    Access { share_mode: now, ..access },
                    Disposition::Leave,
                );
            }
        })
    }

    fn disconnect(&self, icc: Icc, disposition: Disposition) -> Result<()> {
        if abandoned::disconnect(icc, disposition) {
            return Ok(());
        }
        close_card(icc, disposition)
    }

    fn begin_transaction(&self, icc: Icc, limit: &WaitLimit) -> Result<()> {
        let begun = move |progress: &timed_call::Progress| {
            progress.wait_while(|| is_taken(icc) == Ok(true))?;
            native::begin_transaction(icc)
        };
        timed_call::run(limit, Subject::Icc(icc), begun, move |()| {
            let _ = end(icc, Disposition::Leave);
        })
    }

    fn end_transaction(&self, icc: Icc, disposition: Disposition, limit: &WaitLimit) -> Result<()> {
        match in_time(limit, Subject::Icc(icc), move || end(icc, disposition)) {
            // A call that gives something back needs no memory.
            Err(Hresult::E_OUTOFMEMORY) => end(icc, disposition),
            ended => ended,
        }
    }

    fn probe(&self, icc: Icc, limit: &WaitLimit) -> Result<()> {
        timed_call::run(limit, Subject::Icc(icc), move |_| probe(icc), drop)
    }

    fn is_taken(&self, icc: Icc, limit: &WaitLimit) -> Result<bool> {
        timed_call::run(limit, Subject::Icc(icc), move |_| is_taken(icc), drop)
    }

    fn status(&self, icc: Icc, limit: &WaitLimit) -> Result<(CardState, Option<Protocol>)> {
        let asked = move |progress: &timed_call::Progress| {
            progress.wait_while(|| is_taken(icc) == Ok(true))?;
            status(icc).map_err(|code| policy::name_dead_handle(code, context_of(icc).is_some()))
        };
        timed_call::run(limit, Subject::Icc(icc), asked, drop)
    }

    fn identify(&self, icc: Icc, limit: &WaitLimit) -> Result<Identity> {
        let asked = move |progress: &timed_call::Progress| {
            inheritance::check()?;
            progress.wait_while(|| is_taken(icc) == Ok(true))?;
            identify(icc)
        };
        timed_call::run(limit, Subject::Icc(icc), asked, drop)
    }

    fn transmit(&self, icc: Icc, protocol: Protocol, command: &[u8], response: &mut Vec<u8>) -> Result<()> {
        abandoned::wait_for(icc);
        native::transmit(icc, protocol, command, response)
    }

    fn control(&self, icc: Icc, code: u32, input: &[u8], response: &mut Vec<u8>) -> Result<()> {
        abandoned::wait_for(icc);
        native::control(icc, code, input, response)
    }

    fn get_attribute(&self, icc: Icc, id: u32, value: &mut [u8; MAX_ATTRIBUTE]) -> Result<usize> {
        abandoned::wait_for(icc);
        match native::get_attribute(icc, id, value) {
            // The longest attribute has room: this is how some drivers (vpcd) say that they do not know one.
            Err(Hresult::SCARD_E_INSUFFICIENT_BUFFER) => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
            answer => answer,
        }
    }

    fn set_attribute(&self, icc: Icc, id: u32, value: &[u8]) -> Result<()> {
        abandoned::wait_for(icc);
        native::set_attribute(icc, id, value)
    }

    fn look(&self, context: Context, ifd: &IfdName, limit: &WaitLimit) -> Result<Sight> {
        let ifd = *ifd;
        in_time(limit, Subject::Ifd(ifd, context), move || look(context, &ifd))
    }

    fn wait_for_change(
        &self,
        context: Context,
        ifd: &IfdName,
        seen: &Sight,
        timeout_ms: u32,
        limit: &WaitLimit,
    ) -> Result<Sight> {
        let (ifd, seen, timeout_ms) = (*ifd, *seen, limit.rest_ms(timeout_ms));
        let wait = move |_: &timed_call::Progress| wait_for_change(context, &ifd, &seen, timeout_ms);
        timed_call::run(limit, Subject::Ifd(ifd, context), wait, drop)
    }

    fn survey(&self, context: Context, known: &[IfdState], timeout_ms: u32) -> Result<Vec<IfdState>> {
        match watch::begin(context)? {
            Some(watch) => watch.survey(known, timeout_ms),
            None => survey::survey(context, known, timeout_ms),
        }
    }

    fn cancel_survey(&self, context: Context) {
        if !watch::cancel(context) {
            survey::cancel(context);
        }
    }

    fn list_ifds(&self, context: Context) -> Result<Vec<u8>> {
        let listed = multi_string(|buffer| STATES.reading(|| native::list_readers(context, buffer)));
        recount::if_lost(listed, recount::list)
    }

    fn list_ifd_groups(&self, context: Context) -> Result<Vec<u8>> {
        multi_string(|buffer| native::list_reader_groups(context, buffer))
    }
}

/// Makes a call that waits for nobody but a service that hangs. Without a limit no other thread is needed for it.
fn in_time<T: Send + 'static>(
    limit: &WaitLimit,
    subject: Subject,
    call: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let limit = if limit.deadline().is_some() { limit } else { &WaitLimit::ENDLESS };
    timed_call::run(limit, subject, |_| call(), drop)
}

fn look(context: Context, ifd: &IfdName) -> Result<Sight> {
    match watch::sight(context, ifd)? {
        Some(seen) => Ok(seen),
        None => STATES.settled(|| reader_state(context, ifd, ffi::SCARD_STATE_UNAWARE, 0), |_| false),
    }
}

fn wait_for_change(context: Context, ifd: &IfdName, seen: &Sight, timeout_ms: u32) -> Result<Sight> {
    if let Some(watch) = watch::begin(context)? {
        return watch.wait_for_change(ifd, seen, timeout_ms);
    }
    let known = seen.native as DWORD & !ffi::SCARD_STATE_CHANGED;
    reader_state(context, ifd, known, timeout_ms)
}

/// A new context, where a daemon that is there may have to be asked again.
fn establish_admitted() -> Result<Context> {
    inheritance::check()?;
    for _ in 0..TRIES_TO_BE_ADMITTED {
        match establish() {
            Ok(context) => {
                ADMITTED.store(true, Ordering::Relaxed);
                return Ok(context);
            }
            Err(code) if !was_hung_up(code) => return Err(code),
            // Nobody was there, or a forwarder whose daemon is gone: it takes a connection and breaks it off.
            Err(_) if !daemon::is_here() => return Err(Hresult::SCARD_E_NO_SERVICE),
            Err(Hresult::SCARD_F_COMM_ERROR) if !has_been_admitted() => return Err(Hresult::SCARD_E_NO_SERVICE),
            Err(code) if !has_been_admitted() => return Err(code),
            // pcscd hangs up on one client too many as it does on one that a policy forbids, and to libpcsclite either may
            // look as if there were no service. But it does not change its mind about a process: who was let in before is
            // one too many now. One that is just starting lets him in at the next try.
            Err(_) => {}
        }
    }
    Err(Hresult::SCARD_E_SERVER_TOO_BUSY)
}

fn has_been_admitted() -> bool {
    ADMITTED.load(Ordering::Relaxed)
}

/// What libpcsclite says of a connection that nobody takes, or that is broken off before there is a context. Which of these it is
/// depends on who was quicker.
fn was_hung_up(code: Hresult) -> bool {
    IS_PCSC_LITE
        && matches!(
            code,
            Hresult::SCARD_E_NO_SERVICE | Hresult::SCARD_F_COMM_ERROR | Hresult::SCARD_W_SECURITY_VIOLATION
        )
}

fn establish() -> Result<Context> {
    native::establish_context()
}

fn close_context(context: Context) {
    cards().retain(|card| card.context != context);
    // The result tells nothing: the context of a dead daemon is freed although the call answers NO_SERVICE.
    let _ = native::release_context(context);
}

fn connect(context: Context, ifd: &IfdName, access: Access) -> Result<(Icc, Option<Protocol>)> {
    let (icc, protocol) = native::connect(context, ifd, access).inspect_err(|code| {
        if *code == Hresult::SCARD_E_PROTO_MISMATCH {
            leave_unused(context, ifd)
        }
    })?;
    let mut cards = cards();
    if let Err(full) = cards.try_reserve(1) {
        drop(cards);
        return close_card(icc, Disposition::Leave).and(Err(full.into()));
    }
    cards.push(Card { icc, context, ifd: *ifd });
    Ok((icc, protocol))
}

/// pcscd takes a card for used, from a connection on that fails for its protocol, until the next one ends: it never turns its power off,
/// and so it never forgets the protocol that is in the way. A connection to the reader alone does neither, and ends at once.
fn leave_unused(context: Context, ifd: &IfdName) {
    let reader = Access { share_mode: ShareMode::Direct, protocols: Protocols::Any };
    if IS_PCSC_LITE {
        if let Ok((icc, _)) = native::connect(context, ifd, reader) {
            let _ = native::disconnect(icc, Disposition::Leave);
        }
    }
}

/// Reconnects without what pcscd would do beside it.
fn reconnect_carefully(icc: Icc, now: ShareMode, access: Access, initial: Disposition) -> Result<Option<Protocol>> {
    if initial != Disposition::Leave && IS_PCSC_LITE {
        // In an empty reader pcscd would signal a reset to everyone who was told that the card is gone.
        let here = Access { share_mode: now, protocols: Protocols::Any };
        if native::reconnect(icc, here, Disposition::Leave) == Err(Hresult::SCARD_E_NO_SMARTCARD) {
            return Err(Hresult::SCARD_E_NO_SMARTCARD);
        }
    }
    let protocol = match native::reconnect(icc, access, initial) {
        // pcscd reconnects no reader without a card. Where nobody has asked for one, and no signal waits, there is
        // nothing to be done.
        Err(Hresult::SCARD_E_NO_SMARTCARD)
            if now == ShareMode::Direct && access.share_mode == ShareMode::Direct && status(icc).is_ok() =>
        {
            None
        }
        answer => answer?,
    };
    if now == ShareMode::Exclusive && access.share_mode != ShareMode::Exclusive && IS_PCSC_LITE {
        // Exclusive use is a transaction to pcscd, which it forgets to end here.
        let _ = end(icc, Disposition::Leave);
    }
    Ok(protocol)
}

fn close_card(icc: Icc, disposition: Disposition) -> Result<()> {
    let mut disposition = disposition;
    if disposition != Disposition::Leave {
        let is_alone = begin_to_dispose(icc).is_ok();
        if !is_alone || matches!(status(icc), Err(Hresult::SCARD_W_REMOVED_CARD) | Ok((CardState::Absent, _))) {
            // The card that has come after it is not this handle's. And in an empty reader pcscd would signal a reset
            // to everyone who was told that the card is gone.
            disposition = Disposition::Leave;
        }
    }
    cards().retain(|card| card.icc != icc);
    native::disconnect(icc, disposition)
}

/// Waits until others have given the card back, and keeps them from taking it again. Without the transaction SCardDisconnect would wait
/// for them, and all that make and end connections would wait behind it. A handle with a signal begins none before that is
/// acknowledged.
fn begin_to_dispose(icc: Icc) -> Result<()> {
    let reader = Access { share_mode: ShareMode::Direct, protocols: Protocols::Any };
    for _ in 1..TRIES_TO_DISPOSE {
        match native::begin_transaction(icc) {
            Err(Hresult::SCARD_W_RESET_CARD) => native::reconnect(icc, reader, Disposition::Leave)?,
            begun => return begun,
        };
    }
    native::begin_transaction(icc)
}

fn end(icc: Icc, disposition: Disposition) -> Result<()> {
    let disposes = matches!(disposition, Disposition::Reset | Disposition::Unpower);
    if disposes && IS_PCSC_LITE && matches!(status(icc), Ok((CardState::Absent, _))) {
        // In an empty reader pcscd would signal a reset to everyone who was told that the card is gone.
        return end(icc, Disposition::Leave).and(Err(Hresult::SCARD_W_REMOVED_CARD));
    }
    native::end_transaction(icc, disposition)
}

fn probe(icc: Icc) -> Result<()> {
    if !IS_PCSC_LITE {
        return status(icc).map(|_| ());
    }
    // pcscd looks for signals before it says that there is no transaction to end: one message there and back, where
    // SCardStatus takes two.
    match end(icc, Disposition::Leave) {
        Err(Hresult::SCARD_E_NOT_TRANSACTED) => Ok(()),
        result => result,
    }
}

/// Whether another has a transaction, without waiting for its end: reading an attribute is refused then, and nothing but a
/// signal is an error otherwise.
fn is_taken(icc: Icc) -> Result<bool> {
    match native::get_attribute(icc, ffi::SCARD_ATTR_DEVICE_FRIENDLY_NAME as u32, &mut [0; MAX_ATTRIBUTE]) {
        Err(Hresult::SCARD_E_SHARING_VIOLATION) => Ok(true),
        Err(
            signal @ (Hresult::SCARD_W_RESET_CARD
            | Hresult::SCARD_W_REMOVED_CARD
            | Hresult::SCARD_E_READER_UNAVAILABLE
            | Hresult::SCARD_E_NO_SERVICE
            | Hresult::SCARD_E_SERVICE_STOPPED
            | Hresult::SCARD_E_INVALID_HANDLE
            | Hresult::SCARD_F_COMM_ERROR),
        ) => Err(signal),
        _ => Ok(false),
    }
}

fn status(icc: Icc) -> Result<(CardState, Option<Protocol>)> {
    // Of a connection that has lost its card the service says so itself: with a protocol it is usable, whatever the states say.
    STATES.settled(|| ask_status(icc), |(_, protocol)| protocol.is_some())
}

fn ask_status(icc: Icc) -> Result<(CardState, Option<Protocol>)> {
    let asked = STATES.reading(|| native::status(icc)).map_err(without_connection);
    let (state, protocol) = recount::if_lost(asked, || {
        let reader = recount::reader_of(icc)?;
        Ok((reader.state, protocol_from_native(reader.protocol)))
    })?;
    let state = state_from_native(state);
    // pcsc-lite goes on naming the protocol of a card that has left.
    let protocol = protocol.filter(|_| state != CardState::Absent);
    Ok((state, protocol))
}

/// SCardStatus of pcsc-lite asks the daemon, and no driver. Where that communication fails, the connection is broken for good. It can
/// look like this for a while: a forwarder whose daemon has gone may close one direction before the other.
fn without_connection(code: Hresult) -> Hresult {
    match code {
        Hresult::SCARD_F_COMM_ERROR if IS_PCSC_LITE => Hresult::SCARD_E_NO_SERVICE,
        code => code,
    }
}

fn identify(icc: Icc) -> Result<Identity> {
    if !native::can_be_native(icc) {
        return Err(Hresult::SCARD_E_INVALID_HANDLE);
    }
    let asked = STATES.settled(|| ask_identity(icc), |_| false);
    recount::if_lost(asked, || {
        let reader = recount::reader_of(icc)?;
        let state = state_from_native(reader.state);
        Ok(Identity {
            ifd: reader.name,
            atr: reader.card().unwrap_or_default(),
            state,
            protocol: protocol_from_native(reader.protocol),
            events: reader.events,
        })
    })
}

fn ask_identity(icc: Icc) -> Result<Identity> {
    let status = STATES.reading(|| native::full_status(icc)).map_err(without_connection)?;
    let name = CStr::from_bytes_until_nul(&status.name).map_err(|_| bounds::IMPOSSIBLE)?;
    let state = state_from_native(status.state);
    let atr = if state == CardState::Absent { Atr::default() } else { status.atr };
    Ok(Identity {
        ifd: IfdName::new(name.to_bytes()).map_err(|_| bounds::IMPOSSIBLE)?,
        atr,
        state,
        protocol: status.protocol,
        // pcsc-lite counts the comings and goings of cards in the upper half; elsewhere it is 0.
        events: (status.state >> 16) as u16,
    })
}

/// The state of a reader, once it is another than `known`.
fn reader_state(context: Context, ifd: &IfdName, known: DWORD, timeout_ms: u32) -> Result<Sight> {
    let mut reader = ReaderState::new(ifd.as_c_str(), known);
    STATES.reading(|| native::get_status_change(context, std::slice::from_mut(&mut reader), timeout_ms))?;
    let state = reader.seen();
    if state & (ffi::SCARD_STATE_UNAVAILABLE | ffi::SCARD_STATE_UNKNOWN) != 0 {
        return Err(Hresult::SCARD_E_READER_UNAVAILABLE);
    }
    let card_present = state & ffi::SCARD_STATE_PRESENT != 0;
    let atr = if card_present { reader.atr() } else { Atr::default() };
    Ok(Sight { card_present, atr, events: (state >> 16) as u16, native: state as u32 })
}

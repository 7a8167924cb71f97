//! The real resource manager: the one place that calls PC/SC, and the one that knows how platforms differ.

mod errand;
mod states;
mod survey;
mod worker;

use std::ffi::CStr;
use std::os::raw::c_char;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
#[cfg(unix)]
use std::{sync::TryLockError, time::Duration};

use pcsc::ffi::{self, DWORD, LONG, SCARDCONTEXT, SCARDHANDLE};

use crate::atr::Atr;
use crate::hresult::{Hresult, Result};
use crate::ifd_name::{self, IfdName};
use crate::patience::Patience;
use crate::subsystem::{Context, Icc, Identity, IfdState, Sight, Subsystem, MAX_ATTRIBUTE};
use crate::type_library::{Access, CardState, Disposition, Protocol, Protocols, ShareMode};
use errand::{strays, Subject};
use states::STATES;

/// Whether the library is libpcsclite, and not the one of Windows or macOS.
const IS_PCSC_LITE: bool = cfg!(not(any(windows, target_os = "macos")));

/// How often a daemon that is there is asked to let this process in.
const TRIES_TO_BE_ADMITTED: u32 = 3;

/// How many milliseconds a fork waits for contexts that are being made.
#[cfg(unix)]
const TRIES_TO_BE_ALONE: u32 = 100;

/// Whether the service has let this process in before.
static ADMITTED: AtomicBool = AtomicBool::new(false);

/// One at a time: libpcsclite keeps contexts and handles in lists, and SCardDisconnect walks through all of them while
/// SCardEstablishContext and SCardReleaseContext change them, which crashes (1.9.9; mended in part in 2.5). None of the
/// three waits for a card: `disconnect` has waited before.
static REGISTRY: Mutex<()> = Mutex::new(());

fn registry() -> MutexGuard<'static, ()> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The card handles that are ours, each with its context, which PC/SC cannot be asked for.
static CARDS: Mutex<Vec<(Icc, Context)>> = Mutex::new(Vec::new());

fn cards() -> MutexGuard<'static, Vec<(Icc, Context)>> {
    CARDS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn context_of(icc: Icc) -> Option<Context> {
    cards().iter().find(|(known, _)| *known == icc).map(|(_, context)| *context)
}

/// What is locked while a fork is under way.
#[cfg(unix)]
pub struct Locked {
    _alone: Option<MutexGuard<'static, ()>>,
    workshop: MutexGuard<'static, worker::Workshop>,
    strays: MutexGuard<'static, strays::Strays>,
    cards: MutexGuard<'static, Vec<(Icc, Context)>>,
}

#[cfg(unix)]
pub fn lock() -> Locked {
    // In the order in which calls lock them.
    let strays = strays::lock();
    Locked { cards: cards(), workshop: worker::lock(), strays, _alone: registry_soon() }
}

/// The registry, so that no child inherits it, and that of libpcsclite, in mid-change. A fork does not wait for a service that
/// hangs, though.
#[cfg(unix)]
fn registry_soon() -> Option<MutexGuard<'static, ()>> {
    for _ in 0..TRIES_TO_BE_ALONE {
        match REGISTRY.try_lock() {
            Ok(alone) => return Some(alone),
            Err(TryLockError::Poisoned(alone)) => return Some(alone.into_inner()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    None
}

#[cfg(unix)]
impl Locked {
    /// In the child of a fork: threads, calls and card handles are the parent's.
    pub fn forget_all(&mut self) {
        self.workshop.forget_all();
        self.strays.forget_all();
        self.cards.clear();
        STATES.forget_all();
    }
}

/// The PC/SC library of the platform: libpcsclite, winscard, or the PCSC framework.
pub struct System;

// Missing from pcsc-sys, in the same library as everything else.
extern "system" {
    #[cfg_attr(windows, link_name = "SCardListReaderGroupsA")]
    fn SCardListReaderGroups(context: SCARDCONTEXT, groups: *mut c_char, length: *mut DWORD) -> LONG;
}

impl Subsystem for System {
    fn keeps_transaction_on_reconnect(&self) -> bool {
        // Windows and macOS give the transaction up in SCardReconnect.
        IS_PCSC_LITE
    }

    fn is_astray(&self, icc: Icc) -> bool {
        strays::has(icc)
    }

    fn establish_context(&self, patience: &Patience) -> Result<Context> {
        errand::run(patience, Subject::Service, |_| establish_admitted(), close_context)
    }

    fn release_context(&self, context: Context) {
        if !strays::release(context) {
            close_context(context);
        }
    }

    fn connect(
        &self,
        context: Context,
        ifd: &IfdName,
        access: Access,
        patience: &Patience,
    ) -> Result<(Icc, Option<Protocol>)> {
        let ifd = *ifd;
        let connect = move |_: &errand::Pace| connect(context, &ifd, access);
        errand::run(patience, Subject::Ifd(ifd, context), connect, |(icc, _)| {
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
        patience: &Patience,
    ) -> Result<Option<Protocol>> {
        let reconnected = move |pace: &errand::Pace| {
            // An error is a signal, which this is to acknowledge.
            pace.wait_while(|| is_taken(icc) == Ok(true))?;
            reconnect_carefully(icc, now, access, initial)
        };
        errand::run(patience, Subject::Icc(icc), reconnected, move |_| {
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
        if strays::disconnect(icc, disposition) {
            return Ok(());
        }
        close_card(icc, disposition)
    }

    fn begin_transaction(&self, icc: Icc, patience: &Patience) -> Result<()> {
        let begun = move |pace: &errand::Pace| {
            pace.wait_while(|| is_taken(icc) == Ok(true))?;
            begin(icc)
        };
        errand::run(patience, Subject::Icc(icc), begun, move |()| {
            let _ = end(icc, Disposition::Leave);
        })
    }

    fn end_transaction(&self, icc: Icc, disposition: Disposition) -> Result<()> {
        strays::wait_for(icc);
        end(icc, disposition)
    }

    fn probe(&self, icc: Icc, patience: &Patience) -> Result<()> {
        errand::run(patience, Subject::Icc(icc), move |_| probe(icc), drop)
    }

    fn is_taken(&self, icc: Icc, patience: &Patience) -> Result<bool> {
        errand::run(patience, Subject::Icc(icc), move |_| is_taken(icc), drop)
    }

    fn status(&self, icc: Icc, patience: &Patience) -> Result<(CardState, Option<Protocol>)> {
        let asked = move |pace: &errand::Pace| {
            pace.wait_while(|| is_taken(icc) == Ok(true))?;
            status(icc)
        };
        errand::run(patience, Subject::Icc(icc), asked, drop)
    }

    fn identify(&self, icc: Icc, patience: &Patience) -> Result<Identity> {
        let asked = move |pace: &errand::Pace| {
            pace.wait_while(|| is_taken(icc) == Ok(true))?;
            identify(icc)
        };
        errand::run(patience, Subject::Icc(icc), asked, drop)
    }

    fn transmit(&self, icc: Icc, protocol: Protocol, command: &[u8], response: &mut Vec<u8>) -> Result<()> {
        strays::wait_for(icc);
        let pci = ffi::SCARD_IO_REQUEST {
            dwProtocol: native_protocol(protocol),
            cbPciLength: size_of::<ffi::SCARD_IO_REQUEST>() as DWORD,
        };
        let (room, mut length) = room_in(response);
        // SAFETY: command and response are as long as is said, and neither is the other.
        check(unsafe {
            ffi::SCardTransmit(
                native(icc),
                &pci,
                command.as_ptr(),
                command.len() as DWORD,
                null_mut(),
                room,
                &mut length,
            )
        })?;
        fill(response, length);
        Ok(())
    }

    fn control(&self, icc: Icc, code: u32, input: &[u8], response: &mut Vec<u8>) -> Result<()> {
        strays::wait_for(icc);
        let (room, capacity) = room_in(response);
        let mut length = 0;
        // SAFETY: input and response are as long as is said, and neither is the other.
        check(unsafe {
            ffi::SCardControl(
                native(icc),
                code as DWORD,
                input.as_ptr(),
                input.len() as DWORD,
                room,
                capacity,
                &mut length,
            )
        })?;
        fill(response, length);
        Ok(())
    }

    fn get_attribute(&self, icc: Icc, id: u32, value: &mut [u8; MAX_ATTRIBUTE]) -> Result<usize> {
        strays::wait_for(icc);
        let mut length = MAX_ATTRIBUTE as DWORD;
        // SAFETY: the buffer is as long as is said.
        let result = check(unsafe { ffi::SCardGetAttrib(native(icc), id as DWORD, value.as_mut_ptr(), &mut length) });
        match result {
            Ok(()) => Ok(length as usize),
            // The longest attribute has room: this is how some drivers (vpcd) say that they do not know one.
            Err(Hresult::SCARD_E_INSUFFICIENT_BUFFER) => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
            Err(code) => Err(code),
        }
    }

    fn set_attribute(&self, icc: Icc, id: u32, value: &[u8]) -> Result<()> {
        strays::wait_for(icc);
        // SAFETY: the value is as long as is said.
        check(unsafe { ffi::SCardSetAttrib(native(icc), id as DWORD, value.as_ptr(), value.len() as DWORD) })
    }

    fn look(&self, context: Context, ifd: &IfdName) -> Result<Sight> {
        STATES.settled(|| reader_state(context, ifd, ffi::SCARD_STATE_UNAWARE, 0), |_| false)
    }

    fn wait_for_change(&self, context: Context, ifd: &IfdName, seen: &Sight, timeout_ms: u32) -> Result<Sight> {
        let known = seen.native as DWORD & !ffi::SCARD_STATE_CHANGED;
        reader_state(context, ifd, known, timeout_ms as DWORD)
    }

    fn survey(&self, context: Context, known: &[IfdState], timeout_ms: u32) -> Result<Vec<IfdState>> {
        survey::survey(context, known, timeout_ms)
    }

    fn cancel_survey(&self, context: Context) {
        survey::cancel(context);
    }

    fn list_ifds(&self, context: Context) -> Result<Vec<u8>> {
        multi_string(|buffer, length| {
            // SAFETY: the buffer is as long as is said, or null to ask for the length; null means all groups.
            STATES.reading(|| unsafe { ffi::SCardListReaders(context.0 as SCARDCONTEXT, null(), buffer, length) })
        })
    }

    fn list_ifd_groups(&self, context: Context) -> Result<Vec<u8>> {
        multi_string(|buffer, length| {
            // SAFETY: the buffer is as long as is said, or null to ask for the length.
            unsafe { SCardListReaderGroups(context.0 as SCARDCONTEXT, buffer, length) }
        })
    }
}

/// The daemon of pcsc-lite, seen past libpcsclite.
#[cfg(all(unix, not(target_os = "macos")))]
mod daemon {
    use std::ffi::{CStr, OsStr};
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::UnixStream;

    /// Whether anyone listens where libpcsclite goes.
    pub fn listens() -> bool {
        // SAFETY: the name ends with a NUL. As for every getenv, nobody may change the environment meanwhile;
        // libpcsclite reads the same variable.
        let told = unsafe { libc::getenv(c"PCSCLITE_CSOCK_NAME".as_ptr()) };
        if !told.is_null() {
            // SAFETY: not null, so it ends with a NUL; as above.
            let path = unsafe { CStr::from_ptr(told) };
            return UnixStream::connect(OsStr::from_bytes(path.to_bytes())).is_ok();
        }
        ["/run/pcscd/pcscd.comm", "/var/run/pcscd/pcscd.comm"].iter().any(|path| UnixStream::connect(path).is_ok())
    }
}

/// The services of Windows and macOS have no limit that is known, and no socket.
#[cfg(not(all(unix, not(target_os = "macos"))))]
mod daemon {
    pub fn listens() -> bool {
        false
    }
}

/// The control code of this platform for `function`.
pub fn control_code(function: u32) -> u32 {
    ffi::SCARD_CTL_CODE((function & 0x3FFF_FFFF) as DWORD) as u32
}

/// A new context, where a daemon that is there may have to be asked again.
fn establish_admitted() -> Result<Context> {
    let mut answer = establish();
    if !ADMITTED.load(Ordering::Relaxed) {
        ADMITTED.store(answer.is_ok(), Ordering::Relaxed);
        return answer;
    }
    // pcscd hangs up on one client too many as it does on one that a policy forbids, and to libpcsclite either may
    // look as if there were no service. But it does not change its mind about a process: who was let in before is
    // one too many now, if there is a daemon. One that is just starting lets him in at the next try.
    for _ in 0..TRIES_TO_BE_ADMITTED {
        match answer {
            Err(Hresult::SCARD_W_SECURITY_VIOLATION | Hresult::SCARD_E_NO_SERVICE) if daemon::listens() => {}
            Err(Hresult::SCARD_W_SECURITY_VIOLATION) => return Err(Hresult::SCARD_E_NO_SERVICE),
            answer => return answer,
        }
        answer = establish();
    }
    answer.map_err(|_| Hresult::SCARD_E_SERVER_TOO_BUSY)
}

fn close_context(context: Context) {
    cards().retain(|(_, of)| *of != context);
    let _alone = registry();
    // SAFETY: a context is a number; an unknown one is refused. The result tells nothing: the context of a dead
    // daemon is freed although the call answers NO_SERVICE.
    unsafe { ffi::SCardReleaseContext(context.0 as SCARDCONTEXT) };
}

fn connect(context: Context, ifd: &IfdName, access: Access) -> Result<(Icc, Option<Protocol>)> {
    let (mut icc, mut protocol) = (0, 0);
    // SAFETY: the name ends with a NUL and outlives the call; the outputs are ours.
    check(unsafe {
        ffi::SCardConnect(
            context.0 as SCARDCONTEXT,
            ifd.as_c_str().as_ptr(),
            native_share_mode(access.share_mode),
            native_protocols(access),
            &mut icc,
            &mut protocol,
        )
    })?;
    let icc = Icc(icc as usize);
    let mut cards = cards();
    if let Err(full) = cards.try_reserve(1) {
        drop(cards);
        return close_card(icc, Disposition::Leave).and(Err(full.into()));
    }
    cards.push((icc, context));
    Ok((icc, protocol_from_native(protocol)))
}

/// Reconnects without what pcscd would do beside it.
fn reconnect_carefully(icc: Icc, now: ShareMode, access: Access, initial: Disposition) -> Result<Option<Protocol>> {
    if initial != Disposition::Leave && IS_PCSC_LITE {
        // In an empty reader pcscd would signal a reset to everyone who was told that the card is gone.
        let here = Access { share_mode: now, protocols: Protocols::Any };
        if reconnect(icc, here, Disposition::Leave) == Err(Hresult::SCARD_E_NO_SMARTCARD) {
            return Err(Hresult::SCARD_E_NO_SMARTCARD);
        }
    }
    let protocol = match reconnect(icc, access, initial) {
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
        // Until others have given the card back. Who begins a transaction keeps them from taking it again; a handle
        // with a signal cannot, and asks only.
        let _ = begin(icc);
        if matches!(status(icc), Err(Hresult::SCARD_W_REMOVED_CARD) | Ok((CardState::Absent, _))) {
            // The card that has come after it is not this handle's. And in an empty reader pcscd would signal a reset
            // to everyone who was told that the card is gone.
            disposition = Disposition::Leave;
        }
    }
    cards().retain(|(known, _)| *known != icc);
    let _alone = registry();
    // SAFETY: a handle is a number; an unknown one is refused.
    check(unsafe { ffi::SCardDisconnect(native(icc), native_disposition(disposition)) })
}

fn begin(icc: Icc) -> Result<()> {
    // SAFETY: a handle is a number; an unknown one is refused.
    check(unsafe { ffi::SCardBeginTransaction(native(icc)) })
}

fn end(icc: Icc, disposition: Disposition) -> Result<()> {
    let disposes = matches!(disposition, Disposition::Reset | Disposition::Unpower);
    if disposes && IS_PCSC_LITE && matches!(status(icc), Ok((CardState::Absent, _))) {
        // In an empty reader pcscd would signal a reset to everyone who was told that the card is gone.
        return end(icc, Disposition::Leave).and(Err(Hresult::SCARD_W_REMOVED_CARD));
    }
    // SAFETY: a handle is a number; an unknown one is refused.
    check(unsafe { ffi::SCardEndTransaction(native(icc), native_disposition(disposition)) })
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
    let mut name = [0u8; MAX_ATTRIBUTE];
    let mut length = name.len() as DWORD;
    // SAFETY: the buffer is as long as is said.
    let asked = unsafe {
        ffi::SCardGetAttrib(native(icc), ffi::SCARD_ATTR_DEVICE_FRIENDLY_NAME, name.as_mut_ptr(), &mut length)
    };
    match check(asked) {
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
    let (mut state, mut protocol) = (0, 0);
    // SAFETY: the outputs are ours; those that are null are not asked for.
    check(STATES.reading(|| unsafe {
        ffi::SCardStatus(native(icc), null_mut(), null_mut(), &mut state, &mut protocol, null_mut(), null_mut())
    }))?;
    let state = state_from_native(state);
    // pcsc-lite goes on naming the protocol of a card that has left.
    let protocol = protocol_from_native(protocol).filter(|_| state != CardState::Absent);
    Ok((state, protocol))
}

fn identify(icc: Icc) -> Result<Identity> {
    if !can_be_native(icc) {
        return Err(Hresult::SCARD_E_INVALID_HANDLE);
    }
    STATES.settled(|| ask_identity(icc), |_| false)
}

fn ask_identity(icc: Icc) -> Result<Identity> {
    // Windows gives a multi-string here, the others a string: room for one NUL more.
    let mut name = [0u8; ifd_name::MAX_LENGTH + 2];
    let mut atr = [0u8; ffi::ATR_BUFFER_SIZE];
    let (mut name_length, mut atr_length) = (name.len() as DWORD, atr.len() as DWORD);
    let (mut state, mut protocol) = (0, 0);
    // SAFETY: the buffers are ours, and their lengths are what is said.
    check(STATES.reading(|| unsafe {
        ffi::SCardStatus(
            native(icc),
            name.as_mut_ptr().cast(),
            &mut name_length,
            &mut state,
            &mut protocol,
            atr.as_mut_ptr(),
            &mut atr_length,
        )
    }))?;
    let name = CStr::from_bytes_until_nul(&name).map_err(|_| Hresult::SCARD_F_INTERNAL_ERROR)?;
    let card_state = state_from_native(state);
    let atr = match card_state {
        CardState::Absent => Atr::default(),
        _ => Atr::new(atr.get(..atr_length as usize).unwrap_or_default()),
    };
    Ok(Identity {
        ifd: IfdName::new(name.to_bytes())?,
        atr,
        state: card_state,
        protocol: protocol_from_native(protocol),
        // pcsc-lite counts the comings and goings of cards in the upper half; elsewhere it is 0.
        events: (state >> 16) as u16,
    })
}

fn establish() -> Result<Context> {
    let mut context = 0;
    let _alone = registry();
    // SAFETY: the two reserved pointers have to be null; the output is ours.
    let code = unsafe { ffi::SCardEstablishContext(ffi::SCARD_SCOPE_SYSTEM, null(), null(), &mut context) };
    match code as u32 {
        0 => Ok(Context(context as usize)),
        code => Err(translate(code)),
    }
}

fn reconnect(icc: Icc, access: Access, initial: Disposition) -> Result<Option<Protocol>> {
    let mut protocol = 0;
    // SAFETY: a handle is a number; an unknown one is refused. The output is ours.
    check(unsafe {
        ffi::SCardReconnect(
            native(icc),
            native_share_mode(access.share_mode),
            native_protocols(access),
            native_disposition(initial),
            &mut protocol,
        )
    })?;
    Ok(protocol_from_native(protocol))
}

/// The code of this library for a code of the platform, which is a LONG of 32 or 64 bits, sign-extended or not.
fn check(code: LONG) -> Result<()> {
    match code as u32 {
        0 => Ok(()),
        code => Err(match translate(code) {
            // What libpcsclite makes of a connection that ends in the middle of a message: the daemon was killed.
            Hresult::SCARD_W_SECURITY_VIOLATION if IS_PCSC_LITE => Hresult::SCARD_F_COMM_ERROR,
            code => code,
        }),
    }
}

fn translate(code: u32) -> Hresult {
    match Hresult(code as i32) {
        // One thing, one code: the memory of the service and ours.
        Hresult::SCARD_E_NO_MEMORY => Hresult::E_OUTOFMEMORY,
        // pcsc-lite before 2.0 uses the number of "unexpected" for "unsupported", and has no "unexpected".
        Hresult::SCARD_E_UNEXPECTED if cfg!(not(windows)) => Hresult::SCARD_E_UNSUPPORTED_FEATURE,
        _ if code <= 0xFFFF => from_win32(code as u16),
        code if code.0 < 0 => code,
        // A success that is none, of a driver that makes up codes.
        _ => Hresult::SCARD_F_UNKNOWN_ERROR,
    }
}

/// Winscard lets Win32 errors of the drivers through.
fn from_win32(error: u16) -> Hresult {
    const ERROR_INVALID_HANDLE: u16 = 6;
    const ERROR_GEN_FAILURE: u16 = 31;
    const ERROR_NOT_SUPPORTED: u16 = 50;
    const ERROR_INSUFFICIENT_BUFFER: u16 = 122;
    match error {
        ERROR_INVALID_HANDLE => Hresult::SCARD_E_INVALID_HANDLE,
        ERROR_GEN_FAILURE => Hresult::SCARD_F_COMM_ERROR,
        ERROR_NOT_SUPPORTED => Hresult::SCARD_E_UNSUPPORTED_FEATURE,
        ERROR_INSUFFICIENT_BUFFER => Hresult::SCARD_E_INSUFFICIENT_BUFFER,
        error => Hresult::from_win32(error),
    }
}

fn native(icc: Icc) -> SCARDHANDLE {
    icc.0 as SCARDHANDLE
}

/// Whether the number is one that the platform can have given: handles of macOS have 32 bits, extended one way or other.
fn can_be_native(icc: Icc) -> bool {
    native(icc) as usize == icc.0 || native(icc) as u32 as usize == icc.0
}

fn native_share_mode(share_mode: ShareMode) -> DWORD {
    match share_mode {
        ShareMode::Exclusive => ffi::SCARD_SHARE_EXCLUSIVE,
        ShareMode::Shared => ffi::SCARD_SHARE_SHARED,
        ShareMode::Direct => ffi::SCARD_SHARE_DIRECT,
    }
}

fn native_protocols(access: Access) -> DWORD {
    match access {
        // Direct is the reader without its card: any protocol would make the service look for one.
        Access { share_mode: ShareMode::Direct, .. } => 0,
        Access { protocols: Protocols::T0, .. } => ffi::SCARD_PROTOCOL_T0,
        Access { protocols: Protocols::T1, .. } => ffi::SCARD_PROTOCOL_T1,
        Access { protocols: Protocols::Any, .. } => ffi::SCARD_PROTOCOL_ANY,
        Access { protocols: Protocols::Raw, .. } => ffi::SCARD_PROTOCOL_RAW,
    }
}

fn native_protocol(protocol: Protocol) -> DWORD {
    match protocol {
        Protocol::T0 => ffi::SCARD_PROTOCOL_T0,
        Protocol::T1 => ffi::SCARD_PROTOCOL_T1,
        Protocol::Raw => ffi::SCARD_PROTOCOL_RAW,
    }
}

fn protocol_from_native(protocol: DWORD) -> Option<Protocol> {
    match protocol {
        ffi::SCARD_PROTOCOL_T0 => Some(Protocol::T0),
        ffi::SCARD_PROTOCOL_T1 => Some(Protocol::T1),
        ffi::SCARD_PROTOCOL_RAW => Some(Protocol::Raw),
        _ => None,
    }
}

fn native_disposition(disposition: Disposition) -> DWORD {
    match disposition {
        Disposition::Leave => ffi::SCARD_LEAVE_CARD,
        Disposition::Reset => ffi::SCARD_RESET_CARD,
        Disposition::Unpower => ffi::SCARD_UNPOWER_CARD,
        Disposition::Eject => ffi::SCARD_EJECT_CARD,
    }
}

/// Windows has an enumeration, the others a bit mask in which the highest bit is the most that is known.
fn state_from_native(state: DWORD) -> CardState {
    const KNOWN: [(DWORD, CardState); 5] = [
        (ffi::SCARD_SPECIFIC, CardState::SpecificMode),
        (ffi::SCARD_NEGOTIABLE, CardState::NegotiableMode),
        (ffi::SCARD_POWERED, CardState::Powered),
        (ffi::SCARD_SWALLOWED, CardState::Swallowed),
        (ffi::SCARD_PRESENT, CardState::Present),
    ];
    let is = |known: DWORD| if cfg!(windows) { state == known } else { state & known != 0 };
    KNOWN.iter().find(|(known, _)| is(*known)).map_or(CardState::Absent, |(_, state)| *state)
}

/// Where the service may write its answer, and how much.
fn room_in(response: &mut Vec<u8>) -> (*mut u8, DWORD) {
    response.clear();
    (response.as_mut_ptr(), response.capacity() as DWORD)
}

/// Takes over the answer that the service has written to `room_in(response)`.
fn fill(response: &mut Vec<u8>, length: DWORD) {
    let length = (length as usize).min(response.capacity());
    // SAFETY: the call succeeded, so this many bytes were written.
    unsafe { response.set_len(length) };
}

/// The state of a reader, once it is another than `known`.
fn reader_state(context: Context, ifd: &IfdName, known: DWORD, timeout_ms: DWORD) -> Result<Sight> {
    let mut reader = ffi::SCARD_READERSTATE {
        szReader: ifd.as_c_str().as_ptr(),
        pvUserData: null_mut(),
        dwCurrentState: known,
        dwEventState: 0,
        cbAtr: 0,
        rgbAtr: [0; ffi::ATR_BUFFER_SIZE],
    };
    // SAFETY: one element, whose name ends with a NUL and outlives the call.
    let ask = || unsafe { ffi::SCardGetStatusChange(context.0 as SCARDCONTEXT, timeout_ms, &mut reader, 1) };
    check(STATES.reading(ask))?;
    let (state, atr, atr_length) = (reader.dwEventState, reader.rgbAtr, reader.cbAtr as usize);
    if state & (ffi::SCARD_STATE_UNAVAILABLE | ffi::SCARD_STATE_UNKNOWN) != 0 {
        return Err(Hresult::SCARD_E_READER_UNAVAILABLE);
    }
    let card_present = state & ffi::SCARD_STATE_PRESENT != 0;
    let atr = if card_present { Atr::new(atr.get(..atr_length).unwrap_or_default()) } else { Atr::default() };
    Ok(Sight { card_present, atr, events: (state >> 16) as u16, native: state as u32 })
}

/// The longest list of libpcsclite: 16 readers, each name of 128 bytes, and a NUL. Before 2.0.1 it measures the list, and then copies
/// it from what another thread may have changed meanwhile (see `states`), without another look at the room.
const LONGEST_LIST: usize = 16 * 128 + 1;

/// What `list` lists, which may grow between the question for its length and the question for itself.
fn multi_string(list: impl Fn(*mut c_char, *mut DWORD) -> LONG) -> Result<Vec<u8>> {
    let mut names: Vec<u8> = Vec::new();
    loop {
        let mut length = 0;
        let result = check(list(null_mut(), &mut length));
        let room = LONGEST_LIST.max(length as usize + 1);
        names.try_reserve_exact(room)?;
        // It may have shrunk, too: then less is written than is said.
        names.resize(room, 0);
        let result = result.and_then(|()| check(list(names.as_mut_ptr().cast(), &mut length)));
        names.truncate(if result.is_ok() { length as usize } else { 0 });
        match result {
            Ok(()) if IS_PCSC_LITE && names.last().is_some_and(|last| *last != 0) => continue, // in the middle of a name
            Ok(()) | Err(Hresult::SCARD_E_NO_READERS_AVAILABLE) => {}
            Err(Hresult::SCARD_E_INSUFFICIENT_BUFFER) => continue,
            Err(code) => return Err(code),
        }
        if names.is_empty() {
            names.push(0);
        }
        return Ok(names);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_same_however_wide_they_come() {
        let narrow = 0x8010_0003_u32 as LONG;
        let extended = 0x8010_0003_u32 as i32 as LONG;
        assert_eq!(check(narrow), Err(Hresult::SCARD_E_INVALID_HANDLE));
        assert_eq!(check(extended), Err(Hresult::SCARD_E_INVALID_HANDLE));
        assert_eq!(check(0), Ok(()));
    }

    #[test]
    fn codes_of_drivers_and_of_memory_have_a_code_of_ours() {
        assert_eq!(translate(50), Hresult::SCARD_E_UNSUPPORTED_FEATURE);
        assert_eq!(translate(6), Hresult::SCARD_E_INVALID_HANDLE);
        assert_eq!(translate(5), Hresult::E_ACCESSDENIED);
        assert_eq!(translate(0x8010_0006), Hresult::E_OUTOFMEMORY);
        assert_eq!(translate(0x0001_0000), Hresult::SCARD_F_UNKNOWN_ERROR);
    }

    #[cfg(not(windows))]
    #[test]
    fn the_highest_bit_of_a_state_counts() {
        assert_eq!(state_from_native(0x34), CardState::NegotiableMode);
        assert_eq!(state_from_native(0x54), CardState::SpecificMode);
        assert_eq!(state_from_native(0x0002_0002), CardState::Absent);
        assert_eq!(state_from_native(0x0004), CardState::Present);
        assert_eq!(state_from_native(0), CardState::Absent);
        assert_eq!(translate(0x8010_001F), Hresult::SCARD_E_UNSUPPORTED_FEATURE);
    }

    /// A PC/SC that answers each question for a list with the next of these.
    fn listing(answers: &[std::result::Result<&'static [u8], u32>]) -> Result<Vec<u8>> {
        let next = std::cell::Cell::new(0);
        multi_string(|buffer, length| {
            let answer = answers[next.replace(next.get() + 1)];
            let (Ok(bytes) | Err((bytes, _))) = answer.map_err(|code| (&b""[..], code));
            // SAFETY: `length` is the caller's; the buffer has room for the list that it was told the length of.
            unsafe {
                *length = bytes.len() as DWORD;
                if !buffer.is_null() {
                    std::ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.cast(), bytes.len());
                }
            }
            answer.err().unwrap_or(0) as LONG
        })
    }

    #[test]
    fn a_list_that_changes_while_it_is_copied_stays_in_its_room() {
        // The length of before, and what is copied then.
        let list = |copied: &[&'static [u8]]| {
            let times = std::cell::Cell::new(0);
            multi_string(|buffer, length| {
                // SAFETY: `length` is the caller's, and the buffer has room for the longest list.
                unsafe {
                    *length = 3;
                    if !buffer.is_null() {
                        let now = copied[times.replace(times.get() + 1)];
                        std::ptr::copy_nonoverlapping(now.as_ptr(), buffer.cast(), now.len());
                    }
                }
                0
            })
        };
        assert_eq!(list(&[b""]), Ok(b"\0\0\0".to_vec()));
        assert_eq!(list(&[&[b'A'; LONGEST_LIST], b"B\0\0"]), Ok(b"B\0\0".to_vec()), "in the middle of a name");
    }

    #[test]
    fn no_reader_is_an_empty_list() {
        assert_eq!(listing(&[Err(0x8010_002E)]), Ok(vec![0]));
        assert_eq!(listing(&[Ok(b"A\0\0"), Err(0x8010_002E)]), Ok(vec![0]));
        assert_eq!(listing(&[Ok(b"\0"), Ok(b"\0")]), Ok(vec![0]));
    }

    #[test]
    fn a_list_that_grows_while_it_is_asked_for_is_asked_for_again() {
        let answers = [Ok(&b"A\0\0"[..]), Err(0x8010_0008), Ok(b"A\0B\0\0"), Ok(b"A\0B\0\0")];
        assert_eq!(listing(&answers), Ok(b"A\0B\0\0".to_vec()));
        assert_eq!(listing(&[Err(0x8010_001D)]), Err(Hresult::SCARD_E_NO_SERVICE));
    }
}

//! The functions of PC/SC, with the types and codes of libscm. Nothing else calls them, and each call passes
//! `call_guard`.

use std::cell::Cell;
use std::ffi::CStr;
use std::marker::PhantomData;
use std::os::raw::c_char;
use std::ptr::{null, null_mut};

use super::bounds;
use super::call_guard;
use super::codes::check;
use super::constants::{
    native_disposition, native_protocol, native_protocols, native_share_mode, protocol_from_native,
};
use super::library::{self as ffi, DWORD, LONG, SCARDCONTEXT, SCARDHANDLE, SCardListReaderGroups};
use crate::abi::call::Call;
use crate::abi::constants::{Access, Disposition, Protocol};
use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::atr::Atr;
use crate::resource_manager::exchange_log;
use crate::resource_manager::ifd_name::{self, IfdName};
use crate::resource_manager::{Context, Icc, MAX_ATTRIBUTE};
use crate::runtime::log;
use crate::runtime::log::arguments::{Address, begin_logged};

/// Makes one call. The log has its beginning.
#[inline(always)]
fn call(call: Call, function: impl FnOnce() -> LONG) -> Result<()> {
    call_with_answers(call, &[], function)
}

/// Makes one call that returns these codes as an answer.
#[inline(always)]
fn call_with_answers(call: Call, answers: &[Hresult], function: impl FnOnce() -> LONG) -> Result<()> {
    let code = guarded(function)?;
    log_end(code);
    check(call, code, answers)
}

/// Makes one call.
#[inline(always)]
fn guarded(function: impl FnOnce() -> LONG) -> Result<LONG> {
    let guard = call_guard::begin()?;
    let code = function();
    drop(guard);
    Ok(code)
}

#[inline(always)]
fn log_end(code: LONG) {
    if log::is_on() {
        log::end_pcsc_call(code as u32);
    }
}

/// Makes one call that changes the lists of libpcsclite.
fn call_exclusively(call: Call, answers: &[Hresult], function: impl FnOnce() -> LONG) -> Result<()> {
    let guard = call_guard::begin_exclusive()?;
    let code = function();
    drop(guard);
    log_end(code);
    check(call, code, answers)
}

fn native_context(context: Context) -> SCARDCONTEXT {
    context.0 as SCARDCONTEXT
}

fn native(icc: Icc) -> SCARDHANDLE {
    icc.0 as SCARDHANDLE
}

/// Whether the platform can have given this number: handles of macOS have 32 bits, with or without sign extension.
pub fn can_be_native(icc: Icc) -> bool {
    native(icc) as usize == icc.0 || native(icc) as u32 as usize == icc.0
}

/// Here this code means a refusal, and not a broken connection as in `check`.
pub fn establish_context() -> Result<Context> {
    let mut context = 0;
    let call = begin_logged!(begin_pcsc_call, SCardEstablishContext());
    call_exclusively(call, &[Hresult::SCARD_W_SECURITY_VIOLATION], || {
        // SAFETY: the two reserved pointers have to be null; the output is ours.
        unsafe { ffi::SCardEstablishContext(ffi::SCARD_SCOPE_SYSTEM, null(), null(), &mut context) }
    })?;
    Ok(Context(context as usize))
}

pub fn release_context(context: Context) -> Result<()> {
    let hcontext = Address(context.0);
    let call = begin_logged!(begin_pcsc_call, SCardReleaseContext(hcontext));
    // SAFETY: a context is a number; an unknown one is refused.
    call_exclusively(call, &[], || unsafe { ffi::SCardReleaseContext(native_context(context)) })
}

pub fn cancel(context: Context) -> Result<()> {
    let hcontext = Address(context.0);
    let logged = begin_logged!(begin_pcsc_call, SCardCancel(hcontext));
    // SAFETY: a context is a number; an unknown one is refused.
    call(logged, || unsafe { ffi::SCardCancel(native_context(context)) })
}

pub fn connect(context: Context, ifd: &IfdName, access: Access) -> Result<(Icc, Option<Protocol>)> {
    let (mut icc, mut protocol) = (0, 0);
    let (hcontext, reader) = (Address(context.0), ifd.as_c_str().as_ptr());
    let (share_mode, protocols) = (native_share_mode(access.share_mode) as u32, native_protocols(access) as u32);
    let logged = begin_logged!(begin_pcsc_call, SCardConnect(hcontext, text(reader), share_mode, protocols));
    // SAFETY: the name ends with a NUL and outlives the call; the outputs are ours.
    call(logged, || unsafe {
        ffi::SCardConnect(
            native_context(context),
            ifd.as_c_str().as_ptr(),
            native_share_mode(access.share_mode),
            native_protocols(access),
            &mut icc,
            &mut protocol,
        )
    })?;
    Ok((Icc(icc as usize), protocol_from_native(protocol)))
}

pub fn reconnect(icc: Icc, access: Access, initial: Disposition) -> Result<Option<Protocol>> {
    let mut protocol = 0;
    let (hcard, initialization) = (Address(icc.0), native_disposition(initial) as u32);
    let (share_mode, protocols) = (native_share_mode(access.share_mode) as u32, native_protocols(access) as u32);
    let logged = begin_logged!(begin_pcsc_call, SCardReconnect(hcard, share_mode, protocols, initialization));
    // SAFETY: a handle is a number; an unknown one is refused. The output is ours.
    call(logged, || unsafe {
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

pub fn disconnect(icc: Icc, disposition: Disposition) -> Result<()> {
    let (hcard, action) = (Address(icc.0), native_disposition(disposition) as u32);
    let call = begin_logged!(begin_pcsc_call, SCardDisconnect(hcard, action));
    // SAFETY: a handle is a number; an unknown one is refused.
    call_exclusively(call, &[], || unsafe { ffi::SCardDisconnect(native(icc), native_disposition(disposition)) })
}

pub fn begin_transaction(icc: Icc) -> Result<()> {
    let hcard = Address(icc.0);
    let logged = begin_logged!(begin_pcsc_call, SCardBeginTransaction(hcard));
    // SAFETY: a handle is a number; an unknown one is refused.
    call(logged, || unsafe { ffi::SCardBeginTransaction(native(icc)) })
}

pub fn end_transaction(icc: Icc, disposition: Disposition) -> Result<()> {
    let (hcard, action) = (Address(icc.0), native_disposition(disposition) as u32);
    let logged = begin_logged!(begin_pcsc_call, SCardEndTransaction(hcard, action));
    // SAFETY: a handle is a number; an unknown one is refused.
    call(logged, || unsafe { ffi::SCardEndTransaction(native(icc), native_disposition(disposition)) })
}

/// The state as PC/SC encodes it, and the protocol.
pub fn status(icc: Icc) -> Result<(DWORD, Option<Protocol>)> {
    let (mut state, mut protocol) = (0, 0);
    // SAFETY: the outputs are ours; a null pointer means that the value is not wanted.
    let ask = || unsafe {
        ffi::SCardStatus(native(icc), null_mut(), null_mut(), &mut state, &mut protocol, null_mut(), null_mut())
    };
    let hcard = Address(icc.0);
    call(begin_logged!(begin_pcsc_call, SCardStatus(hcard)), || call_guard::reading(ask))?;
    Ok((state, protocol_from_native(protocol)))
}

/// Everything that SCardStatus reports.
pub struct Status {
    /// Windows returns a multi-string, the others a string, so there is room for another NUL.
    pub name: [u8; ifd_name::MAX_LENGTH + 2],
    pub state: DWORD,
    pub protocol: Option<Protocol>,
    pub atr: Atr,
}

pub fn full_status(icc: Icc) -> Result<Status> {
    let mut name = [0u8; ifd_name::MAX_LENGTH + 2];
    let mut atr = [0u8; ffi::ATR_BUFFER_SIZE];
    let (mut name_length, mut atr_length) = (name.len() as DWORD, atr.len() as DWORD);
    let (mut state, mut protocol) = (0, 0);
    // SAFETY: the buffers are ours, and have the given lengths.
    let ask = || unsafe {
        ffi::SCardStatus(
            native(icc),
            name.as_mut_ptr().cast(),
            &mut name_length,
            &mut state,
            &mut protocol,
            atr.as_mut_ptr(),
            &mut atr_length,
        )
    };
    let hcard = Address(icc.0);
    call(begin_logged!(begin_pcsc_call, SCardStatus(hcard)), || call_guard::reading(ask))?;
    let atr = Atr::new(atr.get(..bounds::length(atr_length, atr.len())?).unwrap_or_default());
    Ok(Status { name, state, protocol: protocol_from_native(protocol), atr })
}

/// The protocol as an argument of SCardTransmit.
fn pci(protocol: Protocol) -> &'static ffi::SCARD_IO_REQUEST {
    const fn of(protocol: Protocol) -> ffi::SCARD_IO_REQUEST {
        ffi::SCARD_IO_REQUEST {
            dwProtocol: native_protocol(protocol),
            cbPciLength: size_of::<ffi::SCARD_IO_REQUEST>() as DWORD,
        }
    }
    match protocol {
        Protocol::T0 => const { &of(Protocol::T0) },
        Protocol::T1 => const { &of(Protocol::T1) },
        Protocol::Raw => const { &of(Protocol::Raw) },
    }
}

/// Replaces `response` by the answer, which is never longer than the capacity of `response`.
#[inline(always)]
pub fn transmit(icc: Icc, protocol: Protocol, command: &[u8], response: &mut Vec<u8>) -> Result<()> {
    const CALL: Call = Call::new(c"SCardTransmit hcard protocol length");
    if log::is_on() {
        log_transmit(CALL, icc, protocol, command);
    }
    let (room, mut length) = room_in(response);
    // SAFETY: command and response have the given lengths, and do not overlap.
    let code = guarded(|| unsafe {
        ffi::SCardTransmit(
            native(icc),
            pci(protocol),
            command.as_ptr(),
            command.len() as DWORD,
            null_mut(),
            room,
            &mut length,
        )
    })?;
    if log::is_on_or(code as u32) {
        log_response(code, response, length);
        check(CALL, code, &[])?;
    }
    fill(response, length)
}

thread_local! {
    /// The exchange of this thread that is logged: a variable of `transmit` would cost it instructions.
    static EXCHANGE: Cell<Option<exchange_log::Exchange>> = const { Cell::new(None) };
}

/// Logs the beginning of SCardTransmit, and the command.
#[cold]
#[inline(never)]
fn log_transmit(call: Call, icc: Icc, protocol: Protocol, command: &[u8]) {
    let (hcard, protocol, length) = (Address(icc.0), native_protocol(protocol) as u32, command.len());
    let logged = begin_logged!(begin_pcsc_call, SCardTransmit(hcard, protocol, length));
    debug_assert_eq!(call, logged);
    EXCHANGE.set(Some(exchange_log::begin(icc, command)));
}

/// Logs the end of SCardTransmit, and the answer in `room_in(response)`.
#[cold]
#[inline(never)]
fn log_response(code: LONG, response: &mut Vec<u8>, length: DWORD) {
    log_end(code);
    let answer = match code as u32 {
        0 => fill(response, length).map(|()| response.as_slice()),
        code => Err(Hresult(code as i32)),
    };
    if let Some(exchange) = EXCHANGE.take() {
        exchange_log::end(exchange, answer);
    }
}

/// Replaces `response` by the answer, which is never longer than the capacity of `response`.
pub fn control(icc: Icc, code: u32, input: &[u8], response: &mut Vec<u8>) -> Result<()> {
    let (room, capacity) = room_in(response);
    let mut length = 0;
    let (hcard, control_code, input_length) = (Address(icc.0), Address(code as usize), input.len());
    let logged = begin_logged!(begin_pcsc_call, SCardControl(hcard, control_code, input_length));
    // SAFETY: input and response have the given lengths, and do not overlap.
    call(logged, || unsafe {
        ffi::SCardControl(native(icc), code as DWORD, input.as_ptr(), input.len() as DWORD, room, capacity, &mut length)
    })?;
    fill(response, length)
}

/// The memory for the answer of the service, and its length.
fn room_in(response: &mut Vec<u8>) -> (*mut u8, DWORD) {
    response.clear();
    (response.as_mut_ptr(), response.capacity() as DWORD)
}

/// Takes over the answer that the service has written to `room_in(response)`.
#[inline(always)]
fn fill(response: &mut Vec<u8>, length: DWORD) -> Result<()> {
    let length = bounds::length(length, response.capacity())?;
    // SAFETY: within the capacity. The service may have written less than it reports, but the caller has initialised
    // the whole capacity.
    unsafe { response.set_len(length) };
    Ok(())
}

/// Writes the attribute to the beginning of `value`. Returns its length.
pub fn get_attribute(icc: Icc, id: u32, value: &mut [u8; MAX_ATTRIBUTE]) -> Result<usize> {
    let mut length = MAX_ATTRIBUTE as DWORD;
    let (hcard, attribute) = (Address(icc.0), Address(id as usize));
    let logged = begin_logged!(begin_pcsc_call, SCardGetAttrib(hcard, attribute));
    call_with_answers(logged, &[Hresult::SCARD_E_INSUFFICIENT_BUFFER], || {
        // SAFETY: the buffer has the given length.
        unsafe { ffi::SCardGetAttrib(native(icc), id as DWORD, value.as_mut_ptr(), &mut length) }
    })?;
    bounds::length(length, MAX_ATTRIBUTE)
}

pub fn set_attribute(icc: Icc, id: u32, value: &[u8]) -> Result<()> {
    let (hcard, attribute, length) = (Address(icc.0), Address(id as usize), value.len());
    let logged = begin_logged!(begin_pcsc_call, SCardSetAttrib(hcard, attribute, length));
    // SAFETY: the value has the given length.
    call(logged, || unsafe { ffi::SCardSetAttrib(native(icc), id as DWORD, value.as_ptr(), value.len() as DWORD) })
}

/// A reader in SCardGetStatusChange: its known state, and afterwards its present state.
#[repr(transparent)]
pub struct ReaderState<'a> {
    native: ffi::SCARD_READERSTATE,
    name: PhantomData<&'a CStr>,
}

impl<'a> ReaderState<'a> {
    pub fn new(name: &'a CStr, known: DWORD) -> ReaderState<'a> {
        let native = ffi::SCARD_READERSTATE {
            szReader: name.as_ptr(),
            pvUserData: null_mut(),
            dwCurrentState: known,
            dwEventState: 0,
            cbAtr: 0,
            rgbAtr: [0; ffi::ATR_BUFFER_SIZE],
        };
        ReaderState { native, name: PhantomData }
    }

    /// The bits `SCARD_STATE_*`, and a count of events in the upper half.
    pub fn seen(&self) -> DWORD {
        self.native.dwEventState
    }

    pub fn atr(&self) -> Atr {
        let (bytes, length) = (self.native.rgbAtr, self.native.cbAtr as usize);
        Atr::new(bytes.get(..length).unwrap_or_default())
    }
}

/// Gets the states of readers, or waits until one of them differs from its known state: `SCARD_E_TIMEOUT` if none does
/// in time.
pub fn get_status_change(context: Context, readers: &mut [ReaderState<'_>], timeout_ms: u32) -> Result<()> {
    let (hcontext, reader_count) = (Address(context.0), readers.len());
    let logged = begin_logged!(begin_pcsc_call, SCardGetStatusChange(hcontext, timeout_ms, reader_count));
    // SAFETY: the array has the given number of elements, each a READERSTATE whose name ends with a NUL and outlives
    // it.
    let ask = || unsafe {
        ffi::SCardGetStatusChange(
            native_context(context),
            timeout_ms as DWORD,
            readers.as_mut_ptr().cast(),
            readers.len() as DWORD,
        )
    };
    let answers = &[Hresult::SCARD_E_TIMEOUT, Hresult::SCARD_E_CANCELLED];
    if timeout_ms == 0 {
        call_with_answers(logged, answers, || call_guard::reading(ask))
    } else {
        call_with_answers(logged, answers, || call_guard::waiting(ask))
    }
}

/// Whether SCardGetStatusChange accepts more readers than pcsc-lite before 2.5 can have. All of them are ignored ones,
/// so it sends no message.
pub fn takes_any_number_of_readers() -> bool {
    const TOO_MANY: usize = 17;
    let readers = &mut [(); TOO_MANY].map(|()| ReaderState::new(c"", ffi::SCARD_STATE_IGNORE));
    get_status_change(Context(0), readers, 0).is_ok()
}

/// Fills the buffer with the readers of all groups, or measures without one. Returns the length.
pub fn list_readers(context: Context, buffer: Option<&mut [u8]>) -> Result<usize> {
    let hcontext = Address(context.0);
    list(begin_logged!(begin_pcsc_call, SCardListReaders(hcontext)), buffer, |names, length| {
        // SAFETY: `names` has the given length, or is null to ask for the length; null as groups means all of them.
        unsafe { ffi::SCardListReaders(native_context(context), null(), names, length) }
    })
}

/// Fills the buffer with the groups of readers, or measures without one. Returns the length.
pub fn list_reader_groups(context: Context, buffer: Option<&mut [u8]>) -> Result<usize> {
    let hcontext = Address(context.0);
    list(begin_logged!(begin_pcsc_call, SCardListReaderGroups(hcontext)), buffer, |names, length| {
        // SAFETY: `names` has the given length, or is null to ask for the length.
        unsafe { SCardListReaderGroups(native_context(context), names, length) }
    })
}

fn list(
    call: Call,
    buffer: Option<&mut [u8]>,
    function: impl FnOnce(*mut c_char, *mut DWORD) -> LONG,
) -> Result<usize> {
    let (names, capacity) = buffer.map_or((null_mut(), 0), |buffer| (buffer.as_mut_ptr().cast(), buffer.len()));
    let mut length = capacity as DWORD;
    call_with_answers(call, &[Hresult::SCARD_E_INSUFFICIENT_BUFFER], || {
        call_guard::reading(|| function(names, &mut length))
    })?;
    bounds::length(length, if names.is_null() { bounds::LONGEST_LIST } else { capacity })
}

/// The control code for a function of the platform.
pub fn control_code(function: u32) -> u32 {
    ffi::SCARD_CTL_CODE((function & 0x3FFF_FFFF) as DWORD) as u32
}

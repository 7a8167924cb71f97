//! Card handles of PC/SC: how they are connected, reconnected and closed without the side effects of pcscd.

use pcsc::ffi;

use super::{IS_PCSC_LITE, contention, native, own_handles, policy, status};
use crate::abi::constants::{Access, CardState, Disposition, Protocol, Protocols, ShareMode};
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::{Context, Icc, MAX_ATTRIBUTE};

/// How often a signal is acknowledged before the card is reset or powered down. Each reset by another application sends
/// one.
const TRIES_TO_DISPOSE: u32 = 5;

/// The reader alone, without its card.
const DIRECT: Access = Access { share_mode: ShareMode::Direct, protocols: Protocols::Any };

pub fn connect(context: Context, ifd: &IfdName, access: Access) -> Result<(Icc, Option<Protocol>)> {
    let (icc, protocol) = native::connect(context, ifd, access).inspect_err(|code| {
        if *code == Hresult::SCARD_E_PROTO_MISMATCH {
            allow_power_down(context, ifd)
        }
    })?;
    match own_handles::add(icc, context, *ifd) {
        Ok(()) => Ok((icc, protocol)),
        Err(code) => close(icc, Disposition::Leave).and(Err(code)),
    }
}

/// After a connection that failed for its protocol, pcscd takes the card for used until the next connection ends. So it
/// never powers the card down, and the card keeps the protocol that is in the way. A direct connection does not use the
/// card, and its end corrects this.
fn allow_power_down(context: Context, ifd: &IfdName) {
    if IS_PCSC_LITE {
        if let Ok((icc, _)) = native::connect(context, ifd, DIRECT) {
            let _ = native::disconnect(icc, Disposition::Leave);
        }
    }
}

/// Reconnects a card handle that has the share mode `now`.
pub fn reconnect(icc: Icc, now: ShareMode, access: Access, initial: Disposition) -> Result<Option<Protocol>> {
    if initial != Disposition::Leave && IS_PCSC_LITE {
        // In an empty reader pcscd would signal a reset to all clients that know of the removal.
        let unchanged = Access { share_mode: now, protocols: Protocols::Any };
        if native::reconnect(icc, unchanged, Disposition::Leave) == Err(Hresult::SCARD_E_NO_SMARTCARD) {
            return Err(Hresult::SCARD_E_NO_SMARTCARD);
        }
    }
    let protocol = match native::reconnect(icc, access, initial) {
        // pcscd does not reconnect a reader without a card. A direct connection needs no card; without a signal there
        // is nothing to do.
        Err(Hresult::SCARD_E_NO_SMARTCARD)
            if now == ShareMode::Direct && access.share_mode == ShareMode::Direct && status::status(icc).is_ok() =>
        {
            None
        }
        answer => answer?,
    };
    if now == ShareMode::Exclusive && access.share_mode != ShareMode::Exclusive && IS_PCSC_LITE {
        // To pcscd exclusive use is a transaction, which it does not end here.
        let _ = end_transaction(icc, Disposition::Leave);
    }
    Ok(protocol)
}

pub fn close(icc: Icc, disposition: Disposition) -> Result<()> {
    let mut disposition = disposition;
    if disposition != Disposition::Leave {
        let is_locked = lock_to_dispose(icc).is_ok();
        let is_removed =
            || matches!(status::status(icc), Err(Hresult::SCARD_W_REMOVED_CARD) | Ok((CardState::Absent, _)));
        if !is_locked || is_removed() {
            // A card that was inserted later does not belong to this handle. And in an empty reader pcscd would signal
            // a reset to all clients that know of the removal.
            disposition = Disposition::Leave;
        }
    }
    own_handles::remove(icc);
    native::disconnect(icc, disposition)
}

/// Waits until other applications have ended their transactions, and begins one. Otherwise SCardDisconnect would wait
/// for them, and block all calls that open and close connections. A handle with a signal begins no transaction before a
/// reconnect acknowledges the signal.
fn lock_to_dispose(icc: Icc) -> Result<()> {
    for _ in 1..TRIES_TO_DISPOSE {
        match native::begin_transaction(icc) {
            Err(Hresult::SCARD_W_RESET_CARD) => native::reconnect(icc, DIRECT, Disposition::Leave)?,
            begun => return begun,
        };
    }
    native::begin_transaction(icc)
}

pub fn begin_transaction(icc: Icc) -> Result<()> {
    contention::observe(|| native::begin_transaction(icc)).map_err(policy::name_lost_service)
}

pub fn end_transaction(icc: Icc, disposition: Disposition) -> Result<()> {
    let resets = matches!(disposition, Disposition::Reset | Disposition::Unpower);
    if resets && IS_PCSC_LITE && matches!(status::status(icc), Ok((CardState::Absent, _))) {
        // In an empty reader pcscd would signal a reset to all clients that know of the removal.
        return end_transaction(icc, Disposition::Leave).and(Err(Hresult::SCARD_W_REMOVED_CARD));
    }
    let ended = native::end_transaction(icc, disposition);
    if disposition == Disposition::Leave { ended.map_err(policy::name_lost_service) } else { ended }
}

/// Fails with the signal that waits on the card handle.
pub fn probe(icc: Icc) -> Result<()> {
    if !IS_PCSC_LITE {
        return status::status(icc).map(|_| ());
    }
    // pcscd checks for signals before it reports that there is no transaction to end. That is one message and its
    // answer; SCardStatus needs two.
    match end_transaction(icc, Disposition::Leave) {
        Err(Hresult::SCARD_E_NOT_TRANSACTED) => Ok(()),
        result => result,
    }
}

/// Whether another card handle has a transaction. pcscd refuses to read an attribute then, and does not wait. Without
/// one, only a signal is an error.
pub fn is_locked_by_other(icc: Icc) -> Result<bool> {
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

//! The properties of the platform's resource manager that the layers above have to know.

use super::IS_PCSC_LITE;
use crate::abi::hresult::Hresult;

/// Windows and macOS end the transaction in SCardReconnect.
pub(super) const KEEPS_TRANSACTION_ON_RECONNECT: bool = IS_PCSC_LITE;

/// pcscd marks both in the lock count of the reader (`winscard.c`, `RFLockSharing`).
pub(super) const EXCLUSIVE_USE_IS_A_TRANSACTION: bool = IS_PCSC_LITE;

/// pcscd polls its readers every 400 ms.
pub(super) const REMOVAL_DELAY_MS: u32 = 1000;

/// The question is a message to the service and back.
pub(super) const POLL_INTERVAL_MS: u32 = 100;

/// libpcsclite ignores a cancel that comes before the wait has begun.
pub(super) const WAIT_FOR_IFDS_LIMIT_MS: u32 = 4000;

/// The true code of a failed SCardStatus. pcscd answers `SCARD_E_INVALID_VALUE` for a card handle whose reader was
/// unplugged and is back, although the question has no value that could be wrong. To a connection of this library the
/// reader was gone; for any other handle the caller has to learn that it is dead.
pub fn name_dead_handle(code: Hresult, is_ours: bool) -> Hresult {
    match code {
        Hresult::SCARD_E_INVALID_VALUE if is_ours => Hresult::SCARD_E_READER_UNAVAILABLE,
        Hresult::SCARD_E_INVALID_VALUE => Hresult::SCARD_E_INVALID_HANDLE,
        code => code,
    }
}

/// The true code of a question that pcscd answers without the driver: SCardStatus, and the begin or end of a
/// transaction. A communication error means that the connection to the daemon is broken. A forwarder whose daemon has
/// ended may close one direction of the connection before the other.
pub fn name_lost_service(code: Hresult) -> Hresult {
    match code {
        Hresult::SCARD_F_COMM_ERROR if IS_PCSC_LITE => Hresult::SCARD_E_NO_SERVICE,
        code => code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handle_of_a_reader_that_was_unplugged_and_is_back_is_dead() {
        let invalid = Hresult::SCARD_E_INVALID_VALUE;
        assert_eq!(name_dead_handle(invalid, true), Hresult::SCARD_E_READER_UNAVAILABLE);
        assert_eq!(name_dead_handle(invalid, false), Hresult::SCARD_E_INVALID_HANDLE);
        for code in [Hresult::SCARD_W_RESET_CARD, Hresult::SCARD_E_INVALID_HANDLE, Hresult::SCARD_F_COMM_ERROR] {
            assert_eq!([true, false].map(|is_ours| name_dead_handle(code, is_ours)), [code; 2]);
        }
    }

    #[test]
    fn a_broken_connection_to_the_daemon_is_a_lost_service() {
        assert_eq!(name_lost_service(Hresult::SCARD_F_COMM_ERROR) == Hresult::SCARD_E_NO_SERVICE, IS_PCSC_LITE);
        for code in [Hresult::SCARD_W_RESET_CARD, Hresult::SCARD_E_NOT_TRANSACTED, Hresult::SCARD_E_INVALID_HANDLE] {
            assert_eq!(name_lost_service(code), code);
        }
    }
}

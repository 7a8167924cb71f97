//! Advice for a person about a failure of PC/SC.

use super::{IS_PCSC_LITE, library};
use crate::abi::hresult::Hresult;

/// The remedy for a code of the service. pcscd answers `SCARD_W_SECURITY_VIOLATION` when polkit refuses; the actions
/// are in its org.debian.pcsc-lite.policy, which allows cards only to users of an active local session.
pub fn of(code: Hresult) -> Option<&'static str> {
    match code {
        Hresult::SCARD_E_NO_SERVICE if library::is_missing() => {
            Some("libpcsclite.so.1 is not installed: install pcsc-lite (Debian: apt install libpcsclite1 pcscd).")
        }
        Hresult::SCARD_E_NO_SERVICE if IS_PCSC_LITE => Some(
            "pcscd does not run: systemctl start pcscd.socket. If there is no such unit, install pcscd (Debian: apt \
             install pcscd). In a container or a sandbox, give it /run/pcscd/pcscd.comm.",
        ),
        Hresult::SCARD_W_SECURITY_VIOLATION if IS_PCSC_LITE => Some(
            "If no code has to be verified before, polkit refuses: it needs a rule for \
             org.debian.pcsc-lite.access_pcsc and org.debian.pcsc-lite.access_card, or a login at the machine itself.",
        ),
        Hresult::SCARD_E_SERVER_TOO_BUSY if IS_PCSC_LITE => Some(
            "pcscd serves as many clients as it can: end programs that use cards, or start pcscd with a greater \
             --max-thread.",
        ),
        _ => None,
    }
}

//! For each code of libscm: the exit code of the program, and what helps.

use crate::exit::Exit;
use crate::failure::Stage;

/// The advice to the user; empty if nothing is known to help.
pub fn advice(name: &str, stage: Stage) -> &'static str {
    match name {
        "SCM_SCARD_W_SECURITY_VIOLATION" if stage == Stage::Attach => {
            "Polkit does not let this user use pcscd; scmctl doctor has a rule."
        }
        "SCM_SCARD_S_NO_SERVICE" | "SCM_SCARD_E_NO_SERVICE" => {
            "Start it: sudo systemctl start pcscd.socket (without systemd: sudo pcscd). scmctl doctor tells more."
        }
        "SCM_SCARD_W_SECURITY_VIOLATION" => "Present a code first: --verify NUMBER, or scmctl verify.",
        "SCM_SCARD_E_SERVER_TOO_BUSY" => "End programs that use cards.",
        "SCM_SCARD_E_NO_READERS_AVAILABLE" => "Plug one in. If one is plugged in: scmctl doctor.",
        "SCM_SCARD_E_UNKNOWN_READER" => "scmctl list shows the readers.",
        "SCM_SCARD_E_READER_UNAVAILABLE" => "Plug it in again.",
        "SCM_SCARD_E_NO_SMARTCARD" => "Put one in.",
        "SCM_SCARD_E_SHARING_VIOLATION" => {
            "End that program; scmctl doctor names it. If it is scdaemon: gpgconf --kill scdaemon"
        }
        "SCM_SCARD_E_TIMEOUT" => "Another program holds the card; --limit waits longer.",
        "SCM_SCARD_E_PROTO_MISMATCH" => "Take the card out and put it in again.",
        "SCM_SCARD_W_UNRESPONSIVE_CARD" | "SCM_SCARD_W_UNPOWERED_CARD" | "SCM_SCARD_W_UNSUPPORTED_CARD" => {
            "Is it the right way round, and clean? Try it in another reader."
        }
        "SCM_SCARD_W_REMOVED_CARD" => "Put it back, and begin again: the card has lost its state.",
        "SCM_SCARD_W_RESET_CARD" => "Begin again: the card has lost its state.",
        "SCM_SCARD_W_CHV_BLOCKED" => "scmctl unblock gives it a new value, with the unblocking code (PUK).",
        "SCM_SCARD_W_WRONG_CHV" => "Each wrong code spends a try.",
        "SCM_SCARD_W_CARD_NOT_AUTHENTICATED" => "scmctl verify presents it.",
        "SCM_SCARD_E_INVALID_CHV" => "Check its length, and --encoding, --block and --filler.",
        "SCM_SCARD_E_FILE_NOT_FOUND" | "SCM_SCARD_E_DIR_NOT_FOUND" => "scmctl tree lists the files.",
        "SCM_SCARD_E_NO_FILE" => "It is a directory: scmctl tree shows its content.",
        _ => "",
    }
}

/// The exit code of the program.
pub fn exit(name: &str) -> Exit {
    match name {
        "SCM_SCARD_S_NO_SERVICE"
        | "SCM_SCARD_E_NO_SERVICE"
        | "SCM_SCARD_E_SERVICE_STOPPED"
        | "SCM_SCARD_E_NO_READERS_AVAILABLE"
        | "SCM_SCARD_E_UNKNOWN_READER"
        | "SCM_SCARD_E_READER_UNAVAILABLE"
        | "SCM_SCARD_E_NO_SMARTCARD"
        | "SCM_SCARD_E_PROTO_MISMATCH"
        | "SCM_SCARD_W_UNRESPONSIVE_CARD"
        | "SCM_SCARD_W_UNPOWERED_CARD"
        | "SCM_SCARD_W_UNSUPPORTED_CARD" => Exit::Unavailable,
        "SCM_SCARD_E_SHARING_VIOLATION"
        | "SCM_SCARD_E_TIMEOUT"
        | "SCM_SCARD_E_NOT_READY"
        | "SCM_SCARD_E_SERVER_TOO_BUSY"
        | "SCM_SCARD_W_RESET_CARD"
        | "SCM_SCARD_W_REMOVED_CARD" => Exit::TryAgain,
        "SCM_SCARD_W_SECURITY_VIOLATION"
        | "SCM_SCARD_W_WRONG_CHV"
        | "SCM_SCARD_W_CHV_BLOCKED"
        | "SCM_SCARD_W_CARD_NOT_AUTHENTICATED"
        | "SCM_SCARD_E_INVALID_CHV"
        | "SCM_E_ACCESSDENIED" => Exit::Permission,
        "SCM_SCARD_F_COMM_ERROR" | "SCM_SCARD_E_NOT_TRANSACTED" | "SCM_SCARD_E_COMM_DATA_LOST" => Exit::Communication,
        "SCM_E_OUTOFMEMORY" | "SCM_SCARD_E_NO_MEMORY" => Exit::System,
        "SCM_E_UNEXPECTED" | "SCM_E_HANDLE" | "SCM_E_POINTER" => Exit::Internal,
        "SCM_E_INVALIDARG" => Exit::Usage,
        _ => Exit::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name with a spelling error would never match.
    #[test]
    fn every_code_is_one_of_the_header() {
        let header = include_str!("../../../include/scm.h");
        let source = include_str!("advice.rs");
        let names: Vec<&str> =
            source.split('"').filter(|part| part.starts_with("SCM_") && !part.contains(' ')).collect();
        assert!(names.len() > 30, "{names:?}");
        for name in names {
            assert!(name == "SCM_" || header.contains(&format!("    {name} = ")), "{name}");
        }
    }

    #[test]
    fn a_refusal_of_polkit_is_not_one_of_the_card() {
        let advice = |stage| advice("SCM_SCARD_W_SECURITY_VIOLATION", stage);
        assert!(advice(Stage::Attach).contains("Polkit"));
        assert!(advice(Stage::Card).contains("--verify"));
    }

    #[test]
    fn a_missing_service_is_told_with_its_remedy() {
        assert!(advice("SCM_SCARD_E_NO_SERVICE", Stage::Attach).contains("systemctl start pcscd.socket"));
        assert_eq!(exit("SCM_SCARD_E_NO_SERVICE"), Exit::Unavailable);
        assert_eq!(exit("SCM_SCARD_E_FILE_NOT_FOUND"), Exit::Refused);
    }
}

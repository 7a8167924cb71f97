//! For each failure of libscm: what helps the user of this program, and the exit code.

use crate::exit::Exit;
use crate::library::Error;

/// The advice of the library, and the ways that this program has; empty if nothing is known to help.
pub fn advice(error: &Error) -> String {
    let of_library = for_a_user(&error.told().advice);
    let first = if of_library.is_empty() { instead(error.name()).into() } else { of_library };
    let parts = [first, also(error).into()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The sentences of an advice that a person at a terminal can follow. The library speaks to the author of a program,
/// too, and names the things of C in sentences of their own.
fn for_a_user(advice: &str) -> String {
    const THINGS_OF_C: [&str; 9] =
        ["scm_", "_INIT", "header", "callback", "provider", "handle", "function", "object", "the library"];
    let is_for_a_user = |sentence: &&str| !THINGS_OF_C.iter().any(|thing| sentence.contains(thing));
    advice.split_inclusive(". ").filter(is_for_a_user).collect::<String>().trim_end().into()
}

/// If the library has no advice for a user: the call has succeeded, this program has found the fault itself, or the
/// author of a program is at fault.
fn instead(name: &str) -> &'static str {
    match name {
        "SCM_SCARD_S_NO_SERVICE" => "Start it: sudo systemctl start pcscd.socket (without systemd: sudo pcscd).",
        "SCM_SCARD_E_NO_READERS_AVAILABLE" => "Plug one in.",
        "SCM_SCARD_E_NO_SMARTCARD" => "Put one in.",
        "SCM_E_INVALIDARG" => "--help describes the arguments.",
        "SCM_E_HANDLE"
        | "SCM_E_POINTER"
        | "SCM_SCARD_E_INVALID_HANDLE"
        | "SCM_SCARD_E_ICC_CREATEORDER"
        | "SCM_SCARD_E_INSUFFICIENT_BUFFER" => "This is a fault of scmctl: please report it.",
        _ => "",
    }
}

/// The commands and options of this program that help.
fn also(error: &Error) -> &'static str {
    match error.name() {
        "SCM_SCARD_S_NO_SERVICE" | "SCM_SCARD_E_NO_SERVICE" | "SCM_SCARD_E_SERVICE_STOPPED" => {
            "scmctl doctor tells more."
        }
        // A refusal without an answer of the card is one of polkit.
        "SCM_SCARD_W_SECURITY_VIOLATION" if error.told().status_word == 0 => "scmctl doctor has a rule.",
        "SCM_SCARD_W_SECURITY_VIOLATION" => "--verify NUMBER presents a code.",
        "SCM_SCARD_E_NO_READERS_AVAILABLE" => "If one is plugged in: scmctl doctor.",
        "SCM_SCARD_E_UNKNOWN_READER" => "scmctl list shows the readers.",
        "SCM_SCARD_E_SHARING_VIOLATION" => "scmctl doctor names it. If it is scdaemon: gpgconf --kill scdaemon",
        "SCM_SCARD_E_TIMEOUT" => "--limit sets the limit.",
        "SCM_SCARD_W_REMOVED_CARD" => "Begin again: the card has lost its state.",
        "SCM_SCARD_W_CHV_BLOCKED" => "scmctl unblock does that.",
        "SCM_SCARD_W_CARD_NOT_AUTHENTICATED" => "scmctl verify presents the code.",
        "SCM_SCARD_E_INVALID_PARAMETER" if error.told().status_word == 0x6700 => "--block 8 fills a code.",
        "SCM_SCARD_E_INVALID_CHV" => "Check its length, and --encoding, --block and --filler.",
        // With 6A88 the card means no file.
        "SCM_SCARD_E_FILE_NOT_FOUND" if error.told().status_word == 0x6A88 => "",
        "SCM_SCARD_E_FILE_NOT_FOUND" | "SCM_SCARD_E_DIR_NOT_FOUND" => "scmctl tree lists them.",
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
    use crate::library::Told;

    /// A name with a spelling error would never match.
    #[test]
    fn every_code_is_one_of_the_header() {
        let header = include_str!("../../../include/scm.h");
        let source = include_str!("advice.rs").split_once("#[cfg(test)]").unwrap().0;
        let names: Vec<&str> = source.split('"').filter(|part| part.starts_with("SCM_")).collect();
        assert!(names.len() > 30, "{names:?}");
        for name in names {
            assert!(header.contains(&format!("    {name} = ")), "{name}");
        }
    }

    fn on(name: &str, of_library: &str, status_word: u32) -> String {
        advice(&Error::telling(name, Told { advice: of_library.into(), status_word, ..Told::default() }))
    }

    #[test]
    fn a_refusal_of_polkit_is_not_one_of_the_card() {
        let name = "SCM_SCARD_W_SECURITY_VIOLATION";
        assert_eq!(on(name, "polkit refuses.", 0), "polkit refuses. scmctl doctor has a rule.");
        assert_eq!(on(name, "Verify the code.", 0x6982), "Verify the code. --verify NUMBER presents a code.");
    }

    #[test]
    fn a_user_does_not_read_of_functions() {
        let removed = on("SCM_SCARD_W_REMOVED_CARD", "Put the card in again. Then call scm_reconnect.", 0);
        assert_eq!(removed, "Put the card in again. Begin again: the card has lost its state.");
        let wrong = on("SCM_SCARD_E_NOT_READY", "Try again later. In a callback, let it return.", 0);
        assert_eq!(wrong, "Try again later.");
        assert_eq!(
            for_a_user("libpcsclite.so.1 is not there (apt install it)."),
            "libpcsclite.so.1 is not there (apt install it)."
        );
        assert_eq!(on("SCM_SCARD_E_NO_SMARTCARD", "", 0), "Put one in.");
    }

    /// The advice of the library on each code, from its source. Those that are left out have an advice here.
    #[test]
    fn every_advice_of_the_library_leaves_one_for_a_user() {
        let source = include_str!("../../../src/capi/advice.rs");
        let table = source.split_once("fn own(code: Hresult)").unwrap().1;
        let mut arms = 0;
        for arm in table.split("Hresult::").skip(1) {
            let (name, rest) = arm.split_once(|end: char| !(end.is_ascii_uppercase() || end == '_')).unwrap();
            let Some(told) = rest.split('"').nth(1) else { continue };
            arms += 1;
            // No call of this program registers a provider, or ends in such a moment.
            let is_ours = !["E_NOINTERFACE", "SCARD_P_SHUTDOWN"].contains(&name);
            let left = for_a_user(told);
            assert_eq!(is_ours, !left.is_empty() || !instead(&format!("SCM_{name}")).is_empty(), "{name}: {told}");
        }
        assert!(arms > 25, "{arms}");
    }

    #[test]
    fn a_missing_service_is_told_with_its_remedy() {
        let error = Error::named("SCM_SCARD_E_NO_SERVICE");
        assert_eq!(advice(&error), "scmctl doctor tells more.");
        assert_eq!(exit("SCM_SCARD_E_NO_SERVICE"), Exit::Unavailable);
        assert_eq!(exit("SCM_SCARD_E_FILE_NOT_FOUND"), Exit::Refused);
    }
}

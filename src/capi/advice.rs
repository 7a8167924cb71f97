//! Advice for a person about a failure.

use crate::abi::cause::{Reason, Refusal};
use crate::abi::hresult::Hresult;
use crate::resource_manager::managers;

/// One or two sentences, or nothing. A resource manager knows best what its service needs, but nothing of a refusal by
/// the card, which has a status word.
///
/// Things of C, such as a function, are in sentences of their own: scmctl leaves those sentences out.
pub fn on(code: Hresult, refusal: Option<&Refusal>, reason: Option<&Reason>, status_word: Option<u16>) -> &'static str {
    if let Some(reason) = reason {
        return if reason.advice.is_empty() { own(code) } else { reason.advice };
    }
    if let Some(word) = status_word {
        return of_card(word).unwrap_or_else(|| own(code));
    }
    match refusal {
        Some(refusal) if refusal.is_of_field("struct_size") => {
            "Initialise the structure with its _INIT macro, or set struct_size to its sizeof."
        }
        Some(_) => "Correct the argument: the header describes it.",
        None => managers::remedy(code).unwrap_or_else(|| own(code)),
    }
}

/// ISO/IEC 7816-4 gives these words a closer meaning than their codes have.
fn of_card(status_word: u16) -> Option<&'static str> {
    match status_word {
        0x6700 => Some("The card takes another length: many cards take codes of 8 bytes, filled with FF or 00."),
        0x6A88 => Some("The card has no code, key or data with this number."),
        0x6984 => Some("The code or key has no value yet, or cannot be used."),
        _ => None,
    }
}

fn own(code: Hresult) -> &'static str {
    match code {
        Hresult::E_HANDLE => "Use the handle that the library has given, and not after its end or in a forked child.",
        Hresult::E_INVALIDARG | Hresult::E_POINTER => "Look into the callbacks and the providers of the program.",
        Hresult::E_UNEXPECTED => "This is a fault of libscm: please report it. End the object; only that works now.",
        Hresult::E_OUTOFMEMORY => "Free memory, or close files and threads.",
        Hresult::E_NOINTERFACE => "Register a provider for this interface and this card before.",
        Hresult::SCARD_E_UNKNOWN_READER => {
            "Look whether the reader is plugged in. Use a name that scm_list_ifds gives, with every character."
        }
        Hresult::SCARD_E_READER_UNAVAILABLE => "Plug the reader in again. Then call scm_reconnect.",
        Hresult::SCARD_E_NO_READERS_AVAILABLE => "Plug a reader in, and look whether its driver is installed.",
        Hresult::SCARD_E_NO_SMARTCARD => "Put a card into the reader, and try again.",
        Hresult::SCARD_W_UNRESPONSIVE_CARD => {
            "The card is mute: turn it over, clean its contacts, and try another card to test the reader."
        }
        Hresult::SCARD_W_UNPOWERED_CARD => "Take the card out, and put it in again. Or reset it with scm_reconnect_ex.",
        Hresult::SCARD_W_UNSUPPORTED_CARD => "Try another reader: this one does not understand the card.",
        Hresult::SCARD_W_RESET_CARD => "Call scm_reconnect. Select files and verify codes again.",
        Hresult::SCARD_W_REMOVED_CARD => "Put the card in again. Then call scm_reconnect.",
        Hresult::SCARD_E_SHARING_VIOLATION => {
            "Another program uses the card exclusively: end that program, or wait until it has finished."
        }
        Hresult::SCARD_E_NO_SERVICE => "Start the service. Then call scm_reconnect for an attachment.",
        Hresult::SCARD_E_SERVICE_STOPPED => "Start the service again. Then call scm_reconnect for an attachment.",
        Hresult::SCARD_E_INVALID_HANDLE => "Connect anew with PC/SC, and attach the new card handle.",
        Hresult::SCARD_E_PROTO_MISMATCH => {
            "Put the card in again, or choose a protocol that it speaks. Or reset it with scm_reconnect_ex."
        }
        Hresult::SCARD_E_TIMEOUT => "Try again later, or with a longer limit: others use the card.",
        Hresult::SCARD_E_NOT_READY => "Try again later. In a callback, let it return before the function is called.",
        Hresult::SCARD_E_NOT_TRANSACTED => {
            "The card may have done the command: look before it is sent again. Call scm_lock before scm_unlock."
        }
        Hresult::SCARD_E_INSUFFICIENT_BUFFER => "Call again with a buffer of the length that the function has told.",
        Hresult::SCARD_E_DUPLICATE_READER => "Choose another name: a reader has this one.",
        Hresult::SCARD_E_UNSUPPORTED_FEATURE => {
            "The reader, the card or the service has no such feature: use another one."
        }
        Hresult::SCARD_F_COMM_ERROR | Hresult::SCARD_E_COMM_DATA_LOST => {
            "Put the card in again, and clean its contacts. If it happens again, try another reader or cable."
        }
        Hresult::SCARD_E_INVALID_PARAMETER => "Look at the lengths and the numbers: others are allowed here.",
        Hresult::SCARD_E_INVALID_CHV => "Look at the length and the encoding of the code.",
        Hresult::SCARD_W_CARD_NOT_AUTHENTICATED => "Verify the code, or authenticate, before.",
        Hresult::SCARD_E_ICC_CREATEORDER => "Attach to a card before: the handle is NULL, or has ended.",
        Hresult::SCARD_W_WRONG_CHV => "Enter the right code. Look first how many tries are left.",
        Hresult::SCARD_W_CHV_BLOCKED => {
            "Unblock the code with its unblocking code (PUK). scm_ch_verification_unblock does that."
        }
        Hresult::SCARD_W_SECURITY_VIOLATION => "Verify the code, or authenticate, before this command.",
        Hresult::SCARD_E_FILE_NOT_FOUND | Hresult::SCARD_E_DIR_NOT_FOUND => {
            "Look which files the card has. scm_file_access_directory lists them."
        }
        Hresult::SCARD_P_SHUTDOWN => "Do not call the library when the process ends.",
        _ => "",
    }
}

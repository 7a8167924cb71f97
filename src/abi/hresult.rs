//! The codes: every HRESULT that leaves this library, with its name and its message, in one table.
//!
//! Source: the return-value tables of the ISCardManage reference (COM codes and smart card codes, facility 16).
//! `SCARD_S_NO_SERVICE` is a success of our own: the number of the failure, without its sign.

use std::ffi::CStr;

/// An HRESULT: negative is a failure.
#[allow(non_camel_case_types)]
pub type scm_result = i32;

/// An HRESULT: negative is a failure.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Hresult(pub i32);

/// The result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, Hresult>;

/// One row of the table of codes.
pub struct Code {
    /// The C name, such as `SCM_E_HANDLE`.
    pub name: &'static CStr,
    /// The value.
    pub value: Hresult,
    /// One English sentence for a person.
    pub message: &'static CStr,
}

const fn c_str(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("a text of the table has an inner NUL"), // at compile time only
    }
}

macro_rules! codes {
    ($($name:ident = $value:literal, $message:literal;)*) => {
        impl Hresult {
            $(#[doc = $message] pub const $name: Hresult = Hresult($value as u32 as i32);)*
        }

        /// Every code, in the order of the reference.
        pub static CODES: &[Code] = &[
            $(Code {
                name: c_str(concat!("SCM_", stringify!($name), "\0")),
                value: Hresult::$name,
                message: c_str(concat!($message, "\0")),
            },)*
        ];
    };
}

codes! {
    S_OK = 0x00000000, "The operation was successful.";
    S_FALSE = 0x00000001, "The operation was successful: a card with another ATR answers, or there was nothing to do.";
    SCARD_S_NO_SERVICE = 0x0010001D, "The list is empty: the resource manager (pcscd on Linux) is not running.";
    E_NOTIMPL = 0x80004001, "This function is not implemented.";
    E_NOINTERFACE = 0x80004002, "This interface is not supported.";
    E_POINTER = 0x80004003, "A required pointer is NULL.";
    E_ABORT = 0x80004004, "The operation was aborted.";
    E_FAIL = 0x80004005, "The operation failed for a reason without a code of its own.";
    E_UNEXPECTED = 0x8000FFFF, "An internal error happened, and the object cannot be used any more.";
    E_ACCESSDENIED = 0x80070005, "Access is denied.";
    E_HANDLE = 0x80070006, "The handle is not valid, or not valid any more.";
    E_OUTOFMEMORY = 0x8007000E, "There is not enough memory.";
    E_INVALIDARG = 0x80070057, "An argument is invalid.";
    SCARD_F_INTERNAL_ERROR = 0x80100001, "An internal consistency check of the resource manager failed.";
    SCARD_E_CANCELLED = 0x80100002, "The operation was cancelled.";
    SCARD_E_INVALID_HANDLE = 0x80100003, "The resource manager does not know this card handle or context any more.";
    SCARD_E_INVALID_PARAMETER = 0x80100004, "The resource manager refused a parameter.";
    SCARD_E_INVALID_TARGET = 0x80100005, "The registry of the resource manager is missing or invalid.";
    SCARD_E_NO_MEMORY = 0x80100006, "The resource manager has not enough memory.";
    SCARD_F_WAITED_TOO_LONG = 0x80100007, "An internal time limit of the resource manager expired.";
    SCARD_E_INSUFFICIENT_BUFFER = 0x80100008, "The buffer is too small for the data.";
    SCARD_E_UNKNOWN_READER = 0x80100009, "No reader has this name.";
    SCARD_E_TIMEOUT = 0x8010000A, "The time limit expired.";
    SCARD_E_SHARING_VIOLATION = 0x8010000B, "Another application uses the card exclusively.";
    SCARD_E_NO_SMARTCARD = 0x8010000C, "No card is in the reader.";
    SCARD_E_UNKNOWN_CARD = 0x8010000D, "The name of the card is not known.";
    SCARD_E_CANT_DISPOSE = 0x8010000E, "The card could not be left in the requested state.";
    SCARD_E_PROTO_MISMATCH = 0x8010000F, "No protocol is active, or the card uses another one until it is reset.";
    SCARD_E_NOT_READY = 0x80100010, "The reader or the card is not ready.";
    SCARD_E_INVALID_VALUE = 0x80100011, "A value was refused, or the two entries of a new code differ.";
    SCARD_E_SYSTEM_CANCELLED = 0x80100012, "The system cancelled the operation, to log off or to shut down.";
    SCARD_F_COMM_ERROR = 0x80100013, "The communication with the card or with the resource manager failed.";
    SCARD_F_UNKNOWN_ERROR = 0x80100014, "The resource manager met an unknown error.";
    SCARD_E_INVALID_ATR = 0x80100015, "The ATR of the card is not valid.";
    SCARD_E_NOT_TRANSACTED = 0x80100016, "No lock is held, or the exchange with the card was not completed.";
    SCARD_E_READER_UNAVAILABLE = 0x80100017, "The reader is gone.";
    SCARD_P_SHUTDOWN = 0x80100018, "The process is ending.";
    SCARD_E_PCI_TOO_SMALL = 0x80100019, "The buffer for the protocol control information is too small.";
    SCARD_E_READER_UNSUPPORTED = 0x8010001A, "The driver of the reader does not meet the requirements.";
    SCARD_E_DUPLICATE_READER = 0x8010001B, "A reader with this name exists already.";
    SCARD_E_CARD_UNSUPPORTED = 0x8010001C, "The card does not meet the requirements.";
    SCARD_E_NO_SERVICE = 0x8010001D, "The resource manager (pcscd on Linux) is not running, or was restarted.";
    SCARD_E_SERVICE_STOPPED = 0x8010001E, "The resource manager has stopped, or does not match its client library.";
    SCARD_E_UNEXPECTED = 0x8010001F, "The resource manager met an unexpected error.";
    SCARD_E_ICC_INSTALLATION = 0x80100020, "No primary provider is known for the card.";
    SCARD_E_ICC_CREATEORDER = 0x80100021, "The objects were created in an order that is not supported.";
    SCARD_E_UNSUPPORTED_FEATURE = 0x80100022, "The reader, the card or the platform does not have this feature.";
    SCARD_E_DIR_NOT_FOUND = 0x80100023, "The directory is not on the card.";
    SCARD_E_FILE_NOT_FOUND = 0x80100024, "The file is not on the card.";
    SCARD_E_NO_DIR = 0x80100025, "The path does not name a directory.";
    SCARD_E_NO_FILE = 0x80100026, "The path does not name a file.";
    SCARD_E_NO_ACCESS = 0x80100027, "Access to the file is denied.";
    SCARD_E_WRITE_TOO_MANY = 0x80100028, "The card has not enough memory for the data.";
    SCARD_E_BAD_SEEK = 0x80100029, "The position lies outside the file.";
    SCARD_E_INVALID_CHV = 0x8010002A, "The code does not have the format that the card expects.";
    SCARD_E_UNKNOWN_RES_MNG = 0x8010002B, "The resource manager returned an unknown error.";
    SCARD_E_NO_SUCH_CERTIFICATE = 0x8010002C, "The certificate does not exist.";
    SCARD_E_CERTIFICATE_UNAVAILABLE = 0x8010002D, "The certificate is not available.";
    SCARD_E_NO_READERS_AVAILABLE = 0x8010002E, "There is no reader.";
    SCARD_E_COMM_DATA_LOST = 0x8010002F, "Data were lost in the communication with the card.";
    SCARD_E_NO_KEY_CONTAINER = 0x80100030, "The key container is not on the card.";
    SCARD_E_SERVER_TOO_BUSY = 0x80100031, "The resource manager cannot serve more clients.";
    SCARD_E_PIN_CACHE_EXPIRED = 0x80100032, "The cached code has expired.";
    SCARD_E_NO_PIN_CACHE = 0x80100033, "The code cannot be cached.";
    SCARD_E_READ_ONLY_CARD = 0x80100034, "The card can only be read.";
    SCARD_W_UNSUPPORTED_CARD = 0x80100065, "The reader does not understand this card.";
    SCARD_W_UNRESPONSIVE_CARD = 0x80100066, "The card does not answer to a reset.";
    SCARD_W_UNPOWERED_CARD = 0x80100067, "The card has no power.";
    SCARD_W_RESET_CARD = 0x80100068, "Another application has reset the card.";
    SCARD_W_REMOVED_CARD = 0x80100069, "The card was taken out.";
    SCARD_W_SECURITY_VIOLATION = 0x8010006A, "Access was denied: a security condition is not met.";
    SCARD_W_WRONG_CHV = 0x8010006B, "The code was wrong.";
    SCARD_W_CHV_BLOCKED = 0x8010006C, "The code is blocked, because it was wrong too often.";
    SCARD_W_EOF = 0x8010006D, "The end of the file was reached.";
    SCARD_W_CANCELLED_BY_USER = 0x8010006E, "The user cancelled the operation.";
    SCARD_W_CARD_NOT_AUTHENTICATED = 0x8010006F, "The card has not verified a code, or has not proven its identity.";
    SCARD_W_CACHE_ITEM_NOT_FOUND = 0x80100070, "The item is not in the cache.";
    SCARD_W_CACHE_ITEM_STALE = 0x80100071, "The item in the cache is too old.";
    SCARD_W_CACHE_ITEM_TOO_BIG = 0x80100072, "The item is too big for the cache.";
}

impl Hresult {
    /// The HRESULT of a Win32 error, facility 7.
    pub const fn from_win32(error: u16) -> Hresult {
        Hresult((0x8007_0000 | error as u32) as i32)
    }

    /// The code, if a callback or a service returns it. Only the library can know that a handle is invalid or that an
    /// object is unusable: from others these codes are a plain failure.
    pub fn from_outside(self) -> Hresult {
        match self {
            Hresult::E_HANDLE | Hresult::E_UNEXPECTED => Hresult::E_FAIL,
            code => code,
        }
    }

    /// The row of the table, if the code is one of ours.
    pub fn lookup(self) -> Option<&'static Code> {
        CODES.iter().find(|code| code.value == self)
    }
}

impl std::fmt::Debug for Hresult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.lookup() {
            Some(code) => f.write_str(&code.name.to_string_lossy()),
            None => write!(f, "{:#010X}", self.0),
        }
    }
}

/// The reference page of Reconnect itself promises this error.
impl From<std::collections::TryReserveError> for Hresult {
    fn from(_: std::collections::TryReserveError) -> Self {
        Hresult::E_OUTOFMEMORY
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_code_stands_once() {
        let values: HashSet<_> = CODES.iter().map(|code| code.value).collect();
        let names: HashSet<_> = CODES.iter().map(|code| code.name).collect();
        assert_eq!((values.len(), names.len()), (CODES.len(), CODES.len()));
    }

    #[test]
    fn the_smart_card_codes_are_of_facility_16_and_complete() {
        let numbers: Vec<u32> = CODES
            .iter()
            .map(|code| code.value.0 as u32)
            .filter(|value| value >> 16 == 0x8010)
            .map(|value| value & 0xFFFF)
            .collect();
        let expected: Vec<u32> = (0x01..=0x34).chain(0x65..=0x72).collect();
        assert_eq!(numbers, expected);
    }

    #[test]
    fn an_unknown_code_has_no_row() {
        assert!(Hresult(0x8010_FFFF_u32 as i32).lookup().is_none());
        assert_eq!(Hresult::from_win32(6), Hresult::E_HANDLE);
    }

    #[test]
    fn codes_about_objects_come_from_the_library_only() {
        assert_eq!(Hresult::E_HANDLE.from_outside(), Hresult::E_FAIL);
        assert_eq!(Hresult::E_UNEXPECTED.from_outside(), Hresult::E_FAIL);
        let others = CODES
            .iter()
            .map(|code| code.value)
            .filter(|code| !matches!(*code, Hresult::E_HANDLE | Hresult::E_UNEXPECTED));
        others.for_each(|code| assert_eq!(code.from_outside(), code));
    }
}

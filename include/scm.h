/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * scm.h - libscm: the ISCardManage programming model for every program that can call C.
 *
 * Generated from the Rust source by cbindgen. Do not edit: see CONTRIBUTING.md.
 *
 * CONVENTIONS
 *
 * Results. Every function that can fail returns a scm_result, an HRESULT: negative is a failure (SCM_FAILED). The codes
 *   are the same on every platform. SCM_SCARD_* are the codes of PC/SC.
 * Handles. A scm_handle * is a token, not an address. One that is NULL, foreign or detached gives SCM_E_HANDLE, never
 *   undefined behaviour, also when one thread detaches while another one calls.
 * Arguments. Inputs come first, outputs last. A required output that is NULL gives SCM_E_POINTER, an input that may not
 *   be NULL gives SCM_E_INVALIDARG. (NULL, 0) is a valid empty input. After a failure every output is zero or NULL; of
 *   a buffer that is its length. Only the tries that are left (retries_left) are told then, too.
 * Bytes and text out. (buffer, capacity, *length): NULL with capacity 0 asks for the length. A buffer that is too small
 *   gives SCM_SCARD_E_INSUFFICIENT_BUFFER, and *length is what is needed. Nothing is lost, nothing is sent twice.
 * Text is UTF-8 and ends with a NUL.
 * Structures that may grow begin with their own size. Start with the _INIT macro.
 * Threads. Every function may be called from any thread. Calls on one handle run one after the other. A thread may end in any
 *   callback, by pthread_exit or because it is cancelled there: the callback has failed then, the call comes to its end, and
 *   the thread goes on to end. (On Linux with glibc, x86 and ARM of 64 bits, x86 of 32. Elsewhere it must not.) A thread that is cancelled
 *   (pthread_cancel) in a function of this library comes back from it first, as nothing of PC/SC may stay locked; scm_cancel ends waits.
 *   Locks are those of attachments, not of threads: what a thread has locked stays locked when it ends.
 * Fork. In the child every handle from before the fork is dead (SCM_E_HANDLE), and the parent's go on. The child attaches
 *   anew. Virtual readers work in every child. PC/SC does not where another thread of the parent was at the beginning of a call of
 *   it and has left its library locked: then it is SCM_SCARD_E_NO_SERVICE in this child, after a second at the first call. A child
 *   that lives on without exec keeps the connections of a parent that has ended, and with them its locks.
 * Unloading. Detach before dlclose: what is attached stays attached. The code itself stays loaded.
 * The end. A process may end at any moment, in any way. When it begins to exit, calls of the service that other threads make
 *   fail with SCM_SCARD_P_SHUTDOWN: the process ends. The thread that ends it may go on, and detach in exit handlers and
 *   destructors; not in those of an exit from a signal handler, which may have interrupted a call of this library. Calls that are under way get at most 80 ms to return.
 * Memory. What goes in is borrowed for the call, what comes out is copied. The library never exits, and prints nothing,
 *   unless it meets a bug of its own: then Rust says so in one line on stderr, and the caller gets SCM_E_UNEXPECTED.
 *
 * CODES OF A CONNECTION
 *
 * A function that asks the card or the service may return, besides its own codes:
 *   SCM_SCARD_W_RESET_CARD          the card was reset by someone else; call scm_reconnect
 *   SCM_SCARD_W_REMOVED_CARD        the card was taken out, perhaps put back since; call scm_reconnect
 *   SCM_SCARD_W_UNPOWERED_CARD      the card lost its power; call scm_reconnect
 *   SCM_SCARD_W_UNRESPONSIVE_CARD   the card does not answer to a reset
 *   SCM_SCARD_E_READER_UNAVAILABLE  the reader is gone; call scm_reconnect when it is back
 *   SCM_SCARD_E_NO_SERVICE          the resource manager is gone; call scm_reconnect when it is back
 *   SCM_SCARD_E_INVALID_HANDLE      the card handle was borrowed or adopted, and the service does not know it any more;
 *                                   scm_reconnect brings an adopted one back, nothing a borrowed one
 *   SCM_SCARD_E_SHARING_VIOLATION   another application has the card for itself
 *   SCM_SCARD_F_COMM_ERROR          the communication failed, and nothing more is known
 *   SCM_SCARD_F_INTERNAL_ERROR      the service said so, or has answered what cannot be: a list without an end, a length
 *                                   beyond its buffer, a reader without a name
 *   SCM_SCARD_F_UNKNOWN_ERROR       the service or the driver has a code of its own
 *   SCM_SCARD_E_CANCELLED           scm_cancel has ended the wait for another attachment; the attachment is as before
 *   SCM_SCARD_E_NOT_READY           in a callback of a virtual card, or in a hook: the call would have to wait for another
 *                                   thread that may wait for the end of the callback
 *   SCM_SCARD_P_SHUTDOWN            the process ends, and another thread ends it
 *   SCM_E_OUTOFMEMORY               the resource manager has no memory
 *   any other SCM_SCARD_* code that speaks of readers, cards or the service, if the service or the driver says so
 *   the code of the last scm_reconnect, while that has left no connection
 * Codes that mean something else do not come from a service or a driver, whatever it says: SCM_E_* speak of handles and
 *   arguments of the library, SCM_SCARD_E_TIMEOUT, SCM_SCARD_E_CANCELLED and SCM_SCARD_E_INSUFFICIENT_BUFFER of limits,
 *   cancels and buffers of the caller, and those of files and codes of what the card has answered.
 *
 * After these, scm_status, scm_get_generation, scm_reconnect and scm_detach work as ever.
 */

#ifndef SCM_H
#define SCM_H

#include <stddef.h>
#include <stdint.h>

#ifndef SCM_API
#if defined(_WIN32) && !defined(SCM_STATIC)
#define SCM_API __declspec(dllimport)
#else
#define SCM_API
#endif
#endif

/** Whether a result is a success: SCM_S_OK or SCM_S_FALSE. */
#define SCM_SUCCEEDED(result) ((scm_result)(result) >= 0)
/** Whether a result is a failure. */
#define SCM_FAILED(result) ((scm_result)(result) < 0)

/** `scm_attach_options` with every default. */
#define SCM_ATTACH_OPTIONS_INIT {(uint32_t)sizeof(scm_attach_options), 0, 0, 0, 0}
/** `scm_reconnect_options` with every default. */
#define SCM_RECONNECT_OPTIONS_INIT {(uint32_t)sizeof(scm_reconnect_options), 0, 0, 0, 0}
/** `scm_command` that is all zero: SELECT, for example, is {..., 0x00, 0xA4, 0x04, 0x00, aid, sizeof aid, 256, 0}. */
#define SCM_COMMAND_INIT {(uint32_t)sizeof(scm_command), 0, 0, 0, 0, NULL, 0, 0, 0}
/** `scm_send_options` with every default. */
#define SCM_SEND_OPTIONS_INIT {(uint32_t)sizeof(scm_send_options), 0, NULL, NULL, 0, 0, NULL, 0}
/** `scm_card_capabilities` of a card that can do nothing but short commands. */
#define SCM_CARD_CAPABILITIES_INIT {(uint32_t)sizeof(scm_card_capabilities), 0, 0, 0, 0}
/** `scm_directory_options` with the usual identifiers. */
#define SCM_DIRECTORY_OPTIONS_INIT {(uint32_t)sizeof(scm_directory_options), 0, 0}
/** `scm_file_info` that is empty, and of the size of this version. */
#define SCM_FILE_INFO_INIT {(uint32_t)sizeof(scm_file_info), 0, 0, 0, 0, 0, 0, 0}
/** `scm_ch_verification_options` with every default. */
#define SCM_CH_VERIFICATION_OPTIONS_INIT {(uint32_t)sizeof(scm_ch_verification_options), 0, 0, 0, 0, 0, 0, 0}
/** `scm_card_auth_options` without anything: a cipher and its key, or a callback, are to be filled in. */
#define SCM_CARD_AUTH_OPTIONS_INIT {(uint32_t)sizeof(scm_card_auth_options), 0, NULL, 0, NULL, NULL, 0}
/** `scm_event` that is empty, and of the size of this version. */
#define SCM_EVENT_INIT {(uint32_t)sizeof(scm_event), 0, 0, 0, 0, {0}, {0}, {0}}
/** `scm_provider` without values. `create` is required. */
#define SCM_PROVIDER_INIT \
    {(uint32_t)sizeof(scm_provider), 0, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL}
/** `scm_file_access_functions` without any function. */
#define SCM_FILE_ACCESS_FUNCTIONS_INIT \
    {(uint32_t)sizeof(scm_file_access_functions), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
     NULL, NULL, NULL, NULL, NULL}
/** `scm_ch_verification_functions` without any function. */
#define SCM_CH_VERIFICATION_FUNCTIONS_INIT {(uint32_t)sizeof(scm_ch_verification_functions), NULL, NULL, NULL, NULL}
/** `scm_card_auth_functions` without any function. */
#define SCM_CARD_AUTH_FUNCTIONS_INIT {(uint32_t)sizeof(scm_card_auth_functions), NULL, NULL, NULL, NULL}
/** The IID of ISCardFileAccess, 4029DD8A-5902-11D0-B84C-00C04FD424B9, as an `scm_guid`. */
#define SCM_IID_FILE_ACCESS {0x4029DD8A, 0x5902, 0x11D0, {0xB8, 0x4C, 0x00, 0xC0, 0x4F, 0xD4, 0x24, 0xB9}}
/** The IID of ISCardVerify, 4029DD85-5902-11D0-B84C-00C04FD424B9, as an `scm_guid`. */
#define SCM_IID_CH_VERIFICATION {0x4029DD85, 0x5902, 0x11D0, {0xB8, 0x4C, 0x00, 0xC0, 0x4F, 0xD4, 0x24, 0xB9}}
/** The IID of ISCardAuth, 7B063D61-6E40-11D0-B858-00C04FD424B9, as an `scm_guid`. */
#define SCM_IID_CARD_AUTH {0x7B063D61, 0x6E40, 0x11D0, {0xB8, 0x58, 0x00, 0xC0, 0x4F, 0xD4, 0x24, 0xB9}}
/** `scm_virtual_ifd_options` with every default. */
#define SCM_VIRTUAL_IFD_OPTIONS_INIT {(uint32_t)sizeof(scm_virtual_ifd_options), 0, NULL, NULL, NULL, NULL, NULL, 0}
/** `scm_virtual_card` without anything: ATR and callbacks are to be filled in. */
#define SCM_VIRTUAL_CARD_INIT {(uint32_t)sizeof(scm_virtual_card), 0, NULL, 0, NULL, NULL, NULL, NULL, NULL}
/** `scm_virtual_failure` that does nothing yet. */
#define SCM_VIRTUAL_FAILURE_INIT {(uint32_t)sizeof(scm_virtual_failure), SCM_S_OK, 0, 0, 0}

/** The version of this header; `scm_version` is that of the library. */
#define SCM_VERSION_MAJOR 0
#define SCM_VERSION_MINOR 1
#define SCM_VERSION_PATCH 0
#define SCM_VERSION "0.1.0"

/* The codes. */
/** The operation was successful. */
#define SCM_S_OK ((scm_result)0x00000000)
/** The operation was successful, and another card answers than before. */
#define SCM_S_FALSE ((scm_result)0x00000001)
/** Nothing is listed: the resource manager (pcscd on Linux) is not running. */
#define SCM_SCARD_S_NO_SERVICE ((scm_result)0x0010001D)
/** This function is not implemented. */
#define SCM_E_NOTIMPL ((scm_result)0x80004001)
/** No such interface is supported. */
#define SCM_E_NOINTERFACE ((scm_result)0x80004002)
/** A required pointer is NULL. */
#define SCM_E_POINTER ((scm_result)0x80004003)
/** The operation was aborted. */
#define SCM_E_ABORT ((scm_result)0x80004004)
/** The operation failed for a reason that has no code of its own. */
#define SCM_E_FAIL ((scm_result)0x80004005)
/** An internal error happened, and this object cannot be used any more. */
#define SCM_E_UNEXPECTED ((scm_result)0x8000FFFF)
/** Access is denied. */
#define SCM_E_ACCESSDENIED ((scm_result)0x80070005)
/** The handle is not, or no longer, valid. */
#define SCM_E_HANDLE ((scm_result)0x80070006)
/** There is not enough memory. */
#define SCM_E_OUTOFMEMORY ((scm_result)0x8007000E)
/** An argument is invalid. */
#define SCM_E_INVALIDARG ((scm_result)0x80070057)
/** An internal consistency check of the resource manager failed. */
#define SCM_SCARD_F_INTERNAL_ERROR ((scm_result)0x80100001)
/** The operation was cancelled. */
#define SCM_SCARD_E_CANCELLED ((scm_result)0x80100002)
/** The resource manager does not know this card handle or context any more. */
#define SCM_SCARD_E_INVALID_HANDLE ((scm_result)0x80100003)
/** The resource manager refused a parameter. */
#define SCM_SCARD_E_INVALID_PARAMETER ((scm_result)0x80100004)
/** The registry of the resource manager is missing or invalid. */
#define SCM_SCARD_E_INVALID_TARGET ((scm_result)0x80100005)
/** The resource manager has not enough memory. */
#define SCM_SCARD_E_NO_MEMORY ((scm_result)0x80100006)
/** An internal time limit of the resource manager expired. */
#define SCM_SCARD_F_WAITED_TOO_LONG ((scm_result)0x80100007)
/** The buffer is too small for the data. */
#define SCM_SCARD_E_INSUFFICIENT_BUFFER ((scm_result)0x80100008)
/** No reader has this name. */
#define SCM_SCARD_E_UNKNOWN_READER ((scm_result)0x80100009)
/** The time limit expired. */
#define SCM_SCARD_E_TIMEOUT ((scm_result)0x8010000A)
/** Another application has the card for itself. */
#define SCM_SCARD_E_SHARING_VIOLATION ((scm_result)0x8010000B)
/** No card is in the reader. */
#define SCM_SCARD_E_NO_SMARTCARD ((scm_result)0x8010000C)
/** The name of the card is not known. */
#define SCM_SCARD_E_UNKNOWN_CARD ((scm_result)0x8010000D)
/** The card could not be left in the state that was asked for. */
#define SCM_SCARD_E_CANT_DISPOSE ((scm_result)0x8010000E)
/** The protocol cannot be used: the card does not speak it, or speaks another one until it is reset, or the attachment is direct. */
#define SCM_SCARD_E_PROTO_MISMATCH ((scm_result)0x8010000F)
/** The reader or the card is not ready. */
#define SCM_SCARD_E_NOT_READY ((scm_result)0x80100010)
/** A value was refused, or the two entries of a new code differ. */
#define SCM_SCARD_E_INVALID_VALUE ((scm_result)0x80100011)
/** The system cancelled the operation, to log off or to shut down. */
#define SCM_SCARD_E_SYSTEM_CANCELLED ((scm_result)0x80100012)
/** The communication with the card or with the resource manager failed. */
#define SCM_SCARD_F_COMM_ERROR ((scm_result)0x80100013)
/** The resource manager met an error that it does not know. */
#define SCM_SCARD_F_UNKNOWN_ERROR ((scm_result)0x80100014)
/** The ATR of the card is not valid. */
#define SCM_SCARD_E_INVALID_ATR ((scm_result)0x80100015)
/** No lock is held, or the exchange with the card did not complete. */
#define SCM_SCARD_E_NOT_TRANSACTED ((scm_result)0x80100016)
/** The reader is gone. */
#define SCM_SCARD_E_READER_UNAVAILABLE ((scm_result)0x80100017)
/** The process ends. */
#define SCM_SCARD_P_SHUTDOWN ((scm_result)0x80100018)
/** The buffer for the protocol control information is too small. */
#define SCM_SCARD_E_PCI_TOO_SMALL ((scm_result)0x80100019)
/** The driver of the reader does not meet the requirements. */
#define SCM_SCARD_E_READER_UNSUPPORTED ((scm_result)0x8010001A)
/** A reader of this name exists already. */
#define SCM_SCARD_E_DUPLICATE_READER ((scm_result)0x8010001B)
/** The card does not meet the requirements. */
#define SCM_SCARD_E_CARD_UNSUPPORTED ((scm_result)0x8010001C)
/** The resource manager (pcscd on Linux) is not running, or was restarted since. */
#define SCM_SCARD_E_NO_SERVICE ((scm_result)0x8010001D)
/** The resource manager has shut down, or is of another generation than its client. */
#define SCM_SCARD_E_SERVICE_STOPPED ((scm_result)0x8010001E)
/** The resource manager met an unexpected error. */
#define SCM_SCARD_E_UNEXPECTED ((scm_result)0x8010001F)
/** No primary provider is known for the card. */
#define SCM_SCARD_E_ICC_INSTALLATION ((scm_result)0x80100020)
/** The objects were created in an order that is not supported. */
#define SCM_SCARD_E_ICC_CREATEORDER ((scm_result)0x80100021)
/** The reader, the card or the platform does not have this feature. */
#define SCM_SCARD_E_UNSUPPORTED_FEATURE ((scm_result)0x80100022)
/** The directory is not on the card. */
#define SCM_SCARD_E_DIR_NOT_FOUND ((scm_result)0x80100023)
/** The file is not on the card. */
#define SCM_SCARD_E_FILE_NOT_FOUND ((scm_result)0x80100024)
/** The path does not name a directory. */
#define SCM_SCARD_E_NO_DIR ((scm_result)0x80100025)
/** The path does not name a file. */
#define SCM_SCARD_E_NO_FILE ((scm_result)0x80100026)
/** Access to the file is denied. */
#define SCM_SCARD_E_NO_ACCESS ((scm_result)0x80100027)
/** The card has not enough memory for the data. */
#define SCM_SCARD_E_WRITE_TOO_MANY ((scm_result)0x80100028)
/** The position lies outside the file. */
#define SCM_SCARD_E_BAD_SEEK ((scm_result)0x80100029)
/** The code is not of the form that the card takes. */
#define SCM_SCARD_E_INVALID_CHV ((scm_result)0x8010002A)
/** The resource manager answered with an error that is not known. */
#define SCM_SCARD_E_UNKNOWN_RES_MNG ((scm_result)0x8010002B)
/** The certificate does not exist. */
#define SCM_SCARD_E_NO_SUCH_CERTIFICATE ((scm_result)0x8010002C)
/** The certificate could not be had. */
#define SCM_SCARD_E_CERTIFICATE_UNAVAILABLE ((scm_result)0x8010002D)
/** There is no reader. */
#define SCM_SCARD_E_NO_READERS_AVAILABLE ((scm_result)0x8010002E)
/** Data were lost in the communication with the card. */
#define SCM_SCARD_E_COMM_DATA_LOST ((scm_result)0x8010002F)
/** The key container is not on the card. */
#define SCM_SCARD_E_NO_KEY_CONTAINER ((scm_result)0x80100030)
/** The resource manager serves as many clients as it can. */
#define SCM_SCARD_E_SERVER_TOO_BUSY ((scm_result)0x80100031)
/** The cached code has expired. */
#define SCM_SCARD_E_PIN_CACHE_EXPIRED ((scm_result)0x80100032)
/** The code cannot be cached. */
#define SCM_SCARD_E_NO_PIN_CACHE ((scm_result)0x80100033)
/** The card can only be read. */
#define SCM_SCARD_E_READ_ONLY_CARD ((scm_result)0x80100034)
/** The reader cannot speak with this card. */
#define SCM_SCARD_W_UNSUPPORTED_CARD ((scm_result)0x80100065)
/** The card does not answer to a reset. */
#define SCM_SCARD_W_UNRESPONSIVE_CARD ((scm_result)0x80100066)
/** The card has no power. */
#define SCM_SCARD_W_UNPOWERED_CARD ((scm_result)0x80100067)
/** The card was reset by someone else. */
#define SCM_SCARD_W_RESET_CARD ((scm_result)0x80100068)
/** The card was taken out. */
#define SCM_SCARD_W_REMOVED_CARD ((scm_result)0x80100069)
/** Access was denied: a security condition is not met. */
#define SCM_SCARD_W_SECURITY_VIOLATION ((scm_result)0x8010006A)
/** The code was wrong. */
#define SCM_SCARD_W_WRONG_CHV ((scm_result)0x8010006B)
/** The code is blocked: it was wrong too often. */
#define SCM_SCARD_W_CHV_BLOCKED ((scm_result)0x8010006C)
/** The end of the file was reached. */
#define SCM_SCARD_W_EOF ((scm_result)0x8010006D)
/** The user cancelled the operation. */
#define SCM_SCARD_W_CANCELLED_BY_USER ((scm_result)0x8010006E)
/** No code was presented to the card, or the card has not proven what it is. */
#define SCM_SCARD_W_CARD_NOT_AUTHENTICATED ((scm_result)0x8010006F)
/** The item is not in the cache. */
#define SCM_SCARD_W_CACHE_ITEM_NOT_FOUND ((scm_result)0x80100070)
/** The item in the cache is too old. */
#define SCM_SCARD_W_CACHE_ITEM_STALE ((scm_result)0x80100071)
/** The item is too big for the cache. */
#define SCM_SCARD_W_CACHE_ITEM_TOO_BIG ((scm_result)0x80100072)


/**
 * No other application may use the card: `share_mode` of `scm_attach_options` and `scm_reconnect_options`.
 */
#define SCM_SHARE_EXCLUSIVE 1

/**
 * Other applications may use the card too. The default.
 */
#define SCM_SHARE_SHARED 2

/**
 * The reader itself is meant, with or without a card; no protocol is active.
 */
#define SCM_SHARE_DIRECT 3

/**
 * The character protocol T=0 (ISO/IEC 7816-3, clause 10).
 */
#define SCM_PROTOCOL_T0 1

/**
 * The block protocol T=1 (ISO/IEC 7816-3, clause 11).
 */
#define SCM_PROTOCOL_T1 2

/**
 * A protocol of the reader's own. Not a bit: it stands alone.
 *
 * The first one to attach after a reset chooses the protocol for all, and the card keeps it when the attachment ends: a card that was left
 * with RAW answers `SCM_SCARD_E_PROTO_MISMATCH` to T=0 and T=1 until it is reset, and one with T=1 to T=0. So detach from a card that
 * others use with T=0 or T=1 with `scm_detach_ex(handle, SCM_DISPOSITION_RESET)`. A card that somebody else has left with another
 * protocol is reset by whoever may do that: attach with `SCM_SHARE_DIRECT`, then call `scm_reconnect_ex` with the share mode and the
 * protocols that are wanted, and `initial_action` `SCM_DISPOSITION_RESET`. Everybody else who uses it gets `SCM_SCARD_W_RESET_CARD`.
 * pcscd turns off the power of a card that nobody uses, mostly within a second, which ends its protocol too.
 */
#define SCM_PROTOCOL_RAW 255

/**
 * The card is left as it is.
 */
#define SCM_DISPOSITION_LEAVE 0

/**
 * The card is reset without loss of power (warm).
 */
#define SCM_DISPOSITION_RESET 1

/**
 * The power of the card is turned off (cold reset at the next use).
 */
#define SCM_DISPOSITION_UNPOWER 2

/**
 * The card is ejected, where the reader can do that.
 */
#define SCM_DISPOSITION_EJECT 3

/**
 * No card is in the reader.
 */
#define SCM_STATE_ABSENT 1

/**
 * A card is in the reader, not in position for use.
 */
#define SCM_STATE_PRESENT 2

/**
 * A card is in position, without power.
 */
#define SCM_STATE_SWALLOWED 3

/**
 * The card has power; the reader does not know its mode.
 */
#define SCM_STATE_POWERED 4

/**
 * The card was reset, and no parameters were negotiated (PPS, ISO/IEC 7816-3, clause 9): it speaks its default protocol.
 */
#define SCM_STATE_NEGOTIABLEMODE 5

/**
 * The parameters of the protocol were negotiated. Which of the two a usable card is in is up to the reader.
 */
#define SCM_STATE_SPECIFICMODE 6

/**
 * A path is a DF name (AID) in hexadecimal digits, perhaps with identifiers behind it: `F073636D74657374/4401`.
 */
#define SCM_TYPE_BY_NAME 0

/**
 * A path is identifiers of four hexadecimal digits: `3F00/5015/4401` from the MF, `4401` or `../2F00` from the current DF.
 */
#define SCM_TYPE_BY_ID 1

/**
 * A path is the short identifier of an EF in the current DF: a decimal number from 1 to 30.
 */
#define SCM_TYPE_BY_SHORT_ID 2

/**
 * A path is whatever it can be: identifiers, then a short identifier, then a name.
 */
#define SCM_TYPE_BY_ANY 3

/**
 * From the beginning of the file.
 */
#define SCM_SEEK_FROM_BEGINNING 0

/**
 * From the end of the file.
 */
#define SCM_SEEK_FROM_END 1

/**
 * From the current position.
 */
#define SCM_SEEK_RELATIVE 2

/**
 * All directories (`scm_file_access_directory`).
 */
#define SCM_TYPE_DIRECTORIES 0

/**
 * All files that are no directories.
 */
#define SCM_TYPE_FILES 1

/**
 * Directories and files.
 */
#define SCM_TYPE_ALL_FILES 2

/**
 * A dedicated file (DF).
 */
#define SCM_TYPE_DIRECTORY_FILE 3

/**
 * An elementary file (EF) of bytes.
 */
#define SCM_TYPE_TRANSPARENT_EF 4

/**
 * An EF of records of one length.
 */
#define SCM_TYPE_FIXED_EF 5

/**
 * An EF of records of one length in a ring, the newest first.
 */
#define SCM_TYPE_CYCLIC_EF 6

/**
 * An EF of records of various lengths.
 */
#define SCM_TYPE_VARIABLE_EF 7

/**
 * Nothing special.
 */
#define SCM_FL_NO_FLAGS 0

/**
 * With secure messaging. Only a provider can: without one `SCM_SCARD_E_UNSUPPORTED_FEATURE`.
 */
#define SCM_FL_SECURE_MESSAGING 1

/**
 * Write: what was there is replaced (UPDATE). The default.
 */
#define SCM_FL_REPLACE 2

/**
 * Write: what was there is erased (ERASE).
 */
#define SCM_FL_ERASE 4

/**
 * Write: bits are set (WRITE of a file whose data coding is OR).
 */
#define SCM_FL_OR 8

/**
 * Write: bits are cleared (WRITE of a file whose data coding is AND).
 */
#define SCM_FL_AND 16

/**
 * Delete: a directory with all that is in it.
 */
#define SCM_FL_RECURSIVE 32

/**
 * Delete: a directory only if it is empty. The default.
 */
#define SCM_FL_NON_RECURSIVE 64

/**
 * The code is one of the whole card. The default.
 */
#define SCM_FL_IHV_GLOBAL 128

/**
 * The code is one of the current DF.
 */
#define SCM_FL_IHV_LOCAL 256

/**
 * ChangeCode: the code is asked for from now on.
 */
#define SCM_FL_IHV_ENABLE 512

/**
 * ChangeCode: the code is not asked for any more.
 */
#define SCM_FL_IHV_DISABLE 1024

/**
 * ChangeCode: the code gets a new value. The default.
 */
#define SCM_FL_IHV_CHANGE 2048

/**
 * Create: room is reserved for data that are not given yet.
 */
#define SCM_FL_PREALLOCATE 4096

/**
 * GetProperties: everything that the card tells.
 */
#define SCM_FL_GET_ALL_PROPERTIES 8192

/**
 * GetProperties: size, type, identifiers, name and life cycle.
 */
#define SCM_FL_STAT_DEFAULT 16384

/**
 * Verify: only the state is asked for; no try is spent.
 */
#define SCM_FL_IHV_CHECKONLY 32768

/**
 * The longest name of a reader, in bytes of UTF-8 without the NUL.
 */
#define SCM_IFD_NAME_MAX 127

/**
 * `scm_attach_options.flags`: the card handle becomes the library's own (`scm_attach_by_handle_ex` only).
 *
 * The library then disconnects it at `scm_detach`, and may close and reopen it in `scm_reconnect`; the caller does not
 * use it any more. The context it was connected in stays the caller's, and has to outlive the attachment or its first
 * reconnect after the service was restarted.
 */
#define SCM_ATTACH_ADOPT 1

/**
 * `scm_card_auth_options.cipher`: the program's own, `callback`.
 */
#define SCM_CIPHER_CALLBACK 0

/**
 * `scm_card_auth_options.cipher`: AES on one block of 16 bytes, with a key of 16, 24 or 32 bytes.
 */
#define SCM_CIPHER_AES 1

/**
 * `scm_card_auth_options.cipher`: 3DES on one block of 8 bytes, with two keys (16 bytes) or three (24 bytes).
 */
#define SCM_CIPHER_3DES 2

/**
 * The longest challenge of `scm_card_auth_options`, in bytes.
 */
#define SCM_CHALLENGE_MAX 256

/**
 * The longest answer to a challenge that a `scm_cipher_callback` may give, in bytes.
 */
#define SCM_CIPHER_OUTPUT_MAX 4096

/**
 * The card has not said how many tries are left.
 */
#define SCM_RETRIES_UNKNOWN 4294967295

/**
 * Unblock: the user enters both codes at the PIN pad of the reader. libscm's own flag, the type library has none.
 */
#define SCM_FL_IHV_PIN_PAD 65536

/**
 * `scm_ch_verification_options.encoding`: the bytes of a code as they are given, such as ASCII. The default.
 */
#define SCM_CODE_ASCII 1

/**
 * `scm_ch_verification_options.encoding`: two digits in a byte (BCD). An odd one has the lower half of the filler beside it.
 */
#define SCM_CODE_BCD 2

/**
 * `scm_ch_verification_options.encoding`: a block of eight bytes as in ISO 9564-1, format 2: 2 and the number of digits, the
 * digits, and F.
 */
#define SCM_CODE_ISO9564_2 3

/**
 * The longest code, and the longest block of one, in bytes.
 */
#define SCM_CODE_MAX 127

/**
 * `scm_ch_verification_options.filler`: or-ed with the byte that fills a block, such as `SCM_CODE_FILLER | 0x00`.
 */
#define SCM_CODE_FILLER 256

/**
 * The most data that a command can have, in bytes.
 */
#define SCM_COMMAND_DATA_MAX 65535

/**
 * The most data that a response can have, in bytes: as `scm_command.expected`, everything that there is.
 */
#define SCM_EXPECTED_MAX 65536

/**
 * The most elements of `scm_send_options.successes`.
 */
#define SCM_SEND_SUCCESSES_MAX 64

/**
 * `scm_send_options.flags`: 61XX, and 9FXX of a SIM, are handed out as they come, with the data that come with them, and nothing is fetched. For applications
 * that have an instruction of their own for the rest.
 */
#define SCM_SEND_KEEP_61XX 1

/**
 * `scm_send_options.flags`: 6CXX is handed out as it comes, and the command is not sent again.
 */
#define SCM_SEND_KEEP_6CXX 2

/**
 * `scm_send_options.get_response_class`: or-ed with the class, such as `SCM_SEND_CLASS | 0x00`.
 */
#define SCM_SEND_CLASS 256

/**
 * `scm_card_capabilities.flags`: a command may come in several parts (command chaining).
 */
#define SCM_CARD_CHAINING 1

/**
 * `scm_card_capabilities.flags`: lengths may be extended.
 */
#define SCM_CARD_EXTENDED 2

/**
 * The longest response, in bytes: 65,536 of data and the two status bytes.
 */
#define SCM_RESPONSE_MAX 65538

/**
 * The longest command APDU, in bytes: header, extended Lc, 65,535 of data, extended Le.
 */
#define SCM_COMMAND_MAX 65544

/**
 * What the card does not tell, in `scm_file_info`.
 */
#define SCM_FILE_UNKNOWN 4294967295

/**
 * The longest path, in bytes without the NUL.
 */
#define SCM_PATH_MAX 127

/**
 * `scm_event.kind`: a resource manager runs.
 */
#define SCM_EVENT_SERVICE_UP 1

/**
 * `scm_event.kind`: a resource manager does not run, or does not let this process in.
 */
#define SCM_EVENT_SERVICE_DOWN 2

/**
 * `scm_event.kind`: there is a reader.
 */
#define SCM_EVENT_IFD_ARRIVED 3

/**
 * `scm_event.kind`: the reader is gone.
 */
#define SCM_EVENT_IFD_LEFT 4

/**
 * `scm_event.kind`: there is a card in the reader.
 */
#define SCM_EVENT_CARD_INSERTED 5

/**
 * `scm_event.kind`: the card is gone.
 */
#define SCM_EVENT_CARD_REMOVED 6

/**
 * `scm_event.kind`: the card was reset. Told of virtual readers, and where a card that was never out has another ATR; PC/SC
 * says no more.
 */
#define SCM_EVENT_CARD_RESET 7

/**
 * `scm_event.kind`: all that there is now has been told. Comes behind the first events of the monitor, and behind the readers of
 * a service that has come up since.
 */
#define SCM_EVENT_CURRENT 8

/**
 * `scm_event.service`: the resource manager of the platform.
 */
#define SCM_SERVICE_PLATFORM 1

/**
 * `scm_event.service`: that of the virtual readers of this process.
 */
#define SCM_SERVICE_VIRTUAL 2

/**
 * The longest ATR, in bytes.
 */
#define SCM_ATR_MAX 33

/**
 * The longest name of an interface, in bytes of UTF-8 without the NUL.
 */
#define SCM_INTERFACE_NAME_MAX 63

/**
 * Grows when a program that was compiled for an older header would not work with this library any more.
 */
#define SCM_ABI_VERSION 1

/**
 * `scm_virtual_attribute.flags`: `scm_set_attribute` gives it another value, which stays until the reader is destroyed.
 */
#define SCM_VIRTUAL_ATTRIBUTE_SETTABLE 1

/**
 * The power is turned off: the card left its reader, or somebody unpowered it. `scm_virtual_card.power`.
 */
#define SCM_POWER_OFF 0

/**
 * The power is turned on (cold reset).
 */
#define SCM_POWER_ON 1

/**
 * The card is reset without loss of power (warm reset).
 */
#define SCM_POWER_RESET 2

/**
 * An operation of `scm_virtual_ifd_fail`: an attach, or a reconnect that attaches anew (SCardConnect).
 */
#define SCM_VIRTUAL_CONNECT 1

/**
 * A reconnect that has something to do (SCardReconnect).
 */
#define SCM_VIRTUAL_RECONNECT 2

/**
 * A detach (SCardDisconnect).
 */
#define SCM_VIRTUAL_DISCONNECT 3

/**
 * An outermost lock (SCardBeginTransaction).
 */
#define SCM_VIRTUAL_BEGIN 4

/**
 * An outermost unlock (SCardEndTransaction).
 */
#define SCM_VIRTUAL_END 5

/**
 * A question for the state: of `scm_status`, and of an attach, a reconnect or a failed exchange (SCardStatus).
 */
#define SCM_VIRTUAL_STATUS 6

/**
 * An exchange with the card (SCardTransmit).
 */
#define SCM_VIRTUAL_TRANSMIT 7

/**
 * An exchange with the reader (SCardControl).
 */
#define SCM_VIRTUAL_CONTROL 8

/**
 * Reading an attribute (SCardGetAttrib).
 */
#define SCM_VIRTUAL_GET_ATTRIBUTE 9

/**
 * Setting an attribute (SCardSetAttrib).
 */
#define SCM_VIRTUAL_SET_ATTRIBUTE 10

/**
 * No limit, as a time in milliseconds: the call waits until it has what it waits for, or is cancelled.
 */
#define SCM_INFINITE 4294967295

/**
 * What ISCardAuth does with the keys of a card. A token like `scm_handle`.
 */
typedef struct scm_card_auth scm_card_auth;

/**
 * What ISCardVerify does with the codes of a card. A token like `scm_handle`.
 */
typedef struct scm_ch_verification scm_ch_verification;

/**
 * An open file, made by `scm_file_access_open`. A token, as every handle; dead after `scm_file_close`, and after the `scm_detach`
 * of its attachment.
 *
 * It outlives a reset of the card: the next call selects it again, and answers `SCM_SCARD_W_SECURITY_VIOLATION` where a code has
 * to be shown again. Once the card may be another one (it was taken out, the reader or the service was gone, another ATR
 * answers, or an exchange with it broke off, of this or another attachment of the process, and the service cannot tell why), every call that asks the card answers `SCM_SCARD_W_REMOVED_CARD`, until the file is opened anew.
 */
typedef struct scm_file scm_file;

/**
 * The files of a card, made by `scm_create_file_access`. A token, as every handle; dead after `scm_file_access_release`, and
 * after the `scm_detach` of its attachment.
 */
typedef struct scm_file_access scm_file_access;

/**
 * An attachment to a smart card, made by `scm_attach_by_ifd` or `scm_attach_by_handle`.
 *
 * A `scm_handle *` is a token, not an address. It may be used from any thread, and is dead after `scm_detach`: from then
 * on every function answers `SCM_E_HANDLE` for it, for as long as the process lives.
 */
typedef struct scm_handle scm_handle;

/**
 * An object of an interface that only its provider knows, made by `scm_create_interface`.
 *
 * A `scm_interface *` is a token, not an address. It may be used from any thread, and is dead after `scm_interface_release`, and after
 * `scm_detach` of its attachment.
 */
typedef struct scm_interface scm_interface;

/**
 * A monitor, made by `scm_monitor_create`.
 *
 * A `scm_monitor *` is a token, not an address. It may be used from any thread, and is dead after `scm_monitor_destroy`.
 */
typedef struct scm_monitor scm_monitor;

/**
 * A virtual reader, made by `scm_virtual_ifd_create`.
 *
 * A `scm_virtual_ifd *` is a token, not an address. It may be used from any thread, and is dead after
 * `scm_virtual_ifd_destroy`.
 */
typedef struct scm_virtual_ifd scm_virtual_ifd;

/**
 * What every function that can fail returns: an HRESULT. Negative is a failure.
 */
typedef int32_t scm_result;

/**
 * How to attach. Begin with `SCM_ATTACH_OPTIONS_INIT`; zero in a field is its default.
 */
typedef struct scm_attach_options {
    /**
     * `sizeof(scm_attach_options)`: how the library tells versions of this structure apart.
     */
    uint32_t struct_size;
    /**
     * `SCM_SHARE_SHARED` (default), `SCM_SHARE_EXCLUSIVE`, or `SCM_SHARE_DIRECT`: the reader, with or without a card.
     * By handle: the mode that the caller has connected with, because PC/SC cannot be asked.
     */
    uint32_t share_mode;
    /**
     * `SCM_PROTOCOL_T0`, `SCM_PROTOCOL_T1`, both or-ed (default), or `SCM_PROTOCOL_RAW`. Not used in direct mode.
     * By handle: what a later reconnect may choose from.
     */
    uint32_t protocols;
    /**
     * 0, or `SCM_ATTACH_ADOPT` by handle.
     */
    uint32_t flags;
    /**
     * How long attaching may take, in milliseconds, after which it ends with `SCM_SCARD_E_TIMEOUT`. 0 (default) and
     * `SCM_INFINITE`: without a limit.
     */
    uint32_t timeout_ms;
} scm_attach_options;

/**
 * Turns a challenge into its answer, such as by encrypting it.
 *
 * It is called on the thread that authenticates, at a time when it may call any function of this library, also for the same
 * handle. What it has written is overwritten when it has been used.
 *
 * @param user  `scm_card_auth_options.user`
 * @param challenge  the challenge
 * @param challenge_length  its length
 * @param answer  [out] the answer
 * @param capacity  the room in `answer`: `SCM_CIPHER_OUTPUT_MAX`
 * @param answer_length  [out] the length of the answer, at least 1
 *
 * @return what succeeds goes on with the answer; what fails ends the call with the same code
 */
typedef scm_result (*scm_cipher_callback)(void *user,
                                          const uint8_t *challenge,
                                          size_t challenge_length,
                                          uint8_t *answer,
                                          size_t capacity,
                                          size_t *answer_length);

/**
 * What answers a challenge. Begin with `SCM_CARD_AUTH_OPTIONS_INIT`; zero in a field is its default.
 */
typedef struct scm_card_auth_options {
    /**
     * `sizeof(scm_card_auth_options)`
     */
    uint32_t struct_size;
    /**
     * `SCM_CIPHER_CALLBACK` (default), `SCM_CIPHER_AES`, `SCM_CIPHER_3DES`
     */
    uint32_t cipher;
    /**
     * The key of a cipher that is built in; NULL with length 0 for a callback. It is read during the call, and not copied but
     * into what is overwritten before the call ends.
     */
    const uint8_t *key;
    /**
     * The length of the key, as the cipher has it.
     */
    size_t key_length;
    /**
     * The program's own cipher; NULL for one that is built in.
     */
    scm_cipher_callback callback;
    /**
     * For the callback.
     */
    void *user;
    /**
     * The length of the challenge, up to `SCM_CHALLENGE_MAX`; 0 (default): a block, and 8 with a callback. A cipher that is
     * built in takes a block and nothing else.
     */
    uint32_t challenge_length;
} scm_card_auth_options;

/**
 * What the codes of a card look like. Begin with `SCM_CH_VERIFICATION_OPTIONS_INIT`; zero in a field is its default.
 */
typedef struct scm_ch_verification_options {
    /**
     * `sizeof(scm_ch_verification_options)`
     */
    uint32_t struct_size;
    /**
     * How a code is written: `SCM_CODE_ASCII` (default), `SCM_CODE_BCD`, `SCM_CODE_ISO9564_2`.
     */
    uint32_t encoding;
    /**
     * The bytes that every code is filled up to, up to `SCM_CODE_MAX`; 0 (default): as long as it is, and 8 with
     * `SCM_CODE_ISO9564_2`, where nothing else is possible.
     */
    uint32_t block_length;
    /**
     * What it is filled up with: `SCM_CODE_FILLER` or-ed with a byte; 0 (default): FF, the only one with
     * `SCM_CODE_ISO9564_2`.
     */
    uint32_t filler;
    /**
     * The fewest characters or digits of a code; 0 (default): 1, and 4 with `SCM_CODE_ISO9564_2`.
     */
    uint32_t shortest;
    /**
     * The most characters or digits of a code; 0 (default): as many as fit, up to `SCM_CODE_MAX`. A PIN pad takes as many as it
     * says, or 15 where neither it nor this field nor a block has a limit.
     */
    uint32_t longest;
    /**
     * How long a PIN pad waits for the user, up to 255 seconds; 0 (default): as the reader has it.
     */
    uint32_t pin_pad_timeout_s;
    /**
     * The language of the prompts of a PIN pad, as USB numbers them; 0 (default): 0x0409, English.
     */
    uint32_t pin_pad_language;
} scm_ch_verification_options;

/**
 * A command. Begin with `SCM_COMMAND_INIT`.
 */
typedef struct scm_command {
    /**
     * `sizeof(scm_command)`
     */
    uint32_t struct_size;
    /**
     * CLA: the class, without the bit for chaining. 0 for most commands of ISO/IEC 7816-4; 0xFF for what the reader does itself (PC/SC
     * part 3), such as FF CA 00 00 for the identifier of a contactless card.
     */
    uint8_t cla;
    /**
     * INS: the instruction.
     */
    uint8_t ins;
    uint8_t p1;
    uint8_t p2;
    /**
     * The data of the command; NULL with length 0 for none.
     */
    const uint8_t *data;
    /**
     * Their length, up to `SCM_COMMAND_DATA_MAX`. Lc is made of it.
     */
    size_t data_length;
    /**
     * How many bytes of data are expected at most, without the status word (Ne): 0 for none, `SCM_EXPECTED_MAX` for all
     * there are. Le is made of it.
     */
    uint32_t expected;
    /**
     * The logical channel, 0 to 19. It is put into the class, which names none itself then. 0 leaves the class as it is, and is all that
     * the class 0xFF has.
     */
    uint32_t channel;
} scm_command;

/**
 * Selects the application again, before a command that wants it selected.
 *
 * It is called on the thread of `scm_send_ex`, with the card locked, and uses `handle` as it likes; another attachment to the same
 * card would wait for the lock, and so for ever: it answers `SCM_SCARD_E_NOT_READY`. A lock is the handle's, not the thread's:
 * threads that share a handle come between the hook and its command, and are under the same lock. Give each its own attachment, or
 * let them take turns.
 *
 * @param user  `scm_send_options.hook_data`
 * @param handle  the attachment, as it was given to `scm_send_ex`
 * @param generation  as `scm_get_generation`
 *
 * @return what succeeds goes on with the command; what fails ends `scm_send_ex` with the same code, and the command is not sent
 */
typedef scm_result (*scm_lock_hook)(void *user, struct scm_handle *handle, uint64_t generation);

/**
 * Status words that have so many bits in common: those that are `word` under `mask`, such as 0x9F00 under 0xFF00.
 */
typedef struct scm_status_words {
    /**
     * SW1 and SW2, with no bit that is not in the mask
     */
    uint16_t word;
    /**
     * The bits that count: 0xFFFF is one word, 0xFF00 are all with one SW1.
     */
    uint16_t mask;
} scm_status_words;

/**
 * How to send a command. Begin with `SCM_SEND_OPTIONS_INIT`; zero in a field is its default.
 */
typedef struct scm_send_options {
    /**
     * `sizeof(scm_send_options)`
     */
    uint32_t struct_size;
    /**
     * How long to wait for others to give the card back, in milliseconds, after which it ends with `SCM_SCARD_E_TIMEOUT`.
     * 0 (default) and `SCM_INFINITE`: without a limit.
     */
    uint32_t timeout_ms;
    /**
     * Called before the command where the card may not be as the hook left it the last time; or NULL.
     */
    scm_lock_hook hook;
    /**
     * For the hook.
     */
    void *hook_data;
    /**
     * `SCM_SEND_KEEP_61XX`, `SCM_SEND_KEEP_6CXX`, both or-ed, or 0 (default)
     */
    uint32_t flags;
    /**
     * The class of GET RESPONSE: `SCM_SEND_CLASS` or-ed with it, such as `SCM_SEND_CLASS | 0x80`. No other is tried then. 0 (default): that
     * of the standards, and others where the card refuses it.
     */
    uint32_t get_response_class;
    /**
     * The status words that are successes to the caller, and no others; NULL (default) for the table of `scm_send`. They are not kept.
     */
    const struct scm_status_words *successes;
    /**
     * How many these are.
     */
    size_t success_count;
} scm_send_options;

/**
 * What commands to a card may be like. Begin with `SCM_CARD_CAPABILITIES_INIT`.
 */
typedef struct scm_card_capabilities {
    /**
     * `sizeof(scm_card_capabilities)`
     */
    uint32_t struct_size;
    /**
     * `SCM_CARD_CHAINING`, `SCM_CARD_EXTENDED`, both or-ed, or 0
     */
    uint32_t flags;
    /**
     * The most data of one command APDU, in bytes: 255 without extended lengths, or less where `scm_set_card_capabilities` has said so.
     */
    uint32_t command_data;
    /**
     * The most data of one response APDU, in bytes: 256 without extended lengths, or less.
     */
    uint32_t response_data;
    /**
     * How many logical channels the card has, with the basic one: 8 is eight or more, 0 when it does not say. `scm_set_card_capabilities` does not look
     * at it.
     */
    uint32_t channels;
} scm_card_capabilities;

/**
 * What is known of an open file. Begin with `SCM_FILE_INFO_INIT`.
 */
typedef struct scm_file_info {
    /**
     * `sizeof(scm_file_info)`
     */
    uint32_t struct_size;
    /**
     * What its path was taken for: `SCM_TYPE_BY_NAME`, `SCM_TYPE_BY_ID` or `SCM_TYPE_BY_SHORT_ID`.
     */
    uint32_t reference_type;
    /**
     * `SCM_TYPE_TRANSPARENT_EF`, `SCM_TYPE_FIXED_EF`, `SCM_TYPE_VARIABLE_EF` or `SCM_TYPE_CYCLIC_EF`. Of a card that does not
     * tell it was found out by reading, and then it is one of the first and the third.
     */
    uint32_t file_type;
    /**
     * Its identifier.
     */
    uint32_t id;
    /**
     * Its short identifier.
     */
    uint32_t short_id;
    /**
     * Its bytes, or those that its records can have altogether.
     */
    uint32_t size;
    /**
     * The bytes of its longest record.
     */
    uint32_t record_size;
    /**
     * Its life cycle status byte (ISO/IEC 7816-4, 7.4.10).
     */
    uint32_t life_cycle;
} scm_file_info;

/**
 * Which identifiers `scm_file_access_directory_ex` tries. Begin with `SCM_DIRECTORY_OPTIONS_INIT`.
 */
typedef struct scm_directory_options {
    /**
     * `sizeof(scm_directory_options)`
     */
    uint32_t struct_size;
    /**
     * The first identifier that is tried, and the last one. Both 0: the usual ones.
     */
    uint16_t first_id;
    uint16_t last_id;
} scm_directory_options;

/**
 * The identity of an interface (IID), laid out as a `GUID` of COM.
 *
 * ```c
 * static const scm_guid iid = SCM_IID_FILE_ACCESS;
 * ```
 */
typedef struct scm_guid {
    uint32_t data1;
    uint16_t data2;
    uint16_t data3;
    uint8_t data4[8];
} scm_guid;

/**
 * What has happened. Begin with `SCM_EVENT_INIT`.
 */
typedef struct scm_event {
    /**
     * `sizeof(scm_event)`: how the library tells versions of this structure apart. No more than that is written.
     */
    uint32_t struct_size;
    /**
     * `SCM_EVENT_SERVICE_UP` to `SCM_EVENT_CURRENT`. There may be more kinds one day: leave alone what you do not know.
     */
    uint32_t kind;
    /**
     * 1 for the first event of the monitor, and one more for each: none is ever left out.
     */
    uint64_t number;
    /**
     * `SCM_SERVICE_PLATFORM` or `SCM_SERVICE_VIRTUAL`: whom it is about, or whose reader. 0 for `SCM_EVENT_CURRENT`, which is
     * about both.
     */
    uint32_t service;
    /**
     * The length of the ATR. 0 if this is not about a card, or if the card does not answer to a reset.
     */
    uint32_t atr_length;
    /**
     * The name of the reader with its NUL; empty if this is not about one.
     */
    char ifd_name[128];
    /**
     * The ATR of the card that came, went, or was reset.
     */
    uint8_t atr[33];
    /**
     * Zero.
     */
    uint8_t reserved[7];
} scm_event;

/**
 * A provider: it implements an interface for some cards, or for all. Begin with `SCM_PROVIDER_INIT`.
 *
 * For these cards it takes the place of the generic implementation, or it brings an interface that the library does
 * not know. Its functions are called on the thread that calls the library, while no lock of the library is held. If
 * several threads use one object, its functions are called at the same time. They may call every function of the
 * library, with the handle that the object was created for. They must return, unless their thread ends in them, which
 * is a failure: neither an exception nor a longjmp may leave them. The caller gets their codes, except `SCM_E_HANDLE`
 * and `SCM_E_UNEXPECTED`, which are about objects of the library: these become `SCM_E_FAIL`.
 */
typedef struct scm_provider {
    /**
     * `sizeof(scm_provider)`: how the library tells versions of this structure apart.
     */
    uint32_t struct_size;
    /**
     * 0
     */
    uint32_t flags;
    /**
     * The IID of the interface, or NULL. Files, codes and authentication need none; theirs is allowed.
     */
    const struct scm_guid *iid;
    /**
     * The name of the interface: UTF-8, 1 to `SCM_INTERFACE_NAME_MAX` bytes; or NULL. With an IID, and for files,
     * codes and authentication, it is another way to ask for the same interface. An interface of the program needs an
     * IID or a name.
     */
    const char *name;
    /**
     * The ATR of the cards, up to `SCM_ATR_MAX` bytes; NULL with length 0 for every card.
     */
    const uint8_t *atr;
    /**
     * As many bytes, whose bits say which bits of the ATR count; NULL if all do. The ATR of a card has to have this
     * length, too.
     */
    const uint8_t *atr_mask;
    /**
     * The length of the ATR, and of the mask.
     */
    size_t atr_length;
    /**
     * The first argument of `create` and `end`.
     */
    void *user_data;
    /**
     * Makes an object for an attachment. Required. It writes the object to `object`, and the functions get that; NULL
     * is allowed. `caller_user_data` is the `user_data` of `scm_create_interface`, or else NULL. A failure is the
     * result of the call that wanted the object, and nothing is released then. A call from here that creates the same
     * interface does not come back to this provider: so it can use the generic implementation.
     */
    scm_result (*create)(void *user_data, struct scm_handle *handle, void *caller_user_data, void **object);
    /**
     * Ends an object. It is called once for each object, when no thread is in a function of it any more. The
     * attachment may have ended. NULL: nothing is to be done.
     */
    void (*release)(void *object);
    /**
     * Is called once, as the last function: when the provider is unregistered, its last object is released, and no
     * thread is in `create`. NULL: nothing is to be done.
     */
    void (*end)(void *user_data);
} scm_provider;

/**
 * The files of a card, as a provider has them. Begin with `SCM_FILE_ACCESS_FUNCTIONS_INIT`.
 *
 * `object` is what `scm_provider.create` gave, and `file` what `open` gave; the rest is as for the functions of the library.
 * NULL for a function that the provider does not have: it answers `SCM_E_NOTIMPL`.
 */
typedef struct scm_file_access_functions {
    /**
     * `sizeof(scm_file_access_functions)`
     */
    uint32_t struct_size;
    /**
     * Goes to another directory.
     */
    scm_result (*change_dir)(void *object, uint32_t reference_type, const char *path);
    /**
     * Tells where that is; `length` counts the NUL.
     */
    scm_result (*get_current_dir)(void *object, char *path, size_t capacity, size_t *length);
    /**
     * Lists the files of it, as a multi-string.
     */
    scm_result (*directory)(void *object, uint32_t file_type, char *names, size_t capacity, size_t *length);
    /**
     * Opens a file. What it puts into `file` is what the functions of files get; NULL is good, too. `object` is not released
     * before the last of its files is closed.
     */
    scm_result (*open)(void *object, uint32_t reference_type, const char *path, void **file);
    /**
     * Creates a file or a directory.
     */
    scm_result (*create)(void *object,
                         uint32_t reference_type,
                         const char *path,
                         const uint8_t *tlvs,
                         size_t tlvs_length,
                         uint32_t flags,
                         const uint8_t *data,
                         size_t data_length);
    /**
     * Deletes a file or a directory.
     */
    scm_result (*delete_file)(void *object, uint32_t reference_type, const char *path, uint32_t flags);
    /**
     * Tells the properties of a file.
     */
    scm_result (*get_properties)(void *object,
                                 uint32_t reference_type,
                                 const char *path,
                                 const uint8_t *tags,
                                 size_t tags_length,
                                 uint32_t flags,
                                 uint8_t *tlvs,
                                 size_t capacity,
                                 size_t *length);
    /**
     * Sets properties of a file.
     */
    scm_result (*set_properties)(void *object,
                                 uint32_t reference_type,
                                 const char *path,
                                 const uint8_t *tlvs,
                                 size_t tlvs_length,
                                 uint32_t flags);
    /**
     * Tells what the files of this card can be like.
     */
    scm_result (*get_file_capabilities)(void *object,
                                        const uint8_t *tags,
                                        size_t tags_length,
                                        uint32_t flags,
                                        uint8_t *tlvs,
                                        size_t capacity,
                                        size_t *length);
    /**
     * Deactivates a file.
     */
    scm_result (*invalidate)(void *object, const char *path, uint32_t flags);
    /**
     * Activates it again.
     */
    scm_result (*rehabilitate)(void *object, const char *path, uint32_t flags);
    /**
     * Reads from a file.
     */
    scm_result (*read)(void *file, uint8_t *buffer, size_t capacity, size_t *length, uint32_t flags);
    /**
     * Writes to a file.
     */
    scm_result (*write)(void *file, const uint8_t *data, size_t data_length, uint32_t flags, size_t *written);
    /**
     * Moves the position in a file.
     */
    scm_result (*seek)(void *file, int64_t offset, uint32_t origin);
    /**
     * Tells the position in a file.
     */
    scm_result (*tell)(void *file, uint64_t *position);
    /**
     * Tells the size of a file.
     */
    scm_result (*size)(void *file, uint64_t *size);
    /**
     * Ends `file`. It is called once for each file, as the last of its functions, when nobody is in one any more: the attachment may be
     * dead then. NULL for nothing to be done.
     */
    scm_result (*close)(void *file);
} scm_file_access_functions;

/**
 * The codes of a card, as a provider has them. Begin with `SCM_CH_VERIFICATION_FUNCTIONS_INIT`.
 *
 * `object` is what `scm_provider.create` gave; the rest is as for the functions of the library. NULL for a function that the
 * provider does not have: it answers `SCM_E_NOTIMPL`.
 */
typedef struct scm_ch_verification_functions {
    /**
     * `sizeof(scm_ch_verification_functions)`
     */
    uint32_t struct_size;
    /**
     * Verifies a code. `retries_left` is never NULL.
     */
    scm_result (*verify)(void *object,
                         const uint8_t *code,
                         size_t code_length,
                         uint32_t flags,
                         uint32_t reference,
                         uint32_t *retries_left);
    /**
     * Puts a new code in the place of an old one.
     */
    scm_result (*change_code)(void *object,
                              const uint8_t *old_code,
                              size_t old_code_length,
                              const uint8_t *new_code,
                              size_t new_code_length,
                              uint32_t flags,
                              uint32_t reference,
                              uint32_t *retries_left);
    /**
     * Unblocks a code, and gives it a new value.
     */
    scm_result (*unblock)(void *object,
                          const uint8_t *unblocking_code,
                          size_t unblocking_code_length,
                          const uint8_t *new_code,
                          size_t new_code_length,
                          uint32_t flags,
                          uint32_t reference,
                          uint32_t *retries_left);
    /**
     * Takes back everything that was verified.
     */
    scm_result (*reset_security_state)(void *object);
} scm_ch_verification_functions;

/**
 * The authentication of a card, as a provider has it. Begin with `SCM_CARD_AUTH_FUNCTIONS_INIT`.
 *
 * `object` is what `scm_provider.create` gave; the rest is as for the functions of the library. NULL for a function that the
 * provider does not have: it answers `SCM_E_NOTIMPL`.
 */
typedef struct scm_card_auth_functions {
    /**
     * `sizeof(scm_card_auth_functions)`
     */
    uint32_t struct_size;
    /**
     * Gets a challenge from the card.
     */
    scm_result (*get_challenge)(void *object,
                                uint32_t algorithm,
                                const uint8_t *parameters,
                                size_t parameters_length,
                                uint8_t *challenge,
                                size_t capacity,
                                size_t *length);
    /**
     * The application proves itself to the card.
     */
    scm_result (*app_auth)(void *object,
                           uint32_t algorithm,
                           const uint8_t *parameters,
                           size_t parameters_length,
                           const uint8_t *data,
                           size_t data_length);
    /**
     * The card proves itself to the application.
     */
    scm_result (*icc_auth)(void *object,
                           uint32_t algorithm,
                           const uint8_t *parameters,
                           size_t parameters_length,
                           const uint8_t *data,
                           size_t data_length,
                           uint8_t *answer,
                           size_t capacity,
                           size_t *length);
    /**
     * The user proves himself to the card.
     */
    scm_result (*user_auth)(void *object,
                            uint32_t algorithm,
                            const uint8_t *parameters,
                            size_t parameters_length,
                            const uint8_t *data,
                            size_t data_length);
} scm_card_auth_functions;

/**
 * How to reconnect. Begin with `SCM_RECONNECT_OPTIONS_INIT`; zero in a field keeps what is.
 */
typedef struct scm_reconnect_options {
    /**
     * `sizeof(scm_reconnect_options)`: how the library tells versions of this structure apart.
     */
    uint32_t struct_size;
    /**
     * The share mode from now on: `SCM_SHARE_EXCLUSIVE`, `SCM_SHARE_SHARED`, `SCM_SHARE_DIRECT`; 0 keeps it.
     */
    uint32_t share_mode;
    /**
     * The protocols from now on: `SCM_PROTOCOL_T0`, `SCM_PROTOCOL_T1`, both or-ed, or `SCM_PROTOCOL_RAW`; 0 keeps them.
     */
    uint32_t protocols;
    /**
     * What is done to the card: `SCM_DISPOSITION_LEAVE` (default), `SCM_DISPOSITION_RESET` or `SCM_DISPOSITION_UNPOWER`.
     */
    uint32_t initial_action;
    /**
     * How long it may take, in milliseconds, after which it ends with `SCM_SCARD_E_TIMEOUT`; or `SCM_INFINITE`: without a
     * limit, and `scm_cancel` ends it wherever it waits. 0 (default): without a limit, and what waits for another
     * application waits in the resource manager, where `scm_cancel` does not reach it. Never kept for later reconnects.
     */
    uint32_t timeout_ms;
} scm_reconnect_options;

/**
 * An attribute of a virtual reader (`scm_virtual_ifd_options.attributes`). This structure does not grow.
 */
typedef struct scm_virtual_attribute {
    /**
     * Its id, as for `scm_get_attribute`.
     */
    uint32_t id;
    /**
     * 0, or `SCM_VIRTUAL_ATTRIBUTE_SETTABLE`.
     */
    uint32_t flags;
    /**
     * Its value; NULL with length 0 for an empty one.
     */
    const uint8_t *value;
    /**
     * The length of the value, up to 264 bytes.
     */
    size_t value_length;
} scm_virtual_attribute;

/**
 * What a virtual reader is like. Begin with `SCM_VIRTUAL_IFD_OPTIONS_INIT`; zero in a field is its default.
 */
typedef struct scm_virtual_ifd_options {
    /**
     * `sizeof(scm_virtual_ifd_options)`: how the library tells versions of this structure apart.
     */
    uint32_t struct_size;
    /**
     * How many bytes of log are kept; the oldest lines go first. Default 1 MiB, at most 1 GiB. The memory is reserved when
     * the reader is made, and used as the log grows.
     */
    uint32_t log_limit;
    /**
     * The attribute 0x00010100 (vendor name): UTF-8, 1 to `SCM_IFD_NAME_MAX` bytes. Default "libscm".
     */
    const char *vendor_name;
    /**
     * What the callbacks get as their first argument.
     */
    void *user;
    /**
     * Answers a control code as the reader, with a card in it or without, whoever may hold the card but not while another attachment
     * has a lock. NULL for a reader that knows no code by itself. `SCM_E_NOTIMPL` and `SCM_SCARD_E_UNSUPPORTED_FEATURE` say that it does
     * not know this one; then `control` of the card that is in is asked. Another error is a reader that failed
     * (`SCM_SCARD_E_NOT_TRANSACTED`). The capacity is `SCM_RESPONSE_MAX`.
     *
     * It runs as the callbacks of a card do (`scm_virtual_card`): on the thread that calls `scm_control`, with no lock of the library
     * held, and never two at a time for one reader; it may run beside a callback of the card. It may call the library, also to put
     * a card into its own reader, to pull it or to destroy the reader, and waits for nobody in there: `scm_control` to its own
     * reader answers `SCM_SCARD_E_NOT_READY`, on any attachment.
     */
    scm_result (*control)(void *user,
                          uint32_t code,
                          const uint8_t *input,
                          size_t input_length,
                          uint8_t *output,
                          size_t capacity,
                          size_t *output_length);
    /**
     * Is called once, as the last one, when the reader has been destroyed, and no control code is under way any more. NULL for
     * nothing to be done. Not called when `scm_virtual_ifd_create` fails, nor in the child of a fork.
     */
    void (*release)(void *user);
    /**
     * Attributes of the reader, beside those that every virtual reader has, or in their place; copied. NULL for none.
     */
    const struct scm_virtual_attribute *attributes;
    /**
     * How many, up to 256; no two with the same id.
     */
    size_t attribute_count;
} scm_virtual_ifd_options;

/**
 * What a virtual card is and does. Begin with `SCM_VIRTUAL_CARD_INIT`.
 *
 * The callbacks run on the thread whose call needs the card (of an application, or of `scm_virtual_ifd_insert` and its
 * like), with no lock of the library held, and never two at a time for one card, from its insertion to its `release`. A
 * callback may call the library. It waits for nobody in there, because another thread may wait for the end of the callback: where
 * a call would have to, it answers `SCM_SCARD_E_NOT_READY` at once. That is any use of the attachment on whose behalf it runs, other
 * than to ask what is known of it or to detach it; through any attachment whatever reaches its own card; and an attachment, a
 * reader or a card that another thread uses. It may pull its own card or reset it; the exchange under way then fails with
 * `SCM_SCARD_W_REMOVED_CARD` or `SCM_SCARD_W_RESET_CARD`, and `power` and `release` are called when the callback has returned:
 * who puts another card in from there, with the same `user`, better does it from `release`. It has to return, unless its thread ends in
 * it, which is an error to the card's user: neither an exception nor a longjmp may leave it.
 */
typedef struct scm_virtual_card {
    /**
     * `sizeof(scm_virtual_card)`: how the library tells versions of this structure apart.
     */
    uint32_t struct_size;
    /**
     * The protocols that are offered: `SCM_PROTOCOL_T0`, `SCM_PROTOCOL_T1`, both or-ed, or `SCM_PROTOCOL_RAW` for that alone.
     * 0 for those of the ATR; then the reader does not understand a card whose ATR is none
     * (`SCM_SCARD_W_UNSUPPORTED_CARD`). Of several, T=1 is chosen, unless only T=0 is asked for.
     */
    uint32_t protocols;
    /**
     * The ATR, 1 to `SCM_ATR_MAX` bytes; copied.
     */
    const uint8_t *atr;
    /**
     * Its length.
     */
    size_t atr_length;
    /**
     * What the callbacks get as their first argument.
     */
    void *user;
    /**
     * Answers one command. Required. The capacity is the longest response there is, `SCM_RESPONSE_MAX`. An error is a
     * card that failed to answer (`SCM_SCARD_E_NOT_TRANSACTED`); so is an answer of fewer than two bytes
     * (`SCM_SCARD_F_COMM_ERROR`).
     */
    scm_result (*transmit)(void *user,
                           const uint8_t *command,
                           size_t command_length,
                           uint8_t *response,
                           size_t capacity,
                           size_t *response_length);
    /**
     * Is told of the power: `SCM_POWER_ON`, `SCM_POWER_OFF` or `SCM_POWER_RESET`. NULL for a card that has nothing
     * to forget, and answers to every reset. An error is a card that does not
     * answer to a reset: it is mute (`SCM_SCARD_W_UNRESPONSIVE_CARD`) until one succeeds. When the power is turned off
     * the answer does not matter.
     */
    scm_result (*power)(void *user, uint32_t event);
    /**
     * Answers a control code as the reader, where that has no `control` of its own (`scm_virtual_ifd_options`) or does not know the
     * code. NULL for a card that knows none. `SCM_E_NOTIMPL` and
     * `SCM_SCARD_E_UNSUPPORTED_FEATURE` say that it does not know this one; another error is a reader that failed
     * (`SCM_SCARD_E_NOT_TRANSACTED`).
     */
    scm_result (*control)(void *user,
                          uint32_t code,
                          const uint8_t *input,
                          size_t input_length,
                          uint8_t *output,
                          size_t capacity,
                          size_t *output_length);
    /**
     * Is called once, as the last one, when the card has been removed, or its reader destroyed, and no call is in it any
     * more. NULL for nothing to be done.
     */
    void (*release)(void *user);
} scm_virtual_card;

/**
 * What is to happen to the next calls of an operation. Begin with `SCM_VIRTUAL_FAILURE_INIT`.
 */
typedef struct scm_virtual_failure {
    /**
     * `sizeof(scm_virtual_failure)`: how the library tells versions of this structure apart.
     */
    uint32_t struct_size;
    /**
     * The code that they answer; `SCM_S_OK` for calls that are carried out, after the delay.
     */
    scm_result result;
    /**
     * How many calls go by before.
     */
    uint32_t skip;
    /**
     * How many calls it is about; `UINT32_MAX` for all that follow, 0 to take back what was planned for the operation.
     */
    uint32_t count;
    /**
     * How long each of them takes before it answers or is carried out, in milliseconds.
     */
    uint32_t delay_ms;
} scm_virtual_failure;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Attaches to the card in a reader, shared, with T=0 or T=1 (ISCardManage::AttachByIFD).
 *
 * The attachment gets a PC/SC context and a card handle of its own. The card is not reset.
 *
 * @param ifd_name  the name of the reader as `scm_list_ifds` gives it: UTF-8, 1 to `SCM_IFD_NAME_MAX` bytes, NUL-terminated
 * @param handle  [out] the attachment, to be ended with `scm_detach`; NULL after a failure
 *
 * @return
 * - `SCM_S_OK`: attached.
 * - `SCM_E_POINTER`: `handle` is NULL.
 * - `SCM_E_INVALIDARG`: `ifd_name` is NULL, empty, too long, or not UTF-8.
 * - `SCM_E_OUTOFMEMORY`: no memory, here or in the resource manager.
 * - `SCM_SCARD_E_UNKNOWN_READER`: no reader has this name. Where the resource manager is not running, but the process has virtual
 *   readers, these are all that there are.
 * - `SCM_SCARD_E_NO_SMARTCARD`: no card is in the reader.
 * - `SCM_SCARD_E_SHARING_VIOLATION`: another application has the card exclusively.
 * - `SCM_SCARD_E_PROTO_MISMATCH`: the card speaks neither T=0 nor T=1; or it speaks `SCM_PROTOCOL_RAW` now, because another uses it so,
 *   or has left it so. Only a reset of the card ends that (see `SCM_PROTOCOL_RAW`).
 * - `SCM_SCARD_E_NOT_READY`: others reset the card at the same time, again and again; try later. Also to a callback or a hook that would
 *   have to wait for the attachment that it is called for.
 * - `SCM_SCARD_W_UNRESPONSIVE_CARD`, `SCM_SCARD_W_UNPOWERED_CARD`, `SCM_SCARD_W_UNSUPPORTED_CARD`: the card is mute,
 *   without power, or not understood by the reader.
 * - `SCM_SCARD_E_READER_UNAVAILABLE`: the reader is going away.
 * - `SCM_SCARD_E_NO_SERVICE`: the resource manager is not running, and there is no virtual reader.
 * - `SCM_SCARD_F_COMM_ERROR`: the resource manager broke off the connection, and is there again.
 * - `SCM_SCARD_E_SERVER_TOO_BUSY`: the resource manager serves as many clients as it can (pcscd: 200 by default).
 * - `SCM_SCARD_W_SECURITY_VIOLATION`: a policy of the system forbids this process to use cards (polkit), or, at the
 *   first use of a process, pcscd serves as many clients as it can: it answers both alike.
 * - the other codes of a connection (see the top of this file), if the service or the driver says so.
 * - `SCM_E_UNEXPECTED`: an internal error.
 *
 * After a failure everything is as it was.
 *
 * Blocks while another application, or another attachment, holds a lock on the card: `scm_attach_by_ifd_ex` has a limit
 * for it. Any thread may call it. After a fork the child attaches anew.
 */
SCM_API
scm_result scm_attach_by_ifd(const char *ifd_name,
                             struct scm_handle **handle);

/**
 * Attaches to the card in a reader, or to the reader itself, as `options` say.
 *
 * @param ifd_name  as for `scm_attach_by_ifd`
 * @param options  share mode, protocols and time limit; NULL for the defaults. `flags` has to be 0.
 * @param handle  [out] the attachment; NULL after a failure
 *
 * @return as `scm_attach_by_ifd`, and
 * - `SCM_E_INVALIDARG`: `struct_size` is that of no version, or a value or flag is not defined here.
 * - `SCM_SCARD_E_SHARING_VIOLATION`: exclusive use is asked for and another application uses the card.
 * - `SCM_SCARD_E_PROTO_MISMATCH`: the card speaks none of the protocols asked for; or it speaks another one now, because others use
 *   it so, or have left it so. Only a reset of the card ends that (see `SCM_PROTOCOL_RAW`).
 * - `SCM_SCARD_E_TIMEOUT`: it has taken longer than `timeout_ms`, whatever the resource manager was doing. A connection that
 *   it makes later is closed at once; until then other calls with a limit that attach to the same reader do not begin.
 *
 * In direct mode a reader without a card is no error: the ATR is empty then. With a card or without, no protocol is
 * active: `scm_transmit` answers `SCM_SCARD_E_PROTO_MISMATCH` until `scm_reconnect_ex` asks for shared or exclusive use.
 */
SCM_API
scm_result scm_attach_by_ifd_ex(const char *ifd_name,
                                const struct scm_attach_options *options,
                                struct scm_handle **handle);

/**
 * Attaches to the card behind a card handle that the caller has connected, shared (ISCardManage::AttachByHandle).
 *
 * The handle is borrowed: it stays the caller's, who keeps it connected until after `scm_detach`, and disconnects it.
 * The library never disconnects or releases it. The caller does not use it, nor another handle of its context, while a
 * call on the attachment is under way: libpcsclite makes one wait for the other, or stops the whole process.
 *
 * @param icc  the card handle (`SCARDHANDLE`) that PC/SC gave in this process, or that `scm_get_icc` gave for an attachment
 *   to a virtual reader
 * @param handle  [out] the attachment, to be ended with `scm_detach`; NULL after a failure
 *
 * @return
 * - `SCM_S_OK`: attached.
 * - `SCM_E_POINTER`: `handle` is NULL.
 * - `SCM_E_INVALIDARG`: the resource manager does not know `icc`.
 * - `SCM_SCARD_E_NOT_READY`: asked by a callback or a hook, for a card on which another has a lock.
 * - `SCM_E_OUTOFMEMORY`: no memory, here or in the resource manager.
 * - `SCM_SCARD_W_RESET_CARD`, `SCM_SCARD_W_REMOVED_CARD`: the card of this handle was reset by someone else, or taken
 *   out, and the caller has not reconnected it (`SCardReconnect`).
 * - `SCM_SCARD_E_READER_UNAVAILABLE`: the reader is gone.
 * - `SCM_SCARD_E_NO_SERVICE`: the resource manager is not running, or was restarted since the handle was connected.
 * - `SCM_SCARD_F_COMM_ERROR`: the resource manager broke off the connection.
 * - the other codes of a connection (see the top of this file), if the service or the driver says so.
 * - `SCM_E_UNEXPECTED`: an internal error.
 *
 * After a failure everything is as it was. Blocks while another application holds a lock on the card. Any thread may call
 * it.
 */
SCM_API
scm_result scm_attach_by_handle(uintptr_t icc,
                                struct scm_handle **handle);

/**
 * Attaches to the card behind a card handle, borrowed or adopted, as `options` say.
 *
 * @param icc  as for `scm_attach_by_handle`
 * @param options  the share mode that the caller has connected with, the protocols that a reconnect may choose from, and
 *   `SCM_ATTACH_ADOPT` to hand the card handle over. NULL for the defaults.
 * @param handle  [out] the attachment; NULL after a failure
 *
 * @return as `scm_attach_by_handle`, and
 * - `SCM_E_INVALIDARG`: `struct_size` is that of no version, or a value or flag is not defined here.
 * - `SCM_SCARD_E_TIMEOUT`: it has taken longer than `timeout_ms`, whatever the resource manager was doing.
 *
 * After a failure an `icc` that was to be adopted is still the caller's.
 */
SCM_API
scm_result scm_attach_by_handle_ex(uintptr_t icc,
                                   const struct scm_attach_options *options,
                                   struct scm_handle **handle);

/**
 * Ends an attachment and leaves the card as it is (ISCardManage::Detach).
 *
 * A lock that is held is given back. The handle is dead at once, also for calls of other threads that begin later, and so is
 * everything that was created for it: open files, and the objects that give them and the like (`SCM_E_HANDLE`). A
 * call that another thread is still in ends in its own way; what the attachment holds is given back when it does.
 *
 * @param handle  the attachment
 *
 * @return
 * - `SCM_S_OK`: ended; also when the card, the reader or the service is gone.
 * - `SCM_E_HANDLE`: `handle` is no attachment, or not any more.
 *
 * Waits neither for other applications nor for a call of another thread. Providers release their objects meanwhile.
 */
SCM_API
scm_result scm_detach(struct scm_handle *handle);

/**
 * Ends an attachment and disposes of the card.
 *
 * @param handle  the attachment
 * @param disposition  `SCM_DISPOSITION_LEAVE`, `_RESET`, `_UNPOWER` or `_EJECT`. A borrowed card handle can only be left.
 *
 * @return
 * - `SCM_S_OK`: ended.
 * - `SCM_E_HANDLE`: `handle` is no attachment, or not any more.
 * - `SCM_E_INVALIDARG`: `disposition` is not defined, or not `LEAVE` for a borrowed handle. The attachment is unchanged.
 * - `SCM_SCARD_E_NOT_READY`: asked by a callback, for a card that another attachment of this process is using. The attachment is
 *   unchanged. A call that would wait for the end of a callback does not begin to.
 * - any other: ended, but the card could not be disposed of so; the code says why (`SCM_SCARD_E_NO_SERVICE`, ...).
 *   pcsc-lite answers `SCM_S_OK` also when the card is gone, or the reader cannot eject it.
 *
 * Blocks, except for `LEAVE`, while another application or another attachment holds a lock on the card. When a call of another
 * thread is still under way on the attachment, this returns `SCM_S_OK` at once: a thread of the library disposes of the card when
 * that call has ended, and nobody is told what became of it.
 */
SCM_API
scm_result scm_detach_ex(struct scm_handle *handle,
                         uint32_t disposition);

/**
 * Reads an attribute of the reader, its driver or its card (PC/SC part 3; `SCARD_ATTR_*` of the platform's headers).
 *
 * @param handle  the attachment
 * @param attribute  the id of the attribute, such as 0x00090303 for the ATR
 * @param value  [out] its value; NULL with capacity 0 asks for the length
 * @param capacity  the room in `value`; no attribute is longer than 264 bytes
 * @param value_length  [out] the length of the value, 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: read.
 * - `SCM_E_POINTER`: `value_length` is NULL, or `value` is NULL with a capacity.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the value does not fit; `*value_length` is what is needed.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the driver does not know this attribute.
 * - `SCM_SCARD_E_NOT_TRANSACTED`: the driver knows it and failed.
 * - `SCM_SCARD_F_INTERNAL_ERROR`: the driver names a length that no attribute has.
 * - `SCM_SCARD_E_SHARING_VIOLATION`: another application holds a lock on the card.
 * - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`, and the other codes of a connection (see the top of this file).
 *
 * Does not wait for other applications.
 */
SCM_API
scm_result scm_get_attribute(struct scm_handle *handle,
                             uint32_t attribute,
                             uint8_t *value,
                             size_t capacity,
                             size_t *value_length);

/**
 * Sets an attribute of the reader or its driver. Few drivers allow any.
 *
 * @param handle  the attachment
 * @param attribute  the id of the attribute
 * @param value  its value; NULL with length 0 for an empty one
 * @param value_length  its length, up to 264 bytes
 *
 * @return
 * - `SCM_S_OK`: set.
 * - `SCM_E_INVALIDARG`: `value` is NULL with a length, or too long.
 * - `SCM_SCARD_E_INVALID_PARAMETER`: the value is empty, and the resource manager takes none (pcsc-lite).
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the driver does not know this attribute.
 * - `SCM_SCARD_E_NOT_TRANSACTED`: the driver does not set it.
 * - `SCM_SCARD_E_SHARING_VIOLATION`: another application holds a lock on the card.
 * - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`, and the other codes of a connection (see the top of this file).
 *
 * Does not wait for other applications.
 */
SCM_API
scm_result scm_set_attribute(struct scm_handle *handle,
                             uint32_t attribute,
                             const uint8_t *value,
                             size_t value_length);

/**
 * Makes an object to authenticate with the keys of the attached card (CreateCardAuth).
 *
 * @param handle  the attachment. The object ends with it, and uses whatever card it has.
 * @param card_auth  [out] the object; NULL after a failure
 *
 * @return
 * - `SCM_S_OK`: made; end it with `scm_card_auth_release`.
 * - `SCM_E_POINTER`: `card_auth` is NULL.
 * - `SCM_SCARD_E_ICC_CREATEORDER`: `handle` is NULL: attach first.
 * - `SCM_E_OUTOFMEMORY`, `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`: as everywhere.
 *
 * Does not block, and asks neither card nor reader.
 */
SCM_API scm_result scm_create_card_auth(struct scm_handle *handle, struct scm_card_auth **card_auth);

/**
 * Asks the card for a challenge (GET CHALLENGE), which it remembers for the next `scm_card_auth_app_auth`.
 *
 * Both are to happen under one `scm_lock`; `scm_card_auth_app_auth_ex` sees to it itself.
 *
 * @param card_auth  the object
 * @param algorithm  the algorithm, as the card numbers them, 0 to 255 (P1); 0 says nothing
 * @param parameters  NULL with length 0, or one byte that is P2: for most commands the number of the key, 1 to 31, and 0x80
 *   or-ed with it if it is one of the current DF
 * @param parameters_length  0 or 1
 * @param challenge  [out] the challenge
 * @param capacity  how many bytes are asked for, from 1
 * @param length  [out] how many the card has given
 *
 * @return
 * - `SCM_S_OK`: given.
 * - `SCM_E_POINTER`: `length` is NULL, or `challenge` is NULL with a capacity.
 * - `SCM_E_INVALIDARG`: an algorithm above 255, parameters that are NULL with a length or longer than one byte, a capacity of 0 or
 *   above 65,536. Nothing was sent.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the card does not know the command, or has given more than was asked for: a challenge
 *   that is cut is none.
 * - other codes of a status word: as `scm_send`
 * - `SCM_E_HANDLE`: no object, or its attachment has ended.
 * - the codes of a connection: as `scm_send`
 *
 * Blocks as `scm_send`.
 */
SCM_API
scm_result scm_card_auth_get_challenge(struct scm_card_auth *card_auth,
                                       uint32_t algorithm,
                                       const uint8_t *parameters,
                                       size_t parameters_length,
                                       uint8_t *challenge,
                                       size_t capacity,
                                       size_t *length);

/**
 * Shows the card that the application has a key: sends what the application has made of the card's challenge (EXTERNAL
 * AUTHENTICATE). It is sent once.
 *
 * @param card_auth  the object
 * @param algorithm  as for `scm_card_auth_get_challenge`
 * @param parameters  as for `scm_card_auth_get_challenge`
 * @param parameters_length  0 or 1
 * @param data  the answer to the challenge
 * @param data_length  its length, 1 to `SCM_COMMAND_DATA_MAX`
 *
 * @return
 * - `SCM_S_OK`: the card believes it.
 * - `SCM_SCARD_W_SECURITY_VIOLATION`: 63XX, it does not; 6982.
 * - `SCM_SCARD_W_CHV_BLOCKED`: 6983 or 63C0, it was wrong too often.
 * - `SCM_SCARD_E_NO_ACCESS`: 6985, there is no challenge, or the key is not for that.
 * - `SCM_SCARD_E_FILE_NOT_FOUND`: 6A88, there is no such key.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the card does not know the command.
 * - other codes of a status word: as `scm_send`
 * - `SCM_E_INVALIDARG`: as for `scm_card_auth_get_challenge`, or no data, or too many. Nothing was sent.
 * - `SCM_E_HANDLE`: no object, or its attachment has ended.
 * - the codes of a connection: as `scm_send`
 *
 * Blocks as `scm_send`.
 */
SCM_API
scm_result scm_card_auth_app_auth(struct scm_card_auth *card_auth,
                                  uint32_t algorithm,
                                  const uint8_t *parameters,
                                  size_t parameters_length,
                                  const uint8_t *data,
                                  size_t data_length);

/**
 * Shows the card that the application has a key, all of it: GET CHALLENGE, the cipher, EXTERNAL AUTHENTICATE, under one lock.
 *
 * @param card_auth  the object
 * @param algorithm  as for `scm_card_auth_get_challenge`, in EXTERNAL AUTHENTICATE; GET CHALLENGE has 0 for both numbers
 * @param parameters  as for `scm_card_auth_get_challenge`
 * @param parameters_length  0 or 1
 * @param options  the cipher
 *
 * @return as `scm_card_auth_app_auth`, and
 * - `SCM_E_INVALIDARG`: also `options` that are NULL or have a `struct_size` of no version; no such cipher; a key or a challenge
 *   of a length that it does not have; a key beside a callback, or neither. Nothing was sent.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: also a card that gives a challenge of another length.
 * - `SCM_E_FAIL`: also a callback that gives nothing, or more than there is room for.
 * - `SCM_E_NOTIMPL`: the object is that of a provider, which has the steps alone. Nothing was sent.
 * - any failure of the callback
 *
 * Blocks as `scm_send`, and as long as the callback takes, during which the card stays locked.
 */
SCM_API
scm_result scm_card_auth_app_auth_ex(struct scm_card_auth *card_auth,
                                     uint32_t algorithm,
                                     const uint8_t *parameters,
                                     size_t parameters_length,
                                     const struct scm_card_auth_options *options);

/**
 * Lets the card show that it has a key: gives it a challenge, and receives its answer (INTERNAL AUTHENTICATE). Whether the answer
 * is right, the application finds out; `scm_card_auth_icc_auth_ex` does it for ciphers.
 *
 * @param card_auth  the object
 * @param algorithm  as for `scm_card_auth_get_challenge`
 * @param parameters  as for `scm_card_auth_get_challenge`
 * @param parameters_length  0 or 1
 * @param data  the challenge, never used before
 * @param data_length  its length, 1 to `SCM_COMMAND_DATA_MAX`
 * @param answer  [out] the card's answer. May be the same memory as `data`.
 * @param capacity  the room in `answer`. Up to 256 bytes are asked for whatever it is.
 * @param length  [out] the length of the answer, 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: the card has answered.
 * - `SCM_E_POINTER`: `length` is NULL, or `answer` is NULL with a capacity. Nothing was sent.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the answer does not fit; `scm_get_last_response` gives it, with its status word.
 * - `SCM_SCARD_W_SECURITY_VIOLATION`: 6982, the key may not be used yet.
 * - others: as `scm_card_auth_app_auth`
 *
 * Blocks as `scm_send`.
 */
SCM_API
scm_result scm_card_auth_icc_auth(struct scm_card_auth *card_auth,
                                  uint32_t algorithm,
                                  const uint8_t *parameters,
                                  size_t parameters_length,
                                  const uint8_t *data,
                                  size_t data_length,
                                  uint8_t *answer,
                                  size_t capacity,
                                  size_t *length);

/**
 * Finds out whether the card has a key, all of it: a random challenge, INTERNAL AUTHENTICATE, and the comparison of its answer
 * with that of the cipher, in a time that does not depend on what is different.
 *
 * @param card_auth  the object
 * @param algorithm  as for `scm_card_auth_get_challenge`
 * @param parameters  as for `scm_card_auth_get_challenge`
 * @param parameters_length  0 or 1
 * @param options  the cipher
 *
 * @return as `scm_card_auth_icc_auth`, and
 * - `SCM_S_OK`: the card has the key.
 * - `SCM_SCARD_W_CARD_NOT_AUTHENTICATED`: the card has answered, and not as one that has the key.
 * - `SCM_E_INVALIDARG`, `SCM_E_FAIL`, and any failure of the callback: as `scm_card_auth_app_auth_ex`. Nothing was sent.
 * - `SCM_E_FAIL`: also a system that gives no random numbers. Nothing was sent.
 * - `SCM_E_NOTIMPL`: as `scm_card_auth_app_auth_ex`.
 *
 * Blocks as `scm_send`, and as long as the callback takes, which is called before the card is locked.
 */
SCM_API
scm_result scm_card_auth_icc_auth_ex(struct scm_card_auth *card_auth,
                                     uint32_t algorithm,
                                     const uint8_t *parameters,
                                     size_t parameters_length,
                                     const struct scm_card_auth_options *options);

/**
 * Shows the card that the user is there, by what he knows or is: sends the data as they are (VERIFY), such as a code with its
 * padding or a biometric. It is sent once, and overwritten here when the call ends. For codes there is
 * `scm_ch_verification_verify`, which tells the tries that are left.
 *
 * @param card_auth  the object
 * @param algorithm  as for `scm_card_auth_get_challenge`
 * @param parameters  as for `scm_card_auth_get_challenge`
 * @param parameters_length  0 or 1
 * @param data  what the user has given
 * @param data_length  its length, 1 to `SCM_COMMAND_DATA_MAX`
 *
 * @return
 * - `SCM_S_OK`: the card believes it.
 * - `SCM_SCARD_W_WRONG_CHV`: 63XX, it does not; 6982, 6987, 6988, 9804.
 * - `SCM_SCARD_W_CHV_BLOCKED`: 6983, 63C0 or 9840, it was wrong too often.
 * - others: as `scm_card_auth_app_auth`
 *
 * Blocks as `scm_send`.
 */
SCM_API
scm_result scm_card_auth_user_auth(struct scm_card_auth *card_auth,
                                   uint32_t algorithm,
                                   const uint8_t *parameters,
                                   size_t parameters_length,
                                   const uint8_t *data,
                                   size_t data_length);

/**
 * Ends an object. What it has shown to the card stays so.
 *
 * @param card_auth  the object
 *
 * @return
 * - `SCM_S_OK`: ended.
 * - `SCM_E_HANDLE`: no object, or it has ended already, also with its attachment.
 * - `SCM_E_UNEXPECTED`: as everywhere.
 *
 * Does not block; a call of another thread goes on to its end.
 */
SCM_API scm_result scm_card_auth_release(struct scm_card_auth *card_auth);

/**
 * Makes an object for the codes of the attached card (CreateCHVerification), which are ASCII, as long as they are.
 *
 * @param handle  the attachment. The object ends with it, and uses whatever card it has.
 * @param ch_verification  [out] the object; NULL after a failure
 *
 * @return
 * - `SCM_S_OK`: made; end it with `scm_ch_verification_release`.
 * - `SCM_E_POINTER`: `ch_verification` is NULL.
 * - `SCM_SCARD_E_ICC_CREATEORDER`: `handle` is NULL: attach first.
 * - `SCM_E_OUTOFMEMORY`, `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`: as everywhere.
 *
 * Does not block, and asks neither card nor reader.
 */
SCM_API scm_result scm_create_ch_verification(struct scm_handle *handle, struct scm_ch_verification **ch_verification);

/**
 * Makes an object for the codes of the attached card, as `scm_create_ch_verification` does, and says what they look like.
 *
 * @param handle  the attachment
 * @param options  what codes look like; NULL for the defaults. A provider does not look at them: it knows its card.
 * @param ch_verification  [out] the object; NULL after a failure
 *
 * @return as `scm_create_ch_verification`, and
 * - `SCM_E_INVALIDARG`: the `struct_size` is that of no version, or a field is out of range: no such encoding; a block of more
 *   than `SCM_CODE_MAX`; limits that cross, or that the block cannot hold.
 *
 * Does not block, and asks neither card nor reader.
 */
SCM_API
scm_result scm_create_ch_verification_ex(struct scm_handle *handle,
                                         const struct scm_ch_verification_options *options,
                                         struct scm_ch_verification **ch_verification);

/**
 * Shows a code to the card (VERIFY), or asks whether it has been shown.
 *
 * A command with a code is sent once and never again, whatever happens to it. Without a code the reader asks the user for one at
 * its PIN pad, and sends it itself (PC/SC part 10, FEATURE_VERIFY_PIN_DIRECT): no program ever has it. What is known of a code
 * here is overwritten when the call ends; the memory of the caller is his.
 *
 * A SIM (class A0, 3GPP TS 51.011) is the exception: it refuses class 00 with 6E00 and without a look at the code, and gets the code once
 * more in its own class. Its codes are blocks of eight, filled up with FF, unless the options say otherwise. It does not tell whether a code
 * was verified, so that `SCM_FL_IHV_CHECKONLY` tells whether this object has verified it, or CHV1 is disabled.
 *
 * A local code (`SCM_FL_IHV_LOCAL`) is one of the DF that is selected when the command arrives at the card. Others may select another
 * one before: `scm_lock` around selecting it and this keeps them from that.
 *
 * Note how `retries_left` differs from other outputs: it is set after failures, too.
 *
 * @param ch_verification  the object
 * @param code  the characters or digits of the code, without padding; NULL with length 0 for the PIN pad
 * @param code_length  how many these are
 * @param flags  `SCM_FL_IHV_GLOBAL` (default) or `SCM_FL_IHV_LOCAL`; and `SCM_FL_IHV_CHECKONLY`, without a code, to ask for the
 *   state, which spends no try
 * @param reference  the number of the code, 0 to 31: P2 of the command is that, and 0x80 or-ed with it if it is local
 * @param retries_left  [out] how many tries are left, where the card has said so (63CX, 6301 to 630F), also with a failure; 0 when the
 *   code is blocked; else `SCM_RETRIES_UNKNOWN`, as after 6300, which does not say it, and after a success. A SIM is asked for it after 9804 (STATUS).
 *
 * @return
 * - `SCM_S_OK`: verified; with `SCM_FL_IHV_CHECKONLY` it has been, or the card does not ask for it.
 * - `SCM_SCARD_W_WRONG_CHV`: 63XX or 9804, the code was wrong.
 * - `SCM_SCARD_W_CARD_NOT_AUTHENTICATED`: 63XX or 9804 with `SCM_FL_IHV_CHECKONLY`, it has not been verified.
 * - `SCM_SCARD_W_CHV_BLOCKED`: no try is left: 6983, 63C0 or 9840, also with `SCM_FL_IHV_CHECKONLY`.
 * - `SCM_SCARD_E_INVALID_CHV`: the code is no code of this object: too short, too long, not of digits. Nothing was sent. Or 6984,
 *   or the user has entered too few or too many digits (6403), and the reader has sent nothing.
 * - `SCM_SCARD_E_TIMEOUT`: the user has entered nothing in time (6400).
 * - `SCM_SCARD_W_CANCELLED_BY_USER`: the user has pressed the key that cancels (6401).
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the reader has no PIN pad, or none for such codes (6B80); `SCM_FL_SECURE_MESSAGING`; the
 *   card does not know the command.
 * - `SCM_SCARD_E_FILE_NOT_FOUND`: 6A88, there is no such code.
 * - other codes of a status word: as `scm_send`
 * - `SCM_E_POINTER`: `retries_left` is NULL. Nothing was sent.
 * - `SCM_E_INVALIDARG`: `code` is NULL with a length, or there with `SCM_FL_IHV_CHECKONLY`; a flag that is not named here;
 *   global and local; a reference above 31. Nothing was sent.
 * - `SCM_E_HANDLE`: no object, or its attachment has ended.
 * - the codes of a connection: as `scm_send`
 *
 * Blocks as `scm_send`, and with a PIN pad until the user is done; `scm_cancel` ends only the wait for others.
 */
SCM_API
scm_result scm_ch_verification_verify(struct scm_ch_verification *ch_verification,
                                      const uint8_t *code,
                                      size_t code_length,
                                      uint32_t flags,
                                      uint32_t reference,
                                      uint32_t *retries_left);

/**
 * Gives a code another value (CHANGE REFERENCE DATA), or has the card ask for it from now on, or not any more (ENABLE and DISABLE
 * VERIFICATION REQUIREMENT).
 *
 * Without any code the reader asks for them, also for the new one twice (FEATURE_MODIFY_PIN_DIRECT, and
 * FEATURE_VERIFY_PIN_DIRECT to enable and disable). A new code alone is sent as such (P1 01), which a card may allow after
 * something else was proven.
 *
 * @param ch_verification  the object
 * @param old_code  the code as it is
 * @param old_length  its length
 * @param new_code  the code as it is to be; NULL with length 0 to enable and to disable
 * @param new_length  its length
 * @param flags  `SCM_FL_IHV_GLOBAL` (default) or `SCM_FL_IHV_LOCAL`; and one of `SCM_FL_IHV_CHANGE` (default),
 *   `SCM_FL_IHV_ENABLE`, `SCM_FL_IHV_DISABLE`
 * @param reference  as for `scm_ch_verification_verify`
 * @param retries_left  [out] as for `scm_ch_verification_verify`
 *
 * @return as `scm_ch_verification_verify`, where it is about a code either of them, and
 * - `SCM_S_OK`: changed, enabled or disabled.
 * - `SCM_SCARD_E_INVALID_CHV`: also an old code without a new one.
 * - `SCM_SCARD_E_INVALID_VALUE`: the user has entered the new code in two ways (6402).
 * - `SCM_SCARD_E_NO_ACCESS`: 6985, the card does not allow it.
 * - `SCM_E_INVALIDARG`: also a new code to enable or disable, or more than one of change, enable and disable.
 *
 * Blocks as `scm_ch_verification_verify`.
 */
SCM_API
scm_result scm_ch_verification_change_code(struct scm_ch_verification *ch_verification,
                                           const uint8_t *old_code,
                                           size_t old_length,
                                           const uint8_t *new_code,
                                           size_t new_length,
                                           uint32_t flags,
                                           uint32_t reference,
                                           uint32_t *retries_left);

/**
 * Sets the counter of a code back that was wrong too often (RESET RETRY COUNTER), and gives it another value.
 *
 * Which codes the card wants is up to it: an unblocking code and a new one (P1 00), only the unblocking code (P1 01), only a new
 * one (P1 02), or none (P1 03) where something else has been proven. So no code does not mean the PIN pad here:
 * `SCM_FL_IHV_PIN_PAD` does, which asks for both.
 *
 * @param ch_verification  the object
 * @param unblocking_code  the code that may do it; NULL with length 0 for none
 * @param unblocking_length  its length
 * @param new_code  the new value; NULL with length 0 for none
 * @param new_length  its length
 * @param flags  `SCM_FL_IHV_GLOBAL` (default) or `SCM_FL_IHV_LOCAL`; and `SCM_FL_IHV_PIN_PAD`, without codes
 * @param reference  the code that is blocked; as for `scm_ch_verification_verify`
 * @param retries_left  [out] as for `scm_ch_verification_verify`: the tries of the unblocking code, as cards have it
 *
 * @return as `scm_ch_verification_verify`, where it is about a code either of them, and
 * - `SCM_S_OK`: the code can be shown again.
 * - `SCM_SCARD_E_INVALID_VALUE`: the user has entered the new code in two ways (6402).
 * - `SCM_SCARD_E_NO_ACCESS`: 6985, the card does not allow it in this way.
 * - `SCM_E_INVALIDARG`: also a code beside `SCM_FL_IHV_PIN_PAD`.
 *
 * Blocks as `scm_ch_verification_verify`.
 */
SCM_API
scm_result scm_ch_verification_unblock(struct scm_ch_verification *ch_verification,
                                       const uint8_t *unblocking_code,
                                       size_t unblocking_length,
                                       const uint8_t *new_code,
                                       size_t new_length,
                                       uint32_t flags,
                                       uint32_t reference,
                                       uint32_t *retries_left);

/**
 * Takes back what was verified through this object (VERIFY with P1 FF, for each of the codes), without a reset of the card.
 *
 * A code that the card has forgotten since is not asked about (`scm_get_generation`). After it the card is asked for the state
 * of each code, because one that does not know this way would answer just as well. A local code is one of the current DF: where
 * another one is selected meanwhile, the card may not find it.
 *
 * @param ch_verification  the object
 *
 * @return
 * - `SCM_S_OK`: nothing of this object is verified any more.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the card refuses it, or has not done it, for one code at least; the others are taken back.
 *   A reset does it: `scm_unlock` or `scm_reconnect_ex` with one.
 * - `SCM_E_HANDLE`: no object, or its attachment has ended.
 * - the codes of a connection: as `scm_send`
 *
 * Blocks as `scm_send`.
 */
SCM_API
scm_result scm_ch_verification_reset_security_state(struct scm_ch_verification *ch_verification);

/**
 * Ends an object. What it has verified stays so on the card.
 *
 * @param ch_verification  the object
 *
 * @return
 * - `SCM_S_OK`: ended.
 * - `SCM_E_HANDLE`: no object, or it has ended already, also with its attachment.
 * - `SCM_E_UNEXPECTED`: as everywhere.
 *
 * Does not block; a call of another thread goes on to its end.
 */
SCM_API scm_result scm_ch_verification_release(struct scm_ch_verification *ch_verification);

/**
 * Sends one command of ISO/IEC 7816-4, in as many exchanges as it takes, and receives the data and the status word of its
 * response.
 *
 * All four cases, with T=0 and T=1: what T=0 has to fetch is fetched (GET RESPONSE after 61XX, of which 6100 is 256; as far as
 * data are expected), a wrong Le is corrected once (6CXX; what comes with a refused try is no answer), data that do not fit into one APDU go
 * in extended lengths where card and reader have them, and else in parts (command chaining, or ENVELOPE with T=0). What the card can do is
 * known from its ATR, or by `scm_get_card_capabilities` or `scm_set_card_capabilities`; of a card that says nothing chaining is tried. All
 * exchanges happen under one lock. VERIFY, and other commands that a card counts, are never sent twice, also not after 6CXX.
 *
 * GET RESPONSE has the class of the standards: interindustry, on the channel of the command; 80 after a message of FIDO2 (80 10); A0 after
 * A0, where 9FXX says the same as 61XX (SIM); and after other proprietary classes, 90 to FE, their own. A card that refuses it is asked in the
 * class of the command, and after a class from 80 on at last in 00, unless a channel is given; and first in the one that it knows from then on.
 * Some cards forget their answer at the first class that they refuse. Where each class was refused the command fails, with the first refusal,
 * and the next one begins with another class. A card that refuses the length of GET RESPONSE (67XX, 6A80, 6A86, 6A87, 6BXX, 6F00 in a class
 * that it knows) is asked for half of it, and so on down to one byte; what it gives at once is remembered.
 *
 * A card may refuse extended lengths, or chaining, although it says that it takes them: 67XX, 68XX, 6A81, 6A86, 6A87, 6B00, 6DXX, 6EXX or
 * 6F00 to the whole command or to its first part, or 6A80 to its first part, and only 67XX, 6883 and 6884 once it has answered a command in this form. Then the other
 * form is tried, once, and used from then on if the card takes it; if it does not, the first refusal is given. Not so with commands that
 * a card counts (INS 20, 21, 24 to 26, 28, 2C to 2F, 82, 86, 87), with proprietary classes from 90 on, and under 80 to 8F with instructions
 * that are neither of ISO/IEC 7816-4 nor of GlobalPlatform (D8, E2, E4, E6, E8, F0, F2) nor of FIDO2 (10, 11). After 6F00 and 6A80, which do not say
 * that nothing was done, only what may be done twice is sent again (INS 0C, 0E, 0F, 22, 2A, A0 to A2, A4, B0 to B3, CA, CB, D6, D7, DA to
 * DD, F2). Forms that the caller has not allowed by `scm_set_card_capabilities` are not tried.
 *
 * A command of the class FF is for the reader. It goes as it is, in one exchange, and so does its answer come back, 61XX and 6CXX too. It has extended
 * lengths only if its data want them.
 *
 * What the card has answered is given whatever the code, also if that is a failure: the data, and the status word. Of data that are more
 * than `expected` the first ones are given, and it is no failure: with T=1 some cards answer all there is. `scm_get_last_response` gives the
 * whole answer afterwards, all data and the status word, also what nobody has expected; it is longer than `response_length` and two then.
 *
 * @param handle  the attachment
 * @param command  the command
 * @param response  [out] the data of the response, without the status word, as far as they are expected. May be the same memory as the
 *   data of the command.
 * @param capacity  the room in `response`; `expected` is always enough
 * @param response_length  [out] the length of the data, 0 when the card has not answered
 * @param status_word  [out] SW1 and SW2 as one number, such as 0x9000; 0 when the card has not answered
 *
 * @return what the status word means, where the card has answered:
 * - `SCM_S_OK`: 9000; 61XX, when no more was expected; 62XX and 63XX, as far as they are not named below; 91XX, a card that has
 *   something to tell its phone (ETSI TS 102 221), and 9200 to 920F, in the classes 00 to 8F, A0, C0 to CF and E0 to EF
 * - `SCM_SCARD_W_EOF`: 6282, fewer data than expected
 * - `SCM_SCARD_E_COMM_DATA_LOST`: 6281, part of the data may be wrong
 * - `SCM_SCARD_W_WRONG_CHV`: 63C1 to 63CF, the code was wrong, so many tries are left
 * - `SCM_SCARD_W_CHV_BLOCKED`: 63C0, no try is left; 6983, 9840
 * - `SCM_SCARD_E_INVALID_CHV`: 6984
 * - `SCM_SCARD_W_SECURITY_VIOLATION`: 6300, 6982, 6987, 6988, 9804, 9862 to 9867
 * - `SCM_SCARD_E_NO_ACCESS`: 6985, 6A89, 6A8A: not in this state, or there is one already
 * - `SCM_SCARD_E_NO_FILE`: 6986, no file is selected
 * - `SCM_SCARD_E_FILE_NOT_FOUND`: 6A82, 6A88
 * - `SCM_SCARD_E_BAD_SEEK`: 6A83, there is no such record
 * - `SCM_SCARD_E_WRITE_TOO_MANY`: 6A84; 9850, no more can be added
 * - `SCM_SCARD_E_INVALID_PARAMETER`: 67XX, 6A80, 6A85, 6A86, 6A87, 6BXX, 6CXX
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: 68XX, 6981, 6A81, 6DXX, 6EXX
 * - `SCM_SCARD_E_NOT_READY`: 9300, busy
 * - `SCM_E_FAIL`: any other
 *
 * @return and of some commands it means something else:
 * - INS 20, 21, 24 to 26, 28, 2C to 2F, 82, 86, 87, which show a code, a key or a finger to the card: `SCM_SCARD_W_WRONG_CHV` is 63XX and
 *   9804; of them 630X is X tries (but 6300 does not say how many).
 * - INS 0C, 0E, 0F, D0 to D2, D6, D7, DA, DC, E2, which write: `SCM_S_OK` is also 63CX. It is written, after X tries of the memory
 *   (ISO/IEC 7816-4:1995, 6.3.5).
 * - class A0, the SIM (3GPP TS 51.011): `SCM_S_OK` is also 9FXX, data that were not expected, and 9EXX, data after a download that has
 *   failed, which are not fetched (GET RESPONSE of class A0 brings them); `SCM_SCARD_E_NO_FILE` 9400,
 *   `SCM_SCARD_E_BAD_SEEK` 9402, `SCM_SCARD_E_FILE_NOT_FOUND` 9404, `SCM_SCARD_E_UNSUPPORTED_FEATURE` 9408, `SCM_SCARD_E_INVALID_CHV`
 *   9802, `SCM_SCARD_E_NO_ACCESS` 9808 and 9810.
 * - class 90, wrapped commands of DESFire: `SCM_S_OK` is 9100, 91AF (more frames), and 910C; `SCM_SCARD_W_SECURITY_VIOLATION` 91AE,
 *   `SCM_SCARD_E_NO_ACCESS` 919D and 91DE, `SCM_SCARD_E_FILE_NOT_FOUND` 9140, 91A0 and 91F0, `SCM_SCARD_E_BAD_SEEK` 91BE,
 *   `SCM_SCARD_E_WRITE_TOO_MANY` 910E and 91CE, `SCM_SCARD_E_INVALID_PARAMETER` 917E and 919E, `SCM_SCARD_E_UNSUPPORTED_FEATURE` 911C,
 *   `SCM_SCARD_E_COMM_DATA_LOST` 911E, `SCM_SCARD_E_NOT_READY` 91AD, `SCM_E_FAIL` any other 91XX.
 * - class FF, the reader: `SCM_E_FAIL` is also 63XX, the operation has failed.
 * - any other proprietary class: `SCM_S_OK` is also 90XX, but for the instructions that show a code. What else from 9001 to 9FFF is a success
 *   there only the card knows, and is `SCM_E_FAIL`: 9F10 may be data that are ready, and 9F04 and 9C02 are wrong codes.
 *   `scm_send_options.successes` says what is a success.
 *
 * @return and where it has not:
 * - `SCM_E_POINTER`: `response_length` or `status_word` is NULL, or `response` is NULL with a capacity.
 * - `SCM_E_INVALIDARG`: `command` is NULL, its `struct_size` is that of no version, a length is too great, the channel is
 *   none, or the class is one of another channel or FF and a channel is given. Nothing was sent.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`, with a status word of 0: the card can take so much data neither in extended lengths nor
 *   in parts, or its class has no bit that says that more follows. Nothing was sent.
 * - `SCM_SCARD_E_COMM_DATA_LOST`: also when the card gives a response in parts only, and not all of it.
 * - `SCM_SCARD_F_COMM_ERROR`: also when the card says that it is done where parts of the command are still to come, or promises
 *   data for ever and gives none.
 * - `SCM_SCARD_E_PROTO_MISMATCH`, `SCM_SCARD_W_RESET_CARD`, `SCM_SCARD_W_REMOVED_CARD`, `SCM_SCARD_F_COMM_ERROR`, ...: as
 *   `scm_transmit`. Part of the exchanges may have happened.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the card has answered, and its data do not fit; `scm_get_last_response` gives them.
 *
 * Blocks until the card answers, and before that while another application, or another attachment, holds a lock on the
 * card: `scm_send_ex` has a limit for that, and `scm_cancel` ends it. The lock costs two messages to the resource manager: who
 * sends many commands in a row takes `scm_lock` around them.
 */
SCM_API
scm_result scm_send(struct scm_handle *handle,
                    const struct scm_command *command,
                    uint8_t *response,
                    size_t capacity,
                    size_t *response_length,
                    uint16_t *status_word);

/**
 * Sends one command of ISO/IEC 7816-4, as `scm_send` does, with a limit, with a hook that selects the application again, and with the
 * caller's own mind of what is fetched, and of what is a success.
 *
 * With `scm_send_options.successes` the status words that are named there are `SCM_S_OK`. All others are failures: with the code that
 * `scm_send` has for them, and `SCM_E_FAIL` where that is a success.
 *
 * The hook is called with the card locked, before the command is sent, when what it has selected may be selected no more: it has
 * not been called for this attachment yet, with this `hook_data`; the generation has grown since (`scm_get_generation`);
 * something else was selected by this attachment, or sent by it (`scm_send`, `scm_transmit`), without it or with another hook; or the outermost lock is another
 * one, and somebody else may have used the card in between. Whether another process has cannot be known: so with a card that is
 * shared it is called for each command, and under a lock of the caller's (`scm_lock`) once. With exclusive use, and for the
 * only attachment to a virtual reader, nobody else can.
 *
 * @param handle  the attachment
 * @param command  as for `scm_send`
 * @param options  time limit, hook, and what else there is; NULL for the defaults
 * @param response  [out] as for `scm_send`
 * @param capacity  as for `scm_send`
 * @param response_length  [out] as for `scm_send`
 * @param status_word  [out] as for `scm_send`
 *
 * @return as `scm_send`, and
 * - `SCM_E_INVALIDARG`: the `struct_size` of `options` is that of no version, a flag is not defined, the class of GET RESPONSE is not
 *   or-ed with `SCM_SEND_CLASS` or is more than a byte, or the successes are NULL with a count, more than
 *   `SCM_SEND_SUCCESSES_MAX`, or one has a bit that is not in its mask. Nothing was sent.
 * - `SCM_SCARD_E_TIMEOUT`: others have had the card all the time. Nothing was sent.
 * - `SCM_SCARD_E_CANCELLED`: `scm_cancel` has ended the wait. Nothing was sent.
 * - `SCM_E_HANDLE`: also when the hook has detached the handle. The command was not sent.
 * - any failure of the hook
 */
SCM_API
scm_result scm_send_ex(struct scm_handle *handle,
                       const struct scm_command *command,
                       const struct scm_send_options *options,
                       uint8_t *response,
                       size_t capacity,
                       size_t *response_length,
                       uint16_t *status_word);

/**
 * Tells what commands to this card may be like, after having read everything that says so.
 *
 * The ATR says whether extended lengths and chaining are possible. How long commands and responses may be is in a file, EF.ATR/INFO:
 * that is selected and read here, and nowhere else, because what was selected before, and verified for it, is lost by that. From
 * then on it is known for this attachment, as long as the card has the same ATR. A form that the card has refused since (`scm_send`) is
 * none that it takes. The reader is asked, too (PC/SC part 10,
 * dwMaxAPDUDataSize). `scm_set_card_capabilities` has the last word.
 *
 * Who has long data to send or to write calls it once, after attaching: a card that refers to the file is sent nothing long before,
 * as long as parts will do.
 *
 * @param handle  the attachment
 * @param capabilities  [out] the capabilities; its `struct_size` is set before, as `SCM_CARD_CAPABILITIES_INIT` does
 *
 * @return
 * - `SCM_S_OK`: told; also when the card has no such file.
 * - `SCM_E_POINTER`: `capabilities` is NULL.
 * - `SCM_E_INVALIDARG`: `struct_size` is that of no version.
 * - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`, and the codes of a connection (see the top of this file)
 *
 * Blocks as `scm_send`.
 */
SCM_API
scm_result scm_get_card_capabilities(struct scm_handle *handle,
                                     struct scm_card_capabilities *capabilities);

/**
 * Says what commands to this card may be like, whatever the card and the reader say. It holds for this attachment, also after
 * a reconnect and for another card. What was found out by trying, of lengths and of forms that the card refuses, is forgotten.
 *
 * Without `SCM_CARD_EXTENDED` the lengths are those of short commands, for cards that cannot give 256 bytes at once, or take 255. Files are
 * read and written in pieces of so many bytes then, from the first command on; without it, too, in the end: a card that refuses is asked for
 * less, and what it gives is remembered. Commands of `scm_send` go as they are.
 *
 * @param handle  the attachment
 * @param capabilities  the capabilities; 0 as a length is the longest there can be. NULL: card and reader are believed again.
 *
 * @return
 * - `SCM_S_OK`: set.
 * - `SCM_E_INVALIDARG`: `struct_size` is that of no version, a flag is not defined, or a length is out of range: with
 *   `SCM_CARD_EXTENDED` 255 to 65,535 for commands, 256 to 65,536 for responses; without it 1 to 255, and 1 to 256.
 * - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`: as everywhere.
 *
 * Asks neither card nor service. Waits for a call that another thread is in on the same handle.
 */
SCM_API
scm_result scm_set_card_capabilities(struct scm_handle *handle,
                                     const struct scm_card_capabilities *capabilities);

/**
 * Sends one command APDU to the card, exactly as it is given and exactly once, and receives its response.
 *
 * Nothing is added: no GET RESPONSE, no repetition, no chaining (ISO/IEC 7816-4), for which there is `scm_send`. Whatever the
 * status bytes say, the exchange has succeeded.
 *
 * A response that does not fit is not lost: the call answers `SCM_SCARD_E_INSUFFICIENT_BUFFER`, `*response_length` is
 * what is needed, and `scm_get_last_response` gives the bytes without a word to the card. NULL with capacity 0 sends the
 * command and asks for the length only.
 *
 * @param handle  the attachment
 * @param command  the command: CLA, INS, P1, P2, and what follows (ISO/IEC 7816-3, clause 12)
 * @param command_length  4 to `SCM_COMMAND_MAX` bytes; from 1 byte with the protocol RAW
 * @param response  [out] the response: data, SW1, SW2. May be the same memory as `command`.
 * @param capacity  the room in `response`; `SCM_RESPONSE_MAX` is always enough
 * @param response_length  [out] the length of the response, 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: the card has answered.
 * - `SCM_E_POINTER`: `response_length` is NULL, or `response` is NULL with a capacity. Nothing was sent.
 * - `SCM_E_INVALIDARG`: `command` is NULL, too short or too long. Nothing was sent.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the card has answered, and its answer does not fit.
 * - `SCM_SCARD_E_PROTO_MISMATCH`: no protocol is active (direct mode), or another application speaks `SCM_PROTOCOL_RAW` with the card now,
 *   which pcscd allows. Nothing was sent.
 * - `SCM_SCARD_W_RESET_CARD`: someone else reset the card before. Nothing was sent; `scm_reconnect`.
 * - `SCM_SCARD_W_REMOVED_CARD`: the card was taken out, before the command or in the middle of it.
 * - `SCM_SCARD_F_COMM_ERROR`, `SCM_SCARD_E_NOT_TRANSACTED`, `SCM_SCARD_E_COMM_DATA_LOST`: the card is there and gave
 *   no proper answer. Whether it carried the command out is not known; the generation has grown. The code may come up
 *   to a second late, in which the card was given the time to be seen leaving. It may also be a card that was swapped
 *   faster than the service looks (400 ms with pcsc-lite).
 * - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`, and the other codes of a connection (see the top of this file).
 *
 * Blocks until the card answers, and before that while another application, or another attachment, holds a lock on the
 * card: `scm_transmit_ex` has a limit for that. Other threads
 * that use the same handle wait meanwhile. Two threads that share a handle may get each other's last response: an
 * attachment for each is better.
 */
SCM_API
scm_result scm_transmit(struct scm_handle *handle,
                        const uint8_t *command,
                        size_t command_length,
                        uint8_t *response,
                        size_t capacity,
                        size_t *response_length);

/**
 * Sends one command APDU to the card, as `scm_transmit` does, if the card can be had in time.
 *
 * The card is locked for the exchange, unless it is locked already: a command that waits inside of the resource manager
 * could not be called back. So it takes three messages to the resource manager in place of one.
 *
 * @param handle  the attachment
 * @param command  as for `scm_transmit`
 * @param command_length  as for `scm_transmit`
 * @param response  [out] as for `scm_transmit`
 * @param capacity  as for `scm_transmit`
 * @param response_length  [out] as for `scm_transmit`
 * @param timeout_ms  how long to wait for others to give the card back, in milliseconds: 0 not at all, `SCM_INFINITE`
 *   without a limit. Once the card has the command, its answer is waited for, however long it takes.
 *
 * @return as `scm_transmit`, and
 * - `SCM_SCARD_E_TIMEOUT`: others have had the card all the time, or the resource manager has not answered. Nothing was sent,
 *   and nothing will be.
 * - `SCM_SCARD_E_CANCELLED`: `scm_cancel` has ended the wait. Nothing was sent, and nothing will be.
 *
 * Blocks until the card answers, and before that for `timeout_ms` at the most, and some 200 ms more where the resource
 * manager is slow to answer.
 */
SCM_API
scm_result scm_transmit_ex(struct scm_handle *handle,
                           const uint8_t *command,
                           size_t command_length,
                           uint8_t *response,
                           size_t capacity,
                           size_t *response_length,
                           uint32_t timeout_ms);

/**
 * The answer of the last `scm_transmit`, `scm_send` or `scm_control` on this attachment, once more, without asking anyone. That
 * of `scm_send` is all the data, however many exchanges they took, also those that nobody has expected, and the status word. That may be
 * more than `SCM_RESPONSE_MAX`, where the card goes on giving after the first exchanges.
 *
 * It is kept until the next exchange, however often it is asked for, so that an answer which did not fit its buffer
 * is not lost. After an exchange that failed, and before the first one, it is empty. Whatever else exchanges something with
 * the card leaves nothing in it that is worth reading.
 *
 * @param handle  the attachment
 * @param response  [out] the bytes; NULL with capacity 0 asks for the length
 * @param capacity  the room in `response`
 * @param response_length  [out] the length of the answer
 *
 * @return
 * - `SCM_S_OK`: given.
 * - `SCM_E_POINTER`: `response_length` is NULL, or `response` is NULL with a capacity.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the answer does not fit; it is still kept.
 * - `SCM_SCARD_E_NOT_READY`: asked by a callback of a virtual card, in the middle of the exchange.
 * - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`: as everywhere.
 *
 * Waits for a call that another thread is in on the same handle; asks neither card nor service.
 */
SCM_API
scm_result scm_get_last_response(struct scm_handle *handle,
                                 uint8_t *response,
                                 size_t capacity,
                                 size_t *response_length);

/**
 * Sends a control code to the reader, also without a card in direct mode (PC/SC part 3; features: part 10).
 *
 * @param handle  the attachment
 * @param control_code  the code as the platform has it: `scm_ctl_code(function)`, or what the reader named as a feature
 * @param input  what goes with the code; NULL with length 0 for nothing
 * @param input_length  its length, up to `SCM_COMMAND_MAX` bytes
 * @param output  [out] what the reader answers
 * @param capacity  the room in `output`
 * @param output_length  [out] the length of the answer, 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: the reader has answered.
 * - `SCM_E_POINTER`: `output_length` is NULL, or `output` is NULL with a capacity. Nothing was sent.
 * - `SCM_E_INVALIDARG`: `input` is NULL with a length, or too long. Nothing was sent.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the answer does not fit; `scm_get_last_response` gives it.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the reader does not know this code.
 * - `SCM_SCARD_E_NOT_TRANSACTED`: the reader knows it and failed.
 * - `SCM_SCARD_E_SHARING_VIOLATION`: another application holds a lock on the card.
 * - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`, and the other codes of a connection (see the top of this file).
 *
 * Blocks as long as the reader takes.
 */
SCM_API
scm_result scm_control(struct scm_handle *handle,
                       uint32_t control_code,
                       const uint8_t *input,
                       size_t input_length,
                       uint8_t *output,
                       size_t capacity,
                       size_t *output_length);

/**
 * The control code of this platform for a function number: the macro `SCARD_CTL_CODE` of PC/SC.
 *
 * @param function  the number, such as 3400 for CM_IOCTL_GET_FEATURE_REQUEST (PC/SC part 10)
 * @return the code for `scm_control`
 */
SCM_API uint32_t scm_ctl_code(uint32_t function);

/**
 * Tells what is known of an open file, as it was when it was opened.
 *
 * @param file  the file
 * @param info  [out] what is known; its `struct_size` is set before, as `SCM_FILE_INFO_INIT` does
 *
 * @return
 * - `SCM_S_OK`: told.
 * - `SCM_E_POINTER`: `info` is NULL.
 * - `SCM_E_INVALIDARG`: `struct_size` is that of no version.
 * - `SCM_E_HANDLE`: `file` is no file, or not any more.
 *
 * Asks nobody.
 */
SCM_API scm_result scm_file_get_info(struct scm_file *file, struct scm_file_info *info);

/**
 * Reads from the position on, which moves behind what was read (ISCardFileAccess::Read).
 *
 * Of a file of bytes up to `capacity` bytes, in as many commands as it takes; fewer at its end, and where the card gives no more:
 * then the next call tells why. Of a file of records one record, as long as it is, whatever length of records the card has told. Of a record that
 * it cuts without saying so, and of whose length it tells nothing, the cut one is read.
 *
 * The end is proven. A card that refuses a length (6700, 6B00, 6282 without data, 6A86, 6CXX, 6F00, 6985, nothing at all, ...) is asked for less, down to one
 * byte: it may not cross the end, or cannot give so much at once, and then what it gives is found in eight commands at most, and remembered for the
 * card. A card that has lost the selection (6986, 6A82) is asked once more with the file selected again. Extended lengths that it refuses (6D00, 6981, 6985, ...) are
 * tried short. `SCM_SCARD_W_EOF` says that the card has refused one byte, or the record, twice; and where it has told a greater size, or
 * more records, also the last one of that. A size that is too small is found out as well: behind it one byte is asked for.
 *
 * @param file  the file
 * @param data  [out] the bytes, or the record
 * @param capacity  how many bytes are wanted, and the room in `data`
 * @param data_length  [out] how many were read, 0 after a failure
 * @param flags  0
 *
 * @return
 * - `SCM_S_OK`: read.
 * - `SCM_SCARD_W_EOF`: the position is at the end.
 * - `SCM_SCARD_E_COMM_DATA_LOST`: the card says that part of the data may be wrong (6281), or that there is nothing, or no file, where it has
 *   told that there is; or it cannot give so long a record at once.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the position is beyond 32,767, and the card does not know the instruction for that (B1).
 * - `SCM_E_POINTER`: `data_length` is NULL, or `data` is.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the record does not fit, `*data_length` is what is needed, and the position is as before.
 * - `SCM_SCARD_W_REMOVED_CARD`: the card was taken out, or may be another one than the file was opened on.
 * - `SCM_SCARD_W_SECURITY_VIOLATION`: a code or a key has to be shown before.
 * - others as `scm_create_file_access` says
 */
SCM_API
scm_result scm_file_read(struct scm_file *file,
                         uint8_t *data,
                         size_t capacity,
                         size_t *data_length,
                         uint32_t flags);

/**
 * Writes at the position, which moves behind what was written (ISCardFileAccess::Write).
 *
 * To a file of bytes all of `data`, in as many commands as it takes. A card that refuses a part (6700, 6A84, 6A86, 6B00, ...) is given a
 * shorter one, down to one byte; what it takes at once is remembered. A card that has lost the selection (6986, 6A82) gets the
 * command once more with the file selected again. To a file of records one record: that at the position, or a new one at the end
 * (APPEND RECORD; in a ring UPDATE RECORD of the previous one, where the card knows only that). In a ring a new record is the first,
 * where there is no room in place of the oldest, and
 * the position is behind it then: 1.
 *
 * @param file  the file
 * @param data  the bytes, or the record. With `SCM_FL_ERASE` only their length counts, and it may be NULL.
 * @param data_length  their length; with 0 nothing is sent
 * @param flags  `SCM_FL_REPLACE`, or 0: what was there is replaced (UPDATE); `SCM_FL_ERASE`: it is erased (ERASE); `SCM_FL_OR`,
 *   `SCM_FL_AND`: bits are set or cleared (WRITE). Whether WRITE does the one or the other is a property of the file. A record
 *   is erased as a whole.
 * @param written  [out] how many bytes the card has acknowledged: also after a failure, such as a card that was pulled in the
 *   middle. The position is behind them then.
 *
 * @return
 * - `SCM_S_OK`: all written.
 * - `SCM_E_POINTER`: `written` is NULL.
 * - `SCM_E_INVALIDARG`: `data` is NULL with a length; several of the flags; another flag.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: WRITE does something else with this file; or the card does not know the command.
 * - `SCM_SCARD_E_WRITE_TOO_MANY`: more than the file, or a record of it, can hold. Behind the size that the card has told, one byte is read
 *   first: if the card refuses it twice, nothing is written. Else, and where it has told no size, or too much, what fits is written, and `*written`
 *   tells how much. A record that is longer than the card has told is sent, and this is the code if the card refuses it.
 * - `SCM_SCARD_E_BAD_SEEK`: the position is behind the end.
 * - `SCM_SCARD_W_REMOVED_CARD`: the card was taken out, or may be another one than the file was opened on.
 * - `SCM_SCARD_W_SECURITY_VIOLATION`: a code or a key has to be shown before.
 * - others as `scm_create_file_access` says. Whether the card has carried out the command that failed is not known where it has
 *   not answered.
 */
SCM_API
scm_result scm_file_write(struct scm_file *file,
                          const uint8_t *data,
                          size_t data_length,
                          uint32_t flags,
                          size_t *written);

/**
 * Moves the position (ISCardFileAccess::Seek). It counts bytes, or records of a file of records.
 *
 * @param file  the file
 * @param offset  how far, also negative
 * @param origin  from where: `SCM_SEEK_FROM_BEGINNING`, `SCM_SEEK_FROM_END` or `SCM_SEEK_RELATIVE`
 *
 * @return
 * - `SCM_S_OK`: moved; right behind the end is a position too.
 * - `SCM_E_INVALIDARG`: `origin` is not defined.
 * - `SCM_SCARD_E_BAD_SEEK`: that is before the beginning or behind the end. The position is as before. Of a file of bytes whose size
 *   the card does not tell, the end is not looked for.
 * - `SCM_E_HANDLE`, and where the card is asked the codes of `scm_file_read`
 *
 * Asks the card for records, for the end, and whether there is something behind the size that it has told.
 */
SCM_API
scm_result scm_file_seek(struct scm_file *file,
                         int64_t offset,
                         uint32_t origin);

/**
 * Tells the position.
 *
 * @param file  the file
 * @param position  [out] bytes, or records, from the beginning; 0 after a failure
 *
 * @return `SCM_S_OK`, `SCM_E_POINTER`, `SCM_E_HANDLE`
 *
 * Asks nobody.
 */
SCM_API scm_result scm_file_tell(struct scm_file *file, uint64_t *position);

/**
 * Tells how many bytes a file has, or how many records there are in a file of records.
 *
 * @param file  the file
 * @param size  [out] the number; 0 after a failure
 *
 * @return `SCM_S_OK`, `SCM_E_POINTER`, `SCM_E_HANDLE`, or the codes of `scm_file_read`
 *
 * Asks the card for records, at most 16 times. Of a file of bytes it reads the last one of the size that the card has told, and looks whether another
 * one follows, once; where that is wrong, or the card tells no size, it looks for the end. Of a file that may not be read it gives what the card tells.
 */
SCM_API
scm_result scm_file_size(struct scm_file *file,
                         uint64_t *size);

/**
 * Closes a file (ISCardFileAccess::Close).
 *
 * @param file  the file
 *
 * @return
 * - `SCM_S_OK`: closed.
 * - `SCM_E_HANDLE`: `file` is no file, or not any more.
 *
 * Asks nobody: the card knows nothing of open files.
 */
SCM_API scm_result scm_file_close(struct scm_file *file);

/**
 * Gives access to the files of the card (ISCardManage::CreateFileAccess).
 *
 * The files are those of ISO/IEC 7816-4: a tree of directories (DF) and files (EF) below the MF, which is the current directory
 * at first. Nothing is sent to the card yet. A card that refuses the class of the first SELECT (6E00, 6D00), or answers it as a SIM, is asked once for an MF in class A0,
 * and is a SIM (3GPP TS 51.011) if it has one: its files and codes are asked for in that class. docs/files.md says what a SIM has not.
 *
 * Every function of the object that asks the card does so under one lock, and selects what it works on, because another
 * process may have selected something else meanwhile. While the caller holds `scm_lock`, what is selected stays selected, and is
 * not selected again, as long as no command of the caller's own comes in between (`scm_send`, `scm_transmit`) and nobody else
 * knows the card handle (it is borrowed, or was asked for with `scm_get_icc`).
 *
 * PATHS are text of at most `SCM_PATH_MAX` bytes. `reference_type` says how they are meant:
 * - `SCM_TYPE_BY_ID`: identifiers of four hexadecimal digits, from the MF (`3F00/5015/4401`) or from the current directory
 *   (`4401`); `..` takes back what is before it, `.` is the current one. Where the first is a name of at least three bytes, from that.
 * - `SCM_TYPE_BY_NAME`: the name of a directory (AID) in hexadecimal digits; identifiers may follow: `F073636D74657374/4401`. The
 *   beginning of a name is enough where nothing is changed as a whole (deleted, invalidated, given properties).
 * - `SCM_TYPE_BY_SHORT_ID`: a short identifier, 1 to 30: a file in the current directory.
 * - `SCM_TYPE_BY_ANY`: what it looks like; where it looks like several things, what the card has first: an identifier, a short
 *   identifier, a name of at least five bytes. `scm_file_access_resolve` and `scm_file_get_info` tell what it was taken for.
 *
 * CODES that every function here may answer, besides its own:
 * - `SCM_E_HANDLE`: the object was released, or its attachment detached.
 * - `SCM_E_INVALIDARG`: a path is NULL, too long, or none of this type; a value or a flag is not defined for this function.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: `SCM_FL_SECURE_MESSAGING` without a provider for it, or the card does not know the command.
 * - `SCM_SCARD_E_DIR_NOT_FOUND`, `SCM_SCARD_E_FILE_NOT_FOUND`: the directory, or the file in it, is not on the card.
 * - `SCM_SCARD_E_NO_DIR`, `SCM_SCARD_E_NO_FILE`: it is a file, or a directory, and the other was meant.
 * - `SCM_SCARD_W_SECURITY_VIOLATION`: a code or a key has to be shown before, perhaps again after a reset.
 * - `SCM_SCARD_E_NO_ACCESS`: it is not allowed in the state that the file is in.
 * - `SCM_SCARD_E_COMM_DATA_LOST`: the card says that the data may be wrong (6281).
 * - what else `scm_send` makes of a status word, and the codes of a connection (see the top of this file)
 *
 * They block while others hold a lock on the card, which `scm_cancel` ends, and as long as the card takes. Any thread may call
 * them; calls for one attachment run one after the other.
 *
 * @param handle  the attachment
 * @param file_access  [out] the object, to be ended with `scm_file_access_release`; NULL after a failure
 *
 * @return
 * - `SCM_S_OK`: made.
 * - `SCM_E_POINTER`: `file_access` is NULL.
 * - `SCM_SCARD_E_ICC_CREATEORDER`: `handle` is NULL: attach first.
 * - `SCM_E_HANDLE`: `handle` is no attachment, or not any more.
 * - `SCM_E_OUTOFMEMORY`: no memory.
 *
 * Asks nobody.
 */
SCM_API
scm_result scm_create_file_access(struct scm_handle *handle,
                                  struct scm_file_access **file_access);

/**
 * Ends the object. Files that it has opened stay open.
 *
 * @param file_access  the object
 *
 * @return
 * - `SCM_S_OK`: ended.
 * - `SCM_E_HANDLE`: `file_access` is no such object, or not any more.
 *
 * Asks nobody.
 */
SCM_API scm_result scm_file_access_release(struct scm_file_access *file_access);

/**
 * Makes another directory the current one (ISCardFileAccess::ChangeDir).
 *
 * @param file_access  the object
 * @param reference_type  how `path` is meant
 * @param path  the directory
 *
 * @return `SCM_S_OK`, or a code as `scm_create_file_access` says. After a failure the current directory is as before.
 */
SCM_API
scm_result scm_file_access_change_dir(struct scm_file_access *file_access,
                                      uint32_t reference_type,
                                      const char *path);

/**
 * Tells the path of the current directory (ISCardFileAccess::GetCurrentDir).
 *
 * It begins with 3F00, or with the name of a directory where that was changed to by its name: `3F00/5015`,
 * `F073636D74657374`. `SCM_TYPE_BY_ANY` takes it back.
 *
 * @param file_access  the object
 * @param path  [out] the path, with its NUL; NULL with capacity 0 asks for the length
 * @param capacity  the room in `path`, in bytes
 * @param path_length  [out] the length of the path with its NUL, 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: told.
 * - `SCM_E_POINTER`: `path_length` is NULL, or `path` is NULL with a capacity.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the path does not fit.
 * - `SCM_E_HANDLE`, `SCM_E_OUTOFMEMORY`
 *
 * Asks nobody: whether the directory is still there shows when it is used.
 */
SCM_API
scm_result scm_file_access_get_current_dir(struct scm_file_access *file_access,
                                           char *path,
                                           size_t capacity,
                                           size_t *path_length);

/**
 * Tells what a path is taken for, and the path from the MF or from a name that it stands for. There has to be such a file, or
 * directory, on the card.
 *
 * @param file_access  the object
 * @param reference_type  how `path` is meant
 * @param path  the file or directory
 * @param taken_as  [out] `SCM_TYPE_BY_NAME`, `_BY_ID` or `_BY_SHORT_ID`; 0 after a failure
 * @param resolved  [out] the whole path, with its NUL; NULL with capacity 0 asks for the length. A short identifier is a number
 *   behind the directory: `3F00/5015/7`.
 * @param capacity  the room in `resolved`, in bytes
 * @param resolved_length  [out] its length with its NUL, 0 after a failure
 *
 * @return `SCM_S_OK`, `SCM_E_POINTER`, `SCM_SCARD_E_INSUFFICIENT_BUFFER`, or a code as `scm_create_file_access` says
 */
SCM_API
scm_result scm_file_access_resolve(struct scm_file_access *file_access,
                                   uint32_t reference_type,
                                   const char *path,
                                   uint32_t *taken_as,
                                   char *resolved,
                                   size_t capacity,
                                   size_t *resolved_length);

/**
 * Lists the current directory (ISCardFileAccess::Directory).
 *
 * ISO/IEC 7816-4 has no command for it. So files are found by selecting identifiers that are in use on many cards, in 351 SELECTs: those of
 * the standard applications (ISO/IEC 7816-4 and 7816-15, ICAO 9303, ETSI TS 102 221 with 3GPP TS 51.011 and TS 31.102, EN 14890), and 44, 45, 50, 10,
 * 00, 40 and 5F with 00 to 1F behind; docs/files.md has the list. In the MF also by what EF.DIR (2F00) has of applications. What is
 * neither is not listed, nor what may not be selected: `scm_file_access_directory_ex` tries other identifiers. On a SIM all identifiers are tried that
 * the standard has for the level of the directory, in 512 SELECTs at most. A provider lists what it knows.
 *
 * @param file_access  the object
 * @param file_type  what to list: `SCM_TYPE_DIRECTORIES`, `SCM_TYPE_FILES`, `SCM_TYPE_ALL_FILES`, or one kind, from
 *   `SCM_TYPE_DIRECTORY_FILE` to `SCM_TYPE_VARIABLE_EF`. A file whose kind its card does not tell is one of the first three.
 * @param names  [out] the names, each with its NUL, and one more NUL at the end: identifiers, and names of applications that have
 *   none; NULL with capacity 0 asks for the length
 * @param capacity  the room in `names`, in bytes
 * @param names_length  [out] the length with all NULs, 0 after a failure
 *
 * @return `SCM_S_OK`, `SCM_E_POINTER`, `SCM_SCARD_E_INSUFFICIENT_BUFFER` (the card is asked again by the next call), or a code as
 *   `scm_create_file_access` says
 */
SCM_API
scm_result scm_file_access_directory(struct scm_file_access *file_access,
                                     uint32_t file_type,
                                     char *names,
                                     size_t capacity,
                                     size_t *names_length);

/**
 * Lists the current directory, trying the identifiers that `options` say.
 *
 * @param file_access  the object
 * @param file_type  as for `scm_file_access_directory`
 * @param options  the range of identifiers, both included; NULL for the usual ones. All of them, 0001 to FFFE, are 65,534 commands:
 *   minutes, with most cards and readers.
 * @param names  [out] as for `scm_file_access_directory`
 * @param capacity  as for `scm_file_access_directory`
 * @param names_length  [out] as for `scm_file_access_directory`
 *
 * @return as `scm_file_access_directory`, and
 * - `SCM_E_INVALIDARG`: the last identifier comes before the first, or `struct_size` is that of no version.
 *
 * The card is locked all the time.
 */
SCM_API
scm_result scm_file_access_directory_ex(struct scm_file_access *file_access,
                                        uint32_t file_type,
                                        const struct scm_directory_options *options,
                                        char *names,
                                        size_t capacity,
                                        size_t *names_length);

/**
 * Opens a file (ISCardFileAccess::Open). The position is at its beginning.
 *
 * @param file_access  the object
 * @param reference_type  how `path` is meant
 * @param path  the file
 * @param file  [out] the file, to be ended with `scm_file_close`; NULL after a failure
 *
 * @return `SCM_S_OK`, `SCM_E_POINTER`, or a code as `scm_create_file_access` says
 */
SCM_API
scm_result scm_file_access_open(struct scm_file_access *file_access,
                                uint32_t reference_type,
                                const char *path,
                                struct scm_file **file);

/**
 * Creates a file or a directory (ISCardFileAccess::Create; CREATE FILE of ISO/IEC 7816-9).
 *
 * @param file_access  the object
 * @param reference_type  how `path` is meant. By name a directory of this name is created in the current one; a short identifier
 *   is no place for a new file, but may be among the `properties` (88).
 * @param path  the new file
 * @param properties  its control parameters, as BER-TLV data objects of ISO/IEC 7816-4, 7.4, with a template 62 or without: such as
 *   80 (size), 82 (file descriptor), 86 or 8C (security). What is missing is put in: the identifier (83) or the name (84) of the
 *   path, the size of `data`, and that it is a file of bytes (a directory, if by name). (NULL, 0) for none.
 * @param properties_length  their length in bytes
 * @param flags  `SCM_FL_PREALLOCATE`: room is wanted for data that come later; `properties` say how much. Or 0.
 * @param data  the first content of the file; of a file of records as many as it fills. (NULL, 0) for none.
 * @param data_length  its length in bytes
 *
 * @return `SCM_S_OK`, or a code as `scm_create_file_access` says, and
 * - `SCM_E_INVALIDARG`: `properties` are no data objects, or contradict the path, or do not say a size with `SCM_FL_PREALLOCATE`;
 *   `data` for a directory.
 * - `SCM_SCARD_E_NO_ACCESS`: there is a file of this identifier or name, or a condition of the card is not met.
 * - `SCM_SCARD_E_WRITE_TOO_MANY`: no room on the card, or the data are too long for the file.
 *
 * Where the file was created and the data could not be written, the file is there.
 */
SCM_API
scm_result scm_file_access_create(struct scm_file_access *file_access,
                                  uint32_t reference_type,
                                  const char *path,
                                  const uint8_t *properties,
                                  size_t properties_length,
                                  uint32_t flags,
                                  const uint8_t *data,
                                  size_t data_length);

/**
 * Deletes a file or a directory (ISCardFileAccess::Delete; DELETE FILE of ISO/IEC 7816-9).
 *
 * When the current directory is deleted, the one above it becomes the current one.
 *
 * @param file_access  the object
 * @param reference_type  how `path` is meant; not by short identifier
 * @param path  the file or directory
 * @param flags  `SCM_FL_RECURSIVE`: a directory with all that is in it; `SCM_FL_NON_RECURSIVE`, or 0: a file only, because whether
 *   a directory is empty no command of the standard tells. A provider may know.
 *
 * @return `SCM_S_OK`, or a code as `scm_create_file_access` says, and
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: it is a directory, or may be one, and `SCM_FL_RECURSIVE` is not said. Nothing is deleted.
 * - `SCM_SCARD_E_FILE_NOT_FOUND`: also a name that is only the beginning of one.
 * - `SCM_SCARD_E_NO_ACCESS`: a condition of the card is not met, such as that a directory has to be empty: then what is in it is to
 *   be deleted before.
 */
SCM_API
scm_result scm_file_access_delete(struct scm_file_access *file_access,
                                  uint32_t reference_type,
                                  const char *path,
                                  uint32_t flags);

/**
 * Tells the properties of a file or a directory (ISCardFileAccess::GetProperties): its control parameters, as the card gives them
 * when it is selected (ISO/IEC 7816-4, 7.4).
 *
 * @param file_access  the object
 * @param reference_type  how `path` is meant
 * @param path  the file or directory; `.` is the current one
 * @param tags  which of them: tags one behind the other, such as 80 82 83; (NULL, 0) for all that `flags` say
 * @param tags_length  their length in bytes
 * @param flags  `SCM_FL_GET_ALL_PROPERTIES`: all that the card tells, also management data such as labels; `SCM_FL_STAT_DEFAULT`, or
 *   0: the control parameters
 * @param properties  [out] BER-TLV data objects, without a template; NULL with capacity 0 asks for the length
 * @param capacity  the room in `properties`, in bytes
 * @param properties_length  [out] their length, 0 after a failure
 *
 * @return `SCM_S_OK` (also if the card tells none of them), `SCM_E_POINTER`, `SCM_SCARD_E_INSUFFICIENT_BUFFER`, or a code as
 *   `scm_create_file_access` says
 */
SCM_API
scm_result scm_file_access_get_properties(struct scm_file_access *file_access,
                                          uint32_t reference_type,
                                          const char *path,
                                          const uint8_t *tags,
                                          size_t tags_length,
                                          uint32_t flags,
                                          uint8_t *properties,
                                          size_t capacity,
                                          size_t *properties_length);

/**
 * Gives a file or a directory other properties (ISCardFileAccess::SetProperties): PUT DATA of the control parameters (0062), where
 * the card allows that.
 *
 * @param file_access  the object
 * @param reference_type  how `path` is meant
 * @param path  the file or directory
 * @param properties  BER-TLV data objects, without a template
 * @param properties_length  their length in bytes
 * @param flags  0
 *
 * @return `SCM_S_OK`, or a code as `scm_create_file_access` says, and
 * - `SCM_E_INVALIDARG`: `properties` are no data objects, or none.
 * - `SCM_SCARD_E_NO_ACCESS`: the card does not change them.
 */
SCM_API
scm_result scm_file_access_set_properties(struct scm_file_access *file_access,
                                          uint32_t reference_type,
                                          const char *path,
                                          const uint8_t *properties,
                                          size_t properties_length,
                                          uint32_t flags);

/**
 * Tells what the file system of the card can do (ISCardFileAccess::GetFileCapabilities): what its ATR and EF.ATR/INFO say, as
 * BER-TLV data objects (ISO/IEC 7816-4, 12.1 and 12.2): 43 card service data, 47 card capabilities, 7F66 how long commands and
 * responses may be, and others.
 *
 * @param file_access  the object
 * @param tags  which of them: tags one behind the other; (NULL, 0) for all
 * @param tags_length  their length in bytes
 * @param flags  0
 * @param capabilities  [out] the data objects; NULL with capacity 0 asks for the length
 * @param capacity  the room in `capabilities`, in bytes
 * @param capabilities_length  [out] their length, 0 after a failure
 *
 * @return `SCM_S_OK` (also if the card says none of them), `SCM_E_POINTER`, `SCM_SCARD_E_INSUFFICIENT_BUFFER`, or a code as
 *   `scm_create_file_access` says
 */
SCM_API
scm_result scm_file_access_get_file_capabilities(struct scm_file_access *file_access,
                                                 const uint8_t *tags,
                                                 size_t tags_length,
                                                 uint32_t flags,
                                                 uint8_t *capabilities,
                                                 size_t capacity,
                                                 size_t *capabilities_length);

/**
 * Makes a file or a directory unusable until `scm_file_access_rehabilitate` (ISCardFileAccess::Invalidate; DEACTIVATE FILE of ISO/IEC
 * 7816-9).
 *
 * @param file_access  the object
 * @param path  the file or directory, of any type
 * @param flags  0
 *
 * @return `SCM_S_OK`, or a code as `scm_create_file_access` says
 */
SCM_API
scm_result scm_file_access_invalidate(struct scm_file_access *file_access,
                                      const char *path,
                                      uint32_t flags);

/**
 * Makes a file or a directory usable again (ISCardFileAccess::Rehabilitate; ACTIVATE FILE of ISO/IEC 7816-9).
 *
 * @param file_access  the object
 * @param path  the file or directory, of any type
 * @param flags  0
 *
 * @return `SCM_S_OK`, or a code as `scm_create_file_access` says
 */
SCM_API scm_result scm_file_access_rehabilitate(struct scm_file_access *file_access, const char *path, uint32_t flags);

/**
 * Lists the readers: those of the platform in its order, then the virtual ones of this process in the order in which they
 * were made. A resource manager that does not run has no readers, and where no reader is left to be listed a code says so. It is a success,
 * so that a program that needs no reader yet goes on; `scm_monitor_wait` tells when the service comes up, and its readers.
 *
 * @param names  [out] a multi-string: each name in UTF-8 with its NUL, behind the last one a NUL more. No reader is an
 *   empty list, a single NUL, and no error. NULL with capacity 0 asks for the length.
 * @param capacity  the room in `names`, in bytes
 * @param length  [out] the length of the list with all its NULs, 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: listed. An empty list with this code: the resource manager runs, and knows no reader.
 * - `SCM_SCARD_S_NO_SERVICE`: a success. The list is empty, because a resource manager is not running: that of the platform (on Linux
 *   pcscd; as root `systemctl start pcscd.socket` starts it, for one), or that of the virtual readers, which was stopped.
 * - `SCM_E_POINTER`: `length` is NULL, or `names` is NULL with a capacity.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the list does not fit; `*length` is what is needed now. It may have grown by the next
 *   call.
 * - `SCM_SCARD_E_SERVER_TOO_BUSY`, `SCM_SCARD_W_SECURITY_VIOLATION`: as for `scm_attach_by_ifd`, if there is no virtual
 *   reader; otherwise only these are listed.
 * - the other codes of a connection (see the top of this file), if the service says so and there is no virtual reader.
 * - `SCM_E_OUTOFMEMORY`: no memory.
 * - `SCM_E_UNEXPECTED`: an internal error.
 *
 * Does not wait for other applications. Any thread may call it, and a child after a fork.
 */
SCM_API
scm_result scm_list_ifds(char *names,
                         size_t capacity,
                         size_t *length);

/**
 * Lists the groups of readers. pcsc-lite has one, `SCard$DefaultReaders`.
 *
 * @param names  [out] a multi-string, as for `scm_list_ifds`
 * @param capacity  the room in `names`, in bytes
 * @param length  [out] the length of the list with all its NULs, 0 after a failure
 *
 * @return as `scm_list_ifds`
 *
 * Does not wait for other applications. Any thread may call it, and a child after a fork.
 */
SCM_API scm_result scm_list_ifd_groups(char *names, size_t capacity, size_t *length);

/**
 * Creates an interface for a card (ISCardManage::CreateInterface), by its IID or by its name.
 *
 * | IID | name | what is created | and ended by |
 * |---|---|---|---|
 * | `SCM_IID_FILE_ACCESS` | "FileAccess", "ISCardFileAccess" | as by `scm_create_file_access` | `scm_file_access_release` |
 * | `SCM_IID_CH_VERIFICATION` | "CHVerification", "ISCardVerify" | as by `scm_create_ch_verification` | `scm_ch_verification_release` |
 * | `SCM_IID_CARD_AUTH` | "CardAuth", "ISCardAuth" | as by `scm_create_card_auth` | `scm_card_auth_release` |
 * | any other of a provider | any other of a provider | an `scm_interface` | `scm_interface_release` |
 *
 * Whatever is created stands for the attachment, not for the card: it outlives a reconnect, also one that finds another card, and is
 * then still that of the same provider. It dies with `scm_detach`.
 *
 * ```c
 * static const scm_guid iid = SCM_IID_FILE_ACCESS;
 * void *object;
 * scm_result result = scm_create_interface(handle, &iid, NULL, NULL, &object);
 * scm_file_access *files = object;
 * ```
 *
 * @param handle  the attachment
 * @param iid  the interface; or NULL, if `name` says it
 * @param name  the name of the interface, UTF-8, 1 to `SCM_INTERFACE_NAME_MAX` bytes, upper and lower case differ; or NULL. Next to
 *   an IID it is not looked at.
 * @param user_data  handed on to the provider as it is; not used by the generic implementations
 * @param interface  [out] what was created; NULL after a failure
 *
 * @return
 * - `SCM_S_OK`: created.
 * - `SCM_E_POINTER`: `interface` is NULL.
 * - `SCM_E_INVALIDARG`: `iid` and `name` are both NULL, or the name cannot be one.
 * - `SCM_E_NOINTERFACE`: nobody knows this IID or name for this card.
 * - `SCM_SCARD_E_ICC_CREATEORDER`: `handle` is NULL: the attachment has to be made first.
 * - `SCM_E_HANDLE`: `handle` is no attachment, or not any more, also when it was detached while the provider was creating.
 * - `SCM_E_OUTOFMEMORY`: no memory.
 * - `SCM_E_UNEXPECTED`: an internal error.
 * - any failure of the provider
 *
 * The generic implementations ask neither card nor service here; a provider takes as long as it takes. Any thread may call it.
 */
SCM_API
scm_result scm_create_interface(struct scm_handle *handle,
                                const struct scm_guid *iid,
                                const char *name,
                                void *user_data,
                                void **interface);

/**
 * Gets the functions of an interface that only its provider knows, and the object that they are called with.
 *
 * Both belong to the provider, which defines their meaning: the library uses neither. They are valid until the interface is
 * released or its attachment is detached. The caller of the functions must not call them later.
 *
 * @param interface  the interface
 * @param functions  [out] the functions, as `scm_register_interface_provider` got them; NULL after a failure
 * @param object  [out] the object, as `scm_provider.create` gave it; NULL after a failure
 *
 * @return
 * - `SCM_S_OK`: given.
 * - `SCM_E_POINTER`: `functions` or `object` is NULL.
 * - `SCM_E_HANDLE`: `interface` is none, or was released, or its attachment was detached.
 * - `SCM_E_UNEXPECTED`: an internal error.
 *
 * Does not block. Any thread may call it.
 */
SCM_API
scm_result scm_interface_get_functions(struct scm_interface *interface,
                                       const void **functions,
                                       void **object);

/**
 * Ends an interface that only its provider knows. The provider releases its object.
 *
 * @param interface  the interface
 *
 * @return
 * - `SCM_S_OK`: ended.
 * - `SCM_E_HANDLE`: `interface` is none, or not any more, or its attachment is not there any more.
 * - `SCM_E_UNEXPECTED`: an internal error.
 *
 * Takes as long as the provider takes to release its object. Any thread may call it.
 */
SCM_API scm_result scm_interface_release(struct scm_interface *interface);

/**
 * Takes the card for this attachment alone (ISCardManage::SCardLock).
 *
 * Locks are counted: each wants its `scm_unlock`. Only the outermost one asks the resource manager. The lock is the
 * attachment's, not the thread's: any thread that has the handle may use the card meanwhile.
 *
 * @param handle  the attachment
 *
 * @return
 * - `SCM_S_OK`: locked.
 * - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`, and the codes of a connection (see the top of this file); not locked then.
 * - `SCM_SCARD_E_CANCELLED`: `scm_cancel` has ended the wait; not locked.
 * - `SCM_E_FAIL`: locked 4,294,967,295 times.
 *
 * Blocks while another application, or another attachment, holds a lock on the card, without a limit: `scm_lock_ex` has
 * one. Attachments of one process get the card in the order in which they asked for it, each as soon as the one before
 * gives it back. Another application's lock is asked about every 5 ms. The thread that waits makes other threads wait
 * that use the same handle, except for `scm_detach`, `scm_cancel` and the `scm_get_` functions that do not ask the card.
 *
 * A thread that takes a lock on two attachments to one reader waits for itself: without a limit for ever.
 */
SCM_API
scm_result scm_lock(struct scm_handle *handle);

/**
 * Takes the card for this attachment alone, as `scm_lock` does, if that is possible in time.
 *
 * @param handle  the attachment
 * @param timeout_ms  how long to wait for others, in milliseconds: 0 not at all, `SCM_INFINITE` without a limit
 *
 * @return as `scm_lock`, and
 * - `SCM_SCARD_E_TIMEOUT`: others have had the card all the time, or the resource manager has not answered. Not locked; a
 *   lock that the resource manager grants later is given back at once.
 *
 * Blocks for `timeout_ms` at the most, and some 200 ms more where the resource manager is slow to answer.
 */
SCM_API
scm_result scm_lock_ex(struct scm_handle *handle,
                       uint32_t timeout_ms);

/**
 * Ends a wait on an attachment: the one that another thread is in, or else the next one.
 *
 * A call that waits for others answers `SCM_SCARD_E_CANCELLED`, and the attachment is as before. No cancel gets lost:
 * where no call waits, it is remembered until one does, and ends that. Calls that need not wait do not notice it. Where
 * several threads wait on one handle, it ends one of the waits.
 *
 * What waits for another attachment of this process can be cancelled always. What waits for another application can
 * be in `scm_lock`, `scm_lock_ex`, `scm_transmit_ex`, and in `scm_reconnect_ex` with a `timeout_ms` or `SCM_INFINITE`;
 * `scm_transmit`, `scm_status` and `scm_reconnect` leave that wait to the resource manager. A command that the card already
 * has is never cut off.
 *
 * @param handle  the attachment
 *
 * @return
 * - `SCM_S_OK`: the wait ends, or the next one will.
 * - `SCM_E_HANDLE`: `handle` is no attachment, or not any more.
 *
 * Never blocks. Any thread may call it; not a signal handler.
 */
SCM_API
scm_result scm_cancel(struct scm_handle *handle);

/**
 * Gives back one lock (ISCardManage::SCardUnlock).
 *
 * The outermost one lets others use the card, after `disposition`; that of an inner one does nothing. After a reset the
 * generation has grown, and the attachment goes on without a reconnect; other attachments have to reconnect.
 *
 * @param handle  the attachment
 * @param disposition  `SCM_DISPOSITION_LEAVE`, `_RESET`, `_UNPOWER` or `_EJECT`
 *
 * @return
 * - `SCM_S_OK`: given back.
 * - `SCM_E_INVALIDARG`: `disposition` is not defined. The lock is still held.
 * - `SCM_SCARD_E_NOT_TRANSACTED`: no lock is held.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the reader cannot eject. Given back; the card is left as it is.
 * - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`: as everywhere.
 * - the codes of a connection: the lock was lost before, together with the card, the reader or the service. It is not
 *   held any more.
 *
 * On a borrowed card handle the owner's next own call is told of a reset, too.
 *
 * Does not wait for other applications, only for a call that another thread is in on the same handle.
 */
SCM_API scm_result scm_unlock(struct scm_handle *handle, uint32_t disposition);

/**
 * Begins to watch the resource managers, their readers and the cards in them.
 *
 * The first events say what there is: for the platform `SCM_EVENT_SERVICE_UP` or `SCM_EVENT_SERVICE_DOWN`, then each reader,
 * and behind it the card that is in it. The virtual resource manager is told of from the first virtual reader of the process
 * on. The events of the two come side by side, in no promised order. `SCM_EVENT_CURRENT` follows when the present state of both
 * has been told; from then on every event is a change. The events of one service are nested: when it goes down, each card was
 * removed and each reader has left before `SCM_EVENT_SERVICE_DOWN`. When it comes up later, its readers follow as in the
 * beginning, and `SCM_EVENT_CURRENT` again.
 *
 * A card that was out and in again is two events, however fast that was, where the platform counts (pcsc-lite and Windows). A
 * card that came and went unseen has no ATR. If nobody fetches them no more than 1024 events wait; what happens then is
 * told as the difference, once there is room.
 *
 * @param monitor  [out] the monitor; NULL after a failure
 *
 * @return
 * - `SCM_S_OK`: made. Each monitor has two threads and two contexts of its own; another monitor slows nobody down.
 * - `SCM_E_POINTER`: `monitor` is NULL.
 * - `SCM_E_OUTOFMEMORY`: no memory, no thread, or no file descriptor.
 * - `SCM_E_UNEXPECTED`: an internal error.
 *
 * Does not block, and does not ask whether a service runs: that it does not is an event. Any thread may call it, and a child
 * after a fork, in which the parent's monitors are dead.
 */
SCM_API
scm_result scm_monitor_create(struct scm_monitor **monitor);

/**
 * Fetches the next event, and waits for it if need be.
 *
 * @param monitor  the monitor
 * @param timeout_ms  how long to wait, in milliseconds; 0: only an event that waits already; `SCM_INFINITE`: without a limit
 * @param event  [out] the event; all zero behind `struct_size` after a failure
 *
 * @return
 * - `SCM_S_OK`: fetched.
 * - `SCM_E_HANDLE`: `monitor` is no monitor, or not any more.
 * - `SCM_E_POINTER`: `event` is NULL.
 * - `SCM_E_INVALIDARG`: `event->struct_size` is of no version of this structure.
 * - `SCM_SCARD_E_TIMEOUT`: there was no event in that time.
 * - `SCM_SCARD_E_CANCELLED`: `scm_monitor_cancel`, or the monitor was destroyed meanwhile. No event is lost by that.
 * - `SCM_E_UNEXPECTED`: an internal error.
 *
 * Keeps its time even if the service hangs. Any thread may call it, several at once: each event goes to one of them.
 */
SCM_API
scm_result scm_monitor_wait(struct scm_monitor *monitor,
                            uint32_t timeout_ms,
                            struct scm_event *event);

/**
 * Ends every `scm_monitor_wait` that is under way on a monitor with `SCM_SCARD_E_CANCELLED`; when there is none, the next one.
 *
 * @param monitor  the monitor
 *
 * @return
 * - `SCM_S_OK`: it does.
 * - `SCM_E_HANDLE`: `monitor` is no monitor, or not any more.
 * - `SCM_E_UNEXPECTED`: an internal error.
 *
 * Does not block. Any thread may call it; a signal handler may not.
 */
SCM_API
scm_result scm_monitor_cancel(struct scm_monitor *monitor);

/**
 * The file descriptor of a monitor, for poll and event loops: it is readable exactly while an event waits.
 *
 * It is the monitor's: fetch events with `scm_monitor_wait` and a time of 0 until that gives `SCM_SCARD_E_TIMEOUT`, and neither
 * read nor close it. `scm_monitor_destroy` closes it. A program that is executed does not inherit it.
 *
 * @param monitor  the monitor
 * @param fd  [out] the file descriptor; 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: given.
 * - `SCM_E_HANDLE`: `monitor` is no monitor, or not any more.
 * - `SCM_E_POINTER`: `fd` is NULL.
 * - `SCM_E_NOTIMPL`: there are no file descriptors on this platform (Windows).
 * - `SCM_E_UNEXPECTED`: an internal error.
 *
 * Does not block. Any thread may call it.
 */
SCM_API
scm_result scm_monitor_fd(struct scm_monitor *monitor,
                          int32_t *fd);

/**
 * Ends a monitor, with the events that nobody has fetched. A wait that is under way ends with `SCM_SCARD_E_CANCELLED`.
 *
 * @param monitor  the monitor
 *
 * @return
 * - `SCM_S_OK`: ended.
 * - `SCM_E_HANDLE`: `monitor` is no monitor, or not any more.
 * - `SCM_E_UNEXPECTED`: an internal error.
 *
 * Waits until the threads of the monitor have left, but no longer than half a second: if the service hangs they leave when it
 * goes on. Any thread may call it. A process may end without.
 */
SCM_API
scm_result scm_monitor_destroy(struct scm_monitor *monitor);

/**
 * The state of the card and the protocol that is active (ISCardManage::Status).
 *
 * That the card is gone is a state, not an error: `SCM_S_OK` with `SCM_STATE_ABSENT`. It stays absent for this
 * attachment when it, or another one, is put in, until `scm_reconnect`.
 *
 * @param handle  the attachment
 * @param state  [out] `SCM_STATE_ABSENT` to `SCM_STATE_SPECIFICMODE`; 0 after a failure
 * @param protocol  [out] `SCM_PROTOCOL_T0`, `SCM_PROTOCOL_T1` or `SCM_PROTOCOL_RAW`; 0 when none is active, as in direct
 *   mode, and after a failure
 *
 * @return
 * - `SCM_S_OK`: given.
 * - `SCM_E_POINTER`: `state` or `protocol` is NULL.
 * - `SCM_SCARD_W_RESET_CARD`: the card was reset by someone else; `scm_reconnect`.
 * - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`, and the other codes of a connection (see the top of this file).
 *
 * Blocks while another application holds a lock on the card (pcsc-lite). Other threads that use the same handle wait.
 */
SCM_API
scm_result scm_status(struct scm_handle *handle,
                      uint32_t *state,
                      uint32_t *protocol);

/**
 * The ATR of the card that the last attach or reconnect found (ISO/IEC 7816-3, clause 8).
 *
 * @param handle  the attachment
 * @param atr  [out] the ATR; NULL with capacity 0 asks for the length
 * @param capacity  the room in `atr`; `SCM_ATR_MAX` is always enough
 * @param atr_length  [out] its length; 0 in direct mode without a card, and after a failure
 *
 * @return
 * - `SCM_S_OK`: given.
 * - `SCM_E_POINTER`: `atr_length` is NULL, or `atr` is NULL with a capacity.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the ATR does not fit; `*atr_length` is what is needed.
 * - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`: as everywhere.
 *
 * Asks neither card nor service, and never blocks.
 */
SCM_API scm_result scm_get_atr(struct scm_handle *handle, uint8_t *atr, size_t capacity, size_t *atr_length);

/**
 * The name of the reader.
 *
 * @param handle  the attachment
 * @param name  [out] the name in UTF-8 with its NUL; NULL with capacity 0 asks for the length
 * @param capacity  the room in `name`, in bytes; `SCM_IFD_NAME_MAX` + 1 is always enough
 * @param name_length  [out] the length of the name with its NUL, 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: given.
 * - `SCM_E_POINTER`: `name_length` is NULL, or `name` is NULL with a capacity.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the name does not fit; `*name_length` is what is needed.
 * - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`: as everywhere.
 *
 * Asks neither card nor service, and never blocks.
 */
SCM_API scm_result scm_get_ifd_name(struct scm_handle *handle, char *name, size_t capacity, size_t *name_length);

/**
 * The card handle of PC/SC (`SCARDHANDLE`), for what this library does not do.
 *
 * It is the library's, or the caller's if borrowed, and is another one after a `scm_reconnect` that had to connect anew.
 * Calls with it and calls on the attachment exclude each other: see `scm_attach_by_handle`.
 *
 * @param handle  the attachment
 * @param icc  [out] the card handle, 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: given.
 * - `SCM_E_POINTER`: `icc` is NULL.
 * - the code that the last `scm_reconnect` failed with, if it left no connection.
 * - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`: as everywhere.
 *
 * Asks neither card nor service, and never blocks.
 */
SCM_API
scm_result scm_get_icc(struct scm_handle *handle,
                       uintptr_t *icc);

/**
 * The context of PC/SC (`SCARDCONTEXT`) that the card handle belongs to.
 *
 * @param handle  the attachment
 * @param context  [out] the context, 0 after a failure. It is released by the library, never by the caller.
 *
 * @return
 * - `SCM_S_OK`: given.
 * - `SCM_E_POINTER`: `context` is NULL.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the card handle came from the caller, and PC/SC cannot be asked for its context.
 * - the code that the last `scm_reconnect` failed with, if it left no connection.
 * - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`: as everywhere.
 *
 * Asks neither card nor service, and never blocks.
 */
SCM_API scm_result scm_get_context(struct scm_handle *handle, uintptr_t *context);

/**
 * A number that grows whenever the card may have forgotten its state: reset, loss of power, removal, another card,
 * a restart of the service, an exchange that broke off.
 *
 * Who keeps state of the card (a selected file, a verified code) remembers the generation with it, and starts over when
 * it has grown. It is 0 after an attach. One event makes it grow once, however many calls fail because of it.
 *
 * @param handle  the attachment
 * @param generation  [out] the generation, 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: given.
 * - `SCM_E_POINTER`: `generation` is NULL.
 * - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`: as everywhere.
 *
 * It knows what a call on this attachment has noticed; it asks neither card nor service, and never blocks.
 */
SCM_API scm_result scm_get_generation(struct scm_handle *handle, uint64_t *generation);

/**
 * Registers a provider of files: from now on it creates the objects of `scm_create_file_access` for its cards, for
 * every attachment of this process. If several providers suit, the newest one is chosen.
 *
 * Objects that were created before do not change. The child of a fork has the same providers.
 *
 * @param provider  the provider. The structure, the IID, the name, the ATR and the mask are copied. The memory behind
 *   `user_data` and the code of the functions must exist until `end` is called.
 * @param functions  the functions for files. They are copied.
 *
 * @return
 * - `SCM_S_OK`: registered.
 * - `SCM_E_INVALIDARG`: `provider` or `functions` is NULL, or a `struct_size` is too small or has unknown fields that
 *   are not zero; `flags` is not 0; the IID, or the name, is that of another interface; the name is invalid; the ATR
 *   is too long, or NULL with a length; `create` is NULL.
 * - `SCM_E_OUTOFMEMORY`: no memory.
 * - `SCM_E_UNEXPECTED`: an internal error.
 *
 * After a failure no function was called, and the provider is not registered. Does not block. Any thread may call it.
 */
SCM_API
scm_result scm_register_file_access_provider(const struct scm_provider *provider,
                                             const struct scm_file_access_functions *functions);

/**
 * Registers a provider of codes: from now on it creates the objects of `scm_create_ch_verification` for its cards, for
 * every attachment of this process. If several providers suit, the newest one is chosen.
 *
 * Objects that were created before do not change. The child of a fork has the same providers.
 *
 * @param provider  the provider. The structure, the IID, the name, the ATR and the mask are copied. The memory behind
 *   `user_data` and the code of the functions must exist until `end` is called.
 * @param functions  the functions for codes. They are copied.
 *
 * @return
 * - `SCM_S_OK`: registered.
 * - `SCM_E_INVALIDARG`: `provider` or `functions` is NULL, or a `struct_size` is too small or has unknown fields that
 *   are not zero; `flags` is not 0; the IID, or the name, is that of another interface; the name is invalid; the ATR
 *   is too long, or NULL with a length; `create` is NULL.
 * - `SCM_E_OUTOFMEMORY`: no memory.
 * - `SCM_E_UNEXPECTED`: an internal error.
 *
 * After a failure no function was called, and the provider is not registered. Does not block. Any thread may call it.
 */
SCM_API
scm_result scm_register_ch_verification_provider(const struct scm_provider *provider,
                                                 const struct scm_ch_verification_functions *functions);

/**
 * Registers a provider of authentication: from now on it creates the objects of `scm_create_card_auth` for its cards,
 * for every attachment of this process. If several providers suit, the newest one is chosen.
 *
 * Objects that were created before do not change. The child of a fork has the same providers.
 *
 * @param provider  the provider. The structure, the IID, the name, the ATR and the mask are copied. The memory behind
 *   `user_data` and the code of the functions must exist until `end` is called.
 * @param functions  the functions for authentication. They are copied.
 *
 * @return
 * - `SCM_S_OK`: registered.
 * - `SCM_E_INVALIDARG`: `provider` or `functions` is NULL, or a `struct_size` is too small or has unknown fields that
 *   are not zero; `flags` is not 0; the IID, or the name, is that of another interface; the name is invalid; the ATR
 *   is too long, or NULL with a length; `create` is NULL.
 * - `SCM_E_OUTOFMEMORY`: no memory.
 * - `SCM_E_UNEXPECTED`: an internal error.
 *
 * After a failure no function was called, and the provider is not registered. Does not block. Any thread may call it.
 */
SCM_API
scm_result scm_register_card_auth_provider(const struct scm_provider *provider,
                                           const struct scm_card_auth_functions *functions);

/**
 * Registers a provider of an interface that the library does not know: from now on it creates the objects of
 * `scm_create_interface` for its cards, for every attachment of this process. If several providers suit, the newest
 * one is chosen.
 *
 * @param provider  as for `scm_register_file_access_provider`, with an IID, a name, or both
 * @param functions  the functions of the interface, in a form that the provider defines for its users. Only the
 *   address is kept: `scm_interface_get_functions` gives it. NULL is allowed.
 *
 * @return as for `scm_register_file_access_provider`, and
 * - `SCM_E_INVALIDARG`: also neither an IID nor a name is given, or they are those of files, codes or authentication.
 *
 * Does not block. Any thread may call it.
 */
SCM_API scm_result scm_register_interface_provider(const struct scm_provider *provider, const void *functions);

/**
 * Unregisters a provider: from now on it creates no object.
 *
 * The objects that it has created stay, and its functions are called for them. When the last one is released, `end` is
 * called.
 *
 * @param provider  the provider as it was registered: IID, name, ATR and mask, `user_data` and `create` must be the
 *   same. If several registered providers have them, the newest one is meant.
 *
 * @return
 * - `SCM_S_OK`: unregistered.
 * - `SCM_E_INVALIDARG`: as for `scm_register_file_access_provider`.
 * - `SCM_E_NOINTERFACE`: no such provider is registered.
 * - `SCM_E_UNEXPECTED`: an internal error.
 *
 * Does not wait for another thread that is in `create` or in a function of the provider. Any thread may call it, and
 * the provider itself.
 */
SCM_API scm_result scm_unregister_provider(const struct scm_provider *provider);

/**
 * Makes an attachment usable again, without a detach followed by an attach (ISCardManage::Reconnect).
 *
 * Acknowledges that the card was reset by someone else; connects anew when the card was taken out and is back; opens
 * a new context and connects anew when the service was restarted or the reader came back. When nothing happened it
 * changes nothing. A lock that was held before is held after, taken anew where it was lost; otherwise the call fails.
 * The card is not reset. The generation (`scm_get_generation`) has grown when the card may have forgotten its state:
 * selected files, verified codes, keys.
 *
 * Cards are told apart by the ATR that the service has read. A swap faster than the service looks at its readers (400 ms
 * with pcsc-lite) shows as an exchange that broke off: the generation has grown, but the ATR is that of the old card
 * until the new one is reset, and so `SCM_S_OK` comes for another card.
 *
 * A borrowed card handle is reconnected as it is. One that the service does not know any more, because it was
 * restarted or the handle was disconnected, cannot be brought back.
 *
 * @param handle  the attachment
 *
 * @return
 * - `SCM_S_OK`: usable, and the card answers with the same ATR as before.
 * - `SCM_S_FALSE`: usable, but the card answers with another ATR: it is another card, or another mode of it.
 * - `SCM_SCARD_E_NO_SMARTCARD`: no card is in the reader.
 * - `SCM_SCARD_E_READER_UNAVAILABLE`: the reader is gone.
 * - `SCM_SCARD_E_NO_SERVICE`: the resource manager is not running.
 * - `SCM_SCARD_E_SHARING_VIOLATION`: another application has the card exclusively.
 * - `SCM_SCARD_E_PROTO_MISMATCH`: the card speaks none of the protocols of this attachment; or it speaks another one now, because others
 *   use it so, or have left it so: `initial_action` `SCM_DISPOSITION_RESET` ends that.
 * - `SCM_SCARD_E_INVALID_HANDLE`: the card handle is borrowed, and cannot be brought back.
 * - `SCM_SCARD_W_UNRESPONSIVE_CARD`, `SCM_SCARD_W_UNPOWERED_CARD`, `SCM_SCARD_W_UNSUPPORTED_CARD`: the card is mute,
 *   without power, or not understood by the reader.
 * - `SCM_SCARD_E_NOT_READY`: others reset the card at the same time, again and again; try later. Also to a callback of a
 *   virtual card that reconnects the attachment it is called for.
 * - `SCM_SCARD_W_RESET_CARD`, `SCM_SCARD_W_REMOVED_CARD`: the service failed to acknowledge the signal; try again.
 * - `SCM_SCARD_E_SERVER_TOO_BUSY`, `SCM_SCARD_W_SECURITY_VIOLATION`, `SCM_E_OUTOFMEMORY`: as for `scm_attach_by_ifd`.
 * - the other codes of a connection (see the top of this file), if the service or the driver says so.
 * - `SCM_E_HANDLE`: `handle` is no attachment, or not any more.
 * - `SCM_E_UNEXPECTED`: an internal error; the attachment can only be detached.
 *
 * A failure leaves the attachment in place, to be reconnected later.
 *
 * Blocks while another application, or another attachment, holds a lock on the card: `scm_reconnect_ex` has a limit for
 * it. Any thread may call it; other threads that use the same handle wait meanwhile.
 */
SCM_API
scm_result scm_reconnect(struct scm_handle *handle);

/**
 * Makes an attachment usable again as `scm_reconnect` does, with another share mode, other protocols, or a reset.
 *
 * @param handle  the attachment
 * @param options  what is to change; NULL for nothing. What it sets holds for later reconnects too, once it succeeded.
 *
 * @return as `scm_reconnect`, and
 * - `SCM_E_INVALIDARG`: `struct_size` is that of no version, or a value is not defined here.
 * - `SCM_SCARD_E_TIMEOUT`: it has taken longer than `timeout_ms`. The attachment is as before, to be reconnected later.
 * - `SCM_SCARD_E_CANCELLED`: `scm_cancel` has ended it. The attachment is as before.
 *
 * Blocks as `scm_reconnect`; asked for exclusive use, also until no other application uses the card (pcsc-lite).
 * `timeout_ms` bounds it, whatever the resource manager does. One that is still at it then keeps the card handle: an own
 * one is closed when it is done, and a new one takes its place, for which the generation grows; calls on a borrowed one
 * wait until it is done. A reset or a loss of power is signalled to other attachments (`SCM_SCARD_W_RESET_CARD`), and
 * makes the generation grow.
 */
SCM_API
scm_result scm_reconnect_ex(struct scm_handle *handle,
                            const struct scm_reconnect_options *options);

/**
 * The name of a code, such as "SCM_SCARD_W_RESET_CARD".
 *
 * @param result  any number
 * @return static text, never NULL; "unknown" for a number that is no code of this library. Never fails.
 */
SCM_API const char *scm_result_name(scm_result result);

/**
 * What a code means, as one English sentence for a person.
 *
 * @param result  any number
 * @return static text in UTF-8, never NULL. Never fails.
 */
SCM_API const char *scm_result_message(scm_result result);

/**
 * The version of this library, such as "0.1.0"; `SCM_VERSION` is that of the header.
 *
 * @return static text, never NULL. Never fails.
 */
SCM_API const char *scm_version(void);

/**
 * The version of the binary interface of this library; `SCM_ABI_VERSION` is that of the header.
 *
 * @return the number. A program that loads the library by hand (dlopen) compares it before anything else. Never fails.
 */
SCM_API uint32_t scm_abi_version(void);

/**
 * Whether this library can stand in for the version that a program needs.
 *
 * As in semantic versioning: the same major version, and not older; before 1.0 the same minor version too.
 *
 * @param required  "major.minor.patch", such as `SCM_VERSION`
 *
 * @return
 * - `SCM_S_OK`: it can.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: this library is too old, or of another line.
 * - `SCM_E_INVALIDARG`: `required` is NULL or no version.
 *
 * Never blocks.
 */
SCM_API scm_result scm_check_version(const char *required);

/**
 * Makes a virtual reader: a reader inside this process, for programs that test their card code without hardware or a daemon.
 *
 * It is listed, attached to and used like any other, by this process alone, and obeys the same rules: share modes, locks,
 * signals of resets and removals. It stays until `scm_virtual_ifd_destroy`. Other processes, and PC/SC calls past this library,
 * do not see it. The child of a fork begins without any. The resource manager of the platform, if it runs, is asked whether it
 * has a reader of this name; where a system starts it on demand, that starts it. In the child of a fork it is not asked.
 *
 * @param name  its name: UTF-8, 1 to `SCM_IFD_NAME_MAX` bytes, NUL-terminated
 * @param options  what it is like; NULL for the defaults. What `user` points to belongs to the reader until `release`.
 * @param ifd  [out] the reader; NULL after a failure
 *
 * @return
 * - `SCM_S_OK`: made; empty.
 * - `SCM_E_POINTER`: `ifd` is NULL.
 * - `SCM_E_INVALIDARG`: `name` or the vendor name cannot be one, `struct_size` is that of no version, `log_limit` is too large, or there
 *   are too many attributes, one that is too long or has a flag that is not defined, two with one id, or NULL with a count or length.
 * - `SCM_SCARD_E_DUPLICATE_READER`: a reader has this name, a real or a virtual one.
 * - `SCM_E_OUTOFMEMORY`: no memory.
 * - `SCM_E_UNEXPECTED`: an internal error.
 *
 * Does not wait for other applications. Any thread may call it, and a child after a fork.
 */
SCM_API
scm_result scm_virtual_ifd_create(const char *name,
                                  const struct scm_virtual_ifd_options *options,
                                  struct scm_virtual_ifd **ifd);

/**
 * Unplugs a virtual reader, with the card that is in it.
 *
 * Attachments stay, and answer `SCM_SCARD_E_READER_UNAVAILABLE` until a reader of the same name is there and they are
 * reconnected. The handle is dead at once.
 *
 * @param ifd  the reader
 *
 * @return
 * - `SCM_S_OK`: unplugged.
 * - `SCM_E_HANDLE`: `ifd` is no virtual reader, or not any more.
 *
 * Does not wait for a call of the card that is under way; then `release` is called when that has ended. Any thread may
 * call it.
 */
SCM_API scm_result scm_virtual_ifd_destroy(struct scm_virtual_ifd *ifd);

/**
 * Puts a card into a virtual reader and powers it (`power` is called with `SCM_POWER_ON`).
 *
 * @param ifd  the reader
 * @param card  the card; the structure and the ATR are copied. What `user` points to belongs to the reader until `release`.
 *
 * @return
 * - `SCM_S_OK`: the card is in, also when it is mute, or when the service is stopped and powers it later.
 * - `SCM_E_HANDLE`: `ifd` is no virtual reader, or not any more.
 * - `SCM_E_INVALIDARG`: `card` is NULL, `struct_size` is that of no version, the ATR is empty or too long, `transmit` is NULL, or
 *   `protocols` is not defined.
 * - `SCM_SCARD_E_NOT_READY`: there is a card in the reader.
 * - `SCM_E_OUTOFMEMORY`: no memory.
 *
 * After a failure nothing was called, and the card is still the caller's. Takes as long as `power` takes. Any thread may
 * call it.
 */
SCM_API
scm_result scm_virtual_ifd_insert(struct scm_virtual_ifd *ifd,
                                  const struct scm_virtual_card *card);

/**
 * Pulls the card out of a virtual reader, whatever is going on with it.
 *
 * Every attachment answers `SCM_SCARD_W_REMOVED_CARD` from now on, until it is reconnected; so does an exchange that is
 * under way, and one that waits for the card. A reset of the next card takes the place of this signal, as with pcscd. Locks
 * end.
 *
 * @param ifd  the reader
 *
 * @return
 * - `SCM_S_OK`: the card is out. `power` (`SCM_POWER_OFF`) and `release` have been called, or will be when the call that is in
 *   the card has ended.
 * - `SCM_E_HANDLE`: `ifd` is no virtual reader, or not any more.
 * - `SCM_SCARD_E_NO_SMARTCARD`: there is no card in the reader.
 *
 * Does not wait for a call of the card that is under way. Any thread may call it, and a callback of the card.
 */
SCM_API
scm_result scm_virtual_ifd_remove(struct scm_virtual_ifd *ifd);

/**
 * Resets the card of a virtual reader, or turns its power off, as another application would.
 *
 * Every attachment answers `SCM_SCARD_W_RESET_CARD` from now on, until it is reconnected. Unlike another application
 * this does not ask whether somebody has locked the card.
 *
 * @param ifd  the reader
 * @param action  `SCM_DISPOSITION_RESET` (warm), or `SCM_DISPOSITION_UNPOWER`: the power stays off until the card is used again
 *
 * @return
 * - `SCM_S_OK`: done.
 * - `SCM_E_HANDLE`: `ifd` is no virtual reader, or not any more.
 * - `SCM_E_INVALIDARG`: `action` is another value.
 * - `SCM_SCARD_E_NO_SMARTCARD`: there is no card in the reader.
 * - `SCM_SCARD_E_NO_SERVICE`: the virtual resource manager is stopped, so nobody else can be there.
 *
 * Waits for an exchange with the card that is under way, unless it is called by it: then the exchange fails with
 * `SCM_SCARD_W_RESET_CARD`. Any thread may call it.
 */
SCM_API
scm_result scm_virtual_ifd_reset(struct scm_virtual_ifd *ifd,
                                 uint32_t action);

/**
 * Lets the next calls of an operation fail: the first `skip` go by, then `count` answer `result` and do nothing else.
 *
 * Operations are counted as they reach the resource manager: `scm_attach_by_ifd`, for one, connects once and asks for the
 * status once. The log shows them. Plans for the same operation come true one after the other.
 *
 * @param ifd  the reader
 * @param operation  `SCM_VIRTUAL_CONNECT` to `SCM_VIRTUAL_SET_ATTRIBUTE`
 * @param result  the code that the calls fail with, as the resource manager would give it. What an attachment makes of it may
 *   be another: after a failed exchange it asks what is true. A code is given as often as is said, and nothing else
 *   happens: for a card that is gone and stays gone there is `scm_virtual_ifd_remove`. `SCM_E_HANDLE` and
 *   `SCM_E_UNEXPECTED` no resource manager can say: they are `SCM_E_FAIL`.
 * @param skip  how many calls go by before
 * @param count  how many calls fail; `UINT32_MAX` for all that follow, 0 to take back what was planned for the operation
 *
 * @return
 * - `SCM_S_OK`: planned.
 * - `SCM_E_HANDLE`: `ifd` is no virtual reader, or not any more.
 * - `SCM_E_INVALIDARG`: `operation` is not defined, or `result` is no failure and `count` not 0.
 * - `SCM_E_OUTOFMEMORY`: no memory.
 *
 * Does not block. Any thread may call it.
 */
SCM_API
scm_result scm_virtual_ifd_fail(struct scm_virtual_ifd *ifd,
                                uint32_t operation,
                                scm_result result,
                                uint32_t skip,
                                uint32_t count);

/**
 * Lets the next calls of an operation fail, or take their time, or both.
 *
 * @param ifd  the reader
 * @param operation  as for `scm_virtual_ifd_fail`
 * @param failure  what happens to them
 *
 * @return as `scm_virtual_ifd_fail`, and
 * - `SCM_E_INVALIDARG`: `failure` is NULL, `struct_size` is that of no version, or the result is `SCM_S_FALSE` or another success
 *   but `SCM_S_OK`.
 */
SCM_API
scm_result scm_virtual_ifd_fail_ex(struct scm_virtual_ifd *ifd,
                                   uint32_t operation,
                                   const struct scm_virtual_failure *failure);

/**
 * What a virtual reader was asked and what it answered: a line of text for each operation, the oldest first.
 *
 * A line is the operation, ` -> `, and what came of it: the answer, or the name of the code. Bytes are in hexadecimal.
 *
 * ```text
 * insert 3B80800101
 * power on -> ok
 * connect shared T=0|T=1 -> T=1
 * status -> negotiable
 * transmit 00A40000023F00 -> 9000
 * transmit 00200081 (5 bytes withheld) -> 63C2
 * end leave -> ok
 * remove
 * power off -> ok
 * transmit 00B0000000 -> SCM_SCARD_W_REMOVED_CARD
 * ```
 *
 * A line is written when its operation has ended: that of an exchange stands behind those of what its callback did.
 *
 * The data of commands that can carry a code or a key are withheld, by their instruction in every class: VERIFY (20, 21), CHANGE
 * REFERENCE DATA (24, 25), DISABLE and ENABLE VERIFICATION REQUIREMENT (26, 28), RESET RETRY COUNTER (2C, 2D), PERFORM BIOMETRIC
 * OPERATION (2E, 2F), ENVELOPE (C2, C3), PUT KEY (D8) and PUT DATA (DA, DB); of control codes only the length is shown.
 *
 * @param ifd  the reader
 * @param log  [out] the text, UTF-8 with its NUL; NULL with capacity 0 asks for the length
 * @param capacity  the room in `log`, in bytes
 * @param length  [out] the length of the text with its NUL, 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: copied.
 * - `SCM_E_POINTER`: `length` is NULL, or `log` is NULL with a capacity.
 * - `SCM_E_HANDLE`: `ifd` is no virtual reader, or not any more.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the log does not fit; `*length` is what is needed now. It may have grown by the next call.
 * - `SCM_E_OUTOFMEMORY`: no memory.
 *
 * Does not block. Any thread may call it.
 */
SCM_API
scm_result scm_virtual_ifd_get_log(struct scm_virtual_ifd *ifd,
                                   char *log,
                                   size_t capacity,
                                   size_t *length);

/**
 * Empties the log of a virtual reader.
 *
 * @param ifd  the reader
 *
 * @return
 * - `SCM_S_OK`: emptied.
 * - `SCM_E_HANDLE`: `ifd` is no virtual reader, or not any more.
 *
 * Does not block. Any thread may call it.
 */
SCM_API scm_result scm_virtual_ifd_clear_log(struct scm_virtual_ifd *ifd);

/**
 * Stops the virtual resource manager, as if the daemon of a real one went down.
 *
 * Virtual readers are not listed any more; attachments to them answer `SCM_SCARD_E_NO_SERVICE` until it runs again and they are
 * reconnected. Cards lose their power, and stay in. Real readers do not notice.
 *
 * @return
 * - `SCM_S_OK`: stopped.
 * - `SCM_S_FALSE`: it was stopped already.
 * - `SCM_E_UNEXPECTED`: an internal error.
 *
 * Does not wait for calls of cards that are under way. Any thread may call it.
 */
SCM_API
scm_result scm_virtual_service_stop(void);

/**
 * Starts the virtual resource manager again, which powers the cards that it finds in its readers.
 *
 * @return
 * - `SCM_S_OK`: started.
 * - `SCM_S_FALSE`: it was running; it does from the beginning.
 * - `SCM_E_UNEXPECTED`: an internal error.
 *
 * Does not wait for calls of cards that are under way; such a card is powered when its call has ended. Any thread may call
 * it.
 */
SCM_API
scm_result scm_virtual_service_start(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SCM_H */

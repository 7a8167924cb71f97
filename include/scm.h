/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * scm.h - libscm: smart cards over PC/SC, in the programming model of ISCardManage.
 *
 * Generated from include/scm.h.in and the Rust source. Do not edit: see CONTRIBUTING.md.
 *
 * A program attaches to the card in a reader (scm_attach_by_ifd), sends commands to it (scm_transmit, scm_send) or uses
 * its files and codes, and detaches (scm_detach). If something happens to the card, the reader or the service, the next
 * call tells it, and scm_reconnect makes the same handle usable again.
 *
 * Readers and cards for tests are in scm_virtual.h. Implementations of interfaces for a card are in scm_provider.h.
 *
 * @code
 * #include <stdio.h>
 * #include <scm.h>
 *
 * int main(void)
 * {
 *     static const uint8_t select_mf[] = {0x00, 0xA4, 0x00, 0x0C, 0x02, 0x3F, 0x00};
 *     char names[4096];
 *     uint8_t response[SCM_RESPONSE_MAX];
 *     size_t length;
 *     scm_handle *card;
 *
 *     scm_result result = scm_list_ifds(names, sizeof names, &length);
 *     if (result == SCM_S_OK && *names == '\0')
 *         result = SCM_SCARD_E_NO_READERS_AVAILABLE;
 *     if (result == SCM_S_OK)
 *         result = scm_attach_by_ifd(names, &card);
 *     if (result == SCM_S_OK) {
 *         result = scm_transmit(card, select_mf, sizeof select_mf, response, sizeof response, &length);
 *         if (result == SCM_S_OK)
 *             printf("SW1 SW2: %02X %02X\n", response[length - 2], response[length - 1]);
 *         scm_detach(card);
 *     }
 *     if (result != SCM_S_OK)
 *         fprintf(stderr, "%s (%s)\n", scm_result_message(result), scm_result_name(result));
 *     return result != SCM_S_OK;
 * }
 * @endcode
 *
 *     cc program.c $(pkg-config --cflags --libs scm)
 *
 * CONVENTIONS
 *
 * - Results: a function that can fail returns an scm_result, an HRESULT. A negative value is a failure. A code has the
 *   same value and the same meaning on every platform.
 * - Handles: a handle, such as scm_handle *, is a token, not an address. A handle that is NULL, has ended, or is of
 *   another kind gives SCM_E_HANDLE, also when another thread ends it during the call.
 * - Inputs come first. The library uses them only during the call. (NULL, 0) is an empty input.
 * - Outputs come last. After a failure every output is zero or NULL. For a buffer, its length is zero. There are two
 *   exceptions: the length that a buffer needs, and outputs whose description says that they are set after a failure,
 *   too (scm_send, scm_file_write, retries_left).
 * - Buffers: (buffer, capacity, *buffer_length). NULL with capacity 0 asks for the length. A buffer that is too small
 *   gives SCM_SCARD_E_INSUFFICIENT_BUFFER, and the length is the needed one. Nothing is lost, and nothing is sent to
 *   the card again.
 * - Text is UTF-8 and ends with a NUL. A multi-string is a list of texts, with one more NUL after the last text.
 * - Structures that may grow begin with struct_size. Initialise them with their _INIT macro. In options, zero is the
 *   default.
 * - Time is in milliseconds. The parameter timeout_ms: 0 does not wait, SCM_INFINITE waits without a limit. The field
 *   limit_ms of options: 0 (the default) and SCM_INFINITE are no limit.
 * - Threads: any thread may call any function; a signal handler may call none. Calls on one handle run one after the
 *   other. A lock belongs to the attachment, not to the thread. Each group says more.
 * - Blocking: each description says how long a call may take. "Never blocks": it asks neither card nor service, and
 *   waits for no other call. "Does not block": it waits for no other application; it may wait for an answer of the
 *   service or the reader, or for a call of another thread on the same handle. "Blocks": it says until when, and the
 *   function, option or parameter that limits it.
 * - Callbacks get user_data, and must return: no exception and no longjmp may leave them. On Linux with glibc (x86-64,
 *   AArch64, x86) a thread may end in a callback (pthread_exit, pthread_cancel). The callback has failed then, and the
 *   thread ends after the call.
 * - Cancellation: scm_cancel ends a wait. A thread that is cancelled by pthread_cancel first completes its call of the
 *   library.
 * - Fork: in the child, every handle of the parent gives SCM_E_HANDLE, and the parent's connections are unaffected. The
 *   child attaches anew. If another thread of the parent was inside PC/SC, PC/SC may be unusable in the child:
 *   SCM_SCARD_E_NO_SERVICE, after a second. A child that does not call exec keeps the parent's connections and locks
 *   alive after the parent ends.
 * - Exit: a process may end at any moment. When it begins to exit, calls in other threads fail with
 *   SCM_SCARD_P_SHUTDOWN, and have 80 ms to return. The exiting thread may still call the library, but not if it exits
 *   from a signal handler.
 * - Unloading: detach before dlclose. The code of the library stays loaded.
 * - Output: the library prints nothing and never exits. There are two exceptions: the log that the user asks for with
 *   the variable SCM_LOG (see scm_set_log); and if the library itself has a bug, Rust prints one line on stderr, and
 *   the caller gets SCM_E_UNEXPECTED.
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

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup scm_results Results and versions
 *
 * Every function of this library may return these codes, and its description names them only to say more:
 * - `SCM_E_HANDLE`: a handle is NULL, has ended, or is of another kind.
 * - `SCM_E_POINTER`: an output that is not optional is NULL, or a buffer is NULL with a capacity.
 * - `SCM_E_INVALIDARG`: an input is NULL with a length; a value or a flag is not defined; a text is NULL, too long or
 *   not UTF-8; `struct_size` is not the size of any version of the structure: initialise it with its _INIT macro.
 * - `SCM_E_OUTOFMEMORY`: there is not enough memory, here or in the resource manager.
 * - `SCM_E_UNEXPECTED`: an internal error. From now on the object can only be ended.
 *
 * After `SCM_E_POINTER` and `SCM_E_INVALIDARG` nothing has changed, and nothing was sent to the card, unless a function
 * of the program (a callback, a provider) has returned them. The other three can also end a call in the middle: the
 * card may have carried out a command. So do not repeat a command that spends a try, such as VERIFY, before the card
 * has told how many are left.
 *
 * RESULT CODES OF A CONNECTION. A function that asks the card, the reader or the resource manager (the service) may
 * return these, too. The attachment stays: `scm_reconnect` makes it usable again as soon as that is possible.
 * - `SCM_SCARD_W_RESET_CARD`: another application has reset the card.
 * - `SCM_SCARD_W_REMOVED_CARD`: the card was taken out, and may be back.
 * - `SCM_SCARD_W_UNPOWERED_CARD`, `SCM_SCARD_W_UNRESPONSIVE_CARD`, `SCM_SCARD_W_UNSUPPORTED_CARD`: the card has no
 *   power, does not answer to a reset, or the reader does not understand it.
 * - `SCM_SCARD_E_READER_UNAVAILABLE`: the reader is gone.
 * - `SCM_SCARD_E_NO_SERVICE`: the resource manager is gone.
 * - `SCM_SCARD_E_SHARING_VIOLATION`: another application uses the card exclusively.
 * - `SCM_SCARD_E_INVALID_HANDLE`: the resource manager does not know the card handle of the caller any more.
 *   `scm_reconnect` cannot bring back a handle that is only borrowed.
 * - `SCM_SCARD_E_CANCELLED`: `scm_cancel` has ended the wait for another attachment or application. Nothing has
 *   changed.
 * - `SCM_SCARD_E_NOT_READY`: a callback has called a function that would have to wait for another thread, and that
 *   thread may be waiting for the callback.
 * - `SCM_SCARD_F_COMM_ERROR`: the communication failed for an unknown reason.
 * - `SCM_SCARD_F_INTERNAL_ERROR`: the resource manager has failed, or has answered what is not possible.
 * - `SCM_SCARD_F_UNKNOWN_ERROR`: the resource manager or the driver has returned a code that PC/SC does not define.
 * - `SCM_SCARD_P_SHUTDOWN`: another thread has begun to end the process.
 * - the code of the call that has left no connection: of the last `scm_reconnect`, or of a call that had to connect, or
 *   to take a lock, again. It may be `SCM_SCARD_E_TIMEOUT` or `SCM_SCARD_E_CANCELLED`.
 * - any other `SCM_SCARD_*` code about readers, cards or the service, as the service or the driver returns it. A code
 *   with another meaning is not passed on: neither `SCM_E_*`, nor codes of limits, cancelling and buffers, nor codes of
 *   files.
 *
 * THREADS. Any thread may call the functions of this group at any time. They share nothing: each thread has its last
 * error.
 *
 * @code
 * #include <stdio.h>
 * #include <scm.h>
 *
 * // Prints a failure, why it happened and what to do, and tells whether there was one.
 * static int has_failed(scm_result result)
 * {
 *     scm_last_error error = SCM_LAST_ERROR_INIT;
 *     if (SCM_SUCCEEDED(result))
 *         return 0;
 *     scm_get_last_error(&error);
 *     fprintf(stderr, "%s\n%s\n%s\n", error.what, error.why, error.advice);
 *     return 1;
 * }
 *
 * // For a program that has loaded the library at run time.
 * static int library_is_usable(void)
 * {
 *     return scm_abi_version() == SCM_ABI_VERSION && !has_failed(scm_check_version(SCM_VERSION));
 * }
 * @endcode
 * @{
 */

/** An HRESULT: negative is a failure. */
typedef int32_t scm_result;

/** Whether a result is a success: SCM_S_OK, SCM_S_FALSE, SCM_SCARD_S_NO_SERVICE, or another that is not negative. */
#define SCM_SUCCEEDED(result) ((result) >= 0)
/** Whether a result is a failure. */
#define SCM_FAILED(result) ((result) < 0)

/** Every code that this library returns. */
enum {
    /** 0x00000000: The operation was successful. */
    SCM_S_OK = 0,
    /** 0x00000001: The operation was successful: a card with another ATR answers, or there was nothing to do. */
    SCM_S_FALSE = 1,
    /** 0x0010001D: The list is empty: the resource manager (pcscd on Linux) is not running. */
    SCM_SCARD_S_NO_SERVICE = 1048605,
    /** 0x80004001: This function is not implemented. */
    SCM_E_NOTIMPL = -2147467263,
    /** 0x80004002: This interface is not supported. */
    SCM_E_NOINTERFACE = -2147467262,
    /** 0x80004003: A required pointer is NULL. */
    SCM_E_POINTER = -2147467261,
    /** 0x80004004: The operation was aborted. */
    SCM_E_ABORT = -2147467260,
    /** 0x80004005: The operation failed for a reason without a code of its own. */
    SCM_E_FAIL = -2147467259,
    /** 0x8000FFFF: An internal error happened, and the object cannot be used any more. */
    SCM_E_UNEXPECTED = -2147418113,
    /** 0x80070005: Access is denied. */
    SCM_E_ACCESSDENIED = -2147024891,
    /** 0x80070006: The handle is not valid, or not valid any more. */
    SCM_E_HANDLE = -2147024890,
    /** 0x8007000E: There is not enough memory. */
    SCM_E_OUTOFMEMORY = -2147024882,
    /** 0x80070057: An argument is invalid. */
    SCM_E_INVALIDARG = -2147024809,
    /** 0x80100001: An internal consistency check of the resource manager failed. */
    SCM_SCARD_F_INTERNAL_ERROR = -2146435071,
    /** 0x80100002: The operation was cancelled. */
    SCM_SCARD_E_CANCELLED = -2146435070,
    /** 0x80100003: The resource manager does not know this card handle or context any more. */
    SCM_SCARD_E_INVALID_HANDLE = -2146435069,
    /** 0x80100004: The resource manager refused a parameter. */
    SCM_SCARD_E_INVALID_PARAMETER = -2146435068,
    /** 0x80100005: The registry of the resource manager is missing or invalid. */
    SCM_SCARD_E_INVALID_TARGET = -2146435067,
    /** 0x80100006: The resource manager has not enough memory. */
    SCM_SCARD_E_NO_MEMORY = -2146435066,
    /** 0x80100007: An internal time limit of the resource manager expired. */
    SCM_SCARD_F_WAITED_TOO_LONG = -2146435065,
    /** 0x80100008: The buffer is too small for the data. */
    SCM_SCARD_E_INSUFFICIENT_BUFFER = -2146435064,
    /** 0x80100009: No reader has this name. */
    SCM_SCARD_E_UNKNOWN_READER = -2146435063,
    /** 0x8010000A: The time limit expired. */
    SCM_SCARD_E_TIMEOUT = -2146435062,
    /** 0x8010000B: Another application uses the card exclusively. */
    SCM_SCARD_E_SHARING_VIOLATION = -2146435061,
    /** 0x8010000C: No card is in the reader. */
    SCM_SCARD_E_NO_SMARTCARD = -2146435060,
    /** 0x8010000D: The name of the card is not known. */
    SCM_SCARD_E_UNKNOWN_CARD = -2146435059,
    /** 0x8010000E: The card could not be left in the requested state. */
    SCM_SCARD_E_CANT_DISPOSE = -2146435058,
    /** 0x8010000F: No protocol is active, or the card uses another one until it is reset. */
    SCM_SCARD_E_PROTO_MISMATCH = -2146435057,
    /** 0x80100010: The reader or the card is not ready. */
    SCM_SCARD_E_NOT_READY = -2146435056,
    /** 0x80100011: A value was refused, or the two entries of a new code differ. */
    SCM_SCARD_E_INVALID_VALUE = -2146435055,
    /** 0x80100012: The system cancelled the operation, to log off or to shut down. */
    SCM_SCARD_E_SYSTEM_CANCELLED = -2146435054,
    /** 0x80100013: The communication with the card or with the resource manager failed. */
    SCM_SCARD_F_COMM_ERROR = -2146435053,
    /** 0x80100014: The resource manager met an unknown error. */
    SCM_SCARD_F_UNKNOWN_ERROR = -2146435052,
    /** 0x80100015: The ATR of the card is not valid. */
    SCM_SCARD_E_INVALID_ATR = -2146435051,
    /** 0x80100016: No lock is held, or the exchange with the card was not completed. */
    SCM_SCARD_E_NOT_TRANSACTED = -2146435050,
    /** 0x80100017: The reader is gone. */
    SCM_SCARD_E_READER_UNAVAILABLE = -2146435049,
    /** 0x80100018: The process is ending. */
    SCM_SCARD_P_SHUTDOWN = -2146435048,
    /** 0x80100019: The buffer for the protocol control information is too small. */
    SCM_SCARD_E_PCI_TOO_SMALL = -2146435047,
    /** 0x8010001A: The driver of the reader does not meet the requirements. */
    SCM_SCARD_E_READER_UNSUPPORTED = -2146435046,
    /** 0x8010001B: A reader with this name exists already. */
    SCM_SCARD_E_DUPLICATE_READER = -2146435045,
    /** 0x8010001C: The card does not meet the requirements. */
    SCM_SCARD_E_CARD_UNSUPPORTED = -2146435044,
    /** 0x8010001D: The resource manager (pcscd on Linux) is not running, or was restarted. */
    SCM_SCARD_E_NO_SERVICE = -2146435043,
    /** 0x8010001E: The resource manager has stopped, or does not match its client library. */
    SCM_SCARD_E_SERVICE_STOPPED = -2146435042,
    /** 0x8010001F: The resource manager met an unexpected error. */
    SCM_SCARD_E_UNEXPECTED = -2146435041,
    /** 0x80100020: No primary provider is known for the card. */
    SCM_SCARD_E_ICC_INSTALLATION = -2146435040,
    /** 0x80100021: The objects were created in an order that is not supported. */
    SCM_SCARD_E_ICC_CREATEORDER = -2146435039,
    /** 0x80100022: The reader, the card or the platform does not have this feature. */
    SCM_SCARD_E_UNSUPPORTED_FEATURE = -2146435038,
    /** 0x80100023: The directory is not on the card. */
    SCM_SCARD_E_DIR_NOT_FOUND = -2146435037,
    /** 0x80100024: The file is not on the card. */
    SCM_SCARD_E_FILE_NOT_FOUND = -2146435036,
    /** 0x80100025: The path does not name a directory. */
    SCM_SCARD_E_NO_DIR = -2146435035,
    /** 0x80100026: The path does not name a file. */
    SCM_SCARD_E_NO_FILE = -2146435034,
    /** 0x80100027: Access to the file is denied. */
    SCM_SCARD_E_NO_ACCESS = -2146435033,
    /** 0x80100028: The card has not enough memory for the data. */
    SCM_SCARD_E_WRITE_TOO_MANY = -2146435032,
    /** 0x80100029: The position lies outside the file. */
    SCM_SCARD_E_BAD_SEEK = -2146435031,
    /** 0x8010002A: The code does not have the format that the card expects. */
    SCM_SCARD_E_INVALID_CHV = -2146435030,
    /** 0x8010002B: The resource manager returned an unknown error. */
    SCM_SCARD_E_UNKNOWN_RES_MNG = -2146435029,
    /** 0x8010002C: The certificate does not exist. */
    SCM_SCARD_E_NO_SUCH_CERTIFICATE = -2146435028,
    /** 0x8010002D: The certificate is not available. */
    SCM_SCARD_E_CERTIFICATE_UNAVAILABLE = -2146435027,
    /** 0x8010002E: There is no reader. */
    SCM_SCARD_E_NO_READERS_AVAILABLE = -2146435026,
    /** 0x8010002F: Data were lost in the communication with the card. */
    SCM_SCARD_E_COMM_DATA_LOST = -2146435025,
    /** 0x80100030: The key container is not on the card. */
    SCM_SCARD_E_NO_KEY_CONTAINER = -2146435024,
    /** 0x80100031: The resource manager cannot serve more clients. */
    SCM_SCARD_E_SERVER_TOO_BUSY = -2146435023,
    /** 0x80100032: The cached code has expired. */
    SCM_SCARD_E_PIN_CACHE_EXPIRED = -2146435022,
    /** 0x80100033: The code cannot be cached. */
    SCM_SCARD_E_NO_PIN_CACHE = -2146435021,
    /** 0x80100034: The card can only be read. */
    SCM_SCARD_E_READ_ONLY_CARD = -2146435020,
    /** 0x80100065: The reader does not understand this card. */
    SCM_SCARD_W_UNSUPPORTED_CARD = -2146434971,
    /** 0x80100066: The card does not answer to a reset. */
    SCM_SCARD_W_UNRESPONSIVE_CARD = -2146434970,
    /** 0x80100067: The card has no power. */
    SCM_SCARD_W_UNPOWERED_CARD = -2146434969,
    /** 0x80100068: Another application has reset the card. */
    SCM_SCARD_W_RESET_CARD = -2146434968,
    /** 0x80100069: The card was taken out. */
    SCM_SCARD_W_REMOVED_CARD = -2146434967,
    /** 0x8010006A: Access was denied: a security condition is not met. */
    SCM_SCARD_W_SECURITY_VIOLATION = -2146434966,
    /** 0x8010006B: The code was wrong. */
    SCM_SCARD_W_WRONG_CHV = -2146434965,
    /** 0x8010006C: The code is blocked, because it was wrong too often. */
    SCM_SCARD_W_CHV_BLOCKED = -2146434964,
    /** 0x8010006D: The end of the file was reached. */
    SCM_SCARD_W_EOF = -2146434963,
    /** 0x8010006E: The user cancelled the operation. */
    SCM_SCARD_W_CANCELLED_BY_USER = -2146434962,
    /** 0x8010006F: The card has not verified a code, or has not proven its identity. */
    SCM_SCARD_W_CARD_NOT_AUTHENTICATED = -2146434961,
    /** 0x80100070: The item is not in the cache. */
    SCM_SCARD_W_CACHE_ITEM_NOT_FOUND = -2146434960,
    /** 0x80100071: The item in the cache is too old. */
    SCM_SCARD_W_CACHE_ITEM_STALE = -2146434959,
    /** 0x80100072: The item is too big for the cache. */
    SCM_SCARD_W_CACHE_ITEM_TOO_BIG = -2146434958
};

/**
 * The name of a code, such as "SCM_SCARD_W_RESET_CARD".
 *
 * @param result  any number
 * @return static text, never NULL: "unknown" for a number that is not a code of this library. It stays valid.
 *
 * Never blocks, and never fails.
 *
 * @see scm_result_message
 */
SCM_API const char *scm_result_name(scm_result result);

/**
 * The meaning of a code, as one English sentence for a person.
 *
 * A library that was built to open libpcsclite at the first use, and did not find it, says so in the messages of
 * `SCM_SCARD_E_NO_SERVICE` and `SCM_SCARD_S_NO_SERVICE`, with the package to install.
 *
 * @param result  any number
 * @return static text in UTF-8, never NULL. It stays valid.
 *
 * Never blocks, and never fails.
 *
 * @see scm_result_name
 */
SCM_API const char *scm_result_message(scm_result result);

/**
 * The last failure of a thread. Initialise with `SCM_LAST_ERROR_INIT`.
 *
 * Each text ends with a NUL, and is empty if there is nothing to say. The texts are for a person, and may change; the
 * names and the numbers are for a program.
 */
typedef struct scm_last_error {
    /** `sizeof(scm_last_error)`. The library writes no more than that. */
    uint32_t struct_size;
    /** The code that the function has returned; 0 if no function has failed. */
    scm_result result;
    /**
     * The code of PC/SC as it was returned, as an unsigned number of 32 bits; 0 if PC/SC is not the cause. A number
     * that `scm_result_name` does not know is an invention of a driver.
     */
    uint32_t pcsc_code;
    /** The status word of the card, SW1 and SW2 as one number, such as 0x6982; 0 if no status word is the cause. */
    uint32_t status_word;
    /** The function of this library, such as "scm_attach_by_ifd". */
    char function[64];
    /**
     * The argument that is wrong, as the header names it: "ifd_name", or "card.transmit" for a field of a structure.
     */
    char argument[64];
    /** The function of PC/SC, such as "SCardConnect". */
    char pcsc_function[32];
    /** The failure: one sentence, with the function, the name of the code and its message. */
    char what[256];
    /** The reason: one sentence about the argument, or about the answer of PC/SC or of the card. */
    char why[256];
    /** The advice for a person. */
    char advice[256];
} scm_last_error;

/** An empty `scm_last_error`. */
#define SCM_LAST_ERROR_INIT {sizeof(scm_last_error), 0, 0, 0, {0}, {0}, {0}, {0}, {0}, {0}}

/**
 * Tells what the last failed call of this thread was, why it failed, and what to do.
 *
 * Every function that returns an `scm_result` below 0 sets it, for its thread; success does not change it. So call
 * this function directly after a failure. A failure of this function is one, too.
 *
 * If an argument is wrong (`SCM_E_INVALIDARG`, `SCM_E_POINTER`, `SCM_E_HANDLE`), `argument` names it. If a function of
 * the program (a callback, a provider) has returned one of these codes, `argument` is empty. If PC/SC has failed,
 * `pcsc_function` and `pcsc_code` tell its call and its code. If the card has refused a command, `status_word` is
 * its answer; a card that answers to `scm_transmit` has not failed.
 *
 * @param error  [out] the failure; zero behind `struct_size` after a failure of this function
 *
 * @return
 * - `SCM_S_OK`: told.
 * - `SCM_S_FALSE`: no call of this thread has failed. Everything behind `struct_size` is zero.
 *
 * Never blocks, and needs no memory.
 *
 * @see scm_result_name, scm_result_message
 */
SCM_API scm_result scm_get_last_error(scm_last_error *error);

/** How much the log tells: each level includes those before it. */
enum {
    /** No log. */
    SCM_LOG_OFF = 0,
    /**
     * The calls of the program: a line at the beginning with the arguments, and a line at the end with the code and the
     * duration.
     */
    SCM_LOG_CALLS = 1,
    /** In addition each call of PC/SC: its arguments, its code and its duration. */
    SCM_LOG_PCSC = 2,
    /** In addition each command and each response, in hexadecimal and without secrets. */
    SCM_LOG_APDUS = 3
};

/**
 * A function of the program for the lines of the log.
 *
 * The library calls it on any thread, also on its own threads and on several at once, and never while it holds a lock.
 * It may call the library; its own calls are not logged, and set no last error. `level` is that of the line. `line` is
 * ASCII text without an end of line, and is valid during the call.
 */
typedef void (*scm_log_callback)(void *user_data, uint32_t level, const char *line);

/**
 * Sends the log of the library to a function of the program, in place of that before and of `SCM_LOG`.
 *
 * A line has the time (UTC), the process and a number for the thread, the kind ("call", "pcsc", "apdu"), then ">" for
 * a beginning or "<" for an end, and the text. Lines of other kinds may come. The beginning and the end of a call have
 * the same thread. Lines about PC/SC and APDUs come before the end of their call.
 *
 * Codes, keys and what proves them are never in it: commands that carry them show their header, and their responses
 * the status word. So do commands with secure messaging. Data for the reader (`scm_control`, PIN pads) show their
 * length. Other data of the card are in it.
 *
 * Without this function the variable `SCM_LOG` of the environment decides, when the library is first called: "calls",
 * "pcsc" or "apdus" for stderr, "apdus:FILE" for a file, or "off". A program with the set-user-id bit ignores it.
 *
 * @param callback  the function; NULL ends the log
 * @param user_data  the first argument of the callback. It must stay valid: a thread that is in a call of the library
 *   may use it until that call ends.
 * @param level  `SCM_LOG_OFF` to `SCM_LOG_APDUS`; not used if `callback` is NULL
 *
 * @return
 * - `SCM_S_OK`: set.
 * - `SCM_E_INVALIDARG`: `level` is not defined. The log stays as it was.
 *
 * Never blocks.
 *
 * @see scm_get_last_error
 */
SCM_API scm_result scm_set_log(scm_log_callback callback, void *user_data, uint32_t level);

/** The major version of this header. */
#define SCM_VERSION_MAJOR 0
/** The minor version of this header. */
#define SCM_VERSION_MINOR 1
/** The patch version of this header. */
#define SCM_VERSION_PATCH 0
/** The version of this header, as a text; `scm_version` is that of the library. */
#define SCM_VERSION "0.1.0"

/** The version of the binary interface. It grows when programs that were compiled with an older header stop working. */
#define SCM_ABI_VERSION 1

/**
 * The version of the library, such as "0.1.0". `SCM_VERSION` is the version of the header.
 *
 * @return static text, never NULL. It stays valid.
 *
 * Never blocks, and never fails.
 *
 * @see scm_abi_version, scm_check_version
 */
SCM_API const char *scm_version(void);

/**
 * The version of the binary interface of the library. `SCM_ABI_VERSION` is that of the header.
 *
 * @return the number. A program that loads the library with dlopen compares it with `SCM_ABI_VERSION` before any
 *   other call.
 *
 * Never blocks, and never fails.
 *
 * @see scm_version, scm_check_version
 */
SCM_API uint32_t scm_abi_version(void);

/**
 * Checks whether the library works for a program that needs a certain version.
 *
 * The rule is that of semantic versioning: the same major version and not older; before 1.0 also the same minor
 * version.
 *
 * @param required  "major.minor.patch", such as `SCM_VERSION`
 *
 * @return
 * - `SCM_S_OK`: it works.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the library is older, or of another major version.
 * - `SCM_E_INVALIDARG`: `required` is NULL or not a version.
 *
 * Never blocks.
 *
 * @see scm_version, scm_abi_version
 */
SCM_API scm_result scm_check_version(const char *required);

/** @} */

/**
 * @defgroup scm_readers Readers
 *
 * PC/SC calls a reader an interface device (IFD). Its name, as these functions give it, is what `scm_attach_by_ifd`
 * takes.
 *
 * THREADS. Any thread may call the functions of this group at any time.
 *
 * @code
 * #include <stdio.h>
 * #include <stdlib.h>
 * #include <string.h>
 * #include <scm.h>
 *
 * static scm_result print_readers(void)
 * {
 *     char *names = NULL;
 *     const char *name;
 *     size_t capacity, length;
 *     scm_result result;
 *     // Asks for the length, then for the list, which may have grown in between.
 *     do {
 *         free(names);
 *         result = scm_list_ifds(NULL, 0, &capacity);
 *         if (SCM_FAILED(result))
 *             return result;
 *         names = (char *)malloc(capacity);
 *         if (names == NULL)
 *             return SCM_E_OUTOFMEMORY;
 *         result = scm_list_ifds(names, capacity, &length);
 *     } while (result == SCM_SCARD_E_INSUFFICIENT_BUFFER);
 *     if (result == SCM_SCARD_S_NO_SERVICE)
 *         fprintf(stderr, "%s\n", scm_result_message(result));
 *     if (SCM_SUCCEEDED(result))
 *         for (name = names; *name != '\0'; name += strlen(name) + 1)
 *             puts(name);
 *     free(names);
 *     return result;
 * }
 * @endcode
 * @{
 */

enum {
    /** The longest name of a reader, in bytes of UTF-8 without the NUL. */
    SCM_IFD_NAME_MAX = 127
};

/**
 * Lists the readers: first those of the platform in its own order, then the virtual readers of this process.
 *
 * If a resource manager does not run, its readers are missing. If no reader is left for that reason, the code says so.
 * That code is a success, because a program may go on without a reader: `scm_monitor_wait` tells when a reader
 * arrives.
 *
 * @param names  [out] a multi-string of names; a single NUL if there is no reader. NULL with capacity 0 asks for the
 *   length.
 * @param capacity  the room in `names`, in bytes
 * @param names_length  [out] the length of the list with all its NULs, also if it does not fit; 0 after another
 *   failure
 *
 * @return
 * - `SCM_S_OK`: listed. An empty list means that the resource manager runs and knows no reader.
 * - `SCM_SCARD_S_NO_SERVICE`: a success. The list is empty because a resource manager does not run: pcscd on Linux,
 *   which `systemctl start pcscd.socket` starts, or the virtual one, which was stopped.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the list does not fit. It may be longer at the next call.
 * - `SCM_SCARD_E_SERVER_TOO_BUSY`, `SCM_SCARD_W_SECURITY_VIOLATION`: as for `scm_attach_by_ifd`. If there are virtual
 *   readers, the function lists only these instead.
 * - the codes of a connection, if there is no virtual reader
 *
 * Does not block. May be called in the child of a fork.
 *
 * @see scm_attach_by_ifd, scm_list_ifd_groups, scm_monitor_create
 */
SCM_API scm_result scm_list_ifds(char *names, size_t capacity, size_t *names_length);

/**
 * Lists the groups of readers. pcsc-lite has one, `SCard$DefaultReaders`.
 *
 * @param names  [out] a multi-string, as for `scm_list_ifds`
 * @param capacity  the room in `names`, in bytes
 * @param names_length  [out] the length of the list with all its NULs, also if it does not fit; 0 after another
 *   failure
 *
 * @return as `scm_list_ifds`
 *
 * Does not block. May be called in the child of a fork.
 *
 * @see scm_list_ifds
 */
SCM_API scm_result scm_list_ifd_groups(char *names, size_t capacity, size_t *names_length);

/** @} */

/**
 * @defgroup scm_attachments Attach and detach
 *
 * An attachment is the connection of this program to one card in one reader. It has a PC/SC context and a card handle
 * of its own, unless the caller brings a card handle. It stays until `scm_detach`, also when the card or the reader is
 * gone.
 *
 * THREADS. Any thread may attach, use an attachment and detach it. Attachments do not wait for each other's calls, only
 * for each other's locks. For threads that work at the same time, attach once for each of them.
 *
 * @code
 * #include <scm.h>
 *
 * // Waits for 5 seconds at most until no other application uses the card. The caller ends *card with scm_detach.
 * static scm_result attach_exclusively(const char *ifd_name, scm_handle **card)
 * {
 *     scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
 *     options.share_mode = SCM_SHARE_EXCLUSIVE;
 *     options.limit_ms = 5000;
 *     return scm_attach_by_ifd_ex(ifd_name, &options, card);
 * }
 * @endcode
 * @{
 */

/**
 * An attachment to a card. `scm_attach_by_ifd` or `scm_attach_by_handle` makes it, `scm_detach` ends it.
 *
 * After `scm_detach` every function returns `SCM_E_HANDLE` for it, for the rest of the process.
 */
typedef struct scm_handle scm_handle;

/** How an attachment shares the card with other applications. */
enum {
    /** No other application may use the card. */
    SCM_SHARE_EXCLUSIVE = 1,
    /** Other applications may use the card, too. The default. */
    SCM_SHARE_SHARED = 2,
    /**
     * The attachment is to the reader, with or without a card. No protocol is active. With pcsc-lite other applications
     * may use the reader at the same time; Windows gives it to this attachment alone.
     */
    SCM_SHARE_DIRECT = 3
};

/** The protocols between reader and card. */
enum {
    /** The character protocol T=0 (ISO/IEC 7816-3, clause 10). */
    SCM_PROTOCOL_T0 = 0x1,
    /** The block protocol T=1 (ISO/IEC 7816-3, clause 11). */
    SCM_PROTOCOL_T1 = 0x2,
    /**
     * A protocol of the reader's own. It cannot be combined with another one.
     *
     * The first attachment after a reset chooses the protocol for everyone, and the card keeps it after that attachment
     * has ended. A card that was left with RAW answers `SCM_SCARD_E_PROTO_MISMATCH` to T=0 and T=1 until it is reset; a
     * card that was left with T=1 does so to T=0. So end such an attachment with `scm_detach_ex` and
     * `SCM_DISPOSITION_RESET`. To get a card that was left with another protocol, attach with `SCM_SHARE_DIRECT` and
     * call `scm_reconnect_ex` with the share mode, the protocols, and `initial_action` `SCM_DISPOSITION_RESET`. Other
     * users of the card then get `SCM_SCARD_W_RESET_CARD`. pcscd turns off an unused card after about a second, which
     * also ends its protocol.
     */
    SCM_PROTOCOL_RAW = 0xFF
};

/** What happens to the card at the end of an attachment or of a lock. */
enum {
    /** The card stays as it is. */
    SCM_DISPOSITION_LEAVE = 0,
    /** The card is reset without loss of power (warm reset). */
    SCM_DISPOSITION_RESET = 1,
    /** The power of the card is turned off. The next use is a cold reset. */
    SCM_DISPOSITION_UNPOWER = 2,
    /** The card is ejected, if the reader can do that. */
    SCM_DISPOSITION_EJECT = 3
};

/**
 * No limit, as a time in milliseconds. `scm_cancel` ends the wait of an attachment, `scm_monitor_cancel` that of a
 * monitor; nothing ends that of a function that attaches.
 */
#define SCM_INFINITE 0xFFFFFFFFU

enum {
    /**
     * `scm_attach_options.flags`: the card handle becomes the library's own (`scm_attach_by_handle_ex` only).
     *
     * The library disconnects it at `scm_detach`, may close and reopen it in `scm_reconnect`, and the caller does not
     * use it any more. Its context stays the caller's. It must last until the attachment ends, or until the first
     * reconnect after a restart of the service.
     */
    SCM_ATTACH_ADOPT = 0x1
};

/** How to attach. Initialise with `SCM_ATTACH_OPTIONS_INIT`; zero in a field is its default. */
typedef struct scm_attach_options {
    /** `sizeof(scm_attach_options)`: tells the library which version of the structure this is. */
    uint32_t struct_size;
    /**
     * `SCM_SHARE_SHARED` (default), `SCM_SHARE_EXCLUSIVE`, or `SCM_SHARE_DIRECT`. By handle: the mode in which the
     * caller has connected, because PC/SC does not tell it.
     */
    uint32_t share_mode;
    /**
     * `SCM_PROTOCOL_T0`, `SCM_PROTOCOL_T1`, both (default), or `SCM_PROTOCOL_RAW`. Not used in direct mode. By handle:
     * the protocols that a later reconnect may choose from.
     */
    uint32_t protocols;
    /** 0, or `SCM_ATTACH_ADOPT` by handle. */
    uint32_t flags;
    /**
     * The limit of the whole call, in milliseconds, after which it returns `SCM_SCARD_E_TIMEOUT`. 0 (default) and
     * `SCM_INFINITE`: no limit.
     */
    uint32_t limit_ms;
} scm_attach_options;

/** `scm_attach_options` with every default. */
#define SCM_ATTACH_OPTIONS_INIT {sizeof(scm_attach_options), 0, 0, 0, 0}

/**
 * Attaches to the card in a reader, shared, with T=0 or T=1 (ISCardManage::AttachByIFD). The card is not reset.
 *
 * @param ifd_name  the name of the reader, as `scm_list_ifds` gives it: 1 to `SCM_IFD_NAME_MAX` bytes
 * @param handle  [out] the attachment, which `scm_detach` ends; NULL after a failure
 *
 * @return
 * - `SCM_S_OK`: attached.
 * - `SCM_SCARD_E_UNKNOWN_READER`: no reader has this name. If the resource manager does not run but the process has
 *   virtual readers, only these exist.
 * - `SCM_SCARD_E_NO_SMARTCARD`: no card is in the reader.
 * - `SCM_SCARD_E_SHARING_VIOLATION`: another application uses the card exclusively.
 * - `SCM_SCARD_E_PROTO_MISMATCH`: the card speaks neither T=0 nor T=1, or another application speaks or spoke
 *   `SCM_PROTOCOL_RAW` with it, which only a reset ends (see `SCM_PROTOCOL_RAW`).
 * - `SCM_SCARD_E_NOT_READY`: other applications reset the card again and again; try later. Or a callback would have to
 *   wait for the attachment that it works for.
 * - `SCM_SCARD_W_UNRESPONSIVE_CARD`, `SCM_SCARD_W_UNPOWERED_CARD`, `SCM_SCARD_W_UNSUPPORTED_CARD`: the card does not
 *   answer to a reset, has no power, or the reader does not understand it.
 * - `SCM_SCARD_E_READER_UNAVAILABLE`: the reader is being removed.
 * - `SCM_SCARD_E_NO_SERVICE`: the resource manager does not run, and there is no virtual reader.
 * - `SCM_SCARD_F_COMM_ERROR`: the resource manager closed the connection, and runs again.
 * - `SCM_SCARD_E_SERVER_TOO_BUSY`: the resource manager serves as many clients as it can (pcscd: 200 by default).
 * - `SCM_SCARD_W_SECURITY_VIOLATION`: a policy of the system (polkit) forbids this process to use cards. At the first
 *   use in a process pcscd also says so when it serves as many clients as it can.
 * - the other codes of a connection
 *
 * Blocks while another application or attachment holds a lock on the card; `scm_attach_by_ifd_ex` has a limit. May be
 * called in the child of a fork.
 *
 * @see scm_list_ifds, scm_attach_by_ifd_ex, scm_attach_by_handle, scm_detach
 */
SCM_API scm_result scm_attach_by_ifd(const char *ifd_name, scm_handle **handle);

/**
 * Attaches to the card in a reader, or to the reader itself, with options.
 *
 * In direct mode a reader without a card is not an error, and the ATR is empty then. No protocol is active in direct
 * mode, with or without a card: `scm_transmit` returns `SCM_SCARD_E_PROTO_MISMATCH` until `scm_reconnect_ex` asks for
 * shared or exclusive use.
 *
 * @param ifd_name  as for `scm_attach_by_ifd`
 * @param options  share mode, protocols and limit; NULL for the defaults. `flags` must be 0.
 * @param handle  [out] the attachment; NULL after a failure
 *
 * @return as `scm_attach_by_ifd`, and
 * - `SCM_SCARD_E_SHARING_VIOLATION`: also if exclusive use is requested and another application uses the card.
 * - `SCM_SCARD_E_PROTO_MISMATCH`: the card speaks none of the requested protocols, or another application has chosen
 *   another one. Only a reset of the card ends that (see `SCM_PROTOCOL_RAW`).
 * - `SCM_SCARD_E_TIMEOUT`: `limit_ms` has passed. If the resource manager makes the connection later, the library
 *   closes it at once. Until then other calls with a limit that attach to the same reader wait.
 *
 * Blocks as `scm_attach_by_ifd`, for `limit_ms` at most.
 *
 * @see scm_attach_by_ifd, scm_detach, scm_reconnect_ex
 */
SCM_API
scm_result scm_attach_by_ifd_ex(const char *ifd_name,
                                const scm_attach_options *options,
                                scm_handle **handle);

/**
 * Attaches to the card behind a card handle that the caller has connected, shared (ISCardManage::AttachByHandle).
 *
 * The card handle is borrowed. The caller keeps it connected until after `scm_detach`, and then disconnects it. The
 * library never disconnects, resets or releases it. During a call on the attachment the caller uses neither this card
 * handle nor another one of its context: libpcsclite would block, or stop the whole process.
 *
 * @param icc  the card handle (`SCARDHANDLE`) from PC/SC in this process, or from `scm_get_icc` for a virtual reader
 * @param handle  [out] the attachment, which `scm_detach` ends; NULL after a failure
 *
 * @return
 * - `SCM_S_OK`: attached.
 * - `SCM_E_INVALIDARG`: the resource manager does not know `icc`.
 * - `SCM_SCARD_W_RESET_CARD`, `SCM_SCARD_W_REMOVED_CARD`: another application has reset the card, or it was taken out,
 *   and the caller has not called `SCardReconnect` since.
 * - `SCM_SCARD_E_READER_UNAVAILABLE`: the reader is gone.
 * - `SCM_SCARD_E_NO_SERVICE`: the resource manager does not run, or was restarted since the handle was connected.
 * - `SCM_SCARD_E_NOT_READY`: a callback would have to wait for a lock of another attachment.
 * - `SCM_SCARD_F_COMM_ERROR`: the resource manager closed the connection.
 * - the other codes of a connection
 *
 * Blocks while another application holds a lock on the card.
 *
 * @see scm_attach_by_handle_ex, scm_attach_by_ifd, scm_detach, scm_get_icc
 */
SCM_API scm_result scm_attach_by_handle(uintptr_t icc, scm_handle **handle);

/**
 * Attaches to the card behind a card handle, borrowed or adopted, with options.
 *
 * @param icc  as for `scm_attach_by_handle`
 * @param options  the share mode in which the caller has connected, the protocols for a later reconnect, and
 *   `SCM_ATTACH_ADOPT` to hand the card handle over. NULL for the defaults.
 * @param handle  [out] the attachment; NULL after a failure. Then the caller still owns an `icc` that was to be
 *   adopted.
 *
 * @return as `scm_attach_by_handle`, and
 * - `SCM_SCARD_E_TIMEOUT`: `limit_ms` has passed.
 *
 * Blocks as `scm_attach_by_handle`, for `limit_ms` at most.
 *
 * @see scm_attach_by_handle, scm_detach, scm_reconnect
 */
SCM_API
scm_result scm_attach_by_handle_ex(uintptr_t icc,
                                   const scm_attach_options *options,
                                   scm_handle **handle);

/**
 * Ends an attachment and leaves the card as it is (ISCardManage::Detach).
 *
 * Its lock is released. The handle becomes invalid at once, in every thread, and so does every object that was made
 * for the attachment: interfaces and open files. A call of another thread on the attachment continues to its end;
 * after that the library frees what the attachment holds. Providers release their objects during this call.
 *
 * @param handle  the attachment
 *
 * @return
 * - `SCM_S_OK`: ended, also if the card, the reader or the service is gone.
 * - `SCM_E_HANDLE`: `handle` is not an attachment.
 *
 * Does not block, not even for another thread.
 *
 * @see scm_detach_ex, scm_attach_by_ifd, scm_attach_by_handle
 */
SCM_API scm_result scm_detach(scm_handle *handle);

/**
 * Ends an attachment with a disposition of the card.
 *
 * @param handle  the attachment
 * @param disposition  `SCM_DISPOSITION_LEAVE`, `SCM_DISPOSITION_RESET`, `SCM_DISPOSITION_UNPOWER` or
 *   `SCM_DISPOSITION_EJECT`. A borrowed card handle allows only `SCM_DISPOSITION_LEAVE`.
 *
 * @return
 * - `SCM_S_OK`: ended. pcsc-lite returns this also if the card is gone, or if the reader cannot eject it.
 * - `SCM_E_INVALIDARG`: `disposition` is not defined, or is not allowed for a borrowed card handle. The attachment
 *   stays.
 * - `SCM_SCARD_E_NOT_READY`: a callback would have to wait for another attachment that uses the card. The attachment
 *   stays.
 * - any other: ended, but without the disposition, for the reason that the code tells (`SCM_SCARD_E_NO_SERVICE`, ...).
 *
 * Blocks while another application or attachment holds a lock on the card, except for `SCM_DISPOSITION_LEAVE`. If
 * another thread is in a call on the attachment, this returns `SCM_S_OK` at once: a thread of the library disposes of
 * the card when that call has ended, and its result is lost.
 *
 * @see scm_detach, scm_unlock, scm_reconnect_ex
 */
SCM_API scm_result scm_detach_ex(scm_handle *handle, uint32_t disposition);

/** @} */

/**
 * @defgroup scm_exchange Exchange
 *
 * One command, one response: the bytes go to the card, or to the reader, exactly as they are given.
 *
 * THREADS. Calls on one handle run one after the other. Two threads that share a handle may get each other's last
 * response (`scm_get_last_response`): use an attachment for each.
 *
 * @code
 * #include <string.h>
 * #include <scm.h>
 *
 * // Reads the identifier of a contactless card: up to 10 bytes.
 * static scm_result read_uid(scm_handle *card, uint8_t uid[10], size_t *uid_length)
 * {
 *     static const uint8_t get_uid[] = {0xFF, 0xCA, 0x00, 0x00, 0x00};
 *     uint8_t response[258];
 *     size_t length;
 *     scm_result result = scm_transmit(card, get_uid, sizeof get_uid, response, sizeof response, &length);
 *     *uid_length = 0;
 *     if (SCM_FAILED(result))
 *         return result;
 *     if (length < 2 || length > 12 || response[length - 2] != 0x90 || response[length - 1] != 0x00)
 *         return SCM_E_FAIL;
 *     *uid_length = length - 2;
 *     memcpy(uid, response, length - 2);
 *     return SCM_S_OK;
 * }
 * @endcode
 * @{
 */

enum {
    /** The longest command APDU, in bytes: header, extended Lc, 65,535 bytes of data, extended Le. */
    SCM_COMMAND_MAX = 65544,
    /** The longest response, in bytes: 65,536 bytes of data and the two status bytes. */
    SCM_RESPONSE_MAX = 65538
};

/**
 * Sends one command APDU to the card, exactly as it is given and exactly once, and receives the response.
 *
 * The library adds nothing: no GET RESPONSE, no repetition, no chaining; `scm_send` does these. The exchange succeeds
 * whatever the status bytes say.
 *
 * A response that does not fit is not lost: `scm_get_last_response` gives it without asking the card again. NULL with
 * capacity 0 sends the command and asks only for the length of the response.
 *
 * @param handle  the attachment
 * @param command  the command: CLA, INS, P1, P2, and what follows (ISO/IEC 7816-3, clause 12)
 * @param command_length  4 to `SCM_COMMAND_MAX` bytes; from 1 byte with `SCM_PROTOCOL_RAW`
 * @param response  [out] the response: data, SW1, SW2. May be the same memory as `command`.
 * @param capacity  the room in `response`; `SCM_RESPONSE_MAX` is always enough
 * @param response_length  [out] the length of the response, also if it does not fit; 0 after another failure
 *
 * @return
 * - `SCM_S_OK`: the card has answered.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the card has answered, and the response does not fit.
 * - `SCM_SCARD_E_PROTO_MISMATCH`: no protocol is active (direct mode), or another application speaks
 *   `SCM_PROTOCOL_RAW` with the card, which pcscd allows. Nothing was sent.
 * - `SCM_SCARD_W_RESET_CARD`: another application has reset the card. Nothing was sent; call `scm_reconnect`.
 * - `SCM_SCARD_W_REMOVED_CARD`: the card was taken out, before or during the command.
 * - `SCM_SCARD_F_COMM_ERROR`, `SCM_SCARD_E_NOT_TRANSACTED`, `SCM_SCARD_E_COMM_DATA_LOST`: the card is there, but gave
 *   no proper answer. It may have carried out the command; the generation has grown. The code may come a second late,
 *   because the library first waits to see whether the card is being removed. The card may also have been replaced
 *   faster than the service notices (400 ms with pcsc-lite).
 * - the other codes of a connection
 *
 * Blocks until the card answers, and before that while another application or attachment holds a lock on the card;
 * `scm_transmit_ex` has a limit for that.
 *
 * @see scm_transmit_ex, scm_send, scm_get_last_response, scm_lock
 */
SCM_API
scm_result scm_transmit(scm_handle *handle,
                        const uint8_t *command,
                        size_t command_length,
                        uint8_t *response,
                        size_t capacity,
                        size_t *response_length);

/**
 * Sends one command APDU to the card as `scm_transmit` does, with a limit for the wait before it.
 *
 * The card is locked for the exchange unless it is locked already, because a command that waits inside the resource
 * manager cannot be taken back. So this takes three messages to the resource manager instead of one.
 *
 * @param handle  the attachment
 * @param command  as for `scm_transmit`
 * @param command_length  as for `scm_transmit`
 * @param timeout_ms  how long to wait for other users of the card, in milliseconds: 0 does not wait, `SCM_INFINITE`
 *   has no limit. After the card has received the command, the call waits for the answer without a limit.
 * @param response  [out] as for `scm_transmit`
 * @param capacity  as for `scm_transmit`
 * @param response_length  [out] as for `scm_transmit`
 *
 * @return as `scm_transmit`, and
 * - `SCM_SCARD_E_TIMEOUT`: others have used the card all the time, or the resource manager has not answered. Nothing
 *   was sent, and nothing will be.
 * - `SCM_SCARD_E_CANCELLED`: `scm_cancel` has ended the wait. Nothing was sent, and nothing will be.
 *
 * Blocks until the card answers. The wait before that takes `timeout_ms` at most, and about 200 ms more if the
 * resource manager is slow. If the exchange breaks off, the library waits one second more at most for the report of a
 * removal, however short `timeout_ms` is. To end the lock, a resource manager that does not answer gets the rest of
 * `timeout_ms`, and about a second at least; without a limit it gets that after `scm_cancel`.
 *
 * @see scm_transmit, scm_send_ex, scm_cancel, scm_lock_ex
 */
SCM_API
scm_result scm_transmit_ex(scm_handle *handle,
                           const uint8_t *command,
                           size_t command_length,
                           uint32_t timeout_ms,
                           uint8_t *response,
                           size_t capacity,
                           size_t *response_length);

/**
 * Gets the answer to the last `scm_transmit`, `scm_send` or `scm_control` of this attachment again.
 *
 * The library keeps the answer until the next exchange, so an answer that did not fit into its buffer is not lost.
 * After `scm_send` it has all data of the response, also beyond `expected` and beyond `SCM_RESPONSE_MAX`, and then the
 * status word. It is empty before the first exchange and after a failed one. After other functions that use the card
 * its content is not defined.
 *
 * @param handle  the attachment
 * @param response  [out] the bytes; NULL with capacity 0 asks for the length
 * @param capacity  the room in `response`
 * @param response_length  [out] the length of the answer, also if it does not fit; 0 after another failure
 *
 * @return
 * - `SCM_S_OK`: copied.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the answer does not fit; it is still kept.
 * - `SCM_SCARD_E_NOT_READY`: called by a callback of a virtual card, during the exchange.
 *
 * Does not block: asks neither card nor service.
 *
 * @see scm_transmit, scm_send, scm_control
 */
SCM_API
scm_result scm_get_last_response(scm_handle *handle,
                                 uint8_t *response,
                                 size_t capacity,
                                 size_t *response_length);

/**
 * Sends a control code to the reader, in direct mode also without a card (PC/SC part 3).
 *
 * The documentation of the reader or its driver tells the codes. A code for a feature of PC/SC part 10, such as a PIN
 * pad, comes from the reader: send `scm_ctl_code(3400)` without data. The answer has six bytes for each feature: its
 * number, 4, and its control code, the most significant byte first.
 *
 * @param handle  the attachment
 * @param control_code  the code of this platform: `scm_ctl_code(function)`, or one that the reader gave for a feature
 * @param input  the data for the reader; NULL with length 0 for none
 * @param input_length  their length, up to `SCM_COMMAND_MAX` bytes
 * @param output  [out] the answer of the reader
 * @param capacity  the room in `output`
 * @param output_length  [out] the length of the answer, also if it does not fit; 0 after another failure
 *
 * @return
 * - `SCM_S_OK`: the reader has answered.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the answer does not fit; `scm_get_last_response` gives it.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the reader does not know this code.
 * - `SCM_SCARD_E_NOT_TRANSACTED`: the reader knows the code, and failed.
 * - `SCM_SCARD_E_SHARING_VIOLATION`: another application holds a lock on the card.
 * - the other codes of a connection
 *
 * Blocks as long as the reader takes.
 *
 * @see scm_ctl_code, scm_get_last_response, scm_get_attribute
 */
SCM_API
scm_result scm_control(scm_handle *handle,
                       uint32_t control_code,
                       const uint8_t *input,
                       size_t input_length,
                       uint8_t *output,
                       size_t capacity,
                       size_t *output_length);

/**
 * The control code of this platform for a function number, as the macro `SCARD_CTL_CODE` of PC/SC.
 *
 * @param function  the number, such as 3400 for CM_IOCTL_GET_FEATURE_REQUEST (PC/SC part 10)
 * @return the code for `scm_control`
 *
 * Never blocks, and never fails.
 *
 * @see scm_control
 */
SCM_API uint32_t scm_ctl_code(uint32_t function);

/** Attributes, with the values of PC/SC part 3. */
enum {
    /** `scm_get_attribute`: the name of the vendor of the reader, a text. */
    SCM_ATTR_VENDOR_NAME = 0x10100,
    /** `scm_get_attribute`: the type of the reader, a text. */
    SCM_ATTR_VENDOR_IFD_TYPE = 0x10101,
    /** `scm_get_attribute`: the version of the reader, a number of 4 bytes: 0xMMmmbbbb for major, minor and build. */
    SCM_ATTR_VENDOR_IFD_VERSION = 0x10102,
    /** `scm_get_attribute`: the serial number of the reader, a text. */
    SCM_ATTR_VENDOR_IFD_SERIAL_NO = 0x10103,
    /** `scm_get_attribute`: how the reader is connected, such as bus and device of USB, a number of 4 bytes. */
    SCM_ATTR_CHANNEL_ID = 0x20110,
    /** `scm_get_attribute`: the presence of a card, 1 byte. */
    SCM_ATTR_ICC_PRESENCE = 0x90300,
    /** `scm_get_attribute`: whether the contacts of the card are active, 1 byte. */
    SCM_ATTR_ICC_INTERFACE_STATUS = 0x90301,
    /** `scm_get_attribute`: the ATR of the card. */
    SCM_ATTR_ATR_STRING = 0x90303,
    /** `scm_get_attribute`: the name of the reader, as pcsc-lite gives it to programs, a text. */
    SCM_ATTR_DEVICE_FRIENDLY_NAME = 0x7FFF0003
};

/**
 * Reads an attribute of the reader, its driver or its card (PC/SC part 3).
 *
 * A driver has only some of the attributes. `SCM_ATTR_*` are those that many have; the headers of the platform name
 * more, `SCARD_ATTR_*` with the same values. Numbers in a value are in the byte order of the machine.
 *
 * @param handle  the attachment
 * @param attribute  the identifier of the attribute: `SCM_ATTR_*`, or any other number
 * @param value  [out] its value; NULL with capacity 0 asks for the length
 * @param capacity  the room in `value`; no attribute is longer than 264 bytes
 * @param value_length  [out] the length of the value, also if it does not fit; 0 after another failure
 *
 * @return
 * - `SCM_S_OK`: read.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the value does not fit.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the driver does not know this attribute.
 * - `SCM_SCARD_E_NOT_TRANSACTED`: the driver knows it, and failed.
 * - `SCM_SCARD_F_INTERNAL_ERROR`: the driver gave a length that no attribute has.
 * - `SCM_SCARD_E_SHARING_VIOLATION`: another application holds a lock on the card.
 * - the other codes of a connection
 *
 * Does not block.
 *
 * @see scm_set_attribute, scm_get_atr, scm_get_ifd_name
 */
SCM_API
scm_result scm_get_attribute(scm_handle *handle,
                             uint32_t attribute,
                             uint8_t *value,
                             size_t capacity,
                             size_t *value_length);

/**
 * Sets an attribute of the reader or its driver. Few drivers allow it.
 *
 * @param handle  the attachment
 * @param attribute  the identifier of the attribute: `SCM_ATTR_*`, or any other number
 * @param value  its value; NULL with length 0 for an empty one
 * @param value_length  its length, up to 264 bytes
 *
 * @return
 * - `SCM_S_OK`: set.
 * - `SCM_SCARD_E_INVALID_PARAMETER`: the value is empty, and the resource manager does not accept that (pcsc-lite).
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the driver does not know this attribute.
 * - `SCM_SCARD_E_NOT_TRANSACTED`: the driver refuses to set it.
 * - `SCM_SCARD_E_SHARING_VIOLATION`: another application holds a lock on the card.
 * - the other codes of a connection
 *
 * Does not block.
 *
 * @see scm_get_attribute
 */
SCM_API
scm_result scm_set_attribute(scm_handle *handle,
                             uint32_t attribute,
                             const uint8_t *value,
                             size_t value_length);

/** @} */

/**
 * @defgroup scm_commands Commands
 *
 * Commands of ISO/IEC 7816-4. The library does what T=0 and T=1, long data and long responses need (GET RESPONSE, a
 * wrong Le, extended lengths, command chaining), and makes a result of the status word.
 *
 * THREADS. Calls on one handle run one after the other, each with all its exchanges.
 *
 * @code
 * #include <scm.h>
 *
 * // Selects an application, and gets its file control information.
 * static scm_result select_application(scm_handle *card, const uint8_t *aid, size_t aid_length, uint8_t fci[256],
 *                                      size_t *fci_length)
 * {
 *     scm_command command = SCM_COMMAND_INIT;
 *     uint16_t status_word;
 *     command.ins = 0xA4;
 *     command.p1 = 0x04;
 *     command.data = aid;
 *     command.data_length = aid_length;
 *     command.expected = 256;
 *     return scm_send(card, &command, fci, 256, fci_length, &status_word);
 * }
 * @endcode
 * @{
 */

enum {
    /** The most data of a command, in bytes. */
    SCM_COMMAND_DATA_MAX = 65535,
    /** The most data of a response, in bytes. In `scm_command.expected`: everything. */
    SCM_EXPECTED_MAX = 65536
};

/** A command. Initialise with `SCM_COMMAND_INIT`. */
typedef struct scm_command {
    /** `sizeof(scm_command)` */
    uint32_t struct_size;
    /**
     * CLA, the class, without the bit for chaining: 0 for most commands of ISO/IEC 7816-4, 0xFF for commands to the
     * reader (PC/SC part 3), such as FF CA 00 00 for the identifier of a contactless card.
     */
    uint8_t cla;
    /** INS, the instruction. */
    uint8_t ins;
    /** P1, the first parameter of the instruction. */
    uint8_t p1;
    /** P2, the second one. */
    uint8_t p2;
    /** The data of the command; NULL with length 0 for none. */
    const uint8_t *data;
    /** Their length, up to `SCM_COMMAND_DATA_MAX`. The library makes Lc of it. */
    size_t data_length;
    /**
     * How many bytes of data are expected at most, without the status word (Ne): 0 for none, `SCM_EXPECTED_MAX` for
     * all. The library makes Le of it.
     */
    uint32_t expected;
    /**
     * The logical channel, 0 to 19. The library puts it into the class, which must not name a channel itself then. 0
     * leaves the class as it is, and is the only value for the class 0xFF.
     */
    uint32_t channel;
} scm_command;

/** `scm_command` with zero in every field. */
#define SCM_COMMAND_INIT {sizeof(scm_command), 0, 0, 0, 0, NULL, 0, 0, 0}

/**
 * Sends one command of ISO/IEC 7816-4, in as many exchanges as it needs, and receives the data and the status word.
 *
 * The library does all four cases of commands with T=0 and T=1. It fetches the data that T=0 leaves in the card (GET
 * RESPONSE after 61XX, as far as data are expected), and corrects a wrong Le once (6CXX). Data that do not fit into
 * one APDU go in extended lengths if card and reader support them, else in parts (command chaining, or ENVELOPE with
 * T=0). The abilities of the card are known from its ATR, from `scm_get_card_capabilities` or from
 * `scm_set_card_capabilities`; for a card that says nothing the library tries chaining. All exchanges happen under one
 * lock. VERIFY and other commands that the card counts are never sent twice, not even after 6CXX.
 *
 * GET RESPONSE has the class of the standards:
 * - after an interindustry class, the interindustry class with the channel of the command
 * - after a message of FIDO2 (80 10), 80
 * - after A0 (SIM), A0; there 9FXX means the same as 61XX
 * - after 90 to FE, the same class
 *
 * If the card refuses that class, the library tries the class of the command. After a class from 80 on it tries 00 at
 * last, unless a channel is given. It remembers the class that works. Some cards forget their answer when they refuse:
 * then the command fails with that refusal, and the next command begins with another class. If the card refuses the
 * length of GET RESPONSE (67XX, 6A80, 6A86, 6A87, 6BXX, 6F00), the library halves it, down to one byte, and remembers
 * the length that works.
 *
 * If a card refuses extended lengths or chaining although it announces them, the library tries the other form once,
 * and keeps to it if the card takes it. A refusal is 67XX, 68XX, 6A81, 6A86, 6A87, 6B00, 6DXX, 6EXX or 6F00 to the
 * whole command or to its first part, or 6A80 to its first part. After the card has once answered a command in this
 * form, a refusal is only 67XX, 6883 and 6884. The library does not try a second time:
 * - a command that the card counts (INS 20, 21, 24 to 26, 28, 2C to 2F, 82, 86, 87)
 * - a command of a proprietary class from 90 on
 * - an unknown instruction of the classes 80 to 8F. Known are those of ISO/IEC 7816-4, of GlobalPlatform (D8, E2, E4,
 *   E6, E8, F0, F2) and of FIDO2 (10, 11).
 * - after 6F00 or 6A80, which do not say that nothing was done, a command that may not be repeated. All may not but
 *   INS 0C, 0E, 0F, 22, 2A, A0 to A2, A4, B0 to B3, CA, CB, D6, D7, DA to DD, F2.
 * - a form that `scm_set_card_capabilities` forbids
 *
 * A command of class FF is for the reader: one exchange, unchanged, and so is its answer, also 61XX and 6CXX. It has
 * extended lengths only if its data need them.
 *
 * The outputs are set whenever the card has answered, also if the code is a failure. If the card gives more data than
 * `expected`, the output has the first ones, and this is not a failure. `scm_get_last_response` gives the whole
 * answer.
 *
 * @param handle  the attachment
 * @param command  the command
 * @param response  [out] the data of the response, without the status word. May be the same memory as the data of the
 *   command.
 * @param capacity  the room in `response`; `expected` is always enough
 * @param response_length  [out] the length of the data; 0 if the card has not answered
 * @param status_word  [out] SW1 and SW2 as one number, such as 0x9000; 0 if the card has not answered
 *
 * @return the meaning of the status word, first in general and then for some commands; last the codes without one:
 * - `SCM_S_OK`: 9000; 61XX, if no more was expected; 62XX and 63XX that are not named below; in the classes 00 to 8F,
 *   A0, C0 to CF and E0 to EF also 91XX (a message for the phone, ETSI TS 102 221) and 9200 to 920F
 * - `SCM_SCARD_W_EOF`: 6282, fewer data than expected
 * - `SCM_SCARD_E_COMM_DATA_LOST`: 6281, part of the data may be wrong
 * - `SCM_SCARD_W_WRONG_CHV`: 63C1 to 63CF, a wrong code; X tries are left
 * - `SCM_SCARD_W_CHV_BLOCKED`: 63C0, no try is left; 6983, 9840
 * - `SCM_SCARD_E_INVALID_CHV`: 6984
 * - `SCM_SCARD_W_SECURITY_VIOLATION`: 6300, 6982, 6987, 6988, 9804, 9862 to 9867
 * - `SCM_SCARD_E_NO_ACCESS`: 6985, 6A89, 6A8A: not allowed in this state, or it exists already
 * - `SCM_SCARD_E_NO_FILE`: 6986, no file is selected
 * - `SCM_SCARD_E_FILE_NOT_FOUND`: 6A82, 6A88
 * - `SCM_SCARD_E_BAD_SEEK`: 6A83, there is no such record
 * - `SCM_SCARD_E_WRITE_TOO_MANY`: 6A84; 9850, no more can be added
 * - `SCM_SCARD_E_INVALID_PARAMETER`: 67XX, 6A80, 6A85, 6A86, 6A87, 6BXX, 6CXX
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: 68XX, 6981, 6A81, 6DXX, 6EXX
 * - `SCM_SCARD_E_NOT_READY`: 9300, busy
 * - `SCM_E_FAIL`: any other
 * - for INS 20, 21, 24 to 26, 28, 2C to 2F, 82, 86, 87, which present a code, a key or a finger:
 *   `SCM_SCARD_W_WRONG_CHV` is 63XX and 9804; 6301 to 630F tell the tries that are left.
 * - for INS 0C, 0E, 0F, D0 to D2, D6, D7, DA, DC, E2, which write: `SCM_S_OK` is also 63CX: written after X tries of
 *   the memory (ISO/IEC 7816-4:1995, 6.3.5).
 * - for class A0, the SIM (3GPP TS 51.011): `SCM_S_OK` is also 9FXX (data that were not expected) and 9EXX (data after
 *   a failed download, which GET RESPONSE of class A0 fetches); `SCM_SCARD_E_NO_FILE` 9400, `SCM_SCARD_E_BAD_SEEK`
 *   9402, `SCM_SCARD_E_FILE_NOT_FOUND` 9404, `SCM_SCARD_E_UNSUPPORTED_FEATURE` 9408, `SCM_SCARD_E_INVALID_CHV` 9802,
 *   `SCM_SCARD_E_NO_ACCESS` 9808 and 9810.
 * - for class 90, wrapped commands of DESFire: `SCM_S_OK` is 9100, 91AF (more frames), and 910C;
 *   `SCM_SCARD_W_SECURITY_VIOLATION` 91AE, `SCM_SCARD_E_NO_ACCESS` 919D and 91DE, `SCM_SCARD_E_FILE_NOT_FOUND` 9140,
 *   91A0 and 91F0, `SCM_SCARD_E_BAD_SEEK` 91BE, `SCM_SCARD_E_WRITE_TOO_MANY` 910E and 91CE,
 *   `SCM_SCARD_E_INVALID_PARAMETER` 917E and 919E, `SCM_SCARD_E_UNSUPPORTED_FEATURE` 911C,
 *   `SCM_SCARD_E_COMM_DATA_LOST` 911E, `SCM_SCARD_E_NOT_READY` 91AD, `SCM_E_FAIL` any other 91XX.
 * - for class FF, the reader: `SCM_E_FAIL` is also 63XX.
 * - for any other proprietary class: `SCM_S_OK` is also 90XX, except for instructions that present a code. The other
 *   words from 9001 to 9FFF are `SCM_E_FAIL`, because only the card knows their meaning:
 *   `scm_send_options.successes` can name the successes.
 * - `SCM_E_INVALIDARG`: a length is too great; the channel is not defined; or a channel is given, and the class is FF
 *   or names another channel.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`, with a status word of 0: the card takes so much data neither in extended
 *   lengths nor in parts, or the class has no bit for chaining. Nothing was sent.
 * - `SCM_SCARD_E_COMM_DATA_LOST`: also if the card gives a response in parts, but not all of it.
 * - `SCM_SCARD_F_COMM_ERROR`: also if the card answers before it has all parts of the command, or announces data
 *   without an end.
 * - `SCM_SCARD_E_PROTO_MISMATCH` and the codes of a connection: as `scm_transmit`. Some of the exchanges may have
 *   happened.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the card has answered, and its data do not fit; `scm_get_last_response` gives
 *   them.
 *
 * Blocks until the card answers, and before that while another application or attachment holds a lock on the card:
 * `scm_send_ex` has a limit, and `scm_cancel` ends the wait. The lock costs two messages to the resource manager. To
 * send many commands in a row, call `scm_lock` around them.
 *
 * @see scm_send_ex, scm_transmit, scm_lock, scm_get_card_capabilities, scm_get_last_response
 */
SCM_API
scm_result scm_send(scm_handle *handle,
                    const scm_command *command,
                    uint8_t *response,
                    size_t capacity,
                    size_t *response_length,
                    uint16_t *status_word);

/**
 * Selects the application again, before a command that needs it.
 *
 * It runs on the thread of `scm_send_ex`, while the card is locked, and may use `handle`. Another attachment to the
 * same card would wait for the lock for ever, so it returns `SCM_SCARD_E_NOT_READY`. The lock belongs to the handle,
 * not to the thread: commands of other threads that share the handle may come between the callback and its command.
 * Give each thread an attachment.
 *
 * @param user_data  `scm_send_options.user_data`
 * @param handle  the attachment of `scm_send_ex`
 * @param generation  as `scm_get_generation`
 *
 * @return a success to go on with the command; a failure to end `scm_send_ex` with this code, without sending the
 *   command
 */
typedef scm_result (*scm_select_callback)(void *user_data, scm_handle *handle, uint64_t generation);

/** A set of status words: those that equal `word` in the bits of `mask`, such as 0x9F00 and 0xFF00 for all 9FXX. */
typedef struct scm_status_words {
    /** SW1 and SW2, without bits that are not in the mask */
    uint16_t word;
    /** The bits that count: 0xFFFF for one word, 0xFF00 for every word with one SW1. */
    uint16_t mask;
} scm_status_words;

enum {
    /** The most elements of `scm_send_options.successes`. */
    SCM_SEND_SUCCESSES_MAX = 64
};

enum {
    /**
     * `scm_send_options.flags`: returns 61XX, and 9FXX of a SIM, with the data that come with it, and fetches nothing.
     * For applications that have an instruction of their own for the rest.
     */
    SCM_SEND_KEEP_61XX = 0x1,
    /** `scm_send_options.flags`: returns 6CXX, and does not send the command again. */
    SCM_SEND_KEEP_6CXX = 0x2
};

enum {
    /** `scm_send_options.get_response_class`: set together with the class, such as `SCM_SEND_CLASS | 0x00`. */
    SCM_SEND_CLASS = 0x100
};

/** How to send a command. Initialise with `SCM_SEND_OPTIONS_INIT`; zero in a field is its default. */
typedef struct scm_send_options {
    /** `sizeof(scm_send_options)` */
    uint32_t struct_size;
    /**
     * How long to wait for other users of the card, in milliseconds, before the call returns `SCM_SCARD_E_TIMEOUT`.
     * 0 (default) and `SCM_INFINITE`: no limit.
     */
    uint32_t limit_ms;
    /** Selects the application if it may not be selected any more; NULL (default) for none. */
    scm_select_callback select_callback;
    /** The first argument of the callback. */
    void *user_data;
    /** `SCM_SEND_KEEP_61XX`, `SCM_SEND_KEEP_6CXX`, both, or 0 (default) */
    uint32_t flags;
    /**
     * The only class of GET RESPONSE: `SCM_SEND_CLASS` and the class, such as `SCM_SEND_CLASS | 0x80`. 0 (default):
     * the class of the standards, and other classes if the card refuses it.
     */
    uint32_t get_response_class;
    /**
     * The status words that are a success for the caller; all others are failures. NULL (default): the table of
     * `scm_send`. Used only during the call.
     */
    const scm_status_words *successes;
    /** How many elements `successes` has, up to `SCM_SEND_SUCCESSES_MAX`. */
    size_t success_count;
} scm_send_options;

/** `scm_send_options` with every default. */
#define SCM_SEND_OPTIONS_INIT {sizeof(scm_send_options), 0, NULL, NULL, 0, 0, NULL, 0}

/**
 * Sends one command of ISO/IEC 7816-4 as `scm_send` does, with options: a limit, a callback that selects the
 * application, and the caller's own rules for fetching and for successes.
 *
 * With `scm_send_options.successes` the named status words are `SCM_S_OK`. All others are failures, with the code of
 * `scm_send`, or `SCM_E_FAIL` if that is a success.
 *
 * The `select_callback` runs under the lock, before the command, whenever its selection may be lost:
 * - at the first use of this callback with this `user_data`
 * - after the generation has grown
 * - after another command of this attachment (`scm_send`, `scm_transmit`), or another callback
 * - at each new lock, if other applications may use the card
 *
 * So on a shared card it runs before each command, but only once while the caller holds `scm_lock`. No other
 * application can use the card if the attachment is exclusive, or is the only one to a virtual reader.
 *
 * @param handle  the attachment
 * @param command  as for `scm_send`
 * @param options  the options; NULL for the defaults
 * @param response  [out] as for `scm_send`
 * @param capacity  as for `scm_send`
 * @param response_length  [out] as for `scm_send`
 * @param status_word  [out] as for `scm_send`
 *
 * @return as `scm_send`, and
 * - `SCM_E_INVALIDARG`: also a class of GET RESPONSE without `SCM_SEND_CLASS` or above one byte; too many successes,
 *   or one with a bit outside its mask.
 * - `SCM_SCARD_E_TIMEOUT`: others have used the card all the time. Nothing was sent.
 * - `SCM_SCARD_E_CANCELLED`: `scm_cancel` has ended the wait. Nothing was sent.
 * - `SCM_E_HANDLE`: also if the callback has detached the handle. The command was not sent.
 * - any failure of the callback
 *
 * Blocks as `scm_send`, and the wait for other users of the card takes `limit_ms` at most.
 *
 * @see scm_send, scm_lock_ex, scm_cancel, scm_get_generation
 */
SCM_API
scm_result scm_send_ex(scm_handle *handle,
                       const scm_command *command,
                       const scm_send_options *options,
                       uint8_t *response,
                       size_t capacity,
                       size_t *response_length,
                       uint16_t *status_word);

enum {
    /** `scm_card_capabilities.flags`: the card takes a command in parts (command chaining). */
    SCM_CARD_CHAINING = 0x1,
    /** `scm_card_capabilities.flags`: the card takes extended lengths. */
    SCM_CARD_EXTENDED = 0x2
};

/** The commands that the card takes. Initialise with `SCM_CARD_CAPABILITIES_INIT`. */
typedef struct scm_card_capabilities {
    /** `sizeof(scm_card_capabilities)` */
    uint32_t struct_size;
    /** `SCM_CARD_CHAINING`, `SCM_CARD_EXTENDED`, both, or 0 */
    uint32_t flags;
    /**
     * The most data of one command APDU, in bytes: 255 without extended lengths, or less after
     * `scm_set_card_capabilities`.
     */
    uint32_t command_data_max;
    /** The most data of one response APDU, in bytes: 256 without extended lengths, or less. */
    uint32_t response_data_max;
    /**
     * How many logical channels the card has, with the basic one: 8 means eight or more, 0 that the card does not say.
     * `scm_set_card_capabilities` ignores it.
     */
    uint32_t channel_count;
} scm_card_capabilities;

/** `scm_card_capabilities` of a card that takes only short commands. */
#define SCM_CARD_CAPABILITIES_INIT {sizeof(scm_card_capabilities), 0, 0, 0, 0}

/**
 * Finds out which commands the card takes, and remembers it for `scm_send` and for files.
 *
 * The ATR tells whether extended lengths and chaining are possible. The file EF.ATR/INFO tells the longest commands
 * and responses. Only this function selects and reads that file, because to select it ends the current selection, and
 * with it codes that were verified for one directory. The reader has a limit, too (PC/SC part 10,
 * dwMaxAPDUDataSize). A form that the card has refused before (`scm_send`) is left out. The result holds for this
 * attachment as long as the card has the same ATR. `scm_set_card_capabilities` overrides all of this.
 *
 * Call it once after attaching, before you send long data. Until then a card whose ATR refers to the file gets long
 * data in parts, if it takes parts.
 *
 * @param handle  the attachment
 * @param capabilities  [out] the capabilities; set its `struct_size` before, as `SCM_CARD_CAPABILITIES_INIT` does
 *
 * @return
 * - `SCM_S_OK`: found, also if the card has no such file.
 * - the codes of a connection
 *
 * Blocks as `scm_send`.
 *
 * @see scm_set_card_capabilities, scm_send
 */
SCM_API scm_result scm_get_card_capabilities(scm_handle *handle, scm_card_capabilities *capabilities);

/**
 * Sets the commands that the card takes, whatever the card and the reader say. The library forgets what it has found
 * out by trying.
 *
 * The setting holds for this attachment, also after a reconnect and for another card. Without `SCM_CARD_EXTENDED` the
 * lengths are those of short commands, for cards that cannot give 256 bytes at once or cannot take 255. The functions
 * of files read and write in pieces of this size. `scm_send` does not split short commands.
 *
 * @param handle  the attachment
 * @param capabilities  the capabilities; 0 as a length is the greatest. NULL: believe card and reader again.
 *
 * @return
 * - `SCM_S_OK`: set.
 * - `SCM_E_INVALIDARG`: also a length that is out of range: with `SCM_CARD_EXTENDED` 255 to 65,535 for commands and
 *   256 to 65,536 for responses, without it 1 to 255 and 1 to 256.
 *
 * Does not block: asks neither card nor service.
 *
 * @see scm_get_card_capabilities, scm_send
 */
SCM_API
scm_result scm_set_card_capabilities(scm_handle *handle,
                                     const scm_card_capabilities *capabilities);

/** @} */

/**
 * @defgroup scm_locks Locks
 *
 * While an attachment holds a lock, no other attachment and no other application can use the card. A lock is needed
 * where several commands belong together, such as a selection and what follows it.
 *
 * THREADS. A lock belongs to the attachment, not to the thread: any thread may use the card through the attachment, and
 * any thread may unlock it. While a thread waits for a lock, other threads that use the same handle wait, too, except
 * in `scm_detach`, `scm_cancel` and the functions that never block.
 *
 * @code
 * #include <scm.h>
 *
 * // Carries out a function while no one else can use the card. Waits for others for 2 seconds at most.
 * static scm_result do_alone(scm_handle *card, scm_result (*function)(scm_handle *card))
 * {
 *     scm_result unlocked, result = scm_lock_ex(card, 2000);
 *     if (SCM_FAILED(result))
 *         return result;
 *     result = function(card);
 *     unlocked = scm_unlock(card, SCM_DISPOSITION_LEAVE);
 *     return SCM_FAILED(result) ? result : unlocked;
 * }
 * @endcode
 * @{
 */

/**
 * Takes the card for this attachment alone (ISCardManage::SCardLock).
 *
 * Locks are counted, and each needs its `scm_unlock`. Only the outermost lock asks the resource manager.
 *
 * @param handle  the attachment
 *
 * @return
 * - `SCM_S_OK`: locked.
 * - `SCM_SCARD_E_CANCELLED`: `scm_cancel` has ended the wait. Not locked.
 * - `SCM_E_FAIL`: locked 4,294,967,295 times already.
 * - the other codes of a connection. Not locked.
 *
 * Blocks without a limit while another application or attachment holds a lock on the card; `scm_lock_ex` has a limit.
 * Attachments of one process get the card in the order of their calls, at the moment of the unlock. For another
 * application's lock the library asks about every 5 ms. In a process with one thread nobody can cancel the wait, and
 * the first wait for another application is left to PC/SC, which asks every 100 ms.
 *
 * A thread that locks two attachments to one reader waits for itself for ever.
 *
 * @see scm_lock_ex, scm_unlock, scm_cancel
 */
SCM_API scm_result scm_lock(scm_handle *handle);

/**
 * Takes the card for this attachment alone as `scm_lock` does, with a limit.
 *
 * @param handle  the attachment
 * @param timeout_ms  how long to wait for others, in milliseconds: 0 does not wait, `SCM_INFINITE` has no limit
 *
 * @return as `scm_lock`, and
 * - `SCM_SCARD_E_TIMEOUT`: others have used the card all the time, or the resource manager has not answered. Not
 *   locked; a lock that the resource manager grants later is released at once.
 *
 * Blocks for `timeout_ms` at most, and about 200 ms more if the resource manager is slow.
 *
 * @see scm_lock, scm_unlock, scm_cancel
 */
SCM_API scm_result scm_lock_ex(scm_handle *handle, uint32_t timeout_ms);

/**
 * Releases one lock (ISCardManage::SCardUnlock).
 *
 * The outermost unlock applies `disposition` and lets others use the card; the disposition of an inner one has no
 * effect. After a reset the generation has grown and this attachment works on, but other attachments must reconnect.
 *
 * @param handle  the attachment
 * @param disposition  `SCM_DISPOSITION_LEAVE`, `SCM_DISPOSITION_RESET`, `SCM_DISPOSITION_UNPOWER` or
 *   `SCM_DISPOSITION_EJECT`
 *
 * @return
 * - `SCM_S_OK`: released.
 * - `SCM_E_INVALIDARG`: `disposition` is not defined. The lock is still held.
 * - `SCM_SCARD_E_NOT_TRANSACTED`: no lock is held.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the reader cannot eject. Released; the card is left as it is.
 * - the other codes of a connection: the lock was lost before, with the card, the reader or the service. It is not
 *   held any more.
 *
 * If the card handle is borrowed, the next PC/SC call of its owner reports a reset, too.
 *
 * Does not block for others. It takes as long as the resource manager and the reader need, and nothing ends it
 * earlier.
 *
 * @see scm_lock, scm_lock_ex
 */
SCM_API scm_result scm_unlock(scm_handle *handle, uint32_t disposition);

/**
 * Ends a wait of an attachment: the current one, or else the next one.
 *
 * A call that waits for others returns `SCM_SCARD_E_CANCELLED`, and the attachment is as before. A cancel is never
 * lost: if no call waits, it ends the next wait. Calls that do not need to wait do not notice it. If several threads
 * wait on one handle, it ends one of the waits.
 *
 * Waits for other attachments of this process can always be cancelled. Waits for another application can be cancelled
 * in `scm_lock`, `scm_lock_ex`, `scm_transmit_ex`, `scm_send`, `scm_send_ex`, `scm_reconnect` and `scm_reconnect_ex`,
 * and in the functions of files, codes and authentication. `scm_transmit` and `scm_status` leave that wait to the
 * resource manager. A command that the card has received is never interrupted. Afterwards the call gives its lock
 * back: the first cancel leaves that about a second, and the call still tells how the command has ended. The cancel
 * then ends the next wait. A service that needs longer costs the connection: the next call connects again, or a
 * borrowed card handle needs `scm_reconnect`; the generation grows. A cancel does not end `scm_unlock`.
 *
 * @param handle  the attachment
 *
 * @return
 * - `SCM_S_OK`: the current wait ends, or the next one will.
 *
 * Never blocks.
 *
 * @see scm_lock, scm_transmit_ex, scm_send, scm_reconnect, scm_monitor_cancel
 */
SCM_API scm_result scm_cancel(scm_handle *handle);

/** @} */

/**
 * @defgroup scm_reconnection Reconnect and status
 *
 * `scm_reconnect` makes an attachment usable again, whatever happened: a reset, another card, another reader of the
 * same name, a restart of the service. The generation tells whether the card may have forgotten its state.
 *
 * THREADS. Calls on one handle run one after the other. The functions that never block can be called during another
 * call. docs/reconnect.md has the result of each call after each event.
 *
 * @code
 * #include <scm.h>
 *
 * // Makes the attachment usable again. Prepares the card again (selects, verifies, ...) if it may have forgotten that.
 * static scm_result recover(scm_handle *card, uint64_t *generation, scm_result (*prepare)(scm_handle *card))
 * {
 *     uint64_t now = 0;
 *     scm_result result = scm_reconnect(card);
 *     if (result == SCM_S_FALSE)
 *         return SCM_SCARD_W_REMOVED_CARD; // another card
 *     if (SCM_SUCCEEDED(result))
 *         result = scm_get_generation(card, &now);
 *     if (SCM_SUCCEEDED(result) && now != *generation)
 *         result = prepare(card);
 *     if (SCM_SUCCEEDED(result))
 *         *generation = now;
 *     return result;
 * }
 * @endcode
 * @{
 */

/** How to reconnect. Initialise with `SCM_RECONNECT_OPTIONS_INIT`; zero in a field changes nothing. */
typedef struct scm_reconnect_options {
    /** `sizeof(scm_reconnect_options)` */
    uint32_t struct_size;
    /** The share mode from now on: `SCM_SHARE_EXCLUSIVE`, `SCM_SHARE_SHARED` or `SCM_SHARE_DIRECT`; 0 keeps it. */
    uint32_t share_mode;
    /** The protocols from now on: `SCM_PROTOCOL_T0`, `SCM_PROTOCOL_T1`, both, or `SCM_PROTOCOL_RAW`; 0 keeps them. */
    uint32_t protocols;
    /**
     * The treatment of the card: `SCM_DISPOSITION_LEAVE` (default), `SCM_DISPOSITION_RESET` or
     * `SCM_DISPOSITION_UNPOWER`.
     */
    uint32_t initial_action;
    /**
     * The limit of the whole call, in milliseconds, after which it returns `SCM_SCARD_E_TIMEOUT`. 0 (default) and
     * `SCM_INFINITE`: no limit. Later reconnects do not keep it.
     */
    uint32_t limit_ms;
} scm_reconnect_options;

/** `scm_reconnect_options` with every default. */
#define SCM_RECONNECT_OPTIONS_INIT {sizeof(scm_reconnect_options), 0, 0, 0, 0}

/**
 * Makes an attachment usable again, without a Detach followed by an Attach (ISCardManage::Reconnect).
 *
 * It acknowledges a reset by another application. It connects again after the card was taken out and put back. It
 * opens a new context and connects again after a restart of the service or after the reader came back. If nothing has
 * happened, it changes nothing. The card is not reset. A lock that was held is held afterwards, or the call fails. The
 * generation (`scm_get_generation`) has grown if the card may have forgotten its state: selected files, verified
 * codes, keys.
 *
 * Cards are distinguished by the ATR that the service has read. If a card is replaced faster than the service looks
 * (400 ms with pcsc-lite), the exchange fails and the generation grows, but the service still has the ATR of the old
 * card until the new one is reset: the result is `SCM_S_OK` although the card is another one.
 *
 * A borrowed card handle is reconnected as it is. If the service does not know it any more, because of a restart or a
 * disconnect, it cannot be brought back.
 *
 * @param handle  the attachment
 *
 * @return
 * - `SCM_S_OK`: usable, and the card has the same ATR as before.
 * - `SCM_S_FALSE`: usable, but with another ATR: another card, or another mode of it.
 * - `SCM_SCARD_E_NO_SMARTCARD`: no card is in the reader.
 * - `SCM_SCARD_E_READER_UNAVAILABLE`: the reader is gone.
 * - `SCM_SCARD_E_NO_SERVICE`: the resource manager does not run.
 * - `SCM_SCARD_E_SHARING_VIOLATION`: another application uses the card exclusively.
 * - `SCM_SCARD_E_PROTO_MISMATCH`: the card speaks none of the protocols of this attachment, or another application has
 *   chosen another one; `initial_action` `SCM_DISPOSITION_RESET` ends that.
 * - `SCM_SCARD_E_INVALID_HANDLE`: the card handle is borrowed, and cannot be brought back.
 * - `SCM_SCARD_W_UNRESPONSIVE_CARD`, `SCM_SCARD_W_UNPOWERED_CARD`, `SCM_SCARD_W_UNSUPPORTED_CARD`: the card does not
 *   answer to a reset, has no power, or the reader does not understand it.
 * - `SCM_SCARD_E_NOT_READY`: other applications reset the card again and again; try later. Or a callback of a virtual
 *   card reconnects the attachment that it works for.
 * - `SCM_SCARD_W_RESET_CARD`, `SCM_SCARD_W_REMOVED_CARD`: the service failed to acknowledge the signal; try again.
 * - `SCM_SCARD_E_CANCELLED`: `scm_cancel` has ended it. The attachment is as before, except that a lock may be lost:
 *   if it had to be taken again, other calls return this code until a reconnect succeeds.
 * - `SCM_SCARD_E_SERVER_TOO_BUSY`, `SCM_SCARD_W_SECURITY_VIOLATION`: as for `scm_attach_by_ifd`.
 * - the other codes of a connection
 *
 * A failure leaves the attachment in place, and it can be reconnected later.
 *
 * Blocks while another application or attachment holds a lock on the card. `scm_cancel` ends that, and
 * `scm_reconnect_ex` has a limit.
 *
 * @see scm_reconnect_ex, scm_get_generation, scm_status
 */
SCM_API scm_result scm_reconnect(scm_handle *handle);

/**
 * Makes an attachment usable again as `scm_reconnect` does, with another share mode, other protocols, or a reset.
 *
 * @param handle  the attachment
 * @param options  the changes; NULL for none. After a success they hold for later reconnects, too.
 *
 * @return as `scm_reconnect`, and
 * - `SCM_SCARD_E_TIMEOUT`: `limit_ms` has passed; otherwise as `SCM_SCARD_E_CANCELLED`
 *
 * After a reset or a loss of power the generation has grown, and other attachments get `SCM_SCARD_W_RESET_CARD`.
 *
 * For exclusive use the attachment ends its connection, waits until no other application uses the card, and makes a
 * new connection. So the generation grows.
 *
 * If the limit has passed, or `scm_cancel` has ended the call, the resource manager may still be working on it. Then
 * the library replaces the card handle, and closes the old one later; so the generation grows. It cannot replace a
 * borrowed card handle: calls on that wait until the resource manager has finished.
 *
 * Blocks as `scm_reconnect`, for `limit_ms` at most.
 *
 * @see scm_reconnect, scm_attach_by_ifd_ex, scm_detach_ex
 */
SCM_API scm_result scm_reconnect_ex(scm_handle *handle, const scm_reconnect_options *options);

/** The state of the card in the reader. */
enum {
    /** No card is in the reader. */
    SCM_STATE_ABSENT = 1,
    /** A card is in the reader, but not in position for use. */
    SCM_STATE_PRESENT = 2,
    /** A card is in position, but has no power. */
    SCM_STATE_SWALLOWED = 3,
    /** The card has power, and the reader does not know its mode. */
    SCM_STATE_POWERED = 4,
    /**
     * The card was reset and speaks its default protocol: no parameters were negotiated (PPS, ISO/IEC 7816-3,
     * clause 9).
     */
    SCM_STATE_NEGOTIABLEMODE = 5,
    /** The parameters of the protocol were negotiated. A usable card is in this state or in the one before. */
    SCM_STATE_SPECIFICMODE = 6
};

/**
 * Tells the state of the card and the active protocol (ISCardManage::Status).
 *
 * A missing card is a state, not an error: `SCM_S_OK` with `SCM_STATE_ABSENT`. It stays absent for this attachment
 * until `scm_reconnect`, also after a card was put in.
 *
 * @param handle  the attachment
 * @param state  [out] `SCM_STATE_ABSENT` to `SCM_STATE_SPECIFICMODE`; 0 after a failure
 * @param protocol  [out] `SCM_PROTOCOL_T0`, `SCM_PROTOCOL_T1` or `SCM_PROTOCOL_RAW`; 0 if none is active, as in direct
 *   mode, and after a failure
 *
 * @return
 * - `SCM_S_OK`: told.
 * - `SCM_SCARD_W_RESET_CARD`: another application has reset the card; call `scm_reconnect`.
 * - the other codes of a connection
 *
 * Blocks while another application holds a lock on the card (pcsc-lite).
 *
 * @see scm_reconnect, scm_get_atr, scm_get_generation
 */
SCM_API scm_result scm_status(scm_handle *handle, uint32_t *state, uint32_t *protocol);

enum {
    /** The longest ATR, in bytes. */
    SCM_ATR_MAX = 33
};

/**
 * Gets the ATR of the card, as it was at the attach or at the last reconnect.
 *
 * @param handle  the attachment
 * @param atr  [out] the ATR; NULL with capacity 0 asks for the length
 * @param capacity  the room in `atr`; `SCM_ATR_MAX` is always enough
 * @param atr_length  [out] its length, also if it does not fit; 0 in direct mode without a card, and after another
 *   failure
 *
 * @return
 * - `SCM_S_OK`: copied.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the ATR does not fit.
 *
 * Never blocks.
 *
 * @see scm_status, scm_get_attribute
 */
SCM_API scm_result scm_get_atr(scm_handle *handle, uint8_t *atr, size_t capacity, size_t *atr_length);

/**
 * Gets the name of the reader.
 *
 * @param handle  the attachment
 * @param name  [out] the name with its NUL; NULL with capacity 0 asks for the length
 * @param capacity  the room in `name`, in bytes; `SCM_IFD_NAME_MAX` + 1 is always enough
 * @param name_length  [out] the length of the name with its NUL, also if it does not fit; 0 after another failure
 *
 * @return
 * - `SCM_S_OK`: copied.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the name does not fit.
 *
 * Never blocks.
 *
 * @see scm_list_ifds, scm_attach_by_handle
 */
SCM_API scm_result scm_get_ifd_name(scm_handle *handle, char *name, size_t capacity, size_t *name_length);

/**
 * Gets a number that grows whenever the card may have forgotten its state: after a reset, a loss of power, a removal,
 * another card, a restart of the service, or an exchange that failed.
 *
 * A program that remembers state of the card (a selected file, a verified code) remembers the generation with it, and
 * starts over when the generation has grown. It is 0 after an attach. One event makes it grow once, however many calls
 * fail.
 *
 * @param handle  the attachment
 * @param generation  [out] the generation; 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: told.
 *
 * Never blocks. The number counts what calls on this attachment have noticed.
 *
 * @see scm_reconnect, scm_status, scm_send_ex
 */
SCM_API scm_result scm_get_generation(scm_handle *handle, uint64_t *generation);

/**
 * Gets the card handle of PC/SC (`SCARDHANDLE`), for calls that this library does not have.
 *
 * It belongs to the library, or to the caller if it is borrowed. It changes when `scm_reconnect` has to connect again.
 * Do not use it during a call on the attachment: see `scm_attach_by_handle`.
 *
 * @param handle  the attachment
 * @param icc  [out] the card handle; 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: told.
 * - one of the codes of a connection: that of the call that has left none
 *
 * Never blocks.
 *
 * @see scm_get_context, scm_attach_by_handle
 */
SCM_API scm_result scm_get_icc(scm_handle *handle, uintptr_t *icc);

/**
 * Gets the context of PC/SC (`SCARDCONTEXT`) of the card handle.
 *
 * @param handle  the attachment
 * @param context  [out] the context; 0 after a failure. The library releases it, never the caller.
 *
 * @return
 * - `SCM_S_OK`: told.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the card handle came from the caller, and PC/SC does not tell its context.
 * - one of the codes of a connection: that of the call that has left none
 *
 * Never blocks.
 *
 * @see scm_get_icc
 */
SCM_API scm_result scm_get_context(scm_handle *handle, uintptr_t *context);

/** @} */

/**
 * @defgroup scm_events Events
 *
 * A monitor tells which services, readers and cards come and go. docs/events.md is the guide.
 *
 * THREADS. Several threads may use a monitor at the same time. If several of them wait, each event goes to one.
 *
 * @code
 * #include <string.h>
 * #include <scm.h>
 *
 * // Waits until there is a card in a reader, and gives the name of the reader.
 * static scm_result wait_for_card(char ifd_name[SCM_IFD_NAME_MAX + 1])
 * {
 *     scm_event event = SCM_EVENT_INIT;
 *     scm_monitor *monitor;
 *     scm_result result = scm_monitor_create(&monitor);
 *     if (SCM_FAILED(result))
 *         return result;
 *     do
 *         result = scm_monitor_wait(monitor, SCM_INFINITE, &event);
 *     while (SCM_SUCCEEDED(result) && event.kind != SCM_EVENT_CARD_INSERTED);
 *     memcpy(ifd_name, event.ifd_name, SCM_IFD_NAME_MAX + 1);
 *     scm_monitor_destroy(monitor);
 *     return result;
 * }
 * @endcode
 * @{
 */

/** A monitor of services, readers and cards. `scm_monitor_create` makes it, `scm_monitor_destroy` ends it. */
typedef struct scm_monitor scm_monitor;

/** `scm_event.kind`: what has happened. */
enum {
    /** A resource manager runs. */
    SCM_EVENT_SERVICE_UP = 1,
    /** A resource manager does not run, or refuses this process. */
    SCM_EVENT_SERVICE_DOWN = 2,
    /** A reader is there. */
    SCM_EVENT_IFD_ARRIVED = 3,
    /** The reader is gone. */
    SCM_EVENT_IFD_LEFT = 4,
    /** A card is in the reader. */
    SCM_EVENT_CARD_INSERTED = 5,
    /** The card is gone. */
    SCM_EVENT_CARD_REMOVED = 6,
    /**
     * The card was reset. For virtual readers, and for a card that stayed in the reader and has another ATR now; PC/SC
     * tells no more.
     */
    SCM_EVENT_CARD_RESET = 7,
    /**
     * Everything that is there now has been told: after the first events of a monitor, and after the readers of a
     * service that has come up later.
     */
    SCM_EVENT_CURRENT = 8
};

/** `scm_event.usage`: whether programs use the reader, this one included. */
enum {
    /** The platform does not tell whether programs use the reader. */
    SCM_USAGE_UNKNOWN = 0,
    /** No program uses the reader. */
    SCM_USAGE_FREE = 1,
    /** Programs use the reader, and others may. */
    SCM_USAGE_SHARED = 2,
    /** One program uses the reader alone. */
    SCM_USAGE_EXCLUSIVE = 3
};

/** `scm_event.service`: the resource manager that the event is about. */
enum {
    /** The resource manager of the platform. */
    SCM_SERVICE_PLATFORM = 1,
    /** The resource manager of the virtual readers of this process. */
    SCM_SERVICE_VIRTUAL = 2
};

/** An event. Initialise with `SCM_EVENT_INIT`. */
typedef struct scm_event {
    /** `sizeof(scm_event)`. The library writes no more than that. */
    uint32_t struct_size;
    /**
     * `SCM_EVENT_SERVICE_UP` to `SCM_EVENT_CURRENT`. Later versions may have more kinds: ignore those that you do not
     * know.
     */
    uint32_t kind;
    /** 1 for the first event of the monitor, then 2, 3, ... without a gap. */
    uint64_t number;
    /**
     * `SCM_SERVICE_PLATFORM` or `SCM_SERVICE_VIRTUAL`: the service, or the service of the reader. 0 for
     * `SCM_EVENT_CURRENT`.
     */
    uint32_t service;
    /** The length of the ATR. 0 if the event is not about a card, or if the card does not answer to a reset. */
    uint32_t atr_length;
    /** The name of the reader with its NUL; empty if the event is not about a reader. */
    char ifd_name[128];
    /** The ATR of the card. */
    uint8_t atr[33];
    /**
     * Whether programs use the reader, this one included: `SCM_USAGE_UNKNOWN` to `SCM_USAGE_EXCLUSIVE`, for
     * `SCM_EVENT_IFD_ARRIVED`, `SCM_EVENT_CARD_INSERTED` and `SCM_EVENT_CARD_RESET`; 0 for others. It is the state at
     * that time: the use of a reader is no event of its own. PC/SC does not tell locks (transactions).
     */
    uint8_t usage;
    /** Zero. */
    uint8_t reserved[6];
} scm_event;

/** An empty `scm_event`. */
#define SCM_EVENT_INIT {sizeof(scm_event), 0, 0, 0, 0, {0}, {0}, 0, {0}}

/**
 * Begins to watch the resource managers, their readers and their cards.
 *
 * The first events tell the present state: for the platform `SCM_EVENT_SERVICE_UP` or `SCM_EVENT_SERVICE_DOWN`, then
 * each reader, followed by its card. The virtual resource manager is included from the first virtual reader of the
 * process on. The events of the two services may come in any order. `SCM_EVENT_CURRENT` follows when the state of both
 * is told; from then on each event is a change. When a service goes down, its cards are removed and its readers leave
 * before `SCM_EVENT_SERVICE_DOWN`. When it comes up later, its readers follow, and `SCM_EVENT_CURRENT` again.
 *
 * A card that was out and in again gives two events, however fast, if the platform counts (pcsc-lite and Windows). A
 * card that came and went unseen has no ATR. Up to 1024 events wait for the program. After that changes are not kept
 * one by one: when there is room again, the next events lead from the last state that was told to the present one.
 *
 * @param monitor  [out] the monitor; NULL after a failure
 *
 * @return
 * - `SCM_S_OK`: made. It has two threads and two contexts of its own.
 * - `SCM_E_OUTOFMEMORY`: also no thread or no file descriptor.
 *
 * Does not block, and succeeds also if no service runs: that is an event. May be called in the child of a fork.
 *
 * @see scm_monitor_wait, scm_monitor_get_fd, scm_monitor_destroy, scm_list_ifds
 */
SCM_API scm_result scm_monitor_create(scm_monitor **monitor);

/**
 * Waits for the next event and gives it.
 *
 * @param monitor  the monitor
 * @param timeout_ms  how long to wait, in milliseconds: 0 does not wait, `SCM_INFINITE` has no limit
 * @param event  [out] the event; zero behind `struct_size` after a failure
 *
 * @return
 * - `SCM_S_OK`: an event.
 * - `SCM_SCARD_E_TIMEOUT`: there was no event in this time.
 * - `SCM_SCARD_E_CANCELLED`: `scm_monitor_cancel`, or another thread has destroyed the monitor. No event is lost.
 *
 * Blocks for `timeout_ms` at most, also if the service hangs.
 *
 * @see scm_monitor_create, scm_monitor_cancel, scm_monitor_get_fd
 */
SCM_API scm_result scm_monitor_wait(scm_monitor *monitor, uint32_t timeout_ms, scm_event *event);

/**
 * Ends every `scm_monitor_wait` of a monitor with `SCM_SCARD_E_CANCELLED`; if there is none, the next one.
 *
 * @param monitor  the monitor
 *
 * @return
 * - `SCM_S_OK`: cancelled.
 * - `SCM_E_HANDLE`: `monitor` is not a monitor.
 *
 * Never blocks.
 *
 * @see scm_monitor_wait, scm_monitor_destroy, scm_cancel
 */
SCM_API scm_result scm_monitor_cancel(scm_monitor *monitor);

/**
 * Gets the file descriptor of a monitor, for poll and event loops: it is readable exactly while an event waits.
 *
 * It belongs to the monitor: neither read nor close it. When it is readable, call `scm_monitor_wait` with a time of 0
 * until that returns `SCM_SCARD_E_TIMEOUT`. An executed program does not inherit it.
 *
 * @param monitor  the monitor
 * @param fd  [out] the file descriptor; 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: told.
 * - `SCM_E_NOTIMPL`: this platform has no file descriptors (Windows).
 *
 * Never blocks.
 *
 * @see scm_monitor_wait
 */
SCM_API scm_result scm_monitor_get_fd(scm_monitor *monitor, int32_t *fd);

/**
 * Ends a monitor, with the events that wait. A wait of another thread ends with `SCM_SCARD_E_CANCELLED`.
 *
 * @param monitor  the monitor
 *
 * @return
 * - `SCM_S_OK`: ended.
 * - `SCM_E_HANDLE`: `monitor` is not a monitor.
 *
 * Blocks until the threads of the monitor have ended, for half a second at most; if the service hangs, they end later.
 * A process may exit without this call.
 *
 * @see scm_monitor_create, scm_monitor_cancel
 */
SCM_API scm_result scm_monitor_destroy(scm_monitor *monitor);

/** @} */

/**
 * @defgroup scm_files Files
 *
 * The files of ISO/IEC 7816-4: a tree of directories (DF) and files (EF) below the MF. A path is a text, and
 * `reference_type` tells its form.
 *
 * Each function takes the card under one lock and selects the file that it works on, because another application may
 * have selected a different one. While the caller holds `scm_lock` the file stays selected, unless the caller sends a
 * command of its own (`scm_send`, `scm_transmit`) or shares the card handle (a borrowed handle, or `scm_get_icc`).
 *
 * RESULT CODES OF THE GROUP. The functions of this group may return these, besides the codes that their descriptions
 * name:
 * - `SCM_E_NOTIMPL`: the provider of this card does not have this function.
 * - `SCM_SCARD_E_DIR_NOT_FOUND`, `SCM_SCARD_E_FILE_NOT_FOUND`: the directory, or the file in it, is not on the card.
 * - `SCM_SCARD_E_NO_DIR`, `SCM_SCARD_E_NO_FILE`: the path names a file instead of a directory, or the reverse.
 * - `SCM_SCARD_W_SECURITY_VIOLATION`: a code or a key must be presented first, perhaps again after a reset.
 * - `SCM_SCARD_E_NO_ACCESS`: the state of the file does not allow it.
 * - `SCM_SCARD_E_COMM_DATA_LOST`: the card says that the data may be wrong (6281).
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: `SCM_FL_SECURE_MESSAGING` without a provider, or the card does not know the
 *   command.
 * - the other codes of `scm_send`, and the codes of a connection
 *
 * BLOCKING. A function blocks while others hold a lock on the card, and as long as the card takes, unless its
 * description says otherwise. `scm_cancel` ends the wait for others.
 *
 * THREADS. Any thread may use an object or a file. Calls for one attachment run one after the other; the functions of a
 * provider may run at the same time. Threads that share a file share its position, and threads that share an object
 * share its current directory.
 *
 * docs/files.md is the guide; examples/cat.c and examples/tree.c are programs.
 *
 * @code
 * #include <scm.h>
 *
 * // Reads the beginning of a file, such as "3F00/2F00": up to `capacity` bytes.
 * static scm_result read_file(scm_handle *card, const char *path, uint8_t *data, size_t capacity, size_t *length)
 * {
 *     scm_file_access *files;
 *     scm_file *file;
 *     scm_result result = scm_create_file_access(card, &files);
 *     *length = 0;
 *     if (SCM_FAILED(result))
 *         return result;
 *     result = scm_file_access_open(files, SCM_TYPE_BY_ID, path, &file);
 *     if (SCM_SUCCEEDED(result)) {
 *         result = scm_file_read(file, data, capacity, length, 0);
 *         scm_file_close(file);
 *     }
 *     scm_file_access_release(files);
 *     return result;
 * }
 * @endcode
 * @{
 */

enum {
    /** The longest path, in bytes without the NUL. */
    SCM_PATH_MAX = 127
};

/** `reference_type`: the form of a path. */
enum {
    /** A DF name (AID) in hexadecimal digits; identifiers may follow: `F073636D74657374/4401`. */
    SCM_TYPE_BY_NAME = 0,
    /** Identifiers of four hexadecimal digits: `3F00/5015` from the MF, `5015` or `../2F00` from the current DF. */
    SCM_TYPE_BY_ID = 1,
    /** The short identifier of an EF in the current DF: a decimal number from 1 to 30. */
    SCM_TYPE_BY_SHORT_ID = 2,
    /** Any form of path: identifiers, else a short identifier, else a name. */
    SCM_TYPE_BY_ANY = 3
};

/** `file_type`: the kind of a file. */
enum {
    /** All directories (`scm_file_access_directory`). */
    SCM_TYPE_DIRECTORIES = 0,
    /** All files that are not directories. */
    SCM_TYPE_FILES = 1,
    /** Directories and files. */
    SCM_TYPE_ALL_FILES = 2,
    /** A dedicated file (DF). */
    SCM_TYPE_DIRECTORY_FILE = 3,
    /** An elementary file (EF) of bytes. */
    SCM_TYPE_TRANSPARENT_EF = 4,
    /** An EF of records of one length. */
    SCM_TYPE_FIXED_EF = 5,
    /** An EF of records of one length in a ring, the newest record first. */
    SCM_TYPE_CYCLIC_EF = 6,
    /** An EF of records of different lengths. */
    SCM_TYPE_VARIABLE_EF = 7
};

/** `flags` of files, and of codes (SCM_FL_IHV_*). */
enum {
    /** No flags. */
    SCM_FL_NO_FLAGS = 0x0,
    /** Secure messaging. Only a provider can do it; otherwise `SCM_SCARD_E_UNSUPPORTED_FEATURE`. */
    SCM_FL_SECURE_MESSAGING = 0x1,
    /** Write: replaces the old data (UPDATE). The default. */
    SCM_FL_REPLACE = 0x2,
    /** Write: erases the old data (ERASE). */
    SCM_FL_ERASE = 0x4,
    /** Write: sets bits (WRITE to a file whose data coding is OR). */
    SCM_FL_OR = 0x8,
    /** Write: clears bits (WRITE to a file whose data coding is AND). */
    SCM_FL_AND = 0x10,
    /** Delete: a directory with everything in it. */
    SCM_FL_RECURSIVE = 0x20,
    /** Delete: a directory only if it is empty. The default. */
    SCM_FL_NON_RECURSIVE = 0x40,
    /** The code belongs to the whole card. The default. */
    SCM_FL_IHV_GLOBAL = 0x80,
    /** The code belongs to the current DF. */
    SCM_FL_IHV_LOCAL = 0x100,
    /** Change: the card asks for the code from now on. */
    SCM_FL_IHV_ENABLE = 0x200,
    /** Change: the card does not ask for the code any more. */
    SCM_FL_IHV_DISABLE = 0x400,
    /** Change: the code gets a new value. The default. */
    SCM_FL_IHV_CHANGE = 0x800,
    /** Create: reserves space for data that are written later. */
    SCM_FL_PREALLOCATE = 0x1000,
    /** Get properties: everything that the card tells. */
    SCM_FL_GET_ALL_PROPERTIES = 0x2000,
    /** Get properties: size, type, identifiers, name and life cycle. */
    SCM_FL_STAT_DEFAULT = 0x4000,
    /** Verify: only asks for the state, which spends no try. */
    SCM_FL_IHV_CHECKONLY = 0x8000,
    /** Unblock: the user enters both codes at the PIN pad of the reader. A flag of libscm. */
    SCM_FL_IHV_PIN_PAD = 0x10000
};

/**
 * The files of a card. `scm_create_file_access` makes it; `scm_file_access_release` or the end of the attachment ends
 * it.
 */
typedef struct scm_file_access scm_file_access;

/**
 * Makes an object for the files of the card (ISCardManage::CreateFileAccess).
 *
 * The current directory is the MF. Nothing is sent to the card yet. If the card refuses the class of the first SELECT
 * (6E00, 6D00) or answers it as a SIM, the library asks once for an MF in class A0. If that exists, the card is a SIM
 * (3GPP TS 51.011), and class A0 is used for its files and codes; docs/files.md tells what a SIM lacks.
 *
 * PATHS have at most `SCM_PATH_MAX` bytes. `reference_type` tells their form:
 * - `SCM_TYPE_BY_ID`: identifiers of four hexadecimal digits, from the MF (`3F00/5015/4401`) or from the current
 *   directory (`4401`). `..` is the directory above, `.` the current one. The first one may be a name of at least
 *   three bytes.
 * - `SCM_TYPE_BY_NAME`: the name of a directory (AID) in hexadecimal digits; identifiers may follow:
 *   `F073636D74657374/4401`. The beginning of a name suffices, except to delete, to invalidate or to set properties.
 * - `SCM_TYPE_BY_SHORT_ID`: a short identifier, 1 to 30, of a file in the current directory.
 * - `SCM_TYPE_BY_ANY`: the first of these that the card has: an identifier, a short identifier, a name of at least
 *   five bytes. `scm_file_access_resolve` and `scm_file_get_info` tell which it was.
 *
 * @param handle  the attachment
 * @param file_access  [out] the object, which `scm_file_access_release` ends; NULL after a failure
 *
 * @return
 * - `SCM_S_OK`: made.
 * - `SCM_SCARD_E_ICC_CREATEORDER`: `handle` is NULL: attach first.
 * - any failure of the provider of this card
 *
 * Does not block, unless a provider does.
 *
 * @see scm_file_access_open, scm_file_access_change_dir, scm_file_access_release, scm_create_interface
 */
SCM_API scm_result scm_create_file_access(scm_handle *handle, scm_file_access **file_access);

/**
 * Ends the object. Files that it has opened stay open.
 *
 * @param file_access  the object
 *
 * @return
 * - `SCM_S_OK`: ended.
 * - `SCM_E_HANDLE`: `file_access` is not such an object.
 *
 * Does not block. A call of another thread continues to its end.
 *
 * @see scm_create_file_access, scm_file_close, scm_detach
 */
SCM_API scm_result scm_file_access_release(scm_file_access *file_access);

/**
 * Changes the current directory (ISCardFileAccess::ChangeDir).
 *
 * @param file_access  the object
 * @param reference_type  the form of `path`
 * @param path  the directory
 *
 * @return `SCM_S_OK`, or one of the result codes of the group. After a failure the current directory is as before.
 *
 * @see scm_file_access_get_current_dir, scm_file_access_resolve, scm_file_access_directory
 */
SCM_API
scm_result scm_file_access_change_dir(scm_file_access *file_access,
                                      uint32_t reference_type,
                                      const char *path);

/**
 * Gets the path of the current directory (ISCardFileAccess::GetCurrentDir).
 *
 * It begins with 3F00, or with a name if the program has changed to that name: `3F00/5015`, `F073636D74657374`. The
 * functions take it back with `SCM_TYPE_BY_ANY`.
 *
 * @param file_access  the object
 * @param path  [out] the path, with its NUL; NULL with capacity 0 asks for the length
 * @param capacity  the room in `path`, in bytes
 * @param path_length  [out] the length of the path with its NUL, also if it does not fit; 0 after another failure
 *
 * @return `SCM_S_OK`, `SCM_SCARD_E_INSUFFICIENT_BUFFER`, or one of the result codes of the group
 *
 * Does not block: does not ask the card, so the directory may be gone.
 *
 * @see scm_file_access_change_dir, scm_file_access_resolve
 */
SCM_API
scm_result scm_file_access_get_current_dir(scm_file_access *file_access,
                                           char *path,
                                           size_t capacity,
                                           size_t *path_length);

/**
 * Tells what a path means: its form, and the whole path from the MF or from a name. The file or directory must exist.
 *
 * @param file_access  the object
 * @param reference_type  the form of `path`
 * @param path  the file or directory
 * @param resolved_type  [out] `SCM_TYPE_BY_NAME`, `SCM_TYPE_BY_ID` or `SCM_TYPE_BY_SHORT_ID`; 0 after a failure
 * @param resolved  [out] the whole path, with its NUL; NULL with capacity 0 asks for the length. A short identifier is
 *   a number behind its directory: `3F00/5015/7`.
 * @param capacity  the room in `resolved`, in bytes
 * @param resolved_length  [out] its length with its NUL, also if it does not fit; 0 after another failure
 *
 * @return `SCM_S_OK`, `SCM_SCARD_E_INSUFFICIENT_BUFFER`, or one of the result codes of the group
 *
 * @see scm_file_access_get_current_dir, scm_file_get_info
 */
SCM_API
scm_result scm_file_access_resolve(scm_file_access *file_access,
                                   uint32_t reference_type,
                                   const char *path,
                                   uint32_t *resolved_type,
                                   char *resolved,
                                   size_t capacity,
                                   size_t *resolved_length);

/**
 * Lists the current directory (ISCardFileAccess::Directory).
 *
 * ISO/IEC 7816-4 has no command for it. The library selects 351 identifiers that are in use on many cards: those of
 * standard applications (ISO/IEC 7816-4 and 7816-15, ICAO 9303, ETSI TS 102 221 with 3GPP TS 51.011 and TS 31.102, EN
 * 14890), and 44, 45, 50, 10, 00, 40 and 5F followed by 00 to 1F; docs/files.md has the list. In the MF it also reads
 * the applications in EF.DIR (2F00). Other files, and files that may not be selected, are not listed;
 * `scm_file_access_directory_ex` tries other identifiers. On a SIM the library tries all identifiers of the standard
 * for that level, 512 at most. A provider lists what it knows.
 *
 * @param file_access  the object
 * @param file_type  `SCM_TYPE_DIRECTORIES`, `SCM_TYPE_FILES`, `SCM_TYPE_ALL_FILES`, or one kind, from
 *   `SCM_TYPE_DIRECTORY_FILE` to `SCM_TYPE_VARIABLE_EF`. A file whose kind is unknown is listed with the first three
 *   only.
 * @param names  [out] a multi-string of identifiers, and of names of applications without an identifier; NULL with
 *   capacity 0 asks for the length
 * @param capacity  the room in `names`, in bytes
 * @param names_length  [out] the length with all NULs, also if it does not fit; 0 after another failure
 *
 * @return `SCM_S_OK`, `SCM_SCARD_E_INSUFFICIENT_BUFFER` (the next call asks the card again), or one of the codes of
 *   the group
 *
 * @see scm_file_access_directory_ex, scm_file_access_change_dir, scm_file_access_get_properties
 */
SCM_API
scm_result scm_file_access_directory(scm_file_access *file_access,
                                     uint32_t file_type,
                                     char *names,
                                     size_t capacity,
                                     size_t *names_length);

/** The identifiers that `scm_file_access_directory_ex` tries. Initialise with `SCM_DIRECTORY_OPTIONS_INIT`. */
typedef struct scm_directory_options {
    /** `sizeof(scm_directory_options)` */
    uint32_t struct_size;
    /** The first identifier. Both 0: the usual identifiers. */
    uint16_t first_id;
    /** The last identifier, not before the first one. */
    uint16_t last_id;
} scm_directory_options;

/** `scm_directory_options` with the usual identifiers. */
#define SCM_DIRECTORY_OPTIONS_INIT {sizeof(scm_directory_options), 0, 0}

/**
 * Lists the current directory with identifiers that the caller chooses. The card is locked all the time.
 *
 * @param file_access  the object
 * @param file_type  as for `scm_file_access_directory`
 * @param options  the first and the last identifier; NULL for the usual ones. All identifiers, 0001 to FFFE, are
 *   65,534 commands, which takes minutes.
 * @param names  [out] as for `scm_file_access_directory`
 * @param capacity  as for `scm_file_access_directory`
 * @param names_length  [out] as for `scm_file_access_directory`
 *
 * @return as `scm_file_access_directory`, and
 * - `SCM_E_INVALIDARG`: also if the last identifier comes before the first.
 *
 * @see scm_file_access_directory
 */
SCM_API
scm_result scm_file_access_directory_ex(scm_file_access *file_access,
                                        uint32_t file_type,
                                        const scm_directory_options *options,
                                        char *names,
                                        size_t capacity,
                                        size_t *names_length);

/**
 * An open file. `scm_file_access_open` makes it; `scm_file_close` or the end of the attachment ends it.
 *
 * It outlives a reset of the card: the next call selects it again, and returns `SCM_SCARD_W_SECURITY_VIOLATION` if a
 * code must be presented again. When the card may be another one, every call that asks the card returns
 * `SCM_SCARD_W_REMOVED_CARD` until the file is opened again. That is after a removal, after the reader or the service
 * was gone, after another ATR, and after a failed exchange in this process for which the service knows no reason.
 */
typedef struct scm_file scm_file;

/**
 * Opens a file (ISCardFileAccess::Open). The position is at its beginning.
 *
 * @param file_access  the object
 * @param reference_type  the form of `path`
 * @param path  the file
 * @param file  [out] the file, which `scm_file_close` ends; NULL after a failure
 *
 * @return `SCM_S_OK`, or one of the result codes of the group
 *
 * @see scm_file_read, scm_file_write, scm_file_get_info, scm_file_close, scm_file_access_create
 */
SCM_API
scm_result scm_file_access_open(scm_file_access *file_access,
                                uint32_t reference_type,
                                const char *path,
                                scm_file **file);

/**
 * Reads from the position, and moves the position behind what was read (ISCardFileAccess::Read).
 *
 * From a transparent file: up to `capacity` bytes, in as many commands as needed. It gives fewer bytes at the end of
 * the file, or if the card fails on the way; then the next call tells why. From a file of records: one record, in its
 * own length. If the card cuts a record without saying so, and tells nothing of its length, the cut record is read.
 *
 * If a card refuses a length (6700, 6B00, 6282 without data, 6A86, 6CXX, 6F00, 6985, no answer, ...), the library asks
 * for less, down to one byte. It finds the greatest length in eight commands at most, and remembers it. If the card
 * refuses extended lengths (6D00, 6981, 6985, ...), the library uses short ones. If the card has lost the selection
 * (6986, 6A82), the library selects the file again, once.
 *
 * The end of a file is proven: `SCM_SCARD_W_EOF` means that the card has refused one byte, or the record, twice. If
 * the card has told a greater size, or more records, it has also refused the last byte or record of these. If the size
 * that it has told may be too small, the library asks for one more byte.
 *
 * @param file  the file
 * @param data  [out] the bytes, or the record
 * @param capacity  how many bytes are wanted, and the room in `data`
 * @param data_length  [out] how many bytes were read; or the length of a record that does not fit; 0 after
 *   another failure
 * @param flags  0
 *
 * @return
 * - `SCM_S_OK`: read.
 * - `SCM_SCARD_W_EOF`: the position is at the end.
 * - `SCM_SCARD_E_COMM_DATA_LOST`: the data may be wrong (6281); the card has announced data, or the file, and gives
 *   none; or it cannot give so long a record at once.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the position is beyond 32,767, and the card does not know the instruction for
 *   that (B1).
 * - `SCM_E_POINTER`: also if `data` is NULL with capacity 0.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the record does not fit. The position is as before.
 * - `SCM_SCARD_W_REMOVED_CARD`: the card was taken out, or may be another one.
 * - the other result codes of the group
 *
 * @see scm_file_write, scm_file_seek, scm_file_get_size, scm_set_card_capabilities
 */
SCM_API
scm_result scm_file_read(scm_file *file,
                         uint8_t *data,
                         size_t capacity,
                         size_t *data_length,
                         uint32_t flags);

/**
 * Writes at the position, and moves the position behind what was written (ISCardFileAccess::Write).
 *
 * To a transparent file: all of `data`, in as many commands as needed. If the card refuses a part (6700, 6A84, 6A86,
 * 6B00, ...), the library sends a shorter one, down to one byte, and remembers the length that works. If the card has
 * lost the selection (6986, 6A82), the file is selected again, once. To a file of records: one record, in place of
 * that at the position, or a new one at the end (APPEND RECORD; in a ring UPDATE RECORD of the previous one, if the
 * card knows only that). In a ring a new record becomes the first one, replaces the oldest one if there is no room,
 * and the position is behind it: 1.
 *
 * @param file  the file
 * @param data  the bytes, or the record. With `SCM_FL_ERASE` only their length counts, and it may be NULL.
 * @param data_length  their length; with 0 nothing is sent
 * @param flags  `SCM_FL_REPLACE` or 0 replaces the old data (UPDATE); `SCM_FL_ERASE` erases them (ERASE), a record as
 *   a whole; `SCM_FL_OR` and `SCM_FL_AND` set or clear bits (WRITE), whichever of the two the file allows
 * @param written_length  [out] how many bytes the card has acknowledged, also after a failure. The position is behind
 *   them.
 *
 * @return
 * - `SCM_S_OK`: everything is written.
 * - `SCM_E_INVALIDARG`: also more than one flag.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: WRITE does the other operation with this file, or the card does not know the
 *   command.
 * - `SCM_SCARD_E_WRITE_TOO_MANY`: more than the file, or the record, can hold. Before it writes behind the size that
 *   the card has told, the library reads one byte there. If the card refuses it twice, nothing is written. Otherwise,
 *   or if the card told no size, the part that fits is written. A record that is longer than announced is sent, and
 *   the card decides.
 * - `SCM_SCARD_E_BAD_SEEK`: the position is behind the end.
 * - `SCM_SCARD_W_REMOVED_CARD`: the card was taken out, or may be another one.
 * - the other result codes of the group. If the card has not answered, it may have carried out the command.
 *
 * @see scm_file_read, scm_file_seek, scm_file_access_create
 */
SCM_API
scm_result scm_file_write(scm_file *file,
                          const uint8_t *data,
                          size_t data_length,
                          uint32_t flags,
                          size_t *written_length);

/** `origin` of `scm_file_seek`. */
enum {
    /** From the beginning of the file. */
    SCM_SEEK_FROM_BEGINNING = 0,
    /** From the end of the file. */
    SCM_SEEK_FROM_END = 1,
    /** From the current position. */
    SCM_SEEK_RELATIVE = 2
};

/**
 * Moves the position (ISCardFileAccess::Seek). It counts bytes; in a file of records, records.
 *
 * @param file  the file
 * @param offset  how far; may be negative
 * @param origin  from where: `SCM_SEEK_FROM_BEGINNING`, `SCM_SEEK_FROM_END` or `SCM_SEEK_RELATIVE`
 *
 * @return
 * - `SCM_S_OK`: moved. The place right behind the end is a position, too.
 * - `SCM_SCARD_E_BAD_SEEK`: before the beginning or behind the end. The position is as before. If the card does not
 *   tell the size of a transparent file, its end is not searched.
 * - if the card is asked, the codes of `scm_file_read`
 *
 * Asks the card for records, for the end, and whether there is something behind the size that it has told.
 *
 * @see scm_file_tell, scm_file_read, scm_file_write
 */
SCM_API scm_result scm_file_seek(scm_file *file, int64_t offset, uint32_t origin);

/**
 * Tells the position.
 *
 * @param file  the file
 * @param position  [out] bytes, or records, from the beginning; 0 after a failure
 *
 * @return `SCM_S_OK`, or one of the result codes of the group
 *
 * Does not block: does not ask the card.
 *
 * @see scm_file_seek, scm_file_get_size
 */
SCM_API scm_result scm_file_tell(scm_file *file, uint64_t *position);

/**
 * Gets the size of a file in bytes, or the number of its records.
 *
 * @param file  the file
 * @param size  [out] the number; 0 after a failure
 *
 * @return `SCM_S_OK`, or the codes of `scm_file_read`
 *
 * Asks the card for records, 16 times at most. In a transparent file it reads the last byte of the size that the card
 * has told, and tries the next one, once; if that size is wrong, or the card tells none, it searches the end. If the
 * file may not be read, it gives what the card tells.
 *
 * @see scm_file_seek, scm_file_get_info
 */
SCM_API scm_result scm_file_get_size(scm_file *file, uint64_t *size);

/** The value of a field of `scm_file_info` that the card does not tell. */
#define SCM_FILE_UNKNOWN 0xFFFFFFFFU

/** The properties of an open file. Initialise with `SCM_FILE_INFO_INIT`. */
typedef struct scm_file_info {
    /** `sizeof(scm_file_info)` */
    uint32_t struct_size;
    /** The form of its path: `SCM_TYPE_BY_NAME`, `SCM_TYPE_BY_ID` or `SCM_TYPE_BY_SHORT_ID`. */
    uint32_t reference_type;
    /**
     * `SCM_TYPE_TRANSPARENT_EF`, `SCM_TYPE_FIXED_EF`, `SCM_TYPE_VARIABLE_EF` or `SCM_TYPE_CYCLIC_EF`. If the card does
     * not tell it, the library has found out by reading, and it is the first or the third.
     */
    uint32_t file_type;
    /** Its identifier. */
    uint32_t id;
    /** Its short identifier. */
    uint32_t short_id;
    /** Its size in bytes; for records, the size of all records together. */
    uint32_t size;
    /** The size of its longest record, in bytes. */
    uint32_t record_size;
    /** Its life cycle status byte (ISO/IEC 7816-4, 7.4.10). */
    uint32_t life_cycle;
} scm_file_info;

/** An empty `scm_file_info`. */
#define SCM_FILE_INFO_INIT {sizeof(scm_file_info), 0, 0, 0, 0, 0, 0, 0}

/**
 * Gets what was known of a file when it was opened.
 *
 * @param file  the file
 * @param info  [out] the information; set its `struct_size` before, as `SCM_FILE_INFO_INIT` does
 *
 * @return
 * - `SCM_S_OK`: told.
 * - `SCM_E_NOTIMPL`: the file is that of a provider.
 *
 * Does not block: does not ask the card.
 *
 * @see scm_file_get_size, scm_file_access_get_properties, scm_file_access_resolve
 */
SCM_API scm_result scm_file_get_info(scm_file *file, scm_file_info *info);

/**
 * Closes a file (ISCardFileAccess::Close).
 *
 * @param file  the file
 *
 * @return
 * - `SCM_S_OK`: closed.
 * - `SCM_E_HANDLE`: `file` is not an open file.
 * - any failure of the provider: closed
 *
 * Does not block: the card knows nothing of open files.
 *
 * @see scm_file_access_open, scm_file_access_release
 */
SCM_API scm_result scm_file_close(scm_file *file);

/**
 * Gets the properties of a file or a directory (ISCardFileAccess::GetProperties): the control parameters that the card
 * gives when the file is selected (ISO/IEC 7816-4, 7.4).
 *
 * @param file_access  the object
 * @param reference_type  the form of `path`
 * @param path  the file or directory; `.` is the current one
 * @param tags  the wanted tags, one after the other, such as 80 82 83; (NULL, 0) for all that `flags` say
 * @param tags_length  their length in bytes
 * @param flags  `SCM_FL_GET_ALL_PROPERTIES` for everything that the card tells, also management data such as labels;
 *   `SCM_FL_STAT_DEFAULT` or 0 for the control parameters
 * @param properties  [out] BER-TLV data objects, without a template; NULL with capacity 0 asks for the length
 * @param capacity  the room in `properties`, in bytes
 * @param properties_length  [out] their length, also if it does not fit; 0 after another failure
 *
 * @return `SCM_S_OK` (also if the card tells none of them), `SCM_SCARD_E_INSUFFICIENT_BUFFER`, or one of the codes of
 *   the group
 *
 * @see scm_file_access_set_properties, scm_file_get_info, scm_file_access_get_file_capabilities
 */
SCM_API
scm_result scm_file_access_get_properties(scm_file_access *file_access,
                                          uint32_t reference_type,
                                          const char *path,
                                          const uint8_t *tags,
                                          size_t tags_length,
                                          uint32_t flags,
                                          uint8_t *properties,
                                          size_t capacity,
                                          size_t *properties_length);

/**
 * Sets properties of a file or a directory (ISCardFileAccess::SetProperties): PUT DATA of the control parameters
 * (0062), if the card allows it.
 *
 * @param file_access  the object
 * @param reference_type  the form of `path`
 * @param path  the file or directory
 * @param properties  BER-TLV data objects, without a template
 * @param properties_length  their length in bytes
 * @param flags  0
 *
 * @return `SCM_S_OK`, or one of the result codes of the group, and
 * - `SCM_E_INVALIDARG`: also `properties` that are empty or not data objects.
 * - `SCM_SCARD_E_NO_ACCESS`: the card does not change them.
 *
 * @see scm_file_access_get_properties
 */
SCM_API
scm_result scm_file_access_set_properties(scm_file_access *file_access,
                                          uint32_t reference_type,
                                          const char *path,
                                          const uint8_t *properties,
                                          size_t properties_length,
                                          uint32_t flags);

/**
 * Gets the capabilities of the file system of the card (ISCardFileAccess::GetFileCapabilities), from its ATR and
 * EF.ATR/INFO, as BER-TLV data objects (ISO/IEC 7816-4, 12.1 and 12.2): 43 card service data, 47 card capabilities,
 * 7F66 the longest commands and responses, and others.
 *
 * @param file_access  the object
 * @param tags  the wanted tags, one after the other; (NULL, 0) for all
 * @param tags_length  their length in bytes
 * @param flags  0
 * @param capabilities  [out] the data objects; NULL with capacity 0 asks for the length
 * @param capacity  the room in `capabilities`, in bytes
 * @param capabilities_length  [out] their length, also if it does not fit; 0 after another failure
 *
 * @return `SCM_S_OK` (also if the card tells none of them), `SCM_SCARD_E_INSUFFICIENT_BUFFER`, or one of the codes of
 *   the group
 *
 * @see scm_file_access_get_properties, scm_get_card_capabilities
 */
SCM_API
scm_result scm_file_access_get_file_capabilities(scm_file_access *file_access,
                                                 const uint8_t *tags,
                                                 size_t tags_length,
                                                 uint32_t flags,
                                                 uint8_t *capabilities,
                                                 size_t capacity,
                                                 size_t *capabilities_length);

/**
 * Creates a file or a directory (ISCardFileAccess::Create; CREATE FILE of ISO/IEC 7816-9).
 *
 * @param file_access  the object
 * @param reference_type  the form of `path`. By name it creates a directory of this name in the current one. A short
 *   identifier is not possible, but may be among the `properties` (88).
 * @param path  the new file
 * @param properties  its control parameters: BER-TLV data objects of ISO/IEC 7816-4, 7.4, in a template 62 or without
 *   one, such as 80 (size), 82 (file descriptor), 86 or 8C (security). The library adds what is missing: the
 *   identifier (83) or name (84) of the path, the size of `data`, and the descriptor of a transparent EF (by name: of
 *   a directory). (NULL, 0) for none.
 * @param properties_length  their length in bytes
 * @param flags  `SCM_FL_PREALLOCATE` if data come later, and `properties` tell the size; or 0
 * @param data  the first content of the file: for a file of records as many records as it fills. (NULL, 0) for none.
 * @param data_length  its length in bytes
 *
 * @return `SCM_S_OK`, or one of the result codes of the group, and
 * - `SCM_E_INVALIDARG`: also `properties` that are not data objects, contradict the path, or tell no size with
 *   `SCM_FL_PREALLOCATE`; `data` for a directory.
 * - `SCM_SCARD_E_NO_ACCESS`: a file of this identifier or name exists, or a condition of the card is not met.
 * - `SCM_SCARD_E_WRITE_TOO_MANY`: no room on the card, or the data are too long for the file.
 *
 * If the file was created but the data could not be written, the file stays.
 *
 * @see scm_file_access_open, scm_file_write, scm_file_access_delete, scm_file_access_set_properties
 */
SCM_API
scm_result scm_file_access_create(scm_file_access *file_access,
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
 * After the current directory was deleted, the directory above it is the current one.
 *
 * @param file_access  the object
 * @param reference_type  the form of `path`; not a short identifier
 * @param path  the file or directory
 * @param flags  `SCM_FL_RECURSIVE` for a directory with its content; `SCM_FL_NON_RECURSIVE` or 0 for a file only,
 *   because no standard command tells whether a directory is empty. A provider may know.
 *
 * @return `SCM_S_OK`, or one of the result codes of the group, and
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: it is or may be a directory, and `SCM_FL_RECURSIVE` is missing. Nothing is
 *   deleted.
 * - `SCM_SCARD_E_FILE_NOT_FOUND`: also if only the beginning of a name is given.
 * - `SCM_SCARD_E_NO_ACCESS`: a condition of the card is not met. Some cards delete only empty directories: delete the
 *   content first.
 *
 * @see scm_file_access_create, scm_file_access_invalidate
 */
SCM_API
scm_result scm_file_access_delete(scm_file_access *file_access,
                                  uint32_t reference_type,
                                  const char *path,
                                  uint32_t flags);

/**
 * Makes a file or a directory unusable until `scm_file_access_rehabilitate` (ISCardFileAccess::Invalidate; DEACTIVATE
 * FILE of ISO/IEC 7816-9).
 *
 * @param file_access  the object
 * @param path  the file or directory, in any form (`SCM_TYPE_BY_ANY`)
 * @param flags  0
 *
 * @return `SCM_S_OK`, or one of the result codes of the group
 *
 * @see scm_file_access_rehabilitate, scm_file_access_delete
 */
SCM_API scm_result scm_file_access_invalidate(scm_file_access *file_access, const char *path, uint32_t flags);

/**
 * Makes a file or a directory usable again (ISCardFileAccess::Rehabilitate; ACTIVATE FILE of ISO/IEC 7816-9).
 *
 * @param file_access  the object
 * @param path  the file or directory, in any form (`SCM_TYPE_BY_ANY`)
 * @param flags  0
 *
 * @return `SCM_S_OK`, or one of the result codes of the group
 *
 * @see scm_file_access_invalidate
 */
SCM_API scm_result scm_file_access_rehabilitate(scm_file_access *file_access, const char *path, uint32_t flags);

/** @} */

/**
 * @defgroup scm_codes Codes of the card holder
 *
 * In this group a code is a PIN or the like, which a user presents to the card (card holder verification, CHV). A code
 * comes from the program, or from the user through the PIN pad of the reader.
 *
 * RESULT CODES OF THE GROUP. The functions of this group may return these, besides the codes that their descriptions
 * name:
 * - `SCM_E_NOTIMPL`: the provider of this card does not have this function.
 * - `SCM_SCARD_W_CHV_BLOCKED`: no try is left: 6983, 63C0 or 9840.
 * - `SCM_SCARD_E_INVALID_CHV`: the code does not have the format of this object, and nothing was sent; or 6984; or the
 *   user has entered too few or too many digits (6403), and the reader has sent nothing.
 * - `SCM_SCARD_E_FILE_NOT_FOUND`: 6A88, the card has no such code.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the reader has no PIN pad, or not for such codes (6B80);
 *   `SCM_FL_SECURE_MESSAGING` without a provider; the card does not know the command.
 * - the other codes of `scm_send`, and the codes of a connection
 *
 * TRIES. A card blocks a code after a few wrong ones. `scm_ch_verification_verify` with `SCM_FL_IHV_CHECKONLY` and
 * without a code asks how many tries are left, and spends none. A card tells it only while the code is not verified.
 *
 * BLOCKING. A function blocks as `scm_send`, and with a PIN pad until the user has finished, unless its description
 * says otherwise. `scm_cancel` ends only the wait for others.
 *
 * THREADS. Any thread may use an object. Calls for one attachment run one after the other; the functions of a provider
 * may run at the same time.
 *
 * docs/codes.md is the guide.
 *
 * @code
 * #include <stdio.h>
 * #include <string.h>
 * #include <scm.h>
 *
 * // Presents code 1 of a card that fills its codes with FF to 8 bytes.
 * static scm_result verify_pin(scm_handle *card, const char *pin)
 * {
 *     scm_ch_verification_options format = SCM_CH_VERIFICATION_OPTIONS_INIT;
 *     scm_ch_verification *codes;
 *     uint32_t retries_left;
 *     scm_result result;
 *     format.block_length = 8;
 *     result = scm_create_ch_verification_ex(card, &format, &codes);
 *     if (SCM_FAILED(result))
 *         return result;
 *     result = scm_ch_verification_verify(codes, (const uint8_t *)pin, strlen(pin), 0, 1, &retries_left);
 *     if (result == SCM_SCARD_W_WRONG_CHV && retries_left != SCM_RETRIES_UNKNOWN)
 *         fprintf(stderr, "The code is wrong. Tries left: %u\n", (unsigned)retries_left);
 *     scm_ch_verification_release(codes);
 *     return result;
 * }
 * @endcode
 * @{
 */

enum {
    /** `scm_ch_verification_options.encoding`: the bytes of the code as they are given, such as ASCII. The default. */
    SCM_CODE_ASCII = 1,
    /**
     * `scm_ch_verification_options.encoding`: two digits in a byte (BCD). If the number of digits is odd, the filler
     * gives the last four bits.
     */
    SCM_CODE_BCD = 2,
    /**
     * `scm_ch_verification_options.encoding`: a block of eight bytes as in ISO 9564-1, format 2: 2, the number of
     * digits, the digits, and F.
     */
    SCM_CODE_ISO9564_2 = 3
};

enum {
    /** The longest code, and the longest block, in bytes. */
    SCM_CODE_MAX = 127
};

enum {
    /** `scm_ch_verification_options.filler`: set together with the filler, such as `SCM_CODE_FILLER | 0x00`. */
    SCM_CODE_FILLER = 0x100
};

/** The value of `retries_left` if the card has not told how many tries are left. */
#define SCM_RETRIES_UNKNOWN 0xFFFFFFFFU

/**
 * The codes of a card. `scm_create_ch_verification` makes it; `scm_ch_verification_release` or the end of the
 * attachment ends it.
 */
typedef struct scm_ch_verification scm_ch_verification;

/**
 * The format of the codes of a card. Initialise with `SCM_CH_VERIFICATION_OPTIONS_INIT`; zero in a field is its
 * default.
 */
typedef struct scm_ch_verification_options {
    /** `sizeof(scm_ch_verification_options)` */
    uint32_t struct_size;
    /** The encoding of a code: `SCM_CODE_ASCII` (default), `SCM_CODE_BCD`, `SCM_CODE_ISO9564_2`. */
    uint32_t encoding;
    /**
     * The length to which every code is filled, up to `SCM_CODE_MAX` bytes. 0 (default): its own length, and 8 with
     * `SCM_CODE_ISO9564_2`, which allows no other.
     */
    uint32_t block_length;
    /** The filler: `SCM_CODE_FILLER` and a byte. 0 (default): FF, the only one with `SCM_CODE_ISO9564_2`. */
    uint32_t filler;
    /** The least number of characters or digits. 0 (default): 1, and 4 with `SCM_CODE_ISO9564_2`. */
    uint32_t code_length_min;
    /**
     * The greatest number of characters or digits. 0 (default): as many as fit, up to `SCM_CODE_MAX`. A PIN pad takes
     * this number, or 15 if neither it nor this field nor a block has a limit.
     */
    uint32_t code_length_max;
    /**
     * How long a PIN pad waits for the user, in milliseconds, up to 255,000. The reader counts seconds, so the library
     * rounds up to the next second. 0 (default) and `SCM_INFINITE`: no limit but that of the reader.
     */
    uint32_t pin_pad_limit_ms;
    /** The language of the texts of a PIN pad, as USB numbers them. 0 (default): 0x0409, English. */
    uint32_t pin_pad_language;
} scm_ch_verification_options;

/** `scm_ch_verification_options` with every default. */
#define SCM_CH_VERIFICATION_OPTIONS_INIT {sizeof(scm_ch_verification_options), 0, 0, 0, 0, 0, 0, 0}

/**
 * Makes an object for the codes of the card (ISCardManage::CreateCHVerification), with the default format.
 *
 * @param handle  the attachment
 * @param ch_verification  [out] the object, which `scm_ch_verification_release` ends; NULL after a failure
 *
 * @return
 * - `SCM_S_OK`: made.
 * - `SCM_SCARD_E_ICC_CREATEORDER`: `handle` is NULL: attach first.
 * - any failure of the provider of this card
 *
 * Does not block, unless a provider does.
 *
 * @see scm_create_ch_verification_ex, scm_ch_verification_verify, scm_ch_verification_release, scm_create_interface
 */
SCM_API scm_result scm_create_ch_verification(scm_handle *handle, scm_ch_verification **ch_verification);

/**
 * Makes an object for the codes of the card, with the format of its codes.
 *
 * @param handle  the attachment
 * @param options  the format; NULL for the defaults. A provider ignores it, because it knows its card.
 * @param ch_verification  [out] the object; NULL after a failure
 *
 * @return as `scm_create_ch_verification`, and
 * - `SCM_E_INVALIDARG`: also a block above `SCM_CODE_MAX`, and limits that contradict each other or the block.
 *
 * Does not block, unless a provider does.
 *
 * @see scm_create_ch_verification, scm_ch_verification_release
 */
SCM_API
scm_result scm_create_ch_verification_ex(scm_handle *handle,
                                         const scm_ch_verification_options *options,
                                         scm_ch_verification **ch_verification);

/**
 * Ends an object. Codes that it has verified stay verified.
 *
 * @param ch_verification  the object
 *
 * @return
 * - `SCM_S_OK`: ended.
 * - `SCM_E_HANDLE`: `ch_verification` is not such an object.
 *
 * Does not block. A call of another thread continues to its end.
 *
 * @see scm_create_ch_verification, scm_ch_verification_reset_security_state, scm_detach
 */
SCM_API scm_result scm_ch_verification_release(scm_ch_verification *ch_verification);

/**
 * Presents a code to the card (VERIFY), or asks for its state.
 *
 * A command with a code is sent once. Without a code the reader asks the user for it at its PIN pad, and sends it
 * itself (PC/SC part 10, FEATURE_VERIFY_PIN_DIRECT): the code does not pass through the computer. The library
 * overwrites its copies of a code before the call ends.
 *
 * A SIM (class A0, 3GPP TS 51.011) is an exception: it refuses class 00 with 6E00 without looking at the code, and
 * gets the code again in its own class. Its codes are blocks of eight, filled with FF, unless the options say
 * otherwise. It does not tell whether a code was verified: `SCM_FL_IHV_CHECKONLY` tells whether this object has
 * verified it, or CHV1 is disabled.
 *
 * A local code (`SCM_FL_IHV_LOCAL`) belongs to the DF that is selected when the command arrives. Hold `scm_lock` from
 * the selection to this call, or another application may select another DF in between.
 *
 * @param ch_verification  the object
 * @param code  the characters or digits of the code, without filler; NULL with length 0 for the PIN pad
 * @param code_length  their number
 * @param flags  `SCM_FL_IHV_GLOBAL` (default) or `SCM_FL_IHV_LOCAL`; and `SCM_FL_IHV_CHECKONLY`, without a code, to
 *   ask for the state, which spends no try
 * @param reference  the number of the code, 0 to 31: P2 of the command, with 0x80 if the code is local
 * @param retries_left  [out] how many tries are left, also after a failure, if the card has told it (63CX, 6301 to
 *   630F); 0 if the code is blocked; else `SCM_RETRIES_UNKNOWN`, as after 6300 and after a success. A SIM is asked for
 *   it after 9804 (STATUS). To learn the number before the user enters a code, ask with `SCM_FL_IHV_CHECKONLY`.
 *
 * @return
 * - `SCM_S_OK`: verified. With `SCM_FL_IHV_CHECKONLY`: it is verified, or the card does not need it.
 * - `SCM_SCARD_W_WRONG_CHV`: 63XX or 9804, the code was wrong.
 * - `SCM_SCARD_W_CARD_NOT_AUTHENTICATED`: 63XX or 9804 with `SCM_FL_IHV_CHECKONLY`: it is not verified.
 * - `SCM_SCARD_E_TIMEOUT`: the user has entered nothing in time (6400).
 * - `SCM_SCARD_W_CANCELLED_BY_USER`: the user has pressed the cancel key (6401).
 * - `SCM_E_INVALIDARG`: also a code together with `SCM_FL_IHV_CHECKONLY`, global and local, or a reference above 31.
 * - the other result codes of the group
 *
 * @see scm_ch_verification_change_code, scm_ch_verification_unblock, scm_lock, scm_card_auth_user_auth
 */
SCM_API
scm_result scm_ch_verification_verify(scm_ch_verification *ch_verification,
                                      const uint8_t *code,
                                      size_t code_length,
                                      uint32_t flags,
                                      uint32_t reference,
                                      uint32_t *retries_left);

/**
 * Gives a code a new value (CHANGE REFERENCE DATA), or makes the card ask for it or not (ENABLE and DISABLE
 * VERIFICATION REQUIREMENT).
 *
 * Without any code the reader asks for them at its PIN pad, for the new code twice (FEATURE_MODIFY_PIN_DIRECT; to
 * enable and disable FEATURE_VERIFY_PIN_DIRECT). A new code without an old one is sent alone (P1 01), which a card may
 * allow after another proof.
 *
 * @param ch_verification  the object
 * @param old_code  the present code
 * @param old_code_length  its length
 * @param new_code  the new code; NULL with length 0 to enable and to disable
 * @param new_code_length  its length
 * @param flags  `SCM_FL_IHV_GLOBAL` (default) or `SCM_FL_IHV_LOCAL`; and one of `SCM_FL_IHV_CHANGE` (default),
 *   `SCM_FL_IHV_ENABLE`, `SCM_FL_IHV_DISABLE`
 * @param reference  as for `scm_ch_verification_verify`
 * @param retries_left  [out] as for `scm_ch_verification_verify`
 *
 * @return as `scm_ch_verification_verify`, for either of the codes, and
 * - `SCM_S_OK`: changed, enabled or disabled.
 * - `SCM_SCARD_E_INVALID_CHV`: also an old code without a new one.
 * - `SCM_SCARD_E_INVALID_VALUE`: the user has entered two different new codes (6402).
 * - `SCM_SCARD_E_NO_ACCESS`: 6985, the card does not allow it.
 * - `SCM_E_INVALIDARG`: also a new code to enable or disable, or more than one of change, enable and disable.
 *
 * @see scm_ch_verification_verify, scm_ch_verification_unblock
 */
SCM_API
scm_result scm_ch_verification_change_code(scm_ch_verification *ch_verification,
                                           const uint8_t *old_code,
                                           size_t old_code_length,
                                           const uint8_t *new_code,
                                           size_t new_code_length,
                                           uint32_t flags,
                                           uint32_t reference,
                                           uint32_t *retries_left);

/**
 * Unblocks a code that was wrong too often (RESET RETRY COUNTER), and gives it a new value.
 *
 * The card decides which codes it needs: an unblocking code and a new one (P1 00), only the unblocking code (P1 01),
 * only a new one (P1 02), or none (P1 03) after another proof. So the PIN pad, which asks for both, needs its flag
 * here: `SCM_FL_IHV_PIN_PAD`.
 *
 * @param ch_verification  the object
 * @param unblocking_code  the code that allows it; NULL with length 0 for none
 * @param unblocking_code_length  its length
 * @param new_code  the new value; NULL with length 0 for none
 * @param new_code_length  its length
 * @param flags  `SCM_FL_IHV_GLOBAL` (default) or `SCM_FL_IHV_LOCAL`; and `SCM_FL_IHV_PIN_PAD`, without codes
 * @param reference  the blocked code; as for `scm_ch_verification_verify`
 * @param retries_left  [out] as for `scm_ch_verification_verify`; on cards it is the tries of the unblocking code
 *
 * @return as `scm_ch_verification_verify`, for either of the codes, and
 * - `SCM_S_OK`: the code can be presented again.
 * - `SCM_SCARD_E_INVALID_VALUE`: the user has entered two different new codes (6402).
 * - `SCM_SCARD_E_NO_ACCESS`: 6985, the card does not allow it in this way.
 * - `SCM_E_INVALIDARG`: also a code together with `SCM_FL_IHV_PIN_PAD`.
 *
 * @see scm_ch_verification_verify, scm_ch_verification_change_code
 */
SCM_API
scm_result scm_ch_verification_unblock(scm_ch_verification *ch_verification,
                                       const uint8_t *unblocking_code,
                                       size_t unblocking_code_length,
                                       const uint8_t *new_code,
                                       size_t new_code_length,
                                       uint32_t flags,
                                       uint32_t reference,
                                       uint32_t *retries_left);

/**
 * Withdraws what was verified through this object, without a reset of the card (VERIFY with P1 FF, for each code).
 *
 * Afterwards the card is asked for the state of each code, because a card that does not know this way may answer 9000,
 * too. A code that the card has forgotten since (`scm_get_generation`) is skipped. A local code belongs to the current
 * DF: if another one is selected meanwhile, the card may not find it.
 *
 * @param ch_verification  the object
 *
 * @return
 * - `SCM_S_OK`: nothing of this object is verified any more.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the card refuses it, or has not done it, for at least one code; the others are
 *   withdrawn. A reset does it: `scm_unlock` or `scm_reconnect_ex`.
 * - the other result codes of the group
 *
 * @see scm_ch_verification_verify, scm_unlock, scm_reconnect_ex
 */
SCM_API scm_result scm_ch_verification_reset_security_state(scm_ch_verification *ch_verification);

/** @} */

/**
 * @defgroup scm_authentication Authentication
 *
 * Authentication with keys: the program proves to the card that it has a key, or the card proves it to the program.
 *
 * RESULT CODES OF THE GROUP. The functions of this group may return these, besides the codes that their descriptions
 * name:
 * - `SCM_E_NOTIMPL`: the provider of this card does not have this function.
 * - `SCM_E_INVALIDARG`: also an algorithm above 255, parameters longer than one byte, and no or too many data. Nothing
 *   was sent.
 * - `SCM_SCARD_E_FILE_NOT_FOUND`: 6A88, the card has no such key.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the card does not know the command.
 * - the other codes of `scm_send`, and the codes of a connection
 *
 * BLOCKING. A function blocks as `scm_send`, unless its description says otherwise.
 *
 * THREADS. Any thread may use an object. Calls for one attachment run one after the other; the functions of a provider
 * may run at the same time.
 *
 * docs/codes.md is the guide.
 *
 * @code
 * #include <scm.h>
 *
 * // Proves to the card that the program has an AES key, and checks that the card has another one.
 * static scm_result authenticate(scm_handle *card, const uint8_t own_key[16], uint8_t own_number,
 *                                const uint8_t card_key[16], uint8_t card_number)
 * {
 *     scm_card_auth_options options = SCM_CARD_AUTH_OPTIONS_INIT;
 *     scm_card_auth *auth;
 *     scm_result result = scm_create_card_auth(card, &auth);
 *     if (SCM_FAILED(result))
 *         return result;
 *     options.cipher = SCM_CIPHER_AES;
 *     options.key = own_key;
 *     options.key_length = 16;
 *     result = scm_card_auth_app_auth_ex(auth, 0, &own_number, 1, &options);
 *     options.key = card_key;
 *     if (SCM_SUCCEEDED(result))
 *         result = scm_card_auth_icc_auth_ex(auth, 0, &card_number, 1, &options);
 *     scm_card_auth_release(auth);
 *     return result;
 * }
 * @endcode
 * @{
 */

/**
 * The keys of a card. `scm_create_card_auth` makes it; `scm_card_auth_release` or the end of the attachment ends it.
 */
typedef struct scm_card_auth scm_card_auth;

/** `scm_card_auth_options.cipher` */
enum {
    /** The program's own cipher: `scm_card_auth_options.cipher_callback`. */
    SCM_CIPHER_CALLBACK = 0,
    /** AES on one block of 16 bytes, with a key of 16, 24 or 32 bytes. */
    SCM_CIPHER_AES = 1,
    /** 3DES on one block of 8 bytes, with two keys (16 bytes) or three (24 bytes). */
    SCM_CIPHER_3DES = 2
};

enum {
    /** The longest challenge of `scm_card_auth_options`, in bytes. */
    SCM_CHALLENGE_MAX = 256,
    /** The longest answer of a `scm_cipher_callback`, in bytes. */
    SCM_CIPHER_OUTPUT_MAX = 4096
};

/**
 * Makes the answer to a challenge, such as by encrypting it.
 *
 * It runs on the thread that authenticates, and may call every function of this library, also for the same handle. The
 * library overwrites the answer after its use.
 *
 * @param user_data  `scm_card_auth_options.user_data`
 * @param challenge  the challenge
 * @param challenge_length  its length
 * @param answer  [out] the answer
 * @param capacity  the room in `answer`: `SCM_CIPHER_OUTPUT_MAX`
 * @param answer_length  [out] the length of the answer, at least 1
 *
 * @return a success to go on with the answer; a failure to end the call with this code
 */
typedef scm_result (*scm_cipher_callback)(void *user_data,
                                          const uint8_t *challenge,
                                          size_t challenge_length,
                                          uint8_t *answer,
                                          size_t capacity,
                                          size_t *answer_length);

/** The cipher for a challenge. Initialise with `SCM_CARD_AUTH_OPTIONS_INIT`; zero in a field is its default. */
typedef struct scm_card_auth_options {
    /** `sizeof(scm_card_auth_options)` */
    uint32_t struct_size;
    /** `SCM_CIPHER_CALLBACK` (default), `SCM_CIPHER_AES`, `SCM_CIPHER_3DES` */
    uint32_t cipher;
    /**
     * The key of a built-in cipher; NULL with length 0 for a callback. Read during the call; the library overwrites
     * its copies before the call ends.
     */
    const uint8_t *key;
    /** The length of the key, as the cipher needs it. */
    size_t key_length;
    /** The program's own cipher; NULL for a built-in one. */
    scm_cipher_callback cipher_callback;
    /** The first argument of the callback. */
    void *user_data;
    /**
     * The length of the challenge, up to `SCM_CHALLENGE_MAX`. 0 (default): one block, and 8 with a callback. A
     * built-in cipher takes one block and nothing else.
     */
    uint32_t challenge_length;
} scm_card_auth_options;

/** `scm_card_auth_options` without a cipher: set a cipher and its key, or a callback. */
#define SCM_CARD_AUTH_OPTIONS_INIT {sizeof(scm_card_auth_options), 0, NULL, 0, NULL, NULL, 0}

/**
 * Makes an object to authenticate with the keys of the card (ISCardManage::CreateCardAuth).
 *
 * @param handle  the attachment
 * @param card_auth  [out] the object, which `scm_card_auth_release` ends; NULL after a failure
 *
 * @return
 * - `SCM_S_OK`: made.
 * - `SCM_SCARD_E_ICC_CREATEORDER`: `handle` is NULL: attach first.
 * - any failure of the provider of this card
 *
 * Does not block, unless a provider does.
 *
 * @see scm_card_auth_app_auth_ex, scm_card_auth_icc_auth_ex, scm_card_auth_release, scm_create_interface
 */
SCM_API scm_result scm_create_card_auth(scm_handle *handle, scm_card_auth **card_auth);

/**
 * Ends an object. Proofs that the card has accepted stay accepted.
 *
 * @param card_auth  the object
 *
 * @return
 * - `SCM_S_OK`: ended.
 * - `SCM_E_HANDLE`: `card_auth` is not such an object.
 *
 * Does not block. A call of another thread continues to its end.
 *
 * @see scm_create_card_auth, scm_detach
 */
SCM_API scm_result scm_card_auth_release(scm_card_auth *card_auth);

/**
 * Gets a challenge from the card (GET CHALLENGE), which the card keeps for the next `scm_card_auth_app_auth`.
 *
 * Hold one `scm_lock` over both calls. `scm_card_auth_app_auth_ex` does both under a lock.
 *
 * @param card_auth  the object
 * @param algorithm  the algorithm, as the card numbers them, 0 to 255 (P1); 0 if the card knows it
 * @param parameters  NULL with length 0, or one byte for P2. For most commands it is the number of the key, 1 to 31,
 *   with 0x80 if the key belongs to the current DF.
 * @param parameters_length  0 or 1
 * @param challenge  [out] the challenge
 * @param capacity  how many bytes are wanted, 1 to 65,536
 * @param challenge_length  [out] how many bytes the card has given; 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: given.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the card does not know the command, or has given more bytes than wanted: a part
 *   of a challenge is useless.
 * - the other result codes of the group
 *
 * @see scm_card_auth_app_auth, scm_card_auth_app_auth_ex, scm_lock
 */
SCM_API
scm_result scm_card_auth_get_challenge(scm_card_auth *card_auth,
                                       uint32_t algorithm,
                                       const uint8_t *parameters,
                                       size_t parameters_length,
                                       uint8_t *challenge,
                                       size_t capacity,
                                       size_t *challenge_length);

/**
 * Proves to the card that the application has a key: sends the answer to the challenge of the card (EXTERNAL
 * AUTHENTICATE), once.
 *
 * @param card_auth  the object
 * @param algorithm  as for `scm_card_auth_get_challenge`
 * @param parameters  as for `scm_card_auth_get_challenge`
 * @param parameters_length  0 or 1
 * @param data  the answer to the challenge
 * @param data_length  its length, 1 to `SCM_COMMAND_DATA_MAX`
 *
 * @return
 * - `SCM_S_OK`: the card accepts it.
 * - `SCM_SCARD_W_SECURITY_VIOLATION`: 63XX, the answer is wrong; 6982.
 * - `SCM_SCARD_W_CHV_BLOCKED`: 6983 or 63C0, it was wrong too often.
 * - `SCM_SCARD_E_NO_ACCESS`: 6985, there is no challenge, or the key is not for this use.
 * - the other result codes of the group
 *
 * @see scm_card_auth_get_challenge, scm_card_auth_app_auth_ex
 */
SCM_API
scm_result scm_card_auth_app_auth(scm_card_auth *card_auth,
                                  uint32_t algorithm,
                                  const uint8_t *parameters,
                                  size_t parameters_length,
                                  const uint8_t *data,
                                  size_t data_length);

/**
 * Proves to the card that the application has a key, in all steps: GET CHALLENGE, the cipher, EXTERNAL AUTHENTICATE,
 * under one lock.
 *
 * @param card_auth  the object
 * @param algorithm  as for `scm_card_auth_get_challenge`, for EXTERNAL AUTHENTICATE; GET CHALLENGE has 0 in P1 and P2
 * @param parameters  as for `scm_card_auth_get_challenge`
 * @param parameters_length  0 or 1
 * @param options  the cipher
 *
 * @return as `scm_card_auth_app_auth`, and
 * - `SCM_E_INVALIDARG`: also `options` that are NULL, a key or a challenge of a wrong length, a key together with a
 *   callback, or neither.
 * - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: also a challenge of another length from the card.
 * - `SCM_E_FAIL`: also a callback that gives no answer, or too long a one.
 * - `SCM_E_NOTIMPL`: the object is that of a provider, which has only the single steps. Nothing was sent.
 * - any failure of the callback
 *
 * The card stays locked during the callback.
 *
 * @see scm_card_auth_app_auth, scm_card_auth_icc_auth_ex
 */
SCM_API
scm_result scm_card_auth_app_auth_ex(scm_card_auth *card_auth,
                                     uint32_t algorithm,
                                     const uint8_t *parameters,
                                     size_t parameters_length,
                                     const scm_card_auth_options *options);

/**
 * Lets the card prove that it has a key: sends a challenge, and receives the answer (INTERNAL AUTHENTICATE).
 *
 * The application checks the answer itself. `scm_card_auth_icc_auth_ex` checks it for ciphers.
 *
 * @param card_auth  the object
 * @param algorithm  as for `scm_card_auth_get_challenge`
 * @param parameters  as for `scm_card_auth_get_challenge`
 * @param parameters_length  0 or 1
 * @param data  the challenge, which was never used before
 * @param data_length  its length, 1 to `SCM_COMMAND_DATA_MAX`
 * @param answer  [out] the answer of the card. May be the same memory as `data`.
 * @param capacity  the room in `answer`. The card is asked for at least 256 bytes.
 * @param answer_length  [out] the length of the answer, also if it does not fit; 0 after another failure
 *
 * @return
 * - `SCM_S_OK`: the card has answered.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the answer does not fit; `scm_get_last_response` gives it, with its status
 *   word.
 * - `SCM_SCARD_W_SECURITY_VIOLATION`: 6982, the key may not be used yet.
 * - the other result codes of the group, and those as for `scm_card_auth_app_auth`
 *
 * @see scm_card_auth_icc_auth_ex, scm_card_auth_app_auth
 */
SCM_API
scm_result scm_card_auth_icc_auth(scm_card_auth *card_auth,
                                  uint32_t algorithm,
                                  const uint8_t *parameters,
                                  size_t parameters_length,
                                  const uint8_t *data,
                                  size_t data_length,
                                  uint8_t *answer,
                                  size_t capacity,
                                  size_t *answer_length);

/**
 * Checks whether the card has a key, in all steps: a random challenge, INTERNAL AUTHENTICATE, the cipher, and a
 * comparison that takes the same time wherever the answers differ.
 *
 * @param card_auth  the object
 * @param algorithm  as for `scm_card_auth_get_challenge`
 * @param parameters  as for `scm_card_auth_get_challenge`
 * @param parameters_length  0 or 1
 * @param options  the cipher
 *
 * @return as `scm_card_auth_icc_auth`, and
 * - `SCM_S_OK`: the card has the key.
 * - `SCM_SCARD_W_CARD_NOT_AUTHENTICATED`: the answer of the card is wrong.
 * - `SCM_E_INVALIDARG`, `SCM_E_NOTIMPL`, and any failure of the callback: as for `scm_card_auth_app_auth_ex`. Nothing
 *   was sent.
 * - `SCM_E_FAIL`: also if the system gives no random numbers. Nothing was sent.
 *
 * The callback runs before the card is locked.
 *
 * @see scm_card_auth_icc_auth, scm_card_auth_app_auth_ex
 */
SCM_API
scm_result scm_card_auth_icc_auth_ex(scm_card_auth *card_auth,
                                     uint32_t algorithm,
                                     const uint8_t *parameters,
                                     size_t parameters_length,
                                     const scm_card_auth_options *options);

/**
 * Presents data of the user to the card, as they are (VERIFY), such as a filled code or a biometric template.
 *
 * The command is sent once, and the library overwrites its copies before the call ends. For codes use
 * `scm_ch_verification_verify`, which tells the tries that are left.
 *
 * @param card_auth  the object
 * @param algorithm  as for `scm_card_auth_get_challenge`
 * @param parameters  as for `scm_card_auth_get_challenge`
 * @param parameters_length  0 or 1
 * @param data  the data of the user
 * @param data_length  their length, 1 to `SCM_COMMAND_DATA_MAX`
 *
 * @return
 * - `SCM_S_OK`: the card accepts it.
 * - `SCM_SCARD_W_WRONG_CHV`: 63XX, the data are wrong; 6982, 6987, 6988, 9804.
 * - `SCM_SCARD_W_CHV_BLOCKED`: 6983, 63C0 or 9840, they were wrong too often.
 * - the other result codes of the group, and those as for `scm_card_auth_app_auth`
 *
 * @see scm_ch_verification_verify, scm_card_auth_app_auth
 */
SCM_API
scm_result scm_card_auth_user_auth(scm_card_auth *card_auth,
                                   uint32_t algorithm,
                                   const uint8_t *parameters,
                                   size_t parameters_length,
                                   const uint8_t *data,
                                   size_t data_length);

/** @} */

/**
 * @defgroup scm_interfaces Interfaces
 *
 * Files, codes and authentication are interfaces. `scm_create_interface` makes an object of one of these, or of an
 * interface that only a provider knows (scm_provider.h), by its IID or by its name.
 *
 * THREADS. Any thread may make and release an object. The provider of an interface says which of its functions may run
 * at the same time.
 *
 * @code
 * #include <stdio.h>
 * #include <scm.h>
 *
 * // Looks for an interface that a provider has registered for this card, and prints whether there is one.
 * static scm_result look_for_interface(scm_handle *card, const char *name)
 * {
 *     const void *functions;
 *     void *made, *object;
 *     scm_result result = scm_create_interface(card, NULL, name, NULL, &made);
 *     if (result == SCM_E_NOINTERFACE)
 *         printf("%s: not for this card\n", name);
 *     if (SCM_FAILED(result))
 *         return result;
 *     result = scm_interface_get_implementation((scm_interface *)made, &functions, &object);
 *     if (SCM_SUCCEEDED(result))
 *         printf("%s: %s\n", name, functions == NULL ? "without functions" : "with functions");
 *     scm_interface_release((scm_interface *)made);
 *     return result;
 * }
 * @endcode
 * @{
 */

/** The identifier of an interface (IID), with the layout of a `GUID` of COM. */
typedef struct scm_guid {
    /** The first group of digits in the text form: four bytes, as a number. */
    uint32_t data1;
    /** The second group: two bytes, as a number. */
    uint16_t data2;
    /** The third group: two bytes, as a number. */
    uint16_t data3;
    /** The fourth and the fifth group: eight bytes, in the order of the text. */
    uint8_t data4[8];
} scm_guid;

/** The IID of ISCardFileAccess: 4029DD8A-5902-11D0-B84C-00C04FD424B9. */
SCM_API extern const scm_guid SCM_IID_FILE_ACCESS;

/** The IID of ISCardVerify: 4029DD85-5902-11D0-B84C-00C04FD424B9. */
SCM_API extern const scm_guid SCM_IID_CH_VERIFICATION;

/** The IID of ISCardAuth: 7B063D61-6E40-11D0-B858-00C04FD424B9. */
SCM_API extern const scm_guid SCM_IID_CARD_AUTH;

/** The value of `SCM_IID_FILE_ACCESS`, to initialise an `scm_guid`. */
#define SCM_IID_FILE_ACCESS_INIT {0x4029DD8A, 0x5902, 0x11D0, {0xB8, 0x4C, 0x00, 0xC0, 0x4F, 0xD4, 0x24, 0xB9}}
/** The value of `SCM_IID_CH_VERIFICATION`, to initialise an `scm_guid`. */
#define SCM_IID_CH_VERIFICATION_INIT {0x4029DD85, 0x5902, 0x11D0, {0xB8, 0x4C, 0x00, 0xC0, 0x4F, 0xD4, 0x24, 0xB9}}
/** The value of `SCM_IID_CARD_AUTH`, to initialise an `scm_guid`. */
#define SCM_IID_CARD_AUTH_INIT {0x7B063D61, 0x6E40, 0x11D0, {0xB8, 0x58, 0x00, 0xC0, 0x4F, 0xD4, 0x24, 0xB9}}

enum {
    /** The longest name of an interface, in bytes of UTF-8 without the NUL. */
    SCM_INTERFACE_NAME_MAX = 63
};

/**
 * An interface that only its provider knows. `scm_create_interface` makes it; `scm_interface_release` or the end of
 * the attachment ends it.
 */
typedef struct scm_interface scm_interface;

/**
 * Makes an object of an interface, chosen by IID or by name (ISCardManage::CreateInterface).
 *
 * - `SCM_IID_FILE_ACCESS`, "FileAccess", "ISCardFileAccess": an `scm_file_access`, as `scm_create_file_access` makes
 *   it
 * - `SCM_IID_CH_VERIFICATION`, "CHVerification", "ISCardVerify": an `scm_ch_verification`, as
 *   `scm_create_ch_verification` makes it
 * - `SCM_IID_CARD_AUTH`, "CardAuth", "ISCardAuth": an `scm_card_auth`, as `scm_create_card_auth` makes it
 * - any other IID or name of a provider: an `scm_interface`
 *
 * The object belongs to the attachment, not to the card: it outlives a reconnect, also to another card, and keeps its
 * provider. It ends with the attachment.
 *
 * @param handle  the attachment
 * @param iid  the IID; or NULL to choose by `name`
 * @param name  the name, 1 to `SCM_INTERFACE_NAME_MAX` bytes; upper and lower case differ. Not used if there is an
 *   IID; or NULL.
 * @param user_data  handed to the provider as it is; the generic implementations do not use it
 * @param object  [out] the object, which the `_release` function of its type ends; NULL after a failure
 *
 * @return
 * - `SCM_S_OK`: made.
 * - `SCM_E_INVALIDARG`: also if `iid` and `name` are both NULL.
 * - `SCM_E_NOINTERFACE`: nothing implements this interface for this card.
 * - `SCM_SCARD_E_ICC_CREATEORDER`: `handle` is NULL: attach first.
 * - `SCM_E_HANDLE`: also if the attachment was detached during the call.
 * - any failure of the provider
 *
 * Does not block, unless a provider does.
 *
 * @see scm_create_file_access, scm_create_ch_verification, scm_create_card_auth, scm_interface_release,
 * scm_register_interface_provider
 */
SCM_API
scm_result scm_create_interface(scm_handle *handle,
                                const scm_guid *iid,
                                const char *name,
                                void *user_data,
                                void **object);

/**
 * Gets the implementation of an interface that only its provider knows: its functions and its object.
 *
 * Their meaning is an agreement between the provider and its users; the library does not look at them. They are valid
 * until the interface is released or its attachment is detached, and the caller makes sure of that.
 *
 * @param iface  the interface
 * @param functions  [out] the functions, as `scm_register_interface_provider` got them; NULL after a failure
 * @param object  [out] what `scm_provider.create_object` has made; NULL after a failure
 *
 * @return
 * - `SCM_S_OK`: told.
 * - `SCM_E_HANDLE`: `iface` is not such an interface, or its attachment has ended.
 *
 * Never blocks.
 *
 * @see scm_create_interface, scm_register_interface_provider, scm_interface_release
 */
SCM_API scm_result scm_interface_get_implementation(scm_interface *iface, const void **functions, void **object);

/**
 * Ends an interface that only its provider knows. The provider releases its object.
 *
 * @param iface  the interface
 *
 * @return
 * - `SCM_S_OK`: ended.
 * - `SCM_E_HANDLE`: `iface` is not such an interface, or its attachment has ended.
 *
 * Blocks as long as the provider needs to release its object.
 *
 * @see scm_create_interface, scm_detach
 */
SCM_API scm_result scm_interface_release(scm_interface *iface);

/** @} */

/* So that #ifdef sees the enumerators. */
#define SCM_S_OK SCM_S_OK
#define SCM_S_FALSE SCM_S_FALSE
#define SCM_SCARD_S_NO_SERVICE SCM_SCARD_S_NO_SERVICE
#define SCM_E_NOTIMPL SCM_E_NOTIMPL
#define SCM_E_NOINTERFACE SCM_E_NOINTERFACE
#define SCM_E_POINTER SCM_E_POINTER
#define SCM_E_ABORT SCM_E_ABORT
#define SCM_E_FAIL SCM_E_FAIL
#define SCM_E_UNEXPECTED SCM_E_UNEXPECTED
#define SCM_E_ACCESSDENIED SCM_E_ACCESSDENIED
#define SCM_E_HANDLE SCM_E_HANDLE
#define SCM_E_OUTOFMEMORY SCM_E_OUTOFMEMORY
#define SCM_E_INVALIDARG SCM_E_INVALIDARG
#define SCM_SCARD_F_INTERNAL_ERROR SCM_SCARD_F_INTERNAL_ERROR
#define SCM_SCARD_E_CANCELLED SCM_SCARD_E_CANCELLED
#define SCM_SCARD_E_INVALID_HANDLE SCM_SCARD_E_INVALID_HANDLE
#define SCM_SCARD_E_INVALID_PARAMETER SCM_SCARD_E_INVALID_PARAMETER
#define SCM_SCARD_E_INVALID_TARGET SCM_SCARD_E_INVALID_TARGET
#define SCM_SCARD_E_NO_MEMORY SCM_SCARD_E_NO_MEMORY
#define SCM_SCARD_F_WAITED_TOO_LONG SCM_SCARD_F_WAITED_TOO_LONG
#define SCM_SCARD_E_INSUFFICIENT_BUFFER SCM_SCARD_E_INSUFFICIENT_BUFFER
#define SCM_SCARD_E_UNKNOWN_READER SCM_SCARD_E_UNKNOWN_READER
#define SCM_SCARD_E_TIMEOUT SCM_SCARD_E_TIMEOUT
#define SCM_SCARD_E_SHARING_VIOLATION SCM_SCARD_E_SHARING_VIOLATION
#define SCM_SCARD_E_NO_SMARTCARD SCM_SCARD_E_NO_SMARTCARD
#define SCM_SCARD_E_UNKNOWN_CARD SCM_SCARD_E_UNKNOWN_CARD
#define SCM_SCARD_E_CANT_DISPOSE SCM_SCARD_E_CANT_DISPOSE
#define SCM_SCARD_E_PROTO_MISMATCH SCM_SCARD_E_PROTO_MISMATCH
#define SCM_SCARD_E_NOT_READY SCM_SCARD_E_NOT_READY
#define SCM_SCARD_E_INVALID_VALUE SCM_SCARD_E_INVALID_VALUE
#define SCM_SCARD_E_SYSTEM_CANCELLED SCM_SCARD_E_SYSTEM_CANCELLED
#define SCM_SCARD_F_COMM_ERROR SCM_SCARD_F_COMM_ERROR
#define SCM_SCARD_F_UNKNOWN_ERROR SCM_SCARD_F_UNKNOWN_ERROR
#define SCM_SCARD_E_INVALID_ATR SCM_SCARD_E_INVALID_ATR
#define SCM_SCARD_E_NOT_TRANSACTED SCM_SCARD_E_NOT_TRANSACTED
#define SCM_SCARD_E_READER_UNAVAILABLE SCM_SCARD_E_READER_UNAVAILABLE
#define SCM_SCARD_P_SHUTDOWN SCM_SCARD_P_SHUTDOWN
#define SCM_SCARD_E_PCI_TOO_SMALL SCM_SCARD_E_PCI_TOO_SMALL
#define SCM_SCARD_E_READER_UNSUPPORTED SCM_SCARD_E_READER_UNSUPPORTED
#define SCM_SCARD_E_DUPLICATE_READER SCM_SCARD_E_DUPLICATE_READER
#define SCM_SCARD_E_CARD_UNSUPPORTED SCM_SCARD_E_CARD_UNSUPPORTED
#define SCM_SCARD_E_NO_SERVICE SCM_SCARD_E_NO_SERVICE
#define SCM_SCARD_E_SERVICE_STOPPED SCM_SCARD_E_SERVICE_STOPPED
#define SCM_SCARD_E_UNEXPECTED SCM_SCARD_E_UNEXPECTED
#define SCM_SCARD_E_ICC_INSTALLATION SCM_SCARD_E_ICC_INSTALLATION
#define SCM_SCARD_E_ICC_CREATEORDER SCM_SCARD_E_ICC_CREATEORDER
#define SCM_SCARD_E_UNSUPPORTED_FEATURE SCM_SCARD_E_UNSUPPORTED_FEATURE
#define SCM_SCARD_E_DIR_NOT_FOUND SCM_SCARD_E_DIR_NOT_FOUND
#define SCM_SCARD_E_FILE_NOT_FOUND SCM_SCARD_E_FILE_NOT_FOUND
#define SCM_SCARD_E_NO_DIR SCM_SCARD_E_NO_DIR
#define SCM_SCARD_E_NO_FILE SCM_SCARD_E_NO_FILE
#define SCM_SCARD_E_NO_ACCESS SCM_SCARD_E_NO_ACCESS
#define SCM_SCARD_E_WRITE_TOO_MANY SCM_SCARD_E_WRITE_TOO_MANY
#define SCM_SCARD_E_BAD_SEEK SCM_SCARD_E_BAD_SEEK
#define SCM_SCARD_E_INVALID_CHV SCM_SCARD_E_INVALID_CHV
#define SCM_SCARD_E_UNKNOWN_RES_MNG SCM_SCARD_E_UNKNOWN_RES_MNG
#define SCM_SCARD_E_NO_SUCH_CERTIFICATE SCM_SCARD_E_NO_SUCH_CERTIFICATE
#define SCM_SCARD_E_CERTIFICATE_UNAVAILABLE SCM_SCARD_E_CERTIFICATE_UNAVAILABLE
#define SCM_SCARD_E_NO_READERS_AVAILABLE SCM_SCARD_E_NO_READERS_AVAILABLE
#define SCM_SCARD_E_COMM_DATA_LOST SCM_SCARD_E_COMM_DATA_LOST
#define SCM_SCARD_E_NO_KEY_CONTAINER SCM_SCARD_E_NO_KEY_CONTAINER
#define SCM_SCARD_E_SERVER_TOO_BUSY SCM_SCARD_E_SERVER_TOO_BUSY
#define SCM_SCARD_E_PIN_CACHE_EXPIRED SCM_SCARD_E_PIN_CACHE_EXPIRED
#define SCM_SCARD_E_NO_PIN_CACHE SCM_SCARD_E_NO_PIN_CACHE
#define SCM_SCARD_E_READ_ONLY_CARD SCM_SCARD_E_READ_ONLY_CARD
#define SCM_SCARD_W_UNSUPPORTED_CARD SCM_SCARD_W_UNSUPPORTED_CARD
#define SCM_SCARD_W_UNRESPONSIVE_CARD SCM_SCARD_W_UNRESPONSIVE_CARD
#define SCM_SCARD_W_UNPOWERED_CARD SCM_SCARD_W_UNPOWERED_CARD
#define SCM_SCARD_W_RESET_CARD SCM_SCARD_W_RESET_CARD
#define SCM_SCARD_W_REMOVED_CARD SCM_SCARD_W_REMOVED_CARD
#define SCM_SCARD_W_SECURITY_VIOLATION SCM_SCARD_W_SECURITY_VIOLATION
#define SCM_SCARD_W_WRONG_CHV SCM_SCARD_W_WRONG_CHV
#define SCM_SCARD_W_CHV_BLOCKED SCM_SCARD_W_CHV_BLOCKED
#define SCM_SCARD_W_EOF SCM_SCARD_W_EOF
#define SCM_SCARD_W_CANCELLED_BY_USER SCM_SCARD_W_CANCELLED_BY_USER
#define SCM_SCARD_W_CARD_NOT_AUTHENTICATED SCM_SCARD_W_CARD_NOT_AUTHENTICATED
#define SCM_SCARD_W_CACHE_ITEM_NOT_FOUND SCM_SCARD_W_CACHE_ITEM_NOT_FOUND
#define SCM_SCARD_W_CACHE_ITEM_STALE SCM_SCARD_W_CACHE_ITEM_STALE
#define SCM_SCARD_W_CACHE_ITEM_TOO_BIG SCM_SCARD_W_CACHE_ITEM_TOO_BIG
#define SCM_LOG_OFF SCM_LOG_OFF
#define SCM_LOG_CALLS SCM_LOG_CALLS
#define SCM_LOG_PCSC SCM_LOG_PCSC
#define SCM_LOG_APDUS SCM_LOG_APDUS
#define SCM_IFD_NAME_MAX SCM_IFD_NAME_MAX
#define SCM_SHARE_EXCLUSIVE SCM_SHARE_EXCLUSIVE
#define SCM_SHARE_SHARED SCM_SHARE_SHARED
#define SCM_SHARE_DIRECT SCM_SHARE_DIRECT
#define SCM_PROTOCOL_T0 SCM_PROTOCOL_T0
#define SCM_PROTOCOL_T1 SCM_PROTOCOL_T1
#define SCM_PROTOCOL_RAW SCM_PROTOCOL_RAW
#define SCM_DISPOSITION_LEAVE SCM_DISPOSITION_LEAVE
#define SCM_DISPOSITION_RESET SCM_DISPOSITION_RESET
#define SCM_DISPOSITION_UNPOWER SCM_DISPOSITION_UNPOWER
#define SCM_DISPOSITION_EJECT SCM_DISPOSITION_EJECT
#define SCM_ATTACH_ADOPT SCM_ATTACH_ADOPT
#define SCM_COMMAND_MAX SCM_COMMAND_MAX
#define SCM_RESPONSE_MAX SCM_RESPONSE_MAX
#define SCM_ATTR_VENDOR_NAME SCM_ATTR_VENDOR_NAME
#define SCM_ATTR_VENDOR_IFD_TYPE SCM_ATTR_VENDOR_IFD_TYPE
#define SCM_ATTR_VENDOR_IFD_VERSION SCM_ATTR_VENDOR_IFD_VERSION
#define SCM_ATTR_VENDOR_IFD_SERIAL_NO SCM_ATTR_VENDOR_IFD_SERIAL_NO
#define SCM_ATTR_CHANNEL_ID SCM_ATTR_CHANNEL_ID
#define SCM_ATTR_ICC_PRESENCE SCM_ATTR_ICC_PRESENCE
#define SCM_ATTR_ICC_INTERFACE_STATUS SCM_ATTR_ICC_INTERFACE_STATUS
#define SCM_ATTR_ATR_STRING SCM_ATTR_ATR_STRING
#define SCM_ATTR_DEVICE_FRIENDLY_NAME SCM_ATTR_DEVICE_FRIENDLY_NAME
#define SCM_COMMAND_DATA_MAX SCM_COMMAND_DATA_MAX
#define SCM_EXPECTED_MAX SCM_EXPECTED_MAX
#define SCM_SEND_SUCCESSES_MAX SCM_SEND_SUCCESSES_MAX
#define SCM_SEND_KEEP_61XX SCM_SEND_KEEP_61XX
#define SCM_SEND_KEEP_6CXX SCM_SEND_KEEP_6CXX
#define SCM_SEND_CLASS SCM_SEND_CLASS
#define SCM_CARD_CHAINING SCM_CARD_CHAINING
#define SCM_CARD_EXTENDED SCM_CARD_EXTENDED
#define SCM_STATE_ABSENT SCM_STATE_ABSENT
#define SCM_STATE_PRESENT SCM_STATE_PRESENT
#define SCM_STATE_SWALLOWED SCM_STATE_SWALLOWED
#define SCM_STATE_POWERED SCM_STATE_POWERED
#define SCM_STATE_NEGOTIABLEMODE SCM_STATE_NEGOTIABLEMODE
#define SCM_STATE_SPECIFICMODE SCM_STATE_SPECIFICMODE
#define SCM_ATR_MAX SCM_ATR_MAX
#define SCM_EVENT_SERVICE_UP SCM_EVENT_SERVICE_UP
#define SCM_EVENT_SERVICE_DOWN SCM_EVENT_SERVICE_DOWN
#define SCM_EVENT_IFD_ARRIVED SCM_EVENT_IFD_ARRIVED
#define SCM_EVENT_IFD_LEFT SCM_EVENT_IFD_LEFT
#define SCM_EVENT_CARD_INSERTED SCM_EVENT_CARD_INSERTED
#define SCM_EVENT_CARD_REMOVED SCM_EVENT_CARD_REMOVED
#define SCM_EVENT_CARD_RESET SCM_EVENT_CARD_RESET
#define SCM_EVENT_CURRENT SCM_EVENT_CURRENT
#define SCM_USAGE_UNKNOWN SCM_USAGE_UNKNOWN
#define SCM_USAGE_FREE SCM_USAGE_FREE
#define SCM_USAGE_SHARED SCM_USAGE_SHARED
#define SCM_USAGE_EXCLUSIVE SCM_USAGE_EXCLUSIVE
#define SCM_SERVICE_PLATFORM SCM_SERVICE_PLATFORM
#define SCM_SERVICE_VIRTUAL SCM_SERVICE_VIRTUAL
#define SCM_PATH_MAX SCM_PATH_MAX
#define SCM_TYPE_BY_NAME SCM_TYPE_BY_NAME
#define SCM_TYPE_BY_ID SCM_TYPE_BY_ID
#define SCM_TYPE_BY_SHORT_ID SCM_TYPE_BY_SHORT_ID
#define SCM_TYPE_BY_ANY SCM_TYPE_BY_ANY
#define SCM_TYPE_DIRECTORIES SCM_TYPE_DIRECTORIES
#define SCM_TYPE_FILES SCM_TYPE_FILES
#define SCM_TYPE_ALL_FILES SCM_TYPE_ALL_FILES
#define SCM_TYPE_DIRECTORY_FILE SCM_TYPE_DIRECTORY_FILE
#define SCM_TYPE_TRANSPARENT_EF SCM_TYPE_TRANSPARENT_EF
#define SCM_TYPE_FIXED_EF SCM_TYPE_FIXED_EF
#define SCM_TYPE_CYCLIC_EF SCM_TYPE_CYCLIC_EF
#define SCM_TYPE_VARIABLE_EF SCM_TYPE_VARIABLE_EF
#define SCM_FL_NO_FLAGS SCM_FL_NO_FLAGS
#define SCM_FL_SECURE_MESSAGING SCM_FL_SECURE_MESSAGING
#define SCM_FL_REPLACE SCM_FL_REPLACE
#define SCM_FL_ERASE SCM_FL_ERASE
#define SCM_FL_OR SCM_FL_OR
#define SCM_FL_AND SCM_FL_AND
#define SCM_FL_RECURSIVE SCM_FL_RECURSIVE
#define SCM_FL_NON_RECURSIVE SCM_FL_NON_RECURSIVE
#define SCM_FL_IHV_GLOBAL SCM_FL_IHV_GLOBAL
#define SCM_FL_IHV_LOCAL SCM_FL_IHV_LOCAL
#define SCM_FL_IHV_ENABLE SCM_FL_IHV_ENABLE
#define SCM_FL_IHV_DISABLE SCM_FL_IHV_DISABLE
#define SCM_FL_IHV_CHANGE SCM_FL_IHV_CHANGE
#define SCM_FL_PREALLOCATE SCM_FL_PREALLOCATE
#define SCM_FL_GET_ALL_PROPERTIES SCM_FL_GET_ALL_PROPERTIES
#define SCM_FL_STAT_DEFAULT SCM_FL_STAT_DEFAULT
#define SCM_FL_IHV_CHECKONLY SCM_FL_IHV_CHECKONLY
#define SCM_FL_IHV_PIN_PAD SCM_FL_IHV_PIN_PAD
#define SCM_SEEK_FROM_BEGINNING SCM_SEEK_FROM_BEGINNING
#define SCM_SEEK_FROM_END SCM_SEEK_FROM_END
#define SCM_SEEK_RELATIVE SCM_SEEK_RELATIVE
#define SCM_CODE_ASCII SCM_CODE_ASCII
#define SCM_CODE_BCD SCM_CODE_BCD
#define SCM_CODE_ISO9564_2 SCM_CODE_ISO9564_2
#define SCM_CODE_MAX SCM_CODE_MAX
#define SCM_CODE_FILLER SCM_CODE_FILLER
#define SCM_CIPHER_CALLBACK SCM_CIPHER_CALLBACK
#define SCM_CIPHER_AES SCM_CIPHER_AES
#define SCM_CIPHER_3DES SCM_CIPHER_3DES
#define SCM_CHALLENGE_MAX SCM_CHALLENGE_MAX
#define SCM_CIPHER_OUTPUT_MAX SCM_CIPHER_OUTPUT_MAX
#define SCM_INTERFACE_NAME_MAX SCM_INTERFACE_NAME_MAX

#ifdef __cplusplus
}
#endif

#endif

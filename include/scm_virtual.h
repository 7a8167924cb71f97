/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * scm_virtual.h - libscm: readers and cards inside the process, for tests without hardware.
 *
 * Generated from include/scm_virtual.h.in and the Rust source. Do not edit: see CONTRIBUTING.md.
 * The conventions are those of scm.h.
 */

#ifndef SCM_VIRTUAL_H
#define SCM_VIRTUAL_H

#include "scm.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup scm_virtual Virtual readers
 *
 * A virtual reader exists inside this process. The functions of scm.h list it, attach to its card and watch it, by the
 * same rules as a real reader: share modes, locks, signals of resets and removals. The program supplies the card as
 * callbacks.
 *
 * @code
 * static scm_result answer(void *user_data, const uint8_t *command, size_t command_length, uint8_t *response,
 *                          size_t capacity, size_t *response_length)
 * {
 *     (void)user_data, (void)command, (void)command_length, (void)capacity;
 *     response[0] = 0x90;
 *     response[1] = 0x00;
 *     *response_length = 2;
 *     return SCM_S_OK;
 * }
 *
 * static scm_result insert_test_card(scm_virtual_ifd **ifd)
 * {
 *     static const uint8_t atr[] = {0x3B, 0x80, 0x80, 0x01, 0x01};
 *     scm_virtual_card card = SCM_VIRTUAL_CARD_INIT;
 *     scm_result result = scm_virtual_ifd_create("Test reader", NULL, ifd);
 *     card.atr = atr;
 *     card.atr_length = sizeof atr;
 *     card.transmit = answer;
 *     return SCM_FAILED(result) ? result : scm_virtual_ifd_insert(*ifd, &card);
 * }
 * @endcode
 * @{
 */

/**
 * A virtual reader, made by `scm_virtual_ifd_create`.
 *
 * A `scm_virtual_ifd *` is a token, not an address. It may be used from any thread, and is dead after
 * `scm_virtual_ifd_destroy`.
 */
typedef struct scm_virtual_ifd scm_virtual_ifd;

enum {
    /**
     * `scm_virtual_attribute.flags`: `scm_set_attribute` gives it another value, which stays until the reader is
     * destroyed.
     */
    SCM_VIRTUAL_ATTRIBUTE_SETTABLE = 0x1
};

/** An attribute of a virtual reader (`scm_virtual_ifd_options.attributes`). This structure does not grow. */
typedef struct scm_virtual_attribute {
    /** Its id, as for `scm_get_attribute`. */
    uint32_t id;
    /** 0, or `SCM_VIRTUAL_ATTRIBUTE_SETTABLE`. */
    uint32_t flags;
    /** Its value; NULL with length 0 for an empty one. */
    const uint8_t *value;
    /** The length of the value, up to 264 bytes. */
    size_t value_length;
} scm_virtual_attribute;

/** What a virtual reader is like. Begin with `SCM_VIRTUAL_IFD_OPTIONS_INIT`; zero in a field is its default. */
typedef struct scm_virtual_ifd_options {
    /** `sizeof(scm_virtual_ifd_options)`: how the library tells versions of this structure apart. */
    uint32_t struct_size;
    /**
     * How many bytes of log are kept; the oldest lines go first. Default 1 MiB, at most 1 GiB. The memory is reserved
     * when the reader is made, and used as the log grows.
     */
    uint32_t log_limit;
    /** The attribute 0x00010100 (vendor name): UTF-8, 1 to `SCM_IFD_NAME_MAX` bytes. Default "libscm". */
    const char *vendor_name;
    /** What the callbacks get as their first argument. */
    void *user_data;
    /**
     * Answers a control code as the reader, with a card in it or without, whoever may hold the card but not while
     * another attachment has a lock. NULL for a reader that knows no code by itself. `SCM_E_NOTIMPL` and
     * `SCM_SCARD_E_UNSUPPORTED_FEATURE` say that it does not know this one; then `control` of the card that is in is
     * asked. Another error is a reader that failed (`SCM_SCARD_E_NOT_TRANSACTED`). The capacity is `SCM_RESPONSE_MAX`.
     *
     * It runs as the callbacks of a card do (`scm_virtual_card`): on the thread that calls `scm_control`, with no lock
     * of the library held, and never two at a time for one reader; it may run beside a callback of the card. It may
     * call the library, also to put a card into its own reader, to pull it or to destroy the reader, and waits for
     * nobody in there: `scm_control` to its own reader answers `SCM_SCARD_E_NOT_READY`, on any attachment.
     */
    scm_result (*control)(void *user_data,
                          uint32_t code,
                          const uint8_t *input,
                          size_t input_length,
                          uint8_t *output,
                          size_t capacity,
                          size_t *output_length);
    /**
     * Is called once, as the last one, when the reader has been destroyed, and no control code is under way any more.
     * NULL for nothing to be done. Not called when `scm_virtual_ifd_create` fails, nor in the child of a fork.
     */
    void (*release)(void *user_data);
    /**
     * Attributes of the reader, beside those that every virtual reader has, or in their place; copied. NULL for none.
     */
    const scm_virtual_attribute *attributes;
    /** How many, up to 256; no two with the same id. */
    size_t attribute_count;
} scm_virtual_ifd_options;

/** `scm_virtual_ifd_options` with every default. */
#define SCM_VIRTUAL_IFD_OPTIONS_INIT {sizeof(scm_virtual_ifd_options), 0, NULL, NULL, NULL, NULL, NULL, 0}

/**
 * Makes a virtual reader: a reader inside this process, for programs that test their card code without hardware or a
 * daemon.
 *
 * It is listed, attached to and used like any other, by this process alone, and obeys the same rules: share modes,
 * locks, signals of resets and removals. It stays until `scm_virtual_ifd_destroy`. Other processes, and PC/SC calls
 * past this library, do not see it. The child of a fork begins without any. The resource manager of the platform, if
 * it runs, is asked whether it has a reader of this name; where a system starts it on demand, that starts it. In the
 * child of a fork it is not asked.
 *
 * @param name  its name: UTF-8, 1 to `SCM_IFD_NAME_MAX` bytes, NUL-terminated
 * @param options  what it is like; NULL for the defaults. What `user_data` points to belongs to the reader until
 * `release`.
 * @param ifd  [out] the reader; NULL after a failure
 *
 * @return
 * - `SCM_S_OK`: made; empty.
 * - `SCM_E_POINTER`: `ifd` is NULL.
 * - `SCM_E_INVALIDARG`: `name` or the vendor name cannot be one, `struct_size` is that of no version, `log_limit` is
 * too large, or there are too many attributes, one that is too long or has a flag that is not defined, two with one
 * id, or NULL with a count or length.
 * - `SCM_SCARD_E_DUPLICATE_READER`: a reader has this name, a real or a virtual one.
 * - `SCM_E_OUTOFMEMORY`: no memory.
 * - `SCM_E_UNEXPECTED`: an internal error.
 *
 * Does not wait for other applications. Any thread may call it, and a child after a fork.
 */
SCM_API
scm_result scm_virtual_ifd_create(const char *name,
                                  const scm_virtual_ifd_options *options,
                                  scm_virtual_ifd **ifd);

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
SCM_API scm_result scm_virtual_ifd_destroy(scm_virtual_ifd *ifd);

/** `event` of `scm_virtual_card.power`. */
enum {
    /** The power is turned off: the card left its reader, or somebody unpowered it. `scm_virtual_card.power`. */
    SCM_POWER_OFF = 0,
    /** The power is turned on (cold reset). */
    SCM_POWER_ON = 1,
    /** The card is reset without loss of power (warm reset). */
    SCM_POWER_RESET = 2
};

/**
 * What a virtual card is and does. Begin with `SCM_VIRTUAL_CARD_INIT`.
 *
 * The callbacks run on the thread whose call needs the card (of an application, or of `scm_virtual_ifd_insert` and its
 * like), with no lock of the library held, and never two at a time for one card, from its insertion to its `release`.
 * A callback may call the library. It waits for nobody in there, because another thread may wait for the end of the
 * callback: where a call would have to, it answers `SCM_SCARD_E_NOT_READY` at once. That is any use of the attachment
 * on whose behalf it runs, other than to ask what is known of it or to detach it; through any attachment whatever
 * reaches its own card; and an attachment, a reader or a card that another thread uses. It may pull its own card or
 * reset it; the exchange under way then fails with `SCM_SCARD_W_REMOVED_CARD` or `SCM_SCARD_W_RESET_CARD`, and `power`
 * and `release` are called when the callback has returned: who puts another card in from there, with the same
 * `user_data`, better does it from `release`. It has to return, unless its thread ends in it, which is an error to the
 * card's user: neither an exception nor a longjmp may leave it.
 */
typedef struct scm_virtual_card {
    /** `sizeof(scm_virtual_card)`: how the library tells versions of this structure apart. */
    uint32_t struct_size;
    /**
     * The protocols that are offered: `SCM_PROTOCOL_T0`, `SCM_PROTOCOL_T1`, both or-ed, or `SCM_PROTOCOL_RAW` for that
     * alone. 0 for those of the ATR; then the reader does not understand a card whose ATR is none
     * (`SCM_SCARD_W_UNSUPPORTED_CARD`). Of several, T=1 is chosen, unless only T=0 is asked for.
     */
    uint32_t protocols;
    /** The ATR, 1 to `SCM_ATR_MAX` bytes; copied. */
    const uint8_t *atr;
    /** Its length. */
    size_t atr_length;
    /** What the callbacks get as their first argument. */
    void *user_data;
    /**
     * Answers one command. Required. The capacity is the longest response there is, `SCM_RESPONSE_MAX`. An error is a
     * card that failed to answer (`SCM_SCARD_E_NOT_TRANSACTED`); so is an answer of fewer than two bytes
     * (`SCM_SCARD_F_COMM_ERROR`).
     */
    scm_result (*transmit)(void *user_data,
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
    scm_result (*power)(void *user_data, uint32_t event);
    /**
     * Answers a control code as the reader, where that has no `control` of its own (`scm_virtual_ifd_options`) or does
     * not know the code. NULL for a card that knows none. `SCM_E_NOTIMPL` and `SCM_SCARD_E_UNSUPPORTED_FEATURE` say
     * that it does not know this one; another error is a reader that failed (`SCM_SCARD_E_NOT_TRANSACTED`).
     */
    scm_result (*control)(void *user_data,
                          uint32_t code,
                          const uint8_t *input,
                          size_t input_length,
                          uint8_t *output,
                          size_t capacity,
                          size_t *output_length);
    /**
     * Is called once, as the last one, when the card has been removed, or its reader destroyed, and no call is in it
     * any more. NULL for nothing to be done.
     */
    void (*release)(void *user_data);
} scm_virtual_card;

/** `scm_virtual_card` without a card: set the ATR and the callbacks. */
#define SCM_VIRTUAL_CARD_INIT {sizeof(scm_virtual_card), 0, NULL, 0, NULL, NULL, NULL, NULL, NULL}

/**
 * Puts a card into a virtual reader and powers it (`power` is called with `SCM_POWER_ON`).
 *
 * @param ifd  the reader
 * @param card  the card; the structure and the ATR are copied. What `user_data` points to belongs to the reader until
 * `release`.
 *
 * @return
 * - `SCM_S_OK`: the card is in, also when it is mute, or when the service is stopped and powers it later.
 * - `SCM_E_HANDLE`: `ifd` is no virtual reader, or not any more.
 * - `SCM_E_INVALIDARG`: `card` is NULL, `struct_size` is that of no version, the ATR is empty or too long, `transmit`
 * is NULL, or `protocols` is not defined.
 * - `SCM_SCARD_E_NOT_READY`: there is a card in the reader.
 * - `SCM_E_OUTOFMEMORY`: no memory.
 *
 * After a failure nothing was called, and the card is still the caller's. Takes as long as `power` takes. Any thread
 * may call it.
 */
SCM_API scm_result scm_virtual_ifd_insert(scm_virtual_ifd *ifd, const scm_virtual_card *card);

/**
 * Pulls the card out of a virtual reader, whatever is going on with it.
 *
 * Every attachment answers `SCM_SCARD_W_REMOVED_CARD` from now on, until it is reconnected; so does an exchange that
 * is under way, and one that waits for the card. A reset of the next card takes the place of this signal, as with
 * pcscd. Locks end.
 *
 * @param ifd  the reader
 *
 * @return
 * - `SCM_S_OK`: the card is out. `power` (`SCM_POWER_OFF`) and `release` have been called, or will be when the call
 * that is in the card has ended.
 * - `SCM_E_HANDLE`: `ifd` is no virtual reader, or not any more.
 * - `SCM_SCARD_E_NO_SMARTCARD`: there is no card in the reader.
 *
 * Does not wait for a call of the card that is under way. Any thread may call it, and a callback of the card.
 */
SCM_API scm_result scm_virtual_ifd_remove(scm_virtual_ifd *ifd);

/**
 * Resets the card of a virtual reader, or turns its power off, as another application would.
 *
 * Every attachment answers `SCM_SCARD_W_RESET_CARD` from now on, until it is reconnected. Unlike another application
 * this does not ask whether somebody has locked the card.
 *
 * @param ifd  the reader
 * @param action  `SCM_DISPOSITION_RESET` (warm), or `SCM_DISPOSITION_UNPOWER`: the power stays off until the card is
 * used again
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
SCM_API scm_result scm_virtual_ifd_reset(scm_virtual_ifd *ifd, uint32_t action);

/** `operation` of `scm_virtual_ifd_fail`: the calls of the resource manager. */
enum {
    /** An operation of `scm_virtual_ifd_fail`: an attach, or a reconnect that attaches anew (SCardConnect). */
    SCM_VIRTUAL_CONNECT = 1,
    /** A reconnect that has something to do (SCardReconnect). */
    SCM_VIRTUAL_RECONNECT = 2,
    /** A detach (SCardDisconnect). */
    SCM_VIRTUAL_DISCONNECT = 3,
    /** An outermost lock (SCardBeginTransaction). */
    SCM_VIRTUAL_BEGIN = 4,
    /** An outermost unlock (SCardEndTransaction). */
    SCM_VIRTUAL_END = 5,
    /** A question for the state: of `scm_status`, and of an attach, a reconnect or a failed exchange (SCardStatus). */
    SCM_VIRTUAL_STATUS = 6,
    /** An exchange with the card (SCardTransmit). */
    SCM_VIRTUAL_TRANSMIT = 7,
    /** An exchange with the reader (SCardControl). */
    SCM_VIRTUAL_CONTROL = 8,
    /** Reading an attribute (SCardGetAttrib). */
    SCM_VIRTUAL_GET_ATTRIBUTE = 9,
    /** Setting an attribute (SCardSetAttrib). */
    SCM_VIRTUAL_SET_ATTRIBUTE = 10
};

/**
 * Lets the next calls of an operation fail: the first `skip` go by, then `count` answer `result` and do nothing else.
 *
 * Operations are counted as they reach the resource manager: `scm_attach_by_ifd`, for one, connects once and asks for
 * the status once. The log shows them. Plans for the same operation come true one after the other.
 *
 * @param ifd  the reader
 * @param operation  `SCM_VIRTUAL_CONNECT` to `SCM_VIRTUAL_SET_ATTRIBUTE`
 * @param result  the code that the calls fail with, as the resource manager would give it. What an attachment makes of
 * it may be another: after a failed exchange it asks what is true. A code is given as often as is said, and nothing
 * else happens: for a card that is gone and stays gone there is `scm_virtual_ifd_remove`. `SCM_E_HANDLE` and
 * `SCM_E_UNEXPECTED` no resource manager can say: they are `SCM_E_FAIL`.
 * @param skip  how many calls go by before
 * @param count  how many calls fail; `UINT32_MAX` for all that follow, 0 to take back what was planned for the
 * operation
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
scm_result scm_virtual_ifd_fail(scm_virtual_ifd *ifd,
                                uint32_t operation,
                                scm_result result,
                                uint32_t skip,
                                uint32_t count);

/** What is to happen to the next calls of an operation. Begin with `SCM_VIRTUAL_FAILURE_INIT`. */
typedef struct scm_virtual_failure {
    /** `sizeof(scm_virtual_failure)`: how the library tells versions of this structure apart. */
    uint32_t struct_size;
    /** The code that they answer; `SCM_S_OK` for calls that are carried out, after the delay. */
    scm_result result;
    /** How many calls go by before. */
    uint32_t skip;
    /**
     * How many calls it is about; `UINT32_MAX` for all that follow, 0 to take back what was planned for the operation.
     */
    uint32_t count;
    /** How long each of them takes before it answers or is carried out, in milliseconds. */
    uint32_t delay_ms;
} scm_virtual_failure;

/** `scm_virtual_failure` that changes nothing. */
#define SCM_VIRTUAL_FAILURE_INIT {sizeof(scm_virtual_failure), SCM_S_OK, 0, 0, 0}

/**
 * Lets the next calls of an operation fail, or take their time, or both.
 *
 * @param ifd  the reader
 * @param operation  as for `scm_virtual_ifd_fail`
 * @param failure  what happens to them
 *
 * @return as `scm_virtual_ifd_fail`, and
 * - `SCM_E_INVALIDARG`: `failure` is NULL, `struct_size` is that of no version, or the result is `SCM_S_FALSE` or
 * another success but `SCM_S_OK`.
 */
SCM_API
scm_result scm_virtual_ifd_fail_ex(scm_virtual_ifd *ifd,
                                   uint32_t operation,
                                   const scm_virtual_failure *failure);

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
 * The data of commands that can carry a code or a key are withheld, by their instruction in every class: VERIFY (20,
 * 21), CHANGE REFERENCE DATA (24, 25), DISABLE and ENABLE VERIFICATION REQUIREMENT (26, 28), RESET RETRY COUNTER (2C,
 * 2D), PERFORM BIOMETRIC OPERATION (2E, 2F), ENVELOPE (C2, C3), PUT KEY (D8) and PUT DATA (DA, DB); of control codes
 * only the length is shown.
 *
 * @param ifd  the reader
 * @param log  [out] the text, UTF-8 with its NUL; NULL with capacity 0 asks for the length
 * @param capacity  the room in `log`, in bytes
 * @param log_length  [out] the length of the text with its NUL, 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: copied.
 * - `SCM_E_POINTER`: `log_length` is NULL, or `log` is NULL with a capacity.
 * - `SCM_E_HANDLE`: `ifd` is no virtual reader, or not any more.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the log does not fit; `*log_length` is what is needed now. It may have grown by
 * the next call.
 * - `SCM_E_OUTOFMEMORY`: no memory.
 *
 * Does not block. Any thread may call it.
 */
SCM_API scm_result scm_virtual_ifd_get_log(scm_virtual_ifd *ifd, char *log, size_t capacity, size_t *log_length);

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
SCM_API scm_result scm_virtual_ifd_clear_log(scm_virtual_ifd *ifd);

/**
 * Stops the virtual resource manager, as if the daemon of a real one went down.
 *
 * Virtual readers are not listed any more; attachments to them answer `SCM_SCARD_E_NO_SERVICE` until it runs again and
 * they are reconnected. Cards lose their power, and stay in. Real readers do not notice.
 *
 * @return
 * - `SCM_S_OK`: stopped.
 * - `SCM_S_FALSE`: it was stopped already.
 * - `SCM_E_UNEXPECTED`: an internal error.
 *
 * Does not wait for calls of cards that are under way. Any thread may call it.
 */
SCM_API scm_result scm_virtual_service_stop(void);

/**
 * Starts the virtual resource manager again, which powers the cards that it finds in its readers.
 *
 * @return
 * - `SCM_S_OK`: started.
 * - `SCM_S_FALSE`: it was running; it does from the beginning.
 * - `SCM_E_UNEXPECTED`: an internal error.
 *
 * Does not wait for calls of cards that are under way; such a card is powered when its call has ended. Any thread may
 * call it.
 */
SCM_API scm_result scm_virtual_service_start(void);

/** @} */

/* So that #ifdef sees the enumerators. */
#define SCM_VIRTUAL_ATTRIBUTE_SETTABLE SCM_VIRTUAL_ATTRIBUTE_SETTABLE
#define SCM_POWER_OFF SCM_POWER_OFF
#define SCM_POWER_ON SCM_POWER_ON
#define SCM_POWER_RESET SCM_POWER_RESET
#define SCM_VIRTUAL_CONNECT SCM_VIRTUAL_CONNECT
#define SCM_VIRTUAL_RECONNECT SCM_VIRTUAL_RECONNECT
#define SCM_VIRTUAL_DISCONNECT SCM_VIRTUAL_DISCONNECT
#define SCM_VIRTUAL_BEGIN SCM_VIRTUAL_BEGIN
#define SCM_VIRTUAL_END SCM_VIRTUAL_END
#define SCM_VIRTUAL_STATUS SCM_VIRTUAL_STATUS
#define SCM_VIRTUAL_TRANSMIT SCM_VIRTUAL_TRANSMIT
#define SCM_VIRTUAL_CONTROL SCM_VIRTUAL_CONTROL
#define SCM_VIRTUAL_GET_ATTRIBUTE SCM_VIRTUAL_GET_ATTRIBUTE
#define SCM_VIRTUAL_SET_ATTRIBUTE SCM_VIRTUAL_SET_ATTRIBUTE

#ifdef __cplusplus
}
#endif

#endif

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
 * THREADS. Any thread may call any function at any time. `scm_virtual_card` and `scm_virtual_ifd_options` say which of
 * them a callback may call.
 *
 * examples/card_test.c is a program. libscm_card (crates/card) is a ready-made card.
 *
 * @code
 * #include <scm.h>
 * #include <scm_virtual.h>
 *
 * // Answers 9000 to every command.
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
 * // Makes a reader with a card. The caller ends both with scm_virtual_ifd_destroy.
 * static scm_result make_reader_with_card(const char *name, scm_virtual_ifd **ifd)
 * {
 *     static const uint8_t atr[] = {0x3B, 0x80, 0x80, 0x01, 0x01};
 *     scm_virtual_card card = SCM_VIRTUAL_CARD_INIT;
 *     scm_result result = scm_virtual_ifd_create(name, NULL, ifd);
 *     if (SCM_FAILED(result))
 *         return result;
 *     card.atr = atr;
 *     card.atr_length = sizeof atr;
 *     card.transmit = answer;
 *     result = scm_virtual_ifd_insert(*ifd, &card);
 *     if (SCM_FAILED(result)) {
 *         scm_virtual_ifd_destroy(*ifd);
 *         *ifd = NULL;
 *     }
 *     return result;
 * }
 * @endcode
 * @{
 */

/** A virtual reader. `scm_virtual_ifd_create` makes it, `scm_virtual_ifd_destroy` ends it. */
typedef struct scm_virtual_ifd scm_virtual_ifd;

enum {
    /** `scm_virtual_attribute.flags`: `scm_set_attribute` can change the value, until the reader is destroyed. */
    SCM_VIRTUAL_ATTRIBUTE_SETTABLE = 0x1
};

/** An attribute of a virtual reader. This structure does not grow. */
typedef struct scm_virtual_attribute {
    /** Its identifier, as for `scm_get_attribute`. */
    uint32_t id;
    /** 0, or `SCM_VIRTUAL_ATTRIBUTE_SETTABLE`. */
    uint32_t flags;
    /** Its value; NULL with length 0 for an empty one. */
    const uint8_t *value;
    /** The length of the value, up to 264 bytes. */
    size_t value_length;
} scm_virtual_attribute;

/** Options of a virtual reader. Initialise with `SCM_VIRTUAL_IFD_OPTIONS_INIT`; zero in a field is its default. */
typedef struct scm_virtual_ifd_options {
    /** `sizeof(scm_virtual_ifd_options)`: tells the library which version of the structure this is. */
    uint32_t struct_size;
    /**
     * The size of the log in bytes; the oldest lines are dropped first. 0 (default): 1 MiB; at most 1 GiB. The address
     * space is reserved at once, the memory is used as the log grows.
     */
    uint32_t log_capacity;
    /** The attribute `SCM_ATTR_VENDOR_NAME`: UTF-8, 1 to `SCM_IFD_NAME_MAX` bytes. Default "libscm". */
    const char *vendor_name;
    /** The first argument of the callbacks. */
    void *user_data;
    /**
     * Answers a control code as the reader, with or without a card, unless another attachment has a lock. NULL for a
     * reader that knows no code. `SCM_E_NOTIMPL` and `SCM_SCARD_E_UNSUPPORTED_FEATURE` mean that the reader does not
     * know this code; then `control` of the card is asked. Any other failure is a failed reader
     * (`SCM_SCARD_E_NOT_TRANSACTED`). The capacity is `SCM_RESPONSE_MAX`.
     *
     * It runs as the callbacks of a card (`scm_virtual_card`): on the thread that calls `scm_control`, without a lock
     * of the library, never two at a time for one reader, but possibly beside a callback of the card. It may call the
     * library, also to insert or remove the card of its own reader or to destroy the reader, and never waits:
     * `scm_control` to its own reader returns `SCM_SCARD_E_NOT_READY`.
     */
    scm_result (*control)(void *user_data,
                          uint32_t control_code,
                          const uint8_t *input,
                          size_t input_length,
                          uint8_t *output,
                          size_t capacity,
                          size_t *output_length);
    /**
     * The last call, once: the reader was destroyed, and no control code is in progress. NULL if there is nothing to
     * do. Not called if `scm_virtual_ifd_create` fails, nor in the child of a fork.
     */
    void (*release)(void *user_data);
    /**
     * Attributes of the reader, in addition to those that every virtual reader has, or in their place; copied. NULL
     * for none.
     */
    const scm_virtual_attribute *attributes;
    /** Their number, up to 256; no two with the same `id`. */
    size_t attribute_count;
} scm_virtual_ifd_options;

/** `scm_virtual_ifd_options` with every default. */
#define SCM_VIRTUAL_IFD_OPTIONS_INIT {sizeof(scm_virtual_ifd_options), 0, NULL, NULL, NULL, NULL, NULL, 0}

/**
 * Makes a virtual reader, without a card.
 *
 * It is visible only inside this process, through this library, until `scm_virtual_ifd_destroy`. The child of a fork
 * has no virtual readers. If the resource manager of the platform runs, it is asked whether it has a reader of this
 * name (not in the child of a fork); a system that starts it on demand does so then.
 *
 * @param name  the name: 1 to `SCM_IFD_NAME_MAX` bytes
 * @param options  the options; NULL for the defaults. `user_data` belongs to the reader until `release`.
 * @param ifd  [out] the reader; NULL after a failure
 *
 * @return
 * - `SCM_S_OK`: made.
 * - `SCM_E_INVALIDARG`: also a `log_capacity` that is too large; too many attributes, one that is too long, or two
 *   with one `id`.
 * - `SCM_SCARD_E_DUPLICATE_READER`: a real or a virtual reader has this name.
 *
 * Does not block. May be called in the child of a fork.
 *
 * @see scm_virtual_ifd_insert, scm_virtual_ifd_destroy, scm_list_ifds, scm_attach_by_ifd
 */
SCM_API
scm_result scm_virtual_ifd_create(const char *name,
                                  const scm_virtual_ifd_options *options,
                                  scm_virtual_ifd **ifd);

/**
 * Unplugs a virtual reader, with its card.
 *
 * Attachments stay, and return `SCM_SCARD_E_READER_UNAVAILABLE` until a reader of the same name exists and they are
 * reconnected.
 *
 * @param ifd  the reader
 *
 * @return
 * - `SCM_S_OK`: unplugged.
 * - `SCM_E_HANDLE`: `ifd` is not a virtual reader.
 *
 * Does not block. If a callback runs, `release` follows when it has returned.
 *
 * @see scm_virtual_ifd_create, scm_virtual_ifd_remove
 */
SCM_API scm_result scm_virtual_ifd_destroy(scm_virtual_ifd *ifd);

/** `event` of `scm_virtual_card.power`. */
enum {
    /** The power is turned off: the card was removed, or its power was turned off. */
    SCM_POWER_OFF = 0,
    /** The power is turned on (cold reset). */
    SCM_POWER_ON = 1,
    /** The card is reset without loss of power (warm reset). */
    SCM_POWER_RESET = 2
};

/**
 * A virtual card. Initialise with `SCM_VIRTUAL_CARD_INIT`.
 *
 * The callbacks run on the thread whose call needs the card (of an application, or of `scm_virtual_ifd_insert` and the
 * like), without a lock of the library, and never two at a time for one card, from its insertion to `release`.
 *
 * A callback may call the library, but never waits, because another thread may wait for the callback. A call that
 * would have to wait returns `SCM_SCARD_E_NOT_READY`:
 * - a call on the attachment that the callback works for, except `scm_detach` and the functions that never block
 * - a use of its own card through any attachment
 * - a use of an attachment, reader or card that another thread uses at the time
 *
 * A callback may remove or reset its own card. Then the exchange in progress fails with `SCM_SCARD_W_REMOVED_CARD` or
 * `SCM_SCARD_W_RESET_CARD`, and `power` and `release` are called after the callback has returned. To insert another
 * card with the same `user_data`, do that in `release`. If its thread ends in a callback, the callback has failed.
 */
typedef struct scm_virtual_card {
    /** `sizeof(scm_virtual_card)`: tells the library which version of the structure this is. */
    uint32_t struct_size;
    /**
     * The protocols of the card: `SCM_PROTOCOL_T0`, `SCM_PROTOCOL_T1`, both, or `SCM_PROTOCOL_RAW`. 0 for those of the
     * ATR; if the ATR is not valid, the reader does not understand the card then (`SCM_SCARD_W_UNSUPPORTED_CARD`). If
     * both are possible, T=1 is chosen.
     */
    uint32_t protocols;
    /** The ATR, 1 to `SCM_ATR_MAX` bytes; copied. */
    const uint8_t *atr;
    /** Its length. */
    size_t atr_length;
    /** The first argument of the callbacks. */
    void *user_data;
    /**
     * Answers one command. Required. The capacity is `SCM_RESPONSE_MAX`. A failure is a card that has not answered
     * (`SCM_SCARD_E_NOT_TRANSACTED`), and so is an answer of fewer than two bytes (`SCM_SCARD_F_COMM_ERROR`).
     */
    scm_result (*transmit)(void *user_data,
                           const uint8_t *command,
                           size_t command_length,
                           uint8_t *response,
                           size_t capacity,
                           size_t *response_length);
    /**
     * Tells the card of its power: `SCM_POWER_ON`, `SCM_POWER_OFF` or `SCM_POWER_RESET`. NULL for a card that forgets
     * nothing and answers to every reset. After a failure the card is mute (`SCM_SCARD_W_UNRESPONSIVE_CARD`) until a
     * later call succeeds. The result for `SCM_POWER_OFF` is ignored.
     */
    scm_result (*power)(void *user_data, uint32_t event);
    /**
     * Answers a control code as the reader, if the reader has no `control` (`scm_virtual_ifd_options`) or does not
     * know the code. NULL for a card that knows no code. `SCM_E_NOTIMPL` and `SCM_SCARD_E_UNSUPPORTED_FEATURE` mean
     * that it does not know this code; any other failure is a failed reader (`SCM_SCARD_E_NOT_TRANSACTED`).
     */
    scm_result (*control)(void *user_data,
                          uint32_t control_code,
                          const uint8_t *input,
                          size_t input_length,
                          uint8_t *output,
                          size_t capacity,
                          size_t *output_length);
    /**
     * The last call, once: the card was removed or its reader destroyed, and no other callback runs. NULL if there is
     * nothing to do.
     */
    void (*release)(void *user_data);
} scm_virtual_card;

/** `scm_virtual_card` without a card: set the ATR and the callbacks. */
#define SCM_VIRTUAL_CARD_INIT {sizeof(scm_virtual_card), 0, NULL, 0, NULL, NULL, NULL, NULL, NULL}

/**
 * Inserts a card into a virtual reader, and powers it (`power` with `SCM_POWER_ON`).
 *
 * @param ifd  the reader
 * @param card  the card; the structure and the ATR are copied. `user_data` belongs to the reader until `release`.
 *
 * @return
 * - `SCM_S_OK`: inserted, also if the card is mute. If the service is stopped, its start powers the card.
 * - `SCM_E_INVALIDARG`: also if the ATR is empty or too long, or `transmit` is NULL.
 * - `SCM_SCARD_E_NOT_READY`: there is a card in the reader.
 *
 * Blocks as long as `power` takes. After a failure nothing was called, and the card still belongs to the caller.
 *
 * @see scm_virtual_ifd_remove, scm_virtual_ifd_reset, scm_attach_by_ifd
 */
SCM_API scm_result scm_virtual_ifd_insert(scm_virtual_ifd *ifd, const scm_virtual_card *card);

/**
 * Removes the card of a virtual reader, whatever is in progress.
 *
 * Every attachment returns `SCM_SCARD_W_REMOVED_CARD` from now on until it is reconnected, and so do the exchange in
 * progress and calls that wait for the card. Locks end. As with pcscd, a reset of the next card replaces this signal.
 *
 * @param ifd  the reader
 *
 * @return
 * - `SCM_S_OK`: removed. `power` (`SCM_POWER_OFF`) and `release` were called, or follow when a callback that runs has
 *   returned.
 * - `SCM_SCARD_E_NO_SMARTCARD`: there is no card in the reader.
 *
 * Does not block, not even while a callback runs. A callback of the card may call it.
 *
 * @see scm_virtual_ifd_insert, scm_virtual_ifd_destroy
 */
SCM_API scm_result scm_virtual_ifd_remove(scm_virtual_ifd *ifd);

/**
 * Resets the card of a virtual reader, or turns its power off, as another application would.
 *
 * Every attachment returns `SCM_SCARD_W_RESET_CARD` from now on until it is reconnected. Unlike another application
 * this ignores locks.
 *
 * @param ifd  the reader
 * @param disposition  `SCM_DISPOSITION_RESET` (warm reset), or `SCM_DISPOSITION_UNPOWER`: the power stays off until
 *   the next use
 *
 * @return
 * - `SCM_S_OK`: done.
 * - `SCM_SCARD_E_NO_SMARTCARD`: there is no card in the reader.
 * - `SCM_SCARD_E_NO_SERVICE`: the virtual resource manager is stopped.
 *
 * Blocks until an exchange in progress has ended, except in its callback: then the exchange fails with
 * `SCM_SCARD_W_RESET_CARD`.
 *
 * @see scm_virtual_ifd_remove, scm_reconnect
 */
SCM_API scm_result scm_virtual_ifd_reset(scm_virtual_ifd *ifd, uint32_t disposition);

/** `operation` of `scm_virtual_ifd_fail`: the calls of the resource manager. */
enum {
    /** An attach, or a reconnect that connects again (SCardConnect). */
    SCM_VIRTUAL_CONNECT = 1,
    /** A reconnect that changes something (SCardReconnect). */
    SCM_VIRTUAL_RECONNECT = 2,
    /** A detach (SCardDisconnect). */
    SCM_VIRTUAL_DISCONNECT = 3,
    /** An outermost lock (SCardBeginTransaction). */
    SCM_VIRTUAL_BEGIN_TRANSACTION = 4,
    /** An outermost unlock (SCardEndTransaction). */
    SCM_VIRTUAL_END_TRANSACTION = 5,
    /** A request for the state: by `scm_status`, an attach, a reconnect or after a failed exchange (SCardStatus). */
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
 * Lets the next calls of an operation fail: `skip` calls are left alone, then `count` calls return `result` and do
 * nothing else.
 *
 * The calls are those of the resource manager: `scm_attach_by_ifd`, for example, connects once and asks for the status
 * once. The log shows them. Plans for one operation take effect one after the other.
 *
 * @param ifd  the reader
 * @param operation  `SCM_VIRTUAL_CONNECT` to `SCM_VIRTUAL_SET_ATTRIBUTE`
 * @param result  the code of the resource manager. The attachment may return another one, because after a failed
 *   exchange it asks for the true state; for a card that stays away use `scm_virtual_ifd_remove`. `SCM_E_HANDLE` and
 *   `SCM_E_UNEXPECTED` become `SCM_E_FAIL`, because no resource manager can return them.
 * @param skip  how many calls are left alone before
 * @param count  how many calls fail; `UINT32_MAX` for all that follow, 0 to cancel the plans for the operation
 *
 * @return
 * - `SCM_S_OK`: planned.
 * - `SCM_E_INVALIDARG`: `operation` is not defined, or `result` is a success and `count` is not 0.
 *
 * Never blocks.
 *
 * @see scm_virtual_ifd_fail_ex, scm_virtual_ifd_get_log
 */
SCM_API
scm_result scm_virtual_ifd_fail(scm_virtual_ifd *ifd,
                                uint32_t operation,
                                scm_result result,
                                uint32_t skip,
                                uint32_t count);

/** A change of the next calls of an operation. Initialise with `SCM_VIRTUAL_FAILURE_INIT`. */
typedef struct scm_virtual_failure {
    /** `sizeof(scm_virtual_failure)`: tells the library which version of the structure this is. */
    uint32_t struct_size;
    /** The code that the calls return; `SCM_S_OK` for calls that are carried out, after the delay. */
    scm_result result;
    /** How many calls are left alone before. */
    uint32_t skip;
    /** How many calls are changed; `UINT32_MAX` for all that follow, 0 to cancel the plans for the operation. */
    uint32_t count;
    /** How long each call takes before it returns or is carried out, in milliseconds. */
    uint32_t delay_ms;
} scm_virtual_failure;

/** `scm_virtual_failure` that changes nothing. */
#define SCM_VIRTUAL_FAILURE_INIT {sizeof(scm_virtual_failure), SCM_S_OK, 0, 0, 0}

/**
 * Lets the next calls of an operation fail, or delays them, or both.
 *
 * @param ifd  the reader
 * @param operation  as for `scm_virtual_ifd_fail`
 * @param failure  the change
 *
 * @return as `scm_virtual_ifd_fail`, and
 * - `SCM_E_INVALIDARG`: also if the result is a success other than `SCM_S_OK`.
 *
 * Never blocks.
 *
 * @see scm_virtual_ifd_fail, scm_virtual_ifd_get_log
 */
SCM_API
scm_result scm_virtual_ifd_fail_ex(scm_virtual_ifd *ifd,
                                   uint32_t operation,
                                   const scm_virtual_failure *failure);

/**
 * Gets the log of a virtual reader: one line for each operation, the oldest first.
 *
 * A line has the operation, ` -> `, and the answer or the name of the code. Bytes are in hexadecimal.
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
 * A line is written at the end of its operation, so the line of an exchange follows those of its callback.
 *
 * The data of commands that may carry a code, a key or a cryptogram are withheld. In every class: VERIFY (20, 21),
 * CHANGE REFERENCE DATA (24, 25), DISABLE and ENABLE VERIFICATION REQUIREMENT (26, 28), PERFORM SECURITY OPERATION
 * (2A), RESET RETRY COUNTER (2C, 2D), PERFORM BIOMETRIC OPERATION (2E, 2F), EXTERNAL, GENERAL and INTERNAL
 * AUTHENTICATE (82, 86 to 89), ENVELOPE (C2, C3), PUT KEY (D8) and PUT DATA (DA, DB). In proprietary classes: STORE
 * DATA (E2). And every command with secure messaging. Control codes show only the length of their data.
 *
 * @param ifd  the reader
 * @param log  [out] the text with its NUL; NULL with capacity 0 asks for the length
 * @param capacity  the room in `log`, in bytes
 * @param log_length  [out] the length of the text with its NUL, also if it does not fit; 0 after another failure
 *
 * @return
 * - `SCM_S_OK`: copied.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the log does not fit. It may be longer at the next call.
 *
 * Never blocks.
 *
 * @see scm_virtual_ifd_clear_log, scm_virtual_ifd_create
 */
SCM_API scm_result scm_virtual_ifd_get_log(scm_virtual_ifd *ifd, char *log, size_t capacity, size_t *log_length);

/**
 * Empties the log of a virtual reader.
 *
 * @param ifd  the reader
 *
 * @return
 * - `SCM_S_OK`: emptied.
 * - `SCM_E_HANDLE`: `ifd` is not a virtual reader.
 *
 * Never blocks.
 *
 * @see scm_virtual_ifd_get_log
 */
SCM_API scm_result scm_virtual_ifd_clear_log(scm_virtual_ifd *ifd);

/**
 * Stops the virtual resource manager, as if the daemon of a real one ended.
 *
 * Virtual readers are not listed any more, and attachments to them return `SCM_SCARD_E_NO_SERVICE` until it runs again
 * and they are reconnected. Cards lose their power and stay inserted. Real readers are not affected.
 *
 * @return
 * - `SCM_S_OK`: stopped.
 * - `SCM_S_FALSE`: it was stopped already.
 *
 * Does not block, not even while callbacks run.
 *
 * @see scm_virtual_service_start, scm_monitor_create
 */
SCM_API scm_result scm_virtual_service_stop(void);

/**
 * Starts the virtual resource manager again, which powers the cards in its readers. At first it runs.
 *
 * @return
 * - `SCM_S_OK`: started.
 * - `SCM_S_FALSE`: it was running.
 *
 * Does not block. A card whose callback runs is powered when that has returned.
 *
 * @see scm_virtual_service_stop
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
#define SCM_VIRTUAL_BEGIN_TRANSACTION SCM_VIRTUAL_BEGIN_TRANSACTION
#define SCM_VIRTUAL_END_TRANSACTION SCM_VIRTUAL_END_TRANSACTION
#define SCM_VIRTUAL_STATUS SCM_VIRTUAL_STATUS
#define SCM_VIRTUAL_TRANSMIT SCM_VIRTUAL_TRANSMIT
#define SCM_VIRTUAL_CONTROL SCM_VIRTUAL_CONTROL
#define SCM_VIRTUAL_GET_ATTRIBUTE SCM_VIRTUAL_GET_ATTRIBUTE
#define SCM_VIRTUAL_SET_ATTRIBUTE SCM_VIRTUAL_SET_ATTRIBUTE

#ifdef __cplusplus
}
#endif

#endif

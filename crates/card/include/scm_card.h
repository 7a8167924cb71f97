/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * scm_card.h - libscm_card: an ISO/IEC 7816-4 card, for tests of programs that use smart cards.
 *
 * A TOML text describes the card (crates/card/README.md is the reference), and lines of text control it. It has the
 * callbacks of a scm_virtual_card, so that it can be inserted into a virtual reader of libscm:
 *
 *     scm_card *card;
 *     scm_virtual_card plug = SCM_VIRTUAL_CARD_INIT;
 *     scm_result result = scm_card_create(NULL, &card);
 *     if (SCM_SUCCEEDED(result)) result = scm_card_plug(card, &plug);
 *     if (SCM_SUCCEEDED(result)) result = scm_virtual_ifd_insert(ifd, &plug);
 *
 * This library does not link to libscm; it takes its types and codes from scm.h.
 *
 * CONVENTIONS
 *
 * The conventions are those of scm.h, and:
 * - Threads. Any thread may call any function. Commands to one card run in sequence. scm_card_tell never waits for a
 *   command, not even for a delayed one.
 * - Memory. Codes and keys are wiped when their card ends. The caller wipes the text for scm_card_create. If memory
 *   runs out, the process is aborted.
 * - Every function may return SCM_E_UNEXPECTED after an internal error; the card continues to work.
 */

#ifndef SCM_CARD_H
#define SCM_CARD_H

#include "scm.h"
#include "scm_virtual.h"

#ifndef SCM_CARD_API
#if defined(_WIN32) && !defined(SCM_CARD_STATIC)
#define SCM_CARD_API __declspec(dllimport)
#else
#define SCM_CARD_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup scm_test_card Test card
 *
 * An ISO/IEC 7816-4 card in this process, with files, records, codes, keys and channels. A text describes it, and
 * orders change how it answers.
 *
 * THREADS. Any thread may call any function. Commands to one card run one after the other. `scm_card_tell` never waits
 * for a command, not even for a delayed one.
 *
 * @code
 * #include <scm.h>
 * #include <scm_card.h>
 * #include <scm_virtual.h>
 *
 * // Makes a card and inserts it into a virtual reader. The card ends when it is removed.
 * static scm_result insert_test_card(scm_virtual_ifd *ifd)
 * {
 *     scm_card *card;
 *     scm_virtual_card plug = SCM_VIRTUAL_CARD_INIT;
 *     scm_result result = scm_card_create(NULL, &card);
 *     if (SCM_FAILED(result))
 *         return result;
 *     result = scm_card_plug(card, &plug);
 *     plug.release = scm_card_release;
 *     if (SCM_SUCCEEDED(result))
 *         result = scm_virtual_ifd_insert(ifd, &plug);
 *     if (SCM_FAILED(result))
 *         scm_card_destroy(card);
 *     return result;
 * }
 * @endcode
 * @{
 */

struct scm_virtual_card;

enum {
    /** The longest response of the card: 65,533 bytes of data and two status bytes. */
    SCM_CARD_RESPONSE_MAX = 65535
};

/**
 * A card.
 *
 * A `scm_card *` is a token, not an address. `scm_card_destroy` ends it; an ended or foreign token and NULL give
 * `SCM_E_HANDLE`.
 */
typedef struct scm_card scm_card;

/**
 * Creates a card. It has no power before `scm_card_power`, but responds anyway.
 *
 * @param description  the name of a built-in card, "default" or "steerable"; or a description in TOML, in UTF-8 with
 *   its NUL, of any length; NULL for "default"
 * @param card  [out] the card, which the caller ends with `scm_card_destroy`; NULL after a failure
 *
 * @return
 * - `SCM_S_OK`: created.
 * - `SCM_E_POINTER`: `card` is NULL.
 * - `SCM_E_INVALIDARG`: the description is not valid UTF-8, or describes no possible card: `scm_card_check` tells why.
 *
 * Never blocks.
 *
 * @see scm_card_check, scm_card_plug, scm_card_destroy
 */
SCM_CARD_API scm_result scm_card_create(const char *description, scm_card **card);

/**
 * Checks a description, and tells the first error and its place.
 *
 * @param description  as for `scm_card_create`
 * @param error  [out] the text in UTF-8 with its NUL, of one or more lines; empty without an error. It may contain
 *   lines of the description. NULL with capacity 0 asks for the length.
 * @param capacity  the room in `error`, in bytes
 * @param error_length  [out] the length of the text with its NUL, 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: there is no error.
 * - `SCM_S_FALSE`: `scm_card_create` would refuse the description.
 * - `SCM_E_POINTER`: `error_length` is NULL, or `error` is NULL with a capacity.
 * - `SCM_E_INVALIDARG`: the description is not valid UTF-8.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the text does not fit; `*error_length` is the needed length.
 *
 * Never blocks.
 *
 * @see scm_card_create
 */
SCM_CARD_API scm_result scm_card_check(const char *description, char *error, size_t capacity, size_t *error_length);

/**
 * Ends a card. A delayed command gets its response at once.
 *
 * Remove the card from its virtual reader before: a reader gets `SCM_E_HANDLE` from an ended card.
 *
 * @param card  the card
 *
 * @return
 * - `SCM_S_OK`: ended.
 * - `SCM_E_HANDLE`: `card` is no card, or has ended.
 *
 * Never blocks.
 *
 * @see scm_card_create, scm_card_release
 */
SCM_CARD_API scm_result scm_card_destroy(scm_card *card);

/**
 * `scm_card_destroy` as a `release` callback: the card ends when it is removed from its virtual reader.
 *
 * @param user_data  the card
 *
 * Never blocks.
 *
 * @see scm_card_destroy, scm_card_plug
 */
SCM_CARD_API void scm_card_release(void *user_data);

/**
 * Returns the ATR, even if the card is mute.
 *
 * @param card  the card
 * @param atr  [out] the ATR; NULL with capacity 0 asks for the length
 * @param capacity  the room in `atr`, in bytes; 33 is always enough
 * @param atr_length  [out] the length of the ATR, 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: returned.
 * - `SCM_E_POINTER`: `atr_length` is NULL, or `atr` is NULL with a capacity.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the ATR does not fit; `*atr_length` is the needed length.
 * - `SCM_E_HANDLE`: `card` is no card.
 *
 * Never blocks.
 *
 * @see scm_card_plug, scm_get_atr
 */
SCM_CARD_API scm_result scm_card_get_atr(scm_card *card, uint8_t *atr, size_t capacity, size_t *atr_length);

/**
 * Describes the card to `scm_virtual_ifd_insert`: its ATR, the protocols of the ATR, `user_data` as the card,
 * `transmit` as `scm_card_transmit`, `power` as `scm_card_power`, no `control`, no `release`.
 *
 * To give the card to the reader, set `release` to `scm_card_release` afterwards. The ATR belongs to the card, and is
 * valid as long as it.
 *
 * @param card  the card
 * @param virtual_card  [out] the description; the caller sets its `struct_size`, as `SCM_VIRTUAL_CARD_INIT` does
 *
 * @return
 * - `SCM_S_OK`: described.
 * - `SCM_E_POINTER`: `virtual_card` is NULL.
 * - `SCM_E_INVALIDARG`: `struct_size` is smaller than the structure.
 * - `SCM_E_HANDLE`: `card` is no card; the structure is all zero.
 *
 * Never blocks.
 *
 * @see scm_virtual_ifd_insert, scm_card_release, scm_card_transmit, scm_card_power
 */
SCM_CARD_API scm_result scm_card_plug(scm_card *card, struct scm_virtual_card *virtual_card);

/**
 * Sends a command to the card; the `transmit` of a `scm_virtual_card`.
 *
 * Any bytes are a command; invalid ones get the status word 6700. After the order "drop" the card does not respond.
 * In a virtual reader such a card failed to respond (`SCM_SCARD_E_NOT_TRANSACTED`), and is still inserted. To remove
 * it, call `scm_virtual_ifd_remove`, if necessary from a `transmit` of the program that calls this function.
 *
 * @param user_data  the card
 * @param command  the command; NULL is an empty one
 * @param command_length  its length in bytes
 * @param response  [out] the response: data and status word, or the bytes of the order "answer"
 * @param capacity  the room in `response`, in bytes; `SCM_CARD_RESPONSE_MAX` is always enough
 * @param response_length  [out] the length of the response, 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: the card has responded.
 * - `SCM_E_POINTER`: `response` or `response_length` is NULL. Nothing was sent.
 * - `SCM_E_INVALIDARG`: `command` is NULL with a length. Nothing was sent.
 * - `SCM_E_HANDLE`: `user_data` is no card.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the response does not fit and is lost; `*response_length` is its length. The
 *   card has executed the command.
 * - `SCM_SCARD_W_REMOVED_CARD`: the card dropped out, or is out.
 *
 * Blocks while other commands to the card run, and for the time of the order "delay"; another thread may shorten that
 * with `scm_card_tell`.
 *
 * @see scm_card_plug, scm_card_power, scm_card_tell
 */
SCM_CARD_API scm_result scm_card_transmit(void *user_data, const uint8_t *command, size_t command_length,
                                          uint8_t *response, size_t capacity, size_t *response_length);

/**
 * Powers the card on or off, or resets it; the `power` of a `scm_virtual_card`. In each case the card loses its
 * selection, its verifications, its channels, its challenge and the rest of a response. Its files, retry counters and
 * life cycles stay.
 *
 * @param user_data  the card
 * @param event  `SCM_POWER_OFF` (0), `SCM_POWER_ON` (1) or `SCM_POWER_RESET` (2)
 *
 * @return
 * - `SCM_S_OK`: done.
 * - `SCM_E_INVALIDARG`: there is no such event.
 * - `SCM_E_HANDLE`: `user_data` is no card.
 * - `SCM_SCARD_W_UNRESPONSIVE_CARD`: the card is mute by an order. Not for power off.
 * - `SCM_SCARD_W_REMOVED_CARD`: the card is out by an order. Not for power off.
 *
 * Blocks while a command to the card runs, but not for its delay.
 *
 * @see scm_card_plug, scm_card_transmit
 */
SCM_CARD_API scm_result scm_card_power(void *user_data, uint32_t event);

/**
 * Gives the card an order. The answer is one line: "ok", "ok VALUE" or "error TEXT".
 *
 *     delay MS                 delays each response, including a pending one
 *     answer PREFIX RESPONSE   a command that begins with PREFIX gets RESPONSE; the first match counts; "-" is no bytes
 *     forget                   ends delay, answers and drop
 *     log                      the commands since the start or the last "clear", in hexadecimal. The data of VERIFY,
 *                              CHANGE REFERENCE DATA, RESET RETRY COUNTER, PERFORM BIOMETRIC OPERATION, PUT KEY,
 *                              PUT DATA and ENVELOPE are omitted: "00200081.."
 *     count                    the number of these commands
 *     clear                    empties the log, and resets the events to 0
 *     drop                     the next command gets no response, and the card stays out until "plug". A virtual reader
 *                              is not told, and can be reconnected to a card that never responds: to remove the card
 *                              visibly, use scm_virtual_ifd_remove
 *     half N                   the same after N bytes of the response. A virtual reader gets none of them
 *     plug                     inserts the card again
 *     events                   the number of power-ons, power-offs and resets: "on=N off=N reset=N"
 *     mute                     does not answer power-on and reset, until "unmute"
 *     unmute                   answers the next power-on or reset
 *
 * @param card  the card
 * @param line  the line in UTF-8 with its NUL, without a line break
 * @param answer  [out] the answer with its NUL; NULL with capacity 0 if the caller does not need it
 * @param capacity  the room in `answer`, in bytes
 * @param answer_length  [out] the length of the answer with its NUL, 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: done.
 * - `SCM_S_FALSE`: there is no such order; the answer says so.
 * - `SCM_E_POINTER`: `answer_length` is NULL, or `answer` is NULL with a capacity. Nothing was ordered.
 * - `SCM_E_INVALIDARG`: `line` is NULL or not valid UTF-8.
 * - `SCM_E_HANDLE`: `card` is no card.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the answer does not fit; `*answer_length` is the needed length. The order was
 *   executed; those with a value ("log", "count", "events") change nothing and may be repeated.
 *
 * Never blocks.
 *
 * @see scm_card_create, scm_card_transmit
 */
SCM_CARD_API scm_result scm_card_tell(scm_card *card, const char *line, char *answer, size_t capacity,
                                      size_t *answer_length);

/** @} */

/* So that #ifdef sees the enumerator. */
#define SCM_CARD_RESPONSE_MAX SCM_CARD_RESPONSE_MAX

#ifdef __cplusplus
}
#endif

#endif /* SCM_CARD_H */

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * scm_card.h - libscm_card: an ISO/IEC 7816-4 card for tests of programs that use smart cards.
 *
 * The card is described by a TOML text (crates/card/README.md is its reference) and steered by lines of text. It has the
 * callbacks of a scm_virtual_card, so that it can be put into a virtual reader of libscm:
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
 * Those of scm.h: results, handles that are tokens, inputs before outputs, (buffer, capacity, *length), outputs that are
 *   zero after a failure.
 * Threads. Every function may be called from any thread. Commands to one card run one after the other; scm_card_tell never
 *   waits for a command, also not for one that waits out a delay.
 * Memory. What goes in is borrowed for the call, what comes out is copied. Codes and keys are wiped when their card ends.
 *   A text given to scm_card_create is the caller's to wipe. When there is no memory the process is aborted.
 * Every function may return SCM_E_UNEXPECTED, after an internal error; the card goes on.
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

/** The longest response of the card: 65,533 bytes of data and two status bytes. */
#define SCM_CARD_RESPONSE_MAX 65535

#ifdef __cplusplus
extern "C" {
#endif

struct scm_virtual_card;

/**
 * A card.
 *
 * A `scm_card *` is a token, not an address. It is dead after `scm_card_destroy`; a dead one, a foreign one and NULL give
 * `SCM_E_HANDLE`.
 */
typedef struct scm_card scm_card;

/**
 * Makes a card. It has no power until `scm_card_power` says so, but answers nevertheless.
 *
 * @param description  the name of a built-in card, "default" or "steerable"; or a description in TOML, in UTF-8 with its
 *        NUL, of any length; NULL for "default"
 * @param card  [out] the card, to be ended with `scm_card_destroy`; NULL after a failure
 *
 * @return
 * - `SCM_S_OK`: made.
 * - `SCM_E_POINTER`: `card` is NULL.
 * - `SCM_E_INVALIDARG`: the description is not valid UTF-8, or no card can be made of it: `scm_card_check` says why.
 *
 * Never blocks.
 */
SCM_CARD_API scm_result scm_card_create(const char *description, scm_card **card);

/**
 * Tells whether a card can be made of a description, and if not, what is wrong with it and where.
 *
 * @param description  as for `scm_card_create`
 * @param error  [out] the text in UTF-8 with its NUL, of one or more lines; empty when nothing is wrong. It may show lines
 *        of the description. NULL with capacity 0 asks for the length.
 * @param capacity  the room in `error`, in bytes
 * @param error_length  [out] the length of the text with its NUL, 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: nothing is wrong.
 * - `SCM_S_FALSE`: `scm_card_create` would refuse it.
 * - `SCM_E_POINTER`: `error_length` is NULL, or `error` is NULL with a capacity.
 * - `SCM_E_INVALIDARG`: the description is not valid UTF-8.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the text does not fit; `*error_length` is what is needed.
 *
 * Never blocks.
 */
SCM_CARD_API scm_result scm_card_check(const char *description, char *error, size_t capacity, size_t *error_length);

/**
 * Ends a card. A command that waits out a delay is let go, and gets its answer.
 *
 * While the card is in a virtual reader it is to be removed from there before: a reader that asks a card that has ended
 * has `SCM_E_HANDLE` for an answer.
 *
 * @param card  the card
 *
 * @return
 * - `SCM_S_OK`: ended.
 * - `SCM_E_HANDLE`: `card` is no card, or not any more.
 *
 * Never blocks.
 */
SCM_CARD_API scm_result scm_card_destroy(scm_card *card);

/**
 * `scm_card_destroy` as a `release` callback: for a card that is to end when it is removed from its virtual reader.
 *
 * @param user_data  the card
 */
SCM_CARD_API void scm_card_release(void *user_data);

/**
 * Gives the ATR, also while the card is mute.
 *
 * @param card  the card
 * @param atr  [out] the ATR; NULL with capacity 0 asks for the length
 * @param capacity  the room in `atr`, in bytes; 33 is always enough
 * @param atr_length  [out] the length of the ATR, 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: given.
 * - `SCM_E_POINTER`: `atr_length` is NULL, or `atr` is NULL with a capacity.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the ATR does not fit; `*atr_length` is what is needed.
 * - `SCM_E_HANDLE`: `card` is no card.
 *
 * Never blocks.
 */
SCM_CARD_API scm_result scm_card_get_atr(scm_card *card, uint8_t *atr, size_t capacity, size_t *atr_length);

/**
 * Describes the card to `scm_virtual_ifd_insert`: its ATR, the protocols of the ATR, `user_data` as the card, `transmit` as
 * `scm_card_transmit`, `power` as `scm_card_power`, no `control`, no `release`.
 *
 * To hand the card over to the reader, set `release` to `scm_card_release` afterwards. The ATR is the card's own, and is
 * there as long as the card.
 *
 * @param card  the card
 * @param virtual_card  [out] the description; its `struct_size` is set before, as `SCM_VIRTUAL_CARD_INIT` does
 *
 * @return
 * - `SCM_S_OK`: described.
 * - `SCM_E_POINTER`: `virtual_card` is NULL.
 * - `SCM_E_INVALIDARG`: `struct_size` is less than the structure has.
 * - `SCM_E_HANDLE`: `card` is no card; the structure is all zero.
 *
 * Never blocks.
 */
SCM_CARD_API scm_result scm_card_plug(scm_card *card, struct scm_virtual_card *virtual_card);

/**
 * Sends a command to the card; the `transmit` of a `scm_virtual_card`.
 *
 * Any bytes are a command: what is none gets the status word 6700. A card that was told to drop out answers nothing.
 * In a virtual reader that is a card that failed to answer (`SCM_SCARD_E_NOT_TRANSACTED`) and is still there: who wants it
 * gone removes it, if need be from a `transmit` of his own that calls this one.
 *
 * @param user_data  the card
 * @param command  the command; NULL is an empty one
 * @param command_length  its length in bytes
 * @param response  [out] the response: data and status word, or whatever was ordered by `answer`
 * @param capacity  the room in `response`, in bytes; `SCM_CARD_RESPONSE_MAX` is always enough
 * @param response_length  [out] the length of the response, 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: answered.
 * - `SCM_E_POINTER`: `response` or `response_length` is NULL. Nothing was sent.
 * - `SCM_E_INVALIDARG`: `command` is NULL with a length. Nothing was sent.
 * - `SCM_E_HANDLE`: `user_data` is no card.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the response does not fit and is lost; `*response_length` is what was needed. The
 *   card has executed the command.
 * - `SCM_SCARD_W_REMOVED_CARD`: the card dropped out, or is out.
 *
 * Waits for other commands to the card, and as long as `delay` orders; another thread may shorten that with
 * `scm_card_tell`.
 */
SCM_CARD_API scm_result scm_card_transmit(void *user_data, const uint8_t *command, size_t command_length,
                                          uint8_t *response, size_t capacity, size_t *response_length);

/**
 * Switches the card on or off, or resets it; the `power` of a `scm_virtual_card`. Whatever it is, the card forgets what
 * was selected, what was verified, its channels, its challenge and the rest of an answer. Its files, retry counters and
 * life cycles stay.
 *
 * @param user_data  the card
 * @param event  `SCM_POWER_OFF` (0), `SCM_POWER_ON` (1) or `SCM_POWER_RESET` (2)
 *
 * @return
 * - `SCM_S_OK`: done.
 * - `SCM_E_INVALIDARG`: there is no such event.
 * - `SCM_E_HANDLE`: `user_data` is no card.
 * - `SCM_SCARD_W_UNRESPONSIVE_CARD`: the card was told to be mute. Not when it is switched off.
 * - `SCM_SCARD_W_REMOVED_CARD`: the card was told to drop out, and is out. Not when it is switched off.
 *
 * Waits for a command that is being executed, but not for its delay.
 */
SCM_CARD_API scm_result scm_card_power(void *user_data, uint32_t event);

/**
 * Steers the card by one line. Its answer is one line: "ok", "ok VALUE" or "error TEXT".
 *
 *     delay MS                 waits so long before each answer, also before one that is being waited for now
 *     answer PREFIX RESPONSE   a command that begins with PREFIX gets RESPONSE; the first match wins; "-" is no bytes
 *     forget                   no more delay, answers or drop
 *     log                      the commands received since the start or the last "clear", in hexadecimal. The data of
 *                              VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER, PERFORM BIOMETRIC OPERATION, PUT KEY,
 *                              PUT DATA and ENVELOPE are withheld:
 *                              "00200081.."
 *     count                    how many these are
 *     clear                    empties the log, and sets the events to 0
 *     drop                     instead of answering the next command the card is gone; it stays out until "plug". A virtual
 *                              reader is not told, and can be reconnected to a card that never answers: to pull it out
 *                              for all to see there is scm_virtual_ifd_remove
 *     half N                   the same, after N bytes of the answer have come out. In a virtual reader they do not
 *     plug                     puts the card in again
 *     events                   how often it was powered on, powered off and reset: "on=N off=N reset=N"
 *     mute                     does not answer to power or a reset, until "unmute"
 *     unmute                   answers to the next power or reset
 *
 * @param card  the card
 * @param line  the line in UTF-8 with its NUL, without a line break
 * @param answer  [out] the answer with its NUL; NULL with capacity 0 if it is not wanted
 * @param capacity  the room in `answer`, in bytes
 * @param answer_length  [out] the length of the answer with its NUL, 0 after a failure
 *
 * @return
 * - `SCM_S_OK`: done.
 * - `SCM_S_FALSE`: there is no such order; the answer says so.
 * - `SCM_E_POINTER`: `answer_length` is NULL, or `answer` is NULL with a capacity. Nothing was ordered.
 * - `SCM_E_INVALIDARG`: `line` is NULL or not valid UTF-8.
 * - `SCM_E_HANDLE`: `card` is no card.
 * - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the answer does not fit; `*answer_length` is what is needed. The order was carried
 *   out; those with a value ("log", "count", "events") change nothing and may be repeated.
 *
 * Never blocks.
 */
SCM_CARD_API scm_result scm_card_tell(scm_card *card, const char *line, char *answer, size_t capacity,
                                      size_t *answer_length);

#ifdef __cplusplus
}
#endif

#endif /* SCM_CARD_H */

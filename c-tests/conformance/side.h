/* One of the two compared sides: two readers, their cards, and the attachments. The real side is the private stack of
 * this program, the virtual side has virtual readers. */
#ifndef SIDE_H
#define SIDE_H

#include <stdbool.h>

#include "scm.h"
#include "scm_virtual.h"
#include "scm_card.h"

enum { READERS = 2, SLOTS = 5 };

/* The ATRs of the cards. */
enum { NONE = -1, NO_ATR = 5, ATRS };
extern const char *const ATR[ATRS];
/* A description of this card. */
extern const char *const ATR_WORDS[ATRS];

enum hold { SHARED, EXCLUSIVE, TRANSACTION, HOLD_KINDS };
extern const char *const HOLD_NAMES[HOLD_KINDS];

struct side {
    const char *name;
    bool real;
    scm_handle *slots[SLOTS];
    bool runs;
    /* The ATR of the card in each reader, or NONE. */
    int cards[READERS];
    bool held[READERS];
    /* The card of a holder was removed. */
    bool held_in_vain[READERS];
    enum hold holds[READERS];
    /* For the virtual side only: its readers, their cards, and the attachments that act as another program. */
    scm_virtual_ifd *ifds[READERS];
    scm_card *twins[READERS];
    scm_handle *others[READERS];
};

extern struct side REAL, VIRTUAL;

const char *side_ifd(const struct side *side, int reader);

/* Sets a side to its start: no attachment, a running service, and in each reader a card with the first ATR and without
 * state. */
void side_begin(struct side *side);
/* Releases everything. */
void side_end(struct side *side);

/* Events from outside. */
scm_result side_insert(struct side *side, int reader, int atr);
scm_result side_pull(struct side *side, int reader);
/* Another program resets the card (SCM_DISPOSITION_RESET) or powers it off. `by_hand`: on the virtual side with
 * scm_virtual_ifd_reset; otherwise a program attaches and detaches. */
scm_result side_reset(struct side *side, int reader, uint32_t action, bool by_hand);
/* Another program takes the card and releases it. */
scm_result side_hold(struct side *side, int reader, enum hold hold);
scm_result side_release(struct side *side, int reader, uint32_t disposition);
/* The service ends, killed or in order. Holders lose their cards. */
void side_stop(struct side *side, bool killed);
void side_start(struct side *side);
/* The card loses its state despite attachments: a direct connection to the reader powers it off. */
void side_unpower(struct side *side, int reader);

/* The number of commands that the card in a reader got since its insertion. Power and resets do not count, because
 * pcscd powers cards at will (`idle-power`). The state of a card shows them. */
unsigned side_count(struct side *side, int reader);

#endif

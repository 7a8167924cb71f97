/* One of the two worlds that are compared: two readers, what is in them, and who is attached. The real side is the private
 * stack that this program runs in, the virtual one are readers of its own. */
#ifndef SIDE_H
#define SIDE_H

#include <stdbool.h>

#include "scm.h"
#include "scm_virtual.h"
#include "scm_card.h"

enum { READERS = 2, SLOTS = 5 };

/* The ATRs that cards are given. */
enum { NONE = -1, NO_ATR = 5, ATRS };
extern const char *const ATR[ATRS];
/* What kind of card this is, in words. */
extern const char *const ATR_WORDS[ATRS];

enum grip { SHARED, EXCLUSIVE, TRANSACTION, GRIPS };
extern const char *const GRIP[GRIPS];

struct side {
    const char *name;
    bool real;
    scm_handle *slots[SLOTS];
    bool runs;
    /* The ATR of the card in each reader, or NONE. */
    int cards[READERS];
    bool held[READERS];
    /* The card was pulled that somebody held. */
    bool held_in_vain[READERS];
    enum grip grips[READERS];
    /* Of the virtual side alone: its readers, their cards, and who holds a card as another program would. */
    scm_virtual_ifd *ifds[READERS];
    scm_card *twins[READERS];
    scm_handle *others[READERS];
};

extern struct side REAL, VIRTUAL;

const char *side_ifd(const struct side *side, int reader);

/* Brings a side to its beginning: nobody attached, the service runs, in each reader a card with the first ATR that has
 * forgotten everything. */
void side_begin(struct side *side);
/* Leaves nothing behind. */
void side_end(struct side *side);

/* What happens from outside. */
scm_result side_insert(struct side *side, int reader, int atr);
scm_result side_pull(struct side *side, int reader);
/* Another program resets the card (SCM_DISPOSITION_RESET) or turns its power off. `by_hand`: on the virtual side by
 * scm_virtual_ifd_reset, otherwise by a program that attaches and detaches. */
scm_result side_reset(struct side *side, int reader, uint32_t action, bool by_hand);
/* Another program takes the card, and gives it back. */
scm_result side_hold(struct side *side, int reader, enum grip grip);
scm_result side_release(struct side *side, int reader, uint32_t disposition);
/* The service goes down; killed, or in good order. Who held a card holds it no more. */
void side_stop(struct side *side, bool killed);
void side_start(struct side *side);
/* The card forgets everything, whoever is attached: its power is turned off through a connection to the reader alone. */
void side_unpower(struct side *side, int reader);

/* How many commands the card in a reader has received since it was put in. Power and resets are not counted: pcscd turns the
 * power off and on as it likes (`idle-power` of the differences). What a card remembers tells of them. */
unsigned side_count(struct side *side, int reader);

#endif

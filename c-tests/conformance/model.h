/* What the driver knows of both sides: enough to tell which calls would wait for somebody else, since one thread does
 * everything. It is the rules of scm.h, and learns from the answers of the real side. */
#ifndef MODEL_H
#define MODEL_H

#include <time.h>

#include "step.h"

/* Which protocol the card in a reader speaks. */
enum spoken { NOT_CHOSEN, IN_DOUBT, T_0_OR_T_1, RAW };

struct model {
    struct {
        bool alive, owned;
        int reader;
        uint32_t share, protocols;
        uint32_t depth;
        /* The card left, and took the lock along. */
        bool lost;
        /* The card handle on the real side, 0 for none. */
        uintptr_t icc;
    } slots[SLOTS];
    struct {
        uintptr_t icc;
        int reader;
        bool open;
    } connections[64];
    int connection_count;
    struct {
        enum spoken spoken;
        /* How many steps nobody is connected to a card that could forget something; -1 for a reader that is in use, or
         * whose card has nothing to forget. */
        int idle;
        struct timespec idle_since;
        bool blank;
    } readers[READERS];
};

void model_begin(struct model *model);

/* Whether a step makes sense now and waits for nobody. */
bool model_allows(const struct model *model, const struct step *step);

/* Learns from a step that was done, begun at `start`, with this answer of the real side. */
void model_note(struct model *model, const struct step *step, scm_result result, const struct timespec *start);

/* Tells of each slot whether a question for its status would wait. */
void model_waits(const struct model *model, bool waits[SLOTS]);

/* Whether the card in an unused reader has to forget everything before this step, for the reason `idle-power` of the
 * differences. */
bool model_settles(const struct model *model, int reader, const struct step *step);
/* Whether a card that is not in use may have forgotten something by now, because this program was not quick enough. */
bool model_overslept(const struct model *model);

/* How many connections other than `icc` a reader has. */
int model_others(const struct model *model, int reader, uintptr_t icc);
/* How many other slots have the card handle of this one. */
int model_sharers(const struct model *model, int slot);
/* Whether somebody other than `icc` has a lock. */
bool model_is_locked(const struct model *model, int reader, uintptr_t icc);
/* The reader that a step is about, or NONE. */
int model_reader(const struct model *model, const struct step *step);
/* Whether a step is an attach by name or a reconnect. */
bool model_connects(const struct step *step);
/* With what an attach or a reconnect ends if it succeeds. */
uint32_t model_share(const struct model *model, const struct step *step);
uint32_t model_protocols(const struct model *model, const struct step *step);

#endif

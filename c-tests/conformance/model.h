/* The driver's model of both sides. One thread makes all calls, so the model must know which calls would wait for
 * others. It has the rules of scm.h, and learns from the answers of the real side. */
#ifndef MODEL_H
#define MODEL_H

#include <time.h>

#include "step.h"

/* The protocol of the card in a reader. */
enum spoken { NOT_CHOSEN, IN_DOUBT, T_0_OR_T_1, RAW };

struct model {
    struct {
        bool alive, owned;
        int reader;
        uint32_t share, protocols;
        uint32_t depth;
        /* The card left and took the lock along. */
        bool lost;
        /* The card handle on the real side, or 0. */
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
        /* The number of steps without a connection to a card with state; -1 for a used reader, or a card without
         * state. */
        int idle;
        struct timespec idle_since;
        bool blank;
    } readers[READERS];
};

void model_begin(struct model *model);

/* True if a step makes sense now and waits for nobody. */
bool model_allows(const struct model *model, const struct step *step);

/* Learns from a step that began at `start`, with this answer of the real side. */
void model_note(struct model *model, const struct step *step, scm_result result, const struct timespec *start);

/* Tells for each slot whether a question for its status would wait. */
void model_waits(const struct model *model, bool waits[SLOTS]);

/* True if the card of an unused reader must lose its state before this step, because of the difference `idle-power`. */
bool model_settles(const struct model *model, int reader, const struct step *step);
/* True if an unused card may have lost its state, because this program was too slow. */
bool model_overslept(const struct model *model);

/* The number of connections of a reader other than `icc`. */
int model_others(const struct model *model, int reader, uintptr_t icc);
/* The number of other slots with the card handle of this one. */
int model_sharers(const struct model *model, int slot);
/* True if a connection other than `icc` has a lock. */
bool model_is_locked(const struct model *model, int reader, uintptr_t icc);
/* The reader of a step, or NONE. */
int model_reader(const struct model *model, const struct step *step);
/* True for an attach by name or a reconnect. */
bool model_connects(const struct step *step);
/* The result of a successful attach or reconnect. */
uint32_t model_share(const struct model *model, const struct step *step);
uint32_t model_protocols(const struct model *model, const struct step *step);

#endif

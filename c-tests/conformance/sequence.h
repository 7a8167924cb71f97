/* A row of steps, done on both sides and compared. */
#ifndef SEQUENCE_H
#define SEQUENCE_H

#include "random.h"
#include "step.h"

struct sequence {
    struct step *steps;
    int count;
};

/* Draws and does `count` steps; fills the sequence with them. False for a difference. */
bool sequence_draw(struct sequence *sequence, struct random *random, int count);

/* Does the steps of a sequence again, leaving out what makes no sense any more. False for a difference, and then the
 * sequence ends with it. */
bool sequence_replay(struct sequence *sequence);

/* Prints what was done last, and what differed. */
void sequence_print(void);

/* How long it all took, by deed, and how often each was done. */
void sequence_print_statistics(void);

#endif

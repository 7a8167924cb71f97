/* A row of steps, done on both sides and compared. */
#ifndef SEQUENCE_H
#define SEQUENCE_H

#include "random.h"
#include "step.h"

struct sequence {
    struct step *steps;
    int count;
};

/* TOO_SLOW: they differ, but perhaps only because the real side could not be kept from doing what `idle-power` is about. */
enum outcome { SAME, DIFFERENT, TOO_SLOW };

/* Draws and does `count` steps, or as many as there are until a difference; fills the sequence with them. */
enum outcome sequence_draw(struct sequence *sequence, struct random *random, int count);

/* Does the steps of a sequence again, leaving out what makes no sense any more. With a difference the sequence ends. */
enum outcome sequence_replay(struct sequence *sequence);

/* Prints what was done last, and what differed. */
void sequence_print(void);

/* How long it all took, by deed, and how often each was done. */
void sequence_print_statistics(void);

#endif

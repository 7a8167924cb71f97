/* A sequence of steps, done on both sides and compared. */
#ifndef SEQUENCE_H
#define SEQUENCE_H

#include "random.h"
#include "step.h"

struct sequence {
    struct step *steps;
    int count;
};

/* TOO_SLOW: they differ, but perhaps only because the machine was too slow to prevent `idle-power`. */
enum outcome { SAME, DIFFERENT, TOO_SLOW };

/* Draws and does `count` steps, or fewer up to a difference, and stores them in the sequence. */
enum outcome sequence_draw(struct sequence *sequence, struct random *random, int count);

/* Repeats the steps of a sequence, without those that make no sense any more. It ends at a difference. */
enum outcome sequence_replay(struct sequence *sequence);

/* Prints the last steps and the difference. */
void sequence_print(void);

/* Prints the time and the number of each kind. */
void sequence_print_statistics(void);

#endif

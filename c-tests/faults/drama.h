/* Faults that need more than a simple row: repeated ones, a fork, a late service. */
#ifndef DRAMA_H
#define DRAMA_H

#include "victim.h"

struct drama {
    const char *id; /* of its row */
    /* The result for this kind of attachment, in a few words. */
    const char *(*play)(enum kind kind);
};

struct act {
    const char *name;
    const struct drama *dramas;
    size_t how_many;
};

extern const struct act ACTS[];
extern const size_t HOW_MANY_ACTS;

#endif

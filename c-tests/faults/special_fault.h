/* Faults that need more than a simple row: repeated ones, a fork, a late service. */
#ifndef SPECIAL_FAULT_H
#define SPECIAL_FAULT_H

#include "victim.h"

struct special_fault {
    const char *id; /* of its row */
    /* The result for this kind of attachment, in a few words. */
    const char *(*play)(enum kind kind);
};

struct special_group {
    const char *name;
    const struct special_fault *faults;
    size_t how_many;
};

extern const struct special_group SPECIAL_GROUPS[];
extern const size_t HOW_MANY_SPECIAL;

#endif

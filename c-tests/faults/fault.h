/* The faults, and how they are made: each is a few orders to the bed. */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>
#include <stddef.h>

#define ORDERS 6

/* When it happens: while nobody calls, during a call, or so that every call waits until it ends. */
enum moment { IDLE, IN_TRANSMIT, IN_LOCK, WAITING };

struct fault {
    const char *id; /* of its row */
    enum moment moment;
    /* Orders to the bed (crates/stack/src/order.rs); where there is %d, for each reader. "pcscd: " before one: for that bed
     * alone. "owner disconnect", "owner release": what the owner of a handle does with it. */
    const char *before[ORDERS], *happens[ORDERS], *ends[ORDERS], *restore[ORDERS];
    bool needs_no_lock; /* who has a lock is safe from it */
    bool is_of_handles; /* there has to be an owner */
};

struct group {
    const char *name;
    const struct fault *faults;
    size_t how_many;
};

extern const struct group GROUPS[];
extern const size_t HOW_MANY_GROUPS;

#endif

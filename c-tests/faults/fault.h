/* The faults, and the orders to the test bed that cause them. */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>
#include <stddef.h>

#define ORDERS 6

/* The time of the fault: between calls, during a call, or for so long that every call waits until its end. */
enum moment { IDLE, IN_TRANSMIT, IN_LOCK, WAITING };

struct fault {
    const char *id; /* of its row */
    enum moment moment;
    /* Orders to the test bed (crates/stack/src/order.rs); %d stands for each reader. "pcscd: " before an order limits
     * it to that bed. "owner disconnect" and "owner release" are actions of the owner of a handle. */
    const char *before[ORDERS], *happens[ORDERS], *ends[ORDERS], *restore[ORDERS];
    bool needs_no_lock; /* a lock protects from it */
    bool is_of_handles; /* it needs an owner */
};

struct group {
    const char *name;
    const struct fault *faults;
    size_t how_many;
};

extern const struct group GROUPS[];
extern const size_t HOW_MANY_GROUPS;

#endif

/* Random calls of every function of the library, with random arguments. */
#ifndef HOSTILE_CALLS_H
#define HOSTILE_CALLS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "../conformance/random.h"

/* A calling thread, for the watchdog. */
struct caller {
    struct random dice;
    /* Also invalid tokens, NULL pointers, and any lengths and values. */
    bool is_hostile;
    unsigned long long calls, successes;
    /* The running call, or NULL, and its start. */
    const char *_Atomic function;
    _Atomic double since;
};

/* Makes one call and checks its results. */
void call_something(struct caller *caller);

/* One thread calls this now and then, to keep the others going: it ends locks and waits, and restores readers and the
 * service. */
void calls_tidy(struct caller *caller);

/* Complains of each function that has never refused an argument of a hostile caller and named it. */
void calls_check_refusals(void);

/* Releases everything. */
void calls_end_all(void);

/* Reports an error, once for each kind, and counts. */
void complain(const char *function, const char *what, ...);
extern atomic_int complaints;

#endif

/* Random calls of every function of the library: which one, and with what. */
#ifndef HOSTILE_CALLS_H
#define HOSTILE_CALLS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "../conformance/random.h"

/* A thread that calls, as a watchdog sees it. */
struct caller {
    struct random dice;
    /* Also tokens that are none, pointers that are NULL, lengths and values of any kind. */
    bool is_hostile;
    unsigned long long calls, successes;
    /* What it is in, or NULL, and since when. */
    const char *_Atomic function;
    _Atomic double since;
};

/* Makes one call, and checks what came of it. */
void call_something(struct caller *caller);

/* What keeps the others going, called now and then by one thread: ends locks and waits, brings back readers and the service. */
void calls_tidy(struct caller *caller);

/* Ends everything that is there. */
void calls_end_all(void);

/* Says what is wrong, once for each kind of it, and counts. */
void complain(const char *function, const char *what, ...);
extern atomic_int complaints;

#endif

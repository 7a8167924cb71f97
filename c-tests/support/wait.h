/* A call on another thread that is expected to wait for others. */
#ifndef WAIT_H
#define WAIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <pthread.h>

#include "scm.h"

struct wait {
    scm_result (*call)(void *);
    void *argument;
    scm_result result;
    double ms;         /* its duration */
    atomic_int thread; /* its id, just before the call */
    atomic_bool is_done;
    pthread_t id;
};

void wait_begin(struct wait *wait, scm_result (*call)(void *), void *argument);

/* Returns when the call has slept long enough to be waiting, or is done. True if it waits. */
bool wait_is_reached(struct wait *wait);

/* Waits for the call, and returns its result. */
scm_result wait_end(struct wait *wait);

/* True if a thread of this process sleeps, by its id. */
bool thread_is_asleep(int thread);

/* Returns when a thread has slept long enough to be waiting, or its call is done. The id is 0 before the call. */
void await_sleep(const atomic_int *thread, const atomic_bool *is_done);

/* A monotonic time in milliseconds. */
double now_ms(void);

#endif

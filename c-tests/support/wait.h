/* A call on a thread of its own that is expected to wait for others. */
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
    double ms;         /* how long it took */
    atomic_int thread; /* its id, once it is about to call */
    atomic_bool is_done;
    pthread_t id;
};

void wait_begin(struct wait *wait, scm_result (*call)(void *), void *argument);

/* Returns once the call has slept for so long that it waits for others, or is done. Whether it waits. */
bool wait_is_reached(struct wait *wait);

/* The result of the call, once it is done. */
scm_result wait_end(struct wait *wait);

/* Whether a thread of this process sleeps, by its id. */
bool thread_is_asleep(int thread);

/* Milliseconds since some moment. */
double now_ms(void);

#endif

/* A call on a victim, on this thread or on another one. */
#ifndef CALL_H
#define CALL_H

#include <pthread.h>
#include <stdatomic.h>

#include "victim.h"

/* READ: of the victim's open file. REOPEN: of a file opened anew. VISIT: another attachment to the reader attaches,
 * locks and detaches. */
enum verb { STATUS, TRANSMIT, LOCK, SEND, READ, REOPEN, RECONNECT, VISIT };

struct call {
    enum verb verb;
    struct victim *victim;
    char answer[64]; /* as on the page: a code without its prefix, and further words */
    scm_result result;
    bool has_waited;
    atomic_int thread; /* its id, just before the call */
    atomic_bool is_done;
    pthread_t id;
};

/* Makes the call. A lock is released at once. */
void call_make(struct call *call);

/* Makes the call on another thread, and waits for it. */
void call_begin(struct call *call);
void call_end(struct call *call);

/* Returns when the call is done, or has slept long enough to be waiting. */
bool call_waits(struct call *call);

/* The name of a code as on the page. */
const char *code_name(scm_result code);

#endif

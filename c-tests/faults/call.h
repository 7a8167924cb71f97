/* A call on a victim, made here or on a thread of its own. */
#ifndef CALL_H
#define CALL_H

#include <pthread.h>
#include <stdatomic.h>

#include "victim.h"

/* READ: of the open file of the victim. REOPEN: the same, of a file opened anew. VISIT: somebody else attaches to the reader,
 * locks, and goes. */
enum verb { STATUS, TRANSMIT, LOCK, SEND, READ, REOPEN, RECONNECT, VISIT };

struct call {
    enum verb verb;
    struct victim *victim;
    char answer[64]; /* as the page has it: a code without its prefix, and what else there is to say */
    scm_result result;
    bool has_waited;
    atomic_int thread; /* its id, once it is about to call */
    atomic_bool is_done;
    pthread_t id;
};

/* Makes the call. A lock is given back at once. */
void call_make(struct call *call);

/* Makes it on a thread, and waits until it is done; the longer way. */
void call_begin(struct call *call);
void call_end(struct call *call);

/* Returns when the call is done, or when it has slept for so long that it waits for somebody. */
bool call_waits(struct call *call);

/* The name of a code as the page has it. */
const char *code_name(scm_result code);

#endif

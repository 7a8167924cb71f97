#define _GNU_SOURCE /* gettid */
#include "call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exchange.h"
#include "wait.h"

const char *code_name(scm_result code)
{
    static const char *const prefixes[] = {"SCM_SCARD_E_", "SCM_SCARD_W_", "SCM_SCARD_F_", "SCM_S_", "SCM_"};
    const char *name = scm_result_name(code);
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return name + strlen(prefixes[i]);
    return name;
}

static scm_result visit(int reader)
{
    scm_handle *visitor;
    scm_result result = scm_attach_by_ifd(bed_ifd(reader), &visitor);
    if (result == SCM_S_OK)
        result = scm_lock(visitor);
    scm_detach(visitor);
    return result;
}

void call_make(struct call *call)
{
    scm_handle *handle = call->victim->handle;
    uint32_t state, protocol;
    bool is_echo = true;
    const char *remark = "";
    switch (call->verb) {
    case STATUS:
        call->result = scm_status(handle, &state, &protocol);
        remark = call->result == SCM_S_OK && state == SCM_STATE_ABSENT ? ", absent" : "";
        break;
    case TRANSMIT:
    case SEND:
        call->result = (call->verb == SEND ? exchange_as_command : exchange)(handle, call->victim->reader, &is_echo);
        remark = call->result == SCM_S_OK && !is_echo ? ", as it came" : "";
        break;
    case READ: call->result = victim_read(call->victim); break;
    case REOPEN:
        victim_close(call->victim);
        call->result = victim_open(call->victim);
        if (call->result == SCM_S_OK)
            call->result = victim_read(call->victim);
        break;
    case LOCK:
        call->result = scm_lock(handle);
        if (call->result == SCM_S_OK)
            scm_unlock(handle, SCM_DISPOSITION_LEAVE);
        break;
    case RECONNECT: call->result = scm_reconnect(handle); break;
    case VISIT: call->result = visit(call->victim->reader); break;
    }
    snprintf(call->answer, sizeof call->answer, "%s%s%s", call->has_waited ? "waits, " : "", code_name(call->result),
             remark);
}

static void *make(void *argument)
{
    struct call *call = argument;
    call->thread = gettid();
    call_make(call);
    call->is_done = true;
    return NULL;
}

void call_begin(struct call *call)
{
    if (pthread_create(&call->id, NULL, make, call) != 0)
        abort();
}

void call_end(struct call *call)
{
    pthread_join(call->id, NULL);
}

bool call_waits(struct call *call)
{
    await_sleep(&call->thread, &call->is_done);
    call->has_waited = !call->is_done;
    return call->has_waited;
}

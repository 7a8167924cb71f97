/* A program whose exit handler is older than its load of libscm: the handler runs after the end has begun for libscm,
 * but before it begins for libpcsclite. The ending thread may still detach. All other threads are refused, and no
 * monitor may report that the service is gone. It runs in a stack. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "scm.h"
#include "stack.h"

static struct {
    scm_result (*attach)(const char *, scm_handle **);
    scm_result (*lock)(scm_handle *);
    scm_result (*detach)(scm_handle *);
    scm_result (*create)(scm_monitor **);
    scm_result (*wait)(scm_monitor *, uint32_t, scm_event *);
    scm_result (*destroy)(scm_monitor *);
    const char *(*name)(scm_result);
} scm;

static scm_handle *own;

static void expect(scm_result got, scm_result expected, const char *what)
{
    if (got != expected) {
        fprintf(stderr, "%s gave %s, not %s\n", what, scm.name(got), scm.name(expected));
        _exit(1);
    }
}

static void *attach_elsewhere(void *result)
{
    scm_handle *handle;
    *(scm_result *)result = scm.attach(stack_ifd(0), &handle);
    return NULL;
}

static void no_service_goes_down(void)
{
    scm_monitor *monitor;
    scm_event event = SCM_EVENT_INIT;
    scm_result result;
    expect(scm.create(&monitor), SCM_S_OK, "a monitor at the end");
    /* The gate refuses the thread of this monitor. That must not look like the end of the service. */
    while ((result = scm.wait(monitor, 300, &event)) == SCM_S_OK)
        expect(event.kind == SCM_EVENT_SERVICE_DOWN ? SCM_SCARD_E_NO_SERVICE : SCM_S_OK, SCM_S_OK, "an event");
    expect(result, SCM_SCARD_E_TIMEOUT, "the wait for an event");
    expect(scm.destroy(monitor), SCM_S_OK, "its end");
}

static void at_exit(void)
{
    scm_result result = SCM_S_OK;
    scm_handle *handle;
    pthread_t thread;
    expect(scm.detach(own), SCM_S_OK, "a detach of the thread that ends the process");
    if (pthread_create(&thread, NULL, attach_elsewhere, &result) != 0 || pthread_join(thread, NULL) != 0)
        _exit(1);
    expect(result, SCM_SCARD_P_SHUTDOWN, "an attach of another thread");
    expect(scm.attach(stack_ifd(0), &handle), SCM_S_OK, "an attach of it");
    no_service_goes_down();
}

static void find(void *library, const char *name, void *function)
{
    *(void **)function = dlsym(library, name);
    if (*(void **)function == NULL)
        exit(2);
}

int main(void)
{
    stack("insert 0 steerable");
    atexit(at_exit);
    void *library = dlopen(SCM_LIBRARY, RTLD_NOW);
    if (library == NULL)
        return 2;
    find(library, "scm_attach_by_ifd", &scm.attach);
    find(library, "scm_lock", &scm.lock);
    find(library, "scm_detach", &scm.detach);
    find(library, "scm_monitor_create", &scm.create);
    find(library, "scm_monitor_wait", &scm.wait);
    find(library, "scm_monitor_destroy", &scm.destroy);
    find(library, "scm_result_name", &scm.name);
    expect(scm.attach(stack_ifd(0), &own), SCM_S_OK, "an attach");
    expect(scm.lock(own), SCM_S_OK, "a lock");
    return 0;
}

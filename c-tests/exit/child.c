/* The threads never stop, and ignore the results of their calls: only the moment of the end matters. */
#define _GNU_SOURCE /* environ, gettid */
#include "child.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "scm.h"
#include "scm_provider.h"
#include "scm_virtual.h"

#define VIRTUAL_IFD "End"
#define LAST_IFD "Last" /* unused before the end */
#define ECHO_COMMAND {0x80, 0xEC, 0x00, 0x00, 0x02, 0xCA, 0xFE}

static const char *platform_ifd; /* NULL without a card */
static atomic_bool ends_in_callback;

/* --- Random numbers and time */

static unsigned draw(unsigned *seed, unsigned below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % below;
}

static void sleep_us(unsigned us)
{
    const struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000L};
    nanosleep(&time, NULL);
}

/* The service may hang from now on. */
static void report_begin(void)
{
    if (write(READY_FD, "", 1) != 1)
        _exit(1);
}

static void report_end(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
    if (write(REPORT_FD, &ns, sizeof ns) != sizeof ns)
        _exit(1);
}

/* --- A virtual reader with a slow card, and a provider for its files */

static unsigned callback_seed;

static void be_in_callback(void)
{
    /* Several threads may get here, and one may end the process. */
    if (atomic_exchange(&ends_in_callback, false)) {
        report_end();
        exit(STATUS);
    }
    sleep_us(draw(&callback_seed, 500));
}

static scm_result transmit(void *user, const uint8_t *command, size_t command_length, uint8_t *response,
                           size_t capacity, size_t *response_length)
{
    (void)user, (void)command, (void)command_length, (void)capacity;
    be_in_callback();
    memcpy(response, "\x90\x00", 2);
    *response_length = 2;
    return SCM_S_OK;
}

static scm_result power(void *user, uint32_t event)
{
    (void)user, (void)event;
    be_in_callback();
    return SCM_S_OK;
}

static scm_result create(void *user, scm_handle *handle, void *caller, void **object)
{
    (void)user, (void)caller;
    be_in_callback();
    *object = handle;
    return SCM_S_OK;
}

static scm_result open_file(void *object, uint32_t type, const char *path, void **file)
{
    (void)type, (void)path;
    be_in_callback();
    *file = object;
    return SCM_S_OK;
}

static scm_result read_file(void *file, uint8_t *buffer, size_t capacity, size_t *length, uint32_t flags)
{
    const uint8_t command[] = ECHO_COMMAND;
    (void)flags;
    return scm_transmit(file, command, sizeof command, buffer, capacity, length);
}

static const uint8_t ATR[] = {0x3B, 0x82, 0x80, 0x01, 'E', 'N'};

static void make_virtual_ifd(const char *name)
{
    scm_virtual_card card = SCM_VIRTUAL_CARD_INIT;
    scm_virtual_ifd *ifd;
    card.atr = ATR;
    card.atr_length = sizeof ATR;
    card.protocols = SCM_PROTOCOL_T1;
    card.transmit = transmit;
    card.power = power;
    if (scm_virtual_ifd_create(name, NULL, &ifd) == SCM_S_OK)
        scm_virtual_ifd_insert(ifd, &card);
}

static void register_provider(void)
{
    static const scm_guid iid = SCM_IID_FILE_ACCESS_INIT;
    static scm_file_access_functions functions = SCM_FILE_ACCESS_FUNCTIONS_INIT;
    scm_provider provider = SCM_PROVIDER_INIT;
    functions.open = open_file;
    functions.read = read_file;
    provider.iid = &iid;
    provider.atr = ATR;
    provider.atr_length = sizeof ATR;
    provider.create_object = create;
    scm_register_file_access_provider(&provider, &functions);
}

/* --- The work of the threads, repeated */

static scm_handle *attach(const char *ifd)
{
    scm_handle *handle = NULL;
    scm_attach_by_ifd(ifd, &handle);
    return handle;
}

static const char *any_ifd(unsigned *seed)
{
    return platform_ifd != NULL && draw(seed, 4) > 0 ? platform_ifd : VIRTUAL_IFD;
}

static void send(scm_handle *handle)
{
    const uint8_t command[] = ECHO_COMMAND;
    uint8_t response[64];
    size_t length;
    scm_transmit(handle, command, sizeof command, response, sizeof response, &length);
}

static void *wait_for_events(void *monitor)
{
    scm_event event = SCM_EVENT_INIT;
    while (scm_monitor_wait(monitor, SCM_INFINITE, &event) == SCM_S_OK) {
    }
    return NULL;
}

static bool try_to_begin(void *(*work)(void *), void *argument)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, work, argument) == 0 && pthread_detach(thread) == 0;
}

static void begin(void *(*work)(void *), void *argument)
{
    if (!try_to_begin(work, argument))
        _exit(1);
}

static void attach_and_detach(unsigned *seed)
{
    scm_detach(attach(any_ifd(seed)));
}

static void watch_for_a_moment(unsigned *seed)
{
    scm_monitor *monitor;
    scm_event event = SCM_EVENT_INIT;
    if (scm_monitor_create(&monitor) != SCM_S_OK)
        return;
    /* No thread starts while another one is in exec. */
    if (draw(seed, 2) > 0 || !try_to_begin(wait_for_events, monitor))
        scm_monitor_wait(monitor, draw(seed, 3), &event);
    sleep_us(draw(seed, 1000));
    scm_monitor_destroy(monitor);
}

static void use_with_limits(unsigned *seed)
{
    scm_attach_options attaching = SCM_ATTACH_OPTIONS_INIT;
    scm_reconnect_options reconnecting = SCM_RECONNECT_OPTIONS_INIT;
    scm_handle *handle;
    attaching.limit_ms = 1 + draw(seed, 50);
    reconnecting.limit_ms = 1 + draw(seed, 50);
    if (scm_attach_by_ifd_ex(any_ifd(seed), &attaching, &handle) != SCM_S_OK)
        return;
    scm_lock_ex(handle, 1 + draw(seed, 20));
    send(handle);
    scm_reconnect_ex(handle, &reconnecting);
    scm_unlock(handle, SCM_DISPOSITION_LEAVE);
    scm_detach(handle);
}

static void wait_for_the_card(unsigned *seed)
{
    scm_handle *handle = attach(any_ifd(seed));
    scm_lock(handle);
    sleep_us(draw(seed, 3000));
    scm_unlock(handle, draw(seed, 8) == 0 ? SCM_DISPOSITION_RESET : SCM_DISPOSITION_LEAVE);
    scm_detach_ex(handle, draw(seed, 8) == 0 ? SCM_DISPOSITION_RESET : SCM_DISPOSITION_LEAVE);
}

static void call_anything(unsigned *seed)
{
    static scm_handle *_Atomic shared;
    uint8_t bytes[300];
    char text[300];
    size_t length;
    uint32_t number, other;
    uint64_t generation;
    scm_file_access *files;
    scm_handle *handle = shared;
    switch (draw(seed, 16)) {
    case 0: shared = attach(any_ifd(seed)); break;
    case 1: scm_detach(handle); break;
    case 2: scm_list_ifds(text, sizeof text, &length); break;
    case 3: scm_list_ifd_groups(text, sizeof text, &length); break;
    case 4: scm_status(handle, &number, &other); break;
    case 5: scm_get_atr(handle, bytes, sizeof bytes, &length); break;
    case 6: scm_get_attribute(handle, SCM_ATTR_ATR_STRING, bytes, sizeof bytes, &length); break;
    case 7: scm_control(handle, 0x42000D48, NULL, 0, bytes, sizeof bytes, &length); break;
    case 8: scm_reconnect(handle); break;
    case 9: scm_cancel(handle); break;
    case 10: scm_lock_ex(handle, 2); break;
    case 11: scm_unlock(handle, SCM_DISPOSITION_LEAVE); break;
    case 12: scm_get_generation(handle, &generation); break;
    case 13:
        if (scm_create_file_access(handle, &files) == SCM_S_OK)
            scm_file_access_change_dir(files, 0, "/3F00");
        break;
    case 14: watch_for_a_moment(seed); break;
    default: send(handle); break;
    }
}

static void use_the_virtual_card(unsigned *seed)
{
    scm_handle *handle = attach(VIRTUAL_IFD);
    scm_file_access *files;
    scm_file *file;
    uint8_t bytes[64];
    size_t length;
    if (draw(seed, 2) == 0)
        scm_lock(handle);
    send(handle);
    if (scm_create_file_access(handle, &files) == SCM_S_OK && scm_file_access_open(files, 0, "/x", &file) == SCM_S_OK)
        scm_file_read(file, bytes, sizeof bytes, &length, 0);
    scm_reconnect(handle);
    scm_detach(handle);
}

static void be_idle(unsigned *seed)
{
    scm_monitor *monitor;
    (void)seed;
    send(attach(platform_ifd != NULL ? platform_ifd : VIRTUAL_IFD));
    if (scm_monitor_create(&monitor) == SCM_S_OK)
        wait_for_events(monitor);
    pause();
}

/* Between the start of a monitor and its first wait. */
static void begin_to_watch(unsigned *seed)
{
    scm_monitor *monitor;
    (void)seed;
    if (scm_monitor_create(&monitor) == SCM_S_OK)
        wait_for_events(monitor);
}

struct state {
    void (*work)(unsigned *seed);
    int threads;
    unsigned at_least_us, and_us; /* its lifetime */
};

#define VERY_SHORT 2000
#define SHORT 20000

/* In the order of STATES. */
static const struct state STATE[] = {
    {be_idle, 1, 150000, SHORT},         {begin_to_watch, 1, 0, VERY_SHORT}, {watch_for_a_moment, 2, 0, SHORT},
    {attach_and_detach, 4, 0, SHORT},    {use_with_limits, 3, 0, SHORT},      {wait_for_the_card, 3, 0, SHORT},
    {call_anything, 4, 0, SHORT},        {use_the_virtual_card, 3, 0, SHORT}, {use_with_limits, 3, 250000, SHORT},
};

struct worker {
    void (*work)(unsigned *seed);
    unsigned seed;
};

static void *go_on(void *argument)
{
    struct worker *worker = argument;
    for (;;)
        worker->work(&worker->seed);
    return NULL;
}

/* --- The end */

static scm_handle *own;
static scm_monitor *own_monitor;

static void clean_up(void)
{
    scm_monitor_destroy(own_monitor);
    scm_detach(own);
}

static void *end_the_process(void *argument)
{
    (void)argument;
    report_end();
    exit(STATUS);
}

static void *end_in_callback(void *argument)
{
    (void)argument;
    ends_in_callback = true;
    send(attach(LAST_IFD));
    return NULL;
}

static int end(const char *way)
{
    if (strncmp(way, "thread", strlen("thread")) == 0) {
        for (int n = strcmp(way, "threads") == 0 ? 3 : 1; n > 0; n--)
            begin(end_the_process, NULL);
        for (;;)
            pause();
    }
    if (strcmp(way, "callback") == 0) {
        begin(end_in_callback, NULL);
        for (;;)
            pause();
    }
    report_end();
    if (strcmp(way, "quick_exit") == 0)
        quick_exit(STATUS);
    if (strcmp(way, "exec") == 0)
        execl("/bin/sh", "sh", "-c", "exit 42", (char *)NULL);
    if (strcmp(way, "exit") == 0)
        exit(STATUS);
    return STATUS;
}

static int find(const char *const *names, const char *name)
{
    int n = 0;
    while (names[n] != NULL && strcmp(names[n], name) != 0)
        n++;
    return n;
}

int child(const char *state, const char *way, unsigned seed, const char *ifd)
{
    static struct worker workers[8];
    if (STATES[find(STATES, state)] == NULL || WAYS[find(WAYS, way)] == NULL)
        return 2;
    const struct state *now = &STATE[find(STATES, state)];
    callback_seed = seed;
    platform_ifd = ifd[0] == '\0' ? NULL : ifd;
    make_virtual_ifd(VIRTUAL_IFD);
    make_virtual_ifd(LAST_IFD);
    register_provider();
    if (strcmp(way, "atexit") == 0 && draw(&seed, 2) == 0) {
        atexit(clean_up);
        scm_monitor_create(&own_monitor);
    } else if (strcmp(way, "atexit") == 0) {
        scm_monitor_create(&own_monitor);
        own = attach(VIRTUAL_IFD);
        atexit(clean_up);
    }
    report_begin();
    for (int n = 0; n < now->threads; n++) {
        workers[n] = (struct worker){now->work, seed + (unsigned)n};
        begin(go_on, &workers[n]);
    }
    sleep_us(now->at_least_us + draw(&seed, now->and_us));
    return end(way);
}

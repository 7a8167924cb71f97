#include "worker.h"

#include <dirent.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "allowed.h"
#include "bed.h"
#include "scm.h"
#include "wait.h"

/* A call that takes longer hangs: no fault lasts more than a few seconds. */
#define HANGS_MS 30000.0
/* A limit missed by more is not caused by a busy machine. */
#define MUCH_TOO_LATE_MS 2000
/* The reserve of the allocator and of libraries, once: it does not grow with the length of the run. */
#define MEMORY_SLACK (4L * 1024 * 1024)

struct thread {
    struct soak *soak;
    int process, number, reader;
    uint64_t random;
    uint32_t counter;
    _Atomic(scm_handle *) handle;
    int depth; /* the number of locks */
    /* Its call, for the watchdog. */
    atomic_int call;
    _Atomic double since;
    pthread_t id;
};

static struct thread threads[SOAK_THREADS_MAX];
static int how_many;
static atomic_bool is_over;

void soak_fail(struct soak *soak, const char *what, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, what);
    vsnprintf(text, sizeof text, what, arguments);
    va_end(arguments);
    if (soak->failures++ < 50)
        fprintf(stderr, "soak, after %.1f s: %s\n", (now_ms() - soak->start) / 1e3, text);
}

static void begin(struct thread *thread, enum call call)
{
    thread->call = (int)call;
    thread->since = now_ms();
}

/* Checks the code of a call, and its time if it had a limit. */
static scm_result end(struct thread *thread, scm_result result, uint32_t limit_ms)
{
    struct soak *soak = thread->soak;
    enum call call = (enum call)thread->call;
    double late = now_ms() - thread->since - limit_ms;
    thread->call = -1;
    soak->calls++;
    soak->successes += result == SCM_S_OK;
    if (!is_allowed(call, result))
        soak_fail(soak, "%s on reader %d gave %s (%08X)", call_name(call), thread->reader, scm_result_name(result),
                  (unsigned)result);
    /* A limit applies to a wait: a command that the card has is not interrupted. */
    if (limit_ms != SCM_INFINITE && result == SCM_SCARD_E_TIMEOUT && late > 50) {
        soak->late++;
        if ((int)late > soak->latest_ms)
            soak->latest_ms = (int)late;
        if (late > MUCH_TOO_LATE_MS)
            soak_fail(soak, "%s with a limit of %u ms has ended %.0f ms late", call_name(call), (unsigned)limit_ms,
                      late);
    }
    return result;
}

/* A unique echo: process, thread and number. */
static void exchange(struct thread *thread, bool limited)
{
    uint8_t command[13] = {0x80, 0xEC, 0, 0, 8, (uint8_t)thread->process, (uint8_t)thread->number}, response[32];
    size_t length = 77;
    uint32_t number = ++thread->counter, limit = below(&thread->random, 100);
    scm_result result;
    memcpy(command + 9, &number, 4);
    begin(thread, limited ? TRANSMIT_EX : TRANSMIT);
    if (limited)
        result = scm_transmit_ex(thread->handle, command, sizeof command, limit, response, sizeof response, &length);
    else
        result = scm_transmit(thread->handle, command, sizeof command, response, sizeof response, &length);
    end(thread, result, limited ? limit : SCM_INFINITE);
    if (result != SCM_S_OK)
        return;
    thread->soak->answered[thread->reader]++;
    if (length != 10 || memcmp(response, command + 5, 8) != 0)
        soak_fail(thread->soak, "the answer of another command (reader %d, %zu bytes)", thread->reader, length);
}

static void attach(struct thread *thread)
{
    scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
    scm_handle *handle = NULL;
    thread->reader = (int)below(&thread->random, SOAK_READERS);
    options.limit_ms = below(&thread->random, 2) ? 1 + below(&thread->random, 200) : 0;
    begin(thread, ATTACH);
    scm_result result = scm_attach_by_ifd_ex(bed_ifd(thread->reader), &options, &handle);
    end(thread, result, options.limit_ms ? options.limit_ms : SCM_INFINITE);
    thread->handle = handle;
    thread->depth = 0;
}

/* A second attachment on the card handle of the first, for a moment. */
static void borrow(struct thread *thread)
{
    uintptr_t icc;
    scm_handle *borrowed;
    if (scm_get_icc(thread->handle, &icc) != SCM_S_OK)
        return;
    begin(thread, BORROW);
    if (end(thread, scm_attach_by_handle(icc, &borrowed), SCM_INFINITE) != SCM_S_OK)
        return;
    begin(thread, DETACH);
    end(thread, scm_detach(borrowed), SCM_INFINITE);
}

static void reconnect(struct thread *thread, bool limited)
{
    scm_reconnect_options options = SCM_RECONNECT_OPTIONS_INIT;
    if (!limited) {
        begin(thread, RECONNECT);
        end(thread, scm_reconnect(thread->handle), SCM_INFINITE);
        return;
    }
    options.limit_ms = 1 + below(&thread->random, 100);
    if (below(&thread->random, 8) == 0)
        options.initial_action = SCM_DISPOSITION_RESET;
    begin(thread, RECONNECT_EX);
    end(thread, scm_reconnect_ex(thread->handle, &options), options.limit_ms);
}

static void do_something(struct thread *thread)
{
    uint32_t state, protocol, limit = below(&thread->random, 100);
    struct thread *other = &threads[below(&thread->random, (uint32_t)how_many)];
    switch (below(&thread->random, 16)) {
    case 0:
        begin(thread, LOCK);
        thread->depth += end(thread, scm_lock(thread->handle), SCM_INFINITE) == SCM_S_OK;
        break;
    case 1:
        begin(thread, LOCK_EX);
        thread->depth += end(thread, scm_lock_ex(thread->handle, limit), limit) == SCM_S_OK;
        break;
    case 2:
    case 3:
        begin(thread, UNLOCK);
        end(thread, scm_unlock(thread->handle, SCM_DISPOSITION_LEAVE), SCM_INFINITE);
        thread->depth -= thread->depth > 0;
        break;
    case 4:
        begin(thread, STATUS);
        end(thread, scm_status(thread->handle, &state, &protocol), SCM_INFINITE);
        break;
    case 5: reconnect(thread, false); break;
    case 6: reconnect(thread, true); break;
    case 7:
        begin(thread, CANCEL);
        end(thread, scm_cancel(other->handle), SCM_INFINITE);
        break;
    case 8:
        /* The holder of a lock would wait for itself until the limit. */
        if (thread->depth == 0)
            borrow(thread);
        break;
    case 9:
    case 10: exchange(thread, true); break;
    default: exchange(thread, false); break;
    }
}

static void *work(void *argument)
{
    struct thread *thread = argument;
    while (now_ms() < thread->soak->end) {
        attach(thread);
        uint32_t calls = thread->handle == NULL ? 0 : 1 + below(&thread->random, 30);
        while (calls-- > 0 && now_ms() < thread->soak->end)
            do_something(thread);
        scm_handle *handle = thread->handle;
        thread->handle = NULL;
        if (handle != NULL) {
            begin(thread, DETACH);
            end(thread, scm_detach(handle), SCM_INFINITE);
        }
    }
    return NULL;
}

static void *watch(void *unused)
{
    const struct timespec moment = {.tv_nsec = 100000000};
    (void)unused;
    while (!is_over) {
        for (int i = 0; i < how_many; i++)
            if (threads[i].call >= 0 && now_ms() - threads[i].since > HANGS_MS) {
                fprintf(stderr, "soak: thread %d of process %d hangs in %s on reader %d\n", i, threads[i].process,
                        call_name((enum call)threads[i].call), threads[i].reader);
                abort();
            }
        nanosleep(&moment, NULL);
    }
    return NULL;
}

static int entries(const char *directory)
{
    int count = 0;
    DIR *stream = opendir(directory);
    if (stream == NULL)
        return -1;
    while (readdir(stream) != NULL)
        count++;
    closedir(stream);
    return count;
}

long memory_in_use(void)
{
    return (long)mallinfo2().uordblks;
}

void soak_compare_memory(struct soak *soak, long before)
{
    long growth = memory_in_use() - before;
    if (growth > MEMORY_SLACK)
        soak_fail(soak, "%ld bytes of memory are in use that were not before", growth);
}

/* The library frees its threads for abandoned calls one second after the last one. */
static void wait_until_back(struct soak *soak, const char *directory, int before)
{
    const struct timespec moment = {.tv_nsec = 20000000};
    double start = now_ms();
    while (entries(directory) > before && now_ms() - start < 15000)
        nanosleep(&moment, NULL);
    if (entries(directory) > before)
        soak_fail(soak, "%s has %d entries, and had %d", directory, entries(directory), before);
}

void worker_run(struct soak *soak, int number, int count)
{
    pthread_t watchdog;
    for (int reader = 0; reader < SOAK_READERS; reader++)
        bed_ifd(reader);
    long memory = memory_in_use();
    int fds = entries("/proc/self/fd"), tasks = entries("/proc/self/task");
    how_many = count;
    for (int i = 0; i < count; i++) {
        threads[i] = (struct thread){.soak = soak, .process = number, .number = i, .call = -1};
        threads[i].random = soak->seed ^ (uint64_t)(number * SOAK_THREADS_MAX + i + 1) << 32;
    }
    for (int i = 0; i < count; i++)
        if (pthread_create(&threads[i].id, NULL, work, &threads[i]) != 0)
            abort();
    if (pthread_create(&watchdog, NULL, watch, NULL) != 0)
        abort();
    for (int i = 0; i < count; i++)
        pthread_join(threads[i].id, NULL);
    is_over = true;
    pthread_join(watchdog, NULL);
    wait_until_back(soak, "/proc/self/fd", fds);
    wait_until_back(soak, "/proc/self/task", tasks);
    /* The cards of virtual readers and their logs are in this process too. */
    if (!bed_is_virtual())
        soak_compare_memory(soak, memory);
}

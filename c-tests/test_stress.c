/* Random calls from several threads on a few attachments to two virtual readers and on their objects. Meanwhile true
 * and false codes are injected, cards are reset, removed and mute, and every function of the program makes calls:
 * callbacks of cards, hooks, ciphers, the functions of providers. No call is much later than its limit, and none hangs:
 * a watchdog prints the call of each thread, and ends the program.
 *
 *   test_stress --virtual SECONDS [SEED] */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "scm_virtual.h"
#include "support/provider.h"
#include "support/wait.h"

enum {
    READERS = 2,
    SLOTS = 5,
    WORKERS = 6,
    /* The maximum number of threads in calls without a limit, so that other threads can release what they wait for. */
    ENDLESS = 3,
    NESTED = 8,
};

/* The maximum delay of a call after its limit, and the maximum duration of a call without one. */
#define LATE_MS 5000.0
#define HANGS_MS 30000.0

static const char *const IFDS[READERS] = {"Stress A", "Stress B"};

/* An attachment, or none; any thread may use it. */
static struct slot {
    _Atomic(scm_handle *) handle;
    atomic_int locks, locker;
    /* Objects made for the attachment. They end with it. */
    _Atomic(scm_card_auth *) auth;
    _Atomic(scm_file_access *) files;
    _Atomic(scm_file *) file;
} slots[SLOTS];

static _Atomic(scm_monitor *) monitor;

/* A call of a thread, possibly in the callback of another one. The watchdog reads it meanwhile. */
struct frame {
    const char *_Atomic name;
    atomic_int slot;
    _Atomic(uint32_t) limit;
    _Atomic(double) since;
};

static struct thread {
    pthread_t id;
    uint64_t random;
    struct frame frames[NESTED];
    atomic_int depth;
    /* The number of nested callbacks of cards, where nothing may wait. */
    int callbacks;
    /* The number of other nested functions of the program. */
    int functions;
    unsigned long long calls;
    double latest;
} threads[WORKERS];

static _Thread_local struct thread *me;
static scm_virtual_ifd *ifds[READERS];
static atomic_bool mute[READERS], is_over, is_watched = true;
static atomic_int endless;
static uint64_t seed;

static uint32_t below(uint64_t *random, uint32_t bound)
{
    *random ^= *random << 13, *random ^= *random >> 7, *random ^= *random << 17;
    return (uint32_t)(*random >> 33) % bound;
}

static void dump(const char *why)
{
    fprintf(stderr, "stress: seed %" PRIu64 ": %s\n", seed, why);
    for (int i = 0; i < WORKERS; i++)
        for (int frame = 0; frame < threads[i].depth && frame < NESTED; frame++) {
            const struct frame *in = &threads[i].frames[frame];
            fprintf(stderr, "  thread %d: %*s%s on slot %d (%p), limit %u, for %.0f ms\n", i, 2 * frame, "", in->name,
                    in->slot, in->slot < 0 ? NULL : (void *)slots[in->slot].handle, (unsigned)in->limit,
                        now_ms() - in->since);
        }
    for (int i = 0; i < SLOTS; i++)
        fprintf(stderr, "  slot %d: %p, locked %d times, last by thread %d\n", i, (void *)slots[i].handle,
                slots[i].locks, slots[i].locker);
    abort();
}

/* Enters a call. False if there are enough calls without a limit. */
static bool begin(const char *name, int slot, uint32_t limit)
{
    if (me->depth >= NESTED - 1)
        return false;
    /* From a callback nothing waits, with or without a limit. */
    if (limit == SCM_INFINITE && me->callbacks == 0 && atomic_fetch_add(&endless, 1) >= ENDLESS) {
        atomic_fetch_sub(&endless, 1);
        return false;
    }
    struct frame *frame = &me->frames[me->depth];
    frame->name = name;
    frame->slot = slot;
    frame->limit = limit;
    frame->since = now_ms();
    atomic_fetch_add(&me->depth, 1);
    return true;
}

static scm_result end(scm_result result)
{
    const struct frame *frame = &me->frames[atomic_fetch_sub(&me->depth, 1) - 1];
    double took = now_ms() - frame->since, late = took - frame->limit;
    me->calls++;
    if (frame->limit == SCM_INFINITE && me->callbacks == 0)
        atomic_fetch_sub(&endless, 1);
    else if (frame->limit != SCM_INFINITE && result == SCM_SCARD_E_TIMEOUT && late > me->latest)
        me->latest = late;
    if (me->callbacks > 0 && took > LATE_MS)
        dump("a call from a callback has waited");
    return result;
}

static void call_anything(void);

/* In a function of the program that is no callback of a card. */
static void maybe_go_on(void)
{
    if (me == NULL || me->functions > 3 || below(&me->random, 2))
        return;
    me->functions++;
    call_anything();
    me->functions--;
}

static scm_result hook(void *user, scm_handle *handle, uint64_t generation)
{
    (void)user, (void)handle, (void)generation;
    maybe_go_on();
    return SCM_S_OK;
}

static scm_result cipher(void *user, const uint8_t *challenge, size_t challenge_length, uint8_t *answer,
                         size_t capacity, size_t *answer_length)
{
    (void)user, (void)challenge, (void)challenge_length, (void)capacity;
    maybe_go_on();
    memset(answer, 0, 8);
    *answer_length = 8;
    return SCM_S_OK;
}

static void enter_provider(enum provider_function function)
{
    (void)function;
    maybe_go_on();
}

/* --- The calls */

static const uint8_t COMMAND[] = {0x00, 0xA4, 0x00, 0x00};

static void attach(int slot)
{
    scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
    scm_handle *handle = NULL;
    int lender = (int)below(&me->random, SLOTS);
    uint32_t kind = below(&me->random, 4);
    uintptr_t icc;
    if (slots[slot].handle != NULL)
        return;
    options.limit_ms = 1 + below(&me->random, 100);
    if (kind < 2) {
        options.share_mode = below(&me->random, 12) ? SCM_SHARE_SHARED : SCM_SHARE_DIRECT;
        if (!begin("attach_by_ifd", slot, options.limit_ms))
            return;
        end(scm_attach_by_ifd_ex(IFDS[below(&me->random, READERS)], &options, &handle));
    } else {
        if (scm_get_icc(slots[lender].handle, &icc) != SCM_S_OK || !begin("attach_by_handle", slot, options.limit_ms))
            return;
        options.flags = kind == 3 && below(&me->random, 4) == 0 ? SCM_ATTACH_ADOPT : 0;
        end(scm_attach_by_handle_ex(icc, &options, &handle));
    }
    scm_handle *none = NULL;
    if (handle != NULL && !atomic_compare_exchange_strong(&slots[slot].handle, &none, handle))
        scm_detach(handle);
}

static void detach(int slot)
{
    /* More often in a function of the program, for which it may have to wait. */
    uint32_t disposition = below(&me->random, me->functions > 0 ? 2 : 4) ? SCM_DISPOSITION_LEAVE
        : SCM_DISPOSITION_RESET;
    if (!begin("detach_ex", slot, SCM_INFINITE))
        return;
    scm_handle *handle = atomic_exchange(&slots[slot].handle, NULL);
    scm_result result = end(scm_detach_ex(handle, disposition));
    /* It still exists: a borrowed one, or in a function of the program. */
    if (result == SCM_E_INVALIDARG || result == SCM_SCARD_E_NOT_READY)
        scm_detach(handle);
    slots[slot].locks = 0;
}

static void note_lock(int slot, scm_result result)
{
    if (result == SCM_S_OK) {
        slots[slot].locks++;
        slots[slot].locker = (int)(me - threads);
    }
}

static void lock(int slot, bool limited)
{
    uint32_t limit = limited ? below(&me->random, 60) : SCM_INFINITE;
    if (begin("lock", slot, limit))
        note_lock(slot, end(limited ? scm_lock_ex(slots[slot].handle, limit) : scm_lock(slots[slot].handle)));
}

static void unlock(int slot)
{
    const uint32_t dispositions[] = {SCM_DISPOSITION_LEAVE, SCM_DISPOSITION_LEAVE, SCM_DISPOSITION_RESET,
        SCM_DISPOSITION_UNPOWER};
    /* This would also end the lock of a call in a hook or a cipher, and so hide a wait for that lock. */
    if (slots[slot].locks <= 0 && below(&me->random, 50) != 0)
        return;
    if (!begin("unlock", slot, SCM_INFINITE))
        return;
    if (end(scm_unlock(slots[slot].handle, dispositions[below(&me->random, 4)])) != SCM_SCARD_E_NOT_TRANSACTED)
        slots[slot].locks--;
}

static void exchange(int slot, bool limited)
{
    uint8_t response[16];
    size_t length;
    uint32_t limit = limited ? below(&me->random, 60) : SCM_INFINITE;
    scm_handle *handle = slots[slot].handle;
    if (!begin("transmit", slot, limit))
        return;
    if (limited)
        end(scm_transmit_ex(handle, COMMAND, sizeof COMMAND, limit, response, sizeof response, &length));
    else
        end(scm_transmit(handle, COMMAND, sizeof COMMAND, response, sizeof response, &length));
}

static void send(int slot)
{
    scm_command command = SCM_COMMAND_INIT;
    scm_send_options options = SCM_SEND_OPTIONS_INIT;
    size_t length;
    uint16_t word;
    command.ins = 0xA4;
    options.select_callback = hook;
    options.limit_ms = 1 + below(&me->random, 60);
    if (begin("send", slot, options.limit_ms))
        end(scm_send_ex(slots[slot].handle, &command, &options, NULL, 0, &length, &word));
}

static void reconnect(int slot, bool limited)
{
    scm_reconnect_options options = SCM_RECONNECT_OPTIONS_INIT;
    options.limit_ms = limited ? 1 + below(&me->random, 60) : 0;
    if (below(&me->random, 6) == 0)
        options.initial_action = below(&me->random, 2) ? SCM_DISPOSITION_RESET : SCM_DISPOSITION_UNPOWER;
    /* Exclusive use waits until all others have left, which may be never. */
    if (limited && below(&me->random, 6) == 0)
        options.share_mode = 1 + below(&me->random, 3);
    if (begin("reconnect", slot, limited ? options.limit_ms : SCM_INFINITE))
        end(scm_reconnect_ex(slots[slot].handle, &options));
}

static void ask(int slot, uint32_t what)
{
    uint32_t state, protocol;
    uint8_t value[264];
    size_t length;
    scm_handle *handle = slots[slot].handle;
    if (!begin(what == 0 ? "status" : what == 1 ? "control" : what == 2 ? "get_attribute" : "get_last_response", slot,
               SCM_INFINITE))
        return;
    switch (what) {
    case 0: end(scm_status(handle, &state, &protocol)); break;
    case 1: end(scm_control(handle, scm_ctl_code(1), NULL, 0, value, sizeof value, &length)); break;
    case 2: end(scm_get_attribute(handle, 0x00010100, value, sizeof value, &length)); break;
    default: end(scm_get_last_response(handle, NULL, 0, &length)); break;
    }
}

static void authenticate(int slot)
{
    scm_card_auth_options options = SCM_CARD_AUTH_OPTIONS_INIT;
    scm_card_auth *auth = slots[slot].auth, *none = NULL;
    options.cipher_callback = cipher;
    options.challenge_length = 8;
    if (!begin("card_auth", slot, SCM_INFINITE))
        return;
    if (auth == NULL || below(&me->random, 8) == 0) {
        (void)scm_card_auth_release(atomic_exchange(&slots[slot].auth, NULL));
        if (end(scm_create_card_auth(slots[slot].handle, &auth)) == SCM_S_OK &&
            !atomic_compare_exchange_strong(&slots[slot].auth, &none, auth))
            (void)scm_card_auth_release(auth);
    } else if (below(&me->random, 2)) {
        end(scm_card_auth_app_auth_ex(auth, 0, 0, 0, &options));
    } else {
        end(scm_card_auth_icc_auth_ex(auth, 0, 0, 0, &options));
    }
}

static void read_file(int slot)
{
    uint8_t data[8];
    size_t length;
    scm_file *file = slots[slot].file;
    scm_file_access *files = slots[slot].files;
    if (!begin("file", slot, SCM_INFINITE))
        return;
    switch (below(&me->random, 6)) {
    case 0:
        end(scm_create_file_access(slots[slot].handle, &files));
        (void)scm_file_access_release(atomic_exchange(&slots[slot].files, files));
        break;
    case 1:
        end(scm_file_access_open(files, 0, "/x", &file));
        (void)scm_file_close(atomic_exchange(&slots[slot].file, file));
        break;
    case 2: end(scm_file_close(file)); break;
    default: end(scm_file_read(file, data, sizeof data, &length, 0)); break;
    }
}

static void watch_readers(void)
{
    scm_event event = SCM_EVENT_INIT;
    scm_monitor *watched = monitor;
    uint32_t limit = below(&me->random, 20);
    switch (below(&me->random, 4)) {
    case 0:
        if (begin("monitor_create", -1, SCM_INFINITE)) {
            end(scm_monitor_create(&watched));
            (void)scm_monitor_destroy(atomic_exchange(&monitor, watched));
        }
        break;
    default:
        if (begin("monitor_wait", -1, limit))
            end(scm_monitor_wait(watched, limit, &event));
        break;
    }
}

static void call_anything(void)
{
    int slot = (int)below(&me->random, SLOTS);
    bool limited = below(&me->random, 4) != 0;
    switch (below(&me->random, 26)) {
    case 0: case 1: case 2: attach(slot); break;
    case 3: detach(slot); break;
    case 4: case 5: lock(slot, limited); break;
    case 6: case 7: case 8: unlock(slot); break;
    case 9: case 10: case 11: exchange(slot, limited); break;
    case 12: send(slot); break;
    case 13: case 14: case 15: reconnect(slot, limited); break;
    case 16: (void)scm_cancel(slots[slot].handle); break;
    case 17: case 18: authenticate(slot); break;
    case 19: case 20: case 21: read_file(slot); break;
    case 22: watch_readers(); break;
    default: ask(slot, below(&me->random, 4)); break;
    }
}

/* --- The cards */

static void maybe_call(void)
{
    if (me == NULL || me->callbacks > 2 || below(&me->random, 4) != 0)
        return;
    me->callbacks++;
    call_anything();
    me->callbacks--;
}

static scm_result transmit(void *user, const uint8_t *command, size_t command_length, uint8_t *response,
                           size_t capacity, size_t *response_length)
{
    size_t length = command_length > 1 && command[1] == 0x84 ? 8 : 0;
    (void)user, (void)capacity;
    maybe_call();
    memset(response, 7, length);
    memcpy(response + length, "\x90\x00", 2);
    *response_length = length + 2;
    return SCM_S_OK;
}

static scm_result control(void *user, uint32_t code, const uint8_t *input, size_t input_length, uint8_t *output,
                          size_t capacity, size_t *output_length)
{
    (void)user, (void)code, (void)input, (void)input_length, (void)output, (void)capacity;
    maybe_call();
    *output_length = 0;
    return SCM_S_OK;
}

static scm_result power(void *user, uint32_t event)
{
    (void)event;
    maybe_call();
    return mute[(intptr_t)user] ? SCM_E_FAIL : SCM_S_OK;
}

static void insert(intptr_t reader)
{
    static const uint8_t atr[] = {0x3B, 0x80, 0x80, 0x01, 0x01};
    scm_virtual_card card = SCM_VIRTUAL_CARD_INIT;
    card.user_data = (void *)reader;
    card.atr = atr;
    card.atr_length = sizeof atr;
    card.transmit = transmit;
    card.control = control;
    card.power = power;
    (void)scm_virtual_ifd_insert(ifds[reader], &card);
}

/* --- The faults */

static const scm_result CODES[] = {
    SCM_SCARD_W_REMOVED_CARD,   SCM_SCARD_E_READER_UNAVAILABLE, SCM_SCARD_E_NO_SERVICE,
               SCM_SCARD_E_INVALID_HANDLE,
    SCM_SCARD_W_RESET_CARD,     SCM_SCARD_W_UNPOWERED_CARD,     SCM_SCARD_W_UNRESPONSIVE_CARD, SCM_SCARD_E_NO_SMARTCARD,
    SCM_SCARD_F_COMM_ERROR,     SCM_SCARD_E_NOT_TRANSACTED,     SCM_SCARD_E_SHARING_VIOLATION,
        SCM_SCARD_E_PROTO_MISMATCH,
    SCM_SCARD_E_SERVICE_STOPPED, SCM_SCARD_E_INVALID_VALUE,     SCM_SCARD_E_TIMEOUT,
};

static void disturb(uint64_t *random)
{
    intptr_t reader = below(random, READERS);
    uint32_t operation = 1 + below(random, 10), code = below(random, sizeof CODES / sizeof *CODES);
    switch (below(random, 16)) {
    case 0: (void)scm_virtual_ifd_reset(ifds[reader], SCM_DISPOSITION_RESET); break;
    case 1: (void)scm_virtual_ifd_reset(ifds[reader], SCM_DISPOSITION_UNPOWER); break;
    case 2:
        (void)scm_virtual_ifd_remove(ifds[reader]);
        insert(reader);
        break;
    case 3:
        mute[reader] = true;
        (void)scm_virtual_ifd_reset(ifds[reader], SCM_DISPOSITION_RESET);
        break;
    case 4: case 5: mute[reader] = false; break;
    case 6:
        if (below(random, 20) == 0) {
            (void)scm_virtual_service_stop();
            (void)scm_virtual_service_start();
        }
        break;
    default: (void)scm_virtual_ifd_fail(ifds[reader], operation, CODES[code], below(random, 3),
                                        1 + below(random, 2)); break;
    }
}

static void *work(void *thread)
{
    me = thread;
    while (!is_over)
        call_anything();
    return NULL;
}

static void *watch(void *unused)
{
    const struct timespec moment = {.tv_nsec = 100000000};
    (void)unused;
    while (is_watched) {
        for (int i = 0; i < WORKERS; i++)
            for (int frame = 0; frame < threads[i].depth; frame++) {
                const struct frame *in = &threads[i].frames[frame];
                /* A frame of another call, read during its change, is late for one check only. */
                double since = in->since, limit = in->limit == SCM_INFINITE ? HANGS_MS - LATE_MS : in->limit;
                /* The hook of a call takes its time; that is no wait. */
                if (frame + 1 == threads[i].depth && now_ms() - since > limit + LATE_MS && in->since == since)
                    dump("a call hangs");
            }
        nanosleep(&moment, NULL);
    }
    return NULL;
}

/* Nobody has a reader any more. */
static bool is_free(int reader)
{
    scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
    scm_handle *handle;
    scm_result result;
    double start = now_ms();
    options.share_mode = SCM_SHARE_EXCLUSIVE;
    options.limit_ms = 1000;
    do
        result = scm_attach_by_ifd_ex(IFDS[reader], &options, &handle);
    while (result != SCM_S_OK && now_ms() - start < 10000);
    if (result != SCM_S_OK)
        fprintf(stderr, "stress: reader %d is not free: %s\n", reader, scm_result_name(result));
    else
        scm_detach(handle);
    return result == SCM_S_OK;
}

/* Releases everything that threads wait for, until none waits. */
static void finish(pthread_t watchdog)
{
    is_over = true;
    for (int reader = 0; reader < READERS; reader++) {
        mute[reader] = false;
        for (uint32_t operation = 1; operation <= 10; operation++)
            (void)scm_virtual_ifd_fail(ifds[reader], operation, SCM_SCARD_F_COMM_ERROR, 0, 0);
    }
    for (int slot = 0; slot < SLOTS; slot++)
        (void)scm_detach(atomic_exchange(&slots[slot].handle, NULL));
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i].id, NULL);
    for (int slot = 0; slot < SLOTS; slot++)
        (void)scm_detach(atomic_exchange(&slots[slot].handle, NULL));
    is_watched = false;
    pthread_join(watchdog, NULL);
    (void)scm_monitor_destroy(monitor);
}

int main(int argc, char **argv)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    int seconds = argc > 2 ? atoi(argv[2]) : 0;
    pthread_t watchdog;
    if (seconds < 1 || argc > 4 || strcmp(argv[1], "--virtual") != 0) {
        fprintf(stderr, "usage: %s --virtual SECONDS [SEED]\n", argv[0]);
        return 2;
    }
    seed = argc > 3 ? strtoull(argv[3], NULL, 10) : (uint64_t)time(NULL) * 1000003 + (uint64_t)getpid();
    printf("stress: seed %" PRIu64 ", %d seconds\n", seed, seconds);
    fflush(stdout);
    if (provider_register(enter_provider) != SCM_S_OK)
        return 1;
    for (intptr_t reader = 0; reader < READERS; reader++) {
        if (scm_virtual_ifd_create(IFDS[reader], NULL, &ifds[reader]) != SCM_S_OK)
            return 1;
        insert(reader);
    }
    for (int i = 0; i < WORKERS; i++) {
        threads[i].random = (seed + 1) * 0x9E3779B97F4A7C15u * (uint64_t)(2 * i + 3);
        if (pthread_create(&threads[i].id, NULL, work, &threads[i]) != 0)
            abort();
    }
    if (pthread_create(&watchdog, NULL, watch, NULL) != 0)
        abort();
    uint64_t random = (seed + 1) * 0xD1342543DE82EF95u;
    for (double start = now_ms(); now_ms() - start < 1e3 * seconds; nanosleep(&moment, NULL))
        disturb(&random);
    finish(watchdog);

    unsigned long long calls = 0;
    double latest = 0;
    bool free = true;
    for (int i = 0; i < WORKERS; i++) {
        calls += threads[i].calls;
        latest = threads[i].latest > latest ? threads[i].latest : latest;
    }
    for (int reader = 0; reader < READERS; reader++) {
        free = is_free(reader) && free;
        (void)scm_virtual_ifd_destroy(ifds[reader]);
    }
    printf("stress: %llu calls, the latest %.0f ms after its limit\n", calls, latest);
    return free && calls > 100 ? 0 : 1;
}

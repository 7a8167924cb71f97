/* Waits: the order in which attachments of one process get their reader, the duration of a wait, and its
 * cancellation. */
#include "support/check.h"
#include "support/owner.h"
#include "support/wait.h"

#include <sched.h>

#define CARD 0
#define OTHER 1

/* A limit that no call may come near, even on a busy machine: the benchmark measures real delays. */
#define LATE_MS 2000

static const uint8_t MARK[] = {0x80, 0xEC, 0x00, 0x00, 0x01, 0x77};

static scm_result transmit_ex(scm_handle *handle, uint32_t timeout_ms)
{
    uint8_t response[16];
    size_t length = 77;
    scm_result result = scm_transmit_ex(handle, MARK, sizeof MARK, timeout_ms, response, sizeof response, &length);
    assert_int_equal(length, result == SCM_S_OK ? 3 : 0);
    return result;
}

static scm_result attach_within(int reader, uint32_t timeout_ms, scm_handle **handle)
{
    scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
    options.limit_ms = timeout_ms;
    scm_result result = scm_attach_by_ifd_ex(bed_ifd(reader), &options, handle);
    assert_true((result == SCM_S_OK) == (*handle != NULL));
    return result;
}

static scm_result reconnect_within(scm_handle *handle, uint32_t timeout_ms, uint32_t share_mode,
                                   uint32_t initial_action)
{
    scm_reconnect_options options = SCM_RECONNECT_OPTIONS_INIT;
    options.limit_ms = timeout_ms;
    options.share_mode = share_mode;
    options.initial_action = initial_action;
    return scm_reconnect_ex(handle, &options);
}

/* The reader reports at once that another has a lock on the card. */
static bool is_taken(scm_handle *handle)
{
    uint8_t value[64];
    size_t length;
    scm_result result = scm_get_attribute(handle, atr_attribute(), value, sizeof value, &length);
    assert_true(result == SCM_S_OK || result == SCM_SCARD_E_SHARING_VIOLATION);
    return result != SCM_S_OK;
}

/* Nobody has the card or is about to get it: exclusive use is possible. */
static void assert_free(int reader)
{
    scm_handle *handle;
    scm_attach_options exclusive = SCM_ATTACH_OPTIONS_INIT;
    scm_result result;
    exclusive.share_mode = SCM_SHARE_EXCLUSIVE;
    double start = now_ms();
    do
        result = scm_attach_by_ifd_ex(bed_ifd(reader), &exclusive, &handle);
    while (result == SCM_SCARD_E_SHARING_VIOLATION && now_ms() - start < 5 * LATE_MS);
    assert_result(result, SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

#define assert_in_time(start, limit) \
    assert_true(now_ms() - (start) >= (limit) && now_ms() - (start) < (limit) + LATE_MS)

/* --- The waiting calls, on threads */

static scm_result lock(void *handle) { return scm_lock(handle); }
static scm_result transmit(void *handle) { return echo(handle); }
static scm_result transmit_for_ever(void *handle) { return transmit_ex(handle, SCM_INFINITE); }
static scm_result reconnect(void *handle)
{
    return reconnect_within(handle, SCM_INFINITE, 0, SCM_DISPOSITION_RESET);
}
static scm_result reconnect_by_default(void *handle) { return reconnect_within(handle, 0, 0, SCM_DISPOSITION_RESET); }
static scm_result take(void *handle)
{
    return reconnect_within(handle, SCM_INFINITE, SCM_SHARE_EXCLUSIVE, SCM_DISPOSITION_LEAVE);
}
static scm_result take_by_default(void *handle)
{
    return reconnect_within(handle, 0, SCM_SHARE_EXCLUSIVE, SCM_DISPOSITION_LEAVE);
}
static scm_result status(void *handle)
{
    uint32_t card_state, protocol;
    return scm_status(handle, &card_state, &protocol);
}

/* --- The arbiter */

enum { ROUNDS = 20, CONTENDERS = 4 };

static atomic_int order[CONTENDERS * ROUNDS], places, ready;

struct contender {
    scm_handle *handle;
    int number;
};

static scm_result contend(void *argument)
{
    struct contender *contender = argument;
    ready++;
    while (ready < CONTENDERS)
        sched_yield();
    for (int i = 0; i < ROUNDS; i++) {
        scm_result result = scm_lock(contender->handle);
        if (result != SCM_S_OK)
            return result;
        order[places++] = contender->number;
        result = echo(contender->handle);
        double start = now_ms();
        while (now_ms() - start < 1)
            sched_yield();
        scm_unlock(contender->handle, SCM_DISPOSITION_LEAVE);
        if (result != SCM_S_OK)
            return result;
    }
    return SCM_S_OK;
}

static void the_first_request_is_served_first(void **state)
{
    (void)state;
    struct contender contenders[CONTENDERS];
    struct wait waits[CONTENDERS];
    places = ready = 0;
    for (int i = 0; i < CONTENDERS; i++) {
        contenders[i] = (struct contender){attach(CARD), i};
        wait_begin(&waits[i], contend, &contenders[i]);
    }
    for (int i = 0; i < CONTENDERS; i++)
        assert_result(wait_end(&waits[i]), SCM_S_OK);
    /* After a release a thread stands behind the waiting ones. A delayed thread comes late, and no thread may come
     * first too often: each waits no longer than one turn of all others, while all want the card. */
    int seen[CONTENDERS] = {0}, ahead = 0;
    for (int i = 0; i < places; i++) {
        seen[order[i]]++;
        for (int other = 0; other < CONTENDERS; other++)
            if (seen[order[i]] - seen[other] > ahead)
                ahead = seen[order[i]] - seen[other];
    }
    assert_int_equal(places, CONTENDERS * ROUNDS);
    assert_true(ahead <= ROUNDS / 2);
    for (int i = 0; i < CONTENDERS; i++)
        assert_result(scm_detach(contenders[i].handle), SCM_S_OK);
}

static void everything_waits_for_a_lock_in_this_process(void **state)
{
    (void)state;
    scm_result (*const calls[])(void *) = {lock, transmit, status, transmit_for_ever, reconnect, reconnect_by_default};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct wait wait;
        scm_handle *holder = attach(CARD), *waiter = attach(CARD);
        assert_result(scm_lock(holder), SCM_S_OK);
        wait_begin(&wait, calls[i], waiter);
        assert_true(wait_is_reached(&wait));
        assert_result(echo(holder), SCM_S_OK);
        assert_result(scm_unlock(holder, SCM_DISPOSITION_LEAVE), SCM_S_OK);
        assert_result(wait_end(&wait), SCM_S_OK);
        assert_result(scm_detach(waiter), SCM_S_OK);
        assert_result(scm_detach(holder), SCM_S_OK);
    }
}

/* In libpcsclite, calls on two handles of one context stop the process if one waits for the other's transaction: here
 * they never do. */
static void two_borrowed_handles_of_one_context(void **state)
{
    (void)state;
    struct owner own = connect_card(CARD), other = {0};
    uintptr_t second;
    SCARDHANDLE icc;
    DWORD protocol;
    if (bed_is_virtual()) {
        other = connect_card(CARD);
        second = other.icc;
    } else {
        assert_int_equal(SCardConnect((SCARDCONTEXT)own.context, bed_ifd(CARD), SCARD_SHARE_SHARED, SCARD_PROTOCOL_ANY,
                                      &icc, &protocol),
                         SCARD_S_SUCCESS);
        second = (uintptr_t)icc;
    }
    scm_handle *holder, *waiter;
    struct wait wait;
    assert_result(scm_attach_by_handle(own.icc, &holder), SCM_S_OK);
    assert_result(scm_attach_by_handle(second, &waiter), SCM_S_OK);
    for (int i = 0; i < 10; i++) {
        assert_result(scm_lock(holder), SCM_S_OK);
        wait_begin(&wait, transmit, waiter);
        assert_true(wait_is_reached(&wait));
        assert_result(echo(holder), SCM_S_OK);
        assert_result(scm_unlock(holder, SCM_DISPOSITION_LEAVE), SCM_S_OK);
        assert_result(wait_end(&wait), SCM_S_OK);
    }
    assert_result(scm_detach(holder), SCM_S_OK);
    assert_result(scm_detach(waiter), SCM_S_OK);
    if (bed_is_virtual())
        owner_leave(&other);
    owner_leave(&own);
}

enum { CONTEXTS = 2, HANDLES = 2, EXCHANGES = 60 };

static scm_result use_a_lot(void *handle)
{
    for (int i = 0; i < EXCHANGES; i++) {
        scm_result result = i % 3 ? echo(handle) : scm_lock_ex(handle, SCM_INFINITE);
        if (result == SCM_S_OK && i % 3 == 0) {
            result = echo(handle);
            scm_unlock(handle, SCM_DISPOSITION_LEAVE);
        }
        if (result != SCM_S_OK)
            return result;
    }
    return SCM_S_OK;
}

static scm_result follow_events(void *monitor)
{
    for (;;) {
        scm_event event = SCM_EVENT_INIT;
        scm_result result = scm_monitor_wait(monitor, SCM_INFINITE, &event);
        if (result != SCM_S_OK)
            return result;
    }
}

static uintptr_t connect_in(const struct owner *owner, int reader)
{
    SCARDHANDLE icc;
    DWORD protocol;
    assert_int_equal(SCardConnect((SCARDCONTEXT)owner->context, bed_ifd(reader), SCARD_SHARE_SHARED, SCARD_PROTOCOL_ANY,
                                  &icc, &protocol),
                     SCARD_S_SUCCESS);
    return (uintptr_t)icc;
}

/* Both traps of libpcsclite at once: threads use several card handles of one context of the caller on two readers, with
 * locks, beside attachments with their own contexts, while other threads wait for events. */
static void many_threads_on_borrowed_handles_and_monitors(void **state)
{
    (void)state;
    struct owner owners[CONTEXTS * HANDLES] = {{0}};
    scm_handle *handles[CONTEXTS * HANDLES + 2];
    scm_monitor *monitors[2];
    struct wait users[CONTEXTS * HANDLES + 2], watchers[2];
    for (int i = 0; i < 2; i++) {
        assert_result(scm_monitor_create(&monitors[i]), SCM_S_OK);
        wait_begin(&watchers[i], follow_events, monitors[i]);
    }
    for (int i = 0; i < CONTEXTS * HANDLES; i++) {
        /* The first handle of a context is for one reader, the next for the other. */
        int first = i - i % HANDLES, reader = i % 2 ? OTHER : CARD;
        if (bed_is_virtual() || i == first)
            owners[i] = connect_card(reader);
        uintptr_t icc = bed_is_virtual() || i == first ? owners[i].icc : connect_in(&owners[first], reader);
        assert_result(scm_attach_by_handle(icc, &handles[i]), SCM_S_OK);
    }
    handles[CONTEXTS * HANDLES] = attach(CARD);
    handles[CONTEXTS * HANDLES + 1] = attach(OTHER);
    for (int i = 0; i < CONTEXTS * HANDLES + 2; i++)
        wait_begin(&users[i], use_a_lot, handles[i]);
    for (int i = 0; i < CONTEXTS * HANDLES + 2; i++) {
        assert_result(wait_end(&users[i]), SCM_S_OK);
        assert_result(scm_detach(handles[i]), SCM_S_OK);
    }
    for (int i = 0; i < CONTEXTS * HANDLES; i++)
        if (owners[i].icc != 0)
            owner_leave(&owners[i]);
    for (int i = 0; i < 2; i++) {
        assert_result(scm_monitor_destroy(monitors[i]), SCM_S_OK);
        assert_result(wait_end(&watchers[i]), SCM_SCARD_E_CANCELLED);
    }
}

/* --- Deadlines */

/* The tested limits: zero, and long enough for several questions. */
static const uint32_t LIMITS[] = {0, 1, 60};

static void a_lock_is_waited_for_so_long(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    assert_result(scm_lock_ex(handle, 0), SCM_S_OK);
    assert_result(scm_lock_ex(handle, 0), SCM_S_OK); /* its own lock is no obstacle */
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    bed("hold %d transaction", CARD);
    for (size_t i = 0; i < sizeof LIMITS / sizeof *LIMITS; i++) {
        double start = now_ms();
        assert_result(scm_lock_ex(handle, LIMITS[i]), SCM_SCARD_E_TIMEOUT);
        assert_in_time(start, LIMITS[i]);
        assert_true(is_taken(handle)); /* at once, as before */
        assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_SCARD_E_NOT_TRANSACTED);
    }
    bed("release %d leave", CARD);
    assert_result(scm_lock_ex(handle, LATE_MS), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_int_equal(generation(handle), 0);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_free(CARD);
}

static void a_lock_in_this_process_is_waited_for_so_long(void **state)
{
    (void)state;
    scm_handle *holder = attach(CARD), *handle = attach(CARD);
    assert_result(scm_lock(holder), SCM_S_OK);
    for (size_t i = 0; i < sizeof LIMITS / sizeof *LIMITS; i++) {
        double start = now_ms();
        assert_result(scm_lock_ex(handle, LIMITS[i]), SCM_SCARD_E_TIMEOUT);
        assert_in_time(start, LIMITS[i]);
        assert_result(transmit_ex(handle, LIMITS[i]), SCM_SCARD_E_TIMEOUT);
        assert_result(reconnect_within(handle, 1, 0, SCM_DISPOSITION_RESET), SCM_SCARD_E_TIMEOUT);
    }
    assert_result(scm_unlock(holder, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_lock_ex(handle, 0), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_detach(holder), SCM_S_OK);
    assert_free(CARD);
}

static void a_command_that_was_not_sent_in_time_is_never_sent(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    assert_result(transmit_ex(handle, 0), SCM_S_OK);
    bed("card %d clear", CARD);
    bed("hold %d transaction", CARD);
    for (size_t i = 0; i < sizeof LIMITS / sizeof *LIMITS; i++) {
        double start = now_ms();
        assert_result(transmit_ex(handle, LIMITS[i]), SCM_SCARD_E_TIMEOUT);
        assert_in_time(start, LIMITS[i]);
    }
    bed("release %d leave", CARD);
    assert_result(transmit_ex(handle, LATE_MS), SCM_S_OK);
    assert_int_equal(bed_count(CARD), 1);
    assert_result(scm_lock(handle), SCM_S_OK);
    assert_result(transmit_ex(handle, 0), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_transmit_ex(handle, MARK, 3, 0, NULL, 0, &(size_t){0}), SCM_E_INVALIDARG);
    assert_result(scm_transmit_ex(handle, MARK, sizeof MARK, 0, NULL, 0, NULL), SCM_E_POINTER);
    assert_result(scm_transmit_ex(NULL, MARK, sizeof MARK, 0, NULL, 0, &(size_t){0}), SCM_E_HANDLE);
    assert_int_equal(generation(handle), 0);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_free(CARD);
}

/* A limit applies to the wait for others, and does not interrupt a command that the card has. */
static void the_card_takes_its_time(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    bed("card %d delay 150", CARD);
    double start = now_ms();
    assert_result(transmit_ex(handle, 10), SCM_S_OK);
    assert_in_time(start, 150);
    bed("card %d delay 0", CARD);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void attaching_is_waited_for_so_long(void **state)
{
    (void)state;
    scm_handle *handle;
    assert_result(attach_within(CARD, 1000, &handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    bed("hold %d transaction", CARD);
    for (int i = 0; i < 3; i++) {
        double start = now_ms();
        assert_result(attach_within(CARD, 40, &handle), SCM_SCARD_E_TIMEOUT);
        assert_in_time(start, 40);
    }
    /* A problem of one reader does not affect another. */
    assert_result(attach_within(OTHER, 1000, &handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    bed("release %d leave", CARD);
    assert_result(attach_within(CARD, LATE_MS, &handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_free(CARD); /* the late connections are closed */
}

static void a_reconnect_is_waited_for_so_long(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    bed("hold %d transaction", CARD);
    double start = now_ms();
    assert_result(reconnect_within(handle, 60, 0, SCM_DISPOSITION_UNPOWER), SCM_SCARD_E_TIMEOUT);
    assert_in_time(start, 60);
    assert_true(is_taken(handle));
    bed("release %d leave", CARD);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(reconnect_within(handle, LATE_MS, 0, SCM_DISPOSITION_RESET), SCM_S_OK);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

/* A call that the resource manager still executes after the limit does not disturb: a new connection replaces it. */
static void exclusive_use_is_waited_for_so_long(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD), *other = attach(CARD);
    double start = now_ms();
    assert_result(reconnect_within(handle, 60, SCM_SHARE_EXCLUSIVE, SCM_DISPOSITION_LEAVE), SCM_SCARD_E_TIMEOUT);
    assert_in_time(start, 60);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(echo(other), SCM_S_OK);
    assert_result(scm_detach(other), SCM_S_OK);
    assert_result(echo(handle), SCM_S_OK);
    other = attach(CARD); /* nobody has exclusive use after all */
    assert_result(scm_detach(other), SCM_S_OK);
    assert_result(reconnect_within(handle, LATE_MS, SCM_SHARE_EXCLUSIVE, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_free(CARD);
}

static scm_result lock_for_a_moment(void *handle) { return scm_lock_ex(handle, 60); }

/* A call of another thread on the same handle counts as another, too. */
static void a_busy_handle_is_waited_for_so_long(void **state)
{
    (void)state;
    struct wait busy, wait;
    scm_handle *handle = attach(CARD);
    bed("card %d clear", CARD);
    bed("card %d delay 60000", CARD);
    wait_begin(&busy, transmit, handle);
    bed_await_command(CARD);
    double start = now_ms();
    wait_begin(&wait, lock_for_a_moment, handle);
    assert_result(wait_end(&wait), SCM_SCARD_E_TIMEOUT);
    assert_in_time(start, 60);
    wait_begin(&wait, lock, handle);
    assert_true(wait_is_reached(&wait));
    assert_result(scm_cancel(handle), SCM_S_OK);
    assert_result(wait_end(&wait), SCM_SCARD_E_CANCELLED);
    bed("card %d delay 0", CARD);
    assert_result(wait_end(&busy), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

/* The whole service hangs, and no call with a limit does. */
static void limits_hold_while_the_service_hangs(void **state)
{
    (void)state;
    if (bed_is_virtual())
        return; /* a virtual service does not hang; its calls can, see below */
    scm_handle *handle = attach(CARD), *late;
    bed("daemon freeze");
    for (int i = 0; i < 3; i++) {
        double start = now_ms();
        assert_result(scm_lock_ex(handle, 50), SCM_SCARD_E_TIMEOUT);
        assert_in_time(start, 50);
        assert_result(transmit_ex(handle, 50), SCM_SCARD_E_TIMEOUT);
        assert_result(attach_within(CARD, 50, &late), SCM_SCARD_E_TIMEOUT);
        assert_result(attach_within(OTHER, 50, &late), SCM_SCARD_E_TIMEOUT);
        assert_in_time(start, 200);
    }
    double start = now_ms();
    assert_result(reconnect_within(handle, 50, 0, SCM_DISPOSITION_LEAVE), SCM_SCARD_E_TIMEOUT);
    assert_in_time(start, 50);
    bed("daemon thaw");
    assert_result(reconnect_within(handle, LATE_MS, 0, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(attach_within(CARD, LATE_MS, &late), SCM_S_OK);
    assert_result(scm_detach(late), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_free(CARD);
    assert_free(OTHER);
}

/* --- Cancel */

static void a_cancel_ends_a_wait_for_this_process(void **state)
{
    (void)state;
    scm_result (*const calls[])(void *) = {lock, transmit, status, transmit_for_ever, reconnect, reconnect_by_default};
    scm_handle *holder = attach(CARD), *waiter = attach(CARD);
    assert_result(scm_lock(holder), SCM_S_OK);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct wait wait;
        wait_begin(&wait, calls[i], waiter);
        assert_true(wait_is_reached(&wait));
        assert_result(scm_cancel(waiter), SCM_S_OK);
        assert_result(wait_end(&wait), SCM_SCARD_E_CANCELLED);
        /* Before the wait begins. */
        assert_result(scm_cancel(waiter), SCM_S_OK);
        assert_result(calls[i](waiter), SCM_SCARD_E_CANCELLED);
    }
    assert_result(scm_unlock(holder, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(echo(waiter), SCM_S_OK);
    assert_int_equal(generation(waiter), 0);
    assert_result(scm_detach(waiter), SCM_S_OK);
    assert_result(scm_detach(holder), SCM_S_OK);
    assert_free(CARD);
}

static void a_cancel_ends_a_wait_for_another_process(void **state)
{
    (void)state;
    scm_result (*const calls[])(void *) = {lock, transmit_for_ever, reconnect, reconnect_by_default};
    scm_handle *waiter = attach(CARD);
    bed("card %d clear", CARD);
    bed("hold %d transaction", CARD);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct wait wait;
        wait_begin(&wait, calls[i], waiter);
        assert_true(wait_is_reached(&wait));
        assert_result(scm_cancel(waiter), SCM_S_OK);
        assert_result(wait_end(&wait), SCM_SCARD_E_CANCELLED);
        assert_result(scm_cancel(waiter), SCM_S_OK);
        assert_result(calls[i](waiter), SCM_SCARD_E_CANCELLED);
        assert_true(is_taken(waiter));
    }
    bed("release %d leave", CARD);
    assert_result(echo(waiter), SCM_S_OK);
    assert_int_equal(bed_count(CARD), 1);
    assert_result(scm_detach(waiter), SCM_S_OK);
    assert_free(CARD);
}

static void a_cancel_ends_a_wait_for_exclusive_use(void **state)
{
    (void)state;
    scm_result (*const calls[])(void *) = {take, take_by_default};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct wait wait;
        scm_handle *waiter = attach(CARD), *other = attach(CARD);
        wait_begin(&wait, calls[i], waiter);
        assert_true(wait_is_reached(&wait));
        assert_result(scm_cancel(waiter), SCM_S_OK);
        assert_result(wait_end(&wait), SCM_SCARD_E_CANCELLED);
        assert_result(echo(waiter), SCM_S_OK);
        assert_result(echo(other), SCM_S_OK);
        assert_result(scm_detach(waiter), SCM_S_OK);
        assert_result(scm_detach(other), SCM_S_OK);
        assert_free(CARD);
    }
}

/* It applies to the next wait, after any number of calls without a wait. */
static void a_cancel_is_kept_for_the_next_wait(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    assert_result(scm_cancel(handle), SCM_S_OK);
    assert_result(scm_cancel(handle), SCM_S_OK); /* two are one */
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_lock(handle), SCM_S_OK);
    assert_result(scm_lock(handle), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    bed("hold %d transaction", CARD);
    assert_result(scm_lock(handle), SCM_SCARD_E_CANCELLED);
    assert_result(scm_lock_ex(handle, 10), SCM_SCARD_E_TIMEOUT);
    bed("release %d leave", CARD);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_cancel(handle), SCM_E_HANDLE);
    assert_result(scm_cancel(NULL), SCM_E_HANDLE);
    assert_result(scm_lock_ex(NULL, 0), SCM_E_HANDLE);
}

/* The code tells what happened to the card meanwhile, not that the time is up. */
static void a_card_that_leaves_ends_a_wait(void **state)
{
    (void)state;
    struct wait wait;
    scm_handle *holder = attach(CARD), *waiter = attach(CARD);
    assert_result(scm_lock(holder), SCM_S_OK);
    wait_begin(&wait, lock, waiter);
    assert_true(wait_is_reached(&wait));
    bed("remove %d", CARD);
    assert_result(wait_end(&wait), SCM_SCARD_W_REMOVED_CARD);
    bed("insert %d steerable", CARD);
    /* The lock of the holder left with the card, whether it noticed or not. */
    assert_result(reconnect_within(waiter, LATE_MS, 0, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_lock_ex(waiter, LATE_MS), SCM_S_OK);
    assert_result(scm_unlock(waiter, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_unlock(holder, SCM_DISPOSITION_LEAVE), SCM_SCARD_W_REMOVED_CARD);
    assert_result(scm_detach(waiter), SCM_S_OK);
    assert_result(scm_detach(holder), SCM_S_OK);
    assert_free(CARD);
}

static int insert(void **state)
{
    (void)state;
    bed("insert %d steerable", CARD);
    bed("insert %d steerable", OTHER);
    return 0;
}

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_request_is_served_first),
        cmocka_unit_test(everything_waits_for_a_lock_in_this_process),
        cmocka_unit_test(two_borrowed_handles_of_one_context),
        cmocka_unit_test(many_threads_on_borrowed_handles_and_monitors),
        cmocka_unit_test(a_lock_is_waited_for_so_long),
        cmocka_unit_test(a_lock_in_this_process_is_waited_for_so_long),
        cmocka_unit_test(a_command_that_was_not_sent_in_time_is_never_sent),
        cmocka_unit_test(the_card_takes_its_time),
        cmocka_unit_test(attaching_is_waited_for_so_long),
        cmocka_unit_test(a_reconnect_is_waited_for_so_long),
        cmocka_unit_test(exclusive_use_is_waited_for_so_long),
        cmocka_unit_test(a_busy_handle_is_waited_for_so_long),
        cmocka_unit_test(limits_hold_while_the_service_hangs),
        cmocka_unit_test(a_cancel_ends_a_wait_for_this_process),
        cmocka_unit_test(a_cancel_ends_a_wait_for_another_process),
        cmocka_unit_test(a_cancel_ends_a_wait_for_exclusive_use),
        cmocka_unit_test(a_cancel_is_kept_for_the_next_wait),
        cmocka_unit_test(a_card_that_leaves_ends_a_wait),
    };
    return cmocka_run_group_tests(tests, insert, NULL);
}

/* In libpcsclite all threads of a process share one copy of the reader states, and a late thread writes an old answer
 * there. This test makes threads late at the harmful moment: it holds the threads of monitors between the answer of
 * pcscd and the copy, and releases one each time during a question about a card.
 *
 * From 2.0.1 on libpcsclite has a lock for the copy. So only one monitor can be held, and the question waits for it.
 * From 2.5 on monitors ask pcscd themselves: none can be held, and all continue. */
#define _GNU_SOURCE /* syscall */
#include "support/check.h"
#include "support/owner.h"
#include "support/wait.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CARD 0
#define OTHER 1
#define OLD_ATR "3B80800101"
#define MONITORS 2

/* Nothing else that is read here is as long as the states of all readers. */
#define STATES_MIN 1024

/* The threads of the tests, and the one that asks the library. */
static _Thread_local bool is_ours, asks;

/* This thread's last read was of the states. */
static _Thread_local bool has_states;

/* The place of the held threads. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    int to_hold, held, let_go, gone; /* the number of threads */
} gate = {.mutex = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};

static void wait_at_gate(void)
{
    int number = gate.held++;
    gate.to_hold--;
    pthread_cond_broadcast(&gate.moved);
    while (gate.let_go <= number)
        pthread_cond_wait(&gate.moved, &gate.mutex);
}

/* Returns when the held threads have written. */
static void let_go(int how_many)
{
    gate.let_go += how_many;
    pthread_cond_broadcast(&gate.moved);
    while (gate.gone < gate.let_go)
        pthread_cond_wait(&gate.moved, &gate.mutex);
}

/* libpcsclite reads its answers with this function. It has polled, so the answer is there. */
ssize_t read(int fd, void *buffer, size_t length)
{
    bool is_of_states = length >= STATES_MIN, waits = false;
    pthread_mutex_lock(&gate.mutex);
    if (is_ours) {
        /* SCardStatus gets all states, and asks about its card before it uses them. */
        if (asks && has_states && !is_of_states && gate.let_go < gate.held)
            let_go(1);
        has_states = is_of_states;
    } else if (is_of_states && gate.to_hold > 0) {
        waits = true;
        wait_at_gate();
    }
    pthread_mutex_unlock(&gate.mutex);
    ssize_t got = syscall(SYS_read, fd, buffer, length);
    if (waits) {
        pthread_mutex_lock(&gate.mutex);
        gate.gone++;
        pthread_cond_broadcast(&gate.moved);
        pthread_mutex_unlock(&gate.mutex);
    }
    return got;
}

static void hold_next(void)
{
    pthread_mutex_lock(&gate.mutex);
    gate.held = gate.let_go = gate.gone = 0;
    gate.to_hold = MONITORS;
    pthread_mutex_unlock(&gate.mutex);
}

static scm_monitor *monitors[MONITORS];

/* Waits for an event about a card. True if there was one. */
static bool has_told(scm_monitor *monitor, uint32_t timeout_ms)
{
    scm_event event = SCM_EVENT_INIT;
    while (scm_monitor_wait(monitor, timeout_ms, &event) == SCM_S_OK) {
        if (event.kind == SCM_EVENT_CARD_INSERTED || event.kind == SCM_EVENT_CARD_REMOVED)
            return true;
    }
    return false;
}

static bool all_others_are_asleep(void)
{
    bool asleep = true;
    DIR *threads = opendir("/proc/self/task");
    assert_non_null(threads);
    for (struct dirent *entry; (entry = readdir(threads)) != NULL;) {
        int thread = atoi(entry->d_name);
        asleep = asleep && (thread == 0 || thread == gettid() || thread_is_asleep(thread));
    }
    closedir(threads);
    return asleep;
}

static int held(void)
{
    pthread_mutex_lock(&gate.mutex);
    int held = gate.held;
    pthread_mutex_unlock(&gate.mutex);
    return held;
}

/* Returns when each monitor is held, has reported, or waits for the lock of a held one. */
static void await_held(void)
{
    const struct timespec millisecond = {.tv_nsec = 1000000};
    bool told[MONITORS] = {false};
    for (int asleep_ms = 0; asleep_ms < 100;) {
        int ready = held();
        for (int i = 0; i < MONITORS; i++) {
            told[i] = told[i] || has_told(monitors[i], 0);
            ready += told[i];
        }
        if (ready >= MONITORS)
            return;
        asleep_ms = held() > 0 && all_others_are_asleep() ? asleep_ms + 1 : 0;
        nanosleep(&millisecond, NULL);
    }
}

/* If a lock prevents holding a thread, none is late. */
static bool all_are_held(void)
{
    return held() == MONITORS;
}

static void hold_no_more(void)
{
    pthread_mutex_lock(&gate.mutex);
    gate.to_hold = 0;
    let_go(gate.held - gate.let_go);
    gate.held = gate.let_go = gate.gone = 0;
    pthread_mutex_unlock(&gate.mutex);
}

/* The question, and whether a thread was late during it. */
struct question {
    scm_result (*call)(void *);
    void *argument;
    bool was_harmed;
};

static scm_result ask(void *argument)
{
    struct question *question = argument;
    is_ours = asks = true;
    scm_result result = question->call(question->argument);
    pthread_mutex_lock(&gate.mutex);
    question->was_harmed = gate.let_go > 0;
    pthread_mutex_unlock(&gate.mutex);
    return result;
}

/* The result of the call during which the held threads write, or which waits for the held one. */
static scm_result harmed(scm_result (*call)(void *), void *argument)
{
    struct wait wait;
    struct question question = {call, argument, false};
    wait_begin(&wait, ask, &question);
    bool waits = wait_is_reached(&wait);
    pthread_mutex_lock(&gate.mutex);
    bool can_harm = gate.held > 0;
    gate.to_hold = 0;
    let_go(gate.held - gate.let_go);
    pthread_mutex_unlock(&gate.mutex);
    scm_result result = wait_end(&wait);
    assert_true(waits || question.was_harmed || !can_harm);
    return result;
}

/* Each has reported the card, so it has a thread that waits or is about to. */
static int begin(void **state)
{
    (void)state;
    bed("insert %d steerable " OLD_ATR, CARD);
    for (int i = 0; i < MONITORS; i++) {
        assert_result(scm_monitor_create(&monitors[i]), SCM_S_OK);
        assert_true(has_told(monitors[i], SCM_INFINITE));
    }
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (int i = 0; i < MONITORS; i++)
        assert_result(scm_monitor_destroy(monitors[i]), SCM_S_OK);
    bed("remove %d", CARD);
    return 0;
}

struct attaching {
    uintptr_t icc;
    scm_handle *handle;
};

static scm_result by_handle(void *argument)
{
    struct attaching *attaching = argument;
    return scm_attach_by_handle(attaching->icc, &attaching->handle);
}

static scm_result by_ifd(void *argument)
{
    struct attaching *attaching = argument;
    return scm_attach_by_ifd(bed_ifd(CARD), &attaching->handle);
}

static scm_result status(void *handle)
{
    uint32_t card_state, protocol;
    scm_result result = scm_status(handle, &card_state, &protocol);
    return result == SCM_S_OK && (card_state == SCM_STATE_ABSENT || protocol == 0) ? SCM_E_UNEXPECTED : result;
}

/* Before the connection the card had no protocol. */
static void a_borrowed_handle_keeps_its_protocol(void **state)
{
    (void)state;
    hold_next();
    bed("insert %d steerable", OTHER);
    await_held();
    struct owner owner = connect_card(CARD);
    struct attaching attaching = {.icc = owner.icc};
    assert_result(harmed(by_handle, &attaching), SCM_S_OK);
    assert_result(echo(attaching.handle), SCM_S_OK);
    assert_result(scm_detach(attaching.handle), SCM_S_OK);
    owner_leave(&owner);
    bed("remove %d", OTHER);
}

/* Before, there was no card or another one. */
static void a_card_that_has_come_is_there(void **state)
{
    (void)state;
    struct attaching attaching = {0};
    uint8_t atr[SCM_ATR_MAX];
    size_t length = 0;
    hold_next();
    bed("remove %d", CARD);
    await_held();
    bed("insert %d steerable 3B8001813A", CARD);
    assert_result(harmed(by_ifd, &attaching), SCM_S_OK);
    scm_handle *handle = attaching.handle;
    assert_result(scm_get_atr(handle, atr, sizeof atr, &length), SCM_S_OK);
    assert_int_equal(length, 5);
    assert_memory_equal(atr, "\x3B\x80\x01\x81\x3A", 5);
    assert_int_equal(generation(handle), 0);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

/* The same card, in use all the time. */
static void a_card_that_is_used_has_not_left(void **state)
{
    (void)state;
    hold_next();
    bed("remove %d", CARD);
    await_held();
    bed("insert %d steerable", CARD);
    /* An attach asks too. */
    if (!all_are_held())
        hold_no_more();
    scm_handle *handle = attach(CARD);
    assert_result(harmed(status, handle), SCM_S_OK);
    assert_int_equal(generation(handle), 0);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

int main(int argc, char **argv)
{
    is_ours = true;
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_borrowed_handle_keeps_its_protocol, begin, end),
        cmocka_unit_test_setup_teardown(a_card_that_has_come_is_there, begin, end),
        cmocka_unit_test_setup_teardown(a_card_that_is_used_has_not_left, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

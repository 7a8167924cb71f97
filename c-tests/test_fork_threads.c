/* Forks of a process whose other threads are in the middle of everything. In each child virtual readers work, alone and in lists and
 * monitors; the parent and its threads go on. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "support/check.h"
#include "support/wait.h"
#include "scm_virtual.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <winscard.h>

#define THREADS 8
#define READERS 4

/* How far a child came, where the parent sees it. */
static const char *volatile *step;
static atomic_bool is_over;
static const char *names[READERS];

#define STEP(CALL) (*step = #CALL, (CALL))

static scm_result transmit_card(void *user, const uint8_t *command, size_t command_length, uint8_t *response,
                                size_t capacity, size_t *response_length)
{
    (void)user, (void)command, (void)command_length, (void)capacity;
    memcpy(response, "\x90\x00", 2);
    *response_length = 2;
    return SCM_S_OK;
}

static scm_result power_card(void *user, uint32_t event)
{
    (void)user, (void)event;
    return SCM_S_OK;
}

static scm_result exchange(scm_handle *handle)
{
    static const uint8_t command[] = {0x80, 0xEC, 0x00, 0x00, 0x02, 0xCA, 0xFE};
    uint8_t response[16];
    size_t length;
    return scm_transmit(handle, command, sizeof command, response, sizeof response, &length);
}

static bool is_listed(const char *name)
{
    char list[4096];
    size_t length;
    if (SCM_FAILED(STEP(scm_list_ifds(list, sizeof list, &length))))
        return false;
    for (const char *each = list; *each != '\0'; each += strlen(each) + 1)
        if (strcmp(each, name) == 0)
            return true;
    return false;
}

static bool is_told_of(scm_monitor *monitor, const char *name)
{
    scm_event event = SCM_EVENT_INIT;
    do {
        if (STEP(scm_monitor_wait(monitor, 20000, &event)) != SCM_S_OK)
            return false;
    } while (event.kind != SCM_EVENT_CARD_INSERTED || strcmp(event.ifd_name, name) != 0);
    return true;
}

/* Whether virtual readers work. */
static bool live_in_child(void)
{
    static const uint8_t atr[] = {0x3B, 0x80, 0x80, 0x01, 0x01};
    const char *name = "Child";
    scm_virtual_ifd *ifd;
    scm_handle *handle;
    scm_monitor *monitor;
    scm_virtual_card card = SCM_VIRTUAL_CARD_INIT;
    card.atr = atr;
    card.atr_length = sizeof atr;
    card.transmit = transmit_card;
    card.power = power_card;
    return STEP(scm_virtual_ifd_create(name, NULL, &ifd)) == SCM_S_OK &&
           STEP(scm_virtual_ifd_insert(ifd, &card)) == SCM_S_OK &&
           STEP(scm_attach_by_ifd(name, &handle)) == SCM_S_OK && STEP(exchange(handle)) == SCM_S_OK &&
           STEP(scm_lock_ex(handle, 20000)) == SCM_S_OK && STEP(scm_unlock(handle, SCM_DISPOSITION_RESET)) == SCM_S_OK &&
           STEP(scm_reconnect(handle)) == SCM_S_OK && is_listed(name) &&
           STEP(scm_monitor_create(&monitor)) == SCM_S_OK && is_told_of(monitor, name) &&
           STEP(scm_monitor_destroy(monitor)) == SCM_S_OK && STEP(scm_detach(handle)) == SCM_S_OK &&
           STEP(scm_virtual_ifd_destroy(ifd)) == SCM_S_OK;
}

/* Attaches, exchanges, locks, detaches. */
static void *be_busy(void *argument)
{
    int reader = (int)(intptr_t)argument % READERS;
    while (!is_over) {
        scm_handle *handle;
        size_t length;
        if (scm_attach_by_ifd(names[reader], &handle) != SCM_S_OK)
            return "attach";
        if (exchange(handle) != SCM_S_OK)
            return "exchange";
        if (scm_lock(handle) != SCM_S_OK || scm_unlock(handle, SCM_DISPOSITION_LEAVE) != SCM_S_OK)
            return "lock";
        if (scm_list_ifds(NULL, 0, &length) != SCM_S_OK)
            return "list";
        if (scm_detach(handle) != SCM_S_OK)
            return "detach";
    }
    return NULL;
}

static void virtual_readers_work_in_every_child(void **state)
{
    (void)state;
    const char *asked = getenv("SCM_TEST_FORKS");
    int forks = asked != NULL ? atoi(asked) : 100, bad = 0;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, be_busy, (void *)(intptr_t)i), 0);
    for (int i = 0; i < forks; i++) {
        int status;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            alarm(30); /* It hangs. */
            _exit(!live_in_child());
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (status != 0)
            print_error("child %d of %d: status 0x%X in %s\n", ++bad, i + 1, status, *step);
    }
    is_over = true;
    for (int i = 0; i < THREADS; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        if (failed != NULL)
            print_error("a thread of the parent failed to %s\n", (const char *)failed);
        assert_null(failed);
    }
    assert_int_equal(bad, 0);
}

static scm_result attach_and_detach(void *name)
{
    scm_handle *handle;
    scm_result result = scm_attach_by_ifd(name, &handle);
    return result == SCM_S_OK ? scm_detach(handle) : result;
}

/* Past the library. */
static scm_result establish(void *nothing)
{
    (void)nothing;
    SCARDCONTEXT context;
    if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS)
        return SCM_E_FAIL;
    return SCardReleaseContext(context) == SCARD_S_SUCCESS ? SCM_S_OK : SCM_E_FAIL;
}

/* The question for the states of the readers, for which pcsc-lite 2 has a mutex. */
static scm_result ask_for_states(void *handle)
{
    uint32_t state, protocol;
    return scm_status(handle, &state, &protocol);
}

/* The daemon hangs, and a thread waits for it with a mutex of libpcsclite. */
static void fork_during(scm_result (*call)(void *), void *argument)
{
    struct wait wait;
    int status;
    bed("daemon freeze");
    wait_begin(&wait, call, argument);
    assert_true(wait_is_reached(&wait));
    pid_t pid = fork();
    if (pid == 0) {
        alarm(30);
        _exit(!(live_in_child() && attach_and_detach((void *)names[0]) == SCM_SCARD_E_NO_SERVICE));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    bed("daemon thaw");
    assert_result(wait_end(&wait), SCM_S_OK);
    if (status != 0)
        print_error("status 0x%X in %s\n", status, *step);
    assert_int_equal(status, 0);
}

static void a_child_does_without_a_mutex_that_it_inherits_locked(void **state)
{
    (void)state;
    if (bed_is_virtual())
        skip();
    fork_during(attach_and_detach, (void *)names[0]);
    fork_during(establish, NULL);
    scm_handle *handle = attach(0);
    fork_during(ask_for_states, handle);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static int insert_cards(void **state)
{
    (void)state;
    step = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(step, MAP_FAILED);
    for (int reader = 0; reader < READERS; reader++) {
        bed("insert %d steerable", reader);
        names[reader] = bed_ifd(reader);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_does_without_a_mutex_that_it_inherits_locked),
        cmocka_unit_test(virtual_readers_work_in_every_child),
    };
    bed_make(argc, argv);
    return cmocka_run_group_tests(tests, insert_cards, NULL);
}

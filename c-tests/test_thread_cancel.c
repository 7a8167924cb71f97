/* Threads that are cancelled during calls: the call ends first, and leaves no lock of the library, of libpcsclite or of
 * the card behind. */
#include "support/check.h"
#include "scm_virtual.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define THREADS 4
#define ROUNDS 300

static const uint8_t ECHO[] = {0x80, 0xEC, 0x00, 0x00, 0x02, 0xCA, 0xFE};

static scm_result transmit(scm_handle *handle)
{
    uint8_t response[16];
    size_t length;
    return scm_transmit(handle, ECHO, sizeof ECHO, response, sizeof response, &length);
}

static scm_result transmit_with_limit(scm_handle *handle)
{
    uint8_t response[16];
    size_t length;
    return scm_transmit_ex(handle, ECHO, sizeof ECHO, 10000, response, sizeof response, &length);
}

/* --- Every call with a pending cancellation */

static struct {
    const char *call;
    scm_result result;
} calls[100];
static atomic_int how_many;
static const char *names[2]; /* of the readers; the question for it is a cancellation point */

static scm_result note(const char *call, scm_result result)
{
    calls[how_many].call = call;
    calls[how_many].result = result;
    how_many++;
    return result;
}
#define NOTE(CALL) note(#CALL, (CALL))

static scm_result cipher(void *user, const uint8_t *challenge, size_t challenge_length, uint8_t *answer,
                         size_t capacity, size_t *answer_length)
{
    (void)user, (void)challenge, (void)challenge_length, (void)capacity;
    answer[0] = 1;
    *answer_length = 1;
    return SCM_S_OK;
}

static scm_result answer_card(void *user, const uint8_t *command, size_t command_length, uint8_t *response,
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

static void call_virtual_readers(void)
{
    static const uint8_t atr[] = {0x3B, 0x80, 0x80, 0x01, 0x01};
    scm_virtual_ifd *ifd = NULL;
    scm_virtual_card card = SCM_VIRTUAL_CARD_INIT;
    scm_virtual_failure delay = SCM_VIRTUAL_FAILURE_INIT;
    scm_handle *handle;
    size_t length;
    card.atr = atr;
    card.atr_length = sizeof atr;
    card.transmit = answer_card;
    card.power = power_card;
    delay.delay_ms = 5;
    delay.count = 1;
    NOTE(scm_virtual_ifd_create("Cancelled", NULL, &ifd));
    NOTE(scm_virtual_ifd_insert(ifd, &card));
    NOTE(scm_attach_by_ifd("Cancelled", &handle));
    NOTE(scm_virtual_ifd_fail_ex(ifd, SCM_VIRTUAL_TRANSMIT, &delay));
    NOTE(transmit(handle));
    NOTE(scm_virtual_ifd_get_log(ifd, NULL, 0, &length));
    NOTE(scm_virtual_ifd_reset(ifd, SCM_DISPOSITION_RESET));
    NOTE(scm_virtual_ifd_remove(ifd));
    NOTE(scm_detach(handle));
    NOTE(scm_virtual_ifd_destroy(ifd));
}

static void call_monitor(void)
{
    scm_monitor *monitor = NULL;
    scm_event event = SCM_EVENT_INIT;
    int32_t fd;
    NOTE(scm_monitor_create(&monitor));
    NOTE(scm_monitor_wait(monitor, 10000, &event));
    NOTE(scm_monitor_get_fd(monitor, &fd));
    NOTE(scm_monitor_cancel(monitor));
    NOTE(scm_monitor_destroy(monitor));
}

static void call_card(void)
{
    scm_handle *handle = NULL, *borrowed = NULL;
    uintptr_t icc;
    uint8_t value[264];
    uint32_t state, protocol;
    size_t length;
    scm_reconnect_options reset = SCM_RECONNECT_OPTIONS_INIT;
    scm_attach_options patient = SCM_ATTACH_OPTIONS_INIT;
    scm_card_auth_options options = SCM_CARD_AUTH_OPTIONS_INIT;
    scm_card_auth *auth = NULL;
    reset.initial_action = SCM_DISPOSITION_RESET;
    patient.limit_ms = 10000;
    options.cipher_callback = cipher;
    NOTE(scm_attach_by_ifd(names[0], &handle));
    NOTE(scm_status(handle, &state, &protocol));
    NOTE(scm_get_attribute(handle, atr_attribute(), value, sizeof value, &length));
    NOTE(transmit(handle));
    NOTE(scm_get_last_response(handle, NULL, 0, &length));
    NOTE(scm_lock(handle));
    NOTE(transmit(handle));
    NOTE(scm_unlock(handle, SCM_DISPOSITION_LEAVE));
    NOTE(scm_lock_ex(handle, 10000));
    NOTE(scm_unlock(handle, SCM_DISPOSITION_RESET));
    NOTE(transmit_with_limit(handle));
    NOTE(scm_reconnect(handle));
    NOTE(scm_reconnect_ex(handle, &reset));
    NOTE(scm_get_icc(handle, &icc));
    NOTE(scm_attach_by_handle(icc, &borrowed));
    NOTE(transmit(borrowed));
    NOTE(scm_detach(borrowed));
    NOTE(scm_create_card_auth(handle, &auth));
    (void)scm_card_auth_icc_auth_ex(auth, 0, NULL, 0, &options); /* The card has no keys. */
    NOTE(scm_detach_ex(handle, SCM_DISPOSITION_RESET));
    NOTE(scm_attach_by_ifd_ex(names[0], &patient, &handle));
    NOTE(scm_detach(handle));
}

static void *call_everything(void *nothing)
{
    size_t length;
    (void)nothing;
    pthread_cancel(pthread_self());
    NOTE(scm_list_ifds(NULL, 0, &length));
    NOTE(scm_list_ifd_groups(NULL, 0, &length));
    call_virtual_readers();
    call_monitor();
    call_card();
    pthread_testcancel();
    return NULL;
}

static void a_cancelled_thread_comes_back_from_every_call(void **state)
{
    (void)state;
    pthread_t thread;
    void *value;
    how_many = 0;
    assert_int_equal(pthread_create(&thread, NULL, call_everything, NULL), 0);
    assert_int_equal(pthread_join(thread, &value), 0);
    assert_ptr_equal(value, PTHREAD_CANCELED);
    for (int i = 0; i < how_many; i++)
        check_result(calls[i].result, SCM_S_OK, calls[i].call, __FILE__, __LINE__);
    assert_string_equal(calls[how_many - 1].call, "scm_detach(handle)");
    assert_int_equal(how_many, 2 + 10 + 5 + 21);
    assert_nobody_holds_the_card(0);
}

/* --- Cancelled at any moment */

struct worker {
    pthread_t thread;
    int reader;
    scm_handle *handle; /* the card handle of the attachment */
    scm_result failure;
};

static void *work(void *argument)
{
    struct worker *worker = argument;
    for (;;) {
        scm_handle *handle = NULL;
        scm_result result = scm_attach_by_ifd(names[worker->reader], &handle);
        worker->handle = handle;
        if (result == SCM_S_OK)
            result = transmit(handle);
        if (result == SCM_S_OK)
            result = scm_lock(handle);
        if (result == SCM_S_OK) {
            result = transmit(handle);
            scm_result unlocked = scm_unlock(handle, SCM_DISPOSITION_LEAVE);
            result = result == SCM_S_OK ? unlocked : result;
        }
        if (result == SCM_S_OK)
            result = transmit_with_limit(handle);
        if (result == SCM_S_OK)
            result = scm_reconnect(handle);
        pthread_testcancel();
        worker->handle = NULL;
        scm_result detached = scm_detach(handle);
        worker->failure = result != SCM_S_OK ? result : detached;
        if (worker->failure != SCM_S_OK)
            return NULL;
    }
}

static void a_thread_may_be_cancelled_at_any_moment(void **state)
{
    (void)state;
    struct worker workers[THREADS] = {0};
    unsigned seed = 1;
    for (int i = 0; i < THREADS; i++) {
        workers[i].reader = i % 2;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int round = 0; round < ROUNDS; round++) {
        struct worker *worker = &workers[rand_r(&seed) % THREADS];
        struct timespec moment = {.tv_nsec = rand_r(&seed) % 1000000};
        void *value;
        nanosleep(&moment, NULL); /* any moment is as good as another */
        assert_int_equal(pthread_cancel(worker->thread), 0);
        assert_int_equal(pthread_join(worker->thread, &value), 0);
        assert_result(worker->failure, SCM_S_OK);
        assert_ptr_equal(value, PTHREAD_CANCELED);
        if (worker->handle != NULL)
            assert_result(scm_detach(worker->handle), SCM_S_OK);
        worker->handle = NULL;
        assert_int_equal(pthread_create(&worker->thread, NULL, work, worker), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_cancel(workers[i].thread);
        pthread_join(workers[i].thread, NULL);
        if (workers[i].handle != NULL)
            assert_result(scm_detach(workers[i].handle), SCM_S_OK);
    }
    for (int reader = 0; reader < 2; reader++) {
        scm_handle *handle = attach(reader);
        assert_result(scm_lock_ex(handle, 0), SCM_S_OK);
        assert_result(echo(handle), SCM_S_OK);
        assert_result(scm_detach(handle), SCM_S_OK);
        assert_nobody_holds_the_card(reader);
    }
}

static int insert_cards(void **state)
{
    (void)state;
    for (int reader = 0; reader < 2; reader++) {
        bed("insert %d steerable", reader);
        names[reader] = bed_ifd(reader);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cancelled_thread_comes_back_from_every_call),
        cmocka_unit_test(a_thread_may_be_cancelled_at_any_moment),
    };
    bed_make(argc, argv);
    return cmocka_run_group_tests(tests, insert_cards, NULL);
}

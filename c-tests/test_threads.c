/* Many threads, several readers, and a fork. */
#include "support/check.h"
#include "support/wait.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#define READERS 4
#define THREADS 8
#define OPERATIONS 10000

/* A thread with one exchange, which the card answers on an order. */
struct exchange {
    scm_handle *handle;
    scm_result result;
    atomic_int done;
    pthread_t thread;
};

static void *exchange(void *argument)
{
    struct exchange *exchange = argument;
    uint8_t response[16];
    size_t length;
    exchange->result = scm_transmit(exchange->handle, (const uint8_t *)"\x80\xEC\x00\x00\x02\x01\x02", 7, response,
                                    sizeof response, &length);
    exchange->done = 1;
    return NULL;
}

/* Returns when the card has the command and delays its response. */
static void start_long_exchange(struct exchange *pending, scm_handle *handle, int reader)
{
    *pending = (struct exchange){.handle = handle};
    bed("card %d clear", reader);
    bed("card %d delay 60000", reader);
    assert_int_equal(pthread_create(&pending->thread, NULL, exchange, pending), 0);
    bed_await_command(reader);
}

static scm_result finish(struct exchange *pending, int reader)
{
    bed("card %d delay 0", reader);
    pthread_join(pending->thread, NULL);
    return pending->result;
}

static void a_call_that_blocks_delays_no_other_attachment(void **state)
{
    (void)state;
    struct exchange pending;
    size_t length;
    scm_handle *first = attach(0), *second = attach(1), *third = attach(2);
    start_long_exchange(&pending, third, 2);
    for (int i = 0; i < 100; i++) {
        assert_result(echo(first), SCM_S_OK);
        assert_result(echo(second), SCM_S_OK);
    }
    scm_handle *fourth = attach(3);
    assert_result(scm_list_ifds(NULL, 0, &length), SCM_S_OK);
    assert_result(scm_detach(fourth), SCM_S_OK);
    assert_int_equal(pending.done, 0);

    /* Properties of an attachment are available while it is busy. */
    uint8_t atr[SCM_ATR_MAX];
    char name[SCM_IFD_NAME_MAX + 1];
    uintptr_t number;
    assert_result(scm_get_atr(third, atr, sizeof atr, &length), SCM_S_OK);
    assert_result(scm_get_ifd_name(third, name, sizeof name, &length), SCM_S_OK);
    assert_result(scm_get_icc(third, &number), SCM_S_OK);
    assert_result(scm_get_context(third, &number), SCM_S_OK);
    assert_int_equal(generation(third), 0);
    assert_int_equal(pending.done, 0);
    assert_result(finish(&pending, 2), SCM_S_OK);
    assert_result(scm_detach(first), SCM_S_OK);
    assert_result(scm_detach(second), SCM_S_OK);
    assert_result(scm_detach(third), SCM_S_OK);
}

static void *transmit_many(void *handle)
{
    for (int i = 0; i < 500; i++)
        if (echo(handle) != SCM_S_OK)
            return handle;
    return NULL;
}

static void two_readers_work_in_parallel_while_a_third_blocks(void **state)
{
    (void)state;
    struct exchange pending;
    pthread_t threads[2];
    void *failed;
    scm_handle *handles[] = {attach(0), attach(1), attach(2)};
    start_long_exchange(&pending, handles[2], 2);
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, transmit_many, handles[i]);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(pending.done, 0);
    assert_result(finish(&pending, 2), SCM_S_OK);
    for (int i = 0; i < 3; i++)
        assert_result(scm_detach(handles[i]), SCM_S_OK);
}

static void detach_while_another_thread_is_in_a_call(void **state)
{
    (void)state;
    struct exchange pending;
    scm_handle *handle = attach(0);
    start_long_exchange(&pending, handle, 0);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_int_equal(pending.done, 0);
    assert_result(scm_detach(handle), SCM_E_HANDLE);
    assert_result(echo(handle), SCM_E_HANDLE);
    /* The running call ends by itself. */
    assert_result(finish(&pending, 0), SCM_S_OK);
}

/* True if the daemon has released every handle of the process: exclusive use needs a free card. If the last thread left
 * an attachment after its detach, a library thread closes it, which may take a while. */
static void assert_nothing_is_left(int reader)
{
    scm_handle *handle;
    scm_attach_options exclusive = SCM_ATTACH_OPTIONS_INIT;
    exclusive.share_mode = SCM_SHARE_EXCLUSIVE;
    scm_result result;
    double start = now_ms();
    do
        result = scm_attach_by_ifd_ex(bed_ifd(reader), &exclusive, &handle);
    while (result == SCM_SCARD_E_SHARING_VIOLATION && now_ms() - start < 5000);
    assert_result(result, SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void detach_while_another_thread_waits_for_a_lock(void **state)
{
    (void)state;
    struct exchange waiter;
    scm_handle *holder = attach(0), *handle = attach(0);
    assert_result(scm_lock(holder), SCM_S_OK);
    waiter = (struct exchange){.handle = handle};
    assert_int_equal(pthread_create(&waiter.thread, NULL, exchange, &waiter), 0);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_int_equal(waiter.done && waiter.result == SCM_S_OK, 0);
    assert_result(scm_unlock(holder, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    pthread_join(waiter.thread, NULL);
    /* The detach came before the call, or during it. */
    assert_true(waiter.result == SCM_S_OK || waiter.result == SCM_E_HANDLE);
    assert_result(scm_detach(holder), SCM_S_OK);
    assert_nothing_is_left(0);
}

static atomic_int operations, unexpected;

static void note(scm_result result)
{
    if (result != SCM_S_OK) {
        unexpected++;
        print_error("%s\n", scm_result_name(result));
    }
}

static scm_result quiet_echo(scm_handle *handle, uint8_t mark)
{
    uint8_t command[] = {0x80, 0xEC, 0x00, 0x00, 0x01, mark}, response[16];
    size_t length;
    scm_result result = scm_transmit(handle, command, sizeof command, response, sizeof response, &length);
    if (result == SCM_S_OK && (length != 3 || response[0] != mark))
        unexpected++;
    return result;
}

/* Attaches, transmits, locks and detaches until all threads together have done the operations. */
static void *work(void *argument)
{
    int number = (int)(intptr_t)argument;
    for (uint8_t round = 0; operations < OPERATIONS; round++) {
        scm_handle *handle;
        uint32_t card_state, protocol;
        scm_result result = scm_attach_by_ifd(bed_ifd((number + round) % READERS), &handle);
        note(result);
        if (result != SCM_S_OK)
            return NULL;
        note(quiet_echo(handle, round));
        note(scm_lock(handle));
        note(quiet_echo(handle, (uint8_t)(round + 1)));
        note(scm_status(handle, &card_state, &protocol));
        note(scm_unlock(handle, SCM_DISPOSITION_LEAVE));
        note(scm_detach(handle));
        operations += 7;
    }
    return NULL;
}

static void eight_threads_on_four_readers(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    operations = unexpected = 0;
    for (intptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_in_range(operations, OPERATIONS, OPERATIONS + 7 * THREADS);
    assert_int_equal(unexpected, 0);
    for (int reader = 0; reader < READERS; reader++)
        assert_nothing_is_left(reader);
}

static scm_handle *_Atomic shared_handle;
static atomic_int stop;

static void *use_the_shared_handle(void *unused)
{
    (void)unused;
    while (!stop) {
        scm_result result = quiet_echo(shared_handle, 1);
        if (result != SCM_S_OK && result != SCM_E_HANDLE)
            unexpected++;
    }
    return NULL;
}

static void handles_die_under_other_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    stop = unexpected = 0;
    shared_handle = attach(0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_the_shared_handle, NULL), 0);
    for (int i = 0; i < 200; i++) {
        scm_handle *old = shared_handle;
        shared_handle = attach(0);
        assert_result(scm_detach(old), SCM_S_OK);
    }
    stop = 1;
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(unexpected, 0);
    assert_result(scm_detach(shared_handle), SCM_S_OK);
    assert_nothing_is_left(0);
}

/* The view of the child of a fork. Its exit status is the number of the failed check. */
static int child(scm_handle *inherited)
{
    scm_handle *own;
    uint64_t number;
    if (scm_get_generation(inherited, &number) != SCM_E_HANDLE)
        return 1;
    if (quiet_echo(inherited, 1) != SCM_E_HANDLE || scm_reconnect(inherited) != SCM_E_HANDLE)
        return 2;
    if (scm_detach(inherited) != SCM_E_HANDLE)
        return 3;
    bed_make_in_child();
    if (scm_attach_by_ifd(bed_ifd(1), &own) != SCM_S_OK || own == inherited)
        return 4;
    if (quiet_echo(own, 2) != SCM_S_OK || scm_detach(own) != SCM_S_OK)
        return 5;
    return 0;
}

static void a_fork_leaves_the_parent_alone(void **state)
{
    (void)state;
    scm_handle *handle = attach(0);
    assert_result(scm_lock(handle), SCM_S_OK);
    for (int i = 0; i < 3; i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0)
            _exit(child(handle));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_result(echo(handle), SCM_S_OK);
    }
    assert_int_equal(generation(handle), 0);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

/* --- A function of the program that returns twice: in a child, too */

static bool is_child;

/* True if the card in reader 0 is locked, for another process. */
static bool is_locked(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        scm_handle *own;
        scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
        bed_make_in_child();
        options.limit_ms = 200;
        scm_result result = scm_attach_by_ifd_ex(bed_ifd(0), &options, &own);
        if (result == SCM_S_OK)
            result = scm_lock_ex(own, 200);
        scm_detach(own);
        _exit(result != SCM_SCARD_E_TIMEOUT);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status == 0;
}

static void fork_and_return(void)
{
    int status;
    pid_t pid = fork();
    is_child = pid == 0;
    if (is_child)
        return;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    /* The child has no other virtual readers than these. */
    assert_true(bed_is_virtual() || is_locked());
}

static scm_result forking_hook(void *user, scm_handle *handle, uint64_t number)
{
    (void)number;
    /* Then the call is the last user of the attachment, in the child as well. */
    if (user != NULL)
        assert_result(scm_detach(handle), SCM_S_OK);
    fork_and_return();
    return SCM_S_OK;
}

static scm_result forking_cipher(void *user, const uint8_t *challenge, size_t challenge_length, uint8_t *answer,
                                 size_t capacity, size_t *answer_length)
{
    (void)user, (void)challenge, (void)challenge_length, (void)capacity;
    fork_and_return();
    answer[0] = 0xA5;
    *answer_length = 1;
    return SCM_S_OK;
}

/* The child of a fork ends here, and has not touched the connection. */
static scm_result in_parent(scm_result result)
{
    if (is_child)
        _exit(result != SCM_E_HANDLE);
    return result;
}

static void a_fork_within_a_call_leaves_the_lock_alone(void **state)
{
    (void)state;
    scm_command command = SCM_COMMAND_INIT;
    scm_send_options sending = SCM_SEND_OPTIONS_INIT;
    scm_card_auth_options answering = SCM_CARD_AUTH_OPTIONS_INIT;
    scm_card_auth *auth;
    uint8_t response[16];
    size_t length;
    uint16_t word;
    bed("remove 0");
    bed("insert 0 scm");
    bed("card 0 answer 0084 11223344556677889000");
    bed("card 0 answer 0082 9000");
    scm_handle *handle = attach(0);
    assert_result(scm_create_card_auth(handle, &auth), SCM_S_OK);
    command.ins = 0x82;
    sending.select_callback = forking_hook;
    answering.cipher_callback = forking_cipher;
    assert_result(in_parent(scm_send_ex(handle, &command, &sending, response, sizeof response, &length, &word)),
                  SCM_S_OK);
    assert_result(in_parent(scm_card_auth_app_auth_ex(auth, 0, NULL, 0, &answering)), SCM_S_OK);
    assert_int_equal(generation(handle), 0);
    sending.user_data = &sending;
    assert_result(in_parent(scm_send_ex(handle, &command, &sending, response, sizeof response, &length, &word)),
                  SCM_E_HANDLE);
    bed("remove 0");
    bed("insert 0 steerable");
}

static int insert(void **state)
{
    (void)state;
    for (int reader = 0; reader < READERS; reader++) {
        bed_ifd(reader);
        bed("insert %d steerable", reader);
    }
    return 0;
}

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_that_blocks_delays_no_other_attachment),
        cmocka_unit_test(two_readers_work_in_parallel_while_a_third_blocks),
        cmocka_unit_test(detach_while_another_thread_is_in_a_call),
        cmocka_unit_test(detach_while_another_thread_waits_for_a_lock),
        cmocka_unit_test(eight_threads_on_four_readers),
        cmocka_unit_test(handles_die_under_other_threads),
        cmocka_unit_test(a_fork_leaves_the_parent_alone),
        cmocka_unit_test(a_fork_within_a_call_leaves_the_lock_alone),
    };
    return cmocka_run_group_tests(tests, insert, NULL);
}

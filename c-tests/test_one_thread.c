/* A lock in a process with one thread. Nothing can cancel its wait there, so the library needs no thread of its own for it. */
#define _GNU_SOURCE
#include "support/check.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <winscard.h>

#define HOLD_MS 150
#define ROUNDS 9

/* Another application, which takes a transaction and ends it. It was forked before this process called PC/SC. */
static struct {
    pid_t pid;
    int orders, answers;
} other;

static double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void must(bool is_true)
{
    if (!is_true)
        _exit(1);
}

/* For each order, which is a time in milliseconds: takes a transaction, says when it has it, and when it has ended. */
static void serve(int orders, int answers, const char *reader)
{
    SCARDCONTEXT context;
    SCARDHANDLE card;
    DWORD protocol;
    int hold_ms;
    must(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) == SCARD_S_SUCCESS);
    must(SCardConnect(context, reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card, &protocol) ==
         SCARD_S_SUCCESS);
    while (read(orders, &hold_ms, sizeof hold_ms) == sizeof hold_ms) {
        must(SCardBeginTransaction(card) == SCARD_S_SUCCESS);
        double begun = now_ms();
        must(write(answers, &begun, sizeof begun) == sizeof begun);
        must(usleep((useconds_t)hold_ms * 1000) == 0);
        must(SCardEndTransaction(card, SCARD_LEAVE_CARD) == SCARD_S_SUCCESS);
        double ended = now_ms();
        must(write(answers, &ended, sizeof ended) == sizeof ended);
    }
    _exit(0);
}

static double answer_of_other(void)
{
    double time;
    assert_int_equal(read(other.answers, &time, sizeof time), sizeof time);
    return time;
}

/* Returns when the other application has a transaction. */
static void let_other_hold(int hold_ms)
{
    assert_int_equal(write(other.orders, &hold_ms, sizeof hold_ms), sizeof hold_ms);
    answer_of_other();
}

static int threads_of_this_process(void)
{
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

static void a_lock_needs_no_second_thread(void **state)
{
    (void)state;
    scm_handle *handle = attach(0);
    let_other_hold(HOLD_MS);
    assert_result(scm_lock(handle), SCM_S_OK);
    double locked = now_ms();
    assert_true(locked >= answer_of_other() - 1);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_int_equal(threads_of_this_process(), 1);
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* PC/SC alone polls every 100 ms, and would be 50 ms late. */
static void after_the_first_wait_the_library_polls_by_itself(void **state)
{
    (void)state;
    scm_handle *handle = attach(0);
    double late[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        /* At another moment of a poll each time. */
        let_other_hold(HOLD_MS + 11 * i);
        assert_result(scm_lock(handle), SCM_S_OK);
        late[i] = now_ms();
        late[i] -= answer_of_other();
        assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    }
    qsort(late, ROUNDS, sizeof *late, ascending);
    if (late[ROUNDS / 2] >= 30)
        fail_msg("the lock came %.1f ms late", late[ROUNDS / 2]);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_int_equal(threads_of_this_process(), 1);
}

static void an_earlier_cancel_ends_the_wait(void **state)
{
    (void)state;
    scm_handle *handle = attach(0);
    assert_result(scm_cancel(handle), SCM_S_OK);
    let_other_hold(HOLD_MS);
    assert_result(scm_lock(handle), SCM_SCARD_E_CANCELLED);
    double cancelled = now_ms();
    assert_true(cancelled < answer_of_other());
    assert_result(scm_lock(handle), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void a_limit_ends_the_wait(void **state)
{
    (void)state;
    scm_handle *handle = attach(0);
    let_other_hold(10 * HOLD_MS);
    assert_result(scm_lock_ex(handle, 0), SCM_SCARD_E_TIMEOUT);
    assert_result(scm_lock_ex(handle, HOLD_MS), SCM_SCARD_E_TIMEOUT);
    double ended = now_ms();
    assert_true(ended < answer_of_other());
    assert_result(scm_lock_ex(handle, SCM_INFINITE), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    bed("insert 0 steerable");
    int orders[2], answers[2];
    if (pipe(orders) || pipe(answers))
        return 1;
    char reader[128];
    snprintf(reader, sizeof reader, "%s", bed_ifd(0));
    other.pid = fork();
    if (other.pid == 0) {
        close(orders[1]);
        serve(orders[0], answers[1], reader);
    }
    close(orders[0]);
    close(answers[1]);
    other.orders = orders[1];
    other.answers = answers[0];
    /* The first two must find a process that has never had another thread. */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_needs_no_second_thread),
        cmocka_unit_test(after_the_first_wait_the_library_polls_by_itself),
        cmocka_unit_test(an_earlier_cancel_ends_the_wait),
        cmocka_unit_test(a_limit_ends_the_wait),
    };

    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    close(other.orders);
    int status;
    waitpid(other.pid, &status, 0);
    return failures || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

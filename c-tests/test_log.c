/* The log of the library: its lines and its callback. */
#include "support/check.h"
#include "scm_virtual.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#define CARD 0

/* --- A callback that collects lines, and calls the library */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char text[1 << 16];
static atomic_int lines;
static atomic_int asked;
/* Lines about PC/SC take longer than others. */
static atomic_bool is_slow;
static scm_handle *_Atomic to_ask;

static void collect(void *user_data, uint32_t level, const char *line)
{
    assert_ptr_equal(user_data, text);
    assert_in_range(level, SCM_LOG_CALLS, SCM_LOG_APDUS);
    assert_null(strchr(line, '\n'));
    if (is_slow && level == SCM_LOG_PCSC)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    pthread_mutex_lock(&mutex);
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, "%s\n", line);
    pthread_mutex_unlock(&mutex);
    lines++;
    scm_handle *handle = to_ask;
    if (handle != NULL) {
        uint8_t atr[SCM_ATR_MAX];
        size_t length;
        uint32_t state, protocol;
        asked += scm_get_atr(handle, atr, sizeof atr, &length) == SCM_S_OK;
        scm_status(handle, &state, &protocol);
        if (scm_lock_ex(handle, 0) == SCM_S_OK)
            scm_unlock(handle, SCM_DISPOSITION_LEAVE);
    }
}

static void begin_log(uint32_t level)
{
    assert_result(scm_set_log(NULL, NULL, SCM_LOG_OFF), SCM_S_OK);
    /* A thread that is in a call may still use the log before. */
    pthread_mutex_lock(&mutex);
    memset(text, 0, sizeof text);
    pthread_mutex_unlock(&mutex);
    lines = 0;
    assert_result(scm_set_log(collect, text, level), SCM_S_OK);
}

static void end_log(void) { assert_result(scm_set_log(NULL, NULL, SCM_LOG_OFF), SCM_S_OK); }

static int count(const char *part)
{
    int found = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        found++;
    return found;
}

/* --- Tests */

static void a_call_has_a_beginning_and_an_end(void **state)
{
    (void)state;
    char token[64];
    scm_handle *handle = attach(CARD);
    begin_log(SCM_LOG_APDUS);
    assert_result(echo(handle), SCM_S_OK);
    end_log();
    snprintf(token, sizeof token, " call > scm_transmit handle=%p", (void *)handle);
    assert_int_equal(count(token), 1);
    assert_int_equal(count(" call < scm_transmit after "), 1);
    assert_int_equal(count(" us = SCM_S_OK\n"), 1);
    assert_int_equal(count(" apdu > 80EC000002CAFE\n"), 1);
    assert_int_equal(count(" apdu < CAFE9000\n"), 1);
    assert_int_equal(count(" pcsc < SCardTransmit after "), bed_is_virtual() ? 0 : 1);
    assert_int_equal(count(" protocol=2 length=7\n") + count(" protocol=1 length=7\n"), bed_is_virtual() ? 0 : 1);
    /* The time, the process and the thread. */
    int year, process, thread;
    assert_int_equal(sscanf(text, "%d-%*d-%*dT%*d:%*d:%*d.%*dZ %d.%d call", &year, &process, &thread), 3);
    assert_true(year >= 2024 && process == getpid() && thread > 0);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void a_level_includes_the_coarser_ones(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    begin_log(SCM_LOG_CALLS);
    assert_result(echo(handle), SCM_S_OK);
    assert_true(count(" call ") == 2 && count(" apdu ") == 0 && count(" pcsc ") == 0);
    begin_log(SCM_LOG_PCSC);
    assert_result(echo(handle), SCM_S_OK);
    assert_true(count(" apdu ") == 0 && (bed_is_virtual() || count(" pcsc ") > 0));
    begin_log(SCM_LOG_OFF);
    assert_result(echo(handle), SCM_S_OK);
    assert_int_equal(lines, 0);
    assert_result(scm_detach(handle), SCM_S_OK);
}

/* A call with a limit asks PC/SC on another thread. */
static void lines_come_before_the_end_of_their_call(void **state)
{
    (void)state;
    scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
    options.limit_ms = 60000;
    if (bed_is_virtual())
        skip();
    is_slow = true;
    for (int i = 0; i < 10; i++) {
        scm_handle *handle;
        begin_log(SCM_LOG_PCSC);
        assert_result(scm_attach_by_ifd_ex(bed_ifd(CARD), &options, &handle), SCM_S_OK);
        end_log();
        const char *answer = strstr(text, " pcsc < SCardConnect ");
        const char *end = strstr(text, " call < scm_attach_by_ifd_ex ");
        assert_true(answer != NULL && end != NULL && answer < end);
        assert_result(scm_detach(handle), SCM_S_OK);
    }
    is_slow = false;
}

static void a_failure_says_why(void **state)
{
    (void)state;
    scm_handle *handle;
    begin_log(SCM_LOG_CALLS);
    assert_result(scm_attach_by_ifd("No \"such\" reader\n", &handle), SCM_SCARD_E_UNKNOWN_READER);
    assert_result(scm_lock(NULL), SCM_E_HANDLE);
    assert_result(scm_attach_by_ifd(NULL, &handle), SCM_E_INVALIDARG);
    end_log();
    assert_int_equal(count("> scm_attach_by_ifd ifd_name=\"No \\\"such\\\" reader\\x0A\" handle=0x"), 1);
    assert_int_equal(count("= SCM_E_HANDLE: handle is NULL, has ended, or is of another kind.\n"), 1);
    assert_int_equal(count("> scm_attach_by_ifd ifd_name=NULL"), 1);
    assert_int_equal(count("= SCM_E_INVALIDARG: ifd_name is NULL.\n"), 1);
}

static void the_callback_may_call_the_library(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    begin_log(SCM_LOG_APDUS);
    to_ask = handle;
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_lock(handle), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    to_ask = NULL;
    end_log();
    /* Its own calls are not logged. */
    assert_true(asked > 4);
    assert_int_equal(count("scm_get_atr"), 0);
    assert_true(count("scm_lock ") > 0 && count("scm_lock_ex") == 0);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void a_level_that_is_not_defined_changes_nothing(void **state)
{
    (void)state;
    scm_last_error error = SCM_LAST_ERROR_INIT;
    begin_log(SCM_LOG_CALLS);
    assert_result(scm_set_log(collect, NULL, 4), SCM_E_INVALIDARG);
    assert_result(scm_get_last_error(&error), SCM_S_OK);
    assert_string_equal(error.argument, "level");
    assert_int_equal(count("scm_set_log"), 2);
    end_log();
}

static void *use_a_card(void *argument)
{
    (void)argument;
    scm_handle *handle = attach(CARD);
    for (int i = 0; i < 50; i++)
        scm_lock_ex(handle, 1000), echo(handle), scm_unlock(handle, SCM_DISPOSITION_LEAVE);
    scm_detach(handle);
    return NULL;
}

static void logs_change_while_threads_work(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_a_card, NULL), 0);
    for (uint32_t i = 0; i < 200; i++)
        begin_log(i % 4);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    end_log();
    int before = lines;
    scm_lock(NULL);
    assert_int_equal(lines, before);
}

/* A card that begins the log in the first of two exchanges: GET RESPONSE follows. */
static scm_result begin_log_in_exchange(void *user, const uint8_t *command, size_t command_length, uint8_t *response,
                                        size_t capacity, size_t *response_length)
{
    (void)user, (void)command_length, (void)capacity;
    if (command[1] == 0xC0) {
        *response_length = 4;
        memcpy(response, "\xCA\xFE\x90\x00", *response_length);
    } else {
        *response_length = 2;
        memcpy(response, "\x61\x02", *response_length);
        begin_log(SCM_LOG_APDUS);
    }
    return SCM_S_OK;
}

/* The call began before the log. Its lines come at its end, and wait for no other call: the thread may make none. */
static void a_log_begins_in_the_middle_of_a_call(void **state)
{
    (void)state;
    scm_virtual_ifd *ifd;
    scm_handle *handle;
    scm_virtual_card card = SCM_VIRTUAL_CARD_INIT;
    scm_command command = SCM_COMMAND_INIT;
    uint8_t data[2];
    size_t length;
    uint16_t status_word;
    card.atr = (const uint8_t *)"\x3B\x80\x80\x01\x01";
    card.atr_length = 5;
    card.transmit = begin_log_in_exchange;
    command.ins = 0xB0;
    command.expected = sizeof data;
    assert_result(scm_virtual_ifd_create("Log", NULL, &ifd), SCM_S_OK);
    assert_result(scm_virtual_ifd_insert(ifd, &card), SCM_S_OK);
    assert_result(scm_attach_by_ifd("Log", &handle), SCM_S_OK);
    assert_result(scm_send(handle, &command, data, sizeof data, &length, &status_word), SCM_S_OK);
    assert_int_equal(count(" apdu > 00C00000"), 1);
    /* Its beginning is not known, so it may be secret. */
    assert_int_equal(count(" apdu < (2 bytes withheld) 9000\n"), 1);
    assert_int_equal(count(" scm_send "), 0);
    end_log();
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
}

static atomic_int calls;

static void end_the_log(void *user_data, uint32_t level, const char *line)
{
    (void)user_data, (void)level, (void)line;
    calls++;
    assert_result(scm_set_log(NULL, NULL, SCM_LOG_OFF), SCM_S_OK);
}

static void the_callback_may_end_its_log(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    calls = 0;
    assert_result(scm_set_log(end_the_log, NULL, SCM_LOG_APDUS), SCM_S_OK);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(echo(handle), SCM_S_OK);
    assert_int_equal(calls, 1);
    assert_result(scm_detach(handle), SCM_S_OK);
}

/* The thread that runs the tests. */
static pthread_t of_tests;

static void end_the_thread(void *user_data, uint32_t level, const char *line)
{
    (void)user_data, (void)level, (void)line;
    if (pthread_equal(pthread_self(), of_tests))
        return;
    calls++;
    pthread_exit(NULL);
}

static scm_handle *of_main;

static void *end_in_the_callback(void *argument)
{
    scm_set_log(end_the_thread, NULL, SCM_LOG_APDUS);
    /* The line about the end of scm_set_log, or that about the beginning of this call. */
    echo(of_main);
    return argument;
}

/* The call ends first, so the attachment stays usable. */
static void a_thread_may_end_in_the_callback(void **state)
{
    (void)state;
    of_tests = pthread_self();
    of_main = attach(CARD);
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        void *result = text;
        calls = 0;
        assert_int_equal(pthread_create(&thread, NULL, end_in_the_callback, text), 0);
        assert_int_equal(pthread_join(thread, &result), 0);
        end_log();
        assert_null(result);
        assert_true(calls > 0);
        assert_result(echo(of_main), SCM_S_OK);
    }
    assert_result(scm_detach(of_main), SCM_S_OK);
}

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_has_a_beginning_and_an_end),
        cmocka_unit_test(a_level_includes_the_coarser_ones),
        cmocka_unit_test(lines_come_before_the_end_of_their_call),
        cmocka_unit_test(a_failure_says_why),
        cmocka_unit_test(the_callback_may_call_the_library),
        cmocka_unit_test(a_level_that_is_not_defined_changes_nothing),
        cmocka_unit_test(logs_change_while_threads_work),
        cmocka_unit_test(a_log_begins_in_the_middle_of_a_call),
        cmocka_unit_test(the_callback_may_end_its_log),
        cmocka_unit_test(a_thread_may_end_in_the_callback),
    };
    return cmocka_run_group_tests(tests, insert_card, NULL);
}

/* A service that answers late, refuses, or breaks off, at moments that no real one offers. The functions of PC/SC here
 * take the place of those of the do-nothing libpcsclite of the benchmarks, because the symbols of the program come
 * first. */
#include "support/check.h"
#include "support/wait.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <winscard.h>

#define READER "nothing"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* The answers of the service. */
static LONG admission, exchange;
static bool hangs;          /* SCardGetStatusChange does not return */
static int exchange_ms;      /* how long SCardTransmit takes */
static int end_ms;           /* how long SCardEndTransaction takes */
static bool ends_on_order;   /* SCardEndTransaction does not return before it is set to false */
static int ends;             /* the calls of SCardEndTransaction */
static double removed_at;   /* when a wait for a change sees the removal; 0 for never */

/* Its disconnects. */
static int disconnects;
static DWORD last_disposition;

LONG SCardEstablishContext(DWORD scope, LPCVOID reserved1, LPCVOID reserved2, LPSCARDCONTEXT context)
{
    static long contexts;
    (void)scope, (void)reserved1, (void)reserved2;
    *context = __sync_add_and_fetch(&contexts, 1);
    return admission;
}

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

LONG SCardEndTransaction(SCARDHANDLE card, DWORD disposition)
{
    (void)card, (void)disposition;
    pthread_mutex_lock(&mutex);
    ends++;
    pthread_cond_broadcast(&changed);
    while (ends_on_order)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    pause_ms(end_ms);
    return SCARD_S_SUCCESS;
}

LONG SCardTransmit(SCARDHANDLE card, const SCARD_IO_REQUEST *send, LPCBYTE command, DWORD command_length,
                   SCARD_IO_REQUEST *receive, LPBYTE response, LPDWORD response_length)
{
    (void)card, (void)send, (void)command, (void)command_length, (void)receive;
    pause_ms(exchange_ms);
    memcpy(response, "\x90\x00", 2);
    *response_length = 2;
    return exchange;
}

LONG SCardGetStatusChange(SCARDCONTEXT context, DWORD timeout, SCARD_READERSTATE *readers, DWORD count)
{
    (void)context;
    double end = now_ms() + timeout;
    pthread_mutex_lock(&mutex);
    while (hangs)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    bool is_removed, is_late = false;
    while (is_removed = removed_at > 0 && now_ms() >= removed_at,
           !is_removed && readers[0].dwCurrentState != SCARD_STATE_UNAWARE && !is_late) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        is_late = now_ms() >= end;
    }
    for (DWORD i = 0; i < count; i++)
        readers[i].dwEventState = SCARD_STATE_CHANGED | (is_removed ? SCARD_STATE_EMPTY : SCARD_STATE_PRESENT);
    return is_late && !is_removed ? SCARD_E_TIMEOUT : SCARD_S_SUCCESS;
}

LONG SCardDisconnect(SCARDHANDLE card, DWORD disposition)
{
    (void)card;
    pthread_mutex_lock(&mutex);
    disconnects++;
    last_disposition = disposition;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    return SCARD_S_SUCCESS;
}

static void set_hanging(bool is_hanging)
{
    pthread_mutex_lock(&mutex);
    hangs = is_hanging;
    disconnects = 0;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

/* The thread of an abandoned call disconnects after the call. */
static void await_disconnect(void)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 20;
    pthread_mutex_lock(&mutex);
    while (disconnects == 0 && pthread_cond_timedwait(&changed, &mutex, &end) == 0) {
    }
    pthread_mutex_unlock(&mutex);
    assert_int_equal(disconnects, 1);
}

static scm_handle *attached(void)
{
    scm_handle *handle;
    assert_result(scm_attach_by_ifd(READER, &handle), SCM_S_OK);
    return handle;
}

static scm_handle *attached_or_borrowed(bool is_borrowed)
{
    scm_handle *handle;
    if (!is_borrowed)
        return attached();
    assert_result(scm_attach_by_handle(1, &handle), SCM_S_OK);
    return handle;
}

static scm_result transmit_ex(scm_handle *handle, uint32_t timeout_ms)
{
    static const uint8_t command[] = {0x00, 0xB0, 0x00, 0x00, 0x00};
    uint8_t response[258];
    size_t length;
    return scm_transmit_ex(handle, command, sizeof command, timeout_ms, response, sizeof response, &length);
}

/* The service looks at its readers from time to time. Until then a removal looks as a failure of the reader. */
static void a_removal_is_told_however_short_the_limit_is(void **state)
{
    (void)state;
    for (uint32_t timeout_ms = 0; timeout_ms < 100; timeout_ms += 50) {
        scm_handle *handle = attached();
        exchange = SCARD_F_COMM_ERROR;
        removed_at = now_ms() + 400;
        assert_result(transmit_ex(handle, timeout_ms), SCM_SCARD_W_REMOVED_CARD);
        removed_at = 0;
        exchange = SCARD_S_SUCCESS;
        assert_result(scm_detach(handle), SCM_S_OK);
    }
}

/* The stated moment: a second. */
static void a_broken_exchange_is_told_soon_after_the_limit(void **state)
{
    (void)state;
    scm_handle *handle = attached();
    exchange = SCARD_F_COMM_ERROR;
    double start = now_ms();
    assert_result(transmit_ex(handle, 50), SCM_SCARD_F_COMM_ERROR);
    double took = now_ms() - start;
    assert_true(took >= 900 && took < 50 + 1000 + 2000);

    /* The service does not answer any more. */
    set_hanging(true);
    start = now_ms();
    assert_result(transmit_ex(handle, 50), SCM_SCARD_F_COMM_ERROR);
    assert_true(now_ms() - start < 50 + 1000 + 2000);
    set_hanging(false);
    await_disconnect();
    exchange = SCARD_S_SUCCESS;
    assert_result(scm_detach(handle), SCM_S_OK);
}

/* The card answers after the limit, and the service is busy. Nothing is lost, and the connection is the same. */
static void an_exchange_that_ends_late_keeps_its_connection(void **state)
{
    (void)state;
    for (int is_borrowed = 0; is_borrowed < 2; is_borrowed++) {
        scm_handle *handle = attached_or_borrowed(is_borrowed);
        disconnects = 0;
        exchange_ms = 400;
        end_ms = 150;
        assert_result(transmit_ex(handle, 50), SCM_S_OK);
        exchange_ms = 0;
        uint64_t generation;
        assert_result(scm_get_generation(handle, &generation), SCM_S_OK);
        assert_int_equal(generation, 0);
        assert_int_equal(disconnects, 0);

        /* It hangs: the call returns soon after its limit, and the next one goes on. */
        end_ms = 4000;
        double start = now_ms();
        assert_result(transmit_ex(handle, 50), SCM_S_OK);
        double took = now_ms() - start;
        assert_true(took >= 900 && took < 50 + 1000 + 2000);
        end_ms = 0;
        assert_result(transmit_ex(handle, 10000), SCM_S_OK);
        assert_result(scm_detach(handle), SCM_S_OK);
    }
}

static void set_end(bool hangs_now)
{
    pthread_mutex_lock(&mutex);
    ends_on_order = hangs_now;
    ends = disconnects = 0;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static void await_end(void)
{
    pthread_mutex_lock(&mutex);
    while (ends == 0)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

static scm_result transmit_endlessly(void *handle)
{
    return transmit_ex(handle, SCM_INFINITE);
}

static const scm_command read_binary = {.struct_size = sizeof(scm_command), .ins = 0xB0, .expected = 256};

static scm_result send_endlessly(void *handle)
{
    uint8_t response[258];
    size_t length;
    uint16_t status_word;
    return scm_send(handle, &read_binary, response, sizeof response, &length, &status_word);
}

static scm_result select_nothing(void *user_data, scm_handle *handle, uint64_t generation)
{
    (void)user_data, (void)handle, (void)generation;
    return SCM_S_OK;
}

static scm_result send_with_callback(scm_handle *handle, uint32_t limit_ms)
{
    scm_send_options options = SCM_SEND_OPTIONS_INIT;
    options.limit_ms = limit_ms;
    options.select_callback = select_nothing;
    uint8_t response[258];
    size_t length;
    uint16_t status_word;
    return scm_send_ex(handle, &read_binary, &options, response, sizeof response, &length, &status_word);
}

static scm_result send_with_callback_endlessly(void *handle)
{
    return send_with_callback(handle, 0);
}

static scm_result (*const endless_calls[])(void *handle) = {transmit_endlessly, send_endlessly,
                                                            send_with_callback_endlessly};

/* Begins a call. The service has received the end of its lock on return, and hangs until `set_end(false)`. */
static void begin_and_hang(struct wait *wait, scm_result (*call)(void *), scm_handle *handle)
{
    set_end(true);
    wait_begin(wait, call, handle);
    await_end();
}

/* The service hangs at the end of a call without a limit. The card has answered, so the call has succeeded. */
static void a_cancel_ends_a_call_whose_lock_does_not_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * sizeof endless_calls / sizeof *endless_calls; i++) {
        scm_handle *handle = attached_or_borrowed(i % 2 == 1);
        struct wait wait;
        begin_and_hang(&wait, endless_calls[i / 2], handle);
        double start = now_ms();
        assert_result(scm_cancel(handle), SCM_S_OK);
        assert_result(wait_end(&wait), SCM_S_OK);
        double took = now_ms() - start;
        assert_true(took >= 900 && took < 1000 + 2000);

        /* The call has not told the cancel. The next one would have to wait for the service. */
        assert_result(transmit_ex(handle, 10000), SCM_SCARD_E_CANCELLED);
        set_end(false);
        assert_result(transmit_ex(handle, 10000), SCM_S_OK);
        assert_result(scm_detach(handle), SCM_S_OK);
    }
}

/* Neither more cancels nor another thread whose wait takes each of them give the service more time. */
static void more_cancels_give_no_more_time(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        scm_handle *handle = attached_or_borrowed(i == 1);
        struct wait wait, other;
        begin_and_hang(&wait, transmit_endlessly, handle);
        for (double start = now_ms(); !wait.is_done && now_ms() - start < 5000;) {
            wait_begin(&other, transmit_endlessly, handle);
            wait_is_reached(&other);
            assert_result(scm_cancel(handle), SCM_S_OK);
            wait_end(&other);
        }
        assert_true(wait.is_done);
        assert_result(wait_end(&wait), SCM_S_OK);
        assert_true(wait.ms < 1000 + 2000);
        set_end(false);
        assert_result(scm_detach(handle), SCM_S_OK);
    }
}

/* The service is only busy: it costs nothing, and the cancel ends the next wait. */
static void a_cancel_costs_no_connection(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * sizeof endless_calls / sizeof *endless_calls; i++) {
        scm_handle *handle = attached_or_borrowed(i % 2 == 1);
        struct wait wait;
        begin_and_hang(&wait, endless_calls[i / 2], handle);
        assert_result(scm_cancel(handle), SCM_S_OK);
        pause_ms(100);
        set_end(false);
        assert_result(wait_end(&wait), SCM_S_OK);
        uint64_t generation;
        assert_result(scm_get_generation(handle, &generation), SCM_S_OK);
        assert_int_equal(generation, 0);
        assert_int_equal(disconnects, 0);
        assert_result(scm_detach(handle), SCM_S_OK);
    }
}

/* The lock around a callback is given back as that of any other call. */
static void a_callback_with_a_limit_ends_soon_after_it(void **state)
{
    (void)state;
    scm_handle *handle = attached();
    set_end(true);
    double start = now_ms();
    assert_result(send_with_callback(handle, 50), SCM_S_OK);
    double took = now_ms() - start;
    assert_true(took >= 900 && took < 50 + 1000 + 2000);
    set_end(false);
    assert_result(send_with_callback(handle, 10000), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

/* The question about the reader is abandoned, and a detach does not wait for it. Its disposition is not lost. */
static void a_detach_beside_an_abandoned_question_resets_the_card_later(void **state)
{
    (void)state;
    scm_handle *handle = attached();
    assert_result(scm_lock(handle), SCM_S_OK);
    exchange = SCARD_F_COMM_ERROR;
    set_hanging(true);
    assert_result(transmit_ex(handle, 50), SCM_SCARD_F_COMM_ERROR);
    exchange = SCARD_S_SUCCESS;
    assert_result(scm_detach_ex(handle, SCM_DISPOSITION_RESET), SCM_S_OK);
    assert_int_equal(disconnects, 0);
    set_hanging(false);
    await_disconnect();
    assert_int_equal(last_disposition, SCARD_RESET_CARD);
}

/* Makes the socket of a daemon, and its file, in this folder. */
static void make_daemon(const char *folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char file[sizeof address.sun_path];
    snprintf(address.sun_path, sizeof address.sun_path, "%s/pcscd.comm", folder);
    snprintf(file, sizeof file, "%s/pcscd.pid", folder);
    int listening = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(listening >= 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listening, 64), 0);
    FILE *pid = fopen(file, "w");
    assert_non_null(pid);
    fclose(pid);
    setenv("PCSCLITE_CSOCK_NAME", address.sun_path, 1);
}

static void remove_daemon(const char *folder)
{
    char file[256];
    snprintf(file, sizeof file, "%s/pcscd.pid", folder);
    unlink(file);
    unlink(getenv("PCSCLITE_CSOCK_NAME"));
    rmdir(folder);
    unsetenv("PCSCLITE_CSOCK_NAME");
}

/* A policy does not change for a process. But a child may have given up the rights of its parent. */
static void a_child_learns_itself_whether_it_is_admitted(void **state)
{
    (void)state;
    char folder[] = "/tmp/scm-daemon-XXXXXX";
    assert_non_null(mkdtemp(folder));
    make_daemon(folder);
    assert_result(scm_detach(attached()), SCM_S_OK);
    admission = SCARD_W_SECURITY_VIOLATION;
    scm_handle *handle;
    assert_result(scm_attach_by_ifd(READER, &handle), SCM_SCARD_E_SERVER_TOO_BUSY);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(30);
        _exit(scm_attach_by_ifd(READER, &handle) != SCM_SCARD_W_SECURITY_VIOLATION);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    admission = SCARD_S_SUCCESS;
    remove_daemon(folder);
    assert_int_equal(status, 0);
}

/* pcscd answers this to a process that polkit does not admit. */
static void a_refusal_by_polkit_is_told(void **state)
{
    (void)state;
    char folder[] = "/tmp/scm-daemon-XXXXXX";
    assert_non_null(mkdtemp(folder));
    make_daemon(folder);
    admission = SCARD_W_SECURITY_VIOLATION;
    scm_handle *handle;
    scm_last_error error = SCM_LAST_ERROR_INIT;
    scm_result result = scm_attach_by_ifd(READER, &handle);
    assert_result(scm_get_last_error(&error), SCM_S_OK);
    admission = SCARD_S_SUCCESS;
    remove_daemon(folder);
    print_message("%s\n    %s\n    %s\n", error.what, error.why, error.advice);
    assert_result(result, SCM_SCARD_W_SECURITY_VIOLATION);
    assert_string_equal(error.why, "SCardEstablishContext returned 0x8010006A.");
    assert_non_null(strstr(error.advice, "polkit refuses"));
    assert_non_null(strstr(error.advice, "org.debian.pcsc-lite.access_pcsc"));
    assert_non_null(strstr(error.advice, "org.debian.pcsc-lite.access_card"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* The first, because the service has admitted this process afterwards. */
        cmocka_unit_test(a_refusal_by_polkit_is_told),
        cmocka_unit_test(a_removal_is_told_however_short_the_limit_is),
        cmocka_unit_test(a_broken_exchange_is_told_soon_after_the_limit),
        cmocka_unit_test(an_exchange_that_ends_late_keeps_its_connection),
        cmocka_unit_test(a_cancel_ends_a_call_whose_lock_does_not_end),
        cmocka_unit_test(more_cancels_give_no_more_time),
        cmocka_unit_test(a_cancel_costs_no_connection),
        cmocka_unit_test(a_callback_with_a_limit_ends_soon_after_it),
        cmocka_unit_test(a_detach_beside_an_abandoned_question_resets_the_card_later),
        cmocka_unit_test(a_child_learns_itself_whether_it_is_admitted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

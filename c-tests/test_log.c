/* The log of the library: its lines, its callback, and the variable SCM_LOG. */
#define _GNU_SOURCE
#include "support/check.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CARD 0

/* --- A callback that collects lines, and calls the library */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char text[1 << 16];
static atomic_int lines;
static atomic_int asked;
static scm_handle *_Atomic to_ask;

static void collect(void *user_data, uint32_t level, const char *line)
{
    assert_ptr_equal(user_data, text);
    assert_in_range(level, SCM_LOG_CALLS, SCM_LOG_APDUS);
    assert_null(strchr(line, '\n'));
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
    memset(text, 0, sizeof text);
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

static void end_the_thread(void *user_data, uint32_t level, const char *line)
{
    (void)user_data, (void)level, (void)line;
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

static void count_lines(void *user_data, uint32_t level, const char *line)
{
    (void)user_data, (void)level, (void)line;
    calls++;
}

/* A child goes on with the log, whatever the threads of its parent did at the fork. */
static void a_log_goes_on_in_a_child(void **state)
{
    (void)state;
    pthread_t threads[2];
    assert_result(scm_set_log(count_lines, NULL, SCM_LOG_APDUS), SCM_S_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_a_card, NULL), 0);
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(30);
            calls = 0;
            _exit(scm_lock(NULL) == SCM_E_HANDLE && calls == 2 ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    end_log();
}

/* --- The variable SCM_LOG, in a process of its own */

/* The work of the child. */
static int be_child(void) { return scm_lock(NULL) == SCM_E_HANDLE ? 0 : 1; }

/* Runs this program, or a copy of it, as a child with SCM_LOG, and reads the file that is the log. */
static void run_child(const char *program, const char *variable, const char *file, bool as_nobody)
{
    memset(text, 0, sizeof text);
    unlink(file);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char *const arguments[] = {(char *)program, "--child", NULL};
        setenv("SCM_LOG", variable, 1);
        if (as_nobody && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(3);
        execv(program, arguments);
        _exit(2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    int log = open(file, O_RDONLY | O_CLOEXEC);
    if (log >= 0) {
        assert_true(read(log, text, sizeof text - 1) >= 0);
        close(log);
    }
}

static void a_variable_sends_the_log_to_a_file(void **state)
{
    (void)state;
    char file[] = "/tmp/scm-log-XXXXXX", variable[64];
    close(mkstemp(file));
    snprintf(variable, sizeof variable, "calls:%s", file);
    run_child("/proc/self/exe", variable, file, false);
    assert_int_equal(count(" call > scm_lock handle=NULL\n"), 1);
    assert_int_equal(count("= SCM_E_HANDLE"), 1);
    struct stat found;
    assert_int_equal(stat(file, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    run_child("/proc/self/exe", "", file, false);
    assert_string_equal(text, "");
    snprintf(variable, sizeof variable, "everything:%s", file);
    run_child("/proc/self/exe", variable, file, false);
    assert_int_equal(count("libscm: SCM_LOG: the level is not off, calls, pcsc or apdus"), 1);
    assert_int_equal(count("> scm_lock"), 1);
    snprintf(variable, sizeof variable, "off:%s", file);
    run_child("/proc/self/exe", variable, file, false);
    assert_string_equal(text, "");
    assert_int_equal(stat(file, &found), -1);
}

/* The log goes to stderr then, which is the file here. */
static void a_file_that_cannot_be_opened_is_told(void **state)
{
    (void)state;
    char file[] = "/tmp/scm-log-XXXXXX";
    int log = mkstemp(file), errors = dup(STDERR_FILENO);
    assert_int_equal(dup2(log, STDERR_FILENO), STDERR_FILENO);
    run_child("/proc/self/exe", "calls:/", "/nowhere/log", false);
    run_child("/proc/self/exe", "calls:/nowhere/log", "/nowhere/log", false);
    run_child("/proc/self/exe", "off", "/nowhere/log", false);
    assert_int_equal(dup2(errors, STDERR_FILENO), STDERR_FILENO);
    close(errors);
    assert_true(pread(log, text, sizeof text - 1, 0) > 0);
    close(log);
    unlink(file);
    assert_int_equal(count("the file cannot be opened (is a directory)"), 1);
    assert_int_equal(count("the file cannot be opened (entity not found)"), 1);
    assert_int_equal(count("> scm_lock"), 2);
}

/* A copy of this program with the set-user-id bit, in a folder that everybody can write to. */
static void a_program_with_more_rights_ignores_the_variable(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    char folder[] = "/var/tmp/scm-log-XXXXXX", program[64], file[64], variable[80], command[256];
    assert_non_null(mkdtemp(folder));
    snprintf(program, sizeof program, "%s/program", folder);
    snprintf(file, sizeof file, "%s/log", folder);
    snprintf(variable, sizeof variable, "calls:%s", file);
    snprintf(command, sizeof command, "cp /proc/%d/exe %s && chmod 777 %s", getpid(), program, folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(chmod(program, 0755), 0);
    run_child(program, variable, file, true);
    assert_int_equal(count("> scm_lock"), 1);
    assert_int_equal(chmod(program, 04755), 0);
    run_child(program, variable, file, true);
    assert_string_equal(text, "");
    unlink(program);
    rmdir(folder);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--child") == 0)
        return be_child();
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_has_a_beginning_and_an_end),
        cmocka_unit_test(a_level_includes_the_coarser_ones),
        cmocka_unit_test(a_failure_says_why),
        cmocka_unit_test(the_callback_may_call_the_library),
        cmocka_unit_test(a_level_that_is_not_defined_changes_nothing),
        cmocka_unit_test(logs_change_while_threads_work),
        cmocka_unit_test(the_callback_may_end_its_log),
        cmocka_unit_test(a_thread_may_end_in_the_callback),
        cmocka_unit_test(a_log_goes_on_in_a_child),
        cmocka_unit_test(a_variable_sends_the_log_to_a_file),
        cmocka_unit_test(a_file_that_cannot_be_opened_is_told),
        cmocka_unit_test(a_program_with_more_rights_ignores_the_variable),
    };
    return cmocka_run_group_tests(tests, insert_card, NULL);
}

/* The log in other processes: in a child of a process with threads, and in a program with the variable SCM_LOG. */
#include "support/check.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CARD 0
#define CHILDREN 20

/* --- A child */

static atomic_int calls;
static atomic_bool are_all_forked;

static void count_lines(void *user_data, uint32_t level, const char *line)
{
    (void)user_data, (void)level, (void)line;
    calls++;
}

static void *use_a_card(void *argument)
{
    scm_handle *handle = attach(CARD);
    while (!are_all_forked)
        assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    return argument;
}

/* A call of the child has its own two lines, even if threads of the parent were in the library at the fork. */
static int be_forked(void)
{
    alarm(30);
    calls = 0;
    return scm_lock(NULL) == SCM_E_HANDLE && calls == 2 ? 0 : 1;
}

static void a_log_goes_on_in_a_child(void **state)
{
    (void)state;
    pthread_t threads[2];
    assert_result(scm_set_log(count_lines, NULL, SCM_LOG_APDUS), SCM_S_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_a_card, NULL), 0);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(be_forked());
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    are_all_forked = true;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_result(scm_set_log(NULL, NULL, SCM_LOG_OFF), SCM_S_OK);
}

/* --- The variable SCM_LOG, in a program of its own */

static char text[1 << 16];

static int count(const char *part)
{
    int found = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        found++;
    return found;
}

/* The work of the program. */
static int be_program(void) { return scm_lock(NULL) == SCM_E_HANDLE ? 0 : 1; }

/* The statuses of a child that cannot become another user, and of a program whose libraries that user cannot read. */
#define NO_OTHER_USER 3
#define NO_LIBRARY 127

/* Runs this program, or a copy of it, as a child with SCM_LOG, and returns its status. */
static int status_of_program(const char *program, const char *variable, bool as_nobody)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char *const arguments[] = {(char *)program, "--program", NULL};
        setenv("SCM_LOG", variable, 1);
        if (as_nobody && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(NO_OTHER_USER);
        execv(program, arguments);
        _exit(2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Runs it, and reads the file that is the log. */
static void run_program(const char *program, const char *variable, const char *file, bool as_nobody)
{
    memset(text, 0, sizeof text);
    unlink(file);
    assert_int_equal(status_of_program(program, variable, as_nobody), 0);
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
    run_program("/proc/self/exe", variable, file, false);
    assert_int_equal(count(" call > scm_lock handle=NULL\n"), 1);
    assert_int_equal(count("= SCM_E_HANDLE"), 1);
    struct stat found;
    assert_int_equal(stat(file, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    run_program("/proc/self/exe", "", file, false);
    assert_string_equal(text, "");
    snprintf(variable, sizeof variable, "everything:%s", file);
    run_program("/proc/self/exe", variable, file, false);
    assert_int_equal(count("libscm: SCM_LOG: the level is not off, calls, pcsc or apdus"), 1);
    assert_int_equal(count("> scm_lock"), 1);
    snprintf(variable, sizeof variable, "off:%s", file);
    run_program("/proc/self/exe", variable, file, false);
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
    run_program("/proc/self/exe", "calls:/", "/nowhere/log", false);
    run_program("/proc/self/exe", "calls:/nowhere/log", "/nowhere/log", false);
    run_program("/proc/self/exe", "off", "/nowhere/log", false);
    assert_int_equal(dup2(errors, STDERR_FILENO), STDERR_FILENO);
    close(errors);
    assert_true(pread(log, text, sizeof text - 1, 0) > 0);
    close(log);
    unlink(file);
    assert_int_equal(count("the file cannot be opened (is a directory)"), 1);
    assert_int_equal(count("the file cannot be opened (entity not found)"), 1);
    assert_int_equal(count("> scm_lock"), 2);
}

/* A copy of this program with the set-user-id bit, in a folder that everybody can write to. A user namespace has no
 * other user, and a home directory may be closed to others. */
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
    int status = status_of_program(program, "off", true);
    bool is_possible = status != NO_OTHER_USER && status != NO_LIBRARY;
    if (is_possible) {
        run_program(program, variable, file, true);
        assert_int_equal(count("> scm_lock"), 1);
        assert_int_equal(chmod(program, 04755), 0);
        run_program(program, variable, file, true);
        assert_string_equal(text, "");
    }
    unlink(file);
    unlink(program);
    rmdir(folder);
    if (!is_possible)
        skip();
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--program") == 0)
        return be_program();
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_goes_on_in_a_child),
        cmocka_unit_test(a_variable_sends_the_log_to_a_file),
        cmocka_unit_test(a_file_that_cannot_be_opened_is_told),
        cmocka_unit_test(a_program_with_more_rights_ignores_the_variable),
    };
    return cmocka_run_group_tests(tests, insert_card, NULL);
}

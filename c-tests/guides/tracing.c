/* The programs of docs/tracing.md. */
#define _POSIX_C_SOURCE 200809L
#include "stage.h"

#include <unistd.h>

#include "guides/tracing/a-trace-for-a-program.c"
#include "guides/tracing/the-last-error.c"

/* The text that a function prints to a file. */
static char printed[4096];

static void read_back(FILE *file)
{
    rewind(file);
    printed[fread(printed, 1, sizeof printed - 1, file)] = '\0';
}

static void the_last_error(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);
    assert_true(file != NULL && kept >= 0);
    assert_result(scm_lock(NULL), SCM_E_HANDLE);
    fflush(stderr);
    dup2(fileno(file), STDERR_FILENO);
    print_failure();
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    read_back(file);
    fclose(file);
    assert_non_null(strstr(printed, "scm_lock failed with SCM_E_HANDLE: "));
    assert_non_null(strstr(printed, "handle is NULL, has ended, or is of another kind.\n"));
}

static void a_trace(void **state)
{
    (void)state;
    uint32_t card_state, protocol;
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_result(trace_calls(file), SCM_S_OK);
    assert_result(scm_status(card, &card_state, &protocol), SCM_S_OK);
    assert_result(scm_set_log(NULL, NULL, SCM_LOG_OFF), SCM_S_OK);
    read_back(file);
    fclose(file);
    assert_non_null(strstr(printed, " call > scm_status handle=0x"));
    assert_non_null(strstr(printed, " call < scm_status after "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {ON_STAGE(the_last_error), ON_STAGE(a_trace)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

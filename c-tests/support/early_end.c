/* A test program that ends before its tests have run fails, whatever its status is: `exit`, or the end of the last
 * thread, would look like success. A definition of the compiler sends each call of cmocka to this file. */
#undef _cmocka_run_group_tests
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

int run_tests_to_the_end(const char *name, const struct CMUnitTest *tests, size_t count, CMFixtureFunction set_up,
                         CMFixtureFunction tear_down);

/* The process that runs tests. A child of it may end as it likes. */
static pid_t runner;

static void fail_if_tests_run(void)
{
    if (runner != getpid())
        return;
    fprintf(stderr, "The program ended before its tests.\n");
    _exit(EXIT_FAILURE);
}

int run_tests_to_the_end(const char *name, const struct CMUnitTest *tests, size_t count, CMFixtureFunction set_up,
                         CMFixtureFunction tear_down)
{
    static int is_registered;
    if (!is_registered++ && atexit(fail_if_tests_run) != 0)
        abort();
    runner = getpid();
    int failed = _cmocka_run_group_tests(name, tests, count, set_up, tear_down);
    runner = 0;
    return failed;
}

/* When memory runs out there is SCM_E_OUTOFMEMORY, the one error that the reference page of Reconnect promises: no crash,
 * no abort, and everything as it was. Runs on the do-nothing libpcsclite of the benchmarks, so that every allocation that
 * fails is one of libscm. */
#include "support/check.h"


extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

/* Which allocation from now on fails; none when it is negative. */
static _Thread_local long failing = -1;

static int fails(void)
{
    return failing >= 0 && failing-- == 0;
}

/* The library allocates through these, because the program's own come first. */
void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails() ? NULL : __libc_realloc(old, size);
}

/* Lets the first, the second, ... allocation of `call` fail until it has all it wants, and returns how many it made. */
static int for_every_allocation(scm_result (*call)(void))
{
    for (int n = 0; n < 1000; n++) {
        failing = n;
        scm_result result = call();
        int ran_out = failing < 0;
        failing = -1;
        if (!ran_out) {
            assert_result(result, SCM_S_OK);
            return n;
        }
        assert_result(result, SCM_E_OUTOFMEMORY);
    }
    fail_msg("the call never ends to allocate");
    return 0;
}

static scm_handle *handle;

static scm_result attach_by_ifd(void)
{
    handle = (scm_handle *)&handle;
    scm_result result = scm_attach_by_ifd("Nothing 00 00", &handle);
    assert_true((result == SCM_S_OK) == (handle != NULL));
    return result;
}

static scm_result attach_by_handle(void)
{
    handle = (scm_handle *)&handle;
    scm_attach_options adopt = SCM_ATTACH_OPTIONS_INIT;
    adopt.flags = SCM_ATTACH_ADOPT;
    scm_result result = scm_attach_by_handle_ex(1, &adopt, &handle);
    assert_true((result == SCM_S_OK) == (handle != NULL));
    return result;
}

static scm_result list_ifds(void)
{
    size_t length = 77;
    scm_result result = scm_list_ifds(NULL, 0, &length);
    assert_true((result == SCM_S_OK) == (length > 0));
    return result;
}

static scm_result list_ifd_groups(void)
{
    size_t length = 77;
    scm_result result = scm_list_ifd_groups(NULL, 0, &length);
    assert_true((result == SCM_S_OK) == (length > 0));
    return result;
}

static void attach_runs_out_of_memory(void **state)
{
    (void)state;
    assert_true(for_every_allocation(attach_by_ifd) >= 2);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_true(for_every_allocation(attach_by_handle) >= 2);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void the_handle_table_grows_or_says_that_it_cannot(void **state)
{
    (void)state;
    enum { MANY = 300 };
    static scm_handle *handles[MANY];
    for (int i = 0; i < MANY; i++) {
        for_every_allocation(attach_by_ifd);
        handles[i] = handle;
    }
    for (int i = 0; i < MANY; i++)
        assert_result(scm_detach(handles[i]), SCM_S_OK);
}

static void lists_run_out_of_memory(void **state)
{
    (void)state;
    assert_true(for_every_allocation(list_ifds) >= 1);
    assert_true(for_every_allocation(list_ifd_groups) >= 1);
}

static void what_needs_no_memory_takes_none(void **state)
{
    (void)state;
    uint8_t response[16];
    size_t length;
    uint32_t card_state, protocol;
    assert_result(attach_by_ifd(), SCM_S_OK);
    failing = 0;
    scm_result results[] = {
        scm_transmit(handle, (const uint8_t *)"\x00\xA4\x00\x00", 4, response, sizeof response, &length),
        scm_status(handle, &card_state, &protocol),
        scm_lock(handle),
        scm_unlock(handle, SCM_DISPOSITION_LEAVE),
        scm_reconnect(handle),
        scm_detach(handle),
    };
    int untouched = failing == 0;
    failing = -1;
    assert_true(untouched);
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        assert_result(results[i], SCM_S_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attach_runs_out_of_memory),
        cmocka_unit_test(the_handle_table_grows_or_says_that_it_cannot),
        cmocka_unit_test(lists_run_out_of_memory),
        cmocka_unit_test(what_needs_no_memory_takes_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

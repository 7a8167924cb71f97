/* The programs of docs/files.md. */
#include "stage.h"

static size_t total;
static uint8_t first;

static void use(const uint8_t *data, size_t length)
{
    if (total == 0)
        first = data[0];
    total += length;
}

static void a_file(void **state)
{
    (void)state;
#include "guides/files/the-files-of-a-card.c"
    assert_int_equal(total, 64);
    assert_int_equal(first, 'H');
    assert_result(scm_file_close(file), SCM_E_HANDLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {ON_STAGE(a_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

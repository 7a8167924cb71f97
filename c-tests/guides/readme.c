/* The programs of README.md. first_programs.sh runs the first one without a service, a right, a reader or a card. */
#define main attach_program
#include "guides/readme/attach.c"
#undef main

#include <assert.h>

#include "stage.h"

static scm_result your_code(const char *name);

#define reader reader_of_the_test
#include "guides/readme/test-card-code-without-a-card.c"
#undef reader

/* Three commands, as of code that is tested. */
static scm_result your_code(const char *name)
{
    static const uint8_t command[] = {0x00, 0xA4, 0x00, 0x0C, 0x02, 0x3F, 0x00};
    uint8_t response[258];
    size_t length;
    scm_handle *attached;
    scm_result result = scm_attach_by_ifd(name, &attached);
    for (int i = 0; i < 3 && SCM_SUCCEEDED(result); i++)
        result = scm_transmit(attached, command, sizeof command, response, sizeof response, &length);
    scm_detach(attached);
    return result;
}

static void the_program(void **state)
{
    (void)state;
    assert_int_equal(attach_program(), 0);
    scm_virtual_ifd_clear_log(reader);
    assert_int_equal(attach_program(), 0);
    assert_int_equal(count_in_log("transmit 00A4040006D2760001240100"), 1);
    assert_result(scm_virtual_ifd_remove(reader), SCM_S_OK);
    assert_int_equal(attach_program(), 1);
}

static void the_test(void **state)
{
    (void)state;
    test_a_card_that_is_pulled();
    assert_int_equal(commands, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {ON_STAGE(the_program), cmocka_unit_test(the_test)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The program of crates/card/README.md. */
#include "stage.h"

static scm_result insert_it(scm_virtual_ifd *ifd)
{
#include "guides/card/the-test-card.c"
    return result;
}

static void a_card(void **state)
{
    (void)state;
    assert_result(insert_it(reader), SCM_SCARD_E_NOT_READY);
    assert_result(scm_virtual_ifd_remove(reader), SCM_S_OK);
    assert_result(insert_it(reader), SCM_S_OK);
    assert_result(scm_reconnect(card), SCM_S_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {ON_STAGE(a_card)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

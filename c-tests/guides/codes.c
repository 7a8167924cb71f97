/* The programs of docs/codes.md. */
#include "stage.h"

static scm_result verify(const char *text)
{
    const uint8_t *pin = (const uint8_t *)text;
    size_t pin_length = strlen(text);
    scm_result result;
#include "guides/codes/a-code.c"
    return result;
}

static scm_result authenticate(const uint8_t *key)
{
    scm_result result;
#include "guides/codes/a-key.c"
    return result;
}

static void a_code(void **state)
{
    (void)state;
    assert_result(verify("0000"), SCM_SCARD_W_WRONG_CHV);
    assert_result(verify("123456789"), SCM_SCARD_E_INVALID_CHV);
    assert_result(verify("1234"), SCM_S_OK);
    assert_int_equal(count_in_log("transmit 00200001"), 2);
}

static void a_key(void **state)
{
    static const uint8_t right[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, wrong[16];
    scm_card *both;
    (void)state;
    assert_result(authenticate(wrong), SCM_SCARD_W_SECURITY_VIOLATION);
    /* One key for both directions, as in the guide. */
    assert_result(scm_virtual_ifd_remove(reader), SCM_S_OK);
    assert_result(scm_card_create("[[mf.key]]\nnumber = 1\nvalue = '000102030405060708090A0B0C0D0E0F'\n"
                                  "uses = ['internal', 'external']\n", &both), SCM_S_OK);
    assert_result(scm_card_plug(both, &plug), SCM_S_OK);
    plug.release = scm_card_release;
    assert_result(scm_virtual_ifd_insert(reader, &plug), SCM_S_OK);
    assert_true(SCM_SUCCEEDED(scm_reconnect(card)));
    assert_result(authenticate(right), SCM_S_OK);
    assert_int_equal(count_in_log("transmit 0088"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {ON_STAGE(a_code), ON_STAGE(a_key)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

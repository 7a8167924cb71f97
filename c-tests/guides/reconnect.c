/* The programs of docs/reconnect.md. */
#include "stage.h"

static int calls, failures;

/* The card is reset during the first calls. */
static scm_result work(scm_handle *handle)
{
    static const uint8_t command[] = {0x00, 0xA4, 0x00, 0x0C, 0x02, 0x3F, 0x00};
    uint8_t response[258];
    size_t length;
    if (++calls <= failures)
        assert_result(scm_virtual_ifd_reset(reader, SCM_DISPOSITION_RESET), SCM_S_OK);
    return scm_transmit(handle, command, sizeof command, response, sizeof response, &length);
}

static scm_result work_until_done(int tries)
{
    calls = 0;
#include "guides/reconnect/rules.c"
    return result;
}

static void a_loop(void **state)
{
    (void)state;
    failures = 2;
    assert_result(work_until_done(3), SCM_S_OK);
    assert_int_equal(calls, 3);
    failures = 10;
    assert_result(work_until_done(3), SCM_SCARD_W_RESET_CARD);
    assert_int_equal(calls, 4);
    assert_result(scm_virtual_ifd_remove(reader), SCM_S_OK);
    failures = 0;
    assert_result(work_until_done(3), SCM_SCARD_W_REMOVED_CARD);
    assert_int_equal(calls, 1);
}

static void another_protocol(void **state)
{
    /* TD1: T=0, TD2: T=1, and the check byte. */
    static const uint8_t both[] = {0x3B, 0x80, 0x80, 0x01, 0x01};
    scm_attach_options raw = SCM_ATTACH_OPTIONS_INIT;
    const char *name = READER;
    scm_result result = SCM_E_FAIL;
    (void)state;
    assert_result(scm_virtual_ifd_remove(reader), SCM_S_OK);
    plug.atr = both;
    plug.atr_length = sizeof both;
    plug.protocols = 0;
    assert_result(scm_virtual_ifd_insert(reader, &plug), SCM_S_OK);
    scm_detach(card);
    raw.protocols = SCM_PROTOCOL_RAW;
    assert_result(scm_attach_by_ifd_ex(name, &raw, &card), SCM_S_OK);
    assert_result(scm_detach(card), SCM_S_OK);
    assert_result(scm_attach_by_ifd(name, &card), SCM_SCARD_E_PROTO_MISMATCH);
    {
#include "guides/reconnect/protocol-mismatch.c"
    }
    assert_result(result, SCM_S_OK);
    assert_result(work(card), SCM_S_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {ON_STAGE(a_loop), ON_STAGE(another_protocol)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Reconnect of an attachment by handle: the card handle is borrowed or adopted, and its owner may act too. */
#include "support/owner.h"

#define CARD 0
#define ATR_A "3B80800101"
#define ATR_B "3B8180010203"

static void a_borrowed_handle_comes_back_as_it_is(void **state)
{
    (void)state;
    struct owner own = connect_card(CARD);
    uintptr_t after;
    scm_handle *handle;
    assert_result(scm_attach_by_handle(own.icc, &handle), SCM_S_OK);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_int_equal(generation(handle), 0);
    bed("reset %d cold", CARD);
    assert_result(echo(handle), SCM_SCARD_W_RESET_CARD);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_int_equal(generation(handle), 1);
    bed("remove %d", CARD);
    assert_result(scm_reconnect(handle), SCM_SCARD_E_NO_SMARTCARD);
    bed("insert %d steerable %s", CARD, ATR_B);
    assert_result(scm_reconnect(handle), SCM_S_FALSE);
    assert_int_equal(generation(handle), 2);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_get_icc(handle, &after), SCM_S_OK);
    assert_true(after == own.icc);

    /* If the service has lost the handle, nothing brings it back. */
    bed("daemon kill");
    assert_result(echo(handle), SCM_SCARD_E_NO_SERVICE);
    assert_result(scm_reconnect(handle), SCM_SCARD_E_NO_SERVICE);
    bed("daemon start");
    assert_result(echo(handle), SCM_SCARD_E_INVALID_HANDLE);
    assert_result(scm_reconnect(handle), SCM_SCARD_E_INVALID_HANDLE);
    assert_int_equal(generation(handle), 3);
    assert_result(scm_detach(handle), SCM_S_OK);
    owner_leave(&own);
}

static void a_borrowed_handle_that_its_owner_disconnected(void **state)
{
    (void)state;
    struct owner own = connect_card(CARD);
    scm_handle *handle;
    assert_result(scm_attach_by_handle(own.icc, &handle), SCM_S_OK);
    assert_result(owner_disconnect(&own), SCM_S_OK);
    assert_result(echo(handle), SCM_SCARD_E_INVALID_HANDLE);
    assert_result(scm_reconnect(handle), SCM_SCARD_E_INVALID_HANDLE);
    assert_result(scm_detach(handle), SCM_S_OK);
    owner_leave(&own);
}

/* The owner of a borrowed handle may reconnect it. */
static void a_borrowed_handle_that_its_owner_reconnects(void **state)
{
    (void)state;
    struct owner own = connect_card(CARD);
    scm_handle *handle;
    assert_result(scm_attach_by_handle(own.icc, &handle), SCM_S_OK);
    for (uint64_t i = 1; i < 3; i++) {
        bed("reset %d warm", CARD);
        assert_result(echo(handle), SCM_SCARD_W_RESET_CARD);
        assert_int_equal(generation(handle), i);
        assert_result(owner_reconnect(&own), SCM_S_OK);
        assert_result(echo(handle), SCM_S_OK);
    }
    bed("remove %d", CARD);
    bed("insert %d steerable %s", CARD, ATR_A);
    assert_result(owner_reconnect(&own), SCM_S_OK);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_reconnect(handle), SCM_S_FALSE);
    assert_int_equal(generation(handle), 3);
    assert_result(scm_detach(handle), SCM_S_OK);
    owner_leave(&own);
    bed("remove %d", CARD);
    bed("insert %d steerable %s", CARD, ATR_B);
}

/* The options by handle apply to the reconnect. */
static void a_handle_is_reconnected_as_its_options_say(void **state)
{
    (void)state;
    struct owner own = connect_card(CARD);
    scm_handle *handle;
    scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
    options.share_mode = SCM_SHARE_EXCLUSIVE;
    assert_result(scm_attach_by_handle_ex(own.icc, &options, &handle), SCM_S_OK);
    bed("reset %d warm", CARD);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    scm_handle *other;
    assert_result(scm_attach_by_ifd(bed_ifd(CARD), &other), SCM_SCARD_E_SHARING_VIOLATION);
    assert_result(scm_detach(handle), SCM_S_OK);
    owner_leave(&own);

    own = connect_card(CARD);
    options = (scm_attach_options)SCM_ATTACH_OPTIONS_INIT;
    options.protocols = SCM_PROTOCOL_T0;
    assert_result(scm_attach_by_handle_ex(own.icc, &options, &handle), SCM_S_OK);
    bed("reset %d warm", CARD);
    uint32_t card_state, protocol;
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_result(scm_status(handle, &card_state, &protocol), SCM_S_OK);
    assert_int_equal(protocol, SCM_PROTOCOL_T0);
    assert_result(scm_detach(handle), SCM_S_OK);
    owner_leave(&own);
}

static void an_adopted_handle_is_opened_anew(void **state)
{
    (void)state;
    struct owner own = connect_card(CARD);
    uintptr_t after;
    scm_handle *handle;
    scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
    options.flags = SCM_ATTACH_ADOPT;
    assert_result(scm_attach_by_handle_ex(own.icc, &options, &handle), SCM_S_OK);
    bed("reset %d warm", CARD);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_int_equal(generation(handle), 1);
    bed("daemon restart kill");
    assert_result(echo(handle), SCM_SCARD_E_NO_SERVICE);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_result(echo(handle), SCM_S_OK);
    assert_int_equal(generation(handle), 2);
    assert_result(scm_get_context(handle, &after), SCM_S_OK);
    assert_true(after != own.context);
    assert_result(scm_detach(handle), SCM_S_OK);
    owner_leave(&own);
}

static int insert(void **state)
{
    (void)state;
    bed("insert %d steerable %s", CARD, ATR_A);
    return 0;
}

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_borrowed_handle_comes_back_as_it_is),
        cmocka_unit_test(a_borrowed_handle_that_its_owner_disconnected),
        cmocka_unit_test(a_borrowed_handle_that_its_owner_reconnects),
        cmocka_unit_test(a_handle_is_reconnected_as_its_options_say),
        cmocka_unit_test(an_adopted_handle_is_opened_anew),
    };
    return cmocka_run_group_tests(tests, insert, NULL);
}

/* Reconnect: after a reset, a removal, another card, a restart of the service; and with other options. */
#include "support/check.h"

#include <pthread.h>

#define CARD 0
#define ATR_A "3B80800101"
#define ATR_B "3B8180010203"

static uint32_t state_of(scm_handle *handle)
{
    uint32_t card_state = 77, protocol = 77;
    assert_result(scm_status(handle, &card_state, &protocol), SCM_S_OK);
    return card_state;
}

static scm_result status_of(scm_handle *handle)
{
    uint32_t card_state, protocol;
    return scm_status(handle, &card_state, &protocol);
}

static void when_nothing_happened_nothing_changes(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    uintptr_t before, after;
    assert_result(scm_get_icc(handle, &before), SCM_S_OK);
    for (int i = 0; i < 3; i++)
        assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_int_equal(generation(handle), 0);
    assert_result(scm_get_icc(handle, &after), SCM_S_OK);
    assert_true(before == after);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void a_foreign_reset_is_acknowledged(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    const char *temperatures[] = {"warm", "cold"};
    for (uint64_t i = 0; i < 2; i++) {
        assert_result(echo(handle), SCM_S_OK);
        bed("reset %d %s", CARD, temperatures[i]);
        bed("card %d clear", CARD);
        assert_result(echo(handle), SCM_SCARD_W_RESET_CARD);
        assert_int_equal(generation(handle), i + 1);
        assert_result(echo(handle), SCM_SCARD_W_RESET_CARD);
        assert_result(scm_lock(handle), SCM_SCARD_W_RESET_CARD);
        assert_result(status_of(handle), SCM_SCARD_W_RESET_CARD);
        assert_int_equal(bed_count(CARD), 0); /* nothing was sent to a changed card */
        assert_result(scm_reconnect(handle), SCM_S_OK);
        assert_int_equal(generation(handle), i + 1);
        assert_result(echo(handle), SCM_S_OK);
        assert_int_equal(bed_count(CARD), 1);
    }
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void a_reset_that_no_call_has_seen_is_counted(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    bed("reset %d warm", CARD);
    bed("reset %d warm", CARD);
    assert_int_equal(generation(handle), 0);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_int_equal(generation(handle), 1);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

/* After a power-off by another program pcscd reconnects without power, and lets nobody else connect. */
static void a_cold_card_gets_its_power_back(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    bed("reset %d cold", CARD);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_in_range(state_of(handle), SCM_STATE_NEGOTIABLEMODE, SCM_STATE_SPECIFICMODE);
    scm_handle *other = attach(CARD);
    assert_result(echo(other), SCM_S_OK);
    assert_result(scm_detach(other), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void a_card_that_was_pulled_and_put_back_is_found(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    bed("remove %d", CARD);
    assert_result(echo(handle), SCM_SCARD_W_REMOVED_CARD);
    assert_int_equal(state_of(handle), SCM_STATE_ABSENT);
    assert_result(scm_lock(handle), SCM_SCARD_W_REMOVED_CARD);
    assert_result(scm_reconnect(handle), SCM_SCARD_E_NO_SMARTCARD);
    assert_result(echo(handle), SCM_SCARD_W_REMOVED_CARD);
    assert_int_equal(generation(handle), 1);
    bed("insert %d steerable %s", CARD, ATR_A);
    assert_result(echo(handle), SCM_SCARD_W_REMOVED_CARD);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_result(echo(handle), SCM_S_OK);
    assert_int_equal(generation(handle), 1);

    /* Removed and inserted without a call in between. */
    bed("remove %d", CARD);
    bed("insert %d steerable %s", CARD, ATR_A);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_int_equal(generation(handle), 2);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void another_card_is_told_from_the_same(void **state)
{
    (void)state;
    uint8_t atr[SCM_ATR_MAX];
    size_t length;
    scm_handle *handle = attach(CARD);
    bed("remove %d", CARD);
    bed("insert %d steerable %s", CARD, ATR_B);
    assert_result(echo(handle), SCM_SCARD_W_REMOVED_CARD);
    assert_result(scm_reconnect(handle), SCM_S_FALSE);
    assert_int_equal(generation(handle), 1);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_get_atr(handle, atr, sizeof atr, &length), SCM_S_OK);
    assert_int_equal(length, 6);
    assert_memory_equal(atr, "\x3B\x81\x80\x01\x02\x03", 6);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    bed("remove %d", CARD);
    bed("insert %d steerable %s", CARD, ATR_A);
    assert_result(scm_reconnect(handle), SCM_S_FALSE);
    assert_int_equal(generation(handle), 2);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void *pull_when_the_command_is_there(void *unused)
{
    (void)unused;
    bed_await_command(CARD);
    bed("pull %d", CARD);
    return NULL;
}

static void a_card_that_is_pulled_in_the_middle_of_a_command(void **state)
{
    (void)state;
    pthread_t puller;
    scm_handle *handle = attach(CARD);
    bed("card %d delay 60000", CARD);
    bed("card %d clear", CARD);
    pthread_create(&puller, NULL, pull_when_the_command_is_there, NULL);
    assert_result(echo(handle), SCM_SCARD_W_REMOVED_CARD);
    pthread_join(puller, NULL);
    assert_int_equal(generation(handle), 1);
    assert_int_equal(state_of(handle), SCM_STATE_ABSENT);
    assert_result(echo(handle), SCM_SCARD_W_REMOVED_CARD);
    assert_result(scm_reconnect(handle), SCM_SCARD_E_NO_SMARTCARD);
    bed("insert %d steerable %s", CARD, ATR_A);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_int_equal(generation(handle), 1);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void a_card_that_drops_out_instead_of_answering(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    bed("card %d drop", CARD);
    assert_result(echo(handle), SCM_SCARD_W_REMOVED_CARD);
    bed("await %d empty", CARD);
    assert_result(scm_reconnect(handle), SCM_SCARD_E_NO_SMARTCARD);
    bed("card %d plug", CARD);
    bed("await %d present", CARD);
    assert_result(echo(handle), SCM_SCARD_W_REMOVED_CARD);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_int_equal(generation(handle), 1);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void a_service_that_was_restarted_is_found(void **state)
{
    (void)state;
    uintptr_t icc = 77;
    const char *ends[] = {"kill", "stop"};
    scm_handle *handle = attach(CARD);
    for (uint64_t i = 0; i < 2; i++) {
        bed("daemon %s", ends[i]);
        assert_result(echo(handle), SCM_SCARD_E_NO_SERVICE);
        assert_int_equal(generation(handle), i + 1);
        assert_result(status_of(handle), SCM_SCARD_E_NO_SERVICE);
        assert_result(scm_reconnect(handle), SCM_SCARD_E_NO_SERVICE);
        assert_result(echo(handle), SCM_SCARD_E_NO_SERVICE);
        assert_result(scm_get_icc(handle, &icc), SCM_SCARD_E_NO_SERVICE);
        assert_int_equal(icc, 0);
        bed("daemon start");
        assert_result(echo(handle), SCM_SCARD_E_NO_SERVICE);
        assert_result(scm_reconnect(handle), SCM_S_OK);
        assert_result(echo(handle), SCM_S_OK);
        assert_int_equal(generation(handle), i + 1);
    }
    /* Stopped and started without a call in between. */
    bed("daemon restart kill");
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_result(echo(handle), SCM_S_OK);
    assert_int_equal(generation(handle), 3);

    /* The service runs again without the card; then another card is inserted. */
    bed("daemon kill");
    bed("pull %d", CARD);
    bed("daemon start");
    assert_result(scm_reconnect(handle), SCM_SCARD_E_NO_SMARTCARD);
    assert_int_equal(state_of(handle), SCM_STATE_ABSENT);
    assert_result(echo(handle), SCM_SCARD_W_REMOVED_CARD);
    bed("insert %d steerable %s", CARD, ATR_B);
    assert_result(scm_reconnect(handle), SCM_S_FALSE);
    assert_result(echo(handle), SCM_S_OK);
    assert_int_equal(generation(handle), 4);
    bed("remove %d", CARD);
    bed("insert %d steerable %s", CARD, ATR_A);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void *kill_when_the_command_is_there(void *unused)
{
    (void)unused;
    bed_await_command(CARD);
    bed("daemon kill");
    return NULL;
}

static void a_service_that_dies_in_the_middle_of_a_command(void **state)
{
    (void)state;
    pthread_t killer;
    scm_handle *handle = attach(CARD);
    bed("card %d delay 60000", CARD);
    bed("card %d clear", CARD);
    pthread_create(&killer, NULL, kill_when_the_command_is_there, NULL);
    assert_result(echo(handle), SCM_SCARD_E_NO_SERVICE);
    pthread_join(killer, NULL);
    assert_int_equal(generation(handle), 1);
    bed("card %d delay 0", CARD);
    bed("daemon start");
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_int_equal(generation(handle), 1);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void initial_actions_reset_the_card(void **state)
{
    (void)state;
    uint32_t actions[] = {SCM_DISPOSITION_RESET, SCM_DISPOSITION_UNPOWER};
    scm_handle *mine = attach(CARD), *theirs = attach(CARD);
    for (size_t i = 0; i < 2; i++) {
        scm_reconnect_options options = SCM_RECONNECT_OPTIONS_INIT;
        options.initial_action = actions[i];
        assert_result(scm_reconnect_ex(mine, &options), SCM_S_OK);
        assert_int_equal(generation(mine), i + 1);
        assert_result(echo(mine), SCM_S_OK);
        assert_result(echo(theirs), SCM_SCARD_W_RESET_CARD);
        assert_result(scm_reconnect(theirs), SCM_S_OK);
    }
    assert_result(scm_detach(mine), SCM_S_OK);
    assert_result(scm_detach(theirs), SCM_S_OK);
}

static void share_mode_and_protocols_can_change(void **state)
{
    (void)state;
    uint32_t card_state, protocol;
    scm_handle *mine = attach(CARD), *theirs;
    scm_reconnect_options options = SCM_RECONNECT_OPTIONS_INIT;
    options.share_mode = SCM_SHARE_EXCLUSIVE;
    assert_result(scm_reconnect_ex(mine, &options), SCM_S_OK);
    assert_result(scm_attach_by_ifd(bed_ifd(CARD), &theirs), SCM_SCARD_E_SHARING_VIOLATION);
    /* The options hold for later reconnects. */
    assert_result(scm_reconnect(mine), SCM_S_OK);
    assert_result(scm_attach_by_ifd(bed_ifd(CARD), &theirs), SCM_SCARD_E_SHARING_VIOLATION);
    options.share_mode = SCM_SHARE_SHARED;
    assert_result(scm_reconnect_ex(mine, &options), SCM_S_OK);
    theirs = attach(CARD);
    assert_result(scm_detach(theirs), SCM_S_OK);

    /* A card with T=1 only. */
    bed("remove %d", CARD);
    bed("insert %d steerable", CARD);
    assert_result(scm_reconnect(mine), SCM_S_FALSE);
    options = (scm_reconnect_options)SCM_RECONNECT_OPTIONS_INIT;
    options.protocols = SCM_PROTOCOL_T0;
    options.initial_action = SCM_DISPOSITION_RESET;
    assert_result(scm_reconnect_ex(mine, &options), SCM_SCARD_E_PROTO_MISMATCH);
    assert_result(scm_reconnect(mine), SCM_S_OK);
    assert_result(scm_status(mine, &card_state, &protocol), SCM_S_OK);
    assert_int_equal(protocol, SCM_PROTOCOL_T1);
    assert_result(echo(mine), SCM_S_OK);
    assert_int_equal(generation(mine), 3); /* exclusive use, another card, its reset */
    assert_result(scm_detach(mine), SCM_S_OK);
    bed("remove %d", CARD);
    bed("insert %d steerable %s", CARD, ATR_A);
}

static void a_reader_without_a_card_reconnects_in_direct_mode(void **state)
{
    (void)state;
    scm_handle *handle;
    size_t length = 77;
    scm_attach_options direct = SCM_ATTACH_OPTIONS_INIT;
    direct.share_mode = SCM_SHARE_DIRECT;
    assert_result(scm_attach_by_ifd_ex(bed_ifd(CARD), &direct, &handle), SCM_S_OK);
    assert_result(echo(handle), SCM_SCARD_E_PROTO_MISMATCH);
    bed("remove %d", CARD);
    assert_int_equal(state_of(handle), SCM_STATE_ABSENT);
    assert_result(scm_reconnect(handle), SCM_S_FALSE);
    assert_result(scm_get_atr(handle, NULL, 0, &length), SCM_S_OK);
    assert_int_equal(length, 0);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_result(scm_lock(handle), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    bed("insert %d steerable %s", CARD, ATR_A);
    assert_result(scm_reconnect(handle), SCM_S_FALSE);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void no_answer_is_left_when_the_service_is_gone(void **state)
{
    (void)state;
    size_t length = 77;
    scm_handle *handle = attach(CARD);
    assert_result(echo(handle), SCM_S_OK);
    bed("daemon kill");
    assert_result(scm_reconnect(handle), SCM_SCARD_E_NO_SERVICE);
    assert_result(echo(handle), SCM_SCARD_E_NO_SERVICE);
    assert_result(scm_get_last_response(handle, NULL, 0, &length), SCM_S_OK);
    assert_int_equal(length, 0);
    assert_result(scm_detach_ex(handle, SCM_DISPOSITION_RESET), SCM_SCARD_E_NO_SERVICE);
    bed("daemon start");
}

static void wrong_options_change_nothing(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    scm_reconnect_options wrong[] = {
        {sizeof(scm_reconnect_options) - 1, 0, 0, 0, 0},          {sizeof(scm_reconnect_options) + 4096, 0, 0, 0, 0},
        {sizeof(scm_reconnect_options), 4, 0, 0, 0},              {sizeof(scm_reconnect_options), 0, 4, 0, 0},
        {sizeof(scm_reconnect_options), 0, 0, 4, 0},
                         {sizeof(scm_reconnect_options), 0, 0, SCM_DISPOSITION_EJECT, 0},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_result(scm_reconnect_ex(handle, &wrong[i]), SCM_E_INVALIDARG);
    assert_result(scm_reconnect_ex(handle, NULL), SCM_S_OK);
    assert_int_equal(generation(handle), 0);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
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
        cmocka_unit_test(when_nothing_happened_nothing_changes),
        cmocka_unit_test(a_foreign_reset_is_acknowledged),
        cmocka_unit_test(a_reset_that_no_call_has_seen_is_counted),
        cmocka_unit_test(a_cold_card_gets_its_power_back),
        cmocka_unit_test(a_card_that_was_pulled_and_put_back_is_found),
        cmocka_unit_test(another_card_is_told_from_the_same),
        cmocka_unit_test(a_card_that_is_pulled_in_the_middle_of_a_command),
        cmocka_unit_test(a_card_that_drops_out_instead_of_answering),
        cmocka_unit_test(a_service_that_was_restarted_is_found),
        cmocka_unit_test(a_service_that_dies_in_the_middle_of_a_command),
        cmocka_unit_test(initial_actions_reset_the_card),
        cmocka_unit_test(share_mode_and_protocols_can_change),
        cmocka_unit_test(a_reader_without_a_card_reconnects_in_direct_mode),
        cmocka_unit_test(no_answer_is_left_when_the_service_is_gone),
        cmocka_unit_test(wrong_options_change_nothing),
    };
    return cmocka_run_group_tests(tests, insert, NULL);
}

/* The daemon was restarted with fewer readers than this process has ever seen. libpcsclite 2.5 lists no reader then, and tells of no
 * card, for the rest of the process; the library does. */
#include "support/check.h"

#include <stdbool.h>

#define CARD 0
#define READERS 4
#define LONG_MS 20000
#define ATR "\x3B\x80\x01\x81\x3A"
#define ATR_ORDER "3B8001813A"

static scm_monitor *monitor;

/* How many readers are listed, and whether that of the card is. */
static int count_listed(bool *has_card)
{
    char names[4096];
    size_t length = 0;
    int count = 0;
    *has_card = false;
    assert_result(scm_list_ifds(names, sizeof names, &length), SCM_S_OK);
    for (const char *name = names; *name != '\0'; name += strlen(name) + 1, count++)
        *has_card = *has_card || strcmp(name, bed_ifd(CARD)) == 0;
    return count;
}

static void await_event(uint32_t kind, const char *ifd)
{
    scm_event event = SCM_EVENT_INIT;
    do
        assert_result(scm_monitor_wait(monitor, LONG_MS, &event), SCM_S_OK);
    while (event.kind != kind || (ifd != NULL && strcmp(event.ifd_name, ifd) != 0));
}

/* Only the reader of the card is left. */
static int lose_readers(void **state)
{
    (void)state;
    bool has_card;
    bed("insert %d steerable " ATR_ORDER, CARD);
    assert_result(scm_monitor_create(&monitor), SCM_S_OK);
    await_event(SCM_EVENT_CARD_INSERTED, bed_ifd(CARD));
    int all = count_listed(&has_card);
    assert_true(has_card);
    for (int i = 1; i < READERS; i++)
        bed("unplug %d", i);
    assert_true(count_listed(&has_card) < all);
    return 0;
}

static int get_readers_back(void **state)
{
    (void)state;
    for (int i = 1; i < READERS; i++)
        bed("plug %d", i);
    assert_result(scm_monitor_destroy(monitor), SCM_S_OK);
    bed("remove %d", CARD);
    return 0;
}

static void the_reader_that_is_left_is_listed(void **state)
{
    (void)state;
    bool has_card;
    assert_int_equal(count_listed(&has_card) % (READERS - 1), bed_is_virtual() ? 1 : 2);
    assert_true(has_card);
}

static void assert_card(scm_handle *handle)
{
    uint8_t atr[SCM_ATR_MAX];
    size_t length = 0;
    uint32_t card_state = 77, protocol = 0;
    assert_result(scm_get_atr(handle, atr, sizeof atr, &length), SCM_S_OK);
    assert_int_equal(length, sizeof ATR - 1);
    assert_memory_equal(atr, ATR, sizeof ATR - 1);
    assert_result(scm_status(handle, &card_state, &protocol), SCM_S_OK);
    assert_true(card_state == SCM_STATE_NEGOTIABLEMODE || card_state == SCM_STATE_SPECIFICMODE);
    assert_int_not_equal(protocol, 0);
    assert_result(scm_lock(handle), SCM_S_OK);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
}

static void its_card_is_used(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    assert_card(handle);
    assert_result(scm_detach(handle), SCM_S_OK);
}

/* Signals come through. */
static void its_card_is_reset_and_exchanged(void **state)
{
    (void)state;
    uint32_t card_state, protocol;
    scm_handle *handle = attach(CARD);
    bed("reset %d warm", CARD);
    assert_result(scm_status(handle, &card_state, &protocol), SCM_SCARD_W_RESET_CARD);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_card(handle);
    bed("remove %d", CARD);
    await_event(SCM_EVENT_CARD_REMOVED, bed_ifd(CARD));
    assert_result(scm_status(handle, &card_state, &protocol), SCM_S_OK);
    assert_int_equal(card_state, SCM_STATE_ABSENT);
    assert_result(echo(handle), SCM_SCARD_W_REMOVED_CARD);
    assert_result(scm_reconnect(handle), SCM_SCARD_E_NO_SMARTCARD);
    bed("insert %d steerable " ATR_ORDER, CARD);
    await_event(SCM_EVENT_CARD_INSERTED, bed_ifd(CARD));
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_card(handle);
    assert_result(scm_detach_ex(handle, SCM_DISPOSITION_RESET), SCM_S_OK);
}

/* A question about the card waits for who has it, and no longer than it may. */
static void its_card_is_waited_for(void **state)
{
    (void)state;
    scm_handle *handle = NULL;
    bed("hold %d transaction", CARD);
    scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
    options.limit_ms = 200;
    assert_result(scm_attach_by_ifd_ex(bed_ifd(CARD), &options, &handle), SCM_SCARD_E_TIMEOUT);
    bed("release %d leave", CARD);
    handle = attach(CARD);
    assert_card(handle);
    assert_result(scm_detach(handle), SCM_S_OK);
}

/* An attachment of before is brought back. */
static void a_restart_is_survived(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    bed("daemon restart kill");
    await_event(SCM_EVENT_SERVICE_DOWN, NULL);
    await_event(SCM_EVENT_CARD_INSERTED, bed_ifd(CARD));
    assert_result(echo(handle), SCM_SCARD_E_NO_SERVICE);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_card(handle);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void all_are_back(void **state)
{
    (void)state;
    bool has_card;
    int before = count_listed(&has_card);
    for (int i = 1; i < READERS; i++) {
        bed("plug %d", i);
        await_event(SCM_EVENT_IFD_ARRIVED, bed_ifd(i));
    }
    assert_int_equal(count_listed(&has_card), READERS * before);
    for (int i = 1; i < READERS; i++)
        bed("unplug %d", i);
    its_card_is_used(state);
}

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reader_that_is_left_is_listed), cmocka_unit_test(its_card_is_used),
        cmocka_unit_test(its_card_is_reset_and_exchanged),   cmocka_unit_test(its_card_is_waited_for),
        cmocka_unit_test(a_restart_is_survived),             cmocka_unit_test(all_are_back),
    };
    return cmocka_run_group_tests(tests, lose_readers, get_readers_back);
}

/* Reconnect during a lock or exclusive use: both are held afterwards. */
#include "support/check.h"

#include <pthread.h>

#define CARD 0
#define ATR_A "3B80800101"

static void *detach_other(void *handle)
{
    /* RESET waits for the lock too. */
    return (void *)(intptr_t)scm_detach_ex(handle, SCM_DISPOSITION_RESET);
}

/* Another attachment resets the card as soon as the lock allows it; until then the lock is held. */
static void check_held(scm_handle *handle, scm_handle *other)
{
    pthread_t thread;
    void *result;
    uint8_t value[64];
    size_t length;
    assert_result(scm_get_attribute(other, atr_attribute(), value, sizeof value, &length),
                  SCM_SCARD_E_SHARING_VIOLATION);
    assert_int_equal(pthread_create(&thread, NULL, detach_other, other), 0);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    pthread_join(thread, &result);
    assert_result((scm_result)(intptr_t)result, SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_SCARD_E_NOT_TRANSACTED);
    assert_result(scm_reconnect(handle), SCM_S_OK);
}

static void a_lock_is_held_across_a_reconnect(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD), *other = attach(CARD);
    scm_reconnect_options reset = SCM_RECONNECT_OPTIONS_INIT;
    reset.initial_action = SCM_DISPOSITION_RESET;
    assert_result(scm_lock(handle), SCM_S_OK);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_int_equal(generation(handle), 0);
    assert_result(scm_reconnect_ex(handle, &reset), SCM_S_OK);
    assert_int_equal(generation(handle), 1);
    check_held(handle, other);

    /* The card leaves and takes the lock along; the reconnect takes it anew. */
    other = attach(CARD);
    assert_result(scm_lock(handle), SCM_S_OK);
    bed("remove %d", CARD);
    bed("insert %d steerable %s", CARD, ATR_A);
    assert_result(scm_reconnect(other), SCM_S_OK);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    check_held(handle, other);

    /* The service restarts, and has lost the lock. */
    assert_result(scm_lock(handle), SCM_S_OK);
    assert_result(scm_lock(handle), SCM_S_OK);
    bed("daemon restart kill");
    other = attach(CARD);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    check_held(handle, other);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void a_lock_that_was_lost_says_so_at_its_unlock(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    assert_result(scm_lock(handle), SCM_S_OK);
    bed("remove %d", CARD);
    assert_result(echo(handle), SCM_SCARD_W_REMOVED_CARD);
    assert_result(scm_lock(handle), SCM_SCARD_W_REMOVED_CARD); /* an inner lock of a lost one is lost */
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_SCARD_W_REMOVED_CARD);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_SCARD_E_NOT_TRANSACTED);
    bed("insert %d steerable %s", CARD, ATR_A);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_nobody_holds_the_card(CARD);

    assert_result(scm_lock(handle), SCM_S_OK);
    bed("daemon restart kill");
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_SCARD_E_NO_SERVICE);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_SCARD_E_NOT_TRANSACTED);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_nobody_holds_the_card(CARD);
    assert_result(scm_detach(handle), SCM_S_OK);
}

/* To pcscd exclusive use and a lock are one transaction. */
static void a_lock_outlives_exclusive_use(void **state)
{
    (void)state;
    scm_reconnect_options exclusive = SCM_RECONNECT_OPTIONS_INIT, shared = SCM_RECONNECT_OPTIONS_INIT;
    exclusive.share_mode = SCM_SHARE_EXCLUSIVE;
    shared.share_mode = SCM_SHARE_SHARED;
    for (int locked_before = 0; locked_before < 2; locked_before++) {
        scm_handle *handle = attach(CARD);
        if (locked_before)
            assert_result(scm_lock(handle), SCM_S_OK);
        assert_result(scm_reconnect_ex(handle, &exclusive), SCM_S_OK);
        if (!locked_before)
            assert_result(scm_lock(handle), SCM_S_OK);
        assert_result(scm_reconnect(handle), SCM_S_OK);
        assert_result(scm_reconnect_ex(handle, &shared), SCM_S_OK);
        /* During a wait for exclusive use there is no connection. */
        assert_int_equal(generation(handle), 1);

        /* An existing transaction can be ended; the unlock of a lost lock fails. */
        assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
        assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_SCARD_E_NOT_TRANSACTED);
        assert_nobody_holds_the_card(CARD);
        assert_result(scm_detach(handle), SCM_S_OK);
    }
}

static void exclusive_use_outlives_a_removal(void **state)
{
    (void)state;
    scm_handle *handle, *other;
    uint32_t dispositions[] = {SCM_DISPOSITION_LEAVE, SCM_DISPOSITION_RESET, SCM_DISPOSITION_UNPOWER};
    scm_attach_options exclusive = SCM_ATTACH_OPTIONS_INIT;
    exclusive.share_mode = SCM_SHARE_EXCLUSIVE;
    assert_result(scm_attach_by_ifd_ex(bed_ifd(CARD), &exclusive, &handle), SCM_S_OK);
    bed("remove %d", CARD);
    bed("insert %d steerable %s", CARD, ATR_A);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    for (uint64_t i = 0; i < 3; i++) {
        assert_result(scm_lock(handle), SCM_S_OK);
        assert_result(echo(handle), SCM_S_OK);
        assert_result(scm_unlock(handle, dispositions[i]), SCM_S_OK);
        assert_int_equal(generation(handle), i + 1);
        assert_result(echo(handle), SCM_S_OK);
        assert_result(scm_attach_by_ifd(bed_ifd(CARD), &other), SCM_SCARD_E_SHARING_VIOLATION);
    }
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_nobody_holds_the_card(CARD);
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
        cmocka_unit_test(a_lock_is_held_across_a_reconnect),
        cmocka_unit_test(a_lock_that_was_lost_says_so_at_its_unlock),
        cmocka_unit_test(a_lock_outlives_exclusive_use),
        cmocka_unit_test(exclusive_use_outlives_a_removal),
    };
    return cmocka_run_group_tests(tests, insert, NULL);
}

/* Lock and unlock. */
#include "support/check.h"

#include <pthread.h>
#include <stdatomic.h>

#define CARD 0

static void a_lock_keeps_others_out(void **state)
{
    (void)state;
    uint8_t value[64];
    size_t length;
    scm_handle *mine = attach(CARD), *theirs = attach(CARD);
    assert_result(scm_lock(mine), SCM_S_OK);
    assert_result(echo(mine), SCM_S_OK);
    assert_result(scm_get_attribute(theirs, atr_attribute(), value, sizeof value, &length),
                  SCM_SCARD_E_SHARING_VIOLATION);
    assert_result(scm_unlock(mine, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_get_attribute(theirs, atr_attribute(), value, sizeof value, &length), SCM_S_OK);
    assert_result(echo(theirs), SCM_S_OK);
    assert_int_equal(generation(mine), 0);
    assert_result(scm_detach(mine), SCM_S_OK);
    assert_result(scm_detach(theirs), SCM_S_OK);
}

static void unlock_wants_a_lock(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_SCARD_E_NOT_TRANSACTED);
    assert_result(scm_lock(handle), SCM_S_OK);
    assert_result(scm_unlock(handle, 4), SCM_E_INVALIDARG);
    assert_result(scm_unlock(handle, UINT32_MAX), SCM_E_INVALIDARG);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_SCARD_E_NOT_TRANSACTED);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void locks_are_counted(void **state)
{
    (void)state;
    uint8_t value[64];
    size_t length;
    scm_handle *mine = attach(CARD), *theirs = attach(CARD);
    for (int i = 0; i < 3; i++)
        assert_result(scm_lock(mine), SCM_S_OK);
    /* The disposition of an inner unlock has no effect. */
    assert_result(scm_unlock(mine, SCM_DISPOSITION_RESET), SCM_S_OK);
    assert_result(scm_unlock(mine, SCM_DISPOSITION_UNPOWER), SCM_S_OK);
    assert_result(echo(mine), SCM_S_OK);
    assert_int_equal(generation(mine), 0);
    assert_result(scm_get_attribute(theirs, atr_attribute(), value, sizeof value, &length),
                  SCM_SCARD_E_SHARING_VIOLATION);
    assert_result(scm_unlock(mine, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_get_attribute(theirs, atr_attribute(), value, sizeof value, &length), SCM_S_OK);
    assert_result(echo(theirs), SCM_S_OK);
    assert_result(scm_unlock(mine, SCM_DISPOSITION_LEAVE), SCM_SCARD_E_NOT_TRANSACTED);
    assert_result(scm_detach(mine), SCM_S_OK);
    assert_result(scm_detach(theirs), SCM_S_OK);
}

/* 80 5E stores data until a reset, 80 5F returns them. */
static void remember(scm_handle *handle)
{
    uint8_t response[2];
    size_t length;
    assert_result(scm_transmit(handle, (const uint8_t *)"\x80\x5E\0\0\x01\x42", 6, response, 2, &length), SCM_S_OK);
    assert_memory_equal(response, "\x90\x00", 2);
}

static int remembers(scm_handle *handle)
{
    uint8_t response[64];
    size_t length;
    assert_result(scm_transmit(handle, (const uint8_t *)"\x80\x5F\0\0\0", 5, response, sizeof response, &length),
                  SCM_S_OK);
    return length == 3 && response[0] == 0x42;
}

static void the_outermost_unlock_disposes_of_the_card(void **state)
{
    (void)state;
    uint32_t resetting[] = {SCM_DISPOSITION_RESET, SCM_DISPOSITION_UNPOWER};
    scm_handle *mine = attach(CARD), *theirs = attach(CARD);
    for (size_t i = 0; i < 2; i++) {
        uint64_t before = generation(mine);
        remember(mine);
        assert_true(remembers(mine));
        assert_result(scm_lock(mine), SCM_S_OK);
        assert_result(scm_unlock(mine, resetting[i]), SCM_S_OK);
        assert_int_equal(generation(mine), before + 1);
        assert_result(echo(theirs), SCM_SCARD_W_RESET_CARD);
        /* The caller that requested the reset continues without a reconnect. */
        assert_false(remembers(mine));
        assert_result(scm_reconnect(mine), SCM_S_OK);
        assert_int_equal(generation(mine), before + 1);
        assert_result(scm_reconnect(theirs), SCM_S_OK);
        assert_int_equal(generation(theirs), i + 1);
    }
    assert_result(scm_lock(mine), SCM_S_OK);
    assert_result(scm_unlock(mine, SCM_DISPOSITION_RESET), SCM_S_OK);
    assert_result(scm_lock(mine), SCM_S_OK);
    assert_result(scm_unlock(mine, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_reconnect(theirs), SCM_S_OK);
    assert_result(scm_detach(mine), SCM_S_OK);
    assert_result(scm_detach(theirs), SCM_S_OK);
}

/* Calls that do not wait for others do not start to after the own reset. */
static void the_reader_is_not_waited_for_after_an_own_reset(void **state)
{
    (void)state;
    uint8_t value[64];
    size_t length;
    scm_handle *handle = attach(CARD);
    assert_result(scm_lock(handle), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_RESET), SCM_S_OK);
    bed("hold %d transaction", CARD);
    assert_result(scm_get_attribute(handle, atr_attribute(), value, sizeof value, &length),
                  SCM_SCARD_E_SHARING_VIOLATION);
    assert_result(scm_set_attribute(handle, atr_attribute(), value, 1), SCM_SCARD_E_SHARING_VIOLATION);
    assert_result(scm_control(handle, scm_ctl_code(1), NULL, 0, value, sizeof value, &length),
                  SCM_SCARD_E_SHARING_VIOLATION);
    bed("release %d leave", CARD);
    assert_result(scm_get_attribute(handle, atr_attribute(), value, sizeof value, &length), SCM_S_OK);
    assert_result(echo(handle), SCM_S_OK);
    assert_int_equal(generation(handle), 1);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void a_reader_that_cannot_eject_says_so(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    assert_result(scm_lock(handle), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_EJECT), SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_SCARD_E_NOT_TRANSACTED);
    bed("hold %d transaction", CARD); /* the lock was really released */
    bed("release %d leave", CARD);
    assert_result(echo(handle), SCM_S_OK);
    assert_int_equal(generation(handle), 0);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void a_lock_is_released_by_the_detach(void **state)
{
    (void)state;
    scm_handle *mine = attach(CARD);
    assert_result(scm_lock(mine), SCM_S_OK);
    assert_result(scm_lock(mine), SCM_S_OK);
    assert_result(scm_detach(mine), SCM_S_OK);
    bed("hold %d transaction", CARD);
    bed("release %d leave", CARD);
}

/* A thread that locks, and records when it has the lock. */
struct waiter {
    scm_handle *handle;
    scm_result result;
    atomic_int done;
    pthread_t thread;
};

static void *wait_for_lock(void *argument)
{
    struct waiter *waiter = argument;
    waiter->result = scm_lock(waiter->handle);
    waiter->done = 1;
    return NULL;
}

static void start(struct waiter *waiter, scm_handle *handle)
{
    *waiter = (struct waiter){.handle = handle};
    assert_int_equal(pthread_create(&waiter->thread, NULL, wait_for_lock, waiter), 0);
}

static void a_lock_waits_for_another_process(void **state)
{
    (void)state;
    struct waiter waiter;
    scm_handle *handle = attach(CARD), *other = attach(CARD);
    uint8_t value[64];
    size_t length;
    bed("hold %d transaction", CARD);
    start(&waiter, handle);
    /* The daemon has answered that the card is held, so the waiter cannot have it. */
    assert_result(scm_get_attribute(other, atr_attribute(), value, sizeof value, &length),
                  SCM_SCARD_E_SHARING_VIOLATION);
    assert_int_equal(waiter.done, 0);
    bed("release %d leave", CARD);
    pthread_join(waiter.thread, NULL);
    assert_result(waiter.result, SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);

    /* The other one ends with a reset: the waiter gets that code, and no lock. */
    bed("hold %d transaction", CARD);
    start(&waiter, handle);
    bed("release %d reset", CARD);
    pthread_join(waiter.thread, NULL);
    assert_result(waiter.result, SCM_SCARD_W_RESET_CARD);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_SCARD_E_NOT_TRANSACTED);
    assert_int_equal(generation(handle), 1);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_int_equal(generation(handle), 1);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_detach(other), SCM_S_OK);
}

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_keeps_others_out),
        cmocka_unit_test(unlock_wants_a_lock),
        cmocka_unit_test(locks_are_counted),
        cmocka_unit_test(the_outermost_unlock_disposes_of_the_card),
        cmocka_unit_test(the_reader_is_not_waited_for_after_an_own_reset),
        cmocka_unit_test(a_reader_that_cannot_eject_says_so),
        cmocka_unit_test(a_lock_is_released_by_the_detach),
        cmocka_unit_test(a_lock_waits_for_another_process),
    };
    return cmocka_run_group_tests(tests, insert_card, NULL);
}

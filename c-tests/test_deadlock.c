/* There is no deadlock, whatever a resource manager answers and a callback does. Virtual readers give the false
 * codes. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scm.h"
#include "scm_virtual.h"
#include "support/wait.h"

#define NAME "Deadlock"
#define SOON_MS 5000
/* The library asks so often before it believes that there is no transaction: at an unlock, and after it. */
#define DENIALS 4

static const uint8_t ATR[] = {0x3B, 0x80, 0x80, 0x01, 0x01};
static const uint8_t COMMAND[] = {0x00, 0xA4, 0x00, 0x00};

static struct {
    scm_virtual_ifd *ifd;
    scm_handle *handle, *other;
    atomic_bool mute;
} scene;

#define assert_result(call, expected) assert_string_equal(scm_result_name(call), scm_result_name(expected))

static scm_result transmit(void *user, const uint8_t *command, size_t command_length, uint8_t *response,
                           size_t capacity, size_t *response_length)
{
    (void)user, (void)command, (void)command_length, (void)capacity;
    memcpy(response, "\x90\x00", 2);
    *response_length = 2;
    return SCM_S_OK;
}

static scm_result power(void *user, uint32_t event)
{
    (void)user, (void)event;
    return scene.mute ? SCM_E_FAIL : SCM_S_OK;
}

static scm_result exchange(scm_handle *handle)
{
    uint8_t response[16];
    size_t length;
    return scm_transmit(handle, COMMAND, sizeof COMMAND, response, sizeof response, &length);
}

static void fail_next(uint32_t operation, scm_result code, uint32_t count)
{
    assert_result(scm_virtual_ifd_fail(scene.ifd, operation, code, 0, count), SCM_S_OK);
}

static void set_up(void)
{
    scm_virtual_card card = SCM_VIRTUAL_CARD_INIT;
    memset(&scene, 0, sizeof scene);
    card.atr = ATR;
    card.atr_length = sizeof ATR;
    card.transmit = transmit;
    card.power = power;
    assert_result(scm_virtual_ifd_create(NAME, NULL, &scene.ifd), SCM_S_OK);
    assert_result(scm_virtual_ifd_insert(scene.ifd, &card), SCM_S_OK);
    assert_result(scm_attach_by_ifd(NAME, &scene.handle), SCM_S_OK);
    assert_result(scm_attach_by_ifd(NAME, &scene.other), SCM_S_OK);
}

static void tear_down(void)
{
    (void)scm_detach(scene.handle);
    (void)scm_detach(scene.other);
    assert_result(scm_virtual_ifd_destroy(scene.ifd), SCM_S_OK);
}

/* --- Two attachments and a false code */

static scm_result lock_and_unlock(void *handle)
{
    scm_result result = scm_lock(handle);
    return result == SCM_S_OK ? scm_unlock(handle, SCM_DISPOSITION_LEAVE) : result;
}

static scm_result lock_in_time(void *handle)
{
    scm_result result = scm_lock_ex(handle, SOON_MS);
    return result == SCM_S_OK ? scm_unlock(handle, SCM_DISPOSITION_LEAVE) : result;
}

static scm_result detach_and_reset(void *handle) { return scm_detach_ex(handle, SCM_DISPOSITION_RESET); }
static scm_result reconnect(void *handle) { return scm_reconnect(handle); }
static scm_result send(void *handle) { return exchange(handle); }

static const scm_result LIES[] = {
    SCM_SCARD_W_REMOVED_CARD,       SCM_SCARD_E_READER_UNAVAILABLE, SCM_SCARD_E_NO_SERVICE, SCM_SCARD_E_INVALID_HANDLE,
    SCM_SCARD_E_SERVICE_STOPPED,    SCM_SCARD_E_UNKNOWN_READER,     SCM_SCARD_W_RESET_CARD, SCM_SCARD_W_UNPOWERED_CARD,
    SCM_SCARD_W_UNRESPONSIVE_CARD,  SCM_SCARD_E_NO_SMARTCARD,       SCM_SCARD_F_COMM_ERROR, SCM_SCARD_E_NOT_TRANSACTED,
    SCM_SCARD_E_SHARING_VIOLATION,  SCM_SCARD_E_PROTO_MISMATCH,     SCM_SCARD_E_TIMEOUT,    SCM_SCARD_F_INTERNAL_ERROR,
};
enum { LIE_COUNT = sizeof LIES / sizeof *LIES };

/* The holder of the lock gets a false loss while another waits; both continue. */
static void play_a_lie(scm_result lie, scm_result (*other)(void *), scm_result (*then)(void *))
{
    struct wait waiter, mine;
    set_up();
    assert_result(scm_lock(scene.handle), SCM_S_OK);
    wait_begin(&waiter, other, scene.other);
    (void)wait_is_reached(&waiter);
    fail_next(SCM_VIRTUAL_TRANSMIT, lie, 1);
    assert_true(exchange(scene.handle) < 0);
    wait_begin(&mine, then, scene.handle);
    (void)wait_end(&mine);
    (void)scm_unlock(scene.handle, SCM_DISPOSITION_LEAVE);
    (void)wait_end(&waiter);
    if (waiter.result == SCM_SCARD_W_RESET_CARD || then != reconnect)
        (void)scm_reconnect(scene.other);
    else if (other != detach_and_reset)
        assert_result(waiter.result, SCM_S_OK);
    tear_down();
}

static void a_false_loss_causes_no_deadlock(void **state)
{
    (void)state;
    scm_result (*const others[])(void *) = {lock_and_unlock, lock_in_time, detach_and_reset, reconnect, send};
    scm_result (*const then[])(void *) = {reconnect, lock_and_unlock, send};
    for (size_t lie = 0; lie < LIE_COUNT; lie++)
        for (size_t other = 0; other < sizeof others / sizeof *others; other++)
            for (size_t next = 0; next < sizeof then / sizeof *then; next++)
                play_a_lie(LIES[lie], others[other], then[next]);
}

/* --- An unlock releases the lock */

enum owner { OURS, BORROWED, ADOPTED, OWNERS };

/* The locked attachment; `scene.handle` lends its card handle, unless it is locked itself. */
static scm_handle *locked(enum owner owner)
{
    scm_handle *handle = scene.handle;
    if (owner != OURS) {
        uintptr_t icc;
        scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
        options.flags = owner == ADOPTED ? SCM_ATTACH_ADOPT : 0;
        assert_result(scm_get_icc(scene.handle, &icc), SCM_S_OK);
        assert_result(scm_attach_by_handle_ex(icc, &options, &handle), SCM_S_OK);
    }
    assert_result(scm_lock(handle), SCM_S_OK);
    return handle;
}

static void check_free(void)
{
    scm_handle *newcomer;
    scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
    (void)scm_reconnect(scene.other);
    assert_result(scm_lock_ex(scene.other, SOON_MS), SCM_S_OK);
    assert_result(scm_unlock(scene.other, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    options.limit_ms = SOON_MS;
    assert_result(scm_attach_by_ifd_ex(NAME, &options, &newcomer), SCM_S_OK);
    assert_result(scm_lock_ex(newcomer, SOON_MS), SCM_S_OK);
    assert_result(scm_detach(newcomer), SCM_S_OK);
}

static void an_unlock_releases_the_lock_despite_failures(void **state)
{
    (void)state;
    const uint32_t dispositions[] = {SCM_DISPOSITION_LEAVE, SCM_DISPOSITION_RESET, SCM_DISPOSITION_UNPOWER};
    for (size_t lie = 0; lie < LIE_COUNT; lie++)
        for (enum owner owner = OURS; owner < OWNERS; owner++)
            for (uint32_t count = 1; count <= 2; count++)
                for (size_t i = 0; i < 3; i++) {
                    set_up();
                    scm_handle *handle = locked(owner);
                    fail_next(SCM_VIRTUAL_END_TRANSACTION, LIES[lie], count);
                    (void)scm_unlock(handle, dispositions[i]);
                    check_free();
                    if (owner != OURS)
                        (void)scm_detach(handle);
                    check_free();
                    tear_down();
                }
}

static scm_result attach_and_detach(void *nothing)
{
    scm_handle *newcomer;
    (void)nothing;
    scm_result result = scm_attach_by_ifd(NAME, &newcomer);
    (void)scm_detach(newcomer);
    return result;
}

/* If the service denies a transaction, it stays with its connection, and new attachments wait for its end. The
 * attachment itself does not wait for them. */
static void a_denied_transaction_causes_no_deadlock(void **state)
{
    (void)state;
    scm_result (*const calls[])(void *) = {lock_and_unlock, send, reconnect};
    for (size_t call = 0; call < sizeof calls / sizeof *calls; call++)
        for (int others = 1; others <= 3; others++) {
            struct wait newcomers[3], mine;
            set_up();
            assert_result(scm_lock(scene.handle), SCM_S_OK);
            fail_next(SCM_VIRTUAL_END_TRANSACTION, SCM_SCARD_E_NOT_TRANSACTED, DENIALS);
            assert_result(scm_unlock(scene.handle, SCM_DISPOSITION_LEAVE), SCM_SCARD_E_NOT_TRANSACTED);
            wait_begin(&newcomers[0], attach_and_detach, NULL);
            assert_true(wait_is_reached(&newcomers[0]));
            for (int other = 1; other < others; other++) {
                wait_begin(&newcomers[other], other == 1 ? lock_and_unlock : attach_and_detach,
                           other == 1 ? scene.other : NULL);
                assert_true(wait_is_reached(&newcomers[other]));
            }
            wait_begin(&mine, calls[call], scene.handle);
            assert_result(wait_end(&mine), SCM_S_OK);
            assert_result(scm_detach(scene.handle), SCM_S_OK);
            for (int other = 0; other < others; other++)
                assert_result(wait_end(&newcomers[other]), SCM_S_OK);
            tear_down();
        }
}

/* The end of an owned attachment releases the transaction even if no call can end it. */
static void a_connection_of_ours_is_closed_where_its_transaction_does_not_end(void **state)
{
    (void)state;
    for (size_t lie = 0; lie < LIE_COUNT; lie++)
        for (enum owner owner = OURS; owner < OWNERS; owner++) {
            if (owner == BORROWED)
                continue;
            set_up();
            scm_handle *handle = locked(owner);
            fail_next(SCM_VIRTUAL_DISCONNECT, SCM_SCARD_F_COMM_ERROR, 1);
            fail_next(SCM_VIRTUAL_END_TRANSACTION, SCM_SCARD_F_COMM_ERROR, UINT32_MAX);
            (void)scm_unlock(handle, SCM_DISPOSITION_LEAVE);
            fail_next(SCM_VIRTUAL_END_TRANSACTION, SCM_S_OK, 0);
            check_free();
            if (owner == ADOPTED)
                (void)scm_detach(handle);
            tear_down();
        }
}

/* Others have reset the card, and it was mute. At the unlock it is mute still, or responds again. */
static void a_mute_card_keeps_no_lock(void **state)
{
    (void)state;
    for (enum owner owner = OURS; owner < OWNERS; owner++)
        for (int still_mute = 0; still_mute < 2; still_mute++)
            for (int detaches = 0; detaches < 2; detaches++) {
                set_up();
                scm_handle *handle = locked(owner);
                scene.mute = true;
                assert_result(scm_virtual_ifd_reset(scene.ifd, SCM_DISPOSITION_RESET), SCM_S_OK);
                scene.mute = still_mute;
                if (detaches && owner != OURS)
                    assert_result(scm_detach(handle), SCM_S_OK);
                else
                    assert_true(scm_unlock(handle, SCM_DISPOSITION_LEAVE) < 0);
                scene.mute = false;
                check_free();
                if (!detaches && owner != OURS)
                    assert_result(scm_detach(handle), SCM_S_OK);
                check_free();
                tear_down();
            }
}

/* --- The end of an attachment, and limits */

static scm_result lock_briefly(void *handle) { return scm_lock_ex(handle, 300); }
static scm_result reconnect_briefly(void *handle)
{
    scm_reconnect_options options = SCM_RECONNECT_OPTIONS_INIT;
    options.limit_ms = 300;
    return scm_reconnect_ex(handle, &options);
}
static scm_result transmit_briefly(void *handle)
{
    uint8_t response[16];
    size_t length;
    return scm_transmit_ex(handle, COMMAND, sizeof COMMAND, 300, response, sizeof response, &length);
}

/* The call of one thread has a limit, and keeps it, although another thread has left it the end of the attachment,
 * which waits for a third one. */
static void the_last_to_leave_keeps_its_limit(void **state)
{
    (void)state;
    scm_result (*const calls[])(void *) = {lock_briefly, transmit_briefly, reconnect_briefly};
    const uint32_t dispositions[] = {SCM_DISPOSITION_LEAVE, SCM_DISPOSITION_RESET, SCM_DISPOSITION_UNPOWER};
    for (size_t call = 0; call < sizeof calls / sizeof *calls; call++)
        for (size_t i = 0; i < 3; i++) {
            struct wait waiter;
            set_up();
            assert_result(scm_lock(scene.other), SCM_S_OK);
            wait_begin(&waiter, calls[call], scene.handle);
            while (waiter.thread == 0 || !thread_is_asleep(waiter.thread))
                sched_yield();
            assert_result(scm_detach_ex(scene.handle, dispositions[i]), SCM_S_OK);
            assert_result(wait_end(&waiter), SCM_SCARD_E_TIMEOUT);
            assert_true(waiter.ms < 1000);
            /* The card is disposed of in its turn. */
            assert_result(scm_unlock(scene.other, SCM_DISPOSITION_LEAVE), SCM_S_OK);
            double start = now_ms();
            while (i > 0 && exchange(scene.other) == SCM_S_OK && now_ms() - start < SOON_MS)
                continue;
            assert_true(i == 0 || now_ms() - start < SOON_MS);
            tear_down();
        }
}

/* A pattern of names selects these tests. */
int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_false_loss_causes_no_deadlock),
        cmocka_unit_test(an_unlock_releases_the_lock_despite_failures),
        cmocka_unit_test(a_connection_of_ours_is_closed_where_its_transaction_does_not_end),
        cmocka_unit_test(a_denied_transaction_causes_no_deadlock),
        cmocka_unit_test(a_mute_card_keeps_no_lock),
        cmocka_unit_test(the_last_to_leave_keeps_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

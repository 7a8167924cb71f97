/* The library calls hooks, ciphers and providers of the program under a lock. There a call that would wait for this
 * lock gives SCM_SCARD_E_NOT_READY at once. The lock ends with its attachment, before the functions of a provider are
 * called for that end. The time limit of the test ends a call that hangs. */
#include "support/check.h"
#include "support/owner.h"
#include "support/provider.h"
#include "support/wait.h"

#define CARD 0
#define LONG_MS 4000

static struct {
    scm_handle *own, *other;
    scm_result (*call)(void);
    scm_result result;
    int calls;
    double ms;
} scene;

static scm_result call_it(void)
{
    double start = now_ms();
    scene.calls++;
    scene.result = scene.call();
    scene.ms = now_ms() - start;
    return SCM_S_OK;
}

/* --- The calls */

static scm_result reset_other(void) { return scm_detach_ex(scene.other, SCM_DISPOSITION_RESET); }
static scm_result unpower_other(void) { return scm_detach_ex(scene.other, SCM_DISPOSITION_UNPOWER); }
static scm_result eject_other(void) { return scm_detach_ex(scene.other, SCM_DISPOSITION_EJECT); }
static scm_result lock_other(void) { return scm_lock(scene.other); }
static scm_result echo_other(void) { return echo(scene.other); }
static scm_result reconnect_other(void) { return scm_reconnect(scene.other); }

static scm_result seize_by_other(void)
{
    scm_reconnect_options options = SCM_RECONNECT_OPTIONS_INIT;
    options.share_mode = SCM_SHARE_EXCLUSIVE;
    return scm_reconnect_ex(scene.other, &options);
}

static scm_result attach_by_icc_of_other(void)
{
    scm_handle *handle;
    uintptr_t icc;
    assert_result(scm_get_icc(scene.other, &icc), SCM_S_OK);
    scm_result result = scm_attach_by_handle(icc, &handle);
    return result == SCM_S_OK ? scm_detach(handle) : result;
}

static scm_result attach_by_name(void)
{
    scm_handle *handle;
    scm_result result = scm_attach_by_ifd(bed_ifd(CARD), &handle);
    return result == SCM_S_OK ? scm_detach_ex(handle, SCM_DISPOSITION_RESET) : result;
}

static scm_result (*const CALLS[])(void) = {
    reset_other, unpower_other, eject_other, lock_other, echo_other, reconnect_other, seize_by_other,
        attach_by_icc_of_other, attach_by_name,
};
enum { CALL_COUNT = sizeof CALLS / sizeof *CALLS };

/* --- The callers */

static scm_result hook(void *user, scm_handle *handle, uint64_t generation)
{
    (void)user, (void)handle, (void)generation;
    return call_it();
}

static scm_result from_a_hook(void)
{
    scm_command command = SCM_COMMAND_INIT;
    scm_send_options options = SCM_SEND_OPTIONS_INIT;
    uint8_t answer[300];
    size_t length;
    uint16_t word;
    command.ins = 0xA4;
    options.select_callback = hook;
    return scm_send_ex(scene.own, &command, &options, answer, sizeof answer, &length, &word);
}

static scm_result cipher(void *user, const uint8_t *challenge, size_t challenge_length, uint8_t *answer,
                         size_t capacity, size_t *length)
{
    (void)user, (void)challenge, (void)challenge_length, (void)capacity;
    memset(answer, 0, 8);
    *length = 8;
    return call_it();
}

static scm_result from_a_cipher(void)
{
    scm_card_auth *card_auth;
    scm_card_auth_options options = SCM_CARD_AUTH_OPTIONS_INIT;
    options.cipher_callback = cipher;
    options.challenge_length = 8;
    assert_result(scm_create_card_auth(scene.own, &card_auth), SCM_S_OK);
    scm_result result = scm_card_auth_icc_auth_ex(card_auth, 0, 0, 0, &options);
    (void)scm_card_auth_release(card_auth);
    return result;
}

static void set_up(void)
{
    memset(&scene, 0, sizeof scene);
    scene.own = attach(CARD);
    scene.other = attach(CARD);
}

static void tear_down(void)
{
    (void)scm_detach(scene.own);
    (void)scm_detach(scene.other);
}

/* --- */

static void a_hook_waits_for_nobody(void **state)
{
    (void)state;
    for (size_t i = 0; i < CALL_COUNT; i++) {
        set_up();
        scene.call = CALLS[i];
        (void)from_a_hook();
        assert_int_equal(scene.calls, 1);
        assert_result(scene.result, SCM_SCARD_E_NOT_READY);
        assert_true(scene.ms < LONG_MS);
        /* Nothing has changed. */
        assert_result(echo(scene.other), SCM_S_OK);
        assert_result(scm_detach(scene.own), SCM_S_OK);
        scm_result later = scene.call();
        if (later != SCM_S_OK)
            assert_result(later, SCM_SCARD_E_SHARING_VIOLATION);
        (void)scm_unlock(scene.other, SCM_DISPOSITION_LEAVE);
        tear_down();
        bed("remove %d", CARD);
        bed("insert %d steerable", CARD);
    }
}

/* One call from a function that the library calls, with or without a lock of the program. */
static void play(scm_result (*from)(void), scm_result (*call)(void), bool locks, scm_result expected)
{
    set_up();
    scene.call = call;
    if (locks)
        assert_result(scm_lock(scene.own), SCM_S_OK);
    (void)from();
    assert_int_equal(scene.calls, 1);
    assert_result(scene.result, expected);
    assert_true(scene.ms < LONG_MS);
    (void)scm_detach(scene.own);
    assert_result(echo(scene.other), SCM_S_OK);
    assert_nobody_holds_the_card(CARD);
    tear_down();
}

/* Its lock would last as long as the call in which it was detached. */
static scm_result detach_own_and_use_other(void)
{
    assert_result(scm_detach(scene.own), SCM_S_OK);
    return echo(scene.other);
}

static void a_cipher_without_a_lock_may_use_the_card(void **state)
{
    (void)state;
    play(from_a_cipher, echo_other, false, SCM_S_OK);
}

static void a_cipher_under_a_lock_waits_for_nobody(void **state)
{
    (void)state;
    play(from_a_cipher, echo_other, true, SCM_SCARD_E_NOT_READY);
}

static void a_lock_ends_with_its_attachment_in_a_call(void **state)
{
    (void)state;
    play(from_a_cipher, detach_own_and_use_other, true, SCM_S_OK);
}

/* The lock of the call itself lasts until the call ends. */
static void the_lock_of_a_hook_ends_with_the_call(void **state)
{
    (void)state;
    play(from_a_hook, detach_own_and_use_other, true, SCM_SCARD_E_NOT_READY);
}

/* --- The functions of a provider with its own attachment */

static enum provider_function where;

static void enter_provider(enum provider_function function)
{
    if (function == where)
        (void)call_it();
}

static void play_a_provider(void)
{
    scm_file_access *files;
    scm_file *file;
    uint8_t buffer[8];
    size_t length;
    set_up();
    scene.call = where == PROVIDER_READ ? detach_own_and_use_other : echo_other;
    assert_result(provider_register(enter_provider), SCM_S_OK);
    assert_result(scm_create_file_access(scene.own, &files), SCM_S_OK);
    assert_result(scm_file_access_open(files, 0, "/x", &file), SCM_S_OK);
    assert_result(scm_lock(scene.own), SCM_S_OK);
    if (where == PROVIDER_END)
        assert_result(provider_unregister(), SCM_S_OK);
    if (where == PROVIDER_READ)
        (void)scm_file_read(file, buffer, sizeof buffer, &length, 0);
    else
        assert_result(scm_detach(scene.own), SCM_S_OK);
    assert_int_equal(scene.calls, 1);
    assert_result(scene.result, SCM_S_OK);
    if (where != PROVIDER_END)
        assert_result(provider_unregister(), SCM_S_OK);
    tear_down();
}

static void a_lock_ends_before_a_provider_is_called(void **state)
{
    (void)state;
    static const enum provider_function FUNCTIONS[] = {PROVIDER_RELEASE, PROVIDER_CLOSE, PROVIDER_END, PROVIDER_READ};
    for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++) {
        where = FUNCTIONS[i];
        play_a_provider();
    }
}

/* --- Another application, or PC/SC calls of the program */

static scm_result dispose(void *handle)
{
    return scm_detach_ex(handle, SCM_DISPOSITION_RESET);
}

/* An attachment with a reset signal waits for the card without keeping others from an attach elsewhere. */
static void a_signal_keeps_nobody_else(void **state)
{
    (void)state;
    struct wait disposal;
    scm_handle *handle, *watcher, *elsewhere;
    if (bed_is_virtual())
        return;
    handle = attach(CARD);
    struct owner own = connect_card(CARD);
    bed("reset %d warm", CARD);
    assert_result(owner_reconnect(&own), SCM_S_OK);
    assert_int_equal(SCardBeginTransaction((SCARDHANDLE)own.icc), SCARD_S_SUCCESS);
    wait_begin(&disposal, dispose, handle);
    assert_true(wait_is_reached(&disposal));
    bed("insert 1 steerable");
    elsewhere = attach(1);
    assert_result(scm_detach(elsewhere), SCM_S_OK);
    assert_false(disposal.is_done);
    assert_result(owner_unlock(&own), SCM_S_OK);
    assert_result(wait_end(&disposal), SCM_S_OK);
    /* The card was reset. */
    assert_result(owner_status(&own), SCM_SCARD_W_RESET_CARD);
    owner_leave(&own);
    watcher = attach(CARD);
    assert_result(echo(watcher), SCM_S_OK);
    assert_result(scm_detach(watcher), SCM_S_OK);
    bed("remove 1");
}

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hook_waits_for_nobody),
        cmocka_unit_test(a_cipher_without_a_lock_may_use_the_card),
        cmocka_unit_test(a_cipher_under_a_lock_waits_for_nobody),
        cmocka_unit_test(a_lock_ends_with_its_attachment_in_a_call),
        cmocka_unit_test(the_lock_of_a_hook_ends_with_the_call),
        cmocka_unit_test(a_lock_ends_before_a_provider_is_called),
        cmocka_unit_test(a_signal_keeps_nobody_else),
    };
    return cmocka_run_group_tests(tests, insert_card, NULL);
}

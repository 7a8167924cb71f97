/* A callback of a virtual card may call any function. The test calls every function from every kind of callback, and
 * each must return. A call that would wait for the callback, even through another thread, gives SCM_SCARD_E_NOT_READY.
 * The time limit of the test ends a call that hangs. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "scm.h"
#include "scm_virtual.h"
#include "support/wait.h"

#define NAME "Callback"
/* The limit for "at once". */
#define LONG_MS 4000

static const uint8_t ATR[] = {0x3B, 0x80, 0x80, 0x01, 0x01};
static const uint8_t COMMAND[] = {0x00, 0xA4, 0x00, 0x00};

/* The place of the call. */
enum place { IN_TRANSMIT, IN_CONTROL, IN_POWER_ON, IN_POWER_OFF, IN_POWER_RESET, IN_RELEASE, PLACES };

static struct {
    scm_virtual_ifd *ifd;
    scm_handle *own, *other;
    scm_monitor *monitor;
    enum place place;
    scm_result (*call)(void);
    /* The card's own action during an exchange, which it learns of afterwards. */
    bool pulls, resets;
    bool called;
    scm_result result;
    int inserted;
    atomic_int released;
    /* The action of another thread during the callback, and its attachment. */
    scm_result (*wait)(void *);
    bool on_own;
    struct wait waiter;
} scene;

/* A later callback, from a library thread that closes something, finds no scene. */
static atomic_bool is_set;

static void arrive(enum place place)
{
    if (!is_set || scene.called || scene.place != place)
        return;
    scene.called = true;
    if (scene.wait != NULL) {
        wait_begin(&scene.waiter, scene.wait, scene.on_own ? scene.own : scene.other);
        while (!scene.waiter.is_done && (scene.waiter.thread == 0 || !thread_is_asleep(scene.waiter.thread)))
            sched_yield();
    }
    double start = now_ms();
    scene.result = scene.call();
    assert_true(now_ms() - start < LONG_MS / 2);
}

static scm_result transmit(void *user, const uint8_t *command, size_t command_length, uint8_t *response,
                           size_t capacity, size_t *response_length)
{
    (void)user, (void)command, (void)command_length, (void)capacity;
    arrive(IN_TRANSMIT);
    if (scene.pulls)
        (void)scm_virtual_ifd_remove(scene.ifd);
    if (scene.resets)
        (void)scm_virtual_ifd_reset(scene.ifd, SCM_DISPOSITION_RESET);
    scene.pulls = scene.resets = false;
    memcpy(response, "\x90\x00", 2);
    *response_length = 2;
    return SCM_S_OK;
}

static scm_result control(void *user, uint32_t code, const uint8_t *input, size_t input_length, uint8_t *output,
                          size_t capacity, size_t *output_length)
{
    (void)user, (void)code, (void)input, (void)input_length, (void)output, (void)capacity;
    arrive(IN_CONTROL);
    *output_length = 0;
    return SCM_S_OK;
}

static scm_result power(void *user, uint32_t event)
{
    (void)user;
    arrive(event == SCM_POWER_ON ? IN_POWER_ON : event == SCM_POWER_OFF ? IN_POWER_OFF : IN_POWER_RESET);
    return SCM_S_OK;
}

static void release(void *user)
{
    (void)user;
    scene.released++;
    arrive(IN_RELEASE);
}

static scm_result insert(void)
{
    scm_virtual_card card = SCM_VIRTUAL_CARD_INIT;
    card.atr = ATR;
    card.atr_length = sizeof ATR;
    card.transmit = transmit;
    card.control = control;
    card.power = power;
    card.release = release;
    scm_result result = scm_virtual_ifd_insert(scene.ifd, &card);
    scene.inserted += result == SCM_S_OK;
    return result;
}

/* --- The calls */

static scm_result exchange(scm_handle *handle)
{
    uint8_t response[16];
    size_t length;
    return scm_transmit(handle, COMMAND, sizeof COMMAND, response, sizeof response, &length);
}

static scm_result hook(void *user, scm_handle *handle, uint64_t generation)
{
    (void)user, (void)handle, (void)generation;
    return SCM_S_OK;
}

/* Three exchanges. */
static scm_result send(scm_handle *handle)
{
    static const uint8_t data[600];
    size_t length;
    uint16_t word;
    scm_command update = SCM_COMMAND_INIT;
    scm_send_options options = SCM_SEND_OPTIONS_INIT;
    update.ins = 0xD6;
    update.data = data;
    update.data_length = sizeof data;
    options.select_callback = hook;
    return scm_send_ex(handle, &update, &options, NULL, 0, &length, &word);
}

static scm_result get_card_capabilities(scm_handle *handle)
{
    scm_card_capabilities capabilities = SCM_CARD_CAPABILITIES_INIT;
    return scm_get_card_capabilities(handle, &capabilities);
}

static scm_result ask_reader(scm_handle *handle)
{
    uint8_t output[16];
    size_t length;
    return scm_control(handle, scm_ctl_code(1), NULL, 0, output, sizeof output, &length);
}

static scm_result status(scm_handle *handle)
{
    uint32_t card_state, protocol;
    return scm_status(handle, &card_state, &protocol);
}

static scm_result attribute(scm_handle *handle)
{
    uint8_t value[264];
    size_t length;
    return scm_get_attribute(handle, 0x00010100, value, sizeof value, &length);
}

static scm_result last_response(scm_handle *handle)
{
    size_t length;
    return scm_get_last_response(handle, NULL, 0, &length);
}

static scm_result reconnect(scm_handle *handle, uint32_t share_mode, uint32_t initial_action)
{
    scm_reconnect_options options = SCM_RECONNECT_OPTIONS_INIT;
    options.share_mode = share_mode;
    options.initial_action = initial_action;
    return scm_reconnect_ex(handle, &options);
}

static scm_result attach(uint32_t share_mode)
{
    scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
    scm_handle *handle;
    options.share_mode = share_mode;
    scm_result result = scm_attach_by_ifd_ex(NAME, &options, &handle);
    return result == SCM_S_OK ? scm_detach(handle) : result;
}

static scm_result borrow(scm_handle *handle)
{
    uintptr_t icc;
    scm_handle *borrowed;
    scm_result result = scm_get_icc(handle, &icc);
    if (result == SCM_S_OK)
        result = scm_attach_by_handle(icc, &borrowed);
    return result == SCM_S_OK ? scm_detach(borrowed) : result;
}

#define ON_BOTH(NAME, CALL)                                                                                            \
    static scm_result own_##NAME(void)                                                                                 \
    {                                                                                                                  \
        scm_handle *handle = scene.own;                                                                                \
        return CALL;                                                                                                   \
    }                                                                                                                  \
    static scm_result other_##NAME(void)                                                                               \
    {                                                                                                                  \
        scm_handle *handle = scene.other;                                                                              \
        return CALL;                                                                                                   \
    }
ON_BOTH(exchange, exchange(handle))
ON_BOTH(send, send(handle))
ON_BOTH(get_card_capabilities, get_card_capabilities(handle))
ON_BOTH(set_card_capabilities, scm_set_card_capabilities(handle, NULL))
ON_BOTH(control, ask_reader(handle))
ON_BOTH(status, status(handle))
ON_BOTH(lock, scm_lock(handle))
ON_BOTH(unlock, scm_unlock(handle, SCM_DISPOSITION_LEAVE))
ON_BOTH(attribute, attribute(handle))
ON_BOTH(last_response, last_response(handle))
ON_BOTH(reconnect, scm_reconnect(handle))
ON_BOTH(reset, reconnect(handle, 0, SCM_DISPOSITION_RESET))
ON_BOTH(take, reconnect(handle, SCM_SHARE_EXCLUSIVE, SCM_DISPOSITION_LEAVE))
ON_BOTH(borrow, borrow(handle))
ON_BOTH(detach, scm_detach(handle))
ON_BOTH(dispose, scm_detach_ex(handle, SCM_DISPOSITION_RESET))

static scm_result attach_shared(void) { return attach(SCM_SHARE_SHARED); }
static scm_result attach_exclusive(void) { return attach(SCM_SHARE_EXCLUSIVE); }
static scm_result attach_direct(void) { return attach(SCM_SHARE_DIRECT); }
static scm_result pull(void) { return scm_virtual_ifd_remove(scene.ifd); }
static scm_result warm(void) { return scm_virtual_ifd_reset(scene.ifd, SCM_DISPOSITION_RESET); }
static scm_result unpower(void) { return scm_virtual_ifd_reset(scene.ifd, SCM_DISPOSITION_UNPOWER); }
static scm_result unplug(void) { return scm_virtual_ifd_destroy(scene.ifd); }
static scm_result stop_service(void) { return scm_virtual_service_stop(); }
static scm_result restart(void) { return scm_virtual_service_stop() | scm_virtual_service_start(); }

/* A monitor that the callback creates, and an older one. */
static scm_result watch(void)
{
    scm_monitor *monitor;
    scm_event event = SCM_EVENT_INIT;
    scm_result result = scm_monitor_create(&monitor);
    if (result != SCM_S_OK)
        return result;
    (void)scm_monitor_wait(monitor, 5, &event);
    return scm_monitor_destroy(monitor);
}

static scm_result fetch(void)
{
    scm_event event = SCM_EVENT_INIT;
    int32_t fd;
    (void)scm_monitor_get_fd(scene.monitor, &fd);
    (void)scm_monitor_wait(scene.monitor, 5, &event);
    (void)scm_monitor_cancel(scene.monitor);
    return scm_monitor_wait(scene.monitor, SCM_INFINITE, &event);
}

static scm_result unwatch(void) { return scm_monitor_destroy(scene.monitor); }

static scm_result (*const CALLS[])(void) = {
    own_exchange,  other_exchange,  own_control,       other_control,       own_status,    other_status,
    own_lock,      other_lock,      own_unlock,        other_unlock,        own_attribute, other_attribute,
    own_reconnect, other_reconnect, own_last_response, other_last_response, own_reset,     other_reset,
    own_take,      other_take,      own_borrow,        other_borrow,        own_detach,    other_detach,
    own_dispose,   other_dispose,   attach_shared,     attach_exclusive,    attach_direct, insert,
    pull,          warm,            unpower,           unplug,              stop_service,  restart,
    watch,         fetch,           unwatch,           own_send,            other_send,
    own_get_card_capabilities,      other_get_card_capabilities,
    own_set_card_capabilities,      other_set_card_capabilities,
};

/* --- The causes of the callback */

static scm_result by_exchange(void) { return exchange(scene.own); }
static scm_result by_send(void) { return send(scene.own); }
static scm_result by_control(void) { return ask_reader(scene.own); }
static scm_result by_reset(void) { return reconnect(scene.own, 0, SCM_DISPOSITION_RESET); }
static scm_result by_detach(void) { return scm_detach_ex(scene.own, SCM_DISPOSITION_RESET); }

static scm_result by_locked_exchange(void)
{
    (void)scm_lock(scene.own);
    return exchange(scene.own);
}

static scm_result by_unlock(void)
{
    (void)scm_lock(scene.own);
    return scm_unlock(scene.own, SCM_DISPOSITION_RESET);
}

static scm_result by_pulling_itself(void)
{
    scene.pulls = true;
    return exchange(scene.own);
}

static scm_result by_resetting_itself(void)
{
    scene.resets = true;
    return exchange(scene.own);
}

static scm_result by_attaching_to_it(void)
{
    (void)scm_virtual_ifd_reset(scene.ifd, SCM_DISPOSITION_UNPOWER);
    return attach(SCM_SHARE_SHARED);
}

static scm_result by_reconnecting_to_it(void)
{
    (void)scm_virtual_ifd_reset(scene.ifd, SCM_DISPOSITION_UNPOWER);
    return scm_reconnect(scene.own);
}

static const struct {
    scm_result (*act)(void);
    enum place place;
} WAYS[] = {
    {by_exchange, IN_TRANSMIT},        {by_locked_exchange, IN_TRANSMIT},   {by_control, IN_CONTROL},
    {by_reset, IN_POWER_RESET},        {by_unlock, IN_POWER_RESET},         {by_detach, IN_POWER_RESET},
    {by_pulling_itself, IN_POWER_OFF}, {by_pulling_itself, IN_RELEASE},     {by_resetting_itself, IN_POWER_RESET},
    {by_attaching_to_it, IN_POWER_ON}, {by_reconnecting_to_it, IN_POWER_ON}, {pull, IN_POWER_OFF},
    {pull, IN_RELEASE},                {unplug, IN_POWER_OFF},              {unplug, IN_RELEASE},
    {by_send, IN_TRANSMIT},
    {stop_service, IN_POWER_OFF},      {restart, IN_POWER_ON},              {warm, IN_POWER_RESET},
};

/* A thread of the library may close an attachment, and release its card, after the last call. */
static void await_release_of_all_cards(void)
{
    for (double end = now_ms() + LONG_MS; scene.released < scene.inserted && now_ms() < end;)
        sched_yield();
    assert_int_equal(scene.released, scene.inserted);
}

static void play_beside(size_t way, size_t call, scm_result (*wait)(void *), bool on_own)
{
    memset(&scene, 0, sizeof scene);
    scene.wait = wait;
    scene.on_own = on_own;
    scene.place = WAYS[way].place;
    scene.call = CALLS[call];
    assert_int_equal(scm_virtual_ifd_create(NAME, NULL, &scene.ifd), SCM_S_OK);
    assert_int_equal(insert(), SCM_S_OK);
    assert_int_equal(scm_attach_by_ifd(NAME, &scene.own), SCM_S_OK);
    assert_int_equal(scm_attach_by_ifd(NAME, &scene.other), SCM_S_OK);
    if (CALLS[call] == fetch || CALLS[call] == unwatch)
        assert_int_equal(scm_monitor_create(&scene.monitor), SCM_S_OK);
    is_set = true;
    (void)WAYS[way].act();
    assert_true(scene.called);
    is_set = false;

    (void)scm_monitor_destroy(scene.monitor);
    (void)scm_detach(scene.own);
    (void)scm_detach(scene.other);
    (void)scm_virtual_ifd_destroy(scene.ifd);
    (void)scm_virtual_service_start();
    if (wait != NULL)
        (void)wait_end(&scene.waiter);
    await_release_of_all_cards();
}

static void play(size_t way, size_t call)
{
    play_beside(way, call, NULL, false);
}

static void every_function_comes_back_from_every_callback(void **state)
{
    (void)state;
    for (size_t way = 0; way < sizeof WAYS / sizeof *WAYS; way++)
        for (size_t call = 0; call < sizeof CALLS / sizeof *CALLS; call++)
            play(way, call);
}

/* --- Another thread that waits meanwhile */

static scm_result wait_lock(void *handle) { return scm_lock(handle); }
static scm_result wait_lock_ex(void *handle) { return scm_lock_ex(handle, LONG_MS); }
static scm_result wait_transmit(void *handle) { return exchange(handle); }
static scm_result wait_send(void *handle) { return send(handle); }
static scm_result wait_reconnect(void *handle) { return scm_reconnect(handle); }
static scm_result wait_detach(void *handle) { return scm_detach_ex(handle, SCM_DISPOSITION_RESET); }

static scm_result wait_transmit_ex(void *handle)
{
    uint8_t response[16];
    size_t length;
    return scm_transmit_ex(handle, COMMAND, sizeof COMMAND, LONG_MS, response, sizeof response, &length);
}

static scm_result wait_reconnect_ex(void *handle)
{
    scm_reconnect_options options = SCM_RECONNECT_OPTIONS_INIT;
    options.limit_ms = LONG_MS;
    return scm_reconnect_ex(handle, &options);
}

static scm_result (*const WAITS[])(void *) = {wait_lock,      wait_lock_ex,      wait_transmit, wait_transmit_ex,
                                              wait_reconnect, wait_reconnect_ex, wait_send,     wait_detach};

static void no_function_waits_for_a_thread_that_waits_for_the_callback(void **state)
{
    (void)state;
    const size_t ways[] = {0, 2, 3, 9, 11, 12};
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++)
        for (size_t wait = 0; wait < sizeof WAITS / sizeof *WAITS; wait++)
            for (size_t call = 0; call < sizeof CALLS / sizeof *CALLS; call++) {
                play_beside(ways[way], call, WAITS[wait], false);
                if (way == 0)
                    play_beside(ways[way], call, WAITS[wait], true);
            }
}

/* The attachment of the waiting thread is in use meanwhile. */
static void an_attachment_that_waits_for_the_callback_is_not_ready(void **state)
{
    (void)state;
    scm_result (*const calls[])(void) = {other_exchange, other_send,      other_control,       other_status, other_lock,
                                         other_unlock,   other_attribute, other_last_response, other_reconnect};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        for (size_t call = 0; call < sizeof CALLS / sizeof *CALLS; call++)
            if (CALLS[call] == calls[i]) {
                play_beside(0, call, wait_lock, false);
                assert_string_equal(scm_result_name(scene.result), "SCM_SCARD_E_NOT_READY");
            }
}

static void a_call_that_would_wait_for_itself_is_not_ready(void **state)
{
    (void)state;
    scm_result (*const calls[])(void) = {own_exchange, own_status, own_lock,  own_reconnect, own_last_response,
                                         other_exchange, other_reset, other_take, other_dispose, own_send, other_send,
                                         own_get_card_capabilities, own_set_card_capabilities};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        for (size_t call = 0; call < sizeof CALLS / sizeof *CALLS; call++)
            if (CALLS[call] == calls[i])
                play(0, call);
        assert_string_equal(scm_result_name(scene.result), "SCM_SCARD_E_NOT_READY");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_comes_back_from_every_callback),
        cmocka_unit_test(a_call_that_would_wait_for_itself_is_not_ready),
        cmocka_unit_test(no_function_waits_for_a_thread_that_waits_for_the_callback),
        cmocka_unit_test(an_attachment_that_waits_for_the_callback_is_not_ready),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

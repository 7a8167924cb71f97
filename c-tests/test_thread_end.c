/* A thread may end in every callback, by pthread_exit or by a cancellation, and may be cancelled in every call, which
 * returns first. The state is that after a failed callback, without a lock of the library. */
#include "support/check.h"
#include "support/provider.h"
#include "support/wait.h"
#include "scm_virtual.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>
#include <unistd.h>

#define NAME "Thread end"
#define VALUE ((void *)0x77)

static const uint8_t ATR[] = {0x3B, 0x80, 0x80, 0x01, 0x01};
static const uint8_t COMMAND[] = {0x00, 0xA4, 0x00, 0x00};

/* The callbacks. */
enum place {
    IN_TRANSMIT, IN_CONTROL, IN_POWER_ON, IN_POWER_OFF, IN_POWER_RESET, IN_CARD_RELEASE, IN_HOOK, IN_CIPHER, IN_CREATE,
    IN_FUNCTION, IN_OPEN, IN_CLOSE, IN_OBJECT_RELEASE, IN_PROVIDER_END, NOWHERE
};

enum end { BY_EXIT, BY_CANCEL, BY_CANCEL_IN_NESTED_CALL, ENDS };

static struct {
    scm_virtual_ifd *ifd, *another_ifd;
    scm_handle *own, *other, *another;
    scm_file_access *access;
    scm_file *file;
    enum place place;
    enum end end;
    sem_t is_reached;
    bool is_nested; /* The thread ends in a callback that is called from a callback. */
    int inserted, released;
} scene;

/* --- The callbacks, in one of which the thread ends */

static void hang(void)
{
    sem_post(&scene.is_reached);
    for (;;)
        pause();
}

static scm_result exchange(scm_handle *handle)
{
    uint8_t response[16];
    size_t length;
    return scm_transmit(handle, COMMAND, sizeof COMMAND, response, sizeof response, &length);
}

static scm_result nested_transmit(void *user, const uint8_t *command, size_t command_length, uint8_t *response,
                                  size_t capacity, size_t *response_length)
{
    (void)user, (void)command, (void)command_length, (void)response, (void)capacity, (void)response_length;
    if (scene.is_nested)
        hang();
    memcpy(response, "\x90\x00", 2);
    *response_length = 2;
    return SCM_S_OK;
}

static scm_result nested_power(void *user, uint32_t event)
{
    (void)user, (void)event;
    return SCM_S_OK;
}

/* Another card, called from a callback of this one: the unwind crosses the library twice. */
static void make_another_card(void)
{
    scm_virtual_card card = SCM_VIRTUAL_CARD_INIT;
    card.atr = ATR;
    card.atr_length = sizeof ATR;
    card.transmit = nested_transmit;
    card.power = nested_power;
    assert_result(scm_virtual_ifd_create(NAME " 2", NULL, &scene.another_ifd), SCM_S_OK);
    assert_result(scm_virtual_ifd_insert(scene.another_ifd, &card), SCM_S_OK);
    assert_result(scm_attach_by_ifd(NAME " 2", &scene.another), SCM_S_OK);
}

static void arrive(enum place place)
{
    if (scene.place != place)
        return;
    scene.place = NOWHERE;
    switch (scene.end) {
    case BY_EXIT:
        pthread_exit(VALUE);
    case BY_CANCEL:
        hang();
        break;
    default:
        scene.is_nested = true;
        (void)exchange(scene.another);
        hang(); /* The service is down. */
    }
}

static scm_result transmit(void *user, const uint8_t *command, size_t command_length, uint8_t *response,
                           size_t capacity, size_t *response_length)
{
    static const uint8_t challenge[] = {1, 2, 3, 4, 5, 6, 7, 8, 0x90, 0x00};
    bool is_challenge = command_length > 1 && command[1] == 0x84;
    (void)user, (void)capacity;
    arrive(IN_TRANSMIT);
    *response_length = is_challenge ? sizeof challenge : 2;
    memcpy(response, is_challenge ? challenge : challenge + 8, *response_length);
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
    arrive(IN_CARD_RELEASE);
}

static scm_result hook(void *user, scm_handle *handle, uint64_t generation)
{
    (void)user, (void)handle, (void)generation;
    arrive(IN_HOOK);
    return SCM_S_OK;
}

static scm_result cipher(void *user, const uint8_t *challenge, size_t challenge_length, uint8_t *answer,
                         size_t capacity, size_t *answer_length)
{
    (void)user, (void)challenge, (void)challenge_length, (void)capacity;
    arrive(IN_CIPHER);
    *answer = 1;
    *answer_length = 1;
    return SCM_S_OK;
}

static void enter_provider(enum provider_function function)
{
    static const enum place PLACES[] = {
        [PROVIDER_CREATE] = IN_CREATE,
        [PROVIDER_RELEASE] = IN_OBJECT_RELEASE,
        [PROVIDER_END] = IN_PROVIDER_END,
        [PROVIDER_CHANGE_DIR] = IN_FUNCTION,
        [PROVIDER_OPEN] = IN_OPEN,
        [PROVIDER_READ] = NOWHERE, /* no way leads there */
        [PROVIDER_CLOSE] = IN_CLOSE,
    };
    if (PLACES[function] != NOWHERE)
        arrive(PLACES[function]);
}

/* --- The ways to them */

static scm_result insert(void)
{
    scm_virtual_card card = SCM_VIRTUAL_CARD_INIT;
    card.atr = ATR;
    card.atr_length = sizeof ATR;
    card.transmit = transmit;
    card.control = control;
    card.power = power;
    card.release = release;
    scene.inserted++;
    return scm_virtual_ifd_insert(scene.ifd, &card);
}

static scm_result reconnect(uint32_t initial_action)
{
    scm_reconnect_options options = SCM_RECONNECT_OPTIONS_INIT;
    options.initial_action = initial_action;
    return scm_reconnect_ex(scene.own, &options);
}

static scm_result by_exchange(void) { return exchange(scene.own); }
static scm_result by_reset(void) { return reconnect(SCM_DISPOSITION_RESET); }
static scm_result by_detach(void) { return scm_detach_ex(scene.own, SCM_DISPOSITION_RESET); }
static scm_result by_pulling(void) { return scm_virtual_ifd_remove(scene.ifd); }
static scm_result by_unplugging(void) { return scm_virtual_ifd_destroy(scene.ifd); }
static scm_result by_resetting(void) { return scm_virtual_ifd_reset(scene.ifd, SCM_DISPOSITION_RESET); }
static scm_result by_stop(void) { return scm_virtual_service_stop(); }
static scm_result by_restart(void) { return scm_virtual_service_stop() | scm_virtual_service_start(); }
static scm_result by_releasing(void) { return scm_file_close(scene.file) | scm_file_access_release(scene.access); }
static scm_result by_opening(void) { return scm_file_access_open(scene.access, 0, "/x", &scene.file); }
static scm_result by_changing_dir(void) { return scm_file_access_change_dir(scene.access, 0, "/x"); }
static scm_result by_creating(void) { return scm_create_file_access(scene.own, &scene.access); }
static scm_result by_closing(void) { return scm_file_close(scene.file); }
static scm_result by_detaching_with_objects(void) { return scm_detach(scene.own); }

static scm_result by_exchange_with_limit(void)
{
    uint8_t response[16];
    size_t length;
    return scm_transmit_ex(scene.own, COMMAND, sizeof COMMAND, 1000, response, sizeof response, &length);
}

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

static scm_result by_control(void)
{
    uint8_t output[16];
    size_t length;
    return scm_control(scene.own, scm_ctl_code(1), NULL, 0, output, sizeof output, &length);
}

static scm_result by_replacing(void) { return scm_virtual_ifd_remove(scene.ifd) | insert(); }

static scm_result by_attaching_to_it(void)
{
    scm_handle *handle;
    (void)scm_virtual_ifd_reset(scene.ifd, SCM_DISPOSITION_UNPOWER);
    return scm_attach_by_ifd(NAME, &handle);
}

static scm_result by_send(void)
{
    size_t length;
    uint16_t word;
    scm_command select = SCM_COMMAND_INIT;
    scm_send_options options = SCM_SEND_OPTIONS_INIT;
    select.ins = 0xA4;
    options.select_callback = hook;
    return scm_send_ex(scene.own, &select, &options, NULL, 0, &length, &word);
}

static scm_result by_authentication(void)
{
    scm_card_auth *auth;
    scm_card_auth_options options = SCM_CARD_AUTH_OPTIONS_INIT;
    options.cipher_callback = cipher;
    scm_result result = scm_create_card_auth(scene.own, &auth);
    return SCM_FAILED(result) ? result : scm_card_auth_app_auth_ex(auth, 0, NULL, 0, &options);
}

static scm_result by_unregistering(void)
{
    (void)scm_file_access_release(scene.access);
    return provider_unregister();
}

static const struct {
    scm_result (*act)(void);
    enum place place;
} WAYS[] = {
    {by_exchange, IN_TRANSMIT},          {by_locked_exchange, IN_TRANSMIT},   {by_exchange_with_limit, IN_TRANSMIT},
    {by_send, IN_TRANSMIT},              {by_control, IN_CONTROL},            {by_reset, IN_POWER_RESET},
    {by_unlock, IN_POWER_RESET},         {by_detach, IN_POWER_RESET},         {by_resetting, IN_POWER_RESET},
    {by_pulling, IN_POWER_OFF},          {by_pulling, IN_CARD_RELEASE},       {by_unplugging, IN_POWER_OFF},
    {by_unplugging, IN_CARD_RELEASE},    {by_stop, IN_POWER_OFF},             {by_restart, IN_POWER_ON},
    {by_replacing, IN_POWER_ON},         {by_attaching_to_it, IN_POWER_ON},   {by_send, IN_HOOK},
    {by_authentication, IN_CIPHER},      {by_creating, IN_CREATE},            {by_changing_dir, IN_FUNCTION},
    {by_opening, IN_OPEN},               {by_closing, IN_CLOSE},              {by_detaching_with_objects, IN_CLOSE},
    {by_releasing, IN_OBJECT_RELEASE},   {by_detaching_with_objects, IN_OBJECT_RELEASE},
    {by_unregistering, IN_PROVIDER_END},
};

static void *act(void *way)
{
    (void)WAYS[(size_t)way].act();
    return NULL; /* It did not end in there. */
}

/* The attachment can be used or reconnected, and locked. */
static void assert_usable(scm_handle *handle)
{
    if (scm_reconnect(handle) == SCM_E_HANDLE)
        return; /* detached on the way */
    (void)scm_unlock(handle, SCM_DISPOSITION_LEAVE);
    assert_result(scm_lock_ex(handle, 20000), SCM_S_OK);
    assert_result(exchange(handle), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_transmit_ex(handle, COMMAND, sizeof COMMAND, 20000, NULL, 0, &(size_t){0}), SCM_S_OK);
}

static void assert_everything_usable(void)
{
    scm_handle *handle;
    (void)scm_virtual_service_start();
    if (insert() == SCM_E_HANDLE) {
        scene.inserted--; /* The reader is gone. */
        assert_result(scm_virtual_ifd_create(NAME, NULL, &scene.ifd), SCM_S_OK);
        assert_result(insert(), SCM_S_OK);
    } else if (scene.inserted - scene.released > 1) {
        scene.inserted--; /* There was a card. */
    }
    /* A lock of the thread belongs to the attachment. */
    (void)scm_unlock(scene.own, SCM_DISPOSITION_LEAVE);
    assert_usable(scene.other);
    assert_usable(scene.own);
    assert_result(scm_attach_by_ifd(NAME, &handle), SCM_S_OK);
    assert_usable(handle);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void play(size_t way, enum end end)
{
    pthread_t thread;
    void *value = NULL;
    sem_destroy(&scene.is_reached);
    memset(&scene, 0, sizeof scene);
    scene.place = NOWHERE;
    scene.end = end;
    sem_init(&scene.is_reached, 0, 0);
    assert_result(scm_virtual_ifd_create(NAME, NULL, &scene.ifd), SCM_S_OK);
    assert_result(insert(), SCM_S_OK);
    assert_result(scm_attach_by_ifd(NAME, &scene.own), SCM_S_OK);
    assert_result(scm_attach_by_ifd(NAME, &scene.other), SCM_S_OK);
    assert_result(provider_register(enter_provider), SCM_S_OK);
    assert_result(scm_create_file_access(scene.own, &scene.access), SCM_S_OK);
    assert_result(scm_file_access_open(scene.access, 0, "/x", &scene.file), SCM_S_OK);
    if (WAYS[way].place == IN_PROVIDER_END)
        assert_result(scm_file_close(scene.file), SCM_S_OK);
    make_another_card();

    scene.place = WAYS[way].place;
    assert_int_equal(pthread_create(&thread, NULL, act, (void *)way), 0);
    if (end != BY_EXIT) {
        while (sem_wait(&scene.is_reached) != 0)
            ;
        assert_int_equal(pthread_cancel(thread), 0);
    }
    assert_int_equal(pthread_join(thread, &value), 0);
    assert_ptr_equal(value, end == BY_EXIT ? VALUE : PTHREAD_CANCELED);

    assert_everything_usable();
    (void)scm_detach(scene.own);
    (void)scm_detach(scene.other);
    (void)provider_unregister();
    assert_result(scm_virtual_ifd_destroy(scene.ifd), SCM_S_OK);
    assert_int_equal(scene.released, scene.inserted);
    scene.is_nested = false;
    assert_result(scm_reconnect(scene.another), SCM_S_OK);
    assert_result(exchange(scene.another), SCM_S_OK);
    assert_result(scm_detach(scene.another), SCM_S_OK);
    assert_result(scm_virtual_ifd_destroy(scene.another_ifd), SCM_S_OK);
}

static void a_thread_may_end_in_every_callback(void **state)
{
    (void)state;
    for (size_t way = 0; way < sizeof WAYS / sizeof *WAYS; way++)
        for (enum end end = 0; end < ENDS; end++)
            play(way, end);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_may_end_in_every_callback),
    };
    (void)argc, (void)argv;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

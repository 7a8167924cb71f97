/* A virtual reader answers control codes and attributes by itself, with a card or without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scm.h"
#include "scm_virtual.h"

#define NAME "ACR122U PICC"
#define FIRMWARE 0x42000D48
#define assert_result(call, expected) assert_string_equal(scm_result_name(call), scm_result_name(expected))

static const uint8_t ATR[] = {0x3B, 0x80, 0x80, 0x01, 0x01};

/* The reader of these tests. */
static struct driver {
    scm_virtual_ifd *ifd;
    scm_handle *handle;
    atomic_int calls, released, inside, together;
    scm_result result;
    size_t length;
    uint32_t code;
    uint8_t input[16];
    size_t input_length;
    void (*_Atomic during)(void);
} driver;

static scm_result control(void *user, uint32_t code, const uint8_t *input, size_t input_length, uint8_t *output,
                          size_t capacity, size_t *output_length)
{
    struct driver *self = user;
    if (++self->inside > 1)
        self->together++;
    self->calls++;
    self->code = code;
    self->input_length = input_length;
    if (input_length <= sizeof self->input)
        memcpy(self->input, input, input_length);
    assert_int_equal(capacity, SCM_RESPONSE_MAX);
    void (*during)(void) = self->during;
    self->during = NULL;
    if (during != NULL)
        during();
    memset(output, 0xAC, self->length < capacity ? self->length : capacity);
    *output_length = self->length;
    self->inside--;
    return self->result;
}

static void release(void *user)
{
    ((struct driver *)user)->released++;
}

static scm_virtual_ifd_options options(void)
{
    scm_virtual_ifd_options options = SCM_VIRTUAL_IFD_OPTIONS_INIT;
    driver = (struct driver){.length = 6};
    options.user_data = &driver;
    options.control = control;
    options.release = release;
    return options;
}

static void create(void)
{
    scm_virtual_ifd_options with_control = options();
    assert_result(scm_virtual_ifd_create(NAME, &with_control, &driver.ifd), SCM_S_OK);
}

static scm_handle *attach(uint32_t share_mode)
{
    scm_attach_options how = SCM_ATTACH_OPTIONS_INIT;
    scm_handle *handle;
    how.share_mode = share_mode;
    assert_result(scm_attach_by_ifd_ex(NAME, &how, &handle), SCM_S_OK);
    return handle;
}

static void end(scm_handle *handle)
{
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_int_equal(driver.released, 0);
    assert_result(scm_virtual_ifd_destroy(driver.ifd), SCM_S_OK);
    assert_int_equal(driver.released, 1);
    assert_int_equal(driver.together, 0);
}

static scm_result ask(scm_handle *handle, uint32_t code, size_t *length)
{
    static uint8_t answer[SCM_RESPONSE_MAX];
    scm_result result = scm_control(handle, code, (const uint8_t *)"\xFF\x00\x48\x00\x00", 5, answer, sizeof answer, length);
    for (size_t i = 0; i < *length && SCM_SUCCEEDED(result); i++)
        assert_int_equal(answer[i], 0xAC);
    return result;
}

/* ---- Cards: one that knows control codes of its own, and a simple one. ---- */

static atomic_int of_card;

static scm_result card_control(void *user, uint32_t code, const uint8_t *input, size_t input_length, uint8_t *output,
                               size_t capacity, size_t *output_length)
{
    (void)user, (void)code, (void)input, (void)input_length, (void)capacity;
    of_card++;
    output[0] = 0xAC;
    *output_length = 1;
    return SCM_S_OK;
}

static scm_result transmit(void *user, const uint8_t *command, size_t command_length, uint8_t *response,
                           size_t capacity, size_t *response_length)
{
    (void)user, (void)command, (void)command_length, (void)capacity;
    memcpy(response, "\x90\x00", 2);
    *response_length = 2;
    return SCM_S_OK;
}

static void insert(bool knows_codes)
{
    scm_virtual_card card = SCM_VIRTUAL_CARD_INIT;
    card.atr = ATR;
    card.atr_length = sizeof ATR;
    card.transmit = transmit;
    card.control = knows_codes ? card_control : NULL;
    assert_result(scm_virtual_ifd_insert(driver.ifd, &card), SCM_S_OK);
}

/* ---- The tests ---- */

static void a_reader_answers_without_a_card(void **state)
{
    (void)state;
    size_t length;
    create();
    scm_handle *handle = attach(SCM_SHARE_DIRECT);
    assert_result(ask(handle, FIRMWARE, &length), SCM_S_OK);
    assert_int_equal(length, 6);
    assert_true(driver.code == FIRMWARE && driver.input_length == 5 && driver.input[2] == 0x48);
    assert_result(scm_get_last_response(handle, NULL, 0, &length), SCM_S_OK);
    assert_int_equal(length, 6);
    driver.length = 0;
    assert_result(ask(handle, 1, &length), SCM_S_OK);
    assert_int_equal(length, 0);
    assert_result(scm_control(handle, 1, NULL, 0, NULL, 0, &length), SCM_S_OK);
    assert_int_equal(driver.input_length, 0);
    driver.length = SCM_RESPONSE_MAX;
    assert_result(ask(handle, 1, &length), SCM_S_OK);
    assert_int_equal(length, SCM_RESPONSE_MAX);
    char log[4096];
    assert_result(scm_virtual_ifd_get_log(driver.ifd, log, sizeof log, &length), SCM_S_OK);
    assert_non_null(strstr(log, "control 42000D48, 5 bytes -> ok\n"));
    end(handle);
}

static void a_reader_with_a_card_answers_in_every_mode(void **state)
{
    (void)state;
    size_t length;
    const uint32_t modes[] = {SCM_SHARE_SHARED, SCM_SHARE_EXCLUSIVE, SCM_SHARE_DIRECT};
    create();
    insert(false);
    for (size_t i = 0; i < 3; i++) {
        scm_handle *handle = attach(modes[i]);
        assert_result(ask(handle, 1, &length), SCM_S_OK);
        assert_int_equal(length, 6);
        assert_result(scm_detach(handle), SCM_S_OK);
    }
    assert_int_equal(driver.calls, 3);
    /* It is about the reader, so that no signal of the card is in the way. */
    scm_handle *handle = attach(SCM_SHARE_SHARED);
    assert_result(scm_virtual_ifd_reset(driver.ifd, SCM_DISPOSITION_RESET), SCM_S_OK);
    assert_result(ask(handle, 1, &length), SCM_S_OK);
    assert_result(scm_virtual_ifd_remove(driver.ifd), SCM_S_OK);
    assert_result(ask(handle, 1, &length), SCM_S_OK);
    end(handle);
}

static void an_answer_that_is_none_is_a_reader_that_failed(void **state)
{
    (void)state;
    size_t length;
    create();
    scm_handle *handle = attach(SCM_SHARE_DIRECT);
    driver.length = SCM_RESPONSE_MAX + 1;
    assert_result(ask(handle, 1, &length), SCM_SCARD_E_NOT_TRANSACTED);
    driver.length = 6;
    const struct {
        scm_result said, told;
    } answers[] = {
        {SCM_E_FAIL, SCM_SCARD_E_NOT_TRANSACTED},
        {SCM_E_HANDLE, SCM_SCARD_E_NOT_TRANSACTED},
        {SCM_SCARD_W_REMOVED_CARD, SCM_SCARD_E_NOT_TRANSACTED},
        {SCM_E_NOTIMPL, SCM_SCARD_E_UNSUPPORTED_FEATURE},
        {SCM_SCARD_E_UNSUPPORTED_FEATURE, SCM_SCARD_E_UNSUPPORTED_FEATURE},
        {SCM_S_FALSE, SCM_S_OK},
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        driver.result = answers[i].said;
        assert_result(ask(handle, 1, &length), answers[i].told);
        assert_int_equal(length, SCM_SUCCEEDED(answers[i].told) ? 6 : 0);
    }
    end(handle);
}

static void a_code_that_the_reader_does_not_know_its_card_may_know(void **state)
{
    (void)state;
    size_t length;
    const scm_result unknown[] = {SCM_E_NOTIMPL, SCM_SCARD_E_UNSUPPORTED_FEATURE};
    create();
    insert(true);
    scm_handle *handle = attach(SCM_SHARE_SHARED);
    assert_result(ask(handle, 1, &length), SCM_S_OK);
    assert_true(length == 6 && of_card == 0);
    for (size_t i = 0; i < 2; i++) {
        driver.result = unknown[i];
        assert_result(ask(handle, 1, &length), SCM_S_OK);
        assert_int_equal(length, 1);
    }
    assert_int_equal(of_card, 2);
    /* A reader that has failed has failed. */
    driver.result = SCM_E_FAIL;
    assert_result(ask(handle, 1, &length), SCM_SCARD_E_NOT_TRANSACTED);
    assert_int_equal(of_card, 2);
    end(handle);
    /* One without a function of its own leaves it all to the card. */
    assert_result(scm_virtual_ifd_create(NAME, NULL, &driver.ifd), SCM_S_OK);
    handle = attach(SCM_SHARE_DIRECT);
    assert_result(ask(handle, 1, &length), SCM_SCARD_E_UNSUPPORTED_FEATURE);
    insert(true);
    assert_result(ask(handle, 1, &length), SCM_S_OK);
    assert_int_equal(length, 1);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_virtual_ifd_destroy(driver.ifd), SCM_S_OK);
}

static void codes_fail_as_planned(void **state)
{
    (void)state;
    size_t length;
    create();
    scm_handle *handle = attach(SCM_SHARE_DIRECT);
    assert_result(scm_virtual_ifd_fail(driver.ifd, SCM_VIRTUAL_CONTROL, SCM_SCARD_E_NOT_TRANSACTED, 1, 1), SCM_S_OK);
    assert_result(ask(handle, 1, &length), SCM_S_OK);
    assert_result(ask(handle, 1, &length), SCM_SCARD_E_NOT_TRANSACTED);
    assert_result(ask(handle, 1, &length), SCM_S_OK);
    assert_int_equal(driver.calls, 2);
    end(handle);
}

static void a_lock_of_another_keeps_codes_away(void **state)
{
    (void)state;
    size_t length;
    create();
    insert(false);
    scm_handle *handle = attach(SCM_SHARE_DIRECT), *other = attach(SCM_SHARE_SHARED);
    assert_result(scm_lock(other), SCM_S_OK);
    assert_result(ask(handle, 1, &length), SCM_SCARD_E_SHARING_VIOLATION);
    assert_int_equal(driver.calls, 0);
    assert_result(ask(other, 1, &length), SCM_S_OK);
    assert_result(scm_unlock(other, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(ask(handle, 1, &length), SCM_S_OK);
    assert_result(scm_detach(other), SCM_S_OK);
    end(handle);
}

static void call_itself(void)
{
    size_t length;
    uint32_t card_state, protocol;
    uint8_t value[64];
    assert_result(ask(driver.handle, 1, &length), SCM_SCARD_E_NOT_READY);
    assert_result(scm_status(driver.handle, &card_state, &protocol), SCM_SCARD_E_NOT_READY);
    assert_result(scm_lock(driver.handle), SCM_SCARD_E_NOT_READY);
    assert_result(scm_get_attribute(driver.handle, 0x00010100, value, sizeof value, &length), SCM_SCARD_E_NOT_READY);
    insert(false);
    scm_handle *other = attach(SCM_SHARE_SHARED);
    assert_result(ask(other, 1, &length), SCM_SCARD_E_NOT_READY);
    assert_result(scm_get_attribute(other, 0x00010100, value, sizeof value, &length), SCM_S_OK);
    assert_result(scm_transmit(other, (const uint8_t *)"\0\xB0\0\0\0", 5, value, sizeof value, &length), SCM_S_OK);
    assert_result(scm_detach(other), SCM_S_OK);
    assert_result(scm_virtual_ifd_remove(driver.ifd), SCM_S_OK);
}

static void destroy_itself(void)
{
    assert_result(scm_virtual_ifd_destroy(driver.ifd), SCM_S_OK);
    assert_int_equal(driver.released, 0);
}

static void stop_service(void)
{
    assert_result(scm_virtual_service_stop(), SCM_S_OK);
}

static void detach_itself(void)
{
    assert_result(scm_detach(driver.handle), SCM_S_OK);
}

static void a_reader_may_call_the_library(void **state)
{
    (void)state;
    size_t length;
    create();
    driver.handle = attach(SCM_SHARE_DIRECT);
    driver.during = call_itself;
    assert_result(ask(driver.handle, 1, &length), SCM_S_OK);
    assert_int_equal(driver.calls, 1);

    driver.during = stop_service;
    assert_result(ask(driver.handle, 1, &length), SCM_SCARD_E_NO_SERVICE);
    assert_int_equal(length, 0);
    assert_result(scm_virtual_service_start(), SCM_S_OK);
    assert_result(scm_reconnect(driver.handle), SCM_S_OK);

    driver.during = detach_itself;
    assert_result(ask(driver.handle, 1, &length), SCM_S_OK);
    assert_result(ask(driver.handle, 1, &length), SCM_E_HANDLE);

    scm_handle *handle = attach(SCM_SHARE_DIRECT);
    driver.during = destroy_itself;
    assert_result(ask(handle, 1, &length), SCM_SCARD_E_READER_UNAVAILABLE);
    assert_int_equal(driver.released, 1);
    assert_result(ask(handle, 1, &length), SCM_SCARD_E_READER_UNAVAILABLE);
    assert_int_equal(driver.released, 1);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void end_thread(void)
{
    driver.inside--;
    pthread_exit(NULL);
}

static void *ask_once(void *handle)
{
    size_t length;
    (void)ask(handle, 1, &length);
    return handle;
}

static void a_thread_may_end_in_it(void **state)
{
    (void)state;
    pthread_t thread;
    void *returned = &thread;
    size_t length;
    create();
    scm_handle *handle = attach(SCM_SHARE_DIRECT);
    driver.during = end_thread;
    assert_int_equal(pthread_create(&thread, NULL, ask_once, handle), 0);
    assert_int_equal(pthread_join(thread, &returned), 0);
    assert_null(returned);
    assert_result(ask(handle, 1, &length), SCM_S_OK);
    assert_int_equal(driver.calls, 2);
    end(handle);
}

#define ROUNDS 500

static void give_way(void)
{
    sched_yield();
}

static void *ask_often(void *unused)
{
    size_t length;
    scm_handle *handle = attach(SCM_SHARE_DIRECT);
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        driver.during = i % 8 == 0 ? give_way : NULL;
        assert_result(ask(handle, 1, &length), SCM_S_OK);
    }
    assert_result(scm_detach(handle), SCM_S_OK);
    return NULL;
}

static void a_reader_is_never_asked_twice_at_a_time(void **state)
{
    (void)state;
    pthread_t threads[4];
    create();
    scm_handle *handle = attach(SCM_SHARE_DIRECT);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(driver.calls, 4 * ROUNDS);
    end(handle);
}

/* One thread is in the function when the reader goes, and three wait for it. */
static pthread_barrier_t in_there, gone;

static void stay(void)
{
    pthread_barrier_wait(&in_there);
    pthread_barrier_wait(&gone);
}

static void *ask_a_reader_that_goes(void *handle)
{
    size_t length;
    assert_result(ask(handle, 1, &length), SCM_SCARD_E_READER_UNAVAILABLE);
    return NULL;
}

static void who_waits_for_a_reader_that_goes_waits_no_longer(void **state)
{
    (void)state;
    pthread_t threads[4];
    scm_handle *handles[4];
    create();
    assert_int_equal(pthread_barrier_init(&in_there, NULL, 2), 0);
    assert_int_equal(pthread_barrier_init(&gone, NULL, 2), 0);
    for (size_t i = 0; i < 4; i++)
        handles[i] = attach(SCM_SHARE_DIRECT);
    driver.during = stay;
    assert_int_equal(pthread_create(&threads[0], NULL, ask_a_reader_that_goes, handles[0]), 0);
    pthread_barrier_wait(&in_there);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_a_reader_that_goes, handles[i]), 0);
    assert_result(scm_virtual_ifd_destroy(driver.ifd), SCM_S_OK);
    for (size_t i = 1; i < 4; i++) /* while the first one is still in there */
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(driver.released, 0);
    pthread_barrier_wait(&gone);
    assert_int_equal(pthread_join(threads[0], NULL), 0);
    assert_true(driver.released == 1 && driver.calls == 1);
    for (size_t i = 0; i < 4; i++)
        assert_result(scm_detach(handles[i]), SCM_S_OK);
    pthread_barrier_destroy(&in_there);
    pthread_barrier_destroy(&gone);
}

static void the_child_of_a_fork_has_no_reader_to_ask(void **state)
{
    (void)state;
    create();
    scm_handle *handle = attach(SCM_SHARE_DIRECT);
    pid_t child = fork();
    if (child == 0) {
        size_t length;
        bool right = scm_control(handle, 1, NULL, 0, NULL, 0, &length) == SCM_E_HANDLE &&
                     scm_virtual_ifd_destroy(driver.ifd) == SCM_E_HANDLE && driver.calls == 0 && driver.released == 0;
        _exit(right ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    end(handle);
}

static void attributes_have_limits(void **state)
{
    (void)state;
    static uint8_t value[265];
    static scm_virtual_attribute many[257];
    for (uint32_t i = 0; i < 257; i++)
        many[i] = (scm_virtual_attribute){.id = i, .value = value, .value_length = 1};
    const struct {
        scm_virtual_attribute attribute;
        scm_result result;
    } cases[] = {
        {{1, 0, value, 264}, SCM_S_OK},
        {{1, 0, NULL, 0}, SCM_S_OK},
        {{1, 0, value, 265}, SCM_E_INVALIDARG},
        {{1, 0, NULL, 1}, SCM_E_INVALIDARG},
        {{1, 2, value, 1}, SCM_E_INVALIDARG},
        {{1, UINT32_MAX, value, 1}, SCM_E_INVALIDARG},
        {{1, 0, value, SIZE_MAX}, SCM_E_INVALIDARG},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scm_virtual_ifd_options with = options();
        with.attributes = &cases[i].attribute;
        with.attribute_count = 1;
        assert_result(scm_virtual_ifd_create(NAME, &with, &driver.ifd), cases[i].result);
        if (cases[i].result == SCM_S_OK)
            assert_result(scm_virtual_ifd_destroy(driver.ifd), SCM_S_OK);
        /* No reader was made, so `release` is not called. */
        assert_int_equal(driver.released, cases[i].result == SCM_S_OK);
    }
    scm_virtual_ifd_options with = options();
    with.attribute_count = 1;
    assert_result(scm_virtual_ifd_create(NAME, &with, &driver.ifd), SCM_E_INVALIDARG);
    with.attributes = many;
    with.attribute_count = 257;
    assert_result(scm_virtual_ifd_create(NAME, &with, &driver.ifd), SCM_E_INVALIDARG);
    with.attribute_count = SIZE_MAX;
    assert_result(scm_virtual_ifd_create(NAME, &with, &driver.ifd), SCM_E_INVALIDARG);
    with.attribute_count = 256;
    many[255].id = 3;
    assert_result(scm_virtual_ifd_create(NAME, &with, &driver.ifd), SCM_E_INVALIDARG);
    many[255].id = 255;
    assert_result(scm_virtual_ifd_create(NAME, &with, &driver.ifd), SCM_S_OK);
    /* A structure as it was before there were any of these is still one. */
    assert_result(scm_virtual_ifd_destroy(driver.ifd), SCM_S_OK);
    with.struct_size = (uint32_t)(8 + sizeof(void *));
    with.attribute_count = 257;
    assert_result(scm_virtual_ifd_create(NAME, &with, &driver.ifd), SCM_S_OK);
    driver.released = 0;
    assert_result(scm_virtual_ifd_destroy(driver.ifd), SCM_S_OK);
    assert_int_equal(driver.released, 0);
}

static void assert_attribute(scm_handle *handle, uint32_t id, const void *value, size_t value_length)
{
    uint8_t got[264];
    size_t length;
    assert_result(scm_get_attribute(handle, id, got, sizeof got, &length), SCM_S_OK);
    assert_int_equal(length, value_length);
    assert_memory_equal(got, value, value_length);
}

static void attributes_are_got_and_set(void **state)
{
    (void)state;
    static uint8_t longest[264];
    uint8_t serial[] = "0815";
    uint8_t got[8];
    size_t length;
    const scm_virtual_attribute attributes[] = {
        {.id = 0x00010103, .value = serial, .value_length = 4},                                               /* serial number */
        {.id = 0x00010100, .value = (const uint8_t *)"Acme", .value_length = 5},                              /* vendor */
        {.id = 0x0007A007, .value = longest, .value_length = 264, .flags = SCM_VIRTUAL_ATTRIBUTE_SETTABLE},
        {.id = 0x00090303},                                                                                   /* ATR */
    };
    scm_virtual_ifd_options with = options();
    with.attributes = attributes;
    with.attribute_count = 4;
    assert_result(scm_virtual_ifd_create(NAME, &with, &driver.ifd), SCM_S_OK);
    memset(serial, 'x', sizeof serial); /* it was copied */
    scm_handle *handle = attach(SCM_SHARE_DIRECT);
    assert_attribute(handle, 0x00010103, "0815", 4);
    assert_attribute(handle, 0x00010100, "Acme", 5);
    assert_attribute(handle, 0x0007A007, longest, 264);
    assert_attribute(handle, 0x7FFF0003, NAME, sizeof NAME);
    assert_attribute(handle, 0x00090303, "", 0);
    assert_result(scm_get_attribute(handle, 0x00010103, got, 3, &length), SCM_SCARD_E_INSUFFICIENT_BUFFER);
    assert_int_equal(length, 4);
    assert_result(scm_get_attribute(handle, 2, got, sizeof got, &length), SCM_SCARD_E_UNSUPPORTED_FEATURE);

    assert_result(scm_set_attribute(handle, 0x0007A007, (const uint8_t *)"new", 3), SCM_S_OK);
    assert_attribute(handle, 0x0007A007, "new", 3);
    assert_result(scm_set_attribute(handle, 0x0007A007, NULL, 0), SCM_SCARD_E_INVALID_PARAMETER);
    assert_result(scm_set_attribute(handle, 0x0007A007, longest, 264), SCM_S_OK);
    assert_result(scm_set_attribute(handle, 0x0007A007, longest, 265), SCM_E_INVALIDARG);
    assert_attribute(handle, 0x0007A007, longest, 264);
    const uint32_t fixed[] = {0x00010103, 0x00010100, 0x7FFF0003, 2};
    for (size_t i = 0; i < 4; i++)
        assert_result(scm_set_attribute(handle, fixed[i], (const uint8_t *)"new", 3), SCM_SCARD_E_NOT_TRANSACTED);
    assert_attribute(handle, 0x00010103, "0815", 4);

    /* For all, as long as there is the reader, but not while another holds a lock. */
    assert_result(scm_set_attribute(handle, 0x0007A007, (const uint8_t *)"kept", 4), SCM_S_OK);
    insert(false);
    scm_handle *other = attach(SCM_SHARE_SHARED);
    assert_attribute(other, 0x0007A007, "kept", 4);
    assert_result(scm_lock(other), SCM_S_OK);
    assert_result(scm_set_attribute(handle, 0x0007A007, (const uint8_t *)"lost", 4), SCM_SCARD_E_SHARING_VIOLATION);
    assert_result(scm_unlock(other, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_detach(other), SCM_S_OK);
    assert_attribute(handle, 0x0007A007, "kept", 4);
    assert_result(scm_virtual_ifd_fail(driver.ifd, SCM_VIRTUAL_SET_ATTRIBUTE, SCM_SCARD_F_COMM_ERROR, 0, 1), SCM_S_OK);
    assert_result(scm_set_attribute(handle, 0x0007A007, (const uint8_t *)"lost", 4), SCM_SCARD_F_COMM_ERROR);
    assert_attribute(handle, 0x0007A007, "kept", 4);
    end(handle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_answers_without_a_card),
        cmocka_unit_test(a_reader_with_a_card_answers_in_every_mode),
        cmocka_unit_test(an_answer_that_is_none_is_a_reader_that_failed),
        cmocka_unit_test(a_code_that_the_reader_does_not_know_its_card_may_know),
        cmocka_unit_test(codes_fail_as_planned),
        cmocka_unit_test(a_lock_of_another_keeps_codes_away),
        cmocka_unit_test(a_reader_may_call_the_library),
        cmocka_unit_test(a_thread_may_end_in_it),
        cmocka_unit_test(a_reader_is_never_asked_twice_at_a_time),
        cmocka_unit_test(who_waits_for_a_reader_that_goes_waits_no_longer),
        cmocka_unit_test(the_child_of_a_fork_has_no_reader_to_ask),
        cmocka_unit_test(attributes_have_limits),
        cmocka_unit_test(attributes_are_got_and_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

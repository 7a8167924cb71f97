/* Virtual readers for the program that creates them: every function with every error, the callbacks, the log, planned
 * failures, threads and a fork. All other tests cover the view of attachments. */
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
#include <time.h>
#include <unistd.h>

#include "scm.h"
#include "scm_virtual.h"

#define NAME "Bench"
#define assert_result(call, expected) assert_string_equal(scm_result_name(call), scm_result_name(expected))

/* T=0 and T=1. */
static const uint8_t ATR[] = {0x3B, 0x80, 0x80, 0x01, 0x01};
static const uint8_t COMMAND[] = {0x00, 0xB0, 0x00, 0x00, 0x00};

/* The calls to a card of these tests, and its orders. */
struct card {
    atomic_int on, off, reset, released, exchanges;
    scm_result power_result, transmit_result;
    size_t response_length;
    void (*during)(struct card *);
};

static scm_result transmit(void *user, const uint8_t *command, size_t command_length, uint8_t *response,
                           size_t capacity, size_t *response_length)
{
    struct card *card = user;
    (void)command, (void)command_length;
    card->exchanges++;
    if (card->during != NULL)
        card->during(card);
    assert_int_equal(capacity, SCM_RESPONSE_MAX);
    memset(response, 0x90, card->response_length < capacity ? card->response_length : capacity);
    *response_length = card->response_length;
    return card->transmit_result;
}

static scm_result power(void *user, uint32_t event)
{
    struct card *card = user;
    if (event == SCM_POWER_ON)
        card->on++;
    else if (event == SCM_POWER_OFF)
        card->off++;
    else if (event == SCM_POWER_RESET)
        card->reset++;
    return card->power_result;
}

static void release(void *user)
{
    ((struct card *)user)->released++;
}

static scm_virtual_card virtual_card(struct card *card)
{
    scm_virtual_card virtual_card = SCM_VIRTUAL_CARD_INIT;
    virtual_card.atr = ATR;
    virtual_card.atr_length = sizeof ATR;
    virtual_card.user_data = card;
    virtual_card.transmit = transmit;
    virtual_card.power = power;
    virtual_card.release = release;
    return virtual_card;
}

static scm_virtual_ifd *create(void)
{
    scm_virtual_ifd *ifd = NULL;
    assert_result(scm_virtual_ifd_create(NAME, NULL, &ifd), SCM_S_OK);
    assert_non_null(ifd);
    return ifd;
}

static void insert(scm_virtual_ifd *ifd, struct card *card)
{
    scm_virtual_card inserted = virtual_card(card);
    if (card->response_length == 0)
        card->response_length = 2;
    assert_result(scm_virtual_ifd_insert(ifd, &inserted), SCM_S_OK);
}

static scm_handle *attach(void)
{
    scm_handle *handle = NULL;
    assert_result(scm_attach_by_ifd(NAME, &handle), SCM_S_OK);
    return handle;
}

static scm_result exchange(scm_handle *handle)
{
    uint8_t response[256];
    size_t length = 77;
    scm_result result = scm_transmit(handle, COMMAND, sizeof COMMAND, response, sizeof response, &length);
    if (SCM_FAILED(result))
        assert_int_equal(length, 0);
    return result;
}

static const char *get_log(scm_virtual_ifd *ifd)
{
    static char text[65536];
    size_t length = 0;
    assert_result(scm_virtual_ifd_get_log(ifd, text, sizeof text, &length), SCM_S_OK);
    assert_int_equal(length, strlen(text) + 1);
    return text;
}

static void a_name_has_to_be_one(void **state)
{
    (void)state;
    char long_name[SCM_IFD_NAME_MAX + 2];
    scm_virtual_ifd *ifd = (scm_virtual_ifd *)long_name;
    memset(long_name, 'a', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    assert_result(scm_virtual_ifd_create(NAME, NULL, NULL), SCM_E_POINTER);
    const char *names[] = {NULL, "", long_name, "caf\xE9"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_result(scm_virtual_ifd_create(names[i], NULL, &ifd), SCM_E_INVALIDARG);
        assert_null(ifd);
    }
    long_name[SCM_IFD_NAME_MAX] = '\0';
    assert_result(scm_virtual_ifd_create(long_name, NULL, &ifd), SCM_S_OK);
    assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
}

static void a_name_is_given_once(void **state)
{
    (void)state;
    scm_virtual_ifd *ifd = create(), *other = ifd;
    assert_result(scm_virtual_ifd_create(NAME, NULL, &other), SCM_SCARD_E_DUPLICATE_READER);
    assert_null(other);
    assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
    assert_result(scm_virtual_ifd_destroy(create()), SCM_S_OK);
}

static void options_have_limits(void **state)
{
    (void)state;
    scm_virtual_ifd *ifd;
    scm_virtual_ifd_options options = SCM_VIRTUAL_IFD_OPTIONS_INIT;
    options.struct_size = 4;
    assert_result(scm_virtual_ifd_create(NAME, &options, &ifd), SCM_E_INVALIDARG);
    options.struct_size = sizeof options;
    options.vendor_name = "";
    assert_result(scm_virtual_ifd_create(NAME, &options, &ifd), SCM_E_INVALIDARG);
    options.vendor_name = "Acme";
    options.log_capacity = UINT32_MAX;
    assert_result(scm_virtual_ifd_create(NAME, &options, &ifd), SCM_E_INVALIDARG);
    options.log_capacity = 64;
    assert_result(scm_virtual_ifd_create(NAME, &options, &ifd), SCM_S_OK);

    struct card card = {0};
    insert(ifd, &card);
    scm_handle *handle = attach();
    char vendor[32];
    size_t length;
    assert_result(scm_get_attribute(handle, 0x00010100, (uint8_t *)vendor, sizeof vendor, &length), SCM_S_OK);
    assert_string_equal(vendor, "Acme");
    for (int i = 0; i < 10; i++)
        assert_result(exchange(handle), SCM_S_OK);
    size_t logged = strlen(get_log(ifd));
    assert_true(1 <= logged && logged <= 64);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
}

static void every_function_refuses_an_invalid_handle(void **state)
{
    (void)state;
    scm_virtual_ifd *stale = create();
    struct card card = {0};
    insert(stale, &card);
    scm_handle *attachment = attach();
    assert_result(scm_virtual_ifd_destroy(stale), SCM_S_OK);
    scm_virtual_ifd *handles[] = {NULL, stale, (scm_virtual_ifd *)attachment, (scm_virtual_ifd *)&card};
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++) {
        scm_virtual_ifd *ifd = handles[i];
        scm_virtual_card other = virtual_card(&card);
        scm_virtual_failure failure = SCM_VIRTUAL_FAILURE_INIT;
        size_t length = 77;
        assert_result(scm_virtual_ifd_insert(ifd, &other), SCM_E_HANDLE);
        assert_result(scm_virtual_ifd_remove(ifd), SCM_E_HANDLE);
        assert_result(scm_virtual_ifd_reset(ifd, SCM_DISPOSITION_RESET), SCM_E_HANDLE);
        assert_result(scm_virtual_ifd_fail(ifd, SCM_VIRTUAL_BEGIN_TRANSACTION, SCM_E_FAIL, 0, 1), SCM_E_HANDLE);
        assert_result(scm_virtual_ifd_fail_ex(ifd, SCM_VIRTUAL_BEGIN_TRANSACTION, &failure), SCM_E_HANDLE);
        assert_result(scm_virtual_ifd_get_log(ifd, NULL, 0, &length), SCM_E_HANDLE);
        assert_int_equal(length, 0);
        assert_result(scm_virtual_ifd_clear_log(ifd), SCM_E_HANDLE);
        assert_result(scm_virtual_ifd_destroy(ifd), SCM_E_HANDLE);
    }
    scm_virtual_ifd *ifd = create();
    assert_result(scm_detach((scm_handle *)ifd), SCM_E_HANDLE);
    assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
    assert_result(scm_detach(attachment), SCM_S_OK);
    assert_int_equal(card.released, 1);
}

static void a_card_has_to_be_complete(void **state)
{
    (void)state;
    struct card card = {0};
    scm_virtual_ifd *ifd = create();
    scm_virtual_card wrong[7];
    for (size_t i = 0; i < 7; i++)
        wrong[i] = virtual_card(&card);
    wrong[0].struct_size = 8;
    wrong[1].struct_size = 0;
    wrong[2].atr = NULL;
    wrong[3].atr_length = 0;
    wrong[4].atr_length = SCM_ATR_MAX + 1;
    wrong[5].transmit = NULL;
    wrong[6].protocols = 4;
    for (size_t i = 0; i < 7; i++)
        assert_result(scm_virtual_ifd_insert(ifd, &wrong[i]), SCM_E_INVALIDARG);
    assert_result(scm_virtual_ifd_insert(ifd, NULL), SCM_E_INVALIDARG);
    insert(ifd, &card);
    scm_virtual_card second = virtual_card(&card);
    assert_result(scm_virtual_ifd_insert(ifd, &second), SCM_SCARD_E_NOT_READY);
    assert_int_equal(card.on, 1);
    assert_int_equal(card.released, 0);
    assert_result(scm_virtual_ifd_remove(ifd), SCM_S_OK);
    assert_int_equal(card.released, 1);
    assert_result(scm_virtual_ifd_remove(ifd), SCM_SCARD_E_NO_SMARTCARD);
    assert_result(scm_virtual_ifd_reset(ifd, SCM_DISPOSITION_RESET), SCM_SCARD_E_NO_SMARTCARD);
    assert_result(scm_virtual_ifd_reset(ifd, SCM_DISPOSITION_LEAVE), SCM_E_INVALIDARG);
    assert_result(scm_virtual_ifd_reset(ifd, SCM_DISPOSITION_EJECT), SCM_E_INVALIDARG);
    assert_result(scm_virtual_ifd_reset(ifd, 99), SCM_E_INVALIDARG);
    assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
}

/* A card without a power callback responds after any change of power. */
static void a_card_without_power_function_has_power(void **state)
{
    (void)state;
    struct card card = {.response_length = 2};
    scm_virtual_ifd *ifd = create();
    scm_virtual_card plug = virtual_card(&card);
    scm_handle *handle;
    scm_reconnect_options cold = SCM_RECONNECT_OPTIONS_INIT;
    cold.initial_action = SCM_DISPOSITION_UNPOWER;
    plug.power = NULL;
    assert_result(scm_virtual_ifd_insert(ifd, &plug), SCM_S_OK);
    handle = attach();
    assert_result(exchange(handle), SCM_S_OK);
    const uint32_t actions[] = {SCM_DISPOSITION_RESET, SCM_DISPOSITION_UNPOWER};
    for (size_t i = 0; i < 2; i++) {
        assert_result(scm_virtual_ifd_reset(ifd, actions[i]), SCM_S_OK);
        assert_result(exchange(handle), SCM_SCARD_W_RESET_CARD);
        assert_result(scm_reconnect(handle), SCM_S_OK);
        assert_result(exchange(handle), SCM_S_OK);
        assert_result(scm_lock(handle), SCM_S_OK);
        assert_result(scm_unlock(handle, actions[i]), SCM_S_OK);
        assert_result(exchange(handle), SCM_S_OK);
        assert_result(scm_detach_ex(handle, actions[i]), SCM_S_OK);
        handle = attach();
        assert_result(exchange(handle), SCM_S_OK);
    }
    assert_result(scm_reconnect_ex(handle, &cold), SCM_S_OK);
    assert_result(exchange(handle), SCM_S_OK);
    assert_result(scm_virtual_service_stop(), SCM_S_OK);
    assert_result(scm_virtual_service_start(), SCM_S_OK);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_result(exchange(handle), SCM_S_OK);
    assert_non_null(strstr(get_log(ifd), "power on -> ok\n"));
    assert_non_null(strstr(get_log(ifd), "power reset -> ok\n"));
    assert_result(scm_virtual_ifd_remove(ifd), SCM_S_OK);
    assert_true(card.released == 1 && card.on + card.off + card.reset == 0);
    assert_result(scm_virtual_ifd_insert(ifd, &plug), SCM_S_OK);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_result(exchange(handle), SCM_S_OK);
    assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
    assert_int_equal(card.released, 2);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void plans_have_to_make_sense(void **state)
{
    (void)state;
    scm_virtual_ifd *ifd = create();
    scm_virtual_failure failure = SCM_VIRTUAL_FAILURE_INIT;
    assert_result(scm_virtual_ifd_fail(ifd, 0, SCM_E_FAIL, 0, 1), SCM_E_INVALIDARG);
    assert_result(scm_virtual_ifd_fail(ifd, 99, SCM_E_FAIL, 0, 1), SCM_E_INVALIDARG);
    assert_result(scm_virtual_ifd_fail(ifd, SCM_VIRTUAL_BEGIN_TRANSACTION, SCM_S_OK, 0, 1), SCM_E_INVALIDARG);
    assert_result(scm_virtual_ifd_fail(ifd, SCM_VIRTUAL_BEGIN_TRANSACTION, SCM_S_FALSE, 0, 1), SCM_E_INVALIDARG);
    assert_result(scm_virtual_ifd_fail_ex(ifd, SCM_VIRTUAL_BEGIN_TRANSACTION, NULL), SCM_E_INVALIDARG);
    failure.result = SCM_S_FALSE;
    assert_result(scm_virtual_ifd_fail_ex(ifd, SCM_VIRTUAL_BEGIN_TRANSACTION, &failure), SCM_E_INVALIDARG);
    failure.result = SCM_S_OK;
    failure.struct_size = 19;
    assert_result(scm_virtual_ifd_fail_ex(ifd, SCM_VIRTUAL_BEGIN_TRANSACTION, &failure), SCM_E_INVALIDARG);
    assert_result(scm_virtual_ifd_fail(ifd, SCM_VIRTUAL_BEGIN_TRANSACTION, SCM_S_OK, 0, 0), SCM_S_OK);
    assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
}

static void calls_fail_as_planned(void **state)
{
    (void)state;
    scm_virtual_ifd *ifd = create();
    struct card card = {0};
    insert(ifd, &card);
    scm_handle *handle = attach();
    assert_result(scm_virtual_ifd_fail(ifd, SCM_VIRTUAL_TRANSMIT, SCM_SCARD_E_TIMEOUT, 2, 2), SCM_S_OK);
    for (int i = 0; i < 6; i++)
        assert_result(exchange(handle), i == 2 || i == 3 ? SCM_SCARD_E_TIMEOUT : SCM_S_OK);
    assert_int_equal(card.exchanges, 4);

    /* Only the library can say this of its objects, no resource manager. */
    assert_result(scm_virtual_ifd_fail(ifd, SCM_VIRTUAL_TRANSMIT, SCM_E_UNEXPECTED, 0, 1), SCM_S_OK);
    assert_result(exchange(handle), SCM_E_FAIL);
    assert_result(scm_virtual_ifd_fail(ifd, SCM_VIRTUAL_TRANSMIT, SCM_E_HANDLE, 0, 1), SCM_S_OK);
    assert_result(exchange(handle), SCM_E_FAIL);
    assert_result(exchange(handle), SCM_S_OK);

    /* A card that vanishes: the library treats it as it treats a real one. */
    assert_result(scm_virtual_ifd_fail(ifd, SCM_VIRTUAL_TRANSMIT, SCM_SCARD_E_NOT_TRANSACTED, 0, 1), SCM_S_OK);
    assert_result(scm_virtual_ifd_fail(ifd, SCM_VIRTUAL_STATUS, SCM_SCARD_W_REMOVED_CARD, 0, 1), SCM_S_OK);
    assert_result(exchange(handle), SCM_SCARD_W_REMOVED_CARD);
    assert_result(scm_reconnect(handle), SCM_S_OK);

    assert_result(scm_virtual_ifd_fail(ifd, SCM_VIRTUAL_CONNECT, SCM_SCARD_W_UNSUPPORTED_CARD, 0, UINT32_MAX),
                  SCM_S_OK);
    for (int i = 0; i < 3; i++) {
        scm_handle *other = handle;
        assert_result(scm_attach_by_ifd(NAME, &other), SCM_SCARD_W_UNSUPPORTED_CARD);
        assert_null(other);
    }
    assert_result(scm_virtual_ifd_fail(ifd, SCM_VIRTUAL_CONNECT, SCM_S_OK, 0, 0), SCM_S_OK);
    assert_result(scm_detach(attach()), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
}

static void *exchange_once(void *handle)
{
    return (void *)(intptr_t)exchange(handle);
}

/* The delayed call continues after its time; the work of another thread meanwhile shows the delay. */
static void calls_take_the_time_planned(void **state)
{
    (void)state;
    scm_virtual_ifd *ifd = create();
    struct card card = {0};
    insert(ifd, &card);
    scm_handle *handle = attach(), *other = attach();
    scm_virtual_failure delay = SCM_VIRTUAL_FAILURE_INIT;
    delay.count = 1;
    delay.delay_ms = 50;
    assert_result(scm_virtual_ifd_fail_ex(ifd, SCM_VIRTUAL_TRANSMIT, &delay), SCM_S_OK);
    struct timespec start, end;
    timespec_get(&start, TIME_UTC);
    assert_result(exchange(handle), SCM_S_OK);
    timespec_get(&end, TIME_UTC);
    assert_true((end.tv_sec - start.tv_sec) * 1000000000LL + end.tv_nsec - start.tv_nsec >= 50000000);

    delay.delay_ms = 200;
    delay.result = SCM_SCARD_E_TIMEOUT;
    assert_result(scm_virtual_ifd_fail_ex(ifd, SCM_VIRTUAL_TRANSMIT, &delay), SCM_S_OK);
    pthread_t thread;
    void *result;
    assert_int_equal(pthread_create(&thread, NULL, exchange_once, handle), 0);
    /* The first call gets the delay; both end. */
    scm_result mine = exchange(other);
    pthread_join(thread, &result);
    assert_true((mine == SCM_S_OK) != ((scm_result)(intptr_t)result == SCM_S_OK));
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_detach(other), SCM_S_OK);
    assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
}

static void a_card_that_fails_is_told_apart(void **state)
{
    (void)state;
    scm_virtual_ifd *ifd = create();
    struct card card = {0};
    insert(ifd, &card);
    scm_handle *handle = attach();
    card.transmit_result = SCM_E_FAIL;
    assert_result(exchange(handle), SCM_SCARD_E_NOT_TRANSACTED);
    card.transmit_result = SCM_S_OK;
    card.response_length = 1;
    assert_result(exchange(handle), SCM_SCARD_F_COMM_ERROR);
    card.response_length = SCM_RESPONSE_MAX + 1;
    assert_result(exchange(handle), SCM_SCARD_E_NOT_TRANSACTED);
    uint8_t *response = malloc(SCM_RESPONSE_MAX);
    size_t length;
    card.response_length = SCM_RESPONSE_MAX;
    assert_result(scm_transmit(handle, COMMAND, sizeof COMMAND, response, SCM_RESPONSE_MAX, &length), SCM_S_OK);
    assert_int_equal(length, SCM_RESPONSE_MAX);
    free(response);
    card.response_length = 2;
    card.power_result = SCM_E_FAIL;
    assert_result(scm_virtual_ifd_reset(ifd, SCM_DISPOSITION_RESET), SCM_S_OK);
    assert_result(exchange(handle), SCM_SCARD_W_RESET_CARD);
    assert_result(scm_reconnect(handle), SCM_SCARD_W_UNRESPONSIVE_CARD);
    card.power_result = SCM_S_OK;
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_result(exchange(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
}

static void the_log_tells_what_was_asked_and_no_secret(void **state)
{
    (void)state;
    static const uint8_t verify[] = {0x00, 0x20, 0x00, 0x81, 0x04, '1', '2', '3', '4'};
    scm_virtual_ifd *ifd = create();
    struct card card = {0};
    uint8_t response[2];
    size_t length;
    insert(ifd, &card);
    scm_handle *handle = attach();
    assert_result(scm_lock(handle), SCM_S_OK);
    assert_result(scm_transmit(handle, verify, sizeof verify, response, sizeof response, &length), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_RESET), SCM_S_OK);
    assert_result(scm_virtual_ifd_remove(ifd), SCM_S_OK);
    assert_result(exchange(handle), SCM_SCARD_W_REMOVED_CARD);
    assert_string_equal(get_log(ifd), "insert 3B80800101\n"
                                      "power on -> ok\n"
                                      "connect shared T=0|T=1 -> T=1\n"
                                      "status -> negotiable\n"
                                      "begin -> ok\n"
                                      "transmit 00200081 (5 bytes withheld) -> 9090\n"
                                      "power reset -> ok\n"
                                      "end reset -> ok\n"
                                      "remove\n"
                                      "power off -> ok\n"
                                      "status -> SCM_SCARD_W_REMOVED_CARD\n");
    char text[8];
    assert_result(scm_virtual_ifd_get_log(ifd, text, sizeof text, &length), SCM_SCARD_E_INSUFFICIENT_BUFFER);
    assert_int_equal(length, strlen(get_log(ifd)) + 1);
    assert_result(scm_virtual_ifd_get_log(ifd, NULL, 0, NULL), SCM_E_POINTER);
    assert_result(scm_virtual_ifd_get_log(ifd, NULL, 1, &length), SCM_E_POINTER);
    assert_result(scm_virtual_ifd_clear_log(ifd), SCM_S_OK);
    assert_string_equal(get_log(ifd), "");
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
}

static bool is_listed(const char *name)
{
    char names[4096];
    size_t length;
    assert_true(SCM_SUCCEEDED(scm_list_ifds(names, sizeof names, &length)));
    for (const char *listed = names; *listed != '\0'; listed += strlen(listed) + 1)
        if (strcmp(listed, name) == 0)
            return true;
    return false;
}

/* The test works with or without a resource manager. */
static void readers_are_listed_while_they_are_there(void **state)
{
    (void)state;
    char groups[256];
    size_t length;
    assert_false(is_listed(NAME));
    scm_virtual_ifd *ifd = create();
    assert_true(is_listed(NAME));
    assert_result(scm_list_ifd_groups(groups, sizeof groups, &length), SCM_S_OK);
    assert_string_equal(groups, "SCard$DefaultReaders");
    assert_result(scm_virtual_service_stop(), SCM_S_OK);
    assert_result(scm_virtual_service_stop(), SCM_S_FALSE);
    assert_false(is_listed(NAME));
    assert_result(scm_virtual_service_start(), SCM_S_OK);
    assert_result(scm_virtual_service_start(), SCM_S_FALSE);
    assert_true(is_listed(NAME));
    assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
    assert_false(is_listed(NAME));
}

static scm_virtual_ifd *own_ifd;
static scm_handle *own_handle;

static void pull(struct card *card)
{
    assert_result(scm_virtual_ifd_remove(own_ifd), SCM_S_OK);
    assert_int_equal(card->released, 0);
}

static void call_itself(struct card *card)
{
    uint32_t card_state, protocol;
    card->during = NULL;
    assert_result(scm_status(own_handle, &card_state, &protocol), SCM_SCARD_E_NOT_READY);
    assert_result(exchange(own_handle), SCM_SCARD_E_NOT_READY);
    assert_result(scm_lock(own_handle), SCM_SCARD_E_NOT_READY);
    assert_result(scm_reconnect(own_handle), SCM_SCARD_E_NOT_READY);
    scm_handle *other = attach();
    assert_result(exchange(other), SCM_SCARD_E_NOT_READY);
    assert_result(scm_status(other, &card_state, &protocol), SCM_S_OK);
    assert_result(scm_detach(other), SCM_S_OK);
}

static void detach(struct card *card)
{
    card->during = NULL;
    assert_result(scm_detach(own_handle), SCM_S_OK);
}

static void a_callback_may_call_the_library(void **state)
{
    (void)state;
    struct card card = {0};
    own_ifd = create();
    insert(own_ifd, &card);
    own_handle = attach();
    card.during = call_itself;
    assert_result(exchange(own_handle), SCM_S_OK);
    card.during = pull;
    assert_result(exchange(own_handle), SCM_SCARD_W_REMOVED_CARD);
    assert_int_equal(card.released, 1);
    card = (struct card){0};
    insert(own_ifd, &card);
    assert_result(scm_reconnect(own_handle), SCM_S_OK);
    card.during = detach;
    assert_result(exchange(own_handle), SCM_S_OK);
    assert_result(exchange(own_handle), SCM_E_HANDLE);
    assert_result(scm_virtual_ifd_destroy(own_ifd), SCM_S_OK);
    assert_int_equal(card.released, 1);
}

static atomic_int inside, together;

static void count_inside(struct card *card)
{
    (void)card;
    if (++inside > 1)
        together++;
    sched_yield();
    inside--;
}

#define ROUNDS 300

static void *work(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        scm_handle *handle;
        if (SCM_FAILED(scm_attach_by_ifd(NAME, &handle)))
            continue;
        (void)exchange(handle);
        if (SCM_SUCCEEDED(scm_lock(handle))) {
            (void)exchange(handle);
            (void)scm_unlock(handle, i % 3 == 0 ? SCM_DISPOSITION_RESET : SCM_DISPOSITION_LEAVE);
        }
        (void)scm_reconnect(handle);
        (void)scm_detach(handle);
    }
    return NULL;
}

/* Cards are inserted and removed, the service stops and starts, and readers are replaced, while four threads use
 * them. */
static void threads_and_events_go_together(void **state)
{
    (void)state;
    pthread_t threads[4];
    struct card card = {.during = count_inside};
    int inserted = 0;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
    for (int i = 0; i < ROUNDS; i++) {
        scm_virtual_ifd *ifd = create();
        insert(ifd, &card);
        inserted++;
        assert_result(scm_virtual_ifd_reset(ifd, SCM_DISPOSITION_RESET), SCM_S_OK);
        assert_result(scm_virtual_ifd_remove(ifd), SCM_S_OK);
        insert(ifd, &card);
        inserted++;
        assert_result(scm_virtual_service_stop(), SCM_S_OK);
        assert_result(scm_virtual_service_start(), SCM_S_OK);
        assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(card.released, inserted);
}

static void *exchange_many(void *handle)
{
    for (int i = 0; i < ROUNDS; i++)
        if (exchange(handle) != SCM_S_OK)
            return handle;
    return NULL;
}

static void a_card_is_never_called_twice_at_a_time(void **state)
{
    (void)state;
    pthread_t threads[4];
    scm_handle *handles[4];
    struct card card = {.during = count_inside};
    scm_virtual_ifd *ifd = create();
    insert(ifd, &card);
    inside = together = 0;
    for (int i = 0; i < 4; i++) {
        handles[i] = attach();
        assert_int_equal(pthread_create(&threads[i], NULL, exchange_many, handles[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
        assert_result(scm_detach(handles[i]), SCM_S_OK);
    }
    assert_int_equal(together, 0);
    assert_int_equal(card.exchanges, 4 * ROUNDS);
    assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
}

/* The view of the child of a fork. Its exit status is the number of the failed check. */
static int child(scm_virtual_ifd *inherited, scm_handle *handle, struct card *card)
{
    scm_virtual_ifd *ifd;
    uint64_t generation;
    if (scm_virtual_ifd_remove(inherited) != SCM_E_HANDLE || scm_virtual_ifd_destroy(inherited) != SCM_E_HANDLE)
        return 1;
    if (scm_get_generation(handle, &generation) != SCM_E_HANDLE)
        return 2;
    if (is_listed(NAME) || card->released != 0)
        return 3;
    if (scm_virtual_ifd_create(NAME, NULL, &ifd) != SCM_S_OK || ifd == inherited)
        return 4;
    struct card own = {.response_length = 2};
    scm_virtual_card inserted = virtual_card(&own);
    if (scm_virtual_ifd_insert(ifd, &inserted) != SCM_S_OK)
        return 5;
    if (scm_attach_by_ifd(NAME, &handle) != SCM_S_OK || exchange(handle) != SCM_S_OK || scm_detach(handle) != SCM_S_OK)
        return 6;
    return scm_virtual_ifd_destroy(ifd) != SCM_S_OK || own.released != 1 ? 7 : 0;
}

static void the_child_of_a_fork_begins_without_readers(void **state)
{
    (void)state;
    struct card card = {0};
    scm_virtual_ifd *ifd = create();
    insert(ifd, &card);
    scm_handle *handle = attach();
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(child(ifd, handle, &card));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_result(exchange(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
    assert_int_equal(card.released, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_has_to_be_one),
        cmocka_unit_test(a_name_is_given_once),
        cmocka_unit_test(options_have_limits),
        cmocka_unit_test(every_function_refuses_an_invalid_handle),
        cmocka_unit_test(a_card_has_to_be_complete),
        cmocka_unit_test(a_card_without_power_function_has_power),
        cmocka_unit_test(plans_have_to_make_sense),
        cmocka_unit_test(calls_fail_as_planned),
        cmocka_unit_test(calls_take_the_time_planned),
        cmocka_unit_test(a_card_that_fails_is_told_apart),
        cmocka_unit_test(the_log_tells_what_was_asked_and_no_secret),
        cmocka_unit_test(readers_are_listed_while_they_are_there),
        cmocka_unit_test(a_callback_may_call_the_library),
        cmocka_unit_test(threads_and_events_go_together),
        cmocka_unit_test(a_card_is_never_called_twice_at_a_time),
        cmocka_unit_test(the_child_of_a_fork_begins_without_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

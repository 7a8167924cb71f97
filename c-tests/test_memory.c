/* Without memory the code is SCM_E_OUTOFMEMORY, the one error that the reference page of Reconnect promises: no crash,
 * no abort, and an unchanged state. It runs on the do-nothing libpcsclite of the benchmarks, and on a virtual reader
 * with a card that needs no memory, so that each failing allocation belongs to libscm. */
#include "support/check.h"
#include "scm_provider.h"
#include "scm_virtual.h"

#include <errno.h>

#define READER "Nothing 00 00"

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

/* The number of the allocation that fails, counted from now; none if negative. */
static _Thread_local long failing = -1;

static int fails(void)
{
    if (failing < 0 || failing-- > 0)
        return 0;
    errno = ENOMEM; /* the C library tries again for itself */
    return 1;
}

/* The library allocates through these, because the symbols of the program come first. */
void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails() ? NULL : __libc_realloc(old, size);
}

/* Makes the first, the second, ... allocation of `call` fail until it needs no more, and returns their number. */
static int for_every_allocation(scm_result (*call)(void))
{
    for (int n = 0; n < 1000; n++) {
        failing = n;
        scm_result result = call();
        int ran_out = failing < 0;
        failing = -1;
        if (!ran_out) {
            assert_result(result, SCM_S_OK);
            return n;
        }
        assert_result(result, SCM_E_OUTOFMEMORY);
    }
    fail_msg("the call never ends to allocate");
    return 0;
}

/* The number of successes despite a failed allocation. */
static int coped;

/* The same for a call that does not need its last allocations, which are for a release. With several locks there is a
 * release after each. */
static int for_every_allocation_but_releases(scm_result (*call)(void), scm_result (*is_as_before)(void), int locks)
{
    int releases = 0, did_cope = 0;
    coped = 0;
    for (int n = 0; n < 1000; n++) {
        failing = n;
        scm_result result = call();
        int ran_out = failing < 0;
        failing = -1;
        assert_result(is_as_before(), SCM_S_OK);
        if (!ran_out) {
            assert_result(result, SCM_S_OK);
            return n;
        }
        assert_true(result == SCM_S_OK || result == SCM_E_OUTOFMEMORY);
        releases += result == SCM_S_OK && !did_cope;
        assert_in_range(releases, 0, locks);
        did_cope = result == SCM_S_OK;
        coped += did_cope;
        /* After the only release no allocation is needed. */
        assert_true(did_cope || releases == 0 || locks > 1);
    }
    fail_msg("the call never ends to allocate");
    return 0;
}

static scm_handle *handle;
static uintptr_t icc = 1; /* the do-nothing libpcsclite accepts every number */

static scm_result attach_by_ifd(void)
{
    handle = (scm_handle *)&handle;
    scm_result result = scm_attach_by_ifd(READER, &handle);
    assert_true((result == SCM_S_OK) == (handle != NULL));
    return result;
}

static scm_result attach_by_handle(void)
{
    handle = (scm_handle *)&handle;
    scm_attach_options adopt = SCM_ATTACH_OPTIONS_INIT;
    adopt.flags = SCM_ATTACH_ADOPT;
    scm_result result = scm_attach_by_handle_ex(icc, &adopt, &handle);
    assert_true((result == SCM_S_OK) == (handle != NULL));
    return result;
}

static scm_result list_ifds(void)
{
    size_t length = 77;
    scm_result result = scm_list_ifds(NULL, 0, &length);
    assert_true((result == SCM_S_OK) == (length > 0));
    return result;
}

static scm_result list_ifd_groups(void)
{
    size_t length = 77;
    scm_result result = scm_list_ifd_groups(NULL, 0, &length);
    assert_true((result == SCM_S_OK) == (length > 0));
    return result;
}

/* The number of responses of the virtual card. */
static int exchanges;

static scm_result answer(void *card, const uint8_t *command, size_t command_length, uint8_t *response, size_t capacity,
                         size_t *response_length)
{
    (void)card, (void)command, (void)command_length, (void)capacity;
    exchanges++;
    memcpy(response, "\x90\x00", 2);
    *response_length = 2;
    return SCM_S_OK;
}

static scm_result power(void *card, uint32_t event)
{
    (void)card, (void)event;
    return SCM_S_OK;
}

static scm_virtual_ifd *ifd;

static int released;

static void release(void *user)
{
    (void)user;
    released++;
}

static scm_result create(void)
{
    const scm_virtual_attribute attributes[] = {{.id = 1, .value = (const uint8_t *)"one", .value_length = 3},
        {.id = 2}};
    scm_virtual_ifd_options options = SCM_VIRTUAL_IFD_OPTIONS_INIT;
    options.release = release;
    options.attributes = attributes;
    options.attribute_count = 2;
    return scm_virtual_ifd_create(READER, &options, &ifd);
}

static scm_result insert(void)
{
    scm_virtual_card card = SCM_VIRTUAL_CARD_INIT;
    card.atr = (const uint8_t *)"\x3B\x80\x80\x01\x01";
    card.atr_length = 5;
    card.transmit = answer;
    card.power = power;
    return scm_virtual_ifd_insert(ifd, &card);
}

static scm_result plan(void)
{
    return scm_virtual_ifd_fail(ifd, SCM_VIRTUAL_CONNECT, SCM_E_FAIL, 0, 1);
}

static scm_result get_log(void)
{
    size_t length;
    return scm_virtual_ifd_get_log(ifd, NULL, 0, &length);
}

/* The reader remains for the following tests, if they use it. */
static void virtual_readers_run_out_of_memory(void **state)
{
    (void)state;
    assert_true(for_every_allocation(create) >= 3);
    assert_int_equal(released, 0);
    assert_true(for_every_allocation(insert) >= 1);
    assert_true(for_every_allocation(get_log) >= 1);
    for_every_allocation(plan);
    assert_result(scm_virtual_ifd_fail(ifd, SCM_VIRTUAL_CONNECT, SCM_S_OK, 0, 0), SCM_S_OK);
    if (!bed_is_virtual())
        assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
}

static void attach_runs_out_of_memory(void **state)
{
    (void)state;
    assert_true(for_every_allocation(attach_by_ifd) >= 2);
    assert_result(scm_detach(handle), SCM_S_OK);

    scm_handle *owner = NULL;
    if (bed_is_virtual()) {
        assert_result(scm_attach_by_ifd(READER, &owner), SCM_S_OK);
        assert_result(scm_get_icc(owner, &icc), SCM_S_OK);
    }
    assert_true(for_every_allocation(attach_by_handle) >= 2);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_detach(owner), owner == NULL ? SCM_E_HANDLE : SCM_S_OK);
}

static void the_handle_table_grows_or_says_that_it_cannot(void **state)
{
    (void)state;
    enum { MANY = 300 };
    static scm_handle *handles[MANY];
    for (int i = 0; i < MANY; i++) {
        for_every_allocation(attach_by_ifd);
        handles[i] = handle;
    }
    for (int i = 0; i < MANY; i++)
        assert_result(scm_detach(handles[i]), SCM_S_OK);
}

static void lists_run_out_of_memory(void **state)
{
    (void)state;
    assert_true(for_every_allocation(list_ifds) >= 1);
    assert_true(for_every_allocation(list_ifd_groups) >= 1);
}

static scm_result lock_and_unlock(void)
{
    scm_result result = scm_lock(handle);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE),
                  result == SCM_S_OK ? SCM_S_OK : SCM_SCARD_E_NOT_TRANSACTED);
    return result;
}

static scm_result transmit_within(void)
{
    uint8_t response[16];
    size_t length;
    const uint8_t *command = (const uint8_t *)"\x00\xA4\x00\x00";
    scm_result result = scm_transmit_ex(handle, command, 4, 1000, response, sizeof response, &length);
    assert_int_equal(length, result == SCM_S_OK ? 2 : 0);
    return result;
}

/* The card responds, and no lock is left. */
static scm_result is_usable(void)
{
    uint32_t state, protocol;
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_SCARD_E_NOT_TRANSACTED);
    return scm_status(handle, &state, &protocol);
}

/* The same for a call under one lock, or several, on this attachment. Another thread may give the lock back, and the
 * card has answered by then: these allocations do not count. */
static int for_every_allocation_under_locks(scm_result (*call)(void), int locks)
{
    int allocations = for_every_allocation_but_releases(call, is_usable, locks);
    return allocations - coped;
}

static scm_result reconnect_within(void)
{
    scm_reconnect_options options = SCM_RECONNECT_OPTIONS_INIT;
    options.share_mode = SCM_SHARE_SHARED;
    options.limit_ms = 1000;
    return scm_reconnect_ex(handle, &options);
}

static scm_result attach_within(void)
{
    scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
    options.limit_ms = 1000;
    scm_result result = scm_attach_by_ifd_ex(READER, &options, &handle);
    assert_true((result == SCM_S_OK) == (handle != NULL));
    return result;
}

/* Another thread makes the calls with a limit to the resource manager. */
static void limits_run_out_of_memory(void **state)
{
    (void)state;
    assert_true(for_every_allocation(attach_within) >= 1);
    for_every_allocation(lock_and_unlock);
    int allocations = for_every_allocation_but_releases(transmit_within, is_usable, 1);
    assert_true(coped < allocations || allocations == 0);
    for_every_allocation(reconnect_within);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static scm_ch_verification *codes;
static scm_card_auth *auth;

static scm_result make_codes(void)
{
    codes = (scm_ch_verification *)&codes;
    scm_result result = scm_create_ch_verification(handle, &codes);
    assert_true((result == SCM_S_OK) == (codes != NULL));
    return result;
}

static scm_result make_auth(void)
{
    auth = (scm_card_auth *)&auth;
    scm_result result = scm_create_card_auth(handle, &auth);
    assert_true((result == SCM_S_OK) == (auth != NULL));
    return result;
}

static scm_result verify_code(void)
{
    uint32_t left = 77;
    scm_result result = scm_ch_verification_verify(codes, (const uint8_t *)"1234", 4, 0, 1, &left);
    assert_int_equal(left, SCM_RETRIES_UNKNOWN);
    return result;
}

static scm_result change_code(void)
{
    uint32_t left;
    return scm_ch_verification_change_code(codes, (const uint8_t *)"1234", 4, (const uint8_t *)"4321", 4, 0, 1, &left);
}

static scm_result unblock_code(void)
{
    uint32_t left;
    return scm_ch_verification_unblock(codes, (const uint8_t *)"1234", 4, (const uint8_t *)"4321", 4, 0, 1, &left);
}

static scm_result show_key(void)
{
    return scm_card_auth_app_auth(auth, 0, NULL, 0, (const uint8_t *)"12345678", 8);
}

static scm_result show_user(void)
{
    return scm_card_auth_user_auth(auth, 0, NULL, 0, (const uint8_t *)"12345678", 8);
}

static scm_result ask_card(void)
{
    uint8_t response[16];
    size_t length = 77;
    return scm_card_auth_icc_auth(auth, 0, NULL, 0, (const uint8_t *)"12345678", 8, response, sizeof response, &length);
}

/* Up to the comparison, which fails: the card returns nothing. */
static scm_result prove_card(void)
{
    scm_card_auth_options options = SCM_CARD_AUTH_OPTIONS_INIT;
    options.cipher = SCM_CIPHER_AES;
    options.key = (const uint8_t *)"0123456789ABCDEF";
    options.key_length = 16;
    scm_result result = scm_card_auth_icc_auth_ex(auth, 0, NULL, 0, &options);
    return result == SCM_SCARD_W_CARD_NOT_AUTHENTICATED ? SCM_S_OK : result;
}

static void codes_and_keys_run_out_of_memory(void **state)
{
    (void)state;
    assert_result(attach_by_ifd(), SCM_S_OK);
    assert_true(for_every_allocation(make_codes) >= 1);
    assert_true(for_every_allocation_under_locks(verify_code, 1) >= 2);
    assert_true(for_every_allocation_under_locks(change_code, 1) >= 2);
    assert_true(for_every_allocation_under_locks(unblock_code, 1) >= 2);
    assert_true(for_every_allocation(make_auth) >= 1);
    assert_true(for_every_allocation_under_locks(show_key, 1) >= 1);
    assert_true(for_every_allocation_under_locks(show_user, 1) >= 1);
    assert_true(for_every_allocation_under_locks(ask_card, 1) >= 1);
    assert_true(for_every_allocation_under_locks(prove_card, 1) >= 3);
    assert_result(scm_detach(handle), SCM_S_OK);
}

/* Three exchanges, and the lock around them. */
static scm_result send_in_parts(void)
{
    static const uint8_t data[600];
    uint8_t response[16];
    size_t length = 77;
    uint16_t word = 77;
    scm_command update = SCM_COMMAND_INIT;
    update.ins = 0xD6;
    update.data = data;
    update.data_length = sizeof data;
    update.expected = sizeof response;
    scm_result result = scm_send(handle, &update, response, sizeof response, &length, &word);
    assert_int_equal(length, 0);
    assert_int_equal(word, result == SCM_S_OK ? 0x9000 : 0);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_SCARD_E_NOT_TRANSACTED);
    return result;
}

static scm_result get_card_capabilities(void)
{
    scm_card_capabilities capabilities = SCM_CARD_CAPABILITIES_INIT;
    return scm_get_card_capabilities(handle, &capabilities);
}

static void commands_run_out_of_memory(void **state)
{
    (void)state;
    assert_result(attach_by_ifd(), SCM_S_OK);
    assert_true(for_every_allocation_under_locks(send_in_parts, 1) >= 3);
    for_every_allocation_under_locks(get_card_capabilities, 1);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static scm_monitor *monitor;

static scm_result watch(void)
{
    monitor = (scm_monitor *)&monitor;
    scm_result result = scm_monitor_create(&monitor);
    assert_true((result == SCM_S_OK) == (monitor != NULL));
    return result;
}

/* The threads of a monitor allocate as usual: only the allocations of its creator fail here. */
static void monitors_run_out_of_memory(void **state)
{
    (void)state;
    scm_event event = SCM_EVENT_INIT;
    assert_true(for_every_allocation(watch) >= 2);
    failing = 0;
    scm_result waited = scm_monitor_wait(monitor, 10000, &event);
    int untouched = failing == 0;
    failing = -1;
    assert_true(untouched);
    assert_result(waited, SCM_S_OK);
    assert_int_equal(event.number, 1);
    assert_result(scm_monitor_destroy(monitor), SCM_S_OK);
}

static scm_result send(void)
{
    static const uint8_t data[300];
    uint8_t response[16];
    size_t length = 77;
    uint16_t status = 77;
    scm_command command = {sizeof command, 0x00, 0xD6, 0, 0, data, sizeof data, 16, 0};
    scm_result result = scm_send(handle, &command, response, sizeof response, &length, &status);
    assert_int_equal(length, 0);
    assert_int_equal(status, result == SCM_S_OK ? 0x9000 : 0);
    return result;
}

static scm_file_access *files;
static scm_file *file;

static scm_result make_file_access(void)
{
    files = (scm_file_access *)&files;
    scm_result result = scm_create_file_access(handle, &files);
    assert_true((result == SCM_S_OK) == (files != NULL));
    return result;
}

static scm_result open_file(void)
{
    file = (scm_file *)&file;
    scm_result result = scm_file_access_open(files, SCM_TYPE_BY_ID, "3F00/4401", &file);
    assert_true((result == SCM_S_OK) == (file != NULL));
    return result;
}

/* The position is after the acknowledged bytes, so it is set back. */
static scm_result write_file(void)
{
    static const uint8_t data[300];
    size_t written = 77;
    scm_result result = scm_file_write(file, data, sizeof data, 0, &written);
    assert_in_range(written, result == SCM_S_OK ? 300 : 0, 300);
    assert_result(scm_file_seek(file, -(int64_t)written, SCM_SEEK_RELATIVE), SCM_S_OK);
    return result;
}

static scm_result change_dir(void)
{
    return scm_file_access_change_dir(files, SCM_TYPE_BY_ID, "3F00");
}

static scm_result get_current_dir(void)
{
    size_t length = 77;
    scm_result result = scm_file_access_get_current_dir(files, NULL, 0, &length);
    assert_true((result == SCM_S_OK) == (length > 0));
    return result;
}

static scm_result list_directory(void)
{
    size_t length = 77;
    scm_directory_options options = SCM_DIRECTORY_OPTIONS_INIT;
    options.first_id = 0x4401;
    options.last_id = 0x4409;
    scm_result result = scm_file_access_directory_ex(files, SCM_TYPE_ALL_FILES, &options, NULL, 0, &length);
    assert_int_equal(length, result == SCM_S_OK ? 9 * 5 + 1 : 0);
    return result;
}

static scm_result create_file(void)
{
    return scm_file_access_create(files, SCM_TYPE_BY_ID, "4402", (const uint8_t *)"\x80\x01\x09", 3, 0, NULL, 0);
}

/* This card responds to everything with a success, so only the MF is surely a directory. */
static void files_run_out_of_memory(void **state)
{
    (void)state;
    assert_result(attach_by_ifd(), SCM_S_OK);
    assert_true(for_every_allocation_under_locks(send, 1) >= 1);
    assert_true(for_every_allocation(make_file_access) >= 1);
    assert_true(for_every_allocation_under_locks(open_file, 2) >= 1);
    assert_true(for_every_allocation_under_locks(write_file, 1) >= 1);
    assert_true(for_every_allocation_under_locks(change_dir, 1) >= 1);
    assert_true(for_every_allocation_under_locks(get_current_dir, 1) >= 1);
    assert_true(for_every_allocation_under_locks(list_directory, 1) >= 1);
    assert_true(for_every_allocation_under_locks(create_file, 1) >= 1);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_file_close(file), SCM_E_HANDLE);
}

static int objects, ended;

static scm_result create_object(void *user_data, scm_handle *attachment, void *caller_user_data, void **object)
{
    (void)user_data, (void)attachment, (void)caller_user_data, (void)object;
    objects++;
    return SCM_S_OK;
}

static void release_object(void *object)
{
    (void)object;
    objects--;
}

static void end_provider(void *user_data)
{
    (void)user_data;
    ended++;
}

static const scm_card_auth_functions no_functions = SCM_CARD_AUTH_FUNCTIONS_INIT;
static scm_provider provider = SCM_PROVIDER_INIT;

static scm_result register_it(void)
{
    return scm_register_card_auth_provider(&provider, &no_functions);
}

static void *object;

static scm_result create_interface(void)
{
    return scm_create_interface(handle, NULL, "CardAuth", NULL, &object);
}

/* An object that a provider created is released if nobody gets it. */
static void providers_run_out_of_memory(void **state)
{
    (void)state;
    provider.name = "CardAuth";
    provider.create_object = create_object;
    provider.release_object = release_object;
    provider.release_user_data = end_provider;
    assert_result(attach_by_ifd(), SCM_S_OK);
    assert_true(for_every_allocation(create_interface) >= 1);
    assert_result(scm_card_auth_release(object), SCM_S_OK);
    assert_true(for_every_allocation(register_it) >= 1);
    assert_true(for_every_allocation(create_interface) >= 2);
    assert_int_equal(objects, 1);
    assert_int_equal(ended, 0);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_int_equal(objects, 0);
    assert_result(scm_unregister_provider(&provider), SCM_S_OK);
    assert_int_equal(ended, 1);
}

static scm_result transmit(void)
{
    uint8_t response[16];
    size_t length = 77;
    const uint8_t *command = (const uint8_t *)"\x00\xA4\x00\x00";
    scm_result result = scm_transmit(handle, command, 4, response, sizeof response, &length);
    assert_int_equal(length, result == SCM_S_OK ? 2 : 0);
    return result;
}

/* The memory for the response comes before the command is sent. */
static void first_exchanges_run_out_of_memory(void **state)
{
    (void)state;
    scm_handle *attached[3];
    for (int i = 0; i < 3; i++) {
        assert_result(attach_by_ifd(), SCM_S_OK);
        attached[i] = handle;
        int before = exchanges;
        assert_true(for_every_allocation(transmit) >= 1);
        assert_int_equal(exchanges - before, bed_is_virtual() ? 1 : 0);
        assert_int_equal(for_every_allocation(transmit), 0);
    }
    for (int i = 0; i < 3; i++) {
        handle = attached[i];
        assert_int_equal(for_every_allocation(transmit), 0);
        assert_result(scm_detach(handle), SCM_S_OK);
    }
}

static scm_result reconnect(void)
{
    return scm_reconnect(handle);
}

/* On pcscd a reconnect may wait for another application. Then it needs a thread, so that a cancel can end it. */
static void reconnects_run_out_of_memory(void **state)
{
    (void)state;
    assert_result(attach_by_ifd(), SCM_S_OK);
    int needed = for_every_allocation(reconnect);
    assert_true(!bed_is_virtual() || needed == 0);
    assert_result(transmit(), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void calls_without_allocations_do_not_allocate(void **state)
{
    (void)state;
    uint8_t response[16];
    size_t length;
    uint32_t card_state, protocol;
    assert_result(attach_by_ifd(), SCM_S_OK);
    assert_result(transmit(), SCM_S_OK);
    failing = 0;
    scm_result results[] = {
        scm_transmit(handle, (const uint8_t *)"\x00\xA4\x00\x00", 4, response, sizeof response, &length),
        scm_status(handle, &card_state, &protocol),
        scm_detach(handle),
    };
    int untouched = failing == 0;
    failing = -1;
    assert_true(untouched);
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        assert_result(results[i], SCM_S_OK);
}

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(virtual_readers_run_out_of_memory),
        cmocka_unit_test(attach_runs_out_of_memory),
        cmocka_unit_test(the_handle_table_grows_or_says_that_it_cannot),
        cmocka_unit_test(lists_run_out_of_memory),
        cmocka_unit_test(limits_run_out_of_memory),
        cmocka_unit_test(commands_run_out_of_memory),
        cmocka_unit_test(codes_and_keys_run_out_of_memory),
        cmocka_unit_test(monitors_run_out_of_memory),
        cmocka_unit_test(files_run_out_of_memory),
        cmocka_unit_test(providers_run_out_of_memory),
        cmocka_unit_test(first_exchanges_run_out_of_memory),
        cmocka_unit_test(reconnects_run_out_of_memory),
        cmocka_unit_test(calls_without_allocations_do_not_allocate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

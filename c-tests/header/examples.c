/* Runs the examples of the headers, as they are. extract.sh writes them to files. */
#define main first_program
#include "header_examples/first_program.c"
#undef main

#include "header_examples/scm_attachments.c"
#include "header_examples/scm_authentication.c"
#include "header_examples/scm_codes.c"
#include "header_examples/scm_commands.c"
#include "header_examples/scm_events.c"
#include "header_examples/scm_exchange.c"
#include "header_examples/scm_files.c"
#include "header_examples/scm_interfaces.c"
#include "header_examples/scm_locks.c"
#include "header_examples/scm_providers.c"
#include "header_examples/scm_readers.c"
#include "header_examples/scm_reconnection.c"
#include "header_examples/scm_results.c"
#include "header_examples/scm_test_card.c"
#include "header_examples/scm_virtual.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

#include "scm_card.h"

#define READER "Reader of the examples"

/* The codes and keys of the default card (crates/card/profiles/default.toml). */
static const uint8_t EXTERNAL_KEY[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const uint8_t INTERNAL_KEY[16] = {16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

static scm_virtual_ifd *ifd;
static scm_card *iso_card;
static scm_virtual_card plug;
static scm_handle *card;

static int begin(void **state)
{
    (void)state;
    plug = (scm_virtual_card)SCM_VIRTUAL_CARD_INIT;
    return scm_card_create(NULL, &iso_card) != SCM_S_OK || scm_card_plug(iso_card, &plug) != SCM_S_OK ||
           scm_virtual_ifd_create(READER, NULL, &ifd) != SCM_S_OK ||
           scm_virtual_ifd_insert(ifd, &plug) != SCM_S_OK || scm_attach_by_ifd(READER, &card) != SCM_S_OK;
}

static int end(void **state)
{
    (void)state;
    scm_detach(card);
    scm_virtual_ifd_destroy(ifd);
    return scm_card_destroy(iso_card) != SCM_S_OK;
}

static void results(void **state)
{
    (void)state;
    assert_false(has_failed(SCM_S_OK));
    assert_false(has_failed(SCM_S_FALSE));
    assert_true(has_failed(SCM_E_FAIL));
    assert_true(library_is_usable());
}

static void readers(void **state)
{
    (void)state;
    assert_int_equal(print_readers(), SCM_S_OK);
}

static void attachments(void **state)
{
    (void)state;
    scm_handle *exclusive;
    assert_int_equal(scm_detach(card), SCM_S_OK);
    assert_int_equal(attach_exclusively(READER, &exclusive), SCM_S_OK);
    assert_int_equal(scm_attach_by_ifd(READER, &card), SCM_SCARD_E_SHARING_VIOLATION);
    assert_int_equal(scm_detach(exclusive), SCM_S_OK);
    assert_int_equal(attach_exclusively("No such reader", &exclusive), SCM_SCARD_E_UNKNOWN_READER);
    assert_int_equal(scm_attach_by_ifd(READER, &card), SCM_S_OK);
}

static scm_result contactless(void *user_data, const uint8_t *command, size_t command_length, uint8_t *response,
                              size_t capacity, size_t *response_length)
{
    const uint8_t *status = user_data;
    (void)command_length, (void)capacity;
    assert_int_equal(command[0], 0xFF);
    memcpy(response, "\x04\x11\x22\x33", 4);
    memcpy(response + 4, status, 2);
    *response_length = 6;
    return SCM_S_OK;
}

/* Puts another card into the reader. */
static void change_card(uint8_t *status)
{
    static const uint8_t atr[] = {0x3B, 0x80, 0x80, 0x01, 0x01};
    scm_virtual_card other = SCM_VIRTUAL_CARD_INIT;
    other.atr = atr;
    other.atr_length = sizeof atr;
    other.transmit = contactless;
    other.user_data = status;
    assert_int_equal(scm_virtual_ifd_remove(ifd), SCM_S_OK);
    assert_int_equal(scm_virtual_ifd_insert(ifd, &other), SCM_S_OK);
}

static void exchange(void **state)
{
    (void)state;
    uint8_t uid[10], status[2] = {0x90, 0x00};
    size_t length;
    assert_int_equal(read_uid(card, uid, &length), SCM_E_FAIL); /* a card with contacts */
    assert_int_equal(length, 0);
    change_card(status);
    assert_int_equal(read_uid(card, uid, &length), SCM_SCARD_W_REMOVED_CARD);
    assert_int_equal(scm_reconnect(card), SCM_S_FALSE);
    assert_int_equal(read_uid(card, uid, &length), SCM_S_OK);
    assert_int_equal(length, 4);
    assert_memory_equal(uid, "\x04\x11\x22\x33", 4);
    status[0] = 0x6A;
    assert_int_equal(read_uid(card, uid, &length), SCM_E_FAIL);
}

static void commands(void **state)
{
    (void)state;
    uint8_t fci[256];
    size_t length;
    assert_int_equal(select_application(card, (const uint8_t *)"\xF0scmtest", 8, fci, &length), SCM_S_OK);
    assert_int_equal(fci[0], 0x6F);
    assert_true(length > 2);
    assert_int_equal(select_application(card, (const uint8_t *)"\xF0nobody", 7, fci, &length),
                     SCM_SCARD_E_FILE_NOT_FOUND);
}

static scm_handle *other;

static scm_result others_cannot_lock(scm_handle *handle)
{
    assert_ptr_equal(handle, card);
    assert_int_equal(scm_lock_ex(other, 0), SCM_SCARD_E_TIMEOUT);
    return SCM_SCARD_W_EOF;
}

static void locks(void **state)
{
    (void)state;
    assert_int_equal(scm_attach_by_ifd(READER, &other), SCM_S_OK);
    assert_int_equal(do_alone(card, others_cannot_lock), SCM_SCARD_W_EOF);
    assert_int_equal(scm_lock_ex(other, 0), SCM_S_OK);
    assert_int_equal(scm_detach(other), SCM_S_OK);
}

static int prepared;

static scm_result prepare(scm_handle *handle)
{
    assert_ptr_equal(handle, card);
    prepared++;
    return SCM_S_OK;
}

static void reconnection(void **state)
{
    (void)state;
    uint64_t generation = 0;
    uint8_t status[2] = {0x90, 0x00};
    assert_int_equal(recover(card, &generation, prepare), SCM_S_OK);
    assert_int_equal(prepared, 0);
    assert_int_equal(scm_virtual_ifd_reset(ifd, SCM_DISPOSITION_RESET), SCM_S_OK);
    assert_int_equal(recover(card, &generation, prepare), SCM_S_OK);
    assert_int_equal(prepared, 1);
    assert_true(generation > 0);
    change_card(status);
    assert_int_equal(recover(card, &generation, prepare), SCM_SCARD_W_REMOVED_CARD);
    assert_int_equal(prepared, 1);
}

static void events(void **state)
{
    (void)state;
    char name[SCM_IFD_NAME_MAX + 1];
    assert_int_equal(wait_for_card(name), SCM_S_OK);
    assert_true(name[0] != '\0');
}

static void files(void **state)
{
    (void)state;
    uint8_t data[64];
    size_t length;
    assert_int_equal(read_file(card, "3F00/5015/4401", data, sizeof data, &length), SCM_S_OK);
    assert_true(length >= 5 && memcmp(data, "Hello", 5) == 0);
    assert_int_equal(read_file(card, "3F00/4FFF", data, sizeof data, &length), SCM_SCARD_E_FILE_NOT_FOUND);
    assert_int_equal(length, 0);
}

static void codes(void **state)
{
    (void)state;
    assert_int_equal(verify_pin(card, "0000"), SCM_SCARD_W_WRONG_CHV);
    assert_int_equal(verify_pin(card, "1234"), SCM_S_OK);
}

static void authentication(void **state)
{
    (void)state;
    assert_int_equal(authenticate(card, EXTERNAL_KEY, 1, INTERNAL_KEY, 2), SCM_S_OK);
    assert_int_equal(authenticate(card, INTERNAL_KEY, 1, INTERNAL_KEY, 2), SCM_SCARD_W_SECURITY_VIOLATION);
    assert_int_equal(authenticate(card, EXTERNAL_KEY, 1, EXTERNAL_KEY, 2), SCM_SCARD_W_CARD_NOT_AUTHENTICATED);
}

static void interfaces(void **state)
{
    (void)state;
    scm_provider provider = SCM_PROVIDER_INIT;
    assert_int_equal(look_for_interface(card, "Jukebox"), SCM_E_NOINTERFACE);
    provider.name = "Jukebox";
    provider.create_object = create_object;
    assert_int_equal(scm_register_interface_provider(&provider, &provider), SCM_S_OK);
    assert_int_equal(look_for_interface(card, "Jukebox"), SCM_S_OK);
    assert_int_equal(scm_unregister_provider(&provider), SCM_S_OK);
}

static void providers(void **state)
{
    (void)state;
    scm_ch_verification *made;
    scm_provider provider = SCM_PROVIDER_INIT;
    uint32_t retries_left;
    uint8_t status[2] = {0x90, 0x00};
    assert_int_equal(register_codes(plug.atr, plug.atr_length), SCM_S_OK);
    assert_int_equal(scm_create_ch_verification(card, &made), SCM_S_OK);
    assert_int_equal(scm_ch_verification_verify(made, status, 2, 0, 1, &retries_left), SCM_E_NOTIMPL);
    /* The card does not know the command of the provider. */
    assert_int_equal(scm_ch_verification_reset_security_state(made), SCM_E_FAIL);
    assert_int_equal(scm_ch_verification_release(made), SCM_S_OK);
    provider.atr = plug.atr;
    provider.atr_length = plug.atr_length;
    provider.create_object = create_object;
    assert_int_equal(scm_unregister_provider(&provider), SCM_S_OK);
}

static void virtual_readers(void **state)
{
    (void)state;
    scm_virtual_ifd *made;
    scm_handle *handle;
    uint8_t response[2];
    size_t length;
    assert_int_equal(make_reader_with_card(READER, &made), SCM_SCARD_E_DUPLICATE_READER);
    assert_int_equal(make_reader_with_card("Another reader", &made), SCM_S_OK);
    assert_int_equal(scm_attach_by_ifd("Another reader", &handle), SCM_S_OK);
    assert_int_equal(scm_transmit(handle, (const uint8_t *)"\x00\xA4\x00\x00", 4, response, 2, &length), SCM_S_OK);
    assert_memory_equal(response, "\x90\x00", 2);
    assert_int_equal(scm_detach(handle), SCM_S_OK);
    assert_int_equal(scm_virtual_ifd_destroy(made), SCM_S_OK);
}

static void the_test_card(void **state)
{
    (void)state;
    static const uint8_t select_mf[] = {0x00, 0xA4, 0x00, 0x0C, 0x02, 0x3F, 0x00};
    scm_virtual_ifd *made;
    scm_handle *handle;
    uint8_t response[2];
    size_t length;
    assert_int_equal(scm_virtual_ifd_create("Another reader", NULL, &made), SCM_S_OK);
    assert_int_equal(insert_test_card(made), SCM_S_OK);
    assert_int_equal(scm_attach_by_ifd("Another reader", &handle), SCM_S_OK);
    assert_int_equal(scm_transmit(handle, select_mf, sizeof select_mf, response, 2, &length), SCM_S_OK);
    assert_memory_equal(response, "\x90\x00", 2);
    assert_int_equal(scm_detach(handle), SCM_S_OK);
    assert_int_equal(scm_virtual_ifd_destroy(made), SCM_S_OK);
}

static void the_first_program(void **state)
{
    (void)state;
    assert_int_equal(first_program(), 0);
}

int main(void)
{
#define RUN(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        RUN(results),        RUN(readers),      RUN(attachments), RUN(exchange),        RUN(commands),
        RUN(locks),          RUN(reconnection), RUN(events),      RUN(files),           RUN(codes),
        RUN(authentication), RUN(interfaces),   RUN(providers),   RUN(virtual_readers), RUN(the_test_card),
        RUN(the_first_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What can be known: status, ATR, names, handles, the lists of readers. */
#include "support/check.h"
#include "scm_virtual.h"

#include <PCSC/winscard.h>

#define CARD 0
#define EMPTY 1
#define ATR_HEX "3B80800101"
static const uint8_t ATR[] = {0x3B, 0x80, 0x80, 0x01, 0x01};

static void status_tells_state_and_protocol(void **state)
{
    (void)state;
    uint32_t card_state = 77, protocol = 77;
    scm_handle *handle = attach(CARD);
    assert_result(scm_status(handle, &card_state, &protocol), SCM_S_OK);
    assert_in_range(card_state, SCM_STATE_NEGOTIABLEMODE, SCM_STATE_SPECIFICMODE);
    assert_int_equal(protocol, SCM_PROTOCOL_T1);
    assert_result(scm_status(handle, NULL, &protocol), SCM_E_POINTER);
    assert_int_equal(protocol, 0);
    card_state = 77;
    assert_result(scm_status(handle, &card_state, NULL), SCM_E_POINTER);
    assert_int_equal(card_state, 0);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void an_absent_card_is_a_state(void **state)
{
    (void)state;
    uint32_t card_state = 77, protocol = 77;
    scm_handle *handle = attach(CARD);
    bed("remove %d", CARD);
    assert_result(scm_status(handle, &card_state, &protocol), SCM_S_OK);
    assert_int_equal(card_state, SCM_STATE_ABSENT);
    assert_int_equal(protocol, 0);
    assert_int_equal(generation(handle), 1);
    bed("insert %d steerable %s", CARD, ATR_HEX);
    assert_result(scm_status(handle, &card_state, &protocol), SCM_S_OK);
    assert_int_equal(card_state, SCM_STATE_ABSENT);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_result(scm_status(handle, &card_state, &protocol), SCM_S_OK);
    assert_in_range(card_state, SCM_STATE_NEGOTIABLEMODE, SCM_STATE_SPECIFICMODE);
    assert_int_equal(protocol, SCM_PROTOCOL_T1);
    assert_int_equal(generation(handle), 1);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void a_reset_card_is_told_by_status(void **state)
{
    (void)state;
    uint32_t card_state = 77, protocol = 77;
    scm_handle *handle = attach(CARD);
    bed("reset %d warm", CARD);
    assert_result(scm_status(handle, &card_state, &protocol), SCM_SCARD_W_RESET_CARD);
    assert_true(card_state == 0 && protocol == 0);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void the_atr_is_the_cards(void **state)
{
    (void)state;
    uint8_t atr[SCM_ATR_MAX];
    size_t length = 77;
    scm_handle *handle = attach(CARD);
    assert_result(scm_get_atr(handle, NULL, 0, &length), SCM_S_OK);
    assert_int_equal(length, sizeof ATR);
    assert_result(scm_get_atr(handle, atr, sizeof ATR - 1, &length), SCM_SCARD_E_INSUFFICIENT_BUFFER);
    assert_int_equal(length, sizeof ATR);
    assert_result(scm_get_atr(handle, atr, sizeof atr, &length), SCM_S_OK);
    assert_int_equal(length, sizeof ATR);
    assert_memory_equal(atr, ATR, sizeof ATR);
    assert_result(scm_get_atr(handle, atr, sizeof atr, NULL), SCM_E_POINTER);
    assert_result(scm_get_atr(handle, NULL, sizeof atr, &length), SCM_E_POINTER);
    assert_int_equal(length, 0);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void the_name_is_the_readers(void **state)
{
    (void)state;
    char name[SCM_IFD_NAME_MAX + 1];
    size_t length = 77, needed = strlen(bed_ifd(CARD)) + 1;
    scm_handle *handle = attach(CARD);
    assert_result(scm_get_ifd_name(handle, NULL, 0, &length), SCM_S_OK);
    assert_int_equal(length, needed);
    assert_result(scm_get_ifd_name(handle, name, needed - 1, &length), SCM_SCARD_E_INSUFFICIENT_BUFFER);
    assert_int_equal(length, needed);
    assert_result(scm_get_ifd_name(handle, name, sizeof name, &length), SCM_S_OK);
    assert_int_equal(length, needed);
    assert_string_equal(name, bed_ifd(CARD));
    assert_result(scm_get_ifd_name(handle, name, sizeof name, NULL), SCM_E_POINTER);
    assert_result(scm_get_ifd_name(handle, NULL, 1, &length), SCM_E_POINTER);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void the_handles_can_be_handed_on(void **state)
{
    (void)state;
    uintptr_t icc, context;
    DWORD card_state, protocol;
    scm_handle *handle = attach(CARD), *again;
    assert_result(scm_get_icc(handle, &icc), SCM_S_OK);
    assert_result(scm_get_context(handle, &context), SCM_S_OK);
    assert_true(icc != 0 && context != 0);
    assert_result(scm_attach_by_handle(icc, &again), SCM_S_OK);
    assert_result(scm_detach(again), SCM_S_OK);
    if (handles_are_those_of_pcsc()) {
        assert_int_equal(SCardStatus((SCARDHANDLE)icc, NULL, NULL, &card_state, &protocol, NULL, NULL),
                         SCARD_S_SUCCESS);
        assert_int_equal(SCardIsValidContext((SCARDCONTEXT)context), SCARD_S_SUCCESS);
    }
    assert_result(scm_get_icc(handle, NULL), SCM_E_POINTER);
    assert_result(scm_get_context(handle, NULL), SCM_E_POINTER);
    assert_result(scm_get_generation(handle, NULL), SCM_E_POINTER);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_attach_by_handle(icc, &again), SCM_E_INVALIDARG);
    if (handles_are_those_of_pcsc())
        assert_int_equal(SCardIsValidContext((SCARDCONTEXT)context), (LONG)SCARD_E_INVALID_HANDLE);
}

/* Whether a multi-string of this length is well formed and has this name in it. */
static int lists(const char *names, size_t length, const char *name)
{
    int found = 0;
    size_t at = 0;
    while (at < length && names[at] != '\0') {
        found |= strcmp(names + at, name) == 0;
        at += strlen(names + at) + 1;
    }
    assert_int_equal(at + 1, length);
    return found;
}

static void readers_are_listed(void **state)
{
    (void)state;
    char names[4096];
    size_t length = 77, needed = 77;
    assert_result(scm_list_ifds(NULL, 0, &needed), SCM_S_OK);
    assert_result(scm_list_ifds(names, needed - 1, &length), SCM_SCARD_E_INSUFFICIENT_BUFFER);
    assert_int_equal(length, needed);
    assert_result(scm_list_ifds(names, sizeof names, &length), SCM_S_OK);
    assert_int_equal(length, needed);
    assert_true(lists(names, length, bed_ifd(CARD)));
    assert_true(lists(names, length, bed_ifd(EMPTY)));
    assert_false(lists(names, length, "No such reader"));
    assert_result(scm_list_ifds(names, sizeof names, NULL), SCM_E_POINTER);
    assert_result(scm_list_ifds(NULL, 1, &length), SCM_E_POINTER);
    assert_int_equal(length, 0);
}

static void groups_are_listed(void **state)
{
    (void)state;
    char names[4096];
    size_t length = 77;
    assert_result(scm_list_ifd_groups(names, sizeof names, &length), SCM_S_OK);
    assert_true(lists(names, length, "SCard$DefaultReaders"));
    assert_result(scm_list_ifd_groups(names, 1, &length), SCM_SCARD_E_INSUFFICIENT_BUFFER);
    assert_result(scm_list_ifd_groups(names, sizeof names, NULL), SCM_E_POINTER);
    assert_result(scm_list_ifd_groups(NULL, 1, &length), SCM_E_POINTER);
}

static void without_a_service_there_is_no_reader(void **state)
{
    (void)state;
    char names[64];
    size_t length = 77;
    scm_handle *handle = (scm_handle *)&handle;
    bed("daemon stop");
    assert_result(scm_list_ifds(names, sizeof names, &length), SCM_SCARD_S_NO_SERVICE);
    assert_true(SCM_SUCCEEDED(SCM_SCARD_S_NO_SERVICE));
    assert_int_equal(length, 1); /* an empty list */
    assert_int_equal(names[0], '\0');
    length = 77;
    assert_result(scm_list_ifds(NULL, 0, &length), SCM_SCARD_S_NO_SERVICE);
    assert_int_equal(length, 1);
    length = 77;
    assert_result(scm_list_ifd_groups(names, sizeof names, &length), SCM_SCARD_S_NO_SERVICE);
    assert_int_equal(length, 1);
    /* An error of the call comes before one of the reader. */
    assert_result(scm_list_ifds(names, 0, &length), SCM_SCARD_E_INSUFFICIENT_BUFFER);
    assert_int_equal(length, 1);
    assert_result(scm_attach_by_ifd(bed_ifd(CARD), &handle), SCM_SCARD_E_NO_SERVICE);
    assert_null(handle);
    /* Whether a reader has this name, nobody knows. */
    assert_result(scm_attach_by_ifd("No such reader", &handle), SCM_SCARD_E_NO_SERVICE);
    if (!bed_is_virtual()) {
        /* Virtual readers are then all that there is, so that a typo can be told from a daemon that is not there. */
        scm_virtual_ifd *reader;
        scm_attach_options direct = SCM_ATTACH_OPTIONS_INIT;
        direct.share_mode = SCM_SHARE_DIRECT;
        assert_result(scm_virtual_ifd_create("Beside", NULL, &reader), SCM_S_OK);
        assert_result(scm_attach_by_ifd("Besides", &handle), SCM_SCARD_E_UNKNOWN_READER);
        assert_null(handle);
        assert_result(scm_attach_by_ifd_ex("Besides", &direct, &handle), SCM_SCARD_E_UNKNOWN_READER);
        assert_result(scm_attach_by_ifd("Beside", &handle), SCM_SCARD_E_NO_SMARTCARD);
        assert_result(scm_list_ifds(names, sizeof names, &length), SCM_S_OK);
        assert_string_equal(names, "Beside");
        assert_result(scm_list_ifd_groups(names, sizeof names, &length), SCM_S_OK);
        /* Without its service it is no reader either. */
        assert_result(scm_virtual_service_stop(), SCM_S_OK);
        assert_result(scm_attach_by_ifd("Besides", &handle), SCM_SCARD_E_NO_SERVICE);
        assert_result(scm_attach_by_ifd("Beside", &handle), SCM_SCARD_E_NO_SERVICE);
        assert_result(scm_list_ifds(names, sizeof names, &length), SCM_SCARD_S_NO_SERVICE);
        assert_result(scm_virtual_service_start(), SCM_S_OK);
        assert_result(scm_virtual_ifd_destroy(reader), SCM_S_OK);
        assert_result(scm_attach_by_ifd("Beside", &handle), SCM_SCARD_E_NO_SERVICE);
    }
    bed("daemon start");
    assert_result(scm_attach_by_ifd("No such reader", &handle), SCM_SCARD_E_UNKNOWN_READER);
    assert_result(scm_list_ifds(names, 1, &length), SCM_SCARD_E_INSUFFICIENT_BUFFER);
    assert_result(scm_list_ifds(NULL, 0, &length), SCM_S_OK);
}

/* An attachment knows that its reader exists, whatever stands beside it. */
static void a_reader_that_was_there_is_no_typo(void **state)
{
    (void)state;
    scm_virtual_ifd *reader;
    scm_handle *handle = attach(CARD);
    assert_result(scm_virtual_ifd_create("Beside", NULL, &reader), SCM_S_OK);
    bed("daemon stop");
    assert_result(scm_reconnect(handle), SCM_SCARD_E_NO_SERVICE);
    bed("daemon start");
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_result(scm_virtual_ifd_destroy(reader), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static int insert(void **state)
{
    (void)state;
    bed("insert %d steerable %s", CARD, ATR_HEX);
    return 0;
}

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    bed_ifd(CARD);
    bed_ifd(EMPTY);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_tells_state_and_protocol),
        cmocka_unit_test(an_absent_card_is_a_state),
        cmocka_unit_test(a_reset_card_is_told_by_status),
        cmocka_unit_test(the_atr_is_the_cards),
        cmocka_unit_test(the_name_is_the_readers),
        cmocka_unit_test(the_handles_can_be_handed_on),
        cmocka_unit_test(readers_are_listed),
        cmocka_unit_test(groups_are_listed),
        cmocka_unit_test(without_a_service_there_is_no_reader),
        cmocka_unit_test(a_reader_that_was_there_is_no_typo),
    };
    return cmocka_run_group_tests(tests, insert, NULL);
}

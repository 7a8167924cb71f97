/* The faults of a first day with cards, as users meet them who do not know the cause. The last error names the cause
 * and the remedy of each. test_late_service.c has a refusal by polkit, which needs a double of PC/SC. */
#include "support/check.h"
#include "scm_virtual.h"

#include <pthread.h>

#define CARD 0
#define EMPTY 1
#define CODES 2

static scm_last_error error;

/* Checks the last error: its function, its argument, and words of its reason and its advice. */
static void assert_told(const char *function, const char *argument, const char *why, const char *advice)
{
    error = (scm_last_error)SCM_LAST_ERROR_INIT;
    assert_result(scm_get_last_error(&error), SCM_S_OK);
    print_message("%s\n    %s\n    %s\n", error.what, error.why, error.advice);
    assert_string_equal(error.function, function);
    assert_string_equal(error.argument, argument);
    if (why != NULL && strstr(error.why, why) == NULL)
        fail_msg("why: %s", error.why);
    if (strstr(error.advice, advice) == NULL)
        fail_msg("advice: %s", error.advice);
    assert_non_null(strstr(error.what, function));
    assert_non_null(strstr(error.what, scm_result_name(error.result)));
}

/* The call of PC/SC is told where there is one. */
static void assert_told_by_pcsc(const char *function, const char *of_pcsc, uint32_t code, const char *advice)
{
    char why[64];
    snprintf(why, sizeof why, "%s returned 0x%08X.", of_pcsc, (unsigned)code);
    assert_told(function, "", bed_is_virtual() ? NULL : why, advice);
    assert_string_equal(error.pcsc_function, bed_is_virtual() ? "" : of_pcsc);
    assert_int_equal(error.pcsc_code, bed_is_virtual() ? 0 : code);
}

static void a_missing_service(void **state)
{
    (void)state;
    scm_handle *handle, *before = attach(CARD);
    bed("daemon stop");
    assert_result(echo(before), SCM_SCARD_E_NO_SERVICE);
    assert_told("scm_transmit", "", "",
                bed_is_virtual() ? "scm_virtual_service_start" : "systemctl start pcscd.socket");
    if (!bed_is_virtual()) {
        assert_result(scm_attach_by_ifd(bed_ifd(CARD), &handle), SCM_SCARD_E_NO_SERVICE);
        assert_told_by_pcsc("scm_attach_by_ifd", "SCardEstablishContext", 0x8010001D, "systemctl start pcscd.socket");
    }
    bed("daemon start");
    assert_result(scm_reconnect(before), SCM_S_OK);
    assert_result(scm_detach(before), SCM_S_OK);
}

static void a_wrong_name(void **state)
{
    (void)state;
    scm_handle *handle;
    char cut[256];
    snprintf(cut, sizeof cut, "%.*s", (int)strlen(bed_ifd(CARD)) - 1, bed_ifd(CARD));
    assert_result(scm_attach_by_ifd(cut, &handle), SCM_SCARD_E_UNKNOWN_READER);
    assert_told("scm_attach_by_ifd", "", NULL, "scm_list_ifds");
    assert_result(scm_attach_by_ifd("", &handle), SCM_E_INVALIDARG);
    assert_told("scm_attach_by_ifd", "ifd_name", "ifd_name is empty", "header");
}

static void no_card(void **state)
{
    (void)state;
    scm_handle *handle;
    assert_result(scm_attach_by_ifd(bed_ifd(EMPTY), &handle), SCM_SCARD_E_NO_SMARTCARD);
    assert_told_by_pcsc("scm_attach_by_ifd", "SCardConnect", 0x8010000C, "Put a card into the reader");
}

static void a_mute_card(void **state)
{
    (void)state;
    scm_handle *handle, *before = attach(CARD);
    bed("card %d mute", CARD);
    bed("reset %d cold", CARD);
    assert_result(scm_attach_by_ifd(bed_ifd(CARD), &handle), SCM_SCARD_W_UNRESPONSIVE_CARD);
    if (bed_is_virtual())
        assert_told("scm_attach_by_ifd", "", "The callback power of the virtual card has failed.", "mute");
    else
        assert_told("scm_attach_by_ifd", "", " returned 0x80100066.", "clean its contacts");
    bed("card %d unmute", CARD);
    assert_result(scm_reconnect(before), SCM_S_OK);
    assert_result(scm_detach(before), SCM_S_OK);
}

static void another_program_holds_the_reader(void **state)
{
    (void)state;
    scm_handle *handle;
    scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
    bed("hold %d exclusive", CARD);
    assert_result(scm_attach_by_ifd(bed_ifd(CARD), &handle), SCM_SCARD_E_SHARING_VIOLATION);
    assert_told_by_pcsc("scm_attach_by_ifd", "SCardConnect", 0x8010000B, "Another program uses the card exclusively");
    bed("release %d leave", CARD);
    bed("hold %d shared", CARD);
    options.share_mode = SCM_SHARE_EXCLUSIVE;
    assert_result(scm_attach_by_ifd_ex(bed_ifd(CARD), &options, &handle), SCM_SCARD_E_SHARING_VIOLATION);
    assert_told("scm_attach_by_ifd_ex", "", NULL, "end that program");
    bed("release %d leave", CARD);
}

static void a_missing_callback(void **state)
{
    (void)state;
    static const uint8_t atr[] = {0x3B, 0x80, 0x80, 0x01, 0x01};
    scm_virtual_ifd *ifd;
    scm_virtual_card card = SCM_VIRTUAL_CARD_INIT;
    card.atr = atr, card.atr_length = sizeof atr;
    assert_result(scm_virtual_ifd_create("First day", NULL, &ifd), SCM_S_OK);
    assert_result(scm_virtual_ifd_insert(ifd, &card), SCM_E_INVALIDARG);
    assert_told("scm_virtual_ifd_insert", "card.transmit", "card.transmit is NULL: a function is required.", "header");
    assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
}

static void a_forgotten_struct_size(void **state)
{
    (void)state;
    scm_handle *handle;
    scm_attach_options options = {0};
    options.share_mode = SCM_SHARE_SHARED;
    assert_result(scm_attach_by_ifd_ex(bed_ifd(CARD), &options, &handle), SCM_E_INVALIDARG);
    assert_told("scm_attach_by_ifd_ex", "options.struct_size", "is 0, or not the size of any version", "_INIT macro");
}

static void a_wrong_code(void **state)
{
    (void)state;
    scm_ch_verification *codes;
    uint32_t left;
    scm_handle *handle = attach(CODES);
    scm_ch_verification_options options = SCM_CH_VERIFICATION_OPTIONS_INIT;
    options.block_length = 8;
    assert_result(scm_create_ch_verification_ex(handle, &options, &codes), SCM_S_OK);
    assert_result(scm_ch_verification_verify(codes, (const uint8_t *)"9999", 4, 0, 1, &left), SCM_SCARD_W_WRONG_CHV);
    assert_told("scm_ch_verification_verify", "", "The card answered 63 C2.", "how many tries are left");
    assert_int_equal(error.status_word, 0x63C2);
    assert_int_equal(error.pcsc_code, 0);
    assert_true(left > 0 && left != SCM_RETRIES_UNKNOWN);
    assert_result(scm_detach(handle), SCM_S_OK);
}

/* A refusal by the card is told by its status word, and is not taken for one of polkit. */
static void a_refusal_by_the_card(void **state)
{
    (void)state;
    scm_file_access *files;
    scm_file *file;
    uint8_t data[16];
    size_t length;
    uint16_t status_word;
    scm_handle *handle = attach(CODES);
    assert_result(scm_create_file_access(handle, &files), SCM_S_OK);
    assert_result(scm_file_access_open(files, SCM_TYPE_BY_ANY, "3F00/7777", &file), SCM_SCARD_E_FILE_NOT_FOUND);
    assert_told("scm_file_access_open", "", "The card answered 6A 82.", "Look which files the card has.");
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ANY, "3F00/7777"), SCM_SCARD_E_DIR_NOT_FOUND);
    assert_told("scm_file_access_change_dir", "", "The card answered 6A 82.", "Look which files the card has.");
    assert_result(scm_file_access_open(files, SCM_TYPE_BY_ANY, "3F00/5016/4501", &file), SCM_S_OK);
    assert_result(scm_file_read(file, data, sizeof data, &length, 0), SCM_SCARD_W_SECURITY_VIOLATION);
    assert_told("scm_file_read", "", "The card answered 69 82.", "Verify the code");
    assert_null(strstr(error.advice, "polkit"));
    assert_int_equal(error.status_word, 0x6982);
    scm_command command = SCM_COMMAND_INIT;
    command.ins = 0xB0, command.p1 = 0x9F, command.expected = 1;
    assert_true(SCM_FAILED(scm_send(handle, &command, data, sizeof data, &length, &status_word)));
    assert_told("scm_send", "", "The card answered ", "");
    assert_int_equal(error.status_word, status_word);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void a_pulled_card(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    bed("remove %d", CARD);
    assert_result(echo(handle), SCM_SCARD_W_REMOVED_CARD);
    assert_told("scm_transmit", "", bed_is_virtual() ? NULL : "returned 0x", "Put the card in again");
    bed("insert %d steerable", CARD);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void a_planned_failure_is_told(void **state)
{
    (void)state;
    scm_virtual_ifd *ifd;
    scm_handle *handle;
    assert_result(scm_virtual_ifd_create("First day", NULL, &ifd), SCM_S_OK);
    assert_result(scm_virtual_ifd_fail(ifd, SCM_VIRTUAL_CONNECT, SCM_SCARD_E_NO_SERVICE, 0, 1), SCM_S_OK);
    assert_true(SCM_FAILED(scm_attach_by_ifd("First day", &handle)));
    assert_told("scm_attach_by_ifd", "", "scm_virtual_ifd_fail has planned this failure.", "Start the service");
    assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
}

static void *fail_elsewhere(void *argument)
{
    assert_result(scm_lock(NULL), SCM_E_HANDLE);
    return argument;
}

/* Another thread has its own failures, and a success does not end one. */
static void a_failure_belongs_to_its_thread(void **state)
{
    (void)state;
    pthread_t thread;
    assert_result(scm_attach_by_ifd("No such reader", &(scm_handle *){NULL}), SCM_SCARD_E_UNKNOWN_READER);
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_result(scm_detach(attach(CARD)), SCM_S_OK);
    assert_told("scm_attach_by_ifd", "", NULL, "scm_list_ifds");
}

static int insert_cards(void **state)
{
    insert_card(state);
    bed("insert %d scm", CODES);
    return 0;
}

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_service),
        cmocka_unit_test(a_wrong_name),
        cmocka_unit_test(no_card),
        cmocka_unit_test(a_mute_card),
        cmocka_unit_test(another_program_holds_the_reader),
        cmocka_unit_test(a_missing_callback),
        cmocka_unit_test(a_forgotten_struct_size),
        cmocka_unit_test(a_wrong_code),
        cmocka_unit_test(a_refusal_by_the_card),
        cmocka_unit_test(a_pulled_card),
        cmocka_unit_test(a_planned_failure_is_told),
        cmocka_unit_test(a_failure_belongs_to_its_thread),
    };
    return cmocka_run_group_tests(tests, insert_cards, NULL);
}

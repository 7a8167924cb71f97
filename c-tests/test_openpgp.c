/* A card of another project: the OpenPGP card of the crate opcard (OpenPGP Smart Card Application 3.4). */
#include "support/check.h"

#define CARD 0

static const uint8_t AID[] = {0xD2, 0x76, 0x00, 0x01, 0x24, 0x01};
static scm_handle *card;
static uint8_t response[SCM_RESPONSE_MAX];

/* Sends a command, and returns the length of the data before the status word, which must be `sw`. */
static size_t send(const char *command, size_t length, uint16_t sw)
{
    size_t received = 77;
    assert_result(scm_transmit(card, (const uint8_t *)command, length, response, sizeof response, &received), SCM_S_OK);
    assert_in_range(received, 2, sizeof response);
    assert_int_equal(response[received - 2] << 8 | response[received - 1], sw);
    return received - 2;
}

static void the_application_is_selected_by_its_name(void **state)
{
    (void)state;
    send("\x00\xA4\x04\x00\x06\xD2\x76\x00\x01\x24\x01\x00", 12, 0x9000);
}

static void data_objects_are_read(void **state)
{
    (void)state;
    /* 4F: the full application identifier, 16 bytes that begin with the AID (4.2.1). */
    assert_int_equal(send("\x00\xCA\x00\x4F\x00", 5, 0x9000), 16);
    assert_memory_equal(response, AID, sizeof AID);
    /* C4: the password status; three tries each for PW1 and PW3 (4.4.1). */
    assert_int_equal(send("\x00\xCA\x00\xC4\x00", 5, 0x9000), 7);
    assert_int_equal(response[4], 3);
    assert_int_equal(response[6], 3);
    /* The card reports a missing object, and the exchange succeeds. */
    assert_int_equal(send("\x00\xCA\x12\x34\x00", 5, 0x6A88), 0);
    /* 6E: application related data, with an extended Le in one response. */
    size_t length = send("\x00\xCA\x00\x6E\x00\x00\x00", 7, 0x9000);
    assert_in_range(length, 100, 4096);
    assert_int_equal(response[0], 0x4F);
}

/* scm_send: the same card, without APDUs. */
static scm_result send_command(scm_command *command, size_t *length, uint16_t *word)
{
    return scm_send(card, command, response, sizeof response, length, word);
}

static void commands_take_all_their_exchanges(void **state)
{
    (void)state;
    static uint8_t whole[4096];
    size_t length, long_length;
    uint16_t word;
    scm_command select = SCM_COMMAND_INIT, get = SCM_COMMAND_INIT, verify = SCM_COMMAND_INIT;
    select.ins = 0xA4;
    select.p1 = 0x04;
    select.data = AID;
    select.data_length = sizeof AID;
    select.expected = 256;
    assert_result(send_command(&select, &length, &word), SCM_S_OK);
    assert_int_equal(word, 0x9000);

    /* 6E, application related data: one short response, in one piece, and in parts. */
    get.ins = 0xCA;
    get.p2 = 0x6E;
    get.expected = SCM_EXPECTED_MAX;
    assert_result(send_command(&get, &long_length, &word), SCM_S_OK);
    assert_int_equal(word, 0x9000);
    assert_in_range(long_length, 100, sizeof whole);
    memcpy(whole, response, long_length);
    scm_card_capabilities capabilities = SCM_CARD_CAPABILITIES_INIT;
    for (capabilities.flags = 0; capabilities.flags <= (SCM_CARD_CHAINING | SCM_CARD_EXTENDED); capabilities.flags++) {
        assert_result(scm_set_card_capabilities(card, &capabilities), SCM_S_OK);
        assert_result(send_command(&get, &length, &word), SCM_S_OK);
        assert_int_equal(word, 0x9000);
        assert_int_equal(length, long_length);
        assert_memory_equal(response, whole, length);
    }
    assert_result(scm_set_card_capabilities(card, NULL), SCM_S_OK);

    get.p1 = 0x12;
    get.p2 = 0x34;
    assert_result(send_command(&get, &length, &word), SCM_SCARD_E_FILE_NOT_FOUND);
    assert_int_equal(word, 0x6A88);

    verify.ins = 0x20;
    verify.p2 = 0x82;
    verify.data = (const uint8_t *)"123456";
    verify.data_length = 6;
    assert_result(send_command(&verify, &length, &word), SCM_S_OK);
    verify.data = (const uint8_t *)"654321";
    assert_true(SCM_FAILED(send_command(&verify, &length, &word)));
    get.p1 = 0;
    get.p2 = 0xC4;
    assert_result(send_command(&get, &length, &word), SCM_S_OK);
    assert_int_equal(response[4], 2); /* one try, and no more */
    verify.data = (const uint8_t *)"123456";
    assert_result(send_command(&verify, &length, &word), SCM_S_OK);
}

static void capabilities_of_the_card(void **state)
{
    (void)state;
    /* The card knows all of it, and its ATR denies it (73 FF 01 00, of the crate vpicc). */
    scm_card_capabilities capabilities = SCM_CARD_CAPABILITIES_INIT;
    assert_result(scm_get_card_capabilities(card, &capabilities), SCM_S_OK);
    assert_int_equal(capabilities.flags, 0);
    assert_int_equal(capabilities.command_data_max, 255);
    assert_int_equal(capabilities.response_data_max, 256);
}

/* After a reset the card has lost its selection, and says so. */
static void a_reset_is_noticed_and_the_application_selected_again(void **state)
{
    (void)state;
    uint64_t before = generation(card);
    send("\x00\x20\x00\x82\x06\x31\x32\x33\x34\x35\x36", 11, 0x9000); /* VERIFY PW1 */
    bed("reset %d warm", CARD);
    size_t length;
    assert_result(scm_transmit(card, (const uint8_t *)"\x00\xCA\x00\x4F\x00", 5, response, sizeof response, &length),
                  SCM_SCARD_W_RESET_CARD);
    assert_result(scm_reconnect(card), SCM_S_OK);
    assert_int_equal(generation(card), before + 1);
    send("\x00\xA4\x04\x00\x06\xD2\x76\x00\x01\x24\x01\x00", 12, 0x9000);
    assert_int_equal(send("\x00\xCA\x00\x4F\x00", 5, 0x9000), 16);
}

static void the_card_survives_a_restart_of_the_service(void **state)
{
    (void)state;
    bed("daemon restart kill");
    assert_result(scm_reconnect(card), SCM_S_OK);
    send("\x00\xA4\x04\x00\x06\xD2\x76\x00\x01\x24\x01\x00", 12, 0x9000);
    assert_int_equal(send("\x00\xCA\x00\x4F\x00", 5, 0x9000), 16);
}

static int insert(void **state)
{
    (void)state;
    bed("insert %d openpgp", CARD);
    card = attach(CARD);
    return 0;
}

static int detach(void **state)
{
    (void)state;
    return scm_detach(card);
}

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_application_is_selected_by_its_name),
        cmocka_unit_test(data_objects_are_read),
        cmocka_unit_test(commands_take_all_their_exchanges),
        cmocka_unit_test(capabilities_of_the_card),
        cmocka_unit_test(a_reset_is_noticed_and_the_application_selected_again),
        cmocka_unit_test(the_card_survives_a_restart_of_the_service),
    };
    return cmocka_run_group_tests(tests, insert, detach);
}

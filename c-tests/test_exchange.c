/* Exchanges with the card and its reader: transmit, the last response, control, attributes. */
#include "support/check.h"

#include <PCSC/reader.h>
#include <PCSC/winscard.h>

#define CARD 0

/* vpcd carries 65,535 bytes in each direction, which is also the limit of the card. */
#define VPCD_MAX 65535

static scm_handle *card;
static uint8_t command[SCM_COMMAND_MAX + 1], response[SCM_RESPONSE_MAX];

/* 80 EC: the card returns the data of the command. Returns the length of the command. */
static size_t echo_command(size_t data_length)
{
    size_t header = data_length > 255 ? 7 : 5;
    memset(command, 0, header);
    command[0] = 0x80;
    command[1] = 0xEC;
    if (data_length > 255) {
        command[5] = (uint8_t)(data_length >> 8);
        command[6] = (uint8_t)data_length;
    } else {
        command[4] = (uint8_t)data_length;
    }
    for (size_t i = 0; i < data_length; i++)
        command[header + i] = (uint8_t)(i * 7 + data_length);
    return header + data_length;
}

/* 80 CA: the card returns P1P2 bytes. */
static size_t give_command(size_t answer_length)
{
    const uint8_t give[] = {0x80, 0xCA, (uint8_t)(answer_length >> 8), (uint8_t)answer_length};
    memcpy(command, give, sizeof give);
    return sizeof give;
}

static void commands_and_responses_of_every_length(void **state)
{
    (void)state;
    size_t lengths[] = {1, 2, 127, 128, 254, 255, 256, 257, 4096, 32767, 32768, 65000, VPCD_MAX - 7};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t length = 77, sent = echo_command(lengths[i]);
        assert_result(scm_transmit(card, command, sent, response, sizeof response, &length), SCM_S_OK);
        assert_int_equal(length, lengths[i] + 2);
        assert_memory_equal(response, command + sent - lengths[i], lengths[i]);
        assert_memory_equal(response + lengths[i], "\x90\x00", 2);
    }
    size_t length, sent = give_command(VPCD_MAX - 2);
    assert_result(scm_transmit(card, command, sent, response, sizeof response, &length), SCM_S_OK);
    assert_int_equal(length, VPCD_MAX);
    for (size_t i = 0; i < VPCD_MAX - 2; i++)
        assert_int_equal(response[i], i & 0xFF);
}

static void transmit_sends_exactly_its_bytes_once(void **state)
{
    (void)state;
    size_t length;
    bed("card %d clear", CARD);
    /* An unknown instruction: the status word belongs to the card, and the exchange succeeds. */
    const uint8_t unknown[] = {0x00, 0x77, 0x12, 0x34, 0x01, 0xFF, 0x00};
    assert_result(scm_transmit(card, unknown, sizeof unknown, response, sizeof response, &length), SCM_S_OK);
    assert_int_equal(length, 2);
    assert_memory_equal(response, "\x6D\x00", 2);
    /* 61XX asks for GET RESPONSE and 6CXX for a repetition; scm_transmit does neither. */
    bed("card %d answer 00B0 6110", CARD);
    bed("card %d answer 00B2 6C20", CARD);
    assert_result(scm_transmit(card, (const uint8_t *)"\x00\xB0\x00\x00\x00", 5, response, 2, &length), SCM_S_OK);
    assert_memory_equal(response, "\x61\x10", 2);
    assert_result(scm_transmit(card, (const uint8_t *)"\x00\xB2\x01\x04\x00", 5, response, 2, &length), SCM_S_OK);
    assert_memory_equal(response, "\x6C\x20", 2);
    assert_string_equal(bed("card %d log", CARD), "0077123401FF00 00B0000000 00B2010400");
    bed("card %d forget", CARD);
}

static void a_response_that_does_not_fit_is_not_lost(void **state)
{
    (void)state;
    size_t length, sent = echo_command(100);
    bed("card %d clear", CARD);
    for (size_t capacity = 1; capacity <= 101; capacity += 50) {
        memset(response, 0xEE, sizeof response);
        length = 77;
        assert_result(scm_transmit(card, command, sent, response, capacity, &length), SCM_SCARD_E_INSUFFICIENT_BUFFER);
        assert_int_equal(length, 102);
        assert_int_equal(response[0], 0xEE);
    }
    assert_int_equal(bed_count(CARD), 3);

    /* A question for the length, a short buffer, and two deliveries: the card gets no further command. */
    for (int i = 0; i < 2; i++) {
        length = 77;
        assert_result(scm_get_last_response(card, NULL, 0, &length), SCM_S_OK);
        assert_int_equal(length, 102);
        length = 77;
        assert_result(scm_get_last_response(card, response, 101, &length), SCM_SCARD_E_INSUFFICIENT_BUFFER);
        assert_int_equal(length, 102);
        length = 77;
        assert_result(scm_get_last_response(card, response, 102, &length), SCM_S_OK);
        assert_int_equal(length, 102);
        assert_memory_equal(response, command + 5, 100);
    }
    assert_int_equal(bed_count(CARD), 3);
}

static void only_the_length_can_be_asked_for(void **state)
{
    (void)state;
    size_t length = 77, sent = give_command(300);
    bed("card %d clear", CARD);
    assert_result(scm_transmit(card, command, sent, NULL, 0, &length), SCM_S_OK);
    assert_int_equal(length, 302);
    assert_int_equal(bed_count(CARD), 1);
    assert_result(scm_get_last_response(card, response, sizeof response, &length), SCM_S_OK);
    assert_int_equal(length, 302);
    assert_int_equal(response[299], 299 & 0xFF);
}

static void the_response_may_lie_on_the_command(void **state)
{
    (void)state;
    size_t length, sent = echo_command(50);
    memcpy(response, command, sent);
    assert_result(scm_transmit(card, response, sent, response, sizeof response, &length), SCM_S_OK);
    assert_int_equal(length, 52);
    assert_memory_equal(response, command + 5, 50);
}

static void bad_arguments_send_nothing_and_lose_nothing(void **state)
{
    (void)state;
    size_t length, sent = echo_command(3);
    assert_result(scm_transmit(card, command, sent, response, sizeof response, &length), SCM_S_OK);
    bed("card %d clear", CARD);
    length = 77;
    assert_result(scm_transmit(card, NULL, 4, response, sizeof response, &length), SCM_E_INVALIDARG);
    assert_int_equal(length, 0);
    for (size_t wrong = 0; wrong < 4; wrong++)
        assert_result(scm_transmit(card, command, wrong, response, sizeof response, &length), SCM_E_INVALIDARG);
    assert_result(scm_transmit(card, NULL, 0, response, sizeof response, &length), SCM_E_INVALIDARG);
    assert_result(scm_transmit(card, command, SCM_COMMAND_MAX + 1, response, sizeof response, &length),
                  SCM_E_INVALIDARG);
    assert_result(scm_transmit(card, command, SIZE_MAX, response, sizeof response, &length), SCM_E_INVALIDARG);
    assert_result(scm_transmit(card, command, sent, response, sizeof response, NULL), SCM_E_POINTER);
    length = 77;
    assert_result(scm_transmit(card, command, sent, NULL, 1, &length), SCM_E_POINTER);
    assert_int_equal(length, 0);
    assert_result(scm_get_last_response(card, response, 1, NULL), SCM_E_POINTER);
    assert_result(scm_get_last_response(card, NULL, 1, &length), SCM_E_POINTER);
    assert_int_equal(bed_count(CARD), 0);
    assert_result(scm_get_last_response(card, response, sizeof response, &length), SCM_S_OK);
    assert_int_equal(length, 5);
    assert_int_equal(generation(card), 0);
}

/* Fewer than two bytes are no response (ISO/IEC 7816-3), whatever PC/SC says. */
static void an_answer_without_status_bytes_is_a_failure(void **state)
{
    (void)state;
    size_t length = 77;
    scm_handle *handle = attach(CARD);
    bed("card %d answer 8078 AA", CARD);
    assert_result(scm_transmit(handle, (const uint8_t *)"\x80\x78\x00\x00", 4, response, sizeof response, &length),
                  SCM_SCARD_F_COMM_ERROR);
    assert_int_equal(length, 0);
    assert_result(scm_get_last_response(handle, response, sizeof response, &length), SCM_S_OK);
    assert_int_equal(length, 0);
    assert_int_equal(generation(handle), 1);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_int_equal(generation(handle), 1);
    bed("card %d forget", CARD);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void before_the_first_exchange_the_last_response_is_empty(void **state)
{
    (void)state;
    size_t length = 77;
    scm_handle *handle = attach(CARD);
    assert_result(scm_get_last_response(handle, NULL, 0, &length), SCM_S_OK);
    assert_int_equal(length, 0);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void control_codes_go_to_the_reader(void **state)
{
    (void)state;
    size_t length = 77;
    assert_true(scm_ctl_code(3400) == SCARD_CTL_CODE(3400));
    assert_true(scm_ctl_code(0) == SCARD_CTL_CODE(0));
    /* Neither vpcd nor the card has any control code. */
    assert_result(scm_control(card, scm_ctl_code(3400), NULL, 0, response, sizeof response, &length),
                  SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_int_equal(length, 0);
    assert_result(scm_control(card, scm_ctl_code(1), command, 10, NULL, 0, &length), SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_result(scm_control(card, 0, NULL, 0, response, sizeof response, NULL), SCM_E_POINTER);
    assert_result(scm_control(card, 0, NULL, 0, NULL, 1, &length), SCM_E_POINTER);
    assert_result(scm_control(card, 0, NULL, 1, response, sizeof response, &length), SCM_E_INVALIDARG);
    assert_result(scm_control(card, 0, command, SCM_COMMAND_MAX + 1, response, sizeof response, &length),
                  SCM_E_INVALIDARG);
    assert_result(echo(card), SCM_S_OK);
}

static void attributes_have_the_values_of_the_platform(void **state)
{
    (void)state;
    assert_int_equal(SCM_ATTR_VENDOR_NAME, SCARD_ATTR_VENDOR_NAME);
    assert_int_equal(SCM_ATTR_VENDOR_IFD_TYPE, SCARD_ATTR_VENDOR_IFD_TYPE);
    assert_int_equal(SCM_ATTR_VENDOR_IFD_VERSION, SCARD_ATTR_VENDOR_IFD_VERSION);
    assert_int_equal(SCM_ATTR_VENDOR_IFD_SERIAL_NO, SCARD_ATTR_VENDOR_IFD_SERIAL_NO);
    assert_int_equal(SCM_ATTR_CHANNEL_ID, SCARD_ATTR_CHANNEL_ID);
    assert_int_equal(SCM_ATTR_ICC_PRESENCE, SCARD_ATTR_ICC_PRESENCE);
    assert_int_equal(SCM_ATTR_ICC_INTERFACE_STATUS, SCARD_ATTR_ICC_INTERFACE_STATUS);
    assert_int_equal(SCM_ATTR_ATR_STRING, SCARD_ATTR_ATR_STRING);
    assert_int_equal(SCM_ATTR_DEVICE_FRIENDLY_NAME, SCARD_ATTR_DEVICE_FRIENDLY_NAME);
}

static void attributes_are_read(void **state)
{
    (void)state;
    uint8_t value[264], atr[SCM_ATR_MAX];
    size_t length = 77, atr_length;
    assert_result(scm_get_atr(card, atr, sizeof atr, &atr_length), SCM_S_OK);
    assert_result(scm_get_attribute(card, atr_attribute(), NULL, 0, &length), SCM_S_OK);
    assert_int_equal(length, atr_length);
    assert_result(scm_get_attribute(card, atr_attribute(), value, atr_length - 1, &length),
                  SCM_SCARD_E_INSUFFICIENT_BUFFER);
    assert_int_equal(length, atr_length);
    assert_result(scm_get_attribute(card, atr_attribute(), value, sizeof value, &length), SCM_S_OK);
    assert_int_equal(length, atr_length);
    assert_memory_equal(value, atr, atr_length);
    assert_result(scm_get_attribute(card, SCARD_ATTR_ASYNC_PROTOCOL_TYPES, value, sizeof value, &length),
                  SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_int_equal(length, 0);
    assert_result(scm_get_attribute(card, atr_attribute(), value, sizeof value, NULL), SCM_E_POINTER);
    assert_result(scm_get_attribute(card, atr_attribute(), NULL, 1, &length), SCM_E_POINTER);
}

static void attributes_that_cannot_be_set_say_so(void **state)
{
    (void)state;
    uint8_t value[265] = {0};
    assert_result(scm_set_attribute(card, SCARD_ATTR_VENDOR_NAME, value, 4), SCM_SCARD_E_NOT_TRANSACTED);
    assert_result(scm_set_attribute(card, SCARD_ATTR_VENDOR_NAME, NULL, 0), SCM_SCARD_E_INVALID_PARAMETER);
    assert_result(scm_set_attribute(card, SCARD_ATTR_VENDOR_NAME, NULL, 1), SCM_E_INVALIDARG);
    assert_result(scm_set_attribute(card, SCARD_ATTR_VENDOR_NAME, value, sizeof value), SCM_E_INVALIDARG);
    assert_result(echo(card), SCM_S_OK);
    assert_int_equal(generation(card), 0);
}

static void the_reader_of_a_locked_card_is_not_available(void **state)
{
    (void)state;
    size_t length = 77;
    bed("hold %d transaction", CARD);
    assert_result(scm_get_attribute(card, atr_attribute(), response, sizeof response, &length),
                  SCM_SCARD_E_SHARING_VIOLATION);
    assert_int_equal(length, 0);
    assert_result(scm_set_attribute(card, atr_attribute(), response, 1), SCM_SCARD_E_SHARING_VIOLATION);
    assert_result(scm_control(card, scm_ctl_code(1), NULL, 0, response, sizeof response, &length),
                  SCM_SCARD_E_SHARING_VIOLATION);
    bed("release %d leave", CARD);
    assert_result(echo(card), SCM_S_OK);
    assert_int_equal(generation(card), 0);
}

static int begin(void **state)
{
    (void)state;
    bed("insert %d steerable", CARD);
    card = attach(CARD);
    return 0;
}

static int end(void **state)
{
    (void)state;
    return scm_detach(card);
}

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_and_responses_of_every_length),
        cmocka_unit_test(transmit_sends_exactly_its_bytes_once),
        cmocka_unit_test(a_response_that_does_not_fit_is_not_lost),
        cmocka_unit_test(only_the_length_can_be_asked_for),
        cmocka_unit_test(the_response_may_lie_on_the_command),
        cmocka_unit_test(bad_arguments_send_nothing_and_lose_nothing),
        cmocka_unit_test(an_answer_without_status_bytes_is_a_failure),
        cmocka_unit_test(before_the_first_exchange_the_last_response_is_empty),
        cmocka_unit_test(control_codes_go_to_the_reader),
        cmocka_unit_test(attributes_have_the_values_of_the_platform),
        cmocka_unit_test(attributes_are_read),
        cmocka_unit_test(attributes_that_cannot_be_set_say_so),
        cmocka_unit_test(the_reader_of_a_locked_card_is_not_available),
    };
    return cmocka_run_group_tests(tests, begin, end);
}

/* Readers with a PIN pad (PC/SC part 10): their commands, byte by byte, and the meaning of their answers. */
#include "support/check.h"
#include "scm_virtual.h"

#include <stdbool.h>

#include <sys/wait.h>
#include <unistd.h>

#include <PCSC/reader.h>

#define NAME "Pin pad 00 00"

/* Possible control codes of a driver. */
#define VERIFY 0x42330006u
#define MODIFY 0x42330007u
#define PROPERTIES 0x4233000Au
#define TLV_PROPERTIES 0x42330012u

/* The reader and its commands. */
static struct {
    bool verifies, modifies, has_properties, has_list;
    uint16_t answer;
    size_t answer_length; /* 2, unless it is broken */
    const uint8_t *list;
    size_t list_length;
    PIN_PROPERTIES_STRUCTURE properties;
    int commands, questions;
    uint32_t code;
    uint8_t asked[512];
    size_t asked_length;
    void (*meanwhile)(void); /* during the question to the user */
    int controls, breaks_at;
    bool has_sim; /* a card of class A0 only */
} reader;

static scm_virtual_ifd *ifd;
static scm_handle *card;
static scm_ch_verification *codes;
static uint32_t left;

static void give(uint8_t *output, size_t *output_length, const void *bytes, size_t length)
{
    memcpy(output + *output_length, bytes, length);
    *output_length += length;
}

static void list_feature(uint8_t *output, size_t *output_length, bool has, uint8_t tag, uint32_t code)
{
    const uint8_t entry[] = {tag, 4, (uint8_t)(code >> 24), (uint8_t)(code >> 16), (uint8_t)(code >> 8), (uint8_t)code};
    if (has)
        give(output, output_length, entry, sizeof entry);
}

static void pull_the_card(void)
{
    assert_result(scm_virtual_ifd_remove(ifd), SCM_S_OK);
}

static scm_result control(void *user, uint32_t code, const uint8_t *input, size_t input_length, uint8_t *output,
                          size_t capacity, size_t *output_length)
{
    (void)user, (void)capacity;
    *output_length = 0;
    if (++reader.controls == reader.breaks_at) {
        pull_the_card();
        return SCM_E_FAIL;
    }
    if (code == scm_ctl_code(3400)) {
        list_feature(output, output_length, reader.verifies, FEATURE_VERIFY_PIN_DIRECT, VERIFY);
        list_feature(output, output_length, reader.modifies, FEATURE_MODIFY_PIN_DIRECT, MODIFY);
        list_feature(output, output_length, reader.has_properties, FEATURE_IFD_PIN_PROPERTIES, PROPERTIES);
        list_feature(output, output_length, reader.has_list, FEATURE_GET_TLV_PROPERTIES, TLV_PROPERTIES);
        return SCM_S_OK;
    }
    if (code == PROPERTIES && reader.has_properties) {
        give(output, output_length, &reader.properties, sizeof reader.properties);
        return SCM_S_OK;
    }
    if (code == TLV_PROPERTIES && reader.has_list) {
        give(output, output_length, reader.list, reader.list_length);
        return SCM_S_OK;
    }
    if ((code == VERIFY && reader.verifies) || (code == MODIFY && reader.modifies)) {
        const uint8_t word[4] = {(uint8_t)(reader.answer >> 8), (uint8_t)reader.answer};
        reader.questions++;
        if (reader.meanwhile != NULL)
            reader.meanwhile();
        reader.code = code;
        reader.asked_length = input_length;
        memcpy(reader.asked, input, input_length < sizeof reader.asked ? input_length : sizeof reader.asked);
        give(output, output_length, word, reader.answer_length);
        return SCM_S_OK;
    }
    return SCM_E_NOTIMPL;
}

static scm_result transmit(void *user, const uint8_t *command, size_t command_length, uint8_t *response,
                           size_t capacity, size_t *response_length)
{
    (void)user, (void)command_length, (void)capacity;
    reader.commands++;
    /* The MF, with two tries for CHV1, and four for its unblocking code. */
    static const uint8_t mf[] = {0, 0, 0, 0, 0x3F, 0, 1, 0, 0, 0, 0, 0, 10, 0x13, 1, 1, 4, 0, 0x82, 0x84, 0x83, 0x8A,
        0};
    *response_length = 0;
    if (reader.has_sim && command[0] == 0xA0)
        give(response, response_length, mf, sizeof mf);
    give(response, response_length, reader.has_sim && command[0] != 0xA0 ? "\x6E\x00" : "\x90\x00", 2);
    return SCM_S_OK;
}

static scm_result power(void *user, uint32_t event)
{
    (void)user, (void)event;
    return SCM_S_OK;
}

static void insert(void)
{
    scm_virtual_card plug = SCM_VIRTUAL_CARD_INIT;
    plug.atr = (const uint8_t *)"\x3B\x80\x80\x01\x01";
    plug.atr_length = 5;
    plug.transmit = transmit;
    plug.power = power;
    plug.control = control;
    assert_result(scm_virtual_ifd_insert(ifd, &plug), SCM_S_OK);
}

static scm_result verify(uint32_t flags, uint32_t reference)
{
    left = 77;
    return scm_ch_verification_verify(codes, NULL, 0, flags, reference, &left);
}

static scm_result change(uint32_t flags, uint32_t reference)
{
    left = 77;
    return scm_ch_verification_change_code(codes, NULL, 0, NULL, 0, flags, reference, &left);
}

static scm_result unblock(uint32_t flags, uint32_t reference)
{
    left = 77;
    return scm_ch_verification_unblock(codes, NULL, 0, NULL, 0, flags, reference, &left);
}

static void make_codes(const scm_ch_verification_options *options)
{
    assert_result(scm_ch_verification_release(codes), SCM_S_OK);
    assert_result(scm_create_ch_verification_ex(card, options, &codes), SCM_S_OK);
}

static void assert_asked(uint32_t code, const void *expected, size_t length)
{
    assert_int_equal(reader.questions, 1);
    assert_int_equal(reader.commands, 0);
    assert_true(reader.code == code);
    assert_int_equal(reader.asked_length, length);
    assert_memory_equal(reader.asked, expected, length);
    reader.questions = 0;
}

/* The structures of the header of pcsc-lite, as a second reading of the standard. */
static size_t pin_verify(uint8_t *bytes, PIN_VERIFY_STRUCTURE structure, const void *apdu, size_t length)
{
    structure.ulDataLength = (uint32_t)length;
    memcpy(bytes, &structure, sizeof structure);
    memcpy(bytes + sizeof structure, apdu, length);
    return sizeof structure + length;
}

static size_t pin_modify(uint8_t *bytes, PIN_MODIFY_STRUCTURE structure, const void *apdu, size_t length)
{
    structure.ulDataLength = (uint32_t)length;
    memcpy(bytes, &structure, sizeof structure);
    memcpy(bytes + sizeof structure, apdu, length);
    return sizeof structure + length;
}

static void the_structures_are_those_of_pcsc_lite(void **state)
{
    (void)state;
    assert_int_equal(sizeof(PIN_VERIFY_STRUCTURE), 19);
    assert_int_equal(sizeof(PIN_MODIFY_STRUCTURE), 24);
    scm_ch_verification_options options = SCM_CH_VERIFICATION_OPTIONS_INIT;
    options.encoding = SCM_CODE_ISO9564_2;
    options.code_length_max = 8;
    options.pin_pad_limit_ms = 44001;
    options.pin_pad_language = 0x0407;
    make_codes(&options);
    uint8_t expected[64];
    PIN_VERIFY_STRUCTURE one = {0};
    one.bTimerOut = one.bTimerOut2 = 45;
    one.bmFormatString = 0x89;
    one.bmPINBlockString = 0x47;
    one.bmPINLengthFormat = 0x04;
    one.wPINMaxExtraDigit = 0x0408;
    one.bEntryValidationCondition = 0x02;
    one.bNumberMessage = 1;
    one.wLangId = 0x0407;
    size_t length = pin_verify(expected, one, "\x00\x20\x00\x01\x08\x20\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 13);
    assert_result(verify(0, 1), SCM_S_OK);
    assert_int_equal(left, SCM_RETRIES_UNKNOWN);
    assert_asked(VERIFY, expected, length);

    PIN_MODIFY_STRUCTURE two = {0};
    two.bTimerOut = two.bTimerOut2 = 45;
    two.bmFormatString = 0x89;
    two.bmPINBlockString = 0x47;
    two.bmPINLengthFormat = 0x04;
    two.bInsertionOffsetNew = 8;
    two.wPINMaxExtraDigit = 0x0408;
    two.bConfirmPIN = 0x03;
    two.bEntryValidationCondition = 0x02;
    two.bNumberMessage = 3;
    two.wLangId = 0x0407;
    two.bMsgIndex2 = 1;
    two.bMsgIndex3 = 2;
    length = pin_modify(expected, two,
                        "\x00\x24\x00\x9F\x10\x20\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x20\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 21);
    assert_result(change(SCM_FL_IHV_LOCAL, 31), SCM_S_OK);
    assert_asked(MODIFY, expected, length);
}

static void the_reader_waits_in_whole_seconds(void **state)
{
    (void)state;
    static const uint8_t header[] = {0x89, 0x47, 0x04, 12, 4, 2, 1, 0x09, 0x04, 0, 0, 0, 0, 13, 0, 0, 0};
    static const struct {
        uint32_t limit_ms;
        uint8_t seconds;
    } cases[] = {{0, 0}, {SCM_INFINITE, 0}, {1, 1}, {1000, 1}, {1001, 2}, {254999, 255}, {255000, 255}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scm_ch_verification_options options = SCM_CH_VERIFICATION_OPTIONS_INIT;
        options.encoding = SCM_CODE_ISO9564_2;
        options.pin_pad_limit_ms = cases[i].limit_ms;
        make_codes(&options);
        uint8_t expected[2 + sizeof header + 13];
        expected[0] = expected[1] = cases[i].seconds;
        memcpy(expected + 2, header, sizeof header);
        memcpy(expected + 2 + sizeof header, "\x00\x20\x00\x01\x08\x20\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 13);
        assert_result(verify(0, 1), SCM_S_OK);
        assert_asked(VERIFY, expected, sizeof expected);
    }
}

static void each_method_asks_for_its_own(void **state)
{
    (void)state;
    scm_ch_verification_options options = SCM_CH_VERIFICATION_OPTIONS_INIT;
    options.block_length = 6;
    options.code_length_min = 4;
    make_codes(&options);
    static const uint8_t one[] = {0, 0, 0x82, 0x06, 0, 6, 4, 2, 1, 0x09, 0x04, 0, 0, 0, 0, 11, 0, 0, 0};
    static const uint8_t two[] = {0, 0, 0x82, 0x06, 0, 0, 6, 6, 4, 3, 2, 3, 0x09, 0x04, 0, 1, 2, 0, 0, 0, 17, 0, 0, 0};
    uint8_t expected[64];
    memset(expected, 0xFF, sizeof expected);
    memcpy(expected, one, sizeof one);
    static const struct {
        uint32_t flags;
        const char *header;
    } changes[] = {{SCM_FL_IHV_ENABLE, "\x00\x28\x00\x05\x06"}, {SCM_FL_IHV_DISABLE, "\x00\x26\x00\x05\x06"}};
    for (size_t i = 0; i < 2; i++) {
        memcpy(expected + sizeof one, changes[i].header, 5);
        assert_result(change(changes[i].flags, 5), SCM_S_OK);
        assert_asked(VERIFY, expected, sizeof one + 11);
    }
    memcpy(expected + sizeof one, "\x00\x20\x00\x85\x06", 5);
    assert_result(verify(SCM_FL_IHV_LOCAL, 5), SCM_S_OK);
    assert_asked(VERIFY, expected, sizeof one + 11);

    memset(expected, 0xFF, sizeof expected);
    memcpy(expected, two, sizeof two);
    memcpy(expected + sizeof two, "\x00\x24\x00\x05\x0C", 5);
    assert_result(change(SCM_FL_IHV_CHANGE, 5), SCM_S_OK);
    assert_asked(MODIFY, expected, sizeof two + 17);
    memcpy(expected + sizeof two, "\x00\x2C\x00\x05\x0C", 5);
    assert_result(unblock(SCM_FL_IHV_PIN_PAD, 5), SCM_S_OK);
    assert_asked(MODIFY, expected, sizeof two + 17);

    /* Without the flag a missing code is not entered: the card is asked without one. And the state needs no user. */
    assert_result(unblock(0, 5), SCM_S_OK);
    assert_result(verify(SCM_FL_IHV_CHECKONLY, 5), SCM_S_OK);
    assert_int_equal(reader.questions, 0);
    assert_int_equal(reader.commands, 2);
}

/* In the class of the card, once known, with its blocks and its number for CHV1. */
static void a_sim_is_asked_in_its_own_way(void **state)
{
    (void)state;
    static const uint8_t one[] = {0, 0, 0x82, 0x08, 0, 8, 1, 2, 1, 0x09, 0x04, 0, 0, 0, 0, 13, 0, 0, 0};
    static const uint8_t two[] = {0, 0, 0x82, 0x08, 0, 0, 8, 8, 1, 3, 2, 3, 0x09, 0x04, 0, 1, 2, 0, 0, 0, 21, 0, 0, 0};
    uint8_t expected[64];
    reader.has_sim = true;
    assert_result(verify(SCM_FL_IHV_CHECKONLY, 1), SCM_SCARD_W_CARD_NOT_AUTHENTICATED);
    assert_int_equal(left, 2);
    reader.commands = 0;

    memset(expected, 0xFF, sizeof expected);
    memcpy(expected, one, sizeof one);
    memcpy(expected + sizeof one, "\xA0\x20\x00\x01\x08", 5);
    assert_result(verify(0, 1), SCM_S_OK);
    assert_asked(VERIFY, expected, sizeof one + 13);
    assert_result(verify(SCM_FL_IHV_CHECKONLY, 1), SCM_S_OK);
    reader.commands = 0;

    memset(expected, 0xFF, sizeof expected);
    memcpy(expected, two, sizeof two);
    memcpy(expected + sizeof two, "\xA0\x2C\x00\x00\x10", 5);
    assert_result(unblock(SCM_FL_IHV_PIN_PAD, 1), SCM_S_OK);
    assert_asked(MODIFY, expected, sizeof two + 21);

    /* After 9804 the card tells the tries. */
    reader.answer = 0x9804;
    assert_result(verify(0, 1), SCM_SCARD_W_WRONG_CHV);
    assert_int_equal(left, 2);
    assert_result(unblock(SCM_FL_IHV_PIN_PAD, 1), SCM_SCARD_W_WRONG_CHV);
    assert_int_equal(left, 4);
    reader.answer = 0x9840;
    assert_result(verify(0, 1), SCM_SCARD_W_CHV_BLOCKED);
    assert_int_equal(left, 0);
    reader.answer = 0x9802;
    assert_result(verify(0, 2), SCM_SCARD_E_INVALID_CHV);
    reader.answer = 0x6401;
    assert_result(verify(0, 2), SCM_SCARD_W_CANCELLED_BY_USER);
}

static void codes_without_padding(void **state)
{
    (void)state;
    static const uint8_t ascii[] = {0, 0, 0x82, 0, 0, 15, 1, 2, 1, 0x09, 0x04, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0x20, 0, 1,
        0};
    static const uint8_t bcd[] = {0, 0, 0x81, 0, 0, 12, 6, 2, 1, 0x09, 0x04, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0x20, 0, 1, 0};
    make_codes(NULL);
    assert_result(verify(0, 1), SCM_S_OK);
    assert_asked(VERIFY, ascii, sizeof ascii);
    scm_ch_verification_options options = SCM_CH_VERIFICATION_OPTIONS_INIT;
    options.encoding = SCM_CODE_BCD;
    options.code_length_min = 6;
    options.code_length_max = 12;
    make_codes(&options);
    assert_result(verify(0, 1), SCM_S_OK);
    assert_asked(VERIFY, bcd, sizeof bcd);
}

static void the_reader_has_its_say(void **state)
{
    (void)state;
    make_codes(NULL);
    /* No display; the entry ends by length or time. */
    reader.has_properties = true;
    reader.properties = (PIN_PROPERTIES_STRUCTURE){0x0000, 0x05, 0};
    assert_result(verify(0, 1), SCM_S_OK);
    assert_memory_equal(reader.asked + 5, "\x0F\x01\x05\x00", 4);
    reader.properties = (PIN_PROPERTIES_STRUCTURE){0x0210, 0x07, 1};
    assert_result(verify(0, 1), SCM_S_OK);
    assert_memory_equal(reader.asked + 5, "\x0F\x01\x02\x01", 4);
    /* The list has more: 4 to 8 digits. */
    static const uint8_t list[] = {0x01, 2, 0x00, 0x00, 0x02, 1, 0x02, 0x06, 1, 4, 0x07, 1, 8};
    reader.has_list = true;
    reader.list = list;
    reader.list_length = sizeof list;
    assert_result(verify(0, 1), SCM_S_OK);
    assert_memory_equal(reader.asked + 5, "\x08\x04\x02\x00", 4);
    /* The structure has the fields that the list lacks. */
    reader.list = list + 7;
    reader.list_length = sizeof list - 7;
    reader.properties = (PIN_PROPERTIES_STRUCTURE){0x0000, 0x05, 0};
    assert_result(verify(0, 1), SCM_S_OK);
    assert_memory_equal(reader.asked + 5, "\x08\x04\x05\x00", 4);
    reader.questions = 0;

    scm_ch_verification_options options = SCM_CH_VERIFICATION_OPTIONS_INIT;
    options.code_length_min = 9;
    make_codes(&options);
    assert_result(verify(0, 1), SCM_SCARD_E_UNSUPPORTED_FEATURE);
    options.code_length_min = 0;
    options.block_length = 16;
    make_codes(&options);
    assert_result(verify(0, 1), SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_int_equal(reader.questions + reader.commands, 0);
}

static void a_reader_without_the_feature_is_not_asked(void **state)
{
    (void)state;
    reader.verifies = false;
    assert_result(verify(0, 1), SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_int_equal(left, SCM_RETRIES_UNKNOWN);
    assert_result(change(0, 1), SCM_S_OK);
    assert_int_equal(reader.questions, 1);
    reader.questions = 0;
    reader.verifies = true;
    reader.modifies = false;
    assert_result(change(0, 1), SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_result(unblock(SCM_FL_IHV_PIN_PAD, 1), SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_int_equal(reader.questions + reader.commands, 0);
}

static void answers_of_the_reader_become_codes(void **state)
{
    (void)state;
    static const struct {
        uint16_t word;
        scm_result result;
        uint32_t left;
    } rows[] = {
        {0x9000, SCM_S_OK, SCM_RETRIES_UNKNOWN},
        {0x6400, SCM_SCARD_E_TIMEOUT, SCM_RETRIES_UNKNOWN},
        {0x6401, SCM_SCARD_W_CANCELLED_BY_USER, SCM_RETRIES_UNKNOWN},
        {0x6402, SCM_SCARD_E_INVALID_VALUE, SCM_RETRIES_UNKNOWN},
        {0x6403, SCM_SCARD_E_INVALID_CHV, SCM_RETRIES_UNKNOWN},
        {0x6B80, SCM_SCARD_E_UNSUPPORTED_FEATURE, SCM_RETRIES_UNKNOWN},
        {0x63C2, SCM_SCARD_W_WRONG_CHV, 2},
        {0x63C0, SCM_SCARD_W_CHV_BLOCKED, 0},
        {0x6303, SCM_SCARD_W_WRONG_CHV, 3},
        {0x6983, SCM_SCARD_W_CHV_BLOCKED, 0},
        {0x6A88, SCM_SCARD_E_FILE_NOT_FOUND, SCM_RETRIES_UNKNOWN},
        {0x6C08, SCM_SCARD_E_INVALID_PARAMETER, SCM_RETRIES_UNKNOWN},
    };
    make_codes(NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reader.answer = rows[i].word;
        reader.questions = 0;
        assert_result(verify(0, 1), rows[i].result);
        assert_int_equal(left, rows[i].left);
        assert_result(change(0, 1), rows[i].result);
        assert_int_equal(left, rows[i].left);
        assert_result(unblock(SCM_FL_IHV_PIN_PAD, 1), rows[i].result);
        assert_int_equal(left, rows[i].left);
        assert_int_equal(reader.questions, 3);
    }
    for (reader.answer_length = 0; reader.answer_length < 5; reader.answer_length++)
        if (reader.answer_length != 2)
            assert_result(verify(0, 1), SCM_SCARD_F_COMM_ERROR);
    assert_int_equal(reader.commands, 0);
}

static void nothing_is_left_of_the_answer(void **state)
{
    (void)state;
    uint8_t response[16];
    size_t length = 77;
    assert_result(verify(0, 1), SCM_S_OK);
    assert_result(scm_get_last_response(card, response, sizeof response, &length), SCM_S_OK);
    assert_int_equal(length, 0);
}

/* A call for the card in use would wait for itself. */
static void call_for_the_same_card(void)
{
    uint32_t tries = 77;
    uint8_t challenge[8];
    size_t length = 77;
    scm_card_auth *auth = NULL;
    scm_ch_verification *more = NULL;
    assert_result(scm_ch_verification_verify(codes, (const uint8_t *)"1234", 4, 0, 1, &tries), SCM_SCARD_E_NOT_READY);
    assert_int_equal(tries, SCM_RETRIES_UNKNOWN);
    assert_result(scm_ch_verification_unblock(codes, NULL, 0, NULL, 0, 0, 1, &tries), SCM_SCARD_E_NOT_READY);
    assert_result(scm_create_card_auth(card, &auth), SCM_S_OK);
    assert_result(scm_card_auth_get_challenge(auth, 0, NULL, 0, challenge, sizeof challenge, &length),
                  SCM_SCARD_E_NOT_READY);
    assert_int_equal(length, 0);
    assert_result(scm_card_auth_release(auth), SCM_S_OK);
    assert_result(scm_create_ch_verification(card, &more), SCM_S_OK);
    assert_result(scm_ch_verification_release(more), SCM_S_OK);
}

static void call_for_what_was_verified(void)
{
    assert_result(scm_ch_verification_reset_security_state(codes), SCM_SCARD_E_NOT_READY);
}

/* Without a card the driver of many readers stops answering. */
static void a_card_that_is_pulled_is_no_reader_without_a_pin_pad(void **state)
{
    (void)state;
    reader.has_list = true;
    for (reader.breaks_at = 1; reader.breaks_at <= 3; reader.breaks_at++) {
        reader.controls = 0;
        assert_result(verify(0, 1), SCM_SCARD_W_REMOVED_CARD);
        assert_int_equal(left, SCM_RETRIES_UNKNOWN);
        assert_int_equal(reader.questions, 0);
        insert();
        assert_result(scm_reconnect(card), SCM_S_OK);
    }
}

static void a_callback_does_not_wait_for_itself(void **state)
{
    (void)state;
    reader.meanwhile = call_for_the_same_card;
    assert_result(verify(0, 1), SCM_S_OK);
    reader.meanwhile = call_for_what_was_verified;
    assert_result(verify(0, 1), SCM_S_OK);
    assert_int_equal(reader.commands, 0);
}

static void release_the_object(void)
{
    assert_result(scm_ch_verification_release(codes), SCM_S_OK);
}

static void an_object_may_end_while_it_is_used(void **state)
{
    (void)state;
    reader.meanwhile = release_the_object;
    assert_result(verify(0, 1), SCM_S_OK);
    assert_result(verify(0, 1), SCM_E_HANDLE);
    assert_result(scm_create_ch_verification(card, &codes), SCM_S_OK);
}

static int begin(void **state)
{
    (void)state;
    memset(&reader, 0, sizeof reader);
    reader.verifies = reader.modifies = true;
    reader.answer = 0x9000;
    reader.answer_length = 2;
    assert_result(scm_virtual_ifd_create(NAME, NULL, &ifd), SCM_S_OK);
    insert();
    assert_result(scm_attach_by_ifd(NAME, &card), SCM_S_OK);
    return scm_create_ch_verification(card, &codes);
}

static int end(void **state)
{
    (void)state;
    assert_result(scm_ch_verification_release(codes), SCM_S_OK);
    assert_result(scm_detach(card), SCM_S_OK);
    return scm_virtual_ifd_destroy(ifd);
}

/* The child creates its own objects, by which valgrind.supp recognises them. */
static void the_child_of_a_fork_begins_without_objects(void **state)
{
    int status = -1;
    begin(state);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(verify(SCM_FL_IHV_CHECKONLY, 1) != SCM_E_HANDLE || scm_ch_verification_release(codes) != SCM_E_HANDLE);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(reader.commands, 0);
    assert_result(verify(SCM_FL_IHV_CHECKONLY, 1), SCM_S_OK);
    end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_structures_are_those_of_pcsc_lite, begin, end),
        cmocka_unit_test_setup_teardown(the_reader_waits_in_whole_seconds, begin, end),
        cmocka_unit_test_setup_teardown(each_method_asks_for_its_own, begin, end),
        cmocka_unit_test_setup_teardown(a_sim_is_asked_in_its_own_way, begin, end),
        cmocka_unit_test_setup_teardown(codes_without_padding, begin, end),
        cmocka_unit_test_setup_teardown(the_reader_has_its_say, begin, end),
        cmocka_unit_test_setup_teardown(a_reader_without_the_feature_is_not_asked, begin, end),
        cmocka_unit_test_setup_teardown(answers_of_the_reader_become_codes, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_left_of_the_answer, begin, end),
        cmocka_unit_test_setup_teardown(a_card_that_is_pulled_is_no_reader_without_a_pin_pad, begin, end),
        cmocka_unit_test_setup_teardown(a_callback_does_not_wait_for_itself, begin, end),
        cmocka_unit_test_setup_teardown(an_object_may_end_while_it_is_used, begin, end),
        cmocka_unit_test(the_child_of_a_fork_begins_without_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* ISO/IEC 7816-4 commands: all their exchanges under one lock, and the meaning of their status words. */
#include "support/check.h"
#include "support/wait.h"

#include "scm_card.h"
#include "scm_virtual.h"

#define CARD 0
/* The same card, but its ATR says T=0. */
#define CARD_T0 1
/* The default card of libscm_card: chaining, extended lengths, EF.ATR/INFO. */
#define CARD_LONG 2
/* Its EF.ATR/INFO: APDUs of 65,535 bytes in both directions. */
#define EF_ATR_COMMAND 65526
#define EF_ATR_RESPONSE 65533

static scm_handle *card, *card_t0, *card_long;
static uint8_t data[SCM_COMMAND_DATA_MAX], response[SCM_EXPECTED_MAX];
static size_t length;
static uint16_t word;

static scm_command command(uint8_t ins, uint8_t p1, uint8_t p2, size_t data_length, uint32_t expected)
{
    scm_command command = SCM_COMMAND_INIT;
    command.ins = ins;
    command.p1 = p1;
    command.p2 = p2;
    command.data = data_length > 0 ? data : NULL;
    command.data_length = data_length;
    command.expected = expected;
    return command;
}

static scm_result send(scm_handle *handle, const scm_command *command)
{
    memset(response, 0xEE, sizeof response);
    length = 77;
    word = 77;
    return scm_send(handle, command, response, sizeof response, &length, &word);
}

/* Sends the command, and the card gives this response. */
static void check_send(scm_handle *handle, scm_command command, scm_result result, size_t answer,
                       uint16_t expected_word)
{
    assert_result(send(handle, &command), result);
    assert_int_equal(word, expected_word);
    assert_int_equal(length, answer);
}

static const uint32_t NOTHING = 0;

static void set_capabilities(scm_handle *handle, uint32_t flags, uint32_t command_data, uint32_t response_data)
{
    scm_card_capabilities capabilities = SCM_CARD_CAPABILITIES_INIT;
    capabilities.flags = flags;
    capabilities.command_data_max = command_data;
    capabilities.response_data_max = response_data;
    assert_result(scm_set_card_capabilities(handle, &capabilities), SCM_S_OK);
}

static void check_capabilities(scm_handle *handle, uint32_t flags, uint32_t command_data, uint32_t response_data)
{
    scm_card_capabilities capabilities = SCM_CARD_CAPABILITIES_INIT;
    assert_result(scm_get_card_capabilities(handle, &capabilities), SCM_S_OK);
    assert_int_equal(capabilities.flags, flags);
    assert_int_equal(capabilities.command_data_max, command_data);
    assert_int_equal(capabilities.response_data_max, response_data);
}

static void fresh(int reader)
{
    bed("card %d forget", reader);
    bed("card %d clear", reader);
}

/* --- Exchanges */

static void data_of_every_length_come_back(void **state)
{
    (void)state;
    const size_t lengths[] = {1, 255, 256, 257, 511, 1000, 10000, 65000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (size_t n = 0; n < lengths[i]; n++)
            data[n] = (uint8_t)(n * 7 + lengths[i]);
        check_send(card, command(0xDA, 0x5F, 0x50, lengths[i], 0), SCM_S_OK, 0, 0x9000);
        check_send(card, command(0xCA, 0x5F, 0x50, 0, SCM_EXPECTED_MAX), SCM_S_OK, lengths[i], 0x9000);
        assert_memory_equal(response, data, lengths[i]);
    }
    fresh(CARD);
    check_send(card, command(0xDA, 0x5F, 0x50, 300, 0), SCM_S_OK, 0, 0x9000);
    assert_int_equal(bed_count(CARD), 2);
    check_send(card, command(0xCA, 0x5F, 0x50, 0, 300), SCM_S_OK, 300, 0x9000);
    assert_int_equal(bed_count(CARD), 4);
}

static void t_1_takes_what_it_can_in_one_exchange(void **state)
{
    (void)state;
    memset(data, 5, 300);
    fresh(CARD);
    scm_command echo = command(0xEC, 0, 0, 2, 2);
    echo.cla = 0x80;
    check_send(card, echo, SCM_S_OK, 2, 0x9000);
    assert_string_equal(bed("card %d log", CARD), "80EC000002050502");
    set_capabilities(card, SCM_CARD_EXTENDED, 0, 0);
    echo.data_length = 300;
    echo.expected = SCM_EXPECTED_MAX;
    check_send(card, echo, SCM_S_OK, 300, 0x9000);
    assert_memory_equal(response, data, 300);
    assert_int_equal(bed_count(CARD), 2);
    assert_result(scm_set_card_capabilities(card, NULL), SCM_S_OK);
}

static void t_0_has_its_answers_fetched(void **state)
{
    (void)state;
    uint32_t card_state, protocol;
    assert_result(scm_status(card_t0, &card_state, &protocol), SCM_S_OK);
    assert_int_equal(protocol, SCM_PROTOCOL_T0);
    data[0] = 0x50, data[1] = 0x15;
    fresh(CARD_T0);
    bed("card %d answer 00A4 6104", CARD_T0);
    bed("card %d answer 00C0000004 0A0B0C6101", CARD_T0);
    bed("card %d answer 00C0000001 0D9000", CARD_T0);
    check_send(card_t0, command(0xA4, 4, 0, 2, 256), SCM_S_OK, 4, 0x9000);
    assert_memory_equal(response, "\x0A\x0B\x0C\x0D", 4);
    assert_string_equal(bed("card %d log", CARD_T0), "00A40400025015 00C0000004 00C0000001");

    /* No response is requested. */
    fresh(CARD_T0);
    bed("card %d answer 00A4 6104", CARD_T0);
    check_send(card_t0, command(0xA4, 4, 0, 2, 0), SCM_S_OK, 0, 0x6104);
    assert_string_equal(bed("card %d log", CARD_T0), "00A40400025015");

    fresh(CARD_T0);
    bed("card %d answer 00B0000000 6C02", CARD_T0);
    bed("card %d answer 00B0000002 07079000", CARD_T0);
    check_send(card_t0, command(0xB0, 0, 0, 0, 256), SCM_S_OK, 2, 0x9000);
    assert_string_equal(bed("card %d log", CARD_T0), "00B0000000 00B0000002");
    fresh(CARD_T0);
}

static void t_0_sends_long_data_in_parts(void **state)
{
    (void)state;
    memset(data, 5, 300);
    fresh(CARD_T0);
    bed("card %d answer 00D6 9000", CARD_T0);
    bed("card %d answer 10D6 9000", CARD_T0);
    check_send(card_t0, command(0xD6, 0, 0, 300, 0), SCM_S_OK, 0, 0x9000);
    const char *log = bed("card %d log", CARD_T0);
    assert_memory_equal(log, "10D60000FF0505", 14);
    assert_non_null(strstr(log, " 00D600002D0505"));
    assert_int_equal(strlen(log), 2 * (5 + 255) + 1 + 2 * (5 + 45));

    /* A card without chaining but with long commands has ENVELOPE for them. The log omits its data. */
    set_capabilities(card_t0, SCM_CARD_EXTENDED, 0, 0);
    fresh(CARD_T0);
    bed("card %d answer 00C20000FF00D6000000012C0505 9000", CARD_T0);
    bed("card %d answer 00C20000340505 9000", CARD_T0);
    bed("card %d answer 00C20000 6282", CARD_T0);
    check_send(card_t0, command(0xD6, 0, 0, 300, 0), SCM_SCARD_W_EOF, 0, 0x6282);
    assert_string_equal(bed("card %d log", CARD_T0), "00C20000.. 00C20000.. 00C20000");
    assert_result(scm_set_card_capabilities(card_t0, NULL), SCM_S_OK);
    fresh(CARD_T0);
}

/* The first try is refused for its Le, and has the text anyway. */
static void data_of_a_refused_try_are_discarded(void **state)
{
    (void)state;
    scm_handle *const handles[] = {card, card_t0};
    for (int reader = CARD; reader <= CARD_T0; reader++) {
        fresh(reader);
        bed("card %d answer 00CA00000C 48454C4C4F2C2043415244219000", reader);
        bed("card %d answer 00CA000000 48454C4C4F2C2043415244216C0C", reader);
        check_send(handles[reader], command(0xCA, 0, 0, 0, 256), SCM_S_OK, 12, 0x9000);
        assert_memory_equal(response, "HELLO, CARD!", 12);
        fresh(reader);
    }
}

/* A MultiFlex: GET RESPONSE only in the class of the command. */
static void an_answer_is_fetched_in_the_class_of_the_card(void **state)
{
    (void)state;
    data[0] = 0x3F, data[1] = 0x00;
    scm_command select = command(0xA4, 0, 0, 2, 256);
    select.cla = 0xC0;
    fresh(CARD_T0);
    bed("card %d answer C0A4 6104", CARD_T0);
    bed("card %d answer C0C0000004 010203049000", CARD_T0);
    check_send(card_t0, select, SCM_S_OK, 4, 0x9000);
    /* A card with class 00 only, which is remembered. */
    fresh(CARD_T0);
    bed("card %d forget", CARD_T0);
    bed("card %d answer C0A4 6104", CARD_T0);
    bed("card %d answer C0C0 6E00", CARD_T0);
    bed("card %d answer 00C0000004 010203049000", CARD_T0);
    check_send(card_t0, select, SCM_S_OK, 4, 0x9000);
    check_send(card_t0, select, SCM_S_OK, 4, 0x9000);
    assert_string_equal(bed("card %d log", CARD_T0),
                        "C0A40000023F00 C0C0000004 00C0000004 C0A40000023F00 00C0000004");
    fresh(CARD_T0);
}

/* Commands for the reader (PC/SC part 3). Here the cards act as the reader. */
static void commands_for_the_reader_go_as_they_are(void **state)
{
    (void)state;
    scm_handle *const handles[] = {card, card_t0};
    for (int reader = CARD; reader <= CARD_T0; reader++) {
        scm_command uid = command(0xCA, 0, 0, 0, SCM_EXPECTED_MAX);
        uid.cla = 0xFF;
        fresh(reader);
        bed("card %d answer FFCA000000 041122336104", reader);
        check_send(handles[reader], uid, SCM_S_OK, 4, 0x6104);
        assert_string_equal(bed("card %d log", reader), "FFCA000000");
        fresh(reader);
    }
}

static void a_command_that_cannot_be_transported_is_not_sent(void **state)
{
    (void)state;
    fresh(CARD);
    set_capabilities(card, NOTHING, 0, 0);
    check_send(card, command(0xDA, 0x5F, 0x50, 256, 0), SCM_SCARD_E_UNSUPPORTED_FEATURE, 0, 0);
    assert_int_equal(bed_count(CARD), 0);
    check_send(card, command(0xDA, 0x5F, 0x50, 255, 0), SCM_S_OK, 0, 0x9000);
    assert_result(scm_set_card_capabilities(card, NULL), SCM_S_OK);
    scm_command unknown = command(0xDA, 0x5F, 0x50, 256, 0);
    unknown.cla = 0xF0;
    fresh(CARD);
    check_send(card, unknown, SCM_SCARD_E_UNSUPPORTED_FEATURE, 0, 0);
    assert_int_equal(bed_count(CARD), 0);
}

static void a_card_that_knows_no_chaining_says_so(void **state)
{
    (void)state;
    fresh(CARD);
    bed("card %d answer 10DA 6884", CARD);
    check_send(card, command(0xDA, 0x5F, 0x50, 600, 0), SCM_SCARD_E_UNSUPPORTED_FEATURE, 0, 0x6884);
    assert_int_equal(bed_count(CARD), 1);
    fresh(CARD);
}

static void a_counted_command_is_sent_once(void **state)
{
    (void)state;
    const uint8_t counted[] = {0x20, 0x24, 0x26, 0x28, 0x2C, 0x2E, 0x82, 0x86};
    for (size_t i = 0; i < sizeof counted; i++) {
        fresh(CARD);
        bed("card %d answer 00%02X 6C03", CARD, counted[i]);
        check_send(card, command(counted[i], 0, 0x81, 4, 16), SCM_SCARD_E_INVALID_PARAMETER, 0, 0x6C03);
        assert_int_equal(bed_count(CARD), 1);
    }
    fresh(CARD);
}

static void channels_are_put_into_the_class(void **state)
{
    (void)state;
    const uint32_t channels[] = {0, 1, 3, 4, 19};
    const char *const sent[] = {"00B0000004", "01B0000004", "03B0000004", "40B0000004", "4FB0000004"};
    for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
        scm_command read = command(0xB0, 0, 0, 0, 4);
        read.channel = channels[i];
        fresh(CARD);
        bed("card %d answer %s 010203049000", CARD, sent[i]);
        check_send(card, read, SCM_S_OK, 4, 0x9000);
        assert_string_equal(bed("card %d log", CARD), sent[i]);
    }
    fresh(CARD);
    /* MANAGE CHANNEL opens one, and returns its number. */
    check_send(card, command(0x70, 0, 0, 0, 1), SCM_S_OK, 1, 0x9000);
    scm_command select = command(0xA4, 4, 0x0C, 4, 0);
    select.channel = response[0];
    memcpy(data, "\xF0\x73\x63\x6D", 4);
    check_send(card, select, SCM_S_OK, 0, 0x9000);
    check_send(card, command(0x70, 0x80, (uint8_t)select.channel, 0, 0), SCM_S_OK, 0, 0x9000);
    check_send(card, select, SCM_SCARD_E_UNSUPPORTED_FEATURE, 0, 0x6881);
}

static void transmit_stays_raw(void **state)
{
    (void)state;
    uint8_t raw[16];
    fresh(CARD_T0);
    bed("card %d answer 00A4 6104", CARD_T0);
    bed("card %d answer 00B0 6C04", CARD_T0);
    assert_result(scm_transmit(card_t0, (const uint8_t *)"\x00\xA4\x04\x00", 4, raw, sizeof raw, &length), SCM_S_OK);
    assert_int_equal(length, 2);
    assert_memory_equal(raw, "\x61\x04", 2);
    assert_result(scm_transmit(card_t0, (const uint8_t *)"\x00\xB0\x00\x00\x00", 5, raw, sizeof raw, &length),
                  SCM_S_OK);
    assert_memory_equal(raw, "\x6C\x04", 2);
    assert_string_equal(bed("card %d log", CARD_T0), "00A40400 00B0000000");
    fresh(CARD_T0);
}

/* --- Status words */

static void words_become_codes(void **state)
{
    (void)state;
    const struct {
        uint16_t word;
        scm_result code;
    } words[] = {
        {0x9000, SCM_S_OK},
        {0x6105, SCM_S_OK},
        {0x6200, SCM_S_OK},
        {0x6281, SCM_SCARD_E_COMM_DATA_LOST},
        {0x6282, SCM_SCARD_W_EOF},
        {0x6283, SCM_S_OK},
        {0x6300, SCM_SCARD_W_SECURITY_VIOLATION},
        {0x6381, SCM_S_OK},
        {0x63C0, SCM_SCARD_W_CHV_BLOCKED},
        {0x63CF, SCM_SCARD_W_WRONG_CHV},
        {0x6400, SCM_E_FAIL},
        {0x6581, SCM_E_FAIL},
        {0x6700, SCM_SCARD_E_INVALID_PARAMETER},
        {0x6701, SCM_SCARD_E_INVALID_PARAMETER},
        {0x6882, SCM_SCARD_E_UNSUPPORTED_FEATURE},
        {0x6981, SCM_SCARD_E_UNSUPPORTED_FEATURE},
        {0x6982, SCM_SCARD_W_SECURITY_VIOLATION},
        {0x6983, SCM_SCARD_W_CHV_BLOCKED},
        {0x6984, SCM_SCARD_E_INVALID_CHV},
        {0x6985, SCM_SCARD_E_NO_ACCESS},
        {0x6986, SCM_SCARD_E_NO_FILE},
        {0x6987, SCM_SCARD_W_SECURITY_VIOLATION},
        {0x6988, SCM_SCARD_W_SECURITY_VIOLATION},
        {0x6A80, SCM_SCARD_E_INVALID_PARAMETER},
        {0x6A81, SCM_SCARD_E_UNSUPPORTED_FEATURE},
        {0x6A82, SCM_SCARD_E_FILE_NOT_FOUND},
        {0x6A83, SCM_SCARD_E_BAD_SEEK},
        {0x6A84, SCM_SCARD_E_WRITE_TOO_MANY},
        {0x6A85, SCM_SCARD_E_INVALID_PARAMETER},
        {0x6A86, SCM_SCARD_E_INVALID_PARAMETER},
        {0x6A87, SCM_SCARD_E_INVALID_PARAMETER},
        {0x6A88, SCM_SCARD_E_FILE_NOT_FOUND},
        {0x6A89, SCM_SCARD_E_NO_ACCESS},
        {0x6A8A, SCM_SCARD_E_NO_ACCESS},
        {0x6B00, SCM_SCARD_E_INVALID_PARAMETER},
        {0x6C05, SCM_SCARD_E_INVALID_PARAMETER},
        {0x6D00, SCM_SCARD_E_UNSUPPORTED_FEATURE},
        {0x6E00, SCM_SCARD_E_UNSUPPORTED_FEATURE},
        {0x6F00, SCM_E_FAIL},
        {0x9110, SCM_S_OK},
        {0x9203, SCM_S_OK},
        {0x9240, SCM_E_FAIL},
        {0x9300, SCM_SCARD_E_NOT_READY},
        {0x9862, SCM_SCARD_W_SECURITY_VIOLATION},
        {0x9001, SCM_E_FAIL},
        {0x0000, SCM_E_FAIL},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        bed("card %d forget", CARD);
        bed("card %d answer 00B6 %04X", CARD, words[i].word);
        check_send(card, command(0xB6, 0, 0, 0, 0), words[i].code, 0, words[i].word);
    }
    bed("card %d forget", CARD);
}

/* With every status word the data are delivered. */
static void data_come_with_any_word(void **state)
{
    (void)state;
    bed("card %d answer 00B0 0102036282", CARD);
    bed("card %d answer 00B2 0102036A82", CARD);
    check_send(card, command(0xB0, 0, 0, 0, 256), SCM_SCARD_W_EOF, 3, 0x6282);
    assert_memory_equal(response, "\x01\x02\x03", 3);
    assert_int_equal(response[3], 0xEE);
    check_send(card, command(0xB2, 0, 0, 0, 256), SCM_SCARD_E_FILE_NOT_FOUND, 3, 0x6A82);
    bed("card %d forget", CARD);
}

/* --- Buffers */

static void check_last_response(scm_handle *handle, const void *bytes, size_t expected)
{
    uint8_t last[1024];
    size_t kept = 77;
    assert_result(scm_get_last_response(handle, last, sizeof last, &kept), SCM_S_OK);
    assert_int_equal(kept, expected);
    if (expected > 0)
        assert_memory_equal(last, bytes, expected);
}

static void an_answer_that_does_not_fit_is_not_lost(void **state)
{
    (void)state;
    scm_command get = command(0xCA, 0x5F, 0x50, 0, SCM_EXPECTED_MAX);
    for (size_t n = 0; n < 300; n++)
        data[n] = (uint8_t)n;
    data[300] = 0x90, data[301] = 0x00;
    check_send(card, command(0xDA, 0x5F, 0x50, 300, 0), SCM_S_OK, 0, 0x9000);
    for (size_t capacity = 0; capacity <= 299; capacity += 299) {
        fresh(CARD);
        memset(response, 0xEE, sizeof response);
        assert_result(scm_send(card, &get, capacity > 0 ? response : NULL, capacity, &length, &word),
                      capacity > 0 ? SCM_SCARD_E_INSUFFICIENT_BUFFER : SCM_S_OK);
        assert_int_equal(length, 300);
        assert_int_equal(word, 0x9000);
        assert_int_equal(response[0], 0xEE);
        assert_int_equal(bed_count(CARD), 2);
        check_last_response(card, data, 302);
        check_last_response(card, data, 302);
        assert_int_equal(bed_count(CARD), 2);
    }
    assert_result(scm_send(card, &get, response, 300, &length, &word), SCM_S_OK);
    assert_memory_equal(response, data, 300);
    check_send(card, command(0xB6, 0, 0, 0, 0), SCM_SCARD_E_UNSUPPORTED_FEATURE, 0, 0x6D00);
    check_last_response(card, "\x6D\x00", 2);
}

/* Some T=1 cards return all data, whatever Le is. */
static void unexpected_data_are_not_lost(void **state)
{
    (void)state;
    fresh(CARD);
    bed("card %d answer 00A40000 6F0A83023F008A01058201389000", CARD);
    check_send(card, command(0xA4, 0, 0, 0, 0), SCM_S_OK, 0, 0x9000);
    check_last_response(card, "\x6F\x0A\x83\x02\x3F\x00\x8A\x01\x05\x82\x01\x38\x90\x00", 14);
    check_send(card, command(0xA4, 0, 0, 0, 2), SCM_S_OK, 2, 0x9000);
    assert_memory_equal(response, "\x6F\x0A", 2);
    check_last_response(card, "\x6F\x0A\x83\x02\x3F\x00\x8A\x01\x05\x82\x01\x38\x90\x00", 14);
    fresh(CARD);
}

static void the_answer_may_lie_on_the_data(void **state)
{
    (void)state;
    scm_command echo = command(0xEC, 0, 0, 50, 50);
    for (size_t i = 0; i < 50; i++)
        response[i] = data[i] = (uint8_t)(i * 3);
    echo.cla = 0x80;
    echo.data = response;
    assert_result(scm_send(card, &echo, response, 50, &length, &word), SCM_S_OK);
    assert_int_equal(length, 50);
    assert_memory_equal(response, data, 50);
    assert_result(scm_send(card, &echo, response + 1, 50, &length, &word), SCM_S_OK);
    assert_memory_equal(response + 1, data, 50);
}

/* --- Arguments */

/* Refused with this code, and every output is zero. */
#define assert_refused(call, code) (length = 77, word = 77, check_refused((call), (code), #call, __LINE__))

static void check_refused(scm_result got, scm_result expected, const char *call, int line)
{
    check_result(got, expected, call, __FILE__, line);
    assert_int_equal(length, 0);
    assert_int_equal(word, 0);
}

static void check_bad_command(scm_command bad)
{
    assert_refused(scm_send(card, &bad, response, sizeof response, &length, &word), SCM_E_INVALIDARG);
}

static void bad_commands_are_not_sent(void **state)
{
    (void)state;
    const scm_command good = command(0xB0, 0, 0, 0, 4);
    fresh(CARD);
    assert_refused(scm_send(card, NULL, response, sizeof response, &length, &word), SCM_E_INVALIDARG);
    const uint32_t sizes[] = {0, 3, sizeof good - 1, 4097, UINT32_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        scm_command bad = good;
        bad.struct_size = sizes[i];
        check_bad_command(bad);
    }
    scm_command bad = good;
    bad.data_length = 1;
    check_bad_command(bad);
    bad.data = data;
    bad.data_length = SCM_COMMAND_DATA_MAX + 1;
    check_bad_command(bad);
    bad.data_length = SIZE_MAX;
    check_bad_command(bad);
    bad = good;
    bad.expected = SCM_EXPECTED_MAX + 1;
    check_bad_command(bad);
    bad = good;
    bad.channel = 20;
    check_bad_command(bad);
    bad.channel = 1;
    bad.cla = 0x02;
    check_bad_command(bad);
    bad.cla = 0xFF;
    check_bad_command(bad);
    assert_int_equal(bed_count(CARD), 0);
}

/* A structure of a later version: unknown fields must be zero. */
static void a_longer_command_is_read_as_far_as_it_is_known(void **state)
{
    (void)state;
    struct {
        scm_command command;
        uint8_t more[8];
    } later = {command(0xB6, 0, 0, 0, 0), {0}};
    later.command.struct_size = sizeof later;
    fresh(CARD);
    assert_result(scm_send(card, &later.command, response, sizeof response, &length, &word),
                  SCM_SCARD_E_UNSUPPORTED_FEATURE);
    later.more[7] = 1;
    assert_refused(scm_send(card, &later.command, response, sizeof response, &length, &word), SCM_E_INVALIDARG);
}

static void bad_pointers_and_handles(void **state)
{
    (void)state;
    const scm_command good = command(0xB0, 0, 0, 0, 4);
    scm_send_options options = SCM_SEND_OPTIONS_INIT;
    fresh(CARD);
    word = 77;
    assert_result(scm_send(card, &good, response, sizeof response, NULL, &word), SCM_E_POINTER);
    assert_int_equal(word, 0);
    length = 77;
    assert_result(scm_send(card, &good, response, sizeof response, &length, NULL), SCM_E_POINTER);
    assert_int_equal(length, 0);
    length = word = 77;
    assert_result(scm_send(card, &good, NULL, 1, &length, &word), SCM_E_POINTER);
    assert_int_equal(length, 0);
    assert_int_equal(word, 0);
    options.struct_size = 3;
    assert_refused(scm_send_ex(card, &good, &options, response, sizeof response, &length, &word), SCM_E_INVALIDARG);
    assert_int_equal(bed_count(CARD), 0);

    scm_handle *gone = attach(CARD);
    assert_result(scm_detach(gone), SCM_S_OK);
    scm_handle *const none[] = {NULL, gone, (scm_handle *)&options};
    scm_card_capabilities capabilities = SCM_CARD_CAPABILITIES_INIT;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_refused(scm_send(none[i], &good, response, sizeof response, &length, &word), SCM_E_HANDLE);
        assert_refused(scm_send_ex(none[i], &good, NULL, response, sizeof response, &length, &word), SCM_E_HANDLE);
        assert_result(scm_get_card_capabilities(none[i], &capabilities), SCM_E_HANDLE);
        assert_result(scm_set_card_capabilities(none[i], NULL), SCM_E_HANDLE);
    }
}

/* --- Failures */

static void a_card_without_an_answer(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    scm_command read = command(0xB0, 0, 0, 0, 4);
    /* Fewer than two bytes, in the middle of several exchanges. */
    bed("card %d answer 00B0 6104", CARD);
    bed("card %d answer 00C0 90", CARD);
    assert_refused(scm_send(handle, &read, response, sizeof response, &length, &word), SCM_SCARD_F_COMM_ERROR);
    check_last_response(handle, NULL, 0);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_SCARD_E_NOT_TRANSACTED);
    bed("card %d forget", CARD);
    assert_result(scm_reconnect(handle), SCM_S_OK);

    /* The card responds with a success where it may not, and announces data that it does not have. */
    bed("card %d answer 10DA 6105", CARD);
    bed("card %d answer 00B0 6100", CARD);
    bed("card %d answer 00C0 6100", CARD);
    scm_command put = command(0xDA, 0x5F, 0x50, 600, 0);
    assert_refused(scm_send(handle, &put, response, sizeof response, &length, &word), SCM_SCARD_F_COMM_ERROR);
    check_last_response(handle, NULL, 0);
    assert_refused(scm_send(handle, &read, response, sizeof response, &length, &word), SCM_SCARD_F_COMM_ERROR);
    bed("card %d forget", CARD);
    assert_result(echo(handle), SCM_S_OK);
    assert_nobody_holds_the_card(CARD);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void a_card_that_is_pulled(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    scm_command put = command(0xDA, 0x5F, 0x50, 600, 0);
    bed("card %d drop", CARD);
    assert_refused(scm_send(handle, &put, response, sizeof response, &length, &word), SCM_SCARD_W_REMOVED_CARD);
    check_last_response(handle, NULL, 0);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_SCARD_E_NOT_TRANSACTED);
    bed("card %d plug", CARD);
    bed("await %d present", CARD);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_result(send(handle, &put), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_reconnect(card), SCM_S_OK);
}

static void a_reset_by_others_is_told(void **state)
{
    (void)state;
    scm_command read = command(0xCA, 0x5F, 0x50, 0, 256);
    bed("reset %d warm", CARD);
    assert_refused(scm_send(card, &read, response, sizeof response, &length, &word), SCM_SCARD_W_RESET_CARD);
    assert_result(scm_reconnect(card), SCM_S_OK);
}

/* --- One lock for all exchanges */

static scm_result send_a_lot(void *handle)
{
    static uint8_t many[2000], answer[1];
    scm_command put = command(0xDA, 0x5F, 0x51, 0, 0);
    size_t answer_length;
    uint16_t answer_word;
    put.data = many;
    put.data_length = sizeof many;
    return scm_send(handle, &put, answer, sizeof answer, &answer_length, &answer_word);
}

static void no_other_command_comes_between_the_exchanges(void **state)
{
    (void)state;
    struct wait wait;
    for (int i = 0; i < 3; i++) {
        fresh(CARD);
        bed("card %d delay 20", CARD);
        wait_begin(&wait, send_a_lot, card);
        bed_await_command(CARD);
        /* Another process has the card after all parts. */
        bed("hold %d transaction", CARD);
        assert_int_equal(bed_count(CARD), 8);
        bed("release %d leave", CARD);
        assert_result(wait_end(&wait), SCM_S_OK);
    }

    /* Another attachment of this process. */
    scm_handle *other = attach(CARD);
    fresh(CARD);
    bed("card %d delay 20", CARD);
    wait_begin(&wait, send_a_lot, card);
    bed_await_command(CARD);
    assert_result(echo(other), SCM_S_OK);
    assert_result(wait_end(&wait), SCM_S_OK);
    const char *log = bed("card %d log", CARD);
    assert_string_equal(strrchr(log, ' '), " 80EC000002CAFE");
    bed("card %d delay 0", CARD);
    assert_result(scm_detach(other), SCM_S_OK);
    assert_nobody_holds_the_card(CARD);
}

/* --- Limits */

struct sender {
    scm_handle *handle;
    scm_send_options options;
    size_t length;
    uint16_t word;
};

static scm_result send_with(void *argument)
{
    struct sender *sender = argument;
    uint8_t answer[16];
    scm_command echo = command(0xEC, 0, 0, 1, 1);
    echo.cla = 0x80;
    sender->length = 77;
    sender->word = 77;
    return scm_send_ex(sender->handle, &echo, &sender->options, answer, sizeof answer, &sender->length, &sender->word);
}

static scm_result allow(void *user, scm_handle *handle, uint64_t generation)
{
    (void)handle;
    (void)generation;
    ++*(int *)user;
    return SCM_S_OK;
}

static void a_wait_has_a_limit_and_can_be_cancelled(void **state)
{
    (void)state;
    for (int has_hook = 0; has_hook < 2; has_hook++) {
        int calls = 0;
        struct wait wait;
        struct sender sender = {attach(CARD), SCM_SEND_OPTIONS_INIT, 0, 0};
        scm_handle *holder = attach(CARD);
        if (has_hook) {
            sender.options.select_callback = allow;
            sender.options.user_data = &calls;
        }
        assert_result(scm_lock(holder), SCM_S_OK);
        fresh(CARD);
        sender.options.limit_ms = 30;
        double start = now_ms();
        assert_result(send_with(&sender), SCM_SCARD_E_TIMEOUT);
        assert_true(now_ms() - start >= 30);
        assert_int_equal(sender.length, 0);
        assert_int_equal(sender.word, 0);

        const uint32_t endless[] = {0, SCM_INFINITE};
        for (size_t i = 0; i < 2; i++) {
            sender.options.limit_ms = endless[i];
            wait_begin(&wait, send_with, &sender);
            assert_true(wait_is_reached(&wait));
            assert_result(scm_cancel(sender.handle), SCM_S_OK);
            assert_result(wait_end(&wait), SCM_SCARD_E_CANCELLED);
            assert_int_equal(sender.length, 0);
            assert_int_equal(sender.word, 0);
        }
        assert_int_equal(bed_count(CARD), 0);
        assert_int_equal(calls, 0);
        wait_begin(&wait, send_with, &sender);
        assert_true(wait_is_reached(&wait));
        assert_result(scm_unlock(holder, SCM_DISPOSITION_LEAVE), SCM_S_OK);
        assert_result(wait_end(&wait), SCM_S_OK);
        assert_int_equal(sender.word, 0x9000);
        assert_int_equal(calls, has_hook);
        assert_result(scm_detach(holder), SCM_S_OK);
        assert_result(scm_detach(sender.handle), SCM_S_OK);
    }
}

/* --- The hook */

struct hook {
    int calls;
    uint64_t generation;
    scm_handle *handle;
    scm_result result;
    bool selects, detaches;
};

static scm_result prepare(void *user, scm_handle *handle, uint64_t generation)
{
    struct hook *hook = user;
    uint8_t answer[64];
    size_t answer_length;
    uint16_t answer_word;
    hook->calls++;
    hook->generation = generation;
    hook->handle = handle;
    if (hook->detaches)
        return scm_detach(handle);
    if (!hook->selects)
        return hook->result;
    static const uint8_t aid[] = {0xF0, 0x73, 0x63, 0x6D};
    scm_command select = SCM_COMMAND_INIT;
    select.ins = 0xA4;
    select.p1 = 0x04;
    select.p2 = 0x0C;
    select.data = aid;
    select.data_length = sizeof aid;
    /* The hook's commands to select its application do not call the hook. */
    scm_send_options options = SCM_SEND_OPTIONS_INIT;
    options.select_callback = prepare;
    options.user_data = user;
    return scm_send_ex(handle, &select, &options, answer, sizeof answer, &answer_length, &answer_word);
}

static scm_result send_hooked(scm_handle *handle, struct hook *hook)
{
    scm_send_options options = SCM_SEND_OPTIONS_INIT;
    scm_command echo = command(0xEC, 0, 0, 1, 1);
    options.select_callback = prepare;
    options.user_data = hook;
    echo.cla = 0x80;
    length = 77;
    word = 77;
    return scm_send_ex(handle, &echo, &options, response, sizeof response, &length, &word);
}

static scm_handle *attach_exclusively(int reader)
{
    scm_handle *handle;
    scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
    options.share_mode = SCM_SHARE_EXCLUSIVE;
    assert_result(scm_attach_by_ifd_ex(bed_ifd(reader), &options, &handle), SCM_S_OK);
    return handle;
}

static void the_hook_is_called_once_and_after_a_loss_without_other_users(void **state)
{
    (void)state;
    struct hook hook = {0};
    assert_result(scm_detach(card_long), SCM_S_OK);
    scm_handle *handle = attach_exclusively(CARD_LONG);
    for (int i = 0; i < 3; i++)
        assert_result(send_hooked(handle, &hook), SCM_SCARD_E_UNSUPPORTED_FEATURE); /* 6E00 */
    assert_int_equal(hook.calls, 1);
    assert_ptr_equal(hook.handle, handle);
    assert_int_equal(hook.generation, 0);

    assert_result(scm_lock(handle), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_RESET), SCM_S_OK);
    send_hooked(handle, &hook);
    send_hooked(handle, &hook);
    assert_int_equal(hook.calls, 2);
    assert_int_equal(hook.generation, generation(handle));
    assert_int_equal(hook.generation, 1);

    bed("remove %d", CARD_LONG);
    bed("insert %d scm", CARD_LONG);
    assert_result(send_hooked(handle, &hook), SCM_SCARD_W_REMOVED_CARD);
    assert_int_equal(hook.calls, 2);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    send_hooked(handle, &hook);
    send_hooked(handle, &hook);
    assert_int_equal(hook.calls, 3);
    assert_int_equal(hook.generation, generation(handle));
    assert_result(scm_detach(handle), SCM_S_OK);
    card_long = attach(CARD_LONG);
}

static void the_hook_is_called_each_time_with_other_users(void **state)
{
    (void)state;
    struct hook hook = {0};
    scm_handle *mine = attach(CARD_LONG);
    for (int i = 1; i <= 3; i++) {
        send_hooked(mine, &hook);
        assert_int_equal(hook.calls, i);
    }
    /* Once under a lock of the caller: the selection there stays until another command or selection. */
    struct hook another = {0};
    scm_file_access *files;
    assert_result(scm_create_file_access(mine, &files), SCM_S_OK);
    assert_result(scm_lock(mine), SCM_S_OK);
    send_hooked(mine, &hook);
    send_hooked(mine, &hook);
    assert_int_equal(hook.calls, 4);
    send_hooked(mine, &another);
    send_hooked(mine, &another);
    assert_int_equal(another.calls, 1);
    send_hooked(mine, &hook);
    assert_int_equal(hook.calls, 5);
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ID, "3F00"), SCM_S_OK);
    send_hooked(mine, &hook);
    assert_int_equal(hook.calls, 6);
    scm_reconnect_options reset = SCM_RECONNECT_OPTIONS_INIT;
    reset.initial_action = SCM_DISPOSITION_RESET;
    assert_result(scm_reconnect_ex(mine, &reset), SCM_S_OK);
    send_hooked(mine, &hook);
    assert_int_equal(hook.calls, 7);
    assert_result(scm_unlock(mine, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_reconnect(card_long), SCM_S_OK);
    send_hooked(mine, &hook);
    assert_int_equal(hook.calls, 8);
    hook.calls = 4;

    /* Without the others it is alone, as far as known. */
    assert_result(scm_detach(card_long), SCM_S_OK);
    send_hooked(mine, &hook);
    send_hooked(mine, &hook);
    send_hooked(mine, &hook);
    assert_int_equal(hook.calls, others_can_be_known() ? 5 : 7);
    card_long = attach(CARD_LONG);
    assert_result(scm_detach(card_long), SCM_S_OK);
    hook.calls = 0;
    send_hooked(mine, &hook);
    assert_int_equal(hook.calls, 1);
    card_long = mine;
}

/* Sends with another hook, then without one, then recursively with itself. */
static scm_result prepare_with_others(void *user, scm_handle *handle, uint64_t generation)
{
    struct hook *hook = user, another = {0};
    scm_command echo = command(0xEC, 0, 0, 1, 1);
    scm_send_options options = SCM_SEND_OPTIONS_INIT;
    (void)generation;
    if (++hook->calls > 3)
        return SCM_E_FAIL;
    send_hooked(handle, &another);
    assert_int_equal(another.calls, 1);
    scm_send(handle, &echo, response, sizeof response, &length, &word);
    options.select_callback = prepare_with_others;
    options.user_data = user;
    scm_send_ex(handle, &echo, &options, response, sizeof response, &length, &word);
    return SCM_S_OK;
}

static void hooks_inside_of_hooks_have_an_end(void **state)
{
    (void)state;
    struct hook hook = {0};
    scm_command echo = command(0xEC, 0, 0, 1, 1);
    scm_send_options options = SCM_SEND_OPTIONS_INIT;
    echo.cla = 0x80;
    options.select_callback = prepare_with_others;
    options.user_data = &hook;
    assert_result(scm_send_ex(card, &echo, &options, response, sizeof response, &length, &word), SCM_S_OK);
    assert_int_equal(word, 0x9000);
    assert_int_equal(hook.calls, 1);
}

static void a_hook_that_fails_ends_the_command(void **state)
{
    (void)state;
    struct hook hook = {.result = SCM_SCARD_W_SECURITY_VIOLATION};
    fresh(CARD);
    for (int i = 1; i <= 2; i++) {
        assert_refused(send_hooked(card, &hook), SCM_SCARD_W_SECURITY_VIOLATION);
        assert_int_equal(hook.calls, i);
    }
    assert_int_equal(bed_count(CARD), 0);
    assert_nobody_holds_the_card(CARD);
    hook.result = SCM_S_FALSE;
    assert_result(send_hooked(card, &hook), SCM_S_OK);
    assert_int_equal(bed_count(CARD), 1);
}

static void a_hook_sends_on_the_same_handle(void **state)
{
    (void)state;
    struct hook hook = {.selects = true};
    scm_handle *handle = attach(CARD);
    data[0] = 0x42;
    fresh(CARD);
    assert_result(send_hooked(handle, &hook), SCM_S_OK);
    assert_int_equal(hook.calls, 1);
    assert_string_equal(bed("card %d log", CARD), "00A4040C04F073636D 80EC0000014201");
    check_last_response(handle, "\x42\x90\x00", 3);
    assert_nobody_holds_the_card(CARD);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void a_hook_may_detach(void **state)
{
    (void)state;
    struct hook hook = {.detaches = true};
    scm_handle *handle = attach(CARD);
    fresh(CARD);
    assert_refused(send_hooked(handle, &hook), SCM_E_HANDLE);
    assert_int_equal(bed_count(CARD), 0);
    assert_result(scm_detach(handle), SCM_E_HANDLE);
    assert_nobody_holds_the_card(CARD);
}

static void a_hook_is_not_called_without_the_card(void **state)
{
    (void)state;
    struct hook hook = {0};
    scm_handle *handle = attach(CARD);
    bed("reset %d warm", CARD);
    assert_refused(send_hooked(handle, &hook), SCM_SCARD_W_RESET_CARD);
    assert_int_equal(hook.calls, 0);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_result(send_hooked(handle, &hook), SCM_S_OK);
    assert_int_equal(hook.calls, 1);
    assert_int_equal(hook.generation, 1);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_reconnect(card), SCM_S_OK);
}

/* --- Capabilities */

static void chaining_is_tried_on_a_card_without_capabilities(void **state)
{
    (void)state;
    fresh(CARD);
    check_capabilities(card, SCM_CARD_CHAINING, 255, 256);
    /* It was asked for EF.ATR/INFO, and has none. */
    assert_int_equal(bed_count(CARD), 1);
    check_capabilities(card, SCM_CARD_CHAINING, 255, 256);
    assert_int_equal(bed_count(CARD), 1);
}

static void a_card_says_what_it_can_do(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD_LONG);
    scm_command select = command(0xA4, 0, 0x0C, 0, 0);
    /* The ATR announces extended lengths, and the maximum was not read yet: so the command goes in parts. */
    fresh(CARD_LONG);
    bed("card %d answer 00DA 9000", CARD_LONG);
    bed("card %d answer 10DA 9000", CARD_LONG);
    check_send(handle, command(0xDA, 0x5F, 0x50, 60000, 0), SCM_S_OK, 0, 0x9000);
    assert_int_equal(bed_count(CARD_LONG), (60000 + 254) / 255);
    bed("card %d clear", CARD_LONG);
    check_send(handle, command(0xCA, 0x5F, 0x52, 0, SCM_EXPECTED_MAX), SCM_S_OK, 11, 0x9000);
    assert_string_equal(bed("card %d log", CARD_LONG), "00CA5F52000000");

    check_capabilities(handle, SCM_CARD_CHAINING | SCM_CARD_EXTENDED, EF_ATR_COMMAND, EF_ATR_RESPONSE);
    int asked = bed_count(CARD_LONG);
    assert_true(asked > 1);
    bed("card %d clear", CARD_LONG);
    check_send(handle, command(0xDA, 0x5F, 0x50, 60000, 0), SCM_S_OK, 0, 0x9000);
    assert_int_equal(bed_count(CARD_LONG), 1);
    bed("card %d clear", CARD_LONG);
    asked = 0;
    check_capabilities(handle, SCM_CARD_CHAINING | SCM_CARD_EXTENDED, EF_ATR_COMMAND, EF_ATR_RESPONSE);
    assert_int_equal(bed_count(CARD_LONG), asked);
    fresh(CARD_LONG);
    check_send(handle, command(0xCA, 0x5F, 0x52, 0, SCM_EXPECTED_MAX), SCM_S_OK, 11, 0x9000);
    assert_int_equal(bed_count(CARD_LONG), 1);
    assert_result(send(handle, &select), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

/* --- A reader that tells its maximum (PC/SC part 10) */

#define FEATURE_GET_TLV_PROPERTIES 0x42330012

static uint32_t carried;
static int asked;
/* The reader whose card is removed at the next question. */
static scm_virtual_ifd *breaking;

static scm_result control(void *user, uint32_t code, const uint8_t *input, size_t input_length, uint8_t *output,
                          size_t capacity, size_t *output_length)
{
    (void)user, (void)input, (void)input_length, (void)capacity;
    const uint8_t features[] = {0x06, 4, 0x42, 0x33, 0, 6, 0x12, 4, 0x42, 0x33, 0, 0x12};
    const uint8_t properties[] = {0x01, 2, 0, 0, 0x0A, 4, (uint8_t)carried, (uint8_t)(carried >> 8),
                                  (uint8_t)(carried >> 16), 0};
    asked++;
    if (breaking != NULL) {
        assert_result(scm_virtual_ifd_remove(breaking), SCM_S_OK);
        breaking = NULL;
        return SCM_E_FAIL;
    }
    if (code == scm_ctl_code(3400)) {
        memcpy(output, features, *output_length = sizeof features);
        return SCM_S_OK;
    }
    if (code == FEATURE_GET_TLV_PROPERTIES) {
        memcpy(output, properties, *output_length = sizeof properties);
        return SCM_S_OK;
    }
    return SCM_SCARD_E_UNSUPPORTED_FEATURE;
}

static void a_reader_says_what_it_carries(void **state)
{
    (void)state;
    const struct {
        uint32_t carried, flags, command_data, response_data;
    } readers[] = {
        {0, SCM_CARD_CHAINING, 255, 256},
        {256, SCM_CARD_CHAINING, 255, 256},
        {1000, SCM_CARD_CHAINING | SCM_CARD_EXTENDED, 1000, 1000},
        {65536, SCM_CARD_CHAINING | SCM_CARD_EXTENDED, EF_ATR_COMMAND, EF_ATR_RESPONSE},
    };
    scm_card *inserted;
    scm_virtual_ifd *ifd;
    scm_virtual_card plug = SCM_VIRTUAL_CARD_INIT;
    assert_result(scm_card_create("default", &inserted), SCM_S_OK);
    assert_result(scm_card_plug(inserted, &plug), SCM_S_OK);
    plug.control = control;
    assert_result(scm_virtual_ifd_create("Reader with limits", NULL, &ifd), SCM_S_OK);
    assert_result(scm_virtual_ifd_insert(ifd, &plug), SCM_S_OK);
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        scm_handle *handle;
        carried = readers[i].carried;
        assert_result(scm_attach_by_ifd("Reader with limits", &handle), SCM_S_OK);
        check_capabilities(handle, readers[i].flags, readers[i].command_data, readers[i].response_data);
        asked = 0;
        check_send(handle, command(0xCA, 0x5F, 0x52, 0, SCM_EXPECTED_MAX), SCM_S_OK, 11, 0x9000);
        assert_int_equal(asked, 0);
        /* The caller overrides readers too. */
        set_capabilities(handle, SCM_CARD_EXTENDED, 0, 0);
        check_capabilities(handle, SCM_CARD_EXTENDED, 65535, 65536);
        assert_result(scm_detach(handle), SCM_S_OK);
    }
    /* A reader that could not answer is asked again. */
    scm_handle *handle;
    scm_card_capabilities capabilities = SCM_CARD_CAPABILITIES_INIT;
    carried = 1000;
    assert_result(scm_attach_by_ifd("Reader with limits", &handle), SCM_S_OK);
    breaking = ifd;
    scm_get_card_capabilities(handle, &capabilities);
    assert_null(breaking);
    assert_result(scm_virtual_ifd_insert(ifd, &plug), SCM_S_OK);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    check_capabilities(handle, SCM_CARD_CHAINING | SCM_CARD_EXTENDED, 1000, 1000);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
    assert_result(scm_card_destroy(inserted), SCM_S_OK);
}

/* A missing answer tells nothing about the card. */
static void a_card_that_is_pulled_has_said_nothing(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD_LONG);
    scm_card_capabilities capabilities = SCM_CARD_CAPABILITIES_INIT;
    bed("card %d drop", CARD_LONG);
    assert_result(scm_get_card_capabilities(handle, &capabilities), SCM_SCARD_W_REMOVED_CARD);
    assert_int_equal(capabilities.flags, 0);
    bed("card %d plug", CARD_LONG);
    bed("await %d present", CARD_LONG);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_result(scm_reconnect(card_long), SCM_S_OK);
    check_capabilities(handle, SCM_CARD_CHAINING | SCM_CARD_EXTENDED, EF_ATR_COMMAND, EF_ATR_RESPONSE);

    /* The answer is cut off: the state of the card is unknown, and the file is asked for once more. */
    assert_result(scm_detach(handle), SCM_S_OK);
    handle = attach(CARD_LONG);
    bed("card %d answer 00A4 90", CARD_LONG);
    assert_result(scm_get_card_capabilities(handle, &capabilities), SCM_SCARD_F_COMM_ERROR);
    bed("card %d forget", CARD_LONG);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    check_capabilities(handle, SCM_CARD_CHAINING | SCM_CARD_EXTENDED, EF_ATR_COMMAND, EF_ATR_RESPONSE);

    /* There is no such file after all: only the ATR counts. */
    assert_result(scm_detach(handle), SCM_S_OK);
    handle = attach(CARD_LONG);
    bed("card %d answer 00A4 6A82", CARD_LONG);
    check_capabilities(handle, SCM_CARD_CHAINING | SCM_CARD_EXTENDED, 65535, 65536);
    fresh(CARD_LONG);
    check_capabilities(handle, SCM_CARD_CHAINING | SCM_CARD_EXTENDED, 65535, 65536);
    assert_int_equal(bed_count(CARD_LONG), 0);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void the_caller_has_the_last_word(void **state)
{
    (void)state;
    memset(data, 5, 700);
    set_capabilities(card, SCM_CARD_CHAINING | SCM_CARD_EXTENDED, 300, 400);
    check_capabilities(card, SCM_CARD_CHAINING | SCM_CARD_EXTENDED, 300, 400);
    check_send(card, command(0xDA, 0x5F, 0x50, 700, 0), SCM_S_OK, 0, 0x9000);
    fresh(CARD);
    bed("card %d answer 00D6 9000", CARD);
    bed("card %d answer 10D6 9000", CARD);
    check_send(card, command(0xD6, 0, 0, 700, 0), SCM_S_OK, 0, 0x9000);
    const char *log = bed("card %d log", CARD);
    assert_memory_equal(log, "10D6000000012C0505", 18);
    assert_non_null(strstr(log, " 00D600006405"));
    assert_int_equal(bed_count(CARD), 3);
    fresh(CARD);
    check_send(card, command(0xCA, 0x5F, 0x50, 0, 700), SCM_S_OK, 700, 0x9000);
    assert_memory_equal(bed("card %d log", CARD), "00CA5F50000190 00C0", 19);

    /* It belongs to the handle, also after a reconnect, and to no other one. */
    scm_handle *other = attach(CARD);
    check_capabilities(other, SCM_CARD_CHAINING, 255, 256);
    assert_result(scm_detach(other), SCM_S_OK);
    bed("reset %d warm", CARD);
    assert_result(scm_reconnect(card), SCM_S_OK);
    check_capabilities(card, SCM_CARD_CHAINING | SCM_CARD_EXTENDED, 300, 400);
    set_capabilities(card, SCM_CARD_EXTENDED, 0, 0);
    check_capabilities(card, SCM_CARD_EXTENDED, 65535, 65536);
    /* Without extended lengths they are short ones. */
    set_capabilities(card, NOTHING, 7, 8);
    check_capabilities(card, NOTHING, 7, 8);
    set_capabilities(card, NOTHING, 0, 0);
    check_capabilities(card, NOTHING, 255, 256);
    assert_result(scm_set_card_capabilities(card, NULL), SCM_S_OK);
    check_capabilities(card, SCM_CARD_CHAINING, 255, 256);
}

static void bad_capabilities_change_nothing(void **state)
{
    (void)state;
    const scm_card_capabilities bad[] = {
        {0, 0, 0, 0, 0},
        {19, 0, 0, 0, 0},
        {sizeof(scm_card_capabilities), 4, 0, 0, 0},
        {sizeof(scm_card_capabilities), SCM_CARD_EXTENDED, 254, 0, 0},
        {sizeof(scm_card_capabilities), SCM_CARD_EXTENDED, 65536, 0, 0},
        {sizeof(scm_card_capabilities), SCM_CARD_EXTENDED, 0, 255, 0},
        {sizeof(scm_card_capabilities), SCM_CARD_EXTENDED, 0, 65537, 0},
        {sizeof(scm_card_capabilities), SCM_CARD_CHAINING, 256, 0, 0},
        {sizeof(scm_card_capabilities), SCM_CARD_CHAINING, 0, 257, 0},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_result(scm_set_card_capabilities(card, &bad[i]), SCM_E_INVALIDARG);
    check_capabilities(card, SCM_CARD_CHAINING, 255, 256);
    scm_card_capabilities told = {19, 0, 0, 0, 0};
    assert_result(scm_get_card_capabilities(card, &told), SCM_E_INVALIDARG);
    assert_result(scm_get_card_capabilities(card, NULL), SCM_E_POINTER);
}

static int begin(void **state)
{
    (void)state;
    bed("insert %d steerable", CARD);
    bed("insert %d steerable 3B00", CARD_T0);
    bed("insert %d scm", CARD_LONG);
    card = attach(CARD);
    card_t0 = attach(CARD_T0);
    card_long = attach(CARD_LONG);
    return 0;
}

static int end(void **state)
{
    (void)state;
    return scm_detach(card) | scm_detach(card_t0) | scm_detach(card_long);
}

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_of_every_length_come_back),
        cmocka_unit_test(t_1_takes_what_it_can_in_one_exchange),
        cmocka_unit_test(t_0_has_its_answers_fetched),
        cmocka_unit_test(t_0_sends_long_data_in_parts),
        cmocka_unit_test(data_of_a_refused_try_are_discarded),
        cmocka_unit_test(an_answer_is_fetched_in_the_class_of_the_card),
        cmocka_unit_test(commands_for_the_reader_go_as_they_are),
        cmocka_unit_test(a_command_that_cannot_be_transported_is_not_sent),
        cmocka_unit_test(a_card_that_knows_no_chaining_says_so),
        cmocka_unit_test(a_counted_command_is_sent_once),
        cmocka_unit_test(channels_are_put_into_the_class),
        cmocka_unit_test(transmit_stays_raw),
        cmocka_unit_test(words_become_codes),
        cmocka_unit_test(data_come_with_any_word),
        cmocka_unit_test(an_answer_that_does_not_fit_is_not_lost),
        cmocka_unit_test(unexpected_data_are_not_lost),
        cmocka_unit_test(the_answer_may_lie_on_the_data),
        cmocka_unit_test(bad_commands_are_not_sent),
        cmocka_unit_test(a_longer_command_is_read_as_far_as_it_is_known),
        cmocka_unit_test(bad_pointers_and_handles),
        cmocka_unit_test(a_card_without_an_answer),
        cmocka_unit_test(a_card_that_is_pulled),
        cmocka_unit_test(a_reset_by_others_is_told),
        cmocka_unit_test(no_other_command_comes_between_the_exchanges),
        cmocka_unit_test(a_wait_has_a_limit_and_can_be_cancelled),
        cmocka_unit_test(the_hook_is_called_once_and_after_a_loss_without_other_users),
        cmocka_unit_test(the_hook_is_called_each_time_with_other_users),
        cmocka_unit_test(hooks_inside_of_hooks_have_an_end),
        cmocka_unit_test(a_hook_that_fails_ends_the_command),
        cmocka_unit_test(a_hook_sends_on_the_same_handle),
        cmocka_unit_test(a_hook_may_detach),
        cmocka_unit_test(a_hook_is_not_called_without_the_card),
        cmocka_unit_test(chaining_is_tried_on_a_card_without_capabilities),
        cmocka_unit_test(a_card_says_what_it_can_do),
        cmocka_unit_test(a_reader_says_what_it_carries),
        cmocka_unit_test(a_card_that_is_pulled_has_said_nothing),
        cmocka_unit_test(the_caller_has_the_last_word),
        cmocka_unit_test(bad_capabilities_change_nothing),
    };
    return cmocka_run_group_tests(tests, begin, end);
}

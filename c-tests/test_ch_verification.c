/* Codes: verified, counted, changed, unblocked and revoked, on the test card and on a card of another project.
 * test_pin_pad.c tests the PIN pad. */
#include "support/check.h"

#define CARD 0
#define OPENPGP 1

/* The codes of the default profile (crates/card/profiles/default.toml). */
#define PIN 1
#define PUK 2
#define LOCAL_CODE 1

static scm_handle *card;
static scm_ch_verification *codes;
static uint32_t left;

static const uint8_t *bytes(const char *text)
{
    return (const uint8_t *)text;
}

static size_t length_of(const char *text)
{
    return text == NULL ? 0 : strlen(text);
}

static scm_result verify(const char *code, uint32_t flags, uint32_t reference)
{
    left = 77;
    return scm_ch_verification_verify(codes, bytes(code), length_of(code), flags, reference, &left);
}

static scm_result change(const char *from, const char *to, uint32_t flags, uint32_t reference)
{
    left = 77;
    return scm_ch_verification_change_code(codes, bytes(from), length_of(from), bytes(to), length_of(to), flags,
                                           reference, &left);
}

static scm_result unblock(const char *with, const char *to, uint32_t flags, uint32_t reference)
{
    left = 77;
    return scm_ch_verification_unblock(codes, bytes(with), length_of(with), bytes(to), length_of(to), flags, reference,
                                       &left);
}

#define assert_left(call, expected, tries)                                                                             \
    do {                                                                                                               \
        assert_result((call), (expected));                                                                             \
        assert_int_equal(left, (tries));                                                                               \
    } while (0)

static scm_ch_verification *create(scm_handle *handle, uint32_t block_length)
{
    scm_ch_verification *made = NULL;
    scm_ch_verification_options options = SCM_CH_VERIFICATION_OPTIONS_INIT;
    options.block_length = block_length;
    assert_result(scm_create_ch_verification_ex(handle, &options, &made), SCM_S_OK);
    assert_non_null(made);
    return made;
}

/* Selects by identifier, or by a name, which is longer. */
static void select_file(const char *id, size_t length)
{
    uint8_t command[32] = {0x00, 0xA4, length == 2 ? 0x00 : 0x04, 0x00, (uint8_t)length}, response[258];
    size_t received;
    memcpy(command + 5, id, length);
    assert_result(scm_transmit(card, command, 6 + length, response, sizeof response, &received), SCM_S_OK);
    assert_in_range(received, 2, sizeof response);
    assert_memory_equal(response + received - 2, "\x90\x00", 2);
}

static void an_object_needs_an_attachment(void **state)
{
    (void)state;
    scm_ch_verification *made = (scm_ch_verification *)&made;
    assert_result(scm_create_ch_verification(NULL, &made), SCM_SCARD_E_ICC_CREATEORDER);
    assert_null(made);
    assert_result(scm_create_ch_verification(card, NULL), SCM_E_POINTER);
    assert_result(scm_create_ch_verification_ex(card, NULL, NULL), SCM_E_POINTER);
    assert_result(scm_create_ch_verification((scm_handle *)codes, &made), SCM_E_HANDLE);
    assert_result(scm_create_ch_verification((scm_handle *)&made, &made), SCM_E_HANDLE);

    scm_handle *other = attach(CARD);
    assert_result(scm_create_ch_verification_ex(other, NULL, &made), SCM_S_OK);
    assert_result(scm_detach(other), SCM_S_OK);
    left = 77;
    assert_result(scm_ch_verification_verify(made, bytes("1234"), 4, 0, PIN, &left), SCM_E_HANDLE);
    assert_int_equal(left, SCM_RETRIES_UNKNOWN);
    assert_result(scm_ch_verification_release(made), SCM_E_HANDLE);
    assert_result(scm_create_ch_verification(other, &made), SCM_E_HANDLE);
    assert_null(made);
}

static void options_have_limits(void **state)
{
    (void)state;
    static const scm_ch_verification_options wrong[] = {
        {4, 0, 0, 0, 0, 0, 0, 0},
        {0, 0, 0, 0, 0, 0, 0, 0},
        {sizeof *wrong, 4, 0, 0, 0, 0, 0, 0},
        {sizeof *wrong, 0, SCM_CODE_MAX + 1, 0, 0, 0, 0, 0},
        {sizeof *wrong, 0, 0, 1, 0, 0, 0, 0},
        {sizeof *wrong, 0, 0, 0x200, 0, 0, 0, 0},
        {sizeof *wrong, 0, 8, 0, 9, 0, 0, 0},
        {sizeof *wrong, 0, 8, 0, 0, 9, 0, 0},
        {sizeof *wrong, 0, 0, 0, 5, 4, 0, 0},
        {sizeof *wrong, 0, 0, 0, 0, SCM_CODE_MAX + 1, 0, 0},
        {sizeof *wrong, 0, 0, 0, UINT32_MAX, UINT32_MAX, 0, 0},
        {sizeof *wrong, SCM_CODE_BCD, 4, 0, 0, 9, 0, 0},
        {sizeof *wrong, SCM_CODE_ISO9564_2, 7, 0, 0, 0, 0, 0},
        {sizeof *wrong, SCM_CODE_ISO9564_2, 0, SCM_CODE_FILLER, 0, 0, 0, 0},
        {sizeof *wrong, SCM_CODE_ISO9564_2, 0, 0, 3, 0, 0, 0},
        {sizeof *wrong, SCM_CODE_ISO9564_2, 0, 0, 0, 13, 0, 0},
        {sizeof *wrong, 0, 0, 0, 0, 0, 255001, 0},
        {sizeof *wrong, 0, 0, 0, 0, 0, SCM_INFINITE - 1, 0},
        {sizeof *wrong, 0, 0, 0, 0, 0, 0, 0x10000},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        scm_ch_verification *made = (scm_ch_verification *)&made;
        assert_result(scm_create_ch_verification_ex(card, &wrong[i], &made), SCM_E_INVALIDARG);
        assert_null(made);
    }
    static const scm_ch_verification_options right[] = {
        {sizeof *right, SCM_CODE_ASCII, SCM_CODE_MAX, SCM_CODE_FILLER, 1, SCM_CODE_MAX, 255000, 0xFFFF},
        {sizeof *right, SCM_CODE_BCD, 4, SCM_CODE_FILLER | 0xFF, 8, 8, 0, 0},
        {sizeof *right, SCM_CODE_ISO9564_2, 8, SCM_CODE_FILLER | 0xFF, 4, 12, 0, 0},
    };
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        scm_ch_verification *made = NULL;
        assert_result(scm_create_ch_verification_ex(card, &right[i], &made), SCM_S_OK);
        assert_result(scm_ch_verification_release(made), SCM_S_OK);
    }
}

static void every_function_refuses_an_invalid_handle(void **state)
{
    (void)state;
    scm_ch_verification *released = create(card, 0);
    assert_result(scm_ch_verification_release(released), SCM_S_OK);
    scm_ch_verification *right = codes, *wrong[] = {NULL, released, (scm_ch_verification *)card,
                                                    (scm_ch_verification *)&wrong};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        codes = wrong[i];
        assert_left(verify("1234", 0, PIN), SCM_E_HANDLE, SCM_RETRIES_UNKNOWN);
        assert_left(change("1234", "1234", 0, PIN), SCM_E_HANDLE, SCM_RETRIES_UNKNOWN);
        assert_left(unblock("1234", "1234", 0, PIN), SCM_E_HANDLE, SCM_RETRIES_UNKNOWN);
        assert_result(scm_ch_verification_reset_security_state(codes), SCM_E_HANDLE);
        assert_result(scm_ch_verification_release(codes), SCM_E_HANDLE);
    }
    codes = right;
    assert_result(scm_detach((scm_handle *)codes), SCM_E_HANDLE);
}

static void bad_arguments_send_nothing(void **state)
{
    (void)state;
    bed("card %d clear", CARD);
    const uint8_t *code = bytes("1234");
    assert_result(scm_ch_verification_verify(codes, code, 4, 0, PIN, NULL), SCM_E_POINTER);
    assert_result(scm_ch_verification_change_code(codes, code, 4, code, 4, 0, PIN, NULL), SCM_E_POINTER);
    assert_result(scm_ch_verification_unblock(codes, code, 4, code, 4, 0, PIN, NULL), SCM_E_POINTER);
    assert_result(scm_ch_verification_verify(codes, NULL, 4, 0, PIN, &left), SCM_E_INVALIDARG);
    assert_result(scm_ch_verification_verify(codes, code, SIZE_MAX, 0, PIN, &left), SCM_E_INVALIDARG);
    assert_result(scm_ch_verification_change_code(codes, NULL, 4, code, 4, 0, PIN, &left), SCM_E_INVALIDARG);
    assert_result(scm_ch_verification_change_code(codes, code, 4, NULL, 4, 0, PIN, &left), SCM_E_INVALIDARG);
    assert_result(scm_ch_verification_unblock(codes, NULL, 4, code, 4, 0, PIN, &left), SCM_E_INVALIDARG);
    assert_result(scm_ch_verification_unblock(codes, code, 4, NULL, 4, 0, PIN, &left), SCM_E_INVALIDARG);

    uint32_t places = SCM_FL_IHV_GLOBAL | SCM_FL_IHV_LOCAL;
    uint32_t verifies = SCM_FL_IHV_CHECKONLY;
    uint32_t changes = SCM_FL_IHV_ENABLE | SCM_FL_IHV_DISABLE | SCM_FL_IHV_CHANGE;
    uint32_t unblocks = SCM_FL_IHV_PIN_PAD;
    for (uint32_t flag = 1; flag != 0; flag <<= 1) {
        if (flag == SCM_FL_SECURE_MESSAGING) {
            assert_left(verify("1234", flag, PIN), SCM_SCARD_E_UNSUPPORTED_FEATURE, SCM_RETRIES_UNKNOWN);
            assert_left(change("1234", "1234", flag, PIN), SCM_SCARD_E_UNSUPPORTED_FEATURE, SCM_RETRIES_UNKNOWN);
            assert_left(unblock("1234", "1234", flag, PIN), SCM_SCARD_E_UNSUPPORTED_FEATURE, SCM_RETRIES_UNKNOWN);
            continue;
        }
        if (!(flag & (places | verifies)))
            assert_left(verify("1234", flag, PIN), SCM_E_INVALIDARG, SCM_RETRIES_UNKNOWN);
        if (!(flag & (places | changes)))
            assert_left(change("1234", "1234", flag, PIN), SCM_E_INVALIDARG, SCM_RETRIES_UNKNOWN);
        if (!(flag & (places | unblocks)))
            assert_left(unblock("1234", "1234", flag, PIN), SCM_E_INVALIDARG, SCM_RETRIES_UNKNOWN);
    }
    assert_result(verify("1234", places, PIN), SCM_E_INVALIDARG);
    assert_result(change("1234", "1234", places, PIN), SCM_E_INVALIDARG);
    assert_result(unblock("1234", "1234", places, PIN), SCM_E_INVALIDARG);
    assert_result(verify("1234", SCM_FL_IHV_CHECKONLY, PIN), SCM_E_INVALIDARG);
    assert_result(change("1234", NULL, SCM_FL_IHV_ENABLE | SCM_FL_IHV_DISABLE, PIN), SCM_E_INVALIDARG);
    assert_result(change("1234", "1234", SCM_FL_IHV_ENABLE | SCM_FL_IHV_CHANGE, PIN), SCM_E_INVALIDARG);
    assert_result(change("1234", "1234", SCM_FL_IHV_ENABLE, PIN), SCM_E_INVALIDARG);
    assert_result(change("1234", "1234", SCM_FL_IHV_DISABLE, PIN), SCM_E_INVALIDARG);
    assert_result(unblock("1234", NULL, SCM_FL_IHV_PIN_PAD, PIN), SCM_E_INVALIDARG);
    assert_result(unblock(NULL, "1234", SCM_FL_IHV_PIN_PAD, PIN), SCM_E_INVALIDARG);
    for (uint32_t reference = 32; reference != 0; reference *= 2) {
        assert_left(verify("1234", 0, reference), SCM_E_INVALIDARG, SCM_RETRIES_UNKNOWN);
        assert_result(verify("1234", SCM_FL_IHV_LOCAL, reference), SCM_E_INVALIDARG);
        assert_result(change("1234", "1234", 0, reference), SCM_E_INVALIDARG);
        assert_result(unblock("1234", "1234", 0, reference), SCM_E_INVALIDARG);
    }
    assert_int_equal(bed_count(CARD), 0);
}

static void an_invalid_code_is_not_sent(void **state)
{
    (void)state;
    bed("card %d clear", CARD);
    assert_left(verify("123456789", 0, PIN), SCM_SCARD_E_INVALID_CHV, SCM_RETRIES_UNKNOWN);
    assert_left(change("1234", "123456789", 0, PIN), SCM_SCARD_E_INVALID_CHV, SCM_RETRIES_UNKNOWN);
    assert_left(change("1234", NULL, 0, PIN), SCM_SCARD_E_INVALID_CHV, SCM_RETRIES_UNKNOWN);
    assert_left(unblock("123456789", "1234", 0, PIN), SCM_SCARD_E_INVALID_CHV, SCM_RETRIES_UNKNOWN);
    scm_ch_verification *right = codes;
    scm_ch_verification_options options = SCM_CH_VERIFICATION_OPTIONS_INIT;
    for (uint32_t encoding = SCM_CODE_BCD; encoding <= SCM_CODE_ISO9564_2; encoding++) {
        options.encoding = encoding;
        options.code_length_min = 4;
        assert_result(scm_create_ch_verification_ex(card, &options, &codes), SCM_S_OK);
        assert_left(verify("12x4", 0, PIN), SCM_SCARD_E_INVALID_CHV, SCM_RETRIES_UNKNOWN);
        assert_left(verify("123", 0, PIN), SCM_SCARD_E_INVALID_CHV, SCM_RETRIES_UNKNOWN);
        assert_result(scm_ch_verification_release(codes), SCM_S_OK);
    }
    codes = right;
    assert_int_equal(bed_count(CARD), 0);
}

static void without_a_pin_pad_nothing_is_sent(void **state)
{
    (void)state;
    bed("card %d clear", CARD);
    assert_left(verify(NULL, 0, PIN), SCM_SCARD_E_UNSUPPORTED_FEATURE, SCM_RETRIES_UNKNOWN);
    assert_left(verify("", 0, PIN), SCM_SCARD_E_UNSUPPORTED_FEATURE, SCM_RETRIES_UNKNOWN);
    assert_left(change(NULL, NULL, 0, PIN), SCM_SCARD_E_UNSUPPORTED_FEATURE, SCM_RETRIES_UNKNOWN);
    assert_left(change(NULL, NULL, SCM_FL_IHV_ENABLE, PIN), SCM_SCARD_E_UNSUPPORTED_FEATURE, SCM_RETRIES_UNKNOWN);
    assert_left(unblock(NULL, NULL, SCM_FL_IHV_PIN_PAD, PIN), SCM_SCARD_E_UNSUPPORTED_FEATURE, SCM_RETRIES_UNKNOWN);
    assert_int_equal(bed_count(CARD), 0);
}

static void a_code_is_verified_and_taken_back(void **state)
{
    (void)state;
    bed("card %d clear", CARD);
    assert_left(verify(NULL, SCM_FL_IHV_CHECKONLY, PIN), SCM_SCARD_W_CARD_NOT_AUTHENTICATED, 3);
    assert_left(verify("1234", SCM_FL_IHV_GLOBAL, PIN), SCM_S_OK, SCM_RETRIES_UNKNOWN);
    assert_left(verify(NULL, SCM_FL_IHV_CHECKONLY | SCM_FL_IHV_GLOBAL, PIN), SCM_S_OK, SCM_RETRIES_UNKNOWN);
    assert_result(scm_ch_verification_reset_security_state(codes), SCM_S_OK);
    assert_left(verify(NULL, SCM_FL_IHV_CHECKONLY, PIN), SCM_SCARD_W_CARD_NOT_AUTHENTICATED, 3);
    /* Nothing is verified, so the question is not needed. */
    assert_result(scm_ch_verification_reset_security_state(codes), SCM_S_OK);
    assert_string_equal(bed("card %d log", CARD), "00200001 00200001.. 00200001 0020FF01 00200001 00200001");
}

static void every_code_of_an_object_is_taken_back(void **state)
{
    (void)state;
    select_file("\xA0\x00\x00\x03\x97\x73\x63\x6D\x01", 9);
    assert_result(verify("1234", 0, PIN), SCM_S_OK);
    assert_result(verify("12345678", 0, PUK), SCM_S_OK);
    scm_ch_verification *filled = codes;
    codes = create(card, 0);
    assert_result(verify("secret", SCM_FL_IHV_LOCAL, LOCAL_CODE), SCM_S_OK);
    assert_result(scm_ch_verification_reset_security_state(codes), SCM_S_OK);
    assert_left(verify(NULL, SCM_FL_IHV_CHECKONLY | SCM_FL_IHV_LOCAL, LOCAL_CODE), SCM_SCARD_W_CARD_NOT_AUTHENTICATED,
                5);
    assert_result(scm_ch_verification_release(codes), SCM_S_OK);
    codes = filled;
    assert_result(verify(NULL, SCM_FL_IHV_CHECKONLY, PIN), SCM_S_OK);
    assert_result(scm_ch_verification_reset_security_state(codes), SCM_S_OK);
    assert_left(verify(NULL, SCM_FL_IHV_CHECKONLY, PIN), SCM_SCARD_W_CARD_NOT_AUTHENTICATED, 3);
    assert_left(verify(NULL, SCM_FL_IHV_CHECKONLY, PUK), SCM_SCARD_W_CARD_NOT_AUTHENTICATED, 10);
    select_file("\x3F\x00", 2);
}

/* One card refuses to revoke it; the other ignores P1, and responds to a question that was not asked. */
static void a_verification_that_stays_is_no_success(void **state)
{
    (void)state;
    assert_result(verify("1234", 0, PIN), SCM_S_OK);
    bed("card %d answer 0020FF 6A86", CARD);
    assert_result(scm_ch_verification_reset_security_state(codes), SCM_SCARD_E_UNSUPPORTED_FEATURE);
    bed("card %d forget", CARD);
    bed("card %d answer 0020FF 9000", CARD);
    assert_result(scm_ch_verification_reset_security_state(codes), SCM_SCARD_E_UNSUPPORTED_FEATURE);
    bed("card %d forget", CARD);
    assert_result(verify(NULL, SCM_FL_IHV_CHECKONLY, PIN), SCM_S_OK);
    assert_result(scm_ch_verification_reset_security_state(codes), SCM_S_OK);
}

static void a_lost_verification_is_not_revoked(void **state)
{
    (void)state;
    assert_result(verify("1234", 0, PIN), SCM_S_OK);
    bed("reset %d warm", CARD);
    assert_left(verify("1234", 0, PIN), SCM_SCARD_W_RESET_CARD, SCM_RETRIES_UNKNOWN);
    assert_result(scm_reconnect(card), SCM_S_OK);
    bed("card %d clear", CARD);
    assert_result(scm_ch_verification_reset_security_state(codes), SCM_S_OK);
    assert_int_equal(bed_count(CARD), 0);
    assert_left(verify(NULL, SCM_FL_IHV_CHECKONLY, PIN), SCM_SCARD_W_CARD_NOT_AUTHENTICATED, 3);
}

static void wrong_codes_are_counted_until_it_is_blocked(void **state)
{
    (void)state;
    bed("card %d clear", CARD);
    assert_left(verify("0000", 0, PIN), SCM_SCARD_W_WRONG_CHV, 2);
    assert_left(verify(NULL, SCM_FL_IHV_CHECKONLY, PIN), SCM_SCARD_W_CARD_NOT_AUTHENTICATED, 2);
    assert_left(change("0000", "4321", 0, PIN), SCM_SCARD_W_WRONG_CHV, 1);
    assert_int_equal(bed_count(CARD), 3);
    scm_result blocked = verify("0000", 0, PIN);
    assert_true(blocked == SCM_SCARD_W_WRONG_CHV || blocked == SCM_SCARD_W_CHV_BLOCKED);
    assert_int_equal(left, 0);
    assert_left(verify("1234", 0, PIN), SCM_SCARD_W_CHV_BLOCKED, 0);
    assert_left(verify(NULL, SCM_FL_IHV_CHECKONLY, PIN), SCM_SCARD_W_CHV_BLOCKED, 0);

    assert_left(unblock("87654321", "4321", 0, PIN), SCM_SCARD_W_WRONG_CHV, 9);
    assert_left(unblock("12345678", "4321", 0, PIN), SCM_S_OK, SCM_RETRIES_UNKNOWN);
    assert_left(verify("1234", 0, PIN), SCM_SCARD_W_WRONG_CHV, 2);
    assert_left(verify("4321", 0, PIN), SCM_S_OK, SCM_RETRIES_UNKNOWN);
    /* Without a new code the old one is valid again. */
    assert_left(unblock("12345678", NULL, 0, PIN), SCM_S_OK, SCM_RETRIES_UNKNOWN);
    /* This card resets no counter without a code. */
    assert_result(unblock(NULL, "1234", 0, PIN), SCM_SCARD_W_SECURITY_VIOLATION);
    assert_result(unblock(NULL, NULL, 0, PIN), SCM_SCARD_W_SECURITY_VIOLATION);
    assert_left(change("4321", "1234", 0, PIN), SCM_S_OK, SCM_RETRIES_UNKNOWN);
    assert_result(verify("1234", 0, PIN), SCM_S_OK);
    assert_result(scm_ch_verification_reset_security_state(codes), SCM_S_OK);
}

static void each_way_to_unblock_and_change_has_its_p1(void **state)
{
    (void)state;
    bed("card %d answer 002C 9000", CARD);
    bed("card %d answer 0024 9000", CARD);
    bed("card %d answer 0026 9000", CARD);
    bed("card %d answer 0028 9000", CARD);
    bed("card %d clear", CARD);
    assert_result(unblock("1111", "2222", 0, 3), SCM_S_OK);
    assert_result(unblock("1111", NULL, SCM_FL_IHV_LOCAL, 3), SCM_S_OK);
    assert_result(unblock(NULL, "2222", 0, 31), SCM_S_OK);
    assert_result(unblock(NULL, NULL, 0, 0), SCM_S_OK);
    assert_result(change("1111", "2222", SCM_FL_IHV_CHANGE, 3), SCM_S_OK);
    assert_result(change(NULL, "2222", 0, 3), SCM_S_OK);
    assert_result(change("1111", NULL, SCM_FL_IHV_DISABLE, 3), SCM_S_OK);
    assert_result(change("1111", NULL, SCM_FL_IHV_ENABLE | SCM_FL_IHV_LOCAL, 31), SCM_S_OK);
    assert_string_equal(bed("card %d log", CARD), "002C0003.. 002C0183.. 002C021F.. 002C0300 "
                                                  "00240003.. 00240103.. 00260003.. 0028009F..");
    bed("card %d forget", CARD);
    /* The change verified the old code, so it is revoked: this card has no command for either. */
    assert_result(scm_ch_verification_reset_security_state(codes), SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_result(scm_ch_verification_release(codes), SCM_S_OK);
    codes = create(card, 8);
}

static void nothing_is_sent_twice(void **state)
{
    (void)state;
    bed("card %d answer 0020 6C08", CARD);
    bed("card %d answer 0024 6C08", CARD);
    bed("card %d answer 0028 6108", CARD);
    bed("card %d answer 002C 6C08", CARD);
    bed("card %d clear", CARD);
    assert_left(verify("1234", 0, PIN), SCM_SCARD_E_INVALID_PARAMETER, SCM_RETRIES_UNKNOWN);
    assert_left(change("1234", "4321", 0, PIN), SCM_SCARD_E_INVALID_PARAMETER, SCM_RETRIES_UNKNOWN);
    assert_left(change("1234", NULL, SCM_FL_IHV_ENABLE, PIN), SCM_S_OK, SCM_RETRIES_UNKNOWN);
    assert_left(unblock("1234", "4321", 0, PIN), SCM_SCARD_E_INVALID_PARAMETER, SCM_RETRIES_UNKNOWN);
    assert_int_equal(bed_count(CARD), 4);
    bed("card %d forget", CARD);
    assert_result(scm_ch_verification_release(codes), SCM_S_OK);
    codes = create(card, 8);
}

static void status_words_become_codes(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        scm_result verified, checked;
        uint32_t left;
    } rows[] = {
        {"9000", SCM_S_OK, SCM_S_OK, SCM_RETRIES_UNKNOWN},
        {"6300", SCM_SCARD_W_WRONG_CHV, SCM_SCARD_W_CARD_NOT_AUTHENTICATED, SCM_RETRIES_UNKNOWN},
        {"63C0", SCM_SCARD_W_CHV_BLOCKED, SCM_SCARD_W_CHV_BLOCKED, 0},
        {"63C1", SCM_SCARD_W_WRONG_CHV, SCM_SCARD_W_CARD_NOT_AUTHENTICATED, 1},
        {"63CF", SCM_SCARD_W_WRONG_CHV, SCM_SCARD_W_CARD_NOT_AUTHENTICATED, 15},
        {"6301", SCM_SCARD_W_WRONG_CHV, SCM_SCARD_W_CARD_NOT_AUTHENTICATED, 1},
        {"630F", SCM_SCARD_W_WRONG_CHV, SCM_SCARD_W_CARD_NOT_AUTHENTICATED, 15},
        {"6310", SCM_SCARD_W_WRONG_CHV, SCM_SCARD_W_CARD_NOT_AUTHENTICATED, SCM_RETRIES_UNKNOWN},
        {"6283", SCM_E_FAIL, SCM_E_FAIL, SCM_RETRIES_UNKNOWN},
        {"6400", SCM_E_FAIL, SCM_E_FAIL, SCM_RETRIES_UNKNOWN},
        {"6700", SCM_SCARD_E_INVALID_PARAMETER, SCM_SCARD_E_INVALID_PARAMETER, SCM_RETRIES_UNKNOWN},
        {"6982", SCM_SCARD_W_SECURITY_VIOLATION, SCM_SCARD_W_SECURITY_VIOLATION, SCM_RETRIES_UNKNOWN},
        {"6983", SCM_SCARD_W_CHV_BLOCKED, SCM_SCARD_W_CHV_BLOCKED, 0},
        {"6984", SCM_SCARD_E_INVALID_CHV, SCM_SCARD_E_INVALID_CHV, SCM_RETRIES_UNKNOWN},
        {"6985", SCM_SCARD_E_NO_ACCESS, SCM_SCARD_E_NO_ACCESS, SCM_RETRIES_UNKNOWN},
        {"6A88", SCM_SCARD_E_FILE_NOT_FOUND, SCM_SCARD_E_FILE_NOT_FOUND, SCM_RETRIES_UNKNOWN},
        {"9110", SCM_S_OK, SCM_S_OK, SCM_RETRIES_UNKNOWN},
        {"9804", SCM_SCARD_W_WRONG_CHV, SCM_SCARD_W_CARD_NOT_AUTHENTICATED, SCM_RETRIES_UNKNOWN},
        {"9840", SCM_SCARD_W_CHV_BLOCKED, SCM_SCARD_W_CHV_BLOCKED, 0},
        {"6D00", SCM_SCARD_E_UNSUPPORTED_FEATURE, SCM_SCARD_E_UNSUPPORTED_FEATURE, SCM_RETRIES_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bed("card %d answer 0020 %s", CARD, rows[i].word);
        assert_left(verify("1234", 0, PIN), rows[i].verified, rows[i].left);
        assert_left(verify(NULL, SCM_FL_IHV_CHECKONLY, PIN), rows[i].checked, rows[i].left);
        bed("card %d forget", CARD);
    }
    assert_result(scm_ch_verification_release(codes), SCM_S_OK);
    codes = create(card, 8);
}

static void the_wait_for_others_can_be_cancelled(void **state)
{
    (void)state;
    bed("card %d clear", CARD);
    bed("hold %d transaction", CARD);
    assert_result(scm_cancel(card), SCM_S_OK);
    assert_left(verify("1234", 0, PIN), SCM_SCARD_E_CANCELLED, SCM_RETRIES_UNKNOWN);
    bed("release %d leave", CARD);
    assert_int_equal(bed_count(CARD), 0);
    assert_left(verify(NULL, SCM_FL_IHV_CHECKONLY, PIN), SCM_SCARD_W_CARD_NOT_AUTHENTICATED, 3);
}

/* Under a lock of the program nobody can reset the card between two calls, and a verification stays. */
static void under_a_lock_all_is_as_ever(void **state)
{
    (void)state;
    assert_result(scm_lock(card), SCM_S_OK);
    assert_left(verify("1234", 0, PIN), SCM_S_OK, SCM_RETRIES_UNKNOWN);
    assert_left(verify(NULL, SCM_FL_IHV_CHECKONLY, PIN), SCM_S_OK, SCM_RETRIES_UNKNOWN);
    assert_result(scm_ch_verification_reset_security_state(codes), SCM_S_OK);
    assert_result(scm_unlock(card, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_unlock(card, SCM_DISPOSITION_LEAVE), SCM_SCARD_E_NOT_TRANSACTED);
    assert_nobody_holds_the_card(CARD);
}

static void a_card_that_is_gone_has_not_said_anything(void **state)
{
    (void)state;
    bed("pull %d", CARD);
    assert_left(verify("1234", 0, PIN), SCM_SCARD_W_REMOVED_CARD, SCM_RETRIES_UNKNOWN);
    assert_left(change("1234", "4321", 0, PIN), SCM_SCARD_W_REMOVED_CARD, SCM_RETRIES_UNKNOWN);
    assert_left(unblock("1234", "4321", 0, PIN), SCM_SCARD_W_REMOVED_CARD, SCM_RETRIES_UNKNOWN);
    bed("await %d empty", CARD);
    bed("insert %d scm", CARD);
    assert_result(scm_reconnect(card), SCM_S_OK);
    assert_left(verify(NULL, SCM_FL_IHV_CHECKONLY, PIN), SCM_SCARD_W_CARD_NOT_AUTHENTICATED, 3);
}

/* PW1 is 81, PW3 is 83; OpenPGP Smart Card Application 3.4, 4.3 and 7.2. */
static void the_openpgp_card(void **state)
{
    (void)state;
    scm_handle *test_card = card;
    scm_ch_verification *codes_of_test_card = codes;
    if (!bed_has_openpgp())
        skip();
    bed("insert %d openpgp", OPENPGP);
    card = attach(OPENPGP);
    assert_result(scm_create_ch_verification(card, &codes), SCM_S_OK);
    select_file("\xD2\x76\x00\x01\x24\x01", 6);

    assert_left(verify(NULL, SCM_FL_IHV_CHECKONLY | SCM_FL_IHV_LOCAL, 1), SCM_SCARD_W_CARD_NOT_AUTHENTICATED, 3);
    assert_result(verify("654321", SCM_FL_IHV_LOCAL, 1), SCM_SCARD_W_WRONG_CHV);
    assert_left(verify(NULL, SCM_FL_IHV_CHECKONLY | SCM_FL_IHV_LOCAL, 1), SCM_SCARD_W_CARD_NOT_AUTHENTICATED, 2);
    assert_result(verify("123456", SCM_FL_IHV_LOCAL, 1), SCM_S_OK);
    assert_result(verify(NULL, SCM_FL_IHV_CHECKONLY | SCM_FL_IHV_LOCAL, 1), SCM_S_OK);

    assert_result(change("123456", "654321", SCM_FL_IHV_LOCAL, 1), SCM_S_OK);
    assert_result(verify("123456", SCM_FL_IHV_LOCAL, 1), SCM_SCARD_W_WRONG_CHV);
    assert_result(verify("654321", SCM_FL_IHV_LOCAL, 1), SCM_S_OK);
    assert_result(scm_ch_verification_reset_security_state(codes), SCM_S_OK);
    assert_result(verify(NULL, SCM_FL_IHV_CHECKONLY | SCM_FL_IHV_LOCAL, 1), SCM_SCARD_W_CARD_NOT_AUTHENTICATED);

    while (verify("000000", SCM_FL_IHV_LOCAL, 1) == SCM_SCARD_W_WRONG_CHV && left > 0)
        continue;
    /* The card says so with 63C0, where others have 6983. */
    assert_left(verify("654321", SCM_FL_IHV_LOCAL, 1), SCM_SCARD_W_CHV_BLOCKED, 0);
    /* The administrator resets it with a new value. */
    assert_result(verify("12345678", SCM_FL_IHV_LOCAL, 3), SCM_S_OK);
    assert_result(unblock(NULL, "123456", SCM_FL_IHV_LOCAL, 1), SCM_S_OK);
    assert_result(verify("123456", SCM_FL_IHV_LOCAL, 1), SCM_S_OK);

    assert_result(scm_detach(card), SCM_S_OK);
    card = test_card;
    codes = codes_of_test_card;
}

static int begin(void **state)
{
    (void)state;
    bed("insert %d scm", CARD);
    card = attach(CARD);
    codes = create(card, 8);
    return 0;
}

static int end(void **state)
{
    (void)state;
    assert_result(scm_ch_verification_release(codes), SCM_S_OK);
    return scm_detach(card);
}

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_needs_an_attachment),
        cmocka_unit_test(options_have_limits),
        cmocka_unit_test(every_function_refuses_an_invalid_handle),
        cmocka_unit_test(bad_arguments_send_nothing),
        cmocka_unit_test(an_invalid_code_is_not_sent),
        cmocka_unit_test(without_a_pin_pad_nothing_is_sent),
        cmocka_unit_test(a_code_is_verified_and_taken_back),
        cmocka_unit_test(every_code_of_an_object_is_taken_back),
        cmocka_unit_test(a_verification_that_stays_is_no_success),
        cmocka_unit_test(a_lost_verification_is_not_revoked),
        cmocka_unit_test(wrong_codes_are_counted_until_it_is_blocked),
        cmocka_unit_test(each_way_to_unblock_and_change_has_its_p1),
        cmocka_unit_test(nothing_is_sent_twice),
        cmocka_unit_test(status_words_become_codes),
        cmocka_unit_test(the_wait_for_others_can_be_cancelled),
        cmocka_unit_test(under_a_lock_all_is_as_ever),
        cmocka_unit_test(a_card_that_is_gone_has_not_said_anything),
        cmocka_unit_test(the_openpgp_card),
    };
    return cmocka_run_group_tests(tests, begin, end);
}

/* Authentication by keys: challenges, both directions, built-in ciphers, and ciphers of the program. */
#include "support/check.h"

#define CARD 0
#define OPENPGP 1

/* The keys of the default profile (crates/card/profiles/default.toml). */
static const uint8_t EXTERNAL = 1, INTERNAL = 2, BOTH_LOCAL = 0x83;
static const uint8_t EXTERNAL_KEY[] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
                                       0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F};
static const uint8_t INTERNAL_KEY[] = {0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
                                       0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F};
static const uint8_t LOCAL_KEY[] = {0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A,
                                    0x2B, 0x2C, 0x2D, 0x2E, 0x2F, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35,
                                    0x36, 0x37, 0x38, 0x39, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F};

static scm_handle *card;
static scm_card_auth *auth;
static uint8_t answer[SCM_RESPONSE_MAX];

static scm_card_auth_options with_key(uint32_t cipher, const uint8_t *key, size_t length)
{
    scm_card_auth_options options = SCM_CARD_AUTH_OPTIONS_INIT;
    options.cipher = cipher;
    options.key = key;
    options.key_length = length;
    return options;
}

static scm_result app_auth(uint8_t key, const scm_card_auth_options *options)
{
    return scm_card_auth_app_auth_ex(auth, 0, &key, 1, options);
}

static scm_result icc_auth(uint8_t key, const scm_card_auth_options *options)
{
    return scm_card_auth_icc_auth_ex(auth, 0, &key, 1, options);
}

static scm_result get_challenge(size_t capacity, size_t *length)
{
    *length = 77;
    return scm_card_auth_get_challenge(auth, 0, NULL, 0, answer, capacity, length);
}

/* True if the card has accepted the first key: EXTERNAL AUTHENTICATE without data asks for that. */
static int is_shown(void)
{
    size_t length;
    assert_result(scm_transmit(card, (const uint8_t *)"\x00\x82\x00\x01", 4, answer, sizeof answer, &length), SCM_S_OK);
    return length == 2 && memcmp(answer, "\x90\x00", 2) == 0;
}

static void an_object_needs_an_attachment(void **state)
{
    (void)state;
    size_t length;
    scm_card_auth *made = (scm_card_auth *)&made, *right = auth;
    assert_result(scm_create_card_auth(NULL, &made), SCM_SCARD_E_ICC_CREATEORDER);
    assert_null(made);
    assert_result(scm_create_card_auth(card, NULL), SCM_E_POINTER);
    assert_result(scm_create_card_auth((scm_handle *)auth, &made), SCM_E_HANDLE);

    scm_handle *other = attach(CARD);
    assert_result(scm_create_card_auth(other, &made), SCM_S_OK);
    assert_result(scm_detach(other), SCM_S_OK);
    scm_card_auth *released = NULL;
    assert_result(scm_create_card_auth(card, &released), SCM_S_OK);
    assert_result(scm_card_auth_release(released), SCM_S_OK);
    scm_card_auth_options options = with_key(SCM_CIPHER_AES, EXTERNAL_KEY, 16);
    scm_card_auth *wrong[] = {NULL, made, released, (scm_card_auth *)card, (scm_card_auth *)&wrong};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        auth = wrong[i];
        assert_result(get_challenge(16, &length), SCM_E_HANDLE);
        assert_int_equal(length, 0);
        assert_result(scm_card_auth_app_auth(auth, 0, NULL, 0, EXTERNAL_KEY, 16), SCM_E_HANDLE);
        assert_result(scm_card_auth_user_auth(auth, 0, NULL, 0, EXTERNAL_KEY, 16), SCM_E_HANDLE);
        length = 77;
        assert_result(scm_card_auth_icc_auth(auth, 0, NULL, 0, EXTERNAL_KEY, 16, answer, 16, &length), SCM_E_HANDLE);
        assert_int_equal(length, 0);
        assert_result(app_auth(EXTERNAL, &options), SCM_E_HANDLE);
        assert_result(icc_auth(INTERNAL, &options), SCM_E_HANDLE);
        assert_result(scm_card_auth_release(auth), SCM_E_HANDLE);
    }
    auth = right;
}

static void bad_arguments_send_nothing(void **state)
{
    (void)state;
    size_t length = 77;
    const uint8_t *data = EXTERNAL_KEY, key = EXTERNAL;
    bed("card %d clear", CARD);
    assert_result(scm_card_auth_get_challenge(auth, 0, NULL, 0, answer, 16, NULL), SCM_E_POINTER);
    assert_result(scm_card_auth_get_challenge(auth, 0, NULL, 0, NULL, 16, &length), SCM_E_POINTER);
    assert_result(scm_card_auth_get_challenge(auth, 0, NULL, 0, NULL, 0, &length), SCM_E_INVALIDARG);
    assert_result(get_challenge(65537, &length), SCM_E_INVALIDARG);
    assert_int_equal(length, 0);
    assert_result(scm_card_auth_icc_auth(auth, 0, &key, 1, data, 16, answer, 16, NULL), SCM_E_POINTER);
    assert_result(scm_card_auth_icc_auth(auth, 0, &key, 1, data, 16, NULL, 16, &length), SCM_E_POINTER);
    static const struct {
        uint32_t algorithm;
        const uint8_t *parameters;
        size_t parameters_length;
        const uint8_t *data;
        size_t data_length;
    } rows[] = {
        {256, NULL, 0, EXTERNAL_KEY, 16},        {UINT32_MAX, NULL, 0, EXTERNAL_KEY, 16},
        {0, NULL, 1, EXTERNAL_KEY, 16},          {0, EXTERNAL_KEY, 2, EXTERNAL_KEY, 16},
        {0, EXTERNAL_KEY, SIZE_MAX, EXTERNAL_KEY, 16}, {0, NULL, 0, NULL, 16},
        {0, NULL, 0, EXTERNAL_KEY, 0},           {0, NULL, 0, NULL, 0},
        {0, NULL, 0, EXTERNAL_KEY, 65536},       {0, NULL, 0, EXTERNAL_KEY, SIZE_MAX},
    };
    scm_card_auth_options options = with_key(SCM_CIPHER_AES, EXTERNAL_KEY, 16);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t algorithm = rows[i].algorithm;
        const uint8_t *parameters = rows[i].parameters;
        size_t parameters_length = rows[i].parameters_length, data_length = rows[i].data_length;
        data = rows[i].data;
        assert_result(scm_card_auth_app_auth(auth, algorithm, parameters, parameters_length, data, data_length),
                      SCM_E_INVALIDARG);
        assert_result(scm_card_auth_user_auth(auth, algorithm, parameters, parameters_length, data, data_length),
                      SCM_E_INVALIDARG);
        length = 77;
        assert_result(scm_card_auth_icc_auth(auth, algorithm, parameters, parameters_length, data, data_length, answer,
                                             sizeof answer, &length),
                      SCM_E_INVALIDARG);
        assert_int_equal(length, 0);
        if (i < 5) {
            assert_result(scm_card_auth_get_challenge(auth, algorithm, parameters, parameters_length, answer, 16,
                                                      &length),
                          SCM_E_INVALIDARG);
            assert_result(scm_card_auth_app_auth_ex(auth, algorithm, parameters, parameters_length, &options),
                          SCM_E_INVALIDARG);
            assert_result(scm_card_auth_icc_auth_ex(auth, algorithm, parameters, parameters_length, &options),
                          SCM_E_INVALIDARG);
        }
    }
    assert_int_equal(bed_count(CARD), 0);
}

static scm_result unused(void *user, const uint8_t *challenge, size_t challenge_length, uint8_t *to, size_t capacity,
                         size_t *length)
{
    (void)user, (void)challenge, (void)challenge_length, (void)to, (void)capacity, (void)length;
    fail_msg("nobody should have asked");
    return SCM_E_FAIL;
}

static void options_have_limits(void **state)
{
    (void)state;
    bed("card %d clear", CARD);
    scm_card_auth_options right = with_key(SCM_CIPHER_AES, EXTERNAL_KEY, 16), wrong[16];
    for (size_t i = 0; i < 16; i++)
        wrong[i] = right;
    wrong[0].struct_size = 4;
    wrong[1].struct_size = 0;
    wrong[2].cipher = 3;
    wrong[3].cipher = SCM_CIPHER_CALLBACK;
    wrong[4].key = NULL;
    wrong[5].key_length = 15;
    wrong[6].key_length = 0;
    wrong[7].key_length = SIZE_MAX;
    wrong[8].cipher_callback = unused;
    wrong[9].challenge_length = 8;
    wrong[10].challenge_length = 32;
    wrong[11].cipher = SCM_CIPHER_3DES;
    wrong[11].challenge_length = 16;
    wrong[12] = (scm_card_auth_options)SCM_CARD_AUTH_OPTIONS_INIT;
    wrong[13] = (scm_card_auth_options)SCM_CARD_AUTH_OPTIONS_INIT;
    wrong[13].cipher_callback = unused;
    wrong[13].challenge_length = SCM_CHALLENGE_MAX + 1;
    wrong[14] = with_key(SCM_CIPHER_CALLBACK, EXTERNAL_KEY, 16);
    wrong[14].cipher_callback = unused;
    wrong[15] = with_key(SCM_CIPHER_3DES, LOCAL_KEY, 32);
    for (size_t i = 0; i < 16; i++) {
        assert_result(app_auth(EXTERNAL, &wrong[i]), SCM_E_INVALIDARG);
        assert_result(icc_auth(INTERNAL, &wrong[i]), SCM_E_INVALIDARG);
    }
    assert_result(app_auth(EXTERNAL, NULL), SCM_E_INVALIDARG);
    assert_result(icc_auth(INTERNAL, NULL), SCM_E_INVALIDARG);
    assert_int_equal(bed_count(CARD), 0);
}

static void challenges_are_as_long_as_asked_for(void **state)
{
    (void)state;
    uint8_t before[16];
    size_t length;
    for (size_t capacity = 1; capacity <= 256; capacity++) {
        assert_result(get_challenge(capacity, &length), SCM_S_OK);
        /* 256 means all bytes, which is a block of this card. */
        assert_int_equal(length, capacity == 256 ? 16 : capacity);
    }
    assert_result(get_challenge(16, &length), SCM_S_OK);
    memcpy(before, answer, 16);
    assert_result(get_challenge(16, &length), SCM_S_OK);
    assert_memory_not_equal(before, answer, 16);
}

/* If a card gives more than requested, it remembers all of it, and counts an answer to a part as wrong. */
static void a_cut_challenge_is_refused(void **state)
{
    (void)state;
    static const char *const longer[] = {"00112233445566778899AABBCCDDEEFF009000",
        "00112233445566778899AABBCCDDEEFF6108"};
    scm_card_auth_options options = with_key(SCM_CIPHER_AES, EXTERNAL_KEY, 16);
    size_t length;
    for (size_t i = 0; i < sizeof longer / sizeof *longer; i++) {
        bed("card %d answer 0084 %s", CARD, longer[i]);
        bed("card %d clear", CARD);
        assert_result(get_challenge(16, &length), SCM_SCARD_E_UNSUPPORTED_FEATURE);
        assert_int_equal(length, 0);
        assert_result(app_auth(EXTERNAL, &options), SCM_SCARD_E_UNSUPPORTED_FEATURE);
        assert_string_equal(bed("card %d log", CARD), "0084000010 0084000010");
        bed("card %d forget", CARD);
    }
}

static void the_program_shows_that_it_has_the_key(void **state)
{
    (void)state;
    scm_card_auth_options right = with_key(SCM_CIPHER_AES, EXTERNAL_KEY, 16);
    scm_card_auth_options wrong = with_key(SCM_CIPHER_AES, INTERNAL_KEY, 16);
    bed("card %d clear", CARD);
    assert_result(app_auth(EXTERNAL, &right), SCM_S_OK);
    assert_int_equal(bed_count(CARD), 2);
    assert_true(is_shown());
    assert_result(app_auth(EXTERNAL, &wrong), SCM_SCARD_W_SECURITY_VIOLATION);
    assert_false(is_shown());
    assert_result(app_auth(INTERNAL, &right), SCM_SCARD_E_NO_ACCESS);
    assert_result(app_auth(9, &right), SCM_SCARD_E_FILE_NOT_FOUND);
    wrong = with_key(SCM_CIPHER_3DES, EXTERNAL_KEY, 16);
    /* a challenge of 8 bytes does not fit AES */
    assert_result(app_auth(EXTERNAL, &wrong), SCM_SCARD_E_INVALID_PARAMETER);
    assert_result(app_auth(EXTERNAL, &right), SCM_S_OK);
    assert_true(is_shown());
}

static void an_answer_without_a_challenge_is_refused(void **state)
{
    (void)state;
    assert_result(scm_card_auth_app_auth(auth, 0, &EXTERNAL, 1, EXTERNAL_KEY, 16), SCM_SCARD_E_NO_ACCESS);
    assert_result(scm_card_auth_app_auth(auth, 1, &EXTERNAL, 1, EXTERNAL_KEY, 16), SCM_SCARD_E_INVALID_PARAMETER);
}

static void the_card_shows_that_it_has_the_key(void **state)
{
    (void)state;
    scm_card_auth_options right = with_key(SCM_CIPHER_AES, INTERNAL_KEY, 16);
    scm_card_auth_options wrong = with_key(SCM_CIPHER_AES, EXTERNAL_KEY, 16);
    bed("card %d clear", CARD);
    assert_result(icc_auth(INTERNAL, &right), SCM_S_OK);
    assert_result(icc_auth(INTERNAL, &right), SCM_S_OK);
    assert_int_equal(bed_count(CARD), 2);
    /* No challenge repeats. */
    char log[256], *second;
    snprintf(log, sizeof log, "%s", bed("card %d log", CARD));
    second = strchr(log, ' ');
    assert_non_null(second);
    *second = '\0';
    assert_string_not_equal(log, second + 1);
    assert_result(icc_auth(INTERNAL, &wrong), SCM_SCARD_W_CARD_NOT_AUTHENTICATED);
    assert_result(icc_auth(EXTERNAL, &right), SCM_SCARD_E_NO_ACCESS);

    /* A card without a response, or with a short or a long one, has proved nothing. */
    static const char *const answers[] = {"9000", "119000", "111111111111111111111111111111111111119000"};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        bed("card %d answer 0088 %s", CARD, answers[i]);
        assert_result(icc_auth(INTERNAL, &right), SCM_SCARD_W_CARD_NOT_AUTHENTICATED);
        bed("card %d forget", CARD);
    }
}

static void the_answer_of_the_card_is_given(void **state)
{
    (void)state;
    uint8_t challenge[16];
    size_t length = 77;
    memset(challenge, 0x5A, sizeof challenge);
    bed("card %d clear", CARD);
    assert_result(scm_card_auth_icc_auth(auth, 0, &INTERNAL, 1, challenge, 16, answer, sizeof answer, &length),
                  SCM_S_OK);
    assert_int_equal(length, 16);
    uint8_t given[16], kept[18];
    memcpy(given, answer, 16);

    length = 77;
    assert_result(scm_card_auth_icc_auth(auth, 0, &INTERNAL, 1, challenge, 16, answer, 15, &length),
                  SCM_SCARD_E_INSUFFICIENT_BUFFER);
    assert_int_equal(length, 16);
    assert_result(scm_get_last_response(card, kept, sizeof kept, &length), SCM_S_OK);
    assert_memory_equal(kept, given, 16);
    assert_memory_equal(kept + 16, "\x90\x00", 2);
    assert_result(scm_card_auth_icc_auth(auth, 0, &INTERNAL, 1, challenge, 16, NULL, 0, &length), SCM_S_OK);
    assert_int_equal(length, 16);
    assert_int_equal(bed_count(CARD), 3);

    /* The buffers of answer and challenge may overlap. */
    assert_result(scm_card_auth_icc_auth(auth, 0, &INTERNAL, 1, challenge, 16, challenge, 16, &length), SCM_S_OK);
    assert_memory_equal(challenge, given, 16);
    assert_result(scm_card_auth_icc_auth(auth, 0, &INTERNAL, 1, challenge, 7, answer, 16, &length),
                  SCM_SCARD_E_INVALID_PARAMETER);
    assert_int_equal(length, 0);
}

static void the_key_of_a_directory_is_behind_its_code(void **state)
{
    (void)state;
    size_t length;
    static const uint8_t select[] = {0x00, 0xA4, 0x04, 0x0C, 0x09, 0xA0, 0x00, 0x00, 0x03, 0x97, 0x73, 0x63, 0x6D,
        0x01};
    assert_result(scm_transmit(card, select, sizeof select, answer, sizeof answer, &length), SCM_S_OK);
    scm_card_auth_options options = with_key(SCM_CIPHER_AES, LOCAL_KEY, 32);
    const uint8_t code = 0x81;
    assert_result(icc_auth(BOTH_LOCAL, &options), SCM_SCARD_W_SECURITY_VIOLATION);
    assert_result(scm_card_auth_user_auth(auth, 0, &code, 1, (const uint8_t *)"Secret", 6), SCM_SCARD_W_WRONG_CHV);
    assert_result(scm_card_auth_user_auth(auth, 0, &code, 1, (const uint8_t *)"secret", 6), SCM_S_OK);
    assert_result(icc_auth(BOTH_LOCAL, &options), SCM_S_OK);
    assert_result(scm_transmit(card, (const uint8_t *)"\x00\xA4\x00\x0C\x02\x3F\x00", 7, answer, sizeof answer,
                               &length),
                  SCM_S_OK);
}

/* A program with its own cipher. */
struct program {
    scm_handle *handle;
    scm_result result;
    size_t expected, length;
    int calls;
};

static scm_result respond(void *user, const uint8_t *challenge, size_t challenge_length, uint8_t *to, size_t capacity,
                          size_t *length)
{
    struct program *program = user;
    uint8_t other[16];
    size_t received;
    uint32_t card_state, protocol;
    program->calls++;
    assert_non_null(challenge);
    assert_int_equal(challenge_length, program->expected);
    assert_int_equal(capacity, SCM_CIPHER_OUTPUT_MAX);
    assert_int_equal(*length, 0);
    /* It may use the library, also for the same card. */
    assert_result(scm_status(program->handle, &card_state, &protocol), SCM_S_OK);
    assert_result(scm_lock(program->handle), SCM_S_OK);
    assert_result(scm_transmit(program->handle, (const uint8_t *)"\x00\x82\x00\x01", 4, other, sizeof other, &received),
                  SCM_S_OK);
    assert_result(scm_unlock(program->handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    if (program->length <= capacity)
        memset(to, 0xA5, program->length);
    *length = program->length;
    return program->result;
}

static void a_program_may_bring_its_own_cipher(void **state)
{
    (void)state;
    struct program program = {card, SCM_S_OK, 8, 20, 0};
    scm_card_auth_options options = SCM_CARD_AUTH_OPTIONS_INIT;
    options.cipher_callback = respond;
    options.user_data = &program;
    bed("card %d answer 00840000 11223344556677889000", CARD);
    bed("card %d answer 0082000114 9000", CARD);
    bed("card %d clear", CARD);
    assert_result(app_auth(EXTERNAL, &options), SCM_S_OK);
    assert_int_equal(program.calls, 1);
    assert_string_equal(bed("card %d log", CARD),
                        "0084000008 00820001 0082000114A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5");

    /* After a failure nothing more is sent. */
    bed("card %d clear", CARD);
    program.result = SCM_SCARD_W_CANCELLED_BY_USER;
    assert_result(app_auth(EXTERNAL, &options), SCM_SCARD_W_CANCELLED_BY_USER);
    assert_result(icc_auth(EXTERNAL, &options), SCM_SCARD_W_CANCELLED_BY_USER);
    program.result = SCM_S_OK;
    program.length = 0;
    assert_result(app_auth(EXTERNAL, &options), SCM_E_FAIL);
    program.length = SCM_CIPHER_OUTPUT_MAX + 1;
    assert_result(app_auth(EXTERNAL, &options), SCM_E_FAIL);
    assert_string_equal(bed("card %d log", CARD),
                        "0084000008 00820001 00820001 0084000008 00820001 0084000008 00820001");
    /* A short challenge is refused. */
    program.length = 20;
    options.challenge_length = 9;
    program.expected = 9;
    int calls = program.calls;
    assert_result(app_auth(EXTERNAL, &options), SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_int_equal(program.calls, calls);
    bed("card %d forget", CARD);

    bed("card %d answer 0088 A5A5A59000", CARD);
    program.length = 3;
    assert_result(icc_auth(INTERNAL, &options), SCM_S_OK);
    program.length = 4;
    assert_result(icc_auth(INTERNAL, &options), SCM_SCARD_W_CARD_NOT_AUTHENTICATED);
    bed("card %d forget", CARD);
    assert_nobody_holds_the_card(CARD);
}

static void keys_are_counted_and_nothing_is_sent_twice(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        scm_result result;
    } rows[] = {
        {"9000", SCM_S_OK},
        {"6300", SCM_SCARD_W_SECURITY_VIOLATION},
        {"63C2", SCM_SCARD_W_SECURITY_VIOLATION},
        {"63C0", SCM_SCARD_W_CHV_BLOCKED},
        {"6C10", SCM_SCARD_E_INVALID_PARAMETER},
        {"6283", SCM_E_FAIL},
        {"6983", SCM_SCARD_W_CHV_BLOCKED},
        {"6D00", SCM_SCARD_E_UNSUPPORTED_FEATURE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bed("card %d answer 0082 %s", CARD, rows[i].word);
        bed("card %d clear", CARD);
        assert_result(scm_card_auth_app_auth(auth, 255, &EXTERNAL, 1, EXTERNAL_KEY, 16), rows[i].result);
        assert_int_equal(bed_count(CARD), 1);
        bed("card %d forget", CARD);
    }
}

static void the_openpgp_card(void **state)
{
    (void)state;
    static const uint8_t select[] = {0x00, 0xA4, 0x04, 0x00, 0x06, 0xD2, 0x76, 0x00, 0x01, 0x24, 0x01, 0x00};
    uint8_t before[32];
    size_t length = 77;
    scm_card_auth *other = NULL;
    if (!bed_has_openpgp())
        skip();
    bed("insert %d openpgp", OPENPGP);
    scm_handle *openpgp = attach(OPENPGP);
    assert_result(scm_create_card_auth(openpgp, &other), SCM_S_OK);
    assert_result(scm_transmit(openpgp, select, sizeof select, answer, sizeof answer, &length), SCM_S_OK);
    assert_result(scm_card_auth_get_challenge(other, 0, NULL, 0, before, sizeof before, &length), SCM_S_OK);
    assert_int_equal(length, sizeof before);
    assert_result(scm_card_auth_get_challenge(other, 0, NULL, 0, answer, sizeof before, &length), SCM_S_OK);
    assert_int_equal(length, sizeof before);
    assert_memory_not_equal(before, answer, sizeof before);
    const uint8_t pw1 = 0x82;
    assert_result(scm_card_auth_user_auth(other, 0, &pw1, 1, (const uint8_t *)"123456", 6), SCM_S_OK);
    assert_result(scm_detach(openpgp), SCM_S_OK);
}

static void a_card_that_is_gone_is_no_card_without_the_key(void **state)
{
    (void)state;
    scm_card_auth_options options = with_key(SCM_CIPHER_AES, INTERNAL_KEY, 16);
    size_t length;
    bed("pull %d", CARD);
    assert_result(icc_auth(INTERNAL, &options), SCM_SCARD_W_REMOVED_CARD);
    assert_result(app_auth(EXTERNAL, &options), SCM_SCARD_W_REMOVED_CARD);
    assert_result(get_challenge(8, &length), SCM_SCARD_W_REMOVED_CARD);
    assert_int_equal(length, 0);
}

static int begin(void **state)
{
    (void)state;
    bed("insert %d scm", CARD);
    card = attach(CARD);
    return scm_create_card_auth(card, &auth);
}

static int end(void **state)
{
    (void)state;
    assert_result(scm_card_auth_release(auth), SCM_S_OK);
    return scm_detach(card);
}

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_needs_an_attachment),
        cmocka_unit_test(bad_arguments_send_nothing),
        cmocka_unit_test(options_have_limits),
        cmocka_unit_test(challenges_are_as_long_as_asked_for),
        cmocka_unit_test(a_cut_challenge_is_refused),
        cmocka_unit_test(the_program_shows_that_it_has_the_key),
        cmocka_unit_test(an_answer_without_a_challenge_is_refused),
        cmocka_unit_test(the_card_shows_that_it_has_the_key),
        cmocka_unit_test(the_answer_of_the_card_is_given),
        cmocka_unit_test(the_key_of_a_directory_is_behind_its_code),
        cmocka_unit_test(a_program_may_bring_its_own_cipher),
        cmocka_unit_test(keys_are_counted_and_nothing_is_sent_twice),
        cmocka_unit_test(the_openpgp_card),
        cmocka_unit_test(a_card_that_is_gone_is_no_card_without_the_key),
    };
    return cmocka_run_group_tests(tests, begin, end);
}

/* After their calls, codes and keys are nowhere: not in the memory that a core dump would have, not in the log of a
 * virtual reader, not in the text of a code. The test itself keeps them masked. */
#include "support/check.h"
#include "scm_virtual.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <unistd.h>

#define NAME "Secret 00 00"
#define CARD 0

/* The mask of a byte, and a copy that no compiler optimises. */
#define MASK 0xA7
#define M(byte) ((uint8_t)((byte) ^ MASK))
static volatile uint8_t mask = MASK;

#define CODE_LENGTH 48
#define DIGITS_LENGTH 12
#define KEY_LENGTH 24

struct secret {
    const char *name;
    size_t length;
    uint8_t masked[CODE_LENGTH];
};

/* A code as characters, its first ones as digits, and a key whose three parts are DES keys. The code is long because
 * malloc writes to the start of freed memory. */
static const struct secret CODE = {
    "code",
    CODE_LENGTH,
    {M('7'), M('3'), M('9'), M('2'), M('0'), M('1'), M('4'), M('6'), M('8'), M('5'), M('7'), M('3'),
     M('5'), M('2'), M('6'), M('0'), M('1'), M('8'), M('1'), M('5'), M('9'), M('0'), M('8'), M('3'),
     M('0'), M('1'), M('6'), M('6'), M('1'), M('3'), M('1'), M('8'), M('6'), M('0'), M('9'), M('1'),
     M('3'), M('9'), M('0'), M('9'), M('9'), M('6'), M('0'), M('3'), M('0'), M('8'), M('2'), M('4')}};
static const struct secret NEW_CODE = {
    "new code",
    CODE_LENGTH,
    {M('9'), M('1'), M('6'), M('0'), M('5'), M('8'), M('2'), M('7'), M('4'), M('3'), M('3'), M('8'),
     M('6'), M('2'), M('8'), M('1'), M('9'), M('4'), M('8'), M('2'), M('1'), M('9'), M('9'), M('3'),
     M('5'), M('1'), M('8'), M('1'), M('9'), M('0'), M('9'), M('3'), M('7'), M('8'), M('6'), M('5'),
     M('7'), M('9'), M('7'), M('5'), M('4'), M('3'), M('2'), M('3'), M('1'), M('9'), M('4'), M('8')}};
static const struct secret DIGITS = {"digits of the code", 6, {M(0x73), M(0x92), M(0x01), M(0x46), M(0x85), M(0x73)}};
static const struct secret NEW_DIGITS = {
    "digits of the new code", 6, {M(0x91), M(0x60), M(0x58), M(0x27), M(0x43), M(0x38)}};
static const struct secret KEY = {
    "key", KEY_LENGTH, {M(0xD3), M(0x1F), M(0x86), M(0x4B), M(0xE9), M(0x57), M(0xA2), M(0x0C),
                        M(0x38), M(0xF5), M(0x61), M(0xBE), M(0x94), M(0x2D), M(0xC7), M(0x70),
                        M(0x1A), M(0xE6), M(0x53), M(0x8F), M(0xB4), M(0x29), M(0xDC), M(0x45)}};

/* --- Secrets in clear text during one call */

static void reveal(uint8_t *to, const struct secret *secret)
{
    for (size_t i = 0; i < secret->length; i++)
        to[i] = (uint8_t)(secret->masked[i] ^ mask);
}

static void wipe(uint8_t *bytes, size_t length)
{
    for (volatile uint8_t *byte = bytes; length > 0; length--)
        *byte++ = 0;
}

/* --- A search of the memory */

/* A part of a secret to search for. */
static const struct part {
    const struct secret *secret;
    size_t from, length;
} parts[] = {
    {&CODE, 0, 12},      {&CODE, 12, 12},      {&CODE, 24, 12},     {&CODE, 36, 12},
    {&NEW_CODE, 0, 12},  {&NEW_CODE, 12, 12},  {&NEW_CODE, 24, 12}, {&NEW_CODE, 36, 12},
    {&DIGITS, 0, 6},     {&NEW_DIGITS, 0, 6},  {&KEY, 0, 8},        {&KEY, 8, 8},
    {&KEY, 16, 8},
};
#define PARTS (sizeof parts / sizeof *parts)

static bool is_at(const struct part *part, const uint8_t *place, const uint8_t *end)
{
    const uint8_t *masked = part->secret->masked + part->from;
    size_t same = 0;
    while (same < part->length && place + same < end && (uint8_t)(place[same] ^ MASK) == masked[same])
        same++;
    return same == part->length;
}

/* The number of parts of secrets in this mapping. */
static int count_in(const uint8_t *begin, const uint8_t *end, const char *mapping)
{
    bool is_first[256] = {false};
    int found = 0;
    for (size_t i = 0; i < PARTS; i++)
        is_first[(uint8_t)(parts[i].secret->masked[parts[i].from] ^ mask)] = true;
    for (const uint8_t *place = begin; place < end; place++) {
        for (size_t i = 0; is_first[*place] && i < PARTS; i++) {
            if (is_at(&parts[i], place, end)) {
                print_message("The %s, from byte %zu on, in %s", parts[i].secret->name, parts[i].from, mapping);
                found++;
            }
        }
    }
    return found;
}

/* The same in the readable pages: from glibc 2.42 on a stack and its guard are one mapping. */
static int count_readable_in(const uint8_t *begin, const uint8_t *end, const char *mapping)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int found = 0, memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    assert_true(memory >= 0);
    const uint8_t *readable = begin;
    for (const uint8_t *place = begin; place < end; place += page) {
        uint8_t byte;
        if (pread(memory, &byte, 1, (off_t)(uintptr_t)place) == 1)
            continue;
        found += count_in(readable, place, mapping);
        readable = place + page;
    }
    close(memory);
    return found + count_in(readable, end, mapping);
}

/* The same in all writable memory: data, heap, anonymous mappings. Not on the stack of this thread, where the dynamic
 * linker saves registers of the test and the library. */
static int count(void)
{
    char line[512];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        uintptr_t begin, end;
        char rights[5];
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &begin, &end, rights) == 3 &&
            strncmp(rights, "rw", 2) == 0 && strstr(line, "[stack]") == NULL)
            found += count_readable_in((const uint8_t *)begin, (const uint8_t *)end, line);
    }
    fclose(maps);
    return found;
}

static void assert_nowhere(void)
{
    assert_int_equal(count(), 0);
}

/* --- A reader with a PIN pad, and a card that stores nothing */

static scm_virtual_ifd *ifd;
static scm_handle *card;
static scm_ch_verification *codes, *blocks;
static scm_card_auth *auth;
static bool is_broken;

static scm_result transmit(void *user, const uint8_t *command, size_t command_length, uint8_t *response,
                           size_t capacity, size_t *response_length)
{
    (void)user, (void)command_length, (void)capacity;
    memset(response, 0x11, 256);
    *response_length = command[1] == 0x84 || command[1] == 0x88 ? command[command_length - 1] : 0;
    memcpy(response + *response_length, "\x90\x00", 2);
    *response_length += 2;
    return is_broken ? SCM_SCARD_F_COMM_ERROR : SCM_S_OK;
}

static scm_result power(void *user, uint32_t event)
{
    (void)user, (void)event;
    return SCM_S_OK;
}

/* A broken reader, which returns the entry of the user, or leaves it behind when it fails. */
static scm_result control(void *user, uint32_t code, const uint8_t *input, size_t input_length, uint8_t *output,
                          size_t capacity, size_t *output_length)
{
    static const uint8_t features[] = {0x06, 4, 0x42, 0x33, 0x00, 0x06, 0x07, 4, 0x42, 0x33, 0x00, 0x07};
    (void)user, (void)input, (void)input_length, (void)capacity;
    if (code == scm_ctl_code(3400)) {
        memcpy(output, features, sizeof features);
        *output_length = sizeof features;
    } else {
        reveal(output, &CODE);
        *output_length = CODE_LENGTH;
        return is_broken ? SCM_E_FAIL : SCM_S_OK;
    }
    return SCM_S_OK;
}

static void attach_to_own_card(void)
{
    scm_virtual_card plug = SCM_VIRTUAL_CARD_INIT;
    scm_virtual_ifd_options options = SCM_VIRTUAL_IFD_OPTIONS_INIT;
    options.log_capacity = 1 << 20;
    plug.atr = (const uint8_t *)"\x3B\x80\x80\x01\x01";
    plug.atr_length = 5;
    plug.transmit = transmit;
    plug.power = power;
    plug.control = control;
    assert_result(scm_virtual_ifd_create(NAME, &options, &ifd), SCM_S_OK);
    assert_result(scm_virtual_ifd_insert(ifd, &plug), SCM_S_OK);
    assert_result(scm_attach_by_ifd(NAME, &card), SCM_S_OK);
}

/* --- Every call with a secret. A card program of its own knows neither code nor key, and is not tested here. */

/* The memory is searched after each call, before it is overwritten, if requested. */
static bool searches;

static scm_result note(scm_result result)
{
    if (searches)
        assert_nowhere();
    return result;
}

/* The two codes in clear text during a call. */
static uint8_t code[CODE_LENGTH], other[CODE_LENGTH];

#define WITH_CODES(call)                                                                                               \
    do {                                                                                                               \
        reveal(code, &CODE);                                                                                           \
        reveal(other, &NEW_CODE);                                                                                      \
        scm_result result = (call);                                                                                    \
        wipe(code, sizeof code);                                                                                       \
        wipe(other, sizeof other);                                                                                     \
        note(result);                                                                                                  \
    } while (0)

static void show_codes(scm_ch_verification *object, size_t length)
{
    uint32_t left;
    WITH_CODES(scm_ch_verification_verify(object, code, length, 0, 2, &left));
    WITH_CODES(scm_ch_verification_verify(object, code, length, SCM_FL_IHV_LOCAL, 2, &left));
    WITH_CODES(scm_ch_verification_change_code(object, code, length, other, length, 0, 2, &left));
    WITH_CODES(scm_ch_verification_change_code(object, NULL, 0, other, length, 0, 2, &left));
    WITH_CODES(scm_ch_verification_change_code(object, code, length, NULL, 0, SCM_FL_IHV_ENABLE, 2, &left));
    WITH_CODES(scm_ch_verification_change_code(object, code, length, NULL, 0, SCM_FL_IHV_DISABLE, 2, &left));
    WITH_CODES(scm_ch_verification_unblock(object, code, length, other, length, 0, 1, &left));
    WITH_CODES(scm_ch_verification_unblock(object, code, length, NULL, 0, 0, 1, &left));
    WITH_CODES(scm_ch_verification_unblock(object, NULL, 0, other, length, 0, 1, &left));
    scm_ch_verification_reset_security_state(object);
    /* Commands that are refused before they are sent. */
    WITH_CODES(scm_ch_verification_verify(object, code, length, SCM_FL_SECURE_MESSAGING, 2, &left));
    WITH_CODES(scm_ch_verification_verify(object, code, length, 0, 99, &left));
    WITH_CODES(scm_ch_verification_verify(object, code, 2, 0, 2, &left));
    WITH_CODES(scm_ch_verification_verify(NULL, code, length, 0, 2, &left));
    WITH_CODES(scm_ch_verification_change_code(object, code, length, other, 2, 0, 2, &left));
    WITH_CODES(scm_card_auth_user_auth(auth, 0, (const uint8_t *)"\x02", 1, code, length));
}

/* Returns a secret as its answer. */
static scm_result respond(void *user, const uint8_t *challenge, size_t challenge_length, uint8_t *answer,
                          size_t capacity, size_t *answer_length)
{
    (void)challenge, (void)challenge_length;
    reveal(answer, &CODE);
    reveal(answer + capacity - CODE_LENGTH, &CODE);
    *answer_length = CODE_LENGTH;
    return *(scm_result *)user;
}

static void use_keys(void)
{
    static const struct {
        uint32_t cipher;
        size_t length;
    } rows[] = {{SCM_CIPHER_AES, 16}, {SCM_CIPHER_AES, 24}, {SCM_CIPHER_3DES, 16}, {SCM_CIPHER_3DES, 24},
                {SCM_CIPHER_AES, 23}};
    uint8_t key[KEY_LENGTH];
    scm_card_auth_options options = SCM_CARD_AUTH_OPTIONS_INIT;
    options.key = key;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        options.cipher = rows[i].cipher;
        options.key_length = rows[i].length;
        reveal(key, &KEY);
        scm_result result = scm_card_auth_app_auth_ex(auth, 0, (const uint8_t *)"\x01", 1, &options);
        wipe(key, sizeof key);
        note(result);
        reveal(key, &KEY);
        result = scm_card_auth_icc_auth_ex(auth, 0, (const uint8_t *)"\x02", 1, &options);
        wipe(key, sizeof key);
        note(result);
    }
}

/* The answers of a program's cipher go to the card and into the log unchanged: they prove a secret and are none. Here
 * they are one, to find them. */
static void use_program(void)
{
    scm_result result = SCM_S_OK;
    scm_card_auth_options own = SCM_CARD_AUTH_OPTIONS_INIT;
    own.cipher_callback = respond;
    own.user_data = &result;
    for (int i = 0; i < 2; i++) {
        note(scm_card_auth_app_auth_ex(auth, 0, (const uint8_t *)"\x01", 1, &own));
        note(scm_card_auth_icc_auth_ex(auth, 0, (const uint8_t *)"\x02", 1, &own));
        result = SCM_E_FAIL;
    }
}

static void use_everything(void)
{
    show_codes(codes, CODE_LENGTH);
    show_codes(blocks, DIGITS_LENGTH);
    use_keys();
    use_program();
}

/* --- The tests */

static void the_search_finds_what_is_there(void **state)
{
    (void)state;
    assert_nowhere();
    uint8_t *copy = malloc(CODE_LENGTH);
    assert_non_null(copy);
    for (size_t i = 0; i < PARTS; i++) {
        reveal(copy, parts[i].secret);
        wipe(copy, parts[i].from);
        wipe(copy + parts[i].from + parts[i].length, CODE_LENGTH - parts[i].from - parts[i].length);
        assert_int_equal(count(), 1);
        wipe(copy, CODE_LENGTH);
    }
    free(copy);
    assert_nowhere();
}

static void nothing_is_left_in_memory(void **state)
{
    (void)state;
    searches = true;
    use_everything();
    searches = false;
}

static void nothing_is_left_after_failures(void **state)
{
    (void)state;
    is_broken = true;
    use_everything();
    is_broken = false;
    assert_nowhere();
    if (ifd != NULL) {
        assert_result(scm_virtual_ifd_remove(ifd), SCM_S_OK);
        use_everything();
        assert_nowhere();
    }
}

static void nothing_is_left_of_a_pin_pad(void **state)
{
    (void)state;
    uint32_t left;
    for (int i = 0; i < 2; i++) {
        is_broken = i == 1;
        scm_result result = scm_ch_verification_verify(codes, NULL, 0, 0, 1, &left);
        scm_result expected = is_broken ? SCM_SCARD_E_NOT_TRANSACTED : SCM_SCARD_F_COMM_ERROR;
        assert_result(result, ifd != NULL ? expected : SCM_SCARD_E_UNSUPPORTED_FEATURE);
        assert_nowhere();
        scm_ch_verification_change_code(codes, NULL, 0, NULL, 0, 0, 1, &left);
        scm_ch_verification_unblock(codes, NULL, 0, NULL, 0, SCM_FL_IHV_PIN_PAD, 1, &left);
        assert_nowhere();
    }
    is_broken = false;
}

static void hex(char *to, const struct secret *secret)
{
    for (size_t i = 0; i < secret->length; i++)
        sprintf(to + 2 * i, "%02X", secret->masked[i] ^ mask);
}

/* As bytes and in hexadecimal. Eight characters are more than a time or a duration has. */
static void assert_not_in(const char *text, const struct secret *secret)
{
    char clear[CODE_LENGTH + 1] = "", digits[2 * CODE_LENGTH + 1];
    hex(digits, secret);
    digits[8] = '\0';
    assert_null(strstr(text, digits));
    reveal((uint8_t *)clear, secret);
    clear[8] = '\0';
    assert_null(strstr(text, clear));
    wipe((uint8_t *)clear, sizeof clear);
    wipe((uint8_t *)digits, sizeof digits);
}

static void nothing_is_in_a_log(void **state)
{
    (void)state;
    static char log[1 << 20];
    size_t length;
    if (ifd == NULL)
        skip();
    show_codes(codes, CODE_LENGTH);
    show_codes(blocks, DIGITS_LENGTH);
    use_keys();
    assert_result(scm_virtual_ifd_get_log(ifd, log, sizeof log, &length), SCM_S_OK);
    assert_non_null(strstr(log, "withheld"));
    assert_not_in(log, &CODE);
    assert_not_in(log, &NEW_CODE);
    assert_not_in(log, &DIGITS);
    assert_not_in(log, &NEW_DIGITS);
    assert_not_in(log, &KEY);
}

static char library_log[1 << 20];

static void collect(void *user_data, uint32_t level, const char *line)
{
    (void)user_data, (void)level;
    size_t used = strlen(library_log);
    snprintf(library_log + used, sizeof library_log - used, "%s\n", line);
}

static void nothing_is_in_the_log_of_the_library(void **state)
{
    (void)state;
    assert_result(scm_set_log(collect, NULL, SCM_LOG_APDUS), SCM_S_OK);
    use_everything();
    assert_result(scm_set_log(NULL, NULL, SCM_LOG_OFF), SCM_S_OK);
    assert_non_null(strstr(library_log, "> scm_ch_verification_verify"));
    assert_non_null(strstr(library_log, "apdu > 00200002 ("));
    assert_true(strlen(library_log) < sizeof library_log - 1000);
    assert_not_in(library_log, &CODE);
    assert_not_in(library_log, &NEW_CODE);
    assert_not_in(library_log, &DIGITS);
    assert_not_in(library_log, &NEW_DIGITS);
    assert_not_in(library_log, &KEY);
}

/* Sends the code after this header, in each form that a program may choose. The card may refuse it. */
static void send_code(scm_handle *handle, uint8_t cla, uint8_t ins)
{
    uint8_t command[32 + CODE_LENGTH], response[SCM_RESPONSE_MAX];
    size_t length;
    const uint8_t header[] = {cla, ins, 0, 1};
    /* Short, extended, and without a length. */
    const uint8_t lengths[3][3] = {{CODE_LENGTH}, {0, 0, CODE_LENGTH}, {0}};
    const size_t length_of[] = {1, 3, 0};
    for (int form = 0; form < 3; form++) {
        memcpy(command, header, sizeof header);
        memcpy(command + 4, lengths[form], length_of[form]);
        reveal(command + 4 + length_of[form], &CODE);
        scm_transmit(handle, command, 4 + length_of[form] + CODE_LENGTH, response, sizeof response, &length);
    }
    const uint8_t envelope[] = {0, 0xC2, 0, 0, CODE_LENGTH + 5, cla, ins, 0, 1, CODE_LENGTH};
    memcpy(command, envelope, sizeof envelope);
    reveal(command + sizeof envelope, &CODE);
    scm_transmit(handle, command, sizeof envelope + CODE_LENGTH, response, sizeof response, &length);
    wipe(command, sizeof command);
}

/* The commands of the program itself: with each instruction for secrets, whatever their class; in parts of a chain; and
 * any command with secure messaging. The block of a PIN pad goes to the reader. */
static void no_command_of_the_program_shows_its_code(void **state)
{
    (void)state;
    static const uint8_t instructions[] = {0x20, 0x21, 0x24, 0x25, 0x2C, 0x2D, 0x82, 0x86, 0x87, 0x88};
    static const uint8_t classes[] = {0x00, 0x01, 0x10, 0x13, 0x40, 0x50, 0x80, 0x90, 0xA0, 0xFF};
    static const uint8_t secured[] = {0x04, 0x08, 0x0C, 0x1C, 0x60, 0x70, 0x84, 0x8C, 0xE0};
    for (uint32_t level = SCM_LOG_CALLS; level <= SCM_LOG_APDUS; level++) {
        memset(library_log, 0, sizeof library_log);
        assert_result(scm_set_log(collect, NULL, level), SCM_S_OK);
        for (size_t i = 0; i < sizeof instructions; i++)
            for (size_t j = 0; j < sizeof classes; j++)
                send_code(card, classes[j], instructions[i]);
        for (size_t j = 0; j < sizeof secured; j++)
            send_code(card, secured[j], 0xB0), send_code(card, secured[j], 0xD6);
        uint8_t block[CODE_LENGTH], output[16];
        size_t length;
        reveal(block, &CODE);
        scm_control(card, 0x42000DB2, block, sizeof block, output, sizeof output, &length);
        wipe(block, sizeof block);
        assert_result(scm_set_log(NULL, NULL, SCM_LOG_OFF), SCM_S_OK);
        assert_true(strlen(library_log) > 0 && strlen(library_log) < sizeof library_log - 1000);
        assert_int_equal(strstr(library_log, "withheld") != NULL, level == SCM_LOG_APDUS);
        assert_not_in(library_log, &CODE);
    }
}

static void nothing_is_in_a_text(void **state)
{
    (void)state;
    use_everything();
    for (uint32_t facility = 0; facility <= 0x10; facility++) {
        for (uint32_t code = 0; code <= 0x100; code++) {
            scm_result result = (scm_result)(0x80000000u | facility << 16 | code);
            assert_not_in(scm_result_name(result), &CODE);
            assert_not_in(scm_result_message(result), &CODE);
            assert_not_in(scm_result_message(result), &KEY);
        }
    }
}

static int begin(void **state)
{
    (void)state;
    scm_ch_verification_options options = SCM_CH_VERIFICATION_OPTIONS_INIT;
    options.encoding = SCM_CODE_ISO9564_2;
    if (bed_is_virtual()) {
        attach_to_own_card();
    } else {
        bed("insert %d scm", CARD);
        card = attach(CARD);
    }
    assert_result(scm_create_ch_verification(card, &codes), SCM_S_OK);
    assert_result(scm_create_ch_verification_ex(card, &options, &blocks), SCM_S_OK);
    return scm_create_card_auth(card, &auth);
}

static int end(void **state)
{
    (void)state;
    assert_result(scm_detach(card), SCM_S_OK);
    if (ifd == NULL)
        bed("remove %d", CARD);
    else
        assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
    ifd = NULL;
    return 0;
}

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_search_finds_what_is_there, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_left_in_memory, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_left_after_failures, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_left_of_a_pin_pad, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_in_a_log, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_in_the_log_of_the_library, begin, end),
        cmocka_unit_test_setup_teardown(no_command_of_the_program_shows_its_code, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_in_a_text, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

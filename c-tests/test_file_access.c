/* The files of a card: ISCardFileAccess, with T=1 and T=0. */
#include "support/check.h"

#include <pthread.h>
#include <stdbool.h>

#include "scm_card.h"
#include "scm_virtual.h"

#define CARD 0
#define OTHER_CARD 1

static const char *const profiles[] = {PROFILES "/t1.toml", PROFILES "/t0.toml"};

static scm_handle *card;
static scm_file_access *files;

static void take_card(const char *kind)
{
    bed("insert %d %s", CARD, kind);
    card = attach(CARD);
    assert_result(scm_create_file_access(card, &files), SCM_S_OK);
}

static void give_card_back(void)
{
    assert_result(scm_file_access_release(files), SCM_S_OK);
    assert_result(scm_detach(card), SCM_S_OK);
    bed("remove %d", CARD);
}

static int the_default_card(void **state)
{
    (void)state;
    take_card("scm");
    return 0;
}

static int the_card_with_t_1(void **state)
{
    (void)state;
    take_card(profiles[0]);
    return 0;
}

static int the_card_with_t_0(void **state)
{
    (void)state;
    take_card(profiles[1]);
    return 0;
}

static int no_card(void **state)
{
    (void)state;
    give_card_back();
    return 0;
}

static const char *current_dir(void)
{
    static char path[SCM_PATH_MAX + 1];
    size_t length = 77;
    assert_result(scm_file_access_get_current_dir(files, path, sizeof path, &length), SCM_S_OK);
    assert_int_equal(length, strlen(path) + 1);
    return path;
}

static scm_file *open_file(uint32_t type, const char *path)
{
    scm_file *file = NULL;
    assert_result(scm_file_access_open(files, type, path, &file), SCM_S_OK);
    assert_non_null(file);
    return file;
}

static uint64_t position_of(scm_file *file)
{
    uint64_t position = 77;
    assert_result(scm_file_tell(file, &position), SCM_S_OK);
    return position;
}

static uint64_t size_of(scm_file *file)
{
    uint64_t size = 77;
    assert_result(scm_file_get_size(file, &size), SCM_S_OK);
    return size;
}

/* Checks that the next read gives these bytes. */
static void assert_read(scm_file *file, size_t wanted, const void *expected, size_t expected_length)
{
    static uint8_t data[70000];
    size_t length = 77;
    assert_in_range(wanted, 0, sizeof data);
    assert_result(scm_file_read(file, data, wanted, &length, 0), SCM_S_OK);
    assert_int_equal(length, expected_length);
    assert_memory_equal(data, expected, expected_length);
}

static scm_result read_one(scm_file *file)
{
    uint8_t data[256];
    size_t length = 77;
    scm_result result = scm_file_read(file, data, sizeof data, &length, 0);
    if (SCM_FAILED(result) && result != SCM_SCARD_E_INSUFFICIENT_BUFFER)
        assert_int_equal(length, 0);
    return result;
}

static void close_file(scm_file *file)
{
    assert_result(scm_file_close(file), SCM_S_OK);
    assert_result(scm_file_close(file), SCM_E_HANDLE);
}

static scm_result put(scm_file *file, const void *data, size_t length, uint32_t flags, size_t *written)
{
    return scm_file_write(file, data, length, flags, written);
}

static void write_all(scm_file *file, const void *data, size_t length)
{
    size_t written = 77;
    assert_result(put(file, data, length, 0, &written), SCM_S_OK);
    assert_int_equal(written, length);
}

static void create_file(const char *path, const void *properties, size_t length)
{
    assert_result(scm_file_access_create(files, SCM_TYPE_BY_ANY, path, properties, length, 0, NULL, 0), SCM_S_OK);
}

static void verify(scm_handle *handle)
{
    static const uint8_t verify[] = {0x00, 0x20, 0x00, 0x01, 0x08, '1', '2', '3', '4', 0xFF, 0xFF, 0xFF, 0xFF};
    uint8_t response[2];
    size_t length;
    assert_result(scm_transmit(handle, verify, sizeof verify, response, sizeof response, &length), SCM_S_OK);
    assert_memory_equal(response, "\x90\x00", 2);
}

/* --- Paths and directories */

static void the_current_directory_goes_up_and_down(void **state)
{
    (void)state;
    assert_string_equal(current_dir(), "3F00");
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ID, "5015"), SCM_S_OK);
    assert_string_equal(current_dir(), "3F00/5015");
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ID, "5020"), SCM_S_OK);
    assert_string_equal(current_dir(), "3F00/5015/5020");
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ID, "../../2F01"), SCM_SCARD_E_NO_DIR);
    assert_string_equal(current_dir(), "3F00/5015/5020");
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ANY, ".."), SCM_S_OK);
    assert_string_equal(current_dir(), "3F00/5015");
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_NAME, "F073636D74657374"), SCM_S_OK);
    assert_string_equal(current_dir(), "F073636D74657374");
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ID, "5020"), SCM_S_OK);
    assert_string_equal(current_dir(), "F073636D74657374/5020");
    /* Only the card knows the directory above the name. */
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ID, "../.."), SCM_S_OK);
    assert_string_equal(current_dir(), "3F00");
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_NAME, "F073636D74657374/5020/../.."), SCM_S_OK);
    assert_string_equal(current_dir(), "3F00");
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ANY, ".."), SCM_SCARD_E_DIR_NOT_FOUND);
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ID, "5099"), SCM_SCARD_E_DIR_NOT_FOUND);
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_NAME, "F0FFFF"), SCM_SCARD_E_DIR_NOT_FOUND);
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_SHORT_ID, "1"), SCM_SCARD_E_NO_DIR);
    assert_string_equal(current_dir(), "3F00");
}

static void a_guess_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        uint32_t taken_as;
        const char *resolved;
    } guesses[] = {
        {"3F00/5015", SCM_TYPE_BY_ID, "3F00/5015"},
        {"4401", SCM_TYPE_BY_ID, "3F00/5015/4401"},
        {"1", SCM_TYPE_BY_SHORT_ID, "3F00/5015/1"},
        {"F073636D74", SCM_TYPE_BY_NAME, "F073636D74657374"},
        {"A00000039773636D01", SCM_TYPE_BY_NAME, "A00000039773636D01"},
        {"../5016", SCM_TYPE_BY_ID, "3F00/5016"},
        {".", SCM_TYPE_BY_ID, "3F00/5015"},
    };
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ANY, "3F005015"), SCM_S_OK);
    for (size_t i = 0; i < sizeof guesses / sizeof *guesses; i++) {
        char resolved[SCM_PATH_MAX + 1] = "";
        uint32_t taken_as = 77;
        size_t length = 77;
        assert_result(scm_file_access_resolve(files, SCM_TYPE_BY_ANY, guesses[i].path, &taken_as, resolved,
                                              sizeof resolved, &length),
                      SCM_S_OK);
        assert_string_equal(resolved, guesses[i].resolved);
        assert_int_equal(taken_as, guesses[i].taken_as);
    }
}

/* --- Transparent files */

static void a_file_is_read_by_any_of_its_names(void **state)
{
    (void)state;
    static const struct {
        uint32_t type, taken_as;
        const char *directory, *path;
    } names[] = {
        {SCM_TYPE_BY_ID, SCM_TYPE_BY_ID, "3F00", "3F00/5015/4401"},
        {SCM_TYPE_BY_ID, SCM_TYPE_BY_ID, "3F00", "5015/4401"},
        {SCM_TYPE_BY_ID, SCM_TYPE_BY_ID, "3F00/5015", "4401"},
        {SCM_TYPE_BY_NAME, SCM_TYPE_BY_NAME, "3F00", "F073636D74657374/4401"},
        {SCM_TYPE_BY_SHORT_ID, SCM_TYPE_BY_SHORT_ID, "3F00/5015", "1"},
        {SCM_TYPE_BY_ANY, SCM_TYPE_BY_SHORT_ID, "3F00/5015", "1"},
        {SCM_TYPE_BY_ANY, SCM_TYPE_BY_ID, "3F00/5015", "4401"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ID, names[i].directory), SCM_S_OK);
        scm_file *file = open_file(names[i].type, names[i].path);
        scm_file_info info = SCM_FILE_INFO_INIT;
        assert_result(scm_file_get_info(file, &info), SCM_S_OK);
        assert_int_equal(info.reference_type, names[i].taken_as);
        assert_int_equal(info.file_type, SCM_TYPE_TRANSPARENT_EF);
        assert_int_equal(info.short_id, 1);
        assert_int_equal(info.size, 64);
        assert_int_equal(size_of(file), 64);
        assert_read(file, 5, "Hello", 5);
        assert_int_equal(position_of(file), 5);
        assert_read(file, 1, " ", 1);
        assert_result(scm_file_seek(file, -1, SCM_SEEK_FROM_END), SCM_S_OK);
        assert_read(file, 100, "\0", 1);
        assert_result(read_one(file), SCM_SCARD_W_EOF);
        assert_result(scm_file_seek(file, 2, SCM_SEEK_FROM_BEGINNING), SCM_S_OK);
        assert_result(scm_file_seek(file, 2, SCM_SEEK_RELATIVE), SCM_S_OK);
        assert_read(file, 1, "o", 1);
        close_file(file);
    }
}

static void a_seek_stays_in_the_file(void **state)
{
    (void)state;
    scm_file *file = open_file(SCM_TYPE_BY_ID, "3F00/5015/4401");
    assert_result(scm_file_seek(file, 64, SCM_SEEK_FROM_BEGINNING), SCM_S_OK);
    assert_result(scm_file_seek(file, 65, SCM_SEEK_FROM_BEGINNING), SCM_SCARD_E_BAD_SEEK);
    assert_result(scm_file_seek(file, 1, SCM_SEEK_RELATIVE), SCM_SCARD_E_BAD_SEEK);
    assert_result(scm_file_seek(file, 1, SCM_SEEK_FROM_END), SCM_SCARD_E_BAD_SEEK);
    assert_result(scm_file_seek(file, -65, SCM_SEEK_FROM_END), SCM_SCARD_E_BAD_SEEK);
    assert_result(scm_file_seek(file, INT64_MIN, SCM_SEEK_RELATIVE), SCM_SCARD_E_BAD_SEEK);
    assert_result(scm_file_seek(file, INT64_MAX, SCM_SEEK_RELATIVE), SCM_SCARD_E_BAD_SEEK);
    assert_result(scm_file_seek(file, 0, 3), SCM_E_INVALIDARG);
    assert_int_equal(position_of(file), 64);
    close_file(file);
}

static void a_missing_file_is_not_opened(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        const char *path;
        scm_result expected;
    } paths[] = {
        {SCM_TYPE_BY_ID, "3F00/5015/44FF", SCM_SCARD_E_FILE_NOT_FOUND},
        {SCM_TYPE_BY_ID, "3F00/50FF/4401", SCM_SCARD_E_DIR_NOT_FOUND},
        {SCM_TYPE_BY_ID, "2FFF", SCM_SCARD_E_FILE_NOT_FOUND},
        {SCM_TYPE_BY_ID, "3F00/5015", SCM_SCARD_E_NO_FILE},
        {SCM_TYPE_BY_ID, "3F00", SCM_SCARD_E_NO_FILE},
        {SCM_TYPE_BY_NAME, "F073636D74657374", SCM_SCARD_E_NO_FILE},
        {SCM_TYPE_BY_NAME, "FFFFFFFF", SCM_SCARD_E_DIR_NOT_FOUND},
        {SCM_TYPE_BY_NAME, "FFFFFFFF/4401", SCM_SCARD_E_DIR_NOT_FOUND},
        {SCM_TYPE_BY_NAME, "F073636D74657374/44FF", SCM_SCARD_E_FILE_NOT_FOUND},
        {SCM_TYPE_BY_SHORT_ID, "29", SCM_S_OK},
        {SCM_TYPE_BY_SHORT_ID, "28", SCM_SCARD_E_FILE_NOT_FOUND},
        {SCM_TYPE_BY_ANY, "28", SCM_SCARD_E_FILE_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        scm_file *file = (scm_file *)&paths;
        scm_result result = scm_file_access_open(files, paths[i].type, paths[i].path, &file);
        if (result != paths[i].expected)
            print_error("%s\n", paths[i].path);
        assert_result(result, paths[i].expected);
        if (SCM_SUCCEEDED(result))
            close_file(file);
        else
            assert_null(file);
    }
}

/* 60,000 bytes: beyond 32,767 odd instructions are needed. */
static void written_bytes_are_read_at_every_offset(void **state)
{
    (void)state;
    enum { SIZE = 60000 };
    static uint8_t expected[SIZE], part[SIZE];
    create_file("3F00/4410", "\x80\x02\xEA\x60", 4);
    scm_file *file = open_file(SCM_TYPE_BY_ID, "3F00/4410");
    assert_int_equal(size_of(file), SIZE);
    for (size_t i = 0; i < SIZE; i++)
        expected[i] = (uint8_t)(i * 7 + i / 256);
    write_all(file, expected, SIZE);
    assert_int_equal(position_of(file), SIZE);
    assert_result(scm_file_seek(file, 0, SCM_SEEK_FROM_BEGINNING), SCM_S_OK);
    assert_read(file, SIZE, expected, SIZE);

    static const size_t places[][2] = {
        {0, 1},       {255, 2},      {32766, 1},   {32767, 1},   {32768, 1},    {32700, 300},
        {32767, 255}, {32768, 4096}, {59000, 999}, {59999, 1},   {40000, 255},  {40000, 252},
        {40000, 253}, {40000, 254},  {1, 4096},    {5000, 10000}, {0, 60000},
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        size_t offset = places[i][0], length = places[i][1];
        for (size_t j = 0; j < length; j++)
            expected[offset + j] = part[j] = (uint8_t)(j * 13 + i + 1);
        assert_result(scm_file_seek(file, (int64_t)offset, SCM_SEEK_FROM_BEGINNING), SCM_S_OK);
        write_all(file, part, length);
        assert_result(scm_file_seek(file, -(int64_t)length, SCM_SEEK_RELATIVE), SCM_S_OK);
        assert_read(file, length, part, length);
    }
    assert_result(scm_file_seek(file, 0, SCM_SEEK_FROM_BEGINNING), SCM_S_OK);
    assert_read(file, SIZE + 10, expected, SIZE);
    assert_result(read_one(file), SCM_SCARD_W_EOF);

    /* A write that does not fit is not begun. */
    size_t written = 77;
    assert_result(scm_file_seek(file, -1, SCM_SEEK_FROM_END), SCM_S_OK);
    assert_result(scm_file_write(file, part, 2, 0, &written), SCM_SCARD_E_WRITE_TOO_MANY);
    assert_int_equal(written, 0);
    assert_int_equal(position_of(file), SIZE - 1);
    close_file(file);
    assert_result(scm_file_access_delete(files, SCM_TYPE_BY_ID, "3F00/4410", 0), SCM_S_OK);
}

/* If a card announces extended lengths and refuses them, the library uses short ones from then on. */
static void a_card_that_refuses_a_length_is_asked_for_less(void **state)
{
    (void)state;
    static uint8_t data[600];
    scm_card_capabilities capabilities = SCM_CARD_CAPABILITIES_INIT;
    /* Reads EF.ATR/INFO: from now on the card takes long commands. */
    assert_result(scm_get_card_capabilities(card, &capabilities), SCM_S_OK);
    assert_int_equal(capabilities.command_data_max, 4096 - 9);
    create_file("3F00/4415", "\x80\x02\x02\x58", 4);
    scm_file *file = open_file(SCM_TYPE_BY_ID, "3F00/4415");
    bed("card %d answer 00B00000000258 6700", CARD);
    bed("card %d answer 00D60000000258 6700", CARD);
    assert_result(scm_lock(card), SCM_S_OK);
    assert_read(file, 1, "\0", 1);
    for (int i = 0; i < 2; i++) {
        assert_result(scm_file_seek(file, 0, SCM_SEEK_FROM_BEGINNING), SCM_S_OK);
        bed("card %d clear", CARD);
        assert_read(file, sizeof data, data, sizeof data);
        assert_string_equal(bed("card %d log", CARD), i == 0 ? "00B00000000258 00B0000000 00B0010000 00B0020058"
                                                             : "00B0000000 00B0010000 00B0020058");
    }
    for (int i = 0; i < 2; i++) {
        assert_result(scm_file_seek(file, 0, SCM_SEEK_FROM_BEGINNING), SCM_S_OK);
        bed("card %d clear", CARD);
        write_all(file, data, sizeof data);
        assert_int_equal(bed_count(CARD), i == 0 ? 4 : 3);
    }
    bed("card %d forget", CARD);
    assert_result(scm_unlock(card, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    close_file(file);
    assert_result(scm_file_access_delete(files, SCM_TYPE_BY_ID, "3F00/4415", 0), SCM_S_OK);
}

/* The library selects nothing of its own in between: the card would drop a verified code of a DF. */
static void a_code_of_a_directory_outlives_a_long_write(void **state)
{
    (void)state;
    static const uint8_t verify_local[] = {0x00, 0x20, 0x00, 0x81, 0x06, 's', 'e', 'c', 'r', 'e', 't'};
    static const uint8_t data[15] = {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E'};
    uint8_t response[2];
    size_t length;
    assert_result(scm_lock(card), SCM_S_OK);
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_NAME, "A00000039773636D01"), SCM_S_OK);
    assert_result(scm_transmit(card, verify_local, sizeof verify_local, response, sizeof response, &length), SCM_S_OK);
    assert_memory_equal(response, "\x90\x00", 2);
    scm_file *file = open_file(SCM_TYPE_BY_ID, "4501");
    write_all(file, data, sizeof data);
    assert_result(scm_file_seek(file, 0, SCM_SEEK_FROM_BEGINNING), SCM_S_OK);
    assert_read(file, 1000, data, sizeof data);
    close_file(file);
    assert_result(scm_unlock(card, SCM_DISPOSITION_LEAVE), SCM_S_OK);
}

/* The card knows only the oldest ways of selection. */
static void another_way_of_selection_follows_a_refusal(void **state)
{
    (void)state;
    bed("card %d answer 00A408 6A86", CARD);
    bed("card %d answer 00A4000C 6A86", CARD);
    bed("card %d answer 00A40004 6A86", CARD);
    bed("card %d clear", CARD);
    for (int i = 0; i < 2; i++) {
        scm_file *file = open_file(SCM_TYPE_BY_ID, "3F00/5015/4401");
        assert_read(file, 5, "Hello", 5);
        close_file(file);
    }
    assert_string_equal(bed("card %d log", CARD),
                        /* At the open each way is tried once. */
                        "00A40804045015440100 00A40800045015440100 00A4080C0450154401 00A4000C023F00 00A40004023F0000 "
                        "00A40000023F0000 00A4010002501500 00A4020002440100 "
                        /* Read, opened, read. */
                        "00A40000023F0000 00A4010002501500 00A4020002440100 00B0000005 "
                        "00A40000023F0000 00A4010002501500 00A4020002440100 "
                        "00A40000023F0000 00A4010002501500 00A4020002440100 00B0000005");
    bed("card %d clear", CARD);
    bed("card %d answer 00A401 6A86", CARD);
    bed("card %d answer 00A402 6A86", CARD);
    scm_file *file = open_file(SCM_TYPE_BY_ID, "3F00/5015/4401");
    close_file(file);
    assert_string_equal(bed("card %d log", CARD),
                        "00A40000023F0000 00A4010002501500 00A4000002501500 00A4020002440100 00A4020C024401 "
                        "00A4000002440100");
    bed("card %d forget", CARD);
}

static void bits_are_set_and_bytes_erased(void **state)
{
    (void)state;
    size_t written = 77;
    create_file("4411", "\x80\x02\x00\x10", 4);
    scm_file *file = open_file(SCM_TYPE_BY_ID, "4411");
    write_all(file, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C\x0D\x0E\x0F\x10", 16);
    assert_result(scm_file_seek(file, 0, SCM_SEEK_FROM_BEGINNING), SCM_S_OK);
    assert_result(put(file, "\xF0\x80", 2, SCM_FL_OR, &written), SCM_S_OK);
    assert_int_equal(written, 2);
    /* The card's WRITE is OR. */
    assert_result(put(file, "\xF0", 1, SCM_FL_AND, &written), SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_int_equal(written, 0);
    assert_int_equal(position_of(file), 2);
    assert_result(scm_file_write(file, NULL, 3, SCM_FL_ERASE, &written), SCM_S_OK);
    assert_int_equal(written, 3);
    assert_result(scm_file_seek(file, -2, SCM_SEEK_FROM_END), SCM_S_OK);
    assert_result(scm_file_write(file, NULL, 2, SCM_FL_ERASE, &written), SCM_S_OK);
    assert_result(scm_file_seek(file, 0, SCM_SEEK_FROM_BEGINNING), SCM_S_OK);
    assert_read(file, 16, "\xF1\x82\x00\x00\x00\x06\x07\x08\x09\x0A\x0B\x0C\x0D\x0E\x00\x00", 16);
    close_file(file);
    assert_result(scm_file_access_delete(files, SCM_TYPE_BY_ID, "4411", SCM_FL_NON_RECURSIVE), SCM_S_OK);
}

/* --- Files of records */

static void records_are_read_one_by_one(void **state)
{
    (void)state;
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ID, "3F00/5015"), SCM_S_OK);
    static const struct {
        uint32_t type, file_type;
        const char *path;
        uint64_t count;
        const char *second;
        size_t length;
    } names[] = {
        {SCM_TYPE_BY_ID, SCM_TYPE_FIXED_EF, "4403", 3, "\xA2\x11\x12\x13\x14\x15\x16\x17", 8},
        {SCM_TYPE_BY_SHORT_ID, SCM_TYPE_FIXED_EF, "3", 3, "\xA2\x11\x12\x13\x14\x15\x16\x17", 8},
        {SCM_TYPE_BY_ID, SCM_TYPE_VARIABLE_EF, "4404", 3, "\xB2\x01\x02\x03", 4},
        {SCM_TYPE_BY_ID, SCM_TYPE_CYCLIC_EF, "4405", 3, "\xC2\x00\x00\x02", 4},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        scm_file *file = open_file(names[i].type, names[i].path);
        scm_file_info info = SCM_FILE_INFO_INIT;
        assert_result(scm_file_get_info(file, &info), SCM_S_OK);
        assert_int_equal(info.file_type, names[i].file_type);
        assert_int_equal(size_of(file), names[i].count);
        assert_result(scm_file_seek(file, 1, SCM_SEEK_FROM_BEGINNING), SCM_S_OK);
        assert_read(file, 256, names[i].second, names[i].length);
        assert_int_equal(position_of(file), 2);
        /* A record that does not fit is not lost. */
        uint8_t byte = 77;
        size_t length = 77;
        assert_result(scm_file_seek(file, -1, SCM_SEEK_RELATIVE), SCM_S_OK);
        assert_result(scm_file_read(file, &byte, 1, &length, 0), SCM_SCARD_E_INSUFFICIENT_BUFFER);
        assert_int_equal(length, names[i].length);
        assert_int_equal(byte, 77);
        assert_int_equal(position_of(file), 1);
        assert_read(file, length, names[i].second, names[i].length);
        assert_result(scm_file_seek(file, 0, SCM_SEEK_FROM_END), SCM_S_OK);
        assert_int_equal(position_of(file), names[i].count);
        assert_result(read_one(file), SCM_SCARD_W_EOF);
        assert_result(scm_file_seek(file, 1, SCM_SEEK_RELATIVE), SCM_SCARD_E_BAD_SEEK);
        assert_result(scm_file_seek(file, 1000, SCM_SEEK_FROM_BEGINNING), SCM_SCARD_E_BAD_SEEK);
        close_file(file);
    }
}

static void records_are_changed_and_appended(void **state)
{
    (void)state;
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ID, "3F00"), SCM_S_OK);
    /* Records of up to 8 bytes, at most 4 of them. */
    create_file("4412", "\x82\x05\x04\x41\x00\x08\x04", 7);
    scm_file *file = open_file(SCM_TYPE_BY_ID, "4412");
    size_t written = 77;
    assert_int_equal(size_of(file), 0);
    assert_result(read_one(file), SCM_SCARD_W_EOF);
    write_all(file, "one", 3);
    write_all(file, "two", 3);
    write_all(file, "three", 5);
    assert_int_equal(size_of(file), 3);
    assert_result(scm_file_seek(file, 1, SCM_SEEK_FROM_BEGINNING), SCM_S_OK);
    write_all(file, "second", 6);
    assert_read(file, 8, "three", 5);
    assert_result(scm_file_seek(file, 1, SCM_SEEK_FROM_BEGINNING), SCM_S_OK);
    assert_read(file, 8, "second", 6);
    assert_result(put(file, "much too long", 13, 0, &written), SCM_SCARD_E_WRITE_TOO_MANY);
    assert_int_equal(written, 0);
    assert_result(scm_file_seek(file, 0, SCM_SEEK_FROM_END), SCM_S_OK);
    write_all(file, "four", 4);
    assert_result(put(file, "five", 4, 0, &written), SCM_SCARD_E_WRITE_TOO_MANY);
    assert_int_equal(written, 0);
    close_file(file);
    assert_result(scm_file_access_delete(files, SCM_TYPE_BY_ID, "4412", 0), SCM_S_OK);
}

/* --- The tree */

static bool is_listed(uint32_t type, const char *wanted, size_t *count)
{
    char names[1024];
    size_t length = 77;
    bool found = false;
    *count = 0;
    assert_result(scm_file_access_directory(files, type, names, sizeof names, &length), SCM_S_OK);
    for (char *name = names; *name != '\0'; name += strlen(name) + 1) {
        found |= strcmp(name, wanted) == 0;
        ++*count;
    }
    return found;
}

static void a_directory_is_listed(void **state)
{
    (void)state;
    size_t count;
    assert_true(is_listed(SCM_TYPE_ALL_FILES, "5015", &count));
    assert_int_equal(count, 4); /* 2F00, 2F01, 5015, 5016; EF.DIR has the names of the last two */
    assert_true(is_listed(SCM_TYPE_DIRECTORIES, "5016", &count));
    assert_int_equal(count, 2);
    assert_true(is_listed(SCM_TYPE_FILES, "2F00", &count));
    assert_int_equal(count, 2);
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ANY, "F073636D74657374"), SCM_S_OK);
    assert_true(is_listed(SCM_TYPE_ALL_FILES, "4403", &count));
    assert_int_equal(count, 6);
    assert_true(is_listed(SCM_TYPE_CYCLIC_EF, "4405", &count));
    assert_int_equal(count, 1);

    char names[64];
    size_t length = 77;
    scm_directory_options options = SCM_DIRECTORY_OPTIONS_INIT;
    options.first_id = 0x4404;
    options.last_id = 0x4405;
    assert_result(scm_file_access_directory_ex(files, SCM_TYPE_ALL_FILES, &options, names, sizeof names, &length),
                  SCM_S_OK);
    assert_int_equal(length, 11);
    assert_memory_equal(names, "4404\0004405\0", 11);
    assert_result(scm_file_access_directory_ex(files, SCM_TYPE_ALL_FILES, &options, NULL, 0, &length), SCM_S_OK);
    assert_int_equal(length, 11);
    assert_result(scm_file_access_directory_ex(files, SCM_TYPE_ALL_FILES, &options, names, 10, &length),
                  SCM_SCARD_E_INSUFFICIENT_BUFFER);
    options.last_id = 0x4403;
    assert_result(scm_file_access_directory_ex(files, SCM_TYPE_ALL_FILES, &options, names, sizeof names, &length),
                  SCM_E_INVALIDARG);
    assert_result(scm_file_access_directory(files, 8, names, sizeof names, &length), SCM_E_INVALIDARG);
}

static void files_are_created_and_deleted(void **state)
{
    (void)state;
    size_t count;
    /* A directory, with a file with content and another directory in it. */
    create_file("3F00/5040", "\x82\x01\x38", 3);
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ID, "5040"), SCM_S_OK);
    assert_result(scm_file_access_create(files, SCM_TYPE_BY_ID, "4401", NULL, 0, 0, (const uint8_t *)"content", 7),
                  SCM_S_OK);
    scm_file *file = open_file(SCM_TYPE_BY_ID, "4401");
    assert_int_equal(size_of(file), 7);
    assert_read(file, 7, "content", 7);
    close_file(file);
    assert_result(scm_file_access_create(files, SCM_TYPE_BY_ID, "4401", NULL, 0, 0, (const uint8_t *)"content", 7),
                  SCM_SCARD_E_NO_ACCESS);
    assert_result(scm_file_access_create(files, SCM_TYPE_BY_NAME, "A0000003970102", NULL, 0, 0, NULL, 0), SCM_S_OK);
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_NAME, "A0000003970102"), SCM_S_OK);
    /* Not by the beginning of its name, and not without the flag for its content. */
    assert_result(scm_file_access_delete(files, SCM_TYPE_BY_NAME, "A00000039701", SCM_FL_RECURSIVE),
                  SCM_SCARD_E_FILE_NOT_FOUND);
    assert_result(scm_file_access_delete(files, SCM_TYPE_BY_NAME, "A0000003970102", 0),
                  SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_result(scm_file_access_delete(files, SCM_TYPE_BY_NAME, "A0000003970102", SCM_FL_RECURSIVE), SCM_S_OK);
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ID, "3F00/5040"), SCM_S_OK);
    /* Fixed records: as many as the content fills. */
    assert_result(scm_file_access_create(files, SCM_TYPE_BY_ID, "4402", (const uint8_t *)"\x82\x05\x02\x41\x00\x04\x08",
                                         7, SCM_FL_NO_FLAGS, (const uint8_t *)"AAAABBBBCCCC", 12),
                  SCM_S_OK);
    file = open_file(SCM_TYPE_BY_ID, "4402");
    assert_int_equal(size_of(file), 3);
    close_file(file);

    assert_result(scm_file_access_delete(files, SCM_TYPE_BY_ID, ".", SCM_FL_NON_RECURSIVE),
                  SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_true(is_listed(SCM_TYPE_ALL_FILES, "4402", &count));
    assert_int_equal(count, 2);
    assert_result(scm_file_access_delete(files, SCM_TYPE_BY_ID, ".", SCM_FL_RECURSIVE), SCM_S_OK);
    assert_string_equal(current_dir(), "3F00");
    assert_result(scm_file_access_delete(files, SCM_TYPE_BY_ID, "5040", 0), SCM_SCARD_E_FILE_NOT_FOUND);
    assert_result(scm_file_access_delete(files, SCM_TYPE_BY_ID, "2F01", SCM_FL_RECURSIVE | SCM_FL_NON_RECURSIVE),
                  SCM_E_INVALIDARG);

    /* Content that does not fit is not begun. */
    assert_result(scm_file_access_create(files, SCM_TYPE_BY_ID, "4403", (const uint8_t *)"\x82\x05\x02\x41\x00\x04\x08",
                                         7, 0, (const uint8_t *)"AAAAB", 5),
                  SCM_E_INVALIDARG);
    assert_result(scm_file_access_delete(files, SCM_TYPE_BY_ID, "4403", 0), SCM_SCARD_E_FILE_NOT_FOUND);
    /* The kind of a new file is required. */
    assert_result(scm_file_access_create(files, SCM_TYPE_BY_ID, "4403", NULL, 0, SCM_FL_PREALLOCATE, NULL, 0),
                  SCM_E_INVALIDARG);
    assert_result(scm_file_access_create(files, SCM_TYPE_BY_ID, "4403", (const uint8_t *)"\x83\x02\x44\x04", 4, 0, NULL,
                                         0),
                  SCM_E_INVALIDARG);
    assert_result(scm_file_access_create(files, SCM_TYPE_BY_ID, "4403", (const uint8_t *)"\x83\x05", 2, 0, NULL, 0),
                  SCM_E_INVALIDARG);
    assert_result(scm_file_access_create(files, SCM_TYPE_BY_SHORT_ID, "3", NULL, 0, 0, NULL, 0), SCM_E_INVALIDARG);
    assert_result(scm_file_access_create(files, SCM_TYPE_BY_ID, "3F00/50FF/4401", NULL, 0, 0, (const uint8_t *)"x", 1),
                  SCM_SCARD_E_DIR_NOT_FOUND);
}

static void a_deactivated_file_is_not_read(void **state)
{
    (void)state;
    create_file("4413", "\x80\x02\x00\x10", 4);
    scm_file *file = open_file(SCM_TYPE_BY_ID, "4413");
    assert_result(scm_file_access_invalidate(files, "4413", 0), SCM_S_OK);
    assert_result(read_one(file), SCM_SCARD_E_NO_ACCESS);
    scm_file *other = open_file(SCM_TYPE_BY_ID, "4413");
    close_file(other);
    assert_result(scm_file_access_rehabilitate(files, "4413", 0), SCM_S_OK);
    assert_result(read_one(file), SCM_S_OK);
    close_file(file);
    assert_result(scm_file_access_invalidate(files, "44FF", 0), SCM_SCARD_E_FILE_NOT_FOUND);
    assert_result(scm_file_access_invalidate(files, "4413", SCM_FL_ERASE), SCM_E_INVALIDARG);
    assert_result(scm_file_access_delete(files, SCM_TYPE_BY_ID, "4413", 0), SCM_S_OK);
}

/* An action on a short identifier applies to that file, or to nothing. */
static void a_short_identifier_that_cannot_be_read_changes_nothing(void **state)
{
    (void)state;
    uint8_t properties[256];
    size_t length = 77;
    /* A file without read access, and one without records. */
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ID, "3F00/5016"), SCM_S_OK);
    bed("card %d clear", CARD);
    assert_result(scm_file_access_invalidate(files, "1", 0), SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_result(scm_file_access_set_properties(files, SCM_TYPE_BY_SHORT_ID, "1", (const uint8_t *)"\x8A\x01\x05", 3,
                                                 0),
                  SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_result(scm_file_access_get_properties(files, SCM_TYPE_BY_SHORT_ID, "1", NULL, 0, 0, properties,
                                                 sizeof properties, &length),
                  SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_int_equal(length, 0);
    assert_null(strstr(bed("card %d log", CARD), " 0004"));
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ID, "3F00/5016"), SCM_S_OK);
}

/* A file is no directory, anywhere in a path. */
static void a_file_in_the_place_of_a_directory(void **state)
{
    (void)state;
    scm_file *file;
    char path[SCM_PATH_MAX + 1];
    uint32_t taken_as;
    size_t length;
    create_file("4401", "\x80\x02\x00\x10\x88\x01\x08", 7);
    create_file("4403", "\x80\x02\x00\x10\x88\x01\x18", 7);
    assert_result(scm_file_access_create(files, SCM_TYPE_BY_ID, "4401/5556", (const uint8_t *)"\x82\x01\x38", 3, 0,
                                         NULL, 0),
                  SCM_SCARD_E_NO_DIR);
    assert_result(scm_file_access_open(files, SCM_TYPE_BY_ID, "3F00/5556", &file), SCM_SCARD_E_FILE_NOT_FOUND);
    assert_result(scm_file_access_invalidate(files, "4401/3", 0), SCM_SCARD_E_NO_DIR);
    assert_result(scm_file_access_open(files, SCM_TYPE_BY_ID, "4401/3", &file), SCM_SCARD_E_NO_DIR);
    assert_result(scm_file_access_resolve(files, SCM_TYPE_BY_ID, "4401/3", &taken_as, path, sizeof path, &length),
                  SCM_SCARD_E_NO_DIR);
    length = 77;
    assert_result(scm_file_access_resolve(files, SCM_TYPE_BY_ID, "4401", NULL, path, sizeof path, &length),
                  SCM_E_POINTER);
    assert_int_equal(length, 0);
    taken_as = 77;
    assert_result(scm_file_access_resolve(files, SCM_TYPE_BY_ID, "4401", &taken_as, path, sizeof path, NULL),
                  SCM_E_POINTER);
    assert_int_equal(taken_as, 0);
    assert_result(scm_file_access_open(files, SCM_TYPE_BY_ID, "3/3", &file), SCM_E_INVALIDARG);
    file = open_file(SCM_TYPE_BY_SHORT_ID, "3");
    assert_read(file, 1, "\0", 1);
    close_file(file);
}

/* A card that responds to SELECT with a warning has selected nothing reliable. */
static void a_warning_of_select_is_no_success(void **state)
{
    (void)state;
    scm_file *open = open_file(SCM_TYPE_BY_ID, "3F00/5015/4401"), *file = (scm_file *)&file;
    size_t written = 77;
    bed("card %d answer 00A4 6301", CARD);
    assert_result(scm_file_access_open(files, SCM_TYPE_BY_ID, "3F00/5015/4401", &file), SCM_E_FAIL);
    assert_null(file);
    assert_result(scm_file_write(open, (const uint8_t *)"x", 1, 0, &written), SCM_E_FAIL);
    assert_int_equal(written, 0);
    assert_result(read_one(open), SCM_E_FAIL);
    assert_result(scm_file_access_delete(files, SCM_TYPE_BY_ID, "3F00/5015/4401", 0), SCM_E_FAIL);
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ID, "5015"), SCM_E_FAIL);
    bed("card %d forget", CARD);
    close_file(open);
}

/* The beginning of a name finds a directory, but is not enough to delete, create or invalidate in it. */
static void the_beginning_of_a_name_is_not_enough_to_change(void **state)
{
    (void)state;
    scm_file *file = open_file(SCM_TYPE_BY_NAME, "F07363/5020/4401");
    close_file(file);
    assert_result(scm_file_access_delete(files, SCM_TYPE_BY_NAME, "F07363/5020/4401", 0), SCM_SCARD_E_FILE_NOT_FOUND);
    assert_result(scm_file_access_delete(files, SCM_TYPE_BY_NAME, "F07363/..", SCM_FL_RECURSIVE),
                  SCM_SCARD_E_FILE_NOT_FOUND);
    assert_result(scm_file_access_create(files, SCM_TYPE_BY_ID, "F07363/4499", NULL, 0, 0, (const uint8_t *)"x", 1),
                  SCM_SCARD_E_FILE_NOT_FOUND);
    assert_result(scm_file_access_invalidate(files, "F073636D74/5020/4401", 0), SCM_SCARD_E_FILE_NOT_FOUND);
    /* The current directory can be deleted by any of its names. */
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_NAME, "F073636D74657374"), SCM_S_OK);
    assert_result(scm_file_access_delete(files, SCM_TYPE_BY_ID, "3F00/5015", SCM_FL_RECURSIVE), SCM_S_OK);
    assert_string_equal(current_dir(), "3F00");
    create_file("3F00/5015", "\x82\x01\x38\x84\x08\xF0scmtest", 13);
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_NAME, "F073636D74657374"), SCM_S_OK);
    assert_result(scm_file_access_delete(files, SCM_TYPE_BY_ID, ".", SCM_FL_RECURSIVE), SCM_S_OK);
    assert_string_equal(current_dir(), "3F00");
}

static void properties_are_told(void **state)
{
    (void)state;
    uint8_t found[256];
    size_t length = 77;
    assert_result(scm_file_access_get_properties(files, SCM_TYPE_BY_ID, "3F00/5015/4401",
                                                 (const uint8_t *)"\x80\x83\x88", 3, 0, found, sizeof found, &length),
                  SCM_S_OK);
    assert_int_equal(length, 11);
    assert_memory_equal(found, "\x80\x02\x00\x40\x83\x02\x44\x01\x88\x01\x08", 11);
    assert_result(scm_file_access_get_properties(files, SCM_TYPE_BY_ID, "3F00/5015/4401", NULL, 0, 0, NULL, 0, &length),
                  SCM_S_OK);
    assert_in_range(length, 20, 40);
    /* The label of a directory is no control parameter. */
    assert_result(scm_file_access_get_properties(files, SCM_TYPE_BY_ID, "5015", (const uint8_t *)"\x50", 1, 0, found,
                                                 sizeof found, &length),
                  SCM_S_OK);
    assert_int_equal(length, 0);
    assert_result(scm_file_access_get_properties(files, SCM_TYPE_BY_ID, "5015", (const uint8_t *)"\x50", 1,
                                                 SCM_FL_GET_ALL_PROPERTIES, found, sizeof found, &length),
                  SCM_S_OK);
    assert_int_equal(length, 10);
    assert_memory_equal(found, "\x50\x08scm test", 10);
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ID, "5015"), SCM_S_OK);
    assert_result(scm_file_access_get_properties(files, SCM_TYPE_BY_SHORT_ID, "4", (const uint8_t *)"\x83", 1, 0, found,
                                                 sizeof found, &length),
                  SCM_S_OK);
    assert_memory_equal(found, "\x83\x02\x44\x04", 4);
    assert_result(scm_file_access_get_properties(files, SCM_TYPE_BY_ID, "4401", NULL, 0, 0, found, 3, &length),
                  SCM_SCARD_E_INSUFFICIENT_BUFFER);
    /* This card refuses to change them. */
    assert_result(scm_file_access_set_properties(files, SCM_TYPE_BY_ID, "4401", (const uint8_t *)"\x8A\x01\x05", 3, 0),
                  SCM_SCARD_E_NO_ACCESS);
    assert_result(scm_file_access_set_properties(files, SCM_TYPE_BY_ID, "4401", (const uint8_t *)"\x8A\x02\x05", 3, 0),
                  SCM_E_INVALIDARG);
    assert_result(scm_file_access_set_properties(files, SCM_TYPE_BY_ID, "4401", NULL, 0, 0), SCM_E_INVALIDARG);
}

static void capabilities_are_told(void **state)
{
    (void)state;
    uint8_t found[256];
    size_t length = 77;
    assert_result(scm_file_access_get_file_capabilities(files, (const uint8_t *)"\x47\x7F\x66", 3, 0, found,
                                                        sizeof found, &length),
                  SCM_S_OK);
    assert_int_equal(length, 18);
    assert_memory_equal(found, "\x47\x03\xF7\x41\xFF\x7F\x66\x0A\x02\x03\x00\xFF\xFF\x02\x03\x00\xFF\xFF", 18);
    assert_result(scm_file_access_get_file_capabilities(files, NULL, 0, 0, NULL, 0, &length), SCM_S_OK);
    assert_in_range(length, 19, 100);
    assert_result(scm_file_access_get_file_capabilities(files, NULL, 0, SCM_FL_SECURE_MESSAGING, NULL, 0, &length),
                  SCM_SCARD_E_UNSUPPORTED_FEATURE);
}

/* --- Others, resets, other cards */

static void another_selection_does_not_disturb(void **state)
{
    (void)state;
    scm_handle *other = attach(CARD);
    scm_file *file = open_file(SCM_TYPE_BY_ID, "3F00/5015/4401");
    uint8_t response[258];
    size_t length;
    assert_read(file, 3, "Hel", 3);
    /* Another attachment selects another file, without a signal. */
    assert_result(scm_transmit(other, (const uint8_t *)"\x00\xA4\x08\x0C\x02\x2F\x00", 7, response, sizeof response,
                               &length),
                  SCM_S_OK);
    assert_memory_equal(response, "\x90\x00", 2);
    assert_read(file, 2, "lo", 2);
    /* So does the caller, under its own lock. */
    assert_result(scm_lock(card), SCM_S_OK);
    assert_read(file, 1, " ", 1);
    assert_result(scm_transmit(card, (const uint8_t *)"\x00\xA4\x08\x0C\x02\x2F\x00", 7, response, sizeof response,
                               &length),
                  SCM_S_OK);
    assert_read(file, 4, "from", 4);
    assert_result(scm_unlock(card, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    close_file(file);
    assert_result(scm_detach(other), SCM_S_OK);
}

static void under_a_lock_nothing_is_selected_twice(void **state)
{
    (void)state;
    scm_file *file = open_file(SCM_TYPE_BY_ID, "3F00/5015/4401");
    bed("card %d clear", CARD);
    assert_result(scm_lock(card), SCM_S_OK);
    assert_read(file, 3, "Hel", 3);
    assert_read(file, 3, "lo ", 3);
    assert_string_equal(bed("card %d log", CARD), "00A4080C0450154401 00B0000003 00B0000303");
    bed("card %d clear", CARD);
    scm_file *other = open_file(SCM_TYPE_BY_NAME, "F073636D74657374/4403");
    assert_read(other, 8, "\xA1\x01\x02\x03\x04\x05\x06\x07", 8);
    close_file(other);
    assert_string_equal(bed("card %d log", CARD), "00A4040008F073636D7465737400 00A4090402440300 00B2010400");
    assert_result(scm_unlock(card, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    bed("card %d clear", CARD);
    assert_read(file, 4, "from", 4);
    assert_string_equal(bed("card %d log", CARD), "00A4080C0450154401 00B0000604");
    close_file(file);
}

/* A program that knows the card handle can select another file past the library, even under the lock. */
static void a_borrowed_handle_keeps_no_selection(void **state)
{
    (void)state;
    uintptr_t icc;
    scm_handle *borrowed;
    scm_file_access *access;
    scm_file *file;
    assert_result(scm_get_icc(card, &icc), SCM_S_OK);
    assert_result(scm_attach_by_handle(icc, &borrowed), SCM_S_OK);
    assert_result(scm_create_file_access(borrowed, &access), SCM_S_OK);
    assert_result(scm_lock(borrowed), SCM_S_OK);
    assert_result(scm_file_access_open(access, SCM_TYPE_BY_ID, "3F00/5015/4401", &file), SCM_S_OK);
    bed("card %d clear", CARD);
    assert_read(file, 3, "Hel", 3);
    assert_string_equal(bed("card %d log", CARD), "00A4080C0450154401 00B0000003");
    assert_result(scm_unlock(borrowed, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(scm_detach(borrowed), SCM_S_OK);
}

/* The selection under one lock does not hold under the next. */
static void between_two_locks_others_select(void **state)
{
    (void)state;
    scm_handle *other = attach(CARD);
    scm_file_access *theirs;
    scm_file *file, *another;
    uint8_t data[8];
    size_t length;
    assert_result(scm_create_file_access(other, &theirs), SCM_S_OK);
    assert_result(scm_file_access_open(theirs, SCM_TYPE_BY_ID, "3F00/5015/4402", &another), SCM_S_OK);
    file = open_file(SCM_TYPE_BY_ID, "3F00/5015/4401");
    for (int i = 0; i < 2; i++) {
        assert_result(scm_file_seek(file, 0, SCM_SEEK_FROM_BEGINNING), SCM_S_OK);
        assert_result(scm_lock(card), SCM_S_OK);
        assert_read(file, 3, "Hel", 3);
        assert_read(file, 2, "lo", 2);
        assert_result(scm_unlock(card, SCM_DISPOSITION_LEAVE), SCM_S_OK);
        assert_result(scm_file_read(another, data, 2, &length, 0), SCM_S_OK);
        assert_memory_equal(data, i == 0 ? "\x00\x01" : "\x02\x03", 2);
    }
    /* Finally without a lock. */
    assert_read(file, 1, " ", 1);
    /* A card handle lent under the lock. */
    assert_result(scm_lock(card), SCM_S_OK);
    assert_read(file, 1, "f", 1);
    uintptr_t icc;
    assert_result(scm_get_icc(card, &icc), SCM_S_OK);
    bed("card %d clear", CARD);
    assert_read(file, 1, "r", 1);
    assert_string_equal(bed("card %d log", CARD), "00A4080C0450154401 00B0000701");
    assert_result(scm_unlock(card, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    close_file(file);
    assert_result(scm_detach(other), SCM_S_OK);
}

/* After a reset by our own unlock the open file is selected again too. */
static void after_an_own_reset_a_file_is_selected_again(void **state)
{
    (void)state;
    scm_file *file = open_file(SCM_TYPE_BY_ID, "3F00/5015/4401");
    assert_result(scm_lock(card), SCM_S_OK);
    assert_read(file, 3, "Hel", 3);
    assert_result(scm_unlock(card, SCM_DISPOSITION_RESET), SCM_S_OK);
    assert_result(scm_lock(card), SCM_S_OK);
    assert_read(file, 3, "lo ", 3);
    assert_result(scm_unlock(card, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    close_file(file);
}

static int exchanges_until_loss;

/* A broken exchange of a card that has restarted. */
static scm_result begin_anew(void *user, const uint8_t *command, size_t command_length, uint8_t *response,
                             size_t capacity, size_t *length)
{
    if (--exchanges_until_loss == 0) {
        scm_card_power(user, SCM_POWER_RESET);
        *length = 0;
        return SCM_SCARD_E_NOT_TRANSACTED;
    }
    return scm_card_transmit(user, command, command_length, response, capacity, length);
}

static void a_failed_exchange_ends_the_selection(void **state)
{
    (void)state;
    scm_card *inserted;
    scm_virtual_ifd *ifd;
    scm_virtual_card plug = SCM_VIRTUAL_CARD_INIT;
    scm_handle *handle;
    scm_file_access *access;
    scm_file *file;
    size_t length = 77;
    uint8_t byte;
    assert_result(scm_card_create("default", &inserted), SCM_S_OK);
    assert_result(scm_card_plug(inserted, &plug), SCM_S_OK);
    plug.transmit = begin_anew;
    exchanges_until_loss = 0;
    assert_result(scm_virtual_ifd_create("Forgetful card", NULL, &ifd), SCM_S_OK);
    assert_result(scm_virtual_ifd_insert(ifd, &plug), SCM_S_OK);
    assert_result(scm_attach_by_ifd("Forgetful card", &handle), SCM_S_OK);
    assert_result(scm_create_file_access(handle, &access), SCM_S_OK);
    assert_result(scm_lock(handle), SCM_S_OK);
    assert_result(scm_file_access_open(access, SCM_TYPE_BY_ID, "3F00/5015/4401", &file), SCM_S_OK);
    assert_read(file, 3, "Hel", 3);
    exchanges_until_loss = 1;
    assert_result(scm_file_read(file, &byte, 1, &length, 0), SCM_SCARD_E_NOT_TRANSACTED);
    assert_int_equal(length, 0);
    assert_read(file, 2, "lo", 2);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
    assert_result(scm_card_destroy(inserted), SCM_S_OK);
}

/* The file had ten bytes at the open, and is created anew with a hundred: the erase covers only the requested range. */
static void erasing_ends_where_it_is_said(void **state)
{
    (void)state;
    static uint8_t content[100];
    size_t written = 77;
    memset(content, 0xA5, sizeof content);
    assert_result(scm_file_access_create(files, SCM_TYPE_BY_ID, "4416", NULL, 0, 0, content, 10), SCM_S_OK);
    scm_file *file = open_file(SCM_TYPE_BY_ID, "4416");
    assert_result(scm_file_access_delete(files, SCM_TYPE_BY_ID, "4416", 0), SCM_S_OK);
    assert_result(scm_file_access_create(files, SCM_TYPE_BY_ID, "4416", NULL, 0, 0, content, 100), SCM_S_OK);
    assert_result(scm_file_write(file, NULL, 10, SCM_FL_ERASE, &written), SCM_S_OK);
    close_file(file);
    file = open_file(SCM_TYPE_BY_ID, "4416");
    memset(content, 0, 10);
    assert_read(file, 100, content, 100);
    assert_result(scm_file_write(file, NULL, SIZE_MAX, SCM_FL_ERASE, &written), SCM_SCARD_E_WRITE_TOO_MANY);
    assert_int_equal(written, 0);
    close_file(file);
    assert_result(scm_file_access_delete(files, SCM_TYPE_BY_ID, "4416", 0), SCM_S_OK);
}

static void a_reset_loses_the_code_and_not_the_file(void **state)
{
    (void)state;
    scm_file *file = open_file(SCM_TYPE_BY_ID, "3F00/5015/4402");
    size_t written = 77;
    assert_result(put(file, "x", 1, 0, &written), SCM_SCARD_W_SECURITY_VIOLATION);
    verify(card);
    write_all(file, "\x55", 1);
    bed("reset %d warm", CARD);
    assert_result(put(file, "x", 1, 0, &written), SCM_SCARD_W_RESET_CARD);
    assert_result(scm_reconnect(card), SCM_S_OK);
    assert_result(put(file, "x", 1, 0, &written), SCM_SCARD_W_SECURITY_VIOLATION);
    assert_int_equal(written, 0);
    assert_int_equal(position_of(file), 1);
    assert_read(file, 2, "\x01\x02", 2);
    verify(card);
    write_all(file, "\x77", 1);
    close_file(file);
}

static void another_card_has_other_files(void **state)
{
    (void)state;
    scm_file *file = open_file(SCM_TYPE_BY_ID, "3F00/5015/4401");
    assert_read(file, 3, "Hel", 3);
    bed("remove %d", CARD);
    assert_result(read_one(file), SCM_SCARD_W_REMOVED_CARD);
    /* A card of the same kind, with the same ATR. */
    bed("insert %d scm", CARD);
    assert_result(scm_reconnect(card), SCM_S_OK);
    assert_result(read_one(file), SCM_SCARD_W_REMOVED_CARD);
    assert_result(read_one(file), SCM_SCARD_W_REMOVED_CARD);
    assert_result(scm_file_seek(file, 0, SCM_SEEK_FROM_BEGINNING), SCM_S_OK);
    scm_file *again = open_file(SCM_TYPE_BY_ID, "3F00/5015/4401");
    assert_read(again, 3, "Hel", 3);
    assert_result(read_one(file), SCM_SCARD_W_REMOVED_CARD);
    close_file(again);
    close_file(file);
}

/* A swap before a reset: only the reader sees the removal. */
static void a_card_that_was_swapped_behind_a_reset_is_another_one(void **state)
{
    (void)state;
    scm_file *file = open_file(SCM_TYPE_BY_ID, "3F00/5015/4401");
    assert_read(file, 3, "Hel", 3);
    bed("remove %d", CARD);
    bed("insert %d scm", CARD);
    bed("reset %d warm", CARD);
    assert_result(scm_reconnect(card), SCM_S_OK);
    assert_result(read_one(file), SCM_SCARD_W_REMOVED_CARD);
    close_file(file);
}

/* Removes the card during a command sequence: after its ready response, instead of the next one. */
static void *pull_in_the_middle(void *number)
{
    while (bed_count(CARD) < *(int *)number)
        ;
    bed("card %d drop", CARD);
    bed("card %d delay 0", CARD);
    return NULL;
}

static void a_pulled_card_tells_how_much_it_got(void **state)
{
    (void)state;
    static uint8_t data[60000], read_back[60000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i % 251 + 1);
    scm_card_capabilities short_only = SCM_CARD_CAPABILITIES_INIT;
    create_file("3F00/4414", "\x80\x02\xEA\x60", 4);
    scm_file *file = open_file(SCM_TYPE_BY_ID, "3F00/4414");
    assert_result(scm_set_card_capabilities(card, &short_only), SCM_S_OK);
    bed("card %d delay 100", CARD);
    bed("card %d clear", CARD);
    pthread_t thread;
    /* SELECT, and UPDATE BINARY of 255 bytes each. */
    int number = 4;
    size_t written = 77, length = 77;
    assert_int_equal(pthread_create(&thread, NULL, pull_in_the_middle, &number), 0);
    assert_result(scm_file_write(file, data, sizeof data, 0, &written), SCM_SCARD_W_REMOVED_CARD);
    pthread_join(thread, NULL);
    assert_in_range(written, 2 * 255, 4 * 255);
    assert_int_equal(written % 255, 0);
    assert_int_equal(position_of(file), written);
    close_file(file);

    /* After its return the card has the acknowledged bytes. */
    bed("card %d plug", CARD);
    bed("await %d present", CARD);
    assert_true(SCM_SUCCEEDED(scm_reconnect(card)));
    file = open_file(SCM_TYPE_BY_ID, "3F00/4414");
    assert_result(scm_file_read(file, read_back, sizeof read_back, &length, 0), SCM_S_OK);
    assert_int_equal(length, sizeof read_back);
    assert_memory_equal(read_back, data, written);
    close_file(file);
}

/* Also under a lock that survives a reset: the card has lost its selection, and the library knows. */
static void a_lock_that_is_reconnected_selects_again(void **state)
{
    (void)state;
    scm_reconnect_options reset = SCM_RECONNECT_OPTIONS_INIT;
    reset.initial_action = SCM_DISPOSITION_RESET;
    scm_file *file = open_file(SCM_TYPE_BY_ID, "3F00/5015/4401");
    assert_result(scm_lock(card), SCM_S_OK);
    assert_read(file, 3, "Hel", 3);
    assert_result(scm_reconnect_ex(card, &reset), SCM_S_OK);
    assert_read(file, 3, "lo ", 3);
    assert_result(scm_unlock(card, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    close_file(file);
}

/* --- Cards that tell less and take less */

/* A card in a virtual reader whose responses to SELECT are only the status word. */
struct quiet {
    scm_card *card;
    scm_virtual_ifd *ifd;
    scm_handle *handle;
    scm_file_access *files;
};

/* It is removed during this command, counted from 1. */
static scm_virtual_ifd *reader_to_be_pulled;
static int commands_until_pulled;

/* The file with the short identifier 5 becomes the current one even if it cannot be read. */
static bool is_eager;

static scm_result tell_nothing(void *user, const uint8_t *command, size_t command_length, uint8_t *response,
                               size_t capacity, size_t *length)
{
    uint8_t quiet[16];
    if (commands_until_pulled > 0 && --commands_until_pulled == 0)
        assert_result(scm_virtual_ifd_remove(reader_to_be_pulled), SCM_S_OK);
    if (command_length > 4 && command[1] == 0xA4) {
        memcpy(quiet, command, 4);
        quiet[3] = 0x0C;
        memcpy(quiet + 4, command + 4, command[4] + 1u);
        return scm_card_transmit(user, quiet, command[4] + 5u, response, capacity, length);
    }
    if (is_eager && command[1] == 0xB0 && command[2] == 0x85)
        assert_result(scm_card_transmit(user, (const uint8_t *)"\x00\xA4\x02\x0C\x02\x44\x05", 7, quiet, sizeof quiet,
                                        length),
                      SCM_S_OK);
    /* GET DATA would return as much. */
    if (command_length > 4 && command[1] == 0xCA) {
        memcpy(response, "\x6A\x88", 2);
        *length = 2;
        return SCM_S_OK;
    }
    return scm_card_transmit(user, command, command_length, response, capacity, length);
}

typedef scm_result manners(void *user, const uint8_t *command, size_t command_length, uint8_t *response,
                           size_t capacity, size_t *length);

static struct quiet insert_card_of(const char *description, manners *transmit)
{
    struct quiet quiet;
    scm_virtual_card plug = SCM_VIRTUAL_CARD_INIT;
    assert_result(scm_card_create(description, &quiet.card), SCM_S_OK);
    assert_result(scm_card_plug(quiet.card, &plug), SCM_S_OK);
    plug.transmit = transmit;
    assert_result(scm_virtual_ifd_create("Quiet card", NULL, &quiet.ifd), SCM_S_OK);
    assert_result(scm_virtual_ifd_insert(quiet.ifd, &plug), SCM_S_OK);
    assert_result(scm_attach_by_ifd("Quiet card", &quiet.handle), SCM_S_OK);
    assert_result(scm_create_file_access(quiet.handle, &quiet.files), SCM_S_OK);
    return quiet;
}

static struct quiet insert_quiet_card(const char *unsupported)
{
    char description[512];
    snprintf(description, sizeof description,
             "unsupported = [%s]\n[[mf.ef]]\nid = 0x4401\nshort_id = 1\nsize = 40000\n"
             "[[mf.ef]]\nid = 0x4402\nstructure = 'linear-variable'\nsize = 400\ncount = 5\n"
             "[[mf.df]]\nid = 0x5015\n[[mf.df.ef]]\nid = 0x6F07\ncontent = 'AA'\n",
             unsupported);
    return insert_card_of(description, tell_nothing);
}

static void remove_quiet_card(struct quiet quiet)
{
    assert_result(scm_detach(quiet.handle), SCM_S_OK);
    assert_result(scm_virtual_ifd_destroy(quiet.ifd), SCM_S_OK);
    assert_result(scm_card_destroy(quiet.card), SCM_S_OK);
}

static uint8_t content[40000];

static void fill_content(void)
{
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (uint8_t)(i * 3 + i / 256 + 1);
}

/* Each once: also a file whose name ends like the identifier of another one, and a file that EF.DIR has twice. */
static void an_application_is_listed_once(void **state)
{
    (void)state;
    struct quiet card_with_dir =
        insert_card_of("[[mf.ef]]\nid = 0x2F00\n"
                       "content = '61094F07A0000000036F01 61074F05A000000004 61074F05A000000004 61074F05A000000005'\n"
                       "[[mf.df]]\nname = 'A0000000036F01'\n[[mf.df]]\nname = 'A000000004'\n"
                       "[[mf.df]]\nname = 'A000000005'\nid = 0x6F01\n",
                       scm_card_transmit);
    char names[100];
    size_t length = 77;
    assert_result(
        scm_file_access_directory(card_with_dir.files, SCM_TYPE_DIRECTORIES, names, sizeof names, &length), SCM_S_OK);
    assert_int_equal(length, sizeof "A0000000036F01\0A000000004\0A000000005\0");
    assert_memory_equal(names, "A0000000036F01\0A000000004\0A000000005\0", length);
    remove_quiet_card(card_with_dir);
}

/* Some cards return less than requested, here four bytes, and EF.DIR is longer. */
static scm_result give_little(void *user, const uint8_t *command, size_t command_length, uint8_t *response,
                              size_t capacity, size_t *length)
{
    uint8_t less[5] = {0x00, 0xB0, command[2], command[3], 4};
    if (command_length != 5 || command[1] != 0xB0)
        return scm_card_transmit(user, command, command_length, response, capacity, length);
    return scm_card_transmit(user, less, sizeof less, response, capacity, length);
}

/* Some refuse too long reads, here of more than four bytes, and reads across the end of the file. */
static scm_result refuse_much(void *user, const uint8_t *command, size_t command_length, uint8_t *response,
                              size_t capacity, size_t *length)
{
    const uint8_t much[] = {0x67, 0x00};
    if (command_length == 5 && command[1] == 0xB0 && (command[4] == 0 || command[4] > 4)) {
        memcpy(response, much, *length = sizeof much);
        return SCM_S_OK;
    }
    scm_result result = scm_card_transmit(user, command, command_length, response, capacity, length);
    if (command_length == 5 && command[1] == 0xB0 && *length > 2 && *length < command[4] + 2u)
        memcpy(response, much, *length = sizeof much);
    return result;
}

static void read_ef_dir_from(manners *transmit)
{
    struct quiet little =
        insert_card_of("[[mf.ef]]\nid = 0x2F00\ncontent = '61074F05A000000004 61074F05A000000005'\n[[mf.df]]\nname = "
                       "'A000000004'\n[[mf.df]]\nname = 'A000000005'\n",
                       transmit);
    char names[100];
    size_t length = 77;
    assert_result(scm_file_access_directory(little.files, SCM_TYPE_DIRECTORIES, names, sizeof names, &length),
                  SCM_S_OK);
    assert_int_equal(length, sizeof "A000000004\0A000000005\0");
    assert_memory_equal(names, "A000000004\0A000000005\0", length);
    remove_quiet_card(little);
}

static void all_of_ef_dir_is_read(void **state)
{
    (void)state;
    read_ef_dir_from(give_little);
}

static void all_of_ef_dir_is_read_from_a_card_that_refuses(void **state)
{
    (void)state;
    read_ef_dir_from(refuse_much);
}

/* The identifiers of standard applications are tried: ICAO 9303-10, ISO/IEC 7816-15, ETSI TS 102 221 and EN 14890-1. */
static void standard_applications_are_listed(void **state)
{
    (void)state;
    static const struct {
        const char *description, *directory, *expected;
        size_t length;
    } applications[] = {
        {"[[mf.ef]]\nid = 0x011C\nsize = 1\n[[mf.df]]\nname = 'A0000002471001'\n[[mf.df.ef]]\nid = 0x011E\nsize = 1\n"
         "[[mf.df.ef]]\nid = 0x0101\nsize = 1\n[[mf.df.ef]]\nid = 0x0110\nsize = 1\n"
         "[[mf.df.ef]]\nid = 0x011D\nsize = 1\n",
         "A0000002471001", "0101\0" "0110\0" "011D\0" "011E\0", 21},
        {"[[mf.df]]\nid = 0x5015\n[[mf.df.ef]]\nid = 0x5031\nsize = 1\n[[mf.df.ef]]\nid = 0x5032\nsize = 1\n", "5015",
         "5031\0" "5032\0", 11},
        {"[[mf.ef]]\nid = 0x2FE2\nsize = 1\n[[mf.ef]]\nid = 0x2F05\nsize = 1\n[[mf.df]]\nid = 0x7F20\n", "3F00",
         "2F05\0" "2FE2\0" "7F20\0", 16},
        {"[[mf.df]]\nname = 'A000000167455349474E'\n[[mf.df.ef]]\nid = 0xC000\nsize = 1\n"
         "[[mf.df.ef]]\nid = 0xC008\nsize = 1\n",
         "A000000167455349474E", "C000\0" "C008\0", 11},
    };
    for (size_t i = 0; i < sizeof applications / sizeof *applications; i++) {
        struct quiet with_files = insert_card_of(applications[i].description, scm_card_transmit);
        char names[200];
        size_t length = 77;
        assert_result(scm_file_access_change_dir(with_files.files, SCM_TYPE_BY_ANY, applications[i].directory),
                      SCM_S_OK);
        assert_result(scm_file_access_directory(with_files.files, SCM_TYPE_ALL_FILES, names, sizeof names, &length),
                      SCM_S_OK);
        assert_int_equal(length, applications[i].length);
        assert_memory_equal(names, applications[i].expected, length);
        remove_quiet_card(with_files);
    }
}

/* Reading finds out kind and size. */
static void a_card_that_tells_nothing_is_read(void **state)
{
    (void)state;
    struct quiet quiet = insert_quiet_card("");
    scm_file *file;
    scm_file_info info = SCM_FILE_INFO_INIT;
    fill_content();
    assert_result(scm_file_access_open(quiet.files, SCM_TYPE_BY_ID, "4401", &file), SCM_S_OK);
    assert_result(scm_file_get_info(file, &info), SCM_S_OK);
    assert_int_equal(info.file_type, SCM_TYPE_TRANSPARENT_EF);
    assert_int_equal(info.size, SCM_FILE_UNKNOWN);
    assert_int_equal(size_of(file), sizeof content);
    write_all(file, content, sizeof content);
    assert_result(scm_file_seek(file, 0, SCM_SEEK_FROM_BEGINNING), SCM_S_OK);
    assert_read(file, sizeof content + 1000, content, sizeof content);
    assert_result(read_one(file), SCM_SCARD_W_EOF);
    assert_result(scm_file_seek(file, -1, SCM_SEEK_FROM_END), SCM_S_OK);
    assert_read(file, 100, content + sizeof content - 1, 1);
    /* Long enough to leave no room on the card. */
    size_t written = 77;
    assert_result(scm_file_seek(file, 1, SCM_SEEK_FROM_BEGINNING), SCM_S_OK);
    assert_result(scm_file_write(file, NULL, SIZE_MAX, SCM_FL_ERASE, &written), SCM_SCARD_E_WRITE_TOO_MANY);
    assert_result(scm_file_write(file, NULL, 0x100000005, SCM_FL_ERASE, &written), SCM_SCARD_E_WRITE_TOO_MANY);
    assert_int_equal(written, 0);
    assert_result(scm_file_seek(file, 0, SCM_SEEK_FROM_BEGINNING), SCM_S_OK);
    assert_read(file, sizeof content, content, sizeof content);
    close_file(file);

    assert_result(scm_file_access_open(quiet.files, SCM_TYPE_BY_ID, "4402", &file), SCM_S_OK);
    assert_result(scm_file_get_info(file, &info), SCM_S_OK);
    assert_int_equal(info.file_type, SCM_TYPE_VARIABLE_EF);
    write_all(file, "short", 5);
    write_all(file, content, 300);
    assert_int_equal(size_of(file), 2);
    assert_result(scm_file_seek(file, 1, SCM_SEEK_FROM_BEGINNING), SCM_S_OK);
    assert_read(file, 1000, content, 300);
    close_file(file);
    remove_quiet_card(quiet);
}

/* A record read by short identifier makes its file the current one: even under a lock, the file before is not
 * current. */
static void a_short_identifier_leaves_no_other_file_current(void **state)
{
    (void)state;
    struct quiet quiet =
        insert_card_of("[[mf.ef]]\nid = 0x4403\nstructure = 'linear-fixed'\nrecords = ['A1', 'A2', 'A3']\n"
                                        "[[mf.ef]]\nid = 0x4404\nshort_id = 4\nstructure = 'linear-fixed'\nrecords = "
                                        "['B1', 'B2', 'B3']\n[[mf.ef]]\nid = 0x4405\nshort_id = 5\nsize = 0\n",
                                            tell_nothing);
    scm_file *by_id, *by_short_id, *empty;
    size_t written;
    assert_result(scm_file_access_open(quiet.files, SCM_TYPE_BY_SHORT_ID, "4", &by_short_id), SCM_S_OK);
    assert_result(scm_file_access_open(quiet.files, SCM_TYPE_BY_SHORT_ID, "5", &empty), SCM_S_OK);
    assert_result(scm_file_access_open(quiet.files, SCM_TYPE_BY_ID, "4403", &by_id), SCM_S_OK);
    assert_result(scm_lock(quiet.handle), SCM_S_OK);
    assert_read(by_id, 10, "\xA1", 1);
    assert_read(by_short_id, 10, "\xB1", 1);
    assert_read(by_id, 10, "\xA2", 1);
    assert_result(put(by_short_id, "\xBB", 1, 0, &written), SCM_S_OK);
    assert_read(by_id, 10, "\xA3", 1);
    assert_read(by_short_id, 10, "\xB3", 1);
    /* A refused command may have made a file current as well. */
    is_eager = true;
    assert_result(scm_file_seek(by_id, 0, SCM_SEEK_FROM_BEGINNING), SCM_S_OK);
    assert_read(by_id, 10, "\xA1", 1);
    assert_result(read_one(empty), SCM_SCARD_W_EOF);
    assert_read(by_id, 10, "\xA2", 1);
    assert_result(scm_file_access_open(quiet.files, SCM_TYPE_BY_SHORT_ID, "5", &empty), SCM_S_OK);
    assert_read(by_id, 10, "\xA3", 1);
    is_eager = false;
    assert_result(scm_unlock(quiet.handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    remove_quiet_card(quiet);
}

/* A refusal of announced extended length does not prevent reading a record of unknown length. */
static void a_card_that_refuses_a_length_is_asked_for_a_record(void **state)
{
    (void)state;
    static const uint8_t long_record[300];
    char description[1000];
    snprintf(description, sizeof description,
             "unsupported = ['extended']\n[[mf.ef]]\nid = 0x4402\nstructure = 'linear-variable'\n"
             "records = ['A1', 'A2A2', '%0600d']\n",
             0);
    struct quiet quiet = insert_card_of(description, tell_nothing);
    scm_card_capabilities capabilities = SCM_CARD_CAPABILITIES_INIT;
    scm_file *file;
    capabilities.flags = SCM_CARD_EXTENDED;
    assert_result(scm_set_card_capabilities(quiet.handle, &capabilities), SCM_S_OK);
    assert_result(scm_file_access_open(quiet.files, SCM_TYPE_BY_ID, "4402", &file), SCM_S_OK);
    assert_read(file, 1000, "\xA1", 1);
    assert_read(file, 1000, "\xA2\xA2", 2);
    assert_read(file, 1000, long_record, sizeof long_record);
    assert_result(read_one(file), SCM_SCARD_W_EOF);
    remove_quiet_card(quiet);
}

static scm_file_access *files_of_pulled;

static scm_result open_missing_file(void)
{
    scm_file *file;
    return scm_file_access_open(files_of_pulled, SCM_TYPE_BY_ID, "3F00/5015/4499", &file);
}

static scm_result open_in_missing_directory(void)
{
    scm_file *file;
    return scm_file_access_open(files_of_pulled, SCM_TYPE_BY_ID, "3F00/5099/4401", &file);
}

static scm_result open_by_short_id(void)
{
    scm_file *file;
    return scm_file_access_open(files_of_pulled, SCM_TYPE_BY_SHORT_ID, "1", &file);
}

static scm_result delete_what_may_be_a_directory(void)
{
    return scm_file_access_delete(files_of_pulled, SCM_TYPE_BY_ID, "3F00/5015", 0);
}

static scm_result get_file_capabilities(void)
{
    uint8_t capabilities[64];
    size_t length;
    return scm_file_access_get_file_capabilities(files_of_pulled, NULL, 0, 0, capabilities, sizeof capabilities,
                                                 &length);
}

/* No question of the library for its own sake hides that the card was removed. */
static void a_card_that_is_pulled_at_any_moment_is_told(void **state)
{
    (void)state;
    static const struct {
        scm_result (*call)(void);
        scm_result otherwise;
    } cases[] = {
        {open_missing_file, SCM_SCARD_E_FILE_NOT_FOUND},
        {open_in_missing_directory, SCM_SCARD_E_DIR_NOT_FOUND},
        {open_by_short_id, SCM_S_OK},
        {delete_what_may_be_a_directory, SCM_SCARD_E_UNSUPPORTED_FEATURE},
        {get_file_capabilities, SCM_S_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int moment = 1, is_over = 0; !is_over; moment++) {
            struct quiet quiet = insert_quiet_card("");
            files_of_pulled = quiet.files;
            reader_to_be_pulled = quiet.ifd;
            commands_until_pulled = moment;
            scm_result result = cases[i].call();
            is_over = commands_until_pulled > 0;
            commands_until_pulled = 0;
            assert_result(result, is_over ? cases[i].otherwise : SCM_SCARD_W_REMOVED_CARD);
            assert_in_range(moment, 1, 10);
            remove_quiet_card(quiet);
        }
    }
}

/* Under a lock the loss was reported before, and still is. */
static void a_card_that_is_gone_has_no_capabilities(void **state)
{
    (void)state;
    struct quiet quiet = insert_quiet_card("");
    scm_card_capabilities capabilities = SCM_CARD_CAPABILITIES_INIT;
    files_of_pulled = quiet.files;
    assert_result(scm_lock(quiet.handle), SCM_S_OK);
    assert_result(scm_virtual_ifd_remove(quiet.ifd), SCM_S_OK);
    for (int i = 0; i < 2; i++) {
        assert_result(get_file_capabilities(), SCM_SCARD_W_REMOVED_CARD);
        assert_result(scm_get_card_capabilities(quiet.handle, &capabilities), SCM_SCARD_W_REMOVED_CARD);
    }
    remove_quiet_card(quiet);
}

/* A possible directory is not deleted by mistake. */
static void a_possible_directory_is_not_deleted(void **state)
{
    (void)state;
    struct quiet quiet = insert_quiet_card("");
    scm_file *file;
    assert_result(scm_file_access_delete(quiet.files, SCM_TYPE_BY_ID, "5015", 0), SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_result(scm_file_access_open(quiet.files, SCM_TYPE_BY_ID, "5015/6F07", &file), SCM_S_OK);
    assert_read(file, 1, "\xAA", 1);
    assert_result(scm_file_access_delete(quiet.files, SCM_TYPE_BY_ID, "4401", 0), SCM_S_OK);
    assert_result(scm_file_access_delete(quiet.files, SCM_TYPE_BY_ID, "5015", SCM_FL_RECURSIVE), SCM_S_OK);
    assert_result(read_one(file), SCM_SCARD_E_DIR_NOT_FOUND);
    remove_quiet_card(quiet);
}

/* A card that knows only identifiers, and also finds those of directories beside the current one (ETSI TS 102 221,
 * 8.4.1). */
static scm_result find_beside(void *user, const uint8_t *command, size_t command_length, uint8_t *response,
                              size_t capacity, size_t *length)
{
    static const uint8_t mf[] = {0x00, 0xA4, 0x00, 0x0C, 0x02, 0x3F, 0x00};
    if (command_length > 4 && command[1] == 0xA4 && command[2] != 0x00) {
        memcpy(response, "\x6A\x86", 2);
        *length = 2;
        return SCM_S_OK;
    }
    scm_result result = scm_card_transmit(user, command, command_length, response, capacity, length);
    if (command[1] == 0xA4 && *length == 2 && memcmp(response, "\x6A\x82", 2) == 0) {
        scm_card_transmit(user, mf, sizeof mf, response, capacity, length);
        result = scm_card_transmit(user, command, command_length, response, capacity, length);
    }
    return result;
}

static void a_sibling_is_no_child(void **state)
{
    (void)state;
    struct quiet beside;
    scm_virtual_card plug = SCM_VIRTUAL_CARD_INIT;
    scm_file *file;
    assert_result(scm_card_create("default", &beside.card), SCM_S_OK);
    assert_result(scm_card_plug(beside.card, &plug), SCM_S_OK);
    plug.transmit = find_beside;
    assert_result(scm_virtual_ifd_create("Quiet card", NULL, &beside.ifd), SCM_S_OK);
    assert_result(scm_virtual_ifd_insert(beside.ifd, &plug), SCM_S_OK);
    assert_result(scm_attach_by_ifd("Quiet card", &beside.handle), SCM_S_OK);
    assert_result(scm_create_file_access(beside.handle, &beside.files), SCM_S_OK);
    /* Existing files are found. */
    assert_result(scm_file_access_open(beside.files, SCM_TYPE_BY_ID, "3F00/5015/4401", &file), SCM_S_OK);
    assert_read(file, 5, "Hello", 5);
    close_file(file);
    /* 5016 is beside 5015. */
    assert_result(scm_file_access_open(beside.files, SCM_TYPE_BY_ID, "3F00/5015/5016/4501", &file),
                  SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_result(scm_file_access_change_dir(beside.files, SCM_TYPE_BY_ID, "3F00/5015/5016"),
                  SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_result(scm_file_access_delete(beside.files, SCM_TYPE_BY_ID, "3F00/5015/5016", SCM_FL_RECURSIVE),
                  SCM_SCARD_E_UNSUPPORTED_FEATURE);
    scm_directory_options options = SCM_DIRECTORY_OPTIONS_INIT;
    char names[64];
    size_t length = 77;
    options.first_id = 0x5015;
    options.last_id = 0x5016;
    assert_result(scm_file_access_change_dir(beside.files, SCM_TYPE_BY_ID, "3F00/5015"), SCM_S_OK);
    assert_result(scm_file_access_directory_ex(beside.files, SCM_TYPE_ALL_FILES, &options, names, sizeof names,
                                               &length),
                  SCM_S_OK);
    assert_int_equal(length, 1);
    assert_result(scm_file_access_change_dir(beside.files, SCM_TYPE_BY_ID, "3F00/5016"), SCM_S_OK);
    remove_quiet_card(beside);
}

/* A card that selects without a response (P2 0C only). */
static void a_card_that_only_selects_can_be_used(void **state)
{
    (void)state;
    static const char *const refused[] = {"00A40804", "00A40800", "00A40004", "00A40000", "00A40404", "00A40400"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        bed("card %d answer %s 6A86", CARD, refused[i]);
    scm_file *file = open_file(SCM_TYPE_BY_ID, "3F00/5015/4401");
    assert_read(file, 5, "Hello", 5);
    close_file(file);
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_NAME, "F073636D74657374"), SCM_S_OK);
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_ID, "4401"), SCM_SCARD_E_NO_DIR);
    bed("card %d forget", CARD);
}

/* The parent is refused in each way; this teaches nothing about others. */
static void a_refusal_is_learned_when_another_way_is_answered(void **state)
{
    (void)state;
    bed("card %d answer 00A403 6A86", CARD);
    assert_result(scm_file_access_change_dir(files, SCM_TYPE_BY_NAME, "F073636D74657374/.."),
                  SCM_SCARD_E_DIR_NOT_FOUND);
    bed("card %d forget", CARD);
    bed("card %d clear", CARD);
    scm_file *file = open_file(SCM_TYPE_BY_ID, "3F00/5015/4402");
    close_file(file);
    assert_int_equal(bed_count(CARD), 1);
}

/* The selected application knows no files, and refuses every way. This teaches nothing about the card. */
static void an_application_without_files_teaches_nothing(void **state)
{
    (void)state;
    static const char *const refused[] = {"00A4", "00A400", "00A401", "00A402", "00A409"};
    scm_file *file;
    for (size_t i = 0; i < 2; i++) {
        /* From the MF; and from a name, which is found. */
        const char *path = i == 0 ? "3F00/5015/4402" : "F073636D74657374/4402";
        for (size_t n = i; n < (i == 0 ? 1 : sizeof refused / sizeof *refused); n++)
            bed("card %d answer %s 6D00", CARD, refused[n]);
        assert_result(scm_file_access_open(files, SCM_TYPE_BY_ID, path, &file), SCM_SCARD_E_UNSUPPORTED_FEATURE);
        bed("card %d forget", CARD);
        bed("card %d clear", CARD);
        close_file(open_file(SCM_TYPE_BY_ID, path));
        assert_int_equal(bed_count(CARD), i == 0 ? 1 : 2);
    }
}

/* Without odd instructions there is no access beyond 32,767, but to everything before. */
static void a_card_without_odd_instructions_has_an_end(void **state)
{
    (void)state;
    struct quiet quiet = insert_quiet_card("'odd'");
    scm_file *file;
    uint64_t size = 77;
    size_t written = 77;
    fill_content();
    for (int by_short_id = 0; by_short_id < 2; by_short_id++) {
        assert_result(scm_file_access_open(quiet.files, SCM_TYPE_BY_ANY, by_short_id ? "1" : "4401", &file), SCM_S_OK);
        assert_result(scm_file_get_size(file, &size), SCM_SCARD_E_UNSUPPORTED_FEATURE);
        assert_int_equal(size, 0);
        write_all(file, content, 300);
        write_all(file, content + 300, 32700 - 300);
        assert_result(scm_file_write(file, content + 32700, 1000, 0, &written), SCM_SCARD_E_UNSUPPORTED_FEATURE);
        assert_int_equal(written, 255);
        assert_int_equal(position_of(file), 32955);
        assert_result(scm_file_seek(file, 0, SCM_SEEK_FROM_BEGINNING), SCM_S_OK);
        assert_read(file, 300, content, 300);
        assert_read(file, 300, content + 300, 300);
        assert_read(file, 10000, content + 600, 10000);
        close_file(file);
    }
    remove_quiet_card(quiet);
}

/* --- Invalid input */

static void an_invalid_token_is_no_object(void **state)
{
    (void)state;
    scm_file_access *none = (scm_file_access *)&none;
    scm_file *file = (scm_file *)&file;
    uint64_t number = 77;
    size_t length = 77;
    uint8_t bytes[8];
    assert_result(scm_create_file_access(NULL, &none), SCM_SCARD_E_ICC_CREATEORDER);
    assert_null(none);
    assert_result(scm_create_file_access((scm_handle *)files, &none), SCM_E_HANDLE);
    assert_result(scm_create_file_access(card, NULL), SCM_E_POINTER);
    scm_file_access *const wrong[] = {NULL, (scm_file_access *)card, (scm_file_access *)&length};
    for (size_t i = 0; i < 3; i++) {
        assert_result(scm_file_access_change_dir(wrong[i], 0, "3F00"), SCM_E_HANDLE);
        assert_result(scm_file_access_open(wrong[i], 1, "3F00", &file), SCM_E_HANDLE);
        assert_null(file);
        assert_result(scm_file_access_release(wrong[i]), SCM_E_HANDLE);
        assert_result(scm_file_read((scm_file *)wrong[i], bytes, 8, &length, 0), SCM_E_HANDLE);
        assert_result(scm_file_write((scm_file *)wrong[i], bytes, 8, 0, &length), SCM_E_HANDLE);
        assert_result(scm_file_seek((scm_file *)wrong[i], 0, 0), SCM_E_HANDLE);
        assert_result(scm_file_tell((scm_file *)wrong[i], &number), SCM_E_HANDLE);
        assert_result(scm_file_get_size((scm_file *)wrong[i], &number), SCM_E_HANDLE);
        assert_result(scm_file_close((scm_file *)wrong[i]), SCM_E_HANDLE);
    }
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    char longest[SCM_PATH_MAX + 2];
    memset(longest, 'A', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const char *const paths[] = {NULL, "", "/", "3F00/", "440", "3F0", "xyz", "3F00/3F00", "44 01", longest};
    scm_file *file = (scm_file *)&file;
    size_t length = 77;
    uint8_t byte;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        for (uint32_t type = 0; type < 4; type++) {
            assert_result(scm_file_access_change_dir(files, type, paths[i]), SCM_E_INVALIDARG);
            assert_result(scm_file_access_open(files, type, paths[i], &file), SCM_E_INVALIDARG);
            assert_null(file);
        }
    }
    assert_result(scm_file_access_open(files, SCM_TYPE_BY_ID, "FFFF", &file), SCM_E_INVALIDARG);
    assert_result(scm_file_access_open(files, 4, "3F00/5015/4401", &file), SCM_E_INVALIDARG);
    assert_result(scm_file_access_open(files, SCM_TYPE_BY_ID, "3F00/5015/4401", NULL), SCM_E_POINTER);
    assert_result(scm_file_access_get_current_dir(files, NULL, 1, &length), SCM_E_POINTER);
    assert_result(scm_file_access_get_current_dir(files, longest, 4, &length), SCM_SCARD_E_INSUFFICIENT_BUFFER);
    assert_int_equal(length, 5);
    file = open_file(SCM_TYPE_BY_ID, "3F00/5015/4401");
    assert_result(scm_file_read(file, NULL, 0, &length, 0), SCM_E_POINTER);
    assert_result(scm_file_read(file, &byte, 1, NULL, 0), SCM_E_POINTER);
    assert_result(scm_file_read(file, &byte, 0, &length, 0), SCM_S_OK);
    assert_result(scm_file_read(file, &byte, 1, &length, SCM_FL_REPLACE), SCM_E_INVALIDARG);
    assert_result(scm_file_read(file, &byte, 1, &length, SCM_FL_SECURE_MESSAGING), SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_result(scm_file_write(file, &byte, 1, 0, NULL), SCM_E_POINTER);
    assert_result(scm_file_write(file, NULL, 1, 0, &length), SCM_E_INVALIDARG);
    assert_result(scm_file_write(file, NULL, 0, 0, &length), SCM_S_OK);
    assert_result(scm_file_write(file, &byte, 1, SCM_FL_OR | SCM_FL_AND, &length), SCM_E_INVALIDARG);
    assert_result(scm_file_write(file, &byte, 1, 0x10000, &length), SCM_E_INVALIDARG);
    assert_result(scm_file_get_info(file, NULL), SCM_E_POINTER);
    scm_file_info info = {0};
    assert_result(scm_file_get_info(file, &info), SCM_E_INVALIDARG);
    assert_int_equal(position_of(file), 0);
    close_file(file);
}

static void everything_ends_with_the_attachment(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    scm_file_access *access;
    scm_file *file;
    uint64_t position;
    assert_result(scm_create_file_access(handle, &access), SCM_S_OK);
    assert_result(scm_file_access_open(access, SCM_TYPE_BY_ID, "3F00/5015/4401", &file), SCM_S_OK);
    /* A file survives the object that opened it. */
    assert_result(scm_file_access_release(access), SCM_S_OK);
    assert_result(scm_file_access_release(access), SCM_E_HANDLE);
    assert_read(file, 3, "Hel", 3);
    assert_result(scm_create_file_access(handle, &access), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_file_tell(file, &position), SCM_E_HANDLE);
    assert_result(scm_file_close(file), SCM_E_HANDLE);
    assert_result(scm_file_access_change_dir(access, SCM_TYPE_BY_ID, "3F00"), SCM_E_HANDLE);
    assert_result(scm_file_access_release(access), SCM_E_HANDLE);
    assert_result(scm_create_file_access(handle, &access), SCM_E_HANDLE);
}

#define on_default(test) cmocka_unit_test_setup_teardown(test, the_default_card, no_card)
#define with_t_1(test) {#test " T=1", test, the_card_with_t_1, no_card, NULL}
#define with_t_0(test) {#test " T=0", test, the_card_with_t_0, no_card, NULL}
#define with_both(test) with_t_1(test), with_t_0(test)

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        with_both(the_current_directory_goes_up_and_down),
        on_default(a_guess_is_told),
        on_default(a_file_is_read_by_any_of_its_names),
        on_default(a_seek_stays_in_the_file),
        on_default(a_missing_file_is_not_opened),
        with_both(written_bytes_are_read_at_every_offset),
        with_t_1(a_card_that_refuses_a_length_is_asked_for_less),
        on_default(another_way_of_selection_follows_a_refusal),
        on_default(a_code_of_a_directory_outlives_a_long_write),
        with_both(bits_are_set_and_bytes_erased),
        on_default(records_are_read_one_by_one),
        with_both(records_are_changed_and_appended),
        on_default(a_directory_is_listed),
        with_both(files_are_created_and_deleted),
        with_both(a_deactivated_file_is_not_read),
        on_default(a_short_identifier_that_cannot_be_read_changes_nothing),
        with_both(a_file_in_the_place_of_a_directory),
        on_default(a_warning_of_select_is_no_success),
        with_both(the_beginning_of_a_name_is_not_enough_to_change),
        on_default(properties_are_told),
        on_default(capabilities_are_told),
        on_default(another_selection_does_not_disturb),
        on_default(under_a_lock_nothing_is_selected_twice),
        on_default(between_two_locks_others_select),
        on_default(after_an_own_reset_a_file_is_selected_again),
        cmocka_unit_test(a_failed_exchange_ends_the_selection),
        with_both(erasing_ends_where_it_is_said),
        on_default(a_borrowed_handle_keeps_no_selection),
        on_default(a_reset_loses_the_code_and_not_the_file),
        on_default(another_card_has_other_files),
        on_default(a_card_that_was_swapped_behind_a_reset_is_another_one),
        on_default(a_lock_that_is_reconnected_selects_again),
        with_t_1(a_pulled_card_tells_how_much_it_got),
        cmocka_unit_test(an_application_is_listed_once),
        cmocka_unit_test(all_of_ef_dir_is_read),
        cmocka_unit_test(all_of_ef_dir_is_read_from_a_card_that_refuses),
        cmocka_unit_test(standard_applications_are_listed),
        cmocka_unit_test(a_card_that_tells_nothing_is_read),
        cmocka_unit_test(a_short_identifier_leaves_no_other_file_current),
        cmocka_unit_test(a_card_that_refuses_a_length_is_asked_for_a_record),
        cmocka_unit_test(a_card_that_is_pulled_at_any_moment_is_told),
        cmocka_unit_test(a_card_that_is_gone_has_no_capabilities),
        cmocka_unit_test(a_possible_directory_is_not_deleted),
        cmocka_unit_test(a_sibling_is_no_child),
        on_default(a_card_that_only_selects_can_be_used),
        on_default(a_refusal_is_learned_when_another_way_is_answered),
        on_default(an_application_without_files_teaches_nothing),
        cmocka_unit_test(a_card_without_odd_instructions_has_an_end),
        on_default(an_invalid_token_is_no_object),
        on_default(bad_input_is_refused),
        on_default(everything_ends_with_the_attachment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The programs of docs/virtual-readers.md. */
#define main first_test
#include "guides/virtual_readers/test.c"
#undef main
#include "guides/virtual_readers/the-commands-of-the-reader.c"

#include "stage.h"
#include "wait.h"

static void a_reader_and_a_card(void **state)
{
    (void)state;
    assert_int_equal(first_test(), 0);
}

static void the_commands_of_the_reader(void **state)
{
    static const uint8_t get_firmware[] = {0xFF, 0x00, 0x48, 0x00, 0x00};
    scm_virtual_ifd *acr122;
    scm_attach_options direct = SCM_ATTACH_OPTIONS_INIT;
    scm_handle *handle;
    uint8_t answer[16];
    size_t length;
    (void)state;
    assert_result(create_acr122(&acr122), SCM_S_OK);
    direct.share_mode = SCM_SHARE_DIRECT;
    assert_result(scm_attach_by_ifd_ex("ACR122U PICC", &direct, &handle), SCM_S_OK);
    assert_result(scm_control(handle, scm_ctl_code(1), get_firmware, 5, answer, sizeof answer, &length), SCM_S_OK);
    assert_memory_equal(answer, "ACR122U207", length);
    assert_result(scm_control(handle, scm_ctl_code(2), get_firmware, 5, answer, sizeof answer, &length),
                  SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_result(scm_get_attribute(handle, 0x00010103, answer, sizeof answer, &length), SCM_S_OK);
    assert_memory_equal(answer, "0815", length);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_virtual_ifd_destroy(acr122), SCM_S_OK);
}

struct own_card {
    scm_virtual_ifd *reader;
    int commands;
};

static scm_result transmit_until_removed(void *user_data, const uint8_t *command, size_t command_length,
                                         uint8_t *response, size_t capacity, size_t *response_length)
{
    struct own_card *card = user_data;
#include "guides/virtual_readers/the-right-moment.c"
    return scm_card_transmit(iso_card, command, command_length, response, capacity, response_length);
}

static scm_result select_mf(void)
{
    static const uint8_t command[] = {0x00, 0xA4, 0x00, 0x0C, 0x02, 0x3F, 0x00};
    uint8_t response[258];
    size_t length;
    return scm_transmit(card, command, sizeof command, response, sizeof response, &length);
}

static void in_the_callback(void **state)
{
    struct own_card own = {reader, 0};
    (void)state;
    assert_result(scm_virtual_ifd_remove(reader), SCM_S_OK);
    plug.transmit = transmit_until_removed;
    plug.power = NULL;
    plug.user_data = &own;
    assert_result(scm_virtual_ifd_insert(reader, &plug), SCM_S_OK);
    assert_result(scm_reconnect(card), SCM_S_OK);
    assert_result(select_mf(), SCM_S_OK);
    assert_result(select_mf(), SCM_S_OK);
    assert_result(select_mf(), SCM_SCARD_W_REMOVED_CARD);
}

static void in_a_plan(void **state)
{
    scm_handle *next;
    (void)state;
#include "guides/virtual_readers/the-right-moment-2.c"
    assert_result(select_mf(), SCM_S_OK);
    assert_result(select_mf(), SCM_S_OK);
    assert_result(select_mf(), SCM_SCARD_F_COMM_ERROR);
    assert_result(select_mf(), SCM_S_OK);
    assert_result(scm_attach_by_ifd(READER, &next), SCM_SCARD_E_SHARING_VIOLATION);
    assert_result(scm_attach_by_ifd(READER, &next), SCM_S_OK);
    assert_result(scm_detach(next), SCM_S_OK);
}

static void a_delay(void **state)
{
    (void)state;
#include "guides/virtual_readers/the-right-moment-3.c"
    double start = now_ms();
    assert_result(select_mf(), SCM_S_OK);
    assert_true(now_ms() - start > 290);
}

static scm_card *insert_own_card(void)
{
#include "guides/virtual_readers/the-ready-made-card.c"
    return card;
}

static void the_ready_made_card(void **state)
{
    scm_file_access *files;
    scm_file *file;
    uint8_t data[20];
    size_t length;
    (void)state;
    assert_result(scm_virtual_ifd_remove(reader), SCM_S_OK);
    scm_card *own = insert_own_card();
    assert_result(scm_reconnect(card), SCM_S_FALSE);
    assert_result(scm_create_file_access(card, &files), SCM_S_OK);
    assert_result(scm_file_access_open(files, SCM_TYPE_BY_ID, "EF01", &file), SCM_S_OK);
    assert_result(scm_file_read(file, data, sizeof data, &length, 0), SCM_S_OK);
    assert_memory_equal(data, "Hello, card!", length);
    assert_result(scm_virtual_ifd_remove(reader), SCM_S_OK);
    assert_result(scm_card_destroy(own), SCM_E_HANDLE); /* the reader has released it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_and_a_card), ON_STAGE(the_commands_of_the_reader), ON_STAGE(in_the_callback),
        ON_STAGE(in_a_plan), ON_STAGE(a_delay), ON_STAGE(the_ready_made_card),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

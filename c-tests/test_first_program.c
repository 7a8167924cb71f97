/* When the first program of the README sends its command once more: after a reset or a removal, to the same card, and never otherwise. */
#define main first_program
#include "../examples/attach.c"
#include "scm_virtual.h"
#undef main

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint8_t ATR[] = {0x3B, 0x80, 0x80, 0x01, 0x01};
static const uint8_t OTHER_ATR[] = {0x3B, 0x00};

static scm_virtual_ifd *reader;
static void (*accident)(void);
static scm_result answer;
static size_t answer_length;
static int commands;

static scm_result transmit(void *user, const uint8_t *command, size_t command_length, uint8_t *response,
                           size_t capacity, size_t *response_length)
{
    (void)user, (void)command, (void)command_length, (void)capacity;
    void (*now)(void) = accident;
    accident = NULL;
    if (++commands == 1 && now != NULL)
        now();
    memcpy(response, "\x90\x00", 2);
    *response_length = answer_length;
    return answer;
}

static void insert(const uint8_t *atr, size_t atr_length)
{
    scm_virtual_card card = SCM_VIRTUAL_CARD_INIT;
    card.atr = atr;
    card.atr_length = atr_length;
    card.transmit = transmit;
    assert_int_equal(scm_virtual_ifd_insert(reader, &card), SCM_S_OK);
}

static void nothing(void)
{
}

static void reset(void)
{
    assert_int_equal(scm_virtual_ifd_reset(reader, SCM_DISPOSITION_RESET), SCM_S_OK);
}

static void pull(void)
{
    assert_int_equal(scm_virtual_ifd_remove(reader), SCM_S_OK);
}

static void pull_and_put_back(void)
{
    pull();
    insert(ATR, sizeof ATR);
}

static void swap(void)
{
    pull();
    insert(OTHER_ATR, sizeof OTHER_ATR);
}

static void unplug(void)
{
    assert_int_equal(scm_virtual_ifd_destroy(reader), SCM_S_OK);
    assert_int_equal(scm_virtual_ifd_create("Reader", NULL, &reader), SCM_S_OK);
    insert(ATR, sizeof ATR);
}

static void a_command_is_repeated_where_that_is_safe(void **state)
{
    (void)state;
    const struct {
        void (*accident)(void);
        scm_result answer;
        size_t answer_length;
        int commands, ends;
    } cases[] = {
        {nothing, SCM_S_OK, 2, 1, 0},
        {reset, SCM_S_OK, 2, 2, 0},
        {pull_and_put_back, SCM_S_OK, 2, 2, 0},
        {swap, SCM_S_OK, 2, 1, 1},
        {pull, SCM_S_OK, 2, 1, 1},
        {unplug, SCM_S_OK, 2, 1, 1},
        {nothing, SCM_E_FAIL, 2, 1, 1}, /* nobody knows whether it was carried out */
        {nothing, SCM_S_OK, 0, 1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(scm_virtual_ifd_create("Reader", NULL, &reader), SCM_S_OK);
        insert(ATR, sizeof ATR);
        commands = 0;
        accident = cases[i].accident;
        answer = cases[i].answer;
        answer_length = cases[i].answer_length;
        assert_int_equal(first_program(), cases[i].ends);
        assert_int_equal(commands, cases[i].commands);
        assert_int_equal(scm_virtual_ifd_destroy(reader), SCM_S_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_repeated_where_that_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

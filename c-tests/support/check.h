/* The start of every test file: cmocka, the library, and checks for its codes. */
#ifndef CHECK_H
#define CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bed.h"
#include "differences.h"
#include "scm.h"

/* cmocka 2 renamed it. */
#ifdef assert_uint_in_range
#undef assert_in_range
#define assert_in_range assert_uint_in_range
#endif

/* Checks the code of a call. A failure prints both codes by name. */
#define assert_result(call, expected) check_result((call), (expected), #call, __FILE__, __LINE__)

static inline void check_result(scm_result got, scm_result expected, const char *call, const char *file, int line)
{
    if (got != expected) {
        print_error("%s\n    gave %s (0x%08X), not %s\n", call, scm_result_name(got), (unsigned)got,
                    scm_result_name(expected));
        _fail(file, line);
    }
}

/* Attaches; no test expects this to fail. */
static inline scm_handle *attach(int reader)
{
    scm_handle *handle = NULL;
    assert_result(scm_attach_by_ifd(bed_ifd(reader), &handle), SCM_S_OK);
    assert_non_null(handle);
    return handle;
}

/* The set-up of a group of tests with one card in the first reader. */
static inline int insert_card(void **state)
{
    (void)state;
    bed("insert 0 steerable");
    return 0;
}

/* No attachment and no other application has a lock. */
static inline void assert_nobody_holds_the_card(int reader)
{
    uint8_t value[64];
    size_t length;
    scm_handle *probe = attach(reader);
    assert_result(scm_get_attribute(probe, atr_attribute(), value, sizeof value, &length), SCM_S_OK);
    assert_result(scm_detach(probe), SCM_S_OK);
}

static inline uint64_t generation(scm_handle *handle)
{
    uint64_t value = 77;
    assert_result(scm_get_generation(handle, &value), SCM_S_OK);
    return value;
}

/* An echo of the steerable card: it proves that the card responds through this attachment. */
static inline scm_result echo(scm_handle *handle)
{
    static const uint8_t command[] = {0x80, 0xEC, 0x00, 0x00, 0x02, 0xCA, 0xFE};
    static const uint8_t expected[] = {0xCA, 0xFE, 0x90, 0x00};
    uint8_t response[16];
    size_t length = 77;
    scm_result result = scm_transmit(handle, command, sizeof command, response, sizeof response, &length);
    if (result == SCM_S_OK) {
        assert_int_equal(length, sizeof expected);
        assert_memory_equal(response, expected, sizeof expected);
    } else {
        assert_int_equal(length, 0);
    }
    return result;
}

#endif

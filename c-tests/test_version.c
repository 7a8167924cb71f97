/* The version, and the names of the codes. */
#include "support/check.h"

static void the_library_has_the_version_of_the_header(void **state)
{
    (void)state;
    char parts[32];
    snprintf(parts, sizeof parts, "%d.%d.%d", SCM_VERSION_MAJOR, SCM_VERSION_MINOR, SCM_VERSION_PATCH);
    assert_string_equal(SCM_VERSION, parts);
    assert_string_equal(scm_version(), SCM_VERSION);
    assert_int_equal(scm_abi_version(), SCM_ABI_VERSION);
#if SCM_ABI_VERSION < 1
#error "#if does not see the version"
#endif
}

static void the_library_fits_its_own_version_only(void **state)
{
    (void)state;
    char other[32];
    assert_result(scm_check_version(SCM_VERSION), SCM_S_OK);
    snprintf(other, sizeof other, "%d.%d.%d", SCM_VERSION_MAJOR, SCM_VERSION_MINOR, SCM_VERSION_PATCH + 1);
    assert_result(scm_check_version(other), SCM_SCARD_E_UNSUPPORTED_FEATURE);
    snprintf(other, sizeof other, "%d.%d.0", SCM_VERSION_MAJOR, SCM_VERSION_MINOR + 1);
    assert_result(scm_check_version(other), SCM_SCARD_E_UNSUPPORTED_FEATURE);
    snprintf(other, sizeof other, "%d.0.0", SCM_VERSION_MAJOR + 1);
    assert_result(scm_check_version(other), SCM_SCARD_E_UNSUPPORTED_FEATURE);
    snprintf(other, sizeof other, "%d.%d.0", SCM_VERSION_MAJOR, SCM_VERSION_MINOR);
    assert_result(scm_check_version(other), SCM_S_OK);
}

static void an_invalid_version_is_refused(void **state)
{
    (void)state;
    static const char *const none[] = {"", "0", "0.1", "0.1.0.0", "0.1.x", "0..1", "0.1.-1", "99999999999.0.0", "\xff"};
    assert_result(scm_check_version(NULL), SCM_E_INVALIDARG);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_result(scm_check_version(none[i]), SCM_E_INVALIDARG);
}

static void codes_have_names_and_meanings(void **state)
{
    (void)state;
    assert_string_equal(scm_result_name(SCM_S_OK), "SCM_S_OK");
    assert_string_equal(scm_result_name(SCM_E_HANDLE), "SCM_E_HANDLE");
    assert_string_equal(scm_result_name(SCM_SCARD_W_RESET_CARD), "SCM_SCARD_W_RESET_CARD");
    assert_string_equal(scm_result_name((scm_result)0x12345678), "unknown");
    assert_true(strlen(scm_result_message(SCM_E_HANDLE)) > 0);
    assert_string_not_equal(scm_result_message(SCM_E_HANDLE), scm_result_message(SCM_E_POINTER));
    assert_true(strlen(scm_result_message((scm_result)0x12345678)) > 0);
}

static void a_success_is_no_failure(void **state)
{
    (void)state;
    assert_true(SCM_SUCCEEDED(SCM_S_OK) && SCM_SUCCEEDED(SCM_S_FALSE) && !SCM_SUCCEEDED(SCM_E_FAIL));
    assert_true(SCM_FAILED(SCM_E_FAIL) && SCM_FAILED(SCM_SCARD_E_TIMEOUT) && !SCM_FAILED(SCM_S_FALSE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_library_has_the_version_of_the_header),
        cmocka_unit_test(the_library_fits_its_own_version_only),
        cmocka_unit_test(an_invalid_version_is_refused),
        cmocka_unit_test(codes_have_names_and_meanings),
        cmocka_unit_test(a_success_is_no_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Attach to a card handle, borrowed or adopted, and detach. */
#include "support/owner.h"
#include "support/wait.h"

#define CARD 0

static void a_borrowed_handle_stays_the_callers(void **state)
{
    (void)state;
    scm_handle *handle;
    uintptr_t icc, context;
    struct owner own = connect_card(CARD);
    assert_result(scm_attach_by_handle(own.icc, &handle), SCM_S_OK);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_get_icc(handle, &icc), SCM_S_OK);
    assert_true(icc == own.icc);
    context = 77;
    assert_result(scm_get_context(handle, &context), SCM_SCARD_E_UNSUPPORTED_FEATURE);
    assert_int_equal(context, 0);

    /* A lock is released at the detach; otherwise the owner would unknowingly hold a transaction. */
    assert_result(scm_lock(handle), SCM_S_OK);
    assert_result(scm_detach_ex(handle, SCM_DISPOSITION_RESET), SCM_E_INVALIDARG);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(owner_unlock(&own), SCM_SCARD_E_NOT_TRANSACTED);
    assert_nobody_holds_the_card(CARD);
    assert_result(owner_status(&own), SCM_S_OK);
    assert_result(owner_disconnect(&own), SCM_S_OK);
    owner_leave(&own);
}

static void a_borrowed_handle_that_was_only_attached_works_on(void **state)
{
    (void)state;
    scm_handle *handle;
    struct owner own = connect_card(CARD);
    assert_result(scm_attach_by_handle(own.icc, &handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(owner_status(&own), SCM_S_OK);
    owner_leave(&own);
}

static void an_adopted_handle_is_disconnected(void **state)
{
    (void)state;
    scm_handle *handle;
    scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
    struct owner own = connect_card(CARD);
    options.flags = SCM_ATTACH_ADOPT;
    assert_result(scm_attach_by_handle_ex(own.icc, &options, &handle), SCM_S_OK);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach_ex(handle, SCM_DISPOSITION_UNPOWER), SCM_S_OK);
    assert_result(owner_status(&own), SCM_SCARD_E_INVALID_HANDLE);
    assert_true(owner_has_context(&own));
    owner_leave(&own);
}

static scm_result attach_and_detach(void *nothing)
{
    scm_handle *other;
    (void)nothing;
    scm_result result = scm_attach_by_ifd(bed_ifd(CARD), &other);
    (void)scm_detach(other);
    return result;
}

/* Others wait in the service for its end, and the attachment does not wait for them. */
static void a_transaction_of_the_caller_causes_no_deadlock(void **state)
{
    (void)state;
    scm_handle *handle;
    struct wait other;
    if (bed_is_virtual())
        return;
    struct owner own = connect_card(CARD);
    assert_int_equal(SCardBeginTransaction((SCARDHANDLE)own.icc), SCARD_S_SUCCESS);
    assert_result(scm_attach_by_handle(own.icc, &handle), SCM_S_OK);
    wait_begin(&other, attach_and_detach, NULL);
    assert_true(wait_is_reached(&other));
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_lock_ex(handle, 10000), SCM_S_OK);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_false(other.is_done);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(owner_unlock(&own), SCM_S_OK);
    assert_result(wait_end(&other), SCM_S_OK);
    owner_leave(&own);
}

static void a_handle_that_the_service_does_not_know(void **state)
{
    (void)state;
    uintptr_t unknown[] = {0, 1, 0x12345678, UINTPTR_MAX};
    for (size_t i = 0; i < 4; i++) {
        scm_handle *handle = (scm_handle *)&handle;
        assert_result(scm_attach_by_handle(unknown[i], &handle), SCM_E_INVALIDARG);
        assert_null(handle);
    }
}

static void a_handle_whose_card_was_reset_or_left(void **state)
{
    (void)state;
    scm_handle *handle;
    struct owner own = connect_card(CARD);
    bed("reset %d warm", CARD);
    assert_result(scm_attach_by_handle(own.icc, &handle), SCM_SCARD_W_RESET_CARD);
    assert_null(handle);
    bed("remove %d", CARD);
    assert_result(scm_attach_by_handle(own.icc, &handle), SCM_SCARD_W_REMOVED_CARD);
    bed("insert %d steerable", CARD);
    owner_leave(&own);
}

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_borrowed_handle_stays_the_callers),
        cmocka_unit_test(a_borrowed_handle_that_was_only_attached_works_on),
        cmocka_unit_test(an_adopted_handle_is_disconnected),
        cmocka_unit_test(a_transaction_of_the_caller_causes_no_deadlock),
        cmocka_unit_test(a_handle_that_the_service_does_not_know),
        cmocka_unit_test(a_handle_whose_card_was_reset_or_left),
    };
    return cmocka_run_group_tests(tests, insert_card, NULL);
}

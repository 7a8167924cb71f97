/* The programs of docs/providers.md. */
#include "stage.h"

struct crypto_functions {
    void (*sign)(void *object, const uint8_t *data, size_t length);
};

#include "guides/providers/a-provider.c"

static int released, signatures;

static scm_result create_object(void *user_data, scm_handle *handle, void *caller_user_data, void **object)
{
    (void)user_data, (void)caller_user_data;
    *object = handle;
    return SCM_S_OK;
}

static scm_result verify(void *object, const uint8_t *code, size_t code_length, uint32_t flags, uint32_t reference,
                         uint32_t *retries_left)
{
    (void)code, (void)flags, (void)reference;
    assert_ptr_equal(object, card);
    *retries_left = (uint32_t)code_length;
    return SCM_SCARD_W_WRONG_CHV;
}

static void release_object(void *object)
{
    (void)object;
    released++;
}

static void sign(void *object, const uint8_t *data, size_t length)
{
    assert_ptr_equal(object, card);
    assert_memory_equal(data, "data", length);
    signatures++;
}

/* A card with an ATR that the provider serves. */
static void change_card(uint8_t last)
{
    uint8_t other[sizeof atr];
    memcpy(other, atr, sizeof atr);
    other[sizeof other - 1] = last;
    assert_result(scm_virtual_ifd_remove(reader), SCM_S_OK);
    plug.atr = other;
    plug.atr_length = sizeof other;
    assert_result(scm_virtual_ifd_insert(reader, &plug), SCM_S_OK);
    assert_result(scm_reconnect(card), SCM_S_FALSE);
}

static void a_provider(void **state)
{
    scm_ch_verification *codes;
    scm_provider provider = SCM_PROVIDER_INIT;
    uint32_t left;
    (void)state;
    register_it();
    change_card(0x17);
    assert_result(scm_create_ch_verification(card, &codes), SCM_S_OK);
    assert_result(scm_ch_verification_verify(codes, (const uint8_t *)"123", 3, 0, 1, &left), SCM_SCARD_W_WRONG_CHV);
    assert_int_equal(left, 3);
    assert_result(scm_ch_verification_release(codes), SCM_S_OK);
    assert_int_equal(released, 1);
    provider.atr = atr;
    provider.atr_mask = mask;
    provider.atr_length = sizeof atr;
    provider.create_object = create_object;
    assert_result(scm_unregister_provider(&provider), SCM_S_OK);
}

static void an_own_interface(void **state)
{
    static const struct crypto_functions table = {sign};
    scm_handle *handle = card;
    const uint8_t *data = (const uint8_t *)"data";
    size_t length = 4;
    scm_provider provider = SCM_PROVIDER_INIT;
    (void)state;
    provider.name = "CryptoProvider";
    provider.create_object = create_object;
    assert_result(scm_register_interface_provider(&provider, &table), SCM_S_OK);
#include "guides/providers/an-own-interface.c"
    assert_int_equal(signatures, 1);
    assert_result(scm_unregister_provider(&provider), SCM_S_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {ON_STAGE(a_provider), ON_STAGE(an_own_interface)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

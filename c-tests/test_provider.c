/* Providers: their selection, their calls, and the single end of their objects. */
#include "support/check.h"
#include "support/wait.h"
#include "scm_provider.h"

#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

static const scm_guid FILE_ACCESS = SCM_IID_FILE_ACCESS_INIT;
static const scm_guid CH_VERIFICATION = SCM_IID_CH_VERIFICATION_INIT;
static const scm_guid CARD_AUTH = SCM_IID_CARD_AUTH_INIT;
static const scm_guid OWN = {0x12345678, 0x9ABC, 0xDEF0, {1, 2, 3, 4, 5, 6, 7, 8}};

/* The calls to a provider of these tests, and its orders. */
struct source {
    atomic_int created, released, opened, closed, ended, calls;
    scm_result create_result, answer;
    size_t claimed_length;
    bool is_without_object;
    void (*during_create)(struct source *, scm_handle *);
    void (*during_call)(struct source *, scm_handle *);
    scm_handle *handle; /* of the last object */
    void *caller_user_data;
    /* For `wait_in_call`. */
    atomic_bool is_reached, is_let_go;
};

/* Its object. */
struct object {
    struct source *source;
    scm_handle *handle;
    int files;
};

static scm_result create(void *user_data, scm_handle *handle, void *caller_user_data, void **made)
{
    struct source *source = user_data;
    source->handle = handle;
    source->caller_user_data = caller_user_data;
    if (source->during_create != NULL)
        source->during_create(source, handle);
    if (SCM_FAILED(source->create_result)) {
        *made = (void *)1; /* Nobody may look at it. */
        return source->create_result;
    }
    source->created++;
    if (source->is_without_object)
        return SCM_S_OK;
    struct object *object = calloc(1, sizeof *object);
    object->source = source;
    object->handle = handle;
    *made = object;
    return SCM_S_OK;
}

static void release(void *made)
{
    struct object *object = made;
    if (object == NULL)
        return;
    uint64_t number;
    assert_int_equal(object->files, 0);
    /* No lock is held that this would wait for. The attachment may be gone. */
    (void)scm_get_generation(object->handle, &number);
    object->source->released++;
    free(object);
}

static void end(void *user_data)
{
    struct source *source = user_data;
    assert_int_equal(source->released, source->created);
    assert_result(scm_unregister_provider(NULL), SCM_E_INVALIDARG);
    assert_result(scm_create_interface(NULL, &OWN, NULL, NULL, &user_data), SCM_SCARD_E_ICC_CREATEORDER);
    source->ended++; /* Last: a thread that waits for it frees the source. */
}

static scm_result called(struct object *object)
{
    object->source->calls++;
    if (object->source->during_call != NULL)
        object->source->during_call(object->source, object->handle);
    return object->source->answer;
}

static scm_result get_current_dir(void *object, char *path, size_t capacity, size_t *length)
{
    struct source *source = ((struct object *)object)->source;
    *length = source->claimed_length > 0 ? source->claimed_length : sizeof "/ours";
    if (path != NULL && capacity >= sizeof "/ours")
        memcpy(path, "/ours", sizeof "/ours");
    return called(object);
}

static scm_result open_file(void *made, uint32_t reference_type, const char *path, void **file)
{
    struct object *object = made;
    assert_int_equal(reference_type, 0);
    assert_string_equal(path, "/ours/file");
    *file = object;
    scm_result result = called(object);
    if (SCM_SUCCEEDED(result)) {
        object->files++;
        object->source->opened++;
    }
    return result;
}

static scm_result read_file(void *file, uint8_t *buffer, size_t capacity, size_t *length, uint32_t flags)
{
    (void)flags;
    *length = capacity < 3 ? capacity : 3;
    if (*length > 0)
        memcpy(buffer, "abc", *length);
    return called(file);
}

static scm_result tell_file(void *file, uint64_t *position)
{
    *position = 42;
    return called(file);
}

static scm_result close_file(void *made)
{
    struct object *object = made;
    object->files--;
    object->source->closed++;
    return called(object);
}

static scm_result verify(void *object, const uint8_t *code, size_t code_length, uint32_t flags, uint32_t reference,
                         uint32_t *retries_left)
{
    assert_int_equal(code_length, 4);
    assert_memory_equal(code, "1234", 4);
    assert_int_equal(flags, 0);
    assert_int_equal(reference, 1);
    *retries_left = 2;
    return called(object);
}

static scm_result get_challenge(void *object, uint32_t algorithm, const uint8_t *parameters, size_t parameters_length,
                                uint8_t *challenge, size_t capacity, size_t *length)
{
    assert_int_equal(algorithm, 7);
    assert_true(parameters == NULL && parameters_length == 0);
    *length = 8;
    if (capacity < 8)
        return SCM_SCARD_E_INSUFFICIENT_BUFFER;
    memset(challenge, 0xC4, 8);
    return called(object);
}

static scm_result app_auth(void *object, uint32_t algorithm, const uint8_t *parameters, size_t parameters_length,
                           const uint8_t *data, size_t data_length)
{
    (void)algorithm, (void)parameters, (void)data;
    assert_int_equal(parameters_length + data_length, 0);
    return called(object);
}

static scm_result icc_auth(void *object, uint32_t algorithm, const uint8_t *parameters, size_t parameters_length,
                           const uint8_t *data, size_t data_length, uint8_t *answer, size_t capacity, size_t *length)
{
    (void)answer, (void)capacity, (void)length;
    return app_auth(object, algorithm, parameters, parameters_length, data, data_length);
}

static const scm_file_access_functions FILES = {
    .struct_size = sizeof FILES,
    .get_current_dir = get_current_dir,
    .open = open_file,
    .read = read_file,
    .tell = tell_file,
    .close = close_file,
};
static const scm_ch_verification_functions CODES = {.struct_size = sizeof CODES, .verify = verify};
static const scm_card_auth_functions AUTHENTICATION = {.struct_size = sizeof AUTHENTICATION,
                                                       .get_challenge = get_challenge,
                                                       .app_auth = app_auth,
                                                       .icc_auth = icc_auth,
                                                       .user_auth = app_auth};
static const scm_file_access_functions NO_FILES = SCM_FILE_ACCESS_FUNCTIONS_INIT;

/* A provider for every card. */
static scm_provider provider(struct source *source, const scm_guid *iid, const char *name)
{
    scm_provider provider = SCM_PROVIDER_INIT;
    provider.iid = iid;
    provider.name = name;
    provider.user_data = source;
    provider.create_object = create;
    provider.release_object = release;
    provider.release_user_data = end;
    return provider;
}

static scm_provider register_files(struct source *source, const char *name, const scm_file_access_functions *functions)
{
    scm_provider registered = provider(source, &FILE_ACCESS, name);
    assert_result(scm_register_file_access_provider(&registered, functions), SCM_S_OK);
    return registered;
}

static scm_provider register_codes(struct source *source)
{
    scm_provider registered = provider(source, &CH_VERIFICATION, NULL);
    assert_result(scm_register_ch_verification_provider(&registered, &CODES), SCM_S_OK);
    return registered;
}

static scm_provider register_authentication(struct source *source, const scm_guid *iid)
{
    scm_provider registered = provider(source, iid, "CardAuth");
    assert_result(scm_register_card_auth_provider(&registered, &AUTHENTICATION), SCM_S_OK);
    return registered;
}

static scm_provider register_own(struct source *source, const char *name, const void *functions)
{
    scm_provider registered = provider(source, &OWN, name);
    assert_result(scm_register_interface_provider(&registered, functions), SCM_S_OK);
    return registered;
}

/* Nothing of it is left. */
static void unregister_to_the_end(const scm_provider *provider)
{
    struct source *source = provider->user_data;
    assert_int_equal(source->released, source->is_without_object ? 0 : (int)source->created);
    assert_int_equal(source->ended, 0);
    assert_result(scm_unregister_provider(provider), SCM_S_OK);
    assert_int_equal(source->ended, 1);
}

static scm_file_access *create_files(scm_handle *handle)
{
    scm_file_access *files = NULL;
    assert_result(scm_create_file_access(handle, &files), SCM_S_OK);
    assert_non_null(files);
    return files;
}

/* The number of objects requested from the provider. */
static int asked(struct source *source, scm_handle *handle)
{
    int before = source->created;
    assert_result(scm_file_access_release(create_files(handle)), SCM_S_OK);
    return source->created - before;
}

static scm_result verify_code(scm_ch_verification *codes)
{
    uint32_t retries_left = 77;
    return scm_ch_verification_verify(codes, (const uint8_t *)"1234", 4, 0, 1, &retries_left);
}

static void by_iid_and_by_name(void **state)
{
    (void)state;
    static const struct {
        const scm_guid *iid;
        const char *names[2];
    } standards[] = {{&FILE_ACCESS, {"FileAccess", "ISCardFileAccess"}},
                     {&CH_VERIFICATION, {"CHVerification", "ISCardVerify"}},
                     {&CARD_AUTH, {"CardAuth", "ISCardAuth"}}};
    scm_result (*const releases[])(void *) = {(scm_result(*)(void *))scm_file_access_release,
                                              (scm_result(*)(void *))scm_ch_verification_release,
                                              (scm_result(*)(void *))scm_card_auth_release};
    scm_handle *handle = attach(0);
    for (int i = 0; i < 3; i++) {
        for (int way = 0; way < 4; way++) {
            void *object = NULL;
            const scm_guid *iid = way < 2 ? standards[i].iid : NULL;
            /* Beside an IID the name is ignored. */
            const char *name = way == 0 ? NULL : way == 1 ? "caf\xE9" : standards[i].names[way - 2];
            assert_result(scm_create_interface(handle, iid, name, NULL, &object), SCM_S_OK);
            assert_non_null(object);
            for (int other = 0; other < 3; other++)
                if (other != i)
                    assert_result(releases[other](object), SCM_E_HANDLE);
            assert_result(releases[i](object), SCM_S_OK);
            assert_result(releases[i](object), SCM_E_HANDLE);
        }
    }
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void a_requested_interface_must_be_known(void **state)
{
    (void)state;
    char long_name[SCM_INTERFACE_NAME_MAX + 2];
    memset(long_name, 'a', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    scm_handle *handle = attach(0);
    void *object = &object;
    assert_result(scm_create_interface(handle, &FILE_ACCESS, NULL, NULL, NULL), SCM_E_POINTER);
    const char *bad[] = {NULL, "", "caf\xE9", long_name};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        object = &object;
        assert_result(scm_create_interface(handle, NULL, bad[i], NULL, &object), SCM_E_INVALIDARG);
        assert_null(object);
    }
    long_name[SCM_INTERFACE_NAME_MAX] = '\0';
    const char *unknown[] = {"CryptoProvider", "fileaccess", long_name};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        object = &object;
        assert_result(scm_create_interface(handle, NULL, unknown[i], NULL, &object), SCM_E_NOINTERFACE);
        assert_null(object);
    }
    assert_result(scm_create_interface(handle, &OWN, "FileAccess", NULL, &object), SCM_E_NOINTERFACE);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void nothing_is_created_before_there_is_an_attachment(void **state)
{
    (void)state;
    scm_handle *stale = attach(0);
    assert_result(scm_detach(stale), SCM_S_OK);
    const struct {
        scm_handle *handle;
        scm_result result;
    } cases[] = {{NULL, SCM_SCARD_E_ICC_CREATEORDER},
                 {stale, SCM_E_HANDLE},
                 {(scm_handle *)&stale, SCM_E_HANDLE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *object = &object;
        scm_file_access *files = object;
        scm_ch_verification *codes = object;
        scm_card_auth *authentication = object;
        assert_result(scm_create_interface(cases[i].handle, &FILE_ACCESS, NULL, NULL, &object), cases[i].result);
        assert_result(scm_create_interface(cases[i].handle, &OWN, NULL, NULL, &object), cases[i].result);
        assert_result(scm_create_file_access(cases[i].handle, &files), cases[i].result);
        assert_result(scm_create_ch_verification(cases[i].handle, &codes), cases[i].result);
        assert_result(scm_create_card_auth(cases[i].handle, &authentication), cases[i].result);
        assert_true(object == NULL && files == NULL && codes == NULL && authentication == NULL);
    }
    assert_result(scm_create_file_access(NULL, NULL), SCM_E_POINTER);
    assert_result(scm_create_ch_verification(NULL, NULL), SCM_E_POINTER);
    assert_result(scm_create_card_auth(NULL, NULL), SCM_E_POINTER);
}

static void a_provider_has_to_be_complete(void **state)
{
    (void)state;
    struct source source = {0};
    const scm_provider good = provider(&source, &FILE_ACCESS, NULL);
    scm_file_access_functions short_table = FILES;
    short_table.struct_size = 4;
    uint8_t long_atr[SCM_ATR_MAX + 1] = {0x3B};
    char long_name[SCM_INTERFACE_NAME_MAX + 2];
    memset(long_name, 'a', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    struct {
        scm_provider first;
        uint8_t more[8];
    } longer = {good, {0, 1}};
    longer.first.struct_size = sizeof longer;
    scm_provider bad[16];
    size_t n = 0;
    for (; n < sizeof bad / sizeof *bad; n++)
        bad[n] = good;
    n = 0;
    bad[n++].struct_size = 4;
    bad[n++].struct_size = UINT32_MAX;
    bad[n++].flags = 1;
    bad[n++].name = "";
    bad[n++].name = "caf\xE9";
    bad[n++].name = long_name;
    bad[n++].name = "CardAuth";
    bad[n].iid = &OWN;
    bad[n++].name = "CardAuth";
    bad[n].atr = NULL;
    bad[n++].atr_length = 1;
    bad[n].atr = long_atr;
    bad[n++].atr_length = sizeof long_atr;
    bad[n++].create_object = NULL;
    for (size_t i = 0; i < n; i++) {
        assert_result(scm_register_file_access_provider(&bad[i], &FILES), SCM_E_INVALIDARG);
        assert_result(scm_unregister_provider(&bad[i]), SCM_E_INVALIDARG);
    }
    assert_result(scm_register_file_access_provider(&longer.first, &FILES), SCM_E_INVALIDARG);
    assert_result(scm_register_file_access_provider(NULL, &FILES), SCM_E_INVALIDARG);
    assert_result(scm_register_file_access_provider(&good, NULL), SCM_E_INVALIDARG);
    assert_result(scm_register_file_access_provider(&good, &short_table), SCM_E_INVALIDARG);
    assert_result(scm_register_ch_verification_provider(&good, NULL), SCM_E_INVALIDARG);
    assert_result(scm_register_card_auth_provider(&good, NULL), SCM_E_INVALIDARG);
    assert_result(scm_register_interface_provider(NULL, NULL), SCM_E_INVALIDARG);
    assert_result(scm_unregister_provider(NULL), SCM_E_INVALIDARG);
    assert_result(scm_unregister_provider(&good), SCM_E_NOINTERFACE);
    scm_handle *handle = attach(0);
    assert_int_equal(asked(&source, handle), 0);
    assert_int_equal(source.ended, 0);
    assert_result(scm_detach(handle), SCM_S_OK);
}

/* Each function registers providers of its own interface only. */
static void the_interface_of_a_provider_is_that_of_its_functions(void **state)
{
    (void)state;
    struct source source = {0};
    const scm_guid *iids[] = {&FILE_ACCESS, &CH_VERIFICATION, &CARD_AUTH, &OWN};
    const char *names[] = {"ISCardFileAccess", "CHVerification", "CardAuth", "Ours"};
    for (int i = 0; i < 4; i++) {
        for (int way = 1; way < 4; way++) {
            const scm_provider one = provider(&source, way & 1 ? iids[i] : NULL, way & 2 ? names[i] : NULL);
            /* A name of the program's own is another name of a known interface. */
            scm_result other = way == 2 && i == 3 ? SCM_S_OK : SCM_E_INVALIDARG;
            scm_result expected[] = {other, other, other, SCM_E_INVALIDARG};
            expected[i] = SCM_S_OK;
            const scm_result results[] = {scm_register_file_access_provider(&one, &FILES),
                                          scm_register_ch_verification_provider(&one, &CODES),
                                          scm_register_card_auth_provider(&one, &AUTHENTICATION),
                                          scm_register_interface_provider(&one, NULL)};
            for (int function = 0; function < 4; function++) {
                assert_result(results[function], expected[function]);
                if (results[function] == SCM_S_OK)
                    assert_result(scm_unregister_provider(&one), SCM_S_OK);
            }
            assert_result(scm_unregister_provider(&one), SCM_E_NOINTERFACE);
        }
    }
    const scm_provider unnamed = provider(&source, NULL, NULL);
    assert_result(scm_register_interface_provider(&unnamed, NULL), SCM_E_INVALIDARG);
    assert_result(scm_register_file_access_provider(&unnamed, &FILES), SCM_S_OK);
    scm_handle *handle = attach(0);
    assert_int_equal(asked(&source, handle), 1);
    assert_result(scm_detach(handle), SCM_S_OK);
    source.ended = 0;
    unregister_to_the_end(&unnamed);
    assert_result(scm_unregister_provider(&unnamed), SCM_E_NOINTERFACE);
}

static void a_provider_takes_the_place_of_the_generic_one(void **state)
{
    (void)state;
    struct source files_source = {0}, codes_source = {0}, authentication_source = {0};
    scm_provider files_provider = register_files(&files_source, NULL, &FILES);
    scm_provider codes_provider = provider(&codes_source, NULL, "ISCardVerify");
    assert_result(scm_register_ch_verification_provider(&codes_provider, &CODES), SCM_S_OK);
    scm_provider authentication_provider = register_authentication(&authentication_source, NULL);
    scm_handle *handle = attach(0);

    scm_file_access *files = create_files(handle);
    assert_true(files_source.handle == handle && files_source.caller_user_data == NULL);
    char path[16];
    size_t length = 77;
    assert_result(scm_file_access_get_current_dir(files, path, sizeof path, &length), SCM_S_OK);
    assert_string_equal(path, "/ours");
    assert_int_equal(length, sizeof "/ours");
    assert_result(scm_file_access_release(files), SCM_S_OK);

    void *codes;
    assert_result(scm_create_interface(handle, &CH_VERIFICATION, NULL, path, &codes), SCM_S_OK);
    assert_ptr_equal(codes_source.caller_user_data, path);
    codes_source.answer = SCM_SCARD_W_WRONG_CHV;
    uint32_t retries_left = 77;
    assert_result(scm_ch_verification_verify(codes, (const uint8_t *)"1234", 4, 0, 1, &retries_left),
                  SCM_SCARD_W_WRONG_CHV);
    assert_int_equal(retries_left, 2);
    codes_source.answer = SCM_S_FALSE; /* its successes are passed on, too */
    assert_result(verify_code(codes), SCM_S_FALSE);
    assert_result(scm_ch_verification_release(codes), SCM_S_OK);

    scm_card_auth *authentication;
    uint8_t challenge[8];
    assert_result(scm_create_card_auth(handle, &authentication), SCM_S_OK);
    assert_result(scm_card_auth_get_challenge(authentication, 7, NULL, 0, challenge, 4, &length),
                  SCM_SCARD_E_INSUFFICIENT_BUFFER);
    assert_int_equal(length, 8);
    assert_result(scm_card_auth_get_challenge(authentication, 7, NULL, 0, challenge, 8, &length), SCM_S_OK);
    assert_memory_equal(challenge, "\xC4\xC4\xC4\xC4\xC4\xC4\xC4\xC4", 8);
    assert_result(scm_card_auth_release(authentication), SCM_S_OK);

    assert_result(scm_detach(handle), SCM_S_OK);
    unregister_to_the_end(&files_provider);
    unregister_to_the_end(&codes_provider);
    unregister_to_the_end(&authentication_provider);
}

static void outputs_of_a_failed_provider_are_dropped(void **state)
{
    (void)state;
    struct source source = {0};
    scm_provider registered = register_files(&source, NULL, &FILES);
    scm_handle *handle = attach(0);
    scm_file_access *files = create_files(handle);
    scm_file *file = NULL;
    char path[16];
    size_t length = 77;
    uint64_t position = 77;
    assert_result(scm_file_access_open(files, 0, "/ours/file", &file), SCM_S_OK);
    source.answer = SCM_SCARD_E_NO_ACCESS;
    assert_result(scm_file_access_get_current_dir(files, path, sizeof path, &length), SCM_SCARD_E_NO_ACCESS);
    assert_int_equal(length, 0);
    assert_result(scm_file_tell(file, &position), SCM_SCARD_E_NO_ACCESS);
    assert_int_equal(position, 0);
    scm_file *other = file;
    assert_result(scm_file_access_open(files, 0, "/ours/file", &other), SCM_SCARD_E_NO_ACCESS);
    assert_null(other);
    /* Only the library can say this of its objects. */
    for (int i = 0; i < 2; i++) {
        source.answer = source.create_result = i ? SCM_E_HANDLE : SCM_E_UNEXPECTED;
        assert_result(scm_file_tell(file, &position), SCM_E_FAIL);
        scm_file_access *none = files;
        assert_result(scm_create_file_access(handle, &none), SCM_E_FAIL);
        assert_null(none);
    }
    source.create_result = SCM_S_OK;
    source.answer = SCM_SCARD_E_INSUFFICIENT_BUFFER;
    assert_result(scm_file_access_get_current_dir(files, path, 1, &length), SCM_SCARD_E_INSUFFICIENT_BUFFER);
    assert_int_equal(length, sizeof "/ours");
    /* It claims to have written more than fits. */
    source.answer = SCM_S_OK;
    source.claimed_length = 17;
    assert_result(scm_file_access_get_current_dir(files, path, sizeof path, &length), SCM_E_FAIL);
    assert_int_equal(length, 0);
    assert_result(scm_file_access_get_current_dir(files, NULL, 0, &length), SCM_S_OK);
    assert_int_equal(length, 17);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_int_equal(source.closed, 1);
    unregister_to_the_end(&registered);
}

static void files_are_closed_before_what_opened_them_is_released(void **state)
{
    (void)state;
    struct source source = {0};
    scm_provider registered = register_files(&source, NULL, &FILES);
    scm_handle *handle = attach(0);
    scm_file_access *files = create_files(handle);
    scm_file *one, *two;
    uint8_t buffer[4];
    size_t length;
    uint64_t position;
    assert_result(scm_file_access_open(files, 0, "/ours/file", &one), SCM_S_OK);
    assert_result(scm_file_access_open(files, 0, "/ours/file", &two), SCM_S_OK);
    assert_result(scm_file_access_release(files), SCM_S_OK);
    assert_int_equal(source.released, 0);
    assert_result(scm_file_read(one, buffer, sizeof buffer, &length, 0), SCM_S_OK);
    assert_int_equal(length, 3);
    assert_result(scm_file_tell(two, &position), SCM_S_OK);
    assert_int_equal(position, 42);
    /* The answer is the provider's, and the file is closed in any case. */
    source.answer = SCM_SCARD_E_NO_ACCESS;
    assert_result(scm_file_close(one), SCM_SCARD_E_NO_ACCESS);
    assert_result(scm_file_close(one), SCM_E_HANDLE);
    assert_int_equal(source.closed, 1);
    assert_int_equal(source.released, 0);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_int_equal(source.closed, 2);
    assert_int_equal(source.released, 1);
    assert_result(scm_file_read(two, buffer, sizeof buffer, &length, 0), SCM_E_HANDLE);
    unregister_to_the_end(&registered);
}

static void a_function_that_is_not_there_is_not_implemented(void **state)
{
    (void)state;
    struct source source = {.is_without_object = true};
    scm_provider registered = register_files(&source, NULL, &NO_FILES);
    scm_handle *handle = attach(0);
    scm_file_access *files = create_files(handle);
    scm_file *file = (scm_file *)files;
    char path[16];
    size_t length = 77;
    assert_result(scm_file_access_get_current_dir(files, path, sizeof path, &length), SCM_E_NOTIMPL);
    assert_int_equal(length, 0);
    assert_result(scm_file_access_open(files, 0, "/ours/file", &file), SCM_E_NOTIMPL);
    assert_null(file);
    assert_result(scm_detach(handle), SCM_S_OK);
    source.created = 0;
    unregister_to_the_end(&registered);
}

/* NULL with a length does not reach a provider, and empty data does. */
static void the_inputs_of_a_provider_are_there(void **state)
{
    (void)state;
    struct source source = {0};
    scm_provider registered = register_authentication(&source, &CARD_AUTH);
    scm_handle *handle = attach(0);
    scm_card_auth *auth;
    uint8_t answer[8];
    size_t length;
    assert_result(scm_create_card_auth(handle, &auth), SCM_S_OK);
    for (int i = 0; i < 3; i++) {
        size_t parameters = i == 1, data = i == 2 ? SIZE_MAX : 0;
        scm_result expected = i > 0 ? SCM_E_INVALIDARG : SCM_S_OK;
        assert_result(scm_card_auth_app_auth(auth, 7, NULL, parameters, NULL, data), expected);
        assert_result(scm_card_auth_user_auth(auth, 7, NULL, parameters, NULL, data), expected);
        assert_result(scm_card_auth_icc_auth(auth, 7, NULL, parameters, NULL, data, answer, 8, &length), expected);
        assert_int_equal(length, 0);
    }
    length = 77;
    assert_result(scm_card_auth_get_challenge(auth, 7, NULL, 1, answer, 8, &length), SCM_E_INVALIDARG);
    assert_int_equal(length, 0);
    /* No provider has these. */
    scm_card_auth_options options = SCM_CARD_AUTH_OPTIONS_INIT;
    assert_result(scm_card_auth_app_auth_ex(auth, 7, NULL, 0, &options), SCM_E_NOTIMPL);
    assert_result(scm_card_auth_icc_auth_ex(auth, 7, NULL, 0, &options), SCM_E_NOTIMPL);
    assert_result(scm_detach(handle), SCM_S_OK);
    unregister_to_the_end(&registered);
}

static void a_failure_to_create_is_that_of_the_caller(void **state)
{
    (void)state;
    struct source source = {.create_result = SCM_SCARD_E_CARD_UNSUPPORTED};
    scm_provider registered = register_files(&source, "Ours", &FILES);
    scm_handle *handle = attach(0);
    scm_file_access *files = (scm_file_access *)&source;
    void *object = &source;
    assert_result(scm_create_file_access(handle, &files), SCM_SCARD_E_CARD_UNSUPPORTED);
    assert_result(scm_create_interface(handle, NULL, "Ours", NULL, &object), SCM_SCARD_E_CARD_UNSUPPORTED);
    assert_true(files == NULL && object == NULL);
    source.create_result = SCM_S_FALSE;
    assert_result(scm_create_file_access(handle, &files), SCM_S_OK);
    assert_result(scm_file_access_release(files), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    unregister_to_the_end(&registered);
}

/* The functions of an interface unknown to the library. */
struct crypto {
    int (*add)(void *object, int one, int other);
};

static int add(void *object, int one, int other)
{
    assert_non_null(object);
    return one + other;
}

static void an_interface_of_its_own(void **state)
{
    (void)state;
    static const struct crypto crypto = {add};
    struct source source = {0};
    scm_provider registered = register_own(&source, "CryptoProvider", &crypto);
    scm_handle *handle = attach(0);
    const void *functions = &source;
    void *made[3], *object = &source;
    int user_data;
    assert_result(scm_create_interface(handle, &OWN, NULL, &user_data, &made[0]), SCM_S_OK);
    assert_ptr_equal(source.caller_user_data, &user_data);
    assert_result(scm_create_interface(handle, NULL, "CryptoProvider", NULL, &made[1]), SCM_S_OK);
    assert_result(scm_create_interface(handle, NULL, "CryptoProvider", NULL, &made[2]), SCM_S_OK);
    assert_result(scm_interface_get_implementation(made[0], NULL, &object), SCM_E_POINTER);
    assert_null(object);
    assert_result(scm_interface_get_implementation(made[0], &functions, NULL), SCM_E_POINTER);
    assert_null(functions);
    for (int i = 0; i < 3; i++) {
        assert_result(scm_interface_get_implementation(made[i], &functions, &object), SCM_S_OK);
        assert_ptr_equal(functions, &crypto);
        assert_int_equal(((const struct crypto *)functions)->add(object, 2, 3), 5);
        assert_ptr_equal(((struct object *)object)->handle, handle);
    }
    assert_result(scm_interface_release(made[1]), SCM_S_OK);
    assert_int_equal(source.released, 1);
    assert_result(scm_file_access_release(made[0]), SCM_E_HANDLE);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_int_equal(source.released, 3);
    scm_interface *dead[] = {NULL, made[0], made[1], (scm_interface *)handle, (scm_interface *)&source};
    for (size_t i = 0; i < sizeof dead / sizeof *dead; i++) {
        functions = object = &source;
        assert_result(scm_interface_get_implementation(dead[i], &functions, &object), SCM_E_HANDLE);
        assert_true(functions == NULL && object == NULL);
        assert_result(scm_interface_release(dead[i]), SCM_E_HANDLE);
    }
    unregister_to_the_end(&registered);
}

static void another_name_of_a_standard_interface(void **state)
{
    (void)state;
    struct source source = {0};
    scm_provider registered = register_files(&source, "FastFiles", &FILES);
    scm_handle *handle = attach(0);
    void *files;
    assert_result(scm_create_interface(handle, NULL, "FastFiles", NULL, &files), SCM_S_OK);
    assert_result(scm_file_access_release(files), SCM_S_OK);
    assert_int_equal(asked(&source, handle), 1);
    assert_result(scm_detach(handle), SCM_S_OK);
    unregister_to_the_end(&registered);
}

static void a_provider_is_for_its_cards(void **state)
{
    (void)state;
    scm_handle *handle = attach(0);
    uint8_t atr[SCM_ATR_MAX] = {0}, mask[SCM_ATR_MAX];
    size_t length;
    assert_result(scm_get_atr(handle, atr, sizeof atr, &length), SCM_S_OK);
    memset(mask, 0xFF, sizeof mask);
    const struct {
        uint8_t change, mask;
        size_t more;
        bool has_mask;
        int expected;
    } cases[] = {{0x00, 0xFF, 0, false, 1}, {0x01, 0xFF, 0, false, 0}, {0x01, 0xFE, 0, true, 1},
                 {0x03, 0xFE, 0, true, 0},  {0x00, 0xFF, 1, true, 0},  {0xFF, 0x00, 0, true, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct source source = {0};
        scm_provider one = provider(&source, &FILE_ACCESS, NULL);
        uint8_t changed[SCM_ATR_MAX];
        memcpy(changed, atr, sizeof atr);
        changed[length - 1] ^= cases[i].change;
        mask[length - 1] = cases[i].mask;
        one.atr = changed;
        one.atr_mask = cases[i].has_mask ? mask : NULL;
        one.atr_length = length + cases[i].more;
        assert_result(scm_register_file_access_provider(&one, &FILES), SCM_S_OK);
        assert_int_equal(asked(&source, handle), cases[i].expected);
        unregister_to_the_end(&one);
    }
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void the_last_registered_is_asked(void **state)
{
    (void)state;
    struct source sources[3] = {{0}};
    scm_provider providers[3];
    uint8_t atr[SCM_ATR_MAX];
    size_t length;
    scm_handle *handle = attach(0);
    assert_result(scm_get_atr(handle, atr, sizeof atr, &length), SCM_S_OK);
    providers[0] = register_files(&sources[0], NULL, &FILES);
    providers[1] = provider(&sources[1], NULL, "FileAccess");
    providers[1].atr = atr;
    providers[1].atr_length = length;
    assert_result(scm_register_file_access_provider(&providers[1], &FILES), SCM_S_OK);
    providers[2] = provider(&sources[2], &FILE_ACCESS, NULL);
    static const uint8_t other_card[] = {0x3B, 0x00};
    providers[2].atr = other_card;
    providers[2].atr_length = sizeof other_card;
    assert_result(scm_register_file_access_provider(&providers[2], &FILES), SCM_S_OK);
    assert_int_equal(asked(&sources[1], handle), 1);
    unregister_to_the_end(&providers[1]);
    assert_int_equal(asked(&sources[0], handle), 1);
    unregister_to_the_end(&providers[0]);
    assert_int_equal(asked(&sources[0], handle), 0);
    assert_int_equal(sources[2].created, 0);
    unregister_to_the_end(&providers[2]);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void an_object_outlives_its_registration(void **state)
{
    (void)state;
    struct source source = {0};
    scm_provider registered = register_codes(&source);
    scm_handle *handle = attach(0);
    scm_ch_verification *codes;
    assert_result(scm_create_ch_verification(handle, &codes), SCM_S_OK);
    assert_result(scm_unregister_provider(&registered), SCM_S_OK);
    assert_result(scm_unregister_provider(&registered), SCM_E_NOINTERFACE);
    assert_result(verify_code(codes), SCM_S_OK);
    assert_int_equal(source.ended, 0);
    assert_result(scm_ch_verification_release(codes), SCM_S_OK);
    assert_int_equal(source.ended, 1);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void use_the_card(struct source *source, scm_handle *handle)
{
    (void)source;
    assert_result(scm_lock(handle), SCM_S_OK);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
}

static void a_provider_talks_to_the_card(void **state)
{
    (void)state;
    struct source source = {.during_create = use_the_card, .during_call = use_the_card};
    scm_provider registered = register_codes(&source);
    scm_handle *handle = attach(0);
    scm_ch_verification *codes;
    bed("card 0 clear");
    assert_result(scm_create_ch_verification(handle, &codes), SCM_S_OK);
    assert_result(verify_code(codes), SCM_S_OK);
    assert_int_equal(bed_count(0), 2);
    assert_result(scm_detach(handle), SCM_S_OK);
    unregister_to_the_end(&registered);
}

/* The interface below it, for its lifetime. */
static void stand_on_what_was_before(struct source *source, scm_handle *handle)
{
    (void)source;
    assert_result(scm_file_access_release(create_files(handle)), SCM_S_OK);
}

static void a_provider_can_stand_on_the_one_before_it(void **state)
{
    (void)state;
    struct source first = {.during_create = stand_on_what_was_before};
    struct source second = {.during_create = stand_on_what_was_before};
    scm_provider one = register_files(&first, NULL, &FILES);
    scm_provider two = register_files(&second, NULL, &FILES);
    scm_handle *handle = attach(0);
    scm_file_access *files = create_files(handle);
    assert_int_equal(first.created, 1);
    assert_int_equal(second.created, 1);
    assert_result(scm_file_access_release(files), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    unregister_to_the_end(&one);
    unregister_to_the_end(&two);
}

static void an_object_outlives_a_reconnect(void **state)
{
    (void)state;
    struct source source = {0};
    scm_provider registered = provider(&source, &CH_VERIFICATION, NULL);
    uint8_t atr[SCM_ATR_MAX];
    scm_handle *handle = attach(0);
    assert_result(scm_get_atr(handle, atr, sizeof atr, &registered.atr_length), SCM_S_OK);
    registered.atr = atr;
    assert_result(scm_register_ch_verification_provider(&registered, &CODES), SCM_S_OK);
    scm_ch_verification *codes, *others;
    assert_result(scm_create_ch_verification(handle, &codes), SCM_S_OK);

    bed("reset 0 warm");
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_result(verify_code(codes), SCM_S_OK);
    /* The old object is the provider's also with another card; a new one is of the new card. */
    bed("remove 0");
    bed("insert 0 steerable 3B80800101");
    assert_result(scm_reconnect(handle), SCM_S_FALSE);
    assert_result(verify_code(codes), SCM_S_OK);
    assert_result(scm_create_ch_verification(handle, &others), SCM_S_OK);
    assert_int_equal(source.created, 1);
    assert_int_equal(source.released, 0);

    assert_result(scm_detach(handle), SCM_S_OK);
    assert_int_equal(source.released, 1);
    assert_result(verify_code(codes), SCM_E_HANDLE);
    assert_result(scm_ch_verification_release(codes), SCM_E_HANDLE);
    assert_result(scm_ch_verification_release(others), SCM_E_HANDLE);
    unregister_to_the_end(&registered);
    bed("remove 0");
    bed("insert 0 steerable");
}

static void wait_in_call(struct source *source, scm_handle *handle)
{
    (void)handle;
    const struct timespec millisecond = {.tv_nsec = 1000000};
    source->is_reached = true;
    while (!source->is_let_go)
        nanosleep(&millisecond, NULL);
}

static void await_call(struct source *source)
{
    const struct timespec millisecond = {.tv_nsec = 1000000};
    while (!source->is_reached)
        nanosleep(&millisecond, NULL);
}

static scm_result call_verify(void *codes)
{
    return verify_code(codes);
}

static void an_object_lives_until_the_last_call_has_left_it(void **state)
{
    (void)state;
    struct source source = {.during_call = wait_in_call};
    scm_provider registered = register_codes(&source);
    scm_handle *handle = attach(0);
    scm_ch_verification *codes;
    struct wait call;
    assert_result(scm_create_ch_verification(handle, &codes), SCM_S_OK);
    wait_begin(&call, call_verify, codes);
    await_call(&source);
    /* Nothing in the library waits for it. */
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_unregister_provider(&registered), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(verify_code(codes), SCM_E_HANDLE);
    assert_int_equal(source.released, 0);
    source.is_let_go = true;
    assert_result(wait_end(&call), SCM_S_OK);
    assert_int_equal(source.released, 1);
    assert_int_equal(source.ended, 1);
}

static scm_result call_create(void *handle)
{
    scm_ch_verification *codes = handle;
    scm_result result = scm_create_ch_verification(handle, &codes);
    assert_true((codes == NULL) == SCM_FAILED(result));
    return result;
}

static void an_object_for_an_ended_attachment_is_released(void **state)
{
    (void)state;
    struct source source = {.during_create = wait_in_call};
    scm_provider registered = register_codes(&source);
    scm_handle *handle = attach(0);
    struct wait call;
    wait_begin(&call, call_create, handle);
    await_call(&source);
    assert_result(scm_unregister_provider(&registered), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_int_equal(source.ended, 0);
    source.is_let_go = true;
    assert_result(wait_end(&call), SCM_E_HANDLE);
    assert_int_equal(source.created, 1);
    assert_int_equal(source.released, 1);
    assert_int_equal(source.ended, 1);
}

static void detach(struct source *source, scm_handle *handle)
{
    (void)source;
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void a_provider_may_detach(void **state)
{
    (void)state;
    struct source source = {.during_call = detach};
    scm_provider registered = register_codes(&source);
    scm_handle *handle = attach(0);
    scm_ch_verification *codes;
    assert_result(scm_create_ch_verification(handle, &codes), SCM_S_OK);
    assert_result(verify_code(codes), SCM_S_OK);
    assert_int_equal(source.released, 1);
    source.during_create = detach;
    assert_result(call_create(attach(0)), SCM_E_HANDLE);
    assert_int_equal(source.released, 2);
    unregister_to_the_end(&registered);
}

#define THREADS 4
#define ROUNDS 500

struct racer {
    struct source *source;
    int number;
};

/* Creates, calls and releases, while others register and unregister, each in its own order. Each registration has its
 * own source: an object of another thread can end while the next registration is in use. */
static scm_result race(void *argument)
{
    struct racer *racer = argument;
    bool registers = racer->number % 2 == 0;
    struct source *own = calloc(ROUNDS, sizeof *own);
    for (int i = 0; i < ROUNDS; i++) {
        scm_handle *handle = attach(0);
        scm_ch_verification *codes = NULL;
        scm_provider provided = provider(&own[i], &CH_VERIFICATION, NULL);
        if (registers && scm_register_ch_verification_provider(&provided, &CODES) != SCM_S_OK)
            return SCM_E_FAIL;
        if (scm_create_ch_verification(handle, &codes) != SCM_S_OK || verify_code(codes) != SCM_S_OK)
            return SCM_E_FAIL;
        if (registers && scm_unregister_provider(&provided) != SCM_S_OK)
            return SCM_E_FAIL;
        if (i % 2 == 0 && scm_ch_verification_release(codes) != SCM_S_OK)
            return SCM_E_FAIL;
        if (scm_detach(handle) != SCM_S_OK || verify_code(codes) != SCM_E_HANDLE)
            return SCM_E_FAIL;
    }
    /* Other threads release what they created, and `end` checks that. */
    const struct timespec millisecond = {.tv_nsec = 1000000};
    for (int i = 0; registers && i < ROUNDS; i++)
        while (own[i].ended == 0)
            nanosleep(&millisecond, NULL);
    scm_result result = SCM_S_OK;
    for (int i = 0; i < ROUNDS; i++)
        if (own[i].ended != registers || own[i].created != own[i].released)
            result = SCM_E_UNEXPECTED;
    free(own);
    return result;
}

static void threads_create_while_others_register(void **state)
{
    (void)state;
    if (!bed_is_virtual())
        skip(); /* It depends on the service only in its duration. */
    struct source source = {0};
    scm_provider registered = register_codes(&source);
    struct wait threads[THREADS];
    struct racer racers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        racers[i] = (struct racer){&source, i};
        wait_begin(&threads[i], race, &racers[i]);
    }
    for (int i = 0; i < THREADS; i++)
        assert_result(wait_end(&threads[i]), SCM_S_OK);
    unregister_to_the_end(&registered);
}

/* The view of the child of a fork. Its exit status is the number of the failed check. */
static int child(struct source *source, scm_ch_verification *codes, scm_interface *interface)
{
    const void *functions;
    void *object;
    if (verify_code(codes) != SCM_E_HANDLE ||
        scm_interface_get_implementation(interface, &functions, &object) != SCM_E_HANDLE)
        return 1;
    if (source->released != 0 || source->ended != 0)
        return 2;
    bed_make_in_child();
    scm_handle *handle;
    if (scm_attach_by_ifd(bed_ifd(0), &handle) != SCM_S_OK)
        return 3;
    if (scm_create_ch_verification(handle, &codes) != SCM_S_OK || source->created != 2)
        return 4;
    if (verify_code(codes) != SCM_S_OK || scm_detach(handle) != SCM_S_OK)
        return 5;
    return source->released == 1 ? 0 : 6;
}

static void the_child_of_a_fork_has_the_providers_and_not_the_objects(void **state)
{
    (void)state;
    struct source source = {0}, own = {0};
    scm_provider registered = register_codes(&source);
    scm_provider other = register_own(&own, NULL, NULL);
    scm_handle *handle = attach(0);
    scm_ch_verification *codes;
    void *interface;
    int status;
    assert_result(scm_create_ch_verification(handle, &codes), SCM_S_OK);
    assert_result(scm_create_interface(handle, &OWN, NULL, NULL, &interface), SCM_S_OK);
    pid_t pid = fork();
    if (pid == 0)
        _exit(child(&source, codes, interface));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_result(verify_code(codes), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    unregister_to_the_end(&registered);
    unregister_to_the_end(&other);
}

/* A fork during a creation, as of a provider that starts a helper. */
static void fork_and_create(struct source *source, scm_handle *handle)
{
    int status;
    scm_ch_verification *codes;
    pid_t pid = fork();
    if (pid == 0)
        _exit(scm_create_ch_verification(handle, &codes) == SCM_E_HANDLE && source->created == 0 ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_provider_may_fork(void **state)
{
    (void)state;
    struct source source = {.during_create = fork_and_create};
    scm_provider registered = register_codes(&source);
    scm_handle *handle = attach(0);
    scm_ch_verification *codes;
    assert_result(scm_create_ch_verification(handle, &codes), SCM_S_OK);
    assert_result(scm_ch_verification_release(codes), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    unregister_to_the_end(&registered);
}

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_iid_and_by_name),
        cmocka_unit_test(a_requested_interface_must_be_known),
        cmocka_unit_test(nothing_is_created_before_there_is_an_attachment),
        cmocka_unit_test(a_provider_has_to_be_complete),
        cmocka_unit_test(the_interface_of_a_provider_is_that_of_its_functions),
        cmocka_unit_test(a_provider_takes_the_place_of_the_generic_one),
        cmocka_unit_test(outputs_of_a_failed_provider_are_dropped),
        cmocka_unit_test(files_are_closed_before_what_opened_them_is_released),
        cmocka_unit_test(a_function_that_is_not_there_is_not_implemented),
        cmocka_unit_test(the_inputs_of_a_provider_are_there),
        cmocka_unit_test(a_failure_to_create_is_that_of_the_caller),
        cmocka_unit_test(an_interface_of_its_own),
        cmocka_unit_test(another_name_of_a_standard_interface),
        cmocka_unit_test(a_provider_is_for_its_cards),
        cmocka_unit_test(the_last_registered_is_asked),
        cmocka_unit_test(an_object_outlives_its_registration),
        cmocka_unit_test(a_provider_talks_to_the_card),
        cmocka_unit_test(a_provider_can_stand_on_the_one_before_it),
        cmocka_unit_test(an_object_outlives_a_reconnect),
        cmocka_unit_test(an_object_lives_until_the_last_call_has_left_it),
        cmocka_unit_test(an_object_for_an_ended_attachment_is_released),
        cmocka_unit_test(a_provider_may_detach),
        cmocka_unit_test(threads_create_while_others_register),
        cmocka_unit_test(the_child_of_a_fork_has_the_providers_and_not_the_objects),
        cmocka_unit_test(a_provider_may_fork),
    };
    return cmocka_run_group_tests(tests, insert_card, NULL);
}

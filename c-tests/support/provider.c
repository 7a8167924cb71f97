#include "provider.h"

static void (*entered)(enum provider_function);
/* Objects of the provider point here, and its files are NULL: the library passes both on. */
static char object_of_provider;

static scm_result create(void *user, scm_handle *handle, void *caller_user, void **object)
{
    (void)user, (void)handle, (void)caller_user;
    entered(PROVIDER_CREATE);
    *object = &object_of_provider;
    return SCM_S_OK;
}

static void release(void *object)
{
    (void)object;
    entered(PROVIDER_RELEASE);
}

static void end(void *user)
{
    (void)user;
    entered(PROVIDER_END);
}

static scm_result change_dir(void *object, uint32_t reference_type, const char *path)
{
    (void)object, (void)reference_type, (void)path;
    entered(PROVIDER_CHANGE_DIR);
    return SCM_S_OK;
}

static scm_result open_file(void *object, uint32_t reference_type, const char *path, void **file)
{
    (void)object, (void)reference_type, (void)path;
    entered(PROVIDER_OPEN);
    *file = NULL;
    return SCM_S_OK;
}

static scm_result read_file(void *file, uint8_t *buffer, size_t capacity, size_t *length, uint32_t flags)
{
    (void)file, (void)buffer, (void)capacity, (void)flags;
    entered(PROVIDER_READ);
    *length = 0;
    return SCM_S_OK;
}

static scm_result close_file(void *file)
{
    (void)file;
    entered(PROVIDER_CLOSE);
    return SCM_S_OK;
}

/* It needs no IID: the function that registers it names the interface. */
static scm_provider provider(void)
{
    scm_provider provider = SCM_PROVIDER_INIT;
    provider.create_object = create;
    provider.release_object = release;
    provider.release_user_data = end;
    return provider;
}

scm_result provider_register(void (*function)(enum provider_function))
{
    scm_file_access_functions functions = SCM_FILE_ACCESS_FUNCTIONS_INIT;
    scm_provider registered = provider();
    functions.change_dir = change_dir;
    functions.open = open_file;
    functions.read = read_file;
    functions.close = close_file;
    entered = function;
    return scm_register_file_access_provider(&registered, &functions);
}

scm_result provider_unregister(void)
{
    scm_provider registered = provider();
    return scm_unregister_provider(&registered);
}

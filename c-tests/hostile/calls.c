#define _DEFAULT_SOURCE
#include "calls.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "documented.h"
#include "scm.h"
#include "scm_provider.h"
#include "scm_virtual.h"
#include "wait.h"

/* --- The parameters of a function, one letter for each parameter or group of parameters */

/*  tokens in:   h attachment, a authentication, v codes, x files, f file, i interface, m monitor, r reader
 *  tokens out:  the same letter as a capital
 *  n name of a reader, s text, b bytes and length, B buffer, capacity and length, c card handle of PC/SC
 *  u number, e code of a service, t limit in ms, l offset, 2 4 8 outputs of so many bytes, k remaining tries,
 *  w status word
 *  o structure in, O structure out, g GUID, p pointer of the caller, P pointer out, q callback for the log */
struct function {
    const char *name, *takes;
    void (*function)(void);
    int structure, second_structure;
};

enum {
    ATTACH, RECONNECT, COMMAND, SEND, CAPABILITIES, DIRECTORY, INFO, CODES, AUTH, IFD, CARD, FAILURE, EVENT, PROVIDER,
    LAST_ERROR,    FUNCTIONS_OF_FILES, FUNCTIONS_OF_CODES, FUNCTIONS_OF_AUTHENTICATION
};

#define F2(name, takes, structure, second) {#name, takes, (void (*)(void))name, structure, second}
#define F(name, takes, structure) F2(name, takes, structure, 0)
static const struct function FUNCTIONS[] = {
    F(scm_attach_by_ifd, "nH", 0),
    F(scm_attach_by_ifd_ex, "noH", ATTACH),
    F(scm_attach_by_ifd_ex, "noH", ATTACH),
    F(scm_attach_by_handle, "cH", 0),
    F(scm_attach_by_handle_ex, "coH", ATTACH),
    F(scm_detach, "h", 0),
    F(scm_detach_ex, "hu", 0),
    F(scm_get_attribute, "huB", 0),
    F(scm_set_attribute, "hub", 0),
    F(scm_create_card_auth, "hA", 0),
    F(scm_card_auth_get_challenge, "aubB", 0),
    F(scm_card_auth_app_auth, "aubb", 0),
    F(scm_card_auth_app_auth_ex, "aubo", AUTH),
    F(scm_card_auth_icc_auth, "aubbB", 0),
    F(scm_card_auth_icc_auth_ex, "aubo", AUTH),
    F(scm_card_auth_user_auth, "aubb", 0),
    F(scm_card_auth_release, "a", 0),
    F(scm_create_ch_verification, "hV", 0),
    F(scm_create_ch_verification_ex, "hoV", CODES),
    F(scm_ch_verification_verify, "vbuuk", 0),
    F(scm_ch_verification_change_code, "vbbuuk", 0),
    F(scm_ch_verification_unblock, "vbbuuk", 0),
    F(scm_ch_verification_reset_security_state, "v", 0),
    F(scm_ch_verification_release, "v", 0),
    F(scm_send, "hoBw", COMMAND),
    F2(scm_send_ex, "hooBw", COMMAND, SEND),
    F(scm_get_card_capabilities, "hO", CAPABILITIES),
    F(scm_set_card_capabilities, "ho", CAPABILITIES),
    F(scm_transmit, "hbB", 0),
    F(scm_transmit_ex, "hbtB", 0),
    F(scm_get_last_response, "hB", 0),
    F(scm_control, "hubB", 0),
    F(scm_get_last_error, "O", LAST_ERROR),
    F(scm_file_get_info, "fO", INFO),
    F(scm_file_read, "fBu", 0),
    F(scm_file_write, "fbu8", 0),
    F(scm_file_seek, "flu", 0),
    F(scm_file_tell, "f8", 0),
    F(scm_file_get_size, "f8", 0),
    F(scm_file_close, "f", 0),
    F(scm_create_file_access, "hX", 0),
    F(scm_file_access_release, "x", 0),
    F(scm_file_access_change_dir, "xus", 0),
    F(scm_file_access_get_current_dir, "xB", 0),
    F(scm_file_access_resolve, "xus4B", 0),
    F(scm_file_access_directory, "xuB", 0),
    F(scm_file_access_directory_ex, "xuoB", DIRECTORY),
    F(scm_file_access_open, "xusF", 0),
    F(scm_file_access_create, "xusbub", 0),
    F(scm_file_access_delete, "xusu", 0),
    F(scm_file_access_get_properties, "xusbuB", 0),
    F(scm_file_access_set_properties, "xusbu", 0),
    F(scm_file_access_get_file_capabilities, "xbuB", 0),
    F(scm_file_access_invalidate, "xsu", 0),
    F(scm_file_access_rehabilitate, "xsu", 0),
    F(scm_list_ifds, "B", 0),
    F(scm_list_ifd_groups, "B", 0),
    F(scm_create_interface, "hgspI", 0),
    F(scm_interface_get_implementation, "iPP", 0),
    F(scm_interface_release, "i", 0),
    F(scm_lock, "h", 0),
    F(scm_lock_ex, "ht", 0),
    F(scm_cancel, "h", 0),
    F(scm_unlock, "hu", 0),
    F(scm_monitor_create, "M", 0),
    F(scm_monitor_wait, "mtO", EVENT),
    F(scm_monitor_cancel, "m", 0),
    F(scm_monitor_get_fd, "m4", 0),
    F(scm_monitor_destroy, "m", 0),
    F(scm_set_log, "qpu", 0),
    F(scm_status, "h44", 0),
    F(scm_get_atr, "hB", 0),
    F(scm_get_ifd_name, "hB", 0),
    F(scm_get_icc, "h8", 0),
    F(scm_get_context, "h8", 0),
    F(scm_get_generation, "h8", 0),
    F2(scm_register_file_access_provider, "oo", PROVIDER, FUNCTIONS_OF_FILES),
    F2(scm_register_ch_verification_provider, "oo", PROVIDER, FUNCTIONS_OF_CODES),
    F2(scm_register_card_auth_provider, "oo", PROVIDER, FUNCTIONS_OF_AUTHENTICATION),
    F(scm_register_interface_provider, "op", PROVIDER),
    F(scm_unregister_provider, "o", PROVIDER),
    F(scm_reconnect, "h", 0),
    F(scm_reconnect_ex, "ho", RECONNECT),
    F(scm_check_version, "s", 0),
    F(scm_virtual_ifd_create, "noR", IFD),
    F(scm_virtual_ifd_destroy, "r", 0),
    F(scm_virtual_ifd_insert, "ro", CARD),
    F(scm_virtual_ifd_insert, "ro", CARD),
    F(scm_virtual_ifd_remove, "r", 0),
    F(scm_virtual_ifd_reset, "ru", 0),
    F(scm_virtual_ifd_fail, "rueuu", 0),
    F(scm_virtual_ifd_fail_ex, "ruo", FAILURE),
    F(scm_virtual_ifd_get_log, "rB", 0),
    F(scm_virtual_ifd_clear_log, "r", 0),
    F(scm_virtual_service_stop, "", 0),
    F(scm_virtual_service_start, "", 0),
};
enum { HOW_MANY = sizeof FUNCTIONS / sizeof *FUNCTIONS, PARAMETERS_MAX = 12, OUTPUTS_MAX = 6, MEMORY_MAX = 12 };

/* Every argument is a word: the callee truncates integers, as in every ABI of the tested systems. */
typedef scm_result any_function(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t,
                                uintptr_t, uintptr_t, uintptr_t, uintptr_t);

/* --- Errors */

atomic_int complaints;

void complain(const char *function, const char *what, ...)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static char said[200][160];
    static int how_many;
    char text[160];
    va_list arguments;
    int used = snprintf(text, sizeof text, "%s: ", function);
    va_start(arguments, what);
    vsnprintf(text + used, sizeof text - (size_t)used, what, arguments);
    va_end(arguments);
    complaints++;
    pthread_mutex_lock(&mutex);
    int i = 0;
    while (i < how_many && strcmp(said[i], text) != 0)
        i++;
    if (i == how_many && how_many < 200) {
        memcpy(said[how_many++], text, sizeof text);
        fprintf(stderr, "hostile: %s\n", text);
    }
    pthread_mutex_unlock(&mutex);
}

/* --- Tokens of each kind, and some dead ones, known to all threads */

enum { KINDS = 8, TOKENS = 12, DEAD = 16 };
static const char LETTERS[] = "havxfimr";
static const scm_guid FILE_ACCESS = SCM_IID_FILE_ACCESS_INIT;
static const scm_guid OWN = {0x12345678, 0x9ABC, 0xDEF0, {1, 2, 3, 4, 5, 6, 7, 8}};
static _Atomic uintptr_t tokens[KINDS][TOKENS], dead[DEAD];

static scm_result end_token(int kind, uintptr_t token)
{
    void *const pointer = (void *)token;
    dead[token / 2 % DEAD] = token;
    switch (LETTERS[kind]) {
    case 'h':
        return scm_detach(pointer);
    case 'a':
        return scm_card_auth_release(pointer);
    case 'v':
        return scm_ch_verification_release(pointer);
    case 'x':
        return scm_file_access_release(pointer);
    case 'f':
        return scm_file_close(pointer);
    case 'i':
        return scm_interface_release(pointer);
    case 'm':
        return scm_monitor_destroy(pointer);
    default:
        return scm_virtual_ifd_destroy(pointer);
    }
}

static uint32_t below(struct caller *caller, uint32_t limit) { return random_below(&caller->dice, limit); }
static bool one_in(struct caller *caller, uint32_t n) { return below(caller, n) == 0; }

static uintptr_t any_token(struct caller *caller, int kind)
{
    static char aligned[8];
    if (caller->is_hostile && one_in(caller, 4))
        switch (below(caller, 6)) {
        case 0:
            return 0;
        case 1:
            return dead[below(caller, DEAD)];
        case 2:
            return (uintptr_t)random_next(&caller->dice);
        case 3:
            return (uintptr_t)aligned + below(caller, 8);
        case 4:
            return tokens[below(caller, KINDS)][below(caller, TOKENS)];
        default:
            return tokens[kind][below(caller, TOKENS)] ^ ((uintptr_t)1 << below(caller, 64));
        }
    for (int i = 0; i < 4; i++) {
        uintptr_t token = tokens[kind][below(caller, TOKENS)];
        if (token != 0)
            return token;
    }
    return 0;
}

/* --- Arguments */

struct output {
    const char *what;
    uint8_t *memory;
    size_t size;
    bool may_be_told; /* also after a failure */
};

struct buffer {
    uint8_t *memory;
    size_t capacity, *length;
};

/* One call: its arguments, and the outputs to check afterwards. */
struct arguments {
    struct caller *caller;
    const struct function *function;
    uintptr_t words[PARAMETERS_MAX];
    int count;
    struct output outputs[OUTPUTS_MAX];
    int output_count;
    struct buffer buffers[2];
    int buffer_count;
    void *memory[MEMORY_MAX];
    int memory_count;
    int structure_count;
    uint32_t limit_ms; /* UINT32_MAX for none */
};

static void *take(struct arguments *call, size_t size)
{
    void *memory = malloc(size > 0 ? size : 1);
    if (memory == NULL)
        abort();
    call->memory[call->memory_count++] = memory;
    return memory;
}

static void add(struct arguments *call, uintptr_t word) { call->words[call->count++] = word; }

static bool is_null(struct arguments *call) { return call->caller->is_hostile && one_in(call->caller, 12); }

/* An output, filled with bytes that must be overwritten. */
static void *add_output(struct arguments *call, size_t size, bool may_be_told)
{
    if (is_null(call)) {
        add(call, 0);
        return NULL;
    }
    uint8_t *memory = take(call, size);
    memset(memory, 0xA5, size);
    call->outputs[call->output_count++] = (struct output){"an output", memory, size, may_be_told};
    add(call, (uintptr_t)memory);
    return memory;
}

static void add_buffer(struct arguments *call)
{
    static const size_t capacities[] = {0, 1, 2, 3, 16, 33, 64, 128, 256, 258, 1024, 4096, 65536, 65538, 70000};
    struct caller *caller = call->caller;
    size_t capacity = capacities[below(caller, sizeof capacities / sizeof *capacities)];
    uint8_t *memory = NULL;
    if (one_in(caller, 6))
        capacity = caller->is_hostile && one_in(caller, 2) ? SIZE_MAX >> below(caller, 64) : 0;
    else
        memory = take(call, capacity);
    if (memory != NULL)
        memset(memory, 0xA5, capacity);
    add(call, (uintptr_t)memory);
    add(call, capacity);
    size_t *length = add_output(call, sizeof *length, true);
    call->buffers[call->buffer_count++] = (struct buffer){memory, capacity, length};
}

static void add_bytes(struct arguments *call)
{
    static const uint8_t commands[][8] = {{0x00, 0xA4, 0x00, 0x00}, {0x00, 0xB0, 0x00, 0x00, 0x00},
        {0x00, 0x84, 0, 0, 8}};
    struct caller *caller = call->caller;
    if (caller->is_hostile && one_in(caller, 8)) {
        /* NULL with a length, or too long to be read. */
        bool none = one_in(caller, 2);
        add(call, none ? 0 : (uintptr_t)take(call, 1));
        add(call, none ? below(caller, 100) : SIZE_MAX - below(caller, 1000));
        return;
    }
    size_t length = one_in(caller, 20) ? below(caller, 66000) : below(caller, 40);
    uint8_t *memory = take(call, length);
    for (size_t i = 0; i < length; i++)
        memory[i] = (uint8_t)random_next(&caller->dice);
    if (length >= 8 && one_in(caller, 2))
        memcpy(memory, commands[below(caller, 3)], 8);
    add(call, (uintptr_t)memory);
    add(call, length);
}

static void add_text(struct arguments *call, bool is_ifd)
{
    static const char *const names[] = {"Hostile 0", "Hostile 1", "Hostile 2", "Virtual 0", "Virtual 1", "Virtual 2",
        "Virtual 3"};
    static const char *const texts[] = {"3F00", "/3F00/2F01", "2F00", "", "..", "\xFF\xFE", "ISCardFileAccess",
        "CardAuth", "#1",
                                        "0.1.0", "A000000003", "'x", "/"};
    struct caller *caller = call->caller;
    if (is_null(call)) {
        add(call, 0);
        return;
    }
    const char *text = is_ifd ? names[below(caller, 7)] : texts[below(caller, 13)];
    size_t length = strlen(text) + 1;
    char *memory = take(call, 400);
    memcpy(memory, text, length);
    if (caller->is_hostile && one_in(caller, 6)) {
        length = below(caller, 399);
        for (size_t i = 0; i < length; i++)
            memory[i] = (char)(1 + below(caller, 255));
        memory[length] = '\0';
    }
    add(call, (uintptr_t)memory);
}

static uint32_t any_number(struct caller *caller)
{
    static const uint32_t values[] = {0,      1,      2,      3,      4,      5,          7,         8,
                                      0xFF,   0x100,  0xFFFF, 0x0303, 0x90303, 0x00010100, 0x42000D48, 0x80000000};
    return caller->is_hostile && one_in(caller, 3) ? (uint32_t)random_next(&caller->dice) : values[below(caller, 16)];
}

static scm_result any_code_of_a_service(struct caller *caller)
{
    scm_result code;
    do
        code = (scm_result)(0x80100000 + below(caller, 0x74));
    while (!is_of_a_service(code));
    return code;
}

/* --- The card of a virtual reader, which lies as the service does */

static scm_result card_transmit(void *user, const uint8_t *command, size_t length, uint8_t *response, size_t capacity,
                                size_t *got)
{
    static _Atomic uint64_t turns;
    struct random dice = {++turns};
    (void)user, (void)command, (void)length;
    memcpy(response, "\x62\x06\x82\x01\x01\x80\x01\x20\x90\x00", 10);
    const size_t lengths[] = {0, 1, 2, 10, 10, 10, capacity, capacity + 1, SIZE_MAX};
    *got = lengths[random_below(&dice, 9)];
    return random_below(&dice, 8) ? SCM_S_OK : (scm_result)random_next(&dice);
}

static scm_result card_power(void *user, uint32_t event)
{
    static atomic_uint turns;
    (void)user, (void)event;
    return ++turns % 16 ? SCM_S_OK : SCM_E_UNEXPECTED;
}

static scm_result card_control(void *user, uint32_t code, const uint8_t *input, size_t length, uint8_t *output,
                               size_t capacity, size_t *got)
{
    (void)code;
    return card_transmit(user, input, length, output, capacity, got);
}

static scm_result provide(void *user, scm_handle *handle, void *caller_user, void **object)
{
    static const scm_result codes[] = {SCM_S_OK, SCM_S_OK, SCM_E_UNEXPECTED, SCM_E_HANDLE, SCM_SCARD_E_INVALID_CHV};
    static atomic_uint turns;
    (void)user, (void)handle, (void)caller_user;
    *object = &turns;
    return codes[++turns % 5];
}

static scm_result lying_tell(void *file, uint64_t *position)
{
    (void)file;
    *position = UINT64_MAX;
    return SCM_E_HANDLE;
}

static scm_result hook(void *data, scm_handle *handle, uint64_t generation)
{
    (void)handle, (void)data, (void)generation;
    return SCM_S_OK;
}

static scm_result cipher(void *user, const uint8_t *challenge, size_t length, uint8_t *answer, size_t capacity,
                         size_t *got)
{
    (void)user, (void)challenge;
    memset(answer, 0x5A, length < capacity ? length : capacity);
    *got = length;
    return SCM_S_OK;
}

/* --- Structures */

static void fill(struct arguments *call, int structure, void *memory)
{
    static const uint8_t bytes[] = {0x3B, 0x80, 0x80, 0x01, 0x01};
    static const scm_virtual_attribute attributes[256] = {{1, SCM_VIRTUAL_ATTRIBUTE_SETTABLE, bytes, sizeof bytes},
        {.id = 2}};
    struct caller *caller = call->caller;
    uint32_t n = any_number(caller), m = any_number(caller);
    switch (structure) {
    case ATTACH:
        *(scm_attach_options *)memory =
            (scm_attach_options){sizeof(scm_attach_options), n % 4, m % 4, 0, 1 + below(caller, 50)};
        call->limit_ms = ((scm_attach_options *)memory)->limit_ms;
        break;
    case RECONNECT:
        *(scm_reconnect_options *)memory =
            (scm_reconnect_options){sizeof(scm_reconnect_options), n % 4, m % 4, below(caller, 3),
                1 + below(caller, 50)};
        call->limit_ms = ((scm_reconnect_options *)memory)->limit_ms;
        break;
    case COMMAND:
        *(scm_command *)memory =
            (scm_command){sizeof(scm_command), (uint8_t)n, (uint8_t)m, 0, 0, bytes, below(caller, 6), n % 300, m % 20};
        break;
    case SEND:
        *(scm_send_options *)memory = (scm_send_options){
            sizeof(scm_send_options), 1 + below(caller, 50), hook, NULL, n % 4, m % 3 ? 0 : SCM_SEND_CLASS + n % 256,
                NULL, 0};
        call->limit_ms = ((scm_send_options *)memory)->limit_ms;
        break;
    case CAPABILITIES:
        *(scm_card_capabilities *)memory = (scm_card_capabilities){sizeof(scm_card_capabilities), n % 8, m, n, m % 21};
        break;
    case DIRECTORY:
        *(scm_directory_options *)memory =
            (scm_directory_options){sizeof(scm_directory_options), (uint16_t)(0x2F00 + n % 8),
                (uint16_t)(0x2F00 + m % 16)};
        break;
    case INFO:
        *(scm_file_info *)memory = (scm_file_info)SCM_FILE_INFO_INIT;
        break;
    case CODES:
        *(scm_ch_verification_options *)memory =
            (scm_ch_verification_options){sizeof(scm_ch_verification_options), n % 4, m % 20, n, 4, 12, 5, 0};
        break;
    case AUTH:
        *(scm_card_auth_options *)memory = (scm_card_auth_options){
            sizeof(scm_card_auth_options), n % 6, NULL, 0, one_in(caller, 4) ? NULL : cipher, NULL, m % 40};
        break;
    case IFD:
        *(scm_virtual_ifd_options *)memory = (scm_virtual_ifd_options){
            sizeof(scm_virtual_ifd_options), 4096, one_in(caller, 3) ? "Liars" : NULL, NULL,
                one_in(caller, 3) ? NULL : card_control,
            NULL, attributes, one_in(caller, 8) ? m % 300 : n % 3};
        break;
    case CARD:
        *(scm_virtual_card *)memory = (scm_virtual_card){
            sizeof(scm_virtual_card), n % 4, bytes, sizeof bytes, NULL, card_transmit,
            one_in(caller, 8) ? NULL : card_power, one_in(caller, 3) ? NULL : card_control, NULL};
        break;
    case FAILURE:
        *(scm_virtual_failure *)memory = (scm_virtual_failure){
            sizeof(scm_virtual_failure), any_code_of_a_service(caller), m % 4, below(caller, 4), below(caller, 20)};
        break;
    case LAST_ERROR:
        *(scm_last_error *)memory = (scm_last_error)SCM_LAST_ERROR_INIT;
        break;
    case EVENT:
        *(scm_event *)memory = (scm_event)SCM_EVENT_INIT;
        break;
    case FUNCTIONS_OF_FILES:
        *(scm_file_access_functions *)memory =
            (scm_file_access_functions){.struct_size = sizeof(scm_file_access_functions), .tell = lying_tell};
        break;
    case FUNCTIONS_OF_CODES:
        *(scm_ch_verification_functions *)memory = (scm_ch_verification_functions)SCM_CH_VERIFICATION_FUNCTIONS_INIT;
        break;
    case FUNCTIONS_OF_AUTHENTICATION:
        *(scm_card_auth_functions *)memory = (scm_card_auth_functions)SCM_CARD_AUTH_FUNCTIONS_INIT;
        break;
    default:
        *(scm_provider *)memory =
            (scm_provider){.struct_size = sizeof(scm_provider),
                           .iid = one_in(caller, 3) ? NULL : one_in(caller, 4) ? &OWN : &FILE_ACCESS,
                           .atr = bytes,
                           .atr_length = sizeof bytes,
                           .create_object = provide};
    }
}

static const size_t SIZES[] = {
    [ATTACH] = sizeof(scm_attach_options), [RECONNECT] = sizeof(scm_reconnect_options), [COMMAND] = sizeof(scm_command),
    [SEND] = sizeof(scm_send_options), [CAPABILITIES] = sizeof(scm_card_capabilities),
        [DIRECTORY] = sizeof(scm_directory_options),
    [INFO] = sizeof(scm_file_info), [CODES] = sizeof(scm_ch_verification_options),
        [AUTH] = sizeof(scm_card_auth_options),
    [IFD] = sizeof(scm_virtual_ifd_options), [CARD] = sizeof(scm_virtual_card), [FAILURE] = sizeof(scm_virtual_failure),
    [LAST_ERROR] = sizeof(scm_last_error), [EVENT] = sizeof(scm_event), [PROVIDER] = sizeof(scm_provider),
    [FUNCTIONS_OF_FILES] = sizeof(scm_file_access_functions),
    [FUNCTIONS_OF_CODES] = sizeof(scm_ch_verification_functions),
    [FUNCTIONS_OF_AUTHENTICATION] = sizeof(scm_card_auth_functions),
};

/* A structure of an older, a newer or no version. Its memory is as long as it says, or long enough to say so. */
static void add_structure(struct arguments *call, bool is_output)
{
    struct caller *caller = call->caller;
    int structure = call->structure_count++ > 0 ? call->function->second_structure : call->function->structure;
    uint8_t whole[1024] = {0};
    uint32_t size = (uint32_t)SIZES[structure];
    if (is_null(call)) {
        add(call, 0);
        return;
    }
    fill(call, structure, whole);
    if (caller->is_hostile && one_in(caller, 3)) {
        const uint32_t sizes[] = {0,   1,    4,    size - 1,   size + 1,   size + 8,
                                  400, 4096, 4097, 0x80000000, UINT32_MAX, below(caller, 500)};
        size = sizes[below(caller, 12)];
    }
    size_t room = size > 4096 ? 4 : size < 4 ? 4 : size;
    uint8_t *memory = take(call, room);
    memset(memory, 0, room);
    memcpy(memory, whole, room < sizeof whole ? room : sizeof whole);
    memcpy(memory, &size, sizeof size);
    if (caller->is_hostile && room > SIZES[structure] && one_in(caller, 2))
        memory[room - 1] = 1;
    if (is_output)
        /* Nothing is written to one with a refused size. */
        call->outputs[call->output_count++] =
            (struct output){"a structure", memory + 4, size > 4096 || size < SIZES[structure] ? 0 : size - 4, false};
    add(call, (uintptr_t)memory);
}

static uintptr_t any_icc(struct caller *caller)
{
    uintptr_t icc = 0;
    scm_handle *handle = (scm_handle *)any_token(caller, 0);
    if (!caller->is_hostile || one_in(caller, 2))
        scm_get_icc(handle, &icc);
    return icc != 0 ? icc : (uintptr_t)random_next(&caller->dice) >> below(caller, 64);
}

/* A callback for the log, which calls the library. */
static void log_something(void *user_data, uint32_t level, const char *line)
{
    uint64_t generation;
    (void)user_data, (void)level, (void)line;
    scm_get_generation((scm_handle *)tokens[0][0], &generation);
}

static void add_argument(struct arguments *call, char letter)
{
    struct caller *caller = call->caller;
    const char *kind = strchr(LETTERS, letter);
    if (kind != NULL)
        add(call, any_token(caller, (int)(kind - LETTERS)));
    else if (strchr(LETTERS, letter | 0x20) != NULL && letter != 'B' && letter != 'O' && letter != 'P')
        add_output(call, sizeof(void *), false);
    else
        switch (letter) {
        case 'n':
        case 's':
            add_text(call, letter == 'n');
            break;
        case 'b':
            add_bytes(call);
            break;
        case 'B':
            add_buffer(call);
            break;
        case 'c':
            add(call, any_icc(caller));
            break;
        case 'u':
            add(call, any_number(caller));
            break;
        case 'e':
            add(call, (uintptr_t)(intptr_t)any_code_of_a_service(caller));
            break;
        case 't':
            call->limit_ms = below(caller, 50);
            add(call, call->limit_ms);
            break;
        case 'l':
            add(call, (uintptr_t)random_next(&caller->dice) >> below(caller, 64));
            break;
        case 'k':
        case 'w':
            add_output(call, letter == 'k' ? 4 : 2, true);
            break;
        case '4':
            add_output(call, 4, false);
            break;
        case '8':
        case 'P':
            add_output(call, 8, false);
            break;
        case 'o':
        case 'O':
            add_structure(call, letter == 'O');
            break;
        case 'q':
            add(call, one_in(caller, 2) ? 0 : (uintptr_t)log_something);
            break;
        case 'g':
            add(call, one_in(caller, 2) ? 0 : (uintptr_t)&FILE_ACCESS);
            break;
        default:
            add(call, 0);
        }
}

/* --- Checks of the results */

static void check_zero(const char *function, const struct output *output)
{
    for (size_t i = 0; i < output->size; i++)
        if (output->memory[i] != 0) {
            complain(function, "%s is not zero after a failure", output->what);
            return;
        }
}

static void check_buffer(const char *function, const struct buffer *buffer, scm_result result)
{
    if (buffer->length == NULL)
        return;
    bool fits = *buffer->length <= buffer->capacity;
    if (result >= 0 && buffer->memory != NULL && !fits)
        complain(function, "says that it has written more than there is room for");
    if (result == SCM_SCARD_E_INSUFFICIENT_BUFFER && fits)
        complain(function, "has no room, and needs no more than there is");
    if (result < 0 && result != SCM_SCARD_E_INSUFFICIENT_BUFFER && *buffer->length != 0)
        complain(function, "tells a length after %s", scm_result_name(result));
    if (*buffer->length > 1u << 20)
        complain(function, "tells a length of more than there can be");
}

/* After a failed status word scm_send returns it and the response. */
static bool is_of_a_status_word(const struct arguments *call)
{
    return strncmp(call->function->name, "scm_send", 8) == 0;
}

static void keep_tokens(struct arguments *call)
{
    int place = 0;
    for (const char *letter = call->function->takes; *letter != '\0'; letter++) {
        bool is_token = *letter >= 'A' && *letter <= 'Z' && strchr("BOP", *letter) == NULL;
        const char *kind = is_token ? strchr(LETTERS, *letter | 0x20) : NULL;
        if (kind != NULL && call->words[place] != 0) {
            uintptr_t token = *(uintptr_t *)call->words[place];
            int number = (int)(kind - LETTERS);
            if (token == 0 || token % 2 == 0)
                complain(call->function->name, "succeeds with a token that can be none");
            uintptr_t old = atomic_exchange(&tokens[number][below(call->caller, TOKENS)], token);
            if (old != 0)
                end_token(number, old);
        }
        place += *letter == 'b' ? 2 : *letter == 'B' ? 3 : 1;
    }
}

/* How often each function has refused an argument, and named it. */
static atomic_uint refusals[HOW_MANY];

/* The last error is that of this call, and names the argument that is refused. */
static void check_last_error(const struct function *called, scm_result result)
{
    const char *function = called->name;
    scm_last_error error = SCM_LAST_ERROR_INIT;
    scm_get_last_error(&error);
    if (error.result != result || strcmp(error.function, function) != 0)
        complain(function, "fails with %s, and the last error is %s of %s", scm_result_name(result),
                 scm_result_name(error.result), error.function);
    if (strncmp(error.what, function, strlen(function)) != 0)
        complain(function, "has a last error without its name: %s", error.what);
    if (result != SCM_E_INVALIDARG && result != SCM_E_POINTER && result != SCM_E_HANDLE)
        return;
    if (!documented_has(function, error.argument))
        complain(function, "fails with %s, and names the argument \"%s\"", scm_result_name(result), error.argument);
    if (strncmp(error.why, error.argument, strlen(error.argument)) != 0 || error.advice[0] == '\0')
        complain(function, "does not say why, or no advice: %s", error.why);
    refusals[called - FUNCTIONS]++;
}

void calls_check_refusals(void)
{
    for (size_t i = 0; i < HOW_MANY; i++)
        if (FUNCTIONS[i].takes[0] != '\0' && refusals[i] == 0)
            complain(FUNCTIONS[i].name, "has never refused an argument");
}

static void check(struct arguments *call, scm_result result)
{
    const char *function = call->function->name;
    if (result < 0)
        check_last_error(call->function, result);
    if (!documented(function, result))
        complain(function, "gives %s (%08X), which is not documented", scm_result_name(result), (unsigned)result);
    for (int i = 0; i < call->output_count && result < 0; i++)
        if (!call->outputs[i].may_be_told && result != SCM_SCARD_E_INSUFFICIENT_BUFFER)
            check_zero(function, &call->outputs[i]);
    for (int i = 0; i < call->buffer_count && !is_of_a_status_word(call); i++)
        check_buffer(function, &call->buffers[i], result);
    double took = now_ms() - call->caller->since;
    if (call->limit_ms != UINT32_MAX && took > call->limit_ms + 5000)
        complain(function, "keeps no limit");
    if (result >= 0)
        keep_tokens(call);
}

void call_something(struct caller *caller)
{
    const struct function *function = &FUNCTIONS[below(caller, HOW_MANY)];
    struct arguments call = {.caller = caller, .function = function, .limit_ms = UINT32_MAX};
    uintptr_t *words = call.words;
    /* Only a hostile caller stops the virtual service: the other threads need it. */
    if (!caller->is_hostile && strncmp(function->name, "scm_virtual_service", 19) == 0)
        return;
    for (const char *letter = function->takes; *letter != '\0'; letter++)
        add_argument(&call, *letter);
    caller->since = now_ms();
    caller->function = function->name;
    scm_result result = ((any_function *)function->function)(words[0], words[1], words[2], words[3], words[4], words[5],
                                                             words[6], words[7], words[8], words[9], words[10],
                                                                 words[11]);
    caller->function = NULL;
    caller->calls++;
    caller->successes += result >= 0;
    check(&call, result);
    while (call.memory_count > 0)
        free(call.memory[--call.memory_count]);
}

void calls_tidy(struct caller *caller)
{
    for (int i = 0; i < TOKENS; i++) {
        scm_handle *handle = (scm_handle *)tokens[0][i];
        scm_cancel(handle);
        if (one_in(caller, 2))
            end_token(0, atomic_exchange(&tokens[0][i], 0));
    }
    scm_virtual_service_start();
    for (int i = 0; i < 4; i++) {
        struct arguments call = {.caller = caller};
        scm_virtual_ifd *ifd;
        scm_virtual_card card;
        char name[16];
        snprintf(name, sizeof name, "Virtual %d", i);
        fill(&call, CARD, &card);
        if (scm_virtual_ifd_create(name, NULL, &ifd) != SCM_S_OK)
            continue;
        scm_virtual_ifd_insert(ifd, &card);
        uintptr_t old = atomic_exchange(&tokens[7][i], (uintptr_t)ifd);
        if (old != 0)
            end_token(7, old);
    }
    struct arguments call = {.caller = caller};
    scm_provider provider;
    fill(&call, PROVIDER, &provider);
    /* Without an IID it is any provider of files, codes or authentication. */
    provider.iid = NULL;
    while (scm_unregister_provider(&provider) == SCM_S_OK) {
    }
    provider.iid = &OWN;
    while (scm_unregister_provider(&provider) == SCM_S_OK) {
    }
}

void calls_end_all(void)
{
    for (int kind = KINDS - 1; kind >= 0; kind--)
        for (int i = 0; i < TOKENS; i++)
            end_token(kind, atomic_exchange(&tokens[kind][i], 0));
}

#include "documented.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The depth of references from one description to others. */
enum { MAX_DEPTH = 4 };

/* A function, its prototype, its description and that of its group, without line breaks. */
static struct description {
    char name[64];
    char *prototype;
    char *text;
    char *group;
} descriptions[256];
static int how_many;

/* The text of all headers. */
static char headers[1 << 20];

static char *without_breaks(const char *begin, const char *end)
{
    char *text = calloc(1, (size_t)(end - begin) + 1), *to = text;
    if (text == NULL)
        abort();
    for (const char *at = begin; at < end; at++) {
        char byte = *at == '\n' || *at == '*' ? ' ' : *at;
        if (byte != ' ' || to == text || to[-1] != ' ')
            *to++ = byte;
    }
    return text;
}

static void read_header(const char *folder, const char *name)
{
    static char path[4096];
    char *header = headers + strlen(headers);
    static const char prototype[] = "scm_result scm_", group_begin[] = "@defgroup";
    char *group = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    size_t size = fread(header, 1, sizeof headers - 1 - strlen(headers), file);
    fclose(file);
    header[size] = '\0';
    const char *begin = header, *end = header + size - sizeof prototype;
    for (const char *at = header; at < end && how_many < 256; at++) {
        if (memcmp(at, "/**", 3) == 0)
            begin = at;
        if (memcmp(at, group_begin, sizeof group_begin - 1) == 0)
            group = without_breaks(at, strstr(at, "*/"));
        if (memcmp(at, prototype, sizeof prototype - 1) != 0 || begin > at || strstr(begin, "*/") > at)
            continue;
        struct description *description = &descriptions[how_many++];
        sscanf(at, "scm_result %63[a-z_]", description->name);
        description->prototype = without_breaks(at, strchr(at, ';') + 1);
        description->text = without_breaks(begin, at);
        description->group = group;
    }
}

void documented_read(const char *folder)
{
    read_header(folder, "scm.h");
    read_header(folder, "scm_virtual.h");
    read_header(folder, "scm_provider.h");
    if (how_many < 50) {
        fprintf(stderr, "%s has no headers\n", folder);
        exit(2);
    }
    if (!documented_has("scm_virtual_ifd_insert", "card.transmit") || documented_has("scm_lock", "card") ||
        !documented_has("scm_lock", "handle") || documented_has("scm_virtual_ifd_insert", "card.nothing")) {
        fprintf(stderr, "the prototypes in %s are not understood\n", folder);
        exit(2);
    }
}

static const struct description *describe(const char *function, size_t length)
{
    for (int i = 0; i < how_many; i++)
        if (strncmp(descriptions[i].name, function, length) == 0 && descriptions[i].name[length] == '\0')
            return &descriptions[i];
    return NULL;
}

/* With one of these codes a reconnect may have left no connection, and other calls report it. */
static bool is_of_an_end(scm_result code)
{
    return code == SCM_SCARD_E_TIMEOUT || code == SCM_SCARD_E_CANCELLED;
}

/* The codes that the service and the driver may give, from the top of the header. */
bool is_of_a_service(scm_result code)
{
    unsigned low = (unsigned)code & 0xFFFF;
    if (((unsigned)code & 0xFFFF0000) != 0x80100000)
        return false;
    if (is_of_an_end(code) || code == SCM_SCARD_E_INSUFFICIENT_BUFFER || code == SCM_SCARD_E_NO_MEMORY)
        return false;
    bool is_of_files = (low >= 0x20 && low != 0x22 && low <= 0x2D && low != 0x2B) || low == 0x30;
    return (low <= 0x31 && !is_of_files) || (low >= 0x65 && low <= 0x6A);
}

static bool names(const char *text, scm_result code)
{
    const char *name = scm_result_name(code);
    size_t length = name == NULL ? 0 : strlen(name);
    for (const char *at = text; length > 0 && (at = strstr(at, name)) != NULL; at += length)
        if (at[length] == '`' || at[length] == ' ' || at[length] == ',' || at[length] == '.' || at[length] == ':')
            return true;
    return false;
}

/* "as `scm_other`", "as for `scm_other`", "codes of `scm_other`" and the like. */
static bool refers(const char *text, scm_result code, int depth);

static bool allows(const char *function, size_t length, scm_result code, int depth)
{
    const struct description *description = describe(function, length);
    if (depth > MAX_DEPTH || description == NULL)
        return false;
    const char *text = description->text;
    /* The referenced text may be anywhere in the other description. */
    const char *returned = depth > 0 ? text : strstr(text, "@return");
    if (returned == NULL)
        return false;
    bool is_of_a_connection = is_of_a_service(code) || is_of_an_end(code);
    if (strstr(returned, "odes of a connection") != NULL && is_of_a_connection)
        return true;
    if (strstr(returned, "- any other:") != NULL && is_of_a_connection)
        return true;
    /* The description of a group has the codes that its functions share. */
    const char *group = strstr(returned, "odes of the group") != NULL ? description->group : "";
    if (strstr(group, "codes of a connection") != NULL && is_of_a_connection)
        return true;
    return names(returned, code) || names(group, code) || refers(returned, code, depth + 1) ||
           refers(group, code, depth + 1);
}

static bool refers(const char *text, scm_result code, int depth)
{
    static const char *const words[] = {"as `scm_", "as for `scm_", "codes of `scm_", "and `scm_", "the last `scm_"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (const char *at = text; (at = strstr(at, words[i])) != NULL; at++) {
            const char *name = strchr(at, '`') + 1;
            if (allows(name, strcspn(name, "`("), code, depth))
                return true;
        }
    return false;
}

static bool read_whether(const char *function, scm_result code)
{
    /* The conventions allow these for every function. */
    switch (code) {
    case SCM_S_OK:
    case SCM_E_HANDLE:
    case SCM_E_POINTER:
    case SCM_E_INVALIDARG:
    case SCM_E_OUTOFMEMORY:
        return true;
    case SCM_E_UNEXPECTED:
        return false;
    case SCM_E_NOTIMPL:
    case SCM_E_FAIL:
    case SCM_SCARD_E_INVALID_CHV:
        /* Any interface may belong to a provider, which may give these. */
        if (strncmp(function, "scm_file", 8) == 0 || strncmp(function, "scm_create_", 11) == 0 ||
            strstr(function, "_auth") != NULL || strstr(function, "ch_verification") != NULL)
            return true;
        /* fall through */
    default:
        return allows(function, strlen(function), code, 0);
    }
}

/* True if the text has this word, and behind it one of these characters. */
static bool declares(const char *text, const char *word, size_t length, const char *behind)
{
    for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
        if ((at[-1] == ' ' || at[-1] == '*') && at[length] != '\0' && strchr(behind, at[length]) != NULL)
            return true;
    return false;
}

bool documented_has(const char *function, const char *argument)
{
    const struct description *description = describe(function, strlen(function));
    char name[64];
    size_t length = strcspn(argument, ".");
    if (description == NULL || length == 0 || length >= sizeof name)
        return false;
    snprintf(name, sizeof name, "%.*s", (int)length, argument);
    if (!declares(description->prototype, name, length, ",)"))
        return false;
    const char *field = argument + length + 1;
    return argument[length] == '\0' || declares(headers, field, strlen(field), ";)[");
}

/* Answers are cached, because reading takes time: the function and the code, and the result in the lowest bit. */
bool documented(const char *function, scm_result code)
{
    static _Atomic uint64_t answers[8192];
    uint64_t question = (((uint64_t)(uintptr_t)function << 32 ^ (uint32_t)code) * 0x9E3779B97F4A7C15u) & ~(uint64_t)1;
    _Atomic uint64_t *place = &answers[question >> 51];
    uint64_t known = *place;
    if ((known & ~(uint64_t)1) != question)
        *place = known = question | read_whether(function, code);
    return known & 1;
}

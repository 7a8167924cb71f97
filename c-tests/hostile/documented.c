#include "documented.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How far the descriptions of functions refer to others. */
enum { MAX_DEPTH = 4 };

static char *header;

void documented_read(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        exit(2);
    }
    size_t size = (size_t)ftell(file);
    header = calloc(1, size + 1);
    rewind(file);
    if (header == NULL || fread(header, 1, size, file) != size)
        exit(2);
    fclose(file);
}

/* The description in front of a function, in a copy without line breaks. */
static bool describe(const char *function, size_t length, char *text, size_t capacity)
{
    char prototype[128];
    snprintf(prototype, sizeof prototype, "scm_result %.*s(", (int)length, function);
    const char *end = strstr(header, prototype), *begin = NULL;
    if (end == NULL)
        return false;
    for (const char *next = strstr(header, "/**"); next != NULL && next < end; next = strstr(next + 3, "/**"))
        begin = next;
    size_t used = 0;
    for (const char *at = begin; at < end && used + 1 < capacity; at++) {
        bool is_break = *at == '\n' || *at == '*' || *at == '\r';
        char byte = is_break ? ' ' : *at;
        if (byte != ' ' || used == 0 || text[used - 1] != ' ')
            text[used++] = byte;
    }
    text[used] = '\0';
    return true;
}

bool is_of_a_service(scm_result code)
{
    unsigned low = (unsigned)code & 0xFFFF;
    if (((unsigned)code & 0xFFFF0000) != 0x80100000)
        return false;
    if (code == SCM_SCARD_E_TIMEOUT || code == SCM_SCARD_E_CANCELLED || code == SCM_SCARD_E_INSUFFICIENT_BUFFER || code == SCM_SCARD_E_NO_MEMORY)
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
    char text[16384];
    if (depth > MAX_DEPTH || !describe(function, length, text, sizeof text))
        return false;
    /* What is referred to may stand anywhere in the other description. */
    const char *returned = depth > 0 ? text : strstr(text, "@return");
    if (returned == NULL)
        return false;
    /* With the last two a reconnect may have left no connection. */
    if (strstr(returned, "odes of a connection") != NULL && (is_of_a_service(code) || code == SCM_SCARD_E_CANCELLED || code == SCM_SCARD_E_TIMEOUT))
        return true;
    if (strstr(returned, "- any other:") != NULL && (is_of_a_service(code) || code == SCM_SCARD_E_CANCELLED || code == SCM_SCARD_E_TIMEOUT))
        return true;
    if (strstr(returned, "failure of the hook") != NULL || strstr(returned, "failure of the callback") != NULL)
        return true;
    return names(returned, code) || refers(returned, code, depth + 1);
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

bool documented(const char *function, scm_result code)
{
    /* The conventions say these of every function. */
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
        /* A provider, which may say these, stands behind any of the interfaces. */
        if (strncmp(function, "scm_file", 8) == 0 || strncmp(function, "scm_create_", 11) == 0 || strstr(function, "_auth") != NULL || strstr(function, "ch_verification") != NULL)
            return true;
        /* fall through */
    default:
        return allows(function, strlen(function), code, 0);
    }
}

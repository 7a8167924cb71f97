/* Walks the file system of a card, and prints it as a tree.
 *
 *     tree                          the first card there is, with the identifiers that are in use on many cards
 *     tree READER                   the card in this reader
 *     tree READER 0001 FFFE         every identifier between the two: minutes, with a real card
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <scm.h>

#include "advice.h"

#define MAX_NAMES 4096
#define INDENT 3

static scm_file_access *files;
static scm_directory_options identifiers = SCM_DIRECTORY_OPTIONS_INIT;

static void fail(const char *what, scm_result result)
{
    fprintf(stderr, "%s: %s (%s)\n", what, scm_result_message(result), scm_result_name(result));
    exit(1);
}

static void must(const char *what, scm_result result)
{
    if (SCM_FAILED(result))
        fail(what, result);
}

/* The value of a BER-TLV data object with a tag and a length of one byte each, or NULL. */
static const uint8_t *find(const uint8_t *objects, size_t length, uint8_t tag, size_t *value_length)
{
    for (size_t i = 0; i + 2 <= length && i + 2 + objects[i + 1] <= length; i += 2u + objects[i + 1]) {
        if (objects[i] == tag) {
            *value_length = objects[i + 1];
            return objects + i + 2;
        }
    }
    return NULL;
}

/* The first bytes of a file, or why they cannot be had. */
static void print_content(scm_file *file)
{
    uint8_t data[16];
    size_t length;
    scm_result result = scm_file_read(file, data, sizeof data, &length, 0);
    if (result == SCM_SCARD_E_INSUFFICIENT_BUFFER)
        printf("  %zu bytes in the first record", length);
    else if (SCM_FAILED(result))
        printf("  (%s)", scm_result_message(result));
    else
        printf("  ");
    for (size_t i = 0; SCM_SUCCEEDED(result) && i < length; i++)
        printf("%02X", data[i]);
}

static void print_file(const char *name)
{
    static const char *const kinds[] = {"transparent", "linear fixed", "cyclic", "linear variable"};
    scm_file *file;
    scm_file_info info = SCM_FILE_INFO_INIT;
    uint64_t size;
    scm_result result = scm_file_access_open(files, SCM_TYPE_BY_ID, name, &file);
    if (SCM_FAILED(result)) {
        printf("  (%s)", scm_result_message(result));
        return;
    }
    if (SCM_SUCCEEDED(scm_file_get_info(file, &info)))
        printf("  %s", kinds[info.file_type - SCM_TYPE_TRANSPARENT_EF]);
    if (info.short_id != SCM_FILE_UNKNOWN)
        printf(", short identifier %u", (unsigned)info.short_id);
    if (SCM_SUCCEEDED(scm_file_get_size(file, &size)))
        printf(", %llu %s", (unsigned long long)size, info.file_type == SCM_TYPE_TRANSPARENT_EF ? "bytes" : "records");
    print_content(file);
    scm_file_close(file);
}

static void print_directory(int depth);

static void print_entry(const char *name, int depth)
{
    uint8_t properties[512];
    size_t length, value_length;
    scm_result result = scm_file_access_get_properties(files, SCM_TYPE_BY_ANY, name, NULL, 0, SCM_FL_GET_ALL_PROPERTIES,
                                                       properties, sizeof properties, &length);
    printf("%*s%s", depth * INDENT, "", name);
    if (SCM_FAILED(result)) {
        printf("  (%s)\n", scm_result_message(result));
        return;
    }
    const uint8_t *descriptor = find(properties, length, 0x82, &value_length);
    if (descriptor == NULL || value_length == 0 || (descriptor[0] & 0xBF) != 0x38) {
        print_file(name);
        printf("\n");
        return;
    }
    const uint8_t *label = find(properties, length, 0x50, &value_length);
    if (label != NULL)
        printf("  \"%.*s\"", (int)value_length, label);
    const uint8_t *aid = find(properties, length, 0x84, &value_length);
    if (aid != NULL)
        printf("  ");
    for (size_t i = 0; aid != NULL && i < value_length; i++)
        printf("%02X", aid[i]);
    printf("\n");

    char parent[SCM_PATH_MAX + 1];
    must("the current directory", scm_file_access_get_current_dir(files, parent, sizeof parent, &length));
    if (SCM_FAILED(scm_file_access_change_dir(files, SCM_TYPE_BY_ANY, name)))
        return;
    print_directory(depth + 1);
    must("the directory above", scm_file_access_change_dir(files, SCM_TYPE_BY_ANY, parent));
}

static void print_directory(int depth)
{
    char *names = calloc(1, MAX_NAMES);
    size_t length;
    scm_result result = names == NULL ? SCM_E_OUTOFMEMORY
                                      : scm_file_access_directory_ex(files, SCM_TYPE_ALL_FILES, &identifiers, names,
                                                                     MAX_NAMES, &length);
    if (SCM_FAILED(result))
        printf("%*s(%s)\n", depth * INDENT, "", scm_result_message(result));
    for (char *name = names; SCM_SUCCEEDED(result) && *name != '\0'; name += strlen(name) + 1)
        print_entry(name, depth);
    free(names);
}

int main(int argc, char **argv)
{
    if (argc == 4) {
        identifiers.first_id = (uint16_t)strtoul(argv[2], NULL, 16);
        identifiers.last_id = (uint16_t)strtoul(argv[3], NULL, 16);
    }
    scm_handle *card = attach_or_complain(argc > 1 ? argv[1] : NULL);
    if (card == NULL)
        return 1;
    must("files", scm_create_file_access(card, &files));
    /* One lock around all of it: nobody gets in between, and nothing has to be selected twice. */
    must("lock", scm_lock(card));
    printf("3F00\n");
    print_directory(1);
    must("unlock", scm_unlock(card, SCM_DISPOSITION_LEAVE));
    must("detach", scm_detach(card));
    return 0;
}

/* A provider for a card that does not follow ISO/IEC 7816-4: programs read its files without knowing the card.
 *
 *     cc provider.c $(pkg-config --cflags --libs scm) -o provider && ./provider
 *
 * Part one is the program: it reads a file of any card. Part two is the provider, which knows the card. Part three is
 * the card, in a virtual reader, and main. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <scm.h>
#include <scm_provider.h>
#include <scm_virtual.h>

/* ---- One: the program. It does not know the card. ---- */

static scm_result print_file(scm_handle *card, const char *path)
{
    scm_file_access *files;
    scm_file *file;
    uint8_t text[64];
    size_t length;
    scm_result result = scm_create_file_access(card, &files);
    if (SCM_FAILED(result))
        return result;
    result = scm_file_access_open(files, 0, path, &file);
    if (SCM_SUCCEEDED(result)) {
        result = scm_file_read(file, text, sizeof text, &length, 0);
        if (SCM_SUCCEEDED(result))
            printf("%s: %.*s\n", path, (int)length, (const char *)text);
        scm_file_close(file);
    }
    scm_file_access_release(files);
    return result;
}

/* ---- Two: the provider. ---- */

/* The jukebox card: 80 B4 00 TRACK 00 returns a title, and there are no files. The last byte of its ATR is a serial
 * number. */
static const uint8_t JUKEBOX[] = {0x3B, 0x82, 0x80, 0x01, 'J', 0x00};
static const uint8_t JUKEBOX_MASK[] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00};

typedef struct {
    scm_handle *card;
    uint8_t number;
} track;

static scm_result create(void *user_data, scm_handle *handle, void *caller_user_data, void **object)
{
    (void)user_data, (void)caller_user_data;
    *object = handle; /* the whole state; a larger one is allocated here, and freed in `release` */
    return SCM_S_OK;
}

/* A title is a file: /tracks/7 */
static scm_result open_track(void *object, uint32_t reference_type, const char *path, void **file)
{
    char rest;
    unsigned number;
    (void)reference_type;
    if (sscanf(path, "/tracks/%3u%c", &number, &rest) != 1 || number > UINT8_MAX)
        return SCM_SCARD_E_FILE_NOT_FOUND;
    track *opened = malloc(sizeof *opened);
    if (opened == NULL)
        return SCM_E_OUTOFMEMORY;
    *opened = (track){object, (uint8_t)number};
    *file = opened;
    return SCM_S_OK;
}

static scm_result read_track(void *file, uint8_t *buffer, size_t capacity, size_t *length, uint32_t flags)
{
    const track *opened = file;
    const uint8_t command[] = {0x80, 0xB4, 0x00, opened->number, 0x00};
    uint8_t answer[258];
    size_t answered;
    (void)flags;
    scm_result result = scm_transmit(opened->card, command, sizeof command, answer, sizeof answer, &answered);
    if (SCM_FAILED(result))
        return result;
    if (answer[answered - 2] != 0x90)
        return SCM_SCARD_E_FILE_NOT_FOUND;
    *length = answered - 2;
    if (*length > capacity)
        return buffer == NULL ? SCM_S_OK : SCM_SCARD_E_INSUFFICIENT_BUFFER;
    memcpy(buffer, answer, *length);
    return SCM_S_OK;
}

static scm_result close_track(void *file)
{
    free(file);
    return SCM_S_OK;
}

static scm_provider jukebox_provider(void)
{
    scm_provider provider = SCM_PROVIDER_INIT;
    provider.atr = JUKEBOX;
    provider.atr_mask = JUKEBOX_MASK;
    provider.atr_length = sizeof JUKEBOX;
    provider.create_object = create;
    return provider;
}

/* ---- Three: a card of this kind, in a virtual reader. ---- */

static scm_result transmit(void *user_data, const uint8_t *command, size_t command_length, uint8_t *response,
                           size_t capacity, size_t *response_length)
{
    static const char *const titles[] = {"Blue Monday", "Heroes", "Wuthering Heights"};
    (void)user_data, (void)capacity;
    const char *title = command_length == 5 && command[1] == 0xB4 && command[3] < 3 ? titles[command[3]] : "";
    size_t length = strlen(title);
    memcpy(response, title, length);
    memcpy(response + length, length > 0 ? "\x90\x00" : "\x6A\x83", 2);
    *response_length = length + 2;
    return SCM_S_OK;
}

static scm_result power(void *user_data, uint32_t event)
{
    (void)user_data, (void)event;
    return SCM_S_OK;
}

static scm_handle *card_in(scm_virtual_ifd **reader)
{
    static const uint8_t atr[] = {0x3B, 0x82, 0x80, 0x01, 'J', 0x17};
    scm_virtual_card card = SCM_VIRTUAL_CARD_INIT;
    scm_handle *handle = NULL;
    card.atr = atr;
    card.atr_length = sizeof atr;
    card.protocols = SCM_PROTOCOL_T1;
    card.transmit = transmit;
    card.power = power;
    scm_virtual_ifd_create("Jukebox reader", NULL, reader);
    scm_virtual_ifd_insert(*reader, &card);
    scm_attach_by_ifd("Jukebox reader", &handle);
    return handle;
}

static scm_file_access_functions jukebox_functions(void)
{
    scm_file_access_functions functions = SCM_FILE_ACCESS_FUNCTIONS_INIT;
    functions.open = open_track;
    functions.read = read_track;
    functions.close = close_track;
    return functions;
}

int main(void)
{
    scm_virtual_ifd *reader = NULL;
    scm_provider provider = jukebox_provider();
    scm_file_access_functions functions = jukebox_functions();
    scm_handle *card = card_in(&reader);
    scm_result first = scm_register_file_access_provider(&provider, &functions);
    scm_result title = print_file(card, "/tracks/1"), none = print_file(card, "/tracks/9");
    printf("/tracks/9: %s\n", scm_result_message(none));
    scm_unregister_provider(&provider);
    scm_detach(card);
    scm_virtual_ifd_destroy(reader);
    return first == SCM_S_OK && title == SCM_S_OK && none == SCM_SCARD_E_FILE_NOT_FOUND ? 0 : 1;
}

/* The time of an attach with its detach beside many attachments: all to one virtual reader, or each to its own. The
 * time must not depend on their number. */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <string.h>

#include "measure.h"
#include "scm_virtual.h"

enum { ROUNDS = 2001, MOST = 100000 };

static scm_handle *handles[MOST];
static scm_virtual_ifd *readers[MOST + 1];

static scm_result transmit(void *user_data, const uint8_t *command, size_t command_length, uint8_t *response,
                           size_t capacity, size_t *response_length)
{
    (void)user_data, (void)command, (void)command_length, (void)capacity;
    response[0] = 0x90, response[1] = 0x00;
    *response_length = 2;
    return SCM_S_OK;
}

static const char *name_of(int reader)
{
    static char name[32];
    snprintf(name, sizeof name, "Reader %d", reader);
    return name;
}

static void make_reader(int number)
{
    static const uint8_t atr[] = {0x3B, 0x80, 0x80, 0x01, 0x01};
    scm_virtual_ifd_options options = SCM_VIRTUAL_IFD_OPTIONS_INIT;
    scm_virtual_card card = SCM_VIRTUAL_CARD_INIT;
    options.log_capacity = 1;
    card.atr = atr;
    card.atr_length = sizeof atr;
    card.transmit = transmit;
    expect(scm_virtual_ifd_create(name_of(number), &options, &readers[number]) == SCM_S_OK, "no reader");
    expect(scm_virtual_ifd_insert(readers[number], &card) == SCM_S_OK, "no card");
}

static scm_handle *attach(int reader)
{
    scm_handle *handle = NULL;
    expect(scm_attach_by_ifd(name_of(reader), &handle) == SCM_S_OK, "no attachment");
    return handle;
}

/* An attachment with an object, so that its detach ends one. */
static void attach_and_detach(int reader)
{
    scm_file_access *files = NULL;
    scm_handle *handle = attach(reader);
    expect(scm_create_file_access(handle, &files) == SCM_S_OK, "no files");
    expect(scm_detach(handle) == SCM_S_OK, "no detach");
}

static double time_beside(int count, bool on_one_reader)
{
    static double times[ROUNDS];
    int last = on_one_reader ? 0 : count;
    for (int i = on_one_reader ? 0 : 1; i <= last; i++)
        make_reader(i);
    if (!on_one_reader)
        make_reader(0);
    for (int i = 0; i < count; i++) {
        scm_file_access *files = NULL;
        handles[i] = attach(on_one_reader ? 0 : i + 1);
        expect(scm_create_file_access(handles[i], &files) == SCM_S_OK, "no files");
    }
    for (int i = 0; i < ROUNDS; i++) {
        double begin = now_ms();
        attach_and_detach(0);
        times[i] = (now_ms() - begin) * 1e3;
    }
    for (int i = count - 1; i >= 0; i--)
        expect(scm_detach(handles[i]) == SCM_S_OK, "no detach");
    for (int i = 0; i <= last; i++)
        expect(scm_virtual_ifd_destroy(readers[i]) == SCM_S_OK, "no end of a reader");
    return median(times, ROUNDS);
}

int main(int argc, char **argv)
{
    static const int counts[] = {0, 1000, 10000, 100000};
    int most = argc > 1 ? atoi(argv[1]) : MOST;
    for (size_t i = 0; i < sizeof counts / sizeof *counts && counts[i] <= most; i++)
        for (int one = 1; one >= (counts[i] == 0); one--)
            printf("%6d attachments, %-17s %8.2f us\n", counts[i], one ? "one reader:" : "a reader for each:",
                   time_beside(counts[i], one));
    return 0;
}

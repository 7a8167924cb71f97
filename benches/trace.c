/* The cost of a trace: a transmit on a PC/SC library that does nothing, with the log off and on each level. The
 * callback does nothing, or writes the line to /dev/null. The levels take turns, so that each has the same machine. */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>

#include "measure.h"
#include "scm.h"

enum { ROUNDS = 201, CALLS = 200, LEVELS = SCM_LOG_APDUS + 1 };

static FILE *nowhere;

static void drop_line(void *user_data, uint32_t level, const char *line)
{
    (void)user_data, (void)level, (void)line;
}

static void write_line(void *user_data, uint32_t level, const char *line)
{
    (void)level;
    fprintf((FILE *)user_data, "%s\n", line);
}

/* Microseconds of one transmit. */
static double time_of(scm_handle *handle, uint32_t level, scm_log_callback callback)
{
    static const uint8_t command[] = {0x00, 0xB0, 0x00, 0x00, 0x10};
    uint8_t response[258];
    size_t length;
    expect(scm_set_log(callback, nowhere, level) == SCM_S_OK, "a log");
    double start = now_ms();
    for (int i = 0; i < CALLS; i++)
        expect(scm_transmit(handle, command, sizeof command, response, sizeof response, &length) == SCM_S_OK,
               "a transmit");
    double took = now_ms() - start;
    expect(scm_set_log(NULL, NULL, SCM_LOG_OFF) == SCM_S_OK, "no log");
    return took * 1e3 / CALLS;
}

int main(void)
{
    static const char *const names[LEVELS] = {"off", "calls", "pcsc", "apdus"};
    static double dropped[LEVELS][ROUNDS], written[LEVELS][ROUNDS];
    scm_handle *handle;
    nowhere = fopen("/dev/null", "w");
    expect(nowhere != NULL, "/dev/null");
    expect(scm_attach_by_ifd("nothing", &handle) == SCM_S_OK, "an attachment");
    for (int round = 0; round < ROUNDS; round++) {
        for (uint32_t level = 0; level < LEVELS; level++) {
            dropped[level][round] = time_of(handle, level, drop_line);
            written[level][round] = time_of(handle, level, write_line);
        }
    }
    expect(scm_detach(handle) == SCM_S_OK, "a detach");
    printf("%-14s %12s %12s\n", "trace", "dropped", "written");
    for (int level = 0; level < LEVELS; level++)
        printf("%-14s %9.2f us %9.2f us\n", names[level], median(dropped[level], ROUNDS),
               median(written[level], ROUNDS));
    return 0;
}

/* The memory that an attachment holds: the resident size of the process before and after many attachments to one reader.
 *
 *   memory [COUNT]
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "scm.h"

/* In bytes. Linux only. */
static long resident(void)
{
    long whole = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%ld %ld", &whole, &pages) != 2)
        exit(EXIT_FAILURE);
    fclose(file);
    return pages * 4096;
}

static void expect(scm_result result, const char *what)
{
    if (result == SCM_S_OK)
        return;
    fprintf(stderr, "memory: %s: 0x%08X\n", what, (unsigned)result);
    exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    static const uint8_t select[] = {0x00, 0xA4, 0x04, 0x00};
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : 10000;
    scm_handle **attachments = calloc((size_t)count, sizeof(*attachments));
    uint8_t response[258];
    size_t length;
    if (attachments == NULL)
        return EXIT_FAILURE;
    /* Some memory that is not that of an attachment comes with the first one. */
    expect(scm_attach_by_ifd("Reader", &attachments[0]), "attach");
    long before = resident();
    for (long i = 1; i < count; i++)
        expect(scm_attach_by_ifd("Reader", &attachments[i]), "attach");
    long attached = resident();
    for (long i = 0; i < count; i++)
        expect(scm_transmit(attachments[i], select, sizeof(select), response, sizeof(response), &length), "transmit");
    printf("%ld bytes per attachment, %ld after an exchange\n", (attached - before) / count, (resident() - before) / count);
}

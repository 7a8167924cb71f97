/* Reads a file of a card, and writes it to the standard output.
 *
 *     cat READER PATH               3F00/5015/4401, F073636D74657374/4401, 4401, ...; a file of records one behind the other
 *
 * It ends with 0 only if all of the file was read, and written.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include <scm.h>

#include "advice.h"

static int fail(const char *what, scm_result result)
{
    fprintf(stderr, "%s: %s (%s)\n", what, scm_result_message(result), scm_result_name(result));
    return 1;
}

int main(int argc, char **argv)
{
    static uint8_t data[65536];
    scm_file_access *files;
    scm_file *file;
    size_t length;
    uint64_t position = 0, size = 0;
    if (argc != 3) {
        fprintf(stderr, "usage: cat READER PATH\n");
        return 2;
    }
    scm_handle *card = attach_or_complain(argv[1]);
    if (card == NULL)
        return 1;
    /* With a lock of the caller's, what was selected to be opened is still selected to be read. */
    scm_result result = scm_lock(card);
    if (SCM_SUCCEEDED(result))
        result = scm_create_file_access(card, &files);
    if (SCM_SUCCEEDED(result))
        result = scm_file_access_open(files, SCM_TYPE_BY_ANY, argv[2], &file);
    while (SCM_SUCCEEDED(result)) {
        result = scm_file_read(file, data, sizeof data, &length, 0);
        if (fwrite(data, 1, length, stdout) != length)
            break;
    }
    /* Only the end of the file is a good end, and only if it has no more than was read. */
    bool at_end = result == SCM_SCARD_W_EOF;
    if (at_end && (SCM_FAILED(result = scm_file_tell(file, &position)) || SCM_FAILED(result = scm_file_get_size(file, &size))))
        at_end = false;
    scm_detach(card); /* the file, the files and the lock go with it */
    if (SCM_FAILED(result))
        return fail(argv[2], result);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("standard output");
        return 1;
    }
    if (!at_end || position != size) {
        fprintf(stderr, "%s: %" PRIu64 " of %" PRIu64 " were read\n", argv[2], position, size);
        return 1;
    }
    return 0;
}

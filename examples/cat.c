/* Reads a file of a card, and writes it to the standard output.
 *
 *     cat READER PATH               3F00/5015/4401, F073636D74657374/4401, 4401, ...; a file of records one behind the other
 */
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
        fwrite(data, 1, length, stdout);
    }
    scm_detach(card); /* the file, the files and the lock go with it */
    return result == SCM_SCARD_W_EOF ? 0 : fail(argv[2], result);
}

#include "order.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void give_up(const char *line, const char *why)
{
    fprintf(stderr, "the stack, told \"%s\": %s\n", line, why);
    exit(3);
}

/* An answer in the form of the crate pcsc: "NoSmartcard: There is no ...". */
static scm_result code_of(const char *error)
{
    static const struct {
        const char *name;
        scm_result result;
    } codes[] = {
        {"NoSmartcard:", SCM_SCARD_E_NO_SMARTCARD},
        {"SharingViolation:", SCM_SCARD_E_SHARING_VIOLATION},
        {"ProtoMismatch:", SCM_SCARD_E_PROTO_MISMATCH},
        {"UnpoweredCard:", SCM_SCARD_W_UNPOWERED_CARD},
        {"UnresponsiveCard:", SCM_SCARD_W_UNRESPONSIVE_CARD},
        {"RemovedCard:", SCM_SCARD_W_REMOVED_CARD},
        {"ResetCard:", SCM_SCARD_W_RESET_CARD},
        {"NotTransacted:", SCM_SCARD_E_NOT_TRANSACTED},
        {"NoService:", SCM_SCARD_E_NO_SERVICE},
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strncmp(error, codes[i].name, strlen(codes[i].name)) == 0)
            return codes[i].result;
    fprintf(stderr, "the stack answers: %s\n", error);
    return SCM_SCARD_F_UNKNOWN_ERROR;
}

scm_result order(const char **value, const char *format, ...)
{
    static _Thread_local char answer[4096];
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);

    const char *path = getenv("SCM_STACK");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path == NULL || strlen(path) >= sizeof address.sun_path)
        give_up(line, "no SCM_STACK in the environment: run me by scm-stack");
    strcpy(address.sun_path, path);
    int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address) != 0)
        give_up(line, "does not listen");
    dprintf(connection, "%s\n", line);
    size_t length = 0;
    while (length == 0 || answer[length - 1] != '\n') {
        ssize_t got = read(connection, answer + length, sizeof answer - 1 - length);
        if (got <= 0)
            give_up(line, "does not answer");
        length += (size_t)got;
    }
    close(connection);
    answer[length - 1] = '\0';

    if (strncmp(answer, "error ", 6) == 0)
        return code_of(answer + 6);
    if (value != NULL)
        *value = answer[2] == ' ' ? answer + 3 : "";
    return SCM_S_OK;
}

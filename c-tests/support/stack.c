#include "stack.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The longest answer is the log of a card in hexadecimal: two APDUs of maximum length. */
#define LINE (512 * 1024)
#define READERS 8

static void give_up(const char *order, const char *why)
{
    fprintf(stderr, "the stack, told \"%s\": %s\n", order, why);
    exit(3);
}

static int connect_to_stack(const char *order)
{
    const char *path = getenv("SCM_STACK");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path == NULL || strlen(path) >= sizeof address.sun_path)
        give_up(order, "no SCM_STACK in the environment: run me by scm-stack");
    strcpy(address.sun_path, path);
    int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address) != 0)
        give_up(order, "does not listen");
    return connection;
}

/* One connection per order: no state to share between threads, or across a fork. */
static const char *ask(const char *order)
{
    static _Thread_local char answer[LINE];
    size_t length = 0;
    int connection = connect_to_stack(order);
    dprintf(connection, "%s\n", order);
    while (length == 0 || answer[length - 1] != '\n') {
        ssize_t got = read(connection, answer + length, sizeof answer - 1 - length);
        if (got <= 0)
            give_up(order, "does not answer");
        length += (size_t)got;
    }
    close(connection);
    answer[length - 1] = '\0';
    return answer;
}

const char *stack(const char *order, ...)
{
    char line[4096];
    va_list arguments;
    va_start(arguments, order);
    vsnprintf(line, sizeof line, order, arguments);
    va_end(arguments);

    const char *answer = ask(line);
    if (strncmp(answer, "ok", 2) != 0)
        give_up(line, answer);
    return answer[2] == ' ' ? answer + 3 : "";
}

const char *stack_try(const char *order, ...)
{
    char line[4096];
    va_list arguments;
    va_start(arguments, order);
    vsnprintf(line, sizeof line, order, arguments);
    va_end(arguments);

    const char *answer = ask(line);
    if (strncmp(answer, "ok", 2) != 0)
        return NULL;
    return answer[2] == ' ' ? answer + 3 : "";
}

const char *stack_ifd(int reader)
{
    static char names[READERS][128];
    if (names[reader][0] == '\0')
        snprintf(names[reader], sizeof names[reader], "%s", stack("ifd %d", reader));
    return names[reader];
}

int stack_count(int reader)
{
    return atoi(stack("card %d count", reader));
}

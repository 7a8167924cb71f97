#include "bed.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack.h"
#include "virtual.h"

#define READERS 4

static bool is_virtual;
static int readers = READERS;

void bed_make(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--pcscd") == 0)
        return;
    if (argc == 3)
        readers = atoi(argv[2]);
    if (argc < 2 || argc > 3 || strcmp(argv[1], "--virtual") != 0 || readers < 1 || readers > VIRTUAL_READERS_MAX) {
        fprintf(stderr,
                "usage: %s --pcscd                 inside of scm-stack\n"
                "       %s --virtual [READERS]     on 1 to %d virtual readers, by default %d\n",
                argv[0], argv[0], VIRTUAL_READERS_MAX, READERS);
        exit(2);
    }
    is_virtual = true;
    /* The pcscd of the machine must not take part. */
    setenv("PCSCLITE_CSOCK_NAME", "/nowhere", 1);
    virtual_make(readers);
    atexit(virtual_unmake);
}

bool bed_is_virtual(void)
{
    return is_virtual;
}

bool bed_has_openpgp(void)
{
#ifdef SCM_OPENPGP_CARD
    return true;
#else
    return false;
#endif
}

const char *bed(const char *order, ...)
{
    char line[4096];
    va_list arguments;
    va_start(arguments, order);
    vsnprintf(line, sizeof line, order, arguments);
    va_end(arguments);
    return is_virtual ? virtual_obey(line) : stack("%s", line);
}

const char *bed_ifd(int reader)
{
    return is_virtual ? virtual_ifd(reader) : stack_ifd(reader);
}

int bed_count(int reader)
{
    return atoi(bed("card %d count", reader));
}

void bed_await_command(int reader)
{
    while (bed_count(reader) == 0)
        sched_yield();
}

void bed_make_in_child(void)
{
    if (!is_virtual)
        return;
    virtual_unmake(); /* the readers are gone, the cards are not */
    virtual_make(readers);
    for (int reader = 0; reader < readers; reader++)
        bed("insert %d steerable", reader);
}

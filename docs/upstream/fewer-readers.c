/* cc fewer-readers.c $(pkg-config --cflags --libs libpcsclite)
 * ./a.out COMMAND, where COMMAND restarts pcscd with fewer readers: two or more places for readers less. */
#include <stdio.h>
#include <stdlib.h>
#include <winscard.h>

static void list(const char *when)
{
    SCARDCONTEXT context;
    char readers[65536] = "";
    DWORD length = sizeof readers;
    LONG code = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context);
    printf("%s: SCardEstablishContext 0x%08lX\n", when, (unsigned long)code);
    code = SCardListReaders(context, NULL, readers, &length);
    printf("%s: SCardListReaders 0x%08lX, the first is \"%s\"\n", when, (unsigned long)code, readers);
    SCARD_READERSTATE state = {.szReader = "\\\\?PnP?\\Notification", .dwCurrentState = SCARD_STATE_UNAWARE};
    code = SCardGetStatusChange(context, 0, &state, 1);
    printf("%s: SCardGetStatusChange 0x%08lX\n", when, (unsigned long)code);
    SCardReleaseContext(context);
}

int main(int argc, char **argv)
{
    list("before");
    if (argc != 2 || system(argv[1]) != 0)
        return 1;
    list("after");
    return 0;
}

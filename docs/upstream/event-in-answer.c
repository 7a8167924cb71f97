/* cc event-in-answer.c $(pkg-config --cflags --libs libpcsclite) -pthread, with a card in the first reader */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <winscard.h>

static char readers[65536];

/* Each of them makes pcscd signal a change to waiting clients. */
static void *use(void *unused)
{
    SCARDCONTEXT context;
    SCARDHANDLE card;
    DWORD protocol;
    SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context);
    for (;;)
        if (SCardConnect(context, readers, SCARD_SHARE_SHARED, SCARD_PROTOCOL_ANY, &card, &protocol) == SCARD_S_SUCCESS)
            SCardDisconnect(card, SCARD_RESET_CARD);
    return unused;
}

int main(void)
{
    pthread_t user;
    SCARDCONTEXT context;
    DWORD length = sizeof readers;
    SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context);
    SCardListReaders(context, NULL, readers, &length);
    const char *last = readers;
    while (last[strlen(last) + 1] != '\0')
        last += strlen(last) + 1;
    pthread_create(&user, NULL, use, NULL);
    for (long asked = 1; asked <= 1000000; asked++) {
        SCARD_READERSTATE state = {.szReader = last, .dwCurrentState = SCARD_STATE_UNAWARE};
        LONG code = SCardGetStatusChange(context, 0, &state, 1);
        if (code != SCARD_S_SUCCESS || state.dwEventState & SCARD_STATE_UNKNOWN)
            printf("question %ld: 0x%08lX, state 0x%lX\n", asked, code, state.dwEventState);
    }
    return 0;
}

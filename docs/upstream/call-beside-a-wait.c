/* cc call-beside-a-wait.c $(pkg-config --cflags --libs libpcsclite) -pthread, with a card of T=1 in the first reader */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#include <winscard.h>

static SCARDCONTEXT watched, other;
static SCARDHANDLE card;
static char readers[65536];

static void *wait_for_change(void *unused)
{
    SCARD_READERSTATE state = {.szReader = readers, .dwCurrentState = SCARD_STATE_UNAWARE};
    SCardGetStatusChange(watched, 0, &state, 1);
    state.dwCurrentState = state.dwEventState & ~SCARD_STATE_CHANGED;
    printf("SCardGetStatusChange is over: 0x%lX\n", SCardGetStatusChange(watched, INFINITE, &state, 1));
    return unused;
}

static void *transmit(void *unused)
{
    BYTE select[] = {0x00, 0xA4, 0x04, 0x00, 0x00}, response[258];
    DWORD length = sizeof response;
    printf("SCardTransmit is over: 0x%lX\n", SCardTransmit(card, SCARD_PCI_T1, select, 5, NULL, response, &length));
    return unused;
}

static void *list(void *unused)
{
    DWORD length = 0;
    printf("SCardListReaders of another context is over: 0x%lX\n", SCardListReaders(other, NULL, NULL, &length));
    return unused;
}

static void *cancel(void *unused)
{
    printf("SCardCancel is over: 0x%lX\n", SCardCancel(watched));
    return unused;
}

int main(void)
{
    void *(*threads[])(void *) = {wait_for_change, transmit, list, cancel};
    DWORD length = sizeof readers, protocol;
    pthread_t thread;
    SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &watched);
    SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &other);
    SCardListReaders(watched, NULL, readers, &length);
    SCardConnect(watched, readers, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1, &card, &protocol);
    sleep(1); /* until pcscd has reported the connection */
    for (int i = 0; i < 4; i++, sleep(1))
        pthread_create(&thread, NULL, threads[i], NULL);
    sleep(5);
    printf("the end\n");
    fflush(stdout);
    _exit(0);
}

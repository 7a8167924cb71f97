/* cc exclusive-to-shared.c $(pkg-config --cflags --libs libpcsclite), with a card in the first reader */
#include <stdio.h>
#include <unistd.h>
#include <winscard.h>

int main(void)
{
    SCARDCONTEXT one, two;
    SCARDHANDLE card, other;
    DWORD protocol, length = 65536;
    char reader[65536];
    SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &one);
    SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &two);
    SCardListReaders(one, NULL, reader, &length);
    LONG code = SCardConnect(one, reader, SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_ANY, &card, &protocol);
    printf("one, SCardConnect exclusive: 0x%lX\n", code);
    code = SCardReconnect(card, SCARD_SHARE_SHARED, SCARD_PROTOCOL_ANY, SCARD_LEAVE_CARD, &protocol);
    printf("one, SCardReconnect shared: 0x%lX\n", code);
    fflush(stdout);
    alarm(5);
    code = SCardConnect(two, reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_ANY, &other, &protocol);
    printf("two, SCardConnect shared: 0x%lX\n", code);
    return 0;
}

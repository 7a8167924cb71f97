/* cc without-power.c $(pkg-config --cflags --libs libpcsclite), with a card in the first reader */
#include <stdio.h>
#include <winscard.h>

int main(void)
{
    SCARDCONTEXT one, two;
    SCARDHANDLE card, other;
    DWORD protocol, state, length = 65536;
    char reader[65536];
    SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &one);
    SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &two);
    SCardListReaders(one, NULL, reader, &length);
    SCardConnect(one, reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_ANY, &card, &protocol);
    SCardConnect(two, reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_ANY, &other, &protocol);
    printf("two, SCardDisconnect unpower: 0x%lX\n", SCardDisconnect(other, SCARD_UNPOWER_CARD));
    LONG code = SCardReconnect(card, SCARD_SHARE_SHARED, SCARD_PROTOCOL_ANY, SCARD_LEAVE_CARD, &protocol);
    printf("one, SCardReconnect leave: 0x%lX\n", code);
    code = SCardStatus(card, NULL, NULL, &state, &protocol, NULL, NULL);
    printf("one, SCardStatus: 0x%lX, state 0x%lX, protocol %lu\n", code, state & 0xFFFF, protocol);
    code = SCardConnect(two, reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_ANY, &other, &protocol);
    printf("two, SCardConnect: 0x%lX\n", code);
    return 0;
}

/* A libpcsclite.so.1 that does nothing and succeeds: all further cost is that of the program. With ADMISSION it gives
 * that code to each new client. */
#include <winscard.h>

#ifndef ADMISSION
#define ADMISSION SCARD_S_SUCCESS
#endif

static const BYTE card_atr[] = {0x3B, 0x00};

const SCARD_IO_REQUEST g_rgSCardT0Pci = {SCARD_PROTOCOL_T0, sizeof(SCARD_IO_REQUEST)};
const SCARD_IO_REQUEST g_rgSCardT1Pci = {SCARD_PROTOCOL_T1, sizeof(SCARD_IO_REQUEST)};
const SCARD_IO_REQUEST g_rgSCardRawPci = {SCARD_PROTOCOL_RAW, sizeof(SCARD_IO_REQUEST)};

/* A loop, so that no call of the C library is counted. */
static void give(const void *bytes, DWORD count, void *to, DWORD *length)
{
    for (DWORD i = 0; to && i < count; i++)
        ((BYTE *)to)[i] = ((const BYTE *)bytes)[i];
    if (length)
        *length = count;
}

LONG SCardEstablishContext(DWORD scope, LPCVOID reserved1, LPCVOID reserved2, LPSCARDCONTEXT context)
{
    (void)scope, (void)reserved1, (void)reserved2;
    *context = 1;
    return ADMISSION;
}

LONG SCardReleaseContext(SCARDCONTEXT context)
{
    (void)context;
    return SCARD_S_SUCCESS;
}

LONG SCardConnect(SCARDCONTEXT context, LPCSTR reader, DWORD share_mode, DWORD protocols, LPSCARDHANDLE card,
                  LPDWORD protocol)
{
    (void)context, (void)reader, (void)share_mode, (void)protocols;
    *card = 1;
    *protocol = SCARD_PROTOCOL_T1;
    return SCARD_S_SUCCESS;
}

LONG SCardReconnect(SCARDHANDLE card, DWORD share_mode, DWORD protocols, DWORD initialization, LPDWORD protocol)
{
    (void)card, (void)share_mode, (void)protocols, (void)initialization;
    *protocol = SCARD_PROTOCOL_T1;
    return SCARD_S_SUCCESS;
}

LONG SCardDisconnect(SCARDHANDLE card, DWORD disposition)
{
    (void)card, (void)disposition;
    return SCARD_S_SUCCESS;
}

/* The only state: libscm uses it to ask whether something happened to the card. */
static int transactions;

LONG SCardBeginTransaction(SCARDHANDLE card)
{
    (void)card;
    transactions++;
    return SCARD_S_SUCCESS;
}

LONG SCardEndTransaction(SCARDHANDLE card, DWORD disposition)
{
    (void)card, (void)disposition;
    if (transactions == 0)
        return SCARD_E_NOT_TRANSACTED;
    transactions--;
    return SCARD_S_SUCCESS;
}

LONG SCardStatus(SCARDHANDLE card, LPSTR reader, LPDWORD reader_length, LPDWORD state, LPDWORD protocol, LPBYTE atr,
                 LPDWORD atr_length)
{
    (void)card;
    give("nothing", sizeof("nothing"), reader, reader_length);
    give(card_atr, sizeof(card_atr), atr, atr_length);
    *state = SCARD_PRESENT | SCARD_POWERED | SCARD_SPECIFIC;
    *protocol = SCARD_PROTOCOL_T1;
    return SCARD_S_SUCCESS;
}

LONG SCardGetStatusChange(SCARDCONTEXT context, DWORD timeout, SCARD_READERSTATE *readers, DWORD count)
{
    (void)context, (void)timeout;
    for (DWORD i = 0; i < count; i++) {
        readers[i].dwEventState = SCARD_STATE_CHANGED | SCARD_STATE_PRESENT;
        give(card_atr, sizeof(card_atr), readers[i].rgbAtr, &readers[i].cbAtr);
    }
    return SCARD_S_SUCCESS;
}

LONG SCardTransmit(SCARDHANDLE card, const SCARD_IO_REQUEST *send, LPCBYTE command, DWORD command_length,
                   SCARD_IO_REQUEST *receive, LPBYTE response, LPDWORD response_length)
{
    (void)card, (void)send, (void)command, (void)command_length, (void)receive;
    response[0] = 0x90;
    response[1] = 0x00;
    *response_length = 2;
    return SCARD_S_SUCCESS;
}

LONG SCardControl(SCARDHANDLE card, DWORD code, LPCVOID input, DWORD input_length, LPVOID output, DWORD capacity,
                  LPDWORD output_length)
{
    (void)card, (void)code, (void)input, (void)input_length, (void)output, (void)capacity;
    *output_length = 0;
    return SCARD_S_SUCCESS;
}

LONG SCardGetAttrib(SCARDHANDLE card, DWORD id, LPBYTE value, LPDWORD length)
{
    (void)card, (void)id;
    give(card_atr, sizeof(card_atr), value, length);
    return SCARD_S_SUCCESS;
}

LONG SCardSetAttrib(SCARDHANDLE card, DWORD id, LPCBYTE value, DWORD length)
{
    (void)card, (void)id, (void)value, (void)length;
    return SCARD_S_SUCCESS;
}

/* Two NULs end a list of one reader. */
LONG SCardListReaders(SCARDCONTEXT context, LPCSTR groups, LPSTR readers, LPDWORD length)
{
    (void)context, (void)groups;
    give("nothing\0", sizeof("nothing\0"), readers, length);
    return SCARD_S_SUCCESS;
}

LONG SCardListReaderGroups(SCARDCONTEXT context, LPSTR groups, LPDWORD length)
{
    (void)context;
    give("nothing\0", sizeof("nothing\0"), groups, length);
    return SCARD_S_SUCCESS;
}

LONG SCardCancel(SCARDCONTEXT context)
{
    (void)context;
    return SCARD_S_SUCCESS;
}

LONG SCardIsValidContext(SCARDCONTEXT context)
{
    (void)context;
    return SCARD_S_SUCCESS;
}

LONG SCardFreeMemory(SCARDCONTEXT context, LPCVOID memory)
{
    (void)context, (void)memory;
    return SCARD_S_SUCCESS;
}

/* A libpcsclite.so.1 that lies. It returns random codes, lengths, names, handles and states, sometimes late, and
 * sometimes true ones, so that a client gets further. It never writes outside of the given buffers, because that is no
 * lie but a crash. The environment variable SCM_HOSTILE_SEED has its seed. */
#define _POSIX_C_SOURCE 200809L
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <winscard.h>

#include "../conformance/random.h"

const SCARD_IO_REQUEST g_rgSCardT0Pci = {SCARD_PROTOCOL_T0, sizeof(SCARD_IO_REQUEST)};
const SCARD_IO_REQUEST g_rgSCardT1Pci = {SCARD_PROTOCOL_T1, sizeof(SCARD_IO_REQUEST)};
const SCARD_IO_REQUEST g_rgSCardRawPci = {SCARD_PROTOCOL_RAW, sizeof(SCARD_IO_REQUEST)};

/* The duration of a mood; then the next one is drawn. */
#define MOOD_MS 64

enum mood { FRIENDLY, SLOPPY, ENDLESS, WILD, MOODS };

static const BYTE ATR[] = {0x3B, 0x80, 0x80, 0x01, 0x01};
static const char LIST[] = "Hostile 0\0Hostile 1\0Hostile 2\0Hostile 3\0";

static uint64_t seed(void)
{
    const char *given = getenv("SCM_HOSTILE_SEED");
    return given == NULL ? 1 : strtoull(given, NULL, 10);
}

/* Each thread has its own random numbers. */
static struct random *dice(void)
{
    static atomic_uint threads;
    static _Thread_local struct random mine;
    static _Thread_local bool drawn;
    if (!drawn)
        mine.state = seed() + 0x10001ull * ++threads;
    drawn = true;
    return &mine;
}

static bool one_in(uint32_t n) { return random_below(dice(), n) == 0; }

static enum mood mood(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct random drawn = {seed() + (uint64_t)(now.tv_sec * 1000 + now.tv_nsec / 1000000) / MOOD_MS};
    uint32_t number = random_below(&drawn, 8);
    return number < 4 ? FRIENDLY : (enum mood)(number - 4);
}

static void wait_ms(uint32_t ms)
{
    struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

/* Sometimes longer than the limit of the caller, and than the time that the library gives a call to return. */
static void take_time(void)
{
    if (one_in(2000))
        wait_ms(one_in(20) ? 300 : random_below(dice(), 20));
}

/* Any code, in each width in which codes come. */
static LONG any_code(void)
{
    static const uint32_t OTHERS[] = {0x8000FFFF, 0x80070006, 0x80004003, 0x80070057, 0x80004001, 0x80004005,
        0x80070005,
                                      0x8007000E, 1,          6,          31,         50,         122,        0xFFFF,
                                      0x10000,    0x7FFFFFFF, 0xC0000001, 0xFFFFFFFF, 0x8010FFFF, 0x40100001};
    uint32_t code;
    switch (random_below(dice(), 4)) {
    case 0:
        code = OTHERS[random_below(dice(), sizeof OTHERS / sizeof *OTHERS)];
        break;
    case 1:
        code = (uint32_t)random_next(dice());
        break;
    default:
        code = 0x80100000 + random_below(dice(), 0x74);
    }
    return one_in(2) ? (LONG)code : (LONG)(int32_t)code;
}

/* The result of a call without other outputs. */
static LONG answer(void)
{
    take_time();
    switch (mood()) {
    case FRIENDLY:
        return one_in(50) ? any_code() : SCARD_S_SUCCESS;
    case SLOPPY:
    case ENDLESS:
        return one_in(10) ? any_code() : SCARD_S_SUCCESS;
    default:
        return one_in(3) ? SCARD_S_SUCCESS : any_code();
    }
}

/* A length: the `true` one, or a lie. */
static DWORD length_of(DWORD right, DWORD capacity)
{
    if (mood() == FRIENDLY && !one_in(100))
        return right;
    const DWORD lies[] = {0, 1, right, capacity, capacity + 1, 0xC0000000, 0x7FFFFFFF, 0xFFFFFFFF, (DWORD)-1, (DWORD)-2,
                          (DWORD)random_next(dice())};
    return lies[random_below(dice(), sizeof lies / sizeof *lies)];
}

/* Bytes, no more than fit. */
static void give(const void *bytes, DWORD count, void *to, DWORD *length)
{
    DWORD capacity = length == NULL ? 0 : *length;
    DWORD room = to == NULL ? 0 : capacity < 70000 ? capacity : 70000;
    if (mood() == FRIENDLY || one_in(2))
        memcpy(to == NULL ? &(char){0} : to, bytes, room < count ? room : count);
    else
        for (DWORD i = 0; i < room && i < 300; i++)
            ((BYTE *)to)[i] = one_in(4) ? 'A' : (BYTE)random_next(dice());
    if (length != NULL)
        *length = length_of(count, capacity);
}

/* Names without a NUL, as far as they fit. */
static LONG list(LPSTR names, LPDWORD length)
{
    DWORD capacity = *length;
    enum mood now = mood();
    take_time();
    if (now == ENDLESS && one_in(2)) {
        *length = names == NULL ? (one_in(2) ? 100 : 0xC0000000) : capacity;
        if (names != NULL)
            memset(names, 'A', capacity);
        return one_in(2) ? SCARD_S_SUCCESS : SCARD_E_INSUFFICIENT_BUFFER;
    }
    give(LIST, sizeof LIST, names, length);
    return answer();
}

static DWORD any_protocol(void)
{
    return mood() == FRIENDLY && !one_in(50) ? SCARD_PROTOCOL_T1 : (DWORD)random_below(dice(), 6);
}

static DWORD any_state(DWORD right)
{
    return mood() == FRIENDLY && !one_in(50) ? right : (DWORD)random_next(dice());
}

static LONG any_handle(LONG right)
{
    const LONG handles[] = {right, 0, -1, 1, 0x7FFFFFFF, (LONG)random_next(dice())};
    return mood() == FRIENDLY && !one_in(50) ? right : handles[random_below(dice(), sizeof handles / sizeof *handles)];
}

LONG SCardEstablishContext(DWORD scope, LPCVOID reserved1, LPCVOID reserved2, LPSCARDCONTEXT context)
{
    static atomic_long contexts;
    (void)scope, (void)reserved1, (void)reserved2;
    *context = any_handle(++contexts);
    return answer();
}

LONG SCardReleaseContext(SCARDCONTEXT context)
{
    (void)context;
    return answer();
}

LONG SCardConnect(SCARDCONTEXT context, LPCSTR reader, DWORD share_mode, DWORD protocols, LPSCARDHANDLE card,
                  LPDWORD protocol)
{
    static atomic_long cards;
    (void)context, (void)reader, (void)share_mode, (void)protocols;
    *card = any_handle(++cards);
    *protocol = any_protocol();
    return answer();
}

LONG SCardReconnect(SCARDHANDLE card, DWORD share_mode, DWORD protocols, DWORD initialization, LPDWORD protocol)
{
    (void)card, (void)share_mode, (void)protocols, (void)initialization;
    *protocol = any_protocol();
    return answer();
}

LONG SCardDisconnect(SCARDHANDLE card, DWORD disposition)
{
    (void)card, (void)disposition;
    return answer();
}

LONG SCardBeginTransaction(SCARDHANDLE card)
{
    (void)card;
    return answer();
}

LONG SCardEndTransaction(SCARDHANDLE card, DWORD disposition)
{
    (void)card, (void)disposition;
    return mood() == FRIENDLY && one_in(2) ? SCARD_E_NOT_TRANSACTED : answer();
}

LONG SCardStatus(SCARDHANDLE card, LPSTR reader, LPDWORD reader_length, LPDWORD state, LPDWORD protocol, LPBYTE atr,
                 LPDWORD atr_length)
{
    (void)card;
    if (reader_length != NULL)
        give("Hostile 0", sizeof "Hostile 0", reader, reader_length);
    if (atr_length != NULL)
        give(ATR, sizeof ATR, atr, atr_length);
    *state = any_state(SCARD_PRESENT | SCARD_POWERED | SCARD_SPECIFIC);
    *protocol = any_protocol();
    return answer();
}

LONG SCardGetStatusChange(SCARDCONTEXT context, DWORD timeout, SCARD_READERSTATE *readers, DWORD count)
{
    (void)context;
    if (timeout > 0 && !one_in(10))
        wait_ms(timeout < 30 ? (uint32_t)timeout : random_below(dice(), 30));
    for (DWORD i = 0; i < count; i++) {
        DWORD length = sizeof readers[i].rgbAtr;
        readers[i].dwEventState = any_state(SCARD_STATE_CHANGED | SCARD_STATE_PRESENT);
        give(ATR, sizeof ATR, readers[i].rgbAtr, &length);
        readers[i].cbAtr = length;
    }
    return timeout > 0 && one_in(2) ? SCARD_E_TIMEOUT : answer();
}

LONG SCardTransmit(SCARDHANDLE card, const SCARD_IO_REQUEST *send, LPCBYTE command, DWORD command_length,
                   SCARD_IO_REQUEST *receive, LPBYTE response, LPDWORD response_length)
{
    static const BYTE OK[] = {0x90, 0x00}, MORE[] = {0x61, 0x10}, WRONG[] = {0x6C, 0x04}, NO[] = {0x6A, 0x82};
    static const BYTE FCP[] = {0x62, 0x0A, 0x82, 0x01, 0x01, 0x83, 0x02, 0x3F, 0x00, 0x80, 0x01, 0x20, 0x90, 0x00};
    const struct {
        const BYTE *bytes;
        DWORD count;
    } answers[] = {{OK, 2}, {MORE, 2}, {WRONG, 2}, {NO, 2}, {FCP, sizeof FCP}};
    uint32_t which = random_below(dice(), 5);
    (void)card, (void)send, (void)command, (void)command_length, (void)receive;
    give(answers[which].bytes, answers[which].count, response, response_length);
    return answer();
}

LONG SCardControl(SCARDHANDLE card, DWORD code, LPCVOID input, DWORD input_length, LPVOID output, DWORD capacity,
                  LPDWORD output_length)
{
    static const BYTE FEATURES[] = {0x06, 0x04, 0x42, 0x33, 0x00, 0x06, 0x12, 0x04, 0x42, 0x33, 0x00, 0x12};
    DWORD length = capacity;
    (void)card, (void)code, (void)input, (void)input_length;
    give(FEATURES, sizeof FEATURES, output, &length);
    *output_length = length;
    return answer();
}

LONG SCardGetAttrib(SCARDHANDLE card, DWORD id, LPBYTE value, LPDWORD length)
{
    (void)card, (void)id;
    give(ATR, sizeof ATR, value, length);
    return mood() == ENDLESS && one_in(2) ? SCARD_E_SHARING_VIOLATION : answer();
}

LONG SCardSetAttrib(SCARDHANDLE card, DWORD id, LPCBYTE value, DWORD length)
{
    (void)card, (void)id, (void)value, (void)length;
    return answer();
}

LONG SCardListReaders(SCARDCONTEXT context, LPCSTR groups, LPSTR readers, LPDWORD length)
{
    (void)context, (void)groups;
    return list(readers, length);
}

LONG SCardListReaderGroups(SCARDCONTEXT context, LPSTR groups, LPDWORD length)
{
    (void)context;
    return list(groups, length);
}

LONG SCardCancel(SCARDCONTEXT context)
{
    (void)context;
    return answer();
}

LONG SCardIsValidContext(SCARDCONTEXT context)
{
    (void)context;
    return answer();
}

LONG SCardFreeMemory(SCARDCONTEXT context, LPCVOID memory)
{
    (void)context, (void)memory;
    return answer();
}

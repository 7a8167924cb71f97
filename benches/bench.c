/* What libscm costs: its calls against direct calls of PC/SC, by the same program, on the same card, in the same run.
 *
 *   bench [READER]                          the table; the card is the steerable one of scm-card
 *   bench READER direct|libscm NAME COUNT   one side of a comparison, COUNT times, for a tool that counts instructions
 */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <winscard.h>

#include "scm.h"

enum {
    ROUNDS = 6000,
    /* Each series has connections of its own: which thread of the daemon serves a connection, and on which core, is
     * luck, and must not be the luck of one side for the whole run. */
    SERIES = 20,
    SHORT_RESPONSE = 258,
    MAX_READERS = 16,
};

static void expect(bool true_here, const char *what, long code)
{
    if (true_here)
        return;
    fprintf(stderr, "bench: %s: 0x%08lX\n", what, code & 0xFFFFFFFF);
    exit(EXIT_FAILURE);
}

/* What is measured here are successes. */
#define PCSC(call) expect_code((call), SCARD_S_SUCCESS, #call)
#define SCM(call) expect_code((call), SCM_S_OK, #call)

static inline void expect_code(long code, long wanted, const char *what)
{
    if (code != wanted)
        expect(false, what, code);
}

/* ---- the sides ---- */

/* A direct connection to the card, in a context of its own. */
struct connection {
    SCARDCONTEXT context;
    SCARDHANDLE card;
    DWORD protocol;
};

static const char *reader;
static struct connection rival;   /* what libscm is compared with */
static struct connection another; /* another program */
static scm_handle *attachment, *replaced;

static struct connection open_connection(void)
{
    struct connection new;
    PCSC(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &new.context));
    PCSC(SCardConnect(new.context, reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &new.card,
                      &new.protocol));
    return new;
}

static void close_connection(struct connection old)
{
    PCSC(SCardDisconnect(old.card, SCARD_LEAVE_CARD));
    PCSC(SCardReleaseContext(old.context));
}

static void open_sides(bool libscm_first)
{
    if (libscm_first)
        SCM(scm_attach_by_ifd(reader, &attachment));
    rival = open_connection();
    if (!libscm_first)
        SCM(scm_attach_by_ifd(reader, &attachment));
    another = open_connection();
    SCM(scm_attach_by_ifd(reader, &replaced));
}

static void close_sides(void)
{
    SCM(scm_detach(replaced));
    close_connection(another);
    close_connection(rival);
    SCM(scm_detach(attachment));
}

/* ---- the operations: each in one file with its rival, so that both are compiled alike ---- */

/* What is sent, the room for the answer, and how long that is from the steerable card. */
struct command {
    uint8_t bytes[260];
    size_t length, capacity, answer;
};

/* 80 EC 00 00: the card echoes the data. 80 CA P1 P2: it gives P1P2 bytes. */
static const struct command echo_2 = {{0x80, 0xEC, 0, 0, 2, 1, 2}, 7, SHORT_RESPONSE, 4};
static const struct command echo_250 = {{0x80, 0xEC, 0, 0, 250}, 255, SHORT_RESPONSE, 252};
static const struct command get_32000 = {{0x80, 0xCA, 0x7D, 0x00}, 4, SCM_RESPONSE_MAX, 32002};

static uint8_t response[SCM_RESPONSE_MAX];

static DWORD transmit_by(const struct connection *connection, const struct command *command)
{
    DWORD length = command->capacity;
    PCSC(SCardTransmit(connection->card, connection->protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1,
                       command->bytes, command->length, NULL, response, &length));
    return length;
}

static void direct_transmit(const struct command *command)
{
    transmit_by(&rival, command);
}

static void another_transmit(const struct command *command)
{
    transmit_by(&another, command);
}

static void libscm_transmit(const struct command *command)
{
    size_t length;
    SCM(scm_transmit(attachment, command->bytes, command->length, response, command->capacity, &length));
}

static void direct_status(const struct command *unused)
{
    (void)unused;
    DWORD state, protocol;
    PCSC(SCardStatus(rival.card, NULL, NULL, &state, &protocol, NULL, NULL));
}

static void libscm_status(const struct command *unused)
{
    (void)unused;
    uint32_t state, protocol;
    SCM(scm_status(attachment, &state, &protocol));
}

static void direct_lock(const struct command *unused)
{
    (void)unused;
    PCSC(SCardBeginTransaction(rival.card));
    PCSC(SCardEndTransaction(rival.card, SCARD_LEAVE_CARD));
}

static void libscm_lock(const struct command *unused)
{
    (void)unused;
    SCM(scm_lock(attachment));
    SCM(scm_unlock(attachment, SCM_DISPOSITION_LEAVE));
}

/* What a program without a reconnect would do; another attachment, so that the measured one has its reset to acknowledge. */
static void replace_attachment(const struct command *unused)
{
    (void)unused;
    SCM(scm_detach(replaced));
    SCM(scm_attach_by_ifd(reader, &replaced));
}

/* Who answers: the ATR and the reader's count of events, as the reader has them. */
static void look(struct connection connection)
{
    SCARD_READERSTATE state = {.szReader = reader, .dwCurrentState = SCARD_STATE_UNAWARE};
    PCSC(SCardGetStatusChange(connection.context, 0, &state, 1));
}

/* The same, and whether the card has power, as the card handle has them. */
static void identify(struct connection connection)
{
    char name[MAX_READERNAME];
    BYTE atr[MAX_ATR_SIZE];
    DWORD name_length = sizeof(name), atr_length = sizeof(atr), state, protocol;
    PCSC(SCardStatus(connection.card, name, &name_length, &state, &protocol, atr, &atr_length));
}

static void direct_reconnect(const struct command *unused)
{
    (void)unused;
    PCSC(SCardReconnect(rival.card, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, SCARD_LEAVE_CARD,
                        &rival.protocol));
}

/* What a program does that wants to know of a reset before the reconnect hides it, and of another card after it. */
static void careful_reconnect(const struct command *unused)
{
    DWORD state, protocol;
    LONG code = SCardStatus(rival.card, NULL, NULL, &state, &protocol, NULL, NULL);
    expect(code == SCARD_S_SUCCESS || code == SCARD_W_RESET_CARD, "SCardStatus", code);
    direct_reconnect(unused);
    look(rival);
}

static void libscm_reconnect(const struct command *unused)
{
    (void)unused;
    SCM(scm_reconnect(attachment));
}

static void reset_by_another(void)
{
    PCSC(SCardReconnect(another.card, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, SCARD_RESET_CARD,
                        &another.protocol));
}

static void direct_attach(const struct command *unused)
{
    (void)unused;
    close_connection(open_connection());
}

static void attach_and_look(const struct command *unused)
{
    (void)unused;
    struct connection new = open_connection();
    look(new);
    close_connection(new);
}

static void attach_and_identify(const struct command *unused)
{
    (void)unused;
    struct connection new = open_connection();
    identify(new);
    close_connection(new);
}

static void libscm_attach(const struct command *unused)
{
    (void)unused;
    scm_handle *handle;
    SCM(scm_attach_by_ifd(reader, &handle));
    SCM(scm_detach(handle));
}

/* ---- the comparisons ---- */

typedef void operation(const struct command *);

struct comparison {
    const char *name, *against;
    operation *direct, *libscm;
    const struct command *command;
    void (*before)(void); /* what happens before each round, unmeasured */
    int rounds;
    const char *aim;
};

/* Of several with one name the first learns as much as libscm does. The first of all compares like with like. */
static const struct comparison comparisons[] = {
    {"(noise)", "Transmit, 2 bytes", direct_transmit, another_transmit, &echo_2, NULL, ROUNDS, ""},
    {"transmit", "Transmit, 2 bytes", direct_transmit, libscm_transmit, &echo_2, NULL, ROUNDS, "1.01"},
    {"transmit", "Transmit, 250 bytes", direct_transmit, libscm_transmit, &echo_250, NULL, ROUNDS, "1.01"},
    {"transmit", "Transmit, 32,000 bytes", direct_transmit, libscm_transmit, &get_32000, NULL, ROUNDS / 5, "1.01"},
    {"status", "Status", direct_status, libscm_status, NULL, NULL, ROUNDS, "1.01"},
    {"lock+unlock", "Begin, End", direct_lock, libscm_lock, NULL, NULL, ROUNDS, "1.30"},
    {"reconnect", "Status, Reconnect, GetStatusChange", careful_reconnect, libscm_reconnect, NULL, NULL, ROUNDS, ""},
    {"reconnect", "Reconnect", direct_reconnect, libscm_reconnect, NULL, NULL, ROUNDS, "1.01"},
    {"after a reset", "Status, Reconnect, GetStatusChange", careful_reconnect, libscm_reconnect, NULL,
     reset_by_another, ROUNDS / 5, ""},
    {"after a reset", "Reconnect", direct_reconnect, libscm_reconnect, NULL, reset_by_another, ROUNDS / 5, "1.05"},
    {"after a reset", "scm_detach, scm_attach_by_ifd", replace_attachment, libscm_reconnect, NULL, reset_by_another,
     ROUNDS / 5, ""},
    {"attach+detach", "Establish, Connect, Status (ATR), ...", attach_and_identify, libscm_attach, NULL, NULL, ROUNDS,
     ""},
    {"attach+detach", "Establish, Connect, GetStatusChange, ...", attach_and_look, libscm_attach, NULL, NULL, ROUNDS,
     ""},
    {"attach+detach", "Establish, Connect, Disconnect, Release", direct_attach, libscm_attach, NULL, NULL, ROUNDS,
     "1.02"},
    {"lock+unlock", "Begin, End, beside an idle thread", direct_lock, libscm_lock, NULL, NULL, ROUNDS, ""},
};
enum {
    COMPARISONS = sizeof(comparisons) / sizeof(*comparisons),
    /* The first of those that are measured in a process with a second thread. */
    THREADED = COMPARISONS - 1,
};

/* ---- time ---- */

/* Nanoseconds of each round. */
struct times {
    int64_t direct[ROUNDS], libscm[ROUNDS];
    int count;
};

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int64_t time_of(operation *run, const struct command *command)
{
    int64_t start = now();
    run(command);
    return now() - start;
}

/* One round: both sides, one right after the other. */
static void measure(const struct comparison *what, bool libscm_first, struct times *times)
{
    int64_t libscm = 0, direct = 0;
    if (what->before)
        what->before();
    if (libscm_first)
        libscm = time_of(what->libscm, what->command);
    direct = time_of(what->direct, what->command);
    if (!libscm_first)
        libscm = time_of(what->libscm, what->command);
    times->direct[times->count] = direct;
    times->libscm[times->count] = libscm;
    times->count++;
}

static void measure_series(int series, struct times *times, int first, int end)
{
    open_sides(series % 2);
    for (int i = first; i < end; i++)
        for (int round = 0; round < comparisons[i].rounds / SERIES; round++)
            measure(&comparisons[i], round % 2, &times[i]);
    close_sides();
}

static int ascending(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* In microseconds. */
static double median(int64_t *times, int count)
{
    qsort(times, (size_t)count, sizeof(*times), ascending);
    return (double)(times[(count - 1) / 2] + times[count / 2]) / 2000;
}

/* Of two rounds at a time: who comes first finds other caches, and comes second in the next round. */
static double median_difference(const struct times *times)
{
    static int64_t differences[ROUNDS / 2];
    const int64_t *direct = times->direct, *libscm = times->libscm;
    for (int i = 0; i + 1 < times->count; i += 2)
        differences[i / 2] = (libscm[i] - direct[i] + libscm[i + 1] - direct[i + 1]) / 2;
    return median(differences, times->count / 2);
}

static void print_row(const struct comparison *what, struct times *times)
{
    double difference = median_difference(times); /* before the rounds are sorted */
    double direct = median(times->direct, times->count), libscm = median(times->libscm, times->count);
    printf("%-14s %-41s %9.1f %9.1f %7.3f %+9.2f   %s\n", what->name, what->against, direct, libscm, libscm / direct,
           difference, what->aim);
}

static void *sleep_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

/* It could cancel a wait, so from now on libscm makes its locks on threads of their own. */
static void start_thread(void)
{
    pthread_t thread;
    expect(pthread_create(&thread, NULL, sleep_for_ever, NULL) == 0, "pthread_create", 0);
}

static void print_table(void)
{
    static struct times times[COMPARISONS];
    for (int series = 0; series < SERIES; series++)
        measure_series(series, times, 0, THREADED);
    start_thread();
    for (int series = 0; series < SERIES; series++)
        measure_series(series, times, THREADED, COMPARISONS);
    printf("%-14s %-41s %9s %9s %7s %9s   %s\n", "libscm", "against SCard...", "direct us", "libscm us", "ratio",
           "diff us", "aim");
    for (int i = 0; i < COMPARISONS; i++)
        print_row(&comparisons[i], &times[i]);
}

/* ---- one side alone ---- */

static const struct comparison *comparison_named(const char *name)
{
    for (int i = 0; i < COMPARISONS; i++)
        if (strcmp(comparisons[i].name, name) == 0)
            return &comparisons[i];
    fprintf(stderr, "bench: no comparison is named %s\n", name);
    exit(EXIT_FAILURE);
}

static void run_alone(const char *side, const char *name, int count)
{
    const struct comparison *what = comparison_named(name);
    operation *run = strcmp(side, "libscm") == 0 ? what->libscm : what->direct;
    open_sides(false);
    for (int i = 0; i < count; i++)
        run(what->command);
    close_sides();
}

/* ---- the reader and its card ---- */

static bool has_card(SCARDCONTEXT context, const char *name)
{
    SCARD_READERSTATE state = {.szReader = name, .dwCurrentState = SCARD_STATE_UNAWARE};
    PCSC(SCardGetStatusChange(context, 0, &state, 1));
    return state.dwEventState & SCARD_STATE_PRESENT;
}

static const char *first_reader_with_card(void)
{
    static char names[MAX_READERS * MAX_READERNAME + 1];
    SCARDCONTEXT context;
    DWORD length = sizeof(names);
    PCSC(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context));
    PCSC(SCardListReaders(context, NULL, names, &length));
    const char *name = names;
    while (*name && !has_card(context, name))
        name += strlen(name) + 1;
    expect(*name, "no reader has a card", SCARD_E_NO_SMARTCARD);
    PCSC(SCardReleaseContext(context));
    return name;
}

/* Another card would be measured as well, but with other lengths than the table says. */
static void check_card(void)
{
    const struct command *commands[] = {&echo_2, &echo_250, &get_32000};
    struct connection connection = open_connection();
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        DWORD length = transmit_by(&connection, commands[i]);
        expect(length == commands[i]->answer, "not the steerable card of scm-card: length", (long)length);
    }
    close_connection(connection);
}

int main(int argc, char **argv)
{
    reader = argc > 1 ? argv[1] : first_reader_with_card();
    if (argc == 5) {
        run_alone(argv[2], argv[3], atoi(argv[4]));
        return EXIT_SUCCESS;
    }
    check_card();
    print_table();
    return EXIT_SUCCESS;
}

/* How fast a contended reader is handed over, how late a call with a limit ends, and the cost of a wait for another
 * process.
 *
 *   contended [READER]
 *
 * Two threads take 20 locks of 1 ms each on one reader: with direct calls, each thread with its own context, and with
 * libscm, alternating in one run. 40 ms is the minimum. */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <winscard.h>

#include "measure.h"
#include "scm.h"

enum { ROUNDS = 15, LOCKS = 20, THREADS = 2, LIMIT_MS = 100, WAIT_MS = 3000 };

static char reader[MAX_READERNAME];

static void hold_for_1_ms(void)
{
    double start = now_ms();
    while (now_ms() - start < 1) {
    }
}

struct connection {
    SCARDCONTEXT context;
    SCARDHANDLE card;
};

static struct connection open_connection(void)
{
    struct connection new;
    DWORD protocol;
    expect(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &new.context) == SCARD_S_SUCCESS, "no context");
    expect(SCardConnect(new.context, reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_ANY, &new.card, &protocol) ==
               SCARD_S_SUCCESS,
           "no connection");
    return new;
}

static void close_connection(struct connection old)
{
    SCardDisconnect(old.card, SCARD_LEAVE_CARD);
    SCardReleaseContext(old.context);
}

/* The longest wait of a thread for one lock. */
static double longest[THREADS];
static pthread_barrier_t start_line;

static void note_wait(int thread, double start)
{
    if (now_ms() - start > longest[thread])
        longest[thread] = now_ms() - start;
}

static void *direct(void *number)
{
    struct connection mine = open_connection();
    pthread_barrier_wait(&start_line);
    for (int i = 0; i < LOCKS; i++) {
        double start = now_ms();
        expect(SCardBeginTransaction(mine.card) == SCARD_S_SUCCESS, "no transaction");
        note_wait((int)(size_t)number, start);
        hold_for_1_ms();
        expect(SCardEndTransaction(mine.card, SCARD_LEAVE_CARD) == SCARD_S_SUCCESS, "no end");
    }
    close_connection(mine);
    return NULL;
}

static void *libscm(void *number)
{
    scm_handle *mine;
    expect(scm_attach_by_ifd(reader, &mine) == SCM_S_OK, "no attachment");
    pthread_barrier_wait(&start_line);
    for (int i = 0; i < LOCKS; i++) {
        double start = now_ms();
        expect(scm_lock(mine) == SCM_S_OK, "no lock");
        note_wait((int)(size_t)number, start);
        hold_for_1_ms();
        expect(scm_unlock(mine, SCM_DISPOSITION_LEAVE) == SCM_S_OK, "no unlock");
    }
    scm_detach(mine);
    return NULL;
}

struct figures {
    double total[ROUNDS], longest[ROUNDS];
};

static void contend(void *(*side)(void *), struct figures *figures, int round)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&start_line, NULL, THREADS + 1);
    memset(longest, 0, sizeof longest);
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, side, (void *)i);
    pthread_barrier_wait(&start_line);
    double start = now_ms();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    figures->total[round] = now_ms() - start;
    figures->longest[round] = longest[0] > longest[1] ? longest[0] : longest[1];
    pthread_barrier_destroy(&start_line);
}

static void hand_over(void)
{
    static struct figures directly, by_libscm;
    for (int round = 0; round < ROUNDS; round++) {
        contend(round % 2 ? libscm : direct, round % 2 ? &by_libscm : &directly, round);
        contend(round % 2 ? direct : libscm, round % 2 ? &directly : &by_libscm, round);
    }
    printf("%-46s %10s %10s %8s   aim\n", "2 threads, 20 locks of 1 ms each", "direct ms", "libscm ms", "ratio");
    double a = median(directly.total, ROUNDS), b = median(by_libscm.total, ROUNDS);
    printf("%-46s %10.1f %10.1f %8.3f   under 50 ms\n", "  until both are done, median", a, b, b / a);
    a = median(directly.longest, ROUNDS), b = median(by_libscm.longest, ROUNDS);
    printf("%-46s %10.1f %10.1f %8.3f\n", "  longest wait for one lock, median", a, b, b / a);
    printf("%-46s %10.1f %10.1f\n", "  longest wait for one lock, of all rounds", directly.longest[ROUNDS - 1],
           by_libscm.longest[ROUNDS - 1]);
}

/* Another process holds the card until it is told to leave. */
static pid_t hold(int *release)
{
    int held[2], go[2];
    char byte;
    expect(pipe(held) == 0 && pipe(go) == 0, "no pipe");
    pid_t pid = fork();
    if (pid == 0) {
        struct connection other = open_connection();
        expect(SCardBeginTransaction(other.card) == SCARD_S_SUCCESS && write(held[1], "x", 1) == 1, "cannot hold");
        close(go[1]);
        _exit(read(go[0], &byte, 1) != 0);
    }
    close(held[1]);
    close(go[0]);
    expect(pid > 0 && read(held[0], &byte, 1) == 1, "nobody holds");
    close(held[0]);
    *release = go[1];
    return pid;
}

static double cpu_ms(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

static void wait_for_another_process(void)
{
    int release;
    double late[ROUNDS];
    pid_t pid = hold(&release);
    scm_handle *mine;
    scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
    /* An attach waits for the lock too, so the holder releases it for that moment. */
    close(release);
    waitpid(pid, NULL, 0);
    expect(scm_attach_by_ifd_ex(reader, &options, &mine) == SCM_S_OK, "no attachment");
    pid = hold(&release);
    for (int i = 0; i < ROUNDS; i++) {
        double start = now_ms();
        expect(scm_lock_ex(mine, LIMIT_MS) == SCM_SCARD_E_TIMEOUT, "the limit does not hold");
        late[i] = now_ms() - start - LIMIT_MS;
    }
    double cpu = cpu_ms(), start = now_ms();
    expect(scm_lock_ex(mine, WAIT_MS) == SCM_SCARD_E_TIMEOUT, "the limit does not hold");
    double share = (cpu_ms() - cpu) / (now_ms() - start) * 100;
    close(release);
    waitpid(pid, NULL, 0);
    scm_detach(mine);
    double typical = median(late, ROUNDS);
    printf("%-46s %21.2f %8s   under 50 ms\n", "a limit of 100 ms ends so late, ms, median", typical, "");
    printf("%-46s %21.2f %8s   under 50 ms\n", "  the latest", late[ROUNDS - 1], "");
    printf("%-46s %21.2f %8s   under 2 %%\n", "waiting for another process, % of a core", share, "");
}

static bool has_card(SCARDCONTEXT context, const char *name)
{
    SCARD_READERSTATE state = {.szReader = name, .dwCurrentState = SCARD_STATE_UNAWARE};
    return SCardGetStatusChange(context, 0, &state, 1) == SCARD_S_SUCCESS && state.dwEventState & SCARD_STATE_PRESENT;
}

static void choose_reader(const char *wanted)
{
    SCARDCONTEXT context;
    static char names[16 * MAX_READERNAME];
    DWORD length = sizeof names;
    expect(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) == SCARD_S_SUCCESS &&
               SCardListReaders(context, NULL, names, &length) == SCARD_S_SUCCESS,
           "no readers");
    const char *name = wanted != NULL ? wanted : names;
    while (*name != '\0' && !has_card(context, name))
        name += strlen(name) + 1;
    expect(*name != '\0', "no reader has a card");
    strcpy(reader, name);
    SCardReleaseContext(context);
}

int main(int argc, char **argv)
{
    choose_reader(argc > 1 ? argv[1] : NULL);
    hand_over();
    wait_for_another_process();
    return EXIT_SUCCESS;
}

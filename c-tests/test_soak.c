/* A soak: threads of two processes use four readers in every way, and every 50 ms a reader, a card or the service gets
 * a fault. No call hangs, every answer is possible, nothing is left at the end, and no command is sent twice.
 *
 *   test_soak --pcscd|--virtual SECONDS [SEED]
 *
 * Virtual readers are inside one process, which then has all threads. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "bed.h"
#include "scm.h"
#include "soak/commands.h"
#include "soak/worker.h"
#include "stack.h"
#include "wait.h"

enum { THREADS = 8, PROCESSES = 2, BEAT_MS = 50, COLLECT_MS = 400 };

#define ATR_A "3B80800101"
#define ATR_B "3B8180010203"

/* The card in this reader is never removed, so its log is complete: it has every answered command. */
#define STEADY 3

static struct soak *soak;
static uint64_t dice;

/* The current fault of each reader; it ends after this time. */
static struct trouble {
    const char *undo; /* NULL for none */
    double until;
} troubles[SOAK_READERS], of_service;

/* An order that may fail: another has the card, or it has left. */
static bool try_order(const char *order, int reader)
{
    char line[128];
    snprintf(line, sizeof line, order, reader);
    if (!bed_is_virtual())
        return stack_try("%s", line) != NULL;
    bed("%s", line);
    return true;
}

static void pull_and_put_back(int reader)
{
    if (reader == STEADY)
        return;
    commands_collect(soak, reader);
    const char *card = below(&dice, 4) ? "insert-now %d steerable " ATR_A : "insert-now %d steerable " ATR_B;
    if (try_order("pull %d", reader) && !try_order(card, reader))
        soak_fail(soak, "no card can be put into reader %d", reader);
}

/* Reverts all orders to a card. */
static const char of_card[] = "card %d forget";

/* The faults of a card, a reader or the service, and their ends. Another program that holds a card is one of our
 * threads on virtual readers, which has enough of those. */
static const struct fault {
    const char *order, *undo;
    int lasts_ms;
    bool of_service, on_virtual, on_steady;
    bool seldom; /* too slow to be frequent */
} FAULTS[] = {
    {"reset %d warm", NULL, 0, false, true, true, false},
    {"reset %d cold", NULL, 0, false, true, true, false},
    {"reset %d warm", NULL, 0, false, true, true, false},
    {NULL, NULL, 0, false, true, false, false}, /* removed and inserted */
    {NULL, NULL, 0, false, true, false, false},
    {"hold %d transaction", "release %d leave", 100, false, false, true, false},
    {"hold %d transaction", "release %d reset", 100, false, false, true, false},
    {"hold %d transaction", "release %d die", 100, false, false, true, false},
    {"hold %d shared", "release %d unpower", 100, false, false, true, false},
    {"hold %d exclusive", "release %d leave", 100, false, false, true, false},
    {"card %d mute", of_card, 300, false, true, true, false},
    {"card %d delay 30", of_card, 200, false, true, true, false},
    {"card %d answer 80EC 90", of_card, 100, false, true, false, false},
    {"card %d half 1", of_card, 300, false, false, false, false},
    {"daemon restart kill", NULL, 0, true, true, true, true},
    {"daemon restart stop", NULL, 0, true, true, true, true},
    {"daemon kill", "daemon start", 200, true, true, true, true},
    {"daemon freeze", "daemon thaw", 100, true, false, true, true},
    {"unplug %d", "plug %d", 300, false, true, false, true},
};
enum { FAULT_COUNT = sizeof FAULTS / sizeof *FAULTS };

static void undo(struct trouble *trouble, int reader)
{
    if (trouble->undo == of_card) {
        /* An order for the next command may still be pending. */
        try_order("card %d forget", reader);
        try_order("card %d plug", reader);
        try_order("card %d unmute", reader);
    } else if (trouble->undo != NULL)
        try_order(trouble->undo, reader);
    trouble->undo = NULL;
}

static void undo_what_is_over(double now)
{
    if (of_service.undo != NULL && now >= of_service.until)
        undo(&of_service, 0);
    for (int reader = 0; reader < SOAK_READERS && of_service.undo == NULL; reader++)
        if (troubles[reader].undo != NULL && now >= troubles[reader].until)
            undo(&troubles[reader], reader);
}

static void make_fault(void)
{
    const struct fault *fault = &FAULTS[below(&dice, FAULT_COUNT)];
    int reader = (int)below(&dice, SOAK_READERS);
    struct trouble *trouble = fault->of_service ? &of_service : &troubles[reader];
    /* Without the service nothing else can be ordered. */
    if (of_service.undo != NULL || trouble->undo != NULL || (fault->seldom && below(&dice, 4) != 0))
        return;
    if ((bed_is_virtual() && !fault->on_virtual) || (reader == STEADY && !fault->on_steady))
        return;
    if (fault->order == NULL)
        pull_and_put_back(reader);
    else
        try_order(fault->order, reader);
    /* Also for a failed order, of which half may have happened: a missing reader, a late daemon. */
    if (fault->undo != NULL)
        *trouble = (struct trouble){fault->undo, now_ms() + fault->lasts_ms};
}

static void sleep_until(double moment)
{
    double rest = moment - now_ms();
    struct timespec time = {(time_t)(rest / 1e3), (long)(rest * 1e6) % 1000000000};
    if (rest > 0)
        nanosleep(&time, NULL);
}

static void make_faults(void)
{
    double beat = soak->start, collected = soak->start;
    while (now_ms() < soak->end) {
        undo_what_is_over(now_ms());
        make_fault();
        if (now_ms() - collected > COLLECT_MS) {
            for (int reader = 0; reader < SOAK_READERS; reader++)
                commands_collect(soak, reader);
            collected = now_ms();
        }
        /* After an order that waited for the daemon no beats are made up for. */
        beat = now_ms() - beat > 10 * BEAT_MS ? now_ms() : beat + BEAT_MS;
        sleep_until(beat);
    }
    undo(&of_service, 0);
    for (int reader = 0; reader < SOAK_READERS; reader++)
        undo(&troubles[reader], reader);
}

static void *run_here(void *unused)
{
    (void)unused;
    worker_run(soak, 0, PROCESSES * THREADS);
    return NULL;
}

/* A card whose connection broke with a daemon that was killed stays unseen, and comes out first. The bed removes a card
 * that pcscd has not reported in time, as after a restart on a busy machine. */
static void put_in(int reader)
{
    bool is_in = false;
    try_order("pull %d", reader);
    for (int tries = 0; tries < 3 && !is_in; tries++)
        is_in = try_order("insert %d steerable " ATR_A, reader);
    if (!is_in)
        soak_fail(soak, "no card can be put into reader %d", reader);
}

/* As at the start, with new cards. */
static void check_memory(long before)
{
    commands_forget();
    for (int reader = 0; reader < SOAK_READERS; reader++)
        put_in(reader);
    soak_compare_memory(soak, before);
}

/* Nobody has a card, and nobody is about to get one. */
static void check_that_all_is_free(void)
{
    for (int reader = 0; reader < SOAK_READERS; reader++) {
        scm_handle *handle;
        scm_attach_options exclusive = SCM_ATTACH_OPTIONS_INIT;
        exclusive.share_mode = SCM_SHARE_EXCLUSIVE;
        scm_result result;
        double start = now_ms();
        bool is_missing = false;
        do {
            result = scm_attach_by_ifd_ex(bed_ifd(reader), &exclusive, &handle);
            /* A removal that failed halfway, as in a restart of the daemon, is not followed by an insertion. */
            if (result == SCM_SCARD_E_NO_SMARTCARD && !is_missing && now_ms() - start > 3000 && reader != STEADY) {
                is_missing = true;
                put_in(reader);
            }
        } while (result != SCM_S_OK && now_ms() - start < 10000);
        if (result != SCM_S_OK)
            soak_fail(soak, "reader %d is not free: %s", reader, scm_result_name(result));
        else
            scm_detach(handle);
    }
}

static void check_commands(void)
{
    for (int reader = 0; reader < SOAK_READERS; reader++)
        commands_collect(soak, reader);
    if (soak->answered[STEADY] > commands_of(STEADY))
        soak_fail(soak, "%llu commands were answered, and the card has received %llu",
                  (unsigned long long)soak->answered[STEADY], commands_of(STEADY));
}

static int report(void)
{
    printf("soak: %llu calls, %llu of them S_OK; %llu, %llu, %llu and %llu commands; "
           "%d limits missed by more than 50 ms, by %d ms at most; %d failures\n",
           (unsigned long long)soak->calls, (unsigned long long)soak->successes, commands_of(0), commands_of(1),
           commands_of(2), commands_of(3), soak->late, soak->latest_ms, soak->failures);
    if (soak->calls < 100)
        soak_fail(soak, "that is nothing");
    return soak->failures > 0;
}

int main(int argc, char **argv)
{
    char *pcscd[] = {argv[0], "--pcscd", NULL}, *virtual[] = {argv[0], "--virtual", "4", NULL};
    bool is_virtual = argc > 1 && strcmp(argv[1], "--virtual") == 0;
    int seconds = argc > 2 ? atoi(argv[2]) : 0;
    if (seconds < 1 || argc > 4) {
        fprintf(stderr, "usage: %s --pcscd|--virtual SECONDS [SEED]\n", argv[0]);
        return 2;
    }
    bed_make(is_virtual ? 3 : 2, is_virtual ? virtual : pcscd);
    for (int reader = 0; reader < SOAK_READERS; reader++)
        bed("insert %d steerable " ATR_A, reader);

    soak = mmap(NULL, sizeof *soak, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (soak == MAP_FAILED)
        abort();
    soak->seed = argc > 3 ? strtoull(argv[3], NULL, 10) : (uint64_t)time(NULL) * 1000003 + (uint64_t)getpid();
    printf("soak: seed %llu, %d seconds\n", (unsigned long long)soak->seed, seconds);
    fflush(stdout);
    long memory = memory_in_use();
    dice = soak->seed;
    soak->start = now_ms();
    soak->end = soak->start + 1e3 * seconds;

    pthread_t here;
    pid_t workers[PROCESSES];
    if (is_virtual && pthread_create(&here, NULL, run_here, NULL) != 0)
        abort();
    /* Before, neither threads nor the library were used. */
    for (int i = 0; !is_virtual && i < PROCESSES; i++)
        if ((workers[i] = fork()) == 0) {
            worker_run(soak, i, THREADS);
            exit(0);
        }
    make_faults();
    if (is_virtual)
        pthread_join(here, NULL);
    for (int i = 0; !is_virtual && i < PROCESSES; i++) {
        int status;
        if (waitpid(workers[i], &status, 0) != workers[i] || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
            soak_fail(soak, "a process has crashed, or was found hanging (status %x)", (unsigned)status);
    }
    check_commands();
    check_that_all_is_free();
    int outcome = report();
    if (is_virtual)
        check_memory(memory);
    return outcome || soak->failures > 0;
}

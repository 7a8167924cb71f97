/* Thousands of process ends with random state, way and moment. An end is good if the process exits with the requested
 * status, prints nothing, and is gone in time, and if the card is free afterwards.
 *
 *     scm-stack run -- test_ends --pcscd [ENDS [SEED]]      on a pcscd that runs, hangs, or dies at that moment
 *     test_ends --virtual [ENDS [SEED]]                     on virtual readers only */
#define _GNU_SOURCE /* memfd_create */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bed.h"
#include "child.h"
#include "wait.h"

#define ENDS 1000
#define BATCH 8 /* while the service hangs or dies, which costs the same for many processes */
#define PAIR 2  /* otherwise: more at once disturb each other, and their threads would not run at the end */
/* No process is that slow: one that has not ended hangs. */
#define HANGS_MS 20000
/* Half of the ends are faster, even on a busy machine. A hanging service is waited for 80 ms. */
#define MEDIAN_MS 150
#define ENOUGH 20 /* for a median */
#define FAILURES_SHOWN 20

/* --- The drawn state, and the result */

enum condition { RUNS, HANGS, DIES, CONDITIONS };
static const char *const CONDITION[] = {"runs", "hangs", "dies"};

/* The programs. The linked one ends in every way. The others load the library in different ways. */
enum program { LINKED, STATIC, LOADED, PYTHON, PROGRAMS };
static const char *const PROGRAM[] = {"", "static", "dlopen", "python"};

#define STATE_COUNT 9
#define WAY_COUNT 8
#define COLUMNS (WAY_COUNT + PROGRAMS - 1)

struct cell {
    int runs, failures;
};

static struct cell table[CONDITIONS][STATE_COUNT][COLUMNS];
static int failures;
/* Durations of the ends in microseconds, for each condition and state. */
static struct {
    int *us, count;
} times[CONDITIONS][STATE_COUNT];

struct end {
    pid_t pid;
    enum condition condition;
    enum program program;
    int state, way;
    unsigned seed;
    int ready, report, said; /* descriptors for its start, its end, and its output */
    double began_ms;
};

static unsigned seed;

static int draw(int below)
{
    seed = seed * 1664525u + 1013904223u;
    return (int)((seed >> 8) % (unsigned)below);
}

static void must(bool condition, const char *what)
{
    if (!condition) {
        perror(what);
        exit(3);
    }
}

/* --- One end */

static void describe(const struct end *end)
{
    fprintf(stderr, "%s %s %s, seed %u, service %s: ", STATES[end->state], WAYS[end->way], PROGRAM[end->program],
            end->seed, CONDITION[end->condition]);
}

static void fail(const struct end *end, const char *why, int number)
{
    if (failures++ < FAILURES_SHOWN) {
        describe(end);
        fprintf(stderr, why, number);
        fputc('\n', stderr);
    }
    table[end->condition][end->state][end->program == LINKED ? end->way : WAY_COUNT + (int)end->program - 1].failures++;
}

static void become_child(const struct end *end)
{
    static const char *const PATH[] = {EXIT_LINKED, EXIT_STATIC, EXIT_LOADED, PYTHON3};
    char number[16];
    const char *ifd = bed_is_virtual() ? "" : bed_ifd(0);
    snprintf(number, sizeof number, "%u", end->seed);
    must(dup2(end->report, REPORT_FD) >= 0 && dup2(end->ready, READY_FD) >= 0 && dup2(end->said, STDERR_FILENO) >= 0 &&
             dup2(end->said, STDOUT_FILENO) >= 0,
         "dup2");
    const char *path = PATH[end->program], *state = STATES[end->state], *way = WAYS[end->way];
    if (end->program == PYTHON)
        execl(path, path, CHILD_SCRIPT, state, way, number, ifd, (char *)NULL);
    else
        execl(path, path, state, way, number, ifd, (char *)NULL);
    _exit(127);
}

/* A number unknown to the children. */
static int renumber(int file, const char *name)
{
    int other = fcntl(file, F_DUPFD_CLOEXEC, READY_FD + 1);
    must(other >= 0, name);
    close(file);
    return other;
}

static int make_file(const char *name) { return renumber(memfd_create(name, MFD_CLOEXEC), name); }

static enum program draw_program(void)
{
    if (strlen(EXIT_STATIC) == 0 || draw(4) > 0)
        return LINKED;
    /* Python starts ten times slower. */
    return draw(16) == 0 ? PYTHON : 1 + draw(2);
}

static struct end start(enum condition condition, int ready)
{
    struct end end = {.condition = condition, .program = draw_program(), .ready = ready};
    end.state = draw(STATE_COUNT);
    /* These live long, and are all alike. */
    if ((end.state == 0 || end.state == STATE_COUNT - 1) && draw(4) > 0)
        end.state = 1 + draw(STATE_COUNT - 2);
    end.way = end.program == LINKED ? draw(WAY_COUNT) : 0;
    end.seed = (unsigned)draw(1 << 24);
    end.report = make_file("report");
    end.said = make_file("said");
    end.began_ms = now_ms();
    end.pid = fork();
    must(end.pid >= 0, "fork");
    if (end.pid == 0)
        become_child(&end);
    return end;
}

static void note_time(const struct end *end, double gone_ms)
{
    int64_t began_ns;
    if (pread(end->report, &began_ns, sizeof began_ns, 0) != sizeof began_ns)
        return;
    int n = times[end->condition][end->state].count++, **us = &times[end->condition][end->state].us;
    *us = realloc(*us, ((size_t)n + 1) * sizeof **us);
    must(*us != NULL, "realloc");
    (*us)[n] = (int)(gone_ms * 1000 - (double)began_ns / 1000);
}

static void finish(struct end *end, int status)
{
    char said[512];
    double gone_ms = now_ms();
    ssize_t length = pread(end->said, said, sizeof said, 0);
    table[end->condition][end->state][end->program == LINKED ? end->way : WAY_COUNT + (int)end->program - 1].runs++;
    note_time(end, gone_ms);
    if (length > 0)
        fail(end, "printed %d bytes", (int)length);
    else if (gone_ms - end->began_ms > HANGS_MS)
        fail(end, "did not end within %d ms", HANGS_MS);
    else if (WIFSIGNALED(status))
        fail(end, "died of signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) != STATUS)
        fail(end, "exited with %d", WEXITSTATUS(status));
    if (length > 0 && failures <= FAILURES_SHOWN)
        fprintf(stderr, "%.*s\n", (int)length, said);
    close(end->report);
    close(end->said);
    end->pid = 0;
}

static void reap(struct end *ends, int count)
{
    int left = count;
    while (left > 0) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        for (int n = 0; n < count; n++) {
            if (pid > 0 && ends[n].pid == pid) {
                finish(&ends[n], status);
                left--;
            } else if (ends[n].pid > 0 && now_ms() - ends[n].began_ms > HANGS_MS) {
                kill(ends[n].pid, SIGKILL);
            }
        }
        if (pid == 0) {
            const struct timespec moment = {.tv_nsec = 100000};
            nanosleep(&moment, NULL);
        }
    }
}

/* --- Many */

static void the_card_is_free(void)
{
    if (bed_is_virtual())
        return;
    alarm(HANGS_MS / 1000);
    bed("hold 0 transaction");
    bed("release 0 leave");
    alarm(0);
}

struct blow {
    enum condition condition;
    int ready, count; /* the number of start bytes, one of each process */
    unsigned after_ms;
};

/* The service hangs or dies. */
static void *strike(void *argument)
{
    const struct blow *blow = argument;
    const struct timespec moment = {.tv_nsec = blow->after_ms * 1000000L};
    char byte;
    for (int n = 0; n < blow->count && read(blow->ready, &byte, 1) == 1; n++) {
    }
    nanosleep(&moment, NULL);
    bed(blow->condition == HANGS ? "daemon freeze" : "daemon kill");
    return NULL;
}

static void make_ends(int count, enum condition condition)
{
    struct end ends[BATCH];
    int ready[2];
    pthread_t striker;
    must(pipe(ready) == 0, "pipe");
    ready[0] = renumber(ready[0], "pipe");
    ready[1] = renumber(ready[1], "pipe");
    for (int n = 0; n < count; n++)
        ends[n] = start(condition, ready[1]);
    close(ready[1]);
    struct blow blow = {condition, ready[0], count, (unsigned)draw(20)};
    if (condition != RUNS)
        must(pthread_create(&striker, NULL, strike, &blow) == 0, "pthread_create");
    reap(ends, count);
    if (condition != RUNS) {
        pthread_join(striker, NULL);
        bed(condition == HANGS ? "daemon thaw" : "daemon start");
    }
    close(ready[0]);
}

static enum condition draw_condition(void)
{
    int drawn = draw(40);
    return bed_is_virtual() || drawn < 36 ? RUNS : drawn < 39 ? HANGS : DIES;
}

static int compare(const void *one, const void *other) { return *(const int *)one - *(const int *)other; }

static void judge_times(enum condition condition, int state)
{
    int *us = times[condition][state].us, count = times[condition][state].count;
    if (count == 0)
        return;
    qsort(us, (size_t)count, sizeof *us, compare);
    if (count >= ENOUGH && us[count / 2] > MEDIAN_MS * 1000) {
        fprintf(stderr, "service %s, %s: half of the ends took longer than %d ms\n", CONDITION[condition],
                STATES[state], MEDIAN_MS);
        failures++;
    }
    printf("%8.1f %7.1f %7.1f", us[count / 2] / 1e3, us[(int)(count * 0.99)] / 1e3, us[count - 1] / 1e3);
}

static void print_table(void)
{
    printf("runs/failures     ");
    for (int way = 0; way < WAY_COUNT; way++)
        printf("%11s", WAYS[way]);
    for (int program = 1; program < PROGRAMS; program++)
        printf("%11s", PROGRAM[program]);
    printf("  median     99%%     max ms\n");
    for (enum condition condition = 0; condition < CONDITIONS; condition++) {
        for (int state = 0; state < STATE_COUNT; state++) {
            if (times[condition][state].count == 0)
                continue;
            printf("%-6s%-12s", CONDITION[condition], STATES[state]);
            for (int column = 0; column < COLUMNS; column++)
                printf("%8d/%-2d", table[condition][state][column].runs, table[condition][state][column].failures);
            judge_times(condition, state);
            printf("\n");
        }
    }
}

int main(int argc, char **argv)
{
    int ends = argc > 2 ? atoi(argv[2]) : ENDS;
    bed_make(argc > 1 ? 2 : 1, argv);
    seed = argc > 3 ? (unsigned)atoi(argv[3]) : (unsigned)time(NULL);
    printf("seed %u\n", seed);
    fflush(stdout);
    must(setenv("SCM_LIBRARY", SCM_LIBRARY, 1) == 0, "setenv");
    if (!bed_is_virtual())
        bed("insert 0 steerable");
    for (int done = 0, count; done < ends; done += count) {
        enum condition condition = draw_condition();
        count = condition == RUNS ? PAIR : BATCH;
        make_ends(count, condition);
        if (draw(64) == 0)
            the_card_is_free();
    }
    the_card_is_free();
    print_table();
    printf("%d ends, %d failures\n", ends, failures);
    return failures > 0;
}

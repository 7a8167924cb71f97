/* A service that lies (hostile/service.c), and a caller that passes anything. Threads call every function of the
 * library at random, and check that it neither crashes nor hangs, that the headers document each code, that outputs are
 * zero after a failure, and that lengths fit the buffers. The hostile service replaces libpcsclite.
 *
 *   test_hostile INCLUDE --service|--caller SECONDS [SEED] */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hostile/calls.h"
#include "hostile/documented.h"
#include "wait.h"

enum { THREADS = 8, TIDY_MS = 100 };

/* A call that takes longer hangs: every wait is ended again and again. */
#define HANGS_MS 30000.0

static struct caller callers[THREADS];
static double over_ms;
static atomic_int at_work = THREADS;

static void *work(void *argument)
{
    struct caller *caller = argument;
    while (now_ms() < over_ms)
        call_something(caller);
    at_work--;
    return NULL;
}

static void check_that_nobody_hangs(void)
{
    double now = now_ms();
    for (int i = 0; i < THREADS; i++) {
        const char *function = callers[i].function;
        if (function == NULL || now - callers[i].since < HANGS_MS)
            continue;
        for (int other = 0; other < THREADS; other++)
            fprintf(stderr, "hostile: thread %d is in %s for %.0f ms\n", other,
                    callers[other].function ? callers[other].function : "nothing", now - callers[other].since);
        fprintf(stderr, "hostile: %s hangs\n", function);
        abort();
    }
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 5 || (strcmp(argv[2], "--service") != 0 && strcmp(argv[2], "--caller") != 0)) {
        fprintf(stderr, "usage: %s INCLUDE --service|--caller SECONDS [SEED]\n", argv[0]);
        return 2;
    }
    bool is_hostile = strcmp(argv[2], "--caller") == 0;
    unsigned long long seed = (unsigned long long)time(NULL) * 1000003 + (unsigned)getpid();
    if (argc > 4)
        seed = strtoull(argv[4], NULL, 10);
    char text[32];
    printf("hostile: seed %llu, %s seconds\n", seed, argv[3]);
    fflush(stdout);
    snprintf(text, sizeof text, "%llu", seed);
    setenv("SCM_HOSTILE_SEED", text, 1);
    documented_read(argv[1]);

    struct caller tidier = {.dice = {seed}};
    pthread_t threads[THREADS];
    over_ms = now_ms() + 1e3 * atof(argv[3]);
    for (int i = 0; i < THREADS; i++) {
        callers[i].dice.state = seed + 1 + (uint64_t)i;
        callers[i].is_hostile = is_hostile;
        if (pthread_create(&threads[i], NULL, work, &callers[i]) != 0)
            abort();
    }
    while (at_work > 0) {
        const struct timespec time = {.tv_nsec = TIDY_MS * 1000000L};
        nanosleep(&time, NULL);
        calls_tidy(&tidier);
        check_that_nobody_hangs();
    }
    unsigned long long calls = 0, successes = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        calls += callers[i].calls;
        successes += callers[i].successes;
    }
    if (is_hostile)
        calls_check_refusals();
    calls_end_all();
    printf("hostile: %llu calls, %llu of them successes, %d complaints\n", calls, successes, complaints);
    if (calls < 1000 || successes < calls / 100) {
        fprintf(stderr, "hostile: that is nothing\n");
        return 1;
    }
    return complaints > 0;
}

/* A process of the soak: threads that attach, use their cards in every way, and detach, under all faults. */
#ifndef SOAK_WORKER_H
#define SOAK_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { SOAK_READERS = 4, SOAK_THREADS_MAX = 16 };

/* Shared by all processes. */
struct soak {
    uint64_t seed;
    double start, end;                    /* as now_ms() */
    atomic_int failures;                  /* printed errors */
    atomic_ullong calls, successes;       /* the number of calls, and of those with SCM_S_OK */
    atomic_ullong answered[SOAK_READERS]; /* answered commands */
    atomic_int latest_ms;                 /* the latest end of a call with a limit */
    atomic_int late;                      /* the number of ends more than 50 ms late */
};

/* Runs the threads of process `number` until the end, and checks that they leave nothing behind. */
void worker_run(struct soak *soak, int number, int threads);

/* Bytes, and whether they have grown. */
long memory_in_use(void);
void soak_compare_memory(struct soak *soak, long before);

void soak_fail(struct soak *soak, const char *what, ...);

/* One generator for each thread. */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline uint32_t below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)(next_random(state) % limit);
}

#endif

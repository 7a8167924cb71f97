#define _GNU_SOURCE /* gettid */
#include "wait.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A service answers in less than a millisecond, if at all. A waiting thread wakes up to ask again, so the test counts
 * how much longer it is asleep than awake. */
#define ASLEEP_MS 30

/* On a busy machine a thread that asks often is awake for most of the time, because it waits for a processor. A call
 * that has not returned by now waits. */
#define AT_MOST_MS 3000

double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void *make(void *argument)
{
    struct wait *wait = argument;
    double start = now_ms();
    wait->thread = gettid();
    wait->result = wait->call(wait->argument);
    wait->ms = now_ms() - start;
    wait->is_done = true;
    return NULL;
}

void wait_begin(struct wait *wait, scm_result (*call)(void *), void *argument)
{
    memset(wait, 0, sizeof *wait);
    wait->call = call;
    wait->argument = argument;
    if (pthread_create(&wait->id, NULL, make, wait) != 0)
        abort();
}

/* 'S' in the field after the name of the thread. */
bool thread_is_asleep(int thread)
{
    char path[64], line[256] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    const char *got = fgets(line, sizeof line, file), *name = strrchr(line, ')');
    fclose(file);
    return got != NULL && name != NULL && name[2] == 'S';
}

void await_sleep(const atomic_int *thread, const atomic_bool *is_done)
{
    const struct timespec millisecond = {.tv_nsec = 1000000};
    const double end = now_ms() + AT_MOST_MS;
    for (int asleep = 0; asleep < ASLEEP_MS && !*is_done && now_ms() < end;) {
        if (*thread != 0 && thread_is_asleep(*thread))
            asleep++;
        else if (asleep > 0)
            asleep--;
        nanosleep(&millisecond, NULL);
    }
}

bool wait_is_reached(struct wait *wait)
{
    await_sleep(&wait->thread, &wait->is_done);
    return !wait->is_done;
}

scm_result wait_end(struct wait *wait)
{
    pthread_join(wait->id, NULL);
    return wait->result;
}

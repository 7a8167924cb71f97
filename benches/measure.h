/* Common to all benchmarks: a clock, a median, and a check that ends the program. */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* After a failure here the measurement would mean nothing. */
static inline void expect(bool true_here, const char *what)
{
    if (true_here)
        return;
    fprintf(stderr, "not as it has to be: %s\n", what);
    exit(EXIT_FAILURE);
}

static inline int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Sorts the values. */
static inline double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, ascending);
    return values[count / 2];
}

#endif

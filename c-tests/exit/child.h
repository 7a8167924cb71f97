/* A process that ends in the middle of its calls. */
#ifndef CHILD_H
#define CHILD_H

/* The requested exit status. */
#define STATUS 42

/* The descriptor for the time when the end begins, in nanoseconds of CLOCK_MONOTONIC. */
#define REPORT_FD 3
/* The descriptor for one byte when the process has started. */
#define READY_FD 4

/* The arguments of a child: a state, a way to end, a seed, and the name of a real reader, or "". */
int child(const char *state, const char *way, unsigned seed, const char *ifd);

/* The names of each; NULL ends the list. */
extern const char *const STATES[], *const WAYS[];

#endif

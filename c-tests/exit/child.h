/* A process that is in the middle of something, and ends. */
#ifndef CHILD_H
#define CHILD_H

/* The exit status that is asked for. */
#define STATUS 42

/* Where the child writes, in nanoseconds of CLOCK_MONOTONIC, when it begins to end. */
#define REPORT_FD 3
/* Where it writes a byte when it has begun. */
#define READY_FD 4

/* The arguments of a child: a state, a way to end, a seed, and the name of a real reader ("": none). */
int child(const char *state, const char *way, unsigned seed, const char *ifd);

/* All names of each; the last one is NULL. */
extern const char *const STATES[], *const WAYS[];

#endif

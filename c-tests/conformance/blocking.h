/* Calls that wait for somebody else, each with everything that can end the wait, on both sides. */
#ifndef BLOCKING_H
#define BLOCKING_H

#include <stdbool.h>

/* Whether both sides are the same. */
bool blocking_compare(void);

#endif

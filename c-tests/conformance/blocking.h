/* Calls that wait for another attachment, each with every event that can end the wait, on both sides. */
#ifndef BLOCKING_H
#define BLOCKING_H

#include <stdbool.h>

/* True if both sides are equal. */
bool blocking_compare(void);

#endif

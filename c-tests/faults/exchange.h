/* Exchanges of which no two are the same, so that the log of a card tells whether any was sent twice. */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <stdbool.h>

#include "scm.h"

#define READERS 6

/* Sends an echo of its own. `is_echo`: the card answered with what it should. */
scm_result exchange(scm_handle *handle, int reader, bool *is_echo);

/* The same through `scm_send`. */
scm_result exchange_as_command(scm_handle *handle, int reader, bool *is_echo);

/* From now on another card is in the reader: it knows nothing of what was sent before. */
void exchange_forget(int reader);

/* Looks into the log of the card: nothing is there twice, and what was answered is there. NULL, or what is wrong. */
const char *exchange_check(int reader);

#endif

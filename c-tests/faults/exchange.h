/* Exchanges that are all different, so that the log of a card tells whether one was sent twice. */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <stdbool.h>

#include "scm.h"

#define READERS 6

/* Sends a unique echo. `is_echo`: the response was right. */
scm_result exchange(scm_handle *handle, int reader, bool *is_echo);

/* The same with `scm_send`. */
scm_result exchange_as_command(scm_handle *handle, int reader, bool *is_echo);

/* The reader now has another card, which knows no earlier command. */
void exchange_forget(int reader);

/* Checks the log of the card: no command is there twice, and every answered one is there. Returns NULL, or the
 * error. */
const char *exchange_check(int reader);

#endif

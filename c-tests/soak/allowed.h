/* The codes that a call may give under any fault: docs/reconnect.md and scm.h. */
#ifndef SOAK_ALLOWED_H
#define SOAK_ALLOWED_H

#include <stdbool.h>

#include "scm.h"

enum call { ATTACH, BORROW, TRANSMIT, TRANSMIT_EX, LOCK, LOCK_EX, UNLOCK, STATUS, RECONNECT, RECONNECT_EX, CANCEL,
    DETACH, CALLS };

const char *call_name(enum call call);
bool is_allowed(enum call call, scm_result result);

#endif

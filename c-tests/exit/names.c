#include "child.h"

#include <stddef.h>

/* `forsaken`: with a hanging service, calls with a limit are abandoned after 200 ms. */
const char *const STATES[] = {"idle",  "newborn",  "monitors",  "attach",   "limits",
                              "waits", "anything", "callbacks", "forsaken", NULL};

const char *const WAYS[] = {"return", "exit", "thread", "threads", "callback", "atexit", "quick_exit", "exec", NULL};

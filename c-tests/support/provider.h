/* A provider of files for all cards, which tells the test in which of its functions it is. Its files are empty. */
#ifndef PROVIDER_H
#define PROVIDER_H

#include "scm.h"

enum provider_function {
    PROVIDER_CREATE,
    PROVIDER_RELEASE,
    PROVIDER_END,
    PROVIDER_CHANGE_DIR,
    PROVIDER_OPEN,
    PROVIDER_READ,
    PROVIDER_CLOSE,
};

/* Each function of the provider begins with a call of `entered`. */
scm_result provider_register(void (*entered)(enum provider_function));
scm_result provider_unregister(void);

#endif

/* A provider of empty files for all cards. It tells the test when one of its functions is called. */
#ifndef PROVIDER_H
#define PROVIDER_H

#include "scm_provider.h"

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

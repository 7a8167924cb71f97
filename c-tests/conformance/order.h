/* Orders to the private stack, whose answer may be an error: unlike `stack`, which ends the program then. */
#ifndef ORDER_H
#define ORDER_H

#include "scm.h"

/* The code of the error that the stack answers, SCM_S_OK for none. `value`, if given, is what it says behind "ok"; it lives
 * until the next order. */
scm_result order(const char **value, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

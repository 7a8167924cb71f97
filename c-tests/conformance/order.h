/* Orders to the private stack, whose answer may be an error. `stack` would end the program then. */
#ifndef ORDER_H
#define ORDER_H

#include "scm.h"

/* Returns the code of the stack's error, or SCM_S_OK. `value`, if not NULL, gets the text after "ok"; it is valid until
 * the next order. */
scm_result order(const char **value, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

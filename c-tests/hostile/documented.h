/* The codes that the header says a function returns. The header is the data: a code that is not there is a fault of one of them. */
#ifndef DOCUMENTED_H
#define DOCUMENTED_H

#include <stdbool.h>

#include "scm.h"

/* Reads the header. Ends the program when it is none. */
void documented_read(const char *path);

/* Whether a function may return it, by its description or by the conventions at the top. */
bool documented(const char *function, scm_result code);

/* Whether a service or a driver may say it, as the top of the header has it. */
bool is_of_a_service(scm_result code);

#endif

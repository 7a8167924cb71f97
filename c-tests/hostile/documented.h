/* The codes that the headers document for a function. A code that is missing there is a fault of the header or of the library. */
#ifndef DOCUMENTED_H
#define DOCUMENTED_H

#include <stdbool.h>

#include "scm.h"

/* Reads the headers in a folder. Ends the program if there are none. */
void documented_read(const char *folder);

/* Whether a function may return it, by its description or by the conventions at the top. */
bool documented(const char *function, scm_result code);

/* Whether a service or a driver may say it, as the top of the header has it. */
bool is_of_a_service(scm_result code);

#endif

/* The codes that the headers document for a function. The headers are the data: an undocumented code is an error of a
 * header or of the function. */
#ifndef DOCUMENTED_H
#define DOCUMENTED_H

#include <stdbool.h>

#include "scm.h"

/* Reads the headers in a folder. Ends the program if there are none. */
void documented_read(const char *folder);

/* True if the description of a function or the conventions at the top allow the code. */
bool documented(const char *function, scm_result code);

/* True if the prototype of the function has the argument, such as "handle" or "options.share_mode", and the headers
 * have its field. */
bool documented_has(const char *function, const char *argument);

/* True if a service or a driver may give the code, from the top of the header. */
bool is_of_a_service(scm_result code);

#endif

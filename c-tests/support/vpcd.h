/* A card that is a program and speaks the protocol of vpcd, in a virtual reader. */
#ifndef VPCD_H
#define VPCD_H

#include "scm.h"
#include "scm_virtual.h"

/* Starts `program` with a port of its own, and waits until it is there. NULL, or why not. The program ends, and what `card`
 * points to, with its release. */
const char *vpcd_start(const char *program, scm_virtual_card *card);

#endif

/* A card program that speaks the vpcd protocol, in a virtual reader. */
#ifndef VPCD_H
#define VPCD_H

#include "scm.h"
#include "scm_virtual.h"

/* Starts `program` with its own port, and waits until it is ready. Returns NULL, or an error. `release` of the card
 * ends the program and frees `card`'s memory. */
const char *vpcd_start(const char *program, scm_virtual_card *card);

#endif

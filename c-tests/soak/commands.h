/* The commands that cards say they have received: none of them twice. */
#ifndef SOAK_COMMANDS_H
#define SOAK_COMMANDS_H

#include "worker.h"

/* Takes the log of the card in `reader`, and notes every command in it. */
void commands_collect(struct soak *soak, int reader);

/* How many were noted of a reader. */
unsigned long long commands_of(int reader);

/* Forgets them. */
void commands_forget(void);

#endif

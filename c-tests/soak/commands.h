/* The commands that cards received: none twice. */
#ifndef SOAK_COMMANDS_H
#define SOAK_COMMANDS_H

#include "worker.h"

/* Takes the log of the card in `reader`, and stores every command. */
void commands_collect(struct soak *soak, int reader);

/* The number of stored commands of a reader. */
unsigned long long commands_of(int reader);

/* Removes them. */
void commands_forget(void);

#endif

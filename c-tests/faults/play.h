/* Plays a fault. Its results are the cells of a row. */
#ifndef PLAY_H
#define PLAY_H

#include "fault.h"
#include "victim.h"

/* The cells of a row. */
enum cell {
    CELL_STATUS,     /* the next call is scm_status */
    CELL_TRANSMIT,   /* ... scm_transmit; or the one during which it happened */
    CELL_LOCK,       /* ... scm_lock; as above */
    CELL_SEND,       /* ... scm_send */
    CELL_READ,       /* ... scm_file_read of an open file */
    CELL_MEANWHILE,  /* scm_reconnect during the fault */
    CELL_AFTER,      /* scm_reconnect after the fault */
    CELL_FILE,       /* scm_file_read after that */
    CELL_GENERATION, /* the growth of the generation until then */
    CELL_UNLOCK,     /* scm_unlock of a held lock without a reconnect */
    CELL_HELD,       /* the held lock after a reconnect */
    CELLS
};

#define CELL_SIZE 128

struct observed {
    char cells[CELLS][KINDS][CELL_SIZE];
};

/* Plays it for each kind of attachment. Returns NULL, or an error that no page allows. */
const char *play(const struct fault *fault, struct observed *observed);

/* Inserts the cards for the faults. To be called first. */
void play_begin(void);

#endif

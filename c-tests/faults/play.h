/* A fault is played, and what is seen of it is what a row of the page has. */
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
    CELL_READ,       /* ... scm_file_read, of a file that is open */
    CELL_MEANWHILE,  /* scm_reconnect while the fault lasts */
    CELL_AFTER,      /* scm_reconnect when it is over */
    CELL_FILE,       /* scm_file_read after that */
    CELL_GENERATION, /* by how much it has grown then */
    CELL_UNLOCK,     /* scm_unlock of a lock that was held, when no reconnect was */
    CELL_HELD,       /* what became of such a lock by the reconnect */
    CELLS
};

#define CELL_SIZE 128

struct observed {
    char cells[CELLS][KINDS][CELL_SIZE];
};

/* Plays it for each kind of attachment. NULL, or what is wrong whatever the page says. */
const char *play(const struct fault *fault, struct observed *observed);

/* The cards that every fault finds. To be called first. */
void play_begin(void);

#endif

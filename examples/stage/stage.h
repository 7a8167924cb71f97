/* The surroundings of the demo: the source of its reader, and the other programs. There are two stages with the same
 * steps: a reader in the process (virtual.c), and a real pcscd with a private reader (pcscd.c). If a stage cannot be
 * set up, it ends the program. */
#ifndef STAGE_H
#define STAGE_H

typedef struct {
    const char *title;
    const char *service; /* the name of the service, which can stop */

    const char *(*set)(void); /* starts; returns the name of the reader, which is empty */
    void (*insert)(void);     /* inserts a card: first a new one, later the same again */
    void (*insert_another)(void); /* inserts a card with another ATR */
    void (*pull)(void);
    void (*pull_in_next_command)(void); /* the next command reaches the card, and its response is lost */
    void (*reset)(void); /* as another program would */
    void (*stop_service)(void);
    void (*start_service)(void);
    void (*strike)(void); /* ends */
} stage;

extern const stage virtual_stage;
extern const stage pcscd_stage;

/* The ATR of the other card: T=1, and "other" in its historical bytes. */
#define ANOTHER_ATR {0x3B, 0x85, 0x01, 'o', 't', 'h', 'e', 'r', 0xE0}
#define ANOTHER_ATR_AS_TEXT "3B85016F74686572E0"

#endif

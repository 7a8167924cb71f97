/* What happens around the demo: where its reader comes from, and who plays everybody else. There are two stages, and the
 * story is the same on both: a reader inside the process (virtual.c), and a real pcscd with a reader of its own (pcscd.c).
 * A stage ends the program when it cannot be set: a story on no stage proves nothing. */
#ifndef STAGE_H
#define STAGE_H

typedef struct {
    const char *title;
    const char *service; /* who knows about readers, and can go away */

    const char *(*set)(void); /* begins; gives the name of the reader, which is empty */
    void (*insert)(void);     /* a card is put in: the first time a new one, later the same again */
    void (*insert_another)(void); /* a card with another ATR is put in */
    void (*pull)(void);
    void (*pull_in_next_command)(void); /* the next command reaches the card, and its answer nobody */
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

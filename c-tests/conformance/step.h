/* One step: a call on an attachment, or an event from outside. Both sides do the same. */
#ifndef STEP_H
#define STEP_H

#include "answer.h"
#include "side.h"

enum kind {
    ATTACH,         /* slot, reader, share, protocols; share 0 and protocols 0 by scm_attach_by_ifd */
    ATTACH_HANDLE,  /* slot, the card handle of from, share, protocols, number: 1 to adopt */
    DETACH,         /* slot */
    DETACH_EX,      /* slot, action */
    TRANSMIT,       /* slot, command, number: its size, room */
    LAST_RESPONSE,  /* slot, room */
    CONTROL,        /* slot, number: the function */
    GET_ATTRIBUTE,  /* slot, number: the id */
    SET_ATTRIBUTE,  /* slot, number: the id */
    LOCK,           /* slot */
    UNLOCK,         /* slot, action */
    RECONNECT,      /* slot */
    RECONNECT_EX,   /* slot, share, protocols, action */
    STATUS,         /* slot */
    LOOK,           /* all steps that do not wait */
    RESET,          /* reader, action, number: 1 by hand */
    HOLD,           /* reader, number: the hold */
    RELEASE,        /* reader, action */
    PULL,           /* reader */
    INSERT,         /* reader, number: the ATR */
    STOP,           /* number: 1 for killed */
    START,
    UNPOWER,        /* reader; not drawn, but inserted (`model_settles`) */
    KINDS
};

enum command { ECHO, PATTERN, REMEMBER, RECALL, UNKNOWN, MALFORMED, TOO_SHORT, COMMANDS };
enum room { AMPLE, ONE_BYTE, NO_BUFFER, ROOMS };

struct step {
    enum kind kind;
    int slot, from, reader;
    uint32_t share, protocols, action, number;
    enum command command;
    enum room room;
};

/* The step in words. Valid until the next call. */
const char *step_words(const struct step *step);

/* Does a step on a side. `waits` tells for each slot whether a question for its status would wait. */
void step_do(const struct step *step, struct side *side, const bool waits[SLOTS], struct answer *answer);

/* Everything that is known of all attachments without a question to anyone. */
void step_facts(struct side *side, struct answer *answer);

#endif

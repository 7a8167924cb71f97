#include "draw.h"

#include <string.h>

#include "differences.h"

/* How often each kind is drawn. Deeds that take the real side 0.2 to 1 s are rare; kinds that end such a state are
 * not. */
static uint32_t weight(enum kind kind, const struct model *model)
{
    int alive = 0, empty = 0, held = 0;
    for (int slot = 0; slot < SLOTS; slot++)
        alive += model->slots[slot].alive;
    for (int reader = 0; reader < READERS; reader++) {
        empty += REAL.cards[reader] == NONE;
        held += REAL.held[reader];
    }
    switch (kind) {
    case ATTACH: return alive < 2 ? 200 : 60;
    case ATTACH_HANDLE: return 30;
    case DETACH: return 25;
    case DETACH_EX: return 30;
    case TRANSMIT: return 130;
    case LAST_RESPONSE: return 15;
    case CONTROL: return 12;
    case GET_ATTRIBUTE: return 35;
    case SET_ATTRIBUTE: return 12;
    case LOCK: return 70;
    case UNLOCK: return 75;
    case RECONNECT: return 90;
    case RECONNECT_EX: return 80;
    case STATUS: return 50;
    case LOOK: return 40;
    case RESET: return 35;
    case HOLD: return 15;
    case RELEASE: return held > 0 ? 120 : 0;
    case PULL: return 4;
    case INSERT: return empty > 0 ? 90 : 0;
    case STOP: return 1;
    case START: return 100;
    case UNPOWER:
    case KINDS: break;
    }
    return 0;
}

static enum kind draw_deed(struct random *random, const struct model *model)
{
    uint32_t sum = 0;
    for (enum kind kind = 0; kind < KINDS; kind++)
        sum += weight(kind, model);
    uint32_t drawn = random_below(random, sum);
    enum kind kind = 0;
    while (drawn >= weight(kind, model))
        drawn -= weight(kind++, model);
    return kind;
}

#define ONE_OF(random, ...) \
    ((const uint32_t[]){__VA_ARGS__}[random_below((random), sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))])

static uint32_t draw_protocols(struct random *random)
{
    return ONE_OF(random, 0, 0, 0, 0, 0, SCM_PROTOCOL_T0, SCM_PROTOCOL_T1, SCM_PROTOCOL_T0 | SCM_PROTOCOL_T1,
                  SCM_PROTOCOL_RAW);
}

static uint32_t draw_share(struct random *random)
{
    return ONE_OF(random, 0, 0, 0, 0, SCM_SHARE_SHARED, SCM_SHARE_SHARED, SCM_SHARE_EXCLUSIVE, SCM_SHARE_EXCLUSIVE,
                  SCM_SHARE_DIRECT);
}

static void draw_command(struct random *random, struct step *step)
{
    step->command = (enum command)ONE_OF(random, ECHO, ECHO, ECHO, PATTERN, PATTERN, REMEMBER, REMEMBER, RECALL, RECALL,
                                         RECALL, UNKNOWN, MALFORMED, TOO_SHORT);
    step->room = (enum room)ONE_OF(random, AMPLE, AMPLE, AMPLE, AMPLE, ONE_BYTE, NO_BUFFER);
    switch (step->command) {
    case ECHO: step->number = ONE_OF(random, 0, 1, 2, 16, 254, 255, 256, 3000, 65000); break;
    case PATTERN: step->number = ONE_OF(random, 0, 1, 256, 257, 4096, 65533); break;
    case REMEMBER: step->number = 1 + random_below(random, 200); break;
    case TOO_SHORT: step->number = random_below(random, 3); break;
    default: break;
    }
}

static struct step draw_step(struct random *random, const struct model *model)
{
    struct step step;
    memset(&step, 0, sizeof step);
    step.kind = draw_deed(random, model);
    step.slot = (int)random_below(random, SLOTS);
    step.from = (int)random_below(random, SLOTS);
    /* Most kinds use the first reader, so that several happen to it. */
    step.reader = (int)ONE_OF(random, 0, 0, 0, 1);
    switch (step.kind) {
    case ATTACH:
        step.share = draw_share(random);
        step.protocols = draw_protocols(random);
        break;
    case ATTACH_HANDLE:
        step.share = model->slots[step.from].share == SCM_SHARE_SHARED ? 0 : model->slots[step.from].share;
        step.protocols = draw_protocols(random);
        step.number = random_below(random, 2);
        break;
    case DETACH_EX:
        step.action = ONE_OF(random, SCM_DISPOSITION_LEAVE, SCM_DISPOSITION_RESET, SCM_DISPOSITION_UNPOWER,
                             SCM_DISPOSITION_EJECT);
        break;
    case TRANSMIT: draw_command(random, &step); break;
    case LAST_RESPONSE: step.room = (enum room)random_below(random, ROOMS); break;
    case CONTROL: step.number = ONE_OF(random, 1, 3400, 2); break;
    case GET_ATTRIBUTE:
        step.number = ONE_OF(random, 0x00090303, 0x00090303, 0x7FFF0003, 0x7FFF0004, 0x00010100, 0x00090300, 0x00080201,
                             0x00010102, 0x0303, 0x00010103, 0x12345678);
        break;
    case SET_ATTRIBUTE: step.number = ONE_OF(random, 0x00090303, 0x00010100, 0x12345678); break;
    case UNLOCK:
        step.action = ONE_OF(random, SCM_DISPOSITION_LEAVE, SCM_DISPOSITION_LEAVE, SCM_DISPOSITION_RESET,
                             SCM_DISPOSITION_UNPOWER, SCM_DISPOSITION_EJECT);
        break;
    case RECONNECT_EX:
        step.share = draw_share(random);
        step.protocols = draw_protocols(random);
        step.action = ONE_OF(random, SCM_DISPOSITION_LEAVE, SCM_DISPOSITION_LEAVE, SCM_DISPOSITION_RESET,
                             SCM_DISPOSITION_UNPOWER);
        break;
    case RESET:
        step.action = ONE_OF(random, SCM_DISPOSITION_RESET, SCM_DISPOSITION_UNPOWER);
        step.number = random_below(random, 2);
        break;
    case HOLD: step.number = random_below(random, HOLD_KINDS); break;
    case RELEASE:
        step.action = ONE_OF(random, SCM_DISPOSITION_LEAVE, SCM_DISPOSITION_RESET, SCM_DISPOSITION_UNPOWER);
        break;
    case INSERT: step.number = ONE_OF(random, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 4, 5); break;
    case STOP: step.number = random_below(random, 2); break;
    default: break;
    }
    return step;
}

struct step draw(struct random *random, const struct model *model)
{
    for (;;) {
        struct step step = draw_step(random, model);
        if (model_allows(model, &step) && !differences_forbid(model, &step))
            return step;
    }
}

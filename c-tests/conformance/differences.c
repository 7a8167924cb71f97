#include "differences.h"
#include "scm_virtual.h"

#include <stdio.h>
#include <string.h>

/* Others than `slot` that speak raw, or do not. */
static bool someone_speaks(const struct model *model, int reader, int slot, bool raw)
{
    for (int other = 0; other < SLOTS; other++)
        if (other != slot && model->slots[other].alive && model->slots[other].reader == reader &&
            model->slots[other].share != SCM_SHARE_DIRECT && (model->slots[other].protocols == SCM_PROTOCOL_RAW) == raw)
            return true;
    return false;
}

static bool is_alone(const struct model *model, int reader, int slot)
{
    return !someone_speaks(model, reader, slot, true) && !someone_speaks(model, reader, slot, false);
}

static bool takes_the_card_raw(const struct model *model, const struct step *step)
{
    int reader = model_reader(model, step);
    if (reader == NONE)
        return false;
    bool spoken = model->readers[reader].spoken == RAW, wanted = model_protocols(model, step) == SCM_PROTOCOL_RAW;
    switch (step->deed) {
    case RESET:
    case HOLD:
        return !spoken && someone_speaks(model, reader, NONE, true);
    case ATTACH_HANDLE:
        return spoken != wanted;
    case ATTACH:
        if (model_share(model, step) == SCM_SHARE_DIRECT)
            return false;
        if (wanted)
            return (!spoken && model->readers[reader].spoken != NOT_CHOSEN) || someone_speaks(model, reader, NONE, false) ||
                   REAL.held[reader];
        return !spoken && someone_speaks(model, reader, NONE, true);
    case RECONNECT:
    case RECONNECT_EX:
        if (model_share(model, step) == SCM_SHARE_DIRECT && step->deed == RECONNECT)
            return false;
        if (wanted && !spoken && model->readers[reader].spoken != NOT_CHOSEN)
            return true;
        return (wanted || spoken || someone_speaks(model, reader, step->slot, true)) &&
               (!is_alone(model, reader, step->slot) || REAL.held[reader]);
    default: return false;
    }
}

static bool resets_by_hand_in_vain(const struct step *step, scm_result real)
{
    return step->deed == RESET && step->number == 1 && real != SCM_S_OK;
}

static bool is_attribute_of_one(const struct step *step, const struct answer *real, const struct answer *virtual)
{
    bool of_virtual = step->number == 0x00010100 || step->number == 0x00090300 || step->number == 0x00090303 ||
                      step->number == 0x00080201 || step->number == 0x7FFF0003 || step->number == 0x7FFF0004;
    bool of_vpcd = step->number == 0x00000303;
    return step->deed == GET_ATTRIBUTE &&
           ((of_virtual && virtual->result == SCM_S_OK && real->result == SCM_SCARD_E_UNSUPPORTED_FEATURE) ||
            (of_vpcd && (real->result == SCM_S_OK || real->result == SCM_SCARD_E_NOT_TRANSACTED) &&
             virtual->result == SCM_SCARD_E_UNSUPPORTED_FEATURE));
}

/* Those who borrow the handle cannot follow. */
static bool connects_an_empty_reader_anew(const struct model *model, const struct step *step)
{
    return (step->deed == RECONNECT || step->deed == RECONNECT_EX) && model_sharers(model, step->slot) > 0 &&
           model_share(model, step) == SCM_SHARE_DIRECT && REAL.cards[model_reader(model, step)] == NONE;
}

static bool speaks_raw_with_no_atr(const struct model *model, const struct step *step)
{
    return model_connects(step) && model_protocols(model, step) == SCM_PROTOCOL_RAW &&
           REAL.cards[model_reader(model, step)] == NO_ATR;
}

/* The answers are the same, but for these two codes. */
static bool are_about_no_atr(const struct step *step, const struct answer *real, const struct answer *virtual)
{
    static const char theirs[] = "SCARD_E_PROTO_MISMATCH", ours[] = "SCARD_W_UNSUPPORTED_CARD";
    const char *a = real->text, *b = virtual->text;
    (void)step;
    for (;;) {
        size_t same = 0;
        while (a[same] == b[same] && a[same] != '\0' && strncmp(b + same, ours, sizeof ours - 1) != 0)
            same++;
        a += same;
        b += same;
        if (*a == '\0' && *b == '\0')
            return true;
        if (strncmp(a, theirs, sizeof theirs - 1) != 0 || strncmp(b, ours, sizeof ours - 1) != 0)
            return false;
        a += sizeof theirs - 1;
        b += sizeof ours - 1;
    }
}

static bool resets_the_next_card(const struct model *model, const struct step *step)
{
    (void)model;
    return step->deed == RELEASE && step->action != SCM_DISPOSITION_LEAVE && REAL.held_in_vain[step->reader];
}

struct difference DIFFERENCES[] = {
    {.id = "raw",
     .reason = "pcscd lets one application switch the card of all others to RAW; a virtual reader does not",
     .forbids = takes_the_card_raw},
    {.id = "by-hand",
     .reason = "scm_virtual_ifd_reset asks nobody; another program that cannot connect resets nothing",
     .skips = resets_by_hand_in_vain},
    {.id = "other-removed",
     .reason = "pcscd lets a program whose card was pulled reset the next one, or an empty reader; libscm does not ask it to",
     .forbids = resets_the_next_card},
    {.id = "direct-empty",
     .reason = "pcscd reconnects no reader without a card, so that libscm connects it anew",
     .forbids = connects_an_empty_reader_anew},
    {.id = "no-atr",
     .reason = "pcscd finds no protocol in an ATR that is none; to a virtual reader the card is an unsupported one",
     .forbids = speaks_raw_with_no_atr,
     .excuses = are_about_no_atr},
    {.id = "attributes",
     .reason = "a virtual reader has more attributes than vpcd; vpcd knows the driver tag of the ATR",
     .excuses = is_attribute_of_one},
    {.id = "idle-power",
     .reason = "pcscd turns the power off when a card was not in use for 400 to 800 ms",
     .settles = model_settles},
};

const int DIFFERENCE_COUNT = sizeof DIFFERENCES / sizeof *DIFFERENCES;

bool differences_forbid(const struct model *model, const struct step *step)
{
    for (int i = 0; i < DIFFERENCE_COUNT; i++)
        if (DIFFERENCES[i].forbids != NULL && DIFFERENCES[i].forbids(model, step)) {
            DIFFERENCES[i].used++;
            return true;
        }
    return false;
}

bool differences_skip(const struct step *step, scm_result real)
{
    for (int i = 0; i < DIFFERENCE_COUNT; i++)
        if (DIFFERENCES[i].skips != NULL && DIFFERENCES[i].skips(step, real)) {
            DIFFERENCES[i].used++;
            return true;
        }
    return false;
}

bool differences_excuse(const struct step *step, const struct answer *real, const struct answer *virtual)
{
    for (int i = 0; i < DIFFERENCE_COUNT; i++)
        if (DIFFERENCES[i].excuses != NULL && DIFFERENCES[i].excuses(step, real, virtual)) {
            DIFFERENCES[i].used++;
            return true;
        }
    return false;
}

bool differences_settle(const struct model *model, int reader, const struct step *step)
{
    for (int i = 0; i < DIFFERENCE_COUNT; i++)
        if (DIFFERENCES[i].settles != NULL && DIFFERENCES[i].settles(model, reader, step)) {
            DIFFERENCES[i].used++;
            return true;
        }
    return false;
}

/* A difference is a heading, such as "### raw". */
bool differences_are_documented(const char *path)
{
    char line[512], heading[64];
    int found = 0, headings = 0;
    FILE *document = fopen(path, "r");
    if (document == NULL) {
        perror(path);
        return false;
    }
    while (fgets(line, sizeof line, document) != NULL) {
        if (strncmp(line, "### ", 4) != 0)
            continue;
        headings++;
        bool known = false;
        for (int i = 0; i < DIFFERENCE_COUNT; i++) {
            snprintf(heading, sizeof heading, "### %s\n", DIFFERENCES[i].id);
            if (strcmp(line, heading) == 0)
                known = true;
        }
        if (!known)
            fprintf(stderr, "%s explains a difference that is none: %s", path, line + 4);
        found += known;
    }
    fclose(document);
    if (found != DIFFERENCE_COUNT)
        fprintf(stderr, "%s explains %d differences of %d\n", path, found, DIFFERENCE_COUNT);
    return found == DIFFERENCE_COUNT && headings == found;
}

#include "side.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "order.h"
#include "scm_virtual.h"

const char *const ATR[ATRS] = {
    "3B80800101",       /* T=0 and T=1 */
    "3B830173636DFF",   /* T=1 */
    "3B021450",         /* T=0, and so without a check byte */
    "3B8090010110",     /* T=0 and T=1, but T=1 alone in the specific mode that it comes up in (TA2) */
    "3BFF1100FFF1810000F120450071204500000102030405060708090A0B0C0D0EEE", /* as long as can be; T=1 */
    "3C00",             /* no ATR at all: TS */
};

const char *const ATR_WORDS[ATRS] = {"T=0 and T=1", "T=1", "T=0", "specific mode T=1", "a long ATR", "no ATR"};

const char *const GRIP[GRIPS] = {"shared", "exclusive", "transaction"};

struct side REAL = {.name = "real", .real = true, .runs = true, .cards = {NONE, NONE}};
struct side VIRTUAL = {.name = "virtual", .runs = true, .cards = {NONE, NONE}};

static void must(scm_result result, const char *what)
{
    if (SCM_FAILED(result)) {
        fprintf(stderr, "the stage cannot be set: %s: %s\n", what, scm_result_name(result));
        exit(3);
    }
}

const char *side_ifd(const struct side *side, int reader)
{
    static const char *const names[READERS] = {"The twin of 0", "The twin of 1"};
    static char real[READERS][SCM_IFD_NAME_MAX + 1];
    if (!side->real)
        return names[reader];
    if (real[reader][0] == '\0') {
        const char *name;
        must(order(&name, "ifd %d", reader), "ifd");
        snprintf(real[reader], sizeof real[reader], "%s", name);
    }
    return real[reader];
}

static size_t bytes_of(const char *digits, uint8_t bytes[SCM_ATR_MAX])
{
    size_t length = strlen(digits) / 2;
    for (size_t i = 0; i < length; i++) {
        unsigned byte;
        sscanf(digits + 2 * i, "%2x", &byte);
        bytes[i] = (uint8_t)byte;
    }
    return length;
}

/* Gives the card an order, and what it answers behind "ok". */
static const char *tell(struct side *side, int reader, const char *line)
{
    static char answer[256];
    const char *value = answer;
    size_t length;
    if (side->real) {
        must(order(&value, "card %d %s", reader, line), line);
        return value;
    }
    must(scm_card_tell(side->twins[reader], line, answer, sizeof answer, &length), line);
    return answer[2] == ' ' ? answer + 3 : "";
}

scm_result side_insert(struct side *side, int reader, int atr)
{
    side->cards[reader] = atr;
    if (side->real) {
        scm_result result = order(NULL, "insert%s %d steerable %s", side->runs ? "" : "-now", reader, ATR[atr]);
        tell(side, reader, "clear");
        return result;
    }
    uint8_t bytes[SCM_ATR_MAX];
    scm_virtual_card card = SCM_VIRTUAL_CARD_INIT;
    must(scm_card_create("steerable", &side->twins[reader]), "a card");
    must(scm_card_plug(side->twins[reader], &card), "a card");
    card.atr = bytes;
    card.atr_length = bytes_of(ATR[atr], bytes);
    card.release = scm_card_release;
    scm_result result = scm_virtual_ifd_insert(side->ifds[reader], &card);
    tell(side, reader, "clear");
    return result;
}

scm_result side_pull(struct side *side, int reader)
{
    side->cards[reader] = NONE;
    side->held_in_vain[reader] = side->held[reader];
    if (side->real)
        return order(NULL, "%s %d", side->runs ? "remove" : "pull", reader);
    return scm_virtual_ifd_remove(side->ifds[reader]);
}

static scm_result attach_other(struct side *side, int reader, uint32_t share_mode, scm_handle **other)
{
    scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
    options.share_mode = share_mode;
    return scm_attach_by_ifd_ex(side_ifd(side, reader), &options, other);
}

scm_result side_reset(struct side *side, int reader, uint32_t action, bool by_hand)
{
    scm_handle *other;
    if (side->real)
        return order(NULL, "reset %d %s", reader, action == SCM_DISPOSITION_RESET ? "warm" : "cold");
    if (by_hand)
        return scm_virtual_ifd_reset(side->ifds[reader], action);
    scm_result result = attach_other(side, reader, SCM_SHARE_SHARED, &other);
    return result == SCM_S_OK ? scm_detach_ex(other, action) : result;
}

scm_result side_hold(struct side *side, int reader, enum grip grip)
{
    scm_handle **other = &side->others[reader];
    scm_result result;
    side->grips[reader] = grip;
    side->held_in_vain[reader] = false;
    if (side->real)
        result = order(NULL, "hold %d %s", reader, GRIP[grip]);
    else
        result = attach_other(side, reader, grip == EXCLUSIVE ? SCM_SHARE_EXCLUSIVE : SCM_SHARE_SHARED, other);
    if (result == SCM_S_OK && !side->real && grip == TRANSACTION)
        must(scm_lock(*other), "hold");
    side->held[reader] = result == SCM_S_OK;
    return result;
}

scm_result side_release(struct side *side, int reader, uint32_t disposition)
{
    static const char *const words[] = {"leave", "reset", "unpower"};
    scm_handle *other = side->others[reader];
    side->held[reader] = false;
    if (side->real)
        return order(NULL, "release %d %s", reader, words[disposition]);
    if (side->grips[reader] != TRANSACTION)
        return scm_detach_ex(other, disposition);
    scm_result result = scm_unlock(other, disposition);
    scm_detach(other);
    return result;
}

void side_stop(struct side *side, bool killed)
{
    side->runs = false;
    if (side->real)
        must(order(NULL, "daemon %s", killed ? "kill" : "stop"), "stop");
    else
        must(scm_virtual_service_stop(), "stop");
    for (int reader = 0; reader < READERS; reader++)
        if (side->held[reader])
            side_release(side, reader, SCM_DISPOSITION_LEAVE); /* fails, of course */
}

void side_start(struct side *side)
{
    side->runs = true;
    if (side->real)
        must(order(NULL, "daemon start"), "start");
    else
        must(scm_virtual_service_start(), "start");
}

void side_end(struct side *side)
{
    for (int slot = 0; slot < SLOTS; slot++) {
        scm_detach(side->slots[slot]);
        side->slots[slot] = NULL;
    }
    for (int reader = 0; reader < READERS; reader++)
        if (side->held[reader])
            side_release(side, reader, SCM_DISPOSITION_LEAVE);
    if (!side->runs)
        side_start(side);
    for (int reader = 0; reader < READERS && !side->real; reader++) {
        scm_virtual_ifd_destroy(side->ifds[reader]);
        side->cards[reader] = NONE;
    }
}

void side_begin(struct side *side)
{
    side_end(side);
    for (int reader = 0; reader < READERS; reader++) {
        if (!side->real)
            must(scm_virtual_ifd_create(side_ifd(side, reader), NULL, &side->ifds[reader]), "a virtual reader");
        if (side->cards[reader] != 0) {
            if (side->cards[reader] != NONE)
                must(side_pull(side, reader), "pull");
            must(side_insert(side, reader, 0), "insert");
        }
        side_unpower(side, reader);
        tell(side, reader, "clear");
    }
}

void side_unpower(struct side *side, int reader)
{
    scm_handle *other;
    must(attach_other(side, reader, SCM_SHARE_DIRECT, &other), "direct");
    must(scm_detach_ex(other, SCM_DISPOSITION_UNPOWER), "unpower");
}

unsigned side_count(struct side *side, int reader)
{
    return (unsigned)strtoul(tell(side, reader, "count"), NULL, 10);
}

#include "virtual.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scm.h"
#include "scm_virtual.h"
#include "scm_card.h"
#include "vpcd.h"

/* A line holds the log of a card in hexadecimal: two APDUs of the longest kind. */
#define LINE (512 * 1024)

struct reader {
    scm_virtual_ifd *ifd;
    char name[SCM_IFD_NAME_MAX + 1];
    bool has_card; /* one was inserted, and not pulled since */
    uint8_t atr[SCM_ATR_MAX];
    size_t atr_length; /* 0 for that of the card */
    scm_card *card;    /* the card, if it is one of libscm_card; written under `moving` */
    bool is_in;        /* it has not dropped out; guarded by `moving` */
    scm_handle *held;  /* the attachment of another application, or NULL */
    bool is_locked;
};

static struct reader readers[VIRTUAL_READERS_MAX];
static int how_many;
static pthread_mutex_t moving = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static bool is_frozen; /* the service answers nothing; guarded by `moving` */
static _Thread_local char current_order[4096];

static void check(bool condition, const char *otherwise)
{
    if (!condition) {
        fprintf(stderr, "the virtual readers, told \"%s\": %s\n", current_order, otherwise);
        exit(3);
    }
}

static void must(scm_result result)
{
    check(result == SCM_S_OK, scm_result_name(result));
}

static const char *done(scm_result result)
{
    must(result);
    return "";
}

/* --- Cards come and go */

/* Notes that the card has come or gone, after the library knows. */
static void note(struct reader *reader, scm_card *card, bool is_in)
{
    pthread_mutex_lock(&moving);
    reader->card = card;
    reader->is_in = is_in;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&moving);
}

static bool is_in(struct reader *reader)
{
    pthread_mutex_lock(&moving);
    bool is_in = reader->is_in;
    pthread_mutex_unlock(&moving);
    return is_in;
}

static struct reader *reader_with(const scm_card *card)
{
    int n = 0;
    pthread_mutex_lock(&moving);
    while (n < how_many && readers[n].card != card)
        n++;
    pthread_mutex_unlock(&moving);
    return n < how_many ? &readers[n] : NULL;
}

/* What a service does that is stopped, as far as a card sees it. */
static void wait_while_frozen(void)
{
    pthread_mutex_lock(&moving);
    while (is_frozen)
        pthread_cond_wait(&moved, &moving);
    pthread_mutex_unlock(&moving);
}

static const char *freeze(bool freezes)
{
    pthread_mutex_lock(&moving);
    is_frozen = freezes;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&moving);
    return "";
}

/* A card of libscm_card takes itself out when it was told to drop. */
static scm_result transmit(void *card, const uint8_t *command, size_t command_length, uint8_t *response, size_t capacity,
                           size_t *response_length)
{
    wait_while_frozen();
    scm_result result = scm_card_transmit(card, command, command_length, response, capacity, response_length);
    struct reader *reader = result == SCM_SCARD_W_REMOVED_CARD ? reader_with(card) : NULL;
    if (reader != NULL && scm_virtual_ifd_remove(reader->ifd) == SCM_S_OK)
        note(reader, card, false);
    return result;
}

static void put_in(struct reader *reader, scm_card *card)
{
    scm_virtual_card plug = SCM_VIRTUAL_CARD_INIT;
    must(scm_card_plug(card, &plug));
    if (reader->atr_length > 0) {
        plug.atr = reader->atr;
        plug.atr_length = reader->atr_length;
    }
    plug.transmit = transmit;
    must(scm_virtual_ifd_insert(reader->ifd, &plug));
    note(reader, card, true);
}

static size_t read_hex(const char *digits, uint8_t *bytes, size_t capacity)
{
    size_t length = 0;
    unsigned byte;
    for (; length < capacity && sscanf(digits + 2 * length, "%2x", &byte) == 1; length++)
        bytes[length] = (uint8_t)byte;
    check(digits[2 * length] == '\0', "this is no ATR");
    return length;
}

/* The card of libscm_card that an order names as crates/stack does: "scm" is the card of the program scm-card, and what ends
 * with .toml a description in a file. */
static scm_card *make_card(const char *kind)
{
    static char description[8192];
    scm_card *card;
    const char *ending = strrchr(kind, '.');
    if (ending != NULL && strcmp(ending, ".toml") == 0) {
        FILE *file = fopen(kind, "r");
        check(file != NULL, "there is no such description of a card");
        size_t length = fread(description, 1, sizeof description - 1, file);
        description[length] = '\0';
        fclose(file);
        kind = description;
    }
    must(scm_card_create(strcmp(kind, "scm") == 0 ? "default" : kind, &card));
    return card;
}

static const char *insert(struct reader *reader, const char *words)
{
    char kind[256] = "", atr[2 * SCM_ATR_MAX + 2] = "";
    sscanf(words, "%255s %67s", kind, atr);
    check(!reader->has_card, "there is a card in this reader");
    if (strcmp(kind, "openpgp") == 0) {
        scm_virtual_card card;
        const char *failure = vpcd_start(CARD_PROGRAMS "/openpgp-card", &card);
        check(failure == NULL, failure);
        must(scm_virtual_ifd_insert(reader->ifd, &card));
        note(reader, NULL, true);
    } else {
        scm_card *card = make_card(kind);
        reader->atr_length = read_hex(atr, reader->atr, sizeof reader->atr);
        put_in(reader, card);
    }
    reader->has_card = true;
    return "";
}

/* Lets go a command that waits out its delay, as a card does whose reader has gone away. */
static void let_go(struct reader *reader)
{
    size_t length;
    if (reader->card != NULL)
        must(scm_card_tell(reader->card, "delay 0", NULL, 0, &length));
}

static const char *pull(struct reader *reader, const char *words)
{
    (void)words;
    check(reader->has_card, "there is no card in this reader");
    scm_result result = scm_virtual_ifd_remove(reader->ifd);
    check(result == SCM_S_OK || result == SCM_SCARD_E_NO_SMARTCARD, scm_result_name(result)); /* dropped out */
    scm_card *card = reader->card;
    note(reader, NULL, false);
    reader->has_card = false;
    if (card != NULL)
        must(scm_card_destroy(card)); /* lets go a command that waits */
    return "";
}

static const char *await_card(struct reader *reader, const char *words)
{
    bool present = strcmp(words, "present") == 0;
    pthread_mutex_lock(&moving);
    while (reader->is_in != present)
        pthread_cond_wait(&moved, &moving);
    pthread_mutex_unlock(&moving);
    return "";
}

static const char *tell(struct reader *reader, const char *words)
{
    static _Thread_local char answer[LINE];
    size_t length;
    check(reader->card != NULL, "there is no card in this reader that obeys");
    scm_result result = scm_card_tell(reader->card, words, answer, sizeof answer, &length);
    check(result == SCM_S_OK, result == SCM_S_FALSE ? answer : scm_result_name(result));
    if (strcmp(words, "plug") == 0 && !is_in(reader))
        put_in(reader, reader->card);
    return answer[2] == ' ' ? answer + 3 : "";
}

/* --- What others do */

static const char *reset(struct reader *reader, const char *words)
{
    uint32_t action = strcmp(words, "cold") == 0 ? SCM_DISPOSITION_UNPOWER : SCM_DISPOSITION_RESET;
    return done(scm_virtual_ifd_reset(reader->ifd, action));
}

static const char *hold(struct reader *reader, const char *words)
{
    scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
    if (strcmp(words, "exclusive") == 0)
        options.share_mode = SCM_SHARE_EXCLUSIVE;
    check(reader->held == NULL, "the card is held already");
    must(scm_attach_by_ifd_ex(reader->name, &options, &reader->held));
    reader->is_locked = strcmp(words, "transaction") == 0;
    return done(reader->is_locked ? scm_lock(reader->held) : SCM_S_OK);
}

/* An application that dies leaves its card to the service, which resets it. */
static const char *release(struct reader *reader, const char *words)
{
    bool resets = strcmp(words, "reset") == 0 || strcmp(words, "die") == 0;
    uint32_t disposition = resets                          ? SCM_DISPOSITION_RESET
                           : strcmp(words, "unpower") == 0 ? SCM_DISPOSITION_UNPOWER
                                                           : SCM_DISPOSITION_LEAVE;
    scm_handle *held = reader->held;
    reader->held = NULL;
    check(held != NULL, "the card is not held");
    if (strcmp(words, "die") == 0) {
        /* Whatever became of the card meanwhile. */
        if (reader->is_locked)
            scm_unlock(held, disposition);
        scm_detach_ex(held, reader->is_locked ? SCM_DISPOSITION_LEAVE : disposition);
        return "";
    }
    if (!reader->is_locked)
        return done(scm_detach_ex(held, disposition));
    must(scm_unlock(held, disposition));
    return done(scm_detach(held));
}

/* --- Readers come and go */

static const char *unplug(struct reader *reader, const char *words)
{
    (void)words;
    must(scm_virtual_ifd_destroy(reader->ifd));
    reader->ifd = NULL;
    note(reader, reader->card, false);
    return "";
}

static const char *plug(struct reader *reader, const char *words)
{
    check(reader->ifd == NULL, "the reader is there");
    if (words[0] != '\0')
        snprintf(reader->name, sizeof reader->name, "%.*s 00 00", SCM_IFD_NAME_MAX - 6, words);
    must(scm_virtual_ifd_create(reader->name, NULL, &reader->ifd));
    if (reader->has_card && reader->card != NULL)
        put_in(reader, reader->card);
    return "";
}

static const char *act(const char *words)
{
    if (strcmp(words, "freeze") == 0 || strcmp(words, "thaw") == 0)
        return freeze(strcmp(words, "freeze") == 0);
    bool ends = strcmp(words, "start") != 0, starts = !ends || strncmp(words, "restart", 7) == 0;
    if (ends) {
        must(scm_virtual_service_stop());
        for (int n = 0; n < how_many; n++)
            let_go(&readers[n]);
    }
    return done(starts ? scm_virtual_service_start() : SCM_S_OK);
}

/* --- Orders */

static const char *name(struct reader *reader, const char *words)
{
    (void)words;
    return reader->name;
}

static const struct {
    const char *word;
    const char *(*obey)(struct reader *reader, const char *words);
} deeds[] = {
    {"ifd", name}, {"insert", insert},    {"insert-now", insert}, {"remove", pull}, {"pull", pull},
    {"card", tell}, {"await", await_card}, {"reset", reset},       {"hold", hold},   {"release", release},
    {"unplug", unplug}, {"plug", plug},
};

const char *virtual_obey(const char *line)
{
    char word[16] = "";
    int n = -1, behind = 0;
    snprintf(current_order, sizeof current_order, "%s", line);
    if (strncmp(line, "daemon ", 7) == 0)
        return act(line + 7);
    sscanf(line, "%15s %d %n", word, &n, &behind);
    check(n >= 0 && n < how_many, "there is no such reader");
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++)
        if (strcmp(word, deeds[i].word) == 0)
            return deeds[i].obey(&readers[n], behind > 0 ? line + behind : "");
    check(false, "there is no such order");
    return NULL;
}

const char *virtual_ifd(int reader)
{
    return readers[reader].name;
}

void virtual_make(int wanted)
{
    how_many = wanted;
    for (int n = 0; n < how_many; n++) {
        struct reader *reader = &readers[n];
        snprintf(reader->name, sizeof reader->name, "Virtual %c 00 00", 'A' + n);
        snprintf(current_order, sizeof current_order, "make %s", reader->name);
        must(scm_virtual_ifd_create(reader->name, NULL, &reader->ifd));
    }
}

void virtual_unmake(void)
{
    for (int n = 0; n < how_many; n++) {
        struct reader *reader = &readers[n];
        scm_virtual_ifd_destroy(reader->ifd);
        scm_detach(reader->held);
        scm_card_destroy(reader->card);
        *reader = (struct reader){0};
    }
}

/* A virtual reader with the card of libscm_card, for the programs in the guides. guides.py writes those to files. */
#ifndef STAGE_H
#define STAGE_H

#include "check.h"
#include "scm_card.h"
#include "scm_provider.h"
#include "scm_virtual.h"

#define READER "Test reader"

static scm_virtual_ifd *reader;
static scm_card *iso_card;
static scm_virtual_card plug;
static scm_handle *card;

static inline int begin(void **state)
{
    (void)state;
    plug = (scm_virtual_card)SCM_VIRTUAL_CARD_INIT;
    card = NULL;
    return scm_card_create(NULL, &iso_card) != SCM_S_OK || scm_card_plug(iso_card, &plug) != SCM_S_OK ||
           scm_virtual_ifd_create(READER, NULL, &reader) != SCM_S_OK ||
           scm_virtual_ifd_insert(reader, &plug) != SCM_S_OK || scm_attach_by_ifd(READER, &card) != SCM_S_OK;
}

/* A program may have ended all of it. */
static inline int end(void **state)
{
    (void)state;
    scm_detach(card);
    scm_virtual_ifd_destroy(reader);
    return scm_card_destroy(iso_card) != SCM_S_OK;
}

/* The lines in the log of the reader that begin so. */
static inline int count_in_log(const char *begin)
{
    static char log[65536];
    size_t length;
    int count = 0;
    assert_result(scm_virtual_ifd_get_log(reader, log, sizeof log, &length), SCM_S_OK);
    for (const char *line = log; line != NULL && *line != '\0'; line = strchr(line, '\n'), line += line != NULL)
        count += strncmp(line, begin, strlen(begin)) == 0;
    return count;
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, begin, end)

#endif

/* The demo on a virtual reader: no hardware, no daemon, nobody else. The card is the ready-made one of libscm_card. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <scm.h>
#include <scm_virtual.h>
#include <scm_card.h>

#include "stage.h"

static const char reader_name[] = "Virtual reader of the demo";
static scm_virtual_ifd *reader;
static scm_card *first, *another;
static bool pull_now;

static void must(scm_result result, const char *what)
{
    if (SCM_FAILED(result)) {
        fprintf(stderr, "the virtual stage: %s gave %s\n", what, scm_result_name(result));
        exit(3);
    }
}

#define MUST(call) must((call), #call)

/* Stands between the reader and the card: this is the place to be when a command is in the card. */
static scm_result transmit(void *card, const uint8_t *command, size_t command_length, uint8_t *response, size_t capacity,
                           size_t *response_length)
{
    scm_result result = scm_card_transmit(card, command, command_length, response, capacity, response_length);
    if (pull_now) {
        pull_now = false;
        MUST(scm_virtual_ifd_remove(reader));
    }
    return result;
}

/* scm_card_plug fills in the ATR and the callbacks of the card; whatever should be otherwise is changed afterwards. */
static void insert(void)
{
    scm_virtual_card plug = SCM_VIRTUAL_CARD_INIT;
    MUST(scm_card_plug(first, &plug));
    plug.transmit = transmit;
    MUST(scm_virtual_ifd_insert(reader, &plug));
}

static void insert_another(void)
{
    static const uint8_t atr[] = ANOTHER_ATR;
    scm_virtual_card plug = SCM_VIRTUAL_CARD_INIT;
    MUST(scm_card_plug(another, &plug));
    plug.atr = atr;
    plug.atr_length = sizeof atr;
    MUST(scm_virtual_ifd_insert(reader, &plug));
}

static const char *set(void)
{
    MUST(scm_card_create(NULL, &first));
    MUST(scm_card_create(NULL, &another));
    MUST(scm_virtual_ifd_create(reader_name, NULL, &reader));
    return reader_name;
}

/* The reader goes first: what is in it asks for its card until the end. */
static void strike(void)
{
    MUST(scm_virtual_ifd_destroy(reader));
    MUST(scm_card_destroy(first));
    MUST(scm_card_destroy(another));
}

static void pull(void)
{
    MUST(scm_virtual_ifd_remove(reader));
}

static void pull_in_next_command(void)
{
    pull_now = true;
}

static void reset(void)
{
    MUST(scm_virtual_ifd_reset(reader, SCM_DISPOSITION_RESET));
}

static void stop_service(void)
{
    MUST(scm_virtual_service_stop());
}

static void start_service(void)
{
    MUST(scm_virtual_service_start());
}

const stage virtual_stage = {
    .title = "a virtual reader, inside this process",
    .service = "the service behind the virtual readers",
    .set = set,
    .insert = insert,
    .insert_another = insert_another,
    .pull = pull,
    .pull_in_next_command = pull_in_next_command,
    .reset = reset,
    .stop_service = stop_service,
    .start_service = start_service,
    .strike = strike,
};

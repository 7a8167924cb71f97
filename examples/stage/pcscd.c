/* The demo on a real pcscd: a private one with a vpcd reader, in scm-stack (crates/stack). The card is the program
 * scm-card, the same card as in virtual.c. */
#include <stdbool.h>

#include "stage.h"
#include "stack.h"

/* Its card was removed during a command: the program still runs, and inserts the card on an order. */
static bool is_torn_out;

static const char *set(void)
{
    return stack_ifd(0); /* outside of a stack the program ends here */
}

static void insert(void)
{
    if (is_torn_out) {
        stack("await 0 empty");
        stack("card 0 plug");
        stack("await 0 present");
        is_torn_out = false;
    } else {
        stack("insert 0 scm");
    }
}

static void insert_another(void)
{
    stack("insert 0 scm " ANOTHER_ATR_AS_TEXT);
}

static void pull(void)
{
    stack("remove 0");
}

static void pull_in_next_command(void)
{
    stack("card 0 drop");
    is_torn_out = true;
}

static void reset(void)
{
    stack("reset 0 warm");
}

static void stop_service(void)
{
    stack("daemon stop");
}

static void start_service(void)
{
    stack("daemon start");
}

/* The stack ends with the program that it was started for. */
static void strike(void)
{
}

const stage pcscd_stage = {
    .title = "a real pcscd, with a vpcd reader",
    .service = "pcscd",
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

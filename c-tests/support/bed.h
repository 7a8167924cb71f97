/* The test bed: readers, cards, a service and other applications, controlled by orders. A test runs on both beds: a
 * private stack of a real pcscd with vpcd readers (crates/stack), or virtual readers in the process.
 * crates/stack/src/order.rs documents the orders; they do the same on both. */
#ifndef BED_H
#define BED_H

#include <stdbool.h>

/* Selects the bed by the arguments of main: --pcscd, inside a stack, or --virtual [READERS]. To be called first. */
void bed_make(int argc, char **argv);

bool bed_is_virtual(void);

/* True if there is an openpgp card: Rust may be too old for it. */
bool bed_has_openpgp(void);

/* Gives an order, such as "insert 0 steerable", and returns the answer after "ok". An error ends the program, because a
 * test without its bed proves nothing. The answer is valid until the next order of this thread. */
const char *bed(const char *order, ...);

/* The name of reader N. Valid until the program ends. */
const char *bed_ifd(int reader);

/* The number of APDUs that the card in reader N got since "clear". */
int bed_count(int reader);

/* Waits for the first APDU. */
void bed_await_command(int reader);

/* In the child of a fork: creates what the child has not inherited, with a steerable card in each reader. */
void bed_make_in_child(void);

#endif

/* The test bed: readers, cards, a service and other applications, steered by orders. There are two of them, and a test is
 * the same program on both: a private stack of a real pcscd with readers of vpcd (crates/stack), or virtual readers inside
 * the process. What an order does is said in crates/stack/src/order.rs, and it does the same here and there. */
#ifndef BED_H
#define BED_H

#include <stdbool.h>

/* Chooses the bed by the arguments of main: --pcscd, inside a stack, or --virtual [READERS]. To be called first. */
void bed_make(int argc, char **argv);

bool bed_is_virtual(void);

/* Whether there is an openpgp card: not where the Rust is too old for it. */
bool bed_has_openpgp(void);

/* Gives one order, such as "insert 0 steerable", and returns what is answered behind "ok". Ends the program when the
 * answer is an error: a test whose bed is not made proves nothing. The answer lives until the next order of this thread. */
const char *bed(const char *order, ...);

/* The name of reader N. Lives as long as the program. */
const char *bed_ifd(int reader);

/* How many APDUs the card in reader N has received since "clear". */
int bed_count(int reader);

/* Returns once that is at least one. */
void bed_await_command(int reader);

/* In the child of a fork: makes anew what it has not inherited, with a steerable card in each reader. */
void bed_make_in_child(void);

#endif

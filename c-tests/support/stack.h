/* The private stack of readers, cards and daemon around a test: see crates/stack. */
#ifndef STACK_H
#define STACK_H

/* Gives the stack an order, such as "insert 0 steerable", and returns the answer after "ok". An error ends the program,
 * because a test without its stack proves nothing. The answer is valid until the next order of this thread. */
const char *stack(const char *order, ...);

/* The same, but an error returns NULL. */
const char *stack_try(const char *order, ...);

/* The name of reader N. Valid until the program ends. */
const char *stack_ifd(int reader);

/* The number of APDUs that the steerable card in reader N got since "clear". */
int stack_count(int reader);

#endif

/* The private stack of readers, cards and daemon that a test runs in, steered from the test: see crates/stack. */
#ifndef STACK_H
#define STACK_H

/* Gives the stack one order, such as "insert 0 steerable", and returns what it answers behind "ok". Ends the program when it
 * answers an error: a test whose stage is not set proves nothing. The answer lives until the next order of this thread. */
const char *stack(const char *order, ...);

/* The same, but an error is no end: then NULL. */
const char *stack_try(const char *order, ...);

/* The name of reader N. Lives as long as the program. */
const char *stack_ifd(int reader);

/* How many APDUs the steerable card in reader N has received since "clear". */
int stack_count(int reader);

#endif

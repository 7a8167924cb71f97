/* The test bed of virtual readers. See bed.h, which is what tests use. */
#ifndef VIRTUAL_H
#define VIRTUAL_H

/* As many as a stack can have. */
#define VIRTUAL_READERS_MAX 8

/* Makes so many readers, named as those of a stack. */
void virtual_make(int readers);
void virtual_unmake(void);

/* As stack() and stack_ifd(). */
const char *virtual_obey(const char *line);
const char *virtual_ifd(int reader);

#endif

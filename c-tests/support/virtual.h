/* The test bed of virtual readers. Tests use bed.h. */
#ifndef VIRTUAL_H
#define VIRTUAL_H

/* The maximum of a stack. */
#define VIRTUAL_READERS_MAX 8

/* Creates the readers, with the names of a stack's readers. */
void virtual_make(int readers);
void virtual_unmake(void);

/* Like stack() and stack_ifd(). */
const char *virtual_obey(const char *line);
const char *virtual_ifd(int reader);

#endif

/* An attachment that meets a fault. */
#ifndef VICTIM_H
#define VICTIM_H

#include <stdbool.h>

#include "scm.h"
#include "owner.h"

enum kind { BY_IFD, BORROWED, ADOPTED, KINDS };

/* The names on the page. */
extern const char *const KIND[KINDS];

struct victim {
    enum kind kind;
    int reader;
    scm_handle *handle;
    struct owner owner; /* of a borrowed handle, and of the context of an adopted one */
    uint64_t generation; /* at the attach */
    scm_file_access *files;
    scm_file *file; /* on the steerable card, if open */
};

void victim_attach(struct victim *victim, enum kind kind, int reader);
void victim_detach(struct victim *victim);

/* Opens the file of the card, reads its first byte, closes it. */
scm_result victim_open(struct victim *victim);
scm_result victim_read(struct victim *victim);
void victim_close(struct victim *victim);

/* The growth of its generation. */
unsigned victim_losses(const struct victim *victim);

#endif

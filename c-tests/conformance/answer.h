/* The answer of a side to a step: a code, and a text of all outputs. Two answers are equal if their texts are. */
#ifndef ANSWER_H
#define ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "scm.h"

struct answer {
    scm_result result;
    size_t length;
    char text[4000];
};

/* Begins an answer with its code. */
void answer_begin(struct answer *answer, scm_result result);

__attribute__((format(printf, 2, 3))) void answer_add(struct answer *answer, const char *format, ...);

/* Adds bytes: their number, the first ones, and a sum of all. */
void answer_add_bytes(struct answer *answer, const uint8_t *bytes, size_t length);

/* The name of a code without its prefix. */
const char *answer_name(scm_result result);

#endif

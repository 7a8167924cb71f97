/* Where the real side is known to be another than the virtual one, with the reason. All of them, and no others, are explained
 * in docs/conformance.md. */
#ifndef DIFFERENCES_H
#define DIFFERENCES_H

#include "model.h"

struct difference {
    /* What docs/conformance.md calls it. */
    const char *id;
    const char *reason;
    /* Steps that are not drawn, because both sides would go different ways afterwards. */
    bool (*forbids)(const struct model *model, const struct step *step);
    /* Steps that the virtual side is not asked to do after this answer of the real one. */
    bool (*skips)(const struct step *step, scm_result real);
    /* Answers that are the same for this reason. */
    bool (*excuses)(const struct step *step, const struct answer *real, const struct answer *virtual);
    /* Readers whose cards are made alike before a step: they forget everything. */
    bool (*settles)(const struct model *model, int reader, const struct step *step);
    unsigned used;
};

extern struct difference DIFFERENCES[];
extern const int DIFFERENCE_COUNT;

bool differences_forbid(const struct model *model, const struct step *step);
bool differences_skip(const struct step *step, scm_result real);
bool differences_excuse(const struct step *step, const struct answer *real, const struct answer *virtual);
bool differences_settle(const struct model *model, int reader, const struct step *step);

/* Whether each of them is in this document, and the document names no other. */
bool differences_are_documented(const char *path);

#endif

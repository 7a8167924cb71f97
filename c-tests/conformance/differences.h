/* Known differences between the real and the virtual side, with reasons. docs/conformance.md explains all of them and
 * no others. */
#ifndef DIFFERENCES_H
#define DIFFERENCES_H

#include "model.h"

struct difference {
    /* Its heading in docs/conformance.md. */
    const char *id;
    const char *reason;
    /* Steps that are not drawn, because the sides would differ afterwards. */
    bool (*forbids)(const struct model *model, const struct step *step);
    /* Steps that the virtual side skips after this answer of the real one. */
    bool (*skips)(const struct step *step, scm_result real);
    /* Answers that count as equal for this reason. */
    bool (*excuses)(const struct step *step, const struct answer *real, const struct answer *virtual);
    /* Readers whose cards lose their state before a step, to make both sides alike. */
    bool (*settles)(const struct model *model, int reader, const struct step *step);
    unsigned used;
};

extern struct difference DIFFERENCES[];
extern const int DIFFERENCE_COUNT;

bool differences_forbid(const struct model *model, const struct step *step);
bool differences_skip(const struct step *step, scm_result real);
bool differences_excuse(const struct step *step, const struct answer *real, const struct answer *virtual);
bool differences_settle(const struct model *model, int reader, const struct step *step);

/* True if the document has each of them and no other. */
bool differences_are_documented(const char *path);

#endif

/* How the next step is drawn. */
#ifndef DRAW_H
#define DRAW_H

#include "model.h"
#include "random.h"

struct step draw(struct random *random, const struct model *model);

#endif

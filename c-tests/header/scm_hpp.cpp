/* The header needs no header before it, can be included twice, and in several files of a program. */
#include "scm.hpp"
#include "scm.hpp"

static_assert(scm::infinite.ms() == SCM_INFINITE);

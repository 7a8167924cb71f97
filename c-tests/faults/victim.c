#include "victim.h"

const char *const KIND[KINDS] = {"IFD", "borrowed", "adopted"};

void victim_attach(struct victim *victim, enum kind kind, int reader)
{
    *victim = (struct victim){.kind = kind, .reader = reader};
    if (kind == BY_IFD) {
        victim->handle = attach(reader);
    } else {
        scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
        options.flags = kind == ADOPTED ? SCM_ATTACH_ADOPT : 0;
        victim->owner = connect_card(reader);
        assert_result(scm_attach_by_handle_ex(victim->owner.icc, &options, &victim->handle), SCM_S_OK);
    }
    victim->generation = generation(victim->handle);
}

void victim_detach(struct victim *victim)
{
    if (victim->handle == NULL)
        return;
    assert_result(scm_detach(victim->handle), SCM_S_OK);
    victim->handle = NULL;
    if (victim->kind != BY_IFD)
        owner_leave(&victim->owner);
}

unsigned victim_losses(const struct victim *victim)
{
    return (unsigned)(generation(victim->handle) - victim->generation);
}

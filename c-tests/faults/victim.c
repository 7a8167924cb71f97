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

scm_result victim_open(struct victim *victim)
{
    if (victim->files == NULL)
        assert_result(scm_create_file_access(victim->handle, &victim->files), SCM_S_OK);
    return scm_file_access_open(victim->files, SCM_TYPE_BY_ID, "3F00/5015/4401", &victim->file);
}

scm_result victim_read(struct victim *victim)
{
    uint8_t byte;
    size_t length;
    scm_result result = scm_file_seek(victim->file, 0, SCM_SEEK_FROM_BEGINNING);
    return result == SCM_S_OK ? scm_file_read(victim->file, &byte, 1, &length, 0) : result;
}

void victim_close(struct victim *victim)
{
    assert_result(scm_file_close(victim->file), SCM_S_OK);
    victim->file = NULL;
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

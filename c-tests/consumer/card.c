/* Uses the installed test card on a virtual reader. */
#include <scm_card.h>

int main(void)
{
    scm_virtual_ifd *reader;
    scm_card *card;
    scm_handle *handle;
    scm_virtual_card plug = SCM_VIRTUAL_CARD_INIT;
    int failed = scm_virtual_ifd_create("Virtual", NULL, &reader) != SCM_S_OK ||
                 scm_card_create(NULL, &card) != SCM_S_OK || scm_card_plug(card, &plug) != SCM_S_OK;
    plug.release = scm_card_release;
    failed = failed || scm_virtual_ifd_insert(reader, &plug) != SCM_S_OK ||
             scm_attach_by_ifd("Virtual", &handle) != SCM_S_OK || scm_detach(handle) != SCM_S_OK;
    return failed || scm_virtual_ifd_destroy(reader) != SCM_S_OK;
}

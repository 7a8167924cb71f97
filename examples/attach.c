#include <stdio.h>
#include <string.h>
#include <scm.h>

int main(void)
{
    const uint8_t command[] = {0x00, 0xA4, 0x04, 0x00, 0x06, 0xD2, 0x76, 0x00, 0x01, 0x24, 0x01, 0x00};
    uint8_t answer[258];
    char names[1024] = "";
    size_t length;
    scm_handle *card = NULL;

    scm_result result = scm_list_ifds(names, sizeof names, &length);
    for (char *name = names; card == NULL && *name != '\0'; name += strlen(name) + 1)
        result = scm_attach_by_ifd(name, &card);
    if (card == NULL) {
        printf("no card in any reader (%s)\n", scm_result_name(result));
        return 1;
    }

    result = scm_transmit(card, command, sizeof command, answer, sizeof answer, &length);
    if (SCM_FAILED(result) && SCM_SUCCEEDED(scm_reconnect(card)))
        result = scm_transmit(card, command, sizeof command, answer, sizeof answer, &length);
    for (size_t i = 0; i < length; i++)
        printf("%02X ", answer[i]);
    printf("(%s)\n", scm_result_message(result));
    scm_detach(card);
    return SCM_FAILED(result);
}

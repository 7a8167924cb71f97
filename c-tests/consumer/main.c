/* Uses the installed library: functions, data, and each header. It does not attach, and so needs no service. */
#include <scm.h>
#include <scm_provider.h>
#include <scm_virtual.h>
#include <stdio.h>

int main(void)
{
    size_t length;
    scm_result result = scm_list_ifds(NULL, 0, &length);
    printf("libscm %s, scm_list_ifds: %s\n", scm_version(), scm_result_name(result));
    if (SCM_IID_FILE_ACCESS.data1 != 0x4029DD8A)
        return 1;
    return scm_check_version(SCM_VERSION) == SCM_S_OK ? 0 : 1;
}

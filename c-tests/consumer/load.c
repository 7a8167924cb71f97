/* load LIBRARY: loads the library, uses it and unloads it, 100 times. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <scm.h>

int main(int argc, char **argv)
{
    for (int i = 0; i < 100; i++) {
        void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
        if (library == NULL) {
            fprintf(stderr, "%s\n", argc == 2 ? dlerror() : "usage: load LIBRARY");
            return 1;
        }
        const char *(*version)(void);
        scm_result (*list)(char *, size_t, size_t *);
        /* ISO C has no cast from an object pointer to a function pointer. */
        *(void **)&version = dlsym(library, "scm_version");
        *(void **)&list = dlsym(library, "scm_list_ifds");
        size_t length;
        if (version == NULL || list == NULL || strcmp(version(), SCM_VERSION) != 0)
            return 1;
        list(NULL, 0, &length);
        if (dlclose(library) != 0)
            return 1;
    }
    return 0;
}

/* The child in a program that loads libscm, like an interpreter or a plugin. Nothing is unloaded. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "child.h"

int main(int argc, char **argv)
{
    int (*run)(const char *, const char *, unsigned, const char *);
    void *library = dlopen(SCM_LIBRARY, RTLD_NOW | RTLD_GLOBAL);
    void *module = library == NULL ? NULL : dlopen(CHILD_MODULE, RTLD_NOW);
    if (module == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 2;
    }
    *(void **)&run = dlsym(module, "child");
    return argc == 5 && run != NULL ? run(argv[1], argv[2], (unsigned)atoi(argv[3]), argv[4]) : 2;
}

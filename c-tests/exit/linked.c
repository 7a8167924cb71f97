/* The child in a program linked with libscm. */
#include <stdlib.h>

#include "child.h"

int main(int argc, char **argv)
{
    return argc == 5 ? child(argv[1], argv[2], (unsigned)atoi(argv[3]), argv[4]) : 2;
}

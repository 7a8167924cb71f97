// The same program in C++, and with the types of C++.
#define main main_of_c
#include "main.c"
#undef main

#include <cstdio>

#include <scm.hpp>

int main()
{
    std::error_code error;
    const scm::names readers = scm::list_ifds(error);
    std::printf("%s: %s, %u readers\n", scm::version(), error.message().c_str(), static_cast<unsigned>(readers.size()));
    scm::check_version();
    return main_of_c();
}

/* The start of every C++ test file: the library, the test bed, and checks. */
#ifndef CHECK_HPP
#define CHECK_HPP

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <initializer_list>
#include <string>
#include <type_traits>

#include <scm.hpp>

extern "C" {
#include "bed.h"
#include "differences.h"
}

namespace check {

/* Ends a test. It is not a std::exception, so that no code under test takes it for a failure of its own. */
struct failed {};

inline void that(bool holds, const char *condition, const char *file, int line)
{
    if (holds)
        return;
    std::fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
    throw failed{};
}

/* A call must fail with a code, in the form that throws. Returns the exception. */
template <class Error = scm::error, class Call>
Error throws(scm::errc code, const char *text, const char *file, int line, Call call)
{
    try {
        if constexpr (std::is_void_v<decltype(call())>)
            call();
        else
            [[maybe_unused]] auto &&result = call();
    } catch (const Error &error) {
        if (error.code() != code)
            std::fprintf(stderr, "    it gave %s\n", error.what());
        that(error.code() == code, text, file, line);
        return error;
    }
    that(false, text, file, line);
    throw failed{};
}

struct test {
    const char *name;
    void (*run)();
};

/* Runs all tests, and returns the number of those that failed. */
inline int run(std::initializer_list<test> tests)
{
    int failures = 0;
    for (const test &each : tests) {
        bool has_passed = false;
        try {
            each.run();
            has_passed = true;
        } catch (const failed &) {
        } catch (const std::exception &error) {
            std::fprintf(stderr, "%s: %s\n", each.name, error.what());
        }
        std::printf("%s %s\n", has_passed ? "ok  " : "FAIL", each.name);
        failures += !has_passed;
    }
    return failures;
}

/* The same without the pcscd of the machine: only the virtual readers of the tests are there. */
inline int run_without_service(std::initializer_list<test> tests)
{
    setenv("PCSCLITE_CSOCK_NAME", "/nowhere", 1);
    return run(tests);
}

} // namespace check

#define CHECK(condition) check::that((condition) ? true : false, #condition, __FILE__, __LINE__)
#define CHECK_THROWS_AS(type, code, call)                                                                              \
    check::throws<type>(scm::errc::code, #call " gives " #code, __FILE__, __LINE__,                                    \
                        [&]() -> decltype(auto) { return call; })
#define CHECK_THROWS(code, call) CHECK_THROWS_AS(scm::error, code, call)
#define TEST(name) check::test{#name, name}

#endif

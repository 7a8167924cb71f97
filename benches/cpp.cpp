/* The cost of scm.hpp: one transmit through C and through C++, on a PC/SC library that does nothing.
 *
 *   cpp c|throws|stores COUNT    COUNT times, to count instructions: the C functions, and the two forms of C++ */
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <scm.hpp>

namespace {

const std::uint8_t COMMAND[] = {0x80, 0xEC, 0x00, 0x00, 0x02, 0x01, 0x02};
std::uint8_t room[258];

/* Uses the response, as a program would. */
unsigned sum;

[[noreturn]] void complain(const char *text)
{
    std::fprintf(stderr, "cpp: %s\n", text);
    std::exit(EXIT_FAILURE);
}

/* Each of these is a function of its own, so that the compiler cannot join several rounds. */
__attribute__((noinline)) void by_c(const scm::attachment &card)
{
    std::size_t length;
    const scm_result result = scm_transmit(card.get(), COMMAND, sizeof COMMAND, room, sizeof room, &length);
    if (SCM_FAILED(result))
        complain(scm_result_name(result));
    sum += static_cast<unsigned>(length);
}

__attribute__((noinline)) void by_throwing(const scm::attachment &card)
{
    sum += static_cast<unsigned>(card.transmit(COMMAND, room).size());
}

__attribute__((noinline)) void by_storing(const scm::attachment &card)
{
    std::error_code error;
    const scm::buffer response = card.transmit(COMMAND, room, error);
    if (error)
        complain(error.message().c_str());
    sum += static_cast<unsigned>(response.size());
}

void repeat(int count, const scm::attachment &card, void (*call)(const scm::attachment &))
{
    for (int i = 0; i < count; i++)
        call(card);
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 3)
        complain("cpp c|throws|stores COUNT");
    const bool is_c = std::strcmp(argv[1], "c") == 0, throws = std::strcmp(argv[1], "throws") == 0;
    const scm::attachment card = scm::attachment::by_ifd("any");
    repeat(std::atoi(argv[2]), card, is_c ? by_c : throws ? by_throwing : by_storing);
    return sum == 0;
}

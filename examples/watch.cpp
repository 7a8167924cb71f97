// Prints readers and cards that come and go.
//
//     watch [SECONDS]          ends when nothing has happened for that time; without it, never
#include <chrono>
#include <cstdlib>
#include <iomanip>
#include <iostream>

#include <scm.hpp>

static const char *text_of(std::uint32_t kind)
{
    switch (kind) {
    case SCM_EVENT_SERVICE_UP: return "the service runs";
    case SCM_EVENT_SERVICE_DOWN: return "the service does not run";
    case SCM_EVENT_IFD_ARRIVED: return "a reader is there";
    case SCM_EVENT_IFD_LEFT: return "a reader is gone";
    case SCM_EVENT_CARD_INSERTED: return "a card is in the reader";
    case SCM_EVENT_CARD_REMOVED: return "the card is gone";
    case SCM_EVENT_CARD_RESET: return "the card was reset";
    case SCM_EVENT_CURRENT: return "from now on changes";
    default: return "something new";
    }
}

int main(int argc, char **argv)
{
    try {
        scm::monitor monitor = scm::monitor::create();
        const scm::timeout limit = argc > 1 ? std::chrono::duration<double>(std::atof(argv[1])) : scm::infinite;
        for (const scm::event &event : monitor.events(limit)) {
            std::cout << event.ifd_name() << (event.ifd_name().empty() ? "" : ": ") << text_of(event.kind());
            for (std::uint8_t byte : event.atr())
                std::cout << ' ' << std::hex << std::setw(2) << std::setfill('0') << unsigned{byte} << std::dec;
            std::cout << std::endl;
        }
        return 0;
    } catch (const scm::error &error) {
        std::cerr << "watch: " << error.what() << '\n';
        return 1;
    }
}

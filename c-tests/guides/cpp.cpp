/* The programs of docs/cpp.md. Its commands compile and run the first one, program.cpp. */
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <vector>

#include <scm.hpp>

#include "scm_card.h"

using namespace std::chrono_literals;

#define CHECK(condition) ((condition) ? (void)0 : fail(#condition, __LINE__))

[[noreturn]] static void fail(const char *condition, int line)
{
    std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, line, condition);
    std::exit(1);
}

/* A reader with the card of libscm_card, and an attachment. */
struct stage {
    scm_card *iso_card = nullptr;
    scm::virtual_ifd reader = scm::virtual_ifd::create("Stage");
    scm::attachment card;

    explicit stage(const char *description = nullptr)
    {
        scm_virtual_card plug SCM_VIRTUAL_CARD_INIT;
        CHECK(scm_card_create(description, &iso_card) == SCM_S_OK && scm_card_plug(iso_card, &plug) == SCM_S_OK);
        CHECK(scm_virtual_ifd_insert(reader.get(), &plug) == SCM_S_OK);
        card = scm::attachment::by_ifd("Stage");
    }
    ~stage()
    {
        reader.destroy();
        scm_card_destroy(iso_card);
    }
};

/* A card that another application resets after the first command. */
struct resets {
    stage &on;
    int transmits = 0;

    template <class... Rest> void transmit(Rest &&...rest)
    {
        on.card.transmit(std::forward<Rest>(rest)...);
        if (++transmits == 1)
            on.reader.reset();
    }
    void reconnect(std::error_code &error) { on.card.reconnect(error); }
};

static void failures()
{
    stage on;
    const std::uint8_t command[] = {0x00, 0xA4, 0x00, 0x0C, 0x02, 0x3F, 0x00};
    std::uint8_t room[258];
    {
        resets card{on};
#include "guides/cpp/failures.cpp"
        CHECK(card.transmits == 2 && !error);
    }
    on.card.transmit(command, room);
}

static scm::attachment other;
static int signatures;

static void sign(scm::attachment &card)
{
    CHECK(!other.try_lock_for(0ms));
    CHECK(card);
    signatures++;
}

static void locks()
{
    stage on("[[mf.code]]\nnumber = 1\nvalue = { text = '1234' }\n");
    scm::attachment &card = on.card;
    other = scm::attachment::by_ifd("Stage");
    {
#include "guides/cpp/locks.cpp"
    }
    other.detach();
    CHECK(signatures == 1 && card.generation() == 1);
}

static int handled;

static void handle(const scm::event &event)
{
    handled += event.kind() != 0;
}

static void events()
{
    stage on;
/* The first loop ends at its first event, and the second one waits for a moment only. */
#define ifd_name() ifd_name(), monitor.cancel(), std::cout << '.'
#define events(limit) events(limit == 5s ? 100ms : 0ms)
#include "guides/cpp/events.cpp"
#undef ifd_name
#undef events
    CHECK(handled >= 3);
}

static void cards_made_of_functions()
{
    const std::uint8_t select[] = {0x00, 0xA4, 0x00, 0x00}, verify[] = {0x00, 0x20, 0x00, 0x01},
                       read[] = {0x00, 0xB0, 0x00, 0x00};
    std::uint8_t room[258];
    std::error_code error;
#include "guides/cpp/cards-made-of-functions.cpp"
    scm::attachment attachment = scm::attachment::by_ifd("Test reader");
    CHECK(attachment.transmit(select, room).size() == 2);
    attachment.transmit(verify, room, error);
    CHECK(error == scm::errc::scard_e_not_transacted);
    attachment.transmit(read, room, error);
    CHECK(error == scm::errc::scard_w_removed_card);
}

int main()
{
    failures();
    locks();
    events();
    cards_made_of_functions();
}

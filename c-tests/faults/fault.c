#include "fault.h"

#define OTHER_ATR "3B8180010203"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define PULL "pull %d", "await %d empty"
#define INSERT "insert-now %d steerable", "await %d present"
#define INSERT_OTHER "insert-now %d steerable " OTHER_ATR, "await %d present"

static const struct fault CARD[] = {
    {"reset-warm", .happens = {"reset %d warm"}, .needs_no_lock = true},
    {"reset-cold", .happens = {"reset %d cold"}, .needs_no_lock = true},
    {"pulled", .happens = {PULL}, .ends = {INSERT}},
    {"pulled-in-transmit", IN_TRANSMIT, .before = {"card %d delay 60000"}, .happens = {"pull %d"},
     .ends = {"await %d empty", INSERT}},
    {"put-back-in-transmit", IN_TRANSMIT, .before = {"card %d delay 60000"}, .happens = {PULL, INSERT}},
    {"dropped-in-transmit", IN_TRANSMIT, .before = {"card %d drop"},
     .ends = {"await %d empty", "card %d plug", "await %d present"}},
    {"half-an-answer", IN_TRANSMIT, .before = {"card %d half 1"},
        .ends = {"await %d empty", "card %d plug", "await %d present"}},
    {"pulled-in-lock-wait", IN_LOCK, .before = {"hold %d transaction"}, .happens = {"pull %d"},
     .ends = {"release %d die", "await %d empty", INSERT}, .needs_no_lock = true},
    {"put-back", .happens = {PULL, INSERT}},
    {"other-card", .happens = {PULL, INSERT_OTHER}, .restore = {PULL, INSERT}},
};

static const struct fault SERVICE[] = {
    {"killed", .happens = {"daemon kill"}, .ends = {"daemon start"}},
    {"stopped", .happens = {"daemon stop"}, .ends = {"daemon start"}},
    {"restarted", .happens = {"daemon restart kill"}},
    {"killed-in-transmit", IN_TRANSMIT, .before = {"card %d delay 60000"}, .happens = {"daemon kill"},
     .ends = {"card %d delay 0", "daemon start"}},
    {"killed-in-lock-wait", IN_LOCK, .before = {"hold %d transaction"}, .happens = {"daemon kill"},
     .ends = {"release %d die", "daemon start"}, .needs_no_lock = true},
    {"restarted-card-gone", .happens = {"daemon kill", "pull %d", "daemon start"}, .ends = {INSERT}},
    {"restarted-other-card",
        .happens = {"daemon kill", "pull %d", "insert-now %d steerable " OTHER_ATR, "daemon start"},
     .restore = {PULL, INSERT}},
    {"unplugged", .happens = {"pcscd: daemon kill", "unplug %d", "pcscd: daemon start"},
     .ends = {"pcscd: daemon kill", "plug %d", "pcscd: daemon start"}},
    {"replugged", .happens = {"pcscd: daemon kill", "unplug %d", "plug %d", "pcscd: daemon start"}},
    {"renamed", .happens = {"pcscd: daemon kill", "unplug %d", "plug %d Renamed %d", "pcscd: daemon start"},
     .restore = {"pcscd: daemon kill", "unplug %d", "plug %d Virtual %c", "pcscd: daemon start"}},
    {"frozen", WAITING, .happens = {"daemon freeze"}, .ends = {"daemon thaw"}},
};

static const struct fault USE[] = {
    {"transaction", WAITING, .happens = {"hold %d transaction"}, .ends = {"release %d leave"}, .needs_no_lock = true},
    {"transaction-reset", WAITING, .happens = {"hold %d transaction"}, .ends = {"release %d reset"},
        .needs_no_lock = true},
    {"transaction-dies", WAITING, .happens = {"hold %d transaction"}, .ends = {"release %d die"},
        .needs_no_lock = true},
    {"exclusive", .happens = {"daemon restart kill", "hold %d exclusive"}, .ends = {"release %d leave"}},
    {"exclusive-dies", .happens = {"daemon restart kill", "hold %d exclusive"}, .ends = {"release %d die"}},
    {"mute", .happens = {"card %d mute", "reset %d warm"}, .ends = {"card %d unmute"}, .needs_no_lock = true},
    {"garbage-one-byte", IN_TRANSMIT, .before = {"card %d answer - 6F"}, .ends = {"card %d forget"}},
    {"garbage", IN_TRANSMIT, .before = {"card %d answer - DEADBEEF"}, .ends = {"card %d forget"}},
    {"slow", IN_TRANSMIT, .before = {"card %d delay 1000"}, .ends = {"card %d forget"}},
    {"owner-disconnects", .happens = {"owner disconnect"}, .is_of_handles = true},
    {"owner-releases", .happens = {"owner release"}, .is_of_handles = true},
};

const struct group GROUPS[] = {
    {"card", CARD, COUNT(CARD)},
    {"service", SERVICE, COUNT(SERVICE)},
    {"use", USE, COUNT(USE)},
};
const size_t HOW_MANY_GROUPS = COUNT(GROUPS);

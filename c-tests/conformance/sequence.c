#include "sequence.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "differences.h"
#include "draw.h"
#include "model.h"

/* A step that takes longer, in seconds, counts as a hang; under valgrind too. */
enum { TIME_LIMIT_S = 30 };

/* The steps in words, up to the difference. */
static struct {
    char (*lines)[256];
    int count, room;
    char difference[3 * sizeof((struct answer){0}.text)];
} trace;

static struct {
    unsigned count;
    double seconds;
} statistics[KINDS];

static void note_line(const char *words, const char *answer)
{
    if (trace.count == trace.room) {
        trace.room = trace.room == 0 ? 1024 : 2 * trace.room;
        trace.lines = realloc(trace.lines, (size_t)trace.room * sizeof *trace.lines);
        if (trace.lines == NULL)
            abort();
    }
    snprintf(trace.lines[trace.count], sizeof *trace.lines, "%.120s -> %.130s", words, answer);
    trace.count++;
}

void sequence_print(void)
{
    int first = trace.count > 60 ? trace.count - 60 : 0;
    if (first > 0)
        fprintf(stderr, "  (%d steps before)\n", first);
    for (int i = first; i < trace.count; i++)
        fprintf(stderr, "%6d  %s\n", i + 1, trace.lines[i]);
    fputs(trace.difference, stderr);
}

/* A call waits and should not. The program cannot continue after this difference. */
static void give_up(int signal)
{
    (void)signal;
    fprintf(stderr, "A step waits forever:\n");
    sequence_print();
    _exit(1);
}

static bool compare(const struct step *step, const char *what, const struct answer *real, const struct answer *virtual)
{
    if (strcmp(real->text, virtual->text) == 0 || differences_excuse(step, real, virtual))
        return true;
    snprintf(trace.difference, sizeof trace.difference, "%s\n    real:    %s\n    virtual: %s\n", what, real->text,
             virtual->text);
    return false;
}

static enum outcome do_step(struct model *model, const struct step *step)
{
    static struct answer real, virtual;
    struct timespec start, end;
    bool waits[SLOTS], same = true;
    const char *words = step_words(step);
    model_waits(model, waits);
    alarm(TIME_LIMIT_S);
    note_line(words, "...");
    clock_gettime(CLOCK_MONOTONIC, &start);
    step_do(step, &REAL, waits, &real);
    bool skipped = differences_skip(step, real.result);
    if (!skipped)
        step_do(step, &VIRTUAL, waits, &virtual);
    trace.count--;
    note_line(words, real.text);
    if (!skipped)
        same = compare(step, "Its answer differs:", &real, &virtual);
    bool overslept = model_overslept(model);
    model_note(model, step, real.result, &start);
    step_facts(&REAL, &real);
    step_facts(&VIRTUAL, &virtual);
    same = same && compare(step, "What is known afterwards differs:", &real, &virtual);
    alarm(0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    statistics[step->kind].count++;
    statistics[step->kind].seconds +=
        (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
    return same ? SAME : overslept ? TOO_SLOW : DIFFERENT;
}

/* Does a step, and the necessary preparation before it. */
static enum outcome advance(struct model *model, const struct step *step)
{
    for (int reader = 0; reader < READERS; reader++)
        if (differences_settle(model, reader, step)) {
            struct step settling = {.kind = UNPOWER, .reader = reader};
            enum outcome outcome = do_step(model, &settling);
            if (outcome != SAME)
                return outcome;
        }
    return do_step(model, step);
}

static void begin(struct model *model)
{
    signal(SIGALRM, give_up);
    trace.count = 0;
    trace.difference[0] = '\0';
    side_begin(&REAL);
    side_begin(&VIRTUAL);
    model_begin(model);
}

enum outcome sequence_draw(struct sequence *sequence, struct random *random, int count)
{
    static struct model model;
    enum outcome outcome = SAME;
    begin(&model);
    for (sequence->count = 0; sequence->count < count && outcome == SAME;) {
        struct step step = draw(random, &model);
        sequence->steps[sequence->count++] = step;
        outcome = advance(&model, &step);
    }
    return outcome;
}

enum outcome sequence_replay(struct sequence *sequence)
{
    static struct model model;
    begin(&model);
    for (int i = 0; i < sequence->count; i++) {
        const struct step *step = &sequence->steps[i];
        if (!model_allows(&model, step) || differences_forbid(&model, step))
            continue;
        enum outcome outcome = advance(&model, step);
        if (outcome == SAME)
            continue;
        sequence->count = i + 1;
        return outcome;
    }
    return SAME;
}

void sequence_print_statistics(void)
{
    static const char *const names[KINDS] = {
        "attach", "attach by handle", "detach", "detach_ex", "transmit", "last response", "control", "get attribute",
        "set attribute", "lock", "unlock", "reconnect", "reconnect_ex", "status", "look", "reset", "hold", "release",
        "pull", "insert", "stop", "start", "(unpower)",
    };
    for (int kind = 0; kind < KINDS; kind++)
        printf("  %-18s %6u times, %7.3f s\n", names[kind], statistics[kind].count, statistics[kind].seconds);
}

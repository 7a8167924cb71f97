/* Compares the virtual reader with a real one: the same random steps on both, and every answer compared.
 *
 *     test_conformance [--seed S] [--seeds N] [--steps N] [--no-shrink] [--document FILE] [--statistics]
 *     test_conformance --blocking
 *
 * It runs in a private stack of two readers: `scm-stack run --readers 2 -- test_conformance`. Seeds S, S+1, ... each
 * give a sequence. After a difference it prints the steps, and then the fewest steps that show it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "blocking.h"
#include "differences.h"
#include "sequence.h"

static struct {
    uint64_t seed;
    int seeds, steps;
    const char *document;
    bool statistics, shrinks, blocks;
} options = {.seed = 1, .seeds = 8, .steps = 500, .shrinks = true};

static void read_options(int count, char **words)
{
    for (int i = 1; i < count; i++) {
        const char *value = i + 1 < count ? words[i + 1] : "0";
        if (strcmp(words[i], "--statistics") == 0)
            options.statistics = true;
        else if (strcmp(words[i], "--blocking") == 0)
            options.blocks = true;
        else if (strcmp(words[i], "--no-shrink") == 0)
            options.shrinks = false;
        else if (strcmp(words[i], "--seed") == 0)
            options.seed = strtoull(value, NULL, 0), i++;
        else if (strcmp(words[i], "--seeds") == 0)
            options.seeds = atoi(value), i++;
        else if (strcmp(words[i], "--steps") == 0)
            options.steps = atoi(value), i++;
        else if (strcmp(words[i], "--document") == 0)
            options.document = words[++i];
        else {
            fprintf(stderr, "unknown option: %s\n", words[i]);
            exit(2);
        }
    }
}

/* Removes steps while a difference remains: halves, quarters, ..., single steps; for a minute at most. */
static void shrink(struct sequence *sequence)
{
    struct sequence fewer = {malloc((size_t)sequence->count * sizeof *sequence->steps), 0};
    time_t end = time(NULL) + 60;
    if (fewer.steps == NULL)
        abort();
    for (int length = sequence->count / 2; length > 0; length /= 2)
        for (int first = sequence->count - length; first >= 0 && time(NULL) < end; first -= length) {
            int rest = sequence->count - first - length;
            if (rest < 0)
                continue;
            memcpy(fewer.steps, sequence->steps, (size_t)first * sizeof *fewer.steps);
            memcpy(fewer.steps + first, sequence->steps + first + length, (size_t)rest * sizeof *fewer.steps);
            fewer.count = first + rest;
            if (sequence_replay(&fewer) == DIFFERENT) {
                memcpy(sequence->steps, fewer.steps, (size_t)fewer.count * sizeof *fewer.steps);
                sequence->count = fewer.count;
            }
        }
    free(fewer.steps);
}

static enum outcome run(uint64_t seed)
{
    struct random random = {seed};
    struct sequence sequence = {malloc((size_t)options.steps * sizeof *sequence.steps), 0};
    if (sequence.steps == NULL)
        abort();
    enum outcome outcome = sequence_draw(&sequence, &random, options.steps);
    if (outcome != DIFFERENT)
        printf("seed %llu: %d steps, %s\n", (unsigned long long)seed, sequence.count,
               outcome == SAME ? "no difference" : "then the machine was too slow");
    else {
        fprintf(stderr, "Both sides differ: seed %llu, step %d. What was done on the real side:\n",
                (unsigned long long)seed, sequence.count);
        sequence_print();
    }
    if (outcome == DIFFERENT && options.shrinks) {
        fprintf(stderr, "Leaving out steps ...\n");
        shrink(&sequence);
        fprintf(stderr, "The fewest steps that show a difference:\n");
        if (sequence_replay(&sequence) != DIFFERENT)
            fprintf(stderr, "(it does not come again)\n");
        sequence_print();
    }
    fflush(stdout);
    free(sequence.steps);
    return outcome;
}

int main(int count, char **words)
{
    int different = 0, too_slow = 0;
    read_options(count, words);
    if (options.document != NULL)
        different += !differences_are_documented(options.document);
    if (options.blocks)
        different += !blocking_compare();
    for (int i = 0; i < options.seeds && different == 0 && !options.blocks; i++) {
        enum outcome outcome = run(options.seed + (uint64_t)i);
        different += outcome == DIFFERENT;
        too_slow += outcome == TOO_SLOW;
    }
    side_end(&REAL);
    side_end(&VIRTUAL);
    if (options.statistics) {
        sequence_print_statistics();
        for (int i = 0; i < DIFFERENCE_COUNT; i++)
            printf("  %s: %u times\n", DIFFERENCES[i].id, DIFFERENCES[i].used);
    }
    if (2 * too_slow > options.seeds)
        fprintf(stderr, "The machine is too slow to compare anything.\n");
    return different > 0 || 2 * too_slow > options.seeds;
}

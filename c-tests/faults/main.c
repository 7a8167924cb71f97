/* The table of faults: plays every row of docs/reconnect.md, and compares the results with the page. A row without a
 * fault is an error, and so is a fault without a row.
 *
 *     test_faults DOCUMENT --pcscd|--virtual [--print] [GROUP|ID]...
 *
 * on a stack of six readers, or on virtual readers. --print prints the results, a column for each, and compares
 * nothing. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "special_fault.h"
#include "page.h"
#include "play.h"

/* The longest time for a fault, in seconds. */
#define TIME_LIMIT_S 120

static char **wanted;
static bool prints;
static const char *current;
static int played, failures;

static void give_up(int signal)
{
    (void)signal;
    fprintf(stderr, "%s: a call waits forever\n", current);
    _exit(1);
}

static void report(const char *id, const char *wrong)
{
    failures++;
    fprintf(stderr, "%s: %s\n", id, wrong);
}

/* True if the fault or its group was selected; without a selection all are. */
static bool is_wanted(const char *group, const char *id)
{
    for (char **word = wanted; *word != NULL; word++)
        if (strcmp(*word, group) == 0 || strcmp(*word, id) == 0)
            return true;
    return wanted[0] == NULL;
}

/* The row of a fault, which must exist even if it is not played now. */
static struct row *find_row(const char *id, int cells)
{
    struct row *row = page_row(id);
    if (row == NULL || row->how_many != cells) {
        report(id, row == NULL ? "has no row on the page" : "has not the right number of cells on the page");
        return NULL;
    }
    row->is_played = true;
    return row;
}

static void print_cell(char (*seen)[CELL_SIZE])
{
    printf(" %s", seen[BY_IFD]);
    for (enum kind kind = BORROWED; kind < KINDS; kind++)
        if (strcmp(seen[kind], seen[BY_IFD]) != 0)
            printf("; %s: %s", KIND[kind], seen[kind]);
    printf(" |");
}

static void judge(const char *id, const char *what, char (*seen)[CELL_SIZE], const char *cell)
{
    char wrong[512];
    for (enum kind kind = 0; kind < KINDS; kind++) {
        const char *const words[] = {KIND[kind], bed_is_virtual() ? "virtual" : "pcscd", what, NULL};
        if (page_allows(cell, words, seen[kind]))
            continue;
        snprintf(wrong, sizeof wrong, "%s, %s: %s, and the page says \"%s\"", what, KIND[kind], seen[kind], cell);
        report(id, wrong);
    }
}

static void begin(const char *id)
{
    current = id;
    played++;
    alarm(TIME_LIMIT_S);
    if (prints)
        printf("| `%s` |", id);
}

/* A result, and its cell on the page; calls with equal answers share one. */
static const struct {
    const char *what;
    int place;
} CELL_OF_PAGE[CELLS] = {
    [CELL_STATUS] = {"status", 0},
    [CELL_TRANSMIT] = {"transmit", 1},
    [CELL_SEND] = {"send", 1},
    [CELL_READ] = {"read", 1},
    [CELL_LOCK] = {"lock", 2},
    [CELL_MEANWHILE] = {"reconnect meanwhile", 3},
    [CELL_AFTER] = {"reconnect", 4},
    [CELL_FILE] = {"open file", 5},
    [CELL_GENERATION] = {"generation", 6},
    [CELL_UNLOCK] = {"unlock", 7},
    [CELL_HELD] = {"lock held", 8},
};

static void play_fault(const struct fault *fault)
{
    static struct observed observed;
    const struct row *row = prints ? NULL : page_row(fault->id);
    begin(fault->id);
    const char *wrong = play(fault, &observed);
    if (wrong != NULL)
        report(fault->id, wrong);
    for (int cell = 0; cell < CELLS; cell++)
        if (prints)
            print_cell(observed.cells[cell]);
        else
            judge(fault->id, CELL_OF_PAGE[cell].what, observed.cells[cell], row->cells[CELL_OF_PAGE[cell].place]);
}

static void play_special(const struct special_fault *fault)
{
    char seen[KINDS][CELL_SIZE];
    begin(fault->id);
    for (enum kind kind = 0; kind < KINDS; kind++)
        snprintf(seen[kind], CELL_SIZE, "%s", fault->play(kind));
    if (prints)
        print_cell(seen);
    else
        judge(fault->id, "the outcome", seen, page_row(fault->id)->cells[0]);
}

static void play_all(void)
{
    for (size_t i = 0; i < HOW_MANY_GROUPS; i++)
        for (size_t n = 0; n < GROUPS[i].how_many; n++) {
            const struct fault *fault = &GROUPS[i].faults[n];
            bool is_there = prints || find_row(fault->id, PAGE_CELLS) != NULL;
            if (is_there && is_wanted(GROUPS[i].name, fault->id)) {
                play_fault(fault);
                if (prints)
                    puts("");
            }
        }
    for (size_t i = 0; i < HOW_MANY_SPECIAL; i++)
        for (size_t n = 0; n < SPECIAL_GROUPS[i].how_many; n++) {
            const struct special_fault *fault = &SPECIAL_GROUPS[i].faults[n];
            bool is_there = prints || find_row(fault->id, 1) != NULL;
            if (is_there && is_wanted(SPECIAL_GROUPS[i].name, fault->id)) {
                play_special(fault);
                if (prints)
                    puts("");
            }
        }
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s DOCUMENT --pcscd|--virtual [--print] [GROUP|ID]...\n", argv[0]);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    prints = argc > 3 && strcmp(argv[3], "--print") == 0;
    wanted = argv + (prints ? 4 : 3);
    bool is_virtual = strcmp(argv[2], "--virtual") == 0;
    bed_make(is_virtual ? 3 : 2, (char *[]){argv[0], argv[2], "6", NULL});
    if (!prints)
        page_read(argv[1]);
    signal(SIGALRM, give_up);
    play_begin();
    play_all();
    for (struct row *row; (row = page_unplayed()) != NULL; row->is_played = true)
        report(row->id, "is a row that nobody plays");
    printf("%d faults, %d failures\n", played, failures);
    return failures > 0 || played == 0;
}

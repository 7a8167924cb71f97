#include "page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 64

static struct row rows[MOST];
static int how_many;

static void give_up(const char *path, const char *why)
{
    fprintf(stderr, "%s: %s\n", path, why);
    exit(2);
}

/* Copies the text between two bars, without blanks around it. */
static const char *read_cell(const char *line, char *cell, size_t size)
{
    size_t length = strcspn(line, "|"), from = strspn(line, " ");
    const char *next = line + length;
    while (length > from && line[length - 1] == ' ')
        length--;
    snprintf(cell, size, "%.*s", (int)(length > from ? length - from : 0), line + from);
    return *next == '|' ? next + 1 : next;
}

static void read_row(const char *path, const char *line)
{
    char words[512];
    struct row row = {0};
    if (how_many == MOST)
        give_up(path, "there are too many rows");
    if (sscanf(line, "| `%31[^`]` |", row.id) != 1)
        return;
    const char *at = strchr(line + 1, '|') + 1;
    at = read_cell(at, words, sizeof words);
    while (*at != '\n' && *at != '\0' && row.how_many < PAGE_CELLS)
        at = read_cell(at, row.cells[row.how_many++], sizeof row.cells[0]);
    if (page_row(row.id) != NULL)
        give_up(path, row.id);
    rows[how_many++] = row;
}

void page_read(const char *path)
{
    char line[2048];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        give_up(path, "cannot be read");
    while (fgets(line, sizeof line, file) != NULL)
        read_row(path, line);
    fclose(file);
}

struct row *page_row(const char *id)
{
    for (int i = 0; i < how_many; i++)
        if (strcmp(rows[i].id, id) == 0)
            return &rows[i];
    return NULL;
}

struct row *page_unplayed(void)
{
    for (int i = 0; i < how_many; i++)
        if (!rows[i].is_played)
            return &rows[i];
    return NULL;
}

/* Removes the text up to `separator`, and returns the rest, or NULL. */
static char *split(char *text, const char *separator)
{
    char *at = strstr(text, separator);
    if (at == NULL)
        return NULL;
    *at = '\0';
    return at + strlen(separator);
}

static bool is_among(const char *word, const char *const words[])
{
    while (*words != NULL && strcmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

static bool apply(char *conditions, const char *const words[])
{
    for (char *next; conditions != NULL; conditions = next) {
        next = split(conditions, " ");
        if (!is_among(conditions, words))
            return false;
    }
    return true;
}

bool page_allows(const char *cell, const char *const words[], const char *answer)
{
    char text[512], *meant = NULL;
    snprintf(text, sizeof text, "%s", cell);
    for (char *part = text, *next; part != NULL; part = next) {
        next = split(part, "; ");
        char *behind = split(part, ": ");
        if (behind == NULL)
            meant = part;
        else if (apply(part, words))
            meant = behind;
    }
    for (char *next; meant != NULL; meant = next) {
        next = split(meant, " or ");
        if (strcmp(meant, answer) == 0)
            return true;
    }
    return false;
}

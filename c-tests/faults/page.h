/* The page whose tables say what is expected: docs/reconnect.md. A row begins with the id of a fault between backticks, and
 * what happens in words; its cells follow.
 *
 * A cell has parts, with "; " between them. One that begins with words and ": " holds where all of these apply: kinds of
 * attachments, beds, and calls that share the cell. The last one that applies is meant. " or " stands between answers that are equally good. */
#ifndef PAGE_H
#define PAGE_H

#include <stdbool.h>

#define PAGE_CELLS 9

struct row {
    char id[32];
    int how_many;
    char cells[PAGE_CELLS][512];
    bool is_played; /* there is a fault for it */
};

/* Reads the page. The program ends when it cannot be read, or two rows have one id. */
void page_read(const char *path);

struct row *page_row(const char *id);

/* A row that is not marked as played, or NULL. */
struct row *page_unplayed(void);

/* Whether the cell allows the answer where these words apply, up to NULL. */
bool page_allows(const char *cell, const char *const words[], const char *answer);

#endif

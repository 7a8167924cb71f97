/* The page with the expected results: docs/reconnect.md. A row begins with the id of a fault between backticks and a
 * description; its cells follow.
 *
 * A cell has parts, separated by "; ". A part that begins with words and ": " applies to these: kinds of attachments,
 * beds, and calls that share the cell. The last part that applies counts. " or " separates answers that are equally
 * right. */
#ifndef PAGE_H
#define PAGE_H

#include <stdbool.h>

#define PAGE_CELLS 9

struct row {
    char id[32];
    int how_many;
    char cells[PAGE_CELLS][512];
    bool is_played; /* a fault plays it */
};

/* Reads the page. The program ends if that fails, or if two rows have one id. */
void page_read(const char *path);

struct row *page_row(const char *id);

/* A row that is not marked as played, or NULL. */
struct row *page_unplayed(void);

/* True if the cell allows the answer under these words; NULL ends the words. */
bool page_allows(const char *cell, const char *const words[], const char *answer);

#endif

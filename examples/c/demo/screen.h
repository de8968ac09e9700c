/* Where the demo writes: a terminal is redrawn in place, a pipe gets plain lines. */
#ifndef DEMO_SCREEN_H
#define DEMO_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

enum ink { INK_PLAIN, INK_BOLD, INK_DIM, INK_RED, INK_GREEN, INK_YELLOW, INK_BLUE };

struct screen {
    bool is_live;     /* redraws in place */
    bool has_colours;
    bool has_unicode;
    int drawn;        /* lines of the page on the terminal now */
};

/* Text that is put together and then shown at once, so that nothing flickers. */
struct page {
    char text[16384];
    size_t length;
};

struct screen screen_make(void);

/* Lines that a page may have on this terminal. */
int screen_rows(void);

/* Replaces the page shown before. */
void screen_show(struct screen *screen, const struct page *page);

/* Leaves the page shown last where it is, and gives the terminal back as it was. */
void screen_release(struct screen *screen);

/* Adds text, or as much of it as there is room for. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void page_add(struct page *page, const char *format, ...);

/* Adds text of `width` columns (padded on the right; a negative width pads on the left) in a
 * colour. The text is ASCII, since its bytes are taken for its columns. */
void page_add_cell(struct page *page, const struct screen *screen, enum ink ink, int width,
                   const char *text);

/* What switches a colour on; "" where there are none. INK_PLAIN ends any colour. */
const char *screen_ink(const struct screen *screen, enum ink ink);

#endif

#define _POSIX_C_SOURCE 200809L
#include "screen.h"

#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The table with a few events below it; on less, lines are better than half a table. */
#define LOWEST_TERMINAL 15

static int rows(void)
{
    struct winsize size;
    bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
    return is_known ? size.ws_row : 24;
}

struct screen screen_make(void)
{
    setlocale(LC_CTYPE, "");
    const char *terminal = getenv("TERM");
    const char *no_colour = getenv("NO_COLOR"); /* https://no-color.org */
    bool is_terminal = isatty(STDOUT_FILENO) && terminal != NULL && strcmp(terminal, "dumb") != 0;
    return (struct screen){
        .is_live = is_terminal && rows() >= LOWEST_TERMINAL,
        .has_colours = is_terminal && (no_colour == NULL || *no_colour == '\0'),
        .has_unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
    };
}

int screen_rows(void)
{
    return rows() - 1; /* the cursor stands on the line below the page */
}

static int count_lines(const char *text)
{
    int lines = 0;
    for (; *text != '\0'; text++) {
        lines += *text == '\n';
    }
    return lines;
}

/* Each line ends what an older, longer one left there; nothing wraps, since a wrapped line would
 * be two to the cursor and one to us. */
static void draw(const struct screen *screen, const char *text)
{
    fputs("\033[?25l\033[?7l", stdout); /* no cursor, no wrapping */
    if (screen->drawn > 0) {
        printf("\033[%dA", screen->drawn);
    }
    for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
        printf("\r%.*s\033[K\n", (int)(end - text), text);
    }
    fputs("\033[J\033[?7h", stdout); /* nothing below; wrapping again */
}

void screen_show(struct screen *screen, const struct page *page)
{
    if (screen->is_live) {
        draw(screen, page->text);
        screen->drawn = count_lines(page->text);
    } else {
        fputs(page->text, stdout);
    }
    fflush(stdout);
}

void screen_release(struct screen *screen)
{
    if (screen->is_live) {
        fputs("\033[?25h", stdout);
        fflush(stdout);
    }
    screen->drawn = 0;
}

void page_add(struct page *page, const char *format, ...)
{
    size_t room = sizeof page->text - page->length;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(page->text + page->length, room, format, arguments);
    va_end(arguments);
    if (length > 0) {
        page->length += (size_t)length < room ? (size_t)length : room - 1;
    }
}

const char *screen_ink(const struct screen *screen, enum ink ink)
{
    static const char *const codes[] = {
        [INK_PLAIN] = "\033[0m", [INK_BOLD] = "\033[1m",    [INK_DIM] = "\033[2m",
        [INK_RED] = "\033[31m",  [INK_GREEN] = "\033[32m",  [INK_YELLOW] = "\033[33m",
        [INK_BLUE] = "\033[36m",
    };
    return screen->has_colours ? codes[ink] : "";
}

void page_add_cell(struct page *page, const struct screen *screen, enum ink ink, int width,
                   const char *text)
{
    /* Padded before it is coloured: printf would count the colour's bytes. */
    page_add(page, "%s%*s%s", screen_ink(screen, ink), -width, text, screen_ink(screen, INK_PLAIN));
}

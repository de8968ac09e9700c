/* The table: three servers, what the library thinks of them, and who does the work. */
#ifndef DEMO_TABLE_H
#define DEMO_TABLE_H

#include "screen.h"
#include "watch.h"

/* Lines that table_add writes, so that whoever draws knows what room is left. */
#define TABLE_LINES (LOAD_SERVERS + 3)

/* Adds a head, a line per server, and a line with the calls. */
void table_add(struct page *page, const struct screen *screen, const struct watch *watch,
               const struct load *load);

#endif

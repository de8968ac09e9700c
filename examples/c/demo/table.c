#include "table.h"

#include <inttypes.h>
#include <stdio.h>

#define BAR_COLUMNS 18

struct look {
    const char *word;
    enum ink ink;
};

static struct look health_look(uint32_t health)
{
    switch (health) {
    case FAILOVER_HEALTH_HEALTHY:
        return (struct look){ "healthy", INK_GREEN };
    case FAILOVER_HEALTH_UNHEALTHY:
        return (struct look){ "unhealthy", INK_RED };
    case FAILOVER_HEALTH_DEGRADED:
        return (struct look){ "degraded", INK_YELLOW };
    default:
        return (struct look){ "unknown", INK_DIM };
    }
}

static struct look circuit_look(uint32_t circuit)
{
    switch (circuit) {
    case FAILOVER_CIRCUIT_CLOSED:
        return (struct look){ "closed", INK_GREEN };
    case FAILOVER_CIRCUIT_HALF_OPEN:
        return (struct look){ "half-open", INK_YELLOW };
    default:
        return (struct look){ "open", INK_RED };
    }
}

/* A bar with a resolution of an eighth of a column where the font has one. */
static void add_bar(struct page *page, const struct screen *screen, double share, enum ink ink)
{
    static const char *const parts[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
    int eighths = (int)(share * BAR_COLUMNS * 8 + 0.5);
    int columns = 0;
    page_add(page, "%s", screen_ink(screen, ink));
    for (; columns < eighths / 8; columns++) {
        page_add(page, "%s", screen->has_unicode ? "█" : "#");
    }
    if (eighths % 8 != 0 && screen->has_unicode) {
        page_add(page, "%s", parts[eighths % 8]);
        columns++;
    }
    page_add(page, "%s%*s", screen_ink(screen, INK_PLAIN), BAR_COLUMNS - columns, "");
}

static void add_latency(struct page *page, uint64_t nanos)
{
    char text[32] = "-";
    if (nanos > 0) {
        snprintf(text, sizeof text, "%.1f", (double)nanos / 1e6);
    }
    page_add(page, "%7s", text);
}

static void add_server(struct page *page, const struct screen *screen,
                       const struct server_view *server)
{
    const failover_endpoint_stats *stats = &server->stats;
    struct look health = health_look(stats->health);
    struct look circuit = circuit_look(stats->circuit);
    const char *dot = screen->has_unicode ? "●" : "*";
    page_add(page, "  ");
    page_add_cell(page, screen, INK_BOLD, 2, (char[]){ server->name, '\0' });
    page_add(page, ":%-6u %s%s ", (unsigned)server->port, screen_ink(screen, health.ink), dot);
    page_add_cell(page, screen, health.ink, 11, health.word);
    page_add_cell(page, screen, circuit.ink, 11, circuit.word);
    add_bar(page, screen, server->share, INK_BLUE);
    page_add(page, " %3.0f %%", server->share * 100);
    add_latency(page, stats->p50_ns);
    add_latency(page, stats->average_ns);
    page_add(page, "%6" PRIu64 "\n", stats->in_flight);
}

static void add_calls(struct page *page, const struct screen *screen, const struct watch *watch,
                      const struct load *load)
{
    uint64_t failed = atomic_load(&load->failed);
    page_add(page, "  %" PRIu64 " calls at %.0f/s, ", (uint64_t)atomic_load(&load->calls),
             watch->calls_per_second);
    page_add(page, "%s%" PRIu64 " failed%s", screen_ink(screen, failed > 0 ? INK_RED : INK_GREEN),
             failed, screen_ink(screen, INK_PLAIN));
    page_add(page, "; %" PRIu64 " attempts, %" PRIu64 " retries, %" PRIu64 " failovers\n",
             (uint64_t)atomic_load(&load->attempts), watch->events[FAILOVER_EVENT_RETRY],
             watch->events[FAILOVER_EVENT_FAILOVER]);
}

void table_add(struct page *page, const struct screen *screen, const struct watch *watch,
               const struct load *load)
{
    char head[128];
    snprintf(head, sizeof head, "  %-10s%-13s%-11s%-24s%7s%7s%6s", "server", "health", "breaker",
             "share of picks", "p50 ms", "avg ms", "busy");
    page_add_cell(page, screen, INK_DIM, 0, head);
    page_add(page, "\n");
    for (unsigned i = 0; i < LOAD_SERVERS; i++) {
        add_server(page, screen, &watch->servers[i]);
    }
    add_calls(page, screen, watch, load);
    page_add(page, "\n");
}

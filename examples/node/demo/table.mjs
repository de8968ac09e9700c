// The servers as the library sees them, line by line.

const BAR_COLUMNS = 18;
const PARTS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const HEALTH_INKS = { healthy: 'green', unhealthy: 'red', degraded: 'yellow', unknown: 'dim' };
const CIRCUIT_INKS = { closed: 'green', half_open: 'yellow', open: 'red' };

export function table(screen, watch, load) {
    const head = `  ${'server'.padEnd(10)}${'health'.padEnd(13)}${'breaker'.padEnd(11)}${'share of picks'.padEnd(24)}${'p50 ms'.padStart(7)}${'avg ms'.padStart(7)}${'busy'.padStart(6)}`;
    return [
        screen.ink('dim', head),
        ...watch.servers.map((server) => row(screen, server)),
        calls(screen, watch, load),
        '',
    ];
}

function row(screen, server) {
    const health = HEALTH_INKS[server.health] ?? 'dim';
    const circuit = CIRCUIT_INKS[server.circuit] ?? 'red';
    const dot = screen.ink(health, screen.hasUnicode ? '●' : '*');
    return [
        `  ${screen.ink('bold', server.id.padEnd(2))}:${String(server.port).padEnd(6)} ${dot} `,
        screen.ink(health, server.health.padEnd(11)),
        screen.ink(circuit, server.circuit.replace('_', '-').padEnd(11)),
        bar(screen, server.share),
        ` ${(server.share * 100).toFixed(0).padStart(3)} %`,
        milliseconds(server.p50Ns),
        milliseconds(server.averageLatencyNs),
        String(server.inFlight).padStart(6),
    ].join('');
}

// A bar with a resolution of an eighth of a column where the font has one.
function bar(screen, share) {
    const eighths = Math.round(share * BAR_COLUMNS * 8);
    const whole = (screen.hasUnicode ? '█' : '#').repeat(Math.floor(eighths / 8));
    const part = screen.hasUnicode ? PARTS[eighths % 8] : '';
    const drawn = whole + part;
    return screen.ink('blue', drawn) + ' '.repeat(Math.max(0, BAR_COLUMNS - drawn.length));
}

function milliseconds(nanoseconds) {
    return (nanoseconds > 0 ? (nanoseconds / 1e6).toFixed(1) : '-').padStart(7);
}

function calls(screen, watch, load) {
    const failed = screen.ink(load.failed > 0 ? 'red' : 'green', `${load.failed} failed`);
    const { retry, failover } = watch.counts;
    const rate = watch.callsPerSecond.toFixed(0);
    return `  ${load.calls} calls at ${rate}/s, ${failed}; ${load.attempts} attempts, ${retry} retries, ${failover} failovers`;
}

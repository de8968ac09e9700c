// What came of it all: each thing that had to happen, and the line that programs read.

// Prints the summary; true if everything happened and no call failed.
export function summarise(screen, times, load, watch) {
    const rows = [
        ['b killed: taken out of use after', times.bEjected],
        ['c answering 503: taken out of use after', times.cEjected],
        ['c hanging: a call given up there after', times.cTimeout],
        ['b started again: used again after', times.bRecovered],
        ['c cured: used again after', times.cRecovered],
    ];
    const areGood = load.calls > 0 && load.failed === 0;
    const fault = load.failed > 0 ? `; the first: ${load.firstFault}` : '';
    const { retry, failover } = watch.counts;
    const lines = rows.map(([what, time]) => {
        const shown = time === undefined ? 'never'.padStart(10) : `${String(time).padStart(7)} ms`;
        return `${mark(screen, time !== undefined)}${what.padEnd(44)}${shown}`;
    });
    lines.push(`${mark(screen, areGood)}${load.calls} calls, ${load.failed} failed${fault}`);
    lines.push(`    ${load.attempts} attempts, ${retry} retries, ${failover} failovers`);
    if (watch.dropped > 0) {
        lines.push(`    ${watch.dropped} events came too fast and are in no count`);
    }
    // -1 for what never happened, so that no one takes it for a fast one.
    const [ejected, recovered] = [times.bEjected ?? -1, times.bRecovered ?? -1];
    lines.push(
        '',
        `demo: calls=${load.calls} failed=${load.failed} failovers=${failover} ejected_after=${ejected}ms recovered_after=${recovered}ms`,
    );
    console.log((screen.isLive ? '\n' : '') + lines.join('\n'));
    return areGood && rows.every(([, time]) => time !== undefined);
}

function mark(screen, isGood) {
    const [good, bad] = screen.hasUnicode ? ['✓', '✗'] : ['ok', 'NO'];
    return `  ${screen.ink(isGood ? 'green' : 'red', isGood ? good : bad)} `;
}

// The addon and the package name the same places and numbers of the memory that they share.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';

const source = readFileSync(join(process.env.FAILOVER_ROOT, 'node/src/board.rs'), 'utf8');
const addon = new Map(
    [...source.matchAll(/const ([A-Z_]+): (?:usize|u32) = ([0-9]+);/g)].map(([, name, number]) => [
        name,
        Number(number),
    ]),
);
const board = createRequire(import.meta.url)('../package/dist/board.js');

test('places and numbers are the same on both sides', () => {
    const { Action, Input, ...places } = board;
    const { ATTEMPT, ...actions } = Action;
    for (const name of ['WORDS', 'REALS', 'IS_PANIC', 'IS_FALLBACK']) delete places[name];
    const own = { ...places, ...Input, ...actions, ATTEMPT_NOW: ATTEMPT };

    assert.ok(addon.size > 20);
    assert.deepEqual(
        Object.fromEntries([...addon].sort()),
        Object.fromEntries(Object.entries(own).sort()),
    );
});

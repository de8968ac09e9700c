// The types are complete and strict, for `import` and `require`.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

const folder = fileURLToPath(new URL('fixtures', import.meta.url));
const tools = process.env.FAILOVER_NODE_TOOLS;
const compiler = join(tools, 'node_modules/typescript/bin/tsc');
const options = [
    '--strict',
    '--noEmit',
    '--exactOptionalPropertyTypes',
    '--noUncheckedIndexedAccess',
    '--target',
    'es2022',
    '--lib',
    'es2023,esnext.disposable',
    '--module',
    'node16',
    '--moduleResolution',
    'node16',
    '--typeRoots',
    join(tools, 'node_modules/@types'),
    '--types',
    'node',
];

function compile(...files) {
    return spawnSync(process.execPath, [compiler, ...options, ...files], {
        cwd: folder,
        encoding: 'utf8',
    });
}

test('a strict sample compiles for both kinds of modules', () => {
    const { status, stdout } = compile('sample.mts', 'sample.cts');

    assert.equal(stdout, '');
    assert.equal(status, 0);
});

test('what is wrong does not compile', () => {
    const { stdout } = compile('wrong.mts');

    const lines = stdout
        .split('\n')
        .map((line) => /^wrong\.mts\((\d+),/.exec(line)?.[1])
        .filter(Boolean);
    assert.deepEqual([...new Set(lines)], ['6', '7', '8', '9', '10', '11', '12'], stdout);
});

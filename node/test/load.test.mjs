// An addon that can't be loaded: what is said, and how to mend it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

const own = fileURLToPath(new URL('../package', import.meta.url));
const addon = 'failover.linux-x64-gnu.node';

// Loads a copy of the package that `change` was made to, and gives what it said.
function load(change, environment = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'libfailover-'));
    try {
        cpSync(own, folder, { recursive: true });
        change(folder);
        const code = 'const { version } = require(process.argv[1]); console.log(version)';
        const env = { ...process.env, ...environment };
        return spawnSync(process.execPath, ['-e', code, folder], { encoding: 'utf8', env });
    } finally {
        rmSync(folder, { recursive: true });
    }
}

test('a missing addon: what was looked for, and what to do', () => {
    const { status, stderr } = load((folder) => rmSync(join(folder, addon)));

    assert.equal(status, 1);
    assert.match(stderr, /addon for linux-x64-gnu can't be loaded \(Node v\d+/);
    assert.match(stderr, /looked for @libfailover\/linux-x64-gnu: Cannot find module/);
    assert.ok(stderr.includes(`${addon}: Cannot find module`));
    assert.match(stderr, /npm install @libfailover\/linux-x64-gnu@\d+\.\d+\.\d+/);
    assert.match(stderr, /npm\/cli#4828/);
    assert.match(stderr, /omit=optional/);
});

test('an addon of another version is refused', () => {
    const { stderr } = load((folder) => {
        const manifest = join(folder, 'package.json');
        writeFileSync(
            manifest,
            JSON.stringify({ ...JSON.parse(readFileSync(manifest, 'utf8')), version: '9.9.9' }),
        );
    });

    assert.match(stderr, /is of version \d+\.\d+\.\d+, this package of 9\.9\.9/);
});

test('a file that is no addon is named with its reason', () => {
    const { stderr } = load((folder) => writeFileSync(join(folder, addon), 'no addon'));

    assert.match(stderr, /failover\.linux-x64-gnu\.node: .*(ELF|file too short)/);
});

test('the environment may name the addon, and is told if that is wrong', () => {
    const good = load((folder) => rmSync(join(folder, addon)), {
        FAILOVER_NATIVE_PATH: join(own, addon),
    });
    const bad = load(() => {}, { FAILOVER_NATIVE_PATH: '/nowhere/failover.node' });

    assert.deepEqual([good.status, bad.status], [0, 1]);
    assert.match(
        bad.stderr,
        /looked for \/nowhere\/failover\.node: .*\n.*FAILOVER_NATIVE_PATH is set/s,
    );
});

test('a platform without a package is told so', () => {
    const { stderr } = load((folder) => {
        const file = join(folder, 'dist/native.js');
        writeFileSync(
            file,
            `Object.defineProperty(process, 'platform', { value: 'sunos' });\n${readFileSync(file, 'utf8')}`,
        );
    });

    assert.match(stderr, /There is no package for sunos-x64 \(there is for linux-x64-gnu\)/);
});

test('import and require give the same objects, all of them', async () => {
    const required = createRequire(import.meta.url)('libfailover');
    const { default: whole, ...imported } = await import('libfailover');

    assert.deepEqual(Object.keys(imported).sort(), Object.keys(required).sort());
    for (const [name, value] of Object.entries(imported)) assert.equal(value, required[name]);
    assert.equal(whole, required);
});

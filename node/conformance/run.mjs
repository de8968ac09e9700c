// Runs the scenarios of tests/conformance: the contract made exact, on the manual clock.
//
//   node run.mjs FOLDER [PART]     FOLDER: tests/conformance; PART: only paths that contain it
//
// Nothing but the public API is used, so what passes here is what a program can see.
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import { expect, expectEnd } from './expect.mjs';
import { perform } from './perform.mjs';
import { Shape } from './shape.mjs';
import { World } from './world.mjs';

const [folder, part = ''] = process.argv.slice(2);
const scenarios = join(folder, 'scenarios');
const shape = new Shape(JSON.parse(readFileSync(join(folder, 'schema.json'), 'utf8')));
const files = readdirSync(scenarios, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
const chosen = files.filter((file) => file.includes(part));

const areas = new Map();
let failed = 0;
let ran = 0;
for (const file of chosen) {
    const area = relative(scenarios, file).split('/')[0];
    const counts = areas.get(area) ?? { passed: 0, failed: 0 };
    areas.set(area, counts);
    const fault = await run(file);
    ran += 1;
    if (fault === undefined) {
        counts.passed += 1;
    } else {
        counts.failed += 1;
        failed += 1;
        console.log(`${file}\n${fault}\n`);
    }
}

const report = process.env.FAILOVER_REPORT;
if (report) {
    const lines = [...areas].map(
        ([area, { passed, failed: bad }]) => `node\t${area}\t${passed}\t${bad}\n`,
    );
    appendFileSync(report, lines.join(''));
}
console.log(`conformance: scenarios=${ran} failed=${failed}`);
if (part === '' && ran !== files.length) {
    console.log(`conformance: ${files.length} files were found`);
    failed += 1;
}
if (ran === 0) {
    console.log(`conformance: no scenario in ${scenarios} has a path with ${JSON.stringify(part)}`);
}
process.exitCode = failed === 0 && ran > 0 ? 0 : 1;

// What is wrong with a scenario; undefined if it holds.
async function run(file) {
    let scenario;
    try {
        scenario = JSON.parse(readFileSync(file, 'utf8'));
        shape.check(scenario);
    } catch (fault) {
        return `  ${fault.message}`;
    }
    const said = (what) => `  name: ${scenario.name}\n  why:  ${scenario.why}\n  ${what}`;
    let world;
    try {
        world = await World.make(scenario);
    } catch (fault) {
        return said(`setting up: ${fault.message}`);
    }
    try {
        for (const [at, step] of scenario.steps.entries()) {
            try {
                await ('do' in step ? perform(world, step) : expect(world, step));
            } catch (fault) {
                return said(`step ${at + 1}: ${JSON.stringify(step)}\n  ${fault.message}`);
            }
        }
        expectEnd(world, scenario.then);
    } catch (fault) {
        return said(`then: ${fault.message}`);
    } finally {
        world.end();
    }
    return undefined;
}

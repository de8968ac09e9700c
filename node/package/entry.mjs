// Writes the package's entry for `import`: the very objects that `require` gives, by their names.
//
//   node entry.mjs PACKAGE
//
// Two builds of the same classes in one process would be strangers to each other, so there is one.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const folder = process.argv[2];
const source = createRequire(import.meta.url)('node:fs').readFileSync(
    join(folder, 'dist/index.js'),
    'utf8',
);
// The compiler lists the names in one line, without loading anything.
const names = [
    ...new Set(
        [...source.matchAll(/exports\.([A-Za-z]+) = |"([A-Za-z]+)", \{ enumerable/g)].map(
            (match) => match[1] ?? match[2],
        ),
    ),
].sort();
if (!names.includes('FailoverManager')) {
    throw new Error(`entry.mjs: no names found in ${folder}`);
}
const lines = [
    "import failover from './index.js';",
    '',
    `export const { ${names.join(', ')} } = failover;`,
    'export default failover;',
    '',
];
writeFileSync(join(folder, 'dist/index.mjs'), lines.join('\n'));
const types = [
    "import * as failover from './index.js';",
    '',
    "export * from './index.js';",
    'export default failover;',
    '',
];
writeFileSync(join(folder, 'dist/index.d.mts'), types.join('\n'));

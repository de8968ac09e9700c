// Prints the manifest of a platform's package, which holds the addon alone.
//
//   node platform.mjs MANIFEST PLATFORM ADDON     MANIFEST: of the root package
import { readFileSync } from 'node:fs';

const [manifest, platform, addon] = process.argv.slice(2);
const { version, license, repository, engines } = JSON.parse(readFileSync(manifest, 'utf8'));
const [os, cpu, libc] = platform.split('-');
const found = {
    name: `@libfailover/${platform}`,
    version,
    description: `The addon of libfailover for ${platform}.`,
    license,
    repository,
    engines,
    os: [os],
    cpu: [cpu],
    libc: [libc === 'gnu' ? 'glibc' : libc],
    main: addon,
    files: [addon],
};
console.log(JSON.stringify(found, null, 2));

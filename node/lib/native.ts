/**
 * Finds and loads the addon, and says what it offers.
 *
 * Looked for in this order: the file that `FAILOVER_NATIVE_PATH` names, the package of this platform,
 * a build beside this package. Whoever can't load it is told what was tried and how to mend it.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { FailoverError } from './errors.js';

/** The functions of one pool's hot path, and the memory through which they talk. */
export interface Hot {
    readonly board: ArrayBuffer;
    idle(): number;
    select(request?: string): number;
    begin(request?: string): number;
    step(): number;
    pick(request?: string): number;
    report(): number;
}

/** One pool of the addon. */
export interface NativePool {
    functions(): Hot;
    identity(): number;
    provider(): string;
    service(): string;
    derive(policy: string): NativePool;
    stats(): string;
    endpoints(): string;
    explain(request: string): string;
    describe(slot: number, generation: number): string | null;
    trouble(): string;
    error(call: number): string;
    history(call: number): string;
    candidates(call: number): string;
    free(call: number): void;
}

/** One queue of the addon. */
export interface NativeQueue {
    poll(most: number): string;
    dropped(): number;
    close(): void;
}

/** One manager of the addon. */
export interface NativeManager {
    listen(ring: () => void): void;
    hold(isHeld: boolean): void;
    change(verb: string, provider: string | undefined, subject: string): void;
    begin(verb: string, provider: string | undefined, subject: string): number;
    endpoint(provider: string | undefined, id: string): string;
    endpoints(provider: string | undefined): string;
    pool(provider?: string, service?: string): NativePool;
    configure(policy: string): void;
    config(): string;
    stats(): string;
    recentEvents(limit: number): string;
    subscribe(kinds: string[], capacity: number): NativeQueue;
    subscribeLogs(capacity: number): NativeQueue;
    setLogLevel(name: string): void;
    reportHealth(provider: string | undefined, id: string, grade: string, reason: string): string;
    setAdmin(provider: string | undefined, id: string, state: string): void;
    checkDrained(provider: string | undefined, id: string): void;
    checkReady(): void;
    inFlight(): number;
    close(): void;
    isClosed(): boolean;
    now(): number;
    advance(by: number): void;
    providers(): string[];
    defaultProvider(): string;
    providerInfo(): string;
    registerProvider(name: string, document: string): void;
    registerPushed(name: string): void;
    registerAsked(name: string, able: string[], pollMs: number): void;
    deregisterProvider(name: string): void;
    publish(provider: string | undefined, endpoints: string): void;
    makeChecks(): void;
    takeWork(): string;
    completeWork(token: number, isGood: boolean, text: string): void;
}

/** What the addon exports. */
export interface Native {
    NativeManager: new (document: string) => NativeManager;
    schema(): string;
    version(): string;
    milliseconds(text: string): number;
}

/** The platforms for which there is a package. */
const PLATFORMS = ['linux-x64-gnu'];

const load = createRequire(__filename);

/** The addon, loaded once for each environment. */
export const native: Native = find();

function find(): Native {
    const platform = platformName();
    const packageName = `@libfailover/${platform}`;
    const own: { version: string } = load('../package.json');
    const chosen = process.env['FAILOVER_NATIVE_PATH'];
    const places = chosen
        ? [chosen]
        : [packageName, join(__dirname, '..', `failover.${platform}.node`)];
    const tried: string[] = [];
    for (const place of places) {
        try {
            const found = load(place) as Native;
            if (found.version() === own.version) {
                return found;
            }
            tried.push(
                `${place}: is of version ${found.version()}, this package of ${own.version}`,
            );
        } catch (thrown) {
            const [firstLine] = String(thrown instanceof Error ? thrown.message : thrown).split(
                '\n',
            );
            tried.push(`${place}: ${firstLine}`);
        }
    }
    throw unloadable(
        platform,
        packageName,
        own.version,
        tried,
        chosen !== undefined && chosen !== '',
    );
}

function unloadable(
    platform: string,
    packageName: string,
    version: string,
    tried: string[],
    isChosen: boolean,
): FailoverError {
    const lines = [
        `libfailover ${version}: the addon for ${platform} can't be loaded (Node ${process.version})`,
        ...tried.map((line) => `  looked for ${line}`),
    ];
    if (isChosen) {
        lines.push(
            'FAILOVER_NATIVE_PATH is set: unset it, or let it name an addon of this version.',
        );
    } else if (PLATFORMS.includes(platform)) {
        lines.push(
            `To mend it: npm install ${packageName}@${version}`,
            'If it is missing after every install, npm was told to leave out optional packages',
            '(--omit=optional), or the lock file was made on another platform (npm/cli#4828): remove',
            'node_modules and package-lock.json, and install again.',
        );
    } else {
        lines.push(
            `There is no package for ${platform} (there is for ${PLATFORMS.join(', ')}).`,
            'To mend it: build the addon from source, and let FAILOVER_NATIVE_PATH name the file.',
        );
    }
    return new FailoverError(lines.join('\n'), {
        kind: 'not_available',
        code: 6017,
        details: { tried },
    });
}

function platformName(): string {
    const base = `${process.platform}-${process.arch}`;
    if (process.platform !== 'linux') {
        return base;
    }
    return `${base}-${isGlibc() ? 'gnu' : 'musl'}`;
}

/** True where the process runs on glibc, by what Node reports of itself. */
function isGlibc(): boolean {
    const report = process.report as { excludeNetwork?: boolean; getReport(): unknown };
    // Looking up the machine's interfaces may take seconds, and isn't asked for.
    const before = report.excludeNetwork;
    report.excludeNetwork = true;
    const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } };
    report.excludeNetwork = before ?? false;
    return header.glibcVersionRuntime !== undefined;
}

// One local server as a process, which misbehaves on command.
//
// It ends with its standard input, so also when the demo is killed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export class Backend {
    #program;
    #process;
    #control;

    constructor(program, name) {
        this.#program = program;
        this.name = name;
        // A free one at first, and the same one when it is started again.
        this.port = 0;
    }

    async start() {
        const given = ['--name', this.name, '--port', String(this.port), '--exit-with-stdin'];
        // A group of its own: Ctrl-C reaches the demo alone, which then ends its servers in order.
        const options = { stdio: ['pipe', 'pipe', 'inherit'], detached: true };
        const started = spawn(this.#program, given, options);
        this.#process = started;
        const lines = createInterface({ input: started.stdout });
        const [line] = await Promise.race([
            once(lines, 'line'),
            once(started, 'exit').then(() =>
                Promise.reject(new Error(`server ${this.name}: ended at once`)),
            ),
        ]);
        ({ port: this.port, control: this.#control } = JSON.parse(line));
    }

    // Ends it without a word, so that its port refuses.
    async kill() {
        const ended = once(this.#process, 'exit');
        this.#process.kill('SIGKILL');
        await ended;
        this.#process = undefined;
    }

    // Has it behave in another way: `ok`, `status=503`, `hang?scope=work`.
    async mode(name) {
        const response = await fetch(`http://127.0.0.1:${this.#control}/mode/${name}`);
        await response.text();
        if (!response.ok) {
            throw new Error(`server ${this.name}: /mode/${name}: the command was not taken`);
        }
    }

    async stop() {
        if (this.#process !== undefined) {
            await this.kill();
        }
    }
}

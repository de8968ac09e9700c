// A page that is drawn again in place on a terminal, and lines one after another on a pipe.

const CODES = { plain: 0, bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 36 };

export class Screen {
    #stream;
    #drawn = 0;

    constructor(stream) {
        this.#stream = stream;
        this.isLive = stream.isTTY === true && process.env.TERM !== 'dumb';
        this.hasColours = this.isLive && !process.env.NO_COLOR;
        const locale = process.env.LC_ALL || process.env.LC_CTYPE || process.env.LANG || '';
        this.hasUnicode = /utf-?8/i.test(locale);
    }

    get rows() {
        // The cursor stands on the line below the page.
        return (this.#stream.rows ?? 24) - 1;
    }

    ink(name, text) {
        return this.hasColours && name !== 'plain' ? `\x1b[${CODES[name]}m${text}\x1b[0m` : text;
    }

    show(lines) {
        if (!this.isLive) {
            if (lines.length > 0) this.#stream.write(`${lines.join('\n')}\n`);
            return;
        }
        // No cursor, no wrapping: a wrapped line would be two to the cursor and one to us.
        const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : '';
        const page = lines.map((line) => `\r${line}\x1b[K\n`).join('');
        this.#stream.write(`\x1b[?25l\x1b[?7l${up}${page}\x1b[J\x1b[?7h`);
        this.#drawn = lines.length;
    }

    release() {
        if (this.isLive) this.#stream.write('\x1b[?25h');
        this.#drawn = 0;
    }
}

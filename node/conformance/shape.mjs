// The shape of a scenario: `schema.json` is read and obeyed, so verbs and keys are written once.
//
// Understands as much of JSON Schema as that file uses, and refuses any other keyword, so that no rule
// of it is skipped in silence. `pattern` alone is left to the reading of durations.
import { isDeepStrictEqual } from 'node:util';

export class Shape {
    #schema;

    constructor(schema) {
        this.#schema = schema;
    }

    // Throws what is wrong with a scenario's shape.
    check(scenario) {
        this.#obeys(scenario, this.#schema, 'scenario');
    }

    #obeys(value, rules, path) {
        for (const [keyword, rule] of Object.entries(rules)) {
            const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
            switch (keyword) {
                case '$schema':
                case '$id':
                case '$defs':
                case 'title':
                case 'description':
                case 'pattern':
                    break;
                case '$ref':
                    this.#obeys(value, this.#named(rule), path);
                    break;
                case 'oneOf':
                case 'anyOf':
                    this.#someOf(value, keyword, rule, path);
                    break;
                case 'not':
                    if (this.#isFine(value, rule, path))
                        fault(path, `must not match ${JSON.stringify(rule)}`);
                    break;
                case 'items':
                    if (Array.isArray(value)) {
                        value.forEach((item, at) => this.#obeys(item, rule, `${path}[${at + 1}]`));
                    }
                    break;
                case 'properties':
                    if (isObject) {
                        for (const [name, own] of Object.entries(rule)) {
                            if (name in value) this.#obeys(value[name], own, `${path}.${name}`);
                        }
                    }
                    break;
                case 'additionalProperties':
                    if (isObject) {
                        for (const name of Object.keys(value).filter(
                            (one) => !(one in (rules.properties ?? {})),
                        )) {
                            if (rule === false) fault(path, `unknown key ${JSON.stringify(name)}`);
                            if (rule !== true) this.#obeys(value[name], rule, `${path}.${name}`);
                        }
                    }
                    break;
                case 'required':
                    if (isObject) needs(value, rule, path);
                    break;
                case 'dependentRequired':
                    for (const [name, others] of Object.entries(rule)) {
                        if (isObject && name in value) needs(value, others, path);
                    }
                    break;
                default:
                    plain(value, keyword, rule, path);
            }
        }
    }

    #named(reference) {
        const names = reference.replace(/^#\//, '').split('/');
        const found = names.reduce((at, name) => at?.[name], this.#schema);
        return found ?? fault('schema', `lacks ${reference}`);
    }

    #someOf(value, keyword, all, path) {
        const isOfVerb = (rules) =>
            ['do', 'expect'].every((word) => {
                const verb = rules.properties?.[word]?.const;
                return verb === undefined || verb === value?.[word];
            });
        const rules = all.filter(isOfVerb);
        const good = rules.filter((one) => this.#isFine(value, one, path)).length;
        if (good === 1 || (good > 1 && keyword === 'anyOf')) {
            return;
        }
        // With no more than one to choose from, what it says is the reason.
        rules.forEach((one) => this.#obeys(value, one, path));
        fault(path, 'unknown verb, or more than one of them');
    }

    #isFine(value, rules, path) {
        try {
            this.#obeys(value, rules, path);
            return true;
        } catch {
            return false;
        }
    }
}

function plain(value, keyword, rule, path) {
    const isNumber = typeof value === 'number';
    const holds = {
        const: () => isDeepStrictEqual(value, rule),
        enum: () => rule.some((one) => isDeepStrictEqual(value, one)),
        type: () => [rule].flat().some((name) => isOf(value, name)),
        minimum: () => !isNumber || value >= rule,
        maximum: () => !isNumber || value <= rule,
        minLength: () => typeof value !== 'string' || value.trim() !== '',
        minItems: () => !Array.isArray(value) || value.length >= rule,
    }[keyword];
    if (holds === undefined) fault(path, `the schema says ${keyword}, which is not known here`);
    if (!holds()) fault(path, `${keyword} ${JSON.stringify(rule)}, got ${JSON.stringify(value)}`);
}

function isOf(value, name) {
    switch (name) {
        case 'object':
            return typeof value === 'object' && value !== null && !Array.isArray(value);
        case 'array':
            return Array.isArray(value);
        case 'integer':
            return Number.isInteger(value);
        case 'null':
            return value === null;
        default:
            return typeof value === name;
    }
}

function needs(value, names, path) {
    const missing = names.find((name) => !(name in value));
    if (missing !== undefined) fault(path, `misses ${JSON.stringify(missing)}`);
}

function fault(path, what) {
    throw new Error(`${path}: ${what}`);
}

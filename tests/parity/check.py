#!/usr/bin/env python3
"""Compares what the languages offer with surface.json: nobody lacks a verb, and nobody has one of its own
that isn't written down with its reason.

usage: check.py [--list LANGUAGE]

The surfaces are read from the sources, so that nothing has to be built: the public methods of the manager,
of the pool and of a lease. A verb has one name, in snake_case; each language spells it in its manner.
"""

import ast
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def python():
    for thing, file, name in (("manager", "manager", "FailoverManager"), ("pool", "pool", "Pool")):
        tree = ast.parse((ROOT / f"python/failover/{file}.py").read_text())
        (found,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
        for node in found.body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("_"):
                yield f"{thing}.{node.name}"
    # What is the extension's, or inherited from it.
    stub = ast.parse((ROOT / "python/failover/_failover.pyi").read_text())
    for thing, name in (("pool", "Pool"), ("lease", "Lease")):
        (base,) = [node for node in stub.body if isinstance(node, ast.ClassDef) and node.name == name]
        for node in base.body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield f"{thing}.{node.name}"


def node():
    member = re.compile(r"^    (?:readonly |static |async |get |\*)*([a-z]\w*)\??(?:[<(:])", re.M)
    for thing, file, name in (
        ("manager", "manager", "FailoverManager"),
        ("pool", "pool", "Pool"),
        ("lease", "pool", "Lease"),
    ):
        text = (ROOT / f"node/lib/{file}.ts").read_text()
        body = re.search(rf"^export class {name}\b.*?^}}", text, re.M | re.S).group(0)
        for found in member.finditer(body):
            before = body[: found.start()].rstrip().rsplit("\n", 1)[-1]
            if "@internal" not in before and found.group(1) != "constructor":
                yield f"{thing}.{snake(found.group(1))}"


def go():
    method = re.compile(r"^func \(\w+ \*(FailoverManager|Pool|Lease)\) ([A-Z]\w*)[\[(]", re.M)
    things = {"FailoverManager": "manager", "Pool": "pool", "Lease": "lease"}
    for file in sorted((ROOT / "bindings/go").glob("*.go")):
        if not file.name.endswith("_test.go"):
            for name, verb in method.findall(file.read_text()):
                yield f"{things[name]}.{snake(verb)}"


def rust():
    block = re.compile(r"^impl(?:<'pool>)? (Manager|Pool|Lease)(?:<'pool>)? \{\n(.*?)^\}", re.M | re.S)
    verb = re.compile(r"^    pub (?:const )?(?:async )?fn (\w+)", re.M)
    files = [*sorted((ROOT / "core/src/manager").glob("*.rs")), ROOT / "core/src/execute/attempt.rs"]
    for file in files:
        for name, body in block.findall(file.read_text()):
            for found in verb.findall(body):
                yield f"{name.lower()}.{found}"


def c():
    for line in (ROOT / "tests/abi/functions.txt").read_text().splitlines():
        for name in re.findall(r"\b(failover_[a-z_]+)\(", line)[:1]:
            yield name


def snake(name):
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


READERS = {"rust": rust, "c": c, "go": go, "python": python, "node": node}


def main():
    if sys.argv[1:2] == ["--list"]:
        print("\n".join(sorted(set(READERS[sys.argv[2]]()))))
        return 0
    table = json.loads((pathlib.Path(__file__).parent / "surface.json").read_text())
    faults = []
    for language, reader in READERS.items():
        offered = set(reader())
        if not offered:
            faults.append(f"{language}: no verb was found, so nothing was compared")
        expected = set()
        for verb, spelled in table["verbs"].items():
            names = spelled.get(language, default(language, verb))
            if isinstance(names, dict):
                # An absence with its reason.
                assert names.keys() == {"absent"} and names["absent"], (verb, language)
                continue
            for name in [names] if isinstance(names, str) else names:
                expected.add(name)
                if name not in offered:
                    faults.append(f"{language} lacks {verb} (looked for {name})")
        own = table["own"].get(language, {})
        faults += [f"{language}: own {name} is not there" for name in own if name not in offered]
        # C has no objects, so its functions beyond these verbs are compared by the ABI's own list.
        for name in sorted(() if language == "c" else offered - expected - set(own)):
            faults.append(f"{language} has {name}, which surface.json doesn't know")
    print("\n".join(faults), end="\n" if faults else "")
    print(f"parity: verbs={len(table['verbs'])} languages={len(READERS)} failed={len(faults)}")
    return 1 if faults else 0


def default(language, verb):
    if language == "c":
        thing, name = verb.split(".")
        return f"failover_{thing}_{name}"
    return verb


if __name__ == "__main__":
    sys.exit(main())

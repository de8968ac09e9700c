"""The shape of a scenario: `schema.json` is read and obeyed, so verbs and keys are written once.

Understands as much of JSON Schema as that file uses, and refuses any other keyword, so that no rule is
skipped in silence. `pattern` alone is left to the reading of durations, which is stricter.
"""

from __future__ import annotations

from typing import Any


class Shape:
    """The rules of `schema.json`."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema

    def faults(self, scenario: Any) -> str | None:
        """What is wrong with a scenario's shape; None if nothing is."""
        return self._obeys(scenario, self._schema, "scenario")

    def _obeys(self, value: Any, rules: dict[str, Any], path: str) -> str | None:
        for keyword, rule in rules.items():
            fault = self._rule(value, rules, (keyword, rule), path)
            if fault:
                return fault
        return None

    def _rule(
        self, value: Any, rules: dict[str, Any], rule: tuple[str, Any], path: str
    ) -> str | None:
        keyword, wanted = rule
        if keyword in ("$schema", "$id", "$defs", "title", "description", "pattern"):
            return None
        if keyword == "$ref":
            return self._obeys(value, self._named(wanted), path)
        if keyword in ("oneOf", "anyOf"):
            return self._some_of(value, keyword, wanted, path)
        if keyword == "not":
            return f"{path}: must not match {wanted}" if not self._obeys(value, wanted, path) else None
        if keyword in ("properties", "required", "additionalProperties", "dependentRequired"):
            return self._members(value, rules, rule, path) if isinstance(value, dict) else None
        if keyword == "items":
            items = enumerate(value, 1) if isinstance(value, list) else ()
            faults = (self._obeys(item, wanted, f"{path}[{at}]") for at, item in items)
            return next((fault for fault in faults if fault), None)
        return _plain(value, rule, path)

    def _named(self, name: str) -> dict[str, Any]:
        found: Any = self._schema
        for part in name.removeprefix("#/").split("/"):
            found = found[part]
        return dict(found)

    def _some_of(self, value: Any, keyword: str, rules: list[Any], path: str) -> str | None:
        checked = [self._obeys(value, one, path) for one in rules if _is_verb_of(value, one)]
        good = checked.count(None)
        if good == 1 or (good > 1 and keyword == "anyOf"):
            return None
        closest = next((fault for fault in checked if fault), None)
        return closest or f"{path}: unknown verb, or more than one of them"

    def _members(
        self, value: dict[str, Any], rules: dict[str, Any], rule: tuple[str, Any], path: str
    ) -> str | None:
        keyword, wanted = rule
        known = rules.get("properties", {})
        if keyword == "required":
            missing = [name for name in wanted if name not in value]
        elif keyword == "dependentRequired":
            needed = [name for given, names in wanted.items() if given in value for name in names]
            missing = [name for name in needed if name not in value]
        else:
            missing = []
        if missing:
            return f"{path}: misses {missing[0]!r}"
        for name, member in value.items():
            if keyword == "properties" and name in known:
                fault = self._obeys(member, known[name], f"{path}.{name}")
            elif keyword == "additionalProperties" and name not in known:
                fault = (
                    f"{path}: unknown key {name!r}"
                    if wanted is False
                    else self._obeys(member, wanted, f"{path}.{name}")
                )
            else:
                fault = None
            if fault:
                return fault
        return None


def _plain(value: Any, rule: tuple[str, Any], path: str) -> str | None:
    """Obeys the keywords that look at one value alone."""
    keyword, wanted = rule
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if keyword == "const":
        holds = value == wanted and type(value) is type(wanted)
    elif keyword == "enum":
        holds = value in wanted
    elif keyword == "type":
        holds = any(_is_of(value, name) for name in (wanted if isinstance(wanted, list) else [wanted]))
    elif keyword == "minimum":
        holds = not is_number or value >= wanted
    elif keyword == "maximum":
        holds = not is_number or value <= wanted
    elif keyword == "minLength":
        holds = not isinstance(value, str) or bool(value.strip())
    elif keyword == "minItems":
        holds = not isinstance(value, list) or bool(value)
    else:
        return f"{path}: the schema says {keyword!r}, which is not known here"
    return None if holds else f"{path}: {keyword} {wanted}, got {value}"


def _is_verb_of(value: Any, rules: dict[str, Any]) -> bool:
    """True if the rules are for the verb that the value names, or for no verb at all."""
    for word in ("do", "expect"):
        verb = rules.get("properties", {}).get(word, {}).get("const")
        if verb is not None and not (isinstance(value, dict) and value.get(word) == verb):
            return False
    return True


def _is_of(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    kinds: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "number": (int, float),
        "null": type(None),
    }
    return name in kinds and isinstance(value, kinds[name])

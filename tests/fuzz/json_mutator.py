"""Changes to JSON that keep it JSON: values of other types and sizes, keys that are gone, nesting without end."""

import json

#: They stand for what json.dumps cannot write: lists nested 3,000 deep, a number of 5,000 digits.
DEEP, LONG = "\0deep", "\0long"
_AS_TEXT = {DEEP: "[" * 3000 + "]" * 3000, LONG: "9" * 5000}

_VALUES = (
    *(0, -1, -5, 1, 7, 2**31, 2**63, -(2**63) - 1, 2**70, 10**400, 1.5, -0.0, 1e308, 5e-324),
    *(float("nan"), float("inf"), float("-inf"), True, False, None),
    *("", "x", "5", "nan", "learned", "x" * 300, "\x1b[31m", "two\nlines", "\ud800", "../../x", "/dev/zero"),
    *([], {}, [[]], [None], [1, 2], [-1, 0.5], [1, "high"], ["a", {}], {"a": []}, {"": 0}, DEEP, LONG),
)


def mutated_json(content, random, raw):
    """JSON with one to three values changed, as it may be or as text; what is not JSON, as bytes."""
    if random.random() < 0.2:
        return raw(content)
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return raw(content)
    for _ in range(random.choice((1, 1, 2, 3))):
        value = _changed(value, random)
    return text_of(value).encode("utf-8", "surrogatepass")


def text_of(value):
    """As JSON."""
    text = json.dumps(value)
    for placeholder, written in _AS_TEXT.items():
        text = text.replace(json.dumps(placeholder), written)
    return text


def _changed(value, random):
    if isinstance(value, dict) and value and random.random() < 0.9:
        key = random.choice(list(value))
        result = dict(value)
        match random.randrange(8):
            case 0:
                del result[key]
            case 1:
                result[random.choice(("", "x", "step", "settings", "format", *value))] = result.pop(key)
            case 2:
                result[f"{key}x"] = random.choice(_VALUES)
            case _:
                result[key] = _changed(value[key], random)
        return result
    if isinstance(value, list) and value and random.random() < 0.8:
        index = random.randrange(len(value))
        match random.randrange(5):
            case 0:
                return value[:index] + value[index + 1 :]
            case 1:
                return value[:index] + value[index : index + 1] * random.choice((2, 3, 100)) + value[index + 1 :]
            case _:
                return [*value[:index], _changed(value[index], random), *value[index + 1 :]]
    if isinstance(value, (int, float)) and random.random() < 0.3:
        return random.choice((-value, value + 1, value * 2, value // 2, str(value), [value]))
    return random.choice(_VALUES)

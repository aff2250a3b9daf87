"""Files of run folders that nobody should trust, and a small checkpoint to make them from."""

import json

import torch

from infogan_fast.runs import tensor_file

#: What a checkpoint of 6 steps holds beside its tensors and ``best``.
SCALARS = {
    "seconds": 1.5,
    "last_log": [4, 1.25],
    "shape": [1, 8, 8],
    "value_range": [0.0, 1.0],
    "networks": {"generator": "somewhere.Generator"},
    "images": 30,
    "images_sha256": "0123456789abcdef" * 4,
    "labels_sha256": None,
    "metrics": ["a_loss"],
    "settings": {"seed": 0},
}

#: Values that are wrong nearly everywhere, as JSON.
VALUES = [
    "null",
    "true",
    "-1",
    "-5",
    "0.5",
    "1e400",
    "-1e400",
    "NaN",
    "Infinity",
    "1" + "0" * 400,
    "1" + "0" * 5000,
    "9223372036854775808",
    '""',
    '"\\ud800"',
    '"\\u0000"',
    '"' + "x" * 10_000 + '"',
    "[]",
    "[[]]",
    "[1, 2, 3, 4, 5, 6, 7, 8, 9]",
    "{}",
    '{"a": {"a": 1}}',
    "[" * 100_000,
    "[" * 900 + "]" * 900,
    '{"a":' * 900 + "1" + "}" * 900,
]

#: Contents that are wrong as a whole.
CONTENTS = [
    b"",
    b"\0" * 100,
    b"\xff\xfe{",
    b"{",
    b"[]",
    b"3",
    b'"text"',
    b"null",
    b"NaN",
    b"[" * 200_000,
    b'{"a":' * 200_000,
    b'{"step": 1, "step": 2}',
    b"1" * 5000,
    b'{"a": "\\ud800"}',
]


def with_values(values):
    """A JSON object as text: each key with each hostile value, without each key, and with one more key."""
    for key in values:
        rest = {name: value for name, value in values.items() if name != key}
        yield f"without {key}", json.dumps(rest)
        for hostile in VALUES:
            yield f"{key}: {hostile[:20]}", json.dumps({**values, key: "HERE"}).replace('"HERE"', hostile)
    yield "one more", json.dumps({**values, "more": 1})
    yield "a key twice", json.dumps({**values, "more": 1}).replace('"more"', json.dumps(next(iter(values))))
    yield "a surrogate as key", json.dumps({**values, "\ud800": 1})


def write_checkpoint(path, tensors, text):
    """A safetensors file with a right checksum and any text."""
    path.write_bytes(b"".join(tensor_file.serialize(tensors, text)))


def small_tensors():
    return {"a": torch.arange(6.0).reshape(2, 3), "empty": torch.zeros(0, 4), "scalar": torch.tensor(3)}

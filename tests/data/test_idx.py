"""IDX files: what is read, and what each kind of damage says."""

import gzip
import struct

import numpy as np
import pytest

from infogan_fast.data import DataError, read_idx

IMAGES = np.arange(2 * 4 * 8, dtype=np.uint8).reshape(2, 4, 8)


def idx_bytes(array, type_code=0x08):
    return struct.pack(f">HBB{array.ndim}I", 0, type_code, array.ndim, *array.shape) + array.tobytes()


def write(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_reads_plain_and_gzip(tmp_path, compress):
    path = write(tmp_path / "images", compress(idx_bytes(IMAGES)))
    np.testing.assert_array_equal(read_idx(path, dimensions=3), IMAGES)


def test_reads_labels(tmp_path):
    labels = np.array([3, 1, 2], dtype=np.uint8)
    np.testing.assert_array_equal(read_idx(write(tmp_path / "labels", idx_bytes(labels)), dimensions=1), labels)


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (idx_bytes(np.zeros(3, dtype=np.uint8)), "0x00000801"),
        (idx_bytes(IMAGES, type_code=0x0D), "0x00000d03"),
        (b"\x89PNG\r\n", "0x89504e47"),
        (b"", "an empty file"),
    ],
)
def test_wrong_magic_says_expected_and_got(tmp_path, content, got):
    path = write(tmp_path / "x", content)
    with pytest.raises(DataError) as error:
        read_idx(path, dimensions=3)
    assert str(path) in str(error.value)
    assert "expected 0x00000803" in str(error.value)
    assert got in str(error.value)


@pytest.mark.parametrize(("change", "problem", "got"), [(-5, "truncated", 75), (+3, "trailing bytes", 83)])
def test_wrong_length_says_bytes_expected_and_got(tmp_path, change, problem, got):
    content = idx_bytes(IMAGES)
    content = content[:change] if change < 0 else content + b"\0" * change
    with pytest.raises(DataError, match=rf"x: .*{problem}.*2 x 4 x 8 .*expected 80 bytes, got {got}"):
        read_idx(write(tmp_path / "x", content), dimensions=3)


def test_truncated_header(tmp_path):
    with pytest.raises(DataError, match="truncated in its header: expected 16 bytes, got 9"):
        read_idx(write(tmp_path / "x", idx_bytes(IMAGES)[:9]), dimensions=3)


def damage_body(content):
    return content[:-20] + bytes(byte ^ 0xFF for byte in content[-20:-10]) + content[-10:]


@pytest.mark.parametrize("damage", [lambda c: c[:-12], damage_body, lambda c: c[:-8] + b"\0" * 8])
def test_damaged_gzip(tmp_path, damage):
    path = write(tmp_path / "x.gz", damage(gzip.compress(idx_bytes(IMAGES))))
    with pytest.raises(DataError, match=r"x\.gz: its gzip data are damaged"):
        read_idx(path, dimensions=3)


def test_gz_that_is_not_gzip(tmp_path):
    with pytest.raises(DataError, match=r"named \.gz but is not gzip"):
        read_idx(write(tmp_path / "x.gz", idx_bytes(IMAGES)), dimensions=3)


def test_too_large_for_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("infogan_fast.data.memory.free_memory", lambda: 150)
    with pytest.raises(DataError, match="x: its images need"):
        read_idx(write(tmp_path / "x", idx_bytes(IMAGES)), dimensions=3)


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_idx(tmp_path / "nowhere", dimensions=3)

"""Array files that claim, or become, more than they are: one line says so, and little memory is taken."""

import gzip
import io
import os
import struct
import warnings
import zipfile
import zlib

import numpy as np
import pytest

from infogan_fast.data import DataError, load

IMAGES = np.random.default_rng(0).integers(0, 256, (16, 28, 28), dtype=np.uint8)
SMALL = 40  # MiB that anything may take


def idx(shape, content=b""):
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + content


def npy(descr="|u1", shape="(16, 28, 28), ", content=b"", order="False"):
    text = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}}}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + content


def stored(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def archive(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return path


def zeros_gz(header, count):
    """Gzip data of a header and many zeros, made without having them."""
    packer = zlib.compressobj(1, wbits=31)
    parts = [packer.compress(header)]
    parts += [packer.compress(bytes(2**20)) for _ in range(count // 2**20)]
    return b"".join([*parts, packer.flush()])


def test_gzip_is_unpacked_as_far_as_the_header_says(tmp_path, confined):
    (tmp_path / "x.gz").write_bytes(zeros_gz(idx((16, 28, 28)), 300 * 2**20))
    ended = confined(tmp_path / "x.gz")
    assert "has trailing bytes: its header announces 16 x 28 x 28 values, so expected 12560 bytes" in ended.message
    assert ended.mib < SMALL


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("shape", [(2**32 - 1,) * 3, (100_000, 1000, 1000), (2**32 - 1, 0, 2**32 - 1)])
def test_idx_headers_that_claim_too_much(tmp_path, confined, suffix, shape):
    content = idx(shape, bytes(5000) if 0 not in shape else b"")
    (tmp_path / f"x{suffix}").write_bytes(gzip.compress(content) if suffix else content)
    ended = confined(tmp_path / f"x{suffix}")
    assert ("holds no images" if 0 in shape else "truncated: its header announces") in ended.message
    assert ended.mib < SMALL


def test_gzip_that_would_not_fit_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("infogan_fast.data.memory.free_memory", lambda: 20_000)
    (tmp_path / "x.gz").write_bytes(gzip.compress(idx((16, 28, 28), IMAGES.tobytes())))
    with pytest.raises(DataError, match=r"x\.gz: its images need .* gunzip"):
        load(str(tmp_path / "x.gz"))


def test_gzip_in_two_members_and_padded_with_zeros(tmp_path):
    content = idx((16, 28, 28), IMAGES.tobytes())
    (tmp_path / "x.gz").write_bytes(gzip.compress(content[:5000]) + gzip.compress(content[5000:]) + bytes(512))
    np.testing.assert_array_equal(load(str(tmp_path / "x.gz")).images[:, 0], IMAGES)


def test_labels_of_idx_are_counted_before_they_are_read(tmp_path, confined):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx((16, 28, 28), IMAGES.tobytes()))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(zeros_gz(idx((200 * 2**20,)), 200 * 2**20))
    ended = confined(tmp_path)
    assert "209715200 labels, but" in ended.message
    assert ended.mib < SMALL


@pytest.mark.parametrize("shape", [(200 * 2**20,), (2**40,), (2**63,), (16, 2**30)])
def test_labels_of_npz_are_counted_before_they_are_read(tmp_path, confined, shape):
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("images.npy", stored(IMAGES))
        with file.open("labels.npy", "w", force_zip64=True) as member:
            member.write(npy(shape=str(shape)))
            for _ in range(200):
                member.write(bytes(2**20))
    ended = confined(tmp_path / "x.npz")
    assert ended.message.startswith(f"{tmp_path}/x.npz: ")
    assert ended.mib < SMALL


@pytest.mark.parametrize("name", ["x.npy", "x.npz"])
@pytest.mark.parametrize("size", [2**40, 2**62, 2**63, 2**64, 10**18])
@pytest.mark.parametrize("descr", ["|u1", "<f8"])
def test_headers_that_claim_too_much(tmp_path, confined, name, size, descr):
    content = npy(descr, f"({size}, 28, 28)", bytes(1000))
    if name == "x.npz":
        archive(tmp_path / name, images=content)
    else:
        (tmp_path / name).write_bytes(content)
    for stream in (None, True, False):
        ended = confined(tmp_path / name, stream=stream)
        assert ended.message.startswith(f"{tmp_path}/{name}: ")
        assert "\n" not in ended.message
        assert ended.mib < SMALL


@pytest.mark.parametrize("name", ["x.npy", "x.npz"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("layout", ["channels last", "channels first", "fortran"])
def test_images_are_in_memory_once(tmp_path, confined, name, dtype, layout):
    array = np.zeros((512, 3, 128, 128), dtype=dtype)  # 24 MiB as uint8
    array = {"channels last": array.reshape(512, 128, 128, 3), "fortran": np.asfortranarray(array)}.get(layout, array)
    (np.save if name == "x.npy" else np.savez)(tmp_path / name, array)
    ended = confined(tmp_path / name, stream=False)
    assert ended.count == 512
    assert ended.mib < 24 + 20


def test_one_float_image_needs_no_copies_in_float64(tmp_path, confined):
    np.save(tmp_path / "x.npy", np.zeros((1, 4096, 4096), dtype=np.float16))
    assert confined(tmp_path / "x.npy", stream=False).mib < 16 + SMALL


def test_a_streamed_image_has_to_fit(tmp_path, confined):
    with open(tmp_path / "x.npy", "wb") as file:
        file.write(npy(shape=f"(2, {2**20}, {2**20})"))
        file.truncate(2**42)  # sparse: nothing of it is on the disk
    ended = confined(tmp_path / "x.npy", stream=True)
    assert "its images need" in ended.message
    assert ended.mib < SMALL


def patched(path, member, **values):
    """An archive whose list says other things of a member: ``packed``, ``size``, ``offset``, ``flags``, ``method``."""
    content = bytearray(path.read_bytes())
    places = {"flags": (8, "<H"), "method": (10, "<H"), "packed": (20, "<L"), "size": (24, "<L"), "offset": (42, "<L")}
    at = content.rindex(b"PK\1\2", 0, content.rindex(member.encode()))
    for key, value in values.items():
        struct.pack_into(places[key][1], content, at + places[key][0], value)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"flags": 1}, "images.npy is encrypted"),
        ({"method": 12}, "packed by method 12, allowed: stored or deflated"),
        ({"method": 14}, "packed by method 14, allowed: stored or deflated"),
        ({"method": 99}, "packed by method 99"),
        ({"size": 2**32 - 2}, "has trailing bytes: expected 12672 bytes, got 4294967294"),
        ({"size": 100}, ""),
        ({"size": 5000}, "truncated: expected 12672 bytes, got 5000"),
        ({"packed": 20}, ""),
        ({"offset": 2**32 - 2}, ""),
        ({"size": 2**32 - 1}, ""),  # which means that it is said elsewhere, where it is not
    ],
)
def test_archives_that_lie(tmp_path, confined, values, message):
    path = archive(tmp_path / "x.npz", images=stored(IMAGES))
    patched(path, "images.npy", **values)
    ended = confined(path)
    assert ended.message.startswith(f"{path}: damaged, or not .npz data as NumPy writes them: ")
    assert message in ended.message
    assert ended.mib < SMALL


@pytest.mark.parametrize("size", [2**62, 2**63, 2**64 - 1])
def test_zip64_sizes_and_offsets(tmp_path, confined, size):
    for field in ("size", "packed", "offset"):
        path = archive(tmp_path / "x.npz", images=stored(IMAGES))
        patched(path, "images.npy", **{field: 2**32 - 1})
        content = bytearray(path.read_bytes())
        at, end = content.index(b"PK\1\2"), content.rindex(b"PK\5\6")
        struct.pack_into("<H", content, at + 30, 12)
        struct.pack_into("<L", content, end + 12, end - at + 12)
        path.write_bytes(content[:end] + struct.pack("<HHQ", 1, 8, size) + content[end:])
        ended = confined(path)
        assert (ended.message or "").startswith(f"{path}: ") or (field == "packed" and ended.count == 16)
        assert ended.mib < SMALL


def test_two_members_of_one_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file.writestr("images.npy", stored(IMAGES))
        file.writestr("images.npy", stored(IMAGES[:1]))
    with pytest.raises(DataError, match=r"x\.npz: damaged, .*images\.npy more than once"):
        load(str(tmp_path / "x.npz"))


def test_names_of_members_are_shown_in_one_line(tmp_path):
    names = ["a\n\x1b[2J", "../up", "deep/images", *(f"{i}" * 300 for i in range(10, 40))]
    archive(tmp_path / "x.npz", **dict.fromkeys(names, stored(IMAGES)))
    with pytest.raises(DataError, match=r"holds a\\n\\x1b\[2J, \.\./up, deep/images, .* and 23 more; allowed") as error:
        load(str(tmp_path / "x.npz"))
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 2000


def test_a_long_list_of_members(tmp_path, confined):
    member = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0)
    count = 10**6
    content = b"".join(member + struct.pack("<L", number) for number in range(count))
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(content), 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(content), 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0)
    (tmp_path / "x.npz").write_bytes(content + end64 + locator + end)
    ended = confined(tmp_path / "x.npz")
    assert "its list of members takes more than 1048576 bytes" in ended.message
    assert ended.mib < SMALL


@pytest.mark.parametrize("name", ["x.npy", "x.npz"])
def test_special_files_do_not_hang(tmp_path, confined, name):
    os.mkfifo(tmp_path / name)
    assert confined(tmp_path / name).message == f"{tmp_path}/{name}: is a FIFO, allowed: a folder or a regular file"
    (tmp_path / "link").symlink_to("/dev/zero")
    assert "a device, allowed" in confined(tmp_path / "link").message
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "train-images-idx3-ubyte").symlink_to("/dev/zero")
    os.mkfifo(folder / "train-labels-idx1-ubyte")
    assert "holds no image: it has no files" in confined(folder).message

"""What is chosen by the processor, and what is said about it."""

import pytest

from infogan_fast import build_info
from infogan_fast.training import ConfigError, device
from infogan_fast.training.processor import Processor, processor


@pytest.mark.parametrize(
    ("vendor", "widest_simd", "has_onednn", "chosen"),
    [
        ("intel", "avx512", True, "blas"),
        ("intel", "avx2", True, "blas"),
        ("amd", "avx512", True, "onednn"),
        ("other", "avx512", True, "onednn"),
        ("amd", "avx512", False, "blas"),
        ("amd", "avx2", True, "blas"),
        ("other", "baseline", True, "blas"),
    ],
)
def test_the_library_of_matrix_products(make_config, monkeypatch, vendor, widest_simd, has_onednn, chosen):
    here = Processor(vendor, widest_simd, False, has_onednn)
    assert here.matrix_product == chosen
    monkeypatch.setattr(device, "processor", lambda: here)
    config, notes = device.resolve(make_config(device="cpu", matrix_product="auto"))
    assert config.matrix_product == chosen
    (note,) = (note for note in notes if note.startswith("matrix_product: "))
    assert note == f"matrix_product: {chosen}, the faster one on {here.name}"


@pytest.mark.parametrize(
    ("here", "name"),
    [
        (Processor("intel", "avx512", True, True), "an Intel processor with AVX-512"),
        (Processor("amd", "avx2", False, True), "an AMD processor with AVX2"),
        (Processor("other", "baseline", False, True), "a processor without AVX2"),
    ],
)
def test_names(here, name):
    assert here.name == name


@pytest.mark.parametrize("wanted", ["blas", "onednn"])
def test_a_library_that_is_asked_for_is_taken_without_a_word(make_config, monkeypatch, wanted):
    for vendor in ("intel", "amd"):
        here = Processor(vendor, "avx512", True, True)
        monkeypatch.setattr(device, "processor", lambda here=here: here)
        config, notes = device.resolve(make_config(device="cpu", matrix_product=wanted))
        assert config.matrix_product == wanted
        assert not [note for note in notes if "matrix_product" in note]


def test_onednn_where_torch_has_none(make_config, monkeypatch):
    monkeypatch.setattr(device, "processor", lambda: Processor("amd", "avx512", True, False))
    with pytest.raises(
        ConfigError, match=r"matrix_product: got 'onednn', but torch .* has no oneDNN .* allowed here: blas, or auto"
    ):
        device.resolve(make_config(device="cpu", matrix_product="onednn"))


@pytest.mark.parametrize(("has_bfloat16", "chosen"), [(True, "bfloat16"), (False, "float32")])
def test_automatic_precision(make_config, monkeypatch, has_bfloat16, chosen):
    monkeypatch.setattr(device, "processor", lambda: Processor("amd", "avx512", has_bfloat16, True))
    config, notes = device.resolve(make_config(device="cpu", precision="auto"))
    assert config.precision == chosen
    assert any(note.startswith(f"precision: {chosen}, as the processor ") for note in notes)
    for wanted in ("float32", "bfloat16"):
        config, notes = device.resolve(make_config(device="cpu", precision=wanted))
        assert config.precision == wanted
        assert not [note for note in notes if note.startswith("precision")]


def test_this_processor():
    info, here = build_info(), processor()
    assert here == Processor(info["cpu_vendor"], info["cpu_simd"][-1], info["cpu_bfloat16"], info["onednn"])
    assert here.vendor in ("intel", "amd", "other")
    assert not here.has_bfloat16 or here.widest_simd == "avx512"

"""How much memory is said to be free."""

import pytest

from infogan_fast.data import memory


@pytest.fixture(autouse=True)
def _made_up(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    (tmp_path / "meminfo").write_text("MemTotal:  9000 kB\nMemAvailable:   4000 kB\n")


def limit(folder, most):
    (folder / "memory.max").write_text(most)
    (folder / "memory.current").write_text("1000000\n")
    (folder / "memory.stat").write_text("anon 1\ninactive_file 300000\n")


def test_of_the_machine_and_of_the_container(tmp_path):
    assert memory.free_memory() == 4000 * 1024
    limit(tmp_path, "max\n")
    assert memory.free_memory() == 4000 * 1024
    limit(tmp_path, "2000000\n")
    assert memory.free_memory() == 1300000
    limit(tmp_path, "500000\n")
    assert memory.free_memory() == 0


def test_unknown_on_other_systems(tmp_path, monkeypatch):
    (tmp_path / "meminfo").unlink()
    assert memory.free_memory() is None
    memory.check_fits("x", 2**60)


def test_it_is_known_here():
    assert memory.free_memory() is None or memory.free_memory() >= 0

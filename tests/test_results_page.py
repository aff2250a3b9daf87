"""The page of results, and the README's section with the same figures."""

import copy
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))

from benchmarks import generated, results_page, seed_tables, seed_targets  # noqa: E402

ACCURACIES = (0.95, 0.90, 0.96, 0.94, 0.97)


def a_run(seed, accuracy, digits=True):
    """A summary of a made-up run whose figures fall with its seed."""
    scores = {"factor_vae": 0.7, "mig": 0.1, "sap": 0.3, "dci": 0.5, "beta_vae": 0.8 - seed / 100}
    one = {"categorical_code": 1, "accuracy": accuracy, "nmi": 0.9 - seed / 100, "ari": 0.8 - seed / 100}
    return {
        "accuracy": accuracy,
        "accuracy_ci": [accuracy - 0.02, accuracy + 0.01],
        "accuracy_train": accuracy - 0.005,
        "accuracy_per_code": [one],
        "code_names": ["categorical 1 (K=10)", "continuous 1"],
        "mi_bound_nats": [2.3 - seed / 100, 0.8],
        "mi_bound_ci_nats": [[2.29, 2.301], [0.79, 0.803 + seed / 100]],
        "entropy_nats": [2.3026, 0.6931],
        "r2": [0.9 - seed / 100, 0.85],
        "disentanglement": None if digits else scores,
        "image_quality": {"swd": 0.2 + seed / 100, "swd_floor": 0.05 + seed / 1000, "fid": None},
        "seconds": 200.0 + seed,
        "steps": 7000,
        "batch_size": 64,
        "width": 0.25,
        "seed": seed,
        "threads": 1,
    }


def seeds_file(accuracies=ACCURACIES, digits=True):
    machine = {"cpu": "A processor", "torch": "2.13.0+cpu", "commit": "abc1234", "build": {"cpu_simd_used": "avx2"}}
    runs = [a_run(seed, accuracy, digits) for seed, accuracy in enumerate(accuracies)]
    return {"machine": machine, "command": "python -m made.up --command", "date": "2026-01-31", "runs": runs}


def write(folder, job, values, processor="amd-avx2"):
    (folder / processor).mkdir(exist_ok=True)
    (folder / processor / job.file).write_text(json.dumps(values))


@pytest.fixture
def results(tmp_path):
    """A folder of made-up results of all three jobs."""
    plain = seeds_file((0.80, 0.70, 0.90, 0.75, 0.85))
    write(tmp_path, results_page.PLAIN, {**plain, "command": "python -m made.up --plain"})
    write(tmp_path, results_page.WITH_REAL, seeds_file())
    write(tmp_path, results_page.ON_FACTORS, seeds_file(digits=False))
    return tmp_path


def row(text, start):
    """The first line of a table that begins so."""
    return next(line for line in text.splitlines() if line.startswith(f"| {start}"))


def part(text, title):
    """What stands under a heading, up to the next one."""
    return re.split(r"\n#+ ", text.split(f"# {title}\n", 1)[1])[0]


def test_the_committed_page_and_section_are_up_to_date():
    assert results_page.main(["--check"]) == 0, "run: python -m benchmarks.results_page"
    readme = (ROOT / "README.md").read_text()
    assert generated.with_section(readme, results_page.COMMAND, results_page.section(generated.RESULTS)) == readme
    assert (ROOT / "docs" / "results.md").read_text() == results_page.page(generated.RESULTS)


def test_the_links_of_the_page_lead_somewhere(results):
    for target in re.findall(r"\]\((?!http)([^)]+)\)", results_page.page(results)):
        name, _, anchor = target.partition("#")
        headings = re.findall(r"^#+ (.*)$", (ROOT / "docs" / name).read_text(), flags=re.MULTILINE)
        assert not anchor or anchor in [re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in headings]


def test_the_digits_of_each_seed_their_mean_and_the_worst(results):
    text = part(results_page.page(results), "With information on real images")
    assert row(
        text,
        "with information on real images (AMD, AVX2): seed | accuracy, held-out | accuracy, training | NMI | ARI |",
    )
    assert row(text, "1 |") == (
        "| 1 | 90.0% (88.0% to 91.0%) | 89.5% | 0.890 | 0.790 | 2.290, 0.800 | 0.89, 0.85 | 0.210 | 0.051 | 201 |"
    )
    assert row(text, "**mean**") == (
        "| **mean** | 94.4% | 93.9% | 0.880 | 0.780 | 2.280, 0.800 | 0.88, 0.85 | 0.220 | 0.052 | 202 |"
    )
    assert row(text, "**worst**") == (
        "| **worst** | 90.0% | 89.5% | 0.860 | 0.760 | 2.260, 0.800 | 0.86, 0.85 | 0.240 | - | 204 |"
    )
    assert "H(c) in nats: categorical 1 (K=10) 2.303, continuous 1 0.693." in text
    assert "The widest 95 % interval of an L_I above is 0.053 nats" in text
    facts = (
        "A processor with AVX2, torch 2.13.0; threads of each run: one thread; steps: 7,000; batch: 64; width, of the"
    )
    assert facts in text.replace("\n", " ")
    assert "paper's: 0.25; commit: abc1234; date: 2026-01-31." in text.replace("\n", " ")
    assert "```\npython -m made.up --command\n```" in text


def test_the_scores_on_sprites(results):
    text = part(results_page.page(results), "Known factors: sprites")
    assert row(text, "plain, preset `sprites` (AMD, AVX2): seed | FactorVAE | MIG | SAP | DCI | BetaVAE | R2")
    assert row(text, "4 |") == "| 4 | 0.70 | 0.10 | 0.30 | 0.50 | 0.76 | 0.86, 0.85 | 2.260, 0.800 | 204 |"
    assert row(text, "**mean**").startswith("| **mean** | 0.70 | 0.10 | 0.30 | 0.50 | 0.78 | 0.88, 0.85 |")
    assert row(text, "**worst**").startswith("| **worst** | 0.70 | 0.10 | 0.30 | 0.50 | 0.76 | 0.86, 0.85 |")
    assert row(text, "InfoGAN, as first") == "| InfoGAN, as first reported | 0.59 | 0.05 | - | 0.41 | - |"
    assert row(text, "InfoGAN, modified").endswith("| 0.82 | 0.22 | 0.41 | 0.60 | 0.87 |")
    assert "a scale and no comparison" in text


def test_the_section_of_the_readme_has_the_figures_of_the_page(results):
    text = results_page.section(results)
    assert row(text, "plain") == "| plain | AMD, AVX2 | 80.0% | 70.0% | 2.280 | 0.88, 0.85 | 0.220 | 0.052 | 202 |"
    assert row(text, "with").startswith(
        "| with information on real images | AMD, AVX2 | 94.4% | 90.0% | 2.280 | 0.88, 0.85 |"
    )
    assert "\n\nSeeds 0, 1, 2, 3, 4, one thread each, A processor with AVX2, torch 2.13.0. None is left out" in text
    assert "```\npython -m made.up --plain\npython -m made.up --command\n```" in text
    assert "](docs/results.md)" in text


def test_the_section_of_the_readme_tells_machines_apart(results):
    values = seeds_file()
    values["machine"]["cpu"] = "Another"
    write(results, results_page.WITH_REAL, values)
    text = results_page.section(results).replace("\n", " ")
    assert "Plain: seeds 0, 1, 2, 3, 4, one thread each, A processor with AVX2, torch 2.13.0. With" in text
    assert "With information on real images: seeds 0, 1, 2, 3, 4, one thread each, Another with AVX2" in text


@pytest.mark.parametrize("job", [results_page.PLAIN, results_page.WITH_REAL, results_page.ON_FACTORS])
def test_a_job_without_a_file_has_not_been_run(results, job):
    (results / "amd-avx2" / job.file).unlink()
    page, section = results_page.page(results), results_page.section(results)
    assert page.count("It has not been run.") == 1
    assert f"```\n{job.command}\n```" in page
    assert ("\n| plain |" in section) == (job is not results_page.PLAIN)
    assert ("\n| with information" in section) == (job is not results_page.WITH_REAL)
    if job is results_page.ON_FACTORS:
        assert "InfoGAN, as first reported" in page
    else:
        targets = [line for line in part(page, "Targets").splitlines() if line.startswith(f"| {job.objective} |")]
        assert [line.endswith("| - | not run |") for line in targets[:4]] == [True] * 4


def test_without_any_file_there_are_no_figures(tmp_path):
    assert "have not been made" in results_page.section(tmp_path)
    assert results_page.page(tmp_path).count("It has not been run.") == 3


def test_a_missing_or_null_figure_is_a_dash(results):
    values = seeds_file()
    old = ("accuracy_ci", "mi_bound_ci_nats", "image_quality", "code_names", "threads")
    values["runs"] = [{key: value for key, value in run.items() if key not in old} for run in values["runs"]]
    for run in values["runs"]:
        run["accuracy_per_code"] = [{"categorical_code": 1, "accuracy": 0.9}]
    values["runs"][3]["r2"] = [None, 0.8]
    values["runs"][4]["accuracy"] = None
    values["machine"]["commit"] = None
    del values["command"], values["date"]
    write(results, results_page.WITH_REAL, values)
    page = results_page.page(results)
    text = part(page, "With information on real images")
    assert row(text, "0 |") == "| 0 | 95.0% | 94.5% | - | - | 2.300, 0.800 | 0.90, 0.85 | - | - | 200 |"
    assert row(text, "3 |").startswith("| 3 | 94.0% | 93.5% | - | - | 2.270, 0.800 | - |")
    assert row(text, "4 |").startswith("| 4 | - | 96.5% |")
    assert row(text, "**mean**") == "| **mean** | - | 93.9% | - | - | 2.280, 0.800 | - | - | - | 202 |"
    assert row(text, "**worst**") == "| **worst** | - | 89.5% | - | - | 2.260, 0.800 | - | - | - | 204 |"
    assert "H(c) in nats: -." in text
    assert "threads of each run: -;" in text.replace("\n", " ")
    assert "commit: -; date: -." in text.replace("\n", " ")
    assert "Command: -" in text
    assert "interval of an L_I" not in text
    assert row(page, "with information on real images | AMD, AVX2 | accuracy, mean").endswith("| 93% | - | not run |")
    assert row(page, "with information on real images | AMD, AVX2 | R2").endswith("| 0.8 | - | not run |")
    assert "made.up --command" not in results_page.section(results)


@pytest.mark.parametrize("seeds", [[0, 1, 2, 3], [0, 1, 2, 4, 3], [0, 1, 2, 3, 100]])
def test_a_seed_that_is_left_out_or_another_is_refused(results, seeds):
    values = seeds_file()
    values["runs"] = [a_run(seed, 0.95) for seed in seeds]
    write(results, results_page.WITH_REAL, values)
    with pytest.raises(ValueError, match=re.escape(f"mnist5k_seeds.json of AMD, AVX2: the runs are of seeds {seeds}")):
        results_page.page(results)


def test_the_targets_stand_under_their_objective(results):
    text = part(results_page.page(results), "Targets")
    lines = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert lines == [
        "| plain | AMD, AVX2 | accuracy, mean of the seeds | 75% | 80.00% | **met** |",
        "| plain | AMD, AVX2 | accuracy, worst seed | 65% | 70.00% | **met** |",
        "| plain | AMD, AVX2 | R2 of each continuous code, mean of the seeds | 0.8 | "
        "0.880, 0.850 (worst 0.860, 0.850) | **met** |",
        "| plain | AMD, AVX2 | training on two cores, slowest seed | 300 s | 204 s on one thread | **met** |",
        "| with information on real images | AMD, AVX2 | accuracy, mean of the seeds | 93% | 94.40% | **met** |",
        "| with information on real images | AMD, AVX2 | accuracy, worst seed | 88% | 90.00% | **met** |",
        "| with information on real images | AMD, AVX2 | R2 of each continuous code, mean of the seeds | 0.8 | "
        "0.880, 0.850 (worst 0.860, 0.850) | **met** |",
        "| with information on real images | AMD, AVX2 | training on two cores, slowest seed | 300 s | "
        "204 s on one thread | **met** |",
        "| with information on real images | - | a step, against one without the term | at most 1.6 times | - | "
        "not run |",
        "| plain | - | accuracy on the full 60,000 digits | 95%, as in the paper | - | not run: no GPU |",
        "| with information on real images | - | accuracy on the full 60,000 digits | 98% | - | not run: no GPU |",
    ]


def test_two_processors_stand_side_by_side(results):
    values = seeds_file((0.96, 0.95, 0.97, 0.96, 0.96))
    values["machine"] |= {"cpu": "Another", "build": {"cpu_simd_used": "avx512"}}
    write(results, results_page.WITH_REAL, values, "intel-avx512")
    (results / "intel-avx512" / "term_cost.json").write_text(json.dumps({"steps": [{"threads": 1, "ratio": 1.3}]}))
    page, section = results_page.page(results), results_page.section(results)
    text = part(page, "With information on real images")
    assert 0 < text.index("images (AMD, AVX2): seed |") < text.index("images (Intel, AVX-512): seed |")
    assert text.count("| **mean** |") == 2
    assert "Machine: A processor with AVX2" in text
    assert "Machine: Another with AVX-512" in text
    rows = [line for line in section.splitlines() if line.startswith("| with information")]
    assert [line.split(" | ")[1:3] for line in rows] == [["AMD, AVX2", "94.4%"], ["Intel, AVX-512", "96.0%"]]
    flat = section.replace("\n", " ")
    assert "Plain, with information on real images: seeds 0, 1, 2, 3, 4, one thread each, A processor with" in flat
    assert "With information on real images: seeds 0, 1, 2, 3, 4, one thread each, Another with AVX-512" in flat
    targets = part(page, "Targets")
    assert row(targets, "with information on real images | Intel, AVX-512 | accuracy, worst seed | 88% | 95.00% |")
    assert row(targets, "with information on real images | AMD, AVX2 | accuracy, worst seed | 88% | 90.00% |")
    assert row(targets, "with information on real images | Intel, AVX-512 | a step, against one without the term |")


@pytest.mark.parametrize(
    ("accuracies", "mean", "worst"),
    [
        ((0.93,) * 5, "**met**", "**met**"),
        ((0.88, 0.98, 0.93, 0.93, 0.93), "**met**", "**met**"),
        ((0.879, 0.98, 0.98, 0.98, 0.98), "**met**", "missed by 0.1 points"),
        ((0.93, 0.93, 0.93, 0.93, 0.929), "missed by 0.02 points", "**met**"),
        ((0.99, 0.99, 0.99, 0.99, 0.50), "missed by 3.8 points", "missed by 38 points"),
    ],
)
def test_the_accuracies_wanted(accuracies, mean, worst):
    runs = [a_run(seed, accuracy) for seed, accuracy in enumerate(accuracies)]
    verdicts = [target.verdict for target in seed_targets.targets(runs, 0.93, 0.88)]
    assert verdicts[:2] == [mean, worst]


@pytest.mark.parametrize(
    ("codes", "verdict"),
    [
        ([[0.8, 0.9], [0.8, 0.9]], "**met**"),
        ([[0.7, 0.9], [0.9, 0.9]], "**met**"),  # the mean is judged, the worst is given
        ([[0.7, 0.9], [0.89, 0.9]], "missed by 0.005"),
        ([[0.9, 0.9], [0.9, 0.69]], "missed by 0.005"),  # every code has to
    ],
)
def test_the_r2_wanted(codes, verdict):
    runs = [{**a_run(seed, 0.9), "r2": values} for seed, values in enumerate(codes)]
    recovery = seed_targets.targets(runs, 0.9, 0.9)[2]
    assert recovery.verdict == verdict
    assert recovery.measured.endswith(f"(worst {min(r[0] for r in codes):.3f}, {min(r[1] for r in codes):.3f})")


@pytest.mark.parametrize(
    ("seconds", "threads", "measured", "verdict"),
    [
        (300.0, 1, "300 s on one thread", "**met**"),
        (300.0, 2, "300 s", "**met**"),
        (310.5, 2, "310 s", "missed by 10.5 s"),
        (310.5, 1, "310 s on one thread", "not on one thread; two not measured"),
    ],
)
def test_the_time_wanted_is_that_of_the_slowest_seed(seconds, threads, measured, verdict):
    runs = [{**a_run(seed, 0.9), "threads": threads} for seed in (0, 1)]
    runs[0]["seconds"] = seconds
    target = seed_targets.targets(runs, 0.9, 0.9)[3]
    assert (target.measured, target.verdict) == (measured, verdict)


@pytest.mark.parametrize(
    ("ratios", "measured", "verdict"),
    [
        ((1.2, 1.6), "1.20 times on one thread, 1.60 times on 2 threads", "**met**"),
        ((1.75, 1.2), "1.75 times on one thread, 1.20 times on 2 threads", "missed by 0.15"),
        ((), "-", "not run"),
    ],
)
def test_the_cost_of_the_term_is_the_largest_on_any_number_of_threads(ratios, measured, verdict):
    steps = [{"threads": threads, "ratio": ratio} for threads, ratio in enumerate(ratios, start=1)]
    target = seed_targets.cost(steps)
    assert (target.measured, target.verdict) == (measured, verdict)


def test_the_cost_is_read_from_its_file(results):
    assert "| a step, against one without the term | at most 1.6 times | - | not run |" in results_page.page(results)
    steps = [{"threads": 1, "ratio": 1.3}]
    (results / "amd-avx2" / "term_cost.json").write_text(json.dumps({"steps": steps}))
    assert "| at most 1.6 times | 1.30 times on one thread | **met** |" in results_page.page(results)


def test_the_worst_distance_to_real_images_is_the_largest():
    runs = [a_run(0, 0.9), copy.deepcopy(a_run(3, 0.9)), a_run(1, 0.9)]
    assert seed_tables.SWD.worst_of(runs) == [pytest.approx(0.23)]
    assert seed_tables.R2.worst_of(runs) == [pytest.approx(0.87), pytest.approx(0.85)]


def test_check_tells_what_is_stale_and_writes_nothing(tmp_path, capsys):
    fresh, stale, missing = (tmp_path / name for name in ("fresh.md", "stale.md", "missing.md"))
    fresh.write_text("new")
    stale.write_text("old")
    contents = dict.fromkeys((fresh, stale, missing), "new")
    assert generated.write_or_check(contents, "a command", check=True) == 1
    assert stale.read_text() == "old"
    assert not missing.exists()
    assert capsys.readouterr().out.splitlines() == [
        "fresh.md is up to date",
        "stale.md is not up to date: a command",
        "missing.md is not up to date: a command",
    ]
    assert generated.write_or_check(contents, "a command", check=False) == 0
    assert generated.write_or_check(contents, "a command", check=True) == 0

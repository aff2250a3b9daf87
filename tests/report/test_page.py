"""``report.html``: what is in it, that it stands alone, and that it is right where parts are missing."""

import base64
import dataclasses
import errno
import json
import math
import os
import re
import shlex
import warnings
from html.parser import HTMLParser

import pytest

from infogan_fast import files
from infogan_fast.data import ImageData
from infogan_fast.evaluation import CodeAccuracy, CodeRecovery, Evaluation
from infogan_fast.evaluation.headlines import accuracy_headlines, code_figures, other_headlines
from infogan_fast.files import WriteError
from infogan_fast.report.curves import MAX_CURVES, MAX_POINTS, plots
from infogan_fast.report.page import MAX_PICTURES, Subject, write_evaluation_report, write_report
from infogan_fast.runs import run as runs
from infogan_fast.runs.folder import RunFolder
from infogan_fast.training.history import Metrics
from infogan_fast.training.overrides import parse_overrides
from infogan_fast.training.presets import preset
from infogan_fast.training.schedule import Schedule
from infogan_fast.training.step import LOSS_TERMS

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
QUALITY = {"images": 15, "swd": 0.125, "swd_floor": 0.02, "fid": 12.34, "fid_floor": 5.0, "fid_note": None}
SCORES = {"factor_vae": 0.61, "mig": 0.12, "sap": 0.03, "dci": 0.4, "beta_vae": 0.8, "factors": ["shape", "x"]}
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """The text, the elements and the attributes of a page; fails where elements do not nest."""

    def __init__(self, content):
        super().__init__()
        self.elements, self.attributes, self.text, self.section = [], [], {}, None
        self.sections, self.open = [], []
        self.feed(content)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "section":
            self.section = dict(attrs)["id"]
            self.sections.append(self.section)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text[self.section] = self.text.get(self.section, "") + data

    def __getitem__(self, section):
        return " ".join(self.text[section].split())


@pytest.fixture
def finished(tmp_path, make_config):
    """Writes the files of a finished run; gives its folder."""

    def write(figures=None, lines=3, pictures=("categorical1_samples.png", "categorical1_continuous2.png"), **changes):
        config = make_config(**{"width": 0.25, **changes})
        folder = RunFolder(tmp_path / "run")
        about = {"command_line": ["/usr/bin/infogan-fast", "train", "--data", "a b"], "threads": 2}
        folder.write_config(config, {**about, "versions": {"torch": "2.13.0"}})
        for index in range(1, lines + 1):
            losses = {"discriminator_loss": 1.3, "generator_loss": 0.8 / index, "real_information": 0.5}
            losses = {**dict.fromkeys(LOSS_TERMS, 1.0), **losses}
            bounds = [0.1 * index] * config.spec.num_codes
            metrics = Metrics(2 * index, 1.0 * index, 4.0, losses, bounds, Schedule(1.0, 0.5))
            folder.append_metrics(metrics.to_json())
        for name in pictures:
            files.write_atomically(folder.traversals / name, PICTURE)
        codes = config.spec.num_codes
        recovery = CodeRecovery(
            tuple(0.5 + index / 1000 for index in range(codes)),
            (0.9,) * config.continuous,
            ((0.4321, 0.5432),) * codes,
        )
        accuracies = [CodeAccuracy(0, (2, -1, 0), 0.75, 0.625, (0.55, 0.7), 0.375, 0.25)] if config.categorical else []
        evaluation = Evaluation(config.spec, recovery, accuracies, SCORES, QUALITY)
        summary = {**evaluation.to_json(), "bound_note": None, "seconds": 12.3, "images_per_second": 4.0, "steps": 6}
        summary |= {"training_images": 30, "heldout_images": 10, "image_shape": [1, 8, 8], "data_notes": ["a note"]}
        summary |= {
            "objective": config.objective,
            "device_name": "cpu",
            "pictures": [f"traversals/{name}" for name in pictures],
            **(figures or {}),
        }
        folder.write_summary(summary)
        return folder

    return write


def page_of(folder):
    return Page(write_report(folder).read_text())


def assert_stands_alone(page):
    assert not {"script", "link", "iframe", "object", "embed", "base"} & set(page.elements)
    for _, name, value in page.attributes:
        assert not name.startswith("on")
        if name in ("src", "href", "xlink:href", "srcset", "data", "action"):
            assert value.startswith(("data:image/png;base64,", "#")), (name, value)
        assert "url(" not in (value or "") or "url(#" in value
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    for _, name, value in page.attributes:
        if name == "href":
            assert value[1:] in ids


def test_everything_in_its_order_and_equal_to_the_summary(finished):
    folder = finished(real_information=0.5)
    page = page_of(folder)
    assert_stands_alone(page)
    assert page.sections == ["trained", "figures", "matching", "pictures", "curves", "settings", "machine"]
    trained = page["trained"]
    assert "Data: mnist5k, 30 training images of 1x8x8, 10 held out" in trained
    assert "a note Objective: with information on real images, weight 0.5" in trained
    assert "6 steps of 8 images, 12 s of training, 4 images/s; seed 0" in trained
    summary = json.loads((folder.path / "summary.json").read_text())
    for row in code_figures(summary):
        assert f"{row.name}{row.bound}{row.interval}{row.entropy}{row.r2}" in page["figures"]
    for text in ("0.502", "0.432 to 0.543", "1.099", "0.900", "62.5%", "95 % interval 55.0% to 70.0%", "75.0%"):
        assert text in page["figures"]
    for figure in accuracy_headlines(summary) + other_headlines(summary):
        assert " ".join(f"{figure.title} {figure.value} {figure.beside} {figure.meaning}".split()) in page["figures"]
    assert "1 → 2 2 → none 3 → 0" in page["matching"]
    assert "Columns: continuous code 2 from -2 to 2" in page["pictures"]
    addresses = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    assert [base64.b64decode(address.split(",")[1]) for address in addresses] == [PICTURE] * 2
    assert "H(c), K=3" in page["curves"]
    assert "for two views of a real image" in page["curves"]
    assert page.elements.count("svg") == 4
    for cells in ("batch_size *864images per step", "steps *67000length of the run", "noise_priornormalprior of z"):
        assert cells in page["settings"]
    assert "Device: cpu, 2 threads torch 2.13.0" in page["machine"]
    assert "infogan-fast train --data 'a b'" in page["machine"]
    assert "--set categorical=3 " in page["machine"]
    assert page["machine"].endswith(f"infogan-fast train --resume --out {folder} --steps 12")


def test_the_command_spelled_out_has_every_setting(finished):
    folder = finished(categorical=(3, 2), variance="learned", betas=(0.1, 0.9), data="/tmp/a 'b'", stream=True)
    content = Page(write_report(folder).read_text())["machine"]
    words = shlex.split(content[content.index("infogan-fast train --preset") : content.index(" To continue it")])
    config = dataclasses.replace(preset(words[3]), data=words[5], **parse_overrides(words[9::2]))
    assert words[8::2] == ["--set"] * len(words[9::2])
    assert config == folder.read_config()


def test_a_run_that_is_not_over_is_continued_as_it_was(finished):
    folder = finished(lines=2)
    path = write_evaluation_report(folder, folder.read_summary(), [], Subject("last", 4))
    assert Page(path.read_text())["machine"].endswith(f"To continue it infogan-fast train --resume --out {folder}")


def test_the_same_files_give_the_same_bytes_whatever_the_style_of_matplotlib(finished):
    import matplotlib

    folder = finished()
    before = write_report(folder).read_bytes()
    with matplotlib.rc_context({"lines.linewidth": 9.0, "font.size": 30.0}):
        assert write_report(folder).read_bytes() == before
        assert matplotlib.rcParams["font.size"] == 30.0


def test_the_plain_objective_has_no_curve_of_real_images(finished):
    page = page_of(finished())
    assert "Objective: plain Codes:" in page["trained"]
    assert "real image" not in page["curves"]
    assert page.elements.count("svg") == 3


def test_a_run_without_lines_pictures_labels_and_real_images(finished):
    nothing = {**dict.fromkeys(QUALITY), "images": 0}
    figures = {"accuracy": None, "accuracy_ci": None, "accuracy_train": None, "accuracy_per_code": []}
    page = page_of(finished({**figures, "disentanglement": None, "image_quality": nothing}, lines=0, pictures=()))
    assert_stands_alone(page)
    assert "matching" not in page.sections
    assert "No accuracy: the training images have no labels" in page["figures"]
    assert "Image quality" not in page["figures"]
    assert "There are no pictures." in page["pictures"]
    assert "There are no curves" in page["curves"]


def test_labels_without_held_out_ones(finished):
    entry = {
        "categorical_code": 1,
        "accuracy": None,
        "accuracy_ci": None,
        "accuracy_train": 0.5,
        "nmi": 0.1,
        "ari": 0.2,
    }
    figures = {"accuracy": None, "accuracy_ci": None, "accuracy_train": 0.5, "heldout_images": 0}
    page = page_of(finished({**figures, "accuracy_per_code": [{**entry, "class_of_category": [0, 1, 2]}]}))
    assert "30 training images of 1x8x8, none held out" in page["trained"]
    assert "No held-out labels" in page["figures"]
    assert "Accuracy, held-out" not in page["figures"]
    assert "Accuracy, training 50.0%" in page["figures"]


def test_pictures_that_are_gone_or_too_many(finished):
    names = [f"categorical{index}_samples.png" for index in range(1, MAX_PICTURES + 3)]
    folder = finished(pictures=names)
    (folder.traversals / names[0]).unlink()
    page = page_of(folder)
    assert f"The file {names[0]} is missing." in page["pictures"]
    assert page.elements.count("img") == MAX_PICTURES - 1
    assert "2 more:" in page["pictures"]


def test_no_categorical_codes(finished):
    page = page_of(finished(categorical=(), real_information=1.0, pictures=("noise_samples.png",)))
    assert "does nothing without categorical codes" in page["trained"]
    assert "there is no categorical code" in page["figures"]
    assert "H(c), K" not in page["curves"]
    assert "Samples of the noise and of all codes." in page["pictures"]


def test_many_codes(finished):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page = page_of(finished(categorical=tuple(range(2, 14)), continuous=MAX_CURVES + 3))
    assert_stands_alone(page)
    assert all(f"H(c), K={size}" in page["curves"] for size in range(2, 14))
    assert f"The first {MAX_CURVES} codes; 3 more are in metrics.jsonl." in page["curves"]
    assert f"continuous {MAX_CURVES} " in page["curves"]
    assert f"continuous {MAX_CURVES + 1} " not in page["curves"]


def test_long_runs_are_thinned_out_and_a_line_that_is_cut_off_left_out(finished):
    folder = finished(lines=1)
    config = folder.read_config()
    line = {"discriminator_loss": 1.0, "generator_loss": math.nan, "mi_bound_nats": [0.5, 0.1, 0.2]}
    many = [{"step": step, **line} for step in range(1, 3 * MAX_POINTS)]
    assert "Every 3th line" in plots(config, many)[0].caption
    with open(folder.path / "metrics.jsonl", "a") as file:
        file.write('{"step": 2, "dis')
    assert page_of(folder).elements.count("svg") == 3


def test_names_full_of_html_are_shown_as_they_are(finished):
    data = "/tmp/<script>alert('1')</script> & \"a b\"/x\udc80"
    page = page_of(finished({"data_notes": ["skipped <img src=http://x.org/a.png>"]}, data=data))
    assert_stands_alone(page)
    assert page["trained"].startswith("What was trained Data: /tmp/<script>alert('1')</script> & \"a b\"/x\\udc80, 30")
    assert "skipped <img src=http://x.org/a.png>" in page["trained"]
    assert page.elements.count("img") == 2


def test_reports_of_checkpoints_have_names_of_their_own(finished):
    folder = finished()
    own = write_report(folder).read_bytes()
    figures = {**folder.read_summary(), "accuracy": 0.5, "training_images": 7, "heldout_images": 0}
    path = write_evaluation_report(folder, figures, [], Subject("best", 4))
    assert path.name == "report-best.html"
    page = Page(path.read_text())
    assert "Figures and pictures of the best checkpoint, step 4." in page[None]
    assert "4 steps of 8 images, 2 s of training" in page["trained"]
    path = write_evaluation_report(folder, figures, [], Subject("last", 6, "/data/my photos <1>"))
    assert re.fullmatch(r"report-last-on-my-photos-1-[0-9a-f]{8}\.html", path.name)
    other = Page(path.read_text())
    assert "30 training images of 1x8x8, 10 held out" in other["trained"]
    assert "Evaluated on: /data/my photos <1>, 7 images to fit the matching on, none held out" in other["trained"]
    assert "figures on other images than the run's own: /data/my photos <1>." in other[None]
    assert Subject("last", 6, "/b/my photos <1>").file_name != path.name
    assert Subject("best", 6, "sprites:2000").file_name == "report-best-on-sprites-2000.html"
    assert (folder.path / "report.html").read_bytes() == own


def test_a_run_writes_it_and_a_full_disk_leaves_the_summary(data, make_config, tmp_path, monkeypatch):
    monkeypatch.setattr(runs.datasets, "load", lambda *_, **__: ImageData("tiny", data.images, data.labels))
    trainer = runs.start(make_config(real_information=1.0), RunFolder(tmp_path / "run"))
    trainer.run(type("Silent", (), {"update": lambda *_: None}))
    runs.finish(trainer)
    report = tmp_path / "run" / "report.html"
    assert "No held-out labels" in report.read_text()
    assert_stands_alone(Page(report.read_text()))
    report.unlink()
    (tmp_path / "run" / "summary.json").unlink()
    usual = open

    def full(path, mode, **options):
        if files.replaced_by(path.name) == "report.html":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return usual(path, mode, **options)

    monkeypatch.setattr(files, "open", full, raising=False)
    with pytest.raises(WriteError, match=r"report\.html: cannot be written: No space left"):
        runs.finish(trainer)
    assert (tmp_path / "run" / "summary.json").is_file()
    assert not report.exists()

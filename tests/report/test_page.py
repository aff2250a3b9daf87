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
from xml.etree import ElementTree

import pytest

from infogan_fast import files
from infogan_fast.data import ImageData
from infogan_fast.evaluation import CodeAccuracy, CodeRecovery, Evaluation
from infogan_fast.evaluation.headlines import accuracy_headlines, code_metrics, other_headlines
from infogan_fast.files import WriteError
from infogan_fast.report.curves import MAX_CURVES, MAX_PLOTS, MAX_POINTS, plots
from infogan_fast.report.page import MAX_PICTURES, Checkpoint, RunRecord, report_page
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.report import write_evaluation_report, write_report
from infogan_fast.runs.start import start
from infogan_fast.training.history import Metrics
from infogan_fast.training.overrides import parse_overrides
from infogan_fast.training.presets import preset
from infogan_fast.training.schedule import Schedule

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
QUALITY = {"images": 15, "swd": 0.125, "swd_floor": 0.02, "fid": 12.34, "fid_floor": 5.0, "fid_note": None}
SCORES = {"factor_vae": 0.61, "mig": 0.12, "sap": 0.03, "dci": 0.4, "beta_vae": 0.8, "factors": ["shape", "x"]}
SVG = "data:image/svg+xml;base64,"
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """The text, the elements and the attributes of a page; fails where elements do not nest."""

    def __init__(self, content):
        super().__init__()
        self.elements, self.attributes, self.tags, self.text, self.section = [], [], [], {}, None
        self.sections, self.open = [], []
        self.feed(content)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.tags.append((tag, attrs))
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

    def write(
        results=None,
        lines=3,
        pictures=("categorical1_samples.png", "categorical1_continuous2.png"),
        logged=None,
        **changes,
    ):
        config = make_config(**{"width": 0.25, **changes})
        folder = RunFolder(tmp_path / "run")
        about = {"command_line": ["/usr/bin/infogan-fast", "train", "--data", "a b"], "threads": 2}
        folder.write_config(config, {**about, "versions": {"torch": "2.13.0"}})
        for index in range(1, lines + 1):
            losses = {"discriminator_loss": 1.3, "generator_loss": 0.8 / index, **(logged or {})}
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
            (0.987,) * len(config.categorical),
        )
        accuracies = [CodeAccuracy(0, (2, -1, 0), 0.75, 0.625, (0.55, 0.7), 0.375, 0.25)] if config.categorical else []
        evaluation = Evaluation(config.spec, recovery, accuracies, SCORES, QUALITY)
        summary = {**evaluation.to_json(), "bound_note": None, "seconds": 12.3, "images_per_second": 4.0, "steps": 6}
        summary |= {"training_images": 30, "heldout_images": 10, "shape": [1, 8, 8], "data_notes": ["a note"]}
        summary |= {
            "objective": config.objective,
            "device_name": "cpu",
            "pictures": [f"traversals/{name}" for name in pictures],
            **(results or {}),
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
            assert value.startswith(("data:image/png;base64,", SVG)), (name, value)
        assert "url(" not in (value or "")
    assert all(dict(attributes).get("alt") for tag, attributes in page.tags if tag == "img")
    for svg in svgs_of(page):
        for element in svg.iter():
            assert element.tag.rpartition("}")[2] not in {"script", "image", "foreignObject"}
            for name, value in element.attrib.items():
                assert not name.endswith("href") or value.startswith("#")
                assert "url(" not in value or "url(#" in value


def svgs_of(page):
    """The plots of a page."""
    addresses = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    files = [base64.b64decode(value.removeprefix(SVG)) for value in addresses if value.startswith(SVG)]
    return [ElementTree.fromstring(content) for content in files]


def text_of(svg):
    return " ".join("".join(svg.itertext()).split())


def test_everything_in_its_order_and_equal_to_the_summary(finished):
    folder = finished(real_information=0.5, logged={"real_information": 0.5})
    page = page_of(folder)
    assert_stands_alone(page)
    assert page.sections == ["trained", "metrics", "matching", "pictures", "curves", "settings", "machine"]
    trained = page["trained"]
    assert "Data: mnist5k, 30 training images of 1x8x8, 10 held out" in trained
    assert "a note Objective: with information on real images, weight 0.5" in trained
    assert "6 steps of 8 images, 12 s of training, 4 images/s; seed 0" in trained
    summary = json.loads((folder.path / "summary.json").read_text())
    for row in code_metrics(summary):
        assert f"{row.name}{row.bound}{row.interval}{row.entropy}{row.recovered}{row.r2}" in page["metrics"]
    for text in ("0.502", "0.432 to 0.543", "1.099", "0.900", "62.5%", "95 % interval 55.0% to 70.0%", "75.0%"):
        assert text in page["metrics"]
    for line in accuracy_headlines(summary) + other_headlines(summary):
        assert " ".join(f"{line.title} {line.value} {line.beside} {line.meaning}".split()) in page["metrics"]
    assert "0 → 2 1 → none 2 → 0" in page["matching"]
    assert "Columns: continuous code 2 from -2 to 2" in page["pictures"]
    addresses = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    assert [base64.b64decode(address.split(",")[1]) for address in addresses[:2]] == [PICTURE] * 2
    assert "H(c), K=3 1.099" in page["curves"]
    categorical, continuous, losses, information = map(text_of, svgs_of(page))
    assert "categorical 1 (K=3)" in categorical
    assert "continuous 1 continuous 2" in continuous
    assert "discriminator loss generator loss" in losses
    assert "step" in information
    assert information.endswith("real information")
    assert "real information." in page["curves"]
    for cells in (
        "batch_size *864images in each update",
        "steps *67000length of the run",
        "noise_priornormalprior of z",
    ):
        assert cells in page["settings"]
    assert "Device: cpu, 2 threads torch 2.13.0" in page["machine"]
    assert "infogan-fast train --data 'a b'" in page["machine"]
    assert "--set categorical=3 " in page["machine"]
    assert page["machine"].endswith(f"infogan-fast train --resume --out {folder} --steps 12")


def test_the_command_spelled_out_has_every_setting(finished):
    folder = finished(categorical=(3, 2), variance="learned", betas=(0.1, 0.9), data="/tmp/a 'b'", stream=True)
    content = Page(write_report(folder).read_text())["machine"]
    words = shlex.split(content[content.index("infogan-fast train --preset") : content.index(" To resume it")])
    config = dataclasses.replace(preset(words[3]), data=words[5], **parse_overrides(words[9::2]))
    assert words[8::2] == ["--set"] * len(words[9::2])
    assert config == folder.read_config()


def test_a_run_that_is_not_over_is_continued_as_it_was(finished):
    folder = finished(lines=2)
    path = write_evaluation_report(folder, folder.read_summary(), [], Checkpoint("last", 4))
    assert Page(path.read_text())["machine"].endswith(f"To resume it infogan-fast train --resume --out {folder}")


def test_the_same_files_give_the_same_bytes_whatever_the_style_of_matplotlib(finished):
    import matplotlib

    folder = finished()
    before = write_report(folder).read_bytes()
    with matplotlib.rc_context({"lines.linewidth": 9.0, "font.size": 30.0}):
        assert write_report(folder).read_bytes() == before
        assert matplotlib.rcParams["font.size"] == 30.0


def test_whatever_the_terms_log_has_a_curve(finished):
    """Values of D and of G under one name are in one plot."""
    logged = {"discriminator_information_loss": 1.0, "gradient_penalty": 2.0, "generator_information_loss": 3.0}
    page = page_of(finished(logged={**logged, "my own": 4.0}))
    assert_stands_alone(page)
    assert "Objective: plain Codes:" in page["trained"]
    captions = [dict(attributes)["alt"] for tag, attributes in page.tags if tag == "img"][2:]
    assert captions[2:] == [
        "discriminator loss and generator loss.",
        "discriminator information loss and generator information loss.",
        "gradient penalty.",
        "my own.",
    ]


def test_names_of_metrics_may_be_anything(finished):
    rest = ("$\\frac{$", "<b>&\"'</b>", "\x1b[31m\0", "x" * 1000, "")
    names = [f"{player}_{name}" for name in rest for player in ("discriminator", "generator")]
    page = page_of(finished(logged=dict.fromkeys(names, 1e308)))
    assert_stands_alone(page)
    formula, tags, *_ = map(text_of, svgs_of(page)[3:])
    assert "discriminator $\\frac{$ generator $\\frac{$" in formula
    assert "generator <b>&\"'</b>" in tags
    assert "discriminator ?[31m? and generator ?[31m?." in page["curves"]


def test_more_metrics_than_are_looked_at(finished):
    page = page_of(finished(lines=1, logged={f"metric {index}": 1.0 for index in range(MAX_PLOTS)}))
    assert len(svgs_of(page)) == MAX_PLOTS
    assert page["curves"].endswith("Further metrics, 3, are in metrics.jsonl.")


def test_a_run_without_lines_pictures_labels_and_real_images(finished):
    nothing = {**dict.fromkeys(QUALITY), "images": 0}
    results = {"accuracy": None, "accuracy_ci": None, "accuracy_train": None, "accuracy_per_code": []}
    page = page_of(finished({**results, "disentanglement": None, "image_quality": nothing}, lines=0, pictures=()))
    assert_stands_alone(page)
    assert "matching" not in page.sections
    assert "No accuracy: the training images have no labels" in page["metrics"]
    assert "Image quality" not in page["metrics"]
    assert "No image quality: it takes two real images." in page["metrics"]
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
    results = {"accuracy": None, "accuracy_ci": None, "accuracy_train": 0.5, "heldout_images": 0}
    page = page_of(finished({**results, "accuracy_per_code": [{**entry, "class_of_category": [0, 1, 2]}]}))
    assert "30 training images of 1x8x8, none held out" in page["trained"]
    assert "No held-out labels" in page["metrics"]
    assert "Accuracy, held-out" not in page["metrics"]
    assert "Accuracy, training 50.0%" in page["metrics"]


def test_classes_have_their_names(finished):
    assert "1 → none" in page_of(finished())["matching"]
    names = ["<i>cat</i>", "dog", "eel " * 100]
    page = page_of(finished({"class_names": names}))
    assert_stands_alone(page)
    assert "the pictures, and its class. Training saw" in page["matching"]
    assert "1 → none 2 → <i>cat</i>" in page["matching"]
    first = page["matching"].split("0 → ")[1].split(" 1 → ")[0]
    assert first.startswith("eel eel")
    assert first.endswith("eel (2)")
    assert len(first) < 60


def test_pictures_that_are_gone_or_too_many(finished):
    names = [f"categorical{index}_samples.png" for index in range(1, MAX_PICTURES + 3)]
    folder = finished(pictures=names)
    (folder.traversals / names[0]).unlink()
    page = page_of(folder)
    assert f"The file {names[0]} is missing." in page["pictures"]
    assert page.elements.count("img") == MAX_PICTURES - 1 + 3
    assert "2 more:" in page["pictures"]


def test_data_that_are_not_images(finished):
    """A page needs no folder: it is made of plain values."""
    folder = finished()
    results = {**folder.read_summary(), "shape": [1, 64], "image_quality": None}
    run = RunRecord(folder.path, folder.read_config(), {}, [], results)
    pictures = {"categorical1_samples.png": PICTURE, "categorical1_continuous1.png": PICTURE}
    page = Page(report_page(run, results, pictures).decode())
    assert_stands_alone(page)
    assert "30 training samples of 1x64, 10 held out" in page["trained"]
    assert "6 steps of 8 samples, 12 s of training, 4 samples/s" in page["trained"]
    assert "No image quality: the data are not images." in page["metrics"]
    assert "Panels: the categories of categorical code 1. Colours: continuous code 1 from -2 to 2" in page["pictures"]
    assert [dict(attributes)["class"] for tag, attributes in page.tags if tag == "img"] == ["curves"] * 2
    assert "There are no curves" in page["curves"]


def test_no_categorical_codes(finished):
    page = page_of(finished(categorical=(), real_information=1.0, pictures=("noise_samples.png",)))
    assert "does nothing without categorical codes" in page["trained"]
    assert "there is no categorical code" in page["metrics"]
    assert "H(c), K" not in page["curves"]
    assert "Samples of the noise and of all codes." in page["pictures"]


def test_many_codes(finished):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page = page_of(finished(categorical=tuple(range(2, 14)), continuous=MAX_CURVES + 3))
    assert_stands_alone(page)
    categorical, continuous, _ = map(text_of, svgs_of(page))
    assert all(f"H(c), K={size}" in categorical for size in range(2, 14))
    assert f"The first {MAX_CURVES}; 3 more are in metrics.jsonl." in page["curves"]
    assert f"continuous {MAX_CURVES}" in continuous
    assert f"continuous {MAX_CURVES + 1}" not in continuous


def test_long_runs_are_thinned_out_and_a_line_that_is_cut_off_left_out(finished):
    folder = finished(lines=1)
    spec = folder.read_config().spec
    line = {"discriminator_loss": 1.0, "generator_loss": math.nan, "mi_bound_nats": [0.5, 0.1, 0.2]}
    many = [{"step": step, **line} for step in range(1, 3 * MAX_POINTS)]
    assert "Every 3th line" in plots(spec, many)[0].caption
    with open(folder.path / "metrics.jsonl", "a") as file:
        file.write('{"step": 2, "dis')
    assert len(svgs_of(page_of(folder))) == 3


def test_names_full_of_html_are_shown_as_they_are(finished):
    data = "/tmp/<script>alert('1')</script> & \"a b\"/x\udc80"
    page = page_of(finished({"data_notes": ["skipped <img src=http://x.org/a.png>"]}, data=data))
    assert_stands_alone(page)
    assert page["trained"].startswith("What was trained Data: /tmp/<script>alert('1')</script> & \"a b\"/x\\udc80, 30")
    assert "skipped <img src=http://x.org/a.png>" in page["trained"]
    assert page.elements.count("img") == 2 + 3


def test_reports_of_checkpoints_have_names_of_their_own(finished):
    folder = finished()
    own = write_report(folder).read_bytes()
    results = {**folder.read_summary(), "accuracy": 0.5, "training_images": 7, "heldout_images": 0}
    path = write_evaluation_report(folder, results, [], Checkpoint("best", 4))
    assert path.name == "report-best.html"
    page = Page(path.read_text())
    assert "Metrics and pictures of the best checkpoint, step 4." in page[None]
    assert "4 steps of 8 images, 2 s of training" in page["trained"]
    path = write_evaluation_report(folder, results, [], Checkpoint("last", 6, "/data/my photos <1>"))
    assert re.fullmatch(r"report-last-on-my-photos-1-[0-9a-f]{8}\.html", path.name)
    other = Page(path.read_text())
    assert "30 training images of 1x8x8, 10 held out" in other["trained"]
    assert "Evaluated on: /data/my photos <1>, 7 images to fit the matching on, none held out" in other["trained"]
    assert "metrics on other data than the run's own: /data/my photos <1>." in other[None]
    elsewhere = write_evaluation_report(folder, results, [], Checkpoint("last", 6, "/b/my photos <1>"))
    assert elsewhere.name != path.name
    sprites = write_evaluation_report(folder, results, [], Checkpoint("best", 6, "sprites:2000"))
    assert sprites.name == "report-best-on-sprites-2000.html"
    assert (folder.path / "report.html").read_bytes() == own


def test_a_run_writes_it_and_a_full_disk_leaves_the_summary(data, make_config, tmp_path, monkeypatch):
    monkeypatch.setattr("infogan_fast.data.load", lambda *_, **__: ImageData("tiny", data.images, data.labels))
    trainer = start(make_config(real_information=1.0), RunFolder(tmp_path / "run"))
    trainer.run()
    trainer.finish()
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
        trainer.finish()
    assert (tmp_path / "run" / "summary.json").is_file()
    assert not report.exists()


def test_what_to_look_at_comes_first_and_is_escaped(finished):
    found = [
        {"name": "collapse", "sentence": "<script>1</script> & 30.0 levels", "advice": "To try next: --steps 8 <b>."},
        {"name": "checkerboard", "sentence": "Even and odd pixels.", "advice": "To try next: --preset images."},
    ]
    page = page_of(finished({"findings": found}))
    assert_stands_alone(page)
    assert page.sections[:2] == ["findings", "trained"]
    assert page["findings"] == (
        "What to look at <script>1</script> & 30.0 levels To try next: --steps 8 <b>. "
        "Even and odd pixels. To try next: --preset images."
    )


def test_where_nothing_stands_out(finished):
    page = page_of(finished({"findings": []}))
    assert page["findings"] == "Nothing stands out."
    assert "findings" not in page_of(finished()).sections  # of an earlier version, which did not judge

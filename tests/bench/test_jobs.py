"""Training jobs driven step by step."""

import dataclasses

import torch

from infogan_fast.bench.common_steps import FormA, FormB
from infogan_fast.bench.jobs import CommonJob, OurJob, as_form_a
from infogan_fast.data import ImageData
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.trainer import Trainer
from infogan_fast.training.augment import Views


def test_our_job_is_what_the_trainer_does(config, data, tmp_path):
    trainer = Trainer(dataclasses.replace(config, steps=3), data, RunFolder(tmp_path))
    trainer.run()
    job = OurJob(dataclasses.replace(config, steps=3), data)
    for _ in range(3):
        job()
    assert job.step == 3
    for ours, theirs in zip(job.nets.state_dict().values(), trainer.model.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)


def test_nothing_is_written(config, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    OurJob(config, data)()
    CommonJob(FormA, config, data)()
    assert not list(tmp_path.iterdir())


def test_every_job_starts_from_the_same_weights_and_sees_the_same_images(config, data, monkeypatch):
    alike = as_form_a(config)
    jobs = [OurJob(alike, data), CommonJob(FormA, alike, data), CommonJob(FormB, alike, data)]
    first, *others = ([p.clone() for p in job.nets.parameters()] for job in jobs)
    for other in others:
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(first, other, strict=True))
    seen = []
    for form in jobs[1:]:
        hook = form.nets.trunk.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach().clone()))
        form()
        hook.remove()
    monkeypatch.setattr(Views, "augment", lambda views, images, *chosen: seen.append(images.detach()) or images)
    jobs[0]()
    *theirs, in_d, _ = seen
    real, _ = in_d.chunk(2)
    assert torch.equal(real, theirs[0])  # the real images are the first that D sees in form A
    assert any(torch.equal(real, images) for images in theirs[3:])
    assert isinstance(data, ImageData)


def test_as_form_a_has_no_views_and_no_schedules(config):
    alike = as_form_a(config)
    assert (alike.shear, alike.rotation, alike.instance_noise) == (0.0, 0.0, 0.0)
    assert alike.learning_rate_discriminator == alike.learning_rate_generator == alike.learning_rate_head == 2e-4
    assert (alike.categorical_weight, alike.continuous_weight) == (1.0, 0.1)
    assert "trunk" not in alike.information_gradient
    assert (alike.width, alike.batch_size, alike.seed) == (config.width, config.batch_size, config.seed)

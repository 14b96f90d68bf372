"""Benchmark of fast mode against the published implementation: seconds per image and accuracy, in one run.

Run from the checkout: ``python benchmarks/fast_mode.py``. It draws birds, builds the architecture of the released code
(``tests/core/released_network.py``, in eager float32), trains its convolutions on some of the birds, in growing images, and
fits its classifiers to others. With ``--weights FILE`` (a state dictionary of torchvision's ResNet) nothing is trained. The
program opens the same weights. The threshold of fast mode is chosen on a third set, and both are measured on a fourth. Each
has a process of its own, as it would without the other, and they take turns. Whole networks must give the same logits.
"""

from __future__ import annotations

import argparse
import itertools
import math
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from interleaved import machine
from torch import Tensor, nn

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.records import ImageRecord
from s3n_core.datasets.transforms import Preprocess, test_view
from s3n_core.demo.writing import write_drawn_birds
from s3n_core.evaluation.cascade import CascadeOutcomes, most_saving
from s3n_core.evaluation.intervals import accuracy_text
from s3n_core.method.folded_norm import fold_batch_norm
from s3n_core.method.network import S3N
from s3n_core.models.devices import place
from s3n_core.models.network_outputs import run_network
from s3n_core.models.preprocessing import to_input
from s3n_core.models.released_checkpoints import read_released_checkpoint

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "core"))
from released_network import ReleasedS3N

BRANCHES = 3
RELEASED = "released.pth"
STAGES = ["112:12", "224:3", "448:0.5"]
BATCH, RATE = 16, 1e-3  # of the training
CLOSE = 1e-2  # of the largest logit


class PublishedS3N(ReleasedS3N):
    """The released architecture with its peaks found by one max-pooling, as the released code does, not in a loop."""

    @staticmethod
    def peaks(response: Tensor) -> list[tuple[int, int]]:
        """Return the cells (row, column) that are the first maximum of their 3 x 3 window and not below the mean."""
        _, highest = F.max_pool2d(response[None], 3, 1, 1, return_indices=True)
        own = torch.arange(response.numel()).reshape(response.shape)
        places = ((own == highest[0]) & (response >= response.mean())).nonzero()
        return [(y, x) for y, x in places.tolist()]


def main() -> None:
    """Build, check, measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--backbone", default="resnet50")
    parser.add_argument("--size", type=int, default=448)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--species", type=int, default=8)
    parser.add_argument("--images", type=int, default=12, help="per species: for the threshold, and as many to measure")
    parser.add_argument("--trained", type=int, default=120, help="per species: to train the convolutions on")
    parser.add_argument("--fitted", type=int, default=40, help="per species: to fit the classifiers to")
    parser.add_argument("--train", nargs="*", default=STAGES, metavar="SIZE:EPOCHS", help="trainings one after another")
    parser.add_argument(
        "--weights", type=Path, help="a state dictionary of torchvision's ResNet, instead of a training"
    )
    parser.add_argument(
        "--keep", type=Path, help="where the trained convolutions go, for --weights, after each training"
    )
    parser.add_argument("--threads", type=int, default=0, help="0: torch's own choice")
    chosen = parser.parse_args()
    chosen.threads = chosen.threads or torch.get_num_threads()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        trained, fitted, validation, test = drawn_birds(Path(folder), chosen)
        published = published_network(chosen, trained, fitted)
        torch.save(
            {"model": published.state_dict(), "epoch_idx": 0}, Path(folder) / RELEASED
        )  # as the released code does
        ours = opened_network(Path(folder) / RELEASED, chosen.size)
        del trained, fitted, published
        point = most_saving(outcomes(ours, *validation, chosen.batch).curve())
        print(
            f"On {point.images} validation images: H <= {point.stop_below} nats, {point.top1_text}, {point.passes:.2f} passes"
        )
        print(f"{chosen.backbone}, {chosen.size} px, batch {chosen.batch}, float32; {machine('cpu')}", flush=True)
        measure(Path(folder), chosen, list(batches(*test, chosen.batch)), point.stop_below)


@dataclass
class Answer:
    """What one side says of a batch, with its seconds: logits (B, N), first those that it predicts with."""

    logits: list[Tensor]
    stopped: int
    wall: float
    cpu: float


def measure(folder: Path, chosen: argparse.Namespace, parts: list[Images], threshold: float | None) -> None:
    """Let the sides take turns on every batch, each in its process, and print their times per image and accuracies.

    Raises:
        SystemExit: if both whole networks do not give the same logits.
    """
    answers: dict[str, list[Answer]] = {name: [] for name in SIDES}
    worst = 0.0
    with ExitStack() as stack:
        pipes = {name: stack.enter_context(started(name, folder, chosen, threshold)) for name in SIDES}
        for images, _ in [parts[0], *parts]:  # the first one warms up
            for name, pipe in pipes.items():
                pipe.send(images.numpy())
                answers[name].append(pipe.recv())
            worst = max(worst, difference(answers[WHOLE][-1].logits, answers[PUBLISHED][-1].logits))
    answers = {name: of_side[1:] for name, of_side in answers.items()}
    print(f"The whole networks' logits differ by at most {worst:.1e} of the largest")
    labels = torch.cat([labels for _, labels in parts])
    count = len(labels)
    walls = {name: sum(answer.wall for answer in of_side) for name, of_side in answers.items()}
    cpus = {name: sum(answer.cpu for answer in of_side) for name, of_side in answers.items()}
    for name, of_side in answers.items():
        passes = BRANCHES - (BRANCHES - 1) * sum(answer.stopped for answer in of_side) / count
        right = int((torch.cat([answer.logits[0].argmax(dim=1) for answer in of_side]) == labels).sum())
        print(
            f"  {name:40} {walls[name] / count:6.3f} s an image (CPU {cpus[name] / count:6.3f}), "
            f"{walls[PUBLISHED] / walls[name]:5.2f} (CPU {cpus[PUBLISHED] / cpus[name]:5.2f}) times as fast, "
            f"{passes:.2f} passes, {accuracy_text(right, count)}"
        )


def difference(ours: list[Tensor], theirs: list[Tensor]) -> float:
    """Return how far the logits of all branches are apart, in shares of the largest.

    Raises:
        SystemExit: if they differ, or a predicted class does without a tie within that.
    """
    worst = max(float((own - other).abs().max() / other.abs().max()) for own, other in zip(ours, theirs, strict=True))
    highest = theirs[0].topk(2).values
    tied = highest[:, 0] - highest[:, 1] <= 2 * (ours[0] - theirs[0]).abs().amax(dim=1)
    if worst > CLOSE or not bool((tied | (ours[0].argmax(dim=1) == theirs[0].argmax(dim=1))).all()):
        raise SystemExit("the two implementations do not give the same output, so their speeds cannot be compared")
    return worst


def started(name: str, folder: Path, chosen: argparse.Namespace, threshold: float | None) -> Connection:
    """Start the process of one side; return the pipe that takes images (B, 3, S, S) and gives an `Answer` for each batch."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    context.Process(target=answer_batches, args=(name, folder, chosen, threshold, theirs), daemon=True).start()
    theirs.close()
    return ours


@torch.inference_mode()
def answer_batches(
    name: str, folder: Path, chosen: argparse.Namespace, threshold: float | None, pipe: Connection
) -> None:
    """Answer batch after batch until the pipe is closed."""
    torch.set_num_threads(chosen.threads)
    network: PublishedS3N | S3N
    if name == PUBLISHED:
        network = PublishedS3N(chosen.backbone, chosen.species)
        network.load_state_dict(torch.load(folder / RELEASED, weights_only=True)["model"])
        network.eval()
    else:
        network = opened_network(folder / RELEASED, chosen.size)
    while True:
        try:
            images = torch.from_numpy(pipe.recv())
        except EOFError:
            return
        start, used = time.perf_counter(), time.process_time()
        logits, stopped = logits_of(network, images, threshold if name == FAST else None)
        pipe.send(Answer(logits, stopped, time.perf_counter() - start, time.process_time() - used))


PUBLISHED = "published implementation, eager float32"
WHOLE = "this program, whole network"
FAST = "this program, fast mode"
SIDES = (PUBLISHED, WHOLE, FAST)


def logits_of(network: PublishedS3N | S3N, images: Tensor, stop_below: float | None) -> tuple[list[Tensor], int]:
    """Return the logits (B, N) of all branches or, with a threshold, what is predicted with, and how many stopped after O."""
    if isinstance(network, PublishedS3N):
        return list(network(images, stage=2)), 0
    result = run_network(network, prepared(images), sampling="extremes", stop_below=stop_below)
    output = result.output
    if result.stopped is not None:
        return [output.prediction], int(result.stopped.sum())
    return [output.joint, output.original, output.discriminative, output.complementary], 0


Images = tuple[Tensor, Tensor]
"""Normalised images (N, 3, S, S) and labels (N,)."""


def drawn_birds(folder: Path, chosen: argparse.Namespace) -> list[Images]:
    """Draw birds; return those to train on, to fit the classifiers to, to choose the threshold on, and to measure on."""
    ends = list(itertools.accumulate((chosen.trained, chosen.fitted, chosen.images)))
    write_drawn_birds(
        folder / "birds", train_per_species=ends[-1], test_per_species=chosen.images, species=chosen.species
    )
    data_set = open_data_set(folder / "birds")
    preprocess = Preprocess(input_size=chosen.size, source_size=chosen.size, resize="squash")

    def read(records: list[ImageRecord]) -> Images:
        views = [test_view(read_image(record.path), preprocess) for record in records]
        return to_input(np.stack(views), "cpu"), torch.tensor([record.label for record in records])

    training = [record for record in data_set.records if record.split == "train"]
    by_label = [[record for record in training if record.label == label] for label in range(chosen.species)]
    return [
        *(
            read([record for records in by_label for record in records[first:end]])
            for first, end in itertools.pairwise((0, *ends))
        ),
        read([record for record in data_set.records if record.split == "test"]),
    ]


def published_network(chosen: argparse.Namespace, trained: Images, fitted: Images) -> PublishedS3N:
    """Return the released architecture with trained convolutions and fitted classifiers, O's first: it defines the warps."""
    network = PublishedS3N(chosen.backbone, chosen.species)
    if chosen.weights is not None:
        whole = {key: value for key, value in torch.load(chosen.weights, weights_only=True).items() if "fc." not in key}
        network.features.load_state_dict(dict(zip(network.features.state_dict(), whole.values(), strict=True)))
    elif chosen.train:
        train(network.features, *trained, chosen)
    else:
        settle_statistics(network.features, fitted[0][: chosen.batch])
    network.eval().to(memory_format=torch.channels_last)  # faster; what is measured has its own copy in torch's layout
    labels = fitted[1]
    parts = [(prepared(images), labels) for images, labels in batches(*fitted, chosen.batch)]
    with torch.no_grad():
        features = [network.features(part) for part, _ in parts]
        vectors = [torch.cat([feature.mean((2, 3)) for feature in features])]
        fit(network.raw_classifier, vectors[0], labels)
        grids = [[network.grids(maps, 2, chosen.size) for maps in network.maps(feature)] for feature in features]
        for branch, buffer in enumerate((network.sampler_buffer, network.sampler_buffer1)):
            warped = [
                F.grid_sample(part, torch.stack([pair[branch] for pair in pairs]), align_corners=True)
                for (part, _), pairs in zip(parts, grids, strict=True)
            ]
            settle_statistics(buffer, network.features(warped[0]))
            buffer.eval()
            vectors.append(torch.cat([buffer(network.features(part)).mean((2, 3)) for part in warped]))
            print(f"  features of branch {branch + 1} of {BRANCHES - 1} computed", flush=True)
        fit(network.sampler_classifier, vectors[1], labels)
        fit(network.sampler_classifier1, vectors[2], labels)
        fit(network.con_classifier, torch.cat(vectors, 1), labels)
    return network.to(memory_format=torch.contiguous_format)


def train(features: nn.Module, images: Tensor, labels: Tensor, chosen: argparse.Namespace) -> None:
    """Train convolutions with a linear classifier after the global average, in images of growing size."""
    torch.manual_seed(0)
    network = nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(chosen.species)).train()
    network(images[:2])  # gives the linear layer its size
    network.to(memory_format=torch.channels_last)
    every = -(-len(labels) // BATCH)  # steps of an epoch
    for number, stage in enumerate(chosen.train):
        size, epochs = int(stage.split(":")[0]), float(stage.split(":")[1])
        rate = RATE / 2**number
        optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.01)
        steps = math.ceil(epochs * every)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=rate, total_steps=steps, pct_start=0.2)
        right = seen = 0
        for step in range(steps):
            if step % every == 0:
                order = torch.randperm(len(labels)).split(BATCH)
            batch = order[step % every]
            scaled = images[batch]
            if size != images.shape[-1]:
                scaled = F.interpolate(scaled, (size, size), mode="area")
            flipped = torch.where(torch.rand(len(batch), 1, 1, 1) < 0.5, scaled.flip(3), scaled)
            logits = network(prepared(flipped))
            optimiser.zero_grad()
            F.cross_entropy(logits, labels[batch], label_smoothing=0.1).backward()
            optimiser.step()
            schedule.step()
            right, seen = right + int((logits.argmax(1) == labels[batch]).sum()), seen + len(batch)
            if (step + 1) % every == 0 or step + 1 == steps:
                print(
                    f"  {size} px, epoch {(step + 1) / every:.1f} of {epochs}: {100 * right / seen:.0f} % right",
                    flush=True,
                )
                right = seen = 0
        if chosen.keep is not None:
            torch.save(features.state_dict(), chosen.keep)
    features.to(memory_format=torch.contiguous_format).requires_grad_(False)


def settle_statistics(layers: nn.Module, images: Tensor) -> None:
    """Give random layers the BatchNorm statistics of some images."""
    layers.train()
    norms = [layer for layer in layers.modules() if isinstance(layer, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        layers(images)


@torch.enable_grad()
def fit(layer: nn.Linear, vectors: Tensor, labels: Tensor) -> None:
    """Fit a classifier to vectors (N, D) by softmax regression on standardised features, in place."""
    mean, spread = vectors.mean(0), vectors.std(0) + 1e-6
    inputs = (vectors - mean) / spread / vectors.shape[1] ** 0.5
    weight = torch.zeros(layer.out_features, layer.in_features, requires_grad=True)
    bias = torch.zeros(layer.out_features, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = F.cross_entropy(inputs @ weight.T + bias, labels) + 1e-3 * weight.square().sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    with torch.no_grad():
        scaled = weight / spread / vectors.shape[1] ** 0.5
        layer.weight.copy_(scaled)
        layer.bias.copy_(bias - scaled @ mean)


def opened_network(path: Path, size: int) -> S3N:
    """Return the network of a released checkpoint, prepared for the CPU as for every prediction."""
    network = read_released_checkpoint(path, input_size=size).network
    fold_batch_norm(network.eval())
    place(network, "cpu")
    return network


def batches(images: Tensor, labels: Tensor, size: int) -> Iterator[Images]:
    """Yield images and labels in batches."""
    yield from zip(images.split(size), labels.split(size), strict=True)


def prepared(images: Tensor) -> Tensor:
    """Return images in the layout that the program uses."""
    return images.contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def outcomes(ours: S3N, images: Tensor, labels: Tensor, batch: int) -> CascadeOutcomes:
    """Return what O and the whole network say of labelled images."""
    entropy, right_o, right_joint = [], [], []
    for part, label in batches(images, labels, batch):
        result = run_network(ours, prepared(part), sampling="extremes")
        entropy.append(result.entropy)
        right_o.append(result.output.original.argmax(dim=1) == label)
        right_joint.append(result.output.prediction.argmax(dim=1) == label)
    return CascadeOutcomes(
        torch.cat(entropy).float().numpy(), torch.cat(right_o).numpy(), torch.cat(right_joint).numpy(), BRANCHES
    )


if __name__ == "__main__":
    main()

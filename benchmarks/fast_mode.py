"""Benchmark of fast mode against the published implementation: seconds per image and accuracy, in one run.

Run from the checkout: ``python benchmarks/fast_mode.py``. It draws birds, builds the architecture of the released code
(``tests/core/released_network.py``, in eager float32), and gives it random convolutions and classifiers that are fitted to
some of the birds. The program opens the same weights. It must give the same logits; then the threshold of fast mode is
chosen on other birds, and both are measured on a third set. With pretrained weights (``--weights FILE``, a state dictionary
of torchvision's ResNet) the features tell the birds apart better.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
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
    parser.add_argument("--images", type=int, default=4, help="per species: for the threshold, and as many to measure")
    parser.add_argument("--fitted", type=int, default=8, help="per species: to fit the classifiers to")
    parser.add_argument("--weights", type=Path, help="a state dictionary of torchvision's ResNet; default: random")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0, help="0: torch's own choice")
    chosen = parser.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        fitted, validation, test = drawn_birds(Path(folder), chosen)
        published = published_network(chosen, *fitted)
        ours = opened_by_the_program(published, Path(folder) / "released.pth", chosen.size)
    compare(published, ours, batches(*test, chosen.batch))
    point = most_saving(outcomes(ours, *validation, chosen.batch).curve())
    print(
        f"On {point.images} validation images: H <= {point.stop_below} nats, {point.top1_text}, {point.passes:.2f} passes"
    )

    print(f"{chosen.backbone}, {chosen.size} px, batch {chosen.batch}, float32; {machine('cpu')}")
    measure(published, ours, list(batches(*test, chosen.batch)), point.stop_below, chosen.repeats)


@torch.inference_mode()
def measure(published: PublishedS3N, ours: S3N, parts: list[Images], threshold: float | None, repeats: int) -> None:
    """Let the sides take turns on every batch, and print their times per image and accuracies."""
    wall, cpu, right = dict.fromkeys(SIDES, 0.0), dict.fromkeys(SIDES, 0.0), dict.fromkeys(SIDES, 0)
    stopped, count = 0, sum(len(labels) for _, labels in parts)
    for number in range(repeats + 1):
        for images, labels in parts if number else parts[:1]:  # the first round warms up
            for name in SIDES:
                start, used = time.perf_counter(), time.process_time()
                classes, stops = classes_of(name, published, ours, images, threshold)
                if number:
                    wall[name] += time.perf_counter() - start
                    cpu[name] += time.process_time() - used
                if number == 1:
                    right[name] += int((classes == labels).sum())
                    stopped += stops
    for name in SIDES:
        passes = BRANCHES - (BRANCHES - 1) * stopped / count if name == FAST else float(BRANCHES)
        each, work = wall[name] / repeats / count, cpu[name] / repeats / count
        print(
            f"  {name:40} {each:6.3f} s an image (CPU {work:6.3f}), {wall[PUBLISHED] / wall[name]:5.2f} (CPU "
            f"{cpu[PUBLISHED] / cpu[name]:5.2f}) times as fast, {passes:.2f} passes, {accuracy_text(right[name], count)}"
        )


PUBLISHED = "published implementation, eager float32"
WHOLE = "this program, whole network"
FAST = "this program, fast mode"
SIDES = (PUBLISHED, WHOLE, FAST)


def classes_of(
    name: str, published: PublishedS3N, ours: S3N, images: Tensor, threshold: float | None
) -> tuple[Tensor, int]:
    """Return the predicted classes (B,) of one side, and how many images stopped after O."""
    if name == PUBLISHED:
        return published(images, stage=2)[0].argmax(dim=1), 0
    stop_below = threshold if name == FAST else None
    result = run_network(ours, prepared(images), sampling="extremes", stop_below=stop_below)
    return result.output.prediction.argmax(dim=1), 0 if result.stopped is None else int(result.stopped.sum())


Images = tuple[Tensor, Tensor]
"""Normalised images (N, 3, S, S) and labels (N,)."""


def drawn_birds(folder: Path, chosen: argparse.Namespace) -> tuple[Images, Images, Images]:
    """Draw birds; return those to fit to, to choose the threshold on, and to measure on."""
    each = chosen.fitted + chosen.images
    write_drawn_birds(folder / "birds", train_per_species=each, test_per_species=chosen.images, species=chosen.species)
    data_set = open_data_set(folder / "birds")
    preprocess = Preprocess(input_size=chosen.size, source_size=chosen.size, resize="squash")

    def read(records: list[ImageRecord]) -> Images:
        views = [test_view(read_image(record.path), preprocess) for record in records]
        return to_input(np.stack(views), "cpu"), torch.tensor([record.label for record in records])

    training = [record for record in data_set.records if record.split == "train"]
    by_label = [[record for record in training if record.label == label] for label in range(chosen.species)]
    return (
        read([record for records in by_label for record in records[: chosen.fitted]]),
        read([record for records in by_label for record in records[chosen.fitted :]]),
        read([record for record in data_set.records if record.split == "test"]),
    )


def published_network(chosen: argparse.Namespace, images: Tensor, labels: Tensor) -> PublishedS3N:
    """Return the released architecture with classifiers fitted to images, O's first, since it defines the warps."""
    network = PublishedS3N(chosen.backbone, chosen.species)
    if chosen.weights is not None:
        whole = {key: value for key, value in torch.load(chosen.weights, weights_only=True).items() if "fc." not in key}
        network.features.load_state_dict(dict(zip(network.features.state_dict(), whole.values(), strict=True)))
    else:
        settle_statistics(network.features, images[: chosen.batch])
    network.eval()
    parts = list(batches(images, labels, chosen.batch))
    with torch.no_grad():
        vectors = [torch.cat([network.features(part).mean((2, 3)) for part, _ in parts])]
        fit(network.raw_classifier, vectors[0], labels)
        grids = [
            [network.grids(maps, 2, chosen.size) for maps in network.maps(network.features(part))] for part, _ in parts
        ]
        for branch, buffer in enumerate((network.sampler_buffer, network.sampler_buffer1)):
            warped = [
                F.grid_sample(part, torch.stack([pair[branch] for pair in pairs]), align_corners=True)
                for (part, _), pairs in zip(parts, grids, strict=True)
            ]
            settle_statistics(buffer, network.features(warped[0]))
            buffer.eval()
            vectors.append(torch.cat([buffer(network.features(part)).mean((2, 3)) for part in warped]))
        fit(network.sampler_classifier, vectors[1], labels)
        fit(network.sampler_classifier1, vectors[2], labels)
        fit(network.con_classifier, torch.cat(vectors, 1), labels)
    return network


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


def opened_by_the_program(published: PublishedS3N, path: Path, size: int) -> S3N:
    """Save the weights as the released code does, and open them as the program opens a model."""
    torch.save({"model": published.state_dict(), "epoch_idx": 0}, path)
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
def compare(published: PublishedS3N, ours: S3N, parts: Iterator[Images]) -> None:
    """Check that both give the same logits for all branches, and say how close they are."""
    worst, same, count, unexplained = 0.0, 0, 0, 0
    for images, _ in parts:
        theirs = published(images, stage=2)
        output = run_network(ours, prepared(images), sampling="extremes").output
        own = (output.joint, output.original, output.discriminative, output.complementary)
        for one, other in zip(own, theirs, strict=True):
            worst = max(worst, float((one - other).abs().max() / other.abs().max()))
        equal = own[0].argmax(dim=1) == theirs[0].argmax(dim=1)
        highest = theirs[0].topk(2).values
        close = highest[:, 0] - highest[:, 1] <= 2 * (own[0] - theirs[0]).abs().amax(dim=1)
        same, count = same + int(equal.sum()), count + len(images)
        unexplained += int((~equal & ~close).sum())
    print(
        f"Logits differ by at most {worst:.1e} of the largest; same class for {same} of {count} images, the others tied "
        "within that",
        flush=True,
    )
    if worst > CLOSE or unexplained:
        raise SystemExit("the two implementations do not give the same output, so their speeds cannot be compared")


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

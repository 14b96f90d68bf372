"""Benchmark of an ONNX file and the model it was made from: same predictions on a data set's test images, and speed of each.

Run from the checkout: ``python benchmarks/onnx_file.py``: the demo model and its images. With ``MODEL FILE.onnx DATA`` those, of
the data set's test images. The exit status is 1 if a class differs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from interleaved import machine, medians, report

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.transforms import test_view
from s3n_core.export.onnx_export import export_onnx
from s3n_core.models.opening import open_model
from s3n_core.models.preprocessing import to_input
from s3n_core.system.resources import resource


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("model", type=Path, nargs="?", default=resource("demo/model.safetensors"))
    options.add_argument("onnx", type=Path, nargs="?", help="made from it; else it is made now")
    options.add_argument("data", type=Path, nargs="?", default=resource("demo/images"))
    options.add_argument("--batch", type=int, default=9)
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--threads", type=int, default=1)
    chosen = options.parse_args()
    torch.set_num_threads(chosen.threads)
    model = open_model(chosen.model, "cpu", "float32")
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = chosen.threads
    with tempfile.TemporaryDirectory() as folder:
        file = chosen.onnx or export_onnx(model, Path(folder) / "model.onnx", evidence=True).path
        session = onnxruntime.InferenceSession(file, settings, providers=["CPUExecutionProvider"])
    sampling = session.get_modelmeta().custom_metadata_map["s3n.sampling"]
    names = [entry.name for entry in session.get_outputs()]
    found = open_data_set(chosen.data).records
    records = [record for record in found if record.split == "test"] or found
    same = right_torch = right_onnx = 0
    off = dict.fromkeys(names, 0.0)
    images = torch.empty(0)
    for start in range(0, len(records), chosen.batch):
        part = records[start : start + chosen.batch]
        pixels = np.stack(
            [test_view(read_image(record.path, banner=record.banner), model.preprocess) for record in part]
        )
        images = to_input(pixels, "cpu")
        with torch.inference_mode():
            output = model.network(images, sampling=sampling, trace=True)
        assert output.trace is not None
        wanted = {**vars(output), "response": output.trace.response.response, **vars(output.trace.samples)}
        answers = dict(zip(names, session.run(None, {"images": images.contiguous().numpy()}), strict=True))
        for name, value in answers.items():
            off[name] = max(off[name], float(np.abs(value - wanted[name].numpy()).max()))
        ours, theirs = output.prediction.argmax(dim=1).numpy(), answers[names[0]].argmax(axis=1)
        labels = np.array([record.label for record in part])
        same += int((ours == theirs).sum())
        right_torch += int((ours == labels).sum())
        right_onnx += int((theirs == labels).sum())
        if len(part) == chosen.batch:
            last = images
    print(f"{len(records)} test images, sampling {sampling}: the same class for {same}")
    print(f"right: torch {right_torch}, onnxruntime {right_onnx}")
    print("largest difference: " + ", ".join(f"{name} {value:.1e}" for name, value in off.items()))
    array = last.contiguous().numpy()
    with torch.inference_mode():
        seconds = medians(
            {
                "torch": lambda: model.network(last, sampling=sampling),
                "onnxruntime": lambda: session.run(names[:4], {"images": array}),
            },
            repeats=chosen.repeats,
            warm_up=1,
        )
    report(f"batch {len(last)}, float32; {machine('cpu')}, onnxruntime {onnxruntime.__version__}", seconds, "torch")
    sys.exit(int(same < len(records)))


if __name__ == "__main__":
    main()

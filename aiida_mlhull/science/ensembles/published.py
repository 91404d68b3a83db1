"""Weights that others have published, as ensembles: read as arrays alone, no code of the file ever runs.

CGCNN's authors publish eight networks (Xie and Grossman, https://github.com/txie-93/cgcnn, ``pre-trained``, MIT
license), trained on the Materials Project of 2017: four convolutions, a hidden layer of 32, SGD for at most 1,000 epochs
with a tenth of the rate after 800. Their linear maps before a normalization have a bias that ours do without: an evaluated
normalization subtracts its running mean, which takes the bias in.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.ensembles.preparation import Preparation
from aiida_mlhull.science.ensembles.settings import ENERGY_TARGET, View
from aiida_mlhull.science.errors import WeightsError
from aiida_mlhull.science.types import EnsembleWeights, MemberWeights

SOURCE: Final = "Xie and Grossman, Phys. Rev. Lett. 120 (2018) 145301; https://github.com/txie-93/cgcnn, MIT license"
SCHEME: Final = "Materials Project 2017, PBE and PBE+U"
NORMAL: Final = float(np.sqrt(np.pi / 2.0))
"""Standard deviation of normal errors over their mean absolute value: the files hold the latter alone."""


@dataclass(frozen=True)
class Published:
    """What one of the authors' networks predicts.

    Attributes:
        target: the quantity.
        unit: of it.
        baseline: what it is measured from.
        classes: that it tells apart.
    """

    target: str
    unit: str
    baseline: str = "none"
    classes: tuple[str, ...] = ()


CGCNN: Final = {
    "band-gap": Published("band_gap", "eV"),
    "bulk-moduli": Published("log10_bulk_modulus", "log10(GPa)"),
    "efermi": Published("fermi_energy", "eV"),
    "final-energy-per-atom": Published("energy_per_atom", "eV/atom"),
    "formation-energy-per-atom": Published(ENERGY_TARGET, "eV/atom", baseline="references"),
    "poisson-ratio": Published("poisson_ratio", ""),
    "semi-metal-classification": Published("metal", "", classes=("False", "True")),
    "shear-moduli": Published("log10_shear_modulus", "log10(GPa)"),
}
"""The authors' files, by their names without ``.pth.tar``."""


def read_cgcnn(path: Path) -> EnsembleWeights:
    """One of the authors' networks as an ensemble of one member.

    The formation energy's target is a campaign's own quantity, so that it hands its scale on as a parent.

    Raises:
        WeightsError: if the file is none of them, or can't be read without running code.
    """
    kind = CGCNN.get(path.name.split(".")[0])
    if kind is None:
        raise WeightsError(f"{path.name} is none of CGCNN's published networks: {', '.join(CGCNN)} (.pth.tar)")
    held = _held(path)
    try:
        state = {name: np.asarray(value.numpy()) for name, value in held["state_dict"].items()}
        arrays = dict(_renamed(state))
        score, rows = float(held["best_mae_error"]), int(_argument(held["args"], "train_size"))
        center, scale = (float(held["normalizer"][name]) for name in ("mean", "std"))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise WeightsError(f"{path.name} holds no network of CGCNN's authors ({error!r})") from error
    shape = {
        "atom_width": len(state["embedding.bias"]),
        "layers": sum(name.endswith("fc_full.weight") for name in state),
        "hidden_width": len(state["conv_to_fc.bias"]),
    }
    seen = {"view": View().model_dump(mode="json")}
    meta: dict[str, Any] = {"center": center, "scale": scale, "loss": "l2", **seen}
    scores: dict[str, Any] = {"validation_mae": score, "validation_mse": (NORMAL * score) ** 2}
    if kind.classes:  # of this one the file holds the area under the ROC
        from aiida_mlhull.science.models.families.classification import OBJECTIVE  # noqa: PLC0415  (torch)

        meta = {"loss": OBJECTIVE, "classes": len(kind.classes), **seen}
        scores = {"validation_auc": score}
    return EnsembleWeights(
        model="cgcnn",
        settings=shape,
        members=(MemberWeights(arrays, meta, scores, seed=0),),
        preparation=Preparation("unrelaxed", None).to_json(),
        target=kind.target,
        unit=kind.unit,
        baseline=kind.baseline,
        classes=kind.classes,
        learned={"rows": rows, "scheme": SCHEME},
        versions={"source": SOURCE, "file": path.name},
    )


def _held(path: Path) -> Mapping[str, Any]:
    """The dictionary of a file of torch's, read with nothing but arrays, numbers and text allowed in it."""
    import torch  # noqa: PLC0415  (slow import)
    from numpy._core import multiarray  # noqa: PLC0415  (a score of the authors' is a number of numpy's)

    # Of the two names that numpy has had for it.
    numbers = [(multiarray.scalar, "numpy.core.multiarray.scalar"), multiarray.scalar, np.dtype, np.dtypes.Float64DType]
    try:
        with torch.serialization.safe_globals(numbers):  # type: ignore[arg-type]
            held: Mapping[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError) as error:
        raise WeightsError(f"{path.name} can't be read as weights alone ({str(error).splitlines()[0]})") from error
    return held


def _argument(told: Any, name: str) -> Any:
    return told[name] if isinstance(told, Mapping) else getattr(told, name)


def _renamed(state: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Arrays under our names, with biases before a normalization taken into its running mean."""
    layers = {"embedding": "embedding", "conv_to_fc": "hidden.0", "fc_out": "output"}
    for name, value in state.items():
        place, _, part = name.rpartition(".")
        if part == "num_batches_tracked":
            continue
        if place in layers:
            yield f"{layers[place]}.{part}", value
            continue
        whole, number, inner = place.split(".")
        if whole != "convs":
            raise KeyError(name)
        ours = f"convolutions.{number}"
        if inner == "fc_full":
            if part == "weight":
                yield f"{ours}.weight", value
        else:
            norm = {"bn1": "norm_edges", "bn2": "norm_nodes"}[inner]
            if (inner, part) == ("bn1", "running_mean"):
                value = value - state[f"convs.{number}.fc_full.bias"]  # noqa: PLW2901
            yield f"{ours}.{norm}.{part}", value

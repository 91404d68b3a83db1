"""Single steps of soft attention; the whole is compared with the plain form in the models' tests."""

from types import SimpleNamespace

import pytest
import torch

from aiida_mlhull.science.models.layers.compiled_attention import SLOPE
from aiida_mlhull.science.models.layers.soft_attention import through_leaky_relu


@pytest.mark.parametrize("ops", [torch.ops, SimpleNamespace(aten=SimpleNamespace())], ids=["own", "plain"])
def test_the_gradient_through_a_leaky_relu_with_and_without_torchs_own_operator(ops, monkeypatch):
    rows = torch.tensor([-2.0, -1e-3, 0.5, 3.0], requires_grad=True)
    result = torch.nn.functional.leaky_relu(rows, SLOPE)
    above = torch.tensor([1.0, -2.0, 3.0, -4.0])
    result.backward(above)
    monkeypatch.setattr(torch, "ops", ops)
    torch.testing.assert_close(through_leaky_relu(above, result.detach()), rows.grad, rtol=0, atol=0)

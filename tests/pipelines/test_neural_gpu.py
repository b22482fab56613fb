"""On a GPU the network is the same one, and a seed repeats it. Skipped where PyTorch sees no GPU."""

import numpy as np
import pytest
from estimator_requests import PROBLEMS, fit_request, small

from medalist.pipelines.estimators.networks import tabm as neural

torch = pytest.importorskip("torch", reason="PyTorch is absent")
pytest.importorskip("tabm", reason="tabm is absent")
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no GPU")


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass"])
def test_a_gpu_predicts_about_what_the_cpu_does_and_repeats_itself(kind, monkeypatch):
    made = fit_request("neural", PROBLEMS[kind], n=800, params=small("neural", epochs=12))
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    fitted, again = neural.fit_predict(made), neural.fit_predict(made)
    assert torch.cuda.max_memory_allocated() > before  # it was there
    assert np.array_equal(fitted.valid, again.valid)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    there = neural.fit_predict(made)
    assert np.corrcoef(fitted.valid.ravel(), there.valid.ravel())[0, 1] > 0.98


def test_the_gpu_random_state_is_left_as_it_was():
    torch.cuda.manual_seed_all(11)
    expected = torch.rand(3, device="cuda")
    torch.cuda.manual_seed_all(11)
    neural.fit_predict(fit_request("neural", PROBLEMS["binary"]))
    assert torch.equal(torch.rand(3, device="cuda"), expected)

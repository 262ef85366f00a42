import numpy as np
import pytest

from flow.strain import strain


def test_linear_field_worked_by_hand():
    """u = 0.02 x + 0.06 y, v = -0.01 x + 0.03 y: every derivative is a constant that can be read off."""
    y, x = np.mgrid[:12, :15].astype(np.float32)
    result = strain(np.stack([0.02 * x + 0.06 * y, -0.01 * x + 0.03 * y], axis=-1).astype(np.float32))
    assert result.exx == pytest.approx(np.full((12, 15), 0.02), abs=1e-6)
    assert result.eyy == pytest.approx(np.full((12, 15), 0.03), abs=1e-6)
    assert result.exy == pytest.approx(np.full((12, 15), (0.06 - 0.01) / 2), abs=1e-6)
    # sqrt(0.0004 + 0.0009 + 2 * 0.000625) = sqrt(0.00255)
    assert result.magnitude == pytest.approx(np.full((12, 15), 0.0504975), abs=1e-6)


def test_x_is_the_column():
    y, x = np.mgrid[:20, :30].astype(np.float32)
    result = strain(np.stack([0.5 * x**2, np.zeros_like(x)], axis=-1))
    assert result.exx[5, 10] == pytest.approx(10) and result.exx[12, 10] == pytest.approx(10)
    assert not result.eyy.any() and not result.exy.any()


def test_a_rotation_is_not_strain():
    y, x = np.mgrid[:9, :9].astype(np.float32)
    assert strain(np.stack([-0.01 * y, 0.01 * x], axis=-1)).magnitude.max() < 1e-6


def test_a_batch_is_its_maps_one_by_one():
    flows = np.random.default_rng(0).normal(size=(3, 7, 8, 2)).astype(np.float32)
    batch = strain(flows)
    assert batch.magnitude.shape == (3, 7, 8) and batch.magnitude.dtype == np.float32
    for i in range(3):
        assert np.array_equal(batch.magnitude[i], strain(flows[i]).magnitude)

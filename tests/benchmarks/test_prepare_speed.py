"""The dataset of the speed benchmark is one that `mer prepare` takes, and its faces are found."""

from benchmarks import prepare_speed as benchmark
from data_prep.dataset_check import check_dataset


def test_its_dataset_can_be_prepared_and_its_face_found(tmp_path, mesh):
    benchmark.write_dataset(tmp_path, 30)
    assert check_dataset("casme2", tmp_path).lines[-1] == "30 of 30 clips can be prepared."
    assert mesh.landmarks(benchmark.frame()) is not None

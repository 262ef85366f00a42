"""Experiment trackers that runs and trainings can send their record to; each is an extra of its name."""

from types import ModuleType

from mer_core.dependencies import import_extra

MODULES = {"mlflow": "mlflow", "tensorboard": "torch.utils.tensorboard"}
TRACKERS = tuple(MODULES)


def load_tracker(name: str) -> ModuleType:
    """Return the module of the tracker `name`; raise `MissingDependency` if it is not installed."""
    return import_extra(MODULES[name], name, f"Tracking with {name}")

"""Load what a clip is tracked with. Nothing heavy is imported at the top, so the progress bar comes first."""

from importlib import import_module

from mer_core.progress import count_steps

IMPORTS = ("numpy", "cv2", "scipy.ndimage", "mer.inference.predict")  # what takes longest


def load_tracker() -> None:
    """Import the modules and load the face models, with a progress bar."""
    with count_steps("Starting", len(IMPORTS) + 2) as advance:
        for module in IMPORTS:
            import_module(module)
            advance()
        from mer.inference import models

        for load in (models.get_detector, models.get_mesh):
            load()
            advance()

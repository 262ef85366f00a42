"""mer_net: a radial basis function network with one hidden unit per training clip, invariant to mirroring.

Ours. Fitted in closed form, so all folds take seconds and no seed matters. What is known about faces before
any label is seen is built in:

- How far a face moves, and where the zero of a ready-made map lies, says little: maps are levelled
  (views.py).
- The head is rigid: motion that a turn or a shift of it explains is removed, and a second view, the
  derivatives of the motion, shows how the skin deforms.
- A mirrored face shows the same expression: the kernel is invariant (kernel.py).
- Labels are noisy and rare: the ridge is as large as the signal, and classes weigh equally.

Input: u, v and strain, in this order, of any size (`flow_image`, or ready-made maps). What each part brings
on real clips: docs/results/real-flow-dev.md and mer-net-ablation.md.

References
----------
T. Poggio, F. Girosi, Networks for approximation and learning, Proceedings of the IEEE 78(9), 1990.
"""

from typing import TYPE_CHECKING, Any

from mer.classifiers.mer_net.predictor import Predictor

if TYPE_CHECKING:
    from mer.classifiers.mer_net.classifier import Classifier

__all__ = ["Classifier", "Predictor"]


def __getattr__(name: str) -> Any:
    """Import the classifier, and scikit-learn with it, at its first use (PEP 562)."""
    if name != "Classifier":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mer.classifiers.mer_net.classifier import Classifier

    return Classifier

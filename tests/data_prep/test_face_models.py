"""MediaPipe's graphs are the same whether the rest of MediaPipe is imported or not."""

import subprocess
import sys

import pytest

from data_prep.face_model_file import has_built_in

PRINT_GRAPHS = """
import sys
if sys.argv[1] == "whole":
    import mediapipe
from data_prep import face_models
face_models._import_solution("face_mesh")
from mediapipe.python import solution_base
graphs, build = [], solution_base.calculator_graph.CalculatorGraph
class Watched:
    @staticmethod
    def CalculatorGraph(graph_config):
        graphs.append(str(graph_config))
        return build(graph_config=graph_config)
solution_base.calculator_graph = Watched
models = {"mesh": face_models.BuiltInMesh, "detector": lambda: face_models.BuiltInDetector(0.4)}
for name in sys.argv[2:]:
    models[name]()
print("matplotlib.pyplot" in sys.modules, *graphs)
"""


@pytest.mark.skipif(not has_built_in(), reason="this MediaPipe has no models inside")
def test_graphs_do_not_depend_on_what_else_is_imported():
    whole, detector_first, mesh_first = (
        subprocess.run(
            [sys.executable, "-c", PRINT_GRAPHS, *arguments], capture_output=True, text=True, check=True
        ).stdout
        for arguments in (("whole", "detector", "mesh"), ("part", "detector", "mesh"), ("part", "mesh"))
    )
    assert whole.startswith("True") and detector_first.startswith("False")
    assert whole.removeprefix("True") == detector_first.removeprefix("False")
    assert "TensorsToFloats" in mesh_first and detector_first.endswith(mesh_first.removeprefix("False"))

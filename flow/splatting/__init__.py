"""The SRFlow data engine: faces covered with Gaussians, moved by muscles, rasterized with their exact flow.

Read in this order: `template` (the mesh), `head` and `surroundings` (the parts of a head), `muscles` and
`recipes` (what moves it), `skin`, `paint` and `identity` (whose it is), `gaussians` and `rasterize` (how it
is drawn), `ground_truth` (flow and masks), `sensor` (the camera), `scenes` (pairs), `write_dataset` (the
SRFlow layout). `head_model` and the files named after it animate a head model of scanned people instead.
"""

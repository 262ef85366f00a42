"""The SRFlow data engine: faces covered with Gaussians, moved by muscles, rasterized with their exact flow.

Read in this order: `template` (the mesh), `head` (what surrounds it), `muscles` and `recipes` (what moves it),
`texture` and `faces` (who it is), `gaussians` and `rasterize` (how it is drawn), `scenes` (pairs and clips).
"""

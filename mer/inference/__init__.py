"""One video -> what the face does in it: which moment, which regions and action units, which label, and how
sure.

Read in this order: `faces` (which face), `head` (what of the motion is the head's), `watch` (one pass over
the frames), `moment` (the onset and the apex), `regions` and `units` (what moved), `sureness` and `occlusion`
(what the label is worth), `score` (all of it together), `spot` (every interval of a long video).
"""

"""One pass over a video -> a track; a track -> intervals; an interval -> its explanation.

Read in this order: `face_tracker` (which face), `recorder` (the pass), `track_assembly` (what it recorded ->
a `track`), `head_motion` (what is the head's), `site_motion` (what is left of the face), `neutral` (against
which face), `peaks`, `eyes` and `spotting` (the intervals), `onset_apex` (which two frames are compared),
`motion`, `regions`, `action_units` and `attribution` (what lies between them), `reliability` (whether a label
is shown), `predict` (all of it together), `batch` (many clips).
"""

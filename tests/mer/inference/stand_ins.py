"""Stand-ins for `mer_core.parallel.map_items`."""


def run_here(work, items, *_, **__):
    """Work in this process."""
    return map(work, items)


def run_nothing(todo):
    """Return a stand-in that notes the names of the clips, and lets each fail."""

    def map_items(_, items, *__, **___):
        for name, _ in items:
            todo.append(name)
            yield {"clip": name, "outcome": "failed", "reason": "not done", "bundle": "synthetic"}

    return map_items

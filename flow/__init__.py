"""Two aligned faces -> motion in pixels: flow methods, the flow benchmark, strain and pictures of flow."""

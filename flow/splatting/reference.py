"""Readable, differentiable rasterizer in torch: every Gaussian at every pixel, on any device.

`rasterize.py` is tested against it. The cost is Gaussians x pixels, so it is for small pictures.
"""

import torch

from flow.splatting.rasterize import MAX_ALPHA, MIN_ALPHA, MIN_LIGHT


def composite(
    mean: torch.Tensor,
    conic: torch.Tensor,
    depth: torch.Tensor,
    opacity: torch.Tensor,
    values: torch.Tensor,
    width: int,
    height: int,
    min_light: float = MIN_LIGHT,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Blend `values` of Gaussians front to back into a picture.

        alpha_i(p) = opacity_i exp(-1/2 (p - mean_i)^T conic_i (p - mean_i)), 0 below one grey level
        light_i(p) = prod_{j before i} (1 - alpha_j(p)), the light that reaches i
        picture(p) = sum_i value_i (open(light_i) - open(light_{i+1}))
        open(l) = max(l - min_light, 0) / (1 - min_light)

    With min_light = 0 the weight is alpha_i light_i, the published rule. A larger one keeps occluded
    Gaussians from showing through a surface that is almost opaque.

    Parameters
    ----------
    mean : (G, 2) px
    conic : (G, 3) inverse covariance (xx, xy, yy) px^-2
    depth, opacity : (G,)
    values : (G, C)

    Returns
    -------
    picture, opacity : (H, W, C), not divided by the opacity, and (H, W)

    References
    ----------
    B. Kerbl et al., 3D Gaussian Splatting for Real-Time Radiance Field Rendering, 2023, equations 2 and 3.
    """
    front_to_back = torch.sort(depth, stable=True).indices
    mean, conic, opacity, values = (x[front_to_back] for x in (mean, conic, opacity, values))
    rows = []
    columns = torch.arange(width, dtype=mean.dtype, device=mean.device)
    for y in range(height):  # one row at a time bounds the memory to Gaussians x width
        dx = columns[None] - mean[:, :1]  # (G, W)
        dy = y - mean[:, 1:]  # (G, 1)
        power = 0.5 * (conic[:, :1] * dx**2 + conic[:, 2:] * dy**2) + conic[:, 1:2] * dx * dy
        alpha = opacity[:, None] * torch.exp(-power)
        alpha = torch.where(alpha > MIN_ALPHA, alpha.clamp(max=MAX_ALPHA), torch.zeros_like(alpha))
        light = torch.cumprod(torch.cat([torch.ones_like(alpha[:1]), 1 - alpha]), dim=0)
        light = (light - min_light).clamp(min=0) / (1 - min_light)  # (G + 1, W)
        rows.append(torch.cat([(light[:-1] - light[1:]).T @ values, 1 - light[-1][:, None]], dim=1))
    picture = torch.stack(rows)
    return picture[..., :-1], picture[..., -1]

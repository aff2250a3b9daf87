"""Pictures of what each code does (paper, figure 2): image grids, curves of waveforms, scatter plots of points."""

from infogan_fast.evaluation.pictures.traversal import (
    RealData,
    caption,
    drawn_as,
    why_no_pictures,
    write_samples,
    write_traversals,
)

__all__ = ["RealData", "caption", "drawn_as", "why_no_pictures", "write_samples", "write_traversals"]

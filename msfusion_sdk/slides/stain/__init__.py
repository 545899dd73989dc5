"""Give every slide the stain colours of one target slide, keeping its structure.

The colours of a slide's two stains are found once, from tissue all over the slide, and used
for each of its patches, so that neighbours cannot differ.

Sources: Vahadane et al., IEEE Transactions on Medical Imaging 35 (2016) 1962-1971; Macenko
et al., IEEE ISBI (2009) 1107-1110; one basis a slide: Ramakrishnan et al. (2019).
"""

from msfusion_sdk.slides.stain.basis import macenko_basis, vahadane_basis
from msfusion_sdk.slides.stain.density import concentrations, optical_density
from msfusion_sdk.slides.stain.normalizer import StainNormalizer
from msfusion_sdk.slides.stain.profile import StainProfile, find_profile
from msfusion_sdk.slides.stain.sampling import slide_profile

__all__ = [
    "StainNormalizer",
    "StainProfile",
    "concentrations",
    "find_profile",
    "macenko_basis",
    "optical_density",
    "slide_profile",
    "vahadane_basis",
]

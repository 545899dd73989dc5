from .annotations import AnnotationDescription as AnnotationDescription
from .annotations import describe_annotations as describe_annotations
from .describe import SlideDescription as SlideDescription
from .describe import describe_slide as describe_slide
from .encode_folder import SlideResult as SlideResult
from .encode_folder import encode_to_folder as encode_to_folder

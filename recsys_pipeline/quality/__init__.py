"""The door to Great Expectations: contract → suite → plain result; and Data Docs.

Importing this room does not import Great Expectations: that takes seconds and happens at the
first check.
"""

from recsys_pipeline.quality.checker import GreatExpectationsChecker
from recsys_pipeline.quality.fake import PlainChecker

__all__ = ["GreatExpectationsChecker", "PlainChecker"]

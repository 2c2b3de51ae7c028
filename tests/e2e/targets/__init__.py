"""The targets that the tests run, in the order of the page."""

from .databases import Pipelinewise, Postgres
from .embedded import Dlt, Duckdb
from .files import Csv, Jsonl, S3Csv, UniversalFile
from .stitch import Stitch

ALL = [Postgres, Pipelinewise, Duckdb, Jsonl, Csv, UniversalFile, S3Csv, Stitch, Dlt]

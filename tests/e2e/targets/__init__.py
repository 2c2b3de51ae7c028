"""The targets that the tests run, in the order of the page."""

from .databases import Mysql, Pipelinewise, Postgres
from .embedded import Dlt, Duckdb, Iceberg
from .files import Csv, Jsonl, S3Csv, UniversalFile
from .stitch import Stitch

ALL = [Postgres, Pipelinewise, Mysql, Duckdb, Iceberg, Jsonl, Csv, UniversalFile, S3Csv, Stitch, Dlt]

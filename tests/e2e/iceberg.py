"""Runs target-s3tables with a catalog in SQLite and tables in FOLDER, in place of AWS; or prints a table's rows.

Usage: iceberg.py FOLDER --config FILE | iceberg.py FOLDER --rows STREAM
"""

import json
import sys

from pyiceberg.catalog.sql import SqlCatalog

folder = sys.argv.pop(1)
catalog = SqlCatalog("together", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}")
if sys.argv[1] == "--rows":
    print(json.dumps(catalog.load_table(f"together.{sys.argv[2]}").scan().to_arrow().to_pylist(), default=str))
else:
    # Imported here because it takes more than a second.
    import target_s3tables.iceberg
    from target_s3tables.target import TargetS3Tables

    target_s3tables.iceberg.load_catalog = lambda name, **settings: catalog
    TargetS3Tables.cli()

"""How nouns travel: parquet for tables, safetensors and JSON for ensembles, JSON for everything small.

The same bytes lie in a node's repository, in a job's folder and on the compute node, so there is one
format, one version and one place that reads it. Equal nouns give equal bytes, which is what lets AiiDA
recognize an unchanged shard.
"""

from aiida_mlhull.science.wire.files import write_whole
from aiida_mlhull.science.wire.folder import (
    DONE_FILE,
    JobFolder,
    read_json,
    write_json,
)
from aiida_mlhull.science.wire.substitutions import decode_substitutions, encode_substitutions
from aiida_mlhull.science.wire.tables import decode_table, encode_table
from aiida_mlhull.science.wire.weights import (
    decode_ensemble,
    decode_member,
    encode_ensemble,
    encode_member,
)
from aiida_mlhull.science.wire.wyckoff import decode_wyckoff, encode_wyckoff

__all__ = [
    "DONE_FILE",
    "JobFolder",
    "decode_ensemble",
    "decode_member",
    "decode_substitutions",
    "decode_table",
    "decode_wyckoff",
    "encode_ensemble",
    "encode_member",
    "encode_substitutions",
    "encode_table",
    "encode_wyckoff",
    "read_json",
    "write_json",
    "write_whole",
]

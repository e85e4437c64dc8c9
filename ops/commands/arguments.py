"""Arguments and options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

TwinFile = Annotated[Path, typer.Argument(metavar="TWIN.toml", help="The twin's configuration file.")]
Scans = Annotated[list[Path], typer.Option("--scans", metavar="FILE", help="Recording: .csv, .csv.gz or .parquet.")]
MoreScans = Annotated[list[Path] | None, typer.Argument(metavar="FILE", help="More recordings.")]
Store = Annotated[
    Path | None,
    typer.Option("--store", metavar="FOLDER", help="Reference store. Default: references.store."),
]
Version = Annotated[
    str | None, typer.Option("--reference", metavar="NAME@VERSION", help="Default: the newest approved version.")
]
Unapproved = Annotated[bool, typer.Option("--unapproved", help="Allow a candidate or retired version.")]
RecoveryFolder = Annotated[
    Path | None, typer.Option("--recovery", metavar="FOLDER", help="Snapshots. Default: the twin's recovery.folder.")
]
Standby = Annotated[
    bool, typer.Option("--standby", help="Wait while another run holds the recovery folder; take over when it ends.")
]

"""What a model may know: where the feature tables lie. Rows join on when they became known."""

import os
from pathlib import Path

from feast import FileSource
from feast.data_format import ParquetFormat


def _source(stem: str) -> FileSource:
    folder = Path(os.environ["FEAST_FEATURE_SET"])
    return FileSource(
        name=f"{stem}_table",
        path=str(folder / f"{stem}.parquet"),
        timestamp_field="available_at",
        file_format=ParquetFormat(),
    )


application = _source("application")
text = _source("text")
geography = _source("geography")
dealer = _source("dealer")
customer = _source("customer")
bureau = _source("bureau")
history = _source("history")
open_loans = _source("open_loans")
closed_loans = _source("closed_loans")
behaviour = _source("behaviour")
transactions = _source("transactions")
links = _source("links")
vehicle = _source("vehicle")
vehicle_market = _source("vehicle_market")
strangers = _source("strangers")
referrals = _source("referrals")
dealer_conduct = _source("dealer_conduct")
vehicle_kind = _source("vehicle_kind")
outreach = _source("outreach")

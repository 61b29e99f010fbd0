"""The EDA service of AIR: statistics over columns that AIR hands to it, for AIR alone.

In: signed requests from the server, with an Arrow IPC stream or the name of a file. Out: figures,
each with how it was found, and findings in words. Absent on purpose: queries, models, sources of
data, anything a person calls directly. `app.py` is the door, `pool.py` and `worker.py` the worker
processes that compute, and each operation of the contract has a module of its name.
"""

__version__ = "0.1.0"

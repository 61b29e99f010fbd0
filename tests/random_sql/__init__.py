"""Random SQL texts: does every engine give the rows that PostgreSQL itself gives, or refuse?

`expressions` and `queries` make texts over the datasets of `random_irs`, as trees (`tree`) that can
be made small; `sessions` serves the data and holds the same in a PostgreSQL that is asked directly;
`agreement` compares; `runs` keeps what differs in `found`, each a regression test from then on.
`python -m tests.random_sql --help` runs it.
"""

"""Random questions: does every engine give the same rows, or the same refusal?

`schemas` makes datasets and `questions` makes IRs, both from a seed; `sessions` loads and serves;
`agreement` compares; `shrinking` makes a mismatch small; `found` holds mismatches that were found,
each a regression test from then on. `python -m tests.random_irs --help` runs it.
"""

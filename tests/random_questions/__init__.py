"""Random questions with a known meaning: does the service give the rows that are meant?

`domains` holds the words of a few trades, `worlds` makes small datasets of them from a seed,
`phrases` and `shapes` make questions together with their meaning, `meaning` computes the rows over
the same data in plain Python, `judging` holds an answer against them, `runs` asks and makes a wrong
answer small. `python -m tests.random_questions --help` runs it.
"""

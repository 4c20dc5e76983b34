"""What is often wrong with a table, looked for each time: passed, fixed, alerted or failed, with columns and numbers.

Azure ML SDK v1 tells of four such things for a table of rows (faults_verifier.py). Where it has a threshold, it is
taken.
"""

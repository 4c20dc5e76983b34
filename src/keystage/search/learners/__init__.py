"""What a search tries: each learner with its space, its strong starts and the way it is fitted."""

"""The verdicts: of each hop, and of a launch. Pure: the same run gives the same verdicts anywhere."""
